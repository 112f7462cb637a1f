//! A list that keeps still under the reader's hand.

use leptos::{ev, prelude::*};
use web_sys::wasm_bindgen::JsCast;

use crate::{
    islands::parts::{format::Noun, locale::use_locale},
    model::job::ProductImportJob,
};

/// A list of imports and what is newer than it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeldList {
    shown: Signal<Vec<ProductImportJob>>,
    newest: Signal<Vec<ProductImportJob>>,
    /// How often somebody has asked for what is newer.
    asked: RwSignal<u32>,
    /// Whether the pointer is on it, and whether the focus is.
    held: RwSignal<(bool, bool)>,
}

/// What is shown of the list.
#[derive(Clone, Debug, PartialEq)]
struct Shown {
    jobs: Vec<ProductImportJob>,
    asked: u32,
}

impl Shown {
    /// Returns what is shown next. What moves no row is; and so is what somebody has asked for.
    fn next(before: Option<Self>, newest: Self, is_held: bool) -> Self {
        match before {
            Some(before)
                if is_held
                    && before.asked == newest.asked
                    && count_new(&before.jobs, &newest.jobs) > 0 =>
            {
                before
            }
            _ => newest,
        }
    }
}

/// Counts the imports that are not shown yet.
fn count_new(shown: &[ProductImportJob], newest: &[ProductImportJob]) -> usize {
    let is_new = |job: &&ProductImportJob| shown.iter().all(|it| it.id != job.id);
    newest.iter().filter(is_new).count()
}

impl HeldList {
    /// Shows `newest`, as soon as nobody's hand is on what is shown.
    pub(crate) fn new(newest: Signal<Vec<ProductImportJob>>) -> Self {
        let asked = RwSignal::new(0);
        let held = RwSignal::new((false, false));
        let shown = Memo::new(move |before: Option<&Shown>| {
            let newest = Shown {
                jobs: newest.get(),
                asked: asked.get(),
            };
            Shown::next(before.cloned(), newest, held.get() != (false, false))
        });
        Self {
            shown: Signal::derive(move || shown.with(|shown| shown.jobs.clone())),
            newest,
            asked,
            held,
        }
    }

    /// Returns what is shown.
    pub(crate) fn shown(self) -> Signal<Vec<ProductImportJob>> {
        self.shown
    }
}

/// The place of a list that keeps still while somebody's hand is on it.
#[component]
pub(crate) fn Holding(
    /// The list.
    list: HeldList,
    /// What shows it.
    children: Children,
) -> impl IntoView {
    let focus_left = move |event: ev::FocusEvent| {
        let place: Option<web_sys::Node> = event
            .current_target()
            .and_then(|target| target.dyn_into().ok());
        let next = event
            .related_target()
            .and_then(|target| target.dyn_into::<web_sys::Node>().ok());
        // From one row to the next it has not left.
        if !place.is_some_and(|place| place.contains(next.as_ref())) {
            list.held.update(|held| held.1 = false);
        }
    };
    view! {
        <div
            class="holding"
            on:pointerenter=move |_| list.held.update(|held| held.0 = true)
            on:pointerleave=move |_| list.held.update(|held| held.0 = false)
            on:focusin=move |_| list.held.update(|held| held.1 = true)
            on:focusout=focus_left
        >
            {children()}
        </div>
    }
}

/// Says how many imports are newer than the list, and shows them.
#[component]
pub(crate) fn NewImports(
    /// The list.
    list: HeldList,
) -> impl IntoView {
    let t = use_locale();
    let new = Memo::new(move |_| {
        let HeldList { shown, newest, .. } = list;
        shown.with(|shown| newest.with(|newest| count_new(shown, newest)))
    });
    view! {
        <span class="new-imports" role="status" translate="no">
            {move || {
                (new.get() > 0)
                    .then(|| {
                        view! {
                            <button
                                type="button"
                                class="button button-quiet"
                                data-testid="new-imports"
                                on:click=move |_| list.asked.update(|asked| *asked += 1)
                            >
                                {move || t.counted(new.get() as u64, Noun::NewImport)}
                            </button>
                        }
                    })
            }}
        </span>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jobs(ids: &[&str]) -> Vec<ProductImportJob> {
        let job = |id: &&str| ProductImportJob::pending(id.parse().unwrap());
        ids.iter().map(job).collect()
    }

    fn next(before: &[&str], newest: &[&str], asked: u32, is_held: bool) -> usize {
        let before = Shown {
            jobs: jobs(before),
            asked: 0,
        };
        let newest = Shown {
            jobs: jobs(newest),
            asked,
        };
        Shown::next(Some(before), newest, is_held).jobs.len()
    }

    #[test]
    fn rows_keep_their_place_under_the_pointer_until_somebody_asks() {
        assert_eq!(next(&["a"], &["b", "a"], 0, true), 1);
        assert_eq!(next(&["a"], &["b", "a"], 1, true), 2);
        assert_eq!(next(&["a"], &["b", "a"], 0, false), 2);
    }

    #[test]
    fn what_is_gone_is_gone_at_once() {
        assert_eq!(next(&["a", "b"], &["a"], 0, true), 1);
    }
}
