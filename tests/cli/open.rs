//! The recipient on the command line: consent, resumption, verification, and never half a file.

use super::stub::{Fault, Stub};
use super::support::{Desk, Ran, report};

const LENGTH: usize = 300_000;

/// A sealed letter and its link.
fn sealed(more: &[&str]) -> (Desk, Stub, String, Vec<u8>) {
    let (desk, stub) = (Desk::new(), Stub::start());
    let content = report(LENGTH);
    desk.write("source.pdf", &content);
    let url = stub.url();
    let mut arguments = vec![
        "seal",
        "source.pdf",
        "--name",
        "report.pdf",
        "--subject",
        "Your inspection",
        "--url",
        &url,
        "--json",
    ];
    arguments.extend(more);
    let answer = desk.run(&arguments).succeeded().json();
    let link = answer["link"].as_str().unwrap().to_owned();
    std::fs::remove_file(desk.path("source.pdf")).unwrap();
    (desk, stub, link, content)
}

fn open(desk: &Desk, link: &str, more: &[&str]) -> Ran {
    let mut arguments = vec!["open", link, "--consent", "--json", "--retries", "1"];
    arguments.extend(more);
    desk.run(&arguments)
}

#[test]
fn both_modes_open_under_the_letters_own_name() {
    for mode in [&[][..], &["--end-to-end"]] {
        let (desk, stub, link, content) = sealed(mode);
        let opened = open(&desk, &link, &[]).succeeded().json();
        assert_eq!(opened["file"], "report.pdf");
        assert_eq!(
            (&opened["sender"], &opened["subject"]),
            (&"Garage Example".into(), &"Your inspection".into())
        );
        assert_eq!(desk.read("report.pdf"), content);
        assert_eq!(desk.names(), ["report.pdf"], "nothing else stays");
        assert_eq!(stub.store().consents.len(), 1);
    }
}

#[test]
fn the_envelope_is_shown_and_nobody_consents_unasked() {
    let (desk, stub, link, _) = sealed(&[]);
    let ran = desk.run(&["open", &link]).failed(2);
    for text in ["Garage Example", "desk@garage.example", "Your inspection", "You agree to read", "--consent"]
    {
        assert!(ran.err.contains(text), "{text} is missing in {}", ran.err);
    }
    assert!(!ran.err.contains('\u{1b}'), "the terms cannot drive the terminal");
    assert_eq!(desk.run(&["open", &link, "--json"]).failed(2).error_code(), "consent_needed");
    assert!(stub.store().consents.is_empty());
    assert!(desk.names().is_empty());
}

#[test]
fn standard_output_gets_verified_bytes_only() {
    let (desk, stub, link, content) = sealed(&["--end-to-end"]);
    let output = desk.command(&["open", &link, "--consent", "-o", "-"]).output().unwrap();
    assert!(output.status.success());
    assert_eq!(output.stdout, content);
    stub.fail("report", Fault::Flip(200_000), 1);
    let ran = open(&desk, &link, &["-o", "-"]).failed(1);
    assert_eq!((ran.error_code().as_str(), ran.out.as_str()), ("letter_damaged", ""));
    assert!(desk.names().is_empty(), "{:?}", desk.names());
}

#[test]
fn a_dropped_connection_goes_on_where_it_stopped() {
    for mode in [&[][..], &["--end-to-end"]] {
        let (desk, stub, link, content) = sealed(mode);
        // Progress sets the count back: of these four failures no three in a row bring nothing.
        stub.fail("report", Fault::Cut(100_000), 1);
        stub.fail("report", Fault::Cut(1), 1);
        stub.fail("report", Fault::Status(503), 1);
        stub.fail("report", Fault::Cut(70_000), 1);
        let arguments = ["open", &link, "--consent", "--retries", "2", "-o", "out.pdf"];
        desk.run(&arguments).succeeded();
        assert_eq!(desk.read("out.pdf"), content);
        assert_eq!(stub.store().ranges, ["bytes=100000-", "bytes=100001-", "bytes=100001-", "bytes=170001-"]);
    }
}

#[test]
fn a_broken_off_download_goes_on_in_the_next_run() {
    for mode in [&[][..], &["--end-to-end"]] {
        let (desk, stub, link, content) = sealed(mode);
        stub.fail("report", Fault::Cut(100_000), 1);
        stub.fail("report", Fault::Hang, 2);
        let broke = open(&desk, &link, &["-o", "out.pdf"]).failed(1);
        assert_eq!(broke.error_code(), "download_broke_off");
        let names = desk.names();
        assert_eq!(names.len(), 2, "{names:?}");
        assert!(names[0].ends_with(".state") && names[1] == "out.pdf.waxseal-part");
        if let Some((_, key)) = link.split_once('#') {
            let state = String::from_utf8(desk.read(&names[0])).unwrap();
            assert!(!state.contains(key), "the key of the link is not kept");
        }
        #[cfg(unix)]
        for name in &names {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(desk.path(name)).unwrap().permissions().mode() & 0o777, 0o600);
        }

        open(&desk, &link, &["-o", "out.pdf"]).succeeded();
        assert_eq!(desk.read("out.pdf"), content);
        assert_eq!(desk.names(), ["out.pdf"]);
        assert_eq!(stub.store().consents.len(), 1, "the first run's consent still counts");
        assert_eq!(stub.store().ranges.last().unwrap(), "bytes=100000-");
    }
}

