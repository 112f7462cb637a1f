//! The filter of the list of imports.

use leptos::prelude::*;

use super::{
    chips::{Chip, Chips},
    form::{DayFilter, QueryForm, SearchField},
};
use crate::{
    i18n::locale::Locale,
    islands::parts::locale::use_locale,
    model::{
        base_path::address,
        imports_filter::{ImportsFilter, ImportsOverview, Sort},
        job::{ImportMode, ImportStatus},
    },
};

const IMPORTS: &str = "/imports";

/// Filters imports by name, status, date, kind and user. Links and a plain form: the state is the URL, so it works
/// without a script and can be shared.
#[component]
pub(crate) fn ImportsFilterForm(
    filter: ImportsFilter,
    /// What can be filtered by.
    overview: ImportsOverview,
) -> impl IntoView {
    let t = use_locale();
    let stages = stages(t, &filter, &overview);
    let chips = chips(t, &filter, &overview);
    let ImportsOverview { starters, .. } = overview;
    let ImportsFilter {
        status,
        search,
        since,
        until,
        kind,
        by,
        sort,
    } = filter;
    let starters = (!starters.is_empty()).then(|| {
        let options = starters
            .into_iter()
            .map(|starter| {
                let selected = starter.id == by;
                view! { <option value=starter.id selected=selected>{starter.name}</option> }
            })
            .collect_view();
        view! {
            <label class="filter-field">
                <span>{t.say("Started by", "Gestartet von")}</span>
                <select class="input" name="by" data-testid="filter-by">
                    <option value="">{t.say("Anyone", "Alle")}</option>
                    {options}
                </select>
            </label>
        }
    });
    view! {
        <search class="filter" aria-label=t.say("Filter imports", "Importe filtern")>
            <QueryForm action=IMPORTS>
                <SearchField
                    id="imports-search"
                    label=t.say("Search imports by file name", "Importe nach Dateinamen suchen")
                    placeholder=t.say("File name", "Dateiname")
                    testid="imports-search"
                    value=search
                />
                <button class="button" data-testid="filter-search">{t.say("Search", "Suchen")}</button>
                <details class="filter-more">
                    <summary class="button" data-testid="filter-more">{t.say("Filter", "Filter")}</summary>
                    <div class="filter-fields">
                        <label class="filter-field">
                            <span>{t.say("Status", "Status")}</span>
                            <select
                                class="input"
                                name="status"
                                data-testid="filter-status"
                                inner_html=statuses(t, status)
                            ></select>
                        </label>
                        <label class="filter-field">
                            <span>{t.say("Type", "Art")}</span>
                            <select
                                class="input"
                                name="kind"
                                data-testid="filter-kind"
                                inner_html=kinds(t, kind)
                            ></select>
                        </label>
                        {starters}
                        <DayFilter name="since" label=t.say("From", "Von") testid="filter-since" value=since />
                        <DayFilter name="until" label=t.say("To", "Bis") testid="filter-until" value=until />
                        <label class="filter-field">
                            <span>{t.say("Sort by", "Sortieren nach")}</span>
                            <select
                                class="input"
                                name="sort"
                                data-testid="filter-sort"
                                inner_html=orders(t, sort)
                            ></select>
                        </label>
                        <button class="button button-primary" data-testid="filter-submit">
                            {t.say("Apply", "Anwenden")}
                        </button>
                    </div>
                </details>
            </QueryForm>
            {stages}
            <Chips chips all=IMPORTS />
        </search>
    }
}

const STATUSES: [ImportStatus; 4] = [
    ImportStatus::Pending,
    ImportStatus::Success,
    ImportStatus::PartialSuccess,
    ImportStatus::Error,
];

/// Links to the imports of each status, with their number, if there are several statuses.
fn stages(t: Locale, filter: &ImportsFilter, overview: &ImportsOverview) -> Option<AnyView> {
    if overview.counts.len() < 2 && filter.status.is_none() {
        return None;
    }
    let of = |status: Option<ImportStatus>| {
        let other = ImportsFilter {
            status,
            ..filter.clone()
        };
        address(&other.address(1))
    };
    let links = STATUSES
        .into_iter()
        .filter_map(|status| {
            let (_, count) = overview.counts.iter().find(|(other, _)| *other == status)?;
            let is_chosen = filter.status == Some(status);
            let href = of((!is_chosen).then_some(status));
            let word = status_word(t, status);
            Some(view! {
                <li>
                    <a
                        class="filter-chip"
                        href=href
                        aria-current=is_chosen.then_some("true")
                        data-testid=format!("stage-{}", status.as_str())
                    >
                        {word} " " <span class="chip">{t.count(*count)}</span>
                    </a>
                </li>
            })
        })
        .collect_view();
    let list = view! {
        <ul class="filter-chips" aria-label=t.say("Status", "Status")>{links}</ul>
    };
    Some(list.into_any())
}

