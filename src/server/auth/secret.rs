//! Secrets that are random enough to be kept as a plain hash.

use sha2::{Digest, Sha256};

use crate::model::error::ApiError;

const BYTES: usize = 32;
/// How many characters a secret has.
pub(super) const LENGTH: usize = 2 * BYTES;

/// Makes a secret of 256 bits, in hex.
pub(super) fn generate() -> Result<String, ApiError> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(|error| {
        tracing::error!(%error, "no randomness");
        ApiError::Internal
    })?;
    Ok(hex::encode(bytes))
}

/// Returns what is kept of a secret. Who reads it cannot find the secret, and looking it up takes
/// no time that tells anything of another one.
pub(super) fn hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret))
}
