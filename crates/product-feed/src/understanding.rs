//! How a file was read.

use crate::{
    columns::Meaning,
    header::{Header, Shape},
    mapping::Mapping,
    price::DecimalMark,
};

/// How a file or sheet was read. With [`answers`](Self::answers) any of its rows is read in the same way,
/// also alone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Understanding {
    /// The kind of file.
    pub shape: Shape,
    /// The header row.
    pub header: Vec<String>,
    /// The meaning of each column of the header row.
    pub columns: Vec<Option<Meaning>>,
    /// The sheet's name.
    pub sheet: Option<String>,
    /// The decimal mark.
    pub decimal_mark: DecimalMark,
    /// The currency of prices without one.
    pub currency: Option<&'static str>,
    /// The encoding's name.
    pub encoding: &'static str,
}

impl Understanding {
    /// Returns the answers that reproduce this reading for the same header row.
    #[must_use]
    pub fn answers(&self) -> Mapping {
        let columns = self.columns.iter().enumerate();
        let mut answers =
            Mapping::new(columns.filter_map(|(index, meaning)| Some((index, (*meaning)?))))
                .with_decimal_mark(self.decimal_mark)
                .with_shape(self.shape)
                .of(&self.header);
        if let Some(Ok(with_currency)) = self
            .currency
            .map(|code| answers.clone().with_currency(code))
        {
            answers = with_currency;
        }
        if let Some(sheet) = &self.sheet {
            answers = answers.with_sheets([sheet.clone()]);
        }
        answers
    }

    /// Returns whether the file has a column of this meaning.
    #[must_use]
    pub fn has(&self, meaning: Meaning) -> bool {
        self.columns.contains(&Some(meaning))
    }

    pub(crate) fn new(header: &Header, decimal_mark: DecimalMark, encoding: &'static str) -> Self {
        Self {
            shape: header.columns.shape,
            header: header.cells.clone(),
            columns: header.meanings(),
            sheet: None,
            decimal_mark,
            currency: header.columns.file_currency,
            encoding,
        }
    }
}
