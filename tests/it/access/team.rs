//! The principals.

use reqwest::header::{self, HeaderName};
use sea_orm::{ConnectionTrait as _, Database};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::support::app::{App, session_cookie};

const PASSWORD: &str = "correct horse";

/// Credentials: cookies, and tokens of the staff member.
pub(crate) struct Team {
    pub(crate) owner: String,
    pub(crate) staff: String,
    pub(crate) other: String,
    pub(crate) observer: String,
    pub(crate) viewer: String,
    pub(crate) expired: String,
    pub(crate) read_token: String,
    pub(crate) write_token: String,
}

impl Team {
    pub(crate) async fn gather(app: &App) -> Self {
        let [staff, other, observer, viewer] = [
            invite(app, "staff", "staff@example.com").await,
            invite(app, "staff", "other@example.com").await,
            invite(app, "observer", "observer@example.com").await,
            invite(app, "viewer", "viewer@example.com").await,
        ];
        let as_staff = App::sharing(app, &staff);
        let expired = sign_in(app, "staff@example.com").await;
        expire(app, &expired, "expires_at").await;
        Self {
            owner: app.cookie.clone(),
            read_token: token(&as_staff, "imports:read").await,
            write_token: token(&as_staff, "imports:write").await,
            staff,
            other,
            observer,
            viewer,
            expired,
        }
    }

    pub(crate) async fn sign_in(&mut self, app: &App) {
        self.owner = sign_in(app, "ada@example.com").await;
        self.staff = sign_in(app, "staff@example.com").await;
        self.other = sign_in(app, "other@example.com").await;
        self.observer = sign_in(app, "observer@example.com").await;
        self.viewer = sign_in(app, "viewer@example.com").await;
        let staff = App::sharing(app, &self.staff);
        self.read_token = token(&staff, "imports:read").await;
        self.write_token = token(&staff, "imports:write").await;
    }

    pub(crate) fn credential(&self, number: usize) -> Option<(HeaderName, String)> {
        let cookie = |cookie: &str| Some((header::COOKIE, cookie.to_owned()));
        match number {
            0 => None,
            1 => cookie(&self.expired),
            2 => cookie(&tampered(&self.owner)),
            3 => cookie(&self.observer),
            4 => cookie(&self.viewer),
            5 => cookie(&self.other),
            6 => cookie(&self.staff),
            7 => cookie(&self.owner),
            8 => Some(bearer(&self.read_token)),
            9 => Some(bearer(&self.write_token)),
            _ => unreachable!(),
        }
    }
}

fn tampered(cookie: &str) -> String {
    let mut cookie = cookie.to_owned();
    let last = cookie.pop().unwrap();
    cookie.push(if last == '0' { '1' } else { '0' });
    cookie
}

pub(crate) async fn invite(app: &App, role: &str, email: &str) -> String {
    let link: Value = app
        .post_as("/api/invite", &[("role", role), ("note", email)])
        .await
        .json()
        .await
        .unwrap();
    let token = link["url"].as_str().unwrap().rsplit('/').next().unwrap();
    let form = [
        ("token", token),
        ("name", "Somebody"),
        ("email", email),
        ("password", PASSWORD),
    ];
    session_cookie(&app.post_form("/api/accept_invitation", &form).await).unwrap()
}

pub(crate) async fn sign_in(app: &App, email: &str) -> String {
    let form = [("email", email), ("password", PASSWORD)];
    session_cookie(&app.post_form("/api/sign_in", &form).await).unwrap()
}

pub(crate) fn bearer(token: &str) -> (HeaderName, String) {
    (header::AUTHORIZATION, format!("Bearer {token}"))
}

pub(crate) async fn token(app: &App, scope: &str) -> String {
    let form = [("name", scope), ("scope", scope), ("lifetime", "month")];
    let new: Value = app
        .post_as("/api/create_token", &form)
        .await
        .json()
        .await
        .unwrap();
    new["token"].as_str().unwrap().to_owned()
}

pub(crate) async fn change(app: &App, statement: &str) {
    let db = Database::connect(app.database_url()).await.unwrap();
    let changed = db.execute_unprepared(statement).await.unwrap();
    assert!(changed.rows_affected() > 0, "{statement}");
}

pub(crate) async fn expire(app: &App, cookie: &str, column: &str) {
    let (_, token) = cookie.split_once('=').unwrap();
    let hash = hex::encode(Sha256::digest(token));
    let db = Database::connect(app.database_url()).await.unwrap();
    let changed = db
        .execute_unprepared(&format!(
            "UPDATE sessions SET {column} = 1 WHERE token_hash = '{hash}'"
        ))
        .await
        .unwrap();
    assert_eq!(changed.rows_affected(), 1);
}
