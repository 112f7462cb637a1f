//! Handlers, by subject.

pub(crate) mod rest;
