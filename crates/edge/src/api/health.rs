//! `GET /api/v1/health`: what the settings say, and every binding, asked something that changes nothing.

use std::future::Future;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use worker::{Env, Method, Request, RequestInit, Response};

use super::{Answered, ApiRequest, VERSION};
use crate::guard::{Limit, Limits};
use crate::objects::ledger::{self, Summarise};
use crate::objects::publisher::{self, namespace};
use crate::objects::{index, keys, sentinel, sequencer, webhook};
use crate::platform::bucket::{BINDING, Letters};
use crate::platform::error::Fault;
use crate::platform::object::call;
use crate::platform::settings::ASSETS;
use crate::platform::{clock, log, residency, tasks};
use waxseal::api::{BindingHealth, SiteHealth, op};
use waxseal::types::LetterId;

/// Nobody's letter.
const NOBODYS: LetterId = LetterId([0; 16]);
/// And an endpoint that there is not.
const NOBODYS_ENDPOINT: &str = "nobody";

pub(super) async fn show(request: &mut ApiRequest<'_>) -> Answered<op::Health> {
    let ApiRequest { env, settings, caller, .. } = *request;
    let site = &settings.site;
    let ledgers = residency::noted(env).await;
    let ledgers = ledgers.map_err(|fault| log::fault("health", &fault)).ok().flatten();
    let mut asked = vec![
        part(BINDING, async { Letters::open(env)?.head(residency::KEY).await }),
        part("GUARD", async { namespace::open(env)?.text(namespace::HEAD).await }),
        part(ASSETS, assets(env)),
        part(log::RELAY, relay(env)),
    ];
    asked.extend(Limit::ALL.map(|limit| part(limit.binding(), Limits::ask(env, limit))));
    // Elsewhere than the ledgers are, nobody is asked.
    if ledgers.as_ref().is_none_or(|noted| *noted == residency::name(site.jurisdiction)) {
        asked.extend([
            part(index::CLASS.binding, call(env, index::NAME, &index::SweepStatus {})),
            part(keys::CLASS.binding, call(env, keys::NAME, &keys::ListKeys {})),
            part(ledger::CLASS.binding, ledger::call(env, &Summarise { letter: NOBODYS })),
            part(publisher::CLASS.binding, call(env, publisher::NAME, &publisher::GetStatus {})),
            part(sentinel::CLASS.binding, sentinel::call(env, 0, &sentinel::CountRows {})),
            part(sequencer::CLASS.binding, call(env, sequencer::NAME, &sequencer::GetLogStatus {})),
            part(webhook::CLASS.binding, call(env, NOBODYS_ENDPOINT, &webhook::ShowEndpoint {})),
        ]);
    }
    Ok(SiteHealth {
        version: VERSION.to_owned(),
        now: clock::now(),
        placeholders: site.placeholders().into_iter().map(ToOwned::to_owned).collect(),
        jurisdiction: site.jurisdiction.map(|it| it.code().to_owned()),
        location: site.location.map(|it| it.code().to_owned()),
        ledgers,
        log_origin: site.log.origin.clone(),
        active: settings.keyring.active().kid().0.into(),
        kids: settings.keyring.keys().map(|key| key.kid().0.into()).collect(),
        scopes: caller.scopes(),
        bindings: tasks::all(asked).await,
    })
}

/// How a binding does that is asked so.
fn part<'a, T>(
    name: &'static str,
    asked: impl Future<Output = Result<T, Fault>> + 'a,
) -> LocalBoxFuture<'a, BindingHealth> {
    let said = asked.map(move |answer| {
        let fault = answer.err();
        if let Some(fault) = &fault {
            log::fault("health", fault);
        }
        BindingHealth { name: name.to_owned(), fault: fault.map(|fault| fault.code.to_owned()) }
    });
    said.boxed_local()
}

async fn assets(env: &Env) -> Result<(), Fault> {
    let assets = env.assets(ASSETS).map_err(|e| Fault::new("binding_assets", e))?;
    found(assets.fetch("https://assets/scripts.json".to_owned(), None).await?).await
}

/// A batch without a line.
async fn relay(env: &Env) -> Result<(), Fault> {
    let mut lines = RequestInit::new();
    lines.with_method(Method::Post).with_body(Some("[]".into()));
    let relay = env.durable_object(log::RELAY)?.get_by_name("log")?;
    found(relay.fetch_with_request(Request::new_with_init("https://object/", &lines)?).await?).await
}

/// Whether it was a success. Read, because an answer that nobody reads holds its connection.
async fn found(mut answer: Response) -> Result<(), Fault> {
    drop(answer.bytes().await);
    match answer.status_code() {
        200 => Ok(()),
        status => Err(Fault::new("binding_status", status)),
    }
}
