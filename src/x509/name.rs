//! Distinguished names.

use std::fmt::{self, Write as _};

use der::oid::ObjectIdentifier;
use unicode_normalization::UnicodeNormalization as _;

use super::{X509Error, within};
use crate::asn1::{Reader, Tag, Tlv, oid, write};

/// A distinguished name (RFC 5280 section 4.1.2.4), with its encoding as received.
///
/// ```text
/// Name                      ::= CHOICE { RDNSequence }
/// RDNSequence               ::= SEQUENCE OF RelativeDistinguishedName
/// RelativeDistinguishedName ::= SET SIZE (1..MAX) OF AttributeTypeAndValue
/// AttributeTypeAndValue     ::= SEQUENCE { type OBJECT IDENTIFIER, value ANY }
/// ```
///
/// Equality is equality of the encoding; [`Name::matches`] compares as RFC 5280 section 7.1 wants.
#[derive(Clone)]
pub struct Name {
    der: Vec<u8>,
    rdns: Vec<Vec<Attribute>>,
}

#[derive(Clone)]
struct Attribute {
    oid: ObjectIdentifier,
    /// The whole encoding of the value.
    raw: Vec<u8>,
    /// `None` where the value is of no string type, or does not fit its type.
    text: Option<String>,
}

impl Name {
    /// Reads a Name with nothing behind it. An empty name is a name.
    ///
    /// # Errors
    ///
    /// When the encoding is another, or holds more parts than any honest name.
    pub fn from_der(der: &[u8]) -> Result<Self, X509Error> {
        let in_name = within("a name");
        let sequence = Reader::only(der).map_err(&in_name)?;
        let mut reader = sequence.expect(Tag::SEQUENCE).map_err(&in_name)?.reader();
        let mut rdns = Vec::new();
        while !reader.is_empty() {
            let set = reader.take(Tag::SET).map_err(&in_name)?;
            rdns.push(relative(&set)?);
            if rdns.len() > MAX_RDNS {
                return Err(X509Error::because(format!("a name of more than {MAX_RDNS} parts")));
            }
        }
        Ok(Self { der: der.to_vec(), rdns })
    }

    /// The Name encoding.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Whether it has no parts.
    pub fn is_empty(&self) -> bool {
        self.rdns.is_empty()
    }

    /// The last commonName, which is the most specific one.
    pub fn common_name(&self) -> Option<String> {
        self.attribute(oid::COMMON_NAME)
    }

    /// The last value of an attribute type (organizationName, localityName…), as text.
    pub fn attribute(&self, oid: ObjectIdentifier) -> Option<String> {
        self.rdns.iter().flatten().rev().find(|attribute| attribute.oid == oid)?.text.clone()
    }

    /// Whether two names are the same one by RFC 5280 section 7.1: part by part, strings with case folded and
    /// white space collapsed, whatever their string types; everything else octet by octet.
    ///
    /// Text is prepared as RFC 4518 section 2 has it for comparing: compatibility forms composed, characters that show
    /// nothing left out.
    pub fn matches(&self, other: &Self) -> bool {
        self.der == other.der
            || self.rdns.len() == other.rdns.len()
                && self.rdns.iter().zip(&other.rdns).all(|(one, two)| same_relative(one, two))
    }

    /// Whether this name lies in the subtree of `base`: all parts of `base`, in order, come first in it
    /// (RFC 5280 section 4.2.1.10). The empty name is the base of all names.
    pub fn starts_with(&self, base: &Self) -> bool {
        self.rdns.len() >= base.rdns.len()
            && self.rdns.iter().zip(&base.rdns).all(|(one, two)| same_relative(one, two))
    }

    /// This name with one more part, from the content octets of a RelativeDistinguishedName
    /// (nameRelativeToCRLIssuer, RFC 5280 section 4.2.1.13). `None` when they are none.
    pub fn with_relative(&self, rdn: &[u8]) -> Option<Self> {
        let parts = Reader::only(&self.der).ok()?.value;
        Self::from_der(&write::sequence([parts, &write::value(Tag::SET, rdn)])).ok()
    }

    /// Whether every value is text that can be read.
    pub fn is_text(&self) -> bool {
        self.rdns.iter().flatten().all(|attribute| attribute.text.is_some())
    }

