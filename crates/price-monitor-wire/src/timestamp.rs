//! Timestamps as services write them.

use serde_json::Value;
use time::{
    Date, OffsetDateTime, PrimitiveDateTime, Time,
    format_description::well_known::{Iso8601, Rfc2822, Rfc3339},
};

use crate::report::UnixMillis;

/// Numbers from here on are milliseconds, smaller ones seconds: this is the year 5138 as seconds, 1973 as milliseconds.
const LEAST_MILLIS: f64 = 1e11;
/// The last millisecond of the year 9999.
const MOST: i64 = 253_402_300_799_999;

/// Parses RFC 3339, ISO 8601, RFC 1123, a date, seconds or milliseconds since 1970 (number or string), and MongoDB's
/// `{"$date": …}`.
pub(crate) fn read(value: &Value) -> Option<UnixMillis> {
    let millis = match value {
        Value::Number(number) => of_number(number.as_f64()?)?,
        Value::String(text) => of_text(text.trim())?,
        Value::Object(object) => match object.get("$date")? {
            Value::Object(inner) => of_text(inner.get("$numberLong")?.as_str()?)?,
            date => read(date)?,
        },
        _ => return None,
    };
    (1..=MOST).contains(&millis).then_some(millis)
}

#[allow(clippy::cast_possible_truncation)] // what is out of range was refused before
fn of_number(number: f64) -> Option<i64> {
    let millis = if number < LEAST_MILLIS {
        number * 1000.0
    } else {
        number
    };
    (millis.is_finite() && (1.0..1e15).contains(&millis)).then_some(millis as i64)
}

fn of_text(text: &str) -> Option<i64> {
    if text.len() > 64 || !text.is_ascii() {
        return None;
    }
    // Eight digits are a date without hyphens.
    if text.bytes().all(|b| b.is_ascii_digit() || b == b'.') && text.len() != 8 {
        return of_number(text.parse().ok()?);
    }
    let mut iso = text.to_owned();
    if iso.as_bytes().get(10) == Some(&b' ') {
        iso.replace_range(10..11, "T");
    }
    let time = OffsetDateTime::parse(&iso, &Rfc3339)
        .or_else(|_| OffsetDateTime::parse(&iso, &Iso8601::PARSING))
        .or_else(|_| OffsetDateTime::parse(text, &Rfc2822))
        .ok()
        .or_else(|| {
            let local = PrimitiveDateTime::parse(&iso, &Iso8601::PARSING);
            let local = local.or_else(|_| {
                let date = Date::parse(&iso, &Iso8601::PARSING)?;
                Ok::<_, time::error::Parse>(PrimitiveDateTime::new(date, Time::MIDNIGHT))
            });
            local.ok().map(PrimitiveDateTime::assume_utc)
        })?;
    i64::try_from(time.unix_timestamp_nanos() / 1_000_000).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const AT: UnixMillis = 1_772_359_200_000;

    #[test]
    fn every_form_of_a_time_is_read() {
        for (value, millis) in [
            (json!("2026-03-01T10:00:00.000Z"), AT),
            (json!("2026-03-01T10:00:00+00:00"), AT),
            (json!("2026-03-01T11:00:00.123+01:00"), AT + 123),
            (json!("2026-03-01T15:30:00.123456789+05:30"), AT + 123),
            (json!("2026-03-01T04:00:00-06:00"), AT),
            (json!("2026-03-01 10:00:00"), AT),
            (json!("2026-03-01T10:00:00"), AT),
            (json!("2026-03-01T10:00"), AT),
            (json!("20260301T100000Z"), AT),
            (json!(" Sun, 01 Mar 2026 10:00:00 GMT "), AT),
            (json!("Sun, 01 Mar 2026 10:00:00 +0000"), AT),
            (json!(AT), AT),
            (json!(1_772_359_200_000.5), AT),
            (json!("1772359200000"), AT),
            (json!(1_772_359_200), AT),
            (json!("1772359200"), AT),
            (json!(1_772_359_200.25), AT + 250),
            (json!({"$date": "2026-03-01T10:00:00Z"}), AT),
            (json!({"$date": AT}), AT),
            (json!({"$date": {"$numberLong": "1772359200000"}}), AT),
            (json!("2026-03-01"), AT - 36_000_000),
        ] {
            assert_eq!(read(&value), Some(millis), "{value}");
        }
    }

    #[test]
    fn a_time_out_of_any_calendar_is_none() {
        for value in [
            json!(i64::MAX),
            json!(8_640_000_000_000_001_i64),
            json!(253_402_300_800_000_i64),
            json!(-5),
            json!(0),
            json!(1e300),
            json!("soon"),
            json!(""),
            json!("99999999999999999999999999"),
            json!("1".repeat(400)),
            json!("2026-13-01"),
            json!({"$date": {}}),
            json!(true),
            json!(null),
        ] {
            assert_eq!(read(&value), None, "{value}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[0-9T:Z+. -]{0,40}|.{0,20}") {
            let _ = read(&Value::from(text));
        }

        #[test]
        fn what_javascript_writes_reads_back(millis in 1..MOST) {
            let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000).unwrap();
            let (date, time) = (at.date(), at.time());
            let text = format!(
                "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
                date.year(), u8::from(date.month()), date.day(),
                time.hour(), time.minute(), time.second(), time.millisecond(),
            );
            prop_assert_eq!(read(&Value::from(text)), Some(millis));
        }
    }
}
