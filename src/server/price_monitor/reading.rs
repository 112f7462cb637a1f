//! From a product file to batches that are ready to be written, on a thread that may wait.

use std::ops::ControlFlow;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::server::store::{
    monitor_imports::{BatchKind, FailedRow, ImportBatch},
    products::{NewProduct, Said},
};
use product_feed::{
    self, Counted, FeedError, FeedProduct, FeedRow, Header, Input, Limits, Mapping, Meaning,
    PassedOver, Visitor,
};

/// Rows that are written in one transaction.
const BATCH: usize = 2000;

/// Bytes of rows that are written in one transaction, whatever their number.
const BATCH_BYTES: usize = 4 << 20;

/// Rows that are read between two looks at whether to stop.
const READ_AT_ONCE: u64 = 1000;

/// Counts the rows that [`read_batches`] gives; `None` when `stop` was cancelled.
///
/// # Errors
///
/// When the file cannot be read to its end.
pub(super) fn count(
    input: Input,
    limits: &Limits,
    mapping: Option<&Mapping>,
    stop: &CancellationToken,
) -> Result<Option<Counted>, FeedError> {
    let counted = product_feed::count(input.until(stop), limits, mapping);
    // Why reading failed does not matter then.
    if stop.is_cancelled() {
        return Ok(None);
    }
    counted.map(Some)
}

/// Looks every now and then whether to stop.
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

/// Returns a mark of a file's column names.
///
/// # Errors
///
/// When the file cannot be read.
pub(super) fn header_of(input: Input, limits: &Limits) -> Result<String, FeedError> {
    let rows = product_feed::first_rows(input, limits, 1)?;
    let header = rows.first().map(Vec::as_slice).unwrap_or_default();
    Ok(Header::fingerprint(header))
}

/// Reads the rows behind `position` into batches, until all are through, nobody receives them any more or
/// `stop` is cancelled. Rows before are read too: a row can take the title of one above it.
///
/// Where the batches part depends on what is in the rows alone, from wherever one begins that was
/// committed: it does not depend on interruptions.
///
/// # Errors
///
/// When the file cannot be read to its end.
pub(super) fn read_batches(
    input: Input,
    limits: &Limits,
    mapping: Option<&Mapping>,
    kind: BatchKind,
    position: u64,
    batches: &mpsc::Sender<ImportBatch>,
    stop: &CancellationToken,
) -> Result<(), FeedError> {
    let mut batcher = Batcher {
        batches,
        kind,
        position,
        pause: Pause::new(stop),
        said: Said::ALL,
        products: Vec::with_capacity(BATCH),
        failed: Vec::new(),
        bytes: 0,
        through: position,
        is_stopped: false,
    };
    let read = product_feed::read(input.until(stop), limits, mapping, &mut batcher);
    if stop.is_cancelled() {
        return Ok(());
    }
    read?;
    if !batcher.is_stopped && batcher.through > position {
        let _ = batcher.send();
    }
    Ok(())
}

struct Batcher<'a> {
    batches: &'a mpsc::Sender<ImportBatch>,
    kind: BatchKind,
    position: u64,
    pause: Pause<'a>,
    said: Said,
    products: Vec<NewProduct>,
    failed: Vec<FailedRow>,
    /// Bytes of both.
    bytes: usize,
    /// Rows of the file that are through with this batch.
    through: u64,
    is_stopped: bool,
}

