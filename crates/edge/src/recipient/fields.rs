//! What came in a form's body: with or without a length, in either encoding.

use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use worker::{Headers, Request, RequestInit};

use crate::platform::error::Fault;
use crate::platform::http::{Call, pairs};

/// More than any form of ours needs.
const MAX_FORM: u32 = 8 * 1024;

/// A form that came in.
pub(super) enum Posted {
    /// Fields of ours are in it.
    Fields(Fields),
    /// Nothing of ours is in it: a proxy dropped the body, or the client sent none.
    Lost,
    /// Longer than any form of ours. It was not read to its end.
    TooLong,
}

/// The fields we know, as they came.
#[derive(Default)]
pub(super) struct Fields {
    pub(super) terms: Option<String>,
    pub(super) nonce: Option<String>,
    pub(super) agree: bool,
    /// `List-Unsubscribe=One-Click` (RFC 8058).
    pub(super) one_click: bool,
    pub(super) choice: Option<String>,
    known: bool,
}

impl Fields {
    fn set(&mut self, name: &str, value: &str) {
        let name = name.trim();
        match name {
            "terms" => self.terms = Some(value.to_owned()),
            "nonce" => self.nonce = Some(value.to_owned()),
            "agree" => self.agree = value == "yes",
            "choice" => self.choice = Some(value.to_owned()),
            // Mail programs write it in any case, with a line end behind it, and twice.
            _ if name.eq_ignore_ascii_case("list-unsubscribe") => {
                self.one_click |= value.trim().eq_ignore_ascii_case("one-click");
            }
            _ => return,
        }
        self.known = true;
    }
}

/// Reads a form in either encoding (RFC 8058 allows both).
pub(super) async fn read(call: &mut Call) -> Result<Posted, Fault> {
    let Some(body) = call.small_body(MAX_FORM).await? else { return Ok(Posted::TooLong) };
    let kind = call.header("content-type").unwrap_or_default();
    let mut fields = Fields::default();
    if kind.trim_start().to_ascii_lowercase().starts_with("multipart/form-data") {
        // A body that is no form is the client's mistake, not ours.
        for (name, value) in multipart(&body, &kind).await.unwrap_or_default() {
            fields.set(&name, &value);
        }
    } else {
        for (name, value) in pairs(&String::from_utf8_lossy(&body)) {
            fields.set(&name, &value);
        }
    }
    Ok(if fields.known { Posted::Fields(fields) } else { Posted::Lost })
}

/// The text fields of a body that says that it is `multipart/form-data`, read by the runtime.
async fn multipart(body: &[u8], kind: &str) -> Result<Vec<(String, String)>, Fault> {
    let headers = Headers::new();
    headers.set("content-type", kind)?;
    let mut init = RequestInit::new();
    init.with_method(worker::Method::Post)
        .with_headers(headers)
        .with_body(Some(js_sys::Uint8Array::from(body).into()));
    let request = Request::new_with_init("https://form.invalid/", &init)?;
    let form = JsFuture::from(request.inner().form_data()?).await?;
    let mut found = Vec::new();
    for entry in js_sys::try_iter(&form)?.into_iter().flatten() {
        let entry: js_sys::Array = entry?.dyn_into()?;
        // A file is not a text, and no field of ours is one.
        if let (Some(name), Some(value)) = (entry.get(0).as_string(), entry.get(1).as_string()) {
            found.push((name, value));
        }
    }
    Ok(found)
}