    /// The attribute type of a short name such as `CN`, whatever its case, or of an object identifier in digits.
    pub fn attribute_type(name: &str) -> Option<ObjectIdentifier> {
        let short = SHORT_NAMES.iter().find(|(_, short)| short.eq_ignore_ascii_case(name));
        let known = short.map(|(oid, _)| *oid);
        known.or_else(|| name.eq_ignore_ascii_case("E").then_some(oid::EMAIL_ADDRESS)).or_else(|| {
            let digits = name.starts_with(|first: char| first.is_ascii_digit());
            digits.then(|| ObjectIdentifier::new(name).ok()).flatten()
        })
    }

    /// Every value of an attribute type, as text; `None` for a value that is no text.
    pub fn attributes(&self, oid: ObjectIdentifier) -> impl Iterator<Item = Option<&str>> {
        let all = self.rdns.iter().flatten().filter(move |attribute| attribute.oid == oid);
        all.map(|attribute| attribute.text.as_deref())
    }
}

impl fmt::Display for Name {
    /// RFC 4514, most specific first.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, rdn) in self.rdns.iter().rev().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            for (index, attribute) in rdn.iter().enumerate() {
                if index > 0 {
                    f.write_str("+")?;
                }
                attribute.fmt(f)?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({self})")
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for Name {}

impl std::hash::Hash for Name {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.der.hash(state);
    }
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = SHORT_NAMES.iter().find(|(oid, _)| *oid == self.oid);
        match (known, &self.text) {
            (Some((_, name)), Some(text)) => write!(f, "{name}={}", escaped(text)),
            (Some((_, name)), None) => write!(f, "{name}=#{}", hex::encode(&self.raw)),
            (None, _) => write!(f, "{}=#{}", self.oid, hex::encode(&self.raw)),
        }
    }
}

fn relative(set: &Tlv<'_>) -> Result<Vec<Attribute>, X509Error> {
    let in_name = within("a name");
    let mut reader = set.reader();
    let mut attributes = Vec::new();
    while !reader.is_empty() {
        let mut pair = reader.take(Tag::SEQUENCE).map_err(&in_name)?.reader();
        let oid = pair.take(Tag::OID).and_then(|oid| oid.oid()).map_err(&in_name)?;
        let value = pair.any().map_err(&in_name)?;
        pair.finish().map_err(&in_name)?;
        attributes.push(Attribute { oid, raw: value.raw.to_vec(), text: text(&value) });
        if attributes.len() > MAX_ATTRIBUTES {
            return Err(X509Error::because(format!("more than {MAX_ATTRIBUTES} values in a part of a name")));
        }
    }
    if attributes.is_empty() {
        return Err(X509Error::because("a name has an empty part"));
    }
    Ok(attributes)
}

/// A SET: each attribute of the one has its own partner in the other.
fn same_relative(one: &[Attribute], two: &[Attribute]) -> bool {
    let mut left: Vec<&Attribute> = two.iter().collect();
    one.len() == two.len()
        && one.iter().all(|attribute| {
            let partner = left.iter().position(|other| same_attribute(attribute, other));
            partner.map(|at| left.swap_remove(at)).is_some()
        })
}

fn same_attribute(one: &Attribute, two: &Attribute) -> bool {
    one.oid == two.oid
        && (one.raw == two.raw
            || matches!((&one.text, &two.text), (Some(one), Some(two)) if folded(one) == folded(two)))
}

/// Prepared for comparing (RFC 4518 section 2): composed, case folded, white space at the ends gone and collapsed within.
fn folded(text: &str) -> String {
    if text.is_ascii() {
        return collapsed(text.chars().filter(|c| !shows_nothing(*c)).map(|c| c.to_ascii_lowercase()));
    }
    let lower: String = text.nfkc().filter(|c| !shows_nothing(*c)).flat_map(char::to_lowercase).collect();
    collapsed(lower.nfkc())
}

fn collapsed(text: impl Iterator<Item = char>) -> String {
    let mut collapsed = String::new();
    let mut gap = false;
    for c in text {
        if c.is_whitespace() {
            gap = !collapsed.is_empty();
        } else {
            if std::mem::take(&mut gap) {
                collapsed.push(' ');
            }
            collapsed.push(c);
        }
    }
    collapsed
}

/// What RFC 4518 section 2.2 maps to nothing: control characters but the white ones, joiners, marks of direction.
fn shows_nothing(c: char) -> bool {
    (c.is_control() && !c.is_whitespace())
        || matches!(c, '\u{00AD}' | '\u{034F}' | '\u{1806}' | '\u{180B}'..='\u{180E}' | '\u{200B}'..='\u{200F}')
        || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2064}' | '\u{206A}'..='\u{206F}')
        || matches!(c, '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFC}')
}

