//! Rows that are no products.

use super::{Classifier, hash};
use crate::{
    cells::{Cells, is_blank},
    currency,
    header::{self, Shape},
    identity::{self, Key},
    named::named,
    reader::RawRow,
};

named! {
    /// Why a row is not a product.
    #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
    pub enum PassedOverReason by
        /// Returns its code on the wire and in the database.
        code
    {
        /// An additional image of the product above.
        Image = "image",
        /// A rule or option of the product above.
        Option = "option",
        /// The header row again.
        RepeatedHeader = "repeated-header",
        /// A heading, such as a category.
        Heading = "heading",
        /// A translation of a product above.
        Translation = "translation",
        /// A further header row, as in Amazon and eBay files.
        Instruction = "instruction",
        /// A total.
        Total = "total",
    }
}

impl Classifier {
    /// Detects rows that are no products in lists of any shape.
    pub(super) fn passed_over(
        &self,
        cells: &Cells<'_>,
        row: RawRow<'_>,
    ) -> Option<PassedOverReason> {
        let has_figures = cells
            .price
            .contains(|character: char| character.is_ascii_digit());
        if !has_figures
            && let Some(reason) = self
                .header_again(cells, row)
                .or_else(|| self.heading(cells, row))
        {
            return Some(reason);
        }
        if is_rule(row) {
            return Some(PassedOverReason::Heading);
        }
        let is_of_header = self.names_until.is_some_and(|line| row.line <= line);
        if is_of_header
            || is_field_path(&cells.price)
            || is_field_path(&cells.sku)
            || is_unit(cells)
            || (!has_figures && is_guidance(row))
        {
            return Some(PassedOverReason::Instruction);
        }
        if (cells.sku.is_empty() || cells.name.is_empty()) && self.is_total(row) {
            return Some(PassedOverReason::Total);
        }
        // A product that no row of the main view has is of a list with a column for shops.
        let is_translation = self.columns.shape == Shape::Magento
            && !header::is_main_view(cells.store.as_bytes())
            && (cells.sku.is_empty() || self.skus.contains(&hash(&cells.sku)));
        if is_translation {
            return Some(PassedOverReason::Translation);
        }
        let part = self.columns.part.and_then(|part| row.cells.get(part));
        let is_part = part.is_some_and(|part| !is_blank(part));
        if is_part && cells.name.is_empty() && cells.price.is_empty() {
            return Some(PassedOverReason::Option);
        }
        nothing_sold(cells, row)
    }

    /// Detects a repeated or further header row.
    fn header_again(&self, cells: &Cells<'_>, row: RawRow<'_>) -> Option<PassedOverReason> {
        let is_again = row.cells.iter().zip(&self.names).all(|(cell, name)| {
            let text = row.encoding.text(cell);
            let text = text.trim_start_matches('\u{feff}');
            text.eq_ignore_ascii_case(name.trim().trim_start_matches('\u{feff}'))
        });
        if is_again && row.cells.iter().any(|cell| !is_blank(cell)) {
            return Some(PassedOverReason::RepeatedHeader);
        }
        if cells.price.is_empty() {
            return None;
        }
        let more = [&cells.sku, &cells.name, &cells.handle].map(Clone::clone);
        let is_further = header::names_columns(&cells.price, &more);
        is_further.then_some(PassedOverReason::Instruction)
    }

    /// Detects a heading: a single text that is not a SKU.
    fn heading(&self, cells: &Cells<'_>, row: RawRow<'_>) -> Option<PassedOverReason> {
        let (columns, name) = (&self.columns, self.columns.name?);
        let key = columns
            .sku
            .or(columns.gtin)
            .or(columns.barcode)
            .or(columns.id)?;
        let has_own_rows = columns.handle.is_some() || columns.shape == Shape::Magento;
        if columns.count < 3 || has_own_rows || !cells.price.is_empty() {
            return None;
        }
        let mut filled = row
            .cells
            .iter()
            .enumerate()
            .filter(|(index, cell)| !is_blank(cell) && Some(*index) != columns.reason);
        let (index, cell) = filled.next()?;
        if filled.next().is_some() {
            return None;
        }
        if index == name {
            return Some(PassedOverReason::Heading);
        }
        let text = row.encoding.text(cell);
        let is_word = text.contains(char::is_alphabetic)
            && (text.contains(char::is_whitespace)
                || !text.contains(|character: char| character.is_ascii_digit()))
            && identity::check(&text) == Key::Good;
        (is_word || (index != key && text.contains(char::is_alphabetic)))
            .then_some(PassedOverReason::Heading)
    }

    fn is_total(&self, row: RawRow<'_>) -> bool {
        let Some(first) = row.cells.iter().find(|cell| !is_blank(cell)) else {
            return false;
        };
        if first.len() > 60 {
            return false;
        }
        let text = row.encoding.text(first).to_lowercase();
        let text = text.split([':', '(']).next().unwrap_or_default();
        let text = text.trim_matches(|mark: char| !mark.is_alphanumeric());
        let (start, last) = text.rsplit_once(' ').unwrap_or((text, ""));
        TOTALS.contains(&text) || (TOTALS.contains(&start) && COUNTED.contains(&last))
    }
}

