//! The JSON of SiVa 3 (`POST /validate`), for clients that were written for it.
//!
//! Keys, spelling and what is left out are SiVa's: camelCase, absent means omitted, indications with hyphens, formats
//! with underscores, times in ISO 8601 with Z. SiVa computes no overall result on purpose; whoever wants kyso's reads
//! `POST /api/v1/verifications`. So that comparing `validSignaturesCount` with `signaturesCount` is not more
//! favourable than kyso's own answer, anything that is wrong apart from the signatures is a `validationWarnings`.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use der::oid::ObjectIdentifier;
use serde::Serialize;

use super::algorithm::signature_uri;
use crate::{
    asn1::oid,
    validation::{
        CertificateReport, CoverageLevel, DocumentReport, Indication, Message, SignatureReport, SignedFile,
        StatusSource, TimeSource, TimeStampKind, TimeStampReport,
    },
    x509::{Certificate, Name, algorithm::digest_info},
};

/// The report on one document as SiVa would shape it.
///
/// `asked` is the policy that the client named. kyso judges by its own all the same and says so.
pub fn simple_report(document: &DocumentReport, asked: Option<&str>) -> Answer {
    let (time_stamps, signatures): (Vec<_>, Vec<_>) =
        document.signatures.iter().partition(|signature| signature.is_time_stamp());
    let valid = |one: &&&SignatureReport| one.indication == Indication::TotalPassed;
    let first_signature = document.signatures.iter().position(|one| !one.is_time_stamp());
    // A document time-stamp belongs to the signatures under it; one without any stands alone.
    let alone = document.signatures.iter().take(first_signature.unwrap_or(document.signatures.len()));
    Answer {
        validation_report: ValidationReport {
            validation_conclusion: Conclusion {
                policy: Policy::of(document),
                signatures_count: signatures.len(),
                valid_signatures_count: signatures.iter().filter(valid).count(),
                validation_level: "ARCHIVAL_DATA",
                validation_time: document.validation_time.clone(),
                validation_warnings: warnings(document, &time_stamps, asked),
                validated_document: Some(ValidatedDocument {
                    filename: document.name.clone(),
                    file_hash: hex::decode(&document.sha256).ok().map(|bytes| STANDARD.encode(bytes)),
                    hash_algo: "SHA256",
                }),
                signatures: signatures.iter().map(|one| Signature::of(one, document)).collect(),
                time_stamp_tokens: alone.map(|stamp| TimeStampToken::of(stamp, document)).collect(),
            },
        },
    }
}

/// The report on detached signatures over files whose digests the client sent, all in one.
///
/// Beside each report stands the file's name and its digest as the client sent it: algorithm and Base64.
pub fn hashcode_report(reports: &[(DocumentReport, Vec<DataFile>)], asked: Option<&str>) -> Option<Answer> {
    let mut whole = reports.first()?.0.clone();
    whole.signatures.clear();
    let mut scopes = Vec::new();
    for (report, files) in reports {
        for signature in &report.signatures {
            let id = format!("S-{}", whole.signatures.len() + 1);
            whole.signatures.push(SignatureReport { id, ..signature.clone() });
            let scope = |file: &DataFile| Scope {
                name: file.filename.clone(),
                scope: "FULL",
                content: "Digest of the document, as it was sent",
                hash_algo: Some(file.hash_algo.clone()),
                hash: Some(file.hash.clone()),
            };
            scopes.push(files.iter().map(scope).collect());
        }
    }
    let mut answer = simple_report(&whole, asked);
    let conclusion = &mut answer.validation_report.validation_conclusion;
    conclusion.validated_document = None;
    for (signature, scope) in conclusion.signatures.iter_mut().zip(scopes) {
        signature.signature_scopes = scope;
    }
    Some(answer)
}

/// A file that stayed with the client.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = siva::DataFile)]
pub struct DataFile {
    /// At most 255 characters.
    pub filename: String,
    /// Such as `SHA256`.
    pub hash_algo: String,
    /// Base64.
    pub hash: String,
}

/// The whole answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = siva::Answer)]
pub struct Answer {
    /// SiVa wraps its report; there is never anything beside `validationConclusion` here.
    pub validation_report: ValidationReport,
}

