//! Finds out why a stream is refused if the server function that says so cannot be reached: a proxy may forward the
//! streams alone.

use gloo_net::http::{Request, Response};
use web_sys::{AbortController, RequestCredentials};

use super::{UseProgressOptions, event_source::address, follower::Answer, tab_leader::Wants};
use crate::model::refusal::Refusal;

/// Requests the stream to find out why it is refused, and returns the answer if it is final. `error` is the server
/// function's answer; if that came from the server itself, there is nothing to find out.
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
    // Nothing is read from a stream that is granted after all.
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

/// Returns whether an error may come from a proxy's answer.
fn may_be_of_another(error: &Refusal) -> bool {
    !matches!(
        error,
        Refusal::SignedOut | Refusal::TooMany | Refusal::Throttled { .. } | Refusal::Unavailable(_)
    )
}

/// Returns the answer to a request for a stream if it is final. Only JSON says that an import does not exist: a proxy
/// answers 404 with a page.
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
        // A page where JSON was expected.
        assert!(may_be_of_another(&Refusal::Invalid(Reason::default())));
        assert!(may_be_of_another(&Refusal::Connection));
    }
}