impl Batcher<'_> {
    fn send(&mut self) -> ControlFlow<()> {
        if self.products.is_empty() && self.failed.is_empty() {
            return ControlFlow::Continue(());
        }
        let products = std::mem::replace(&mut self.products, Vec::with_capacity(BATCH));
        let failed = std::mem::take(&mut self.failed);
        self.bytes = 0;
        let batch = ImportBatch::new(self.kind, products, self.said, failed, self.through);
        match self.batches.blocking_send(batch) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }

    fn add(&mut self, row: FeedRow) {
        self.through = row.number;
        match row.outcome {
            Ok(product) => {
                let product = new_product(product);
                self.bytes += product_bytes(&product);
                self.products.push(product);
            }
            Err(failure) => {
                self.bytes += failure.cells.iter().map(String::len).sum::<usize>();
                self.failed.push(FailedRow {
                    row: row.number,
                    line: row.line,
                    sku: failure
                        .label
                        .unwrap_or_else(|| format!("line {}", row.line)),
                    reason: failure.error.to_string(),
                    column: failure.column,
                    value: failure.value,
                    cells: failure.cells,
                });
            }
        }
    }

    fn is_full(&self) -> bool {
        self.products.len() + self.failed.len() == BATCH || self.bytes >= BATCH_BYTES
    }
}

impl Visitor for Batcher<'_> {
    fn header(&mut self, header: &Header) {
        self.said = said(header);
    }

    fn row(&mut self, row: FeedRow) -> ControlFlow<()> {
        let mut flow = self.pause.look();
        if flow.is_continue() && row.number > self.position {
            self.add(row);
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

    fn passed_over(&mut self, _: PassedOver) -> ControlFlow<()> {
        let flow = self.pause.look();
        self.is_stopped |= flow.is_break();
        flow
    }
}

/// What a file with this header row says of its products.
fn said(header: &Header) -> Said {
    let has = |meaning| header.has(meaning);
    Said {
        name: has(Meaning::Name),
        currency: has(Meaning::Currency),
        gtin: has(Meaning::Gtin) || has(Meaning::Barcode),
        stock: has(Meaning::Stock),
        // A word in place of a count says so much.
        availability: has(Meaning::Availability) || has(Meaning::Stock),
        url: has(Meaning::Url),
    }
}

fn product_bytes(product: &NewProduct) -> usize {
    let optional = [
        &product.sku,
        &product.price,
        &product.gtin,
        &product.url,
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
        currency: product.currency.map(str::to_owned),
        gtin: product.gtin,
        stock: product.stock,
        availability: product.availability.map(str::to_owned),
        url: product.url,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::server::store::monitor_imports::ImportMode;

    const KIND: BatchKind = BatchKind::sqlite(ImportMode::Import);

    /// All batches of a file behind a position.
    fn batches(file: &str, position: u64) -> Vec<ImportBatch> {
        let (sender, mut receiver) = mpsc::channel(1000);
        let limits = Limits {
            max_unpacked: 1 << 20,
        };
        let (input, stop) = (Input::from(file.as_bytes()), CancellationToken::new());
        read_batches(input, &limits, None, KIND, position, &sender, &stop).unwrap();
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
            let after = batches(&file, stop);
            let rows_before = counted - written(&after);
            prop_assert!(rows_before <= stop);
            if let Some(last) = after.last() {
                prop_assert_eq!(last.position(), all.last().unwrap().position());
            }
        }
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
    fn a_batch_of_large_rows_is_no_larger_than_others() {
        let mut file = "sku,price,a,b\n".to_owned();
        let cell = "x".repeat(100_000);
        for row in 0..100 {
            file.push_str(&format!("S-{row},none,{cell},{cell}\n"));
        }
        let limits = Limits {
            max_unpacked: 1 << 30,
        };
        let (sender, mut receiver) = mpsc::channel(1000);
        let (input, stop) = (Input::from(file.as_bytes()), CancellationToken::new());
        read_batches(input, &limits, None, KIND, 0, &sender, &stop).unwrap();
        drop(sender);
        let batches: Vec<_> = std::iter::from_fn(|| receiver.try_recv().ok()).collect();
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
        assert_eq!(count(input.clone(), &limits, None, &stop).unwrap(), None);
        read_batches(input, &limits, None, KIND, 0, &sender, &stop).unwrap();
        assert_eq!(sender.capacity(), 1000);
    }
}
