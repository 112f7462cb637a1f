//! Splits a stream into lines in constant memory.

use std::io::Read;

use crate::{budget::MAX_ROW, reader::FeedError};

const BLOCK: usize = 256 << 10;

/// Buffers a stream and returns its lines.
pub(crate) struct Lines<R> {
    inner: R,
    /// Whether lines end with a lone carriage return, which is converted to a line feed.
    of_carriage_returns: bool,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    is_at_end: bool,
}

impl<R: Read> Lines<R> {
    /// Starts with the first line.
    pub(crate) fn new(inner: R, of_carriage_returns: bool) -> Self {
        Self {
            inner,
            of_carriage_returns,
            buffer: vec![0; BLOCK],
            start: 0,
            end: 0,
            is_at_end: false,
        }
    }

    /// Returns the buffered bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Returns whether the buffer holds the rest of the stream.
    pub(crate) fn is_all(&self) -> bool {
        self.is_at_end
    }

    /// Buffers the next line and returns its length without the ending, of which both bytes are buffered. `number`
    /// is the line's number, from 1.
    ///
    /// # Errors
    ///
    /// If it cannot be read or is too long.
    pub(crate) fn line(&mut self, number: u64) -> Result<Option<usize>, FeedError> {
        let mut seen = 0;
        loop {
            let bytes = self.bytes();
            if let Some(end) = memchr::memchr2(b'\n', b'\r', &bytes[seen..]) {
                let end = seen + end;
                if bytes[end] == b'\n' || end + 1 < bytes.len() || self.is_at_end {
                    return Ok(Some(end));
                }
                seen = end;
            } else {
                seen = bytes.len();
            }
            if seen > MAX_ROW {
                return Err(FeedError::LongRow { line: number });
            }
            if !self.read_more()? {
                let bytes = self.bytes();
                return Ok((!bytes.is_empty()).then_some(seen));
            }
        }
    }

    /// Buffers more, and returns whether there was any.
    ///
    /// # Errors
    ///
    /// If reading fails.
    pub(crate) fn read_more(&mut self) -> Result<bool, FeedError> {
        if self.is_at_end {
            return Ok(false);
        }
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.buffer.len() {
            self.buffer.resize(2 * self.end, 0);
        }
        let free = &mut self.buffer[self.end..];
        let read = self.inner.read(free).map_err(FeedError::from_read)?;
        if self.of_carriage_returns {
            for byte in &mut free[..read] {
                if *byte == b'\r' {
                    *byte = b'\n';
                }
            }
        }
        self.end += read;
        self.is_at_end = read == 0;
        Ok(read > 0)
    }

    /// Advances by a number of bytes.
    pub(crate) fn skip(&mut self, bytes: usize) {
        self.start = (self.start + bytes).min(self.end);
    }
}
