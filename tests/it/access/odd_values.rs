//! Values that no browser sends by itself, wherever a route takes one.

use reqwest::{StatusCode, header};

use super::{Body, ROWS, SPOILS_SESSIONS};
use crate::support::app::App;

/// Percent-encoded.
const ODD: [&str; 22] = [
    "%00",
    "a%00b",
    "%FF",
    "%ED%A0%80",
    "%C0%AF",
    "..%2F..%2F..%2Fetc%2Fpasswd",
    "%252e%252e%252f",
    "%5C..%5C",
    "-1",
    "0",
    "9223372036854775807",
    "18446744073709551615",
    "18446744073709551616",
    "1e400",
    "NaN",
    "%27%22%29%3B--",
    "%25_%25%5C",
    "%22%2A%22+NEAR%28+OR",
    "%E2%80%AE%F0%9F%92%A3",
    "a%0D%0ASet-Cookie%3A+odd%3Dodd",
    "%5B%5D",
    "%7B%22a%22%3A%5B1%5D%7D",
];

/// What the queries of lists and pages may name.
const NAMES: [&str; 27] = [
    "page",
    "search",
    "sort",
    "from",
    "after",
    "since",
    "until",
    "by",
    "kind",
    "status",
    "next",
    "problem",
    "setup",
    "rows",
    "field",
    "priceDown",
    "priceFrom",
    "priceTo",
    "changedSince",
    "import",
    "outOfStock",
    "noPrice",
    "id",
    "ids",
    "lastEventId",
    "unfinished",
    "mode",
];

const LISTS: [&str; 8] = [
    "/audit",
    "/imports",
    "/imports/{id}/changes",
    "/products",
    "/sign-in",
    "/api/imports",
    "/api/changes",
    "/api/products",
];

fn addresses(row: &super::Row, odd: &str) -> Vec<String> {
    let (path, query) = row.query.split_once('?').unwrap_or((row.query, ""));
    let mut all = Vec::new();
    let segments: Vec<_> = path.split('/').collect();
    for (at, segment) in segments.iter().enumerate() {
        if matches!(*segment, "JOB" | "none") {
            let mut changed = segments.clone();
            changed[at] = odd;
            all.push(format!("{}?{query}", changed.join("/")));
        }
    }
    let pairs: Vec<_> = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .collect();
    for at in 0..pairs.len() {
        let changed = pairs.iter().enumerate().map(|(this, (name, value))| {
            let value = if this == at { odd } else { value };
            format!("{name}={value}")
        });
        all.push(format!("{path}?{}", changed.collect::<Vec<_>>().join("&")));
    }
    let named = NAMES.map(|name| format!("{name}={odd}"));
    all.push(format!("{path}?{}", named.join("&")));
    // One by one, because the first that is refused hides the others.
    if LISTS.contains(&row.path) {
        all.extend(named.map(|pair| format!("{path}?{pair}")));
    }
    all
}

#[tokio::test]
async fn no_odd_value_in_an_address_is_a_fault_of_ours() {
    let app = App::start(&[("ENCRYPTION_KEY", "a key of this test")]).await;
    let job = app
        .import("list.csv", "sku,name,price\na,A,1\nb,B,\n")
        .await;
    app.until_over(&job).await;
    let mut wrong = Vec::new();
    for row in ROWS.iter().filter(|row| row.method == "GET") {
        for odd in ODD {
            for address in addresses(row, odd) {
                let address = address.replace("JOB", &job);
                let request = app.http.get(app.url(&address));
                let request = request
                    .header(header::COOKIE, &app.cookie)
                    .header(header::ACCEPT, "text/html,application/json");
                let answer = request.send().await.unwrap();
                let status = answer.status();
                if status.is_server_error() || answer.headers().contains_key("odd") {
                    wrong.push(format!("{status} {address}"));
                }
                let cookies = answer.headers().get_all(header::SET_COOKIE).iter();
                for cookie in cookies {
                    assert!(!cookie.to_str().unwrap().contains("odd=odd"), "{address}");
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} {wrong:#?}", wrong.len());
}

#[tokio::test]
async fn no_odd_value_in_a_form_is_a_fault_of_ours() {
    let app = App::start(&[("ENCRYPTION_KEY", "a key of this test")]).await;
    let mut wrong = Vec::new();
    for row in ROWS {
        let Body::Form(form) = row.body else { continue };
        if SPOILS_SESSIONS.contains(&row.path) {
            continue;
        }
        for odd in ODD {
            for at in 0..form.len() {
                let pairs = form.iter().enumerate().map(|(this, (name, value))| {
                    let value = if this == at { odd } else { value };
                    format!("{name}={}", value.replace(' ', "+"))
                });
                let body = pairs.collect::<Vec<_>>().join("&");
                let request = app.http.post(app.url(row.query));
                let request = request
                    .header(header::COOKIE, &app.cookie)
                    .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                    .body(body.clone());
                let status = request.send().await.unwrap().status();
                // Of a service that is not there, it is said.
                if status.is_server_error() && status != StatusCode::SERVICE_UNAVAILABLE {
                    wrong.push(format!("{status} {} {body}", row.path));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} {wrong:#?}", wrong.len());
    assert_eq!(app.get("/api/account").await.status(), 200);
}
