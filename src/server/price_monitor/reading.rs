//! Reads a product file into batches, on a blocking thread.

use std::{io, ops::ControlFlow, path::PathBuf};

use thiserror::Error;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{reasons, seen::Seen};
use crate::{
    model::{product::options_text, reason::Reason},
    server::store::{
        monitor_imports::{BatchKind, FailedRow, ImportBatch},
        products::{FieldMask, NewProduct, ProductRow},
        row_notes::{MAX_NOTES, NoteKind, RowNote, Tally},
    },
};
use product_feed::{
    self, Counted, FeedError, FeedProduct, FeedRow, Header, Input, Limits, Mapping, Meaning,
    PassedOver, RowFailure, Understanding, Visitor,
};

/// Rows of the first transactions; small, so that short files show progress.
pub(super) const BATCH: usize = 2000;

/// Maximum rows of later transactions, which have a tenth of the rows so far. A database page changed by several rows
/// is then written once.
pub(super) const LARGEST_BATCH: usize = 5_000;

const BATCH_BYTES: usize = 1 << 20;

const READ_AT_ONCE: u64 = 1000;

/// Returns the number of rows of [`read_batches`]; `None` if stopped.
pub(super) fn count(
    input: Input,
    limits: &Limits,
    mapping: Option<&Mapping>,
    stop: &CancellationToken,
) -> Result<Option<Counted>, FeedError> {
    let counted = product_feed::count(input.until(stop), limits, mapping);
    // The error is irrelevant after a stop.
    if stop.is_cancelled() {
        return Ok(None);
    }
    counted.map(Some)
}

struct Pause<'a> {
    stop: &'a CancellationToken,
    rows: u64,
}

impl<'a> Pause<'a> {
    fn new(stop: &'a CancellationToken) -> Self {
        Self { stop, rows: 0 }
    }

