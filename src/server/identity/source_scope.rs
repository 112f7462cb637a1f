//! Which sources a request may see and change.

use super::{
    principal::Principal,
    user::{User, UserId},
};
use crate::model::role::{Permission, Role};

/// The sources that a user may see. Every query starts from a scope, so that invisible and missing sources are alike.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct SourceScope(Option<UserId>);

impl User {
    /// Returns the scope: their own, for owners all.
    pub(crate) fn sources(&self) -> SourceScope {
        SourceScope((self.role != Role::Owner).then(|| self.id.clone()))
    }
}

impl SourceScope {
    /// Returns the user whose sources are in the scope; `None` if all are.
    pub(in crate::server) fn user(&self) -> Option<&UserId> {
        self.0.as_ref()
    }
}

impl Principal {
    pub(crate) fn sources(&self) -> SourceScope {
        self.user.sources()
    }

    /// Returns the scope of changeable sources; `None` with read-only access.
    pub(crate) fn changeable_sources(&self) -> Option<SourceScope> {
        self.may(Permission::Import).then(|| self.user.sources())
    }
}