/// The text of a string type: DirectoryString, IA5String, NumericString, VisibleString.
fn text(value: &Tlv<'_>) -> Option<String> {
    match value.tag.0 {
        // UTF8String; the others are ASCII, and what is not is read by nobody alike.
        0x0C => String::from_utf8(value.value.to_vec()).ok(),
        0x12 | 0x13 | 0x16 | 0x1A => {
            value.value.is_ascii().then(|| String::from_utf8_lossy(value.value).into_owned())
        }
        // TeletexString, in practice ISO 8859-1.
        0x14 => Some(value.value.iter().copied().map(char::from).collect()),
        // UniversalString.
        0x1C => {
            let (units, rest) = value.value.as_chunks::<4>();
            let text = units.iter().map(|unit| char::from_u32(u32::from_be_bytes(*unit))).collect();
            if rest.is_empty() { text } else { None }
        }
        // BMPString.
        0x1E => {
            let (units, rest) = value.value.as_chunks::<2>();
            let units = units.iter().map(|unit| u16::from_be_bytes(*unit));
            let text = char::decode_utf16(units).collect::<Result<_, _>>().ok();
            if rest.is_empty() { text } else { None }
        }
        _ => None,
    }
}

/// RFC 4514 section 2.4.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let last = text.chars().count().saturating_sub(1);
    for (index, character) in text.chars().enumerate() {
        match character {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => escaped.extend(['\\', character]),
            ' ' if index == 0 || index == last => escaped.push_str("\\ "),
            '#' if index == 0 => escaped.push_str("\\#"),
            control if control.is_control() => {
                let mut octets = [0; 4];
                for octet in control.encode_utf8(&mut octets).bytes() {
                    let _ = write!(escaped, "\\{octet:02X}");
                }
            }
            plain => escaped.push(plain),
        }
    }
    escaped
}

/// RFC 4514 section 3, and descriptors of the IANA LDAP registry that people know.
const SHORT_NAMES: [(ObjectIdentifier, &str); 15] = [
    (oid::COMMON_NAME, "CN"),
    (oid::ORGANIZATIONAL_UNIT_NAME, "OU"),
    (oid::ORGANIZATION_NAME, "O"),
    (oid::LOCALITY_NAME, "L"),
    (oid::STATE_OR_PROVINCE_NAME, "ST"),
    (oid::COUNTRY_NAME, "C"),
    (oid::STREET_ADDRESS, "STREET"),
    (oid::DOMAIN_COMPONENT, "DC"),
    (oid::USER_ID, "UID"),
    (oid::SURNAME, "SN"),
    (oid::GIVEN_NAME, "givenName"),
    (oid::SERIAL_NUMBER, "serialNumber"),
    (oid::TITLE, "title"),
    (oid::ORGANIZATION_IDENTIFIER, "organizationIdentifier"),
    (oid::EMAIL_ADDRESS, "emailAddress"),
];

