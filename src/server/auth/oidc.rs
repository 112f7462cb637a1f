//! OpenID Connect: authorization code flow (OpenID Connect Core 1.0, section 3.1) with PKCE (RFC 7636). Trusts the ID
//! token and the userinfo response; the session is a local one.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::BoxFuture;
use openidconnect::{
    AccessToken, AdditionalClaims, AsyncHttpClient, AuthenticationFlow, AuthorizationCode, Client,
    ClientId, ClientSecret, CsrfToken, EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet,
    EndpointSet, HttpRequest, HttpResponse, IdTokenClaims, IdTokenFields, Nonce,
    OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError,
    Scope, StandardErrorResponse, StandardTokenResponse, SubjectIdentifier, TokenResponse as _,
    UserInfoClaims,
    core::{
        CoreAuthDisplay, CoreAuthPrompt, CoreErrorResponseType, CoreGenderClaim, CoreJsonWebKey,
        CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreProviderMetadata,
        CoreResponseType, CoreRevocableToken, CoreRevocationErrorResponse,
        CoreTokenIntrospectionResponse, CoreTokenType,
    },
};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use subtle::ConstantTimeEq;
use thiserror::Error;
use tokio::sync::Mutex;
use url::Url;

use super::claim;
use crate::{
    model::{job::UnixMillis, role::RoleClaim},
    server::{
        config::{OidcConfig, PublicUrl},
        http_client,
        http_client::ReadError,
    },
};

pub(in crate::server) const CALLBACK: &str = "/sign-in/oidc/callback";
const SCOPES: [&str; 2] = ["email", "profile"];
const TIMEOUT: Duration = Duration::from_secs(10);
const MAX_ANSWER: usize = 1 << 20;
const FRESH: Duration = Duration::from_secs(3600);
const RENEWAL: Duration = Duration::from_secs(60);

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct Extra {
    #[serde(default)]
    role: Value,
}

impl AdditionalClaims for Extra {}

type Fields = IdTokenFields<
    Extra,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;

type ProviderClient = Client<
    Extra,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    StandardTokenResponse<Fields, CoreTokenType>,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

type UserInfo = UserInfoClaims<Extra, CoreGenderClaim>;

/// Why a configured provider cannot be used.
#[derive(Debug, Error)]
pub enum ProviderError {
    /// TLS cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] reqwest::Error),
    /// The public URL gives no valid redirect URI.
    #[error("NEXTAUTH_URL cannot be used as a redirect URI: {0}")]
    Callback(#[from] url::ParseError),
}

/// Why a sign-in failed; for the log.
#[derive(Debug, Error)]
pub(super) enum OidcError {
    /// The provider is unreachable or not a provider.
    #[error("the provider cannot be used: {0}")]
    Provider(String),
    /// State, code or token is invalid.
    #[error("the sign-in is not valid: {0}")]
    Invalid(String),
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Visit {
    state: CsrfToken,
    nonce: Nonce,
    verifier: String,
    pub(super) next: Option<String>,
    /// Whether a signed-in user is confirming their identity.
    #[serde(default)]
    pub(super) anew: bool,
}

impl Visit {
    pub(super) fn is_of(&self, state: &str) -> bool {
        bool::from(self.state.secret().as_bytes().ct_eq(state.as_bytes()))
    }
}

/// A user as identified by the provider.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub(super) subject: String,
    pub(super) email: Option<String>,
    /// The address, if the provider has verified it.
    pub(super) verified_email: Option<String>,
    pub(super) name: Option<String>,
    pub(super) role: RoleClaim,
    /// When the provider last authenticated the user, if known.
    pub(super) asked_at: Option<UnixMillis>,
}

#[derive(Clone, Debug)]
pub(in crate::server) struct Provider(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: OidcConfig,
    redirect: RedirectUrl,
    http: Http,
    known: Mutex<Option<Known>>,
}

#[derive(Clone, Debug)]
struct Known {
    metadata: CoreProviderMetadata,
    since: Instant,
    renewed: Option<Instant>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Wanted {
    Fresh,
    /// With current keys. Rate limited, because anyone can send a token that no key verifies.
    NewKeys,
}

impl Provider {
    /// Prepares a provider, without a request.
    pub(in crate::server) fn new(
        config: OidcConfig,
        public_url: &PublicUrl,
    ) -> Result<Self, ProviderError> {
        let http = http_client::client_for(config.issuer.url())
            .timeout(TIMEOUT)
            .build()?;
        Ok(Self(Arc::new(Inner {
            redirect: RedirectUrl::new(public_url.address(CALLBACK))?,
            http: Http(http),
            known: Mutex::new(None),
            config,
        })))
    }

