//! CMS signatures made part by part, right or wrong, in the small world of `judge`.

use std::sync::Arc;

use der::oid::ObjectIdentifier;
use jiff::SignedDuration;
use kyso::{
    asn1::{Reader, Tag, oid, write},
    base::{Digest, DigestAlgorithm, Limits, MemorySource, Source as _, UtcTime},
    cms::{HashIndex, Parts, SignedAttributes, SignedData, SignedDataParts},
    pdf::{NewSignature, SignatureKind, prepare_signature},
    trust::Anchors,
    validation::{Detached, DocumentReport, Evidence, Indication, Inspection, Policy, SignatureReport},
    x509::Certificate,
};

use crate::judge::world::*;

pub(super) const CONTENT: &[u8] = b"Noi dung duoc ky\n";

pub(super) const SHA256: DigestAlgorithm = DigestAlgorithm::Sha256;

/// `TOTAL-FAILED/HASH_FAILURE digest.mismatch`: indication, sub-indication, deciding key.
pub(super) fn told(signature: &SignatureReport) -> String {
    let indication = match signature.indication {
        Indication::TotalPassed => "TOTAL-PASSED",
        Indication::TotalFailed => "TOTAL-FAILED",
        Indication::Indeterminate => "INDETERMINATE",
    };
    let sub = signature.sub_indication.as_deref().map(|sub| format!("/{sub}")).unwrap_or_default();
    let key = signature.reason_against().map(|reason| format!(" {}", reason.key)).unwrap_or_default();
    format!("{indication}{sub}{key}")
}

/// A CMS under way.
#[derive(Clone)]
pub(super) struct Forge {
    pub(super) parts: Parts,
    pub(super) inside: bool,
}

pub(super) fn attribute(kind: ObjectIdentifier, value: &[u8]) -> Vec<u8> {
    write::sequence([write::oid(kind), write::value(Tag::SET, value)])
}

/// The elements of a SET and some more.
fn with(set: &[u8], more: &[Vec<u8>]) -> Vec<u8> {
    let mut reader = Reader::only(set).unwrap().reader();
    let mut elements = more.to_vec();
    while !reader.is_empty() {
        elements.push(reader.any().unwrap().raw.to_vec());
    }
    write::set_of(elements)
}

impl Forge {
    /// A baseline signature of `signer` over [`CONTENT`], with further signed attributes.
    pub(super) fn sign(signer: &Entity, inside: bool, more: &[Vec<u8>]) -> Self {
        let attributes = SignedAttributes {
            content_type: oid::DATA,
            message_digest: SHA256.digest(CONTENT),
            signer: signer.certificate.clone(),
            signing_time: Some(day("05-30")),
        };
        let attributes = with(&attributes.to_der(), more);
        let cms = SignedDataParts {
            content: inside.then_some(CONTENT),
            content_type: oid::DATA,
            signed_attributes: &attributes,
            scheme: SCHEME,
            signer: &signer.certificate,
            chain: &WORLD.chain(),
            signature: &signer.key.sign(&attributes),
            time_stamp_token: None,
        };
        Self::of(&cms.to_der(), inside)
    }

    pub(super) fn of(der: &[u8], inside: bool) -> Self {
        Self { parts: Parts::parse(der, &Limits::default()).unwrap(), inside }
    }

    pub(super) fn data(&self) -> SignedData {
        SignedData::parse(&self.der(), &Limits::default()).unwrap()
    }

    pub(super) fn der(&self) -> Vec<u8> {
        self.parts.to_der()
    }

    /// A time-stamp on the value.
    pub(super) fn stamp(mut self, tsa: &Entity, at: UtcTime) -> Self {
        let value = self.data().only_signer().unwrap().signature.clone();
        let token = tsa.stamps(SHA256.digest(&value), at, &WORLD.chain());
        self.parts.add_unsigned_attribute(oid::TIME_STAMP_TOKEN, &token);
        self
    }

    pub(super) fn embed(mut self, evidence: &[Evidence]) -> Self {
        for one in evidence {
            match one {
                Evidence::Certificate(der) => self.parts.add_certificate(der),
                Evidence::Crl(der) => self.parts.add_crl(der),
                Evidence::Ocsp(der) => self.parts.add_ocsp(der),
            }
        }
        self
    }

    /// An archive time-stamp over all that is there.
    pub(super) fn archive(self, tsa: &Entity, at: UtcTime) -> Self {
        let index = HashIndex::over(&self.parts, SHA256).der().to_vec();
        self.archive_with(tsa, at, &index, CONTENT, &index)
    }

    /// An archive time-stamp made over `index` and `content`, that carries `carried`.
    pub(super) fn archive_with(
        mut self,
        tsa: &Entity,
        at: UtcTime,
        index: &[u8],
        content: &[u8],
        carried: &[u8],
    ) -> Self {
        let imprint = self.parts.archive_imprint(&SHA256.digest(content), index);
        let token = tsa.stamps(imprint, at, &WORLD.chain());
        let mut token = Parts::parse(&token, &Limits::default()).unwrap();
        if !carried.is_empty() {
            token.add_unsigned_attribute(oid::ATS_HASH_INDEX_V3, carried);
        }
        self.parts.add_unsigned_attribute(oid::ARCHIVE_TIME_STAMP_V3, &token.to_der());
        self
    }

    /// The verdict at `moment` with what is inside and this evidence.
    pub(super) fn judge(&self, evidence: &[Evidence], moment: UtcTime) -> SignatureReport {
        judge_file(&self.der(), (!self.inside).then_some(CONTENT), evidence, moment)
    }
}

