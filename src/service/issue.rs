//! From draft to issued: upload, number, signatures.

use std::{io, path::Path, sync::Arc};

use serde::Serialize;

use super::{
    BatchOutcome, Page, PageRequest, Service, ServiceError, SignatureBatch, bounded, require,
    sign_document::scope_of, upkeep::Lasting,
};
use crate::{
    base::{Id, Sha256, Source, UtcTime},
    dispatch::{Document, DocumentState, Number, NumberRequest, Numbering, Role, Secrecy, Signature, Symbol},
    people::{Caller, Scope},
    signing,
    store::{BlobError, FileSource, Stored, Tx},
    validation::{DocumentReport, Indication, Overall},
};

/// A draft to be brought in.
#[derive(Clone, Debug, Default)]
pub struct NewDocument {
    /// What the file is called; folders in it are dropped. 1 to 200 characters.
    pub file_name: String,
    /// Whether it may ever be sent.
    pub secrecy: Secrecy,
    /// The same key and the same request again give the same document. 1 to 255 visible ASCII characters.
    pub idempotency_key: Option<String>,
}

/// A signed file to be recorded, with the receipt of its verification.
#[derive(Clone, Copy, Debug)]
pub struct SignedFile<'a> {
    /// Where the signed bytes lie now.
    pub staged: &'a Path,
    /// The verdict on these bytes.
    pub report: &'a DocumentReport,
    /// SHA-256 of the signer's certificate, DER.
    pub certificate_sha256: Sha256,
}

/// What goes with recording a signature.
#[derive(Default)]
pub(super) struct Recording<'a> {
    /// The level that the signature shall reach: what it has not reached is queued in the same transaction.
    pub(super) lasting: Option<&'a Lasting>,
    /// A prepared signature's handle, used up in the same transaction.
    pub(super) handle: Option<Sha256>,
    /// What this process made of a draft that could not be read as it was: the signed file continues that.
    pub(super) rebuilt: Option<Arc<dyn Source>>,
    /// The batch that it belongs to and its place there, noted in the same transaction.
    pub(super) batch: Option<(Id<SignatureBatch>, i64)>,
    /// Whether the signed file lies in the file store's staging folder, so that it need not be copied.
    pub(super) movable: bool,
}

/// A signed file, and what it is to be recorded as.
#[derive(Clone, Copy)]
pub(super) struct Incoming<'a> {
    /// The document that it goes on from, as that was a moment ago.
    pub(super) before: &'a Document,
    pub(super) role: Role,
    pub(super) signed: SignedFile<'a>,
    pub(super) recording: &'a Recording<'a>,
}

/// A signed file whose bytes are kept and go on from those of its document.
pub(super) struct Kept {
    id: Id<Document>,
    role: Role,
    stored: Stored,
    report: String,
    /// The document that it goes on from.
    before: Sha256,
}

impl Service {
    /// Brings in a draft: its bytes are stored and safe on disk before the row that names them. Scope `upload`.
    ///
    /// # Errors
    ///
    /// When the scope is missing, the name is empty or too long, the idempotency key was used for another request, or
    /// file or database fail.
    pub async fn upload(
        &self,
        caller: &Caller,
        new: NewDocument,
        staged: &Path,
    ) -> Result<Document, ServiceError> {
        require(caller, Scope::Upload)?;
        let file_name = file_name(&new.file_name)?;
        let stored = self.inner.blobs.put(FileSource::open(staged)?).await?;
        self.fault("upload", "blob");
        let request = Asked {
            task: "upload",
            agency: caller.agency().as_str(),
            what: (&file_name, new.secrecy, stored.sha256().to_hex()),
        }
        .digest()?;
        let mut tx = self.inner.store.write().await?;
        if let Some(document) = self.replay(&mut tx, caller, new.idempotency_key.as_deref(), request).await? {
            return Ok(document);
        }
        let now = self.now();
        let document = Document {
            id: self.id(),
            agency: caller.agency().clone(),
            file_name,
            sha256: stored.sha256(),
            size: stored.size(),
            secrecy: new.secrecy,
            state: DocumentState::Drafted,
            number: None,
            subject: None,
            signer: None,
            signatures: Vec::new(),
            upkeep: None,
            extensions: Vec::new(),
            uploaded_by: caller.member().id,
            uploaded_at: now,
        };
        tx.insert_blob(stored, now).await?;
        tx.insert_document(&document).await?;
        self.fault("upload", "row");
        if let Some(key) = &new.idempotency_key {
            let response = serde_json::to_string(&document)?;
            tx.keep_answer(caller.member().id, key, request, &response, now).await?;
        }
        tx.commit().await?;
        self.fault("upload", "commit");
        Ok(document)
    }

