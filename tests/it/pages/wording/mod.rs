//! How things are said: phrases that were wrong and what stands there instead, and the words that a language never uses.

use std::fs;
use std::path::Path;

use waxseal::lang::Lang;

/// A row: where a phrase stood, and what stands there instead.
const ROWS: &str = include_str!("rows.tsv");

/// A text of a person's language: the file, its key, and what it says.
type Text = (String, String, String);

fn root() -> &'static Path {
    Path::new(".")
}

/// Every text of a language, with plain spaces for those that do not break.
fn texts(language: &str) -> Vec<Text> {
    let plain = |text: String| text.replace(['\u{a0}', '\u{202f}'], " ");
    as_written(language).into_iter().map(|(file, key, text)| (file, key, plain(text))).collect()
}

/// Every text of a language.
fn as_written(language: &str) -> Vec<Text> {
    let mut texts = Vec::new();
    for (file, folder) in
        [("pages", "locales"), ("certificate", "locales/certificate"), ("message", "locales/message")]
    {
        let path = root().join(folder).join(language).with_extension("toml");
        let lines = fs::read_to_string(path).unwrap();
        let mut section = "";
        for line in lines.lines() {
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                section = name;
            } else if let Some((key, text)) = line.split_once(" = \"") {
                texts.push((
                    file.to_owned(),
                    format!("{section}.{key}"),
                    text.trim_end_matches('"').to_owned(),
                ));
            }
        }
    }
    let terms =
        fs::read_to_string(root().join("locales/terms").join(language).with_extension("txt")).unwrap();
    texts.push(("terms".to_owned(), "*".to_owned(), terms));
    texts
}

/// Whether these words stand in the text as words of their own, in any case.
fn says(text: &str, words: &str) -> bool {
    let (text, words) = (text.to_lowercase(), words.to_lowercase());
    text.match_indices(&words).any(|(at, found)| {
        let before = text[..at].chars().next_back();
        let after = text[at + found.len()..].chars().next();
        ![before, after].into_iter().flatten().any(char::is_alphanumeric)
    })
}

/// Every row but the first two of the table under this heading in docs/TRANSLATING.md.
fn table(heading: &str) -> Vec<Vec<String>> {
    let page = fs::read_to_string(root().join("docs/TRANSLATING.md")).unwrap();
    let (_, rest) = page.split_once(&format!("## {heading}\n")).unwrap();
    rest.lines()
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect())
        .collect()
}

#[test]
fn what_was_said_badly_is_said_well() {
    let rows: Vec<Vec<_>> =
        ROWS.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('\t').collect()).collect();
    assert!(rows.len() > 40);
    for row in rows {
        let [language, file, key, before, now] = row[..] else { panic!("five columns: {row:?}") };
        let texts = texts(language);
        let found = texts.iter().find(|(there, name, _)| there == file && name == key);
        let (_, _, text) = found.unwrap_or_else(|| panic!("{language} {file} {key} is gone"));
        assert!(text.contains(now), "{language} {file} {key}: {text:?} does not say {now:?}");
        assert!(!says(text, before), "{language} {file} {key}: {text:?} still says {before:?}");
    }
}

#[test]
fn no_language_uses_a_word_that_means_something_else_there() {
    let never = table("Never");
    for language in Lang::ALL.map(Lang::tag) {
        let texts = texts(language);
        let mine: Vec<_> = never.iter().filter(|row| row[0] == language).collect();
        assert!(mine.len() >= 5, "{language}");
        for words in mine.iter().flat_map(|row| row[1].split(", ")) {
            for (file, key, text) in &texts {
                assert!(!says(text, words), "{language} {file} {key} says {words:?}: {text:?}");
            }
        }
    }
}

#[test]
fn signs_are_those_of_the_language() {
    for language in Lang::ALL.map(Lang::tag) {
        for (file, key, text) in texts(language) {
            // Straight quotes are a typewriter's; the certificate's command line is not among the texts.
            let odd = text.contains(['\'', '"']) || text.contains("  ") || text.contains("...");
            assert!(!odd, "{language} {file} {key}: {text:?}");
            let quotes = match language {
                "fr" => ['„', '“', '”', '‘'],
                "de" => ['«', '»', '”', '‘'],
                _ => ['«', '»', '„', '‘'],
            };
            assert!(!text.contains(quotes), "{language} {file} {key}: {text:?}");
        }
    }
}

/// A sign alone at the beginning of a line is read twice.
#[test]
fn a_line_breaks_before_no_french_sign_and_in_no_number() {
    for language in Lang::ALL.map(Lang::tag) {
        for (file, key, text) in as_written(language) {
            let breaks: &[&str] = match language {
                "fr" => &[" :", " ;", " ?", " !", " »", "« ", " %", "{hour} h", "h {minute}"],
                "de" => &[" %"],
                _ => &[],
            };
            for sign in breaks {
                assert!(!text.contains(sign), "{language} {file} {key}: {sign:?} may break in {text:?}");
            }
            // And none is left out.
            let glued = |sign| {
                text.match_indices(sign).any(|(at, _)| {
                    let before = text[..at].chars().next_back();
                    let ends = text[at..].chars().nth(1).is_none_or(|next| next == ' ' || next == '\n');
                    ends && before.is_some_and(|before| before.is_alphanumeric() || before == '}')
                })
            };
            let missing = language == "fr" && [":", ";", "?", "!", "»", "%"].into_iter().any(glued);
            assert!(!missing, "{language} {file} {key}: {text:?}");
        }
    }
}

#[test]
fn readers_are_addressed_politely() {
    for (language, familiar) in [
        ("nl", &["je", "jij", "jouw", "jullie"][..]),
        ("fr", &["tu", "ton", "ta", "tes"][..]),
        ("de", &["du", "dein", "deine", "dir", "euch"][..]),
    ] {
        for (file, key, text) in texts(language) {
            for word in familiar {
                assert!(!says(&text, word), "{language} {file} {key} says {word:?}: {text:?}");
            }
        }
    }
}
