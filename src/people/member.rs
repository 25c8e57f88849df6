//! Members, their roles, and what an API key lets its bearer do.

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::AgencyCode;
use crate::base::{Id, UtcTime};

/// A person who works for an agency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// The identifier that events and the ledger carry in place of a name.
    #[schema(value_type = String)]
    pub id: Id<Member>,
    /// Whom the member works for.
    #[schema(value_type = String)]
    pub agency: AgencyCode,
    /// At most 50 characters (Decree 30/2020, Annex VI, FullName).
    pub name: String,
    /// At most 100 characters (Annex VI, Position).
    pub position: String,
    /// What the member's work is. One person may have several roles in a small office.
    pub roles: BTreeSet<Role>,
}

impl Member {
    /// Everything that the member's roles allow.
    pub fn permitted(&self) -> Scopes {
        self.roles.iter().flat_map(|role| role.permits()).copied().collect()
    }
}

/// A kind of work in an agency.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Manages members and keys, reads the audit.
    Administrator,
    /// Records clerk (văn thư): numbers, seals, sends, receives.
    Clerk,
    /// Competent person (người có thẩm quyền): approves with their own signature.
    Leader,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Administrator, Self::Clerk, Self::Leader];

    /// The scopes that a key of a member in this role may have.
    pub const fn permits(self) -> &'static [Scope] {
        match self {
            Self::Administrator => &[Scope::Admin, Scope::Audit, Scope::Read],
            Self::Clerk => {
                &[Scope::Number, Scope::Read, Scope::Receive, Scope::Seal, Scope::Send, Scope::Upload]
            }
            Self::Leader => &[Scope::Approve, Scope::Read, Scope::Upload],
        }
    }

    /// The word in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Clerk => "clerk",
            Self::Leader => "leader",
        }
    }
}

/// One thing that a key may be used for.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Manage members and keys of the own agency.
    Admin,
    /// Sign as the competent person.
    Approve,
    /// Read the audit of the whole ledger.
    Audit,
    /// Allot and void document numbers.
    Number,
    /// Read the agency's documents, dispatches and deliveries.
    Read,
    /// Take in, accept and refuse deliveries to the agency.
    Receive,
    /// Sign as the agency.
    Seal,
    /// Send documents.
    Send,
    /// Bring in drafts.
    Upload,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 9] = [
        Self::Admin,
        Self::Approve,
        Self::Audit,
        Self::Number,
        Self::Read,
        Self::Receive,
        Self::Seal,
        Self::Send,
        Self::Upload,
    ];

    /// The word in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Approve => "approve",
            Self::Audit => "audit",
            Self::Number => "number",
            Self::Read => "read",
            Self::Receive => "receive",
            Self::Seal => "seal",
            Self::Send => "send",
            Self::Upload => "upload",
        }
    }
}

/// A set of scopes.
pub type Scopes = BTreeSet<Scope>;

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or_else(|| UnknownWord(text.to_owned()))
    }
}

impl FromStr for Scope {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text).ok_or_else(|| UnknownWord(text.to_owned()))
    }
}

/// The word is none of those known here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a word known here")]
pub struct UnknownWord(pub String);

/// What is kept and may be shown of an API key: everything but its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiKey {
    /// The look-up part of the key, 16 characters; not secret.
    pub id: String,
    /// In whose name it acts.
    #[schema(value_type = String)]
    pub member: Id<Member>,
    /// What it may be used for, before the member's roles are looked at.
    #[schema(value_type = Vec<Scope>)]
    pub scopes: Scopes,
    /// When it was made.
    #[schema(value_type = String)]
    pub created_at: UtcTime,
    /// From when on it is refused.
    #[schema(value_type = Option<String>)]
    pub expires_at: Option<UtcTime>,
    /// When it was withdrawn.
    #[schema(value_type = Option<String>)]
    pub revoked_at: Option<UtcTime>,
}

/// Who is asking: made by authentication only.
#[derive(Clone, Debug)]
pub struct Caller {
    key: String,
    member: Member,
    scopes: Scopes,
}

impl Caller {
    /// The bearer of `key`, acting as `member`: scopes that the member's roles do not allow fall away.
    pub(crate) fn new(key: String, member: Member, scopes: &Scopes) -> Self {
        let scopes = scopes.intersection(&member.permitted()).copied().collect();
        Self { key, member, scopes }
    }

    /// The look-up part of the key used, 16 characters; not secret.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// In whose name the caller acts.
    pub fn member(&self) -> &Member {
        &self.member
    }

    /// For which agency the caller acts.
    pub fn agency(&self) -> &AgencyCode {
        &self.member.agency
    }

    /// What the caller may do.
    pub fn scopes(&self) -> &Scopes {
        &self.scopes
    }

    /// Whether the caller may do this.
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Chance;

    fn member(roles: &[Role]) -> Member {
        Member {
            id: Id::new(UtcTime::UNIX_EPOCH, &Chance::system()),
            agency: "H13".parse().unwrap(),
            name: "Lê Văn Mẫu".to_owned(),
            position: "Chánh Văn phòng".to_owned(),
            roles: roles.iter().copied().collect(),
        }
    }

    #[test]
    fn a_key_gives_no_more_than_its_members_roles() {
        let all: Scopes = Scope::ALL.into_iter().collect();
        let leader = Caller::new("k".to_owned(), member(&[Role::Leader]), &all);
        assert!(leader.may(Scope::Approve) && !leader.may(Scope::Seal) && !leader.may(Scope::Send));
        let clerk = Caller::new("k".to_owned(), member(&[Role::Clerk]), &all);
        assert!(clerk.may(Scope::Seal) && clerk.may(Scope::Send) && !clerk.may(Scope::Approve));
        let narrow = Caller::new("k".to_owned(), member(&[Role::Clerk]), &Scopes::from([Scope::Read]));
        assert!(narrow.may(Scope::Read) && !narrow.may(Scope::Send));
    }

    #[test]
    fn every_scope_belongs_to_some_role_and_every_word_comes_back() {
        for scope in Scope::ALL {
            assert!(Role::ALL.iter().any(|role| role.permits().contains(&scope)), "{scope}");
            assert_eq!(scope.as_str().parse(), Ok(scope));
        }
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(role));
        }
        assert!("root".parse::<Role>().is_err() && "Send".parse::<Scope>().is_err());
    }
}
