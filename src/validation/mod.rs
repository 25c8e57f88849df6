//! Document + evidence + policy + moment -> verdict. Pure: no I/O but reading the document's source, no clock.
//!
//! [`Inspection::open`] reads the file once: byte rules, digests, CMS, time-stamp tokens, later revisions. What
//! it finds is apart from trust. [`Inspection::needs`] says what else would help, [`Inspection::supply`] takes it
//! in, and [`Inspection::judge`] answers: always the same for the same document, evidence, policy, anchors and
//! moment, so that a verdict of last year can be replayed. `moment` is the present as far as the judge knows:
//! evidence that claims to be younger is not believed.

use std::{collections::HashMap, sync::Arc};

use crate::{
    base::{Digest, Limits, Sha256, Source, UtcTime},
    ocsp,
    pdf::{Document, PdfError},
    trust::{Anchors, Checks, Known},
    x509::{Certificate, Crl},
};

mod apart;
mod archive;
mod cms;
mod cms_file;
mod container;
mod inspect;
mod long_term;
mod modifications;
mod open;
mod policy;
mod record;
mod reliance;
mod report;
mod security_store;
mod statements;
mod time_stamps;
mod verdict;
pub mod words;
mod xades;

pub use apart::Lacks;
pub use cms::time_stamp_holds;
use inspect::{Body, Signature};
pub use modifications::{PermittedKinds, kind_name};
pub use open::{Detached, FileKind, OpenError};
pub use policy::{Demand, Demands, Level, Policy, PolicyFileError};
pub use record::{
    FORMAT, Record, RecordedAnchor, RecordedAnchors, RecordedEvidence, RecordedGrant, ReplayError, Replayed,
};
pub use reliance::{Piece, PieceStatus, Reliance};
pub use report::{
    CertificateReport, CertificateStatus, CoverageLevel, DocumentReport, Indication, Message, Modification,
    ModificationLevel, Origin, Overall, Report, SignatureReport, SignatureScope, SignedFile, StatusReport,
    StatusSource, TimeSource, TimeStampKind, TimeStampReport, Unreadable,
};
pub use statements::{SignaturePolicyReport, StatementsReport};
pub use xades::DigestedFile;

/// Something the judge would like to have. The caller may fetch it, or not.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Need {
    /// A revocation list.
    Crl {
        /// From cRLDistributionPoints of a certificate: a stranger's word, to be guarded.
        url: String,
    },
    /// An issuer's certificate.
    Issuer {
        /// From authorityInfoAccess of a certificate: a stranger's word, to be guarded.
        url: String,
    },
    /// An OCSP answer.
    Ocsp {
        /// From authorityInfoAccess of a certificate: a stranger's word, to be guarded.
        url: String,
        /// The OCSPRequest to post.
        request: Vec<u8>,
    },
}

/// Something brought for the judge, as received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// A certificate that may lie on a path; DER.
    Certificate(Vec<u8>),
    /// A CertificateList; DER.
    Crl(Vec<u8>),
    /// An OCSPResponse; DER.
    Ocsp(Vec<u8>),
}

/// A document read, its signatures found and checked as far as the bytes go.
pub struct Inspection {
    sha256: Sha256,
    limits: Limits,
    signatures: Vec<Signature>,
    /// What detached signatures are about.
    signed_files: Vec<SignedFile>,
    /// Certificates from everywhere, none twice.
    pool: Vec<Certificate>,
    /// For each of the pool by its fingerprint: whatever covers this revision covers it; absent when it was brought.
    held_from: HashMap<Sha256, usize>,
    statuses: Vec<HeldStatus>,
    /// What was brought, in the order in which it came.
    supplied: Vec<Evidence>,
    /// Signature checks on certificates and evidence, done once for all questions.
    checks: Checks,
    /// The signatures of a container, each with an inspection of its own.
    container: Option<container::Parts>,
}

/// A piece of status evidence and where it was found.
struct HeldStatus {
    fingerprint: Sha256,
    what: StatusEvidence,
    /// Whatever covers this revision covers the evidence.
    covered_from: Option<usize>,
    /// The signature under whose protection it stands.
    signature: Option<usize>,
}

#[derive(Clone)]
enum StatusEvidence {
    Crl(Arc<Crl>),
    Ocsp(Arc<ocsp::Response>),
}

/// Evidence, read.
#[derive(Clone)]
enum ReadEvidence {
    Certificate(Certificate),
    Status(Sha256, StatusEvidence),
}