    pub(super) fn name(&self) -> &str {
        &self.0.config.name
    }

    pub(super) fn issuer(&self) -> &str {
        self.0.config.issuer.as_str()
    }

    /// Starts a sign-in: returns the authorization URL and the state. Returns [`OidcError::Provider`] if its metadata
    /// cannot be fetched.
    pub(super) async fn begin(
        &self,
        next: Option<String>,
        anew: bool,
    ) -> Result<(Url, Visit), OidcError> {
        let client = self.client(self.known(Wanted::Fresh).await?);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let mut request = client
            .authorize_url(
                AuthenticationFlow::<CoreResponseType>::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .add_scopes(SCOPES.map(|scope| Scope::new(scope.to_owned())))
            .set_pkce_challenge(challenge);
        if anew {
            // The standard requires one of them; not every provider knows both.
            request = request
                .add_prompt(CoreAuthPrompt::Login)
                .set_max_age(Duration::ZERO);
        }
        let (url, state, nonce) = request.url();
        let visit = Visit {
            state,
            nonce,
            verifier: verifier.into_secret(),
            next,
            anew,
        };
        Ok((url, visit))
    }

    /// Completes a sign-in: exchanges the code and verifies the ID token. Returns [`OidcError::Invalid`] if the
    /// provider rejects the code or the ID token is invalid, [`OidcError::Provider`] if it cannot be reached.
    pub(super) async fn finish(&self, visit: Visit, code: String) -> Result<Identity, OidcError> {
        let client = self.client(self.known(Wanted::Fresh).await?);
        let answer = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|error| OidcError::Provider(error.to_string()))?
            .set_pkce_verifier(PkceCodeVerifier::new(visit.verifier))
            .request_async(&self.0.http)
            .await
            .map_err(|error| OidcError::Invalid(not_exchanged(&error)))?;
        let token = answer
            .id_token()
            .ok_or_else(|| OidcError::Invalid("no ID token".to_owned()))?;
        let claims = match token.claims(&client.id_token_verifier(), &visit.nonce) {
            Ok(claims) => claims,
            // Keys may have been rotated (OpenID Connect Core 1.0, section 10.1.1).
            Err(first) => {
                let client = self.client(self.known(Wanted::NewKeys).await?);
                token
                    .claims(&client.id_token_verifier(), &visit.nonce)
                    .map_err(|_| OidcError::Invalid(first.to_string()))?
            }
        };
        let told = self.told(&client, answer.access_token(), claims.subject());
        identity(claims, told.await.as_ref())
    }

    /// Fetches userinfo. Many providers return address and name there only; a failure is tolerated.
    async fn told(
        &self,
        client: &ProviderClient,
        token: &AccessToken,
        subject: &SubjectIdentifier,
    ) -> Option<UserInfo> {
        let request = client
            .user_info(token.clone(), Some(subject.clone()))
            .ok()?;
        let answer: Result<UserInfo, _> = request.request_async(&self.0.http).await;
        answer
            .inspect_err(|error| tracing::warn!(%error, "the provider returned no user claims"))
            .ok()
    }

    async fn known(&self, wanted: Wanted) -> Result<CoreProviderMetadata, OidcError> {
        let mut known = self.0.known.lock().await;
        let renewed = known.as_ref().and_then(|known| known.renewed);
        if let Some(known) = &*known {
            let will_do = match wanted {
                Wanted::Fresh => known.since.elapsed() < FRESH,
                Wanted::NewKeys => renewed.is_some_and(|at| at.elapsed() < RENEWAL),
            };
            if will_do {
                return Ok(known.metadata.clone());
            }
        }
        let metadata =
            CoreProviderMetadata::discover_async(self.0.config.issuer.clone(), &self.0.http)
                .await
                .map_err(|error| OidcError::Provider(error.to_string()))?;
        let now = Instant::now();
        *known = Some(Known {
            metadata: metadata.clone(),
            since: now,
            renewed: if wanted == Wanted::NewKeys {
                Some(now)
            } else {
                renewed
            },
        });
        Ok(metadata)
    }

