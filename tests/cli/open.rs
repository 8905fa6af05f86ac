//! The recipient on the command line: consent, resumption, verification, and never half a file.

use super::stub::{Fault, Stub};
use super::support::{Desk, Ran, keyring, report};

const LENGTH: usize = 300_000;
/// The stub's name, which tries to forge a line.
const SENDER: &str = "Garage Example\nSubject  Free money";

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
        assert_eq!((&opened["sender"], &opened["subject"]), (&SENDER.into(), &"Your inspection".into()));
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
    for character in ['\u{1b}', '\u{9b}', '\u{202e}'] {
        assert!(!ran.err.contains(character), "the terms cannot drive the terminal: {}", ran.err);
    }
    assert!(!ran.err.contains("\nSubject  Free"), "a name cannot forge a line: {}", ran.err);
    assert!(ran.out.is_empty(), "the envelope is no answer: {}", ran.out);
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
    // The second kind of damage is a power cut: the length is there, the first bytes never came to the disk.
    for (mode, bad) in [(&[][..], 5..6), (&["--end-to-end"], 0..65_536), (&["--end-to-end"], 4096..65_536)] {
        let (desk, stub, link, content) = sealed(mode);
        broken_off(&desk, &stub, &link);
        let mut part = desk.read(PART);
        part[bad].fill(0);
        desk.write(PART, &part);
        open(&desk, &link, &["-o", "out.pdf"]).succeeded();
        assert_eq!(desk.read("out.pdf"), content);
    }
}

const PART: &str = "out.pdf.waxseal-part";

/// An earlier run that got 100,000 bytes into the part.
fn broken_off(desk: &Desk, stub: &Stub, link: &str) {
    stub.fail("report", Fault::Cut(100_000), 1);
    stub.fail("report", Fault::Hang, 1);
    open(desk, link, &["-o", "out.pdf"]).failed(1);
    assert_eq!(desk.read(PART).len(), 100_000);
}

#[test]
#[cfg(unix)]
fn only_a_private_part_of_ones_own_is_continued() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
    let plants: [fn(&Desk); 3] = [
        |desk| std::fs::set_permissions(desk.path(PART), std::fs::Permissions::from_mode(0o666)).unwrap(),
        |desk| std::fs::hard_link(desk.path(PART), desk.path("other")).unwrap(),
        |desk| {
            std::fs::rename(desk.path(PART), desk.path("other")).unwrap();
            symlink(desk.path("other"), desk.path(PART)).unwrap();
        },
    ];
    for plant in plants {
        let (desk, stub, link, content) = sealed(&[]);
        broken_off(&desk, &stub, &link);
        plant(&desk);
        let before = stub.store().ranges.len();
        // Held open, so that its number is not given to the next file.
        let planted = std::fs::File::open(desk.path(PART)).unwrap();
        open(&desk, &link, &["-o", "out.pdf"]).succeeded();
        assert_eq!(desk.read("out.pdf"), content);
        assert_eq!(stub.store().ranges.len(), before, "nothing of the plant was taken for a part");
        let facts = std::fs::symlink_metadata(desk.path("out.pdf")).unwrap();
        assert!(facts.is_file() && facts.ino() != planted.metadata().unwrap().ino());
        assert_eq!(facts.mode() & 0o777, 0o600);
        if desk.path("other").exists() {
            assert_eq!(desk.read("other").len(), 100_000, "nothing was written through the other name");
        }
    }
}

/// The attack as it is: a folder like `/tmp`, and a file of another user where the part will be. Only root can
/// play two users.
#[test]
#[cfg(unix)]
fn the_letter_is_not_written_into_a_file_of_somebody_else() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;
    const NOBODY: u32 = 65_534;
    for (mode, name) in [(&[][..], PART), (&["--end-to-end"], "out.pdf.waxseal-open")] {
        let (desk, _stub, link, _) = sealed(mode);
        let planted = desk.write(name, b"");
        if std::fs::metadata(&planted).unwrap().uid() != 0 {
            println!("skipped: needs root");
            return;
        }
        std::fs::set_permissions(&planted, std::fs::Permissions::from_mode(0o666)).unwrap();
        std::fs::set_permissions(desk.path("."), std::fs::Permissions::from_mode(0o1777)).unwrap();
        let mut command = desk.command(&["open", &link, "--consent", "--json", "-o", "out.pdf"]);
        let Ok(output) = command.uid(NOBODY).gid(NOBODY).output() else {
            println!("skipped: another user cannot run the program where it lies");
            return;
        };
        let ran = Ran::from(output).failed(1);
        assert_eq!(ran.error_code(), "file_not_written", "{}", ran.err);
        assert!(desk.read(name).is_empty(), "no byte of the letter is in it");
        assert!(!desk.names().contains(&"out.pdf".to_owned()));
    }
}

