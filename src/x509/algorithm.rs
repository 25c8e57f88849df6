//! Algorithm identifiers and what they mean (RFC 3279, RFC 4055, RFC 5754, RFC 5758, RFC 8410, RFC 8692, RFC 9688).

use std::fmt;

use der::{Decode, Encode, oid::ObjectIdentifier};
use spki::AlgorithmIdentifierOwned;

pub use super::public_key::{KeyKind, key_kind};
use crate::{
    asn1::{Reader, Tag, oid, write},
    base::{
        Digest,
        DigestAlgorithm::{
            self, Md5, Sha1, Sha3_224, Sha3_256, Sha3_384, Sha3_512, Sha224, Sha256, Sha384, Sha512,
            Sha512_224, Sha512_256, Shake128, Shake256,
        },
    },
};

/// How a signature value was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignatureScheme {
    /// ECDSA, value as DER `Ecdsa-Sig-Value` (RFC 3279 section 2.2.3); the curve comes from the key.
    Ecdsa(DigestAlgorithm),
    /// PureEdDSA on edwards25519 (RFC 8032 section 5.1, RFC 8410), which hashes with SHA-512 itself.
    Ed25519,
    /// RSASSA-PKCS1-v1_5 (RFC 8017 section 8.2).
    RsaPkcs1(DigestAlgorithm),
    /// RSASSA-PSS with MGF1 over the same digest (RFC 8017 section 8.1); with SHAKE, the mask is SHAKE's own output
    /// (RFC 8692 section 3).
    RsaPss {
        /// The digest of message and mask.
        digest: DigestAlgorithm,
        /// In bytes.
        salt_len: usize,
    },
    /// RSASSA-PSS with MGF1 over another digest than the message's: Java programs leave SHA-1 there unasked.
    RsaPssMixed {
        /// The digest of the message; never the same as `mask`.
        digest: DigestAlgorithm,
        /// The digest in MGF1.
        mask: DigestAlgorithm,
        /// In bytes.
        salt_len: usize,
    },
}

impl SignatureScheme {
    /// The digest of the message; for Ed25519 the one that goes with it in CMS (RFC 8419 section 3.1), too.
    pub fn digest(self) -> DigestAlgorithm {
        match self {
            Self::Ed25519 => Sha512,
            Self::Ecdsa(digest)
            | Self::RsaPkcs1(digest)
            | Self::RsaPss { digest, .. }
            | Self::RsaPssMixed { digest, .. } => digest,
        }
    }

    /// The first of its digests that [`DigestAlgorithm::is_weak`], the mask's included.
    pub fn weak_digest(self) -> Option<DigestAlgorithm> {
        let mask = match self {
            Self::RsaPssMixed { mask, .. } => Some(mask),
            _ => None,
        };
        [Some(self.digest()), mask].into_iter().flatten().find(|digest| digest.is_weak())
    }

