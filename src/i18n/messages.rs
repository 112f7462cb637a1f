//! Sentences of errors, by code, in every language.
//!
//! An error travels and is kept as its code with parameters ([`ErrorCode`], or the codes of `product-feed`, whose
//! sentences are in `files` and `rows`). It becomes a sentence here, where the reader's language is known.

mod codes;
mod files;
#[cfg(feature = "ssr")]
mod rows;

use std::fmt;

pub use import_relay_hook::model::params::{Param, Params};
use import_relay_hook::{hooks::ProgressError, model::reason::Reason};

pub use self::codes::ErrorCode;
use super::locale::{Locale, substituted};

/// A code and its sentence in each language. In braces are parameters: `{count}`; `{size:bytes}` is a size,
/// `{seconds:wait}` a time to wait, `{share:hundredths}` a number with decimals.
type Message = (&'static str, &'static str, &'static str);

/// Every table of messages.
#[cfg(feature = "ssr")]
const TABLES: [&[Message]; 3] = [codes::MESSAGES, files::MESSAGES, rows::MESSAGES];
/// The messages that the browser may have to say: rows are on pages of the server alone.
#[cfg(not(feature = "ssr"))]
const TABLES: [&[Message]; 2] = [codes::MESSAGES, files::MESSAGES];

impl Locale {
    /// Returns the sentence of a code; `None` if the code is not known.
    #[must_use]
    pub fn message(self, code: &str, params: &Params) -> Option<String> {
        Some(self.filled(self.template(code)?, params))
    }

    fn template(self, code: &str) -> Option<&'static str> {
        let mut known = TABLES.iter().copied().flatten();
        let (_, english, german) = known.find(|(known, ..)| *known == code)?;
        Some(match self {
            Self::English => english,
            Self::German => german,
            other => other.translated_message(code).unwrap_or(english),
        })
    }

    /// Writes parameters in the place of their names.
    fn filled(self, template: &str, params: &Params) -> String {
        substituted(template, &|name| {
            let (name, form) = name.split_once(':').unwrap_or((name, ""));
            Some(match params.get(name)? {
                Param::Number(number) => match form {
                    "bytes" => self.bytes(*number),
                    "wait" => self.wait(*number),
                    "hundredths" => self.hundredths(*number),
                    _ => self.count(*number),
                },
                Param::Text(value) => value.clone(),
            })
        })
    }
}

/// Returns whether an import with this error would fail again, because of its file.
#[cfg(feature = "ssr")]
pub(crate) fn is_of_file(code: &str) -> bool {
    let mut of_files = files::MESSAGES.iter().map(|(known, ..)| *known);
    of_files.any(|known| known == code) && code != "unreadable-file"
        || [ErrorCode::EmptyFile, ErrorCode::NoProducts]
            .iter()
            .any(|error| error.code() == code)
}

impl fmt::Display for ErrorCode {
    /// Writes it in English.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = Locale::English.message(self.code(), &self.params());
        f.write_str(&text.unwrap_or_default())
    }
}

impl From<ErrorCode> for Reason {
    fn from(error: ErrorCode) -> Self {
        let is_cancelled = error.is_cancelled();
        let code = Some(error.code().to_owned());
        Self::new(error.to_string(), code, error.params()).with_cancelled(is_cancelled)
    }
}

impl Locale {
    /// Says why something failed. Words of others, and codes of a later version, stay as they are.
    #[must_use]
    pub fn reason(self, reason: &Reason) -> String {
        let known = reason
            .code()
            .and_then(|code| self.message(code, reason.params()));
        known.unwrap_or_else(|| reason.message().to_owned())
    }

    /// Says what is wrong with an import, or with the way to it.
    pub(crate) fn progress_error(self, error: &ProgressError) -> String {
        self.reason(&error.reason())
    }
}

