//! Rows of upkeep: what is due, who works on it, the files that came of it, and time-stamps counted.

use super::db::{Row, StoreError, Tx, args};
use crate::{
    base::{Id, UtcTime},
    dispatch::{Document, Extension, Upkeep, UpkeepTask},
    people::AgencyCode,
};

/// A document that its holder alone works on, until the claim runs out.
#[derive(Clone, Debug)]
pub(crate) struct Claimed {
    pub(crate) document: Id<Document>,
    pub(crate) upkeep: Upkeep,
}

impl Tx {
    pub(crate) async fn upkeep(&mut self, document: Id<Document>) -> Result<Option<Upkeep>, StoreError> {
        let sql = "SELECT document, asked, reached, due_at, good_until, tries, last_error, changed_at
            FROM upkeep WHERE document = $1";
        let row = self.one("reading an upkeep", sql, args![document]).await?;
        row.map(|row| upkeep(&row)).transpose()
    }

    /// At most `limit` documents of an agency with their upkeep, newest first, older than `before`.
    pub(crate) async fn upkeeps(
        &mut self,
        agency: &AgencyCode,
        before: &str,
        limit: i64,
    ) -> Result<Vec<(Id<Document>, String, Upkeep)>, StoreError> {
        let sql = "SELECT u.document, d.file_name, u.asked, u.reached, u.due_at, u.good_until, u.tries,
                u.last_error, u.changed_at
            FROM upkeep u JOIN document d ON d.id = u.document
            WHERE d.agency = $1 AND u.document < $2 ORDER BY u.document DESC LIMIT $3";
        let rows = self.all("reading upkeeps", sql, args![agency, before, limit]).await?;
        rows.iter().map(|row| Ok((row.parsed("document")?, row.text("file_name")?, upkeep(row)?))).collect()
    }

