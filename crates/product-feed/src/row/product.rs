//! Makes a product of the cells of a row.

use std::borrow::Cow;

use csv::ByteRecord;

use super::{Failure, FeedProduct, MAX_LEN, Warning, error::RowError};
use crate::{
    cells::{Cells, borrowed, is_blank, shortened},
    checks::{self, Availability, Link, Stock},
    columns::Meaning,
    currency,
    header::{Columns, Shape},
    identity::{self, Key},
    price::{self, DecimalMark, Price, PriceError},
};

/// WooCommerce types without a price of their own.
pub(super) const KINDS_WITHOUT_PRICE: &[&str] = &[
    "variable",
    "variable-subscription",
    "grouped",
    "external",
    "affiliate",
    "configurable",
    "bundle",
];

/// Words for a price that is asked for at the till.
pub(super) const OPEN_PRICES: &[&str] = &["variable", "variable price"];

/// Checks a row regardless of meanings.
pub(super) fn shape(record: &ByteRecord, columns: &Columns) -> Result<(), RowError> {
    if memchr::memchr(0, record.as_slice()).is_some() {
        return Err(RowError::Binary);
    }
    // Missing trailing cells and empty surplus ones are normal in spreadsheets. A second product in the row would be lost.
    if record
        .iter()
        .enumerate()
        .skip(columns.width)
        .any(|(index, cell)| !is_blank(cell) && Some(index) != columns.reason)
    {
        return Err(RowError::TooManyCells {
            cells: record.len(),
            columns: columns.width,
        });
    }
    Ok(())
}

