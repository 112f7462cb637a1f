//! Columns by meaning.

use std::{collections::HashMap, collections::HashSet};

use rust_decimal::Decimal;

use super::{
    GOOGLE_ID,
    error::HeaderError,
    shape::{Program, Shape},
};
use crate::{
    cells::is_blank,
    checks::{Stock, availability, image, is_nothing, stock},
    columns::{self, Meaning, Word},
    currency, failed_rows,
    mapping::Mapping,
    price::{self, DecimalMark},
    reader::RawRow,
};

/// The most that a price with tax is of the price without: Hungary's 27 %, rounded.
pub(super) const MOST_WITH_TAX: Decimal = Decimal::from_parts(14, 0, 0, false, 1);

/// Indices of mapped columns, from 0.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Columns {
    /// Total number of columns.
    pub(crate) count: usize,
    pub(crate) shape: Shape,
    /// Whether the shape was set by a user or a list of failed rows.
    pub(super) is_shape_said: bool,
    pub(crate) sku: Option<usize>,
    pub(crate) name: Option<usize>,
    pub(crate) price: Option<usize>,
    /// The price of rows without one.
    pub(crate) sale_price: Option<usize>,
    /// Prices that products are not sold for.
    pub(super) other_prices: Vec<usize>,
    /// Prices that customers pay, with their ranks: the next one counts where the best column is empty.
    spare_prices: Vec<(usize, usize)>,
    /// The same price in other shops of the merchant, for products that are not sold in the first.
    pub(crate) shop_prices: Vec<usize>,
    /// What a variant has in columns of its own, if other columns have the product's.
    pub(crate) variant_price: Option<usize>,
    pub(crate) variant_stock: Option<usize>,
    /// Columns before those of a second product in the same row.
    pub(crate) width: usize,
    /// Columns of whole numbers with a decimal, which a program made of numbers in a column with gaps: `1001.0`.
    pub(crate) whole: Vec<usize>,
    /// The SKU of a part: rows below a set name what it is made of.
    pub(crate) part: Option<usize>,
    /// Prices in hundredths.
    cents: Vec<usize>,
    /// Further columns of the stock, with their ranks.
    spare_stocks: Vec<(usize, usize)>,
    /// Further columns of SKU and name, with their ranks: the next one counts where the best one is empty.
    spare_skus: Vec<(usize, usize)>,
    spare_names: Vec<(usize, usize)>,
    /// Further columns of the ID, in the same way.
    spare_ids: Vec<(usize, usize)>,
    /// The SKU, if its name says no more than that it is a number.
    pub(super) number: Option<usize>,
    /// Whether the sale price applies.
    pub(crate) on_sale: Option<usize>,
    /// A price column with the name of the chosen one and a word for tax.
    gross: Option<usize>,
    pub(crate) currency: Option<usize>,
    /// A column that is SKU, name or kind of row: "Item".
    pub(super) label: Option<usize>,
    /// Whether rows are marked as in eBay files.
    is_listing: bool,
    /// Whether the ID is of Google's namespace.
    is_google: bool,
    /// Shopify's product handle, shared by its variants.
    pub(crate) handle: Option<usize>,
    /// Whether a handle's first row has only what its variants share, as in Rakuten's files.
    pub(crate) has_heads: bool,
    /// Shopify's option values, in order.
    pub(crate) options: Vec<usize>,
    /// WooCommerce's parent product.
    pub(crate) parent: Option<usize>,
    /// Shopware's parent product ID.
    pub(crate) parent_id: Option<usize>,
    /// WooCommerce's attribute values, in order.
    pub(crate) attributes: Vec<usize>,
    /// WooCommerce's product type. Never set beside a handle, because Shopify's type is free text.
    pub(crate) kind: Option<usize>,
    /// The kind of row: product, variant, other.
    pub(crate) item: Option<usize>,
    /// The store view of a translation.
    pub(crate) store: Option<usize>,
    /// A variant's SKU, if another column has the product's.
    pub(crate) variant_sku: Option<usize>,
    /// A variant's surcharge.
    pub(crate) surcharge: Option<usize>,
    pub(crate) gtin: Option<usize>,
    /// Further GTIN columns, such as UPC beside EAN.
    pub(crate) more_gtins: Vec<usize>,
    pub(crate) barcode: Option<usize>,
    pub(crate) id: Option<usize>,
    pub(crate) url: Option<usize>,
    pub(crate) stock: Option<usize>,
    pub(crate) availability: Option<usize>,
    pub(crate) image: Option<usize>,
    /// Whether the image's name is one of Google's feeds.
    is_image_link: bool,
    /// Whether the image's name does not claim URLs.
    may_be_paths: bool,
    /// Set for lists of failed rows only.
    pub(crate) reason: Option<usize>,
    /// Currency of prices without one.
    pub(crate) file_currency: Option<&'static str>,
}

