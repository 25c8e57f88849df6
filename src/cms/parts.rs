//! A SignedData taken apart into its encodings, so that things are added to it and nothing of it is written anew.

use der::oid::ObjectIdentifier;

use super::{
    CmsError,
    read::{definite, elements, signed_data_of, within},
};
use crate::{
    asn1::{Reader, Tag, Tlv, oid, write},
    base::{Digest, Limits},
};

/// The encodings that a SignedData with one signer is made of, as received (RFC 5652 section 5.1).
///
/// What a signature or an archive time-stamp was made over stays as it is, octet by octet, whatever is added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    version: u64,
    digest_algorithms: Vec<u8>,
    encapsulated: Vec<u8>,
    /// The encoding of eContentType.
    content_type: Vec<u8>,
    certificates: Vec<Vec<u8>>,
    revocations: Vec<Vec<u8>>,
    signer: Vec<u8>,
    unsigned: Vec<UnsignedAttribute>,
}

/// An unsigned attribute as received (RFC 5652 section 5.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsignedAttribute {
    /// attrType.
    pub kind: ObjectIdentifier,
    /// The encodings of attrValues.
    pub values: Vec<Vec<u8>>,
    raw: Vec<u8>,
}

impl Parts {
    /// Takes a ContentInfo with SignedData apart. BER with indefinite lengths gets definite ones.
    ///
    /// # Errors
    ///
    /// As [`super::SignedData::parse`]; and when there is not exactly one signer.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, CmsError> {
        let encoding = definite(bytes, limits)?;
        let mut fields = signed_data_of(&encoding)?.reader();
        let in_signed_data = within("SignedData");
        let version = fields.take(Tag::INTEGER).and_then(|version| version.unsigned());
        let version = version.map_err(&in_signed_data)?;
        let digest_algorithms = fields.take(Tag::SET).map_err(&in_signed_data)?.raw.to_vec();
        let encapsulated = fields.take(Tag::SEQUENCE).map_err(&in_signed_data)?;
        let content_type = encapsulated.reader().take(Tag::OID).map_err(within("encapContentInfo"))?;
        let certificates = fields.optional(Tag::context(0)).map_err(&in_signed_data)?;
        let revocations = fields.optional(Tag::context(1)).map_err(&in_signed_data)?;
        let signers = fields.take(Tag::SET).map_err(&in_signed_data)?;
        fields.finish().map_err(&in_signed_data)?;
        let set = |set: Option<Tlv<'_>>, what: &'static str| match set {
            Some(set) => Ok(elements(&set, what, limits)?.iter().map(|one| one.raw.to_vec()).collect()),
            None => Ok(Vec::new()),
        };
        let signers = elements(&signers, "signers", limits)?;
        let [signer] = signers.as_slice() else { return Err(CmsError::Signers { count: signers.len() }) };
        let (signer, unsigned) = Self::signer_of(signer, limits)?;
        Ok(Self {
            version,
            digest_algorithms,
            encapsulated: encapsulated.raw.to_vec(),
            content_type: content_type.raw.to_vec(),
            certificates: set(certificates, "certificates")?,
            revocations: set(revocations, "revocation lists")?,
            signer,
            unsigned,
        })
    }

    /// The encodings of version to signature, one after the other, and the unsigned attributes.
    fn signer_of(signer: &Tlv<'_>, limits: &Limits) -> Result<(Vec<u8>, Vec<UnsignedAttribute>), CmsError> {
        let in_signer = within("SignerInfo");
        signer.expect(Tag::SEQUENCE).map_err(&in_signer)?;
        let (mut fields, mut fixed, mut unsigned) = (signer.reader(), Vec::new(), Vec::new());
        while !fields.is_empty() {
            let field = fields.any().map_err(&in_signer)?;
            if field.tag != Tag::context(1) {
                fixed.extend_from_slice(field.raw);
                continue;
            }
            fields.finish().map_err(&in_signer)?;
            for attribute in elements(&field, "attributes", limits)? {
                unsigned.push(UnsignedAttribute::read(&attribute, limits)?);
            }
        }
        Ok((fixed, unsigned))
    }

    /// The encodings of CertificateChoices.
    pub fn certificates(&self) -> &[Vec<u8>] {
        &self.certificates
    }

    /// The encodings of RevocationInfoChoice.
    pub fn revocations(&self) -> &[Vec<u8>] {
        &self.revocations
    }

    /// In the order of the encoding.
    pub fn unsigned_attributes(&self) -> &[UnsignedAttribute] {
        &self.unsigned
    }

    /// Adds a certificate, unless it is there.
    pub fn add_certificate(&mut self, der: &[u8]) {
        add(&mut self.certificates, der.to_vec());
    }

    /// Adds a CertificateList, unless it is there.
    pub fn add_crl(&mut self, der: &[u8]) {
        add(&mut self.revocations, der.to_vec());
    }

    /// Adds an OCSPResponse as RFC 5940 section 2 has it, unless it is there.
    pub fn add_ocsp(&mut self, der: &[u8]) {
        let format = write::oid(oid::RI_OCSP_RESPONSE);
        add(&mut self.revocations, write::constructed(Tag::context(1), [&format, der]));
    }

    /// Adds an unsigned attribute of one value.
    pub fn add_unsigned_attribute(&mut self, kind: ObjectIdentifier, value: &[u8]) {
        let raw = write::sequence([write::oid(kind), write::value(Tag::SET, value)]);
        let attribute = UnsignedAttribute { kind, values: vec![value.to_vec()], raw };
        let at = place(&self.unsigned, |other| other.raw.as_slice(), &attribute.raw);
        self.unsigned.insert(at, attribute);
    }

    /// The imprint of an archive-time-stamp-v3 (ETSI EN 319 122-1 section 5.5.3): eContentType; the digest of the
    /// content, whose algorithm is the imprint's, too; the fields of the SignerInfo from version to signature; and the
    /// ATSHashIndexV3.
    pub fn archive_imprint(&self, content: &Digest, hash_index: &[u8]) -> Digest {
        content.algorithm.digest(&[&self.content_type, &content.bytes, &self.signer, hash_index].concat())
    }

    /// The ContentInfo. Sets that were in the order of DER stay so.
    ///
    /// RFC 5652 section 5.1: revocation information of another format makes it version 5.
    pub fn to_der(&self) -> Vec<u8> {
        let other = self.revocations.iter().any(|one| one.first() == Some(&Tag::context(1).0));
        let version = if other { self.version.max(5) } else { self.version };
        let optional = |number, set: &[Vec<u8>]| {
            if set.is_empty() { Vec::new() } else { write::constructed(Tag::context(number), set) }
        };
        let mut signer = self.signer.clone();
        if !self.unsigned.is_empty() {
            let attributes = self.unsigned.iter().map(|attribute| attribute.raw.as_slice());
            signer.extend(write::constructed(Tag::context(1), attributes));
        }
        let signed_data = write::sequence([
            write::unsigned(&version.to_be_bytes()),
            self.digest_algorithms.clone(),
            self.encapsulated.clone(),
            optional(0, &self.certificates),
            optional(1, &self.revocations),
            write::constructed(Tag::SET, [write::sequence([signer])]),
        ]);
        write::sequence([write::oid(oid::SIGNED_DATA), write::value(Tag::context(0), &signed_data)])
    }
}

