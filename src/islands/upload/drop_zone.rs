//! The area where files are dropped or chosen.

use leptos::{ev, html, prelude::*};
use web_sys::FileList;

use super::check::Chosen;
use crate::islands::parts::{
    icons::{Glyph, Icon},
    locale::use_locale,
};

/// An area to drop a file on, or to click and choose one.
///
/// The file input covers the area, so that both work without a script. With a script, files may be dropped anywhere on
/// the page.
#[component]
pub(super) fn DropZone(
    /// The file input.
    input: NodeRef<html::Input>,
    chosen: Signal<Option<Chosen>>,
    /// Maximum bytes of a file.
    max_bytes: u64,
    /// File types of the file dialog.
    accept: String,
    /// Called after a new choice.
    on_choice: impl Fn() + Clone + Send + Sync + 'static,
    /// Called with files dropped on the page.
    on_drop: impl Fn(FileList) + Clone + Send + Sync + 'static,
    /// Whether the choice was rejected.
    invalid: Signal<bool>,
) -> impl IntoView {
    let t = use_locale();
    let over = follow_drags(on_drop);
    let title = move || match chosen.get() {
        Some(file) if file.more > 0 => {
            let more = t.count(file.more);
            t.fill(
                "{name} and {count} more",
                "{name} und {count} weitere",
                &[("name", &file.name), ("count", &more)],
            )
        }
        Some(file) => file.name,
        None if over.get() => t
            .say(
                "Drop to select this file",
                "Loslassen, um die Datei auszuwählen",
            )
            .to_owned(),
        None => t
            .say("Drop a product file here", "Produktdatei hierher ziehen")
            .to_owned(),
    };
    let note = move || match chosen.get() {
        Some(file) => {
            let size = t.bytes(file.size);
            t.fill(
                "{size} · Click or drop to replace",
                "{size} · Zum Ersetzen klicken oder ablegen",
                &[("size", &size)],
            )
        }
        None => {
            let most = t.bytes(max_bytes);
            t.fill("or click to browse. CSV, Excel, OpenDocument or Google Merchant XML, up to {most}.", "oder klicken, um eine auszuwählen. CSV, Excel, OpenDocument oder Google-Merchant-XML, bis {most}.", &[("most", &most)])
        }
    };
    let glyph = Signal::derive(move || match chosen.get() {
        Some(_) => Glyph::File,
        None => Glyph::Upload,
    });
    view! {
        <div
            class="zone"
            data-over=move || over.get().then_some("")
            data-chosen=move || chosen.get().map(|_| "")
        >
            <label class="visually-hidden" for="file">{t.say("Product file", "Produktdatei")}</label>
            <input
                node_ref=input
                class="zone-input"
                id="file"
                type="file"
                name="file"
                required
                accept=accept
                aria-describedby="zone-note upload-error"
                aria-invalid=move || invalid.get().then_some("true")
                data-testid="upload-input"
                on:change=move |_| on_choice()
            />
            <span class="zone-picture">
                <Icon glyph />
            </span>
            <span class="zone-title" translate="no">
                {title}
            </span>
            <span class="zone-note" id="zone-note" translate="no">
                {note}
            </span>
        </div>
    }
}

/// Handles files dragged over the page and dropped. Returns whether there are any over it now.
fn follow_drags(on_drop: impl Fn(FileList) + Clone + 'static) -> ReadSignal<bool> {
    let (over, set_over) = signal(false);
    Effect::new(move |_| {
        let on_drop = on_drop.clone();
        let handles = [
            window_event_listener(ev::dragover, move |event| {
                if carries_files(&event) {
                    // Otherwise the browser would open the file.
                    event.prevent_default();
                    set_over.set(true);
                }
            }),
            window_event_listener(ev::dragleave, move |event| {
                // The pointer leaves the window, not just an element.
                if event.related_target().is_none() {
                    set_over.set(false);
                }
            }),
            window_event_listener(ev::drop, move |event| {
                set_over.set(false);
                let files = event.data_transfer().and_then(|data| data.files());
                if let Some(files) = files.filter(|files| files.length() > 0) {
                    event.prevent_default();
                    on_drop(files);
                }
            }),
        ];
        on_cleanup(move || handles.into_iter().for_each(|handle| handle.remove()));
    });
    over
}

fn carries_files(event: &ev::DragEvent) -> bool {
    event.data_transfer().is_some_and(|data| {
        data.types()
            .iter()
            .any(|kind| kind.as_string().as_deref() == Some("Files"))
    })
}
