//! Tests imports of any kind and their undos against a model in memory.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};

use super::*;
use crate::{
    model::import_options::{ChosenFields, ImportOptions, MissingProducts, WrittenProducts},
    server::store::{
        left_alone::part,
        missing::{MissingBatch, MissingKind},
        monitor_imports::{ImportBatch, ImportMode, MonitorImport, NewImport},
        preview::Checked,
        row_notes::Tally,
        test_database::TestDatabase,
    },
};

#[derive(Clone, Debug)]
enum Deed {
    /// Imports rows: product, values, and whether the file has more columns than the price.
    Import(Vec<(u8, Given, bool)>, ImportOptions),
    /// Undoes the nth last import, or everything of it.
    Undo(usize, bool),
}

#[derive(Clone, Debug)]
struct Given {
    name: u8,
    price: &'static str,
    stock: Option<i64>,
    url: bool,
    currency: Option<&'static str>,
}

fn given() -> impl Strategy<Value = Given> {
    let price = prop_oneof![Just("1"), Just("1.0"), Just("2"), Just("0"), Just("")];
    let currency = prop_oneof![Just(None), Just(Some("EUR")), Just(Some("USD"))];
    let stock = proptest::option::of(0..2_i64);
    (0..3_u8, price, stock, any::<bool>(), currency).prop_map(
        |(name, price, stock, url, currency)| Given {
            name,
            price,
            stock,
            url,
            currency,
        },
    )
}

fn options() -> impl Strategy<Value = ImportOptions> {
    let fields = prop_oneof![
        2 => Just(ChosenFields::ALL),
        3 => proptest::collection::vec(0..Field::ALL.len(), 1..4)
            .prop_map(|fields| ChosenFields::of(fields.into_iter().map(|field| Field::ALL[field]))),
    ];
    (0..3_usize, fields, 0..4_usize).prop_map(|(products, fields, missing)| ImportOptions {
        products: WrittenProducts::ALL[products],
        fields,
        missing: MissingProducts::ALL[missing],
    })
}

fn rows() -> impl Strategy<Value = Vec<(u8, Given, bool)>> {
    proptest::collection::vec((0..5_u8, given(), any::<bool>()), 1..7)
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let options = prop_oneof![Just(ImportOptions::default()), options()];
    let deed = prop_oneof![
        3 => (rows(), options).prop_map(|(rows, options)| Deed::Import(rows, options)),
        2 => (0..4_usize, any::<bool>()).prop_map(|(back, everything)| Deed::Undo(back, everything)),
    ];
    proptest::collection::vec(deed, 1..9)
}

fn row(number: u64, (product, given, says_all): &(u8, Given, bool)) -> ProductRow {
    let sku = product.to_string();
    let mask = FieldMask {
        name: *says_all,
        sale_price: *says_all,
        currency: *says_all,
        gtin: *says_all,
        stock: *says_all,
        availability: *says_all,
        url: *says_all,
        image: *says_all,
        options: *says_all,
    };
    let optional = |is_there: bool, text: &str| (is_there && *says_all).then(|| text.to_owned());
    ProductRow {
        product: NewProduct {
            identity: format!("sku:{sku}"),
            name: if *says_all {
                format!("Name {}", given.name)
            } else {
                sku.clone()
            },
            sku: Some(sku),
            price: (!given.price.is_empty()).then(|| given.price.to_owned()),
            currency: given.currency.map(str::to_owned),
            stock: given.stock.filter(|_| *says_all),
            url: optional(given.url, "https://shop.example/"),
            image: optional(
                given.url,
                &format!("https://shop.example/{}.jpg", given.name),
            ),
            options: optional(!given.url, &given.name.to_string()),
            ..NewProduct::default()
        },
        mask,
        row: number,
        line: number + 1,
        ..ProductRow::default()
    }
}