    /// From a certificate's, CRL's, OCSP's or SignerInfo's AlgorithmIdentifier.
    ///
    /// `digest` is the SignerInfo's digestAlgorithm, for `rsaEncryption` and `id-ecPublicKey`, which name none
    /// themselves. An identifier that names its own digest keeps it, whatever `digest` says: whether the two agree is
    /// for the caller to see.
    ///
    /// # Errors
    ///
    /// When the algorithm is not one of [`SignatureScheme`], or its parameters are broken, missing where they
    /// decide something, or ask for what no variant says (another mask than MGF1, another trailer).
    pub fn from_identifier(
        identifier: &AlgorithmIdentifierOwned,
        digest: Option<DigestAlgorithm>,
    ) -> Result<Self, UnknownAlgorithm> {
        let unknown = UnknownAlgorithm { oid: identifier.oid };
        let parameters = identifier.parameters.as_ref();
        if identifier.oid == oid::RSASSA_PSS {
            return pss(identifier).ok_or(unknown);
        }
        if parameters.is_some_and(|parameters| !parameters.is_null()) {
            return Err(unknown);
        }
        match identifier.oid {
            // RFC 8410 section 3 and RFC 8692 section 2 let nothing stand there.
            oid::ED25519 | oid::RSASSA_PSS_SHAKE128 | oid::RSASSA_PSS_SHAKE256 if parameters.is_some() => {
                Err(unknown)
            }
            oid::ED25519 => Ok(Self::Ed25519),
            oid::RSASSA_PSS_SHAKE128 => Ok(Self::RsaPss { digest: Shake128, salt_len: Shake128.len() }),
            oid::RSASSA_PSS_SHAKE256 => Ok(Self::RsaPss { digest: Shake256, salt_len: Shake256.len() }),
            oid::RSA_ENCRYPTION => match digest {
                Some(digest) if !is_shake(digest) => Ok(Self::RsaPkcs1(digest)),
                _ => Err(unknown),
            },
            oid::EC_PUBLIC_KEY => digest.map(Self::Ecdsa).ok_or(unknown),
            oid::OIW_SHA1_WITH_RSA => Ok(Self::RsaPkcs1(Sha1)),
            named => {
                let in_table = |table: &[(ObjectIdentifier, DigestAlgorithm)]| {
                    table.iter().find(|(oid, _)| *oid == named).map(|(_, digest)| *digest)
                };
                let scheme = in_table(&RSA).map(Self::RsaPkcs1);
                scheme.or_else(|| in_table(&ECDSA).map(Self::Ecdsa)).ok_or(unknown)
            }
        }
    }

    /// The AlgorithmIdentifier encoding for a SignerInfo or certificate.
    ///
    /// A pair of key and digest that nobody gave a name becomes the bare key algorithm, which a SignerInfo may hold
    /// beside its digestAlgorithm.
    pub fn to_identifier(self) -> Vec<u8> {
        let named = |table: &[(ObjectIdentifier, DigestAlgorithm)], digest, bare| {
            table.iter().find(|(_, of)| *of == digest).map_or(bare, |(oid, _)| *oid)
        };
        match self {
            Self::Ecdsa(digest) => write::algorithm(named(&ECDSA, digest, oid::EC_PUBLIC_KEY), None),
            Self::Ed25519 => write::algorithm(oid::ED25519, None),
            Self::RsaPkcs1(digest) => {
                write::algorithm(named(&RSA, digest, oid::RSA_ENCRYPTION), Some(&write::null()))
            }
            Self::RsaPss { digest: Shake128, .. } => write::algorithm(oid::RSASSA_PSS_SHAKE128, None),
            Self::RsaPss { digest: Shake256, .. } => write::algorithm(oid::RSASSA_PSS_SHAKE256, None),
            Self::RsaPss { digest, salt_len } => {
                write::algorithm(oid::RSASSA_PSS, Some(&pss_parameters(digest, digest, salt_len)))
            }
            Self::RsaPssMixed { digest, mask, salt_len } => {
                write::algorithm(oid::RSASSA_PSS, Some(&pss_parameters(digest, mask, salt_len)))
            }
        }
    }

    /// `SHA256withRSA`-like name for reports.
    pub fn name(self) -> String {
        let digest = self.digest().name().replacen("SHA-", "SHA", 1);
        match self {
            Self::Ecdsa(_) => format!("{digest}withECDSA"),
            Self::Ed25519 => "Ed25519".to_owned(),
            Self::RsaPkcs1(_) => format!("{digest}withRSA"),
            Self::RsaPss { .. } => format!("{digest}withRSAandMGF1"),
            Self::RsaPssMixed { mask, .. } => {
                format!("{digest}withRSAandMGF1({})", mask.name().replacen("SHA-", "SHA", 1))
            }
        }
    }
}

/// An algorithm identifier that kyso does not know or whose parameters do not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownAlgorithm {
    /// What was named.
    pub oid: ObjectIdentifier,
}

