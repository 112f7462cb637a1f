//! A product, written by the embedded price monitor.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "products")]
pub(in crate::server::store) struct Model {
    /// Identity across files: the SKU, or another one from the file.
    #[sea_orm(primary_key, auto_increment = false)]
    pub identity: String,
    pub sku: Option<String>,
    pub name: String,
    /// A decimal number as text, never a float.
    pub price: Option<String>,
    pub sale_price: Option<String>,
    pub currency: Option<String>,
    pub gtin: Option<String>,
    pub stock: Option<i64>,
    pub availability: Option<String>,
    pub url: Option<String>,
    pub image: Option<String>,
    /// The option values of a variant, separated by `/`.
    pub options: Option<String>,
    /// Name, SKU and identity in lower case. The databases fold ASCII or their locale's letters only.
    pub search_text: String,
    pub created_at: i64,
    pub updated_at: i64,
}

#[derive(Clone, Copy, Debug, DeriveRelation, EnumIter)]
pub(in crate::server::store) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
