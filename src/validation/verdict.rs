//! The verdict: what the bytes say and what trust says, put together (ETSI EN 319 102-1 sections 5.3 to 5.6).
//!
//! Time-stamps come first, the newest document time-stamp before all: each proves that what it covers existed at
//! its time, and so shifts the time for which older things have to hold. Then each signature is judged at the
//! earliest time that is proven for it, or at the moment of validation.

use der::oid::ObjectIdentifier;

use super::{
    CertificateReport, CoverageLevel, Indication, Inspection, Message, ModificationLevel, Need,
    SignatureReport, StatusEvidence, TimeSource, TimeStampReport,
    cms::{Checked, CheckedToken, Finding},
    inspect::{Body, Scope, Signature, Stamp},
    modifications::{PermittedKinds, modifications},
    words::Key,
};
use crate::{
    base::{DigestAlgorithm, Sha256, UtcTime},
    ocsp,
    trust::{
        Anchors, Assessment, ChainFault, Control, Court, Distrust, Lack, Purpose, SKEW, StatusItem, Trusted,
    },
    x509::Certificate,
};

/// The reports of all signatures, and what would help those that are not settled.
pub(super) fn judge(
    inspection: &Inspection,
    anchors: &Anchors,
    moment: UtcTime,
) -> (Vec<SignatureReport>, Vec<Need>) {
    let mut bench = Bench { inspection, anchors, moment, proofs: Vec::new(), needs: Vec::new() };
    let signatures = &inspection.signatures;
    let mut reports: Vec<Option<SignatureReport>> = signatures.iter().map(|_| None).collect();
    for (index, signature) in signatures.iter().enumerate().rev() {
        if let Body::TimeStamp(token) = &signature.body {
            let report = bench.document_time_stamp(index, signature, token);
            if let Some(slot) = reports.get_mut(index) {
                *slot = Some(report);
            }
        }
    }
    let reports = signatures.iter().zip(reports).enumerate().map(|(index, (signature, ready))| {
        ready.unwrap_or_else(|| match &signature.body {
            Body::Cms { checked, stamps, signing_time, .. } => {
                bench.signature(index, signature, checked, stamps, *signing_time)
            }
            Body::TimeStamp(_) | Body::None => Draft::new(index, signature).finish(None),
        })
    });
    let reports = reports.collect();
    (reports, bench.needs)
}

/// One judgement under way.
struct Bench<'a> {
    inspection: &'a Inspection,
    anchors: &'a Anchors,
    moment: UtcTime,
    /// Valid document time-stamps: the revision that each covers, and its time.
    proofs: Vec<(usize, UtcTime)>,
    needs: Vec<Need>,
}

/// What a time-stamp is worth.
enum Worth {
    /// It proves its time.
    Proof { time: UtcTime, trusted: Box<Trusted> },
    /// It belongs to something else, or its signature is wrong.
    Broken(&'static str),
    /// SHA-1.
    Weak,
    /// It is whole, but cannot be relied on.
    Doubt(String),
    /// Its authority's certificate cannot be relied on.
    Distrusted(Box<Distrust>),
}

impl Bench<'_> {
    /// A document time-stamp (ISO 32000-2 section 12.8.5); if it holds, it proves all that it covers.
    fn document_time_stamp(
        &mut self,
        index: usize,
        signature: &Signature,
        token: &CheckedToken,
    ) -> SignatureReport {
        let control = self.control(self.proven_after(signature.field.revision));
        let mut draft = Draft::new(index, signature);
        draft.describe(token.checked.signer.as_ref(), token.checked.scheme);
        draft.report.digest_matches = token.imprint_matches && token.checked.digest_matches;
        draft.report.signature_matches = token.checked.signature_matches;
        if signature.is_in_order() && !token.imprint_matches {
            draft.findings.push(Finding::fatal("HASH_FAILURE", Key::DigestMismatch.plain()));
        }
        draft.findings.extend(token.checked.findings.iter().cloned());
        if draft.is_lost() {
            return draft.finish(None);
        }
        match self.weigh(token, control, None) {
            Worth::Proof { time, trusted } => {
                if draft.may_prove() {
                    self.proofs.extend(signature.covers().map(|revision| (revision, time)));
                }
                draft.report.best_signature_time = Some(time.to_string());
                draft.report.best_signature_time_source = Some(TimeSource::TimeStamp);
                return draft.finish(Some(&trusted));
            }
            Worth::Broken(what) => {
                let message = Key::TimeStampInvalid.message(format!("The time-stamp is broken: {what}."));
                draft.findings.push(Finding::fatal("SIG_CRYPTO_FAILURE", message));
            }
            Worth::Weak => {
                let message = Key::TimeStampWeak.plain();
                draft.findings.push(Finding::open("CRYPTO_CONSTRAINTS_FAILURE", message));
            }
            Worth::Doubt(what) => {
                let message = Key::TimeStampUntrusted.message(what);
                draft.findings.push(Finding::open("SIG_CONSTRAINTS_FAILURE", message));
            }
            Worth::Distrusted(distrust) => draft.distrust(&distrust, control, token.checked.signer.as_ref()),
        }
        draft.finish(None)
    }

