//! From the TOML text to checked rules.

use toml::de::DeTable;

use super::diagnostic::{Diagnostics, RulesError};
use super::entries;
use super::reader::{self, boolean, duration, number, refuse_unknown, word};
use super::{Entry, MAX_RULES_BYTES, Rules, shipped_honeypots};
use crate::guard::settings::{CrawlerPolicy, PreviewPolicy, Profile, Settings, Thresholds};

const TOP: [&str; 7] = ["profile", "thresholds", "robots", "honeypots", "allow", "deny", "honeypot"];

pub(super) fn parse(text: &str) -> Result<Rules, RulesError> {
    let mut diagnostics = Diagnostics::new(text);
    if text.len() > MAX_RULES_BYTES {
        diagnostics.add(
            &(0..0),
            "too_large",
            format!("the rules are larger than {MAX_RULES_BYTES} bytes: merge addresses into networks"),
        );
        return diagnostics.finish(Rules::default());
    }
    let table = match DeTable::parse(text) {
        Ok(table) => table,
        Err(error) => {
            diagnostics.add(
                &error.span().unwrap_or(0..0),
                "syntax",
                format!("not TOML: {}", error.message()),
            );
            return diagnostics.finish(Rules::default());
        }
    };
    let table = table.get_ref();
    refuse_unknown(table, &TOP, "in the rules", &mut diagnostics);
    let settings = settings(table, &mut diagnostics);
    let mut entries = entries::read(table, &mut diagnostics);
    entries.extend(shipped(table, &mut diagnostics));
    entries::check_patterns(&entries, &mut diagnostics);
    diagnostics.finish(Rules { settings, entries })
}

fn settings(table: &DeTable<'_>, diagnostics: &mut Diagnostics<'_>) -> Settings {
    let mut settings = Settings::default();
    let words = [Profile::Balanced, Profile::Strict, Profile::Honeypot].map(|it| (it.code(), it));
    if let Some(profile) = word(table, "profile", &words, diagnostics) {
        settings.profile = profile;
    }
    if let Some(robots) = table.get("robots").and_then(|value| reader::table(value, "robots", diagnostics)) {
        refuse_unknown(robots, &["crawlers", "previews", "dry_run", "note"], "in [robots]", diagnostics);
        let words =
            [CrawlerPolicy::Refuse, CrawlerPolicy::Ban, CrawlerPolicy::Ignore].map(|it| (it.code(), it));
        settings.crawlers = word(robots, "crawlers", &words, diagnostics).unwrap_or(settings.crawlers);
        let words = [PreviewPolicy::Neutral, PreviewPolicy::Refuse].map(|it| (it.code(), it));
        settings.previews = word(robots, "previews", &words, diagnostics).unwrap_or(settings.previews);
        settings.robots_dry_run = boolean(robots, "dry_run", diagnostics).unwrap_or(false);
        reader::text(robots, "note", diagnostics);
    }
    if let Some(given) =
        table.get("thresholds").and_then(|value| reader::table(value, "thresholds", diagnostics))
    {
        settings.thresholds = thresholds(given, diagnostics);
    }
    settings
}

fn thresholds(table: &DeTable<'_>, diagnostics: &mut Diagnostics<'_>) -> Thresholds {
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
    refuse_unknown(table, &KNOWN, "in [thresholds]", diagnostics);
    reader::text(table, "note", diagnostics);
    let d = Thresholds::default();
    let mut fade = duration(table, "fade", 7, diagnostics).unwrap_or(d.fade_seconds);
    if fade == 0 {
        if let Some(value) = table.get("fade") {
            diagnostics.add(&value.span(), "out_of_range", "`fade` must be at least \"1s\"");
        }
        fade = d.fade_seconds;
    }
    Thresholds {
        allowance: number(table, "allowance", 1, 10_000, diagnostics).unwrap_or(d.allowance),
        damaged: number(table, "damaged", 0, 10_000, diagnostics).unwrap_or(d.damaged),
        forged: number(table, "forged", 0, 10_000, diagnostics).unwrap_or(d.forged),
        api_key: number(table, "api_key", 0, 10_000, diagnostics).unwrap_or(d.api_key),
        fade_seconds: fade,
        network_after: number(table, "network_after", 2, 256, diagnostics).unwrap_or(d.network_after),
        system_after: number(table, "system_after", 2, 100_000, diagnostics).unwrap_or(d.system_after),
        strict_factor: number(table, "strict_factor", 1, 100, diagnostics).unwrap_or(d.strict_factor),
        dry_run: boolean(table, "dry_run", diagnostics).unwrap_or(false),
    }
}

/// The shipped honeypots, when they are wanted: `[honeypots] shipped = false` leaves them out.
fn shipped(table: &DeTable<'_>, diagnostics: &mut Diagnostics<'_>) -> Option<Entry> {
    let mut entry = shipped_honeypots();
    let Some(given) = table.get("honeypots").and_then(|value| reader::table(value, "honeypots", diagnostics))
    else {
        return Some(entry);
    };
    refuse_unknown(given, &["shipped", "dry_run"], "in [honeypots]", diagnostics);
    entry.dry_run = boolean(given, "dry_run", diagnostics).unwrap_or(false);
    boolean(given, "shipped", diagnostics).unwrap_or(true).then_some(entry)
}
