//! The verdict: what the bytes say and what trust says, put together (ETSI EN 319 102-1 sections 5.3 to 5.6).
//!
//! Time-stamps come first, the newest document time-stamp before all: each proves that what it covers existed at
//! its time, and so shifts the time for which older things have to hold. Then each signature is judged at the
//! earliest time that is proven for it, or at the moment of validation.

use std::collections::{BTreeMap, HashMap};

use der::oid::ObjectIdentifier;

use super::{
    CertificateReport, CertificateStatus, CoverageLevel, Demand, Indication, Inspection, Level, Message,
    ModificationLevel, Need, Origin, Policy, Reliance, SignatureReport, StatementsReport, StatusEvidence,
    StatusReport, StatusSource, TimeSource, TimeStampKind,
    cms::{Checked, CheckedToken, Finding},
    inspect::{Body, Scope, Signature, Stamp},
    long_term::{Asked, Carried},
    modifications::{PermittedKinds, modifications},
    words::Key,
};
use crate::{
    base::{DigestAlgorithm, Sha256, UtcTime},
    crypto::policy::{Use, Weakness},
    ocsp,
    trust::{
        Anchors, Assessment, ChainFault, Control, Court, Distrust, EvidenceKind, Lack, Purpose, Rules, SKEW,
        StatusItem, StatusStatement, Trusted, Word,
    },
    x509::{
        Certificate,
        algorithm::{SignatureScheme, key_kind},
    },
};

/// The reports of all signatures, and what would help those that are not settled.
pub(super) fn judge(
    inspection: &Inspection,
    policy: &Policy,
    anchors: &Anchors,
    moment: UtcTime,
) -> (Vec<SignatureReport>, Vec<Need>) {
    let Judged { reports, needs, .. } = judge_all(inspection, policy, anchors, moment, None);
    (reports, needs)
}

/// All that a judgement gives.
pub(super) struct Judged {
    pub(super) reports: Vec<SignatureReport>,
    pub(super) needs: Vec<Need>,
    /// By place.
    pub(super) reliances: Vec<Reliance>,
}

/// As [`judge`]. `proven`: when something outside proves that all of it existed.
pub(super) fn judge_all(
    inspection: &Inspection,
    policy: &Policy,
    anchors: &Anchors,
    moment: UtcTime,
    proven: Option<UtcTime>,
) -> Judged {
    let mut bench = Bench {
        inspection,
        policy,
        rules: policy.rules(),
        permitted: policy.permitted(),
        anchors,
        moment,
        proofs: proven.into_iter().map(|time| (usize::MAX, time)).collect(),
        poe: HashMap::new(),
        needs: Vec::new(),
        reliances: BTreeMap::new(),
    };
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
            Body::Cms { checked, stamps, more, signing_time, .. } => {
                let carried = Carried { stamps, more };
                bench.signature(index, signature, checked, carried, *signing_time)
            }
            Body::Xml(body) => {
                let carried = Carried { stamps: &body.stamps, more: &body.more };
                bench.signature(index, signature, &body.checked, carried, body.signing_time)
            }
            Body::TimeStamp(_) | Body::None => bench.draft(index, signature).finish(),
        })
    });
    let reports = reports.collect();
    Judged { reports, needs: bench.needs, reliances: bench.reliances.into_values().collect() }
}

/// One judgement under way.
pub(super) struct Bench<'a> {
    pub(super) inspection: &'a Inspection,
    pub(super) policy: &'a Policy,
    /// The policy, as paths are judged by it.
    pub(super) rules: Rules,
    permitted: PermittedKinds,
    pub(super) anchors: &'a Anchors,
    pub(super) moment: UtcTime,
    /// Valid document time-stamps: the revision that each covers, and its time.
    pub(super) proofs: Vec<(usize, UtcTime)>,
    /// What archive time-stamps prove: since when something existed, by its SHA-256.
    pub(super) poe: HashMap<Sha256, UtcTime>,
    needs: Vec<Need>,
    pub(super) reliances: BTreeMap<usize, Reliance>,
}

