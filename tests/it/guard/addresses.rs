//! Who counts as one client, and what is a network.
use proptest::prelude::*;
use waxseal::guard::{ClientKey, Network, NetworkError};

fn key(text: &str) -> ClientKey {
    text.parse().unwrap_or_else(|_| panic!("{text}"))
}

#[test]
fn one_client_has_one_face() {
    for text in [
        "192.0.2.7",
        "::ffff:192.0.2.7",
        "::ffff:c000:207",
        "64:ff9b::192.0.2.7",
        "2002:c000:207::1",
        "2002:c000:207:55::9",
    ] {
        assert_eq!(key(text), key("192.0.2.7"), "{text}");
    }
    // RFC 4380, section 4: the example address of a client at 192.0.2.45.
    assert_eq!(key("2001:0:4136:e378:8000:63bf:3fff:fdd2"), key("192.0.2.45"));
    assert_eq!(key("2001:db8::1"), key("2001:db8::ffff:ffff:ffff:ffff"), "a /64 is one client");
    assert_ne!(key("2001:db8::1"), key("2001:db8:0:1::1"));
    assert_ne!(key("64:ff9b:1::192.0.2.7"), key("192.0.2.7"), "local NAT64 has no fixed layout");
    assert_ne!(key("2001:1::1"), key("2001:2::1"), "only 2001:0::/32 is Teredo");
}

#[test]
fn what_is_not_an_address_is_refused() {
    for text in [
        "",
        " ",
        "192.0.2",
        "192.0.2.7 ",
        "192.0.2.07",
        "192.0.2.256",
        "0xc0000207",
        "3221225991",
        "192.0.2.7:80",
        "[2001:db8::1]",
        "fe80::1%eth0",
        "2001:db8::1::2",
        "a.example",
        "192.0.2.0/24",
        "2001:db8::/48",
        "1.2.3.4,5.6.7.8",
        "١.2.3.4",
    ] {
        assert!(text.parse::<ClientKey>().is_err(), "{text}");
    }
}

#[test]
fn networks_are_read_strictly_and_say_how_to_write_them() {
    let same = |text: &str, written: &str| assert_eq!(text.parse::<Network>().unwrap().to_string(), written);
    same("192.0.2.0/24", "192.0.2.0/24");
    same("0.0.0.0/0", "0.0.0.0/0");
    same("192.0.2.7", "192.0.2.7");
    same("192.0.2.7/32", "192.0.2.7");
    same("2001:db8::/48", "2001:db8::/48");
    same("::/0", "::/0");
    same("2001:db8::1", "2001:db8::/64");
    same("::ffff:192.0.2.0/120", "192.0.2.0/24");
    same("64:ff9b::/96", "0.0.0.0/0");

    let fault = |text: &str| text.parse::<Network>().unwrap_err();
    assert_eq!(fault("192.0.2.7/24"), NetworkError::HostBits("192.0.2.0/24".parse().unwrap()));
    assert_eq!(fault("2001:db8::1/48"), NetworkError::HostBits("2001:db8::/48".parse().unwrap()));
    assert_eq!(fault("2001:db8::/96"), NetworkError::Narrow("2001:db8::/64".parse().unwrap()));
    assert_eq!(fault("2002::/16"), NetworkError::Translated);
    assert_eq!(fault("2001:0::/32"), NetworkError::Translated);
    assert_eq!(fault("::ffff:0:0/90"), NetworkError::Translated);
    for text in [
        "192.0.2.0/33",
        "192.0.2.0/",
        "192.0.2.0/+8",
        "192.0.2.0/08",
        "/24",
        "2001:db8::/129",
        "x/8",
        "1.2.3.4/8/8",
        "1.2.3.4/256",
    ] {
        assert_eq!(fault(text), NetworkError::Malformed, "{text}");
    }
}

#[test]
fn neighbourhoods_and_shards() {
    assert_eq!(key("192.0.2.7").neighbourhood().to_string(), "192.0.2.0/24");
    assert_eq!(key("192.0.2.7").district(), None);
    assert_eq!(key("2001:db8:1:2ff::1").neighbourhood().to_string(), "2001:db8:1:200::/56");
    assert_eq!(key("2001:db8:1:2ff::1").district().unwrap().to_string(), "2001:db8:1::/48");
    assert_eq!(key("192.0.2.7").shard(0), 0, "no shards is one shard");
}

fn client() -> impl Strategy<Value = ClientKey> {
    prop_oneof![any::<u32>().prop_map(ClientKey::V4), any::<u64>().prop_map(ClientKey::V6)]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn a_network_holds_exactly_the_clients_that_share_its_prefix(a in client(), b in client(), prefix in 0u8..=64) {
        let network = Network::around(a, prefix);
        prop_assert!(network.contains(a));
        prop_assert!(network.contains(network.first()) && network.contains(network.last()));
        prop_assert_eq!(network.contains(b), Network::around(b, prefix) == network);
        prop_assert_eq!(network.overlaps(&Network::single(b)), network.contains(b));
        // A range with an embedded IPv4 address cannot be written as IPv6, whoever made up the bits.
        if let Ok(read) = network.to_string().parse::<Network>() {
            prop_assert_eq!(read, network);
        } else {
            prop_assert!(!a.is_v4());
        }
    }

    #[test]
    fn neighbours_share_a_shard(a in client(), host in any::<u8>(), shards in 1u32..64) {
        let neighbour = match a {
            ClientKey::V4(v4) => ClientKey::V4(v4 & !0xff | u32::from(host)),
            ClientKey::V6(v6) => ClientKey::V6(v6 & !0xffff | u64::from(host) << 8 | 7),
        };
        prop_assert_eq!(a.shard(shards), neighbour.shard(shards));
        prop_assert!(a.shard(shards) < shards);
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,60}", likely in "[0-9a-f:./]{0,45}") {
        for text in [text, likely] {
            let _ = text.parse::<ClientKey>();
            let _ = text.parse::<Network>();
        }
    }
}
