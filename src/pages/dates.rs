//! Days and times as each language writes them, from what a runtime knows of them.

use super::Lang;

impl Lang {
    /// A day such as `22 December 2026`, from the one that the runtime has written out in this language.
    ///
    /// The first of a month is an ordinal in French, and runtimes do not know.
    pub fn day(self, day: &str) -> String {
        match (self, day.strip_prefix("1 ")) {
            (Self::Fr, Some(rest)) => format!("1er {rest}"),
            _ => day.to_owned(),
        }
    }

    /// A moment such as `22 December 2026 at 22:04`, from the day that the runtime has written out and its `22:04`.
    pub fn moment(self, day: &str, time: &str) -> String {
        let (hour, minute) = time.split_once(':').unwrap_or((time, "00"));
        self.messages().common.moment(self.day(day), hour, minute)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_as_the_language_does() {
        for (lang, day, expected) in [
            (Lang::En, "22 December 2026", "22 December 2026 at 22:04"),
            (Lang::Nl, "22 december 2026", "22 december 2026 om 22.04\u{a0}uur"),
            (Lang::Fr, "22 décembre 2026", "22 décembre 2026 à 22\u{a0}h\u{a0}04"),
            (Lang::De, "22. Dezember 2026", "22. Dezember 2026 um 22:04\u{a0}Uhr"),
        ] {
            assert_eq!(lang.moment(day, "22:04"), expected);
        }
    }

    #[test]
    fn only_the_first_of_a_month_is_an_ordinal_and_only_in_french() {
        for (lang, day, expected) in [
            (Lang::Fr, "1 mai 2026", "1er mai 2026"),
            (Lang::Fr, "11 mai 2026", "11 mai 2026"),
            (Lang::Fr, "21 mai 2026", "21 mai 2026"),
            (Lang::Nl, "1 mei 2026", "1 mei 2026"),
            (Lang::De, "1. Mai 2026", "1. Mai 2026"),
        ] {
            assert_eq!(lang.day(day), expected);
        }
        assert_eq!(Lang::Fr.moment("1 mai 2026", "00:00"), "1er mai 2026 à 00\u{a0}h\u{a0}00");
    }
}
