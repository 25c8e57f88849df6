//! Certificates written as DER (RFC 5280 section 4.1), shaped like those of the public-duty CA.

use der::oid::ObjectIdentifier;

use crate::{
    asn1::{Tag, oid, write},
    base::{DigestAlgorithm, UtcTime},
    x509::Name,
};

/// Who a certificate is for: a person or an agency. The two are told apart by content only, as in real life.
#[derive(Clone, Debug, Default)]
pub struct Holder {
    /// The person's name, or the agency's.
    pub common_name: String,
    /// Goes into the subject and into subjectAltName.
    pub email: Option<String>,
    /// The organisation above, such as the people's committee of the province.
    pub organization: String,
    /// Units inside it, from the larger to the smaller.
    pub units: Vec<String>,
    /// The province.
    pub locality: String,
}

impl Holder {
    /// A holder of the people's committee of Cần Thơ.
    pub fn new(common_name: &str) -> Self {
        Self {
            common_name: common_name.to_owned(),
            organization: "Ủy ban nhân dân thành phố Cần Thơ".to_owned(),
            locality: "Cần Thơ".to_owned(),
            ..Self::default()
        }
    }

    /// The same in a unit, inside the units named before.
    pub fn in_unit(mut self, unit: &str) -> Self {
        self.units.push(unit.to_owned());
        self
    }

    /// The same with an e-mail address.
    pub fn with_email(mut self, email: &str) -> Self {
        self.email = Some(email.to_owned());
        self
    }

    /// The same in another organisation of another province.
    pub fn of(mut self, organization: &str, locality: &str) -> Self {
        organization.clone_into(&mut self.organization);
        locality.clone_into(&mut self.locality);
        self
    }

    /// C, L, O, OU…, CN, E.
    pub(super) fn subject(&self) -> Vec<u8> {
        let units = self.units.iter().map(|unit| (oid::ORGANIZATIONAL_UNIT_NAME, unit.as_str()));
        let mut attributes =
            vec![(oid::LOCALITY_NAME, self.locality.as_str()), (oid::ORGANIZATION_NAME, &self.organization)];
        attributes.extend(units);
        attributes.push((oid::COMMON_NAME, &self.common_name));
        attributes.extend(self.email.iter().map(|email| (oid::EMAIL_ADDRESS, email.as_str())));
        name(&attributes)
    }
}

/// What a certificate may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// A CA, with the number of CAs that may stand below it.
    Authority {
        /// `pathLenConstraint`.
        path_len: Option<u8>,
    },
    /// A CA whose certificate does not say that it is one: bad, for tests.
    AuthorityWithoutConstraints,
    /// Signs OCSP answers for the CA that issued it (RFC 6960 section 4.2.2.2).
    OcspResponder,
    /// A person or an agency that signs documents.
    Signer,
    /// May encrypt but not sign: bad for a signer, for tests.
    SignerWithoutSigning,
    /// A signer with a critical extension that nobody knows: bad, for tests.
    SignerWithUnknownCritical,
    /// Signs time-stamps (RFC 3161 section 2.3).
    TimeStamping,
    /// A time-stamp authority that says so only in passing: not critical, and beside another purpose. Bad, for tests.
    TimeStampingAmongOthers,
}

/// A certificate before it is signed.
pub(super) struct ToBeSigned<'a> {
    /// Content octets.
    pub(super) serial: &'a [u8],
    /// A whole AlgorithmIdentifier.
    pub(super) algorithm: &'a [u8],
    /// A whole Name.
    pub(super) issuer: &'a [u8],
    pub(super) not_before: UtcTime,
    pub(super) not_after: UtcTime,
    /// A whole Name.
    pub(super) subject: &'a [u8],
    pub(super) spki: &'a [u8],
    pub(super) issuer_spki: &'a [u8],
    pub(super) profile: Profile,
    pub(super) email: Option<&'a str>,
    pub(super) places: Option<&'a Places>,
}

