//! The signed-in user's account.

use leptos::prelude::*;
use server_fn::ServerFn;

use super::query;
use crate::{
    api::{
        account::{ChangePassword, EndSession, SetMail, SignOutEverywhere, account},
        passkeys::{AddPasskey, BeginNewPasskey, RemovePasskey, RenamePasskey},
    },
    components::{
        data_table::DataTable,
        form::{
            ActionForm, ConfirmedForm, Field, FormError, NewPassword, Submit, Username, failure,
            invalid_fields, refused,
        },
        moment::Moment,
        notice::ErrorNotice,
        page_title::PageTitle,
        passkey::{Ceremony, PasskeyForm, PasskeyName, PasskeyScript},
        settings_nav::SettingsNav,
    },
    islands::parts::locale::use_locale,
    model::{
        account::{AccountState, MailWish, OpenSession},
        passkey::{OwnPasskey, PasskeyList},
    },
};

#[component]
pub(crate) fn AccountPage() -> impl IntoView {
    let t = use_locale();
    let state = Suspend::new(async {
        match account().await {
            Ok(state) => view! { <Account state /> }.into_any(),
            Err(error) => view! { <ErrorNotice error here="/account" /> }.into_any(),
        }
    });
    view! {
        <PageTitle text=t.say("Account", "Konto") />
        <h1>{t.say("Account", "Konto")}</h1>
        <SettingsNav />
        {state}
    }
}

#[component]
fn Account(state: AccountState) -> impl IntoView {
    let t = use_locale();
    let account = state.email.clone();
    let AccountState {
        name,
        email,
        role,
        has_password,
        mail,
        is_external,
        passkeys,
        sessions,
    } = state;
    view! {
        <section class="card overview" aria-labelledby="who-title">
            <header class="card-head">
                <h2 id="who-title">{t.say("Profile", "Profil")}</h2>
            </header>
            <dl>
                <div>
                    <dt>{t.say("Name", "Name")}</dt>
                    <dd>{name}</dd>
                </div>
                <div>
                    <dt>{t.say("Email", "E-Mail")}</dt>
                    <dd>{email}</dd>
                </div>
                <div>
                    <dt>{t.say("Role", "Rolle")}</dt>
                    <dd data-testid="role">{role.title(t)}</dd>
                </div>
            </dl>
        </section>
        {mail.map(|wish| view! { <MailForm wish /> })}
        {has_password.then(|| view! { <PasswordForm email=account /> })}
        {is_external
            .then(|| {
                view! {
                    <p class="settings-note">
                        {t.say(
                            "You sign in through another service, which manages your password.",
                            "Du meldest dich über einen anderen Dienst an, der dein Passwort verwaltet.",
                        )}
                    </p>
                }
            })}
        {passkeys.map(|list| view! { <Passkeys list /> })}
        <Sessions sessions />
    }
}

#[component]
fn MailForm(wish: MailWish) -> impl IntoView {
    let t = use_locale();
    let saved = query::value("saved")
        .filter(|saved| saved == "mail")
        .map(|_| t.say("Saved.", "Gespeichert."));
    let form = refused::<SetMail>();
    let choices = MailWish::ALL.map(|choice| {
        let checked = form.has("wish", choice.as_str(), choice == wish);
        view! {
            <label class="upload-check">
                <input
                    type="radio"
                    name="wish"
                    value=choice.as_str()
                    checked=checked
                />
                {choice.title(t)}
            </label>
        }
    });
    view! {
        <section class="card settings-card" aria-labelledby="mail-title">
            <header class="card-head">
                <h2 id="mail-title">{t.say("Emails", "E-Mails")}</h2>
            </header>
            <ActionForm action=SetMail::url()>
                <FormError error=form.error.clone() id="mail-error" testid="mail-error" />
                <p class="settings-note" role="status" data-testid="mail-saved">
                    {saved}
                </p>
                <input type="hidden" name="language" value=t.tag() />
                <fieldset class="webhook-events">
                    <legend>{t.say("Email me about my imports", "E-Mails zu meinen Importen")}</legend>
                    {choices}
                </fieldset>
                <Submit>{t.say("Save", "Speichern")}</Submit>
            </ActionForm>
        </section>
    }
}

