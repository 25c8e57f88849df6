//! Reading a document's signatures: everything about them that does not depend on trust.

use std::ops::Range;

use super::{
    archive::{MoreStamps, Signed, algorithms},
    cms::{Checked, CheckedToken, Content, Finding, Profile, check, check_token},
    words::Key,
    xades::XmlBody,
};
use crate::{
    asn1::oid,
    base::{Digest, DigestAlgorithm, Limits, Sha256, Source, UtcTime, digest::Hasher},
    cms::{CmsError, SignedData},
    pdf::{ByteRangeError, Change, Coverage, Document, PdfError, SignatureField, SignatureKind},
    tsp::Token,
};

/// How many bytes a signature without signed attributes may cover: its content has to lie in memory at once.
const MAX_BARE_CONTENT: u64 = 32 * 1024 * 1024;

/// How often the bytes of the file may be hashed for all signatures together.
///
/// Each signature of an honest file shares the beginning with the others and hashes only what comes behind its
/// hole. A file made to keep us busy puts many holes at its beginning.
const MAX_PASSES: u64 = 16;

/// One signature or document time-stamp as the file has it.
pub(super) struct Signature {
    pub(super) field: Field,
    pub(super) scope: Scope,
    pub(super) body: Body,
    /// Findings about the format, worst first.
    pub(super) findings: Vec<Finding>,
    /// What came later; or why that cannot be told.
    pub(super) changes: Result<Vec<Change>, String>,
}

/// What the signature dictionary and its field say.
#[derive(Default)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) sub_filter: String,
    /// Index of the revision that holds the dictionary.
    pub(super) revision: usize,
    pub(super) claimed_time: Option<UtcTime>,
    pub(super) reason: Option<String>,
    pub(super) location: Option<String>,
    /// `/P` of its own DocMDP transform.
    pub(super) doc_mdp: Option<u8>,
    /// The strictest `/P` that it was made under, its own included.
    pub(super) level: Option<u8>,
}

/// Which bytes are signed.
pub(super) enum Scope {
    /// The bytes of a revision, by the byte rules.
    Revision(Coverage),
    /// The byte rules are broken.
    Broken,
    /// Bytes that only the caller saw; their digest was given.
    Digest,
    /// All of what was signed, which has no revisions.
    Whole,
}

pub(super) enum Body {
    /// `ETSI.CAdES.detached`, `adbe.pkcs7.detached` or `adbe.pkcs7.sha1`.
    Cms {
        data: Box<SignedData>,
        checked: Checked,
        stamps: Vec<Stamp>,
        more: MoreStamps,
        signing_time: Option<UtcTime>,
    },
    /// `ETSI.RFC3161`.
    TimeStamp(Box<CheckedToken>),
    /// Broken, or of a kind that is not judged; `findings` says which.
    None,
    /// `ds:Signature`, with or without XAdES.
    Xml(Box<XmlBody>),
}

/// A time-stamp that a signature carries.
pub(super) enum Stamp {
    /// Not even a token, or an archive time-stamp whose index does not hold; with the reason.
    Broken(String),
    Token(Box<CheckedToken>),
    /// What it was made for is not known; with the reason.
    Unchecked(String),
}

impl Stamp {
    pub(super) fn of(checked: Result<CheckedToken, String>) -> Self {
        checked.map_or_else(Self::Broken, |token| Self::Token(Box::new(token)))
    }

    pub(super) fn signed_data(&self) -> Option<&SignedData> {
        match self {
            Self::Broken(_) | Self::Unchecked(_) => None,
            Self::Token(token) => Some(&token.data),
        }
    }
}

impl Field {
    fn of(field: SignatureField) -> Self {
        Self {
            name: field.name,
            sub_filter: field.sub_filter,
            revision: field.revision,
            claimed_time: field.claimed_time,
            reason: field.reason,
            location: field.location,
            doc_mdp: field.doc_mdp,
            level: field.level,
        }
    }
}

impl Signature {
    /// Whether it is a document time-stamp.
    pub(super) fn is_time_stamp(&self) -> bool {
        self.field.sub_filter == "ETSI.RFC3161"
    }

    /// The index of the revision that it covers, if its byte range holds.
    pub(super) fn covers(&self) -> Option<usize> {
        match &self.scope {
            Scope::Revision(coverage) => Some(coverage.revision),
            Scope::Broken | Scope::Digest | Scope::Whole => None,
        }
    }

