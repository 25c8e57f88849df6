//! The guard: looks at the address that a name resolved to, whatever the name was.

use std::{
    collections::BTreeSet,
    error::Error,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
    sync::Arc,
};

use ureq::{
    config::Config,
    http::{Uri, uri::Authority},
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::NextTimeout,
    },
};

/// Who may pass.
#[derive(Debug)]
pub(super) enum Door {
    /// Public addresses, and the hosts and networks that the operator allowed.
    Guarded(Arc<Intranet>),
    /// Everyone: the operator named the address.
    Trusted,
}

impl Resolver for Door {
    /// What this returns is what gets connected to: a name that changes its address between looking and connecting
    /// gains nothing.
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let refuse = |why: Box<dyn Error + Send + Sync>| Err(ureq::Error::Other(why));
        let guard = match self {
            Self::Guarded(allowed) if !allowed.has_host(uri) => Some(allowed),
            Self::Guarded(_) | Self::Trusted => None,
        };
        if guard.is_some() && !is_usual(port(uri)) {
            return refuse(Box::new(ForbiddenPort(port(uri))));
        }
        let resolved = DefaultResolver::default().resolve(uri, config, timeout)?;
        if let Some(allowed) = guard {
            // One private address among public ones is no accident.
            for address in resolved.iter().map(SocketAddr::ip) {
                if !is_public(address) && !allowed.has_address(address) {
                    return refuse(Box::new(Forbidden(address)));
                }
            }
        }
        Ok(resolved)
    }
}

/// What the guard says to `ureq`; `FetchError` says it to people.
#[derive(Debug, thiserror::Error)]
#[error("{0} is not a public address")]
pub(super) struct Forbidden(pub(super) IpAddr);

/// The same, about the port.
#[derive(Debug, thiserror::Error)]
#[error("port {0} is for other protocols")]
pub(super) struct ForbiddenPort(pub(super) u16);

/// Hosts and networks inside that the operator allowed.
#[derive(Clone, Debug, Default)]
pub(super) struct Intranet {
    /// `host` or `host:port`, lower case.
    hosts: BTreeSet<String>,
    networks: Vec<Network>,
}

impl Intranet {
    pub(super) fn allow(&mut self, host: PrivateHost) {
        match host.allowed {
            Allowed::Host(host) => drop(self.hosts.insert(host)),
            Allowed::Network(network) => self.networks.push(network),
        }
    }

    fn has_host(&self, uri: &Uri) -> bool {
        let Some(host) = uri.host().map(str::to_ascii_lowercase) else {
            return false;
        };
        self.hosts.contains(&host) || self.hosts.contains(&format!("{host}:{}", port(uri)))
    }

    fn has_address(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(address))
    }
}

/// A host or network of one's own that may be fetched from in spite of the guard.
///
/// `ocsp.intranet.example` stands for every port, `10.1.2.3:8080` and `[fd00::1]:80` for one. A host is meant as
/// addresses write it. `10.20.0.0/16` and `fd00:1::/32` are networks: whatever the name, its addresses may lie there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrivateHost {
    text: String,
    allowed: Allowed,
}

impl AsRef<str> for PrivateHost {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Allowed {
    Host(String),
    Network(Network),
}

/// What cannot be a host or a network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is neither a host (ocsp.example, 10.1.2.3:8080, [fd00::1]) nor a network (10.20.0.0/16)")]
pub struct PrivateHostError {
    text: String,
}

impl FromStr for PrivateHost {
    type Err = PrivateHostError;

