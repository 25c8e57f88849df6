//! SignedData as received.

use std::borrow::Cow;

use der::{Decode, oid::ObjectIdentifier};
use spki::AlgorithmIdentifierOwned;

use crate::{
    asn1::{Asn1Error, Reader, Tag, Tlv, ber, oid},
    base::{Digest, DigestAlgorithm, Limits, UtcTime},
    x509::{
        Certificate, Crl, Name,
        algorithm::{SignatureScheme, UnknownAlgorithm, digest_from_identifier},
    },
};

use super::cades::CadesAttributes;

/// A SignedData (RFC 5652 section 5.1), read but not judged.
#[derive(Clone, Debug)]
pub struct SignedData {
    /// eContentType.
    pub content_type: ObjectIdentifier,
    /// eContent, when the signature is not detached.
    pub content: Option<Vec<u8>>,
    /// digestAlgorithms: a hint for those who hash while reading. What counts is [`SignerInfo::digest_algorithm`].
    pub digest_algorithms: Vec<ObjectIdentifier>,
    /// Those that could be read, as received. Anyone may have put them there.
    pub certificates: Vec<Certificate>,
    /// Those that could be read, as received.
    pub crls: Vec<Crl>,
    /// OCSPResponse encodings among the revocation information (RFC 5940).
    pub ocsp_responses: Vec<Vec<u8>>,
    /// As received.
    pub signer_infos: Vec<SignerInfo>,
}

/// Who signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignerId {
    /// issuerAndSerialNumber.
    IssuerAndSerial {
        /// Of the signer's certificate.
        issuer: Name,
        /// Content octets.
        serial: Vec<u8>,
    },
    /// `[0]` subjectKeyIdentifier.
    SubjectKeyIdentifier(Vec<u8>),
}

/// ESSCertID (RFC 2634 section 5.4.1) or ESSCertIDv2 (RFC 5035 section 4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EssCertId {
    /// Of the whole certificate.
    pub digest: Digest,
    /// Issuer and the content octets of the serial number, where given.
    pub issuer_serial: Option<(Name, Vec<u8>)>,
    /// Whether it comes first in its attribute, and so names the signer's own certificate.
    pub is_signer: bool,
}

/// A SignerInfo (RFC 5652 section 5.3).
#[derive(Clone, Debug)]
pub struct SignerInfo {
    /// Who signed.
    pub sid: SignerId,
    /// The digest of the content.
    pub digest_algorithm: DigestAlgorithm,
    /// As received; see [`SignerInfo::scheme`].
    pub signature_algorithm: AlgorithmIdentifierOwned,
    /// The signed attributes as they are hashed: as received, tag 0xA0 replaced by 0x31. `None` without signed
    /// attributes.
    pub signed_attributes: Option<Vec<u8>>,
    /// The content-type attribute.
    pub content_type: Option<ObjectIdentifier>,
    /// The message-digest attribute.
    pub message_digest: Option<Vec<u8>>,
    /// The signing-time attribute: a claim of the signer.
    pub signing_time: Option<UtcTime>,
    /// signing-certificate (v1), then -v2: the lists one after the other, empty when both are absent.
    pub signing_certificate: Vec<EssCertId>,
    /// The signature octets.
    pub signature: Vec<u8>,
    /// signature-time-stamp tokens (whole ContentInfo encodings).
    pub time_stamp_tokens: Vec<Vec<u8>>,
    /// adbe-revocationInfoArchival: CRLs found there, as received.
    pub revocation_crls: Vec<Vec<u8>>,
    /// adbe-revocationInfoArchival: OCSPResponses found there, as received.
    pub revocation_ocsps: Vec<Vec<u8>>,
    /// The CMSAlgorithmProtection attribute (RFC 6211): whether it names the digest and signature algorithms that stand
    /// outside of the signed attributes. `None` without it.
    pub protects_algorithms: Option<bool>,
    /// The CAdES attributes that decide nothing by themselves.
    pub cades: CadesAttributes,
}

/// Why bytes were not taken as a SignedData.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CmsError {
    /// An algorithm that decides something is not known.
    #[error("the {place} of the signature cannot be used")]
    Algorithm {
        /// Where it is named.
        place: &'static str,
        /// Which.
        source: UnknownAlgorithm,
    },
    /// More than a reader takes in.
    #[error("the CMS structure has more than {limit} {what}")]
    Limit {
        /// Of what.
        what: &'static str,
        /// How many are taken.
        limit: usize,
    },
    /// Broken, or against the standard where it must not be.
    #[error("not a CMS SignedData: {reason}")]
    Malformed {
        /// What the reader met.
        reason: String,
    },
    /// Not exactly one SignerInfo.
    #[error("the CMS structure has {count} signers, not one")]
    Signers {
        /// How many.
        count: usize,
    },
}

