//! The question for those who look like a robot.

use waxseal::lang::Lang;
use waxseal::pages;

use super::common::{PATH, a_question, site};

/// The question about a no leads to a no or back to the letter, and never to a consent.
#[test]
fn the_question_about_a_no_offers_no_consent() {
    for lang in Lang::ALL {
        let question = pages::Confirm { decline: true, ..a_question(lang, None, false) };
        let html = pages::confirm(&site(), &question).html;
        assert_eq!(html.matches("<form").count(), 1);
        assert!(html.contains(&format!("action=\"{PATH}/confirm?lang={lang}\"")));
        let m = lang.messages();
        assert!(html.contains(m.withdraw.button()) && !html.contains(m.envelope.open()));
        let wrong = pages::Confirm { error: Some(pages::ConfirmError::Wrong), ..question };
        assert!(pages::confirm(&site(), &wrong).html.contains(m.confirm.decline_error_wrong()));
    }
}

#[test]
fn the_question_has_six_words_none_chosen_and_names_one() {
    let site = site();
    for (error, role) in [(None, 0), (Some(pages::ConfirmError::Wrong), 1)] {
        for end_to_end in [false, true] {
            for lang in Lang::ALL {
                let page = pages::confirm(&site, &a_question(lang, error, end_to_end));
                assert_eq!(page.status, 422);
                assert_eq!(page.html.matches(r#"type="radio" name="choice""#).count(), 6);
                assert!(!page.html.contains(" checked"), "nothing is chosen ahead");
                let word = pages::words(lang)[11];
                // Once in the sentence, once to choose.
                assert_eq!(page.html.matches(word).count(), 2, "{lang}: {word}");
                assert!(page.html.contains(&format!(r#"action="{PATH}/confirm?lang={lang}""#)));
                assert!(page.html.contains(&format!(r#"action="{PATH}/refuse?lang={lang}""#)));
                assert_eq!(page.html.matches(r#"role="alert""#).count(), role);
                assert_eq!(page.html.contains("/assets/envelope.js"), end_to_end);
                assert!(!page.html.contains("<b>Garage") && page.csp.contains("form-action 'self'"));
            }
        }
    }
}
