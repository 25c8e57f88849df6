//! The report: what the JSON of `kyso verify` and of the API shows (schema in `docs/verify.schema.json`).
//!
//! Names are those of SiVa's simple report where it has one. Absent means omitted. Times are RFC 3339 in UTC.

use serde::{Deserialize, Serialize};

use super::StatementsReport;
use crate::{base::Digest, x509::Certificate};

/// The answer for a set of documents.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Report {
    /// In the order in which the files were given.
    pub documents: Vec<DocumentReport>,
    /// Files that could not be judged at all; omitted when there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<Unreadable>,
}

/// A file that could not be judged: not there, not a PDF, damaged, encrypted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Unreadable {
    /// The name that the caller gave.
    pub name: String,
    /// Why.
    pub error: Message,
}

/// The worst of a document's signatures, or that it has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Overall {
    /// Every signature is TOTAL-PASSED.
    Valid,
    /// At least one signature is TOTAL-FAILED.
    Invalid,
    /// None failed, at least one is INDETERMINATE.
    Indeterminate,
    /// There is no signature; at most time-stamps that hold.
    Unsigned,
}

/// The answer for one document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DocumentReport {
    /// The name that the caller gave.
    pub name: String,
    /// Of the whole file: 64 lower-case hexadecimal characters.
    pub sha256: String,
    /// The worst of the signatures.
    pub overall: Overall,
    /// The moment for which the question was answered.
    pub validation_time: String,
    /// The name of the validation policy that was applied.
    pub policy: String,
    /// The name of the cryptographic policy that was applied; reports that were stored before it was told have none.
    #[serde(default)]
    pub cryptographic_policy: String,
    /// The files that detached signatures are about, and the documents in a container; omitted where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signed_files: Vec<SignedFile>,
    /// Oldest first; document time-stamps are among them.
    pub signatures: Vec<SignatureReport>,
}

/// A file that lies apart from its signature, or beside it in a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SignedFile {
    /// The name that the caller gave, or that the container has.
    pub name: String,
    /// Of the whole file: 64 lower-case hexadecimal characters.
    pub sha256: String,
}

impl DocumentReport {
    /// The overall answer that these signatures give: the worst one decides.
    ///
    /// Time-stamps alone make no signed document: they prove a time, and nobody's will.
    pub fn overall_of(signatures: &[SignatureReport]) -> Overall {
        let any = |wanted| signatures.iter().any(|signature| signature.indication == wanted);
        if signatures.is_empty() {
            Overall::Unsigned
        } else if any(Indication::TotalFailed) {
            Overall::Invalid
        } else if any(Indication::Indeterminate) {
            Overall::Indeterminate
        } else if signatures.iter().all(SignatureReport::is_time_stamp) {
            Overall::Unsigned
        } else {
            Overall::Valid
        }
    }
}

/// A file of a container that a signature covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignatureScope {
    /// Its name in the container.
    pub name: String,
    /// The digest by which it is covered, such as `SHA-256`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest_algorithm: Option<String>,
    /// All its bytes are covered as they are; otherwise what is left of them after transforms.
    pub whole: bool,
}

/// Main indication, ETSI EN 319 102-1 section 5.1.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub enum Indication {
    /// Every check held.
    #[serde(rename = "TOTAL-PASSED")]
    TotalPassed,
    /// The signature is certainly not valid.
    #[serde(rename = "TOTAL-FAILED")]
    TotalFailed,
    /// What is known does not suffice to say.
    #[serde(rename = "INDETERMINATE")]
    Indeterminate,
}

/// How much of the file a signature covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CoverageLevel {
    /// All of the file.
    Document,
    /// All of the file as it was when signed; something was appended later (see `modifications`).
    Revision,
    /// Not all bytes of any revision: the byte rules are broken.
    Partial,
    /// Only the digest was seen that the caller gave; what it covers is the caller's word.
    Digest,
}

/// Whether what was appended after a signature is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ModificationLevel {
    /// Nothing was appended.
    None,
    /// Only further signatures, document time-stamps or validation material, where the signer allows them.
    Permitted,
    /// Something else.
    Forbidden,
}

/// Where `bestSignatureTime` comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TimeSource {
    /// Proven by a valid time-stamp.
    TimeStamp,
    /// Nothing proves an earlier time than the moment of validation.
    ValidationTime,
}

