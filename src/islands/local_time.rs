//! A point in time where the reader is.

use leptos::prelude::*;

use super::parts::clock;
use crate::model::job::UnixMillis;

/// Shows a point in time as date and time: in UTC as the page comes, then where the browser is.
#[island]
pub(crate) fn LocalTime(
    /// The point in time.
    at: UnixMillis,
) -> impl IntoView {
    view! { <clock::LocalTime at /> }
}
