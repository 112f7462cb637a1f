//! Handles pages restored from the browser's history.

use leptos::{nonce::use_nonce, prelude::*};
use server_fn::ServerFn;

use crate::{api::session::GetCurrentUser, model::base_path::address};

const SCRIPT: &str = include_str!("page_return.js");

/// Reloads a restored page if the user has signed out meanwhile. For the head of the document.
#[component]
pub(crate) fn PageReturn() -> impl IntoView {
    let current_user = address(GetCurrentUser::url());
    let script = format!("{{const currentUser='{current_user}';{SCRIPT}}}");
    view! { <script nonce=use_nonce()>{script}</script> }
}
