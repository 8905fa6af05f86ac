//! Addresses as the guard sees them: a client is one IPv4 address or one IPv6 /64.
//!
//! An IPv6 customer owns at least a /64, so its addresses are one client. An IPv6 address that only carries an
//! IPv4 address is that IPv4 client, so that nobody has two faces:
//!
//! | form | counts as |
//! |---|---|
//! | `::ffff:a.b.c.d` (IPv4-mapped, RFC 4291) | `a.b.c.d` |
//! | `64:ff9b::a.b.c.d` (NAT64, RFC 6052) | `a.b.c.d` |
//! | `2002:AABB:CCDD::/48` (6to4, RFC 3056) | the IPv4 address inside; else one of them would own 65,536 clients |
//! | `2001:0::/32` (Teredo, RFC 4380) | the client's IPv4 address; else all clients of one server would share a /64 |
//!
//! `64:ff9b:1::/48` (local NAT64, RFC 8215) has no fixed layout and never reaches a public edge: it stays IPv6.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::str::FromStr;

/// One client: the unit of strikes, bans and look-ups. Ordered by number, IPv4 first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClientKey {
    /// An IPv4 address.
    V4(u32),
    /// The upper 64 bits of an IPv6 address.
    V6(u64),
}

/// The text is not an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an IP address: expected one such as 192.0.2.7 or 2001:db8::1")]
pub struct AddressError;

codes!(AddressError = "not_an_address");

/// Why a text is not a network the guard can use. Each says how to write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum NetworkError {
    /// Neither an address nor ADDRESS/PREFIX.
    #[error("not a network: expected one such as 192.0.2.0/24 or 2001:db8::/48")]
    #[strum(to_string = "not_a_network")]
    Malformed,
    /// Bits beyond the prefix are set: it is unclear what was meant.
    #[error("the address has bits beyond the prefix: write {0}, or the single address without a prefix")]
    HostBits(Network),
    /// Narrower than an IPv6 client.
    #[error("IPv6 clients are told apart by /64: write {0}")]
    #[strum(to_string = "narrower_than_64")]
    Narrow(Network),
    /// A network of addresses that count as the IPv4 address inside them.
    #[error("addresses of this range count as the IPv4 address inside: write that IPv4 network")]
    #[strum(to_string = "translated_range")]
    Translated,
}

codes!(NetworkError);

/// A network: all clients that share the first bits. A single client is a network too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network {
    first: ClientKey,
    prefix: u8,
}

const MAPPED: u128 = 0xffff_0000_0000;
const NAT64: u128 = 0x0064_ff9b << 96;

impl ClientKey {
    /// The client behind an address.
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => Self::V4(v4.to_bits()),
            IpAddr::V6(v6) => match embedded(v6) {
                Some(v4) => Self::V4(v4),
                None => Self::V6((v6.to_bits() >> 64) as u64),
            },
        }
    }

    /// The network whose banned members count together: the /24, or the /56.
    pub fn neighbourhood(self) -> Network {
        Network::around(self, if self.is_v4() { 24 } else { 56 })
    }

    /// The next wider one, for IPv6: the /48.
    pub fn district(self) -> Option<Network> {
        (!self.is_v4()).then(|| Network::around(self, 48))
    }

    /// Which of `shards` sentinels keeps this client. All of a /24 or a /48 have the same one, so that
    /// escalation needs no second.
    pub fn shard(self, shards: u32) -> u32 {
        let network = self.district().unwrap_or_else(|| self.neighbourhood());
        let seed = u64::from(network.first.is_v4());
        let hash = twox_hash::XxHash64::oneshot(seed, &network.first.number().to_le_bytes());
        u32::try_from(hash.checked_rem(u64::from(shards)).unwrap_or(0)).unwrap_or(0)
    }

    /// Whether this is an IPv4 client.
    pub const fn is_v4(self) -> bool {
        matches!(self, Self::V4(_))
    }

    /// The number as one type for both families.
    pub(super) const fn number(self) -> u64 {
        match self {
            Self::V4(v4) => v4 as u64,
            Self::V6(v6) => v6,
        }
    }

    /// The client of the same family with this number; IPv4 keeps the low 32 bits.
    const fn with_number(self, number: u64) -> Self {
        match self {
            Self::V4(_) => Self::V4(number as u32),
            Self::V6(_) => Self::V6(number),
        }
    }

    const fn bits(self) -> u8 {
        if self.is_v4() { 32 } else { 64 }
    }
}

