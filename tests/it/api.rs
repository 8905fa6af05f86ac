//! The table of routes: no two rows for one request, no row that is not found, and the document made from it.

use waxseal::api::{Code, KeyIssued, Match, PREFIX, Route, find, openapi};
use waxseal::seal::{FramingError, ManifestError};
use waxseal::site::TermsError;
use waxseal::token::IssuedKey;
use waxseal::types::{Kid, LetterId};

const DOCUMENT: &str = "docs/openapi.json";

fn document() -> String {
    format!("{}\n", serde_json::to_string_pretty(&openapi()).unwrap())
}

#[test]
fn the_document_is_made_from_the_table() {
    let stored = std::fs::read_to_string(DOCUMENT).unwrap();
    assert!(stored == document(), "it differs: cargo test --test it regenerate_openapi -- --ignored");
}

#[test]
#[ignore = "writes docs/openapi.json"]
fn regenerate_openapi() {
    std::fs::write(DOCUMENT, document()).unwrap();
}

#[test]
fn every_row_is_found_by_its_own_path_and_no_other() {
    for row in Route::table() {
        // Encoded on the way out, handed over as it came.
        let path = row.path(&["a/b c", "%", "3"]);
        let rest = path.strip_prefix(PREFIX).unwrap();
        for method in [row.method, if row.method == "GET" { "HEAD" } else { row.method }] {
            let Match::Found(found, parts) = find(method, rest) else { panic!("{method} {path}") };
            assert_eq!(found.route, row.route, "{method} {path}");
            assert_eq!(parts, ["a%2Fb%20c", "%25", "3"][..row.path.matches('{').count()]);
        }
        let Match::OtherMethod(methods) = find("PATCH", rest) else { panic!("{path}") };
        assert!(methods.split(", ").any(|method| method == row.method), "{methods}");
        for other in
            [format!("{rest}/more/than/that/x"), rest.to_uppercase(), rest.replacen("/", "//", 1) + "/"]
        {
            let found = matches!(find(row.method, &other), Match::Found(found, _) if found.route == row.route && row.route != Route::LiftBan);
            assert!(!found, "{other}");
        }
    }
    let Match::Found(row, parts) = find("DELETE", "guard/bans/192.0.2.0/24") else { panic!() };
    assert_eq!(
        (row.route, parts, row.label()),
        (Route::LiftBan, vec!["192.0.2.0/24"], "guard/bans/*".to_owned())
    );
}

#[test]
fn what_is_wrong_with_what_was_sent_has_the_code_of_whoever_read_it() {
    let manifests = [
        ManifestError::TooLarge(1),
        ManifestError::Truncated,
        ManifestError::UnknownVersion(2),
        ManifestError::UnknownKey(Kid(1)),
        ManifestError::NotAuthentic,
        ManifestError::OtherLetter(LetterId([0; 16])),
        ManifestError::UnknownFormat,
        ManifestError::UnknownMode,
        ManifestError::Malformed { line: 1, column: 1, what: String::new() },
        ManifestError::Framing(FramingError::TooLong(1)),
        ManifestError::Characters { field: "", found: String::new(), why: "" },
        ManifestError::Field { field: "", rule: "" },
    ];
    for error in manifests {
        assert_eq!(Code::from(&error).as_str(), error.code());
    }
    let texts = [
        TermsError::NotUtf8,
        TermsError::Empty,
        TermsError::TooLong,
        TermsError::CarriageReturn,
        TermsError::Hidden,
        TermsError::Placeholder,
        TermsError::Sender,
    ];
    for error in texts {
        assert_eq!(Code::from(&error).as_str(), error.code());
    }
}

#[test]
fn what_carries_a_key_has_no_debug_that_could_print_it() {
    trait Without {
        const DEBUG: bool = false;
    }
    struct Of<T>(core::marker::PhantomData<T>);
    impl<T> Without for Of<T> {}
    impl<T: core::fmt::Debug> Of<T> {
        const DEBUG: bool = true;
    }
    // The first shows that the test tells one from the other.
    let found = [Of::<Route>::DEBUG, Of::<KeyIssued>::DEBUG, Of::<IssuedKey>::DEBUG];
    assert_eq!(found, [true, false, false]);
}
