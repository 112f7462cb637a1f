use proptest::prelude::*;

use super::*;

fn amount(text: &str) -> Result<Decimal, PriceError> {
    parse(text, DecimalMark::Point).map(|price| price.amount)
}

#[test]
fn a_price_can_say_what_it_is_in() {
    for (text, currency) in [
        ("12.99", None),
        ("$12.99", None),
        ("12.99 USD", Some("USD")),
        ("EUR 12,99", Some("EUR")),
        ("1.299,00 €", Some("EUR")),
        ("£9.99", Some("GBP")),
        ("12,50zł", Some("PLN")),
    ] {
        assert_eq!(
            parse(text, DecimalMark::Point).unwrap().currency,
            currency,
            "{text}"
        );
    }
}

#[test]
fn a_price_is_read_as_people_write_it() {
    for (text, price) in [
        ("12.99", "12.99"),
        ("50", "50"),
        ("12.5", "12.50"),
        ("12.50", "12.50"),
        ("050.00", "50.00"),
        (".5", "0.50"),
        ("5.", "5"),
        ("0", "0"),
        ("-0.00", "0.00"),
        ("+3", "3"),
        ("12,99", "12.99"),
        ("0,125", "0.125"),
        ("1,299", "1299"),
        ("1.299", "1.299"),
        ("1299,5", "1299.50"),
        ("$1,299.00", "1299.00"),
        ("1.299,00 €", "1299.00"),
        ("1,234,567.89", "1234567.89"),
        ("1.234.567", "1234567"),
        ("1 299,00", "1299.00"),
        ("1\u{a0}299,00\u{a0}kr", "1299.00"),
        ("1\u{202f}299,00 €", "1299.00"),
        ("1'299.50", "1299.50"),
        ("CHF 1’299.–", "1299"),
        ("12,-", "12"),
        ("12,-- €", "12"),
        ("EUR 12,99", "12.99"),
        ("12.99 usd", "12.99"),
        ("US$ 7", "7"),
        ("kr. 7", "7"),
        ("  £9.99 ", "9.99"),
    ] {
        assert_eq!(amount(text).map(format).as_deref(), Ok(price), "{text:?}");
    }
}

#[test]
fn a_file_of_decimal_commas_has_points_for_thousands() {
    for (text, price) in [
        ("1.299", "1299"),
        ("12,99", "12.99"),
        ("1,299", "1.299"),
        ("1.299,00 €", "1299.00"),
        ("0.125", "0.125"),
        ("12.99", "12.99"),
        ("5", "5"),
    ] {
        let amount = parse(text, DecimalMark::Comma).map(|price| format(price.amount));
        assert_eq!(amount.as_deref(), Ok(price), "{text:?}");
    }
}

fn voted(
    prices: &[&str],
    currency: Option<&'static str>,
    semicolons: bool,
) -> Result<DecimalMark, String> {
    let mut vote = Vote::default();
    for price in prices {
        vote.count(price, currency);
    }
    vote.result(semicolons)
}

#[test]
fn the_prices_of_a_file_say_how_it_writes_them() {
    for (prices, mark) in [
        (&["12,99", "1.299", "7"][..], DecimalMark::Comma),
        (&["1.299,00 €", "1.299"], DecimalMark::Comma),
        (&["EUR 0,125", "x"], DecimalMark::Comma),
        (&["1.250.000", "15.000"], DecimalMark::Comma),
        (&["1.299,-", "1.299"], DecimalMark::Comma),
        (&["1.299 €"], DecimalMark::Comma),
        (&["15.000 COP"], DecimalMark::Comma),
        (&["Rp 15.000"], DecimalMark::Comma),
        (&["12,99", "12.99"], DecimalMark::Point),
        (&["1,299.00"], DecimalMark::Point),
        (&["1,250,000", "1.299"], DecimalMark::Point),
        (&["1234.500", "1.299"], DecimalMark::Point),
        (&["0.125", "1.299"], DecimalMark::Point),
        (&["1.299 KWD"], DecimalMark::Point),
        (&["1,299", "899", ""], DecimalMark::Point),
        (&[], DecimalMark::Point),
    ] {
        assert_eq!(voted(prices, None, false), Ok(mark), "{prices:?}");
    }
}