/// `validationReport`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = siva::ValidationReport)]
pub struct ValidationReport {
    /// What was found.
    pub validation_conclusion: Conclusion,
}

/// `validationConclusion`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = siva::Conclusion)]
pub struct Conclusion {
    /// What was judged by.
    pub policy: Policy,
    /// Document time-stamps are not counted.
    pub signatures_count: usize,
    /// Those that are TOTAL-PASSED.
    pub valid_signatures_count: usize,
    /// Always `ARCHIVAL_DATA`: all evidence was considered.
    pub validation_level: &'static str,
    /// The moment for which the question was answered.
    pub validation_time: String,
    /// What a reader of the counts alone would miss.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub validation_warnings: Vec<Content>,
    /// Name and digest of the document; absent where only its digest was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validated_document: Option<ValidatedDocument>,
    /// In the order of the file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub signatures: Vec<Signature>,
    /// Document time-stamps that stand before every signature.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub time_stamp_tokens: Vec<TimeStampToken>,
}

/// `policy`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = siva::Policy)]
pub struct Policy {
    /// kyso's name of it, whatever the client asked for.
    pub policy_name: String,
    /// In a sentence.
    pub policy_description: String,
    /// A name of it that is unique in the world.
    pub policy_url: String,
}

/// `validatedDocument`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = siva::ValidatedDocument)]
pub struct ValidatedDocument {
    /// As the client called it.
    pub filename: String,
    /// Base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_hash: Option<String>,
    /// `SHA256`.
    pub hash_algo: &'static str,
}

/// A message: `{"content": "…"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = siva::Content)]
pub struct Content {
    /// An English sentence.
    pub content: String,
}

/// One of `signatures`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = siva::Signature)]
pub struct Signature {
    /// Unique in this answer.
    pub id: String,
    /// `TOTAL-PASSED`, `TOTAL-FAILED` or `INDETERMINATE`.
    pub indication: Indication,
    /// ETSI EN 319 102-1, such as `HASH_FAILURE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub_indication: Option<String>,
    /// Never empty unless TOTAL-PASSED.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Content>,
    /// What does not change the result.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Content>,
    /// Times, place and reason.
    pub info: Info,
    /// `PAdES_BASELINE_LT` and the like.
    pub signature_format: String,
    /// The algorithm as an identifier of XML signatures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature_method: Option<&'static str>,
    /// `ADES`, `INDETERMINATE_ADES` or `NOT_ADES`: whether a certificate is qualified by EU law is not looked at.
    pub signature_level: &'static str,
    /// "surname, given name, serial number" if the certificate has them, otherwise its common name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<String>,
    /// Parts of the subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject_distinguished_name: Option<SubjectName>,
    /// What is covered.
    pub signature_scopes: Vec<Scope>,
    /// What the signer's machine said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claimed_signing_time: Option<String>,
    /// The signer's, that of the evidence on its status, and those of time-stamps; each with its issuers as far as they
    /// were found.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<TypedCertificate>,
}

/// `info` of a signature.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = siva::Info)]
pub struct Info {
    /// Only where a time-stamp proves it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best_signature_time: Option<String>,
    /// genTime of the first valid signature time-stamp.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp_creation_time: Option<String>,
    /// thisUpdate of the OCSP answer about the signer's certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ocsp_response_creation_time: Option<String>,
    /// Base64 of the DigestInfo that the first valid signature time-stamp was made over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_assertion_message_imprint: Option<String>,
    /// `/Location` of the signature dictionary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature_production_place: Option<Place>,
    /// The roles that the signer claims.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub signer_role: Vec<SignerRole>,
    /// `/Reason` of the signature dictionary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signing_reason: Option<String>,
    /// Document time-stamps that were added after the signature.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub archive_time_stamps: Vec<ArchiveTimeStamp>,
}

/// `signatureProductionPlace`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = siva::Place)]
pub struct Place {
    /// As stated by the signer.
    pub city: String,
}

/// One of `signerRole`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = siva::SignerRole)]
pub struct SignerRole {
    /// As stated by the signer.
    pub claimed_role: String,
}

