//! A table of rows whose cells can be edited as in a spreadsheet; a plain form.

use leptos::{nonce::use_nonce, prelude::*};
use server_fn::ServerFn;

use super::{
    form::{ActionForm, refused},
    import_actions::IdField,
    import_rows::reason_of,
};
use crate::{
    api::import_controls::CorrectRows,
    i18n::locale::Locale,
    islands::parts::locale::use_locale,
    model::{
        import_extras::{ImportRow, RowCells, RowColumn, RowKind, RowsToCorrect, cell_name},
        job::JobId,
        refused_form::RefusedForm,
    },
};

/// Up to this many columns are all shown.
const FEW: usize = 12;

/// Maximum columns shown.
const MOST: usize = 40;

/// Maximum characters of an editable cell.
const LONGEST: usize = 1000;

/// Arrow keys move between cells, a pasted table fills cells, and changed cells are marked and sent alone.
const SCRIPT: &str = include_str!("row_editor.js");

/// Shows rows with an input for each cell, and their errors.
#[component]
pub(crate) fn RowEditor(id: JobId, kind: RowKind, rows: RowsToCorrect) -> impl IntoView {
    let t = use_locale();
    let columns = shown(&rows);
    let sent = refused::<CorrectRows>();
    let heads = columns
        .iter()
        .map(|column| {
            view! { <th role="columnheader" scope="col">{column.name.clone()}</th> }
        })
        .collect_view();
    let lines = rows
        .items
        .iter()
        .map(|row| editable(t, kind, row, &columns, &sent))
        .collect_view();
    view! {
        <ActionForm action=CorrectRows::url()>
            <IdField id />
            <input type="hidden" name="kind" value=kind.as_str() />
            <div class="editor" tabindex="0" role="group" aria-labelledby="editor-title">
                <table class="editor-table" data-testid="row-editor">
                    <thead>
                        <tr>
                            <th scope="col">{t.say("Line", "Zeile")}</th>
                            {heads}
                        </tr>
                    </thead>
                    <tbody>{lines}</tbody>
                </table>
            </div>
            <div class="editor-actions">
                <button class="button button-primary" data-testid="import-corrected">
                    {t.say("Import corrected rows", "Korrigierte Zeilen importieren")}
                </button>
                <p class="field-hint">
                    {t.say(
                        "Only rows that you changed are imported.",
                        "Nur geänderte Zeilen werden importiert.",
                    )}
                </p>
            </div>
        </ActionForm>
        <script nonce=use_nonce()>{SCRIPT}</script>
    }
}

/// Returns the columns to show: all if there are few, otherwise those that are mapped or have notes. Cells without a
/// column come last.
fn shown(rows: &RowsToCorrect) -> Vec<RowColumn> {
    let is_said_of = |name: &str| {
        let notes = rows.items.iter().flat_map(|row| &row.notes);
        notes
            .into_iter()
            .any(|note| note.column.as_deref() == Some(name))
    };
    let is_few = rows.columns.len() <= FEW;
    let columns = rows.columns.iter();
    let mut shown: Vec<RowColumn> = columns
        .filter(|column| is_few || column.known || is_said_of(&column.name))
        .take(MOST)
        .cloned()
        .collect();
    let behind = rows.columns.iter().map(|column| column.index + 1).max();
    let longest = rows.items.iter().map(|row| row.cells.len()).max();
    let surplus = behind.unwrap_or_default()..longest.unwrap_or_default();
    shown.extend(surplus.take(FEW).map(|index| RowColumn {
        index,
        name: format!("({})", index + 1),
        known: false,
    }));
    shown
}

/// A row of inputs. Notes on columns that are not shown appear at its line number.
fn editable(
    t: Locale,
    kind: RowKind,
    row: &RowCells,
    columns: &[RowColumn],
    sent: &RefusedForm,
) -> AnyView {
    let first = row.notes.first().cloned().unwrap_or_default();
    let is_of =
        |note: &ImportRow, column: &RowColumn| note.column.as_deref() == Some(column.name.as_str());
    let others = row
        .notes
        .iter()
        .filter(|note| !columns.iter().any(|column| is_of(note, column)))
        .map(|note| view! { <span class="editor-reason" data-testid="cell-reason">{reason_of(t, kind, note)}</span> })
        .collect_view();
    let cells = columns
        .iter()
        .map(|column| {
            let notes: Vec<_> = row.notes.iter().filter(|note| is_of(note, column)).collect();
            let reason_id = format!("reason-{}-{}", row.row, column.index);
            let reasons = notes
                .iter()
                .map(|note| reason_of(t, kind, note))
                .collect::<Vec<_>>()
                .join(" ");
            let is_wrong = !notes.is_empty();
            let name = cell_name(row.row, column.index);
            let original = row.cells.get(column.index).cloned().unwrap_or_default();
            let typed = sent.value(&name).filter(|typed| *typed != original);
            let changed = typed.is_some().then_some("");
            let was = typed.is_some().then(|| original.clone());
            let value = typed.unwrap_or(original);
            let label = format!("{}, {} {}", column.name, t.say("line", "Zeile"), first.line);
            let described = is_wrong.then(|| reason_id.clone());
            let invalid = (is_wrong && changed.is_none()).then_some("true");
            let input = if value.chars().count() > LONGEST {
                let short: String = value.chars().take(60).collect();
                view! { <span class="editor-long">{short} "…"</span> }.into_any()
            } else if value.contains(['\n', '\r']) {
                // Browsers drop the first line break.
                let text = format!("\n{value}");
                view! {
                    <textarea
                        class="input"
                        name=name
                        rows="1"
                        aria-label=label
                        aria-describedby=described
                        aria-invalid=invalid
                        data-was=was
                    >
                        {text}
                    </textarea>
                }
                .into_any()
            } else {
                view! {
                    <input
                        class="input"
                        name=name
                        value=value
                        autocomplete="off"
                        spellcheck="false"
                        aria-label=label
                        aria-describedby=described
                        aria-invalid=invalid
                        data-was=was
                    />
                }
                .into_any()
            };
            let reason = is_wrong.then(|| {
                view! { <span class="editor-reason" id=reason_id data-testid="cell-reason">{reasons}</span> }
            });
            view! { <td data-wrong=is_wrong.then_some("") data-changed=changed>{input} {reason}</td> }
        })
        .collect_view();
    view! {
        <tr data-testid="editor-row">
            <th scope="row">
                <span class="editor-line">{t.count(first.line)}</span>
                " "
                <span class="products-sku">{first.sku}</span>
                {others}
            </th>
            {cells}
        </tr>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_columns_those_are_shown_that_matter() {
        let columns = (0..20).map(|index| RowColumn {
            index,
            name: format!("c{index}"),
            known: index < 2,
        });
        let row = RowCells {
            row: 1,
            cells: vec![String::new(); 21],
            notes: vec![ImportRow {
                column: Some("c7".to_owned()),
                ..ImportRow::default()
            }],
        };
        let mut rows = RowsToCorrect {
            columns: columns.collect(),
            items: vec![row],
            ..RowsToCorrect::default()
        };
        let names = |rows: &RowsToCorrect| {
            let shown = shown(rows).into_iter();
            shown.map(|column| column.name).collect::<Vec<_>>()
        };
        assert_eq!(names(&rows), ["c0", "c1", "c7", "(21)"]);
        rows.columns.truncate(3);
        rows.items[0].cells.truncate(2);
        assert_eq!(names(&rows), ["c0", "c1", "c2"]);
    }
}
