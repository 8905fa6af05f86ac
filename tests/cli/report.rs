//! What `seal` and `mint` make of a report's name, its first bytes, a subject, a customer and an end.

use serde_json::Value;
use waxseal::seal::Manifest;

use super::stub::{Fault, Stub};
use super::support::{Desk, KEYS, Ran, keyring};

const LETTER: &str = "0190a5d4-7a2b-7c3d-8e4f-5a6b7c8d9e0f";
const PDF: &[u8] = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n";

fn manifest(stub: &Stub, sealed: &Value) -> Manifest {
    let id = sealed["letter"].as_str().unwrap();
    Manifest::open(&stub.store().manifests[id], id.parse().unwrap(), &keyring()).unwrap().0
}

fn seal(desk: &Desk, stub: &Stub, file: &str, more: &[&str]) -> Ran {
    let url = stub.url();
    let subject: &[&str] = if more.contains(&"--subject") { &[] } else { &["--subject", "S"] };
    desk.run(&[&["seal", file, "--url", &url, "--json"], subject, more].concat())
}

#[test]
fn standard_input_gets_its_name_from_its_content_and_arrives_whole() {
    let (desk, stub) = (Desk::new(), Stub::start());
    let url = stub.url();
    let long = [PDF, &super::support::report(100_000)].concat();
    for (content, name, media_type) in [
        (&long[..], "report.pdf", "application/pdf"),
        (PDF, "report.pdf", "application/pdf"),
        (b"Dear Ms Smith,\n", "report.txt", "text/plain"),
    ] {
        let sealed = desk.run_with_input(&["seal", "-", "--subject", "S", "--url", &url, "--json"], content);
        let sealed = sealed.succeeded().json();
        let manifest = manifest(&stub, &sealed);
        assert_eq!(manifest.file_name, name);
        assert!(manifest.media_type.starts_with(media_type), "{}", manifest.media_type);
        // Looking at the first bytes takes none of them away.
        assert_eq!(manifest.length, content.len() as u64);
        let body = &stub.store().bodies[sealed["letter"].as_str().unwrap()];
        let key = waxseal::seal::edge_key(keyring().active(), manifest.letter);
        assert_eq!(super::stub::open(body, key.as_slice(), &manifest), content);
    }
}

#[test]
fn a_report_that_nothing_names_is_asked_for() {
    let (desk, stub) = (Desk::new(), Stub::start());
    let url = stub.url();
    let noise = super::support::report(5_000);
    let ran =
        desk.run_with_input(&["seal", "-", "--subject", "S", "--url", &url, "--json"], &noise).failed(2);
    assert_eq!(ran.error_code(), "name_needed");
    assert!(ran.err.contains("--name report.pdf") && ran.out.is_empty(), "{}", ran.err);
    desk.write("inspection", &noise);
    assert_eq!(seal(&desk, &stub, "inspection", &[]).failed(2).error_code(), "name_needed");
    assert!(stub.store().log.is_empty());

    desk.write("inspection", PDF);
    let sealed = seal(&desk, &stub, "inspection", &[]).succeeded().json();
    assert_eq!(manifest(&stub, &sealed).file_name, "inspection.pdf");
    let said = desk.run(&["seal", "inspection", "--subject", "S", "--url", &url]).succeeded();
    assert!(
        said.err.contains("inspection.pdf") && said.err.contains("application/pdf by its content"),
        "{}",
        said.err
    );
}

#[test]
fn subjects_that_nobody_sees_or_that_turn_around_are_refused() {
    let (desk, stub) = (Desk::new(), Stub::start());
    desk.write("report.pdf", PDF);
    for (subject, named) in [
        ("\u{200b}\u{2060}", "U+200B, U+2060"),
        ("\u{3164}", "U+3164"),
        ("Report \u{202e}fdp.exe", "U+202E"),
        ("\u{2067}Report\u{2069}", "U+2067, U+2069"),
    ] {
        let ran = seal(&desk, &stub, "report.pdf", &["--subject", subject]).failed(2);
        assert_eq!(ran.error_code(), "option_value");
        assert!(ran.err.contains(&format!("--subject holds {named}")), "{}", ran.err);
    }
    assert!(stub.store().log.is_empty());
    for subject in [
        "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467} 2026",
        "\u{645}\u{6cc}\u{200c}\u{62e}\u{648}\u{627}\u{647}\u{645}",
    ] {
        seal(&desk, &stub, "report.pdf", &["--subject", subject]).succeeded();
    }
}

#[test]
fn a_reference_for_nobody_and_a_link_that_ends_at_once_are_warned_of() {
    let (desk, stub) = (Desk::new(), Stub::start());
    desk.write("report.pdf", PDF);
    let url = stub.url();
    for customer in ["null", "undefined", "NaN", "None", "0", "-"] {
        let sealed = seal(&desk, &stub, "report.pdf", &["--customer", customer]).succeeded().json();
        assert_eq!(sealed["warnings"][0]["code"], "customer_nobody", "{customer}");
        let said = desk.run(&[
            "seal",
            "report.pdf",
            "--subject",
            "S",
            "--url",
            &url,
            "--customer",
            customer,
            "--quiet",
        ]);
        let said = said.succeeded();
        assert!(said.err.contains(&format!("warning: --customer {customer} names nobody")), "{}", said.err);
        assert_eq!(said.out.lines().count(), 1);
    }
    let sealed =
        seal(&desk, &stub, "report.pdf", &["--customer", "C-1", "--expires", "1h"]).succeeded().json();
    assert!(sealed.get("warnings").is_none(), "{sealed}");

    for expires in ["59m", "3599s"] {
        let sealed = seal(&desk, &stub, "report.pdf", &["--expires", expires]).succeeded().json();
        assert_eq!(sealed["warnings"][0]["code"], "short_lived", "{expires}");
        let minted = desk.run(&["mint", LETTER, "--expires", expires, "--json"]).succeeded().json();
        assert_eq!(minted["warnings"][0]["code"], "short_lived", "{expires}");
        let said = desk.run(&["mint", LETTER, "--expires", expires]).succeeded();
        assert!(said.err.contains("warning: this link ends in 59 minutes"), "{}", said.err);
        assert_eq!(said.out.lines().count(), 1);
    }
    let minted = desk.run(&["mint", LETTER, "--expires", "2h", "--json"]).succeeded().json();
    assert!(minted.get("warnings").is_none(), "{minted}");
}

