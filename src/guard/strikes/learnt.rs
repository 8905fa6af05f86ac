//! What a sentinel tells others of what it knows.

use serde::{Deserialize, Serialize};

use crate::guard::snapshot::{Ban, Spare};
use crate::types::UnixSeconds;

/// What the publisher asks every sentinel for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Learnt {
    /// Bans, in any order.
    pub bans: Vec<Ban>,
    /// Who is trusted, in any order.
    pub spared: Vec<Spare>,
    /// AS numbers and how many of their networks are banned, by number. All of them, whatever was asked for:
    /// [`super::strict_systems`] adds up what the sentinels say.
    pub networks: Vec<(u32, u32)>,
    /// When the next of all bans or trusts ends.
    pub next_end: Option<UnixSeconds>,
}

/// How many rows of each kind there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Census {
    /// Clients with points and no ban.
    pub watched: usize,
    /// Banned clients.
    pub banned: usize,
    /// Banned networks.
    pub networks: usize,
    /// Trusted clients.
    pub trusted: usize,
}
