//! What changes between two sets of rules: in meaning, not in text.
//!
//! Entries are compared item by item, so that neither the order of the file, nor how addresses are spread over lists,
//! nor another way to write the same network is a change. The shipped honeypots are a setting.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::rules::{Action, Entry, Matcher, Rules};
use crate::types::UnixSeconds;

/// Everything that changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RulesDiff {
    /// Profile, thresholds, robots and shipped honeypots, in the order of the documentation.
    pub settings: Vec<SettingChange>,
    /// Removed entries, then changed ones, then added ones, each in the order of the file.
    pub entries: Vec<EntryChange>,
}

/// A setting with another value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingChange {
    /// As the file writes it, such as `thresholds.allowance`.
    pub name: Cow<'static, str>,
    /// Before.
    pub old: String,
    /// After.
    pub new: String,
}

/// Items of one entry to which the same happens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryChange {
    /// What the entry does.
    pub action: Action,
    /// What it is about: `network`, `asn`, `country`, `agent` or `path`.
    pub subject: Cow<'static, str>,
    /// Which ones, in the order of the file; never empty.
    pub items: Vec<String>,
    /// Before; `None` when they are added.
    pub old: Option<Facts>,
    /// After; `None` when they are removed. When they were there before, their note, their end or their dry run is another.
    pub new: Option<Facts>,
}

/// What an entry says beside its items.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The line of its file.
    pub line: u32,
    /// Why it is there.
    pub note: String,
    /// Until when it counts.
    pub expires: Option<UnixSeconds>,
    /// It changes nothing and is counted.
    pub dry_run: bool,
}

impl Facts {
    fn of(entry: &Entry) -> Self {
        Self { line: entry.line, note: entry.note.clone(), expires: entry.expires, dry_run: entry.dry_run }
    }
}

impl RulesDiff {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.settings.is_empty() && self.entries.is_empty()
    }
}

/// One item: what is done to which kind of thing, and which one. Networks sort and compare as the text that names them.
type Item = (Action, &'static str, String);

/// Compares.
pub fn diff(old: &Rules, new: &Rules) -> RulesDiff {
    let settings = settings(old).into_iter().zip(settings(new));
    let settings = settings
        .filter(|((_, old), (_, new))| old != new)
        .map(|((name, old), (_, new))| SettingChange { name: name.into(), old, new })
        .collect();
    // Of one item, the entries of the old file that name it and those of the new one; a file may name it twice.
    let mut items: BTreeMap<Item, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
    each_item(old, |item, entry| items.entry(item).or_default().0.push(entry));
    each_item(new, |item, entry| items.entry(item).or_default().1.push(entry));

    let mut changes: BTreeMap<Fate, Vec<String>> = BTreeMap::new();
    for ((_, _, text), (mut before, mut after)) in items {
        before.retain(|one| {
            let same = after.iter().position(|other| means_the_same(old, *one, new, *other));
            same.is_none_or(|same| {
                after.remove(same);
                false
            })
        });
        let (mut before, mut after) = (before.into_iter(), after.into_iter());
        loop {
            let (old, new) = (before.next(), after.next());
            if old.or(new).is_none() {
                break;
            }
            changes.entry(Fate { added: old.is_none(), new, old }).or_default().push(text.clone());
        }
    }
    let entries = changes.into_iter().filter_map(|(fate, items)| fate.told(items, old, new)).collect();
    RulesDiff { settings, entries }
}

/// Every item of the file with the number of its entry.
fn each_item(rules: &Rules, mut take: impl FnMut(Item, usize)) {
    for (number, entry) in rules.entries.iter().enumerate().filter(|(_, entry)| entry.line > 0) {
        for text in entry.matcher.items() {
            take((entry.action, entry.matcher.subject(), text), number);
        }
    }
}

/// Whatever the line.
fn means_the_same(old: &Rules, one: usize, new: &Rules, other: usize) -> bool {
    let (old, new) = (old.entries.get(one), new.entries.get(other));
    old.zip(new).is_some_and(|(old, new)| {
        (&old.note, old.expires, old.dry_run) == (&new.note, new.expires, new.dry_run)
    })
}

/// The entry an item was in and the one it is in, by number; in the order in which changes are told.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Fate {
    added: bool,
    new: Option<usize>,
    old: Option<usize>,
}

