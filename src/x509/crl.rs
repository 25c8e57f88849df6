//! Certificate revocation lists (RFC 5280 section 5).

use std::{fmt, ops::Range};

use der::Decode;
use spki::AlgorithmIdentifierOwned;

use super::{Name, X509Error, certificate::range_in, extension::extensions, within};
use crate::{
    asn1::{Reader, Tag, Tlv, oid},
    base::{Sha256, UtcTime},
};

/// A CRL, kept as received, with an index of its entries.
#[derive(Clone)]
pub struct Crl {
    der: Vec<u8>,
    tbs: Range<usize>,
    signature: Range<usize>,
    signature_algorithm: AlgorithmIdentifierOwned,
    issuer: Name,
    this_update: UtcTime,
    next_update: Option<UtcTime>,
    /// Sorted by serial number.
    entries: Vec<Entry>,
    limited: Option<String>,
}

/// One entry of a CRL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// revocationDate.
    pub at: UtcTime,
    /// CRLReason code, RFC 5280 section 5.3.1; `None` when unspecified.
    pub reason: Option<u8>,
}

#[derive(Clone)]
struct Entry {
    serial: Range<usize>,
    revoked: Revoked,
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
            signature: range_in(der, signature),
            signature_algorithm: AlgorithmIdentifierOwned::from_der(algorithm)
                .map_err(within("signatureAlgorithm"))?,
            issuer,
            this_update,
            next_update,
            entries: Vec::new(),
            limited: None,
            der: der.to_vec(),
        };
        if let Some(outer) = outer_extensions {
            let sequence = Reader::only(outer.value).map_err(within("crlExtensions"))?;
            crl.take_in(&sequence, version)?;
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

    /// The entry of a serial number (content octets); of several, the earliest.
    pub fn entry(&self, serial: &[u8]) -> Option<Revoked> {
        let wanted = digits(serial);
        let first = self.entries.partition_point(|entry| self.digits_of(entry) < wanted);
        let same = self.entries.get(first..)?.iter().take_while(|entry| self.digits_of(entry) == wanted);
        same.map(|entry| entry.revoked).min_by_key(|revoked| revoked.at)
    }

    /// Indirect, delta, partitioned by reason, kind or place, or with unknown critical extensions: not for the
    /// spine's judge. Names what.
    pub fn limited(&self) -> Option<&str> {
        self.limited.as_deref()
    }

    /// The fingerprint.
    pub fn sha256(&self) -> Sha256 {
        Sha256::of(&self.der)
    }

    /// What the list's own extensions say about its reach.
    fn take_in(&mut self, sequence: &Tlv<'_>, version: u64) -> Result<(), X509Error> {
        if version != V2 {
            return Err(X509Error::because("extensions in a CRL that is not of version 2"));
        }
        for extension in extensions(sequence)? {
            let limit = match extension.oid {
                oid::DELTA_CRL_INDICATOR => "it is a delta CRL".to_owned(),
                oid::ISSUING_DISTRIBUTION_POINT => {
                    "it covers one distribution point only (issuingDistributionPoint)".to_owned()
                }
                oid::AUTHORITY_KEY_IDENTIFIER | oid::CRL_NUMBER | oid::ISSUER_ALT_NAME => continue,
                oid if extension.critical => format!("its critical extension {oid} is not known"),
                _ => continue,
            };
            self.limited.get_or_insert(limit);
        }
        Ok(())
    }

    fn index(&mut self, der: &[u8], revoked: &Tlv<'_>) -> Result<(), X509Error> {
        let in_entry = within("revokedCertificates");
        let mut reader = revoked.reader();
        while !reader.is_empty() {
            let mut entry = reader.take(Tag::SEQUENCE).map_err(&in_entry)?.reader();
            let serial = entry.take(Tag::INTEGER).map_err(&in_entry)?.value;
            let at = entry.any().and_then(|time| time.time()).map_err(&in_entry)?;
            let sequence = entry.optional(Tag::SEQUENCE).map_err(&in_entry)?;
            entry.finish().map_err(&in_entry)?;
            let reason = match sequence {
                Some(sequence) => self.reason(&sequence)?,
                None => None,
            };
            self.entries.push(Entry { serial: range_in(der, serial), revoked: Revoked { at, reason } });
        }
        self.entries
            .sort_by(|one, two| digits(&der[one.serial.clone()]).cmp(digits(&der[two.serial.clone()])));
        Ok(())
    }

    /// The reason code of an entry, and what else its extensions say.
    fn reason(&mut self, sequence: &Tlv<'_>) -> Result<Option<u8>, X509Error> {
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
                    self.limited.get_or_insert_with(|| "it is indirect (certificateIssuer)".to_owned());
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