    /// A document of the caller's agency, or one that was sent to it. Scope `read`.
    ///
    /// # Errors
    ///
    /// When the scope is missing or there is no such document for this caller.
    pub async fn document(&self, caller: &Caller, id: Id<Document>) -> Result<Document, ServiceError> {
        require(caller, Scope::Read)?;
        let mut tx = self.inner.store.read().await?;
        let document = tx.document(id).await?.ok_or_else(|| ServiceError::not_found("document", id))?;
        if document.agency != *caller.agency() && tx.sent_bytes(id, caller.agency()).await?.is_none() {
            return Err(ServiceError::not_found("document", id));
        }
        Ok(document)
    }

    /// The documents of the caller's agency. Scope `read`.
    ///
    /// # Errors
    ///
    /// When the scope is missing or the cursor is none.
    pub async fn documents(
        &self,
        caller: &Caller,
        page: &PageRequest,
    ) -> Result<Page<Document>, ServiceError> {
        require(caller, Scope::Read)?;
        let (before, limit) = page.read()?;
        let mut tx = self.inner.store.read().await?;
        let documents = tx.documents(caller.agency(), &before, i64::from(limit) + 1).await?;
        Ok(Page::of(documents, limit, |document| document.id.to_string()))
    }

    /// A document and its present bytes; a recipient gets the bytes that were sent. Scope `read`.
    ///
    /// # Errors
    ///
    /// As [`Service::document`], and when the file is missing.
    pub async fn open_document(
        &self,
        caller: &Caller,
        id: Id<Document>,
    ) -> Result<(Document, FileSource), ServiceError> {
        let document = self.document(caller, id).await?;
        let sha256 = if document.agency == *caller.agency() {
            document.sha256
        } else {
            let sent = self.inner.store.read().await?.sent_bytes(id, caller.agency()).await?;
            sent.ok_or_else(|| ServiceError::not_found("document", id))?
        };
        let file = self.inner.blobs.get(sha256)?;
        Ok((document, file))
    }

    /// Allots number and symbol, without gaps. Asking again for the same gives the same number. Scope `number`.
    ///
    /// # Errors
    ///
    /// When the scope is missing, the document is not the agency's, has another number or is issued, or a text does
    /// not fit.
    pub async fn number(
        &self,
        caller: &Caller,
        id: Id<Document>,
        request: &NumberRequest,
    ) -> Result<Number, ServiceError> {
        require(caller, Scope::Number)?;
        let (symbol, subject, signer) = (request.symbol()?, request.subject()?, request.signer()?);
        if !YEARS.contains(&request.date.year()) {
            let message = format!("the year is between {} and {}", YEARS.start(), YEARS.end());
            return Err(ServiceError::invalid("date", message));
        }
        let mut tx = self.inner.store.write().await?;
        let document = own_document(&mut tx, caller, id).await?;
        let numbering = tx.agency(caller.agency()).await?.map(|(_, numbering)| numbering).unwrap_or_default();
        if let Some(number) = &document.number {
            let same = is_same(number, request, &symbol, numbering, document.secrecy)
                && document.subject.as_ref() == Some(&subject)
                && document.signer.as_ref() == Some(&signer);
            return if same {
                Ok(number.clone())
            } else {
                Err(ServiceError::Numbered { number: number.text.clone() })
            };
        }
        if document.state == DocumentState::Issued {
            return Err(ServiceError::DocumentState { state: "issued", hint: "its number stands" });
        }
        let series = series(request, numbering, document.secrecy)?;
        let year = request.date.year();
        let value = tx.take_number(caller.agency(), &series, year).await?;
        self.fault("number", "series");
        let text = Number::format(value, &symbol);
        if let Some(other) = tx.numbered(caller.agency(), year, &text).await? {
            let message = format!(
                "{text} of {year} is already the number of document {other}; tell the two apart by the unit in the symbol"
            );
            return Err(ServiceError::invalid("series", message));
        }
        let number = Number {
            document_type: request.document_type,
            series,
            year,
            number: value,
            symbol,
            text,
            date: request.date,
        };
        tx.set_number(id, &number, &subject, &signer).await?;
        tx.commit().await?;
        self.fault("number", "commit");
        Ok(number)
    }