    /// Whether it was made under a signature policy (ETSI EN 319 122-1 section 5.2.9).
    pub(super) fn names_a_policy(&self) -> bool {
        match &self.body {
            Body::Cms { data, .. } => {
                data.only_signer().is_ok_and(|signer| signer.cades.signature_policy.is_some())
            }
            Body::Xml(body) => body.names_a_policy,
            Body::TimeStamp(_) | Body::None => false,
        }
    }

    /// How its content is hashed; for a time-stamp, what is stamped.
    pub(super) fn content_digest(&self) -> Option<DigestAlgorithm> {
        match &self.body {
            Body::Cms { checked, .. } => checked.digest,
            Body::Xml(body) => body.checked.digest,
            Body::TimeStamp(token) => Some(token.info.imprint.algorithm),
            Body::None => None,
        }
    }

    /// Whether it is known which bytes are signed.
    pub(super) fn is_in_order(&self) -> bool {
        !matches!(self.scope, Scope::Broken)
    }

    /// Its own SignedData and those of its time-stamps.
    pub(super) fn signed_data(&self) -> impl Iterator<Item = &SignedData> {
        let (own, stamps, more) = match &self.body {
            Body::Cms { data, stamps, more, .. } => (Some(&**data), stamps.as_slice(), Some(more)),
            Body::TimeStamp(token) => (Some(&token.data), [].as_slice(), None),
            // What XML signatures hold lies in `XmlBody::evidence`.
            Body::None | Body::Xml(_) => (None, [].as_slice(), None),
        };
        let stamps = stamps.iter().filter_map(Stamp::signed_data);
        own.into_iter().chain(stamps).chain(more.into_iter().flat_map(MoreStamps::signed_data))
    }
}

/// All signatures, oldest first, and the digest of the whole file.
pub(super) fn signatures(document: &Document, limits: &Limits) -> Result<(Vec<Signature>, Sha256), PdfError> {
    let fields = document.signatures()?;
    if fields.len() > limits.signatures {
        return Err(PdfError::Limit { what: "the number of signatures", limit: limits.signatures as u64 });
    }
    let read: Vec<_> = fields.into_iter().map(|field| Read::new(document, field, limits)).collect();
    let digests = digests(document, &read)?;
    let pairs = read.into_iter().zip(digests.signed);
    let signatures: Result<_, _> = pairs.map(|(one, digests)| one.check(document, digests, limits)).collect();
    Ok((signatures?, digests.whole))
}

/// The one signature of a SignedData whose content the caller digested: [`super::Inspection::of_digests`].
pub(super) fn of_digests(cms: &[u8], digests: &[Digest], limits: &Limits) -> Signature {
    let given = |algorithm| digests.iter().find(|digest| digest.algorithm == algorithm);
    let mut findings = Vec::new();
    let profile = Profile { content_type: oid::DATA, attested: false };
    let body = match detached(cms, profile, limits) {
        Ok(Parsed::Cms { data, profile, .. }) => match data.only_signer() {
            Ok(signer) => {
                let digest = given(signer.digest_algorithm);
                if digest.is_none() {
                    let message = Key::DigestNotGiven.message(format!(
                        "The signature was made over a {} digest, and none was given.",
                        signer.digest_algorithm
                    ));
                    findings.push(Finding::open("SIGNED_DATA_NOT_FOUND", message));
                }
                let checked = check(&data, signer, &Content { digest, bytes: None }, profile);
                cms_body(data, checked, Signed { cms, digests }, limits)
            }
            Err(_) => Body::None,
        },
        Ok(_) => Body::None,
        Err(finding) => {
            findings.push(finding);
            Body::None
        }
    };
    Signature {
        field: Field { sub_filter: "CMS".to_owned(), ..Field::default() },
        scope: Scope::Digest,
        body,
        findings,
        changes: Ok(Vec::new()),
    }
}

/// A signature before its content was hashed.
struct Read {
    field: SignatureField,
    coverage: Result<Coverage, ByteRangeError>,
    parsed: Parsed,
    findings: Vec<Finding>,
}

enum Parsed {
    Cms {
        data: Box<SignedData>,
        profile: Profile,
        /// In which the content is needed, the signature's own first.
        algorithms: Vec<DigestAlgorithm>,
    },
    /// `adbe.pkcs7.sha1`: the content is the SHA-1 of the ranges.
    EncapsulatedSha1(Box<SignedData>),
    /// The imprint's algorithm; the token is read again once the digest is there.
    TimeStamp(DigestAlgorithm),
    None,
}

