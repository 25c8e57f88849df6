//! What a certificate says, read from its encoding by the first reader.

use std::ops::Range;

use der::{Decode, oid::ObjectIdentifier};
use spki::AlgorithmIdentifierOwned;

use super::{
    DistributionPoint, GeneralName, Name, NameConstraints, PointName, Policies, PolicyConstraints, PolicyId,
    X509Error,
    distribution::{distribution_points, named_bits},
    extension::{Extension, boolean, extensions},
    general_name::general_names,
    policy::{inhibit_any_policy, mappings},
    within,
};
use crate::{
    asn1::{Asn1Error, Reader, Tag, Tlv, oid},
    base::UtcTime,
};

/// What was read, as ranges of the encoding where the octets themselves matter.
pub(super) struct Parts {
    pub(super) der: Vec<u8>,
    pub(super) tbs: Range<usize>,
    pub(super) serial: Range<usize>,
    pub(super) spki: Range<usize>,
    pub(super) signature: Range<usize>,
    pub(super) signature_algorithm: AlgorithmIdentifierOwned,
    pub(super) issuer: Name,
    pub(super) subject: Name,
    pub(super) not_before: UtcTime,
    pub(super) not_after: UtcTime,
    /// With their criticality.
    pub(super) extensions: Vec<(ObjectIdentifier, bool)>,
    pub(super) basic_constraints: Option<(bool, Option<u32>)>,
    /// Bit 0 of the standard is bit 0 here.
    pub(super) key_usage: Option<u16>,
    pub(super) extended_key_usage: Option<(bool, Vec<ObjectIdentifier>)>,
    pub(super) subject_key_identifier: Option<Vec<u8>>,
    pub(super) authority_key_identifier: Option<Vec<u8>>,
    pub(super) access: Vec<(ObjectIdentifier, String)>,
    pub(super) distribution_points: Vec<DistributionPoint>,
    pub(super) freshest: Vec<DistributionPoint>,
    /// `None` where it is there and cannot be read.
    pub(super) subject_alt_names: Option<Vec<GeneralName>>,
    pub(super) name_constraints: Option<NameConstraints>,
    pub(super) policies: Option<Policies>,
    pub(super) policy_mappings: Vec<(PolicyId, PolicyId)>,
    pub(super) policy_constraints: Option<PolicyConstraints>,
    pub(super) inhibit_any_policy: Option<u32>,
    pub(super) self_issued: bool,
    pub(super) disagreement: Option<String>,
}

impl Parts {
    pub(super) fn read(der: &[u8]) -> Result<Self, X509Error> {
        let in_certificate = within("a certificate");
        let mut outer = sequence(der).map_err(&in_certificate)?;
        let tbs = outer.take(Tag::SEQUENCE).map_err(&in_certificate)?;
        let algorithm = outer.take(Tag::SEQUENCE).map_err(&in_certificate)?.raw;
        let signature =
            outer.take(Tag::BIT_STRING).and_then(|value| value.bit_string()).map_err(&in_certificate)?;
        outer.finish().map_err(&in_certificate)?;

        let mut reader = tbs.reader();
        let version = version(&mut reader)?;
        let serial = serial(&reader.take(Tag::INTEGER).map_err(within("serialNumber"))?)?;
        let inner_algorithm = reader.take(Tag::SEQUENCE).map_err(within("signature"))?.raw;
        let issuer = Name::from_der(reader.take(Tag::SEQUENCE).map_err(within("issuer"))?.raw)?;
        let validity = reader.take(Tag::SEQUENCE).map_err(within("validity"))?;
        let (not_before, not_after) = period(&validity).map_err(within("validity"))?;
        let subject = Name::from_der(reader.take(Tag::SEQUENCE).map_err(within("subject"))?.raw)?;
        let spki = reader.take(Tag::SEQUENCE).map_err(within("subjectPublicKeyInfo"))?.raw;
        for unique_id in [1, 2] {
            reader.optional(Tag::context_primitive(unique_id)).map_err(within("uniqueIdentifier"))?;
        }
        let extensions = match reader.optional(Tag::context(3)).map_err(within("extensions"))? {
            Some(_) if version != V3 => {
                return Err(X509Error::because("extensions in a certificate that is not of version 3"));
            }
            Some(outer) => extensions(&Reader::only(outer.value).map_err(within("extensions"))?)?,
            None => Vec::new(),
        };
        reader.finish().map_err(&in_certificate)?;
        if algorithm != inner_algorithm {
            return Err(X509Error::because("signature and signatureAlgorithm differ"));
        }
        if issuer.is_empty() {
            return Err(X509Error::because("the issuer has no name"));
        }

        let mut parts = Self {
            tbs: range_in(der, tbs.raw),
            serial: range_in(der, serial),
            spki: range_in(der, spki),
            signature: range_in(der, signature),
            signature_algorithm: AlgorithmIdentifierOwned::from_der(algorithm)
                .map_err(within("signatureAlgorithm"))?,
            issuer,
            subject,
            not_before,
            not_after,
            extensions: extensions.iter().map(|one| (one.oid, one.critical)).collect(),
            basic_constraints: None,
            key_usage: None,
            extended_key_usage: None,
            subject_key_identifier: None,
            authority_key_identifier: None,
            access: Vec::new(),
            distribution_points: Vec::new(),
            freshest: Vec::new(),
            subject_alt_names: Some(Vec::new()),
            name_constraints: None,
            policies: None,
            policy_mappings: Vec::new(),
            policy_constraints: None,
            inhibit_any_policy: None,
            self_issued: false,
            disagreement: None,
            der: der.to_vec(),
        };
        parts.self_issued = parts.subject.matches(&parts.issuer);
        for extension in &extensions {
            parts.take_in(extension)?;
        }
        Ok(parts)
    }

