//! Kinds of rows in lists that mix products, variants and images.

/// Words for kinds of rows in any shape.
pub(super) const PRODUCT_ROWS: &[&str] = &["product", "parent", ""];

pub(super) const VARIANT_ROWS: &[&str] =
    &["sku", "variant", "variation", "product_variation", "child"];

pub(super) const IMAGE_ROWS: &[&str] = &["image", "video", "media"];

pub(super) const OTHER_ROWS: &[&str] = &[
    "rule",
    "option",
    "product_option",
    "modifier",
    "product_file",
    "collection",
    "category",
    "product_related",
];

/// The kind of a row.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum RowKind {
    Product,
    Variant,
    Image,
    Other,
}

impl RowKind {
    /// Parses a kind; `None` for an unknown word.
    pub(crate) fn of(word: &str) -> Option<Self> {
        let is = |known: &[&str]| known.iter().any(|known| known.eq_ignore_ascii_case(word));
        if is(PRODUCT_ROWS) {
            Some(Self::Product)
        } else if is(VARIANT_ROWS) {
            Some(Self::Variant)
        } else if is(IMAGE_ROWS) {
            Some(Self::Image)
        } else if is(OTHER_ROWS) {
            Some(Self::Other)
        } else {
            None
        }
    }
}