/// Honest names have about ten parts of one value; the bounds keep comparing cheap.
const MAX_RDNS: usize = 64;
const MAX_ATTRIBUTES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1::write;

    fn attribute(oid: ObjectIdentifier, tag: u8, value: &[u8]) -> Vec<u8> {
        write::sequence([write::oid(oid), write::value(Tag(tag), value)])
    }

    fn name(rdns: &[&[Vec<u8>]]) -> Name {
        let rdns = rdns.iter().map(|rdn| write::set_of(rdn.to_vec()));
        Name::from_der(&write::sequence(rdns)).unwrap()
    }

    #[test]
    fn names_are_written_as_rfc_4514_has_it() {
        let name = name(&[
            &[attribute(oid::COUNTRY_NAME, 0x13, b"VN")],
            &[attribute(oid::ORGANIZATION_NAME, 0x0C, "UBND tỉnh, phường".as_bytes())],
            &[attribute(oid::COMMON_NAME, 0x0C, b" #a+b\\ "), attribute(oid::SERIAL_NUMBER, 0x13, b"#1\0")],
            &[attribute(ObjectIdentifier::new_unwrap("1.2.3.4"), 0x04, &[0xAB])],
        ]);
        assert_eq!(
            name.to_string(),
            "1.2.3.4=#0401ab,serialNumber=\\#1\\00+CN=\\ #a\\+b\\\\\\ ,O=UBND tỉnh\\, phường,C=VN"
        );
        assert_eq!(name.common_name().as_deref(), Some(" #a+b\\ "));
        assert_eq!(name.attribute(oid::COUNTRY_NAME).as_deref(), Some("VN"));
        assert_eq!(name.attribute(oid::LOCALITY_NAME), None);
    }

    #[test]
    fn the_last_common_name_is_the_one() {
        let two = name(&[
            &[attribute(oid::COMMON_NAME, 0x0C, b"first")],
            &[attribute(oid::COMMON_NAME, 0x1E, &[0x1E, 0xC9, 0, b'b'])],
        ]);
        assert_eq!(two.common_name().as_deref(), Some("\u{1EC9}b"));
    }

    #[test]
    fn names_match_with_case_and_white_space_folded() {
        let plain = name(&[&[attribute(oid::ORGANIZATION_NAME, 0x13, b"Ban Co yeu")]]);
        let spaced = name(&[&[attribute(oid::ORGANIZATION_NAME, 0x0C, b"  BAN  co\tYEU ")]]);
        let other = name(&[&[attribute(oid::ORGANIZATION_NAME, 0x0C, b"BanCo yeu")]]);
        let unit = name(&[&[attribute(oid::ORGANIZATIONAL_UNIT_NAME, 0x13, b"Ban Co yeu")]]);
        assert!(plain.matches(&spaced) && spaced.matches(&plain));
        assert_ne!(plain, spaced);
        assert!(!plain.matches(&other));
        assert!(!plain.matches(&unit));
    }

    #[test]
    fn names_match_however_their_letters_are_composed() {
        let organization = |text: &str| name(&[&[attribute(oid::ORGANIZATION_NAME, 0x0C, text.as_bytes())]]);
        let plain = organization("Ủy ban");
        for same in
            ["\u{0055}\u{0309}y ban", "ủy\u{200B} ban", "Ủ\u{00AD}Y\u{00A0}BAN", "Ủy\u{3000} ban\u{FEFF}"]
        {
            assert!(plain.matches(&organization(same)), "{same:?}");
        }
        assert!(!plain.matches(&organization("Uy ban")));
    }

    #[test]
    fn a_subtree_begins_with_its_base() {
        let one = |text: &str| vec![attribute(oid::ORGANIZATION_NAME, 0x0C, text.as_bytes())];
        let (base, below, beside) =
            (name(&[&one("a")]), name(&[&one("A"), &one("b")]), name(&[&one("b"), &one("a")]));
        assert!(below.starts_with(&base) && base.starts_with(&base) && base.starts_with(&name(&[])));
        assert!(!base.starts_with(&below) && !beside.starts_with(&base));
    }

    #[test]
    fn a_part_of_several_values_is_a_set() {
        let (one, two) = (attribute(oid::COMMON_NAME, 0x0C, b"A"), attribute(oid::SERIAL_NUMBER, 0x0C, b"b"));
        let both = name(&[&[one.clone(), two.clone()]]);
        let folded =
            name(&[&[attribute(oid::SERIAL_NUMBER, 0x13, b"B"), attribute(oid::COMMON_NAME, 0x13, b"a")]]);
        let twice = name(&[&[one.clone(), one.clone()]]);
        assert!(both.matches(&folded));
        assert!(!both.matches(&twice) && !twice.matches(&both));
        assert!(!both.matches(&name(&[&[one], &[two]])));
    }

    #[test]
    fn values_of_no_string_type_match_by_octet() {
        let bytes = |value: &[u8]| name(&[&[attribute(oid::COMMON_NAME, 0x04, value)]]);
        assert!(bytes(b"a").matches(&bytes(b"a")));
        assert!(!bytes(b"a").matches(&bytes(b"A")));
        // UTF-8 that is none.
        let broken = |value: &[u8]| name(&[&[attribute(oid::COMMON_NAME, 0x0C, value)]]);
        assert!(!broken(&[0xFF, b'a']).matches(&broken(&[0xFF, b'A'])));
    }

    #[test]
    fn broken_names_are_refused() {
        for der in [
            &[0x31, 0x00][..],
            &[0x30, 0x00, 0x00],
            &[0x30, 0x02, 0x31, 0x00],
            &[0x30, 0x04, 0x31, 0x02, 0x30, 0x00],
        ] {
            assert!(Name::from_der(der).is_err(), "{der:02x?}");
        }
        let one = write::set_of(vec![attribute(oid::COMMON_NAME, 0x0C, b"x")]);
        assert!(Name::from_der(&write::sequence(vec![one; MAX_RDNS + 1])).is_err());
        let many = write::set_of(vec![attribute(oid::COMMON_NAME, 0x0C, b"x"); MAX_ATTRIBUTES + 1]);
        assert!(Name::from_der(&write::sequence([many])).is_err());
    }
}
