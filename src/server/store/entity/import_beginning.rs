//! The first rows of an import's file, apart from the import: they are needed on one page alone.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "monitor_import_beginnings")]
pub(in crate::server::store) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub import_id: String,
    /// The header row and some more, as a JSON array of arrays.
    pub rows: String,
}

#[derive(Clone, Copy, Debug, DeriveRelation, EnumIter)]
pub(in crate::server::store) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
