//! Who makes a request.

use super::{
    client_address::ClientAddress,
    credential::{Credential, Pass},
    job_scope::{ChangeScope, JobScope},
    user::User,
};
use crate::model::{error::Elsewhere, role::Permission};

/// An authenticated user.
#[derive(Clone, Debug)]
pub struct Principal {
    /// The user.
    pub user: User,
    /// How they are authenticated.
    pub credential: Credential,
    /// Their address, if known.
    pub address: Option<ClientAddress>,
    /// The passkey that opened or confirmed the session.
    pub passkey: Option<String>,
    /// Whether a passkey is required and the session has none.
    pub passkey_due: bool,
}

#[derive(Clone, Debug)]
pub(in crate::server) enum Visitor {
    Known(Box<Principal>),
    /// Not authenticated; with the reason why an external session was rejected.
    Unknown(Option<Elsewhere>),
}

impl Principal {
    /// Returns whether role and token allow an action.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        self.user.role.may(permission)
            && match &self.credential {
                Credential::Token(_, scope) => scope.allows(permission),
                Credential::Session(_) | Credential::AuthJs { .. } => true,
                // It opens one stream and authenticates no user.
                Credential::Link(_) => false,
            }
    }

    /// Returns whether it is a person, not an API token or a link.
    #[must_use]
    pub fn is_in_person(&self) -> bool {
        matches!(
            self.credential,
            Credential::Session(_) | Credential::AuthJs { .. }
        )
    }

    /// Returns the scope of visible jobs.
    #[must_use]
    pub fn jobs(&self) -> JobScope {
        self.user.jobs()
    }

    /// Returns the scope of changeable jobs; `None` with read-only access.
    #[must_use]
    pub fn changeable_jobs(&self) -> Option<ChangeScope> {
        let may = self.may(Permission::Import);
        may.then(|| self.user.changeable_jobs()).flatten()
    }

    /// Returns the pass for rechecks.
    #[must_use]
    pub fn pass(&self) -> Pass {
        Pass {
            user: self.user.id.clone(),
            role: self.user.role,
            credential: self.credential.clone(),
        }
    }
}
