//! The one reader of links: finds a token in any text, and the key that stands behind it.
//!
//! What mail programs, trackers, messengers, phones and people put before, behind or into a link is not guessed
//! at. From every byte on, the next 66 characters of the alphabet are collected, whatever stands between them;
//! what begins like a token and whose check holds is a candidate, and the tag decides. A percent sign can mean
//! three things (see [`Percent`]), so a text with such signs is read in each way.
//!
//! The work is bounded by the length of the text: no recursion, nothing allocated, three passes in which each byte is
//! decoded once and 66 characters are taken from it. Of one [`Reader`], whatever texts it goes through: at most
//! [`MIXED_READINGS_MAX`] readings more, [`CHECKS_MAX`] checks and [`CANDIDATES_MAX`] tags.

use super::crockford::{self, fold};
use super::error::Damage;
use super::parse::{TOKEN_CHARS, Token, TokenText};

/// The characters of an end-to-end key in a link's fragment: 16 bytes.
pub const FRAGMENT_CHARS: usize = 26;
/// Candidates of one text whose tag is looked at. Each costs its maker 2^24 tries, or is a real token of some site.
pub(super) const CANDIDATES_MAX: usize = 8;
/// Windows that are read with one percent sign taken otherwise than the rest.
const MIXED_READINGS_MAX: usize = 512;
/// Windows that begin like a token and whose check is computed.
const CHECKS_MAX: usize = 256;
/// Number signs behind which a key is looked for.
const MARKS_MAX: usize = 16;
/// How much is read behind each: every character of a key may be a full-width form, encoded twice.
const KEY_BYTES_MAX: usize = 512;

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

/// Goes through texts until a candidate is accepted, or one of the limits is reached.
pub(super) struct Reader {
    tried: usize,
    checked: usize,
    mixed: usize,
    damage: Damage,
}

impl Reader {
    pub(super) const fn new() -> Self {
        Self { tried: 0, checked: 0, mixed: 0, damage: Damage::Absent }
    }

    /// How near to a token the texts came that held none.
    pub(super) const fn damage(&self) -> Damage {
        self.damage
    }

