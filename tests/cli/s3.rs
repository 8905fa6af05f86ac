//! Sealing into a real S3 server that checks every signature (SigV4). Run by `scripts/test` with
//! `WAXSEAL_S3_SERVER` naming the server's program, `s3s-fs`.

#[cfg(unix)]
use std::process::{Command, Stdio};

use waxseal::seal::{FragmentKey, Manifest, Opener, edge_key};
use waxseal::types::LetterId;

use crate::s3_server::Server;
use crate::support::{Desk, Ran, keyring, report};

const LARGE: usize = 40_000_000;

fn seal(desk: &Desk, more: &[&str]) -> Ran {
    let mut arguments =
        vec!["seal", "report.pdf", "--subject", "Your inspection", "--upload", "s3://letters", "--json"];
    arguments.extend(more);
    desk.run(&arguments)
}

#[test]
#[ignore = "needs an S3 server; scripts/test installs one and names it in WAXSEAL_S3_SERVER"]
fn letters_of_both_modes_and_sizes_read_back() {
    let server = Server::start();
    let desk = server.desk();
    for (length, mode) in
        [(100_000, None), (100_000, Some("--end-to-end")), (LARGE, None), (LARGE, Some("--end-to-end"))]
    {
        let content = report(length);
        desk.write("report.pdf", &content);
        let sealed = seal(&desk, mode.as_slice()).succeeded().json();
        let id = sealed["letter"].as_str().unwrap();
        let letter: LetterId = id.parse().unwrap();
        let body = std::fs::read(server.object(id, "body")).unwrap();
        let (manifest, _) =
            Manifest::open(&std::fs::read(server.object(id, "manifest")).unwrap(), letter, &keyring())
                .unwrap();
        manifest.check_body(body.len() as u64).unwrap();
        let key = match sealed["link"].as_str().unwrap().split_once('#') {
            Some((_, fragment)) => fragment.parse::<FragmentKey>().unwrap().as_bytes().to_vec(),
            None => edge_key(keyring().active(), letter).to_vec(),
        };
        let mut check = manifest.plaintext_check();
        let (mut opener, mut plain) = (Opener::new(&key, manifest.framing().unwrap()), Vec::new());
        opener.push(&body, &mut plain).unwrap();
        opener.finish(&mut plain).unwrap();
        check.update(&plain).unwrap();
        check.finish().unwrap();
        assert_eq!(plain, content);
    }
}

#[test]
#[ignore = "needs an S3 server; scripts/test installs one and names it in WAXSEAL_S3_SERVER"]
fn an_existing_letter_is_not_touched() {
    let server = Server::start();
    let desk = server.desk();
    let id = "0190a5d4-7a2b-7c3d-8e4f-5a6b7c8d9e0f";
    desk.write("report.pdf", &report(5000));
    seal(&desk, &["--id", id]).succeeded();
    let before = std::fs::read(server.object(id, "body")).unwrap();
    assert_eq!(seal(&desk, &["--id", id]).failed(1).error_code(), "letter_exists");
    assert_eq!(std::fs::read(server.object(id, "body")).unwrap(), before);
}

#[test]
#[ignore = "needs an S3 server; scripts/test installs one and names it in WAXSEAL_S3_SERVER"]
fn a_wrong_secret_fails_clearly_and_leaves_nothing() {
    let server = Server::start();
    let desk = server.desk().with("AWS_SECRET_ACCESS_KEY", "another-secret");
    desk.write("report.pdf", &report(5000));
    let ran = seal(&desk, &[]).failed(1);
    assert_eq!(ran.error_code(), "upload_credentials");
    assert!(ran.out.is_empty() && !ran.err.contains("another-secret"), "{}", ran.err);
    assert!(server.leftovers().is_empty(), "{:?}", server.leftovers());
}

#[test]
#[cfg(unix)]
#[ignore = "needs an S3 server; scripts/test installs one and names it in WAXSEAL_S3_SERVER"]
fn an_interrupted_upload_leaves_nothing() {
    use std::io::Write;
    let server = Server::start();
    let desk = server.desk();
    let mut child = desk
        .command(&[
            "seal",
            "-",
            "--name",
            "report.bin",
            "--subject",
            "S",
            "--upload",
            "s3://letters",
            "--json",
        ])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&report(LARGE)).unwrap();
    // So much was taken in that parts must be on their way; the end of the report never comes.
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let ran: Ran = child.wait_with_output().unwrap().into();
    let ran = ran.failed(130);
    assert!(ran.out.is_empty());
    assert!(server.leftovers().is_empty(), "{:?}", server.leftovers());
    drop(stdin);
}

#[test]
#[cfg(unix)]
#[ignore = "needs an S3 server; scripts/test installs one and names it in WAXSEAL_S3_SERVER"]
fn a_killed_upload_leaves_no_manifest() {
    use std::io::Write;
    let server = Server::start();
    let desk = server.desk();
    let mut child = desk
        .command(&[
            "seal",
            "-",
            "--name",
            "report.bin",
            "--subject",
            "S",
            "--upload",
            "s3://letters",
            "--json",
        ])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&report(LARGE)).unwrap();
    child.kill().unwrap();
    let ran: Ran = child.wait_with_output().unwrap().into();
    assert!(ran.out.is_empty(), "no link: {}", ran.out);
    let manifests = server.leftovers().into_iter().filter(|path| path.ends_with("manifest")).count();
    assert_eq!(manifests, 0);
    drop(stdin);
}

#[test]
#[ignore = "needs an S3 server; scripts/test installs one and names it in WAXSEAL_S3_SERVER"]
fn a_server_that_dies_is_given_up_without_a_link() {
    let mut server = Server::start();
    let desk = server.desk();
    desk.write("report.pdf", &report(5000));
    server.process.kill().unwrap();
    server.process.wait().unwrap();
    let ran = seal(&desk, &["--retries", "2"]).failed(1);
    assert_eq!(ran.error_code(), "upload_unreachable");
    assert!(ran.out.is_empty());
}
