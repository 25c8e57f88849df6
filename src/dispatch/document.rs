//! A document of an agency, from draft to issued.

use serde::{Deserialize, Serialize};

use super::{Extension, Number, Upkeep};
use crate::{
    base::{Id, Sha256, UtcTime},
    people::{AgencyCode, Member},
};

/// A document and its present bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    /// Its identifier.
    #[schema(value_type = String)]
    pub id: Id<Document>,
    /// Whose it is.
    #[schema(value_type = String)]
    pub agency: AgencyCode,
    /// What the file was called when it was brought in, without folders.
    pub file_name: String,
    /// SHA-256 of the present bytes, 64 hexadecimal characters.
    #[schema(value_type = String)]
    #[serde(with = "sha256_text")]
    pub sha256: Sha256,
    /// Length of the present bytes.
    pub size: u64,
    /// Secret documents are outside the axis; kyso refuses to send them.
    pub secrecy: Secrecy,
    /// How far it has come.
    pub state: DocumentState,
    /// Number and symbol, once allotted.
    pub number: Option<Number>,
    /// What it is about, once numbered.
    pub subject: Option<String>,
    /// Who signs as the competent person, once numbered.
    pub signer: Option<Signer>,
    /// Signatures recorded, oldest first.
    pub signatures: Vec<Signature>,
    /// How far the signatures have come, and what is due; absent while nothing beyond level B was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upkeep: Option<Upkeep>,
    /// Files made out of signed ones by adding evidence and time-stamps, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extensions: Vec<Extension>,
    /// Who brought it in.
    #[schema(value_type = String)]
    pub uploaded_by: Id<Member>,
    /// When.
    #[schema(value_type = String)]
    pub uploaded_at: UtcTime,
}

/// How far a document has come. The number may be allotted before or after the person's signature, but stands before
/// the agency's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DocumentState {
    /// Brought in; perhaps numbered.
    Drafted,
    /// Signed by the competent person.
    Approved,
    /// Signed by the agency after the person: an original (Article 5), and fit to be sent.
    Issued,
}

/// Whether a document may leave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Secrecy {
    /// May be sent.
    #[default]
    Open,
    /// May never be sent by kyso.
    Secret,
}

/// What a signature was made for.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The competent person's.
    Approve,
    /// The agency's.
    Issue,
}

impl Role {
    /// The word in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Issue => "issue",
        }
    }
}

/// A signature recorded for a document: the file that it made, and the verdict under which it was taken in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Signature {
    /// What it was made for.
    pub role: Role,
    /// SHA-256 of the signed file.
    #[schema(value_type = String)]
    #[serde(with = "sha256_text")]
    pub sha256: Sha256,
    /// Length of the signed file.
    pub size: u64,
    /// SHA-256 of the signer's certificate, DER.
    #[schema(value_type = String)]
    #[serde(with = "sha256_text")]
    pub certificate_sha256: Sha256,
    /// SHA-256 of the stored verification report, JSON.
    #[schema(value_type = String)]
    #[serde(with = "sha256_text")]
    pub report_sha256: Sha256,
    /// Who had it recorded.
    #[schema(value_type = String)]
    pub recorded_by: Id<Member>,
    /// When.
    #[schema(value_type = String)]
    pub recorded_at: UtcTime,
}

/// The competent person, as the document names them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Signer {
    /// In what capacity: `TM.`, `Q.`, `KT.`, `TL.`, `TUQ.`, or none of them.
    #[serde(default)]
    pub capacity: Option<Capacity>,
    /// At most 50 characters.
    pub name: String,
    /// At most 100 characters.
    pub position: String,
}

/// The capacity in which somebody signs (Decree 30/2020, Annex I).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
pub enum Capacity {
    /// For a collective.
    #[serde(rename = "TM.")]
    ForCollective,
    /// Acting head.
    #[serde(rename = "Q.")]
    ActingHead,
    /// Deputy for the head.
    #[serde(rename = "KT.")]
    DeputyForHead,
    /// By order.
    #[serde(rename = "TL.")]
    ByOrder,
    /// By authorisation.
    #[serde(rename = "TUQ.")]
    ByAuthorisation,
}

/// A SHA-256 value as 64 hexadecimal characters in JSON.
pub(super) mod sha256_text {
    use serde::{Deserialize as _, Deserializer, Serializer};

    use crate::base::Sha256;

    pub(crate) fn serialize<S: Serializer>(value: &Sha256, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&value.to_hex())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Sha256, D::Error> {
        let text = String::deserialize(from)?;
        Sha256::from_hex(&text)
            .ok_or_else(|| serde::de::Error::custom("a SHA-256 is 64 hexadecimal characters"))
    }
}