    /// Writes how a document stands; whoever worked on it finds its claim gone.
    pub(crate) async fn set_upkeep(
        &mut self,
        document: Id<Document>,
        upkeep: &Upkeep,
        policy: &str,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO upkeep
                (document, asked, reached, due_at, good_until, policy, tries, last_error, changed_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            ON CONFLICT (document) DO UPDATE SET asked = $2, reached = $3, due_at = $4, good_until = $5,
                policy = $6, tries = $7, last_error = $8, changed_at = $9, claim = NULL, claimed_until = NULL";
        let args = args![
            document,
            upkeep.asked_level.as_str(),
            upkeep.reached_level.as_str(),
            upkeep.due_at,
            upkeep.good_until,
            policy,
            i64::from(upkeep.tries),
            upkeep.last_error.clone(),
            upkeep.changed_at,
        ];
        self.run("writing an upkeep", sql, args).await?;
        Ok(())
    }

    pub(crate) async fn drop_upkeep(&mut self, document: Id<Document>) -> Result<(), StoreError> {
        let sql = "DELETE FROM upkeep WHERE document = $1";
        self.run("dropping an upkeep", sql, args![document]).await?;
        Ok(())
    }

    /// Claims what is due first: by its time, or because its archive time-stamp was looked at under another policy on
    /// algorithms. One statement, so that several nodes never get the same one.
    pub(crate) async fn claim_upkeep(
        &mut self,
        claim: &str,
        policy: &str,
        now: UtcTime,
        until: UtcTime,
    ) -> Result<Option<Claimed>, StoreError> {
        let sql = "UPDATE upkeep SET claim = $1, claimed_until = $2
            WHERE document = (SELECT document FROM upkeep
                WHERE (due_at <= $3 OR (asked = 'LTA' AND reached = 'LTA' AND policy <> $4))
                    AND (claimed_until IS NULL OR claimed_until <= $3)
                ORDER BY due_at, document LIMIT 1)
            AND (claimed_until IS NULL OR claimed_until <= $3)
            RETURNING document, asked, reached, due_at, good_until, tries, last_error, changed_at";
        let row = self.one("claiming an upkeep", sql, args![claim, until, now, policy]).await?;
        row.map(|row| claimed(&row)).transpose()
    }

    /// Claims this document, due or not, unless somebody works on it.
    pub(crate) async fn claim_upkeep_of(
        &mut self,
        document: Id<Document>,
        claim: &str,
        now: UtcTime,
        until: UtcTime,
    ) -> Result<Option<Claimed>, StoreError> {
        let sql = "UPDATE upkeep SET claim = $1, claimed_until = $2
            WHERE document = $3 AND (claimed_until IS NULL OR claimed_until <= $4)
            RETURNING document, asked, reached, due_at, good_until, tries, last_error, changed_at";
        let row = self.one("claiming an upkeep", sql, args![claim, until, document, now]).await?;
        row.map(|row| claimed(&row)).transpose()
    }

    /// Whether the claim on a document is still this one.
    pub(crate) async fn holds_claim(
        &mut self,
        document: Id<Document>,
        claim: &str,
    ) -> Result<bool, StoreError> {
        let sql = "SELECT document FROM upkeep WHERE document = $1 AND claim = $2";
        Ok(self.one("looking at a claim", sql, args![document, claim]).await?.is_some())
    }

    /// Adds a file and makes it the document's present bytes.
    pub(crate) async fn insert_extension(
        &mut self,
        document: Id<Document>,
        extension: &Extension,
        position: i64,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO document_extension
                (document, position, task, from_sha256, blob_sha256, report_sha256, level, recorded_by, recorded_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        let args = args![
            document,
            position,
            extension.task.as_str(),
            extension.from_sha256,
            extension.sha256,
            extension.report_sha256,
            extension.level.as_str(),
            extension.recorded_by.map(|member| member.to_string()),
            extension.recorded_at,
        ];
        self.run("adding an extended file", sql, args).await?;
        let sql = "UPDATE document SET blob_sha256 = $2 WHERE id = $1";
        self.run("moving a document on", sql, args![document, extension.sha256]).await?;
        Ok(())
    }

    pub(crate) async fn extensions(&mut self, document: Id<Document>) -> Result<Vec<Extension>, StoreError> {
        let sql =
            "SELECT document, task, from_sha256, blob_sha256, report_sha256, level, recorded_by, recorded_at
            FROM document_extension WHERE document = $1 ORDER BY position";
        let rows = self.all("reading extended files", sql, args![document]).await?;
        rows.iter().map(extension).collect()
    }

    /// Time-stamps asked of an authority in this hour, and in it and the hours after `since`.
    pub(crate) async fn time_stamps_used(
        &mut self,
        authority: &str,
        hour: i64,
        since: i64,
    ) -> Result<(u32, u32), StoreError> {
        let sql =
            "SELECT CAST(COALESCE(SUM(CASE WHEN hour = $2 THEN used ELSE 0 END), 0) AS BIGINT) AS this_hour,
                CAST(COALESCE(SUM(used), 0) AS BIGINT) AS day
            FROM time_stamp_usage WHERE authority = $1 AND hour > $3 AND hour <= $2";
        let row = self.one("counting time-stamps", sql, args![authority, hour, since]).await?;
        row.map_or(Ok((0, 0)), |row| Ok((row.number("this_hour")?, row.number("day")?)))
    }

    /// Counts one more, and forgets hours that no quota looks at.
    pub(crate) async fn count_time_stamp(
        &mut self,
        authority: &str,
        hour: i64,
        since: i64,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO time_stamp_usage (authority, hour, used) VALUES ($1, $2, 1)
            ON CONFLICT (authority, hour) DO UPDATE SET used = time_stamp_usage.used + 1";
        self.run("counting a time-stamp", sql, args![authority, hour]).await?;
        let sql = "DELETE FROM time_stamp_usage WHERE hour <= $1";
        self.run("forgetting old time-stamps", sql, args![since]).await?;
        Ok(())
    }
}

fn claimed(row: &Row) -> Result<Claimed, StoreError> {
    Ok(Claimed { document: row.parsed("document")?, upkeep: upkeep(row)? })
}

fn upkeep(row: &Row) -> Result<Upkeep, StoreError> {
    Ok(Upkeep {
        asked_level: row.parsed("asked")?,
        reached_level: row.parsed("reached")?,
        due_at: row.maybe_time("due_at")?,
        good_until: row.maybe_time("good_until")?,
        tries: row.number("tries")?,
        last_error: row.maybe_text("last_error")?,
        changed_at: row.time("changed_at")?,
    })
}

fn extension(row: &Row) -> Result<Extension, StoreError> {
    Ok(Extension {
        task: match row.text("task")?.as_str() {
            "raise" => UpkeepTask::Raise,
            "renew" => UpkeepTask::Renew,
            _ => return Err(row.bad("task")),
        },
        from_sha256: row.sha256("from_sha256")?,
        sha256: row.sha256("blob_sha256")?,
        report_sha256: row.sha256("report_sha256")?,
        level: row.parsed("level")?,
        recorded_by: row.maybe_parsed("recorded_by")?,
        recorded_at: row.time("recorded_at")?,
    })
}