/// Words for a total, lower case.
const TOTALS: &[&str] = &[
    "total",
    "grand total",
    "subtotal",
    "sub total",
    "sub-total",
    "sum",
    "totals",
    "summe",
    "gesamt",
    "gesamtsumme",
    "zwischensumme",
    "gesamtbetrag",
    "somme",
    "total général",
    "sous-total",
    "total general",
    "suma",
    "totale",
    "totale generale",
    "subtotale",
    "somma",
    "totaal",
    "subtotaal",
    "eindtotaal",
    "razem",
    "celkem",
    "összesen",
    "итого",
    "всего",
    "toplam",
    "genel toplam",
    "合計",
    "小計",
    "总计",
    "合计",
    "小计",
    "總計",
    "total geral",
    "i alt",
    "totalt",
    "yhteensä",
];

/// What a total may count: `Total items: 12`, `Summe (3 Artikel)`.
const COUNTED: &[&str] = &[
    "items",
    "products",
    "rows",
    "lines",
    "skus",
    "artikel",
    "produkte",
    "positionen",
    "articles",
    "produits",
    "artículos",
    "productos",
    "articoli",
    "prodotti",
    "artikelen",
    "producten",
];

/// Returns whether a row is a line drawn of dashes, as between the header row and the others: `----- | :---:`.
fn is_rule(row: RawRow<'_>) -> bool {
    let is_line = |cell: &[u8]| {
        let cell = cell.trim_ascii();
        cell.len() > 1
            && cell.iter().all(|byte| {
                matches!(
                    byte,
                    b'-' | b'=' | b'_' | b':' | b'+' | b'*' | b'~' | b'>' | b'<' | b' '
                )
            })
    };
    all_filled(row, is_line)
}

/// Returns whether a row has filled cells, and a test holds for each.
fn all_filled(row: RawRow<'_>, test: impl Fn(&[u8]) -> bool) -> bool {
    let mut filled = row.cells.iter().filter(|cell| !is_blank(cell)).peekable();
    filled.peek().is_some() && filled.all(test)
}

/// Returns whether a cell is an Amazon field path: `item_name[…]#1.value`.
fn is_field_path(cell: &str) -> bool {
    cell.contains("#1.") && cell.contains("value") && !cell.contains(char::is_whitespace)
}

/// Returns whether a row only names the currency, below the header row: `EUR`, `(EUR)`, `€/Stk`.
fn is_unit(cells: &Cells<'_>) -> bool {
    let is_nothing_else = cells.sku.is_empty() && cells.name.is_empty() && cells.handle.is_empty();
    let unit = cells.price.trim_matches(['(', ')', '[', ']']);
    let unit = unit.split('/').next().unwrap_or_default().trim();
    is_nothing_else
        && !unit.is_empty()
        && (currency::code(unit).is_some() || currency::is_shared_sign(unit))
}

/// What marketplaces write below the names of columns, lower case.
const GUIDANCE: &[&str] = &[
    "required",
    "mandatory",
    "optional",
    "recommended",
    "conditional",
    "conditional mandatory",
    "conditionally required",
    "do not edit",
    "not editable",
    "uneditable",
    "nicht bearbeiten",
    "ne pas modifier",
    "no modificar",
    "no modifiques esta columna",
    "não modifique esta coluna",
    "non modificare",
    "tidak dapat diubah",
    "не изменять",
    "不可编辑",
    "不可編輯",
    "read only",
    "pflicht",
    "pflichtfeld",
    "obligatoire",
    "facultatif",
    "optionnel",
    "obligatorio",
    "opcional",
    "obbligatorio",
    "facoltativo",
    "obrigatório",
    "verplicht",
    "optioneel",
    "wymagane",
    "opcjonalne",
    "zorunlu",
    "isteğe bağlı",
    "обязательно",
    "необязательно",
    "wajib",
    "tidak wajib",
    "opsional",
    "bắt buộc",
    "không bắt buộc",
    "จำเป็น",
    "必填",
    "选填",
    "選填",
    "必須",
    "任意",
    "필수",
    "선택",
];

/// Returns whether a row only says which columns are required, as marketplaces' templates do below the header row.
fn is_guidance(row: RawRow<'_>) -> bool {
    let is_word = |cell: &[u8]| {
        cell.len() <= 60
            && GUIDANCE.contains(&&*row.encoding.text(cell).trim_matches('*').to_lowercase())
    };
    all_filled(row, is_word)
}

/// Detects a row with nothing to know a product by, no name and no price: figures alone are totals, other cells
/// belong to the product above, as in Odoo's exports.
fn nothing_sold(cells: &Cells<'_>, row: RawRow<'_>) -> Option<PassedOverReason> {
    let of_product = [
        &cells.sku,
        &cells.name,
        &cells.price,
        &cells.sale_price,
        &cells.handle,
        &cells.parent,
        &cells.parent_id,
        &cells.variant_sku,
        &cells.gtin,
        &cells.barcode,
        &cells.id,
        &cells.url,
        &cells.image,
    ];
    if !of_product.iter().all(|cell| cell.is_empty()) {
        return None;
    }
    let is_figure = |cell: &[u8]| !row.encoding.text(cell).contains(char::is_alphabetic);
    let mut filled = row.cells.iter().filter(|cell| !is_blank(cell));
    if filled.all(is_figure) {
        Some(PassedOverReason::Total)
    } else {
        let is_sold = !cells.stock.is_empty() || !cells.availability.is_empty();
        (!is_sold).then_some(PassedOverReason::Option)
    }
}
