//! The way in.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::{
    api::session::{CreateOwner, SignIn, SignInState, sign_in_state},
    components::{
        form::{Field, FormError, NewPassword, Submit, failure},
        language::use_locale,
        notice::ErrorNotice,
        skeleton::CardSkeleton,
        welcome::Welcome,
    },
};

/// The page on which a person signs in, or the first of them makes the owner's account.
#[component]
pub(crate) fn SignInPage() -> impl IntoView {
    let state = Resource::new_blocking(|| (), |()| sign_in_state());
    view! {
        <div class="sign-in">
            <Transition fallback=CardSkeleton>
                {move || Suspend::new(async move {
                    match state.await {
                        Ok(SignInState::NeedsOwner) => view! { <OwnerForm /> }.into_any(),
                        Ok(SignInState::SignedOut) => view! { <SignInForm /> }.into_any(),
                        Ok(SignInState::SignedIn) => view! { <SignedIn /> }.into_any(),
                        Err(error) => view! { <ErrorNotice error here="/sign-in" /> }.into_any(),
                    }
                })}
            </Transition>
        </div>
    }
}

#[component]
fn SignInForm() -> impl IntoView {
    let t = use_locale();
    let action = ServerAction::<SignIn>::new();
    let error = failure(action);
    let invalid = Signal::derive(move || error.get().is_some());
    view! {
        <Title text=t.say("Sign in", "Anmelden") />
        <section class="card sign-in-card" data-testid="sign-in-form">
            <Welcome
                title=t.say("Sign in", "Anmelden")
                text=t.say(
                    "to import products and follow their progress.",
                    "um Produkte zu importieren und zuzusehen, wie es vorangeht.",
                )
            />
            <ActionForm action>
                <FormError error testid="sign-in-error" />
                <Next />
                <Field
                    name="email"
                    label=t.say("Email", "E-Mail")
                    kind="email"
                    autocomplete="username"
                    invalid
                />
                <Field
                    name="password"
                    label=t.say("Password", "Passwort")
                    kind="password"
                    autocomplete="current-password"
                    invalid
                />
                <Submit pending=action.pending()>{t.say("Sign in", "Anmelden")}</Submit>
            </ActionForm>
        </section>
    }
}

#[component]
fn OwnerForm() -> impl IntoView {
    let t = use_locale();
    let action = ServerAction::<CreateOwner>::new();
    let error = failure(action);
    let invalid = Signal::derive(move || error.get().is_some());
    let title = t.say("Create the owner’s account", "Konto des Inhabers anlegen");
    view! {
        <Title text=title />
        <section class="card sign-in-card" data-testid="sign-in-form">
            <Welcome
                title
                text=t.say(
                    "This is a new installation. The first account is its owner’s.",
                    "Dies ist eine neue Installation. Das erste Konto ist das des Inhabers.",
                )
            />
            <ActionForm action>
                <FormError error testid="sign-in-error" />
                <Next />
                <Field name="name" label="Name" kind="text" autocomplete="name" invalid />
                <Field
                    name="email"
                    label=t.say("Email", "E-Mail")
                    kind="email"
                    autocomplete="username"
                    invalid
                />
                <NewPassword invalid />
                <Submit pending=action.pending()>
                    {t.say("Create account", "Konto anlegen")}
                </Submit>
            </ActionForm>
        </section>
    }
}

#[component]
fn SignedIn() -> impl IntoView {
    let t = use_locale();
    view! {
        <Title text=t.say("Signed in", "Angemeldet") />
        <section class="card sign-in-card">
            <Welcome
                title=t.say("You are signed in", "Du bist angemeldet")
                text=t.say("There is nothing to do here.", "Hier ist nichts zu tun.")
            />
            <a class="button button-primary" href="/imports">
                {t.say("Go to your imports", "Zu deinen Importen")}
            </a>
        </section>
    }
}

/// Where to go from here.
#[component]
fn Next() -> impl IntoView {
    let next = use_query_map().with_untracked(|query| query.get("next"));
    next.map(|next| view! { <input type="hidden" name="next" value=next /> })
}
