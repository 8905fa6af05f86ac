//! The files of a run, its journal and its answers: one run holds them at a time, and what a crash or a full disk left of them is good.

use super::bulk::{FOUR, JOURNAL, answers, bulk, desk, links};
use super::stub::{Fault, Stub};
use super::support::Ran;

#[test]
fn a_file_of_answers_has_each_letter_once_however_often_it_is_run() {
    let table =
        "file,subject,customer\nreports/a.txt,A,Zoë\nreports/b.txt,B,\nreports/c.txt,C,\nreports/d.txt,D,\n";
    let (desk, stub) = (desk(table), Stub::start());
    let first = bulk(&desk, &stub, &["--output", "links.jsonl"]).succeeded();
    assert!(first.out.is_empty());
    let whole = desk.read("links.jsonl");
    let said = answers(std::str::from_utf8(&whole).unwrap());
    assert_eq!(said.len(), 4);
    #[cfg(unix)]
    for name in ["links.jsonl", JOURNAL] {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(desk.path(name)).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
    }
    let within = whole.iter().position(|byte| !byte.is_ascii()).unwrap() + 1;
    for cut in [0, 1, whole.len() / 2, within, whole.len() - 1, whole.len()] {
        std::fs::write(desk.path("links.jsonl"), &whole[..cut]).unwrap();
        bulk(&desk, &stub, &["--output", "links.jsonl"]).succeeded();
        let again = desk.read("links.jsonl");
        assert_eq!(links(&answers(std::str::from_utf8(&again).unwrap())), links(&said), "cut at {cut}");
    }
    // What is not of this run is left alone.
    for other in ["hello\n", "{\"letter\":\"0190a5d4-7a2b-7c3d-8e4f-5a6b7c8d9e0f\"}\n"] {
        std::fs::write(desk.path("links.jsonl"), other).unwrap();
        let ran = bulk(&desk, &stub, &["--output", "links.jsonl", "--json"]).failed(2);
        assert_eq!((ran.error_code().as_str(), desk.read("links.jsonl")), ("output_foreign", other.into()));
    }
}

#[test]
fn a_journal_that_cannot_be_this_runs_is_refused() {
    let (desk, stub) = (desk(FOUR), Stub::start());
    bulk(&desk, &stub, &[]).succeeded();
    let journal = String::from_utf8(desk.read(JOURNAL)).unwrap();
    let other = Stub::start();
    let ran = bulk(&desk, &other, &["--json"]).failed(2);
    assert_eq!((ran.error_code().as_str(), other.count("letters")), ("journal_elsewhere", 0));
    for (damaged, at) in [
        (format!("x{journal}"), 1),
        (journal.replace("\"kid\"", "\"kit\""), 2),
        (journal.lines().skip(1).map(|line| format!("{line}\n")).collect(), 1),
    ] {
        std::fs::write(desk.path(JOURNAL), &damaged).unwrap();
        let ran = bulk(&desk, &stub, &["--json"]).failed(1);
        assert_eq!(ran.error_code(), "journal_damaged");
        assert!(ran.err.contains(&format!("at line {at}:")), "{}", ran.err);
        assert_eq!(desk.read(JOURNAL), damaged.as_bytes());
    }
    // Of a beginning that never was nothing had begun.
    std::fs::write(desk.path(JOURNAL), "{\"run\":{\"ver").unwrap();
    bulk(&desk, &stub, &[]).succeeded();
    assert_eq!(stub.store().manifests.len(), 8);
    #[cfg(unix)]
    {
        let file = std::fs::File::open(desk.path(JOURNAL)).unwrap();
        file.lock().unwrap();
        assert_eq!(bulk(&desk, &stub, &["--json"]).failed(1).error_code(), "journal_in_use");
    }
}

#[test]
fn of_two_runs_that_begin_together_one_seals() {
    let (desk, stub) = (desk(FOUR), Stub::start());
    // It is asked for the time zone before the first letter is begun.
    stub.fail("GET /api/v1/site", Fault::Gate, 1);
    let url = stub.url();
    let arguments = ["seal", "--from", "letters.csv", "--url", &url, "--expires", "2030-05-01"];
    let first = desk.command(&arguments).spawn().unwrap();
    stub.gate.wait();
    let second = desk.run(&[&arguments[..], &["--json"]].concat());
    stub.gate.wait();
    Ran::from(first.wait_with_output().unwrap()).succeeded();
    assert_eq!((second.failed(1).error_code().as_str(), stub.store().manifests.len()), ("journal_in_use", 4));
}

/// A limit on the size of files is a disk that is full.
#[cfg(unix)]
#[test]
fn after_a_full_disk_the_same_command_goes_on() {
    let (desk, stub) = (desk(FOUR), Stub::start());
    let url = stub.url();
    let mut command = std::process::Command::new("/bin/sh");
    let small = desk.command(&["seal", "--from", "letters.csv", "--url", &url, "--output", "links.jsonl"]);
    command.args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$@\"", "sh"]);
    command.arg(small.get_program()).args(small.get_args());
    command.env_clear().envs(small.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let full = Ran::from(command.current_dir(desk.path("")).output().unwrap()).failed(1);
    for name in ["links.jsonl", JOURNAL] {
        let there = std::fs::read(desk.path(name)).unwrap_or_default();
        assert!(there.is_empty() || there.ends_with(b"\n"), "{name}: whole lines: {}", full.err);
    }
    bulk(&desk, &stub, &["--output", "links.jsonl"]).succeeded();
    assert_eq!(answers(std::str::from_utf8(&desk.read("links.jsonl")).unwrap()).len(), 4);
    assert_eq!(stub.store().manifests.len(), 4);
}
