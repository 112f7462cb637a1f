//! An event of an import that has not been spread to webhooks and people. Written by triggers.

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
    /// The parameters of the code, as JSON.
    pub error_params: Option<String>,
    pub total_products: Option<i64>,
    pub processed_products: i64,
    pub failed_products: i64,
    /// The import that undid it.
    pub undone_by: Option<String>,
}

#[derive(Clone, Copy, Debug, DeriveRelation, EnumIter)]
pub(in crate::server::store) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
