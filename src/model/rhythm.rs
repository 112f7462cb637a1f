//! Common schedules, which need no cron expression.

use crate::i18n::locale::Locale;

/// Names of the form's fields.
pub const RHYTHM_FIELD: &str = "rhythm";
/// The field for the time of day.
pub const TIME_FIELD: &str = "time";
/// The field for the day of the week.
pub const WEEKDAY_FIELD: &str = "weekday";

/// How often something is done.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Rhythm {
    /// Only on request.
    #[default]
    Never,
    /// At every full hour.
    Hourly,
    /// Once a day.
    Daily,
    /// From Monday to Friday.
    Weekdays,
    /// Once a week.
    Weekly,
    /// On the first day of each month.
    Monthly,
    /// By a cron expression.
    Cron,
}

impl Rhythm {
    /// Every rhythm.
    pub const ALL: [Self; 7] = [
        Self::Never,
        Self::Hourly,
        Self::Daily,
        Self::Weekdays,
        Self::Weekly,
        Self::Monthly,
        Self::Cron,
    ];

    /// Returns its name in forms.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Hourly => "hourly",
            Self::Daily => "daily",
            Self::Weekdays => "weekdays",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
            Self::Cron => "cron",
        }
    }

    /// Returns its name for display.
    #[must_use]
    pub fn title(self, t: Locale) -> &'static str {
        match self {
            Self::Never => t.say("Only on request", "Nur auf Anforderung"),
            Self::Hourly => t.say("Every hour", "Jede Stunde"),
            Self::Daily => t.say("Every day", "Jeden Tag"),
            Self::Weekdays => t.say("Monday to Friday", "Montag bis Freitag"),
            Self::Weekly => t.say("Every week", "Jede Woche"),
            Self::Monthly => t.say("On the 1st of each month", "Am 1. jedes Monats"),
            Self::Cron => t.say("Cron expression", "Cron-Ausdruck"),
        }
    }
}

/// Returns the names of the days of the week, from Sunday, which is 0 in cron.
#[must_use]
pub fn weekdays(t: Locale) -> [&'static str; 7] {
    [
        t.say("Sunday", "Sonntag"),
        t.say("Monday", "Montag"),
        t.say("Tuesday", "Dienstag"),
        t.say("Wednesday", "Mittwoch"),
        t.say("Thursday", "Donnerstag"),
        t.say("Friday", "Freitag"),
        t.say("Saturday", "Samstag"),
    ]
}

/// A rhythm with its time of day and day of the week.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Common {
    /// How often.
    pub rhythm: Rhythm,
    /// Hour and minute.
    pub time: (u8, u8),
    /// Day of the week, from Sunday.
    pub weekday: u8,
}

impl Common {
    /// Reads a cron expression; one that is no common schedule is [`Rhythm::Cron`].
    #[must_use]
    pub fn of(cron: &str) -> Self {
        let cron = cron.trim();
        let other = Self {
            rhythm: match cron {
                "" => Rhythm::Never,
                "@hourly" => Rhythm::Hourly,
                _ => Rhythm::Cron,
            },
            ..Self::at(6, 0)
        };
        let mut fields = cron.split_whitespace();
        let [minute, hour, day, month, weekday] = std::array::from_fn(|_| fields.next());
        let number = |text: Option<&str>, most: u8| {
            let text = text.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
            text.parse().ok().filter(|number| *number <= most)
        };
        if fields.next().is_some() || month != Some("*") {
            return other;
        }
        let Some(minute) = number(minute, 59) else {
            return other;
        };
        if (minute, hour, day, weekday) == (0, Some("*"), Some("*"), Some("*")) {
            let rhythm = Rhythm::Hourly;
            return Self { rhythm, ..other };
        }
        let Some(hour) = number(hour, 23) else {
            return other;
        };
        let (rhythm, weekday) = match (day, weekday) {
            (Some("*"), Some("*")) => (Rhythm::Daily, 0),
            (Some("*"), Some("1-5")) => (Rhythm::Weekdays, 0),
            (Some("*"), weekday) => match number(weekday, 6) {
                Some(weekday) => (Rhythm::Weekly, weekday),
                None => return other,
            },
            (Some("1"), Some("*")) => (Rhythm::Monthly, 0),
            _ => return other,
        };
        Self {
            rhythm,
            weekday,
            ..Self::at(hour, minute)
        }
    }

    fn at(hour: u8, minute: u8) -> Self {
        Self {
            time: (hour, minute),
            weekday: 1,
            ..Self::default()
        }
    }

    /// Returns the cron expression; `None` for a rhythm that has none of its own.
    #[must_use]
    pub fn cron(self) -> Option<String> {
        let (hour, minute) = self.time;
        Some(match self.rhythm {
            Rhythm::Never | Rhythm::Cron => return None,
            Rhythm::Hourly => "0 * * * *".to_owned(),
            Rhythm::Daily => format!("{minute} {hour} * * *"),
            Rhythm::Weekdays => format!("{minute} {hour} * * 1-5"),
            Rhythm::Weekly => format!("{minute} {hour} * * {}", self.weekday),
            Rhythm::Monthly => format!("{minute} {hour} 1 * *"),
        })
    }

    /// Returns the time of day: `06:00`.
    #[must_use]
    pub fn time_of_day(self) -> String {
        let (hour, minute) = self.time;
        format!("{hour:02}:{minute:02}")
    }
}

/// Reads a time of day: `06:00`.
#[must_use]
pub fn read_time(text: &str) -> Option<(u8, u8)> {
    let (hour, minute) = text.trim().split_once(':')?;
    let (hour, minute) = (hour.parse().ok()?, minute.parse().ok()?);
    (hour < 24 && minute < 60).then_some((hour, minute))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_common_schedule_is_read_from_its_cron_expression() {
        for (cron, rhythm, time, weekday) in [
            ("0 * * * *", Rhythm::Hourly, "06:00", 1),
            ("30 7 * * *", Rhythm::Daily, "07:30", 0),
            ("0 6 * * 1-5", Rhythm::Weekdays, "06:00", 0),
            ("15 23 * * 3", Rhythm::Weekly, "23:15", 3),
            ("0 0 1 * *", Rhythm::Monthly, "00:00", 0),
        ] {
            let read = Common::of(cron);
            let shown = (read.rhythm, &*read.time_of_day(), read.weekday);
            assert_eq!(shown, (rhythm, time, weekday), "{cron}");
            assert_eq!(read.cron().as_deref(), Some(cron));
        }
        assert_eq!(Common::of(" ").rhythm, Rhythm::Never);
        assert_eq!(Common::of("@hourly").rhythm, Rhythm::Hourly);
        for cron in [
            "*/5 * * * *",
            "5 * * * *",
            "0 6 * 2 *",
            "0 6 1 * 1",
            "0 6 * * 1,3",
            "0 6 * * 7",
            "60 6 * * *",
            "+1 6 * * *",
            "0 6 * * * *",
            "@daily",
            "soon",
        ] {
            assert_eq!(Common::of(cron).rhythm, Rhythm::Cron, "{cron}");
            assert_eq!(Common::of(cron).cron(), None);
        }
        assert_eq!(read_time("06:05"), Some((6, 5)));
        for text in ["", "6", "24:00", "06:60", "a:b"] {
            assert_eq!(read_time(text), None, "{text}");
        }
    }
}
