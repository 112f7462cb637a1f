//! `import-relay migrate`, `backup` and `restore`.

use std::path::Path;

use import_relay::server::{
    config::{Config, Monitor},
    run::start::StartError,
    store::{
        Store,
        backup::{BackupError, backup, restore},
    },
};

pub(crate) async fn migrate(config: &Config) -> Result<(), StartError> {
    let applied = Store::connect(&config.database).await?.migrate().await?;
    for migration in &applied {
        println!("Applied {migration}.");
    }
    if applied.is_empty() {
        println!("The database is up to date.");
    }
    Ok(())
}

pub(crate) async fn copy(config: &Config, path: &Path) -> Result<(), BackupError> {
    backup(&config.database, path).await?;
    println!("Database copied to {}.", path.display());
    let (waiting, _) = waiting(config).await?;
    if waiting > 0 {
        println!(
            "Unfinished imports: {waiting}. Their product files are in {} and not in the backup: copy that \
             directory too, or they cannot continue after a restore.",
            config.data_dir.join("uploads").display()
        );
    }
    Ok(())
}

pub(crate) async fn put_back(config: &Config, path: &Path) -> Result<(), BackupError> {
    let kept = restore(&config.database, path).await?;
    println!("Database restored from {}.", path.display());
    if let Some(kept) = kept {
        println!("The previous database was kept as {}.", kept.display());
    }
    let (waiting, missing) = waiting(config).await?;
    if waiting > 0 {
        println!("Unfinished imports that continue on the next start: {waiting}.");
    }
    if missing > 0 {
        println!(
            "Product files that are missing: {missing}. Copy them to {} first, or their imports will fail.",
            config.data_dir.join("uploads").display()
        );
    }
    Ok(())
}

/// Returns the number of unfinished imports, and of those whose file is missing.
async fn waiting(config: &Config) -> Result<(usize, usize), BackupError> {
    if matches!(config.monitor, Monitor::External(_)) {
        return Ok((0, 0));
    }
    let store = Store::open(&config.database).await?;
    let imports = store.unfinished_monitor_imports().await?;
    let uploads = config.data_dir.join("uploads");
    let missing = imports
        .iter()
        .filter(|import| !uploads.join(&import.stored_as).exists());
    Ok((imports.len(), missing.count()))
}
