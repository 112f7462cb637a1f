//! Shared views of sources: results of runs, and the chart of runs.

use leptos::prelude::*;

use super::moment::WrittenTime;
use crate::{
    i18n::locale::Locale,
    islands::parts::{format, locale::use_locale},
    model::{
        base_path::{address, escape},
        job::UnixMillis,
        rhythm::{Common, Rhythm, weekdays},
        source::{RunOutcome, RunProblem, Schedule, SourceRun},
    },
};

const STEP: u32 = 20;
/// Width of a bar.
const BAR: u32 = 12;
/// Height of each half.
const HEIGHT: u32 = 60;
/// Space between the halves.
const GAP: u32 = 14;

/// Describes why a run failed.
pub(crate) fn problem_words(t: Locale, problem: &RunProblem) -> String {
    match problem {
        RunProblem::NotTaken(error) => t.error(error),
        problem => problem.words(t),
    }
}

/// Describes a schedule.
pub(crate) fn schedule_words(t: Locale, schedule: Option<&Schedule>) -> String {
    match schedule {
        Some(Schedule { cron, time_zone }) => format!("{} ({time_zone})", cron_words(t, cron)),
        None => Rhythm::Never.title(t).to_owned(),
    }
}

fn cron_words(t: Locale, cron: &str) -> String {
    let common = Common::of(cron);
    let weekday = weekdays(t)[usize::from(common.weekday)];
    let days = match common.rhythm {
        Rhythm::Never | Rhythm::Cron => return cron.to_owned(),
        Rhythm::Hourly => return Rhythm::Hourly.title(t).to_owned(),
        Rhythm::Weekly => weekday,
        rhythm => rhythm.title(t),
    };
    format!("{days}, {}", common.time_of_day())
}

/// Lists the next times of a schedule.
#[component]
pub(crate) fn NextRuns(at: Vec<UnixMillis>) -> impl IntoView {
    let t = use_locale();
    let times = at
        .into_iter()
        .map(|at| view! { <li><WrittenTime at /></li> });
    view! {
        <div class="next-runs" data-testid="next-runs">
            <span>{t.say("Next runs", "Nächste Läufe")}</span>
            <ul>{times.collect_view()}</ul>
        </div>
    }
}

/// Shows the result of a run, with its error.
#[component]
pub(crate) fn RunResult(run: SourceRun) -> impl IntoView {
    let t = use_locale();
    let problem = run.problem.as_ref().map(|problem| {
        view! { <span class="run-problem">{problem_words(t, problem)}</span> }
    });
    let import = run.job.as_ref().map(|job| {
        let href = address(&format!("/imports/{}", escape(job)));
        view! {
            " "
            <a href=href>{t.say("Import", "Import")}</a>
        }
    });
    view! {
        <span class="run-outcome" data-outcome=run.outcome.as_str() data-testid="run-outcome">
            {run.outcome.title(t)}
        </span>
        {import}
        {problem}
    }
}

