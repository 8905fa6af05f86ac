//! `waxseal inspect`: what a token says, what is wrong with it, what to do.

use serde_json::{Value, json};
use waxseal::token::{Damage, Forgery, Keyring};
use waxseal::types::{Kid, LetterId, UnixMillis, UnixSeconds};

use crate::args::Inspect;
use crate::error::{Error, coded};
use crate::link::Link;
use crate::output::Output;
use crate::{keyring, when};

/// The token is of no use; the explanation is already on standard output.
#[derive(Debug, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", prefix = "token_")]
pub(crate) enum InspectError {
    #[error("the link has expired: seal or mint a new one")]
    Closed,
    #[error("this is not a whole token: {0}. Copy the link again from the message")]
    Damaged(Damage),
    #[error("this token was not made with these keys: {0}")]
    Forged(Forgery),
}

coded!(InspectError);

/// Everything there is to say.
struct Report {
    class: &'static str,
    reason: Option<&'static str>,
    words: String,
    claims: Option<(Kid, LetterId, UnixSeconds)>,
    tag: &'static str,
    clean: Option<String>,
    fragment: bool,
    verdict: Result<(), InspectError>,
}

pub(crate) fn run(args: &Inspect, output: Output, now: UnixMillis) -> Result<(), Error> {
    let link = Link::from_argument(&args.token)?;
    let keyring = keyring::find(&args.keys, output)?;
    let report = examine(&link, keyring.as_ref(), now.seconds());
    output.answer(&report.json(), &report.text(now.seconds()))?;
    Ok(report.verdict?)
}

/// Reads as far as the keys at hand allow.
fn examine(link: &Link, keyring: Option<&Keyring>, now: UnixSeconds) -> Report {
    let mut report = Report {
        class: "",
        reason: None,
        words: String::new(),
        claims: None,
        tag: "not checked",
        clean: None,
        fragment: false,
        verdict: Ok(()),
    };
    let genuine = link.find(|token| keyring.is_none_or(|keyring| token.verify(keyring, now).is_ok()));
    let found = match genuine.or_else(|_| link.find(|_| true)) {
        Ok(found) => found,
        Err(damage) => {
            report.damaged(damage);
            return report;
        }
    };
    let token = found.token;
    let clean = link.is_clean(&found);
    report.claims = Some((token.kid(), token.letter(), token.not_after()));
    report.clean = (!clean).then(|| found.clean.token().as_str().to_owned());
    report.fragment = found.clean.fragment().is_some();
    match keyring.map(|keyring| token.verify(keyring, now)) {
        Some(Err(forgery)) => report.forged(forgery),
        Some(Ok(_)) => report.genuine(clean, now >= token.not_after()),
        None => report.whole(now >= token.not_after()),
    }
    report
}

impl Report {
    /// With the keys: the class the edge would see.
    fn genuine(&mut self, clean: bool, over: bool) {
        self.tag = "holds";
        let (class, words) = match (over, clean) {
            (true, _) => {
                ("closed", "closed: genuine, but its time is over; the reader gets a page that says so")
            }
            (false, true) => ("valid", "valid: the edge serves it"),
            (false, false) => ("repairable", "repairable: the edge redirects to the clean link"),
        };
        (self.class, self.words) = (class, words.to_owned());
        if over {
            self.verdict = Err(InspectError::Closed);
        }
    }

    /// Without keys: the form only.
    fn whole(&mut self, over: bool) {
        let (class, words) = match over {
            true => ("closed", "its time is over, if it is genuine at all"),
            false => ("whole", "whole, if it is genuine: form and check hold"),
        };
        (self.class, self.words) = (class, words.to_owned());
        if over {
            self.verdict = Err(InspectError::Closed);
        }
    }

    fn damaged(&mut self, damage: Damage) {
        self.class = "damaged";
        self.reason = Some(damage.code());
        self.words = format!("damaged: {damage}");
        self.verdict = Err(InspectError::Damaged(damage));
    }

    fn forged(&mut self, forgery: Forgery) {
        self.class = "forged";
        self.reason = Some(forgery.code());
        self.tag = match forgery {
            Forgery::UnknownKey(_) => "not checked",
            Forgery::RetiredKey(_) => "holds",
            Forgery::Tag(_) => "does not hold",
        };
        self.words = match forgery {
            Forgery::RetiredKey(kid) => {
                format!(
                    "forged to the edge: the tag holds, but key {kid} is retired; if the link is old, mint a new one"
                )
            }
            other => format!("forged: {other}; is this the keyring of the site that made it?"),
        };
        self.verdict = Err(InspectError::Forged(forgery));
    }

    fn json(&self) -> Value {
        json!({
            "class": self.class,
            "reason": self.reason,
            "kid": self.claims.map(|(kid, ..)| kid.0),
            "letter": self.claims.map(|(_, letter, _)| letter.to_string()),
            "not_after": self.claims.map(|(.., end)| end.0),
            "expires_at": self.claims.map(|(.., end)| when::rfc3339(end)),
            "tag": self.tag.replace(' ', "_"),
            "clean": self.clean,
            "fragment": self.fragment,
        })
    }

    fn text(&self, now: UnixSeconds) -> String {
        let mut lines = vec![format!("class      {}", self.words)];
        if let Some((kid, letter, end)) = self.claims {
            lines.push(format!("key        {kid}"));
            lines.push(format!("letter     {letter}"));
            lines.push(format!("not after  {} ({})", when::words(end), when::distance(end, now)));
        }
        let tag = match self.tag {
            "not checked" if self.reason.is_none() => "not checked: give --keys FILE to check who made it",
            tag => tag,
        };
        lines.push(format!("tag        {tag}"));
        if let Some(clean) = &self.clean {
            lines.push(format!("clean      {clean}"));
        }
        if self.fragment {
            lines
                .push("fragment   there: the letter is end to end, and this link carries its key".to_owned());
        }
        lines.join("\n")
    }
}
