//! The ats-hash-index-v3 attribute (ETSI EN 319 122-1 section 5.5.2): what an archive time-stamp covers, by digest.

use std::collections::HashSet;

use der::Decode;
use spki::AlgorithmIdentifierOwned;

use super::{
    CmsError, Parts,
    read::{elements, malformed, unknown, within},
};
use crate::{
    asn1::{Reader, Tag, Tlv, write},
    base::{DigestAlgorithm, Limits},
    x509::algorithm::{digest_from_identifier, digest_oid},
};

/// ATSHashIndexV3.
///
/// ```text
/// ATSHashIndexV3 ::= SEQUENCE {
///     hashIndAlgorithm AlgorithmIdentifier, certificatesHashIndex SEQUENCE OF OCTET STRING,
///     crlsHashIndex SEQUENCE OF OCTET STRING, unsignedAttrValuesHashIndex SEQUENCE OF OCTET STRING }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HashIndex {
    /// hashIndAlgorithm.
    pub algorithm: DigestAlgorithm,
    certificates: Vec<Vec<u8>>,
    revocations: Vec<Vec<u8>>,
    attributes: Vec<Vec<u8>>,
    der: Vec<u8>,
}

/// The digests of all that an index may name, in the order of the SignedData.
///
/// One for each algorithm serves all archive time-stamps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartDigests {
    algorithm: DigestAlgorithm,
    certificates: Vec<Vec<u8>>,
    revocations: Vec<Vec<u8>>,
    /// An attribute and the place of one of its values.
    attributes: Vec<((usize, usize), Vec<u8>)>,
}

/// What an index names, as places in the [`Parts`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Covered {
    /// Into [`Parts::certificates`].
    pub certificates: Vec<usize>,
    /// Into [`Parts::revocations`].
    pub revocations: Vec<usize>,
    /// Into [`Parts::unsigned_attributes`] and the values of that.
    pub attributes: Vec<(usize, usize)>,
}

impl HashIndex {
    /// The index of all that is there.
    pub fn over(parts: &Parts, algorithm: DigestAlgorithm) -> Self {
        let PartDigests { certificates, revocations, attributes, .. } = PartDigests::of(parts, algorithm);
        let attributes: Vec<Vec<u8>> = attributes.into_iter().map(|(_, digest)| digest).collect();
        let list = |digests: &[Vec<u8>]| write::sequence(digests.iter().map(|one| write::octet_string(one)));
        let der = write::sequence([
            write::algorithm(digest_oid(algorithm), None),
            list(&certificates),
            list(&revocations),
            list(&attributes),
        ]);
        Self { algorithm, certificates, revocations, attributes, der }
    }

    /// Reads an index.
    ///
    /// # Errors
    ///
    /// When it is none, its algorithm is not known, a digest is of another length, or it names more than
    /// `limits.certificates` of a kind.
    pub fn read(der: &[u8], limits: &Limits) -> Result<Self, CmsError> {
        let in_index = within("ats-hash-index-v3");
        let index = Reader::only(der).map_err(&in_index)?;
        let mut fields = index.expect(Tag::SEQUENCE).map_err(&in_index)?.reader();
        let named = fields.take(Tag::SEQUENCE).map_err(&in_index)?;
        let named = AlgorithmIdentifierOwned::from_der(named.raw).map_err(within("ats-hash-index-v3"))?;
        let algorithm = digest_from_identifier(&named).map_err(unknown("ats-hash-index-v3"))?;
        let list = |list: Tlv<'_>| -> Result<Vec<Vec<u8>>, CmsError> {
            let entries = elements(&list, "entries of an ats-hash-index-v3", limits)?;
            let digest = |entry: &Tlv<'_>| {
                let digest = entry.expect(Tag::OCTET_STRING).map_err(within("ats-hash-index-v3"))?.value;
                if digest.len() == algorithm.len() {
                    Ok(digest.to_vec())
                } else {
                    Err(malformed(format!(
                        "ats-hash-index-v3: a {algorithm} digest of {} bytes",
                        digest.len()
                    )))
                }
            };
            entries.iter().map(digest).collect()
        };
        let certificates = list(fields.take(Tag::SEQUENCE).map_err(&in_index)?)?;
        let revocations = list(fields.take(Tag::SEQUENCE).map_err(&in_index)?)?;
        let attributes = list(fields.take(Tag::SEQUENCE).map_err(&in_index)?)?;
        fields.finish().map_err(&in_index)?;
        Ok(Self { algorithm, certificates, revocations, attributes, der: der.to_vec() })
    }

    /// The encoding, as received or as written.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// What the index names, every entry of which must be there (section 5.5.2).
    ///
    /// # Errors
    ///
    /// A sentence, when an entry is the digest of nothing that is there.
    pub fn covered(&self, there: &PartDigests) -> Result<Covered, String> {
        if there.algorithm != self.algorithm {
            return Err(format!("the digests are of {}, not {}", there.algorithm, self.algorithm));
        }
        let attributes = there.attributes.iter().map(|(place, digest)| (*place, digest));
        Ok(Covered {
            certificates: found(&self.certificates, there.certificates.iter().enumerate())
                .ok_or("it names a certificate that is not there")?,
            revocations: found(&self.revocations, there.revocations.iter().enumerate())
                .ok_or("it names revocation information that is not there")?,
            attributes: found(&self.attributes, attributes)
                .ok_or("it names an unsigned attribute that is not there")?,
        })
    }
}

