//! `waxseal terms push`: texts into the store, then current, all languages at once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::json;
use waxseal::api::{Text, op};
use waxseal::lang::{Lang, UnknownLang};
use waxseal::site::{Terms, TermsError};

use crate::error::{Coded, Error, USAGE};
use crate::letter::EdgeArgs;
use crate::output::Output;

pub(super) const EXAMPLES: &str = "\
Examples:
  waxseal terms push nl=terms.nl.txt de=terms.de.txt --url https://letters.example
  waxseal terms push --language nl terms.nl.txt --url https://letters.example --json

A text is shown as it is in the file, to the byte: UTF-8, lines that end with a line feed, an empty
line between paragraphs, at most 8,000 characters, and the sender's name in it. Other languages keep
theirs. Envelopes show it within a minute; one that lies open counts for the text that it shows.";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// A language, such as nl, and the file with its text
    #[arg(value_name = "LANG=FILE", required_unless_present = "language")]
    texts: Vec<String>,
    /// The same in two words; may be given several times
    #[arg(long, num_args = 2, value_names = ["LANG", "FILE"], action = clap::ArgAction::Append)]
    language: Vec<String>,
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

pub(super) async fn run(args: &Args, output: Output) -> Result<(), Error> {
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

fn texts(args: &Args) -> Result<Vec<(Lang, Terms)>, PushError> {
    let mut texts: Vec<(Lang, Terms)> = Vec::new();
    let mut add = |tag: &str, path: &Path| {
        let lang: Lang = tag.parse().map_err(|_| PushError::Language(crate::output::line(tag)))?;
        if texts.iter().any(|(known, _)| *known == lang) {
            return Err(PushError::Twice(lang));
        }
        let bytes =
            std::fs::read(path).map_err(|source| PushError::File { path: path.to_owned(), source })?;
        // Whose name has to be in it only the edge knows.
        let text = Terms::pushed(&bytes, None)
            .map_err(|source| PushError::Text { path: path.to_owned(), source })?;
        texts.push((lang, text));
        Ok(())
    };
    for text in &args.texts {
        let (tag, file) = text.split_once('=').ok_or_else(|| PushError::Form(crate::output::line(text)))?;
        add(tag, Path::new(file))?;
    }
    for pair in args.language.chunks(2) {
        if let [tag, file] = pair {
            add(tag, Path::new(file))?;
        }
    }
    Ok(texts)
}
