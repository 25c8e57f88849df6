//! The task of signing XML, or other files by a signature in XML: prepare, sign, stamp, keep evidence, verify, release.
//!
//! As with PDFs, the output gets its name in the last step, and only after the judge has found the new signature whole
//! in it, at the level that was asked for. XML lies in memory at once; files beside a detached signature are read for
//! their digest, once by the signer and once by the judge.

use std::{path::Path, sync::Arc};

use super::{
    Copy, Identity, Released, SignError, SigningDesk, Steps,
    cms::{material, stamp_algorithm, valid},
    timed,
};
use crate::{
    base::{DigestAlgorithm, MemorySource, Source, UtcTime},
    cms::Statements,
    service::verify::{self, Age, Options, VerifyError},
    signing::xades::{
        FileToSign, Frame, XadesFile, XadesRequest, XmlForm, check_document, prepare_detached,
        prepare_enveloped,
    },
    token::TokenError,
    validation::{CoverageLevel, Detached, DocumentReport, Evidence, Indication, Level, OpenError},
    x509::algorithm::SignatureScheme,
    xml::XmlLimits,
};

/// What is wanted of an XML signature.
#[derive(Clone, Debug)]
pub struct XadesWishes {
    /// T and up ask the time-stamp authority, LT and LTA the responders and lists of revocation as well.
    pub level: Level,
    /// How XML is made octets.
    pub form: XmlForm,
    /// Where it is signed.
    pub location: Option<String>,
    /// What is said under protection: policy, commitment, roles.
    pub statements: Statements,
    /// As [`crate::signing::Wishes::any_usage`].
    pub any_usage: bool,
}

impl Default for XadesWishes {
    fn default() -> Self {
        Self {
            level: Level::B,
            form: XmlForm::default(),
            location: None,
            statements: Statements::default(),
            any_usage: false,
        }
    }
}

/// How far a signature is raised that is no revision of a PDF.
#[derive(Clone, Copy, Debug)]
pub(in crate::service) struct Raise {
    pub(in crate::service) to: Level,
    /// A fresh archive time-stamp although there is one.
    pub(in crate::service) renew: bool,
    /// With whatever evidence there is, although it cannot be relied on.
    pub(in crate::service) even_if_not_valid: bool,
    /// Evidence that was fetched before is of no use.
    pub(in crate::service) after_signature: bool,
    /// For time-stamps, where authorities take it.
    pub(in crate::service) digest: DigestAlgorithm,
}

impl Raise {
    /// For a signature that was just made.
    pub(super) fn new(to: Level, digest: DigestAlgorithm) -> Self {
        Self { to, renew: false, even_if_not_valid: false, after_signature: false, digest }
    }

    /// Which evidence is taken at this moment.
    pub(super) fn age(self, now: UtcTime) -> Age {
        if self.after_signature { Age::Since(now) } else { Age::New }
    }
}

