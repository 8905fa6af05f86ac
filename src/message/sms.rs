//! The SMS: one or two segments, the link whole.

use serde::{Deserialize, Serialize};

use super::texts::Texts;

/// An SMS.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sms {
    /// What it says.
    pub text: String,
    /// How it travels.
    pub encoding: SmsEncoding,
    /// How many messages a phone network makes of it, and charges for.
    pub segments: u16,
}

/// The alphabet of an SMS (3GPP TS 23.038, section 6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SmsEncoding {
    /// 160 characters a message, 153 in each of several.
    #[serde(rename = "GSM-7")]
    Gsm7,
    /// 70 characters a message, 67 in each of several.
    #[serde(rename = "UCS-2")]
    Ucs2,
}

/// More is charged for more.
const MAX_SEGMENTS: u16 = 2;
/// A subject that was cut shorter than this says nothing.
const MIN_SUBJECT: usize = 10;

/// The default alphabet (3GPP TS 23.038, section 6.2.1), without what begins a line.
const BASIC: &str = "@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// Its extension (section 6.2.1.1): each takes the room of two.
const EXTENSION: &str = "^{}\\[~]|€";

/// What a phone shows as well without marks that would halve the room for all of the message.
const FOLDED: [(&str, &str); 24] = [
    ("\u{2018}\u{2019}\u{201a}\u{2032}\u{b4}`", "'"),
    ("\u{201c}\u{201d}\u{201e}\u{ab}\u{bb}\u{2033}", "\""),
    ("\u{2010}\u{2011}\u{2012}\u{2013}\u{2014}\u{2212}", "-"),
    ("\u{a0}\u{202f}\u{2009}\u{2007}\t", " "),
    ("…", "..."),
    ("•·", "-"),
    ("áâãā", "a"),
    ("ÀÁÂÃ", "A"),
    ("êëēę", "e"),
    ("ÈÊË", "E"),
    ("íîï", "i"),
    ("ÌÍÎÏ", "I"),
    ("óôõ", "o"),
    ("ÒÓÔÕ", "O"),
    ("úûū", "u"),
    ("ÙÚÛ", "U"),
    ("çćč", "c"),
    ("ýÿ", "y"),
    ("šś", "s"),
    ("žźż", "z"),
    ("œ", "oe"),
    ("Œ", "OE"),
    ("\u{200b}\u{ad}\u{2060}\u{feff}", ""),
    ("°º", "o"),
];

/// The fullest text that fits: with the subject, with a part of it, without it, with the link alone.
pub(super) fn fitting(texts: &Texts, sender: &str, subject: &str, link: &str) -> Sms {
    let full =
        |subject: &str| texts.fill("sms", &[("sender", &sender), ("subject", &subject), ("link", &link)]);
    // A full stop behind one of the subject's own.
    let subject = subject.trim_end_matches('.');
    let letters: Vec<char> = subject.chars().collect();
    let cut = (MIN_SUBJECT..letters.len()).rev().map(|length| {
        let part: String = letters.iter().take(length).collect();
        full(&format!("{}..", part.trim_end()))
    });
    let without = texts.fill("sms_short", &[("sender", &sender), ("link", &link)]);
    let bare = texts.fill("sms_bare", &[("link", &link)]);
    let all = std::iter::once(full(subject)).chain(cut).chain([without]).map(|text| Sms::of(&text));
    all.into_iter().find(|sms| sms.segments <= MAX_SEGMENTS).unwrap_or_else(|| Sms::of(&bare))
}

impl Sms {
    /// As it travels.
    fn of(text: &str) -> Self {
        let text: String = text.chars().map(Folded::of).map(|folded| folded.to_string()).collect();
        let text = text.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        let widths: Option<Vec<u16>> = text.chars().map(gsm_width).collect();
        let (encoding, segments) = match widths {
            Some(widths) => (SmsEncoding::Gsm7, segments(&widths, 160, 153)),
            None => {
                let widths: Vec<u16> = text.chars().map(|c| if c.len_utf16() == 2 { 2 } else { 1 }).collect();
                (SmsEncoding::Ucs2, segments(&widths, 70, 67))
            }
        };
        Self { text, encoding, segments }
    }
}

enum Folded {
    Same(char),
    To(&'static str),
}

impl Folded {
    fn of(c: char) -> Self {
        if gsm_width(c).is_some() {
            return Self::Same(c);
        }
        match FOLDED.iter().find(|(from, _)| from.contains(c)) {
            Some((_, to)) => Self::To(to),
            None if c.is_whitespace() => Self::To(" "),
            // A letter of another script says something; a sign or a picture is not worth half of the room.
            None if c.is_alphanumeric() => Self::Same(c),
            None => Self::To(""),
        }
    }
}

impl core::fmt::Display for Folded {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Same(c) => write!(f, "{c}"),
            Self::To(text) => f.write_str(text),
        }
    }
}

