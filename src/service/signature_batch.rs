//! Signature batches: many documents, one key of the server, a result for each.
//!
//! A batch is rows, so that it goes on after a restart. One server works on it at a time: it holds a claim that runs out
//! unless it is renewed, so that another takes over from one that died. What counts as signed is the signature recorded
//! with the document; the row of the batch only repeats it, and a document that has it already is not signed again.

use std::{
    collections::{HashMap, HashSet},
    str::FromStr,
    time::Duration,
};

use serde::Serialize;

use super::{
    HeldKey, Service, ServiceError, issue::Asked, require, sign_document::scope_of, signer_check::Cleared,
};
use crate::{
    base::{Id, Sha256, UtcTime},
    dispatch::{Document, Role},
    people::{AgencyCode, Caller},
    store::BatchRow,
};

/// A batch to be begun.
#[derive(Clone, Debug)]
pub struct NewBatch {
    /// From [`Service::batch_id`].
    pub id: Id<SignatureBatch>,
    /// The key, by the name that requests use.
    pub signer: String,
    /// Documents of the caller's agency, each once, in the order of their signing.
    pub documents: Vec<Id<Document>>,
    /// What each signature says, in the words of the face that begins it; kept as they are.
    pub words: String,
    /// The same key and the same request again give the same batch.
    pub idempotency_key: String,
}

/// A batch as it stands.
#[derive(Clone, Debug)]
pub struct SignatureBatch {
    /// Its identifier.
    pub id: Id<SignatureBatch>,
    /// The key, by the name that requests use.
    pub signer: String,
    /// What the signatures are for.
    pub role: Role,
    /// SHA-256 of the certificate that it was begun with.
    pub certificate_sha256: Sha256,
    /// Whether it goes on.
    pub state: BatchState,
    /// The code of what stopped it.
    pub stopped_by: Option<String>,
    /// When it was begun.
    pub created_at: UtcTime,
    /// When it was done or stopped.
    pub ended_at: Option<UtcTime>,
    /// Its documents, in order.
    pub items: Vec<BatchItem>,
}

/// Whether a batch goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum BatchState {
    /// Every document has its result.
    Done,
    /// Some wait for theirs.
    Running,
    /// Some wait, and nobody works on them until it is resumed.
    Stopped,
}

/// A document of a batch.
#[derive(Clone, Debug)]
pub struct BatchItem {
    /// Its place, from 0.
    pub position: i64,
    /// The document.
    pub document: Id<Document>,
    /// What became of it.
    pub outcome: BatchOutcome,
    /// The code of why it failed.
    pub code: Option<String>,
}

/// What became of a document of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum BatchOutcome {
    /// It was not signed; `code` says why.
    Failed,
    /// Its signature is recorded.
    Signed,
    /// Its turn has not come.
    Waiting,
}

impl BatchOutcome {
    /// The word in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Signed => "signed",
            Self::Waiting => "waiting",
        }
    }
}

/// A batch that a server has claimed, with what it needs to work on it.
#[derive(Clone, Debug)]
pub struct ClaimedBatch {
    /// The batch.
    pub batch: SignatureBatch,
    /// Whose key signs.
    pub agency: AgencyCode,
    /// In whose name.
    pub caller: Caller,
    /// What each signature says, as it was when the batch was begun.
    pub words: String,
}

impl Service {
    /// The identifier of a batch that is to be begun.
    pub fn batch_id(&self) -> Id<SignatureBatch> {
        self.id()
    }