#[test]
fn a_date_ends_with_its_last_second_in_the_time_zone_of_the_site() {
    let (desk, stub) = (Desk::new(), Stub::start());
    desk.write("report.pdf", PDF);
    let url = stub.url();
    let not_after = |ran: Ran| {
        let json = ran.succeeded().json();
        (json["expires_at"].as_str().unwrap().to_owned(), json["time_zone"].as_str().map(str::to_owned))
    };
    let at = |text: &str, zone: &str| (text.to_owned(), Some(zone.to_owned()));
    // The edge says where it is.
    let winter = ["--expires", "2099-12-31"];
    assert_eq!(
        not_after(seal(&desk, &stub, "report.pdf", &winter)),
        at("2099-12-31T22:59:59Z", "Europe/Amsterdam")
    );
    let minted = desk.run(&["mint", LETTER, "--expires", "2099-07-01", "--url", &url, "--json"]);
    assert_eq!(not_after(minted), at("2099-07-01T21:59:59Z", "Europe/Amsterdam"));
    let said = desk
        .run(&["seal", "report.pdf", "--subject", "S", "--url", &url, "--expires", "2099-12-31"])
        .succeeded();
    assert!(said.err.contains("open until 2099-12-31 23:59:59 +01:00 (Europe/Amsterdam)"), "{}", said.err);
    // Who says it is not told.
    let calls = stub.count("/api/v1/site");
    let said = ["--expires", "2099-12-31", "--time-zone", "America/New_York"];
    assert_eq!(
        not_after(seal(&desk, &stub, "report.pdf", &said)),
        at("2100-01-01T04:59:59Z", "America/New_York")
    );
    let set = Desk::new().with("WAXSEAL_TIME_ZONE", "UTC");
    assert_eq!(
        not_after(set.run(&["mint", LETTER, "--expires", "2099-12-31", "--json"])),
        at("2099-12-31T23:59:59Z", "UTC")
    );
    // What is no bare date needs no time zone.
    let time = ["--expires", "2099-12-31T18:00:00+01:00"];
    assert_eq!(not_after(seal(&desk, &stub, "report.pdf", &time)), ("2099-12-31T17:00:00Z".to_owned(), None));
    assert_eq!(stub.count("/api/v1/site"), calls);

    // Nobody to ask.
    let ran = desk.run(&["mint", LETTER, "--expires", "2099-12-31", "--json"]).failed(2);
    assert_eq!(ran.error_code(), "time_zone_missing");
    assert!(ran.err.contains("--time-zone Europe/Amsterdam") && ran.out.is_empty(), "{}", ran.err);
    stub.fail("/api/v1/site", Fault::Status(404), 1);
    let ran = seal(&desk, &stub, "report.pdf", &winter).failed(1);
    assert_eq!(ran.error_code(), "time_zone_unknown");
    assert!(ran.err.contains("--time-zone") && ran.out.is_empty(), "{}", ran.err);
}

#[test]
fn a_keyring_is_read_as_editors_and_shells_save_it() {
    let (desk, stub) = (Desk::new(), Stub::start());
    desk.write("report.pdf", PDF);
    let wide = |unit: fn(u16) -> [u8; 2]| {
        let mark = char::from_u32(0xfeff).unwrap();
        format!("{mark}{KEYS}\r\n").encode_utf16().flat_map(unit).collect::<Vec<u8>>()
    };
    for (name, bytes) in [
        ("bom.json", format!("\u{feff}{KEYS}\n").into_bytes()),
        ("le.json", wide(u16::to_le_bytes)),
        ("be.json", wide(u16::to_be_bytes)),
    ] {
        desk.write(name, &bytes);
        seal(&desk, &stub, "report.pdf", &["--keys", name]).succeeded();
    }
    let variable = Desk::new().with("WAXSEAL_KEYS", &format!("\u{feff}{KEYS}"));
    variable.run(&["mint", LETTER, "--json"]).succeeded();
    // Like the case it comes from: read, and the fault behind the mark named.
    desk.write("empty.json", b"\xef\xbb\xbf{\"active\":1,\"keys\":[]}\n");
    let ran = desk.run(&["mint", LETTER, "--keys", "empty.json", "--json"]).failed(1);
    assert!(ran.error_code() == "keyring_invalid" && ran.err.contains("not among the keys"), "{}", ran.err);
    for odd in [&b"\xff\xfe{\0\"\0x"[..], b"{\"active\":\xff}"] {
        desk.write("odd.json", odd);
        let ran = desk.run(&["mint", LETTER, "--keys", "odd.json", "--json"]).failed(2);
        assert_eq!(ran.error_code(), "keyring_not_read");
    }
}
