//! Waxseal in Rust: send a letter, hear what becomes of it.
//!
//! ```sh
//! cargo run -- receive                          # leave it running
//! cargo run -- send report.pdf jan@mail.example
//! ```
//!
//! Reads `WAXSEAL_URL` and `WAXSEAL_API_KEY` to send, `WAXSEAL_WEBHOOK_SECRET` to receive.

use std::collections::HashMap;
use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};
use std::{env, fs};

use mail_builder::MessageBuilder;
use mail_builder::headers::raw::Raw;
use serde_json::{Value, json};
use waxseal::types::UnixSeconds;
use waxseal::webhook::{Secret, verify};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A webhook is far shorter.
const MAX_BODY: usize = 65_536;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let words: Vec<String> = env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["receive"] => receive(),
        ["send", report, recipient] => {
            let letter = create(Path::new(report)).await?;
            send(&letter["message"], recipient)?;
            println!("sent: {}", letter["letter"].as_str().unwrap_or_default());
            Ok(())
        }
        _ => Err("usage: quickstart-rust receive | send REPORT RECIPIENT".into()),
    }
}

/// Seals a report: one request, a form of two parts. A request of the same name makes no second letter: try again at will.
async fn create(report: &Path) -> Result<Value> {
    let name = format!("{:016x}", getrandom::u64()?);
    let about = json!({ "subject": "Inspection of your car", "customer": "C-1042", "reference": name });
    let file_name = report.file_name().and_then(|name| name.to_str()).ok_or("a report has a name")?;
    let mut body = format!(
        "--{name}\r\nContent-Disposition: form-data; name=\"letter\"\r\nContent-Type: application/json\r\n\r\n{about}\r\n\
         --{name}\r\nContent-Disposition: form-data; name=\"report\"; filename=\"{file_name}\"\r\n\r\n"
    )
    .into_bytes();
    body.extend(fs::read(report)?);
    body.extend(format!("\r\n--{name}--\r\n").into_bytes());
    let answer = reqwest::Client::new()
        .post(format!("{}/api/v1/letters", env::var("WAXSEAL_URL")?))
        .bearer_auth(env::var("WAXSEAL_API_KEY")?)
        .header("idempotency-key", &name)
        .header("content-type", format!("multipart/form-data; boundary={name}"))
        .body(body)
        .send()
        .await?;
    let (is_made, text) = (answer.status().is_success(), answer.text().await?);
    if is_made { Ok(serde_json::from_str(&text)?) } else { Err(text.into()) }
}

/// Mails what the answer holds: text, HTML, and the headers of a mail program's button that says no.
fn send(message: &Value, recipient: &str) -> Result<()> {
    let text = |name: &str| message[name].as_str().unwrap_or_default().to_owned();
    let mut mail = MessageBuilder::new()
        .from("garage@shop.example")
        .to(recipient)
        .subject(text("subject"))
        .text_body(text("text"))
        .html_body(text("html"));
    for (name, value) in message["headers"].as_object().into_iter().flatten() {
        mail = mail.header(name.clone(), Raw::new(value.as_str().unwrap_or_default().to_owned()));
    }
    let mail = mail.write_to_string()?.replace("\r\n.", "\r\n..");
    let mut server = BufReader::new(TcpStream::connect(("127.0.0.1", port("SMTP_PORT", 1025)?))?);
    let (to, data) = (format!("RCPT TO:<{recipient}>"), format!("{mail}\r\n."));
    for line in ["HELO shop.example", "MAIL FROM:<garage@shop.example>", &to, "DATA", &data, "QUIT"] {
        let mut said = String::new();
        server.read_line(&mut said)?;
        if !said.starts_with(['2', '3']) {
            return Err(format!("the mail server said: {said}").into());
        }
        write!(server.get_mut(), "{line}\r\n")?;
    }
    Ok(())
}

/// Takes webhooks. Only what is signed with our secret counts; a message may come twice, under the same `webhook-id`.
fn receive() -> Result<()> {
    let secret: Secret = env::var("WAXSEAL_WEBHOOK_SECRET")?.parse()?;
    for stream in TcpListener::bind(("127.0.0.1", port("PORT", 9000)?))?.incoming() {
        if let Err(error) = answer(&secret, stream?) {
            eprintln!("refused: {error}");
        }
    }
    Ok(())
}

/// Answers one request, for want of a web server.
fn answer(secret: &Secret, stream: TcpStream) -> Result<()> {
    let mut stream = BufReader::new(stream);
    let (mut headers, mut line) = (HashMap::new(), String::new());
    while stream.read_line(&mut line)? > 2 {
        if let Some((name, value)) = line.split_once(':') {
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        line.clear();
    }
    let header = |name: &str| headers.get(name).map_or("", String::as_str);
    let mut body = vec![0; header("content-length").parse().unwrap_or(0).min(MAX_BODY)];
    stream.read_exact(&mut body)?;
    let shown = (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"));
    let now = UnixSeconds(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs());
    let verified = verify(&[secret], shown, &body, now);
    let status = if verified.is_ok() { "204 No Content" } else { "400 Bad Request" };
    write!(stream.get_mut(), "HTTP/1.1 {status}\r\nConnection: close\r\n\r\n")?;
    verified?;
    let event: Value = serde_json::from_slice(&body)?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    println!("verified: {} {}", text(&event["type"]), text(&event["data"]["letter"]));
    Ok(())
}

fn port(name: &str, otherwise: u16) -> Result<u16> {
    env::var(name).map_or(Ok(otherwise), |text| Ok(text.parse()?))
}