#[test]
fn a_file_whose_prices_could_be_both_is_asked_about_unless_something_else_speaks() {
    let prices = ["1.299", "899", "2.499"];
    assert_eq!(voted(&prices, None, false), Err("1.299".to_owned()));
    assert_eq!(voted(&prices, None, true), Ok(DecimalMark::Comma));
    assert_eq!(voted(&prices, Some("COP"), false), Ok(DecimalMark::Comma));
    assert_eq!(voted(&prices, Some("EUR"), false), Ok(DecimalMark::Comma));
    assert_eq!(voted(&prices, Some("USD"), false), Err("1.299".to_owned()));
    assert_eq!(voted(&prices, Some("BHD"), false), Ok(DecimalMark::Point));
    assert!(voted(&["12,99", "12.99", "1.299"], None, false).is_err());
    assert!(voted(&["1,299", "899"], None, true).is_err());
    assert_eq!(voted(&["1,299", "0,5"], None, true), Ok(DecimalMark::Comma));
    assert_eq!(
        voted(&["1,299", "899"], None, false),
        Ok(DecimalMark::Point)
    );
}

#[test]
fn a_currency_without_decimals_has_marks_for_thousands_alone() {
    for (text, price) in [
        ("15.000 COP", "15000"),
        ("Rp 15.000", "15000"),
        ("1.250.000 ₫", "1250000"),
        ("1,299円", "1299"),
        ("₩1.299", "1299"),
        ("15.50 COP", "15.50"),
        ("1.299 KWD", "1.299"),
    ] {
        assert_eq!(amount(text).map(format).as_deref(), Ok(price), "{text:?}");
    }
    let told = parse_in("15.000", DecimalMark::Point, Some("COP"));
    assert_eq!(
        told.map(|price| format(price.amount)).as_deref(),
        Ok("15000")
    );
}

#[test]
fn a_price_may_have_signs_and_words_beside_it() {
    for (text, price, currency) in [
        ("$12.99 USD", "12.99", Some("USD")),
        ("US $12.99", "12.99", Some("USD")),
        ("Rs. 1,299.00", "1299.00", None),
        ("₹ 1,29,900.00", "129900.00", Some("INR")),
        ("RM 12.90", "12.90", Some("MYR")),
        ("HK$12.00", "12.00", Some("HKD")),
        ("NZ$12.00", "12.00", Some("NZD")),
        ("AU$12.00", "12.00", Some("AUD")),
        ("R$ 12,90", "12.90", Some("BRL")),
        ("1 299:-", "1299", None),
        ("1,299円", "1299", Some("JPY")),
        ("1 299 руб.", "1299", Some("RUB")),
        ("1 299,50 ₽", "1299.50", Some("RUB")),
        ("12.99*", "12.99", None),
        ("ab 12.99 €", "12.99", Some("EUR")),
        ("from $5", "5", None),
        ("12.99 €/Stk", "12.99", Some("EUR")),
        ("12.99 € / Stück", "12.99", Some("EUR")),
        ("£4.50 each", "4.50", Some("GBP")),
        ("4,50 € inkl. MwSt.", "4.50", Some("EUR")),
        ("12€99", "12.99", Some("EUR")),
        ("Fr. 12.50", "12.50", Some("CHF")),
        ("'12.99", "12.99", None),
        ("=\"12.99\"", "12.99", None),
        ("1299 Ft", "1299", Some("HUF")),
        ("1 299 Kč", "1299", Some("CZK")),
        ("GBP 12.99", "12.99", Some("GBP")),
        ("12,50 zł", "12.50", Some("PLN")),
        ("1\u{2009}299,00 €", "1299.00", Some("EUR")),
        ("\u{200b}12.99", "12.99", None),
        ("12.99 Euro", "12.99", Some("EUR")),
        ("TL 1.299,90", "1299.90", Some("TRY")),
        ("₺1.299,90", "1299.90", Some("TRY")),
        ("S/ 12.90", "12.90", Some("PEN")),
        ("$4.90/m", "4.90", None),
        ("19.95 € / m²", "19.95", Some("EUR")),
        ("1,20 €/bouteille", "1.20", Some("EUR")),
        ("5.00 USD per dozen", "5.00", Some("USD")),
        ("£12.50 + VAT", "12.50", Some("GBP")),
        ("KES 990/=", "990", Some("KES")),
        ("12 dollars", "12", Some("USD")),
        ("990 тенге", "990", Some("KZT")),
        ("1 299,00 DH", "1299.00", None),
        ("&euro;12.50", "12.50", Some("EUR")),
        ("12.50&nbsp;&pound;", "12.50", Some("GBP")),
        ("CHF&nbsp;12.50", "12.50", Some("CHF")),
        ("US&nbsp;&#36;12.50", "12.50", Some("USD")),
        ("19.990000000000002", "19.99", None),
        ("10.084033613445378", "10.08403361", None),
        ("١٢٫٥٠", "12.50", None),
        ("UVP 12.50 €", "12.50", Some("EUR")),
        ("jetzt nur 5.00", "5.00", None),
        ("~4.50", "4.50", None),
        ("€ -,99", "0.99", Some("EUR")),
        ("£4.50 (inc VAT)", "4.50", Some("GBP")),
        ("€ 5.00 excl. BTW", "5.00", Some("EUR")),
    ] {
        let read = parse(text, DecimalMark::Point);
        let read = read.map(|price| (format(price.amount), price.currency));
        assert_eq!(read, Ok((price.to_owned(), currency)), "{text:?}");
    }
    for text in [
        "26.00 €/kg",
        "26.00 € per litre",
        "12/May",
        "12/100",
        "€12 USD",
        "12-14 €",
        "+-5",
        "12€9",
        "2 for 5",
        "12 x 3",
        "4 pounds",
        "0.0000000000001",
    ] {
        assert!(parse(text, DecimalMark::Point).is_err(), "{text}");
    }
}