/// Numbers rows and marks repeats.
fn numbered(rows: &[(u8, Given, bool)]) -> Vec<ProductRow> {
    let mut seen = BTreeSet::new();
    (1..)
        .zip(rows)
        .map(|(number, it)| ProductRow {
            is_repeat: !seen.insert(it.0),
            ..row(number, it)
        })
        .collect()
}

/// Returns the product after a row is written.
fn written_over(there: &NewProduct, row: &ProductRow, only: ChosenFields) -> NewProduct {
    let (new, mask) = (&row.product, row.mask);
    let (mut values, comes) = (there.values(), new.values());
    for field in Field::ALL {
        let is_set = match field {
            Field::Sku | Field::Price => true,
            Field::Name => mask.name,
            Field::SalePrice => mask.sale_price,
            Field::Currency => mask.currency || new.currency.is_some(),
            Field::Gtin => mask.gtin,
            Field::Stock => mask.stock,
            Field::Availability => mask.availability,
            Field::Url => mask.url,
            Field::Image => mask.image,
            Field::Options => mask.options,
        };
        let is_chosen = match field {
            Field::Currency => only.has_currency(),
            field => only.has(field),
        };
        if is_set && is_chosen {
            values[field as usize].clone_from(&comes[field as usize]);
        }
    }
    NewProduct::of_values(there.identity.clone(), values)
}

#[derive(Clone, Debug)]
struct Change {
    identity: String,
    before: Option<NewProduct>,
    after: Option<NewProduct>,
    /// The previous change, and the one whose result it restores.
    previous: (usize, usize),
}

#[derive(Default)]
struct Model {
    products: BTreeMap<String, NewProduct>,
    /// The index of each product's last change, and of the one whose result it has; 0 is none.
    last: BTreeMap<String, (usize, usize)>,
    changes: Vec<Change>,
    imports: Vec<std::ops::Range<usize>>,
}

impl Model {
    fn set(&mut self, identity: &str, after: Option<NewProduct>, restores: Option<usize>) {
        let before = self.products.get(identity).cloned();
        match &after {
            Some(product) => self.products.insert(identity.to_owned(), product.clone()),
            None => self.products.remove(identity),
        };
        let previous = self.last.get(identity).copied().unwrap_or_default();
        self.changes.push(Change {
            identity: identity.to_owned(),
            before,
            after,
            previous,
        });
        let place = self.changes.len();
        let last = (place, restores.unwrap_or(place));
        self.last.insert(identity.to_owned(), last);
    }

    /// Returns the numbers of excluded rows and missing products.
    fn import(&mut self, rows: &[ProductRow], options: ImportOptions) -> (u64, u64) {
        let begin = self.changes.len();
        let (mut left, mut missing) = (0, 0);
        for row in rows {
            let identity = row.product.identity.clone();
            let there = self.products.get(&identity).cloned();
            let is_written = match options.products {
                WrittenProducts::All => true,
                WrittenProducts::New => there.is_none(),
                WrittenProducts::Existing => there.is_some(),
            };
            if !is_written {
                left += 1;
                continue;
            }
            let after = match &there {
                Some(there) if row.product.is_like(there, row.mask, options.fields) => continue,
                Some(there) => written_over(there, row, options.fields),
                None => row.product.clone(),
            };
            self.set(&identity, Some(after), None);
        }
        let in_file: BTreeSet<_> = rows.iter().map(|row| &row.product.identity).collect();
        let lacks = |identity: &&String| !in_file.contains(*identity);
        let lacking: Vec<_> = self.products.keys().filter(lacks).cloned().collect();
        for identity in lacking {
            if options.missing.is_full_file() && !rows.is_empty() {
                missing += 1;
                self.miss(&identity, options.missing);
            }
        }
        self.imports.push(begin..self.changes.len());
        (left, missing)
    }

    fn miss(&mut self, identity: &str, action: MissingProducts) {
        let there = self.products[identity].clone();
        match action {
            MissingProducts::Keep | MissingProducts::List => {}
            MissingProducts::Remove => self.set(identity, None, None),
            MissingProducts::Unavailable => {
                let marked = NewProduct {
                    availability: Some("out_of_stock".to_owned()),
                    ..there.clone()
                };
                if marked != there {
                    self.set(identity, Some(marked), None);
                }
            }
        }
    }

