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
    /// Number in stock.
    #[serde(default)]
    pub stock: Option<i64>,
    /// Availability: `in_stock`, `out_of_stock`, `preorder` or `backorder`.
    #[serde(default)]
    pub availability: Option<String>,
    /// URL of its page.
    #[serde(default)]
    pub url: Option<String>,
    /// URL of its image.
    #[serde(default)]
    pub image: Option<String>,
    /// Its options, which distinguish it from other variants.
    #[serde(default)]
    pub options: Option<String>,
    /// When it was first imported.
    #[serde(default)]
    pub created_at: UnixMillis,
    /// When an import last changed it.
    pub updated_at: UnixMillis,
    /// The import that last changed it, if known and visible to the user.
    #[serde(default)]
    pub updated_by: Option<ImportName>,
}

impl Product {
    /// Returns the values of the options that distinguish a variant from others.
    #[must_use]
    pub fn variant(&self) -> Option<Vec<String>> {
        let options = match &self.options {
            Some(options) => values_of(options),
            // Earlier versions had them in the identity only.
            None => {
                let (source, parts) = self.identity.split_once(':')?;
                if !matches!(source, "handle" | "parent") {
                    return None;
                }
                let mut parts = parted(parts);
                parts.remove(0);
                parts.retain(|part| !part.is_empty());
                parts
            }
        };
        (!options.is_empty()).then_some(options)
    }

    /// Returns the URL of its image if pages may show it: only `https`.
    #[must_use]
    pub fn shown_image(&self) -> Option<&str> {
        let image = self.image.as_deref()?;
        let scheme = image.get(.."https://".len())?;
        scheme.eq_ignore_ascii_case("https://").then_some(image)
    }
}

/// Maximum characters of a product's options.
const MAX_OPTIONS: usize = 500;

/// Joins the values of options with `/`, which is `\/` within one. Returns `None` if they are too long.
#[must_use]
pub fn options_text(options: &[String]) -> Option<String> {
    let escape = |option: &String| option.replace('\\', "\\\\").replace('/', "\\/");
    let text = options.iter().map(escape).collect::<Vec<_>>().join("/");
    (!text.is_empty() && text.chars().count() <= MAX_OPTIONS).then_some(text)
}

/// Splits what [`options_text`] joins.
#[must_use]
pub fn values_of(text: &str) -> Vec<String> {
    let mut options = parted(text);
    options.retain(|option| !option.is_empty());
    options
}

/// Splits a text at its slashes.
fn parted(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (character, parts.last_mut()) {
            ('/', _) => parts.push(String::new()),
            ('\\', Some(part)) => part.extend(characters.next()),
            (other, Some(part)) => part.push(other),
            (_, None) => {}
        }
    }
    parts
}

/// Whether pages show images of products.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ShowsImages(pub bool);

/// An import's name.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ImportName {
    /// ID.
    pub id: String,
    /// File name.
    pub filename: String,
}

/// A page of products.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ProductsList {
    /// The products. If finding them takes long, a page may have fewer although more follow.
    pub items: Vec<Product>,
    /// Cursor of the next page; `None` on the last one.
    pub next: Option<String>,
    /// Number of all products, up to a limit.
    pub total: u64,
    /// Whether there are more than counted.
    pub has_more: bool,
    /// The user's newest imports.
    pub imports: Vec<ImportName>,
}

/// A product's price from a time on.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct PricePoint {
    /// The time.
    pub at: UnixMillis,
    /// The price as a decimal number; `None` if it had none.
    pub price: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_those_of_the_file_or_read_from_the_identity() {
        let options = |identity: &str, options: Option<&str>| {
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
                image: None,
                options: options.map(str::to_owned),
                created_at: 0,
                updated_at: 0,
                updated_by: None,
            };
            product.variant().map(|options| options.join(" + "))
        };
        for (identity, expected) in [
            ("handle:shirt/Blue/L", Some("Blue + L")),
            ("handle:shirt//L", Some("L")),
            ("handle:shirt", None),
            ("parent:tee/A\\/B\\\\", Some("A/B\\")),
            ("sku:a/b", None),
            ("", None),
        ] {
            assert_eq!(options(identity, None).as_deref(), expected, "{identity}");
        }
        let given = ["Blue", "1/2 l", "a\\b"].map(str::to_owned);
        let text = options_text(&given).unwrap();
        assert_eq!(text, "Blue/1\\/2 l/a\\\\b");
        let read = options("sku:A", Some(&text)).unwrap();
        assert_eq!(read, "Blue + 1/2 l + a\\b");
        assert_eq!(options_text(&[]), None);
        assert_eq!(options_text(&["x".repeat(MAX_OPTIONS + 1)]), None);
    }
}
