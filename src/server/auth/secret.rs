//! Random secrets, stored as plain hashes.

use sha2::{Digest, Sha256};

use crate::model::error::ApiError;

const BYTES: usize = 32;
pub(super) const LENGTH: usize = 2 * BYTES;

/// 256 bits in hex.
pub(super) fn generate() -> Result<String, ApiError> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(|error| {
        tracing::error!(%error, "no randomness");
        ApiError::Internal
    })?;
    Ok(hex::encode(bytes))
}

/// A plain hash suffices for this much entropy, and lookups by hash leak no timing.
pub(super) fn hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret))
}
