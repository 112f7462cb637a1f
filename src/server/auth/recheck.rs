//! Rechecks sessions, tokens and roles behind open streams.

use std::collections::HashSet;

use super::principal::is_newer;
use crate::{
    model::clock::now,
    server::{
        config::SessionLifetime,
        identity::credential::{Credential, Pass},
        store::{Store, StoreError},
    },
};

/// Passes per query.
const CHUNK: usize = 500;

/// Returns passes that are no longer valid: account blocked, role changed, session or token ended. Three queries per
/// 500 passes.
///
/// # Errors
///
/// If the database fails.
pub(in crate::server) async fn void(
    store: &Store,
    lifetime: SessionLifetime,
    passes: Vec<Pass>,
) -> Result<Vec<Pass>, StoreError> {
    let mut void = Vec::new();
    for passes in passes.chunks(CHUNK) {
        let users: HashSet<_> = passes.iter().map(|pass| pass.user.as_str()).collect();
        let roles = store
            .roles_of(&users.into_iter().collect::<Vec<_>>())
            .await?;
        let (mut sessions, mut tokens) = (Vec::new(), Vec::new());
        for pass in passes {
            match &pass.credential {
                Credential::Session(id) => sessions.push(id.as_str()),
                Credential::Token(id, _) => tokens.push(id.as_str()),
                Credential::AuthJs { .. } => {}
            }
        }
        let open = store.open_sessions(&sessions, lifetime).await?;
        let good = store.good_tokens(&tokens).await?;
        let seconds = now() / 1000;
        let holds = |pass: &&Pass| {
            let Some((role, signed_out_at)) = roles.get(pass.user.as_str()) else {
                return false;
            };
            let credential_holds = match &pass.credential {
                Credential::Session(id) => open.contains(id.as_str()),
                Credential::Token(id, _) => good.contains(id.as_str()),
                Credential::AuthJs {
                    issued_at,
                    expires_at,
                } => *expires_at > seconds && is_newer(*issued_at, *signed_out_at),
            };
            *role == pass.role && credential_holds
        };
        void.extend(passes.iter().filter(|pass| !holds(pass)).cloned());
    }
    Ok(void)
}
