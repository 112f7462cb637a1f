//! Filter and order of the list of products.

use std::{fmt, str::FromStr};

use super::{changes::UnknownWord, imports_filter::Day, job::JobId, query::with_query};

/// Maximum characters of an amount.
const AMOUNT_LENGTH: usize = 30;

/// An amount of money: digits, and decimals after a point.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Amount(String);

impl Amount {
    /// Returns the decimal number, for example `12.99`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Amount {
    type Err = UnknownWord;

    /// Parses `12.99` and `12,99`.
    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let is_digits =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let text = text.replace(',', ".");
        let (whole, decimals) = text.split_once('.').unwrap_or((&text, "0"));
        if text.len() > AMOUNT_LENGTH || !is_digits(whole) || !is_digits(decimals) {
            return Err(UnknownWord);
        }
        Ok(Self(text))
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A column to sort products by.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ProductsSortBy {
    /// Name.
    Name,
    /// Price. Products without one are below all others.
    Price,
    /// Last change by an import.
    Updated,
}

impl ProductsSortBy {
    /// All columns.
    pub const ALL: [Self; 3] = [Self::Name, Self::Price, Self::Updated];

    /// Returns its name in URLs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Price => "price",
            Self::Updated => "updated",
        }
    }
}

/// An order of products, written as the column's name, with `-` before it if the largest or newest are first.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ProductsSort {
    /// Column.
    pub by: ProductsSortBy,
    /// Whether the largest or newest are first.
    pub descending: bool,
}

impl fmt::Display for ProductsSort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.descending { "-" } else { "" };
        write!(f, "{sign}{}", self.by.as_str())
    }
}

impl FromStr for ProductsSort {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let (descending, name) = match text.strip_prefix('-') {
            Some(name) => (true, name),
            None => (false, text),
        };
        let by = ProductsSortBy::ALL
            .into_iter()
            .find(|by| by.as_str() == name);
        by.map(|by| Self { by, descending }).ok_or(UnknownWord)
    }
}

/// Filter and order of the list. The default is all products, by name.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ProductsFilter {
    /// Text in the name, SKU or identity.
    pub search: String,
    /// First day of their last change.
    pub since: Option<Day>,
    /// Lowest price.
    pub price_from: Option<Amount>,
    /// Highest price.
    pub price_to: Option<Amount>,
    /// Whether they have no price.
    pub no_price: bool,
    /// Whether they are out of stock.
    pub out_of_stock: bool,
    /// The import that last changed them.
    pub import: Option<JobId>,
    /// Order; the default is the fastest one for the filter.
    pub sort: Option<ProductsSort>,
}

impl ProductsFilter {
    /// Names of the parameters.
    pub const NAMES: [&'static str; 8] = [
        "search",
        "changedSince",
        "priceFrom",
        "priceTo",
        "noPrice",
        "outOfStock",
        "import",
        "sort",
    ];