impl PartDigests {
    /// The digests of these parts: of each CertificateChoices, each RevocationInfoChoice, and of attrType and
    /// AttributeValue, one after the other, for each value of each unsigned attribute.
    pub fn of(parts: &Parts, algorithm: DigestAlgorithm) -> Self {
        let each = |encodings: &[Vec<u8>]| encodings.iter().map(|one| algorithm.digest(one).bytes).collect();
        let mut attributes = Vec::new();
        for (at, attribute) in parts.unsigned_attributes().iter().enumerate() {
            let kind = write::oid(attribute.kind);
            for (value_at, value) in attribute.values.iter().enumerate() {
                let digest = algorithm.digest(&[&kind, value.as_slice()].concat()).bytes;
                attributes.push(((at, value_at), digest));
            }
        }
        Self {
            algorithm,
            certificates: each(parts.certificates()),
            revocations: each(parts.revocations()),
            attributes,
        }
    }
}

/// The places of what `entries` names; `None` when an entry names nothing.
fn found<'a, P>(entries: &[Vec<u8>], there: impl Iterator<Item = (P, &'a Vec<u8>)>) -> Option<Vec<P>> {
    let mut missing: HashSet<&[u8]> = entries.iter().map(Vec::as_slice).collect();
    let wanted = missing.clone();
    let mut places = Vec::new();
    for (place, digest) in there {
        if wanted.contains(digest.as_slice()) {
            missing.remove(digest.as_slice());
            places.push(place);
        }
    }
    missing.is_empty().then_some(places)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        asn1::oid,
        cms::tests::{built, certificate},
    };

    fn parts() -> Parts {
        let mut parts = Parts::parse(&built(DigestAlgorithm::Sha256, |_| {}), &Limits::default()).unwrap();
        parts.add_crl(&write::sequence([write::null()]));
        parts.add_unsigned_attribute(oid::TIME_STAMP_TOKEN, &write::sequence([write::null()]));
        parts
    }

    #[test]
    fn an_index_is_read_as_written_and_covers_what_was_there() {
        for algorithm in [DigestAlgorithm::Sha256, DigestAlgorithm::Sha512] {
            let mut parts = parts();
            let index = HashIndex::over(&parts, algorithm);
            assert_eq!(HashIndex::read(index.der(), &Limits::default()), Ok(index.clone()));
            let count = parts.certificates().len();
            let all = Covered {
                certificates: (0..count).collect(),
                revocations: vec![0],
                attributes: vec![(0, 0)],
            };
            assert_eq!(index.covered(&PartDigests::of(&parts, algorithm)), Ok(all));
            // What comes later is not covered, and hurts nobody.
            parts.add_certificate(certificate(99).der());
            parts.add_ocsp(&write::sequence([write::value(Tag::ENUMERATED, &[0])]));
            let covered = index.covered(&PartDigests::of(&parts, algorithm)).unwrap();
            assert_eq!((covered.certificates.len(), covered.revocations.len()), (count, 1));
        }
    }

    #[test]
    fn an_index_of_what_is_not_there_is_refused() {
        let with = parts();
        let index = HashIndex::over(&with, DigestAlgorithm::Sha256);
        let without = Parts::parse(&built(DigestAlgorithm::Sha256, |_| {}), &Limits::default()).unwrap();
        assert!(index.covered(&PartDigests::of(&without, DigestAlgorithm::Sha256)).is_err());
        assert!(index.covered(&PartDigests::of(&with, DigestAlgorithm::Sha384)).is_err());
        // The same value under another type of attribute is another thing.
        let mut moved = without;
        moved.add_crl(&write::sequence([write::null()]));
        moved.add_unsigned_attribute(oid::ESC_TIME_STAMP, &write::sequence([write::null()]));
        let refused = index.covered(&PartDigests::of(&moved, DigestAlgorithm::Sha256)).unwrap_err();
        assert!(refused.contains("attribute"), "{refused}");
    }

    #[test]
    fn broken_indexes_are_refused() {
        let algorithm = write::algorithm(oid::SHA256, None);
        let list = |digests: &[Vec<u8>]| write::sequence(digests);
        let none = list(&[]);
        let good = write::sequence([&algorithm, &none, &none, &none]);
        assert!(HashIndex::read(&good, &Limits::default()).is_ok());
        let md2 = write::algorithm(der::oid::ObjectIdentifier::new_unwrap("1.2.840.113549.2.2"), None);
        let short = list(&[write::octet_string(&[7; 31])]);
        let many = list(&vec![write::octet_string(&[7; 32]); 201]);
        for broken in [
            vec![&md2, &none, &none, &none],
            vec![&algorithm, &none, &none],
            vec![&algorithm, &none, &none, &none, &none],
            vec![&none, &none, &none],
            vec![&algorithm, &short, &none, &none],
            vec![&algorithm, &many, &none, &none],
        ] {
            assert!(HashIndex::read(&write::sequence(&broken), &Limits::default()).is_err(), "{broken:02x?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(bytes: Vec<u8>) {
            let _ = HashIndex::read(&bytes, &Limits::default());
            let _ = HashIndex::read(&write::sequence([bytes]), &Limits::default());
        }
    }
}
