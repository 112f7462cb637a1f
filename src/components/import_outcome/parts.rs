//! The rows of an import by result: a bar and its legend.

use leptos::prelude::*;

use crate::{
    i18n::locale::Locale,
    islands::parts::locale::use_locale,
    model::{
        base_path::address,
        import_extras::{ImportExtras, RowKind},
        job::{JobId, ProductImportJob},
    },
};

/// Result of rows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Imported,
    Added,
    Updated,
    Removed,
    Unchanged,
    Replaced,
    Skipped,
    Failed,
    /// The import ended before these rows.
    NotReached,
}

/// Rows with the same result.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Part {
    kind: Kind,
    count: u64,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Imported => "imported",
            Self::Added => "added",
            Self::Updated => "updated",
            Self::Removed => "removed",
            Self::Unchanged => "unchanged",
            Self::Replaced => "replaced",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
            Self::NotReached => "not-reached",
        }
    }

    fn words(self, t: Locale, extras: &ImportExtras, count: u64) -> &'static str {
        let is_undo = extras.undoes.is_some();
        match (self, extras.is_check()) {
            (Self::Imported | Self::Updated, false) if is_undo => {
                t.say_of("restored", "wiederhergestellt", count)
            }
            (Self::Imported, false) => t.say_of("imported", "importiert", count),
            (Self::Imported, true) => t.say_of(
                "would be imported",
                "würde importiert|würden importiert",
                count,
            ),
            (Self::Added, false) => t.say_of("added", "neu", count),
            (Self::Added, true) => t.say_of(
                "would be added",
                "würde hinzugefügt|würden hinzugefügt",
                count,
            ),
            (Self::Updated, false) => t.say_of("updated", "aktualisiert", count),
            (Self::Updated, true) => t.say_of(
                "would be updated",
                "würde aktualisiert|würden aktualisiert",
                count,
            ),
            (Self::Removed, _) => t.say_of("removed", "entfernt", count),
            (Self::Unchanged, false) => t.say("unchanged", "unverändert"),
            (Self::Unchanged, true) => t.say_of(
                "would stay unchanged",
                "bliebe unverändert|blieben unverändert",
                count,
            ),
            (Self::Replaced, _) => t.say_of(
                "replaced by a later row",
                "durch eine spätere Zeile ersetzt",
                count,
            ),
            (Self::Skipped, _) => t.say_of("skipped", "übersprungen", count),
            (Self::Failed, _) if is_undo => t.say("left unchanged", "unverändert gelassen"),
            (Self::Failed, false) => t.say_of("failed", "fehlgeschlagen", count),
            (Self::Failed, true) => t.say_of(
                "would fail",
                "würde fehlschlagen|würden fehlschlagen",
                count,
            ),
            (Self::NotReached, false) => t.say("not imported", "nicht importiert"),
            (Self::NotReached, true) => t.say("not checked", "nicht geprüft"),
        }
    }

    fn rows(self) -> Option<RowKind> {
        match self {
            Self::Failed => Some(RowKind::Failed),
            Self::Replaced => Some(RowKind::Replaced),
            Self::Skipped => Some(RowKind::PassedOver),
            _ => None,
        }
    }
}

/// Returns the non-empty parts. A price monitor that reports counts only has fewer.
fn parts_of(job: &ProductImportJob, extras: &ImportExtras) -> Vec<Part> {
    let imported = job.processed_products;
    // Products that are missing from a full file are not rows.
    let removed = if extras.options.missing.is_full_file() {
        0
    } else {
        extras.removed_products
    };
    let told = extras.added_products
        + extras.updated_products
        + removed
        + extras.unchanged_products
        + extras.replaced_rows;
    let counts = if told == 0 {
        vec![(Kind::Imported, imported)]
    } else {
        vec![
            (Kind::Added, extras.added_products),
            (Kind::Updated, extras.updated_products),
            (Kind::Removed, removed),
            (Kind::Unchanged, extras.unchanged_products),
            (Kind::Replaced, extras.replaced_rows),
        ]
    };
    let done = imported.saturating_add(job.failed_products);
    let not_reached = job.total_products.unwrap_or_default().saturating_sub(done);
    let rest = [
        (Kind::Skipped, extras.passed_over_rows),
        (Kind::Failed, job.failed_products),
        (Kind::NotReached, not_reached),
    ];
    let all = counts.into_iter().chain(rest);
    all.filter(|(_, count)| *count > 0)
        .map(|(kind, count)| Part { kind, count })
        .collect()
}

/// Minimum width of a part in percent: one failed row of a million is visible.
const LEAST_WIDTH: f64 = 0.8;

/// Returns start and width of each part in percent.
#[allow(clippy::cast_precision_loss)] // pixels need no more
fn widths(parts: &[Part]) -> Vec<(f64, f64)> {
    let whole: f64 = parts.iter().map(|part| part.count as f64).sum();
    let wanted = parts
        .iter()
        .map(|part| (part.count as f64 / whole * 100.0).max(LEAST_WIDTH));
    let wanted: Vec<_> = wanted.collect();
    let sum: f64 = wanted.iter().sum();
    let mut begin = 0.0;
    let place = |width: &f64| {
        let width = width / sum * 100.0;
        begin += width;
        (begin - width, width)
    };
    wanted.iter().map(place).collect()
}

