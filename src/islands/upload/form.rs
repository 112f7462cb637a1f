//! The upload form.

use leptos::{ev, html, prelude::*, task::spawn_local};
use web_sys::{File, FormData};

use super::{
    check::{Chosen, files_of, problem},
    drop_zone::DropZone,
    queue::{Queue, Queued, Stage},
    request::{throw_away, whole},
    transfer::Choices,
    unfinished::{Left, Unfinished},
};
use crate::{
    islands::parts::{
        format,
        icons::{Glyph, Icon},
        locale::use_locale,
    },
    model::{
        base_path::{address, sign_in_path},
        import_options::PARAMETERS,
        job::ImportMode,
        upload::{MODE_FIELD, UPLOAD_PATH, UploadFormState},
    },
};

/// Uploads product files and opens the import.
#[island]
pub(crate) fn UploadForm(
    state: UploadFormState,
    /// Further fields of the form.
    children: Children,
) -> impl IntoView {
    let t = use_locale();
    let UploadFormState {
        max_bytes,
        accept,
        offers_checks,
        fetches: _,
        last_error,
        was_check,
    } = state;
    let form = NodeRef::<html::Form>::new();
    let input = NodeRef::<html::Input>::new();
    let check = NodeRef::<html::Input>::new();
    let queue = Queue::new(last_error.map_or(Stage::Ready, Stage::Refused));
    let stage = queue.stage;
    let chosen = RwSignal::new(None::<Chosen>);
    let left = RwSignal::new(None::<Left>);
    // Whether the file is chosen to resume an upload.
    let resumes = StoredValue::new(false);
    let sending = Memo::new(move |_| matches!(stage.get(), Stage::Sending(..)));

    Effect::new(move |_| {
        let ask = window_event_listener(ev::beforeunload, move |event| {
            if queue.asks_before_leaving() {
                event.prevent_default();
            }
        });
        on_cleanup(move || ask.remove());
        spawn_local(async move {
            if let Some(found) = Left::find().await {
                left.try_set(Some(found));
            }
        });
    });

    let choices = move || Choices {
        only_check: check.get_untracked().is_some_and(|check| check.checked()),
        options: chosen_options(form),
    };
    // Returns the files if none is rejected by its size.
    let look_at = move |files: Vec<File>| {
        let problem = files
            .iter()
            .find_map(|file| problem(file.name(), whole(file.size()), max_bytes));
        match problem {
            Some(problem) => {
                stage.set(Stage::Refused(problem.into()));
                None
            }
            None => Some(files),
        }
    };
    // Files chosen during an upload wait. Rejected ones are listed with the results.
    let send_later = move |files: Vec<File>| {
        for file in files {
            match problem(file.name(), whole(file.size()), max_bytes) {
                Some(problem) => queue.refuse(&file, problem.into()),
                None => queue.add(vec![file], &choices()),
            }
        }
    };
    let look = move || {
        let files = chosen_files(input);
        if queue.is_sending() {
            send_later(files);
            return;
        }
        chosen.set(Chosen::of(&files));
        stage.set(Stage::Ready);
        let files = look_at(files);
        let first = files.and_then(|files| files.into_iter().next());
        if let (Some(file), true) = (first, resumes.get_value()) {
            resumes.set_value(false);
            let found = left
                .get_untracked()
                .filter(|left| left.unfinished.is_of_file(&file));
            if let Some(found) = found {
                left.set(None);
                queue.resume(file, found.unfinished.location);
            }
        }
    };
    let on_drop = move |files: web_sys::FileList| {
        if queue.is_sending() {
            send_later(files_of(Some(&files)));
        } else if let Some(input) = input.get_untracked() {
            input.set_files(Some(&files));
            look();
        }
    };
    // A file chosen before hydration, or still chosen after a reload.
    Effect::new(move |_| {
        if let Some(input_now) = input.get() {
            input_now.set_multiple(true);
            if !chosen_files(input).is_empty() {
                look();
            }
        }
    });

    // Files that are listed below must not be sent again.
    Effect::new(move |_| {
        if queue.has_told()
            && let Some(input) = input.get_untracked()
        {
            input.set_value("");
            chosen.set(None);
        }
    });

    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        let files = chosen_files(input);
        if queue.is_sending() || files.is_empty() {
            return;
        }
        look();
        if queue.is_sending() || matches!(stage.get_untracked(), Stage::Refused(_)) {
            return;
        }
        left.set(None);
        queue.add(files, &choices());
    };
    let cancel = move |_| queue.cancel();

    let is_check = RwSignal::new(was_check);
    // It may have been ticked before.
    Effect::new(move |_| is_check.set(check.get().is_some_and(|check| check.checked())));
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
            // Before the file, so that the server receives it first.
            {offers_checks
                .then(|| {
                    view! {
                        <label class="upload-check">
                            <input
                                node_ref=check
                                type="checkbox"
                                name=MODE_FIELD
                                value=ImportMode::Check.as_str()
                                checked=was_check
                                data-testid="upload-check"
                                on:change:target=move |event| is_check.set(event.target().checked())
                            />
                            {t.say(
                                "Dry run: check the file without importing anything",
                                "Testlauf: die Datei prüfen, ohne etwas zu importieren",
                            )}
                        </label>
                    }
                })}
            {children()}
            <Resume
                left
                on_resume=move |_| {
                    resumes.set_value(true);
                    if let Some(input) = input.get_untracked() {
                        input.click();
                    }
                }
            />
            <DropZone input chosen=chosen.into() max_bytes accept on_choice=look on_drop invalid />
            <Queued queue />
            <div class="upload-foot">
                <Problem stage />
                <Sending stage on_cancel=cancel />
                <button
                    class="button button-primary"
                    data-testid="upload-submit"
                    hidden=move || sending.get()
                >
                    <Icon glyph=Glyph::Upload />
                    {move || {
                        if is_check.get() {
                            t.say("Start dry run", "Testlauf starten")
                        } else {
                            t.say("Start import", "Import starten")
                        }
                    }}
                </button>
            </div>
        </form>
    }
}

