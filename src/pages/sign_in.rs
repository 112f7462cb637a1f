//! The sign-in page.

use leptos::prelude::*;
use leptos_router::params::ParamsMap;
use server_fn::ServerFn;

use super::query;
use crate::{
    api::{
        passkeys::{BeginPasskeySignIn, SignInWithPasskey},
        session::{CreateOwner, SignIn, sign_in_state},
    },
    components::{
        form::{ActionForm, Field, FormError, NewAccount, Submit, failure, refused},
        notice::ErrorNotice,
        page_title::PageTitle,
        passkey::{Ceremony, PasskeyForm, PasskeyScript},
        welcome::Welcome,
    },
    i18n::locale::Locale,
    islands::parts::{
        icons::{Glyph, Icon},
        locale::use_locale,
    },
    model::{
        base_path::address,
        error::{ApiError, Elsewhere},
        secret::Secret,
        session::{PROVIDER_PATH, SignInProblem, SignInState},
    },
};

/// Signs in, or creates the owner's account if there is none.
#[component]
pub(crate) fn SignInPage() -> impl IntoView {
    let setup = query::value("setup").map(Secret::from);
    let form = Suspend::new(async {
        match sign_in_state(setup).await {
            Ok(SignInState::NeedsOwner { provider, setup }) => {
                view! { <OwnerForm provider setup /> }.into_any()
            }
            Ok(SignInState::NeedsLink { provider }) => view! { <NeedsLink provider /> }.into_any(),
            Ok(SignInState::SignedOut {
                passwords,
                passkeys,
                provider,
                elsewhere,
                contact,
            }) => view! { <SignInForm passwords passkeys provider elsewhere contact /> }.into_any(),
            Ok(SignInState::SignedIn) => view! { <SignedIn /> }.into_any(),
            Err(error) => view! { <ErrorNotice error here="/sign-in" /> }.into_any(),
        }
    });
    view! { <div class="sign-in">{form}</div> }
}

#[component]
fn SignInForm(
    passwords: bool,
    /// Whether passkeys are accepted.
    passkeys: bool,
    provider: Option<String>,
    /// Why a session of another service is not accepted.
    elsewhere: Option<Elsewhere>,
    contact: Option<String>,
) -> impl IntoView {
    let t = use_locale();
    let whom = whom_to_ask(contact, t);
    let ask = t.fill(
        "Need access? Ask {whom}.",
        "Du brauchst Zugang? Frage {whom}.",
        &[("whom", &whom)],
    );
    let form = refused::<SignIn>();
    let invalid = form.error.is_some();
    view! {
        <PageTitle text=t.say("Sign in", "Anmelden") />
        <section class="card sign-in-card" data-testid="sign-in-form">
            <Welcome
                title=t.say("Sign in", "Anmelden")
                text=t.say(
                    "Import products and track progress.",
                    "Produkte importieren und den Fortschritt verfolgen.",
                )
            />
            {elsewhere
                .map(|elsewhere| {
                    view! {
                        <div class="notice" role="status" data-testid="signed-in-elsewhere">
                            <Icon glyph=Glyph::Alert />
                            <p>{t.error(&ApiError::Elsewhere(elsewhere))}</p>
                        </div>
                    }
                })}
            // Also shown without passkeys.
            <FormError
                error={failure::<SignInWithPasskey>()}
                id="passkey-error"
                testid="passkey-error"
            />
            {passwords
                .then(|| {
                    view! {
                        <ActionForm action=SignIn::url()>
                            <FormError error=form.error.clone() testid="sign-in-error" />
                            <Next />
                            <Field
                                name="email"
                                label=t.say("Email", "E-Mail")
                                kind="email"
                                autocomplete="username"
                                invalid
                                value=form.value("email")
                            />
                            <Field
                                name="password"
                                label=t.say("Password", "Passwort")
                                kind="password"
                                autocomplete="current-password"
                                invalid
                            />
                            <Submit>{t.say("Sign in", "Anmelden")}</Submit>
                        </ActionForm>
                    }
                })}
            <OtherWays passkeys provider whom=whom.clone() is_only=!passwords />
            <p class="sign-in-help" data-testid="whom-to-ask">{ask}</p>
        </section>
    }
}

#[component]
fn OwnerForm(provider: Option<String>, setup: Option<Secret>) -> impl IntoView {
    let t = use_locale();
    let form = refused::<CreateOwner>();
    let title = t.say("Create your account", "Konto erstellen");
    view! {
        <PageTitle text=title />
        <section class="card sign-in-card" data-testid="sign-in-form">
            <Welcome
                title
                text=t.say(
                    "Welcome. This first account will be the owner.",
                    "Willkommen. Dieses erste Konto wird Inhaber.",
                )
            />
            <ActionForm action=CreateOwner::url()>
                <FormError error=form.error.clone() testid="sign-in-error" />
                <Next />
                {setup.map(|setup| {
                    view! { <input type="hidden" name="setup" value=setup.into_exposed() /> }
                })}
                <NewAccount form />
            </ActionForm>
            <OtherWays passkeys=false provider whom=whom_to_ask(None, t) is_only=false />
        </section>
    }
}