/// Names of a column that says whether the sale price applies, lower case.
pub(super) const ON_SALE: &[&str] = &["on sale", "onsale", "is on sale", "is_on_sale", "on_sale"];

/// What Lightspeed X and Loyverse call the SKU of a part.
const PARTS: &[&str] = &["composite_sku", "SKU of included item"];

/// What Ecwid calls the price and the stock of a variant.
const VARIANT_PRICE: &str = "product_variation_price";
const VARIANT_STOCK: &str = "product_variation_quantity";

impl Columns {
    pub(super) fn find(cells: &[String], mapping: Option<&Mapping>) -> Result<Self, HeaderError> {
        let mut columns = Self {
            count: cells.len(),
            ..Self::default()
        };
        match mapping.filter(|mapping| mapping.has_columns()) {
            Some(mapping) => columns.take_said(cells, mapping),
            None => columns.guess(cells),
        }
        columns.on_sale = columns.sale_price.and_then(|_| {
            let is_it = |cell: &String| ON_SALE.contains(&cell.trim().to_lowercase().as_str());
            cells.iter().position(is_it)
        });
        columns.width = first_block(cells).min(cells.len());
        if columns.variant_sku.is_some() {
            let place = |name| cells.iter().position(|cell| cell.trim() == name);
            columns.variant_price = place(VARIANT_PRICE);
            columns.variant_stock = place(VARIANT_STOCK);
            let shows_format = columns.variant_price;
            columns.other_prices.extend(shows_format);
        }
        let is_in_cents = |cell| columns::look_up(cell).is_some_and(|known| known.is_in_cents);
        columns.cents = (0..cells.len())
            .filter(|index| is_in_cents(&cells[*index]))
            .collect();
        if let Some(shape) = mapping.and_then(Mapping::shape) {
            columns.shape = shape;
            columns.is_shape_said = true;
        } else {
            columns.shape = columns.told_shape();
        }
        if columns.handle.is_some() {
            columns.kind = None;
        }
        if columns.shape == Shape::Google {
            columns.sku = columns.sku.or(columns.id);
        }
        if let Some(code) = mapping.and_then(Mapping::currency) {
            columns.file_currency = Some(code);
        }
        let has_columns = mapping.is_some_and(Mapping::has_columns);
        if columns.surcharge.is_some() && columns.shape != Shape::Wix && !has_columns {
            // The price impact adds to a product in another file; its other price is a cost.
            columns.price = None;
        }
        let is_for_traders = |price: usize| columns::is_for_traders(&cells[price]);
        if !has_columns
            && columns.price.is_some_and(is_for_traders)
            && cells.iter().any(|cell| columns::is_other_price(cell))
        {
            // The price that is not known may be what customers pay.
            columns.price = None;
        }
        columns.checked()
    }

    /// Maps columns by name only, complete or not.
    pub(crate) fn guessed(cells: &[String]) -> Self {
        let mut columns = Self {
            count: cells.len(),
            ..Self::default()
        };
        columns.guess(cells);
        columns
    }

    /// Returns the meaning of each column.
    pub(crate) fn meanings(&self) -> Vec<Option<Meaning>> {
        (0..self.count)
            .map(|index| self.meaning_of(index))
            .collect()
    }

