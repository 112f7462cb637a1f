//! Writes products in bulk.

use std::{collections::HashSet, sync::Arc};

use sea_orm::DatabaseBackend;
use sqlx::sqlite::SqliteArguments;

use super::{
    DistinctRows, FieldMask, NewProduct, ProductRow, RUN, Written,
    conflict::{Conflict, sql},
    fields::WRITTEN,
};
use crate::{
    model::{import_options::ChosenFields, job::UnixMillis},
    server::store::{
        StoreError,
        added::AddedFromHere,
        bulk::{Bound, BulkTransaction, sqlite_arguments},
        changes::ImportNumber,
        from_db,
    },
};

/// Prepared statements for writing products.
#[derive(Clone, Debug, Default)]
pub(in crate::server::store) struct Upsert {
    runs: Vec<Run>,
    /// The products of all runs in PostgreSQL's COPY format, with the run number if there are several.
    copied: Vec<u8>,
    replaced: u64,
    /// Which values of existing products are overwritten.
    only: ChosenFields,
    /// Whether values are written exactly, including trailing zeros of prices.
    is_exact: bool,
}

/// A product, and the ID of its change; 0 if changes are not recorded.
struct Changed {
    product: NewProduct,
    change: i64,
    created_at: UnixMillis,
}

/// Products of one statement, which set the same values.
#[derive(Clone, Debug)]
struct Run {
    rows: usize,
    mask: FieldMask,
    is_repeat: bool,
    values: Option<SqliteArguments>,
}

impl Upsert {
    /// Splits products into runs: a statement must not touch a row twice, and leaves the same values unchanged in all
    /// its rows. Runs are sorted, because concurrent imports must lock rows in one order.
    pub(in crate::server::store) fn new(
        rows: Vec<ProductRow>,
        backend: DatabaseBackend,
        now: UnixMillis,
        number: Option<ImportNumber>,
    ) -> Self {
        Self::of_fields(rows, backend, now, number, ChosenFields::ALL)
    }

    /// Like [`new`](Self::new), with only these values of existing products.
    pub(in crate::server::store) fn of_fields(
        rows: Vec<ProductRow>,
        backend: DatabaseBackend,
        now: UnixMillis,
        number: Option<ImportNumber>,
        only: ChosenFields,
    ) -> Self {
        let DistinctRows { rows, replaced } = DistinctRows::new(rows, only);
        let mut kinds: Vec<((FieldMask, bool), Vec<Changed>)> = Vec::new();
        for row in rows {
            let kind = (row.mask, row.is_repeat);
            let changed = Changed {
                change: number.map_or(0, |number| number.change(row.row)),
                created_at: row.created_at.unwrap_or(now),
                product: row.product,
            };
            match kinds.iter_mut().find(|(other, _)| *other == kind) {
                Some((_, products)) => products.push(changed),
                None => kinds.push((kind, vec![changed])),
            }
        }
        let mut upsert = Self {
            replaced,
            only,
            ..Self::default()
        };
        let has_several = kinds.len() > 1;
        for ((mask, is_repeat), products) in kinds {
            let run = |rows, values| Run {
                rows,
                mask,
                is_repeat,
                values,
            };
            if backend == DatabaseBackend::Postgres {
                let number = has_several.then_some(upsert.runs.len());
                for product in &products {
                    copied(&mut upsert.copied, number, product, now);
                }
                upsert.runs.push(run(products.len(), None));
                continue;
            }
            let mut products = products.into_iter().peekable();
            while products.peek().is_some() {
                let (rows, values) = bound(products.by_ref().take(RUN), now);
                upsert.runs.push(run(rows, Some(values)));
            }
        }
        upsert
    }

    /// Writes values exactly, including trailing zeros of prices.
    pub(in crate::server::store) fn exactly(self) -> Self {
        Self {
            is_exact: true,
            ..self
        }
    }