/// One of `archiveTimeStamps`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = siva::ArchiveTimeStamp)]
pub struct ArchiveTimeStamp {
    /// genTime.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_time: Option<String>,
    /// `PASSED`, `FAILED` or `INDETERMINATE`.
    pub indication: &'static str,
    /// ETSI EN 319 102-1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub_indication: Option<String>,
    /// The authority.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<String>,
    /// Of the authority's certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
}

/// `subjectDistinguishedName`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = siva::SubjectName)]
pub struct SubjectName {
    /// serialNumber.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial_number: Option<String>,
    /// CN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub common_name: Option<String>,
    /// givenName.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    /// SN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub surname: Option<String>,
}

/// One of `signatureScopes`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = siva::Scope)]
pub struct Scope {
    /// What is covered.
    pub name: String,
    /// `FULL` or `PARTIAL`.
    pub scope: &'static str,
    /// In words.
    pub content: &'static str,
    /// As the client sent it, where it sent digests; of a file apart from its signature, as it was computed here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash_algo: Option<String>,
    /// Base64, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
}

/// One of `certificates`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = siva::TypedCertificate)]
pub struct TypedCertificate {
    /// CN.
    pub common_name: String,
    /// `SIGNING`, `REVOCATION`, `SIGNATURE_TIMESTAMP`, `ARCHIVE_TIMESTAMP` or `CONTENT_TIMESTAMP`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Base64 of the DER.
    pub content: String,
    /// Who issued it, up to the anchor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<Box<IssuerCertificate>>,
}

/// `issuer` of a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = siva::IssuerCertificate, no_recursion)]
pub struct IssuerCertificate {
    /// CN.
    pub common_name: String,
    /// Base64 of the DER.
    pub content: String,
    /// Who issued that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<Box<IssuerCertificate>>,
}

/// One of `timeStampTokens`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = siva::TimeStampToken)]
pub struct TimeStampToken {
    /// `TOTAL-PASSED` or `TOTAL-FAILED`; SiVa knows no third here.
    pub indication: &'static str,
    /// ETSI EN 319 102-1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub_indication: Option<String>,
    /// The authority.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<String>,
    /// genTime.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_time: Option<String>,
    /// The authority's path.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<TypedCertificate>,
    /// What is wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Content>,
    /// What does not change the result.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Content>,
    /// The same as `errors`, for clients of older versions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub error: Vec<Content>,
    /// The same as `warnings`, for clients of older versions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warning: Vec<Content>,
    /// What is covered.
    pub timestamp_scopes: Vec<Scope>,
    /// `N/A`: whether an authority is qualified by EU law is not looked at.
    pub timestamp_level: &'static str,
}

impl Policy {
    fn of(document: &DocumentReport) -> Self {
        let name = &document.policy;
        let mut description = format!("kyso's validation policy '{name}'");
        if !document.cryptographic_policy.is_empty() {
            description = format!("{description}, cryptographic policy '{}'", document.cryptographic_policy);
        }
        Self {
            policy_name: name.clone(),
            policy_description: description
                + ". What a signature does not permit to be added after it makes it TOTAL-FAILED.",
            policy_url: format!("urn:kyso:validation-policy:{name}"),
        }
    }
}

impl Signature {
    fn of(signature: &SignatureReport, document: &DocumentReport) -> Self {
        let certificate = signature.known_path().first().and_then(parsed);
        let later = document.signatures.iter().skip_while(|one| one.id != signature.id).skip(1);
        let archive: Vec<&SignatureReport> = later.filter(|one| one.is_time_stamp()).collect();
        let mut certificates: Vec<TypedCertificate> =
            chain("SIGNING", signature.known_path()).into_iter().collect();
        certificates.extend(revocation_signer(signature));
        let stamps = signature.time_stamps.iter();
        certificates.extend(stamps.filter_map(|one| chain(kind_of(one), &one.certificates)));
        certificates.extend(archive.iter().filter_map(|one| chain("ARCHIVE_TIMESTAMP", &one.certificates)));
        let (errors, warnings) = messages(signature);
        Self {
            id: signature.id.clone(),
            indication: signature.indication,
            sub_indication: signature.sub_indication.clone(),
            errors,
            warnings,
            info: Info::of(signature, &archive),
            signature_format: signature.signature_format.replace('-', "_"),
            signature_method: signature.signature_algorithm.as_deref().and_then(signature_uri),
            signature_level: match signature.indication {
                Indication::TotalPassed => "ADES",
                Indication::Indeterminate => "INDETERMINATE_ADES",
                Indication::TotalFailed => "NOT_ADES",
            },
            signed_by: certificate
                .as_ref()
                .and_then(|certificate| full_name(certificate.subject()))
                .or_else(|| signature.signed_by.clone()),
            subject_distinguished_name: SubjectName::of(signature, certificate.as_ref()),
            signature_scopes: scopes(signature, document),
            claimed_signing_time: signature.claimed_signing_time.clone(),
            certificates,
        }
    }
}