/// Shows the rows of a finished import by result.
#[component]
pub(super) fn Breakdown(job: ProductImportJob, extras: Option<ImportExtras>) -> impl IntoView {
    let t = use_locale();
    let lists_rows = extras.is_some();
    let extras = extras.unwrap_or_default();
    let parts = parts_of(&job, &extras);
    if parts.is_empty() {
        return ().into_any();
    }
    let bar = parts
        .iter()
        .zip(widths(&parts))
        .map(|(part, (x, width))| {
            view! {
                <rect
                    data-kind=part.kind.name()
                    x=format!("{x:.2}%")
                    width=format!("{width:.2}%")
                    height="100%"
                />
            }
        })
        .collect_view();
    let legend = parts.iter().map(|part| {
        let rows = part.kind.rows().filter(|kind| match kind {
            RowKind::Failed => extras.offers("failures"),
            _ => lists_rows,
        });
        entry(
            t,
            &job.id,
            part.kind.name(),
            part.count,
            part.kind.words(t, &extras, part.count),
            rows,
        )
    });
    let warnings = (extras.warnings > 0).then(|| {
        let words = match extras.warnings {
            1 => t.say("warning", "Warnung"),
            _ => t.say("warnings", "Warnungen"),
        };
        entry(
            t,
            &job.id,
            "warnings",
            extras.warnings,
            words,
            Some(RowKind::Warning),
        )
    });
    let legend = legend.chain(warnings).collect_view();
    view! {
        <svg class="outcome-bar" width="100%" height="100%" aria-hidden="true">
            {bar}
        </svg>
        <ul class="outcome-legend" data-testid="import-outcome">
            {legend}
        </ul>
    }
    .into_any()
}

/// An entry of the legend: number, result, and a link to the rows.
fn entry(
    t: Locale,
    id: &JobId,
    kind: &'static str,
    count: u64,
    words: &'static str,
    rows: Option<RowKind>,
) -> AnyView {
    let text = view! { <strong>{t.count(count)}</strong> " " {words} };
    let text = match rows {
        Some(rows) => {
            let href = format!("/imports/{id}?rows={}#rows-title", rows.as_str());
            view! { <a href=address(&href)>{text}</a> }.into_any()
        }
        None => view! { <span>{text}</span> }.into_any(),
    };
    view! { <li data-kind=kind>{text}</li> }.into_any()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::job::ImportStatus;

    fn job(processed: u64, failed: u64, total: u64) -> ProductImportJob {
        ProductImportJob {
            filename: "shop.csv".to_owned(),
            status: ImportStatus::PartialSuccess,
            total_products: Some(total),
            processed_products: processed,
            failed_products: failed,
            ..ProductImportJob::pending("a".parse().unwrap())
        }
    }

    fn told(job: &ProductImportJob, extras: &ImportExtras) -> Vec<(&'static str, u64)> {
        let parts = parts_of(job, extras);
        parts
            .iter()
            .map(|part| (part.kind.name(), part.count))
            .collect()
    }

    #[test]
    fn counts_alone_are_imported_failed_and_the_rest() {
        let parts = told(&job(4, 1, 8), &ImportExtras::default());
        assert_eq!(parts, [("imported", 4), ("failed", 1), ("not-reached", 3)]);
    }

    #[test]
    fn every_row_that_was_read_is_in_one_part() {
        let extras = ImportExtras {
            added_products: 2,
            unchanged_products: 1,
            replaced_rows: 1,
            passed_over_rows: 3,
            rows_read: 8,
            ..ImportExtras::default()
        };
        let parts = told(&job(4, 1, 5), &extras);
        let expected = [
            ("added", 2),
            ("unchanged", 1),
            ("replaced", 1),
            ("skipped", 3),
            ("failed", 1),
        ];
        assert_eq!(parts, expected);
        assert_eq!(
            parts.iter().map(|(_, count)| count).sum::<u64>(),
            extras.rows_read
        );
    }

    #[test]
    fn an_import_of_nothing_has_no_parts() {
        assert!(told(&job(0, 0, 0), &ImportExtras::default()).is_empty());
    }

    proptest! {
        #[test]
        fn the_parts_fill_the_bar_and_each_is_seen(counts in proptest::collection::vec(1..1_000_000_000u64, 1..9)) {
            let parts: Vec<_> = counts
                .iter()
                .map(|count| Part { kind: Kind::Failed, count: *count })
                .collect();
            let widths = widths(&parts);
            let mut end = 0.0;
            for (x, width) in widths {
                prop_assert!((x - end).abs() < 1e-6);
                prop_assert!(width > LEAST_WIDTH / 2.0);
                end = x + width;
            }
            prop_assert!((end - 100.0).abs() < 1e-6);
        }
    }
}
