//! Forms as clients write them, in pieces of any size, and as nobody should.

use proptest::prelude::*;
use waxseal::api::{FormError, FormPiece, FormReader, PartHead};

const NAMES: [&str; 2] = ["letter", "report"];
const TYPE: &str = "multipart/form-data; boundary=xYz";

/// What a form says: the heads, and the bytes of each part.
type Said = Vec<(PartHead, Vec<u8>)>;

/// Reads a form that comes in these pieces.
fn read<'a>(content_type: &str, pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Said, FormError> {
    let mut form = FormReader::new(content_type, &NAMES)?;
    let (mut said, mut ended) = (Said::new(), false);
    for piece in pieces {
        form.push(piece);
        while let Some(piece) = form.next_piece()? {
            assert!(!ended, "nothing comes after the end");
            match piece {
                FormPiece::Head(head) => said.push((head, Vec::new())),
                FormPiece::Data(data) => {
                    assert!(!data.is_empty());
                    said.last_mut().unwrap().1.extend_from_slice(data);
                }
                FormPiece::End => ended = true,
            }
        }
    }
    form.finish()?;
    assert!(ended);
    Ok(said)
}

fn whole(form: &str) -> Result<Said, FormError> {
    read(TYPE, [form.as_bytes()])
}

const LETTER: &str = "--xYz\r\nContent-Disposition: form-data; name=\"letter\"\r\n\r\n{}";
const REPORT: &str = "\r\n--xYz\r\nContent-Disposition: form-data; name=\"report\"; filename=\"a.pdf\"\r\nContent-Type: application/pdf\r\n\r\n%PDF";
const END: &str = "\r\n--xYz--\r\n";

fn form(report: &[u8], boundary: &str) -> Vec<u8> {
    let head = format!(
        "--{boundary}\r\ncontent-disposition: form-data; name=letter\r\n\r\n{{}}\r\n--{boundary}\r\nContent-Disposition: form-data; name=\"report\"; filename=\"a\"\r\n\r\n"
    );
    [head.as_bytes(), report, format!("\r\n--{boundary}--\r\n").as_bytes()].concat()
}

#[test]
fn a_form_says_its_parts() {
    let said = whole(&[LETTER, REPORT, END].concat()).unwrap();
    let [(letter, json), (report, bytes)] = said.as_slice() else { panic!() };
    assert_eq!((letter.name.as_str(), json.as_slice()), ("letter", &b"{}"[..]));
    assert_eq!(letter.file_name, None);
    assert_eq!(
        (report.file_name.as_deref(), report.media_type.as_deref()),
        (Some("a.pdf"), Some("application/pdf"))
    );
    assert_eq!(bytes, b"%PDF");
}

