//! Parts of forms.

use leptos::prelude::*;
use server_fn::ServerFn;

use super::copy_button::CopyButton;
use crate::{
    islands::parts::{
        icons::{Glyph, Icon},
        locale::use_locale,
    },
    model::{
        base_path::address, error::ApiError, imports_filter::Day, products_filter::Amount,
        refused_form::RefusedForm,
    },
};

/// A form that calls a server function. Leptos' own form does not know the base path.
#[component]
pub(crate) fn ActionForm(
    /// Path of the function.
    action: &'static str,
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
    /// Path of the page.
    #[prop(into)]
    action: String,
    children: Children,
) -> impl IntoView {
    view! {
        <form method="get" action=address(&action)>
            {children()}
        </form>
    }
}

/// An input of a filter for a day.
#[component]
pub(crate) fn DayFilter(
    name: &'static str,
    label: &'static str,
    testid: &'static str,
    value: Option<Day>,
) -> impl IntoView {
    let t = use_locale();
    let value = value.map(|day| day.to_string());
    view! {
        <label class="filter-field" title=t.say("Dates are in UTC", "Datumsangaben in UTC")>
            <span>{label}</span>
            <input class="input" type="date" name=name data-testid=testid value=value />
        </label>
    }
}

/// An input of a filter for a number. The browser refuses a word before the page is left.
#[component]
pub(crate) fn NumberInput(
    name: &'static str,
    value: Option<String>,
    #[prop(optional)] testid: Option<&'static str>,
) -> impl IntoView {
    let t = use_locale();
    view! {
        <input
            class="input"
            inputmode="decimal"
            pattern=r"\s*\d+([.,]\d+)?\s*"
            title=t.say("A number, such as 12.50", "Eine Zahl, zum Beispiel 12,50")
            name=name
            data-testid=testid
            value=value
        />
    }
}

/// An input of a filter for an amount of money.
#[component]
pub(crate) fn AmountFilter(
    name: &'static str,
    label: &'static str,
    testid: &'static str,
    value: Option<Amount>,
) -> impl IntoView {
    let value = value.map(|amount| amount.to_string());
    view! {
        <label class="filter-field">
            <span>{label}</span>
            <NumberInput name value testid />
        </label>
    }
}

/// A labelled input, required unless `optional`.
#[component]
pub(crate) fn Field(
    name: &'static str,
    label: &'static str,
    /// Type of the input.
    kind: &'static str,
    autocomplete: &'static str,
    /// A hint below the input.
    #[prop(optional)]
    hint: Option<&'static str>,
    #[prop(optional)] minlength: Option<&'static str>,
    #[prop(optional)] optional: bool,
    /// Whether the last value was rejected.
    #[prop(optional)]
    invalid: bool,
    /// Initial value.
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

/// The field for a new password.
#[component]
pub(crate) fn NewPassword(
    #[prop(optional)] label: Option<&'static str>,
    /// Whether the last value was rejected.
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

/// The fields and the button of a form that creates an account, filled in as it was refused.
#[component]
pub(crate) fn NewAccount(
    form: RefusedForm,
    /// The address that the invitation names.
    #[prop(optional_no_strip)]
    email: Option<String>,
) -> impl IntoView {
    let t = use_locale();
    let (weak, invalid) = invalid_fields(form.error.as_ref());
    view! {
        <Field
            name="name"
            label=t.say("Name", "Name")
            kind="text"
            autocomplete="name"
            invalid
            value=form.value("name")
        />
        <Field
            name="email"
            label=t.say("Email", "E-Mail")
            kind="email"
            autocomplete="username"
            invalid
            value=form.value("email").or(email)
        />
        <NewPassword invalid=weak />
        <Submit>{t.say("Create account", "Konto erstellen")}</Submit>
    }
}

/// Returns which fields an error is about: the new password, and all others.
pub(crate) fn invalid_fields(error: Option<&ApiError>) -> (bool, bool) {
    let is_weak = matches!(error, Some(ApiError::WeakPassword(_)));
    (error.is_some(), error.is_some() && !is_weak)
}

/// A hidden field with the account of a password, for password managers.
#[component]
pub(crate) fn Username(email: String) -> impl IntoView {
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

/// The search field of a list.
#[component]
pub(crate) fn SearchField(
    id: &'static str,
    /// Label for screen readers.
    label: &'static str,
    placeholder: &'static str,
    testid: &'static str,
    /// The current search.
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

/// A form that asks for confirmation.
#[component]
pub(crate) fn ConfirmedForm(
    /// Path of the function.
    action: &'static str,
    /// Label of the first button.
    label: &'static str,
    /// The question, which names the consequence.
    question: &'static str,
    /// Label of the confirming button.
    confirm: &'static str,
    #[prop(optional)] testid: Option<&'static str>,
    /// Fields of the form.
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

/// The button that submits a form.
#[component]
pub(crate) fn Submit(children: Children) -> impl IntoView {
    view! { <button class="button button-primary">{children()}</button> }
}

/// The error of a form. The element always exists, so that fields can refer to it.
#[component]
pub(crate) fn FormError(
    error: Option<ApiError>,
    /// ID for `aria-describedby`.
    #[prop(default = "form-error")]
    id: &'static str,
    #[prop(default = "form-error")] testid: &'static str,
) -> impl IntoView {
    let t = use_locale();
    let notice = error.map(|error| {
        let (kind, text) = match error {
            // Shown only after that.
            ApiError::Unconfirmed => (
                "info",
                t.say(
                    "We asked you to confirm your identity first. Send the form again.",
                    "Zuerst musstest du deine Identität bestätigen. Sende das Formular noch einmal.",
                )
                .to_owned(),
            ),
            error => ("error", t.error(&error)),
        };
        view! {
            <div class="notice" data-kind=kind data-testid=testid>
                <Icon glyph=Glyph::Alert />
                <p>{text}</p>
            </div>
        }
    });
    view! {
        <div id=id class="form-error" role="alert">
            {notice}
        </div>
    }
}

/// Returns the form of a server function that was refused before this page.
pub(crate) fn refused<S: ServerFn>() -> RefusedForm {
    RefusedForm::sent_to(S::url())
}

/// Returns the error of the server function whose form was refused before this page.
pub(crate) fn failure<S: ServerFn>() -> Option<ApiError> {
    refused::<S>().error
}

/// Shows a secret once, with a button that copies it.
#[component]
pub(crate) fn ShownOnce(
    /// Description of the secret and its use.
    #[prop(into)]
    what: String,
    /// The secret, if there is one.
    secret: Option<String>,
    /// Whether it is a warning: something else failed.
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
