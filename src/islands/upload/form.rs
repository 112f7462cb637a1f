//! The upload form.

use leptos::{ev, html, prelude::*};
use send_wrapper::SendWrapper;
use web_sys::FormData;

use super::{
    check::Chosen,
    drop_zone::DropZone,
    transfer::{Sent, Transfer},
};
use crate::{
    i18n::messages::ErrorCode,
    islands::parts::{
        format,
        icons::{Glyph, Icon},
        locale::use_locale,
    },
    model::{
        base_path::{address, sign_in_path},
        error::ApiError,
        import_options::PARAMETERS,
        job::ImportMode,
        reason::Reason,
        upload::{MODE_FIELD, UPLOAD_PATH, UploadFormState},
    },
};

/// Where the form stands.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Stage {
    /// Waiting for a file, or for the word to send it.
    Ready,
    /// On its way: bytes sent, bytes in all.
    Sending(u64, u64),
    /// The server says no, or the file does.
    Refused(Reason),
    /// There is no session.
    SignedOut,
}

/// Takes a product file and goes on to its import.
#[island]
pub(crate) fn UploadForm(
    /// What the server says about the form.
    state: UploadFormState,
    /// Further fields of the form.
    children: Children,
) -> impl IntoView {
    let t = use_locale();
    let UploadFormState {
        max_bytes,
        offers_checks,
        fetches: _,
        last_error,
    } = state;
    let form = NodeRef::<html::Form>::new();
    let input = NodeRef::<html::Input>::new();
    let check = NodeRef::<html::Input>::new();
    let stage = RwSignal::new(last_error.map_or(Stage::Ready, Stage::Refused));
    let chosen = RwSignal::new(None::<Chosen>);
    // Wrapped only once there is one, in the browser: on the server a wrapper must not move.
    let transfer = StoredValue::new(None::<SendWrapper<Transfer>>);
    let sending = Memo::new(move |_| matches!(stage.get(), Stage::Sending(..)));

    // On the way to the import's page nothing is lost.
    let is_leaving = StoredValue::new(false);
    Effect::new(move |_| {
        let ask = window_event_listener(ev::beforeunload, move |event| {
            if sending.get_untracked() && !is_leaving.get_value() {
                event.prevent_default();
            }
        });
        on_cleanup(move || ask.remove());
    });

    let look = move || {
        let file = chosen_file(input);
        let problem = file.as_ref().and_then(|file| file.problem(max_bytes));
        stage.set(problem.map_or(Stage::Ready, |problem| Stage::Refused(problem.into())));
        chosen.set(file);
    };
    // What was chosen before the page came to life, or is still chosen after a reload.
    Effect::new(move |_| {
        if input.get().is_some() && chosen_file(input).is_some() {
            look();
        }
    });

    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        let file = input
            .get_untracked()
            .and_then(|input| input.files()?.get(0));
        let (Some(file), false) = (file, sending.get_untracked()) else {
            return;
        };
        look();
        if matches!(stage.get_untracked(), Stage::Refused(_)) {
            return;
        }
        let checks = check.get_untracked().is_some_and(|check| check.checked());
        let started = Transfer::start(
            &file,
            checks,
            chosen_options(form),
            move |sent| match sent {
                Sent::Bytes { loaded, total } => stage.set(Stage::Sending(loaded, total)),
                Sent::SignedOut => stage.set(Stage::SignedOut),
                Sent::Refused(reason) => stage.set(Stage::Refused(reason)),
                Sent::Started(id) => {
                    is_leaving.set_value(true);
                    // It fails only for an address that is none.
                    let _ = window()
                        .location()
                        .set_href(&address(&format!("/imports/{id}")));
                }
            },
        );
        match started {
            Ok(started) => {
                stage.set(Stage::Sending(
                    0,
                    chosen.with_untracked(|it| it.as_ref().map_or(0, |it| it.size)),
                ));
                transfer.set_value(Some(SendWrapper::new(started)));
            }
            Err(_) => stage.set(Stage::Refused(ErrorCode::BrowserCannotRead.into())),
        }
    };
    let cancel = move |_| {
        transfer.set_value(None);
        stage.set(Stage::Ready);
    };

    let invalid = Signal::derive(move || matches!(stage.get(), Stage::Refused(_)));
    view! {
        <form
            node_ref=form
            class="card upload"
            method="post"
            action=address(UPLOAD_PATH)
            enctype="multipart/form-data"
            data-testid="upload-form"
            aria-label=t.say("Import products", "Produkte importieren")
            aria-busy=move || sending.get().to_string()
            on:submit=submit
        >
            // Before the file, so that the server knows of it first.
            {offers_checks
                .then(|| {
                    view! {
                        <label class="upload-check">
                            <input
                                node_ref=check
                                type="checkbox"
                                name=MODE_FIELD
                                value=ImportMode::Check.as_str()
                                data-testid="upload-check"
                            />
                            {t.say(
                                "Dry run: check the file without importing anything",
                                "Testlauf: die Datei prüfen, ohne etwas zu importieren",
                            )}
                        </label>
                    }
                })}
            {children()}
            <DropZone input chosen=chosen.into() max_bytes on_choice=look invalid />
            <div class="upload-foot">
                <Problem stage />
                <Sending stage on_cancel=cancel />
                <button
                    class="button button-primary"
                    data-testid="upload-submit"
                    hidden=move || sending.get()
                >
                    <Icon glyph=Glyph::Upload />
                    {t.say("Start import", "Import starten")}
                </button>
            </div>
        </form>
    }
}

