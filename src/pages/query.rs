//! Reads the query of the URL.

use std::collections::BTreeMap;

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::model::imports_filter::{ImportsFilter, ImportsQuery};

/// Returns the page number, from 1.
pub(super) fn page() -> u64 {
    page_of(value("page"))
}

fn page_of(text: Option<String>) -> u64 {
    let page = text.and_then(|page| page.parse().ok());
    page.unwrap_or(1).max(1)
}

/// Returns the search text.
pub(super) fn search() -> String {
    value("search").unwrap_or_default()
}

pub(super) fn imports_query() -> ImportsQuery {
    read_imports_query(value)
}

/// Returns a parameter.
pub(super) fn value(name: &str) -> Option<String> {
    use_query_map().with_untracked(|query| query.get(name))
}

/// Returns the parameters with these names.
pub(super) fn values(names: &[&str]) -> BTreeMap<String, String> {
    let given = |name: &&str| Some(((*name).to_owned(), value(name)?));
    names.iter().filter_map(given).collect()
}

fn read_imports_query(get: impl Fn(&str) -> Option<String>) -> ImportsQuery {
    ImportsQuery {
        page: page_of(get("page")),
        filter: ImportsFilter::read(get),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use leptos_router::location::Url;

    use super::*;
    use crate::model::{
        imports_filter::{Day, Sort, SortBy},
        job::{ImportMode, ImportStatus},
    };

    fn read(address: &str) -> ImportsQuery {
        let query = address.split_once('?').map_or("", |(_, query)| query);
        read_imports_query(|name| {
            let pair = query.split('&').find_map(|pair| {
                let (key, value) = pair.split_once('=')?;
                (key == name).then_some(value)
            });
            pair.map(Url::unescape)
        })
    }

    #[test]
    fn what_is_not_understood_is_as_if_it_were_not_there() {
        for address in [
            "/imports",
            "/imports?page=0&status=DONE&since=2026-02-30&until=x&sort=id&search=%20",
        ] {
            let expected = ImportsQuery {
                page: 1,
                ..ImportsQuery::default()
            };
            assert_eq!(read(address), expected, "{address}");
        }
    }

    proptest! {
        #[test]
        fn an_address_leads_to_what_it_was_made_of(
            page in 1..1_000u64,
            status in proptest::option::of(0..4usize),
            search in "[a-zA-Z0-9äß&=%?#+._-]{0,12}",
            since in proptest::option::of(0..4_000_000_000_000i64),
            by in 0..4usize,
            descending: bool,
        ) {
            let statuses = [
                ImportStatus::Pending,
                ImportStatus::Success,
                ImportStatus::PartialSuccess,
                ImportStatus::Error,
            ];
            let filter = ImportsFilter {
                status: status.map(|index| statuses[index]),
                search: search.clone(),
                since: since.map(Day::from),
                until: since.map(Day::from),
                kind: status.map(|_| ImportMode::Check),
                by: search.trim().to_owned(),
                sort: Sort { by: SortBy::ALL[by], descending },
            };
            let address = filter.address(page);
            prop_assert_eq!(read(&address), ImportsQuery { page, filter });
        }
    }
}
