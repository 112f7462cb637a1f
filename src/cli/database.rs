//! The commands `migrate` and `backup`.

use std::path::Path;

use import_relay::server::{
    config::Config,
    store::{Store, StoreError, backup::BackupError, backup::backup},
};

/// Brings the database up to date and says what was done.
pub(crate) async fn migrate(config: &Config) -> Result<(), StoreError> {
    let applied = Store::connect(&config.database).await?.migrate().await?;
    for migration in &applied {
        println!("{migration} applied");
    }
    if applied.is_empty() {
        println!("The database is up to date.");
    }
    Ok(())
}

/// Copies the database to a new file while it is in use.
pub(crate) async fn copy(config: &Config, path: &Path) -> Result<(), BackupError> {
    backup(&config.database, path).await?;
    println!("The database is copied to {}.", path.display());
    Ok(())
}
