//! SignedData written as DER, with the one signature that a PDF or a time-stamp token takes.

use der::oid::ObjectIdentifier;

use crate::{
    asn1::{Reader, Tag, oid, write},
    base::{Digest, DigestAlgorithm, UtcTime},
    x509::{
        Certificate,
        algorithm::{SignatureScheme, digest_oid},
    },
};

/// The signed attributes of a CAdES signature (ETSI EN 319 122-1 section 5): content-type, message-digest,
/// signing-certificate-v2, and signing-time where asked (PAdES forbids it: ETSI EN 319 142-1 section 6.3 uses /M).
#[derive(Clone, Debug)]
pub struct SignedAttributes {
    /// Of the encapContentInfo.
    pub content_type: ObjectIdentifier,
    /// Of the content.
    pub message_digest: Digest,
    /// Whose certificate signing-certificate-v2 names.
    pub signer: Certificate,
    /// Written only where it is given.
    pub signing_time: Option<UtcTime>,
}

impl SignedAttributes {
    /// The DER SET OF to be signed.
    pub fn to_der(&self) -> Vec<u8> {
        self.to_der_with(&[])
    }

    /// As [`SignedAttributes::to_der`], with more attributes of one value each: see [`super::Statements`].
    pub fn to_der_with(&self, more: &[(ObjectIdentifier, Vec<u8>)]) -> Vec<u8> {
        let own = self.values();
        write::set_of(own.iter().chain(more).map(|(kind, value)| attribute(*kind, value)).collect())
    }

    /// Each attribute's type and the encoding of its one value.
    pub fn values(&self) -> Vec<(ObjectIdentifier, Vec<u8>)> {
        let mut values = vec![
            (oid::CONTENT_TYPE, write::oid(self.content_type)),
            (oid::MESSAGE_DIGEST, write::octet_string(&self.message_digest.bytes)),
            (oid::SIGNING_CERTIFICATE_V2, self.signing_certificate()),
        ];
        if let Some(moment) = self.signing_time {
            values.push((oid::SIGNING_TIME, write::time(moment)));
        }
        values
    }

    /// issuerSerial is left out: the signer id says the same, and only the digest binds (RFC 5035 section 5).
    ///
    /// ```text
    /// SigningCertificateV2 ::= SEQUENCE { certs SEQUENCE OF ESSCertIDv2, policies … OPTIONAL }
    /// ESSCertIDv2          ::= SEQUENCE {
    ///     hashAlgorithm AlgorithmIdentifier DEFAULT {sha256}, certHash OCTET STRING, issuerSerial … OPTIONAL }
    /// ```
    fn signing_certificate(&self) -> Vec<u8> {
        let digest = match self.message_digest.algorithm {
            weak if weak.is_weak() => DigestAlgorithm::Sha256,
            strong => strong,
        };
        let mut id = Vec::new();
        if digest != DigestAlgorithm::Sha256 {
            id.push(write::algorithm(digest_oid(digest), None));
        }
        id.push(write::octet_string(&digest.digest(self.signer.der()).bytes));
        write::sequence([write::sequence([write::sequence(id)])])
    }
}

/// All that goes into a SignedData with one signer.
#[derive(Clone, Copy, Debug)]
pub struct SignedDataParts<'a> {
    /// `None` for a detached signature, else eContent (a TSTInfo).
    pub content: Option<&'a [u8]>,
    /// Of the content.
    pub content_type: ObjectIdentifier,
    /// The output of [`SignedAttributes::to_der`].
    pub signed_attributes: &'a [u8],
    /// How the signature was made; its digest is that of the content, too.
    pub scheme: SignatureScheme,
    /// Whose issuer and serial number name the signer.
    pub signer: &'a Certificate,
    /// Written with the signer's own, each once. DER sorts them.
    pub chain: &'a [Certificate],
    /// The signature octets: for ECDSA, DER.
    pub signature: &'a [u8],
    /// A whole ContentInfo, for signature-time-stamp.
    pub time_stamp_token: Option<&'a [u8]>,
}

impl SignedDataParts<'_> {
    /// The ContentInfo.
    ///
    /// ```text
    /// ContentInfo ::= SEQUENCE { contentType OBJECT IDENTIFIER, content [0] EXPLICIT SignedData }
    /// SignedData  ::= SEQUENCE {
    ///     version INTEGER, digestAlgorithms SET OF AlgorithmIdentifier,
    ///     encapContentInfo SEQUENCE { eContentType OBJECT IDENTIFIER, eContent [0] EXPLICIT OCTET STRING OPTIONAL },
    ///     certificates [0] IMPLICIT CertificateSet OPTIONAL, crls [1] …, signerInfos SET OF SignerInfo }
    /// ```
    ///
    /// RFC 5652 section 5.1 wants version 3 for any content but id-data, else 1.
    pub fn to_der(&self) -> Vec<u8> {
        let version: u8 = if self.content_type == oid::DATA { 1 } else { 3 };
        let mut content_info = vec![write::oid(self.content_type)];
        if let Some(content) = self.content {
            content_info.push(write::value(Tag::context(0), &write::octet_string(content)));
        }
        let mut certificates = vec![self.signer.der()];
        certificates.extend(self.chain.iter().map(Certificate::der));
        certificates.sort_unstable();
        certificates.dedup();
        let signed_data = write::sequence([
            write::unsigned(&[version]),
            write::set_of(vec![self.digest_algorithm()]),
            write::sequence(content_info),
            write::constructed(Tag::context(0), certificates),
            write::set_of(vec![self.signer_info()]),
        ]);
        write::sequence([write::oid(oid::SIGNED_DATA), write::value(Tag::context(0), &signed_data)])
    }

    /// The length of [`SignedDataParts::to_der`], in bytes.
    pub fn encoded_len(&self) -> usize {
        self.to_der().len()
    }

    /// ```text
    /// SignerInfo ::= SEQUENCE {
    ///     version INTEGER, sid SEQUENCE { issuer Name, serialNumber INTEGER }, digestAlgorithm AlgorithmIdentifier,
    ///     signedAttrs [0] IMPLICIT SET OF Attribute, signatureAlgorithm AlgorithmIdentifier,
    ///     signature OCTET STRING, unsignedAttrs [1] IMPLICIT SET OF Attribute OPTIONAL }
    /// ```
    ///
    /// Version 1 goes with issuerAndSerialNumber (RFC 5652 section 5.3).
    fn signer_info(&self) -> Vec<u8> {
        let serial = write::value(Tag::INTEGER, self.signer.serial());
        let attributes = Reader::only(self.signed_attributes).map_or(self.signed_attributes, |set| set.value);
        let mut parts = vec![
            write::unsigned(&[1]),
            write::sequence([self.signer.issuer().der(), &serial]),
            self.digest_algorithm(),
            write::value(Tag::context(0), attributes),
            self.scheme.to_identifier(),
            write::octet_string(self.signature),
        ];
        if let Some(token) = self.time_stamp_token {
            parts.push(write::constructed(Tag::context(1), [attribute(oid::TIME_STAMP_TOKEN, token)]));
        }
        write::sequence(parts)
    }

    /// RFC 5754 section 2: parameters absent.
    fn digest_algorithm(&self) -> Vec<u8> {
        write::algorithm(digest_oid(self.scheme.digest()), None)
    }
}

/// `Attribute ::= SEQUENCE { attrType OBJECT IDENTIFIER, attrValues SET OF AttributeValue }`
fn attribute(oid: ObjectIdentifier, value: &[u8]) -> Vec<u8> {
    write::sequence([write::oid(oid), write::value(Tag::SET, value)])
}
