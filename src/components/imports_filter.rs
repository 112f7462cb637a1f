//! Which imports are listed.

use leptos::prelude::*;

use super::form::QueryForm;
use crate::{
    i18n::locale::Locale,
    islands::parts::{
        icons::{Glyph, Icon},
        locale::use_locale,
        status_badge::Stage,
    },
    model::{
        base_path::address,
        imports_filter::{Day, ImportsFilter, Sort},
        job::ImportStatus,
    },
};

/// Asks for imports by name, state and day. A plain form whose state is the page's address, so that it
/// works without script and can be sent to somebody.
#[component]
pub(crate) fn ImportsFilterForm(
    /// Which imports are listed now.
    filter: ImportsFilter,
) -> impl IntoView {
    let t = use_locale();
    let clear = filter.is_narrow().then(|| {
        view! {
            <a class="filter-clear" href=address("/imports")>
                {t.say("Clear", "Zurücksetzen")}
            </a>
        }
    });
    let ImportsFilter {
        status,
        search,
        since,
        until,
        sort,
    } = filter;
    view! {
        <search class="filter" aria-label=t.say("Filter imports", "Importe filtern")>
            <QueryForm action="/imports">
                <div class="filter-search">
                    <Icon glyph=Glyph::Search />
                    <label class="visually-hidden" for="imports-search">
                        {t.say("Search imports by file name", "Importe nach Dateinamen suchen")}
                    </label>
                    <input
                        id="imports-search"
                        class="input"
                        type="search"
                        name="search"
                        placeholder=t.say("File name", "Dateiname")
                        autocomplete="off"
                        data-testid="imports-search"
                        value=search
                    />
                </div>
                <label class="filter-field">
                    <span>"Status"</span>
                    <select
                        class="input"
                        name="status"
                        data-testid="filter-status"
                        inner_html=statuses(t, status)
                    ></select>
                </label>
                <label class="filter-field" title=t.say("Dates are in UTC", "Datumsangaben in UTC")>
                    <span>{t.say("From", "Von")}</span>
                    <input
                        class="input"
                        type="date"
                        name="since"
                        data-testid="filter-since"
                        value=day_text(since)
                    />
                </label>
                <label class="filter-field" title=t.say("Dates are in UTC", "Datumsangaben in UTC")>
                    <span>{t.say("To", "Bis")}</span>
                    <input
                        class="input"
                        type="date"
                        name="until"
                        data-testid="filter-until"
                        value=day_text(until)
                    />
                </label>
                <label class="filter-field">
                    <span>{t.say("Sort by", "Sortieren nach")}</span>
                    <select
                        class="input"
                        name="sort"
                        data-testid="filter-sort"
                        inner_html=orders(t, sort)
                    ></select>
                </label>
                <button class="button" data-testid="filter-submit">
                    {t.say("Apply", "Anwenden")}
                </button>
                {clear}
            </QueryForm>
        </search>
    }
}

fn day_text(day: Option<Day>) -> String {
    day.map(|day| day.to_string()).unwrap_or_default()
}

/// The words are our own and need no escape.
fn option(value: &str, text: &str, is_selected: bool) -> String {
    let selected = if is_selected { " selected" } else { "" };
    format!("<option value=\"{value}\"{selected}>{text}</option>")
}

fn statuses(t: Locale, chosen: Option<ImportStatus>) -> String {
    let any = option("", t.say("Any", "Alle"), chosen.is_none());
    let all = [
        ImportStatus::Pending,
        ImportStatus::Success,
        ImportStatus::PartialSuccess,
        ImportStatus::Error,
    ];
    let each = all.map(|status| {
        let word = Stage::of(status, true, None, false).word(t);
        option(status.as_str(), &word, chosen == Some(status))
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
        assert!(html.contains("value=\"ERROR\" selected>Fehlgeschlagen<"));
        assert!(statuses(Locale::English, None).contains("value=\"\" selected>Any<"));
    }
}
