//! Algorithms by their identifiers (xmldsig-core1 section 6, RFC 6931 section 2).

use super::{Parts, SignatureError, Taking};
use crate::{
    asn1::{Reader, write},
    base::DigestAlgorithm::{
        self, Md5, Sha1, Sha3_224, Sha3_256, Sha3_384, Sha3_512, Sha224, Sha256, Sha384, Sha512,
    },
    x509::algorithm::{KeyKind, SignatureScheme, key_kind},
    xml::{Algorithm, Canonicalization, Element},
};

/// The transform that leaves the signature out of what it signs.
pub(super) const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const MORE_2007: &str = "http://www.w3.org/2007/05/xmldsig-more#";
const RSA_PSS: &str = "http://www.w3.org/2007/05/xmldsig-more#rsa-pss";
const MGF1: &str = "http://www.w3.org/2007/05/xmldsig-more#MGF1";

/// Prefixes in one `InclusiveNamespaces`.
const MAX_PREFIXES: usize = 64;

/// The longest salt worth a thought, in bytes: RSA keys of 8192 bits have room for less than twice that.
const MAX_SALT: usize = 512;

/// The attribute `Algorithm`.
pub(super) fn identifier(element: Element<'_>) -> Result<&str, SignatureError> {
    element
        .attribute("Algorithm")
        .ok_or_else(|| SignatureError::malformed(format!("{} names no algorithm", element.local_name())))
}

/// `CanonicalizationMethod`, or a `Transform` that is one, with `InclusiveNamespaces` for the exclusive form.
pub(in crate::xml) fn canonicalization(element: Element<'_>) -> Result<Canonicalization, SignatureError> {
    let uri = identifier(element)?;
    let mut form = Canonicalization::by_uri(uri)
        .ok_or_else(|| SignatureError::Algorithm { role: "canonicalization", uri: uri.to_owned() })?;
    let mut parts = Parts::of(element, "a canonicalization")?;
    if let Algorithm::Exclusive { inclusive } = &mut form.algorithm
        && let Some(list) = parts.optional_ns(EXCLUSIVE, "InclusiveNamespaces")
    {
        let prefixes = list.attribute("PrefixList").unwrap_or_default();
        inclusive.extend(prefixes.split_ascii_whitespace().map(|prefix| match prefix {
            "#default" => String::new(),
            prefix => prefix.to_owned(),
        }));
        if inclusive.len() > MAX_PREFIXES {
            return Err(SignatureError::malformed(format!(
                "a PrefixList of more than {MAX_PREFIXES} prefixes"
            )));
        }
    }
    parts.finish()?;
    Ok(form)
}

/// `DigestMethod`.
pub(in crate::xml) fn digest_method(
    element: Element<'_>,
    taking: Taking,
) -> Result<DigestAlgorithm, SignatureError> {
    let uri = identifier(element)?;
    Parts::of(element, "ds:DigestMethod")?.finish()?;
    let strong = DIGESTS.iter().find(|(known, _)| *known == uri);
    let other = OTHER_DIGESTS.iter().find(|(known, _)| *known == uri && taking == Taking::Open);
    strong.or(other).map(|(_, digest)| *digest).ok_or_else(|| unsupported("digest algorithm", uri))
}

/// The identifier of a digest algorithm in `DigestMethod`, for those that kyso writes.
pub fn digest_uri(digest: DigestAlgorithm) -> Option<&'static str> {
    DIGESTS.iter().find(|(_, known)| *known == digest).map(|(uri, _)| *uri)
}

/// The identifier in `SignatureMethod`, for the schemes that kyso signs with.
///
/// RSASSA-PSS has identifiers that say everything (RFC 6931 section 2.3.10): MGF1 over the same digest, a salt as long
/// as the digest. Others have none here.
pub fn scheme_uri(scheme: SignatureScheme) -> Option<&'static str> {
    Some(match scheme {
        SignatureScheme::RsaPkcs1(Sha256) => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        SignatureScheme::RsaPkcs1(Sha384) => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
        SignatureScheme::RsaPkcs1(Sha512) => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
        SignatureScheme::Ecdsa(Sha256) => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
        SignatureScheme::Ecdsa(Sha384) => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
        SignatureScheme::Ecdsa(Sha512) => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512",
        SignatureScheme::RsaPss { digest: Sha256, salt_len: 32 } => {
            "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1"
        }
        SignatureScheme::RsaPss { digest: Sha384, salt_len: 48 } => {
            "http://www.w3.org/2007/05/xmldsig-more#sha384-rsa-MGF1"
        }
        SignatureScheme::RsaPss { digest: Sha512, salt_len: 64 } => {
            "http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1"
        }
        _ => return None,
    })
}

