//! A part of a page that comes alive by itself.

use leptos::{html, prelude::*};

/// A part of a page that is taken over in a task of its own when the page comes from the server
/// (`hydration`), so that the browser can answer in between. In every other respect it is what it holds.
///
/// Slices come alive in the document's order. Below a `Suspense` or a `Transition`, which cannot wait, what is
/// in no slice comes before those that are: a slice there makes no resources if anything behind it does that
/// is in none, for resources find what the server knew by the order in which they are made.
#[component]
pub(crate) fn Slice(children: Children) -> impl IntoView {
    #[cfg(feature = "hydrate")]
    if crate::hydration::is_under_way() {
        return sent::Sent::new(children).into_any();
    }
    html::div().class(CLASS).child(children()).into_any()
}

/// By which the style sheet knows that there is nothing to be seen of it.
const CLASS: &str = "slice";

/// The part as the server has sent it.
#[cfg(feature = "hydrate")]
mod sent {
    use std::{cell::RefCell, rc::Rc};

    use leptos::{
        html,
        prelude::*,
        reactive::computed::ScopedFuture,
        tachys::{
            html::attribute::any_attribute::AnyAttribute,
            hydration::Cursor,
            no_attrs,
            renderer::types,
            view::{
                Mountable, Position, PositionState, Render, RenderHtml,
                any_view::{AnyView, AnyViewState},
            },
        },
    };

    use super::CLASS;
    use crate::hydration::{catch_up, next_slice, put_off};

    pub(super) struct Sent {
        owner: Owner,
        children: Children,
    }

    /// The part on the page. What is in it ends with its view: kept by its owner, which it may keep in turn,
    /// it would outlive the page.
    pub(super) struct SentState {
        place: AnyViewState,
        inside: Inside,
    }

    /// What is in the part, once it has come alive.
    type Inside = Rc<RefCell<Option<AnyViewState>>>;

    impl Mountable for SentState {
        fn unmount(&mut self) {
            self.place.unmount();
        }

        fn mount(&mut self, parent: &types::Element, marker: Option<&types::Node>) {
            self.place.mount(parent, marker);
        }

        fn insert_before_this(&self, child: &mut dyn Mountable) -> bool {
            self.place.insert_before_this(child)
        }

        fn elements(&self) -> Vec<types::Element> {
            self.place.elements()
        }
    }

    impl Sent {
        pub(super) fn new(children: Children) -> Self {
            let owner = Owner::current().unwrap_or_default();
            Self { owner, children }
        }

        /// All of it, as it is drawn where the server has sent nothing.
        fn whole(self) -> AnyView {
            let children = self.owner.with(self.children);
            html::div().class(CLASS).child(children).into_any()
        }
    }

    /// Finds the place of a part, and steps over what is in it.
    fn hydrate_place(cursor: &Cursor, position: &PositionState) -> (NodeRef<html::Div>, SentState) {
        let element = NodeRef::new();
        let place = html::div().class(CLASS).node_ref(element).into_any();
        let state = SentState {
            place: place.hydrate::<true>(cursor, position),
            inside: Inside::default(),
        };
        (element, state)
    }

    impl Render for Sent {
        type State = SentState;

        fn build(self) -> Self::State {
            SentState {
                place: self.whole().build(),
                inside: Inside::default(),
            }
        }

        fn rebuild(self, state: &mut Self::State) {
            self.whole().rebuild(&mut state.place);
            state.inside.take();
        }
    }

    no_attrs!(Sent);

    impl RenderHtml for Sent {
        type AsyncOutput = AnyView;
        type Owned = Self;

        const MIN_LENGTH: usize = 0;

        fn dry_resolve(&mut self) {}

        async fn resolve(self) -> Self::AsyncOutput {
            self.whole()
        }

        fn to_html_with_buf(
            self,
            buffer: &mut String,
            position: &mut Position,
            escape: bool,
            mark_branches: bool,
            extra_attrs: Vec<AnyAttribute>,
        ) {
            self.whole()
                .to_html_with_buf(buffer, position, escape, mark_branches, extra_attrs);
        }

        fn hydrate<const FROM_SERVER: bool>(
            self,
            cursor: &Cursor,
            position: &PositionState,
        ) -> Self::State {
            let (element, state) = hydrate_place(cursor, position);
            let part = state.inside.clone();
            put_off(move || {
                // Whoever has left the page meanwhile needs it no more.
                if let Some(Some(element)) = element.try_get_untracked() {
                    self.owner.with(|| {
                        let inside = Cursor::new(element.into());
                        let children = (self.children)();
                        let state = children.hydrate::<true>(&inside, &PositionState::default());
                        part.replace(Some(state));
                    });
                }
            });
            state
        }

        async fn hydrate_async(self, cursor: &Cursor, position: &PositionState) -> Self::State {
            let (element, state) = hydrate_place(cursor, position);
            next_slice().await;
            if let Some(Some(element)) = element.try_get_untracked() {
                let inside = Cursor::new(element.into());
                let first = PositionState::default();
                let children = self.owner.with(|| {
                    let children = (self.children)();
                    ScopedFuture::new(children.hydrate_async(&inside, &first))
                });
                state.inside.replace(Some(children.await));
                catch_up().await;
            }
            state
        }

        fn into_owned(self) -> Self::Owned {
            self
        }
    }
}