impl ReadEvidence {
    fn read(evidence: &Evidence) -> Option<Self> {
        Some(match evidence {
            Evidence::Certificate(der) => Self::Certificate(Certificate::from_der(der).ok()?),
            Evidence::Crl(der) => {
                Self::Status(Sha256::of(der), StatusEvidence::Crl(Arc::new(Crl::from_der(der).ok()?)))
            }
            Evidence::Ocsp(der) => {
                let response = Arc::new(ocsp::Response::parse(der).ok()?);
                Self::Status(Sha256::of(der), StatusEvidence::Ocsp(response))
            }
        })
    }
}

impl Inspection {
    /// Reads revisions, CMS and certificates.
    ///
    /// # Errors
    ///
    /// When it is not a PDF that can be read: exit status 65. A bad signature is no error.
    pub fn open(source: Arc<dyn Source>, limits: &Limits) -> Result<Self, PdfError> {
        let document = Document::open(source, limits)?;
        let (signatures, sha256) = inspect::signatures(&document, limits)?;
        let mut inspection = Self::empty(sha256, limits);
        for (index, signature) in signatures.iter().enumerate() {
            inspection.take_in(signature, index);
        }
        security_store::read(&document, &signatures, limits, |evidence, revision| {
            inspection.keep(evidence, Some(revision), None);
        });
        inspection.signatures = signatures;
        Ok(inspection)
    }

    /// Reads a detached SignedData whose content the caller digested: the document stays where it is.
    ///
    /// `digests`: of the signed bytes (for a PDF: the two ranges of `/ByteRange`, one after the other), under the
    /// algorithm of the signature; of several, the one that fits is taken. Nothing can be said about which bytes of
    /// a document these are: the report says `coverage` `digest` and warns. A broken SignedData is a verdict.
    pub fn of_digests(cms: &[u8], digests: &[Digest], limits: &Limits) -> Self {
        let signature = inspect::of_digests(cms, digests, limits);
        let mut inspection = Self::empty(Sha256::of(cms), limits);
        inspection.take_in(&signature, 0);
        inspection.signatures.push(signature);
        inspection
    }

    /// Of a file with this digest, before anything was found in it.
    fn empty(sha256: Sha256, limits: &Limits) -> Self {
        Self {
            sha256,
            limits: limits.clone(),
            signatures: Vec::new(),
            signed_files: Vec::new(),
            pool: Vec::new(),
            held_from: HashMap::new(),
            statuses: Vec::new(),
            supplied: Vec::new(),
            checks: Checks::default(),
            container: None,
        }
    }

    /// SHA-256 of the whole file; of the SignedData, where that was all there was to read.
    pub fn sha256(&self) -> Sha256 {
        self.sha256
    }

    /// How many signatures and document time-stamps there are.
    pub fn signature_count(&self) -> usize {
        self.signatures.len() + self.container.as_ref().map_or(0, container::Parts::count)
    }

    /// Spares the arithmetic of signature checks on certificates and evidence that are known to hold.
    #[must_use]
    pub fn knowing(mut self, known: &Arc<Known>) -> Self {
        self.checks = Checks::knowing(Arc::clone(known));
        if let Some(container) = &mut self.container {
            container.knowing(known);
        }
        self
    }

    /// What would help the judgement, given these anchors and what was supplied so far.
    ///
    /// Asking again after supplying may give more; what was asked before is asked again as long as it is missing.
    pub fn needs(&self, policy: &Policy, anchors: &Anchors, moment: UtcTime) -> Vec<Need> {
        self.reports(policy, anchors, moment).1
    }

    /// Takes in what was brought. What cannot be read is of no use and is dropped.
    pub fn supply(&mut self, evidence: Evidence) {
        let piece = ReadEvidence::read(&evidence);
        self.supplied.push(evidence);
        match (&mut self.container, piece) {
            (Some(container), Some(piece)) => container.supply(&piece),
            (None, Some(piece)) => self.keep_piece(piece, None, None),
            (_, None) => {}
        }
    }

    /// The verdict of this document under `policy` at `moment`.
    pub fn judge(&self, name: &str, policy: &Policy, anchors: &Anchors, moment: UtcTime) -> DocumentReport {
        self.judge_and_ask(name, policy, anchors, moment).0
    }

    /// As [`Inspection::judge`], with [`Inspection::needs`]: what would have helped. It holds until more is supplied.
    pub fn judge_and_ask(
        &self,
        name: &str,
        policy: &Policy,
        anchors: &Anchors,
        moment: UtcTime,
    ) -> (DocumentReport, Vec<Need>) {
        let (signatures, needs) = self.reports(policy, anchors, moment);
        (self.document_report(name, policy, moment, signatures), needs)
    }