impl Info {
    fn of(signature: &SignatureReport, archive: &[&SignatureReport]) -> Self {
        let proven = signature.best_signature_time_source == Some(TimeSource::TimeStamp);
        let passed = |stamp: &&TimeStampReport| {
            stamp.indication == Indication::TotalPassed && stamp.kind == TimeStampKind::Signature
        };
        let stamp = signature.time_stamps.iter().find(passed);
        let status = signature.certificates.first().and_then(|certificate| certificate.status.as_ref());
        let answer = status.filter(|status| status.source == StatusSource::Ocsp);
        let stamps = signature.time_stamps.iter();
        let own_archive =
            stamps.filter(|stamp| stamp.kind == TimeStampKind::Archive).map(ArchiveTimeStamp::carried);
        Self {
            best_signature_time: signature.best_signature_time.clone().filter(|_| proven),
            timestamp_creation_time: stamp.and_then(|stamp| stamp.production_time.clone()),
            ocsp_response_creation_time: answer.map(|status| status.this_update.clone()),
            time_assertion_message_imprint: stamp
                .and_then(|stamp| stamp.imprint.as_ref())
                .map(|imprint| STANDARD.encode(digest_info(imprint))),
            signature_production_place: signature.location.clone().map(|city| Place { city }),
            signer_role: signature
                .statements
                .signer_roles
                .iter()
                .map(|role| SignerRole { claimed_role: role.clone() })
                .collect(),
            signing_reason: signature.reason.clone(),
            archive_time_stamps: own_archive
                .chain(archive.iter().map(|one| ArchiveTimeStamp::of(one)))
                .collect(),
        }
    }
}

/// As DSS names the certificates of time-stamps.
fn kind_of(stamp: &TimeStampReport) -> &'static str {
    match stamp.kind {
        TimeStampKind::Archive => "ARCHIVE_TIMESTAMP",
        TimeStampKind::Content => "CONTENT_TIMESTAMP",
        TimeStampKind::Signature => "SIGNATURE_TIMESTAMP",
    }
}

fn stamp_indication(indication: Indication) -> &'static str {
    match indication {
        Indication::TotalPassed => "PASSED",
        Indication::TotalFailed => "FAILED",
        Indication::Indeterminate => "INDETERMINATE",
    }
}

impl ArchiveTimeStamp {
    /// One in the attributes of the signature.
    fn carried(stamp: &TimeStampReport) -> Self {
        let authority = stamp.certificates.first().and_then(parsed);
        Self {
            signed_time: stamp.production_time.clone(),
            indication: stamp_indication(stamp.indication),
            sub_indication: stamp.sub_indication.clone(),
            signed_by: stamp.produced_by.clone(),
            country: authority.and_then(|authority| authority.subject().attribute(oid::COUNTRY_NAME)),
        }
    }

    /// A document time-stamp.
    fn of(stamp: &SignatureReport) -> Self {
        let authority = stamp.certificates.first().and_then(parsed);
        Self {
            signed_time: stamped_at(stamp),
            indication: stamp_indication(stamp.indication),
            sub_indication: stamp.sub_indication.clone(),
            signed_by: stamp.signed_by.clone(),
            country: authority.and_then(|authority| authority.subject().attribute(oid::COUNTRY_NAME)),
        }
    }
}

