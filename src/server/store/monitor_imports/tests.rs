use super::*;
use crate::server::{
    config::DatabaseUrl,
    store::{
        products::{NewProduct, ProductRow},
        row_notes::{NoteKind, RowNote},
    },
};

async fn store() -> (tempfile::TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    let url = DatabaseUrl::sqlite(&directory.path().join("test.db"));
    let store = Store::open(&url).await.unwrap();
    let new = NewImport {
        id: "a".to_owned(),
        ..NewImport::default()
    };
    store.add_monitor_import(new).await.unwrap();
    (directory, store)
}

fn product(position: u64) -> ProductRow {
    ProductRow {
        product: NewProduct {
            identity: format!("sku:{position}"),
            name: "One".to_owned(),
            ..NewProduct::default()
        },
        ..ProductRow::default()
    }
}

fn warning(row: u64, part: u64) -> RowNote {
    RowNote {
        kind: NoteKind::Warning,
        row,
        part,
        line: row + 1,
        label: format!("S-{row}"),
        reason: Reason::words("The stock \"many\" is not a whole number."),
        column: Some("Stock".to_owned()),
        value: Some("many".to_owned()),
        by_line: None,
        cells: Vec::new(),
    }
}

fn rows_of(
    mode: ImportMode,
    products: Vec<ProductRow>,
    failed: Vec<FailedRow>,
    position: u64,
) -> ImportBatch {
    let kind = BatchKind::sqlite(mode);
    ImportBatch::new(
        kind,
        products,
        failed,
        Vec::new(),
        Tally::default(),
        position,
    )
}

fn failed(row: u64) -> FailedRow {
    FailedRow {
        row,
        line: 1,
        sku: "bad".to_owned(),
        reason: Reason::words("The price is missing."),
        column: Some("Price".to_owned()),
        value: Some(String::new()),
        cells: vec!["bad".to_owned(), String::new()],
    }
}

fn batch(position: u64) -> ImportBatch {
    let products = vec![product(position)];
    rows_of(
        ImportMode::Import,
        products,
        vec![failed(position)],
        position,
    )
}

async fn commit(store: &Store, from: u64, batch: ImportBatch) -> bool {
    let none = Checked::default();
    let committed = store.commit_monitor_batch("a", from, &batch, &none).await;
    committed.unwrap().is_some()
}

#[tokio::test]
async fn a_batch_is_written_once() {
    let (_directory, store) = store().await;
    assert!(commit(&store, 0, batch(10)).await);
    assert!(!commit(&store, 0, batch(20)).await);
    assert!(commit(&store, 10, batch(20)).await);
    let import = store.monitor_import("a").await.unwrap().unwrap();
    assert_eq!((import.position, import.progress.done()), (20, 4));
    assert_eq!(store.monitor_failed_rows("a", 10).await.unwrap().len(), 2);
    assert_eq!(store.monitor_failed_rows("a", 1).await.unwrap()[0].row, 10);
}

#[tokio::test]
async fn nothing_of_a_batch_stays_when_a_part_of_it_is_refused() {
    let (_directory, store) = store().await;
    let twice = vec![failed(10), failed(10)];
    let products = vec![product(10)];
    let twice = rows_of(ImportMode::Import, products, twice, 10);
    let none = Checked::default();
    // Repeatable.
    for _ in 0..2 {
        store
            .commit_monitor_batch("a", 0, &twice, &none)
            .await
            .unwrap_err();
    }
    let import = store.monitor_import("a").await.unwrap().unwrap();
    assert_eq!((import.position, import.progress.done()), (0, 0));
    assert_eq!(store.list_products("", 1).await.unwrap().total, 0);
}

#[tokio::test]
async fn starts_are_counted_until_there_is_headway() {
    let (_directory, store) = store().await;
    let begun = async || {
        let import = store.begin_monitor_import("a").await.unwrap();
        import.map(|import| import.attempts)
    };
    assert_eq!((begun().await, begun().await), (Some(1), Some(2)));
    assert!(commit(&store, 0, batch(10)).await);
    assert_eq!(begun().await, Some(1));
    store.pause_monitor_import("a").await.unwrap();
    assert_eq!(begun().await, Some(1));
    store
        .finish_monitor_import("a", ImportStatus::Error, None, None)
        .await
        .unwrap();
    assert_eq!(begun().await, None);
}

