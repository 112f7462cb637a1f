//! Names of prices: with and without tax, sale prices, prices in cents.

use super::{
    Known, NAMES, Word,
    currencies::{USUAL, with_currency},
    is_small_word, known,
    meaning::Meaning,
    normalized::normalized,
    of_name,
    remarks::{NET_REMARKS, split_remark},
};
use crate::currency;

/// Words for hundredths of a currency.
pub(super) const CENTS: &[&str] = &[
    "cents",
    "cent",
    "pence",
    "centimes",
    "centimos",
    "céntimos",
    "centavos",
    "ct",
    "cts",
    "groszy",
    "öre",
    "øre",
    "копейки",
    "minor",
    "minor units",
];

/// Looks up a price in hundredths: `price_cents`, `Price (cents)`, `Preis in Cent`.
pub(super) fn in_cents(name: &str) -> Option<Known> {
    let (base, remark) = split_remark(name);
    let is_cents = |word: &str| {
        let word = word.trim().to_lowercase();
        let word = word.strip_prefix("in ").unwrap_or(&word);
        CENTS.contains(&word)
    };
    let base = match remark {
        Some(remark) => is_cents(&remark).then_some(base)?,
        None => {
            let (base, word) = name.rsplit_once([' ', '_', '-'])?;
            let base = is_cents(word).then_some(base)?;
            let base = ["in", "en"]
                .iter()
                .find_map(|small| base.strip_suffix(small)?.strip_suffix([' ', '_', '-']))
                .unwrap_or(base);
            base.to_owned()
        }
    };
    let known = known(&base).or_else(|| with_currency(&base))?;
    let is_price = matches!(known.word, Word::Is(Meaning::Price | Meaning::SalePrice));
    is_price.then_some(Known {
        rank: known.rank + NAMES.count,
        is_in_cents: true,
        ..known
    })
}

/// Looks up a price that is named by its tax alone: `Inc. VAT`, `Con IVA`, `TTC`. "HT" alone is a height.
pub(super) fn of_tax_alone(name: &str) -> Option<Known> {
    let words: Vec<_> = name
        .split(|character: char| !character.is_alphanumeric())
        .map(normalized)
        .filter(|word| !word.is_empty())
        .collect();
    let is_gross = |word: &String| GROSS.contains(&word.as_str());
    let is_net = |word: &String| NET_REMARKS.contains(&word.as_str());
    let base = match &words[..] {
        [word] if word == "ttc" => "Brutto",
        [one, tax] if TAXES.contains(&tax.as_str()) => {
            if is_net(one) || (one == "s" && tax == "iva") {
                "Netto"
            } else if is_gross(one) || is_with_tax(one, tax) {
                "Brutto"
            } else {
                return None;
            }
        }
        _ => return None,
    };
    let (word, rank) = of_name(base)?;
    Some(Known::of(word, rank + NAMES.count, None))
}

/// Looks up a price that may be one or another: PrestaShop's `Price tax excluded or Price tax included`.
pub(super) fn of_alternatives(name: &str) -> Option<Known> {
    const OR: &[&str] = &[" or ", " oder ", " ou ", " o ", " of ", " lub "];
    let (one, other) = OR.iter().find_map(|or| name.split_once(or))?;
    let is_price = |known: &Known| known.word == Word::Is(Meaning::Price);
    let (one, other) = (known(one).filter(is_price)?, known(other).filter(is_price)?);
    let better = if one.rank < other.rank { one } else { other };
    Some(Known {
        rank: better.rank + NAMES.count,
        ..better
    })
}

/// Words for a price with tax, which is what consumers pay.
pub(super) const GROSS: &[&str] = &[
    "brutto",
    "bruto",
    "brut",
    "gross",
    "ttc",
    "lordo",
    "lorda",
    "incl",
    "inkl",
    "inc",
    "ink",
    "included",
    "including",
    "inclusive",
    "ivato",
    "dahil",
    "vc",
    "vcetne",
    "incluido",
    "incluidos",
    "incluso",
    "inclus",
    "inclusa",
    "inclusief",
    "inklusive",
    "compris",
    "comprise",
    "compresa",
    "compreso",
    "включая",
    "вкл",
    "b2c",
    "endkunde",
    "endkunden",
    "privatkunden",
    "consumer",
];

pub(super) const TAXES: &[&str] = &[
    "tax",
    "taxes",
    "vat",
    "gst",
    "mwst",
    "ust",
    "steuer",
    "iva",
    "imp",
    "impuestos",
    "impuesto",
    "imposte",
    "tasse",
    "tva",
    "taxe",
    "btw",
    "moms",
    "mva",
    "dph",
    "kdv",
    "afa",
    "alv",
    "ндс",
    "пдв",
    "ддс",
    "ddv",
    "pdv",
    "pvm",
    "pvn",
    "φπα",
    "igv",
    "itbis",
];

/// Small words before one for tax that mean a price with it: `Cena s DPH`. In `PVP s/ IVA` the "s" is a short
/// "sin" or "sem".
pub(super) const WITH_TAX: &[&str] = &[
    "s", "z", "sa", "ar", "su", "cu", "com", "con", "c", "mit", "avec", "med", "sis", "с", "з",
    "με", "with",
];

pub(super) fn is_with_tax(word: &str, tax: &str) -> bool {
    WITH_TAX.contains(&word) && !(word == "s" && tax == "iva")
}

