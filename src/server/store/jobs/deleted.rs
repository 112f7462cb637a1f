//! A deleted import, which is not adopted again while the price monitor knows it.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "deleted_jobs")]
pub(in crate::server::store::jobs) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub deleted_at: i64,
}

#[derive(Clone, Copy, Debug, DeriveRelation, EnumIter)]
pub(in crate::server::store::jobs) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
