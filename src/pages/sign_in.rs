//! The way in.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use server_fn::ServerFn;

use crate::{
    api::{
        ApiError,
        session::{CreateOwner, SignIn, SignInState, sign_in_state},
    },
    components::{
        icons::{Glyph, Icon, Mark},
        notice::ErrorNotice,
        skeleton::CardSkeleton,
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
    let next = use_query_map().with_untracked(|query| query.get("next"));
    view! {
        <Title text="Sign in" />
        <section class="card sign-in-card" data-testid="sign-in-form">
            <Welcome title="Sign in" text="to import products and follow their progress." />
            <ActionForm action>
                <FormError error=failure(action) />
                {next.map(|next| view! { <input type="hidden" name="next" value=next /> })}
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
                <FormError error=failure(action) />
                <Field name="name" label="Name" kind="text" autocomplete="name" />
                <Field name="email" label="Email" kind="email" autocomplete="username" />
                <Field
                    name="password"
                    label="Password"
                    kind="password"
                    autocomplete="new-password"
                    hint="At least 10 characters."
                    minlength="10"
                />
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

#[component]
fn Welcome(title: &'static str, text: &'static str) -> impl IntoView {
    view! {
        <header class="welcome">
            <Mark />
            <h1>{title}</h1>
            <p>{text}</p>
        </header>
    }
}

/// A labelled input that must be filled in.
#[component]
fn Field(
    name: &'static str,
    label: &'static str,
    kind: &'static str,
    autocomplete: &'static str,
    #[prop(optional)] hint: Option<&'static str>,
    #[prop(optional)] minlength: Option<&'static str>,
) -> impl IntoView {
    let hint_id = format!("{name}-hint");
    let described_by = match hint {
        Some(_) => format!("form-error {hint_id}"),
        None => "form-error".to_owned(),
    };
    view! {
        <div class="field">
            <label for=name>{label}</label>
            <input
                id=name
                class="input"
                name=name
                type=kind
                autocomplete=autocomplete
                minlength=minlength
                required
                aria-describedby=described_by
            />
            {hint.map(|hint| view! { <p class="field-hint" id=hint_id>{hint}</p> })}
        </div>
    }
}

#[component]
fn Submit(pending: Memo<bool>, children: Children) -> impl IntoView {
    let spinner = move || {
        pending
            .get()
            .then(|| view! { <Icon glyph=Glyph::Spinner /> })
    };
    view! {
        <button class="button button-primary" disabled=pending>
            {spinner}
            {children()}
        </button>
    }
}

/// Why the form was refused. The place is always there, so that every field can point at it.
#[component]
fn FormError(error: Signal<Option<ApiError>>) -> impl IntoView {
    view! {
        <div id="form-error" role="alert">
            {move || {
                error.get().map(|error| {
                    view! {
                        <div class="notice" data-kind="error" data-testid="sign-in-error">
                            <Icon glyph=Glyph::Alert />
                            <p>{error.to_string()}</p>
                        </div>
                    }
                })
            }}
        </div>
    }
}

/// Returns why the last try failed, with script or without.
fn failure<S>(action: ServerAction<S>) -> Signal<Option<ApiError>>
where
    S: ServerFn<Output = (), Error = ApiError> + Clone + Send + Sync + 'static,
{
    Signal::derive(move || action.value().get().and_then(Result::err))
}