    /// A CMS signature, with its time-stamps.
    fn signature(
        &mut self,
        index: usize,
        signature: &Signature,
        checked: &Checked,
        stamps: &[Stamp],
        signing_time: Option<UtcTime>,
    ) -> SignatureReport {
        let mut draft = Draft::new(index, signature);
        draft.describe(checked.signer.as_ref(), checked.scheme);
        draft.report.digest_matches = checked.digest_matches;
        draft.report.signature_matches = checked.signature_matches;
        draft.findings.extend(checked.findings.iter().cloned());
        draft.warnings.extend(checked.warnings.iter().cloned());
        let claimed = signature.field.claimed_time.or(signing_time);
        draft.report.claimed_signing_time = claimed.map(|time| time.to_string());
        let stamped = stamps.iter().any(|stamp| matches!(stamp, Stamp::Token(token) if token.intact()));
        format_name(signature, checked, stamped).clone_into(&mut draft.report.signature_format);
        if draft.is_lost() {
            return draft.finish(None);
        }

        let later = self.proven_after(signature.field.revision);
        let proven = stamps.iter().filter_map(|stamp| self.proven_by(stamp, later, index, &mut draft));
        let proven: Vec<UtcTime> = proven.collect();
        let best = proven.into_iter().chain(later).min();
        let control = self.control(best);
        draft.report.best_signature_time = Some(control.at.to_string());
        draft.report.best_signature_time_source =
            Some(if control.proven { TimeSource::TimeStamp } else { TimeSource::ValidationTime });
        draft.compare_times(claimed, control);
        let Some(signer) = &checked.signer else { return draft.finish(None) };
        let known_by = control.proven.then_some((index, control.at));
        let assessment = self.assess(signer, Purpose::Signing, control, known_by);
        match assessment {
            Ok(trusted) => {
                if let Some((at, _)) = trusted.revoked_later() {
                    let message = Key::CertificateRevokedLater.message(format!(
                        "The signer's certificate was revoked at {at}, after the proven time of the signature."
                    ));
                    draft.warnings.push(message);
                }
                draft.finish(Some(&trusted))
            }
            Err(distrust) => {
                draft.distrust(&distrust, control, Some(signer));
                draft.finish(None)
            }
        }
    }

    /// The time that a signature time-stamp proves, if it does; else why not goes into the draft.
    fn proven_by(
        &mut self,
        stamp: &Stamp,
        later: Option<UtcTime>,
        index: usize,
        draft: &mut Draft,
    ) -> Option<UtcTime> {
        let broken = |what: &str| {
            let message =
                Key::TimeStampInvalid.message(format!("The time-stamp of the signature is broken: {what}."));
            Finding::open("SIG_CONSTRAINTS_FAILURE", message)
        };
        let token = match stamp {
            Stamp::Broken(reason) => {
                let finding = broken(reason);
                draft.report.time_stamps.push(unread_time_stamp(finding.message.clone()));
                draft.findings.push(finding);
                return None;
            }
            Stamp::Token(token) => token,
        };
        let mut report = time_stamp(token);
        let (failed, sub_indication, message) =
            match self.weigh(token, self.control(later), later.map(|time| (index, time))) {
                Worth::Proof { time, trusted } => {
                    report.certificates = path(&trusted);
                    draft.report.time_stamps.push(report);
                    return Some(time);
                }
                Worth::Broken(what) => {
                    let finding = broken(what);
                    draft.findings.push(finding.clone());
                    (
                        true,
                        if token.imprint_matches { "SIG_CRYPTO_FAILURE" } else { "HASH_FAILURE" },
                        finding.message,
                    )
                }
                Worth::Weak => (false, "CRYPTO_CONSTRAINTS_FAILURE", Key::TimeStampWeak.plain()),
                Worth::Doubt(what) => {
                    (false, "SIG_CONSTRAINTS_FAILURE", Key::TimeStampUntrusted.message(what))
                }
                Worth::Distrusted(distrust) => {
                    let message = format!("The time-stamp proves no time: {distrust}.");
                    let sub_indication = sub_indication(&distrust);
                    (false, sub_indication, Key::TimeStampUntrusted.message(message))
                }
            };
        if !failed {
            draft.warnings.push(message.clone());
        }
        report.indication = if failed { Indication::TotalFailed } else { Indication::Indeterminate };
        report.sub_indication = Some(sub_indication.to_owned());
        report.errors.push(message);
        draft.report.time_stamps.push(report);
        None
    }