#[tokio::test]
async fn an_import_ends_once() {
    let (_directory, store) = store().await;
    assert_eq!(store.unfinished_monitor_imports().await.unwrap().len(), 1);
    let why = Reason::from(ErrorCode::CancelledAfter { done: 1, total: 3 });
    let ended = store
        .finish_monitor_import("a", ImportStatus::Error, Some(&why), None)
        .await
        .unwrap();
    let ended = ended.unwrap();
    assert!(ended.is_cancelled());
    assert_eq!(
        (ended.status, ended.error),
        (ImportStatus::Error, Some(why))
    );
    assert!(ended.completed_at.is_some());
    let again = store
        .finish_monitor_import("a", ImportStatus::Success, None, None)
        .await
        .unwrap();
    assert_eq!(again, None);
    assert!(store.unfinished_monitor_imports().await.unwrap().is_empty());
    assert!(!commit(&store, 0, batch(10)).await);
}

#[tokio::test]
async fn failed_rows_are_listed_by_page_and_found_by_what_they_say() {
    let (_directory, store) = store().await;
    let rows = (1..=120).map(|row| FailedRow {
        sku: format!("S-{row}"),
        ..failed(row)
    });
    let all = rows_of(ImportMode::Import, Vec::new(), rows.collect(), 120);
    assert!(commit(&store, 0, all).await);
    let last = store.list_monitor_failed_rows("a", "", 9).await.unwrap();
    assert_eq!((last.page, last.pages, last.total), (3, 3, 120));
    assert_eq!(last.rows.len(), 20);
    assert_eq!(last.rows[0].cells, ["bad", ""]);
    let found = store
        .list_monitor_failed_rows("a", "s-11", 1)
        .await
        .unwrap();
    assert_eq!(found.total, 11);
    let found = store
        .list_monitor_failed_rows("a", "PRICE is", 1)
        .await
        .unwrap();
    assert_eq!(found.total, 120);
    let after = store.monitor_failed_rows_after("a", 100, 5).await.unwrap();
    assert_eq!(
        after.iter().map(|row| row.row).collect::<Vec<_>>(),
        [101, 102, 103, 104, 105]
    );
}

#[tokio::test]
async fn a_check_counts_what_an_import_would_do() {
    let (_directory, store) = store().await;
    assert!(commit(&store, 0, batch(10)).await);
    let mut changed = product(10);
    changed.product.stock = Some(1);
    let again = ProductRow {
        is_repeat: true,
        ..product(30)
    };
    let products = vec![product(10), changed, product(20), product(20), again];
    let check = rows_of(ImportMode::Check, products, Vec::new(), 4);
    let would = store.check_monitor_batch(&check).await.unwrap();
    let expected = Written {
        added: 1,
        updated: 1,
        replaced: 3,
        ..Written::default()
    };
    assert_eq!(would.written, expected);
    assert_eq!(store.list_products("", 1).await.unwrap().total, 1);
}

#[tokio::test]
async fn notes_are_listed_by_kind_and_go_with_their_import() {
    let (_directory, store) = store().await;
    let kind = BatchKind::sqlite(ImportMode::Import);
    let notes = (1..=60).flat_map(|row| [warning(row, 0), warning(row, 1)]);
    let mut tally = Tally {
        rows_read: 60,
        warnings: 120,
        ..Tally::default()
    };
    tally.passed_over.add("image");
    let notes = notes.collect::<Vec<_>>();
    let noted = ImportBatch::new(kind, Vec::new(), Vec::new(), notes, tally.clone(), 60);
    assert!(commit(&store, 0, noted).await);
    assert_eq!(
        store.monitor_import("a").await.unwrap().unwrap().tally,
        tally
    );
    let list = async |search: &str, page| {
        let list = store.list_row_notes("a", NoteKind::Warning, search, page);
        list.await.unwrap()
    };
    let last = list("", 9).await;
    assert_eq!((last.page, last.pages, last.total), (3, 3, 120));
    assert_eq!(last.notes[19], warning(60, 1));
    assert_eq!(list("s-6", 1).await.total, 4);
    let none = store.list_row_notes("a", NoteKind::Replaced, "", 1).await;
    assert_eq!(none.unwrap().total, 0);
    let after = store.row_notes_after("a", NoteKind::Warning, (59, 0), 2);
    assert_eq!(after.await.unwrap(), [warning(59, 1), warning(60, 0)]);
    store
        .finish_monitor_import("a", ImportStatus::Error, None, None)
        .await
        .unwrap();
    store.remove_monitor_import("a").await.unwrap().unwrap();
    while store.remove_import_rows(None).await.unwrap() > 0 {}
    assert_eq!(list("", 1).await.total, 0);
}