    /// Gives up the number of a document not yet signed by the agency; the number is not used again. Scope `number`.
    ///
    /// # Errors
    ///
    /// When the scope is missing, the document is not the agency's, has no number or is issued, or the reason is empty.
    pub async fn void_number(
        &self,
        caller: &Caller,
        id: Id<Document>,
        reason: &str,
    ) -> Result<(), ServiceError> {
        require(caller, Scope::Number)?;
        let reason = bounded("reason", reason, MAX_REASON)?;
        let mut tx = self.inner.store.write().await?;
        let document = own_document(&mut tx, caller, id).await?;
        if document.state == DocumentState::Issued {
            let hint = "correct or replace it by another document";
            return Err(ServiceError::DocumentState { state: "issued", hint });
        }
        let number = document.number.clone().ok_or(ServiceError::Unnumbered)?;
        tx.void_number(&document, &number, &reason, caller.member().id, self.now()).await?;
        Ok(tx.commit().await?)
    }

    /// Records a signature. Scope `approve` for the person's, `seal` for the agency's.
    ///
    /// The person's comes first, then the agency's, each once and of different certificates; a number stands before
    /// the agency's; the signed file continues the document's present bytes, and its verdict, on these very bytes, is
    /// valid. Recording the same file again changes nothing.
    ///
    /// # Errors
    ///
    /// When one of these does not hold.
    pub async fn record_signature(
        &self,
        caller: &Caller,
        id: Id<Document>,
        role: Role,
        signed: SignedFile<'_>,
    ) -> Result<Document, ServiceError> {
        self.record_lasting_signature(caller, id, role, signed, None).await
    }

    /// [`Service::record_signature`], with the level that the signature shall reach: what it has not reached is queued in
    /// the same transaction, so that nothing can come between.
    ///
    /// # Errors
    ///
    /// As [`Service::record_signature`].
    pub async fn record_lasting_signature(
        &self,
        caller: &Caller,
        id: Id<Document>,
        role: Role,
        signed: SignedFile<'_>,
        lasting: Option<&Lasting>,
    ) -> Result<Document, ServiceError> {
        self.record(caller, id, role, signed, Recording { lasting, ..Recording::default() }).await
    }

    /// As [`Service::record_lasting_signature`], for this and other tasks.
    pub(super) async fn record(
        &self,
        caller: &Caller,
        id: Id<Document>,
        role: Role,
        signed: SignedFile<'_>,
        recording: Recording<'_>,
    ) -> Result<Document, ServiceError> {
        require(caller, scope_of(role))?;
        let before = own_document(&mut self.inner.store.read().await?, caller, id).await?;
        let kept = self.keep_signed(&before, role, signed, &recording).await?;
        let mut tx = self.inner.store.write().await?;
        self.write_down(&mut tx, caller, &kept, &signed, &recording).await?;
        let document = own_document(&mut tx, caller, id).await?;
        tx.commit().await?;
        self.fault(role.as_str(), "commit");
        Ok(document)
    }

