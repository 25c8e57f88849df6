//! Certificate revocation lists (RFC 5280 section 5).

use std::{fmt, ops::Range};

use der::Decode;
use spki::AlgorithmIdentifierOwned;

use super::{
    GeneralName, IssuingDistributionPoint, Name, X509Error,
    extension::extensions,
    general_name::general_names,
    parts::{access, authority_key, range_in},
    within,
};
use crate::{
    asn1::{Asn1Error, Reader, Tag, Tlv, oid},
    base::{Sha256, UtcTime},
};

/// A CRL, kept as received, with an index of its entries.
#[derive(Clone)]
pub struct Crl {
    der: Vec<u8>,
    tbs: Range<usize>,
    tbs_sha256: Sha256,
    signature: Range<usize>,
    signature_algorithm: AlgorithmIdentifierOwned,
    issuer: Name,
    this_update: UtcTime,
    next_update: Option<UtcTime>,
    own: Box<Extensions>,
    /// Sorted by serial number.
    entries: Vec<Entry>,
    /// Those that certificateIssuer extensions name, each a list of names of one issuer.
    issuers: Vec<Vec<Name>>,
    limited: Option<String>,
}

/// What the extensions of a list say.
#[derive(Clone, Default)]
struct Extensions {
    number: Option<CrlNumber>,
    /// deltaCRLIndicator.
    base: Option<CrlNumber>,
    point: Option<IssuingDistributionPoint>,
    /// The value of issuingDistributionPoint.
    point_der: Option<Range<usize>>,
    authority_key_identifier: Option<Vec<u8>>,
    knows_expired_since: Option<UtcTime>,
    issuer_urls: Vec<String>,
}

/// A number of the sequence that an issuer gives its lists (cRLNumber, RFC 5280 section 5.2.3). Greater is newer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CrlNumber {
    /// The length comes first when comparing.
    len: usize,
    digits: Vec<u8>,
}

/// One entry of a CRL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// revocationDate.
    pub at: UtcTime,
    /// CRLReason code, RFC 5280 section 5.3.1; `None` when unspecified.
    pub reason: Option<u8>,
}

impl Revoked {
    /// Not revoked any more: removeFromCRL, which only delta lists have (RFC 5280 section 5.3.1).
    pub fn is_removed(&self) -> bool {
        self.reason == Some(8)
    }

    /// certificateHold, the one revocation that can be taken back.
    pub fn is_hold(&self) -> bool {
        self.reason == Some(6)
    }
}

#[derive(Clone)]
struct Entry {
    serial: Range<usize>,
    revoked: Revoked,
    /// Which of the list's `issuers` issued the certificate; `None` for the one that signed the list.
    issuer: Option<usize>,
}

