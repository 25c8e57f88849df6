//! General names, and the constraints that an authority may put on them (RFC 5280 sections 4.2.1.6 and 4.2.1.10).

use super::{Name, X509Error, within};
use crate::asn1::{Asn1Error, Reader, Tag, Tlv};

/// A name of one of the nine forms of RFC 5280 section 4.2.1.6.
///
/// ```text
/// GeneralName ::= CHOICE {
///     otherName [0], rfc822Name [1] IA5String, dNSName [2] IA5String, x400Address [3], directoryName [4] Name,
///     ediPartyName [5], uniformResourceIdentifier [6] IA5String, iPAddress [7] OCTET STRING, registeredID [8] }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GeneralName {
    /// directoryName.
    Directory(Name),
    /// dNSName, as written.
    Dns(String),
    /// rfc822Name, as written.
    Email(String),
    /// iPAddress: an address, or in a constraint an address and a mask.
    Ip(Vec<u8>),
    /// A form that kyso does not look into.
    Other {
        /// The number of the form in the CHOICE: 0, 3, 5 or 8.
        form: u8,
        /// The whole encoding.
        der: Vec<u8>,
    },
    /// uniformResourceIdentifier, as written.
    Uri(String),
}

impl GeneralName {
    /// The number of the form in the CHOICE.
    pub fn form(&self) -> u8 {
        match self {
            Self::Directory(_) => 4,
            Self::Dns(_) => 2,
            Self::Email(_) => 1,
            Self::Ip(_) => 7,
            Self::Other { form, .. } => *form,
            Self::Uri(_) => 6,
        }
    }

    /// Whether two general names are the same one: directory names by RFC 5280 section 7.1, all others octet by octet,
    /// which can only find fewer names alike.
    pub fn matches(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Directory(one), Self::Directory(two)) => one.matches(two),
            (one, two) => one == two,
        }
    }

    fn read(value: &Tlv<'_>) -> Result<Self, X509Error> {
        let text = || {
            let text = std::str::from_utf8(value.value).ok().filter(|text| text.is_ascii());
            text.map(str::to_owned).ok_or_else(|| X509Error::because("a general name that is not ASCII"))
        };
        match value.tag.0 {
            0x81 => text().map(Self::Email),
            0x82 => text().map(Self::Dns),
            0x86 => text().map(Self::Uri),
            0x87 => Ok(Self::Ip(value.value.to_vec())),
            0xA4 => Name::from_der(value.value).map(Self::Directory),
            0xA0 | 0xA3 | 0xA5 | 0x88 => {
                Ok(Self::Other { form: value.tag.0 & 0x0F, der: value.raw.to_vec() })
            }
            tag => Err(X509Error::because(format!("tag {tag:#04x} is of no general name"))),
        }
    }
}

/// The names that certificates below an authority may and may not have (RFC 5280 section 4.2.1.10).
///
/// ```text
/// NameConstraints ::= SEQUENCE { permittedSubtrees [0] GeneralSubtrees OPTIONAL, excludedSubtrees [1] … OPTIONAL }
/// GeneralSubtree  ::= SEQUENCE { base GeneralName, minimum [0] INTEGER DEFAULT 0, maximum [1] INTEGER OPTIONAL }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameConstraints {
    /// Of each form that is here, only names within one of these.
    pub permitted: Vec<GeneralName>,
    /// No name within any of these.
    pub excluded: Vec<GeneralName>,
}

impl NameConstraints {
    /// Reads the extension's value. `minimum` and `maximum` must be what RFC 5280 wants: 0 and absent.
    pub(super) fn read(value: &[u8]) -> Result<Self, X509Error> {
        let in_constraints = within("nameConstraints");
        let mut reader = Reader::only(value)
            .and_then(|outer| outer.expect(Tag::SEQUENCE).map(Tlv::reader))
            .map_err(&in_constraints)?;
        let permitted = reader.optional(Tag::context(0)).map_err(&in_constraints)?;
        let excluded = reader.optional(Tag::context(1)).map_err(&in_constraints)?;
        reader.finish().map_err(&in_constraints)?;
        if permitted.is_none() && excluded.is_none() {
            return Err(X509Error::because("nameConstraints: neither permitted nor excluded subtrees"));
        }
        let trees = |list: Option<Tlv<'_>>| list.map_or(Ok(Vec::new()), |list| subtrees(&list));
        Ok(Self { permitted: trees(permitted)?, excluded: trees(excluded)? })
    }
}

/// `GeneralNames ::= SEQUENCE SIZE (1..MAX) OF GeneralName`, from the content of the sequence.
pub(super) fn general_names(mut list: Reader<'_>) -> Result<Vec<GeneralName>, X509Error> {
    let mut names = Vec::new();
    while !list.is_empty() {
        if names.len() == MAX_NAMES {
            return Err(X509Error::because(format!("more than {MAX_NAMES} general names")));
        }
        names.push(GeneralName::read(&list.any().map_err(within("a general name"))?)?);
    }
    if names.is_empty() { Err(X509Error::because("an empty list of general names")) } else { Ok(names) }
}

