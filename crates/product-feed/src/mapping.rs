//! What somebody says the columns of a file hold.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{columns::Meaning, header::Header};

/// Columns, by their place from 0, and what they hold. A column that is not in it holds nothing that
/// matters.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Mapping {
    columns: BTreeMap<usize, Word>,
    /// The [fingerprint](super::Header::fingerprint) of the header row it is for; any where there is
    /// none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    header: Option<String>,
}

/// A meaning as it is written.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
struct Word(Meaning);

impl TryFrom<String> for Word {
    type Error = super::columns::UnknownMeaning;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map(Self)
    }
}

impl From<Word> for String {
    fn from(word: Word) -> Self {
        word.0.as_str().to_owned()
    }
}

impl Mapping {
    /// Puts a mapping together.
    pub fn new(columns: impl IntoIterator<Item = (usize, Meaning)>) -> Self {
        let columns = columns.into_iter();
        Self {
            columns: columns
                .map(|(index, meaning)| (index, Word(meaning)))
                .collect(),
            header: None,
        }
    }

    /// Says for which header row it is.
    #[must_use]
    pub fn of(mut self, header: &[String]) -> Self {
        self.header = Some(Header::fingerprint(header));
        self
    }

    /// Returns whether it is for this header row.
    pub(crate) fn is_of(&self, header: &[String]) -> bool {
        self.header
            .as_ref()
            .is_none_or(|fingerprint| *fingerprint == Header::fingerprint(header))
    }

    /// Returns what a column holds.
    #[must_use]
    pub fn meaning_of(&self, index: usize) -> Option<Meaning> {
        self.columns.get(&index).map(|word| word.0)
    }
}
