//! Mounts the pages in the router.

use std::sync::LazyLock;

use leptos::prelude::IntoAny as _;
use leptos_axum::{AxumRouteListing, generate_route_list};

use crate::{
    app::{App, shell},
    server::http::router::Pages,
};

/// Routes of the pages. Listing them hangs every page being rendered at the time
/// (<https://github.com/leptos-rs/leptos/issues/4773>), so it is done once, before the first.
static ROUTES: LazyLock<Vec<AxumRouteListing>> = LazyLock::new(|| generate_route_list(App));

/// The pages of the app.
pub const PAGES: Pages = Pages {
    routes: || ROUTES.clone(),
    shell: |options| shell(options).into_any(),
};
