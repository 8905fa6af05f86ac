//! `--message` of `seal` and `mint`: what brings the link, as a mail, as its parts, or as a folder of all of them.

use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use data_encoding::HEXLOWER;
use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address;
use mail_builder::headers::raw::Raw;
use serde_json::Value;
use sha2::{Digest, Sha256};
use waxseal::lang::Lang;
use waxseal::message::{Letter, Message, Texts, TextsError, message};
use waxseal::site::colour::Rgb;
use waxseal::token::SiteKey;
use waxseal::types::{LetterId, UnixMillis, UnixSeconds};

use crate::api::Api;
use crate::args::Expires;
use crate::error::{Error, coded};
use crate::origin::Origin;
use crate::output::Output;
use crate::secret;
use crate::when::Zone;

/// The message that brings the link.
#[derive(Debug, clap::Args)]
pub(crate) struct MessageArgs {
    /// Make the message that brings the link: `eml`, `text`, `html`, `sms` or `json` in place of the link, or a
    /// folder for all of them
    #[arg(long, value_name = "FORM|DIR")]
    pub(crate) message: Option<Form>,
    /// Your name in the message; by default the edge is asked for its site's
    #[arg(long, value_name = "NAME", requires = "message")]
    pub(crate) sender: Option<String>,
    /// Your colour, such as '#7a1f2b'; by default the edge is asked for its site's
    #[arg(long, value_name = "#RRGGBB", requires = "message", value_parser = colour)]
    pub(crate) accent: Option<Rgb>,
    /// Texts of yours in place of some of the message's, a TOML file (docs/MESSAGE.md)
    #[arg(long, value_name = "FILE", requires = "message")]
    pub(crate) message_texts: Option<PathBuf>,
    /// The mail's From
    #[arg(long, value_name = "ADDRESS", requires = "message", value_parser = mailbox)]
    pub(crate) mail_from: Option<String>,
    /// The mail's To
    #[arg(long, value_name = "ADDRESS", requires = "message", value_parser = mailbox)]
    pub(crate) to: Option<String>,
}

/// What `--message` asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// The mail as RFC 5322 has it.
    Eml,
    /// Its plain text.
    Text,
    /// Its HTML.
    Html,
    /// The SMS.
    Sms,
    /// All of it as a JSON object.
    Json,
    /// Each in a file of this folder.
    Folder(PathBuf),
}

impl FromStr for Form {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "eml" => Self::Eml,
            "text" => Self::Text,
            "html" => Self::Html,
            "sms" => Self::Sms,
            "json" => Self::Json,
            folder if folder.contains(['/', '\\']) || Path::new(folder).is_dir() => {
                Self::Folder(folder.into())
            }
            _ => return Err("expected eml, text, html, sms, json, or a folder such as out/".to_owned()),
        })
    }
}

fn colour(text: &str) -> Result<Rgb, String> {
    Rgb::parse(text).ok_or_else(|| "expected a colour such as #7a1f2b".to_owned())
}

/// An address as mail servers take it. Which of them exist only they know.
pub(crate) fn mailbox(text: &str) -> Result<String, String> {
    let (user, host) = text.rsplit_once('@').unwrap_or_default();
    let plain = |c: char| !c.is_control() && !c.is_whitespace() && !"<>,;:\"()[]\\".contains(c);
    match !user.is_empty() && !host.is_empty() && text.chars().all(plain) {
        true => Ok(text.to_owned()),
        false => Err("expected one mail address, such as jan@example.org".to_owned()),
    }
}

/// Why there is no message.
#[derive(Debug, thiserror::Error, strum::IntoStaticStr)]
pub(crate) enum MessageError {
    #[error("--message needs the whole link: give --url https://letters.example (or set WAXSEAL_URL)")]
    #[strum(to_string = "url_missing")]
    NoUrl,
    #[error("--message says what the letter is about: give --subject, as it was sealed")]
    #[strum(to_string = "subject_missing")]
    NoSubject,
    #[error("--message-texts {}: {error}", path.display())]
    #[strum(to_string = "message_texts")]
    Unread { path: PathBuf, error: io::Error },
    #[error("--message-texts {}: {error}", path.display())]
    #[strum(to_string = "message_texts")]
    Texts { path: PathBuf, error: TextsError },
    #[error("--message {}: {error}", path.display())]
    #[strum(to_string = "message_not_written")]
    Write { path: PathBuf, error: io::Error },
}

coded!(MessageError: usage unless Self::Write { .. });

