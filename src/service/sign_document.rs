//! The task of signing a document of an agency with a key that the server holds.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use tempfile::TempPath;

use super::{
    Service, ServiceError, SignedFile,
    extend::ExtendError,
    issue::{Incoming, Kept, Recording},
    repair::{Repaired, repaired},
    sign::{Preview, Released, SignError, Signer, SigningDesk},
    signature_batch::SignatureBatch,
    signer_check::{self, Cleared},
    upkeep::Lasting,
};
use crate::{
    appearance::{Picture, Placement},
    base::{Id, Limits, Password, ProtectedSource, Sha256, Source},
    dispatch::{Document, DocumentState, Role},
    pdf::Finding,
    people::{AgencyCode, Caller, Scope},
    signing::Wishes,
    store::FileSource,
    validation::SignatureReport,
};

/// A key that the server holds for an agency.
#[derive(Clone)]
pub struct HeldKey {
    /// Whose it is; nobody else may ask for it.
    pub agency: AgencyCode,
    /// What it is for: a person's key approves, the agency's key issues.
    pub role: Role,
    /// The key.
    pub signer: Arc<Signer>,
    /// The handwritten signature or the seal, where the key has one.
    pub picture: Option<Arc<Picture>>,
}

/// The keys that the server holds, by the name that requests use.
pub type HeldKeys = BTreeMap<String, HeldKey>;

/// How a document is to be signed.
#[derive(Clone, Debug, Default)]
pub struct SigningOrder {
    /// What the signature says, binds and looks like.
    pub wishes: Wishes,
    /// Opens an encrypted document. Nothing keeps it.
    pub password: Option<Arc<Password>>,
    /// Rebuild a draft whose cross-reference is broken, and sign the rebuilt one.
    pub repair: bool,
    /// What was asked about the certificate for many documents together; asked for this one when absent.
    pub cleared: Option<Cleared>,
}

/// A signed copy that nothing refers to yet. Dropped, it was never made.
pub struct StagedSignature {
    /// As it was when it was signed.
    document: Document,
    role: Role,
    certificate_sha256: Sha256,
    input: Repaired,
    released: Released,
    lasting: Lasting,
    file: TempPath,
}

/// A signed copy whose bytes are kept, and that is not recorded yet.
pub struct KeptSignature {
    staged: StagedSignature,
    kept: Kept,
}

impl KeptSignature {
    /// The document that it goes on from.
    pub fn document(&self) -> Id<Document> {
        self.staged.document.id
    }
}

impl StagedSignature {
    /// The document that it goes on from.
    pub fn document(&self) -> Id<Document> {
        self.document.id
    }

    fn file(&self) -> SignedFile<'_> {
        let certificate_sha256 = self.certificate_sha256;
        SignedFile { staged: &self.file, report: self.released.report(), certificate_sha256 }
    }

    fn incoming<'a>(&'a self, recording: &'a Recording<'a>) -> Incoming<'a> {
        Incoming { before: &self.document, role: self.role, signed: self.file(), recording }
    }

    fn recording(&self, batch: Option<(Id<SignatureBatch>, i64)>) -> Recording<'_> {
        let (lasting, rebuilt) = (Some(&self.lasting), self.input.rebuilt());
        Recording { lasting, rebuilt, batch, movable: true, ..Recording::default() }
    }
}

/// A document and the signature just put on it.
#[derive(Clone, Debug)]
pub struct SignedDocument {
    /// The document as it stands now.
    pub document: Document,
    /// The verdict on the new signature.
    pub signature: SignatureReport,
    /// Where it can be seen, unless it is invisible.
    pub placement: Option<Placement>,
    /// What was found and done when the document was rebuilt before; empty when it was not.
    pub repair: Vec<Finding>,
}

