//! A change as it is stored, with the product as it is now.

use sea_orm::QueryResult;

use super::row_of;
use crate::{
    model::changes::{ChangeKind, ChangesFilter, Field, FieldChange, ProductChange},
    server::store::{
        StoreError,
        products::{COLUMNS, Values, is_same_amount},
    },
};

/// A stored change with the current product.
#[derive(Clone, Debug)]
pub(super) struct Noted {
    pub(super) id: i64,
    pub(super) identity: String,
    pub(super) kind: ChangeKind,
    pub(super) fields: i64,
    pub(super) price_change: Option<i64>,
    pub(super) old: Values,
    pub(super) new: Values,
    pub(super) now: Option<Now>,
}

#[derive(Clone, Debug)]
pub(super) struct Now {
    pub(super) last_change: i64,
    pub(super) values: Values,
}

/// Columns for [`Noted::read`], of changes `c` and products `p`.
pub(super) fn columns() -> String {
    let mut columns =
        "c.id, c.identity, CAST(c.kind AS BIGINT), CAST(c.fields AS BIGINT), c.price_change, \
                       p.last_change"
            .to_owned();
    for table in ["c.old_", "c.new_", "p."] {
        for column in COLUMNS {
            columns.push_str(&match column {
                "stock" => format!(", CAST({table}{column} AS TEXT)"),
                _ => format!(", {table}{column}"),
            });
        }
    }
    columns
}

pub(in crate::server::store) fn kind_of(kind: i64) -> ChangeKind {
    match kind {
        0 => ChangeKind::Added,
        1 => ChangeKind::Updated,
        _ => ChangeKind::Removed,
    }
}

/// Kind of a change by which a check would remove a product; actual removals have another kind.
pub(in crate::server::store) const WOULD_REMOVE: i64 = 3;

pub(in crate::server::store) fn kind_to_db(kind: ChangeKind) -> i64 {
    match kind {
        ChangeKind::Added => 0,
        ChangeKind::Updated => 1,
        ChangeKind::Removed => 2,
    }
}

pub(in crate::server::store) fn bit(field: Field) -> i64 {
    1 << field as i64
}

impl Noted {
    pub(super) fn read(row: &QueryResult) -> Result<Self, StoreError> {
        let values = |from: usize| -> Result<Values, StoreError> {
            let mut values = Values::default();
            for (place, value) in (from..).zip(&mut values) {
                *value = row.try_get_by_index(place)?;
            }
            Ok(values)
        };
        let last_change: Option<i64> = row.try_get_by_index(5)?;
        Ok(Self {
            id: row.try_get_by_index(0)?,
            identity: row.try_get_by_index(1)?,
            kind: kind_of(row.try_get_by_index(2)?),
            fields: row.try_get_by_index(3)?,
            price_change: row.try_get_by_index(4)?,
            old: values(6)?,
            new: values(6 + COLUMNS.len())?,
            now: match last_change {
                Some(last_change) => Some(Now {
                    last_change,
                    values: values(6 + 2 * COLUMNS.len())?,
                }),
                None => None,
            },
        })
    }

    /// Whether it added a product without recording the values.
    pub(super) fn lacks_values(&self) -> bool {
        self.kind == ChangeKind::Added && self.fields == 0
    }

    /// Reverts the change on a product's values.
    pub(super) fn take_back(&self, values: Option<Values>) -> Option<Values> {
        match self.kind {
            ChangeKind::Added => None,
            ChangeKind::Removed => Some(self.old.clone()),
            ChangeKind::Updated => values.map(|mut values| {
                for (field, value) in Field::ALL.into_iter().zip(&mut values) {
                    if self.fields & bit(field) != 0 {
                        value.clone_from(&self.old[field as usize]);
                    }
                }
                values
            }),
        }
    }

    pub(super) fn matches(&self, filter: &ChangesFilter) -> bool {
        let ChangesFilter {
            kind,
            field,
            price_down,
            price_up,
            search: _,
        } = filter;
        let moved = self.price_change.unwrap_or_default();
        let is_price_asked = price_down.is_some() || price_up.is_some();
        let falls = price_down.is_some_and(|by| moved < -by.hundredths());
        let rises = price_up.is_some_and(|by| moved > by.hundredths());
        let has_field = |field: Field| {
            let is_same = field == Field::Price && self.price_change == Some(0);
            self.kind == ChangeKind::Updated && self.fields & bit(field) != 0 && !is_same
        };
        kind.is_none_or(|kind| kind == self.kind)
            && field.is_none_or(has_field)
            && (!is_price_asked || falls || rises)
    }

    pub(super) fn into_change(self) -> ProductChange {
        let known = self.now.as_ref().map_or(&self.old, |now| &now.values);
        let known = |field: Field| known[field as usize].clone();
        let (sku, name) = (known(Field::Sku), known(Field::Name));
        let currency = known(Field::Currency);
        let mut fields = Vec::new();
        for field in Field::ALL {
            let (old, new) = (&self.old[field as usize], &self.new[field as usize]);
            let is_same = match field {
                Field::Price | Field::SalePrice => is_same_amount(old.as_deref(), new.as_deref()),
                _ => old == new,
            };
            if !is_same {
                let (old, new) = (old.clone(), new.clone());
                fields.push(FieldChange { field, old, new });
            }
        }
        ProductChange {
            row: row_of(self.id),
            identity: self.identity,
            sku,
            name,
            currency,
            kind: self.kind,
            price_change: self.price_change,
            fields,
        }
    }
}
