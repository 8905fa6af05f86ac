//! The one reader of links: finds a token in any text, and the key that stands behind it.
//!
//! What mail programs, trackers, messengers, phones and people put before, behind or into a link is not guessed
//! at. From every byte on, the next 66 characters of the alphabet are collected, whatever stands between them;
//! what begins like a token and whose check holds is a candidate, and the tag decides. A percent sign can mean
//! three things (see [`Percent`]), so a text with such signs is read in each way.
//!
//! The work is bounded by the length of the text: no recursion, nothing allocated, three passes in which each byte is
//! decoded once and 66 characters are taken from it, at most [`MIXED_READINGS_MAX`] more, and at most
//! [`CANDIDATES_MAX`] tags.

use super::crockford::{self, fold};
use super::faults::Damage;
use super::parse::{TOKEN_CHARS, Token, TokenText};

/// The characters of an end-to-end key in a link's fragment: 16 bytes.
pub const FRAGMENT_CHARS: usize = 26;
/// Candidates of one text whose tag is looked at. Each costs its maker 2^24 tries, or is a real token of some site.
pub(super) const CANDIDATES_MAX: usize = 8;
/// Windows that are read with one percent sign taken otherwise than the rest.
const MIXED_READINGS_MAX: usize = 512;

/// What `%` and two hexadecimal digits stand for. A lone percent sign before digits of the token looks the same.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Percent {
    /// One byte, also where it was encoded several times (`%2530`).
    Nested,
    /// One byte, encoded once.
    Once,
    /// A percent sign and two characters.
    Literal,
}

/// The first character of the alphabet at or after a byte, and where it goes on. Symbol 0: there is none.
#[derive(Clone, Copy, Default)]
pub(super) struct Step {
    symbol: u8,
    next: usize,
}

/// Where a token stands in the text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Goes through texts until a candidate is accepted or [`CANDIDATES_MAX`] were not.
pub(super) struct Reader {
    tried: usize,
    checked: usize,
    damage: Damage,
}

impl Reader {
    pub(super) const fn new() -> Self {
        Self { tried: 0, checked: 0, damage: Damage::Absent }
    }

    /// How near to a token the texts came that held none.
    pub(super) const fn damage(&self) -> Damage {
        self.damage
    }

    /// The first candidate that `accept` accepts: first as the text is usually read, then as it may be read. `steps` is
    /// room to work in, as long as the text.
    pub(super) fn find<T>(
        &mut self,
        text: &[u8],
        steps: &mut [Step],
        mut accept: impl FnMut(&Token) -> Option<T>,
    ) -> Option<(T, Token, Place)> {
        let ambiguous = (0..text.len()).any(|at| is_escape(text, at));
        let readings = [Percent::Nested, Percent::Once, Percent::Literal];
        for percent in readings.into_iter().take(if ambiguous { 3 } else { 1 }) {
            fill(text, percent, steps);
            for start in 0..text.len() {
                let Some((b'0', at)) = symbol(text, start, percent).and_then(kept) else { continue };
                let mut window = Window::from(start, at);
                let whole = window.fill(steps);
                // Without a percent sign in it the usual reading was the only one.
                let is_new = percent == Percent::Nested
                    || text.get(start..window.at).is_some_and(|read| read.contains(&b'%'));
                if percent == Percent::Nested
                    && let Err(damage) = whole
                {
                    self.damage = self.damage.max(damage);
                }
                if whole.is_ok() && is_new {
                    let found = self.check(&window, percent == Percent::Nested, &mut accept);
                    if found.is_some() || self.tried >= CANDIDATES_MAX {
                        return found;
                    }
                }
            }
        }
        if ambiguous { self.mixed(text, steps, accept) } else { None }
    }

    /// One percent sign of a window is taken otherwise than the others in it.
    fn mixed<T>(
        &mut self,
        text: &[u8],
        steps: &mut [Step],
        mut accept: impl FnMut(&Token) -> Option<T>,
    ) -> Option<(T, Token, Place)> {
        fill(text, Percent::Nested, steps);
        let mut left = MIXED_READINGS_MAX;
        for start in 0..text.len() {
            let Some((b'0', after)) = symbol(text, start, Percent::Nested).and_then(kept) else { continue };
            let mut usual = Window::from(start, after);
            while usual.count < TOKEN_CHARS && usual.is_likely() {
                let Some(read) = symbol(text, usual.at, Percent::Nested) else { break };
                let others = [Percent::Once, Percent::Literal];
                for other in others.into_iter().filter(|_| is_escape(text, usual.at)) {
                    left = left.checked_sub(1)?;
                    let mut window = usual;
                    if let Some(read) = symbol(text, window.at, other) {
                        window.push(read);
                    }
                    if window.fill(steps).is_ok() {
                        let found = self.check(&window, false, &mut accept);
                        if found.is_some() || self.tried >= CANDIDATES_MAX {
                            return found;
                        }
                    }
                }
                usual.push(read);
            }
        }
        None
    }

