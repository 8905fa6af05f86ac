//! Asking witnesses (C2SP tlog-witness) for their cosignatures. Nothing waits for one that does not answer: the log goes on
//! without, and asks again later.

use std::rc::Rc;
use std::time::Duration;

use worker::{AbortController, Fetch, Method, Request, RequestInit, RequestRedirect, ResponseBody};

use super::files::LogFiles;
use super::object::Log;
use super::store::{self, Seen, Standing};
use crate::platform::alarm::{Backoff, failure};
use crate::platform::error::Fault;
use crate::platform::log::Line;
use crate::platform::settings::Settings;
use crate::platform::stream::Source;
use crate::platform::{clock, log, tasks};
use waxseal::api::WitnessStatus;
use waxseal::evidence::note::{MAX_NOTE_BYTES, Note};
use waxseal::evidence::tile::ProofPlan;
use waxseal::evidence::witness::{WitnessAnswer, add_checkpoint_request, read_answer};
use waxseal::site::WitnessSettings;
use waxseal::types::UnixMillis;

/// A witness that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(5);

/// After a failure of one.
const BACKOFF: Backoff = Backoff { initial_ms: 5_000, max_ms: 600_000 };

/// Code of a failure: it did not answer.
const SILENT: &str = "witness_silent";
/// Code of a failure: it cosigned a larger tree of this log than there is. Either this log was put back to an older
/// state, or its key signs another one.
const AHEAD: &str = "witness_ahead";

impl Log {
    /// Asks whoever is behind, in the background.
    pub(super) fn begin_asking(self: &Rc<Self>, settings: &Rc<Settings>) {
        let now = clock::now().0;
        let wanted = store::load(&self.db).and_then(|standing| match standing {
            Some(standing) => self.ask_due(settings, &standing),
            None => Ok(None),
        });
        if !matches!(wanted, Ok(Some(at)) if at <= now) {
            return;
        }
        let (log, settings) = (Rc::clone(self), Rc::clone(settings));
        self.state.wait_until(async move {
            if let Err(fault) = log.ask_now(&settings).await {
                log::fault("witnesses", &fault);
            }
            crate::platform::log::write_here();
        });
    }

    async fn ask_now(&self, settings: &Settings) -> Result<(), Fault> {
        let Some(standing) = store::load(&self.db)? else { return Ok(()) };
        self.cosigned(settings, &standing).await?;
        self.fire_by(self.due(settings)?).await
    }

    /// When a witness is to be asked: it has not cosigned the newest tree. `None` while one is being asked, for then
    /// somebody looks here again.
    pub(super) fn ask_due(&self, settings: &Settings, standing: &Standing) -> Result<Option<u64>, Fault> {
        let Some(_free) = self.asking.try_lock() else { return Ok(None) };
        let mut due: Option<u64> = None;
        for witness in &settings.site.log.witnesses {
            let seen = store::seen(&self.db, &witness.key.to_string())?;
            if standing.size > 0 && (seen.size != standing.size || seen.lines.is_empty()) {
                let again = BACKOFF.retry_at(&self.db, &witness.key.to_string())?.0;
                due = Some(due.map_or(again, |known| known.min(again)));
            }
        }
        Ok(due)
    }

    /// Asks the witnesses that have not cosigned this checkpoint and are not known to fail; answers it with the
    /// cosignatures there are.
    pub(super) async fn cosigned(&self, settings: &Settings, standing: &Standing) -> Result<String, Fault> {
        let witnesses = &settings.site.log.witnesses;
        if !witnesses.is_empty() {
            // One request at a time to each: a witness goes only forward.
            let _turn = self.asking.lock().await;
            let note = Note::parse(standing.note.as_bytes()).map_err(|e| Fault::new(e.code(), e))?;
            let asked = witnesses.iter().map(|witness| self.ask(witness, standing, &note));
            tasks::all(asked).await.into_iter().collect::<Result<(), _>>()?;
        }
        self.composed(settings, standing)
    }

