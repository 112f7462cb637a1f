//! In which encoding a file is written, told from its bytes.
//!
//! A byte-order mark decides. Without one: zero bytes at every other place mean UTF-16; a file whose
//! bytes beyond ASCII are UTF-8, all or most of them, is UTF-8. For any other `chardetng` makes its guess,
//! which holds unless in another encoding the header row names more columns or the letters fit better: that
//! knows neither the encodings of DOS and the Mac nor what a list is. A single cell that is not UTF-8 in a
//! file that is does not turn the others to gibberish: it alone is read as Windows-1252.

use std::{
    borrow::Cow,
    cmp::Reverse,
    io::{self, Read},
};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{
    BIG5, Decoder, EUC_JP, EUC_KR, Encoding, GB18030, IBM866, KOI8_R, MACINTOSH, SHIFT_JIS, UTF_8,
    UTF_16BE, UTF_16LE, WINDOWS_1250, WINDOWS_1251, WINDOWS_1252, WINDOWS_1253, WINDOWS_1254,
    WINDOWS_1255, WINDOWS_1256, WINDOWS_1257, X_MAC_CYRILLIC,
};
use oem_cp::code_table::{DECODING_TABLE_CP437, DECODING_TABLE_CP850};

use crate::{dialect, legacy::Legacy, reader::FeedError};

/// Encodings that are tried, but for the usual ones.
const LEGACY: [&Encoding; 16] = [
    MACINTOSH,
    WINDOWS_1250,
    WINDOWS_1251,
    WINDOWS_1253,
    WINDOWS_1254,
    WINDOWS_1255,
    WINDOWS_1256,
    WINDOWS_1257,
    KOI8_R,
    IBM866,
    X_MAC_CYRILLIC,
    GB18030,
    BIG5,
    SHIFT_JIS,
    EUC_JP,
    EUC_KR,
];

/// Bytes of the beginning, and of other lines, that are tried in each encoding.
const HEAD: usize = 4 << 10;

/// Bytes that are looked through at most.
const LOOKED_THROUGH: u64 = 64 << 20;

/// Bytes beyond ASCII that are enough to tell.
const ENOUGH: usize = 16 << 10;

/// Bytes read at once.
const BLOCK: usize = 64 << 10;

/// How the cells of a file become text. Marks between cells are ASCII in all of these.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CellEncoding {
    /// The encoding of the whole file, where it is not UTF-8.
    legacy: Option<Legacy>,
}

impl CellEncoding {
    /// UTF-8, with Windows-1252 for a cell that is not.
    pub(crate) const UTF_8: Self = Self { legacy: None };

    /// Returns the encoding's name.
    pub(crate) fn name(self) -> &'static str {
        self.legacy.map_or("UTF-8", Legacy::name)
    }

    /// Reads a cell as text, without spaces around it.
    pub(crate) fn text(self, cell: &[u8]) -> Cow<'_, str> {
        match (self.legacy, std::str::from_utf8(cell)) {
            (Some(_), Ok(text)) if text.is_ascii() => Cow::Borrowed(text.trim()),
            (None, Ok(text)) => Cow::Borrowed(text.trim()),
            (legacy, _) => {
                let text = legacy.unwrap_or(Legacy::WINDOWS_1252).decode(cell);
                Cow::Owned(text.trim().to_owned())
            }
        }
    }

    /// Returns the encoding as one of the Encoding Standard; Windows-1252 for one of DOS.
    pub(crate) fn standard(self) -> &'static Encoding {
        match self.legacy {
            None => UTF_8,
            Some(Legacy::Standard(encoding)) => encoding,
            Some(Legacy::Dos(_)) => WINDOWS_1252,
        }
    }

    /// Returns the encoding, if characters can be of several bytes in it and it is not UTF-8.
    pub(crate) fn of_several_bytes(self) -> Option<&'static Encoding> {
        match self.legacy? {
            Legacy::Standard(encoding) if !encoding.is_single_byte() => Some(encoding),
            _ => None,
        }
    }
}

/// Reads the beginning of a file that is UTF-16; `None` for any other.
pub(crate) fn utf_16_text(head: &[u8]) -> Option<String> {
    let (text, _) = utf_16(head)?.decode_with_bom_removal(head);
    Some(text.replace('\0', " "))
}