    /// Reads a filter from the parameters of a URL. Empty ones are ignored.
    ///
    /// # Errors
    ///
    /// The name of a parameter with an invalid value.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Result<Self, &'static str> {
        fn parsed<T: FromStr>(text: &str, name: &'static str) -> Result<Option<T>, &'static str> {
            match text {
                "" => Ok(None),
                text => text.parse().map(Some).map_err(|_| name),
            }
        }
        let text = |name| get(name).unwrap_or_default().trim().to_owned();
        let is_said = |name: &'static str| match &*text(name) {
            "" | "false" => Ok(false),
            "true" => Ok(true),
            _ => Err(name),
        };
        Ok(Self {
            search: text("search"),
            since: parsed(&text("changedSince"), "changedSince")?,
            price_from: parsed(&text("priceFrom"), "priceFrom")?,
            price_to: parsed(&text("priceTo"), "priceTo")?,
            no_price: is_said("noPrice")?,
            out_of_stock: is_said("outOfStock")?,
            import: parsed(&text("import"), "import")?,
            sort: parsed(&text("sort"), "sort")?,
        })
    }

    /// Returns the parameters of a URL that [`read`](Self::read) reads.
    #[must_use]
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let said = |is_said: bool| is_said.then(|| "true".to_owned());
        let search = (!self.search.is_empty()).then(|| self.search.clone());
        [
            ("search", search),
            ("changedSince", self.since.map(|day| day.to_string())),
            ("priceFrom", self.price_from.as_ref().map(Amount::to_string)),
            ("priceTo", self.price_to.as_ref().map(Amount::to_string)),
            ("noPrice", said(self.no_price)),
            ("outOfStock", said(self.out_of_stock)),
            ("import", self.import.as_ref().map(JobId::to_string)),
            ("sort", self.sort.map(|sort| sort.to_string())),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
    }

    /// Returns the URL of a path with these parameters and the cursor of a page.
    #[must_use]
    pub fn address(&self, path: &str, from: Option<&str>) -> String {
        let from = from.map(|from| ("from", from.to_owned()));
        with_query(path, self.pairs().into_iter().chain(from))
    }

    /// Returns whether products are left out.
    #[must_use]
    pub fn is_narrow(&self) -> bool {
        let wide = Self {
            sort: self.sort,
            ..Self::default()
        };
        *self != wide
    }

    /// Returns the order in which products are listed.
    #[must_use]
    pub fn order(&self) -> ProductsSort {
        let has_price = self.price_from.is_some() || self.price_to.is_some() || self.no_price;
        let (by, descending) = if !self.search.is_empty() {
            (ProductsSortBy::Name, false)
        } else if self.import.is_some() || self.since.is_some() {
            (ProductsSortBy::Updated, true)
        } else if has_price {
            (ProductsSortBy::Price, false)
        } else {
            (ProductsSortBy::Name, false)
        };
        self.sort.unwrap_or(ProductsSort { by, descending })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(pairs: &[(&str, String)]) -> Result<ProductsFilter, &'static str> {
        ProductsFilter::read(|name| {
            let found = pairs.iter().find(|(other, _)| *other == name);
            found.map(|(_, value)| value.clone())
        })
    }

    #[test]
    fn what_a_parameter_does_not_take_is_named() {
        for (name, value) in [
            ("changedSince", "yesterday"),
            ("priceFrom", "-1"),
            ("priceTo", "1e9"),
            ("priceTo", "1."),
            ("noPrice", "yes"),
            ("outOfStock", "1"),
            ("sort", "sku"),
        ] {
            assert_eq!(read(&[(name, value.to_owned())]), Err(name), "{value}");
        }
        let blank = read(&[
            ("priceFrom", " ".to_owned()),
            ("noPrice", "false".to_owned()),
        ]);
        assert_eq!(blank, Ok(ProductsFilter::default()));
        assert_eq!(" 1,50".trim().parse::<Amount>().unwrap().as_str(), "1.50");
    }

    #[test]
    fn the_order_is_the_one_in_which_what_is_asked_for_is_found_soonest() {
        for (pairs, order) in [
            (vec![], "name"),
            (vec![("outOfStock", "true")], "name"),
            (vec![("changedSince", "2026-11-01")], "-updated"),
            (vec![("import", "7"), ("noPrice", "true")], "-updated"),
            (vec![("noPrice", "true")], "price"),
            (vec![("priceTo", "5"), ("search", "cup")], "name"),
            (vec![("priceTo", "5"), ("sort", "-name")], "-name"),
        ] {
            let pairs: Vec<_> = pairs
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned()))
                .collect();
            assert_eq!(
                read(&pairs).unwrap().order().to_string(),
                order,
                "{pairs:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_filter_is_read_from_what_it_was_written_as(
            search in "[a-zA-Z0-9äß&=%]{0,12}",
            since in proptest::option::of(0..4_000_000_000_000i64),
            from in proptest::option::of("[0-9]{1,9}(\\.[0-9]{1,4})?"),
            no_price: bool,
            out_of_stock: bool,
            by in proptest::option::of(0..3usize),
            descending: bool,
        ) {
            let filter = ProductsFilter {
                search,
                since: since.map(Day::from),
                price_from: from.clone().and_then(|text| text.parse().ok()),
                price_to: from.and_then(|text| text.parse().ok()),
                no_price,
                out_of_stock,
                import: "7".parse().ok(),
                sort: by.map(|by| ProductsSort { by: ProductsSortBy::ALL[by], descending }),
            };
            prop_assert_eq!(read(&filter.pairs()), Ok(filter));
        }
    }
}