impl Fate {
    fn told(self, items: Vec<String>, old: &Rules, new: &Rules) -> Option<EntryChange> {
        let old = self.old.and_then(|number| old.entries.get(number));
        let new = self.new.and_then(|number| new.entries.get(number));
        let entry = new.or(old)?;
        Some(EntryChange {
            action: entry.action,
            subject: entry.matcher.subject().into(),
            items,
            old: old.map(Facts::of),
            new: new.map(Facts::of),
        })
    }
}

/// Every setting with its value as the file writes it, always the same ones in the same order.
pub fn settings(rules: &Rules) -> Vec<(&'static str, String)> {
    let (settings, thresholds) = (&rules.settings, &rules.settings.thresholds);
    let shipped = rules.entries.iter().find(|entry| is_shipped(entry));
    vec![
        ("profile", settings.profile.code().to_owned()),
        ("thresholds.allowance", thresholds.allowance.to_string()),
        ("thresholds.damaged", thresholds.damaged.to_string()),
        ("thresholds.forged", thresholds.forged.to_string()),
        ("thresholds.api_key", thresholds.api_key.to_string()),
        ("thresholds.fade", duration(thresholds.fade_seconds)),
        ("thresholds.network_after", thresholds.network_after.to_string()),
        ("thresholds.system_after", thresholds.system_after.to_string()),
        ("thresholds.strict_factor", thresholds.strict_factor.to_string()),
        ("thresholds.dry_run", thresholds.dry_run.to_string()),
        ("robots.crawlers", settings.crawlers.code().to_owned()),
        ("robots.previews", settings.previews.code().to_owned()),
        ("robots.dry_run", settings.robots_dry_run.to_string()),
        ("honeypots.shipped", shipped.is_some().to_string()),
        ("honeypots.dry_run", shipped.is_some_and(|entry| entry.dry_run).to_string()),
    ]
}

/// Whether the entry is the shipped list and not of the file.
fn is_shipped(entry: &Entry) -> bool {
    entry.line == 0 && matches!(entry.matcher, Matcher::Paths(_))
}