    /// Asks one witness. A cosignature is published without waiting for the others; a failure is noted and no more.
    async fn ask(&self, witness: &WitnessSettings, standing: &Standing, note: &Note) -> Result<(), Fault> {
        let key = witness.key.to_string();
        let seen = store::seen(&self.db, &key)?;
        let known = seen.size == standing.size && !seen.lines.is_empty();
        if known || seen.size > standing.size || BACKOFF.retry_at(&self.db, &key)? > clock::now() {
            return Ok(());
        }
        let controller = AbortController::default();
        let signal = controller.signal();
        let work = self.converse(witness, standing, note, seen.size, &signal);
        let outcome = match clock::within(PATIENCE, work).await {
            Some(outcome) => outcome,
            None => {
                controller.abort();
                Err(Fault::new(SILENT, "no answer in time"))
            }
        };
        let now = clock::now();
        let fault = match outcome {
            Ok(lines) => {
                let seen = Seen { size: standing.size, at: Some(now), lines };
                self.db.transaction(|db| store::note_seen(db, &key, &seen))?;
                BACKOFF.note(&self.db, &key, None)?;
                store::update(&self.db, |now| now.unpublished |= now.size == standing.size)?;
                return self.fire_by(Some(self.put_due().max(now))).await;
            }
            Err(fault) => fault,
        };
        Line::new("witness_failed")
            .with("witness", witness.key.name())
            .with("code", fault.code)
            .with("detail", fault.detail.as_str())
            .error();
        BACKOFF.note(&self.db, &key, Some(&fault)).map(|_| ())
    }

    /// The request, and once more if the witness knows the log at another size; answers its signature lines.
    async fn converse(
        &self,
        witness: &WitnessSettings,
        standing: &Standing,
        note: &Note,
        from: u64,
        signal: &worker::AbortSignal,
    ) -> Result<String, Fault> {
        let mut from = from;
        for _ in 0..2 {
            let plan = ProofPlan::consistency(from, standing.size).map_err(|e| Fault::new(e.code(), e))?;
            let tiles = LogFiles::open(&self.env)?.tiles(plan.tiles()).await?;
            let proof = plan.build(&tiles).map_err(|e| Fault::new(e.code(), e))?;
            let (status, body) = post(witness, add_checkpoint_request(from, &proof, note), signal).await?;
            let answer = read_answer(status, &body, note, &witness.key);
            match answer.map_err(|e| Fault::new(e.code(), e))? {
                WitnessAnswer::Cosigned(lines) => {
                    return Ok(lines.iter().map(ToString::to_string).collect());
                }
                WitnessAnswer::Conflict { size } if size > standing.size => {
                    return Err(Fault::new(
                        AHEAD,
                        format!("it saw {size} entries, there are {}", standing.size),
                    ));
                }
                WitnessAnswer::Conflict { size } => from = size,
            }
        }
        Err(Fault::new("witness_conflict", format!("it would not have a proof from {from} either")))
    }

    /// What is known of each witness, for operators.
    pub(super) fn witnesses(
        &self,
        settings: &Settings,
        standing: Option<&Standing>,
    ) -> Result<Vec<WitnessStatus>, Fault> {
        let witnesses = settings.site.log.witnesses.iter();
        witnesses
            .map(|witness| {
                let key = witness.key.to_string();
                let seen = match standing {
                    Some(_) => store::seen(&self.db, &key)?,
                    None => Seen::default(),
                };
                let at = seen.at.map(UnixMillis::seconds);
                let fault = failure(&self.db, &key)?.map(|failure| failure.code);
                Ok(WitnessStatus { name: witness.key.name().to_owned(), size: seen.size, at, fault })
            })
            .collect()
    }
}

/// Posts to a witness; its status and its body, no longer than any that is good.
async fn post(
    witness: &WitnessSettings,
    body: String,
    signal: &worker::AbortSignal,
) -> Result<(u16, Vec<u8>), Fault> {
    let down = |error: worker::Error| Fault::new("witness_down", error);
    let mut init = RequestInit::new();
    init.with_method(Method::Post).with_body(Some(body.into())).with_redirect(RequestRedirect::Manual);
    let request = Request::new_with_init(&format!("{}/add-checkpoint", witness.url), &init).map_err(down)?;
    let response = Fetch::Request(request).send_with_signal(signal).await.map_err(down)?;
    let status = response.status_code();
    let ResponseBody::Stream(stream) = response.body() else { return Ok((status, Vec::new())) };
    let source = Source::new(stream)?;
    let most = u32::try_from(MAX_NOTE_BYTES).unwrap_or(u32::MAX);
    let bytes = source.take(most).await?;
    source.cancel().await;
    Ok((status, bytes.to_vec()))
}