/// Where the issuer publishes.
#[derive(Clone, Debug)]
pub(super) struct Places {
    pub(super) ocsp: String,
    pub(super) issuer: String,
    pub(super) crl: String,
}

impl ToBeSigned<'_> {
    pub(super) fn to_der(&self) -> Vec<u8> {
        write::sequence([
            write::value(Tag::context(0), &write::unsigned(&[2])),
            write::value(Tag::INTEGER, self.serial),
            self.algorithm.to_vec(),
            self.issuer.to_vec(),
            write::sequence([write::time(self.not_before), write::time(self.not_after)]),
            self.subject.to_vec(),
            self.spki.to_vec(),
            write::value(Tag::context(3), &write::sequence(self.extensions())),
        ])
    }

    fn extensions(&self) -> Vec<Vec<u8>> {
        let mut list = Vec::new();
        let mut add = |oid, critical, value: Vec<u8>| list.push(extension(oid, critical, &value));
        if let Profile::Authority { path_len } = self.profile {
            let path_len = path_len.map(|len| write::unsigned(&[len])).unwrap_or_default();
            let value = write::sequence([write::value(Tag::BOOLEAN, &[0xFF]), path_len]);
            add(oid::BASIC_CONSTRAINTS, true, value);
        }
        add(oid::KEY_USAGE, true, bits(self.profile.key_usage()));
        if let Some((critical, purposes)) = self.profile.purposes() {
            add(
                oid::EXTENDED_KEY_USAGE,
                critical,
                write::sequence(purposes.iter().map(|oid| write::oid(*oid))),
            );
        }
        add(oid::SUBJECT_KEY_IDENTIFIER, false, write::octet_string(&key_identifier(self.spki)));
        add(oid::AUTHORITY_KEY_IDENTIFIER, false, authority_key_identifier(self.issuer_spki));
        if let Some(email) = self.email {
            let value = write::value(Tag::context_primitive(RFC822_NAME), email.as_bytes());
            add(oid::SUBJECT_ALT_NAME, false, write::sequence([value]));
        }
        if self.profile == Profile::OcspResponder {
            add(oid::OCSP_NOCHECK, false, write::null());
        }
        if self.profile == Profile::SignerWithUnknownCritical {
            add(UNKNOWN, true, write::null());
        }
        if let Some(places) = self.places {
            let access = |method, url: &str| write::sequence([write::oid(method), uri(url)]);
            let value = write::sequence([
                access(oid::AD_OCSP, &places.ocsp),
                access(oid::AD_CA_ISSUERS, &places.issuer),
            ]);
            add(oid::AUTHORITY_INFO_ACCESS, false, value);
            let full_name = write::value(Tag::context(0), &uri(&places.crl));
            let point = write::sequence([write::value(Tag::context(0), &full_name)]);
            add(oid::CRL_DISTRIBUTION_POINTS, false, write::sequence([point]));
        }
        list
    }
}

impl Profile {
    /// keyUsage bits (RFC 5280 section 4.2.1.3).
    const fn key_usage(self) -> &'static [u8] {
        match self {
            Self::Authority { .. } | Self::AuthorityWithoutConstraints => &[KEY_CERT_SIGN, CRL_SIGN],
            Self::OcspResponder => &[DIGITAL_SIGNATURE],
            Self::Signer | Self::SignerWithUnknownCritical => {
                &[DIGITAL_SIGNATURE, NON_REPUDIATION, KEY_ENCIPHERMENT, DATA_ENCIPHERMENT]
            }
            Self::SignerWithoutSigning => &[KEY_ENCIPHERMENT, DATA_ENCIPHERMENT],
            Self::TimeStamping | Self::TimeStampingAmongOthers => &[DIGITAL_SIGNATURE, NON_REPUDIATION],
        }
    }

    /// extKeyUsage, and whether it is critical.
    const fn purposes(self) -> Option<(bool, &'static [ObjectIdentifier])> {
        match self {
            Self::Authority { .. } | Self::AuthorityWithoutConstraints => None,
            Self::OcspResponder => Some((false, &[oid::KP_OCSP_SIGNING])),
            Self::Signer | Self::SignerWithoutSigning | Self::SignerWithUnknownCritical => {
                Some((false, &[KP_CLIENT_AUTH, KP_EMAIL_PROTECTION, KP_PUBLIC_DUTY]))
            }
            Self::TimeStamping => Some((true, &[oid::KP_TIME_STAMPING])),
            Self::TimeStampingAmongOthers => Some((false, &[oid::KP_TIME_STAMPING, KP_CLIENT_AUTH])),
        }
    }
}

