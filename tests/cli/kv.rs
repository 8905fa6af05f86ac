//! A stand-in for Cloudflare's API of a KV namespace, with a publisher that looks at the rules, and that fails where a
//! test tells it to. One request to a connection.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use waxseal::guard::Rules;

use super::support::Desk;

pub(crate) const ACCOUNT: &str = "0123456789abcdef0123456789abcdef";
pub(crate) const NAMESPACE: &str = "fedcba9876543210fedcba9876543210";
pub(crate) const TOKEN: &str = "a-token-for-tests-that-nobody-may-see";

/// What goes wrong with a request.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// This status with this code and message, and perhaps a `Retry-After`.
    Refuse(u16, u64, &'static str, Option<u64>),
    /// This status and a page that is no JSON.
    Page(u16),
    /// The connection ends before the request is looked at.
    Hang,
}

/// What the publisher does when somebody asks for its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Publisher {
    /// Nothing.
    Away,
    /// Looks at the rules.
    Looks,
    /// Lets so many questions pass, then looks at them each time.
    LooksAfter(usize),
    /// Refuses whatever it sees.
    Refuses,
}

/// Everything that is kept.
pub(crate) struct Store {
    pub(crate) values: BTreeMap<String, (String, Value)>,
    pub(crate) publisher: Publisher,
    /// `METHOD /what/comes/after/the/namespace`, in order.
    pub(crate) log: Vec<String>,
    faults: Vec<(String, Fault, usize)>,
    clock: u64,
}

pub(crate) struct Kv {
    address: SocketAddr,
    store: Arc<Mutex<Store>>,
}

pub(crate) fn sha256(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Kv {
    pub(crate) fn start(publisher: Publisher) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let store = Store {
            values: BTreeMap::new(),
            publisher,
            log: Vec::new(),
            faults: Vec::new(),
            clock: 1_700_000_000,
        };
        let store = Arc::new(Mutex::new(store));
        let shared = store.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let store = shared.clone();
                std::thread::spawn(move || serve(stream, &store));
            }
        });
        Self { address, store }
    }

    pub(crate) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap()
    }

    /// A folder from which this store is used.
    pub(crate) fn desk(&self) -> Desk {
        Desk::new()
            .with("CLOUDFLARE_API_BASE_URL", &format!("http://{}/client/v4", self.address))
            .with("CLOUDFLARE_API_TOKEN", TOKEN)
            .with("CLOUDFLARE_ACCOUNT_ID", ACCOUNT)
            .with("WAXSEAL_GUARD_NAMESPACE", NAMESPACE)
    }

    /// From now on the next `times` requests whose `METHOD /path` contains `what` fail.
    pub(crate) fn fail(&self, what: &str, fault: Fault, times: usize) {
        self.store().faults.push((what.to_owned(), fault, times));
    }

    /// How many requests contained this.
    pub(crate) fn count(&self, what: &str) -> usize {
        self.store().log.iter().filter(|line| line.contains(what)).count()
    }

    pub(crate) fn put(&self, key: &str, value: &str) {
        self.store().values.insert(key.to_owned(), (value.to_owned(), Value::Null));
    }

    pub(crate) fn text(&self, key: &str) -> Option<String> {
        self.store().values.get(key).map(|(text, _)| text.clone())
    }

    /// Puts rules and lets the publisher look at them.
    pub(crate) fn accept(&self, text: &str) {
        self.put("guard/rules", text);
        self.store().look(false);
    }
}

impl Store {
    /// What the publisher does.
    fn look(&mut self, refuse: bool) {
        self.clock += 60;
        let Some((text, _)) = self.values.get("guard/rules").cloned() else { return };
        let sum = sha256(&text);
        let before: Value = self
            .values
            .get("guard/status")
            .and_then(|(text, _)| serde_json::from_str(text).ok())
            .unwrap_or_default();
        let mut rules = before["rules"].clone();
        let mut refused = Value::Null;
        let read = Rules::parse(&text);
        match read {
            Ok(read) if !refuse => {
                if rules["sha256"] != json!(sum) {
                    let number = rules["history"].as_u64().unwrap_or(0) + 1;
                    let metadata = json!({ "sha256": sum, "accepted_at": self.clock });
                    self.values.insert(format!("guard/history/{number:08}"), (text, metadata));
                    let entries = read.entries.iter().filter(|entry| entry.line > 0).count();
                    rules = json!({ "sha256": sum, "accepted_at": self.clock, "entries": entries, "history": number });
                }
            }
            other => {
                let faults = other.err().map(|error| error.diagnostics().to_vec()).unwrap_or_default();
                let mut faults: Vec<Value> = faults
                    .iter()
                    .map(|it| json!({ "line": it.line, "column": it.column, "message": it.message }))
                    .collect();
                if faults.is_empty() {
                    faults.push(json!({ "line": 2, "column": 7, "message": "too \u{1b}[31mnew" }));
                }
                refused = json!({ "sha256": sum, "at": self.clock, "faults": faults });
            }
        }
        let status = json!({
            "version": 1, "at": self.clock, "generation": 12, "base": 9, "profile": "balanced",
            "rules": rules, "refused": refused,
        });
        self.values.insert("guard/status".to_owned(), (status.to_string(), Value::Null));
    }
}

