//! Parses claims of Auth.js and OpenID Connect.

pub(super) use authjs_session::{MAX_ID, MAX_NAME, clean};
use serde_json::Value;

use crate::model::role::RoleClaim;

/// Anything but a string is unknown.
pub(super) fn role(value: &Value) -> RoleClaim {
    match value {
        Value::Null => RoleClaim::Missing,
        Value::String(name) => RoleClaim::read(name),
        _ => RoleClaim::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::role::Role;

    #[test]
    fn no_role_is_not_the_same_as_one_that_is_not_known() {
        for missing in [Value::Null, json!(""), json!("user"), json!(" Member ")] {
            assert_eq!(role(&missing), RoleClaim::Missing, "{missing}");
        }
        for unknown in [
            json!("root"),
            json!("customer"),
            json!(7),
            json!(["owner"]),
            json!({}),
        ] {
            assert_eq!(role(&unknown), RoleClaim::Unknown, "{unknown}");
        }
        assert_eq!(role(&json!("viewer")), RoleClaim::Known(Role::Viewer));
        assert_eq!(role(&json!("ADMIN")), RoleClaim::Known(Role::Owner));
    }
}
