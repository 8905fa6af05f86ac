//! Patterns for user agents and paths: ASCII case does not count, `*` is any text, `?` is one byte.

/// The longest pattern, in bytes.
pub const PATTERN_BYTES_MAX: usize = 128;

/// Only so many bytes of a text are looked at, so that a long header costs no more than a short one.
pub const TEXT_BYTES_MAX: usize = 512;

/// Whether the pattern has a `*` or `?`. Without one it is matched anywhere in an agent, and exactly in a path.
pub fn is_glob(pattern: &[u8]) -> bool {
    pattern.iter().any(|b| matches!(b, b'*' | b'?'))
}

/// Whether the agent matches: a glob against the whole text, plain text anywhere in it.
pub fn matches_agent(pattern: &[u8], agent: &[u8]) -> bool {
    let agent = agent.get(..TEXT_BYTES_MAX).unwrap_or(agent);
    if is_glob(pattern) { glob(pattern, agent) } else { contains(agent, pattern) }
}

/// Whether `needle` stands anywhere in `text`, whatever its case. An empty needle never does.
pub(super) fn contains(text: &[u8], needle: &[u8]) -> bool {
    let Some(first) = needle.first() else { return false };
    let mut windows = text.windows(needle.len());
    windows.any(|window| {
        window.first().is_some_and(|b| b.eq_ignore_ascii_case(first)) && window.eq_ignore_ascii_case(needle)
    })
}

/// Whether the whole text matches the glob. At most (pattern length) x (text length) steps.
pub fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0usize, 0usize);
    // Where to go on after a mismatch: behind the last star, one byte further into the text.
    let mut retry: Option<(usize, usize)> = None;
    while let Some(byte) = text.get(t) {
        match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p + 1, t));
                p += 1;
                continue;
            }
            Some(b'?') => {}
            Some(wanted) if wanted.eq_ignore_ascii_case(byte) => {}
            _ => match &mut retry {
                None => return false,
                Some((after_star, from)) => {
                    *from += 1;
                    (p, t) = (*after_star, *from);
                    continue;
                }
            },
        }
        p += 1;
        t += 1;
    }
    pattern.iter().skip(p).all(|b| *b == b'*')
}

/// A request path in the one spelling that honeypots are compared in: lower case, percent-encoding undone once,
/// repeated slashes as one, no slash at the end, at most [`TEXT_BYTES_MAX`] bytes. On the stack.
#[derive(Clone, Copy, Debug)]
pub struct PlainPath {
    bytes: [u8; TEXT_BYTES_MAX],
    length: usize,
}

impl PlainPath {
    /// The plain spelling of a path, up to its query.
    pub fn new(path: &str) -> Self {
        let mut plain = Self { bytes: [0; TEXT_BYTES_MAX], length: 0 };
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let mut rest = path.split(['?', '#']).next().unwrap_or_default().as_bytes();
        while let Some((&byte, tail)) = rest.split_first() {
            rest = tail;
            let byte = match (byte, tail) {
                (b'%', [high, low, after @ ..]) => match (digit(*high), digit(*low)) {
                    (Some(high), Some(low)) => {
                        rest = after;
                        (high << 4) | low
                    }
                    _ => byte,
                },
                _ => byte,
            };
            plain.push(byte.to_ascii_lowercase());
        }
        while plain.length > 1 && plain.as_bytes().ends_with(b"/") {
            plain.length -= 1;
        }
        plain
    }

    fn push(&mut self, byte: u8) {
        if byte == b'/' && self.as_bytes().ends_with(b"/") {
            return;
        }
        if let Some(slot) = self.bytes.get_mut(self.length) {
            *slot = byte;
            self.length += 1;
        }
    }

    /// The spelling.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_the_whole_and_plain_text_anywhere() {
        for (pattern, text, expected) in [
            ("curl", "Curl/8.1", true),
            ("curl*", "curl/8.1", true),
            ("curl", "libcURL", true),
            ("curl/*", "xcurl/8", false),
            ("*bot*x", "a BOT by x", true),
            ("*bot*x", "a BOT by y", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*", "", true),
            ("?", "", false),
            ("", "anything", false),
        ] {
            assert_eq!(matches_agent(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn a_path_has_one_spelling() {
        for path in
            ["/wp-login.php", "//WP-Login.php", "/wp%2dlogin.php/", "/wp-login.php?x=1", "/%77p-login.php#a"]
        {
            assert_eq!(PlainPath::new(path).as_bytes(), b"/wp-login.php", "{path}");
        }
        assert_eq!(PlainPath::new("/").as_bytes(), b"/");
        assert_eq!(PlainPath::new("/%zz%2").as_bytes(), b"/%zz%2");
        assert_eq!(PlainPath::new(&"/a".repeat(5000)).as_bytes().len(), TEXT_BYTES_MAX);
    }
}