    /// Keeps the bytes of a signed file, and makes sure that they go on from those of its document, as that was a moment
    /// ago. What follows is [`Service::write_down`].
    async fn keep_signed(
        &self,
        before: &Document,
        role: Role,
        signed: SignedFile<'_>,
        recording: &Recording<'_>,
    ) -> Result<Kept, ServiceError> {
        let incoming = Incoming { before, role, signed, recording };
        if recording.movable {
            return one(self.keep_all_signed(vec![incoming]).await?);
        }
        let stored = self.inner.blobs.put(FileSource::open(signed.staged)?).await;
        one(self.going_on(vec![(incoming, stored)]).await?)
    }

    /// As for one, for many files of the file store's staging folder at once: the disk is waited for once. Gives a result
    /// for each.
    pub(super) async fn keep_all_signed(
        &self,
        all: Vec<Incoming<'_>>,
    ) -> Result<Vec<Result<Kept, ServiceError>>, ServiceError> {
        let files = all.iter().map(|incoming| incoming.signed.staged.to_owned()).collect();
        let stored = self.inner.blobs.adopt(files).await?;
        self.going_on(all.into_iter().zip(stored).collect()).await
    }

    /// Those of the kept files that may become the present bytes of their documents.
    async fn going_on(
        &self,
        all: Vec<(Incoming<'_>, Result<Stored, BlobError>)>,
    ) -> Result<Vec<Result<Kept, ServiceError>>, ServiceError> {
        let looked_at = all.into_iter().map(|(incoming, stored)| self.looked_at(&incoming, stored?));
        let looked_at: Vec<_> = looked_at.collect();
        let compared = tokio::task::spawn_blocking(move || {
            let compare = |(kept, files): (Kept, Option<(Arc<dyn Source>, FileSource)>)| match files {
                Some((earlier, later)) => goes_on(&later, &*earlier).map(|()| kept),
                None => Ok(kept),
            };
            looked_at.into_iter().map(|one| one.and_then(compare)).collect()
        });
        Ok(compared.await.map_err(io::Error::other)?)
    }

    /// What is kept, and the two files that are still to be compared; none where it is recorded already.
    fn looked_at(
        &self,
        incoming: &Incoming<'_>,
        stored: Stored,
    ) -> Result<(Kept, Option<(Arc<dyn Source>, FileSource)>), ServiceError> {
        let Incoming { before, role, signed, recording } = *incoming;
        self.fault(role.as_str(), "blob");
        let report = serde_json::to_string(signed.report)?;
        let kept = Kept { id: before.id, role, stored, report, before: before.sha256 };
        if recording.handle.is_none() && is_recorded(before, role, stored.sha256()) {
            return Ok((kept, None));
        }
        in_order(before, role, signed.certificate_sha256)?;
        verified(signed.report, stored.sha256(), before.signatures.len() + 1)?;
        let earlier: Arc<dyn Source> = match &recording.rebuilt {
            // Only a draft is ever rebuilt: bytes that somebody signed stay.
            Some(rebuilt) if before.signatures.is_empty() => Arc::clone(rebuilt),
            _ => Arc::new(self.inner.blobs.get(before.sha256)?),
        };
        Ok((kept, Some((earlier, self.inner.blobs.get(stored.sha256())?))))
    }

    /// Writes the rows of a signature whose bytes are kept. What is refused is refused before the first row; a failing
    /// database spoils the whole transaction.
    pub(super) async fn write_down(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        kept: &Kept,
        signed: &SignedFile<'_>,
        recording: &Recording<'_>,
    ) -> Result<(), ServiceError> {
        let Kept { id, role, stored, before, .. } = *kept;
        // Before anything else is looked at: of those who hold the same handle, the others learn that it is used.
        if let Some(handle) = recording.handle
            && !tx.use_prepared(handle).await?
        {
            return Err(ServiceError::PreparedUsed);
        }
        let document = own_document(tx, caller, id).await?;
        if recording.handle.is_none() && is_recorded(&document, role, stored.sha256()) {
            return note_signed(tx, recording.batch).await;
        }
        in_order(&document, role, signed.certificate_sha256)?;
        if document.sha256 != before {
            return Err(ServiceError::NotContinued);
        }
        let now = self.now();
        tx.insert_blob(stored, now).await?;
        let signature = Signature {
            role,
            sha256: stored.sha256(),
            size: stored.size(),
            certificate_sha256: signed.certificate_sha256,
            report_sha256: tx.insert_report(&kept.report).await?,
            recorded_by: caller.member().id,
            recorded_at: now,
        };
        let state = if role == Role::Approve { DocumentState::Approved } else { DocumentState::Issued };
        let position = i64::try_from(document.signatures.len()).unwrap_or(i64::MAX);
        tx.insert_signature(id, &signature, position, state).await?;
        super::upkeep::begin(tx, id, signed.report, recording.lasting, now).await?;
        note_signed(tx, recording.batch).await?;
        self.fault(role.as_str(), "row");
        Ok(())
    }

    /// A document of the caller's agency and its present bytes. The caller's scope was looked at before.
    pub(super) async fn open_own(
        &self,
        caller: &Caller,
        id: Id<Document>,
    ) -> Result<(Document, FileSource), ServiceError> {
        let document = own_document(&mut self.inner.store.read().await?, caller, id).await?;
        let file = self.inner.blobs.get(document.sha256)?;
        Ok((document, file))
    }

    /// Whether the stored file begins with all the bytes of the earlier one and goes on after them.
    pub(super) async fn continues(&self, earlier: Sha256, later: Stored) -> Result<(), ServiceError> {
        let (earlier, later) = (self.inner.blobs.get(earlier)?, self.inner.blobs.get(later.sha256())?);
        let compared = tokio::task::spawn_blocking(move || goes_on(&later, &earlier));
        compared.await.map_err(io::Error::other)?
    }

    /// What was answered to the same request with this key before.
    pub(super) async fn replay<T: serde::de::DeserializeOwned>(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        key: Option<&str>,
        request: Sha256,
    ) -> Result<Option<T>, ServiceError> {
        let Some(key) = key else { return Ok(None) };
        if !(1..=255).contains(&key.len()) || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(ServiceError::invalid(
                "idempotency key",
                "1 to 255 visible ASCII characters are allowed",
            ));
        }
        match tx.answered(caller.member().id, key).await? {
            Some((earlier, response)) if earlier == request => Ok(Some(serde_json::from_str(&response)?)),
            Some(_) => Err(ServiceError::IdempotencyConflict),
            None => Ok(None),
        }
    }
}

