//! A database of its own for each test.

use sea_orm::{ConnectionTrait, Database};

/// Makes one on the PostgreSQL server that `IMPORT_RELAY_POSTGRES` names (an address without a
/// database, whose user may make some) and returns its address; `None` where it names none, and tests
/// use a SQLite file.
pub(crate) async fn postgres_database() -> Option<String> {
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