impl UnknownAlgorithm {
    /// What people call it, if it is one that kyso recognises in order to refuse it by name.
    pub fn name(&self) -> Option<&'static str> {
        REFUSED.iter().find(|(oid, _)| *oid == self.oid).map(|(_, name)| *name)
    }
}

impl fmt::Display for UnknownAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name} ({}) is not supported", self.oid),
            None => write!(f, "algorithm {} is not supported here", self.oid),
        }
    }
}

impl std::error::Error for UnknownAlgorithm {}

/// The digest that an object identifier names by itself.
///
/// # Errors
///
/// When it names another algorithm than those of [`DigestAlgorithm`].
pub fn digest_from_oid(oid: ObjectIdentifier) -> Result<DigestAlgorithm, UnknownAlgorithm> {
    let known = DIGESTS.iter().find(|(known, _)| *known == oid);
    known.map(|(_, digest)| *digest).ok_or(UnknownAlgorithm { oid })
}

/// The digest of an AlgorithmIdentifier, which for SHAKE may carry the length of its output (RFC 8419 section 2.2).
///
/// Other parameters are passed over, as RFC 5754 section 2 asks for those that are NULL.
///
/// # Errors
///
/// When it names another algorithm than those of [`DigestAlgorithm`], or another length.
pub fn digest_from_identifier(
    identifier: &AlgorithmIdentifierOwned,
) -> Result<DigestAlgorithm, UnknownAlgorithm> {
    if identifier.oid != oid::SHAKE256_LEN {
        return digest_from_oid(identifier.oid);
    }
    let length: Option<u16> =
        identifier.parameters.as_ref().and_then(|parameters| parameters.decode_as().ok());
    match length {
        Some(512) => Ok(Shake256),
        _ => Err(UnknownAlgorithm { oid: identifier.oid }),
    }
}

/// A digest with its algorithm.
///
/// ```asn1
/// DigestInfo ::= SEQUENCE {
///     digestAlgorithm DigestAlgorithmIdentifier,
///     digest          OCTET STRING }
/// ```
///
/// RFC 8017 section 9.2, with the NULL parameters of appendix B.1. MessageImprint (RFC 3161 section 2.4.1) looks alike.
pub fn digest_info(digest: &Digest) -> Vec<u8> {
    let algorithm = write::algorithm(digest_oid(digest.algorithm), Some(&write::null()));
    write::sequence([algorithm, write::octet_string(&digest.bytes)])
}