/// A request in one spelling, so that the same one is known again.
#[derive(Serialize)]
pub(super) struct Asked<'a, T> {
    pub(super) task: &'static str,
    pub(super) agency: &'a str,
    pub(super) what: T,
}

impl<T: Serialize> Asked<'_, T> {
    pub(super) fn digest(&self) -> Result<Sha256, ServiceError> {
        Ok(Sha256::of(&serde_json::to_vec(self)?))
    }
}

/// Takes a verdict as the receipt of a check: it is of these bytes, valid, and of enough signatures.
pub(super) fn verified(report: &DocumentReport, actual: Sha256, needed: usize) -> Result<(), ServiceError> {
    if Sha256::from_hex(&report.sha256) != Some(actual) {
        return Err(ServiceError::ReportMismatch {
            reported: report.sha256.chars().take(64).collect(),
            actual,
        });
    }
    let overall = match report.overall {
        Overall::Valid => None,
        Overall::Invalid => Some("invalid"),
        Overall::Indeterminate => Some("indeterminate"),
        Overall::Unsigned => Some("unsigned"),
    };
    // A valid whole has only passed parts; should the parts say otherwise, the whole is not believed.
    let failed = report.signatures.iter().any(|signature| signature.indication != Indication::TotalPassed);
    if let Some(overall) = overall.or(failed.then_some("contradictory")) {
        return Err(ServiceError::NotVerified { overall });
    }
    let found = report.signatures.iter().filter(|one| !signing::is_document_stamp(one)).count();
    if found < needed {
        return Err(ServiceError::SignatureCount { found, needed });
    }
    Ok(())
}