impl TimeStampToken {
    fn of(stamp: &SignatureReport, document: &DocumentReport) -> Self {
        let (errors, warnings) = messages(stamp);
        let passed = stamp.indication == Indication::TotalPassed;
        Self {
            indication: if passed { "TOTAL-PASSED" } else { "TOTAL-FAILED" },
            sub_indication: stamp.sub_indication.clone(),
            signed_by: stamp.signed_by.clone(),
            signed_time: stamped_at(stamp),
            certificates: chain("CONTENT_TIMESTAMP", &stamp.certificates).into_iter().collect(),
            error: errors.clone(),
            warning: warnings.clone(),
            errors,
            warnings,
            timestamp_scopes: scopes(stamp, document),
            timestamp_level: "N/A",
        }
    }
}

impl SubjectName {
    fn of(signature: &SignatureReport, certificate: Option<&Certificate>) -> Option<Self> {
        let attribute = |oid: ObjectIdentifier| certificate.and_then(|one| one.subject().attribute(oid));
        let name = Self {
            serial_number: attribute(oid::SERIAL_NUMBER),
            common_name: attribute(oid::COMMON_NAME).or_else(|| signature.signed_by.clone()),
            given_name: attribute(oid::GIVEN_NAME),
            surname: attribute(oid::SURNAME),
        };
        let empty = [&name.serial_number, &name.common_name, &name.given_name, &name.surname];
        empty.iter().any(|part| part.is_some()).then_some(name)
    }
}

/// What the counts do not tell.
fn warnings(
    document: &DocumentReport,
    time_stamps: &[&SignatureReport],
    asked: Option<&str>,
) -> Vec<Content> {
    let mut warnings = Vec::new();
    if let Some(asked) = asked.filter(|asked| *asked != document.policy) {
        warnings.push(format!("Judged by kyso's policy '{}'; it has no policy '{asked}'.", document.policy));
    }
    for stamp in time_stamps.iter().filter(|one| one.indication != Indication::TotalPassed) {
        let reason = stamp.reason_against().map(|reason| reason.message.as_str()).unwrap_or_default();
        warnings.push(
            format!("The document time-stamp {} did not pass. {reason}", stamp.id).trim_end().to_owned(),
        );
    }
    warnings.into_iter().map(|content| Content { content }).collect()
}

/// Errors and warnings. Where only a warning says why a signature did not pass, it is the error.
fn messages(signature: &SignatureReport) -> (Vec<Content>, Vec<Content>) {
    let contents = |messages: &[Message]| -> Vec<Content> {
        messages.iter().map(|message| Content { content: message.message.clone() }).collect()
    };
    let (mut errors, mut warnings) = (contents(&signature.errors), contents(&signature.warnings));
    if signature.indication != Indication::TotalPassed && errors.is_empty() && !warnings.is_empty() {
        errors.push(warnings.remove(0));
    }
    (errors, warnings)
}

/// The time in a document time-stamp, believed or not.
fn stamped_at(stamp: &SignatureReport) -> Option<String> {
    let proven = stamp.best_signature_time_source == Some(TimeSource::TimeStamp);
    let own = stamp.time_stamps.first().and_then(|own| own.production_time.clone());
    own.or_else(|| stamp.best_signature_time.clone().filter(|_| proven))
        .or_else(|| stamp.claimed_signing_time.clone())
}

/// The documents of a container, the files that lie apart, or the one document.
fn scopes(signature: &SignatureReport, document: &DocumentReport) -> Vec<Scope> {
    if signature.scopes.is_empty() {
        let apart = !document.signed_files.is_empty() && signature.coverage == CoverageLevel::Document;
        return if apart {
            document.signed_files.iter().map(apart_from_signature).collect()
        } else {
            vec![scope(signature)]
        };
    }
    let scopes = signature.scopes.iter().map(|covered| {
        let (scope, content) = if covered.whole {
            ("FULL", "Digest of the document content")
        } else {
            ("PARTIAL", "Digest of what transforms leave of the document")
        };
        Scope { name: covered.name.clone(), scope, content, hash_algo: None, hash: None }
    });
    scopes.collect()
}

/// A file that the signature is about and does not hold: all its bytes were digested here.
fn apart_from_signature(file: &SignedFile) -> Scope {
    let hash = hex::decode(&file.sha256).ok().map(|bytes| STANDARD.encode(bytes));
    Scope {
        name: file.name.clone(),
        scope: "FULL",
        content: "Digest of the document content",
        hash_algo: hash.is_some().then(|| "SHA256".to_owned()),
        hash,
    }
}

