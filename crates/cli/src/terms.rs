//! `waxseal terms`: the versions of the terms that envelopes show.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::json;
use waxseal::api::{TermsCurrent, TermsList, Text, op};
use waxseal::lang::{Lang, UnknownLang};
use waxseal::seal::Sha256Sum;
use waxseal::site::{self, TermsError};
use waxseal::types::UnixMillis;

use crate::error::{Coded, Error, USAGE};
use crate::letter::EdgeArgs;
use crate::output::{Output, OutputError, line};
use crate::when;

/// The examples under `waxseal terms --help`.
pub(crate) const EXAMPLES: &str = "\
Examples:
  waxseal terms push en=terms.en.txt nl=terms.nl.txt --url https://letters.example
  waxseal terms list --url https://letters.example
  waxseal terms show SHA256 --url https://letters.example > terms.txt";

const PUSH_EXAMPLES: &str = "\
Examples:
  waxseal terms push nl=terms.nl.txt de=terms.de.txt --url https://letters.example
  waxseal terms push --language nl terms.nl.txt --url https://letters.example --json

A text is shown as it is in the file, to the byte: UTF-8, lines that end with a line feed, an empty
line between paragraphs, at most 8,000 characters, and the sender's name in it. Other languages keep
theirs. Envelopes show it within a minute; one that lies open counts for the text that it shows.";

const LIST_EXAMPLES: &str = "\
Examples:
  waxseal terms list --url https://letters.example
  waxseal terms list --url https://letters.example --json";

const SHOW_EXAMPLES: &str = "\
Examples:
  waxseal terms show SHA256 --url https://letters.example
  waxseal terms show SHA256 --url https://letters.example > terms.txt; sha256sum terms.txt

Any text that an envelope of this site ever showed is there. To show an older one again, push it.";

#[derive(Subcommand)]
pub(crate) enum Terms {
    /// Store texts and show them on every envelope from now on
    #[command(after_help = PUSH_EXAMPLES)]
    Push(Push),
    /// Show which text is current for each language, and what was before
    #[command(after_help = LIST_EXAMPLES)]
    List(EdgeArgs),
    /// Print a text exactly as it is stored
    #[command(after_help = SHOW_EXAMPLES)]
    Show(Show),
}

pub(crate) async fn run(command: &Terms, output: Output) -> Result<(), Error> {
    match command {
        Terms::Push(args) => push(args, output).await,
        Terms::List(args) => list(args, output).await,
        Terms::Show(args) => show(args, output).await,
    }
}

#[derive(clap::Args)]
pub(crate) struct Push {
    /// A language, such as nl, and the file with its text
    #[arg(value_name = "LANG=FILE", required_unless_present = "language")]
    texts: Vec<String>,
    /// The same in two words; may be given several times
    #[arg(long, num_args = 2, value_names = ["LANG", "FILE"], action = clap::ArgAction::Append)]
    language: Vec<String>,
    #[command(flatten)]
    edge: EdgeArgs,
}

#[derive(clap::Args)]
pub(crate) struct Show {
    /// The text's SHA-256, as `terms list` and the evidence name it
    #[arg(value_name = "SHA256")]
    sha256: Sha256Sum,
    #[command(flatten)]
    edge: EdgeArgs,
}

/// Why nothing was pushed.
#[derive(Debug, thiserror::Error)]
enum PushError {
    #[error("{0} is not of the form LANG=FILE, such as nl=terms.nl.txt")]
    Form(String),
    #[error("{0} is {UnknownLang}")]
    Language(String),
    #[error("there are two texts for {0}")]
    Twice(Lang),
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: std::io::Error },
    #[error("{}: {source}", path.display())]
    Text { path: PathBuf, source: TermsError },
}

impl Coded for PushError {
    fn code(&self) -> &'static str {
        match self {
            Self::Form(_) => "terms_argument",
            Self::Language(_) => "unknown_language",
            Self::Twice(_) => "language_twice",
            Self::File { .. } => "file_unreadable",
            Self::Text { source, .. } => source.code(),
        }
    }

    fn exit(&self) -> u8 {
        USAGE
    }
}

