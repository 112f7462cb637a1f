//! Links of users who lost what let them make these.

use reqwest::header;
use serde_json::Value;

use super::team::{self, Team};
use crate::support::app::App;

/// What became of the link's maker, who was an owner.
const FATES: [&str; 5] = [
    "an owner still",
    "an owner again",
    "staff now",
    "a viewer now",
    "without access",
];

/// A route by which a link is used, and its statuses, in the order of [`FATES`].
struct Row {
    link: &'static str,
    method: &'static str,
    path: &'static str,
    form: &'static str,
    statuses: [u16; 5],
}

const fn row(
    link: &'static str,
    method: &'static str,
    path: &'static str,
    form: &'static str,
    statuses: [u16; 5],
) -> Row {
    Row {
        link,
        method,
        path,
        form,
        statuses,
    }
}

/// They are gone, also when their maker is an owner again.
const OF_OWNERS: [u16; 5] = [200, 404, 404, 404, 404];
const USED: [u16; 5] = [200, 400, 400, 400, 400];
/// These hold while their maker may import, which staff may too.
const OF_IMPORTERS: [u16; 5] = [200, 200, 200, 404, 404];

// Uses are last, because they end the link.
const ROWS: [Row; 8] = [
    row("invitation", "GET", "/join/TOKEN", "", OF_OWNERS),
    row("reset", "GET", "/join/TOKEN", "", OF_OWNERS),
    row("share", "GET", "/shared/TOKEN", "", OF_IMPORTERS),
    row("share", "GET", "/shared/TOKEN/progress", "", OF_IMPORTERS),
    row(
        "share",
        "GET",
        "/api/shared_import?token=TOKEN",
        "",
        OF_IMPORTERS,
    ),
    row(
        "invitation",
        "POST",
        "/api/accept_invitation",
        "token=TOKEN&name=Eve&email=eve%40example.com&password=correct+horse",
        USED,
    ),
    row(
        "reset",
        "POST",
        "/api/reset_password",
        "token=TOKEN&password=another+horse",
        USED,
    ),
    // Once.
    row(
        "invitation",
        "POST",
        "/api/accept_invitation",
        "token=TOKEN&name=Eve&email=mallory%40example.com&password=correct+horse",
        [400; 5],
    ),
];

async fn token(app: &App, path: &str, form: &[(&str, &str)]) -> String {
    let answer = app.post_as(path, form).await;
    assert_eq!(answer.status(), 200, "{path}");
    let link: Value = answer.json().await.unwrap();
    let url = link["url"].as_str().unwrap();
    url.rsplit('/').next().unwrap().to_owned()
}

async fn member(app: &App, email: &str) -> String {
    let team: Value = app.get("/api/team").await.json().await.unwrap();
    let members = team["members"].as_array().unwrap().iter();
    let mut found = members.filter(|it| it["email"] == email);
    found.next().unwrap()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_link_is_worth_what_its_maker_may() {
    let mut wrong = Vec::new();
    for (number, fate) in FATES.into_iter().enumerate() {
        let app = App::start(&[("ENCRYPTION_KEY", "a key of this test")]).await;
        Team::gather(&app).await;
        let maker = team::invite(&app, "owner", "maker@example.com").await;
        let maker = App::sharing(&app, &maker);
        let job = maker.import("shop.csv", "sku,name,price\na,A,1\n").await;
        maker.until_over(&job).await;
        let staff = member(&app, "staff@example.com").await;
        let invite = [("role", "owner"), ("note", "")];
        let links = [
            ("invitation", token(&maker, "/api/invite", &invite).await),
            (
                "reset",
                token(&maker, "/api/make_reset_link", &[("member", &staff)]).await,
            ),
            (
                "share",
                token(
                    &maker,
                    "/api/share_import",
                    &[("id", &job), ("lifetime", "day")],
                )
                .await,
            ),
        ];
        let id = member(&app, "maker@example.com").await;
        let set = async |path: &str, name: &str, value: &str| {
            let answer = app.post_as(path, &[("member", &*id), (name, value)]).await;
            assert_eq!(answer.status(), 200, "{fate}");
        };
        match number {
            0 => {}
            1 => {
                set("/api/set_role", "role", "viewer").await;
                set("/api/set_role", "role", "owner").await;
            }
            2 => set("/api/set_role", "role", "staff").await,
            3 => set("/api/set_role", "role", "viewer").await,
            _ => set("/api/set_access", "allowed", "false").await,
        }
        for Row {
            link,
            method,
            path,
            form,
            statuses,
        } in &ROWS
        {
            let (_, token) = links.iter().find(|(name, _)| name == link).unwrap();
            let request = app
                .http
                .request(
                    method.parse().unwrap(),
                    app.url(&path.replace("TOKEN", token)),
                )
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(form.replace("TOKEN", token));
            let got = request.send().await.unwrap().status().as_u16();
            if got != statuses[number] {
                let wanted = statuses[number];
                wrong.push(format!(
                    "{link} of who is {fate}: {method} {path}: {got}, not {wanted}"
                ));
            }
        }
        app.stop().await;
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
