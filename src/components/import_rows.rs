//! Rows of an import with a note: failed, with warnings, replaced, skipped.

use std::collections::BTreeMap;

use leptos::prelude::*;
use server_fn::ServerFn;

use super::{
    form::{ActionForm, QueryForm, SearchField},
    import_actions::IdField,
    pagination::{Pagination, Position},
};
use crate::{
    api::import_controls::RetryFailedRows,
    i18n::{
        locale::Locale,
        messages::{ErrorCode, Params},
    },
    islands::parts::{
        format::Noun,
        icons::{Glyph, Icon},
        locale::use_locale,
    },
    model::{
        base_path::{address, escape},
        import_extras::{ImportExtras, ImportRow, ImportRows, RowKind, correct_path, rows_path},
        job::JobId,
        reason::Reason,
    },
};

/// Returns the number of rows of a kind.
pub(crate) fn rows_of(kind: RowKind, extras: &ImportExtras, failed: u64) -> u64 {
    match kind {
        RowKind::Failed => failed,
        RowKind::Warning => extras.warnings,
        RowKind::Replaced => extras.replaced_rows,
        RowKind::PassedOver => extras.passed_over_rows,
        RowKind::Missing => extras.missing_products,
    }
}

pub(crate) fn title(t: Locale, kind: RowKind) -> &'static str {
    match kind {
        RowKind::Failed => t.say("Failed rows", "Fehlgeschlagene Zeilen"),
        RowKind::Warning => t.say("Warnings", "Warnungen"),
        RowKind::Replaced => t.say("Replaced rows", "Ersetzte Zeilen"),
        RowKind::PassedOver => t.say("Skipped rows", "Übersprungene Zeilen"),
        RowKind::Missing => t.say(
            "Products missing from the file",
            "In der Datei fehlende Produkte",
        ),
    }
}