#[test]
fn clients_write_names_as_they_like() {
    for (written, name) in [
        (r#"filename="a b.pdf""#, "a b.pdf"),
        (r#"filename=a.pdf"#, "a.pdf"),
        (r#"FileName="a.pdf""#, "a.pdf"),
        (r#"filename="Prüfung.pdf""#, "Prüfung.pdf"),
        (r#"filename="a\"b.pdf""#, "a\"b.pdf"),
        (r#"filename="C:\dir\a.pdf""#, "C:\\dir\\a.pdf"),
        (r#"filename="a\\b.pdf""#, "a\\b.pdf"),
        (r#"filename="a;b=c.pdf""#, "a;b=c.pdf"),
        (r#"filename="";x="y""#, ""),
    ] {
        let form = [LETTER, &REPORT.replace("filename=\"a.pdf\"", written), END].concat();
        assert_eq!(whole(&form).unwrap()[1].0.file_name.as_deref(), Some(name), "{written}");
    }
}

#[test]
fn a_boundary_is_read_as_it_is_written() {
    for (content_type, boundary) in [
        ("multipart/form-data; boundary=xYz", "xYz"),
        ("Multipart/Form-Data;BOUNDARY=\"xYz\"", "xYz"),
        ("multipart/form-data; charset=utf-8; boundary=\"a b:c\"", "a b:c"),
        ("multipart/form-data; boundary=----WebKitFormBoundaryABC", "----WebKitFormBoundaryABC"),
        (&format!("multipart/form-data; boundary={}", "b".repeat(70)), &"b".repeat(70)),
    ] {
        assert_eq!(read(content_type, [&form(b"x", boundary)[..]]).unwrap()[1].1, b"x", "{content_type}");
    }
    for content_type in [
        "",
        "application/json",
        "multipart/form-data",
        "multipart/mixed; boundary=x",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\"x",
        "multipart/form-data; boundary=\"x \"",
        "multipart/form-data; boundary=\"x\r\n\"",
        "multipart/form-data; boundary=\"\u{fc}\"",
        &format!("multipart/form-data; boundary={}", "b".repeat(71)),
    ] {
        assert_eq!(read(content_type, []).unwrap_err(), FormError::ContentType, "{content_type}");
    }
}

#[test]
fn what_is_no_such_form_is_refused() {
    let all = [LETTER, REPORT, END].concat();
    let long = "x".repeat(4_096);
    for (form, error) in [
        (String::new(), FormError::Short),
        (all[..all.len() - 4].to_owned(), FormError::Short),
        (all[..LETTER.len() + 20].to_owned(), FormError::Short),
        (format!("preamble\r\n{all}"), FormError::Start),
        (format!("\r\n{all}"), FormError::Start),
        (all.replacen("--xYz", "--xyz", 1), FormError::Start),
        (format!("{all}more"), FormError::After),
        (all.replace("\r\n--xYz\r\n", "\r\n--xYzz\r\n"), FormError::Delimiter),
        (all.replace("\r\n--xYz\r\n", &format!("\r\n--xYz{}\r\n", " ".repeat(65))), FormError::Delimiter),
        ([LETTER, END].concat(), FormError::Parts),
        ([REPORT.trim_start(), END].concat(), FormError::Parts),
        ([REPORT.trim_start(), "\r\n", LETTER, END].concat(), FormError::Parts),
        ([LETTER, REPORT, REPORT, END].concat(), FormError::Parts),
        ("--xYz--\r\n".to_owned(), FormError::Parts),
        (all.replace("form-data; name=\"report\"", "form-data"), FormError::Head),
        (all.replace("form-data; name=\"report\"", "attachment; name=\"report\""), FormError::Head),
        (all.replace("name=\"report\"", "name=\"report\"; name=\"letter\""), FormError::Head),
        (all.replace("filename=\"a.pdf\"", "filename=\"a.pdf\"; filename=\"b\""), FormError::Head),
        (all.replace("filename=\"a.pdf\"", "filename=\"a.pdf"), FormError::Head),
        (all.replace("filename=\"a.pdf\"", "filename=\"a\u{1}.pdf\""), FormError::Head),
        (all.replace("Content-Type: application/pdf", "Content-Type"), FormError::Head),
        (all.replace("Content-Type: application/pdf", " folded: x"), FormError::Head),
        (all.replace("application/pdf", "a/b\r\nContent-Type: c/d"), FormError::Head),
        (all.replace("application/pdf", &long), FormError::Head),
        (
            all.replace("Content-Type", "Content-Disposition: form-data; name=report\r\nContent-Type"),
            FormError::Head,
        ),
        (
            all.replace("Content-Type", "Content-Transfer-Encoding: base64\r\nContent-Type"),
            FormError::Encoded,
        ),
    ] {
        assert_eq!(whole(&form).unwrap_err(), error, "{form:?}");
    }
    for (form, what) in [
        (
            all.replace("\r\n--xYz\r\n", "\r\n--xYz \t\r\n"),
            "padding, which nobody writes (RFC 2046, section 5.1.1)",
        ),
        (
            all.replace("Content-Type", "Content-Transfer-Encoding: Binary\r\nContent-Type"),
            "bytes as they are",
        ),
        (all.replace("Content-Type", "X-Other: anything\r\nContent-Type"), "other headers"),
        (all[..all.len() - 2].to_owned(), "no line break behind the end"),
        (all.replace("%PDF", "--xYz\r\n-xYz\r\n--xY\r\r\n\r\n--x"), "what looks like a delimiter"),
    ] {
        assert!(whole(&form).is_ok(), "{what}");
    }
    let not_text = all
        .replace("a.pdf", "\u{1}")
        .into_bytes()
        .iter()
        .map(|b| if *b == 1 { 0xff } else { *b })
        .collect::<Vec<_>>();
    assert_eq!(read(TYPE, [&not_text[..]]).unwrap_err(), FormError::Head);
}

proptest! {
    /// Bytes that are mostly those of a delimiter.
    #[test]
    fn any_pieces_give_the_same(
        report in proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'-'), Just(b'b'), any::<u8>()], 0..300),
        cuts in proptest::collection::vec(1usize..40, 1..60),
    ) {
        let boundary = "b-b";
        prop_assume!(!report.windows(7).any(|seven| seven == b"\r\n--b-b"));
        let form = form(&report, boundary);
        let (mut pieces, mut rest) = (Vec::new(), form.as_slice());
        for cut in cuts.iter().cycle() {
            let (piece, after) = rest.split_at((*cut).min(rest.len()));
            pieces.push(piece);
            rest = after;
            if rest.is_empty() { break }
        }
        let said = read("multipart/form-data; boundary=b-b", pieces).unwrap();
        prop_assert_eq!(&said[1].1, &report);
        prop_assert_eq!(&said[0].1, b"{}");
    }

    #[test]
    fn nothing_hostile_is_more_than_refused(
        parts in proptest::collection::vec(prop_oneof![
            Just(b"--xYz".to_vec()), Just(b"\r\n".to_vec()), Just(b"--".to_vec()), Just(LETTER.into()), Just(REPORT.into()), Just(END.into()),
            Just(b"Content-Disposition: form-data; name=\"report".to_vec()), Just(b"\"\\".to_vec()), Just(b"; =".to_vec()),
            proptest::collection::vec(any::<u8>(), 0..20),
        ], 0..12),
        size in 1usize..64,
        header in "[ -~]{0,40}",
    ) {
        let bytes = parts.concat();
        let once = read(TYPE, [&bytes[..]]);
        prop_assert_eq!(read(TYPE, bytes.chunks(size)), once);
        let _ = FormReader::new(&format!("multipart/form-data; {header}"), &NAMES);
    }
}
