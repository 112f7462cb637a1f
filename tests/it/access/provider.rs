//! A scripted OpenID Connect provider.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{
    Form, Json, Router,
    routing::{get, post},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::{Response, header};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::net::TcpListener;
use url::Url;

use crate::support::app::{App, session_cookie};

const CLIENT: &str = "relay";
const SECRET: &str = "the client's secret";

pub(crate) struct Provider {
    pub(crate) issuer: String,
    claims: Arc<Mutex<HashMap<String, Value>>>,
}

impl Provider {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let claims = Arc::new(Mutex::new(HashMap::<String, Value>::new()));
        let itself = json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "jwks_uri": format!("{issuer}/keys"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["HS256"],
        });
        let known = Arc::clone(&claims);
        let token = move |Form(form): Form<HashMap<String, String>>| async move {
            let claims = known.lock().unwrap().remove(&form["code"]);
            let token = claims.map(|claims| signed(&claims));
            Json(json!({"access_token": "x", "token_type": "Bearer", "id_token": token}))
        };
        let router = Router::new()
            .route(
                "/.well-known/openid-configuration",
                get(|| async { Json(itself) }),
            )
            .route("/keys", get(|| async { Json(json!({"keys": []})) }))
            .route("/token", post(token));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { issuer, claims }
    }

    /// Returns the settings of an app that uses it.
    pub(crate) fn settings(&self) -> Vec<(&str, &str)> {
        vec![
            ("OIDC_ISSUER", &self.issuer),
            ("OIDC_CLIENT_ID", CLIENT),
            ("OIDC_CLIENT_SECRET", SECRET),
            ("OIDC_NAME", "Acme"),
        ]
    }

    /// Signs in with these claims. Returns the answer and the authorization URL.
    pub(crate) async fn visit(&self, app: &App, path: &str, claims: Value) -> (Response, Url) {
        let away = app.get(path).await;
        assert_eq!(away.status(), 303, "{path}");
        let visit = away.headers()[header::SET_COOKIE].to_str().unwrap();
        let visit = visit.split(';').next().unwrap().to_owned();
        let address = Url::parse(away.headers()[header::LOCATION].to_str().unwrap()).unwrap();
        let asked: HashMap<_, _> = address.query_pairs().into_owned().collect();
        let now = seconds();
        let mut all = json!({
            "iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 60, "nonce": asked["nonce"],
        });
        let all_claims = all.as_object_mut().unwrap();
        all_claims.extend(claims.as_object().unwrap().clone());
        let code = asked["state"].chars().rev().collect::<String>();
        self.claims.lock().unwrap().insert(code.clone(), all);
        let state = &asked["state"];
        let back = app.url(&format!("/sign-in/oidc/callback?code={code}&state={state}"));
        let cookies = format!("{visit}; {}", app.cookie);
        let back = app.http.get(back).header(header::COOKIE, cookies);
        (back.send().await.unwrap(), address)
    }

    pub(crate) async fn sign_in(&self, app: &App, claims: Value) -> Option<String> {
        let nobody = App::sharing(app, "");
        let (answer, _) = self.visit(&nobody, "/sign-in/oidc", claims).await;
        session_cookie(&answer).filter(|cookie| cookie.contains("session="))
    }
}

/// Returns the time in a token's format.
pub(crate) fn seconds() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    now.as_secs()
}

fn signed(claims: &Value) -> String {
    let encoded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let head = json!({"alg": "HS256", "typ": "JWT"});
    let signed = format!("{}.{}", encoded(&head), encoded(claims));
    let mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    let mac = mac.chain_update(&signed).finalize().into_bytes();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac))
}
