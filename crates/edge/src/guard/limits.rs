//! The platform's rate limits, counted near where a client connects.

use worker::{Env, RateLimiter};

use crate::platform::error::Fault;
use crate::platform::http::Method;
use crate::platform::log;
use waxseal::guard::RequestClass;
use waxseal::token::{LinkAction, action};
use waxseal::types::LetterId;

/// What is counted apart, each with the name of its binding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Limit {
    Pages,
    Forms,
    Reports,
    Api,
    /// Genuine links at banned addresses and in banned networks, besides the others.
    Banned,
}

impl Limit {
    pub(crate) const ALL: [Self; 5] = [Self::Pages, Self::Forms, Self::Reports, Self::Api, Self::Banned];

    pub(crate) const fn binding(self) -> &'static str {
        match self {
            Self::Pages => "LIMIT_PAGES",
            Self::Forms => "LIMIT_FORMS",
            Self::Reports => "LIMIT_REPORTS",
            Self::Api => "LIMIT_API",
            Self::Banned => "LIMIT_BANNED",
        }
    }

    /// Which limit a request counts against: by what it asks for. A genuine link without a right key is a link below any path.
    pub(crate) fn of(method: Method, path: &str, class: RequestClass, letter: Option<LetterId>) -> Self {
        let is_call = class == RequestClass::Api || letter.is_none();
        if is_call && path.starts_with("/api/") {
            Self::Api
        } else if !matches!(method, Method::Get | Method::Head) {
            Self::Forms
        } else if action(path) == Some(LinkAction::Report) {
            Self::Reports
        } else {
            Self::Pages
        }
    }
}

/// The rate limits of the site.
pub(crate) struct Limits;

impl Limits {
    /// What is wrong with the bindings, if anything.
    pub(crate) fn check(env: &Env) -> Result<(), Fault> {
        Limit::ALL.into_iter().try_for_each(|limit| limiter(env, limit).map(|_| ()))
    }

    /// Whether it answers; what it counts for that is nobody's.
    pub(crate) async fn ask(env: &Env, limit: Limit) -> Result<(), Fault> {
        allows(env, limit, "health").await.map(drop)
    }

    /// Whether what is `counted` comes too often. A limiter that fails stops nobody.
    pub(crate) async fn is_over(env: &Env, limit: Limit, counted: &str) -> bool {
        match allows(env, limit, counted).await {
            Ok(allowed) => !allowed,
            Err(fault) => {
                log::fault("limit", &fault);
                false
            }
        }
    }
}

/// Counts, and answers whether it is not too much.
async fn allows(env: &Env, limit: Limit, counted: &str) -> Result<bool, Fault> {
    let outcome = limiter(env, limit)?.limit(counted.to_owned()).await;
    outcome.map(|outcome| outcome.success).map_err(|e| Fault::new("limit_failed", e))
}

fn limiter(env: &Env, limit: Limit) -> Result<RateLimiter, Fault> {
    let name = limit.binding();
    env.rate_limiter(name)
        .map_err(|e| Fault::new("binding_limit", format_args!("{name}: {e}; see wrangler.toml")))
}
