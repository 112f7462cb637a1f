//! Options of an import: which products and values it writes, and what it does with missing products.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{
    changes::{Field, Percent, UnknownWord},
    import_extras::FileMapping,
    job::ImportMode,
};

/// Products that an import may write. Rows of others are skipped.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub enum WrittenProducts {
    /// New and existing products.
    #[default]
    All,
    /// New products only: nothing is updated.
    New,
    /// Existing products only: nothing is added.
    Existing,
}

impl WrittenProducts {
    /// Every choice.
    pub const ALL: [Self; 3] = [Self::All, Self::New, Self::Existing];

    /// Returns its name in forms and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::New => "new",
            Self::Existing => "existing",
        }
    }

    /// Returns the code of the reason why other rows are skipped.
    #[must_use]
    pub fn passes_over(self) -> Option<&'static str> {
        match self {
            Self::All => None,
            Self::New => Some("already-there"),
            Self::Existing => Some("not-there"),
        }
    }
}

impl FromStr for WrittenProducts {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let found = Self::ALL.into_iter().find(|it| it.as_str() == text);
        found.ok_or(UnknownWord)
    }
}

/// What an import does with products that are not in its file.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub enum MissingProducts {
    /// Nothing. The file need not contain all products.
    #[default]
    Keep,
    /// List them, and leave them unchanged.
    List,
    /// Mark them as out of stock.
    Unavailable,
    /// Remove them.
    Remove,
}

impl MissingProducts {
    /// Every choice.
    pub const ALL: [Self; 4] = [Self::Keep, Self::List, Self::Unavailable, Self::Remove];

    /// Returns its name in forms and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::List => "list",
            Self::Unavailable => "unavailable",
            Self::Remove => "remove",
        }
    }

    /// Returns whether the file has to contain all products.
    #[must_use]
    pub fn is_full_file(self) -> bool {
        self != Self::Keep
    }

    /// Returns whether missing products are changed.
    #[must_use]
    pub fn changes_products(self) -> bool {
        matches!(self, Self::Unavailable | Self::Remove)
    }
}

impl FromStr for MissingProducts {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let found = Self::ALL.into_iter().find(|it| it.as_str() == text);
        found.ok_or(UnknownWord)
    }
}

/// Fields that an import updates. The default is all that its file has.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct ChosenFields(u16);

impl ChosenFields {
    /// All fields.
    pub const ALL: Self = Self(0);

    /// Chooses these fields; none means all.
    #[must_use]
    pub fn of(fields: impl IntoIterator<Item = Field>) -> Self {
        let mut chosen = Self::ALL;
        for field in fields {
            chosen.choose(field);
        }
        chosen
    }

    /// Adds a field. The first one replaces "all".
    pub fn choose(&mut self, field: Field) {
        self.0 |= 1 << field as u16;
    }

    /// Returns whether a field is updated.
    #[must_use]
    pub fn has(self, field: Field) -> bool {
        self.is_all() || self.0 & (1 << field as u16) != 0
    }

    /// Returns whether all fields are updated.
    #[must_use]
    pub fn is_all(self) -> bool {
        self.0 == 0
    }

    /// Returns whether the currency is updated, by itself or with a price.
    #[must_use]
    pub fn has_currency(self) -> bool {
        let with = [Field::Currency, Field::Price, Field::SalePrice];
        with.into_iter().any(|field| self.has(field))
    }

    /// Returns the chosen fields; none if all are updated.
    pub fn chosen(self) -> impl Iterator<Item = Field> {
        let is_chosen = move |field: &Field| !self.is_all() && self.has(*field);
        Field::ALL.into_iter().filter(is_chosen)
    }
}

impl fmt::Display for ChosenFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, field) in self.chosen().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            write!(f, "{comma}{}", field.as_str())?;
        }
        Ok(())
    }
}

impl FromStr for ChosenFields {
    type Err = UnknownWord;

    /// Parses comma-separated names; an empty text means all.
    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let words = text.split(',').map(str::trim);
        let words = words.filter(|word| !word.is_empty());
        words
            .map(str::parse)
            .collect::<Result<Vec<_>, _>>()
            .map(Self::of)
    }
}

impl Serialize for ChosenFields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.chosen())
    }
}

impl<'de> Deserialize<'de> for ChosenFields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let words = Vec::<String>::deserialize(deserializer)?;
        let fields = words.iter().map(|word| word.parse::<Field>());
        let fields = fields.collect::<Result<Vec<_>, _>>();
        fields
            .map(Self::of)
            .map_err(|_| D::Error::custom("not a field"))
    }
}

/// What an import writes.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(default)]
pub struct ImportOptions {
    /// Which products it may write.
    pub products: WrittenProducts,
    /// Which fields of existing products it updates. New products get all.
    pub fields: ChosenFields,
    /// What it does with missing products.
    pub missing: MissingProducts,
}

