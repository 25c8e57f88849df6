//! Rows of documents, numbers and signatures.

use sqlx::AssertSqlSafe;

use super::{
    blobs::Stored,
    db::{Arg, MOST_AT_ONCE, Row, StoreError, Tx, args, placeholders},
};
use crate::{
    base::{Id, Sha256, UtcTime},
    dispatch::{Document, DocumentState, Number, Role, Secrecy, SeriesKind, Signature, Signer},
    people::{AgencyCode, Member},
};

impl Tx {
    /// Names a stored file. Taking [`Stored`] makes sure that its bytes are safe on disk.
    pub(crate) async fn insert_blob(&mut self, stored: Stored, now: UtcTime) -> Result<(), StoreError> {
        let sql = "INSERT INTO blob (sha256, size, stored_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
        let size = i64::try_from(stored.size()).unwrap_or(i64::MAX);
        self.run("naming a stored file", sql, args![stored.sha256(), size, now]).await?;
        Ok(())
    }

    /// Keeps a verification report under the SHA-256 of its JSON.
    pub(crate) async fn insert_report(&mut self, body: &str) -> Result<Sha256, StoreError> {
        let sha256 = Sha256::of(body.as_bytes());
        let sql = "INSERT INTO report (sha256, body) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        self.run("keeping a report", sql, args![sha256, body]).await?;
        Ok(sha256)
    }

