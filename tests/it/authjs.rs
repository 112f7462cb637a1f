//! Session cookies of Auth.js 5 and NextAuth 4, created by their own code: `tests/authjs/mint.mjs`, installed by
//! `scripts/tools.sh test`.

use std::{
    io::Write as _,
    process::{Command, Stdio},
    time::{SystemTime, UNIX_EPOCH},
};

use authjs_session::{AuthJs, Identity};
use axum::http::HeaderMap;
use reqwest::header;
use serde_json::{Value, json};

use crate::support::app::App;

const SECRET: &str = "a secret of the installation";
const COOKIES: [(u8, &str); 4] = [
    (5, "authjs.session-token"),
    (5, "__Secure-authjs.session-token"),
    (4, "next-auth.session-token"),
    (4, "__Secure-next-auth.session-token"),
];

fn order(version: u8, cookie: &str, secret: &str, claims: &Value, max_age: i64) -> Value {
    json!({
        "version": version, "cookie": cookie, "secret": secret, "claims": claims, "maxAge": max_age
    })
}

fn mint(orders: &[Value]) -> Vec<String> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/authjs");
    let mut node = Command::new("node")
        .arg("mint.mjs")
        .current_dir(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node is installed: scripts/tools.sh test");
    let orders = serde_json::to_vec(orders).unwrap();
    node.stdin.take().unwrap().write_all(&orders).unwrap();
    let output = node.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "its packages are installed: scripts/tools.sh test"
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(now.as_secs()).unwrap()
}

fn identify(secrets: &[&str], cookie: &str) -> Option<Identity> {
    let secrets: Vec<_> = secrets.iter().map(|secret| (*secret).into()).collect();
    identify_with(&AuthJs::new(&secrets), cookie, now())
}

fn identify_with(authjs: &AuthJs, cookie: &str, now: i64) -> Option<Identity> {
    let mut headers = HeaderMap::new();
    headers.insert(header::COOKIE, cookie.parse().ok()?);
    authjs.identify(&headers, now).unwrap_or_default()
}

#[test]
fn every_cookie_of_both_versions_is_read() {
    let claims = json!({
        "sub": "user-42", "email": "ada@example.com", "name": "Ada Lovelace", "role": "viewer",
        "picture": null
    });
    let mut orders: Vec<_> = COOKIES
        .iter()
        .map(|(version, cookie)| order(*version, cookie, SECRET, &claims, 3600))
        .collect();
    let mut gcm = order(5, "authjs.session-token", SECRET, &claims, 3600);
    gcm["enc"] = "A256GCM".into();
    orders.push(gcm);
    for cookie in mint(&orders) {
        let identity = identify(&[SECRET], &cookie).expect(&cookie);
        assert_eq!(identity.subject, "sub user-42");
        assert_eq!(identity.email.as_deref(), Some("ada@example.com"));
        assert_eq!(identity.name.as_deref(), Some("Ada Lovelace"));
        assert_eq!(identity.role, "viewer");
        assert!((now() - identity.issued_at).abs() < 60);
        assert_eq!(identify(&["another secret"], &cookie), None);
        assert_eq!(identify(&[], &cookie), None);
    }
}

#[test]
fn a_long_token_comes_in_chunks() {
    let claims = json!({"sub": "1", "note": "x".repeat(9_000)});
    let orders = COOKIES.map(|(version, cookie)| order(version, cookie, SECRET, &claims, 3600));
    for cookie in mint(&orders) {
        let chunks: Vec<_> = cookie.split("; ").collect();
        assert!(chunks.len() >= 3, "{}", chunks.len());
        assert!(identify(&[SECRET], &cookie).is_some());
        let backwards: Vec<_> = chunks.iter().rev().copied().collect();
        assert!(identify(&[SECRET], &backwards.join("; ")).is_some());
        assert_eq!(identify(&[SECRET], &chunks[1..].join("; ")), None);
        assert_eq!(identify(&[SECRET], &chunks[..2].join("; ")), None);
    }
}

