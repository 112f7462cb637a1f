//! Formats numbers, sizes and times.
//!
//! Pure and the same on the server and in the browser, so that hydration finds the same text.

use crate::{
    i18n::locale::Locale,
    model::{
        imports_filter::Day,
        job::{ImportProgress, UnixMillis},
    },
};

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// A counted thing, in singular and plural of each language.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(not(feature = "ssr"), allow(dead_code))] // some are of the server's pages alone
pub(crate) enum Noun {
    Event,
    Import,
    NewImport,
    Product,
    Row,
}

impl Noun {
    fn forms(self, t: Locale) -> (&'static str, &'static str) {
        match self {
            Self::Event => (t.say("event", "Ereignis"), t.say("events", "Ereignisse")),
            Self::Import => (t.say("import", "Import"), t.say("imports", "Importe")),
            Self::NewImport => (
                t.say("new import", "neuer Import"),
                t.say("new imports", "neue Importe"),
            ),
            Self::Product => (t.say("product", "Produkt"), t.say("products", "Produkte")),
            Self::Row => (t.say("row", "Zeile"), t.say("rows", "Zeilen")),
        }
    }
}

impl Locale {
    /// Formats a count with its noun: `1 product`, `2 products`.
    pub(crate) fn counted(self, value: u64, noun: Noun) -> String {
        self.of_many(value, noun.forms(self))
    }

    /// Formats a count with its noun in the German dative: `von 2 Produkten`.
    pub(crate) fn counted_after_of(self, value: u64, noun: Noun) -> String {
        let text = self.counted(value, noun);
        match (self, noun) {
            (Self::German, Noun::Product | Noun::Import) if value != 1 => text + "n",
            _ => text,
        }
    }

    /// Formats a lower bound: `1,000+ products`.
    #[cfg(feature = "ssr")]
    pub(crate) fn counted_at_least(self, value: u64, noun: Noun) -> String {
        let (_, many) = noun.forms(self);
        format!("{}+ {many}", self.count(value))
    }

    fn of_many(self, value: u64, (one, many): (&str, &str)) -> String {
        format!(
            "{} {}",
            self.count(value),
            if value == 1 { one } else { many }
        )
    }

    /// Formats the time since an event: `just now`, `5 minutes ago`, `yesterday`; `None` after a month, for which
    /// people want the date.
    pub(crate) fn ago(self, millis: u64) -> Option<String> {
        let of = |unit: u64, forms: (&str, &str)| {
            let time = self.of_many(millis / unit, forms);
            Some(self.fill("{time} ago", "vor {time}", &[("time", &time)]))
        };
        match millis {
            0..MINUTE => Some(self.say("just now", "gerade eben").to_owned()),
            MINUTE..HOUR => of(MINUTE, self.minutes()),
            HOUR..DAY => of(HOUR, self.hours()),
            _ if millis < 2 * DAY => Some(self.say("yesterday", "gestern").to_owned()),
            _ if millis < 30 * DAY => of(DAY, self.days()),
            _ => None,
        }
    }

    fn minutes(self) -> (&'static str, &'static str) {
        (self.say("minute", "Minute"), self.say("minutes", "Minuten"))
    }

    fn hours(self) -> (&'static str, &'static str) {
        (self.say("hour", "Stunde"), self.say("hours", "Stunden"))
    }

    fn days(self) -> (&'static str, &'static str) {
        (self.say("day", "Tag"), self.say("days", "Tagen"))
    }

    /// Formats the time until an event: `in 5 minutes`, `in 12 days`.
    #[cfg(feature = "ssr")]
    pub(crate) fn ahead(self, millis: u64) -> String {
        // Rounded to the nearest unit: what was just set to 30 days says so.
        let nearest = |unit: u64| (millis + unit / 2) / unit;
        let (value, forms) = match (nearest(MINUTE), nearest(HOUR)) {
            (0, _) => {
                let text = self.say("in less than a minute", "in weniger als einer Minute");
                return text.to_owned();
            }
            (minutes @ ..60, _) => (minutes, self.minutes()),
            (_, hours @ ..24) => (hours, self.hours()),
            _ => (nearest(DAY), self.days()),
        };
        let time = self.of_many(value, forms);
        self.fill("in {time}", "in {time}", &[("time", &time)])
    }

    /// Formats a time in UTC: `23 Nov 2026, 19:26 UTC`.
    pub(crate) fn utc(self, at: UnixMillis) -> String {
        format!("{} UTC", self.date_and_time(at))
    }

