//! A report in the shapes that others read: SiVa's JSON, the validation report of ETSI TS 119 102-2, and words for
//! people; and a page of a document as a picture. Pure: what comes out is bytes.
//!
//! Nothing here judges. What a shape has no place for is left out or told in a warning, never made better than it is.

pub mod etsi;
pub mod page;
pub mod paper;
pub mod people;
pub mod siva;

mod algorithm;
mod statements;

/// Reports for the tests of this room, with real certificates in them.
#[cfg(test)]
mod sample {
    use crate::{
        base::DigestAlgorithm,
        validation::{
            CertificateReport, CertificateStatus, CoverageLevel, DocumentReport, Indication, Message,
            ModificationLevel, Origin, SignatureReport, StatementsReport, StatusReport, StatusSource,
            TimeSource, TimeStampKind, TimeStampReport,
        },
        x509::{Certificate, certificates_from_pem},
    };

    pub(super) fn root() -> Certificate {
        one(include_bytes!("../../certs-test/root.crt.pem"))
    }

    pub(super) fn authority() -> Certificate {
        one(include_bytes!("../../certs-test/ca-rsa.crt.pem"))
    }

    pub(super) fn person() -> Certificate {
        one(include_bytes!("../../certs-test/person-rsa2048.crt.pem"))
    }

    fn one(pem: &[u8]) -> Certificate {
        certificates_from_pem(pem).unwrap().remove(0)
    }

    fn path(first: &Certificate) -> Vec<CertificateReport> {
        let good = StatusReport {
            status: CertificateStatus::Good,
            source: StatusSource::Ocsp,
            origin: Origin::Document,
            this_update: "2026-11-22T01:20:00Z".to_owned(),
            next_update: None,
            revoked_at: None,
            signer_der: authority().der().to_vec(),
        };
        vec![
            CertificateReport::of(first, Some(good)),
            CertificateReport::of(&authority(), None),
            CertificateReport::of(&root(), None),
        ]
    }

    pub(super) fn message(key: &str) -> Message {
        Message { key: key.to_owned(), message: format!("About {key}.") }
    }

    pub(super) fn signature() -> SignatureReport {
        let person = person();
        SignatureReport {
            id: "S-1".to_owned(),
            field: "Signature1".to_owned(),
            indication: Indication::TotalPassed,
            sub_indication: None,
            signature_format: "PAdES-BASELINE-LT".to_owned(),
            signature_algorithm: Some("SHA256withRSA".to_owned()),
            signed_by: person.subject().common_name(),
            organization: Some("UBND phường An Hội".to_owned()),
            subject: Some(person.subject().to_string()),
            issuer: Some(person.issuer().to_string()),
            serial: Some(person.serial_hex()),
            certificate_valid_from: Some(person.not_before().to_string()),
            certificate_valid_to: Some(person.not_after().to_string()),
            trust_anchor: Some(root().subject().to_string()),
            trust_anchor_set: Some("public-duty".to_owned()),
            signer: Some(CertificateReport::of(&person, None)),
            certificates: path(&person),
            time_stamps: vec![TimeStampReport {
                kind: TimeStampKind::Signature,
                indication: Indication::TotalPassed,
                sub_indication: None,
                production_time: Some("2026-11-22T01:15:09Z".to_owned()),
                produced_by: Some("A time-stamp authority".to_owned()),
                digest_algorithm: Some("SHA-256".to_owned()),
                certificates: path(&one(include_bytes!("../../certs-test/tsa-rsa2048.crt.pem"))),
                errors: Vec::new(),
                imprint: Some(DigestAlgorithm::Sha256.digest(b"a signature value")),
            }],
            level_reasons: vec![message("level.archive-time-stamp")],
            claimed_signing_time: Some("2026-11-22T01:14:00Z".to_owned()),
            best_signature_time: Some("2026-11-22T01:15:09Z".to_owned()),
            best_signature_time_source: Some(TimeSource::TimeStamp),
            reason: Some("Phê duyệt".to_owned()),
            location: None,
            statements: StatementsReport::default(),
            certification_level: None,
            digest_matches: true,
            signature_matches: true,
            coverage: CoverageLevel::Document,
            scopes: Vec::new(),
            modification_level: ModificationLevel::None,
            modifications: Vec::new(),
            errors: Vec::new(),
            warnings: Vec::new(),
        }
    }

    pub(super) fn time_stamp(id: &str) -> SignatureReport {
        SignatureReport {
            id: id.to_owned(),
            field: "Stamp".to_owned(),
            signature_format: "DOC-TIME-STAMP".to_owned(),
            time_stamps: Vec::new(),
            reason: None,
            ..signature()
        }
    }

    pub(super) fn document(signatures: Vec<SignatureReport>) -> DocumentReport {
        DocumentReport {
            name: "Quyết định.pdf".to_owned(),
            sha256: "ab".repeat(32),
            overall: DocumentReport::overall_of(&signatures),
            validation_time: "2026-11-23T02:00:00Z".to_owned(),
            policy: "strict".to_owned(),
            cryptographic_policy: "strict".to_owned(),
            signed_files: Vec::new(),
            signatures,
        }
    }
}
