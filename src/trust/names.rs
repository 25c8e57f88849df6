//! Name constraints (RFC 5280 sections 4.2.1.10 and 6.1.3 b, c).
//!
//! Where a name cannot be understood and its form is constrained, the path is refused: whether it lies in a subtree
//! must never be guessed. Permitted subtrees are matched narrowly, excluded ones widely.

use std::net::Ipv4Addr;

use super::ChainFault;
use crate::{
    asn1::{Reader, Tag, oid},
    x509::{Certificate, GeneralName, NameConstraints},
};

/// permitted_subtrees and excluded_subtrees, as they stand after some certificates.
pub(super) struct Subtrees<'a> {
    /// One group an authority: a name must satisfy each of them.
    permitted: Vec<&'a [GeneralName]>,
    excluded: Vec<&'a [GeneralName]>,
    /// Comparisons that may still be made.
    left: usize,
}

impl<'a> Subtrees<'a> {
    /// 6.1.2 (b) and (c).
    pub(super) fn new(initial: &'a NameConstraints) -> Self {
        let mut subtrees = Self { permitted: Vec::new(), excluded: Vec::new(), left: MAX_COMPARISONS };
        subtrees.narrow(initial);
        subtrees
    }

    /// 6.1.4 (g): what another authority demands of all below it.
    pub(super) fn narrow(&mut self, more: &'a NameConstraints) {
        if !more.permitted.is_empty() {
            self.permitted.push(&more.permitted);
        }
        if !more.excluded.is_empty() {
            self.excluded.push(&more.excluded);
        }
    }

    /// 6.1.3 (b) and (c): every name that the certificate gives its subject.
    pub(super) fn admit(&mut self, certificate: &Certificate) -> Result<(), ChainFault> {
        if self.permitted.is_empty() && self.excluded.is_empty() {
            return Ok(());
        }
        let alternatives = certificate.subject_alt_names().ok_or(ChainFault::NameUnreadable)?;
        let subject = certificate.subject();
        if !subject.is_empty() {
            self.admit_name(&GeneralName::Directory(subject.clone()))?;
        }
        // Old certificates keep their mail address in the subject. RFC 5280 asks to look there only when there is no
        // subjectAltName; looking always can only refuse more.
        for address in subject.attributes(oid::EMAIL_ADDRESS) {
            match address {
                Some(address) => self.admit_name(&GeneralName::Email(address.to_owned()))?,
                None if self.constrains(1) => return Err(ChainFault::NameUnreadable),
                None => {}
            }
        }
        for name in alternatives {
            self.admit_name(name)?;
        }
        Ok(())
    }

    fn admit_name(&mut self, name: &GeneralName) -> Result<(), ChainFault> {
        if is_mailbox_of_other_form(name) && self.constrains(1) {
            return Err(ChainFault::NameUnreadable);
        }
        for base in self.excluded.iter().copied().flatten().filter(|base| base.form() == name.form()) {
            self.left = self.left.checked_sub(1).ok_or(ChainFault::TooComplex)?;
            match within(name, base, Reading::Wide) {
                Some(false) => {}
                Some(true) => return Err(ChainFault::ExcludedName),
                None => return Err(ChainFault::NameUnreadable),
            }
        }
        for group in &self.permitted {
            let (mut constrained, mut permitted) = (false, false);
            for base in group.iter().filter(|base| base.form() == name.form()) {
                self.left = self.left.checked_sub(1).ok_or(ChainFault::TooComplex)?;
                constrained = true;
                permitted |= within(name, base, Reading::Narrow).ok_or(ChainFault::NameUnreadable)?;
            }
            if constrained && !permitted {
                return Err(ChainFault::NotPermittedName);
            }
        }
        Ok(())
    }

    fn constrains(&self, form: u8) -> bool {
        let all = self.permitted.iter().chain(&self.excluded).copied().flatten();
        all.into_iter().any(|base| base.form() == form)
    }
}

/// How to read what is written loosely.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// Of two readings, the one that finds a name outside.
    Narrow,
    /// The one that finds it inside.
    Wide,
}