    fn check<T>(
        &mut self,
        window: &Window,
        is_usual: bool,
        accept: &mut impl FnMut(&Token) -> Option<T>,
    ) -> Option<(T, Token, Place)> {
        if self.tried >= CANDIDATES_MAX {
            return None;
        }
        self.checked += 1;
        let token = match Token::parse(TokenText::from_symbols(window.symbols).as_str()) {
            Ok(token) => token,
            Err(damage) => {
                self.damage = if is_usual { self.damage.max(damage) } else { self.damage };
                return None;
            }
        };
        self.tried += 1;
        accept(&token).map(|accepted| (accepted, token, Place { start: window.start, end: window.at }))
    }
}

/// For every byte of the text what comes next from there on; from the end, so that each takes one look.
fn fill(text: &[u8], percent: Percent, steps: &mut [Step]) {
    for start in (0..text.len()).rev() {
        let step = match symbol(text, start, percent) {
            Some((Some(symbol), next)) => Step { symbol, next },
            Some((None, next)) => steps.get(next).copied().filter(|_| next < text.len()).unwrap_or_default(),
            None => Step::default(),
        };
        if let Some(slot) = steps.get_mut(start) {
            *slot = step;
        }
    }
}

fn kept((symbol, after): (Option<u8>, usize)) -> Option<(u8, usize)> {
    symbol.map(|symbol| (symbol, after))
}

/// Up to 66 characters of the alphabet, and where it goes on behind them.
#[derive(Clone, Copy)]
struct Window {
    symbols: [u8; TOKEN_CHARS],
    count: usize,
    start: usize,
    at: usize,
}

impl Window {
    /// One that begins with the `0` before `at`.
    const fn from(start: usize, at: usize) -> Self {
        Self { symbols: [b'0'; TOKEN_CHARS], count: 1, start, at }
    }

    fn push(&mut self, (symbol, next): (Option<u8>, usize)) {
        if let (Some(symbol), Some(slot)) = (symbol, self.symbols.get_mut(self.count)) {
            *slot = symbol;
            self.count += 1;
        }
        self.at = next;
    }

    /// Whether it begins like a token, whose first byte is 1.
    fn is_likely(&self) -> bool {
        self.count < 2 || self.symbols.get(1).is_some_and(|second| matches!(second, b'4'..=b'7'))
    }

    /// [`Damage::Absent`] when it does not begin like a token.
    fn fill(&mut self, steps: &[Step]) -> Result<(), Damage> {
        while self.count < TOKEN_CHARS {
            if !self.is_likely() {
                return Err(Damage::Absent);
            }
            let step = steps.get(self.at).filter(|step| step.symbol != 0);
            let Step { symbol, next } = step.copied().ok_or(Damage::Length)?;
            self.push((Some(symbol), next));
        }
        Ok(())
    }
}

/// The key behind a token: the first 26 characters of the alphabet behind the first `#` at or after `from` where
/// they spell 16 bytes. `#` may be percent-encoded or a numeric character reference.
pub(super) fn key_behind(text: &[u8], from: usize) -> Option<[u8; FRAGMENT_CHARS]> {
    for after in (from..text.len()).filter_map(|at| mark(text, at)) {
        for percent in [Percent::Nested, Percent::Once, Percent::Literal] {
            match key_at(text, after, percent) {
                Some(symbols) if is_key(&symbols) => return Some(symbols),
                // Literal gives the most characters: where they are too few, there are fewer behind any later mark.
                None if percent == Percent::Literal => return None,
                _ => {}
            }
        }
    }
    None
}

fn key_at(text: &[u8], mut at: usize, percent: Percent) -> Option<[u8; FRAGMENT_CHARS]> {
    let mut symbols = [b'0'; FRAGMENT_CHARS];
    for slot in &mut symbols {
        (*slot, at) = next_symbol(text, at, percent)?;
    }
    Some(symbols)
}

fn is_key(symbols: &[u8]) -> bool {
    core::str::from_utf8(symbols).is_ok_and(|text| crockford::decode_exact::<16>(text).is_ok())
}

/// Where it goes on behind the `#` that stands at `at`.
fn mark(text: &[u8], at: usize) -> Option<usize> {
    let (b'#', after) = byte(text, at, Percent::Nested)? else { return None };
    let before = text.get(..at)?;
    if !before.ends_with(b"&") && !before.ends_with(b"%26") {
        return Some(after);
    }
    // `&#39;` is no mark, and `&#35;` is one.
    let reference = text.get(after..)?;
    let length = reference.iter().take_while(|c| c.is_ascii_alphanumeric()).count();
    let ended = match reference.get(length..) {
        Some([b';', ..]) => 1,
        Some([b'%', b'3', b'b' | b'B', ..]) => 3,
        _ => return Some(after),
    };
    let name = reference.get(..length)?;
    let is_mark = name == b"35" || name.eq_ignore_ascii_case(b"x23");
    is_mark.then_some(after + length + ended)
}

