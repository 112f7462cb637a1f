//! Suggests the meaning of columns from names and cells.

use std::collections::HashSet;

use crate::{
    checks::{self, Link, Stock},
    columns::Meaning,
    currency,
    header::Columns,
    identity::{self, Key},
    price::{self, DecimalMark},
};

/// Suggests a meaning for each column, from the rows of [`first_rows`](crate::first_rows). Names win over
/// cells. It may lack an identity or a price.
#[must_use]
pub fn suggest(rows: &[Vec<String>]) -> Vec<Option<Meaning>> {
    let Some((header, rows)) = rows.split_first() else {
        return Vec::new();
    };
    let mut meanings = Columns::guessed(header).meanings();
    let columns: Vec<Column> = (0..header.len())
        .map(|index| Column::of(rows, index))
        .collect();
    for meaning in [
        Meaning::Gtin,
        Meaning::Currency,
        Meaning::Image,
        Meaning::Url,
        Meaning::Price,
        Meaning::Sku,
        Meaning::Name,
        Meaning::Stock,
    ] {
        if meanings.contains(&Some(meaning)) {
            continue;
        }
        let free = (0..header.len()).filter(|index| meanings[*index].is_none());
        let best = free
            .map(|index| (columns[index].score(meaning), std::cmp::Reverse(index)))
            .max()
            .filter(|(score, _)| *score > 0);
        if let Some((_, std::cmp::Reverse(index))) = best {
            meanings[index] = Some(meaning);
        }
    }
    meanings
}

/// Statistics of a column's cells.
#[derive(Debug, Default)]
struct Column {
    filled: usize,
    distinct: usize,
    gtins: usize,
    currencies: usize,
    addresses: usize,
    images: usize,
    /// Prices with decimals or a currency.
    money: usize,
    /// Numbers that could be prices.
    amounts: usize,
    /// Integers up to five digits.
    counts: usize,
    /// Short texts without spaces.
    keys: usize,
    /// Texts with letters.
    texts: usize,
    characters: usize,
}

impl Column {
    fn of(rows: &[Vec<String>], index: usize) -> Self {
        let mut column = Self::default();
        let mut distinct = HashSet::new();
        for cell in rows.iter().filter_map(|row| row.get(index)) {
            let cell = cell.trim();
            if cell.is_empty() {
                continue;
            }
            column.filled += 1;
            distinct.insert(cell);
            column.characters += cell.chars().count();
            column.count(cell);
        }
        column.distinct = distinct.len();
        column
    }

    fn count(&mut self, cell: &str) {
        let is_gtin = cell.len() >= 8 && matches!(checks::gtin(cell), Ok(Some(_)));
        self.gtins += usize::from(is_gtin);
        self.currencies += usize::from(currency::code(cell).is_some());
        let lower = cell.to_lowercase();
        if lower.starts_with("http") && matches!(checks::url(cell), Link::Address(_)) {
            let path = lower.split(['?', '#']).next().unwrap_or_default();
            let is_image = [".jpg", ".jpeg", ".png", ".webp", ".gif", ".avif"]
                .iter()
                .any(|ending| path.ends_with(ending));
            self.images += usize::from(is_image);
            self.addresses += usize::from(!is_image);
            return;
        }
        let is_whole = cell.bytes().all(|byte| byte.is_ascii_digit());
        if let Ok(price) = price::parse(cell, DecimalMark::Point) {
            let is_money = price.currency.is_some() || (!is_whole && !cell.starts_with('0'));
            self.money += usize::from(is_money || (!is_whole && cell.starts_with("0.")));
            self.amounts +=
                usize::from(!is_gtin && cell.len() <= 12 && !(is_whole && cell.starts_with('0')));
        }
        self.counts += usize::from(
            is_whole
                && cell.len() <= 5
                && matches!(checks::stock(cell, DecimalMark::Point), Stock::Count(_)),
        );
        let has_letters = cell.contains(char::is_alphabetic);
        let is_key = cell.len() <= 40
            && !cell.contains(char::is_whitespace)
            && cell.contains(|character: char| character.is_ascii_digit())
            && identity::check(cell) == Key::Good
            && !price::is_date(cell);
        self.keys += usize::from(is_key && (has_letters || is_whole || cell.contains('-')));
        self.texts += usize::from(has_letters);
    }

    /// Scores a meaning, 0 if impossible.
    fn score(&self, meaning: Meaning) -> usize {
        if self.filled == 0 {
            return 0;
        }
        let per_cent = |count: usize| count * 100 / self.filled;
        let if_most = |count: usize| {
            let share = per_cent(count);
            if share >= 80 { share } else { 0 }
        };
        let is_varied = self.filled < 3 || self.distinct * 10 >= self.filled * 9;
        match meaning {
            Meaning::Gtin => if_most(self.gtins),
            Meaning::Currency => if_most(self.currencies),
            Meaning::Image => if_most(self.images),
            Meaning::Url => if_most(self.addresses),
            Meaning::Price if self.money > 0 => if_most(self.amounts) * 10 + per_cent(self.money),
            Meaning::Price => if_most(self.amounts.min(self.filled - self.filled.min(self.gtins))),
            Meaning::Sku if is_varied => if_most(self.keys),
            Meaning::Name if self.distinct > 1 || self.filled == 1 => {
                let length = self.characters / self.filled;
                if if_most(self.texts) > 0 && (3..=200).contains(&length) {
                    // Longer is likelier; whole descriptions are not.
                    100 + length.min(60)
                } else {
                    0
                }
            }
            Meaning::Stock => if_most(self.counts),
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suggested(rows: &[&str]) -> Vec<String> {
        let rows: Vec<Vec<String>> = rows
            .iter()
            .map(|row| row.split('|').map(str::to_owned).collect())
            .collect();
        let suggested = suggest(&rows).into_iter();
        suggested
            .map(|meaning| meaning.map_or("-", Meaning::as_str).to_owned())
            .collect()
    }

    #[test]
    fn names_go_before_cells() {
        assert_eq!(
            suggested(&[
                "Artikelnummer|Bezeichnung|Betrag",
                "A-1|Tasse|3,50",
                "A-2|Teller|5,00"
            ]),
            ["sku", "name", "price"]
        );
    }

    #[test]
    fn columns_without_a_known_name_are_told_by_their_cells() {
        assert_eq!(
            suggested(&[
                "kolumna a|b|c|d|e|f",
                "K-1001|Ceramic cup, blue|4006381333931|12.50 EUR|https://shop.example/cup|5",
                "K-1002|Plate|4006381333948|8.00 EUR|https://shop.example/plate|12",
                "K-1003|Wooden spoon||3.20 EUR|https://shop.example/spoon|0",
            ]),
            ["sku", "name", "gtin", "price", "url", "stock"]
        );
    }

    #[test]
    fn nothing_is_suggested_where_nothing_speaks_for_it() {
        assert_eq!(suggested(&["x|y", "|", "|"]), ["-", "-"]);
        assert!(suggest(&[]).is_empty());
    }
}
