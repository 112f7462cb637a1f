//! Escapes formulas in a streamed CSV file, against CSV injection.

use bytes::Bytes;

/// Puts an apostrophe before each cell that a spreadsheet program would take for a formula. A cell that has one stays
/// unchanged.
#[derive(Debug)]
pub(crate) struct CsvEscaping {
    at: At,
    /// Bytes of the byte-order mark seen so far.
    mark: usize,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum At {
    /// Before the first byte of a cell.
    Start,
    /// After the opening quote of a cell.
    Opened,
    Plain,
    Quoted,
    /// After a quote within a quoted cell: its end, or the first of two.
    Closed,
}

const MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

impl Default for CsvEscaping {
    fn default() -> Self {
        Self {
            at: At::Start,
            mark: 0,
        }
    }
}

impl CsvEscaping {
    pub(crate) fn next(&mut self, chunk: &[u8]) -> Bytes {
        let mut out = Vec::with_capacity(chunk.len() + chunk.len() / 16);
        for byte in chunk {
            if MARK.get(self.mark) == Some(byte) {
                self.mark += 1;
                out.push(*byte);
                continue;
            }
            self.mark = MARK.len();
            let is_first = matches!(self.at, At::Start | At::Opened);
            if is_first && begins_a_formula(*byte)
                || self.at == At::Opened && matches!(byte, b'\t' | b'\r')
            {
                out.push(b'\'');
            }
            out.push(*byte);
            self.at = self.at.after(*byte);
        }
        out.into()
    }
}

impl At {
    fn after(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::Start, b'"') => Self::Opened,
            (Self::Opened | Self::Quoted, b'"') => Self::Closed,
            (Self::Opened | Self::Quoted, _) | (Self::Closed, b'"') => Self::Quoted,
            // Any of these may separate cells, whatever the file intends.
            (Self::Start | Self::Plain | Self::Closed, b',' | b';' | b'\t' | b'\n' | b'\r') => {
                Self::Start
            }
            (Self::Start | Self::Plain | Self::Closed, _) => Self::Plain,
        }
    }
}

/// <https://owasp.org/www-community/attacks/CSV_Injection>, except tabs and line ends, which separate cells outside of
/// quotes.
fn begins_a_formula(byte: u8) -> bool {
    matches!(byte, b'=' | b'+' | b'-' | b'@')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn escaping(file: &str) -> String {
        let bytes = CsvEscaping::default().next(file.as_bytes());
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[test]
    fn no_cell_begins_a_formula() {
        for (file, harmless) in [
            ("sku,name\n=1+1,b\n", "sku,name\n'=1+1,b\n"),
            ("\u{feff}=cmd,\"=x, y\"\r\n", "\u{feff}'=cmd,\"'=x, y\"\r\n"),
            ("a;@b;-5;+1", "a;'@b;'-5;'+1"),
            ("\"a\"\"=b\",\"-\"", "\"a\"\"=b\",\"'-\""),
            ("\"a\n=b\"", "\"a\n=b\""),
            ("\"\t=b\"", "\"'\t=b\""),
            ("'=1,a=b", "'=1,a=b"),
            ("a\t=b", "a\t'=b"),
        ] {
            assert_eq!(escaping(file), harmless, "{file}");
            assert_eq!(escaping(harmless), harmless);
        }
    }

    proptest! {
        #[test]
        fn it_does_not_matter_how_a_file_is_cut(file in "[\u{feff}a=\",;\n@]{0,40}", size in 1_usize..5) {
            let mut cut = CsvEscaping::default();
            let pieces: Vec<u8> = file.as_bytes().chunks(size).flat_map(|it| cut.next(it)).collect();
            prop_assert_eq!(String::from_utf8(pieces).unwrap(), escaping(&file));
        }

        #[test]
        fn a_reader_finds_no_formula(cells in proptest::collection::vec("[a=+@\"\n,-]{0,6}", 1..6)) {
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(&cells).unwrap();
            let file = escaping(std::str::from_utf8(&writer.into_inner().unwrap()).unwrap());
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(file.as_bytes());
            for record in reader.records() {
                for cell in &record.unwrap() {
                    prop_assert!(!cell.starts_with(['=', '+', '-', '@']), "{file}");
                }
            }
        }
    }
}
