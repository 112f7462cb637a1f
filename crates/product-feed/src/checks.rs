//! Validates product fields other than the price.

use std::borrow::Cow;

use thiserror::Error;

use crate::price::{self, DecimalMark};

/// Maximum characters of a URL.
const MAX_URL: usize = 2000;

/// Placeholders for a missing number.
const NOTHING: &[&str] = &[
    "-",
    "–",
    "n/a",
    "na",
    "none",
    "null",
    "0",
    "does not apply",
    "nicht zutreffend",
    "no aplica",
    "ne s'applique pas",
];

/// Why a text is no Global Trade Item Number. Shown to users after the number.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum GtinError {
    /// It was shortened to a float by a spreadsheet program.
    #[error("was shortened by a spreadsheet program. Format the column as text")]
    Shortened,
    /// It has other characters than digits, or a wrong length.
    #[error("is not valid: a GTIN has 8, 12, 13 or 14 digits")]
    Form,
    /// It has a wrong check digit.
    #[error("has a wrong check digit (expected {0})")]
    CheckDigit(char),
}

/// Returns whether a cell of an optional field has a word for an empty value, as databases write, or a dash.
pub(crate) fn is_nothing(text: &str) -> bool {
    const WORDS: [&str; 9] = [
        "null", "(null)", "nan", "\\n", "n/a", "none", "nil", "-", "–",
    ];
    text.len() <= 6 && WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
}

/// Parses a GTIN-8, -12, -13 or -14 (GS1 General Specifications, section 7.9) or an ISBN-10; `None` for an
/// empty cell or placeholder. Ignores hyphens and spaces, and restores leading zeros.
///
/// # Errors
///
/// If it is invalid.
pub(crate) fn gtin(text: &str) -> Result<Option<String>, GtinError> {
    let text = text.trim();
    // Spreadsheets mark text with an apostrophe.
    let text = text
        .strip_prefix("=\"")
        .and_then(|text| text.strip_suffix('"'))
        .or_else(|| text.strip_prefix('\''))
        .unwrap_or(text);
    let is_nothing = is_nothing(text) || NOTHING.iter().any(|word| word.eq_ignore_ascii_case(text));
    if text.is_empty() || is_nothing {
        return Ok(None);
    }
    let digits: String = text
        .chars()
        .filter(|character| !matches!(character, ' ' | '-' | '\u{a0}'))
        .collect();
    let digits = digits.strip_suffix(".0").unwrap_or(&digits);
    if is_isbn_10(digits) {
        return Ok(Some(digits.to_ascii_uppercase()));
    }
    // Zeros fit their check digit, and are of no product.
    if digits.bytes().all(|byte| byte == b'0') {
        return Ok(None);
    }
    if digits.contains(['e', 'E']) && digits.parse::<f64>().is_ok() {
        return Err(GtinError::Shortened);
    }
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(GtinError::Form);
    }
    let zeros = match digits.len() {
        8 | 12 | 13 | 14 => 0,
        7 => 1,
        10 | 11 => 12 - digits.len(),
        _ => return Err(GtinError::Form),
    };
    let number = format!("{}{digits}", "0".repeat(zeros));
    let right = check_digit(&number);
    if number.ends_with(right) {
        Ok(Some(number))
    } else {
        Err(GtinError::CheckDigit(right))
    }
}

/// Computes the check digit, with weights 3, 1, 3, 1 … from the right.
fn check_digit(number: &str) -> char {
    let others = number
        .bytes()
        .rev()
        .skip(1)
        .zip([3_u32, 1].into_iter().cycle());
    let sum: u32 = others
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .sum();
    char::from_digit((10 - sum % 10) % 10, 10).unwrap_or('0')
}

/// Returns whether this is an ISBN-10: nine digits and a check character, weighted 10 to 1, modulo 11.
fn is_isbn_10(text: &str) -> bool {
    if text.len() != 10 {
        return false;
    }
    let values = text
        .chars()
        .enumerate()
        .map(|(index, character)| match character {
            'X' | 'x' if index == 9 => Some(10),
            character => character.to_digit(10),
        });
    let sum = values
        .zip((1..=10).rev())
        .map(|(value, weight)| value.map(|value| value * weight))
        .sum::<Option<u32>>();
    sum.is_some_and(|sum| sum % 11 == 0)
}