    const fn is_done(&self) -> bool {
        self.tried >= CANDIDATES_MAX || self.checked >= CHECKS_MAX
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
                    if found.is_some() || self.is_done() {
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
        for start in 0..text.len() {
            let Some((b'0', after)) = symbol(text, start, Percent::Nested).and_then(kept) else { continue };
            let mut usual = Window::from(start, after);
            while usual.count < TOKEN_CHARS && usual.is_likely() {
                let Some(read) = symbol(text, usual.at, Percent::Nested) else { break };
                let others = [Percent::Once, Percent::Literal];
                for other in others.into_iter().filter(|_| is_escape(text, usual.at)) {
                    if self.mixed >= MIXED_READINGS_MAX {
                        return None;
                    }
                    self.mixed += 1;
                    let mut window = usual;
                    if let Some(read) = symbol(text, window.at, other) {
                        window.push(read);
                    }
                    if window.fill(steps).is_ok() {
                        let found = self.check(&window, false, &mut accept);
                        if found.is_some() || self.is_done() {
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
        if self.is_done() {
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

/// How the characters of a key stand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pass {
    /// All 26 directly behind the `#`, nothing between them and no other character of the alphabet behind them.
    Whole,
    /// Anything may stand between them but `&` and `;`, which end a parameter and a character reference.
    Broken,
}

/// The key behind a token: 26 characters of the alphabet behind a `#` at or after `from` that spell 16 bytes. The first
/// `#` where it works counts, among the first [`MARKS_MAX`]; `#` may be percent-encoded, full-width or a numeric
/// character reference.
pub(super) fn key_behind(text: &[u8], from: usize, pass: Pass) -> Option<[u8; FRAGMENT_CHARS]> {
    let mut marks = (from..text.len()).filter_map(|at| mark(text, at)).take(MARKS_MAX);
    marks.find_map(|after| {
        let text = text.get(..after.saturating_add(KEY_BYTES_MAX)).unwrap_or(text);
        let readings = [Percent::Nested, Percent::Once, Percent::Literal];
        readings.into_iter().find_map(|percent| key_at(text, after, percent, pass))
    })
}

fn key_at(text: &[u8], mut at: usize, percent: Percent, pass: Pass) -> Option<[u8; FRAGMENT_CHARS]> {
    let mut symbols = [b'0'; FRAGMENT_CHARS];
    for slot in &mut symbols {
        (*slot, at) = loop {
            match symbol(text, at, percent)? {
                (Some(symbol), after) => break (symbol, after),
                (None, _) if pass == Pass::Whole => return None,
                (None, _) if matches!(byte(text, at, Percent::Nested), Some((b'&' | b';', _))) => {
                    return None;
                }
                (None, after) => at = after,
            }
        };
    }
    if pass == Pass::Whole && symbol(text, at, percent).and_then(kept).is_some() {
        return None;
    }
    let key = core::str::from_utf8(&symbols).ok()?;
    crockford::decode_exact::<16>(key).is_ok().then_some(symbols)
}

/// Where it goes on behind the `#` that stands at `at`.
fn mark(text: &[u8], at: usize) -> Option<usize> {
    let after = match byte(text, at, Percent::Nested)? {
        (b'#', after) => after,
        // U+FF03, full-width.
        (0xef, after) => {
            let (0xbc, after) = byte(text, after, Percent::Nested)? else { return None };
            let (0x83, after) = byte(text, after, Percent::Nested)? else { return None };
            after
        }
        _ => return None,
    };
    if !text.get(..at).is_some_and(is_behind_ampersand) {
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

/// Whether this ends in `&`, or in one that was escaped up to three times (`&amp;`).
fn is_behind_ampersand(mut before: &[u8]) -> bool {
    for _ in 0..3 {
        let escaped = [b"amp;".as_slice(), b"amp%3B", b"amp%3b"];
        match escaped.into_iter().find_map(|escaped| before.strip_suffix(escaped)) {
            Some(shorter) => before = shorter,
            None => break,
        }
    }
    before.ends_with(b"&") || before.ends_with(b"%26")
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
        assert_eq!(most, CHECKS_MAX);
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

    /// A token that only a mixed reading finds: a lone percent sign before digits of it, and an escape.
    fn mixed() -> String {
        let key = SiteKey::new(Kid(1), [7; 32], None);
        let token = mint(&key, LetterId([3; 16]), UnixSeconds(1)).unwrap().to_string();
        let is_hex = |at: &usize| token.as_bytes()[*at..at + 2].iter().all(u8::is_ascii_hexdigit);
        let lone = (2..60).find(is_hex).unwrap();
        format!("{}%{}%20{}", &token[..lone], &token[lone..63], &token[63..])
    }

    #[test]
    fn the_work_is_shared_by_all_texts_of_one_reader() {
        let find = |reader: &mut Reader, text: &str| {
            reader.find(text.as_bytes(), &mut vec![Step::default(); text.len()], |_| Some(())).is_some()
        };
        assert!(find(&mut Reader::new(), &mixed()));
        let spends = |text: &str| {
            let mut reader = Reader::new();
            assert!(!find(&mut reader, text));
            (reader.mixed, reader.checked, find(&mut reader, &mixed()))
        };
        let (mixed, checked, found) = spends(&format!("04{}", "%20".repeat(MIXED_READINGS_MAX)));
        assert_eq!((mixed, found), (MIXED_READINGS_MAX, false));
        assert!(checked < CHECKS_MAX);
        let (mixed, checked, found) = spends(&"04".repeat(CHECKS_MAX + TOKEN_CHARS));
        assert_eq!((mixed, checked, found), (0, CHECKS_MAX, false));
    }
}
