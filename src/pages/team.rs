//! The team: members, invitations and roles.

use leptos::prelude::*;
use server_fn::ServerFn;

use crate::{
    api::team::{Invite, MakeResetLink, RemovePasskeys, RevokeLink, SetAccess, SetRole, team},
    components::{
        form::{ActionForm, ConfirmedForm, Field, FormError, ShownOnce, Submit, failure},
        moment::Expiry,
        notice::ErrorNotice,
        page_title::PageTitle,
        settings_nav::SettingsNav,
    },
    islands::parts::locale::use_locale,
    model::{
        role::Role,
        secret::Secret,
        team::{OpenLink, TeamMember, TeamState},
    },
};

#[component]
pub(crate) fn TeamPage() -> impl IntoView {
    let state = Suspend::new(async {
        match team().await {
            Ok(state) => view! { <Team state /> }.into_any(),
            Err(error) => view! { <ErrorNotice error here="/team" /> }.into_any(),
        }
    });
    view! {
        <PageTitle text="Team" />
        <h1>"Team"</h1>
        <SettingsNav />
        {state}
    }
}

#[component]
fn Team(state: TeamState) -> impl IntoView {
    let t = use_locale();
    let TeamState {
        members,
        links,
        passwords,
        fresh,
    } = state;
    let secret = fresh.map(Secret::into_exposed);
    let error = failure::<SetRole>()
        .or_else(failure::<SetAccess>)
        .or_else(failure::<MakeResetLink>)
        .or_else(failure::<RemovePasskeys>);
    let rows = members
        .into_iter()
        .map(|member| view! { <MemberRow member passwords /> })
        .collect_view();
    view! {
        <ShownOnce
            what=t.say(
                "Copy the link now and share it. It works once and won't be shown again.",
                "Kopiere den Link jetzt und teile ihn. Er gilt einmal und wird nicht noch einmal angezeigt.",
            )
            secret
        />
        {if passwords {
            view! { <InviteForm /> }.into_any()
        } else {
            view! {
                <p class="settings-note" data-testid="no-invitations">
                    {t.say(
                        "Passwords are turned off: people get access from your identity provider.",
                        "Passwörter sind abgeschaltet: Zugang gibt euer Identitätsanbieter.",
                    )}
                </p>
            }
                .into_any()
        }}
        <FormError error id="team-error" testid="team-error" />
        <section class="card card-flush" aria-labelledby="members-title">
            <header class="card-head">
                <h2 id="members-title">{t.say("Members", "Mitglieder")}</h2>
            </header>
            <table class="table settings-table" role="table" data-testid="members">
                <caption class="visually-hidden">
                    {t.say("Team members", "Teammitglieder")}
                </caption>
                <thead role="rowgroup">
                    <tr role="row">
                        <th role="columnheader" scope="col">"Name"</th>
                        <th role="columnheader" scope="col">{t.say("Role", "Rolle")}</th>
                        <th role="columnheader" scope="col">
                            <span class="visually-hidden">{t.say("Actions", "Aktionen")}</span>
                        </th>
                    </tr>
                </thead>
                <tbody role="rowgroup">{rows}</tbody>
            </table>
        </section>
        <Links links />
    }
}

#[component]
fn InviteForm() -> impl IntoView {
    let t = use_locale();
    view! {
        <section class="card settings-card" aria-labelledby="invite-title">
            <header class="card-head">
                <h2 id="invite-title">{t.say("Invite someone", "Jemanden einladen")}</h2>
            </header>
            <ActionForm action=Invite::url()>
                <FormError error={failure::<Invite>()} />
                <div class="settings-row">
                    <Field
                        name="note"
                        label=t.say("Note", "Notiz")
                        kind="text"
                        autocomplete="off"
                        hint=t.say("Only visible to owners.", "Nur für Inhaber sichtbar.")
                        optional=true
                    />
                    <div class="field">
                        <label for="invite-role">{t.say("Role", "Rolle")}</label>
                        <RoleSelect id="invite-role" selected=Role::Staff />
                    </div>
                </div>
                <RolesExplained />
                <Submit>
                    {t.say("Create invitation link", "Einladungslink erstellen")}
                </Submit>
            </ActionForm>
        </section>
    }
}

/// Lists the roles and what they may do.
#[component]
fn RolesExplained() -> impl IntoView {
    let t = use_locale();
    let roles = Role::ALL.map(|role| {
        view! {
            <div>
                <dt>{role.title(t)}</dt>
                <dd>{role.description(t)}</dd>
            </div>
        }
    });
    view! { <dl class="roles">{roles.collect_view()}</dl> }
}

#[component]
fn RoleSelect(#[prop(into)] id: String, selected: Role) -> impl IntoView {
    let t = use_locale();
    let options = Role::ALL
        .into_iter()
        .map(|role| {
            view! {
                <option value=role.as_str() selected=role == selected>
                    {role.title(t)}
                </option>
            }
        })
        .collect_view();
    view! {
        <select id=id class="input" name="role">
            {options}
        </select>
    }
}

