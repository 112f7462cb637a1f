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
    /// The address of its image.
    #[serde(default)]
    pub image: Option<String>,
    /// What tells it from the other variants of its product, as its file says it.
    #[serde(default)]
    pub options: Option<String>,
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
    /// Returns the values of the options that tell a variant from the others of its product.
    #[must_use]
    pub fn variant(&self) -> Option<Vec<String>> {
        let options = match &self.options {
            Some(options) => values_of(options),
            // Imports of earlier versions left them in the identity only.
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

    /// Returns the address of its image, if pages may show it: it comes over an encrypted connection.
    #[must_use]
    pub fn shown_image(&self) -> Option<&str> {
        let image = self.image.as_deref()?;
        let scheme = image.get(.."https://".len())?;
        scheme.eq_ignore_ascii_case("https://").then_some(image)
    }
}

/// The most characters of a product's options.
const MAX_OPTIONS: usize = 500;

/// Writes the values of options as one text: with `/` between them, which is `\/` within one. None of too many.
#[must_use]
pub fn options_text(options: &[String]) -> Option<String> {
    let escape = |option: &String| option.replace('\\', "\\\\").replace('/', "\\/");
    let text = options.iter().map(escape).collect::<Vec<_>>().join("/");
    (!text.is_empty() && text.chars().count() <= MAX_OPTIONS).then_some(text)
}

/// Reads what [`options_text`] writes.
#[must_use]
pub fn values_of(text: &str) -> Vec<String> {
    let mut options = parted(text);
    options.retain(|option| !option.is_empty());
    options
}

/// Parts a text at its slashes.
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
