use super::*;
use crate::{
    model::{
        changes::{ChangeKind, ChangesFilter, Field, Percent, ProductChange},
        job::{ImportMode, ImportStatus},
    },
    server::store::{
        bulk::BulkTransaction,
        monitor_imports::NewImport,
        products::{NewProduct, ProductRow, Upsert},
        test_database::{TestDatabase, product},
    },
};

async fn import(store: &Store, id: &str, products: &[NewProduct]) {
    import_as(ImportMode::Import, store, id, products).await;
}

/// Writes products as an import, one row each.
pub(in crate::server::store) async fn import_as(
    mode: ImportMode,
    store: &Store,
    id: &str,
    products: &[NewProduct],
) {
    let new = NewImport {
        id: id.to_owned(),
        filename: format!("{id}.csv"),
        mode,
        ..NewImport::default()
    };
    store.add_monitor_import(new).await.unwrap();
    let number = store.number_import(id).await.unwrap();
    assert_eq!(store.number_import(id).await.unwrap(), number);
    let rows = (1..).zip(products).map(|(row, product)| ProductRow {
        product: product.clone(),
        row,
        ..ProductRow::default()
    });
    let mut transaction = BulkTransaction::begin(store).await.unwrap();
    let now = crate::server::store::now();
    let upsert = Upsert::new(rows.collect(), transaction.backend(), now, Some(number));
    upsert.write(&mut transaction).await.unwrap();
    transaction.commit().await.unwrap();
    store
        .finish_monitor_import(id, ImportStatus::Success, None, None)
        .await
        .unwrap();
}

async fn list(store: &Store, id: &str, filter: &ChangesFilter) -> Vec<ProductChange> {
    store.changes_after(id, filter, 0, 50).await.unwrap().items
}

async fn all(store: &Store, id: &str) -> Vec<ProductChange> {
    list(store, id, &ChangesFilter::default()).await
}

/// Formats changes as `sku kind field:old>new …`.
fn said(changes: &[ProductChange]) -> Vec<String> {
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let one = |change: &ProductChange| {
        let mut said = format!("{} {}", change.identity, change.kind.as_str());
        for field in &change.fields {
            let (old, new) = (text(&field.old), text(&field.new));
            said.push_str(&format!(" {}:{old}>{new}", field.field.as_str()));
        }
        said
    };
    changes.iter().map(one).collect()
}

#[tokio::test]
async fn an_import_says_which_values_of_which_products_it_changed() {
    let (_directory, store) = TestDatabase::opened().await;
    let first = [
        product("1", "One", "10.00"),
        product("2", "Two", ""),
        product("3", "Three", "3"),
    ];
    import(&store, "a", &first).await;
    let second = [
        NewProduct {
            stock: Some(7),
            ..product("2", "Two", "2")
        },
        product("1", "One", "7"),
        // The same price with other zeros.
        product("3", "Three", "3.00"),
        product("4", "Four", "4"),
    ];
    import(&store, "b", &second).await;
    assert_eq!(
        said(&all(&store, "a").await),
        [
            "sku:1 added sku:->1 name:->One price:->10.00",
            "sku:2 added sku:->2 name:->Two",
            "sku:3 added sku:->3 name:->Three price:->3",
        ]
    );
    let changes = all(&store, "b").await;
    assert_eq!(
        said(&changes),
        [
            "sku:2 updated price:->2 stock:->7",
            "sku:1 updated price:10.00>7",
            "sku:4 added sku:->4 name:->Four price:->4",
        ]
    );
    assert_eq!(changes[0].price_change, None);
    assert_eq!((changes[1].price_change, changes[1].row), (Some(-3000), 2));
    assert_eq!(changes[1].name.as_deref(), Some("One"));
    assert!(all(&store, "c").await.is_empty());
    assert!(store.has_changes("b").await.unwrap());
    assert!(!store.has_changes("c").await.unwrap());
}

#[tokio::test]
async fn a_change_says_the_currency_of_its_prices() {
    let (_directory, store) = TestDatabase::opened().await;
    let of = |price: &str, currency: &str| NewProduct {
        currency: Some(currency.to_owned()),
        ..product("1", "One", price)
    };
    import(&store, "a", &[of("10", "EUR")]).await;
    import(&store, "b", &[of("9", "EUR")]).await;
    import(&store, "c", &[of("11", "USD")]).await;
    let added = &all(&store, "a").await[0];
    assert_eq!(added.currencies(), [None, Some("EUR")]);
    let changed = &all(&store, "c").await[0];
    assert_eq!(changed.currencies(), [Some("EUR"), Some("USD")]);
    import(&store, "d", &[of("12", "USD")]).await;
    let updated = &all(&store, "d").await[0];
    assert_eq!(updated.currencies(), [Some("USD"); 2]);
    let (history, _) = store.product_history("sku:1", None, 9).await.unwrap();
    let history: Vec<_> = history.iter().map(|it| it.change.currencies()[1]).collect();
    let [usd, eur] = [Some("USD"), Some("EUR")];
    assert_eq!(history, [usd, usd, eur, eur]);
}

