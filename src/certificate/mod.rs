//! The certificate: a bundle of evidence as a page for people, in four languages, that prints well on A4.
//!
//! It promises that
//! - it is made from the files of a bundle, the key of the log and two names ([`Origins`]) and nothing else, so that whoever
//!   verifies makes it again and compares;
//! - it holds none of the details that were recorded about readers;
//! - it runs nothing and loads nothing.
//!
//! Only the command line makes one. The module for the edge does not hold it.

mod moment;
mod texts;

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use texts::KEYS;

use crate::evidence::bundle::{Contents, Files, contents};
use crate::evidence::checkpoint::Checkpoint;
use crate::evidence::key::VerifierKey;
use crate::lang::Lang;
use crate::ledger::{Actor, Event, Kind};
use crate::types::UnixMillis;
use moment::Moment;
use texts::Messages;

/// The number of the page's design. A change of a single character needs another number here.
pub const VERSION: u32 = 2;

const CSS: &str = include_str!(concat!(env!("OUT_DIR"), "/certificate.css"));

/// What stands ahead of the page's own account of what it was made from.
const MARK: &str = "<meta name=\"waxseal-certificate\" content=\"";

/// What a certificate says that does not follow from the bundle. It stands in the page too, so that the page can be made
/// again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origins {
    /// What the sender calls itself.
    pub sender: Option<String>,
    /// The IANA name of the time zone that times are shown in, besides UTC.
    pub zone: Option<String>,
    /// The key of the log that the bundle was verified with, NAME+NUMBER+KEY.
    pub key: String,
}

/// Why there is no certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", prefix = "certificate_")]
pub enum CertificateError {
    /// The files are not those of a bundle that verifies.
    #[error("the files are not those of a bundle that verifies")]
    Bundle,
    /// The key is not one.
    #[error("the key of the log is malformed")]
    Key,
}

codes!(CertificateError);

/// How many seconds the zone of the certificate is ahead of UTC at a time; `None` where it has none.
pub type Zone<'z> = dyn Fn(UnixMillis) -> Option<i32> + 'z;

/// The name of the file of this language in a bundle.
pub fn file_name(lang: Lang) -> String {
    format!("certificate-{lang}.html")
}

/// What a certificate says it was made from: its version, and the rest if the version is one that this software knows. `None` for
/// what is no certificate.
pub fn origins(page: &str) -> Option<(u32, Option<Origins>)> {
    let (_, rest) = page.split_once(MARK)?;
    let (claim, _) = rest.split_once('"')?;
    let (version, json) = claim.split_once(' ')?;
    let version = version.parse().ok()?;
    let json = STANDARD.decode(json).ok();
    Some((version, json.and_then(|json| serde_json::from_slice(&json).ok())))
}

/// The certificate of a bundle in one language. Verify the bundle first.
pub fn certificate(
    files: &Files,
    origins: &Origins,
    lang: Lang,
    zone: &Zone<'_>,
) -> Result<String, CertificateError> {
    let contents = contents(files).ok_or(CertificateError::Bundle)?;
    let checkpoint: Checkpoint = contents.checkpoint.text().parse().map_err(|_| CertificateError::Bundle)?;
    let key: VerifierKey = origins.key.parse().map_err(|_| CertificateError::Key)?;
    let m = texts::messages(lang);
    let css = format!("{CSS}{}", margins(m, &contents));
    // Strings always have a JSON.
    let claim = serde_json::to_vec(origins).unwrap_or_default();
    let page = Page {
        lang,
        m,
        claim: format!("{VERSION} {}", STANDARD.encode(claim)),
        policy: format!("default-src 'none'; style-src 'sha256-{}'", STANDARD.encode(Sha256::digest(&css))),
        css,
        origins,
        initial: initial(origins.sender.as_deref()),
        made: moment::moment(contents.exported_at, lang, m, zone),
        digest: contents.names.as_ref().map(|names| HEXLOWER.encode(&names.sha256)).unwrap_or_default(),
        head: contents.events.last().map(|event| HEXLOWER.encode(&event.hash)).unwrap_or_default(),
        short: short(&contents.events, m, |at| moment::moment(at, lang, m, zone)),
        lines: lines(&contents, m, |at| moment::moment(at, lang, m, zone)),
        details: details(&contents, m),
        fingerprint: groups(&Sha256::digest(key.public())),
        key: key.to_string(),
        checkpoint,
        contents: &contents,
    };
    page.render().map_err(|_| CertificateError::Bundle)
}

