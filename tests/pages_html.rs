//! The pages: what they show, what they never show, and that the browser is allowed to show it.

// Clippy knows tests only by their attribute, not the functions they share.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use base64::Engine as _;
use sha2::{Digest, Sha256};
use waxseal::pages::{
    self, Answered, By, Closed, Detail, Envelope, FormError, History, HistoryRow, Lang, Letter, LetterNames,
    Page, Receipt, ReceiptEvent,
};
use waxseal::site::Site;

const PATH: &str = "/0410token";
const HOSTILE: &str = r#"<script>alert(1)</script>" onx='y' & {sender} </style>"#;
const CLOSED: [(Closed, u16); 20] = [
    (Closed::ReceiptLater { retry_after_s: 60 }, 503),
    (Closed::Full, 403),
    (Closed::NoRight, 403),
    (Closed::UndoLate, 409),
    (Closed::Expired, 410),
    (Closed::Cancelled, 410),
    (Closed::Refused(By::Reader), 200),
    (Closed::Refused(By::Sender), 200),
    (Closed::Refused(By::Program), 200),
    (Closed::Withdrawn(By::Reader), 200),
    (Closed::Withdrawn(By::Sender), 200),
    (Closed::Withdrawn(By::MailProgram), 200),
    (Closed::Erased, 410),
    (Closed::Missing, 404),
    (Closed::Damaged, 410),
    (Closed::Unavailable { retry_after_s: 30 }, 503),
    (Closed::Busy { retry_after_s: 90 }, 429),
    (Closed::Doubted { retry_after_s: 3600 }, 429),
    (Closed::FormExpired, 400),
    (Closed::FormInvalid, 400),
];

fn site() -> Site {
    Site::from_json(
        r##"{"name":"<b>Garage</b> & \"Zn\"","accent":"#0b6e4f","contact":{"email":"a@b.example","phone":"+31 20 1","url":"https://b.example/x?a=1&b=2",
        "address":"Street 1\n<i>Town</i>"},"privacy_url":"https://b.example/privacy"}"##,
    )
    .unwrap()
}

fn an_envelope<'a>(lang: Lang, terms: &'a str, hash: &'a str) -> Envelope<'a> {
    Envelope {
        lang,
        path: PATH,
        subject: HOSTILE,
        expires_text: "22 December 2026",
        expires_iso: "2026-12-22T23:59:00+01:00",
        terms_text: terms,
        terms_hash_hex: hash,
        nonce: "n0nce",
        end_to_end: false,
        error: None,
    }
}

fn a_receipt_event(answered: Answered) -> ReceiptEvent {
    a_receipt_event_by(answered, By::Reader)
}

fn a_receipt_event_by(answered: Answered, by: By) -> ReceiptEvent {
    ReceiptEvent {
        answered,
        by,
        when_text: "22 November 2026".into(),
        when_iso: "2026-11-22T09:14:00Z".into(),
        id: "019ab0c2-1f40-7a31-9d52-6b1f0c9e4a77".into(),
        entry: 7,
        hash: "ab".repeat(32),
    }
}

fn a_question(lang: Lang, error: Option<pages::ConfirmError>, end_to_end: bool) -> pages::Confirm<'static> {
    pages::Confirm {
        lang,
        path: PATH,
        nonce: "qu3stion",
        refuse_nonce: "n0nce",
        choices: &[3, 0, 11, 7, 1, 4],
        right: 2,
        decline: false,
        end_to_end,
        error,
    }
}

fn a_letter(lang: Lang) -> Letter<'static> {
    Letter {
        lang,
        path: PATH,
        subject: HOSTILE,
        expires_text: "22 December 2026",
        expires_iso: "2026-12-22T23:59:00+01:00",
        consented_text: Some("22 November 2026"),
        consented_iso: Some("2026-11-22T09:14:00+01:00"),
        end_to_end: false,
        length: 1_234_567,
        body_length: 1_234_911,
        record_size: 65_536,
        sha256_hex: "ab",
        media_type: "application/pdf",
        file_name: "a\"b<c>.pdf",
        inline: true,
        history: true,
        nonce: "n0nce",
        grant: "gr4nt",
        by_grant: false,
        native_first: false,
    }
}

