//! Dispatches, their deliveries, and the table that moves a delivery from state to state.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{Document, Event};
use crate::{
    base::{Id, Sha256, UtcTime},
    people::{AgencyCode, Member},
};

/// One sending of an issued document to one or more agencies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Dispatch {
    /// Its identifier.
    #[schema(value_type = String)]
    pub id: Id<Dispatch>,
    /// The document sent.
    #[schema(value_type = String)]
    pub document: Id<Document>,
    /// SHA-256 of the very bytes sent.
    #[schema(value_type = String)]
    #[serde(with = "super::document::sha256_text")]
    pub sha256: Sha256,
    /// The sender.
    #[schema(value_type = String)]
    pub from: AgencyCode,
    /// What kind of sending it is.
    pub business: BusinessType,
    /// Who sent it.
    #[schema(value_type = String)]
    pub sent_by: Id<Member>,
    /// When.
    #[schema(value_type = String)]
    pub sent_at: UtcTime,
    /// One for each recipient, in the order given by the sender.
    pub deliveries: Vec<Delivery>,
}

/// The way of a dispatch to one recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// Its identifier.
    #[schema(value_type = String)]
    pub id: Id<Delivery>,
    /// The dispatch it belongs to.
    #[schema(value_type = String)]
    pub dispatch: Id<Dispatch>,
    /// The document sent.
    #[schema(value_type = String)]
    pub document: Id<Document>,
    /// SHA-256 of the very bytes sent.
    #[schema(value_type = String)]
    #[serde(with = "super::document::sha256_text")]
    pub sha256: Sha256,
    /// The sender.
    #[schema(value_type = String)]
    pub from: AgencyCode,
    /// The recipient.
    #[schema(value_type = String)]
    pub to: AgencyCode,
    /// How far it has come.
    pub state: State,
    /// Where it returns to if a recall is refused; only while one is asked for.
    pub before_recall: Option<State>,
    /// Accepted without an arrival having been told: 01 is taken as implied.
    pub arrival_implied: bool,
    /// By when the sender wants it dealt with.
    #[schema(value_type = Option<String>)]
    pub due: Option<UtcTime>,
    /// Every event, oldest first. Append-only.
    pub events: Vec<Event>,
}

/// What a dispatch is for (edXML BussinessDocType).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BusinessType {
    /// 0: a new document.
    #[default]
    New,
    /// 1: a recall.
    Recall,
    /// 2: an update.
    Update,
    /// 3: a replacement.
    Replace,
}

impl BusinessType {
    /// The digit of edXML, 0 to 3.
    pub const fn digit(self) -> u8 {
        match self {
            Self::New => 0,
            Self::Recall => 1,
            Self::Update => 2,
            Self::Replace => 3,
        }
    }

    /// The type with this digit.
    pub const fn from_digit(digit: u8) -> Option<Self> {
        match digit {
            0 => Some(Self::New),
            1 => Some(Self::Recall),
            2 => Some(Self::Update),
            3 => Some(Self::Replace),
            _ => None,
        }
    }
}

/// How far a delivery has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Not sent yet.
    Prepared,
    /// On its way.
    Sent,
    /// With the recipient's system; no clerk has acted.
    Arrived,
    /// Entered in the incoming register.
    Accepted,
    /// Given to somebody.
    Assigned,
    /// Being dealt with.
    Processing,
    /// Dealt with.
    Completed,
    /// Sent back. Final: sending again is a new delivery.
    Refused,
    /// The sender asks for it back; the state before is remembered.
    RecallRequested,
    /// Taken back. Final.
    Recalled,
    /// Superseded by an update or a replacement. Final.
    Updated,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 11] = [
        Self::Prepared,
        Self::Sent,
        Self::Arrived,
        Self::Accepted,
        Self::Assigned,
        Self::Processing,
        Self::Completed,
        Self::Refused,
        Self::RecallRequested,
        Self::Recalled,
        Self::Updated,
    ];

    /// The word in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Prepared => "prepared",
            Self::Sent => "sent",
            Self::Arrived => "arrived",
            Self::Accepted => "accepted",
            Self::Assigned => "assigned",
            Self::Processing => "processing",
            Self::Completed => "completed",
            Self::Refused => "refused",
            Self::RecallRequested => "recall-requested",
            Self::Recalled => "recalled",
            Self::Updated => "updated",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for State {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, UnknownState> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| UnknownState(text.to_owned()))
    }
}