/// The longest reason, in characters.
pub(super) const MAX_REASON: usize = 2_000;
const MAX_FILE_NAME: usize = 200;
/// Years that a document may be dated in: what lies outside is a slip of the pen, and would begin a series of its own.
const YEARS: std::ops::RangeInclusive<i16> = 2000..=2199;

fn file_name(given: &str) -> Result<String, ServiceError> {
    let name = given.rsplit(['/', '\\']).next().unwrap_or_default();
    bounded("file name", name, MAX_FILE_NAME)
}

pub(super) async fn own_document(
    tx: &mut Tx,
    caller: &Caller,
    id: Id<Document>,
) -> Result<Document, ServiceError> {
    let document = tx.document(id).await?.filter(|document| document.agency == *caller.agency());
    document.ok_or_else(|| ServiceError::not_found("document", id))
}

fn series(
    request: &NumberRequest,
    numbering: Numbering,
    secrecy: Secrecy,
) -> Result<crate::dispatch::SeriesKind, ServiceError> {
    let usual = numbering.series(request.document_type, secrecy);
    match &request.series {
        Some(own) if secrecy == Secrecy::Secret && *own != usual => {
            Err(ServiceError::invalid("series", "secret documents are numbered from their own series"))
        }
        Some(own) => Ok(own.clone()),
        None => Ok(usual),
    }
}

fn is_same(
    number: &Number,
    request: &NumberRequest,
    symbol: &Symbol,
    numbering: Numbering,
    secrecy: Secrecy,
) -> bool {
    number.document_type == request.document_type
        && number.symbol == *symbol
        && number.date == request.date
        && series(request, numbering, secrecy).is_ok_and(|series| series == number.series)
}

/// The document, if this very file is already recorded for this role.
fn is_recorded(document: &Document, role: Role, sha256: Sha256) -> bool {
    document.signatures.iter().any(|signature| signature.role == role && signature.sha256 == sha256)
}

/// Notes that a document, if it is one of a batch, bears its signature.
async fn note_signed(tx: &mut Tx, batch: Option<(Id<SignatureBatch>, i64)>) -> Result<(), ServiceError> {
    let Some((id, position)) = batch else { return Ok(()) };
    Ok(tx.set_batch_item(id, position, BatchOutcome::Signed.as_str(), None).await?)
}

/// Whether it is the turn of this role, with a certificate that has not signed yet.
pub(super) fn in_order(document: &Document, role: Role, certificate: Sha256) -> Result<(), ServiceError> {
    match (role, document.state) {
        (Role::Approve, DocumentState::Drafted) => {}
        (Role::Issue, DocumentState::Approved) if document.number.is_some() => {}
        (Role::Issue, DocumentState::Approved) => return Err(ServiceError::Unnumbered),
        _ => return Err(ServiceError::SignatureOrder { role }),
    }
    if document.signatures.iter().any(|earlier| earlier.certificate_sha256 == certificate) {
        let message = "the person and the agency sign with different certificates";
        return Err(ServiceError::invalid("certificate", message));
    }
    Ok(())
}

fn goes_on(later: &dyn Source, earlier: &dyn Source) -> Result<(), ServiceError> {
    if begins_with(later, earlier)? { Ok(()) } else { Err(ServiceError::NotContinued) }
}

/// The result of one of one.
fn one<T>(mut all: Vec<Result<T, ServiceError>>) -> Result<T, ServiceError> {
    all.pop().unwrap_or_else(|| Err(io::Error::other("no result").into()))
}

/// Whether `later` begins with all of `earlier` and goes on after it.
pub(super) fn begins_with(later: &dyn Source, earlier: &dyn Source) -> io::Result<bool> {
    const PIECE: u64 = 1024 * 1024;
    if later.len() <= earlier.len() {
        return Ok(false);
    }
    let mut at = 0;
    while at < earlier.len() {
        let end = earlier.len().min(at + PIECE);
        if later.read(at..end)? != earlier.read(at..end)? {
            return Ok(false);
        }
        at = end;
    }
    Ok(true)
}

/// So that a moment may be part of a request's digest.
pub(super) fn moment(at: Option<UtcTime>) -> Option<i64> {
    at.map(UtcTime::as_second)
}