    fn look(&mut self) -> ControlFlow<()> {
        self.rows += 1;
        if self.rows.is_multiple_of(READ_AT_ONCE) && self.stop.is_cancelled() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

#[derive(Debug, Error)]
pub(super) enum ReadError {
    #[error(transparent)]
    Feed(#[from] FeedError),
    #[error("the products of the file so far cannot be kept")]
    Scratch(#[source] io::Error),
}

pub(super) struct Reading {
    pub(super) input: Input,
    pub(super) limits: Limits,
    pub(super) mapping: Option<Mapping>,
    pub(super) kind: BatchKind,
    /// Rows already committed.
    pub(super) position: u64,
    pub(super) total: u64,
    /// Whether the products of failed rows are remembered too.
    pub(super) is_full_file: bool,
    pub(super) largest_batch: usize,
    pub(super) scratch: PathBuf,
}

/// Reads the rows after a position into batches, until the end, until the receiver is dropped, or until `stop`.
///
/// Earlier rows are read too: a row can take the title of one above it, or replace it. Batch boundaries depend on the
/// rows only, not on interruptions. Returns the products of the file once it is read to its end.
pub(super) fn read_batches(
    reading: Reading,
    batches: &mpsc::Sender<ImportBatch>,
    stop: &CancellationToken,
) -> Result<Option<InFile>, ReadError> {
    let Reading {
        input,
        limits,
        mapping,
        kind,
        position,
        total,
        is_full_file,
        largest_batch,
        scratch,
    } = reading;
    let mut batcher = Batcher {
        batches,
        kind,
        position,
        pause: Pause::new(stop),
        mask: FieldMask::ALL,
        tells_availability: true,
        in_file: InFile {
            products: Seen::new(total, &scratch).map_err(ReadError::Scratch)?,
            failed: None,
        },
        failed_limit: is_full_file.then_some((total, scratch)),
        products: Vec::with_capacity(BATCH),
        failed: Vec::new(),
        notes: Vec::new(),
        rows: 0,
        most_rows: batch_rows(position, largest_batch),
        largest_batch,
        bytes: 0,
        through: position,
        tally: Tally::default(),
        noted: [0; NoteKind::ALL.len()],
        problem: None,
        is_stopped: false,
    };
    let read = product_feed::read(input.until(stop), &limits, mapping.as_ref(), &mut batcher);
    if stop.is_cancelled() {
        return Ok(None);
    }
    if let Some(problem) = batcher.problem {
        return Err(ReadError::Scratch(problem));
    }
    read?;
    if !batcher.is_stopped && batcher.rows > 0 {
        let _ = batcher.send();
    }
    Ok((!batcher.is_stopped).then_some(batcher.in_file))
}

#[derive(Debug)]
pub(super) struct InFile {
    products: Seen,
    failed: Option<Seen>,
}

impl InFile {
    /// Returns whether no product is importable.
    pub(super) fn is_empty(&self) -> bool {
        self.products.is_empty()
    }

    /// Returns whether a product is in the file.
    pub(super) fn has(&self, identity: &str) -> io::Result<bool> {
        if self.products.contains(identity)? {
            return Ok(true);
        }
        self.failed
            .as_ref()
            .map_or(Ok(false), |failed| failed.contains(identity))
    }
}

/// Returns the maximum rows of the batch at a position.
fn batch_rows(position: u64, largest: usize) -> usize {
    let share = usize::try_from(position / 10).unwrap_or(largest);
    share.clamp(BATCH.min(largest), largest)
}

struct Batcher<'a> {
    batches: &'a mpsc::Sender<ImportBatch>,
    kind: BatchKind,
    position: u64,
    pause: Pause<'a>,
    mask: FieldMask,
    tells_availability: bool,
    in_file: InFile,
    /// Maximum products of failed rows, and the directory for them, if they are remembered.
    failed_limit: Option<(u64, PathBuf)>,
    products: Vec<ProductRow>,
    failed: Vec<FailedRow>,
    notes: Vec<RowNote>,
    rows: usize,
    most_rows: usize,
    bytes: usize,
    largest_batch: usize,
    /// Rows of the file including this batch.
    through: u64,
    tally: Tally,
    noted: [u64; NoteKind::ALL.len()],
    /// Why the table of products cannot be written.
    problem: Option<io::Error>,
    is_stopped: bool,
}

impl Batcher<'_> {
    fn send(&mut self) -> ControlFlow<()> {
        let products = std::mem::replace(&mut self.products, Vec::with_capacity(self.rows));
        let failed = std::mem::take(&mut self.failed);
        let notes = std::mem::take(&mut self.notes);
        self.rows = 0;
        self.most_rows = batch_rows(self.through, self.largest_batch);
        self.bytes = 0;
        let tally = self.tally.clone();
        let batch = ImportBatch::new(self.kind, products, failed, notes, tally, self.through);
        match self.batches.blocking_send(batch) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }

    /// Whether the row is after the position, so that it is written and not only remembered.
    fn is_new(&self, number: u64) -> bool {
        number > self.position
    }

    fn add(&mut self, row: FeedRow) -> io::Result<()> {
        let FeedRow {
            number,
            line,
            outcome,
        } = row;
        if let (Err(failure), Some((limit, scratch))) = (&outcome, &self.failed_limit)
            && let Some(identity) = &failure.identity
        {
            let failed = match &mut self.in_file.failed {
                Some(failed) => failed,
                None => self.in_file.failed.insert(Seen::new(*limit, scratch)?),
            };
            failed.replace(identity, line)?;
        }
        match outcome {
            Ok(product) => self.add_product(number, line, product)?,
            Err(failure) if self.is_new(number) => {
                let failed = failed_row(number, line, failure);
                let cells = failed.cells.iter();
                self.bytes += cells
                    .map(|cell| size_of::<String>() + cell.len())
                    .sum::<usize>();
                self.failed.push(failed);
            }
            Err(_) => {}
        }
        Ok(())
    }

    fn add_product(&mut self, number: u64, line: u64, product: FeedProduct) -> io::Result<()> {
        let label = || product.sku.as_ref().unwrap_or(&product.identity).clone();
        let before = self.in_file.products.replace(&product.identity, line)?;
        if let Some(before) = before {
            self.note(
                || RowNote {
                    kind: NoteKind::Replaced,
                    row: number,
                    part: 0,
                    line: before,
                    label: label(),
                    reason: Reason::default(),
                    column: None,
                    value: None,
                    by_line: Some(line),
                    cells: Vec::new(),
                },
                number,
            );
        }
        let mut mask = self.mask;
        for (part, warning) in (0..).zip(&product.warnings) {
            self.tally.warnings += 1;
            leave_out(&mut mask, warning.field, self.tells_availability);
            self.note(
                || RowNote {
                    kind: NoteKind::Warning,
                    row: number,
                    part,
                    line,
                    label: label(),
                    reason: reasons::of_row(&warning.error),
                    column: warning.column.clone(),
                    value: warning.value.clone(),
                    by_line: None,
                    cells: match part {
                        0 => product.cells.clone(),
                        _ => Vec::new(),
                    },
                },
                number,
            );
        }
        if self.is_new(number) {
            let product = new_product(product);
            self.bytes += product_bytes(&product);
            self.products.push(ProductRow {
                product,
                mask,
                is_repeat: before.is_some(),
                row: number,
                line,
                created_at: None,
            });
        }
        Ok(())
    }

    /// Records a note, up to the maximum of its kind.
    fn note(&mut self, note: impl FnOnce() -> RowNote, number: u64) {
        let note = note();
        let noted = &mut self.noted[note.kind as usize];
        if *noted < MAX_NOTES {
            *noted += 1;
            if number > self.position {
                self.bytes += note.bytes();
                self.notes.push(note);
            }
        }
    }

    /// Counts a row and sends the batch when full.
    fn count(&mut self, number: u64) -> ControlFlow<()> {
        self.tally.rows_read += 1;
        let mut flow = self.pause.look();
        if flow.is_continue() && self.is_new(number) {
            self.rows += 1;
            self.through = number;
            if self.is_full() {
                flow = self.send();
                if self.pause.stop.is_cancelled() {
                    flow = ControlFlow::Break(());
                }
            }
        }
        self.is_stopped |= flow.is_break();
        flow
    }

    fn is_full(&self) -> bool {
        self.rows == self.most_rows || self.bytes >= BATCH_BYTES
    }
}

impl Visitor for Batcher<'_> {
    fn header(&mut self, header: &Header) {
        self.mask = mask_of(header);
        self.tells_availability = header.has(Meaning::Availability);
    }

    fn understood(&mut self, understanding: &Understanding) {
        if self.tally.understood.is_none() {
            self.tally.understood = serde_json::to_string(&understanding.answers()).ok();
        }
    }

    fn row(&mut self, row: FeedRow) -> ControlFlow<()> {
        let number = row.number;
        if let Err(problem) = self.add(row) {
            self.problem = Some(problem);
            self.is_stopped = true;
            return ControlFlow::Break(());
        }
        self.count(number)
    }

    fn passed_over(&mut self, row: PassedOver) -> ControlFlow<()> {
        let number = row.number;
        let code = row.reason.code();
        self.tally.passed_over.add(code);
        self.note(
            || RowNote {
                kind: NoteKind::PassedOver,
                row: number,
                part: 0,
                line: row.line,
                label: row.label,
                reason: Reason::words(code),
                column: None,
                value: None,
                by_line: None,
                cells: Vec::new(),
            },
            number,
        );
        self.count(number)
    }
}

/// Removes the field of a warning, so that the product keeps its value. An unreadable stock leaves the availability
/// too.
fn leave_out(mask: &mut FieldMask, field: Meaning, tells_availability: bool) {
    match field {
        Meaning::Name => mask.name = false,
        Meaning::SalePrice => mask.sale_price = false,
        Meaning::Currency => mask.currency = false,
        Meaning::Gtin | Meaning::Barcode => mask.gtin = false,
        Meaning::Url => mask.url = false,
        Meaning::Availability => mask.availability = false,
        Meaning::Stock => {
            mask.stock = false;
            mask.availability &= tells_availability;
        }
        _ => {}
    }
}

fn failed_row(number: u64, line: u64, failure: RowFailure) -> FailedRow {
    FailedRow {
        row: number,
        line,
        sku: failure.label.unwrap_or_else(|| format!("line {line}")),
        reason: reasons::of_row(&failure.error),
        column: failure.column,
        value: failure.value,
        cells: failure.cells,
    }
}

/// Returns the fields that a file with this header sets.
fn mask_of(header: &Header) -> FieldMask {
    let has = |meaning| header.has(meaning);
    FieldMask {
        name: has(Meaning::Name),
        sale_price: has(Meaning::SalePrice),
        currency: has(Meaning::Currency),
        gtin: has(Meaning::Gtin) || has(Meaning::Barcode),
        stock: has(Meaning::Stock),
        // A word in the stock column sets the availability.
        availability: has(Meaning::Availability) || has(Meaning::Stock),
        url: has(Meaning::Url),
        image: has(Meaning::Image),
        options: has(Meaning::Option) || has(Meaning::Attribute),
    }
}

fn product_bytes(product: &NewProduct) -> usize {
    let optional = [
        &product.sku,
        &product.price,
        &product.sale_price,
        &product.gtin,
        &product.url,
        &product.image,
        &product.options,
        &product.currency,
        &product.availability,
    ];
    let optional = optional.into_iter().flatten().map(String::len);
    product.identity.len() + product.name.len() + optional.sum::<usize>()
}

fn new_product(product: FeedProduct) -> NewProduct {
    NewProduct {
        identity: product.identity,
        sku: product.sku,
        name: product.name,
        price: product.price,
        sale_price: product.sale_price,
        currency: product.currency.map(str::to_owned),
        gtin: product.gtin,
        stock: product.stock,
        availability: product.availability.map(str::to_owned),
        url: product.url,
        image: product.image,
        options: options_text(&product.options),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::server::store::monitor_imports::ImportMode;

    fn reading(file: &str, position: u64) -> Reading {
        Reading {
            input: Input::from(file.as_bytes()),
            limits: Limits {
                max_unpacked: 1 << 30,
            },
            mapping: None,
            kind: BatchKind::sqlite(ImportMode::Import),
            position,
            total: file.lines().count() as u64,
            is_full_file: true,
            largest_batch: LARGEST_BATCH,
            scratch: std::env::temp_dir(),
        }
    }

    #[test]
    fn it_is_known_which_products_are_in_a_file() {
        let file = "sku,price\nA,1\nB,x\n,1\n";
        let (sender, _receiver) = mpsc::channel(1000);
        let stop = CancellationToken::new();
        for position in [0, u64::MAX] {
            let in_file = read_batches(reading(file, position), &sender, &stop);
            let in_file = in_file.unwrap().unwrap();
            assert!(!in_file.is_empty());
            for (identity, is_there) in [("sku:A", true), ("sku:B", true), ("sku:C", false)] {
                assert_eq!(in_file.has(identity).unwrap(), is_there, "{identity}");
            }
        }
        let none = read_batches(reading("sku,price\nB,x\n", 0), &sender, &stop);
        assert!(none.unwrap().unwrap().is_empty());
    }

    fn batches(file: &str, position: u64) -> Vec<ImportBatch> {
        let (sender, mut receiver) = mpsc::channel(1000);
        let stop = CancellationToken::new();
        read_batches(reading(file, position), &sender, &stop).unwrap();
        drop(sender);
        std::iter::from_fn(|| receiver.try_recv().ok()).collect()
    }

    fn written(batches: &[ImportBatch]) -> u64 {
        batches
            .iter()
            .map(|batch| batch.products() + batch.failed())
            .sum()
    }

    proptest! {
        #[test]
        fn every_counted_row_is_written_wherever_an_import_goes_on(
            lines in proptest::collection::vec(
                prop_oneof![
                    Just("tee,T-Shirt,S,,5,"), Just("tee,,M,,6,"), Just("tee,,,,,b.png"),
                    Just(",,,A-1,7,"), Just(",Nameless,,,7,"), Just("mug,Mug,,,x,"), Just(""),
                    Just(",,,,,"), Just("cap,\"Two\nlines\",,C-1,1,"), Just("a,b,c,d,1,f,g"),
                ],
                0..40,
            ),
            stop in 0_u64..45,
        ) {
            let file = format!("Handle,Title,Option1 Value,SKU,Price,Image\n{}", lines.join("\n"));
            let limits = Limits { max_unpacked: 1 << 20 };
            let token = CancellationToken::new();
            let counted = count(Input::from(file.as_bytes()), &limits, None, &token);
            let counted = counted.unwrap().unwrap().products;
            let all = batches(&file, 0);
            prop_assert_eq!(written(&all), counted);
            if let Some(last) = all.last() {
                let tally = last.tally();
                prop_assert_eq!(tally.rows_read, counted + tally.passed_over.total());
            }
            let after = batches(&file, stop);
            let notes = |batches: &[ImportBatch]| {
                let notes = batches.iter().flat_map(ImportBatch::notes).cloned();
                notes.filter(|note| note.row > stop).collect::<Vec<_>>()
            };
            prop_assert_eq!(notes(&after), notes(&all));
            let rows_before = counted - written(&after);
            prop_assert!(rows_before <= stop);
            if let Some(last) = after.last() {
                prop_assert_eq!(last.position(), all.last().unwrap().position());
                prop_assert_eq!(last.tally(), all.last().unwrap().tally());
            }
        }
    }

    #[test]
    fn every_row_is_accounted_for_and_what_is_said_of_it_is_listed() {
        let file = "Handle,Title,SKU,Price,Image Src,Stock\n\
                    tee,Tee,A,5,a.jpg,1\n\
                    tee,,,,b.jpg,\n\
                    tee,,B,x,,1\n\
                    \n\
                    ,Cap,A,7,,2\n";
        let batches = batches(file, 0);
        let [batch] = batches.as_slice() else {
            panic!("one batch");
        };
        assert_eq!((batch.products(), batch.failed()), (2, 1));
        assert_eq!(batch.tally().rows_read, 4);
        assert_eq!(batch.tally().passed_over.total(), 1);
        let notes: Vec<_> = batch
            .notes()
            .iter()
            .map(|note| (note.kind, note.line, note.label.as_str(), note.by_line))
            .collect();
        let expected = [
            (NoteKind::PassedOver, 3, "tee", None),
            (NoteKind::Replaced, 2, "A", Some(6)),
        ];
        assert_eq!(notes, expected);
    }

    #[test]
    fn a_warning_keeps_its_field_as_it_was_and_no_other() {
        let left_out = |field, tells_availability| {
            let mut mask = FieldMask::ALL;
            leave_out(&mut mask, field, tells_availability);
            mask
        };
        let stock = FieldMask {
            stock: false,
            ..FieldMask::ALL
        };
        assert_eq!(left_out(Meaning::Stock, true), stock);
        let both = FieldMask {
            availability: false,
            ..stock
        };
        assert_eq!(left_out(Meaning::Stock, false), both);
        let sale_price = FieldMask {
            sale_price: false,
            ..FieldMask::ALL
        };
        assert_eq!(left_out(Meaning::SalePrice, true), sale_price);
        let gtin = FieldMask {
            gtin: false,
            ..FieldMask::ALL
        };
        assert_eq!(left_out(Meaning::Barcode, true), gtin);
    }

    #[test]
    fn batches_part_at_the_same_rows_wherever_an_import_goes_on() {
        let mut file = "sku,price\n".to_owned();
        for row in 0..3 * BATCH + 7 {
            file.push_str(&format!(
                "S-{row},{}\n",
                if row % 7 == 0 { "x" } else { "1" }
            ));
        }
        let ends = |position| -> Vec<u64> {
            batches(&file, position)
                .iter()
                .map(ImportBatch::position)
                .collect()
        };
        let whole = ends(0);
        assert_eq!(whole.len(), 4);
        assert_eq!(ends(whole[1]), whole[2..]);
    }

    #[test]
    fn batches_grow_with_what_is_through_and_only_as_far_as_they_may() {
        for (through, largest, rows) in [
            (0, LARGEST_BATCH, BATCH),
            (19_000, LARGEST_BATCH, BATCH),
            (50_000, LARGEST_BATCH, 5_000),
            (u64::MAX, LARGEST_BATCH, LARGEST_BATCH),
            (u64::MAX, BATCH, BATCH),
            (0, 50, 50),
            (50_000, 50, 50),
        ] {
            assert_eq!(batch_rows(through, largest), rows, "{through} {largest}");
        }
        let mut file = "sku,price\n".to_owned();
        for row in 0..30_000 {
            file.push_str(&format!("S-{row},1\n"));
        }
        let all = batches(&file, 0);
        assert_eq!(written(&all), 30_000);
        let sizes: Vec<_> = all.iter().map(ImportBatch::products).collect();
        assert!(sizes.is_sorted_by(|one, next| one <= next || *next == sizes[sizes.len() - 1]));
        assert!(sizes.iter().any(|size| *size > BATCH as u64), "{sizes:?}");
    }

    #[test]
    fn a_batch_of_large_rows_is_no_larger_than_others() {
        let mut file = "sku,price,a,b\n".to_owned();
        let cell = "x".repeat(100_000);
        for row in 0..100 {
            file.push_str(&format!("S-{row},none,{cell},{cell}\n"));
        }
        let batches = batches(&file, 0);
        assert_eq!(written(&batches), 100);
        assert!(batches.iter().all(|batch| batch.failed() <= 21));
    }

    #[test]
    fn reading_stops_when_it_is_told_to() {
        let file = format!("sku,price\n{}", "A,1\n".repeat(5000));
        let (sender, _receiver) = mpsc::channel(1000);
        let limits = Limits {
            max_unpacked: 1 << 20,
        };
        let stop = CancellationToken::new();
        stop.cancel();
        let input = Input::from(file.as_bytes());
        assert_eq!(count(input, &limits, None, &stop).unwrap(), None);
        read_batches(reading(&file, 0), &sender, &stop).unwrap();
        assert_eq!(sender.capacity(), 1000);
    }
}
