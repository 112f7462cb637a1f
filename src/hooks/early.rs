//! The stream that the page of an import follows before the program is there
//! (`components/early_progress.js`).

use js_sys::{Function, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{AbortController, EventSource};

/// Under which name the page keeps it.
const NAME: &str = "earlyProgress";

/// What the page has: a stream, and the lock that tabs share it by. Dropping this closes the stream and
/// gives the lock back, as far as they have not been taken.
pub(super) struct Early {
    page: JsValue,
    has_lock: bool,
    has_stream: bool,
}

/// An open stream, and what has come on it.
pub(super) struct EarlyStream {
    pub(super) source: EventSource,
    /// The newest state.
    pub(super) message: Option<String>,
    /// How the server stands to the price monitor.
    pub(super) upstream: Option<String>,
}

impl Early {
    /// Takes what the page has. If it does not know yet whether the lock is its own, it is told to let
    /// go of all, and there is nothing to take.
    pub(super) fn take() -> Option<Self> {
        let global = js_sys::global();
        let page = Reflect::get(&global, &NAME.into()).ok()?;
        if !page.is_object() {
            return None;
        }
        // It fails only where there is nothing to delete.
        let _ = Reflect::delete_property(&global, &NAME.into());
        let early = Self {
            page,
            has_lock: true,
            has_stream: true,
        };
        if early.function("release").is_none() {
            if let Some(close) = early.function("close") {
                let _ = close.call0(&JsValue::UNDEFINED);
            }
            return None;
        }
        Some(early)
    }

    /// Takes the lock, as the function that gives it back.
    pub(super) fn take_lock(&mut self) -> Option<Function> {
        let release = self.function("release")?;
        std::mem::take(&mut self.has_lock).then_some(release)
    }

    /// Takes the stream, if it is that of this address and has not ended. What comes from now on is
    /// told to the page no more.
    pub(super) fn take_stream(&mut self, url: &str) -> Option<EarlyStream> {
        let source: EventSource = self.get("source")?.unchecked_into();
        let is_it = self.text("url").is_some_and(|of| of == url);
        if !is_it || !self.has_stream || source.ready_state() == EventSource::CLOSED {
            return None;
        }
        self.has_stream = false;
        self.leave_alone();
        Some(EarlyStream {
            source,
            message: self.text("message"),
            upstream: self.text("upstream"),
        })
    }

    /// Has the page hear nothing of it any more.
    fn leave_alone(&self) {
        if let Some(over) = self.get("over") {
            over.unchecked_into::<AbortController>().abort();
        }
    }

    fn get(&self, name: &str) -> Option<JsValue> {
        Reflect::get(&self.page, &name.into()).ok()
    }

    fn function(&self, name: &str) -> Option<Function> {
        self.get(name)?.dyn_into().ok()
    }

    fn text(&self, name: &str) -> Option<String> {
        self.get(name)?.as_string()
    }
}

impl Drop for Early {
    fn drop(&mut self) {
        self.leave_alone();
        if self.has_stream
            && let Some(source) = self.get("source")
        {
            source.unchecked_into::<EventSource>().close();
        }
        if let Some(release) = self.take_lock() {
            let _ = release.call0(&JsValue::UNDEFINED);
        }
    }
}
