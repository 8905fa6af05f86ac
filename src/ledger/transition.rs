//! One command being decided, rule by rule.

use super::consent::FormId;
use super::decide::{Answer, ClosedReason, Command, Decision, Entropy};
use super::events::{Actor, ConsentId, EventId, Facts, Kind, NewEvent};
use super::state::{
    ChallengeState, EndReason, LiveConsent, MAX_CONSENTS, MAX_DOUBTED, MAX_EXPORTS, MAX_MESSAGES,
    MAX_NOTICED, MAX_NOTICES, MAX_PINS_FAILED, MAX_REPEATS, MAX_SUSPECTED, Snapshot, State, TermsHash,
};
use crate::types::{UnixMillis, UnixSeconds};

const SECONDS_PER_DAY: u64 = 86_400;

/// For so long a form that comes once more is the same browser's: two minutes.
const SAME_FORM_MILLIS: u64 = 120_000;

/// One command being decided.
pub(super) struct Transition<'a> {
    pub(super) next: Snapshot,
    events: Vec<NewEvent>,
    /// Who gave the command.
    pub(super) by: Actor,
    pub(super) at: UnixMillis,
    entropy: &'a Entropy,
}

impl<'a> Transition<'a> {
    pub(super) fn new(snapshot: &Snapshot, by: Actor, at: UnixMillis, entropy: &'a Entropy) -> Self {
        Self { next: snapshot.clone(), events: Vec::new(), by, at, entropy }
    }

    pub(super) fn decided(self, answer: Answer) -> Decision {
        Decision { answer, events: self.events, next: self.next }
    }

    pub(super) fn answer(&mut self, command: &Command) -> Answer {
        if let Command::Seal { not_after, retention_days, names, terms, ends_soon } = *command {
            return self.seal(not_after, retention_days, names, terms, ends_soon);
        }
        if !self.next.is_sealed() {
            return Answer::Closed(ClosedReason::Missing);
        }
        // Whoever comes first after the end finds it expired, even when the alarm has not fired yet.
        self.expire_if_due();
        match *command {
            Command::Seal { .. } => Answer::Sealed,
            Command::Open { browser, terms } => self.open(browser, terms),
            Command::Suspect { terms, form } => self.suspect(terms, form),
            Command::Consent { terms, form, browser } => self.consent(terms, form, browser),
            Command::Confirm { terms, question, right, browser } => {
                self.confirm(terms, question, right, browser)
            }
            Command::Decline { terms, form, browser } => self.decline(terms, form, browser),
            Command::SuspectDecline { terms, form } => self.suspect_decline(terms, form),
            Command::ConfirmDecline { terms, question, right, browser } => {
                self.confirm_decline(terms, question, right, browser)
            }
            Command::Undo { browser } => self.undo(browser),
            Command::Withdraw => self.refuse_or_withdraw(None, None),
            Command::Report { consent, begin } => self.report(consent, begin),
            Command::Streamed { consent, bytes, complete } => self.streamed(consent, bytes, complete),
            Command::Accept { consent } => self.accept(consent),
            Command::Message { consent } => self.message(consent),
            Command::PinFailed => self.pin_failed(),
            Command::Export => self.export(),
            Command::Cancel => self.cancel(),
            Command::Reissue { not_after, ends_soon } => self.reissue(not_after, ends_soon),
            Command::Expire => match self.next.end_reason {
                None => self.end_nears(),
                Some(EndReason::Expired) => Answer::Expired,
                Some(reason) => Answer::Closed(closed_reason(reason)),
            },
            Command::ExpiredOpen if self.next.reissues > 0 && self.closed().is_none() => {
                Answer::Reissued(self.next.not_after)
            }
            Command::ExpiredOpen => {
                let reason = self.closed().unwrap_or(ClosedReason::Expired);
                self.record_attempt(reason);
                Answer::Closed(reason)
            }
            Command::Erase => self.erase(),
        }
    }

    fn seal(
        &mut self,
        not_after: UnixSeconds,
        retention_days: u32,
        names: [u8; 32],
        terms: Option<TermsHash>,
        ends_soon: Option<UnixSeconds>,
    ) -> Answer {
        if !self.next.is_sealed() {
            self.next.not_after = not_after;
            self.next.ends_soon = ends_soon.filter(|at| self.at < at.millis() && *at < not_after);
            self.next.pinned = terms.map(|terms| terms.0);
            let retention = u64::from(retention_days).saturating_mul(SECONDS_PER_DAY);
            self.next.delete_after = UnixSeconds(not_after.0.saturating_add(retention));
            self.record(Kind::Sealed, Actor::Sender, Some(names), Facts::default());
        }
        Answer::Sealed
    }

