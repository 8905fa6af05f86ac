//! Days and times as each language writes them, from what a runtime knows of them.

use super::Lang;

impl Lang {
    /// A day such as `22 December 2026`, from the one that the runtime has written out in this language. It stays on one line.
    ///
    /// The first of a month is an ordinal in French, and runtimes do not know.
    pub fn day(self, day: &str) -> String {
        let day = together(day);
        match (self, day.strip_prefix("1\u{a0}")) {
            (Self::Fr, Some(rest)) => format!("1er\u{a0}{rest}"),
            _ => day,
        }
    }

    /// A moment such as `22 December 2026 at 22:04`, from the day that the runtime has written out and its `22:04`. A line
    /// ends before the hour at most. `zone`: the name of the time zone, where the reader is in another one.
    pub fn moment(self, day: &str, time: &str, zone: Option<&str>) -> String {
        let (hour, minute) = time.split_once(':').unwrap_or((time, "00"));
        let hour = match (self, hour.strip_prefix('0')) {
            (Self::Fr, Some(single)) if !single.is_empty() => single,
            _ => hour,
        };
        let moment = self.messages().common.moment(self.day(day), hour, minute);
        match zone {
            // Some zones are named with a place in brackets of its own.
            Some(zone) => format!("{moment} ({})", together(&zone.replace(" (", ", ").replace(')', ""))),
            None => moment,
        }
    }
}

/// The text with spaces at which no line ends.
fn together(text: &str) -> String {
    text.replace(' ', "\u{a0}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_as_the_language_does_and_breaks_before_the_hour_alone() {
        for (lang, day, expected) in [
            (Lang::En, "22 December 2026", "22~December~2026 at~22:04"),
            (Lang::Nl, "22 december 2026", "22~december~2026 om~22.04~uur"),
            (Lang::Fr, "22 décembre 2026", "22~décembre~2026 à~22~h~04"),
            (Lang::De, "22. Dezember 2026", "22.~Dezember~2026 um~22:04~Uhr"),
        ] {
            assert_eq!(lang.moment(day, "22:04", None), expected.replace('~', "\u{a0}"));
        }
    }

    #[test]
    fn an_hour_before_ten_has_one_digit_in_french_alone() {
        for (lang, expected) in
            [(Lang::En, "05:07"), (Lang::Nl, "05.07~uur"), (Lang::Fr, "5~h~07"), (Lang::De, "05:07~Uhr")]
        {
            let moment = lang.moment("1 mai 2026", "05:07", None);
            assert!(moment.ends_with(&format!("\u{a0}{}", expected.replace('~', "\u{a0}"))), "{moment}");
        }
    }

    #[test]
    fn only_the_first_of_a_month_is_an_ordinal_and_only_in_french() {
        for (lang, day, expected) in [
            (Lang::Fr, "1 mai 2026", "1er~mai~2026"),
            (Lang::Fr, "11 mai 2026", "11~mai~2026"),
            (Lang::Fr, "21 mai 2026", "21~mai~2026"),
            (Lang::Nl, "1 mei 2026", "1~mei~2026"),
            (Lang::De, "1. Mai 2026", "1.~Mai~2026"),
        ] {
            assert_eq!(lang.day(day), expected.replace('~', "\u{a0}"));
        }
    }

    #[test]
    fn a_zone_that_is_named_stands_behind_the_hour() {
        let zone = Some("heure d’Europe centrale");
        let expected = "1er~mai~2026 à~0~h~00 (heure~d’Europe~centrale)".replace('~', "\u{a0}");
        assert_eq!(Lang::Fr.moment("1 mai 2026", "00:00", zone), expected);
        let zone = Lang::De.moment("1. Mai 2026", "00:00", Some("Vereinigtes Königreich (Ortszeit)"));
        assert!(zone.ends_with(" (Vereinigtes\u{a0}Königreich,\u{a0}Ortszeit)"), "{zone}");
    }
}