/// A length of time as the file writes it, in the largest unit that says it exactly.
fn duration(seconds: u32) -> String {
    let units = [(86_400, 'd'), (3_600, 'h'), (60, 'm')];
    let whole = units.iter().find_map(|(unit, letter)| {
        let count = seconds.checked_div(*unit)?;
        (count > 0 && seconds.is_multiple_of(*unit)).then(|| format!("{count}{letter}"))
    });
    whole.unwrap_or_else(|| format!("{seconds}s"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn between(old: &str, new: &str) -> RulesDiff {
        diff(&Rules::parse(old).unwrap(), &Rules::parse(new).unwrap())
    }

    fn facts(line: u32, note: &str) -> Facts {
        Facts { line, note: note.to_owned(), expires: None, dry_run: false }
    }

    #[test]
    fn order_spelling_and_layout_are_no_changes() {
        let old = "[[deny]]\nasn = 64500\n\n[[allow]]\nnetwork = [\"192.0.2.7/32\", \"2001:DB8::/64\"]\n";
        let new = "# Other words.\nprofile = \"balanced\"\n[[allow]]\naddress = \"2001:db8::1\"\n[[allow]]\n\
                   address = \"192.0.2.7\"\n[[deny]]\nasn = \"AS64500\"\n[thresholds]\nfade = \"1800s\"\n";
        assert!(between(old, new).is_empty());
        assert!(between("", "").is_empty());
    }

    #[test]
    fn settings_say_what_they_were_and_what_they_become() {
        let new = "profile = \"strict\"\n[thresholds]\nfade = \"90s\"\n[robots]\ncrawlers = \"ban\"\n\
                   [honeypots]\nshipped = false\n";
        let found = between("", new);
        let told: Vec<_> =
            found.settings.iter().map(|it| (it.name.as_ref(), it.old.as_str(), it.new.as_str())).collect();
        assert_eq!(
            told,
            [
                ("profile", "balanced", "strict"),
                ("thresholds.fade", "30m", "90s"),
                ("robots.crawlers", "refuse", "ban"),
                ("honeypots.shipped", "true", "false"),
            ]
        );
        assert!(found.entries.is_empty(), "the shipped list is a setting");
    }

    #[test]
    fn every_setting_is_compared() {
        let new = "profile = \"strict\"\n[thresholds]\nallowance = 9\ndamaged = 9\nforged = 9\napi_key = 9\nfade = \"9s\"\n\
                   network_after = 9\nsystem_after = 9\nstrict_factor = 9\n\
                   dry_run = true\n[robots]\ncrawlers = \"ban\"\npreviews = \"refuse\"\ndry_run = true\n\
                   [honeypots]\ndry_run = true\n";
        let changed = between("", new).settings.len();
        // All but `honeypots.shipped`, without which the dry run of the shipped ones says nothing.
        assert_eq!(changed, settings(&Rules::default()).len() - 1);
    }

    #[test]
    fn items_come_and_go_alone() {
        let old = "[[deny]]\nnetwork = [\"192.0.2.0/24\", \"198.51.100.0/24\"]\nnote = \"January\"\n";
        let new = "[[deny]]\nnetwork = [\"192.0.2.0/24\", \"203.0.113.0/24\"]\nnote = \"January\"\n";
        let found = between(old, new).entries;
        let told: Vec<_> =
            found.iter().map(|it| (it.items.join(" "), it.old.clone(), it.new.clone())).collect();
        let note = || Some(facts(1, "January"));
        assert_eq!(
            told,
            [("198.51.100.0/24".to_owned(), note(), None), ("203.0.113.0/24".to_owned(), None, note())]
        );
    }

    #[test]
    fn note_end_and_dry_run_are_changes_of_the_items_they_stand_beside() {
        let old = "[[deny]]\ncountry = [\"T1\", \"XX\"]\n";
        let new = "[[deny]]\ncountry = [\"xx\", \"t1\"]\nnote = \"Tor\"\nexpires = 2027-01-31T18:00:00Z\ndry_run = true\n";
        let found = between(old, new).entries;
        let [change] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((change.action, change.subject.as_ref()), (Action::Deny, "country"));
        assert_eq!(change.items, ["T1", "XX"], "what happens to both is told once");
        let new = Facts { expires: Some(UnixSeconds(1_801_418_400)), dry_run: true, ..facts(1, "Tor") };
        assert_eq!((&change.old, &change.new), (&Some(facts(1, "")), &Some(new)));
    }

    #[test]
    fn from_allowed_to_denied_is_two_changes() {
        let found = between("[[allow]]\nasn = 64500\n", "[[deny]]\nasn = 64500\n").entries;
        let told: Vec<_> = found.iter().map(|it| (it.action, it.old.is_none())).collect();
        assert_eq!(told, [(Action::Allow, false), (Action::Deny, true)]);
    }

    #[test]
    fn what_a_file_names_twice_is_counted_twice() {
        let once = "[[honeypot]]\npath = \"/old\"\nnote = \"a\"\n";
        let twice =
            "[[honeypot]]\npath = \"/old\"\nnote = \"b\"\n[[honeypot]]\npath = \"/old\"\nnote = \"a\"\n";
        let found = between(once, twice).entries;
        let [change] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((&change.old, &change.new), (&None, &Some(facts(1, "b"))));
        assert!(between(twice, twice).is_empty());
    }
}