    /// Writes products. An unchanged product keeps its `updated_at`. Repeatable after an error.
    ///
    /// SQLite inserts new products first; if some existed, a second statement updates the changed ones, so that the
    /// database counts both. PostgreSQL reports for each row whether it is new.
    pub(in crate::server::store) async fn write(
        &self,
        db: &mut BulkTransaction,
    ) -> Result<Written, StoreError> {
        let mut written = Written {
            replaced: self.replaced,
            ..Written::default()
        };
        if let Some(added) = self.add_straight(db).await? {
            written.added = added;
            return Ok(written);
        }
        let from_here = AddedFromHere::mark(db).await?;
        if !self.copied.is_empty() {
            self.copy_in(db).await?;
        }
        for (number, run) in self.runs.iter().enumerate() {
            let all = run.rows as u64;
            let replace = self.replacing(run);
            if run.is_repeat {
                run.execute(db, number, replace).await?;
                written.replaced += all;
                continue;
            }
            let (added, updated) = run.write(db, number, replace).await?;
            written.added += added;
            written.updated += updated;
            written.unchanged += all.saturating_sub(added + updated);
        }
        from_here.note(db).await?;
        db.expect_new(written.added > 0 && written.updated + written.unchanged == 0);
        Ok(written)
    }

    fn replacing(&self, run: &Run) -> Conflict {
        match self.is_exact {
            true => Conflict::Restore,
            false => Conflict::Replace(run.mask, self.only),
        }
    }

    /// Inserts products that do not exist. Returns their identities. Repeatable after an error.
    pub(in crate::server::store) async fn add(
        &self,
        db: &mut BulkTransaction,
    ) -> Result<HashSet<String>, StoreError> {
        let from_here = AddedFromHere::mark(db).await?;
        if !self.copied.is_empty() {
            self.copy_in(db).await?;
        }
        let mut added = HashSet::new();
        for (number, run) in self.runs.iter().enumerate() {
            let (sql, values) = run.statement(db.backend(), number, Conflict::Keep);
            let sql = format!("{sql} RETURNING identity");
            for row in db.fetch_bound(sql.into(), values).await? {
                added.insert(row.try_get_by_index(0)?);
            }
        }
        from_here.note(db).await?;
        Ok(added)
    }

    /// Updates existing products. Repeatable after an error.
    pub(in crate::server::store) async fn update(
        &self,
        db: &mut BulkTransaction,
    ) -> Result<Written, StoreError> {
        let mut written = Written {
            replaced: self.replaced,
            ..Written::default()
        };
        if !self.copied.is_empty() {
            self.copy_in(db).await?;
        }
        for (number, run) in self.runs.iter().enumerate() {
            let all = run.rows as u64;
            let updated = run.execute(db, number, self.replacing(run)).await?;
            if run.is_repeat {
                written.replaced += all;
            } else {
                written.updated += updated;
                written.unchanged += all.saturating_sub(updated);
            }
        }
        Ok(written)
    }

    /// Copies products directly into PostgreSQL's table, in half the time, if the previous batch had only new ones.
    /// `None`, without changes, if some exist.
    async fn add_straight(&self, db: &mut BulkTransaction) -> Result<Option<u64>, StoreError> {
        let [run] = self.runs.as_slice() else {
            return Ok(None);
        };
        let is_plain = !self.copied.is_empty() && !run.is_repeat && !self.is_exact;
        if !is_plain || !db.expects_new() {
            return Ok(None);
        }
        let copy = format!("COPY products ({}) FROM STDIN", WRITTEN.join(", "));
        let added = db.copy_in_unless_there(&copy, &self.copied).await?;
        Ok(added.then_some(run.rows as u64))
    }

    /// Copies products into a temporary table, which is emptied at the end of the transaction.
    async fn copy_in(&self, db: &mut BulkTransaction) -> Result<(), StoreError> {
        if !db.has_table("pg_temp.staged_products").await? {
            let make = format!(
                "CREATE TEMPORARY TABLE staged_products ON COMMIT DELETE ROWS AS \
                 SELECT 0 AS run, {} FROM products LIMIT 0",
                WRITTEN.join(", ")
            );
            db.execute_bound(make.into(), Bound::none(db.backend()))
                .await?;
            let first = "ALTER TABLE staged_products ALTER run SET DEFAULT 0";
            db.execute_bound(first.into(), Bound::none(db.backend()))
                .await?;
        }
        let run = if self.runs.len() > 1 { "run, " } else { "" };
        let copy = format!(
            "COPY staged_products ({run}{}) FROM STDIN",
            WRITTEN.join(", ")
        );
        db.copy_in(&copy, &self.copied).await
    }
}