    /// Begins a batch: writes it down. Scope `approve` for a person's key, `seal` for the agency's.
    ///
    /// The certificate was asked about, once for all documents. A document that is signed already fails at once; whether it is the turn of the others is seen when they come up.
    ///
    /// # Errors
    ///
    /// When the scope is missing, a document is not the agency's or named twice, there are none or more than `most`, or
    /// the idempotency key was used for another request.
    pub async fn begin_batch(
        &self,
        caller: &Caller,
        (key, cleared): (&HeldKey, &Cleared),
        new: NewBatch,
        most: usize,
    ) -> Result<SignatureBatch, ServiceError> {
        require(caller, scope_of(key.role))?;
        if !cleared.is_of(&key.signer.certificate) {
            return Err(ServiceError::invalid("signer", "another certificate was asked about"));
        }
        if key.agency != *caller.agency() {
            return Err(ServiceError::invalid("signer", "this key does not sign for your agency"));
        }
        if new.documents.is_empty() || new.documents.len() > most {
            return Err(ServiceError::invalid("documents", format!("1 to {most} documents are allowed")));
        }
        let mut seen = HashSet::new();
        if let Some(twice) = new.documents.iter().find(|document| !seen.insert(**document)) {
            return Err(ServiceError::invalid("documents", format!("{twice} is named twice")));
        }
        let request = Asked {
            task: "batch",
            agency: caller.agency().as_str(),
            what: (&new.signer, &new.documents, &new.words),
        }
        .digest()?;
        let mut tx = self.inner.store.write().await?;
        if let Some((id, earlier)) = tx.batch_begun(caller.member().id, &new.idempotency_key).await? {
            drop(tx);
            return if earlier == request {
                self.batch(caller, id).await
            } else {
                Err(ServiceError::IdempotencyConflict)
            };
        }
        let found = tx.documents_of(&new.documents).await?;
        let own = found.into_iter().filter(|document| document.agency == *caller.agency());
        let own: HashMap<_, _> = own.map(|document| (document.id, document)).collect();
        let mut documents = Vec::with_capacity(new.documents.len());
        for id in new.documents {
            let Some(document) = own.get(&id) else {
                let message = format!("there is no document {id} of your agency");
                return Err(ServiceError::invalid("documents", message));
            };
            // One that has such a signature now fails now: one that is found later is the batch's own.
            let signed = document.signatures.iter().any(|signature| signature.role == key.role);
            documents.push((id, signed.then(|| ServiceError::SignatureOrder { role: key.role }.code())));
        }
        let row = BatchRow {
            id: new.id,
            agency: caller.agency().clone(),
            member: caller.member().id,
            api_key: caller.key().to_owned(),
            signer: new.signer,
            role: key.role,
            certificate_sha256: key.signer.certificate.sha256(),
            request: new.words,
            state: "running".to_owned(),
            stopped_by: None,
            created_at: self.now(),
            ended_at: None,
        };
        tx.insert_batch(&row, &documents, (&new.idempotency_key, request)).await?;
        tx.commit().await?;
        self.fault("batch", "begun");
        self.batch(caller, row.id).await
    }

    /// A batch of the caller's.
    ///
    /// # Errors
    ///
    /// When there is none for this member.
    pub async fn batch(
        &self,
        caller: &Caller,
        id: Id<SignatureBatch>,
    ) -> Result<SignatureBatch, ServiceError> {
        let (row, batch) = self.whole_batch(id).await?;
        if row.member != caller.member().id || row.agency != *caller.agency() {
            return Err(ServiceError::not_found("signature batch", id));
        }
        Ok(batch)
    }

    /// Stops a batch of the caller's: what is under way ends, the rest waits.
    ///
    /// # Errors
    ///
    /// When there is none for this member, or it does not run.
    pub async fn stop_batch(
        &self,
        caller: &Caller,
        id: Id<SignatureBatch>,
    ) -> Result<SignatureBatch, ServiceError> {
        self.batch(caller, id).await?;
        self.end_batch(id, BatchState::Stopped, Some(STOPPED)).await?;
        self.batch(caller, id).await
    }

    /// Lets a stopped batch go on.
    ///
    /// # Errors
    ///
    /// When there is none for this member.
    pub async fn resume_batch(
        &self,
        caller: &Caller,
        id: Id<SignatureBatch>,
    ) -> Result<SignatureBatch, ServiceError> {
        let batch = self.batch(caller, id).await?;
        require(caller, scope_of(batch.role))?;
        let mut tx = self.inner.store.write().await?;
        tx.resume_batch(id).await?;
        tx.commit().await?;
        self.batch(caller, id).await
    }

