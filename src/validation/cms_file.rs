//! CMS files: a SignedData alone, with its content inside (`.p7m`) or in a file apart (`.p7s`).

use std::io;

use super::{
    Detached, Inspection, OpenError, SignedFile,
    archive::{Signed, algorithms},
    cms::{Checked, Content, Finding, Profile, check},
    inspect::{Body, Field, Scope, Signature, cms_body, one_signer},
    words::Key,
};
use crate::{
    asn1::{Reader, Tag, oid},
    base::{Digest, DigestAlgorithm, Limits, Sha256, Source, digest::Hasher},
    cms::{MAX_CONTENT, SignedData, SignerInfo, from_pem, pem_label},
};

impl Inspection {
    /// Reads a SignedData and what it signs.
    ///
    /// A file apart is read once, however large; content inside lies in memory.
    ///
    /// # Errors
    ///
    /// When it is too large, `detached` does not go with it, or a file cannot be read to its end.
    pub(super) fn open_cms(
        source: &dyn Source,
        detached: &[Detached],
        limits: &Limits,
    ) -> Result<Self, OpenError> {
        let limit = MAX_CONTENT + limits.cms_bytes as u64;
        // Base64 takes four octets for three, and line ends.
        if source.len() > limit / 2 * 3 {
            return Err(OpenError::Limit { kind: "a CMS file", limit });
        }
        let bytes = source.read(0..source.len())?;
        let mut inspection = Self::empty(Sha256::of(&bytes), limits);
        let cms = match from_pem(&bytes) {
            Ok(cms) => cms,
            Err(reason) => {
                let message = Key::FormatCms.message(format!("The signature cannot be read: {reason}."));
                inspection.signatures.push(unread(Finding::fatal("FORMAT_FAILURE", message)));
                return Ok(inspection);
            }
        };
        if cms.len() as u64 > limit {
            return Err(OpenError::Limit { kind: "a CMS file", limit });
        }
        let given = match detached {
            [] => None,
            [one] => Some(one),
            several => return Err(OpenError::SeveralDetached { given: several.len() }),
        };
        // The bound on the structure holds for what comes beside the content.
        let content_limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let most_beside = limits.cms_bytes;
        let limits = &Limits { cms_bytes: content_limit, ..limits.clone() };
        let data = match one_signer(&cms, limits) {
            Ok(data) if cms.len().saturating_sub(content_len(&data)) > most_beside => {
                let message = Key::FormatTooCostly.message(format!(
                    "The signature is not read: it has more than {most_beside} bytes beside its content."
                ));
                inspection.signatures.push(unread(Finding::open("SIGNED_DATA_NOT_FOUND", message)));
                return Ok(inspection);
            }
            Ok(data) => data,
            Err(finding) => {
                inspection.signatures.push(unread(finding));
                return Ok(inspection);
            }
        };
        let signature = match (&data.content, given) {
            (Some(_), Some(_)) => return Err(OpenError::NotApart { kind: "a CMS with its content inside" }),
            (Some(_), None) => enveloping(&cms, data, limits),
            (None, given) => {
                let (signature, file) = apart(&cms, data, given, limits)?;
                inspection.signed_files.extend(file);
                signature
            }
        };
        inspection.take_in(&signature, 0);
        inspection.signatures.push(signature);
        Ok(inspection)
    }
}

fn content_len(data: &SignedData) -> usize {
    data.content.as_ref().map_or(0, Vec::len)
}

/// Whether a file that begins so is a ContentInfo with SignedData, or one in PEM.
///
/// `SEQUENCE`, its length, then the OID of id-signedData: no other format begins so.
pub(super) fn begins(head: &[u8]) -> bool {
    let [0x30, length, rest @ ..] = head else { return pem_label(head).is_some() };
    let more = if *length > 0x80 { usize::from(length & 0x7F) } else { 0 };
    more <= 8 && rest.get(more..).is_some_and(|rest| rest.starts_with(SIGNED_DATA_OID))
}

/// Content inside: all that was signed is seen.
fn enveloping(cms: &[u8], data: SignedData, limits: &Limits) -> Signature {
    let mut findings = Vec::new();
    let body = match (data.only_signer(), data.content.as_deref()) {
        (Ok(signer), Some(content)) => {
            let digests: Vec<Digest> =
                algorithms(signer, limits).into_iter().map(|algorithm| algorithm.digest(content)).collect();
            let content = Content { digest: digests.first(), bytes: Some(content) };
            let mut checked = check(&data, signer, &content, PROFILE);
            refuse_attributes_as_content(&mut checked, signer, &content);
            cms_body(Box::new(data), checked, Signed { cms, digests: &digests }, limits)
        }
        _ => {
            findings.push(Finding::fatal("FORMAT_FAILURE", Key::FormatSigners.plain()));
            Body::None
        }
    };
    signature(Scope::Whole, body, findings)
}

