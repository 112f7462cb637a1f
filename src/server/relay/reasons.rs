//! The price monitor's failures as reasons: a code of ours, or its own words.

use price_monitor_wire::{Failure, Parameter};

use crate::{
    i18n::messages::{ErrorCode, Param},
    model::reason::Reason,
};

pub(super) fn of(failure: &Failure) -> Reason {
    let params = failure.parameters.iter().map(|(name, value)| {
        let value = match value {
            Parameter::Number(number) => Param::Number(*number),
            Parameter::Text(text) => Param::Text(text.clone()),
        };
        (name.clone(), value)
    });
    Reason::new(&*failure.message, failure.code.clone(), params.collect())
        .with_cancelled(failure.is_cancelled)
}

/// Creates a failure found by the relay itself.
pub(super) fn failure(why: &ErrorCode) -> Failure {
    Failure {
        message: why.to_string(),
        code: Some(why.code().to_owned()),
        ..Failure::default()
    }
}