    pub(crate) async fn insert_document(&mut self, document: &Document) -> Result<(), StoreError> {
        let sql = "INSERT INTO document
                (id, agency, file_name, blob_sha256, secret, state, uploaded_by, uploaded_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        let args = args![
            document.id,
            &document.agency,
            document.file_name.as_str(),
            document.sha256,
            document.secrecy == Secrecy::Secret,
            state_word(document.state),
            document.uploaded_by,
            document.uploaded_at,
        ];
        self.run("adding a document", sql, args).await?;
        Ok(())
    }

    pub(crate) async fn document(&mut self, id: Id<Document>) -> Result<Option<Document>, StoreError> {
        let sql = document_sql!("WHERE d.id = $1");
        match self.one("reading a document", sql, args![id]).await? {
            Some(row) => self.whole_document(&row).await.map(Some),
            None => Ok(None),
        }
    }

    /// Those of these documents that there are, in no order.
    pub(crate) async fn documents_of(&mut self, ids: &[Id<Document>]) -> Result<Vec<Document>, StoreError> {
        let mut documents = Vec::with_capacity(ids.len());
        for some in ids.chunks(MOST_AT_ONCE) {
            let sql = format!("{}WHERE d.id IN {}", document_sql!(""), placeholders(1, some.len()));
            let args = some.iter().map(|id| Arg::from(*id)).collect();
            for row in self.all("reading documents", AssertSqlSafe(sql), args).await? {
                documents.push(self.whole_document(&row).await?);
            }
        }
        Ok(documents)
    }

    /// At most `limit` documents of an agency, newest first, older than `before`.
    pub(crate) async fn documents(
        &mut self,
        agency: &AgencyCode,
        before: &str,
        limit: i64,
    ) -> Result<Vec<Document>, StoreError> {
        let sql = document_sql!("WHERE d.agency = $1 AND d.id < $2 ORDER BY d.id DESC LIMIT $3");
        let rows = self.all("reading documents", sql, args![agency, before, limit]).await?;
        let mut documents = Vec::with_capacity(rows.len());
        for row in rows {
            documents.push(self.whole_document(&row).await?);
        }
        Ok(documents)
    }

    /// Whether a document was sent to an agency; if so, which bytes, the latest sending first.
    pub(crate) async fn sent_bytes(
        &mut self,
        document: Id<Document>,
        recipient: &AgencyCode,
    ) -> Result<Option<Sha256>, StoreError> {
        let sql = "SELECT p.blob_sha256 FROM dispatch p JOIN delivery v ON v.dispatch = p.id
            WHERE p.document = $1 AND v.recipient = $2 ORDER BY p.id DESC LIMIT 1";
        let row = self.one("reading what was sent", sql, args![document, recipient]).await?;
        row.map(|row| row.sha256("blob_sha256")).transpose()
    }

    /// The next number of a series, counted on in the same step.
    pub(crate) async fn take_number(
        &mut self,
        agency: &AgencyCode,
        kind: &SeriesKind,
        year: i16,
    ) -> Result<u32, StoreError> {
        let sql = "INSERT INTO number_series (agency, kind, year, next) VALUES ($1, $2, $3, 2)
            ON CONFLICT (agency, kind, year) DO UPDATE SET next = number_series.next + 1
            RETURNING next - 1 AS number";
        let args = args![agency, kind.as_str(), i64::from(year)];
        let row = self.one("allotting a number", sql, args).await?;
        row.ok_or_else(no_row)?.number("number")
    }

    /// Which document of the agency bears this number and symbol in this year.
    pub(crate) async fn numbered(
        &mut self,
        agency: &AgencyCode,
        year: i16,
        text: &str,
    ) -> Result<Option<Id<Document>>, StoreError> {
        let sql = "SELECT id FROM document WHERE agency = $1 AND number_year = $2 AND number_text = $3";
        let row = self.one("looking for a number", sql, args![agency, i64::from(year), text]).await?;
        row.map(|row| row.parsed("id")).transpose()
    }

    pub(crate) async fn set_number(
        &mut self,
        document: Id<Document>,
        number: &Number,
        subject: &str,
        signer: &Signer,
    ) -> Result<(), StoreError> {
        let sql =
            "UPDATE document SET number_type = $2, number_series = $3, number_year = $4, number_value = $5,
                number_symbol = $6, number_text = $7, number_date = $8, subject = $9, signer = $10
            WHERE id = $1";
        let args = args![
            document,
            number.document_type.key(),
            number.series.as_str(),
            i64::from(number.year),
            i64::from(number.number),
            number.symbol.as_str(),
            number.text.as_str(),
            number.date.to_string(),
            subject,
            serde_json::to_string(signer).unwrap_or_default(),
        ];
        self.run("numbering a document", sql, args).await?;
        Ok(())
    }

    /// Takes the number off a document and keeps why.
    pub(crate) async fn void_number(
        &mut self,
        document: &Document,
        number: &Number,
        reason: &str,
        by: Id<Member>,
        now: UtcTime,
    ) -> Result<(), StoreError> {
        let sql =
            "INSERT INTO number_void (agency, kind, year, number, document, reason, voided_by, voided_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        let (year, value) = (i64::from(number.year), i64::from(number.number));
        let args = args![&document.agency, number.series.as_str(), year, value, document.id, reason, by, now];
        self.run("voiding a number", sql, args).await?;
        let sql = "UPDATE document SET number_type = NULL, number_series = NULL, number_year = NULL,
                number_value = NULL, number_symbol = NULL, number_text = NULL, number_date = NULL
            WHERE id = $1";
        self.run("taking the number off a document", sql, args![document.id]).await?;
        Ok(())
    }

    /// Adds a signature and makes its file the document's present bytes.
    pub(crate) async fn insert_signature(
        &mut self,
        document: Id<Document>,
        signature: &Signature,
        position: i64,
        state: DocumentState,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO signature
                (document, role, position, blob_sha256, certificate_sha256, report_sha256, recorded_by, recorded_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        let args = args![
            document,
            signature.role.as_str(),
            position,
            signature.sha256,
            signature.certificate_sha256,
            signature.report_sha256,
            signature.recorded_by,
            signature.recorded_at,
        ];
        self.run("adding a signature", sql, args).await?;
        let sql = "UPDATE document SET blob_sha256 = $2, state = $3 WHERE id = $1";
        let args = args![document, signature.sha256, state_word(state)];
        self.run("moving a document on", sql, args).await?;
        Ok(())
    }

    async fn whole_document(&mut self, row: &Row) -> Result<Document, StoreError> {
        let mut document = document(row)?;
        // Drafts come by the hundred, and have none of the rest.
        if row.int("more")? == 0 {
            return Ok(document);
        }
        let sql = "SELECT s.role, s.blob_sha256, b.size, s.certificate_sha256, s.report_sha256, s.recorded_by,
                s.recorded_at
            FROM signature s JOIN blob b ON b.sha256 = s.blob_sha256 WHERE s.document = $1 ORDER BY s.position";
        let rows = self.all("reading signatures", sql, args![document.id]).await?;
        document.signatures = rows.iter().map(signature).collect::<Result<_, _>>()?;
        document.upkeep = self.upkeep(document.id).await?;
        document.extensions = self.extensions(document.id).await?;
        Ok(document)
    }
}

macro_rules! document_sql {
    ($rest:literal) => {
        concat!(
            "SELECT d.id, d.agency, d.file_name, d.blob_sha256, b.size, d.secret, d.state, d.number_type,
                d.number_series, d.number_year, d.number_value, d.number_symbol, d.number_text, d.number_date,
                d.subject, d.signer, d.uploaded_by, d.uploaded_at,
                (SELECT count(*) FROM signature s WHERE s.document = d.id)
                    + (SELECT count(*) FROM upkeep u WHERE u.document = d.id)
                    + (SELECT count(*) FROM document_extension e WHERE e.document = d.id) AS more
            FROM document d JOIN blob b ON b.sha256 = d.blob_sha256 ",
            $rest
        )
    };
}
use document_sql;

fn document(row: &Row) -> Result<Document, StoreError> {
    let signer = row.maybe_text("signer")?;
    Ok(Document {
        id: row.parsed("id")?,
        agency: row.parsed("agency")?,
        file_name: row.text("file_name")?,
        sha256: row.sha256("blob_sha256")?,
        size: row.number("size")?,
        secrecy: if row.flag("secret")? { Secrecy::Secret } else { Secrecy::Open },
        state: state(row)?,
        number: number(row)?,
        subject: row.maybe_text("subject")?,
        signer: signer.map(|text| serde_json::from_str(&text).map_err(|_| row.bad("signer"))).transpose()?,
        signatures: Vec::new(),
        upkeep: None,
        extensions: Vec::new(),
        uploaded_by: row.parsed("uploaded_by")?,
        uploaded_at: row.time("uploaded_at")?,
    })
}

fn number(row: &Row) -> Result<Option<Number>, StoreError> {
    let Some(text) = row.maybe_text("number_text")? else { return Ok(None) };
    Ok(Some(Number {
        document_type: row.parsed("number_type")?,
        series: row.parsed("number_series")?,
        year: row.number("number_year")?,
        number: row.number("number_value")?,
        symbol: row.parsed("number_symbol")?,
        text,
        date: row.parsed("number_date")?,
    }))
}

fn signature(row: &Row) -> Result<Signature, StoreError> {
    Ok(Signature {
        role: match row.text("role")?.as_str() {
            "approve" => Role::Approve,
            "issue" => Role::Issue,
            _ => return Err(row.bad("role")),
        },
        sha256: row.sha256("blob_sha256")?,
        size: row.number("size")?,
        certificate_sha256: row.sha256("certificate_sha256")?,
        report_sha256: row.sha256("report_sha256")?,
        recorded_by: row.parsed("recorded_by")?,
        recorded_at: row.time("recorded_at")?,
    })
}

fn state(row: &Row) -> Result<DocumentState, StoreError> {
    match row.text("state")?.as_str() {
        "drafted" => Ok(DocumentState::Drafted),
        "approved" => Ok(DocumentState::Approved),
        "issued" => Ok(DocumentState::Issued),
        _ => Err(row.bad("state")),
    }
}

const fn state_word(state: DocumentState) -> &'static str {
    match state {
        DocumentState::Drafted => "drafted",
        DocumentState::Approved => "approved",
        DocumentState::Issued => "issued",
    }
}

fn no_row() -> StoreError {
    StoreError::Sql { doing: "allotting a number", source: sqlx::Error::RowNotFound }
}
