//! German. Its texts stand beside the English ones.

use super::Language;

pub(super) const GERMAN: Language = Language {
    tag: "de",
    name: "Deutsch",
    thousands: ".",
    least_grouped: 1_000,
    decimal: ",",
    percent: "\u{a0}%",
    ordinal: |_| ".",
    months: [
        "Jan.", "Feb.", "März", "Apr.", "Mai", "Juni", "Juli", "Aug.", "Sept.", "Okt.", "Nov.",
        "Dez.",
    ],
    behind_day: ".",
    texts: &[],
    messages: &[],
};