/// A list with a letter in every state.
fn a_history(site: &Site, lang: Lang, end_to_end: bool) -> Page {
    use pages::Standing::{Accepted, Cancelled, Expired, New, Opened, Read, Refused, Unavailable, Withdrawn};
    let rows: Vec<HistoryRow> = [
        New,
        Opened,
        Read,
        Accepted,
        Refused(By::Reader),
        Refused(By::Sender),
        Withdrawn,
        Cancelled,
        Expired,
        Unavailable,
    ]
    .map(|standing| HistoryRow {
        subject: (standing != Unavailable).then(|| HOSTILE.to_owned()),
        date_text: "22 November 2026".to_owned(),
        date_iso: "2026-11-22T09:14:00Z".to_owned(),
        standing,
        until: (standing == New).then(|| ("22 December".to_owned(), "2026-12-22T22:59:00Z".to_owned())),
        link: (standing == Read).then(|| PATH.to_owned()),
        own_link_only: standing == Opened,
        here: standing == Read,
    })
    .into();
    let own_path = format!("{PATH}/history");
    let list = History {
        lang,
        path: PATH,
        own_path: &own_path,
        end_to_end,
        rows: &rows,
        more: true,
        incomplete: true,
    };
    pages::history(site, &list)
}

fn every_page() -> Vec<(Lang, String, Page)> {
    let site = site();
    let mut all = Vec::new();
    for lang in Lang::ALL {
        let terms = site.terms(lang);
        let hex = terms.hex();
        for end_to_end in [false, true] {
            for error in [None, Some(FormError::Unticked), Some(FormError::Expired), Some(FormError::Lost)] {
                let envelope = Envelope { end_to_end, error, ..an_envelope(lang, terms.text(), &hex) };
                all.push((
                    lang,
                    format!("envelope {end_to_end} {error:?}"),
                    pages::envelope(&site, &envelope),
                ));
            }
            for inline in [false, true] {
                let letter = Letter { end_to_end, inline, ..a_letter(lang) };
                all.push((lang, format!("letter {end_to_end} {inline}"), pages::letter(&site, &letter)));
            }
        }
        for events in
            [vec![Answered::Given], vec![Answered::Given, Answered::Withdrawn], vec![Answered::Refused]]
        {
            let name = format!("receipt {events:?}");
            let events: Vec<_> = events.into_iter().map(a_receipt_event).collect();
            let names = LetterNames {
                subject: HOSTILE,
                reference: Some(HOSTILE),
                file_name: HOSTILE,
                sha256_hex: hex.clone(),
            };
            for (terms_text, end_to_end) in [(Some(HOSTILE), false), (None, true)] {
                let receipt = Receipt {
                    lang,
                    path: PATH,
                    events: &events,
                    names: terms_text.is_some().then_some(&names),
                    terms_text,
                    terms_hash_hex: &hex,
                    retention_days: 366,
                    open: !end_to_end,
                    end_to_end,
                };
                all.push((lang, name.clone(), pages::receipt(&site, &receipt)));
            }
        }
        for end_to_end in [false, true] {
            let page = a_history(&site, lang, end_to_end);
            all.push((lang, format!("history {end_to_end}"), page));
        }
        let question = a_question(lang, Some(pages::ConfirmError::Early), true);
        all.push((lang, "question".into(), pages::confirm(&site, &question)));
        let question = pages::Confirm { decline: true, ..question };
        all.push((lang, "question about a no".into(), pages::confirm(&site, &question)));
        for (closed, _) in CLOSED {
            let detail = Detail {
                path: Some(PATH),
                when_text: Some("today"),
                when_iso: Some("2026-11-22"),
                undo_nonce: Some("undo"),
                end_to_end: true,
            };
            all.push((lang, format!("{closed:?}"), pages::closed(&site, lang, closed, &detail)));
            all.push((
                lang,
                format!("bare {closed:?}"),
                pages::closed(&site, lang, closed, &Detail::default()),
            ));
        }
        all.push((lang, "preview".into(), pages::preview(&site, lang)));
        all.push((lang, "withdraw".into(), pages::withdraw(&site, lang, PATH, "n0nce")));
    }
    all
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let (_, rest) = text.split_once(from).unwrap_or_else(|| panic!("no {from}"));
    rest.split_once(to).unwrap_or_else(|| panic!("no {to}")).0
}

