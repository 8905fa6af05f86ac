//! Robots that press the button: mail scanners, previews and test browsers open links and submit forms.
//!
//! It promises that
//! - [`score()`] and [`opening()`] are pure and total: what is known of a form's post, or of the opening of a link, gives points
//!   and the reasons for them, the same every time, and no text makes them panic;
//! - no single thing that an honest browser may lack (`Sec-Fetch-*`, a language, an origin) is enough to suspect it;
//! - what is suspected is not refused, but asked a question that differs in kind from a box and a button:
//!   [`challenge`]. Its answer is in no field of the page, and a question takes one answer.
//!
//! A robot that was written for this site, waits a while and copies a browser's headers passes. What this stops is
//! software that presses what it finds, and what it cannot stop it leaves a record of. `docs/ROBOTS.md` has the weights.

mod agents;
pub mod challenge;
mod score;

pub use agents::Claim;
pub use score::{Reason, Signals, Suspicion, THRESHOLD, is_unbound, opening, says_robot, score};