impl Read {
    fn new(document: &Document, field: SignatureField, limits: &Limits) -> Self {
        let coverage = document.check_byte_range(&field);
        let mut findings = Vec::new();
        if let Err(error) = &coverage {
            let message =
                byte_range_key(error).message(format!("The signed bytes are not in order: {error}."));
            findings.push(Finding::fatal("FORMAT_FAILURE", message));
        }
        if coverage.as_ref().is_ok_and(|coverage| coverage.revision != field.revision) {
            // A dictionary written in one revision that covers another one was moved.
            findings.push(Finding::fatal("FORMAT_FAILURE", Key::FormatByteRangeRevision.plain()));
        }
        for defect in &field.defects {
            let message = Key::FormatField.message(format!("The form is not in order: {defect}."));
            findings.push(Finding::fatal("FORMAT_FAILURE", message));
        }
        let parsed = match parse(&field, limits) {
            Ok(parsed) => parsed,
            Err(finding) => {
                findings.push(finding);
                Parsed::None
            }
        };
        Self { field, coverage, parsed, findings }
    }

    /// The algorithms under which the signed bytes are needed; the one that decides comes first.
    fn algorithms(&self) -> &[DigestAlgorithm] {
        match &self.parsed {
            Parsed::Cms { algorithms, .. } => algorithms,
            Parsed::EncapsulatedSha1(_) => &[DigestAlgorithm::Sha1],
            Parsed::TimeStamp(algorithm) => std::slice::from_ref(algorithm),
            Parsed::None => &[],
        }
    }

    fn check(
        self,
        document: &Document,
        digests: Vec<Digest>,
        limits: &Limits,
    ) -> Result<Signature, PdfError> {
        let wanted = self.algorithms().first().copied();
        let digest = digests.iter().find(|digest| Some(digest.algorithm) == wanted).cloned();
        let Self { field, coverage, parsed, mut findings } = self;
        if coverage.is_ok() && digest.is_none() && !matches!(parsed, Parsed::None) {
            findings.push(Finding::open("SIGNED_DATA_NOT_FOUND", Key::FormatTooCostly.plain()));
        }
        let body = match parsed {
            Parsed::Cms { data, profile, .. } => match data.only_signer() {
                Ok(signer) => {
                    let bare = match &coverage {
                        Ok(coverage) if signer.signed_attributes.is_none() && !profile.attested => {
                            bare_content(&**document.source(), coverage)?
                        }
                        _ => None,
                    };
                    let content = Content { digest: digest.as_ref(), bytes: bare.as_deref() };
                    let checked = check(&data, signer, &content, profile);
                    let signed = Signed { cms: &field.contents, digests: &digests };
                    cms_body(data, checked, signed, limits)
                }
                Err(_) => Body::None,
            },
            Parsed::EncapsulatedSha1(data) => {
                encapsulated_body(data, digest.as_ref(), &field.contents, limits)
            }
            Parsed::TimeStamp(_) => match check_token(&field.contents, limits, |_| digest) {
                Ok(token) => Body::TimeStamp(Box::new(token)),
                Err(reason) => {
                    let message =
                        Key::TimeStampInvalid.message(format!("The time-stamp cannot be read: {reason}."));
                    findings.push(Finding::fatal("FORMAT_FAILURE", message));
                    Body::None
                }
            },
            Parsed::None => Body::None,
        };
        let changes = match &coverage {
            Ok(coverage) => document.changes_after(coverage.revision).map_err(|error| error.to_string()),
            Err(_) => Ok(Vec::new()),
        };
        let scope = coverage.map_or(Scope::Broken, Scope::Revision);
        Ok(Signature { field: Field::of(field), scope, body, findings, changes })
    }
}

/// A checked signature with its time-stamps.
pub(super) fn cms_body(data: Box<SignedData>, checked: Checked, signed: Signed<'_>, limits: &Limits) -> Body {
    let Ok(signer) = data.only_signer() else { return Body::None };
    let stamps = signer.time_stamp_tokens.iter().map(|token| {
        Stamp::of(check_token(token, limits, |algorithm| Some(algorithm.digest(&signer.signature))))
    });
    let stamps = stamps.collect();
    let more = MoreStamps::of(signer, signed, limits);
    let signing_time = signer.signing_time;
    Body::Cms { data, checked, stamps, more, signing_time }
}