/// The text of a piece of HTML, as `textContent` gives it.
fn text_of(html: &str) -> String {
    let mut out = String::new();
    let mut tag = false;
    for c in html.chars() {
        match c {
            '<' => tag = true,
            '>' if tag => tag = false,
            c if !tag => out.push(c),
            _ => {}
        }
    }
    [("&#34;", "\""), ("&#39;", "'"), ("&#60;", "<"), ("&#62;", ">"), ("&#38;", "&")]
        .iter()
        .fold(out, |text, (entity, plain)| text.replace(entity, plain))
}

/// What the page says, without its frame.
fn said(page: &Page) -> String {
    text_of(between(&page.html, "<main", "</main>"))
}

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
            let receipt = receipt(&[a_receipt_event_by(Answered::Refused, by)], false);
            [pages::closed(&site, lang, Closed::Refused(by), &detail), receipt]
        };
        let withdrawn = |by| {
            let events = [a_receipt_event(Answered::Given), a_receipt_event_by(Answered::Withdrawn, by)];
            [pages::closed(&site, lang, Closed::Withdrawn(by), &detail), receipt(&events, false)]
        };
        let given = |by| vec![receipt(&[a_receipt_event_by(Answered::Given, by)], true)];
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
            let events = [
                a_receipt_event_by(Answered::Given, given),
                a_receipt_event_by(Answered::Withdrawn, withdrawn),
            ];
            let receipt = Receipt {
                lang,
                path: PATH,
                events: &events,
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

#[test]
fn nothing_that_comes_in_is_markup() {
    for (lang, name, page) in every_page() {
        for raw in ["<script>alert", "<b>Garage", "<i>Town", "b<c>", "onx='", "{contact}"] {
            assert!(!page.html.contains(raw), "{lang} {name}: {raw}");
        }
    }
}

#[test]
fn the_policy_allows_exactly_the_style_on_the_page_and_nothing_unsafe() {
    for (lang, name, page) in every_page() {
        let style = between(&page.html, "<style>", "</style>");
        // The letter page has the viewer's tools on it; compressed, it still comes with the first packets.
        let most = if name.starts_with("letter") { 20 } else { 14 };
        assert!(style.len() < most * 1024, "{name}: {}", style.len());
        let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(style.as_bytes()));
        assert!(page.csp.contains(&format!("style-src 'sha256-{hash}'")), "{lang} {name}");
        assert_eq!(page.html.matches("<style").count(), 1);
        assert!(!page.csp.contains("unsafe"), "{name}");
        for part in ["default-src 'none'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"]
        {
            assert!(page.csp.contains(part), "{name}: {part}");
        }
        assert_eq!(page.csp.contains("script-src"), page.html.contains("<script"), "{name}");
        assert_eq!(page.csp.contains("worker-src"), name.starts_with("letter"), "{name}");
    }
}

#[test]
fn no_inline_script_style_attribute_handler_or_foreign_resource() {
    for (_, name, page) in every_page() {
        for found in [" style=", " onclick", " onload", "javascript:", "@import", "http://"] {
            let html = page.html.replace("http://www.w3.org/2000/svg", "");
            assert!(!html.contains(found), "{name}: {found}");
        }
        for script in page.html.split("<script").skip(1) {
            assert!(script.starts_with(" src=\"/assets/") && script.contains("></script>"), "{name}");
        }
        for image in page.html.split("src=\"").skip(1) {
            assert!(image.starts_with("/assets/") || image.starts_with("data:"), "{name}");
        }
    }
}

