//! Events written together, plain or as a chunk (RFC 9112, section 7.1) (pure).

/// Maximum bytes of a chunk head: hexadecimal size and line break.
const MAX_HEAD: usize = 18;
const CRLF: &[u8] = b"\r\n";
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

#[derive(Debug)]
pub(super) struct Piece {
    /// A gap for the chunk head, then the events.
    bytes: Vec<u8>,
}

impl Piece {
    pub(super) fn new() -> Self {
        let bytes = vec![0; MAX_HEAD];
        Self { bytes }
    }

    pub(super) fn clear(&mut self) {
        self.bytes.truncate(MAX_HEAD);
    }

    pub(super) fn push(&mut self, events: &[u8]) {
        self.bytes.extend_from_slice(events);
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len() - MAX_HEAD
    }

    pub(super) fn events(&self) -> &[u8] {
        &self.bytes[MAX_HEAD..]
    }

    /// Returns the events as a chunk, with the last chunk if the body ends. Clear the piece before reuse.
    pub(super) fn chunk(&mut self, is_last: bool) -> &[u8] {
        let mut size = self.len();
        let mut start = MAX_HEAD;
        // An empty chunk would end the body.
        if size > 0 {
            self.push(CRLF);
            start -= CRLF.len();
            self.bytes[start..MAX_HEAD].copy_from_slice(CRLF);
            while size > 0 {
                start -= 1;
                self.bytes[start] = b"0123456789abcdef"[size % 16];
                size /= 16;
            }
        }
        if is_last {
            self.push(LAST_CHUNK);
        }
        &self.bytes[start..]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_end_without_events_is_the_last_chunk_alone() {
        let mut piece = Piece::new();
        assert_eq!(piece.chunk(false), b"");
        piece.clear();
        assert_eq!(piece.chunk(true), b"0\r\n\r\n");
    }

    proptest! {
        #[test]
        fn a_chunk_is_its_size_the_events_and_the_end(
            events: Vec<Vec<u8>>,
            is_last: bool,
            before: Vec<u8>,
        ) {
            let mut piece = Piece::new();
            piece.push(&before);
            piece.chunk(true);
            piece.clear();
            for event in &events {
                piece.push(event);
            }
            let events = events.concat();
            prop_assert_eq!(piece.events(), &events);
            let mut expected = Vec::new();
            if !events.is_empty() {
                expected.extend(format!("{:x}\r\n", events.len()).bytes());
                expected.extend(&events);
                expected.extend(b"\r\n");
            }
            if is_last {
                expected.extend(b"0\r\n\r\n");
            }
            prop_assert_eq!(piece.chunk(is_last), expected);
        }
    }
}