/// What a time-stamp is worth.
pub(super) enum Worth {
    /// It proves its time.
    Proof { time: UtcTime, trusted: Box<Trusted> },
    /// It belongs to something else, or its signature is wrong.
    Broken(&'static str),
    /// An algorithm that the policy does not trust, or no longer.
    Weak(Weak),
    /// It is whole, but cannot be relied on.
    Doubt(String),
    /// Its authority's certificate cannot be relied on.
    Distrusted(Box<Distrust>),
}

/// Something signed in a way that was not good enough at the time that counts.
pub(super) struct Weak {
    /// Such as `SHA-1`.
    algorithm: String,
    /// It was, earlier.
    once: bool,
}

impl Weak {
    fn of(weakness: Weakness) -> Self {
        Self { once: weakness.until.is_some(), algorithm: weakness.algorithm }
    }

    /// ETSI EN 319 102-1 section 5.1.3, table 3.
    pub(super) fn sub_indication(&self) -> &'static str {
        if self.once { "CRYPTO_CONSTRAINTS_FAILURE_NO_POE" } else { "CRYPTO_CONSTRAINTS_FAILURE" }
    }
}

impl Bench<'_> {
    fn draft(&self, index: usize, signature: &Signature) -> Draft {
        Draft::new(index, signature, &self.permitted)
    }

    /// A document time-stamp (ISO 32000-2 section 12.8.5); if it holds, it proves all that it covers.
    fn document_time_stamp(
        &mut self,
        index: usize,
        signature: &Signature,
        token: &CheckedToken,
    ) -> SignatureReport {
        let control = self.control(self.proven_after(signature.field.revision));
        let mut draft = self.draft(index, signature);
        draft.describe(token.checked.signer.as_ref(), token.checked.scheme);
        draft.report.digest_matches = token.imprint_matches && token.checked.digest_matches;
        draft.report.signature_matches = token.checked.signature_matches;
        if signature.is_in_order() && !token.imprint_matches {
            draft.findings.push(Finding::fatal("HASH_FAILURE", Key::DigestMismatch.plain()));
        }
        draft.findings.extend(token.checked.findings.iter().cloned());
        if draft.is_lost() {
            return draft.finish();
        }
        match self.weigh(token, control, None) {
            Worth::Proof { time, trusted } => {
                if draft.may_prove() {
                    self.proofs.extend(signature.covers().map(|revision| (revision, time)));
                }
                draft.report.best_signature_time = Some(time.to_string());
                draft.report.best_signature_time_source = Some(TimeSource::TimeStamp);
                self.rely_on_stamp(index, token, &trusted, time);
                self.trust(&mut draft, &trusted);
                return draft.finish();
            }
            Worth::Broken(what) => {
                let message = Key::TimeStampInvalid.message(format!("The time-stamp is broken: {what}."));
                draft.findings.push(Finding::fatal("SIG_CRYPTO_FAILURE", message));
            }
            Worth::Weak(weak) => {
                let message = Key::TimeStampWeak.plain();
                draft.findings.push(Finding::open(weak.sub_indication(), message));
            }
            Worth::Doubt(what) => {
                let message = Key::TimeStampUntrusted.message(what);
                draft.findings.push(Finding::open("SIG_CONSTRAINTS_FAILURE", message));
            }
            Worth::Distrusted(distrust) => draft.distrust(&distrust, control, token.checked.signer.as_ref()),
        }
        draft.finish()
    }

    /// A CMS signature, with its time-stamps.
    fn signature(
        &mut self,
        index: usize,
        signature: &Signature,
        checked: &Checked,
        carried: Carried<'_>,
        signing_time: Option<UtcTime>,
    ) -> SignatureReport {
        let mut draft = self.draft(index, signature);
        draft.describe(checked.signer.as_ref(), checked.scheme);
        draft.report.digest_matches = checked.digest_matches;
        draft.report.signature_matches = checked.signature_matches;
        draft.findings.extend(checked.findings.iter().cloned());
        let claimed = signature.field.claimed_time.or(signing_time);
        draft.report.claimed_signing_time = claimed.map(|time| time.to_string());
        let stamped =
            carried.stamps.iter().any(|stamp| matches!(stamp, Stamp::Token(token) if token.intact()));
        let level = if stamped { Level::T } else { Level::B };
        draft.report.signature_format = format_name(signature, checked, level);
        if draft.is_lost() {
            return draft.finish();
        }

        let later = self.archived(index, signature, carried.more, &mut draft);
        let place = Place { index, revision: signature.field.revision };
        let mut asked = Vec::new();
        let mut proven: Vec<(UtcTime, Box<Trusted>)> = Vec::new();
        for (stamp, token) in carried.stamps.iter().zip(carried.fingerprints(signature)) {
            let known = earliest(self.proven_after(place.revision), self.poe.get(&token).copied());
            let Some(one) = self.proven_by(stamp, known, place, &mut draft) else { continue };
            asked.push(Asked::time_stamping(self.control(known), known.map(|time| (index, time))));
            proven.push(one);
        }
        let best = proven.iter().map(|(time, _)| *time).chain(later).min();
        let control = self.control(best);
        let since = self.made_after(index, carried.more, best, &mut draft);
        draft.report.best_signature_time = Some(control.at.to_string());
        draft.report.best_signature_time_source =
            Some(if control.proven { TimeSource::TimeStamp } else { TimeSource::ValidationTime });
        self.question(&mut draft, signature, checked, claimed, control);
        // A time-stamp on the signature proves nothing about another document of the same digest; one on the document
        // does.
        if let Some(weak) = self.weak(checked, Use::Signature, control.at, later.unwrap_or(self.moment)) {
            let message = Key::AlgorithmWeak.message(format!("The signature rests on {}.", weak.algorithm));
            draft.findings.insert(0, Finding::open(weak.sub_indication(), message));
        }
        let Some(signer) = &checked.signer else { return draft.finish() };
        let known_by = control.proven.then_some((index, control.at));
        let assessment = self.assess(signer, Purpose::Signing, control, known_by);
        self.reliance(index).proven_at = control.proven.then_some(control.at);
        for (_, trusted) in &proven {
            self.rely(index, trusted);
        }
        match assessment {
            Ok(trusted) => {
                self.rely(index, &trusted);
                if let Some((at, _)) = trusted.revoked_later() {
                    let message = Key::CertificateRevokedLater.message(format!(
                        "The signer's certificate was revoked at {at}, after the proven time of the signature."
                    ));
                    draft.warnings.push(message);
                }
                self.trust(&mut draft, &trusted);
                let own = (Asked::signing(control, known_by), &trusted);
                let stamps = asked.into_iter().zip(proven.iter().map(|(_, trusted)| &**trusted));
                let paths: Vec<_> = std::iter::once(own).chain(stamps).collect();
                let level = self.level(&mut draft, signature, &paths, control);
                draft.report.signature_format = format_name(signature, checked, level);
                if level < self.policy.demands.least_level {
                    let message = Key::LevelTooLow.message(format!(
                        "The signature is of level {}; the policy asks for {}.",
                        level.as_str(),
                        self.policy.demands.least_level.as_str()
                    ));
                    draft.findings.push(Finding::open("SIG_CONSTRAINTS_FAILURE", message));
                }
            }
            Err(distrust) => {
                draft.distrust(&distrust, control, Some(signer));
                draft.made_too_late(&distrust, since);
                if matches!(distrust, Distrust::Expired { index: 0, .. }) && self.is_known_good(signer) {
                    draft.rename("OUT_OF_BOUNDS_NO_POE", "OUT_OF_BOUNDS_NOT_REVOKED");
                }
                if matches!(distrust, Distrust::NoPath { .. }) && self.was_anchored(signer) {
                    draft.rename("NO_CERTIFICATE_CHAIN_FOUND", "NO_CERTIFICATE_CHAIN_FOUND_NO_POE");
                }
            }
        }
        draft.finish()
    }

    /// The questions that the policy answers.
    fn question(
        &self,
        draft: &mut Draft,
        signature: &Signature,
        checked: &Checked,
        claimed: Option<UtcTime>,
        control: Control,
    ) {
        let demands = &self.policy.demands;
        draft.compare_times(claimed, control);
        if claimed.is_none() {
            draft.demand(demands.unstated_time, "SIG_CONSTRAINTS_FAILURE", Key::SigningTimeAbsent);
        }
        if !control.proven {
            draft.demand(demands.unproven_time, "SIG_CONSTRAINTS_FAILURE", Key::SigningTimeUnproven);
        }
        if checked.unnamed {
            draft.demand(
                demands.unnamed_certificate,
                "SIG_CONSTRAINTS_FAILURE",
                Key::SigningCertificateAbsent,
            );
        }
        if signature.field.sub_filter.starts_with("adbe.") {
            draft.demand(demands.pkcs7, "SIG_CONSTRAINTS_FAILURE", Key::FormatPkcs7);
        }
        if signature.names_a_policy() {
            draft.demand(
                demands.signature_policy,
                "SIGNATURE_POLICY_NOT_AVAILABLE",
                Key::SignaturePolicyUnknown,
            );
        }
        if matches!(checked.scheme, Some(SignatureScheme::RsaPkcs1(_))) {
            draft.demand(demands.rsa_pkcs1_v1_5, "CRYPTO_CONSTRAINTS_FAILURE", Key::AlgorithmPkcs1V15);
        }
    }

    /// What is not good enough about a signature: its scheme and key at `at`, its digest of the content at `digest_at`.
    fn weak(&self, checked: &Checked, purpose: Use, at: UtcTime, digest_at: UtcTime) -> Option<Weak> {
        let (scheme, signer) = (checked.scheme?, checked.signer.as_ref()?);
        let Ok(kind) = key_kind(signer.spki_der()) else {
            return Some(Weak { algorithm: "an unknown kind of key".to_owned(), once: false });
        };
        let cryptography = &self.policy.cryptography;
        let content = checked.digest.map(|digest| cryptography.permits_digest(purpose, digest, digest_at));
        let own = cryptography.permits(purpose, scheme, kind, at);
        content.into_iter().chain([own]).filter_map(Result::err).map(Weak::of).min_by_key(|weak| weak.once)
    }

    /// Whether evidence says that an expired certificate was good while it lasted.
    fn is_known_good(&self, signer: &Certificate) -> bool {
        let statuses = self.statuses(None);
        let anchors = self.anchors.narrowed(Purpose::Signing, self.moment, self.moment);
        let court = self.court(&anchors, &statuses);
        court.candidates(signer).iter().any(|chain| {
            let (statements, faults) = court.statements(chain, 0, self.moment);
            faults.is_empty()
                && !statements.is_empty()
                && statements.iter().all(|one| one.word == Word::Good)
                && statements.iter().any(|one| {
                    let until = one.holds_until(&self.rules.freshness).unwrap_or(one.this_update);
                    one.knows(signer) && until.max(one.this_update) >= signer.not_after()
                })
        })
    }

    /// Whether a path leads to an anchor that was trusted at another time.
    fn was_anchored(&self, signer: &Certificate) -> bool {
        if self.anchors.grants.is_empty() {
            return false;
        }
        let granted = self.anchors.grants.iter().filter(|grant| grant.purpose == Purpose::Signing);
        let ever = Anchors::new("ever", granted.map(|grant| grant.anchor.clone()).collect());
        !self.court(&ever, &[]).candidates(signer).is_empty()
    }

    /// The path relied on goes into the report.
    fn trust(&self, draft: &mut Draft, trusted: &Trusted) {
        draft.trusted = true;
        draft.report.certificates = self.path(trusted);
        if let Some(anchor) = trusted.anchor() {
            draft.report.trust_anchor = Some(anchor.subject().to_string());
            draft.report.trust_anchor_set =
                self.anchors.set_of(anchor).filter(|set| !set.is_empty()).map(str::to_owned);
        }
    }

    /// The path relied on, as the report shows it.
    pub(super) fn path(&self, trusted: &Trusted) -> Vec<CertificateReport> {
        let statuses = trusted.statuses().iter().map(Some).chain(std::iter::repeat(None));
        trusted
            .path()
            .iter()
            .zip(statuses)
            .map(|(certificate, statements)| {
                CertificateReport::of(certificate, statements.and_then(|statements| self.status(statements)))
            })
            .collect()
    }

    /// What settled the status of a certificate: the revocation, if there is one, else the newest word.
    fn status(&self, statements: &[StatusStatement]) -> Option<StatusReport> {
        let said = statements.iter().max_by_key(|one| (one.word != Word::Good, one.this_update))?;
        let (status, revoked_at) = match said.word {
            Word::Good => (CertificateStatus::Good, None),
            Word::Revoked { at, .. } => (CertificateStatus::Revoked, Some(at.to_string())),
        };
        let source = match said.kind {
            EvidenceKind::Crl => StatusSource::Crl,
            EvidenceKind::Ocsp => StatusSource::Ocsp,
        };
        let held = self.inspection.statuses.get(said.item)?;
        let origin = if held.covered_from.is_some() { Origin::Document } else { Origin::Supplied };
        Some(StatusReport {
            status,
            source,
            origin,
            this_update: said.this_update.to_string(),
            next_update: said.next_update.map(|next| next.to_string()),
            revoked_at,
            signer_der: said.signer.der().to_vec(),
        })
    }

    /// The time that a signature time-stamp proves, if it does; else why not goes into the draft.
    ///
    /// `later`: when it is proven to have existed.
    fn proven_by(
        &mut self,
        stamp: &Stamp,
        later: Option<UtcTime>,
        place: Place,
        draft: &mut Draft,
    ) -> Option<(UtcTime, Box<Trusted>)> {
        let (time, trusted) = self.heard(stamp, TimeStampKind::Signature, later, place.index, draft)?;
        if later.is_some_and(|later| time > latest(later)) {
            draft.out_of_order();
            return None;
        }
        Some((time, trusted))
    }

    /// RFC 3161 section 2.4.2, and the authority's own path.
    pub(super) fn weigh(
        &mut self,
        token: &CheckedToken,
        control: Control,
        known_by: Option<(usize, UtcTime)>,
    ) -> Worth {
        if !token.imprint_matches {
            return Worth::Broken("it was made for something else");
        }
        if !token.intact() {
            return Worth::Broken("its own signature does not hold");
        }
        let imprint = token.info.imprint.algorithm;
        let imprint = self.policy.cryptography.permits_digest(Use::Imprint, imprint, control.at);
        let own = self.weak(&token.checked, Use::TimeStamp, control.at, control.at);
        if let Some(weak) = imprint.err().map(Weak::of).or(own) {
            return Worth::Weak(weak);
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
        let statuses = self.statuses(known_by);
        let anchors = self.anchors.narrowed(purpose, control.at, self.moment);
        let court = self.court(&anchors, &statuses);
        let Assessment { outcome, lacks, .. } = court.judge(certificate, purpose, control);
        let outcome = match outcome {
            Err(Distrust::Revoked { authority: true, .. }) => {
                let existed_by = |one: &Certificate| {
                    let own = (one.der() == certificate.der() && control.proven).then_some(control.at);
                    let held = self.inspection.held_from(one).and_then(|from| self.proven_from(from));
                    let archived = self.poe.get(&one.sha256()).copied();
                    own.into_iter().chain(held).chain(archived).min().unwrap_or(self.moment)
                };
                court.judge_past(certificate, purpose, control, existed_by).map_or(outcome, Ok)
            }
            other => other,
        };
        for lack in lacks {
            self.want(&lack);
        }
        outcome
    }

    pub(super) fn court<'c>(&'c self, anchors: &'c Anchors, statuses: &'c [StatusItem<'c>]) -> Court<'c> {
        let inspection = self.inspection;
        Court::new(anchors, &inspection.pool, statuses, &inspection.limits, &inspection.checks)
            .with_rules(&self.rules)
    }

    /// All evidence on statuses, with the time by which each piece is proven to have existed.
    pub(super) fn statuses(&self, known_by: Option<(usize, UtcTime)>) -> Vec<StatusItem<'_>> {
        let dated = self.inspection.statuses.iter().map(|held| {
            let stored = held.covered_from.and_then(|revision| self.proven_from(revision));
            let protected = known_by.filter(|(index, _)| held.signature == Some(*index));
            let archived = self.poe.get(&held.fingerprint).copied();
            let times = stored.into_iter().chain(archived).chain(protected.map(|(_, time)| time));
            let existed_by = times.min().unwrap_or(self.moment).min(self.moment);
            match &held.what {
                StatusEvidence::Crl(crl) => StatusItem::crl(crl, existed_by),
                StatusEvidence::Ocsp(response) => StatusItem::ocsp(response, existed_by),
            }
        });
        dated.collect()
    }

    fn want(&mut self, lack: &Lack) {
        let wanted: Vec<Need> = match lack {
            Lack::Issuer { of } => of.issuer_urls().into_iter().map(|url| Need::Issuer { url }).collect(),
            Lack::ListSigner { urls } => urls.iter().map(|url| Need::Issuer { url: url.clone() }).collect(),
            Lack::Status { of, issuer } => {
                // SHA-1 here only names the issuer, and is the one digest that every responder knows (RFC 5019).
                let id = ocsp::CertId::new(of, issuer, DigestAlgorithm::Sha1);
                let request = ocsp::Request { cert_ids: vec![id], nonce: None }.to_der();
                let answers = of.ocsp_urls().into_iter();
                let answers = answers.map(|url| Need::Ocsp { url, request: request.clone() });
                let lists = of.crl_urls().into_iter().chain(of.freshest_crl_urls());
                answers.chain(lists.map(|url| Need::Crl { url })).collect()
            }
        };
        for need in wanted {
            if self.needs.len() < MAX_NEEDS && !self.needs.contains(&need) {
                self.needs.push(need);
            }
        }
    }

    pub(super) fn control(&self, proven: Option<UtcTime>) -> Control {
        proven.map_or_else(|| Control::unproven(self.moment), |at| Control::proven(at, self.moment))
    }

    /// The earliest time proven by a document time-stamp of a revision after this one.
    pub(super) fn proven_after(&self, revision: usize) -> Option<UtcTime> {
        self.proofs.iter().filter(|(covered, _)| *covered > revision).map(|(_, time)| *time).min()
    }

    /// The earliest time proven by a document time-stamp that covers this revision.
    pub(super) fn proven_from(&self, revision: usize) -> Option<UtcTime> {
        self.proofs.iter().filter(|(covered, _)| *covered >= revision).map(|(_, time)| *time).min()
    }
}

