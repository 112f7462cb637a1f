//! The tasks in which a page comes alive.

use std::{
    cell::RefCell,
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll},
};

use any_spawner::{CustomExecutor, Executor, PinnedFuture, PinnedLocalFuture};
use leptos::{mount::hydrate_from_async, prelude::*};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::{JsFuture, js_sys::Promise, spawn_local};
use web_sys::{Event, MessageChannel};

use super::gate::{Gate, Pass};

/// So long, in milliseconds, a task may have lasted for another slice to be done in it.
const SHORT: f64 = 2.0;

type Slice = Box<dyn FnOnce()>;

thread_local! {
    static GATE: RefCell<Gate> = RefCell::default();
    static SLICES: RefCell<VecDeque<Slice>> = RefCell::default();
}

/// What the document's root says of itself once all of the page is alive, for tests to wait for.
const ALIVE: &str = "data-alive";

/// Takes over the page that the server rendered.
pub(crate) fn start<V: IntoView + 'static>(app: fn() -> V) {
    // It fails only where there is an executor already: then all goes on in one go.
    let _ = Executor::init_custom_executor(InSlices);
    GATE.with_borrow_mut(Gate::hold);
    let left_to_browser = LeftToBrowser::begin();
    let hydration = async move {
        let Some(body) = document().body() else {
            return;
        };
        // The program's own start took its time already.
        next_task().await;
        hydrate_from_async(body, app).await.forget();
        catch_up().await;
        drop(left_to_browser);
        GATE.with_borrow_mut(Gate::release);
        open_gate();
        if let Some(root) = document().document_element() {
            // It fails only for a name that is no attribute's.
            let _ = root.set_attribute(ALIVE, "");
        }
    };
    spawn_local(Sliced {
        future: Box::pin(hydration),
        waits: false,
    });
}

/// Returns whether the page is being taken over right now.
pub(crate) fn is_under_way() -> bool {
    Owner::current_shared_context().is_some_and(|context| context.during_hydration())
}

/// Leaves this to whoever [catches up](catch_up) next.
pub(crate) fn put_off(slice: impl FnOnce() + 'static) {
    SLICES.with_borrow_mut(|slices| slices.push_back(Box::new(slice)));
}

/// Does what was put off, each in its turn, and what that puts off before what was put off after it.
pub(crate) async fn catch_up() {
    let mut slices = SLICES.take();
    while let Some(slice) = slices.pop_front() {
        next_slice().await;
        slice();
        let mut inner = SLICES.take();
        inner.append(&mut slices);
        slices = inner;
    }
}

/// Waits for the next slice's turn: for the browser's next task, unless this one has only begun.
pub(crate) async fn next_slice() {
    if GATE.with_borrow(|gate| gate.slice_lasts(now())) >= SHORT {
        next_task().await;
    }
}

/// Waits for the browser's next task: meanwhile it may paint and answer. A page that nobody sees does not
/// wait longer, as it would for a timer.
pub(crate) async fn next_task() {
    let Ok(channel) = MessageChannel::new() else {
        return;
    };
    let told = Promise::new(&mut |resolve, _| channel.port1().set_onmessage(Some(&resolve)));
    if channel.port2().post_message(&JsValue::NULL).is_ok() {
        // A promise that is never broken.
        let _ = JsFuture::from(told).await;
    }
    channel.port1().close();
}

/// While this lives what somebody does is the browser's alone to answer, as without script: links are followed
/// and forms are sent. What has come alive would change what the rest is to find as it was sent, and the router
/// would have the page taken over as another than was sent.
struct LeftToBrowser(Closure<dyn FnMut(Event)>);

impl LeftToBrowser {
    const EVENTS: [&str; 5] = ["click", "submit", "input", "change", "popstate"];

    fn begin() -> Self {
        let callback = Closure::new(|event: Event| {
            if event.type_() == "popstate" {
                event.stop_immediate_propagation();
                // It fails only where the browser allows no reload at all.
                let _ = window().location().reload();
            } else {
                event.stop_propagation();
            }
        });
        for name in Self::EVENTS {
            let callback = callback.as_ref().unchecked_ref();
            // Adding a listener to a window does not fail.
            let _ = window().add_event_listener_with_callback_and_bool(name, callback, true);
        }
        Self(callback)
    }
}

impl Drop for LeftToBrowser {
    fn drop(&mut self) {
        for name in Self::EVENTS {
            let callback = self.0.as_ref().unchecked_ref();
            let _ = window().remove_event_listener_with_callback_and_bool(name, callback, true);
        }
    }
}

fn open_gate() {
    let waiting = GATE.with_borrow_mut(|gate| gate.open(now()));
    for waker in waiting {
        waker.wake();
    }
}

fn now() -> f64 {
    window().performance().map_or(0.0, |it| it.now())
}

/// Runs what is spawned, with a rest for the browser now and then.
struct InSlices;

impl CustomExecutor for InSlices {
    fn spawn(&self, future: PinnedFuture<()>) {
        self.spawn_local(future);
    }

    fn spawn_local(&self, future: PinnedLocalFuture<()>) {
        spawn_local(Sliced {
            future,
            waits: true,
        });
    }

    fn poll_local(&self) {}
}

/// A future each step of which takes its time from a slice.
struct Sliced {
    future: PinnedLocalFuture<()>,
    /// Whether its steps wait for their turn.
    waits: bool,
}

impl Sliced {
    fn ask(&self, context: &Context<'_>) -> Pass {
        GATE.with_borrow_mut(|gate| {
            if self.waits {
                gate.ask(now(), context.waker())
            } else {
                gate.begin(now());
                Pass::Go
            }
        })
    }
}

impl Future for Sliced {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        match self.ask(context) {
            Pass::Go => {
                let polled = self.future.as_mut().poll(context);
                GATE.with_borrow_mut(|gate| gate.done(now()));
                polled
            }
            Pass::Wait => Poll::Pending,
            Pass::WaitAndCall => {
                spawn_local(async {
                    next_task().await;
                    open_gate();
                });
                Poll::Pending
            }
        }
    }
}
