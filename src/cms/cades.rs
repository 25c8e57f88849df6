//! CAdES attributes (RFC 5126, ETSI EN 319 122-1): recognised, so that a level can be told and evidence be used.
//!
//! Nothing here decides whether a signature holds. What cannot be read is passed over: it is evidence that is missing,
//! not a broken signature, and unsigned attributes may be added by anyone.

use der::{Decode, oid::ObjectIdentifier};
use spki::AlgorithmIdentifierOwned;

use crate::{
    asn1::{Asn1Error, Reader, Tag, Tlv, oid, write},
    base::{Digest, Limits},
    x509::algorithm::digest_from_identifier,
};

/// The CAdES attributes of one signer beside those that decide something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CadesAttributes {
    /// signature-policy-identifier, signed: what makes an EPES signature.
    pub signature_policy: Option<SignaturePolicy>,
    /// Where the text of the signature policy is, by the signer's word.
    pub signature_policy_uri: Option<String>,
    /// signer-attributes-v2, or signer-attributes: the roles that the signer claims. Nobody vouches for them.
    pub claimed_roles: Vec<String>,
    /// commitment-type-indication, signed: what the signer meant by signing.
    pub commitment_types: Vec<ObjectIdentifier>,
    /// signer-location, signed: country, locality and the lines of the postal address, as far as they are given.
    pub signer_location: Vec<String>,
    /// content-time-stamp, signed: tokens over the content, made before the signature.
    pub content_time_stamps: Vec<Vec<u8>>,
    /// Whether complete-certificate-references or complete-revocation-references is there.
    pub references: bool,
    /// time-stamped certificates and references: tokens over the references, with or without the signature.
    pub reference_time_stamps: Vec<Vec<u8>>,
    /// certificate-values: DER certificates.
    pub certificate_values: Vec<Vec<u8>>,
    /// revocation-values: DER revocation lists.
    pub crl_values: Vec<Vec<u8>>,
    /// revocation-values: the BasicOCSPResponses, each in an OCSPResponse of its own.
    pub ocsp_values: Vec<Vec<u8>>,
    /// archive-time-stamp-v3 tokens (ETSI EN 319 122-1 section 5.5.3).
    pub archive_time_stamps: Vec<Vec<u8>>,
    /// How many archive-time-stamps of the first and second version are there; they are not used.
    pub older_archive_time_stamps: usize,
    /// How many long-term-validation attributes (ETSI TS 101 733 section 6.5) are there; they are not used.
    pub long_term_validations: usize,
    /// How many counter-signatures (RFC 5652 section 11.4) are there; they are not used.
    pub counter_signatures: usize,
}

/// What signature-policy-identifier says (RFC 5126 section 5.8.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignaturePolicy {
    /// The policy is to be known from elsewhere.
    Implied,
    /// A named policy, with the digest of its text where it could be read; a digest of zeros alone says "unknown".
    Named {
        /// sigPolicyId.
        id: ObjectIdentifier,
        /// sigPolicyHash.
        digest: Option<Digest>,
    },
    /// The attribute is there, and could not be read.
    Unreadable,
}

impl CadesAttributes {
    /// Whether certificate or revocation values travel with the signature.
    pub fn has_values(&self) -> bool {
        !(self.certificate_values.is_empty() && self.crl_values.is_empty() && self.ocsp_values.is_empty())
    }

    /// An unsigned attribute alone: for what one value of one attribute brings with it.
    pub fn of_unsigned(kind: ObjectIdentifier, value: &[u8], limits: &Limits) -> Self {
        let mut attributes = Self::default();
        if let Ok(value) = Reader::only(value) {
            attributes.take_in_unsigned(kind, &value, limits);
        }
        attributes
    }

