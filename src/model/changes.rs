//! Change sets: which products an import changed, and how.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{
    job::{JobId, UnixMillis},
    product::{PricePoint, Product},
};

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident: $word:literal;)*) => {
        /// A field of a product.
        #[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
        #[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
        pub enum Field {
            $($(#[$doc])* #[serde(rename = $word)] $name,)*
        }

        impl Field {
            /// All fields.
            pub const ALL: [Self; [$($word),*].len()] = [$(Self::$name),*];

            /// Returns the field's name in URLs and on the wire.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}

fields! {
    /// Stock-keeping unit.
    Sku: "sku";
    /// Name.
    Name: "name";
    /// Price.
    Price: "price";
    /// Sale price.
    SalePrice: "salePrice";
    /// Currency of the prices.
    Currency: "currency";
    /// Global Trade Item Number.
    Gtin: "gtin";
    /// Items in stock.
    Stock: "stock";
    /// Availability.
    Availability: "availability";
    /// URL of its page.
    Url: "url";
    /// URL of its image.
    Image: "image";
    /// Options that distinguish it from other variants.
    Options: "options";
}

/// What an import did to a product.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub enum ChangeKind {
    /// The product is new.
    Added,
    /// Some of its fields changed.
    Updated,
    /// The product was removed.
    Removed,
}

impl ChangeKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Added, Self::Updated, Self::Removed];

    /// Returns its name in URLs and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Updated => "updated",
            Self::Removed => "removed",
        }
    }
}

/// An unknown word.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct UnknownWord;

impl FromStr for Field {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let field = Self::ALL.into_iter().find(|field| field.as_str() == text);
        field.ok_or(UnknownWord)
    }
}

impl FromStr for ChangeKind {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let kind = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        kind.ok_or(UnknownWord)
    }
}

/// A share, in hundredths of a percent.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Percent(i64);

impl Percent {
    /// Creates one from hundredths of a percent.
    #[must_use]
    pub const fn of_hundredths(hundredths: i64) -> Self {
        Self(hundredths)
    }

    /// Returns it in hundredths of a percent.
    #[must_use]
    pub const fn hundredths(self) -> i64 {
        self.0
    }
}

impl FromStr for Percent {
    type Err = UnknownWord;

    /// Parses a percentage with at most two decimals, for example `30` or `12.5`.
    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let (whole, decimals) = text.split_once(['.', ',']).unwrap_or((text, ""));
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !is_digits(whole) || !is_digits(decimals) || decimals.len() > 2 {
            return Err(UnknownWord);
        }
        let whole: i64 = whole.parse().map_err(|_| UnknownWord)?;
        let decimals: i64 = format!("{decimals:0<2}").parse().map_err(|_| UnknownWord)?;
        let hundredths = whole
            .checked_mul(100)
            .and_then(|it| it.checked_add(decimals));
        hundredths.map(Self).ok_or(UnknownWord)
    }
}

impl Serialize for Percent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse()
            .map_err(|_| D::Error::custom("not a percentage"))
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, decimals) = (self.0.unsigned_abs() / 100, self.0.unsigned_abs() % 100);
        let sign = if self.0 < 0 { "-" } else { "" };
        match decimals {
            0 => write!(f, "{sign}{whole}"),
            tens if tens % 10 == 0 => write!(f, "{sign}{whole}.{}", tens / 10),
            all => write!(f, "{sign}{whole}.{all:02}"),
        }
    }
}

/// Which changes of an import to list.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ChangesFilter {
    /// Kind of change.
    pub kind: Option<ChangeKind>,
    /// Changed field.
    pub field: Option<Field>,
    /// The price falls by more than this.
    pub price_down: Option<Percent>,
    /// The price rises by more than this.
    pub price_up: Option<Percent>,
    /// Text in the product's name, SKU or identity.
    pub search: String,
}

