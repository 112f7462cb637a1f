//! The last event ID that a client of a stream has seen.

use axum::http::{HeaderMap, Uri, request::Parts};
use leptos::prelude::use_context;

/// Sent by a reconnecting `EventSource` (WHATWG HTML, section 9.2.4).
const HEADER: &str = "last-event-id";
/// Query parameters of polyfills that cannot set the header.
const PARAMETERS: [&str; 2] = ["lastEventId", "last_event_id"];

/// Reads the ID from the header or else from the query.
pub(crate) fn last_event_id(headers: &HeaderMap, uri: &Uri) -> Option<String> {
    if let Some(id) = headers.get(HEADER).filter(|id| !id.is_empty()) {
        return id.to_str().ok().map(str::to_owned);
    }
    let query = uri.query()?;
    let given = |name| {
        // A polyfill appends its parameter to any present one.
        url::form_urlencoded::parse(query.as_bytes())
            .filter(|(key, value)| *key == name && !value.is_empty())
            .last()
            .map(|(_, value)| value.into_owned())
    };
    PARAMETERS.into_iter().find_map(given)
}

pub(crate) fn of_server_fn() -> Option<String> {
    let parts = use_context::<Parts>()?;
    last_event_id(&parts.headers, &parts.uri)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: Option<&str>, address: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        if let Some(id) = header {
            headers.insert(HEADER, id.parse().unwrap());
        }
        last_event_id(&headers, &address.parse().unwrap())
    }

    #[test]
    fn the_address_names_it_where_the_header_does_not() {
        for (header, address, expected) in [
            (None, "/p", None),
            (None, "/p?ids=a", None),
            (None, "/p?lastEventId=", None),
            (None, "/p?lastEventId=5-SUCCESS", Some("5-SUCCESS")),
            (None, "/p?ids=a,b&last_event_id=2.ff.3%2B", Some("2.ff.3+")),
            (None, "/p?last_event_id=1&lastEventId=2", Some("2")),
            (None, "/p?lastEventId=1&lastEventId=2", Some("2")),
            (Some("7"), "/p?lastEventId=8", Some("7")),
            (Some(""), "/p?lastEventId=8", Some("8")),
        ] {
            assert_eq!(read(header, address).as_deref(), expected, "{address}");
        }
    }
}