    /// Formats a time: `23 Nov 2026, 19:26`. `local_times.js` writes the same.
    ///
    /// Without `Intl`, whose first formatter takes 40 ms in a browser, and four times that on a phone.
    pub(crate) fn date_and_time(self, shown: UnixMillis) -> String {
        let (year, month, day) = civil(shown);
        let (hour, minute, _) = clock(shown);
        let language = self.language();
        let index = usize::try_from(month - 1).unwrap_or_default();
        let month = language.months.get(index).copied().unwrap_or_default();
        let behind = language.behind_day;
        format!("{day}{behind} {month} {year}, {hour:02}:{minute:02}")
    }
}

/// Returns the finished percentage, rounded down, so that 100 means all; `None` while the total is unknown.
pub(crate) fn percent(progress: &ImportProgress) -> Option<u8> {
    share(progress.done(), progress.total_products)
}

/// Formats a non-negative number with decimals. Uses integers, because the code that formats floats is larger than the
/// rest of this file.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // the cast saturates
pub(crate) fn decimal(number: f64, decimals: usize) -> String {
    let one = 10_u64.pow(decimals as u32);
    #[allow(clippy::cast_precision_loss)] // a power of ten
    let parts = (number * one as f64).round() as u64;
    format!("{}.{:0decimals$}", parts / one, parts % one)
}

/// Returns the percentage of `part` in `total`, rounded down.
pub(crate) fn share(part: u64, total: u64) -> Option<u8> {
    // Without 128-bit division, which is large in the bundle.
    let percent = match part.checked_mul(100) {
        Some(hundredths) => hundredths.checked_div(total)?,
        None => part / Ord::max(total / 100, 1),
    };
    Some(u8::try_from(percent.min(100)).unwrap_or(100))
}

/// Formats a duration in its two largest units: `< 1 s`, `12 s`, `3 min 05 s`, `2 h 10 min`.
pub(crate) fn duration(millis: u64) -> String {
    match millis {
        0..SECOND => "< 1 s".to_owned(),
        SECOND..MINUTE => format!("{} s", millis / SECOND),
        MINUTE..HOUR => format!("{} min {:02} s", millis / MINUTE, millis % MINUTE / SECOND),
        HOUR..DAY => format!("{} h {:02} min", millis / HOUR, millis % HOUR / MINUTE),
        _ => format!("{} d {} h", millis / DAY, millis % DAY / HOUR),
    }
}

/// Formats an estimated duration without false precision: `45 s`, `35 min`, `2 h 10 min`.
pub(crate) fn rough_duration(millis: u64) -> String {
    match millis {
        MINUTE..HOUR => format!("{} min", millis / MINUTE),
        _ => duration(millis),
    }
}

/// Formats a running duration: like [`duration`], but in whole seconds, so that it does not flicker.
pub(crate) fn elapsed(millis: u64) -> String {
    if millis < SECOND {
        "0 s".to_owned()
    } else {
        duration(millis)
    }
}

/// Returns the time between two points, 0 if the clocks disagree.
pub(crate) fn between(from: UnixMillis, to: UnixMillis) -> u64 {
    u64::try_from(to.saturating_sub(from)).unwrap_or_default()
}