/// Returns the other active filters.
fn chips(t: Locale, filter: &ImportsFilter, overview: &ImportsOverview) -> Vec<Chip> {
    let without = |change: fn(&mut ImportsFilter), text: String| {
        let mut other = filter.clone();
        change(&mut other);
        let href = address(&other.address(1));
        Chip { text, href }
    };
    let mut chips = Vec::new();
    if !filter.search.is_empty() {
        let text = t.fill("“{search}”", "„{search}“", &[("search", &filter.search)]);
        chips.push(without(|other| other.search.clear(), text));
    }
    if let Some(status) = filter.status {
        let text = status_word(t, status).to_owned();
        chips.push(without(|other| other.status = None, text));
    }
    if let Some(kind) = filter.kind {
        let text = kind_word(t, kind).to_owned();
        chips.push(without(|other| other.kind = None, text));
    }
    if !filter.by.is_empty() {
        let named = overview.starters.iter().find(|one| one.id == filter.by);
        let name = named.map_or(filter.by.as_str(), |starter| &starter.name);
        let text = format!("{} {name}", t.say("Started by", "Gestartet von"));
        chips.push(without(|other| other.by.clear(), text));
    }
    if let Some(day) = filter.since {
        let text = format!("{} {day}", t.say("From", "Von"));
        chips.push(without(|other| other.since = None, text));
    }
    if let Some(day) = filter.until {
        let text = format!("{} {day}", t.say("To", "Bis"));
        chips.push(without(|other| other.until = None, text));
    }
    chips
}

/// Returns the word for all imports of a status: waiting ones are pending too, cancelled ones have failed too.
fn status_word(t: Locale, status: ImportStatus) -> &'static str {
    match status {
        ImportStatus::Pending => t.say("In progress", "In Arbeit"),
        ImportStatus::Success => t.say("Without errors", "Ohne Fehler"),
        ImportStatus::PartialSuccess => t.say("Completed with errors", "Mit Fehlern abgeschlossen"),
        ImportStatus::Error => t.say("Failed or cancelled", "Fehlgeschlagen oder abgebrochen"),
    }
}

/// Returns the word for a kind of import.
fn kind_word(t: Locale, kind: ImportMode) -> &'static str {
    match kind {
        ImportMode::Import => t.say("Import", "Import"),
        ImportMode::Check => t.say("Dry run", "Testlauf"),
    }
}

fn kinds(t: Locale, chosen: Option<ImportMode>) -> String {
    let any = option("", t.say("Any", "Alle"), chosen.is_none());
    let each = [ImportMode::Import, ImportMode::Check]
        .map(|kind| option(kind.as_str(), kind_word(t, kind), chosen == Some(kind)));
    any + &each.concat()
}

/// Our own words need no escaping.
fn option(value: &str, text: &str, is_selected: bool) -> String {
    let selected = if is_selected { " selected" } else { "" };
    format!("<option value=\"{value}\"{selected}>{text}</option>")
}

fn statuses(t: Locale, chosen: Option<ImportStatus>) -> String {
    let any = option("", t.say("Any", "Alle"), chosen.is_none());
    let each = STATUSES.map(|status| {
        let word = status_word(t, status);
        option(status.as_str(), word, chosen == Some(status))
    });
    any + &each.concat()
}

fn orders(t: Locale, chosen: Sort) -> String {
    let all = [
        ("-created", t.say("Newest first", "Neueste zuerst")),
        ("created", t.say("Oldest first", "Älteste zuerst")),
        ("file", t.say("File, A–Z", "Datei, A–Z")),
        ("-file", t.say("File, Z–A", "Datei, Z–A")),
        ("status", "Status, A–Z"),
        ("-status", "Status, Z–A"),
        ("-duration", t.say("Longest first", "Längste zuerst")),
        ("duration", t.say("Shortest first", "Kürzeste zuerst")),
    ];
    let chosen = chosen.to_string();
    let each = all.map(|(value, text)| option(value, text, value == chosen));
    each.concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::imports_filter::SortBy;

    #[test]
    fn every_order_can_be_chosen_and_the_chosen_one_is() {
        for by in SortBy::ALL {
            for descending in [false, true] {
                let sort = Sort { by, descending };
                let html = orders(Locale::English, sort);
                assert_eq!(html.matches(" selected").count(), 1);
                assert!(html.contains(&format!("value=\"{sort}\" selected")));
            }
        }
    }

    #[test]
    fn the_chosen_state_is_selected() {
        let html = statuses(Locale::German, Some(ImportStatus::Error));
        assert!(html.contains("value=\"ERROR\" selected>Fehlgeschlagen oder abgebrochen<"));
        assert!(statuses(Locale::English, None).contains("value=\"\" selected>Any<"));
    }
}
