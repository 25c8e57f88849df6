//! The task of signing with a key that the server does not hold, in two steps.
//!
//! [`Service::prepare_signature`] says what is to be signed and hands out a handle; [`Service::complete_signature`]
//! takes handle and value. In between, all state is a row of the database, so that a restart or another node makes no
//! difference.
//!
//! The handle is good once. What uses it up is the transaction that records the signature, so of many who complete it
//! at the same time one succeeds, and a crash before that transaction leaves it as it was. It is good for the member
//! who got it, for the document and the bytes that it was made for, and until it expires.

use std::{io, sync::Arc, time::Duration};

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde::{Deserialize, Serialize};

use super::{
    Service, ServiceError, SignDocumentError, SignedDocument, SignedFile,
    issue::{Recording, in_order},
    repair::Repaired,
    require,
    sign::{Identity, STAGED, SchemeWish, SignError, SigningDesk},
    sign_document::{opened, scope_of},
    signer_check,
    upkeep::Lasting,
};
use crate::{
    appearance::Placement,
    base::{AppendedSource, Id, Limits, Password, Sha256, Source, UtcTime, digest::Hasher},
    dispatch::{Document, Role},
    pdf::{self, Finding},
    people::Caller,
    signing::{Kept, Prepared, SigningError, Wishes},
    store::{FileSource, PreparedRow, PreparedState},
    x509::{Certificate, algorithm::SignatureScheme},
};

/// A signature that somebody wants to make with a key of their own.
#[derive(Clone, Debug)]
pub struct SignatureWish {
    /// What it is for.
    pub role: Role,
    /// The certificate of the key.
    pub certificate: Certificate,
    /// Its issuers, as far as they should travel with the signature.
    pub chain: Vec<Certificate>,
    /// Digest and padding.
    pub scheme: SchemeWish,
    /// What the signature says, binds and looks like.
    pub wishes: Wishes,
    /// Opens an encrypted document. It is not kept: completing needs it again.
    pub password: Option<Arc<Password>>,
    /// Rebuild a draft whose cross-reference is broken, and sign the rebuilt one.
    pub repair: bool,
}

/// A signature that waits for its value.
#[derive(Clone, Debug)]
pub struct PreparedSignature {
    /// 43 characters of URL-safe Base64: 256 random bits. Only their digest is stored.
    pub handle: String,
    /// Which document is to be signed.
    pub document: Id<Document>,
    /// What the signature is for.
    pub role: Role,
    /// The signature field.
    pub field: String,
    /// The bytes that are reviewed: the document as it stands or, where it was rebuilt, the rebuilt one.
    pub document_sha256: Sha256,
    /// Their number: the prepared file begins with them.
    pub document_size: u64,
    /// The document with the revision behind it, the hole for the CMS being zeros.
    pub prepared_sha256: Sha256,
    /// Length of that, in bytes.
    pub prepared_size: u64,
    /// How the key signs.
    pub scheme: SignatureScheme,
    /// What it signs: the DER of the signed attributes (RFC 5652 section 5.4).
    pub to_be_signed: Vec<u8>,
    /// Where the signature will be seen, unless it is invisible.
    pub placement: Option<Placement>,
    /// What was found and done when the document was rebuilt before; empty when it was not.
    pub repair: Vec<Finding>,
    /// Until when it may be completed.
    pub expires_at: UtcTime,
}

/// A prepared signature and its bytes.
pub type OpenedPrepared = (PreparedSignature, AppendedSource<Arc<dyn Source>>);

/// How long a handle is good, and how many of them a member may hold.
#[derive(Clone, Copy, Debug)]
pub struct PreparedLimits {
    /// From preparing to completing.
    pub life: Duration,
    /// Handles of one member that wait at the same time.
    pub waiting: u64,
}