impl SignedData {
    /// Reads a ContentInfo with SignedData. Zero octets behind it are ignored; anything else there is an error.
    /// BER with indefinite lengths and strings in pieces is read, too, as older programs write it.
    ///
    /// ```text
    /// ContentInfo ::= SEQUENCE { contentType OBJECT IDENTIFIER, content [0] EXPLICIT SignedData }
    /// SignedData  ::= SEQUENCE {
    ///     version INTEGER, digestAlgorithms SET OF AlgorithmIdentifier, encapContentInfo EncapsulatedContentInfo,
    ///     certificates [0] IMPLICIT CertificateSet OPTIONAL, crls [1] IMPLICIT RevocationInfoChoices OPTIONAL,
    ///     signerInfos SET OF SignerInfo }
    /// ```
    ///
    /// # Errors
    ///
    /// When it is longer than `limits.cms_bytes`, holds more than `limits.certificates` certificates (or as many
    /// revocation lists, signers, attributes or time-stamps), is not SignedData, is cut short, or has an attribute twice that may occur once.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, CmsError> {
        let encoding = definite(bytes, limits)?;
        Self::read(signed_data_of(&encoding)?.reader(), limits)
    }

    /// The one signer.
    ///
    /// # Errors
    ///
    /// When there is none or there are several.
    pub fn only_signer(&self) -> Result<&SignerInfo, CmsError> {
        match self.signer_infos.as_slice() {
            [signer] => Ok(signer),
            signers => Err(CmsError::Signers { count: signers.len() }),
        }
    }

    /// The certificate among `certificates` that the signer id names; of several such, the one that the
    /// signing-certificate attribute names, else the first.
    ///
    /// # Errors
    ///
    /// As [`SignedData::only_signer`].
    pub fn signer_certificate(&self) -> Result<Option<&Certificate>, CmsError> {
        let signer = self.only_signer()?;
        let named = || self.certificates.iter().filter(|certificate| signer.sid.names(certificate));
        let attested = named().find(|certificate| signer.attests(certificate) == Some(true));
        Ok(attested.or_else(|| named().next()))
    }

    fn read(mut reader: Reader<'_>, limits: &Limits) -> Result<Self, CmsError> {
        let in_signed_data = within("SignedData");
        reader.take(Tag::INTEGER).and_then(|version| version.unsigned()).map_err(&in_signed_data)?;
        let digests = reader.take(Tag::SET).map_err(within("digestAlgorithms"))?;
        let encapsulated = reader.take(Tag::SEQUENCE).map_err(within("encapContentInfo"))?;
        let certificates = reader.optional(Tag::context(0)).map_err(within("certificates"))?;
        let revocations = reader.optional(Tag::context(1)).map_err(within("crls"))?;
        let signers = reader.take(Tag::SET).map_err(within("signerInfos"))?;
        reader.finish().map_err(&in_signed_data)?;

        let (content_type, content) = content(&encapsulated).map_err(within("encapContentInfo"))?;
        let mut signed_data = Self {
            content_type,
            content,
            digest_algorithms: Vec::new(),
            certificates: Vec::new(),
            crls: Vec::new(),
            ocsp_responses: Vec::new(),
            signer_infos: Vec::new(),
        };
        for digest in elements(&digests, "digest algorithms", limits)? {
            let oid = digest.reader().any().and_then(|oid| oid.oid()).map_err(within("digestAlgorithms"))?;
            signed_data.digest_algorithms.push(oid);
        }
        if let Some(set) = certificates {
            // Other choices than `certificate` (attribute certificates and the like) decide nothing here.
            let choices = elements(&set, "certificates", limits)?;
            let plain = choices.iter().filter(|choice| choice.tag == Tag::SEQUENCE);
            signed_data.certificates = plain.filter_map(|one| Certificate::from_der(one.raw).ok()).collect();
        }
        if let Some(set) = revocations {
            signed_data.take_in_revocations(&elements(&set, "revocation lists", limits)?);
        }
        for signer in elements(&signers, "signers", limits)? {
            signer.expect(Tag::SEQUENCE).map_err(within("signerInfos"))?;
            signed_data.signer_infos.push(SignerInfo::read(signer.reader(), limits)?);
        }
        Ok(signed_data)
    }

    /// ```text
    /// RevocationInfoChoice ::= CHOICE { crl CertificateList, other [1] IMPLICIT SEQUENCE {
    ///     otherRevInfoFormat OBJECT IDENTIFIER, otherRevInfo ANY } }
    /// ```
    fn take_in_revocations(&mut self, choices: &[Tlv<'_>]) {
        for choice in choices {
            if choice.tag == Tag::SEQUENCE {
                self.crls.extend(Crl::from_der(choice.raw).ok());
            } else if choice.tag == Tag::context(1) {
                let mut other = choice.reader();
                let format = other.any().and_then(|format| format.oid());
                if let (Ok(oid::RI_OCSP_RESPONSE), Ok(response)) = (format, other.any()) {
                    self.ocsp_responses.push(response.raw.to_vec());
                }
            }
        }
    }
}

