//! What the time-stamps that a signature carries are worth, one by one.

use super::{
    Indication, Message, TimeStampKind, TimeStampReport,
    cms::{CheckedToken, Finding},
    inspect::Stamp,
    verdict::{Bench, Draft, Worth, sub_indication},
    words::Key,
};
use crate::{base::UtcTime, trust::Trusted};

impl Bench<'_> {
    /// The time that a time-stamp proves, if it does; its report, and else why not, go into the draft.
    ///
    /// `known`: when it is proven to have existed.
    pub(super) fn heard(
        &mut self,
        stamp: &Stamp,
        kind: TimeStampKind,
        known: Option<UtcTime>,
        index: usize,
        draft: &mut Draft,
    ) -> Option<(UtcTime, Box<Trusted>)> {
        let broken = |what: &str| {
            let which = match kind {
                TimeStampKind::Archive => "archive time-stamp",
                TimeStampKind::Content => "time-stamp of the content",
                TimeStampKind::Signature => "time-stamp of the signature",
            };
            let message = Key::TimeStampInvalid.message(format!("The {which} is broken: {what}."));
            Finding::open("SIG_CONSTRAINTS_FAILURE", message)
        };
        let token = match stamp {
            Stamp::Broken(reason) => {
                let finding = broken(reason);
                draft.report.time_stamps.push(unread_time_stamp(kind, true, finding.message.clone()));
                draft.findings.push(finding);
                return None;
            }
            Stamp::Token(token) => token,
            Stamp::Unchecked(reason) => {
                let message =
                    Key::TimeStampUntrusted.message(format!("The time-stamp proves no time: {reason}."));
                draft.report.time_stamps.push(unread_time_stamp(kind, false, message.clone()));
                draft.warnings.push(message);
                return None;
            }
        };
        let mut report = time_stamp(kind, token);
        let (failed, sub_indication, message) =
            match self.weigh(token, self.control(known), known.map(|time| (index, time))) {
                Worth::Proof { time, trusted } => {
                    report.certificates = self.path(&trusted);
                    draft.report.time_stamps.push(report);
                    return Some((time, trusted));
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
                Worth::Weak(weak) => (false, weak.sub_indication(), Key::TimeStampWeak.plain()),
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
}

/// A time-stamp on a signature, before it is known what it is worth.
fn time_stamp(kind: TimeStampKind, token: &CheckedToken) -> TimeStampReport {
    TimeStampReport {
        kind,
        indication: Indication::TotalPassed,
        sub_indication: None,
        production_time: Some(token.info.gen_time.to_string()),
        produced_by: token.checked.signer.as_ref().and_then(|authority| authority.subject().common_name()),
        digest_algorithm: Some(token.info.imprint.algorithm.to_string()),
        certificates: Vec::new(),
        errors: Vec::new(),
        imprint: Some(token.info.imprint.clone()),
    }
}

/// A time-stamp that is not even a token, or one of which it is not known what it was made for.
fn unread_time_stamp(kind: TimeStampKind, broken: bool, why: Message) -> TimeStampReport {
    let (indication, sub_indication) = if broken {
        (Indication::TotalFailed, "FORMAT_FAILURE")
    } else {
        (Indication::Indeterminate, "SIGNED_DATA_NOT_FOUND")
    };
    TimeStampReport {
        kind,
        indication,
        sub_indication: Some(sub_indication.to_owned()),
        production_time: None,
        produced_by: None,
        digest_algorithm: None,
        certificates: Vec::new(),
        errors: vec![why],
        imprint: None,
    }
}
