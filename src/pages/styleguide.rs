//! Each component in each state, in development builds (feature `styleguide`).
//!
//! Each state has a page of its own, because a page has one progress card with fixed IDs.

mod lists;

use import_relay_hook::model::refusal::Refusal;
use leptos::prelude::*;

use super::query;
use crate::{
    components::{
        column_mapping::ColumnMapping,
        failed_products::FailedProducts,
        import_actions::ImportActions,
        import_activity::ImportActivity,
        import_options::MoreOptions,
        import_outcome::ImportOutcome,
        import_rows::ImportRowsTable,
        notice::{EmptyState, ErrorNotice},
        page_title::PageTitle,
    },
    hooks::{Connection, ProgressError, UseProductImportProgressReturn},
    i18n::messages::{ErrorCode, Params},
    islands::{
        UploadForm,
        imports_list::JobsTable,
        live_import::{CardFoot, OUTCOME, Pace, ProgressCard},
        parts::{
            icons::{Glyph, Icon},
            status_badge::{Stage, StatusBadge},
        },
    },
    model::{
        activity::{Activity, ActivityKind},
        base_path::address,
        error::ApiError,
        import_extras::{FileColumns, ImportExtras, ImportRow, ImportRows, RowKind},
        job::{ImportProgress, ImportStatus, JobId, ProductImportJob, UnixMillis},
        reason::Reason,
        upload::UploadFormState,
    },
};

/// Start time of all imports here.
const CREATED_AT: UnixMillis = 1_764_000_000_000;