impl Service {
    /// Says what a key outside of the server has to sign. Scope `approve` for the person's signature, `seal` for the
    /// agency's.
    ///
    /// All that can be refused is refused now: turn, number, certificate, file.
    ///
    /// # Errors
    ///
    /// See [`SignDocumentError`].
    pub async fn prepare_signature(
        &self,
        caller: &Caller,
        id: Id<Document>,
        desk: Arc<SigningDesk>,
        wish: SignatureWish,
        limits: PreparedLimits,
    ) -> Result<PreparedSignature, SignDocumentError> {
        require(caller, scope_of(wish.role))?;
        let (document, source) = self.open_own(caller, id).await?;
        let certificate_sha256 = wish.certificate.sha256();
        in_order(&document, wish.role, certificate_sha256)?;
        let now = self.now();

        let identity = Identity::new(wish.certificate, wish.chain, wish.scheme).map_err(refused)?;
        let scheme = identity.scheme;
        let stored_sha256 = document.sha256;
        let (put_away, tail, prepared) = blocking(move || {
            signer_check::demand(&desk, &identity, wish.wishes.any_usage)?;
            let folder = staging()?;
            let input = opened(source, wish.password, wish.repair, &desk.limits, folder.path())?;
            let rebuilt = input.rebuilt().map(|rebuilt| sha256_of(&rebuilt)).transpose()?;
            let staged = folder.path().join("signed.pdf");
            let pending = desk.begin(&input.source, &staged, identity, &wish.wishes).map_err(refused)?;
            let revision = pending.revision()?;
            let prepared_sha256 = sha256_of(&revision)?;
            let prepared = PreparedSignature {
                handle: BASE64_URL_SAFE_NO_PAD.encode(desk.chance.bytes::<32>()),
                document: id,
                role: wish.role,
                field: pending.prepared().field().to_owned(),
                document_sha256: rebuilt.unwrap_or(stored_sha256),
                document_size: input.source.len(),
                prepared_sha256,
                prepared_size: revision.len(),
                scheme,
                to_be_signed: pending.to_be_signed().to_vec(),
                placement: pending.prepared().placement().cloned(),
                repair: input.findings,
                expires_at: now.checked_add(limits.life).unwrap_or(now),
            };
            let Kept { statement, tail } = pending.prepared().keep();
            let put_away =
                serde_json::to_string(&PutAway { statement, rebuilt: rebuilt.map(Sha256::to_hex) });
            Ok((put_away.map_err(ServiceError::from)?, tail, prepared))
        })
        .await?;

        let row = PreparedRow {
            handle_sha256: Sha256::of(prepared.handle.as_bytes()),
            document: id,
            agency: caller.agency().clone(),
            member: caller.member().id,
            role: prepared.role,
            document_sha256: stored_sha256,
            certificate_sha256,
            statement: put_away,
            tail: Some(tail),
            state: PreparedState::Waiting,
            prepared_at: now,
            expires_at: prepared.expires_at,
        };
        self.keep_prepared(row, limits.waiting).await?;
        self.fault("prepared", "commit");
        Ok(prepared)
    }

    /// What was prepared, and its bytes: whoever holds the key looks at them before signing.
    ///
    /// # Errors
    ///
    /// As [`Service::complete_signature`], where the handle cannot be completed any more.
    pub async fn open_prepared(
        &self,
        caller: &Caller,
        id: Id<Document>,
        handle: &str,
        desk: &SigningDesk,
    ) -> Result<OpenedPrepared, SignDocumentError> {
        let (_, source, row, kept, rebuilt) = self.usable(caller, id, handle).await?;
        let tail = kept.tail.clone();
        let prepared = Prepared::resume(kept, &desk.limits).map_err(SignError::from).map_err(outdated)?;
        let (limits, stored_sha256, handle) = (desk.limits.clone(), row.document_sha256, handle.to_owned());
        blocking(move || {
            // What was rebuilt may lie anywhere: its reader keeps the file open.
            let folder = staging()?;
            let input = once_more(source, None, rebuilt, &limits, &folder)?;
            let document_size = input.source.len();
            let revision = AppendedSource::new(Arc::clone(&input.source), tail);
            let prepared = PreparedSignature {
                handle,
                document: id,
                role: row.role,
                field: prepared.field().to_owned(),
                document_sha256: rebuilt.unwrap_or(stored_sha256),
                document_size,
                prepared_sha256: sha256_of(&revision)?,
                prepared_size: revision.len(),
                scheme: prepared.scheme(),
                to_be_signed: prepared.to_be_signed().to_vec(),
                placement: prepared.placement().cloned(),
                repair: input.findings,
                expires_at: row.expires_at,
            };
            Ok((prepared, revision))
        })
        .await
    }

