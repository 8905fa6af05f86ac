//! What the name of a host says by itself.

use core::net::{Ipv4Addr, Ipv6Addr};

/// Names that the Internet keeps for examples, tests and the machine itself (RFC 2606, RFC 6761), with everything below.
const RESERVED: [&str; 7] =
    ["example", "test", "invalid", "localhost", "example.com", "example.net", "example.org"];

/// Whether a host, as it stands in a URL without its port, is the machine itself.
pub fn is_loopback(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse().is_ok_and(|address: Ipv6Addr| address.is_loopback());
    }
    match host.parse::<Ipv4Addr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => is_below(host, "localhost"),
    }
}

/// Whether nobody can own this name.
pub(super) fn is_reserved(host: &str) -> bool {
    is_loopback(host) || RESERVED.iter().any(|name| is_below(host, name))
}

/// Whether `host` is `name` or ends in it, label by label, in any case.
fn is_below(host: &str, name: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let Some(at) = host.len().checked_sub(name.len()) else { return false };
    let (Some(before), Some(end)) = (host.get(..at), host.get(at..)) else { return false };
    end.eq_ignore_ascii_case(name) && (before.is_empty() || before.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_machine_itself_is_loopback() {
        for host in ["localhost", "LOCALHOST", "localhost.", "a.localhost", "127.0.0.1", "127.9.8.7", "[::1]"]
        {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "",
            "letters.example",
            "localhost.example",
            "notlocalhost",
            "0.0.0.0",
            "10.0.0.1",
            "[::]",
            "[::2]",
            "::1",
            "127.0.0.1.example",
            "128.0.0.1",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn reserved_names_are_told_label_by_label() {
        for host in
            ["a.example", "example", "EXAMPLE.com", "mail.example.org", "x.test", "x.invalid.", "127.0.0.1"]
        {
            assert!(is_reserved(host), "{host}");
        }
        for host in ["example.be", "myexample.com", "garage-example.com", "test.nl", "contest", "vermeer.nl"]
        {
            assert!(!is_reserved(host), "{host}");
        }
    }
}
