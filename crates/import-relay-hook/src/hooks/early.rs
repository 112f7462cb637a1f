//! The stream that the page of an import opens while its bundle is still on the way (`components/early_stream.js`).

use js_sys::Function;
use leptos::prelude::window;
use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use web_sys::{EventSource, Window};

#[wasm_bindgen]
extern "C" {
    /// The window of a page that may have an early stream.
    #[wasm_bindgen(extends = Window)]
    type EarlyWindow;

    #[wasm_bindgen(method, getter, js_name = earlyStream)]
    fn early_stream(this: &EarlyWindow) -> Option<Page>;

    #[wasm_bindgen(method, setter, js_name = earlyStream)]
    fn set_early_stream(this: &EarlyWindow, stream: Option<Page>);

    /// The early stream of the page.
    type Page;

    #[wasm_bindgen(method, getter)]
    fn source(this: &Page) -> EventSource;

    #[wasm_bindgen(method, getter)]
    fn url(this: &Page) -> String;

    #[wasm_bindgen(method, getter)]
    fn message(this: &Page) -> Option<String>;

    #[wasm_bindgen(method, getter)]
    fn upstream(this: &Page) -> Option<String>;

    /// Releases the lock of the tab leader.
    #[wasm_bindgen(method, getter)]
    fn release(this: &Page) -> Option<Function>;

    #[wasm_bindgen(method, setter, js_name = isTaken)]
    fn set_is_taken(this: &Page, is_taken: bool);
}

/// The page's stream and lock. Dropping this closes the stream and releases the lock, unless they have been taken.
pub(super) struct Early {
    page: Page,
    has_lock: bool,
    has_stream: bool,
}

/// An open stream and its last messages.
pub(super) struct EarlyStream {
    pub(super) source: EventSource,
    /// The newest state.
    pub(super) message: Option<String>,
    /// The server's connection to the price monitor.
    pub(super) upstream: Option<String>,
}

impl Early {
    /// Takes the stream from the page. If the page gets the lock later, it releases it itself.
    pub(super) fn take() -> Option<Self> {
        let window: EarlyWindow = window().unchecked_into();
        let page = window.early_stream()?;
        window.set_early_stream(None);
        page.set_is_taken(true);
        let has_lock = page.release().is_some();
        Some(Self {
            page,
            has_lock,
            has_stream: true,
        })
    }

    /// Takes the lock, as the function that releases it.
    pub(super) fn take_lock(&mut self) -> Option<Function> {
        std::mem::take(&mut self.has_lock)
            .then(|| self.page.release())
            .flatten()
    }

    /// Takes the stream if it has this URL and has not ended.
    pub(super) fn take_stream(&mut self, url: &str) -> Option<EarlyStream> {
        let source = self.page.source();
        let is_it = self.page.url() == url;
        if !is_it || !self.has_stream || source.ready_state() == EventSource::CLOSED {
            return None;
        }
        self.has_stream = false;
        Some(EarlyStream {
            source,
            message: self.page.message(),
            upstream: self.page.upstream(),
        })
    }
}

impl Drop for Early {
    fn drop(&mut self) {
        if self.has_stream {
            self.page.source().close();
        }
        if let Some(release) = self.take_lock() {
            let _ = release.call0(&JsValue::UNDEFINED);
        }
    }
}
