//! The team: members, invitations and roles.

use leptos::prelude::*;
use server_fn::ServerFn;

use crate::{
    api::team::{Invite, MakeResetLink, RemovePasskeys, RevokeLink, SetAccess, SetRole, team},
    components::{
        data_table::DataTable,
        form::{ActionForm, ConfirmedForm, Field, FormError, ShownOnce, Submit, failure, refused},
        moment::Expiry,
        notice::ErrorNotice,
        page_title::PageTitle,
        settings_nav::SettingsNav,
    },
    i18n::messages::ErrorCode,
    islands::parts::locale::use_locale,
    model::{
        error::ApiError,
        refused_form::RefusedForm,
        role::Role,
        team::{LinkMail, NewLink, OpenLink, TeamMember, TeamState},
    },
};

#[component]
pub(crate) fn TeamPage() -> impl IntoView {
    let t = use_locale();
    let state = Suspend::new(async {
        match team().await {
            Ok(state) => view! { <Team state /> }.into_any(),
            Err(error) => view! { <ErrorNotice error here="/team" /> }.into_any(),
        }
    });
    view! {
        <PageTitle text=t.say("Team", "Team") />
        <h1>{t.say("Team", "Team")}</h1>
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
        mails,
    } = state;
    let error = failure::<SetRole>()
        .or_else(failure::<SetAccess>)
        .or_else(failure::<MakeResetLink>)
        .or_else(failure::<RemovePasskeys>);
    let rows = members
        .into_iter()
        .map(|member| view! { <MemberRow member passwords /> })
        .collect_view();
    view! {
        {fresh.map(|link| view! { <FreshLink link /> })}
        {if passwords {
            view! { <InviteForm mails /> }.into_any()
        } else {
            view! {
                <p class="settings-note" data-testid="no-invitations">
                    {t.say(
                        "Passwords are turned off: people get access from your identity provider.",
                        "Passwörter sind abgeschaltet: Zugang erhältst du über deinen Identitätsanbieter.",
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
            <DataTable
                class="table settings-table"
                testid="members"
                caption=t.say("Team members", "Teammitglieder")
                heads=vec![t.say("Name", "Name"), t.say("Role", "Rolle")]
                actions=t.say("Actions", "Aktionen")
            >
                {rows}
            </DataTable>
        </section>
        <Links links />
    }
}

/// A link that was just made, and whether it was sent.
#[component]
fn FreshLink(link: NewLink) -> impl IntoView {
    let t = use_locale();
    let is_warning = matches!(link.mail, Some(LinkMail::Failed(_)));
    let what = match link.mail {
        Some(LinkMail::Sent(to)) => t.fill(
            "Invitation sent to {email}. You can also share the link yourself. It works once and won't be shown again.",
            "Einladung an {email} gesendet. Du kannst den Link auch selbst teilen. Er gilt einmal und wird nicht noch einmal angezeigt.",
            &[("email", &to)],
        ),
        Some(LinkMail::Failed(to)) => t.fill(
            "The email to {email} could not be sent. Copy the link now and share it yourself. It works once and won't be shown again.",
            "Die E-Mail an {email} konnte nicht gesendet werden. Kopiere den Link jetzt und teile ihn selbst. Er gilt einmal und wird nicht noch einmal angezeigt.",
            &[("email", &to)],
        ),
        None => t
            .say(
                "Copy the link now and share it. It works once and won't be shown again.",
                "Kopiere den Link jetzt und teile ihn. Er gilt einmal und wird nicht noch einmal angezeigt.",
            )
            .to_owned(),
    };
    view! { <ShownOnce what secret=Some(link.url.into_exposed()) is_warning /> }
}

#[component]
fn InviteForm(mails: bool) -> impl IntoView {
    let t = use_locale();
    let form = refused::<Invite>();
    let code = match &form.error {
        Some(ApiError::Invalid(reason)) => reason.code(),
        _ => None,
    };
    let role = role_in(&form).unwrap_or(Role::Staff);
    let invalid = code == Some(ErrorCode::InvalidEmail.code());
    let hint = if mails {
        t.say(
            "We send the invitation to this address.",
            "Wir senden die Einladung an diese Adresse.",
        )
    } else {
        t.say(
            "Filled in when they join. You share the link yourself.",
            "Beim Beitritt schon ausgefüllt. Den Link teilst du selbst.",
        )
    };
    view! {
        <section class="card settings-card" aria-labelledby="invite-title">
            <header class="card-head">
                <h2 id="invite-title">{t.say("Invite someone", "Jemanden einladen")}</h2>
            </header>
            <ActionForm action=Invite::url()>
                <FormError error=form.error.clone() />
                <input type="hidden" name="language" value=t.tag() />
                <div class="settings-row">
                    <Field
                        name="email"
                        label=t.say("Email (optional)", "E-Mail (optional)")
                        kind="email"
                        autocomplete="off"
                        hint
                        optional=true
                        invalid
                        value=form.value("email")
                    />
                    <Field
                        name="note"
                        label=t.say("Note (optional)", "Notiz (optional)")
                        kind="text"
                        autocomplete="off"
                        hint=t.say("Only visible to owners.", "Nur für Inhaber sichtbar.")
                        optional=true
                        value=form.value("note")
                    />
                    <div class="field">
                        <label for="invite-role">{t.say("Role", "Rolle")}</label>
                        <RoleSelect id="invite-role" selected=role />
                    </div>
                </div>
                <RolesExplained />
                <Submit>
                    {if mails {
                        t.say("Invite", "Einladen")
                    } else {
                        t.say("Create invitation link", "Einladungslink erstellen")
                    }}
                </Submit>
            </ActionForm>
        </section>
    }
}

fn role_in(form: &RefusedForm) -> Option<Role> {
    let chosen = form.value("role")?;
    Role::ALL.into_iter().find(|role| role.as_str() == chosen)
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
    let form = refused::<SetRole>();
    let is_of_form = form.value("member").as_deref() == Some(id.as_str());
    let chosen = role_in(&form).filter(|_| is_of_form).unwrap_or(role);
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
                <RoleSelect id=select_id selected=chosen />
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
            <td role="cell" class="settings-actions">
                <div class="settings-choices">{reset} {passkeys} {access}</div>
            </td>
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
            let note = if link.email.is_some() {
                view! { <span class="settings-email">{link.note}</span> }.into_any()
            } else {
                link.note.into_any()
            };
            view! {
                <tr role="row" data-testid="link-row">
                    <th role="rowheader" scope="row">{link.email} {note}</th>
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
            <DataTable
                class="table settings-table"
                testid="links"
                caption=t.say("Pending invitations, newest first", "Offene Einladungen, neueste zuerst")
                heads=vec![t.say("For", "Für"), t.say("Type", "Art"), t.say("Expires", "Läuft ab")]
                actions=t.say("Revoke", "Widerrufen")
            >
                {rows}
            </DataTable>
        </section>
    }
}
