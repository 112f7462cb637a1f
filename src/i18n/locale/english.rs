//! English, the language that texts are written in first.

use super::Language;

pub(super) const ENGLISH: Language = Language {
    tag: "en",
    name: "English",
    thousands: ",",
    least_grouped: 1_000,
    decimal: ".",
    percent: "%",
    ordinal,
    months: [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ],
    behind_day: "",
    texts: &[],
    messages: &[],
};

fn ordinal(value: u64) -> &'static str {
    match (value % 100, value % 10) {
        (11..=13, _) | (_, 0 | 4..) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
    }
}
