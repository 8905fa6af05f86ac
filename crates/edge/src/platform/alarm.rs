//! The alarm of a Durable Object: one moment at which the platform wakes it.

use js_sys::Date;
use wasm_bindgen::JsValue;
use worker::{ScheduledTime, State};

use super::error::Fault;
use waxseal::types::UnixMillis;

/// Sets the alarm, in place of an earlier one.
pub(crate) async fn set(state: &State, at: UnixMillis) -> Result<(), Fault> {
    // The platform refuses 0, which for us is as good as any other time that is over.
    let date = Date::new(&JsValue::from_f64(at.0.max(1) as f64));
    state.storage().set_alarm(ScheduledTime::new(date)).await.map_err(|e| Fault::new("alarm", e))
}

/// Sets the alarm unless it rings earlier anyway.
pub(crate) async fn set_by(state: &State, at: UnixMillis) -> Result<(), Fault> {
    let set_for = state.storage().get_alarm().await.map_err(|e| Fault::new("alarm", e))?;
    let earlier = set_for.and_then(|millis| u64::try_from(millis).ok()).is_some_and(|millis| millis <= at.0);
    if earlier { Ok(()) } else { set(state, at).await }
}

/// Sets the alarm unless it is set.
pub(crate) async fn set_unless_set(state: &State, at: UnixMillis) -> Result<(), Fault> {
    match state.storage().get_alarm().await.map_err(|e| Fault::new("alarm", e))? {
        Some(_) => Ok(()),
        None => set(state, at).await,
    }
}