#[test]
fn an_empty_letter_opens() {
    use waxseal::seal::{FragmentKey, Manifest, Mode, RECORD_SIZE, Sealer, Sha256Sum, edge_key};
    use waxseal::types::LetterId;
    // `seal` refuses an empty report; others may seal one, as docs/SEAL.md allows.
    for mode in [Mode::EdgeOpened, Mode::EndToEnd] {
        let (desk, stub, link, _) = sealed(if mode == Mode::EndToEnd { &["--end-to-end"] } else { &[] });
        let id = stub.store().manifests.keys().next().unwrap().clone();
        let letter: LetterId = id.parse().unwrap();
        let key = match link.split_once('#') {
            Some((_, key)) => key.parse::<FragmentKey>().unwrap().as_bytes().to_vec(),
            None => edge_key(keyring().active(), letter).to_vec(),
        };
        let mut body = Vec::new();
        Sealer::new(&key, [7; 16], RECORD_SIZE).unwrap().finish(&mut body).unwrap();
        let (mut manifest, _) = Manifest::open(&stub.store().manifests[&id], letter, &keyring()).unwrap();
        manifest.length = 0;
        manifest.sha256 = Sha256Sum(NOTHING);
        let sealed = manifest.encrypt(keyring().active(), [7; 12]).unwrap();
        stub.store().manifests.insert(id.clone(), sealed);
        stub.store().bodies.insert(id, body);
        open(&desk, &link, &["-o", "out.pdf"]).succeeded();
        assert!(desk.read("out.pdf").is_empty());
    }
}

/// SHA-256 of nothing.
const NOTHING: [u8; 32] = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27,
    0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

#[test]
fn a_closed_answer_counts_whatever_its_status() {
    for status in [200, 410, 422, 500, 503] {
        let (desk, stub, link, _) = sealed(&[]);
        let before = stub.store().log.len();
        stub.fail("GET /", Fault::Closed(status, "damaged"), 1);
        assert_eq!(open(&desk, &link, &[]).failed(1).error_code(), "letter_damaged");
        assert_eq!(stub.store().log.len(), before + 1, "status {status} is not tried again");

        stub.fail("/consent", Fault::Closed(status, "cancelled"), 1);
        assert_eq!(open(&desk, &link, &[]).failed(1).error_code(), "letter_cancelled", "status {status}");
        if status != 200 {
            stub.fail("/report", Fault::Closed(status, "damaged"), 1);
            assert_eq!(open(&desk, &link, &[]).failed(1).error_code(), "letter_damaged", "status {status}");
        }
    }
}

#[test]
fn an_edge_that_cannot_say_now_is_asked_again() {
    let (desk, stub, link, content) = sealed(&[]);
    stub.fail("GET /", Fault::Closed(503, "unavailable"), 1);
    stub.fail("/consent", Fault::Closed(429, "busy"), 1);
    stub.fail("/report", Fault::Closed(403, "busy"), 1);
    open(&desk, &link, &[]).succeeded();
    assert_eq!(desk.read("report.pdf"), content);
    stub.fail("GET /", Fault::Closed(429, "busy"), 2);
    assert_eq!(open(&desk, &link, &["--force"]).failed(1).error_code(), "edge_unavailable");
}