/// Explains how the owner's account is created.
#[component]
fn NeedsLink(provider: Option<String>) -> impl IntoView {
    let t = use_locale();
    let title = t.say("Set up Import Relay", "Import Relay einrichten");
    view! {
        <PageTitle text=title />
        <section class="card sign-in-card" data-testid="needs-link">
            <Welcome
                title
                text=t.say(
                    "To create the owner account, open the link the server printed at startup. Run \
                     import-relay owner-link to get a new one.",
                    "Öffne den Link, den der Server beim Start ausgegeben hat, um das Konto des \
                     Inhabers zu erstellen. Einen neuen erhältst du mit import-relay owner-link.",
                )
            />
            <OtherWays passkeys=false provider whom=whom_to_ask(None, t) is_only=false />
        </section>
    }
}

/// Names the person to ask for access.
fn whom_to_ask(contact: Option<String>, t: Locale) -> String {
    contact.unwrap_or_else(|| t.say("the owner", "den Inhaber").to_owned())
}

#[component]
fn SignedIn() -> impl IntoView {
    let t = use_locale();
    view! {
        <PageTitle text=t.say("Signed in", "Angemeldet") />
        <section class="card sign-in-card">
            <Welcome
                title=t.say("You're already signed in", "Du bist bereits angemeldet")
                text=t.say("Continue to your imports.", "Weiter geht es bei deinen Importen.")
            />
            <a class="button button-primary" href=address("/imports")>
                {t.say("Go to your imports", "Zu deinen Importen")}
            </a>
        </section>
    }
}

/// Other ways to sign in than the password. Shown once there is one that the browser supports.
#[component]
fn OtherWays(
    /// Whether passkeys are accepted.
    passkeys: bool,
    /// Name of the provider.
    provider: Option<String>,
    whom: String,
    /// Whether passwords are off.
    is_only: bool,
) -> impl IntoView {
    let t = use_locale();
    view! {
        <div class="sign-in-elsewhere">
            {(!is_only).then(|| view! { <p class="sign-in-or">{t.say("or", "oder")}</p> })}
            {passkeys
                .then(|| {
                    view! {
                        <PasskeyForm
                            ceremony=Ceremony::Get
                            begin=BeginPasskeySignIn::url()
                            action=SignInWithPasskey::url()
                            next=next()
                            button=t.say("Sign in with a passkey", "Mit einem Passkey anmelden")
                            is_main=is_only
                        />
                        <PasskeyScript />
                    }
                })}
            {provider.map(|provider| view! { <SignInElsewhere provider whom /> })}
        </div>
    }
}

/// The link to the OpenID Connect provider, with the error if the sign-in there failed.
#[component]
fn SignInElsewhere(
    /// Name of the provider.
    provider: String,
    whom: String,
) -> impl IntoView {
    let t = use_locale();
    let href = match next() {
        Some(next) => {
            let mut query = ParamsMap::new();
            query.insert("next", next);
            format!("{PROVIDER_PATH}{}", query.to_query_string())
        }
        None => PROVIDER_PATH.to_owned(),
    };
    let problem = query::value("problem");
    let problem = problem.as_deref().and_then(SignInProblem::read);
    let problem = problem.map(|problem| {
        view! {
            <div class="notice" data-kind="error" role="alert" data-testid="sign-in-problem">
                <Icon glyph=Glyph::Alert />
                <p>{wording(problem, &provider, &whom, t)}</p>
            </div>
        }
    });
    view! {
        {problem}
        <a class="button" href=address(&href) data-testid="sign-in-elsewhere">
            {t.fill("Sign in with {provider}", "Mit {provider} anmelden", &[("provider", &provider)])}
        </a>
    }
}

fn wording(problem: SignInProblem, provider: &str, whom: &str, t: Locale) -> String {
    let names = [("provider", provider), ("whom", whom)];
    match problem {
        SignInProblem::Unreachable => t.fill(
            "{provider} can't be reached right now. Try again in a moment.",
            "{provider} ist gerade nicht erreichbar. Versuche es gleich noch einmal.",
            &names,
        ),
        SignInProblem::Refused => t.fill(
            "Sign-in with {provider} failed. Try again.",
            "Die Anmeldung mit {provider} ist fehlgeschlagen. Versuche es noch einmal.",
            &names,
        ),
        SignInProblem::Stranger => t.fill(
            "Your {provider} account doesn't have access to this app. Ask {whom}.",
            "Dein Konto bei {provider} hat keinen Zugang zu dieser App. Frage {whom}.",
            &names,
        ),
        SignInProblem::TooMany => t
            .say(
                "Too many attempts. Try again in a few minutes.",
                "Zu viele Versuche. Versuche es in einigen Minuten noch einmal.",
            )
            .to_owned(),
    }
}

fn next() -> Option<String> {
    query::value("next")
}

/// The target after signing in.
#[component]
fn Next() -> impl IntoView {
    next().map(|next| view! { <input type="hidden" name="next" value=next /> })
}
