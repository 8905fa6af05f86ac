//! Closed pages, and the one that asks whether to close.

use waxseal::lang::Lang;
use waxseal::pages::{self, By, Closed, Detail};
use waxseal::site::Site;

use super::common::{CLOSED, HOSTILE, ORIGIN, PATH, between, said, site, text_of};

/// The page behind a lost one-click: one button, nothing of the letter.
#[test]
fn the_page_that_asks_to_withdraw_has_one_form_and_one_button() {
    for lang in Lang::ALL {
        let page = pages::withdraw(&site(), lang, PATH, "n0nce");
        assert_eq!(page.status, 200);
        assert_eq!((page.html.matches("<form").count(), page.html.matches("<button").count()), (1, 1));
        assert!(page.html.contains(&format!("method=\"post\" action=\"{PATH}/withdraw?lang={lang}\"")));
        assert!(page.html.contains("name=\"nonce\" value=\"n0nce\""));
        assert_eq!(
            page.html.matches(" data-keep").count(),
            1 + Lang::ALL.len(),
            "the key is kept for an undo"
        );
        assert!(page.html.contains("src=\"/assets/envelope.js\""));
    }
}

/// A no can be taken back by one button, where this browser may, and nothing else closed has a form.
#[test]
fn only_a_no_can_be_taken_back() {
    for (closed, _) in CLOSED {
        for (path, undo_nonce) in [(Some(PATH), Some("undo")), (Some(PATH), None), (None, Some("undo"))] {
            let detail = Detail { path, undo_nonce, ..Detail::default() };
            let html = pages::closed(&site(), Lang::En, closed, &detail).html;
            let may =
                matches!(closed, Closed::Refused(_) | Closed::Withdrawn(_)) && path.and(undo_nonce).is_some();
            assert_eq!(html.matches("<form").count(), usize::from(may), "{closed:?}");
            assert_eq!(html.contains(&format!("action=\"{PATH}/undo?lang=en\"")), may, "{closed:?}");
            assert_eq!(html.contains("value=\"undo\""), may, "{closed:?}");
            assert!(
                !(closed == Closed::Refused(By::Reader) && may && html.contains("class=\"next\"")),
                "{closed:?}"
            );
        }
    }
}

/// Whatever leads back to an end-to-end letter keeps its key, and nothing else has a script.
#[test]
fn every_way_back_keeps_the_key_of_an_end_to_end_letter() {
    for (closed, _) in CLOSED {
        for (path, end_to_end) in [(Some(PATH), true), (Some(PATH), false), (None, true)] {
            let detail = Detail { path, undo_nonce: Some("undo"), end_to_end, ..Detail::default() };
            let page = pages::closed(&site(), Lang::Nl, closed, &detail);
            let main = between(&page.html, "<main", "<section class=\"ask\"");
            let ways = main.matches(&format!("=\"{PATH}")).count();
            assert_eq!(main.matches(" data-keep").count(), ways, "{closed:?}");
            assert_eq!(main.matches("?lang=nl\"").count(), ways, "{closed:?}: the language goes with it");
            let keeps = ways > 0 && end_to_end;
            assert_eq!(page.html.contains("src=\"/assets/envelope.js\""), keeps, "{closed:?}");
            assert_eq!(page.csp.contains("script-src"), keeps, "{closed:?}");
        }
    }
}

#[test]
fn closed_pages_have_their_status_and_say_when_to_come_back() {
    let site = site();
    for (closed, status) in CLOSED {
        let detail = Detail { path: Some(PATH), ..Detail::default() };
        let page = pages::closed(&site, Lang::Nl, closed, &detail);
        assert_eq!(page.status, status, "{closed:?}");
        let retry = match closed {
            Closed::Unavailable { retry_after_s }
            | Closed::ReceiptLater { retry_after_s }
            | Closed::Suspected { retry_after_s }
            | Closed::Busy { retry_after_s } => Some(retry_after_s),
            _ => None,
        };
        assert_eq!(page.retry_after_s, retry);
        let minute = matches!(closed, Closed::Busy { .. } | Closed::ReceiptLater { .. });
        assert_eq!(page.html.contains("ongeveer een minuut"), minute);
        assert_eq!(page.html.contains("ongeveer 30 seconden"), matches!(closed, Closed::Unavailable { .. }));
    }
}

