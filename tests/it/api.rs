//! The table of routes: no two rows for one request, no row that is not found, and the document made from it.

use waxseal::api::{Match, PREFIX, Route, find, openapi};

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json");

fn document() -> String {
    format!("{}\n", serde_json::to_string_pretty(&openapi()).unwrap())
}

#[test]
fn the_document_is_made_from_the_table() {
    let stored = std::fs::read_to_string(DOCUMENT).unwrap();
    assert_eq!(stored, document(), "run: cargo test --test it regenerate_openapi -- --ignored");
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