    /// What decides something must be sound; hints and addresses may be broken where they are not critical.
    fn take_in(&mut self, extension: &Extension<'_>) -> Result<(), X509Error> {
        let value = extension.value;
        let hint = |reason: X509Error| if extension.critical { Err(reason) } else { Ok(()) };
        match extension.oid {
            oid::BASIC_CONSTRAINTS => self.basic_constraints = Some(basic_constraints(value)?),
            oid::KEY_USAGE => self.key_usage = Some(key_usage(value).map_err(within("keyUsage"))?),
            oid::EXTENDED_KEY_USAGE => {
                let purposes = purposes(value).map_err(within("extKeyUsage"))?;
                self.extended_key_usage = Some((extension.critical, purposes));
            }
            oid::SUBJECT_KEY_IDENTIFIER => {
                match Reader::only(value).and_then(|id| id.expect(Tag::OCTET_STRING).map(|id| id.value)) {
                    Ok(id) => self.subject_key_identifier = Some(id.to_vec()),
                    Err(error) => hint(within("subjectKeyIdentifier")(error))?,
                }
            }
            oid::AUTHORITY_KEY_IDENTIFIER => match authority_key(value) {
                Ok(id) => self.authority_key_identifier = id.map(<[u8]>::to_vec),
                Err(error) => hint(within("authorityKeyIdentifier")(error))?,
            },
            oid::AUTHORITY_INFO_ACCESS => match access(value) {
                Ok(access) => self.access = access,
                Err(error) => hint(within("authorityInfoAccess")(error))?,
            },
            oid::CRL_DISTRIBUTION_POINTS => match distribution_points(value) {
                Ok(points) => self.distribution_points = points,
                Err(error) => hint(within("cRLDistributionPoints")(error))?,
            },
            oid::FRESHEST_CRL => match distribution_points(value) {
                Ok(points) => self.freshest = points,
                Err(error) => hint(within("freshestCRL")(error))?,
            },
            oid::SUBJECT_ALT_NAME => match alternative_names(value) {
                Ok(names) => self.subject_alt_names = Some(names),
                Err(error) => {
                    hint(within("subjectAltName")(error))?;
                    self.subject_alt_names = None;
                }
            },
            oid::NAME_CONSTRAINTS => self.name_constraints = Some(NameConstraints::read(value)?),
            oid::CERTIFICATE_POLICIES => self.policies = Some(Policies::read(value, extension.critical)?),
            oid::POLICY_MAPPINGS => self.policy_mappings = mappings(value)?,
            oid::POLICY_CONSTRAINTS => self.policy_constraints = Some(PolicyConstraints::read(value)?),
            oid::INHIBIT_ANY_POLICY => self.inhibit_any_policy = Some(inhibit_any_policy(value)?),
            _ => {}
        }
        Ok(())
    }

    pub(super) fn access(&self, method: ObjectIdentifier) -> Vec<String> {
        let of_method = self.access.iter().filter(|(oid, _)| *oid == method);
        of_method.map(|(_, url)| url.clone()).collect()
    }
}

/// The version of certificates with extensions.
const V3: u64 = 2;

fn version(reader: &mut Reader<'_>) -> Result<u64, X509Error> {
    let in_version = within("version");
    let version = match reader.optional(Tag::context(0)).map_err(&in_version)? {
        Some(outer) => Reader::only(outer.value).and_then(|value| value.unsigned()).map_err(&in_version)?,
        None => 0,
    };
    if version > V3 {
        return Err(X509Error::because(format!(
            "version {} of X.509 is not known",
            version.saturating_add(1)
        )));
    }
    Ok(version)
}

/// The content octets, which DER keeps as short as can be.
fn serial<'a>(number: &Tlv<'a>) -> Result<&'a [u8], X509Error> {
    match number.value {
        [] | [0x00, 0x00..=0x7F, ..] | [0xFF, 0x80..=0xFF, ..] => {
            Err(X509Error::because("serialNumber: not in its shortest form"))
        }
        octets => Ok(octets),
    }
}