    /// RFC 3161 section 2.4.2, and the authority's own path.
    fn weigh(&mut self, token: &CheckedToken, control: Control, known_by: Option<(usize, UtcTime)>) -> Worth {
        if !token.imprint_matches {
            return Worth::Broken("it was made for something else");
        }
        if !token.intact() {
            return Worth::Broken("its own signature does not hold");
        }
        if token.weak {
            return Worth::Weak;
        }
        if let Some(finding) = token.checked.findings.first() {
            return Worth::Doubt(format!("The time-stamp proves no time. {}", finding.message.message));
        }
        let Some(authority) = &token.checked.signer else {
            return Worth::Doubt("The certificate of the time-stamp's authority is missing.".to_owned());
        };
        let time = token.info.gen_time;
        if time > latest(self.moment) {
            return Worth::Doubt(format!("The time-stamp bears a time in the future, {time}."));
        }
        if time < authority.not_before() || time > authority.not_after() {
            return Worth::Doubt("The time-stamp was made outside its certificate's validity.".to_owned());
        }
        match self.assess(authority, Purpose::TimeStamping, control, known_by) {
            // A clock that is a little ahead proves no more than now.
            Ok(trusted) => Worth::Proof { time: time.min(self.moment), trusted: Box::new(trusted) },
            Err(distrust) => Worth::Distrusted(Box::new(distrust)),
        }
    }

    /// Asks the court, and keeps what it lacked.
    ///
    /// `known_by`: a signature and the time by which it is proven to have existed, with the evidence that it protects.
    fn assess(
        &mut self,
        certificate: &Certificate,
        purpose: Purpose,
        control: Control,
        known_by: Option<(usize, UtcTime)>,
    ) -> Result<Trusted, Distrust> {
        let statuses: Vec<StatusItem<'_>> = self
            .inspection
            .statuses
            .iter()
            .map(|held| {
                let stored = held.covered_from.and_then(|revision| self.proven_from(revision));
                let protected = known_by.filter(|(index, _)| held.signature == Some(*index));
                let times = stored.into_iter().chain(protected.map(|(_, time)| time));
                let existed_by = times.min().unwrap_or(self.moment).min(self.moment);
                match &held.what {
                    StatusEvidence::Crl(crl) => StatusItem::crl(crl, existed_by),
                    StatusEvidence::Ocsp(response) => StatusItem::ocsp(response, existed_by),
                }
            })
            .collect();
        let inspection = self.inspection;
        let anchors = self.anchors.narrowed(purpose, control.at, self.moment);
        let court = Court::new(&anchors, &inspection.pool, &statuses, &inspection.limits, &inspection.checks);
        let Assessment { outcome, lacks, .. } = court.judge(certificate, purpose, control);
        for lack in lacks {
            self.want(&lack);
        }
        outcome
    }

    fn want(&mut self, lack: &Lack) {
        let wanted: Vec<Need> = match lack {
            Lack::Issuer { of } => of.issuer_urls().into_iter().map(|url| Need::Issuer { url }).collect(),
            Lack::Status { of, issuer } => {
                // SHA-1 here only names the issuer, and is the one digest that every responder knows (RFC 5019).
                let id = ocsp::CertId::new(of, issuer, DigestAlgorithm::Sha1);
                let request = ocsp::Request { cert_ids: vec![id], nonce: None }.to_der();
                let answers = of.ocsp_urls().into_iter();
                let answers = answers.map(|url| Need::Ocsp { url, request: request.clone() });
                answers.chain(of.crl_urls().into_iter().map(|url| Need::Crl { url })).collect()
            }
        };
        for need in wanted {
            if self.needs.len() < MAX_NEEDS && !self.needs.contains(&need) {
                self.needs.push(need);
            }
        }
    }