fn utf_16(head: &[u8]) -> Option<&'static Encoding> {
    if head.starts_with(b"\xFF\xFE") {
        return Some(UTF_16LE);
    }
    if head.starts_with(b"\xFE\xFF") {
        return Some(UTF_16BE);
    }
    // Without a mark: what is ASCII, as delimiters and line ends are, has a zero in the same half of each
    // pair, and hardly anything has one in the other. Zeros that fill up a cell are at any place.
    let pairs = head.as_chunks::<2>().0.iter().take(1024);
    let (mut first, mut second, mut all) = (0_usize, 0_usize, 0_usize);
    for pair in pairs {
        first += usize::from(pair[0] == 0);
        second += usize::from(pair[1] == 0);
        all += 1;
    }
    let is_told =
        |zeros: usize, others: usize| zeros >= 3 && zeros * 10 >= all && zeros >= 8 * others;
    if is_told(second, first) {
        Some(UTF_16LE)
    } else if is_told(first, second) {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// Turns a UTF-16 stream into UTF-8, and leaves any other as it is. `head` is how it begins.
pub(crate) fn without_utf_16(
    head: &[u8],
    stream: impl Read + Send + 'static,
) -> Box<dyn Read + Send> {
    match utf_16(head) {
        Some(encoding) => Box::new(Transcoded::new(stream, encoding)),
        None => Box::new(stream),
    }
}

/// Turns a stream of a known encoding into UTF-8.
pub(crate) fn transcoded(
    stream: impl Read + Send + 'static,
    encoding: &'static Encoding,
) -> Box<dyn Read + Send> {
    Box::new(Transcoded::new(stream, encoding))
}

/// Tells how the cells of a stream that is not UTF-16 are encoded.
///
/// # Errors
///
/// When it cannot be read.
pub(crate) fn detect(stream: impl Read) -> Result<CellEncoding, FeedError> {
    let mut stream = stream.take(LOOKED_THROUGH);
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    let mut evidence = Evidence::default();
    let mut sample = Sample::default();
    let mut block = vec![0; BLOCK];
    // A character may be cut in two by the end of a block.
    let mut kept = 0;
    loop {
        let read = stream
            .read(&mut block[kept..])
            .map_err(FeedError::from_read)?;
        let filled = kept + read;
        sample.take(&block[kept..filled]);
        if block[kept..filled].is_ascii() && kept == 0 {
            if read == 0 {
                break;
            }
            continue;
        }
        kept = evidence.weigh(&block[..filled], read == 0);
        detector.feed(&block[..filled - kept], false);
        block.copy_within(filled - kept..filled, 0);
        if read == 0 || evidence.characters * 2 + evidence.strangers > ENOUGH {
            break;
        }
    }
    if evidence.strangers <= evidence.characters {
        return Ok(CellEncoding::UTF_8);
    }
    detector.feed(b"", true);
    let guess = detector.guess(None, Utf8Detection::Deny);
    let legacy = sample.best(guess);
    Ok(CellEncoding {
        legacy: Some(legacy),
    })
}

/// The beginning of a file, and lines of it that are not ASCII.
#[derive(Default)]
struct Sample {
    head: Vec<u8>,
    lines: Vec<u8>,
}

impl Sample {
    fn take(&mut self, block: &[u8]) {
        let missing = HEAD.saturating_sub(self.head.len()).min(block.len());
        self.head.extend_from_slice(&block[..missing]);
        for line in block.split(|byte| matches!(byte, b'\n' | b'\r')) {
            if self.lines.len() >= HEAD {
                break;
            }
            if !line.is_ascii() {
                self.lines.extend_from_slice(&line[..line.len().min(HEAD)]);
                self.lines.push(b'\n');
            }
        }
    }

    /// The encoding in which the header row names the most columns, and of several such the one that makes
    /// the fewest letters look out of place. Of equals it is the guess, or else the most usual.
    fn best(&self, guess: &'static Encoding) -> Legacy {
        let ends_with_carriage_return = memchr::memchr(b'\r', &self.head).is_some()
            && memchr::memchr(b'\n', &self.head).is_none();
        let foreign = self.lines.iter().filter(|byte| !byte.is_ascii()).count();
        // Another encoding must fit clearly better than the guess; one in which any two bytes are a
        // character fits by chance.
        let handicap = |encoding: &'static Encoding| match encoding {
            _ if encoding == guess || encoding == MACINTOSH && ends_with_carriage_return => 0,
            _ if encoding.is_single_byte() => 1 + foreign / 4,
            _ => 1 + 2 * foreign,
        };
        let standard = |encoding| (Legacy::Standard(encoding), handicap(encoding));
        let mac = ends_with_carriage_return.then(|| standard(MACINTOSH));
        let dos = [&DECODING_TABLE_CP850, &DECODING_TABLE_CP437].map(Legacy::Dos);
        let first = mac
            .into_iter()
            .chain([standard(guess), standard(WINDOWS_1252)]);
        let candidates = first
            .chain(dos.map(|dos| (dos, 1 + foreign / 4)))
            .chain(LEGACY.map(standard));
        // The first of equals is the least.
        let best = candidates.min_by_key(|(legacy, handicap)| {
            let encoding = CellEncoding {
                legacy: Some(*legacy),
            };
            let known = dialect::known_columns(&self.head, encoding);
            (Reverse(known), handicap + legacy.oddness(&self.lines))
        });
        best.map_or(Legacy::WINDOWS_1252, |(legacy, _)| legacy)
    }
}