    /// Returns the products left unchanged.
    fn undo(&mut self, import: usize, everything: bool) -> Vec<String> {
        let begin = self.changes.len();
        let mut left = Vec::new();
        let mut to_be: BTreeMap<String, (Option<NewProduct>, bool)> = BTreeMap::new();
        let mut last = self.last.clone();
        for place in self.imports[import].clone().rev() {
            let change = self.changes[place].clone();
            let identity = change.identity;
            let (by, as_after) = last.get(&identity).copied().unwrap_or_default();
            let is_last = by == place + 1 || as_after == place + 1;
            if !is_last && !everything {
                left.push(identity);
                continue;
            }
            // From now on the undo is its last change.
            last.insert(identity.clone(), (usize::MAX, change.previous.1));
            let (now, was_clean) = match to_be.get(&identity) {
                Some(now) => now.clone(),
                None => (self.products.get(&identity).cloned(), true),
            };
            let then = match (change.before, change.after) {
                (None, _) => None,
                (Some(before), None) => Some(before),
                (Some(before), Some(after)) => now.map(|now| {
                    let [before, after] = [before, after].map(|it| it.values());
                    let mut values = now.values();
                    for field in Field::ALL {
                        let place = field as usize;
                        if before[place] != after[place] {
                            values[place].clone_from(&before[place]);
                        }
                    }
                    NewProduct::of_values(now.identity, values)
                }),
            };
            to_be.insert(identity, (then, was_clean && is_last));
        }
        for (identity, (then, is_clean)) in to_be {
            if self.products.get(&identity) != then.as_ref() {
                let restores = is_clean.then(|| last[&identity].1);
                self.set(&identity, then, restores);
            }
        }
        self.imports.push(begin..self.changes.len());
        left.sort();
        left
    }
}

async fn begin(store: &Store, new: NewImport) -> ImportNumber {
    let id = new.id.clone();
    store.add_monitor_import(new).await.unwrap();
    store.number_import(&id).await.unwrap()
}

/// Imports or checks rows, each in a transaction, so that a repeat finds the earlier row.
async fn import(
    store: &Store,
    id: &str,
    mode: ImportMode,
    rows: &[ProductRow],
    options: ImportOptions,
) -> MonitorImport {
    let new = NewImport {
        id: id.to_owned(),
        mode,
        options,
        ..NewImport::default()
    };
    let number = begin(store, new).await;
    let total = rows.len() as u64;
    let set = store.set_monitor_import_total(id, total, &[]);
    set.await.unwrap();
    let kind = store.batch_kind(mode, Some(number)).with(options);
    for row in rows {
        let tally = Tally {
            rows_read: row.row,
            ..Tally::default()
        };
        let none = Vec::new();
        let batch = ImportBatch::new(kind, vec![row.clone()], Vec::new(), none, tally, row.row);
        let checked = match mode {
            ImportMode::Check => store.check_monitor_batch(&batch).await.unwrap(),
            ImportMode::Import => Checked::default(),
        };
        let from = row.row - 1;
        let commit = store.commit_monitor_batch(id, from, &batch, &checked);
        assert!(commit.await.unwrap().is_some());
    }
    if options.missing.is_full_file() && !rows.is_empty() {
        apply_missing(store, id, mode, rows, options, number).await;
    }
    let over = store.monitor_import(id).await.unwrap().unwrap();
    assert_eq!(over.mismatch(), None, "{over:?}");
    end(store, id).await;
    over
}