impl Crl {
    /// Reads one DER CertificateList, with nothing behind it.
    ///
    /// ```text
    /// CertificateList ::= SEQUENCE { tbsCertList, signatureAlgorithm AlgorithmIdentifier, signatureValue BIT STRING }
    /// TBSCertList     ::= SEQUENCE {
    ///     version INTEGER OPTIONAL, signature AlgorithmIdentifier, issuer Name, thisUpdate Time,
    ///     nextUpdate Time OPTIONAL, revokedCertificates SEQUENCE OF SEQUENCE {
    ///         userCertificate INTEGER, revocationDate Time, crlEntryExtensions Extensions OPTIONAL } OPTIONAL,
    ///     crlExtensions [0] EXPLICIT Extensions OPTIONAL }
    /// ```
    ///
    /// # Errors
    ///
    /// When it is broken, an extension occurs twice, or the two signature algorithms differ.
    pub fn from_der(der: &[u8]) -> Result<Self, X509Error> {
        let in_list = within("a CRL");
        let mut outer = Reader::only(der)
            .and_then(|list| list.expect(Tag::SEQUENCE).map(Tlv::reader))
            .map_err(&in_list)?;
        let tbs = outer.take(Tag::SEQUENCE).map_err(&in_list)?;
        let algorithm = outer.take(Tag::SEQUENCE).map_err(&in_list)?.raw;
        let signature = outer.take(Tag::BIT_STRING).and_then(|value| value.bit_string()).map_err(&in_list)?;
        outer.finish().map_err(&in_list)?;

        let mut reader = tbs.reader();
        let version = reader.optional(Tag::INTEGER).map_err(within("version"))?;
        let version = version.map_or(Ok(0), |version| version.unsigned()).map_err(within("version"))?;
        if version > V2 {
            return Err(X509Error::because(format!(
                "version {} of CRLs is not known",
                version.saturating_add(1)
            )));
        }
        let inner_algorithm = reader.take(Tag::SEQUENCE).map_err(within("signature"))?.raw;
        if algorithm != inner_algorithm {
            return Err(X509Error::because("signature and signatureAlgorithm differ"));
        }
        let issuer = Name::from_der(reader.take(Tag::SEQUENCE).map_err(within("issuer"))?.raw)?;
        let this_update = reader.any().and_then(|time| time.time()).map_err(within("thisUpdate"))?;
        let next_update = match reader.peek() {
            Some(Tag::UTC_TIME | Tag::GENERALIZED_TIME) => {
                Some(reader.any().and_then(|time| time.time()).map_err(within("nextUpdate"))?)
            }
            _ => None,
        };
        let revoked = reader.optional(Tag::SEQUENCE).map_err(within("revokedCertificates"))?;
        let outer_extensions = reader.optional(Tag::context(0)).map_err(within("crlExtensions"))?;
        reader.finish().map_err(&in_list)?;

        let mut crl = Self {
            tbs: range_in(der, tbs.raw),
            tbs_sha256: Sha256::of(tbs.raw),
            signature: range_in(der, signature),
            signature_algorithm: AlgorithmIdentifierOwned::from_der(algorithm)
                .map_err(within("signatureAlgorithm"))?,
            issuer,
            this_update,
            next_update,
            own: Box::default(),
            entries: Vec::new(),
            issuers: Vec::new(),
            limited: None,
            der: der.to_vec(),
        };
        if let Some(outer) = outer_extensions {
            let sequence = Reader::only(outer.value).map_err(within("crlExtensions"))?;
            crl.take_in(der, &sequence, version)?;
        }
        if let Some(revoked) = revoked {
            crl.index(der, &revoked)?;
        }
        Ok(crl)
    }

    /// The encoding.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The signed part, as received.
    pub fn tbs_der(&self) -> &[u8] {
        &self.der[self.tbs.clone()]
    }

    /// The fingerprint of the signed part, kept because long lists are asked about often.
    pub fn tbs_sha256(&self) -> Sha256 {
        self.tbs_sha256
    }

    /// Who signed it.
    pub fn issuer(&self) -> &Name {
        &self.issuer
    }

    /// When it was made.
    pub fn this_update(&self) -> UtcTime {
        self.this_update
    }

    /// When the next one comes at the latest.
    pub fn next_update(&self) -> Option<UtcTime> {
        self.next_update
    }

    /// The algorithm the issuer signed with.
    pub fn signature_algorithm(&self) -> &AlgorithmIdentifierOwned {
        &self.signature_algorithm
    }

    /// The signature octets.
    pub fn signature(&self) -> &[u8] {
        &self.der[self.signature.clone()]
    }

    /// How many entries it has.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is revoked.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entry of a serial number (content octets), whoever issued the certificate; of several, the earliest.
    pub fn entry(&self, serial: &[u8]) -> Option<Revoked> {
        self.entries_of(serial).map(|entry| entry.revoked).min_by_key(|revoked| revoked.at)
    }

    /// The entry of a certificate: of this issuer, with this serial number (content octets).
    ///
    /// Of several, the earliest; one that takes back comes last.
    pub fn entry_of(&self, issuer: &Name, serial: &[u8]) -> Option<Revoked> {
        let same = self.entries_of(serial).filter(|entry| match entry.issuer {
            None => self.issuer.matches(issuer),
            Some(at) => {
                self.issuers.get(at).is_some_and(|names| names.iter().any(|name| name.matches(issuer)))
            }
        });
        same.map(|entry| entry.revoked).min_by_key(|revoked| (revoked.is_removed(), revoked.at))
    }

