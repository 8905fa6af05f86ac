//! An edge in two hundred lines that speaks the contract of the API and of a letter's routes, and fails
//! where a test tells it to. One request to a connection; the letters are opened with the library.

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Barrier, Mutex, MutexGuard};

use serde_json::{Value, json};
use waxseal::seal::{Manifest, Mode, Opener, RangeAnswer, answer_range, edge_key};
use waxseal::token::{Class, classify};
use waxseal::types::{LetterId, UnixSeconds};

use super::support::keyring;

/// What goes wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// This status instead of the answer.
    Status(u16),
    /// This status, and in JSON that the letter is closed for this reason.
    Closed(u16, &'static str),
    /// A problem of this code, with these words.
    Problem(u16, &'static str, &'static str),
    /// The answer waits until the test has waited twice at the gate: once for the request, once to let it go on.
    Gate,
    /// The answer takes so many seconds.
    Slow(u64),
    /// The connection ends before the request is looked at.
    Hang,
    /// The request is carried out, its answer is lost.
    Lost,
    /// The answer's body stops after so many bytes.
    Cut(usize),
    /// One bit of the body is another.
    Flip(usize),
}

/// Everything the edge holds.
#[derive(Default)]
pub(crate) struct Store {
    pub(crate) bodies: HashMap<String, Vec<u8>>,
    pub(crate) manifests: HashMap<String, Vec<u8>>,
    pub(crate) uploads: HashMap<String, BTreeMap<usize, Vec<u8>>>,
    pub(crate) cancelled: Vec<String>,
    pub(crate) closed: Option<&'static str>,
    pub(crate) consents: Vec<String>,
    /// As for letters that were sealed without `key_check`.
    pub(crate) silent_on_keys: bool,
    /// So many bytes of each body are lost.
    pub(crate) lost: usize,
    /// `METHOD /path`, in order.
    pub(crate) log: Vec<String>,
    /// Ranges asked for.
    pub(crate) ranges: Vec<String>,
    /// How the guard judges, for a key that may know.
    pub(crate) profile: Option<&'static str>,
    /// So many seconds its clock is ahead.
    pub(crate) ahead: u64,
    faults: Vec<(String, Fault, usize)>,
}

pub(crate) struct Stub {
    address: SocketAddr,
    store: Arc<Mutex<Store>>,
    pub(crate) gate: Arc<Barrier>,
}

struct Request {
    method: String,
    path: String,
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

fn reply(status: u16, value: &Value) -> Reply {
    Reply {
        status,
        headers: vec![("Content-Type", "application/json".into())],
        body: value.to_string().into(),
    }
}

fn problem(status: u16, code: &str, detail: &str) -> Reply {
    reply(status, &json!({ "code": code, "detail": detail, "status": status }))
}

impl Stub {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let store = Arc::new(Mutex::new(Store::default()));
        let gate = Arc::new(Barrier::new(2));
        let shared = (store.clone(), gate.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (store, gate) = shared.clone();
                std::thread::spawn(move || serve(stream, &store, &gate));
            }
        });
        Self { address, store, gate }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap()
    }

    /// From now on the next `times` requests whose `METHOD /path` contains `what` fail.
    pub(crate) fn fail(&self, what: &str, fault: Fault, times: usize) {
        self.store().faults.push((what.to_owned(), fault, times));
    }

    /// How many requests contained this.
    pub(crate) fn count(&self, what: &str) -> usize {
        self.store().log.iter().filter(|line| line.contains(what)).count()
    }
}

fn serve(mut stream: TcpStream, store: &Mutex<Store>, gate: &Barrier) {
    let Some(request) = read(&stream) else { return };
    let line = format!("{} {}", request.method, request.path);
    let mut held = store.lock().unwrap();
    held.log.push(line.clone());
    if let Some(range) = request.headers.get("range") {
        held.ranges.push(range.clone());
    }
    let fault = held.faults.iter_mut().find(|(what, _, times)| *times > 0 && line.contains(what.as_str()));
    let fault = fault.map(|(_, fault, times)| {
        *times -= 1;
        *fault
    });
    let mut reply = match fault {
        Some(Fault::Hang) => return,
        Some(Fault::Status(status)) => problem(status, "fault", "told to fail"),
        Some(Fault::Closed(status, reason)) => closed(status, reason),
        Some(Fault::Problem(status, code, detail)) => problem(status, code, detail),
        _ => answer(&mut held, &request),
    };
    drop(held);
    let whole = reply.body.len();
    match fault {
        Some(Fault::Lost) => return,
        Some(Fault::Slow(seconds)) => std::thread::sleep(std::time::Duration::from_secs(seconds)),
        Some(Fault::Gate) => {
            gate.wait();
            gate.wait();
        }
        Some(Fault::Cut(at)) => reply.body.truncate(at),
        Some(Fault::Flip(at)) => reply.body[at] ^= 1,
        _ => {}
    }
    let mut head = format!("HTTP/1.1 {} X\r\nContent-Length: {whole}\r\nConnection: close\r\n", reply.status);
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&reply.body));
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|v| v.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request { method, path, headers, body })
}

