//! The fields of a product in the store. A new field is named here, in the entity and in a migration.

use sea_orm::Value;

use super::is_same_amount;
use crate::{
    model::{changes::Field, import_options::ChosenFields, product::Product},
    server::store::entity::product,
};

/// Values of a product, in the order of [`Field::ALL`].
pub(in crate::server::store) type Values = [Option<String>; Field::ALL.len()];

/// Columns of the values, in the order of [`Field::ALL`].
pub(in crate::server::store) const COLUMNS: [&str; Field::ALL.len()] = [
    "sku",
    "name",
    "price",
    "sale_price",
    "currency",
    "gtin",
    "stock",
    "availability",
    "url",
    "image",
    "options",
];

/// All columns, in the order in which products are written.
pub(super) const WRITTEN: [&str; COLUMNS.len() + 5] = {
    let mut all = ["identity"; COLUMNS.len() + 5];
    let mut at = 0;
    while at < COLUMNS.len() {
        all[at + 1] = COLUMNS[at];
        at += 1;
    }
    all[at + 1] = "search_text";
    all[at + 2] = "created_at";
    all[at + 3] = "updated_at";
    all[at + 4] = "last_change";
    all
};

/// Returns the columns of a product's entity, of a table named `p`.
pub(in crate::server::store) fn selected() -> String {
    let columns = WRITTEN.iter().filter(|column| **column != "last_change");
    let columns = columns.map(|column| format!("p.{column}"));
    columns.collect::<Vec<_>>().join(", ")
}

/// A product of an import.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct NewProduct {
    /// Identity across files.
    pub identity: String,
    /// Stock-keeping unit, if the file has one.
    pub sku: Option<String>,
    /// Name.
    pub name: String,
    /// Price as a decimal number.
    pub price: Option<String>,
    /// Lower sale price.
    pub sale_price: Option<String>,
    /// Currency of the prices (ISO 4217).
    pub currency: Option<String>,
    /// Global Trade Item Number.
    pub gtin: Option<String>,
    /// Units in stock.
    pub stock: Option<i64>,
    /// Availability.
    pub availability: Option<String>,
    /// URL of its page.
    pub url: Option<String>,
    /// URL of its image.
    pub image: Option<String>,
    /// Options that distinguish it from other variants, in the form of
    /// [`options_text`](crate::model::product::options_text).
    pub options: Option<String>,
}

/// Which values a row sets; others stay unchanged.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct FieldMask {
    /// Name. Without it a new product is named by its SKU.
    pub name: bool,
    /// Sale price.
    pub sale_price: bool,
    /// Currency. A price may include one.
    pub currency: bool,
    /// Global Trade Item Number.
    pub gtin: bool,
    /// Units in stock.
    pub stock: bool,
    /// Availability.
    pub availability: bool,
    /// URL of its page.
    pub url: bool,
    /// Image.
    pub image: bool,
    /// Options.
    pub options: bool,
}

impl FieldMask {
    /// All values.
    pub const ALL: Self = Self {
        name: true,
        sale_price: true,
        currency: true,
        gtin: true,
        stock: true,
        availability: true,
        url: true,
        image: true,
        options: true,
    };

    /// Returns the columns of optional values to write.
    pub(super) fn optional(self, only: ChosenFields) -> impl Iterator<Item = &'static str> {
        [
            (self.sale_price, Field::SalePrice, "sale_price"),
            (self.gtin, Field::Gtin, "gtin"),
            (self.stock, Field::Stock, "stock"),
            (self.availability, Field::Availability, "availability"),
            (self.url, Field::Url, "url"),
            (self.image, Field::Image, "image"),
            (self.options, Field::Options, "options"),
        ]
        .into_iter()
        .filter_map(move |(is_set, field, column)| (is_set && only.has(field)).then_some(column))
    }

    /// Returns the values that one of two rows sets.
    pub(super) fn or(self, later: Self) -> Self {
        Self {
            name: self.name || later.name,
            sale_price: self.sale_price || later.sale_price,
            currency: self.currency || later.currency,
            gtin: self.gtin || later.gtin,
            stock: self.stock || later.stock,
            availability: self.availability || later.availability,
            url: self.url || later.url,
            image: self.image || later.image,
            options: self.options || later.options,
        }
    }
}

