//! The identifiers that XML signatures use for the algorithms of a report (RFC 6931, RFC 9231).

/// The identifier of a signature algorithm named as in reports, such as `SHA256withRSA`; `None` when it has none.
pub(super) fn signature_uri(name: &str) -> Option<&'static str> {
    let uri = |known: &(&str, &'static str)| (known.0 == name).then_some(known.1);
    SIGNATURES.iter().find_map(uri)
}

/// SHA-256 as a digest (XML Encryption).
pub(super) const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";

const SIGNATURES: [(&str, &str); 14] = [
    ("SHA1withRSA", "http://www.w3.org/2000/09/xmldsig#rsa-sha1"),
    ("SHA256withRSA", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"),
    ("SHA384withRSA", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384"),
    ("SHA512withRSA", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512"),
    ("SHA1withRSAandMGF1", "http://www.w3.org/2007/05/xmldsig-more#sha1-rsa-MGF1"),
    ("SHA256withRSAandMGF1", "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1"),
    ("SHA384withRSAandMGF1", "http://www.w3.org/2007/05/xmldsig-more#sha384-rsa-MGF1"),
    ("SHA512withRSAandMGF1", "http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1"),
    ("SHA1withECDSA", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1"),
    ("SHA256withECDSA", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"),
    ("SHA384withECDSA", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384"),
    ("SHA512withECDSA", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512"),
    ("Ed25519", "http://www.w3.org/2021/04/xmldsig-more#eddsa-ed25519"),
    ("Ed448", "http://www.w3.org/2021/04/xmldsig-more#eddsa-ed448"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{base::DigestAlgorithm, x509::algorithm::SignatureScheme};

    #[test]
    fn the_names_of_reports_are_known() {
        for digest in [DigestAlgorithm::Sha256, DigestAlgorithm::Sha384, DigestAlgorithm::Sha512] {
            for scheme in [
                SignatureScheme::Ecdsa(digest),
                SignatureScheme::RsaPkcs1(digest),
                SignatureScheme::RsaPss { digest, salt_len: 32 },
            ] {
                let uri = signature_uri(&scheme.name());
                assert!(uri.is_some_and(|uri| uri.starts_with("http://www.w3.org/")), "{}", scheme.name());
            }
        }
        assert_eq!(signature_uri("ROT13withLuck"), None);
    }
}
