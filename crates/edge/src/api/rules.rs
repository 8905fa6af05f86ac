//! `/api/v1/guard/rules`: what operators want of the guard. The caller has proved the key.

use super::{Answered, ApiError, ApiRequest};
use crate::guard::isolate;
use crate::objects::publisher::{ListRules, NAME, NewRules, PutRules, ReadRules, RulesOutcome};
use crate::platform::{clock, object};
use waxseal::api::{Code, Problem, RulesPut, op};
use waxseal::guard::Checked;
use waxseal::guard::rules::{Diagnostic, MAX_RULES_BYTES};

/// Rules that are a little too long are told so with their place; longer ones are not read.
const MAX_BODY: u32 = MAX_RULES_BYTES as u32 + 4;

/// Longest choice of a version.
const MAX_ROLLBACK: u32 = 1_024;

pub(super) async fn show(request: &mut ApiRequest<'_>) -> Answered<op::ShowRules> {
    let version = request.call.query("version").map(|text| text.parse().map_err(|_| Code::NoSuchRules));
    let found = object::call(request.env, NAME, &ReadRules { version: version.transpose()? }).await?;
    Ok(found.ok_or(Code::NoSuchRules)?)
}

pub(super) async fn put(request: &mut ApiRequest<'_>) -> Answered<op::PutRules> {
    let dry_run = match request.call.query("dry_run").as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(Code::DryRun.into()),
    };
    let body = request.call.small_body(MAX_BODY).await?.ok_or(Code::TooLarge)?;
    // Here first, so that the object is spared what is wrong, and gets a text.
    let checked = Checked::read(&body).map_err(|error| invalid(error.diagnostics().to_vec()))?;
    put_in_force(request, NewRules::Text(checked.text), dry_run).await
}

pub(super) async fn history(request: &mut ApiRequest<'_>) -> Answered<op::RulesHistory> {
    Ok(object::call(request.env, NAME, &ListRules {}).await?)
}

pub(super) async fn roll_back(request: &mut ApiRequest<'_>) -> Answered<op::RollBackRules> {
    let wanted = request.body::<op::RollBackRules>(MAX_ROLLBACK, &Code::RulesRollback.into()).await?;
    put_in_force(request, NewRules::Version(wanted.version), false).await
}

async fn put_in_force(request: &ApiRequest<'_>, new: NewRules, dry_run: bool) -> Result<RulesPut, ApiError> {
    let put = PutRules { new, if_match: request.call.header("if-match"), dry_run };
    let refusal = match object::call(request.env, NAME, &put).await? {
        RulesOutcome::InForce(put) => {
            // Others look by themselves; who asked for it finds it done.
            isolate::renew(request.env, clock::now()).await;
            return Ok(put);
        }
        RulesOutcome::Changed => Code::RulesChanged,
        RulesOutcome::Invalid(diagnostics) => return Err(invalid(diagnostics).into()),
        RulesOutcome::Unknown => Code::NoSuchRules,
        RulesOutcome::OfAnother => Code::RulesOfAnother,
    };
    Err(refusal.into())
}

fn invalid(diagnostics: Vec<Diagnostic>) -> Problem {
    Problem { diagnostics, ..Code::RulesInvalid.into() }
}
