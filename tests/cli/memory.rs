//! A large report through the command line, both ways and both modes, with the high-water mark of its memory. Run by
//! `scripts/test`; in a soak (`WAXSEAL_SOAK`) it is a gigabyte.

#![cfg(target_os = "linux")]

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::json;
use waxseal::seal::{Manifest, Mode};
use waxseal::token::Token;

use crate::s3_server::Server;
use crate::support::{Desk, Ran, keyring, report};

/// What the command line may use, in kB as the kernel counts.
const LIMIT: u64 = 64 * 1024;
const PART: u64 = 8 * 1024 * 1024;

fn length() -> u64 {
    if std::env::var_os("WAXSEAL_SOAK").is_some() { 1_000_000_000 } else { 200_000_000 }
}

/// The report, made as it is read: no block like another.
struct Pattern {
    block: Vec<u8>,
    at: u64,
    end: u64,
}

impl Pattern {
    fn new(end: u64) -> Self {
        Self { block: report(1 << 20), at: 0, end }
    }
}

impl Read for Pattern {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let size = self.block.len() as u64;
        let within = (self.at % size) as usize;
        if within == 0 {
            self.block[..8].copy_from_slice(&self.at.to_le_bytes());
        }
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let count = out.len().min(self.block.len() - within).min(left);
        out[..count].copy_from_slice(&self.block[within..within + count]);
        self.at += count as u64;
        Ok(count)
    }
}

/// An edge that keeps bodies on disk and streams them: as little of it as this test needs.
struct Edge {
    url: String,
    manifests: Arc<Mutex<HashMap<String, Vec<u8>>>>,
}

impl Edge {
    fn start(folder: PathBuf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let manifests = Arc::new(Mutex::new(HashMap::new()));
        let shared = manifests.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (folder, shared) = (folder.clone(), shared.clone());
                std::thread::spawn(move || drop(serve(&stream, &folder, &shared)));
            }
        });
        Self { url, manifests }
    }
}

fn serve(
    mut stream: &TcpStream,
    folder: &std::path::Path,
    manifests: &Mutex<HashMap<String, Vec<u8>>>,
) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        reader.read_line(&mut head)?;
    }
    let length = head
        .lines()
        .find_map(|line| {
            line.to_ascii_lowercase().strip_prefix("content-length:").map(|v| v.trim().parse().unwrap())
        })
        .unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let line = head.lines().next().unwrap().to_owned();
    let mut words = line.split(' ');
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    let segments: Vec<_> = path.trim_start_matches('/').split('/').collect();
    let (status, extra, answer) = match (method, segments.as_slice()) {
        ("POST", ["api", .., "uploads"]) => (201, "", json!({ "upload": "1" })),
        ("PUT", ["api", "v1", "letters", id, "uploads", _, part]) => {
            let file = File::options().create(true).write(true).truncate(false).open(folder.join(id))?;
            file.write_all_at(&body, (part.parse::<u64>().unwrap() - 1) * PART)?;
            (200, "", json!({ "etag": part }))
        }
        ("POST", ["api", "v1", "letters", id, .., "complete"]) => {
            let size = File::open(folder.join(id))?.metadata()?.len();
            (201, "", json!({ "etag": "\"b\"", "size": size }))
        }
        ("PUT", ["api", "v1", "letters", id, "manifest"]) => {
            manifests.lock().unwrap().insert((*id).to_owned(), body);
            (201, "", json!({ "letter": id, "new": true }))
        }
        ("GET", ["api", "v1", "letters", id]) if manifests.lock().unwrap().contains_key(*id) => {
            (200, "", json!({ "letter": id }))
        }
        ("GET", [token, rest @ ..]) if *token != "api" => {
            let id = Token::parse(token).unwrap().letter();
            let object = manifests.lock().unwrap()[&id.to_string()].clone();
            let (manifest, _) = Manifest::open(&object, id, &keyring()).unwrap();
            if !rest.is_empty() {
                return stream_report(stream, &manifest, &folder.join(id.to_string()));
            }
            (200, "", letter_json(&manifest))
        }
        _ => (404, "", json!({ "code": "no_such_letter" })),
    };
    let answer = answer.to_string();
    write!(
        stream,
        "HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {}\r\n{extra}\r\n{answer}",
        answer.len()
    )
}

