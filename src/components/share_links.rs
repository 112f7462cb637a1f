//! Links to an import for people without an account.

use leptos::prelude::*;
use server_fn::ServerFn;

use super::{
    copy_button::CopyButton,
    form::{ActionForm, ConfirmedForm, FormError, failure, refused},
    moment::{Expiry, Moment},
};
use crate::{
    api::share_links::{RevokeShare, ShareImport},
    islands::parts::locale::use_locale,
    model::{
        job::JobId,
        share_link::{LinkLifetime, ShareLink, ShareLinks},
    },
};

/// Lists, creates and revokes the links to an import.
#[component]
pub(crate) fn ShareLinksCard(id: JobId, links: ShareLinks) -> impl IntoView {
    let t = use_locale();
    let ShareLinks { links, available } = links;
    let form = refused::<ShareImport>();
    let lifetimes = LinkLifetime::ALL.map(|lifetime| {
        let is_chosen = form.has(
            "lifetime",
            lifetime.as_str(),
            lifetime == LinkLifetime::Week,
        );
        view! {
            <option
                value=lifetime.as_str()
                selected=is_chosen
                inner_html=lifetime.title(t)
            ></option>
        }
    });
    let error = form.error.or_else(failure::<RevokeShare>);
    let import = id.to_string();
    let form = available.then(|| {
        view! {
            <ActionForm action=ShareImport::url()>
                <input type="hidden" name="id" value=import />
                <label for="link-lifetime">{t.say("Expires in", "Gültigkeit")}</label>
                <select id="link-lifetime" class="input" name="lifetime">
                    {lifetimes}
                </select>
                <button class="button" data-testid="share-import">
                    {t.say("Create link", "Link erstellen")}
                </button>
            </ActionForm>
        }
    });
    let unavailable = (!available).then(|| {
        view! {
            <p class="settings-note">
                {t.say(
                    "To create links, set ENCRYPTION_KEY on the server.",
                    "Um Links zu erstellen, setze ENCRYPTION_KEY auf dem Server.",
                )}
            </p>
        }
    });
    let list = links
        .into_iter()
        .map(|link| view! { <Link id=id.clone() link /> })
        .collect_view();
    view! {
        <section class="card share-links" aria-labelledby="links-title">
            <header class="card-head">
                <h2 id="links-title">{t.say("Share", "Teilen")}</h2>
            </header>
            <p class="settings-note">
                {t.say(
                    "Anyone with a link sees the counts and failures of this import, live, without an account. They can't change or download anything.",
                    "Wer einen Link hat, sieht ohne Konto live die Zahlen und Fehler dieses Imports, kann aber nichts ändern oder herunterladen.",
                )}
            </p>
            {unavailable}
            {error.map(|error| view! { <FormError error=Some(error) id="share-error" testid="share-error" /> })}
            <ul class="share-list">{list}</ul>
            {form}
        </section>
    }
}

#[component]
fn Link(id: JobId, link: ShareLink) -> impl IntoView {
    let t = use_locale();
    let ShareLink {
        id: link_id,
        url,
        created_at,
        expires_at,
    } = link;
    let url = url.into_exposed();
    let url_id = format!("link-{link_id}");
    view! {
        <li data-testid="share-link">
            <input
                id=url_id.clone()
                class="input code"
                readonly
                value=url.clone()
                aria-label=t.say("Link", "Link")
                data-testid="share-url"
            />
            <CopyButton of=url_id />
            <span class="share-when">
                {t.say("Created ", "Erstellt ")} <Moment at=created_at />
                {t.say(", expires ", ", läuft ab ")} <Expiry at=expires_at />
            </span>
            <ConfirmedForm
                action=RevokeShare::url()
                label=t.say("Revoke", "Widerrufen")
                question=t.say(
                    "The link stops working at once.",
                    "Der Link funktioniert dann sofort nicht mehr.",
                )
                confirm=t.say("Revoke link", "Link widerrufen")
                testid="revoke-share"
            >
                <input type="hidden" name="id" value=id.to_string() />
                <input type="hidden" name="link" value=link_id />
            </ConfirmedForm>
        </li>
    }
}
