//! JSON as services write it: with lone surrogates, deep nesting and numbers of any size.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Value, value::RawValue};
use thiserror::Error;

/// The bytes are not the expected JSON.
#[derive(Debug, Error)]
#[error("unreadable JSON: {0}")]
pub struct Unreadable(#[from] serde_json::Error);

impl Unreadable {
    pub(crate) fn because(reason: &'static str) -> Self {
        Self(serde_json::Error::custom(reason))
    }
}

/// Deserializes an answer, unwrapping `data` if present.
///
/// # Errors
///
/// If it is not JSON of this type.
pub fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Unreadable> {
    let text = text(bytes);
    let text = repair(&text);
    let value = unwrapped(&text);
    Ok(serde_json::from_str(value)?)
}

pub(crate) fn text(bytes: &[u8]) -> Cow<'_, str> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    String::from_utf8_lossy(bytes)
}

/// Replaces lone surrogate escapes by `\ufffd`, because serde_json rejects them. JavaScript writes them for a string
/// cut within a character.
pub(crate) fn repair(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let mut lone = Vec::new();
    let mut at = 0;
    while let Some(found) = bytes
        .get(at..)
        .and_then(|rest| rest.iter().position(|b| *b == b'\\'))
    {
        at += found;
        match surrogate(bytes, at) {
            Some(0xd800..=0xdbff) => {
                if matches!(surrogate(bytes, at + ESCAPE), Some(0xdc00..=0xdfff)) {
                    at += ESCAPE;
                } else {
                    lone.push(at);
                }
                at += ESCAPE;
            }
            Some(_) => {
                lone.push(at);
                at += ESCAPE;
            }
            None => at += 2,
        }
    }
    if lone.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut repaired = String::with_capacity(text.len());
    let mut from = 0;
    for at in lone {
        repaired.push_str(&text[from..at]);
        repaired.push_str("\\ufffd");
        from = at + ESCAPE;
    }
    repaired.push_str(&text[from..]);
    Cow::Owned(repaired)
}

/// Length of an escape: `\u` and four digits.
const ESCAPE: usize = 6;

fn surrogate(bytes: &[u8], at: usize) -> Option<u16> {
    let escape = bytes.get(at..at + ESCAPE)?;
    let digits = escape.strip_prefix(b"\\u")?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let digits = std::str::from_utf8(digits).ok()?;
    let unit = u16::from_str_radix(digits, 16).ok()?;
    (0xd800..=0xdfff).contains(&unit).then_some(unit)
}

/// Returns the content of a `data` wrapper, or the text itself. Expects repaired text.
pub(crate) fn unwrapped(text: &str) -> &str {
    // serde would accept an array as a struct.
    if !text.trim_start().starts_with('{') {
        return text;
    }
    #[derive(Deserialize)]
    struct Wrapper<'a> {
        #[serde(borrow)]
        data: &'a RawValue,
    }
    let is_object = |raw: &&RawValue| raw.get().starts_with('{');
    let wrapper = serde_json::from_str::<Wrapper<'_>>(text).ok();
    wrapper
        .map(|wrapper| wrapper.data)
        .filter(is_object)
        .map_or(text, RawValue::get)
}

/// Returns `None` if it is too deep or too large.
pub(crate) fn value(raw: &RawValue) -> Option<Value> {
    serde_json::from_str(raw.get()).ok()
}

/// First, second and last element of a list, and its length.
#[derive(Debug, Default)]
pub(crate) struct Ends<'a> {
    pub(crate) first: Option<&'a RawValue>,
    pub(crate) second: Option<&'a RawValue>,
    pub(crate) last: Option<&'a RawValue>,
    pub(crate) len: usize,
}

impl<'de: 'a, 'a> Deserialize<'de> for Ends<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EndsVisitor;
        impl<'de> Visitor<'de> for EndsVisitor {
            type Value = Ends<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut ends = Ends::default();
                while let Some(value) = list.next_element::<&RawValue>()? {
                    match ends.len {
                        0 => ends.first = Some(value),
                        1 => ends.second = Some(value),
                        _ => {}
                    }
                    ends.last = Some(value);
                    ends.len += 1;
                }
                Ok(ends)
            }
        }
        deserializer.deserialize_seq(EndsVisitor)
    }
}

