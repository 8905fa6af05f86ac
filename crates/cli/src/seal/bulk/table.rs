//! A table of letters: CSV (RFC 4180) with a line that names the columns. Every line is read, and every error told with its line,
//! column and value.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;

use csv::{ReaderBuilder, StringRecord, Trim};
use data_encoding::HEXLOWER;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::message::mailbox;
use crate::output::line;
use crate::seal::plan::About;
use crate::when::{self, When};

/// What a column may be called.
const COLUMNS: [&str; 11] = [
    "file",
    "subject",
    "customer",
    "reference",
    "language",
    "expires",
    "name",
    "media_type",
    "terms",
    "retention",
    "to",
];

/// So much of a value is repeated.
const SHOWN: usize = 80;

/// What is wrong in a table.
#[derive(Debug)]
pub(super) struct Diagnostic {
    pub(super) line: u64,
    /// Empty when it is about the whole line.
    column: &'static str,
    value: String,
    message: String,
}

impl Diagnostic {
    pub(super) fn new(line: u64, column: &'static str, value: &str, message: impl Into<String>) -> Self {
        Self { line, column, value: value.chars().take(SHOWN).collect(), message: message.into() }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        match (self.column, line(&self.value)) {
            ("", value) if value.is_empty() => {}
            ("", value) => write!(f, "\"{value}\": ")?,
            (column, value) if value.is_empty() => write!(f, "{column}: ")?,
            (column, value) => write!(f, "{column} \"{value}\": ")?,
        }
        f.write_str(&self.message)
    }
}

/// A letter of a table.
#[derive(Debug)]
pub(super) struct Row {
    /// Where it stands, from 1.
    pub(super) line: u64,
    /// The file as the table writes it.
    pub(super) file: String,
    /// What is said of it; the file's path is whole.
    pub(super) about: About,
    pub(super) expires: When,
    /// Whom its mail goes to.
    pub(super) to: Option<String>,
    /// Of everything that is said of it, and of how many such lines stand before: a line that moves keeps it, one that changes does
    /// not.
    pub(super) digest: String,
}

/// The letters of a table, without those whose line cannot be read, and what is wrong with these. Files are found from `folder`; what a
/// line leaves empty is as in `rest` and `expires`. An error where none can be read.
pub(super) fn read(
    bytes: &[u8],
    folder: &Path,
    rest: &About,
    expires: When,
) -> Result<(Vec<Row>, Vec<Diagnostic>), Vec<Diagnostic>> {
    let (text, _, faulty) = encoding_rs::UTF_8.decode(bytes);
    if faulty {
        let good = std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
        let line = bytes.iter().take(good).filter(|byte| **byte == b'\n').count() as u64 + 1;
        return Err(vec![Diagnostic::new(
            line,
            "",
            "",
            "this is not UTF-8: save the table as \"CSV UTF-8\"",
        )]);
    }
    let head = text.lines().next().unwrap_or_default();
    // Spreadsheets write what the machine's language has for a comma.
    let delimiter =
        [b',', b';', b'\t'].into_iter().find(|one| head.contains(char::from(*one))).unwrap_or(b',');
    let mut reader =
        ReaderBuilder::new().delimiter(delimiter).flexible(true).trim(Trim::All).from_reader(text.as_bytes());
    let mut diagnostics = Vec::new();
    let columns = match reader.headers() {
        Ok(names) => columns(names, !rest.subject.is_empty(), &mut diagnostics),
        Err(error) => return Err(vec![Diagnostic::new(1, "", "", error.to_string())]),
    };
    if !diagnostics.is_empty() {
        return Err(diagnostics);
    }
    let mut rows = Vec::new();
    let mut seen = HashMap::new();
    for record in reader.into_records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                diagnostics.push(Diagnostic::new(line, "", "", error.to_string()));
                continue;
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        if record.len() != columns.len() {
            let (found, wanted) = (record.len(), columns.len());
            diagnostics.push(Diagnostic::new(line, "", record.get(0).unwrap_or_default(), format!(
                "{found} fields, and the first line names {wanted}: put a field with a comma or a quotation mark between quotation \
                 marks, and close them"
            )));
            continue;
        }
        if let Some(cell) = record.iter().find(|cell| cell.contains(['\n', '\r'])) {
            let message =
                "a field goes over several lines: close its quotation marks, or write it on one line";
            diagnostics.push(Diagnostic::new(line, "", cell, message));
            continue;
        }
        let before = diagnostics.len();
        let mut cells = Cells { line, columns: &columns, record: &record, diagnostics: &mut diagnostics };
        let row = cells.row(folder, rest, expires, &mut seen);
        if diagnostics.len() == before {
            rows.push(row);
        }
    }
    if rows.is_empty() && diagnostics.is_empty() {
        diagnostics.push(Diagnostic::new(
            1,
            "",
            "",
            "the table has no letters: write a line for each below the names of the columns",
        ));
    }
    Ok((rows, diagnostics))
}