/// The content of a link cell.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Link<'a> {
    /// Empty.
    None,
    /// A URL or absolute path.
    Address(Cow<'a, str>),
    /// Anything else.
    Other,
}

/// Parses a URL of a page: absolute, without scheme, or an absolute path in the shop. Spaces are
/// percent-encoded.
pub(crate) fn url(text: &str) -> Link<'_> {
    let text = text.trim();
    if text.is_empty() {
        return Link::None;
    }
    if is_plain_address(text)
        && !text.contains(|mark: char| mark.is_whitespace() || mark.is_control())
    {
        return if text.len() <= MAX_URL {
            Link::Address(Cow::Borrowed(text))
        } else {
            Link::Other
        };
    }
    if text.chars().count() > MAX_URL || text.contains(char::is_control) {
        return Link::Other;
    }
    let spaced = text.contains(char::is_whitespace);
    let address: Cow<'_, str> = if spaced {
        let mut encoded = String::with_capacity(text.len() + 16);
        for character in text.chars() {
            if character.is_whitespace() {
                encoded.push_str("%20");
            } else {
                encoded.push(character);
            }
        }
        Cow::Owned(encoded)
    } else {
        Cow::Borrowed(text)
    };
    if address.starts_with('/') && !spaced {
        return Link::Address(address);
    }
    let is_good = |address: &str| {
        url::Url::parse(address).is_ok_and(|parsed| {
            matches!(parsed.scheme(), "http" | "https")
                && parsed.host_str().is_some_and(|host| !host.contains("%20"))
        })
    };
    let has_host = !spaced && begins_with_host(&address);
    if has_host || is_good(&address) {
        Link::Address(address)
    } else {
        Link::Other
    }
}

/// Returns the first URL of an image cell; `None` where it has none that leads to a host.
pub(crate) fn image(text: &str) -> Option<String> {
    let mut parts = text.split(|mark: char| mark.is_whitespace() || mark == '|');
    let first = parts.find(|part| !part.is_empty())?;
    // A comma may be part of a URL; before the next one it is none.
    let next = [",http", ";http", ",//", ";//"];
    let end = next.iter().filter_map(|next| first.find(next)).min();
    let first = first[..end.unwrap_or(first.len())].trim_end_matches([',', ';']);
    let whole = match first.strip_prefix("//") {
        Some(rest) => Cow::Owned(format!("https://{rest}")),
        None => Cow::Borrowed(first),
    };
    let has_scheme = ["https://", "http://"]
        .iter()
        .any(|scheme| starts_with_ignoring_case(&whole, scheme));
    match url(&whole) {
        Link::Address(address) if has_scheme => Some(address.into_owned()),
        _ => None,
    }
}

/// Returns whether an address starts with a host and only lacks its scheme: `shop.example/cup`.
fn begins_with_host(text: &str) -> bool {
    let (host, path) = text.split_once('/').unzip();
    let host = host.unwrap_or(text);
    let is_www = starts_with_ignoring_case(host, "www.");
    // `mug.html` is not a host.
    if path.is_none() && !is_www {
        return false;
    }
    let last = host.rsplit('.').next().unwrap_or_default();
    host.contains('.')
        && last.len() >= 2
        && last.chars().all(char::is_alphabetic)
        && url::Url::parse(&format!("https://{text}")).is_ok_and(|parsed| parsed.has_host())
}

/// Returns whether a URL is simple enough to skip the parser. Most are.
fn is_plain_address(text: &str) -> bool {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        let host = rest.split('/').next().unwrap_or_default();
        host.contains('.')
            && !host.starts_with('.')
            && host
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
            && !host.split('.').next_back().is_some_and(|last| {
                last.is_empty() || last.starts_with(|first: char| first.is_ascii_digit())
            })
    })
}

