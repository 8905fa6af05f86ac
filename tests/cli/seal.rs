//! Sealing through the API: what arrives, what is retried, what is taken back.

use std::io::Write;

use waxseal::seal::{FragmentKey, Manifest, Mode, edge_key};
use waxseal::types::LetterId;

use super::stub::{Fault, Stub, open};
use super::support::{Desk, KEYS, Ran, keyring, report};

/// More than two parts of 8 MiB.
const LARGE: usize = 18_000_000;

fn seal(desk: &Desk, stub: &Stub, more: &[&str]) -> Ran {
    let url = stub.url();
    let mut arguments = vec!["seal", "report.pdf", "--subject", "Your inspection", "--url", &url, "--json"];
    arguments.extend(more);
    desk.run(&arguments)
}

/// Nothing of a letter is at the edge.
#[track_caller]
fn assert_nothing_left(stub: &Stub, ran: &Ran) {
    let store = stub.store();
    assert!(ran.out.is_empty(), "no link is printed: {}", ran.out);
    assert!(store.manifests.is_empty(), "no manifest");
    assert!(store.bodies.is_empty(), "no body");
    assert!(store.uploads.is_empty(), "no upload");
}

#[test]
fn a_sealed_letter_is_whole_and_says_what_was_asked() {
    let (desk, stub) = (Desk::new(), Stub::start());
    let content = report(200_000);
    desk.write("report.pdf", &content);
    let sealed =
        seal(&desk, &stub, &["--customer", "C-1", "--letter", "R-7", "--lang", "nl", "--retention", "400d"])
            .succeeded()
            .json();
    let id = sealed["letter"].as_str().unwrap();
    let letter: LetterId = id.parse().unwrap();
    let store = stub.store();
    let (manifest, _) = Manifest::open(&store.manifests[id], letter, &keyring()).unwrap();
    assert_eq!(manifest.subject, "Your inspection");
    assert_eq!((manifest.customer.as_deref(), manifest.reference.as_deref()), (Some("C-1"), Some("R-7")));
    assert_eq!((manifest.language.as_deref(), manifest.retention_days), (Some("nl"), 400));
    assert_eq!((manifest.mode, manifest.actions.len()), (Mode::EdgeOpened, 0));
    assert_eq!(manifest.key_check, None);
    assert_eq!(
        (manifest.media_type.as_str(), manifest.file_name.as_str()),
        ("application/pdf", "report.pdf")
    );
    assert_eq!(manifest.length, 200_000);
    assert_eq!(manifest.not_after.0, sealed["not_after"].as_u64().unwrap());
    assert_eq!(open(&store.bodies[id], edge_key(keyring().active(), letter).as_slice(), &manifest), content);
    let link = sealed["link"].as_str().unwrap();
    assert_eq!(link, format!("{}/{}", stub.url(), sealed["token"].as_str().unwrap()));
}