struct Request {
    line: String,
    bearer: String,
    body: String,
}

type Reply = (u16, String, Vec<String>);

fn refusal(status: u16, code: u64, message: &str) -> Reply {
    let errors = json!([{ "code": code, "message": message }]);
    let body = json!({ "result": null, "success": false, "errors": errors, "messages": [] });
    (status, body.to_string(), Vec::new())
}

fn success(result: &Value, info: &Value) -> Reply {
    let body =
        json!({ "result": result, "success": true, "errors": [], "messages": [], "result_info": info });
    (200, body.to_string(), Vec::new())
}

fn serve(mut stream: TcpStream, store: &Mutex<Store>) {
    let Some(request) = read(&stream) else { return };
    let mut store = store.lock().unwrap();
    let home = format!("/client/v4/accounts/{ACCOUNT}/storage/kv/namespaces/{NAMESPACE}");
    let short = request.line.replacen(&home, "", 1);
    store.log.push(short.clone());
    let fault = store.faults.iter_mut().find(|(what, _, times)| *times > 0 && short.contains(what.as_str()));
    let fault = fault.map(|(_, fault, times)| {
        *times -= 1;
        fault.clone()
    });
    let (status, body, headers) = match fault {
        Some(Fault::Hang) => return,
        Some(Fault::Page(status)) => (status, "<html>an error page</html>".to_owned(), Vec::new()),
        Some(Fault::Refuse(status, code, message, wait)) => {
            let (status, body, _) = refusal(status, code, message);
            (status, body, wait.map(|wait| format!("Retry-After: {wait}")).into_iter().collect())
        }
        None if request.bearer != format!("Bearer {TOKEN}") => refusal(401, 10_000, "Authentication error"),
        None if short == request.line => refusal(404, 10_013, "namespace not found"),
        None => answer(&mut store, &short, request.body),
    };
    drop(store);
    let mut head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n", body.len());
    headers.iter().for_each(|header| head.push_str(&format!("{header}\r\n")));
    let _ = stream.write_all(format!("{head}\r\n{body}").as_bytes());
}

fn answer(store: &mut Store, line: &str, body: String) -> Reply {
    if let Some(key) = line.strip_prefix("GET /values/") {
        let key = decode(key);
        if key == "guard/status" {
            store.publisher = match store.publisher {
                Publisher::LooksAfter(0) => Publisher::Looks,
                Publisher::LooksAfter(n) => Publisher::LooksAfter(n - 1),
                other => other,
            };
            match store.publisher {
                Publisher::Looks => store.look(false),
                Publisher::Refuses => store.look(true),
                Publisher::Away | Publisher::LooksAfter(_) => {}
            }
        }
        return match store.values.get(&key) {
            Some((text, _)) => (200, text.clone(), Vec::new()),
            None => refusal(404, 10_009, "get: 'key not found'"),
        };
    }
    if let Some(key) = line.strip_prefix("PUT /values/") {
        store.values.insert(decode(key), (body, Value::Null));
        return success(&json!({}), &Value::Null);
    }
    if let Some(query) = line.strip_prefix("GET /keys?") {
        let query: BTreeMap<&str, String> =
            query.split('&').filter_map(|pair| pair.split_once('=')).map(|(k, v)| (k, decode(v))).collect();
        let after = query.get("cursor").cloned().unwrap_or_default();
        let mut found: Vec<(&String, &Value)> = store
            .values
            .iter()
            .filter(|(key, _)| key.starts_with(&query["prefix"]) && **key > after)
            .map(|(key, (_, metadata))| (key, metadata))
            .collect();
        // Two to a page, so that there are pages.
        let cursor = if found.len() > 2 { found[1].0.clone() } else { String::new() };
        found.truncate(2);
        let keys: Vec<Value> =
            found.iter().map(|(name, metadata)| json!({ "name": name, "metadata": metadata })).collect();
        return success(&keys.into(), &json!({ "count": found.len(), "cursor": cursor }));
    }
    refusal(405, 10_405, "Method not allowed for this authentication scheme")
}

fn decode(text: &str) -> String {
    text.replace("%2F", "/")
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let line = line.rsplit_once(' ')?.0.to_owned();
    let (mut bearer, mut length) = (String::new(), 0);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim_end().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "authorization" => bearer = value.to_owned(),
            "content-length" => length = value.parse().ok()?,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request { line, bearer, body: String::from_utf8(body).ok()? })
}
