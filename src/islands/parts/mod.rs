//! Views shared by islands and server-rendered pages.

pub(crate) mod clock;
pub(crate) mod format;
pub(crate) mod icons;
pub(crate) mod locale;
pub(crate) mod progress_bar;
pub(crate) mod sortable_head;
pub(crate) mod status_badge;
