//! The history of a product, by the change before each change.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait, Value};

use super::{
    DEPTH, ROW_BITS,
    noted::{Noted, bit, columns},
};
use crate::{
    model::{
        changes::{ChangeKind, Field, HistoryEntry, ProductChange},
        job::UnixMillis,
        product::PricePoint,
    },
    server::store::{Store, StoreError, products::Values, retention::REMOVED},
};

pub(super) enum Heads {
    /// The last changes of these products.
    Of(Vec<String>),
    /// This change.
    At(i64),
}

#[derive(Clone, Debug, Default)]
struct OfImport {
    import: Option<String>,
    filename: Option<String>,
    began_at: UnixMillis,
}

impl Store {
    /// Follows products' changes back, newest first.
    pub(super) async fn chain(&self, heads: &Heads, depth: u64) -> Result<Vec<Noted>, StoreError> {
        let mut values: Vec<Value> = Vec::new();
        let heads = match heads {
            Heads::At(id) => {
                values.push((*id).into());
                "SELECT CAST($1 AS BIGINT), 1".to_owned()
            }
            Heads::Of(identities) => {
                let mut places = Vec::with_capacity(identities.len());
                for identity in identities {
                    values.push(identity.as_str().into());
                    places.push(format!("${}", values.len()));
                }
                let places = places.join(", ");
                format!(
                    "SELECT last_change, 1 FROM products WHERE identity IN ({places}) \
                     UNION ALL SELECT max(gone.id), 1 FROM product_changes AS gone \
                     WHERE gone.kind = 2 AND gone.identity IN ({places}) AND NOT EXISTS \
                     (SELECT 1 FROM products WHERE products.identity = gone.identity) GROUP BY gone.identity"
                )
            }
        };
        let sql = format!(
            "WITH RECURSIVE chain (id, depth) AS ({heads} \
             UNION ALL SELECT c.previous, chain.depth + 1 FROM chain JOIN product_changes AS c ON c.id = chain.id \
             WHERE chain.depth < {depth}) \
             SELECT {} FROM chain JOIN product_changes AS c ON c.id = chain.id \
             LEFT JOIN products AS p ON p.identity = c.identity ORDER BY chain.depth",
            columns()
        );
        self.noted(&sql, values).await
    }

    /// Adds the initial values of added products: the current values minus later changes.
    pub(super) async fn with_values(
        &self,
        noted: Vec<Noted>,
    ) -> Result<Vec<ProductChange>, StoreError> {
        let mut noted = noted;
        let mut followed = Vec::new();
        for one in noted.iter_mut().filter(|one| one.lacks_values()) {
            match &one.now {
                Some(now) if now.last_change == one.id => one.new = now.values.clone(),
                _ => followed.push(one.identity.clone()),
            }
        }
        if !followed.is_empty() {
            let mut chains: HashMap<String, Vec<Noted>> = HashMap::new();
            for one in self.chain(&Heads::Of(followed), DEPTH).await? {
                chains.entry(one.identity.clone()).or_default().push(one);
            }
            for one in noted.iter_mut().filter(|one| one.lacks_values()) {
                if let Some(chain) = chains.get(&one.identity)
                    && let Some(values) = values_at(one, chain)
                {
                    one.new = values;
                }
            }
        }
        Ok(noted.into_iter().map(Noted::into_change).collect())
    }

    /// Lists up to `limit` changes of a product, newest first, starting at the newest or at `from`. Returns them and
    /// where to continue. Times out.
    pub async fn product_history(
        &self,
        identity: &str,
        from: Option<i64>,
        limit: u64,
    ) -> Result<(Vec<HistoryEntry>, Option<i64>), StoreError> {
        let heads = match from {
            Some(id) => Heads::At(id),
            None => Heads::Of(vec![identity.to_owned()]),
        };
        let mut noted = self.chain(&heads, limit + 1).await?;
        noted.retain(|one| one.identity == identity);
        let further = noted.get(usize::try_from(limit).unwrap_or(usize::MAX));
        let further = further.map(|one| one.id);
        noted.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let currency = Field::Currency as usize;
        let mut before = None;
        for one in &mut noted {
            if let (Some(before), Some(now)) = (&before, &mut one.now) {
                now.values[currency].clone_from(before);
            }
            if one.fields & bit(Field::Currency) != 0 {
                before = Some(one.old[currency].clone());
            }
        }
        Ok((self.entries(noted).await?, further))
    }

