//! Time-stamps of a CMS beside those on its signature value: on the content, made before it was signed (ETSI EN 319
//! 122-1 section 5.2.8), and on everything, made to keep it (archive-time-stamp-v3, section 5.5.3). Read and checked
//! apart from trust.

use std::collections::HashMap;

use der::oid::ObjectIdentifier;

use super::{
    cms::{CheckedToken, check_token},
    inspect::Stamp,
};
use crate::{
    asn1::oid,
    base::{Digest, DigestAlgorithm, Limits, Sha256},
    cms::{CadesAttributes, Covered, HashIndex, PartDigests, Parts, SignedData, SignerInfo, ocsp_of_choice},
    tsp::Token,
};

/// What was signed, as far as archive time-stamps ask for it.
#[derive(Clone, Copy)]
pub(super) struct Signed<'a> {
    /// The CMS as received.
    pub(super) cms: &'a [u8],
    /// Of the content, in every algorithm that could be had.
    pub(super) digests: &'a [Digest],
}

impl Signed<'_> {
    fn digest(&self, algorithm: DigestAlgorithm) -> Option<Digest> {
        self.digests.iter().find(|digest| digest.algorithm == algorithm).cloned()
    }
}

/// The time-stamps beside those on the signature value.
#[derive(Default)]
pub(super) struct MoreStamps {
    /// content-time-stamps, in the order of the attributes.
    pub(super) content: Vec<Stamp>,
    /// archive-time-stamps-v3, newest first by what they say themselves.
    pub(super) archive: Vec<Archive>,
    /// Attributes that are there and prove nothing.
    pub(super) unused: Vec<&'static str>,
}

/// An archive time-stamp.
pub(super) struct Archive {
    /// Of the token, as other archive time-stamps cover it.
    pub(super) fingerprint: Sha256,
    pub(super) stamp: Stamp,
    /// All that exists since its time if it holds: certificates, lists, answers and tokens, by the SHA-256 of each.
    pub(super) covers: Vec<Sha256>,
}

impl MoreStamps {
    /// Reads them. `signed` has the digests of the content in the algorithms that [`algorithms`] named.
    pub(super) fn of(signer: &SignerInfo, signed: Signed<'_>, limits: &Limits) -> Self {
        let cades = &signer.cades;
        let content = cades.content_time_stamps.iter().map(|token| content_stamp(token, signed, limits));
        let mut more = Self { content: content.collect(), archive: Vec::new(), unused: cades.unused() };
        if cades.archive_time_stamps.is_empty() {
            return more;
        }
        let mut whole = match Parts::parse(signed.cms, limits) {
            Ok(parts) => Whole::new(parts, limits),
            Err(error) => {
                let broken = |token: &Vec<u8>| Archive {
                    fingerprint: Sha256::of(token),
                    stamp: Stamp::Broken(error.to_string()),
                    covers: Vec::new(),
                };
                more.archive = cades.archive_time_stamps.iter().map(broken).collect();
                return more;
            }
        };
        for (at, token) in cades.archive_time_stamps.iter().enumerate() {
            more.archive.push(if at < MAX_ARCHIVE {
                whole.archive(token, signed, limits)
            } else {
                let stamp = Stamp::Unchecked("there are too many archive time-stamps".to_owned());
                Archive { fingerprint: Sha256::of(token), stamp, covers: Vec::new() }
            });
        }
        more.archive.sort_by_key(|archive| match &archive.stamp {
            Stamp::Token(token) => std::cmp::Reverse(Some(token.info.gen_time)),
            Stamp::Broken(_) | Stamp::Unchecked(_) => std::cmp::Reverse(None),
        });
        more
    }

    /// The SignedData of the tokens.
    pub(super) fn signed_data(&self) -> impl Iterator<Item = &SignedData> {
        self.content
            .iter()
            .chain(self.archive.iter().map(|archive| &archive.stamp))
            .filter_map(Stamp::signed_data)
    }
}

/// The digest algorithms in which the content is needed for the time-stamps of `signer`, its own first; no more than a
/// few, so that nobody makes us hash a large file over and over.
pub(super) fn algorithms(signer: &SignerInfo, limits: &Limits) -> Vec<DigestAlgorithm> {
    let mut wanted = vec![signer.digest_algorithm];
    let cades = &signer.cades;
    for token in cades.content_time_stamps.iter().chain(&cades.archive_time_stamps) {
        let Ok(token) = Token::parse(token, limits) else { continue };
        let algorithm = token.info.imprint.algorithm;
        if wanted.len() < MAX_ALGORITHMS && !wanted.contains(&algorithm) {
            wanted.push(algorithm);
        }
    }
    wanted
}

fn content_stamp(token: &[u8], signed: Signed<'_>, limits: &Limits) -> Stamp {
    let algorithm = match Token::parse(token, limits) {
        Ok(token) => token.info.imprint.algorithm,
        Err(error) => return Stamp::Broken(error.to_string()),
    };
    let Some(digest) = signed.digest(algorithm) else { return unseen(algorithm) };
    Stamp::of(check_token(token, limits, |_| Some(digest)))
}

fn unseen(algorithm: DigestAlgorithm) -> Stamp {
    Stamp::Unchecked(format!("the {algorithm} digest of the content is not known"))
}

