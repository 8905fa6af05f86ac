//! The letter page.

use waxseal::lang::Lang;
use waxseal::pages::{self, Letter};

use super::common::{PATH, a_letter, between, site};

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
                "data-arriving",
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