#[test]
fn what_does_not_add_up_is_said() {
    let mut tally = Tally {
        rows_read: 4,
        ..Tally::default()
    };
    tally.passed_over.add("image");
    let sound = MonitorImport {
        progress: ImportProgress {
            processed_products: 2,
            failed_products: 1,
            total_products: 3,
        },
        written: Written {
            added: 1,
            replaced: 1,
            ..Written::default()
        },
        tally,
        ..MonitorImport::default()
    };
    assert_eq!(sound.mismatch(), None);
    let mut counted_more = sound.clone();
    counted_more.progress.total_products = 4;
    assert_eq!(counted_more.mismatch(), None);
    let mut lost = sound.clone();
    lost.progress.total_products = 10;
    let (contained, done) = (10, 3);
    assert_eq!(
        lost.mismatch(),
        Some(ErrorCode::MiscountedFile { contained, done })
    );
    let mut lost = sound.clone();
    lost.tally.rows_read = 5;
    assert_eq!(lost.mismatch().unwrap().code(), "miscounted-rows");
    let mut lost = sound;
    lost.written.added = 0;
    assert_eq!(lost.mismatch().unwrap().code(), "miscounted-products");
}

#[tokio::test]
async fn what_was_said_of_a_file_of_a_source_is_remembered_for_that_source_first() {
    let (_directory, store) = store().await;
    let remembered = async |source| store.remembered_mapping(source, "h").await.unwrap();
    let [one, two] = [Some("one"), Some("two")];
    store.remember_mapping(one, "h", "of one").await.unwrap();
    assert_eq!(remembered(one).await.as_deref(), Some("of one"));
    // Without a mapping of its own, this is better than asking.
    assert_eq!(remembered(two).await.as_deref(), Some("of one"));
    store.remember_mapping(two, "h", "of two").await.unwrap();
    assert_eq!(remembered(one).await.as_deref(), Some("of one"));
    assert_eq!(remembered(two).await.as_deref(), Some("of two"));
    assert_eq!(remembered(None).await.as_deref(), Some("of one"));
    store.remember_mapping(None, "h", "of any").await.unwrap();
    assert_eq!(remembered(None).await.as_deref(), Some("of any"));
    assert_eq!(remembered(one).await.as_deref(), Some("of one"));
}

#[tokio::test]
async fn what_was_said_of_a_file_is_remembered_for_its_header() {
    let (_directory, store) = store().await;
    store.remember_mapping(None, "h", "1").await.unwrap();
    store.remember_mapping(None, "h", "2").await.unwrap();
    let remembered = store.remembered_mapping(None, "h").await.unwrap();
    assert_eq!(remembered.as_deref(), Some("2"));
    assert_eq!(store.remembered_mapping(None, "g").await.unwrap(), None);
}

#[tokio::test]
async fn an_import_that_waits_for_an_answer_is_not_run_and_can_be_removed() {
    let (_directory, store) = store().await;
    let asked = store.ask_monitor_import("a", Question::Columns);
    let asked = asked.await.unwrap().unwrap();
    assert_eq!(
        (asked.needs, asked.status),
        (Some(Question::Columns), ImportStatus::Pending)
    );
    assert_eq!(store.begin_monitor_import("a").await.unwrap(), None);
    assert!(store.unfinished_monitor_imports().await.unwrap().is_empty());
    let waiting = async |before| {
        store
            .unanswered_monitor_imports(before)
            .await
            .unwrap()
            .len()
    };
    assert_eq!((waiting(now() + 1).await, waiting(0).await), (1, 0));

    assert!(store.answer_monitor_import("a", "{}").await.unwrap());
    assert!(!store.answer_monitor_import("a", "{}").await.unwrap());
    let begun = store.begin_monitor_import("a").await.unwrap().unwrap();
    assert_eq!((begun.needs, begun.mapping.as_deref()), (None, Some("{}")));
    assert_eq!(store.remove_monitor_import("a").await.unwrap(), None);

    let question = Question::DecimalMark;
    store.ask_monitor_import("a", question).await.unwrap();
    assert!(store.remove_monitor_import("a").await.unwrap().is_some());
    assert_eq!(store.ask_monitor_import("a", question).await.unwrap(), None);
}

#[tokio::test]
async fn an_import_that_ends_waits_for_nothing() {
    let (_directory, store) = store().await;
    store
        .ask_monitor_import("a", Question::Sheets)
        .await
        .unwrap();
    let ended = store
        .finish_monitor_import("a", ImportStatus::Error, None, Some(Question::Sheets))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((ended.needs, ended.problem), (None, Some(Question::Sheets)));
    assert!(!store.answer_monitor_import("a", "{}").await.unwrap());
}