    /// Why the list cannot clear anybody: critical extensions that kyso does not know, or entries of other issuers in a
    /// list that does not call itself indirect.
    pub fn limited(&self) -> Option<&str> {
        self.limited.as_deref()
    }

    /// cRLNumber.
    pub fn number(&self) -> Option<&CrlNumber> {
        self.own.number.as_ref()
    }

    /// deltaCRLIndicator: the number of the list that this one continues; `None` for a complete list.
    pub fn base(&self) -> Option<&CrlNumber> {
        self.own.base.as_ref()
    }

    /// issuingDistributionPoint; `None` for a list of all certificates and reasons.
    pub fn issuing_distribution_point(&self) -> Option<&IssuingDistributionPoint> {
        self.own.point.as_ref()
    }

    /// keyIdentifier of authorityKeyIdentifier.
    pub fn authority_key_identifier(&self) -> Option<&[u8]> {
        self.own.authority_key_identifier.as_deref()
    }

    /// authorityInfoAccess (RFC 5280 section 5.2.7): addresses of certificates of whoever signed the list.
    pub fn issuer_urls(&self) -> &[String] {
        &self.own.issuer_urls
    }

    /// expiredCertsOnCRL: certificates that expired at this time or later are still listed.
    pub fn knows_expired_since(&self) -> Option<UtcTime> {
        self.own.knows_expired_since
    }

    /// Whether this delta list continues that complete one (RFC 5280 sections 5.2.4 and 6.3.3 c): the same issuer, the
    /// same scope, the same key identifier, and numbers that leave no gap. That the same key signed both is left to
    /// the caller.
    pub fn continues(&self, complete: &Self) -> bool {
        let (Some(base), None) = (&self.own.base, &complete.own.base) else { return false };
        let scope =
            |crl: &Self| crl.own.point_der.clone().map(|range| crl.der.get(range).map(<[u8]>::to_vec));
        self.issuer.matches(&complete.issuer)
            && scope(self) == scope(complete)
            && self.own.authority_key_identifier == complete.own.authority_key_identifier
            && complete.own.number.as_ref().is_some_and(|number| number >= base)
            && self.own.number > complete.own.number
    }

    /// The fingerprint.
    pub fn sha256(&self) -> Sha256 {
        Sha256::of(&self.der)
    }

    fn entries_of(&self, serial: &[u8]) -> impl Iterator<Item = &Entry> {
        let wanted = digits(serial);
        let first = self.entries.partition_point(|entry| self.digits_of(entry) < wanted);
        let rest = self.entries.get(first..).unwrap_or_default();
        rest.iter().take_while(move |entry| self.digits_of(entry) == wanted)
    }

