use proptest::prelude::*;
use waxseal::webhook::{MAX_URL, TargetError, check_target};

/// Each spelling, and why nothing is sent there.
const REFUSED: &[(&str, &str)] = &[
    // IPv4 in every spelling that a URL parser takes for one.
    ("https://127.0.0.1/", "address"),
    ("https://127.0.0.1:443/hook", "address"),
    ("https://10.0.0.8/", "address"),
    ("https://192.168.1.1/", "address"),
    ("https://172.16.0.1/", "address"),
    ("https://169.254.169.254/latest/meta-data", "address"),
    ("https://100.64.0.1/", "address"),
    ("https://0.0.0.0/", "address"),
    ("https://255.255.255.255/", "address"),
    ("https://224.0.0.1/", "address"),
    ("https://8.8.8.8/", "address"),
    ("https://2130706433/", "address"),
    ("https://0/", "address"),
    ("https://0x7f000001/", "address"),
    ("https://0X7F000001/", "address"),
    ("https://0x7f.1/", "address"),
    ("https://0x7f.0x0.0x0.0x1/", "address"),
    ("https://0x/", "address"),
    ("https://017700000001/", "address"),
    ("https://0177.0.0.1/", "address"),
    ("https://127.1/", "address"),
    ("https://127.0.1/", "address"),
    ("https://127.0.0.0x1/", "address"),
    ("https://1.2.3.4.5/", "address"),
    ("https://hooks.garage.nl.1/", "address"),
    ("https://127.0.0.1./", "trailing_dot"),
    // In other letters that mean the same.
    ("https://\u{ff11}\u{ff12}\u{ff17}.0.0.1/", "characters"),
    ("https://\u{2460}\u{2461}\u{2466}.0.0.1/", "characters"),
    ("https://127\u{3002}0\u{3002}0\u{3002}1/", "characters"),
    ("https://127\u{ff0e}0.0.1/", "characters"),
    ("https://\u{ff4c}ocalhost/", "characters"),
    ("https://loc\u{ad}alhost/", "characters"),
    ("https://b\u{fc}cher.de/", "characters"),
    ("https://%31%32%37.0.0.1/", "host_characters"),
    ("https://%6cocalhost/", "host_characters"),
    // IPv6, with IPv4 inside it and without.
    ("https://[::1]/", "address"),
    ("https://[::]/", "address"),
    ("https://[::ffff:127.0.0.1]/", "address"),
    ("https://[::ffff:7f00:1]/", "address"),
    ("https://[64:ff9b::7f00:1]/", "address"),
    ("https://[2002:7f00:1::]/", "address"),
    ("https://[fe80::1%25eth0]/", "address"),
    ("https://[fe80::1%eth0]/", "address"),
    ("https://[fd00::1]:443/", "address"),
    ("https://[2001:db8::1]/", "address"),
    ("https://::1/", "port"),
    // Names of no public host.
    ("https://localhost/", "not_public"),
    ("https://LOCALHOST/", "not_public"),
    ("https://localhost./", "trailing_dot"),
    ("https://a.localhost/", "not_public"),
    ("https://localhost.localdomain/", "not_public"),
    ("https://printer.local/", "not_public"),
    ("https://metadata.google.internal/", "not_public"),
    ("https://router.home.arpa/", "not_public"),
    ("https://1.0.0.127.in-addr.arpa/", "not_public"),
    ("https://abcdefgh.onion/", "not_public"),
    ("https://hooks.test/", "not_public"),
    ("https://hooks.invalid/", "not_public"),
    ("https://hooks.garage.example/", "not_public"),
    ("https://nas.lan/", "not_public"),
    ("https://mail.corp/", "not_public"),
    ("https://intranet/", "not_public"),
    ("https://kubernetes/", "not_dotted"),
    ("https://com/", "not_dotted"),
    // What is no name at all.
    ("https://", "label"),
    ("https:///hook", "label"),
    ("https://.garage.nl/", "label"),
    ("https://hooks..garage.nl/", "label"),
    ("https://-hooks.garage.nl/", "label"),
    ("https://hooks-.garage.nl/", "label"),
    ("https://hooks.garage.nl./", "trailing_dot"),
    ("https://hooks_1.garage.nl/", "host_characters"),
    ("https://hooks.garage.nl,evil.nl/", "host_characters"),
    ("https://*.garage.nl/", "host_characters"),
    // Ports, users, schemes, fragments, and what browsers take for something else.
    ("https://hooks.garage.nl:80/", "port"),
    ("https://hooks.garage.nl:8443/", "port"),
    ("https://hooks.garage.nl:/", "port"),
    ("https://hooks.garage.nl:0443/", "port"),
    ("https://hooks.garage.nl:443:443/", "port"),
    ("https://user@hooks.garage.nl/", "user_info"),
    ("https://user:secret@hooks.garage.nl/", "user_info"),
    ("https://hooks.garage.nl:443@127.0.0.1/", "user_info"),
    ("https://hooks.garage.nl/#part", "fragment"),
    ("https://hooks.garage.nl#@127.0.0.1/", "fragment"),
    ("http://hooks.garage.nl/", "scheme"),
    ("HTTPS://hooks.garage.nl/", "scheme"),
    ("ftp://hooks.garage.nl/", "scheme"),
    ("file:///etc/passwd", "scheme"),
    ("//hooks.garage.nl/", "scheme"),
    ("hooks.garage.nl", "scheme"),
    ("", "scheme"),
    ("javascript:alert(1)", "scheme"),
    ("https:\\\\127.0.0.1\\", "characters"),
    ("https://hooks.garage.nl\\@127.0.0.1/", "characters"),
    ("https://hooks.garage.nl/a b", "characters"),
    (" https://hooks.garage.nl/", "characters"),
    ("https://hooks.garage.nl/\n", "characters"),
    ("https://hooks.gar\tage.nl/", "characters"),
    ("https://hooks.garage.nl/\0", "characters"),
    ("http://127.0.0.1:8080/", "scheme"),
    ("http://localhost:8080/", "scheme"),
];

