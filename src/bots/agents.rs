//! What a `User-Agent` claims to be, as far as it tells which headers should come with it. The names are in
//! `agents/agents.tsv`: programs that are no browser, or a browser that a program drives; and views inside apps, and browsers
//! whose requests go out through their maker's servers, whose claim says little of which headers come along.

use crate::guard::agents::says;
use crate::guard::pattern::{TEXT_BYTES_MAX, matches_agent};

include!(concat!(env!("OUT_DIR"), "/programs.rs"));

/// What a client says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Claim {
    /// Nothing.
    Nothing,
    /// An HTTP library, a command line, or a browser without a screen.
    Program,
    /// A browser new enough to say how a request came about (`Sec-Fetch-*`). `by_hand`: it also says whether a person
    /// set the navigation off (`Sec-Fetch-User`; Safari never does).
    Modern {
        /// Whether it sends `Sec-Fetch-User`.
        by_hand: bool,
    },
    /// A browser that may be older, or a view inside an app of which it cannot be told.
    Browser,
    /// Something else.
    Unknown,
}

impl Claim {
    /// Reads a `User-Agent`. Looks at its first 512 bytes; allocates nothing.
    pub fn of(agent: Option<&str>) -> Self {
        let text = agent.unwrap_or_default().trim();
        let bytes = text.as_bytes();
        let bytes = bytes.get(..TEXT_BYTES_MAX).unwrap_or(bytes);
        if bytes.is_empty() {
            return Self::Nothing;
        }
        if PROGRAMS.iter().any(|name| says(bytes, name)) {
            return Self::Program;
        }
        // First versions that send all of `Sec-Fetch-Site`, `-Mode` and `-Dest`, by MDN's table. Of Safari 16 only the
        // last releases do, so it counts from 17. A view inside an iPhone's app names no version of Safari.
        let embedded = VIEWS.iter().any(|name| says(bytes, name));
        let at_least = |name, first| !embedded && version(bytes, name).is_some_and(|found| found >= first);
        if at_least(b"Chrome/", 80) || at_least(b"Firefox/", 90) {
            return Self::Modern { by_hand: true };
        }
        let chromium = version(bytes, b"Chrome/").is_some();
        if !chromium && matches_agent(b"Safari/", bytes) && at_least(b"Version/", 17) {
            return Self::Modern { by_hand: false };
        }
        let browser = [b"Mozilla/".as_slice(), b"Opera/", b"UCWEB/"];
        if browser.iter().any(|name| matches_agent(name, bytes)) { Self::Browser } else { Self::Unknown }
    }
}

/// The number behind a name such as `Chrome/`.
fn version(agent: &[u8], name: &[u8]) -> Option<u32> {
    let at = agent.windows(name.len()).position(|window| window == name)?;
    let digits = agent.get(at.saturating_add(name.len())..)?;
    let mut found = None;
    for digit in digits.iter().take(4).take_while(|byte| byte.is_ascii_digit()) {
        found = Some(found.unwrap_or(0u32) * 10 + u32::from(digit - b'0'));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(version(b"x Chrome/131.0", b"Chrome/"), Some(131));
        assert_eq!(version(b"Chrome/", b"Chrome/"), None);
        assert_eq!(version(b"Chrome/x", b"Chrome/"), None);
        assert_eq!(version(b"Chrome/99999999999", b"Chrome/"), Some(9999));
        assert_eq!(version(b"Chromium/3", b"Chrome/"), None);
    }

    #[test]
    fn a_phone_named_like_a_program_is_a_phone() {
        let ruby = "Mozilla/5.0 (Linux; Android 14; ruby) AppleWebKit/537.36 Chrome/120 Mobile Safari/537.36";
        assert_eq!(Claim::of(Some(ruby)), Claim::Modern { by_hand: true });
        assert_eq!(Claim::of(Some("Ruby")), Claim::Program);
        assert_eq!(Claim::of(Some("  ")), Claim::Nothing);
        assert_eq!(Claim::of(Some("Nokia200/2.0 Profile/MIDP-2.1 UCWEB/2.0(Java; U)")), Claim::Browser);
    }
}