/// The one signature of a CMS file, judged.
pub(super) fn judge_file(
    file: &[u8],
    detached: Option<&[u8]>,
    evidence: &[Evidence],
    moment: UtcTime,
) -> SignatureReport {
    let report = report(file, detached, &WORLD.anchors(), evidence, moment);
    let [signature] = report.signatures.as_slice() else { panic!("{report:#?}") };
    signature.clone()
}

pub(super) fn report(
    file: &[u8],
    detached: Option<&[u8]>,
    anchors: &Anchors,
    evidence: &[Evidence],
    moment: UtcTime,
) -> DocumentReport {
    let detached: Vec<Detached> = detached
        .into_iter()
        .map(|bytes| Detached { name: "a.bin".to_owned(), source: Arc::new(MemorySource(bytes.to_vec())) })
        .collect();
    let source = Arc::new(MemorySource(file.to_vec()));
    let mut inspection = Inspection::open_any(source, &detached, &Limits::default()).unwrap();
    for one in evidence {
        inspection.supply(one.clone());
    }
    inspection.judge("a.p7s", &Policy::strict(), anchors, moment)
}

/// A CMS written anew with some of its parts left out or in another order, which [`Parts`] does not do.
pub(super) fn rewritten(der: &[u8], change: impl FnOnce(&mut Vec<Vec<u8>>, &mut Vec<Vec<u8>>)) -> Vec<u8> {
    let pieces = |encoding: &[u8]| {
        let (mut reader, mut pieces) = (Reader::only(encoding).unwrap().reader(), Vec::new());
        while !reader.is_empty() {
            pieces.push(reader.any().unwrap().raw.to_vec());
        }
        pieces
    };
    let content_info = pieces(der);
    let mut fields = pieces(Reader::only(&content_info[1]).unwrap().value);
    let signers = fields.pop().unwrap();
    let mut signer = pieces(Reader::only(&signers).unwrap().value);
    change(&mut fields, &mut signer);
    fields.push(write::value(Tag::SET, &write::sequence(&signer)));
    let content = write::value(Tag::context(0), &write::sequence(&fields));
    write::sequence([content_info[0].clone(), content])
}

/// The world later: authorities for time-stamps and answers whose certificates last longer.
pub(super) struct Later {
    pub(super) tsa: Entity,
    pub(super) responder: Entity,
}

impl Later {
    pub(super) fn until(end: i16, serial: u32) -> Self {
        let long = |spec: Spec| Spec { to: year(end), ..spec };
        Self {
            tsa: WORLD.ca.issue(&long(Spec::time_stamping("TSA về sau", serial))),
            responder: WORLD.ca.issue(&long(Spec::responder("OCSP về sau", serial + 1))),
        }
    }

    /// What is known of this authority on a day: its own status and that of the issuing authority.
    pub(super) fn known(&self, on: UtcTime) -> Vec<Evidence> {
        let about =
            |certificate: &Certificate| self.responder.answers(&WORLD.ca, certificate, &Answer::good(on));
        vec![WORLD.root_list(on - SignedDuration::from_hours(24)), about(&self.tsa.certificate)]
    }
}

/// What a signature of 05-30 with a time-stamp of 05-31 needs, as it was known on 06-01.
pub(super) fn evidence_of(signer: &Entity) -> Vec<Evidence> {
    let world = &*WORLD;
    vec![
        world.root_list(day("05-20")),
        world.good(signer, day("06-01")),
        world.good(&world.tsa, day("06-01")),
    ]
}

// For the CMS of a PDF, whose content only a digest stands for.

impl Forge {
    /// A signature without signing-time over a digest.
    pub(super) fn sign_digest(signer: &Entity, digest: &Digest, more: &[Vec<u8>]) -> Self {
        let attributes = SignedAttributes {
            content_type: oid::DATA,
            message_digest: digest.clone(),
            signer: signer.certificate.clone(),
            signing_time: None,
        };
        let attributes = with(&attributes.to_der(), more);
        let cms = SignedDataParts {
            content: None,
            content_type: oid::DATA,
            signed_attributes: &attributes,
            scheme: SCHEME,
            signer: &signer.certificate,
            chain: &WORLD.chain(),
            signature: &signer.key.sign(&attributes),
            time_stamp_token: None,
        };
        Self::of(&cms.to_der(), false)
    }

    pub(super) fn archive_digest(mut self, tsa: &Entity, at: UtcTime, digest: &Digest) -> Self {
        let index = HashIndex::over(&self.parts, SHA256);
        let imprint = self.parts.archive_imprint(digest, index.der());
        let token = tsa.stamps(imprint, at, &WORLD.chain());
        let mut token = Parts::parse(&token, &Limits::default()).unwrap();
        token.add_unsigned_attribute(oid::ATS_HASH_INDEX_V3, index.der());
        self.parts.add_unsigned_attribute(oid::ARCHIVE_TIME_STAMP_V3, &token.to_der());
        self
    }
}

/// A PDF with a signature whose CMS is large.
pub(super) fn sign_with_room(pdf: &[u8], cms: impl FnOnce(Digest) -> Vec<u8>) -> Vec<u8> {
    let new = NewSignature {
        kind: SignatureKind::Signature,
        sub_filter: "ETSI.CAdES.detached",
        claimed_time: Some(day("05-30")),
        contents_len: 16 * 1024,
        ..NewSignature::default()
    };
    let mut increment = prepare_signature(&open(pdf), &new).unwrap();
    let whole = |tail: &[u8]| [pdf, tail].concat();
    let digest = MemorySource(whole(&increment.tail)).digest(SHA256, &increment.ranges).unwrap();
    increment.fill(&cms(digest)).unwrap();
    whole(&increment.tail)
}
