//! Makes statements on a SQLite database fail with `SQLITE_FULL`, as on a full disk.

use sea_orm::{ConnectionTrait, DatabaseConnection};

/// Makes statements fail, such as `INSERT ON products`.
pub async fn take(db: &DatabaseConnection, statements: &str) {
    // There is no row ID above the largest one.
    let sql = format!(
        "CREATE TABLE IF NOT EXISTS no_room (id INTEGER PRIMARY KEY AUTOINCREMENT);
        INSERT OR IGNORE INTO no_room VALUES (9223372036854775807);
        CREATE TRIGGER no_room_left BEFORE {statements} BEGIN INSERT INTO no_room VALUES (NULL); END"
    );
    db.execute_unprepared(&sql).await.unwrap();
}

pub async fn give_back(db: &DatabaseConnection) {
    db.execute_unprepared("DROP TRIGGER no_room_left")
        .await
        .unwrap();
}
