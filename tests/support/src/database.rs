//! A database for each test.

use sea_orm::{ConnectionTrait, Database};

/// Creates a database on the PostgreSQL server of `IMPORT_RELAY_POSTGRES` (a URL without a database, whose user may
/// create some) and returns its URL; `None` without the variable, for a SQLite file.
pub async fn postgres_database() -> Option<String> {
    let server = std::env::var("IMPORT_RELAY_POSTGRES").ok()?;
    let name = format!("test_{}", uuid::Uuid::now_v7().simple());
    let admin = Database::connect(format!("{server}/postgres"))
        .await
        .unwrap();
    admin
        .execute_unprepared(&format!("CREATE DATABASE {name}"))
        .await
        .unwrap();
    admin.close().await.unwrap();
    Some(format!("{server}/{name}"))
}