/// Looks up a price whose name says that it is a sale's: `PVP Oferta`, `Akciós bruttó ár`.
pub(super) fn of_sale(name: &str) -> Option<Known> {
    let is_sale = |word: &str| SALES.contains(&normalized(word).as_str());
    let words = || {
        name.split(|character: char| !character.is_alphanumeric())
            .filter(|word| !word.is_empty())
    };
    if !words().any(is_sale) {
        return None;
    }
    let base: Vec<_> = words().filter(|word| !is_sale(word)).collect();
    let base = base.join(" ");
    let known = of_name(&base)
        .map(|(word, rank)| Known::of(word, rank, None))
        .or_else(|| with_tax(&base))?;
    (known.word == Word::Is(Meaning::Price)).then_some(Known {
        word: Word::Is(Meaning::SalePrice),
        rank: known.rank % NAMES.count + NAMES.count,
        ..known
    })
}

/// Words for a sale beside those for a price, without accents.
pub(super) const SALES: &[&str] = &[
    "oferta",
    "offerta",
    "promo",
    "promocion",
    "promotion",
    "promocao",
    "promozione",
    "aktion",
    "aktions",
    "angebot",
    "sonder",
    "actie",
    "aanbieding",
    "akcios",
    "akcni",
    "akcyjna",
    "promocyjna",
    "kampanj",
    "kampanje",
    "kampanya",
    "indirimli",
    "iskontolu",
    "акция",
    "акционная",
    "special",
    "discounted",
];

/// Looks up a price name that mentions tax: `Prezzo lordo`, `retail_price_excluding_tax`. Gross prices rank
/// as without the mention, net ones last.
pub(super) fn with_tax(name: &str) -> Option<Known> {
    let words = name.split(|character: char| !character.is_alphanumeric());
    let words = words.filter(|word| !word.is_empty());
    let (mut is_gross, mut is_net) = (false, false);
    let mut currency = None;
    let mut base = String::new();
    let words: Vec<_> = words.map(|word| (word, normalized(word))).collect();
    for (index, (word, plain)) in words.iter().enumerate() {
        let next = words.get(index + 1).map_or("", |(_, next)| next.as_str());
        if TAXES.contains(&next) && is_with_tax(plain, next) {
            is_gross = true;
            continue;
        }
        if plain == "s" && next == "iva" {
            is_net = true;
            continue;
        }
        let of_tax = TAXES.contains(&plain.as_str());
        let (gross, net) = (
            GROSS.contains(&plain.as_str()),
            NET_REMARKS.contains(&plain.as_str()),
        );
        is_gross |= gross;
        is_net |= net;
        let is_rate = plain.bytes().all(|byte| byte.is_ascii_digit());
        if let Some(code) = USUAL.iter().find(|code| code.eq_ignore_ascii_case(word)) {
            currency = currency.or(currency::code(code));
        } else if !(of_tax || gross || net || is_rate) {
            base.push_str(word);
            base.push(' ');
        }
    }
    let of_base = || of_name(&base).or_else(|| of_name(base.trim_end().strip_suffix('1')?));
    let (word, rank) = (is_gross != is_net).then(of_base)??;
    let class = if is_net { 3 * NAMES.count } else { 0 };
    let is_price = matches!(
        word,
        Word::Is(Meaning::Price | Meaning::SalePrice | Meaning::OtherPrice)
    );
    is_price.then_some(Known::of(word, rank + class, currency))
}

/// Returns whether two words, in any order, are one for tax and one for with or without.
pub(crate) fn is_of_tax(one: &str, other: &str) -> bool {
    let (one, other) = (normalized(one), normalized(other));
    let is_either = |word: &str| GROSS.contains(&word) || NET_REMARKS.contains(&word);
    let of = |tax: &str, word: &str| TAXES.contains(&tax) && is_either(word);
    of(&one, &other) || of(&other, &one)
}

/// Returns whether a price is one that customers pay, not one without tax or of a trader's.
pub(crate) fn is_for_customers(known: Known) -> bool {
    let class = known.rank / NAMES.count;
    class < 2 && known.rank % NAMES.count < NAMES.net
}

/// Returns whether a column has the price of traders or of a pack, by its name.
pub(crate) fn is_for_traders(name: &str) -> bool {
    let is_it = |known: Known| {
        known.word == Word::Is(Meaning::Price) && known.rank % NAMES.count >= NAMES.trade
    };
    super::look_up(name).is_some_and(is_it)
}

/// Words for a price, without accents.
const PRICES: &[&str] = &[
    "price", "preis", "prix", "precio", "prezzo", "preco", "prijs", "cena", "pris", "hinta",
    "fiyat", "fiyati", "cijena", "цена", "ціна", "価格", "价格", "價格", "가격",
];

/// Returns whether a name speaks of a price that is not known.
pub(crate) fn is_other_price(name: &str) -> bool {
    let is_price = |word: &str| {
        let word = normalized(word);
        PRICES.iter().any(|price| word.ends_with(price))
    };
    let mut words = name.split(|character: char| !character.is_alphanumeric());
    words.any(is_price) && super::look_up(name).is_none()
}

/// Returns whether a price's name is another one's with words for tax, perhaps without others: `Price`, `Price incl. VAT`;
/// `Prezzo vendita`, `Prezzo ivato`.
pub(crate) fn adds_tax(plain: &str, other: &str) -> bool {
    let words = |name: &str| {
        let words: Vec<_> = name
            .split(|character: char| !character.is_alphanumeric())
            .map(normalized)
            .filter(|word| !word.is_empty() && currency::code(word).is_none())
            .collect();
        words
    };
    let (plain, other) = (words(plain), words(other));
    let is_of_tax = |word: &String| {
        GROSS.contains(&word.as_str()) || TAXES.contains(&word.as_str()) || is_small_word(word)
    };
    let (taxes, base): (Vec<_>, Vec<_>) = other.iter().partition(|word| is_of_tax(word));
    !base.is_empty()
        && base.iter().all(|word| plain.contains(word))
        && !plain
            .iter()
            .any(|word| is_of_tax(word) && !is_small_word(word))
        && taxes.iter().any(|word| !is_small_word(word))
}
