//! Languages and their negotiation.

mod english;
mod german;
mod spanish;

use serde::{Deserialize, Serialize};

/// A language of the interface.
///
/// Texts are in the code in English and German, side by side ([`say`](Self::say), [`fill`](Self::fill)), so that
/// neither can be missing. A further language has one file with all of its texts, by the English ones.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub enum Locale {
    /// English.
    #[default]
    #[serde(rename = "en")]
    English,
    /// German.
    #[serde(rename = "de")]
    German,
    /// Spanish.
    #[serde(rename = "es")]
    Spanish,
}

/// Cookie with the chosen language.
pub const COOKIE: &str = "language";

/// A text by another one, or by the code of an error.
type Text = (&'static str, &'static str);

/// A language.
pub(crate) struct Language {
    tag: &'static str,
    /// Its own name.
    name: &'static str,
    /// Separator of thousands, and the smallest number that has one.
    pub(super) thousands: &'static str,
    pub(super) least_grouped: u64,
    /// Decimal mark.
    pub(super) decimal: &'static str,
    /// Text after a percentage.
    pub(super) percent: &'static str,
    /// Suffix of an ordinal.
    pub(super) ordinal: fn(u64) -> &'static str,
    /// Names of the months in dates.
    pub(crate) months: [&'static str; 12],
    /// Text after the day of a date.
    pub(crate) behind_day: &'static str,
    /// Texts by their English ones: those of the browser, and those of the server only.
    texts: &'static [&'static [Text]],
    /// Sentences of errors by code.
    messages: &'static [&'static [Text]],
}

fn find(texts: &[&'static [Text]], key: &str) -> Option<&'static str> {
    let mut all = texts.iter().copied().flatten();
    all.find(|(known, _)| *known == key).map(|(_, text)| *text)
}

/// Writes values in the place of their names: `{count}`. One without a value is an ellipsis.
pub(super) fn substituted(template: &str, value: &dyn Fn(&str) -> Option<String>) -> String {
    let mut text = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some((before, (name, after))) = rest
        .split_once('{')
        .and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
    {
        text.push_str(before);
        text.push_str(value(name).as_deref().unwrap_or("…"));
        rest = after;
    }
    text + rest
}

impl Locale {
    /// All languages.
    pub const ALL: [Self; 3] = [Self::English, Self::German, Self::Spanish];

    pub(crate) const fn language(self) -> &'static Language {
        match self {
            Self::English => &english::ENGLISH,
            Self::German => &german::GERMAN,
            Self::Spanish => &spanish::SPANISH,
        }
    }

    /// Returns the language tag.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        self.language().tag
    }

    /// Returns the language's own name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.language().name
    }

    /// Returns the text in this language. One that is missing, which a test would find, is in English.
    #[must_use]
    pub fn say(self, english: &'static str, german: &'static str) -> &'static str {
        self.say_of(english, german, 1)
    }

    /// Returns the text that is said of a count. A language that has another form for more than one has both, with a
    /// line between: `actualizado|actualizados`.
    #[must_use]
    pub fn say_of(self, english: &'static str, german: &'static str, count: u64) -> &'static str {
        let text = match self {
            Self::English => english,
            Self::German => german,
            other => other.translated(english).unwrap_or(english),
        };
        match text.split_once('|') {
            Some((one, _)) if count == 1 => one,
            Some((_, many)) => many,
            None => text,
        }
    }

    /// Returns the text in this language, with values in the place of their names: `{count}`.
    #[must_use]
    pub fn fill(
        self,
        english: &'static str,
        german: &'static str,
        values: &[(&str, &str)],
    ) -> String {
        substituted(self.say(english, german), &|name| {
            let value = values.iter().find(|(known, _)| *known == name);
            value.map(|(_, value)| (*value).to_owned())
        })
    }

    /// Returns the text of a language that has its texts in a file of its own.
    #[must_use]
    pub fn translated(self, english: &str) -> Option<&'static str> {
        find(self.language().texts, english)
    }

    /// Returns the sentence of an error of such a language.
    pub(super) fn translated_message(self, code: &str) -> Option<&'static str> {
        find(self.language().messages, code)
    }

    #[cfg(test)]
    pub(super) fn message_codes(self) -> impl Iterator<Item = &'static str> {
        let all = self.language().messages.iter().copied().flatten();
        all.map(|(code, _)| *code)
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
    use Locale::{English, German, Spanish};

    #[test]
    fn a_choice_goes_before_what_the_browser_likes() {
        for (chosen, accepted, given) in [
            (None, None, English),
            (None, Some("de-DE,de;q=0.9,en;q=0.8"), German),
            (None, Some("en-GB,en;q=0.9,de;q=0.8"), English),
            (None, Some("fr, de;q=0.5, en;q=0.4"), German),
            (None, Some("es-MX,es;q=0.9,en;q=0.8"), Spanish),
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
    fn what_is_said_of_one_has_its_own_form_where_the_language_has_one() {
        let said = |locale: Locale, count| locale.say_of("failed", "einer|viele", count);
        assert_eq!([1, 2].map(|it| said(English, it)), ["failed"; 2]);
        assert_eq!([1, 0].map(|it| said(German, it)), ["einer", "viele"]);
        assert_eq!(
            [1, 2].map(|it| said(Spanish, it)),
            ["con error", "con errores"]
        );
        assert_eq!(German.say("failed", "einer|viele"), "einer");
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
