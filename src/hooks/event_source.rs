//! A browser's `EventSource` (WHATWG HTML, section 9.2) that closes when it is dropped.

use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{EventSource, MessageEvent};

use super::follower::Event;

/// An open `EventSource` and its listeners, which live and end with it.
pub(super) struct Source {
    source: EventSource,
    _on_open: Closure<dyn FnMut()>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_heartbeat: Closure<dyn FnMut()>,
    _on_error: Closure<dyn FnMut()>,
}

impl Source {
    /// Opens a stream and tells `emit` what happens to it.
    ///
    /// # Errors
    ///
    /// When the browser does not take the address.
    pub(super) fn open(url: &str, emit: impl Fn(Event) + Clone + 'static) -> Result<Self, JsValue> {
        let source = EventSource::new(url)?;
        let on_open = Closure::new({
            let emit = emit.clone();
            move || emit(Event::Opened)
        });
        let on_message = Closure::new({
            let emit = emit.clone();
            move |event: MessageEvent| {
                // Data of an EventSource is always a string.
                emit(Event::Message(event.data().as_string().unwrap_or_default()));
            }
        });
        let on_heartbeat = Closure::new({
            let emit = emit.clone();
            move || emit(Event::Heartbeat)
        });
        let on_error = Closure::new({
            let source = source.clone();
            move || {
                let is_closed = source.ready_state() == EventSource::CLOSED;
                emit(if is_closed {
                    Event::GivenUp
                } else {
                    Event::Interrupted
                });
            }
        });
        source.set_onopen(Some(function(&on_open)));
        source.set_onmessage(Some(function(&on_message)));
        source.add_event_listener_with_callback("heartbeat", function(&on_heartbeat))?;
        source.set_onerror(Some(function(&on_error)));
        Ok(Self {
            source,
            _on_open: on_open,
            _on_message: on_message,
            _on_heartbeat: on_heartbeat,
            _on_error: on_error,
        })
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        // Nothing is dispatched to a closed EventSource, so the listeners may go with it.
        self.source.set_onopen(None);
        self.source.set_onmessage(None);
        self.source.set_onerror(None);
        self.source.close();
    }
}

/// A listener on `window` or `document` that is removed when it is dropped.
pub(super) struct Listener {
    target: web_sys::EventTarget,
    name: &'static str,
    callback: Closure<dyn FnMut()>,
}

impl Listener {
    /// Calls back at every event of that name.
    pub(super) fn new(
        target: &web_sys::EventTarget,
        name: &'static str,
        callback: impl FnMut() + 'static,
    ) -> Result<Self, JsValue> {
        let callback = Closure::new(callback);
        target.add_event_listener_with_callback(name, function(&callback))?;
        Ok(Self {
            target: target.clone(),
            name,
            callback,
        })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // It fails only where there is nothing to remove.
        let _ = self
            .target
            .remove_event_listener_with_callback(self.name, function(&self.callback));
    }
}

fn function<T: ?Sized>(closure: &Closure<T>) -> &js_sys::Function {
    closure.as_ref().unchecked_ref()
}
