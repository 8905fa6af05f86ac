//! What the guard says of one client: made here, for the edge and for whoever has the rules alone.

use super::guard::BanView;
use crate::api::schema::messages;
use crate::guard::snapshot::{Cause, Overlay};
use crate::guard::{
    AgentKind, ClientFacts, Request, RequestClass, Settings, Verdict, decide, recognise, recognise_network,
};
use crate::types::UnixSeconds;

messages! {
    /// What the guard knows of a client, and how it answers it.
    Explanation {
        /// As the guard counts it: an IPv4 address or an IPv6 /64.
        client: String,
        /// `clear`, `allowed`, `denied`, `address_banned` or `network_banned`.
        standing: String,
        /// By which rule or ban.
        cause: Option<CauseView>,
        /// What would hold if nothing were in dry run.
        would: Option<WouldView>,
        /// What its User-Agent says, or its AS.
        agent: AgentView,
        /// Its AS has many banned networks: strikes count more.
        strict: bool,
        /// The honeypot that the path is.
        honeypot: Option<CauseView>,
        /// What it gets.
        answers: GuardAnswers,
        /// What the sentinels know of it; null where nobody asked them.
        sentinel: Option<SentinelView>,
        /// What this was looked up in; null where that was a file.
        snapshot: Option<SnapshotView>,
    }
    /// The rule or ban that decided.
    CauseView {
        /// Why.
        reason: String,
        /// The line of the rules; null for what was learnt or is shipped.
        line: Option<u32>,
        /// Until when; null for ever.
        until: Option<UnixSeconds>,
        /// What operators noted.
        note: String,
        /// It is in dry run.
        dry_run: bool,
    }
    /// What would hold if nothing were in dry run.
    WouldView {
        /// Where the client would stand.
        standing: String,
        /// By which rule or ban.
        cause: Option<CauseView>,
    }
    /// What a client is by its own word, or its network's.
    AgentView {
        /// `other`, `crawler`, `preview` or `mail_scanner`.
        kind: String,
        /// Empty when it is not known.
        name: String,
        /// A rule allows it.
        allowed: bool,
    }
    /// What a client gets: `serve`, `busy`, `neutral` or `silent`.
    GuardAnswers {
        /// For a genuine link.
        genuine: String,
        /// For anything else.
        other: String,
    }
    /// What the sentinels know of a client.
    SentinelView {
        /// Spent, of the allowance.
        points: f64,
        /// More than that bans.
        allowance: u32,
        /// Of the day.
        strikes: u32,
        /// Its own first, then those of its networks.
        bans: Vec<BanView>,
    }
    /// A snapshot.
    SnapshotView {
        /// Its number; 0 for what is shipped.
        generation: u64,
        /// When it was made.
        made_at: UnixSeconds,
    }
}

impl Explanation {
    /// What rules and bans say of the client that this verdict is about, and of a path.
    pub fn of(
        rules: &Overlay<'_>,
        settings: &Settings,
        facts: &ClientFacts<'_>,
        verdict: &Verdict,
        path: Option<&str>,
        now: UnixSeconds,
    ) -> Self {
        let said = recognise(facts.agent);
        let by_network = said.kind == AgentKind::Other;
        let agent = if by_network { recognise_network(facts.asn, None, true) } else { said };
        let answer = |class| {
            let request = Request {
                class,
                class_without_dry_run: class,
                agent: agent.kind,
                over_limit: false,
                declines: false,
            };
            decide(&request, verdict, settings).plan.response.code().to_owned()
        };
        let cause = |cause: Cause| CauseView {
            reason: cause.reason.code().to_owned(),
            line: cause.line,
            until: cause.until,
            note: rules.note(&cause).to_owned(),
            dry_run: cause.dry_run,
        };
        let honeypot = path.map(|path| rules.honeypot(path, now)).unwrap_or_default();
        Self {
            client: facts.client.to_string(),
            standing: verdict.standing.code().to_owned(),
            cause: verdict.cause.map(cause),
            would: verdict.would.map(|would| WouldView {
                standing: would.standing.code().to_owned(),
                cause: would.cause.map(cause),
            }),
            agent: AgentView {
                kind: agent.kind.code().to_owned(),
                name: agent.name.to_owned(),
                allowed: verdict.agent_allowed,
            },
            strict: verdict.strict,
            honeypot: honeypot.cause.or(honeypot.would).map(cause),
            answers: GuardAnswers {
                genuine: answer(RequestClass::Valid),
                other: answer(RequestClass::Damaged),
            },
            sentinel: None,
            snapshot: None,
        }
    }
}