#[test]
fn a_part_that_went_bad_is_fetched_again() {
    let (desk, stub, link, content) = sealed(&[]);
    stub.fail("report", Fault::Cut(100_000), 1);
    stub.fail("report", Fault::Hang, 1);
    open(&desk, &link, &["-o", "out.pdf"]).failed(1);
    let mut part = desk.read("out.pdf.waxseal-part");
    part[5] ^= 1;
    desk.write("out.pdf.waxseal-part", &part);
    open(&desk, &link, &["-o", "out.pdf"]).succeeded();
    assert_eq!(desk.read("out.pdf"), content);
}

#[test]
fn altered_bytes_never_get_the_final_name() {
    for (mode, code) in [(&[][..], "letter_mismatch"), (&["--end-to-end"], "letter_damaged")] {
        let (desk, stub, link, _) = sealed(mode);
        stub.fail("report", Fault::Flip(299_000), 9);
        let ran = open(&desk, &link, &["-o", "out.pdf"]).failed(1);
        assert_eq!(ran.error_code(), code);
        assert!(desk.names().is_empty(), "{:?}", desk.names());
    }
}

#[test]
fn a_missing_or_wrong_key_explains_itself() {
    let (desk, _stub, link, content) = sealed(&["--end-to-end"]);
    let (plain, key) = link.split_once('#').unwrap();
    assert_eq!(open(&desk, plain, &[]).failed(1).error_code(), "key_missing");
    assert_eq!(open(&desk, &format!("{plain}#abc"), &[]).failed(1).error_code(), "key_malformed");
    let first = if key.starts_with('0') { '1' } else { '0' };
    let wrong = format!("{plain}#{first}{}", &key[1..]);
    let ran = open(&desk, &wrong, &[]).failed(1);
    assert_eq!(ran.error_code(), "key_wrong");
    assert!(!ran.err.contains(&key[1..]), "the key is not repeated");
    // The download was not in vain.
    open(&desk, &link, &[]).succeeded();
    assert_eq!(desk.read("report.pdf"), content);
}

#[test]
fn what_mail_did_to_the_link_is_mended() {
    let (desk, stub, link, content) = sealed(&["--end-to-end"]);
    let (host, rest) = link.split_at(stub.url().len() + 1);
    let mangled = format!("<{host}{}.>", rest.to_uppercase().replace('#', "%23"));
    open(&desk, &mangled, &["-o", "a.pdf"]).succeeded();
    assert_eq!(desk.read("a.pdf"), content);
    let ran = desk.run_with_input(&["open", "-", "--consent", "-o", "b.pdf"], link.as_bytes()).succeeded();
    assert_eq!(desk.read("b.pdf"), content, "{}", ran.err);
}

#[test]
fn existing_files_are_kept_unless_forced() {
    let (desk, stub, link, content) = sealed(&[]);
    desk.write("report.pdf", b"mine");
    assert_eq!(open(&desk, &link, &["-o", "report.pdf"]).failed(2).error_code(), "file_exists");
    assert!(stub.store().consents.is_empty(), "found out before consent");
    assert_eq!(open(&desk, &link, &[]).failed(2).error_code(), "file_exists");
    assert_eq!(desk.read("report.pdf"), b"mine");
    open(&desk, &link, &["--force"]).succeeded();
    assert_eq!(desk.read("report.pdf"), content);
}

#[test]
fn closed_and_unknown_letters_are_told_apart() {
    let (desk, stub, link, _) = sealed(&[]);
    let damaged = format!("{}x", link);
    assert_eq!(open(&desk, &damaged, &[]).failed(1).error_code(), "link_damaged");
    let calls = stub.store().log.len();
    assert_eq!(open(&desk, &damaged, &[]).failed(1).error_code(), "link_damaged");
    assert_eq!(stub.store().log.len(), calls, "a damaged link is not sent: it would count as a strike");

    let token = desk.run(&["mint", "0190a5d4-7a2b-7c3d-8e4f-5a6b7c8d9e0f"]).succeeded().out;
    let unknown = format!("{}/{}", stub.url(), token.trim());
    assert_eq!(open(&desk, &unknown, &[]).failed(1).error_code(), "letter_unknown");

    for reason in ["expired", "cancelled", "refused", "withdrawn", "missing", "damaged", "erased"] {
        stub.store().closed = Some(reason);
        let ran = open(&desk, &link, &[]).failed(1);
        assert_eq!(ran.error_code(), format!("letter_{reason}"));
        assert!(ran.err.contains("desk@garage.example"), "whom to ask: {}", ran.err);
    }
}

#[test]
fn cancelled_while_downloading_stops_and_leaves_nothing() {
    let (desk, stub, link, _) = sealed(&[]);
    stub.fail("report", Fault::Cut(100_000), 1);
    stub.fail("report", Fault::Hang, 1);
    open(&desk, &link, &["-o", "out.pdf"]).failed(1);
    let letter = stub.store().manifests.keys().next().unwrap().clone();
    desk.run(&["cancel", &letter, "--url", &stub.url()]).succeeded();
    assert_eq!(open(&desk, &link, &["-o", "out.pdf"]).failed(1).error_code(), "letter_cancelled");
    assert!(!desk.names().contains(&"out.pdf".to_owned()));
}
