//! What can be said about a file before it is sent.

use crate::i18n::messages::ErrorCode;

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
    pub(super) fn problem(&self, max_bytes: u64) -> Option<ErrorCode> {
        let name = self.name.clone();
        if self.size == 0 {
            return Some(ErrorCode::EmptyChoice { name });
        }
        (self.size > max_bytes).then_some(ErrorCode::TooLargeChoice {
            name,
            size: self.size,
            limit: max_bytes,
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
        .problem(1_048_576)
        .map(|problem| problem.to_string())
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
