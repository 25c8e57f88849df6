//! Rows of agencies, members and API keys.

use std::{collections::BTreeSet, fmt::Display, str::FromStr};

use super::db::{Row, StoreError, Tx, args};
use crate::{
    base::{Id, Sha256, UtcTime},
    dispatch::Numbering,
    people::{Agency, AgencyCode, ApiKey, Member},
};

impl Tx {
    /// Adds an agency; false when its code is taken.
    pub(crate) async fn insert_agency(
        &mut self,
        agency: &Agency,
        numbering: Numbering,
        now: UtcTime,
    ) -> Result<bool, StoreError> {
        let sql = "INSERT INTO agency (code, name, place, numbering, created_at) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT DO NOTHING";
        let name = numbering_word(numbering);
        let args = args![&agency.code, agency.name.as_str(), agency.place.as_str(), name, now];
        Ok(self.run("adding an agency", sql, args).await? == 1)
    }

    pub(crate) async fn agency(
        &mut self,
        code: &AgencyCode,
    ) -> Result<Option<(Agency, Numbering)>, StoreError> {
        let sql = "SELECT code, name, place, numbering FROM agency WHERE code = $1";
        let row = self.one("reading an agency", sql, args![code]).await?;
        row.map(|row| Ok((agency(&row)?, numbering(&row)?))).transpose()
    }

    pub(crate) async fn agencies(&mut self) -> Result<Vec<Agency>, StoreError> {
        let sql = "SELECT code, name, place FROM agency ORDER BY code";
        self.all("reading the agencies", sql, args![]).await?.iter().map(agency).collect()
    }

    pub(crate) async fn insert_member(&mut self, member: &Member, now: UtcTime) -> Result<(), StoreError> {
        let sql = "INSERT INTO member (id, agency, name, position, roles, created_at)
            VALUES ($1, $2, $3, $4, $5, $6)";
        let (name, position) = (member.name.as_str(), member.position.as_str());
        let args = args![member.id, &member.agency, name, position, words(&member.roles), now];
        self.run("adding a member", sql, args).await?;
        Ok(())
    }

    pub(crate) async fn member(&mut self, id: Id<Member>) -> Result<Option<Member>, StoreError> {
        let sql = "SELECT id AS member, agency, name, position, roles FROM member WHERE id = $1";
        self.one("reading a member", sql, args![id]).await?.as_ref().map(member).transpose()
    }

    pub(crate) async fn insert_api_key(&mut self, key: &ApiKey, secret: Sha256) -> Result<(), StoreError> {
        let sql = "INSERT INTO api_key (id, member, secret_sha256, scopes, created_at, expires_at)
            VALUES ($1, $2, $3, $4, $5, $6)";
        let args =
            args![key.id.as_str(), key.member, secret, words(&key.scopes), key.created_at, key.expires_at];
        self.run("adding an API key", sql, args).await?;
        Ok(())
    }

    /// An API key, the SHA-256 of its secret, and its member.
    pub(crate) async fn api_key(&mut self, id: &str) -> Result<Option<(ApiKey, Sha256, Member)>, StoreError> {
        let sql =
            "SELECT k.id, k.member, k.secret_sha256, k.scopes, k.created_at, k.expires_at, k.revoked_at,
                m.agency, m.name, m.position, m.roles
            FROM api_key k JOIN member m ON m.id = k.member WHERE k.id = $1";
        let Some(row) = self.one("reading an API key", sql, args![id]).await? else { return Ok(None) };
        let key = ApiKey {
            id: row.text("id")?,
            member: row.parsed("member")?,
            scopes: set(&row, "scopes")?,
            created_at: row.time("created_at")?,
            expires_at: row.maybe_time("expires_at")?,
            revoked_at: row.maybe_time("revoked_at")?,
        };
        Ok(Some((key, row.sha256("secret_sha256")?, member(&row)?)))
    }

    /// Withdraws an API key; false when there is none. The first time stays.
    pub(crate) async fn revoke_api_key(&mut self, id: &str, now: UtcTime) -> Result<bool, StoreError> {
        let sql = "UPDATE api_key SET revoked_at = COALESCE(revoked_at, $2) WHERE id = $1";
        Ok(self.run("revoking an API key", sql, args![id, now]).await? == 1)
    }
}

fn agency(row: &Row) -> Result<Agency, StoreError> {
    Ok(Agency { code: row.parsed("code")?, name: row.text("name")?, place: row.text("place")? })
}

fn numbering(row: &Row) -> Result<Numbering, StoreError> {
    match row.text("numbering")?.as_str() {
        "common" => Ok(Numbering::Common),
        "per-type" => Ok(Numbering::PerType),
        _ => Err(row.bad("numbering")),
    }
}

fn numbering_word(numbering: Numbering) -> &'static str {
    match numbering {
        Numbering::Common => "common",
        Numbering::PerType => "per-type",
    }
}

fn member(row: &Row) -> Result<Member, StoreError> {
    Ok(Member {
        id: row.parsed("member")?,
        agency: row.parsed("agency")?,
        name: row.text("name")?,
        position: row.text("position")?,
        roles: set(row, "roles")?,
    })
}

/// A set of words as one text, joined by commas.
fn words<T: Display>(set: &BTreeSet<T>) -> String {
    set.iter().map(T::to_string).collect::<Vec<_>>().join(",")
}

fn set<T: FromStr + Ord>(row: &Row, column: &str) -> Result<BTreeSet<T>, StoreError> {
    let text = row.text(column)?;
    let words = text.split(',').filter(|word| !word.is_empty());
    words.map(|word| word.parse().map_err(|_| row.bad(column))).collect()
}
