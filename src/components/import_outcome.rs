//! The result of an import, and the next steps.

mod parts;
mod steps;

use leptos::prelude::*;

use self::{parts::Breakdown, steps::NextSteps};
use super::{
    import_actions::refusal,
    import_options::{described, missing_products},
    moment::WrittenTime,
};
use crate::{
    i18n::locale::Locale,
    islands::parts::{
        format::{self, Noun},
        icons::{Glyph, Icon},
        locale::use_locale,
    },
    model::{
        activity::{Activity, ActivityKind},
        base_path::address,
        changes::OverLimit,
        import_extras::ImportExtras,
        job::{ProductImportJob, Question},
    },
};

/// Shows the result and the next steps; before the end, what the import waits for.
#[component]
pub(crate) fn ImportOutcome(
    job: ProductImportJob,
    /// What the price monitor reports beyond the counts.
    extras: Option<ImportExtras>,
    /// Whether the page lists failed rows.
    lists_failed: bool,
    #[prop(optional)] activity: Vec<Activity>,
) -> impl IntoView {
    let t = use_locale();
    let is_over = job.status.is_final();
    let said = extras.clone().unwrap_or_default();
    let waits = (!is_over).then(|| waits_for(t, &said)).flatten();
    let waits = waits.map(|(testid, text)| {
        view! { <p class="outcome-wait" data-testid=testid>{text}</p> }
    });
    let breakdown = is_over.then(|| view! { <Breakdown job=job.clone() extras=extras.clone() /> });
    let options = described(t, &said.options);
    let options = options.map(|text| {
        view! { <p class="outcome-time" data-testid="import-options">{text}</p> }
    });
    let missing = missing_products(t, &said).filter(|_| is_over);
    let missing = missing.map(|text| {
        view! { <p class="outcome-time" data-testid="import-missing">{text}</p> }
    });
    let took = job.completed_at.filter(|_| is_over).map(|end| {
        let started = last(&activity, ActivityKind::Started).map(|entry| entry.at.min(end));
        let took = format::between(started.unwrap_or(job.created_at), end);
        let took = format::duration(took);
        view! {
            <p class="outcome-time">
                {t.say("Finished", "Beendet")} " " <WrittenTime at=end /> " · "
                {t.say("took", "Dauer")} " " <span data-testid="duration">{took}</span>
            </p>
        }
    });
    let retried_by = last(&activity, ActivityKind::RowsRetried);
    let retried_by = retried_by.and_then(|entry| Some(entry.about.as_ref()?.to_string()));
    let others = [
        (
            said.undoes.as_ref(),
            t.say(
                "See the import that this undoes",
                "Zum Import, den dieser rückgängig macht",
            ),
        ),
        (
            said.undone_by.as_ref(),
            t.say(
                "See the import that undid it",
                "Zum Import, der ihn rückgängig gemacht hat",
            ),
        ),
        (
            retried_by.as_ref(),
            t.say(
                "See the import of its corrected rows",
                "Zum Import seiner korrigierten Zeilen",
            ),
        ),
    ];
    let others = others.into_iter().filter_map(|(id, text)| {
        let href = address(&format!("/imports/{}", id?));
        Some(view! { <p class="outcome-time"><a href=href>{text}</a></p> })
    });
    let others = others.collect_view();
    let refused = refusal().map(|error| {
        view! {
            <p class="notice" data-kind="error" role="alert">
                <Icon glyph=Glyph::Alert />
                <span>{t.error(&error)}</span>
            </p>
        }
    });
    let is_undone = said.undone_by.is_some();
    let is_retried = retried_by.is_some();
    view! {
        <div
            class="outcome"
            class:outcome-over=is_over
            class:outcome-undone=is_undone
            data-testid="import-controls"
        >
            {waits} {breakdown} {missing} {options} {took} {others}
            <NextSteps job extras=said lists_failed is_retried />
            {refused}
        </div>
    }
}

/// Returns the last entry of a kind.
fn last(activity: &[Activity], kind: ActivityKind) -> Option<&Activity> {
    activity.iter().rfind(|entry| entry.kind == kind)
}

/// Returns what an import waits for, and the test ID of that text.
fn waits_for(t: Locale, extras: &ImportExtras) -> Option<(&'static str, String)> {
    if let Some(over) = extras.over_limit.filter(|_| extras.offers("approve")) {
        return Some(("over-limit", over_limit(t, over)));
    }
    if extras
        .needs
        .is_some_and(|needs| needs != Question::Approval)
    {
        let text = t.say(
            "The file is uploaded. The import continues once you answer below.",
            "Die Datei ist hochgeladen. Der Import läuft weiter, sobald du unten antwortest.",
        );
        return Some(("needs-input", text.to_owned()));
    }
    let text = match extras.queue_position {
        None if extras.waits_for_room => t
            .say(
                "The disk is full. The import continues once there is free space.",
                "Die Festplatte ist voll. Der Import läuft weiter, sobald wieder Platz ist.",
            )
            .to_owned(),
        None => return None,
        _ if extras.waits_for_room => t
            .say(
                "The disk is full. The import starts once there is free space.",
                "Die Festplatte ist voll. Der Import startet, sobald wieder Platz ist.",
            )
            .to_owned(),
        Some(0 | 1) => t
            .say(
                "Next in line. It starts by itself.",
                "Als Nächstes an der Reihe. Er startet von selbst.",
            )
            .to_owned(),
        Some(place) => {
            let before = t.counted(place - 1, Noun::Import);
            t.fill(
                "{before} ahead. It starts by itself.",
                "{before} davor. Er startet von selbst.",
                &[("before", &before)],
            )
        }
    };
    Some(("queue-place", text))
}

/// Describes the exceeded limit.
fn over_limit(t: Locale, over: OverLimit) -> String {
    match over {
        OverLimit::Prices { count, of, by } => {
            let [count, of] = [count, of].map(|it| t.count(it));
            let by = t.percent_of_hundredths(by.unsigned_abs());
            t.fill(
                "{count} of the {of} compared prices would change by more than {by}. Nothing has been imported yet.",
                "{count} der {of} verglichenen Preise würden sich um mehr als {by} ändern. Bisher wurde nichts importiert.",
                &[("count", &count), ("of", &of), ("by", &by)],
            )
        }
        OverLimit::Missing { count, of } => {
            let [count, of] = [count, of].map(|it| t.count(it));
            t.fill(
                "{count} of {of} products are not in the file. Nothing has been imported yet.",
                "{count} von {of} Produkten sind nicht in der Datei. Bisher wurde nichts importiert.",
                &[("count", &count), ("of", &of)],
            )
        }
        OverLimit::Failed { count, of } => {
            let [count, of] = [count, of].map(|it| t.count(it));
            t.fill(
                "{count} of the first {of} rows would fail. Nothing has been imported yet.",
                "{count} der ersten {of} Zeilen würden fehlschlagen. Bisher wurde nichts importiert.",
                &[("count", &count), ("of", &of)],
            )
        }
    }
}
