//! Creates and verifies Web Authentication challenges (pure, except for randomness).

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use thiserror::Error;
use url::Url;
use uuid::Uuid;
use webauthn_rs::prelude::{
    DiscoverableAuthentication, Passkey, PasskeyRegistration, PublicKeyCredential,
    RegisterPublicKeyCredential, Webauthn, WebauthnBuilder, WebauthnError,
};

use super::LIFETIME;
use crate::server::{
    config::{Config, PasskeyPolicy},
    identity::user::{User, UserId},
    store::passkeys::StoredPasskey,
};

/// Why an answer is rejected.
#[derive(Debug, Error)]
pub(super) enum CeremonyError {
    /// The answer or the stored state is malformed.
    #[error("it cannot be read")]
    Unreadable(#[from] serde_json::Error),
    /// Not signed by this key, for this challenge, at this origin, by a verified user.
    #[error("{0}")]
    Refused(#[from] WebauthnError),
    #[error("it is of another user")]
    AnotherUser,
    #[error("an account without a UUID")]
    NoUuid,
}

/// A challenge: JSON for the browser, and state to store until the answer.
pub(super) struct Challenge {
    pub(super) options: String,
    pub(super) state: String,
}

pub(super) struct Credential {
    pub(super) id: Vec<u8>,
    pub(super) stored: String,
    pub(super) is_synced: bool,
}

pub(super) struct Answer(PublicKeyCredential);

impl Answer {
    pub(super) fn read(text: &str) -> Result<Self, CeremonyError> {
        Ok(Self(serde_json::from_str(text)?))
    }

    pub(super) fn credential_id(&self) -> &[u8] {
        self.0.get_credential_id()
    }

    /// Returns whether the authenticator names this user; `None` if it names nobody.
    pub(super) fn names(&self, user: &UserId) -> Option<bool> {
        let named = self.0.get_user_unique_id()?;
        let own = Uuid::parse_str(user.as_str());
        Some(own.is_ok_and(|own| own.as_bytes() == named))
    }
}

/// This app as a relying party. Cheap to clone.
#[derive(Clone, Debug)]
pub(in crate::server::auth) struct RelyingParty(Arc<Webauthn>);

impl RelyingParty {
    /// Returns the relying party of the public URL, unless passkeys are disabled or unavailable there.
    pub(in crate::server::auth) fn of(config: &Config) -> Option<Self> {
        if config.auth.passkeys == PasskeyPolicy::Off {
            return None;
        }
        let host = config.public_url.passkey_host()?;
        let origin = Url::parse(config.public_url.origin()).ok()?;
        let built = WebauthnBuilder::new(host, &origin)
            .and_then(|builder| builder.rp_name("Import Relay").timeout(LIFETIME).build());
        match built {
            Ok(webauthn) => Some(Self(Arc::new(webauthn))),
            Err(error) => {
                tracing::error!(%error, "no passkeys for NEXTAUTH_URL");
                None
            }
        }
    }

    /// Creates a challenge for a new passkey, on a device that has none of these.
    pub(super) fn ask_for_new(
        &self,
        user: &User,
        known: &[StoredPasskey],
    ) -> Result<Challenge, CeremonyError> {
        let id = Uuid::parse_str(user.id.as_str()).map_err(|_| CeremonyError::NoUuid)?;
        let known = known
            .iter()
            .map(|passkey| Ok(read(passkey)?.cred_id().clone()))
            .collect::<Result<_, CeremonyError>>()?;
        let (options, state) =
            self.0
                .start_passkey_registration(id, &user.email, &user.name, Some(known))?;
        let mut options = serde_json::to_value(options)?;
        // Sign-in without a name needs passkeys that the authenticator can list.
        let selection = &mut options["publicKey"]["authenticatorSelection"];
        selection["residentKey"] = "required".into();
        selection["requireResidentKey"] = true.into();
        Ok(Challenge {
            options: options.to_string(),
            state: serde_json::to_string(&state)?,
        })
    }

    pub(super) fn accept_new(&self, text: &str, state: &str) -> Result<Credential, CeremonyError> {
        let answer: RegisterPublicKeyCredential = serde_json::from_str(text)?;
        let state: PasskeyRegistration = serde_json::from_str(state)?;
        write(&self.0.finish_passkey_registration(&answer, &state)?)
    }

    /// Creates a challenge for one of these passkeys; for any if there are none.
    pub(super) fn ask_for(&self, known: &[StoredPasskey]) -> Result<Challenge, CeremonyError> {
        let (options, state) = self.0.start_discoverable_authentication()?;
        let mut options = serde_json::to_value(options)?;
        let known = known
            .iter()
            .map(|passkey| {
                let id = URL_SAFE_NO_PAD.encode(read(passkey)?.cred_id());
                Ok(serde_json::json!({ "type": "public-key", "id": id }))
            })
            .collect::<Result<Vec<_>, CeremonyError>>()?;
        options["publicKey"]["allowCredentials"] = known.into();
        Ok(Challenge {
            options: options.to_string(),
            state: serde_json::to_string(&state)?,
        })
    }

    /// Verifies a stored passkey's answer. Returns the credential with its new counter and flags.
    pub(super) fn accept(
        &self,
        answer: &Answer,
        state: &str,
        passkey: &StoredPasskey,
    ) -> Result<Credential, CeremonyError> {
        let state: DiscoverableAuthentication = serde_json::from_str(state)?;
        let mut known = read(passkey)?;
        let result = self
            .0
            .finish_discoverable_authentication_v2(&answer.0, state, &known)?;
        known.update_credential(&result);
        write(&known)
    }
}

fn read(passkey: &StoredPasskey) -> Result<Passkey, CeremonyError> {
    Ok(serde_json::from_str(&passkey.credential)?)
}

fn write(passkey: &Passkey) -> Result<Credential, CeremonyError> {
    let stored = serde_json::to_value(passkey)?;
    Ok(Credential {
        id: passkey.cred_id().to_vec(),
        is_synced: stored["cred"]["backup_state"] == true,
        stored: stored.to_string(),
    })
}