#[test]
fn only_the_link_is_on_standard_output() {
    let (desk, stub) = (Desk::new(), Stub::start());
    desk.write("report.pdf", &report(10));
    let url = stub.url();
    let ran = desk
        .run(&["seal", "report.pdf", "--subject", "S", "--url", &url, "--qr", "--end-to-end"])
        .succeeded();
    assert_eq!(ran.out.lines().count(), 1);
    let (link, key) = ran.out.trim().split_once('#').unwrap();
    assert!(link.starts_with(&url) && key.len() == 26, "{}", ran.out);
    assert!(ran.err.contains('█') && ran.err.contains("end to end"), "{}", ran.err);

    // Neither warnings nor failures get there.
    let keys = desk.write("keys.json", KEYS.as_bytes());
    #[cfg(unix)]
    std::fs::set_permissions(&keys, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let base = ["seal", "report.pdf", "--subject", "S", "--url", &url, "--keys", keys.to_str().unwrap()];
    let warned = desk.run(&base).succeeded();
    let link = warned.out.strip_suffix('\n').unwrap();
    assert!(link.starts_with(&url) && !link.contains(char::is_whitespace), "{}", warned.out);
    #[cfg(unix)]
    assert!(warned.err.contains("chmod 600"), "{}", warned.err);
    let quiet = desk.run(&[&base[..], &["--quiet"]].concat()).succeeded();
    assert_eq!(quiet.out.lines().count(), 1);
    stub.fail("manifest", Fault::Status(422), 1);
    for more in [&["--retries", "0"][..], &["--expires", "2001-01-01"], &["--upload", "s3://"]] {
        let ran = desk.run(&[&base[..], more].concat());
        assert!(ran.code != 0 && ran.out.is_empty(), "{more:?}: {}", ran.out);
    }
}

#[test]
fn a_text_says_which_encoding_it_is_in() {
    let (desk, stub) = (Desk::new(), Stub::start());
    let url = stub.url();
    let late = [vec![b'a'; 9_000_000], b" f\xfcr M\xfcller".to_vec()].concat();
    for (name, content, more, media_type, said) in [
        ("utf8.txt", "für".as_bytes(), &[][..], "text/plain; charset=utf-8", ""),
        (
            "latin1.txt",
            b"Pr\xfcfbericht f\xfcr M\xfcller: Bremsen in Ordnung.\n",
            &[],
            "text/plain; charset=windows-1252",
            "windows-1252",
        ),
        (
            "utf16le.txt",
            b"\xff\xfeP\0r\0\xfc\0f\0b\0e\0r\0i\0c\0h\0t\0\n\0",
            &[],
            "text/plain; charset=utf-16le",
            "utf-16le",
        ),
        ("late.txt", &late, &[], "text/plain; charset=windows-1252", "windows-1252"),
        ("costs.csv", b"M\xfcller;1\n", &["--lang", "de"], "text/csv; charset=windows-1252", "windows-1252"),
        ("noise.txt", b"\xfc\x01\x02\xff", &[], "text/plain; charset=unknown-8bit", "only download it"),
        (
            "said.txt",
            b"f\xfcr",
            &["--media-type", "text/plain; charset=iso-8859-15"],
            "text/plain; charset=iso-8859-15",
            "",
        ),
    ] {
        desk.write(name, content);
        let arguments = [&["seal", name, "--subject", "S", "--url", &url][..], more].concat();
        let sealed = desk.run(&[&arguments[..], &["--json"]].concat()).succeeded().json();
        let id = sealed["letter"].as_str().unwrap();
        let (manifest, _) =
            Manifest::open(&stub.store().manifests[id], id.parse().unwrap(), &keyring()).unwrap();
        assert_eq!((manifest.media_type.as_str(), &sealed["media_type"]), (media_type, &media_type.into()));
        let ran = desk.run(&arguments).succeeded();
        assert!(
            ran.err.contains(said) && (!said.is_empty() || !ran.err.contains("text is in")),
            "{}",
            ran.err
        );
    }
}

#[test]
fn standard_input_goes_end_to_end_in_parts() {
    let (desk, stub) = (Desk::new(), Stub::start());
    let content = report(LARGE);
    let url = stub.url();
    let sealed = desk
        .run_with_input(
            &["seal", "-", "--name", "scan.png", "--subject", "S", "--url", &url, "--json", "--end-to-end"],
            &content,
        )
        .succeeded()
        .json();
    assert_eq!((&sealed["mode"], &sealed["media_type"]), (&"end-to-end".into(), &"image/png".into()));
    let store = stub.store();
    let key: FragmentKey = sealed["link"].as_str().unwrap().split_once('#').unwrap().1.parse().unwrap();
    let id = sealed["letter"].as_str().unwrap();
    let (manifest, _) = Manifest::open(&store.manifests[id], id.parse().unwrap(), &keyring()).unwrap();
    assert_eq!(open(&store.bodies[id], key.as_bytes(), &manifest), content);
    assert_eq!(manifest.key_check, Some(key.check(id.parse().unwrap())));
    assert_eq!(store.log.iter().filter(|l| l.starts_with("PUT") && l.contains("/uploads/")).count(), 3);
    for line in &store.log {
        assert!(!line.contains(key.to_text().as_str()), "the key never reaches the edge");
    }
}

#[test]
fn server_errors_and_lost_connections_are_tried_again() {
    let (desk, stub) = (Desk::new(), Stub::start());
    desk.write("report.pdf", &report(LARGE));
    stub.fail("POST", Fault::Status(503), 1);
    stub.fail("PUT", Fault::Hang, 1);
    stub.fail("/2", Fault::Lost, 1);
    stub.fail("complete", Fault::Lost, 1);
    stub.fail("manifest", Fault::Status(500), 1);
    stub.fail("manifest", Fault::Lost, 1);
    let sealed = seal(&desk, &stub, &["--retries", "3"]).succeeded().json();
    assert_eq!(stub.store().bodies[sealed["letter"].as_str().unwrap()].len() as u64, sealed["body_length"]);
    assert_eq!(stub.count("manifest"), 3);
}

#[test]
fn a_failed_part_takes_everything_back() {
    let (desk, stub) = (Desk::new(), Stub::start());
    desk.write("report.pdf", &report(LARGE));
    stub.fail("/2", Fault::Status(503), 9);
    let ran = seal(&desk, &stub, &["--retries", "1"]).failed(1);
    assert_eq!(ran.error_code(), "upload_refused");
    assert_nothing_left(&stub, &ran);
    assert_eq!(stub.count("DELETE"), 1, "the upload was aborted");
}

#[test]
fn a_refused_manifest_takes_the_body_back() {
    let (desk, stub) = (Desk::new(), Stub::start());
    desk.write("report.pdf", &report(5000));
    stub.fail("manifest", Fault::Status(422), 1);
    let ran = seal(&desk, &stub, &[]).failed(1);
    assert_eq!(ran.error_code(), "upload_refused");
    assert_nothing_left(&stub, &ran);
}

#[test]
fn terms_that_the_site_does_not_have_are_named() {
    let (desk, stub) = (Desk::new(), Stub::start());
    desk.write("report.pdf", &report(5000));
    let detail = "the site has no terms of this hash";
    stub.fail("/manifest", Fault::Problem(422, "unknown_terms", detail), 1);
    let ran = seal(&desk, &stub, &["--terms", &"ab".repeat(32)]).failed(1);
    assert_eq!(ran.error_code(), "unknown_terms");
    assert!(ran.err.contains(detail) && ran.err.contains("--terms"), "{}", ran.err);
    assert_nothing_left(&stub, &ran);
}

#[test]
fn an_existing_letter_is_not_touched() {
    let (desk, stub) = (Desk::new(), Stub::start());
    desk.write("report.pdf", &report(5000));
    let id = "0190a5d4-7a2b-7c3d-8e4f-5a6b7c8d9e0f";
    seal(&desk, &stub, &["--id", id]).succeeded();
    let before = stub.store().bodies[id].clone();
    let again = seal(&desk, &stub, &["--id", id]).failed(1);
    assert_eq!(again.error_code(), "letter_exists");
    assert_eq!(stub.store().bodies[id], before);
}

#[test]
fn another_sites_key_and_an_absent_edge_fail_clearly() {
    let (desk, stub) = (Desk::new(), Stub::start());
    desk.write("report.pdf", &report(5000));
    desk.run(&["keys", "new", "--keys", "other.json"]).succeeded();
    let ran = seal(&desk, &stub, &["--keys", "other.json"]).failed(1);
    assert_eq!(ran.error_code(), "upload_credentials");
    assert_nothing_left(&stub, &ran);

    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{free}");
    let ran = desk
        .run(&["seal", "report.pdf", "--subject", "S", "--url", &url, "--retries", "1", "--json"])
        .failed(1);
    assert_eq!(ran.error_code(), "upload_unreachable");
    assert!(ran.out.is_empty());
}

#[test]
fn options_are_checked_before_anything_is_sent() {
    let (desk, stub) = (Desk::new(), Stub::start());
    desk.write("report.pdf", &report(5000));
    desk.write("empty.pdf", b"");
    let long = "x".repeat(201);
    let url = stub.url();
    let base = ["seal", "report.pdf", "--subject", "S", "--url", &url, "--json"];
    for (more, code) in [
        (&["--expires", "2001-01-01"][..], "expires_in_the_past"),
        (&["--expires", "2107-01-01"], "expires_too_late"),
        (&["--customer", &long], "option_value"),
        (&["--media-type", "nonsense"], "option_value"),
        (&["--upload", "ftp://x"], "upload_settings"),
        (&["--upload", "s3://"], "upload_settings"),
        (&["--upload", "s3://bucket"], "upload_settings"),
        (&["--upload", "s3://bucket/site"], "upload_settings"),
        (&["--action", "accept"], "usage"),
        (&["--terms", "abc"], "usage"),
        (&["--url", "http://letters.example"], "usage"),
    ] {
        let arguments: Vec<_> = base
            .iter()
            .copied()
            .filter(|a| !more.contains(&"--url") || (*a != "--url" && *a != url))
            .chain(more.iter().copied())
            .collect();
        let ran = desk.run(&arguments).failed(2);
        assert_eq!(ran.error_code(), code, "{more:?}");
    }
    let empty = desk.run(&["seal", "empty.pdf", "--subject", "S", "--url", &url, "--json"]).failed(1);
    assert_eq!(empty.error_code(), "report_empty");
    let absent = desk.run(&["seal", "absent.pdf", "--subject", "S", "--url", &url, "--json"]).failed(2);
    assert_eq!(absent.error_code(), "report_not_opened");
    assert!(stub.store().log.is_empty(), "{:?}", stub.store().log);
    let nothing =
        desk.run_with_input(&["seal", "-", "--subject", "S", "--url", &url, "--json"], b"").failed(1);
    assert_eq!(nothing.error_code(), "report_empty");
    assert_nothing_left(&stub, &nothing);
}

#[test]
#[cfg(unix)]
fn ctrl_c_takes_everything_back() {
    let (desk, stub) = (Desk::new(), Stub::start());
    let url = stub.url();
    let mut child = desk
        .command(&["seal", "-", "--name", "report.bin", "--subject", "S", "--url", &url, "--json"])
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&report(LARGE)).unwrap();
    // Two parts are on their way once the writer got rid of so much; the rest never comes.
    while stub.count("/uploads/") == 0 {
        std::thread::yield_now();
    }
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let ran: Ran = child.wait_with_output().unwrap().into();
    let ran = ran.failed(130);
    assert_eq!(ran.error_code(), "interrupted");
    assert_nothing_left(&stub, &ran);
    drop(stdin);
}

