//! References that are nearly the one that was asked for. The edge has no list of references, only keyed hashes of them, so
//! it cannot say which are alike: the likely slips are tried.

use icu_normalizer::{ComposingNormalizer, DecomposingNormalizer};
use waxseal::token::customer_reference;

/// So many are tried. Each is a question to an object of the edge for each key.
const MAX_TRIED: usize = 96;

/// What people type where one reference has parts.
const SEPARATORS: [char; 6] = ['-', ' ', '_', '.', '/', ':'];

/// Characters that are taken for each other.
const ALIKE: [(char, char); 12] = [
    ('O', '0'),
    ('o', '0'),
    ('0', 'O'),
    ('I', '1'),
    ('l', '1'),
    ('1', 'I'),
    ('1', 'l'),
    ('S', '5'),
    ('5', 'S'),
    ('B', '8'),
    ('8', 'B'),
    ('Z', '2'),
];

/// Normalization Form C: two ways to write one character are one.
pub(crate) fn nfc(text: &str) -> String {
    ComposingNormalizer::new_nfc().normalize(text).into_owned()
}

/// Normalization Form KC: full-width and other look-alikes become the plain characters.
fn nfkc(text: &str) -> String {
    ComposingNormalizer::new_nfkc().normalize(text).into_owned()
}

/// The likely slips, the likeliest first, each once and without the reference itself.
pub(super) fn near(reference: &str) -> Vec<String> {
    let mut found = Found { itself: reference.to_owned(), list: Vec::new() };
    let cleaned = clean(reference);
    let plain: Vec<String> = [nfkc(reference), cleaned.clone()].into_iter().chain(cases(&cleaned)).collect();
    plain.iter().for_each(|text| found.add(text));
    for text in &plain {
        zeros(text).iter().for_each(|text| found.add(text));
        separated(text).iter().for_each(|text| found.add(text));
    }
    for text in separated(&cleaned) {
        cases(&text).iter().chain(&zeros(&text)).for_each(|text| found.add(text));
    }
    for (one, other) in ALIKE {
        found.add(&cleaned.replace(one, &other.to_string()));
    }
    found.add(&without_marks(&cleaned));
    swapped(&cleaned).iter().for_each(|text| found.add(text));
    found.list
}

struct Found {
    itself: String,
    list: Vec<String>,
}

impl Found {
    fn add(&mut self, text: &str) {
        let Some(text) = customer_reference(text, nfc) else { return };
        if self.list.len() < MAX_TRIED && text != self.itself && !self.list.iter().any(|known| *known == text)
        {
            self.list.push(text.into_owned());
        }
    }
}

/// Plain characters without what nobody sees, and without what stands around a reference in a sentence or a table.
fn clean(text: &str) -> String {
    let dash = |c: char| if matches!(c, '\u{2010}'..='\u{2015}' | '\u{2212}') { '-' } else { c };
    let seen: String = nfkc(text).chars().filter(|c| !c.is_control() && !is_format(*c)).map(dash).collect();
    seen.trim_matches(|c: char| c.is_whitespace() || "\"'`#.,;:()[]<>".contains(c)).to_owned()
}

const fn is_format(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn cases(text: &str) -> Vec<String> {
    let mut rest = text.chars();
    let title =
        rest.next().map(|first| first.to_uppercase().chain(rest.flat_map(char::to_lowercase)).collect());
    [Some(text.to_lowercase()), Some(text.to_uppercase()), title].into_iter().flatten().collect()
}

/// Without the zeros in front of its numbers, and with some in front of the last.
fn zeros(text: &str) -> Vec<String> {
    let mut stripped = String::new();
    let mut in_number = false;
    for (at, c) in text.char_indices() {
        let next_is_digit =
            text.get(at + c.len_utf8()..).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        if c == '0' && !in_number && next_is_digit {
            continue;
        }
        in_number = c.is_ascii_digit();
        stripped.push(c);
    }
    let digits = stripped.len() - stripped.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let mut all = vec![stripped.clone()];
    if digits > 0 {
        let (front, number) = stripped.split_at(stripped.len() - digits);
        all.extend((1..=4).map(|zeros| format!("{front}{}{number}", "0".repeat(zeros))));
    }
    all
}

/// Its parts with every separator, and with none. Parts are told by separators, else by where letters meet digits.
fn separated(text: &str) -> Vec<String> {
    let mut parts: Vec<String> =
        text.split(SEPARATORS).filter(|part| !part.is_empty()).map(str::to_owned).collect();
    if let [only] = parts.as_slice() {
        parts = split_numbers(only);
    }
    if parts.len() < 2 {
        return parts;
    }
    let with = |separator: &str| parts.join(separator);
    let mut all = vec![with("")];
    all.extend(SEPARATORS.iter().map(|separator| with(&separator.to_string())));
    all
}

fn split_numbers(text: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut last = None;
    for c in text.chars() {
        let digit = c.is_ascii_digit();
        match parts.last_mut().filter(|_| last == Some(digit)) {
            Some(part) => part.push(c),
            None => parts.push(c.to_string()),
        }
        last = Some(digit);
    }
    parts
}

/// `Müller` as `Muller`.
fn without_marks(text: &str) -> String {
    let mark = |c: &char| matches!(c, '\u{300}'..='\u{36f}');
    DecomposingNormalizer::new_nfd().normalize(text).chars().filter(|c| !mark(c)).collect()
}

/// Two neighbours the other way round: `C-1024` for `C-1042`.
fn swapped(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().take(40).collect();
    let whole = chars.len() == text.chars().count();
    (1..chars.len())
        .filter(|_| whole)
        .map(|at| {
            let mut other = chars.clone();
            other.swap(at - 1, at);
            other.into_iter().collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn likely_slips_are_among_what_is_tried() {
        for (asked, kept) in [
            ("c-1042", "C-1042"),
            ("C-1042", "c-1042"),
            ("C1042", "C-1042"),
            ("C 1042", "C-1042"),
            ("c 1042", "C-1042"),
            ("C_1042", "C.1042"),
            ("C\u{2010}1042", "C-1042"),
            ("C-01042", "C-1042"),
            ("C-1042", "C-001042"),
            ("42", "0042"),
            ("0042", "42"),
            ("C-1O42", "C-1042"),
            ("C-lO42", "C-l042"),
            ("C-1024", "C-1042"),
            ("#C-1042", "C-1042"),
            ("\"C-1042\"", "C-1042"),
            ("C-1042\u{200b}", "C-1042"),
            ("\u{ff23}-\u{ff11}\u{ff10}\u{ff14}\u{ff12}", "C-1042"),
            ("m\u{fc}ller", "M\u{fc}ller"),
            ("M\u{fc}ller", "Muller"),
            ("smith anna", "Smith anna"),
        ] {
            assert!(near(asked).iter().any(|one| one == kept), "{asked:?}: {:?}", near(asked));
        }
    }

    #[test]
    fn the_list_is_short_and_names_nobody_twice() {
        for asked in [
            "C-1042",
            "a",
            "7",
            "2026/11/29-0001",
            &"x1".repeat(90),
            "客戶 12",
            "\u{1f468}\u{200d}7",
            "--1--",
            "null",
        ] {
            let list = near(asked);
            assert!(list.len() <= MAX_TRIED, "{asked}: {}", list.len());
            let mut once = list.clone();
            once.sort();
            once.dedup();
            assert_eq!(once.len(), list.len(), "{asked}");
            for one in &list {
                assert_ne!(one, asked);
                assert_eq!(customer_reference(one, nfc).as_deref(), Some(one.as_str()), "{asked}");
            }
        }
    }
}
