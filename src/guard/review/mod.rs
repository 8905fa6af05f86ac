//! What a rules file amounts to, and what in it cannot be meant: entries that never take effect because stronger ones
//! cover them, and entries that contradict each other.
//!
//! Strength is that of the look-up: allow before deny, and of the same kind the earlier entry. An entry in dry run
//! hides only others in dry run, and nothing is hidden by what ends before it does.

mod cover;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use self::cover::Cover;
use super::rules::{Action, Entry, Rules};
use crate::types::UnixSeconds;

/// At most this many warnings are made: nobody reads more.
const MAX_WARNINGS: usize = 50;

/// So many items are named in a warning.
const MAX_NAMED: usize = 3;

/// What there is to say about rules that are free of faults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Review {
    /// Entries and items by action and subject, the shipped honeypots left out.
    pub counts: BTreeMap<(Action, &'static str), Count>,
    /// How many honeypot paths are shipped and wanted.
    pub shipped: usize,
    /// How many entries are in dry run.
    pub dry_run: usize,
    /// How many entries have ended.
    pub expired: usize,
    /// What cannot be meant, in the order of the file, at most 50.
    pub warnings: Vec<Warning>,
}

/// How many entries there are and how many items are in their lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Entries.
    pub entries: usize,
    /// Items.
    pub items: usize,
}

/// Something that is allowed in a file and cannot be meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// Where the entry begins.
    pub line: u32,
    /// `never_takes_effect`: all of the entry is covered. `contradiction`: something is allowed and denied.
    pub code: Cow<'static, str>,
    /// A sentence.
    pub message: String,
}

