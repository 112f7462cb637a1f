//! Checks files before they are uploaded.

use web_sys::{File, FileList};

use super::request::whole;
use crate::i18n::messages::ErrorCode;

/// The chosen files, as the form shows them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Chosen {
    /// Name of the first file.
    pub(super) name: String,
    pub(super) size: u64,
    /// Number of further files.
    pub(super) more: u64,
}

impl Chosen {
    /// Summarises files; `None` if there are none.
    pub(super) fn of(files: &[File]) -> Option<Self> {
        let (first, more) = files.split_first()?;
        Some(Self {
            name: first.name(),
            size: whole(first.size()),
            more: more.len() as u64,
        })
    }
}

/// Returns why a file would be rejected by its size.
pub(super) fn problem(name: String, size: u64, max_bytes: u64) -> Option<ErrorCode> {
    if size == 0 {
        return Some(ErrorCode::EmptyChoice { name });
    }
    (size > max_bytes).then_some(ErrorCode::TooLargeChoice {
        name,
        size,
        limit: max_bytes,
    })
}

pub(super) fn files_of(list: Option<&FileList>) -> Vec<File> {
    let Some(list) = list else {
        return Vec::new();
    };
    (0..list.length())
        .filter_map(|index| list.get(index))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(size: u64) -> Option<String> {
        let problem = problem("feed.csv".to_owned(), size, 1_048_576);
        problem.map(|problem| problem.to_string())
    }

    #[test]
    fn an_empty_and_a_too_large_file_are_not_sent() {
        assert!(said(0).unwrap().contains("empty"));
        let too_large = said(2_621_440).unwrap();
        assert!(too_large.contains("2.5 MB") && too_large.contains("The limit is 1 MB"));
        assert_eq!(said(1), None);
        assert_eq!(said(1_048_576), None);
    }
}
