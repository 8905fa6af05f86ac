//! How a letter ends, comes near its end, and gets another one.

use super::decide::{Answer, ClosedReason};
use super::events::{Actor, Facts, Kind};
use super::state::{EndReason, MAX_REISSUES, State};
use super::transition::{Transition, closed_reason};
use crate::types::UnixSeconds;

/// Ends that are no further apart are one: a minute.
const SAME_END_SECONDS: u64 = 60;

impl Transition<'_> {
    pub(super) fn expire_if_due(&mut self) {
        if self.next.end_reason.is_some() || self.at < self.next.not_after.millis() {
            return;
        }
        self.record(Kind::Expired, Actor::System, None, Facts::default());
        if matches!(self.next.state, State::Sealed | State::Opened) {
            self.record(Kind::Ignored, Actor::System, None, Facts::default());
        }
        self.end(EndReason::Expired);
    }

    /// Whoever has answered for good needs no reminder.
    pub(super) fn end_nears(&mut self) -> Answer {
        if self.next.ends_soon.is_some_and(|at| at.millis() <= self.at) {
            self.next.ends_soon = None;
            if self.closed().is_none() && self.next.state != State::Accepted {
                self.record(Kind::EndsSoon, Actor::System, None, Facts::default());
            }
        }
        Answer::NotDue
    }

    pub(super) fn reissue(&mut self, not_after: UnixSeconds, ends_soon: Option<UnixSeconds>) -> Answer {
        let reason = match self.closed() {
            None | Some(ClosedReason::Expired | ClosedReason::Cancelled) => None,
            reason => reason,
        };
        // A no stands, also behind an end.
        let no = match self.next.state {
            State::Refused => Some(ClosedReason::Refused),
            State::Withdrawn => Some(ClosedReason::Withdrawn),
            _ => None,
        };
        if let Some(reason) = reason.or(no) {
            return Answer::Closed(reason);
        }
        let is_open = self.next.end_reason.is_none();
        // Nearly the same is the same: a request that is sent again names its end a moment later.
        if is_open && not_after.0 <= self.next.not_after.0.saturating_add(SAME_END_SECONDS) {
            return Answer::Reissued(self.next.not_after);
        }
        if not_after.millis() <= self.at || self.next.delete_after.millis() <= self.at {
            return Answer::Closed(ClosedReason::Expired);
        }
        if self.next.reissues >= MAX_REISSUES {
            return Answer::Limit;
        }
        let retention = self.next.delete_after.0.saturating_sub(self.next.not_after.0);
        // What was cancelled before its end is over no sooner than it was to be.
        self.next.not_after = not_after.max(self.next.not_after);
        self.next.delete_after = UnixSeconds(self.next.not_after.0.saturating_add(retention));
        self.next.ends_soon = ends_soon.filter(|at| self.at < at.millis() && *at < self.next.not_after);
        self.next.end_reason = None;
        self.next.reissues = self.next.reissues.saturating_add(1);
        self.record(Kind::Reissued, Actor::Sender, None, Facts::default());
        Answer::Reissued(self.next.not_after)
    }

    pub(super) fn cancel(&mut self) -> Answer {
        match self.next.end_reason {
            Some(EndReason::Cancelled) => Answer::Cancelled,
            Some(reason) => Answer::Closed(closed_reason(reason)),
            None => {
                self.record(Kind::Cancelled, Actor::Sender, None, Facts::default());
                self.end(EndReason::Cancelled);
                Answer::Cancelled
            }
        }
    }
}
