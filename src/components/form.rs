//! What forms are made of.

use leptos::{ev, form::FromFormData, html, prelude::*};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use serde::de::DeserializeOwned;
use server_fn::{Http, ServerFn, client::Client, codec::PostUrl, request::ClientReq};
use web_sys::{FormData, HtmlFormElement, HtmlInputElement, UrlSearchParams, wasm_bindgen::JsCast};

use super::{
    icons::{Glyph, Icon},
    language::use_locale,
};
use crate::model::{base_path::address, error::ApiError};

/// Has an input follow a value as it changes. What was typed before the page was alive stays.
pub(crate) fn follow(value: impl Into<Signal<String>>) -> NodeRef<html::Input> {
    let (value, input) = (value.into(), NodeRef::<html::Input>::new());
    Effect::new(move |before: Option<String>| {
        let now = value.get();
        if before.is_some_and(|before| before != now)
            && let Some(input) = input.get_untracked()
        {
            input.set_value(&now);
        }
        now
    });
    input
}

/// A form that calls a server function, with script or without. The one of the framework knows no base path.
#[component]
pub(crate) fn ActionForm<F, Output>(
    /// What calls it.
    action: ServerAction<F>,
    /// What the form is made of.
    children: Children,
) -> impl IntoView
where
    F: ServerFn<Protocol = Http<PostUrl, Output>>
        + DeserializeOwned
        + Clone
        + Send
        + Sync
        + 'static,
    F::Output: Send + Sync + 'static,
    F::Error: Send + Sync + 'static,
    F::Client: Client<F::Error>,
    <<F::Client as Client<F::Error>>::Request as ClientReq<F::Error>>::FormData: From<FormData>,
{
    let submit = move |event: ev::SubmitEvent| {
        if event.default_prevented() {
            return;
        }
        // What cannot be read here is sent as it is, for the server to say so.
        if let Ok(call) = F::from_event(&event) {
            event.prevent_default();
            action.dispatch(call);
        }
    };
    view! {
        <form method="post" action=address(F::url()) on:submit=submit>
            {children()}
        </form>
    }
}

/// A form whose fields become the query of a page. The one of the router knows no base path without script.
#[component]
pub(crate) fn QueryForm(
    /// The page's path.
    #[prop(into)]
    action: String,
    /// What the form is made of.
    children: Children,
) -> impl IntoView {
    let navigate = use_navigate();
    let address = address(&action);
    let submit = move |event: ev::SubmitEvent| {
        if !event.default_prevented()
            && let Some(query) = query(&event)
        {
            event.prevent_default();
            navigate(&format!("{action}?{query}"), NavigateOptions::default());
        }
    };
    view! {
        <form method="get" action=address on:submit=submit>
            {children()}
        </form>
    }
}

/// Reads the fields of a form as a query.
fn query(event: &ev::SubmitEvent) -> Option<String> {
    let form: HtmlFormElement = event.target()?.dyn_into().ok()?;
    let fields = FormData::new_with_form(&form).ok()?;
    let query = UrlSearchParams::new_with_str_sequence_sequence(&fields).ok()?;
    query.to_string().as_string()
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
    #[prop(optional, into)]
    invalid: Signal<bool>,
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
                required=!optional
                aria-describedby=described_by
                aria-invalid=move || invalid.get().then_some("true")
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
    #[prop(optional, into)]
    invalid: Signal<bool>,
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

/// The button that sends a form.
#[component]
pub(crate) fn Submit(
    /// Whether it is on its way.
    pending: Memo<bool>,
    /// What it does.
    children: Children,
) -> impl IntoView {
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

/// Why a form was refused. The place is always there, so that every field can point at it.
#[component]
pub(crate) fn FormError(
    /// Why, where it was.
    error: Signal<Option<ApiError>>,
    /// How fields point at it.
    #[prop(default = "form-error")]
    id: &'static str,
    /// How tests find it.
    #[prop(default = "form-error")]
    testid: &'static str,
) -> impl IntoView {
    let t = use_locale();
    view! {
        <div id=id class="form-error" role="alert">
            {move || {
                error
                    .get()
                    .map(|error| {
                        view! {
                            <div class="notice" data-kind="error" data-testid=testid>
                                <Icon glyph=Glyph::Alert />
                                <p>{t.error(&error)}</p>
                            </div>
                        }
                    })
            }}
        </div>
    }
}

/// Returns why the last try failed, with script or without.
pub(crate) fn failure<S>(action: ServerAction<S>) -> Signal<Option<ApiError>>
where
    S: ServerFn<Error = ApiError> + Clone + Send + Sync + 'static,
    S::Output: Clone + Send + Sync + 'static,
{
    Signal::derive(move || action.value().get().and_then(Result::err))
}

/// Shows a secret that is told once, ready to be copied.
#[component]
pub(crate) fn ShownOnce(
    /// What it is, and what to do with it.
    what: &'static str,
    /// The secret, where there is one.
    #[prop(into)]
    secret: Signal<Option<String>>,
) -> impl IntoView {
    let select = |event: ev::FocusEvent| event_target::<HtmlInputElement>(&event).select();
    move || {
        secret.get().map(|secret| {
            view! {
                <div class="notice shown-once" data-kind="success" role="status">
                    <Icon glyph=Glyph::Check />
                    <div>
                        <p id="shown-once">{what}</p>
                        <input
                            class="input code"
                            readonly
                            value=secret
                            aria-labelledby="shown-once"
                            data-testid="shown-once"
                            on:focus=select
                        />
                    </div>
                </div>
            }
        })
    }
}
