//! Algorithm identifiers and what they mean (RFC 3279, RFC 4055, RFC 5754, RFC 5758).

use der::{Decode, Encode, oid::ObjectIdentifier};
use spki::AlgorithmIdentifierOwned;

pub use super::public_key::{KeyKind, key_kind};
use crate::{
    asn1::{Reader, Tag, oid, write},
    base::DigestAlgorithm,
};

/// How a signature value was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignatureScheme {
    /// ECDSA, value as DER `Ecdsa-Sig-Value` (RFC 3279 section 2.2.3); the curve comes from the key.
    Ecdsa(DigestAlgorithm),
    /// RSASSA-PKCS1-v1_5 (RFC 8017 section 8.2).
    RsaPkcs1(DigestAlgorithm),
    /// RSASSA-PSS with MGF1 over the same digest (RFC 8017 section 8.1).
    RsaPss {
        /// The digest of message and mask.
        digest: DigestAlgorithm,
        /// In bytes.
        salt_len: usize,
    },
}

impl SignatureScheme {
    /// The digest of the message.
    pub fn digest(self) -> DigestAlgorithm {
        match self {
            Self::Ecdsa(digest) | Self::RsaPkcs1(digest) | Self::RsaPss { digest, .. } => digest,
        }
    }

    /// From a certificate's, CRL's, OCSP's or SignerInfo's AlgorithmIdentifier.
    ///
    /// `digest` is the SignerInfo's digestAlgorithm, for `rsaEncryption`, which names none itself. An identifier
    /// that names its own digest keeps it, whatever `digest` says: whether the two agree is for the caller to see.
    ///
    /// # Errors
    ///
    /// When the algorithm is not one of [`SignatureScheme`], or its parameters are broken, missing where they
    /// decide something, or ask for what no variant says (a mask over another digest, another trailer).
    pub fn from_identifier(
        identifier: &AlgorithmIdentifierOwned,
        digest: Option<DigestAlgorithm>,
    ) -> Result<Self, UnknownAlgorithm> {
        use DigestAlgorithm::{Sha1, Sha256, Sha384, Sha512};

        let unknown = UnknownAlgorithm { oid: identifier.oid };
        if identifier.oid == oid::RSASSA_PSS {
            return pss(identifier).ok_or(unknown);
        }
        if identifier.parameters.as_ref().is_some_and(|parameters| !parameters.is_null()) {
            return Err(unknown);
        }
        match identifier.oid {
            oid::RSA_ENCRYPTION => digest.map(Self::RsaPkcs1).ok_or(unknown),
            oid::SHA1_WITH_RSA => Ok(Self::RsaPkcs1(Sha1)),
            oid::SHA256_WITH_RSA => Ok(Self::RsaPkcs1(Sha256)),
            oid::SHA384_WITH_RSA => Ok(Self::RsaPkcs1(Sha384)),
            oid::SHA512_WITH_RSA => Ok(Self::RsaPkcs1(Sha512)),
            oid::ECDSA_WITH_SHA1 => Ok(Self::Ecdsa(Sha1)),
            oid::ECDSA_WITH_SHA256 => Ok(Self::Ecdsa(Sha256)),
            oid::ECDSA_WITH_SHA384 => Ok(Self::Ecdsa(Sha384)),
            oid::ECDSA_WITH_SHA512 => Ok(Self::Ecdsa(Sha512)),
            _ => Err(unknown),
        }
    }

    /// The AlgorithmIdentifier encoding for a SignerInfo or certificate.
    pub fn to_identifier(self) -> Vec<u8> {
        use DigestAlgorithm::{Sha1, Sha256, Sha384, Sha512};

        let rsa = |algorithm| write::algorithm(algorithm, Some(&write::null()));
        match self {
            Self::Ecdsa(Sha1) => write::algorithm(oid::ECDSA_WITH_SHA1, None),
            Self::Ecdsa(Sha256) => write::algorithm(oid::ECDSA_WITH_SHA256, None),
            Self::Ecdsa(Sha384) => write::algorithm(oid::ECDSA_WITH_SHA384, None),
            Self::Ecdsa(Sha512) => write::algorithm(oid::ECDSA_WITH_SHA512, None),
            Self::RsaPkcs1(Sha1) => rsa(oid::SHA1_WITH_RSA),
            Self::RsaPkcs1(Sha256) => rsa(oid::SHA256_WITH_RSA),
            Self::RsaPkcs1(Sha384) => rsa(oid::SHA384_WITH_RSA),
            Self::RsaPkcs1(Sha512) => rsa(oid::SHA512_WITH_RSA),
            Self::RsaPss { digest, salt_len } => {
                write::algorithm(oid::RSASSA_PSS, Some(&pss_parameters(digest, salt_len)))
            }
        }
    }