/// The object identifier of a digest.
pub fn digest_oid(digest: DigestAlgorithm) -> ObjectIdentifier {
    match digest {
        Md5 => oid::MD5,
        Sha1 => oid::SHA1,
        Sha224 => oid::SHA224,
        Sha256 => oid::SHA256,
        Sha384 => oid::SHA384,
        Sha512 => oid::SHA512,
        Sha512_224 => oid::SHA512_224,
        Sha512_256 => oid::SHA512_256,
        Sha3_224 => oid::SHA3_224,
        Sha3_256 => oid::SHA3_256,
        Sha3_384 => oid::SHA3_384,
        Sha3_512 => oid::SHA3_512,
        Shake128 => oid::SHAKE128,
        Shake256 => oid::SHAKE256,
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
        None => Sha1,
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
        None => Sha1,
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
    // MGF1 over SHAKE is nobody's: RFC 8692 gives PSS with SHAKE identifiers of its own.
    let fits = trailer == 1 && salt_len <= MAX_SALT && !is_shake(digest) && !is_shake(mask);
    fits.then_some(if mask == digest {
        SignatureScheme::RsaPss { digest, salt_len }
    } else {
        SignatureScheme::RsaPssMixed { digest, mask, salt_len }
    })
}

fn is_shake(digest: DigestAlgorithm) -> bool {
    matches!(digest, Shake128 | Shake256)
}

/// A digest AlgorithmIdentifier, whose parameters are NULL or absent.
fn plain_digest(der: &[u8]) -> Option<DigestAlgorithm> {
    let identifier = AlgorithmIdentifierOwned::from_der(der).ok()?;
    let plain = identifier.parameters.as_ref().is_none_or(der::asn1::Any::is_null);
    plain.then(|| digest_from_oid(identifier.oid).ok()).flatten()
}

fn pss_parameters(digest: DigestAlgorithm, mask: DigestAlgorithm, salt_len: usize) -> Vec<u8> {
    let hash = |digest| write::algorithm(digest_oid(digest), Some(&write::null()));
    let mut fields = Vec::new();
    if digest != Sha1 {
        fields.push(write::value(Tag::context(0), &hash(digest)));
    }
    if mask != Sha1 {
        let mask = write::algorithm(oid::MGF1, Some(&hash(mask)));
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

/// RFC 5754, RFC 8017 appendix A.2.4, RFC 8702 section 3.1, RFC 9688 section 2.
const DIGESTS: [(ObjectIdentifier, DigestAlgorithm); 14] = [
    (oid::MD5, Md5),
    (oid::SHA1, Sha1),
    (oid::SHA224, Sha224),
    (oid::SHA256, Sha256),
    (oid::SHA384, Sha384),
    (oid::SHA512, Sha512),
    (oid::SHA512_224, Sha512_224),
    (oid::SHA512_256, Sha512_256),
    (oid::SHA3_224, Sha3_224),
    (oid::SHA3_256, Sha3_256),
    (oid::SHA3_384, Sha3_384),
    (oid::SHA3_512, Sha3_512),
    (oid::SHAKE128, Shake128),
    (oid::SHAKE256, Shake256),
];

/// RSASSA-PKCS1-v1_5 by digest: RFC 8017 appendix A.2.4, RFC 9688 section 3.1.
const RSA: [(ObjectIdentifier, DigestAlgorithm); 12] = [
    (oid::MD5_WITH_RSA, Md5),
    (oid::SHA1_WITH_RSA, Sha1),
    (oid::SHA224_WITH_RSA, Sha224),
    (oid::SHA256_WITH_RSA, Sha256),
    (oid::SHA384_WITH_RSA, Sha384),
    (oid::SHA512_WITH_RSA, Sha512),
    (oid::SHA512_224_WITH_RSA, Sha512_224),
    (oid::SHA512_256_WITH_RSA, Sha512_256),
    (oid::SHA3_224_WITH_RSA, Sha3_224),
    (oid::SHA3_256_WITH_RSA, Sha3_256),
    (oid::SHA3_384_WITH_RSA, Sha3_384),
    (oid::SHA3_512_WITH_RSA, Sha3_512),
];

/// ECDSA by digest: RFC 3279 section 2.2.3, RFC 5758 section 3.2, RFC 8692 section 3, RFC 9688 section 3.2.
const ECDSA: [(ObjectIdentifier, DigestAlgorithm); 11] = [
    (oid::ECDSA_WITH_SHA1, Sha1),
    (oid::ECDSA_WITH_SHA224, Sha224),
    (oid::ECDSA_WITH_SHA256, Sha256),
    (oid::ECDSA_WITH_SHA384, Sha384),
    (oid::ECDSA_WITH_SHA512, Sha512),
    (oid::ECDSA_WITH_SHA3_224, Sha3_224),
    (oid::ECDSA_WITH_SHA3_256, Sha3_256),
    (oid::ECDSA_WITH_SHA3_384, Sha3_384),
    (oid::ECDSA_WITH_SHA3_512, Sha3_512),
    (oid::ECDSA_WITH_SHAKE128, Shake128),
    (oid::ECDSA_WITH_SHAKE256, Shake256),
];

/// What kyso recognises and does not verify, so that a report can say more than a row of numbers.
const REFUSED: [(ObjectIdentifier, &str); 33] = [
    named("1.2.840.10040.4.1", "DSA"),
    named("1.2.840.10040.4.3", "DSA with SHA-1"),
    named("2.16.840.1.101.3.4.3.1", "DSA with SHA-224"),
    named("2.16.840.1.101.3.4.3.2", "DSA with SHA-256"),
    named("2.16.840.1.101.3.4.3.3", "DSA with SHA-384"),
    named("2.16.840.1.101.3.4.3.4", "DSA with SHA-512"),
    named("1.2.840.113549.2.2", "MD2"),
    named("1.2.840.113549.2.4", "MD4"),
    named("1.2.840.113549.1.1.2", "RSA with MD2"),
    named("1.2.840.113549.1.1.3", "RSA with MD4"),
    named("1.3.36.3.2.1", "RIPEMD-160"),
    named("1.3.36.3.3.1.2", "RSA with RIPEMD-160"),
    named("1.2.840.10045.3.1.1", "ECDSA on secp192r1"),
    named("1.3.132.0.33", "ECDSA on secp224r1"),
    named("1.3.132.0.10", "ECDSA on secp256k1"),
    named("1.2.250.1.223.101.256.1", "ECDSA on FRP256v1"),
    named("1.3.36.3.3.2.8.1.1.5", "ECDSA on brainpoolP224r1"),
    named("1.3.36.3.3.2.8.1.1.8", "ECDSA on brainpoolP256t1"),
    named("1.3.36.3.3.2.8.1.1.9", "ECDSA on brainpoolP320r1"),
    named("1.3.36.3.3.2.8.1.1.12", "ECDSA on brainpoolP384t1"),
    named("1.3.36.3.3.2.8.1.1.14", "ECDSA on brainpoolP512t1"),
    named("0.4.0.127.0.7.1.1.4.1.3", "plain ECDSA with SHA-256"),
    named("0.4.0.127.0.7.1.1.4.1.4", "plain ECDSA with SHA-384"),
    named("0.4.0.127.0.7.1.1.4.1.5", "plain ECDSA with SHA-512"),
    named("1.3.101.113", "Ed448"),
    named("1.2.643.7.1.1.1.1", "GOST R 34.10-2012"),
    named("1.2.643.7.1.1.3.2", "GOST R 34.10-2012 with Streebog"),
    named("1.2.643.7.1.1.2.2", "Streebog"),
    named("1.2.156.10197.1.401", "SM3"),
    named("1.2.156.10197.1.501", "SM2 with SM3"),
    named("2.16.840.1.101.3.4.3.17", "ML-DSA-44"),
    named("2.16.840.1.101.3.4.3.18", "ML-DSA-65"),
    named("2.16.840.1.101.3.4.3.19", "ML-DSA-87"),
];

const fn named(oid: &str, name: &'static str) -> (ObjectIdentifier, &'static str) {
    (ObjectIdentifier::new_unwrap(oid), name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(identifier: &[u8], digest: Option<DigestAlgorithm>) -> Result<SignatureScheme, UnknownAlgorithm> {
        let identifier = AlgorithmIdentifierOwned::from_der(identifier).unwrap();
        SignatureScheme::from_identifier(&identifier, digest)
    }

    #[test]
    fn the_digest_info_is_the_one_of_rfc_8017() {
        for (algorithm, prefix) in [
            (DigestAlgorithm::Sha256, "3031300d060960864801650304020105000420"),
            (DigestAlgorithm::Sha384, "3041300d060960864801650304020205000430"),
            (DigestAlgorithm::Sha512, "3051300d060960864801650304020305000440"),
        ] {
            let digest = algorithm.digest(b"abc");
            let info = digest_info(&digest);
            assert_eq!(hex::encode(&info[..19]), prefix);
            assert_eq!(info[19..], digest.bytes);
        }
    }

    #[test]
    fn every_scheme_is_read_as_it_was_written() {
        for digest in DigestAlgorithm::ALL {
            let mut schemes = vec![SignatureScheme::Ecdsa(digest), SignatureScheme::Ed25519];
            if is_shake(digest) {
                schemes.push(SignatureScheme::RsaPss { digest, salt_len: digest.len() });
            } else {
                schemes.push(SignatureScheme::RsaPkcs1(digest));
                schemes.extend([0, 20, 32, 300].map(|salt_len| SignatureScheme::RsaPss { digest, salt_len }));
                let masks =
                    DigestAlgorithm::ALL.into_iter().filter(|mask| *mask != digest && !is_shake(*mask));
                schemes.extend(masks.map(|mask| SignatureScheme::RsaPssMixed { digest, mask, salt_len: 20 }));
            }
            for scheme in schemes {
                assert_eq!(read(&scheme.to_identifier(), Some(digest)), Ok(scheme));
            }
            assert_eq!(digest_from_oid(digest_oid(digest)), Ok(digest));
        }
        for (scheme, name) in [
            (SignatureScheme::RsaPkcs1(Sha256), "SHA256withRSA"),
            (SignatureScheme::RsaPkcs1(Sha512_256), "SHA512/256withRSA"),
            (SignatureScheme::Ecdsa(Sha3_384), "SHA3-384withECDSA"),
            (SignatureScheme::Ed25519, "Ed25519"),
            (SignatureScheme::RsaPss { digest: Sha512, salt_len: 64 }, "SHA512withRSAandMGF1"),
            (
                SignatureScheme::RsaPssMixed { digest: Sha256, mask: Sha1, salt_len: 20 },
                "SHA256withRSAandMGF1(SHA1)",
            ),
        ] {
            assert_eq!(scheme.name(), name);
        }
    }

    #[test]
    fn a_scheme_is_as_weak_as_its_weakest_digest() {
        let mixed = |digest, mask| SignatureScheme::RsaPssMixed { digest, mask, salt_len: 20 };
        for (scheme, weak) in [
            (SignatureScheme::RsaPkcs1(Md5), Some(Md5)),
            (SignatureScheme::Ecdsa(Sha1), Some(Sha1)),
            (SignatureScheme::Ecdsa(Sha256), None),
            (SignatureScheme::Ed25519, None),
            (mixed(Sha256, Sha1), Some(Sha1)),
            (mixed(Md5, Sha256), Some(Md5)),
            (mixed(Sha512, Sha256), None),
        ] {
            assert_eq!(scheme.weak_digest(), weak, "{scheme:?}");
        }
    }

    #[test]
    fn a_bare_key_algorithm_takes_the_digest_of_the_signer_info() {
        let rsa = write::algorithm(oid::RSA_ENCRYPTION, Some(&write::null()));
        assert_eq!(read(&rsa, Some(Sha384)), Ok(SignatureScheme::RsaPkcs1(Sha384)));
        assert!(read(&rsa, None).is_err());
        assert!(read(&rsa, Some(Shake256)).is_err());
        let ec = write::algorithm(oid::EC_PUBLIC_KEY, None);
        assert_eq!(read(&ec, Some(Sha512_256)), Ok(SignatureScheme::Ecdsa(Sha512_256)));
        assert!(read(&ec, None).is_err());
        let own = SignatureScheme::RsaPkcs1(Sha256);
        assert_eq!(read(&own.to_identifier(), Some(Sha384)), Ok(own));
        let old = write::algorithm(oid::OIW_SHA1_WITH_RSA, None);
        assert_eq!(read(&old, None), Ok(SignatureScheme::RsaPkcs1(Sha1)));
    }

    #[test]
    fn shake_may_carry_its_length() {
        let read = |der: &[u8]| digest_from_identifier(&AlgorithmIdentifierOwned::from_der(der).unwrap());
        let with_length = |bits: &[u8]| write::algorithm(oid::SHAKE256_LEN, Some(&write::unsigned(bits)));
        assert_eq!(read(&with_length(&[2, 0])), Ok(Shake256));
        assert!(read(&with_length(&[1, 0])).is_err());
        assert!(read(&write::algorithm(oid::SHAKE256_LEN, None)).is_err());
        assert_eq!(read(&write::algorithm(oid::SHAKE256, None)), Ok(Shake256));
        assert_eq!(read(&write::algorithm(oid::SHA256, Some(&write::null()))), Ok(Sha256));
    }

    #[test]
    fn what_is_refused_is_named() {
        let unknown = |oid: &str| UnknownAlgorithm { oid: ObjectIdentifier::new_unwrap(oid) };
        let dsa = unknown("1.2.840.10040.4.3");
        assert_eq!(dsa.to_string(), "DSA with SHA-1 (1.2.840.10040.4.3) is not supported");
        assert_eq!(unknown("1.2.3.4").to_string(), "algorithm 1.2.3.4 is not supported here");
        for (oid, name) in REFUSED {
            assert!(read(&write::algorithm(oid, None), Some(Sha256)).is_err(), "{name}");
            assert!(digest_from_oid(oid).is_err(), "{name}");
        }
    }

    #[test]
    fn what_no_variant_says_is_refused() {
        let hash = |oid| write::algorithm(oid, Some(&write::null()));
        let field = |number, content: &[u8]| write::value(Tag::context(number), content);
        let pss = |fields: &[Vec<u8>]| write::algorithm(oid::RSASSA_PSS, Some(&write::sequence(fields)));
        let mask = |oid| write::algorithm(oid::MGF1, Some(&hash(oid)));
        let good = [field(0, &hash(oid::SHA256)), field(1, &mask(oid::SHA256))];
        assert_eq!(read(&pss(&good), None), Ok(SignatureScheme::RsaPss { digest: Sha256, salt_len: 20 }));
        assert_eq!(
            read(&pss(&[]), None),
            Ok(SignatureScheme::RsaPss { digest: Sha1, salt_len: 20 }),
            "the defaults of RFC 4055"
        );
        assert_eq!(
            read(&pss(&[good[0].clone()]), None),
            Ok(SignatureScheme::RsaPssMixed { digest: Sha256, mask: Sha1, salt_len: 20 }),
            "a mask left at its default"
        );
        let explicit = [
            good[0].clone(),
            good[1].clone(),
            field(2, &write::unsigned(&[20])),
            field(3, &write::unsigned(&[1])),
        ];
        assert_eq!(read(&pss(&explicit), None), read(&pss(&good), None), "defaults may be written");
        for (what, identifier) in [
            ("no parameters", write::algorithm(oid::RSASSA_PSS, None)),
            ("NULL parameters", write::algorithm(oid::RSASSA_PSS, Some(&write::null()))),
            ("SHAKE by MGF1", pss(&[field(0, &hash(oid::SHAKE256)), field(1, &mask(oid::SHAKE256))])),
            ("another trailer", pss(&[field(3, &write::unsigned(&[2]))])),
            ("huge salt", pss(&[field(2, &write::unsigned(&[0xFF; 8]))])),
            ("negative salt", pss(&[field(2, &[0x02, 0x01, 0xFF])])),
            ("fields out of order", pss(&[good[1].clone(), good[0].clone()])),
            ("a field twice", pss(&[good[0].clone(), good[0].clone()])),
            ("unknown mask", pss(&[field(1, &hash(oid::SHA1))])),
            ("mask of no digest", pss(&[field(1, &write::algorithm(oid::MGF1, None))])),
            ("parameters on ECDSA", write::algorithm(oid::ECDSA_WITH_SHA256, Some(&write::sequence([&[]])))),
            ("parameters on Ed25519", write::algorithm(oid::ED25519, Some(&write::null()))),
            (
                "parameters on PSS with SHAKE",
                write::algorithm(oid::RSASSA_PSS_SHAKE128, Some(&write::null())),
            ),
            ("MD2", write::algorithm(ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.2"), None)),
            ("Ed448", write::algorithm(oid::ED448, None)),
        ] {
            assert!(read(&identifier, None).is_err(), "{what}");
        }
    }
}
