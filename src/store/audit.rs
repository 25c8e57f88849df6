//! Reading every row once more.

use super::db::{StoreError, Tx, args};
use crate::{
    base::{Id, Sha256},
    dispatch::{Delivery, Document, SeriesKind},
    people::AgencyCode,
};

/// A number series as stored.
pub(crate) struct SeriesRow {
    pub(crate) agency: AgencyCode,
    pub(crate) kind: SeriesKind,
    pub(crate) year: i16,
    pub(crate) next: i64,
}

impl Tx {
    /// Rows that name what is not there, one text each.
    ///
    /// The databases refuse such rows; what is looked for is damage, and changes made behind their back.
    pub(crate) async fn dangling(&mut self) -> Result<Vec<String>, StoreError> {
        let mut found = Vec::new();
        for (what, sql) in REFERENCES {
            for row in self.all("looking for broken references", *sql, args![]).await? {
                found.push(format!("{what} {}", row.text("id")?));
            }
        }
        Ok(found)
    }

    /// At most 1,000 files named, after this name.
    pub(crate) async fn blobs_after(&mut self, after: Vec<u8>) -> Result<Vec<(Sha256, u64)>, StoreError> {
        let sql = "SELECT sha256, size FROM blob WHERE sha256 > $1 ORDER BY sha256 LIMIT 1000";
        let rows = self.all("reading the names of files", sql, args![after]).await?;
        rows.iter().map(|row| Ok((row.sha256("sha256")?, row.number("size")?))).collect()
    }

    /// At most 1,000 reports, after this name.
    pub(crate) async fn reports_after(
        &mut self,
        after: Vec<u8>,
    ) -> Result<Vec<(Sha256, String)>, StoreError> {
        let sql = "SELECT sha256, body FROM report WHERE sha256 > $1 ORDER BY sha256 LIMIT 1000";
        let rows = self.all("reading reports", sql, args![after]).await?;
        rows.iter().map(|row| Ok((row.sha256("sha256")?, row.text("body")?))).collect()
    }

    pub(crate) async fn report(&mut self, sha256: Sha256) -> Result<Option<String>, StoreError> {
        let sql = "SELECT body FROM report WHERE sha256 = $1";
        let row = self.one("reading a report", sql, args![sha256]).await?;
        row.map(|row| row.text("body")).transpose()
    }

    /// At most 1,000 documents, after this one.
    pub(crate) async fn document_ids_after(&mut self, after: &str) -> Result<Vec<Id<Document>>, StoreError> {
        let sql = "SELECT id FROM document WHERE id > $1 ORDER BY id LIMIT 1000";
        let rows = self.all("reading documents", sql, args![after]).await?;
        rows.iter().map(|row| row.parsed("id")).collect()
    }

    /// At most 1,000 deliveries, after this one.
    pub(crate) async fn delivery_ids_after(&mut self, after: &str) -> Result<Vec<Id<Delivery>>, StoreError> {
        let sql = "SELECT id FROM delivery WHERE id > $1 ORDER BY id LIMIT 1000";
        let rows = self.all("reading deliveries", sql, args![after]).await?;
        rows.iter().map(|row| row.parsed("id")).collect()
    }

    /// Every number series.
    pub(crate) async fn all_series(&mut self) -> Result<Vec<SeriesRow>, StoreError> {
        let sql = "SELECT agency, kind, year, next FROM number_series ORDER BY agency, kind, year";
        let rows = self.all("reading the number series", sql, args![]).await?;
        rows.iter()
            .map(|row| {
                Ok(SeriesRow {
                    agency: row.parsed("agency")?,
                    kind: row.parsed("kind")?,
                    year: row.number("year")?,
                    next: row.int("next")?,
                })
            })
            .collect()
    }

    /// The numbers of a series that documents bear or that were voided, in order.
    pub(crate) async fn numbers_of(&mut self, series: &SeriesRow) -> Result<Vec<i64>, StoreError> {
        let sql = "SELECT number_value AS number FROM document
                WHERE agency = $1 AND number_series = $2 AND number_year = $3
            UNION ALL
            SELECT number FROM number_void WHERE agency = $1 AND kind = $2 AND year = $3
            ORDER BY number";
        let args = args![&series.agency, series.kind.as_str(), i64::from(series.year)];
        let rows = self.all("reading the numbers of a series", sql, args).await?;
        rows.iter().map(|row| row.int("number")).collect()
    }

    /// How many rows there are, for the audit's summary.
    pub(crate) async fn counts(&mut self) -> Result<[u64; 7], StoreError> {
        let sql = "SELECT (SELECT COUNT(*) FROM blob) AS blobs, (SELECT COUNT(*) FROM document) AS documents,
            (SELECT COUNT(*) FROM dispatch) AS dispatches, (SELECT COUNT(*) FROM event) AS events,
            (SELECT COUNT(*) FROM anomaly) AS anomalies, (SELECT COUNT(*) FROM ledger_node) AS nodes,
            (SELECT COUNT(*) FROM ledger_checkpoint) AS checkpoints";
        let Some(row) = self.one("counting", sql, args![]).await? else { return Ok([0; 7]) };
        let columns = ["blobs", "documents", "dispatches", "events", "anomalies", "nodes", "checkpoints"];
        let mut counts = [0; 7];
        for (count, column) in counts.iter_mut().zip(columns) {
            *count = row.number(column)?;
        }
        Ok(counts)
    }
}

