//! Backup and restore of a database in use.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    process::Stdio,
};

use percent_encoding::percent_decode_str;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use thiserror::Error;
use tokio::process::Command;
use url::Url;
use uuid::Uuid;

use super::{Store, StoreError};
use crate::server::{config::DatabaseUrl, error::advice};

/// Why a backup or restore failed.
#[derive(Debug, Error)]
pub enum BackupError {
    /// The file exists and stays unchanged.
    #[error("{} already exists", .0.display())]
    Exists(PathBuf),
    /// There is no database.
    #[error("DATABASE_URL: {} does not exist", .0.display())]
    Nothing(PathBuf),
    /// The file cannot be written.
    #[error("{} cannot be written: {error}{}", path.display(), advice::about_file(error))]
    File {
        /// The file.
        path: PathBuf,
        /// The error.
        error: io::Error,
    },
    /// The database cannot be copied.
    #[error("DATABASE_URL: {0}")]
    Store(#[from] StoreError),
    /// PostgreSQL's program is missing.
    #[error("{program} cannot be run: {error}; it comes with PostgreSQL's client programs")]
    NoProgram {
        /// Its name.
        program: &'static str,
        /// The error.
        error: io::Error,
    },
    /// `pg_dump` or `pg_restore` failed; the text is the program's.
    #[error("{program} failed: {said}")]
    Program {
        /// Its name.
        program: &'static str,
        /// Its output.
        said: String,
    },
    /// The file to restore is missing or unreadable.
    #[error("{} cannot be read: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error.
        error: io::Error,
    },
    /// The file to restore is not a backup.
    #[error("{} is not a backup of this program: {why}", path.display())]
    NoBackup {
        /// The file.
        path: PathBuf,
        /// The reason.
        why: String,
    },
}

/// Copies the database consistently while in use. The file is complete or absent, and readable by its owner only.
///
/// SQLite gives a SQLite database, PostgreSQL an archive for `pg_restore`.
///
/// # Errors
///
/// If the file exists or cannot be written.
pub async fn backup(url: &DatabaseUrl, path: &Path) -> Result<(), BackupError> {
    if path.exists() {
        return Err(BackupError::Exists(path.to_owned()));
    }
    // Connecting would create an empty database.
    if let Some(missing) = url.sqlite_path().filter(|database| !database.exists()) {
        return Err(BackupError::Nothing(missing.to_owned()));
    }
    let part = Part::beside(path);
    let failed = |error| BackupError::File {
        path: path.to_owned(),
        error,
    };
    part.create().map_err(failed)?;
    match url.sqlite_path() {
        Some(_) => vacuum_into(url, &part.0).await?,
        None => pg_dump(url, &part.0).await?,
    }
    File::open(&part.0)
        .and_then(|file| file.sync_all())
        .and_then(|()| put_in_place(&part.0, path))
        .map_err(failed)
}

/// Renames a file unless the target exists: by a hard link, or without hard links by reserving the name first.
fn put_in_place(part: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(part, path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => take_name(part, path),
        linked => linked,
    }
}

fn take_name(part: &Path, path: &Path) -> io::Result<()> {
    File::create_new(path)?;
    fs::rename(part, path).inspect_err(|_| {
        // Removes the reserved name.
        let _ = fs::remove_file(path);
    })
}

/// An incomplete file, deleted on drop.
struct Part(PathBuf);

impl Part {
    fn beside(path: &Path) -> Self {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{}.part", Uuid::now_v7().simple()));
        Self(name.into())
    }

    fn create(&self) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&self.0).map(drop)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // A file opened as a database may have companion files. Errors are ignored.
        for suffix in ["", "-wal", "-shm"] {
            let mut path = self.0.clone().into_os_string();
            path.push(suffix);
            let _ = fs::remove_file(path);
        }
    }
}

/// <https://www.sqlite.org/lang_vacuum.html#vacuuminto>: the target must be missing or empty.
async fn vacuum_into(url: &DatabaseUrl, path: &Path) -> Result<(), StoreError> {
    let store = Store::connect(url).await?;
    let statement = Statement::from_sql_and_values(
        DbBackend::Sqlite,
        "VACUUM INTO ?",
        [path.display().to_string().into()],
    );
    store.db.execute_raw(statement).await?;
    store.close().await
}