fn sender() -> Value {
    // A name of two lines, the second one made up.
    json!({ "name": "Garage Example\nSubject  Free money", "contact": { "email": "desk@garage.example" } })
}

fn closed(status: u16, reason: &str) -> Reply {
    reply(status, &json!({ "state": "closed", "closed": reason, "sender": sender() }))
}

fn silent() -> Reply {
    Reply { status: 404, headers: vec![("Content-Type", "text/html".into())], body: b"Not found".to_vec() }
}

#[allow(clippy::disallowed_methods, reason = "a server says what time it is")]
fn answer(store: &mut Store, request: &Request) -> Reply {
    let segments: Vec<&str> = request.path.trim_start_matches('/').split('/').collect();
    match segments.as_slice() {
        ["robots.txt"] => {
            let at = std::time::SystemTime::now() + std::time::Duration::from_secs(store.ahead);
            let date =
                jiff::Timestamp::try_from(at).unwrap().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
            let body = b"User-agent: *\nDisallow: /\n".to_vec();
            Reply { status: 200, headers: vec![("Date", date)], body }
        }
        ["api", "v1", "guard"] => match store.profile {
            None => problem(403, "scope", "this key may not"),
            Some(profile) => reply(
                200,
                &json!({
                    "at": 0, "generation": 1, "base": 1, "made_at": 0, "profile": profile, "rules": null, "refused": null, "merged": 0,
                    "dropped": 0, "dry_run": [], "day_ends_at": 0, "sentinels": [], "isolate": { "generation": 1, "profile": null },
                }),
            ),
        },
        ["api", "v1", "site"] => reply(
            200,
            &json!({ "name": "Garage Example", "time_zone": "Europe/Amsterdam", "accent": "#7a1f2b", "language": "en", "version": "0.1.0" }),
        ),
        ["api", "v1", "letters", letter, rest @ ..] => {
            let bearer = request.headers.get("authorization").and_then(|v| v.strip_prefix("Bearer "));
            if bearer.and_then(|key| keyring().verify_api_key(key, UnixSeconds(0))).is_none() {
                return silent();
            }
            desk(store, request, letter, rest)
        }
        [token, rest @ ..] => letter(store, request, token, rest),
        [] => silent(),
    }
}

fn desk(store: &mut Store, request: &Request, letter: &str, rest: &[&str]) -> Reply {
    let key = letter.to_owned();
    match (request.method.as_str(), rest) {
        ("GET", []) if store.manifests.contains_key(&key) => {
            let chain = json!({ "verified": true, "head": "", "length": 0 });
            reply(
                200,
                &json!({ "letter": letter, "state": "sealed", "over": null, "events": [], "chain": chain }),
            )
        }
        ("GET", []) => problem(404, "no_such_letter", "no such letter"),
        ("PUT", ["body"]) => {
            store.bodies.insert(key, request.body.clone());
            reply(201, &json!({ "etag": "\"b\"", "size": request.body.len() - store.lost }))
        }
        ("DELETE", ["body"]) => {
            store.bodies.remove(&key);
            reply(204, &json!({}))
        }
        ("POST", ["uploads"]) => {
            store.uploads.insert(key, BTreeMap::new());
            reply(201, &json!({ "upload": "u/1 +x" }))
        }
        ("PUT", ["uploads", "u%2F1%20%2Bx", part]) => {
            let part = part.parse().unwrap();
            store.uploads.get_mut(&key).unwrap().insert(part, request.body.clone());
            reply(200, &json!({ "etag": format!("etag-{part}") }))
        }
        ("POST", ["uploads", _, "complete"]) => {
            let asked: Value = serde_json::from_slice(&request.body).unwrap();
            // A lost answer is asked for again; the parts are gone then, and the body is there.
            if let Some(parts) = store.uploads.remove(&key) {
                let named: Vec<_> =
                    parts.keys().map(|n| json!({ "part": n, "etag": format!("etag-{n}") })).collect();
                assert_eq!(asked, json!({ "parts": named }));
                store.bodies.insert(key.clone(), parts.into_values().flatten().collect());
            }
            reply(201, &json!({ "etag": "\"b\"", "size": store.bodies.get(&key).map_or(0, Vec::len) }))
        }
        ("DELETE", ["uploads", _]) => {
            store.uploads.remove(&key);
            Reply { status: 204, headers: vec![], body: vec![] }
        }
        ("PUT", ["manifest"]) => {
            let opened = Manifest::open(&request.body, letter.parse().unwrap(), &keyring());
            let Ok((manifest, _)) = opened else { return problem(422, "manifest", "it does not open") };
            let body = store.bodies.get(&key).map_or(0, Vec::len) as u64;
            if manifest.check_body(body).is_err() {
                return problem(422, "body_length", "the body has another length");
            }
            match store.manifests.get(&key) {
                Some(there) if *there == request.body => {
                    reply(200, &json!({ "letter": letter, "new": false }))
                }
                Some(_) => problem(409, "manifest_exists", "another manifest"),
                None => {
                    store.manifests.insert(key, request.body.clone());
                    reply(201, &json!({ "letter": letter, "new": true }))
                }
            }
        }
        ("POST", ["cancel"]) if store.manifests.contains_key(&key) => {
            if let Some(reason) = store.closed {
                return reply(200, &json!({ "letter": letter, "state": reason, "changed": false }));
            }
            let changed = !store.cancelled.contains(&key);
            store.cancelled.push(key);
            reply(200, &json!({ "letter": letter, "state": "cancelled", "changed": changed }))
        }
        ("POST", ["cancel"]) => problem(404, "no_such_letter", "no such letter"),
        _ => problem(405, "method", "not here"),
    }
}