/// A stable key and words for people (English here; faces translate by key, see `validation::words`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Message {
    /// One of the keys of `docs/verify.md`.
    pub key: String,
    /// An English sentence with the particulars of this case.
    pub message: String,
}

/// What a later revision of the file did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Modification {
    /// The revision that brought it, counted from 1 for the original file.
    pub revision: usize,
    /// The PDF objects touched, such as `12 0 R`.
    pub objects: Vec<String>,
    /// `signature`, `document-time-stamp`, `security-store`, `form-fill`, `annotation`, `metadata`,
    /// `structure-tree`, `page-content`, `page-set`, `catalog-entry`, `action`, `embedded-file` or `unexplained`.
    pub kind: String,
    /// Whether this signature allows it.
    pub permitted: bool,
    /// In English words.
    pub description: String,
}

/// A certificate of the path relied on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CertificateReport {
    /// RFC 4514.
    pub subject: String,
    /// RFC 4514.
    pub issuer: String,
    /// In hexadecimal.
    pub serial: String,
    /// Of the encoding: 64 lower-case hexadecimal characters.
    pub sha256: String,
    /// Valid from this moment…
    pub valid_from: String,
    /// …to this one.
    pub valid_to: String,
    /// What was known about revocation; the anchor has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<StatusReport>,
    /// The encoding, for renderings that carry it; not part of the JSON.
    #[serde(skip)]
    #[schema(ignore)]
    pub der: Vec<u8>,
}

impl CertificateReport {
    /// What a certificate says of itself, and what is known about its status.
    pub fn of(certificate: &Certificate, status: Option<StatusReport>) -> Self {
        Self {
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            serial: certificate.serial_hex(),
            sha256: certificate.sha256().to_hex(),
            valid_from: certificate.not_before().to_string(),
            valid_to: certificate.not_after().to_string(),
            status,
            der: certificate.der().to_vec(),
        }
    }
}

/// The evidence that settled the status of a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatusReport {
    /// What it says.
    pub status: CertificateStatus,
    /// An OCSP answer or a revocation list.
    pub source: StatusSource,
    /// Whether it lies in the document or was brought from outside.
    pub origin: Origin,
    /// When the evidence was made (thisUpdate).
    pub this_update: String,
    /// Until when it holds (nextUpdate).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_update: Option<String>,
    /// When the certificate was revoked, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<String>,
    /// The encoding of the certificate whose key signed the evidence, for renderings that carry it; not part of the
    /// JSON.
    #[serde(skip)]
    #[schema(ignore)]
    pub signer_der: Vec<u8>,
}

/// RFC 6960 section 2.2, for CRLs alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CertificateStatus {
    /// Not revoked at the time that counts.
    Good,
    /// Revoked, now or later than the time that counts (`revokedAt` tells).
    Revoked,
}

/// The kind of status evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum StatusSource {
    /// RFC 5280 section 5.
    Crl,
    /// RFC 6960.
    Ocsp,
}

/// Where a piece of evidence comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// In the document itself.
    Document,
    /// Fetched, or given by the caller.
    Supplied,
}

/// What a time-stamp that a signature carries was made for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TimeStampKind {
    /// The signature with all its evidence: archive-time-stamp-v3, ETSI EN 319 122-1 section 5.5.3.
    Archive,
    /// The content before it was signed: content-time-stamp, ETSI EN 319 122-1 section 5.2.8.
    Content,
    /// The signature value: signature-time-stamp, ETSI EN 319 122-1 section 5.3.
    #[default]
    Signature,
}

/// A time-stamp that one signature carries in its attributes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TimeStampReport {
    /// What it was made for; in reports that were stored before it was told, the signature value.
    #[serde(default)]
    pub kind: TimeStampKind,
    /// Of the time-stamp alone: `TOTAL-PASSED` is what proves its time.
    pub indication: Indication,
    /// Omitted for TOTAL-PASSED.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub_indication: Option<String>,
    /// genTime; omitted when the token cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub production_time: Option<String>,
    /// The common name of the authority's certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub produced_by: Option<String>,
    /// The digest of the imprint, such as `SHA-256`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest_algorithm: Option<String>,
    /// The authority's path, its own certificate first; empty when none can be relied on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<CertificateReport>,
    /// Why it proves nothing; empty for TOTAL-PASSED.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Message>,
    /// The imprint in the token, for renderings that carry it; not part of the JSON.
    #[serde(skip)]
    #[schema(ignore)]
    pub imprint: Option<Digest>,
}