#[test]
fn a_secret_may_change() {
    let claims = json!({"sub": "1"});
    let orders = COOKIES.map(|(version, cookie)| order(version, cookie, "old", &claims, 3600));
    for cookie in mint(&orders) {
        assert!(identify(&["new", "old"], &cookie).is_some());
        assert_eq!(identify(&["new"], &cookie), None);
    }
}

#[test]
fn a_token_ends_with_fifteen_seconds_of_leeway() {
    let authjs = AuthJs::new(&[SECRET.into()]);
    for (version, cookie) in COOKIES {
        let begins = now() + 1000;
        let [plain, later] = mint(&[
            order(version, cookie, SECRET, &json!({"sub": "1"}), 60),
            order(
                version,
                cookie,
                SECRET,
                &json!({"sub": "1", "nbf": begins}),
                3600,
            ),
        ])
        .try_into()
        .unwrap();
        // Times differ slightly, because the packages read the clock themselves.
        let valid = |cookie: &str, at| identify_with(&authjs, cookie, at).is_some();
        assert!(valid(&plain, now() + 60 + 12));
        assert!(!valid(&plain, now() + 60 + 16));
        assert!(valid(&later, begins - 15));
        assert!(!valid(&later, begins - 16));
    }
}

#[test]
fn a_token_is_good_in_its_own_cookie_alone() {
    let claims = json!({"sub": "1"});
    let minted =
        mint(&COOKIES.map(|(version, cookie)| order(version, cookie, SECRET, &claims, 60)));
    for ((version, name), header) in COOKIES.iter().zip(&minted) {
        let (_, token) = header.split_once('=').unwrap();
        for (other_version, other) in COOKIES.iter().filter(|(_, other)| other != name) {
            // NextAuth 4 derives one key for both of its names.
            let same_key = (*version, *other_version) == (4, 4);
            let found = identify(&[SECRET], &format!("{other}={token}"));
            assert_eq!(found.is_some(), same_key, "{name} as {other}");
        }
    }
}

/// Mutations: characters changed, removed, inserted, moved; parts of tokens exchanged.
#[test]
fn of_a_million_mutated_cookies_none_is_accepted() {
    const EACH: usize = 500_000;
    let claims = json!({"sub": "user-42", "role": "owner"});
    let mut orders: Vec<_> = COOKIES
        .iter()
        .map(|(version, cookie)| order(*version, cookie, SECRET, &claims, 36_000))
        .collect();
    orders.push({
        let mut gcm = order(5, "authjs.session-token", SECRET, &claims, 36_000);
        gcm["enc"] = "A256GCM".into();
        gcm
    });
    let minted: Vec<(String, String)> = mint(&orders)
        .iter()
        .map(|header| header.split_once('=').unwrap())
        .map(|(name, token)| (name.to_owned(), token.to_owned()))
        .collect();
    let tried: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2)
            .map(|seed| {
                let minted = &minted;
                scope.spawn(move || {
                    let authjs = AuthJs::new(&[SECRET.into()]);
                    let mut random = fastrand::Rng::with_seed(seed);
                    let mut tried = 0;
                    while tried < EACH {
                        let (name, token) = &minted[random.usize(..minted.len())];
                        let (_, other) = &minted[random.usize(..minted.len())];
                        let mutated = mutated(token, other, &mut random);
                        if minted.iter().any(|(_, token)| *token == mutated) {
                            continue;
                        }
                        tried += 1;
                        let cookie = format!("{name}={mutated}");
                        assert_eq!(identify_with(&authjs, &cookie, now()), None, "{cookie}");
                    }
                    tried
                })
            })
            .collect();
        threads.into_iter().map(|it| it.join().unwrap()).sum()
    });
    assert_eq!(tried, 2 * EACH);
    // The originals are valid.
    for (name, token) in &minted {
        assert!(identify(&[SECRET], &format!("{name}={token}")).is_some());
    }
}