    fn open(&mut self, browser: Option<ConsentId>, terms: Option<[u8; 32]>) -> Answer {
        if let Some(reason) = self.closed() {
            self.record_attempt(reason);
            return Answer::Closed(reason);
        }
        self.record_opened();
        match browser {
            Some(consent) if self.next.is_live(consent) => return Answer::Letter(consent),
            _ => {}
        }
        match terms.map(TermsHash) {
            Some(terms) if self.by == Actor::Robot => self.note_unseen(terms),
            Some(TermsHash(terms)) => self.record_notice(terms),
            None => {}
        }
        Answer::Envelope
    }

    /// What a program fetches was not put before anybody yet.
    fn note_unseen(&mut self, terms: TermsHash) {
        let known = self.next.unseen.contains(&terms) || self.next.noticed.contains(&terms);
        if !known {
            if self.next.unseen.len() >= MAX_NOTICED {
                self.next.unseen.remove(0);
            }
            self.next.unseen.push(terms);
        }
    }

    /// Whoever answers a page that was fetched ahead has read the terms on it.
    pub(super) fn notice_unseen(&mut self, terms: [u8; 32]) {
        if self.next.unseen.contains(&TermsHash(terms)) && !self.next.noticed.contains(&TermsHash(terms)) {
            self.record_notice(terms);
        }
    }

    /// Other terms than before (another language, a new version) are recorded at once, the same ones by the hour.
    fn record_notice(&mut self, terms: [u8; 32]) {
        let shown = TermsHash(terms);
        let new = !self.next.noticed.contains(&shown);
        if new {
            // The oldest gives way: whoever has the page of it open is shown it again.
            if self.next.noticed.len() >= MAX_NOTICED {
                self.next.noticed.remove(0);
            }
            self.next.noticed.push(shown);
        }
        if (new && self.next.notices.count < MAX_NOTICES) || self.next.notices.due(self.at, MAX_NOTICES) {
            self.record(Kind::NoticeShown, self.by, Some(terms), Facts::default());
            self.next.notices.add(self.at);
        }
    }

    /// Whether these are the terms that the letter pins, or else terms that were shown.
    fn takes_terms(&self, terms: [u8; 32]) -> bool {
        let shown = TermsHash(terms);
        match self.next.pinned {
            Some(pinned) => pinned == terms,
            None => self.next.noticed.contains(&shown) || self.next.unseen.contains(&shown),
        }
    }

    /// Programs that give wrong answers use up none of the answers of people.
    fn challenge(&mut self) -> &mut ChallengeState {
        if self.by == Actor::Robot { &mut self.next.program_challenge } else { &mut self.next.challenge }
    }

    /// Every post is recorded, as long as they are few.
    fn suspect(&mut self, terms: [u8; 32], form: FormId) -> Answer {
        if let Some(reason) = self.closed() {
            self.record_attempt(reason);
            return Answer::Closed(reason);
        }
        if self.next.suspected.count < MAX_SUSPECTED {
            self.record(Kind::RobotSuspected, Actor::Robot, Some(terms), Facts::default());
            self.next.suspected.add(self.at);
        }
        self.spend(form);
        let at = self.at;
        if self.challenge().is_shut(at) { Answer::Limit } else { Answer::Suspected }
    }

    /// From now on this form gives no new consent.
    pub(super) fn spend(&mut self, form: FormId) {
        if !self.next.doubted.contains(&form) {
            // The oldest gives way: whoever fills the list has as many forms to begin with.
            if self.next.doubted.len() >= MAX_DOUBTED {
                self.next.doubted.remove(0);
            }
            self.next.doubted.push(form);
        }
    }

    /// The right answer is a consent. A question that was answered wrongly takes no second answer, and after some wrong ones
    /// nobody is asked for a while: else whoever tries all the words would come to the right one.
    fn confirm(
        &mut self,
        terms: [u8; 32],
        question: FormId,
        right: bool,
        browser: Option<ConsentId>,
    ) -> Answer {
        let at = self.at;
        if self.closed().is_some() || (right && self.challenge().takes(question, at)) {
            let answer = self.consent(terms, question, browser);
            // One question, one consent.
            self.spend(question);
            return answer;
        }
        if !right {
            self.challenge().add(question, at);
        }
        self.suspect(terms, question)
    }

