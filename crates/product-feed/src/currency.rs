//! Currencies as they stand beside prices.

/// What may stand before or after a number, longest first where one begins with another, and the
/// ISO 4217 code it is for, where it is for one alone.
#[rustfmt::skip] // one a line would hide the table
const SIGNS: &[(&str, Option<&str>)] = &[
    ("US$", Some("USD")), ("CA$", Some("CAD")), ("A$", Some("AUD")), ("C$", Some("CAD")),
    ("R$", Some("BRL")), ("S$", Some("SGD")), ("$", None), ("€", Some("EUR")), ("£", Some("GBP")),
    ("¥", None), ("₹", Some("INR")), ("₽", Some("RUB")), ("₩", Some("KRW")), ("₺", Some("TRY")),
    ("₴", Some("UAH")), ("₫", Some("VND")), ("₪", Some("ILS")), ("Fr.", Some("CHF")),
    ("kr.", None), ("kr", None), ("zł", Some("PLN")), ("Kč", Some("CZK")), ("Ft", Some("HUF")),
    ("lei", Some("RON")),
];

/// ISO 4217 codes of currencies that are in use.
#[rustfmt::skip]
const CODES: &[&str] = &[
    "AED", "AFN", "ALL", "AMD", "ANG", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BGN",
    "BHD", "BIF", "BMD", "BND", "BOB", "BRL", "BSD", "BTN", "BWP", "BYN", "BZD", "CAD", "CDF", "CHF",
    "CLP", "CNY", "COP", "CRC", "CUP", "CVE", "CZK", "DJF", "DKK", "DOP", "DZD", "EGP", "ERN", "ETB",
    "EUR", "FJD", "FKP", "GBP", "GEL", "GHS", "GIP", "GMD", "GNF", "GTQ", "GYD", "HKD", "HNL", "HTG",
    "HUF", "IDR", "ILS", "INR", "IQD", "IRR", "ISK", "JMD", "JOD", "JPY", "KES", "KGS", "KHR", "KMF",
    "KPW", "KRW", "KWD", "KYD", "KZT", "LAK", "LBP", "LKR", "LRD", "LSL", "LYD", "MAD", "MDL", "MGA",
    "MKD", "MMK", "MNT", "MOP", "MRU", "MUR", "MVR", "MWK", "MXN", "MYR", "MZN", "NAD", "NGN", "NIO",
    "NOK", "NPR", "NZD", "OMR", "PAB", "PEN", "PGK", "PHP", "PKR", "PLN", "PYG", "QAR", "RON", "RSD",
    "RUB", "RWF", "SAR", "SBD", "SCR", "SDG", "SEK", "SGD", "SHP", "SLE", "SOS", "SRD", "SSP", "STN",
    "SVC", "SYP", "SZL", "THB", "TJS", "TMT", "TND", "TOP", "TRY", "TTD", "TWD", "TZS", "UAH", "UGX",
    "USD", "UYU", "UZS", "VES", "VND", "VUV", "WST", "XAF", "XCD", "XOF", "XPF", "YER", "ZAR", "ZMW",
    "ZWG",
];

/// Returns the code that a text is, in any case, or that its sign is for.
pub(crate) fn code(text: &str) -> Option<&'static str> {
    let text = text.trim();
    CODES
        .iter()
        .find(|code| code.eq_ignore_ascii_case(text))
        .copied()
        .or_else(|| SIGNS.iter().find(|(sign, _)| *sign == text)?.1)
}

/// Takes a currency off the start of a text: whether there is one, its code, and the rest.
pub(crate) fn split_start(text: &str) -> (Option<&'static str>, &str) {
    if let Some(code) = text.get(..3).and_then(iso) {
        return (Some(code), text[3..].trim_start());
    }
    let sign = SIGNS.iter().find(|(sign, _)| {
        text.get(..sign.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(sign))
    });
    match sign {
        Some((sign, code)) => (*code, text[sign.len()..].trim_start()),
        None => (None, text),
    }
}

/// Takes a currency off the end of a text.
pub(crate) fn split_end(text: &str) -> (Option<&'static str>, &str) {
    let start = text.len().saturating_sub(3);
    if let Some(code) = text.get(start..).and_then(iso) {
        return (Some(code), text[..start].trim_end());
    }
    let sign = SIGNS.iter().find(|(sign, _)| {
        text.len()
            .checked_sub(sign.len())
            .and_then(|start| text.get(start..))
            .is_some_and(|end| end.eq_ignore_ascii_case(sign))
    });
    match sign {
        Some((sign, code)) => (*code, text[..text.len() - sign.len()].trim_end()),
        None => (None, text),
    }
}

fn iso(text: &str) -> Option<&'static str> {
    CODES
        .iter()
        .find(|code| code.eq_ignore_ascii_case(text))
        .copied()
}