/// The IPv4 address that an IPv6 address stands for, if it does.
fn embedded(address: Ipv6Addr) -> Option<u32> {
    let bits = address.to_bits();
    let low = bits as u32;
    match address.segments() {
        _ if bits >> 32 == MAPPED >> 32 || bits >> 32 == NAT64 >> 32 => Some(low),
        [0x2002, ..] => Some((bits >> 80) as u32),
        // The client's own address is the last 32 bits, inverted (RFC 4380, section 4).
        [0x2001, 0, ..] => Some(!low),
        _ => None,
    }
}

impl Network {
    /// The network of `prefix` bits around a client; a prefix longer than the client's own is cut to it.
    pub fn around(client: ClientKey, prefix: u8) -> Self {
        let prefix = prefix.min(client.bits());
        let host = client.bits() - prefix;
        let mask = u64::MAX.checked_shl(u32::from(host)).unwrap_or(0);
        Self { first: client.with_number(client.number() & mask), prefix }
    }

    /// The network of one client.
    pub fn single(client: ClientKey) -> Self {
        Self::around(client, 64)
    }

    /// The first client of it.
    pub const fn first(&self) -> ClientKey {
        self.first
    }

    /// The last client of it.
    pub fn last(&self) -> ClientKey {
        let host = self.first.bits().saturating_sub(self.prefix);
        let span = u64::MAX.checked_shr(64 - u32::from(host)).unwrap_or(0);
        self.first.with_number(self.first.number() | span)
    }

    /// How many leading bits its clients share: 0 to 32, or 0 to 64.
    pub const fn prefix(&self) -> u8 {
        self.prefix
    }

    /// Whether it is one client.
    pub const fn is_single(&self) -> bool {
        self.prefix == self.first.bits()
    }

    /// Whether the client lies in it.
    pub fn contains(&self, client: ClientKey) -> bool {
        self.first <= client && client <= self.last()
    }

    /// Whether the two share a client.
    pub fn overlaps(&self, other: &Network) -> bool {
        self.first <= other.last() && other.first <= self.last()
    }
}

impl FromStr for ClientKey {
    type Err = AddressError;

    /// Strict: an address as the platform writes it, or the `Display` of a client. No zone, port or white space.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        if text.contains('/') {
            let network: Network = text.parse().map_err(|_| AddressError)?;
            return if network.is_single() { Ok(network.first) } else { Err(AddressError) };
        }
        text.parse().map(Self::of).map_err(|_| AddressError)
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let Some((address, prefix)) = text.split_once('/') else {
            return text.parse().map(Self::single).map_err(|_| NetworkError::Malformed);
        };
        let digits = !prefix.is_empty() && prefix.len() <= 3 && prefix.bytes().all(|b| b.is_ascii_digit());
        if !digits || (prefix.len() > 1 && prefix.starts_with('0')) {
            return Err(NetworkError::Malformed);
        }
        let prefix: u8 = prefix.parse().map_err(|_| NetworkError::Malformed)?;
        match address.parse().map_err(|_| NetworkError::Malformed)? {
            IpAddr::V4(v4) if prefix <= 32 => exact(ClientKey::V4(v4.to_bits()), prefix),
            IpAddr::V6(v6) if prefix <= 128 => v6_network(v6, prefix),
            _ => Err(NetworkError::Malformed),
        }
    }
}

fn exact(client: ClientKey, prefix: u8) -> Result<Network, NetworkError> {
    let network = Network::around(client, prefix);
    if network.first == client { Ok(network) } else { Err(NetworkError::HostBits(network)) }
}

fn v6_network(address: Ipv6Addr, prefix: u8) -> Result<Network, NetworkError> {
    let bits = address.to_bits();
    if let Some(v4) = embedded(address) {
        let whole_in_v4 = prefix >= 96 && (bits >> 32 == MAPPED >> 32 || bits >> 32 == NAT64 >> 32);
        return if whole_in_v4 {
            exact(ClientKey::V4(v4), prefix - 96)
        } else {
            Err(NetworkError::Translated)
        };
    }
    let client = ClientKey::V6((bits >> 64) as u64);
    if prefix > 64 {
        return Err(NetworkError::Narrow(Network::single(client)));
    }
    if bits as u64 != 0 {
        return Err(NetworkError::HostBits(Network::around(client, prefix)));
    }
    exact(client, prefix)
}

impl fmt::Display for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(v4) => Ipv4Addr::from_bits(*v4).fmt(f),
            Self::V6(v6) => write!(f, "{}/64", Ipv6Addr::from_bits(u128::from(*v6) << 64)),
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.first {
            single if self.is_single() => single.fmt(f),
            ClientKey::V4(v4) => write!(f, "{}/{}", Ipv4Addr::from_bits(v4), self.prefix),
            ClientKey::V6(v6) => write!(f, "{}/{}", Ipv6Addr::from_bits(u128::from(v6) << 64), self.prefix),
        }
    }
}

as_text!(ClientKey, Network);
