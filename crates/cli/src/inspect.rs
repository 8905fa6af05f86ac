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

const HOLDS: &str = "holds";
const NOT_CHECKED: &str = "not checked";

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

/// Reads as far as the keys at hand allow: with them the class is the one that the edge would see, without them the form's.
fn examine(link: &Link, keyring: Option<&Keyring>, now: UnixSeconds) -> Report {
    let genuine = link.find(|token| keyring.is_none_or(|keyring| token.verify(keyring, now).is_ok()));
    let found = match genuine.or_else(|_| link.find(|_| true)) {
        Ok(found) => found,
        Err(damage) => {
            return Report {
                class: "damaged",
                reason: Some(damage.code()),
                words: format!("damaged: {damage}"),
                claims: None,
                tag: NOT_CHECKED,
                clean: None,
                fragment: false,
                verdict: Err(InspectError::Damaged(damage)),
            };
        }
    };
    let token = found.token;
    let (clean, over) = (link.is_clean(&found), now >= token.not_after());
    let verified = keyring.map(|keyring| token.verify(keyring, now));
    let (class, tag, words) = match &verified {
        Some(Err(Forgery::RetiredKey(kid))) => {
            let words = format!(
                "forged to the edge: the tag holds, but key {kid} is retired; if the link is old, mint a new one"
            );
            ("forged", HOLDS, words)
        }
        Some(Err(forgery)) => {
            let tag = if matches!(forgery, Forgery::Tag(_)) { "does not hold" } else { NOT_CHECKED };
            ("forged", tag, format!("forged: {forgery}; is this the keyring of the site that made it?"))
        }
        Some(Ok(_)) if over => {
            let words = "closed: genuine, but its time is over; the reader gets a page that says so";
            ("closed", HOLDS, words.to_owned())
        }
        Some(Ok(_)) if clean => ("valid", HOLDS, "valid: the edge serves it".to_owned()),
        Some(Ok(_)) => ("repairable", HOLDS, "repairable: the edge redirects to the clean link".to_owned()),
        None if over => ("closed", NOT_CHECKED, "its time is over, if it is genuine at all".to_owned()),
        None => ("whole", NOT_CHECKED, "whole, if it is genuine: form and check hold".to_owned()),
    };
    let forgery = verified.and_then(Result::err);
    Report {
        class,
        reason: forgery.as_ref().map(Forgery::code),
        words,
        claims: Some((token.kid(), token.letter(), token.not_after())),
        tag,
        clean: (!clean).then(|| found.clean.token().as_str().to_owned()),
        fragment: found.clean.fragment().is_some(),
        verdict: match forgery {
            Some(forgery) => Err(InspectError::Forged(forgery)),
            None if over => Err(InspectError::Closed),
            None => Ok(()),
        },
    }
}

impl Report {
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
            lines.push(format!("not after  {}", when::full(end, now)));
        }
        let tag = match self.tag {
            NOT_CHECKED if self.reason.is_none() => "not checked: give --keys FILE to check who made it",
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