/// Handles missing products, two at a time.
async fn apply_missing(
    store: &Store,
    id: &str,
    mode: ImportMode,
    rows: &[ProductRow],
    options: ImportOptions,
    number: ImportNumber,
) {
    let in_file: BTreeSet<_> = rows
        .iter()
        .map(|row| row.product.identity.as_str())
        .collect();
    let kind = MissingKind {
        action: options.missing,
        mode,
        number: Some(number),
        rows: rows.len() as u64,
    };
    let made_until = store.monitor_import(id).await.unwrap().unwrap().created_at;
    let mut after: Option<String> = None;
    loop {
        let known = store.known_products(after.as_deref(), made_until, 2).await;
        let known = known.unwrap();
        let Some(last) = known.last().map(|product| product.identity.clone()) else {
            return;
        };
        let lacking = known.into_iter();
        let lacking = lacking.filter(|product| !in_file.contains(product.identity.as_str()));
        let batch = MissingBatch {
            after: after.take(),
            last: last.clone(),
            products: lacking.collect(),
        };
        let done = store.commit_missing(id, kind, &batch).await.unwrap();
        assert!(done.is_some());
        // Repeating it does nothing.
        let again = store.commit_missing(id, kind, &batch).await.unwrap();
        assert_eq!(again, None);
        after = Some(last);
    }
}

async fn end(store: &Store, id: &str) {
    let ended = store.finish_monitor_import(id, ImportStatus::Success, None, None);
    ended.await.unwrap();
}

/// Undoes an import. Returns the products left unchanged.
async fn undo(store: &Store, id: &str, of: &str, everything: bool) -> Vec<String> {
    let undo = Undo {
        import: of.to_owned(),
        everything,
    };
    let new = NewImport {
        id: id.to_owned(),
        undoes: Some(undo),
        ..NewImport::default()
    };
    let number = begin(store, new).await;
    let of = store.import_number(of).await.unwrap().unwrap();
    let mut position = 0;
    while let Some(batch) = store
        .changes_to_take_back(of, position, BATCH)
        .await
        .unwrap()
    {
        let commit = store.commit_undo_batch(id, number, position, &batch, everything);
        let taken = commit.await.unwrap().unwrap();
        assert_eq!(taken.done + taken.left, batch.changes());
        // Repeating it does nothing.
        let again = store.commit_undo_batch(id, number, position, &batch, everything);
        assert_eq!(again.await.unwrap(), None);
        position = batch.position();
    }
    let there = store.monitor_import(id).await.unwrap().unwrap();
    assert_eq!(
        there.progress.processed_products,
        there.written.rows(),
        "{there:?}"
    );
    end(store, id).await;
    let left = store.monitor_failed_rows(id, 1000).await.unwrap();
    let mut left: Vec<_> = left
        .into_iter()
        .map(|row| format!("sku:{}", row.sku))
        .collect();
    left.sort();
    left
}

/// The whole table without times and imports of changes.
async fn table(store: &Store) -> Vec<String> {
    let sql = "SELECT identity || '|' || COALESCE(sku, '-') || '|' || name || '|' || COALESCE(price, '-') || '|' || \
               COALESCE(sale_price, '-') || '|' || COALESCE(currency, '-') || '|' || COALESCE(gtin, '-') || '|' || \
               COALESCE(CAST(stock AS TEXT), '-') || '|' || COALESCE(availability, '-') || '|' || \
               COALESCE(url, '-') || '|' || COALESCE(image, '-') || '|' || COALESCE(options, '-') || '|' || \
               search_text || '|' || CAST(created_at AS TEXT) \
               FROM products ORDER BY identity";
    let rows = store
        .db
        .query_all_raw(store.statement(sql, []))
        .await
        .unwrap();
    rows.iter()
        .map(|row| row.try_get_by_index(0).unwrap())
        .collect()
}

async fn empty(store: &Store) {
    for table in [
        "products",
        "product_changes",
        "import_numbers",
        "monitor_failed_rows",
        "monitor_row_notes",
        "monitor_imports",
    ] {
        store
            .db
            .execute_unprepared(&format!("DELETE FROM {table}"))
            .await
            .unwrap();
    }
}

/// Reported counts of an import or a check.
fn told(import: &MonitorImport) -> impl PartialEq + std::fmt::Debug + use<> {
    (
        import.written,
        import.left_alone,
        import.missing.products,
        import.missing.marked,
        import.progress,
    )
}

