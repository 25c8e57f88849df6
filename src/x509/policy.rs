//! Certificate policies and what restricts them (RFC 5280 sections 4.2.1.4, .5, .11 and .14).

use super::{PolicyId, X509Error, within};
use crate::asn1::{Asn1Error, Reader, Tag, Tlv, oid};

/// certificatePolicies (RFC 5280 section 4.2.1.4), without what the qualifiers say.
///
/// ```text
/// certificatePolicies ::= SEQUENCE SIZE (1..MAX) OF SEQUENCE {
///     policyIdentifier OBJECT IDENTIFIER,
///     policyQualifiers SEQUENCE OF SEQUENCE { policyQualifierId OBJECT IDENTIFIER, qualifier ANY } OPTIONAL }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policies {
    /// In the order of the certificate, each once.
    pub oids: Vec<PolicyId>,
    /// The extension is critical and has a qualifier other than id-qt-cps and id-qt-unotice, so the certificate must be
    /// refused.
    pub unknown_qualifier: bool,
}

/// policyConstraints (RFC 5280 section 4.2.1.11): after how many more certificates each begins to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyConstraints {
    /// requireExplicitPolicy; numbers over 32 bits become the largest one.
    pub require_explicit: Option<u32>,
    /// inhibitPolicyMapping, likewise.
    pub inhibit_mapping: Option<u32>,
}

impl Policies {
    pub(super) fn read(value: &[u8], critical: bool) -> Result<Self, X509Error> {
        let in_policies = within("certificatePolicies");
        let mut list = sequence(value).map_err(&in_policies)?;
        let mut policies = Self { oids: Vec::new(), unknown_qualifier: false };
        while !list.is_empty() {
            bounded(policies.oids.len())?;
            let mut information = list.take(Tag::SEQUENCE).map_err(&in_policies)?.reader();
            let policy = information.any().and_then(|id| PolicyId::read(&id)).map_err(&in_policies)?;
            if let Some(qualifiers) = information.optional(Tag::SEQUENCE).map_err(&in_policies)? {
                let known = known_qualifiers(&qualifiers).map_err(&in_policies)?;
                policies.unknown_qualifier |= critical && !known;
            }
            information.finish().map_err(&in_policies)?;
            if !policies.oids.contains(&policy) {
                policies.oids.push(policy);
            }
        }
        if policies.oids.is_empty() {
            return Err(X509Error::because("certificatePolicies: an empty list"));
        }
        Ok(policies)
    }
}

impl PolicyConstraints {
    pub(super) fn read(value: &[u8]) -> Result<Self, X509Error> {
        let in_constraints = within("policyConstraints");
        let mut reader = sequence(value).map_err(&in_constraints)?;
        let mut skip = |n: u8| -> Result<Option<u32>, Asn1Error> {
            let number = reader.optional(Tag::context_primitive(n))?;
            number.map(|number| skip_certs(&number)).transpose()
        };
        let (require_explicit, inhibit_mapping) =
            (skip(0).map_err(&in_constraints)?, skip(1).map_err(&in_constraints)?);
        reader.finish().map_err(&in_constraints)?;
        if require_explicit.is_none() && inhibit_mapping.is_none() {
            return Err(X509Error::because("policyConstraints: neither of the two"));
        }
        Ok(Self { require_explicit, inhibit_mapping })
    }
}

/// `PolicyMappings ::= SEQUENCE SIZE (1..MAX) OF SEQUENCE { issuerDomainPolicy OID, subjectDomainPolicy OID }`
pub(super) fn mappings(value: &[u8]) -> Result<Vec<(PolicyId, PolicyId)>, X509Error> {
    let in_mappings = within("policyMappings");
    let mut list = sequence(value).map_err(&in_mappings)?;
    let mut found = Vec::new();
    while !list.is_empty() {
        bounded(found.len())?;
        let mut pair = list.take(Tag::SEQUENCE).map_err(&in_mappings)?.reader();
        let mut policy = || pair.any().and_then(|id| PolicyId::read(&id)).map_err(&in_mappings);
        found.push((policy()?, policy()?));
        pair.finish().map_err(&in_mappings)?;
    }
    if found.is_empty() { Err(X509Error::because("policyMappings: an empty list")) } else { Ok(found) }
}

/// `InhibitAnyPolicy ::= SkipCerts`
pub(super) fn inhibit_any_policy(value: &[u8]) -> Result<u32, X509Error> {
    let in_extension = within("inhibitAnyPolicy");
    let number = Reader::only(value).map_err(&in_extension)?;
    number.expect(Tag::INTEGER).and_then(skip_certs).map_err(&in_extension)
}