#[test]
fn a_proxy_gets_nothing_that_stays_on_this_machine() {
    let (desk, stub, link, content) = sealed(&[]);
    let proxy = Stub::start();
    let url = proxy.url();
    let desk = desk.with("http_proxy", &url).with("HTTP_PROXY", &url).with("all_proxy", &url);
    open(&desk, &link, &["-o", "out.pdf"]).succeeded();
    assert_eq!(desk.read("out.pdf"), content);
    let letter = stub.store().manifests.keys().next().unwrap().clone();
    desk.run(&["cancel", &letter, "--url", &stub.url()]).succeeded();
    // And the S3 client, whose endpoint nobody answers at.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let endpoint = format!("http://{free}");
    let desk = desk.with("AWS_ACCESS_KEY_ID", "a").with("AWS_SECRET_ACCESS_KEY", "b");
    let mut arguments =
        vec!["seal", "out.pdf", "--subject", "S", "--url", "https://letters.example", "--json"];
    arguments.extend(["--upload", "s3://letters", "--s3-endpoint", &endpoint, "--retries", "0"]);
    assert_eq!(desk.run(&arguments).failed(1).error_code(), "upload_unreachable");
    assert_eq!(proxy.store().log, Vec::<String>::new());
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
    let (desk, stub, link, content) = sealed(&["--end-to-end"]);
    let (plain, key) = link.split_once('#').unwrap();
    assert_eq!(open(&desk, plain, &[]).failed(1).error_code(), "key_missing");
    assert_eq!(open(&desk, &format!("{plain}#abc"), &[]).failed(1).error_code(), "key_malformed");
    let first = if key.starts_with('0') { '1' } else { '0' };
    let wrong = format!("{plain}#{first}{}", &key[1..]);
    let ran = open(&desk, &wrong, &[]).failed(1);
    assert_eq!(ran.error_code(), "key_wrong");
    assert!(!ran.err.contains(&key[1..]), "the key is not repeated");
    assert!(stub.store().consents.is_empty(), "found out before consent");
    // A letter that says nothing of its key: only its first bytes tell.
    stub.store().silent_on_keys = true;
    assert_eq!(open(&desk, &wrong, &[]).failed(1).error_code(), "key_wrong");
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

/// The template with each name in it replaced, the first that fits at each place. What was put in is not looked
/// at again: a random token may spell a name.
fn filled(mut template: &str, names: &[(&str, &str)]) -> String {
    let mut text = String::new();
    while let Some(first) = template.chars().next() {
        let found = names.iter().find(|(name, _)| template.starts_with(name));
        let (taken, value) =
            found.map_or((first.len_utf8(), None), |(name, value)| (name.len(), Some(*value)));
        let (head, tail) = template.split_at(taken);
        text.push_str(value.unwrap_or(head));
        template = tail;
    }
    text
}

/// The rows of `links.tsv` that somebody pastes, and that name the host as addresses do.
#[test]
fn a_link_is_found_in_whatever_was_pasted() {
    let (desk, stub, link, content) = sealed(&["--end-to-end"]);
    let (plain, key) = link.split_once('#').unwrap();
    let (url, token) = (stub.url(), plain.rsplit_once('/').unwrap().1);
    let rows = include_str!("../vectors/links.tsv").lines().filter(|row| !row.starts_with('#'));
    let mut counts = (0, 0);
    for row in rows {
        let [name, text, expected] = row.split('\t').collect::<Vec<_>>().try_into().unwrap();
        let Some(text) = text.strip_prefix("paste:") else { continue };
        let other = if token.as_bytes()[39] == b'0' { "1" } else { "0" };
        let encoded = url.replace(':', "%3A").replace('/', "%2F");
        let host = url.split_once("://").unwrap().1;
        let text = filled(
            text,
            &[
                ("\\n", "\n"),
                ("\\r", "\r"),
                ("https://HOST", &url),
                ("HTTPS://HOST", &url.to_uppercase()),
                ("https%3A%2F%2FHOST", &encoded),
                ("https%3a%2f%2fHOST", &encoded),
                ("https%253A%252F%252FHOST", &encoded.replace('%', "%25")),
                ("CHANGED", &format!("{}{other}{}", &token[..39], &token[40..])),
                ("FOREIGN", "04103455thx2pz1xhs7nmtvwhpf0zx46aw0dx6t34850vvtegbdcjehe0ecksq5jng"),
                ("HALF", &key[..13]),
                ("REST", &key[13..]),
                ("DASHES", &"-".repeat(480)),
                ("UPPER", &token.to_uppercase()),
                ("TOKEN", token),
                ("TOK", &token[..30]),
                ("EN", &token[30..]),
                ("KEY", key),
                ("HOST", host),
            ],
        );
        let said = desk.run(&["inspect", &text, "--json"]);
        match expected {
            "silent" => assert_ne!(said.code, 0, "{name}: {text}"),
            _ => {
                let said = said.succeeded().json();
                assert_eq!(said["fragment"], expected == "open+key", "{name}");
                assert!(said["clean"] == token || said["clean"].is_null(), "{name}");
                counts.0 += 1;
            }
        }
        // What names no address needs to be told one, and one in capitals or of a wrapping service stays what it is.
        if expected == "open+key" && !text.contains("mimecast") {
            let file = format!("{}.pdf", counts.1);
            let ran = desk.run_with_input(
                &["open", "-", "--consent", "--json", "-o", &file, "--url", &url],
                text.as_bytes(),
            );
            assert_eq!(ran.code, 0, "{name}: {text}: {}", ran.err);
            assert_eq!(desk.read(&file), content, "{name}");
            counts.1 += 1;
        }
    }
    assert!(counts.0 >= 35 && counts.1 >= 25, "{counts:?}");
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
    let damaged = link[..link.len() - 1].to_owned();
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