#[derive(Template)]
#[template(path = "certificate.html", whitespace = "minimize")]
struct Page<'a> {
    lang: Lang,
    m: &'static Messages,
    claim: String,
    policy: String,
    css: String,
    origins: &'a Origins,
    initial: char,
    made: Moment,
    digest: String,
    head: String,
    short: Vec<(String, Moment)>,
    lines: Vec<Line<'a>>,
    details: &'static str,
    fingerprint: String,
    key: String,
    checkpoint: Checkpoint,
    contents: &'a Contents,
}

/// A row of the timeline.
struct Line<'a> {
    event: &'a Event,
    entry: u64,
    when: Moment,
    what: &'static str,
    by: &'static str,
    /// The number of the terms it names, from 1.
    terms: Option<usize>,
}

fn lines<'a>(contents: &'a Contents, m: &Messages, when: impl Fn(UnixMillis) -> Moment) -> Vec<Line<'a>> {
    let events = contents.events.iter().zip(&contents.entries);
    let line = |(event, entry): (&'a Event, &u64)| Line {
        event,
        entry: *entry,
        when: when(event.at),
        what: meaning(event, m),
        by: match event.actor {
            Actor::Recipient => m.events.by_recipient(),
            Actor::MailProgram => m.events.by_mail_program(),
            Actor::Robot => m.events.by_robot(),
            Actor::SenderForRecipient => m.events.by_sender_for_recipient(),
            Actor::Sender => m.events.by_sender(),
            Actor::System => m.events.by_system(),
        },
        terms: event.terms.filter(|_| event.kind != Kind::Sealed).and_then(|terms| {
            let hash = HEXLOWER.encode(&terms);
            contents.terms.iter().position(|(known, _)| *known == hash).map(|at| at.saturating_add(1))
        }),
    };
    events.map(line).collect()
}

fn meaning(event: &Event, m: &Messages) -> &'static str {
    let (e, s) = (&m.events, &m.short);
    match event.kind {
        Kind::Sealed => e.sealed(),
        Kind::Opened => e.opened(),
        Kind::Fetched => e.fetched(),
        Kind::NoticeShown => e.notice_shown(),
        Kind::RobotSuspected => e.robot_suspected(),
        Kind::ConsentGiven if event.actor == Actor::Robot => s.given_robot(),
        Kind::ConsentGiven => s.given(),
        Kind::ConsentRefused => match event.actor {
            Actor::Recipient => s.refused(),
            Actor::MailProgram => s.refused_mail_program(),
            Actor::Robot => s.refused_robot(),
            Actor::Sender | Actor::SenderForRecipient | Actor::System => s.refused_sender(),
        },
        Kind::ReportStreamed => e.report_streamed(),
        Kind::ConsentWithdrawn => match event.actor {
            Actor::Recipient => s.withdrawn(),
            Actor::MailProgram => s.withdrawn_mail_program(),
            Actor::Robot => s.withdrawn_robot(),
            Actor::Sender | Actor::SenderForRecipient | Actor::System => s.withdrawn_sender(),
        },
        Kind::RefusalRevoked => e.refusal_revoked(),
        Kind::WithdrawalRevoked => e.withdrawal_revoked(),
        Kind::Accepted => e.accepted(),
        Kind::Cancelled => e.cancelled(),
        Kind::Reissued => e.reissued(),
        Kind::EndsSoon => e.ends_soon(),
        Kind::Expired => e.expired(),
        Kind::Ignored => e.ignored(),
        Kind::ExpiredOpenAttempt => e.expired_open_attempt(),
        Kind::Message => e.message(),
        Kind::PinFailed => e.pin_failed(),
        Kind::Erased => e.erased(),
        Kind::EvidenceExported => e.evidence_exported(),
    }
}

