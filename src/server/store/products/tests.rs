use sea_orm::DatabaseBackend;

use super::*;
use crate::{
    model::{changes::Field, import_options::ChosenFields, job::UnixMillis},
    server::store::{
        bulk::BulkTransaction,
        test_database::{TestDatabase, product},
    },
};

async fn upsert(store: &Store, products: &[NewProduct], now: UnixMillis) -> Written {
    upsert_masked(store, products, FieldMask::ALL, now).await
}

async fn upsert_masked(
    store: &Store,
    products: &[NewProduct],
    mask: FieldMask,
    now: UnixMillis,
) -> Written {
    let mut transaction = BulkTransaction::begin(store).await.unwrap();
    let rows = products.iter().map(|product| ProductRow {
        product: product.clone(),
        mask,
        ..ProductRow::default()
    });
    let upsert = Upsert::new(rows.collect(), transaction.backend(), now, None);
    let written = upsert.write(&mut transaction).await.unwrap();
    transaction.commit().await.unwrap();
    written
}

async fn names(store: &Store, search: &str) -> Vec<String> {
    let page = store.list_products(search, 1).await.unwrap();
    page.items.into_iter().map(|product| product.name).collect()
}

#[tokio::test]
async fn a_search_takes_wildcards_literally_and_any_case() {
    let (_directory, store) = TestDatabase::opened().await;
    let products = [
        product("A_1", "100% Wool", "1"),
        product("AB1", "1000 Wool", "1"),
        product("C\\D", "ÄRMEL", "1"),
    ];
    upsert(&store, &products, 1).await;
    assert_eq!(names(&store, "0% w").await, ["100% Wool"]);
    assert_eq!(names(&store, "a_1").await, ["100% Wool"]);
    assert_eq!(names(&store, "c\\d").await, ["ÄRMEL"]);
    assert_eq!(names(&store, "ärm").await, ["ÄRMEL"]);
    assert_eq!(names(&store, "SKU:AB").await, ["1000 Wool"]);
    assert_eq!(names(&store, "").await.len(), 3);
}

#[tokio::test]
async fn every_character_comes_through() {
    let (_directory, store) = TestDatabase::opened().await;
    let odd = NewProduct {
        url: Some("\\N".to_owned()),
        gtin: Some(String::new()),
        stock: Some(-1),
        ..product("a\tb", "One\\n\r\nTwo \u{1F4A1} \\.", "1")
    };
    upsert(&store, std::slice::from_ref(&odd), 1).await;
    let there = store.products_as_they_are(vec![odd.identity.clone()]).await;
    assert_eq!(there.unwrap()[&odd.identity], odd);
    let again = upsert(&store, std::slice::from_ref(&odd), 2).await;
    assert_eq!((again.added, again.unchanged), (0, 1));
}

#[tokio::test]
async fn a_page_beyond_the_ends_is_the_nearest_one() {
    let (_directory, store) = TestDatabase::opened().await;
    for search in ["\0", "a\0b", "\n½\0x"] {
        assert_eq!(store.list_products(search, 12).await.unwrap().total, 0);
    }
    let empty = store.list_products("", 7).await.unwrap();
    assert_eq!((empty.page, empty.pages, empty.total), (1, 1, 0));
    let products: Vec<_> = (0..120)
        .map(|n| product(&format!("{n:03}"), "Same name", "1"))
        .collect();
    upsert(&store, &products, 1).await;
    let first = store.list_products("", 0).await.unwrap();
    assert_eq!(
        (first.page, first.pages, first.total, first.items.len()),
        (1, 3, 120, 50)
    );
    let last = store.list_products("", u64::MAX).await.unwrap();
    assert_eq!((last.page, last.items.len()), (3, 20));
    assert_eq!(last.items[19].identity, "sku:119");
}

#[tokio::test]
async fn only_a_changed_product_gets_a_new_time() {
    let (_directory, store) = TestDatabase::opened().await;
    let before = [
        product("1", "One", "1"),
        product("2", "Two", ""),
        product("3", "3", "3"),
    ];
    upsert(&store, &before, 1).await;
    let after = [
        product("1", "One", "1"),
        product("2", "Two", "2"),
        product("3", "3", ""),
    ];
    upsert(&store, &after, 2).await;
    upsert(&store, &after, 3).await;
    let page = store.list_products("", 1).await.unwrap();
    let times: Vec<_> = page
        .items
        .iter()
        .map(|item| (item.sku.as_deref().unwrap(), item.updated_at))
        .collect();
    assert_eq!(times, [("3", 2), ("1", 1), ("2", 2)]);
}