impl ChangesFilter {
    /// Names of the parameters.
    pub const NAMES: [&'static str; 5] = ["kind", "field", "priceDown", "priceUp", "search"];

    /// Reads a filter from the parameters of a URL. Empty ones are ignored.
    ///
    /// # Errors
    ///
    /// The name of a parameter with an invalid value.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Result<Self, &'static str> {
        fn parsed<T: FromStr>(
            get: &impl Fn(&str) -> Option<String>,
            name: &'static str,
        ) -> Result<Option<T>, &'static str> {
            let text = get(name).unwrap_or_default();
            match text.trim() {
                "" => Ok(None),
                text => text.parse().map(Some).map_err(|_| name),
            }
        }
        Ok(Self {
            kind: parsed(&get, "kind")?,
            field: parsed(&get, "field")?,
            price_down: parsed(&get, "priceDown")?,
            price_up: parsed(&get, "priceUp")?,
            search: get("search").unwrap_or_default().trim().to_owned(),
        })
    }

    /// Returns the parameters of a URL that [`read`](Self::read) reads.
    #[must_use]
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let text = |percent: Percent| percent.to_string();
        let pairs = [
            ("kind", self.kind.map(|kind| kind.as_str().to_owned())),
            ("field", self.field.map(|field| field.as_str().to_owned())),
            ("priceDown", self.price_down.map(text)),
            ("priceUp", self.price_up.map(text)),
            (
                "search",
                Some(self.search.clone()).filter(|it| !it.is_empty()),
            ),
        ];
        let given = |(name, value): (_, Option<String>)| value.map(|value| (name, value));
        pairs.into_iter().filter_map(given).collect()
    }
}

/// A value of a product before and after.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct FieldChange {
    /// The field.
    pub field: Field,
    /// Old value.
    pub old: Option<String>,
    /// New value.
    pub new: Option<String>,
}

/// What an import did to one product.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProductChange {
    /// The row of the import's file, from 1.
    pub row: u64,
    /// The product's identity.
    pub identity: String,
    /// The product's current SKU.
    pub sku: Option<String>,
    /// The product's current name; `None` if it does not exist.
    pub name: Option<String>,
    /// The currency of its prices now; of a removed product, of the last ones.
    #[serde(default)]
    pub currency: Option<String>,
    /// Kind of change.
    pub kind: ChangeKind,
    /// Change of its price, in hundredths of a percent of the old one.
    pub price_change: Option<i64>,
    /// The changed fields.
    pub fields: Vec<FieldChange>,
}

impl ProductChange {
    /// Returns the new value of a field that it changed, or the removed one.
    #[must_use]
    pub fn value(&self, field: Field) -> Option<&str> {
        let change = self.fields.iter().find(|change| change.field == field)?;
        change.new.as_deref().or(change.old.as_deref())
    }

    /// Returns the currency of its prices before and after the change.
    #[must_use]
    pub fn currencies(&self) -> [Option<&str>; 2] {
        let mut fields = self.fields.iter();
        match fields.find(|change| change.field == Field::Currency) {
            Some(change) => [change.old.as_deref(), change.new.as_deref()],
            None => [self.currency.as_deref(); 2],
        }
    }
}

/// Some of the changes of an import, in the order of its file.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ChangesPage {
    /// The changes.
    pub items: Vec<ProductChange>,
    /// The row after which the next page starts; `None` on the last page.
    pub next: Option<u64>,
}

/// One change of a product in its history.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct HistoryEntry {
    /// The import's ID; `None` if it was deleted or is not visible to the user.
    pub import: Option<String>,
    /// Name of the import's file.
    pub filename: Option<String>,
    /// When the import started.
    pub at: UnixMillis,
    /// The change.
    pub change: ProductChange,
}

/// A product's history, the newest change first.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ProductHistory {
    /// The current product; `None` if it was removed.
    pub product: Option<Product>,
    /// Its changes.
    pub entries: Vec<HistoryEntry>,
    /// Cursor of the older ones; `None` on the last page.
    pub next: Option<String>,
    /// Its prices, the oldest first.
    pub prices: Vec<PricePoint>,
    /// The variants, itself included; empty if there are no others.
    #[serde(default)]
    pub variants: Vec<Product>,
}