/// The parameter that chooses fields.
pub const FIELDS: &str = "fields";

/// Names of the parameters in forms and on the wire.
pub const PARAMETERS: [&str; 3] = ["products", FIELDS, "missing"];

impl ImportOptions {
    /// Sets a parameter; `fields` adds to earlier ones. An empty value is ignored.
    ///
    /// # Errors
    ///
    /// The parameter, if its value is invalid.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), &'static str> {
        let [products, fields, missing] = PARAMETERS;
        let value = value.trim();
        if value.is_empty() {
            return Ok(());
        }
        if name == products {
            self.products = value.parse().map_err(|_| products)?;
        } else if name == fields {
            let more: ChosenFields = value.parse().map_err(|_| fields)?;
            more.chosen().for_each(|field| self.fields.choose(field));
        } else if name == missing {
            self.missing = value.parse().map_err(|_| missing)?;
        }
        Ok(())
    }

    /// Returns the parameters that differ from the default.
    #[must_use]
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let Self {
            products,
            fields,
            missing,
        } = *self;
        let default = Self::default();
        let all = [
            (products != default.products, products.as_str().to_owned()),
            (!fields.is_all(), fields.to_string()),
            (missing != default.missing, missing.as_str().to_owned()),
        ];
        let said = PARAMETERS.into_iter().zip(all);
        said.filter_map(|(name, (is_said, value))| is_said.then_some((name, value)))
            .collect()
    }

    /// Returns whether all options are the default.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the options for importing some rows of the file again.
    #[must_use]
    pub fn of_some_rows(self) -> Self {
        Self {
            missing: MissingProducts::Keep,
            ..self
        }
    }
}

/// What happens to an import that exceeds a limit.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub enum LimitAction {
    /// Nothing: limits are off.
    Off,
    /// It waits for approval.
    Ask,
    /// It is rejected.
    Refuse,
}

impl LimitAction {
    /// Every action.
    pub const ALL: [Self; 3] = [Self::Off, Self::Ask, Self::Refuse];

    /// Returns its name in forms and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Ask => "ask",
            Self::Refuse => "refuse",
        }
    }
}

impl FromStr for LimitAction {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let found = Self::ALL.into_iter().find(|it| it.as_str() == text);
        found.ok_or(UnknownWord)
    }
}

/// An import's own limits, which replace those of the settings.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct OwnLimits {
    /// What happens above a limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<LimitAction>,
    /// Maximum share of prices that change far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prices: Option<Percent>,
    /// Minimum change of a price that is far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_change: Option<Percent>,
    /// Maximum share of failed rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<Percent>,
    /// Maximum share of products missing in a full file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<Percent>,
}

/// How to import a file.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct Instructions {
    /// Import, or dry run.
    pub mode: ImportMode,
    /// Which products and values to write.
    pub options: ImportOptions,
    /// How to read the file; the rest is detected.
    #[serde(rename = "said")] // as it is stored
    pub mapping: FileMapping,
    /// Its own limits.
    pub limits: OwnLimits,
    /// The source of the file. Its column mapping is reused for the next file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

impl From<ImportMode> for Instructions {
    fn from(mode: ImportMode) -> Self {
        Self {
            mode,
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn options_are_read_from_what_they_were_written_as(
            products in 0..3usize,
            fields in proptest::collection::vec(0..9usize, 0..5),
            missing in 0..4usize,
        ) {
            let options = ImportOptions {
                products: WrittenProducts::ALL[products],
                fields: ChosenFields::of(fields.into_iter().map(|field| Field::ALL[field])),
                missing: MissingProducts::ALL[missing],
            };
            let mut read = ImportOptions::default();
            for (name, value) in options.pairs() {
                prop_assert_eq!(read.set(name, &value), Ok(()));
            }
            prop_assert_eq!(read, options);
            prop_assert_eq!(options.pairs().is_empty(), options.is_default());
            let json = serde_json::to_string(&options).unwrap();
            prop_assert_eq!(serde_json::from_str::<ImportOptions>(&json).unwrap(), options);
        }
    }

    #[test]
    fn fields_add_up_and_what_is_none_is_refused() {
        let mut options = ImportOptions::default();
        options.set("fields", "price").unwrap();
        options.set("fields", " stock , name").unwrap();
        options.set("fields", "").unwrap();
        assert_eq!(options.fields.to_string(), "name,price,stock");
        assert!(options.fields.has_currency() && !options.fields.has(Field::Url));
        assert!(ChosenFields::ALL.has(Field::Url));
        for (name, value) in [
            ("products", "some"),
            ("fields", "price,colour"),
            ("missing", "delete"),
        ] {
            assert_eq!(options.set(name, value), Err(name));
        }
    }
}