/// Formats a time for machines: `2026-11-23T19:26:07Z`.
pub(crate) fn iso(at: UnixMillis) -> String {
    let (year, month, day) = civil(at);
    let (hour, minute, second) = clock(at);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

fn clock(at: UnixMillis) -> (i64, i64, i64) {
    let seconds = at.div_euclid(1_000).rem_euclid(86_400);
    (seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

fn civil(at: UnixMillis) -> (i64, i64, i64) {
    Day::from(at).civil()
}

#[cfg(test)]
mod tests {
    use super::*;
    use Locale::{English, German};

    #[test]
    fn decimals_are_rounded() {
        for (number, decimals, text) in [
            (0.0, 2, "0.00"),
            (12.346, 2, "12.35"),
            (99.2, 2, "99.20"),
            (23.04, 1, "23.0"),
            (-1.0, 1, "0.0"),
        ] {
            assert_eq!(decimal(number, decimals), text);
        }
    }

    #[test]
    fn thousands_are_separated() {
        for (value, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(English.count(value), text);
            assert_eq!(German.count(value), text.replace(',', "."));
        }
    }

    #[test]
    fn one_is_singular() {
        assert_eq!(English.counted(1, Noun::Product), "1 product");
        assert_eq!(English.counted(0, Noun::Product), "0 products");
        assert_eq!(English.counted(1_200, Noun::Product), "1,200 products");
        assert_eq!(
            English.counted_at_least(10_000, Noun::Product),
            "10,000+ products"
        );
        assert_eq!(German.counted(1, Noun::Product), "1 Produkt");
        assert_eq!(German.counted(1_200, Noun::Product), "1.200 Produkte");
    }

    #[test]
    fn a_place_has_the_ending_that_is_spoken() {
        for (value, text) in [
            (1, "1st"),
            (2, "2nd"),
            (3, "3rd"),
            (4, "4th"),
            (11, "11th"),
            (22, "22nd"),
            (113, "113th"),
            (1_001, "1,001st"),
        ] {
            assert_eq!(English.ordinal(value), text);
        }
        assert_eq!(German.ordinal(1_001), "1.001.");
    }

    #[test]
    fn a_size_is_short() {
        for (value, text) in [
            (0, "0 B"),
            (1_023, "1,023 B"),
            (1_024, "1 KB"),
            (1_600, "1.5 KB"),
            (20 << 20, "20 MB"),
            (130_000_000, "123 MB"),
            (1 << 30, "1 GB"),
            (u64::MAX, "16,777,215 TB"),
        ] {
            assert_eq!(English.bytes(value), text);
        }
        assert_eq!(German.bytes(1_600), "1,5 KB");
        assert_eq!(German.bytes(u64::MAX), "16.777.215 TB");
    }

    #[test]
    fn a_hundred_percent_means_all() {
        let at = |processed_products, total_products| {
            percent(&ImportProgress {
                processed_products,
                failed_products: 0,
                total_products,
            })
        };
        assert_eq!(at(0, 0), None);
        assert_eq!(at(999, 1_000), Some(99));
        assert_eq!(at(1_000, 1_000), Some(100));
        assert_eq!(at(2_000, 1_000), Some(100));
        assert_eq!(at(u64::MAX, u64::MAX), Some(100));
    }

    #[test]
    fn a_duration_shows_its_two_largest_units() {
        for (millis, text) in [
            (850, "< 1 s"),
            (12_300, "12 s"),
            (185_000, "3 min 05 s"),
            (7_800_000, "2 h 10 min"),
            (90_000_000, "1 d 1 h"),
        ] {
            assert_eq!(duration(millis), text);
        }
        assert_eq!(elapsed(850), "0 s");
        assert_eq!(rough_duration(45_000), "45 s");
        assert_eq!(rough_duration(2_100_000), "35 min");
        assert_eq!(rough_duration(7_800_000), "2 h 10 min");
        assert_eq!(between(5, 3), 0);
    }

    #[test]
    fn what_was_long_ago_has_a_date_instead() {
        assert_eq!(English.ago(59_999).as_deref(), Some("just now"));
        assert_eq!(English.ago(60_000).as_deref(), Some("1 minute ago"));
        assert_eq!(English.ago(7_200_000).as_deref(), Some("2 hours ago"));
        assert_eq!(English.ago(DAY).as_deref(), Some("yesterday"));
        assert_eq!(English.ago(3 * DAY).as_deref(), Some("3 days ago"));
        assert_eq!(English.ago(31 * DAY), None);
        assert_eq!(German.ago(60_000).as_deref(), Some("vor 1 Minute"));
        assert_eq!(German.ago(7_200_000).as_deref(), Some("vor 2 Stunden"));
        assert_eq!(German.ago(3 * DAY).as_deref(), Some("vor 3 Tagen"));
        assert_eq!(German.ago(31 * DAY), None);
    }

    #[test]
    fn what_is_to_come_is_told_to_the_nearest_unit() {
        for (millis, english, german) in [
            (
                29_999,
                "in less than a minute",
                "in weniger als einer Minute",
            ),
            (60_000, "in 1 minute", "in 1 Minute"),
            (59 * MINUTE + 40 * SECOND, "in 1 hour", "in 1 Stunde"),
            (5 * HOUR + 10 * MINUTE, "in 5 hours", "in 5 Stunden"),
            (23 * HOUR + 50 * MINUTE, "in 1 day", "in 1 Tag"),
            (30 * DAY - SECOND, "in 30 days", "in 30 Tagen"),
            (12 * DAY + HOUR, "in 12 days", "in 12 Tagen"),
            (1_500 * DAY, "in 1,500 days", "in 1.500 Tagen"),
        ] {
            assert_eq!(English.ahead(millis), english);
            assert_eq!(German.ahead(millis), german);
        }
    }

    #[test]
    fn a_share_has_its_sign_where_the_language_has_it() {
        assert_eq!(English.percent(43), "43%");
        assert_eq!(German.percent(43), "43\u{a0}%");
    }

    #[test]
    fn a_date_is_that_of_the_calendar() {
        for (at, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (1_795_461_967_000, "2026-11-23T19:26:07Z"),
            (-1_000, "1969-12-31T23:59:59Z"),
        ] {
            assert_eq!(iso(at), text);
        }
        assert_eq!(English.utc(1_795_461_967_000), "23 Nov 2026, 19:26 UTC");
        assert_eq!(German.utc(1_795_461_967_000), "23. Nov. 2026, 19:26 UTC");
        assert_eq!(German.utc(951_782_400_000), "29. Feb. 2000, 00:00 UTC");
    }
}
