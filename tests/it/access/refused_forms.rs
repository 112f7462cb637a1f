//! Where plain forms lead when they are refused, and what is shown there.

use std::{collections::BTreeMap, io::Read as _};

use base64::{
    Engine as _,
    engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD},
};
use flate2::read::DeflateDecoder;
use import_relay::server::http::middleware::access::RULES;
use reqwest::{RequestBuilder, Response, header};
use serde_json::json;

use super::team::{self, expire};
use crate::support::app::App;

const WORDS: &str = "Call 0900 12345 and say your password";

/// Sends a request as a browser does that opens a page, from another page.
async fn navigate(app: &App, method: &str, path: &str, from: &str, cookies: &str) -> Response {
    app.http
        .request(method.parse().unwrap(), app.url(path))
        .header(header::COOKIE, cookies)
        .header(header::ACCEPT, "text/html,application/xhtml+xml")
        .header(header::REFERER, from)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(if method == "POST" { "id=none" } else { "" })
        .send()
        .await
        .unwrap()
}

fn location(answer: &Response) -> String {
    let location = answer.headers().get(header::LOCATION);
    location.map_or(String::new(), |it| it.to_str().unwrap().to_owned())
}

/// An import that is there and one that is not would be two addresses.
#[tokio::test]
async fn no_answer_leads_to_another_site_and_tells_it_what_there_is() {
    let app = App::start(&[]).await;
    let here = app.address;
    let mut tried = 0;
    for rule in RULES.iter().filter(|rule| rule.path.starts_with("/api/")) {
        let path = rule.path.replace("{id}", "none").replace("{job}", "none");
        for path in [format!("{path}?id=none"), path] {
            for from in [
                "https://evil.example/page",
                "https://evil.example",
                &format!("http://{here}.evil.example/"),
                &format!("http://{here}@evil.example/"),
                "//evil.example/",
                "evil",
            ] {
                let answer = navigate(&app, rule.method, &path, from, &app.cookie).await;
                let location = location(&answer);
                assert!(!location.contains("evil"), "{path} from {from}: {location}");
                tried += 1;
            }
        }
    }
    assert!(tried > 1000, "{tried}");
}

/// A browser without JavaScript.
struct Browser<'app> {
    app: &'app App,
    cookies: BTreeMap<String, String>,
}

impl<'app> Browser<'app> {
    fn new(app: &'app App, session: &str) -> Self {
        let mut browser = Self {
            app,
            cookies: BTreeMap::new(),
        };
        browser.keep(session);
        browser
    }

