//! What a rules file alone says of a client: the same compiled snapshot and look-up as at the edge, with no bans in it.

use std::path::Path;

use waxseal::guard::policy::RequestClass;
use waxseal::guard::snapshot::{self, Overlay};
use waxseal::guard::{ClientFacts, Request, Response, SnapshotError, decide, recognise};
use waxseal::types::UnixSeconds;

use super::super::rules_file::{FileError, RulesFile};
use super::{Agent, Answers, Args, Cause, Explanation, Would};

pub(super) fn explain(args: &Args, file: &Path, now: UnixSeconds) -> Result<Explanation, FileError> {
    let stored = RulesFile::read(file)?.stored()?;
    let base = stored.view().ok_or(SnapshotError::OtherBase)?;
    Ok(look(args, &base.with_delta(None)?, now))
}

fn look(args: &Args, rules: &Overlay<'_>, now: UnixSeconds) -> Explanation {
    let agent = args.agent.as_deref();
    let facts = ClientFacts { client: args.address, system: args.asn, country: args.country, agent };
    let verdict = rules.lookup(&facts, now);
    let honeypot = args.path.as_deref().map(|path| rules.honeypot(path, now)).unwrap_or_default();
    let recognised = recognise(agent);
    let answer = |class| -> Response {
        let request = Request {
            class,
            class_without_dry_run: class,
            agent: recognised.kind,
            over_limit: false,
            declines: false,
        };
        decide(&request, &verdict, rules.settings()).plan.response
    };
    let other = if honeypot.cause.is_some() { RequestClass::Honeypot } else { RequestClass::Damaged };
    let told = |cause: snapshot::Cause| Cause {
        reason: cause.reason.code().to_owned(),
        line: cause.line,
        until: cause.until.map(|until| until.0),
        note: rules.note(&cause).to_owned(),
        dry_run: cause.dry_run,
    };
    Explanation {
        client: args.address.to_string(),
        standing: verdict.standing.code().to_owned(),
        cause: verdict.cause.map(told),
        would: verdict
            .would
            .map(|would| Would { standing: would.standing.code().to_owned(), cause: would.cause.map(told) }),
        agent: Some(Agent {
            kind: recognised.kind.code().to_owned(),
            name: recognised.name.to_owned(),
            allowed: verdict.agent_allowed,
        }),
        strict: verdict.strict,
        honeypot: honeypot.cause.or(honeypot.would).map(told),
        answers: Answers {
            genuine: answer(RequestClass::Valid).code().to_owned(),
            other: answer(other).code().to_owned(),
        },
        sentinel: None,
        snapshot: None,
    }
}