impl Service {
    /// Signs the present bytes of a document with a held key and records the result.
    ///
    /// Everything that can be refused is refused before the token is touched. Scope `approve` for a person's
    /// key, `seal` for the agency's.
    ///
    /// # Errors
    ///
    /// See [`SignDocumentError`].
    pub async fn sign_document(
        &self,
        caller: &Caller,
        id: Id<Document>,
        desk: Arc<SigningDesk>,
        key: &HeldKey,
        order: SigningOrder,
    ) -> Result<SignedDocument, SignDocumentError> {
        let staged = self.stage_signature(caller, id, desk, key, order).await?;
        self.record_staged(caller, staged).await
    }

    /// The first half of [`Service::sign_document`], after which the token is done: signs a copy that nothing refers to.
    ///
    /// # Errors
    ///
    /// As [`Service::sign_document`].
    pub async fn stage_signature(
        &self,
        caller: &Caller,
        id: Id<Document>,
        desk: Arc<SigningDesk>,
        key: &HeldKey,
        order: SigningOrder,
    ) -> Result<StagedSignature, SignDocumentError> {
        let (document, source) = self.open_document(caller, id).await?;
        may_sign(caller, &document, key)?;

        let staging = self.inner.blobs.staging();
        let (signer, this) = (Arc::clone(&key.signer), Arc::clone(&desk));
        let signed = tokio::task::spawn_blocking(move || {
            let SigningOrder { wishes, password, repair, cleared } = order;
            match cleared {
                Some(cleared) => cleared.demand_for(&signer.certificate, wishes.any_usage)?,
                None => drop(signer_check::demand(&this, &signer.identity(), wishes.any_usage)?),
            }
            let input = opened(source, password, repair, &this.limits, &staging)?;
            let (file, released) = this.stage_file(&input.source, &staging, &signer, &wishes)?;
            Ok::<_, SignError>((input, file, released))
        });
        let (input, file, released) = signed.await.map_err(|_| SignDocumentError::Interrupted)??;
        let lasting = Lasting::of(&released, &desk);
        let certificate_sha256 = key.signer.certificate.sha256();
        Ok(StagedSignature { document, role: key.role, certificate_sha256, input, released, lasting, file })
    }

    /// The second half: keeps the signed copy and records its signature.
    async fn record_staged(
        &self,
        caller: &Caller,
        staged: StagedSignature,
    ) -> Result<SignedDocument, SignDocumentError> {
        let (signed, recording) = (staged.file(), staged.recording(None));
        let document = self.record(caller, staged.document.id, staged.role, signed, recording).await?;
        let signature = staged.released.signature().cloned().ok_or(SignDocumentError::Interrupted)?;
        let placement = staged.released.placement().cloned();
        Ok(SignedDocument { document, signature, placement, repair: staged.input.findings })
    }

    /// Keeps signed copies for [`Service::record_of_batch`]: their bytes are safe on disk, and no row names them yet. Gives
    /// what became of each.
    ///
    /// # Errors
    ///
    /// When none can be kept. What is wrong with one of them, as far as it can be told before it is recorded, is its own
    /// result.
    pub async fn keep_staged(
        &self,
        all: Vec<StagedSignature>,
    ) -> Result<Vec<Result<KeptSignature, ServiceError>>, ServiceError> {
        let recordings: Vec<_> = all.iter().map(|staged| staged.recording(None)).collect();
        let incoming = |(staged, recording)| StagedSignature::incoming(staged, recording);
        let incoming = all.iter().zip(&recordings).map(incoming).collect();
        let kept = self.keep_all_signed(incoming).await?;
        drop(recordings);
        Ok(all
            .into_iter()
            .zip(kept)
            .map(|(staged, kept)| Ok(KeptSignature { staged, kept: kept? }))
            .collect())
    }