    /// Applies a user's mapping, which is complete except for columns that only we write.
    fn take_said(&mut self, cells: &[String], mapping: &Mapping) {
        for (index, cell) in cells.iter().enumerate() {
            let meaning = match mapping.meaning_of(index) {
                None if failed_rows::is_reason(cell) => Meaning::Reason,
                None => continue,
                Some(meaning) => meaning,
            };
            match self.slot(meaning) {
                Slot::Many(list) => list.push(index),
                Slot::One(slot) if slot.is_none() => *slot = Some(index),
                Slot::One(_) if meaning == Meaning::Gtin => self.more_gtins.push(index),
                Slot::One(_) => {}
            }
            if meaning == Meaning::Price {
                self.file_currency = columns::look_up(cell).and_then(|known| known.currency);
            }
            if meaning == Meaning::Image {
                self.is_image_link = true;
            }
        }
    }

    /// Maps columns by name; the best name of each meaning wins.
    fn guess(&mut self, cells: &[String]) {
        let mut best = HashMap::<Word, (usize, u32, usize)>::new();
        let mut currency_of_price = None;
        let (mut prices, mut gtins) = (Vec::new(), Vec::new());
        let program = Program::of(cells);
        self.has_heads = program == Some(Program::Rakuten);
        for (index, cell) in cells.iter().enumerate() {
            let of_program = program.and_then(|program| program.look_up(cell));
            let Some(known) = of_program.or_else(|| columns::look_up(cell)) else {
                continue;
            };
            if let Word::Is(meaning) = known.word
                && let Slot::Many(list) = self.slot(meaning)
            {
                list.push(index);
                continue;
            }
            if known.word == Word::Is(Meaning::Price) {
                prices.push((index, known.currency));
                if columns::is_for_customers(known) {
                    self.spare_prices.push((known.rank, index));
                }
            } else if known.word == Word::Is(Meaning::Stock) {
                self.spare_stocks.push((known.rank, index));
            } else if known.word == Word::Is(Meaning::Sku) {
                self.spare_skus.push((known.rank, index));
            } else if matches!(known.word, Word::Is(Meaning::Name) | Word::Description) {
                let rank = known.rank + usize::from(known.word == Word::Description);
                self.spare_names.push((rank, index));
            } else if known.word == Word::Is(Meaning::Id) {
                self.spare_ids.push((known.rank, index));
            } else if known.word == Word::Is(Meaning::Gtin) {
                gtins.push(index);
            }
            // Of `Price 100+` and `Price 1+`, that of the smaller quantity.
            let quantity = columns::quantity(cell).unwrap_or_default();
            let new = (known.rank, quantity, index);
            let place = best.entry(known.word).or_insert(new);
            *place = new.min(*place);
            if place.2 == index && known.word == Word::Is(Meaning::Price) {
                currency_of_price = known.currency;
            }
        }
        for (word, (_, _, index)) in &best {
            if let Word::Is(meaning) = word
                && let Slot::One(slot) = self.slot(*meaning)
            {
                *slot = Some(*index);
            }
        }
        self.shop_prices = shop_prices(cells);
        let is_part = |cell: &String| PARTS.contains(&cell.trim());
        self.part = cells.iter().position(is_part);
        gtins.retain(|index| Some(*index) != self.gtin);
        self.more_gtins = gtins;
        // Columns not taken still show the price format, if they have the same currency.
        let price = self.price;
        self.gross = price.and_then(|price| {
            let is_same = |currency: Option<_>| currency.is_none() || currency == currency_of_price;
            let mut others = prices.iter().filter(|(_, currency)| is_same(*currency));
            others
                .find(|(other, _)| columns::adds_tax(&cells[price], &cells[*other]))
                .map(|(other, _)| *other)
        });
        let others = prices.into_iter().filter(|(index, currency)| {
            Some(*index) != price && (currency.is_none() || *currency == currency_of_price)
        });
        self.other_prices.extend(others.map(|(index, _)| index));
        let shops = self.shop_prices.iter().copied();
        let shops = shops.filter(|index| Some(*index) != price);
        self.other_prices.extend(shops);
        self.other_prices.sort_unstable();
        self.other_prices.dedup();
        self.file_currency = currency_of_price.or_else(|| currency_of_site(cells));
        self.is_listing = self.item.is_some_and(|index| {
            let name = cells[index].trim_matches('*').to_lowercase();
            name.starts_with("relation") || name.starts_with("beziehung")
        });
        self.is_google = cells.iter().any(|cell| cell.trim() == GOOGLE_ID);
        let other = |word: Word| best.get(&word).map(|(_, _, index)| *index);
        let described = other(Word::Description);
        self.label = other(Word::NameOrSku);
        if let Some(index) = self.label {
            let has_number = other(Word::ItemNumber).is_some();
            let is_named = self.name.or(described).is_some();
            if self.sku.is_none() && self.handle.is_none() && is_named && !has_number {
                self.sku = Some(index);
            } else {
                self.name = self.name.or(Some(index));
            }
        }
        for index in [Word::ItemNumber, Word::Number]
            .into_iter()
            .filter_map(other)
        {
            if self.sku.is_none() && self.handle.is_none() {
                self.sku = Some(index);
                self.number = self.id.and(Some(index));
            } else {
                self.id = self.id.or(Some(index));
            }
        }
        self.name = self.name.or(described);
        self.is_image_link = self.image.is_some();
        self.image = self.image.or(other(Word::Picture));
        self.may_be_paths = self
            .image
            .is_some_and(|index| columns::may_be_paths(&cells[index]));
    }