/// The columns by the table's first line.
fn columns(names: &StringRecord, has_subject: bool, diagnostics: &mut Vec<Diagnostic>) -> Vec<&'static str> {
    let mut columns = Vec::new();
    for name in names {
        let known = COLUMNS.into_iter().find(|column| name.eq_ignore_ascii_case(column));
        match known {
            None => {
                let known = COLUMNS.join(", ");
                diagnostics.push(Diagnostic::new(
                    1,
                    "",
                    name,
                    format!("this is no column: the columns are {known}"),
                ));
            }
            Some(column) if columns.contains(&column) => {
                diagnostics.push(Diagnostic::new(
                    1,
                    "",
                    name,
                    "this column stands there twice: take one out",
                ));
            }
            Some(_) => {}
        }
        columns.push(known.unwrap_or_default());
    }
    if !columns.contains(&"file") {
        diagnostics.push(Diagnostic::new(
            1,
            "",
            "",
            "there is no column `file`, which says what to seal: name the columns in the first line",
        ));
    }
    if !has_subject && !columns.contains(&"subject") {
        diagnostics.push(Diagnostic::new(
            1,
            "",
            "",
            "there is no column `subject`: add it, or give --subject for all letters",
        ));
    }
    columns
}

/// A line of the table on its way to a letter.
struct Cells<'a> {
    line: u64,
    columns: &'a [&'static str],
    record: &'a StringRecord,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl Cells<'_> {
    /// What the line says in this column, if anything.
    fn text(&self, column: &str) -> Option<String> {
        let at = self.columns.iter().position(|known| *known == column)?;
        self.record.get(at).filter(|cell| !cell.is_empty()).map(ToOwned::to_owned)
    }

    /// The same, read.
    fn read<T>(&mut self, column: &'static str, read: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let text = self.text(column)?;
        read(&text)
            .map_err(|error| self.diagnostics.push(Diagnostic::new(self.line, column, &text, error)))
            .ok()
    }

    fn needed(&mut self, column: &'static str, rest: &str, message: &str) -> String {
        let found = self.text(column).unwrap_or_else(|| rest.to_owned());
        if found.is_empty() {
            self.diagnostics.push(Diagnostic::new(self.line, column, "", message));
        }
        found
    }

    fn row(&mut self, folder: &Path, rest: &About, expires: When, seen: &mut HashMap<String, u32>) -> Row {
        let file = self.needed("file", "", "it is empty: write which file to seal");
        let subject = self.needed(
            "subject",
            &rest.subject,
            "it is empty: write what the letter is about, or give --subject",
        );
        let about = About {
            file: folder.join(&file),
            subject,
            customer: self.text("customer"),
            reference: self.text("reference"),
            lang: self
                .read("language", |text| {
                    let known = waxseal::lang::Lang::tags();
                    text.parse()
                        .map_err(|_| format!("this is no language of the pages: write one of {known}"))
                })
                .or(rest.lang),
            name: self.text("name"),
            media_type: self.text("media_type").or_else(|| rest.media_type.clone()),
            terms: self.read("terms", |text| text.parse().map_err(|error| format!("{error}"))).or(rest.terms),
            retention: self.read("retention", when::parse_days).unwrap_or(rest.retention),
            end_to_end: rest.end_to_end,
        };
        let expires = self.read("expires", when::parse).unwrap_or(expires);
        let to = self.read("to", mailbox);
        let said = json!([
            file,
            about.subject,
            about.customer,
            about.reference,
            about.lang.map(|lang| lang.tag()),
            about.name,
            about.media_type,
            about.terms,
            about.retention,
            about.end_to_end,
            format!("{expires:?}"),
            to,
        ]);
        let said = said.to_string();
        let before = seen.entry(said.clone()).or_insert(0);
        let digest = Sha256::new().chain_update(&said).chain_update(before.to_be_bytes()).finalize();
        *before += 1;
        let digest = HEXLOWER.encode(digest.get(..16).unwrap_or_default());
        Row { line: self.line, file, about, expires, to, digest }
    }
}