fn mutated(token: &str, other: &str, random: &mut fastrand::Rng) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/%";
    let mut bytes = token.as_bytes().to_vec();
    for _ in 0..random.usize(1..=3) {
        let letter = LETTERS[random.usize(..LETTERS.len())];
        let at = random
            .usize(..bytes.len().max(1))
            .min(bytes.len().saturating_sub(1));
        match random.u8(..8) {
            0..=2 if !bytes.is_empty() => bytes[at] = letter,
            3 if !bytes.is_empty() => drop(bytes.remove(at)),
            4 => bytes.insert(at, letter),
            5 => bytes.truncate(at),
            6 if !bytes.is_empty() => {
                let to = random.usize(..bytes.len());
                bytes.swap(at, to);
            }
            _ => {
                let part = random.usize(..5);
                let mut parts: Vec<_> = bytes.split(|byte| *byte == b'.').collect();
                if let (Some(here), Some(there)) = (parts.get_mut(part), other.split('.').nth(part))
                {
                    *here = there.as_bytes();
                }
                bytes = parts.join(&b'.');
            }
        }
    }
    String::from_utf8(bytes).unwrap()
}

async fn current_user(app: &App, cookie: &str) -> (u16, Value) {
    let request = app.http.get(app.url("/api/current_user"));
    let response = request.header(header::COOKIE, cookie).send().await.unwrap();
    let status = response.status().as_u16();
    (status, response.json().await.unwrap_or_default())
}

#[tokio::test]
async fn who_is_signed_in_there_is_signed_in_here_with_imports_of_their_own() {
    let app = App::start(&[("NEXTAUTH_SECRET", SECRET)]).await;
    let claims = |sub: &str, role: &str| json!({"sub": sub, "email": "ada@example.com", "name": "Ada", "role": role});
    let name = "authjs.session-token";
    let [staff, again, other, viewer] = mint(&[
        order(5, name, SECRET, &claims("1", "staff"), 60),
        order(5, name, SECRET, &claims("1", "staff"), 60),
        order(
            4,
            "next-auth.session-token",
            SECRET,
            &claims("2", "staff"),
            60,
        ),
        order(5, name, SECRET, &claims("1", "viewer"), 60),
    ])
    .try_into()
    .unwrap();
    let (status, user) = current_user(&app, &staff).await;
    assert_eq!(status, 200);
    assert_eq!(user["role"], "staff");
    // The local owner has the same address, but is another account.
    assert_eq!(user["email"], "ada@example.com");
    assert_eq!(user["name"], "Ada");

    let mut as_staff = App::sharing(&app, &staff);
    let job = as_staff.import("shop.csv", "sku,name,price\na,A,1\n").await;
    let path = format!("/api/get_import?id={job}");
    assert_eq!(as_staff.get(&path).await.status(), 200);
    let again_and_again = again.clone();
    as_staff.cookie = again;
    assert_eq!(as_staff.get(&path).await.status(), 200);
    as_staff.cookie = other;
    assert_eq!(as_staff.get(&path).await.status(), 404);
    // A role follows its change there, and streams with the old one end.
    as_staff.cookie = again_and_again;
    let stream = as_staff.get("/api/jobs/progress").await;
    assert_eq!(stream.status(), 200);
    as_staff.cookie = viewer;
    assert_eq!(as_staff.get(&path).await.status(), 200, "a viewer sees all");
    let ends = tokio::time::timeout(test_support::DEADLINE, stream.bytes());
    ends.await.expect("the stream ends").unwrap();
    let upload = as_staff.upload("shop.csv", "sku,name,price\na,A,1\n").await;
    assert_eq!(upload.status(), 403);
}