    fn message(&mut self, consent: Option<ConsentId>) -> Answer {
        if let Some(reason) = self.closed() {
            self.record_attempt(reason);
            return Answer::Closed(reason);
        }
        if self.by != Actor::Sender && !consent.is_some_and(|consent| self.next.is_live(consent)) {
            return Answer::Envelope;
        }
        if self.next.messages.count >= MAX_MESSAGES {
            return Answer::Limit;
        }
        self.record(Kind::Message, self.by, None, Facts::default());
        self.next.messages.add(self.at);
        Answer::Noted
    }

    fn pin_failed(&mut self) -> Answer {
        if let Some(reason) = self.closed() {
            self.record_attempt(reason);
            return Answer::Closed(reason);
        }
        if self.next.pins_failed.count >= MAX_PINS_FAILED {
            return Answer::Limit;
        }
        self.record(Kind::PinFailed, self.by, None, Facts::default());
        self.next.pins_failed.add(self.at);
        Answer::Noted
    }

    /// In every state: what is over has evidence too. It is handed out however often it was before; only the record of that
    /// has an end.
    fn export(&mut self) -> Answer {
        if self.next.exports.count < MAX_EXPORTS {
            self.record(Kind::EvidenceExported, Actor::Sender, None, Facts::default());
            self.next.exports.add(self.at);
        }
        Answer::Exported
    }

    fn consent(&mut self, terms: [u8; 32], form: FormId, browser: Option<ConsentId>) -> Answer {
        if let Some(reason) = self.closed() {
            self.record_attempt(reason);
            return Answer::Closed(reason);
        }
        // A double tap or a repeat after a lost answer is the same consent. Later the form is somebody else's copy.
        let again = |live: &&LiveConsent| {
            live.form == form && self.at.0.saturating_sub(live.at.0) <= SAME_FORM_MILLIS
        };
        let held = self.next.consents.iter().find(|live| Some(live.id) == browser || again(live));
        if let Some(live) = held {
            return Answer::Consented(live.id);
        }
        // What was doubted once is no better for being sent again, however long it waited.
        if self.next.doubted.contains(&form) {
            return self.suspect(terms, form);
        }
        if !self.takes_terms(terms) {
            return Answer::OtherTerms;
        }
        // Whoever holds the link and has a program cannot use up what is there for people.
        let program = self.by == Actor::Robot;
        if program && !self.next.program_consents.allows(self.at) {
            return Answer::ProgramLimit;
        }
        if !program && self.next.consents_given >= MAX_CONSENTS {
            return Answer::ConsentLimit;
        }
        self.notice_unseen(terms);
        let Some(event) = self.record(Kind::ConsentGiven, self.by, Some(terms), Facts::default()) else {
            return Answer::Envelope;
        };
        let id = ConsentId(event);
        self.next.consents.push(LiveConsent { id, at: self.at, form, begun: false, streamed: false });
        if program {
            self.next.program_consents.add(self.at);
        } else {
            self.next.consents_given = self.next.consents_given.saturating_add(1);
        }
        self.next.terms = Some(terms);
        if self.next.state != State::Accepted {
            self.next.state = State::Consented;
        }
        Answer::Consented(id)
    }

    fn report(&mut self, consent: ConsentId, begin: bool) -> Answer {
        if let Some(reason) = self.closed() {
            self.record_attempt(reason);
            return Answer::Closed(reason);
        }
        let Some(live) = self.next.consents.iter_mut().find(|live| live.id == consent) else {
            return Answer::Envelope;
        };
        // Were the process to die while it sends, nothing else would say that bytes had left.
        if begin && !core::mem::replace(&mut live.begun, true) {
            let facts = Facts { bytes: Some(0), complete: Some(false), consent: Some(consent) };
            self.record(Kind::ReportStreamed, self.by, None, facts);
        }
        Answer::Letter(consent)
    }