/// Returns the path of the page of an import's changes.
#[must_use]
pub fn changes_path(job: &JobId) -> String {
    format!("/imports/{job}/changes")
}

/// Returns the path of an import's changes as a file.
#[must_use]
pub fn changes_file_path(job: &JobId) -> String {
    format!("/imports/{job}/changes.csv")
}

/// The limit that an import exceeds.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "limit", rename_all = "camelCase")]
pub enum OverLimit {
    /// Too many prices would change too much.
    Prices {
        /// Number of them.
        count: u64,
        /// Number of prices known before and after.
        of: u64,
        /// The change that is too much, in hundredths of a percent.
        by: i64,
    },
    /// Too many rows would fail.
    Failed {
        /// Number of them.
        count: u64,
        /// Out of this number.
        of: u64,
    },
    /// Too many products are missing from a full file.
    Missing {
        /// Number of them.
        count: u64,
        /// Out of this number.
        of: u64,
    },
}

impl fmt::Display for OverLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prices { count, of, by } => write!(
                f,
                "{count} of {of} prices would change by more than {} %.",
                Percent::of_hundredths(*by)
            ),
            Self::Failed { count, of } => write!(f, "{count} of {of} rows would fail."),
            Self::Missing { count, of } => {
                write!(f, "{count} of {of} products are not in the file.")
            }
        }
    }
}

/// Marks the file name of an undo. Uploads cannot have it.
pub const MARK: char = '↶';

/// Returns whether an import with this file name undoes another one.
#[must_use]
pub fn is_undo(filename: &str) -> bool {
    filename.starts_with(MARK)
}

/// Returns the file name of an import that undoes one with this name. Undoing that one removes the mark.
#[must_use]
pub fn undo_name(filename: &str) -> String {
    match filename.strip_prefix(MARK) {
        Some(rest) if rest.starts_with(MARK) => rest.to_owned(),
        Some(_) => format!("{MARK}{filename}"),
        None => format!("{MARK} {filename}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn percents_are_read_and_written() {
        for (text, hundredths, written) in [
            ("30", 3000, "30"),
            ("12.5", 1250, "12.5"),
            ("0,05", 5, "0.05"),
            ("100.00", 10_000, "100"),
        ] {
            let percent: Percent = text.parse().unwrap();
            assert_eq!(
                (percent.hundredths(), percent.to_string()),
                (hundredths, written.to_owned())
            );
        }
        for text in ["", "-1", "1.234", "x", ".5", "1e3", "99999999999999999999"] {
            assert!(text.parse::<Percent>().is_err(), "{text}");
        }
        assert_eq!(Percent::of_hundredths(-3050).to_string(), "-30.5");
    }

    #[test]
    fn the_name_says_whether_an_import_is_taken_back() {
        assert_eq!(undo_name("a.csv"), "↶ a.csv");
        assert_eq!(undo_name("↶ a.csv"), "↶↶ a.csv");
        assert_eq!(undo_name("↶↶ a.csv"), "↶ a.csv");
        assert!(
            is_undo(&undo_name("a.csv")) && is_undo(&undo_name("↶↶ a.csv")) && !is_undo("a.csv")
        );
    }

    proptest! {
        #[test]
        fn a_filter_is_read_from_what_it_was_written_as(
            kind in proptest::option::of(0..3usize),
            field in proptest::option::of(0..Field::ALL.len()),
            down in proptest::option::of(0..1_000_000i64),
            up in proptest::option::of(0..1_000_000i64),
            search in "[a-zA-Z0-9äß&=%]{0,12}",
        ) {
            let filter = ChangesFilter {
                kind: kind.map(|kind| ChangeKind::ALL[kind]),
                field: field.map(|field| Field::ALL[field]),
                price_down: down.map(Percent::of_hundredths),
                price_up: up.map(Percent::of_hundredths),
                search,
            };
            let pairs = filter.pairs();
            let read = ChangesFilter::read(|name| {
                pairs.iter().find(|(other, _)| *other == name).map(|(_, value)| value.clone())
            });
            prop_assert_eq!(read, Ok(filter));
        }
    }
}
