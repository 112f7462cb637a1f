//! What can be said about a file before it is sent.

use crate::i18n::locale::Locale;

/// What the form knows of a chosen file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Chosen {
    /// What it is called.
    pub(super) name: String,
    /// Its size in bytes.
    pub(super) size: u64,
}

impl Chosen {
    /// Returns why the file would be refused, as far as its size can tell.
    pub(super) fn problem(&self, t: Locale, max_bytes: u64) -> Option<String> {
        if self.size == 0 {
            return Some(match t {
                Locale::English => format!(
                    "“{}” is empty. Choose a file that contains products.",
                    self.name
                ),
                Locale::German => format!(
                    "„{}“ ist leer. Wähle eine Datei, die Produkte enthält.",
                    self.name
                ),
            });
        }
        (self.size > max_bytes).then(|| {
            let (name, size, most) = (&self.name, t.bytes(self.size), t.bytes(max_bytes));
            match t {
                Locale::English => format!("“{name}” is too large ({size}). The limit is {most}."),
                Locale::German => {
                    format!("„{name}“ ist zu groß ({size}). Erlaubt sind höchstens {most}.")
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(size: u64) -> Option<String> {
        Chosen {
            name: "feed.csv".to_owned(),
            size,
        }
        .problem(Locale::English, 1_048_576)
    }

    #[test]
    fn an_empty_and_a_too_large_file_are_not_sent() {
        assert!(problem(0).unwrap().contains("empty"));
        let too_large = problem(2_621_440).unwrap();
        assert!(too_large.contains("2.5 MB") && too_large.contains("The limit is 1 MB"));
        assert_eq!(problem(1), None);
        assert_eq!(problem(1_048_576), None);
    }
}
