//! The way in.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::{
    api::session::{CreateOwner, SignIn, SignInState, sign_in_state},
    components::{
        form::{Field, FormError, NewPassword, Submit, failure},
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
    let action = ServerAction::<SignIn>::new();
    view! {
        <Title text="Sign in" />
        <section class="card sign-in-card" data-testid="sign-in-form">
            <Welcome title="Sign in" text="to import products and follow their progress." />
            <ActionForm action>
                <FormError error=failure(action) testid="sign-in-error" />
                <Next />
                <Field name="email" label="Email" kind="email" autocomplete="username" />
                <Field
                    name="password"
                    label="Password"
                    kind="password"
                    autocomplete="current-password"
                />
                <Submit pending=action.pending()>"Sign in"</Submit>
            </ActionForm>
        </section>
    }
}

#[component]
fn OwnerForm() -> impl IntoView {
    let action = ServerAction::<CreateOwner>::new();
    view! {
        <Title text="Create the owner’s account" />
        <section class="card sign-in-card" data-testid="sign-in-form">
            <Welcome
                title="Create the owner’s account"
                text="This is a new installation. The first account is its owner’s."
            />
            <ActionForm action>
                <FormError error=failure(action) testid="sign-in-error" />
                <Next />
                <Field name="name" label="Name" kind="text" autocomplete="name" />
                <Field name="email" label="Email" kind="email" autocomplete="username" />
                <NewPassword />
                <Submit pending=action.pending()>"Create account"</Submit>
            </ActionForm>
        </section>
    }
}

#[component]
fn SignedIn() -> impl IntoView {
    view! {
        <Title text="Signed in" />
        <section class="card sign-in-card">
            <Welcome title="You are signed in" text="There is nothing to do here." />
            <a class="button button-primary" href="/imports">
                "Go to your imports"
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
