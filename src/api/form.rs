//! `multipart/form-data` (RFC 7578, in the framing of RFC 2046, section 5.1.1) as it comes, in pieces of any size.
//!
//! A reader of our own, because those that there are want more than a form of two parts: `multer` reads from an asynchronous
//! stream and brings the tables of every legacy encoding (`encoding_rs`) into the module, for charsets that no part here has.
//! This one holds no more than a chunk, the length of a delimiter and a part's headers.

use core::mem::replace;

use memchr::memchr;

/// The longest headers of one part, in bytes.
const MAX_HEAD: usize = 4 * 1024;
/// The longest boundary, in characters (RFC 2046, section 5.1.1).
const MAX_BOUNDARY: usize = 70;
/// White space behind a delimiter, in bytes; nobody writes any.
const MAX_PADDING: usize = 64;

/// What is wrong with a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// The `Content-Type` is another one, or its boundary is none.
    #[error("the Content-Type must be multipart/form-data with a boundary of 1 to 70 characters")]
    ContentType,
    /// Something stands before the first delimiter.
    #[error("the form does not begin with its boundary")]
    Start,
    /// Something stands behind a delimiter on its line.
    #[error("a boundary has something behind it on its line")]
    Delimiter,
    /// The headers of a part are too long, or not what they have to be.
    #[error(
        "a part's headers must be Content-Disposition: form-data with a name, in UTF-8, and at most 4,096 bytes"
    )]
    Head,
    /// A part is encoded once more.
    #[error("a part has a Content-Transfer-Encoding: send its bytes as they are (RFC 7578, section 4.7)")]
    Encoded,
    /// A part is there that should not be, or in another place.
    #[error("there must be two parts in this order, and no others: letter, then report")]
    Parts,
    /// It ended before its last delimiter.
    #[error("the form ended before its last boundary: it broke off on its way")]
    Short,
    /// Something follows the last delimiter.
    #[error("something follows the form's last boundary")]
    After,
}

codes!(FormError = "form_data");

/// The headers of a part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartHead {
    /// Which part it is.
    pub name: String,
    /// What the file is called where it came from.
    pub file_name: Option<String>,
    /// Its `Content-Type`.
    pub media_type: Option<String>,
}

/// What comes next in a form.
#[derive(Debug, PartialEq, Eq)]
pub enum FormPiece<'a> {
    /// A part begins.
    Head(PartHead),
    /// More of it: never empty.
    Data(&'a [u8]),
    /// All parts are there.
    End,
}

enum State {
    Start,
    /// Behind a delimiter.
    Line,
    Head,
    Data,
    /// Behind the last delimiter.
    Over,
}

/// Reads a form: push what came, then take pieces until there is none.
pub struct FormReader {
    /// Begins with the line break that belongs to it.
    delimiter: Vec<u8>,
    names: &'static [&'static str],
    parts: usize,
    buffer: Vec<u8>,
    /// So much of the buffer was read.
    at: usize,
    state: State,
}

impl FormReader {
    /// For the body of a request with this `Content-Type`, which must have the parts of these names, in this order.
    ///
    /// # Errors
    /// [`FormError::ContentType`].
    pub fn new(content_type: &str, names: &'static [&'static str]) -> Result<Self, FormError> {
        let (essence, parameters) = parameters(content_type).ok_or(FormError::ContentType)?;
        let boundary = parameters.into_iter().find(|(name, _)| name == "boundary");
        let (_, boundary) = boundary.ok_or(FormError::ContentType)?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&byte);
        let holds = (1..=MAX_BOUNDARY).contains(&boundary.len()) && boundary.bytes().all(plain);
        if essence != "multipart/form-data" || !holds || boundary.ends_with(' ') {
            return Err(FormError::ContentType);
        }
        // The line break before the first delimiter is the one behind the headers of the request.
        let (delimiter, buffer) = (format!("\r\n--{boundary}").into_bytes(), b"\r\n".to_vec());
        Ok(Self { delimiter, names, parts: 0, buffer, at: 0, state: State::Start })
    }

    /// Takes what came.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..replace(&mut self.at, 0).min(self.buffer.len()));
        self.buffer.extend_from_slice(bytes);
    }

    /// The next piece; `None` when more has to come first.
    ///
    /// # Errors
    /// What is wrong with the form. It is of no use from then on.
    pub fn next_piece(&mut self) -> Result<Option<FormPiece<'_>>, FormError> {
        loop {
            let rest = self.buffer.get(self.at..).unwrap_or_default();
            match self.state {
                State::Start => {
                    let length = rest.len().min(self.delimiter.len());
                    if rest.get(..length) != self.delimiter.get(..length) {
                        return Err(FormError::Start);
                    }
                    if length < self.delimiter.len() {
                        return Ok(None);
                    }
                    (self.at, self.state) = (self.at.saturating_add(length), State::Line);
                }
                State::Line => {
                    let padding = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
                    match rest.get(padding..).unwrap_or_default() {
                        _ if padding > MAX_PADDING => return Err(FormError::Delimiter),
                        [] | [b'\r'] => return Ok(None),
                        [b'-'] if padding == 0 => return Ok(None),
                        [b'-', b'-', ..] if padding == 0 => {
                            (self.at, self.state) = (self.at.saturating_add(2), State::Over);
                            return match self.parts == self.names.len() {
                                true => Ok(Some(FormPiece::End)),
                                false => Err(FormError::Parts),
                            };
                        }
                        // The break stays: headers are looked for as lines that each begin with one.
                        [b'\r', b'\n', ..] => {
                            (self.at, self.state) = (self.at.saturating_add(padding), State::Head);
                        }
                        _ => return Err(FormError::Delimiter),
                    }
                }
                State::Head => {
                    let within = rest.get(..MAX_HEAD.min(rest.len())).unwrap_or_default();
                    let Some(length) = within.windows(4).position(|four| four == b"\r\n\r\n") else {
                        return if rest.len() >= MAX_HEAD { Err(FormError::Head) } else { Ok(None) };
                    };
                    let head = head(rest.get(2..length).unwrap_or_default())?;
                    if self.names.get(self.parts) != Some(&head.name.as_str()) {
                        return Err(FormError::Parts);
                    }
                    self.parts = self.parts.saturating_add(1);
                    (self.at, self.state) = (self.at.saturating_add(length).saturating_add(4), State::Data);
                    return Ok(Some(FormPiece::Head(head)));
                }
                State::Data => {
                    let (length, found) = match find(rest, &self.delimiter) {
                        Some(0) => {
                            (self.at, self.state) =
                                (self.at.saturating_add(self.delimiter.len()), State::Line);
                            continue;
                        }
                        Some(at) => (at, true),
                        None => (rest.len().saturating_sub(self.delimiter.len().saturating_sub(1)), false),
                    };
                    if length == 0 && !found {
                        return Ok(None);
                    }
                    let end = self.at.saturating_add(length);
                    let piece = self.buffer.get(replace(&mut self.at, end)..end);
                    return Ok(Some(FormPiece::Data(piece.unwrap_or_default())));
                }
                State::Over => {
                    return match rest.iter().all(u8::is_ascii_whitespace) {
                        true => Ok(None),
                        false => Err(FormError::After),
                    };
                }
            }
        }
    }

    /// The form has come to its end.
    ///
    /// # Errors
    /// [`FormError::Short`] when its last delimiter has not come.
    pub const fn finish(&self) -> Result<(), FormError> {
        match self.state {
            State::Over => Ok(()),
            _ => Err(FormError::Short),
        }
    }
}

