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
    use std::{fs, path::Path};

    use super::session::SignIn;
    use crate::model::{
        secret::{SECRET_FIELDS, Secret},
        team::NewLink,
        token::NewApiToken,
    };

    #[test]
    fn a_refused_form_is_kept_without_its_secrets() {
        let functions = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/api");
        let mut found = 0;
        for file in fs::read_dir(functions).unwrap() {
            let text = fs::read_to_string(file.unwrap().path()).unwrap();
            let arguments = text.split(['(', ',', ')', '\n']);
            for (name, kind) in arguments.filter_map(|it| it.trim().split_once(": ")) {
                if matches!(kind, "Secret" | "Option<Secret>") || name == "credential" {
                    assert!(SECRET_FIELDS.contains(&name), "{name}");
                    found += 1;
                }
            }
        }
        assert!(found > 10, "{found}");
    }

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