    /// `SHA256withRSA`-like name for reports.
    pub fn name(self) -> String {
        let digest = self.digest().name().replace('-', "");
        match self {
            Self::Ecdsa(_) => format!("{digest}withECDSA"),
            Self::RsaPkcs1(_) => format!("{digest}withRSA"),
            Self::RsaPss { .. } => format!("{digest}withRSAandMGF1"),
        }
    }
}

/// An algorithm identifier that kyso does not know or whose parameters do not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("algorithm {oid} is not supported here")]
pub struct UnknownAlgorithm {
    /// What was named.
    pub oid: ObjectIdentifier,
}

/// The digest of an AlgorithmIdentifier.
///
/// # Errors
///
/// When it names another algorithm than those of [`DigestAlgorithm`].
pub fn digest_from_oid(oid: ObjectIdentifier) -> Result<DigestAlgorithm, UnknownAlgorithm> {
    match oid {
        oid::SHA1 => Ok(DigestAlgorithm::Sha1),
        oid::SHA256 => Ok(DigestAlgorithm::Sha256),
        oid::SHA384 => Ok(DigestAlgorithm::Sha384),
        oid::SHA512 => Ok(DigestAlgorithm::Sha512),
        _ => Err(UnknownAlgorithm { oid }),
    }
}

/// The object identifier of a digest.
pub fn digest_oid(digest: DigestAlgorithm) -> ObjectIdentifier {
    match digest {
        DigestAlgorithm::Sha1 => oid::SHA1,
        DigestAlgorithm::Sha256 => oid::SHA256,
        DigestAlgorithm::Sha384 => oid::SHA384,
        DigestAlgorithm::Sha512 => oid::SHA512,
    }
}

/// RFC 4055 section 3.1; absent parameters decide nothing and are refused.
///
/// ```text
/// RSASSA-PSS-params ::= SEQUENCE {
///     hashAlgorithm    [0] HashAlgorithm    DEFAULT sha1Identifier,
///     maskGenAlgorithm [1] MaskGenAlgorithm DEFAULT mgf1SHA1Identifier,
///     saltLength       [2] INTEGER          DEFAULT 20,
///     trailerField     [3] INTEGER          DEFAULT 1 }
/// ```
fn pss(identifier: &AlgorithmIdentifierOwned) -> Option<SignatureScheme> {
    let parameters = identifier.parameters.as_ref()?.to_der().ok()?;
    let mut reader = Reader::only(&parameters).ok()?.expect(Tag::SEQUENCE).ok()?.reader();
    let mut field = |number| {
        let outer = reader.optional(Tag::context(number))?;
        outer.map(|outer| Reader::only(outer.value)).transpose()
    };
    let digest = match field(0).ok()? {
        Some(hash) => plain_digest(hash.raw)?,
        None => DigestAlgorithm::Sha1,
    };
    let mask = match field(1).ok()? {
        Some(mask) => {
            let mask = AlgorithmIdentifierOwned::from_der(mask.raw).ok()?;
            let inner = mask.parameters.as_ref()?.to_der().ok()?;
            if mask.oid != oid::MGF1 {
                return None;
            }
            plain_digest(&inner)?
        }
        None => DigestAlgorithm::Sha1,
    };
    let salt_len = match field(2).ok()? {
        Some(salt) => usize::try_from(salt.unsigned().ok()?).ok()?,
        None => 20,
    };
    let trailer = match field(3).ok()? {
        Some(trailer) => trailer.unsigned().ok()?,
        None => 1,
    };
    reader.finish().ok()?;
    let fits = mask == digest && trailer == 1 && salt_len <= MAX_SALT;
    fits.then_some(SignatureScheme::RsaPss { digest, salt_len })
}

/// A digest AlgorithmIdentifier, whose parameters are NULL or absent.
fn plain_digest(der: &[u8]) -> Option<DigestAlgorithm> {
    let identifier = AlgorithmIdentifierOwned::from_der(der).ok()?;
    let plain = identifier.parameters.as_ref().is_none_or(der::asn1::Any::is_null);
    plain.then(|| digest_from_oid(identifier.oid).ok()).flatten()
}

