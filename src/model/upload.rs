//! The upload form: its addresses, fields and answers.

use serde::{Deserialize, Serialize};

use crate::model::{
    job::JobId,
    reason::{ErrorBody, Reason},
};

/// Where the upload form is sent: `multipart/form-data` with the file in the field `file`.
///
/// A form is answered by a redirect, to the import's page or back to the form, which is on the page of the
/// [`SOURCE_FIELD`] in the address where there is one; a request that accepts `application/json` by an [`UploadAnswer`].
pub const UPLOAD_PATH: &str = "/imports";

/// Where the form is sent that names the address of a file: `url`, and `mode`. It is answered as an upload
/// is.
pub const ADDRESS_PATH: &str = "/imports/from-address";

/// Where uploads are sent that go on where they broke off, by the tus protocol 1.0.
pub const RESUMABLE_PATH: &str = "/uploads";

/// The form's field that says what is to be done with the file, `import` or `check`. It comes before the
/// file.
pub const MODE_FIELD: &str = "mode";

/// The parameter that names the source of the file, which says what is done with it: in the address, or a field before
/// the file.
pub const SOURCE_FIELD: &str = "source";

/// The answer to an upload made by script.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", untagged)]
pub enum UploadAnswer {
    /// The import has begun.
    Started {
        /// The import.
        id: JobId,
    },
    /// The file was not taken.
    Refused(ErrorBody),
}

/// What the upload form must know.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct UploadFormState {
    /// The largest file that is taken, in bytes.
    pub max_bytes: u64,
    /// Whether a file can be checked without being imported.
    pub offers_checks: bool,
    /// Whether a file can be fetched from an address.
    pub fetches: bool,
    /// Why the last upload of this browser was refused, where it was made without script.
    pub last_error: Option<Reason>,
}
