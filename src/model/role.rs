//! Roles and permissions.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::i18n::locale::Locale;

/// The role of a user.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Manages users, and may do what staff may.
    Owner,
    /// Imports, and sees their own imports.
    Staff,
    /// Sees all imports, read-only.
    Observer,
    /// Sees their own and shared imports, read-only.
    Viewer,
}

/// A permission.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Permission {
    /// See imports, and in person products.
    SeeImports,
    /// See products.
    SeeProducts,
    /// Start and change imports.
    Import,
    /// Manage users, and read the audit log.
    Manage,
    /// Manage webhooks.
    Webhooks,
}

impl Role {
    /// All roles, most permissions first.
    pub const ALL: [Self; 4] = [Self::Owner, Self::Staff, Self::Observer, Self::Viewer];

    /// Returns the role's name in the database and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Staff => "staff",
            Self::Observer => "observer",
            Self::Viewer => "viewer",
        }
    }

    /// Returns the role's name for display.
    #[must_use]
    pub fn name(self, t: Locale) -> &'static str {
        match self {
            Self::Owner => t.say("Owner", "Inhaber"),
            Self::Staff => t.say("Staff", "Mitarbeiter"),
            Self::Observer => t.say("Observer", "Beobachter"),
            Self::Viewer => t.say("Viewer", "Betrachter"),
        }
    }

    /// Returns the role's name with what tells it from a similar one.
    #[must_use]
    pub fn title(self, t: Locale) -> &'static str {
        match self {
            Self::Owner | Self::Staff => self.name(t),
            Self::Observer => t.say("Observer (all imports)", "Beobachter (alle Importe)"),
            Self::Viewer => t.say(
                "Viewer (own and shared imports)",
                "Betrachter (eigene und geteilte Importe)",
            ),
        }
    }

    /// Returns what the role may do, in words.
    #[must_use]
    pub fn description(self, t: Locale) -> &'static str {
        match self {
            Self::Owner => t.say(
                "Can do everything, including managing the team, webhooks and the server.",
                "Kann alles, auch Team, Webhooks und Server verwalten.",
            ),
            Self::Staff => t.say(
                "Can import files and manage their own imports.",
                "Kann Dateien importieren und die eigenen Importe verwalten.",
            ),
            Self::Observer => t.say(
                "Can view all imports and products, but not change them.",
                "Kann alle Importe und Produkte ansehen, aber nichts ändern.",
            ),
            Self::Viewer => t.say(
                "Can view products and the imports shared with them, but not change them.",
                "Kann Produkte und geteilte Importe ansehen, aber nichts ändern.",
            ),
        }
    }

    /// Returns the text of an invitation.
    #[must_use]
    pub fn invitation(self, t: Locale) -> &'static str {
        match self {
            Self::Owner => t.say(
                "You've been invited as an owner.",
                "Du wurdest als Inhaber eingeladen.",
            ),
            Self::Staff => t.say(
                "You've been invited as a staff member.",
                "Du wurdest als Mitarbeiter eingeladen.",
            ),
            Self::Observer | Self::Viewer => t.say(
                "You've been invited as a viewer.",
                "Du wurdest als Betrachter eingeladen.",
            ),
        }
    }

    /// Returns whether the role has a permission.
    #[must_use]
    pub fn may(self, permission: Permission) -> bool {
        match self {
            Self::Owner => true,
            Self::Staff => !matches!(permission, Permission::Manage | Permission::Webhooks),
            Self::Observer | Self::Viewer => {
                matches!(permission, Permission::SeeImports | Permission::SeeProducts)
            }
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An unknown role.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("unknown role")]
pub struct UnknownRole;

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or(UnknownRole)
    }
}

/// A role claim of another installation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RoleClaim {
    /// None.
    Missing,
    /// An unknown role.
    Unknown,
    /// No access.
    NoAccess,
    /// A known role.
    Known(Role),
}

impl RoleClaim {
    /// Parses a claim.
    #[must_use]
    pub fn read(name: &str) -> Self {
        match name.trim().to_lowercase().as_str() {
            // These are no roles: everybody has them.
            "" | "user" | "member" => Self::Missing,
            "owner" | "admin" | "administrator" => Self::Known(Role::Owner),
            "staff" | "editor" => Self::Known(Role::Staff),
            "observer" | "auditor" => Self::Known(Role::Observer),
            "viewer" | "readonly" | "read-only" => Self::Known(Role::Viewer),
            "guest" | "none" => Self::NoAccess,
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_do_what_it_is_for() {
        use Permission::{Import, Manage, SeeImports, Webhooks};
        let of = |role: Role| [SeeImports, Import, Manage, Webhooks].map(|it| role.may(it));
        assert_eq!(of(Role::Owner), [true; 4]);
        assert_eq!(of(Role::Staff), [true, true, false, false]);
        assert_eq!(of(Role::Observer), [true, false, false, false]);
        assert_eq!(of(Role::Viewer), [true, false, false, false]);
    }

    #[test]
    fn a_role_s_name_gives_it_back() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(role));
        }
        assert_eq!("root".parse::<Role>(), Err(UnknownRole));
    }

    #[test]
    fn a_guest_elsewhere_is_nobody_here() {
        for name in ["guest", " Guest ", "none"] {
            assert_eq!(RoleClaim::read(name), RoleClaim::NoAccess);
        }
        assert_eq!(RoleClaim::read("viewer"), RoleClaim::Known(Role::Viewer));
        assert_eq!(RoleClaim::read("auditor"), RoleClaim::Known(Role::Observer));
    }
}