/// `SkipCerts ::= INTEGER (0..MAX)`, under whatever tag.
fn skip_certs(number: &Tlv<'_>) -> Result<u32, Asn1Error> {
    match number.value {
        [] => Err(Asn1Error::Content { offset: 0 }),
        [first, ..] if *first >= 0x80 => Err(Asn1Error::Content { offset: 0 }),
        digits => {
            let shift = |number: u32, digit: &u8| number.checked_mul(256)?.checked_add(u32::from(*digit));
            Ok(digits.iter().try_fold(0, shift).unwrap_or(u32::MAX))
        }
    }
}

fn known_qualifiers(list: &Tlv<'_>) -> Result<bool, Asn1Error> {
    let mut reader = list.reader();
    let mut known = true;
    while !reader.is_empty() {
        let kind = reader.take(Tag::SEQUENCE)?.reader().any()?.oid()?;
        known &= [oid::QT_CPS, oid::QT_USER_NOTICE].contains(&kind);
    }
    Ok(known)
}

fn sequence(der: &[u8]) -> Result<Reader<'_>, Asn1Error> {
    Ok(Reader::only(der)?.expect(Tag::SEQUENCE)?.reader())
}

fn bounded(count: usize) -> Result<(), X509Error> {
    if count < MAX_POLICIES {
        Ok(())
    } else {
        Err(X509Error::because(format!("more than {MAX_POLICIES} policies in one extension")))
    }
}

/// Honest certificates hold fewer than ten. The bound keeps the policy graph of a whole path small.
const MAX_POLICIES: usize = 256;

#[cfg(test)]
mod tests {
    use der::oid::ObjectIdentifier;
    use proptest::prelude::*;

    use super::*;
    use crate::asn1::write;

    fn policy(last: u32) -> ObjectIdentifier {
        ObjectIdentifier::new_unwrap("1.2.3").push_arc(last).unwrap()
    }

    #[test]
    fn policies_and_their_qualifiers_are_read() {
        let qualifier = |kind| write::sequence([write::sequence([write::oid(kind), write::null()])]);
        let list = |kind| {
            write::sequence([
                write::sequence([write::oid(policy(1)), qualifier(kind)]),
                write::sequence([write::oid(policy(2))]),
                write::sequence([write::oid(policy(1))]),
            ])
        };
        let known = Policies::read(&list(oid::QT_CPS), true).unwrap();
        assert_eq!(
            (known.oids, known.unknown_qualifier),
            ([1, 2].map(|last| PolicyId::new(policy(last))).to_vec(), false)
        );
        assert!(!Policies::read(&list(policy(9)), false).unwrap().unknown_qualifier);
        assert!(Policies::read(&list(policy(9)), true).unwrap().unknown_qualifier);
        let many = (0..300).map(|last| write::sequence([write::oid(policy(last))]));
        assert!(Policies::read(&write::sequence(many), false).is_err());
        assert!(Policies::read(&write::sequence([[]; 0]), false).is_err());
    }

    #[test]
    fn numbers_of_certificates_to_skip_are_read() {
        for (octets, number) in
            [(&[0][..], 0), (&[0x7F], 127), (&[0x01, 0x00], 256), (&[0x01, 0, 0, 0, 0], u32::MAX)]
        {
            assert_eq!(inhibit_any_policy(&write::value(Tag::INTEGER, octets)).unwrap(), number);
            let both = write::sequence([
                write::value(Tag::context_primitive(0), octets),
                write::value(Tag::context_primitive(1), &[3]),
            ]);
            let read = PolicyConstraints::read(&both).unwrap();
            assert_eq!((read.require_explicit, read.inhibit_mapping), (Some(number), Some(3)));
        }
        assert!(inhibit_any_policy(&write::value(Tag::INTEGER, &[0xFF])).is_err());
        assert!(PolicyConstraints::read(&write::sequence([[]; 0])).is_err());
    }

    #[test]
    fn mappings_are_pairs() {
        let pair = write::sequence([write::oid(policy(1)), write::oid(policy(2))]);
        assert_eq!(
            mappings(&write::sequence([pair])).unwrap(),
            [(PolicyId::new(policy(1)), PolicyId::new(policy(2)))]
        );
        let single = write::sequence([write::oid(policy(1))]);
        assert!(mappings(&write::sequence([single])).is_err());
        assert!(mappings(&write::sequence([[]; 0])).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(bytes: Vec<u8>) {
            let _ = Policies::read(&bytes, true);
            let _ = PolicyConstraints::read(&bytes);
            let _ = mappings(&bytes);
            let _ = inhibit_any_policy(&bytes);
        }
    }
}
