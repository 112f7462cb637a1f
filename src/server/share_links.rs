//! Links to an import's live state, usable without an account: signed, expiring, revocable.
//!
//! A link shows no more than its creator may see, and only while they may change the import.

use std::{net::IpAddr, num::NonZeroU32};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use leptos::prelude::use_context;

use super::{
    auth::{audit, request_address},
    config::{Config, PublicUrl},
    encryption::{KeyFileError, Keys},
    identity::{
        client_address::ClientAddress,
        credential::{Credential, LinkId, Pass},
        job_scope::{ChangeableJob, VisibleJob},
        principal::Principal,
        user::UserId,
    },
    imports::find_changeable,
    limits::rate::Rate,
    relay::{Asking, ProgressAnswer, Relay},
    store::{Store, share_links::StoredLink},
};
use crate::{
    i18n::messages::ErrorCode,
    model::{
        audit::AuditAction,
        clock::now,
        error::ApiError,
        import_extras::RowKind,
        job::{JobId, ProductImportJob, UnixMillis},
        role::Role,
        share_link::{
            LinkLifetime, ShareLink, ShareLinks as Links, SharedFailure, SharedImport, SharedPage,
        },
    },
};

const MOST: u64 = 10;
const REQUESTS: NonZeroU32 = NonZeroU32::new(120).unwrap();
const ID: usize = 16;
const EXPIRY: usize = 8;
const SIGNATURE: usize = 32;
const PURPOSE: &str = "share link";
const DAY_MILLIS: i64 = 24 * 3600 * 1000;

#[derive(Clone, Debug)]
pub(crate) struct ShareLinks {
    store: Store,
    relay: Relay,
    keys: Option<Keys>,
    public_url: PublicUrl,
    requests: Rate<IpAddr>,
}

pub(crate) struct Shared {
    link: String,
    job: VisibleJob,
}

impl ShareLinks {
    pub(crate) fn new(config: &Config, store: Store, relay: Relay) -> Result<Self, KeyFileError> {
        Ok(Self {
            store,
            relay,
            keys: Keys::open(config)?,
            public_url: config.public_url.clone(),
            requests: Rate::a_minute(REQUESTS),
        })
    }

    /// Creates a link to an import. Returns [`ApiError::Invalid`] if there are too many, [`ApiError::Unavailable`]
    /// without a key.
    pub(crate) async fn create(
        &self,
        who: &Principal,
        job: &ChangeableJob,
        lifetime: LinkLifetime,
    ) -> Result<ShareLink, ApiError> {
        if self.store.count_share_links(job).await? >= MOST {
            return Err(ApiError::invalid(ErrorCode::MostLinks { limit: 10 }));
        }
        let mut id = [0; ID];
        getrandom::fill(&mut id).map_err(|error| {
            tracing::error!(%error, "no randomness");
            ApiError::Internal
        })?;
        let created_at = now();
        // To the second, as it is signed.
        let expires_at = created_at.saturating_add(i64::from(lifetime.days()) * DAY_MILLIS);
        let expires_at = expires_at - expires_at % 1000;
        let url = self.url(&id, expires_at)?;
        let link = StoredLink {
            id: hex::encode(id),
            created_at,
            expires_at,
        };
        self.store
            .create_share_link(&link, job, &who.user.id)
            .await?;
        self.note(who, job, AuditAction::ImportShared).await;
        Ok(link_at(url, link))
    }

    pub(crate) async fn list(&self, job: &ChangeableJob) -> Result<Links, ApiError> {
        let mut links = Vec::new();
        for link in self.store.list_share_links(job).await? {
            let Some(id) = id_of(&link.id) else { continue };
            let Ok(url) = self.url(&id, link.expires_at) else {
                continue;
            };
            links.push(link_at(url, link));
        }
        Ok(Links {
            links,
            available: self.keys.is_some(),
        })
    }

