use super::*;

#[test]
fn every_line_of_the_table_is_understood_and_no_name_means_two_things() {
    for line in TABLE
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let (word, names) = line.split_once(':').unwrap();
        assert!(
            word.parse::<Word>().is_ok() && !names.trim().is_empty(),
            "{line}"
        );
    }
    let mut wrong = Vec::new();
    for (word, name) in entries() {
        let name = name.replace('*', "x").replace('#', "7");
        let known = look_up(&name).map(|known| known.word);
        if known != Some(word) {
            wrong.push(format!("{name}: {word:?}, but {known:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for &meaning in Meaning::ALL {
        let word = meaning.as_str();
        assert!(
            entries().any(|(other, _)| other == Word::Is(meaning)),
            "{word}"
        );
        assert_eq!(word.parse(), Ok(meaning));
    }
}

#[test]
fn a_price_with_tax_goes_before_one_without() {
    for (net, gross) in [
        ("Prezzo netto", "Prezzo lordo"),
        ("Preis in EUR (netto)", "Preis in EUR (brutto)"),
        ("retail_price_excluding_tax", "retail_price_including_tax"),
        ("Verkaufspreis, netto", "Verkaufspreis, brutto"),
    ] {
        let [net, gross] = [net, gross].map(|name| look_up(name).unwrap());
        assert_eq!([net.word, gross.word], [Word::Is(Meaning::Price); 2]);
        assert!(gross.rank < net.rank);
    }
}

#[test]
fn what_customers_pay_goes_before_what_traders_pay() {
    for (other, price) in [
        ("Trade Price", "Retail Price (inc VAT)"),
        ("Wholesale price (EUR)", "Retail price (EUR)"),
        ("Net price", "Price in EUR (gross)"),
        ("Hinta (alv 0%)", "Hinta sis. alv"),
        ("Prodejní cena bez DPH", "Prodejní cena s DPH"),
        ("PVP s/ IVA", "PVP c/ IVA"),
        ("Ex. VAT", "Inc. VAT"),
        ("Τιμή χωρίς ΦΠΑ", "Τιμή με ΦΠΑ"),
    ] {
        let [other, price] = [other, price].map(|name| look_up(name).unwrap());
        assert_eq!([other.word, price.word], [Word::Is(Meaning::Price); 2]);
        assert!(price.rank < other.rank, "{price:?} {other:?}");
    }
    assert_eq!(look_up("HT"), None);
}

#[test]
fn a_name_can_say_that_prices_are_in_cents() {
    for name in [
        "price_cents",
        "Price (cents)",
        "Price in cents",
        "price_eur_cents",
        "Preis (Cent)",
        "sale_price_cents",
    ] {
        assert!(look_up(name).unwrap().is_in_cents, "{name}");
    }
    for name in ["Price", "Price (EUR)", "price_percent", "Cents"] {
        assert!(
            !look_up(name).is_some_and(|known| known.is_in_cents),
            "{name}"
        );
    }
}

#[test]
fn a_name_of_several_parts_is_known() {
    for (name, meaning) in [
        ("GTIN, UPC, EAN eller ISBN", Meaning::Gtin),
        ("EAN/Barcode", Meaning::Gtin),
        ("[PRICE_WITH_VAT \"Default\"]", Meaning::Price),
        ("products.sku", Meaning::Sku),
        ("PVP Oferta", Meaning::SalePrice),
        ("Akciós bruttó ár", Meaning::SalePrice),
        ("Price 10+", Meaning::Price),
        ("100+ Price", Meaning::Price),
        ("Satış Fiyatı 1", Meaning::Price),
        ("Остаток, шт.", Meaning::Stock),
        ("priceuah", Meaning::Price),
    ] {
        let known = look_up(name).map(|known| known.word.meaning());
        assert_eq!(known, Some(meaning), "{name}");
    }
    for name in ["EAN", "Angebot", "+", "Offer", "1"] {
        let known = look_up(name).map(|known| known.word.meaning());
        assert!(
            !matches!(known, Some(Meaning::Price | Meaning::SalePrice)),
            "{name}"
        );
    }
}

#[test]
fn what_a_name_says_at_both_ends_is_not_tried_in_every_order() {
    let name = format!("{}price{}", "en_".repeat(30), "_usd".repeat(20));
    assert_eq!(look_up(&name), None);
}

#[test]
fn a_name_is_known_in_any_writing() {
    for (name, meaning) in [
        ("sku", Meaning::Sku),
        (" Variant SKU ", Meaning::Sku),
        ("Product_Name", Meaning::Name),
        ("variant-price", Meaning::Price),
        ("Price (EUR)", Meaning::Price),
        ("Preis [netto]", Meaning::Price),
        ("RÉFÉRENCE", Meaning::Sku),
        ("Reference #", Meaning::Sku),
        ("Name*", Meaning::Name),
        ("g:sale_price", Meaning::SalePrice),
        ("Option12 Value", Meaning::Option),
        ("Attribute 3 value(s)", Meaning::Attribute),
        ("Wert(e) des Attributs 2", Meaning::Attribute),
        ("Valeur(s) de l’attribut 12", Meaning::Attribute),
        ("Valor(es) del atributo 1", Meaning::Attribute),
        ("GTIN, UPC, EAN, or ISBN", Meaning::Gtin),
        ("In stock?", Meaning::Availability),
        ("Price (tax excl.)", Meaning::Price),
    ] {
        assert_eq!(
            look_up(name).map(|known| known.word),
            Some(Word::Is(meaning)),
            "{name}"
        );
    }
    for name in [
        "",
        "Option1 Name",
        "Attribute 1 visible",
        "Body (HTML)",
        "Name des Attributs 1",
        "Attribut 1 sichtbar",
    ] {
        assert_eq!(look_up(name), None, "{name}");
    }
    let plain = look_up("Price").unwrap().rank;
    assert!(plain < look_up("Net price").unwrap().rank);
    assert!(plain < look_up("Price (net)").unwrap().rank);
}

#[test]
fn words_beside_a_name_and_capitals_within_are_no_other_name() {
    for (name, meaning) in [
        ("Estoque atual", Meaning::Stock),
        ("Aktueller Lagerbestand", Meaning::Stock),
        ("SalePriceIncTax", Meaning::Price),
        ("Försäljningspris A", Meaning::Price),
        ("PVP1 c/IVA", Meaning::Price),
        ("Price tax excluded or Price tax included", Meaning::Price),
    ] {
        let word = look_up(name).map(|known| known.word);
        assert_eq!(word, Some(Word::Is(meaning)), "{name}");
    }
    for name in [
        "Total",
        "Current",
        "Reorder point",
        "Price or",
        "Cost or Name",
    ] {
        assert_eq!(look_up(name), None, "{name}");
    }
}