/// The next character of the alphabet at or after `at`, and where it goes on.
fn next_symbol(text: &[u8], mut at: usize, percent: Percent) -> Option<(u8, usize)> {
    loop {
        match symbol(text, at, percent)? {
            (Some(symbol), after) => return Some((symbol, after)),
            (None, after) => at = after,
        }
    }
}

/// The character of the alphabet that stands at `at`, if one does, and where it goes on.
fn symbol(text: &[u8], at: usize, percent: Percent) -> Option<(Option<u8>, usize)> {
    let (first, after) = byte(text, at, percent)?;
    // Full-width forms, U+FF00 to U+FF7F in UTF-8. Of everything else beyond ASCII each byte is skipped.
    if first == 0xef
        && let Some((second @ 0xbc..=0xbd, next)) = byte(text, after, percent)
        && let Some((third @ 0x80..=0xbf, end)) = byte(text, next, percent)
    {
        let ascii = (((second & 1) << 6) | (third & 0x3f)) + 0x20;
        return Some((fold(char::from(ascii)), end));
    }
    Some((fold(char::from(first)), after))
}

/// The byte that stands at `at`, and where the next one does.
fn byte(text: &[u8], at: usize, percent: Percent) -> Option<(u8, usize)> {
    let first = *text.get(at)?;
    let mut digits = at + 1;
    if first != b'%' || percent == Percent::Literal {
        return Some((first, digits));
    }
    while percent == Percent::Nested
        && escaped(text, digits) == Some(b'%')
        && escaped(text, digits + 2).is_some()
    {
        digits += 2;
    }
    Some(escaped(text, digits).map_or((first, at + 1), |byte| (byte, digits + 2)))
}

/// Whether a percent sign stands here that two hexadecimal digits follow.
fn is_escape(text: &[u8], at: usize) -> bool {
    text.get(at) == Some(&b'%') && escaped(text, at + 1).is_some()
}

/// The byte that the two hexadecimal digits at `at` stand for.
fn escaped(text: &[u8], at: usize) -> Option<u8> {
    let digit = |at: usize| text.get(at).and_then(|c| char::from(*c).to_digit(16));
    u8::try_from(digit(at)? << 4 | digit(at + 1)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::{PATH_BYTES_MAX, SiteKey, mint};
    use crate::types::{Kid, LetterId, UnixSeconds};

    /// Paths made to be expensive: as many beginnings of a token as fit, with percent signs in every window.
    fn hostile() -> Vec<String> {
        let fill = |unit: &str| unit.repeat(PATH_BYTES_MAX).chars().take(PATH_BYTES_MAX).collect::<String>();
        let mut paths: Vec<String> =
            ["04", "%04", "%2504", "04%20", "0404%aa", "%30%34", "0%34", "%", "%25", "0"].map(fill).into();
        for every in [4, 8, 16, 32, 60] {
            paths.push(fill(&format!("{}%20", "04".repeat(every))));
            paths.push(fill(&format!("{}%2504", "04".repeat(every))));
            paths.push(format!("{}{}", "04".repeat(every), fill("%20")));
        }
        paths.push(format!("{}{}{}", "04".repeat(33), "%20".repeat(126), "04".repeat(33)));
        paths.iter_mut().for_each(|path| path.truncate(PATH_BYTES_MAX));
        paths
    }

    #[test]
    fn the_work_is_bounded_by_the_length_of_the_text() {
        let most = hostile().into_iter().map(|path| {
            let mut reader = Reader::new();
            assert!(
                reader
                    .find(path.as_bytes(), &mut [Step::default(); PATH_BYTES_MAX], |_| None::<()>)
                    .is_none()
            );
            reader.checked
        });
        let most = most.max().unwrap();
        println!("at most {most} checks in a path");
        assert!(most > PATH_BYTES_MAX / 4, "the paths are hostile");
        assert!(most <= 3 * PATH_BYTES_MAX / 2 + MIXED_READINGS_MAX);
    }

    #[test]
    fn at_most_eight_tags_are_looked_at() {
        let key = SiteKey::new(Kid(1), [7; 32], None);
        let token = mint(&key, LetterId([3; 16]), UnixSeconds(1)).unwrap().to_string();
        for count in [1, CANDIDATES_MAX, CANDIDATES_MAX + 1, 40] {
            let mut asked = 0;
            let mut reader = Reader::new();
            let text = format!("%{}", token.repeat(count));
            for _ in 0..2 {
                let found = reader.find(text.as_bytes(), &mut vec![Step::default(); text.len()], |_| {
                    asked += 1;
                    None::<()>
                });
                assert!(found.is_none());
            }
            assert_eq!(asked, CANDIDATES_MAX.min(2 * count));
        }
    }
}
