//! The guard: looks at the address that a name resolved to, whatever the name was.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use ureq::{
    config::Config,
    http::Uri,
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::NextTimeout,
    },
};

/// Who may pass.
#[derive(Debug)]
pub(super) enum Door {
    /// Public addresses, and hosts (`host` or `host:port`, lower case) that the operator allowed.
    Guarded { allowed: BTreeSet<String> },
    /// Everyone: the operator named the address.
    Trusted,
}

impl Resolver for Door {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let resolved = DefaultResolver::default().resolve(uri, config, timeout)?;
        if let Self::Guarded { allowed } = self
            && !is_allowed(allowed, uri)
        {
            // One private address among public ones is no accident.
            for address in &*resolved {
                if !is_public(address.ip()) {
                    return Err(ureq::Error::Other(Box::new(Forbidden(address.ip()))));
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

fn is_allowed(allowed: &BTreeSet<String>, uri: &Uri) -> bool {
    let Some(host) = uri.host().map(str::to_ascii_lowercase) else {
        return false;
    };
    let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
    allowed.contains(&host) || allowed.contains(&format!("{host}:{port}"))
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
    let [a, b, ..] = address.segments();
    // Global unicast is 2000::/3; everything outside is local, multicast, reserved or translated (64:ff9b::/96).
    a & 0xE000 == 0x2000
        && !matches!(
            (a, b),
            (0x2001, 0x0000..=0x01FF | 0x0DB8) // protocol assignments with Teredo, documentation
                | (0x2002, _) // 6to4
                | (0x3FFF, 0x0000..=0x0FFF) // documentation
        )
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn allowed_hosts_are_allowed_by_name_and_port() {
        let allowed: BTreeSet<String> =
            ["ocsp.intranet.example", "127.0.0.1:8080", "[::1]:80"].map(str::to_owned).into();
        for (url, expected) in [
            ("http://ocsp.intranet.example/", true),
            ("http://OCSP.intranet.example:8888/x", true),
            ("http://127.0.0.1:8080/", true),
            ("http://[::1]/", true),
            ("http://127.0.0.1/", false),
            ("https://[::1]/", false),
            ("http://127.0.0.2:8080/", false),
            ("http://evil.example/ocsp.intranet.example", false),
            ("http://ocsp.intranet.example.evil.example/", false),
        ] {
            assert_eq!(is_allowed(&allowed, &url.parse().unwrap()), expected, "{url}");
        }
    }
}
