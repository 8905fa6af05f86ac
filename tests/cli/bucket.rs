//! A bucket that misbehaves: clocks that differ, conflicts, no answer at all. A socket of this machine plays it.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use super::support::{Desk, Ran};

/// A request's line and the answer's status, headers and body; `None` holds the connection and says nothing.
type Answer = Option<(u16, String, String)>;

struct Bucket {
    address: SocketAddr,
    log: Arc<Mutex<Vec<String>>>,
}

#[derive(Default)]
struct Held {
    objects: HashMap<String, Vec<u8>>,
    /// Connections that get no answer stay open, or the client would notice.
    open: Vec<TcpStream>,
}

fn plain(status: u16) -> Answer {
    Some((status, String::new(), String::new()))
}

fn refusal(status: u16, code: &str) -> Answer {
    Some((status, String::new(), format!("<Error><Code>{code}</Code><Message>no</Message></Error>")))
}

impl Bucket {
    /// `fault` answers a request, by its line and how often that line was seen before, or leaves it to the bucket.
    fn start(fault: impl Fn(&str, usize) -> Option<Answer> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (noted, held, fault) = (log.clone(), Arc::new(Mutex::new(Held::default())), Arc::new(fault));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (noted, held, fault) = (noted.clone(), held.clone(), fault.clone());
                std::thread::spawn(move || serve(stream, &noted, &held, &*fault));
            }
        });
        Self { address, log }
    }

    fn seal(&self, more: &[&str], variables: &[(&str, &str)]) -> Ran {
        let mut desk = Desk::new()
            .with("AWS_ACCESS_KEY_ID", "tester")
            .with("AWS_SECRET_ACCESS_KEY", "a-secret-for-tests")
            .with("AWS_ENDPOINT_URL_S3", &format!("http://{}", self.address))
            .with("WAXSEAL_URL", "https://letters.example");
        for (name, value) in variables {
            desk = desk.with(name, value);
        }
        desk.write("report.pdf", &super::support::report(5_000));
        let base = ["seal", "report.pdf", "--subject", "S", "--upload", "s3://letters", "--json"];
        desk.run(&[&base, more].concat())
    }

    fn count(&self, what: &str) -> usize {
        self.log.lock().unwrap().iter().filter(|line| line.contains(what)).count()
    }
}

fn serve(
    stream: TcpStream,
    log: &Mutex<Vec<String>>,
    held: &Mutex<Held>,
    fault: &(dyn Fn(&str, usize) -> Option<Answer> + Send + Sync),
) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    reader.read_line(&mut line).unwrap_or_default();
    let (mut length, mut create) = (0, false);
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header).unwrap_or_default() == 0 || header.trim().is_empty() {
            break;
        }
        let (name, value) = header.trim().split_once(':').unwrap_or_default();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap(),
            "if-none-match" => create = true,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    if reader.read_exact(&mut body).is_err() {
        return;
    }
    let mut words = line.split_whitespace();
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let request = format!("{method} {path}");
    let before = {
        let mut log = log.lock().unwrap();
        log.push(request.clone());
        log.iter().filter(|line| **line == request).count() - 1
    };
    let mut held = held.lock().unwrap();
    let answer = match fault(&request, before) {
        Some(answer) => answer,
        None => match (method, held.objects.get(path)) {
            ("PUT", Some(_)) if create => refusal(412, "PreconditionFailed"),
            ("PUT", _) => {
                held.objects.insert(path.to_owned(), body);
                plain(200)
            }
            ("DELETE", _) => {
                held.objects.remove(path);
                plain(204)
            }
            (_, None) => refusal(404, "NoSuchKey"),
            ("HEAD", Some(object)) => {
                Some((200, format!("Content-Length: {}\r\n", object.len()), String::new()))
            }
            (_, Some(object)) => {
                let head = format!("HTTP/1.1 200 X\r\n{COMMON}Content-Length: {}\r\n\r\n", object.len());
                let object = object.clone();
                let mut stream = stream;
                let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&object));
                return;
            }
        },
    };
    let Some((status, headers, text)) = answer else {
        held.open.push(stream);
        return;
    };
    drop(held);
    // An answer to HEAD has no body; its length is the object's.
    let length = match headers.contains("Content-Length") {
        true => String::new(),
        false => format!("Content-Length: {}\r\n", text.len()),
    };
    let body = if method == "HEAD" { "" } else { &text };
    let mut stream = stream;
    let _ =
        stream.write_all(format!("HTTP/1.1 {status} X\r\n{COMMON}{headers}{length}\r\n{body}").as_bytes());
}