#[test]
fn every_page_is_a_whole_document_in_its_language() {
    for (lang, name, page) in every_page() {
        let html = &page.html;
        assert!(html.starts_with(&format!("<!doctype html>\n<html lang=\"{lang}\">")), "{name}");
        assert!(html.trim_end().ends_with("</html>"), "{name}");
        assert!(html.contains("<meta name=\"robots\" content=\"noindex"), "{name}");
        assert!(html.contains("name=\"color-scheme\"") && html.contains("name=\"theme-color\""), "{name}");
        assert!(!between(html, "<title>", "</title>").is_empty(), "{name}");
        assert_eq!(html.matches("<h1").count(), 1, "{name}");
        assert_eq!(html.matches("<main").count(), 1, "{name}");
        if name != "preview" {
            assert_eq!(html.matches("hreflang=").count(), 4, "{name}");
            assert_eq!(html.matches("aria-current=").count(), 1, "{name}");
            assert!(html.contains("mailto:a@b.example"), "{name}: whom to ask");
        }
        // Attributes never run into each other.
        assert!(
            !html.contains("\"aria-") && !html.contains("keeparia") && !html.contains("requiredaria"),
            "{name}"
        );
        let mut ids: Vec<_> =
            html.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count, "{name}: an id twice");
    }
}

#[test]
fn the_envelope_shows_the_exact_terms_and_an_empty_box() {
    let site = site();
    for lang in Lang::ALL {
        let terms = site.terms(lang);
        let hex = terms.hex();
        let page = pages::envelope(&site, &an_envelope(lang, terms.text(), &hex));
        assert_eq!(page.status, 200);
        let shown = text_of(between(&page.html, "data-terms>", "</div>"));
        assert_eq!(shown, terms.text(), "{lang}");
        assert!(page.html.contains(&format!("name=\"terms\" value=\"{hex}\"")));
        let tick = between(&page.html, "<input type=\"checkbox\"", ">");
        assert!(
            tick.contains("name=\"agree\" value=\"yes\" required") && !tick.contains("checked"),
            "{tick}"
        );
        for action in ["consent", "refuse"] {
            assert!(page.html.contains(&format!("action=\"{PATH}/{action}?lang={lang}\"")), "{action}");
        }
        assert_eq!(page.html.matches("name=\"nonce\" value=\"n0nce\"").count(), 2);
        assert_eq!(page.html.matches("<button type=\"submit\"").count(), 2);
        assert!(page.html.contains("<time datetime=\"2026-12-22T23:59:00+01:00\">22 December 2026</time>"));
        assert!(!page.html.contains("<script"));
    }
}

#[test]
fn an_error_is_tied_to_the_box() {
    let site = site();
    for (error, invalid) in
        [(FormError::Unticked, true), (FormError::Expired, false), (FormError::Lost, false)]
    {
        let envelope = Envelope { error: Some(error), ..an_envelope(Lang::En, "x", "y") };
        let page = pages::envelope(&site, &envelope);
        assert_eq!(page.status, 422);
        let tick = between(&page.html, "<input type=\"checkbox\"", ">");
        assert!(
            tick.contains("aria-describedby=\"agree-error\"") && page.html.contains("id=\"agree-error\"")
        );
        assert_eq!(tick.contains("aria-invalid=\"true\""), invalid);
        assert!(between(&page.html, "<title>", "</title>").starts_with("Please check"));
    }
}

#[test]
fn an_end_to_end_envelope_keeps_the_key_and_says_what_it_needs() {
    let page = pages::envelope(&site(), &Envelope { end_to_end: true, ..an_envelope(Lang::En, "x", "y") });
    assert!(page.html.contains("src=\"/assets/envelope.js\""));
    assert!(between(&page.html, "<noscript>", "</noscript>").contains("JavaScript"));
    assert_eq!(page.html.matches("data-keep").count(), 6);
}