    /// Returns the price history of a product, oldest first, from its last thousand stored changes. Times out.
    pub async fn price_points(&self, identity: &str) -> Result<Vec<PricePoint>, StoreError> {
        let heads = Heads::Of(vec![identity.to_owned()]);
        let mut noted = self.chain(&heads, DEPTH).await?;
        noted.retain(|one| one.identity == identity);
        let imports = self.imports_of(&noted).await?;
        let price = Field::Price as usize;
        let now = noted.first().and_then(|one| one.now.as_ref());
        let mut cost = now.and_then(|now| now.values[price].clone());
        let mut points = Vec::new();
        for one in noted {
            let is_other = one.kind != ChangeKind::Updated || one.fields & bit(Field::Price) != 0;
            if !is_other {
                continue;
            }
            let of = imports.get(&(one.id >> ROW_BITS));
            if let Some(of) = of {
                let price = match one.kind {
                    ChangeKind::Removed => None,
                    ChangeKind::Added | ChangeKind::Updated => cost,
                };
                let at = of.began_at;
                points.push(PricePoint { at, price });
            }
            cost = match one.kind {
                ChangeKind::Added => None,
                ChangeKind::Updated | ChangeKind::Removed => one.old[price].clone(),
            };
        }
        points.reverse();
        points.sort_by_key(|point| point.at);
        Ok(points)
    }

    pub(super) async fn entries(&self, noted: Vec<Noted>) -> Result<Vec<HistoryEntry>, StoreError> {
        let imports = self.imports_of(&noted).await?;
        let ids: Vec<_> = noted.iter().map(|one| one.id).collect();
        let changes = self.with_values(noted).await?;
        let entries = ids.into_iter().zip(changes).map(|(id, change)| {
            let of = imports.get(&(id >> ROW_BITS)).cloned().unwrap_or_default();
            HistoryEntry {
                import: of.import,
                filename: of.filename,
                at: of.began_at,
                change,
            }
        });
        Ok(entries.collect())
    }

    async fn imports_of(&self, noted: &[Noted]) -> Result<HashMap<i64, OfImport>, StoreError> {
        let mut numbers: Vec<i64> = noted.iter().map(|one| one.id >> ROW_BITS).collect();
        numbers.sort_unstable();
        numbers.dedup();
        if numbers.is_empty() {
            return Ok(HashMap::new());
        }
        let places: Vec<_> = numbers.iter().map(ToString::to_string).collect();
        let sql = format!(
            "SELECT n.number, m.id, m.filename, n.began_at FROM import_numbers AS n \
             LEFT JOIN monitor_imports AS m ON m.id = n.import_id AND m.status <> '{REMOVED}' \
             WHERE n.number IN ({})",
            places.join(", ")
        );
        let rows = self.lists.query_all_raw(self.statement(&sql, [])).await;
        let mut imports = HashMap::new();
        for row in rows.map_err(StoreError::of_search)? {
            let of = OfImport {
                import: row.try_get_by_index(1)?,
                filename: row.try_get_by_index(2)?,
                began_at: row.try_get_by_index(3)?,
            };
            imports.insert(row.try_get_by_index(0)?, of);
        }
        Ok(imports)
    }
}

/// Returns a product's values right after a change, by reverting later ones; `None` if some are not stored.
fn values_at(change: &Noted, chain: &[Noted]) -> Option<Values> {
    let mut values = chain.first()?.now.as_ref().map(|now| now.values.clone());
    for one in chain {
        if one.id == change.id {
            return values;
        }
        values = one.take_back(values);
    }
    None
}