fn period(validity: &Tlv<'_>) -> Result<(UtcTime, UtcTime), Asn1Error> {
    let mut reader = validity.reader();
    let period = (reader.any()?.time()?, reader.any()?.time()?);
    reader.finish()?;
    // RFC 5280 section 4.1.2.5.2: no fractions of a second. The end of all time has one of its own.
    let whole = |moment: UtcTime| moment.subsec_nanosecond() == 0 || moment == UtcTime::MAX;
    if whole(period.0) && whole(period.1) { Ok(period) } else { Err(Asn1Error::Content { offset: 0 }) }
}

/// ```text
/// BasicConstraints ::= SEQUENCE { cA BOOLEAN DEFAULT FALSE, pathLenConstraint INTEGER (0..MAX) OPTIONAL }
/// ```
fn basic_constraints(value: &[u8]) -> Result<(bool, Option<u32>), X509Error> {
    let in_constraints = within("basicConstraints");
    let mut reader = sequence(value).map_err(&in_constraints)?;
    let ca = match reader.optional(Tag::BOOLEAN).map_err(&in_constraints)? {
        Some(ca) => boolean(&ca)?,
        None => false,
    };
    let length = match reader.optional(Tag::INTEGER).map_err(&in_constraints)? {
        Some(length) => {
            let length = length.unsigned().map_err(&in_constraints)?;
            Some(u32::try_from(length).map_err(within("pathLenConstraint"))?)
        }
        None => None,
    };
    reader.finish().map_err(&in_constraints)?;
    Ok((ca, length))
}

/// A BIT STRING of up to nine named bits.
fn key_usage(value: &[u8]) -> Result<u16, Asn1Error> {
    named_bits(Reader::only(value)?.expect(Tag::BIT_STRING)?.value)
}

/// `ExtKeyUsageSyntax ::= SEQUENCE SIZE (1..MAX) OF KeyPurposeId`
fn purposes(value: &[u8]) -> Result<Vec<ObjectIdentifier>, Asn1Error> {
    let mut reader = sequence(value)?;
    let mut purposes = vec![reader.any()?.oid()?];
    while !reader.is_empty() {
        purposes.push(reader.any()?.oid()?);
    }
    Ok(purposes)
}

/// ```text
/// AuthorityKeyIdentifier ::= SEQUENCE {
///     keyIdentifier [0] OCTET STRING OPTIONAL, authorityCertIssuer [1], authorityCertSerialNumber [2] }
/// ```
pub(super) fn authority_key(value: &[u8]) -> Result<Option<&[u8]>, Asn1Error> {
    let mut reader = sequence(value)?;
    Ok(reader.optional(Tag::context_primitive(0))?.map(|id| id.value))
}

/// ```text
/// AuthorityInfoAccessSyntax ::= SEQUENCE SIZE (1..MAX) OF
///     SEQUENCE { accessMethod OBJECT IDENTIFIER, accessLocation GeneralName }
/// ```
pub(super) fn access(value: &[u8]) -> Result<Vec<(ObjectIdentifier, String)>, Asn1Error> {
    let mut reader = sequence(value)?;
    let mut found = Vec::new();
    while !reader.is_empty() && found.len() < MAX_ADDRESSES {
        let mut description = reader.take(Tag::SEQUENCE)?.reader();
        let method = description.any()?.oid()?;
        let location = description.any()?;
        found.extend(uri(&location).map(|url| (method, url)));
    }
    Ok(found)
}

/// `SubjectAltName ::= GeneralNames`
fn alternative_names(value: &[u8]) -> Result<Vec<GeneralName>, X509Error> {
    general_names(sequence(value).map_err(within("subjectAltName"))?)
}

/// The addresses among the names of distribution points.
pub(super) fn addresses(points: &[DistributionPoint]) -> Vec<String> {
    let names = points.iter().filter_map(|point| point.name.as_ref());
    let full = names.filter_map(|name| match name {
        PointName::Full(names) => Some(names),
        PointName::Relative(_) => None,
    });
    let uris = full.flatten().filter_map(|name| match name {
        GeneralName::Uri(uri) if uri.len() <= MAX_ADDRESS && uri.bytes().all(|c| c.is_ascii_graphic()) => {
            Some(uri.clone())
        }
        _ => None,
    });
    uris.take(MAX_ADDRESSES).collect()
}

/// `uniformResourceIdentifier [6] IA5String` of GeneralName; other forms are passed over.
fn uri(name: &Tlv<'_>) -> Option<String> {
    let visible = name.value.iter().all(u8::is_ascii_graphic);
    let is_uri = name.tag == Tag::context_primitive(6) && visible && name.value.len() <= MAX_ADDRESS;
    is_uri.then(|| String::from_utf8_lossy(name.value).into_owned())
}

fn sequence(der: &[u8]) -> Result<Reader<'_>, Asn1Error> {
    Ok(Reader::only(der)?.expect(Tag::SEQUENCE)?.reader())
}

/// Where `part`, a slice of `whole`, lies in it.
pub(super) fn range_in(whole: &[u8], part: &[u8]) -> Range<usize> {
    let start = (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize);
    start..start + part.len()
}

/// Addresses taken from one extension, and the longest of them in bytes.
const MAX_ADDRESSES: usize = 16;
const MAX_ADDRESS: usize = 2048;