/// Whoever holds the link could read the subject on the envelope; erased is erased, and what is not there has none.
#[test]
fn a_closed_page_names_its_letter_unless_that_is_erased_or_was_never_there() {
    for lang in Lang::ALL {
        for (closed, _) in CLOSED {
            for subject in [Some(HOSTILE), None] {
                let detail = Detail { path: Some(PATH), subject, ..Detail::default() };
                let page = pages::closed(&site(), lang, closed, &detail);
                let names = subject.is_some() && !matches!(closed, Closed::Erased | Closed::Missing);
                assert_eq!(said(&page).contains(HOSTILE), names, "{lang} {closed:?}");
                assert_eq!(page.html.contains("?subject="), names, "{lang} {closed:?}");
                assert!(!text_of(between(&page.html, "<head>", "</head>")).contains("alert"), "{closed:?}");
            }
        }
    }
}

/// Where the sender can help there is a button that begins a mail, and there alone; nothing of the link is in it.
#[test]
fn a_mail_to_the_sender_is_offered_where_it_helps() {
    let detail = Detail {
        path: Some(PATH),
        origin: Some(ORIGIN),
        subject: Some("M & S?\n100 %"),
        ..Detail::default()
    };
    let undoable = Detail { undo_nonce: Some("undo"), ..detail };
    let buttons = |html: &str| html.matches("href=\"mailto:").count().saturating_sub(1);
    for (lang, subject, asking) in [
        (Lang::En, "Your%20letter%3A%20M", "New%20letter%2C%20please%3A%20M"),
        (Lang::Nl, "Uw%20brief%3A%20M", "Graag%20een%20nieuwe%20brief%3A%20M"),
        (Lang::Fr, "Votre%20lettre%C2%A0%3A%20M", "Demande%20d%E2%80%99une%20nouvelle%20lettre%C2%A0%3A%20M"),
        (Lang::De, "Ihr%20Brief%3A%20M", "Bitte%20um%20einen%20neuen%20Brief%3A%20M"),
    ] {
        let mail = |subject| format!("a@b.example?subject={subject}%20%26%20S%3F%20100%20%25");
        for (closed, _) in CLOSED {
            let html = pages::closed(&site(), lang, closed, &detail).html;
            let helps = matches!(
                closed,
                Closed::Expired
                    | Closed::Cancelled
                    | Closed::Refused(_)
                    | Closed::Withdrawn(_)
                    | Closed::Erased
                    | Closed::Damaged
                    | Closed::Full
                    | Closed::UndoLate
            );
            assert_eq!(buttons(&html), usize::from(helps), "{lang} {closed:?}");
            let mails: Vec<_> =
                html.split("href=\"mailto:").skip(1).map(|rest| between(rest, "", "\"")).collect();
            let known = !matches!(closed, Closed::Erased | Closed::Missing);
            let expected = if known { mail(subject) } else { "a@b.example".to_owned() };
            // The button of a letter that has expired asks for a new one.
            let button = if closed == Closed::Expired { mail(asking) } else { expected.clone() };
            let (last, buttons_mails) = mails.split_last().unwrap();
            assert_eq!(*last, expected, "{lang} {closed:?}");
            assert!(buttons_mails.iter().all(|mail| *mail == button), "{lang} {closed:?}: {mails:?}");
            assert_eq!(
                buttons(&pages::closed(&site(), lang, closed, &undoable).html),
                usize::from(helps && !matches!(closed, Closed::Refused(_) | Closed::Withdrawn(_)))
            );
        }
    }
    let by_phone = Site::from_json(r#"{"name":"A","contact":{"phone":"+31 20 1"}}"#).unwrap();
    let html = pages::closed(&by_phone, Lang::En, Closed::Expired, &detail).html;
    assert!(!html.contains("mailto:") && html.contains("href=\"tel:+31201\""));
}