#[tokio::test]
async fn a_price_with_other_zeros_is_the_same() {
    let (_directory, store) = TestDatabase::opened().await;
    for (before, after, is_changed) in [
        ("419", "419.00", false),
        ("419.00", "419", false),
        ("4.50", "4.5", false),
        ("100", "1", true),
        ("0.10", "0.01", true),
        ("", "0", true),
    ] {
        let [before, after] = [before, after].map(|price| NewProduct {
            sale_price: (!price.is_empty()).then(|| price.to_owned()),
            ..product("1", "One", price)
        });
        upsert(&store, std::slice::from_ref(&before), 1).await;
        let written = upsert(&store, std::slice::from_ref(&after), 2).await;
        assert_eq!(
            written.updated,
            u64::from(is_changed),
            "{before:?} {after:?}"
        );
        assert_eq!(
            after.is_like(&before, FieldMask::ALL, ChosenFields::ALL),
            !is_changed
        );
    }
}

#[tokio::test]
async fn what_a_file_says_nothing_about_stays() {
    let (_directory, store) = TestDatabase::opened().await;
    let whole = NewProduct {
        currency: Some("EUR".to_owned()),
        gtin: Some("4006381333931".to_owned()),
        stock: Some(7),
        availability: Some("in_stock".to_owned()),
        url: Some("https://shop.example/1".to_owned()),
        image: Some("https://shop.example/1.jpg".to_owned()),
        options: Some("Blue/L".to_owned()),
        ..product("1", "One", "1")
    };
    upsert(&store, std::slice::from_ref(&whole), 1).await;
    let nothing = FieldMask {
        name: false,
        sale_price: false,
        currency: false,
        gtin: false,
        stock: false,
        availability: false,
        url: false,
        image: false,
        options: false,
    };
    let dearer = [product("1", "1", "2"), product("2", "2", "2")];
    for product in &dearer {
        upsert_masked(&store, std::slice::from_ref(product), nothing, 2).await;
    }
    let identity = vec!["sku:1".to_owned()];
    let kept = NewProduct {
        price: Some("2".to_owned()),
        ..whole
    };
    let there = store.products_as_they_are(identity.clone()).await.unwrap();
    assert_eq!(there["sku:1"], kept);
    let is_like = |mask| dearer[0].is_like(&kept, mask, ChosenFields::ALL);
    assert!(is_like(nothing) && !is_like(FieldMask::ALL));
    assert_eq!(names(&store, "one").await, ["One"]);

    let again = upsert_masked(&store, &[dearer[0].clone()], nothing, 3).await;
    assert_eq!((again.updated, again.unchanged), (0, 1));
    let in_dollars = NewProduct {
        currency: Some("USD".to_owned()),
        ..dearer[0].clone()
    };
    let changed = upsert_masked(&store, &[in_dollars], nothing, 4).await;
    assert_eq!(changed.updated, 1);
    // An empty value clears the field.
    let emptied = FieldMask {
        stock: true,
        ..nothing
    };
    upsert_masked(&store, &[dearer[0].clone()], emptied, 5).await;
    let there = store.products_as_they_are(identity).await.unwrap();
    let product = &there["sku:1"];
    assert_eq!(
        (product.stock, product.currency.as_deref()),
        (None, Some("USD"))
    );
    assert_eq!(product.gtin.as_deref(), Some("4006381333931"));
}

#[tokio::test]
async fn the_last_of_several_with_one_identity_counts() {
    let (_directory, store) = TestDatabase::opened().await;
    let twice = [product("1", "Old", "1"), product("1", "New", "2")];
    upsert(&store, &twice, 1).await;
    assert_eq!(names(&store, "").await, ["New"]);
    upsert(&store, &[], 2).await;
}

#[tokio::test]
async fn what_became_of_products_is_counted_and_a_row_that_comes_again_replaces_one() {
    let (_directory, store) = TestDatabase::opened().await;
    let first = [
        product("1", "One", "1"),
        product("2", "Two", "2"),
        product("1", "One", "1"),
        product("1", "One", "3"),
    ];
    let written = upsert(&store, &first, 1).await;
    let expected = Written {
        added: 2,
        replaced: 2,
        ..Written::default()
    };
    assert_eq!(written, expected);
    let mut more: Vec<_> = (0..700)
        .map(|n| product(&n.to_string(), "One", "3"))
        .collect();
    let written = upsert(&store, &more, 2).await;
    assert_eq!(
        (written.added, written.updated, written.unchanged),
        (698, 1, 1)
    );
    more[5].stock = Some(7);
    more[6].currency = Some("EUR".to_owned());
    let written = upsert(&store, &more, 3).await;
    assert_eq!(
        (written.added, written.updated, written.unchanged),
        (0, 2, 698)
    );
}