/// Everything but the link, known before anything is sealed.
#[derive(Clone)]
pub(crate) struct Draft {
    form: Form,
    /// Of the link.
    host: String,
    sender: String,
    subject: String,
    accent: Rgb,
    lang: Lang,
    texts: Texts,
    /// Texts of the sender's, and where they are from.
    own: Option<(PathBuf, String)>,
    zone: Option<Zone>,
    from: Option<String>,
    to: Option<String>,
}

impl MessageArgs {
    /// The draft, if one is asked for. What was not said of the sender the edge is asked for.
    pub(crate) async fn draft(
        &self,
        subject: Option<&str>,
        lang: Option<Lang>,
        expires: &Expires,
        url: Option<&Origin>,
        retries: u32,
        key: &SiteKey,
    ) -> Result<Option<Draft>, Error> {
        let Some(form) = self.message.clone() else { return Ok(None) };
        if let Form::Folder(folder) = &form {
            // What cannot be written is better known before anything is sealed.
            std::fs::create_dir_all(folder).map_err(unwritten(folder))?;
        }
        let url = url.ok_or(MessageError::NoUrl)?;
        let subject = subject.ok_or(MessageError::NoSubject)?.to_owned();
        let own = self.message_texts.as_ref().map(|path| Ok((path.clone(), read(path)?)));
        let own = own.transpose().map_err(|error: MessageError| error)?;
        let said = (self.sender.clone(), self.accent, lang, expires.time_zone.clone());
        let (sender, accent, lang, zone) = match said {
            (Some(sender), Some(accent), Some(lang), Some(zone)) => (sender, accent, lang, Some(zone)),
            (sender, accent, lang, zone) => {
                let site = Api::new(url.clone(), key, retries)?.site().await?;
                let zone = zone.or_else(|| site.time_zone.parse().ok());
                let accent = accent.or_else(|| Rgb::parse(&site.accent)).unwrap_or(Rgb(0, 0, 0));
                (
                    sender.unwrap_or(site.name),
                    accent,
                    lang.or_else(|| Lang::from_tag(&site.language)).unwrap_or(Lang::En),
                    zone,
                )
            }
        };
        let texts = texts(lang, own.as_ref())?;
        let (from, to) = (self.mail_from.clone(), self.to.clone());
        Ok(Some(Draft {
            form,
            host: url.at("").host_str().unwrap_or_default().to_owned(),
            sender,
            subject,
            accent,
            lang,
            texts,
            own,
            zone,
            from,
            to,
        }))
    }
}

fn unwritten(path: &Path) -> impl FnOnce(io::Error) -> MessageError {
    let path = path.to_owned();
    move |error| MessageError::Write { path, error }
}

/// The texts of a language, and the sender's own in place of some of them.
fn texts(lang: Lang, own: Option<&(PathBuf, String)>) -> Result<Texts, MessageError> {
    match own {
        None => Ok(Texts::of(lang)),
        Some((path, own)) => {
            Texts::of(lang).with(own).map_err(|error| MessageError::Texts { path: path.clone(), error })
        }
    }
}

fn read(path: &Path) -> Result<String, MessageError> {
    std::fs::read_to_string(path).map_err(|error| MessageError::Unread { path: path.to_owned(), error })
}

/// What is printed: the link, or a form of the message in its place.
struct Printed {
    text: String,
    json: Value,
}

/// Prints the answer, with the message where one was asked for. The link is printed whatever becomes of the message: by then the
/// letter is sealed, and nobody else has it.
pub(crate) fn answer(
    draft: Option<&Draft>,
    mut answer: Value,
    link: &str,
    of: (LetterId, UnixSeconds),
    now: UnixMillis,
    output: Output,
) -> Result<(), Error> {
    match draft.map(|draft| draft.finish(link, of, now, output)).transpose() {
        Ok(None) => Ok(output.answer(&answer, link)?),
        Ok(Some(Printed { text, json })) => {
            if let Some(object) = answer.as_object_mut() {
                object.insert("message".to_owned(), json);
            }
            Ok(output.answer(&answer, &text)?)
        }
        Err(error) => {
            output.answer(&answer, link)?;
            Err(error)
        }
    }
}

impl Draft {
    /// The message with its link; written where a folder is asked for.
    fn finish(
        &self,
        link: &str,
        of: (LetterId, UnixSeconds),
        now: UnixMillis,
        output: Output,
    ) -> Result<Printed, Error> {
        let (message, json) = self.compose(link, of.1)?;
        let text = match &self.form {
            Form::Eml => self.mail(&message, of, now)?,
            Form::Text => message.text,
            Form::Html => message.html,
            Form::Sms => message.sms.text,
            Form::Json => json.to_string(),
            Form::Folder(folder) => {
                self.write(folder, &message, &json, of, now)?;
                output.note(&format!("The message is in {}.", folder.display()));
                link.to_owned()
            }
        };
        Ok(Printed { text: text.trim_end_matches('\n').to_owned(), json })
    }