fn scope(signature: &SignatureReport) -> Scope {
    let (name, scope, content) = match signature.coverage {
        CoverageLevel::Document => match kind(signature) {
            Kind::Pdf => ("Full PDF", "FULL", "Full document"),
            Kind::Cms => ("Full document", "FULL", "The content that lies inside the signature"),
            Kind::Xml => ("Full XML file", "FULL", "The XML document that holds the signature"),
        },
        CoverageLevel::Revision => (
            "Previous revision of the PDF",
            "PARTIAL",
            "The whole document as it was when it was signed; something was appended later",
        ),
        CoverageLevel::Partial => ("Partial PDF", "PARTIAL", "Not all bytes of any revision of the document"),
        CoverageLevel::Digest => ("Digest", "PARTIAL", "What the caller digested; the document was not seen"),
    };
    Scope { name: name.to_owned(), scope, content, hash_algo: None, hash: None }
}

/// In what a signature lies.
enum Kind {
    Cms,
    Pdf,
    Xml,
}

fn kind(signature: &SignatureReport) -> Kind {
    let is = |prefix| signature.signature_format.starts_with(prefix);
    // Of the older kind there are both: in a PDF it stands in a field.
    if is("CAdES") || (is("PKCS7") && signature.field.is_empty()) {
        Kind::Cms
    } else if is("XAdES") || is("XML") {
        Kind::Xml
    } else {
        Kind::Pdf
    }
}

fn parsed(certificate: &CertificateReport) -> Option<Certificate> {
    Certificate::from_der(&certificate.der).ok()
}

/// "surname, given name, serial number", if all are there.
fn full_name(subject: &Name) -> Option<String> {
    let parts = [oid::SURNAME, oid::GIVEN_NAME, oid::SERIAL_NUMBER].map(|part| subject.attribute(part));
    let [Some(surname), Some(given), Some(serial)] = parts else { return None };
    Some(format!("{surname}, {given}, {serial}"))
}

/// Whose key signed the evidence on the status of the signer's certificate.
fn revocation_signer(signature: &SignatureReport) -> Option<TypedCertificate> {
    let status = signature.certificates.first()?.status.as_ref()?;
    let signer = Certificate::from_der(&status.signer_der).ok()?;
    chain("REVOCATION", &[CertificateReport::of(&signer, None)])
}

/// The first certificate of a path, its issuers inside; `None` where the encodings are not at hand.
fn chain(kind: &'static str, path: &[CertificateReport]) -> Option<TypedCertificate> {
    let (first, issuers) = path.split_first().filter(|(first, _)| !first.der.is_empty())?;
    let known: Vec<_> = issuers.iter().take_while(|issuer| !issuer.der.is_empty()).collect();
    let issuer = known.into_iter().rev().fold(None, |issuer, one| {
        let (common_name, content) = (common_name(one), STANDARD.encode(&one.der));
        Some(Box::new(IssuerCertificate { common_name, content, issuer }))
    });
    Some(TypedCertificate {
        common_name: common_name(first),
        kind,
        content: STANDARD.encode(&first.der),
        issuer,
    })
}