/// What an XML signature is about.
pub enum XmlSubject<'a> {
    /// A document that the signature goes into.
    Enveloped(&'a dyn Source),
    /// Files that it lies beside, by their names.
    Detached(&'a [Detached]),
}

impl SigningDesk {
    /// Signs `subject` into `output`, which appears whole or not at all.
    ///
    /// # Errors
    ///
    /// See [`SignError`]. Nothing of the subject is touched; without a released file there is no output file.
    pub fn sign_xades(
        &self,
        subject: &XmlSubject<'_>,
        output: &Path,
        identity: Identity,
        wishes: &XadesWishes,
        sign: impl FnOnce(SignatureScheme, &[u8]) -> Result<Vec<u8>, TokenError>,
    ) -> Result<Released, SignError> {
        let now = self.clock.now();
        let mut took = Steps::default();
        self.may_reach(wishes.level)?;
        let Identity { certificate, chain, scheme } = identity;
        let request = XadesRequest {
            signer: certificate,
            chain,
            scheme,
            form: wishes.form,
            location: wishes.location.clone(),
            statements: wishes.statements.clone(),
            seed: self.chance.bytes(),
            any_usage: wishes.any_usage,
        };
        let detached = match subject {
            XmlSubject::Enveloped(_) => &[],
            XmlSubject::Detached(files) => *files,
        };
        let prepared = match subject {
            XmlSubject::Enveloped(document) => {
                let bytes = timed(&mut took.copy, || whole(*document))?;
                timed(&mut took.prepare, || prepare_enveloped(bytes, request, now))?
            }
            XmlSubject::Detached(files) => {
                let files = timed(&mut took.copy, || hashed(files, scheme.digest()))?;
                timed(&mut took.prepare, || prepare_detached(&files, Frame::Alone, request, now))?
            }
        };
        let value = timed(&mut took.sign, || sign(prepared.scheme(), prepared.to_be_signed()))?;
        let file = prepared.finish(&value)?;
        // The key is done. What follows may fail and be tried again without it.
        let raise = Raise::new(wishes.level, scheme.digest());
        let file = timed(&mut took.stamp, || self.raise_xml(file, detached, raise, now))?;
        self.release_xml(file, detached, output, wishes.level, now, took)
    }

    /// The levels above B, one after the other.
    pub(in crate::service) fn raise_xml(
        &self,
        mut file: XadesFile,
        detached: &[Detached],
        raise: Raise,
        now: UtcTime,
    ) -> Result<XadesFile, SignError> {
        let Raise { to, renew, even_if_not_valid, digest, .. } = raise;
        let digest = stamp_algorithm(digest);
        if to >= Level::T && !file.is_stamped()? {
            let (token, ()) =
                self.token_for(digest, |digest, nonce| Ok((file.time_stamp_request(digest, nonce)?, ())))?;
            file = file.stamp(&token, &self.limits)?;
        }
        let has_it = |file: &XadesFile| {
            Ok::<_, SignError>(reaches(&self.judged(file.bytes().to_vec(), detached, now)?, file.id(), to))
        };
        if to >= Level::Lt && (renew || !has_it(&file)?) {
            let source = Arc::new(MemorySource(file.bytes().to_vec()));
            let moment = self.clock.now();
            let inspection = self.gather(source, detached, moment, raise.age(moment))?;
            let report = of(inspection.judge("XML", &self.policy, &self.anchors, moment), file.id());
            if !even_if_not_valid {
                valid(&report, to)?;
            }
            let held = file.held()?;
            let mut missing: Vec<Evidence> = Vec::new();
            for one in material(&inspection, &report) {
                if !held.contains(&one) && !missing.contains(&one) {
                    missing.push(one);
                }
            }
            file = file.keep(&missing)?;
            if to >= Level::Lta {
                let (token, ()) = self.token_for(digest, |digest, nonce| {
                    Ok((file.archive_request(detached, digest, nonce)?, ()))
                })?;
                file = file.archive(&token, detached, &self.limits)?;
            }
        }
        Ok(file)
    }

    fn options(&self, now: UtcTime) -> Options<'_> {
        Options {
            anchors: &self.anchors,
            policy: &self.policy,
            moment: now,
            fetcher: None,
            limits: &self.limits,
        }
    }

    /// What the judge says of a file by itself.
    fn judged(
        &self,
        bytes: Vec<u8>,
        detached: &[Detached],
        now: UtcTime,
    ) -> Result<DocumentReport, SignError> {
        let source = Arc::new(MemorySource(bytes));
        Ok(verify::verify_signed("", source, detached, &self.options(now))?)
    }

    /// The verify walk over the result, then its name.
    fn release_xml(
        &self,
        file: XadesFile,
        detached: &[Detached],
        output: &Path,
        level: Level,
        now: UtcTime,
        mut took: Steps,
    ) -> Result<Released, SignError> {
        let id = file.id().to_owned();
        let result = MemorySource(file.into_bytes());
        let copy = Copy::of(&result, output, DigestAlgorithm::Sha256)?;
        let name = output.file_name().unwrap_or_default().to_string_lossy();
        let options = Options { fetcher: self.online.then_some(&*self.fetcher), ..self.options(now) };
        let (inspection, report) = timed(&mut took.verify, || {
            verify::inspect_signed(&name, copy.source()?, detached, &options).map_err(SignError::from)
        })?;
        sound(&report, &id)?;
        // At B the level needs no anchor; at LT the file has to say so by itself.
        let kept = match level {
            Level::Lt | Level::Lta => reaches(&self.judged(result.0, detached, now)?, &id, level),
            Level::B | Level::T => true,
        };
        if !kept {
            let reasons = report.signatures.iter().filter(|one| one.field == id);
            let reasons =
                reasons.flat_map(|one| one.level_reasons.iter().chain(&one.errors).chain(&one.warnings));
            let reasons: Vec<&str> = reasons.map(|reason| reason.message.as_str()).collect();
            return Err(refused(&format!(
                "it does not reach level {}: {}",
                level.as_str(),
                reasons.join("; ")
            )));
        }
        copy.release(output)?;
        Ok(Released {
            path: output.to_owned(),
            report,
            field: id,
            placement: None,
            took,
            asked: level,
            deferred: None,
            good_until: self.good_until(&inspection, level, now),
        })
    }
}