#[tokio::test]
async fn changes_are_filtered_and_paged() {
    let (_directory, store) = TestDatabase::opened().await;
    let price = |price: fn(u32) -> String| {
        let products = (0..120).map(move |n| product(&n.to_string(), "One", &price(n)));
        products.collect::<Vec<_>>()
    };
    import(&store, "a", &price(|_| "100".to_owned())).await;
    import(&store, "b", &price(|n| n.to_string())).await;
    let filtered = async |filter: ChangesFilter| {
        let mut rows = Vec::new();
        let mut after = Some(0);
        while let Some(place) = after {
            let page = store.changes_after("b", &filter, place, 7).await.unwrap();
            assert!(page.items.len() <= 7);
            rows.extend(page.items.into_iter().map(|change| change.row));
            after = page.next;
        }
        rows
    };
    let any = ChangesFilter::default();
    // One price is unchanged.
    assert_eq!(filtered(any.clone()).await.len(), 119);
    let percent = |text: &str| text.parse::<Percent>().ok();
    let down = ChangesFilter {
        price_down: percent("90"),
        ..any.clone()
    };
    assert_eq!(filtered(down).await, (1..=10).collect::<Vec<_>>());
    let either = ChangesFilter {
        price_down: percent("98.5"),
        price_up: percent("18"),
        ..any.clone()
    };
    assert_eq!(filtered(either).await, [1, 2, 120]);
    let of = |kind, field| ChangesFilter {
        kind,
        field,
        ..any.clone()
    };
    assert_eq!(filtered(of(Some(ChangeKind::Added), None)).await.len(), 0);
    assert_eq!(filtered(of(None, Some(Field::Price))).await.len(), 119);
    assert_eq!(filtered(of(None, Some(Field::Name))).await.len(), 0);
    let search = |search: &str| ChangesFilter {
        search: search.to_owned(),
        ..any.clone()
    };
    assert_eq!(
        filtered(search("sku:7")).await,
        [8, 71, 72, 73, 74, 75, 76, 77, 78, 79, 80]
    );
    assert_eq!(filtered(search("nothing")).await.len(), 0);
}

#[tokio::test]
async fn a_product_has_a_history_however_it_goes_on() {
    let (_directory, store) = TestDatabase::opened().await;
    for (id, price) in [("a", "1"), ("b", "2"), ("c", "2"), ("d", "3")] {
        import(&store, id, &[product("1", "One", price)]).await;
    }
    // Initial values are known despite a later change.
    assert_eq!(
        said(&all(&store, "a").await),
        ["sku:1 added sku:->1 name:->One price:->1"]
    );
    let (entries, next) = store.product_history("sku:1", None, 2).await.unwrap();
    let told: Vec<_> = entries
        .iter()
        .map(|entry| entry.filename.as_deref())
        .collect();
    assert_eq!(told, [Some("d.csv"), Some("b.csv")]);
    let (older, next) = store.product_history("sku:1", next, 2).await.unwrap();
    assert_eq!((older.len(), next), (1, None));
    assert_eq!(older[0].change.kind, ChangeKind::Added);

    // The history survives the import's deletion.
    store.remove_monitor_import("b").await.unwrap().unwrap();
    while store.remove_import_rows(None).await.unwrap() > 0 {}
    let (entries, _) = store.product_history("sku:1", None, 9).await.unwrap();
    let told: Vec<_> = entries
        .iter()
        .map(|entry| entry.import.as_deref())
        .collect();
    assert_eq!(told, [Some("d"), None, Some("a")]);
    assert_eq!(store.product_history("sku:2", None, 9).await.unwrap().0, []);
}

#[tokio::test]
async fn changes_are_kept_as_long_as_is_set() {
    let (_directory, store) = TestDatabase::opened().await;
    let products: Vec<_> = (0..1_500)
        .map(|n| product(&n.to_string(), "One", "1"))
        .collect();
    import(&store, "a", &products).await;
    let before = crate::server::store::now() + 1;
    assert_eq!(store.remove_changes(0).await.unwrap(), 0);
    let mut slices = Vec::new();
    loop {
        match store.remove_changes(before).await.unwrap() {
            0 => break,
            removed => slices.push(removed),
        }
    }
    assert_eq!(slices, [1_000, 500, 1]);
    assert!(!store.has_changes("a").await.unwrap());
    assert_eq!(store.list_products("", 1).await.unwrap().total, 1_500);
    // Numbers are not reused.
    let (one, two) = (
        store.number_import("a").await.unwrap(),
        store.number_import("b").await.unwrap(),
    );
    assert!(one.0 == 2 && two.0 > one.0, "{one:?} {two:?}");
}

#[tokio::test]
async fn changes_of_an_import_that_is_not_over_are_kept() {
    let (_directory, store) = TestDatabase::opened().await;
    let new = NewImport {
        id: "a".to_owned(),
        ..NewImport::default()
    };
    store.add_monitor_import(new).await.unwrap();
    store.number_import("a").await.unwrap();
    assert_eq!(store.remove_changes(i64::MAX).await.unwrap(), 0);
}
