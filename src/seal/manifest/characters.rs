//! Characters that make a line say something else than people see, or nothing at all.

use super::ManifestError;

/// Refuses a text that nobody can see, and one that turns the direction of writing around: `fdp.exe` behind U+202E reads as
/// `exe.pdf`.
///
/// Joiners and variation selectors stay where something visible is: emoji, Persian and the languages of India need them. So
/// do the marks U+200E, U+200F and U+061C, which Hebrew and Arabic are written with and which cannot turn a word around.
pub(super) fn check(field: &'static str, text: &str) -> Result<(), ManifestError> {
    let fault = |why, found| Err(ManifestError::Characters { field, found, why });
    if text.chars().any(turns) {
        return fault(
            "which change the direction of writing, so that people read something else: leave them out",
            names(text, turns),
        );
    }
    if text.chars().all(invisible) {
        return fault(
            "which nobody can see, and nothing else: write what people can read",
            names(text, invisible),
        );
    }
    Ok(())
}

/// The code points, each once, in the order of the text: at most five.
fn names(text: &str, of: fn(char) -> bool) -> String {
    let mut names: Vec<String> = Vec::new();
    for c in text.chars().filter(|c| of(*c)) {
        let name = format!("U+{:04X}", u32::from(c));
        if !names.contains(&name) && names.len() < 5 {
            names.push(name);
        }
    }
    names.join(", ")
}

/// Embeddings, overrides and isolates of the bidirectional algorithm (UAX #9).
const fn turns(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// White space, controls, what Unicode calls default ignorable, and letters without a shape.
fn invisible(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        check("subject", text).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn what_nobody_can_see_is_refused_with_its_code_points() {
        for (text, names) in [
            ("\u{200b}", "U+200B"),
            (" \u{200b}\u{feff} \u{200b}", "U+0020, U+200B, U+FEFF"),
            ("\u{ad}\u{2060}", "U+00AD, U+2060"),
            ("\u{3164}\u{ffa0}\u{115f}\u{1160}\u{2800}\u{17b4}", "U+3164, U+FFA0, U+115F, U+1160, U+2800"),
            ("\u{200d}\u{fe0f}", "U+200D, U+FE0F"),
            ("\u{e0041}\u{e007f}", "U+E0041, U+E007F"),
            ("\u{a0}\u{3000}\u{200e}", "U+00A0, U+3000, U+200E"),
            ("\u{180e}\u{1d173}\u{34f}", "U+180E, U+1D173, U+034F"),
        ] {
            let said = said(text);
            assert!(
                said.contains(&format!("subject holds {names}, which nobody can see")),
                "{text:?}: {said}"
            );
        }
    }

    #[test]
    fn a_turn_of_the_direction_is_refused_wherever_it_stands() {
        for turn in ('\u{202a}'..='\u{202e}').chain('\u{2066}'..='\u{2069}') {
            for text in [format!("{turn}Report"), format!("Rep{turn}ort"), format!("Report{turn}")] {
                let said = said(&text);
                let name = format!("subject holds U+{:04X}, which change the direction", u32::from(turn));
                assert!(said.contains(&name), "{text:?}: {said}");
            }
        }
    }

    #[test]
    fn what_people_write_is_taken() {
        for text in [
            "Inspection of your car",
            "-",
            "7",
            "Dein Bericht\u{ad}heft",
            "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
            "\u{2764}\u{fe0f}",
            "\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
            "\u{645}\u{6cc}\u{200c}\u{62e}\u{648}\u{627}\u{647}\u{645}",
            "\u{915}\u{94d}\u{200d}\u{937}",
            "\u{5d3}\u{5d5}\u{22}\u{5d7} \u{200f}2026",
            "\u{627}\u{644}\u{62a}\u{642}\u{631}\u{64a}\u{631}\u{61c}",
            "\u{5831}\u{544a}\u{66f8}",
        ] {
            assert_eq!(check("subject", text), Ok(()), "{text:?}");
        }
    }
}
