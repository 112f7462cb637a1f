//! Parses the answers of REST calls.

use serde_json::{Value, value::RawValue};

use crate::{
    failure::Failure,
    json::{self, clean},
};

/// Characters of an error message.
const MAX_WORDS: usize = 300;
/// Fields of an outline.
const MAX_NAMES: usize = 12;
/// In order of preference.
const ID_NAMES: [&str; 4] = ["id", "_id", "jobId", "importId"];
const IMPORT_NAME: &str = "import";

/// Finds the ID of a created import: `id`, `_id`, `jobId` or `importId`, at the top level or within `data` or `import`.
#[must_use]
pub fn created_id(body: &[u8]) -> Option<String> {
    let text = json::text(body);
    let text = json::repair(&text);
    let object = json::unwrapped(text.trim());
    id_of(object).or_else(|| {
        let mut inner = None;
        json::for_each_field(object, |name, value| {
            if name == IMPORT_NAME {
                inner = inner.take().or_else(|| id_of(value.get()));
            }
        })
        .ok()?;
        inner
    })
}

fn id_of(object: &str) -> Option<String> {
    let mut found: [Option<String>; ID_NAMES.len()] = Default::default();
    json::for_each_field(object, |name, value| {
        if let Some(place) = ID_NAMES.iter().position(|known| *known == name) {
            found[place] = id(value);
        }
    })
    .ok()?;
    found.into_iter().flatten().next()
}

/// Parses an ID: a string, an integer of any size, or MongoDB's `{"$oid": …}`.
fn id(raw: &RawValue) -> Option<String> {
    let text = raw.get();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(text.to_owned());
    }
    match json::value(raw)? {
        Value::String(text) => Some(text),
        Value::Object(object) => object.get("$oid")?.as_str().map(str::to_owned),
        _ => None,
    }
    .filter(|text| !text.is_empty())
}

/// Extracts why the service refused: `message`, `error`, `detail` or `errors`, or a short plain text; with its code, if
/// any.
#[must_use]
pub fn failure(body: &[u8]) -> Option<Failure> {
    let text = json::text(body);
    let text = text.trim();
    let coded = |words: String, object: &Value| {
        let words = clean(&words, MAX_WORDS);
        let [code, parameters] = ["errorCode", "errorParams"].map(|name| object.get(name));
        (!words.is_empty()).then(|| Failure::coded(words, code, parameters))
    };
    match serde_json::from_str::<Value>(&json::repair(text)) {
        Ok(answer) => match words_of(&answer) {
            Some(words) => coded(words, &answer),
            None => coded(words_of(&answer["data"])?, &answer["data"]),
        },
        Err(_) if text.starts_with('<') => None,
        Err(_) => coded(text.to_owned(), &Value::Null),
    }
}

/// Extracts the message of [`failure`] only.
#[must_use]
pub fn own_words(body: &[u8]) -> Option<String> {
    failure(body).map(|failure| failure.message)
}

fn words_of(answer: &Value) -> Option<String> {
    const NAMES: [&str; 6] = [
        "message",
        "error",
        "detail",
        "errors",
        "error_description",
        "title",
    ];
    NAMES.into_iter().find_map(|name| words(&answer[name]))
}

fn words(value: &Value) -> Option<String> {
    match value {
        Value::String(words) => Some(words.clone()).filter(|words| !words.trim().is_empty()),
        Value::Object(inner) => ["message", "msg", "detail"]
            .into_iter()
            .find_map(|name| inner.get(name)?.as_str().map(str::to_owned)),
        Value::Array(all) => {
            let all: Vec<_> = all
                .iter()
                .filter(|one| !one.is_array())
                .filter_map(words)
                .collect();
            (!all.is_empty()).then(|| all.join(", "))
        }
        _ => None,
    }
}

/// Describes an answer for the log by field names and types, without values.
#[must_use]
pub fn outline(body: &[u8]) -> String {
    let text = json::text(body);
    let text = json::repair(text.trim());
    let mut fields = Vec::new();
    let read = json::for_each_field(&text, |name, value| {
        if fields.len() < MAX_NAMES {
            fields.push(format!("{}: {}", clean(&name, 40), kind(value.get())));
        }
    });
    match read {
        Ok(()) => format!("{{{}}}", fields.join(", ")),
        Err(_) if json::is_json(&text) => kind(&text).to_owned(),
        Err(_) if text.is_empty() => "nothing".to_owned(),
        Err(_) if text.starts_with('<') => "a page".to_owned(),
        Err(_) => "a text that is no JSON".to_owned(),
    }
}