/// The digests that a signature of today may rest on.
const DIGESTS: [(&str, DigestAlgorithm); 3] = [
    ("http://www.w3.org/2001/04/xmlenc#sha256", Sha256),
    ("http://www.w3.org/2001/04/xmldsig-more#sha384", Sha384),
    ("http://www.w3.org/2001/04/xmlenc#sha512", Sha512),
];

/// Recognised, so that a policy says what they are worth (RFC 6931 section 2.1, RFC 9231 section 2.1).
const OTHER_DIGESTS: [(&str, DigestAlgorithm); 7] = [
    ("http://www.w3.org/2001/04/xmldsig-more#md5", Md5),
    ("http://www.w3.org/2000/09/xmldsig#sha1", Sha1),
    ("http://www.w3.org/2001/04/xmldsig-more#sha224", Sha224),
    ("http://www.w3.org/2007/05/xmldsig-more#sha3-224", Sha3_224),
    ("http://www.w3.org/2007/05/xmldsig-more#sha3-256", Sha3_256),
    ("http://www.w3.org/2007/05/xmldsig-more#sha3-384", Sha3_384),
    ("http://www.w3.org/2007/05/xmldsig-more#sha3-512", Sha3_512),
];

/// Schemes that are recognised for the same reason (RFC 6931 section 2.3, RFC 9231 section 2.3).
fn other_scheme(uri: &str) -> Option<SignatureScheme> {
    let pss = |digest: DigestAlgorithm| SignatureScheme::RsaPss { digest, salt_len: digest.len() };
    Some(match uri {
        "http://www.w3.org/2001/04/xmldsig-more#rsa-md5" => SignatureScheme::RsaPkcs1(Md5),
        "http://www.w3.org/2000/09/xmldsig#rsa-sha1" => SignatureScheme::RsaPkcs1(Sha1),
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha224" => SignatureScheme::RsaPkcs1(Sha224),
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1" => SignatureScheme::Ecdsa(Sha1),
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha224" => SignatureScheme::Ecdsa(Sha224),
        "http://www.w3.org/2021/04/xmldsig-more#ecdsa-sha3-224" => SignatureScheme::Ecdsa(Sha3_224),
        "http://www.w3.org/2021/04/xmldsig-more#ecdsa-sha3-256" => SignatureScheme::Ecdsa(Sha3_256),
        "http://www.w3.org/2021/04/xmldsig-more#ecdsa-sha3-384" => SignatureScheme::Ecdsa(Sha3_384),
        "http://www.w3.org/2021/04/xmldsig-more#ecdsa-sha3-512" => SignatureScheme::Ecdsa(Sha3_512),
        "http://www.w3.org/2007/05/xmldsig-more#sha1-rsa-MGF1" => pss(Sha1),
        "http://www.w3.org/2007/05/xmldsig-more#sha224-rsa-MGF1" => pss(Sha224),
        "http://www.w3.org/2007/05/xmldsig-more#sha3-224-rsa-MGF1" => pss(Sha3_224),
        "http://www.w3.org/2007/05/xmldsig-more#sha3-256-rsa-MGF1" => pss(Sha3_256),
        "http://www.w3.org/2007/05/xmldsig-more#sha3-384-rsa-MGF1" => pss(Sha3_384),
        "http://www.w3.org/2007/05/xmldsig-more#sha3-512-rsa-MGF1" => pss(Sha3_512),
        _ => return None,
    })
}

/// `SignatureMethod`.
pub(super) fn signature_method(
    element: Element<'_>,
    taking: Taking,
) -> Result<SignatureScheme, SignatureError> {
    let uri = identifier(element)?;
    let mut parts = Parts::of(element, "ds:SignatureMethod")?;
    let pss = |digest: DigestAlgorithm| SignatureScheme::RsaPss { digest, salt_len: digest.len() };
    let scheme = match uri {
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256" => SignatureScheme::RsaPkcs1(Sha256),
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384" => SignatureScheme::RsaPkcs1(Sha384),
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512" => SignatureScheme::RsaPkcs1(Sha512),
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256" => SignatureScheme::Ecdsa(Sha256),
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384" => SignatureScheme::Ecdsa(Sha384),
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512" => SignatureScheme::Ecdsa(Sha512),
        "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1" => pss(Sha256),
        "http://www.w3.org/2007/05/xmldsig-more#sha384-rsa-MGF1" => pss(Sha384),
        "http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1" => pss(Sha512),
        RSA_PSS => match parts.optional_ns(MORE_2007, "RSAPSSParams") {
            Some(parameters) => pss_parameters(parameters, taking)?,
            None => pss(Sha256),
        },
        _ => match other_scheme(uri).filter(|_| taking == Taking::Open) {
            Some(scheme) => scheme,
            None => return Err(unsupported("signature algorithm", uri)),
        },
    };
    parts.finish()?;
    Ok(scheme)
}