fn pss_parameters(digest: DigestAlgorithm, salt_len: usize) -> Vec<u8> {
    let hash = write::algorithm(digest_oid(digest), Some(&write::null()));
    let mut fields = Vec::new();
    if digest != DigestAlgorithm::Sha1 {
        let mask = write::algorithm(oid::MGF1, Some(&hash));
        fields.push(write::value(Tag::context(0), &hash));
        fields.push(write::value(Tag::context(1), &mask));
    }
    if salt_len != 20 {
        let salt = write::unsigned(&salt_len.to_be_bytes());
        fields.push(write::value(Tag::context(2), &salt));
    }
    write::sequence(fields)
}

/// No salt is longer than the longest modulus that kyso reads, in bytes.
const MAX_SALT: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(identifier: &[u8], digest: Option<DigestAlgorithm>) -> Result<SignatureScheme, UnknownAlgorithm> {
        let identifier = AlgorithmIdentifierOwned::from_der(identifier).unwrap();
        SignatureScheme::from_identifier(&identifier, digest)
    }

    #[test]
    fn every_scheme_is_read_as_it_was_written() {
        use DigestAlgorithm::{Sha1, Sha256, Sha384, Sha512};
        for digest in [Sha1, Sha256, Sha384, Sha512] {
            let mut schemes = vec![SignatureScheme::Ecdsa(digest), SignatureScheme::RsaPkcs1(digest)];
            schemes.extend([0, 20, 32, 300].map(|salt_len| SignatureScheme::RsaPss { digest, salt_len }));
            for scheme in schemes {
                assert_eq!(read(&scheme.to_identifier(), None), Ok(scheme));
                assert_eq!(scheme.digest(), digest);
            }
            assert_eq!(digest_from_oid(digest_oid(digest)), Ok(digest));
        }
        assert_eq!(SignatureScheme::RsaPkcs1(Sha256).name(), "SHA256withRSA");
        assert_eq!(SignatureScheme::Ecdsa(Sha384).name(), "SHA384withECDSA");
        assert_eq!(SignatureScheme::RsaPss { digest: Sha512, salt_len: 64 }.name(), "SHA512withRSAandMGF1");
    }

    #[test]
    fn rsa_encryption_takes_the_digest_of_the_signer_info() {
        let plain = write::algorithm(oid::RSA_ENCRYPTION, Some(&write::null()));
        let sha384 = DigestAlgorithm::Sha384;
        assert_eq!(read(&plain, Some(sha384)), Ok(SignatureScheme::RsaPkcs1(sha384)));
        assert!(read(&plain, None).is_err());
        let own = SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha256);
        assert_eq!(read(&own.to_identifier(), Some(sha384)), Ok(own));
    }

    #[test]
    fn what_no_variant_says_is_refused() {
        let hash = |oid| write::algorithm(oid, Some(&write::null()));
        let field = |number, content: &[u8]| write::value(Tag::context(number), content);
        let pss = |fields: &[Vec<u8>]| write::algorithm(oid::RSASSA_PSS, Some(&write::sequence(fields)));
        let mask = |oid| write::algorithm(oid::MGF1, Some(&hash(oid)));
        let good = [field(0, &hash(oid::SHA256)), field(1, &mask(oid::SHA256))];
        assert_eq!(
            read(&pss(&good), None),
            Ok(SignatureScheme::RsaPss { digest: DigestAlgorithm::Sha256, salt_len: 20 })
        );
        for (what, identifier) in [
            ("no parameters", write::algorithm(oid::RSASSA_PSS, None)),
            ("mask over another digest", pss(&[field(0, &hash(oid::SHA256)), field(1, &mask(oid::SHA384))])),
            ("mask left at SHA-1", pss(&[field(0, &hash(oid::SHA256))])),
            ("another trailer", pss(&[field(3, &write::unsigned(&[2]))])),
            ("huge salt", pss(&[field(2, &write::unsigned(&[0xFF; 8]))])),
            ("negative salt", pss(&[field(2, &[0x02, 0x01, 0xFF])])),
            ("fields out of order", pss(&[good[1].clone(), good[0].clone()])),
            ("unknown mask", pss(&[field(1, &hash(oid::SHA1))])),
            ("parameters on ECDSA", write::algorithm(oid::ECDSA_WITH_SHA256, Some(&write::sequence([&[]])))),
            ("MD5", write::algorithm(ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.4"), None)),
            ("Ed25519", write::algorithm(oid::ED25519, None)),
        ] {
            assert!(read(&identifier, None).is_err(), "{what}");
        }
    }
}
