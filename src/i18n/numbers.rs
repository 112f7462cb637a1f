//! Numbers and sizes as people read them.

use super::locale::Locale;

impl Locale {
    /// Writes a count with thousands separators: `1,234,567`.
    pub(crate) fn count(self, value: u64) -> String {
        let language = self.language();
        let digits = value.to_string();
        if value < language.least_grouped {
            return digits;
        }
        let mut text = String::with_capacity(digits.len() + digits.len() / 3);
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                text.push_str(language.thousands);
            }
            text.push(digit);
        }
        text
    }

    /// Writes a place in a line: `1st`, `22nd`, and `22.` in German.
    pub(crate) fn ordinal(self, value: u64) -> String {
        self.count(value) + (self.language().ordinal)(value)
    }

    /// Writes a share: `43%`, or `43 %` with a space that does not break.
    pub(crate) fn percent(self, percent: u8) -> String {
        format!("{percent}{}", self.language().percent)
    }

    /// Writes a share of hundredths of a percent: `12.5%`.
    #[cfg(feature = "ssr")]
    pub(crate) fn percent_of_hundredths(self, hundredths: u64) -> String {
        self.hundredths(hundredths) + self.language().percent
    }

    /// Writes a size as file managers do, in units of 1024 and with one digit after the point where
    /// that says more: `4.2 MB`.
    pub(crate) fn bytes(self, value: u64) -> String {
        let (mut unit, mut name) = (1, "B");
        for larger in ["KB", "MB", "GB", "TB"] {
            if value / unit < 1_024 {
                break;
            }
            (unit, name) = (unit * 1_024, larger);
        }
        let (whole, tenth) = (value / unit, (value % unit).saturating_mul(10) / unit);
        if tenth == 0 || whole >= 100 {
            format!("{} {name}", self.count(whole))
        } else {
            format!("{whole}{}{tenth} {name}", self.language().decimal)
        }
    }

    /// Writes a number of hundredths without zeros at the end: `12.5`.
    pub(super) fn hundredths(self, value: u64) -> String {
        let whole = self.count(value / 100);
        let rest = format!("{:02}", value % 100);
        match rest.trim_end_matches('0') {
            "" => whole,
            rest => format!("{whole}{}{rest}", self.language().decimal),
        }
    }

    /// Writes how long somebody has to wait: `45 seconds`, `2 minutes`.
    pub(super) fn wait(self, seconds: u64) -> String {
        match seconds {
            0..=1 => self.say("1 second", "einer Sekunde").to_owned(),
            2..=90 => format!("{seconds} {}", self.say("seconds", "Sekunden")),
            _ => format!(
                "{} {}",
                seconds.div_ceil(60),
                self.say("minutes", "Minuten")
            ),
        }
    }
}