fn starts_with_ignoring_case(text: &str, start: &str) -> bool {
    text.get(..start.len())
        .is_some_and(|begin| begin.eq_ignore_ascii_case(start))
}

/// Availability of a product.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Availability {
    /// In stock.
    InStock,
    /// Out of stock.
    OutOfStock,
    /// Orderable before its first delivery.
    Preorder,
    /// Orderable until it is in stock again.
    Backorder,
    /// Discontinued.
    Discontinued,
}

impl Availability {
    /// Returns Google Merchant's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InStock => "in_stock",
            Self::OutOfStock => "out_of_stock",
            Self::Preorder => "preorder",
            Self::Backorder => "backorder",
            Self::Discontinued => "discontinued",
        }
    }
}

/// Words for availability, lower case, without spaces and punctuation.
#[rustfmt::skip] // one a line would hide the table
const AVAILABILITIES: &[(Availability, &[&str])] = &[
    (Availability::InStock, &[
        "instock", "available", "availablefororder", "yes", "true", "1", "limitedavailability", "y",
        "onlineonly", "instoreonly", "unlimited", "infinite", "low", "lowstock", "fewleft", "plenty", "high", "ok",
        "lowinstock", "limited", "limitedstock", "active", "auflager", "verfügbar", "lieferbar",
        "sofortlieferbar", "ja", "vorrätig", "unbegrenzt", "ab lager", "ablager", "wenige",
        "enstock", "disponible", "oui", "illimité", "enexistencia", "sí", "si", "ilimitado", "disponibile", "sì",
        "illimitato", "disponível", "sim", "emestoque", "emstock", "opvoorraad", "leverbaar", "onbeperkt", "dostępny", "tak",
        "nastanie", "skladem", "ano", "raktáron", "igen", "instoc", "da", "pålager", "ilager", "varastossa",
        "вналичии", "есть", "да", "stokta", "stoktavar", "var", "evet", "mevcut", "διαθέσιμο", "σεαπόθεμα", "înstoc", "pestoc", "disponibil", "cònhàng", "còn", "재고있음", "판매중", "tillgänglig", "saatavilla", "finnes", "raktáronvan", "elérhető", "dostupné", "dostępne", "dostupno", "nazalihi", "внаявності", "наскладе", "disponibles", "disponibili", "beschikbaar", "24uurs", "direktlieferbar", "abverkauf", "sofortverfügbar", "lagernd", "在庫あり", "あり", "有货", "有", "现货", "有貨", "無制限",
    ]),
    (Availability::OutOfStock, &[
        "outofstock", "unavailable", "out", "oos", "nostock", "stockout", "temporarilyoutofstock", "currentlyunavailable", "temporarilyunavailable", "notavailable", "soldout", "no", "false", "0", "n", "empty", "nichtauflager",
        "nichtverfügbar", "nichtlieferbar", "ausverkauft", "nein", "vergriffen", "enrupturedestock", "rupturedestock", "rupture", "horsstock", "enrupture", "fueradestock", "nohaystock", "sinstock", "nonpresente", "nietbeschikbaar", "nietleverbaar", "chwilowoniedostępny", "niedostępne", "wyprzedany", "wyprzedane", "loppu", "loppunut", "eivarastossa", "εξαντλημένο", "μηδιαθέσιμο", "stocepuizat", "epuizat", "indisponibil", "elfogyott", "nedostupné", "rasprodano", "nemanazalihi", "відсутній", "немаєвнаявності", "нетнаскладе", "распродано", "hếthàng", "품절", "재고없음", "semestoque", "semstock", "foradeestoque", "ikkepålager", "ejilager", "slut",
        "indisponible", "non", "épuisé", "agotado", "sinexistencias", "nodisponible", "esaurito", "nondisponibile",
        "esgotado", "indisponível", "não", "nietopvoorraad", "uitverkocht", "nee", "niedostępny", "brak", "nie",
        "brakwmagazynie", "vyprodáno", "nenískladem", "ne", "nincsraktáron", "nem", "utsolgt", "slutsåld", "udsolgt",
        "нетвналичии", "нет", "отсутствует", "tükendi", "yok", "hayır", "stoktayok", "在庫なし", "なし", "品切れ", "売り切れ",
        "缺货", "无货", "无", "售罄", "無貨",
    ]),
    (Availability::Preorder, &["preorder", "presale", "comingsoon", "vorbestellung", "vorbestellbar", "précommande",
        "preventa", "reserva", "próximamente", "preordine", "prevenda", "prossimamente", "bientôtdisponible", "demnächst",
        "verwachtbinnenkort", "wkrótce", "przedsprzedaż", "předobjednávka", "förhandsbokning", "предзаказ", "予約", "予約受付中", "预售", "önsipariş"]),
    (Availability::Backorder, &["backorder", "onbackorder", "backordered", "nachbestellt", "madetoorder", "onorder",
        "aufbestellung", "bestellt", "lieferbaraufbestellung", "surcommande", "encommande", "bajopedido", "suordinazione", "opbestelling", "nabestelling", "nazamówienie", "naobjednávku", "beställningsvara", "bestillingsvare",
        "sobencomenda", "подзаказ",
        "取り寄せ"]),
    (Availability::Discontinued, &["discontinued", "disabled", "ausgelaufen", "eingestellt", "descatalogado", "eol"]),
];

