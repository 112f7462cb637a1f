//! The tokens with which programs act for a person.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::{
    api::{
        secret::Secret,
        tokens::{ApiToken, CreateToken, RevokeToken, TokensState, tokens},
    },
    components::{
        clock::Moment,
        form::{Field, FormError, ShownOnce, Submit, failure},
        icons::Glyph,
        notice::{EmptyState, ErrorNotice},
        settings_nav::SettingsNav,
        skeleton::CardSkeleton,
    },
};

/// The page on which a person makes tokens and revokes them.
#[component]
pub(crate) fn TokensPage() -> impl IntoView {
    let create = ServerAction::<CreateToken>::new();
    let revoke = ServerAction::<RevokeToken>::new();
    let state = Resource::new_blocking(
        move || (create.version().get(), revoke.version().get()),
        |_| tokens(),
    );
    view! {
        <Title text="API tokens" />
        <h1>"API tokens"</h1>
        <SettingsNav />
        <Transition fallback=CardSkeleton>
            {move || Suspend::new(async move {
                match state.await {
                    Ok(state) => view! { <Tokens state create revoke /> }.into_any(),
                    Err(error) => view! { <ErrorNotice error here="/tokens" /> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn Tokens(
    state: TokensState,
    create: ServerAction<CreateToken>,
    revoke: ServerAction<RevokeToken>,
) -> impl IntoView {
    let TokensState {
        tokens,
        may_import,
        fresh,
    } = state;
    let secret = Signal::derive(move || match create.value().get() {
        Some(Ok(new)) => Some(new.token.into_exposed()),
        _ => fresh.clone().map(Secret::into_exposed),
    });
    view! {
        <ShownOnce what="Copy the token now. It is not shown again." secret />
        <CreateForm create may_import />
        <section class="card card-flush" aria-labelledby="tokens-title">
            <header class="card-head">
                <h2 id="tokens-title">"Your tokens"</h2>
            </header>
            <TokensTable tokens revoke />
        </section>
    }
}

#[component]
fn CreateForm(create: ServerAction<CreateToken>, may_import: bool) -> impl IntoView {
    view! {
        <section class="card settings-card" aria-labelledby="new-token-title">
            <header class="card-head">
                <h2 id="new-token-title">"New token"</h2>
            </header>
            <p class="settings-note">
                "With a token a program uses the " <a href="/api/openapi.json" rel="external">"API"</a>
                " in your name: " <code>"Authorization: Bearer irt_…"</code> "."
            </p>
            <ActionForm action=create>
                <FormError error=failure(create) />
                <Field name="name" label="What it is for" kind="text" autocomplete="off" />
                <div class="settings-row">
                    <div class="field">
                        <label for="scope">"It may"</label>
                        <select id="scope" class="input" name="scope">
                            <option value="imports:read">"look at imports"</option>
                            {may_import
                                .then(|| {
                                    view! {
                                        <option value="imports:write">
                                            "look at imports and start them"
                                        </option>
                                    }
                                })}
                        </select>
                    </div>
                    <div class="field">
                        <label for="lifetime">"It is good for"</label>
                        <select id="lifetime" class="input" name="lifetime">
                            <option value="month">"30 days"</option>
                            <option value="year" selected>
                                "a year"
                            </option>
                            <option value="unlimited">"until it is revoked"</option>
                        </select>
                    </div>
                </div>
                <Submit pending=create.pending()>"Create token"</Submit>
            </ActionForm>
        </section>
    }
}

#[component]
fn TokensTable(tokens: Vec<ApiToken>, revoke: ServerAction<RevokeToken>) -> impl IntoView {
    if tokens.is_empty() {
        return view! {
            <EmptyState glyph=Glyph::Box title="No tokens yet">
                <p>"A token lets a script start imports and follow them."</p>
            </EmptyState>
        }
        .into_any();
    }
    let rows = tokens
        .into_iter()
        .map(|token| view! { <TokenRow token revoke /> })
        .collect_view();
    view! {
        <table class="table settings-table" role="table" data-testid="tokens">
            <caption class="visually-hidden">"Your tokens, newest first"</caption>
            <thead role="rowgroup">
                <tr role="row">
                    <th role="columnheader" scope="col">"Name"</th>
                    <th role="columnheader" scope="col">"Scope"</th>
                    <th role="columnheader" scope="col">"Last used"</th>
                    <th role="columnheader" scope="col">"Ends"</th>
                    <th role="columnheader" scope="col">
                        <span class="visually-hidden">"Revoke"</span>
                    </th>
                </tr>
            </thead>
            <tbody role="rowgroup">{rows}</tbody>
        </table>
    }
    .into_any()
}

#[component]
fn TokenRow(token: ApiToken, revoke: ServerAction<RevokeToken>) -> impl IntoView {
    let last_used = match token.last_used_at {
        Some(at) => view! { <Moment at /> }.into_any(),
        None => "Never".into_any(),
    };
    let ends = match token.expires_at {
        Some(at) => view! { <Moment at /> }.into_any(),
        None => "Never".into_any(),
    };
    view! {
        <tr role="row" data-testid="token-row">
            <th role="rowheader" scope="row">{token.name}</th>
            <td role="cell" class="code">{token.scope.as_str()}</td>
            <td role="cell">{last_used}</td>
            <td role="cell">{ends}</td>
            <td role="cell" class="settings-actions">
                <ActionForm action=revoke>
                    <input type="hidden" name="id" value=token.id />
                    <button class="button button-quiet">"Revoke"</button>
                </ActionForm>
            </td>
        </tr>
    }
}
