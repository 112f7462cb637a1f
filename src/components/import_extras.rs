//! What can be done with an import, and what became of its products, where the price monitor says so.

use leptos::{form::ActionForm, prelude::*};

use super::{
    format,
    icons::{Glyph, Icon},
};
use crate::{
    api::import_controls::{
        CancelImport, DeleteImport, ImportAgain, ImportExtras, RetryFailedRows, failed_rows_path,
    },
    job::JobId,
};

/// Shows the counts and the ways on.
#[component]
pub(crate) fn ImportControls(
    /// Which import it is.
    id: JobId,
    /// What the price monitor says of it.
    extras: Signal<Option<ImportExtras>>,
    /// Whether it is over.
    is_over: Signal<bool>,
) -> impl IntoView {
    let cancel = ServerAction::<CancelImport>::new();
    let again = ServerAction::<ImportAgain>::new();
    let retry = ServerAction::<RetryFailedRows>::new();
    let delete = ServerAction::<DeleteImport>::new();
    let offers = move |action: &'static str| {
        extras.with(|extras| extras.as_ref().is_some_and(|extras| extras.offers(action)))
    };
    let is_check =
        move || extras.with(|extras| extras.as_ref().is_some_and(ImportExtras::is_check));
    let asks_for_columns =
        move || extras.with(|extras| extras.as_ref().is_some_and(|it| it.problem.is_some()));
    let id_text = StoredValue::new(id.to_string());
    let hidden = move || view! { <input type="hidden" name="id" value=id_text.get_value() /> };
    let failure = move || {
        let failures = [
            cancel.value().get().and_then(Result::err),
            again.value().get().and_then(Result::err),
            retry.value().get().and_then(Result::err),
            delete.value().get().and_then(Result::err),
        ];
        failures.into_iter().flatten().next()
    };
    let cancelling = move || cancel.pending().get() || matches!(cancel.value().get(), Some(Ok(())));
    view! {
        <section
            class="card controls"
            data-testid="import-controls"
            aria-labelledby="controls-title"
            hidden=move || extras.with(Option::is_none)
        >
            <h2 id="controls-title" class="visually-hidden">"What became of it"</h2>
            <QueuePlace extras />
            <Outcome extras is_over />
            <div class="controls-row">
                <div hidden=move || !offers("cancel") || is_over.get()>
                    <ActionForm action=cancel attr:data-testid="cancel-form">
                        {hidden}
                        <button class="button" data-testid="cancel-import" disabled=cancelling>
                            <Icon glyph=Glyph::Cross />
                            {move || if cancelling() { "Cancelling…" } else { "Cancel" }}
                        </button>
                    </ActionForm>
                </div>
                <div hidden=move || !offers("again")>
                    <ActionForm action=again>
                        {hidden}
                        <button
                            class="button"
                            class:button-primary=is_check
                            data-testid="import-again"
                        >
                            <Icon glyph=Glyph::Upload />
                            {move || if is_check() { "Import now" } else { "Import again" }}
                        </button>
                    </ActionForm>
                </div>
                <div hidden=move || !offers("retry")>
                    <ActionForm action=retry>
                        {hidden}
                        <button class="button" data-testid="retry-failed">"Retry failed rows"</button>
                    </ActionForm>
                </div>
                <a
                    class="button"
                    data-testid="download-failed"
                    rel="external"
                    download="failed-rows.csv"
                    href=failed_rows_path(&id)
                    hidden=move || !offers("failures")
                >
                    <Icon glyph=Glyph::File />
                    "Download failed rows"
                </a>
                <a
                    class="button"
                    data-testid="change-columns"
                    href=format!("/imports/{id}?columns=change#mapping-title")
                    hidden=move || !offers("columns") || asks_for_columns()
                >
                    "Change columns"
                </a>
                <details class="controls-delete" hidden=move || !offers("delete")>
                    <summary class="button button-quiet" data-testid="delete-import">
                        "Delete…"
                    </summary>
                    <ActionForm action=delete>
                        {hidden}
                        <p>"The import disappears from the list. Its products stay in the shop."</p>
                        <button class="button" data-testid="delete-confirm">
                            "Delete this import"
                        </button>
                    </ActionForm>
                </details>
            </div>
            <p class="controls-problem" role="alert" hidden=move || failure().is_none()>
                {move || failure().map(|error| error.to_string())}
            </p>
        </section>
    }
}

/// Says how many imports go first.
#[component]
fn QueuePlace(extras: Signal<Option<ImportExtras>>) -> impl IntoView {
    let place =
        move || extras.with(|extras| extras.as_ref().and_then(|extras| extras.queue_position));
    let text = move || match place() {
        None => String::new(),
        Some(0 | 1) => "Waiting: this import is next.".to_owned(),
        Some(place) => format!(
            "Waiting: {} before this one.",
            format::counted(place - 1, "import")
        ),
    };
    view! {
        <p data-testid="queue-place" hidden=move || place().is_none()>
            {text}
        </p>
    }
}

/// Says how many products are new, changed, or as before.
#[component]
fn Outcome(extras: Signal<Option<ImportExtras>>, is_over: Signal<bool>) -> impl IntoView {
    let counts = move || extras.get().filter(|_| is_over.get());
    let text = move || {
        counts().map(|extras| {
            let [added, updated, unchanged] = [
                extras.added_products,
                extras.updated_products,
                extras.unchanged_products,
            ]
            .map(format::count);
            if extras.is_check() {
                format!(
                    "Checked only, nothing was written. An import would add {added}, change {updated} and leave {unchanged} as they are."
                )
            } else {
                format!("{added} added, {updated} changed, {unchanged} as before.")
            }
        })
    };
    view! {
        <p data-testid="import-outcome" hidden=move || counts().is_none()>
            {text}
        </p>
    }
}
