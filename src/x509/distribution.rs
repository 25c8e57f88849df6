//! Where revocation lists are, and what each covers (RFC 5280 sections 4.2.1.13 and 5.2.5).

use std::ops::{BitAnd, BitOr};

use super::{GeneralName, Name, X509Error, extension::boolean, general_name::general_names, within};
use crate::asn1::{Asn1Error, Reader, Tag, Tlv};

/// One entry of cRLDistributionPoints or freshestCRL (RFC 5280 section 4.2.1.13).
///
/// ```text
/// DistributionPoint ::= SEQUENCE {
///     distributionPoint [0] EXPLICIT DistributionPointName OPTIONAL,
///     reasons [1] ReasonFlags OPTIONAL, cRLIssuer [2] GeneralNames OPTIONAL }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DistributionPoint {
    /// Under which name the list is to be had.
    pub name: Option<PointName>,
    /// The reasons that the list covers; `None` for all.
    pub reasons: Option<Reasons>,
    /// Who signs the list, if not the issuer of the certificate; empty for the issuer.
    pub crl_issuer: Vec<GeneralName>,
}

/// ```text
/// DistributionPointName ::= CHOICE { fullName [0] GeneralNames, nameRelativeToCRLIssuer [1] RelativeDistinguishedName }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PointName {
    /// fullName: several names of one list.
    Full(Vec<GeneralName>),
    /// nameRelativeToCRLIssuer: the content octets of the RelativeDistinguishedName, see [`Name::with_relative`].
    Relative(Vec<u8>),
}

impl PointName {
    /// The full names, given the name that a relative one starts from. A relative name that makes no name gives none.
    pub fn resolve(&self, crl_issuer: &Name) -> Vec<GeneralName> {
        match self {
            Self::Full(names) => names.clone(),
            Self::Relative(rdn) => {
                crl_issuer.with_relative(rdn).map(GeneralName::Directory).into_iter().collect()
            }
        }
    }
}

/// A set of reasons for revocation (ReasonFlags, RFC 5280 section 4.2.1.13).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reasons(u16);

impl Reasons {
    /// keyCompromise (1) to aACompromise (8).
    pub const ALL: Self = Self(0b1_1111_1110);
    /// None.
    pub const NONE: Self = Self(0);

    /// Whether every reason is in it.
    pub fn is_all(self) -> bool {
        self == Self::ALL
    }

    /// Whether no reason is in it.
    pub fn is_empty(self) -> bool {
        self == Self::NONE
    }

    /// From the bits of the standard, bit 0 as bit 0. Bit 0 is unused and left out.
    fn from_bits(bits: u16) -> Self {
        Self(bits & Self::ALL.0)
    }
}

