//! The typed messages that `build.rs` writes from `locales/*.toml`: one method for each key.

use core::fmt::{Display, Write};

use super::Lang;

#[cfg(feature = "pages")]
include!(concat!(env!("OUT_DIR"), "/messages.rs"));

impl Lang {
    /// Every text of this language.
    #[cfg(feature = "pages")]
    pub const fn messages(self) -> &'static Messages {
        messages(self)
    }
}

/// The text with each `{name}` replaced, in one pass: what is filled in is never filled again.
pub(crate) fn fill(text: &str, values: &[(&str, &dyn Display)]) -> String {
    let mut out = String::with_capacity(text.len() + 32);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let known = after.split_once('}').and_then(|(name, tail)| {
            values.iter().find(|(known, _)| *known == name).map(|(_, value)| (value, tail))
        });
        match known {
            Some((value, tail)) => {
                // Writing to a String fails only when the value's own Display does.
                let _ = write!(out, "{value}");
                rest = tail;
            }
            None => {
                out.push('{');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_in_is_not_filled_again() {
        let filled = fill("{a} and {b} and {c}", &[("a", &"{b}"), ("b", &"{a}")]);
        assert_eq!(filled, "{b} and {a} and {c}");
        assert_eq!(fill("a { b", &[]), "a { b");
    }
}
