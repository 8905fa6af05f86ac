//! `waxseal open`: the recipient on the command line. Envelope, consent, download, decryption, verification;
//! the file gets its name last.

mod destination;
mod download;
mod envelope;
mod errors;
mod verify;
mod wire;

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use waxseal::seal::{FragmentKey, Framing, Mode, safe_file_name};
use waxseal::token::Damage;
use waxseal::types::{LetterId, UnixMillis};
use zeroize::Zeroizing;

use self::destination::{Destination, State, StateFile};
use self::download::{Part, fetch};
use self::errors::OpenError;
use self::wire::{Letter, LetterStatus, PageState, Session};
use crate::args::Open;
use crate::error::Error;
use crate::http::client;
use crate::link::{Link, LinkError};
use crate::output::{Output, line, size};
use crate::secret;

/// A connection on which nothing comes for so long is given up and tried again.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// Opens a letter.
pub(crate) async fn run(args: &Open, output: Output, now: UnixMillis) -> Result<(), Error> {
    let link = Link::from_argument(&args.link)?;
    let found = link.find(|_| true).map_err(|damage| match damage {
        Damage::Absent => Error::from(LinkError::NoToken),
        damage => OpenError::Damaged(damage).into(),
    })?;
    let origin = link.origin(&found).map_err(LinkError::Origin)?;
    let origin = origin.or_else(|| args.edge.url.clone()).ok_or(LinkError::NoHost)?;
    let (token, fragment) = (found.token, link.fragment(&found));
    if let Some(path) = named(args) {
        Destination::File { path: path.to_owned(), force: args.force }.check()?;
    }

    let state_file = StateFile::new(secret::folder(named(args).unwrap_or(Path::new(""))), token.letter());
    let state = state_file.read().filter(|state| state.origin == origin.to_string());
    let mut session = Session {
        client: client(READ_TIMEOUT, &origin)?,
        origin,
        token: Zeroizing::new(token.text().as_str().to_owned()),
        cookie: state.as_ref().map(|state| Zeroizing::new(state.cookie.clone())),
        retries: args.edge.retries,
    };
    let known = Known { state_file, state };
    let answer = session.ask().await?;
    let (envelope, answer) =
        agree(&mut session, answer, token.letter(), args, &fragment, output, now).await?;
    let letter = facts(&session, &answer)?;
    let key = key_of(Some(letter.mode), fragment.as_ref())?;
    let destination = match &args.output {
        Some(path) if path == Path::new("-") => Destination::Stdout,
        Some(path) => Destination::File { path: path.clone(), force: args.force },
        None => {
            Destination::File { path: PathBuf::from(safe_file_name(&letter.file_name)), force: args.force }
        }
    };
    destination.check()?;

    bring(&session, &letter, key.as_ref(), &destination, &known, output).await?;

    let subject = if answer.subject.is_empty() { envelope } else { answer.subject };
    report(&destination, &letter, token.letter(), &subject, &answer.sender.name, output)
}

/// What an earlier run left.
struct Known {
    state_file: StateFile,
    state: Option<State>,
}

/// The file the reader named.
fn named(args: &Open) -> Option<&Path> {
    args.output.as_deref().filter(|path| *path != Path::new("-"))
}

/// From wherever the letter stands to `letter`. Answers the envelope's subject too.
async fn agree(
    session: &mut Session,
    answer: LetterStatus,
    letter: LetterId,
    args: &Open,
    fragment: &Option<Zeroizing<String>>,
    output: Output,
    now: UnixMillis,
) -> Result<(String, LetterStatus), Error> {
    let answer = match answer.state {
        PageState::Envelope => answer,
        _ => return Ok((String::new(), opened(session, answer)?)),
    };
    // A key that is missing, broken or another letter's is better found out before consent goes on record.
    let key = key_of(answer.mode, fragment.as_ref())?;
    if let (Some(key), Some(check)) = (key, answer.key_check)
        && key.check(letter) != check
    {
        return Err(OpenError::KeyWrong.into());
    }
    if args.consent {
        output.note(&envelope::describe(&answer, now));
    } else {
        output.warn(&envelope::describe(&answer, now));
        match output.ask("Do you agree to these terms and want to open the letter?") {
            None => return Err(OpenError::ConsentNeeded.into()),
            Some(false) => return Err(OpenError::NotAgreed.into()),
            Some(true) => {}
        }
    }
    session.consent(&answer.terms.sha256, &answer.nonce).await?;
    let after = session.ask().await?;
    Ok((answer.subject, opened(session, after)?))
}

/// Only an opened letter goes on.
fn opened(session: &Session, answer: LetterStatus) -> Result<LetterStatus, OpenError> {
    match answer.state {
        PageState::Letter => Ok(answer),
        PageState::Closed => Err(envelope::closed(&answer)),
        PageState::Envelope => Err(OpenError::ConsentRefused("the edge asks again".to_owned())),
        PageState::Unknown => Err(session.unexpected("a state of the letter that it does not know")),
    }
}