impl SignerId {
    /// Whether this is a name of `certificate`.
    pub fn names(&self, certificate: &Certificate) -> bool {
        match self {
            Self::IssuerAndSerial { issuer, serial } => {
                serial == certificate.serial() && issuer.matches(certificate.issuer())
            }
            Self::SubjectKeyIdentifier(id) => {
                certificate.subject_key_identifier().is_some_and(|other| id == other)
            }
        }
    }

    /// ```text
    /// SignerIdentifier ::= CHOICE {
    ///     issuerAndSerialNumber SEQUENCE { issuer Name, serialNumber INTEGER },
    ///     subjectKeyIdentifier [0] OCTET STRING }
    /// ```
    fn read(sid: &Tlv<'_>) -> Result<Self, CmsError> {
        match sid.tag {
            Tag::SEQUENCE => {
                let (issuer, serial) = issuer_and_serial(sid.reader())?;
                Ok(Self::IssuerAndSerial { issuer, serial })
            }
            tag if tag == Tag::context_primitive(0) => Ok(Self::SubjectKeyIdentifier(sid.value.to_vec())),
            _ => Err(malformed("the signer is named in an unknown way")),
        }
    }
}

impl SignerInfo {
    /// How the signature was made.
    ///
    /// Whether its digest is also [`SignerInfo::digest_algorithm`] is for the judge to see.
    ///
    /// # Errors
    ///
    /// When the algorithm is unknown.
    pub fn scheme(&self) -> Result<SignatureScheme, UnknownAlgorithm> {
        SignatureScheme::from_identifier(&self.signature_algorithm, Some(self.digest_algorithm))
    }

    /// Whether the signing-certificate attributes name `certificate` as the signer's: each attribute that is there
    /// by digest, and by issuer and serial number where it gives them (RFC 5035 section 5.4). `None` without such
    /// an attribute.
    pub fn attests(&self, certificate: &Certificate) -> Option<bool> {
        let mut ids = self.signing_certificate.iter().filter(|id| id.is_signer).peekable();
        ids.peek()?;
        Some(ids.all(|id| {
            let same_name = id.issuer_serial.as_ref().is_none_or(|(issuer, serial)| {
                serial == certificate.serial() && issuer.matches(certificate.issuer())
            });
            same_name && id.digest.algorithm.digest(certificate.der()) == id.digest
        }))
    }

