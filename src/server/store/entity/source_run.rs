//! A run of a source.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "source_runs")]
pub(in crate::server::store) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub source_id: String,
    pub cause: String,
    pub outcome: String,
    pub problem: Option<String>,
    pub job_id: Option<String>,
    pub status: Option<String>,
    pub started_at: i64,
    pub ended_at: Option<i64>,
    pub processed_products: Option<i64>,
    pub failed_products: Option<i64>,
}

#[derive(Clone, Copy, Debug, DeriveRelation, EnumIter)]
pub(in crate::server::store) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