/// Whether a name lies in the subtree of a base of the same form. `None` when that cannot be said.
fn within(name: &GeneralName, base: &GeneralName, reading: Reading) -> Option<bool> {
    match (name, base) {
        (GeneralName::Directory(name), GeneralName::Directory(base)) => {
            let inside = name.starts_with(base);
            // Text that is none to us may be the excluded one to somebody else.
            (inside || reading == Reading::Narrow || name.is_text()).then_some(inside)
        }
        (GeneralName::Dns(name), GeneralName::Dns(base)) => dns_within(name, base, reading),
        (GeneralName::Email(name), GeneralName::Email(base)) => email_within(name, base, reading),
        (GeneralName::Uri(name), GeneralName::Uri(base)) => {
            let host = uri_host(name)?;
            Some(host_within(&host, &base.to_ascii_lowercase()))
        }
        (GeneralName::Ip(address), GeneralName::Ip(network)) => ip_within(address, network),
        _ => None,
    }
}

/// Zero or more labels added on the left. A base with a leading dot, which RFC 5280 does not know for this form, is
/// taken by others to leave the domain itself out.
fn dns_within(name: &str, base: &str, reading: Reading) -> Option<bool> {
    let (name, base) = (name.to_ascii_lowercase(), base.to_ascii_lowercase());
    let plain = name.strip_suffix('.').unwrap_or(&name);
    let (wildcard, plain) = match plain.strip_prefix("*.") {
        Some(rest) => (true, rest),
        None => (false, plain),
    };
    if !is_host(plain) {
        return None;
    }
    let domain = base.strip_prefix('.').unwrap_or(&base);
    if domain.is_empty() {
        return Some(true);
    }
    if !is_host(domain) {
        return None;
    }
    let below = is_below(plain, domain);
    let itself = plain == domain && (reading == Reading::Wide || wildcard || !base.starts_with('.'));
    // `*.example.vn` may stand for anything below, so also for what an excluded base below names.
    let covers = wildcard && reading == Reading::Wide && is_below(domain, plain);
    Some(below || itself || covers)
}

/// A base is a mailbox, a host, or with a leading dot a domain (RFC 5280 section 4.2.1.10).
fn email_within(name: &str, base: &str, reading: Reading) -> Option<bool> {
    let (local, host) = mailbox(name)?;
    if base.is_empty() {
        return Some(true);
    }
    let Some((base_local, base_host)) = base.split_once('@') else {
        return Some(host_within(&host, &base.to_ascii_lowercase()));
    };
    // RFC 5280 section 7.5: only the host is compared without regard to case; but many servers do not tell
    // mailboxes apart by case.
    let same_local = local == base_local
        || reading == Reading::Wide && (base_local.is_empty() || local.eq_ignore_ascii_case(base_local));
    Some(same_local && host == base_host.to_ascii_lowercase())
}

/// The host itself, or with a leading dot all below it.
fn host_within(host: &str, base: &str) -> bool {
    match base.strip_prefix('.') {
        _ if base.is_empty() => true,
        Some(domain) => is_below(host, domain),
        None => host == base,
    }
}

fn ip_within(address: &[u8], network: &[u8]) -> Option<bool> {
    if ![4, 16].contains(&address.len()) {
        return None;
    }
    if network.len() != 2 * address.len() {
        // The other family of addresses.
        return Some(false);
    }
    let (base, mask) = network.split_at_checked(address.len())?;
    Some(address.iter().zip(base).zip(mask).all(|((octet, base), mask)| octet & mask == base & mask))
}

/// Local part and host, lower case, of `local@host` with a plain local part.
fn mailbox(address: &str) -> Option<(&str, String)> {
    let (local, host) = address.split_once('@')?;
    let plain = |c: u8| c.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&c);
    let host = host.to_ascii_lowercase();
    (!local.is_empty() && local.bytes().all(plain) && is_host(&host)).then_some((local, host))
}

