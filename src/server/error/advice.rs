//! What whoever runs this server can do about an error of the system or the database: the end of a sentence.

use std::io::{self, ErrorKind};

/// Returns what can be done where a file or directory cannot be used; empty where that is not known.
#[must_use]
pub fn about_file(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::PermissionDenied => {
            "; the user that this program runs as may not: give it the directory (chown), or set DATA_DIR to one \
             that it may write"
        }
        ErrorKind::ReadOnlyFilesystem => {
            "; the disk is mounted read-only: mount it for writing, or set DATA_DIR to another one"
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "; there is no space left: make room, and start again"
        }
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
            "; there is a file where a directory is to be: move it away, or set DATA_DIR to another directory"
        }
        _ => "",
    }
}

/// Returns what can be done where the database says this; empty where that is not known.
pub(crate) fn about_database(said: &str) -> &'static str {
    const KNOWN: [(&[&str], &str); 8] = [
        (
            &["readonly database", "read-only transaction"],
            "; the database cannot be written: give this program's user the file and its directory (chown), or mount \
             the disk for writing",
        ),
        (
            &["unable to open database file"],
            "; see that the directory is there and that this program's user may read and write in it, for SQLite keeps \
             two more files beside the database",
        ),
        (
            &["disk is full", "disk full", "no space left"],
            "; there is no space left: make room, and start again",
        ),
        (
            &["malformed", "file is not a database"],
            "; the file is damaged: `import-relay restore` puts a backup in its place",
        ),
        (
            &["unsupported startup parameter", "prepared statement \"sqlx"],
            "; there is a pooler on the way that hands connections on between statements: name the database itself, or \
             the pooler's session mode",
        ),
        (
            &["too many clients", "remaining connection slots"],
            "; the server has no connection left: lower DATABASE_MAX_CONNECTIONS, or raise its max_connections",
        ),
        (
            &["password authentication failed", "no pg_hba.conf entry"],
            "; the server does not let this user in: see the name and the password in DATABASE_URL",
        ),
        (
            &["connection refused", "failed to lookup address"],
            "; the server is not there: see that it runs, and the host and the port in DATABASE_URL",
        ),
    ];
    let said = said.to_lowercase();
    let knows =
        |(words, _): &&(&[&str], &'static str)| words.iter().any(|word| said.contains(word));
    KNOWN.iter().find(knows).map_or("", |(_, advice)| advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_helped_is_said_and_nothing_else() {
        let advice = |kind| about_file(&io::Error::from(kind));
        assert!(advice(ErrorKind::ReadOnlyFilesystem).contains("read-only"));
        assert!(advice(ErrorKind::PermissionDenied).contains("chown"));
        assert!(advice(ErrorKind::StorageFull).contains("make room"));
        assert_eq!(advice(ErrorKind::Interrupted), "");
        for (said, word) in [
            ("(code: 8) attempt to write a readonly database", "chown"),
            ("(code: 14) unable to open database file", "directory"),
            ("(code: 13) database or disk is full", "make room"),
            ("(code: 26) file is not a database", "restore"),
            (
                "unsupported startup parameter: extra_float_digits",
                "pooler",
            ),
        ] {
            assert!(about_database(said).contains(word), "{said}");
        }
        assert_eq!(about_database("syntax error at or near \"x\""), "");
    }
}