    fn control(&self, proven: Option<UtcTime>) -> Control {
        proven.map_or_else(|| Control::unproven(self.moment), |at| Control::proven(at, self.moment))
    }

    /// The earliest time proven by a document time-stamp of a revision after this one.
    fn proven_after(&self, revision: usize) -> Option<UtcTime> {
        self.proofs.iter().filter(|(covered, _)| *covered > revision).map(|(_, time)| *time).min()
    }

    /// The earliest time proven by a document time-stamp that covers this revision.
    fn proven_from(&self, revision: usize) -> Option<UtcTime> {
        self.proofs.iter().filter(|(covered, _)| *covered >= revision).map(|(_, time)| *time).min()
    }
}

/// A report under way.
struct Draft {
    report: SignatureReport,
    findings: Vec<Finding>,
    /// Reasons against validity that are told as warnings, then everything else worth knowing.
    warnings: Vec<Message>,
    covered: bool,
}

impl Draft {
    /// All that does not depend on trust and content: field, coverage, later revisions.
    fn new(index: usize, signature: &Signature) -> Self {
        let field = &signature.field;
        let mut findings = signature.findings.clone();
        let modifications = modifications(signature, &PermittedKinds::sound(), &mut findings);
        let coverage = match &signature.scope {
            Scope::Revision(coverage) if coverage.whole_document => CoverageLevel::Document,
            Scope::Revision(_) => CoverageLevel::Revision,
            Scope::Broken => CoverageLevel::Partial,
            Scope::Digest => CoverageLevel::Digest,
        };
        let forbidden = findings.iter().any(|finding| {
            [Key::ModificationForbidden.as_str(), Key::ModificationUnknown.as_str()]
                .contains(&finding.message.key.as_str())
        });
        let modification_level = if forbidden || coverage == CoverageLevel::Partial {
            ModificationLevel::Forbidden
        } else if modifications.is_empty() {
            ModificationLevel::None
        } else {
            ModificationLevel::Permitted
        };
        let mut warnings = Vec::new();
        if coverage == CoverageLevel::Digest {
            warnings.push(Key::DocumentUnseen.plain());
        }
        let report = SignatureReport {
            id: format!("S-{}", index + 1),
            field: field.name.clone(),
            indication: Indication::Indeterminate,
            sub_indication: None,
            signature_format: if signature.is_time_stamp() { "DOC-TIME-STAMP" } else { "PDF-NOT-ETSI" }
                .to_owned(),
            signature_algorithm: None,
            signed_by: None,
            organization: None,
            subject: None,
            issuer: None,
            serial: None,
            certificate_valid_from: None,
            certificate_valid_to: None,
            trust_anchor: None,
            trust_anchor_set: None,
            certificates: Vec::new(),
            time_stamps: Vec::new(),
            level_reasons: Vec::new(),
            claimed_signing_time: None,
            best_signature_time: None,
            best_signature_time_source: None,
            reason: field.reason.clone(),
            location: field.location.clone(),
            certification_level: field.doc_mdp,
            digest_matches: false,
            signature_matches: false,
            coverage,
            modification_level,
            modifications,
            errors: Vec::new(),
            warnings: Vec::new(),
        };
        Self { report, findings, warnings, covered: signature.is_in_order() }
    }

    fn describe(
        &mut self,
        signer: Option<&Certificate>,
        scheme: Option<crate::x509::algorithm::SignatureScheme>,
    ) {
        self.report.signature_algorithm = scheme.map(crate::x509::algorithm::SignatureScheme::name);
        let Some(signer) = signer else { return };
        self.report.signed_by = signer.subject().common_name();
        self.report.organization = signer.subject().attribute(ORGANIZATION);
        self.report.subject = Some(signer.subject().to_string());
        self.report.issuer = Some(signer.issuer().to_string());
        self.report.serial = Some(signer.serial_hex());
        self.report.certificate_valid_from = Some(signer.not_before().to_string());
        self.report.certificate_valid_to = Some(signer.not_after().to_string());
    }

    /// Whether no answer about trust could make it better than TOTAL-FAILED.
    fn is_lost(&self) -> bool {
        self.findings.iter().any(|finding| finding.fatal)
    }

    /// Whether a document time-stamp is whole enough to prove something about what it covers.
    fn may_prove(&self) -> bool {
        self.covered
            && self.findings.is_empty()
            && self.report.digest_matches
            && self.report.signature_matches
    }

