//! A page that comes back from the history.

use leptos::{nonce::use_nonce, prelude::*};
use server_fn::ServerFn;

use crate::{api::session::GetCurrentUser, model::base_path::address};

const SCRIPT: &str = include_str!("page_return.js");

/// Loads a page anew that comes back after its reader has signed out. For the head of the document.
#[component]
pub(crate) fn PageReturn() -> impl IntoView {
    let current_user = address(GetCurrentUser::url());
    let script = format!("{{const currentUser='{current_user}';{SCRIPT}}}");
    view! { <script nonce=use_nonce()>{script}</script> }
}