impl BitAnd for Reasons {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl BitOr for Reasons {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What a revocation list covers (issuingDistributionPoint, RFC 5280 section 5.2.5).
///
/// ```text
/// IssuingDistributionPoint ::= SEQUENCE {
///     distributionPoint [0] EXPLICIT DistributionPointName OPTIONAL,
///     onlyContainsUserCerts [1] BOOLEAN DEFAULT FALSE, onlyContainsCACerts [2] BOOLEAN DEFAULT FALSE,
///     onlySomeReasons [3] ReasonFlags OPTIONAL, indirectCRL [4] BOOLEAN DEFAULT FALSE,
///     onlyContainsAttributeCerts [5] BOOLEAN DEFAULT FALSE }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "they are the fields of the standard")]
pub struct IssuingDistributionPoint {
    /// Its own name; `None` when it may be had anywhere.
    pub name: Option<PointName>,
    /// onlyContainsUserCerts.
    pub only_user: bool,
    /// onlyContainsCACerts.
    pub only_authority: bool,
    /// onlySomeReasons; `None` for all.
    pub reasons: Option<Reasons>,
    /// indirectCRL: it may have entries for certificates of other issuers.
    pub indirect: bool,
    /// onlyContainsAttributeCerts.
    pub only_attribute: bool,
}

impl IssuingDistributionPoint {
    pub(super) fn read(value: &[u8]) -> Result<Self, X509Error> {
        let in_extension = within("issuingDistributionPoint");
        let mut reader = sequence(value).map_err(&in_extension)?;
        let name = reader.optional(Tag::context(0)).map_err(&in_extension)?;
        let name = name.map(|name| point_name(&name)).transpose()?;
        let only_user = flag(&mut reader, 1)?;
        let only_authority = flag(&mut reader, 2)?;
        let reasons = reader.optional(Tag::context_primitive(3)).map_err(&in_extension)?;
        let reasons = reasons.map(|reasons| reason_flags(&reasons)).transpose().map_err(&in_extension)?;
        let indirect = flag(&mut reader, 4)?;
        let only_attribute = flag(&mut reader, 5)?;
        reader.finish().map_err(&in_extension)?;
        Ok(Self { name, only_user, only_authority, reasons, indirect, only_attribute })
    }
}

/// `CRLDistributionPoints ::= SEQUENCE SIZE (1..MAX) OF DistributionPoint`
pub(super) fn distribution_points(value: &[u8]) -> Result<Vec<DistributionPoint>, X509Error> {
    let in_points = within("a distribution point");
    let mut list = sequence(value).map_err(&in_points)?;
    let mut points = Vec::new();
    while !list.is_empty() {
        if points.len() == MAX_POINTS {
            return Err(X509Error::because(format!("more than {MAX_POINTS} distribution points")));
        }
        let mut point = list.take(Tag::SEQUENCE).map_err(&in_points)?.reader();
        let name = point.optional(Tag::context(0)).map_err(&in_points)?;
        let name = name.map(|name| point_name(&name)).transpose()?;
        let reasons = point.optional(Tag::context_primitive(1)).map_err(&in_points)?;
        let reasons = reasons.map(|reasons| reason_flags(&reasons)).transpose().map_err(&in_points)?;
        let crl_issuer = point.optional(Tag::context(2)).map_err(&in_points)?;
        let crl_issuer = crl_issuer.map_or(Ok(Vec::new()), |names| general_names(names.reader()))?;
        point.finish().map_err(&in_points)?;
        points.push(DistributionPoint { name, reasons, crl_issuer });
    }
    Ok(points)
}

/// The content of a BIT STRING of at most sixteen named bits: the first bit, the highest of the first octet, is bit 0.
pub(super) fn named_bits(content: &[u8]) -> Result<u16, Asn1Error> {
    let broken = Asn1Error::Content { offset: 0 };
    let (unused, octets) = match content {
        [unused, octets @ ..] if *unused < 8 && octets.len() <= 2 => (*unused, octets),
        _ => return Err(broken),
    };
    match octets.last() {
        None if unused > 0 => return Err(broken),
        Some(last) if u16::from(*last) & ((1 << unused) - 1) != 0 => return Err(broken),
        _ => {}
    }
    let octet = |index: usize| octets.get(index).map_or(0, |octet| u16::from(octet.reverse_bits()));
    Ok(octet(0) | octet(1) << 8)
}

fn point_name(outer: &Tlv<'_>) -> Result<PointName, X509Error> {
    let choice = Reader::only(outer.value).map_err(within("distributionPoint"))?;
    match choice.tag {
        tag if tag == Tag::context(0) => general_names(choice.reader()).map(PointName::Full),
        tag if tag == Tag::context(1) => Ok(PointName::Relative(choice.value.to_vec())),
        tag => Err(X509Error::because(format!("tag {:#04x} is of no name of a distribution point", tag.0))),
    }
}

fn reason_flags(bits: &Tlv<'_>) -> Result<Reasons, Asn1Error> {
    named_bits(bits.value).map(Reasons::from_bits)
}

fn flag(reader: &mut Reader<'_>, number: u8) -> Result<bool, X509Error> {
    let value =
        reader.optional(Tag::context_primitive(number)).map_err(within("issuingDistributionPoint"))?;
    value.map_or(Ok(false), |value| boolean(&Tlv { tag: Tag::BOOLEAN, ..value }))
}

fn sequence(der: &[u8]) -> Result<Reader<'_>, Asn1Error> {
    Ok(Reader::only(der)?.expect(Tag::SEQUENCE)?.reader())
}

/// Honest certificates have one to three.
const MAX_POINTS: usize = 64;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        asn1::{oid, write},
        x509::sample::name,
    };

    #[test]
    fn a_list_says_what_it_covers() {
        let full = write::value(Tag::context(0), &write::value(Tag::context_primitive(6), b"http://b.vn/"));
        let value = write::sequence([
            write::value(Tag::context(0), &full),
            write::value(Tag::context_primitive(1), &[0xFF]),
            write::value(Tag::context_primitive(3), &[0x05, 0x60]),
            write::value(Tag::context_primitive(4), &[0xFF]),
        ]);
        let read = IssuingDistributionPoint::read(&value).unwrap();
        assert!(read.only_user && read.indirect && !read.only_authority && !read.only_attribute);
        assert_eq!(read.reasons, Some(Reasons(0b110)));
        assert!(matches!(&read.name, Some(PointName::Full(names)) if names.len() == 1));
        let nothing = IssuingDistributionPoint::read(&write::sequence([[]; 0])).unwrap();
        assert_eq!((nothing.name, nothing.reasons, nothing.indirect), (None, None, false));
        let odd = write::sequence([write::value(Tag::context_primitive(4), &[0x01])]);
        assert!(IssuingDistributionPoint::read(&odd).is_err());
    }

    #[test]
    fn reasons_add_up() {
        let compromise = Reasons::from_bits(named_bits(&[0x05, 0x60]).unwrap());
        let others = Reasons::from_bits(named_bits(&[0x07, 0x9F, 0x80]).unwrap());
        assert!(!compromise.is_all() && !others.is_all() && (compromise | others).is_all());
        assert!((compromise & others).is_empty());
        assert!(named_bits(&[]).is_err() && named_bits(&[1]).is_err() && named_bits(&[1, 1]).is_err());
    }

    #[test]
    fn a_relative_name_continues_the_issuers() {
        let issuer = Name::from_der(&name("CA")).unwrap();
        let pair =
            write::sequence([write::oid(oid::COMMON_NAME), write::value(Tag::context_primitive(0), b"")]);
        let good = write::sequence([write::oid(oid::COMMON_NAME), write::value(Tag(0x0C), b"CRL1")]);
        let resolved = PointName::Relative(good).resolve(&issuer);
        assert!(
            matches!(&resolved[..], [GeneralName::Directory(name)] if name.to_string() == "CN=CRL1,CN=CA")
        );
        assert_eq!(PointName::Relative(pair[1..].to_vec()).resolve(&issuer), []);
        assert_eq!(PointName::Relative(Vec::new()).resolve(&issuer), []);
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(bytes: Vec<u8>) {
            let _ = IssuingDistributionPoint::read(&bytes);
            let _ = distribution_points(&bytes);
        }
    }
}
