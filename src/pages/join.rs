//! Accepts an invitation, or sets a new password, by a link from the owner.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use server_fn::ServerFn;

use crate::{
    api::team::{AcceptInvitation, ResetPassword, link_state},
    components::{
        form::{
            ActionForm, FormError, NewAccount, NewPassword, Submit, Username, failure, refused,
        },
        notice::{EmptyState, ErrorNotice},
        page_title::PageTitle,
        welcome::Welcome,
    },
    islands::parts::{icons::Glyph, locale::use_locale},
    model::{base_path::address, role::Role, team::LinkState},
};

#[component]
pub(crate) fn JoinPage() -> impl IntoView {
    let token = use_params_map().with_untracked(|params| params.get("token"));
    let token = token.unwrap_or_default();
    let form = Suspend::new(async move {
        match link_state(token.clone().into()).await {
            Ok(LinkState::Invitation { role, email }) => {
                view! { <JoinForm token role email /> }.into_any()
            }
            Ok(LinkState::PasswordReset { email }) => {
                view! { <ResetForm token email /> }.into_any()
            }
            Ok(LinkState::Gone) => view! { <Gone /> }.into_any(),
            Err(error) => view! { <ErrorNotice error here="/sign-in" /> }.into_any(),
        }
    });
    view! { <div class="sign-in">{form}</div> }
}

#[component]
fn JoinForm(token: String, role: Role, email: Option<String>) -> impl IntoView {
    let t = use_locale();
    let form = refused::<AcceptInvitation>();
    let text = role.invitation(t);
    view! {
        <PageTitle text=t.say("Accept invitation", "Einladung annehmen") />
        <section class="card sign-in-card" data-testid="join-form">
            <Welcome title=t.say("Create your account", "Konto erstellen") text />
            <ActionForm action=AcceptInvitation::url()>
                <FormError error=form.error.clone() />
                <input type="hidden" name="token" value=token />
                <NewAccount form email />
            </ActionForm>
        </section>
    }
}

#[component]
fn ResetForm(token: String, email: String) -> impl IntoView {
    let t = use_locale();
    let error = failure::<ResetPassword>();
    let invalid = error.is_some();
    view! {
        <PageTitle text=t.say("New password", "Neues Passwort") />
        <section class="card sign-in-card" data-testid="reset-form">
            <Welcome
                title=t.say("Choose a new password", "Wähle ein neues Passwort")
                text=format!("{} {email}", t.say("for", "für"))
            />
            <ActionForm action=ResetPassword::url()>
                <FormError error />
                <input type="hidden" name="token" value=token />
                <Username email />
                <NewPassword invalid />
                <Submit>{t.say("Set password", "Passwort setzen")}</Submit>
            </ActionForm>
        </section>
    }
}

#[component]
fn Gone() -> impl IntoView {
    let t = use_locale();
    super::set_not_found_status();
    let title = t.say(
        "This link is no longer valid",
        "Dieser Link ist nicht mehr gültig",
    );
    view! {
        <PageTitle text=t.say("Not found", "Nicht gefunden") />
        <section class="card" data-testid="link-gone">
            <h1 class="visually-hidden">{title}</h1>
            <EmptyState glyph=Glyph::Search title>
                <p>
                    {t.say(
                        "It has already been used or has expired. Ask for a new one, or ",
                        "Er wurde schon benutzt oder ist abgelaufen. Bitte um einen neuen oder ",
                    )} <a href=address("/sign-in")>{t.say("sign in", "melde dich an")}</a> "."
                </p>
            </EmptyState>
        </section>
    }
}
