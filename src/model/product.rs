//! Products.

use serde::{Deserialize, Serialize};

use crate::model::job::UnixMillis;

/// A product of the embedded price monitor.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Product {
    /// Its identity: the SKU, or another one from the file.
    pub identity: String,
    /// Its SKU, if the file has one.
    pub sku: Option<String>,
    /// Its name.
    pub name: String,
    /// Its price as a decimal number, for example `12.99`.
    pub price: Option<String>,
    /// Its lower sale price, as a decimal number.
    #[serde(default)]
    pub sale_price: Option<String>,
    /// The currency as an ISO 4217 code, if known.
    #[serde(default)]
    pub currency: Option<String>,
    /// Its Global Trade Item Number.
    #[serde(default)]
    pub gtin: Option<String>,
    /// How many there are.
    #[serde(default)]
    pub stock: Option<i64>,
    /// Whether it can be had: `in_stock`, `out_of_stock`, `preorder` or `backorder`.
    #[serde(default)]
    pub availability: Option<String>,
    /// The address of its page.
    #[serde(default)]
    pub url: Option<String>,
    /// When it came in.
    #[serde(default)]
    pub created_at: UnixMillis,
    /// When an import last changed it.
    pub updated_at: UnixMillis,
    /// The import that did, where it is known and for whoever asks to see.
    #[serde(default)]
    pub updated_by: Option<ImportName>,
}

impl Product {
    /// Returns what tells a variant from the others of its product, where its file named it by that: its options.
    #[must_use]
    pub fn options(&self) -> Option<Vec<String>> {
        let (source, parts) = self.identity.split_once(':')?;
        if !matches!(source, "handle" | "parent") {
            return None;
        }
        let mut options = vec![String::new()];
        let mut characters = parts.chars();
        while let Some(character) = characters.next() {
            match (character, options.last_mut()) {
                ('/', _) => options.push(String::new()),
                ('\\', Some(option)) => option.extend(characters.next()),
                (other, Some(option)) => option.push(other),
                (_, None) => {}
            }
        }
        options.remove(0);
        options.retain(|option| !option.is_empty());
        (!options.is_empty()).then_some(options)
    }
}

/// An import by its name.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ImportName {
    /// What it is named by.
    pub id: String,
    /// What its file is called.
    pub filename: String,
}

/// Some products of a list.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ProductsList {
    /// The products. There may be fewer than a page holds though there are more, where finding them takes long.
    pub items: Vec<Product>,
    /// Where the next ones begin; `None` on the last page.
    pub next: Option<String>,
    /// How many products there are at all, as far as they are counted.
    pub total: u64,
    /// Whether there are more than that.
    pub has_more: bool,
    /// The newest imports of whoever asks.
    pub imports: Vec<ImportName>,
}

/// What a product cost from a time on.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct PricePoint {
    /// The time.
    pub at: UnixMillis,
    /// The price as a decimal number; `None` where it had none.
    pub price: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_from_the_identity() {
        let options = |identity: &str| {
            let product = Product {
                identity: identity.to_owned(),
                sku: None,
                name: String::new(),
                price: None,
                sale_price: None,
                currency: None,
                gtin: None,
                stock: None,
                availability: None,
                url: None,
                created_at: 0,
                updated_at: 0,
                updated_by: None,
            };
            product.options().map(|options| options.join(" + "))
        };
        for (identity, expected) in [
            ("handle:shirt/Blue/L", Some("Blue + L")),
            ("handle:shirt//L", Some("L")),
            ("handle:shirt", None),
            ("parent:tee/A\\/B\\\\", Some("A/B\\")),
            ("sku:a/b", None),
            ("", None),
        ] {
            assert_eq!(options(identity).as_deref(), expected, "{identity}");
        }
    }
}
