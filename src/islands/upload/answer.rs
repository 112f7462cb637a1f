//! Interprets the answers to upload requests (pure).

use super::transfer::Sent;
use crate::{
    i18n::messages::ErrorCode,
    model::{job::JobId, reason::Reason, upload::UploadAnswer},
};

/// The answer to a request.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    /// 0 without an answer.
    pub(super) status: u16,
    pub(super) text: String,
    pub(super) location: Option<String>,
    pub(super) offset: Option<u64>,
    pub(super) job: Option<JobId>,
}

/// The meaning of an answer that is not a success.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum End {
    /// The upload ends.
    Final(Sent),
    /// A retry may succeed. The reason is shown if none is left.
    Passing(Reason),
}

impl Answer {
    /// Returns the server's own error; a proxy's answer has none.
    fn said(&self) -> Option<Reason> {
        match serde_json::from_str(&self.text) {
            Ok(UploadAnswer::Refused(body)) => Some(Reason::from(body)),
            _ => None,
        }
    }

    /// Returns whether the error is the server's own: it has a code.
    fn is_ours(&self) -> bool {
        self.said().is_some_and(|said| said.code().is_some())
    }

    /// Returns whether the server has no resumable uploads, or does not know this one, so that the file is sent as one
    /// request.
    pub(super) fn has_no_parts(&self) -> bool {
        matches!(self.status, 404 | 405 | 410 | 501 | 507)
    }

    /// Returns whether a proxy blocks resumable uploads, so that the file is sent as one request.
    pub(super) fn lets_no_part_through(&self) -> bool {
        self.has_no_parts() || (matches!(self.status, 400 | 403) && !self.is_ours())
    }

    /// Returns whether a proxy rejects parts of this size.
    pub(super) fn wants_smaller_parts(&self) -> bool {
        self.status == 413 && !self.is_ours()
    }

    pub(super) fn end(&self) -> End {
        match (self.status, self.said()) {
            (502 | 503, Some(said)) => End::Final(Sent::Refused(said)),
            (status, said) => end_by_status(status, said),
        }
    }
}

fn end_by_status(status: u16, said: Option<Reason>) -> End {
    match status {
        401 => End::Final(Sent::SignedOut),
        // No answer: the network, or a server that restarts.
        0 => End::Passing(not_arrived()),
        408 | 409 | 423 | 425 | 502..=504 => End::Passing(said.unwrap_or_else(not_arrived)),
        413 => End::Final(Sent::Refused(
            said.unwrap_or_else(|| ErrorCode::TooLargeForServer.into()),
        )),
        _ => End::Final(Sent::Refused(
            said.unwrap_or_else(|| ErrorCode::UploadFailed.into()),
        )),
    }
}

/// Returns the error for a file that did not arrive.
pub(super) fn not_arrived() -> Reason {
    ErrorCode::UploadUnreachable.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, text: &str) -> Answer {
        Answer {
            status,
            text: text.to_owned(),
            ..Answer::default()
        }
    }

    fn end(status: u16, text: &str) -> End {
        answer(status, text).end()
    }

    #[test]
    fn every_answer_says_something() {
        assert_eq!(
            end(422, r#"{"error":"No header."}"#),
            End::Final(Sent::Refused(Reason::words("No header.")))
        );
        assert_eq!(end(401, ""), End::Final(Sent::SignedOut));
        for (status, body) in [(413, "<html>"), (500, "<html>"), (400, "")] {
            assert!(
                matches!(end(status, body), End::Final(Sent::Refused(text)) if !text.is_empty())
            );
        }
        assert_eq!(
            end(503, r#"{"error":"The price monitor cannot be reached."}"#),
            End::Final(Sent::Refused(Reason::words(
                "The price monitor cannot be reached."
            )))
        );
        for status in [0, 408, 423, 502] {
            assert!(matches!(end(status, "<html>"), End::Passing(text) if !text.is_empty()));
        }
    }

    #[test]
    fn a_server_without_parts_gets_the_file_in_one_piece() {
        for status in [404, 405, 507] {
            assert!(answer(status, "").has_no_parts());
        }
        for status in [0, 201, 401, 409, 413, 422, 423, 500, 503] {
            assert!(!answer(status, "").lets_no_part_through());
        }
    }

    #[test]
    fn what_a_proxy_refuses_is_sent_otherwise_and_what_the_server_refuses_is_not() {
        let ours = r#"{"error":"You don't have permission.","code":"forbidden"}"#;
        for status in [400, 403] {
            assert!(answer(status, "<html>").lets_no_part_through());
            assert!(answer(status, r#"{"error":"blocked"}"#).lets_no_part_through());
            assert!(!answer(status, ours).lets_no_part_through());
        }
        assert!(answer(413, "<html>").wants_smaller_parts());
        assert!(
            !answer(413, r#"{"error":"Too large.","code":"file-too-large"}"#).wants_smaller_parts()
        );
        assert!(!answer(403, "").wants_smaller_parts());
    }
}