fn kind(json: &str) -> &'static str {
    match json.as_bytes().first() {
        Some(b'{') => "object",
        Some(b'[') => "list",
        Some(b'"') => "text",
        Some(b't' | b'f') => "true or false",
        Some(b'n') => "null",
        _ => "number",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_identifier_is_found_under_each_name() {
        for (body, id) in [
            (r#"{"id":"a1"}"#, "a1"),
            (r#"{"_id":"a1","status":"PENDING"}"#, "a1"),
            (r#"{"jobId":"a1"}"#, "a1"),
            (r#"{"importId":"a1"}"#, "a1"),
            (r#"{"success":true,"data":{"id":"a1"}}"#, "a1"),
            (r#"{"import":{"id":"a1"}}"#, "a1"),
            (r#"{"data":{"import":{"_id":"a1"}}}"#, "a1"),
            (r#"{"id":"","_id":"x9"}"#, "x9"),
            (r#"{"id":null,"jobId":"j-2"}"#, "j-2"),
            (r#"{"_id":{"$oid":"66f0"}}"#, "66f0"),
            (r#"{"id":17}"#, "17"),
            (
                r#"{"id":12345678901234567890123}"#,
                "12345678901234567890123",
            ),
            (r#"{"name":"\ud83d","id":"a/b"}"#, "a/b"),
        ] {
            assert_eq!(created_id(body.as_bytes()).as_deref(), Some(id), "{body}");
        }
        for body in [
            "",
            "[]",
            r#"{"id":null}"#,
            r#"{"id":1.5}"#,
            r#"{"id":1e21}"#,
            "<html>",
        ] {
            assert_eq!(created_id(body.as_bytes()), None, "{body:?}");
        }
    }

    #[test]
    fn a_refusal_is_quoted() {
        for (body, words) in [
            (r#"{"error":"Only CSV files"}"#, Some("Only CSV files")),
            (
                r#"{"error":"Bad Request","message":"no SKU column"}"#,
                Some("no SKU column"),
            ),
            (r#"{"message":["a","b"]}"#, Some("a, b")),
            (
                r#"{"errors":[{"message":"no SKU column"}]}"#,
                Some("no SKU column"),
            ),
            (r#"{"detail":"Not your shop"}"#, Some("Not your shop")),
            (
                r#"{"detail":[{"loc":["body"],"msg":"field required"}]}"#,
                Some("field required"),
            ),
            (r#"{"data":{"message":"no"}}"#, Some("no")),
            (r#"{"message":"","error":"no"}"#, Some("no")),
            ("{\"error\":\"a\\u0000b\\ud83d\"}", Some("ab\u{fffd}")),
            ("quota exceeded\n", Some("quota exceeded")),
            ("<html>502</html>", None),
            ("{}", None),
            ("", None),
        ] {
            assert_eq!(own_words(body.as_bytes()).as_deref(), words, "{body:?}");
        }
    }

    #[test]
    fn a_code_comes_with_the_words() {
        let body = br#"{"error":"Too large.","errorCode":"file-too-large","errorParams":{"limit":9,"of":["x"]}}"#;
        let failure = failure(body).unwrap();
        assert_eq!(failure.message, "Too large.");
        assert_eq!(failure.code.as_deref(), Some("file-too-large"));
        let limit = ("limit".to_owned(), crate::Parameter::Number(9));
        assert_eq!(failure.parameters, [limit].into());
        // An unknown kind of code is ignored.
        assert_eq!(
            super::failure(br#"{"error":"no","code":"json"}"#)
                .unwrap()
                .code,
            None
        );
    }

    #[test]
    fn an_outline_tells_names_and_kinds_alone() {
        let body = br#"{"ok":true,"job":{"id":1},"key":"secret","list":[],"n":3,"x":null}"#;
        assert_eq!(
            outline(body),
            "{ok: true or false, job: object, key: text, list: list, n: number, x: null}"
        );
        assert_eq!(outline(b"<html>"), "a page");
        assert_eq!(outline(b""), "nothing");
        assert_eq!(outline(b"[1]"), "list");
        assert_eq!(outline(b"hello"), "a text that is no JSON");
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(body: Vec<u8>) {
            let _ = created_id(&body);
            let _ = own_words(&body);
            let _ = outline(&body);
        }
    }
}