    /// Revokes a link and ends its streams on every instance.
    pub(crate) async fn revoke(
        &self,
        who: &Principal,
        job: &ChangeableJob,
        id: &str,
    ) -> Result<(), ApiError> {
        if id_of(id).is_none() || !self.store.delete_share_link(job, id).await? {
            return Err(ApiError::NotFound);
        }
        self.relay.end_streams_of(&viewer(id));
        self.note(who, job, AuditAction::ShareRevoked).await;
        Ok(())
    }

    /// Finds the import of a link. Returns [`ApiError::NotFound`] if the link is forged, expired or revoked, or its
    /// creator may no longer change the import; [`ApiError::TooMany`] above the rate limit.
    pub(crate) async fn find(
        &self,
        address: ClientAddress,
        token: &str,
    ) -> Result<Shared, ApiError> {
        self.requests
            .admit(&address.network())
            .map_err(|_| ApiError::TooMany)?;
        let keys = self.keys.as_ref().ok_or(ApiError::NotFound)?;
        let link = read(keys, token, now()).ok_or(ApiError::NotFound)?;
        let found = self.store.find_share_link(&link).await?;
        let (job, creator) = found.ok_or(ApiError::NotFound)?;
        let scope = creator.changeable_jobs().ok_or(ApiError::NotFound)?;
        let found = self.store.find_job(&creator.jobs(), &job).await?;
        let found = found.and_then(|job| scope.admit(job));
        let job = found.ok_or(ApiError::NotFound)?;
        let mut newest = ProductImportJob::clone(&job);
        self.relay.refresh(std::slice::from_mut(&mut newest)).await;
        Ok(Shared {
            link,
            job: VisibleJob::clone(&job).in_state(newest),
        })
    }

    pub(crate) async fn page(&self, shared: &Shared) -> SharedPage {
        let job = &shared.job;
        // Not every price monitor lists rows; the recorded names remain.
        let rows = self.relay.rows(job, RowKind::Failed, 1, "").await.ok();
        let failures = match rows {
            Some(rows) => rows
                .items
                .into_iter()
                .map(|row| SharedFailure {
                    reason: Some(row.why(RowKind::Failed)),
                    sku: row.sku,
                })
                .collect(),
            None => job
                .failed_product_skus
                .iter()
                .map(|sku| SharedFailure {
                    sku: sku.clone(),
                    reason: None,
                })
                .collect(),
        };
        SharedPage {
            import: SharedImport {
                progress: job.progress(),
                status: job.status,
                error: job.error.clone(),
                mode: job.mode,
                created_at: job.created_at,
                completed_at: job.completed_at,
            },
            failures,
        }
    }

    /// Opens a progress stream. Errors like [`Relay::open_stream`].
    pub(crate) fn open_stream(
        &self,
        shared: &Shared,
        from: &Asking<'_>,
    ) -> Result<ProgressAnswer, ApiError> {
        let pass = Pass {
            user: viewer(&shared.link),
            role: Role::Viewer,
            credential: Credential::Link(LinkId::new(shared.link.as_str())),
        };
        self.relay.open_stream(pass, &shared.job, from)
    }

    fn url(&self, id: &[u8; ID], expires_at: UnixMillis) -> Result<String, ApiError> {
        let keys = self
            .keys
            .as_ref()
            .ok_or_else(|| ApiError::Unavailable(ErrorCode::NoKeyForLinks.into()))?;
        let token = write(keys, id, expires_at).ok_or(ApiError::Internal)?;
        Ok(self.public_url.address(&format!("/shared/{token}")))
    }

    async fn note(&self, who: &Principal, job: &ChangeableJob, action: AuditAction) {
        let subject = format!("{} ({})", job.filename, job.id);
        audit::record_by(&self.store, who, action, &subject).await;
    }
}

/// Parses a link's ID.
fn link_at(url: String, link: StoredLink) -> ShareLink {
    ShareLink {
        id: link.id,
        url: url.into(),
        created_at: link.created_at,
        expires_at: link.expires_at,
    }
}