    /// The names of attributes that are there and prove nothing, as the standards call them.
    pub fn unused(&self) -> Vec<&'static str> {
        [
            (self.older_archive_time_stamps, "archive-time-stamp of an older version"),
            (self.counter_signatures, "countersignature"),
            (self.long_term_validations, "long-term-validation"),
        ]
        .into_iter()
        .filter_map(|(count, name)| (count > 0).then_some(name))
        .collect()
    }

    /// Takes in a signed attribute, if it is one of these.
    pub(super) fn take_in_signed(&mut self, kind: ObjectIdentifier, value: &Tlv<'_>, limits: &Limits) {
        match kind {
            oid::SIGNATURE_POLICY_ID => {
                self.signature_policy = Some(policy(value).unwrap_or(SignaturePolicy::Unreadable));
                self.signature_policy_uri = policy_uri(value);
            }
            oid::SIGNER_ATTRIBUTES | oid::SIGNER_ATTRIBUTES_V2 => {
                claimed_roles(value, limits.certificates, &mut self.claimed_roles);
            }
            oid::COMMITMENT_TYPE => {
                let kind = value.reader().any().and_then(|kind| kind.oid());
                self.commitment_types
                    .extend(kind.ok().filter(|_| self.commitment_types.len() < limits.certificates));
            }
            oid::SIGNER_LOCATION => {
                self.signer_location = location(value, limits.certificates).unwrap_or_default();
            }
            oid::CONTENT_TIME_STAMP => push(&mut self.content_time_stamps, value, limits),
            _ => {}
        }
    }

    /// Takes in an unsigned attribute, if it is one of these.
    pub(super) fn take_in_unsigned(&mut self, kind: ObjectIdentifier, value: &Tlv<'_>, limits: &Limits) {
        match kind {
            oid::CERTIFICATE_REFS | oid::REVOCATION_REFS => self.references = true,
            oid::ESC_TIME_STAMP | oid::CERT_CRL_TIME_STAMP => {
                push(&mut self.reference_time_stamps, value, limits);
            }
            oid::CERTIFICATE_VALUES if value.tag == Tag::SEQUENCE => {
                each(value, |one| push(&mut self.certificate_values, one, limits));
            }
            oid::REVOCATION_VALUES if value.tag == Tag::SEQUENCE => self.take_in_revocations(value, limits),
            oid::ARCHIVE_TIME_STAMP_V3 => push(&mut self.archive_time_stamps, value, limits),
            oid::ARCHIVE_TIME_STAMP_V1 | oid::ARCHIVE_TIME_STAMP_V2 => self.older_archive_time_stamps += 1,
            oid::LONG_TERM_VALIDATION => self.long_term_validations += 1,
            oid::COUNTER_SIGNATURE => self.counter_signatures += 1,
            _ => {}
        }
    }

    /// ```text
    /// RevocationValues ::= SEQUENCE {
    ///     crlVals [0] EXPLICIT SEQUENCE OF CertificateList OPTIONAL,
    ///     ocspVals [1] EXPLICIT SEQUENCE OF BasicOCSPResponse OPTIONAL, otherRevVals [2] EXPLICIT … OPTIONAL }
    /// ```
    fn take_in_revocations(&mut self, value: &Tlv<'_>, limits: &Limits) {
        each(value, |field| {
            let Ok(list) = Reader::only(field.value) else { return };
            if list.tag != Tag::SEQUENCE {
                return;
            }
            if field.tag == Tag::context(0) {
                each(&list, |crl| push(&mut self.crl_values, crl, limits));
            } else if field.tag == Tag::context(1) {
                each(&list, |basic| {
                    if self.ocsp_values.len() < limits.certificates {
                        self.ocsp_values.push(whole_response(basic.raw));
                    }
                });
            }
        });
    }
}

/// The values inside a constructed one, up to the first that is broken.
fn each<'a>(value: &Tlv<'a>, mut take: impl FnMut(&Tlv<'a>)) {
    let mut reader = value.reader();
    while !reader.is_empty() {
        let Ok(one) = reader.any() else { return };
        take(&one);
    }
}

fn push(into: &mut Vec<Vec<u8>>, value: &Tlv<'_>, limits: &Limits) {
    if into.len() < limits.certificates {
        into.push(value.raw.to_vec());
    }
}

