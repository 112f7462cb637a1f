//! The audit log.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{
    i18n::locale::Locale,
    model::{
        job::{ImportMode, UnixMillis},
        role::Role,
    },
};

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident: $stored:literal, $english:literal, $german:literal;)*) => {
        /// An audited action.
        #[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
        pub enum AuditAction {
            $($(#[$doc])* $name,)*
        }

        impl AuditAction {
            /// Returns the action's name in the database.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $stored,)* }
            }

            /// Returns the action for display, between the user and the subject.
            #[must_use]
            pub fn words(self, t: Locale) -> &'static str {
                match self { $(Self::$name => t.say($english, $german),)* }
            }
        }

        impl FromStr for AuditAction {
            type Err = ();

            fn from_str(text: &str) -> Result<Self, ()> {
                match text { $($stored => Ok(Self::$name),)* _ => Err(()) }
            }
        }
    };
}

actions! {
    /// A session was opened.
    SignedIn: "signed-in", "signed in", "angemeldet";
    /// A wrong password was tried.
    SignInFailed: "sign-in-failed", "failed to sign in", "Anmeldung fehlgeschlagen";
    /// A signed-in user entered their password again.
    Confirmed: "confirmed", "confirmed their identity", "Identität bestätigt";
    /// A signed-in user entered a wrong password.
    ConfirmFailed: "confirm-failed", "entered a wrong password", "ein falsches Passwort eingegeben";
    /// A session was closed.
    SignedOut: "signed-out", "signed out", "abgemeldet";
    /// All sessions of an account were closed by its user.
    SignedOutEverywhere: "signed-out-everywhere", "signed out everywhere", "überall abgemeldet";
    /// One session of an account was closed by its user.
    SessionEnded: "session-ended", "ended a session", "eine Sitzung beendet";
    /// A user changed their password.
    PasswordChanged: "password-changed", "changed their password", "das Passwort geändert";
    /// A password was set by a link.
    PasswordReset: "password-reset", "reset their password with a link", "das Passwort über einen Link zurückgesetzt";
    /// A password was set at the command line.
    PasswordSet: "password-set", "reset the password for", "Passwort zurückgesetzt:";
    /// An account was created at the command line.
    AccountMade: "account-made", "created the account", "Konto erstellt:";
    /// An invitation was created.
    Invited: "invited", "invited", "eingeladen:";
    /// An invitation was sent by email.
    InvitationSent: "invitation-sent", "emailed an invitation to", "Einladung gesendet an:";
    /// An invitation was accepted.
    Joined: "joined", "joined as", "beigetreten als";
    /// A link for a new password was created.
    ResetLinkMade: "reset-link-made", "created a password reset link for", "Passwort-Link erstellt:";
    /// A passkey was added by its user.
    PasskeyAdded: "passkey-added", "added the passkey", "Passkey hinzugefügt:";
    /// A passkey was renamed by its user.
    PasskeyRenamed: "passkey-renamed", "renamed a passkey to", "Passkey umbenannt in:";
    /// A passkey was removed by its user.
    PasskeyRemoved: "passkey-removed", "removed the passkey", "Passkey entfernt:";
    /// All passkeys of an account were removed by an owner or at the command line.
    PasskeysRemoved: "passkeys-removed", "removed all passkeys of", "Alle Passkeys entfernt:";
    /// A passkey was refused.
    PasskeyRefused: "passkey-refused", "used a passkey that was refused", "abgelehnten Passkey verwendet:";
    /// A link was revoked.
    LinkRevoked: "link-revoked", "revoked a link", "einen Link widerrufen";
    /// The role of an account was changed.
    RoleChanged: "role-changed", "changed the role of", "Rolle geändert:";
    /// The access of an account was revoked.
    AccessTaken: "access-taken", "revoked access for", "Zugang entzogen:";
    /// The access of an account was restored.
    AccessGiven: "access-given", "restored access for", "Zugang wiederhergestellt:";
    /// An API token was created.
    TokenCreated: "token-created", "created the API token", "API-Token erstellt:";
    /// An API token was revoked.
    TokenRevoked: "token-revoked", "revoked the API token", "API-Token widerrufen:";
    /// An import was started.
    ImportStarted: "import-started", "started an import of", "Import gestartet:";
    /// A dry run was started.
    ImportChecked: "import-checked", "started a dry run of", "Testlauf gestartet:";
    /// An import that was started elsewhere was adopted.
    ImportAdopted: "import-adopted", "started following import", "folgt nun dem Import";
    /// An import was cancelled.
    ImportCancelled: "import-cancelled", "cancelled the import of", "Import abgebrochen:";
    /// An import was started again.
    ImportRetried: "import-retried", "retried the import of", "Import erneut gestartet:";
    /// An import over a limit was approved.
    ImportApproved: "import-approved", "approved the import of", "Import freigegeben:";
    /// An import was undone.
    ImportUndone: "import-undone", "undid the import of", "Import rückgängig gemacht:";
    /// An import was deleted.
    ImportDeleted: "import-deleted", "deleted the import of", "Import gelöscht:";
    /// A link to an import was created.
    ImportShared: "import-shared", "created a link to the import of", "Link erstellt zum Import:";
    /// A link to an import was revoked.
    ShareRevoked: "share-revoked", "revoked a link to the import of", "Link widerrufen zum Import:";
    /// A webhook was created.
    WebhookCreated: "webhook-created", "created a webhook at", "Webhook erstellt:";
    /// A webhook was deleted.
    WebhookDeleted: "webhook-deleted", "deleted the webhook at", "Webhook gelöscht:";
    /// A webhook was turned on.
    WebhookEnabled: "webhook-enabled", "turned on the webhook at", "Webhook eingeschaltet:";
    /// A webhook was turned off.
    WebhookDisabled: "webhook-disabled", "turned off the webhook at", "Webhook ausgeschaltet:";
    /// A source was created.
    SourceCreated: "source-created", "created the source", "Quelle erstellt:";
    /// A source was changed.
    SourceChanged: "source-changed", "changed the source", "Quelle geändert:";
    /// A source was paused.
    SourcePaused: "source-paused", "paused the source", "Quelle angehalten:";
    /// A source was resumed.
    SourceResumed: "source-resumed", "resumed the source", "Quelle fortgesetzt:";
    /// A source was run on request.
    SourceRun: "source-run", "ran the source", "Quelle ausgeführt:";
    /// A source was deleted.
    SourceDeleted: "source-deleted", "deleted the source", "Quelle gelöscht:";
    /// An action of another version of the app.
    Unknown: "unknown", "did something this version does not recognise", "etwas getan, das diese Version nicht kennt";
}

