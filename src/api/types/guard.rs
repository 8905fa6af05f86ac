//! The guard: bans, rules, events, and how it stands.

use crate::api::schema::messages;
use crate::guard::diff::RulesDiff;
use crate::guard::review::Warning;
use crate::guard::rules::Diagnostic;
use crate::guard::strikes::{BanRecord, Event};
use crate::guard::{Network, Profile};
use crate::types::{UnixMillis, UnixSeconds};

messages! {
    /// How the guard stands.
    GuardStatus {
        /// When the publisher said so.
        at: UnixSeconds,
        /// Of the newest snapshot; 0 before the first.
        generation: u64,
        /// Of the base that it lies over.
        base: u64,
        /// When it was made.
        made_at: UnixSeconds,
        /// In force.
        profile: Profile,
        /// In force; null: the defaults.
        rules: Option<RulesVersion>,
        /// Rules in KV that are not.
        refused: Option<RulesRefused>,
        /// Bans that went into wider ones in the newest base, because there were too many.
        merged: usize,
        /// Bans that did not fit into it.
        dropped: usize,
        /// What rules in dry run would have changed, since these rules are in force.
        dry_run: Vec<DryRun>,
        /// When bans end.
        day_ends_at: UnixSeconds,
        /// Each.
        sentinels: Vec<SentinelStatus>,
        /// The one that answers this.
        isolate: IsolateStatus,
    }
    /// Requests that something in dry run would have answered otherwise.
    #[derive(Eq)]
    DryRun {
        /// The line of the rules; null for what is shipped, learnt, or a setting.
        line: Option<u32>,
        /// Why it would have.
        reason: String,
        /// What was answered.
        now: String,
        /// What would have been.
        would: String,
        /// How many requests.
        requests: u64,
    }
    /// What a sentinel holds.
    SentinelStatus {
        /// Its number.
        shard: u32,
        /// Clients with points and no ban.
        watched: usize,
        /// Banned clients.
        banned: usize,
        /// Banned networks.
        networks: usize,
    }
    /// What an isolate goes by, which may be a refresh behind.
    IsolateStatus {
        /// Of its snapshot; 0 before the first.
        generation: u64,
        /// Of the settings, in place of that of the rules.
        profile: Option<Profile>,
    }
    /// A page of the bans.
    Bans {
        /// Those of this page.
        bans: Vec<BanView>,
        /// What the next question says in `after`.
        next: Option<String>,
    }
    /// A ban that holds.
    BanView {
        /// An address or network.
        target: Network,
        /// Since when.
        since: UnixSeconds,
        /// Until when.
        until: UnixSeconds,
        /// Why.
        reason: String,
        /// The number of its AS, if it is known.
        asn: Option<u32>,
        /// It refuses nobody.
        dry_run: bool,
    }
    /// A ban to make.
    #[serde(deny_unknown_fields)]
    BanRequest {
        /// An address or network.
        target: String,
        /// Until when; the end of the day, if it is not said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<UnixSeconds>,
    }
    /// A ban that was made.
    BanMade {
        /// An address or network.
        target: String,
        /// Until when.
        until: UnixSeconds,
    }
    /// Bans that were lifted.
    BansLifted {
        /// An address or network.
        target: String,
        /// How many.
        lifted: u32,
    }
    /// Rules that were put in force.
    #[derive(Eq)]
    RulesVersion {
        /// From 1.
        version: u64,
        /// Of the text.
        sha256: String,
        /// Since when they hold, or held.
        accepted_at: UnixSeconds,
        /// How many entries the text has.
        entries: usize,
    }
    /// Rules in KV that are refused; those before them stay in force.
    #[derive(Eq)]
    RulesRefused {
        /// Of the text.
        sha256: String,
        /// Since when.
        at: UnixSeconds,
        /// Why.
        diagnostics: Vec<Diagnostic>,
    }
    /// A text of rules.
    RulesText tag version {
        /// 0 when there are none, and the defaults hold.
        version: u64,
        /// Byte for byte.
        text: String,
    }
    /// What became of rules that were put, or would have.
    RulesPut tag version {
        /// In force now; 0 for the defaults.
        version: u64,
        /// Of the version.
        rules: Option<RulesVersion>,
        /// In force now.
        profile: Profile,
        /// They were in force already.
        unchanged: bool,
        /// What they change against those that were in force.
        diff: RulesDiff,
        /// What cannot be meant.
        warnings: Vec<Warning>,
    }
    /// Versions of the rules.
    RulesHistory {
        /// In force now; 0 for the defaults.
        version: u64,
        /// At most 20, newest first.
        history: Vec<RulesVersion>,
    }
    /// Which rules to put back.
    #[serde(deny_unknown_fields)]
    RulesRollback {
        /// As the history has it.
        version: u64,
    }
    /// What happened at the guard, oldest first.
    GuardEvents {
        /// Each.
        events: Vec<GuardEvent>,
        /// What the next question says in `after`.
        next: String,
    }
    /// A ban that was made or lifted.
    GuardEvent {
        /// When.
        at: UnixMillis,
        /// `banned`, `network_banned`, `banned_by_ops` or `lifted`.
        kind: String,
        /// An address or network.
        target: Network,
        /// Why the ban was made.
        reason: String,
        /// The number of its AS, if it is known.
        asn: Option<u32>,
    }
}

impl From<(Network, BanRecord)> for BanView {
    fn from((target, ban): (Network, BanRecord)) -> Self {
        let BanRecord { since, until, reason, asn, dry_run } = ban;
        Self { target, since, until, reason: reason.code().to_owned(), asn, dry_run }
    }
}

impl From<Event> for GuardEvent {
    fn from(event: Event) -> Self {
        let Event { at, kind, target, reason, asn, .. } = event;
        Self { at, kind: kind.code().to_owned(), target, reason: reason.code().to_owned(), asn }
    }
}

impl DryRun {
    /// Whether both count the same.
    pub fn is_like(&self, other: &Self) -> bool {
        let Self { line, reason, now, would, requests: _ } = self;
        *line == other.line && *reason == other.reason && *now == other.now && *would == other.would
    }
}