    /// ```text
    /// SignerInfo ::= SEQUENCE {
    ///     version INTEGER, sid SignerIdentifier, digestAlgorithm AlgorithmIdentifier,
    ///     signedAttrs [0] IMPLICIT SET OF Attribute OPTIONAL, signatureAlgorithm AlgorithmIdentifier,
    ///     signature OCTET STRING, unsignedAttrs [1] IMPLICIT SET OF Attribute OPTIONAL }
    /// ```
    fn read(mut reader: Reader<'_>, limits: &Limits) -> Result<Self, CmsError> {
        let in_signer = within("SignerInfo");
        reader.take(Tag::INTEGER).and_then(|version| version.unsigned()).map_err(&in_signer)?;
        let sid = SignerId::read(&reader.any().map_err(&in_signer)?)?;
        let digest = algorithm(&reader.take(Tag::SEQUENCE).map_err(&in_signer)?)?;
        let signed = reader.optional(Tag::context(0)).map_err(&in_signer)?;
        let signature_algorithm = algorithm(&reader.take(Tag::SEQUENCE).map_err(&in_signer)?)?;
        let signature = reader.take(Tag::OCTET_STRING).map_err(&in_signer)?.value.to_vec();
        let unsigned = reader.optional(Tag::context(1)).map_err(&in_signer)?;
        reader.finish().map_err(&in_signer)?;

        let mut signer = Self {
            sid,
            digest_algorithm: digest_from_identifier(&digest).map_err(unknown("digest algorithm"))?,
            signature_algorithm,
            signed_attributes: None,
            content_type: None,
            message_digest: None,
            signing_time: None,
            signing_certificate: Vec::new(),
            signature,
            time_stamp_tokens: Vec::new(),
            revocation_crls: Vec::new(),
            revocation_ocsps: Vec::new(),
            protects_algorithms: None,
            cades: CadesAttributes::default(),
        };
        if let Some(signed) = signed {
            let mut hashed = signed.raw.to_vec();
            if let Some(tag) = hashed.first_mut() {
                *tag = Tag::SET.0;
            }
            signer.signed_attributes = Some(hashed);
            signer.take_in_signed(&attributes(&signed, limits)?, &digest, limits)?;
        }
        if let Some(unsigned) = unsigned {
            signer.take_in_unsigned(&attributes(&unsigned, limits)?, limits)?;
        }
        Ok(signer)
    }

