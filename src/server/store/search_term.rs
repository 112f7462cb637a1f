//! The term of a product search: a text anywhere, or the beginning of a word.
//!
//! An index of trigrams needs at least three characters, and without it PostgreSQL takes 125 ms for a million products. So
//! one or two letters are searched at the beginning of words only: with the character before them they are a trigram too.
//! Scripts that do not separate words are exempt.

use sea_orm::Value;

use super::products::contains_text;

/// Characters of an index entry.
pub(super) const GRAM: usize = 3;

/// The character before the first word of a text in SQLite's index. PostgreSQL's marks beginnings itself.
pub(super) const START: char = '\n';

/// A search term in lower case.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum SearchTerm {
    /// This text, anywhere.
    Anywhere(String),
    /// These one or two letters or digits, at the beginning of a text or after a [separator](separators).
    Beginning(String),
}

impl SearchTerm {
    pub(super) fn new(search: &str) -> Self {
        // Stored texts have no U+0000, and PostgreSQL rejects it.
        let text = search.to_lowercase().replace('\0', " ");
        let is_of_word = |letter: char| letter.is_alphanumeric() && !joins_words(letter);
        if text.chars().count() < GRAM && !text.is_empty() && text.chars().all(is_of_word) {
            Self::Beginning(text)
        } else {
            Self::Anywhere(text)
        }
    }

    pub(super) fn text(&self) -> &str {
        match self {
            Self::Anywhere(text) | Self::Beginning(text) => text,
        }
    }

    /// Returns the operator and the pattern that PostgreSQL compares a text with.
    pub(super) fn postgres(&self) -> (&'static str, Value) {
        match self {
            Self::Anywhere(text) => ("LIKE", contains_text(text).into()),
            // No letter or digit means something in a pattern.
            Self::Beginning(text) => ("~", format!("(^|{POSTGRES_SEPARATORS}){text}").into()),
        }
    }

    /// Returns SQLite's condition on a column, of `?2` and `?3`.
    pub(super) fn sqlite(&self, column: &str) -> String {
        match self {
            Self::Anywhere(_) => format!("instr({column}, ?2)"),
            Self::Beginning(_) => {
                format!(
                    "instr({column}, ?2) AND (char({}) || {column}) GLOB ?3",
                    u32::from(START)
                )
            }
        }
    }

    /// Returns the values of SQLite's condition.
    pub(super) fn sqlite_values(&self) -> Vec<Value> {
        match self {
            Self::Anywhere(text) => vec![text.as_str().into()],
            Self::Beginning(text) => {
                vec![
                    text.as_str().into(),
                    format!("*{SQLITE_SEPARATORS}{text}*").into(),
                ]
            }
        }
    }
}

/// Characters after which a word begins: in ASCII, all that are neither letters nor digits.
pub(super) fn separators() -> impl Iterator<Item = char> {
    ['\t', START, '\r']
        .into_iter()
        .chain((' '..='~').filter(|character| !character.is_ascii_alphanumeric()))
}

/// The separators as a class of PostgreSQL's regular expressions.
const POSTGRES_SEPARATORS: &str = r"[\x09\x0a\x0d\x20-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e]";

/// The separators as a class of SQLite's patterns.
const SQLITE_SEPARATORS: &str = "[\t\n\r -/:-@[-`{-~]";

/// Returns whether a letter is of a script that sets no spaces between words, or joins words into long ones.
fn joins_words(letter: char) -> bool {
    matches!(
        letter,
        // Thai to Myanmar; Hangul; Khmer; Han and kana, with Hangul.
        '\u{0E00}'..='\u{109F}'
            | '\u{1100}'..='\u{11FF}'
            | '\u{1780}'..='\u{17FF}'
            | '\u{2E80}'..='\u{D7FF}'
            | '\u{F900}'..='\u{FAFF}'
            | '\u{FF66}'..='\u{FFDC}'
            | '\u{20000}'..='\u{3FFFF}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn up_to_two_letters_are_the_beginning_of_a_word() {
        for text in ["z", "zq", "ZQ", "7", "a1", "ö", "да"] {
            let term = SearchTerm::new(text);
            assert_eq!(term, SearchTerm::Beginning(text.to_lowercase()));
        }
        for text in [
            "", "zqx", "a ", "%", "-1", "椅", "椅子", "의자", "กข", "\0a",
        ] {
            let is_anywhere = matches!(SearchTerm::new(text), SearchTerm::Anywhere(_));
            assert!(is_anywhere, "{text:?}");
        }
    }

    #[test]
    fn both_databases_separate_words_by_the_same_characters() {
        let all: Vec<char> = separators().collect();
        let listed = |class: &str| {
            let mut listed = Vec::new();
            let mut characters = class.chars().peekable();
            while let Some(first) = characters.next() {
                if characters.next_if_eq(&'-').is_some() {
                    listed.extend(first..=characters.next().unwrap());
                } else {
                    listed.push(first);
                }
            }
            listed
        };
        let inner = |class: &'static str| &class[1..class.len() - 1];
        assert_eq!(listed(inner(SQLITE_SEPARATORS)), all);
        let mut plain = String::new();
        for (index, part) in inner(POSTGRES_SEPARATORS).split(r"\x").enumerate() {
            if index > 0 {
                let code = u32::from_str_radix(&part[..2], 16).unwrap();
                plain.push(char::from_u32(code).unwrap());
                plain.push_str(&part[2..]);
            }
        }
        assert_eq!(listed(&plain), all);
    }
}