    fn keep(&mut self, cookie: &str) {
        if let Some((name, value)) = cookie.split(';').next().unwrap().split_once('=') {
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }

    /// Returns the cookie with refused forms, as the server wrote it.
    fn kept(&self) -> String {
        let kept = self.cookies["import-relay.failed"].as_bytes();
        let kept = URL_SAFE_NO_PAD.decode(kept).unwrap();
        let mut text = String::new();
        let mut inflated = DeflateDecoder::new(kept.as_slice());
        inflated.read_to_string(&mut text).unwrap();
        text
    }

    async fn send(&mut self, request: RequestBuilder) -> Response {
        let pairs = self.cookies.iter().filter(|(_, value)| !value.is_empty());
        let pairs: Vec<_> = pairs
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = request
            .header(header::COOKIE, pairs.join("; "))
            .header(header::ACCEPT, "text/html,application/xhtml+xml");
        let answer = request.send().await.unwrap();
        for cookie in answer.headers().get_all(header::SET_COOKIE) {
            self.keep(cookie.to_str().unwrap());
        }
        answer
    }

    /// Opens a page; a script does so with a `purpose`.
    async fn open(&mut self, path: &str, purpose: Option<&str>) -> String {
        let mut request = self.app.http.get(self.app.url(path));
        if let Some(purpose) = purpose {
            request = request.header("sec-fetch-dest", purpose);
        }
        self.send(request).await.text().await.unwrap()
    }

    /// Sends a form from a page, and returns where it leads.
    async fn submit(&mut self, page: &str, action: &str, form: &[(&str, &str)]) -> String {
        let request = self.app.http.post(self.app.url(action));
        let request = request.header(header::REFERER, self.app.url(page));
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let kind = "application/x-www-form-urlencoded";
        let request = request.header(header::CONTENT_TYPE, kind).body(body);
        let location = location(&self.send(request).await);
        location.replace(&self.app.url(""), "")
    }
}

fn is_chosen(page: &str, value: &str) -> bool {
    let option = page.split("<option").find(|it| it.contains(value));
    option.is_some_and(|it| it.split('>').next().unwrap().contains("selected"))
}

#[tokio::test]
async fn a_refused_form_is_shown_once_more_as_it_was_filled_in() {
    let app = App::start(&[]).await;
    let mut browser = Browser::new(&app, &app.cookie);
    let name = "n".repeat(200);
    let token = [
        ("name", name.as_str()),
        ("scope", "products:read"),
        ("lifetime", "month"),
    ];
    let back = browser.submit("/tokens", "/api/create_token", &token).await;
    assert_eq!(back, "/tokens", "the URL says nothing of it");
    // A script that fetches the page, and another page, do not use it up.
    for (path, purpose) in [("/tokens", Some("empty")), ("/team", Some("document"))] {
        let page = browser.open(path, purpose).await;
        assert!(!page.contains(&name) && !page.contains("data-testid=\"form-error\""));
    }
    let page = browser.open("/tokens", Some("document")).await;
    assert!(page.contains("data-testid=\"form-error\""), "{page}");
    assert!(page.contains(&format!("value=\"{name}\"")));
    assert!(is_chosen(&page, "products:read") && !is_chosen(&page, "\"year\""));
    let again = browser.open("/tokens", Some("document")).await;
    assert!(!again.contains(&name) && !again.contains("data-testid=\"form-error\""));

    // Another user of the browser does not see it.
    browser.submit("/tokens", "/api/create_token", &token).await;
    team::invite(&app, "staff", "vera@example.com").await;
    let vera = team::sign_in(&app, "vera@example.com").await;
    browser.keep(&vera);
    assert!(!browser.open("/tokens", None).await.contains(&name));
}

#[tokio::test]
async fn a_password_is_not_kept() {
    let app = App::start(&[]).await;
    let mut browser = Browser::new(&app, "");
    let form = [("email", "ada@example.com"), ("password", "wrong horse")];
    let page = "/sign-in?next=%2Fteam";
    let back = browser.submit(page, "/api/sign_in", &form).await;
    assert_eq!(back, page);
    let kept = browser.kept();
    assert!(kept.contains("ada@example.com"), "{kept}");
    assert!(
        !kept.contains("horse") && !kept.contains("\"password\""),
        "{kept}"
    );
    let shown = browser.open(page, None).await;
    assert!(shown.contains("data-testid=\"sign-in-error\""), "{shown}");
    assert!(shown.contains("value=\"ada@example.com\"") && shown.contains("value=\"/team\""));
}

#[tokio::test]
async fn a_form_is_there_again_after_the_identity_is_confirmed() {
    let app = App::start(&[]).await;
    let mut browser = Browser::new(&app, &app.cookie);
    expire(&app, &app.cookie, "confirmed_at").await;
    let token = [
        ("name", "nightly"),
        ("scope", "products:read"),
        ("lifetime", "year"),
    ];
    let confirm = browser.submit("/tokens", "/api/create_token", &token).await;
    assert_eq!(confirm, "/confirm?next=/tokens");
    let wrong = [("password", "wrong horse"), ("next", "/tokens")];
    let back = browser.submit(&confirm, "/api/confirm", &wrong).await;
    assert_eq!(back, confirm);
    let page = browser.open(&confirm, None).await;
    assert!(page.contains("data-testid=\"confirm-error\""), "{page}");
    let right = [("password", "correct horse"), ("next", "/tokens")];
    let back = browser.submit(&confirm, "/api/confirm", &right).await;
    assert_eq!(back, "/tokens");
    let page = browser.open(&back, None).await;
    assert!(page.contains("value=\"nightly\"") && is_chosen(&page, "products:read"));
    assert!(page.contains("Send the form again."), "{page}");
    let back = browser.submit("/tokens", "/api/create_token", &token).await;
    assert_eq!(back, "/tokens");
    assert!(browser.open(&back, None).await.contains("irt_"));
}

#[tokio::test]
async fn a_refused_source_and_a_refused_upload_are_shown_as_they_were_filled_in() {
    let app = App::start(&[]).await;
    let mut browser = Browser::new(&app, &app.cookie);
    let source = [
        ("name", "Acme"),
        ("kind", "upload"),
        ("password", "hunter2"),
        ("currency", "EURO"),
        ("products", "new"),
        ("fields", "price"),
        ("fields", "stock"),
    ];
    let back = browser.submit("/sources/new", "/sources", &source).await;
    assert_eq!(back, "/sources/new");
    assert!(!browser.kept().contains("hunter2"));
    let page = browser.open(&back, None).await;
    assert!(page.contains("value=\"Acme\"") && page.contains("value=\"EURO\""));
    assert!(is_chosen(&page, "\"new\"") && page.contains("data-testid=\"form-error\""));

    let part = |name: &str, value: &str| {
        format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let body = format!(
        "{}{}--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\"\r\n\r\n\r\n--x--\r\n",
        part("mode", "check"),
        part("products", "existing"),
    );
    let upload = app.http.post(app.url("/imports"));
    let upload = upload.header(header::CONTENT_TYPE, "multipart/form-data; boundary=x");
    let answer = browser.send(upload.body(body)).await;
    assert_eq!(location(&answer), "/imports");
    let page = browser.open("/imports", None).await;
    assert!(page.contains("data-testid=\"upload-error\""), "{page}");
    assert!(is_chosen(&page, "\"existing\""), "{page}");
}

#[tokio::test]
async fn nobody_puts_words_into_a_page_by_its_address() {
    let app = App::start(&[]).await;
    let kept = "import-relay.failed=0123456789abcdef";
    let reason = json!({ "message": WORDS });
    let pages: Vec<_> = RULES
        .iter()
        .filter(|rule| !rule.path.starts_with("/api/") && !rule.path.contains('{'))
        .filter(|rule| rule.method == "GET")
        .collect();
    let functions: Vec<_> = RULES
        .iter()
        .filter(|rule| rule.path.starts_with("/api/"))
        .collect();
    for error in [
        json!({ "Invalid": reason }),
        json!({ "WeakPassword": reason }),
    ] {
        let error = URL_SAFE.encode(error.to_string());
        for page in &pages {
            for function in functions.iter().filter(|it| it.method == "POST") {
                // Those whose forms are on the page are among them.
                let name = function.path.trim_start_matches("/api/");
                let query = format!("__path=%2Fapi%2F{name}&__err={error}");
                let path = format!("{}?{query}", page.path);
                for cookies in [kept.to_owned(), format!("{}; {kept}", app.cookie)] {
                    let answer = navigate(&app, "GET", &path, &app.url("/"), &cookies).await;
                    let text = answer.text().await.unwrap_or_default();
                    assert!(!text.contains(WORDS), "{path}");
                }
                if page.path != "/sign-in" && page.path != "/account" && page.path != "/team" {
                    break;
                }
            }
        }
    }
}