pub(crate) fn for_each_field<'a>(
    object: &'a str,
    field: impl FnMut(Cow<'a, str>, &'a RawValue),
) -> Result<(), Unreadable> {
    struct Fields<F>(F);
    impl<'de, F: FnMut(Cow<'de, str>, &'de RawValue)> Visitor<'de> for Fields<F> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
            while let Some(Name(name)) = map.next_key()? {
                (self.0)(name, map.next_value()?);
            }
            Ok(())
        }
    }
    let mut deserializer = serde_json::Deserializer::from_str(object);
    deserializer.deserialize_map(Fields(field))?;
    deserializer.end()?;
    Ok(())
}

/// A field name, copied only if it has an escape.
struct Name<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Name<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;
        impl<'de> Visitor<'de> for NameVisitor {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Borrowed(name)))
            }

            fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Owned(name.to_owned())))
            }
        }
        deserializer.deserialize_str(NameVisitor)
    }
}

/// Returns whether the text is JSON of any depth and number size.
pub(crate) fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

pub(crate) fn clean(text: &str, most: usize) -> String {
    let text: String = text
        .chars()
        .filter(|c| !c.is_control())
        .take(most)
        .collect();
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lone_surrogates_become_replacement_characters() {
        for (text, repaired) in [
            (r#""\ud83d""#, r#""\ufffd""#),
            (r#""\uDC00x""#, r#""\ufffdx""#),
            (r#""\ud83d\ude00""#, r#""\ud83d\ude00""#),
            (r#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
            (r#""\\ud83d""#, r#""\\ud83d""#),
            (r#""\\\ud83d""#, r#""\\\ufffd""#),
            (r#""\ud83d\n""#, r#""\ufffd\n""#),
            (r#""\u00e9\ud8"#, r#""\u00e9\ud8"#),
            ("\"é\\ud800é\"", "\"é\\ufffdé\""),
        ] {
            assert_eq!(repair(text), repaired, "{text}");
        }
    }

    #[test]
    fn only_an_object_is_taken_out_of_a_wrapper() {
        assert_eq!(unwrapped(r#"{"ok":true,"data":{"a":1}}"#), r#"{"a":1}"#);
        assert_eq!(unwrapped(r#"{"data":3}"#), r#"{"data":3}"#);
        assert_eq!(unwrapped("[1]"), "[1]");
        assert_eq!(unwrapped(r#"[{"a":1}]"#), r#"[{"a":1}]"#);
        assert_eq!(unwrapped(r#" [{"a":1}]"#), r#" [{"a":1}]"#);
        assert_eq!(unwrapped(r#" {"data":{"a":1}}"#), r#"{"a":1}"#);
        assert_eq!(unwrapped("{"), "{");
    }

    #[test]
    fn a_list_of_one_object_is_read_as_a_list() {
        let read: Vec<Value> = from_slice(br#"[{"a":1}]"#).unwrap();
        assert_eq!(read, [serde_json::json!({ "a": 1 })]);
    }

    #[test]
    fn a_byte_order_mark_and_bad_bytes_do_not_matter() {
        let read: Value = from_slice(b"\xef\xbb\xbf{\"a\":\"b\xff\"}").unwrap();
        assert_eq!(read["a"], "b\u{fffd}");
    }

    proptest! {
        #[test]
        fn a_repaired_text_reads_as_javascript_would(units in proptest::collection::vec(any::<u16>(), 0..20)) {
            let mut text = String::from("\"");
            for unit in &units {
                text.push_str(&format!("\\u{unit:04x}"));
            }
            text.push('"');
            let read: String = serde_json::from_str(&repair(&text)).unwrap();
            prop_assert_eq!(read, String::from_utf16_lossy(&units));
        }

        #[test]
        fn no_text_makes_it_panic(text: String) {
            let repaired = repair(&text);
            let _ = unwrapped(&repaired);
            let _ = for_each_field(&repaired, |_, _| {});
        }
    }
}
