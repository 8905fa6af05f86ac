//! `docs/SITE.md` and `wrangler.toml` have every setting of a site, and what is commented out there works.

use std::collections::BTreeSet;

use serde_json::json;
use waxseal::site::Site;

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// The names in a list of the source, such as `const SETTINGS: [&str; 14] = [...]`.
fn names(source: &str, from: &str, to: &str) -> Vec<String> {
    let list = source.split_once(from).unwrap().1.split_once(to).unwrap().0;
    list.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Every setting: those of contact by their whole name, and contact itself not.
fn settings() -> BTreeSet<String> {
    let all = names(&read("src/site/mod.rs"), "const SETTINGS", "];");
    let contact = names(&read("src/site/reader.rs"), "\"contact.\", map, &[", "]");
    assert!(all.len() >= 14 && contact.len() == 4, "{all:?} {contact:?}");
    let contact = contact.into_iter().map(|name| format!("contact.{name}"));
    all.into_iter().filter(|name| name != "contact").chain(contact).collect()
}

#[test]
fn every_setting_has_a_row() {
    let page = read("docs/SITE.md");
    let rows: BTreeSet<String> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`').map(|(name, _)| name.to_owned()))
        .collect();
    assert_eq!(rows, settings());
}

#[test]
fn wrangler_toml_shows_what_the_pages_can_say_and_it_works() {
    let text = read("wrangler.toml");
    let (_, site) = text.split_once("[vars.SITE]\n").unwrap();
    let (site, _) = site.split_once("\n# The evidence log's name").unwrap();
    // Lines such as `name = "..."`, those behind a comment sign too, and one value of several lines.
    let mut value = json!({ "contact": {} });
    let mut table = "";
    let mut lines = site.lines().map(|line| line.strip_prefix("# ").unwrap_or(line));
    while let Some(line) = lines.next() {
        if line == "[vars.SITE.contact]" {
            table = "/contact";
        }
        let Some((name, text)) = line.split_once(" = ") else { continue };
        if !name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') {
            continue;
        }
        let taken = match text {
            "\"\"\"" => {
                let mut all: Vec<&str> = Vec::new();
                while !all.last().is_some_and(|line| line.ends_with("\"\"\"")) {
                    all.push(lines.next().unwrap());
                }
                json!(all.join("\n").trim_end_matches('"'))
            }
            other => serde_json::from_str(other).unwrap(),
        };
        value.pointer_mut(table).unwrap()[name] = taken;
    }
    let site = Site::from_json(&value.to_string()).unwrap();
    assert_eq!(site.logo.as_deref(), Some("/assets/logo.svg"));
    assert!(site.privacy_url.unwrap().starts_with("https://"));
    assert!(site.contact.url.unwrap().starts_with("https://"));
    assert_eq!(site.contact.address.unwrap().lines().count(), 2);
    assert!(site.contact.email.is_some() && site.contact.phone.is_some());
}