    /// Claims a batch that runs, for `worker`; `None` when another works on it, or there is nothing to do.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn claim_batch(
        &self,
        id: Id<SignatureBatch>,
        worker: &str,
    ) -> Result<Option<ClaimedBatch>, ServiceError> {
        let now = self.now();
        let mut tx = self.inner.store.write().await?;
        let claimed = tx.claim_batch(id, worker, now, now.checked_add(CLAIM).unwrap_or(now)).await?;
        tx.commit().await?;
        if !claimed {
            return Ok(None);
        }
        let (row, batch) = self.whole_batch(id).await?;
        let Some(caller) = self.caller_of(&row.api_key).await? else {
            // The key was withdrawn: nothing is signed in its name any more.
            self.end_batch(id, BatchState::Stopped, Some("key.invalid")).await?;
            return Ok(None);
        };
        Ok(Some(ClaimedBatch { batch, agency: row.agency, caller, words: row.request }))
    }

    /// Keeps a claim for [`CLAIM`] from now; whether it still is the worker's.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn keep_batch(&self, id: Id<SignatureBatch>, worker: &str) -> Result<bool, ServiceError> {
        let now = self.now();
        let mut tx = self.inner.store.write().await?;
        let kept = tx.keep_batch(id, worker, Some(now.checked_add(CLAIM).unwrap_or(now))).await?;
        tx.commit().await?;
        Ok(kept)
    }

    /// Lets go of a claim; whether the batch runs, so that somebody has to go on with it: it was stopped and resumed
    /// meanwhile.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn leave_batch(&self, id: Id<SignatureBatch>, worker: &str) -> Result<bool, ServiceError> {
        let mut tx = self.inner.store.write().await?;
        let left = tx.keep_batch(id, worker, None).await?;
        tx.commit().await?;
        Ok(left && self.whole_batch(id).await?.1.state == BatchState::Running)
    }

    /// Whether a batch runs: its owner may have stopped it.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn batch_runs(&self, id: Id<SignatureBatch>) -> Result<bool, ServiceError> {
        let row = self.inner.store.read().await?.batch(id).await?;
        Ok(row.is_some_and(|row| row.state == "running"))
    }

    /// Batches that run and that no server works on.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn unclaimed_batches(&self) -> Result<Vec<Id<SignatureBatch>>, ServiceError> {
        Ok(self.inner.store.read().await?.unclaimed_batches(self.now()).await?)
    }

    /// Whether a document bears the signature that the batch would make: then it is not made again.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn is_signed_by_batch(
        &self,
        id: Id<SignatureBatch>,
        document: Id<Document>,
    ) -> Result<bool, ServiceError> {
        let mut tx = self.inner.store.read().await?;
        let (Some(batch), Some(document)) = (tx.batch(id).await?, tx.document(document).await?) else {
            return Ok(false);
        };
        Ok(document.signatures.iter().any(|signature| {
            signature.role == batch.role && signature.certificate_sha256 == batch.certificate_sha256
        }))
    }

    /// Notes what became of a document.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn note_batch_item(
        &self,
        id: Id<SignatureBatch>,
        position: i64,
        outcome: BatchOutcome,
        code: Option<&str>,
    ) -> Result<(), ServiceError> {
        let mut tx = self.inner.store.write().await?;
        tx.set_batch_item(id, position, outcome.as_str(), code.map(str::to_owned)).await?;
        tx.commit().await?;
        self.fault("batch", "item");
        Ok(())
    }

    /// Ends a batch that runs, or stops it.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn end_batch(
        &self,
        id: Id<SignatureBatch>,
        state: BatchState,
        stopped_by: Option<&str>,
    ) -> Result<(), ServiceError> {
        let word = match state {
            BatchState::Done => "done",
            BatchState::Running => return Ok(()),
            BatchState::Stopped => "stopped",
        };
        let mut tx = self.inner.store.write().await?;
        tx.end_batch(id, word, stopped_by.map(str::to_owned), self.now()).await?;
        Ok(tx.commit().await?)
    }

    async fn whole_batch(
        &self,
        id: Id<SignatureBatch>,
    ) -> Result<(BatchRow<SignatureBatch>, SignatureBatch), ServiceError> {
        let mut tx = self.inner.store.read().await?;
        let none = || ServiceError::not_found("signature batch", id);
        let row = tx.batch(id).await?.ok_or_else(none)?;
        let items = tx.batch_items(id).await?.into_iter().map(|item| BatchItem {
            position: item.position,
            document: item.document,
            outcome: item.outcome.parse().unwrap_or(BatchOutcome::Waiting),
            code: item.code,
        });
        let batch = SignatureBatch {
            id,
            signer: row.signer.clone(),
            role: row.role,
            certificate_sha256: row.certificate_sha256,
            state: match row.state.as_str() {
                "done" => BatchState::Done,
                "stopped" => BatchState::Stopped,
                _ => BatchState::Running,
            },
            stopped_by: row.stopped_by.clone(),
            created_at: row.created_at,
            ended_at: row.ended_at,
            items: items.collect(),
        };
        Ok((row, batch))
    }
}

impl FromStr for BatchOutcome {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        let all = [Self::Failed, Self::Signed, Self::Waiting];
        all.into_iter().find(|outcome| outcome.as_str() == word).ok_or(())
    }
}

/// A claim runs out after this, unless it is kept.
pub const CLAIM: Duration = Duration::from_secs(45);

/// The code of a batch that its owner stopped.
const STOPPED: &str = "batch.stopped";