/// Returns which products and values are to be written, as parameters of the upload.
fn chosen_options(form: NodeRef<html::Form>) -> Vec<(&'static str, String)> {
    let fields = form.get_untracked();
    let Some(fields) = fields.and_then(|form| FormData::new_with_form(&form).ok()) else {
        return Vec::new();
    };
    let values = |name| {
        let values = fields.get_all(name).into_iter();
        let values: Vec<_> = values.filter_map(|value| value.as_string()).collect();
        values.join(",")
    };
    let all = PARAMETERS.map(|name| (name, values(name)));
    all.into_iter()
        .filter(|(_, value)| !value.is_empty())
        .collect()
}

fn chosen_file(input: NodeRef<html::Input>) -> Option<Chosen> {
    let file = input.get_untracked()?.files()?.get(0)?;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a size is a whole number
    let size = file.size() as u64;
    Some(Chosen {
        name: file.name(),
        size,
    })
}

/// Why the file was not taken.
#[component]
fn Problem(stage: RwSignal<Stage>) -> impl IntoView {
    let t = use_locale();
    let problem = Memo::new(move |_| match stage.get() {
        Stage::Refused(reason) => Some((t.reason(&reason), false)),
        Stage::SignedOut => Some((t.error(&ApiError::SignedOut), true)),
        Stage::Ready | Stage::Sending(..) => None,
    });
    let notice = move || {
        problem.get().map(|(reason, signed_out)| {
            let sign_in = signed_out.then(|| {
                let words = t.say("Sign in", "Anmelden");
                view! { " " <a href=address(&sign_in_path(UPLOAD_PATH))>{words}</a> }
            });
            view! {
                <div class="notice" data-kind="error" data-testid="upload-error">
                    <Icon glyph=Glyph::Alert />
                    <p translate="no">{reason} {sign_in}</p>
                </div>
            }
        })
    };
    // The place is always there, so that the field can point at it.
    view! {
        <div id="upload-error" class="upload-problem" role="alert">
            {notice}
        </div>
    }
}

/// How much of the file is through, and the way out.
#[component]
fn Sending(stage: RwSignal<Stage>, on_cancel: impl Fn(ev::MouseEvent) + 'static) -> impl IntoView {
    let t = use_locale();
    let bytes = Memo::new(move |_| match stage.get() {
        Stage::Sending(loaded, total) => (loaded, total),
        _ => (0, 0),
    });
    let active = move || matches!(stage.get(), Stage::Sending(..));
    let percent = move || {
        let (loaded, total) = bytes.get();
        format::share(loaded, total).unwrap_or_default()
    };
    let text = move || {
        let (loaded, total) = bytes.get();
        if total > 0 && loaded >= total {
            let sent = t.say(
                "Upload complete. Starting import…",
                "Upload abgeschlossen. Import wird gestartet…",
            );
            return sent.to_owned();
        }
        let (loaded, total) = (t.bytes(loaded), t.bytes(total));
        t.fill(
            "Uploading {loaded} of {total}",
            "{loaded} von {total} hochgeladen",
            &[("loaded", &loaded), ("total", &total)],
        )
    };
    view! {
        <div class="sending" data-testid="upload-progress" hidden=move || !active()>
            <span class="sending-text" id="sending-text" translate="no">
                {text}
            </span>
            <span class="sending-percent" translate="no">
                {move || t.percent(percent())}
            </span>
            <progress max="100" value=percent aria-labelledby="sending-text"></progress>
            <button type="button" class="button button-quiet" on:click=on_cancel>
                {t.say("Cancel", "Abbrechen")}
            </button>
        </div>
    }
}