/// A state: its name in the URL, and its view.
type State = (&'static str, fn() -> AnyView);

const STATES: &[State] = &[
    ("waiting", || {
        card(0, 0, 0, ImportStatus::Pending, Connection::Open, None)
    }),
    ("connecting", || {
        card(0, 0, 0, ImportStatus::Pending, Connection::Connecting, None)
    }),
    ("running", || {
        card(
            61_204,
            37,
            150_000,
            ImportStatus::Pending,
            Connection::Open,
            None,
        )
    }),
    ("running-without-total", || {
        card(1_204, 0, 0, ImportStatus::Pending, Connection::Open, None)
    }),
    ("reconnecting", || {
        let error = Some(ProgressError::Connection);
        card(
            400,
            0,
            1_000,
            ImportStatus::Pending,
            Connection::Reconnecting,
            error,
        )
    }),
    ("polling", || {
        card(
            400,
            0,
            1_000,
            ImportStatus::Pending,
            Connection::Polling,
            None,
        )
    }),
    ("signed-out", || {
        let error = Some(ProgressError::Refused(Refusal::SignedOut));
        card(
            400,
            0,
            1_000,
            ImportStatus::Pending,
            Connection::Refused,
            error,
        )
    }),
    ("success", || {
        card(
            1_500,
            0,
            1_500,
            ImportStatus::Success,
            Connection::Closed,
            None,
        )
    }),
    ("partial-success", || {
        card(
            1_476,
            24,
            1_500,
            ImportStatus::PartialSuccess,
            Connection::Closed,
            None,
        )
    }),
    ("error", || {
        let reason = Reason::words("The file has no column “price”.");
        let error = Some(ProgressError::Import(reason));
        card(12, 0, 1_500, ImportStatus::Error, Connection::Closed, error)
    }),
    ("activity", activity),
    ("controls", controls),
    ("queued", queued),
    ("upload", || upload(None)),
    ("upload-refused", || upload(Some(ErrorCode::EmptyFile))),
    ("failed-products", failed_products),
    ("failed-rows", failed_rows),
    ("column-mapping", column_mapping),
    ("imports", imports),
    ("empty", empty),
    ("notices", notices),
    ("badges", badges),
    ("buttons", buttons),
];

/// A list of the states, or one of them.
#[component]
pub(crate) fn StyleguidePage() -> impl IntoView {
    let state = query::value("state").unwrap_or_default();
    let states = || STATES.iter().chain(lists::STATES);
    let links = states().map(|(name, _)| {
        let current = (state == *name).then_some("page");
        view! {
            <a class="button button-quiet" href=address(&format!("/styleguide?state={name}")) aria-current=current>
                {*name}
            </a>
        }
    });
    let links = links.collect_view();
    let found = states().find(|(name, _)| state == *name);
    let shown = found.map(|(_, draw)| draw());
    view! {
        <PageTitle text="Styleguide" />
        <h1>"Styleguide"</h1>
        <nav class="controls-row" aria-label="States">
            {links}
        </nav>
        <div class="page-part" data-testid="styleguide-state" data-state=state>
            {shown}
        </div>
    }
}

fn id() -> JobId {
    // A valid ID.
    "styleguide".parse().unwrap_or_else(|_| unreachable!())
}

fn card(
    processed: u64,
    failed: u64,
    total: u64,
    status: ImportStatus,
    connection: Connection,
    error: Option<ProgressError>,
) -> AnyView {
    let progress = ImportProgress {
        processed_products: processed,
        failed_products: failed,
        total_products: total,
    };
    let completed_at = status.is_final().then_some(CREATED_AT + 83_000);
    let live = UseProductImportProgressReturn {
        followed: RwSignal::new(true),
        progress: Signal::stored(progress),
        status: Signal::stored(status),
        error: Signal::stored(error),
        loading: Signal::stored(connection == Connection::Connecting),
        connection: Signal::stored(connection),
        completed_at: Signal::stored(completed_at),
        failed_product_skus: Signal::stored(None),
    };
    let job = ProductImportJob {
        total_products: Some(total),
        processed_products: processed,
        failed_products: failed,
        ..job(status, completed_at)
    };
    let stage = Stage::of(status, progress.has_begun(), None, false);
    progress_card(live, stage, job, None)
}

/// Draws the progress of an import with what the server says of its outcome.
fn progress_card(
    live: UseProductImportProgressReturn,
    stage: Stage,
    job: ProductImportJob,
    extras: Option<ImportExtras>,
) -> AnyView {
    let pace = Signal::stored(Pace::default());
    let mode = job.mode;
    view! {
        <ProgressCard
            live
            filename="summer-catalogue-2026.csv"
            stage=Signal::stored(stage)
            created_at=Signal::stored(CREATED_AT)
            mode
            pace
            here="/imports".to_owned()
        >
            <CardFoot live mode pace here="/imports".to_owned()>
                <div id=OUTCOME class="place">
                    <ImportOutcome job extras lists_failed=false />
                </div>
            </CardFoot>
        </ProgressCard>
    }
    .into_any()
}

fn extras(actions: &[&str], queue_position: Option<u64>) -> ImportExtras {
    ImportExtras {
        added_products: 1_200,
        updated_products: 200,
        unchanged_products: 76,
        rows_read: 1_512,
        passed_over_rows: 12,
        passed_over: [("image".to_owned(), 12)].into(),
        warnings: 3,
        queue_position,
        actions: actions.iter().map(|&action| action.to_owned()).collect(),
        ..ImportExtras::default()
    }
}

fn job(status: ImportStatus, completed_at: Option<UnixMillis>) -> ProductImportJob {
    ProductImportJob {
        filename: "summer-catalogue-2026.csv".to_owned(),
        status,
        total_products: Some(1_500),
        processed_products: 1_476,
        failed_products: 24,
        created_at: CREATED_AT,
        updated_at: CREATED_AT,
        completed_at,
        ..ProductImportJob::pending(id())
    }
}

fn activity() -> AnyView {
    let entry = |after: UnixMillis, kind, who: Option<&str>| Activity {
        at: CREATED_AT + after,
        kind,
        who: who.map(str::to_owned),
        about: None,
    };
    let activity = vec![
        entry(0, ActivityKind::Uploaded, Some("Ada Lovelace")),
        entry(10, ActivityKind::Queued, None),
        entry(2_000, ActivityKind::Started, None),
        entry(20_000, ActivityKind::ConnectionLost, None),
        entry(31_000, ActivityKind::ConnectionBack, None),
    ];
    let job = job(ImportStatus::PartialSuccess, Some(CREATED_AT + 83_000));
    view! { <ImportActivity job activity /> }.into_any()
}

fn controls() -> AnyView {
    let extras = extras(
        &["again", "retry", "failures", "changes", "undo", "delete"],
        None,
    );
    let job = job(ImportStatus::PartialSuccess, Some(CREATED_AT + 83_000));
    view! {
        <div class="head-actions">
            <ImportActions id=id() extras=extras.clone() is_over=true />
        </div>
        <section class="card">
            <ImportOutcome job extras=Some(extras) lists_failed=true />
        </section>
    }
    .into_any()
}

fn queued() -> AnyView {
    let extras = extras(&["cancel"], Some(3));
    let live = UseProductImportProgressReturn {
        followed: RwSignal::new(true),
        progress: Signal::stored(ImportProgress::default()),
        status: Signal::stored(ImportStatus::Pending),
        error: Signal::stored(None),
        loading: Signal::stored(false),
        connection: Signal::stored(Connection::Open),
        completed_at: Signal::stored(None),
        failed_product_skus: Signal::stored(None),
    };
    let job = job(ImportStatus::Pending, None);
    let actions = view! { <ImportActions id=id() extras=extras.clone() is_over=false /> };
    let card = progress_card(live, Stage::Queued(3), job, Some(extras));
    view! {
        <div class="head-actions">{actions}</div>
        {card}
    }
    .into_any()
}

fn upload(last_error: Option<ErrorCode>) -> AnyView {
    let state = UploadFormState {
        max_bytes: 1 << 30,
        accept: product_feed::ACCEPT.to_owned(),
        offers_checks: true,
        fetches: true,
        last_error: last_error.map(Reason::from),
        was_check: false,
    };
    view! { <UploadForm state><MoreOptions /></UploadForm> }.into_any()
}

fn failed_products() -> AnyView {
    let skus: Vec<_> = (100..124).map(|number| format!("CUP-{number}")).collect();
    view! { <FailedProducts skus failed=24 /> }.into_any()
}

fn failed_rows() -> AnyView {
    let row = |line: u64| ImportRow {
        line,
        sku: format!("CUP-{line}"),
        reason: "“four fifty” is not a valid price.".to_owned(),
        code: Some("unreadable-price".to_owned()),
        params: Params::from_iter([("value".to_owned(), "four fifty".into())]),
        column: Some("price".to_owned()),
        value: Some("four fifty".to_owned()),
        by_line: None,
    };
    let rows = ImportRows {
        items: (2..12).map(row).collect(),
        page: 1,
        pages: 3,
        total: 24,
        has_more: false,
    };
    let (kind, counts) = (RowKind::Failed, [24, 0, 3, 0, 12]);
    view! { <ImportRowsTable id=id() kind rows search=String::new() counts skipped=[].into() can_retry=true can_correct=true is_undo=false /> }
        .into_any()
}

fn column_mapping() -> AnyView {
    let words = |words: [&str; 3]| words.map(str::to_owned).to_vec();
    let file = FileColumns {
        header: words(["Ware", "Bezeichnung", "Kosten"]),
        rows: vec![
            words(["CUP-01", "Cup", "4,50"]),
            words(["CUP-02", "Large cup", "5,50"]),
        ],
        columns: vec![None, None, Some("price".to_owned())],
        ..FileColumns::default()
    };
    view! { <ColumnMapping id=id() file is_check=false /> }.into_any()
}

fn imports() -> AnyView {
    let job = |number: u64, status: ImportStatus, failed: u64| ProductImportJob {
        id: format!("styleguide-{number}")
            .parse()
            .unwrap_or_else(|_| id()),
        filename: format!("a-rather-long-file-name-of-a-supplier-{number:06}.csv"),
        error: (status == ImportStatus::Error).then(|| ErrorCode::EmptyFile.into()),
        processed_products: 1_500 - failed,
        failed_products: failed,
        ..job(status, Some(CREATED_AT + 83_000))
    };
    let jobs = vec![
        job(1, ImportStatus::Success, 0),
        job(2, ImportStatus::PartialSuccess, 24),
        job(3, ImportStatus::Error, 1_500),
    ];
    view! { <section class="card card-flush"><JobsTable jobs=Signal::stored(jobs) sorting=None /></section> }
        .into_any()
}

fn empty() -> AnyView {
    view! {
        <section class="card">
            <EmptyState glyph=Glyph::Upload title="No imports yet">
                <p>"Upload a product file to start your first import."</p>
            </EmptyState>
        </section>
    }
    .into_any()
}

fn notices() -> AnyView {
    [
        ApiError::SignedOut,
        ApiError::Forbidden,
        ApiError::Connection,
        ApiError::Internal,
    ]
    .into_iter()
    .map(|error| view! { <ErrorNotice error here="/styleguide" /> })
    .collect_view()
    .into_any()
}

fn badges() -> AnyView {
    [
        (ImportStatus::Pending, false),
        (ImportStatus::Pending, true),
        (ImportStatus::Success, true),
        (ImportStatus::PartialSuccess, true),
        (ImportStatus::Error, true),
    ]
    .map(|(status, begun)| {
        view! {
            <p>
                <StatusBadge
                    status=Signal::stored(status)
                    stage=Signal::stored(Stage::of(status, begun, None, false))
                />
            </p>
        }
    })
    .into_iter()
    .collect_view()
    .into_any()
}

fn buttons() -> AnyView {
    view! {
        <p class="controls-row">
            <button class="button button-primary">
                <Icon glyph=Glyph::Upload />
                "Primary"
            </button>
            <button class="button">"Plain"</button>
            <button class="button button-quiet">"Quiet"</button>
            <button class="button" disabled>"Disabled"</button>
        </p>
    }
    .into_any()
}