impl Default for FieldMask {
    fn default() -> Self {
        Self::ALL
    }
}

impl NewProduct {
    /// Whether writing these values would leave the product unchanged.
    pub(in crate::server::store) fn is_like(
        &self,
        there: &Self,
        mask: FieldMask,
        only: ChosenFields,
    ) -> bool {
        let optional = |is_set: bool, field, same: bool| !is_set || !only.has(field) || same;
        let has_currency = only.has_currency() && (mask.currency || self.currency.is_some());
        self.identity == there.identity
            && optional(true, Field::Sku, self.sku == there.sku)
            && optional(
                true,
                Field::Price,
                is_same_amount(self.price.as_deref(), there.price.as_deref()),
            )
            && optional(mask.name, Field::Name, self.name == there.name)
            && optional(
                mask.sale_price,
                Field::SalePrice,
                is_same_amount(self.sale_price.as_deref(), there.sale_price.as_deref()),
            )
            && (!has_currency || self.currency == there.currency)
            && optional(mask.gtin, Field::Gtin, self.gtin == there.gtin)
            && optional(mask.stock, Field::Stock, self.stock == there.stock)
            && optional(
                mask.availability,
                Field::Availability,
                self.availability == there.availability,
            )
            && optional(mask.url, Field::Url, self.url == there.url)
            && optional(mask.image, Field::Image, self.image == there.image)
            && optional(mask.options, Field::Options, self.options == there.options)
    }

    pub(super) fn search_text(&self) -> String {
        match self.sku.as_deref() {
            Some(sku) if !self.identity.contains(sku) => {
                format!("{}\n{sku}\n{}", self.name, self.identity).to_lowercase()
            }
            _ => format!("{}\n{}", self.name, self.identity).to_lowercase(),
        }
    }

    /// Keeps the old values that a later row of the same product does not set.
    pub(super) fn keep_unset(
        &mut self,
        old: Self,
        mask: FieldMask,
        later: FieldMask,
        only: ChosenFields,
    ) {
        let keeps = |field, sets_later: bool, sets: bool| !only.has(field) || sets && !sets_later;
        if !only.has(Field::Sku) {
            self.sku = old.sku;
        }
        if !only.has(Field::Price) {
            self.price = old.price;
        }
        if keeps(Field::Name, later.name, mask.name) {
            self.name = old.name;
        }
        if keeps(Field::SalePrice, later.sale_price, mask.sale_price) {
            self.sale_price = old.sale_price;
        }
        if !only.has_currency() {
            self.currency = old.currency;
        } else if !later.currency {
            self.currency = self.currency.take().or(old.currency);
        }
        if keeps(Field::Gtin, later.gtin, mask.gtin) {
            self.gtin = old.gtin;
        }
        if keeps(Field::Stock, later.stock, mask.stock) {
            self.stock = old.stock;
        }
        if keeps(Field::Availability, later.availability, mask.availability) {
            self.availability = old.availability;
        }
        if keeps(Field::Url, later.url, mask.url) {
            self.url = old.url;
        }
        if keeps(Field::Image, later.image, mask.image) {
            self.image = old.image;
        }
        if keeps(Field::Options, later.options, mask.options) {
            self.options = old.options;
        }
    }

