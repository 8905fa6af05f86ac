//! Where messages may be sent. One strict reader, and not that of a browser, which turns many spellings into one address: what is not
//! plainly a public name is refused, so nobody with a key makes the edge knock at its own network.

/// The longest address, in bytes.
pub const MAX_URL: usize = 1_000;

/// Names that are no public ones, with everything below (RFC 2606, 6761, 6762, 7686, 8375; ICANN's `internal`, and what it never gives out).
const NOT_PUBLIC: [&str; 16] = [
    "localhost",
    "local",
    "localdomain",
    "internal",
    "intranet",
    "private",
    "lan",
    "home",
    "corp",
    "home.arpa",
    "onion",
    "test",
    "invalid",
    "example",
    "alt",
    "in-addr.arpa",
];

/// Why messages are not sent to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum TargetError {
    /// Longer than [`MAX_URL`].
    #[error("the address is longer than 1,000 characters")]
    TooLong,
    /// Spaces, control characters, anything outside ASCII, or what no URL has.
    #[error(
        "the address has a character that no URL has: write a name with other letters as xn--..., and the rest percent-encoded"
    )]
    Characters,
    /// Not `https:`.
    #[error("the address must begin with https://")]
    Scheme,
    /// A part behind `#`.
    #[error("the address has a part behind #, which is never sent")]
    Fragment,
    /// A name or password before `@`.
    #[error(
        "the address has a user or password in front of @; messages are signed, and that is what a receiver verifies"
    )]
    UserInfo,
    /// Another port.
    #[error("the port must be 443, and is best left out")]
    Port,
    /// An IP address in any spelling.
    #[error("the host is an IP address, or ends in a number as one does: give a public name")]
    Address,
    /// What no host name has.
    #[error("the host has a character that no name has: only letters, digits, hyphens and dots")]
    HostCharacters,
    /// A dot at the end.
    #[error("the host ends with a dot: leave it out")]
    TrailingDot,
    /// An empty label, a long one, or a hyphen at its end.
    #[error(
        "the host is no name: each part between dots has 1 to 63 characters, with no hyphen at either end, 253 in all"
    )]
    Label,
    /// A name of this machine or of a private network.
    #[error("the host is a name that the public Internet does not have")]
    NotPublic,
    /// A single word.
    #[error("the host is a single word: give a public name, such as hooks.garage.nl")]
    NotDotted,
}

codes!(TargetError);

/// Whether messages may be sent to this address. With `loopback`, also to `http://127.0.0.1:PORT` and `http://localhost:PORT`: for a developer's
/// machine alone.
///
/// # Errors
/// The first thing that speaks against it.
pub fn check_target(url: &str, loopback: bool) -> Result<(), TargetError> {
    if url.len() > MAX_URL {
        return Err(TargetError::TooLong);
    }
    if !url.bytes().all(|byte| byte.is_ascii_graphic() && !br#""<>\^`{|}"#.contains(&byte)) {
        return Err(TargetError::Characters);
    }
    let (scheme, rest) = url.split_once("://").ok_or(TargetError::Scheme)?;
    if rest.contains('#') {
        return Err(TargetError::Fragment);
    }
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err(TargetError::UserInfo);
    }
    if loopback && scheme == "http" && is_loopback(authority) {
        return Ok(());
    }
    if scheme != "https" {
        return Err(TargetError::Scheme);
    }
    // Brackets hold IPv6, with IPv4 inside it, zones and all.
    if authority.contains(['[', ']']) {
        return Err(TargetError::Address);
    }
    let (host, port) = authority.split_once(':').map_or((authority, "443"), |(host, port)| (host, port));
    if port != "443" {
        return Err(TargetError::Port);
    }
    check_host(&host.to_ascii_lowercase())
}

fn check_host(host: &str) -> Result<(), TargetError> {
    if !host.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.') {
        return Err(TargetError::HostCharacters);
    }
    if host.ends_with('.') {
        return Err(TargetError::TrailingDot);
    }
    let is_label =
        |label: &str| (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-');
    if host.len() > 253 || !host.split('.').all(is_label) {
        return Err(TargetError::Label);
    }
    // As URL parsers have it: a host whose last part is a number, decimal, octal or hexadecimal, is an IPv4 address or nothing.
    let last = host.rsplit('.').next().unwrap_or_default();
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_hex = |hex: &str| hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    if digits(last) || last.strip_prefix("0x").is_some_and(is_hex) {
        return Err(TargetError::Address);
    }
    let is_below =
        |name: &&str| host.strip_suffix(*name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    if NOT_PUBLIC.iter().any(is_below) {
        return Err(TargetError::NotPublic);
    }
    if host.contains('.') { Ok(()) } else { Err(TargetError::NotDotted) }
}

fn is_loopback(authority: &str) -> bool {
    let (host, port) = authority.split_once(':').unwrap_or((authority, "80"));
    (host == "127.0.0.1" || host == "localhost") && port.parse::<u16>().is_ok_and(|port| port > 0)
}
