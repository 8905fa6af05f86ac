//! The envelope.

use waxseal::pages::{self, Envelope, FormError, Lang, Letter, Scripts};

use crate::common::{PATH, a_letter, an_envelope, between, site, text_of};

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
            tick.contains("aria-describedby=\"agree-error brief\"")
                && page.html.contains("id=\"agree-error\"")
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

/// While the terms are read the browser may fetch the viewer, the same for every letter; nothing else hangs on it.
#[test]
fn the_envelope_lets_a_browser_fetch_the_viewer_ahead() {
    let list =
        r#"{"viewer":"viewer.js?0a","envelope":"envelope.js?0b","ahead":["pdf-0c.js","pdf.worker-0d.js"]}"#;
    let scripts = Scripts::from_json(list).unwrap();
    let html = |ahead, end_to_end| {
        let envelope = Envelope { scripts: &scripts, ahead, end_to_end, ..an_envelope(Lang::En, "x", "y") };
        pages::envelope(&site(), &envelope).html
    };
    for end_to_end in [false, true] {
        let [with, without] = [true, false].map(|ahead| html(ahead, end_to_end));
        let links = ["viewer.js?0a", "pdf-0c.js", "pdf.worker-0d.js"]
            .map(|name| format!("<link rel=\"prefetch\" href=\"/assets/{name}\">"));
        assert!(
            with.ends_with(&format!("{}\n</body>\n</html>", links.concat())),
            "last, so that it delays nothing"
        );
        assert_eq!(with.replace(&links.concat(), ""), without);
        assert_eq!(with.contains("src=\"/assets/envelope.js?0b\""), end_to_end);
    }
    let letter = Letter { scripts: &scripts, end_to_end: true, ..a_letter(Lang::En) };
    let html = pages::letter(&site(), &letter).html;
    for name in ["viewer.js?0a", "envelope.js?0b"] {
        assert!(html.contains(&format!("src=\"/assets/{name}\"")), "{name}");
    }
}
