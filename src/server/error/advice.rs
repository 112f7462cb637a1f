//! Advice for operators on system errors.

use std::io::{self, ErrorKind};

/// Returns advice on a file or directory error as the end of a sentence; empty if unknown.
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
    }
}
