//! What makes a product the same one in the next file.
//!
//! An identity is a word for where it comes from, a colon, and its parts with `/` between them:
//!
//! | identity | of |
//! | --- | --- |
//! | `sku:AB-1` | a row with a SKU |
//! | `handle:linen-shirt/Blue/L` | a Shopify variant without a SKU: handle and option values |
//! | `parent:tee/Blue` | a WooCommerce variation without a SKU: parent and attribute values |
//! | `gtin:4006381333931` | a row with nothing but a barcode |
//! | `id:743` | a row with nothing but an identifier |
//!
//! The words keep a SKU and a handle that look alike apart. A `/` or `\` inside a part has a `\`
//! before it where there can be several, so that different parts never give the same identity; empty
//! parts at the end are left out.

/// What Shopify puts in the only option of a product that has no options.
const NO_OPTION: &str = "Default Title";

/// Returns the identity of a product with a SKU.
pub(crate) fn of_sku(sku: &str) -> String {
    format!("sku:{sku}")
}

/// Returns the identity of one variant of a handle.
pub(crate) fn of_variant(handle: &str, options: &[&str]) -> String {
    match options {
        [option, rest @ ..] if *option == NO_OPTION && rest.iter().all(|part| part.is_empty()) => {
            joined("handle", handle, &[])
        }
        options => joined("handle", handle, options),
    }
}

/// Returns the identity of one variation of a parent.
pub(crate) fn of_variation(parent: &str, attributes: &[&str]) -> String {
    joined("parent", parent, attributes)
}

/// Returns the identity of a product with a barcode.
pub(crate) fn of_gtin(gtin: &str) -> String {
    format!("gtin:{gtin}")
}

/// Returns the identity of a product that has a number in its shop.
pub(crate) fn of_id(id: &str) -> String {
    format!("id:{id}")
}

fn joined(source: &str, first: &str, rest: &[&str]) -> String {
    let used = rest
        .iter()
        .rposition(|part| !part.is_empty())
        .map_or(0, |last| last + 1);
    let mut identity = format!("{source}:");
    push_escaped(&mut identity, first);
    for part in &rest[..used] {
        identity.push('/');
        push_escaped(&mut identity, part);
    }
    identity
}

fn push_escaped(identity: &mut String, part: &str) {
    for character in part.chars() {
        if matches!(character, '/' | '\\') {
            identity.push('\\');
        }
        identity.push(character);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_identity_says_where_it_comes_from() {
        assert_eq!(of_sku("A/1"), "sku:A/1");
        assert_eq!(
            of_variant("shirt", &["Blue", "L", ""]),
            "handle:shirt/Blue/L"
        );
        assert_eq!(of_variant("shirt", &["", "L"]), "handle:shirt//L");
        assert_eq!(
            of_variant("shirt", &["Default Title", "", ""]),
            "handle:shirt"
        );
        assert_eq!(
            of_variant("shirt", &["Default Title", "L"]),
            "handle:shirt/Default Title/L"
        );
        assert_eq!(
            of_variation("tee", &["1/2", "a\\b"]),
            "parent:tee/1\\/2/a\\\\b"
        );
    }

    proptest! {
        #[test]
        fn different_variants_have_different_identities(
            one in proptest::collection::vec("[ab/\\\\]{1,3}", 1..4),
            two in proptest::collection::vec("[ab/\\\\]{1,3}", 1..4),
        ) {
            let parts = |variant: &[String]| -> String {
                let rest: Vec<_> = variant[1..].iter().map(String::as_str).chain([""]).collect();
                of_variant(&variant[0], &rest)
            };
            prop_assert_eq!(parts(&one) == parts(&two), one == two);
        }
    }
}