impl UnsignedAttribute {
    fn read(attribute: &Tlv<'_>, limits: &Limits) -> Result<Self, CmsError> {
        let in_attribute = within("an attribute");
        let mut fields = attribute.expect(Tag::SEQUENCE).map_err(&in_attribute)?.reader();
        let kind = fields.any().and_then(|kind| kind.oid()).map_err(&in_attribute)?;
        let values = fields.take(Tag::SET).map_err(&in_attribute)?;
        fields.finish().map_err(&in_attribute)?;
        let values = elements(&values, "values of an attribute", limits)?;
        let values = values.iter().map(|value| value.raw.to_vec()).collect();
        Ok(Self { kind, values, raw: attribute.raw.to_vec() })
    }
}

/// The whole OCSPResponse inside a RevocationInfoChoice, if it is one (RFC 5940 section 2).
pub fn ocsp_of_choice(choice: &[u8]) -> Option<&[u8]> {
    let choice = Reader::only(choice).ok().filter(|choice| choice.tag == Tag::context(1))?;
    let mut fields = choice.reader();
    let format = fields.any().ok()?.oid().ok()?;
    (format == oid::RI_OCSP_RESPONSE).then(|| fields.any().ok().map(|response| response.raw))?
}

fn add(set: &mut Vec<Vec<u8>>, encoding: Vec<u8>) {
    if !set.contains(&encoding) {
        let at = place(set, |other| other.as_slice(), &encoding);
        set.insert(at, encoding);
    }
}