/// `adbe.pkcs7.sha1` (ISO 32000-1 section 12.8.3.3.1): the signature is over the SHA-1 digest of the ranges, which is
/// the encapsulated content. It can be intact, never valid: the finding on SHA-1 is there whatever else holds.
fn encapsulated_body(data: Box<SignedData>, ranges: Option<&Digest>, cms: &[u8], limits: &Limits) -> Body {
    let (Ok(signer), Some(content)) = (data.only_signer(), data.content.as_deref()) else {
        return Body::None;
    };
    let own = signer.digest_algorithm.digest(content);
    let profile = Profile { content_type: oid::DATA, attested: false };
    let mut checked = check(&data, signer, &Content { digest: Some(&own), bytes: Some(content) }, profile);
    let same =
        ranges.is_some_and(|digest| digest.algorithm == DigestAlgorithm::Sha1 && digest.bytes == content);
    if ranges.is_some() && !same {
        checked.findings.push(Finding::fatal("HASH_FAILURE", Key::DigestMismatch.plain()));
    }
    checked.digest_matches &= same;
    let message = Key::AlgorithmWeak.message("The signature covers the file by SHA-1 (adbe.pkcs7.sha1).");
    checked.findings.push(Finding::open("CRYPTO_CONSTRAINTS_FAILURE", message));
    let digests: Vec<Digest> =
        algorithms(signer, limits).into_iter().map(|algorithm| algorithm.digest(content)).collect();
    cms_body(data, checked, Signed { cms, digests: &digests }, limits)
}

/// The signed bytes, for a signature without signed attributes.
fn bare_content(source: &dyn Source, coverage: &Coverage) -> Result<Option<Vec<u8>>, PdfError> {
    let [first, second] = &coverage.ranges;
    let len = (first.end - first.start).saturating_add(second.end - second.start);
    if len > MAX_BARE_CONTENT {
        return Ok(None);
    }
    let first_len = usize::try_from(first.end - first.start).unwrap_or(0);
    let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
    let (head, tail) = bytes.split_at_mut(first_len);
    source.read_at(first.start, head)?;
    source.read_at(second.start, tail)?;
    Ok(Some(bytes))
}

fn parse(field: &SignatureField, limits: &Limits) -> Result<Parsed, Finding> {
    let attested = match (field.sub_filter.as_str(), field.kind) {
        ("adbe.pkcs7.sha1", SignatureKind::Signature) => return parse_encapsulated(field, limits),
        ("ETSI.CAdES.detached", SignatureKind::Signature) => true,
        ("adbe.pkcs7.detached", SignatureKind::Signature) => false,
        ("ETSI.RFC3161", SignatureKind::DocTimeStamp) => {
            // Only the imprint's algorithm is wanted now; everything is checked once the digest is there.
            let token = Token::parse(&field.contents, limits).map_err(|error| {
                let message = Key::FormatCms.message(format!("The time-stamp cannot be read: {error}."));
                Finding::fatal("FORMAT_FAILURE", message)
            })?;
            return Ok(Parsed::TimeStamp(token.info.imprint.algorithm));
        }
        (other, kind) => {
            let what = match kind {
                SignatureKind::Signature => "signature",
                SignatureKind::DocTimeStamp => "document time-stamp",
            };
            let other: String = other.chars().filter(|c| !c.is_control()).take(64).collect();
            let message =
                Key::FormatSubFilter.message(format!("A {what} with SubFilter {other:?} is not judged."));
            return Err(Finding::open("SIG_CONSTRAINTS_FAILURE", message));
        }
    };
    detached(&field.contents, Profile { content_type: oid::DATA, attested }, limits)
}

/// A SignedData with one signer and without content.
fn detached(cms: &[u8], profile: Profile, limits: &Limits) -> Result<Parsed, Finding> {
    let data = one_signer(cms, limits)?;
    if data.content.is_some() || data.content_type != oid::DATA {
        let message =
            Key::FormatCms.message("The signature holds content of its own instead of covering the file.");
        return Err(Finding::fatal("FORMAT_FAILURE", message));
    }
    let wanted = data.only_signer().map(|signer| algorithms(signer, limits)).unwrap_or_default();
    Ok(Parsed::Cms { data: Box::new(data), profile, algorithms: wanted })
}

/// `adbe.pkcs7.sha1` holds content: 20 octets of type id-data.
fn parse_encapsulated(field: &SignatureField, limits: &Limits) -> Result<Parsed, Finding> {
    let data = one_signer(&field.contents, limits)?;
    let digest_len = data.content.as_ref().map(Vec::len);
    if data.content_type != oid::DATA || digest_len != Some(DigestAlgorithm::Sha1.len()) {
        let message = Key::FormatCms.message("The signature does not hold a SHA-1 digest of the file.");
        return Err(Finding::fatal("FORMAT_FAILURE", message));
    }
    Ok(Parsed::EncapsulatedSha1(Box::new(data)))
}