impl Cells<'_> {
    pub(super) fn product(
        &self,
        columns: &Columns,
        mark: DecimalMark,
        warnings: &mut Vec<Warning>,
    ) -> Result<FeedProduct, Failure> {
        let gtin = self.gtin(columns);
        let identity = self.identity(columns, gtin.as_ref().ok().and_then(Option::as_deref))?;
        let Some(identity) = identity else {
            // An invalid GTIN is why there is no identity.
            return Err(match gtin {
                Err(error) => (error, self.gtin_column),
                Ok(_) => (RowError::NoIdentity, columns.sku),
            });
        };
        if identity.len() > MAX_LEN && identity.chars().count() > MAX_LEN {
            return Err((RowError::LongIdentity, columns.sku));
        }
        let names = [
            &self.name,
            &self.sku,
            &self.handle,
            &self.parent,
            &self.gtin,
            &self.barcode,
            &self.id,
        ];
        let name = names
            .into_iter()
            .find(|name| !name.is_empty())
            .map_or("", AsRef::as_ref);
        if name.len() > MAX_LEN && name.chars().count() > MAX_LEN {
            return Err((RowError::LongName, columns.name));
        }
        let told = self.told_currency();
        let price = self.price(columns, mark, told.or(columns.file_currency))?;
        let gtin = gtin.unwrap_or_else(|error| {
            warnings.push((Meaning::Gtin, error, self.gtin_column));
            None
        });
        if told.is_none() && !self.currency.is_empty() && !currency::is_shared_sign(&self.currency)
        {
            let error = RowError::UnknownCurrency(shortened(&self.currency));
            warnings.push((Meaning::Currency, error, columns.currency));
        }
        let of_price = price.and_then(|price| price.currency).or(told);
        Ok(FeedProduct {
            identity,
            sku: (!self.sku.is_empty() && !self.shares_sku).then(|| self.sku.to_string()),
            name: name.to_owned(),
            sale_price: self.sale_price(columns, mark, price, of_price, warnings),
            currency: of_price.or(price.and(columns.file_currency)),
            price: price.map(|price| price::format(price.amount)),
            gtin,
            stock: self.stock(columns, mark, warnings),
            availability: self
                .availability(columns, warnings)
                .map(Availability::as_str),
            url: self.url(columns, warnings),
            image: checks::image(&self.image),
            options: self.variant(),
            warnings: Vec::new(),
            cells: Vec::new(),
        })
    }

    /// Returns the values that tell a variant from the others of its product.
    fn variant(&self) -> Vec<String> {
        let of_variation = |values: &[Cow<'_, str>]| -> Vec<String> {
            let values = values.iter().filter(|value| !value.is_empty());
            values.map(|value| shortened(value)).collect()
        };
        if self.is_listing {
            // A listing names the values of all its variations.
            Vec::new()
        } else if self.options.iter().any(|value| !value.is_empty()) {
            match identity::has_no_option(&borrowed(&self.options)) {
                true => Vec::new(),
                false => of_variation(&self.options),
            }
        } else if !self.parent.is_empty() {
            of_variation(&self.attributes)
        } else {
            Vec::new()
        }
    }

    /// Returns the identity, if there is a valid one.
    pub(super) fn own_identity(&self, columns: &Columns) -> Option<String> {
        let gtin = self.gtin(columns).ok().flatten();
        self.identity(columns, gtin.as_deref()).ok().flatten()
    }

    /// Computes the identity; an invalid one fails the row.
    fn identity(&self, columns: &Columns, gtin: Option<&str>) -> Result<Option<String>, Failure> {
        let good = |text: &str, column: Option<usize>| match identity::check(text) {
            Key::Good => Ok(()),
            Key::Placeholder => Err((RowError::PlaceholderIdentity(shortened(text)), column)),
            Key::Mangled => Err((RowError::MangledIdentity(shortened(text)), column)),
        };
        if !self.sku.is_empty() {
            good(&self.sku, columns.sku)?;
            if !self.shares_sku {
                return Ok(Some(identity::of_sku(&self.sku)));
            }
        }
        Ok(if !self.handle.is_empty() {
            good(&self.handle, columns.handle)?;
            Some(identity::of_variant(&self.handle, &borrowed(&self.options)))
        } else if !self.parent.is_empty() && self.attributes.iter().any(|value| !value.is_empty()) {
            Some(identity::of_variation(
                &self.parent,
                &borrowed(&self.attributes),
            ))
        } else if let Some(gtin) = gtin {
            Some(identity::of_gtin(gtin))
        } else if !self.barcode.is_empty() {
            good(&self.barcode, columns.barcode)?;
            Some(identity::of_gtin(&self.barcode))
        } else if !self.id.is_empty() {
            good(&self.id, columns.id)?;
            Some(identity::of_id(&self.id))
        } else {
            None
        })
    }

    fn price(
        &self,
        columns: &Columns,
        mark: DecimalMark,
        currency: Option<&'static str>,
    ) -> Result<Option<Price>, Failure> {
        if self.price.is_empty() {
            return if self.may_lack_price() {
                Ok(None)
            } else {
                Err((RowError::NoPrice, columns.price.or(columns.sale_price)))
            };
        }
        let price = price::parse_in(&self.price, mark, currency);
        let price = price.map(|price| price.in_units(self.is_in_cents));
        price.map(Some).or_else(|error| {
            let mut open = OPEN_PRICES.iter();
            if open.any(|word| word.eq_ignore_ascii_case(&self.price)) {
                return Ok(None);
            }
            let shown = shortened(&self.price);
            let error = match error {
                PriceError::Unreadable => RowError::UnreadablePrice(shown),
                PriceError::Negative => RowError::NegativePrice(shown),
                PriceError::Date => RowError::DatePrice(shown),
                PriceError::Spreadsheet => RowError::ErrorPrice(shown),
            };
            Err((error, self.price_column))
        })
    }

    /// Returns the sale price, if lower.
    fn sale_price(
        &self,
        columns: &Columns,
        mark: DecimalMark,
        price: Option<Price>,
        currency: Option<&'static str>,
        warnings: &mut Vec<Warning>,
    ) -> Option<String> {
        if self.sale_price.is_empty() || checks::is_nothing(&self.sale_price) {
            return None;
        }
        match price::parse_in(&self.sale_price, mark, currency) {
            Ok(sale) => {
                let sale = sale.in_units(columns.is_in_cents(columns.sale_price));
                let is_lower =
                    !sale.amount.is_zero() && price.is_none_or(|price| sale.amount < price.amount);
                is_lower.then(|| price::format(sale.amount))
            }
            Err(_) => {
                let error = RowError::SalePrice(shortened(&self.sale_price));
                warnings.push((Meaning::SalePrice, error, columns.sale_price));
                None
            }
        }
    }

    fn may_lack_price(&self) -> bool {
        self.is_listing
            || self.kind.split(',').any(|kind| {
                KINDS_WITHOUT_PRICE
                    .iter()
                    .any(|known| known.eq_ignore_ascii_case(kind.trim()))
            })
    }

    /// Returns the currency of its column. A shared symbol sets none, without a warning.
    fn told_currency(&self) -> Option<&'static str> {
        if self.currency.is_empty() {
            None
        } else {
            currency::code(&self.currency)
        }
    }

    /// Validates the GTIN of a column that claims one; a barcode may be the shop's own.
    fn gtin(&self, columns: &Columns) -> Result<Option<String>, RowError> {
        if self.gtin.is_empty() || columns.gtin.is_none() {
            return Ok(if self.barcode.is_empty() {
                None
            } else {
                checks::gtin(&self.barcode).ok().flatten()
            });
        }
        checks::gtin(&self.gtin).map_err(|error| RowError::Gtin(shortened(&self.gtin), error))
    }

    fn url(&self, columns: &Columns, warnings: &mut Vec<Warning>) -> Option<String> {
        match checks::url(&self.url) {
            Link::None => None,
            Link::Address(url) => Some(url.into_owned()),
            // These shops write only the last segment.
            Link::Other if matches!(columns.shape, Shape::Squarespace | Shape::Wix) => None,
            Link::Other => {
                let error = RowError::Url(shortened(&self.url));
                warnings.push((Meaning::Url, error, columns.url));
                None
            }
        }
    }

    /// Parses the stock; a word may tell the availability.
    fn stock(
        &self,
        columns: &Columns,
        mark: DecimalMark,
        warnings: &mut Vec<Warning>,
    ) -> Option<i64> {
        match checks::stock(&self.stock, mark) {
            Stock::Count(count) => Some(count),
            Stock::None => None,
            Stock::Unreadable => {
                let error = RowError::Stock(shortened(&self.stock));
                warnings.push((Meaning::Stock, error, columns.stock));
                None
            }
        }
    }

    /// Parses the availability. Only Google feeds have a fixed vocabulary.
    fn availability(&self, columns: &Columns, warnings: &mut Vec<Warning>) -> Option<Availability> {
        if self.availability.is_empty() {
            // Its decimal mark does not matter for a word.
            return match checks::stock(&self.stock, DecimalMark::Point) {
                Stock::None => checks::availability(&self.stock),
                _ => None,
            };
        }
        let told = checks::availability(&self.availability);
        let is_wrong = told.is_none() && !checks::is_nothing(&self.availability);
        if is_wrong && columns.shape == Shape::Google {
            let error = RowError::Availability(shortened(&self.availability));
            warnings.push((Meaning::Availability, error, columns.availability));
        }
        told
    }
}