    /// Takes the value of a prepared signature, stamps, judges and records it. Scope as for preparing it.
    ///
    /// A value that does not fit the certificate is refused and counted; the last of
    /// [`MOST_WRONG_VALUES`] uses the handle up.
    ///
    /// # Errors
    ///
    /// [`ServiceError::NotFound`] when there is no such handle for this member and document;
    /// [`ServiceError::PreparedExpired`], [`ServiceError::PreparedUsed`], [`ServiceError::PreparedSpent`] when it is
    /// not good any more; [`ServiceError::PreparedChanged`] when the document moved on; [`ServiceError::WrongValue`].
    pub async fn complete_signature(
        &self,
        caller: &Caller,
        id: Id<Document>,
        handle: &str,
        desk: Arc<SigningDesk>,
        (value, password): (Vec<u8>, Option<Arc<Password>>),
    ) -> Result<SignedDocument, SignDocumentError> {
        let (document, source, row, kept, rebuilt) = self.usable(caller, id, handle).await?;
        require(caller, scope_of(row.role))?;
        in_order(&document, row.role, row.certificate_sha256)?;
        let (this, output) = (Arc::clone(&desk), self.inner.blobs.staging().join(STAGED));
        let completed = blocking(move || {
            let folder = staging()?;
            let input = once_more(source, password, rebuilt, &this.limits, &folder)?;
            // An encrypted file that is not opened now could not be judged afterwards: say so before the value counts.
            pdf::Document::open(Arc::clone(&input.source), &this.limits).map_err(SignError::from)?;
            let pending = this.resume(&input.source, &output, kept).map_err(outdated)?;
            Ok(this.complete_staged(pending, value).map(|(file, released)| (file, released, input, folder)))
        })
        .await?;
        let (file, released, input, _folder) = match completed {
            Ok(released) => released,
            Err(SignError::Signing(SigningError::Value(_))) => {
                return Err(self.count_wrong_value(&row).await?.into());
            }
            Err(error) => return Err(error.into()),
        };
        let signed = SignedFile {
            staged: &file,
            report: released.report(),
            certificate_sha256: row.certificate_sha256,
        };
        let lasting = Lasting::of(&released, &desk);
        let recording = Recording {
            lasting: Some(&lasting),
            handle: Some(row.handle_sha256),
            rebuilt: input.rebuilt(),
            movable: true,
            ..Recording::default()
        };
        let document = match self.record(caller, id, row.role, signed, recording).await {
            Ok(document) => document,
            // Somebody was quicker: what became of the handle says more than what became of the document.
            Err(error) => return Err(self.usable(caller, id, handle).await.err().unwrap_or(error).into()),
        };
        let signature = released.signature().cloned().ok_or(SignDocumentError::Interrupted)?;
        let placement = released.placement().cloned();
        Ok(SignedDocument { document, signature, placement, repair: input.findings })
    }

    /// Gives a handle up: nobody can complete it any more.
    ///
    /// # Errors
    ///
    /// [`ServiceError::NotFound`] when there is none that could be given up.
    pub async fn forget_prepared(
        &self,
        caller: &Caller,
        id: Id<Document>,
        handle: &str,
    ) -> Result<(), ServiceError> {
        let row = self.prepared_row(caller, id, handle).await?;
        let mut tx = self.inner.store.write().await?;
        if !tx.forget_prepared(row.handle_sha256).await? {
            return Err(ServiceError::PreparedUsed);
        }
        Ok(tx.commit().await?)
    }

    /// Drops the bytes of what expired, and a day later the rest; gives how many were touched.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn sweep_prepared(&self) -> Result<u64, ServiceError> {
        let now = self.now();
        let mut tx = self.inner.store.write().await?;
        let swept = tx.sweep_prepared(now, before(now)).await?;
        tx.commit().await?;
        Ok(swept)
    }

    /// A handle that may be completed now, with the document that it is for and the digest of what that was rebuilt to.
    async fn usable(
        &self,
        caller: &Caller,
        id: Id<Document>,
        handle: &str,
    ) -> Result<(Document, FileSource, PreparedRow, Kept, Option<Sha256>), ServiceError> {
        let mut row = self.prepared_row(caller, id, handle).await?;
        match row.state {
            PreparedState::Spent => return Err(ServiceError::PreparedSpent),
            PreparedState::Used => return Err(ServiceError::PreparedUsed),
            PreparedState::Waiting => {}
        }
        if self.now() >= row.expires_at {
            return Err(ServiceError::PreparedExpired { at: row.expires_at });
        }
        let tail = row.tail.take().ok_or(ServiceError::PreparedExpired { at: row.expires_at })?;
        let (document, source) = self.open_own(caller, id).await?;
        if document.sha256 != row.document_sha256 {
            return Err(ServiceError::PreparedChanged);
        }
        // Another version of kyso may have put it away otherwise.
        let put_away = serde_json::from_str::<PutAway>(&row.statement);
        let PutAway { statement, rebuilt } = put_away.map_err(|_| ServiceError::PreparedChanged)?;
        let rebuilt = rebuilt.map(|hex| Sha256::from_hex(&hex).ok_or(ServiceError::PreparedChanged));
        row.statement.clear();
        Ok((document, source, row, Kept { statement, tail }, rebuilt.transpose()?))
    }

    /// The row of a handle of this member for this document.
    async fn prepared_row(
        &self,
        caller: &Caller,
        id: Id<Document>,
        handle: &str,
    ) -> Result<PreparedRow, ServiceError> {
        let row = self.inner.store.read().await?.prepared(Sha256::of(handle.as_bytes())).await?;
        let own = |row: &PreparedRow| {
            row.document == id && row.agency == *caller.agency() && row.member == caller.member().id
        };
        // The handle is not repeated: whoever guesses learns nothing from the answer.
        row.filter(own).ok_or_else(|| ServiceError::not_found("prepared signature", "of this handle"))
    }

    /// Writes the row, unless the member holds too many; and sweeps on the way.
    async fn keep_prepared(&self, row: PreparedRow, most: u64) -> Result<(), ServiceError> {
        let mut tx = self.inner.store.write().await?;
        tx.sweep_prepared(row.prepared_at, before(row.prepared_at)).await?;
        if tx.prepared_waiting(row.member, row.prepared_at).await? >= most {
            return Err(ServiceError::PreparedTooMany { most });
        }
        tx.insert_prepared(row).await?;
        Ok(tx.commit().await?)
    }

    async fn count_wrong_value(&self, row: &PreparedRow) -> Result<ServiceError, ServiceError> {
        let mut tx = self.inner.store.write().await?;
        let counted = tx.count_wrong_value(row.handle_sha256, MOST_WRONG_VALUES).await?;
        tx.commit().await?;
        Ok(match counted {
            Some(wrong) => ServiceError::WrongValue { left: MOST_WRONG_VALUES.saturating_sub(wrong) },
            // Somebody else used it up meanwhile.
            None => ServiceError::PreparedUsed,
        })
    }
}

