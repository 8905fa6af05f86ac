//! What holds for every page.

use base64::Engine as _;
use sha2::{Digest, Sha256};
use waxseal::lang::Lang;
use waxseal::pages::{self, Choice, Detail, Envelope, FormError, Letter, LetterNames, Page, Receipt};

use super::common::{
    CLOSED, HOSTILE, ORIGIN, PATH, a_history, a_letter, a_question, a_receipt_event, an_envelope, between,
    site,
};

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
        for events in [vec![Choice::Given], vec![Choice::Given, Choice::Withdrawn], vec![Choice::Refused]] {
            let name = format!("receipt {events:?}");
            let events: Vec<_> = events.into_iter().map(a_receipt_event).collect();
            let names = LetterNames { reference: Some(HOSTILE), file_name: HOSTILE, sha256_hex: hex.clone() };
            for (terms_text, end_to_end) in [(Some(HOSTILE), false), (None, true)] {
                let receipt = Receipt {
                    lang,
                    path: PATH,
                    events: &events,
                    subject: terms_text.is_some().then_some(HOSTILE),
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
                origin: Some(ORIGIN),
                subject: Some(HOSTILE),
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
        all.push((lang, "preview".into(), pages::preview(&site, lang, ORIGIN)));
        all.push((lang, "withdraw".into(), pages::withdraw(&site, lang, PATH, "n0nce")));
    }
    all
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
        let most = match name.split(' ').next() {
            Some("letter") => 20,
            // The first screen of a phone is set apart from everything else there.
            Some("envelope" | "question") => 16,
            _ => 14,
        };
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

/// A messenger asks by a robot of its own, or as a browser from somebody's phone: both read the same, of every letter.
#[test]
fn a_preview_tells_of_the_sender_and_a_seal_and_nothing_of_the_letter() {
    let tags = |page: &Page| -> Vec<String> {
        let head = between(&page.html, "<head>", "</head>");
        let is_card = |line: &&str| {
            ["property=\"og:", "name=\"twitter:", "name=\"description"].iter().any(|tag| line.contains(tag))
        };
        head.lines().filter(is_card).map(str::to_owned).collect()
    };
    for lang in Lang::ALL {
        let page = pages::preview(&site(), lang, ORIGIN);
        assert!(
            !page.html.contains(PATH) && !page.html.contains("<form") && !page.html.contains("<a "),
            "{lang}"
        );
        let card = tags(&page).join("\n");
        for part in [
            "property=\"og:site_name\" content=\"&#60;b&#62;Garage",
            "property=\"og:image\" content=\"https://letters.example/assets/preview/letter-wide.png\"",
            "property=\"og:image:width\" content=\"1200\"",
            "property=\"og:image\" content=\"https://letters.example/assets/preview/letter.png\"",
            "name=\"twitter:card\" content=\"summary_large_image\"",
            &format!("property=\"og:image:alt\" content=\"{}\"", lang.messages().common.preview_image()),
        ] {
            assert!(card.contains(part), "{lang} {part}: {card}");
        }
        assert!(!card.contains("og:url"), "{lang}: the address is the secret");
        let envelope = pages::envelope(&site(), &an_envelope(lang, "Terms.", "ab"));
        let detail =
            Detail { path: Some(PATH), origin: Some(ORIGIN), subject: Some(HOSTILE), ..Detail::default() };
        let closed = pages::closed(&site(), lang, pages::Closed::Expired, &detail);
        for other in [envelope, closed] {
            assert_eq!(tags(&other), tags(&page), "{lang}");
        }
    }
    for (name, width) in [("letter-wide", 1200u32), ("letter", 400)] {
        let png = std::fs::read(format!("web/preview/{name}.png")).unwrap();
        assert_eq!(png[16..20], width.to_be_bytes(), "{name}");
        assert!(png.len() < 20_000, "{name}: {}", png.len());
    }
}