/// Where the delimiter is. In a report a carriage return is rare, and what follows one is compared.
fn find(bytes: &[u8], delimiter: &[u8]) -> Option<usize> {
    let mut from = 0usize;
    loop {
        let at = from.saturating_add(memchr(b'\r', bytes.get(from..)?)?);
        if bytes.get(at..)?.starts_with(delimiter) {
            return Some(at);
        }
        from = at.saturating_add(1);
    }
}

/// Reads the header lines of a part.
fn head(bytes: &[u8]) -> Result<PartHead, FormError> {
    let text = core::str::from_utf8(bytes).map_err(|_| FormError::Head)?;
    let mut head = None::<PartHead>;
    let mut media_type = None;
    for line in text.split("\r\n") {
        let (name, value) = line.split_once(':').ok_or(FormError::Head)?;
        let value = value.trim_matches([' ', '\t']);
        if name.is_empty()
            || !name.bytes().all(is_token)
            || value.chars().any(|c| c.is_control() && c != '\t')
        {
            return Err(FormError::Head);
        }
        match name.to_ascii_lowercase().as_str() {
            "content-disposition" => {
                let (kind, mut given) = parameters(value).ok_or(FormError::Head)?;
                let mut take = |wanted: &str| {
                    let at = given.iter().position(|(name, _)| name == wanted)?;
                    Some(given.swap_remove(at).1)
                };
                let (name, file_name) = (take("name").ok_or(FormError::Head)?, take("filename"));
                // Twice the same would be read otherwise by others.
                if kind != "form-data"
                    || take("name").or_else(|| take("filename")).is_some()
                    || head.is_some()
                {
                    return Err(FormError::Head);
                }
                head = Some(PartHead { name, file_name, media_type: None });
            }
            "content-type" if media_type.is_some() => return Err(FormError::Head),
            "content-type" => media_type = Some(value.to_owned()),
            "content-transfer-encoding"
                if !["7bit", "8bit", "binary"].iter().any(|plain| value.eq_ignore_ascii_case(plain)) =>
            {
                return Err(FormError::Encoded);
            }
            _ => {}
        }
    }
    head.map(|head| PartHead { media_type, ..head }).ok_or(FormError::Head)
}

/// A value and its parameters (RFC 9110, section 5.6.6): names in lower case, values without quotes. A backslash stands for
/// itself but before a quote or another one: file names of Windows have it.
fn parameters(text: &str) -> Option<(String, Vec<(String, String)>)> {
    let (value, mut rest) = text.split_once(';').unwrap_or((text, ""));
    let mut found = Vec::new();
    loop {
        rest = rest.trim_start_matches([' ', '\t', ';']);
        if rest.is_empty() {
            return Some((value.trim_matches([' ', '\t']).to_ascii_lowercase(), found));
        }
        let (name, after) = rest.split_once('=')?;
        let name = name.to_ascii_lowercase();
        if name.is_empty() || !name.bytes().all(is_token) {
            return None;
        }
        let mut value = String::new();
        if let Some(quoted) = after.strip_prefix('"') {
            let mut characters = quoted.char_indices().peekable();
            let end = loop {
                match (characters.next()?, characters.peek()) {
                    ((_, '\\'), Some((_, next @ ('"' | '\\')))) => {
                        value.push(*next);
                        characters.next();
                    }
                    ((at, '"'), _) => break at,
                    ((_, other), _) => value.push(other),
                }
            };
            rest = quoted.get(end.saturating_add(1)..)?.trim_start_matches([' ', '\t']);
            if !rest.is_empty() && !rest.starts_with(';') {
                return None;
            }
        } else {
            let (bare, others) = after.split_once(';').unwrap_or((after, ""));
            value.push_str(bare.trim_end_matches([' ', '\t']));
            if value.is_empty() || value.contains(['"', ' ', '\t']) {
                return None;
            }
            rest = others;
        }
        found.push((name, value));
    }
}

/// RFC 9110, section 5.6.2.
const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}
