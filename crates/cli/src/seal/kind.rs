//! What a report is called and what it is: by its name's ending, else by its first bytes, else it has to be said.

use std::path::Path;

use super::plan::About;
use crate::error::coded;

/// So much of a report is looked at: enough for the first entries of a zip, which tell an office document.
pub(super) const HEAD_BYTES: usize = 16 * 1024;

/// The name of a report that came without one.
const NAMELESS: &str = "report";
/// The media type of what nobody knows.
const UNKNOWN: &str = "application/octet-stream";
const TEXT: &str = "text/plain";

/// What a text may be by its first bytes. The other signatures are short, and a text about a BMW is no bitmap.
const TEXTUAL: [&str; 5] =
    ["application/pdf", "application/rtf", "application/postscript", "text/html", "text/xml"];

/// Nothing says what the report is.
#[derive(Debug, thiserror::Error)]
#[error(
    "what {what} is cannot be told from its {signs}: give a name with an ending, such as --name {example}, or the media type \
     with --media-type"
)]
pub(crate) struct NameNeeded {
    what: String,
    signs: &'static str,
    example: String,
}

coded!(NameNeeded = "name_needed": usage);

/// A report's name and media type.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) file_name: String,
    pub(super) media_type: String,
    /// The first bytes told the type; a person may want to know.
    pub(super) by_content: bool,
}

/// The name given with `--name`, else the file's own.
fn given(about: &About) -> Option<String> {
    let own = || about.file.file_name().filter(|_| about.file != Path::new("-"));
    about.name.clone().or_else(|| own().map(|name| name.to_string_lossy().into_owned()))
}

/// What the options and the name say, if they say enough.
pub(super) fn by_name(about: &About) -> Option<Named> {
    let file_name = given(about)?;
    let ending = ending(&file_name);
    let media_type = match (&about.media_type, ending) {
        (Some(said), _) => said.clone(),
        (None, Some(ending)) => mime_guess::from_ext(ending).first_raw()?.to_owned(),
        // `--name Inspection` for report.pdf: the file itself has the ending.
        (None, None) => return None,
    };
    Some(Named { file_name, media_type, by_content: false })
}

/// What the first bytes say.
pub(super) fn by_content(about: &About, head: &[u8]) -> Result<Named, NameNeeded> {
    let name = given(about);
    let found = recognise(head);
    let own_ending =
        about.file.extension().and_then(|ending| ending.to_str()).filter(|_| about.name.is_some());
    let own = own_ending.and_then(|ending| Some((mime_guess::from_ext(ending).first_raw()?, ending)));
    let by_content = about.media_type.is_none() && (found.is_some() || own.is_some());
    let Some(name) = name else {
        let (media_type, ending) = match (&about.media_type, found) {
            (Some(said), found) => (said.clone(), ending_of(said, found)),
            (None, Some((found, ending))) => (found.to_owned(), Some(ending.to_owned())),
            (None, None) => {
                return Err(NameNeeded {
                    what: "standard input".to_owned(),
                    signs: "first bytes",
                    example: "report.pdf".to_owned(),
                });
            }
        };
        let file_name = ending.map_or_else(|| NAMELESS.to_owned(), |ending| format!("{NAMELESS}.{ending}"));
        return Ok(Named { file_name, media_type, by_content });
    };
    if ending(&name).is_some() {
        // An ending that no list has, such as .dwg: the name is whole, whatever it is.
        let media_type = found.filter(|(found, _)| *found != TEXT).map_or(UNKNOWN, |(found, _)| found);
        return Ok(Named {
            by_content: media_type != UNKNOWN,
            file_name: name,
            media_type: media_type.to_owned(),
        });
    }
    match found.or(own) {
        Some((media_type, ending)) => {
            Ok(Named { file_name: format!("{name}.{ending}"), media_type: media_type.to_owned(), by_content })
        }
        None => {
            let example = format!("'{}.pdf'", crate::output::line(&name).replace('\'', ""));
            let what = crate::output::line(&name);
            Err(NameNeeded { what, signs: "name or its first bytes", example })
        }
    }
}

/// The ending of a name: letters and digits after the last dot, with a letter that does not only count versions. `Report v1.2`,
/// `2026.11` and `Dr. Smith` have none.
fn ending(name: &str) -> Option<&str> {
    let (stem, ending) = name.rsplit_once('.')?;
    let plain = (1..=12).contains(&ending.len()) && ending.bytes().all(|b| b.is_ascii_alphanumeric());
    let counts = ending.trim_start_matches(['v', 'V']).bytes().all(|b| b.is_ascii_digit());
    (plain && !counts && !stem.trim().is_empty()).then_some(ending)
}

/// Media type and ending by the first bytes.
fn recognise(head: &[u8]) -> Option<(&'static str, &'static str)> {
    let found = infer::get(head).map(|kind| (kind.mime_type(), kind.extension()));
    if is_text(head) {
        return Some(found.filter(|(kind, _)| TEXTUAL.contains(kind)).unwrap_or((TEXT, "txt")));
    }
    found
}

/// Without a control character that no text has; UTF-16, which is full of them, by its byte order mark.
fn is_text(head: &[u8]) -> bool {
    let control = |byte: &u8| matches!(byte, 0..=8 | 11 | 14..=26 | 28..=31 | 127);
    let wide = head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]);
    !head.is_empty() && (wide || !head.iter().any(control))
}

