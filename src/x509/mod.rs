//! Certificates, names, revocation lists and algorithm identifiers (RFC 5280).

pub mod algorithm;
mod certificate;
mod crl;
mod distribution;
mod extension;
mod general_name;
mod name;
mod parts;
mod policy;
mod policy_id;
pub mod public_key;
mod second;

pub use certificate::{Certificate, KeyUsage, certificates_from_pem};
pub use crl::{Crl, CrlNumber, Revoked};
pub use distribution::{DistributionPoint, IssuingDistributionPoint, PointName, Reasons};
pub use general_name::{GeneralName, NameConstraints};
pub use name::Name;
pub use policy::{Policies, PolicyConstraints};
pub use policy_id::{NoPolicyId, PolicyId};

use crate::asn1::Asn1Error;

/// Why bytes are not a certificate, a name or a revocation list.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum X509Error {
    /// Not such a structure at all.
    #[error("not an X.509 structure: {reason}")]
    Malformed {
        /// What the reader met.
        reason: String,
    },
}

impl X509Error {
    fn because(reason: impl Into<String>) -> Self {
        Self::Malformed { reason: reason.into() }
    }
}

impl From<Asn1Error> for X509Error {
    fn from(error: Asn1Error) -> Self {
        Self::because(error.to_string())
    }
}

/// Adds to an error which part of the structure it was met in.
fn within<E: std::fmt::Display>(part: &'static str) -> impl Fn(E) -> X509Error {
    move |error| X509Error::because(format!("{part}: {error}"))
}

#[cfg(test)]
pub(crate) mod sample {
    //! A certificate written part by part, right or wrong, for the tests of the rooms that read one. Its signature
    //! is of nobody.

    use der::oid::ObjectIdentifier;

    use crate::asn1::{Tag, oid, write};

    /// The parts, with what an ordinary certificate has.
    pub(crate) struct Sample {
        pub(crate) version: u8,
        /// Also where it is 0, the default.
        pub(crate) version_written: bool,
        pub(crate) serial: Vec<u8>,
        pub(crate) issuer: Vec<u8>,
        pub(crate) subject: Vec<u8>,
        pub(crate) not_after: Vec<u8>,
        pub(crate) inner_algorithm: Option<ObjectIdentifier>,
        pub(crate) extensions: Vec<Vec<u8>>,
    }

    impl Default for Sample {
        fn default() -> Self {
            Self {
                version: 2,
                version_written: false,
                serial: vec![0x2A],
                issuer: name("CA thử"),
                subject: name("Nguyễn Văn A"),
                not_after: write::value(Tag::UTC_TIME, b"290101000000Z"),
                inner_algorithm: None,
                extensions: Vec::new(),
            }
        }
    }

    impl Sample {
        pub(crate) fn tbs(&self) -> Vec<u8> {
            let before = write::value(Tag::UTC_TIME, b"260101000000Z");
            let mut parts = Vec::new();
            if self.version > 0 || self.version_written {
                parts.push(write::value(Tag::context(0), &write::unsigned(&[self.version])));
            }
            parts.extend([
                write::value(Tag::INTEGER, &self.serial),
                algorithm(self.inner_algorithm.unwrap_or(oid::SHA256_WITH_RSA)),
                self.issuer.clone(),
                write::sequence([before, self.not_after.clone()]),
                self.subject.clone(),
                spki(),
            ]);
            if !self.extensions.is_empty() {
                parts.push(write::value(Tag::context(3), &write::sequence(&self.extensions)));
            }
            write::sequence(parts)
        }

        pub(crate) fn to_der(&self) -> Vec<u8> {
            write::sequence([self.tbs(), algorithm(oid::SHA256_WITH_RSA), write::bit_string(&[0x5A; 128])])
        }
    }

    pub(crate) fn extension(oid: ObjectIdentifier, critical: bool, value: &[u8]) -> Vec<u8> {
        let critical = if critical { &[0x01, 0x01, 0xFF][..] } else { &[] };
        write::sequence([&write::oid(oid), critical, &write::octet_string(value)])
    }

    pub(crate) fn name(common_name: &str) -> Vec<u8> {
        let value = write::value(Tag(0x0C), common_name.as_bytes());
        let pair = write::sequence([write::oid(oid::COMMON_NAME), value]);
        write::sequence([write::set_of(vec![pair])])
    }

    fn algorithm(oid: ObjectIdentifier) -> Vec<u8> {
        write::algorithm(oid, Some(&write::null()))
    }

    fn spki() -> Vec<u8> {
        let key = write::sequence([write::unsigned(&[0xC1; 128]), write::unsigned(&[1, 0, 1])]);
        write::sequence([algorithm(oid::RSA_ENCRYPTION), write::bit_string(&key)])
    }
}
