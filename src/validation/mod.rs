//! Document + evidence + policy + moment -> verdict. Pure: no I/O but reading the document's source, no clock.

use std::sync::Arc;

use crate::{
    base::{Limits, Source, UtcTime},
    trust::Anchors,
};

mod report;
pub use report::{
    CoverageLevel, DocumentReport, Indication, Message, Modification, ModificationLevel, Overall, Report,
    SignatureReport, TimeSource, Unreadable,
};

/// Something the judge would like to have. The caller may fetch it, or not.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Need {
    /// An OCSP answer: where, and the request to send.
    Ocsp {
        url: String,
        request: Vec<u8>,
    },
    Crl {
        url: String,
    },
    Issuer {
        url: String,
    },
}

/// Something brought for the judge, as received.
#[derive(Clone, Debug)]
pub enum Evidence {
    Ocsp(Vec<u8>),
    Crl(Vec<u8>),
    Certificate(Vec<u8>),
}

/// What must hold and what only warns.
#[derive(Clone, Debug)]
pub struct Policy {
    pub name: String,
}
impl Policy {
    pub fn strict() -> Self {
        Self { name: "strict".to_owned() }
    }
}

/// A document read, its signatures found and checked as far as the bytes go.
pub struct Inspection {
    _private: (),
}

impl Inspection {
    /// Reads revisions, CMS and certificates. Errors mean: not a readable PDF (exit status 65).
    pub fn open(source: Arc<dyn Source>, limits: &Limits) -> Result<Self, crate::pdf::PdfError> {
        let _ = (source, limits);
        todo!()
    }
    /// What would help the judgement, given these anchors and what was supplied so far. Asking again after supplying may give more.
    pub fn needs(&self, anchors: &Anchors, moment: UtcTime) -> Vec<Need> {
        let _ = (anchors, moment);
        todo!()
    }
    pub fn supply(&mut self, evidence: Evidence) {
        let _ = evidence;
        todo!()
    }
    /// The verdict of this document under `policy` at `moment`.
    pub fn judge(&self, name: &str, policy: &Policy, anchors: &Anchors, moment: UtcTime) -> DocumentReport {
        let _ = (name, policy, anchors, moment);
        todo!()
    }
}
