//! What happened to a delivery, and how the ledger writes it.

use serde::{Deserialize, Serialize};

use super::{Code, Delivery, Dispatch, State};
use crate::{
    base::{Id, Sha256, UtcTime},
    people::{AgencyCode, Member},
};

/// One event of a delivery. Never changed once recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Its identifier. The same identifier twice is one event.
    #[schema(value_type = String)]
    pub id: Id<Event>,
    /// The dispatch.
    #[schema(value_type = String)]
    pub dispatch: Id<Dispatch>,
    /// The delivery.
    #[schema(value_type = String)]
    pub delivery: Id<Delivery>,
    /// What happened.
    pub code: Code,
    /// The sender of the dispatch.
    #[schema(value_type = String)]
    pub from: AgencyCode,
    /// The recipient of the delivery.
    #[schema(value_type = String)]
    pub to: AgencyCode,
    /// SHA-256 of the file sent.
    #[schema(value_type = String)]
    #[serde(with = "super::document::sha256_text")]
    pub document_sha256: Sha256,
    /// Who reported it.
    #[schema(value_type = String)]
    pub actor: Id<Member>,
    /// When, to the second.
    #[schema(value_type = String)]
    pub at: UtcTime,
    /// Why, in the words of the actor. The ledger holds only a salted hash of it.
    pub reason: Option<String>,
    /// 64 hexadecimal characters that go before the reason when it is hashed for the ledger.
    pub reason_salt: Option<String>,
    /// SHA-256 of the verification report under which a document was accepted.
    pub report_sha256: Option<String>,
    /// The state of the delivery after the event.
    pub state: State,
    /// Where it stands in the ledger, from 0.
    pub leaf: u64,
}

impl Event {
    /// The bytes of the ledger leaf: see [`LeafFields`].
    ///
    /// At most [`CANONICAL_MAX`] bytes, which the lengths of its parts make sure of.
    pub fn canonical(&self) -> Vec<u8> {
        let reason = self.reason.as_ref().map(|reason| {
            let salt = self.reason_salt.as_deref().unwrap_or_default();
            Sha256::of(format!("{salt}{reason}").as_bytes()).to_hex()
        });
        LeafFields {
            format: FORMAT.to_owned(),
            event: self.id,
            dispatch: self.dispatch,
            delivery: self.delivery,
            code: self.code,
            from: self.from.clone(),
            to: self.to.clone(),
            document: self.document_sha256.to_hex(),
            actor: self.actor,
            at: self.at,
            reason,
            report: self.report_sha256.clone(),
        }
        .to_bytes()
    }
}

/// What a ledger leaf of a dispatch event says: codes, identifiers and hashes only.
///
/// Written as JSON without white space, members in this order, absent ones left out. Only ASCII occurs in it, so there
/// is one way to write it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeafFields {
    /// `kyso.dispatch-event/1`.
    pub format: String,
    /// The event.
    pub event: Id<Event>,
    /// The dispatch.
    pub dispatch: Id<Dispatch>,
    /// The delivery.
    pub delivery: Id<Delivery>,
    /// What happened.
    pub code: Code,
    /// The sender of the dispatch.
    pub from: AgencyCode,
    /// The recipient of the delivery.
    pub to: AgencyCode,
    /// SHA-256 of the file sent, 64 lower-case hexadecimal characters.
    pub document: String,
    /// The member who reported it, by identifier: names stay out of the ledger.
    pub actor: Id<Member>,
    /// When.
    pub at: UtcTime,
    /// SHA-256 of salt and reason, both as UTF-8 text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// SHA-256 of the verification report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<String>,
}

impl LeafFields {
    /// Reads the bytes of a leaf; only their one canonical form is accepted.
    ///
    /// # Errors
    ///
    /// When the bytes are not such a leaf, or not written canonically.
    pub fn parse(bytes: &[u8]) -> Result<Self, EventParseError> {
        if bytes.len() > CANONICAL_MAX {
            return Err(EventParseError::TooLong { found: bytes.len() });
        }
        let fields: Self = serde_json::from_slice(bytes).map_err(EventParseError::Json)?;
        if fields.format != FORMAT {
            return Err(EventParseError::Format);
        }
        if fields.to_bytes() != bytes {
            return Err(EventParseError::NotCanonical);
        }
        Ok(fields)
    }

    fn to_bytes(&self) -> Vec<u8> {
        // Writing fails only for maps with other keys than texts and for writers that fail: there is neither here.
        serde_json::to_vec(self).expect("a struct of texts can be written as JSON")
    }
}

