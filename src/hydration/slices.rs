//! The tasks in which a page comes alive.

use std::{
    cell::RefCell,
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll},
};

use any_spawner::{CustomExecutor, Executor, PinnedFuture, PinnedLocalFuture};
use leptos::{mount::hydrate_from_async, prelude::*};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::{JsFuture, js_sys::Promise, spawn_local};
use web_sys::MessageChannel;

use super::gate::{Gate, Pass};

type Slice = Box<dyn FnOnce()>;

thread_local! {
    static GATE: RefCell<Gate> = RefCell::default();
    static SLICES: RefCell<VecDeque<Slice>> = RefCell::default();
}

/// Takes over the page that the server rendered.
pub(crate) fn start<V: IntoView + 'static>(app: fn() -> V) {
    // It fails only where there is an executor already: then all goes on in one go.
    let _ = Executor::init_custom_executor(InSlices);
    let hydration = async move {
        let Some(body) = document().body() else {
            return;
        };
        hydrate_from_async(body, app).await.forget();
        while let Some(slice) = SLICES.with_borrow_mut(VecDeque::pop_front) {
            next_task().await;
            slice();
        }
        GATE.with_borrow_mut(Gate::release);
        open_gate();
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

/// Does this once the frame of the page is done. Until then, and until all else that is put off is done,
/// nothing reacts.
pub(crate) fn put_off(slice: impl FnOnce() + 'static) {
    GATE.with_borrow_mut(Gate::hold);
    SLICES.with_borrow_mut(|slices| slices.push_back(Box::new(slice)));
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
