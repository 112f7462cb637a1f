//! A product in the shop. The embedded price monitor writes it.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "products")]
pub(in crate::server::store) struct Model {
    /// What makes the product the same one in the next file: its SKU, else the file's own identity.
    #[sea_orm(primary_key, auto_increment = false)]
    pub identity: String,
    pub sku: Option<String>,
    pub name: String,
    /// A decimal number as text, so that no float ever touches money.
    pub price: Option<String>,
    /// A lower price for a time, likewise.
    pub sale_price: Option<String>,
    /// An ISO 4217 code.
    pub currency: Option<String>,
    pub gtin: Option<String>,
    pub stock: Option<i64>,
    pub availability: Option<String>,
    pub url: Option<String>,
    /// Name, SKU and identity in lower case: what a search looks through. The databases themselves
    /// fold ASCII only, or only what their locale knows.
    pub search_text: String,
    pub created_at: i64,
    pub updated_at: i64,
}

#[derive(Clone, Copy, Debug, DeriveRelation, EnumIter)]
pub(in crate::server::store) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