    /// What the signer's machine said against what is proven.
    fn compare_times(&mut self, claimed: Option<UtcTime>, control: Control) {
        match claimed {
            None => self.warnings.push(Key::SigningTimeAbsent.plain()),
            Some(time) if time > latest(control.moment) => {
                self.warnings.push(Key::SigningTimeInFuture.plain());
            }
            Some(time) if control.proven && time > latest(control.at) => {
                self.warnings.push(Key::SigningTimeAfterTimeStamp.plain());
            }
            Some(_) => {}
        }
    }

    /// What distrust means for the signature, ETSI EN 319 102-1 table 6.
    fn distrust(&mut self, distrust: &Distrust, control: Control, end: Option<&Certificate>) {
        let told = |key: Key| key.message(sentence(&distrust.to_string()));
        let finding = match distrust {
            Distrust::NoPath { .. } => Finding::open("NO_CERTIFICATE_CHAIN_FOUND", told(Key::ChainNotFound)),
            Distrust::Budget { .. } => {
                Finding::open("CERTIFICATE_CHAIN_GENERAL_FAILURE", told(Key::ChainTooComplex))
            }
            Distrust::IsAnchor { .. } => {
                Finding::open("CERTIFICATE_CHAIN_GENERAL_FAILURE", told(Key::CertificateIsAnchor))
            }
            Distrust::Disagreement { .. } => {
                Finding::open("CERTIFICATE_CHAIN_GENERAL_FAILURE", told(Key::CertificateAmbiguous))
            }
            Distrust::Chain { fault: ChainFault::NotSupported(_), .. } => {
                Finding::open("CERTIFICATE_CHAIN_GENERAL_FAILURE", told(Key::ChainNotSupported))
            }
            Distrust::Chain { .. } => Finding::open("CHAIN_CONSTRAINTS_FAILURE", told(Key::ChainConstraints)),
            Distrust::Weak { .. } => Finding::open("CRYPTO_CONSTRAINTS_FAILURE", told(Key::AlgorithmWeak)),
            // Proven to have existed before its certificate began: no later proof can help.
            Distrust::NotYetValid { .. }
                if control.proven && end.is_some_and(|end| control.at < end.not_before()) =>
            {
                Finding::fatal("NOT_YET_VALID", told(Key::CertificateNotYetValid))
            }
            Distrust::NotYetValid { .. } => {
                Finding::open("OUT_OF_BOUNDS_NO_POE", told(Key::CertificateNotYetValid))
            }
            Distrust::Expired { .. } => Finding::open("OUT_OF_BOUNDS_NO_POE", told(Key::CertificateExpired)),
            Distrust::StatusUnknown { .. } => {
                // Told as a warning: nothing is known to be wrong.
                self.warnings.insert(0, told(Key::StatusUnknown));
                self.report.sub_indication = Some("TRY_LATER".to_owned());
                return;
            }
            Distrust::StatusUnproven { .. } => {
                Finding::open("REVOCATION_OUT_OF_BOUNDS_NO_POE", told(Key::StatusUnproven))
            }
            Distrust::Revoked { authority: true, .. } => {
                Finding::open("REVOKED_CA_NO_POE", told(Key::CertificateAuthorityRevoked))
            }
            Distrust::Revoked { .. } if control.proven => {
                Finding::fatal("REVOKED", told(Key::CertificateRevoked))
            }
            Distrust::Revoked { .. } => {
                Finding::open("REVOKED_NO_POE", told(Key::CertificateRevokedUnproven))
            }
        };
        self.findings.push(finding);
    }

    /// The report. Only a trusted path, without any finding, on bytes that hold, is TOTAL-PASSED.
    fn finish(mut self, trusted: Option<&Trusted>) -> SignatureReport {
        let holds = self.covered && self.report.digest_matches && self.report.signature_matches;
        self.report.trust_anchor =
            trusted.and_then(Trusted::anchor).map(|anchor| anchor.subject().to_string());
        self.report.certificates = trusted.map(path).unwrap_or_default();
        let worst = self.findings.iter().find(|finding| finding.fatal).or(self.findings.first());
        (self.report.indication, self.report.sub_indication) = match worst {
            None if holds && trusted.is_some() => (Indication::TotalPassed, None),
            None => {
                let known = self.report.sub_indication.take();
                (
                    Indication::Indeterminate,
                    Some(known.unwrap_or_else(|| "SIG_CONSTRAINTS_FAILURE".to_owned())),
                )
            }
            Some(finding) if finding.fatal => {
                (Indication::TotalFailed, Some(finding.sub_indication.to_owned()))
            }
            Some(finding) => (Indication::Indeterminate, Some(finding.sub_indication.to_owned())),
        };
        // The finding that decides comes first.
        self.findings.sort_by_key(|finding| !finding.fatal);
        self.report.errors = self.findings.into_iter().map(|finding| finding.message).collect();
        self.report.warnings = self.warnings;
        self.report
    }
}