/// Where to put an element: by the order of DER, where there is one; else at the end, so that nothing is moved.
fn place<T>(set: &[T], raw: impl Fn(&T) -> &[u8], new: &[u8]) -> usize {
    if set.is_sorted_by(|one, other| raw(one) <= raw(other)) {
        set.partition_point(|other| raw(other) <= new)
    } else {
        set.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cms::tests::{built, certificate, parse};

    fn parts() -> Parts {
        Parts::parse(&built(crate::base::DigestAlgorithm::Sha256, |_| {}), &Limits::default()).unwrap()
    }

    #[test]
    fn taken_apart_and_put_together_it_is_the_same() {
        let der = built(crate::base::DigestAlgorithm::Sha384, |parts| parts.content = Some(b"content"));
        assert_eq!(Parts::parse(&der, &Limits::default()).unwrap().to_der(), der);
    }

    #[test]
    fn what_is_added_is_read_and_nothing_else_changes() {
        let mut parts = parts();
        let before = parts.clone();
        let crl = write::sequence([write::null()]);
        let ocsp = write::sequence([write::value(Tag::ENUMERATED, &[0])]);
        for _ in 0..2 {
            parts.add_certificate(certificate(9).der());
            parts.add_crl(&crl);
            parts.add_ocsp(&ocsp);
        }
        parts.add_unsigned_attribute(oid::TIME_STAMP_TOKEN, &ocsp);
        assert_eq!((parts.certificates.len(), parts.revocations.len()), (before.certificates.len() + 1, 2));
        assert!(parts.certificates.is_sorted());
        let read = parse(&parts.to_der()).unwrap();
        assert!(read.certificates.contains(&certificate(9)));
        assert_eq!(read.ocsp_responses, std::slice::from_ref(&ocsp));
        let signer = read.only_signer().unwrap();
        assert_eq!(signer.time_stamp_tokens, std::slice::from_ref(&ocsp));
        assert_eq!((&parts.signer, &parts.encapsulated), (&before.signer, &before.encapsulated));
        let again = Parts::parse(&parts.to_der(), &Limits::default()).unwrap();
        assert_eq!(again, Parts { version: 5, ..parts.clone() });
        assert_eq!(ocsp_of_choice(&parts.revocations[1]), Some(&ocsp[..]));
        assert_eq!(ocsp_of_choice(&parts.revocations[0]), None);
    }

    #[test]
    fn sets_out_of_order_are_added_to_at_their_end() {
        let set = vec![vec![3], vec![1]];
        assert_eq!(place(&set, |one| one.as_slice(), &[2]), 2);
        assert_eq!(place(&[vec![1], vec![3]], |one| one.as_slice(), &[2]), 1);
    }

    #[test]
    fn the_imprint_is_over_the_fields_in_their_order() {
        let parts = parts();
        let content = crate::base::DigestAlgorithm::Sha256.digest(b"content");
        let one = parts.archive_imprint(&content, b"index");
        assert_ne!(one, parts.archive_imprint(&content, b"other"));
        let other = crate::base::DigestAlgorithm::Sha256.digest(b"other");
        assert_ne!(one, parts.archive_imprint(&other, b"index"));
        let mut more = parts.clone();
        more.add_certificate(certificate(9).der());
        more.add_unsigned_attribute(oid::TIME_STAMP_TOKEN, &write::null());
        assert_eq!(one, more.archive_imprint(&content, b"index"), "what the index names is named there");
    }
}
