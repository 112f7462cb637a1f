//! What whoever runs this server can do about an error of the system or the database: the end of a sentence.

use std::io::{self, ErrorKind};

/// Returns what can be done where a file or directory cannot be used; empty where that is not known.
#[must_use]
pub fn about_file(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::PermissionDenied => {
            "; this program has no permission: make its user the owner of the directory (chown), or set \
             DATA_DIR to a writable one"
        }
        ErrorKind::ReadOnlyFilesystem => {
            "; the disk is mounted read-only: remount it writable, or set DATA_DIR to another one"
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "; the disk is full: free up space and start again"
        }
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
            "; there is a file in place of the directory: move it away, or set DATA_DIR to another directory"
        }
        _ => "",
    }
}

/// Returns what can be done where the database says this; empty where that is not known.
pub(crate) fn about_database(said: &str) -> &'static str {
    const KNOWN: [(&[&str], &str); 8] = [
        (
            &["readonly database", "read-only transaction"],
            "; the database is not writable: make this program's user the owner of the file and its \
             directory (chown), or remount the disk writable",
        ),
        (
            &["unable to open database file"],
            "; check that the directory exists and that this program's user can read and write in it, \
             as SQLite keeps two more files beside the database",
        ),
        (
            &["disk is full", "disk full", "no space left"],
            "; the disk is full: free up space and start again",
        ),
        (
            &["malformed", "file is not a database"],
            "; the file is damaged: restore a backup with `import-relay restore`",
        ),
        (
            &[
                "unsupported startup parameter",
                "prepared statement \"sqlx",
                // Of a channel that another of the pooler's clients listens to.
                "unexpected message: notificationresponse",
            ],
            "; a connection pooler is not in session mode: use the pooler's session mode, or connect to \
             the database directly",
        ),
        (
            &["too many clients", "remaining connection slots"],
            "; the server is out of connections: lower DATABASE_MAX_CONNECTIONS, or raise its max_connections",
        ),
        (
            &["password authentication failed", "no pg_hba.conf entry"],
            "; the server rejects this user: check the name and the password in DATABASE_URL",
        ),
        (
            &["connection refused", "failed to lookup address"],
            "; the server cannot be reached: check that it runs, and the host and the port in DATABASE_URL",
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
        assert!(advice(ErrorKind::StorageFull).contains("free up space"));
        assert_eq!(advice(ErrorKind::Interrupted), "");
        for (said, word) in [
            ("(code: 8) attempt to write a readonly database", "chown"),
            ("(code: 14) unable to open database file", "directory"),
            ("(code: 13) database or disk is full", "free up space"),
            ("(code: 26) file is not a database", "restore"),
            (
                "unsupported startup parameter: extra_float_digits",
                "pooler",
            ),
            (
                "execute: unexpected message: NotificationResponse (sqlx_postgres)",
                "pooler",
            ),
        ] {
            assert!(about_database(said).contains(word), "{said}");
        }
        assert_eq!(about_database("syntax error at or near \"x\""), "");
    }
}