    /// Takes another price if the best column is empty, as eBay's `Start price` of listings that are no auctions.
    pub(super) fn prefer_filled<'r>(&mut self, rows: &(impl Iterator<Item = RawRow<'r>> + Clone)) {
        let is_filled = |column: usize| {
            rows.clone()
                .any(|row| !row.cells.get(column).is_none_or(is_blank))
        };
        let Some(price) = self.price.filter(|price| !is_filled(*price)) else {
            return;
        };
        self.spare_prices.sort_unstable();
        let mut spare = self.spare_prices.iter().map(|(_, index)| *index);
        let is_sold_for = self.sale_price.is_some_and(is_filled);
        if let Some(other) = spare
            .find(|index| is_filled(*index))
            .filter(|_| !is_sold_for)
        {
            self.price = Some(other);
            self.gross = None;
            self.other_prices.retain(|index| *index != other);
            self.other_prices.push(price);
        }
    }

    /// Takes another SKU and name if the best column is empty, and an ID instead of numbers that repeat.
    pub(super) fn prefer_named<'r>(&mut self, rows: &(impl Iterator<Item = RawRow<'r>> + Clone)) {
        let is_filled = |column: usize| {
            rows.clone()
                .any(|row| !row.cells.get(column).is_none_or(is_blank))
        };
        let next = |best: Option<usize>, spare: &mut Vec<(usize, usize)>| {
            let best = best.filter(|best| !is_filled(*best))?;
            spare.sort_unstable();
            let mut spare = spare.iter().map(|(_, index)| *index);
            spare.find(|index| *index != best && is_filled(*index))
        };
        let label = self.label;
        let is_free = |index: &usize| Some(*index) != label;
        let name = next(self.name, &mut self.spare_names).filter(is_free);
        self.name = name.or(self.name);
        if self.handle.is_none() {
            let sku = next(self.sku, &mut self.spare_skus).filter(is_free);
            self.sku = sku.or(self.sku);
        }
        let id = next(self.id, &mut self.spare_ids);
        self.id = id.or(self.id);
        if let Some(number) = self.number.filter(|number| self.sku == Some(*number)) {
            let mut seen = HashSet::new();
            let mut cells = rows.clone().filter_map(|row| row.cells.get(number));
            if cells.any(|cell| !is_blank(cell) && !seen.insert(cell)) {
                self.sku = None;
            }
        }
    }

    /// Finds the columns of identities whose numbers all got a decimal: `1001.0`.
    pub(super) fn find_whole<'r>(&mut self, rows: &(impl Iterator<Item = RawRow<'r>> + Clone)) {
        let keys = [
            self.sku,
            self.barcode,
            self.id,
            self.parent_id,
            self.variant_sku,
        ];
        let is_whole = |column: &usize| {
            let cells = rows.clone().filter_map(|row| row.cells.get(*column));
            let mut cells = cells.filter(|cell| !is_blank(cell)).peekable();
            cells.peek().is_some() && cells.all(|cell| without_decimal(cell).is_some())
        };
        self.whole = keys.into_iter().flatten().filter(is_whole).collect();
    }

    /// Unmaps a column such as "Image" if it has names and paths, which would clear the images that products have.
    pub(super) fn forget_paths<'r>(&mut self, rows: &(impl Iterator<Item = RawRow<'r>> + Clone)) {
        let Some(column) = self.image.filter(|_| self.may_be_paths) else {
            return;
        };
        let cells = rows.clone().filter_map(|row| {
            let cell = row.cells.get(column)?;
            (!is_blank(cell)).then(|| row.encoding.text(cell))
        });
        let mut cells = cells.peekable();
        if cells.peek().is_some() && cells.all(|text| image(&text).is_none()) {
            self.image = None;
        }
    }

    /// Takes the stock column that has counts; one with words is the availability.
    pub(super) fn prefer_counts<'r>(&mut self, rows: &(impl Iterator<Item = RawRow<'r>> + Clone)) {
        let (mark, Some(best)) = (DecimalMark::Point, self.stock) else {
            return;
        };
        self.spare_stocks.sort_unstable();
        let stocks: Vec<_> = self.spare_stocks.iter().map(|(_, index)| *index).collect();
        let texts = |column: usize| {
            let texts = rows.clone().map(move |row| {
                let cell = row.cells.get(column).unwrap_or_default();
                row.encoding.text(cell)
            });
            texts.filter(|text| !text.is_empty())
        };
        let has_count = |column: &usize| {
            texts(*column).any(|text| matches!(stock(&text, mark), Stock::Count(_)))
        };
        // A flag beside counts: WooCommerce's `Наличие` and `Запасы`.
        let is_flag = |column: &usize| {
            let mut texts = texts(*column).peekable();
            texts.peek().is_some()
                && texts
                    .all(|text| matches!(&*text, "0" | "1") || stock(&text, mark) == Stock::None)
        };
        let has_more = |column: &usize| {
            let mut texts = texts(*column);
            texts.any(|text| matches!(stock(&text, mark), Stock::Count(2..)))
        };
        if self.availability.is_none()
            && is_flag(&best)
            && let Some(other) = stocks.iter().find(|column| has_more(column))
        {
            self.availability = Some(best);
            self.stock = Some(*other);
            return;
        }
        let has_words = |column: &usize| {
            let is_word = |text: &str| availability(text).is_some();
            let mut texts = texts(*column).filter(|text| !is_nothing(text)).peekable();
            texts.peek().is_some()
                && texts.all(|text| stock(&text, mark) == Stock::None && is_word(&text))
        };
        if !has_count(&best)
            && let Some(other) = stocks.iter().find(|column| has_count(column))
        {
            self.stock = Some(*other);
        }
        if self.availability.is_none() && self.stock.is_some_and(|column| has_count(&column)) {
            self.availability = stocks.into_iter().find(has_words);
        }
    }

    /// Takes the price with tax, if the other one has the same name without a word for tax. As "VAT" may be the tax
    /// alone, the amounts must fit, in either decimal mark.
    pub(super) fn prefer_gross<'r>(&mut self, rows: &(impl Iterator<Item = RawRow<'r>> + Clone)) {
        let (Some(price), Some(gross)) = (self.price, self.gross) else {
            return;
        };
        let fits = |mark: DecimalMark| {
            let amount = |row: &RawRow<'r>, index: usize| {
                let text = row.encoding.text(row.cells.get(index)?);
                Some(price::parse(&text, mark).ok()?.amount)
            };
            let mut pairs = rows
                .clone()
                .filter_map(|row| Some((amount(&row, price)?, amount(&row, gross)?)))
                .filter(|(net, _)| !net.is_zero())
                .peekable();
            pairs.peek().is_some()
                && pairs.all(|(net, gross)| net <= gross && gross <= net * MOST_WITH_TAX)
        };
        if fits(DecimalMark::Point) || fits(DecimalMark::Comma) {
            self.price = Some(gross);
            self.other_prices.retain(|index| *index != gross);
            self.other_prices.push(price);
        }
    }

    /// Returns whether the prices of a column are in hundredths.
    pub(crate) fn is_in_cents(&self, column: Option<usize>) -> bool {
        column.is_some_and(|column| self.cents.contains(&column))
    }

    /// Unmaps a column.
    pub(super) fn forget(&mut self, index: usize) {
        for slot in [&mut self.sku, &mut self.name, &mut self.kind] {
            if *slot == Some(index) {
                *slot = None;
            }
        }
    }

    pub(super) fn told_shape(&self) -> Shape {
        if self.handle.is_some() && self.item.is_some() {
            Shape::Wix
        } else if self.handle.is_some() {
            Shape::Shopify
        } else if self.parent_id.is_some() && self.id.is_some() {
            Shape::Shopware
        } else if self.item.is_some() && self.variant_sku.is_some() {
            Shape::Ecwid
        } else if self.item.is_some() && self.is_listing {
            Shape::Ebay
        } else if self.item.is_some() {
            Shape::BigCommerce
        } else if self.store.is_some() {
            Shape::Magento
        } else if self.id.is_some()
            && (self.is_google || self.url.is_some() && self.is_image_link && self.parent.is_none())
        {
            Shape::Google
        } else if !self.options.is_empty() {
            Shape::Squarespace
        } else {
            Shape::Plain
        }
    }

    fn slot(&mut self, meaning: Meaning) -> Slot<'_> {
        Slot::One(match meaning {
            Meaning::Option => return Slot::Many(&mut self.options),
            Meaning::Attribute => return Slot::Many(&mut self.attributes),
            Meaning::OtherPrice => return Slot::Many(&mut self.other_prices),
            Meaning::Sku => &mut self.sku,
            Meaning::Name => &mut self.name,
            Meaning::Price => &mut self.price,
            Meaning::SalePrice => &mut self.sale_price,
            Meaning::Currency => &mut self.currency,
            Meaning::Handle => &mut self.handle,
            Meaning::Parent => &mut self.parent,
            Meaning::ParentId => &mut self.parent_id,
            Meaning::Kind => &mut self.kind,
            Meaning::Item => &mut self.item,
            Meaning::Store => &mut self.store,
            Meaning::VariantSku => &mut self.variant_sku,
            Meaning::Surcharge => &mut self.surcharge,
            Meaning::Gtin => &mut self.gtin,
            Meaning::Barcode => &mut self.barcode,
            Meaning::Id => &mut self.id,
            Meaning::Url => &mut self.url,
            Meaning::Stock => &mut self.stock,
            Meaning::Availability => &mut self.availability,
            Meaning::Image => &mut self.image,
            Meaning::Reason => &mut self.reason,
        })
    }

    pub(super) fn meaning_of(&self, index: usize) -> Option<Meaning> {
        let single = [
            (self.sku, Meaning::Sku),
            (self.name, Meaning::Name),
            (self.price, Meaning::Price),
            (self.sale_price, Meaning::SalePrice),
            (self.currency, Meaning::Currency),
            (self.handle, Meaning::Handle),
            (self.parent, Meaning::Parent),
            (self.parent_id, Meaning::ParentId),
            (self.kind, Meaning::Kind),
            (self.item, Meaning::Item),
            (self.store, Meaning::Store),
            (self.variant_sku, Meaning::VariantSku),
            (self.surcharge, Meaning::Surcharge),
            (self.gtin, Meaning::Gtin),
            (self.barcode, Meaning::Barcode),
            (self.id, Meaning::Id),
            (self.url, Meaning::Url),
            (self.stock, Meaning::Stock),
            (self.availability, Meaning::Availability),
            (self.image, Meaning::Image),
        ];
        let many = [
            (&self.options, Meaning::Option),
            (&self.attributes, Meaning::Attribute),
            (&self.other_prices, Meaning::OtherPrice),
            (&self.more_gtins, Meaning::Gtin),
        ];
        let of_many = many.into_iter().find(|(list, _)| list.contains(&index));
        of_many.map(|(_, meaning)| meaning).or_else(|| {
            let mut single = single.into_iter();
            single
                .find(|(column, _)| *column == Some(index))
                .map(|(_, meaning)| meaning)
        })
    }

    fn checked(self) -> Result<Self, HeaderError> {
        let identity = self
            .sku
            .or(self.handle)
            .or(self.parent)
            .or(self.gtin)
            .or(self.barcode)
            .or(self.id);
        match (identity, self.price.or(self.sale_price), self.name) {
            (Some(_), Some(_), _) => Ok(self),
            (None, None, None) => Err(HeaderError::Unknown),
            (None, ..) => Err(HeaderError::NoIdentity),
            (Some(_), None, _) => Err(HeaderError::NoPrice),
        }
    }
}