fn id_of(text: &str) -> Option<[u8; ID]> {
    hex::decode(text).ok()?.try_into().ok()
}

/// Returns one pseudo-user for all subscribers of a link, for stream limits.
fn viewer(link: &str) -> UserId {
    UserId::new(format!("link:{link}"))
}

/// Writes the token: ID, expiry in seconds, signature.
fn write(keys: &Keys, id: &[u8; ID], expires_at: UnixMillis) -> Option<String> {
    let mut token = id.to_vec();
    token.extend((expires_at / 1000).to_be_bytes());
    let signature = keys.sign(PURPOSE, &token)?;
    token.extend(signature);
    Some(BASE64_URL_SAFE_NO_PAD.encode(token))
}

/// Returns the ID of a token. `None` if it is forged or expired.
fn read(keys: &Keys, token: &str, now: UnixMillis) -> Option<String> {
    let token = BASE64_URL_SAFE_NO_PAD.decode(token).ok()?;
    if token.len() != ID + EXPIRY + SIGNATURE {
        return None;
    }
    let (signed, signature) = token.split_at(ID + EXPIRY);
    if !keys.verify(PURPOSE, signed, signature) {
        return None;
    }
    let (id, expiry) = signed.split_at(ID);
    let seconds = i64::from_be_bytes(expiry.try_into().ok()?);
    (seconds.saturating_mul(1000) > now).then(|| hex::encode(id))
}

fn of_server_fn() -> Result<ShareLinks, ApiError> {
    use_context().ok_or(ApiError::Internal)
}

pub(crate) async fn list(id: &JobId) -> Result<Links, ApiError> {
    let change = find_changeable(id).await?;
    of_server_fn()?.list(&change.job).await
}

pub(crate) async fn create(id: &JobId, lifetime: LinkLifetime) -> Result<ShareLink, ApiError> {
    let change = find_changeable(id).await?;
    let link = of_server_fn()?
        .create(&change.who, &change.job, lifetime)
        .await?;
    leptos_axum::redirect(&format!("/imports/{id}#links-title"));
    Ok(link)
}

pub(crate) async fn revoke(id: &JobId, link: &str) -> Result<(), ApiError> {
    let change = find_changeable(id).await?;
    of_server_fn()?
        .revoke(&change.who, &change.job, link)
        .await?;
    leptos_axum::redirect(&format!("/imports/{id}#links-title"));
    Ok(())
}

pub(crate) async fn shared(token: &str) -> Result<SharedPage, ApiError> {
    let links = of_server_fn()?;
    let shared = links.find(request_address()?, token).await?;
    Ok(links.page(&shared).await)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys(secret: &str) -> Keys {
        Keys::derive(&[secret.to_owned().into()]).unwrap()
    }

    proptest! {
        #[test]
        fn a_token_gives_its_link_back_until_it_expires_and_no_other_does(
            id: [u8; ID],
            byte in 0..(ID + EXPIRY + SIGNATURE),
            bit in 0..8_u32,
        ) {
            let (keys, other) = (keys("a"), keys("b"));
            let token = write(&keys, &id, 9_000).unwrap();
            prop_assert_eq!(read(&keys, &token, 8_999), Some(hex::encode(id)));
            prop_assert_eq!(read(&keys, &token, 9_000), None);
            prop_assert_eq!(read(&other, &token, 0), None);
            let mut forged = BASE64_URL_SAFE_NO_PAD.decode(&token).unwrap();
            forged[byte] ^= 1 << bit;
            prop_assert_eq!(read(&keys, &BASE64_URL_SAFE_NO_PAD.encode(forged), 0), None);
        }

        #[test]
        fn no_text_is_a_token(text in ".{0,100}") {
            prop_assert_eq!(read(&keys("a"), &text, 0), None);
        }
    }
}
