//! Agencies, members, API keys.

use std::collections::BTreeSet;

use super::{Service, ServiceError};
use crate::{
    base::{Id, UtcTime},
    dispatch::Numbering,
    people::{Agency, AgencyCode, ApiKey, Caller, Member, Role, Scopes},
};

/// A member to be added.
#[derive(Clone, Debug)]
pub struct NewMember {
    /// Whom the member works for.
    pub agency: AgencyCode,
    /// 1 to 50 characters.
    pub name: String,
    /// 1 to 100 characters.
    pub position: String,
    /// At least one.
    pub roles: BTreeSet<Role>,
}

/// An API key to be made.
#[derive(Clone, Debug)]
pub struct NewApiKey {
    /// In whose name it acts.
    pub member: Id<Member>,
    /// What it may be used for; each must be allowed by a role of the member.
    pub scopes: Scopes,
    /// From when on it is refused.
    pub expires_at: Option<UtcTime>,
    /// `kyso_test_…` rather than `kyso_live_…`.
    pub test: bool,
}

/// A fresh API key. The secret is in it this once; only its hash is stored.
pub struct ShownKey {
    /// The whole key, to be handed to its bearer.
    pub text: String,
    /// What is kept of it.
    pub key: ApiKey,
}

impl Service {
    /// The caller that bears `presented`.
    pub async fn authenticate(&self, presented: &str) -> Result<Caller, ServiceError> {
        let _ = presented;
        todo!()
    }
    /// Adds an agency. The operator's own door: faces let only the operator through.
    pub async fn add_agency(&self, agency: Agency, numbering: Numbering) -> Result<(), ServiceError> {
        let _ = (agency, numbering);
        todo!()
    }
    /// Adds a member. The operator's own door.
    pub async fn add_member(&self, member: NewMember) -> Result<Member, ServiceError> {
        let _ = member;
        todo!()
    }
    /// Makes an API key. The operator's own door.
    pub async fn create_api_key(&self, key: NewApiKey) -> Result<ShownKey, ServiceError> {
        let _ = key;
        todo!()
    }
    /// Withdraws an API key. The operator's own door.
    pub async fn revoke_api_key(&self, key: &str) -> Result<(), ServiceError> {
        let _ = key;
        todo!()
    }
    /// Every agency known here, by code.
    pub async fn agencies(&self) -> Result<Vec<Agency>, ServiceError> {
        todo!()
    }
}
