//! Why a stream is refused where the server function that says so cannot be reached: a front end in
//! between may hand on the streams alone.

use gloo_net::http::{Request, Response};
use web_sys::{AbortController, RequestCredentials};

use super::{UseProgressOptions, desk::Wants, event_source::address, follower::Answer};
use crate::model::refusal::Refusal;

/// Asks the stream itself why it is refused, and returns what it says for good. `error` is what the
/// server function said: where that is the server's own word, there is nothing more to ask.
pub(super) async fn of_stream(
    wants: &Wants,
    error: &Refusal,
    options: &UseProgressOptions,
) -> Option<Answer> {
    if !may_be_of_another(error) {
        return None;
    }
    let abort = AbortController::new().ok()?;
    let answer = ask(wants, &abort, options).await;
    // Of a stream that is granted after all nothing is read.
    abort.abort();
    let answer = answer.ok()?;
    let kind = answer.headers().get("content-type");
    answer_of(answer.status(), kind.as_deref().unwrap_or_default())
}

async fn ask(
    wants: &Wants,
    abort: &AbortController,
    options: &UseProgressOptions,
) -> Result<Response, gloo_net::Error> {
    let (url, _) = address(wants, options);
    let mut request = Request::get(&url)
        .header("accept", "text/event-stream")
        .abort_signal(Some(&abort.signal()));
    if options.with_credentials {
        request = request.credentials(RequestCredentials::Include);
    }
    request.send().await
}

/// Returns whether an error may come of an answer that is not the server's.
fn may_be_of_another(error: &Refusal) -> bool {
    !matches!(
        error,
        Refusal::SignedOut | Refusal::TooMany | Refusal::Throttled { .. } | Refusal::Unavailable(_)
    )
}

/// Returns what the answer to a request for a stream says for good, if anything. That an import is not
/// there is the server's to say, not that of a front end without such a page.
fn answer_of(status: u16, kind: &str) -> Option<Answer> {
    match status {
        401 => Some(Err(Refusal::SignedOut)),
        404 if kind.starts_with("application/json") => Some(Ok(Vec::new())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::reason::Reason;

    #[test]
    fn only_what_the_server_says_is_the_end() {
        assert_eq!(answer_of(401, "text/html"), Some(Err(Refusal::SignedOut)));
        assert_eq!(answer_of(404, "application/json"), Some(Ok(Vec::new())));
        for (status, kind) in [
            (404, "text/html; charset=utf-8"),
            (200, "text/event-stream"),
            (204, ""),
            (429, "application/json"),
            (502, "text/html"),
        ] {
            assert_eq!(answer_of(status, kind), None, "{status}");
        }
    }

    #[test]
    fn the_servers_own_word_is_not_asked_again() {
        assert!(!may_be_of_another(&Refusal::SignedOut));
        assert!(!may_be_of_another(&Refusal::TooMany));
        // What comes of a page where an answer was looked for.
        assert!(may_be_of_another(&Refusal::Invalid(Reason::default())));
        assert!(may_be_of_another(&Refusal::Connection));
    }
}
