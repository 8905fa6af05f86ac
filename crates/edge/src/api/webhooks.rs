//! `/api/v1/webhooks`: endpoints that are told what happens, and what became of what they were told.

use super::{Answered, ApiError, ApiRequest};
use crate::objects::index::{self, AddWebhook, ListWebhooks, RemoveWebhook};
use crate::objects::webhook::{
    ChangeEndpoint, DeleteEndpoint, ListDeliveries, MakeEndpoint, Refused, Replay, RotateSecret, SendTest,
    ShowEndpoint,
};
use crate::platform::object::{self, ObjectRequest};
use crate::platform::{clock, log, random, residency};
use waxseal::api::{Code, WebhookMade, WebhookRequest, WebhookTested, Webhooks, op};
use waxseal::webhook::{WebhookId, check_target};

/// An address, a description, every kind there is.
const MAX_BODY: u32 = 8 * 1024;
/// Of a description, in characters.
const MAX_DESCRIPTION: usize = 200;

impl From<Refused> for ApiError {
    fn from(why: Refused) -> Self {
        match why {
            Refused::Missing => Code::NoSuchWebhook.into(),
            Refused::Disabled => Code::WebhookDisabled.into(),
            Refused::NoSuchDelivery => Code::NoSuchDelivery.into(),
        }
    }
}

impl ApiRequest<'_> {
    fn webhook(&self) -> Result<WebhookId, ApiError> {
        self.part(0).parse().map_err(|_| Code::NoSuchWebhook.into())
    }

    /// Asks the endpoint that the path names.
    async fn endpoint<R: ObjectRequest<Reply = Result<T, Refused>>, T>(
        &self,
        ask: &R,
    ) -> Result<T, ApiError> {
        let webhook = self.webhook()?;
        residency::check(self.env).await?;
        Ok(object::call(self.env, &webhook.to_string(), ask).await??)
    }

    /// What an endpoint is to be, if it may be that.
    async fn about(&mut self) -> Result<WebhookRequest, ApiError> {
        let about = self.body::<op::MakeWebhook>(MAX_BODY, &Code::WebhookRequest.into()).await?;
        let description = about.description.as_deref().unwrap_or_default();
        if description.chars().count() > MAX_DESCRIPTION || description.contains(char::is_control) {
            return Err(Code::WebhookRequest.into());
        }
        let loopback = self.settings.site.loopback_webhooks && self.call.is_on_loopback();
        check_target(&about.url, loopback)
            .map_err(|error| Code::WebhookTarget.because(&error.to_string()))?;
        Ok(about)
    }
}

pub(super) async fn list(request: &mut ApiRequest<'_>) -> Answered<op::ListWebhooks> {
    residency::check(request.env).await?;
    let mut webhooks = Vec::new();
    for id in object::call(request.env, index::NAME, &ListWebhooks {}).await? {
        // One that is being made, or was deleted by somebody who died over it, is none.
        if let Ok(view) = object::call(request.env, &id.to_string(), &ShowEndpoint {}).await? {
            webhooks.push(view);
        }
    }
    Ok(Webhooks { webhooks })
}

pub(super) async fn make(request: &mut ApiRequest<'_>) -> Answered<op::MakeWebhook> {
    let about = request.about().await?;
    residency::check(request.env).await?;
    let webhook = WebhookId::v7(clock::now(), random::bytes()?);
    // Before and after: the index forgets an endpoint that is not there, should it have to tell it something in between.
    if !object::call(request.env, index::NAME, &AddWebhook { webhook }).await? {
        return Err(Code::TooManyWebhooks.into());
    }
    let (url, kinds) = (about.url.clone(), about.kinds.clone());
    let secret = object::call(request.env, &webhook.to_string(), &MakeEndpoint { webhook, about }).await?;
    if !object::call(request.env, index::NAME, &AddWebhook { webhook }).await? {
        return Err(Code::TooManyWebhooks.into());
    }
    log::Line::new("webhook_made").with("webhook", webhook.to_string()).info();
    Ok(WebhookMade { webhook, secret, url, kinds })
}

pub(super) async fn show(request: &mut ApiRequest<'_>) -> Answered<op::ShowWebhook> {
    request.endpoint(&ShowEndpoint {}).await
}

pub(super) async fn change(request: &mut ApiRequest<'_>) -> Answered<op::ChangeWebhook> {
    let about = request.about().await?;
    request.endpoint(&ChangeEndpoint { about }).await
}

pub(super) async fn delete(request: &mut ApiRequest<'_>) -> Answered<op::DeleteWebhook> {
    let webhook = request.webhook()?;
    request.endpoint(&DeleteEndpoint {}).await?;
    object::call(request.env, index::NAME, &RemoveWebhook { webhook }).await?;
    log::Line::new("webhook_deleted").with("webhook", webhook.to_string()).info();
    Ok(())
}

pub(super) async fn rotate(request: &mut ApiRequest<'_>) -> Answered<op::RotateWebhook> {
    request.endpoint(&RotateSecret {}).await
}

pub(super) async fn test(request: &mut ApiRequest<'_>) -> Answered<op::TestWebhook> {
    Ok(WebhookTested { delivery: request.endpoint(&SendTest {}).await? })
}

pub(super) async fn deliveries(request: &mut ApiRequest<'_>) -> Answered<op::ListDeliveries> {
    let state: Option<String> = request.call.query("state");
    if state.as_deref().is_some_and(|state| !["waiting", "delivered", "given_up"].contains(&state)) {
        return Err(Code::DeliveryState.into());
    }
    let after = request.query("after", Code::Cursor)?;
    let limit = request.limit()?;
    request.endpoint(&ListDeliveries { state, after, limit }).await
}

pub(super) async fn replay(request: &mut ApiRequest<'_>) -> Answered<op::ReplayWebhook> {
    let expected = Code::ReplayRequest.into();
    let ask = request.body::<op::ReplayWebhook>(MAX_BODY, &expected).await?;
    if ask.delivery.is_some() == (ask.since.is_some() || ask.until.is_some()) {
        return Err(expected.into());
    }
    request.endpoint(&Replay { ask }).await
}
