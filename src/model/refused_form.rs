//! A plain form that the server refused, for the page that shows it again.

use leptos::prelude::use_context;
use serde::{Deserialize, Serialize};

use super::{error::ApiError, import_options::ImportOptions};

/// A form as it was sent, without secrets. Empty if none was refused.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct RefusedForm {
    /// Path it was sent to.
    pub action: String,
    /// Why it was refused.
    pub error: Option<ApiError>,
    /// Its fields.
    pub fields: Vec<(String, String)>,
}

impl RefusedForm {
    /// Returns the form that was sent to a path before this page.
    #[must_use]
    pub fn sent_to(action: &str) -> Self {
        let form = use_context::<Self>();
        form.filter(|form| form.action == action)
            .unwrap_or_default()
    }

    /// Returns the value of a field.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<String> {
        let found = self.fields.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone())
    }

    /// Returns whether a field had a value; `otherwise` without a form.
    #[must_use]
    pub fn has(&self, name: &str, value: &str, otherwise: bool) -> bool {
        if self.fields.is_empty() {
            return otherwise;
        }
        self.fields.iter().any(|(n, v)| n == name && v == value)
    }

    /// Returns the options of an import that it chose.
    #[must_use]
    pub fn import_options(&self) -> ImportOptions {
        let mut options = ImportOptions::default();
        for (name, value) in &self.fields {
            // Unknown values are left out.
            let _ = options.set(name, value);
        }
        options
    }
}