/// The letter's facts, if they can be true.
fn facts(session: &Session, answer: &LetterStatus) -> Result<Letter, OpenError> {
    let letter = answer.letter.clone().ok_or_else(|| session.unexpected("a letter without its facts"))?;
    let framing =
        Framing::new(letter.length, letter.record_size).map_err(|e| session.unexpected(e.to_string()))?;
    let whole = framing.body_length() == letter.body_length;
    let named = letter.sha256.len() == 64 && !letter.etag.is_empty();
    if !whole || !named {
        return Err(session.unexpected("facts of the letter that do not fit together"));
    }
    Ok(letter)
}

/// The key, where the letter needs one.
fn key_of(
    mode: Option<Mode>,
    fragment: Option<&Zeroizing<String>>,
) -> Result<Option<FragmentKey>, OpenError> {
    if mode != Some(Mode::EndToEnd) {
        return Ok(None);
    }
    let text = fragment.ok_or(OpenError::KeyMissing)?;
    text.parse().map(Some).map_err(|_| OpenError::KeyMalformed)
}

/// Download, verification, delivery. A part of an earlier run that turns out wrong is fetched again once.
async fn bring(
    session: &Session,
    letter: &Letter,
    key: Option<&FragmentKey>,
    destination: &Destination,
    known: &Known,
    output: Output,
) -> Result<(), Error> {
    let name = destination.part_path().unwrap_or_default();
    let earlier = known.state.as_ref().and_then(|state| state.part.as_ref());
    let keep = earlier.is_some_and(|(path, facts)| *path == name && facts == letter);
    if destination.part_path().is_some() {
        let cookie = session.cookie.as_ref().map(|c| c.to_string()).unwrap_or_default();
        let origin = session.origin.to_string();
        known.state_file.write(&State { origin, cookie, part: Some((name.clone(), letter.clone())) })?;
    }
    let mut part = Part { file: destination.part(keep)?, have: 0, name };
    let there = part.file.metadata().map_or(0, |facts| facts.len());
    part.cut(if there <= letter.wire_length() { there } else { 0 })?;
    let resumed = part.have > 0;
    if resumed {
        output.note(&format!("Going on after {} of {}.", size(part.have), size(letter.wire_length())));
    }
    let bar = output.bar("Downloading", Some(letter.wire_length()));
    let mut done = fetch_and_verify(session, letter, key, destination, &mut part, &bar).await;
    // A first record that does not open means another key, or zeros that a power cut left in its place.
    let perhaps_the_part = matches!(
        done,
        Err(OpenError::Mismatch(_) | OpenError::Body(_) | OpenError::Changed | OpenError::KeyWrong)
    );
    if resumed && perhaps_the_part {
        part.cut(0)?;
        done = fetch_and_verify(session, letter, key, destination, &mut part, &bar).await;
    }
    bar.finish_and_clear();
    match done {
        Ok((plain, from)) => {
            let content = plain.unwrap_or(part.file);
            let from = from.or_else(|| destination.part_path());
            destination.deliver(content, from.as_deref())?;
        }
        // The part is worth keeping: the next run goes on, or tries with the right key.
        Err(
            error @ (OpenError::BrokeOff { .. }
            | OpenError::KeyWrong
            | OpenError::InTheWay(_)
            | OpenError::File(_)),
        ) => return Err(error.into()),
        Err(error) => {
            remove(destination, known);
            return Err(error.into());
        }
    }
    remove(destination, known);
    Ok(())
}

fn remove(destination: &Destination, known: &Known) {
    if let Some(path) = destination.part_path() {
        let _ = std::fs::remove_file(path);
    }
    known.state_file.remove();
}

/// The verified plaintext: a file of its own for an end-to-end letter, else the part itself.
async fn fetch_and_verify(
    session: &Session,
    letter: &Letter,
    key: Option<&FragmentKey>,
    destination: &Destination,
    part: &mut Part,
    bar: &indicatif::ProgressBar,
) -> Result<(Option<std::fs::File>, Option<PathBuf>), OpenError> {
    fetch(session, letter, part, bar).await?;
    let Some(key) = key else {
        verify::verify(part, letter, None)?;
        return Ok((None, None));
    };
    let (mut plain, path) = destination.plain()?;
    match verify::verify(part, letter, Some((key, &mut plain))) {
        Ok(()) => Ok((Some(plain), path)),
        Err(error) => {
            if let Some(path) = path {
                let _ = std::fs::remove_file(path);
            }
            Err(error)
        }
    }
}

fn report(
    destination: &Destination,
    letter: &Letter,
    id: LetterId,
    subject: &str,
    sender: &str,
    output: Output,
) -> Result<(), Error> {
    let Destination::File { path, .. } = destination else {
        output.note(&format!("Written: {}, length and SHA-256 verified.", size(letter.length)));
        return Ok(());
    };
    let answer = json!({
        "letter": id.to_string(),
        "file": path.display().to_string(),
        "sender": sender,
        "subject": subject,
        "mode": letter.mode,
        "media_type": letter.media_type,
        "length": letter.length,
        "sha256": letter.sha256,
    });
    let text = format!(
        "{} ({}), length and SHA-256 verified.",
        line(&path.display().to_string()),
        size(letter.length)
    );
    Ok(output.answer(&answer, &text)?)
}