/// What a reader in a hurry has to know, each with its time. Every no and every no that was undone has its line, so that the
/// last of them is the one that stands.
fn short(events: &[Event], m: &Messages, when: impl Fn(UnixMillis) -> Moment) -> Vec<(String, Moment)> {
    let s = &m.short;
    let mut lines = Vec::new();
    let first = |kind| events.iter().find(|event| event.kind == kind);
    for robot in [false, true] {
        let given =
            |event: &&Event| event.kind == Kind::ConsentGiven && (event.actor == Actor::Robot) == robot;
        let text = match (events.iter().filter(given).count(), robot) {
            (count, false) if count > 1 => s.given_often(count),
            (count, true) if count > 1 => s.given_robot_often(count),
            (_, false) => s.given().to_owned(),
            (_, true) => s.given_robot().to_owned(),
        };
        lines.extend(events.iter().find(given).map(|event| (event, text)));
    }
    for event in events {
        let text = match event.kind {
            Kind::ConsentRefused | Kind::ConsentWithdrawn => meaning(event, m),
            Kind::RefusalRevoked => s.refusal_revoked(),
            Kind::WithdrawalRevoked => s.withdrawal_revoked(),
            Kind::Reissued => m.events.reissued(),
            _ => continue,
        };
        lines.push((event, text.to_owned()));
    }
    for (kind, text) in [
        (Kind::Accepted, s.accepted()),
        (Kind::Cancelled, s.cancelled()),
        (Kind::Ignored, s.ignored()),
        (Kind::Expired, s.expired()),
        (Kind::Erased, s.erased()),
    ] {
        let told = kind == Kind::Expired && first(Kind::Ignored).is_some();
        if let Some(event) = first(kind).filter(|_| !told) {
            lines.push((event, text.to_owned()));
        }
    }
    let answered = [Kind::ConsentGiven, Kind::ConsentRefused, Kind::Ignored]
        .into_iter()
        .any(|kind| first(kind).is_some());
    if let Some(last) = events.last().filter(|_| !answered) {
        lines.push((last, s.nothing().to_owned()));
    }
    lines.sort_by_key(|(event, _)| event.seq);
    lines.into_iter().map(|(event, text)| (text, when(event.at))).collect()
}

fn details(contents: &Contents, m: &'static Messages) -> &'static str {
    let erased = contents.events.iter().any(|event| event.kind == Kind::Erased);
    match (contents.details, erased) {
        (true, _) => m.events.details_there(),
        (false, true) => m.events.details_erased(),
        (false, false) => m.events.details_withheld(),
    }
}

/// What stands at the edge of each printed page. Nothing of it comes from strangers.
fn margins(m: &Messages, contents: &Contents) -> String {
    let page = m.about.page("\" counter(page) \"", "\" counter(pages) \"");
    format!(
        "@page{{@top-left{{content:\"{}\"}}@top-right{{content:\"{}\"}}@bottom-right{{content:\"{page}\"}}}}\
         @page:first{{@top-left{{content:none}}@top-right{{content:none}}}}",
        m.about.title(),
        contents.letter,
    )
}

/// The letter in the wax, as on the site's own pages.
fn initial(sender: Option<&str>) -> char {
    let first = sender.and_then(|name| name.chars().find(|c| c.is_alphanumeric())).unwrap_or('W');
    let mut upper = first.to_uppercase();
    upper.next().filter(|_| upper.next().is_none()).unwrap_or(first)
}

/// Hexadecimal in groups of four, for comparing by eye.
fn groups(bytes: &[u8]) -> String {
    let groups = bytes.chunks(2).map(|pair| HEXLOWER.encode(pair));
    groups.collect::<Vec<_>>().join(" ")
}