/// The host of a URI that has one by name; RFC 5280 demands that others be refused where URIs are constrained.
fn uri_host(uri: &str) -> Option<String> {
    if !uri.bytes().all(|c| c.is_ascii_graphic() && c != b'\\') {
        return None;
    }
    let (scheme, rest) = uri.split_once("://")?;
    let scheme_like = |c: u8| c.is_ascii_alphanumeric() || b"+-.".contains(&c);
    if !scheme.starts_with(|c: char| c.is_ascii_alphabetic()) || !scheme.bytes().all(scheme_like) {
        return None;
    }
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = match authority.split_once('@') {
        Some((_, host)) if host.contains('@') => return None,
        Some((_, host)) => host,
        None => authority,
    };
    let host = match host.split_once(':') {
        Some((host, port)) if port.bytes().all(|c| c.is_ascii_digit()) => host,
        Some(_) => return None,
        None => host,
    };
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let numeric = host.rsplit('.').next().is_some_and(|last| last.bytes().all(|c| c.is_ascii_digit()));
    (is_host(&host) && !numeric && host.parse::<Ipv4Addr>().is_err()).then_some(host)
}

/// Labels of letters, digits, hyphens and underscores, none of them empty.
fn is_host(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_')
    };
    text.len() <= 253 && text.split('.').all(label)
}

fn is_below(name: &str, domain: &str) -> bool {
    name.strip_suffix(domain).is_some_and(|labels| labels.ends_with('.'))
}

/// A mail address that is written as an otherName (RFC 9598), which constraints on mail addresses reach too.
fn is_mailbox_of_other_form(name: &GeneralName) -> bool {
    let GeneralName::Other { form: 0, der } = name else { return false };
    let kind = Reader::only(der).and_then(|name| name.reader().take(Tag::OID).and_then(|kind| kind.oid()));
    kind.is_ok_and(|kind| kind == oid::ON_SMTP_UTF8_MAILBOX)
}

