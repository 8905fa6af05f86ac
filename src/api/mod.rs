//! The HTTP API: every route once, with the types that it takes and answers, and the problems that it has. The edge
//! serves from this table, the command line calls through it, and `docs/openapi.json` is made from it.

mod body;
mod form;
mod openapi;
mod problem;
mod routes;
mod schema;
mod scope;
mod types;

pub use body::{Body, Document, FormData, HTML, JSON, Octets, Page, Text};
pub use form::{FormError, FormPiece, FormReader, PartHead};
pub use openapi::openapi;
pub use problem::{Code, Problem};
pub use routes::{Operation, Route, op};
pub use scope::{Scope, Scopes};
pub use types::*;

/// What stands in front of every path of the table.
pub const PREFIX: &str = "/api/v1/";

/// One row of the table.
pub struct Endpoint {
    /// The row's name.
    pub route: Route,
    /// `GET` (which answers `HEAD`, too), `POST`, `PUT` or `DELETE`.
    pub method: &'static str,
    /// After [`PREFIX`]; `{name}` stands for one part of a path, `{name...}` for all that is left.
    pub path: &'static str,
    /// Names of what the query may have.
    pub query: &'static [&'static str],
    /// What a key must be allowed; nothing where every key may.
    pub scope: Option<Scope>,
    /// In a sentence.
    pub summary: &'static str,
    /// Its own problems, in groups; those that every route has are not repeated.
    pub problems: &'static [&'static [Code]],
    /// Of its success.
    pub status: u16,
}

/// What a request asks for.
pub enum Match<'a> {
    /// A row, and what stands in its path for each name, percent-encoded as it came.
    Found(&'static Endpoint, Vec<&'a str>),
    /// There is such a path, for these methods alone.
    OtherMethod(String),
    /// There is no such path.
    None,
}

/// Finds the row for a method and what follows [`PREFIX`] in a path.
pub fn find<'a>(method: &str, path: &'a str) -> Match<'a> {
    let method = if method == "HEAD" { "GET" } else { method };
    let matching = || Route::table().iter().filter_map(|endpoint| Some((endpoint, endpoint.parts(path)?)));
    // Words go before names, whatever the method: `terms/current` is no `terms/{sha256}`.
    let names = matching().map(|(_, parts)| parts.len()).min();
    let mut others = Vec::new();
    for (endpoint, parts) in matching().filter(|(_, parts)| Some(parts.len()) == names) {
        if endpoint.method == method {
            return Match::Found(endpoint, parts);
        }
        others.push(endpoint.method);
    }
    others.sort_unstable();
    others.dedup();
    if others.contains(&"GET") {
        others.push("HEAD");
    }
    if others.is_empty() { Match::None } else { Match::OtherMethod(others.join(", ")) }
}

impl Endpoint {
    /// The path of a request, each part percent-encoded.
    pub fn path(&self, parts: &[&str]) -> String {
        let mut parts = parts.iter();
        let segments = self.path.split('/').map(|segment| match segment.starts_with('{') {
            true => encode(parts.next().copied().unwrap_or_default()),
            false => segment.to_owned(),
        });
        format!("{PREFIX}{}", segments.collect::<Vec<_>>().join("/"))
    }

    /// The path with `*` for what differs from request to request: what a log may say.
    pub fn label(&self) -> String {
        let segments = self.path.split('/').map(|it| if it.starts_with('{') { "*" } else { it });
        segments.collect::<Vec<_>>().join("/")
    }

    fn parts<'a>(&self, path: &'a str) -> Option<Vec<&'a str>> {
        let mut rest = Some(path);
        let mut parts = Vec::new();
        for wanted in self.path.split('/') {
            let left = rest?;
            let (segment, after) = match left.split_once('/').filter(|_| !wanted.ends_with("...}")) {
                Some((segment, after)) => (segment, Some(after)),
                None => (left, None),
            };
            match wanted.starts_with('{') {
                true => parts.push(segment),
                false if segment == wanted => {}
                _ => return None,
            }
            rest = after;
        }
        rest.is_none().then_some(parts)
    }
}

fn encode(part: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    part.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
