//! An import with its owner. Private to `jobs`, so that every query has a scope.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "product_import_jobs")]
pub(in crate::server::store::jobs) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub user_id: String,
    pub filename: String,
    pub status: String,
    /// In English or in the price monitor's words.
    pub error: Option<String>,
    /// The code, and its parameters as JSON; `NULL` for the words of another service.
    pub error_code: Option<String>,
    pub error_params: Option<String>,
    pub cancelled: bool,
    pub total_products: Option<i64>,
    pub processed_products: i64,
    pub failed_products: i64,
    #[sea_orm(column_type = "Text")]
    pub failed_product_skus: String,
    pub created_at: i64,
    pub updated_at: i64,
    pub completed_at: Option<i64>,
    /// If started elsewhere.
    pub adopted_at: Option<i64>,
    /// Belongs to all staff because its owner is unknown.
    pub shared: bool,
    pub mode: String,
}

#[derive(Clone, Copy, Debug, DeriveRelation, EnumIter)]
pub(in crate::server::store::jobs) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