/// The bytes are not a dispatch event of the ledger.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EventParseError {
    /// Another format or version.
    #[error("the entry is not of the format kyso.dispatch-event/1")]
    Format,
    /// Not the JSON expected.
    #[error("the entry is not a dispatch event")]
    Json(#[source] serde_json::Error),
    /// Well-formed, but not in the one way it is written.
    #[error("the entry is not written canonically")]
    NotCanonical,
    /// More than a leaf may have.
    #[error("the entry has {found} bytes; 65535 are allowed")]
    TooLong {
        /// Bytes found.
        found: usize,
    },
}

/// The most bytes of a ledger entry: C2SP tlog-tiles gives its length 16 bits.
pub const CANONICAL_MAX: usize = 65_535;

const FORMAT: &str = "kyso.dispatch-event/1";

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Event {
        Event {
            id: "0197f0c2-5b1e-7c3a-9d2f-3a1b5c7d9e01".parse().unwrap(),
            dispatch: "0197f0c2-5b1e-7c3a-9d2f-3a1b5c7d9e02".parse().unwrap(),
            delivery: "0197f0c2-5b1e-7c3a-9d2f-3a1b5c7d9e03".parse().unwrap(),
            code: Code::Refused,
            from: "H13".parse().unwrap(),
            to: "H07.12".parse().unwrap(),
            document_sha256: Sha256([0xab; 32]),
            actor: "0197f0c2-5b1e-7c3a-9d2f-3a1b5c7d9e04".parse().unwrap(),
            at: "2026-01-05T02:03:04Z".parse().unwrap(),
            reason: Some("Sai thẩm quyền".to_owned()),
            reason_salt: Some("00".repeat(32)),
            report_sha256: None,
            state: State::Refused,
            leaf: 7,
        }
    }

    #[test]
    fn the_leaf_is_written_so_and_not_otherwise() {
        let bytes = event().canonical();
        insta::assert_snapshot!(
            String::from_utf8(bytes.clone()).unwrap(),
            @r#"{"format":"kyso.dispatch-event/1","event":"0197f0c2-5b1e-7c3a-9d2f-3a1b5c7d9e01","dispatch":"0197f0c2-5b1e-7c3a-9d2f-3a1b5c7d9e02","delivery":"0197f0c2-5b1e-7c3a-9d2f-3a1b5c7d9e03","code":"02","from":"H13","to":"H07.12","document":"abababababababababababababababababababababababababababababababab","actor":"0197f0c2-5b1e-7c3a-9d2f-3a1b5c7d9e04","at":"2026-01-05T02:03:04Z","reason":"a6c1b4d48c9f8cf24ce8e2d5215c315fc7cd96b432a13e0ec56f759fe3dcb3a6"}"#
        );
        let fields = LeafFields::parse(&bytes).unwrap();
        assert_eq!(fields.to.as_str(), "H07.12");
        let spaced = String::from_utf8(bytes).unwrap().replace(",\"code\"", ", \"code\"");
        assert!(matches!(LeafFields::parse(spaced.as_bytes()), Err(EventParseError::NotCanonical)));
    }

    #[test]
    fn the_leaf_holds_neither_reason_nor_place_in_the_ledger() {
        let text = String::from_utf8(event().canonical()).unwrap();
        assert!(text.is_ascii() && !text.contains("Sai") && !text.contains("leaf"));
        let moved = Event { leaf: 8, state: State::Sent, ..event() };
        assert_eq!(moved.canonical(), event().canonical());
    }

    #[test]
    fn each_part_changes_the_leaf() {
        let leaf = event().canonical();
        let others = [
            Event { code: Code::Accepted, ..event() },
            Event { reason: Some("Khác".to_owned()), ..event() },
            Event { reason_salt: Some("01".repeat(32)), ..event() },
            Event { reason: None, ..event() },
            Event { to: "H08".parse().unwrap(), ..event() },
            Event { document_sha256: Sha256([0xac; 32]), ..event() },
            Event { at: "2026-01-05T02:03:05Z".parse().unwrap(), ..event() },
            Event { report_sha256: Some("ab".repeat(32)), ..event() },
        ];
        for other in others {
            assert_ne!(other.canonical(), leaf);
        }
    }

    #[test]
    fn what_is_no_leaf_is_refused() {
        assert!(matches!(LeafFields::parse(b""), Err(EventParseError::Json(_))));
        assert!(matches!(LeafFields::parse(&vec![b'['; 70_000]), Err(EventParseError::TooLong { .. })));
        assert!(matches!(LeafFields::parse(&vec![b'['; 60_000]), Err(EventParseError::Json(_))));
        let other = String::from_utf8(event().canonical()).unwrap().replace("event/1", "event/2");
        assert!(matches!(LeafFields::parse(other.as_bytes()), Err(EventParseError::Format)));
    }
}