/// A Name: C=VN, then these, one to a part, from the larger to the smaller.
pub(super) fn name(attributes: &[(ObjectIdentifier, &str)]) -> Vec<u8> {
    let country = [(oid::COUNTRY_NAME, "VN")];
    write::sequence(country.iter().chain(attributes).map(|(kind, text)| {
        let tag = match *kind {
            oid::COUNTRY_NAME => PRINTABLE_STRING,
            oid::EMAIL_ADDRESS => IA5_STRING,
            _ => UTF8_STRING,
        };
        write::set_of(vec![write::sequence([write::oid(*kind), write::value(tag, text.as_bytes())])])
    }))
}

/// An Extension (RFC 5280 section 4.1).
pub(super) fn extension(oid: ObjectIdentifier, critical: bool, value: &[u8]) -> Vec<u8> {
    let critical = if critical { write::value(Tag::BOOLEAN, &[0xFF]) } else { Vec::new() };
    write::sequence([write::oid(oid), critical, write::octet_string(value)])
}

/// The value of authorityKeyIdentifier for an issuer's key.
pub(super) fn authority_key_identifier(spki: &[u8]) -> Vec<u8> {
    write::sequence([write::value(Tag::context_primitive(0), &key_identifier(spki))])
}

/// Whether a Name can hold the text as it is.
pub(super) fn is_sound(name: &[u8]) -> bool {
    Name::from_der(name).is_ok()
}

/// Of the whole SubjectPublicKeyInfo, SHA-256 cut to 160 bits (RFC 7093 section 2, method 4).
fn key_identifier(spki: &[u8]) -> Vec<u8> {
    let mut hash = DigestAlgorithm::Sha256.digest(spki).bytes;
    hash.truncate(20);
    hash
}

fn uri(url: &str) -> Vec<u8> {
    write::value(Tag::context_primitive(UNIFORM_RESOURCE_IDENTIFIER), url.as_bytes())
}

/// A BIT STRING of named bits, all below 8, without zeros at its end (X.690 section 11.2.2).
fn bits(set: &[u8]) -> Vec<u8> {
    let octet = set.iter().fold(0_u8, |octet, bit| octet | 0x80 >> bit);
    write::value(Tag::BIT_STRING, &[octet.trailing_zeros() as u8, octet])
}

const DIGITAL_SIGNATURE: u8 = 0;
const NON_REPUDIATION: u8 = 1;
const KEY_ENCIPHERMENT: u8 = 2;
const DATA_ENCIPHERMENT: u8 = 3;
const KEY_CERT_SIGN: u8 = 5;
const CRL_SIGN: u8 = 6;

/// GeneralName alternatives (RFC 5280 section 4.2.1.6).
const RFC822_NAME: u8 = 1;
const UNIFORM_RESOURCE_IDENTIFIER: u8 = 6;

const UTF8_STRING: Tag = Tag(0x0C);
const PRINTABLE_STRING: Tag = Tag(0x13);
const IA5_STRING: Tag = Tag(0x16);

/// id-kp-clientAuth, RFC 5280 section 4.2.1.12.
const KP_CLIENT_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");
/// id-kp-emailProtection, RFC 5280 section 4.2.1.12.
const KP_EMAIL_PROTECTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.4");
/// The purpose that public-duty certificates carry.
const KP_PUBLIC_DUTY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.704.1.1.1.1.1");
/// An arc kept for examples (RFC 5612).
const UNKNOWN: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.32473.1.666");
