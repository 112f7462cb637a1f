//! Product files, read row by row: bytes in, products and failed rows out.
//!
//! Nothing here knows of a database, a job or a network.

mod cells;
mod columns;
mod csv;
mod dialect;
mod identity;
mod price;
mod row;

pub(super) use csv::{Feed, FeedError, FeedRow};
pub(super) use row::FeedProduct;