fn subtrees(list: &Tlv<'_>) -> Result<Vec<GeneralName>, X509Error> {
    let in_subtree = within("a subtree of nameConstraints");
    let mut reader = list.reader();
    let mut bases = Vec::new();
    while !reader.is_empty() {
        if bases.len() == MAX_NAMES {
            return Err(X509Error::because(format!("more than {MAX_NAMES} subtrees")));
        }
        let mut subtree = reader.take(Tag::SEQUENCE).map_err(&in_subtree)?.reader();
        let base = GeneralName::read(&subtree.any().map_err(&in_subtree)?)?;
        let minimum = subtree.optional(Tag::context_primitive(0)).map_err(&in_subtree)?;
        subtree.finish().map_err(&in_subtree)?;
        let network = !matches!(&base, GeneralName::Ip(octets) if octets.len() != 8 && octets.len() != 32);
        if !network || minimum.is_some_and(|minimum| minimum.value != [0]) {
            return Err(in_subtree(Asn1Error::Content { offset: 0 }));
        }
        bases.push(base);
    }
    if bases.is_empty() {
        return Err(X509Error::because("an empty list of subtrees"));
    }
    Ok(bases)
}

/// Honest certificates hold a handful of names; the bound keeps comparing cheap.
const MAX_NAMES: usize = 1024;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::asn1::write;

    fn uri(text: &str) -> Vec<u8> {
        write::value(Tag::context_primitive(6), text.as_bytes())
    }

    fn tree(parts: &[Vec<u8>]) -> Vec<u8> {
        write::sequence(parts)
    }

    #[test]
    fn every_form_is_read() {
        let directory = write::value(Tag::context(4), &crate::x509::sample::name("Gốc"));
        let list = [
            write::value(Tag::context(0), &write::null()),
            write::value(Tag::context_primitive(1), b"a@b.vn"),
            write::value(Tag::context_primitive(2), b"b.vn"),
            directory,
            uri("http://b.vn/"),
            write::value(Tag::context_primitive(7), &[10, 0, 0, 1]),
            write::value(Tag::context_primitive(8), &[0x2A]),
        ];
        let names = general_names(Reader::new(&list.concat())).unwrap();
        assert_eq!(names.iter().map(GeneralName::form).collect::<Vec<_>>(), [0, 1, 2, 4, 6, 7, 8]);
        assert!(names.iter().all(|name| name.matches(name)));
        assert!(!names[1].matches(&names[2]));
        for broken in [
            Vec::new(),
            write::value(Tag::context_primitive(2), "đ.vn".as_bytes()),
            write::value(Tag::context_primitive(9), b""),
            write::value(Tag::context(4), b"?"),
            uri("a").repeat(MAX_NAMES + 1),
        ] {
            assert!(general_names(Reader::new(&broken)).is_err(), "{broken:02x?}");
        }
    }

    #[test]
    fn constraints_are_read_or_refused() {
        let read = |parts: &[Vec<u8>]| NameConstraints::read(&write::sequence(parts));
        let of = |n: u8, trees: &[Vec<u8>]| write::constructed(Tag::context(n), trees);
        let zero = write::value(Tag::context_primitive(0), &[0]);
        let found =
            read(&[of(0, &[tree(&[uri("a")]), tree(&[uri("b"), zero])]), of(1, &[tree(&[uri("c")])])]);
        let found = found.unwrap();
        assert_eq!((found.permitted.len(), found.excluded.len()), (2, 1));
        let network = |octets: &[u8]| tree(&[write::value(Tag::context_primitive(7), octets)]);
        assert!(read(&[of(0, &[network(&[10, 0, 0, 0, 255, 0, 0, 0])])]).is_ok());
        for (what, parts) in [
            ("nothing", vec![]),
            ("no subtree", vec![of(0, &[])]),
            ("the wrong order", vec![of(1, &[tree(&[uri("a")])]), of(0, &[tree(&[uri("a")])])]),
            ("a minimum", vec![of(0, &[tree(&[uri("a"), write::value(Tag::context_primitive(0), &[1])])])]),
            ("a maximum", vec![of(0, &[tree(&[uri("a"), write::value(Tag::context_primitive(1), &[1])])])]),
            ("an address without mask", vec![of(1, &[network(&[10, 0, 0, 0])])]),
        ] {
            assert!(read(&parts).is_err(), "{what}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(bytes: Vec<u8>) {
            let _ = NameConstraints::read(&bytes);
            let _ = general_names(Reader::new(&bytes));
        }
    }
}
