//! Navigation between account pages.

use leptos::prelude::*;
use leptos_router::components::A;

use super::site_header::Visitor;
use crate::{
    islands::parts::locale::use_locale,
    model::{base_path::address, role::Permission},
};

/// Links to the account pages that the user may see.
#[component]
pub(crate) fn SettingsNav() -> impl IntoView {
    let t = use_locale();
    let visitor = expect_context::<Resource<Visitor>>();
    let managing = Suspend::new(async move {
        let user = visitor.await.user;
        let manages = user.is_some_and(|user| user.role.may(Permission::Manage));
        manages.then(|| {
            view! {
                <A href=address("/team")>{t.say("Team", "Team")}</A>
                <A href=address("/webhooks")>"Webhooks"</A>
                <A href=address("/audit")>{t.say("Audit log", "Protokoll")}</A>
                <A href=address("/status")>{t.say("Status", "Status")}</A>
            }
        })
    });
    view! {
        <nav class="settings-nav" aria-label=t.say("Settings", "Einstellungen")>
            <A href=address("/account")>{t.say("Account", "Konto")}</A>
            <A href=address("/tokens")>{t.say("API tokens", "API-Tokens")}</A>
            {managing}
        </nav>
    }
}
