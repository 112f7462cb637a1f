//! A part of a page that comes alive by itself.

use leptos::{html, prelude::*};

/// A part of a page that is taken over in a task of its own when the page comes from the server
/// (`hydration`), so that the browser can answer in between. In every other respect it is what it holds.
///
/// What it holds makes no resources: those find what the server knew by the order in which they are made.
#[component]
pub(crate) fn Slice(children: Children) -> impl IntoView {
    let place = html::div().class("slice");
    #[cfg(feature = "hydrate")]
    if crate::hydration::is_under_way() {
        return place.node_ref(put_off(children)).into_any();
    }
    place.child(children()).into_any()
}

/// Has the part taken over once the rest of the page is, in the place that this returns.
#[cfg(feature = "hydrate")]
fn put_off(children: Children) -> NodeRef<html::Div> {
    use leptos::tachys::{
        hydration::Cursor,
        view::{PositionState, RenderHtml},
    };

    let place = NodeRef::new();
    let owner = Owner::current().unwrap_or_default();
    crate::hydration::put_off(move || {
        // Whoever has left the page meanwhile needs it no more.
        let Some(Some(element)) = place.try_get_untracked() else {
            return;
        };
        owner.with(|| {
            let cursor = Cursor::new(web_sys::Element::from(element));
            let state = children().hydrate::<true>(&cursor, &PositionState::default());
            StoredValue::new_local(state);
        });
    });
    place
}
