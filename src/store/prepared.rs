//! Rows of signatures between their two steps.

use super::db::{Row, StoreError, Tx, args};
use crate::{
    base::{Id, Sha256, UtcTime},
    dispatch::{Document, Role},
    people::{AgencyCode, Member},
};

/// A row of `prepared_signature`.
#[derive(Clone, Debug)]
pub(crate) struct PreparedRow {
    /// Of the handle, which is not stored.
    pub(crate) handle_sha256: Sha256,
    pub(crate) document: Id<Document>,
    pub(crate) agency: AgencyCode,
    /// Who prepared it, and alone may complete it.
    pub(crate) member: Id<Member>,
    pub(crate) role: Role,
    /// The bytes that it continues.
    pub(crate) document_sha256: Sha256,
    pub(crate) certificate_sha256: Sha256,
    pub(crate) statement: String,
    /// None once it is used up.
    pub(crate) tail: Option<Vec<u8>>,
    pub(crate) state: PreparedState,
    pub(crate) prepared_at: UtcTime,
    pub(crate) expires_at: UtcTime,
}

/// How a handle stands, apart from the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PreparedState {
    /// Too many wrong values came.
    Spent,
    /// Its signature is recorded.
    Used,
    /// It may be completed.
    Waiting,
}

impl Tx {
    pub(crate) async fn insert_prepared(&mut self, row: PreparedRow) -> Result<(), StoreError> {
        let sql = "INSERT INTO prepared_signature
                (handle_sha256, document, agency, member, role, document_sha256, certificate_sha256, statement, tail,
                wrong_values, state, prepared_at, expires_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, 'waiting', $10, $11)";
        let args = args![
            row.handle_sha256,
            row.document,
            &row.agency,
            row.member,
            row.role.as_str(),
            row.document_sha256,
            row.certificate_sha256,
            row.statement,
            row.tail,
            row.prepared_at,
            row.expires_at,
        ];
        self.run("keeping a prepared signature", sql, args).await?;
        Ok(())
    }

    pub(crate) async fn prepared(&mut self, handle: Sha256) -> Result<Option<PreparedRow>, StoreError> {
        let sql = "SELECT document, agency, member, role, document_sha256, certificate_sha256, statement, tail, state,
                prepared_at, expires_at
            FROM prepared_signature WHERE handle_sha256 = $1";
        let row = self.one("reading a prepared signature", sql, args![handle]).await?;
        row.map(|row| prepared(&row, handle)).transpose()
    }

    /// How many handles of a member may still be completed.
    pub(crate) async fn prepared_waiting(
        &mut self,
        member: Id<Member>,
        now: UtcTime,
    ) -> Result<u64, StoreError> {
        let sql = "SELECT COUNT(*) AS waiting FROM prepared_signature
            WHERE member = $1 AND state = 'waiting' AND expires_at > $2";
        let row = self.one("counting prepared signatures", sql, args![member, now]).await?;
        row.map_or(Ok(0), |row| row.number("waiting"))
    }

    /// Uses a handle up; whether it was there to be used. Of many who try, one succeeds.
    pub(crate) async fn use_prepared(&mut self, handle: Sha256) -> Result<bool, StoreError> {
        let sql = "UPDATE prepared_signature SET state = 'used', tail = NULL
            WHERE handle_sha256 = $1 AND state = 'waiting'";
        Ok(self.run("using a prepared signature up", sql, args![handle]).await? == 1)
    }

    /// Counts a wrong value; gives how many came, the last one that is allowed making the handle spent.
    pub(crate) async fn count_wrong_value(
        &mut self,
        handle: Sha256,
        most: u32,
    ) -> Result<Option<u32>, StoreError> {
        let sql = "UPDATE prepared_signature SET wrong_values = wrong_values + 1,
                state = CASE WHEN wrong_values + 1 >= $2 THEN 'spent' ELSE state END,
                tail = CASE WHEN wrong_values + 1 >= $2 THEN NULL ELSE tail END
            WHERE handle_sha256 = $1 AND state = 'waiting' RETURNING wrong_values";
        let row = self.one("counting a wrong value", sql, args![handle, i64::from(most)]).await?;
        row.map(|row| row.number("wrong_values")).transpose()
    }

    /// Forgets a handle that nobody used; whether there was one.
    pub(crate) async fn forget_prepared(&mut self, handle: Sha256) -> Result<bool, StoreError> {
        let sql = "DELETE FROM prepared_signature WHERE handle_sha256 = $1 AND state <> 'used'";
        Ok(self.run("forgetting a prepared signature", sql, args![handle]).await? == 1)
    }

    /// Drops the bytes of what expired before `now`, and the rows of what expired before `long_ago`; gives how many
    /// rows were touched.
    pub(crate) async fn sweep_prepared(
        &mut self,
        now: UtcTime,
        long_ago: UtcTime,
    ) -> Result<u64, StoreError> {
        let sql = "DELETE FROM prepared_signature WHERE expires_at <= $1";
        let gone = self.run("forgetting old prepared signatures", sql, args![long_ago]).await?;
        let sql = "UPDATE prepared_signature SET tail = NULL WHERE expires_at <= $1 AND tail IS NOT NULL";
        let emptied = self.run("emptying expired prepared signatures", sql, args![now]).await?;
        Ok(gone + emptied)
    }
}

fn prepared(row: &Row, handle_sha256: Sha256) -> Result<PreparedRow, StoreError> {
    Ok(PreparedRow {
        handle_sha256,
        document: row.parsed("document")?,
        agency: row.parsed("agency")?,
        member: row.parsed("member")?,
        role: role(row)?,
        document_sha256: row.sha256("document_sha256")?,
        certificate_sha256: row.sha256("certificate_sha256")?,
        statement: row.text("statement")?,
        tail: row.maybe_bytes("tail")?,
        state: match row.text("state")?.as_str() {
            "spent" => PreparedState::Spent,
            "used" => PreparedState::Used,
            "waiting" => PreparedState::Waiting,
            _ => return Err(row.bad("state")),
        },
        prepared_at: row.time("prepared_at")?,
        expires_at: row.time("expires_at")?,
    })
}

/// The column `role`.
pub(super) fn role(row: &Row) -> Result<Role, StoreError> {
    match row.text("role")?.as_str() {
        "approve" => Ok(Role::Approve),
        "issue" => Ok(Role::Issue),
        _ => Err(row.bad("role")),
    }
}
