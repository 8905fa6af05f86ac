//! The address of an edge: scheme, host and port. HTTPS everywhere, plain HTTP only to this machine.

use std::fmt;
use std::str::FromStr;

use url::{Host, Url};

/// `https://letters.example` or, for trying, `http://127.0.0.1:8787`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin(Box<Url>);

/// Why an address cannot be an edge's.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OriginError {
    #[error("this is not a URL ({0}): write it like https://letters.example")]
    NotAUrl(url::ParseError),
    #[error(
        "plain http is only taken for this machine (127.0.0.1, [::1], localhost), not for {0}: use https://{0}, \
         or anybody on the way could read along"
    )]
    PlainHttp(String),
    #[error("the scheme {0} is not taken: write it like https://letters.example")]
    Scheme(String),
    #[error("only scheme, host and port belong here, without path, query, name or password: write {0}")]
    TooMuch(String),
}

impl Origin {
    /// The URL of a path on this edge. `path` starts with a slash and holds only characters safe in a URL.
    pub(crate) fn at(&self, path: &str) -> Url {
        let mut url = self.0.as_ref().clone();
        url.set_path(path);
        url
    }

    /// Whether it is on this machine.
    pub(crate) fn is_local(&self) -> bool {
        is_loopback(self.0.host())
    }
}

/// Whether plain HTTP to this host stays on this machine.
pub(crate) fn is_loopback(host: Option<Host<&str>>) -> bool {
    match host {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Refuses what would cross a network unencrypted.
pub(crate) fn check_transport(url: &Url) -> Result<(), OriginError> {
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_loopback(url.host()) => Ok(()),
        "http" => Err(OriginError::PlainHttp(url.host_str().unwrap_or_default().to_owned())),
        other => Err(OriginError::Scheme(other.to_owned())),
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text).map_err(OriginError::NotAUrl)?;
        check_transport(&url)?;
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        if !bare || !url.username().is_empty() || url.password().is_some() {
            return Err(OriginError::TooMuch(url.origin().ascii_serialization()));
        }
        Ok(Self(Box::new(url)))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_and_loopback_are_taken() {
        for text in [
            "https://letters.example",
            "https://letters.example:8443/",
            "http://127.0.0.1:8787",
            "http://[::1]:1",
            "http://127.255.0.1",
            "http://localhost",
        ] {
            assert_eq!(
                text.parse::<Origin>().map(|o| o.to_string()),
                Ok(text.trim_end_matches('/').to_owned())
            );
        }
    }

    #[test]
    fn anything_that_leaves_the_machine_in_the_clear_is_refused() {
        for text in [
            "http://letters.example",
            "http://10.0.0.1",
            "http://localhost.example",
            "http://letters.localhost",
            "http://128.0.0.1",
            "http://[::2]",
        ] {
            assert!(matches!(text.parse::<Origin>(), Err(OriginError::PlainHttp(_))), "{text}");
        }
        for text in [
            "ftp://letters.example",
            "https://u:p@letters.example",
            "https://letters.example/x",
            "https://letters.example?x",
            "letters.example",
        ] {
            assert!(text.parse::<Origin>().is_err(), "{text}");
        }
    }
}
