//! Asks a signed-in user for the password again.

use leptos::prelude::*;
use leptos_router::params::ParamsMap;
use server_fn::ServerFn as _;

use super::query;
use crate::{
    api::{
        passkeys::{BeginPasskeyConfirmation, ConfirmWithPasskey},
        session::{Confirm, confirm_state},
    },
    components::{
        form::{ActionForm, Field, FormError, failure},
        notice::ErrorNotice,
        page_title::PageTitle,
        passkey::{Ceremony, PasskeyForm, PasskeyScript},
        welcome::Welcome,
    },
    islands::parts::{
        icons::{Glyph, Icon},
        locale::use_locale,
    },
    model::{
        base_path::address,
        session::{ConfirmState, PROVIDER_PATH, SignInProblem},
    },
};

#[component]
pub(crate) fn ConfirmPage() -> impl IntoView {
    let t = use_locale();
    let form = Suspend::new(async {
        match confirm_state().await {
            Ok(state) => view! { <Confirmation state /> }.into_any(),
            Err(error) => view! { <ErrorNotice error here="/confirm" /> }.into_any(),
        }
    });
    view! {
        <PageTitle text=t.say("Confirm your identity", "Identität bestätigen") />
        <div class="sign-in">{form}</div>
    }
}

#[component]
fn Confirmation(state: ConfirmState) -> impl IntoView {
    let t = use_locale();
    view! {
        <section class="card sign-in-card" data-testid="confirm-form">
            <Welcome
                title=t.say("Confirm your identity", "Identität bestätigen")
                text=t.say(
                    "Sign in again to manage invitations, roles, passkeys and long-lived tokens. This is valid for five minutes.",
                    "Melde dich noch einmal an, um Einladungen, Rollen, Passkeys und langlebige Tokens zu verwalten. Das gilt fünf Minuten.",
                )
            />
            {state.password.then(|| view! { <PasswordForm /> })}
            {state.passkey.then(|| view! { <ByPasskey is_only=!state.password /> })}
            {state.provider.map(|provider| view! { <AtProvider provider /> })}
        </section>
    }
}

#[component]
fn PasswordForm() -> impl IntoView {
    let t = use_locale();
    let error = failure::<Confirm>();
    view! {
        <ActionForm action=Confirm::url()>
            <FormError error testid="confirm-error" />
            {query::value("next").map(|next| view! { <input type="hidden" name="next" value=next /> })}
            <Field
                name="password"
                label=t.say("Password", "Passwort")
                kind="password"
                autocomplete="current-password"
            />
            <button class="button button-primary">{t.say("Confirm", "Bestätigen")}</button>
        </ActionForm>
    }
}

#[component]
fn ByPasskey(is_only: bool) -> impl IntoView {
    let t = use_locale();
    view! {
        <div class="sign-in-elsewhere">
            {(!is_only).then(|| view! { <p class="sign-in-or">{t.say("or", "oder")}</p> })}
            <FormError error={failure::<ConfirmWithPasskey>()} testid="passkey-error" />
            <PasskeyForm
                ceremony=Ceremony::Get
                begin=BeginPasskeyConfirmation::url()
                action=ConfirmWithPasskey::url()
                next=query::value("next")
                button=t.say("Confirm with a passkey", "Mit einem Passkey bestätigen")
                is_main=is_only
            />
        </div>
        <PasskeyScript />
    }
}

#[component]
fn AtProvider(provider: String) -> impl IntoView {
    let t = use_locale();
    let mut link = ParamsMap::new();
    link.insert("anew", "true".to_owned());
    if let Some(next) = query::value("next") {
        link.insert("next", next);
    }
    let href = address(&format!("{PROVIDER_PATH}{}", link.to_query_string()));
    let problem = query::value("problem").and_then(|problem| SignInProblem::read(&problem));
    let problem = problem.map(|_| {
        view! {
            <div class="notice" data-kind="error" role="alert" data-testid="confirm-problem">
                <Icon glyph=Glyph::Alert />
                <p>
                    {t.fill("{provider} did not confirm your identity. Try again.", "{provider} hat deine Identität nicht bestätigt. Versuche es noch einmal.", &[("provider", &provider)])}
                </p>
            </div>
        }
    });
    view! {
        {problem}
        <a class="button button-primary" href=href data-testid="confirm-elsewhere">
            {t.fill("Confirm with {provider}", "Mit {provider} bestätigen", &[("provider", &provider)])}
        </a>
    }
}