/// Returns the chosen options as parameters of the upload.
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

fn chosen_files(input: NodeRef<html::Input>) -> Vec<File> {
    let list = input.get_untracked().and_then(|input| input.files());
    files_of(list.as_ref())
}

/// Offers to resume an upload that a reload interrupted.
#[component]
fn Resume(
    left: RwSignal<Option<Left>>,
    on_resume: impl Fn(ev::MouseEvent) + 'static,
) -> impl IntoView {
    let t = use_locale();
    let text = move || {
        left.with(|left| {
            let left = left.as_ref()?;
            let percent = t.percent(left.percent);
            Some(t.fill(
                "Resume {name} ({percent})",
                "{name} fortsetzen ({percent})",
                &[("name", &left.unfinished.name), ("percent", &percent)],
            ))
        })
    };
    let discard = move |_| {
        if let Some(left) = left.try_update(Option::take).flatten() {
            Unfinished::forget(&left.unfinished.location);
            spawn_local(throw_away(left.unfinished.location));
        }
    };
    view! {
        <div class="upload-left" data-testid="upload-left" hidden=move || left.with(Option::is_none)>
            <button type="button" class="button" translate="no" on:click=on_resume>
                {text}
            </button>
            <button type="button" class="button button-quiet" on:click=discard>
                {t.say("Discard", "Verwerfen")}
            </button>
        </div>
    }
}

/// Shows why a file was rejected.
#[component]
fn Problem(stage: RwSignal<Stage>) -> impl IntoView {
    let t = use_locale();
    let problem = Memo::new(move |_| match stage.get() {
        Stage::Refused(reason) => Some((t.reason(&reason), false)),
        // The link says what to do about it.
        Stage::SignedOut => Some((
            t.say("You are signed out.", "Du bist abgemeldet.")
                .to_owned(),
            true,
        )),
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
    // The element always exists, so that the field can refer to it.
    view! {
        <div id="upload-error" class="upload-problem" role="alert">
            {notice}
        </div>
    }
}

/// Shows the progress of the upload, with a button to cancel it.
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