#[component]
fn PasswordForm(email: String) -> impl IntoView {
    let t = use_locale();
    let error = failure::<ChangePassword>();
    let (weak, current) = invalid_fields(error.as_ref());
    let weak = weak && !current;
    let saved = query::value("saved").filter(|saved| saved == "password").map(|_| {
        t.say(
            "Your password has been changed. All other sessions were signed out and your API tokens revoked.",
            "Dein Passwort wurde geändert. Alle anderen Sitzungen wurden beendet und deine API-Tokens widerrufen.",
        )
    });
    view! {
        <section class="card settings-card" aria-labelledby="password-title">
            <header class="card-head">
                <h2 id="password-title">{t.say("Password", "Passwort")}</h2>
            </header>
            <ActionForm action=ChangePassword::url()>
                <FormError error />
                <p class="settings-note" role="status" data-testid="password-saved">
                    {saved}
                </p>
                <Username email />
                <Field
                    name="current"
                    label=t.say("Current password", "Aktuelles Passwort")
                    kind="password"
                    autocomplete="current-password"
                    invalid=current
                />
                <NewPassword label=t.say("New password", "Neues Passwort") invalid=weak />
                <Submit>{t.say("Change password", "Passwort ändern")}</Submit>
            </ActionForm>
        </section>
    }
}

#[component]
fn Passkeys(list: PasskeyList) -> impl IntoView {
    let t = use_locale();
    let PasskeyList {
        passkeys,
        may_add,
        may_have_none,
        suggested_name,
    } = list;
    let may_remove = may_have_none || passkeys.len() > 1;
    let is_empty = passkeys.is_empty();
    let rows = passkeys
        .into_iter()
        .map(|passkey| view! { <PasskeyRow passkey may_remove /> })
        .collect_view();
    let error = failure::<AddPasskey>()
        .or_else(failure::<RenamePasskey>)
        .or_else(failure::<RemovePasskey>);
    let new_name = refused::<AddPasskey>().value("name");
    let new_name = new_name.unwrap_or(suggested_name);
    let add = may_add.then(|| {
        view! {
            <PasskeyForm
                ceremony=Ceremony::Create
                begin=BeginNewPasskey::url()
                action=AddPasskey::url()
                button=t.say("Add passkey", "Passkey hinzufügen")
                is_main=false
            >
                <PasskeyName id="new-passkey-name" value=new_name />
            </PasskeyForm>
            <p class="settings-note" data-passkey-missing>
                {t.say(
                    "To add one, use a current browser with JavaScript.",
                    "Um einen hinzuzufügen, verwende einen aktuellen Browser mit JavaScript.",
                )}
            </p>
        }
    });
    view! {
        <section class="card settings-card" aria-labelledby="passkeys-title" data-testid="passkeys">
            <header class="card-head">
                <h2 id="passkeys-title">{t.say("Passkeys", "Passkeys")}</h2>
            </header>
            <p class="settings-note">
                {t.say(
                    "Sign in with your fingerprint, your face, the PIN of your device or a security key.",
                    "Melde dich mit Fingerabdruck, Gesicht, der PIN deines Geräts oder einem Sicherheitsschlüssel an.",
                )}
            </p>
            <FormError error id="passkey-error" testid="passkey-error" />
            <ul class="passkeys" hidden=is_empty>
                {rows}
            </ul>
            {add}
        </section>
        <PasskeyScript />
    }
}