/// An entry of the audit log.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct AuditEvent {
    /// Time.
    pub at: UnixMillis,
    /// The user's name at that time.
    pub actor: String,
    /// The action.
    pub action: AuditAction,
    /// What it was done to.
    pub subject: String,
    /// IP address.
    pub address: Option<String>,
}

impl AuditEvent {
    /// Returns the subject for display. Where it ends in a role, that has its name: `mia@shop.example (staff)`,
    /// `Mia: staff`, `staff`.
    #[must_use]
    pub fn subject_words(&self, t: Locale) -> String {
        let (before, after) = match self.action {
            AuditAction::Invited => ("(", ")"),
            AuditAction::RoleChanged => (": ", ""),
            AuditAction::Joined => ("", ""),
            _ => return self.subject.clone(),
        };
        let role = self.subject.strip_suffix(after).and_then(|rest| {
            let start = if before.is_empty() {
                0
            } else {
                rest.rfind(before)? + before.len()
            };
            let role: Role = rest[start..].parse().ok()?;
            Some((&rest[..start], role))
        });
        role.map_or_else(
            || self.subject.clone(),
            |(rest, role)| format!("{rest}{}{after}", role.name(t)),
        )
    }
}

impl AuditAction {
    /// Returns the action of starting an import with a mode.
    #[must_use]
    pub fn of_start(mode: ImportMode) -> Self {
        match mode {
            ImportMode::Import => Self::ImportStarted,
            ImportMode::Check => Self::ImportChecked,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_s_name_gives_it_back() {
        for action in [
            AuditAction::SignedIn,
            AuditAction::ImportStarted,
            AuditAction::TokenRevoked,
        ] {
            assert_eq!(action.as_str().parse(), Ok(action));
        }
        assert_eq!("x".parse::<AuditAction>(), Err(()));
    }

    #[test]
    fn a_role_in_a_subject_has_its_name() {
        for (action, subject, words) in [
            (AuditAction::Joined, "staff", "Mitarbeiter"),
            (
                AuditAction::Invited,
                "mia@shop.example (staff)",
                "mia@shop.example (Mitarbeiter)",
            ),
            (AuditAction::Invited, "(viewer)", "(Betrachter)"),
            (
                AuditAction::RoleChanged,
                "Mia: the first: owner",
                "Mia: the first: Inhaber",
            ),
            (AuditAction::RoleChanged, "Mia", "Mia"),
            (AuditAction::TokenCreated, "staff", "staff"),
        ] {
            let event = AuditEvent {
                at: 0,
                actor: String::new(),
                action,
                subject: subject.to_owned(),
                address: None,
            };
            assert_eq!(event.subject_words(Locale::German), words);
        }
    }
}