/// The text names no state or code of a delivery.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no state or status code of a delivery")]
pub struct UnknownState(pub String);

/// What happened to a delivery: the status codes of edXML, and the sending itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
pub enum Code {
    /// The sending itself, which has no edXML status code.
    #[serde(rename = "send")]
    Send,
    /// 01: arrived; the clerk has not acted.
    #[serde(rename = "01")]
    Arrived,
    /// 02: refused.
    #[serde(rename = "02")]
    Refused,
    /// 03: accepted, entered in the incoming register.
    #[serde(rename = "03")]
    Accepted,
    /// 04: assigned.
    #[serde(rename = "04")]
    Assigned,
    /// 05: in processing.
    #[serde(rename = "05")]
    Processing,
    /// 06: completed.
    #[serde(rename = "06")]
    Completed,
    /// 13: the sender asks to take back.
    #[serde(rename = "13")]
    RecallAsked,
    /// 15: the recipient agrees to the recall or update.
    #[serde(rename = "15")]
    RecallAgreed,
    /// 16: the recipient refuses the recall or update.
    #[serde(rename = "16")]
    RecallRefused,
}

impl Code {
    /// Every code.
    pub const ALL: [Self; 10] = [
        Self::Send,
        Self::Arrived,
        Self::Refused,
        Self::Accepted,
        Self::Assigned,
        Self::Processing,
        Self::Completed,
        Self::RecallAsked,
        Self::RecallAgreed,
        Self::RecallRefused,
    ];

    /// The code as written: `03`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Arrived => "01",
            Self::Refused => "02",
            Self::Accepted => "03",
            Self::Assigned => "04",
            Self::Processing => "05",
            Self::Completed => "06",
            Self::RecallAsked => "13",
            Self::RecallAgreed => "15",
            Self::RecallRefused => "16",
        }
    }

    /// Who alone may report it.
    pub const fn side(self) -> Side {
        match self {
            Self::Send | Self::RecallAsked => Side::Sender,
            _ => Side::Recipient,
        }
    }

    /// Whether it says nothing without a reason.
    pub const fn needs_reason(self) -> bool {
        matches!(self, Self::Refused | Self::RecallAsked | Self::RecallRefused)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Code {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, UnknownState> {
        Self::ALL.into_iter().find(|code| code.as_str() == text).ok_or_else(|| UnknownState(text.to_owned()))
    }
}

/// One of the two ends of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The agency that sent.
    Sender,
    /// The agency that it was sent to.
    Recipient,
}

/// A row of the table: in any of these states this code leads there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The states in which the code is taken.
    pub from: &'static [State],
    /// What happened.
    pub code: Code,
    /// Where it leads.
    pub to: Target,
}

/// Where a row of the table leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// To `Recalled`, or to `Updated` when the dispatch is an update or a replacement.
    Ended,
    /// To this state.
    Is(State),
    /// Back to the state before the recall was asked for.
    Previous,
    /// To `RecallRequested`, remembering the present state.
    Remembering,
    /// Recorded; the state stays.
    Stays,
}

/// The whole life of a delivery. What is not here is rejected and kept as an anomaly.
pub const TRANSITIONS: &[Transition] = {
    use State::{
        Accepted, Arrived, Assigned, Completed, Prepared, Processing, RecallRequested, Refused, Sent,
    };
    &[
        Transition { from: &[Prepared], code: Code::Send, to: Target::Is(Sent) },
        Transition { from: &[Sent], code: Code::Arrived, to: Target::Is(Arrived) },
        Transition { from: &[Sent, Arrived], code: Code::Refused, to: Target::Is(Refused) },
        Transition { from: &[Sent, Arrived], code: Code::Accepted, to: Target::Is(Accepted) },
        Transition { from: &[Accepted, Processing], code: Code::Assigned, to: Target::Is(Assigned) },
        Transition { from: &[Accepted, Assigned], code: Code::Processing, to: Target::Is(Processing) },
        Transition {
            from: &[Accepted, Assigned, Processing],
            code: Code::Completed,
            to: Target::Is(Completed),
        },
        Transition {
            from: &[Sent, Arrived, Accepted, Assigned, Processing, Completed],
            code: Code::RecallAsked,
            to: Target::Remembering,
        },
        Transition { from: &[RecallRequested], code: Code::Accepted, to: Target::Stays },
        Transition { from: &[RecallRequested], code: Code::Assigned, to: Target::Stays },
        Transition { from: &[RecallRequested], code: Code::Processing, to: Target::Stays },
        Transition { from: &[RecallRequested], code: Code::Completed, to: Target::Stays },
        Transition { from: &[RecallRequested], code: Code::RecallAgreed, to: Target::Ended },
        Transition { from: &[RecallRequested], code: Code::RecallRefused, to: Target::Previous },
    ]
};

