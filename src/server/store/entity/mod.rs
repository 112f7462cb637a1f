//! SeaORM entities.

pub(super) mod account_link;
pub(super) mod api_token;
pub(super) mod audit_event;
pub(super) mod failed_row;
pub(super) mod import_beginning;
pub(super) mod mapping;
pub(super) mod monitor_directory;
pub(super) mod monitor_import;
pub(super) mod monitor_lease;
pub(super) mod passkey;
pub(super) mod passkey_challenge;
pub(super) mod product;
pub(super) mod row_note;
pub(super) mod session;
pub(super) mod setup_link;
pub(super) mod user;