/// What distrust of a time-stamp's authority is called, ETSI EN 319 102-1 section 5.4.
fn sub_indication(distrust: &Distrust) -> &'static str {
    match distrust {
        Distrust::NoPath { .. } => "NO_CERTIFICATE_CHAIN_FOUND",
        Distrust::Chain { fault: ChainFault::NotSupported(_), .. } => "CERTIFICATE_CHAIN_GENERAL_FAILURE",
        Distrust::Chain { .. } => "CHAIN_CONSTRAINTS_FAILURE",
        Distrust::Weak { .. } => "CRYPTO_CONSTRAINTS_FAILURE",
        Distrust::NotYetValid { .. } | Distrust::Expired { .. } => "OUT_OF_BOUNDS_NO_POE",
        Distrust::StatusUnknown { .. } => "TRY_LATER",
        Distrust::StatusUnproven { .. } => "REVOCATION_OUT_OF_BOUNDS_NO_POE",
        Distrust::Revoked { authority: true, .. } => "REVOKED_CA_NO_POE",
        Distrust::Revoked { .. } => "REVOKED_NO_POE",
        _ => "CERTIFICATE_CHAIN_GENERAL_FAILURE",
    }
}

/// A time-stamp on a signature, before it is known what it is worth.
fn time_stamp(token: &CheckedToken) -> TimeStampReport {
    TimeStampReport {
        indication: Indication::TotalPassed,
        sub_indication: None,
        production_time: Some(token.info.gen_time.to_string()),
        produced_by: token.checked.signer.as_ref().and_then(|authority| authority.subject().common_name()),
        digest_algorithm: Some(token.info.imprint.algorithm.to_string()),
        certificates: Vec::new(),
        errors: Vec::new(),
    }
}

/// A time-stamp that is not even a token.
fn unread_time_stamp(why: Message) -> TimeStampReport {
    TimeStampReport {
        indication: Indication::TotalFailed,
        sub_indication: Some("FORMAT_FAILURE".to_owned()),
        production_time: None,
        produced_by: None,
        digest_algorithm: None,
        certificates: Vec::new(),
        errors: vec![why],
    }
}

/// The path relied on, as the report shows it.
fn path(trusted: &Trusted) -> Vec<CertificateReport> {
    trusted
        .path()
        .iter()
        .map(|certificate| CertificateReport {
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            serial: certificate.serial_hex(),
            sha256: Sha256::of(certificate.der()).to_hex(),
            valid_from: certificate.not_before().to_string(),
            valid_to: certificate.not_after().to_string(),
            status: None,
            der: certificate.der().to_vec(),
        })
        .collect()
}

/// ETSI EN 319 142-1 section 6 for PAdES; the others as SiVa names them.
fn format_name(signature: &Signature, checked: &Checked, stamped: bool) -> &'static str {
    let absent = Key::SigningCertificateAbsent.as_str();
    let attested = !checked.findings.iter().any(|finding| finding.message.key == absent);
    match (signature.field.sub_filter.as_str(), stamped) {
        ("ETSI.CAdES.detached", false) if attested => "PAdES-BASELINE-B",
        ("ETSI.CAdES.detached", true) if attested => "PAdES-BASELINE-T",
        ("adbe.pkcs7.detached", false) => "PKCS7-B",
        ("adbe.pkcs7.detached", true) => "PKCS7-T",
        _ => "PDF-NOT-ETSI",
    }
}

/// As late as another machine's clock may say that it is now.
fn latest(moment: UtcTime) -> UtcTime {
    moment.saturating_add(SKEW).unwrap_or(moment)
}

/// An error's words as a sentence.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    match letters.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), letters.as_str()),
        None => String::new(),
    }
}

/// organizationName, RFC 5280 appendix A.1.
const ORGANIZATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.10");

/// How much may be asked for in one go; more helps only whoever wants to make us ask around.
const MAX_NEEDS: usize = 64;
