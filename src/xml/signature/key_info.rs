//! `ds:KeyInfo` (xmldsig-core1 section 4.5): a hint from a stranger, which must not contradict what is known.

use super::{NAMESPACE, base64};
use crate::{
    asn1::{oid, write},
    base::Digest,
    x509::Certificate,
    xml::Element,
};

/// The namespace of what XML Signature 1.1 added.
const NAMESPACE_11: &str = "http://www.w3.org/2009/xmldsig11#";

/// Certificates taken from one `KeyInfo`.
const MAX_CERTIFICATES: usize = 20;

/// `X509Data/X509Certificate`; what is not a certificate is passed over, for it is a hint only.
pub(super) fn certificates(key_info: Element<'_>) -> Vec<Certificate> {
    x509_data(key_info)
        .filter(|element| element.is(NAMESPACE, "X509Certificate"))
        .take(MAX_CERTIFICATES)
        .filter_map(|element| base64(element, "X509Certificate").ok())
        .filter_map(|der| Certificate::from_der(&der).ok())
        .collect()
}

/// Whether an `X509Certificate` has this digest, readable or not.
pub(super) fn carries(key_info: Element<'_>, digest: &Digest) -> bool {
    x509_data(key_info)
        .filter(|element| element.is(NAMESPACE, "X509Certificate"))
        .take(MAX_CERTIFICATES)
        .filter_map(|element| base64(element, "X509Certificate").ok())
        .any(|der| digest.algorithm.digest(&der) == *digest)
}

/// What names another key than `certificate`'s. `others` may be named beside it: the certificates that came along.
pub(super) fn fault(
    key_info: Element<'_>,
    certificate: &Certificate,
    others: &[Certificate],
) -> Option<String> {
    for element in key_info.elements() {
        if element.is(NAMESPACE, "KeyValue") {
            let spki = element.elements().next().and_then(spki);
            if spki.as_deref() != Some(certificate.spki_der()) {
                return Some("its KeyValue is another key than the certificate's".to_owned());
            }
        } else if element.is(NAMESPACE_11, "DEREncodedKeyValue") {
            if base64(element, "DEREncodedKeyValue").ok().as_deref() != Some(certificate.spki_der()) {
                return Some("its DEREncodedKeyValue is another key than the certificate's".to_owned());
            }
        } else if element.is(NAMESPACE, "RetrievalMethod") || element.is(NAMESPACE_11, "KeyInfoReference") {
            return Some("its key is said to lie elsewhere, and nothing is fetched".to_owned());
        }
    }
    let known = || std::iter::once(certificate).chain(others);
    for element in x509_data(key_info) {
        if element.is(NAMESPACE, "X509IssuerSerial") {
            let serial = element.child(NAMESPACE, "X509SerialNumber").and_then(|serial| serial.text());
            let serial = serial.map(|serial| serial.trim().trim_start_matches('0').to_owned());
            if !known().any(|one| serial.as_deref() == Some(&decimal(one.serial()))) {
                return Some("its X509IssuerSerial names another certificate".to_owned());
            }
        }
        if element.is(NAMESPACE, "X509SKI") {
            let ski = base64(element, "X509SKI").ok();
            if !known().any(|one| ski.is_some() && one.subject_key_identifier() == ski.as_deref()) {
                return Some("its X509SKI names another key".to_owned());
            }
        }
    }
    None
}

fn x509_data(key_info: Element<'_>) -> impl Iterator<Item = Element<'_>> {
    key_info.elements().filter(|element| element.is(NAMESPACE, "X509Data")).flat_map(|data| data.elements())
}

/// `RSAKeyValue` and `ECKeyValue` as a SubjectPublicKeyInfo.
fn spki(value: Element<'_>) -> Option<Vec<u8>> {
    if value.is(NAMESPACE, "RSAKeyValue") {
        let part = |name| base64(value.child(NAMESPACE, name)?, "CryptoBinary").ok();
        let key = write::sequence([write::unsigned(&part("Modulus")?), write::unsigned(&part("Exponent")?)]);
        let algorithm = write::algorithm(oid::RSA_ENCRYPTION, Some(&write::null()));
        return Some(write::sequence([algorithm, write::bit_string(&key)]));
    }
    if value.is(NAMESPACE_11, "ECKeyValue") {
        let curve = value.child(NAMESPACE_11, "NamedCurve")?.attribute("URI")?.strip_prefix("urn:oid:")?;
        let curve = der::oid::ObjectIdentifier::new(curve).ok()?;
        let point = base64(value.child(NAMESPACE_11, "PublicKey")?, "PublicKey").ok()?;
        let algorithm = write::algorithm(oid::EC_PUBLIC_KEY, Some(&write::oid(curve)));
        return Some(write::sequence([algorithm, write::bit_string(&point)]));
    }
    None
}

/// Octets of a number, most significant first, as decimal digits; empty for nought.
fn decimal(octets: &[u8]) -> String {
    // Digits, the last one first.
    let mut digits: Vec<u8> = Vec::new();
    for &octet in octets {
        let mut carry = u16::from(octet);
        for digit in &mut digits {
            let value = u16::from(*digit) * 256 + carry;
            *digit = u8::try_from(value % 10).unwrap_or(0);
            carry = value / 10;
        }
        while carry > 0 {
            digits.push(u8::try_from(carry % 10).unwrap_or(0));
            carry /= 10;
        }
    }
    digits.iter().rev().map(|digit| char::from(b'0' + digit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_decimal() {
        for (octets, digits) in [
            (&[][..], ""),
            (&[0], ""),
            (&[1], "1"),
            (&[0, 255], "255"),
            (&[1, 0], "256"),
            (&[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], "4722366482869645213695"),
        ] {
            assert_eq!(decimal(octets), digits);
        }
    }
}
