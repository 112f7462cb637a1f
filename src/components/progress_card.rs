//! The heart of the product: one import, live.

use leptos::prelude::*;

use super::{
    announcement::Announcement,
    clock::{browser_now, use_now},
    connection_line::ConnectionLine,
    format,
    icons::{Glyph, Icon},
    notify::NotifyButton,
    pace::Pace,
    progress_bar::{self, ProgressBar},
    tab_icon::TabIcon,
    throughput::Speed,
};
use crate::{
    hooks::{Connection, UseProductImportProgressReturn},
    job::{ImportProgress, ImportStatus, UnixMillis},
};

/// Shows how far an import is, how fast it goes, and whether what is shown is live.
#[component]
pub(crate) fn ProgressCard(
    /// The import's progress.
    live: UseProductImportProgressReturn,
    /// What is imported.
    #[prop(into)]
    filename: Signal<String>,
    /// When it was handed in.
    #[prop(into)]
    created_at: Signal<UnixMillis>,
    /// When it ended.
    #[prop(into)]
    completed_at: Signal<Option<UnixMillis>>,
) -> impl IntoView {
    let UseProductImportProgressReturn {
        progress,
        status,
        error,
        loading,
        connection,
    } = live;
    let percent = Memo::new(move |_| progress_bar::shown_percent(&progress.get(), status.get()));
    let headline = Memo::new(move |_| match percent.get() {
        Some(percent) => format!("{percent}%"),
        None if progress.with(|progress| progress.done() > 0) => "Counting…".to_owned(),
        None => "Waiting…".to_owned(),
    });
    let of_total = move || match progress.get().total_products {
        0 => "–".to_owned(),
        total => format::count(total),
    };
    view! {
        <section
            class="card progress-card"
            data-testid="progress-card"
            data-status=move || status.get().as_str()
            aria-busy=move || loading.get().to_string()
            aria-labelledby="progress-title"
        >
            <header class="progress-head">
                <h2 id="progress-title" class="visually-hidden">"Progress"</h2>
                <p
                    class="progress-percent"
                    data-testid="progress-percent"
                    data-counting=move || percent.get().is_none().then_some("")
                >
                    {headline}
                </p>
                <ConnectionLine connection status error />
            </header>
            <ProgressBar
                progress
                status
                label=filename.with_untracked(|name| format!("Import of {name}"))
                testid="progress-bar"
            />
            <dl class="counts">
                <Count name="Imported" kind="processed" testid="count-processed">
                    {move || format::count(progress.get().processed_products)}
                </Count>
                <Count name="Failed" kind="failed" testid="count-failed">
                    {move || format::count(progress.get().failed_products)}
                </Count>
                <Count name="In the file" kind="total" testid="count-total">
                    {of_total}
                </Count>
                <Time live created_at completed_at />
            </dl>
            <Speed progress status />
            <div class="progress-foot">
                <Quiet progress status connection />
                <NotifyButton progress status filename />
            </div>
            <JobError status error />
            <Announcement progress status />
            <TabIcon progress status />
        </section>
    }
}

/// After so long without a change somebody may begin to wonder.
const QUIET: UnixMillis = 60_000;

/// Says that an import of which nothing is heard is probably well.
#[component]
fn Quiet(
    progress: Signal<ImportProgress>,
    status: Signal<ImportStatus>,
    connection: Signal<Connection>,
) -> impl IntoView {
    let now = use_now();
    let changed = RwSignal::new(None);
    Effect::new(move |_| {
        progress.track();
        changed.set(Some(browser_now()));
    });
    let is_quiet = Memo::new(move |_| {
        let is_followed = matches!(connection.get(), Connection::Open | Connection::Polling);
        let (Some(now), Some(changed)) = (now.get(), changed.get()) else {
            return false;
        };
        is_followed && !status.get().is_final() && now - changed >= QUIET
    });
    view! {
        <p class="progress-quiet" data-testid="quiet" hidden=move || !is_quiet.get()>
            "No news for a minute. The price monitor may be busy with something large; you can leave this page, the import goes on."
        </p>
    }
}

/// One number with its name.
#[component]
fn Count(
    name: &'static str,
    kind: &'static str,
    testid: &'static str,
    children: Children,
) -> impl IntoView {
    view! {
        <div class="count" data-kind=kind>
            <dt>{name}</dt>
            <dd data-testid=testid>{children()}</dd>
        </div>
    }
}

/// How long the import has taken, and how long it will take yet.
#[component]
fn Time(
    live: UseProductImportProgressReturn,
    created_at: Signal<UnixMillis>,
    completed_at: Signal<Option<UnixMillis>>,
) -> impl IntoView {
    let UseProductImportProgressReturn {
        progress, status, ..
    } = live;
    let now = use_now();
    let pace = RwSignal::new(Pace::default());
    Effect::new(move |_| {
        let done = progress.get().done();
        pace.update(|pace| pace.note(browser_now(), done));
    });
    // Where only the stream has said so far that it is over, the clock stops at that moment.
    let seen_end = Memo::new(move |before: Option<&Option<UnixMillis>>| {
        let over = status.get().is_final();
        before
            .copied()
            .flatten()
            .or_else(|| over.then(|| now.get_untracked()).flatten())
    });
    let took = Memo::new(move |_| {
        let end = completed_at.get().or_else(|| seen_end.get()).or_else(|| {
            let running = !status.get().is_final();
            running.then(|| now.get()).flatten()
        });
        end.map(|end| format::elapsed(format::between(created_at.get(), end)))
    });
    let name = move || {
        if status.get().is_final() {
            "Took"
        } else {
            "Elapsed"
        }
    };
    let left = Memo::new(move |_| {
        let now = (!status.get().is_final()).then(|| now.get()).flatten()?;
        let left = pace.with(|pace| pace.left(now, &progress.get()))?;
        Some(format!("about {} left", format::duration(left)))
    });
    view! {
        <div class="count" data-kind="time">
            <dt>{name}</dt>
            <dd>{move || took.get().unwrap_or_else(|| "–".to_owned())}</dd>
            <dd class="count-note">{left}</dd>
        </div>
    }
}

/// Why the import failed. Trouble with the connection is no failure, and not said here.
#[component]
fn JobError(status: Signal<ImportStatus>, error: Signal<Option<String>>) -> impl IntoView {
    let reason = Memo::new(move |_| {
        (status.get() == ImportStatus::Error).then(|| {
            error
                .get()
                .unwrap_or_else(|| "The price monitor gave no reason.".to_owned())
        })
    });
    move || {
        reason.get().map(|reason| {
            view! {
                <div class="notice" data-kind="error" data-testid="job-error" role="alert">
                    <Icon glyph=Glyph::Alert />
                    <div>
                        <strong>"The import failed"</strong>
                        <p>{reason}</p>
                    </div>
                </div>
            }
        })
    }
}
