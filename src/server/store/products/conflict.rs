//! The statement that writes products, by what it does with existing ones.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use super::{FieldMask, RUN, fields::WRITTEN};
use crate::model::{changes::Field, import_options::ChosenFields};

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Conflict {
    Keep,
    Replace(FieldMask, ChosenFields),
    /// Like [`Replace`](Self::Replace) of all values, including trailing zeros of prices.
    Restore,
}

impl Conflict {
    pub(super) fn clause(self) -> String {
        match self {
            Self::Keep => "ON CONFLICT (identity) DO NOTHING".to_owned(),
            Self::Replace(mask, only) => {
                format!("ON CONFLICT (identity) DO {}", replacing(mask, only, false))
            }
            Self::Restore => format!(
                "ON CONFLICT (identity) DO {}",
                replacing(FieldMask::ALL, ChosenFields::ALL, true)
            ),
        }
    }
}

/// Returns SQLite's statement for a number of products. The common ones are cached.
pub(super) fn sql(rows: usize, conflict: Conflict) -> Arc<str> {
    static FULL: LazyLock<Mutex<HashMap<Conflict, Arc<str>>>> = LazyLock::new(Mutex::default);
    let is_usual = !matches!(conflict, Conflict::Replace(_, only) if !only.is_all());
    if rows != RUN || !is_usual {
        return written_out(rows, conflict).into();
    }
    let mut full = FULL.lock().unwrap_or_else(PoisonError::into_inner);
    let text = full.entry(conflict);
    Arc::clone(text.or_insert_with(|| written_out(rows, conflict).into()))
}

fn written_out(rows: usize, conflict: Conflict) -> String {
    let row = format!("({})", ["?"; WRITTEN.len()].join(","));
    format!(
        "INSERT INTO products ({}) VALUES {} {}",
        WRITTEN.join(", "),
        vec![row; rows].join(","),
        conflict.clause()
    )
}

/// Returns the assignments to an existing product, and the condition for a change.
fn replacing(mask: FieldMask, only: ChosenFields, is_exact: bool) -> String {
    let mut compared = Vec::new();
    if only.has(Field::Sku) {
        compared.push("sku");
    }
    if only.has(Field::Price) {
        compared.push("price");
    }
    if mask.name && only.has(Field::Name) {
        compared.push("name");
    }
    if mask.currency && only.has_currency() {
        compared.push("currency");
    }
    compared.extend(mask.optional(only));
    let mut set = compared.clone();
    set.extend(["updated_at", "last_change"]);
    if compared.contains(&"name") {
        set.push("search_text");
    }
    let mut set: Vec<_> = set
        .into_iter()
        .map(|column| format!("{column} = excluded.{column}"))
        .collect();
    let mut changed: Vec<_> = compared
        .into_iter()
        .map(|column| match column {
            "price" | "sale_price" if !is_exact => {
                let [there, comes] = ["products", "excluded"].map(|table| amount(table, column));
                format!("{there} IS DISTINCT FROM {comes}")
            }
            _ => format!("products.{column} IS DISTINCT FROM excluded.{column}"),
        })
        .collect();
    if !mask.currency && only.has_currency() {
        set.push("currency = COALESCE(excluded.currency, products.currency)".to_owned());
        changed
            .push("products.currency <> COALESCE(excluded.currency, products.currency)".to_owned());
        changed.push("products.currency IS NULL AND excluded.currency IS NOT NULL".to_owned());
    }
    if changed.is_empty() {
        // The file lacks the chosen columns.
        changed.push("1 = 0".to_owned());
    }
    format!(
        "UPDATE SET {} WHERE {}",
        set.join(", "),
        changed.join(" OR ")
    )
}

/// A price without trailing zeros, since `419.00` equals `419`.
fn amount(table: &str, column: &str) -> String {
    let price = format!("{table}.{column}");
    format!("CASE WHEN {price} LIKE '%.%' THEN rtrim(rtrim({price}, '0'), '.') ELSE {price} END")
}

/// Like [`amount`], in Rust.
pub(in crate::server::store) fn is_same_amount(one: Option<&str>, other: Option<&str>) -> bool {
    let amount = |price: &str| match price.contains('.') {
        true => price.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => price.to_owned(),
    };
    one.map(amount) == other.map(amount)
}
