//! What a verdict rests on, piece by piece: for whoever stores it in the file, so that the verdict lasts.

use super::{
    DocumentReport, Evidence, Inspection, Policy, StatusEvidence, cms::CheckedToken, verdict::Bench,
};
use crate::{
    base::UtcTime,
    crypto::policy::Use,
    trust::{Anchors, EvidenceKind, Trusted},
    x509::{
        Certificate,
        algorithm::{SignatureScheme, key_kind},
    },
};

/// What the verdict on one signature or document time-stamp rests on, its time-stamps included. There is none where no
/// path was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reliance {
    /// Its place among the signatures of the report, which is its place among those of the document.
    pub index: usize,
    /// Whether it is a document time-stamp.
    pub document_time_stamp: bool,
    /// When it is proven to have existed; a document time-stamp proves that of itself.
    pub proven_at: Option<UtcTime>,
    /// Certificates and status evidence, none twice.
    pub pieces: Vec<Piece>,
    /// When the newest archive time-stamp inside it was made, if one holds: of CMS and XML signatures.
    pub archived_at: Option<UtcTime>,
    /// Of a document time-stamp, or of that archive time-stamp: the first moment at which a certificate of its path, or an
    /// algorithm by the cryptographic policy, comes to its end. Something has to prove by then that it existed.
    pub good_until: Option<UtcTime>,
}

/// A certificate of a path, or evidence on the status of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The thing itself.
    pub evidence: Evidence,
    /// Whether the file holds it.
    pub stored: bool,
    /// Whether it is the anchor, which the caller brings.
    pub anchor: bool,
    /// For status evidence: whose status it tells, and when it was made.
    pub status: Option<PieceStatus>,
}

/// What a piece of status evidence tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PieceStatus {
    /// The subject of the certificate, RFC 4514.
    pub of: String,
    /// Whether that is the signer's or the time-stamp authority's own certificate, rather than one above it.
    pub end: bool,
    /// thisUpdate.
    pub this_update: UtcTime,
    /// nextUpdate.
    pub next_update: Option<UtcTime>,
}

impl Inspection {
    /// [`Inspection::judge`], with what the verdicts rest on. In a container the signature's or time-stamp's own file is
    /// what holds a piece, or does not.
    pub fn appraise(
        &self,
        name: &str,
        policy: &Policy,
        anchors: &Anchors,
        moment: UtcTime,
    ) -> (DocumentReport, Vec<Reliance>) {
        let judged = match &self.container {
            Some(container) => container.judge(policy, anchors, moment),
            None => super::verdict::judge_all(self, policy, anchors, moment, None),
        };
        (self.document_report(name, policy, moment, judged.reports), judged.reliances)
    }
}

impl Bench<'_> {
    /// Notes that the verdict on a signature rests on this path.
    pub(super) fn rely(&mut self, index: usize, trusted: &Trusted) {
        let pieces = self.pieces(trusted);
        let reliance = self.reliance(index);
        for piece in pieces {
            if !reliance.pieces.iter().any(|held| held.evidence == piece.evidence) {
                reliance.pieces.push(piece);
            }
        }
    }

    /// The same for a document time-stamp, which proves `time`.
    pub(super) fn rely_on_stamp(
        &mut self,
        index: usize,
        token: &CheckedToken,
        trusted: &Trusted,
        time: UtcTime,
    ) {
        self.rely(index, trusted);
        let good_until = self.horizon(token, trusted);
        let reliance = self.reliance(index);
        reliance.document_time_stamp = true;
        reliance.proven_at = Some(time);
        reliance.good_until = good_until;
    }

    /// Notes what the newest archive time-stamp inside a signature proves, and for how long.
    pub(super) fn rely_on_archive(
        &mut self,
        index: usize,
        token: &CheckedToken,
        trusted: &Trusted,
        time: UtcTime,
    ) {
        let good_until = self.horizon(token, trusted);
        let reliance = self.reliance(index);
        if reliance.archived_at < Some(time) {
            (reliance.archived_at, reliance.good_until) = (Some(time), good_until);
        }
    }

    pub(super) fn reliance(&mut self, index: usize) -> &mut Reliance {
        self.reliances.entry(index).or_insert_with(|| Reliance { index, ..Reliance::default() })
    }

    fn pieces(&self, trusted: &Trusted) -> Vec<Piece> {
        let path = trusted.path();
        let anchor = path.len().saturating_sub(1);
        let mut pieces: Vec<Piece> =
            path.iter().enumerate().map(|(at, one)| self.certificate(one, at == anchor)).collect();
        for (at, (certificate, statements)) in path.iter().zip(trusted.statuses()).enumerate() {
            for statement in statements {
                for item in [Some(statement.item), statement.delta].into_iter().flatten() {
                    let Some(held) = self.inspection.statuses.get(item) else { continue };
                    let (evidence, own) = match &held.what {
                        StatusEvidence::Crl(crl) => (Evidence::Crl(crl.der().to_vec()), [].as_slice()),
                        StatusEvidence::Ocsp(response) => {
                            (Evidence::Ocsp(response.der.clone()), response.certificates.as_slice())
                        }
                    };
                    let status = PieceStatus {
                        of: certificate.subject().to_string(),
                        end: at == 0,
                        this_update: statement.this_update,
                        next_update: statement.next_update,
                    };
                    let stored = held.covered_from.is_some();
                    pieces.push(Piece { evidence, stored, anchor: false, status: Some(status) });
                    // Who signed it, where neither the path nor the answer itself brings that.
                    let brought = |one: &Certificate| one.der() == statement.signer.der();
                    if !path.iter().chain(own).any(brought)
                        && (statement.kind == EvidenceKind::Crl || own.is_empty())
                    {
                        pieces.push(self.certificate(&statement.signer, false));
                    }
                }
            }
        }
        pieces
    }

    fn certificate(&self, certificate: &Certificate, anchor: bool) -> Piece {
        let stored = self.inspection.held_from(certificate).is_some();
        Piece { evidence: Evidence::Certificate(certificate.der().to_vec()), stored, anchor, status: None }
    }

    /// When the first thing that a time-stamp rests on comes to its end; the anchor's own dates do not count.
    fn horizon(&self, token: &CheckedToken, trusted: &Trusted) -> Option<UtcTime> {
        let policy = &self.policy.cryptography;
        let end = UtcTime::MAX;
        let mut ends: Vec<UtcTime> = Vec::new();
        let links = trusted.path().len().saturating_sub(1);
        for certificate in trusted.path().iter().take(links) {
            ends.push(certificate.not_after());
            if let Ok(scheme) = SignatureScheme::from_identifier(certificate.signature_algorithm(), None) {
                let weak = policy.permits_scheme(Use::Certificate, scheme, end).err();
                ends.extend(weak.and_then(|weak| weak.since()));
            }
            if let Ok(kind) = key_kind(certificate.spki_der()) {
                let weak = policy.permits_key(Use::Certificate, kind, end).err();
                ends.extend(weak.and_then(|weak| weak.since()));
            }
        }
        let imprint = policy.permits_digest(Use::Imprint, token.info.imprint.algorithm, end).err();
        ends.extend(imprint.and_then(|weak| weak.since()));
        if let (Some(scheme), Some(signer)) = (token.checked.scheme, &token.checked.signer)
            && let Ok(kind) = key_kind(signer.spki_der())
        {
            let weak = policy.permits(Use::TimeStamp, scheme, kind, end).err();
            ends.extend(weak.and_then(|weak| weak.since()));
        }
        ends.into_iter().min()
    }
}
