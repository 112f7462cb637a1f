//! Errors of files and rows as reasons: code, parameters and English sentence.

use product_feed::{FeedError, HeaderError, Parameter, RowError};

use crate::{
    i18n::{
        locale::Locale,
        messages::{ErrorCode, Param, Params},
    },
    model::{changes::OverLimit, reason::Reason},
};

pub(super) fn of_file(error: &FeedError) -> Reason {
    reason(error.to_string(), error.code(), error.parameters())
}

pub(super) fn of_row(error: &RowError) -> Reason {
    reason(error.to_string(), error.code(), error.parameters())
}

pub(super) fn of_mapping(error: HeaderError) -> ErrorCode {
    match error {
        HeaderError::Unknown => ErrorCode::MappedNothing,
        HeaderError::NoIdentity => ErrorCode::MappedNoIdentity,
        HeaderError::NoPrice => ErrorCode::MappedNoPrice,
    }
}

pub(super) fn of_limit(over: OverLimit) -> ErrorCode {
    match over {
        OverLimit::Prices { count, of, by } => ErrorCode::OverLimitPrices {
            count,
            of,
            by: by.unsigned_abs(),
        },
        OverLimit::Failed { count, of } => ErrorCode::OverLimitFailed { count, of },
        OverLimit::Missing { count, of } => ErrorCode::OverLimitMissing { count, of },
    }
}

/// The English sentence is that of the pages. The one of `product-feed` is for a code without one.
fn reason(message: String, code: &str, parameters: Vec<(&str, Parameter)>) -> Reason {
    let parameter = |(name, value): (&str, Parameter)| {
        let value = match value {
            Parameter::Number(number) => Param::Number(number),
            Parameter::Text(text) => Param::Text(text),
        };
        (name.to_owned(), value)
    };
    let params: Params = parameters.into_iter().map(parameter).collect();
    let message = Locale::English.message(code, &params).unwrap_or(message);
    Reason::new(message, Some(code.to_owned()), params)
}

#[cfg(test)]
mod tests {
    use std::io;

    use product_feed::{Foreign, GtinError, PassedOverReason};

    use super::*;

    fn row_errors() -> Vec<RowError> {
        let value = || "x\"y".to_owned();
        let all = vec![
            RowError::NoIdentity,
            RowError::PlaceholderIdentity(value()),
            RowError::MangledIdentity(value()),
            RowError::NoPrice,
            RowError::UnreadablePrice(value()),
            RowError::DatePrice(value()),
            RowError::ErrorPrice(value()),
            RowError::SalePrice(value()),
            RowError::NegativePrice(value()),
            RowError::UnknownCurrency(value()),
            RowError::Gtin(value(), GtinError::Shortened),
            RowError::Gtin(value(), GtinError::Form),
            RowError::Gtin(value(), GtinError::CheckDigit('7')),
            RowError::Url(value()),
            RowError::Stock(value()),
            RowError::Availability(value()),
            RowError::TooManyCells {
                cells: 1_200,
                columns: 7,
            },
            RowError::LongIdentity,
            RowError::LongName,
            RowError::Binary,
            RowError::OpenQuote,
        ];
        for error in &all {
            match error {
                // Add a new variant to the list above, too.
                RowError::NoIdentity
                | RowError::PlaceholderIdentity(_)
                | RowError::MangledIdentity(_)
                | RowError::NoPrice
                | RowError::UnreadablePrice(_)
                | RowError::DatePrice(_)
                | RowError::ErrorPrice(_)
                | RowError::SalePrice(_)
                | RowError::NegativePrice(_)
                | RowError::UnknownCurrency(_)
                | RowError::Gtin(_, GtinError::Shortened | GtinError::Form)
                | RowError::Gtin(_, GtinError::CheckDigit(_))
                | RowError::Url(_)
                | RowError::Stock(_)
                | RowError::Availability(_)
                | RowError::TooManyCells { .. }
                | RowError::LongIdentity
                | RowError::LongName
                | RowError::Binary
                | RowError::OpenQuote => {}
            }
        }
        all
    }