/// What each table names, and a query for rows that name what is not there.
const REFERENCES: &[(&str, &str)] = &[
    (
        "no agency of member",
        "SELECT m.id FROM member m LEFT JOIN agency a ON a.code = m.agency WHERE a.code IS NULL",
    ),
    (
        "no member of API key",
        "SELECT k.id FROM api_key k LEFT JOIN member m ON m.id = k.member WHERE m.id IS NULL",
    ),
    (
        "no file row of document",
        "SELECT d.id FROM document d LEFT JOIN blob b ON b.sha256 = d.blob_sha256 WHERE b.sha256 IS NULL",
    ),
    (
        "no agency of document",
        "SELECT d.id FROM document d LEFT JOIN agency a ON a.code = d.agency WHERE a.code IS NULL",
    ),
    (
        "no uploader of document",
        "SELECT d.id FROM document d LEFT JOIN member m ON m.id = d.uploaded_by WHERE m.id IS NULL",
    ),
    (
        "no document of voided number",
        "SELECT v.document AS id FROM number_void v LEFT JOIN document d ON d.id = v.document WHERE d.id IS NULL",
    ),
    (
        "no series of the number of document",
        "SELECT d.id FROM document d LEFT JOIN number_series s ON s.agency = d.agency AND s.kind = d.number_series AND s.year = d.number_year WHERE d.number_value IS NOT NULL AND s.agency IS NULL",
    ),
    (
        "no document of signature",
        "SELECT s.document AS id FROM signature s LEFT JOIN document d ON d.id = s.document WHERE d.id IS NULL",
    ),
    (
        "no file row of a signature of document",
        "SELECT s.document AS id FROM signature s LEFT JOIN blob b ON b.sha256 = s.blob_sha256 WHERE b.sha256 IS NULL",
    ),
    (
        "no report of a signature of document",
        "SELECT s.document AS id FROM signature s LEFT JOIN report r ON r.sha256 = s.report_sha256 WHERE r.sha256 IS NULL",
    ),
    (
        "no document of upkeep",
        "SELECT u.document AS id FROM upkeep u LEFT JOIN document d ON d.id = u.document WHERE d.id IS NULL",
    ),
    (
        "no document of extended file",
        "SELECT x.document AS id FROM document_extension x LEFT JOIN document d ON d.id = x.document WHERE d.id IS NULL",
    ),
    (
        "no file row of an extended file of document",
        "SELECT x.document AS id FROM document_extension x LEFT JOIN blob b ON b.sha256 = x.blob_sha256 LEFT JOIN blob f ON f.sha256 = x.from_sha256 WHERE b.sha256 IS NULL OR f.sha256 IS NULL",
    ),
    (
        "no report of an extended file of document",
        "SELECT x.document AS id FROM document_extension x LEFT JOIN report r ON r.sha256 = x.report_sha256 WHERE r.sha256 IS NULL",
    ),
    (
        "no document of dispatch",
        "SELECT p.id FROM dispatch p LEFT JOIN document d ON d.id = p.document WHERE d.id IS NULL",
    ),
    (
        "no file row of dispatch",
        "SELECT p.id FROM dispatch p LEFT JOIN blob b ON b.sha256 = p.blob_sha256 WHERE b.sha256 IS NULL",
    ),
    (
        "no sender of dispatch",
        "SELECT p.id FROM dispatch p LEFT JOIN agency a ON a.code = p.sender WHERE a.code IS NULL",
    ),
    (
        "no delivery of dispatch",
        "SELECT p.id FROM dispatch p LEFT JOIN delivery v ON v.dispatch = p.id WHERE v.id IS NULL",
    ),
    (
        "no dispatch of delivery",
        "SELECT v.id FROM delivery v LEFT JOIN dispatch p ON p.id = v.dispatch WHERE p.id IS NULL",
    ),
    (
        "no recipient of delivery",
        "SELECT v.id FROM delivery v LEFT JOIN agency a ON a.code = v.recipient WHERE a.code IS NULL",
    ),
    (
        "no event of delivery",
        "SELECT v.id FROM delivery v LEFT JOIN event e ON e.delivery = v.id WHERE e.id IS NULL",
    ),
    (
        "no delivery of event",
        "SELECT e.id FROM event e LEFT JOIN delivery v ON v.id = e.delivery WHERE v.id IS NULL",
    ),
    ("no actor of event", "SELECT e.id FROM event e LEFT JOIN member m ON m.id = e.actor WHERE m.id IS NULL"),
    (
        "no report of event",
        "SELECT e.id FROM event e LEFT JOIN report r ON r.sha256 = e.report_sha256 WHERE e.report_sha256 IS NOT NULL AND r.sha256 IS NULL",
    ),
    (
        "no leaf of event",
        "SELECT e.id FROM event e LEFT JOIN ledger_leaf l ON l.event = e.id WHERE l.event IS NULL",
    ),
    (
        "no event of the leaf of event",
        "SELECT l.event AS id FROM ledger_leaf l LEFT JOIN event e ON e.id = l.event WHERE e.id IS NULL",
    ),
    (
        "no delivery of anomaly",
        "SELECT y.id FROM anomaly y LEFT JOIN delivery v ON v.id = y.delivery WHERE v.id IS NULL",
    ),
];