async fn pg_dump(url: &DatabaseUrl, path: &Path) -> Result<(), BackupError> {
    let arguments = ["--format=custom", "--no-password", "--file"];
    run("pg_dump", url, &arguments, path).await
}

async fn run(
    program: &'static str,
    url: &DatabaseUrl,
    arguments: &[&str],
    path: &Path,
) -> Result<(), BackupError> {
    let output = Command::new(program)
        .args(arguments)
        .arg(path)
        .envs(libpq_environment(url.expose()))
        .stdin(Stdio::null())
        .output()
        .await
        .map_err(|error| BackupError::NoProgram { program, error })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(BackupError::Program {
        program,
        said: said.trim().replace('\n', "; "),
    })
}

/// Verifies and restores a backup of this or an older version. Returns where the previous database is kept; `None` on
/// PostgreSQL.
///
/// # Errors
///
/// If a server is running, or the backup is invalid or cannot be restored.
pub async fn restore(url: &DatabaseUrl, path: &Path) -> Result<Option<PathBuf>, BackupError> {
    let unreadable = |error| BackupError::Unreadable {
        path: path.to_owned(),
        error,
    };
    let mut begin = [0; 16];
    let mut file = File::open(path).map_err(unreadable)?;
    let read = io::Read::read(&mut file, &mut begin).map_err(unreadable)?;
    let no_backup = |why: &str| BackupError::NoBackup {
        path: path.to_owned(),
        why: why.to_owned(),
    };
    match url.sqlite_path() {
        None if begin[..read].starts_with(b"PGDMP") => {
            // The environment names the database; the last option takes a value.
            let arguments = [
                "--clean",
                "--if-exists",
                "--no-owner",
                "--no-password",
                "--single-transaction",
                "--exit-on-error",
                "--dbname=",
            ];
            run("pg_restore", url, &arguments, path).await?;
            Ok(None)
        }
        None => Err(no_backup("it is not a pg_dump archive")),
        Some(_) if begin[..read] != *b"SQLite format 3\0" => {
            Err(no_backup("it is not a SQLite database"))
        }
        Some(database) => {
            let _lock = super::lock::lock(url)?;
            let failed = |error| BackupError::File {
                path: database.to_owned(),
                error,
            };
            let part = Part::beside(database);
            part.create()
                .and_then(|()| fs::copy(path, &part.0))
                .and_then(|_| File::open(&part.0)?.sync_all())
                .map_err(failed)?;
            inspect(&part.0, no_backup).await?;
            let kept = set_aside(database).map_err(failed)?;
            fs::rename(&part.0, database)
                .and_then(|()| sync_directory(database))
                .map_err(failed)?;
            Ok(kept)
        }
    }
}

/// Verifies that a file is an intact database of this program, no newer than it.
async fn inspect(path: &Path, no_backup: impl Fn(&str) -> BackupError) -> Result<(), BackupError> {
    let store = Store::connect(&DatabaseUrl::sqlite(path)).await?;
    store.check_file().await?;
    let schema = store.schema().await?;
    store.close().await?;
    if let Some(migration) = schema.unknown.last() {
        return Err(no_backup(&format!(
            "it is from a newer version (unknown migration {migration})"
        )));
    }
    if schema.applied.is_empty() {
        return Err(no_backup("it contains no data of this program"));
    }
    Ok(())
}

