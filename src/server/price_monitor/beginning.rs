//! The first rows of a file, stored at the start of the import for the pages about its columns.

use product_feed::{FeedError, Input, Limits, Mapping};

/// Header row, displayed rows, and some to detect the price format.
const ROWS: usize = 21;

/// Maximum characters of a cell; column names are not truncated.
const CELL: usize = 1_000;

const ROWS_BYTES: usize = 128 << 10;

/// Maximum bytes of the header; a longer one is not displayed.
const HEADER_BYTES: usize = 256 << 10;

/// Returns the first rows of a file, bounded.
pub(super) fn of(input: Input, limits: &Limits) -> Result<Vec<Vec<String>>, FeedError> {
    product_feed::first_rows(input, limits, ROWS).map(bounded)
}

/// Like [`of`], for sheets of a workbook.
pub(super) fn of_sheets(
    input: Input,
    limits: &Limits,
    sheets: Vec<String>,
) -> Result<Vec<Vec<String>>, FeedError> {
    let mapping = Mapping::default().with_sheets(sheets);
    product_feed::first_rows_of(input, limits, Some(&mapping), ROWS).map(bounded)
}

/// Drops large rows and truncates cells; returns nothing if the header is too long.
fn bounded(mut rows: Vec<Vec<String>>) -> Vec<Vec<String>> {
    let size = |row: &[String]| row.iter().map(|cell| cell.len() + 3).sum::<usize>();
    if rows
        .first()
        .is_some_and(|header| size(header) > HEADER_BYTES)
    {
        return Vec::new();
    }
    let mut left = ROWS_BYTES;
    let mut kept = 1;
    for row in rows.iter_mut().skip(1) {
        for cell in row.iter_mut() {
            if let Some((end, _)) = cell.char_indices().nth(CELL) {
                cell.truncate(end);
                cell.shrink_to_fit();
            }
        }
        let Some(rest) = left.checked_sub(size(row)) else {
            break;
        };
        left = rest;
        kept += 1;
    }
    rows.truncate(kept);
    rows
}

#[cfg(test)]
mod tests {
    use product_feed::{FeedRow, Meaning, Visitor, first_rows};

    use super::*;

    const LIMITS: Limits = Limits {
        max_unpacked: 1 << 20,
    };

    struct Outcomes(Vec<String>);

    impl Visitor for Outcomes {
        fn row(&mut self, row: FeedRow) -> std::ops::ControlFlow<()> {
            self.0.push(match row.outcome {
                Ok(product) => format!("{:?} {} {:?}", product.sku, product.name, product.price),
                Err(failure) => failure.error.to_string(),
            });
            std::ops::ControlFlow::Continue(())
        }
    }

    #[test]
    fn kept_rows_read_as_the_file_they_are_from() {
        let file = "Art.-Nr.;Was es ist;Kostet\nA-1;\"Hemd; \"\"blau\"\"\";1.234,50\nB;Hose;12,00\n\
                    C;\"Zwei\nZeilen\";x\n";
        let rows = first_rows(Input::from(file.as_bytes()), &LIMITS, ROWS).unwrap();
        let columns = [(0, Meaning::Sku), (1, Meaning::Name), (2, Meaning::Price)];
        let mapping = Mapping::new(columns).of(&rows[0]);
        let kept = bounded(rows.clone());
        assert_eq!(kept, rows);
        let [mut of_rows, mut of_file] = [const { Outcomes(Vec::new()) }; 2];
        product_feed::read_rows(&kept, Some(&mapping), &mut of_rows).unwrap();
        product_feed::read(
            Input::from(file.as_bytes()),
            &LIMITS,
            Some(&mapping),
            &mut of_file,
        )
        .unwrap();
        assert_eq!(of_rows.0, of_file.0);
        assert_eq!(of_rows.0.len(), 3);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let row = |cells: usize, bytes: usize| vec!["x".repeat(bytes); cells];
        let size = |rows: &[Vec<String>]| rows.iter().flatten().map(String::len).sum::<usize>();
        let rows = bounded(vec![row(3, 4), row(3, 10 << 20), row(1000, 900), row(3, 1)]);
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[1][0].len(), CELL);
        assert!(bounded(vec![row(1_000_000, 1), row(1, 1)]).is_empty());
        assert!(size(&bounded(vec![row(1000, 9); 40])) < HEADER_BYTES + ROWS_BYTES);
    }
}