pub(super) fn one_signer(cms: &[u8], limits: &Limits) -> Result<SignedData, Finding> {
    let data = SignedData::parse(cms, limits).map_err(|error| unread(&error))?;
    if data.only_signer().is_err() {
        let message = Key::FormatSigners
            .message(format!("The signature has {} signers, not one.", data.signer_infos.len()));
        return Err(Finding::fatal("FORMAT_FAILURE", message));
    }
    Ok(data)
}

/// What is beyond kyso is no failure of the signature; what breaks the standard is.
fn unread(error: &CmsError) -> Finding {
    match error {
        CmsError::Algorithm { place, source } => {
            let message = Key::AlgorithmUnsupported
                .message(format!("The {place} of the signature cannot be used: {source}."));
            Finding::open("CRYPTO_CONSTRAINTS_FAILURE", message)
        }
        CmsError::Limit { .. } => {
            let message = Key::FormatTooCostly.message(format!("The signature is not read: {error}."));
            Finding::open("SIGNED_DATA_NOT_FOUND", message)
        }
        _ => {
            let message = Key::FormatCms.message(format!("The signature cannot be read: {error}."));
            Finding::fatal("FORMAT_FAILURE", message)
        }
    }
}

fn byte_range_key(error: &ByteRangeError) -> Key {
    match error {
        ByteRangeError::Shape { .. } | ByteRangeError::Negative { .. } | ByteRangeError::OutOfFile { .. } => {
            Key::FormatByteRangeShape
        }
        ByteRangeError::ContentsMismatch { .. }
        | ByteRangeError::HoleElsewhere { .. }
        | ByteRangeError::HoleNotHex { .. }
        | ByteRangeError::Overlap { .. } => Key::FormatByteRangeGap,
        ByteRangeError::NotFromStart { .. } | ByteRangeError::NotRevisionEnd { .. } => {
            Key::FormatByteRangeRevision
        }
        _ => Key::FormatByteRange,
    }
}

/// What hashing the file gave.
struct Digests {
    /// In the order of the signatures; without those for which there is nothing to hash or the work would be too much.
    signed: Vec<Vec<Digest>>,
    whole: Sha256,
}

/// Reads the file once for every algorithm, and what lies behind each hole once more.
fn digests(document: &Document, read: &[Read]) -> Result<Digests, PdfError> {
    let source = &**document.source();
    let len = source.len();
    let mut budget = len.saturating_mul(MAX_PASSES).saturating_add(MAX_BARE_CONTENT);
    let mut signed: Vec<Vec<Digest>> = read.iter().map(|_| Vec::new()).collect();
    let mut whole = None;
    for algorithm in DigestAlgorithm::ALL {
        let mut holes: Vec<(usize, &[Range<u64>; 2])> = read
            .iter()
            .enumerate()
            .filter(|(_, one)| one.algorithms().contains(&algorithm))
            .filter_map(|(index, one)| Some((index, &one.coverage.as_ref().ok()?.ranges)))
            .collect();
        holes.sort_by_key(|(_, ranges)| ranges[0].end);
        let mut beginning: Option<(Hasher, u64)> = None;
        for (index, [first, second]) in holes {
            let from = beginning.as_ref().map_or(0, |(_, at)| *at);
            let cost = second.end.saturating_sub(second.start) + first.end.saturating_sub(from);
            if first.start != 0 || cost > budget {
                continue;
            }
            budget -= cost;
            let hasher = advance(source, algorithm, beginning.take(), first.end)?;
            let mut branch = hasher.clone();
            beginning = Some((hasher, first.end));
            branch.update_from(source, second.clone())?;
            if let Some(slot) = signed.get_mut(index) {
                slot.push(branch.finish());
            }
        }
        if algorithm == DigestAlgorithm::Sha256 {
            let hasher = advance(source, algorithm, beginning, len)?;
            whole = <[u8; 32]>::try_from(hasher.finish().bytes.as_slice()).ok().map(Sha256);
        }
    }
    let whole = whole.ok_or_else(|| std::io::Error::other("SHA-256 was not computed"))?;
    Ok(Digests { signed, whole })
}

/// Carries a running digest of the file's beginning on to `end`; begins one if there is none.
fn advance(
    source: &dyn Source,
    algorithm: DigestAlgorithm,
    beginning: Option<(Hasher, u64)>,
    end: u64,
) -> Result<Hasher, PdfError> {
    match beginning {
        None => Ok(source.hasher(algorithm, end)?),
        Some((mut hasher, at)) => {
            hasher.update_from(source, at..end)?;
            Ok(hasher)
        }
    }
}