#[component]
fn MemberRow(member: TeamMember, passwords: bool) -> impl IntoView {
    let t = use_locale();
    let TeamMember {
        id,
        name,
        email,
        issuer,
        role,
        role_is_claimed,
        is_disabled,
        has_password,
        is_withdrawn,
        has_passkeys,
        is_self,
        ..
    } = member;
    let select_id = format!("role-{id}");
    let id = StoredValue::new(id);
    let id = move || id.get_value();
    let reset = (passwords && has_password && !is_disabled).then(|| {
        view! {
            <ActionForm action=MakeResetLink::url()>
                <input type="hidden" name="member" value=id() />
                <button class="button button-quiet">{t.say("Reset password", "Passwort zurücksetzen")}</button>
            </ActionForm>
        }
    });
    let passkeys = (has_passkeys && !is_self).then(|| {
        view! {
            <ConfirmedForm
                action=RemovePasskeys::url()
                label=t.say("Remove passkeys", "Passkeys entfernen")
                question=t.say(
                    "Their passkeys no longer sign them in.",
                    "Die Anmeldung mit diesen Passkeys ist dann nicht mehr möglich.",
                )
                confirm=t.say("Remove all passkeys", "Alle Passkeys entfernen")
            >
                <input type="hidden" name="member" value=id() />
            </ConfirmedForm>
        }
    });
    let access = (!is_self).then(|| {
        let fields = move || {
            view! {
                <input type="hidden" name="member" value=id() />
                <input type="hidden" name="allowed" value=is_disabled.to_string() />
            }
        };
        if is_disabled {
            return view! {
                <ActionForm action=SetAccess::url()>
                    {fields()}
                    <button class="button button-quiet">
                        {t.say("Restore access", "Zugang wiederherstellen")}
                    </button>
                </ActionForm>
            }
            .into_any();
        }
        view! {
            <ConfirmedForm
                action=SetAccess::url()
                label=t.say("Revoke access", "Zugang entziehen")
                question=t.say(
                    "This ends their sessions and revokes their tokens.",
                    "Das beendet die Sitzungen und widerruft die Tokens dieser Person.",
                )
                confirm=t.say("Revoke access now", "Zugang jetzt entziehen")
            >
                {fields()}
            </ConfirmedForm>
        }
        .into_any()
    });
    let mark = if is_self {
        Some(t.say("You", "Du"))
    } else {
        (is_disabled || is_withdrawn).then_some(t.say("Deactivated", "Deaktiviert"))
    };
    let given = if role_is_claimed {
        // Their role comes with each sign-in.
        view! { <span data-testid="claimed-role">{role.title(t)}</span> }.into_any()
    } else {
        view! {
            <ActionForm action=SetRole::url() attr:class="settings-inline">
                <input type="hidden" name="member" value=id() />
                <label class="visually-hidden" for=select_id.clone()>
                    {t.say("Role", "Rolle")}
                </label>
                <RoleSelect id=select_id selected=role />
                <button class="button button-quiet">{t.say("Change role", "Rolle ändern")}</button>
            </ActionForm>
        }
        .into_any()
    };
    let issuer = issuer.map(|issuer| view! { <span class="chip">{issuer}</span> });
    view! {
        <tr role="row" data-testid="member-row">
            <th role="rowheader" scope="row">
                {name} " " {mark.map(|mark| view! { <span class="chip">{mark}</span> })} " " {issuer}
                <span class="settings-email">{email}</span>
            </th>
            <td role="cell">{given}</td>
            <td role="cell" class="settings-actions">{reset} {passkeys} {access}</td>
        </tr>
    }
}

#[component]
fn Links(links: Vec<OpenLink>) -> impl IntoView {
    let t = use_locale();
    let is_empty = links.is_empty();
    let rows = links
        .into_iter()
        .map(|link| {
            let what = match link.role {
                Some(role) => format!("{} ({})", t.say("Invitation", "Einladung"), role.title(t)),
                None => t.say("Password reset", "Passwort zurücksetzen").to_owned(),
            };
            view! {
                <tr role="row" data-testid="link-row">
                    <th role="rowheader" scope="row">{link.note}</th>
                    <td role="cell" data-label=t.say("Type", "Art")>{what}</td>
                    <td role="cell" data-label=t.say("Expires", "Läuft ab")>
                        <Expiry at=link.expires_at />
                    </td>
                    <td role="cell" class="settings-actions">
                        <ConfirmedForm
                            action=RevokeLink::url()
                            label=t.say("Revoke", "Widerrufen")
                            question=t.say(
                                "The link stops working at once.",
                                "Der Link funktioniert dann sofort nicht mehr.",
                            )
                            confirm=t.say("Revoke link", "Link widerrufen")
                        >
                            <input type="hidden" name="id" value=link.id />
                        </ConfirmedForm>
                    </td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <section class="card card-flush" aria-labelledby="links-title" hidden=is_empty>
            <header class="card-head">
                <h2 id="links-title">
                    {t.say("Pending invitations", "Offene Einladungen")}
                </h2>
            </header>
            <table class="table settings-table" role="table" data-testid="links">
                <caption class="visually-hidden">
                    {t.say("Pending invitations, newest first", "Offene Einladungen, neueste zuerst")}
                </caption>
                <thead role="rowgroup">
                    <tr role="row">
                        <th role="columnheader" scope="col">{t.say("For", "Für")}</th>
                        <th role="columnheader" scope="col">{t.say("Type", "Art")}</th>
                        <th role="columnheader" scope="col">{t.say("Expires", "Läuft ab")}</th>
                        <th role="columnheader" scope="col">
                            <span class="visually-hidden">{t.say("Revoke", "Widerrufen")}</span>
                        </th>
                    </tr>
                </thead>
                <tbody role="rowgroup">{rows}</tbody>
            </table>
        </section>
    }
}