    fn take_in_signed(
        &mut self,
        attributes: &[Attribute<'_>],
        digest: &AlgorithmIdentifierOwned,
        limits: &Limits,
    ) -> Result<(), CmsError> {
        for (index, attribute) in attributes.iter().enumerate() {
            for value in &attribute.values {
                self.cades.take_in_signed(attribute.oid, value, limits);
            }
            if !ONCE.contains(&attribute.oid) {
                continue;
            }
            let earlier = attributes.get(..index).unwrap_or_default();
            if earlier.iter().any(|other| other.oid == attribute.oid) {
                return Err(malformed(format!("signed attribute {} occurs twice", attribute.oid)));
            }
            let [value] = attribute.values.as_slice() else {
                return Err(malformed(format!(
                    "signed attribute {} has not exactly one value",
                    attribute.oid
                )));
            };
            match attribute.oid {
                oid::CONTENT_TYPE => {
                    self.content_type = Some(value.oid().map_err(within("content-type"))?);
                }
                oid::MESSAGE_DIGEST => {
                    let digest = value.expect(Tag::OCTET_STRING).map_err(within("message-digest"))?;
                    self.message_digest = Some(digest.value.to_vec());
                }
                oid::SIGNING_TIME => self.signing_time = Some(value.time().map_err(within("signing-time"))?),
                oid::SIGNING_CERTIFICATE => {
                    let ids = certificate_ids(value, limits, id_v1)?;
                    self.signing_certificate.splice(0..0, ids);
                }
                oid::SIGNING_CERTIFICATE_V2 => {
                    self.signing_certificate.extend(certificate_ids(value, limits, id_v2)?);
                }
                oid::ADOBE_REVOCATION => self.take_in_archive(value, limits)?,
                oid::CMS_ALGORITHM_PROTECTION => {
                    self.protects_algorithms = Some(self.is_protected_by(value, digest)?);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// RFC 6211 section 2; an attribute that leaves the signature algorithm out protects nothing of a signature.
    ///
    /// ```text
    /// CMSAlgorithmProtection ::= SEQUENCE {
    ///     digestAlgorithm AlgorithmIdentifier, signatureAlgorithm [1] IMPLICIT AlgorithmIdentifier OPTIONAL,
    ///     macAlgorithm [2] IMPLICIT AlgorithmIdentifier OPTIONAL }
    /// ```
    fn is_protected_by(&self, value: &Tlv<'_>, digest: &AlgorithmIdentifierOwned) -> Result<bool, CmsError> {
        let in_attribute = within("CMSAlgorithmProtection");
        let mut fields = value.expect(Tag::SEQUENCE).map_err(&in_attribute)?.reader();
        let named = algorithm(&fields.take(Tag::SEQUENCE).map_err(&in_attribute)?)?;
        let Some(signature) = fields.optional(Tag::context(1)).map_err(&in_attribute)? else {
            return Ok(false);
        };
        let mut signature = signature.raw.to_vec();
        if let Some(tag) = signature.first_mut() {
            *tag = Tag::SEQUENCE.0;
        }
        let signature =
            AlgorithmIdentifierOwned::from_der(&signature).map_err(within("CMSAlgorithmProtection"))?;
        Ok(same_algorithm(&named, digest) && same_algorithm(&signature, &self.signature_algorithm))
    }

    fn take_in_unsigned(&mut self, attributes: &[Attribute<'_>], limits: &Limits) -> Result<(), CmsError> {
        for attribute in attributes {
            for value in &attribute.values {
                self.cades.take_in_unsigned(attribute.oid, value, limits);
                match attribute.oid {
                    oid::TIME_STAMP_TOKEN => {
                        bounded(self.time_stamp_tokens.len(), "time-stamps", limits)?;
                        self.time_stamp_tokens.push(value.raw.to_vec());
                    }
                    // The standard has it signed, but some write it here; it is evidence either way.
                    oid::ADOBE_REVOCATION => self.take_in_archive(value, limits)?,
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// ISO 32000-1 section 12.8.3.3.2.
    ///
    /// ```text
    /// RevocationInfoArchival ::= SEQUENCE {
    ///     crl [0] EXPLICIT SEQUENCE OF CRL OPTIONAL, ocsp [1] EXPLICIT SEQUENCE OF OCSPResponse OPTIONAL,
    ///     otherRevInfo [2] EXPLICIT SEQUENCE OF OtherRevInfo OPTIONAL }
    /// ```
    fn take_in_archive(&mut self, value: &Tlv<'_>, limits: &Limits) -> Result<(), CmsError> {
        let in_archive = within("adbe-revocationInfoArchival");
        value.expect(Tag::SEQUENCE).map_err(&in_archive)?;
        let mut reader = value.reader();
        while !reader.is_empty() {
            let field = reader.any().map_err(&in_archive)?;
            let into = match field.tag {
                tag if tag == Tag::context(0) => &mut self.revocation_crls,
                tag if tag == Tag::context(1) => &mut self.revocation_ocsps,
                _ => continue,
            };
            let list = Reader::only(field.value).map_err(&in_archive)?;
            list.expect(Tag::SEQUENCE).map_err(&in_archive)?;
            for item in elements(&list, "revocation values", limits)? {
                bounded(into.len(), "revocation values", limits)?;
                into.push(item.raw.to_vec());
            }
        }
        Ok(())
    }
}

/// A ContentInfo in definite lengths, without the zero octets behind it.
pub(super) fn definite<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Cow<'a, [u8]>, CmsError> {
    if bytes.len() > limits.cms_bytes {
        return Err(CmsError::Limit { what: "bytes", limit: limits.cms_bytes });
    }
    let in_content_info = within("ContentInfo");
    let (encoding, length) = if ber::is_needed(bytes, limits.depth) {
        let (definite, length) = ber::to_definite(bytes, limits.depth).map_err(&in_content_info)?;
        (Cow::Owned(definite), length)
    } else {
        let outer = Reader::new(bytes).any().map_err(&in_content_info)?.raw;
        (Cow::Borrowed(outer), outer.len())
    };
    if bytes.get(length..).unwrap_or_default().iter().any(|octet| *octet != 0) {
        return Err(malformed("bytes other than zero padding follow it"));
    }
    Ok(encoding)
}

/// The SignedData in a ContentInfo.
pub(super) fn signed_data_of(content_info: &[u8]) -> Result<Tlv<'_>, CmsError> {
    let in_content_info = within("ContentInfo");
    let outer = Reader::only(content_info).map_err(&in_content_info)?;
    let mut reader = outer.expect(Tag::SEQUENCE).map_err(&in_content_info)?.reader();
    let kind = reader.any().and_then(|kind| kind.oid()).map_err(&in_content_info)?;
    if kind != oid::SIGNED_DATA {
        return Err(malformed(format!("the content type is {kind}")));
    }
    let content = reader.take(Tag::context(0)).map_err(&in_content_info)?;
    reader.finish().map_err(&in_content_info)?;
    let signed_data = Reader::only(content.value).map_err(within("SignedData"))?;
    signed_data.expect(Tag::SEQUENCE).map_err(within("SignedData"))?;
    Ok(signed_data)
}

/// `Attribute ::= SEQUENCE { attrType OBJECT IDENTIFIER, attrValues SET OF AttributeValue }`
struct Attribute<'a> {
    oid: ObjectIdentifier,
    values: Vec<Tlv<'a>>,
}

fn attributes<'a>(set: &Tlv<'a>, limits: &Limits) -> Result<Vec<Attribute<'a>>, CmsError> {
    let in_attribute = within("an attribute");
    let mut found = Vec::new();
    for attribute in elements(set, "attributes", limits)? {
        attribute.expect(Tag::SEQUENCE).map_err(&in_attribute)?;
        let mut reader = attribute.reader();
        let oid = reader.any().and_then(|oid| oid.oid()).map_err(&in_attribute)?;
        let values = reader.take(Tag::SET).map_err(&in_attribute)?;
        reader.finish().map_err(&in_attribute)?;
        found.push(Attribute { oid, values: elements(&values, "values of an attribute", limits)? });
    }
    Ok(found)
}

/// ```text
/// EncapsulatedContentInfo ::= SEQUENCE { eContentType OBJECT IDENTIFIER, eContent [0] EXPLICIT OCTET STRING OPTIONAL }
/// ```
fn content(encapsulated: &Tlv<'_>) -> Result<(ObjectIdentifier, Option<Vec<u8>>), Asn1Error> {
    let mut reader = encapsulated.reader();
    let content_type = reader.any()?.oid()?;
    let content = match reader.optional(Tag::context(0))? {
        Some(outer) => Some(Reader::only(outer.value)?.expect(Tag::OCTET_STRING)?.value.to_vec()),
        None => None,
    };
    reader.finish()?;
    Ok((content_type, content))
}

/// ```text
/// SigningCertificate   ::= SEQUENCE { certs SEQUENCE OF ESSCertID, policies SEQUENCE OF … OPTIONAL }
/// SigningCertificateV2 ::= SEQUENCE { certs SEQUENCE OF ESSCertIDv2, policies SEQUENCE OF … OPTIONAL }
/// ```
fn certificate_ids(
    value: &Tlv<'_>,
    limits: &Limits,
    id: impl Fn(&Tlv<'_>) -> Result<EssCertId, CmsError>,
) -> Result<Vec<EssCertId>, CmsError> {
    let in_attribute = within("signing-certificate");
    value.expect(Tag::SEQUENCE).map_err(&in_attribute)?;
    let mut reader = value.reader();
    let certificates = reader.take(Tag::SEQUENCE).map_err(&in_attribute)?;
    reader.optional(Tag::SEQUENCE).map_err(&in_attribute)?;
    reader.finish().map_err(&in_attribute)?;
    let mut ids = Vec::new();
    for one in elements(&certificates, "certificate identifiers", limits)? {
        one.expect(Tag::SEQUENCE).map_err(&in_attribute)?;
        ids.push(EssCertId { is_signer: ids.is_empty(), ..id(&one)? });
    }
    if ids.is_empty() {
        return Err(malformed("signing-certificate names no certificate"));
    }
    Ok(ids)
}

/// `ESSCertID ::= SEQUENCE { certHash OCTET STRING, issuerSerial IssuerSerial OPTIONAL }`, with SHA-1.
fn id_v1(id: &Tlv<'_>) -> Result<EssCertId, CmsError> {
    hash_and_issuer(id.reader(), DigestAlgorithm::Sha1)
}

/// ```text
/// ESSCertIDv2 ::= SEQUENCE {
///     hashAlgorithm AlgorithmIdentifier DEFAULT {sha256}, certHash OCTET STRING, issuerSerial IssuerSerial OPTIONAL }
/// ```
fn id_v2(id: &Tlv<'_>) -> Result<EssCertId, CmsError> {
    let mut reader = id.reader();
    let digest = match reader.optional(Tag::SEQUENCE).map_err(within("signing-certificate"))? {
        Some(named) => {
            digest_from_identifier(&algorithm(&named)?).map_err(unknown("digest in signing-certificate"))?
        }
        None => DigestAlgorithm::Sha256,
    };
    hash_and_issuer(reader, digest)
}

fn hash_and_issuer(mut reader: Reader<'_>, digest: DigestAlgorithm) -> Result<EssCertId, CmsError> {
    let in_attribute = within("signing-certificate");
    let hash = reader.take(Tag::OCTET_STRING).map_err(&in_attribute)?.value;
    let issuer_serial = reader.optional(Tag::SEQUENCE).map_err(&in_attribute)?;
    reader.finish().map_err(&in_attribute)?;
    if hash.len() != digest.len() {
        return Err(malformed(format!("signing-certificate: a {digest} digest of {} bytes", hash.len())));
    }
    let issuer_serial = issuer_serial.map(|value| issuer_serial_of(value.reader())).transpose()?;
    Ok(EssCertId {
        digest: Digest { algorithm: digest, bytes: hash.to_vec() },
        issuer_serial: issuer_serial.flatten(),
        is_signer: false,
    })
}

/// `IssuerSerial ::= SEQUENCE { issuer GeneralNames, serialNumber INTEGER }` (RFC 5035 section 4), of which a single
/// directoryName is taken; other forms name nothing that can be compared.
fn issuer_serial_of(mut reader: Reader<'_>) -> Result<Option<(Name, Vec<u8>)>, CmsError> {
    let in_attribute = within("signing-certificate");
    let names = reader.take(Tag::SEQUENCE).map_err(&in_attribute)?;
    let serial = reader.take(Tag::INTEGER).map_err(&in_attribute)?.value.to_vec();
    reader.finish().map_err(&in_attribute)?;
    match Reader::only(names.value) {
        Ok(directory) if directory.tag == Tag::context(4) => {
            Ok(Some((Name::from_der(directory.value).map_err(within("signing-certificate"))?, serial)))
        }
        _ => Ok(None),
    }
}

fn issuer_and_serial(mut reader: Reader<'_>) -> Result<(Name, Vec<u8>), CmsError> {
    let in_sid = within("issuerAndSerialNumber");
    let issuer = Name::from_der(reader.take(Tag::SEQUENCE).map_err(&in_sid)?.raw)
        .map_err(within("issuerAndSerialNumber"))?;
    let serial = reader.take(Tag::INTEGER).map_err(&in_sid)?.value.to_vec();
    reader.finish().map_err(&in_sid)?;
    Ok((issuer, serial))
}

/// The same algorithm with the same parameters; NULL and nothing say the same (RFC 5754 section 2).
fn same_algorithm(one: &AlgorithmIdentifierOwned, other: &AlgorithmIdentifierOwned) -> bool {
    let parameters = |of: &AlgorithmIdentifierOwned| of.parameters.clone().filter(|any| !any.is_null());
    one.oid == other.oid && parameters(one) == parameters(other)
}

fn algorithm(value: &Tlv<'_>) -> Result<AlgorithmIdentifierOwned, CmsError> {
    AlgorithmIdentifierOwned::from_der(value.raw).map_err(within("AlgorithmIdentifier"))
}

/// The values inside a constructed one, no more than `limits.certificates`.
pub(super) fn elements<'a>(
    set: &Tlv<'a>,
    what: &'static str,
    limits: &Limits,
) -> Result<Vec<Tlv<'a>>, CmsError> {
    let mut reader = set.reader();
    let mut found = Vec::new();
    while !reader.is_empty() {
        bounded(found.len(), what, limits)?;
        found.push(reader.any().map_err(within(what))?);
    }
    Ok(found)
}

fn bounded(count: usize, what: &'static str, limits: &Limits) -> Result<(), CmsError> {
    let limit = limits.certificates;
    if count < limit { Ok(()) } else { Err(CmsError::Limit { what, limit }) }
}

pub(super) fn malformed(reason: impl Into<String>) -> CmsError {
    CmsError::Malformed { reason: reason.into() }
}

/// Adds to an error which part of the structure it was met in.
pub(super) fn within<E: std::fmt::Display>(part: &'static str) -> impl Fn(E) -> CmsError {
    move |error| malformed(format!("{part}: {error}"))
}

pub(super) fn unknown(place: &'static str) -> impl Fn(UnknownAlgorithm) -> CmsError {
    move |source| CmsError::Algorithm { place, source }
}

/// Signed attributes that occur once and have one value (RFC 5652 section 11, RFC 5035 sections 3 and 4, RFC 6211
/// section 2, RFC 5126 sections 5.8.1 and 5.11.2).
const ONCE: [ObjectIdentifier; 9] = [
    oid::CONTENT_TYPE,
    oid::MESSAGE_DIGEST,
    oid::SIGNING_TIME,
    oid::SIGNING_CERTIFICATE,
    oid::SIGNING_CERTIFICATE_V2,
    oid::ADOBE_REVOCATION,
    oid::CMS_ALGORITHM_PROTECTION,
    oid::SIGNATURE_POLICY_ID,
    oid::SIGNER_LOCATION,
];
