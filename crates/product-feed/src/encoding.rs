//! Detects the encoding of a file.
//!
//! A byte-order mark decides. Otherwise: zeros in every second byte mean UTF-16; mostly valid UTF-8 beyond
//! ASCII means UTF-8. For anything else `chardetng`'s guess is compared with encodings that it does not know
//! (DOS, Mac), by known columns in the header row and by plausible letters. A single invalid cell in a UTF-8
//! file is read as Windows-1252 and does not change the others.

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

use crate::{
    dialect,
    legacy::{Legacy, PAGES},
    reader::FeedError,
};

/// Candidates besides the common encodings.
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

/// Bytes of the beginning, and of other lines, tried in each encoding.
const HEAD: usize = 4 << 10;

/// Maximum bytes to scan.
const LOOKED_THROUGH: u64 = 64 << 20;

/// Bytes beyond ASCII that suffice.
const ENOUGH: usize = 16 << 10;

const BLOCK: usize = 64 << 10;

/// Decodes cells. Delimiters are ASCII in all supported encodings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CellEncoding {
    /// The file's encoding if it is not UTF-8.
    legacy: Option<Legacy>,
}

impl CellEncoding {
    /// UTF-8, with Windows-1252 for invalid cells.
    pub(crate) const UTF_8: Self = Self { legacy: None };

    pub(crate) fn name(self) -> &'static str {
        self.legacy.map_or("UTF-8", Legacy::name)
    }

    /// Decodes and trims a cell.
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

    /// Returns the encoding of the Encoding Standard; Windows-1252 for another code page.
    pub(crate) fn standard(self) -> &'static Encoding {
        match self.legacy {
            None => UTF_8,
            Some(Legacy::Standard(encoding)) => encoding,
            Some(Legacy::Page(_)) => WINDOWS_1252,
        }
    }

    /// Returns the encoding if it is multi-byte and not UTF-8.
    pub(crate) fn of_several_bytes(self) -> Option<&'static Encoding> {
        match self.legacy? {
            Legacy::Standard(encoding) if !encoding.is_single_byte() => Some(encoding),
            _ => None,
        }
    }
}

/// Decodes the beginning of a UTF-16 file; `None` for any other.
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
    // Without a mark: ASCII characters, such as delimiters, have zeros in the same half of each pair. Padding
    // zeros can be anywhere.
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

/// Converts a UTF-16 stream to UTF-8, and passes any other. `head` is its beginning.
pub(crate) fn without_utf_16(
    head: &[u8],
    stream: impl Read + Send + 'static,
) -> Box<dyn Read + Send> {
    match utf_16(head) {
        Some(encoding) => Box::new(Transcoded::new(stream, encoding)),
        None => Box::new(stream),
    }
}

/// Converts a stream of a known encoding to UTF-8.
pub(crate) fn transcoded(
    stream: impl Read + Send + 'static,
    encoding: &'static Encoding,
) -> Box<dyn Read + Send> {
    Box::new(Transcoded::new(stream, encoding))
}

/// Detects the encoding of a stream that is not UTF-16.
///
/// # Errors
///
/// If it cannot be read.
pub(crate) fn detect(stream: impl Read) -> Result<CellEncoding, FeedError> {
    let mut stream = stream.take(LOOKED_THROUGH);
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    let mut evidence = Evidence::default();
    let mut sample = Sample::default();
    let mut block = vec![0; BLOCK];
    // A block can end within a character.
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

/// The beginning of a file, and some of its non-ASCII lines.
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

    /// Returns the encoding with the most known columns in the header row, then with the most plausible
    /// letters; of equals the guess, then the most common.
    fn best(&self, guess: &'static Encoding) -> Legacy {
        let ends_with_carriage_return = memchr::memchr(b'\r', &self.head).is_some()
            && memchr::memchr(b'\n', &self.head).is_none();
        let foreign = self.lines.iter().filter(|byte| !byte.is_ascii()).count();
        // Another encoding must fit clearly better than the guess; multi-byte encodings accept nearly
        // anything.
        let handicap = |encoding: &'static Encoding| match encoding {
            _ if encoding == guess || encoding == MACINTOSH && ends_with_carriage_return => 0,
            _ if encoding.is_single_byte() => 1 + foreign / 4,
            _ => 1 + 2 * foreign,
        };
        let standard = |encoding| (Legacy::Standard(encoding), handicap(encoding));
        let mac = ends_with_carriage_return.then(|| standard(MACINTOSH));
        let first = mac
            .into_iter()
            .chain([standard(guess), standard(WINDOWS_1252)]);
        let candidates = first
            .chain(PAGES.iter().map(|page| {
                let handicap = if page.is_rare { 3 } else { 1 };
                (Legacy::Page(page), handicap + foreign / 4)
            }))
            .chain(LEGACY.map(standard));
        // The first minimum wins.
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

/// Evidence for and against UTF-8.
#[derive(Debug, Default)]
struct Evidence {
    /// Valid characters beyond ASCII.
    characters: usize,
    /// Invalid bytes.
    strangers: usize,
}

impl Evidence {
    /// Weighs a block and returns how many trailing bytes must be repeated with the next one.
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

/// Counts non-ASCII characters of UTF-8 text by their first bytes.
fn beyond_ascii(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte >= 0xC0).count()
}

/// Converts a stream to UTF-8.
struct Transcoded<R> {
    inner: R,
    decoder: Decoder,
    raw: Vec<u8>,
    text: Vec<u8>,
    /// Bytes of `text` already returned.
    given: usize,
    at_end: bool,
}

impl<R: Read> Transcoded<R> {
    fn new(inner: R, encoding: &'static Encoding) -> Self {
        Self {
            inner,
            // Removes this encoding's byte-order mark.
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