/// Draws runs, oldest first: imported products above, duration below.
#[component]
pub(crate) fn RunsChart(
    /// The runs, newest first.
    runs: Vec<SourceRun>,
) -> impl IntoView {
    let t = use_locale();
    if runs.len() < 2 {
        return ().into_any();
    }
    let count = u32::try_from(runs.len()).unwrap_or_default();
    let (width, height) = (count * STEP, 2 * HEIGHT + GAP);
    let products = |run: &SourceRun| {
        let failed = run.failed_products.unwrap_or_default();
        (run.processed_products.unwrap_or_default(), failed)
    };
    let most = runs
        .iter()
        .map(products)
        .map(|(done, failed)| done.saturating_add(failed));
    let most = most.max().unwrap_or_default();
    let longest = runs
        .iter()
        .filter_map(SourceRun::took)
        .max()
        .unwrap_or_default();
    let bars = runs.iter().rev().zip(0..).map(|(run, place)| {
        let x = place * STEP + (STEP - BAR) / 2;
        let (done, failed) = products(run);
        let (done_height, failed_height) = (scaled(done, most), scaled(failed, most));
        let took = scaled(run.took().unwrap_or_default(), longest);
        let title = format!("{} · {}", t.utc(run.started_at), run_words(t, run));
        let mark = (run.outcome == RunOutcome::Failed).then(|| {
            view! { <rect class="chart-failure" x=x y=HEIGHT - 6 width=BAR height="6" rx="3" /> }
        });
        view! {
            <g data-testid="chart-run">
                <title data-at=format::iso(run.started_at) data-utc=t.utc(run.started_at)>{title}</title>
                <rect class="chart-done" x=x y=HEIGHT - done_height width=BAR height=done_height />
                <rect
                    class="chart-failed"
                    x=x
                    y=(HEIGHT - done_height).saturating_sub(failed_height)
                    width=BAR
                    height=failed_height
                />
                {mark}
                <rect class="chart-took" x=x y=HEIGHT + GAP width=BAR height=took />
            </g>
        }
    });
    let bars = bars.collect_view();
    let failures = runs.iter().filter(|run| run.outcome == RunOutcome::Failed);
    let failures = t.count(failures.count() as u64);
    let (runs, most, longest) = (
        t.count(count.into()),
        t.count(most),
        format::duration(longest),
    );
    let label = t.fill(
        "Last {runs} runs: up to {most} products, up to {longest}, {failures} failed",
        "Letzte {runs} Läufe: bis zu {most} Produkte, bis zu {longest}, {failures} fehlgeschlagen",
        &[
            ("runs", &runs),
            ("most", &most),
            ("longest", &longest),
            ("failures", &failures),
        ],
    );
    view! {
        <figure class="runs-chart" data-testid="runs-chart">
            <svg
                viewBox=format!("0 0 {width} {height}")
                width=width
                height=height
                role="img"
                aria-label=label.clone()
            >
                <line class="chart-axis" x1="0" x2=width y1=HEIGHT y2=HEIGHT />
                <line class="chart-axis" x1="0" x2=width y1=HEIGHT + GAP y2=HEIGHT + GAP />
                {bars}
            </svg>
            <figcaption>
                {label} <ul class="chart-legend">
                    <li data-kind="done">{t.say("Imported products", "Importierte Produkte")}</li>
                    <li data-kind="failed">
                        {t.say("Failed products and runs", "Fehlgeschlagene Produkte und Läufe")}
                    </li>
                    <li data-kind="took">{t.say("Duration", "Dauer")}</li>
                </ul>
            </figcaption>
        </figure>
    }
    .into_any()
}

/// Returns the height of a bar; any value above zero is visible.
fn scaled(value: u64, most: u64) -> u32 {
    if value == 0 || most == 0 {
        return 0;
    }
    let height = u128::from(value) * u128::from(HEIGHT) / u128::from(most);
    u32::try_from(height).unwrap_or(HEIGHT).clamp(2, HEIGHT)
}

/// Describes a run in one line.
fn run_words(t: Locale, run: &SourceRun) -> String {
    let mut words = run.outcome.title(t).to_owned();
    if let Some(done) = run.processed_products {
        let failed = run.failed_products.unwrap_or_default();
        let (done, failed) = (t.count(done), t.count(failed));
        words.push_str(": ");
        words.push_str(&t.fill(
            "{done} products, {failed} failed",
            "{done} Produkte, {failed} fehlgeschlagen",
            &[("done", &done), ("failed", &failed)],
        ));
    }
    if let Some(took) = run.took() {
        words.push_str(&format!(" · {}", format::duration(took)));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_high_as_its_share_and_can_be_seen() {
        for (value, most, height) in [
            (0, 0, 0),
            (0, 9, 0),
            (1, 1_000_000, 2),
            (5, 10, 30),
            (10, 10, 60),
            (u64::MAX, u64::MAX, 60),
        ] {
            assert_eq!(scaled(value, most), height, "{value} of {most}");
        }
    }
}
