//! Robots that say who they are. A claim, not a proof: it can only take something away from the claimant (a crawler
//! is refused, a preview shows nothing) or mark what it did on the record. The list is `agents/agents.tsv`, where each entry
//! says where it comes from and when it was seen; `build.rs` makes these tables of it.

use super::pattern::{TEXT_BYTES_MAX, contains};

include!(concat!(env!("OUT_DIR"), "/agents.rs"));

/// What a client says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum AgentKind {
    /// A browser, a program, or nothing said.
    Other,
    /// A search engine, archive or collector.
    Crawler,
    /// Draws the preview of a link in a messenger or a mail program.
    Preview,
    /// Opens links in mail before the reader does, or draws a mail's pictures.
    MailScanner,
}

codes!(AgentKind);

/// A recognised agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agent {
    /// What it is.
    pub kind: AgentKind,
    /// Its name in the table; empty for [`AgentKind::Other`].
    pub name: &'static str,
}

/// Whether an agent says this: a pattern of the list, which stands anywhere in it or, with `=` in front, is all of it.
pub fn says(agent: &[u8], pattern: &str) -> bool {
    match pattern.strip_prefix('=') {
        Some(whole) => agent.trim_ascii().eq_ignore_ascii_case(whole.as_bytes()),
        None => contains(agent, pattern.as_bytes()),
    }
}

/// Recognises a `User-Agent`. Looks at its first 512 bytes; allocates nothing. The first line that matches decides.
pub fn recognise(user_agent: Option<&str>) -> Agent {
    let text = user_agent.unwrap_or_default().as_bytes();
    let text = text.get(..TEXT_BYTES_MAX).unwrap_or(text);
    TABLE
        .iter()
        .find(|(pattern, _, _)| says(text, pattern))
        .map_or(Agent { kind: AgentKind::Other, name: "" }, |(_, kind, name)| Agent { kind: *kind, name })
}

/// Microsoft's network: Safe Links, and everything that its customers run there.
const MICROSOFT: u32 = 8_075;

/// Recognises a mail scanner by where it connects from: AS number and name of the organisation, which are the platform's
/// word, not the client's. `says_fetch`: the request has `Sec-Fetch-Mode`, as every browser of a person sends it; without
/// it, a request from Microsoft's network counts as Safe Links. It marks the record and nothing else.
pub fn recognise_network(asn: Option<u32>, organisation: Option<&str>, says_fetch: bool) -> Agent {
    let name = organisation.unwrap_or_default().as_bytes();
    let name = name.get(..TEXT_BYTES_MAX).unwrap_or(name);
    let by_name = SCANNER_ORGANISATIONS.iter().find(|(needle, _)| contains(name, needle.as_bytes()));
    let by_number = SCANNER_ASNS.iter().find(|(number, _)| Some(*number) == asn);
    let known = by_name.map(|(_, whose)| *whose).or(by_number.map(|(_, whose)| *whose));
    let known = known.or((asn == Some(MICROSOFT) && !says_fetch).then_some("Microsoft Safe Links"));
    match known {
        Some(name) => Agent { kind: AgentKind::MailScanner, name },
        None => Agent { kind: AgentKind::Other, name: "" },
    }
}
