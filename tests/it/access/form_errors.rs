//! Where plain forms lead when they fail, and whose words are shown there.

use base64::{Engine as _, engine::general_purpose::URL_SAFE};
use import_relay::server::http::middleware::access::RULES;
use reqwest::{Response, header};
use serde_json::json;

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

#[tokio::test]
async fn an_error_is_shown_to_the_browser_whose_form_it_was() {
    let app = App::start(&[]).await;
    let from = app.url("/sign-in?next=%2Fteam");
    let refused = navigate(&app, "POST", "/api/sign_in", &from, "").await;
    assert_eq!(refused.status(), 302);
    let page = location(&refused);
    assert!(page.starts_with(&from) && page.contains("__err="), "{page}");
    let kept = refused.headers()[header::SET_COOKIE].to_str().unwrap();
    assert!(
        kept.contains("HttpOnly") && kept.contains("SameSite=Lax"),
        "{kept}"
    );
    let kept = kept.split(';').next().unwrap();
    let shown = async |page: &str, cookies: &str| {
        let page = page.strip_prefix(&app.url("")).unwrap_or(page);
        let answer = navigate(&app, "GET", page, &from, cookies).await;
        assert_eq!(answer.status(), 200);
        answer.text().await.unwrap()
    };
    let is_error = |text: &str| text.contains("data-testid=\"sign-in-error\"");
    assert!(is_error(&shown(&page, kept).await));
    assert!(!is_error(&shown(&page, "").await));
    let another = "import-relay.failed=0123456789abcdef";
    assert!(!is_error(&shown(&page, another).await));
    // The rest of the address is kept.
    assert!(shown(&page, "").await.contains("value=\"/team\""));
}

#[tokio::test]
async fn nobody_puts_words_into_a_page_by_its_address() {
    let app = App::start(&[]).await;
    let wrong = navigate(&app, "POST", "/api/sign_in", &app.url("/sign-in"), "").await;
    let kept = wrong.headers()[header::SET_COOKIE].to_str().unwrap();
    let kept = kept.split(';').next().unwrap();
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
