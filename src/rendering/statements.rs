//! What a signer says under protection, in words.

use super::people::pick;
use crate::validation::{SignaturePolicyReport, StatementsReport, words::Language};

/// Roles, commitments and signature policy, each with its label.
pub(super) fn facts(language: Language, statements: &StatementsReport) -> Vec<(&'static str, String)> {
    let StatementsReport { signature_policy, commitment_types, signer_roles } = statements;
    let mut facts = Vec::new();
    if !signer_roles.is_empty() {
        let label = pick(language, "Chức vụ tự khai", "Claimed role");
        facts.push((label, signer_roles.join(", ")));
    }
    if !commitment_types.is_empty() {
        let words: Vec<&str> = commitment_types.iter().map(|kind| commitment(language, kind)).collect();
        facts.push((pick(language, "Cam kết", "Commitment"), words.join(", ")));
    }
    if let Some(SignaturePolicyReport { identifier, digest, uri }) = signature_policy {
        let parts = [Some(identifier), digest.as_ref(), uri.as_ref()];
        let words: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
        facts.push((pick(language, "Chính sách ký", "Signature policy"), words.join(", ")));
    }
    facts
}

/// A commitment in a few words; one that has none keeps its identifier.
fn commitment(language: Language, kind: &str) -> &str {
    let known = COMMITMENTS.iter().find(|(known, ..)| *known == kind);
    known.map_or(kind, |(_, vi, en)| pick(language, vi, en))
}

/// RFC 5126 section 5.11.1.
const COMMITMENTS: [(&str, &str, &str); 6] = [
    ("proof-of-approval", "phê duyệt nội dung", "approves the content"),
    ("proof-of-creation", "là người soạn", "created the content"),
    ("proof-of-delivery", "đã chuyển đến nơi nhận", "delivered the content"),
    ("proof-of-origin", "là người soạn, phê duyệt và gửi", "created, approved and sent the content"),
    ("proof-of-receipt", "đã nhận", "received the content"),
    ("proof-of-sender", "là người gửi", "sent the content"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_told_in_both_languages() {
        let said = StatementsReport {
            signature_policy: Some(SignaturePolicyReport {
                identifier: "1.2.3".to_owned(),
                digest: Some("SHA-256:00".to_owned()),
                uri: None,
            }),
            commitment_types: vec!["proof-of-approval".to_owned(), "1.2.4".to_owned()],
            signer_roles: vec!["Chủ tịch".to_owned()],
        };
        let english = facts(Language::English, &said);
        assert_eq!(english[0], ("Claimed role", "Chủ tịch".to_owned()));
        assert_eq!(english[1].1, "approves the content, 1.2.4");
        assert_eq!(english[2].1, "1.2.3, SHA-256:00");
        assert_eq!(facts(Language::Vietnamese, &said)[1].1, "phê duyệt nội dung, 1.2.4");
        assert!(facts(Language::English, &StatementsReport::default()).is_empty());
    }
}
