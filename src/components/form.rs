//! What forms are made of.

use leptos::prelude::*;
use server_fn::ServerFn;

use super::copy_button::CopyButton;
use crate::{
    islands::parts::{
        icons::{Glyph, Icon},
        locale::use_locale,
    },
    model::{base_path::address, error::ApiError},
};

/// A form that calls a server function. The one of the framework knows no base path.
#[component]
pub(crate) fn ActionForm(
    /// The function's path.
    action: &'static str,
    /// What the form is made of.
    children: Children,
) -> impl IntoView {
    view! {
        <form method="post" action=address(action)>
            {children()}
        </form>
    }
}

/// A form whose fields become the query of a page.
#[component]
pub(crate) fn QueryForm(
    /// The page's path.
    #[prop(into)]
    action: String,
    /// What the form is made of.
    children: Children,
) -> impl IntoView {
    view! {
        <form method="get" action=address(&action)>
            {children()}
        </form>
    }
}

/// A labelled input that must be filled in.
#[component]
pub(crate) fn Field(
    /// The argument that it gives.
    name: &'static str,
    /// What it is called.
    label: &'static str,
    /// The input's type.
    kind: &'static str,
    /// What a browser may fill in.
    autocomplete: &'static str,
    /// What helps to fill it in.
    #[prop(optional)]
    hint: Option<&'static str>,
    /// The fewest characters.
    #[prop(optional)]
    minlength: Option<&'static str>,
    /// Whether it may stay empty.
    #[prop(optional)]
    optional: bool,
    /// Whether what was filled in last was refused.
    #[prop(optional)]
    invalid: bool,
    /// What it begins with.
    #[prop(default = None)]
    value: Option<String>,
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
                value=value
                minlength=minlength
                required=!optional
                aria-describedby=described_by
                aria-invalid=invalid.then_some("true")
            />
            {hint.map(|hint| view! { <p class="field-hint" id=hint_id>{hint}</p> })}
        </div>
    }
}

/// A new password.
#[component]
pub(crate) fn NewPassword(
    /// What it is called.
    #[prop(optional)]
    label: Option<&'static str>,
    /// Whether what was filled in last was refused.
    #[prop(optional)]
    invalid: bool,
) -> impl IntoView {
    let t = use_locale();
    let label = label.unwrap_or(t.say("Password", "Passwort"));
    view! {
        <Field
            name="password"
            label
            kind="password"
            autocomplete="new-password"
            hint=t.say("At least 10 characters.", "Mindestens 10 Zeichen.")
            invalid
            minlength="10"
        />
    }
}

/// Returns which fields a refusal is about: the new password, and all others.
pub(crate) fn invalid_fields(error: Option<&ApiError>) -> (bool, bool) {
    let is_weak = matches!(error, Some(ApiError::WeakPassword(_)));
    (error.is_some(), error.is_some() && !is_weak)
}

/// The account that a password is of, for password managers, which keep the two together.
#[component]
pub(crate) fn Username(
    /// Its email address.
    email: String,
) -> impl IntoView {
    view! {
        <input
            class="visually-hidden"
            name="username"
            autocomplete="username"
            value=email
            tabindex="-1"
            aria-hidden="true"
            readonly
        />
    }
}

/// A field by which a list is searched, with its picture.
#[component]
pub(crate) fn SearchField(
    /// The field's ID in the page.
    id: &'static str,
    /// What it is for, for those who do not see the picture.
    label: &'static str,
    /// What can be searched for.
    placeholder: &'static str,
    /// How tests find it.
    testid: &'static str,
    /// What is searched for now.
    value: String,
) -> impl IntoView {
    view! {
        <div class="filter-search">
            <Icon glyph=Glyph::Search />
            <label class="visually-hidden" for=id>
                {label}
            </label>
            <input
                id=id
                class="input"
                type="search"
                name="search"
                placeholder=placeholder
                autocomplete="off"
                data-testid=testid
                value=value
            />
        </div>
    }
}

/// A form that asks once more before it does what cannot be undone.
#[component]
pub(crate) fn ConfirmedForm(
    /// The function's path.
    action: &'static str,
    /// What the button says that asks.
    label: &'static str,
    /// What will be.
    question: &'static str,
    /// What the button says that does it.
    confirm: &'static str,
    /// How tests find the button that asks.
    #[prop(optional)]
    testid: Option<&'static str>,
    /// The fields of the form.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    view! {
        <details class="confirmed">
            <summary class="button button-quiet" data-testid=testid>{label}</summary>
            <ActionForm action>
                {children.map(|children| children())} <p>{question}</p>
                <button class="button button-danger">{confirm}</button>
            </ActionForm>
        </details>
    }
}

/// The button that sends a form.
#[component]
pub(crate) fn Submit(
    /// What it does.
    children: Children,
) -> impl IntoView {
    view! { <button class="button button-primary">{children()}</button> }
}

/// Why a form was refused. The place is always there, so that every field can point at it.
#[component]
pub(crate) fn FormError(
    /// Why, where it was.
    error: Option<ApiError>,
    /// How fields point at it.
    #[prop(default = "form-error")]
    id: &'static str,
    /// How tests find it.
    #[prop(default = "form-error")]
    testid: &'static str,
) -> impl IntoView {
    let t = use_locale();
    let notice = error.map(|error| {
        view! {
            <div class="notice" data-kind="error" data-testid=testid>
                <Icon glyph=Glyph::Alert />
                <p>{t.error(&error)}</p>
            </div>
        }
    });
    view! {
        <div id=id class="form-error" role="alert">
            {notice}
        </div>
    }
}

/// Returns why the call of a server function failed that led to this page.
pub(crate) fn failure<S>() -> Option<ApiError>
where
    S: ServerFn<Error = ApiError> + Clone + Send + Sync + 'static,
    S::Output: Clone + Send + Sync + 'static,
{
    let value = ServerAction::<S>::new().value();
    value.get_untracked().and_then(Result::err)
}

/// Shows a secret that is told once, ready to be copied.
#[component]
pub(crate) fn ShownOnce(
    /// What it is, and what to do with it.
    #[prop(into)]
    what: String,
    /// The secret, where there is one.
    secret: Option<String>,
    /// Whether something else did not work, as it says.
    #[prop(optional)]
    is_warning: bool,
) -> impl IntoView {
    let (kind, glyph) = if is_warning {
        ("warning", Glyph::Alert)
    } else {
        ("success", Glyph::Check)
    };
    secret.map(|secret| {
        view! {
            <div class="notice shown-once" data-kind=kind role="status">
                <Icon glyph />
                <div>
                    <p id="shown-once">{what}</p>
                    <div class="shown-once-value">
                        <input
                            id="shown-once-value"
                            class="input code"
                            readonly
                            value=secret
                            aria-labelledby="shown-once"
                            data-testid="shown-once"
                        />
                        <CopyButton of="shown-once-value" />
                    </div>
                </div>
            </div>
        }
    })
}
