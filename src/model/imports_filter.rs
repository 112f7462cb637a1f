//! Filter and order of the list of imports.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{
    job::{ImportMode, ImportStatus, JobId, Question, UnixMillis},
    query::with_query,
};

const DAY: UnixMillis = 24 * 60 * 60 * 1_000;

/// A page of the list of imports.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ImportsQuery {
    /// Number of the page, from 1.
    pub page: u64,
    /// Filter and order.
    pub filter: ImportsFilter,
}

/// Filter and order of the list. The default is all imports, newest first.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct ImportsFilter {
    /// Status.
    pub status: Option<ImportStatus>,
    /// Text in the file name, in any case.
    pub search: String,
    /// First day on which it was started.
    pub since: Option<Day>,
    /// Last day on which it was started.
    pub until: Option<Day>,
    /// Import, or dry run.
    pub kind: Option<ImportMode>,
    /// ID of the user who started it; empty for any.
    pub by: String,
    /// Order.
    pub sort: Sort,
}

impl ImportsFilter {
    /// Reads a filter from the parameters of a URL. Invalid values are ignored.
    #[must_use]
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Self {
        fn parsed<T: FromStr>(text: Option<String>) -> Option<T> {
            text?.parse().ok()
        }
        let text = |name| get(name).unwrap_or_default().trim().to_owned();
        Self {
            status: parsed(get("status")),
            search: text("search"),
            since: parsed(get("since")),
            until: parsed(get("until")),
            kind: parsed(get("kind")),
            by: text("by"),
            sort: parsed(get("sort")).unwrap_or_default(),
        }
    }

    /// Returns the parameters of a URL that [`read`](Self::read) reads.
    fn pairs(&self) -> impl Iterator<Item = (&'static str, String)> {
        let text = |text: &String| (!text.is_empty()).then(|| text.clone());
        let has_order = self.sort != Sort::default();
        [
            ("search", text(&self.search)),
            ("status", self.status.map(|status| status.to_string())),
            ("since", self.since.map(|day| day.to_string())),
            ("until", self.until.map(|day| day.to_string())),
            ("kind", self.kind.map(|kind| kind.as_str().to_owned())),
            ("by", text(&self.by)),
            ("sort", has_order.then(|| self.sort.to_string())),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
    }

    /// Returns whether imports are left out.
    #[must_use]
    pub fn is_narrow(&self) -> bool {
        let wide = Self {
            sort: self.sort,
            ..Self::default()
        };
        *self != wide
    }

    /// Returns the URL of a page of the list.
    #[must_use]
    pub fn address(&self, page: u64) -> String {
        let page = (page > 1).then(|| ("page", page.to_string()));
        with_query("/imports", self.pairs().chain(page))
    }
}

/// What the list can be filtered by.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ImportsOverview {
    /// Number of imports by status, of the newest 10,000.
    pub counts: Vec<(ImportStatus, u64)>,
    /// Users who started imports; empty if the user sees only their own.
    pub starters: Vec<Starter>,
    /// Name of the user who started an import, likewise.
    pub started: Vec<(JobId, String)>,
    /// Notes of those that have one.
    #[serde(default)]
    pub notes: Vec<(JobId, ImportNote)>,
    /// Whether the user may delete imports.
    pub may_delete: bool,
}

/// What an import's status does not say.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum ImportNote {
    /// It waits for a user's answer.
    Asks(Question),
    /// Another import undid it.
    Undone,
}

/// A user who started imports.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Starter {
    /// ID.
    pub id: String,
    /// Name.
    pub name: String,
}

/// An order of the list, written as the column's name, with `-` before it if the largest or newest are first.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sort {
    /// Column.
    pub by: SortBy,
    /// Whether the largest or newest are first.
    pub descending: bool,
}

/// A column to sort by.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SortBy {
    /// Start.
    Created,
    /// File name.
    File,
    /// Status.
    Status,
    /// Duration so far.
    Duration,
}

impl SortBy {
    /// All columns.
    pub const ALL: [Self; 4] = [Self::Created, Self::File, Self::Status, Self::Duration];

    /// Returns its name in URLs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::File => "file",
            Self::Status => "status",
            Self::Duration => "duration",
        }
    }
}

impl Default for Sort {
    fn default() -> Self {
        Self {
            by: SortBy::Created,
            descending: true,
        }
    }
}

impl fmt::Display for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.descending { "-" } else { "" })?;
        f.write_str(self.by.as_str())
    }
}