/// `RSAPSSParams` (RFC 6931 section 2.3.9): SHA-256, MGF1 over the same digest, a salt as long as the digest and the
/// trailer field 1 where they are not named.
fn pss_parameters(element: Element<'_>, taking: Taking) -> Result<SignatureScheme, SignatureError> {
    let mut parts = Parts::of(element, "RSAPSSParams")?;
    let digest = match parts.optional("DigestMethod") {
        Some(method) => digest_method(method, taking)?,
        None => Sha256,
    };
    let mut mask_digest = digest;
    if let Some(mask) = parts.optional_ns(MORE_2007, "MaskGenerationFunction") {
        let uri = identifier(mask)?;
        let mut parts = Parts::of(mask, "MaskGenerationFunction")?;
        mask_digest = match parts.optional("DigestMethod") {
            Some(method) => digest_method(method, taking)?,
            None => Sha256,
        };
        parts.finish()?;
        if uri != MGF1 || (mask_digest != digest && taking == Taking::Strict) {
            return Err(SignatureError::Algorithm { role: "mask generation function", uri: uri.to_owned() });
        }
    }
    let number = |element: Element<'_>| -> Result<usize, SignatureError> {
        let text = element.text().map(str::trim).unwrap_or_default();
        text.parse()
            .ok()
            .filter(|&number| number <= MAX_SALT)
            .ok_or_else(|| SignatureError::malformed(format!("{} is no such number", element.local_name())))
    };
    let salt_len = match parts.optional_ns(MORE_2007, "SaltLength") {
        Some(length) => number(length)?,
        None => digest.len(),
    };
    if let Some(trailer) = parts.optional_ns(MORE_2007, "TrailerField")
        && number(trailer)? != 1
    {
        return Err(SignatureError::malformed("TrailerField is not 1"));
    }
    parts.finish()?;
    Ok(if mask_digest == digest {
        SignatureScheme::RsaPss { digest, salt_len }
    } else {
        SignatureScheme::RsaPssMixed { digest, mask: mask_digest, salt_len }
    })
}

/// Two numbers of the field's length side by side (xmldsig-core1 section 6.4.3), as the DER that verifiers take.
pub(super) fn ecdsa_value(value: &[u8], spki_der: &[u8]) -> Result<Vec<u8>, SignatureError> {
    let key = |reason: String| SignatureError::Key { reason };
    let kind = key_kind(spki_der).map_err(|error| key(error.to_string()))?;
    let (KeyKind::Brainpool { bits } | KeyKind::Ec { bits }) = kind else {
        return Err(key("the value is an ECDSA one, the key is of another kind".to_owned()));
    };
    let half = bits.div_ceil(8);
    if value.len() != 2 * half {
        return Err(key(format!(
            "the value has {} bytes; keys of {bits} bits make {}",
            value.len(),
            2 * half
        )));
    }
    let (r, s) = value.split_at(half);
    Ok(write::sequence([write::unsigned(r), write::unsigned(s)]))
}

/// The DER of an ECDSA value as the two numbers side by side; `None` when it is no such value of a key of `bits` bits.
pub fn ecdsa_value_from_der(der: &[u8], bits: usize) -> Option<Vec<u8>> {
    let half = bits.div_ceil(8);
    let mut numbers = Reader::only(der).ok()?.reader();
    let mut value = Vec::with_capacity(2 * half);
    for _ in 0..2 {
        let number = numbers.any().ok()?.value;
        let first = number.iter().position(|&octet| octet != 0).unwrap_or(number.len());
        let number = number.get(first..)?;
        value.extend(std::iter::repeat_n(0, half.checked_sub(number.len())?));
        value.extend_from_slice(number);
    }
    numbers.finish().ok()?;
    Some(value)
}

/// Known and weak, or not known at all.
fn unsupported(role: &'static str, uri: &str) -> SignatureError {
    let uri = uri.to_owned();
    let name = uri.rsplit('#').next().unwrap_or_default();
    let weak = ["sha1", "md5", "dsa-sha256", "ripemd160"].iter().any(|weak| name.contains(weak))
        && !name.starts_with("hmac");
    if weak { SignatureError::Weak { role, uri } } else { SignatureError::Algorithm { role, uri } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_algorithms_are_told_from_unknown_ones() {
        for weak in [
            "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
            "http://www.w3.org/2000/09/xmldsig#dsa-sha1",
            "http://www.w3.org/2009/xmldsig11#dsa-sha256",
            "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1",
            "http://www.w3.org/2007/05/xmldsig-more#sha1-rsa-MGF1",
            "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
            "http://www.w3.org/2000/09/xmldsig#sha1",
        ] {
            assert!(matches!(unsupported("x", weak), SignatureError::Weak { .. }), "{weak}");
        }
        for unknown in [
            "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
            "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
            "",
            "urn:x",
        ] {
            assert!(matches!(unsupported("x", unknown), SignatureError::Algorithm { .. }), "{unknown}");
        }
    }
}
