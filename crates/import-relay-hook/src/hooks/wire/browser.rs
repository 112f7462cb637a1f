//! By the browser: a reader in WebAssembly would be a third of the hook.

use js_sys::{Array, JSON, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};

use crate::model::{
    job::{ImportMode, ImportStatus, JobId, ProgressEvent, UnixMillis},
    params::{Param, Params},
    progress::UpstreamState,
    reason::Reason,
    refusal::{Elsewhere, Refusal},
};

/// Returns which job the data of an event is of, where it says so.
pub(in crate::hooks) fn job_of(text: &str) -> Option<JobId> {
    let id = Fields::read(text)?.get("jobId").as_string()?;
    id.parse().ok()
}

/// Reads the state of a job.
pub(in crate::hooks) fn state(text: &str) -> Option<ProgressEvent> {
    state_of(&Fields::read(text)?)
}

/// Reads the states of jobs, as the server answers with them.
pub(in crate::hooks) fn states(text: &str) -> Option<Vec<(JobId, ProgressEvent)>> {
    let all: Array = JSON::parse(text).ok()?.dyn_into().ok()?;
    let state = |entry: JsValue| {
        let entry: Array = entry.dyn_into().ok()?;
        let id = entry.get(0).as_string()?.parse().ok()?;
        Some((id, state_of(&Fields::of(entry.get(1))?)?))
    };
    all.iter().map(state).collect()
}

/// Reads how the server stands to the price monitor.
pub(in crate::hooks) fn upstream(text: &str) -> Option<UpstreamState> {
    let state = Fields::read(text)?.get("state").as_string()?;
    Some(match state.as_str() {
        "CONNECTING" => UpstreamState::Connecting,
        "CONNECTED" => UpstreamState::Connected,
        "POLLING" => UpstreamState::Polling,
        "REFUSED" => UpstreamState::Refused,
        _ => return None,
    })
}

/// Reads why the server does not answer.
pub(in crate::hooks) fn refusal(text: &str) -> Option<Refusal> {
    let value = JSON::parse(text).ok()?;
    if let Some(name) = value.as_string() {
        return Some(match name.as_str() {
            "SignedOut" => Refusal::SignedOut,
            "NotFound" => Refusal::NotFound,
            "Forbidden" => Refusal::Forbidden,
            "Unconfirmed" => Refusal::Unconfirmed,
            "PasskeyDue" => Refusal::PasskeyDue,
            "TooMany" => Refusal::TooMany,
            "Internal" => Refusal::Internal,
            _ => return None,
        });
    }
    // One with more to say has its name as a key.
    let fields = Fields::of(value)?;
    if let Some(elsewhere) = fields.get("Elsewhere").as_string() {
        let elsewhere = match elsewhere.as_str() {
            "NoRole" => Elsewhere::NoRole,
            _ => Elsewhere::Unreadable,
        };
        return Some(Refusal::Elsewhere(elsewhere));
    }
    let within = |name| Fields::of(fields.get(name));
    if let Some(throttled) = within("Throttled") {
        let seconds = throttled.count("seconds")?;
        return Some(Refusal::Throttled { seconds });
    }
    if let Some(reason) = within("Unavailable") {
        return Some(Refusal::Unavailable(
            reason.reason("message", "code", "params")?,
        ));
    }
    let reason = within("Invalid")?.reason("message", "code", "params")?;
    Some(Refusal::Invalid(reason))
}

fn state_of(fields: &Fields) -> Option<ProgressEvent> {
    let error = match fields.get("error") {
        none if none.is_undefined() || none.is_null() => None,
        _ => Some(fields.reason("error", "errorCode", "errorParams")?),
    };
    let cancelled = fields.get("cancelled").is_truthy();
    Some(ProgressEvent {
        processed_products: fields.count("processedProducts")?,
        failed_products: fields.count("failedProducts")?,
        total_products: fields.count("totalProducts")?,
        status: fields.word("status", ImportStatus::Pending)?,
        error: error.map(|error| error.with_cancelled(cancelled)),
        mode: fields.word("mode", ImportMode::Import)?,
        completed_at: fields.time("completedAt"),
        failed_product_skus: fields.texts("failedProductSkus"),
    })
}

/// An object.
struct Fields(Object);

impl Fields {
    fn read(text: &str) -> Option<Self> {
        Self::of(JSON::parse(text).ok()?)
    }

    fn of(value: JsValue) -> Option<Self> {
        (value.is_object() && !Array::is_array(&value)).then(|| Self(value.unchecked_into()))
    }

    /// Returns a field; one that is missing is undefined.
    fn get(&self, name: &str) -> JsValue {
        Reflect::get(&self.0, &name.into()).unwrap_or_default()
    }

    /// Reads a number of products; one that is missing is none.
    fn count(&self, name: &str) -> Option<u64> {
        let value = self.get(name);
        if value.is_undefined() {
            return Some(0);
        }
        whole(&value)
    }

    /// Reads a time.
    fn time(&self, name: &str) -> Option<UnixMillis> {
        i64::try_from(whole(&self.get(name))?).ok()
    }

    /// Reads a list of texts.
    fn texts(&self, name: &str) -> Option<Vec<String>> {
        let texts: Array = self.get(name).dyn_into().ok()?;
        texts.iter().map(|text| text.as_string()).collect()
    }

    /// Reads a word; one that is missing is the default.
    fn word<T: std::str::FromStr>(&self, name: &str, default: T) -> Option<T> {
        let value = self.get(name);
        if value.is_undefined() {
            return Some(default);
        }
        value.as_string()?.parse().ok()
    }

    /// Reads an error: its sentence, its code and its parameters.
    fn reason(&self, sentence: &str, code: &str, params: &str) -> Option<Reason> {
        let message = self.get(sentence).as_string()?;
        let params = Self::of(self.get(params)).map(|params| params.params());
        Some(Reason::new(
            message,
            self.get(code).as_string(),
            params.unwrap_or_default(),
        ))
    }

    fn params(&self) -> Params {
        let param = |entry: JsValue| {
            let entry: Array = entry.unchecked_into();
            let value = entry.get(1);
            let value = match value.as_string() {
                Some(text) => Param::Text(text),
                None => Param::Number(whole(&value)?),
            };
            Some((entry.get(0).as_string()?, value))
        };
        Object::entries(&self.0).iter().filter_map(param).collect()
    }
}

/// Reads a whole number that is not negative.
fn whole(value: &JsValue) -> Option<u64> {
    let number = value.as_f64()?;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // it is whole and positive
    let whole = number as u64;
    #[allow(clippy::cast_precision_loss)] // what is lost makes it another number
    let is_it = whole as f64 == number;
    is_it.then_some(whole)
}
