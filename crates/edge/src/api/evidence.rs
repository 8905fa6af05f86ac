//! `POST /api/v1/letters/UUID/evidence`: everything about one letter that proves what happened to it. Packing it, and
//! verifying it first, is the command line's.

use std::collections::BTreeMap;

use worker::Env;

use super::{Answered, ApiRequest};
use crate::objects::evidence::{Issued, hex, issue, log_key, stored};
use crate::objects::ledger::{self, ExportEvidence, Exported, Logged};
use crate::objects::sequencer::{self, Proven};
use crate::objects::terms;
use crate::platform::clock;
use crate::platform::error::Fault;
use crate::platform::settings::Settings;
use waxseal::api::{Code, Evidence, EvidenceReceipt, op};
use waxseal::evidence::merkle::TreeHash;
use waxseal::evidence::receipt::answers;
use waxseal::ledger::{Event, Kind, LetterKey, StoredEvent};
use waxseal::types::LetterId;

pub(super) async fn export(request: &mut ApiRequest<'_>) -> Answered<op::ExportEvidence> {
    let (letter, env, settings) = (request.letter()?, request.env, request.settings);
    let exported = ledger::call(env, &ExportEvidence { letter }).await??.map_err(|broken| {
        Code::RecordBroken.because(&format!("the record of this letter was altered: {}", broken.words))
    })?;
    let entries: Vec<u64> = exported.events.iter().map(|event| event.entry).collect();
    let proven = sequencer::prove(env, &entries).await?;
    let events = exported.events.iter().map(stored).collect::<Result<Vec<_>, _>>()?;
    let texts = texts(env, settings, &events).await?.map_err(|missing| {
        let detail = format!("the text of the terms {missing} is neither in the store nor in the settings");
        Code::EvidenceTermsMissing.because(&detail)
    })?;
    let receipts = receipts(settings, letter, &exported, &events, &proven)?;
    let proofs: Vec<Vec<String>> =
        proven.proofs.iter().map(|proof| proof.iter().map(TreeHash::to_string).collect()).collect();
    Ok(Evidence {
        letter,
        origin: settings.site.log.origin.clone(),
        vkey: log_key(settings)?.verifier().to_string(),
        events: exported.events.into_iter().map(|event| event.row).collect(),
        entries,
        proofs,
        checkpoint: proven.checkpoint,
        key: exported.key,
        names: exported.names,
        terms: texts,
        receipts,
        exported_at: clock::now(),
        sender: settings.site.name.clone(),
        time_zone: settings.site.time_zone.clone(),
    })
}

/// The texts that the events name, under their hashes; or the first that nobody has.
async fn texts(
    env: &Env,
    settings: &Settings,
    events: &[StoredEvent],
) -> Result<Result<BTreeMap<String, String>, String>, Fault> {
    let mut texts = BTreeMap::new();
    let about_terms = events.iter().filter(|event| event.kind != Kind::Sealed.as_str());
    for hash in about_terms.filter_map(|event| event.terms.as_ref()) {
        let name = hex(hash);
        let known = <[u8; 32]>::try_from(hash.as_slice()).ok();
        let Some(hash) = known.filter(|_| !texts.contains_key(&name)) else { continue };
        match terms::text(env, settings, &hash).await? {
            Some(text) => texts.insert(name, text.text().to_owned()),
            None => return Ok(Err(name)),
        };
    }
    Ok(Ok(texts))
}

/// A receipt for each answer that stands.
fn receipts(
    settings: &Settings,
    letter: LetterId,
    exported: &Exported,
    events: &[StoredEvent],
    proven: &Proven,
) -> Result<Vec<EvidenceReceipt>, Fault> {
    let key = exported.key.as_deref().and_then(letter_key);
    let mut receipts = Vec::new();
    for (given, taken) in answers(events) {
        let sealed = exported.names.as_ref().map(|_| 0);
        let places: Vec<usize> = sealed.into_iter().chain([given]).chain(taken).collect();
        let logged: Vec<&Logged> = places.iter().filter_map(|at| exported.events.get(*at)).collect();
        let proofs: Vec<&[TreeHash]> =
            places.iter().filter_map(|at| proven.proofs.get(*at)).map(Vec::as_slice).collect();
        let event = events.get(given).and_then(|row| Event::try_from(row).ok());
        let details =
            key.as_ref().zip(event.as_ref()).and_then(|(key, event)| key.open(letter, event).ok().flatten());
        let language = details.and_then(|details| details.language);
        let issued = Issued {
            letter,
            names: exported.names.as_ref(),
            events: &logged,
            proofs: &proofs,
            checkpoint: &proven.checkpoint,
            language: language.as_deref(),
            retention_days: exported.retention_days,
        };
        let json = issue(settings, &issued)?;
        receipts.push(EvidenceReceipt {
            event: event.map(|event| event.id.to_string()).unwrap_or_default(),
            json,
        });
    }
    Ok(receipts)
}

fn letter_key(hex: &str) -> Option<LetterKey> {
    let bytes = zeroize::Zeroizing::new(data_encoding::HEXLOWER.decode(hex.as_bytes()).ok()?);
    let mut key = zeroize::Zeroizing::new(<[u8; 32]>::try_from(bytes.as_slice()).ok()?);
    Some(LetterKey::new(&mut key))
}