    fn client(&self, metadata: CoreProviderMetadata) -> ProviderClient {
        let config = &self.0.config;
        let secret = config
            .client_secret
            .as_ref()
            .map(|secret| ClientSecret::new(secret.expose_secret().to_owned()));
        Client::from_provider_metadata(metadata, ClientId::new(config.client_id.clone()), secret)
            .set_redirect_uri(self.0.redirect.clone())
    }
}

/// Describes why a code was rejected, without the provider's text, which may repeat what it was sent.
fn not_exchanged<E: std::error::Error + 'static>(
    error: &RequestTokenError<E, StandardErrorResponse<CoreErrorResponseType>>,
) -> String {
    match error {
        RequestTokenError::ServerResponse(answer) => {
            format!(
                "the provider says {:?}",
                known_error(answer.error().as_ref())
            )
        }
        RequestTokenError::Parse(..) => "the provider's answer cannot be read".to_owned(),
        RequestTokenError::Request(_) | RequestTokenError::Other(_) => error.to_string(),
    }
}

/// Returns a provider's error code if it is a standard one; any other may contain anything.
pub(super) fn known_error(code: &str) -> &str {
    const KNOWN: [&str; 17] = [
        // RFC 6749, sections 4.1.2.1 and 5.2
        "access_denied",
        "invalid_client",
        "invalid_grant",
        "invalid_request",
        "invalid_scope",
        "server_error",
        "temporarily_unavailable",
        "unauthorized_client",
        "unsupported_grant_type",
        "unsupported_response_type",
        // OpenID Connect Core 1.0, section 3.1.2.6
        "account_selection_required",
        "consent_required",
        "interaction_required",
        "invalid_request_object",
        "login_required",
        "registration_not_supported",
        "request_not_supported",
    ];
    KNOWN
        .into_iter()
        .find(|known| *known == code)
        .unwrap_or("another error")
}

#[derive(Debug)]
struct Http(reqwest::Client);

impl Http {
    async fn ask(&self, request: HttpRequest) -> Result<HttpResponse, ReadError> {
        let mut answer = self.0.execute(request.try_into()?).await?;
        let mut response = HttpResponse::new(Vec::new());
        *response.status_mut() = answer.status();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        *response.body_mut() = http_client::read_limited(answer, MAX_ANSWER).await?;
        Ok(response)
    }
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = ReadError;
    type Future = BoxFuture<'c, Result<HttpResponse, ReadError>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.ask(request))
    }
}

/// Merges claims. The signed ID token wins.
fn identity(
    token: &IdTokenClaims<Extra, CoreGenderClaim>,
    told: Option<&UserInfo>,
) -> Result<Identity, OidcError> {
    let subject = claim::clean(token.subject().as_str(), claim::MAX_ID)
        .ok_or_else(|| OidcError::Invalid("no subject that can be kept".to_owned()))?;
    let (email, is_verified) = match (token.email(), told) {
        (Some(email), _) => (Some(email), token.email_verified()),
        (None, Some(told)) => (told.email(), told.email_verified()),
        (None, None) => (None, None),
    };
    let email = email.and_then(|email| claim::clean(email, claim::MAX_ID));
    let name = token.name().or_else(|| told?.name());
    let called = token
        .preferred_username()
        .or_else(|| told?.preferred_username());
    let name = name
        .and_then(|name| name.get(None))
        .map(|name| name.as_str())
        .or_else(|| Some(called?.as_str()));
    let role = Some(token.additional_claims())
        .into_iter()
        .chain(told.map(UserInfo::additional_claims))
        .map(|extra| &extra.role)
        .find(|role| !role.is_null());
    Ok(Identity {
        subject,
        verified_email: email.clone().filter(|_| is_verified == Some(true)),
        email,
        name: name.and_then(|name| claim::clean(name, claim::MAX_NAME)),
        role: role.map_or(RoleClaim::Missing, claim::role),
        asked_at: token.auth_time().map(|time| time.timestamp_millis()),
    })
}