/// The text is not an order of the list.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("not a valid sort order")]
pub struct InvalidSort;

impl FromStr for Sort {
    type Err = InvalidSort;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (descending, name) = match text.strip_prefix('-') {
            Some(name) => (true, name),
            None => (false, text),
        };
        let by = SortBy::ALL.into_iter().find(|by| by.as_str() == name);
        by.map(|by| Self { by, descending }).ok_or(InvalidSort)
    }
}

impl TryFrom<String> for Sort {
    type Error = InvalidSort;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Sort> for String {
    fn from(sort: Sort) -> Self {
        sort.to_string()
    }
}

/// A calendar day in UTC.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Day {
    /// Days since 1970-01-01.
    number: i64,
}

impl Day {
    /// Returns when it begins.
    #[must_use]
    pub fn begin(self) -> UnixMillis {
        self.number * DAY
    }

    /// Returns when the next one begins.
    #[must_use]
    pub fn end(self) -> UnixMillis {
        self.begin() + DAY
    }

    /// Returns year, month and day of the Gregorian calendar. Counts in eras of 400 years that start on the first of March,
    /// so that the leap day is the last day of a year.
    #[must_use]
    pub fn civil(self) -> (i64, i64, i64) {
        let days = self.number + 719_468;
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 {
            shifted_month + 3
        } else {
            shifted_month - 9
        };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        (year, month, day)
    }

    fn of_civil(year: i64, month: i64, day: i64) -> Self {
        let year = year - i64::from(month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let shifted_month = (month + 9) % 12;
        let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        Self {
            number: era * 146_097 + day_of_era - 719_468,
        }
    }
}

impl From<UnixMillis> for Day {
    fn from(at: UnixMillis) -> Self {
        Self {
            number: at.div_euclid(DAY),
        }
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

/// The text is not a calendar day.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("not a valid date")]
pub struct InvalidDay;

impl FromStr for Day {
    type Err = InvalidDay;

    /// Parses `2026-11-23`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |range: std::ops::Range<usize>| {
            let digits = text.get(range)?;
            let all_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
            all_digits.then(|| digits.parse::<i64>().ok()).flatten()
        };
        let parts = (number(0..4), number(5..7), number(8..10));
        let (Some(year), Some(month), Some(day)) = parts else {
            return Err(InvalidDay);
        };
        let found = Self::of_civil(year, month, day);
        // Rejects the 31st of February, and other characters than digits and dashes.
        if (1..=12).contains(&month) && found.to_string() == text {
            Ok(found)
        } else {
            Err(InvalidDay)
        }
    }
}

impl TryFrom<String> for Day {
    type Error = InvalidDay;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Day> for String {
    fn from(day: Day) -> Self {
        day.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_day_is_one_of_the_calendar() {
        let day: Day = "2026-11-23".parse().unwrap();
        assert_eq!(day, Day::from(1_795_461_967_000));
        assert_eq!(day.end() - day.begin(), DAY);
        for bad in [
            "",
            "2026-02-29",
            "2026-13-01",
            "2026-1-01",
            "26-11-23",
            "2026/11/23",
            "2026-11-23T",
            "+026-11-23",
        ] {
            assert_eq!(bad.parse::<Day>(), Err(InvalidDay), "{bad:?}");
        }
    }

    #[test]
    fn an_order_reads_back() {
        for by in SortBy::ALL {
            for descending in [false, true] {
                let sort = Sort { by, descending };
                assert_eq!(sort.to_string().parse(), Ok(sort));
            }
        }
        assert_eq!(Sort::default().to_string(), "-created");
        for bad in ["", "-", "--created", "created ", "id"] {
            assert_eq!(bad.parse::<Sort>(), Err(InvalidSort));
        }
    }

    #[test]
    fn an_order_leaves_nothing_out() {
        let mut filter = ImportsFilter {
            sort: "file".parse().unwrap(),
            ..ImportsFilter::default()
        };
        assert!(!filter.is_narrow());
        filter.search = "a".to_owned();
        assert!(filter.is_narrow());
    }

    proptest! {
        #[test]
        fn every_day_reads_back(at in 0..253_402_300_800_000i64) {
            let day = Day::from(at);
            prop_assert_eq!(day.to_string().parse(), Ok(day));
            prop_assert!(day.begin() <= at && at < day.end());
        }

        #[test]
        fn no_text_breaks_it(text in ".{0,16}") {
            let _ = text.parse::<Day>();
        }
    }
}