/// ```text
/// SignaturePolicy   ::= CHOICE { signaturePolicyId SignaturePolicyId, signaturePolicyImplied NULL }
/// SignaturePolicyId ::= SEQUENCE {
///     sigPolicyId OBJECT IDENTIFIER,
///     sigPolicyHash SEQUENCE { hashAlgorithm AlgorithmIdentifier, hashValue OCTET STRING } OPTIONAL,
///     sigPolicyQualifiers SEQUENCE OF … OPTIONAL }
/// ```
fn policy(value: &Tlv<'_>) -> Option<SignaturePolicy> {
    if value.tag == Tag::NULL {
        return Some(SignaturePolicy::Implied);
    }
    let mut fields = value.expect(Tag::SEQUENCE).ok()?.reader();
    let id = fields.any().and_then(|id| id.oid()).ok()?;
    let digest = fields.optional(Tag::SEQUENCE).ok()?.and_then(|hash| {
        let mut fields = hash.reader();
        let named = AlgorithmIdentifierOwned::from_der(fields.take(Tag::SEQUENCE).ok()?.raw).ok()?;
        let algorithm = digest_from_identifier(&named).ok()?;
        let bytes = fields.take(Tag::OCTET_STRING).ok()?.value.to_vec();
        (bytes.len() == algorithm.len()).then_some(Digest { algorithm, bytes })
    });
    Some(SignaturePolicy::Named { id, digest })
}

/// The id-spq-ets-uri among the qualifiers of a signature policy:
/// `SigPolicyQualifierInfo ::= SEQUENCE { sigPolicyQualifierId OBJECT IDENTIFIER, sigQualifier ANY }`.
fn policy_uri(value: &Tlv<'_>) -> Option<String> {
    let mut fields = value.expect(Tag::SEQUENCE).ok()?.reader();
    fields.any().ok()?;
    let mut uri = None;
    while !fields.is_empty() {
        each(&fields.any().ok()?, |qualifier| {
            let mut parts = qualifier.reader();
            let kind = parts.any().and_then(|kind| kind.oid());
            if let (Ok(oid::SPQ_URI), Ok(text)) = (kind, parts.any()) {
                uri = uri.take().or_else(|| std::str::from_utf8(text.value).ok().map(str::to_owned));
            }
        });
    }
    uri
}

/// The text values of the claimed attributes, whatever their type.
///
/// ```text
/// SignerAttributeV2 ::= SEQUENCE { claimedAttributes [0] SEQUENCE OF Attribute OPTIONAL, … }
/// SignerAttribute   ::= SEQUENCE OF CHOICE { claimedAttributes [0] SEQUENCE OF Attribute, … }
/// ```
///
/// Both in a module with explicit tags (ETSI EN 319 122-1 annex D).
fn claimed_roles(value: &Tlv<'_>, limit: usize, roles: &mut Vec<String>) {
    each(value, |choice| {
        if choice.tag != Tag::context(0) {
            return;
        }
        each(choice, |attributes| {
            each(attributes, |attribute| {
                let mut parts = attribute.reader();
                let (Ok(_), Ok(values)) = (parts.any(), parts.take(Tag::SET)) else { return };
                each(&values, |text| {
                    if roles.len() < limit && TEXTS.contains(&text.tag) {
                        roles.extend(std::str::from_utf8(text.value).map(str::to_owned));
                    }
                });
            });
        });
    });
}

/// UTF8String, PrintableString, IA5String.
const TEXTS: [Tag; 3] = [Tag(0x0C), Tag(0x13), Tag(0x16)];

/// ```text
/// SignerLocation ::= SEQUENCE {
///     countryName [0] EXPLICIT DirectoryString OPTIONAL, localityName [1] EXPLICIT DirectoryString OPTIONAL,
///     postalAdddress [2] EXPLICIT SEQUENCE SIZE(1..6) OF DirectoryString OPTIONAL }
/// ```
fn location(value: &Tlv<'_>, limit: usize) -> Result<Vec<String>, Asn1Error> {
    let mut lines = Vec::new();
    let mut fields = value.expect(Tag::SEQUENCE)?.reader();
    while !fields.is_empty() {
        let field = fields.any()?;
        let inner = Reader::only(field.value)?;
        let mut take = |text: &Tlv<'_>| {
            // UTF8String, PrintableString and the like; the wide forms are out of use.
            let words = std::str::from_utf8(text.value).ok().filter(|words| !words.contains('\0'));
            lines.extend(words.filter(|_| lines.len() < limit).map(str::to_owned));
        };
        if inner.tag == Tag::SEQUENCE { each(&inner, take) } else { take(&inner) }
    }
    Ok(lines)
}

