//! The silent answer: what a stranger, a robot, a forger and a blocked client get, and what a page that does
//! not exist gets. One function, no argument, so no two of them can differ.

use super::headers::{self, Kind};

/// An answer as plain data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silent {
    /// Always 404.
    pub status: u16,
    /// Every header, in a fixed order.
    pub headers: Vec<(&'static str, &'static str)>,
    /// The body; an answer to HEAD leaves it out.
    pub body: &'static str,
}

/// The one silent answer.
pub fn silent() -> Silent {
    Silent { status: 404, headers: headers::all(Kind::Silent).collect(), body: "Not found\n" }
}