/// Where a signature stands: its place among the signatures, and the revision that holds it.
#[derive(Clone, Copy)]
struct Place {
    index: usize,
    revision: usize,
}

/// A report under way.
pub(super) struct Draft {
    pub(super) report: SignatureReport,
    pub(super) findings: Vec<Finding>,
    /// Reasons against validity that are told as warnings, then everything else worth knowing.
    pub(super) warnings: Vec<Message>,
    covered: bool,
    /// A path is relied on.
    trusted: bool,
}

impl Draft {
    /// All that does not depend on trust and content: field, coverage, later revisions.
    fn new(index: usize, signature: &Signature, permitted: &PermittedKinds) -> Self {
        let field = &signature.field;
        let mut findings = signature.findings.clone();
        let modifications = modifications(signature, permitted, &mut findings);
        let coverage = match &signature.scope {
            Scope::Revision(coverage) if coverage.whole_document => CoverageLevel::Document,
            Scope::Revision(_) => CoverageLevel::Revision,
            Scope::Broken => CoverageLevel::Partial,
            Scope::Digest => CoverageLevel::Digest,
            Scope::Whole => CoverageLevel::Document,
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
            signature_format: match signature.field.sub_filter.as_str() {
                "ETSI.RFC3161" => "DOC-TIME-STAMP",
                "XML" => "XML-NOT-ETSI",
                _ => "PDF-NOT-ETSI",
            }
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
            signer: None,
            certificates: Vec::new(),
            time_stamps: Vec::new(),
            level_reasons: Vec::new(),
            claimed_signing_time: None,
            best_signature_time: None,
            best_signature_time_source: None,
            reason: field.reason.clone(),
            location: field.location.clone(),
            statements: StatementsReport::of(signature),
            certification_level: field.doc_mdp,
            digest_matches: false,
            signature_matches: false,
            coverage,
            scopes: Vec::new(),
            modification_level,
            modifications,
            errors: Vec::new(),
            warnings: Vec::new(),
        };
        Self { report, findings, warnings, trusted: false, covered: signature.is_in_order() }
    }