/// Returns the digits before the `.0` of a whole number.
pub(crate) fn without_decimal(cell: &[u8]) -> Option<&[u8]> {
    let digits = cell.trim_ascii().strip_suffix(b".0")?;
    let is_number = digits.first().is_some_and(|digit| *digit != b'0');
    (is_number && digits.iter().all(u8::is_ascii_digit)).then_some(digits)
}

/// Returns how many columns there are before their names begin again, as in printed lists with products side by side.
fn first_block(cells: &[String]) -> usize {
    let is_price = |cell: &String| {
        let known = columns::look_up(cell);
        known.is_some_and(|known| known.word == Word::Is(Meaning::Price))
    };
    let first = cells.first().filter(|cell| !cell.is_empty());
    let own = cells.iter().filter(|cell| !failed_rows::is_ours(cell));
    let cells: Vec<_> = own.collect();
    let begins_again = |at: &usize| {
        let (block, again) = cells.split_at(*at);
        again.first().copied() == first
            && block.iter().any(|cell| is_price(cell))
            && again.iter().zip(&cells).all(|(again, cell)| again == cell)
    };
    (2..cells.len()).find(begins_again).unwrap_or(usize::MAX)
}

/// Returns the prices in each shop: `Price Uptown` beside Square's `Enabled Uptown`, `Price [Uptown]` beside Loyverse's
/// `Available for sale [Uptown]`.
fn shop_prices(cells: &[String]) -> Vec<usize> {
    let shop_of = |cell: &String| {
        let mut beginnings = ["Enabled ", "Available for sale "].iter();
        beginnings.find_map(|beginning| cell.trim().strip_prefix(beginning).map(str::to_owned))
    };
    let shops: HashSet<String> = cells.iter().filter_map(shop_of).collect();
    let price_of = |cell: &String| cell.trim().strip_prefix("Price ").map(str::to_owned);
    (0..cells.len())
        .filter(|index| price_of(&cells[*index]).is_some_and(|shop| shops.contains(&shop)))
        .collect()
}

/// Returns the currency from eBay's first column: `*Action(SiteID=US|Country=US|Currency=USD|…)`.
pub(super) fn currency_of_site(cells: &[String]) -> Option<&'static str> {
    let mut parts = cells.first()?.split(['(', '|', ')']);
    parts.find_map(|part| currency::code(part.strip_prefix("Currency=")?))
}

pub(super) enum Slot<'a> {
    One(&'a mut Option<usize>),
    Many(&'a mut Vec<usize>),
}
