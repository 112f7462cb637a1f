//! Copies of a database that is in use.

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

use super::{Store, StoreError};
use crate::server::config::DatabaseUrl;

/// Why there is no backup.
#[derive(Debug, Error)]
pub enum BackupError {
    /// There is a file of that name, which stays as it is.
    #[error("{} exists already", .0.display())]
    Exists(PathBuf),
    /// There is no database.
    #[error("DATABASE_URL: there is no {} to copy", .0.display())]
    Nothing(PathBuf),
    /// The file cannot be written.
    #[error("{} cannot be written: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// The database cannot be copied.
    #[error("DATABASE_URL: {0}")]
    Store(#[from] StoreError),
    /// PostgreSQL's own program for this is not there.
    #[error("pg_dump cannot be run: {0}; it comes with PostgreSQL's client programs")]
    NoPgDump(io::Error),
    /// PostgreSQL's own program for this failed. The text is its own.
    #[error("pg_dump failed: {0}")]
    PgDump(String),
}

/// Copies the database to a new file, consistently, while others read and write it. The file is
/// complete or not there at all, and only its owner may read it.
///
/// A SQLite database becomes a SQLite database; a PostgreSQL one an archive for `pg_restore`.
///
/// # Errors
///
/// When there is such a file already, or the copy cannot be made.
pub async fn backup(url: &DatabaseUrl, path: &Path) -> Result<(), BackupError> {
    if path.exists() {
        return Err(BackupError::Exists(path.to_owned()));
    }
    // To connect would make an empty one, of which a copy is worth nothing.
    if let Some(missing) = url.sqlite_path().filter(|database| !database.exists()) {
        return Err(BackupError::Nothing(missing.to_owned()));
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    let part = Part(PathBuf::from(name));
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

/// Gives a file its name where there is none of that name. A link fails where one has come to be in
/// the meantime; a file system without links has the name taken first.
fn put_in_place(part: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(part, path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => take_name(part, path),
        linked => linked,
    }
}

fn take_name(part: &Path, path: &Path) -> io::Result<()> {
    File::create_new(path)?;
    fs::rename(part, path).inspect_err(|_| {
        // It is empty, and ours.
        let _ = fs::remove_file(path);
    })
}

/// An unfinished file, which goes away in any case.
struct Part(PathBuf);

impl Part {
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
        // What is left over is said by the error that is on its way already.
        let _ = fs::remove_file(&self.0);
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
    Ok(())
}

async fn pg_dump(url: &DatabaseUrl, path: &Path) -> Result<(), BackupError> {
    let output = Command::new("pg_dump")
        .args(["--format=custom", "--no-password", "--file"])
        .arg(path)
        .envs(libpq_environment(url.expose()))
        .stdin(Stdio::null())
        .output()
        .await
        .map_err(BackupError::NoPgDump)?;
    if output.status.success() {
        Ok(())
    } else {
        let said = String::from_utf8_lossy(&output.stderr);
        Err(BackupError::PgDump(said.trim().replace('\n', "; ")))
    }
}

/// Turns an address into libpq's variables: on the command line its password would be seen by all
/// users of the machine. <https://www.postgresql.org/docs/current/libpq-envars.html>
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
    // An IPv6 address is in brackets in an address, and without them for libpq.
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
        let database = TestDatabase::create().await;
        let store = Store::open(&database.url).await.unwrap();
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
    async fn a_database_that_is_not_there_is_not_made_by_a_backup() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("none.db");
        let copy = directory.path().join("copy");
        let error = backup(&DatabaseUrl::sqlite(&database), &copy).await;
        let said = error.unwrap_err().to_string();
        assert!(said.contains("there is no"), "{said}");
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
