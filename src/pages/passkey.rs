//! Asks for a passkey where one is required.

use leptos::prelude::*;
use server_fn::ServerFn as _;

use super::query;
use crate::{
    api::{
        passkeys::{
            AddPasskey, BeginNewPasskey, BeginPasskeyConfirmation, ConfirmWithPasskey, passkey_duty,
        },
        session::SignOut,
    },
    components::{
        form::{ActionForm, FormError, failure},
        notice::ErrorNotice,
        page_title::PageTitle,
        passkey::{Ceremony, PasskeyForm, PasskeyName, PasskeyScript},
        welcome::Welcome,
    },
    islands::parts::locale::use_locale,
    model::{base_path::address, passkey::PasskeyDuty},
};

/// Asks for a passkey, or for adding the first one.
#[component]
pub(crate) fn PasskeyPage() -> impl IntoView {
    let t = use_locale();
    let duty = Suspend::new(async {
        match passkey_duty().await {
            Ok(PasskeyDuty::None) => view! { <NothingToDo /> }.into_any(),
            Ok(PasskeyDuty::Use) => view! { <UsePasskey /> }.into_any(),
            Ok(PasskeyDuty::Add { suggested_name }) => {
                view! { <AddFirst suggested_name /> }.into_any()
            }
            Err(error) => view! { <ErrorNotice error here="/passkey" /> }.into_any(),
        }
    });
    view! {
        <PageTitle text=t.say("Passkey", "Passkey") />
        <div class="sign-in">{duty}</div>
    }
}

/// Returns where to continue; by default the imports.
fn next() -> String {
    query::value("next").unwrap_or_else(|| "/imports".to_owned())
}

#[component]
fn UsePasskey() -> impl IntoView {
    let t = use_locale();
    view! {
        <section class="card sign-in-card" data-testid="passkey-due">
            <Welcome
                title=t.say("Use your passkey", "Verwende deinen Passkey")
                text=t.say(
                    "This app asks for a passkey after the password.",
                    "Diese App verlangt nach dem Passwort einen Passkey.",
                )
            />
            <FormError error={failure::<ConfirmWithPasskey>()} />
            <PasskeyForm
                ceremony=Ceremony::Get
                begin=BeginPasskeyConfirmation::url()
                action=ConfirmWithPasskey::url()
                next=Some(next())
                button=t.say("Use passkey", "Passkey verwenden")
            />
            <Missing />
            <Leave />
            <p class="sign-in-help">
                {t.say(
                    "Lost your passkey? Ask an owner to remove it.",
                    "Passkey verloren? Bitte einen Inhaber, ihn zu entfernen.",
                )}
            </p>
        </section>
        <PasskeyScript />
    }
}

#[component]
fn AddFirst(suggested_name: String) -> impl IntoView {
    let t = use_locale();
    view! {
        <section class="card sign-in-card" data-testid="passkey-due">
            <Welcome
                title=t.say("Add a passkey", "Passkey hinzufügen")
                text=t.say(
                    "This app requires a passkey: your fingerprint, your face, the PIN of your device, or a security key.",
                    "Diese App verlangt einen Passkey: deinen Fingerabdruck, dein Gesicht, die PIN deines Geräts oder einen Sicherheitsschlüssel.",
                )
            />
            <FormError error={failure::<AddPasskey>()} />
            <PasskeyForm
                ceremony=Ceremony::Create
                begin=BeginNewPasskey::url()
                action=AddPasskey::url()
                next=Some(next())
                button=t.say("Add passkey", "Passkey hinzufügen")
            >
                <PasskeyName id="passkey-name" value=suggested_name />
            </PasskeyForm>
            <Missing />
            <Leave />
        </section>
        <PasskeyScript />
    }
}

/// The message for browsers without passkeys, until the script hides it.
#[component]
fn Missing() -> impl IntoView {
    let t = use_locale();
    view! {
        <p class="sign-in-help" data-passkey-missing data-testid="passkey-missing">
            {t.say(
                "This browser can't use passkeys. Turn on JavaScript, or use a current browser.",
                "Dieser Browser kann keine Passkeys verwenden. Schalte JavaScript ein oder verwende einen aktuellen Browser.",
            )}
        </p>
    }
}

#[component]
fn Leave() -> impl IntoView {
    let t = use_locale();
    view! {
        <ActionForm action=SignOut::url()>
            <button class="button">{t.say("Sign out", "Abmelden")}</button>
        </ActionForm>
    }
}

#[component]
fn NothingToDo() -> impl IntoView {
    let t = use_locale();
    view! {
        <section class="card sign-in-card">
            <Welcome
                title=t.say("You're all set", "Alles erledigt")
                text=t.say(
                    "Manage your passkeys on your account page.",
                    "Deine Passkeys verwaltest du auf der Seite deines Kontos.",
                )
            />
            <a class="button button-primary" href=address("/account")>
                {t.say("Go to your account", "Zu deinem Konto")}
            </a>
        </section>
    }
}