/// Lists a page of rows, with a search field and links to the other kinds.
#[component]
pub(crate) fn ImportRowsTable(
    id: JobId,
    kind: RowKind,
    rows: ImportRows,
    /// The current search.
    search: String,
    /// Number of rows of each kind, in the order of [`RowKind::ALL`].
    counts: [u64; RowKind::ALL.len()],
    /// Number of skipped rows by reason.
    skipped: BTreeMap<String, u64>,
    /// Whether failed rows can be imported again.
    can_retry: bool,
    /// Whether rows can be corrected in place.
    can_correct: bool,
    /// Whether the import undoes another one; its failed rows are products that it left unchanged.
    is_undo: bool,
) -> impl IntoView {
    let t = use_locale();
    let title = move |kind| match kind {
        RowKind::Failed if is_undo => {
            t.say("Products left unchanged", "Unverändert gebliebene Produkte")
        }
        kind => title(t, kind),
    };
    let ImportRows {
        items,
        page,
        pages,
        total,
        has_more,
    } = rows;
    let here = format!("/imports/{id}");
    // Kinds without values have no such columns.
    let has_columns = !is_undo && matches!(kind, RowKind::Failed | RowKind::Warning);
    let list = items
        .into_iter()
        .map(|row| view! { <Row kind has_columns row /> })
        .collect_view();
    let page_path = {
        let (here, search) = (here.clone(), escape(&search));
        move |page: u64| {
            format!(
                "{here}?rows={}&search={search}&page={page}#rows-title",
                kind.as_str()
            )
        }
    };
    let counted = RowKind::ALL.into_iter().zip(counts);
    let (shown, others): (Vec<_>, Vec<_>) = counted.partition(|(other, _)| *other == kind);
    let count = shown.first().map_or(total, |(_, count)| *count);
    let others = others
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(other, count)| {
            let href = format!("{here}?rows={}#rows-title", other.as_str());
            let testid = format!("rows-{}", other.as_str());
            view! {
                <li>
                    <a href=address(&href) data-testid=testid>
                        {title(other)} " "
                        <span class="chip">{t.count(count)}</span>
                    </a>
                </li>
            }
        })
        .collect_view();
    let listed = (search.is_empty() && total < count).then(|| {
        if total == 0 {
            return t
                .say(
                    "These rows are no longer stored.",
                    "Diese Zeilen sind nicht mehr gespeichert.",
                )
                .to_owned();
        }
        let (total, count) = (t.count(total), t.count(count));
        t.fill(
            "Showing the first {total} of {count}.",
            "Angezeigt werden die ersten {total} von {count}.",
            &[("total", &total), ("count", &count)],
        )
    });
    let skipped = (kind == RowKind::PassedOver && skipped.len() > 1).then(|| {
        let reasons = skipped.into_iter().map(|(code, count)| {
            let reason = t.reason(&Reason::new(&*code, Some(code.clone()), Params::new()));
            view! {
                <li>
                    {reason} " "
                    <span class="chip">{t.count(count)}</span>
                </li>
            }
        });
        view! { <ul class="row-kinds" data-testid="skipped-reasons">{reasons.collect_view()}</ul> }
    });
    let clear = (!search.is_empty()).then(|| {
        let all = format!("{here}?rows={}#rows-title", kind.as_str());
        view! { <a href=address(&all)>{t.say("Clear", "Zurücksetzen")}</a> }
    });
    let stored = StoredValue::new(id.clone());
    let retry = (can_retry && kind == RowKind::Failed).then(|| {
        view! {
            <ActionForm action=RetryFailedRows::url()>
                <IdField id=stored.get_value() />
                <button class="button button-quiet" data-testid="retry-failed">
                    {t.say("Retry without changes", "Unverändert erneut versuchen")}
                </button>
            </ActionForm>
        }
    });
    let help = (kind == RowKind::Failed && !is_undo).then(|| {
        let text = if can_correct {
            t.say(
                "Correct these rows here, or download them, correct the file, and import it: its last column is ignored.",
                "Korrigiere diese Zeilen hier, oder lade sie herunter, korrigiere die Datei und importiere sie: Ihre letzte Spalte wird nicht beachtet.",
            )
        } else {
            t.say(
                "Download these rows, correct them, and import the file: its last column is ignored.",
                "Lade diese Zeilen herunter, korrigiere sie und importiere die Datei: Ihre letzte Spalte wird nicht beachtet.",
            )
        };
        view! { <p class="rows-help">{text}</p> }
    });
    let is_correctable = matches!(kind, RowKind::Failed | RowKind::Warning);
    let correct = (can_correct && is_correctable).then(|| {
        view! {
            <a
                class="button button-quiet"
                href=address(&correct_path(&stored.get_value(), kind))
                data-testid="correct-rows"
            >
                {t.say("Correct rows", "Zeilen korrigieren")}
            </a>
        }
    });
    let columns = has_columns.then(|| {
        view! {
            <th role="columnheader" scope="col">{t.say("Column", "Spalte")}</th>
            <th role="columnheader" scope="col">{t.say("Value", "Wert")}</th>
        }
    });
    let is_missing = kind == RowKind::Missing;
    let line = (!is_missing).then(|| {
        view! { <th role="columnheader" scope="col" class="numeric">{t.say("Line", "Zeile")}</th> }
    });
    let reason = match is_missing {
        true => t.say("Product", "Produkt"),
        false => t.say("Reason", "Grund"),
    };
    view! {
        <section
            class="card card-flush failed"
            data-testid={if kind == RowKind::Failed { "failed-skus" } else { "noted-rows" }}
            aria-labelledby="rows-title"
        >
            <header class="card-head">
                <h2 id="rows-title">
                    {title(kind)} " " <span class="chip">{t.count(count)}</span>
                </h2>
                <div class="card-actions">
                    {correct} {retry}
                    <a
                        class="button button-quiet"
                        download=format!("{}-rows.csv", kind.as_str())
                        href=address(&rows_path(&id, kind))
                        data-testid=download_testid(kind)
                    >
                        <Icon glyph=Glyph::File />
                        {t.say("Download", "Herunterladen")}
                    </a>
                </div>
            </header>
            {help}
            {skipped}
            <ul class="row-kinds" aria-label=t.say("Other rows", "Andere Zeilen")>{others}</ul>
            <search class="filter">
                <QueryForm action=here>
                    <input type="hidden" name="rows" value=kind.as_str() />
                    <SearchField
                        id="failed-search"
                        label=t.say("Search rows", "Zeilen durchsuchen")
                        placeholder=t.say("SKU, column, value or reason", "SKU, Spalte, Wert oder Grund")
                        testid="failed-search"
                        value=search
                    />
                    <button class="button">{t.say("Search", "Suchen")}</button>
                    {clear}
                </QueryForm>
            </search>
            <table
                class="table failed-rows"
                role="table"
                data-testid=format!("{}-rows", kind.as_str())
            >
                <caption class="visually-hidden">
                    {title(kind)} ", "
                    {t.say("in file order", "in Dateireihenfolge")}
                </caption>
                <thead role="rowgroup">
                    <tr role="row">
                        <th role="columnheader" scope="col">
                            {t.say("SKU or name", "SKU oder Name")}
                        </th>
                        {line}
                        {columns}
                        <th role="columnheader" scope="col">{reason}</th>
                    </tr>
                </thead>
                <tbody role="rowgroup">{list}</tbody>
            </table>
            {listed.map(|text| view! { <p class="rows-listed">{text}</p> })}
            <Pagination position=Position { page, pages, total, has_more } noun=Noun::Row href=page_path />
        </section>
    }
}

fn download_testid(kind: RowKind) -> &'static str {
    if kind == RowKind::Failed {
        "download-failed"
    } else {
        "download-rows"
    }
}

/// Returns why a row is listed.
pub(crate) fn reason_of(t: Locale, kind: RowKind, row: &ImportRow) -> String {
    match (kind, row.by_line) {
        (RowKind::Replaced, Some(line)) => t.reason(&ErrorCode::ReplacedBy { line }.into()),
        _ => t.reason(&row.why(kind)),
    }
}

#[component]
fn Row(kind: RowKind, has_columns: bool, row: ImportRow) -> impl IntoView {
    let t = use_locale();
    let reason = reason_of(t, kind, &row);
    let ImportRow {
        line,
        sku,
        column,
        value,
        ..
    } = row;
    let line = (kind != RowKind::Missing).then(|| {
        view! {
            <td role="cell" class="numeric">
                <span class="failed-label">{t.say("line", "Zeile")} " "</span>
                {t.count(line)}
            </td>
        }
    });
    let cells = has_columns.then(|| {
        view! {
            <td role="cell" data-label=t.say("Column", "Spalte")>{column}</td>
            <td role="cell" class="failed-value" data-label=t.say("Value", "Wert")>{value}</td>
        }
    });
    view! {
        <tr role="row" data-testid=format!("{}-row", kind.as_str())>
            <th role="rowheader" scope="row" class="failed-sku" data-testid="failed-sku">{sku}</th>
            {line}
            {cells}
            <td role="cell" data-testid="failed-reason">{reason}</td>
        </tr>
    }
}