fn letter(store: &mut Store, request: &Request, token: &str, rest: &[&str]) -> Reply {
    let Class::Valid(verified) = classify(token, &keyring(), UnixSeconds(0)) else { return silent() };
    let key = verified.letter.to_string();
    let over = if store.cancelled.contains(&key) { Some("cancelled") } else { store.closed };
    if let Some(reason) = over {
        return closed(if rest.is_empty() { 200 } else { 410 }, reason);
    }
    let Some(sealed) = store.manifests.get(&key) else { return silent() };
    let (manifest, _) = Manifest::open(sealed, verified.letter, &keyring()).unwrap();
    let cookie = request.headers.get("cookie").cloned().unwrap_or_default();
    let consented = store.consents.contains(&cookie);
    match (request.method.as_str(), rest) {
        ("GET", []) if consented => reply(
            200,
            &json!({
                "state": "letter", "sender": sender(), "subject": manifest.subject, "expires_at": verified.not_after.0, "nonce": "n2",
                "letter": {
                    "mode": manifest.mode.as_str(), "media_type": manifest.media_type, "file_name": manifest.file_name,
                    "length": manifest.length, "body_length": manifest.framing().unwrap().body_length(),
                    "record_size": manifest.record_size, "sha256": manifest.sha256.to_string(), "etag": "\"e1\"",
                },
            }),
        ),
        ("GET", []) => reply(
            200,
            &json!({
                "state": "envelope", "sender": sender(), "subject": manifest.subject, "expires_at": verified.not_after.0,
                "language": "en", "nonce": "n1", "mode": manifest.mode.as_str(),
                "key_check": manifest.key_check.filter(|_| !store.silent_on_keys),
                "terms": { "sha256": "aa", "text": "You agree to read\u{1b}[31m this.\u{9b}2J\u{202e}" },
            }),
        ),
        ("POST", ["consent"]) => {
            if request.body != b"terms=aa&nonce=n1&agree=yes" {
                return reply(422, &json!({ "error": { "code": "terms", "message": "other terms" } }));
            }
            let cookie = format!("__Host-waxseal-test=secret{}", store.consents.len());
            store.consents.push(cookie.clone());
            let set = format!("{cookie}; Path=/; Secure; HttpOnly; SameSite=Strict");
            Reply {
                status: 303,
                headers: vec![("Location", format!("/{token}")), ("Set-Cookie", set)],
                body: vec![],
            }
        }
        ("GET", ["report"]) if consented => report(store, request, &manifest, verified.letter),
        _ => problem(403, "consent_needed", "consent first"),
    }
}

fn report(store: &Store, request: &Request, manifest: &Manifest, letter: LetterId) -> Reply {
    let body = store.bodies[&letter.to_string()].clone();
    let content = match manifest.mode {
        Mode::EndToEnd => body,
        Mode::EdgeOpened => open(&body, edge_key(keyring().active(), letter).as_slice(), manifest),
    };
    let header = |name: &str| request.headers.get(name).map(String::as_str);
    let length = content.len() as u64;
    let answer = answer_range(header("range"), header("if-range"), "\"e1\"", length);
    let mut headers = vec![("ETag", "\"e1\"".to_owned()), ("Accept-Ranges", "bytes".to_owned())];
    headers.extend(answer.content_range(length).map(|value| ("Content-Range", value)));
    let (status, body) = match answer {
        RangeAnswer::Whole => (200, content),
        RangeAnswer::Part { start, end } => (206, content[start as usize..end as usize].to_vec()),
        RangeAnswer::Unsatisfiable => (416, vec![]),
    };
    Reply { status, headers, body }
}

/// Decrypts a whole body with the library.
pub(crate) fn open(body: &[u8], key: &[u8], manifest: &Manifest) -> Vec<u8> {
    let mut opener = Opener::new(key, manifest.framing().unwrap());
    let mut plain = Vec::new();
    opener.push(body, &mut plain).unwrap();
    opener.finish(&mut plain).unwrap();
    plain
}