#[component]
fn PasskeyRow(passkey: OwnPasskey, may_remove: bool) -> impl IntoView {
    let t = use_locale();
    let OwnPasskey {
        id,
        name,
        created_at,
        last_used_at,
        is_synced,
    } = passkey;
    let last_used = match last_used_at {
        Some(at) => view! { {t.say("last used ", "zuletzt benutzt ")} <Moment at /> }.into_any(),
        None => t.say("not used yet", "noch nicht benutzt").into_any(),
    };
    let shown_name = name.clone();
    let form = refused::<RenamePasskey>();
    let renamed = form.value("name").filter(|_| form.has("id", &id, false));
    let is_open = renamed.is_some();
    let name = renamed.unwrap_or(name);
    let (name_id, removed_id) = (format!("name-{id}"), id.clone());
    let remove = may_remove.then(|| {
        view! {
            <ConfirmedForm
                action=RemovePasskey::url()
                label=t.say("Remove", "Entfernen")
                question=t.say(
                    "You can no longer sign in with this passkey.",
                    "Mit diesem Passkey kannst du dich dann nicht mehr anmelden.",
                )
                confirm=t.say("Remove passkey", "Passkey entfernen")
            >
                <input type="hidden" name="id" value=removed_id />
            </ConfirmedForm>
        }
    });
    let synced =
        is_synced.then(|| view! { <span class="chip">{t.say("Synced", "Synchronisiert")}</span> });
    view! {
        <li class="passkey" data-testid="passkey-row">
            <div>
                <p class="passkey-name">{shown_name} " " {synced}</p>
                <p class="settings-note">
                    {t.say("Added ", "Hinzugefügt ")} <Moment at=created_at /> " · " {last_used}
                </p>
            </div>
            <div class="passkey-actions">
                <details open=is_open>
                    <summary class="button button-quiet">{t.say("Rename", "Umbenennen")}</summary>
                    <ActionForm action=RenamePasskey::url()>
                        <input type="hidden" name="id" value=id />
                        <PasskeyName id=name_id value=name />
                        <button class="button">{t.say("Save", "Speichern")}</button>
                    </ActionForm>
                </details>
                {remove}
            </div>
        </li>
    }
}

#[component]
fn Sessions(sessions: Vec<OpenSession>) -> impl IntoView {
    let t = use_locale();
    let rows = sessions
        .into_iter()
        .map(|session| view! { <SessionRow session /> })
        .collect_view();
    view! {
        <section class="card card-flush" aria-labelledby="sessions-title">
            <header class="card-head">
                <h2 id="sessions-title">{t.say("Active sessions", "Aktive Sitzungen")}</h2>
                <ConfirmedForm
                    action=SignOutEverywhere::url()
                    label=t.say("Sign out everywhere", "Überall abmelden")
                    question=t.say(
                        "This ends all sessions and revokes your API tokens.",
                        "Das beendet alle Sitzungen und widerruft deine API-Tokens.",
                    )
                    confirm=t.say("Sign out and revoke", "Abmelden und widerrufen")
                    testid="sign-out-everywhere"
                />
            </header>
            <DataTable
                class="table settings-table"
                testid="sessions"
                caption=t.say("Active sessions, most recent first", "Aktive Sitzungen, neueste zuerst")
                heads=vec![
                    t.say("Device", "Gerät"),
                    t.say("IP address", "IP-Adresse"),
                    t.say("Last active", "Zuletzt aktiv"),
                ]
                actions=t.say("Sign out", "Abmelden")
            >
                {rows}
            </DataTable>
        </section>
    }
}

#[component]
fn SessionRow(session: OpenSession) -> impl IntoView {
    let t = use_locale();
    let browser = session
        .browser
        .unwrap_or_else(|| t.say("Unknown browser", "Unbekannter Browser").to_owned());
    let last = if session.is_current {
        view! { <span class="chip">{t.say("This device", "Dieses Gerät")}</span> }.into_any()
    } else {
        view! {
            <ActionForm action=EndSession::url()>
                <input type="hidden" name="id" value=session.id />
                <button class="button button-quiet">{t.say("Sign out", "Abmelden")}</button>
            </ActionForm>
        }
        .into_any()
    };
    view! {
        <tr role="row" data-testid="session-row">
            <th role="rowheader" scope="row">{browser}</th>
            <td role="cell" class="code" data-label=t.say("IP address", "IP-Adresse")>
                {session.address}
            </td>
            <td role="cell" data-label=t.say("Last active", "Zuletzt aktiv")>
                <Moment at=session.last_seen_at />
            </td>
            <td role="cell" class="settings-actions">{last}</td>
        </tr>
    }
}
