//! Migrations, applied in order at the start.

mod m0001_initial;
mod m0002_access;
mod m0003_ownership;
mod m0010_product_files;
mod m0020_leases;
mod m0021_cancel_wanted;
mod m0031_import_attempts;
mod m0040_row_notes;
mod m0041_job_mode;
mod m0042_questions;
mod m0060_import_beginnings;
mod m0061_setup_links;
mod m0062_roles_and_makers;
mod m0063_tokens_end;
mod m0070_stored_in;
mod m0071_shared_jobs;
mod m0090_product_search;
mod m0091_long_lists;
mod m0092_retention;
mod m0100_product_changes;
mod m0110_confirmed_sessions;
mod m0111_undo;
mod m0112_approval;
mod m0113_added_changes;
mod m0114_imports_by_file;
mod m0120_import_options;
mod m0121_passkeys;
mod m0130_notifications;
mod m0131_share_links;
mod m0132_mail_preferences;
mod m0133_import_activity;
mod m0140_sources;
mod m0141_source_events;
mod m0142_own_limits;
mod m0150_error_codes;
mod m0151_events_with_codes;
mod m0160_product_list;
mod m0161_cells_of_warnings;
mod m0170_columns_of_sources;
mod m0173_images_and_options;
mod m0176_word_beginnings;
mod m0177_changes_of_imports;
mod m0180_invited_addresses;
mod m0181_listed_by_time;

use sea_orm_migration::prelude::*;

pub(super) struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_initial::Migration),
            Box::new(m0002_access::Migration),
            Box::new(m0003_ownership::Migration),
            Box::new(m0010_product_files::Migration),
            Box::new(m0020_leases::Migration),
            Box::new(m0021_cancel_wanted::Migration),
            Box::new(m0031_import_attempts::Migration),
            Box::new(m0040_row_notes::Migration),
            Box::new(m0041_job_mode::Migration),
            Box::new(m0042_questions::Migration),
            Box::new(m0060_import_beginnings::Migration),
            Box::new(m0061_setup_links::Migration),
            Box::new(m0062_roles_and_makers::Migration),
            Box::new(m0063_tokens_end::Migration),
            Box::new(m0070_stored_in::Migration),
            Box::new(m0071_shared_jobs::Migration),
            Box::new(m0090_product_search::Migration),
            Box::new(m0091_long_lists::Migration),
            Box::new(m0092_retention::Migration),
            Box::new(m0100_product_changes::Migration),
            Box::new(m0110_confirmed_sessions::Migration),
            Box::new(m0111_undo::Migration),
            Box::new(m0112_approval::Migration),
            Box::new(m0113_added_changes::Migration),
            Box::new(m0114_imports_by_file::Migration),
            Box::new(m0120_import_options::Migration),
            Box::new(m0121_passkeys::Migration),
            Box::new(m0130_notifications::Migration),
            Box::new(m0131_share_links::Migration),
            Box::new(m0132_mail_preferences::Migration),
            Box::new(m0133_import_activity::Migration),
            Box::new(m0140_sources::Migration),
            Box::new(m0141_source_events::Migration),
            Box::new(m0142_own_limits::Migration),
            Box::new(m0150_error_codes::Migration),
            Box::new(m0151_events_with_codes::Migration),
            Box::new(m0160_product_list::Migration),
            Box::new(m0161_cells_of_warnings::Migration),
            Box::new(m0170_columns_of_sources::Migration),
            Box::new(m0173_images_and_options::Migration),
            Box::new(m0176_word_beginnings::Migration),
            Box::new(m0177_changes_of_imports::Migration),
            Box::new(m0180_invited_addresses::Migration),
            Box::new(m0181_listed_by_time::Migration),
        ]
    }
}
