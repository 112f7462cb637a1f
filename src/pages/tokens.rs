//! API tokens of the user.

use leptos::prelude::*;
use server_fn::ServerFn;

use crate::{
    api::tokens::{CreateToken, RevokeToken, tokens},
    components::{
        data_table::DataTable,
        form::{ActionForm, ConfirmedForm, Field, FormError, ShownOnce, Submit, refused},
        moment::{Expiry, Moment},
        notice::{EmptyState, ErrorNotice},
        page_title::PageTitle,
        settings_nav::SettingsNav,
    },
    islands::parts::{icons::Glyph, locale::use_locale},
    model::{
        base_path::address,
        secret::Secret,
        token::{ApiToken, TokenScope, TokensState},
    },
};

#[component]
pub(crate) fn TokensPage() -> impl IntoView {
    let t = use_locale();
    let state = Suspend::new(async {
        match tokens().await {
            Ok(state) => view! { <Tokens state /> }.into_any(),
            Err(error) => view! { <ErrorNotice error here="/tokens" /> }.into_any(),
        }
    });
    view! {
        <PageTitle text=t.say("API tokens", "API-Tokens") />
        <h1>{t.say("API tokens", "API-Tokens")}</h1>
        <SettingsNav />
        {state}
    }
}

#[component]
fn Tokens(state: TokensState) -> impl IntoView {
    let t = use_locale();
    let TokensState {
        tokens,
        scopes,
        fresh,
    } = state;
    let secret = fresh.map(Secret::into_exposed);
    view! {
        <ShownOnce what=t.say(
                "Copy the token now. It won't be shown again.",
                "Kopiere das Token jetzt. Es wird nicht noch einmal angezeigt.",
            ) secret />
        <CreateForm scopes />
        <section class="card card-flush" aria-labelledby="tokens-title">
            <header class="card-head">
                <h2 id="tokens-title">{t.say("Your tokens", "Deine Tokens")}</h2>
            </header>
            <TokensTable tokens />
        </section>
    }
}

#[component]
fn CreateForm(scopes: Vec<TokenScope>) -> impl IntoView {
    let t = use_locale();
    let form = refused::<CreateToken>();
    let scopes = scopes
        .into_iter()
        .map(|scope| {
            let is_chosen = form.has("scope", scope.as_str(), false);
            view! { <option value=scope.as_str() selected=is_chosen inner_html=scope.title(t)></option> }
        })
        .collect_view();
    view! {
        <section class="card settings-card" aria-labelledby="new-token-title">
            <header class="card-head">
                <h2 id="new-token-title">{t.say("New token", "Neues Token")}</h2>
            </header>
            <p class="settings-note">
                {t.say("Tokens let scripts use the ", "Mit Tokens nutzen Skripte die ")}
                <a href=address("/api/openapi.json")>"API"</a>
                {t.say(" as you: ", " in deinem Namen: ")} <code>"Authorization: Bearer irt_…"</code> "."
            </p>
            <ActionForm action=CreateToken::url()>
                <FormError error=form.error.clone() />
                <Field
                    name="name"
                    label=t.say("Name", "Name")
                    kind="text"
                    autocomplete="off"
                    value=form.value("name")
                />
                <div class="settings-row">
                    <div class="field">
                        <label for="scope">{t.say("Permissions", "Berechtigungen")}</label>
                        <select id="scope" class="input" name="scope">
                            {scopes}
                        </select>
                    </div>
                    <div class="field">
                        <label for="lifetime">{t.say("Expires in", "Gültigkeit")}</label>
                        <select id="lifetime" class="input" name="lifetime">
                            <option value="month" inner_html=t.say("30 days", "30 Tage")></option>
                            <option
                                value="year"
                                selected=form.has("lifetime", "year", true)
                                inner_html=t.say("1 year", "1 Jahr")
                            ></option>
                        </select>
                    </div>
                </div>
                <Submit>{t.say("Create token", "Token erstellen")}</Submit>
            </ActionForm>
        </section>
    }
}

#[component]
fn TokensTable(tokens: Vec<ApiToken>) -> impl IntoView {
    let t = use_locale();
    if tokens.is_empty() {
        return view! {
            <EmptyState glyph=Glyph::Box title=t.say("No tokens yet", "Noch keine Tokens")>
                <p>
                    {t.say(
                        "Create a token to start and track imports from a script.",
                        "Erstelle ein Token, um Importe aus einem Skript zu starten und zu verfolgen.",
                    )}
                </p>
            </EmptyState>
        }
        .into_any();
    }
    let rows = tokens
        .into_iter()
        .map(|token| view! { <TokenRow token /> })
        .collect_view();
    view! {
        <DataTable
            class="table settings-table"
            testid="tokens"
            caption=t.say("Your tokens, newest first", "Deine Tokens, neueste zuerst")
            heads=vec![
                t.say("Name", "Name"),
                t.say("Permissions", "Berechtigungen"),
                t.say("Last used", "Zuletzt benutzt"),
                t.say("Expires", "Läuft ab"),
            ]
            actions=t.say("Revoke", "Widerrufen")
        >
            {rows}
        </DataTable>
    }
    .into_any()
}

#[component]
fn TokenRow(token: ApiToken) -> impl IntoView {
    let t = use_locale();
    let last_used = match token.last_used_at {
        Some(at) => view! { <Moment at /> }.into_any(),
        None => t.say("Never", "Nie").into_any(),
    };
    let ends = match token.expires_at {
        Some(at) => view! { <Expiry at /> }.into_any(),
        None => t.say("No expiration", "Unbegrenzt").into_any(),
    };
    view! {
        <tr role="row" data-testid="token-row">
            <th role="rowheader" scope="row">{token.name}</th>
            <td role="cell" data-label=t.say("Permissions", "Berechtigungen")>
                {token.scope.title(t)}
            </td>
            <td role="cell" data-label=t.say("Last used", "Zuletzt benutzt")>{last_used}</td>
            <td role="cell" data-label=t.say("Expires", "Läuft ab")>{ends}</td>
            <td role="cell" class="settings-actions">
                <ConfirmedForm
                    action=RevokeToken::url()
                    label=t.say("Revoke", "Widerrufen")
                    question=t.say(
                        "Scripts with this token are locked out at once.",
                        "Skripte mit diesem Token werden sofort ausgesperrt.",
                    )
                    confirm=t.say("Revoke token", "Token widerrufen")
                >
                    <input type="hidden" name="id" value=token.id />
                </ConfirmedForm>
            </td>
        </tr>
    }
}
