//! The guard: who gets an answer at all.
//!
//! It promises that
//! - an address, network, AS number or country that operators allow is never refused and never banned, whatever else
//!   stands in the rules or was learnt from strikes;
//! - who holds a genuine link is refused by an operator's deny rule and, in the strict profile, by a ban; a right API key by
//!   nothing;
//! - a look-up ([`Overlay::lookup`]) reads the compiled snapshot in place: no parsing, no allocation, no I/O;
//! - bytes that are not a whole, sound snapshot are refused ([`Snapshot::validate`]), never half used;
//! - what attackers do costs bounded memory: ten million addresses fit into the same caps as ten
//!   ([`SentinelState`]);
//! - bans end with the day, by themselves.
//!
//! The way of the data: operators write [`Rules`] (TOML); [`SentinelState`] turns strikes into bans; [`compile`] makes
//! both into a flat [`Snapshot`]; for each request [`decide`] takes the look-up's [`Verdict`] and says what to do.
//! `docs/GUARD.md` explains how to tune it.

pub mod address;
pub mod agents;
mod checked;
mod day;
pub mod diff;
pub mod pattern;
pub mod policy;
mod reason;
pub mod review;
pub mod rules;
mod settings;
pub mod snapshot;
pub mod strikes;

pub use address::{AddressError, ClientKey, Network, NetworkError};
pub use agents::{Agent, AgentKind, recognise, recognise_network};
pub use checked::Checked;
pub use day::next_day;
pub use policy::{Decision, Request, RequestClass, Response, decide, is_limited_as_banned};
pub use reason::{Reason, StrikeKind};
pub use rules::{Rules, RulesError};
pub use settings::{CrawlerPolicy, PreviewPolicy, Profile, Settings, SiteGuard, Thresholds};
pub use snapshot::{
    Ban, ClientFacts, Compiled, Dynamic, MAX_SNAPSHOT_BYTES, Overlay, Snapshot, SnapshotError, Standing,
    Stored, Verdict, compile,
};
pub use strikes::{Change, Offence, Outcome, SentinelState, Strike};
