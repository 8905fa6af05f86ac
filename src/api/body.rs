//! What the body of a request or answer is.

use std::collections::BTreeMap;

use serde::de::{DeserializeOwned, Error as _};
use serde_json::Error;

/// The media type of what is JSON.
pub const JSON: &str = "application/json";

/// The body of a request or answer.
pub trait Body: Sized {
    /// `None`: there is no body.
    const MEDIA_TYPE: Option<&'static str>;

    /// As it travels.
    fn encode(self) -> Result<Vec<u8>, Error>;

    /// From what came.
    fn decode(bytes: &[u8]) -> Result<Self, Error>;

    /// `false` where what an answer tells of was there already: its status is 200 then, not 201.
    fn is_new(&self) -> bool {
        true
    }

    /// The version that the answer's entity tag names.
    fn tag(&self) -> Option<u64> {
        None
    }
}

/// A JSON document that is answered as it is stored.
pub struct Document(pub Vec<u8>);

/// An HTML page in UTF-8.
pub struct Page(pub Vec<u8>);

/// The media type of a page.
pub const HTML: &str = "text/html; charset=utf-8";

/// The media type of a form with files.
pub(super) const FORM: &str = "multipart/form-data";

/// A form of two parts: `letter`, the fields of a letter in JSON, and `report`, the report. As it travels, but for the boundary,
/// which is the request's own.
pub struct FormData(pub Vec<u8>);

/// Bytes of any kind.
pub struct Octets(pub Vec<u8>);

/// Plain text.
pub struct Text(pub String);

impl Body for () {
    const MEDIA_TYPE: Option<&'static str> = None;

    fn encode(self) -> Result<Vec<u8>, Error> {
        Ok(Vec::new())
    }

    fn decode(_: &[u8]) -> Result<Self, Error> {
        Ok(())
    }
}

macro_rules! bytes_body {
    ($($ty:ident $media_type:expr),*) => {$(
        impl Body for $ty {
            const MEDIA_TYPE: Option<&'static str> = Some($media_type);

            fn encode(self) -> Result<Vec<u8>, Error> {
                Ok(self.0)
            }

            fn decode(bytes: &[u8]) -> Result<Self, Error> {
                Ok(Self(bytes.to_vec()))
            }
        }
    )*};
}
bytes_body! { Octets "application/octet-stream", FormData FORM, Document JSON, Page HTML }

impl Body for Text {
    const MEDIA_TYPE: Option<&'static str> = Some("text/plain; charset=utf-8");

    fn encode(self) -> Result<Vec<u8>, Error> {
        Ok(self.0.into_bytes())
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        text(bytes).map(|text| Self(text.to_owned()))
    }
}

/// Makes a type whose JSON travels a body; `if` names the field that says whether it is new, `tag`
/// that of its version.
macro_rules! json_body {
    ($ty:ty $(, if $new:ident)? $(, tag $tag:ident)?) => {
        impl $crate::api::Body for $ty {
            const MEDIA_TYPE: Option<&'static str> = Some($crate::api::body::JSON);

            fn encode(self) -> Result<Vec<u8>, serde_json::Error> {
                serde_json::to_string(&self).map(String::into_bytes)
            }

            fn decode(bytes: &[u8]) -> Result<Self, serde_json::Error> {
                $crate::api::body::from_json(bytes)
            }

            $(fn is_new(&self) -> bool {
                self.$new
            })?

            $(fn tag(&self) -> Option<u64> {
                Some(self.$tag)
            })?
        }
    };
}
pub(super) use json_body;

json_body!(BTreeMap<String, String>);

/// By way of a text, as for everything else that is read, so that there is one reader.
pub(super) fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    serde_json::from_str(text(bytes)?)
}

fn text(bytes: &[u8]) -> Result<&str, Error> {
    core::str::from_utf8(bytes).map_err(Error::custom)
}