/// The common name, or all of the subject where there is none.
fn common_name(certificate: &CertificateReport) -> String {
    let name = parsed(certificate).and_then(|parsed| parsed.subject().common_name());
    name.unwrap_or_else(|| certificate.subject.clone())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::rendering::sample;

    fn conclusion(document: &DocumentReport, asked: Option<&str>) -> Value {
        let mut answer = serde_json::to_value(simple_report(document, asked)).unwrap();
        answer["validationReport"]["validationConclusion"].take()
    }

    #[test]
    fn a_valid_document_has_the_shape_of_siva() {
        let answer = conclusion(&sample::document(vec![sample::signature()]), None);
        assert_eq!(answer["signaturesCount"], 1);
        assert_eq!(answer["validSignaturesCount"], 1);
        assert_eq!(answer["validationLevel"], "ARCHIVAL_DATA");
        assert_eq!(answer["validatedDocument"]["hashAlgo"], "SHA256");
        assert_eq!(answer["validatedDocument"]["fileHash"], STANDARD.encode([0xab; 32]));
        for absent in ["signatureForm", "timeStampTokens", "validationWarnings"] {
            assert!(answer.get(absent).is_none(), "{absent}");
        }
        let signature = &answer["signatures"][0];
        assert_eq!(signature["indication"], "TOTAL-PASSED");
        assert_eq!(signature["signatureFormat"], "PAdES_BASELINE_LT");
        assert_eq!(signature["signatureMethod"], "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256");
        assert_eq!(signature["signatureLevel"], "ADES");
        assert_eq!(signature["info"]["bestSignatureTime"], "2026-11-22T01:15:09Z");
        assert_eq!(signature["info"]["timestampCreationTime"], "2026-11-22T01:15:09Z");
        assert_eq!(signature["info"]["ocspResponseCreationTime"], "2026-11-22T01:20:00Z");
        assert_eq!(signature["info"]["signingReason"], "Phê duyệt");
        assert_eq!(
            signature["signatureScopes"],
            json!([{"name": "Full PDF", "scope": "FULL", "content": "Full document"}])
        );
        for absent in ["subIndication", "errors", "warnings"] {
            assert!(signature.get(absent).is_none(), "{absent}");
        }
        let certificates = signature["certificates"].as_array().unwrap();
        let kinds: Vec<_> = certificates.iter().map(|one| one["type"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["SIGNING", "REVOCATION", "SIGNATURE_TIMESTAMP"]);
        assert_eq!(certificates[1]["content"], STANDARD.encode(sample::authority().der()));
        let imprint = signature["info"]["timeAssertionMessageImprint"].as_str().unwrap();
        assert!(imprint.starts_with("MDEwDQYJYIZIAWUDBAIBBQAEI"), "a DigestInfo of SHA-256: {imprint}");
        let issuer = &certificates[0]["issuer"];
        assert_eq!(issuer["commonName"], sample::authority().subject().common_name().unwrap());
        assert_eq!(issuer["content"], STANDARD.encode(sample::authority().der()));
        assert_eq!(issuer["issuer"]["content"], STANDARD.encode(sample::root().der()));
        assert!(issuer["issuer"].get("issuer").is_none());
    }

    /// Only a PDF is called one; a file apart is called by its name, and what was not seen is not called full.
    #[test]
    fn scopes_say_what_was_signed() {
        let file = SignedFile { name: "Công văn.docx".to_owned(), sha256: "ab".repeat(32) };
        let hash = STANDARD.encode([0xab; 32]);
        for (format, field, coverage, apart, expected) in [
            (
                "PAdES-BASELINE-T",
                "Signature1",
                CoverageLevel::Document,
                false,
                json!(["Full PDF", "FULL", null]),
            ),
            ("PKCS7-T", "Signature1", CoverageLevel::Document, false, json!(["Full PDF", "FULL", null])),
            ("CAdES-BASELINE-B", "", CoverageLevel::Document, true, json!(["Công văn.docx", "FULL", hash])),
            ("PKCS7-B", "", CoverageLevel::Document, true, json!(["Công văn.docx", "FULL", hash])),
            ("CAdES-BASELINE-B", "", CoverageLevel::Document, false, json!(["Full document", "FULL", null])),
            ("PKCS7-B", "", CoverageLevel::Document, false, json!(["Full document", "FULL", null])),
            ("CAdES-BASELINE-B", "", CoverageLevel::Digest, false, json!(["Digest", "PARTIAL", null])),
            (
                "XAdES-BASELINE-T",
                "id-1",
                CoverageLevel::Document,
                false,
                json!(["Full XML file", "FULL", null]),
            ),
            (
                "XAdES-BASELINE-T",
                "id-1",
                CoverageLevel::Document,
                true,
                json!(["Công văn.docx", "FULL", hash]),
            ),
            ("XML-NOT-ETSI", "id-1", CoverageLevel::Document, false, json!(["Full XML file", "FULL", null])),
            (
                "PAdES-BASELINE-T",
                "Signature1",
                CoverageLevel::Revision,
                false,
                json!(["Previous revision of the PDF", "PARTIAL", null]),
            ),
        ] {
            let signature = SignatureReport {
                signature_format: format.to_owned(),
                field: field.to_owned(),
                coverage,
                ..sample::signature()
            };
            let document = DocumentReport {
                signed_files: apart.then(|| file.clone()).into_iter().collect(),
                ..sample::document(vec![signature])
            };
            let scopes = conclusion(&document, None)["signatures"][0]["signatureScopes"].clone();
            let told = json!([scopes[0]["name"], scopes[0]["scope"], scopes[0]["hash"]]);
            assert_eq!((told, scopes.as_array().map(Vec::len)), (expected, Some(1)), "{format} {coverage:?}");
        }
    }

    #[test]
    fn what_is_not_known_is_left_out_and_not_made_up() {
        let unchained = SignatureReport { certificates: Vec::new(), ..sample::signature() };
        let answer = conclusion(&sample::document(vec![unchained]), None);
        let certificates = answer["signatures"][0]["certificates"].as_array().unwrap();
        assert_eq!(certificates[0]["type"], "SIGNING");
        assert!(certificates[0].get("issuer").is_none(), "no path is relied on");

        let bare = SignatureReport {
            signer: None,
            certificates: Vec::new(),
            time_stamps: Vec::new(),
            signed_by: None,
            signature_algorithm: Some("ROT13withLuck".to_owned()),
            best_signature_time_source: Some(TimeSource::ValidationTime),
            ..sample::signature()
        };
        let answer = conclusion(&sample::document(vec![bare]), Some("POLv4"));
        let signature = &answer["signatures"][0];
        for absent in ["certificates", "signedBy", "subjectDistinguishedName", "signatureMethod"] {
            assert!(signature.get(absent).is_none(), "{absent}");
        }
        assert!(signature["info"].get("bestSignatureTime").is_none(), "nothing proves a time");
        let warning = answer["validationWarnings"][0]["content"].as_str().unwrap();
        assert!(warning.contains("'strict'") && warning.contains("'POLv4'"), "{warning}");
    }

    #[test]
    fn a_signature_that_did_not_pass_always_says_why() {
        let unknown = SignatureReport {
            indication: Indication::Indeterminate,
            sub_indication: Some("TRY_LATER".to_owned()),
            warnings: vec![sample::message("status.unknown"), sample::message("signing-time.absent")],
            ..sample::signature()
        };
        let answer = conclusion(&sample::document(vec![unknown]), None);
        assert_eq!(answer["validSignaturesCount"], 0);
        let signature = &answer["signatures"][0];
        assert_eq!(signature["indication"], "INDETERMINATE");
        assert_eq!(signature["subIndication"], "TRY_LATER");
        assert_eq!(signature["signatureLevel"], "INDETERMINATE_ADES");
        assert_eq!(signature["errors"], json!([{"content": "About status.unknown."}]));
        assert_eq!(signature["warnings"], json!([{"content": "About signing-time.absent."}]));
    }

    #[test]
    fn document_time_stamps_are_not_counted_and_not_lost() {
        let failed = SignatureReport {
            indication: Indication::TotalFailed,
            sub_indication: Some("HASH_FAILURE".to_owned()),
            errors: vec![sample::message("time-stamp.invalid")],
            ..sample::time_stamp("S-2")
        };
        let answer = conclusion(&sample::document(vec![sample::signature(), failed.clone()]), None);
        assert_eq!((&answer["signaturesCount"], &answer["validSignaturesCount"]), (&json!(1), &json!(1)));
        let archive = &answer["signatures"][0]["info"]["archiveTimeStamps"][0];
        assert_eq!(
            (&archive["indication"], &archive["subIndication"]),
            (&json!("FAILED"), &json!("HASH_FAILURE"))
        );
        assert_eq!(
            answer["validationWarnings"],
            json!([{"content": "The document time-stamp S-2 did not pass. About time-stamp.invalid."}])
        );
        assert!(answer.get("timeStampTokens").is_none());
        let alone = conclusion(&sample::document(vec![failed]), None);
        assert_eq!(alone["signaturesCount"], 0);
        assert_eq!(alone["timeStampTokens"][0]["indication"], "TOTAL-FAILED");
        assert_eq!(alone["timeStampTokens"][0]["errors"], alone["timeStampTokens"][0]["error"]);
    }
}