    fn from_str(text: &str) -> Result<Self, PrivateHostError> {
        let wrong = || PrivateHostError { text: text.chars().take(100).collect() };
        let understood = |allowed| Self { text: text.to_owned(), allowed };
        if text.contains('/') {
            return Network::parse(text).map(Allowed::Network).map(understood).ok_or_else(wrong);
        }
        let host = text.to_ascii_lowercase();
        let parsed: Authority = host.parse().map_err(|_| wrong())?;
        let port = host.strip_prefix(parsed.host()).ok_or_else(wrong)?;
        let whole = port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
        if !is_host(parsed.host()) || !whole {
            return Err(wrong());
        }
        Ok(understood(Allowed::Host(host)))
    }
}

/// Letters, digits, dots and dashes, or an IPv6 address in brackets.
fn is_host(text: &str) -> bool {
    match text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => {
            let plain = |octet: u8| octet.is_ascii_alphanumeric() || b"-._".contains(&octet);
            !text.is_empty() && text.bytes().all(plain)
        }
    }
}

/// An address and how many of its leading bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    base: IpAddr,
    bits: u32,
}

impl Network {
    /// `None` when it is none, or has bits set behind its length: a slip of the pen would open more than was meant.
    fn parse(text: &str) -> Option<Self> {
        let (base, bits) = text.split_once('/')?;
        let network = Self { base: base.parse().ok()?, bits: bits.parse().ok()? };
        let (value, width) = number(network.base);
        let host_bits = width.checked_sub(network.bits)?;
        // The whole internet is no intranet.
        let is_whole = network.bits > 0 && value.trailing_zeros().min(width) >= host_bits;
        is_whole.then_some(network)
    }

    fn contains(&self, address: IpAddr) -> bool {
        let ((base, width), (address, other)) = (number(self.base), number(address.to_canonical()));
        let host_bits = width.saturating_sub(self.bits);
        width == other && base.checked_shr(host_bits) == address.checked_shr(host_bits)
    }
}

/// An address as a number, and how many bits it has.
fn number(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(address) => (address.to_bits().into(), 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    }
}

fn port(uri: &Uri) -> u16 {
    uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 })
}

/// Whether a web server may be there. Below 1024 only the web's own; above, not where other protocols are known to
/// take a request for commands (the list of "bad ports" of the Fetch standard).
fn is_usual(port: u16) -> bool {
    match port {
        80 | 443 => true,
        0..1024 => false,
        _ => !OTHER_PROTOCOLS.contains(&port),
    }
}

/// Whether an address lies in the public internet: not this machine, not a private, shared, link-local,
/// documentation, benchmarking, multicast or reserved range (RFC 6890 and the IANA special-purpose registries), and not
/// an IPv6 form that carries an IPv4 address to a translator, which may lead anywhere.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => is_public_v4(mapped),
            None => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !matches!(
        (a, b, c),
        (0 | 10 | 127 | 224..=255, _, _) // this network, private, loopback, multicast, reserved, broadcast
            | (100, 64..=127, _) // shared by carriers
            | (169, 254, _) // link-local, cloud metadata
            | (172, 16..=31, _) // private
            | (192, 0, 0 | 2) // protocol assignments, documentation
            | (192, 88, 99) // 6to4 relays
            | (192, 168, _) // private
            | (198, 18..=19, _) // benchmarking
            | (198, 51, 100) // documentation
            | (203, 0, 113) // documentation
    )
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, _, _, e, f, ..] = address.segments();
    // Global unicast is 2000::/3; everything outside is local, multicast, reserved or translated (64:ff9b::/96).
    a & 0xE000 == 0x2000
        && !matches!((e, f), (0x0000 | 0x0200, 0x5EFE)) // ISATAP carries an IPv4 address (RFC 5214)
        && !matches!(
            (a, b),
            (0x2001, 0x0000..=0x01FF | 0x0DB8) // protocol assignments with Teredo, documentation
                | (0x2002, _) // 6to4
                | (0x3FFF, 0x0000..=0x0FFF) // documentation
        )
}