/// Parses an availability, or a schema.org URL of one.
pub(crate) fn availability(text: &str) -> Option<Availability> {
    if text.trim() == "+" {
        return Some(Availability::InStock);
    }
    let word = text.trim().rsplit('/').next().unwrap_or_default();
    let word: String = word
        .chars()
        .filter(|character| character.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    AVAILABILITIES
        .iter()
        .find(|(_, words)| words.contains(&word.as_str()))
        .map(|(availability, _)| *availability)
}

/// The content of a stock cell.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Stock {
    /// A count, negative if oversold.
    Count(i64),
    /// Empty, or a word for availability.
    None,
    /// Anything else.
    Unreadable,
}

/// Units for pieces.
const PIECES: &[&str] = &[
    "pcs",
    "pc",
    "pieces",
    "piece",
    "units",
    "unit",
    "ea",
    "items",
    "x",
    "available",
    "in stock",
    "left",
    "stk",
    "stück",
    "stck",
    "st",
    "pièces",
    "pièce",
    "pces",
    "pce",
    "unités",
    "uds",
    "ud",
    "unidades",
    "pz",
    "pezzi",
    "stuks",
    "stuk",
    "szt",
    "sztuk",
    "ks",
    "db",
    "шт",
    "adet",
    "個",
    "个",
    "件",
    "點",
    "点",
    "kpl",
    "auf lager",
    "verfügbar",
    "en stock",
    "disponibles",
];

/// Returns whether a lower-case word is a unit for pieces.
pub(crate) fn is_pieces(word: &str) -> bool {
    PIECES.contains(&word)
}

/// Words before a count that is not exact.
const APPROXIMATELY: &[&str] = &[
    "over ",
    "more than ",
    "about ",
    "approx. ",
    "approx ",
    "ca. ",
    "ca ",
    "min. ",
    "mehr als ",
    "über ",
    "más de ",
    "plus de ",
    "più di ",
    "meer dan ",
    "ponad ",
    "более ",
    "больше ",
];