    /// Returns the product after it was written over an existing one.
    pub(in crate::server::store) fn over(
        &self,
        old: &Self,
        mask: FieldMask,
        only: ChosenFields,
    ) -> Self {
        let text = |is_set: bool, field, new: &Option<String>, old: &Option<String>| {
            if is_set && only.has(field) {
                new.clone()
            } else {
                old.clone()
            }
        };
        let has_currency = only.has_currency() && (mask.currency || self.currency.is_some());
        Self {
            identity: self.identity.clone(),
            sku: text(true, Field::Sku, &self.sku, &old.sku),
            name: if mask.name && only.has(Field::Name) {
                self.name.clone()
            } else {
                old.name.clone()
            },
            price: text(true, Field::Price, &self.price, &old.price),
            sale_price: text(
                mask.sale_price,
                Field::SalePrice,
                &self.sale_price,
                &old.sale_price,
            ),
            currency: if has_currency {
                self.currency.clone()
            } else {
                old.currency.clone()
            },
            gtin: text(mask.gtin, Field::Gtin, &self.gtin, &old.gtin),
            stock: if mask.stock && only.has(Field::Stock) {
                self.stock
            } else {
                old.stock
            },
            availability: text(
                mask.availability,
                Field::Availability,
                &self.availability,
                &old.availability,
            ),
            url: text(mask.url, Field::Url, &self.url, &old.url),
            image: text(mask.image, Field::Image, &self.image, &old.image),
            options: text(mask.options, Field::Options, &self.options, &old.options),
        }
    }

    pub(in crate::server::store) fn values(&self) -> Values {
        [
            self.sku.clone(),
            Some(self.name.clone()),
            self.price.clone(),
            self.sale_price.clone(),
            self.currency.clone(),
            self.gtin.clone(),
            self.stock.map(|stock| stock.to_string()),
            self.availability.clone(),
            self.url.clone(),
            self.image.clone(),
            self.options.clone(),
        ]
    }

    pub(in crate::server::store) fn of_values(identity: String, values: Values) -> Self {
        let [
            sku,
            name,
            price,
            sale_price,
            currency,
            gtin,
            stock,
            availability,
            url,
            image,
            options,
        ] = values;
        Self {
            name: name.unwrap_or_else(|| identity.clone()),
            identity,
            sku,
            price,
            sale_price,
            currency,
            gtin,
            stock: stock.and_then(|stock| stock.parse().ok()),
            availability,
            url,
            image,
            options,
        }
    }

    /// Returns identity and values as parameters of a statement.
    pub(super) fn parameters(self) -> [Value; COLUMNS.len() + 1] {
        [
            self.identity.into(),
            self.sku.into(),
            self.name.into(),
            self.price.into(),
            self.sale_price.into(),
            self.currency.into(),
            self.gtin.into(),
            self.stock.into(),
            self.availability.into(),
            self.url.into(),
            self.image.into(),
            self.options.into(),
        ]
    }

    /// Returns identity and values as text; `stock` is the product's.
    pub(super) fn cells<'a>(
        &'a self,
        stock: Option<&'a str>,
    ) -> [Option<&'a str>; COLUMNS.len() + 1] {
        [
            Some(self.identity.as_str()),
            self.sku.as_deref(),
            Some(self.name.as_str()),
            self.price.as_deref(),
            self.sale_price.as_deref(),
            self.currency.as_deref(),
            self.gtin.as_deref(),
            stock,
            self.availability.as_deref(),
            self.url.as_deref(),
            self.image.as_deref(),
            self.options.as_deref(),
        ]
    }
}

/// Copies the identity and the values of a row, and sets further fields.
macro_rules! copied {
    ($row:ident into $product:ident { $($field:ident: $value:expr),* }) => {
        $product {
            identity: $row.identity,
            sku: $row.sku,
            name: $row.name,
            price: $row.price,
            sale_price: $row.sale_price,
            currency: $row.currency,
            gtin: $row.gtin,
            stock: $row.stock,
            availability: $row.availability,
            url: $row.url,
            image: $row.image,
            options: $row.options,
            $($field: $value),*
        }
    };
}

impl From<product::Model> for NewProduct {
    fn from(row: product::Model) -> Self {
        copied!(row into NewProduct {})
    }
}

impl From<product::Model> for Product {
    fn from(row: product::Model) -> Self {
        copied!(row into Product {
            created_at: row.created_at,
            updated_at: row.updated_at,
            updated_by: None
        })
    }
}