/// Content in a file apart, or nowhere.
fn apart(
    cms: &[u8],
    data: SignedData,
    given: Option<&Detached>,
    limits: &Limits,
) -> io::Result<(Signature, Option<SignedFile>)> {
    let Ok(signer) = data.only_signer() else {
        let finding = Finding::fatal("FORMAT_FAILURE", Key::FormatSigners.plain());
        return Ok((unread(finding), None));
    };
    let Some(given) = given else {
        let checked = check(&data, signer, &Content { digest: None, bytes: None }, PROFILE);
        let body = cms_body(Box::new(data), checked, Signed { cms, digests: &[] }, limits);
        let finding = Finding::open("SIGNED_DATA_NOT_FOUND", Key::DocumentApart.plain());
        return Ok((signature(Scope::Digest, body, vec![finding]), None));
    };
    let mut wanted = algorithms(signer, limits);
    wanted.push(DigestAlgorithm::Sha256);
    let digests = digests(&*given.source, &wanted)?;
    let bare = match signer.signed_attributes {
        None if given.source.len() <= MAX_CONTENT => Some(given.source.read(0..given.source.len())?),
        _ => None,
    };
    let content = Content { digest: digests.first(), bytes: bare.as_deref() };
    let mut checked = check(&data, signer, &content, PROFILE);
    refuse_attributes_as_content(&mut checked, signer, &content);
    let body = cms_body(Box::new(data), checked, Signed { cms, digests: &digests }, limits);
    let sha256 = digests.last().map(|digest| hex::encode(&digest.bytes)).unwrap_or_default();
    let file = SignedFile { name: given.name.clone(), sha256 };
    Ok((signature(Scope::Whole, body, Vec::new()), Some(file)))
}

/// Without signed attributes the value is over the content itself, and with them over the attributes: somebody's signed
/// attributes, put in the place of content, would pass for something that they signed. No honest content begins so.
fn refuse_attributes_as_content(checked: &mut Checked, signer: &SignerInfo, content: &Content<'_>) {
    if signer.signed_attributes.is_some() || !content.bytes.is_some_and(is_set_of_attributes) {
        return;
    }
    let message =
        Key::FormatCms.message("What is signed here are the signed attributes of another signature.");
    checked.findings.push(Finding::fatal("FORMAT_FAILURE", message));
}

fn is_set_of_attributes(bytes: &[u8]) -> bool {
    let first = || {
        let set = Reader::new(bytes).any().ok()?;
        let attribute = set.expect(Tag::SET).ok()?.reader().any().ok()?;
        attribute.expect(Tag::SEQUENCE).ok()?.reader().any().ok()?.oid().ok()
    };
    first().is_some()
}

fn unread(finding: Finding) -> Signature {
    signature(Scope::Digest, Body::None, vec![finding])
}

fn signature(scope: Scope, body: Body, findings: Vec<Finding>) -> Signature {
    let field = Field { sub_filter: "CMS".to_owned(), ..Field::default() };
    Signature { field, scope, body, findings, changes: Ok(Vec::new()) }
}

/// Digests of all bytes in the order of the algorithms; read once.
pub(super) fn digests(source: &dyn Source, algorithms: &[DigestAlgorithm]) -> io::Result<Vec<Digest>> {
    let mut distinct = algorithms.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    let found = if let [only] = distinct.as_slice() {
        // Perhaps the source hashed itself while it was written.
        vec![source.hasher(*only, source.len())?.finish()]
    } else {
        let mut hashers: Vec<Hasher> = distinct.iter().map(|algorithm| Hasher::new(*algorithm)).collect();
        let mut piece = vec![0; PIECE];
        let mut at = 0;
        while at < source.len() {
            let take = usize::try_from(source.len() - at).unwrap_or(PIECE).min(PIECE);
            let piece = piece.get_mut(..take).unwrap_or_default();
            source.read_at(at, piece)?;
            for hasher in &mut hashers {
                hasher.update(piece);
            }
            at += take as u64;
        }
        hashers.into_iter().map(Hasher::finish).collect()
    };
    let of =
        |algorithm: &DigestAlgorithm| found.iter().find(|digest| digest.algorithm == *algorithm).cloned();
    Ok(algorithms.iter().filter_map(of).collect())
}

/// What is signed is content of type id-data. The signing-certificate attribute may be missing: it is then no CAdES.
const PROFILE: Profile = Profile { content_type: oid::DATA, attested: false };

/// The encoding of id-signedData, RFC 5652 section 5.1.
const SIGNED_DATA_OID: &[u8] = &[0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02];

/// Bytes hashed at a time.
const PIECE: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::MemorySource;

    #[test]
    fn a_cms_is_known_by_its_first_bytes() {
        let oid = SIGNED_DATA_OID;
        for (head, expected) in [
            ([&[0x30, 0x80][..], oid].concat(), true),
            ([&[0x30, 0x0B], oid].concat(), true),
            ([&[0x30, 0x82, 0x10, 0x00], oid, b"rest"].concat(), true),
            ([&[0x30, 0x84, 0, 1, 0, 0], oid].concat(), true),
            (b"-----BEGIN CMS-----\n".to_vec(), true),
            (b"-----BEGIN PKCS7-----\n".to_vec(), true),
            (b"-----BEGIN CERTIFICATE-----\n".to_vec(), false),
            ([&[0x30, 0x82, 0x10], oid].concat(), false),
            ([&[0x30, 0xFF], &[0; 127][..], oid].concat(), false),
            ([&[0x30, 0x0B], &oid[..10]].concat(), false),
            // Encrypted, not signed.
            ([&[0x30, 0x0B], &oid[..10], &[3]].concat(), false),
            (b"0 is no length\n%PDF-1.7".to_vec(), false),
            (b"%PDF-1.7".to_vec(), false),
            (Vec::new(), false),
        ] {
            assert_eq!(begins(&head), expected, "{head:02x?}");
        }
    }

    #[test]
    fn digests_come_in_the_order_asked_for() {
        use DigestAlgorithm::{Sha256, Sha512};
        let source = MemorySource(vec![7; PIECE + 1]);
        for wanted in [vec![Sha256], vec![Sha512, Sha256], vec![Sha256, Sha512, Sha256], vec![Sha256, Sha256]]
        {
            let found = digests(&source, &wanted).unwrap();
            let expected: Vec<Digest> = wanted.iter().map(|algorithm| algorithm.digest(&source.0)).collect();
            assert_eq!(found, expected);
        }
    }
}
