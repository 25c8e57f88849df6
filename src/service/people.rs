//! Agencies, members, API keys.
//!
//! An API key is `kyso_live_<id>_<secret>`: 16 hexadecimal characters to look it up by, and a secret of 256 random
//! bits. What is stored is the SHA-256 of the whole text, which is enough for a secret that nobody can guess.

use std::{collections::BTreeSet, fmt};

use subtle::ConstantTimeEq as _;

use super::{Service, ServiceError, bounded, require};
use crate::{
    base::{Id, Sha256, UtcTime},
    dispatch::Numbering,
    people::{Agency, AgencyCode, ApiKey, Caller, Member, Role, Scope, Scopes},
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

impl fmt::Debug for ShownKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ShownKey({})", self.key.id)
    }
}

impl Service {
    /// The caller that bears `presented`.
    ///
    /// # Errors
    ///
    /// When the key is unknown, expired or revoked; which of them is not said.
    pub async fn authenticate(&self, presented: &str) -> Result<Caller, ServiceError> {
        let id = lookup_part(presented).ok_or(ServiceError::Unauthenticated)?;
        let mut tx = self.inner.store.read().await?;
        let (key, secret, member) = tx.api_key(id).await?.ok_or(ServiceError::Unauthenticated)?;
        let same = Sha256::of(presented.as_bytes()).0.ct_eq(&secret.0);
        let now = self.now();
        let alive = key.revoked_at.is_none() && key.expires_at.is_none_or(|end| now < end);
        if !bool::from(same) || !alive {
            return Err(ServiceError::Unauthenticated);
        }
        Ok(Caller::new(key.id, member, &key.scopes))
    }

    /// The caller that a key stands for, if it is still good: for work that goes on after its request.
    pub(super) async fn caller_of(&self, key: &str) -> Result<Option<Caller>, ServiceError> {
        let Some((key, _, member)) = self.inner.store.read().await?.api_key(key).await? else {
            return Ok(None);
        };
        let now = self.now();
        let alive = key.revoked_at.is_none() && key.expires_at.is_none_or(|end| now < end);
        Ok(alive.then(|| Caller::new(key.id, member, &key.scopes)))
    }

    /// Adds an agency. The operator's own door: faces let only the operator through.
    ///
    /// # Errors
    ///
    /// When its code is taken, or name or place are empty or too long.
    pub async fn add_agency(&self, agency: Agency, numbering: Numbering) -> Result<(), ServiceError> {
        let agency = Agency {
            name: bounded("name", &agency.name, 200)?,
            place: bounded("place", &agency.place, 100)?,
            ..agency
        };
        let mut tx = self.inner.store.write().await?;
        if !tx.insert_agency(&agency, numbering, self.now()).await? {
            return Err(ServiceError::Exists { what: "agency", id: agency.code.to_string() });
        }
        Ok(tx.commit().await?)
    }

    /// Adds a member. The operator's own door.
    ///
    /// # Errors
    ///
    /// When the agency is unknown, no role is given, or name or position are empty or too long.
    pub async fn add_member(&self, new: NewMember) -> Result<Member, ServiceError> {
        if new.roles.is_empty() {
            return Err(ServiceError::invalid("roles", "a member has at least one role"));
        }
        let member = Member {
            id: self.id(),
            agency: new.agency,
            name: bounded("name", &new.name, 50)?,
            position: bounded("position", &new.position, 100)?,
            roles: new.roles,
        };
        let mut tx = self.inner.store.write().await?;
        if tx.agency(&member.agency).await?.is_none() {
            return Err(ServiceError::UnknownAgency { agency: member.agency });
        }
        tx.insert_member(&member, self.now()).await?;
        tx.commit().await?;
        Ok(member)
    }

    /// Makes an API key. The operator's own door.
    ///
    /// # Errors
    ///
    /// When the member is unknown, or no role of theirs allows a scope asked for.
    pub async fn create_api_key(&self, new: NewApiKey) -> Result<ShownKey, ServiceError> {
        let mut tx = self.inner.store.write().await?;
        let member = tx.member(new.member).await?;
        let member = member.ok_or_else(|| ServiceError::not_found("member", new.member))?;
        if let Some(scope) = new.scopes.difference(&member.permitted()).next() {
            let message = format!("no role of the member allows `{scope}`");
            return Err(ServiceError::invalid("scopes", message));
        }
        let id = hex::encode(self.inner.chance.bytes::<8>());
        let kind = if new.test { "test" } else { "live" };
        let text = format!("kyso_{kind}_{id}_{}", hex::encode(self.inner.chance.bytes::<32>()));
        let key = ApiKey {
            id,
            member: member.id,
            scopes: new.scopes,
            created_at: self.now(),
            expires_at: new.expires_at,
            revoked_at: None,
        };
        tx.insert_api_key(&key, Sha256::of(text.as_bytes())).await?;
        tx.commit().await?;
        Ok(ShownKey { text, key })
    }

    /// Makes an API key for a member of the caller's agency. Scope `admin`.
    ///
    /// # Errors
    ///
    /// When the member is unknown or of another agency, or no role of theirs allows a scope asked for.
    pub async fn grant_api_key(&self, caller: &Caller, new: NewApiKey) -> Result<ShownKey, ServiceError> {
        require(caller, Scope::Admin)?;
        let member = self.inner.store.read().await?.member(new.member).await?;
        if member.is_none_or(|member| member.agency != *caller.agency()) {
            return Err(ServiceError::not_found("member", new.member));
        }
        self.create_api_key(new).await
    }

    /// Withdraws an API key by its identifier. The operator's own door.
    ///
    /// # Errors
    ///
    /// When there is no such key.
    pub async fn revoke_api_key(&self, key: &str) -> Result<(), ServiceError> {
        let mut tx = self.inner.store.write().await?;
        if !tx.revoke_api_key(key, self.now()).await? {
            return Err(ServiceError::not_found("API key", key));
        }
        Ok(tx.commit().await?)
    }

    /// Every agency known here, by code.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn agencies(&self) -> Result<Vec<Agency>, ServiceError> {
        Ok(self.inner.store.read().await?.agencies().await?)
    }
}

/// Characters of `kyso_live_` or `kyso_test_`, an identifier, a hyphen below, and a secret.
const KEY_LEN: usize = 10 + 16 + 1 + 64;

fn lookup_part(presented: &str) -> Option<&str> {
    let rest = (presented.len() == KEY_LEN).then_some(presented)?.strip_prefix("kyso_")?;
    let rest = rest.strip_prefix("live_").or_else(|| rest.strip_prefix("test_"))?;
    let (id, secret) = rest.split_once('_')?;
    let hexadecimal = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (id.len() == 16 && hexadecimal(id) && hexadecimal(secret)).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_key_is_looked_up() {
        let key = format!("kyso_live_{}_{}", "0a".repeat(8), "1b".repeat(32));
        assert_eq!(lookup_part(&key), Some("0a0a0a0a0a0a0a0a"));
        assert!(lookup_part(&key.replace("live", "test")).is_some());
        for bad in [
            String::new(),
            key.replace("live", "prod"),
            key.replace('a', "A"),
            format!("{key}0"),
            key[1..].to_owned(),
            "é".repeat(45),
            key.replacen("0a0a", "0a'0", 1),
        ] {
            assert_eq!(lookup_part(&bad), None, "{bad}");
        }
    }
}
