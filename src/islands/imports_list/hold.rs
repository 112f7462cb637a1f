//! Keeps a list still while the user points at it.

use leptos::{ev, prelude::*};
use web_sys::wasm_bindgen::JsCast;

use crate::{
    islands::parts::{format::Noun, locale::use_locale},
    model::job::ProductImportJob,
};

/// The shown list of imports and the newest one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeldList {
    shown: Signal<Vec<ProductImportJob>>,
    newest: Signal<Vec<ProductImportJob>>,
    /// Counts requests to show the newest list.
    asked: RwSignal<u32>,
    /// Whether the list is hovered, and whether it has the focus.
    held: RwSignal<(bool, bool)>,
}

/// The shown list.
#[derive(Clone, Debug, PartialEq)]
struct Shown {
    jobs: Vec<ProductImportJob>,
    asked: u32,
}

impl Shown {
    /// Returns the next list to show. Changes that move no row are shown at once, as is a list the user asked for.
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

/// Counts imports that are not shown yet.
fn count_new(shown: &[ProductImportJob], newest: &[ProductImportJob]) -> usize {
    let is_new = |job: &&ProductImportJob| shown.iter().all(|it| it.id != job.id);
    newest.iter().filter(is_new).count()
}

impl HeldList {
    /// Shows `newest` as soon as the list is neither hovered nor focused.
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

    pub(crate) fn shown(self) -> Signal<Vec<ProductImportJob>> {
        self.shown
    }
}

/// Holds a list still while it is hovered or focused.
#[component]
pub(crate) fn Holding(list: HeldList, children: Children) -> impl IntoView {
    let focus_left = move |event: ev::FocusEvent| {
        let place: Option<web_sys::Node> = event
            .current_target()
            .and_then(|target| target.dyn_into().ok());
        let next = event
            .related_target()
            .and_then(|target| target.dyn_into::<web_sys::Node>().ok());
        // The focus stays within when it moves to another row.
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

/// A button that shows newer imports, with their number.
#[component]
pub(crate) fn NewImports(list: HeldList) -> impl IntoView {
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
