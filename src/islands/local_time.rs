//! A time in the reader's time zone.

use leptos::prelude::*;

use super::parts::clock;
use crate::model::job::UnixMillis;

/// Shows date and time: in UTC until hydrated, then in the browser's time zone.
#[island]
pub(crate) fn LocalTime(at: UnixMillis) -> impl IntoView {
    view! { <clock::LocalTime at /> }
}