/// Parses a stock: `3`, `3.0`, `12,000`, `5 pcs`, `In stock (12)`; `10+` and `>100` as 10 and 100. `mark` is the
/// decimal mark of the file's prices.
pub(crate) fn stock(text: &str, mark: DecimalMark) -> Stock {
    let text = text.trim();
    // "None" may be a count.
    let is_none = ["none", "nil"]
        .iter()
        .any(|word| word.eq_ignore_ascii_case(text));
    if text.is_empty() || (is_nothing(text) && !is_none) {
        return Stock::None;
    }
    if let Ok(count) = text.parse() {
        return Stock::Count(count);
    }
    // WooCommerce: the parent keeps the count.
    if text.eq_ignore_ascii_case("parent") || availability(text).is_some() || text == "∞" {
        return Stock::None;
    }
    // `IN_STOCK (12)`: drops the word.
    let text = match text.split_once('(') {
        Some((word, count)) if availability(word).is_some() => count.trim_end_matches(')'),
        _ => match text.rsplit_once([':', ' ']) {
            // `In stock: 7`
            Some((word, count))
                if !count.is_empty()
                    && count.bytes().all(|byte| byte.is_ascii_digit())
                    && availability(word) == Some(Availability::InStock) =>
            {
                count
            }
            _ => text,
        },
    };
    let lower = text.trim().to_lowercase();
    let text = APPROXIMATELY
        .iter()
        .find_map(|words| lower.strip_prefix(words))
        .unwrap_or(&lower)
        .trim_start_matches(['>', '≥', '=', '~'])
        .trim();
    let (is_negative, text) = match text.strip_prefix(['-', '−']) {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let text = text.trim_end_matches('.').trim_end();
    let text = PIECES
        .iter()
        .filter_map(|unit| {
            let rest = text.strip_suffix(unit)?;
            (!rest.ends_with(char::is_alphabetic)).then(|| rest.trim_end())
        })
        .min_by_key(|rest| rest.len())
        .unwrap_or(text);
    let text = text.strip_suffix('+').unwrap_or(text).trim_end();
    let is_number = |character: char| {
        character.is_ascii_digit()
            || matches!(character, '.' | ',' | '\'')
            || character.is_whitespace()
    };
    if !text.chars().all(is_number) {
        return Stock::Unreadable;
    }
    let whole = |mark| {
        let count = price::parse(text, mark).ok()?.amount;
        let count = Some(count).filter(rust_decimal::Decimal::is_integer)?;
        count.normalize().to_string().parse::<i64>().ok()
    };
    // Computers write `5.0` beside prices with a comma.
    match whole(mark).or_else(|| whole(DecimalMark::Point)) {
        Some(count) => Stock::Count(if is_negative { -count } else { count }),
        None => Stock::Unreadable,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_gtin_is_read_as_it_comes() {
        for (text, number) in [
            ("4006381333931", Some("4006381333931")),
            ("4 006381 333931", Some("4006381333931")),
            ("40170725", Some("40170725")),
            ("036000291452", Some("036000291452")),
            ("36000291452", Some("036000291452")),
            ("00036000291452", Some("00036000291452")),
            ("978-3-16-148410-0", Some("9783161484100")),
            ("0-306-40615-2", Some("0306406152")),
            ("=\"4006381333931\"", Some("4006381333931")),
            ("4006381333931.0", Some("4006381333931")),
            ("", None),
            ("N/A", None),
            ("does not apply", None),
        ] {
            assert_eq!(gtin(text), Ok(number.map(str::to_owned)), "{text:?}");
        }
    }

    #[test]
    fn the_first_address_of_an_image_cell_counts() {
        for (text, address) in [
            ("https://a.example/1.jpg", Some("https://a.example/1.jpg")),
            (
                " https://a.example/1.jpg, https://a.example/2.jpg",
                Some("https://a.example/1.jpg"),
            ),
            (
                "http://a.example/1.jpg,http://a.example/2.jpg",
                Some("http://a.example/1.jpg"),
            ),
            (
                "https://a.example/w_100,h_100/1.jpg|https://a.example/2.jpg",
                Some("https://a.example/w_100,h_100/1.jpg"),
            ),
            ("//cdn.example/1.jpg", Some("https://cdn.example/1.jpg")),
            ("a.jpg", None),
            ("/c/cup.jpg", None),
            ("cdn.example/1.jpg", None),
            ("data:image/png;base64,AAAA", None),
            ("javascript:alert(1)", None),
            ("https://", None),
            ("", None),
        ] {
            assert_eq!(image(text).as_deref(), address, "{text}");
        }
    }

    #[test]
    fn what_is_no_gtin_says_why() {
        assert_eq!(gtin("4006381333932"), Err(GtinError::CheckDigit('1')));
        assert_eq!(gtin("4.00638E+12"), Err(GtinError::Shortened));
        assert_eq!(gtin("ABC-1"), Err(GtinError::Form));
        assert_eq!(gtin("123"), Err(GtinError::Form));
    }

    #[test]
    fn an_address_is_absolute_or_within_the_shop() {
        for good in [
            "https://shop.example.com/a?b=c#d",
            "http://shop.example.com",
            "HTTPS://shop.example.com/ü",
            "https://localhost:8080/x",
            "www.example.com/x",
            "/shirts/blue",
            "//cdn.example.com/x",
            "shop.example/cup",
        ] {
            assert_eq!(url(good), Link::Address(good.into()));
        }
        assert_eq!(url("  "), Link::None);
        let spaced = url("https://shop.example/a b");
        assert_eq!(spaced, Link::Address("https://shop.example/a%20b".into()));
        for bad in [
            "shirt",
            "mug.html",
            "a b",
            "ftp://example.com/x",
            "javascript:alert(1)",
            "https://",
            "https://a b.com",
            "https://1.2.3.999/",
        ] {
            assert_eq!(url(bad), Link::Other, "{bad}");
        }
    }

    #[test]
    fn stock_is_a_whole_number() {
        for (text, count) in [
            ("3", Stock::Count(3)),
            ("-2", Stock::Count(-2)),
            ("3.0", Stock::Count(3)),
            ("1,200", Stock::Count(1200)),
            ("100+", Stock::Count(100)),
            (">100", Stock::Count(100)),
            ("> 100", Stock::Count(100)),
            ("5 pcs", Stock::Count(5)),
            ("12 Stk.", Stock::Count(12)),
            ("In stock (12)", Stock::Count(12)),
            ("In stock: 7", Stock::Count(7)),
            ("In stock ", stock("In stock", DecimalMark::Point)),
            ("In stock:", stock("In stock", DecimalMark::Point)),
            ("ca. 20", Stock::Count(20)),
            ("über 9", Stock::Count(9)),
            ("7 шт.", Stock::Count(7)),
            ("0", Stock::Count(0)),
            ("Unlimited", Stock::None),
            ("low", Stock::None),
            ("", Stock::None),
            ("3.5", Stock::Unreadable),
            ("many", Stock::Unreadable),
            ("call", Stock::Unreadable),
            ("5 kg", Stock::Unreadable),
            ("$5", Stock::Unreadable),
        ] {
            assert_eq!(stock(text, DecimalMark::Point), count, "{text:?}");
        }
    }

    #[test]
    fn availability_is_told_in_many_words() {
        for (text, told) in [
            ("in stock", Some(Availability::InStock)),
            ("in_stock", Some(Availability::InStock)),
            ("Out of stock", Some(Availability::OutOfStock)),
            ("https://schema.org/PreOrder", Some(Availability::Preorder)),
            ("auf Lager", Some(Availability::InStock)),
            ("backorder", Some(Availability::Backorder)),
            ("perhaps", None),
        ] {
            assert_eq!(availability(text), told, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_gtin_with_its_check_digit_is_taken_and_with_any_other_is_not(
            digits in "[1-9][0-9]{11}", wrong in 1_u8..10,
        ) {
            let right = check_digit(&format!("{digits}0"));
            let good = format!("{digits}{right}");
            prop_assert_eq!(gtin(&good), Ok(Some(good.clone())));
            let other = char::from(b'0' + (right as u8 - b'0' + wrong) % 10);
            prop_assert_eq!(gtin(&format!("{digits}{other}")), Err(GtinError::CheckDigit(right)));
        }

        #[test]
        fn no_text_makes_a_check_panic(text in any::<String>()) {
            let _ = (gtin(&text), url(&text), availability(&text));
            for mark in [DecimalMark::Point, DecimalMark::Comma] {
                let _ = stock(&text, mark);
            }
        }
    }
}