    /// The second half for several documents of a batch, by their places in it: their rows, and those of the batch, are
    /// written in one transaction. Gives what became of each.
    ///
    /// # Errors
    ///
    /// When the database fails: none of them is recorded. What is wrong with one of them is its own result.
    pub async fn record_of_batch(
        &self,
        caller: &Caller,
        batch: Id<SignatureBatch>,
        signed: &[(i64, KeptSignature)],
    ) -> Result<Vec<(i64, Result<(), ServiceError>)>, ServiceError> {
        let mut results = Vec::with_capacity(signed.len());
        let mut tx = self.inner.store.write().await?;
        for (position, KeptSignature { staged, kept }) in signed {
            let recording = staged.recording(Some((batch, *position)));
            match self.write_down(&mut tx, caller, kept, &staged.file(), &recording).await {
                Err(error) if error.is_internal() => return Err(error),
                written => results.push((*position, written)),
            }
        }
        tx.commit().await?;
        self.fault("batch", "commit");
        Ok(results)
    }

    /// Draws the page of a signature that is not made. What [`Service::sign_document`] refuses is refused here too.
    ///
    /// `helper` is the `kyso` program.
    ///
    /// # Errors
    ///
    /// See [`SignDocumentError`].
    pub async fn preview_signature(
        &self,
        caller: &Caller,
        id: Id<Document>,
        desk: Arc<SigningDesk>,
        key: &HeldKey,
        order: SigningOrder,
        helper: PathBuf,
    ) -> Result<Preview, SignDocumentError> {
        let (document, source) = self.open_document(caller, id).await?;
        may_sign(caller, &document, key)?;
        let identity = key.signer.identity();
        let folder = tempfile::tempdir().map_err(ServiceError::Io)?;
        let drawn = tokio::task::spawn_blocking(move || {
            let SigningOrder { wishes, password, repair, .. } = order;
            let input = opened(source, password, repair, &desk.limits, folder.path())?;
            desk.preview(Arc::clone(&input.source), identity, &wishes, &helper)
        });
        Ok(drawn.await.map_err(|_| SignDocumentError::Interrupted)??)
    }
}

/// A stored document with its password, rebuilt in `folder` if that is wanted and needed.
pub(super) fn opened(
    source: FileSource,
    password: Option<Arc<Password>>,
    repair: bool,
    limits: &Limits,
    folder: &Path,
) -> Result<Repaired, SignError> {
    let source: Arc<dyn Source> = Arc::new(ProtectedSource::new(source, password));
    if repair {
        return repaired(source, limits, folder);
    }
    Ok(Repaired::unchanged(source))
}

fn may_sign(caller: &Caller, document: &Document, key: &HeldKey) -> Result<(), SignDocumentError> {
    if key.agency != *caller.agency() || document.agency != *caller.agency() {
        return Err(SignDocumentError::NotYourKey);
    }
    let scope = scope_of(key.role);
    if !caller.may(scope) {
        return Err(ServiceError::Forbidden { scope }.into());
    }
    match (key.role, document.state) {
        (Role::Approve, DocumentState::Drafted) => Ok(()),
        (Role::Issue, DocumentState::Approved) if document.number.is_none() => {
            Err(ServiceError::Unnumbered.into())
        }
        (Role::Issue, DocumentState::Approved) => Ok(()),
        (role, _) => Err(ServiceError::SignatureOrder { role }.into()),
    }
}

/// What a caller needs for a signature of this role.
pub(super) const fn scope_of(role: Role) -> Scope {
    match role {
        Role::Approve => Scope::Approve,
        Role::Issue => Scope::Seal,
    }
}

/// Why a document was not signed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignDocumentError {
    /// The work stopped half-way; nothing was recorded.
    #[error("signing was interrupted; nothing was recorded")]
    Interrupted,
    /// The signatures could not be raised.
    #[error("the document was not extended")]
    Extend(#[source] ExtendError),
    /// Key or document belong to another agency.
    #[error("this key does not sign for your agency")]
    NotYourKey,
    /// Store, order, permissions.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// Token, certificate, file, time-stamp.
    #[error(transparent)]
    Sign(#[from] SignError),
}
