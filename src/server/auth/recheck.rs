//! Rechecks sessions, tokens and roles of open streams.

use std::collections::{HashMap, HashSet};

use super::principal::is_newer;
use crate::{
    model::{clock::now, role::Permission},
    server::{
        config::SessionLifetime,
        identity::credential::{Credential, Pass},
        store::{Store, StoreError},
    },
};

const CHUNK: usize = 500;

/// Returns passes that are no longer valid: account blocked, role changed, session, token or link ended. Takes three
/// queries per 500 passes, and one more for links.
pub(in crate::server) async fn void(
    store: &Store,
    lifetime: SessionLifetime,
    passes: Vec<Pass>,
) -> Result<Vec<Pass>, StoreError> {
    let mut void = Vec::new();
    for passes in passes.chunks(CHUNK) {
        let (mut sessions, mut tokens, mut links) = (Vec::new(), Vec::new(), Vec::new());
        for pass in passes {
            match &pass.credential {
                Credential::Session(id) => sessions.push(id.as_str()),
                Credential::Token(id, _) => tokens.push(id.as_str()),
                Credential::Link(id) => links.push(id.as_str()),
                Credential::AuthJs { .. } => {}
            }
        }
        let links = if links.is_empty() {
            HashMap::new()
        } else {
            store.open_share_links(&links).await?
        };
        let users = passes.iter().map(|pass| pass.user.as_str());
        let users: HashSet<_> = users.chain(links.values().map(String::as_str)).collect();
        let roles = store
            .roles_of(&users.into_iter().collect::<Vec<_>>())
            .await?;
        let open = store.open_sessions(&sessions, lifetime).await?;
        let good = store.good_tokens(&tokens).await?;
        let seconds = now() / 1000;
        let holds = |pass: &&Pass| {
            if let Credential::Link(id) = &pass.credential {
                // Valid while its creator may import.
                let creator = links.get(id.as_str()).and_then(|user| roles.get(user));
                return creator.is_some_and(|(role, _)| role.may(Permission::Import));
            }
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
                Credential::Link(_) => false,
            };
            *role == pass.role && credential_holds
        };
        void.extend(passes.iter().filter(|pass| !holds(pass)).cloned());
    }
    Ok(void)
}
