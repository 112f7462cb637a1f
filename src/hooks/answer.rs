//! Answers of server functions, read without their generated clients: those bring a second JSON reader and a writer of
//! queries, which weigh more than all of this.

use gloo_net::http::Response;
use serde::de::DeserializeOwned;

use crate::model::error::ApiError;

/// Reads the answer to a request that was sent.
pub(crate) async fn read<T: DeserializeOwned>(
    answer: Result<Response, gloo_net::Error>,
) -> Result<T, ApiError> {
    let answer = answer.map_err(|_| ApiError::Connection)?;
    let text = answer.text().await.map_err(|_| ApiError::Connection)?;
    if answer.ok() {
        serde_json::from_str(&text).map_err(|_| ApiError::Connection)
    } else {
        // What is not the server's own word says nothing.
        Err(serde_json::from_str(&text).unwrap_or(ApiError::Connection))
    }
}