/// The answer for one signature or document time-stamp.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignatureReport {
    /// Unique in this document: `S-1`, `S-2`…, oldest first.
    pub id: String,
    /// The fully qualified name of the form field.
    pub field: String,
    /// ETSI EN 319 102-1 main indication.
    pub indication: Indication,
    /// ETSI EN 319 102-1 sub-indication, such as `HASH_FAILURE`; omitted for TOTAL-PASSED.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub_indication: Option<String>,
    /// `PAdES-BASELINE-B`, `-T`, `-LT`, `-LTA`, `CAdES-BASELINE-…`, `PKCS7-B`, `-T`, `-LT`, `-LTA`, `DOC-TIME-STAMP` or
    /// `PDF-NOT-ETSI`; of XML `XAdES-BASELINE-…` or `XML-NOT-ETSI`.
    pub signature_format: String,
    /// `SHA256withRSA` and the like.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature_algorithm: Option<String>,
    /// The common name of the signer's certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<String>,
    /// The organisation in the signer's certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// The subject of the signer's certificate, RFC 4514.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The issuer of the signer's certificate, RFC 4514.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// The serial number of the signer's certificate, in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// The signer's certificate is valid from this moment…
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_valid_from: Option<String>,
    /// …to this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_valid_to: Option<String>,
    /// The subject of the trust anchor that the path ended in, when one was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust_anchor: Option<String>,
    /// The name of the set of anchors that this one belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust_anchor_set: Option<String>,
    /// The signer's certificate, whether or not it is relied on, for renderings that carry it; not part of the JSON.
    #[serde(skip)]
    #[schema(ignore)]
    pub signer: Option<CertificateReport>,
    /// The path relied on, the signer's certificate first and the anchor last; omitted when there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<CertificateReport>,
    /// The time-stamps that the signature carries, in the order of the file; omitted when there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub time_stamps: Vec<TimeStampReport>,
    /// Why `signatureFormat` names no higher level: one reason for each level that is missing, lowest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub level_reasons: Vec<Message>,
    /// What the signer's machine said; nobody vouches for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claimed_signing_time: Option<String>,
    /// The earliest moment at which the signature is proven to have existed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best_signature_time: Option<String>,
    /// What proves it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best_signature_time_source: Option<TimeSource>,
    /// `/Reason` of the signature dictionary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// `/Location` of the signature dictionary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// What the signer says under protection: policy, commitments, roles.
    #[serde(flatten)]
    pub statements: StatementsReport,
    /// `/P` of a certification signature (DocMDP): 1 no changes, 2 forms and signatures, 3 annotations as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certification_level: Option<u8>,
    /// The bytes are those that were signed, apart from trust.
    pub digest_matches: bool,
    /// The signature value fits key and signed attributes, apart from trust.
    pub signature_matches: bool,
    /// How much of the file is covered.
    pub coverage: CoverageLevel,
    /// The files of a container that are covered, in the order of the signature; omitted for other documents.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<SignatureScope>,
    /// Whether what came later is allowed.
    pub modification_level: ModificationLevel,
    /// What came later.
    pub modifications: Vec<Modification>,
    /// What is wrong, what decides first. Empty for TOTAL-PASSED, never empty for TOTAL-FAILED.
    pub errors: Vec<Message>,
    /// What a reader should know; first of all why an INDETERMINATE signature without errors is not valid.
    pub warnings: Vec<Message>,
}

impl SignatureReport {
    /// Whether it is a document time-stamp and nobody's signature.
    pub fn is_time_stamp(&self) -> bool {
        self.signature_format == "DOC-TIME-STAMP"
    }

    /// The path relied on; where there is none, the signer's certificate alone. For renderings that carry encodings.
    pub fn known_path(&self) -> &[CertificateReport] {
        if self.certificates.is_empty() { self.signer.as_slice() } else { &self.certificates }
    }

    /// Why it is not TOTAL-PASSED: the message that decides.
    pub fn reason_against(&self) -> Option<&Message> {
        match self.indication {
            Indication::TotalPassed => None,
            Indication::TotalFailed | Indication::Indeterminate => {
                self.errors.first().or_else(|| self.warnings.first())
            }
        }
    }
}