/// An OCSPResponse (RFC 6960 section 4.2.1) around a BasicOCSPResponse.
fn whole_response(basic: &[u8]) -> Vec<u8> {
    let bytes = write::sequence([write::oid(oid::OCSP_BASIC), write::octet_string(basic)]);
    let successful = write::value(Tag::ENUMERATED, &[0]);
    write::sequence([successful, write::value(Tag::context(0), &bytes)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::DigestAlgorithm;

    fn read(signed: bool, kind: ObjectIdentifier, value: &[u8]) -> CadesAttributes {
        let mut found = CadesAttributes::default();
        let value = Reader::only(value).unwrap();
        if signed {
            found.take_in_signed(kind, &value, &Limits::default());
        } else {
            found.take_in_unsigned(kind, &value, &Limits::default());
        }
        found
    }

    fn explicit(number: u8, content: &[u8]) -> Vec<u8> {
        write::value(Tag::context(number), content)
    }

    fn utf8(text: &str) -> Vec<u8> {
        write::value(Tag(0x0C), text.as_bytes())
    }

    #[test]
    fn a_signature_policy_is_named_implied_or_unreadable() {
        let id = ObjectIdentifier::new_unwrap("2.16.704.1.1");
        let digest = DigestAlgorithm::Sha256.digest(b"policy");
        let hash = |octets: &[u8]| {
            write::sequence([write::algorithm(oid::SHA256, None), write::octet_string(octets)])
        };
        let named = |parts: &[Vec<u8>]| write::sequence(parts);
        for (value, expected) in [
            (write::null(), SignaturePolicy::Implied),
            (named(&[write::oid(id)]), SignaturePolicy::Named { id, digest: None }),
            (
                named(&[write::oid(id), hash(&digest.bytes)]),
                SignaturePolicy::Named { id, digest: Some(digest.clone()) },
            ),
            (named(&[write::oid(id), hash(b"0")]), SignaturePolicy::Named { id, digest: None }),
            (named(&[]), SignaturePolicy::Unreadable),
            (write::octet_string(b"?"), SignaturePolicy::Unreadable),
        ] {
            assert_eq!(read(true, oid::SIGNATURE_POLICY_ID, &value).signature_policy, Some(expected));
        }
    }

    #[test]
    fn signed_attributes_are_told_from_unsigned_ones() {
        let token = write::sequence([write::oid(oid::SIGNED_DATA)]);
        let found = read(true, oid::CONTENT_TIME_STAMP, &token);
        assert_eq!(found.content_time_stamps, std::slice::from_ref(&token));
        assert_eq!(read(false, oid::CONTENT_TIME_STAMP, &token), CadesAttributes::default());
        assert_eq!(read(false, oid::SIGNATURE_POLICY_ID, &write::null()), CadesAttributes::default());
        let found = read(false, oid::ARCHIVE_TIME_STAMP_V3, &token);
        assert_eq!(found.archive_time_stamps, std::slice::from_ref(&token));
        assert_eq!(read(true, oid::ARCHIVE_TIME_STAMP_V3, &token), CadesAttributes::default());
        assert_eq!(read(false, oid::ARCHIVE_TIME_STAMP_V2, &token).older_archive_time_stamps, 1);
        for unused in [oid::ARCHIVE_TIME_STAMP_V1, oid::LONG_TERM_VALIDATION, oid::COUNTER_SIGNATURE] {
            assert_eq!(read(false, unused, &token).unused().len(), 1);
            assert!(read(true, unused, &token).unused().is_empty());
        }
        assert_eq!(read(false, oid::ESC_TIME_STAMP, &token).reference_time_stamps, [token]);
        assert!(read(false, oid::CERTIFICATE_REFS, &write::sequence([[]; 0])).references);
        let approval = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.6.5");
        let commitment = write::sequence([write::oid(approval)]);
        assert_eq!(read(true, oid::COMMITMENT_TYPE, &commitment).commitment_types, [approval]);
    }

    #[test]
    fn roles_are_read_from_both_versions() {
        let title = |texts: &[&str]| {
            write::sequence([
                write::oid(oid::TITLE),
                write::set_of(texts.iter().map(|text| utf8(text)).collect()),
            ])
        };
        let claimed = explicit(0, &write::sequence([title(&["Chủ tịch"]), title(&["Ủy viên", "b"])]));
        let certified = explicit(1, &write::sequence([title(&["không"])]));
        let value = write::sequence([claimed, certified]);
        for kind in [oid::SIGNER_ATTRIBUTES, oid::SIGNER_ATTRIBUTES_V2] {
            assert_eq!(read(true, kind, &value).claimed_roles, ["Chủ tịch", "b", "Ủy viên"], "{kind}");
            assert!(read(false, kind, &value).claimed_roles.is_empty());
            assert!(read(true, kind, &write::null()).claimed_roles.is_empty());
        }
        let many = vec![title(&["x"]); 5000];
        let value = write::sequence([explicit(0, &write::sequence(many))]);
        assert_eq!(read(true, oid::SIGNER_ATTRIBUTES_V2, &value).claimed_roles.len(), 200);
    }

    #[test]
    fn a_place_is_told_in_its_lines() {
        let address = write::sequence([utf8("1 Phố Huế"), utf8("Hà Nội")]);
        let place = write::sequence([
            explicit(0, &write::value(Tag(0x13), b"VN")),
            explicit(1, &utf8("Hà Nội")),
            explicit(2, &address),
        ]);
        let found = read(true, oid::SIGNER_LOCATION, &place);
        assert_eq!(found.signer_location, ["VN", "Hà Nội", "1 Phố Huế", "Hà Nội"]);
        assert!(read(true, oid::SIGNER_LOCATION, &write::null()).signer_location.is_empty());
    }

    #[test]
    fn values_are_taken_as_evidence() {
        let item = |text: &[u8]| write::sequence([write::octet_string(text)]);
        let certificates = write::sequence([item(b"a"), item(b"b")]);
        let found = read(false, oid::CERTIFICATE_VALUES, &certificates);
        assert_eq!(found.certificate_values, [item(b"a"), item(b"b")]);
        assert!(found.has_values());
        let revocations = write::sequence([
            explicit(0, &write::sequence([item(b"crl")])),
            explicit(1, &write::sequence([item(b"basic")])),
            explicit(2, &write::sequence([item(b"other")])),
        ]);
        let found = read(false, oid::REVOCATION_VALUES, &revocations);
        assert_eq!(found.crl_values, [item(b"crl")]);
        let mut whole = Reader::only(&found.ocsp_values[0]).unwrap().reader();
        assert_eq!(whole.any().unwrap().value, [0]);
        let bytes = Reader::only(whole.any().unwrap().value).unwrap();
        let mut bytes = bytes.reader();
        assert_eq!(bytes.any().unwrap().oid(), Ok(oid::OCSP_BASIC));
        assert_eq!(bytes.any().unwrap().value, item(b"basic"));
        assert!(!CadesAttributes::default().has_values());
    }

    #[test]
    fn broken_evidence_is_no_evidence_and_counts_are_bounded() {
        let cut = write::value(Tag::SEQUENCE, &[0x30, 0x05, 0x00]);
        for kind in [oid::CERTIFICATE_VALUES, oid::REVOCATION_VALUES] {
            assert!(!read(false, kind, &cut).has_values());
            assert!(!read(false, kind, &write::null()).has_values());
        }
        let many = write::sequence(vec![write::null(); 5000]);
        assert_eq!(read(false, oid::CERTIFICATE_VALUES, &many).certificate_values.len(), 200);
        let lists = write::sequence([explicit(1, &many)]);
        assert_eq!(read(false, oid::REVOCATION_VALUES, &lists).ocsp_values.len(), 200);
    }
}
