//! The proof of a choice, and who made it.

use waxseal::lang::Lang;
use waxseal::pages::{self, By, Choice, Closed, Detail, LetterNames, Page, Receipt, ReceiptEvent};
use waxseal::site::Site;

use super::common::{HOSTILE, PATH, a_receipt_event, a_receipt_event_by, between, said, site, text_of};

#[test]
fn no_page_tells_its_reader_that_they_did_what_somebody_else_did() {
    let site = Site::from_json(r#"{"name":"Fietsen","contact":{"email":"a@b.example"}}"#).unwrap();
    let hash = "ab".repeat(32);
    for lang in Lang::ALL {
        let detail = Detail { path: Some(PATH), ..Detail::default() };
        let receipt = |events: &[ReceiptEvent], open| {
            let receipt = Receipt {
                lang,
                path: PATH,
                events,
                subject: None,
                names: None,
                terms_text: Some("Terms."),
                terms_hash_hex: &hash,
                retention_days: 366,
                open,
                end_to_end: false,
            };
            pages::receipt(&site, &receipt)
        };
        let refused = |by| {
            let receipt = receipt(&[a_receipt_event_by(Choice::Refused, by)], false);
            [pages::closed(&site, lang, Closed::Refused(by), &detail), receipt]
        };
        let withdrawn = |by| {
            let events = [a_receipt_event(Choice::Given), a_receipt_event_by(Choice::Withdrawn, by)];
            [pages::closed(&site, lang, Closed::Withdrawn(by), &detail), receipt(&events, false)]
        };
        let given = |by| vec![receipt(&[a_receipt_event_by(Choice::Given, by)], true)];
        let heading = |page: &Page| text_of(between(&page.html, "<h1>", "</h1>"));
        let lead = |page: &Page| text_of(between(&page.html, "<p class=\"lead\">", "</p>"));
        for by in [By::MailProgram, By::Program, By::Sender, By::Unknown] {
            let mut pairs = Vec::new();
            pairs.extend(refused(By::Reader).into_iter().zip(refused(by)));
            pairs.extend(withdrawn(By::Reader).into_iter().zip(withdrawn(by)));
            pairs.extend(given(By::Reader).into_iter().zip(given(by)));
            for (own, other) in pairs {
                for words in [heading(&own), lead(&own)] {
                    assert!(!said(&other).contains(&words), "{lang} {by:?}: {words}");
                }
                if by == By::Sender {
                    assert!(lead(&other).contains("Fietsen"), "{lang}");
                }
            }
        }
        let label = |by| text_of(between(&refused(by)[1].html, "<dt>", "</dt>"));
        assert!(By::ALL[1..].iter().all(|by| label(*by) != label(By::Reader)), "{lang}");
        let texts: std::collections::BTreeSet<_> = By::ALL
            .iter()
            .flat_map(|by| refused(*by).into_iter().chain(withdrawn(*by)))
            .map(|page| lead(&page))
            .collect();
        assert_eq!(texts.len(), 20, "{lang}: everybody has a sentence of their own");
    }
}

#[test]
fn a_receipt_says_you_agreed_to_nobody_but_who_agreed() {
    let site = Site::from_json(r#"{"name":"Fietsen","contact":{"email":"a@b.example"}}"#).unwrap();
    let hash = "ab".repeat(32);
    for (lang, agreed, withdrew) in [
        (Lang::En, &["you agreed", "You agreed"][..], "you withdrew"),
        (Lang::Nl, &["u akkoord", "uw toestemming aan"], "u uw toestemming hebt ingetrokken"),
        (Lang::Fr, &["vous avez accepté", "vous aviez accepté"], "vous avez retiré"),
        (Lang::De, &["zugestimmt haben", "zugestimmt hatten"], "Sie Ihre Einwilligung widerrufen haben"),
    ] {
        let page = |given, withdrawn: By| {
            let events =
                [a_receipt_event_by(Choice::Given, given), a_receipt_event_by(Choice::Withdrawn, withdrawn)];
            let receipt = Receipt {
                lang,
                path: PATH,
                events: &events,
                subject: None,
                names: None,
                terms_text: Some("Terms."),
                terms_hash_hex: &hash,
                retention_days: 366,
                open: false,
                end_to_end: false,
            };
            pages::receipt(&site, &receipt)
        };
        let lead = |page: &Page| text_of(between(&page.html, "<p class=\"lead\">", "</p>"));
        let own = page(By::Reader, By::Reader);
        let kicker = |page: &Page| text_of(between(&page.html, "<p class=\"kicker\">", "</p>"));
        assert!(lead(&own).contains(withdrew), "{lang}: {}", lead(&own));
        for given in By::ALL {
            for withdrawn in By::ALL {
                let page = page(given, withdrawn);
                let (said, what) = (said(&page), format!("{lang} {given:?} {withdrawn:?}"));
                let told = agreed.iter().any(|words| said.contains(words));
                assert_eq!(told, given == By::Reader, "{what}: {said}");
                assert_eq!(kicker(&page) == kicker(&own), given == By::Reader, "{what}");
                let label = text_of(
                    page.html
                        .match_indices("<dt>")
                        .nth(1)
                        .map(|(at, _)| between(&page.html[at..], "<dt>", "</dt>"))
                        .unwrap(),
                );
                let own_label = text_of(
                    own.html
                        .match_indices("<dt>")
                        .nth(1)
                        .map(|(at, _)| between(&own.html[at..], "<dt>", "</dt>"))
                        .unwrap(),
                );
                assert_eq!(label == own_label, withdrawn == By::Reader, "{what}");
            }
            // Whoever withdrew is told so, whoever had agreed.
            let heading = |page: &Page| text_of(between(&page.html, "<h1>", "</h1>"));
            let page = page(given, By::Reader);
            assert_eq!(heading(&page) == heading(&own), given == By::Reader, "{lang} {given:?}");
            let you =
                [withdrew, "u de toestemming hebt ingetrokken", "Sie die Einwilligung widerrufen haben"];
            assert!(you.iter().any(|words| lead(&page).contains(words)), "{lang}: {}", lead(&page));
        }
    }
}

/// Whoever has nothing but the link is told the subject, as on the closed page, and nothing of the report.
#[test]
fn a_receipt_names_the_letter_as_far_as_its_reader_may_know_it() {
    let hex = "ab".repeat(32);
    let names = LetterNames { reference: Some("R-7"), file_name: "offer.pdf", sha256_hex: "cd".repeat(32) };
    for lang in Lang::ALL {
        for (subject, named) in [(Some(HOSTILE), true), (Some(HOSTILE), false), (None, false)] {
            let receipt = Receipt {
                lang,
                path: PATH,
                events: &[a_receipt_event(Choice::Given)],
                subject,
                names: named.then_some(&names),
                terms_text: Some("Terms."),
                terms_hash_hex: &hex,
                retention_days: 366,
                open: true,
                end_to_end: false,
            };
            let page = pages::receipt(&site(), &receipt);
            let said = said(&page);
            assert_eq!(said.contains(HOSTILE), subject.is_some(), "{lang}");
            assert_eq!(page.html.contains("mailto:a@b.example?subject="), subject.is_some(), "{lang}");
            for name in ["R-7", "offer.pdf", names.sha256_hex.as_str()] {
                assert_eq!(said.contains(name), named, "{lang} {name}");
            }
        }
    }
}
