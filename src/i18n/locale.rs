//! Languages and their negotiation.

use serde::{Deserialize, Serialize};

/// A language of the interface.
///
/// Texts are in the code in all languages, side by side ([`say`](Self::say)), so that none can be missing and
/// pages need no catalogue.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub enum Locale {
    /// English.
    #[default]
    #[serde(rename = "en")]
    English,
    /// German.
    #[serde(rename = "de")]
    German,
}

/// Cookie with the chosen language.
pub const COOKIE: &str = "language";

impl Locale {
    /// All languages.
    pub const ALL: [Self; 2] = [Self::English, Self::German];

    /// Returns the language tag.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        self.say("en", "de")
    }

    /// Returns the language's own name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.say("English", "Deutsch")
    }

    /// Returns the text in this language.
    #[must_use]
    pub const fn say(self, english: &'static str, german: &'static str) -> &'static str {
        match self {
            Self::English => english,
            Self::German => german,
        }
    }

    /// Returns the language of a tag such as `de` or `de-AT`, if supported.
    #[must_use]
    pub fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.trim().split(['-', '_']).next()?;
        Self::ALL
            .into_iter()
            .find(|locale| primary.eq_ignore_ascii_case(locale.tag()))
    }

    /// Returns the chosen language, else the preferred supported one (RFC 9110, section 12.5.4), else
    /// English.
    #[must_use]
    pub fn negotiate(chosen: Option<&str>, accept_language: Option<&str>) -> Self {
        let liked = || {
            let mut best: Option<(u16, Self)> = None;
            for range in accept_language.unwrap_or_default().split(',') {
                let (tag, weight) = range.split_once(';').unwrap_or((range, ""));
                let weight = weight_of(weight);
                if let Some(locale) = Self::of_tag(tag)
                    && weight > best.map_or(0, |(weight, _)| weight)
                {
                    best = Some((weight, locale));
                }
            }
            best.map(|(_, locale)| locale)
        };
        chosen
            .and_then(Self::of_tag)
            .or_else(liked)
            .unwrap_or_default()
    }
}

/// Parses `q=0.8` as thousandths; 1 if missing or invalid.
fn weight_of(text: &str) -> u16 {
    let Some(number) = text.trim().strip_prefix("q=") else {
        return 1_000;
    };
    let (whole, rest) = number.split_once('.').unwrap_or((number, ""));
    if whole != "0" {
        return 1_000;
    }
    let digits = rest.chars().chain("000".chars()).take(3);
    digits.fold(0, |weight, digit| {
        let digit = digit.to_digit(10).unwrap_or_default();
        weight * 10 + u16::try_from(digit).unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_choice_goes_before_what_the_browser_likes() {
        use Locale::{English, German};
        for (chosen, accepted, given) in [
            (None, None, English),
            (None, Some("de-DE,de;q=0.9,en;q=0.8"), German),
            (None, Some("en-GB,en;q=0.9,de;q=0.8"), English),
            (None, Some("fr, de;q=0.5, en;q=0.4"), German),
            (None, Some("de;q=0.3,en;q=0.31"), English),
            (None, Some("de;q=0,*"), English),
            (None, Some("fr"), English),
            (None, Some("deutsch"), English),
            (Some("de"), Some("en"), German),
            (Some("en"), Some("de"), English),
            (Some("xx"), Some("DE"), German),
        ] {
            assert_eq!(
                Locale::negotiate(chosen, accepted),
                given,
                "{chosen:?} {accepted:?}"
            );
        }
    }

    #[test]
    fn a_tag_leads_back_to_its_language() {
        for locale in Locale::ALL {
            assert_eq!(Locale::of_tag(locale.tag()), Some(locale));
        }
    }

    proptest! {
        #[test]
        fn whatever_a_browser_says_some_language_comes_of_it(text in ".*") {
            let _ = Locale::negotiate(Some(&text), Some(&text));
        }
    }
}
