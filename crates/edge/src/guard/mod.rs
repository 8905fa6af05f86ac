//! The guard at the edge: asks the pure guard what to do with a request, reports strikes to the sentinels, and
//! keeps the snapshot that both need.

mod dry_runs;
mod fresh;
mod gate;
pub(crate) mod isolate;
mod limits;

pub(crate) use gate::{Ruling, is_flood, rule, settings_here};
pub(crate) use limits::{Limit, Limits};