/// Returns the codes whose sentence contains a text in any language, in any case: what a search for words means.
#[cfg(feature = "ssr")]
#[must_use]
pub fn codes_with(words: &str) -> Vec<&'static str> {
    let words = words.to_lowercase();
    let says = |code: &str| {
        let mut texts = Locale::ALL.into_iter().filter_map(|t| t.template(code));
        texts.any(|text| text.to_lowercase().contains(&words))
    };
    let rows = rows::MESSAGES.iter().chain(codes::MESSAGES);
    let codes = rows.map(|(code, ..)| *code);
    codes.filter(|code| says(code)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use import_relay_hook::model::refusal::{Elsewhere, Refusal};

    use super::*;

    fn names(template: &str) -> BTreeSet<&str> {
        let parts = template.split('{').skip(1);
        let inner = parts.filter_map(|part| Some(part.split_once('}')?.0));
        inner.collect()
    }

    #[test]
    fn every_code_has_a_sentence_of_its_own_in_every_language() {
        let mut codes = BTreeSet::new();
        for (code, english, _) in TABLES.iter().copied().flatten() {
            assert!(codes.insert(*code), "{code} is declared twice");
            for locale in Locale::ALL {
                let template = locale.template(code).unwrap();
                let is_own = locale == Locale::English || template != *english;
                assert!(is_own && !template.is_empty(), "{code} in {locale:?}");
                assert_eq!(names(template), names(english), "{code} in {locale:?}");
            }
        }
        for locale in Locale::ALL {
            for code in locale.message_codes() {
                assert!(codes.contains(code), "{code} in {locale:?} is left over");
            }
        }
    }

    #[test]
    fn parameters_are_written_as_the_language_does() {
        let error = ErrorCode::TooLargeChoice {
            name: "a{b}.csv".to_owned(),
            size: 2_621_440,
            limit: 1 << 20,
        };
        let said = |locale: Locale| locale.message(error.code(), &error.params()).unwrap();
        assert_eq!(
            said(Locale::English),
            "“a{b}.csv” is too large (2.5 MB). The limit is 1 MB."
        );
        assert_eq!(
            said(Locale::German),
            "„a{b}.csv“ ist zu groß (2,5 MB). Erlaubt sind höchstens 1 MB."
        );
        let error = ErrorCode::Throttled { seconds: 90 };
        assert_eq!(
            error.to_string(),
            "Too many attempts. Try again in 90 seconds."
        );
        let missing = Locale::English
            .message("throttled", &Params::new())
            .unwrap();
        assert_eq!(missing, "Too many attempts. Try again in ….");
    }

    #[test]
    fn a_code_is_said_in_the_reader_s_language_and_words_of_others_stay() {
        let reason = Reason::from(ErrorCode::CancelledAfter {
            done: 166_000,
            total: 1_500_000,
        });
        assert_eq!(
            reason.to_string(),
            "Cancelled after importing 166,000 of 1,500,000 products."
        );
        assert_eq!(
            Locale::German.reason(&reason),
            "Nach 166.000 von 1.500.000 Produkten abgebrochen."
        );
        assert!(reason.is_cancelled());
        let theirs = Reason::words("The shop is closed on Sundays.");
        assert_eq!(Locale::German.reason(&theirs), theirs.to_string());
        assert!(!theirs.is_cancelled());
        let later = Reason::new("Too hot.", Some("too-hot".to_owned()), Params::new());
        assert_eq!(Locale::German.reason(&later), "Too hot.");
    }

    #[test]
    fn the_errors_of_the_hook_are_among_the_codes() {
        let throttled = |seconds| {
            (
                Refusal::Throttled { seconds }.reason(),
                ErrorCode::Throttled { seconds },
            )
        };
        for (reason, code) in [
            (Refusal::SignedOut.reason(), ErrorCode::SignedOut),
            (
                Refusal::Elsewhere(Elsewhere::Unreadable).reason(),
                ErrorCode::UnreadableSession,
            ),
            (
                Refusal::Elsewhere(Elsewhere::NoRole).reason(),
                ErrorCode::NoRole,
            ),
            (Refusal::NotFound.reason(), ErrorCode::NotFound),
            (Refusal::Forbidden.reason(), ErrorCode::Forbidden),
            (Refusal::Unconfirmed.reason(), ErrorCode::Unconfirmed),
            (Refusal::PasskeyDue.reason(), ErrorCode::PasskeyDue),
            (Refusal::TooMany.reason(), ErrorCode::TooMany),
            (Refusal::Connection.reason(), ErrorCode::Connection),
            (Refusal::Internal.reason(), ErrorCode::Internal),
            throttled(1),
            throttled(90),
            throttled(91),
            (ProgressError::Connection.reason(), ErrorCode::StreamLost),
            (
                ProgressError::Unreadable.reason(),
                ErrorCode::StreamUnreadable,
            ),
            (
                ProgressError::MonitorRefused.reason(),
                ErrorCode::LiveConnectionRefused,
            ),
        ] {
            assert_eq!(reason, Reason::from(code));
        }
    }

    #[test]
    fn what_is_wrong_with_an_import_is_said_in_german() {
        for error in [ProgressError::Connection, ProgressError::Unreadable] {
            assert_eq!(Locale::English.progress_error(&error), error.to_string());
            assert_ne!(Locale::German.progress_error(&error), error.to_string());
        }
        let theirs = ProgressError::Import(Reason::words("no header"));
        assert_eq!(Locale::German.progress_error(&theirs), "no header");
    }

    #[test]
    fn words_are_found_in_the_sentences_of_any_language() {
        assert!(codes_with("PREIS FEHLT").contains(&"no-price"));
        assert!(codes_with("price is missing").contains(&"no-price"));
        assert!(codes_with("xyzzy").is_empty());
    }
}