fn run(
    cases: u32,
    test: impl Fn(&tokio::runtime::Runtime, &Store, Vec<Deed>) -> Result<(), TestCaseError>,
) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (_database, store) = runtime.block_on(async {
        let (database, store) = TestDatabase::opened().await;
        (database, store)
    });
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let run = |deeds: Vec<Deed>| test(&runtime, &store, deeds);
    TestRunner::new(config).run(&deeds(), run).unwrap();
}

#[test]
fn any_sequence_of_imports_modes_and_undos_leaves_what_a_model_says() {
    run(96, |runtime, store, deeds| {
        runtime.block_on(async {
            empty(store).await;
            let mut model = Model::default();
            for (number, deed) in deeds.iter().enumerate() {
                let id = number.to_string();
                let before = table(store).await;
                match deed {
                    Deed::Undo(back, everything) if number > 0 => {
                        let of = number - 1 - back % number;
                        let left = undo(store, &id, &of.to_string(), *everything).await;
                        prop_assert_eq!(left, model.undo(of, *everything));
                    }
                    Deed::Undo(..) => {
                        let (mode, options) = (ImportMode::Import, ImportOptions::default());
                        import(store, &id, mode, &[], options).await;
                    }
                    Deed::Import(rows, options) => {
                        let rows = numbered(rows);
                        let check = format!("{id}-check");
                        let would = import(store, &check, ImportMode::Check, &rows, *options).await;
                        prop_assert_eq!(table(store).await, before.clone());
                        let did = import(store, &id, ImportMode::Import, &rows, *options).await;
                        prop_assert_eq!(told(&would), told(&did));
                        let (left, missing) = model.import(&rows, *options);
                        prop_assert_eq!((did.left_alone, did.missing.products), (left, missing));
                        // Undone and redone at once, the table is unchanged.
                        let after = table(store).await;
                        let (back, forth) = (format!("{id}-back"), format!("{id}-forth"));
                        prop_assert_eq!(undo(store, &back, &id, false).await, Vec::<String>::new());
                        prop_assert_eq!(table(store).await, before);
                        prop_assert_eq!(
                            undo(store, &forth, &back, false).await,
                            Vec::<String>::new()
                        );
                        prop_assert_eq!(table(store).await, after);
                        let last = model.imports.len() - 1;
                        model.undo(last, false);
                        model.undo(last + 1, false);
                        let (_, _) = (model.imports.pop(), model.imports.pop());
                    }
                }
                if matches!(deed, Deed::Undo(..)) && number == 0 {
                    model.imports.push(0..0);
                }
                let there = store.products_after("", 100).await.unwrap();
                let expected: Vec<_> = model.products.values().cloned().collect();
                prop_assert_eq!(there, expected);
            }
            Ok(())
        })
    });
}

#[test]
fn rows_of_one_batch_leave_what_they_would_in_several() {
    run(64, |runtime, store, deeds| {
        runtime.block_on(async {
            empty(store).await;
            let mut model = Model::default();
            let imports = deeds.iter().filter_map(|deed| match deed {
                Deed::Import(rows, options) => Some((rows, options)),
                Deed::Undo(..) => None,
            });
            for (number, (rows, options)) in imports.enumerate() {
                let options = ImportOptions {
                    missing: MissingProducts::Keep,
                    ..*options
                };
                let mut rows = numbered(rows);
                for row in &mut rows {
                    // Trailing zeros of the price differ.
                    let price = row.product.price.take();
                    row.product.price = price.map(|price| price.replace("1.0", "1"));
                }
                let id = number.to_string();
                let new = NewImport {
                    id: id.clone(),
                    options,
                    ..NewImport::default()
                };
                let number = begin(store, new).await;
                let kind = store
                    .batch_kind(ImportMode::Import, Some(number))
                    .with(options);
                // Repeats within one batch are not marked.
                let in_one = rows.iter().map(|row| ProductRow {
                    is_repeat: false,
                    ..row.clone()
                });
                let (end, none, tally) = (rows.len() as u64, Vec::new(), Tally::default());
                let batch = ImportBatch::new(kind, in_one.collect(), Vec::new(), none, tally, end);
                let checked = Checked::default();
                let commit = store.commit_monitor_batch(&id, 0, &batch, &checked);
                let done = commit.await.unwrap().unwrap();
                let (left, _) = model.import(&rows, options);
                prop_assert_eq!(done.left_alone, left);
                prop_assert_eq!(done.written.rows() + left, end);
                let there = store.products_after("", 100).await.unwrap();
                let expected: Vec<_> = model.products.values().cloned().collect();
                prop_assert_eq!(there, expected);
            }
            Ok(())
        })
    });
}