#[tokio::test]
async fn signing_out_takes_the_cookie_back_and_signing_out_everywhere_voids_it() {
    let app = App::start(&[("AUTH_SECRET", SECRET), ("AUTH_DEFAULT_ROLE", "staff")]).await;
    let claims = json!({"sub": "1", "name": "x".repeat(99), "note": "x".repeat(5000)});
    let cookie = mint(&[order(5, "authjs.session-token", SECRET, &claims, 3600)]).remove(0);
    let post = |path: &str| {
        app.http
            .post(app.url(path))
            .header(header::COOKIE, &cookie)
            .send()
    };
    let response = post("/api/sign_out").await.unwrap();
    let taken: Vec<_> = response
        .headers()
        .get_all(header::SET_COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .filter(|value| value.starts_with("authjs.session-token.") && value.contains("Max-Age=0"))
        .collect();
    assert_eq!(taken.len(), 2, "{taken:?}");
    assert_eq!(current_user(&app, &cookie).await.0, 200);
    post("/api/sign_out_everywhere").await.unwrap();
    assert_eq!(current_user(&app, &cookie).await.0, 401);
}

async fn members(app: &App) -> Vec<(String, String, Value)> {
    let team: Value = app.get("/api/team").await.json().await.unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let members = team["members"].as_array().unwrap().iter();
    members
        .map(|it| {
            (
                text(&it["id"]),
                text(&it["role"]),
                it["role_is_claimed"].clone(),
            )
        })
        .collect()
}

#[tokio::test]
async fn of_a_public_site_nobody_is_let_in_for_having_an_account_there() {
    let name = "authjs.session-token";
    let with = |sub: &str, role: Value| {
        let claims = json!({"sub": sub, "email": "eve@example.com", "role": role});
        order(5, name, SECRET, &claims, 3600)
    };
    let [none, user, customer, number, staff] = mint(&[
        with("1", Value::Null),
        with("2", json!("user")),
        with("3", json!("customer")),
        with("4", json!(7)),
        with("5", json!("staff")),
    ])
    .try_into()
    .unwrap();
    for (default, role_of_none) in [
        ("staff", "staff"),
        ("viewer", "viewer"),
        ("none", ""),
        ("by default", ""),
    ] {
        let mut settings = vec![("AUTH_SECRET", SECRET), ("AUTH_DEFAULT_ROLE", default)];
        settings.retain(|(_, value)| *value != "by default");
        let app = App::start(&settings).await;
        for cookie in [&none, &user] {
            let (status, user) = current_user(&app, cookie).await;
            assert_eq!(status, if role_of_none.is_empty() { 401 } else { 200 });
            assert_eq!(user["role"].as_str().unwrap_or_default(), role_of_none);
        }
        for cookie in [&customer, &number] {
            assert_eq!(current_user(&app, cookie).await.0, 401, "{default}");
        }
        assert_eq!(current_user(&app, &staff).await.1["role"], "staff");
        // A refused user gets no account.
        let expected = if role_of_none.is_empty() { 2 } else { 4 };
        assert_eq!(members(&app).await.len(), expected, "{default}");
    }
}

#[tokio::test]
async fn a_role_that_is_given_there_is_not_given_here() {
    let app = App::start(&[("AUTH_SECRET", SECRET), ("AUTH_DEFAULT_ROLE", "staff")]).await;
    let name = "authjs.session-token";
    let [claimed, not_claimed] = mint(&[
        order(5, name, SECRET, &json!({"sub": "1", "role": "staff"}), 3600),
        order(5, name, SECRET, &json!({"sub": "2"}), 3600),
    ])
    .try_into()
    .unwrap();
    assert_eq!(current_user(&app, &claimed).await.0, 200);
    assert_eq!(current_user(&app, &not_claimed).await.0, 200);
    let members = members(&app).await;
    for ((id, ..), status) in members[1..].iter().zip([400, 200]) {
        let form = [("member", &**id), ("role", "viewer")];
        assert_eq!(app.post_as("/api/set_role", &form).await.status(), status);
    }
    assert_eq!(
        (&members[1].2, &members[2].2),
        (&json!(true), &json!(false))
    );
    // The owner's choice applies to the other's next request.
    assert_eq!(current_user(&app, &claimed).await.1["role"], "staff");
    assert_eq!(current_user(&app, &not_claimed).await.1["role"], "viewer");
    let log = app.get("/api/audit_log?page=1").await.text().await.unwrap();
    assert!(log.contains("(by Auth.js)"), "{log}");
}

#[tokio::test]
async fn a_token_without_its_time_is_void_once_somebody_has_signed_out_everywhere() {
    let app = App::start(&[("AUTH_SECRET", SECRET), ("AUTH_DEFAULT_ROLE", "staff")]).await;
    let mut without = order(
        5,
        "authjs.session-token",
        SECRET,
        &json!({"sub": "1"}),
        3600,
    );
    without["noIat"] = true.into();
    let cookie = mint(&[without]).remove(0);
    assert_eq!(current_user(&app, &cookie).await.0, 200);
    App::sharing(&app, &cookie)
        .post_as("/api/sign_out_everywhere", &[])
        .await;
    assert_eq!(current_user(&app, &cookie).await.0, 401);
}

#[tokio::test]
async fn signing_out_takes_back_the_cookie_of_the_whole_domain_too() {
    let settings = [
        ("AUTH_SECRET", SECRET),
        ("AUTH_DEFAULT_ROLE", "staff"),
        ("NEXTAUTH_URL", "https://relay.shop.example"),
    ];
    let app = App::start(&settings).await;
    let name = "__Secure-authjs.session-token";
    let cookie = mint(&[order(5, name, SECRET, &json!({"sub": "1"}), 3600)]).remove(0);
    let signed_out = App::sharing(&app, &cookie)
        .post_as("/api/sign_out", &[])
        .await;
    let taken: Vec<_> = signed_out
        .headers()
        .get_all(header::SET_COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .filter(|value| value.starts_with(name) && value.contains("Max-Age=0"))
        .collect();
    for domain in ["Domain=relay.shop.example", "Domain=shop.example"] {
        assert!(
            taken.iter().any(|it| it.contains(domain)),
            "{domain}: {taken:?}"
        );
    }
    assert!(taken.iter().any(|it| !it.contains("Domain")), "{taken:?}");
    assert!(
        taken
            .iter()
            .all(|it| it.contains("Secure") && it.contains("HttpOnly"))
    );
}

/// Mutations: chunks changed, exchanged, removed, of another token.
#[test]
fn of_mutated_chunks_none_is_accepted() {
    let claims = |sub: &str| json!({"sub": sub, "note": "x".repeat(9_000)});
    let mut orders: Vec<_> = COOKIES
        .iter()
        .map(|(version, cookie)| order(*version, cookie, SECRET, &claims("1"), 36_000))
        .collect();
    let others: Vec<_> = COOKIES
        .iter()
        .map(|(version, cookie)| order(*version, cookie, SECRET, &claims("2"), 36_000))
        .collect();
    orders.extend(others);
    let headers = mint(&orders);
    let authjs = AuthJs::new(&[SECRET.into()]);
    let mut random = fastrand::Rng::with_seed(7);
    let mut tried = 0;
    while tried < 20_000 {
        let which = random.usize(..COOKIES.len());
        let chunks: Vec<_> = headers[which].split("; ").collect();
        let other: Vec<_> = headers[which + COOKIES.len()].split("; ").collect();
        let mut mutated: Vec<String> = chunks.iter().map(|it| (*it).to_owned()).collect();
        let at = random.usize(..mutated.len());
        match random.u8(..5) {
            // Of another valid token, at the same position.
            0 => mutated[at] = other[at].to_owned(),
            1 => drop(mutated.remove(at)),
            2 => {
                // Exchanges two contents but not their names.
                let to = random.usize(..mutated.len());
                let content = |it: &str| it.split_once('=').unwrap().1.to_owned();
                let (one, two) = (content(&mutated[at]), content(&mutated[to]));
                let name = |it: &str| it.split_once('=').unwrap().0.to_owned();
                mutated[at] = format!("{}={two}", name(chunks[at]));
                mutated[to] = format!("{}={one}", name(chunks[to]));
            }
            3 => {
                let (name, content) = mutated[at].split_once('=').unwrap();
                let changed = self::mutated(content, content, &mut random);
                mutated[at] = format!("{name}={changed}");
            }
            // Of duplicate names the first counts.
            _ => mutated.insert(0, format!("{}x", chunks[at])),
        }
        let join = |chunks: &[&str]| -> String {
            chunks
                .iter()
                .map(|it| it.split_once('=').unwrap().1)
                .collect()
        };
        let is_same = {
            let mutated: Vec<_> = mutated.iter().map(String::as_str).collect();
            mutated.len() == chunks.len() && join(&mutated) == join(&chunks)
        };
        if is_same {
            continue;
        }
        tried += 1;
        let header = mutated.join("; ");
        let found = identify_with(&authjs, &header, now());
        assert_eq!(found, None, "{}", &header[..200]);
    }
    for header in &headers {
        assert!(identify_with(&authjs, header, now()).is_some());
    }
}