    fn file_errors() -> Vec<FeedError> {
        let all = vec![
            FeedError::Io(io::Error::from(io::ErrorKind::Other)),
            FeedError::Empty,
            FeedError::Header(HeaderError::Unknown),
            FeedError::Header(HeaderError::NoIdentity),
            FeedError::Header(HeaderError::NoPrice),
            FeedError::DecimalMark {
                example: "1.299".to_owned(),
            },
            FeedError::UnknownSheet(vec!["A".to_owned(), "B".to_owned()]),
            FeedError::LongRow { line: 12_345 },
            FeedError::TooLarge(5 << 30),
            FeedError::BrokenArchive,
            FeedError::SeveralFiles(1_234),
            FeedError::Encrypted,
            FeedError::Nested,
            FeedError::BrokenWorkbook,
            FeedError::LargeWorkbook,
            FeedError::BrokenXml { line: 12_345 },
            FeedError::NoItems,
            FeedError::WebPage,
            FeedError::Json,
            FeedError::Foreign(Foreign::BinaryWorkbook),
            FeedError::Foreign(Foreign::Numbers),
            FeedError::Foreign(Foreign::AppleDocument),
            FeedError::Foreign(Foreign::Rtf),
            FeedError::Foreign(Foreign::Pdf),
            FeedError::Foreign(Foreign::TextDocument),
            FeedError::Foreign(Foreign::Presentation),
            FeedError::Foreign(Foreign::Image),
            FeedError::Foreign(Foreign::Archive),
            FeedError::Foreign(Foreign::Database),
            FeedError::NotText,
        ];
        for error in &all {
            match error {
                // Add a new variant to the list above, too.
                FeedError::Io(_)
                | FeedError::Empty
                | FeedError::Header(
                    HeaderError::Unknown | HeaderError::NoIdentity | HeaderError::NoPrice,
                )
                | FeedError::DecimalMark { .. }
                | FeedError::UnknownSheet(_)
                | FeedError::LongRow { .. }
                | FeedError::TooLarge(_)
                | FeedError::BrokenArchive
                | FeedError::SeveralFiles(_)
                | FeedError::Encrypted
                | FeedError::Nested
                | FeedError::BrokenWorkbook
                | FeedError::LargeWorkbook
                | FeedError::BrokenXml { .. }
                | FeedError::NoItems
                | FeedError::WebPage
                | FeedError::Json
                | FeedError::Foreign(
                    Foreign::BinaryWorkbook
                    | Foreign::Numbers
                    | Foreign::AppleDocument
                    | Foreign::Rtf
                    | Foreign::Pdf
                    | Foreign::TextDocument
                    | Foreign::Presentation
                    | Foreign::Image
                    | Foreign::Archive
                    | Foreign::Database,
                )
                | FeedError::NotText => {}
            }
        }
        all
    }

    #[test]
    fn every_error_of_a_file_or_row_is_said_in_every_language_and_in_english_as_product_feed_does()
    {
        let rows = row_errors()
            .into_iter()
            .map(|error| (of_row(&error), error.to_string()));
        let files = file_errors()
            .into_iter()
            .map(|error| (of_file(&error), error.to_string()));
        for (reason, theirs) in rows.chain(files) {
            let english = Locale::English.reason(&reason);
            assert_eq!(english, reason.to_string());
            // Units are written otherwise here, and a damaged workbook is a damaged archive there.
            if !matches!(reason.code(), Some("too-large-unpacked" | "broken-archive")) {
                assert_eq!(english.replace(['“', '”'], "\""), theirs);
            }
            for locale in Locale::ALL.into_iter().filter(|it| *it != Locale::English) {
                let said = locale.reason(&reason);
                assert!(said != english && !said.contains('…'), "{said}");
            }
        }
    }

    #[test]
    fn every_reason_to_skip_a_row_has_its_words() {
        for reason in PassedOverReason::ALL {
            for locale in Locale::ALL {
                let said = locale.message(reason.code(), &Params::new());
                assert!(said.is_some(), "{}", reason.code());
            }
        }
    }
}