#[tokio::test]
async fn a_batch_is_written_whether_or_not_only_new_products_were_expected() {
    let (_directory, store) = TestDatabase::opened().await;
    let is_postgres = store.db.get_database_backend() == DatabaseBackend::Postgres;
    let expects_new = || store.expects_new.load(std::sync::atomic::Ordering::Relaxed);
    let products = |numbers: std::ops::Range<u32>| -> Vec<_> {
        numbers
            .map(|n| product(&n.to_string(), "One", "1"))
            .collect()
    };
    for (numbers, added, expected_after) in [
        (0..10, 10, true),
        // Two of them exist.
        (8..20, 10, false),
        (20..30, 10, true),
        (30..40, 10, true),
        (0..40, 0, false),
    ] {
        let batch = products(numbers.clone());
        let written = upsert(&store, &batch, 1).await;
        let unchanged = batch.len() as u64 - added;
        assert_eq!(
            (written.added, written.updated, written.unchanged),
            (added, 0, unchanged),
            "{numbers:?}"
        );
        assert_eq!(expects_new(), expected_after || !is_postgres);
    }
    assert_eq!(store.list_products("", 1).await.unwrap().total, 40);
}

/// A row that sets some of a few values of one of a few products.
fn any_row() -> ProductRow {
    let mut row = ProductRow {
        product: product(&fastrand::u8(0..4).to_string(), "", "1"),
        mask: FieldMask {
            name: fastrand::bool(),
            sale_price: fastrand::bool(),
            currency: fastrand::bool(),
            gtin: fastrand::bool(),
            stock: fastrand::bool(),
            availability: fastrand::bool(),
            url: fastrand::bool(),
            image: fastrand::bool(),
            options: fastrand::bool(),
        },
        ..ProductRow::default()
    };
    let text = |text: &str| fastrand::bool().then(|| format!("{text}{}", fastrand::u8(0..2)));
    let (mask, product) = (row.mask, &mut row.product);
    product.name = if mask.name { text("n") } else { None }
        .unwrap_or_else(|| product.sku.clone().unwrap_or_default());
    product.sale_price = text("").filter(|_| mask.sale_price);
    product.currency = text("EU");
    product.gtin = text("g").filter(|_| mask.gtin);
    product.stock = mask.stock.then(|| fastrand::i64(0..2));
    product.availability = text("a").filter(|_| mask.availability);
    product.url = text("u").filter(|_| mask.url);
    product.image = text("i").filter(|_| mask.image);
    product.options = text("o").filter(|_| mask.options);
    row
}

async fn write_rows(
    store: &Store,
    rows: Vec<ProductRow>,
    now: UnixMillis,
    only: ChosenFields,
) -> Written {
    let mut transaction = BulkTransaction::begin(store).await.unwrap();
    let upsert = Upsert::of_fields(rows, transaction.backend(), now, None, only);
    let written = upsert.write(&mut transaction).await.unwrap();
    transaction.commit().await.unwrap();
    written
}

#[tokio::test]
async fn rows_written_together_leave_what_they_would_one_by_one() {
    let ids = || (0..4).map(|n| format!("sku:{n}")).collect::<Vec<_>>();
    let ((_one, together), (_two, apart)) =
        (TestDatabase::opened().await, TestDatabase::opened().await);
    for _ in 0..60 {
        for store in [&together, &apart] {
            let all = product::Entity::delete_many();
            all.exec(&store.db).await.unwrap();
        }
        for now in 1..3 {
            let chosen = Field::ALL.into_iter().filter(|_| fastrand::u8(0..4) == 0);
            let only = ChosenFields::of(chosen);
            let rows: Vec<_> = (0..fastrand::usize(1..8)).map(|_| any_row()).collect();
            let written = write_rows(&together, rows.clone(), now, only).await;
            assert_eq!(written.rows(), rows.len() as u64);
            for row in rows.clone() {
                write_rows(&apart, vec![row], now, only).await;
            }
            let there = together.products_as_they_are(ids()).await.unwrap();
            let expected = apart.products_as_they_are(ids()).await.unwrap();
            assert_eq!(there, expected, "{only} {rows:?}");
        }
    }
}