/// Wrong values that a handle bears.
///
/// A value that does not fit tells nothing about the key, so some are allowed: the wrong token was plugged in, or ECDSA
/// came as two bare numbers. There is an end so that a program in a loop is noticed and costs little.
pub const MOST_WRONG_VALUES: u32 = 5;

/// For so long it is still told why a handle is not good any more.
const REMEMBERED: Duration = Duration::from_hours(24);

fn before(now: UtcTime) -> UtcTime {
    now.checked_sub(REMEMBERED).unwrap_or(now)
}

/// The JSON of [`PreparedRow::statement`].
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct PutAway {
    /// [`Kept::statement`].
    statement: String,
    /// SHA-256 of what the document was rebuilt to, 64 hexadecimal characters. It is rebuilt again when it is needed: the
    /// same bytes each time.
    rebuilt: Option<String>,
}

/// The document as it was when the signature was prepared: rebuilt again, if it was.
fn once_more(
    source: FileSource,
    password: Option<Arc<Password>>,
    rebuilt: Option<Sha256>,
    limits: &Limits,
    folder: &tempfile::TempDir,
) -> Result<Repaired, SignDocumentError> {
    let input = opened(source, password, rebuilt.is_some(), limits, folder.path())?;
    let same = match (input.rebuilt(), rebuilt) {
        (Some(again), Some(sha256)) => sha256_of(&again)? == sha256,
        (again, sha256) => again.is_none() && sha256.is_none(),
    };
    if same { Ok(input) } else { Err(ServiceError::PreparedChanged.into()) }
}

/// What the caller sent cannot be used: digest and padding for this key.
fn refused(error: SignError) -> SignDocumentError {
    match error {
        SignError::Signing(SigningError::Scheme { reason }) => {
            ServiceError::invalid("certificate", reason).into()
        }
        other => other.into(),
    }
}

/// What was prepared earlier cannot be used now.
fn outdated(error: SignError) -> SignDocumentError {
    match error {
        SignError::Signing(SigningError::Kept { .. }) => ServiceError::PreparedChanged.into(),
        other => refused(other),
    }
}

fn staging() -> Result<tempfile::TempDir, SignDocumentError> {
    Ok(tempfile::tempdir().map_err(ServiceError::Io)?)
}

fn sha256_of(source: &dyn Source) -> Result<Sha256, SignDocumentError> {
    let hash = || -> io::Result<Sha256> {
        let mut hasher = Hasher::new(crate::base::DigestAlgorithm::Sha256);
        hasher.update_from(source, 0..source.len())?;
        let mut sha256 = Sha256([0; 32]);
        sha256.0.copy_from_slice(&hasher.finish().bytes);
        Ok(sha256)
    };
    Ok(hash().map_err(ServiceError::Io)?)
}

/// Runs what reads, hashes and asks the network on a thread of its own.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SignDocumentError> + Send + 'static,
) -> Result<T, SignDocumentError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| SignDocumentError::Interrupted)?
}
