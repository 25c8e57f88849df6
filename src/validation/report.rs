//! The report: what the JSON of `kyso verify` and of the API shows (schema in `docs/verify.schema.json`).

use serde::{Deserialize, Serialize};

/// The answer for a set of documents.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Report {
    pub documents: Vec<DocumentReport>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Overall {
    Valid,
    Invalid,
    Indeterminate,
    Unsigned,
}

#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DocumentReport {
    pub name: String,
    /// 64 hex characters.
    pub sha256: String,
    pub overall: Overall,
    pub signatures: Vec<SignatureReport>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub enum Indication {
    #[serde(rename = "TOTAL-PASSED")]
    TotalPassed,
    #[serde(rename = "TOTAL-FAILED")]
    TotalFailed,
    #[serde(rename = "INDETERMINATE")]
    Indeterminate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CoverageLevel {
    Document,
    Revision,
    Partial,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ModificationLevel {
    None,
    Permitted,
    Forbidden,
}

/// A stable key and words for people (English here; faces translate by key).
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Message {
    pub key: String,
    pub message: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Modification {
    pub revision: usize,
    /// `12 0 R`.
    pub objects: Vec<String>,
    pub kind: String,
    pub permitted: bool,
    pub description: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignatureReport {
    pub id: String,
    pub field: String,
    pub indication: Indication,
    /// ETSI EN 319 102-1 sub-indication, e.g. `HASH_FAILURE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub_indication: Option<String>,
    /// `PAdES-BASELINE-B`, `PAdES-BASELINE-T`, `DOC-TIME-STAMP`, `PKCS7-B`…
    pub signature_format: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claimed_signing_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best_signature_time: Option<String>,
    /// The bytes are those that were signed, apart from trust.
    pub digest_matches: bool,
    /// The signature value fits key and signed attributes, apart from trust.
    pub signature_matches: bool,
    pub coverage: CoverageLevel,
    pub modification_level: ModificationLevel,
    pub modifications: Vec<Modification>,
    pub errors: Vec<Message>,
    pub warnings: Vec<Message>,
}