#[test]
fn cancelling_says_what_happened() {
    let (desk, stub) = (Desk::new(), Stub::start());
    desk.write("report.pdf", &report(5000));
    let sealed = seal(&desk, &stub, &[]).succeeded().json();
    let (id, link, url) = (sealed["letter"].as_str().unwrap(), sealed["link"].as_str().unwrap(), stub.url());
    let done = desk.run(&["cancel", id, "--url", &url, "--json"]).succeeded().json();
    assert_eq!((&done["state"], &done["changed"]), (&"cancelled".into(), &true.into()));
    let again = desk.run(&["cancel", link, "--url", &url, "--json"]).succeeded().json();
    assert_eq!(again["changed"], false);

    for state in ["expired", "erased"] {
        stub.store().closed = Some(state);
        let over = desk.run(&["cancel", id, "--url", &url]).failed(1);
        assert!(over.err.contains(state) && !over.err.contains("cancelled already"), "{}", over.err);
    }

    let unknown = "0190a5d4-7a2b-7c3d-8e4f-5a6b7c8d9e0f";
    assert_eq!(
        desk.run(&["cancel", unknown, "--url", &url, "--json"]).failed(1).error_code(),
        "letter_unknown"
    );
    assert_eq!(
        desk.run(&["cancel", "rubbish", "--url", &url, "--json"]).failed(2).error_code(),
        "not_a_letter"
    );
    let calls = stub.count("cancel");
    let other = desk.run(&["cancel", link, "--url", "https://letters.example", "--json"]).failed(2);
    assert_eq!(other.error_code(), "link_of_another_host");
    assert_eq!(stub.count("cancel"), calls, "the key did not follow the link");
}

#[test]
fn a_body_that_another_letter_needs_is_not_deleted() {
    let (desk, stub) = (Desk::new(), Stub::start());
    desk.write("report.pdf", &report(5000));
    // Between the first look and the manifest somebody else finished the same UUID.
    stub.fail("PUT", Fault::Status(409), 1);
    let ran = seal(&desk, &stub, &[]).failed(1);
    assert_eq!(ran.error_code(), "letter_exists");
    assert_eq!(stub.count("DELETE"), 0);
}

#[test]
fn a_body_that_lost_bytes_on_its_way_gets_no_manifest() {
    let (desk, stub) = (Desk::new(), Stub::start());
    desk.write("report.pdf", &report(5000));
    stub.store().lost = 1;
    let ran = seal(&desk, &stub, &[]).failed(1);
    assert_eq!((ran.error_code().as_str(), ran.out.as_str()), ("upload_not_whole", ""));
    assert!(stub.store().manifests.is_empty() && stub.store().bodies.is_empty());
}