/// A SignedData and what was already found out about its parts.
struct Whole {
    parts: Parts,
    digests: HashMap<DigestAlgorithm, PartDigests>,
    /// The certificates and the revocation information, by the SHA-256 by which evidence is known.
    certificates: Vec<Sha256>,
    revocations: Vec<Sha256>,
    /// For each value of each unsigned attribute: itself and the evidence inside it, by fingerprint.
    inside: HashMap<(usize, usize), Vec<Sha256>>,
}

impl Whole {
    fn new(parts: Parts, limits: &Limits) -> Self {
        let mut inside = HashMap::new();
        for (at, attribute) in parts.unsigned_attributes().iter().enumerate() {
            for (value_at, value) in attribute.values.iter().enumerate() {
                inside.insert((at, value_at), fingerprints(attribute.kind, value, limits));
            }
        }
        let certificates = parts.certificates().iter().map(|one| Sha256::of(one)).collect();
        let revocations = parts.revocations().iter();
        let revocations = revocations.map(|one| Sha256::of(ocsp_of_choice(one).unwrap_or(one))).collect();
        Self { parts, digests: HashMap::new(), certificates, revocations, inside }
    }

    fn archive(&mut self, token: &[u8], signed: Signed<'_>, limits: &Limits) -> Archive {
        let (stamp, covers) = match self.check(token, signed, limits) {
            Ok((token, covers)) => (Stamp::Token(Box::new(token)), covers),
            Err(stamp) => (stamp, Vec::new()),
        };
        Archive { fingerprint: Sha256::of(token), stamp, covers }
    }

    fn check(
        &mut self,
        token: &[u8],
        signed: Signed<'_>,
        limits: &Limits,
    ) -> Result<(CheckedToken, Vec<Sha256>), Stamp> {
        let index = hash_index(token, limits).map_err(Stamp::Broken)?;
        let imprinted = Token::parse(token, limits).map_err(|error| Stamp::Broken(error.to_string()))?;
        let algorithm = imprinted.info.imprint.algorithm;
        if index.algorithm != algorithm {
            let what = format!("its index is of {} digests, its imprint of {algorithm}", index.algorithm);
            return Err(Stamp::Broken(what));
        }
        let Some(content) = signed.digest(algorithm) else { return Err(unseen(algorithm)) };
        let imprint = self.parts.archive_imprint(&content, index.der());
        let token = check_token(token, limits, |_| Some(imprint)).map_err(Stamp::Broken)?;
        let Self { parts, digests, .. } = self;
        let there = digests.entry(algorithm).or_insert_with(|| PartDigests::of(parts, algorithm));
        let covered = index.covered(there);
        let covered = covered.map_err(|what| Stamp::Broken(format!("its index does not hold: {what}")))?;
        Ok((token, self.fingerprints(&covered)))
    }

    /// What the parts named are, by the SHA-256 by which evidence is known.
    fn fingerprints(&self, covered: &Covered) -> Vec<Sha256> {
        let certificates = covered.certificates.iter().filter_map(|at| self.certificates.get(*at));
        let revocations = covered.revocations.iter().filter_map(|at| self.revocations.get(*at));
        let mut all: Vec<Sha256> = certificates.chain(revocations).copied().collect();
        all.extend(covered.attributes.iter().filter_map(|place| self.inside.get(place)).flatten());
        all
    }
}

/// The ats-hash-index-v3 in a token's unsigned attributes: one, of one value.
fn hash_index(token: &[u8], limits: &Limits) -> Result<HashIndex, String> {
    let token = Parts::parse(token, limits).map_err(|error| error.to_string())?;
    let attributes = token.unsigned_attributes().iter();
    let mut found = attributes.filter(|attribute| attribute.kind == oid::ATS_HASH_INDEX_V3);
    let (first, second) = (found.next(), found.next());
    match (first.map(|one| one.values.as_slice()), second) {
        (Some([value]), None) => HashIndex::read(value, limits).map_err(|error| error.to_string()),
        (None, _) => Err("it has no ats-hash-index-v3, which says what it covers".to_owned()),
        _ => Err("it has several ats-hash-index-v3".to_owned()),
    }
}

/// An unsigned attribute's value, and the evidence inside it.
fn fingerprints(kind: ObjectIdentifier, value: &[u8], limits: &Limits) -> Vec<Sha256> {
    let mut all = vec![Sha256::of(value)];
    let values = CadesAttributes::of_unsigned(kind, value, limits);
    all.extend(values.certificate_values.iter().chain(&values.crl_values).map(|one| Sha256::of(one)));
    all.extend(values.ocsp_values.iter().map(|one| Sha256::of(one)));
    if TOKENS.contains(&kind)
        && let Ok(data) = SignedData::parse(value, limits)
    {
        all.extend(data.certificates.iter().map(crate::x509::Certificate::sha256));
        all.extend(data.crls.iter().map(|crl| Sha256::of(crl.der())));
        all.extend(data.ocsp_responses.iter().map(|response| Sha256::of(response)));
    }
    all
}

/// Unsigned attributes whose values are time-stamp tokens.
const TOKENS: [ObjectIdentifier; 4] =
    [oid::TIME_STAMP_TOKEN, oid::ESC_TIME_STAMP, oid::CERT_CRL_TIME_STAMP, oid::ARCHIVE_TIME_STAMP_V3];

/// How many archive time-stamps of a signature are checked: one in five years is enough. Each costs a digest over all of the
/// SignerInfo.
const MAX_ARCHIVE: usize = 32;

/// An honest signature has its own algorithm and perhaps a newer one.
const MAX_ALGORITHMS: usize = 4;
