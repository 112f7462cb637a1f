//! Changes of all imports, newest import first.

use std::time::Instant;

use super::{
    ImportNumber, PATIENCE, ROW_BITS, WINDOW,
    listing::conditions,
    noted::{Noted, columns},
};
use crate::{
    model::{
        changes::{ChangesFilter, HistoryEntry},
        job::ImportMode,
    },
    server::store::{Store, StoreError, retention::REMOVED},
};

impl Store {
    /// Lists up to `limit` changes of all imports that are not deleted, before a position: newest import first, last row
    /// first. Returns them and where to continue. A page may have fewer if finding them takes long. Times out.
    pub(crate) async fn all_changes(
        &self,
        filter: &ChangesFilter,
        before: Option<i64>,
        limit: u64,
    ) -> Result<(Vec<HistoryEntry>, Option<i64>), StoreError> {
        let conditions = conditions(filter);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut before = before.unwrap_or(i64::MAX);
        let mut found: Vec<Noted> = Vec::new();
        let began = Instant::now();
        let mut next = None;
        while let Some(number) = self.import_before(before).await? {
            let first = number.change(0);
            let highest = "SELECT max(id) FROM product_changes WHERE id > $1 AND id < $2";
            let within = [first.into(), before.min(number.last() + 1).into()];
            let highest = self.search_one(highest, within).await?;
            let highest: Option<i64> = match highest {
                Some(row) => row.try_get_by_index(0)?,
                None => None,
            };
            before = highest.unwrap_or(first) + 1;
            while before > first + 1 && found.len() <= limit && began.elapsed() <= PATIENCE {
                let from = if conditions.is_empty() {
                    first
                } else {
                    first.max(before - WINDOW)
                };
                let missing = limit + 1 - found.len();
                let sql = format!(
                    "SELECT {} FROM product_changes AS c LEFT JOIN products AS p ON p.identity = c.identity \
                     WHERE c.id > $1 AND c.id < $2{conditions} ORDER BY c.id DESC LIMIT {missing}",
                    columns()
                );
                found.extend(self.noted(&sql, [from.into(), before.into()]).await?);
                before = from + 1;
            }
            if found.len() > limit {
                found.truncate(limit);
                next = found.last().map(|one| one.id);
                break;
            }
            if began.elapsed() > PATIENCE {
                next = Some(before);
                break;
            }
        }
        Ok((self.entries(found).await?, next))
    }

    /// Finds the previous import with changes that is neither a check nor deleted.
    async fn import_before(&self, before: i64) -> Result<Option<ImportNumber>, StoreError> {
        let sql = format!(
            "SELECT n.number FROM import_numbers AS n JOIN monitor_imports AS m ON m.id = n.import_id \
             WHERE n.number <= $1 AND m.mode <> $2 AND m.status <> '{REMOVED}' \
             ORDER BY n.number DESC LIMIT 1"
        );
        let newest = before.saturating_sub(2) >> ROW_BITS;
        let values = [newest.into(), ImportMode::Check.as_str().into()];
        let row = self.search_one(&sql, values).await?;
        let number = row.map(|row| row.try_get_by_index(0)).transpose()?;
        Ok(number.map(ImportNumber))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{
            changes::ChangeKind,
            job::{ImportMode, Question},
        },
        server::store::{
            changes::{Values, tests::import_as},
            monitor_imports::NewImport,
            preview::{Preview, preview_of},
            test_database::{TestDatabase, product},
        },
    };

    async fn import(store: &Store, id: &str, mode: ImportMode, skus: &[&str], price: &str) {
        let products: Vec<_> = skus.iter().map(|sku| product(sku, sku, price)).collect();
        import_as(mode, store, id, &products).await;
    }

    async fn all(store: &Store, filter: &ChangesFilter, limit: u64) -> Vec<(String, String)> {
        let (mut read, mut before) = (Vec::new(), None);
        loop {
            let page = store.all_changes(filter, before, limit).await.unwrap();
            let (entries, next) = page;
            assert!(entries.len() as u64 <= limit);
            let entries = entries.into_iter();
            read.extend(entries.map(|it| (it.import.unwrap(), it.change.identity)));
            before = next;
            if before.is_none() {
                return read;
            }
        }
    }

    #[tokio::test]
    async fn changes_of_all_imports_are_paged_newest_first_without_checks_and_deleted_ones() {
        let (_database, store) = TestDatabase::opened().await;
        let every = ChangesFilter::default();
        assert!(all(&store, &every, 2).await.is_empty());
        import(&store, "one", ImportMode::Import, &["a", "b", "c"], "1").await;
        import(&store, "check", ImportMode::Check, &["a"], "3").await;
        import(&store, "gone", ImportMode::Import, &["b"], "4").await;
        import(&store, "two", ImportMode::Import, &["c", "a", "d"], "2").await;
        store.remove_monitor_import("gone").await.unwrap().unwrap();
        // The preview of an import that waits for approval is not a change.
        let new = NewImport {
            id: "waits".to_owned(),
            ..NewImport::default()
        };
        store.add_monitor_import(new).await.unwrap();
        let asked = store.ask_monitor_import("waits", Question::Approval);
        asked.await.unwrap().unwrap();
        let number = store.begin_preview("waits").await.unwrap();
        let preview = Preview {
            row: 1,
            identity: "sku:e".to_owned(),
            previous: 0,
            before: None,
            after: Some(Values::default()),
        };
        let previews = [preview];
        for _ in 0..2 {
            store.note_previews(Some(number), &previews).await.unwrap();
        }
        assert!(store.has_changes(&preview_of("waits")).await.unwrap());
        let expected = [
            ("two", "sku:d"),
            ("two", "sku:a"),
            ("two", "sku:c"),
            ("one", "sku:c"),
            ("one", "sku:b"),
            ("one", "sku:a"),
        ];
        let expected = expected.map(|(import, id)| (import.to_owned(), id.to_owned()));
        for limit in [1, 2, 3, 6, 50] {
            assert_eq!(all(&store, &every, limit).await, expected, "{limit}");
        }
        let updated = ChangesFilter {
            kind: Some(ChangeKind::Updated),
            ..ChangesFilter::default()
        };
        for limit in [1, 50] {
            assert_eq!(all(&store, &updated, limit).await, expected[1..3]);
        }
        // A preview is deleted once no import waits for it.
        assert_eq!(store.remove_previews().await.unwrap(), 0);
        store.remove_monitor_import("waits").await.unwrap().unwrap();
        assert_eq!(store.remove_previews().await.unwrap(), 1);
        assert_eq!(store.remove_previews().await.unwrap(), 0);
        assert!(!store.has_changes(&preview_of("waits")).await.unwrap());
    }
}
