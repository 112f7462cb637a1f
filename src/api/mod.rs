//! The server functions: the only connection between client code and server code.

// `#[server]` generates a type for each function, whose fields are the function's arguments.
#![allow(missing_docs)]

pub mod account;
pub mod audit;
pub mod changes;
pub mod import_controls;
pub mod imports;
pub mod language;
pub mod passkeys;
pub mod products;
pub mod progress;
pub mod session;
pub mod share_links;
pub mod sources;
pub mod status;
pub mod team;
pub mod tokens;
pub mod webhooks;

#[cfg(test)]
mod tests {
    use super::session::SignIn;
    use crate::model::{secret::Secret, team::NewLink, token::NewApiToken};

    #[test]
    fn what_is_sent_is_not_shown() {
        let secret = || Secret::from("hunter2".to_owned());
        let shown = format!(
            "{:?} {:?} {:?}",
            SignIn {
                email: String::new(),
                password: secret(),
                next: None
            },
            NewLink {
                url: secret(),
                mail: None
            },
            NewApiToken { token: secret() },
        );
        assert!(!shown.contains("hunter2"), "{shown}");
        assert_eq!(serde_json::to_string(&secret()).unwrap(), "\"hunter2\"");
    }
}
