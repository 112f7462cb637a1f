//! A remembered column mapping of a header row.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "monitor_mappings")]
pub(in crate::server::store) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    /// The source of the files; empty for all files.
    pub owner: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub header: String,
    pub mapping: String,
    pub updated_at: i64,
}

#[derive(Clone, Copy, Debug, DeriveRelation, EnumIter)]
pub(in crate::server::store) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