/// Renames a database with its companion files.
fn set_aside(database: &Path) -> io::Result<Option<PathBuf>> {
    if !database.exists() {
        return Ok(None);
    }
    let with = |path: &Path, suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let kept = with(database, &format!(".{}.before", super::now()));
    // The WAL has transactions that are not yet merged.
    for suffix in ["-wal", "-shm"] {
        match fs::rename(with(database, suffix), with(&kept, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    fs::rename(database, &kept)?;
    Ok(Some(kept))
}

/// Syncs a directory, so that a rename is durable; not every system supports it.
fn sync_directory(of: &Path) -> io::Result<()> {
    let directory = of.parent().filter(|path| !path.as_os_str().is_empty());
    match File::open(directory.unwrap_or(Path::new("."))) {
        Ok(directory) => directory.sync_all(),
        Err(_) => Ok(()),
    }
}

/// Converts a URL to libpq's variables: other users can see command lines.
/// <https://www.postgresql.org/docs/current/libpq-envars.html>
fn libpq_environment(url: &str) -> Vec<(String, String)> {
    let Ok(url) = Url::parse(url) else {
        return Vec::new();
    };
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let mut variables: Vec<(String, String)> = Vec::new();
    let mut set = |name: &str, value: String| {
        if !value.is_empty() {
            variables.push((name.to_owned(), value));
        }
    };
    // libpq expects IPv6 addresses without brackets.
    let host = url.host_str().map(|host| host.trim_matches(['[', ']']));
    set("PGHOST", host.map(decode).unwrap_or_default());
    set(
        "PGPORT",
        url.port().map(|port| port.to_string()).unwrap_or_default(),
    );
    set("PGUSER", decode(url.username()));
    set("PGPASSWORD", url.password().map(decode).unwrap_or_default());
    set("PGDATABASE", decode(url.path().trim_start_matches('/')));
    for (key, value) in url.query_pairs() {
        let name = match &*key {
            "host" => "PGHOST",
            "port" => "PGPORT",
            "user" => "PGUSER",
            "password" => "PGPASSWORD",
            "dbname" => "PGDATABASE",
            "sslmode" | "ssl-mode" => "PGSSLMODE",
            "sslrootcert" | "ssl-root-cert" => "PGSSLROOTCERT",
            "sslcert" | "ssl-cert" => "PGSSLCERT",
            "sslkey" | "ssl-key" => "PGSSLKEY",
            _ => continue,
        };
        set(name, value.into_owned());
    }
    variables
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::store::{monitor_imports::NewImport, test_database::TestDatabase};

    #[tokio::test]
    async fn a_backup_is_complete_and_overwrites_nothing() {
        let (database, store) = TestDatabase::opened().await;
        let new = NewImport {
            id: "a".to_owned(),
            ..NewImport::default()
        };
        store.add_monitor_import(new).await.unwrap();
        let path = database.directory.path().join("copy");
        backup(&database.url, &path).await.unwrap();
        assert!(matches!(
            backup(&database.url, &path).await,
            Err(BackupError::Exists(_))
        ));
        let left: Vec<_> = fs::read_dir(database.directory.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|it| it == "part"))
            .collect();
        assert!(left.is_empty(), "{left:?}");
        if database.url.sqlite_path().is_some() {
            let copy = Store::open(&DatabaseUrl::sqlite(&path)).await.unwrap();
            assert!(copy.monitor_import("a").await.unwrap().is_some());
        } else {
            assert!(fs::read(&path).unwrap().starts_with(b"PGDMP"));
            let restored = TestDatabase::create().await;
            let restoring = Command::new("pg_restore")
                .args(["--no-owner", "--exit-on-error", "--dbname="])
                .arg(&path)
                .envs(libpq_environment(restored.url.expose()))
                .env("LC_ALL", "C")
                .output();
            let output = restoring.await.unwrap();
            assert!(output.status.success(), "{output:?}");
            let copy = Store::open(&restored.url).await.unwrap();
            assert!(copy.monitor_import("a").await.unwrap().is_some());
        }
    }

    #[tokio::test]
    async fn of_two_backups_to_one_name_at_once_one_is_made_and_whole() {
        let database = TestDatabase::create().await;
        Store::open(&database.url).await.unwrap();
        let path = database.directory.path().join("copy");
        let copies = (0..4).map(|_| backup(&database.url, &path));
        let made = futures::future::join_all(copies).await;
        assert_eq!(
            made.iter().filter(|made| made.is_ok()).count(),
            1,
            "{made:?}"
        );
        if database.url.is_file() {
            let copy = Store::connect(&DatabaseUrl::sqlite(&path)).await.unwrap();
            copy.check_file().await.unwrap();
            assert!(copy.schema().await.unwrap().pending.is_empty());
        }
        let parts = fs::read_dir(database.directory.path()).unwrap();
        let parts = parts.filter(|entry| {
            let name = entry.as_ref().unwrap().file_name();
            name.to_str().unwrap().ends_with(".part")
        });
        assert_eq!(parts.count(), 0);
    }

    #[tokio::test]
    async fn a_backup_takes_the_place_of_the_database_which_is_kept() {
        let database = TestDatabase::create().await;
        let add = async |store: &Store, id: &str| {
            let new = NewImport {
                id: id.to_owned(),
                ..NewImport::default()
            };
            store.add_monitor_import(new).await.unwrap();
        };
        let store = Store::open(&database.url).await.unwrap();
        add(&store, "a").await;
        let path = database.directory.path().join("copy");
        backup(&database.url, &path).await.unwrap();
        add(&store, "b").await;
        store.close().await.unwrap();
        let kept = restore(&database.url, &path).await.unwrap();
        let store = Store::open(&database.url).await.unwrap();
        let is_there = async |store: &Store, id| store.monitor_import(id).await.unwrap().is_some();
        assert!(is_there(&store, "a").await && !is_there(&store, "b").await);
        store.close().await.unwrap();
        assert_eq!(kept.is_some(), database.url.is_file());
        if let Some(kept) = kept {
            let before = Store::open(&DatabaseUrl::sqlite(&kept)).await.unwrap();
            assert!(is_there(&before, "b").await);
        }
    }

    #[tokio::test]
    async fn what_is_no_backup_is_not_restored_and_nothing_is_touched() {
        let directory = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::sqlite(&directory.path().join("test.db"));
        Store::open(&url).await.unwrap().close().await.unwrap();
        let before = fs::read(directory.path().join("test.db")).unwrap();
        let path = directory.path().join("file");
        let refused = async |url: &DatabaseUrl| {
            let error = restore(url, &path).await.unwrap_err();
            assert_eq!(fs::read(directory.path().join("test.db")).unwrap(), before);
            error.to_string()
        };
        assert!(refused(&url).await.contains("cannot be read"));
        fs::write(&path, "sku,name,price").unwrap();
        assert!(refused(&url).await.contains("not a SQLite database"));
        // Truncated, and with a damaged page.
        let mut bytes = before.clone();
        bytes.truncate(bytes.len() / 2);
        fs::write(&path, &bytes).unwrap();
        let said = refused(&url).await;
        assert!(
            said.contains("damaged") || said.contains("malformed"),
            "{said}"
        );
        let other = directory.path().join("other.db");
        let store = Store::connect(&DatabaseUrl::sqlite(&other)).await.unwrap();
        store
            .db
            .execute_unprepared("CREATE TABLE x (y)")
            .await
            .unwrap();
        store.close().await.unwrap();
        fs::copy(&other, &path).unwrap();
        assert!(refused(&url).await.contains("no data of this program"));
        let lock = super::super::lock::lock(&url).unwrap();
        Store::open(&url).await.unwrap();
        assert!(refused(&url).await.contains("another import-relay"));
        drop(lock);
        let postgres = DatabaseUrl::parse("postgres://127.0.0.1:9/none").unwrap();
        assert!(refused(&postgres).await.contains("pg_dump"));
    }

    #[tokio::test]
    async fn a_database_that_is_not_there_is_not_made_by_a_backup() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("none.db");
        let copy = directory.path().join("copy");
        let error = backup(&DatabaseUrl::sqlite(&database), &copy).await;
        let said = error.unwrap_err().to_string();
        assert!(said.contains("does not exist"), "{said}");
        assert!(!database.exists() && !copy.exists());
    }

    #[test]
    fn where_there_are_no_links_a_file_is_not_written_over_either() {
        let directory = tempfile::tempdir().unwrap();
        let (part, path) = (directory.path().join("part"), directory.path().join("copy"));
        fs::write(&part, "new").unwrap();
        take_name(&part, &path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        fs::write(&part, "newer").unwrap();
        let refused = take_name(&part, &path).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }

    #[tokio::test]
    async fn a_backup_that_fails_leaves_nothing() {
        let database = TestDatabase::create().await;
        Store::open(&database.url).await.unwrap();
        let nowhere = database.directory.path().join("missing/copy");
        let error = backup(&database.url, &nowhere).await.unwrap_err();
        assert!(error.to_string().contains("cannot be written"), "{error}");
    }

    #[test]
    fn a_password_goes_to_pg_dump_in_its_environment() {
        let mut variables =
            libpq_environment("postgres://ada:p%40ss%20word@db:5433/import?sslmode=require");
        variables.sort();
        let expected = [
            ("PGDATABASE", "import"),
            ("PGHOST", "db"),
            ("PGPASSWORD", "p@ss word"),
            ("PGPORT", "5433"),
            ("PGSSLMODE", "require"),
            ("PGUSER", "ada"),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(variables, expected);
        let ipv6 = libpq_environment("postgres://ada@[::1]:5433/import");
        assert!(ipv6.contains(&("PGHOST".to_owned(), "::1".to_owned())));
    }
}
