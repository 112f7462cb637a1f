//! Expiry of tokens: those without one expire in a year.

use sea_orm_migration::prelude::*;

const YEAR_MILLIS: i64 = 365 * 24 * 3600 * 1000;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let end = crate::model::clock::now().saturating_add(YEAR_MILLIS);
        let update = Query::update()
            .table("api_tokens")
            .value("expires_at", end)
            .and_where(Expr::col("expires_at").is_null())
            .to_owned();
        manager.execute(update).await
    }
}
