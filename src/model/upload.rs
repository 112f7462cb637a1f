//! The upload form: its URLs, fields and answers.

use serde::{Deserialize, Serialize};

use crate::model::{
    job::JobId,
    reason::{ErrorBody, Reason},
};

/// URL of the upload form: `multipart/form-data` with the file in the field `file`.
///
/// A form is answered with a redirect to the import's page, or back to the form, which is on the source's page if the URL
/// has a [`SOURCE_FIELD`]. A request that accepts `application/json` is answered with an [`UploadAnswer`].
pub const UPLOAD_PATH: &str = "/imports";

/// URL of the form for a file at a URL: `url` and `mode`. It is answered like an upload.
pub const ADDRESS_PATH: &str = "/imports/from-address";

/// The field of that form for the URL.
pub const ADDRESS_FIELD: &str = "url";

/// URL of resumable uploads (tus 1.0).
pub const RESUMABLE_PATH: &str = "/uploads";

/// The form's field for the mode, `import` or `check`. It precedes the file.
pub const MODE_FIELD: &str = "mode";

/// The parameter for the source of the file, whose options apply: in the URL, or a field before the file.
pub const SOURCE_FIELD: &str = "source";

/// The answer to an upload by JavaScript.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", untagged)]
pub enum UploadAnswer {
    /// The import has started.
    Started {
        /// The import.
        id: JobId,
    },
    /// The file was rejected.
    Refused(ErrorBody),
}

/// The state of the upload form.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct UploadFormState {
    /// Maximum bytes of a file.
    pub max_bytes: u64,
    /// File types of the file dialog, as the `accept` of HTML.
    pub accept: String,
    /// Whether dry runs are possible.
    pub offers_checks: bool,
    /// Whether files can be downloaded from a URL.
    pub fetches: bool,
    /// Error of this browser's last upload without JavaScript.
    pub last_error: Option<Reason>,
    /// Whether that was a dry run.
    pub was_check: bool,
}