    /// What the list's own extensions say about its reach.
    fn take_in(&mut self, der: &[u8], sequence: &Tlv<'_>, version: u64) -> Result<(), X509Error> {
        if version != V2 {
            return Err(X509Error::because("extensions in a CRL that is not of version 2"));
        }
        for extension in extensions(sequence)? {
            let value = extension.value;
            match extension.oid {
                oid::CRL_NUMBER => {
                    self.own.number = Some(CrlNumber::read(value).map_err(within("cRLNumber"))?);
                }
                oid::DELTA_CRL_INDICATOR => {
                    self.own.base = Some(CrlNumber::read(value).map_err(within("deltaCRLIndicator"))?);
                }
                oid::ISSUING_DISTRIBUTION_POINT => {
                    self.own.point = Some(IssuingDistributionPoint::read(value)?);
                    self.own.point_der = Some(range_in(der, value));
                }
                oid::AUTHORITY_KEY_IDENTIFIER => match authority_key(value) {
                    Ok(id) => self.own.authority_key_identifier = id.map(<[u8]>::to_vec),
                    Err(error) if extension.critical => {
                        return Err(within("authorityKeyIdentifier")(error));
                    }
                    Err(_) => {}
                },
                oid::EXPIRED_CERTS_ON_CRL => {
                    let since = Reader::only(value)
                        .and_then(|time| time.expect(Tag::GENERALIZED_TIME).and_then(Tlv::time));
                    self.own.knows_expired_since = Some(since.map_err(within("expiredCertsOnCRL"))?);
                }
                // A hint where something lies: one that cannot be read is as good as none.
                oid::AUTHORITY_INFO_ACCESS if !extension.critical => {
                    let described = access(value).unwrap_or_default();
                    let issuers = described.into_iter().filter(|(method, _)| *method == oid::AD_CA_ISSUERS);
                    self.own.issuer_urls = issuers.map(|(_, url)| url).collect();
                }
                oid::ISSUER_ALT_NAME | oid::FRESHEST_CRL => {}
                oid if extension.critical => {
                    self.limited.get_or_insert(format!("its critical extension {oid} is not known"));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn index(&mut self, der: &[u8], revoked: &Tlv<'_>) -> Result<(), X509Error> {
        let in_entry = within("revokedCertificates");
        let mut reader = revoked.reader();
        // RFC 5280 section 5.3.3: an entry that names no issuer has that of the entry before.
        let mut issuer = None;
        while !reader.is_empty() {
            let mut entry = reader.take(Tag::SEQUENCE).map_err(&in_entry)?.reader();
            let serial = entry.take(Tag::INTEGER).map_err(&in_entry)?.value;
            let at = entry.any().and_then(|time| time.time()).map_err(&in_entry)?;
            let sequence = entry.optional(Tag::SEQUENCE).map_err(&in_entry)?;
            entry.finish().map_err(&in_entry)?;
            let reason = match sequence {
                Some(sequence) => self.entry_extensions(&sequence, &mut issuer)?,
                None => None,
            };
            self.entries.push(Entry {
                serial: range_in(der, serial),
                revoked: Revoked { at, reason },
                issuer,
            });
        }
        self.entries
            .sort_by(|one, two| digits(&der[one.serial.clone()]).cmp(digits(&der[two.serial.clone()])));
        Ok(())
    }

    /// The reason code of an entry, and what else its extensions say.
    fn entry_extensions(
        &mut self,
        sequence: &Tlv<'_>,
        issuer: &mut Option<usize>,
    ) -> Result<Option<u8>, X509Error> {
        let mut reason = None;
        for extension in extensions(sequence)? {
            match extension.oid {
                oid::REASON_CODE => {
                    let value = Reader::only(extension.value).map_err(within("reasonCode"))?;
                    match value.expect(Tag::ENUMERATED).map_err(within("reasonCode"))?.value {
                        [0] => {}
                        [code] if *code < 0x80 => reason = Some(*code),
                        _ => return Err(X509Error::because("reasonCode: not a small number")),
                    }
                }
                oid::INVALIDITY_DATE => {}
                oid::CERTIFICATE_ISSUER => {
                    let list = Reader::only(extension.value)
                        .and_then(|names| names.expect(Tag::SEQUENCE).map(Tlv::reader))
                        .map_err(within("certificateIssuer"))?;
                    let names = general_names(list)?.into_iter().filter_map(|name| match name {
                        GeneralName::Directory(name) => Some(name),
                        _ => None,
                    });
                    *issuer = Some(self.issuers.len());
                    self.issuers.push(names.collect());
                    if !self.own.point.as_ref().is_some_and(|point| point.indirect) {
                        let limit =
                            "it has entries of other issuers (certificateIssuer), but is not indirect";
                        self.limited.get_or_insert(limit.to_owned());
                    }
                }
                oid if extension.critical => {
                    self.limited.get_or_insert_with(|| {
                        format!("the critical extension {oid} of an entry is not known")
                    });
                }
                _ => {}
            }
        }
        Ok(reason)
    }

    fn digits_of(&self, entry: &Entry) -> &[u8] {
        digits(&self.der[entry.serial.clone()])
    }
}

impl CrlNumber {
    fn read(value: &[u8]) -> Result<Self, Asn1Error> {
        let content = Reader::only(value)?.expect(Tag::INTEGER)?.value;
        match content {
            [first, ..] if *first < 0x80 => {}
            _ => return Err(Asn1Error::Content { offset: 0 }),
        }
        let zeros = content.iter().take_while(|digit| **digit == 0).count();
        let digits = content.get(zeros..).unwrap_or_default().to_vec();
        Ok(Self { len: digits.len(), digits })
    }
}

impl fmt::Display for CrlNumber {
    /// Decimal where it fits into 64 bits, else hex.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.len <= 8 {
            write!(f, "{}", self.digits.iter().fold(0_u64, |number, digit| number << 8 | u64::from(*digit)))
        } else {
            write!(f, "0x{}", hex::encode(&self.digits))
        }
    }
}

impl fmt::Debug for Crl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Crl({}, {}, {} entries)", self.issuer, self.this_update, self.entries.len())
    }
}

