//! What a file was understood as.

use crate::{
    columns::Meaning,
    header::{Header, Shape},
    mapping::Mapping,
    price::DecimalMark,
};

/// What a list of products was understood as: a file, or a sheet of a workbook. Read with
/// [`answers`](Self::answers), any row of it means the same, alone too.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Understanding {
    /// Whose kind of file it is.
    pub shape: Shape,
    /// The header row.
    pub header: Vec<String>,
    /// What each column holds, as many as the header row has cells.
    pub columns: Vec<Option<Meaning>>,
    /// The sheet of a workbook.
    pub sheet: Option<String>,
    /// What prices have before their decimals.
    pub decimal_mark: DecimalMark,
    /// The currency of prices of which neither they nor a column tell it.
    pub currency: Option<&'static str>,
    /// The name of the encoding.
    pub encoding: &'static str,
}

impl Understanding {
    /// Returns the answers that make a file with this header row be understood so again.
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
