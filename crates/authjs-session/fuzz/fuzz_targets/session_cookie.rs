//! Fuzzes `Cookie` headers and sealed tokens in each session cookie: nothing panics, and only tokens sealed with the
//! secret are accepted.
#![no_main]

use std::sync::LazyLock;

use authjs_session::AuthJs;
use http::{HeaderMap, HeaderValue, header};
use libfuzzer_sys::fuzz_target;

static AUTHJS: LazyLock<AuthJs> =
    LazyLock::new(|| AuthJs::new(&["nobody knows this".into(), "nor this".into()]));

/// Headers of both versions, so that the content after them is parsed.
const BEGINNINGS: [&str; 7] = [
    "",
    "authjs.session-token=",
    "next-auth.session-token=",
    // {"alg":"dir","enc":"A256CBC-HS512"} and {"alg":"dir","enc":"A256GCM"}
    "authjs.session-token=eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2Q0JDLUhTNTEyIn0..",
    "next-auth.session-token=eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..",
    // The same in chunks, to be followed by numbers and contents.
    "authjs.session-token.0=eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2Q0JDLUhTNTEyIn0..; authjs.session-token.",
    "next-auth.session-token.1=x; next-auth.session-token.0=eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0",
];

fuzz_target!(|bytes: &[u8]| {
    for beginning in BEGINNINGS {
        let Ok(value) = HeaderValue::from_bytes(&[beginning.as_bytes(), bytes].concat()) else {
            return;
        };
        let headers = HeaderMap::from_iter([(header::COOKIE, value)]);
        assert!(!matches!(AUTHJS.identify(&headers, 0), Ok(Some(_))));
    }
});
