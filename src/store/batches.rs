//! Rows of signature batches.

use super::{
    db::{Row, StoreError, Tx, args},
    prepared::role,
};
use crate::{
    base::{Id, Sha256, UtcTime},
    dispatch::{Document, Role},
    people::{AgencyCode, Member},
};

/// A row of `signature_batch`, with the identifier of `T`.
#[derive(Clone, Debug)]
pub(crate) struct BatchRow<T> {
    pub(crate) id: Id<T>,
    pub(crate) agency: AgencyCode,
    pub(crate) member: Id<Member>,
    /// The key that asked for it, in whose name it goes on after a restart.
    pub(crate) api_key: String,
    /// The server's key, by its name.
    pub(crate) signer: String,
    pub(crate) role: Role,
    pub(crate) certificate_sha256: Sha256,
    /// What the signatures say, as JSON.
    pub(crate) request: String,
    pub(crate) state: String,
    pub(crate) stopped_by: Option<String>,
    pub(crate) created_at: UtcTime,
    pub(crate) ended_at: Option<UtcTime>,
}

/// A row of `signature_batch_item`.
#[derive(Clone, Debug)]
pub(crate) struct BatchItemRow {
    pub(crate) position: i64,
    pub(crate) document: Id<Document>,
    pub(crate) outcome: String,
    pub(crate) code: Option<String>,
}

