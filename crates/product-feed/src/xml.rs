//! Streams XML events in constant memory.

use std::io::{self, BufRead, Read};

use quick_xml::{
    Error, Reader,
    events::{BytesStart, Event},
};

use crate::{budget::MAX_ROW, reader::FeedError};

/// Maximum depth of elements, and bytes of their names, which the parser keeps.
const MAX_DEPTH: usize = 256;
const MAX_NAMES: usize = 256 << 10;

/// A document being read.
pub(crate) struct Xml<R> {
    reader: Reader<Bounded<R>>,
    buffer: Vec<u8>,
    depth: usize,
    /// Bytes of the open elements' names.
    names: usize,
}

/// Why a document cannot be read further.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The input failed.
    Read(FeedError),
    /// A token is too long.
    Long { line: u64 },
    /// It is not well-formed.
    Broken { line: u64 },
}

impl From<Fault> for FeedError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Read(error) => error,
            Fault::Long { line } => Self::LongRow { line },
            Fault::Broken { line } => Self::BrokenXml { line },
        }
    }
}

impl<R: BufRead> Xml<R> {
    /// Starts a UTF-8 document.
    pub(crate) fn new(inner: R) -> Self {
        let mut reader = Reader::from_reader(Bounded::new(inner));
        reader.config_mut().expand_empty_elements = true;
        reader.config_mut().check_end_names = true;
        // Shops write `A & B` without escaping it.
        reader.config_mut().allow_dangling_amp = true;
        Self {
            reader,
            buffer: Vec::new(),
            depth: 0,
            names: 0,
        }
    }

    /// Returns the next event and its last line.
    pub(crate) fn next(&mut self) -> Result<(Event<'_>, u64), Fault> {
        self.buffer.clear();
        self.reader.get_mut().left = MAX_ROW;
        let event = self.reader.read_event_into(&mut self.buffer);
        let line = self.reader.get_ref().line;
        let event = event.map_err(|error| match error {
            Error::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => Fault::Long { line },
            Error::Io(error) => Fault::Read(FeedError::from_shared(&error)),
            _ => Fault::Broken { line },
        })?;
        match &event {
            Event::Start(start) => {
                self.depth += 1;
                self.names += start.name().as_ref().len();
            }
            Event::End(end) => {
                self.depth = self.depth.saturating_sub(1);
                self.names = self.names.saturating_sub(end.name().as_ref().len());
            }
            _ => {}
        }
        if self.depth > MAX_DEPTH || self.names > MAX_NAMES {
            return Err(Fault::Broken { line });
        }
        Ok((event, line))
    }

    /// Skips the rest of the element that just started.
    pub(crate) fn skip_element(&mut self) -> Result<(), Fault> {
        let outside = self.depth.saturating_sub(1);
        while self.depth > outside {
            if matches!(self.next()?.0, Event::Eof) {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// Appends text, CDATA or a reference; ignores other events.
pub(crate) fn push_text(text: &mut String, event: &Event<'_>) {
    match event {
        Event::Text(part) => text.push_str(part),
        Event::CData(part) => text.push_str(part),
        Event::GeneralRef(reference) => match reference.resolve_char_ref() {
            Ok(Some(character)) => text.push(character),
            _ => push_entity(text, reference),
        },
        _ => {}
    }
}

/// Returns the text of an XML entity, or of an HTML entity used in XML.
fn push_entity(text: &mut String, name: &str) {
    match name {
        "amp" => text.push('&'),
        "lt" => text.push('<'),
        "gt" => text.push('>'),
        "quot" => text.push('"'),
        "apos" => text.push('\''),
        "nbsp" => text.push(' '),
        other => {
            text.push('&');
            text.push_str(other);
            text.push(';');
        }
    }
}

/// Returns the value of an attribute, ignoring its prefix.
pub(crate) fn attribute(start: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut attributes = start.attributes();
    let found = attributes
        .with_checks(false)
        .flatten()
        .find(|attribute| attribute.key.local_name().as_ref() == name)?;
    // A lone `&`, as in URLs, is tolerated.
    let value = quick_xml::escape::unescape(&found.value).ok();
    Some(value.map_or_else(|| found.value.to_string(), Into::into))
}

/// Counts lines, and limits the bytes of one token.
struct Bounded<R> {
    inner: R,
    line: u64,
    left: usize,
}

impl<R> Bounded<R> {
    fn new(inner: R) -> Self {
        Self {
            inner,
            line: 1,
            left: MAX_ROW,
        }
    }
}

impl<R: BufRead> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let filled = self.fill_buf()?;
        let length = filled.len().min(buffer.len());
        buffer[..length].copy_from_slice(&filled[..length]);
        self.consume(length);
        Ok(length)
    }
}

impl<R: BufRead> BufRead for Bounded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        // The buffer is the one just returned, so looking again is cheap.
        if let Ok(filled) = self.inner.fill_buf() {
            let seen = &filled[..amount.min(filled.len())];
            self.line += memchr::memchr_iter(b'\n', seen).count() as u64;
        }
        self.left = self.left.saturating_sub(amount);
        self.inner.consume(amount);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An endless stream.
    struct Endless(&'static [u8]);

    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            for (byte, pattern) in buffer.iter_mut().zip(self.0.iter().cycle()) {
                *byte = *pattern;
            }
            Ok(buffer.len() / self.0.len() * self.0.len())
        }
    }

    fn fault_of(pattern: &'static [u8]) -> Fault {
        let mut xml = Xml::new(io::BufReader::new(Endless(pattern)));
        loop {
            if let Err(fault) = xml.next() {
                assert!(xml.buffer.capacity() < 4 * MAX_ROW);
                return fault;
            }
        }
    }

    #[test]
    fn a_text_without_end_is_not_held() {
        assert!(matches!(fault_of(b"text"), Fault::Long { .. }));
        assert!(matches!(fault_of(b"<a text"), Fault::Long { .. }));
    }

    #[test]
    fn elements_without_end_are_not_remembered() {
        assert!(matches!(fault_of(b"<a>\n"), Fault::Broken { line: 257 }));
    }

    #[test]
    fn attributes_are_found_whatever_their_prefix() {
        let mut xml = Xml::new(&b"<a x:b=\"1 &amp; 2\" c='3'/>"[..]);
        let (Event::Start(start), _) = xml.next().unwrap() else {
            panic!("no element");
        };
        assert_eq!(attribute(&start, "b").as_deref(), Some("1 & 2"));
        assert_eq!(attribute(&start, "c").as_deref(), Some("3"));
        assert_eq!(attribute(&start, "d"), None);
    }
}