    /// The message, and all of it as JSON.
    fn compose(&self, link: &str, not_after: UnixSeconds) -> Result<(Message, Value), Error> {
        let letter = Letter {
            sender: &self.sender,
            subject: &self.subject,
            link,
            not_after,
            lang: self.lang,
            accent: self.accent,
        };
        let ahead = |at: UnixSeconds| self.zone.as_ref()?.ahead(at.millis());
        let message = message(&letter, &self.texts, &ahead);
        let json =
            serde_json::to_value(&message).map_err(|error| Error::failed("message_not_written", error))?;
        Ok((message, json))
    }

    /// The draft of one letter of a table.
    pub(crate) fn about(
        &self,
        subject: &str,
        lang: Option<Lang>,
        to: Option<&str>,
    ) -> Result<Self, MessageError> {
        let lang = lang.unwrap_or(self.lang);
        let texts = texts(lang, self.own.as_ref())?;
        Ok(Self { subject: subject.to_owned(), lang, texts, to: to.map(ToOwned::to_owned), ..self.clone() })
    }

    /// The message of a letter of a table: in a folder of its own, named after the letter, or answered. Adds where or what it is to
    /// the answer. `is_written`: its folder was written once, and is left as it is, or gone because its mail is.
    pub(crate) fn answer(
        &self,
        letter: LetterId,
        link: &str,
        ends: (UnixSeconds, UnixMillis),
        is_written: bool,
        answer: &mut Value,
    ) -> Result<(), Error> {
        let (message, json) = self.compose(link, ends.0)?;
        let (name, value) = match &self.form {
            Form::Folder(folder) => {
                let folder = folder.join(letter.to_string());
                if !is_written {
                    std::fs::create_dir_all(&folder).map_err(unwritten(&folder))?;
                    self.write(&folder, &message, &json, (letter, ends.0), ends.1)?;
                }
                ("folder", folder.to_string_lossy().into_owned().into())
            }
            _ => ("message", json),
        };
        if let Some(object) = answer.as_object_mut() {
            object.insert(name.to_owned(), value);
        }
        Ok(())
    }

    /// RFC 5322 with the parts of RFC 2046, section 5.1.4: plain text first, HTML last.
    /// Its Message-ID is that of a letter and an end, so that whoever gets the mail twice can tell; a digest, because letters are not
    /// named outside their links.
    fn mail(
        &self,
        message: &Message,
        (letter, not_after): (LetterId, UnixSeconds),
        now: UnixMillis,
    ) -> Result<String, Error> {
        // Its right half is a domain of the sender's (RFC 5322, section 3.6.4).
        let host = self.from.as_deref().and_then(|from| from.rsplit_once('@')).map(|(_, host)| host);
        let said = Sha256::digest(format!("waxseal message {letter} {}", not_after.0));
        let id = HEXLOWER.encode(said.get(..16).unwrap_or_default());
        let id = format!("{id}@{}", host.unwrap_or(&self.host));
        let mut mail = MessageBuilder::new()
            .message_id(id)
            .date(now.seconds().0)
            .subject(message.subject.as_str())
            .text_body(message.text.as_str())
            .html_body(message.html.as_str());
        for header in &message.headers {
            mail = mail.header(header.name.as_str(), Raw::new(header.value.as_str()));
        }
        if let Some(from) = &self.from {
            mail = mail.from(Address::new_address(Some(self.sender.as_str()), from.as_str()));
        }
        if let Some(to) = &self.to {
            mail = mail.to(Address::new_address(None::<&str>, to.as_str()));
        }
        let mail = mail.write_to_string();
        mail.map_err(|error| MessageError::Write { path: "eml".into(), error }.into())
    }

    /// The link opens the letter, so that each file is its owner's alone.
    fn write(
        &self,
        folder: &Path,
        message: &Message,
        json: &Value,
        of: (LetterId, UnixSeconds),
        now: UnixMillis,
    ) -> Result<(), Error> {
        let files = [
            ("message.eml", self.mail(message, of, now)?),
            ("message.txt", message.text.clone()),
            ("message.html", message.html.clone()),
            ("sms.txt", format!("{}\n", message.sms.text)),
            ("message.json", format!("{json}\n")),
        ];
        for (name, text) in files {
            let path = folder.join(name);
            secret::put(&path, text.as_bytes(), true).map_err(unwritten(&path))?;
        }
        Ok(())
    }
}