impl Tx {
    pub(crate) async fn insert_batch<T>(
        &mut self,
        batch: &BatchRow<T>,
        // With the code of those that have failed already.
        documents: &[(Id<Document>, Option<&'static str>)],
        (idempotency_key, request): (&str, Sha256),
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO signature_batch
                (id, agency, member, api_key, signer, role, certificate_sha256, request, idempotency_key,
                request_sha256, state, created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'running', $11)";
        let args = args![
            batch.id,
            &batch.agency,
            batch.member,
            batch.api_key.as_str(),
            batch.signer.as_str(),
            batch.role.as_str(),
            batch.certificate_sha256,
            batch.request.as_str(),
            idempotency_key,
            request,
            batch.created_at,
        ];
        self.run("adding a batch", sql, args).await?;
        let into = "INSERT INTO signature_batch_item (batch, position, document, outcome, code)";
        let row = |(position, (document, failed)): (i64, &(Id<Document>, Option<&str>))| {
            let outcome = if failed.is_some() { "failed" } else { "waiting" };
            args![batch.id, position, *document, outcome, failed.map(str::to_owned)]
        };
        self.insert_all("adding documents to a batch", into, (0..).zip(documents).map(row).collect()).await
    }

    pub(crate) async fn batch<T>(&mut self, id: Id<T>) -> Result<Option<BatchRow<T>>, StoreError> {
        let sql = "SELECT id, agency, member, api_key, signer, role, certificate_sha256, request, state, stopped_by,
                created_at, ended_at
            FROM signature_batch WHERE id = $1";
        let row = self.one("reading a batch", sql, args![id]).await?;
        row.map(|row| batch(&row)).transpose()
    }

    /// The batch that a member began with this idempotency key, and the digest of that request.
    pub(crate) async fn batch_begun<T>(
        &mut self,
        member: Id<Member>,
        idempotency_key: &str,
    ) -> Result<Option<(Id<T>, Sha256)>, StoreError> {
        let sql = "SELECT id, request_sha256 FROM signature_batch WHERE member = $1 AND idempotency_key = $2";
        let row = self.one("looking for a batch", sql, args![member, idempotency_key]).await?;
        row.map(|row| Ok((row.parsed("id")?, row.sha256("request_sha256")?))).transpose()
    }

    /// The documents of a batch, in order.
    pub(crate) async fn batch_items<T>(&mut self, id: Id<T>) -> Result<Vec<BatchItemRow>, StoreError> {
        let sql = "SELECT position, document, outcome, code FROM signature_batch_item WHERE batch = $1
            ORDER BY position";
        let rows = self.all("reading the documents of a batch", sql, args![id]).await?;
        let item = |row: &Row| {
            Ok(BatchItemRow {
                position: row.int("position")?,
                document: row.parsed("document")?,
                outcome: row.text("outcome")?,
                code: row.maybe_text("code")?,
            })
        };
        rows.iter().map(item).collect()
    }

    /// Notes what became of a document.
    pub(crate) async fn set_batch_item<T>(
        &mut self,
        id: Id<T>,
        position: i64,
        outcome: &str,
        code: Option<String>,
    ) -> Result<(), StoreError> {
        let sql =
            "UPDATE signature_batch_item SET outcome = $3, code = $4 WHERE batch = $1 AND position = $2";
        self.run("noting what became of a document", sql, args![id, position, outcome, code]).await?;
        Ok(())
    }

    /// Ends a batch that runs, or stops it; whether it ran.
    pub(crate) async fn end_batch<T>(
        &mut self,
        id: Id<T>,
        state: &str,
        stopped_by: Option<String>,
        now: UtcTime,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE signature_batch SET state = $2, stopped_by = $3, ended_at = $4
            WHERE id = $1 AND state = 'running'";
        Ok(self.run("ending a batch", sql, args![id, state, stopped_by, now]).await? == 1)
    }

    /// Lets a stopped batch go on: failures that its signer could not help are waited for again. Whether it was stopped.
    pub(crate) async fn resume_batch<T>(&mut self, id: Id<T>) -> Result<bool, StoreError> {
        let sql = "UPDATE signature_batch SET state = 'running', stopped_by = NULL, ended_at = NULL
            WHERE id = $1 AND state = 'stopped'";
        Ok(self.run("resuming a batch", sql, args![id]).await? == 1)
    }

    /// Takes a batch that runs and that nobody works on; whether it is the worker's now.
    pub(crate) async fn claim_batch<T>(
        &mut self,
        id: Id<T>,
        worker: &str,
        now: UtcTime,
        until: UtcTime,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE signature_batch SET worker = $2, worker_until = $4
            WHERE id = $1 AND state = 'running' AND (worker IS NULL OR worker_until <= $3)";
        Ok(self.run("claiming a batch", sql, args![id, worker, now, until]).await? == 1)
    }

    /// Keeps a claim, or lets go of it with no `until`; whether it was the worker's. A stopped batch is its worker's
    /// until what was under way has ended.
    pub(crate) async fn keep_batch<T>(
        &mut self,
        id: Id<T>,
        worker: &str,
        until: Option<UtcTime>,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE signature_batch SET worker_until = $3, worker = CASE WHEN $4 = 1 THEN worker END
            WHERE id = $1 AND worker = $2";
        Ok(self.run("keeping a batch", sql, args![id, worker, until, until.is_some()]).await? == 1)
    }

    /// Batches that run and that nobody works on.
    pub(crate) async fn unclaimed_batches<T>(&mut self, now: UtcTime) -> Result<Vec<Id<T>>, StoreError> {
        let sql = "SELECT id FROM signature_batch
            WHERE state = 'running' AND (worker IS NULL OR worker_until <= $1) ORDER BY id LIMIT 100";
        let rows = self.all("looking for batches", sql, args![now]).await?;
        rows.iter().map(|row| row.parsed("id")).collect()
    }
}

fn batch<T>(row: &Row) -> Result<BatchRow<T>, StoreError> {
    Ok(BatchRow {
        id: row.parsed("id")?,
        agency: row.parsed("agency")?,
        member: row.parsed("member")?,
        api_key: row.text("api_key")?,
        signer: row.text("signer")?,
        role: role(row)?,
        certificate_sha256: row.sha256("certificate_sha256")?,
        request: row.text("request")?,
        state: row.text("state")?,
        stopped_by: row.maybe_text("stopped_by")?,
        created_at: row.time("created_at")?,
        ended_at: row.maybe_time("ended_at")?,
    })
}
