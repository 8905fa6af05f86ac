//! From the TOML text to checked rules.

use toml::de::DeTable;

use super::entries;
use super::fault::{Faults, RulesError};
use super::reader::{self, boolean, duration, number, refuse_unknown, word};
use super::{Entry, MAX_RULES_BYTES, Rules, shipped_honeypots};
use crate::guard::settings::{CrawlerPolicy, PreviewPolicy, Profile, Settings, Thresholds};

const TOP: [&str; 7] = ["profile", "thresholds", "robots", "honeypots", "allow", "deny", "honeypot"];

pub(super) fn parse(text: &str) -> Result<Rules, RulesError> {
    let mut faults = Faults::new(text);
    if text.len() > MAX_RULES_BYTES {
        faults.add(
            &(0..0),
            "too_large",
            format!("the rules are larger than {MAX_RULES_BYTES} bytes: merge addresses into networks"),
        );
        return faults.finish(Rules::default());
    }
    let table = match DeTable::parse(text) {
        Ok(table) => table,
        Err(error) => {
            faults.add(&error.span().unwrap_or(0..0), "syntax", format!("not TOML: {}", error.message()));
            return faults.finish(Rules::default());
        }
    };
    let table = table.get_ref();
    refuse_unknown(table, &TOP, "in the rules", &mut faults);
    let settings = settings(table, &mut faults);
    let mut entries = entries::read(table, &mut faults);
    entries.extend(shipped(table, &mut faults));
    entries::check_patterns(&entries, &mut faults);
    faults.finish(Rules { settings, entries })
}

fn settings(table: &DeTable<'_>, faults: &mut Faults<'_>) -> Settings {
    let mut settings = Settings::default();
    let words = [Profile::Balanced, Profile::Strict, Profile::Honeypot].map(|it| (it.code(), it));
    if let Some(profile) = word(table, "profile", &words, faults) {
        settings.profile = profile;
    }
    if let Some(robots) = table.get("robots").and_then(|value| reader::table(value, "robots", faults)) {
        refuse_unknown(robots, &["crawlers", "previews", "dry_run", "note"], "in [robots]", faults);
        let words =
            [CrawlerPolicy::Refuse, CrawlerPolicy::Ban, CrawlerPolicy::Ignore].map(|it| (it.code(), it));
        settings.crawlers = word(robots, "crawlers", &words, faults).unwrap_or(settings.crawlers);
        let words = [PreviewPolicy::Neutral, PreviewPolicy::Refuse].map(|it| (it.code(), it));
        settings.previews = word(robots, "previews", &words, faults).unwrap_or(settings.previews);
        settings.robots_dry_run = boolean(robots, "dry_run", faults).unwrap_or(false);
        reader::text(robots, "note", faults);
    }
    if let Some(given) = table.get("thresholds").and_then(|value| reader::table(value, "thresholds", faults))
    {
        settings.thresholds = thresholds(given, faults);
    }
    settings
}

fn thresholds(table: &DeTable<'_>, faults: &mut Faults<'_>) -> Thresholds {
    const KNOWN: [&str; 10] = [
        "allowance",
        "damaged",
        "forged",
        "api_key",
        "fade",
        "network_after",
        "system_after",
        "strict_factor",
        "dry_run",
        "note",
    ];
    refuse_unknown(table, &KNOWN, "in [thresholds]", faults);
    reader::text(table, "note", faults);
    let d = Thresholds::default();
    let mut fade = duration(table, "fade", 7, faults).unwrap_or(d.fade_seconds);
    if fade == 0 {
        if let Some(value) = table.get("fade") {
            faults.add(&value.span(), "out_of_range", "`fade` must be at least \"1s\"");
        }
        fade = d.fade_seconds;
    }
    Thresholds {
        allowance: number(table, "allowance", 1, 10_000, faults).unwrap_or(d.allowance),
        damaged: number(table, "damaged", 0, 10_000, faults).unwrap_or(d.damaged),
        forged: number(table, "forged", 0, 10_000, faults).unwrap_or(d.forged),
        api_key: number(table, "api_key", 0, 10_000, faults).unwrap_or(d.api_key),
        fade_seconds: fade,
        network_after: number(table, "network_after", 2, 256, faults).unwrap_or(d.network_after),
        system_after: number(table, "system_after", 2, 100_000, faults).unwrap_or(d.system_after),
        strict_factor: number(table, "strict_factor", 1, 100, faults).unwrap_or(d.strict_factor),
        dry_run: boolean(table, "dry_run", faults).unwrap_or(false),
    }
}

/// The shipped honeypots, when they are wanted: `[honeypots] shipped = false` leaves them out.
fn shipped(table: &DeTable<'_>, faults: &mut Faults<'_>) -> Option<Entry> {
    let mut entry = shipped_honeypots();
    let Some(given) = table.get("honeypots").and_then(|value| reader::table(value, "honeypots", faults))
    else {
        return Some(entry);
    };
    refuse_unknown(given, &["shipped", "dry_run"], "in [honeypots]", faults);
    entry.dry_run = boolean(given, "dry_run", faults).unwrap_or(false);
    boolean(given, "shipped", faults).unwrap_or(true).then_some(entry)
}