#[test]
fn each_spelling_is_refused_with_its_reason() {
    assert!(REFUSED.len() >= 40);
    for (url, code) in REFUSED {
        assert_eq!(check_target(url, false).map_err(|error| error.code()), Err(*code), "{url}");
    }
    let long = format!("https://{}.nl/", ["a"; 130].join("."));
    assert_eq!(check_target(&long, false), Err(TargetError::Label));
    assert_eq!(check_target(&format!("https://{}.nl/", "a".repeat(64)), false), Err(TargetError::Label));
    let path = |length: usize| format!("https://hooks.garage.nl/{}", "a".repeat(length - 24));
    assert_eq!(check_target(&path(MAX_URL), false), Ok(()));
    assert_eq!(check_target(&path(MAX_URL + 1), false), Err(TargetError::TooLong));
}

#[test]
fn public_names_are_taken() {
    for url in [
        "https://hooks.garage-vermeer.nl",
        "https://hooks.garage.nl/waxseal?tenant=7&x=%C3%A9",
        "https://Hooks.Garage.NL:443/",
        "https://xn--bcher-kva.de/a/b:c@d",
        "https://a.b.c.d.e.f.garage.nl/",
        "https://127-0-0-1.garage.nl/",
        "https://3com.com/",
        "https://notlocalhost.nl/",
        "https://mylocal.nl/",
        "https://0x7f.nl/",
        "https://example.com/hook",
    ] {
        assert_eq!(check_target(url, false), Ok(()), "{url}");
        assert_eq!(check_target(url, true), Ok(()), "{url}");
    }
}

#[test]
fn on_a_developers_machine_loopback_alone_is_taken_besides() {
    for url in [
        "http://127.0.0.1:8080/hook",
        "http://localhost:8080/",
        "http://127.0.0.1/",
        "http://localhost:65535",
    ] {
        assert_eq!(check_target(url, true), Ok(()), "{url}");
        assert_eq!(check_target(url, false), Err(TargetError::Scheme), "{url}");
    }
    for url in [
        "http://127.0.0.2:8080/",
        "http://127.1:8080/",
        "http://2130706433:8080/",
        "http://[::1]:8080/",
        "http://a.localhost:8080/",
        "http://localhost.:8080/",
        "http://10.0.0.1:8080/",
        "http://0.0.0.0:8080/",
        "http://127.0.0.1:0/",
        "http://127.0.0.1:65536/",
        "http://127.0.0.1:x/",
        "http://127.0.0.1@evil.nl/",
        "http://user@127.0.0.1:8080/",
        "http://127.0.0.1:8080/#x",
    ] {
        assert!(check_target(url, true).is_err(), "{url}");
    }
    for (url, code) in REFUSED.iter().filter(|(url, _)| !url.starts_with("http://")) {
        assert_eq!(check_target(url, true).map_err(|error| error.code()), Err(*code), "{url}");
    }
}

proptest! {
    /// Whatever is taken has a host in plain letters that ends in a label with a letter: no address has.
    #[test]
    fn whatever_is_taken_is_plainly_a_name(url in "(https?://)?[0-9a-fxX.:@%\\[\\]/\\\\-]{0,24}(\\.(nl|local|0x7f|1))?[/:?#]?[ -~]{0,8}") {
        if check_target(&url, false).is_ok() {
            let host = url.strip_prefix("https://").unwrap().split(['/', '?', ':']).next().unwrap();
            prop_assert!(host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte)), "{}", host);
            let last = host.rsplit('.').next().unwrap().to_ascii_lowercase();
            prop_assert!(last.bytes().any(|byte| byte.is_ascii_lowercase()) && !last.starts_with("0x"), "{}", host);
            prop_assert!(host.contains('.'));
        }
    }
}