/// The ending for a media type that was given: what the content has if it agrees, else the one that is sure.
fn ending_of(media_type: &str, found: Option<(&'static str, &'static str)>) -> Option<String> {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if let Some((_, ending)) = found.filter(|(kind, _)| *kind == essence) {
        return Some(ending.to_owned());
    }
    let known = mime_guess::get_mime_extensions_str(&essence)?;
    let (_, subtype) = essence.split_once('/')?;
    match known {
        [only] => Some((*only).to_owned()),
        _ if essence == TEXT => Some("txt".to_owned()),
        _ => known.iter().find(|ending| **ending == subtype).map(|ending| (*ending).to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Cli, Command};

    fn named(arguments: &[&str], head: &[u8]) -> Result<(String, String), String> {
        let all = ["waxseal", "seal", "--subject", "S"].iter().chain(arguments);
        let Command::Seal(args) = Cli::try_parse_from(all).map_err(|e| e.to_string())?.command else {
            return Err("another command".to_owned());
        };
        let about = About::of(&args);
        let named = match by_name(&about) {
            Some(named) => named,
            None => by_content(&about, head).map_err(|error| error.to_string())?,
        };
        Ok((named.file_name, named.media_type))
    }

    const PDF: &[u8] = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj";
    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    const JPEG: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF\0";
    const ZIP: &[u8] = b"PK\x03\x04\x14\0\0\0\x08\0hello.txt";
    const NOISE: &[u8] = &[7, 1, 0, 200, 31, 9, 0, 0, 77, 3, 2, 250, 0, 0, 0, 1];

    #[test]
    fn a_report_is_known_by_its_ending_or_its_first_bytes() {
        for (arguments, head, name, media_type) in [
            (&["report.pdf"][..], NOISE, "report.pdf", "application/pdf"),
            (&["-", "--name", "scan.png"], PDF, "scan.png", "image/png"),
            (&["-"], PDF, "report.pdf", "application/pdf"),
            (&["-"], PNG, "report.png", "image/png"),
            (&["-"], JPEG, "report.jpg", "image/jpeg"),
            (&["-"], ZIP, "report.zip", "application/zip"),
            (&["-"], b"Dear Ms Smith,\r\n", "report.txt", "text/plain"),
            (&["-"], "Grüße\n".as_bytes(), "report.txt", "text/plain"),
            (&["-"], b"Gr\xfc\xdfe\n", "report.txt", "text/plain"),
            (&["-"], b"\xff\xfeH\0i\0", "report.txt", "text/plain"),
            // Short signatures do not make a picture, a program or a film of a text.
            (&["-"], b"BMW 320i, inspection", "report.txt", "text/plain"),
            (&["-"], b"MZ 42 is due", "report.txt", "text/plain"),
            (&["-"], b"ID3 of the car", "report.txt", "text/plain"),
            (&["-"], b"<!DOCTYPE html><p>Hi", "report.html", "text/html"),
            (&["Inspection"], PDF, "Inspection.pdf", "application/pdf"),
            (&["Inspection v1.2"], PDF, "Inspection v1.2.pdf", "application/pdf"),
            (&["2026.11"], PNG, "2026.11.png", "image/png"),
            (&["report.v2"], PDF, "report.v2.pdf", "application/pdf"),
            (&["Dr. Smith"], PDF, "Dr. Smith.pdf", "application/pdf"),
            (&[".hidden"], PDF, ".hidden.pdf", "application/pdf"),
            (&["-", "--name", "Your inspection"], JPEG, "Your inspection.jpg", "image/jpeg"),
            (&["table.csv", "--name", "Costs"], NOISE, "Costs.csv", "text/csv"),
            // An ending that no list has is an ending.
            (&["plan.zzz"], NOISE, "plan.zzz", "application/octet-stream"),
            (&["plan.zzz"], b"only text", "plan.zzz", "application/octet-stream"),
            (&["plan.zzz"], PDF, "plan.zzz", "application/pdf"),
            // What is said counts.
            (&["Inspection", "--media-type", "image/png"], PDF, "Inspection", "image/png"),
            (&["-", "--media-type", "text/csv"], b"a,b\n", "report.csv", "text/csv"),
            (
                &["-", "--media-type", "text/plain; charset=utf-8"],
                NOISE,
                "report.txt",
                "text/plain; charset=utf-8",
            ),
            (&["-", "--media-type", "application/x-own"], NOISE, "report", "application/x-own"),
        ] {
            let expected = Ok((name.to_owned(), media_type.to_owned()));
            assert_eq!(named(arguments, head), expected, "{arguments:?} {head:?}");
        }
    }

    #[test]
    fn what_nothing_tells_has_to_be_said() {
        for (arguments, head, what) in [
            (&["-"][..], NOISE, "standard input"),
            (&["data"], NOISE, "data"),
            (&["-", "--name", "O'Hara"], NOISE, "O'Hara"),
        ] {
            let said = named(arguments, head).err().unwrap_or_default();
            assert!(
                said.contains(&format!("what {what} is cannot be told")) && said.contains("--name"),
                "{said}"
            );
        }
    }
}
