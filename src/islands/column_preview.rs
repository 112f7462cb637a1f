//! Previews the first rows of a file under the column mapping in the form.

use gloo_net::http::Request;
use leptos::{html, prelude::*, task::spawn_local};
use send_wrapper::SendWrapper;
use web_sys::{
    AbortController, FormData, HtmlFormElement, UrlSearchParams,
    wasm_bindgen::{JsCast, closure::Closure},
};

use super::parts::locale::use_locale;
use crate::model::{base_path::address, error::ApiError, import_extras::PreviewRow};

/// Path of the server function [`preview_columns`](crate::api::import_controls::preview_columns).
const PATH: &str = "/api/preview_columns";

/// Previews the rows now, and after each change of the surrounding form.
#[island]
pub(crate) fn ColumnPreview() -> impl IntoView {
    let t = use_locale();
    let preview = RwSignal::new(None::<Result<Vec<PreviewRow>, ApiError>>);
    let place = NodeRef::<html::Div>::new();
    Effect::new(move |_| {
        let form = place
            .get()
            .and_then(|place| place.closest("form").ok().flatten());
        let Some(form) = form.and_then(|form| form.dyn_into::<HtmlFormElement>().ok()) else {
            return;
        };
        let last = StoredValue::new_local(None::<AbortController>);
        let ask = {
            let form = form.clone();
            move || {
                // Its answer could arrive after this one's.
                if let Some(last) = last.try_update_value(Option::take).flatten() {
                    last.abort();
                }
                let (Ok(abort), form) = (AbortController::new(), form.clone()) else {
                    return;
                };
                last.set_value(Some(abort.clone()));
                spawn_local(async move {
                    let answer = ask(&form, &abort).await;
                    if !abort.signal().aborted() {
                        preview.try_set(Some(answer));
                    }
                });
            }
        };
        ask();
        let on_change = Closure::<dyn FnMut()>::new(ask);
        // Adding a listener does not fail.
        let _ = form.add_event_listener_with_callback("change", on_change.as_ref().unchecked_ref());
        let listening = SendWrapper::new((form, on_change));
        on_cleanup(move || {
            let (form, on_change) = &*listening;
            let on_change = on_change.as_ref().unchecked_ref();
            let _ = form.remove_event_listener_with_callback("change", on_change);
        });
    });
    let shown = move || {
        preview.get().map(|preview| match preview {
            Ok(rows) => view! { <Rows rows /> }.into_any(),
            Err(error) => view! {
                <p class="mapping-problem" id="mapping-problem" data-testid="mapping-problem">
                    {t.error(&error)}
                </p>
            }
            .into_any(),
        })
    };
    view! {
        <div node_ref=place translate="no">
            {shown}
        </div>
    }
}

async fn ask(form: &HtmlFormElement, abort: &AbortController) -> Result<Vec<PreviewRow>, ApiError> {
    let fields = FormData::new_with_form(form).map_err(|_| ApiError::Connection)?;
    let fields = UrlSearchParams::new_with_str_sequence_sequence(&fields)
        .map_err(|_| ApiError::Connection)?;
    let request = Request::post(&address(PATH))
        .header("accept", "application/json")
        .abort_signal(Some(&abort.signal()))
        .body(fields)
        .map_err(|_| ApiError::Connection)?;
    let answer = request.send().await.map_err(|_| ApiError::Connection)?;
    let text = answer.text().await.map_err(|_| ApiError::Connection)?;
    if answer.ok() {
        serde_json::from_str(&text).map_err(|_| ApiError::Connection)
    } else {
        // A proxy's answer is not shown.
        Err(serde_json::from_str(&text).unwrap_or(ApiError::Connection))
    }
}

#[component]
fn Rows(rows: Vec<PreviewRow>) -> impl IntoView {
    let t = use_locale();
    let has_errors = rows.iter().any(|row| row.error.is_some());
    let lines = rows
        .into_iter()
        .map(|row| {
            let none = || "–".to_owned();
            let is_bad = row.error.is_some();
            view! {
                <tr role="row" data-testid="mapping-row" data-bad=is_bad.then_some("")>
                    <th role="rowheader" scope="row">{row.sku.unwrap_or_else(none)}</th>
                    <td role="cell">{row.name.unwrap_or_else(none)}</td>
                    <td role="cell" class="numeric">{row.price.unwrap_or_else(none)}</td>
                    {has_errors.then(|| view! { <td role="cell">{row.error}</td> })}
                </tr>
            }
        })
        .collect_view();
    view! {
        <table class="table" role="table" data-testid="mapping-preview">
            <caption>{t.say("Preview", "Vorschau")}</caption>
            <thead role="rowgroup">
                <tr role="row">
                    <th role="columnheader" scope="col">"SKU"</th>
                    <th role="columnheader" scope="col">{t.say("Name", "Name")}</th>
                    <th role="columnheader" scope="col" class="numeric">{t.say("Price", "Preis")}</th>
                    {has_errors
                        .then(|| view! { <th role="columnheader" scope="col">{t.say("Error", "Fehler")}</th> })}
                </tr>
            </thead>
            <tbody role="rowgroup">{lines}</tbody>
        </table>
    }
}
