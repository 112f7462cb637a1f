//! An event for a webhook or a person, sent or to be sent.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "deliveries")]
pub(in crate::server::store) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// The webhook or `mail`; limits concurrent deliveries.
    pub target: String,
    pub webhook_id: Option<String>,
    pub user_id: Option<String>,
    pub event: String,
    pub job_id: Option<String>,
    pub body: String,
    pub state: String,
    pub attempts: i64,
    pub created_at: i64,
    pub due_at: i64,
    pub retry_until: i64,
    pub leased_by: Option<String>,
    pub leased_until: Option<i64>,
    pub last_at: Option<i64>,
    pub problem: Option<String>,
}

#[derive(Clone, Copy, Debug, DeriveRelation, EnumIter)]
pub(in crate::server::store) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
