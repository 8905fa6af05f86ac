//! Receipts: made when somebody asks for one, of events that are in the log by then.

use data_encoding::HEXLOWER;

use crate::objects::ledger::Logged;
use crate::platform::clock;
use crate::platform::error::Fault;
use crate::platform::settings::Settings;
use waxseal::evidence::key::LogKey;
use waxseal::evidence::merkle::TreeHash;
use waxseal::evidence::note::Note;
use waxseal::evidence::proof::TlogProof;
use waxseal::evidence::receipt::{self, Facts, Sender};
use waxseal::ledger::{Kind, Names, StoredEvent};
use waxseal::site::Site;
use waxseal::types::LetterId;

/// What a receipt is made from, besides the settings.
pub(crate) struct Issued<'a> {
    pub(crate) letter: LetterId,
    /// What the letter is called; then the event that commits to it is the first.
    pub(crate) names: Option<&'a Names>,
    /// Consent and withdrawal, or refusal.
    pub(crate) events: &'a [&'a Logged],
    /// For each of them the hashes to the root of the checkpoint.
    pub(crate) proofs: &'a [&'a [TreeHash]],
    pub(crate) checkpoint: &'a str,
    /// The language that the terms were shown in, if it was recorded.
    pub(crate) language: Option<&'a str>,
    pub(crate) retention_days: u16,
}

/// The key that signs now.
pub(crate) fn log_key(settings: &Settings) -> Result<LogKey, Fault> {
    LogKey::derive(settings.keyring.active(), &settings.site.log.origin).map_err(|e| Fault::new(e.code(), e))
}

/// A receipt, signed.
pub(crate) fn issue(settings: &Settings, issued: &Issued<'_>) -> Result<String, Fault> {
    let site = &settings.site;
    let checkpoint =
        Note::parse(issued.checkpoint.as_bytes()).map_err(|e| Fault::new("log_checkpoint", e))?;
    let proof = |(event, hashes): (&&Logged, &&[TreeHash])| {
        let (index, hashes) = (event.entry, hashes.to_vec());
        TlogProof { extra: None, index, hashes, checkpoint: checkpoint.clone() }.to_string()
    };
    let events: Vec<_> = issued.events.iter().map(|event| stored(event)).collect::<Result<_, _>>()?;
    // A text that is known says its language by itself: also when the details are erased, and when the page around it was in
    // another language.
    let given = events.iter().find(|event| event.kind != Kind::Sealed.as_str());
    let terms = given.and_then(|event| event.terms.as_deref()).map(hex);
    let known = terms.and_then(|hash| site.terms_by_hash(&hash)).map(|(lang, _)| lang.tag());
    let facts = Facts {
        letter: issued.letter,
        names: issued.names.cloned(),
        created_at: clock::now(),
        language: known.or(issued.language).unwrap_or(site.default_language.tag()).to_owned(),
        sender: sender(site),
        retention_days: issued.retention_days,
        withdraw_at: withdraw_at(site),
        events,
        proofs: issued.events.iter().zip(issued.proofs).map(proof).collect(),
    };
    receipt::issue(&facts, &log_key(settings)?).map_err(|e| Fault::new(e.code(), e))
}

/// The event of a row from a ledger of ours.
pub(crate) fn stored(event: &Logged) -> Result<StoredEvent, Fault> {
    event.row.event().ok_or_else(|| Fault::new("event_malformed", "a row of the ledger cannot be read"))
}

/// A hash in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(bytes)
}

fn sender(site: &Site) -> Sender {
    Sender {
        name: site.name.clone(),
        contact: ways(site),
        privacy_url: site.privacy_url.clone(),
        jurisdiction: site.governing_law_location(),
        storage_location: site.storage_location().map(str::to_owned),
    }
}

/// How to reach the sender, as URLs where there are any.
fn ways(site: &Site) -> Vec<String> {
    let contact = &site.contact;
    let ways = [
        contact.url.clone(),
        contact.email.as_ref().map(|email| ["mailto:", email].concat()),
        contact.phone_digits().map(|digits| ["tel:", &digits].concat()),
        contact.address.clone(),
    ];
    ways.into_iter().flatten().collect()
}

/// Where consent can be taken back besides the letter itself, whose link is not for others to see.
fn withdraw_at(site: &Site) -> String {
    ways(site).into_iter().next().unwrap_or_default()
}