/// Where a delivery stands after an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The state.
    pub state: State,
    /// Where it returns to if a recall is refused.
    pub before_recall: Option<State>,
    /// 01 was skipped by this or an earlier event.
    pub arrival_implied: bool,
}

impl Outcome {
    /// Before anything happened.
    pub const PREPARED: Self = Self { state: State::Prepared, before_recall: None, arrival_implied: false };
}

/// Why an event does not move a delivery.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransitionError {
    /// The table has no such row.
    #[error("{code} cannot follow when a delivery is {state}")]
    NotNow {
        /// The present state.
        state: State,
        /// What was reported.
        code: Code,
    },
    /// It says nothing without a reason.
    #[error("{code} needs a reason")]
    ReasonMissing {
        /// What was reported.
        code: Code,
    },
    /// The other side alone may report it.
    #[error("{code} can only be reported by the {}", match .code.side() { Side::Sender => "sender", Side::Recipient => "recipient" })]
    WrongSide {
        /// What was reported.
        code: Code,
    },
}

/// Moves a delivery by the table.
///
/// # Errors
///
/// When the wrong side reports it, a reason is missing, or no row fits.
pub fn step(
    present: Outcome,
    business: BusinessType,
    code: Code,
    by: Side,
    reason: Option<&str>,
) -> Result<Outcome, TransitionError> {
    if code.side() != by {
        return Err(TransitionError::WrongSide { code });
    }
    let row = TRANSITIONS
        .iter()
        .find(|row| row.code == code && row.from.contains(&present.state))
        .ok_or(TransitionError::NotNow { state: present.state, code })?;
    if code.needs_reason() && reason.is_none_or(|reason| reason.trim().is_empty()) {
        return Err(TransitionError::ReasonMissing { code });
    }
    let next = |state| Outcome { state, before_recall: None, arrival_implied: present.arrival_implied };
    Ok(match row.to {
        Target::Ended => match business {
            BusinessType::Replace | BusinessType::Update => next(State::Updated),
            BusinessType::New | BusinessType::Recall => next(State::Recalled),
        },
        Target::Is(State::Accepted) if present.state == State::Sent => {
            Outcome { arrival_implied: true, ..next(State::Accepted) }
        }
        Target::Is(state) => next(state),
        Target::Previous => next(present.before_recall.unwrap_or(State::Sent)),
        Target::Remembering => Outcome { before_recall: Some(present.state), ..next(State::RecallRequested) },
        Target::Stays => present,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(state: State) -> Outcome {
        let before_recall = (state == State::RecallRequested).then_some(State::Processing);
        Outcome { state, before_recall, arrival_implied: false }
    }

    fn go(from: State, code: Code) -> Option<State> {
        step(at(from), BusinessType::New, code, code.side(), Some("lý do")).ok().map(|next| next.state)
    }

    /// Domain D2, written out once more as a matrix: a row a state, a column a code in the order of [`Code::ALL`].
    #[test]
    fn the_table_is_that_of_the_domain() {
        use State::{
            Accepted as Ac, Arrived as Ar, Assigned as As, Completed as Co, Prepared, Processing as Pr,
            RecallRequested as RR, Recalled, Refused as Re, Sent as Se, Updated,
        };
        const N: Option<State> = None;
        #[rustfmt::skip]
        let matrix: [(State, [Option<State>; 10]); 11] = [
            //          send      01        02        03        04        05        06        13        15              16
            (Prepared, [Some(Se), N,        N,        N,        N,        N,        N,        N,        N,              N]),
            (Se,       [N,        Some(Ar), Some(Re), Some(Ac), N,        N,        N,        Some(RR), N,              N]),
            (Ar,       [N,        N,        Some(Re), Some(Ac), N,        N,        N,        Some(RR), N,              N]),
            (Ac,       [N,        N,        N,        N,        Some(As), Some(Pr), Some(Co), Some(RR), N,              N]),
            (As,       [N,        N,        N,        N,        N,        Some(Pr), Some(Co), Some(RR), N,              N]),
            (Pr,       [N,        N,        N,        N,        Some(As), N,        Some(Co), Some(RR), N,              N]),
            (Co,       [N,        N,        N,        N,        N,        N,        N,        Some(RR), N,              N]),
            (Re,       [N,        N,        N,        N,        N,        N,        N,        N,        N,              N]),
            (RR,       [N,        N,        N,        Some(RR), Some(RR), Some(RR), Some(RR), N,        Some(Recalled), Some(Pr)]),
            (Recalled, [N,        N,        N,        N,        N,        N,        N,        N,        N,              N]),
            (Updated,  [N,        N,        N,        N,        N,        N,        N,        N,        N,              N]),
        ];
        for (from, row) in matrix {
            for (code, to) in Code::ALL.into_iter().zip(row) {
                assert_eq!(go(from, code), to, "{from} {code}");
            }
        }
    }

    #[test]
    fn no_two_rows_speak_of_one_state_and_code() {
        for state in State::ALL {
            for code in Code::ALL {
                let rows = TRANSITIONS.iter().filter(|row| row.code == code && row.from.contains(&state));
                assert!(rows.count() <= 1, "{state} {code}");
            }
        }
    }

    #[test]
    fn each_code_has_its_side_and_some_need_a_reason() {
        for code in Code::ALL {
            let other = if code.side() == Side::Sender { Side::Recipient } else { Side::Sender };
            for state in State::ALL {
                let wrong = step(at(state), BusinessType::New, code, other, Some("lý do"));
                assert_eq!(wrong, Err(TransitionError::WrongSide { code }));
            }
        }
        for reason in [None, Some(""), Some("  ")] {
            let refused = step(at(State::Arrived), BusinessType::New, Code::Refused, Side::Recipient, reason);
            assert_eq!(refused, Err(TransitionError::ReasonMissing { code: Code::Refused }));
        }
    }

    #[test]
    fn accepting_before_arrival_implies_it_and_the_mark_stays() {
        let accepted =
            step(at(State::Sent), BusinessType::New, Code::Accepted, Side::Recipient, None).unwrap();
        assert!(accepted.arrival_implied);
        let done = step(accepted, BusinessType::New, Code::Completed, Side::Recipient, None).unwrap();
        assert!(done.arrival_implied);
        let told =
            step(at(State::Arrived), BusinessType::New, Code::Accepted, Side::Recipient, None).unwrap();
        assert!(!told.arrival_implied);
    }

    #[test]
    fn a_recall_of_an_update_ends_in_updated_and_a_refused_one_returns() {
        let asked =
            step(at(State::Completed), BusinessType::Update, Code::RecallAsked, Side::Sender, Some("x"));
        let asked = asked.unwrap();
        assert_eq!(asked.before_recall, Some(State::Completed));
        let agreed = step(asked, BusinessType::Update, Code::RecallAgreed, Side::Recipient, None).unwrap();
        assert_eq!((agreed.state, agreed.before_recall), (State::Updated, None));
        let refused =
            step(asked, BusinessType::Update, Code::RecallRefused, Side::Recipient, Some("x")).unwrap();
        assert_eq!((refused.state, refused.before_recall), (State::Completed, None));
    }

    #[test]
    fn every_word_comes_back() {
        for state in State::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
        }
        for code in Code::ALL {
            assert_eq!(code.as_str().parse(), Ok(code));
            assert_eq!(serde_json::to_string(&code).unwrap(), format!("\"{code}\""));
        }
        for digit in 0..=3 {
            assert_eq!(BusinessType::from_digit(digit).map(BusinessType::digit), Some(digit));
        }
    }

    proptest! {
        #[test]
        fn no_walk_leaves_a_final_state(codes in proptest::collection::vec(0_usize..10, 0..40)) {
            let mut present = Outcome::PREPARED;
            for code in codes.into_iter().map(|index| Code::ALL[index]) {
                let next = step(present, BusinessType::New, code, code.side(), Some("x"));
                if matches!(present.state, State::Refused | State::Recalled | State::Updated) {
                    prop_assert!(next.is_err());
                }
                present = next.unwrap_or(present);
                prop_assert_eq!(present.before_recall.is_some(), present.state == State::RecallRequested);
            }
        }
    }
}
