//! Flash messages: a new token or link, shown once after a form without JavaScript.

use super::{cookie::OwnCookie, request::Caller};
use crate::{
    model::{error::ApiError, secret::Secret},
    server::auth::Auth,
};

const MAX_AGE: i64 = 60;

/// Stores a text for the next page if the request is a plain form.
pub(in crate::server) fn keep(auth: &Auth, caller: &Caller, text: &str) -> Result<(), ApiError> {
    if caller.is_form() {
        OwnCookie::Flash.set(auth, hex::encode(text), MAX_AGE)?;
    }
    Ok(())
}

pub(in crate::server) fn take(auth: &Auth, caller: &Caller) -> Result<Option<Secret>, ApiError> {
    let Some(kept) = OwnCookie::Flash.get(auth, &caller.headers) else {
        return Ok(None);
    };
    OwnCookie::Flash.set(auth, String::new(), 0)?;
    let text = hex::decode(kept).ok();
    Ok(text
        .and_then(|text| String::from_utf8(text).ok())
        .map(Secret::from))
}
