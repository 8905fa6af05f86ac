//! Strikes and bans: what one sentinel knows. A pure state machine; the shell keeps what it says has changed.
//!
//! A client's points are stored as the moment at which they will have faded to nothing ([`Watched::clear_at`]), so
//! fading costs nothing and a strike is one addition: the leaky bucket as in GCRA. Strikes and bans end with the
//! day at the latest.
//!
//! Memory is bounded ([`Caps`]). When a table is full, the client whose points fade first is forgotten; of banned
//! clients, first those whose network is banned anyway, then the oldest.

mod bounded;
mod export;
mod journal;
mod record;
mod state;

pub use export::{RowCounts, SentinelExport, strict_asns};
pub use journal::{Event, EventKind, Journal, NewEvent};
pub use record::{BanRecord, Caps, Change, Offence, Outcome, Strike, StrikeStanding, Watched};
pub use state::SentinelState;
