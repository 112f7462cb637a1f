//! From one of the pages about accounts to the next.

use leptos::prelude::*;
use leptos_router::components::A;

use super::site_header::Visitor;
use crate::role::Permission;

/// Links to the pages about accounts that the person may see.
#[component]
pub(crate) fn SettingsNav() -> impl IntoView {
    let visitor = expect_context::<Resource<Visitor>>();
    let manages = move || {
        visitor
            .get()
            .and_then(|visitor| visitor.user)
            .is_some_and(|user| user.role.may(Permission::Manage))
    };
    let managing = move || {
        manages().then(|| {
            view! {
                <A href="/team">"Team"</A>
                <A href="/audit">"Audit log"</A>
                <A href="/status">"Status"</A>
            }
        })
    };
    view! {
        <nav class="settings-nav" aria-label="Settings">
            <A href="/account">"Account"</A>
            <A href="/tokens">"API tokens"</A>
            <Transition>{managing}</Transition>
        </nav>
    }
}
