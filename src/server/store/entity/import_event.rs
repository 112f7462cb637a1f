//! An event not yet distributed to webhooks and people. Triggers write those of imports.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "import_events")]
pub(in crate::server::store) struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub kind: String,
    pub job_id: String,
    pub at: i64,
    pub filename: String,
    pub status: String,
    pub mode: String,
    pub error: Option<String>,
    pub error_code: Option<String>,
    pub error_params: Option<String>,
    pub total_products: Option<i64>,
    pub processed_products: i64,
    pub failed_products: i64,
    pub undone_by: Option<String>,
    /// Of a source: owner, and data as JSON.
    pub owner_id: Option<String>,
    pub about: Option<String>,
}

#[derive(Clone, Copy, Debug, DeriveRelation, EnumIter)]
pub(in crate::server::store) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
