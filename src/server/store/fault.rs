//! Classifies database errors by driver code; messages differ by version and language.

use std::io;

use sea_orm::{DbErr, RuntimeErr};

/// A database fault with known advice.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Fault {
    Locked,
    /// A conflict or a broken connection; a retry may succeed.
    Passing,
    Unreachable,
    TooManyConnections,
    TimedOut,
    Full,
    ReadOnly,
    CannotOpen,
    Damaged,
    /// A connection pooler distributes a session over several connections.
    Pooler,
    Rejected,
    /// A NUL in a text, which PostgreSQL does not store.
    NotText,
}

impl Fault {
    pub(super) fn of(error: &DbErr) -> Option<Self> {
        match error {
            DbErr::Conn(RuntimeErr::SqlxError(error)) => {
                Some(Self::of_driver(error).unwrap_or(Self::Passing))
            }
            DbErr::Conn(_) | DbErr::ConnectionAcquire(_) => Some(Self::Passing),
            DbErr::Exec(RuntimeErr::SqlxError(error))
            | DbErr::Query(RuntimeErr::SqlxError(error)) => Self::of_driver(error),
            _ => None,
        }
    }

    pub(super) fn of_driver(error: &sqlx::Error) -> Option<Self> {
        match error {
            sqlx::Error::Database(error) => {
                let code = error.code()?;
                match code.parse::<u32>() {
                    // SQLSTATEs have five characters.
                    Ok(sqlite) if code.len() < 5 => Self::of_sqlite(sqlite),
                    _ => Self::of_sqlstate(&code),
                }
            }
            sqlx::Error::Io(error) => Some(Self::of_io(error)),
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
                Some(Self::Passing)
            }
            // From a channel of another client of the pooler.
            sqlx::Error::Protocol(_) => Some(Self::Pooler),
            _ => None,
        }
    }

    /// Masks extended result codes to the primary code.
    fn of_sqlite(code: u32) -> Option<Self> {
        Some(match code & 0xff {
            5 | 6 => Self::Locked,    // SQLITE_BUSY, SQLITE_LOCKED
            8 => Self::ReadOnly,      // SQLITE_READONLY
            9 => Self::TimedOut,      // SQLITE_INTERRUPT
            11 | 26 => Self::Damaged, // SQLITE_CORRUPT, SQLITE_NOTADB
            13 => Self::Full,         // SQLITE_FULL
            14 => Self::CannotOpen,   // SQLITE_CANTOPEN
            _ => return None,
        })
    }

    /// PostgreSQL manual, appendix A.
    fn of_sqlstate(code: &str) -> Option<Self> {
        Some(match code {
            "53100" => Self::Full,
            "53300" => Self::TooManyConnections,
            "57014" => Self::TimedOut,
            "25006" => Self::ReadOnly,
            "28000" | "28P01" => Self::Rejected,
            "XX001" | "XX002" => Self::Damaged,
            "22021" | "22P05" => Self::NotText,
            // Another connection's prepared statement, or a parameter that a pooler rejects.
            "26000" | "42P05" | "08P01" => Self::Pooler,
            // Serialization failure, deadlock, lock timeout, idle timeout.
            "40001" | "40P01" | "55P03" | "25P03" => Self::Passing,
            // Starting or stopping.
            "57P01" | "57P02" | "57P03" | "57P05" => Self::Passing,
            code if code.starts_with("08") => Self::Passing,
            _ => return None,
        })
    }

    fn of_io(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            io::ErrorKind::ConnectionRefused
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable => Self::Unreachable,
            _ => Self::Passing,
        }
    }

    pub(super) fn is_passing(self) -> bool {
        matches!(
            self,
            Self::Locked | Self::Passing | Self::Unreachable | Self::TooManyConnections
        )
    }

    /// Returns advice for the operator, as the end of a sentence.
    fn advice(self) -> &'static str {
        match self {
            Self::ReadOnly => {
                "; the database is not writable: make this program's user the owner of the file and its \
                 directory (chown), or remount the disk writable"
            }
            Self::CannotOpen => {
                "; check that the directory exists and that this program's user can read and write in it, \
                 as SQLite keeps two more files beside the database"
            }
            Self::Full => "; the disk is full: free up space and start again",
            Self::Damaged => "; the file is damaged: restore a backup with `import-relay restore`",
            Self::Pooler => {
                "; a connection pooler is not in session mode: use the pooler's session mode, or connect to \
                 the database directly"
            }
            Self::TooManyConnections => {
                "; the server is out of connections: lower DATABASE_MAX_CONNECTIONS, or raise its max_connections"
            }
            Self::Rejected => {
                "; the server rejects this user: check the name and the password in DATABASE_URL"
            }
            Self::Unreachable => {
                "; the server cannot be reached: check that it runs, and the host and the port in DATABASE_URL"
            }
            Self::Locked | Self::Passing | Self::TimedOut | Self::NotText => "",
        }
    }
}