/// The report of one signature alone.
fn of(report: DocumentReport, id: &str) -> DocumentReport {
    let signatures: Vec<_> =
        report.signatures.iter().filter(|signature| signature.field == id).cloned().collect();
    DocumentReport { overall: DocumentReport::overall_of(&signatures), signatures, ..report }
}

/// Whether the judge found the signature whole.
fn sound(report: &DocumentReport, id: &str) -> Result<(), SignError> {
    let Some(signature) = report.signatures.iter().find(|signature| signature.field == id) else {
        return Err(refused("the new signature is not found in the result"));
    };
    if signature.indication == Indication::TotalFailed {
        let words: Vec<_> = signature.errors.iter().map(|error| error.message.as_str()).collect();
        return Err(refused(&words.join("; ")));
    }
    if !signature.digest_matches || !signature.signature_matches {
        return Err(refused("the new signature does not fit the result"));
    }
    if signature.coverage != CoverageLevel::Document {
        return Err(refused("the new signature does not cover the result"));
    }
    if !signature.signature_format.starts_with("XAdES-BASELINE-") {
        return Err(refused("the new signature is no XAdES baseline signature"));
    }
    Ok(())
}

/// Whether the signature is valid and of this level at least, by what the file holds.
fn reaches(report: &DocumentReport, id: &str, level: Level) -> bool {
    let levels = [Level::B, Level::T, Level::Lt, Level::Lta];
    let good = |format: &str| {
        levels.iter().any(|one| *one >= level && format == format!("XAdES-BASELINE-{}", one.as_str()))
    };
    report.signatures.iter().any(|signature| {
        signature.field == id
            && signature.indication == Indication::TotalPassed
            && good(&signature.signature_format)
    })
}

/// Whether an XML document can take a signature, before anybody is asked for a PIN.
///
/// # Errors
///
/// As [`SigningDesk::sign_xades`].
pub fn check_xml(document: &dyn Source) -> Result<(), SignError> {
    Ok(check_document(&whole(document)?)?)
}

/// All of an XML document, which lies in memory at once.
fn whole(source: &dyn Source) -> Result<Vec<u8>, SignError> {
    let limit = XmlLimits::default().bytes as u64;
    if source.len() > limit {
        return Err(VerifyError::from(OpenError::Limit { kind: "an XML file", limit }).into());
    }
    source.read(0..source.len()).map_err(|source| SignError::Input { source })
}

fn hashed(files: &[Detached], algorithm: DigestAlgorithm) -> Result<Vec<FileToSign>, SignError> {
    let hash = |file: &Detached| {
        let hasher = file.source.hasher(algorithm, file.source.len());
        let digest = hasher.map_err(|source| SignError::Input { source })?.finish();
        Ok(FileToSign {
            name: file.name.clone(),
            digest,
            media_type: media_type(&file.name).map(str::to_owned),
        })
    };
    files.iter().map(hash).collect()
}

/// The media type that a name tells, for DataObjectFormat (clause 5.2.4).
fn media_type(name: &str) -> Option<&'static str> {
    let (_, extension) = name.rsplit_once('.')?;
    Some(match extension.to_ascii_lowercase().as_str() {
        "pdf" => "application/pdf",
        "xml" | "edxml" => "text/xml",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "zip" => "application/zip",
        "txt" => "text/plain",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        _ => return None,
    })
}

fn refused(reason: &str) -> SignError {
    SignError::NotReleased { reason: reason.to_owned() }
}