/// Looks rules over.
pub fn review(rules: &Rules, now: UnixSeconds) -> Review {
    let written = || rules.entries.iter().filter(|entry| entry.line > 0);
    let mut counts: BTreeMap<(Action, &'static str), Count> = BTreeMap::new();
    for entry in written() {
        let count = counts.entry((entry.action, entry.matcher.subject())).or_default();
        count.entries += 1;
        count.items += entry.matcher.len();
    }
    let ended = |entry: &&Entry| entry.expires.is_some_and(|end| end <= now);
    Review {
        counts,
        shipped: rules.entries.iter().filter(|entry| entry.line == 0).map(|entry| entry.matcher.len()).sum(),
        dry_run: written().filter(|entry| entry.dry_run).count(),
        expired: written().filter(ended).count(),
        warnings: warnings(rules, now),
    }
}

fn warnings(rules: &Rules, now: UnixSeconds) -> Vec<Warning> {
    let cover = Cover::of(rules, now);
    rules
        .entries
        .iter()
        .enumerate()
        .filter_map(|(number, _)| warning(&cover, number))
        .take(MAX_WARNINGS)
        .collect()
}

/// The warning about one entry, if there is one.
fn warning(cover: &Cover<'_>, number: usize) -> Option<Warning> {
    let entry = cover.entry(number).filter(|entry| entry.line > 0)?;
    let covered: Vec<(usize, &Entry)> = cover.covered(number).collect();
    let (_, by) = covered.first()?;
    let allowed: Vec<usize> = covered
        .iter()
        .filter(|(_, by)| entry.action == Action::Deny && by.action == Action::Allow)
        .map(|it| it.0)
        .collect();
    let (name, whole) = (entry.action.code(), covered.len() == entry.matcher.len());
    let (code, message) = if whole && allowed.is_empty() {
        let message = format!("this [[{name}]] never takes effect: {} covers it already", place(by));
        ("never_takes_effect", message)
    } else if whole && allowed.len() == covered.len() {
        (
            "contradiction",
            format!("this [[{name}]] never takes effect: {} covers it, and allow wins", place(by)),
        )
    } else if let Some(first) = allowed.first() {
        let by = covered.iter().find(|(item, _)| item == first).map_or(by, |(_, by)| by);
        let mut named: Vec<String> =
            allowed.iter().take(MAX_NAMED).map(|item| entry.matcher.item(*item)).collect();
        if allowed.len() > MAX_NAMED {
            named.push(format!("{} more", allowed.len() - MAX_NAMED));
        }
        (
            "contradiction",
            format!("{}: denied here, but allowed by {}, and allow wins", named.join(", "), place(by)),
        )
    } else {
        // Said twice in part: harmless.
        return None;
    };
    Some(Warning { line: entry.line, code: code.into(), message })
}

fn place(entry: &Entry) -> String {
    match entry.line {
        0 => "the shipped list".to_owned(),
        line => format!("the [[{}]] in line {line}", entry.action.code()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warned(text: &str) -> Vec<(u32, &'static str)> {
        let rules = Rules::parse(text).unwrap();
        let each = review(&rules, UnixSeconds(1_000)).warnings.into_iter();
        each.map(|it| match it.code {
            Cow::Borrowed(code) => (it.line, code),
            Cow::Owned(code) => panic!("{code} is made here"),
        })
        .collect()
    }

    const NEVER: &str = "never_takes_effect";
    const CONTRADICTION: &str = "contradiction";

    #[test]
    fn counts_tell_what_a_file_holds() {
        let rules = Rules::parse(
            "[[allow]]\nnetwork = [\"192.0.2.0/24\", \"2001:db8::/48\"]\n[[deny]]\nasn = 64500\ndry_run = true\n\
             [[deny]]\nasn = [64501, 64502]\nexpires = 1970-01-01T00:16:40Z\n",
        )
        .unwrap();
        let found = review(&rules, UnixSeconds(1_000));
        let counts: Vec<_> = found
            .counts
            .iter()
            .map(|((action, subject), it)| (action.code(), *subject, it.entries, it.items))
            .collect();
        assert_eq!(counts, [("allow", "network", 1, 2), ("deny", "asn", 2, 3)]);
        assert_eq!((found.dry_run, found.expired), (1, 1), "an entry ends at its moment");
        assert!(found.shipped > 20);
        assert!(found.warnings.is_empty());
        assert_eq!(review(&Rules::parse("[honeypots]\nshipped = false").unwrap(), UnixSeconds(1)).shipped, 0);
    }

    #[test]
    fn an_exception_is_no_contradiction() {
        assert!(
            warned("[[deny]]\nnetwork = \"192.0.2.0/24\"\n[[allow]]\naddress = \"192.0.2.7\"\n").is_empty()
        );
        assert!(
            warned("[[deny]]\nasn = 64500\n[[allow]]\nnetwork = \"0.0.0.0/0\"\n").is_empty(),
            "other kinds"
        );
    }

    #[test]
    fn what_is_allowed_cannot_be_denied() {
        let text = "[[deny]]\naddress = \"192.0.2.7\"\n[[allow]]\nnetwork = \"192.0.2.0/24\"\n";
        assert_eq!(warned(text), [(1, CONTRADICTION)]);
        for subject in ["asn = 64500", "country = \"NL\"", "agent = \"monitor\""] {
            assert_eq!(
                warned(&format!("[[allow]]\n{subject}\n[[deny]]\n{subject}\n")),
                [(3, CONTRADICTION)],
                "{subject}"
            );
        }
    }

    #[test]
    fn a_contradiction_in_a_list_names_the_items() {
        let text = "[[allow]]\nnetwork = \"192.0.2.0/24\"\n[[deny]]\nnetwork = [\"198.51.100.0/24\", \"192.0.2.128/25\"]\n";
        let found = review(&Rules::parse(text).unwrap(), UnixSeconds(1)).warnings;
        let [warning] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(
            warning.message,
            "192.0.2.128/25: denied here, but allowed by the [[allow]] in line 1, and allow wins"
        );
    }

    #[test]
    fn several_entries_cover_together() {
        let halves = "[[deny]]\nnetwork = \"192.0.2.0/25\"\n[[deny]]\nnetwork = \"192.0.2.128/25\"\n";
        assert_eq!(warned(&format!("{halves}[[deny]]\nnetwork = \"192.0.2.0/24\"\n")), [(5, NEVER)]);
        assert!(warned(&format!("{halves}[[deny]]\nnetwork = \"192.0.2.0/23\"\n")).is_empty());
        let v6 = "[[deny]]\nnetwork = \"2001:db8::/48\"\n[[deny]]\naddress = \"2001:db8:0:5::9\"\n";
        assert_eq!(warned(v6), [(3, NEVER)]);
        assert!(
            warned("[[deny]]\nnetwork = \"::/0\"\n[[deny]]\nnetwork = \"0.0.0.0/0\"\n").is_empty(),
            "two families"
        );
    }

    #[test]
    fn the_first_of_two_equals_counts_and_the_wider_later_one_too() {
        assert_eq!(warned("[[deny]]\ncountry = \"T1\"\n[[deny]]\ncountry = \"T1\"\n"), [(3, NEVER)]);
        let wider = "[[deny]]\naddress = \"192.0.2.7\"\n[[deny]]\nnetwork = \"192.0.2.0/24\"\n";
        assert!(warned(wider).is_empty(), "the note of the first is shown for its address");
    }

    #[test]
    fn what_ends_earlier_hides_nothing_later() {
        let text = |first: &str, second: &str| {
            format!("[[deny]]\nasn = 64500\n{first}\n[[deny]]\nasn = 64500\n{second}\n")
        };
        let (soon, late) = ("expires = 2027-01-01T00:00:00Z", "expires = 2028-01-01T00:00:00Z");
        assert!(warned(&text(soon, "")).is_empty());
        assert!(warned(&text(soon, late)).is_empty());
        assert_eq!(warned(&text(late, soon)), [(4, NEVER)]);
        let ended = "expires = 1970-01-01T00:00:01Z";
        assert!(warned(&text(ended, ended)).is_empty(), "what has ended is not looked at");
    }

    #[test]
    fn a_dry_run_hides_only_others_in_dry_run() {
        let text = |first: &str, second: &str| {
            format!("[[deny]]\nasn = 64500\n{first}\n[[deny]]\nasn = 64500\n{second}\n")
        };
        assert!(warned(&text("dry_run = true", "")).is_empty());
        assert_eq!(warned(&text("dry_run = true", "dry_run = true")), [(4, NEVER)]);
        assert_eq!(warned(&text("", "dry_run = true")), [(4, NEVER)]);
    }

    #[test]
    fn patterns_cover_what_they_must_match() {
        let pair =
            |a: &str, b: &str| warned(&format!("[[deny]]\nagent = \"{a}\"\n[[deny]]\nagent = \"{b}\"\n"));
        assert_eq!(pair("bot", "EvilBot"), [(3, NEVER)], "text anywhere in the agent");
        assert_eq!(pair("*bot*", "evilbot/*"), [(3, NEVER)]);
        assert!(pair("evilbot", "bot").is_empty());
        assert!(pair("bot*", "bot").is_empty(), "the first asks for a beginning");
        assert!(pair("evil?bot", "evil*bot").is_empty(), "a star may stand for nothing");
    }

    #[test]
    fn honeypots_that_are_there_already() {
        assert_eq!(warned("[[honeypot]]\npath = \"/wp-login.php\"\n"), [(1, NEVER)], "shipped");
        assert!(warned("[honeypots]\nshipped = false\n[[honeypot]]\npath = \"/wp-login.php\"\n").is_empty());
        let both = "[[honeypot]]\npath = \"/old/a\"\n[[honeypot]]\npath = \"/old/*\"\n";
        assert_eq!(warned(both), [(1, NEVER)], "no honeypot is stronger than another");
        assert_eq!(
            warned("[[honeypot]]\npath = [\"/one\", \"/two\"]\n[[honeypot]]\npath = \"/two\"\n"),
            [(3, NEVER)]
        );
    }

    #[test]
    fn warnings_end() {
        let many = "[[deny]]\nasn = 64500\n".repeat(200);
        assert_eq!(warned(&many).len(), MAX_WARNINGS);
    }
}