/// The most comparisons of a name with a subtree on one path. Honest paths need a few dozen; a thousand names under a
/// thousand subtrees are there to keep us busy.
const MAX_COMPARISONS: usize = 65_536;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_lie_in_subtrees_as_the_standard_has_it() {
        let dns = |text: &str| GeneralName::Dns(text.to_owned());
        let email = |text: &str| GeneralName::Email(text.to_owned());
        let uri = |text: &str| GeneralName::Uri(text.to_owned());
        let ip = |octets: &[u8]| GeneralName::Ip(octets.to_vec());
        // The name, the base, whether it is inside read narrowly, and read widely.
        let cases = [
            (dns("host.example.vn"), dns("example.vn"), Some(true), Some(true)),
            (dns("EXAMPLE.vn."), dns("example.VN"), Some(true), Some(true)),
            (dns("badexample.vn"), dns("example.vn"), Some(false), Some(false)),
            (dns("example.vn"), dns(".example.vn"), Some(false), Some(true)),
            (dns("a.example.vn"), dns(".example.vn"), Some(true), Some(true)),
            (dns("*.example.vn"), dns("example.vn"), Some(true), Some(true)),
            (dns("*.example.vn"), dns("a.example.vn"), Some(false), Some(true)),
            (dns("a.vn"), dns(""), Some(true), Some(true)),
            (dns("a..vn"), dns("vn"), None, None),
            (dns("a b.vn"), dns("vn"), None, None),
            (dns(""), dns("vn"), None, None),
            (email("a@example.vn"), email("example.vn"), Some(true), Some(true)),
            (email("a@mail.example.vn"), email("example.vn"), Some(false), Some(false)),
            (email("a@mail.example.vn"), email(".example.vn"), Some(true), Some(true)),
            (email("a@example.vn"), email(".example.vn"), Some(false), Some(false)),
            (email("a@EXAMPLE.vn"), email("a@example.vn"), Some(true), Some(true)),
            (email("A@example.vn"), email("a@example.vn"), Some(false), Some(true)),
            (email("b@example.vn"), email("a@example.vn"), Some(false), Some(false)),
            (email("a"), email("example.vn"), None, None),
            (email("a@b@example.vn"), email("example.vn"), None, None),
            (email("\"a@b\"@example.vn"), email("example.vn"), None, None),
            (uri("http://example.vn/a"), uri("example.vn"), Some(true), Some(true)),
            (uri("http://u:p@Host.example.vn:80?x"), uri(".example.vn"), Some(true), Some(true)),
            (uri("http://host.example.vn"), uri("example.vn"), Some(false), Some(false)),
            (uri("http://evil.vn#@example.vn/"), uri("example.vn"), Some(false), Some(false)),
            (uri("http://evil.vn\\@example.vn/"), uri("example.vn"), None, None),
            (uri("http://10.0.0.1/"), uri("example.vn"), None, None),
            (uri("http://[::1]/"), uri("example.vn"), None, None),
            (uri("urn:a:b"), uri("example.vn"), None, None),
            (ip(&[10, 1, 2, 3]), ip(&[10, 0, 0, 0, 255, 0, 0, 0]), Some(true), Some(true)),
            (ip(&[11, 1, 2, 3]), ip(&[10, 0, 0, 0, 255, 0, 0, 0]), Some(false), Some(false)),
            (ip(&[0; 16]), ip(&[10, 0, 0, 0, 255, 0, 0, 0]), Some(false), Some(false)),
            (ip(&[10, 1, 2, 3]), ip(&[0; 32]), Some(false), Some(false)),
            (ip(&[10, 1, 2]), ip(&[10, 0, 0, 0, 255, 0, 0, 0]), None, None),
        ];
        for (name, base, narrow, wide) in cases {
            assert_eq!(within(&name, &base, Reading::Narrow), narrow, "{name:?} in {base:?}, narrow");
            assert_eq!(within(&name, &base, Reading::Wide), wide, "{name:?} in {base:?}, wide");
        }
    }

    #[test]
    fn every_authority_must_permit_and_none_exclude() {
        let dns = |text: &str| GeneralName::Dns(text.to_owned());
        let wide = NameConstraints { permitted: vec![dns("vn"), dns("com")], excluded: vec![] };
        let narrow = NameConstraints { permitted: vec![dns("gov.vn")], excluded: vec![dns("x.gov.vn")] };
        let mut subtrees = Subtrees::new(&wide);
        assert_eq!(subtrees.admit_name(&dns("a.com")), Ok(()));
        subtrees.narrow(&narrow);
        assert_eq!(subtrees.admit_name(&dns("a.gov.vn")), Ok(()));
        assert_eq!(subtrees.admit_name(&dns("a.com")), Err(ChainFault::NotPermittedName));
        assert_eq!(subtrees.admit_name(&dns("b.x.gov.vn")), Err(ChainFault::ExcludedName));
        assert_eq!(subtrees.admit_name(&GeneralName::Uri("urn:a".to_owned())), Ok(()), "another form");
        let other = |last| GeneralName::Other { form: 8, der: vec![0x88, 1, last] };
        let forms = NameConstraints { permitted: vec![], excluded: vec![other(1)] };
        subtrees.narrow(&forms);
        assert_eq!(subtrees.admit_name(&other(2)), Err(ChainFault::NameUnreadable));
        subtrees.left = 3;
        assert_eq!(subtrees.admit_name(&dns("a.gov.vn")), Err(ChainFault::TooComplex));
    }

    proptest! {
        #[test]
        fn any_texts_are_answered(name in ".{0,40}", base in ".{0,20}") {
            for make in [GeneralName::Dns, GeneralName::Email, GeneralName::Uri] {
                let (name, base) = (make(name.clone()), make(base.clone()));
                let (narrow, wide) =
                    (within(&name, &base, Reading::Narrow), within(&name, &base, Reading::Wide));
                // What is inside however narrowly one reads is inside when one reads widely.
                prop_assert!(narrow != Some(true) || wide == Some(true));
            }
        }

        #[test]
        fn labels_on_the_left_change_nothing(labels in "[a-z]{1,8}(\\.[a-z]{1,8}){0,3}", base in "[a-z]{1,8}\\.vn") {
            let name = GeneralName::Dns(format!("{labels}.{base}"));
            prop_assert_eq!(within(&name, &GeneralName::Dns(base), Reading::Narrow), Some(true));
        }

        #[test]
        fn addresses_and_masks_of_any_length_are_answered(address: Vec<u8>, network: Vec<u8>) {
            let _ = ip_within(&address, &network);
        }
    }
}