fn letter_json(manifest: &Manifest) -> serde_json::Value {
    json!({
        "state": "letter",
        "letter": {
            "mode": manifest.mode.as_str(), "media_type": manifest.media_type, "file_name": manifest.file_name,
            "length": manifest.length, "body_length": manifest.framing().unwrap().body_length(),
            "record_size": manifest.record_size, "sha256": manifest.sha256.to_string(), "etag": "\"e\"",
        },
    })
}

fn stream_report(mut stream: &TcpStream, manifest: &Manifest, body: &std::path::Path) -> io::Result<()> {
    let (length, mut content): (u64, Box<dyn Read>) = match manifest.mode {
        Mode::EndToEnd => (manifest.framing().unwrap().body_length(), Box::new(File::open(body)?)),
        Mode::EdgeOpened => (manifest.length, Box::new(Pattern::new(manifest.length))),
    };
    write!(stream, "HTTP/1.1 200 X\r\nConnection: close\r\nETag: \"e\"\r\nContent-Length: {length}\r\n\r\n")?;
    io::copy(&mut content, &mut stream).map(drop)
}

/// Waits for the program and answers its high-water mark in kB. The mark only grows, so the last look before
/// the end is the figure.
fn peak(mut child: Child) -> (Ran, u64) {
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    while child.try_wait().unwrap().is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let mark = text
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
        most = mark.unwrap_or(0).max(most);
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    (child.wait_with_output().unwrap().into(), most)
}

/// Seals from standard input and answers link and peak.
fn seal(desk: &Desk, more: &[&str]) -> (String, u64) {
    let mut arguments = vec!["seal", "-", "--name", "report.bin", "--subject", "S", "--json"];
    arguments.extend(more);
    let mut child = desk.command(&arguments).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || io::copy(&mut Pattern::new(length()), &mut stdin).map(drop));
    let (ran, most) = peak(child);
    writer.join().unwrap().unwrap();
    (ran.succeeded().json()["link"].as_str().unwrap().to_owned(), most)
}

#[test]
#[ignore = "moves much; scripts/test runs it"]
fn a_large_report_needs_less_than_64_mib_through_the_edge() {
    let folder = tempfile::tempdir().unwrap();
    let edge = Edge::start(folder.path().to_owned());
    let desk = Desk::new().with("WAXSEAL_URL", &edge.url);
    for mode in [None, Some("--end-to-end")] {
        let (link, sealing) = seal(&desk, mode.as_slice());
        let child = desk.command(&["open", &link, "--json", "-o", "report.bin"]).spawn().unwrap();
        let (opened, opening) = peak(child);
        assert_eq!(opened.succeeded().json()["length"], length());
        println!("{} bytes, {mode:?}: sealed with {sealing} kB, opened with {opening} kB", length());
        assert!(sealing < LIMIT && opening < LIMIT, "{mode:?}: {sealing} kB to seal, {opening} kB to open");
        assert_eq!(std::fs::metadata(desk.path("report.bin")).unwrap().len(), length());
        std::fs::remove_file(desk.path("report.bin")).unwrap();
        for entry in std::fs::read_dir(folder.path()).unwrap().flatten() {
            std::fs::remove_file(entry.path()).unwrap();
        }
        edge.manifests.lock().unwrap().clear();
    }
}

#[test]
#[ignore = "moves much; scripts/test runs it, with an S3 server"]
fn a_large_report_needs_less_than_64_mib_into_a_bucket() {
    let server = Server::start();
    let desk = server.desk();
    let (_, sealing) = seal(&desk, &["--upload", "s3://letters"]);
    println!("{} bytes: sealed into S3 with {sealing} kB", length());
    assert!(sealing < LIMIT, "{sealing} kB");
}