#[test]
fn of_several_new_rows_of_a_product_the_first_is_written() {
    let given = Given {
        name: 0,
        price: "1",
        stock: None,
        url: false,
        currency: None,
    };
    let all = [
        (1, given.clone(), true),
        (2, given.clone(), true),
        (1, given, true),
    ];
    let rows = |of: &[ProductRow]| of.iter().map(|row| row.row).collect::<Vec<_>>();
    let is_two = |identity: &str| identity == "sku:2";
    let (written, left) = part(WrittenProducts::New, &numbered(&all), is_two);
    assert_eq!((rows(&written), left.len()), (vec![1], 2));
    let (written, left) = part(WrittenProducts::Existing, &numbered(&all), is_two);
    assert_eq!((rows(&written), left.len()), (vec![2], 2));
}

#[tokio::test]
async fn an_undo_of_many_changes_goes_on_where_it_was() {
    let (_database, store) = TestDatabase::opened().await;
    let rows = |price: &'static str| {
        let one = |number: u64| ProductRow {
            product: NewProduct {
                identity: format!("sku:{number:05}"),
                name: "One".to_owned(),
                price: Some(price.to_owned()),
                ..NewProduct::default()
            },
            row: number,
            ..ProductRow::default()
        };
        (1..=5_000).map(one).collect::<Vec<_>>()
    };
    let write = async |id: &str, rows: Vec<ProductRow>| {
        let new = NewImport {
            id: id.to_owned(),
            ..NewImport::default()
        };
        let number = begin(&store, new).await;
        let mut transaction = BulkTransaction::begin(&store).await.unwrap();
        let upsert = Upsert::new(rows, transaction.backend(), 1, Some(number));
        upsert.write(&mut transaction).await.unwrap();
        transaction.commit().await.unwrap();
        end(&store, id).await;
    };
    write("a", rows("1")).await;
    let before = table(&store).await;
    write("b", rows("2")).await;
    let number = store.import_number("b").await.unwrap().unwrap();
    assert_eq!(store.count_changes(number).await.unwrap(), 5_000);
    assert!(!store.is_being_undone("b").await.unwrap());
    assert!(undo(&store, "c", "b", false).await.is_empty());
    assert_eq!(table(&store).await, before);
    let undone = store.undone("b").await.unwrap().unwrap();
    assert_eq!((undone.by.as_str(), undone.left), ("c", 0));
    // Undone changes do not count as later changes.
    assert!(undo(&store, "d", "a", false).await.is_empty());
    assert!(table(&store).await.is_empty());
    assert!(undo(&store, "e", "d", false).await.is_empty());
    assert_eq!(store.undone("d").await.unwrap().unwrap().by, "e");
    assert_eq!(store.undone("a").await.unwrap(), None);
    assert_eq!(table(&store).await, before);
    write("f", rows("3")).await;
    assert_eq!(
        undo(&store, "g", "a", false).await.len(),
        1_000,
        "as many as are listed"
    );
    assert_eq!(table(&store).await.len(), 5_000);
    assert!(undo(&store, "h", "a", true).await.is_empty());
    assert!(table(&store).await.is_empty());
}
