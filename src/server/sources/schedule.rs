//! Schedules of sources: a cron expression in a time zone.
//!
//! A time that the clock skips in spring becomes the next existing one; one that occurs twice in autumn counts once,
//! unless the expression is hourly.

use croner::{
    Cron,
    parser::{CronParser, Seconds, Year},
};
use jiff::{Timestamp, tz::TimeZone};

use crate::{i18n::messages::ErrorCode, model::job::UnixMillis};

const LONGEST: usize = 100;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ScheduleError {
    NoCron,
    UnknownZone,
    Never,
}

impl ScheduleError {
    pub(crate) fn code(self) -> ErrorCode {
        match self {
            Self::NoCron => ErrorCode::NotCron,
            Self::UnknownZone => ErrorCode::UnknownTimeZone,
            Self::Never => ErrorCode::ScheduleNever,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Times {
    cron: Cron,
    zone: TimeZone,
}

impl Times {
    pub(crate) fn parse(cron: &str, zone: &str) -> Result<Self, ScheduleError> {
        let is_short = |text: &str| !text.is_empty() && text.len() <= LONGEST;
        let cron = Some(cron).filter(|cron| is_short(cron));
        let parser = CronParser::builder()
            .seconds(Seconds::Disallowed)
            .year(Year::Disallowed)
            .build();
        let cron = cron.and_then(|cron| parser.parse(cron).ok());
        let zone = Some(zone).filter(|zone| is_short(zone));
        let zone = zone.and_then(|zone| TimeZone::get(zone).ok());
        Ok(Self {
            cron: cron.ok_or(ScheduleError::NoCron)?,
            zone: zone.ok_or(ScheduleError::UnknownZone)?,
        })
    }

    pub(crate) fn next_after(&self, at: UnixMillis) -> Option<UnixMillis> {
        let at = Timestamp::from_millisecond(at).ok()?;
        let at = at.to_zoned(self.zone.clone());
        let next = self.cron.find_next_occurrence(&at, false).ok()?;
        Some(next.timestamp().as_millisecond())
    }

    /// Returns [`ScheduleError::Never`] if there is no time in the coming years.
    pub(crate) fn check(&self, now: UnixMillis) -> Result<(), ScheduleError> {
        self.next_after(now).map(drop).ok_or(ScheduleError::Never)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn millis(text: &str) -> UnixMillis {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    fn next(cron: &str, zone: &str, at: &str) -> String {
        let times = Times::parse(cron, zone).unwrap();
        let next = times.next_after(millis(at)).unwrap();
        Timestamp::from_millisecond(next).unwrap().to_string()
    }

    #[test]
    fn a_time_is_by_the_clock_of_its_zone() {
        for (cron, zone, at, expected) in [
            (
                "0 6 * * *",
                "UTC",
                "2026-11-30T06:00:00Z",
                "2026-12-01T06:00:00Z",
            ),
            (
                "0 6 * * *",
                "Europe/Berlin",
                "2026-11-30T04:59:59Z",
                "2026-11-30T05:00:00Z",
            ),
            (
                "0 6 * * *",
                "Europe/Berlin",
                "2026-07-01T00:00:00Z",
                "2026-07-01T04:00:00Z",
            ),
            (
                "30 8 * * 1-5",
                "America/New_York",
                "2026-11-27T20:00:00Z",
                "2026-11-30T13:30:00Z",
            ),
            (
                "@hourly",
                "Asia/Kolkata",
                "2026-11-30T06:00:00Z",
                "2026-11-30T06:30:00Z",
            ),
            (
                "0 0 29 2 *",
                "UTC",
                "2026-11-30T06:00:00Z",
                "2028-02-29T00:00:00Z",
            ),
        ] {
            assert_eq!(next(cron, zone, at), expected, "{cron} {zone} {at}");
        }
    }

    #[test]
    fn a_time_that_the_clock_skips_counts_when_it_goes_on() {
        // In Berlin 02:00 is followed by 03:00 on 29 March 2026 (01:00 UTC).
        let next = next("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z");
        assert_eq!(next, "2026-03-29T01:00:00Z");
    }

    #[test]
    fn a_time_that_comes_twice_counts_once() {
        // In Berlin 02:30 occurs at 00:30 and 01:30 UTC on 25 October 2026.
        let first = next("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z");
        assert_eq!(first, "2026-10-25T00:30:00Z");
        let then = next("30 2 * * *", "Europe/Berlin", &first);
        assert_eq!(then, "2026-10-26T01:30:00Z");
        // Every half hour stays every half hour.
        let first = next("*/30 * * * *", "Europe/Berlin", "2026-10-25T00:30:00Z");
        assert_eq!(first, "2026-10-25T01:00:00Z");
    }

    #[test]
    fn what_is_no_schedule_is_refused_at_once() {
        let error = |cron: &str, zone: &str| {
            let times = Times::parse(cron, zone);
            times.and_then(|times| times.check(millis("2026-11-30T00:00:00Z")))
        };
        for cron in [
            "",
            "x",
            "* * * *",
            "0 0 6 * * *",
            "61 * * * *",
            "0 6 * * * 2027 1",
            &"*,".repeat(99),
        ] {
            assert_eq!(error(cron, "UTC"), Err(ScheduleError::NoCron), "{cron}");
        }
        for zone in ["", "Berlin", "../UTC", "/etc/localtime"] {
            assert_eq!(
                error("0 6 * * *", zone),
                Err(ScheduleError::UnknownZone),
                "{zone}"
            );
        }
        assert_eq!(error("0 0 30 2 *", "UTC"), Err(ScheduleError::Never));
        assert_eq!(error("0 0 29 2 *", "UTC"), Ok(()));
    }

    proptest! {
        #[test]
        fn the_next_time_is_later_and_at_most_a_day_away(
            at in 0..4_000_000_000_000_i64,
            minute in 0..60_u8,
            hour in 0..24_u8,
            zone in prop::sample::select(vec![
                "UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kolkata",
            ]),
        ) {
            let times = Times::parse(&format!("{minute} {hour} * * *"), zone).unwrap();
            let next = times.next_after(at).unwrap();
            prop_assert!(next > at);
            // A day with a clock set back is up to an hour longer; skipped dates are not generated.
            prop_assert!(next - at <= 26 * 3_600_000, "{} h", (next - at) / 3_600_000);
            prop_assert_eq!(next % 60_000, 0);
        }

        #[test]
        fn nothing_that_is_typed_makes_it_panic(cron in ".{0,120}", zone in ".{0,30}") {
            let _ = Times::parse(&cron, &zone).map(|times| times.next_after(0));
        }

        #[test]
        fn no_expression_makes_it_panic(cron in "[0-9*,/?LW#+A-Z -]{0,30}") {
            let _ = Times::parse(&cron, "Europe/Berlin").map(|times| times.next_after(1_780_000_000_000));
        }
    }
}