async fn push(args: &Push, output: Output) -> Result<(), Error> {
    // Every file is read before anything is sent.
    let texts = texts(args)?;
    let api = args.edge.api(output)?;
    let (mut choice, mut pushed) = (BTreeMap::new(), Vec::new());
    for (lang, text) in &texts {
        let hex = text.hex();
        let query = [("language", lang.tag())];
        let stored = api.call_with::<op::PutTerms>(&[&hex], &query, Text(text.text().to_owned())).await?;
        choice.insert(lang.tag().to_owned(), hex.clone());
        pushed.push((lang.tag(), hex, stored.new));
    }
    let chosen = api.call::<op::ChooseTerms>(&[], choice).await?;
    let is_changed = |tag: &str| chosen.changed.iter().any(|changed| changed == tag);
    let lines = pushed.iter().map(|(tag, hex, _)| {
        let then = if is_changed(tag) { "current from now on" } else { "current already" };
        format!("{tag}  {hex}  {then}")
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    let answer: Vec<_> = pushed
        .iter()
        .map(|(tag, hex, new)| json!({ "language": tag, "sha256": hex, "new": new, "changed": is_changed(tag) }))
        .collect();
    Ok(output.answer(&json!({ "terms": answer }), &text)?)
}

fn texts(args: &Push) -> Result<Vec<(Lang, site::Terms)>, PushError> {
    let mut texts: Vec<(Lang, site::Terms)> = Vec::new();
    let mut add = |tag: &str, path: &Path| {
        let lang: Lang = tag.parse().map_err(|_| PushError::Language(line(tag)))?;
        if texts.iter().any(|(known, _)| *known == lang) {
            return Err(PushError::Twice(lang));
        }
        let bytes =
            std::fs::read(path).map_err(|source| PushError::File { path: path.to_owned(), source })?;
        // Whose name has to be in it only the edge knows.
        let text = site::Terms::pushed(&bytes, None)
            .map_err(|source| PushError::Text { path: path.to_owned(), source })?;
        texts.push((lang, text));
        Ok(())
    };
    for text in &args.texts {
        let (tag, file) = text.split_once('=').ok_or_else(|| PushError::Form(line(text)))?;
        add(tag, Path::new(file))?;
    }
    for pair in args.language.chunks(2) {
        if let [tag, file] = pair {
            add(tag, Path::new(file))?;
        }
    }
    Ok(texts)
}

async fn list(args: &EdgeArgs, output: Output) -> Result<(), Error> {
    let api = args.api(output)?;
    let list = api.call::<op::ListTerms>(&[], ()).await?;
    Ok(output.answer(&json!(list), &words(&list))?)
}

/// The list for people: the current texts, then what became current, newest first.
fn words(list: &TermsList) -> String {
    let at = |at: UnixMillis| when::rfc3339(at.seconds());
    let mut lines = vec!["Shown now:".to_owned()];
    for (tag, TermsCurrent { sha256, since, .. }) in &list.current {
        let source =
            since.map_or_else(|| "the site's own".to_owned(), |since| format!("pushed {}", at(since)));
        lines.push(format!("  {}  {sha256}  {source}", line(tag)));
    }
    if !list.history.is_empty() {
        lines.push("Pushed, newest first:".to_owned());
    }
    let pushed = list.history.iter().rev();
    lines.extend(pushed.map(|it| format!("  {}  {}  {}", it.language, it.sha256, at(it.at))));
    lines.join("\n")
}

async fn show(args: &Show, output: Output) -> Result<(), Error> {
    let api = args.edge.api(output)?;
    let answer = api.call::<op::ShowTerms>(&[&args.sha256.to_string()], ()).await?;
    if site::Terms::of(answer.text.clone()).sha256() != &args.sha256.0 {
        let message = "the edge gave a text with another SHA-256: it is not shown";
        return Err(Error::failed("terms_hash", message));
    }
    if output.json {
        return Ok(output.answer(&json!(answer), "")?);
    }
    let mut out = io::stdout().lock();
    out.write_all(answer.text.as_bytes()).and_then(|()| out.flush()).map_err(OutputError::from)?;
    Ok(())
}