#[test]
fn dates_and_errors_are_told_from_prices() {
    for text in [
        "2026-05-12",
        "12.05.2026",
        "12. Mai",
        "12-May",
        "5/12/2026",
        "2026-05-12 00:00:00",
        "12. Mai 2026",
    ] {
        assert_eq!(amount(text), Err(PriceError::Date), "{text}");
    }
    for text in ["#N/A", "#REF!", "#VALUE!", "#####"] {
        assert_eq!(amount(text), Err(PriceError::Spreadsheet), "{text}");
    }
}

#[test]
fn a_price_keeps_the_digits_it_was_written_with() {
    for (text, written) in [
        ("419.00", "419.00"),
        ("419", "419"),
        ("12.10", "12.10"),
        ("12.5", "12.50"),
        ("19.900000", "19.90"),
        ("20.0000", "20.00"),
        ("0.1250", "0.125"),
    ] {
        assert_eq!(amount(text).map(format).as_deref(), Ok(written), "{text}");
    }
}

#[test]
fn a_price_below_zero_is_told_from_no_price() {
    for text in [
        "-5",
        "−5",
        "5-",
        "(5.00)",
        "-$5",
        "$-5",
        "($1,000.00)",
        "-12,-",
    ] {
        assert_eq!(amount(text), Err(PriceError::Negative), "{text:?}");
    }
}

#[test]
fn what_cannot_be_told_for_sure_is_no_price() {
    for text in [
        "",
        " ",
        "$",
        "-",
        ".",
        ",",
        "abc",
        "N/A",
        "1e3",
        "12abc",
        "10kg",
        "5 for 3",
        "12 99",
        "1,29,00",
        "1.29,00",
        "1,2.3,4",
        "1.000,00.5",
        "12-14",
        "--5",
        "1..2",
        "½",
        "0x10",
        "12.9.9",
        "99999999999999999999999999999999",
        "=A1*2",
    ] {
        assert_eq!(amount(text), Err(PriceError::Unreadable), "{text:?}");
    }
}

fn grouped(whole: u64, mark: char) -> String {
    let digits = whole.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(mark);
        }
        text.push(digit);
    }
    text
}

proptest! {
    #[test]
    fn any_text_is_read_without_a_panic(text in any::<String>()) {
        let _ = parse(&text, DecimalMark::Point);
        let _ = parse(&text, DecimalMark::Comma);
        Vote::default().count(&text, None);
    }

    #[test]
    fn any_number_like_text_is_read_without_a_panic(text in "[-+(]?[$€]?[0-9., '’]{0,12}[-–)€]?") {
        let _ = parse(&text, DecimalMark::Point);
        let _ = parse(&text, DecimalMark::Comma);
        Vote::default().count(&text, None);
    }

    #[test]
    fn what_is_written_is_read_back(
        units in prop_oneof![0_i64..1_000_000_000_000, 0..=i64::MAX],
        scale in 0_u32..=12,
    ) {
        let price = Decimal::new(units, scale);
        prop_assume!(price < TOO_MUCH);
        let text = format(price);
        prop_assert_eq!(amount(&text), Ok(price));
        prop_assert_eq!(format(amount(&text).unwrap()), text);
    }

    #[test]
    fn thousands_marks_change_nothing(whole in 0_u64..10_000_000_000, cents in 0_u8..100) {
        let price = amount(&format!("{whole}.{cents:02}")).unwrap();
        for (thousands, decimal) in [(',', '.'), ('.', ','), (' ', ','), ('\'', '.'), ('’', '.')] {
            let text = format!("{}{decimal}{cents:02} €", grouped(whole, thousands));
            prop_assert_eq!(amount(&text), Ok(price), "{}", text);
        }
    }
}