impl Run {
    /// Writes distinct products. Returns the numbers of added and updated ones.
    async fn write(
        &self,
        db: &mut BulkTransaction,
        number: usize,
        replace: Conflict,
    ) -> Result<(u64, u64), StoreError> {
        if self.values.is_some() {
            let added = self.execute(db, number, Conflict::Keep).await?;
            let is_all = added == self.rows as u64;
            let updated = match is_all {
                true => 0,
                false => self.execute(db, number, replace).await?,
            };
            return Ok((added, updated));
        }
        // The transaction locks an existing row before it writes the new version.
        let counted = format!(
            "WITH written AS ({} RETURNING xmax = 0 AS is_new) \
             SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new) FROM written",
            staged(number, replace)
        );
        let rows = db.fetch(&counted, Vec::new()).await?;
        let count = |index| -> Result<u64, StoreError> {
            let count: Option<i64> = match rows.first() {
                Some(row) => row.try_get_by_index(index)?,
                None => None,
            };
            Ok(from_db(count.unwrap_or_default()))
        };
        Ok((count(0)?, count(1)?))
    }

    async fn execute(
        &self,
        db: &mut BulkTransaction,
        number: usize,
        conflict: Conflict,
    ) -> Result<u64, StoreError> {
        let (sql, values) = self.statement(db.backend(), number, conflict);
        db.execute_bound(sql, values).await
    }

    fn statement(
        &self,
        backend: DatabaseBackend,
        number: usize,
        conflict: Conflict,
    ) -> (Arc<str>, Bound) {
        match &self.values {
            Some(values) => (sql(self.rows, conflict), Bound::Sqlite(values.clone())),
            None => {
                let from = staged(number, conflict);
                (from.into(), Bound::none(backend))
            }
        }
    }
}

/// Returns PostgreSQL's statement for a run.
fn staged(number: usize, conflict: Conflict) -> String {
    let columns = WRITTEN.join(", ");
    format!(
        "INSERT INTO products ({columns}) SELECT {columns} FROM staged_products \
         WHERE run = {number} ORDER BY identity {}",
        conflict.clause()
    )
}

fn bound(products: impl Iterator<Item = Changed>, now: UnixMillis) -> (usize, SqliteArguments) {
    let mut values = Vec::with_capacity(RUN * WRITTEN.len());
    for changed in products {
        let Changed {
            product,
            change,
            created_at,
        } = changed;
        let search_text = product.search_text();
        values.extend(product.parameters());
        values.extend([
            search_text.into(),
            created_at.into(),
            now.into(),
            change.into(),
        ]);
    }
    let rows = values.len() / WRITTEN.len();
    (rows, sqlite_arguments(values))
}

/// Appends a line of PostgreSQL's COPY format, starting with the run number if given.
fn copied(lines: &mut Vec<u8>, run: Option<usize>, changed: &Changed, now: UnixMillis) {
    let Changed {
        product,
        change,
        created_at,
    } = changed;
    let stock = product.stock.map(|stock| stock.to_string());
    if let Some(run) = run {
        lines.extend_from_slice(run.to_string().as_bytes());
        lines.push(b'\t');
    }
    let [created_at, now, change] = [*created_at, now, *change].map(|number| number.to_string());
    let search_text = product.search_text();
    let own = [&search_text, &created_at, &now, &change].map(|cell| Some(cell.as_str()));
    let cells = product.cells(stock.as_deref()).into_iter().chain(own);
    for (column, cell) in cells.enumerate() {
        if column > 0 {
            lines.push(b'\t');
        }
        let Some(cell) = cell else {
            lines.extend_from_slice(b"\\N");
            continue;
        };
        for byte in cell.bytes() {
            match byte {
                b'\\' => lines.extend_from_slice(b"\\\\"),
                b'\t' => lines.extend_from_slice(b"\\t"),
                b'\n' => lines.extend_from_slice(b"\\n"),
                b'\r' => lines.extend_from_slice(b"\\r"),
                byte => lines.push(byte),
            }
        }
    }
    lines.push(b'\n');
}