const COMMON: &str = "Connection: close\r\nETag: \"e\"\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n";

#[test]
fn a_bucket_takes_body_then_manifest() {
    let bucket = Bucket::start(|_, _| None);
    bucket.seal(&[], &[]).succeeded();
    assert_eq!((bucket.count("/body"), bucket.count("/manifest")), (2, 3));
}

#[test]
fn a_clock_that_is_wrong_is_named_with_both_times() {
    let date = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
    // The first request is a HEAD, whose answer has no words; a GET's has.
    for answer in [
        (403, date.to_owned(), String::new()),
        (403, date.to_owned(), "<Error><Code>RequestTimeTooSkewed</Code></Error>".to_owned()),
    ] {
        let bucket = Bucket::start(move |_, _| Some(Some(answer.clone())));
        let ran = bucket.seal(&[], &[]).failed(1);
        assert_eq!(ran.error_code(), "upload_clock_skew");
        assert!(ran.err.contains("the server's 1994-11-06 08:49:37 UTC"), "{}", ran.err);
        assert!(ran.err.contains("this machine's says 2") && ran.err.contains("timedatectl"), "{}", ran.err);
        assert!(ran.out.is_empty());
    }
    // Without a date, or with the right one, a refusal is about the credentials.
    let bucket = Bucket::start(|_, _| Some(refusal(403, "SignatureDoesNotMatch")));
    assert_eq!(bucket.seal(&[], &[]).failed(1).error_code(), "upload_credentials");
    // A date alone does not fail what goes well.
    let bucket = Bucket::start(move |request, _| {
        let head = request.starts_with("HEAD") && request.ends_with("/manifest");
        head.then(|| Some((404, date.to_owned(), String::new())))
    });
    bucket.seal(&[], &[]).succeeded();
}

#[test]
fn a_conflict_is_tried_again_and_is_no_letter_that_exists() {
    for what in ["/body", "/manifest"] {
        let bucket = Bucket::start(move |request, before| {
            let hit = request.starts_with("PUT") && request.ends_with(what) && before < 2;
            hit.then(|| refusal(409, "ConditionalRequestConflict"))
        });
        bucket.seal(&["--retries", "2"], &[]).succeeded();
        assert_eq!(
            bucket.log.lock().unwrap().iter().filter(|l| l.starts_with("PUT") && l.ends_with(what)).count(),
            3
        );
    }
    let bucket = Bucket::start(|request, _| {
        (request.starts_with("PUT") && request.ends_with("/body")).then(|| refusal(409, "OperationAborted"))
    });
    let ran = bucket.seal(&["--retries", "1"], &[]).failed(1);
    assert_eq!(ran.error_code(), "upload_conflict");
    assert!(ran.err.contains("409 to the body 2 times (OperationAborted)"), "{}", ran.err);
    assert!(ran.out.is_empty());
    assert_eq!(bucket.count("PUT /letters/letters/"), 2);
}

#[test]
fn a_bucket_that_says_nothing_is_given_up() {
    let bucket = Bucket::start(|_, _| Some(None));
    let ran = bucket.seal(&["--retries", "9"], &[("WAXSEAL_TIMEOUT", "1")]).failed(1);
    assert_eq!(ran.error_code(), "upload_hangs");
    assert!(
        ran.err.contains("did not answer within 1 s: the question whether the letter exists"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("WAXSEAL_TIMEOUT=5") && ran.out.is_empty(), "{}", ran.err);
    assert_eq!(bucket.count(""), 2, "tried once more, and no more");

    // Half way through: the bytes are named, and what was begun is taken back as far as it goes.
    let bucket = Bucket::start(|request, _| request.starts_with("PUT").then_some(None));
    let ran = bucket.seal(&["--retries", "9"], &[("WAXSEAL_TIMEOUT", "1")]).failed(1);
    assert_eq!(ran.error_code(), "upload_hangs");
    assert!(ran.err.contains("s: the body, 5") && ran.out.is_empty(), "{}", ran.err);
    assert_eq!(bucket.count("delete"), 1);

    // Once is nothing.
    let bucket = Bucket::start(|request, before| {
        (request.starts_with("PUT") && request.ends_with("/body") && before == 0).then_some(None)
    });
    bucket.seal(&["--retries", "9"], &[("WAXSEAL_TIMEOUT", "1")]).succeeded();
}