/// An INTEGER's content without needless sign octets, so that a number has one form.
fn digits(mut content: &[u8]) -> &[u8] {
    while let [0, rest @ ..] = content {
        if rest.first().is_none_or(|first| *first >= 0x80) {
            break;
        }
        content = rest;
    }
    content
}

/// The version of CRLs with extensions.
const V2: u64 = 1;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        asn1::write,
        x509::sample::{extension, name},
    };

    struct Sample {
        version: Option<u8>,
        entries: Vec<Vec<u8>>,
        extensions: Vec<Vec<u8>>,
    }

    impl Sample {
        fn of(entries: Vec<Vec<u8>>, extensions: Vec<Vec<u8>>) -> Self {
            Self { version: Some(1), entries, extensions }
        }

        fn to_der(&self) -> Vec<u8> {
            let algorithm = write::algorithm(oid::SHA256_WITH_RSA, Some(&write::null()));
            let mut parts: Vec<_> = self.version.iter().map(|version| write::unsigned(&[*version])).collect();
            parts.extend([
                algorithm.clone(),
                name("CA thử"),
                write::value(Tag::UTC_TIME, b"260701000000Z"),
                write::value(Tag::UTC_TIME, b"260708000000Z"),
            ]);
            if !self.entries.is_empty() {
                parts.push(write::sequence(&self.entries));
            }
            if !self.extensions.is_empty() {
                parts.push(write::value(Tag::context(0), &write::sequence(&self.extensions)));
            }
            write::sequence([write::sequence(parts), algorithm, write::bit_string(&[0x5A; 64])])
        }
    }

    fn entry(serial: &[u8], day: u8, extensions: &[Vec<u8>]) -> Vec<u8> {
        let at = write::value(Tag::UTC_TIME, format!("2606{day:02}000000Z").as_bytes());
        let mut parts = vec![write::unsigned(serial), at];
        if !extensions.is_empty() {
            parts.push(write::sequence(extensions));
        }
        write::sequence(parts)
    }

    fn reason(code: u8) -> Vec<u8> {
        extension(oid::REASON_CODE, false, &[0x0A, 0x01, code])
    }

    #[test]
    fn entries_are_found_by_serial_number() {
        let list = Sample::of(
            vec![
                entry(&[0x05], 3, &[]),
                entry(&[0x9A, 0x01], 4, &[reason(1)]),
                entry(&[0x01], 5, &[reason(0)]),
                entry(&[0x05], 2, &[reason(4)]),
            ],
            vec![extension(oid::CRL_NUMBER, false, &write::unsigned(&[9]))],
        );
        let crl = Crl::from_der(&list.to_der()).unwrap();
        let found = |serial: &[u8]| crl.entry(serial).map(|entry| (entry.at.to_string(), entry.reason));
        assert_eq!(found(&[0x00, 0x9A, 0x01]), Some(("2026-06-04T00:00:00Z".to_owned(), Some(1))));
        assert_eq!(found(&[0x01]), Some(("2026-06-05T00:00:00Z".to_owned(), None)));
        assert_eq!(found(&[0x05]), Some(("2026-06-02T00:00:00Z".to_owned(), Some(4))), "the earliest counts");
        assert_eq!(found(&[0x9A, 0x01]), None, "a negative number is another");
        assert_eq!(found(&[0x02]), None);
        assert_eq!(found(&[]), None);
        assert_eq!((crl.len(), crl.limited()), (4, None));
        assert_eq!(crl.issuer().to_string(), "CN=CA thử");
        assert_eq!(crl.this_update().to_string(), "2026-07-01T00:00:00Z");
        assert_eq!(crl.next_update().unwrap().to_string(), "2026-07-08T00:00:00Z");
        assert_eq!(crl.signature(), [0x5A; 64]);
        assert!(crl.der().windows(crl.tbs_der().len()).any(|window| window == crl.tbs_der()));
    }

    #[test]
    fn a_hundred_thousand_entries_are_no_burden() {
        let entries = (0..100_000_u32).rev().map(|serial| entry(&(serial * 7 + 1).to_be_bytes(), 1, &[]));
        let crl = Crl::from_der(&Sample::of(entries.collect(), Vec::new()).to_der()).unwrap();
        assert_eq!(crl.len(), 100_000);
        let content = |serial: u32| write::unsigned(&serial.to_be_bytes())[2..].to_vec();
        for serial in 0..100_000 {
            assert!(crl.entry(&content(serial * 7 + 1)).is_some());
            assert!(crl.entry(&content(serial * 7 + 2)).is_none());
        }
    }

    #[test]
    fn lists_that_cannot_clear_anybody_are_named() {
        let mystery = der::oid::ObjectIdentifier::new_unwrap("1.2.3.4.5");
        let issuer = extension(oid::CERTIFICATE_ISSUER, true, &write::sequence([directory("CA khác")]));
        for (list, words) in [
            (Sample::of(vec![], vec![extension(mystery, true, b"?")]), "1.2.3.4.5"),
            (Sample::of(vec![entry(&[1], 1, &[issuer])], vec![]), "not indirect"),
            (Sample::of(vec![entry(&[1], 1, &[extension(mystery, true, b"?")])], vec![]), "entry"),
        ] {
            let crl = Crl::from_der(&list.to_der()).unwrap();
            assert!(crl.limited().unwrap().contains(words), "{words}: {:?}", crl.limited());
        }
        let harmless = Sample::of(
            vec![entry(
                &[1],
                1,
                &[extension(mystery, false, b"?"), extension(oid::INVALIDITY_DATE, false, b"?")],
            )],
            vec![extension(mystery, false, b"?")],
        );
        assert_eq!(Crl::from_der(&harmless.to_der()).unwrap().limited(), None);
    }

    fn directory(common_name: &str) -> Vec<u8> {
        write::value(Tag::context(4), &name(common_name))
    }

    #[test]
    fn an_entry_belongs_to_the_issuer_that_was_named_last() {
        let of = |other: &str| extension(oid::CERTIFICATE_ISSUER, true, &write::sequence([directory(other)]));
        let point = write::sequence([write::value(Tag::context_primitive(4), &[0xFF])]);
        let list = Sample::of(
            vec![
                entry(&[1], 1, &[]),
                entry(&[2], 1, &[of("CA khác"), reason(1)]),
                entry(&[3], 1, &[]),
                entry(&[1], 2, &[of("CA THỬ")]),
            ],
            vec![extension(oid::ISSUING_DISTRIBUTION_POINT, true, &point)],
        );
        let crl = Crl::from_der(&list.to_der()).unwrap();
        assert_eq!(crl.limited(), None);
        assert!(crl.issuing_distribution_point().unwrap().indirect);
        let [own, other] = ["CA thử", "CA khác"].map(|text| Name::from_der(&name(text)).unwrap());
        let named =
            |issuer: &Name| (1..5).filter(|serial| crl.entry_of(issuer, &[*serial]).is_some()).collect();
        let (by_own, by_other): (Vec<u8>, Vec<u8>) = (named(&own), named(&other));
        assert_eq!((by_own, by_other), (vec![1], vec![2, 3]));
        assert_eq!(crl.entry_of(&own, &[1]).unwrap().at.to_string(), "2026-06-01T00:00:00Z");
    }

    #[test]
    fn a_delta_list_continues_a_complete_one_without_a_gap() {
        let number = |n: &[u8]| extension(oid::CRL_NUMBER, false, &write::unsigned(n));
        let delta = |base: &[u8]| extension(oid::DELTA_CRL_INDICATOR, true, &write::unsigned(base));
        let scope = |flag: u8| {
            let point = write::sequence([write::value(Tag::context_primitive(flag), &[0xFF])]);
            extension(oid::ISSUING_DISTRIBUTION_POINT, true, &point)
        };
        let list =
            |extensions: Vec<Vec<u8>>| Crl::from_der(&Sample::of(vec![], extensions).to_der()).unwrap();
        let complete = list(vec![number(&[0xFF])]);
        for (what, continues, extensions) in [
            ("the next one", true, vec![number(&[1, 0]), delta(&[0xFF])]),
            ("a later one", true, vec![number(&[1, 9]), delta(&[3])]),
            ("a gap", false, vec![number(&[1, 9]), delta(&[1, 0])]),
            ("an older one", false, vec![number(&[0xFE]), delta(&[3])]),
            ("no number", false, vec![delta(&[3])]),
            ("another scope", false, vec![number(&[1, 0]), delta(&[3]), scope(1)]),
            ("a complete one", false, vec![number(&[1, 0])]),
        ] {
            assert_eq!(list(extensions).continues(&complete), continues, "{what}");
        }
        let partial = list(vec![number(&[5]), scope(1)]);
        assert!(list(vec![number(&[6]), delta(&[5]), scope(1)]).continues(&partial));
        assert!(!list(vec![number(&[6]), delta(&[5]), scope(2)]).continues(&partial));
        assert!(!list(vec![number(&[6]), delta(&[5])]).continues(&partial));
        assert!(!list(vec![number(&[6]), delta(&[5])]).continues(&list(vec![])));
        assert_eq!(complete.number().unwrap().to_string(), "255");
    }

    #[test]
    fn broken_lists_are_refused() {
        let number = extension(oid::CRL_NUMBER, false, &write::unsigned(&[9]));
        let old = Sample { version: None, entries: vec![], extensions: vec![number.clone()] };
        for (what, der) in [
            ("extensions in version 1", old.to_der()),
            ("version 3", Sample { version: Some(2), entries: vec![], extensions: vec![] }.to_der()),
            ("an extension twice", Sample::of(vec![], vec![number.clone(), number]).to_der()),
            (
                "an entry without date",
                Sample::of(vec![write::sequence([write::unsigned(&[1])])], vec![]).to_der(),
            ),
            (
                "a broken reason",
                Sample::of(vec![entry(&[1], 1, &[extension(oid::REASON_CODE, false, &[2, 1, 1])])], vec![])
                    .to_der(),
            ),
            ("a tail", [Sample::of(vec![], vec![]).to_der(), vec![0]].concat()),
        ] {
            assert!(Crl::from_der(&der).is_err(), "{what}");
        }
        let whole = Sample::of(vec![entry(&[1], 1, &[reason(1)])], vec![]).to_der();
        assert!(Crl::from_der(&whole).is_ok());
        for end in 0..whole.len() {
            assert!(Crl::from_der(&whole[..end]).is_err(), "{end}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(bytes: Vec<u8>, at in 0_usize..300, to: u8) {
            let _ = Crl::from_der(&bytes);
            let mut der = Sample::of(vec![entry(&[1], 1, &[reason(1)])], vec![]).to_der();
            let at = at % der.len();
            der[at] = to;
            let _ = Crl::from_der(&der).map(|crl| crl.entry(&bytes));
        }
    }
}
