//! Sends deliveries to people by email.

use serde::Deserialize;

use crate::{
    i18n::locale::Locale,
    model::{
        source::RunProblem,
        webhook::{DeliveryProblem, ImportEvent},
    },
    server::{
        config::PublicUrl,
        mail::{Letter, shortened},
    },
};

#[derive(Deserialize)]
struct Told {
    r#type: String,
    data: About,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum About {
    Import(Import),
    Source(Source),
}

#[derive(Deserialize)]
struct Source {
    name: String,
    failures: u64,
    code: String,
    status: Option<u16>,
    error: String,
    url: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Import {
    filename: String,
    status: String,
    mode: String,
    total_products: Option<u64>,
    processed_products: u64,
    failed_products: u64,
    url: String,
}

/// Writes the email of a delivery, whose ID becomes the message's.
pub(super) fn letter(
    to: &str,
    t: Locale,
    id: &str,
    body: &str,
    public_url: &PublicUrl,
) -> Result<Letter, DeliveryProblem> {
    let told: Told = serde_json::from_str(body).map_err(|_| DeliveryProblem::NoMail)?;
    Ok(Letter {
        id: id.to_owned(),
        to: to.to_owned(),
        subject: subject(t, &told),
        text: text(t, &told.data, public_url),
    })
}

fn subject(t: Locale, told: &Told) -> String {
    let import = match &told.data {
        About::Import(import) => import,
        About::Source(source) => {
            let what = t.say("Source keeps failing", "Quelle schlägt wiederholt fehl");
            return format!("{what}: {}", shortened(&source.name));
        }
    };
    let is_check = import.mode == "check";
    let what = match (told.r#type.parse(), import.status.as_str()) {
        (Ok(ImportEvent::NeedsInput), _) => {
            t.say("Import needs your input", "Import braucht deine Eingabe")
        }
        (Ok(ImportEvent::NeedsApproval), _) => t.say(
            "Import needs your approval",
            "Import braucht deine Freigabe",
        ),
        (_, "ERROR") if is_check => t.say("Dry run failed", "Testlauf fehlgeschlagen"),
        (_, "ERROR") => t.say("Import failed", "Import fehlgeschlagen"),
        (_, "PARTIAL_SUCCESS") if is_check => t.say(
            "Dry run finished with errors",
            "Testlauf mit Fehlern beendet",
        ),
        (_, "PARTIAL_SUCCESS") => {
            t.say("Import finished with errors", "Import mit Fehlern beendet")
        }
        _ if is_check => t.say("Dry run finished", "Testlauf beendet"),
        _ => t.say("Import finished", "Import beendet"),
    };
    format!("{what}: {}", shortened(&import.filename))
}

fn text(t: Locale, about: &About, public_url: &PublicUrl) -> String {
    let (name, what, url) = match about {
        About::Import(import) => (&import.filename, counts(t, import), &import.url),
        About::Source(source) => (&source.name, failures(t, source), &source.url),
    };
    let why = t.say(
        "You receive this email because of your settings:",
        "Du bekommst diese E-Mail aufgrund deiner Einstellungen:",
    );
    let name = shortened(name);
    let settings = public_url.address("/account");
    format!("{name}\n{what}\n\n{url}\n\n-- \n{why}\n{settings}\n")
}

fn counts(t: Locale, import: &Import) -> String {
    let [done, failed] =
        [import.processed_products, import.failed_products].map(|count| t.count(count));
    match import.total_products.map(|total| t.count(total)) {
        Some(total) => t.fill(
            "{done} of {total} products, {failed} failed.",
            "{done} von {total} Produkten, {failed} fehlgeschlagen.",
            &[("done", &done), ("total", &total), ("failed", &failed)],
        ),
        None => t.fill(
            "{done} products, {failed} failed.",
            "{done} Produkte, {failed} fehlgeschlagen.",
            &[("done", &done), ("failed", &failed)],
        ),
    }
}

fn failures(t: Locale, source: &Source) -> String {
    let problem = RunProblem::of_code(&source.code, source.status);
    let problem = problem.map_or_else(|| source.error.clone(), |problem| problem.words(t));
    let failures = t.count(source.failures);
    t.fill(
        "Failures in a row: {failures}. Last: {problem}.",
        "Fehlschläge in Folge: {failures}. Zuletzt: {problem}.",
        &[
            ("failures", &failures),
            ("problem", problem.trim_end_matches('.')),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(kind: &str, status: &str, mode: &str, filename: &str) -> Told {
        let body = serde_json::json!({
            "type": kind,
            "data": {
                "filename": filename, "status": status, "mode": mode, "totalProducts": 3,
                "processedProducts": 2, "failedProducts": 1, "url": "https://shop.example/imports/a",
            },
        });
        serde_json::from_value(body).unwrap()
    }

    #[test]
    fn a_subject_says_what_happened_in_one_line() {
        for (kind, status, mode, english, german) in [
            (
                "import.finished",
                "SUCCESS",
                "import",
                "Import finished: a.csv",
                "Import beendet: a.csv",
            ),
            (
                "import.finished",
                "ERROR",
                "import",
                "Import failed: a.csv",
                "Import fehlgeschlagen: a.csv",
            ),
            (
                "import.finished",
                "SUCCESS",
                "check",
                "Dry run finished: a.csv",
                "Testlauf beendet: a.csv",
            ),
            (
                "import.needs_approval",
                "PENDING",
                "import",
                "Import needs your approval: a.csv",
                "Import braucht deine Freigabe: a.csv",
            ),
        ] {
            let told = told(kind, status, mode, "a.csv");
            assert_eq!(subject(Locale::English, &told), english);
            assert_eq!(subject(Locale::German, &told), german);
        }
        let long = told(
            "import.finished",
            "SUCCESS",
            "import",
            &format!("a\r\nBcc: x{}", "y".repeat(200)),
        );
        let subject = subject(Locale::English, &long);
        assert!(
            !subject.contains(['\r', '\n']) && subject.chars().count() < 130,
            "{subject}"
        );
    }

    #[test]
    fn a_source_that_keeps_failing_is_told_in_the_language() {
        let body = serde_json::json!({
            "type": "source.failing",
            "data": {
                "id": "a", "name": "Supplier", "failures": 3, "code": "unreachable", "error": "Not reachable",
                "url": "https://shop.example/sources/a",
            },
        });
        let told: Told = serde_json::from_value(body).unwrap();
        let url = PublicUrl::parse("https://shop.example").unwrap();
        assert_eq!(
            subject(Locale::German, &told),
            "Quelle schlägt wiederholt fehl: Supplier"
        );
        let text = text(Locale::German, &told.data, &url);
        for part in [
            "Fehlschläge in Folge: 3. Zuletzt: Nicht erreichbar.",
            "https://shop.example/sources/a",
        ] {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn a_text_has_the_counts_the_page_and_the_way_to_the_settings() {
        let url = PublicUrl::parse("https://shop.example/relay").unwrap();
        let told = told("import.finished", "PARTIAL_SUCCESS", "import", "a.csv");
        let text = text(Locale::German, &told.data, &url);
        for part in [
            "2 von 3 Produkten, 1 fehlgeschlagen.",
            "https://shop.example/imports/a",
            "https://shop.example/relay/account",
        ] {
            assert!(text.contains(part), "{text}");
        }
    }
}
