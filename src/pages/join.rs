//! Where a link of the owner leads: to an account of one's own, or to a new password.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use crate::{
    api::team::{AcceptInvitation, LinkState, ResetPassword, link_state},
    components::{
        form::{Field, FormError, NewPassword, Submit, failure},
        icons::Glyph,
        notice::{EmptyState, ErrorNotice},
        skeleton::CardSkeleton,
        welcome::Welcome,
    },
    role::Role,
};

/// The page behind a link.
#[component]
pub(crate) fn JoinPage() -> impl IntoView {
    let params = use_params_map();
    let token = Memo::new(move |_| {
        params
            .with(|params| params.get("token"))
            .unwrap_or_default()
    });
    let state = Resource::new_blocking(move || token.get(), |token| link_state(token.into()));
    view! {
        <div class="sign-in">
            <Transition fallback=CardSkeleton>
                {move || Suspend::new(async move {
                    let token = token.get_untracked();
                    match state.await {
                        Ok(LinkState::Invitation { role }) => {
                            view! { <JoinForm token role /> }.into_any()
                        }
                        Ok(LinkState::PasswordReset { email }) => {
                            view! { <ResetForm token email /> }.into_any()
                        }
                        Ok(LinkState::Gone) => view! { <Gone /> }.into_any(),
                        Err(error) => view! { <ErrorNotice error here="/sign-in" /> }.into_any(),
                    }
                })}
            </Transition>
        </div>
    }
}

#[component]
fn JoinForm(token: String, role: Role) -> impl IntoView {
    let action = ServerAction::<AcceptInvitation>::new();
    let text = match role {
        Role::Owner => "You are invited to run this installation.",
        Role::Staff => "You are invited to import products here.",
        Role::Viewer => "You are invited to watch imports here.",
    };
    view! {
        <Title text="Join" />
        <section class="card sign-in-card" data-testid="join-form">
            <Welcome title="Create your account" text />
            <ActionForm action>
                <FormError error=failure(action) />
                <input type="hidden" name="token" value=token />
                <Field name="name" label="Name" kind="text" autocomplete="name" />
                <Field name="email" label="Email" kind="email" autocomplete="username" />
                <NewPassword />
                <Submit pending=action.pending()>"Create account"</Submit>
            </ActionForm>
        </section>
    }
}

#[component]
fn ResetForm(token: String, email: String) -> impl IntoView {
    let action = ServerAction::<ResetPassword>::new();
    view! {
        <Title text="New password" />
        <section class="card sign-in-card" data-testid="reset-form">
            <Welcome title="Choose a new password" text=format!("for {email}") />
            <ActionForm action>
                <FormError error=failure(action) />
                <input type="hidden" name="token" value=token />
                // For password managers, which keep a password with its account.
                <input
                    class="visually-hidden"
                    name="username"
                    autocomplete="username"
                    value=email
                    tabindex="-1"
                    aria-hidden="true"
                    readonly
                />
                <NewPassword />
                <Submit pending=action.pending()>"Set password"</Submit>
            </ActionForm>
        </section>
    }
}

#[component]
fn Gone() -> impl IntoView {
    super::set_not_found_status();
    view! {
        <Title text="Not found" />
        <section class="card" data-testid="link-gone">
            <EmptyState glyph=Glyph::Search title="This link is no longer good">
                <p>
                    "It has been used or has expired. Ask whoever gave it to you for another, or "
                    <a href="/sign-in">"sign in"</a> "."
                </p>
            </EmptyState>
        </section>
    }
}
