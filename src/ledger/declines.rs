//! Refusals and withdrawals being decided, and how one is taken back.

use super::consent::{Binding, FormId};
use super::decide::{Answer, ClosedReason};
use super::events::{Actor, Facts, Kind};
use super::state::{Declined, EndReason, MAX_SUSPECTED, MAX_UNDONE, State};
use super::transition::Transition;

impl Transition<'_> {
    /// A no is a no, whichever button it came by: a refusal before any consent, a withdrawal after. It is heard
    /// on a cancelled and on an expired letter too. `browser` may take it back for a while.
    pub(super) fn refuse_or_withdraw(&mut self, terms: Option<[u8; 32]>, browser: Option<Binding>) -> Answer {
        if let Some(answer) = self.declined_already() {
            // Said once more by another way, it is final.
            if browser.is_none() {
                self.next.declined = None;
            }
            return answer;
        }
        // Whoever says no read them on a page that was fetched ahead.
        if let Some(shown) = terms.filter(|_| self.by == Actor::Recipient) {
            self.notice_unseen(shown);
        }
        let before = self.next.state;
        let consents = core::mem::take(&mut self.next.consents);
        let (terms, answer) = match before {
            State::Consented | State::Accepted => {
                let terms = terms.or(self.next.terms);
                self.record(Kind::ConsentWithdrawn, self.by, terms, Facts::default());
                self.next.state = State::Withdrawn;
                (terms, Answer::Withdrawn)
            }
            _ => {
                self.record(Kind::ConsentRefused, self.by, terms, Facts::default());
                self.next.state = State::Refused;
                (terms, Answer::Refused)
            }
        };
        self.next.declined_by = Some(self.by);
        let undoable = self.next.end_reason.is_none() && self.next.undone < MAX_UNDONE;
        let browser = browser.filter(|_| undoable && self.by == Actor::Recipient);
        self.next.declined =
            browser.map(|browser| Declined { browser, at: self.at, terms, before, consents });
        answer
    }

    /// The answer to a no that is on record, or that no record can be made of any more.
    fn declined_already(&self) -> Option<Answer> {
        match (self.next.end_reason, self.next.state) {
            (Some(EndReason::Erased), _) => Some(Answer::Closed(ClosedReason::Erased)),
            (_, State::Refused) => Some(Answer::Refused),
            (_, State::Withdrawn) => Some(Answer::Withdrawn),
            _ => None,
        }
    }

    pub(super) fn decline(
        &mut self,
        terms: Option<[u8; 32]>,
        form: Option<FormId>,
        browser: Option<Binding>,
    ) -> Answer {
        // What was doubted once is no better for being sent again.
        match form.filter(|form| self.next.doubted.contains(form)) {
            Some(form) => self.suspect_decline(terms, form),
            None => self.refuse_or_withdraw(terms, browser),
        }
    }

    /// Every post is recorded, as long as they are few. However many there are, the next is asked: nothing that robots do keeps a
    /// person from saying no.
    pub(super) fn suspect_decline(&mut self, terms: Option<[u8; 32]>, form: FormId) -> Answer {
        if let Some(answer) = self.declined_already() {
            return answer;
        }
        if self.next.suspected.count < MAX_SUSPECTED {
            self.record(Kind::RobotSuspected, Actor::Robot, terms, Facts::default());
            self.next.suspected.add(self.at);
        }
        self.spend(form);
        Answer::Suspected
    }

    pub(super) fn confirm_decline(
        &mut self,
        terms: Option<[u8; 32]>,
        question: FormId,
        right: bool,
        browser: Option<Binding>,
    ) -> Answer {
        if right && !self.next.doubted.contains(&question) {
            return self.refuse_or_withdraw(terms, browser);
        }
        self.suspect_decline(terms, question)
    }

    /// Both stay on record, and everything is as it was before the no.
    pub(super) fn undo(&mut self, browser: Binding) -> Answer {
        let Some(reason) = self.closed() else { return Answer::Undone };
        let may = self.next.undoable(self.at).is_some_and(|(theirs, _)| theirs.is(Some(browser)));
        match self.next.declined.take() {
            Some(declined) if may => {
                let withdrawn = self.next.state == State::Withdrawn;
                let kind = if withdrawn { Kind::WithdrawalRevoked } else { Kind::RefusalRevoked };
                self.record(kind, self.by, declined.terms, Facts::default());
                self.next.state = declined.before;
                self.next.declined_by = None;
                self.next.consents = declined.consents;
                self.next.undone = self.next.undone.saturating_add(1);
                Answer::Undone
            }
            declined => {
                self.next.declined = declined;
                Answer::Closed(reason)
            }
        }
    }
}