    fn document_report(
        &self,
        name: &str,
        policy: &Policy,
        moment: UtcTime,
        signatures: Vec<SignatureReport>,
    ) -> DocumentReport {
        DocumentReport {
            name: name.to_owned(),
            sha256: self.sha256.to_hex(),
            overall: DocumentReport::overall_of(&signatures),
            validation_time: moment.to_string(),
            policy: policy.name.clone(),
            cryptographic_policy: policy.cryptography.name().to_owned(),
            signed_files: self.signed_files.clone(),
            signatures,
        }
    }

    fn reports(
        &self,
        policy: &Policy,
        anchors: &Anchors,
        moment: UtcTime,
    ) -> (Vec<SignatureReport>, Vec<Need>) {
        match &self.container {
            Some(container) => {
                let judged = container.judge(policy, anchors, moment);
                (judged.reports, judged.needs)
            }
            None => verdict::judge(self, policy, anchors, moment),
        }
    }

    /// What was brought so far, in the order in which it came.
    pub fn supplied(&self) -> &[Evidence] {
        &self.supplied
    }

    /// Certificates and status evidence that came inside a signature.
    fn take_in(&mut self, signature: &Signature, index: usize) {
        if let Body::Xml(body) = &signature.body {
            for evidence in &body.evidence {
                self.keep(evidence.clone(), Some(signature.field.revision), None);
            }
            return;
        }
        // A CMS lies in its own signature's hole, which only later revisions cover.
        let covered_from = Some(signature.field.revision + 1);
        for data in signature.signed_data() {
            for certificate in &data.certificates {
                self.keep_certificate(certificate, covered_from);
            }
            for crl in &data.crls {
                self.keep(Evidence::Crl(crl.der().to_vec()), covered_from, None);
            }
            for response in &data.ocsp_responses {
                self.keep(Evidence::Ocsp(response.clone()), covered_from, None);
            }
        }
        // Values that travel as unsigned attributes (ETSI EN 319 122-1 section 5.4).
        for signer in signature.signed_data().take(1).flat_map(|data| &data.signer_infos) {
            let values = [
                (&signer.cades.certificate_values, Evidence::Certificate as fn(Vec<u8>) -> Evidence),
                (&signer.cades.crl_values, Evidence::Crl),
                (&signer.cades.ocsp_values, Evidence::Ocsp),
            ];
            for (values, wrap) in values {
                for der in values {
                    self.keep(wrap(der.clone()), covered_from, None);
                }
            }
        }
        // What its signed attributes hold, a signature's own time-stamp vouches for as well.
        for signer in signature.signed_data().take(1).flat_map(|data| &data.signer_infos) {
            for crl in &signer.revocation_crls {
                self.keep(Evidence::Crl(crl.clone()), covered_from, Some(index));
            }
            for response in &signer.revocation_ocsps {
                self.keep(Evidence::Ocsp(response.clone()), covered_from, Some(index));
            }
        }
    }

    fn keep(&mut self, evidence: Evidence, covered_from: Option<usize>, signature: Option<usize>) {
        if let Some(piece) = ReadEvidence::read(&evidence) {
            self.keep_piece(piece, covered_from, signature);
        }
    }

    fn keep_piece(&mut self, piece: ReadEvidence, covered_from: Option<usize>, signature: Option<usize>) {
        let (fingerprint, what) = match piece {
            ReadEvidence::Certificate(certificate) => {
                return self.keep_certificate(&certificate, covered_from);
            }
            ReadEvidence::Status(fingerprint, what) => (fingerprint, what),
        };
        if let Some(held) = self.statuses.iter_mut().find(|held| held.fingerprint == fingerprint) {
            held.covered_from = match (held.covered_from, covered_from) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
            held.signature = held.signature.or(signature);
        } else if covered_from.is_none() || self.statuses.len() < self.limits.certificates {
            // What the caller brings is bounded by what was asked for.
            self.statuses.push(HeldStatus { fingerprint, what, covered_from, signature });
        }
    }

    fn keep_certificate(&mut self, certificate: &Certificate, covered_from: Option<usize>) {
        let known = self.pool.iter().any(|other| other.der() == certificate.der());
        if !known && self.pool.len() < self.limits.certificates {
            self.pool.push(certificate.clone());
        }
        if let Some(from) = covered_from {
            self.held_from
                .entry(certificate.sha256())
                .and_modify(|held| *held = from.min(*held))
                .or_insert(from);
        }
    }

    /// The revision from which on the file holds a certificate.
    fn held_from(&self, certificate: &Certificate) -> Option<usize> {
        self.held_from.get(&certificate.sha256()).copied()
    }
}