#[test]
fn the_letter_page_keeps_the_contract_with_the_viewer() {
    let site = site();
    for lang in Lang::ALL {
        for end_to_end in [false, true] {
            let page = pages::letter(&site, &Letter { end_to_end, ..a_letter(lang) });
            let mode = if end_to_end { "end-to-end" } else { "edge-opened" };
            let main = between(&page.html, "<main ", ">");
            for part in [
                "id=\"letter\"".into(),
                format!("data-mode=\"{mode}\""),
                format!("data-report=\"{PATH}/report\""),
                "data-length=\"1234567\" data-body-length=\"1234911\" data-record-size=\"65536\"".into(),
                "data-sha256=\"ab\" data-media-type=\"application/pdf\" data-file-name=\"a&#34;b&#60;c&#62;.pdf\"".into(),
            ] {
                assert!(main.contains(&part), "{part}: {main}");
            }
            let mut states = vec!["loading", "viewer", "choose", "damaged", "offline", "closed", "download"];
            let mut hooks = vec![
                "data-pages",
                "data-progress",
                "data-toolbar",
                "data-zoom-in",
                "data-retry",
                "data-print hidden",
                "data-here",
            ];
            if end_to_end {
                states.extend(["missing-key", "wrong-key", "unsupported"]);
                hooks.extend([
                    "data-open",
                    "data-link",
                    "data-key-error",
                    "data-download-panel",
                    "data-share",
                ]);
            }
            for state in states {
                let section = between(&page.html, &format!("data-when=\"{state}\""), ">");
                assert!(section.ends_with("hidden"), "{state}");
            }
            for hook in hooks {
                assert!(page.html.contains(hook), "{hook}");
            }
            if lang == Lang::En {
                assert_eq!(between(&page.html, "data-label=\"", "\""), "Page {n} of {m}");
                assert_eq!(between(&page.html, "data-page-count data-text=\"", "\""), "of {m}");
            }
            for template in ["data-text=\"", "data-label=\""] {
                assert!(between(&page.html, template, "\"").contains('{'), "{template}");
            }
            // Without script: links in one mode, an explanation in the other, the withdraw form in both.
            assert_eq!(page.html.contains(&format!("href=\"{PATH}/report\"")), !end_to_end);
            let granted = format!("href=\"{PATH}/report?download=1&amp;grant=gr4nt\"");
            let downloads = page.html.matches("/report?download=1").count();
            assert_eq!((page.html.matches(&granted).count(), downloads > 1), (downloads, !end_to_end));
            assert_eq!(between(&page.html, "data-report=\"", "\""), format!("{PATH}/report"));
            assert_eq!(page.html.contains("<noscript>"), end_to_end);
            assert_eq!(page.html.contains("/assets/envelope.js"), end_to_end);
            assert!(page.html.contains(&format!("action=\"{PATH}/withdraw?lang={lang}\"")));
        }
    }
}

/// A browser without cookies gets the report by the grant, opened and saved, and no link that would not work.
#[test]
fn a_letter_for_a_browser_without_cookies_is_read_by_the_grant() {
    for end_to_end in [false, true] {
        let letter = Letter { end_to_end, by_grant: true, ..a_letter(Lang::En) };
        let page = pages::letter(&site(), &letter);
        assert_eq!(between(&page.html, "data-report=\"", "\""), format!("{PATH}/report?grant=gr4nt"));
        assert!(!page.html.contains(&format!("href=\"{PATH}/report\"")));
        for query in ["grant=gr4nt", "download=1&amp;grant=gr4nt"] {
            assert_eq!(
                page.html.contains(&format!("href=\"{PATH}/report?{query}\"")),
                !end_to_end,
                "{query}"
            );
        }
    }
}

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
fn closed_pages_have_their_status_and_say_when_to_come_back() {
    let site = site();
    for (closed, status) in CLOSED {
        let detail = Detail { path: Some(PATH), ..Detail::default() };
        let page = pages::closed(&site, Lang::Nl, closed, &detail);
        assert_eq!(page.status, status, "{closed:?}");
        let retry = match closed {
            Closed::Unavailable { retry_after_s }
            | Closed::ReceiptLater { retry_after_s }
            | Closed::Doubted { retry_after_s }
            | Closed::Busy { retry_after_s } => Some(retry_after_s),
            _ => None,
        };
        assert_eq!(page.retry_after_s, retry);
        let minute = matches!(closed, Closed::Busy { .. } | Closed::ReceiptLater { .. });
        assert_eq!(page.html.contains("ongeveer een minuut"), minute);
        assert_eq!(page.html.contains("ongeveer 30 seconden"), matches!(closed, Closed::Unavailable { .. }));
    }
}

#[test]
fn a_preview_shows_the_brand_and_nothing_of_the_letter() {
    let page = pages::preview(&site(), Lang::En);
    assert!(page.html.contains("property=\"og:title\" content=\"&#60;b&#62;Garage"));
    assert!(!page.html.contains(PATH) && !page.html.contains("<form") && !page.html.contains("<a "));
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
