//! `waxseal inspect`: what a token says, what is wrong with it, what to do.

use serde_json::{Value, json};
use waxseal::token::{Class, Damage, Forgery, Keyring, ParseError, Repair, Repairs, classify};
use waxseal::types::{Kid, LetterId, UnixMillis, UnixSeconds};

use crate::args::Inspect;
use crate::failure::{Coded, Failure};
use crate::link::{Link, read_token};
use crate::output::Output;
use crate::{keyring, when};

/// The token is of no use; the explanation is already on standard output.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InspectError {
    /// Expired.
    #[error("the link has expired: seal or mint a new one")]
    Closed,
    /// Not a token.
    #[error("this is not a whole token: {0}. Copy the link again from the message")]
    Damaged(Damage),
    /// Not made with this keyring.
    #[error("this token was not made with these keys: {0}")]
    Forged(Forgery),
}

impl Coded for InspectError {
    fn code(&self) -> &'static str {
        match self {
            Self::Closed => "token_closed",
            Self::Damaged(_) => "token_damaged",
            Self::Forged(_) => "token_forged",
        }
    }
}

/// Everything there is to say.
struct Report {
    class: &'static str,
    reason: Option<&'static str>,
    words: String,
    claims: Option<(Kid, LetterId, UnixSeconds)>,
    tag: &'static str,
    repairs: Repairs,
    clean: Option<String>,
    fragment: bool,
    verdict: Result<(), InspectError>,
}

pub(crate) fn run(args: &Inspect, output: Output, now: UnixMillis) -> Result<(), Failure> {
    let link = Link::from_argument(&args.token)?;
    let keyring = keyring::find(&args.keys, output)?;
    let report = examine(&link, keyring.as_ref(), now.seconds());
    output.answer(&report.json(), &report.text(now.seconds()))?;
    Ok(report.verdict?)
}

/// Reads as far as the keys at hand allow.
fn examine(link: &Link, keyring: Option<&Keyring>, now: UnixSeconds) -> Report {
    let (token, clean) = read_token(&link.segment);
    let claims = token.as_ref().ok().map(|token| (token.kid(), token.letter(), token.not_after()));
    let mut report = Report {
        class: "",
        reason: None,
        words: String::new(),
        claims,
        tag: "not checked",
        repairs: clean.as_ref().map(|clean| clean.repairs()).unwrap_or_default(),
        clean: clean.as_ref().filter(|_| token.is_ok()).map(|clean| clean.token().as_str().to_owned()),
        fragment: link.fragment.is_some() || clean.is_some_and(|clean| clean.fragment().is_some()),
        verdict: Ok(()),
    };
    match keyring {
        Some(keyring) => report.judge(classify(&link.segment, keyring, now)),
        None => report.structure(token.err(), now),
    }
    report
}

impl Report {
    /// With the keys: the class the edge would see.
    fn judge(&mut self, class: Class) {
        self.class = class.code();
        match class {
            Class::Valid(_) => {
                self.tag = "holds";
                self.words = "valid: the edge serves it".to_owned();
            }
            Class::Repairable { .. } => {
                self.tag = "holds";
                self.words = "repairable: the edge redirects to the clean link".to_owned();
            }
            Class::Closed { .. } => {
                self.tag = "holds";
                self.words =
                    "closed: genuine, but its time is over; the reader gets a page that says so".to_owned();
                self.verdict = Err(InspectError::Closed);
            }
            Class::Damaged(damage) => self.damaged(damage),
            Class::Forged(forgery) => self.forged(forgery),
        }
    }

    /// Without keys: the form only.
    fn structure(&mut self, fault: Option<ParseError>, now: UnixSeconds) {
        match fault {
            Some(ParseError::Damaged(damage)) => self.damaged(damage),
            Some(ParseError::Forged(forgery)) => self.forged(forgery),
            None => {
                let over = self.claims.is_some_and(|(_, _, end)| now >= end);
                self.class = if over { "closed" } else { "whole" };
                self.words = if over {
                    "its time is over, if it is genuine at all".to_owned()
                } else {
                    "whole, if it is genuine: form and check hold".to_owned()
                };
                if over {
                    self.verdict = Err(InspectError::Closed);
                }
            }
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
            Forgery::Version(_) | Forgery::UnknownKey(_) => "not checked",
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
            "repairs": self.repairs.iter().map(Repair::code).collect::<Vec<_>>(),
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
        if !self.repairs.is_empty() {
            let names: Vec<_> = self.repairs.iter().map(explain).collect();
            lines.push(format!("repairs    {}", names.join("; ")));
        }
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

const fn explain(repair: Repair) -> &'static str {
    match repair {
        Repair::Case => "capitals made small",
        Repair::LookAlike => "o, i, l read as 0, 1, 1",
        Repair::Punctuation => "punctuation at the end cut off",
        Repair::WhiteSpace => "white space or a line wrap taken out",
        Repair::PercentEncoding => "percent encoding undone",
        Repair::Fragment => "the key moved from the path back behind the #",
    }
}
