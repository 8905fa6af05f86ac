//! The envelope.

use waxseal::lang::Lang;
use waxseal::pages::{self, Envelope, FormError, Letter, Scripts};

use super::common::{PATH, a_letter, an_envelope, between, site, text_of};

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

#[test]
fn the_summary_above_the_box_is_true_of_any_terms() {
    let site = site();
    for lang in Lang::ALL {
        let terms = site.terms(lang);
        let brief = |terms: &str, retention_days| {
            let envelope = Envelope { retention_days, ..an_envelope(lang, terms, "ab") };
            let page = pages::envelope(&site, &envelope);
            let (brief, terms) =
                (page.html.find("id=\"brief\"").unwrap(), page.html.find("data-terms").unwrap());
            assert!(brief < terms && terms < page.html.find("name=\"agree\"").unwrap(), "{lang}");
            text_of(between(&page.html, "id=\"brief\">", "</p>"))
        };
        let m = &lang.messages().envelope;
        // What is recorded and for how long follows from the letter, not from its terms.
        assert_eq!(brief(terms.text(), 30), m.brief(30));
        // Of terms that are somebody's own it says that they are, and to read them.
        let own = brief("<b>Garage</b> & \"Zn\" asks for more.", 366);
        assert_eq!(own, format!("{} {}", m.brief(366), m.own_terms(&site.name)));
        // The text that comes with the software is the same in whatever language the page is.
        assert_eq!(brief(site.terms(Lang::De).text(), 366), m.brief(366));
    }
}

#[test]
fn the_check_of_the_key_is_on_the_envelope_of_an_end_to_end_letter_alone() {
    let with = |end_to_end, key_check| {
        let envelope = Envelope { end_to_end, key_check, ..an_envelope(Lang::En, "x", "y") };
        pages::envelope(&site(), &envelope).html
    };
    let page = with(true, Some("c0ffee00"));
    assert!(
        page.contains("data-letter=\"0192d3a4-b5c6-7d7e-8f90-a1b2c3d4e5f6\" data-key-check=\"c0ffee00\"")
    );
    assert!(page.contains("data-when=\"missing-key\"") && page.contains("data-when=\"wrong-key\""));
    let no = page.find("id=\"no\"").unwrap();
    assert!(
        page.find("data-when=\"choice\"").unwrap() < no,
        "a no stands behind what is hidden without a key"
    );
    assert!(!between(&page, "data-when=\"choice\"", "id=\"no\"").contains("data-when"));
    assert!(!with(true, None).contains("data-key-check"));
    assert!(!with(false, Some("c0ffee00")).contains("c0ffee00"));
}

#[test]
fn a_long_subject_is_set_smaller_and_an_endless_one_opens() {
    let heading = |subject: &str| {
        let page = pages::envelope(&site(), &Envelope { subject, ..an_envelope(Lang::En, "x", "y") });
        between(&page.html, "<p class=\"kicker\">", "<p class=\"from\">").to_owned()
    };
    assert!(heading("Your report").contains("<h1 dir=\"auto\">Your report</h1>"));
    assert!(heading(&"a".repeat(70)).contains("<h1 class=\"long\" dir=\"auto\">"));
    assert!(heading(&"a".repeat(120)).contains("<h1 class=\"longer\" dir=\"auto\">"));
    let endless = heading(&"a".repeat(200));
    assert!(endless.contains("<details class=\"subject\">") && endless.contains(&"a".repeat(200)));
}