    fn describe(
        &mut self,
        signer: Option<&Certificate>,
        scheme: Option<crate::x509::algorithm::SignatureScheme>,
    ) {
        self.report.signature_algorithm = scheme.map(crate::x509::algorithm::SignatureScheme::name);
        let Some(signer) = signer else { return };
        self.report.signer = Some(CertificateReport::of(signer, None));
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
            Some(time) if time > latest(control.moment) => {
                self.warnings.push(Key::SigningTimeInFuture.plain());
            }
            Some(time) if control.proven && time > latest(control.at) => {
                self.warnings.push(Key::SigningTimeAfterTimeStamp.plain());
            }
            Some(_) | None => {}
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
            Distrust::Weak { since: Some(_), .. } => {
                Finding::open("CRYPTO_CONSTRAINTS_FAILURE_NO_POE", told(Key::AlgorithmWeak))
            }
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

    /// What a policy makes of something.
    fn demand(&mut self, demand: Demand, sub_indication: &'static str, key: Key) {
        match demand {
            Demand::Accept => {}
            Demand::Refuse => self.findings.push(Finding::open(sub_indication, key.plain())),
            Demand::Warn => self.warnings.push(key.plain()),
        }
    }

    /// A more exact name for what was found.
    fn rename(&mut self, from: &str, to: &'static str) {
        for finding in self.findings.iter_mut().filter(|finding| finding.sub_indication == from) {
            finding.sub_indication = to;
        }
    }

    /// The report. Only a trusted path, without any finding, on bytes that hold, is TOTAL-PASSED.
    fn finish(mut self) -> SignatureReport {
        let holds = self.covered && self.report.digest_matches && self.report.signature_matches;
        let worst = self.findings.iter().find(|finding| finding.fatal).or(self.findings.first());
        (self.report.indication, self.report.sub_indication) = match worst {
            None if holds && self.trusted => (Indication::TotalPassed, None),
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
pub(super) fn sub_indication(distrust: &Distrust) -> &'static str {
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

/// ETSI EN 319 142-1 section 6 for PAdES; the others as SiVa names them.
fn format_name(signature: &Signature, checked: &Checked, level: Level) -> String {
    let absent = Key::SigningCertificateAbsent.as_str();
    let attested = !checked.findings.iter().any(|finding| finding.message.key == absent);
    if let Body::Xml(body) = &signature.body {
        let named = format!("XAdES-BASELINE-{}", level.as_str());
        return if body.baseline { named } else { "XML-NOT-ETSI".to_owned() };
    }
    match signature.field.sub_filter.as_str() {
        "ETSI.CAdES.detached" if attested => format!("PAdES-BASELINE-{}", level.as_str()),
        "adbe.pkcs7.detached" => format!("PKCS7-{}", level.as_str()),
        // Without a word on the certificate it is a plain CMS, as S/MIME has it.
        "CMS" if checked.unnamed => format!("PKCS7-{}", level.as_str()),
        "CMS" => format!("CAdES-BASELINE-{}", level.as_str()),
        _ => "PDF-NOT-ETSI".to_owned(),
    }
}

/// The earlier of two times, of which either may be unknown.
pub(super) fn earliest(one: Option<UtcTime>, other: Option<UtcTime>) -> Option<UtcTime> {
    one.into_iter().chain(other).min()
}

/// As late as another machine's clock may say that it is now.
pub(super) fn latest(moment: UtcTime) -> UtcTime {
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