/// What speaks for UTF-8 and what against it.
#[derive(Debug, Default)]
struct Evidence {
    /// Characters beyond ASCII.
    characters: usize,
    /// Bytes that are no part of one.
    strangers: usize,
}

impl Evidence {
    /// Weighs a block and returns how many bytes at its end must be seen again with what follows.
    fn weigh(&mut self, mut block: &[u8], is_last: bool) -> usize {
        loop {
            match std::str::from_utf8(block) {
                Ok(text) => {
                    self.characters += beyond_ascii(text.as_bytes());
                    return 0;
                }
                Err(error) => {
                    let (valid, rest) = block.split_at(error.valid_up_to());
                    self.characters += beyond_ascii(valid);
                    let Some(length) = error.error_len() else {
                        self.strangers += usize::from(is_last) * rest.len();
                        return if is_last { 0 } else { rest.len() };
                    };
                    self.strangers += length;
                    block = &rest[length..];
                }
            }
        }
    }
}

/// Counts the characters beyond ASCII of UTF-8 text: the bytes that begin one.
fn beyond_ascii(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte >= 0xC0).count()
}

/// A stream in another encoding, as UTF-8.
struct Transcoded<R> {
    inner: R,
    decoder: Decoder,
    raw: Vec<u8>,
    text: Vec<u8>,
    /// What of `text` is given out already.
    given: usize,
    at_end: bool,
}

impl<R: Read> Transcoded<R> {
    fn new(inner: R, encoding: &'static Encoding) -> Self {
        Self {
            inner,
            // Takes the byte-order mark away, should it be this encoding's.
            decoder: encoding.new_decoder_with_bom_removal(),
            raw: vec![0; BLOCK],
            text: Vec::new(),
            given: 0,
            at_end: false,
        }
    }

    fn refill(&mut self) -> io::Result<()> {
        let read = self.inner.read(&mut self.raw)?;
        self.at_end = read == 0;
        self.given = 0;
        let longest = self
            .decoder
            .max_utf8_buffer_length(read)
            .unwrap_or(4 * BLOCK);
        self.text.clear();
        self.text.resize(longest, 0);
        let (_, _, written, _) =
            self.decoder
                .decode_to_utf8(&self.raw[..read], &mut self.text, self.at_end);
        self.text.truncate(written);
        Ok(())
    }
}

impl<R: Read> Read for Transcoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.text.len() && !self.at_end {
            self.refill()?;
        }
        let rest = &self.text[self.given..];
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        self.given += length;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> String {
        let mut text = String::new();
        without_utf_16(bytes, io::Cursor::new(bytes.to_vec()))
            .read_to_string(&mut text)
            .unwrap();
        text
    }

    #[test]
    fn utf_16_is_told_with_and_without_its_mark() {
        let text = "sku,name\n1,Größe 😀\n".repeat(5000);
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for bytes in [&little, &big] {
            assert_eq!(read(bytes), text);
        }
        assert_eq!(read(&[&b"\xFF\xFE"[..], &little].concat()), text);
        assert_eq!(read(&[&b"\xFE\xFF"[..], &big].concat()), text);
        assert_eq!(read(b"sku,name\n"), "sku,name\n");
    }

    #[test]
    fn the_encoding_of_cells_is_told_from_the_whole_file() {
        let filler = "plain,line\n".repeat(20_000);
        let cell = |bytes: &[u8], cell: &[u8]| {
            let file = [filler.as_bytes(), bytes].concat();
            detect(file.as_slice()).unwrap().text(cell).into_owned()
        };
        assert_eq!(cell("Größe".as_bytes(), "Größe".as_bytes()), "Größe");
        assert_eq!(cell(b"Gr\xF6\xDFe \x80", b"Gr\xF6\xDFe \x80 "), "Größe €");
        let (cyrillic, ..) = WINDOWS_1251.encode("Красная рубашка, размер большой");
        assert_eq!(
            cell(&cyrillic, &cyrillic),
            "Красная рубашка, размер большой"
        );
    }

    #[test]
    fn one_broken_cell_leaves_the_others_as_they_are() {
        let file = ["Größe,".repeat(50).as_bytes(), b"Caf\xE9"].concat();
        let encoding = detect(file.as_slice()).unwrap();
        assert_eq!(encoding.text("Größe".as_bytes()), "Größe");
        assert_eq!(encoding.text(b"Caf\xE9"), "Café");
    }
}