/// Above 1023: databases and caches, X11, SIP, IRC, NFS and the like.
const OTHER_PROTOCOLS: [u16; 23] = [
    1719, 1720, 1723, 2049, 3306, 3659, 4045, 4190, 5060, 5061, 5432, 6000, 6379, 6566, 6665, 6666, 6667,
    6668, 6669, 6679, 6697, 10080, 11211,
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_public_internet_is_public() {
        for (address, public) in [
            ("8.8.8.8", true),
            ("203.162.4.1", true),
            ("100.63.255.255", true),
            ("100.128.0.0", true),
            ("172.15.0.1", true),
            ("172.32.0.1", true),
            ("192.167.255.255", true),
            ("223.255.255.255", true),
            ("2001:4860:4860::8888", true),
            ("2405:4800::1", true),
            ("::ffff:8.8.8.8", true),
            ("0.0.0.0", false),
            ("0.1.2.3", false),
            ("10.0.0.1", false),
            ("100.64.0.1", false),
            ("100.127.255.255", false),
            ("127.0.0.1", false),
            ("127.255.255.254", false),
            ("169.254.169.254", false),
            ("172.16.0.1", false),
            ("172.31.255.255", false),
            ("192.0.0.8", false),
            ("192.0.2.1", false),
            ("192.88.99.1", false),
            ("192.168.1.1", false),
            ("198.18.0.1", false),
            ("198.19.255.255", false),
            ("198.51.100.1", false),
            ("203.0.113.1", false),
            ("224.0.0.1", false),
            ("239.255.255.255", false),
            ("240.0.0.1", false),
            ("255.255.255.255", false),
            ("::", false),
            ("::1", false),
            ("::127.0.0.1", false),
            ("::ffff:127.0.0.1", false),
            ("::ffff:10.1.2.3", false),
            ("64:ff9b::7f00:1", false),
            ("64:ff9b:1::1", false),
            ("100::1", false),
            ("2001::1", false),
            ("2001:db8::1", false),
            ("2002:7f00:1::", false),
            ("3fff::1", false),
            ("2001:4860::5efe:a00:1", false),
            ("2001:4860::200:5efe:808:808", false),
            ("5f00::1", false),
            ("fc00::1", false),
            ("fdff::1", false),
            ("fe80::1", false),
            ("fec0::1", false),
            ("ff02::1", false),
        ] {
            assert_eq!(is_public(address.parse().unwrap()), public, "{address}");
        }
    }

    fn intranet(hosts: &[&str]) -> Intranet {
        let mut intranet = Intranet::default();
        for host in hosts {
            intranet.allow(host.parse().unwrap());
        }
        intranet
    }

    #[test]
    fn allowed_hosts_are_allowed_by_name_and_port() {
        let allowed = intranet(&["ocsp.Intranet.example", "127.0.0.1:8080", "[::1]:80"]);
        for (url, expected) in [
            ("http://ocsp.intranet.example/", true),
            ("http://OCSP.intranet.example:8888/x", true),
            ("http://127.0.0.1:8080/", true),
            ("http://[::1]/", true),
            ("http://127.0.0.1/", false),
            ("https://[::1]/", false),
            ("http://127.0.0.2:8080/", false),
            ("http://127.1:8080/", false),
            ("http://evil.example/ocsp.intranet.example", false),
            ("http://ocsp.intranet.example.evil.example/", false),
            ("http://xocsp.intranet.example/", false),
        ] {
            assert_eq!(allowed.has_host(&url.parse().unwrap()), expected, "{url}");
        }
    }

    #[test]
    fn allowed_networks_are_allowed_by_address() {
        let allowed = intranet(&["10.20.0.0/16", "192.168.7.9/32", "fd00:1::/32"]);
        for (address, expected) in [
            ("10.20.0.0", true),
            ("10.20.255.255", true),
            ("::ffff:10.20.3.4", true),
            ("192.168.7.9", true),
            ("fd00:1:ffff::1", true),
            ("10.21.0.0", false),
            ("10.19.255.255", false),
            ("192.168.7.8", false),
            ("fd00:2::1", false),
            ("127.0.0.1", false),
            ("::1", false),
            ("::0a14:1", false),
        ] {
            assert_eq!(allowed.has_address(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused_by_name() {
        for text in [
            "",
            "http://ocsp.example/",
            "ocsp.example/path",
            "user@ocsp.example",
            "ocsp.example:",
            "ocsp.example:99999",
            "ocsp example",
            "fd00::1",
            "10.20.0.0/33",
            "10.20.0.1/16",
            "10.0.0.0/",
            "0.0.0.0/0",
            "::/0",
            "/8",
            "*",
            "*.example",
            "[fd00::1",
            "[ocsp]",
            ":80",
        ] {
            assert!(text.parse::<PrivateHost>().is_err(), "{text}");
        }
        for text in ["ocsp.example", "10.1.2.3", "[fd00::1]:8080", "localhost:1", "10.20.0.0/16", "fd00::/8"]
        {
            text.parse::<PrivateHost>().unwrap();
        }
    }

    #[test]
    fn other_protocols_keep_their_ports() {
        for (port, usual) in [
            (80, true),
            (443, true),
            (1024, true),
            (2560, true),
            (8080, true),
            (65535, true),
            (0, false),
            (22, false),
            (25, false),
            (1023, false),
            (3306, false),
            (6379, false),
            (6667, false),
            (11211, false),
        ] {
            assert_eq!(is_usual(port), usual, "{port}");
        }
    }

    /// The special-purpose registries once more, written as networks.
    const SPECIAL: [&str; 27] = [
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
        "::/3",
        "4000::/2",
        "8000::/1",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    ];

    fn is_special(address: IpAddr) -> bool {
        let is_isatap = |address: Ipv6Addr| {
            let [.., a, b, c, d, _, _, _, _] = address.octets();
            [a & 0xFD, b, c, d] == [0, 0, 0x5E, 0xFE]
        };
        SPECIAL.iter().any(|text| Network::parse(text).unwrap().contains(address))
            || matches!(address, IpAddr::V6(address) if is_isatap(address))
    }

    proptest! {
        #[test]
        fn public_is_what_no_registry_lists(
            bits in any::<u32>(), network in 0..SPECIAL.len(), more in any::<u128>()
        ) {
            let plain = IpAddr::V4(Ipv4Addr::from_bits(bits));
            prop_assert_eq!(is_public(plain), !is_special(plain), "{}", plain);
            // Mapped into IPv6 it is the same; in any other IPv6 clothes it is not public at all.
            let mapped = Ipv4Addr::from_bits(bits).to_ipv6_mapped();
            prop_assert_eq!(is_public(IpAddr::V6(mapped)), is_public(plain), "{}", mapped);
            let v4 = u128::from(bits);
            for carrier in [v4, (0x64_ff9b_u128 << 96) | v4, (0x2002_u128 << 112) | (v4 << 80), (0x2001_u128 << 112) | v4] {
                prop_assert!(!is_public(IpAddr::V6(Ipv6Addr::from_bits(carrier))), "{:x}", carrier);
            }
            // Anywhere in IPv6.
            for bits in [more, (more >> 3) | (1 << 125)] {
                let wide = IpAddr::V6(Ipv6Addr::from_bits(bits));
                prop_assert_eq!(is_public(wide), !is_special(wide), "{}", wide);
            }
            // Anywhere in a special network.
            let network = Network::parse(SPECIAL[network]).unwrap();
            let (base, width) = number(network.base);
            let inside = base | (more & ((1_u128 << (width - network.bits)) - 1));
            let inside = match network.base {
                IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::from_bits(inside as u32)),
                IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from_bits(inside)),
            };
            let is_mapped = matches!(inside, IpAddr::V6(address) if address.to_ipv4_mapped().is_some());
            prop_assert!(is_mapped || !is_public(inside), "{}", inside);
        }

        #[test]
        fn hosts_never_panic(text in ".{0,40}", shape in "[0-9a-f:./\\[\\]]{0,24}") {
            let _ = text.parse::<PrivateHost>();
            let _ = shape.parse::<PrivateHost>();
        }
    }
}