/// Returns the advice for an error; empty if unknown.
pub(super) fn advice(error: &DbErr) -> &'static str {
    Fault::of(error).map_or("", Fault::advice)
}

pub(super) fn driver_advice(error: &sqlx::Error) -> &'static str {
    Fault::of_driver(error).map_or("", Fault::advice)
}

#[cfg(test)]
mod tests {
    use std::{borrow::Cow, error::Error, fmt};

    use sqlx::{
        Executor,
        error::{DatabaseError, ErrorKind},
        sqlite::SqliteConnectOptions,
    };

    use super::*;

    /// A driver error with nothing but a code.
    #[derive(Debug)]
    struct Coded(&'static str);

    impl fmt::Display for Coded {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Datenbankfehler")
        }
    }

    impl Error for Coded {}

    impl DatabaseError for Coded {
        fn message(&self) -> &str {
            "Datenbankfehler"
        }

        fn code(&self) -> Option<Cow<'_, str>> {
            Some(self.0.into())
        }

        fn as_error(&self) -> &(dyn Error + Send + Sync + 'static) {
            self
        }

        fn as_error_mut(&mut self) -> &mut (dyn Error + Send + Sync + 'static) {
            self
        }

        fn into_error(self: Box<Self>) -> Box<dyn Error + Send + Sync + 'static> {
            self
        }

        fn kind(&self) -> ErrorKind {
            ErrorKind::Other
        }
    }

    #[test]
    fn a_code_tells_the_fault_in_any_language() {
        use Fault::*;
        for (code, fault) in [
            ("5", Some(Locked)),
            ("261", Some(Locked)),
            ("517", Some(Locked)),
            ("6", Some(Locked)),
            ("9", Some(TimedOut)),
            ("10", None),
            ("13", Some(Full)),
            ("14", Some(CannotOpen)),
            ("1032", Some(ReadOnly)),
            ("26", Some(Damaged)),
            ("1555", None),
            ("53100", Some(Full)),
            ("53300", Some(TooManyConnections)),
            ("57014", Some(TimedOut)),
            ("57P01", Some(Passing)),
            ("40001", Some(Passing)),
            ("40P01", Some(Passing)),
            ("08006", Some(Passing)),
            ("08P01", Some(Pooler)),
            ("25006", Some(ReadOnly)),
            ("28P01", Some(Rejected)),
            ("22021", Some(NotText)),
            ("23505", None),
            ("42601", None),
        ] {
            let error = sqlx::Error::Database(Box::new(Coded(code)));
            assert_eq!(Fault::of_driver(&error), fault, "{code}");
        }
    }

    #[test]
    fn what_the_system_says_of_a_connection_is_a_fault() {
        let of = |kind: io::ErrorKind| Fault::of_driver(&sqlx::Error::Io(kind.into()));
        assert_eq!(of(io::ErrorKind::BrokenPipe), Some(Fault::Passing));
        assert_eq!(
            of(io::ErrorKind::ConnectionRefused),
            Some(Fault::Unreachable)
        );
        assert_eq!(of(io::ErrorKind::StorageFull), Some(Fault::Full));
        assert!(Fault::Unreachable.is_passing() && !Fault::Full.is_passing());
        assert_eq!(Fault::of(&DbErr::Custom("locked".to_owned())), None);
    }

    #[tokio::test]
    async fn sqlite_says_when_it_is_full_and_when_another_writes() {
        use sqlx::ConnectOptions;

        let directory = tempfile::tempdir().unwrap();
        let options = SqliteConnectOptions::new()
            .filename(directory.path().join("a.db"))
            .create_if_missing(true)
            .busy_timeout(std::time::Duration::ZERO);
        let mut one = options.connect().await.unwrap();
        one.execute("CREATE TABLE t (x TEXT)").await.unwrap();
        let mut other = options.connect().await.unwrap();
        one.execute("BEGIN IMMEDIATE").await.unwrap();
        let busy = other.execute("INSERT INTO t VALUES ('a')").await;
        assert_eq!(Fault::of_driver(&busy.unwrap_err()), Some(Fault::Locked));
        one.execute("ROLLBACK").await.unwrap();
        one.execute("PRAGMA max_page_count = 3").await.unwrap();
        let full = one
            .execute("INSERT INTO t VALUES (randomblob(100000))")
            .await;
        assert_eq!(Fault::of_driver(&full.unwrap_err()), Some(Fault::Full));
        one.execute("PRAGMA query_only = ON").await.unwrap();
        let refused = one.execute("INSERT INTO t VALUES ('a')").await;
        assert_eq!(
            Fault::of_driver(&refused.unwrap_err()),
            Some(Fault::ReadOnly)
        );
    }
}