/// The room that a character takes in the default alphabet, if it is there.
fn gsm_width(c: char) -> Option<u16> {
    match (BASIC.contains(c), EXTENSION.contains(c)) {
        (true, _) => Some(1),
        (_, true) => Some(2),
        _ => None,
    }
}

/// What is as wide as two is not divided between messages.
fn segments(widths: &[u16], alone: u16, each: u16) -> u16 {
    let total: u32 = widths.iter().map(|width| u32::from(*width)).sum();
    if total <= u32::from(alone) {
        return 1;
    }
    let (mut count, mut used) = (1u16, 0u16);
    for width in widths {
        if used.saturating_add(*width) > each {
            count = count.saturating_add(1);
            used = 0;
        }
        used = used.saturating_add(*width);
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::Lang;
    use proptest::prelude::*;

    const LINK: &str = "https://letters.garage-vermeer.example/0123456789abcdefghjkmnpqrstvwxyz0123456789abcdefghjkmnpqrstvwxyz01";

    fn sms(lang: Lang, sender: &str, subject: &str, link: &str) -> Sms {
        fitting(&Texts::of(lang), sender, subject, link)
    }

    #[test]
    fn room_is_counted_as_networks_do() {
        for (text, encoding, count) in [
            ("a".repeat(160), SmsEncoding::Gsm7, 1),
            ("a".repeat(161), SmsEncoding::Gsm7, 2),
            ("a".repeat(306), SmsEncoding::Gsm7, 2),
            ("a".repeat(307), SmsEncoding::Gsm7, 3),
            ("€".repeat(80), SmsEncoding::Gsm7, 1),
            // 153 is odd: the last place of the first message stays empty.
            ("€".repeat(152), SmsEncoding::Gsm7, 2),
            ("€".repeat(153), SmsEncoding::Gsm7, 3),
            ("語".repeat(70), SmsEncoding::Ucs2, 1),
            ("語".repeat(71), SmsEncoding::Ucs2, 2),
            ("語".repeat(134), SmsEncoding::Ucs2, 2),
            ("𠀋".repeat(66), SmsEncoding::Ucs2, 2),
            ("𠀋".repeat(67), SmsEncoding::Ucs2, 3),
        ] {
            let sms = Sms::of(&text);
            assert_eq!((sms.encoding, sms.segments), (encoding, count), "{}", text.chars().count());
        }
    }

    #[test]
    fn marks_that_halve_the_room_are_folded() {
        let found = sms(
            Lang::Fr,
            "Garage “L’Étoile” 🚗",
            "Contrôle – reçu\u{2003}n°\u{3000}5, œuvre… e\u{301}",
            LINK,
        );
        let folded = "Garage \"L'Étoile\" vous a envoyé une lettre scellée : Controle - recu no 5, oeuvre... e. Ouvrir";
        assert!(found.text.starts_with(folded), "{}", found.text);
        assert_eq!(found.encoding, SmsEncoding::Gsm7);
    }

    #[test]
    fn a_long_subject_is_cut_and_one_in_another_script_as_far_as_it_fits() {
        let found = sms(Lang::En, "Garage Vermeer", &"Water damage ".repeat(15), LINK);
        assert!(
            found.text.contains("Water dam") && found.text.contains(".. Open it: https://"),
            "{}",
            found.text
        );
        assert_eq!(found.segments, 2);
        let found = sms(Lang::En, "Garage", "車検の結果", "https://a.example/0123");
        assert!(found.text.contains("車検の結果"), "{}", found.text);
        // With this link there is no room for it.
        let found = sms(Lang::En, "Garage", "車検の結果について", LINK);
        assert_eq!(found.text, format!("Garage sent you a sealed letter. Open it: {LINK}"));
        let found = sms(Lang::En, "車検センター", "車検", LINK);
        assert_eq!(found.text, format!("A sealed letter for you: {LINK}"));
    }

    proptest! {
        #[test]
        fn the_link_is_whole_and_two_messages_are_enough(
            sender in "\\PC{1,80}", subject in "\\PC{1,200}", host in "[a-z]{1,60}", fragment in "(#[0-9a-z]{26})?", at in 0..Lang::COUNT,
        ) {
            let link = format!("https://{host}.example/{}{fragment}", &LINK[39..]);
            let lang = Lang::ALL[at];
            let found = sms(lang, &sender, &subject, &link);
            prop_assert!(found.text.ends_with(&link));
            prop_assert!(found.segments <= 2, "{}", found.text);
        }
    }
}
