//! What a signer says under protection: signature policy, commitments, roles (ETSI EN 319 122-1 section 5.2).
//!
//! It is told, and decides nothing by itself: what a policy asks is for the validation policy to say
//! (`signature-policy`), and nobody vouches for a role.

use serde::{Deserialize, Serialize};

use super::inspect::{Body, Signature};
use crate::cms::{CadesAttributes, Commitment, SignaturePolicy};

/// What the signer says under protection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatementsReport {
    /// The signature policy that the signature was made under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature_policy: Option<SignaturePolicyReport>,
    /// What the signer means by signing: `proof-of-approval` and the like, or an object identifier.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commitment_types: Vec<String>,
    /// The roles that the signer claims; nobody vouches for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signer_roles: Vec<String>,
}

/// signature-policy-identifier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignaturePolicyReport {
    /// The object identifier of the policy; `implied` or `unreadable` when there is none.
    pub identifier: String,
    /// The digest of its text, as `SHA-256:` and hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Where its text is, by the signer's word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
}

impl StatementsReport {
    /// What the one signer of a signature says; a document time-stamp says nothing.
    pub(super) fn of(signature: &Signature) -> Self {
        match &signature.body {
            Body::Cms { data, .. } => {
                data.only_signer().map(|signer| Self::told(&signer.cades)).unwrap_or_default()
            }
            Body::Xml(body) => body.statements.clone(),
            Body::TimeStamp(_) | Body::None => Self::default(),
        }
    }

    fn told(cades: &CadesAttributes) -> Self {
        let uri = cades.signature_policy_uri.as_deref().map(printable);
        let named = |identifier: &str| SignaturePolicyReport {
            identifier: identifier.to_owned(),
            digest: None,
            uri: uri.clone(),
        };
        let signature_policy = cades.signature_policy.as_ref().map(|policy| match policy {
            SignaturePolicy::Implied => named("implied"),
            SignaturePolicy::Named { id, digest } => SignaturePolicyReport {
                digest: digest.as_ref().map(|digest| format!("{digest:?}")),
                ..named(&id.to_string())
            },
            SignaturePolicy::Unreadable => named("unreadable"),
        });
        Self {
            signature_policy,
            commitment_types: cades
                .commitment_types
                .iter()
                .map(|kind| Commitment(*kind).to_string())
                .collect(),
            signer_roles: cades.claimed_roles.iter().map(|role| printable(role)).collect(),
        }
    }
}

/// A text of anybody's, in one line and not without end.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_TEXT).collect()
}

/// In characters.
const LONGEST_TEXT: usize = 1000;