    /// Bytes count even when the letter was closed while they went out: they did go out.
    fn streamed(&mut self, consent: ConsentId, bytes: u64, complete: bool) -> Answer {
        if self.next.end_reason == Some(EndReason::Erased) {
            return Answer::Closed(ClosedReason::Erased);
        }
        if self.next.consents_given == 0 && self.next.program_consents.given == 0 {
            return Answer::Envelope;
        }
        self.next.untold_bytes = self.next.untold_bytes.saturating_add(bytes);
        // After the end nothing may come that would tell them.
        let last = self.closed().is_some();
        let live = self.next.consents.iter_mut().find(|live| live.id == consent);
        let first = live.is_some_and(|live| !core::mem::replace(&mut live.streamed, true));
        let within = self.next.streamed.count < MAX_REPEATS;
        if ((first || last) && within) || self.next.streamed.due(self.at, MAX_REPEATS) {
            let bytes = Some(self.next.untold_bytes);
            let facts = Facts { bytes, complete: Some(complete), consent: Some(consent) };
            self.record(Kind::ReportStreamed, self.by, None, facts);
            self.next.streamed.add(self.at);
            self.next.untold_bytes = 0;
        }
        Answer::Counted
    }

    fn accept(&mut self, consent: ConsentId) -> Answer {
        if let Some(reason) = self.closed() {
            self.record_attempt(reason);
            return Answer::Closed(reason);
        }
        if !self.next.is_live(consent) {
            return Answer::Envelope;
        }
        if self.next.state != State::Accepted {
            let terms = self.next.terms;
            self.record(Kind::Accepted, self.by, terms, Facts::default());
            self.next.state = State::Accepted;
        }
        Answer::Accepted
    }

    fn erase(&mut self) -> Answer {
        if self.next.end_reason != Some(EndReason::Erased) {
            self.record(Kind::Erased, self.by, None, Facts::default());
            self.end(EndReason::Erased);
        }
        Answer::Erased
    }

    /// Someone stands before a closed letter. After a no, nothing more is recorded about them.
    fn record_attempt(&mut self, reason: ClosedReason) {
        match reason {
            ClosedReason::Cancelled => self.record_opened(),
            ClosedReason::Expired if self.by == Actor::Robot => self.record_opened(),
            ClosedReason::Expired if self.next.expired_opens.due(self.at, MAX_REPEATS) => {
                self.record(Kind::ExpiredOpenAttempt, self.by, None, Facts::default());
                self.next.expired_opens.add(self.at);
            }
            _ => {}
        }
    }

    /// What programs do does not keep what people do off the record: each has its own count.
    fn record_opened(&mut self) {
        if self.by == Actor::Robot {
            if self.next.fetched.due(self.at, MAX_REPEATS) {
                self.record(Kind::Fetched, self.by, None, Facts::default());
                self.next.fetched.add(self.at);
            }
            return;
        }
        if self.next.opened.due(self.at, MAX_REPEATS) {
            self.record(Kind::Opened, self.by, None, Facts::default());
            self.next.opened.add(self.at);
        }
        if self.next.state == State::Sealed {
            self.next.state = State::Opened;
        }
    }

    pub(super) fn closed(&self) -> Option<ClosedReason> {
        match (self.next.end_reason, self.next.state) {
            (Some(reason), _) => Some(closed_reason(reason)),
            (None, State::Refused) => Some(ClosedReason::Refused),
            (None, State::Withdrawn) => Some(ClosedReason::Withdrawn),
            (None, _) => None,
        }
    }

    pub(super) fn end(&mut self, reason: EndReason) {
        self.next.end_reason = Some(reason);
        self.next.consents.clear();
        self.next.declined = None;
    }

    pub(super) fn record(
        &mut self,
        kind: Kind,
        actor: Actor,
        terms: Option<[u8; 32]>,
        facts: Facts,
    ) -> Option<EventId> {
        // There is entropy for the longest decision (`the_longest_commands_record_all_they_mean` in the tests).
        let [r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, nonce @ ..] = *self.entropy.0.get(self.events.len())?;
        let id = EventId::v7(self.at, [r0, r1, r2, r3, r4, r5, r6, r7, r8, r9]);
        self.events.push(NewEvent { id, kind, at: self.at, actor, terms, facts, nonce });
        Some(id)
    }
}

pub(super) const fn closed_reason(reason: EndReason) -> ClosedReason {
    match reason {
        EndReason::Cancelled => ClosedReason::Cancelled,
        EndReason::Expired => ClosedReason::Expired,
        EndReason::Erased => ClosedReason::Erased,
    }
}
