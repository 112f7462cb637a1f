//! A list that keeps still under the reader's hand.

use leptos::{ev, prelude::*};
use web_sys::wasm_bindgen::JsCast;

use super::{format::Noun, language::use_locale};
use crate::model::job::ProductImportJob;

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

/// What is shown of which view of the list.
#[derive(Clone, Debug, PartialEq)]
struct Shown<V> {
    jobs: Vec<ProductImportJob>,
    view: V,
    asked: u32,
    /// Whether the jobs are of this view, and not still those of the one before.
    is_settled: bool,
}

impl<V: PartialEq> Shown<V> {
    /// Returns what is shown next. What moves no row is; and so is another view of the list, and what
    /// somebody has asked for.
    fn next(before: Option<Self>, newest: Self, is_held: bool) -> Self {
        let Some(before) = before else { return newest };
        let is_same = before.view == newest.view && before.asked == newest.asked;
        if is_held && is_same && before.is_settled && count_new(&before.jobs, &newest.jobs) > 0 {
            return before;
        }
        let is_settled = (is_same && before.is_settled) || before.jobs != newest.jobs;
        Self {
            is_settled,
            ..newest
        }
    }
}

/// Counts the imports that are not shown yet.
fn count_new(shown: &[ProductImportJob], newest: &[ProductImportJob]) -> usize {
    let is_new = |job: &&ProductImportJob| shown.iter().all(|it| it.id != job.id);
    newest.iter().filter(is_new).count()
}

impl HeldList {
    /// Shows `newest`, as soon as nobody's hand is on what is shown of this `view` of the list.
    pub(crate) fn new<V>(newest: Signal<Vec<ProductImportJob>>, view: Signal<V>) -> Self
    where
        V: Clone + PartialEq + Send + Sync + 'static,
    {
        let asked = RwSignal::new(0);
        let held = RwSignal::new((false, false));
        let shown = Memo::new(move |before: Option<&Shown<V>>| {
            let newest = Shown {
                jobs: newest.get(),
                view: view.get(),
                asked: asked.get(),
                is_settled: true,
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
        <span class="new-imports" role="status">
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
    use crate::model::job::{ImportMode, ImportStatus};

    fn jobs(ids: &[&str]) -> Vec<ProductImportJob> {
        let job = |id: &&str| ProductImportJob {
            id: id.parse().unwrap(),
            filename: String::new(),
            status: ImportStatus::Pending,
            error: None,
            total_products: None,
            processed_products: 0,
            failed_products: 0,
            failed_product_skus: Vec::new(),
            created_at: 0,
            updated_at: 0,
            completed_at: None,
            mode: ImportMode::Import,
        };
        ids.iter().map(job).collect()
    }

    fn next(before: &[&str], newest: &[&str], asked: u32, is_held: bool) -> usize {
        let before = Shown {
            jobs: jobs(before),
            view: 1,
            asked: 0,
            is_settled: true,
        };
        let newest = Shown {
            jobs: jobs(newest),
            view: 1,
            asked,
            is_settled: true,
        };
        Shown::next(Some(before), newest, is_held).jobs.len()
    }

    #[test]
    fn another_view_is_shown_as_soon_as_it_is_there() {
        let shown = |ids: &[&str], view| Shown {
            jobs: jobs(ids),
            view,
            asked: 0,
            is_settled: true,
        };
        // The address is there before the list.
        let between = Shown::next(Some(shown(&["a"], 1)), shown(&["a"], 2), true);
        let there = Shown::next(Some(between), shown(&["b"], 2), true);
        assert_eq!(there, shown(&["b"], 2));
        let held = Shown::next(Some(there), shown(&["c", "b"], 2), true);
        assert_eq!(held, shown(&["b"], 2));
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
