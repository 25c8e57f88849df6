//! The task of signing a document of an agency with a key that the server holds.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use super::{
    Service, ServiceError, SignedFile,
    extend::ExtendError,
    sign::{Preview, SignError, Signer, SigningDesk},
    signer_check,
    upkeep::Lasting,
};
use crate::{
    appearance::{Picture, Placement},
    base::Id,
    dispatch::{Document, DocumentState, Role},
    people::{AgencyCode, Caller, Scope},
    signing::Wishes,
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

/// A document and the signature just put on it.
#[derive(Clone, Debug)]
pub struct SignedDocument {
    /// The document as it stands now.
    pub document: Document,
    /// The verdict on the new signature.
    pub signature: SignatureReport,
    /// Where it can be seen, unless it is invisible.
    pub placement: Option<Placement>,
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
        wishes: Wishes,
    ) -> Result<SignedDocument, SignDocumentError> {
        let (document, source) = self.open_document(caller, id).await?;
        may_sign(caller, &document, key)?;

        let folder = tempfile::tempdir().map_err(ServiceError::Io)?;
        let staged = folder.path().join("signed.pdf");
        let (signer, this) = (Arc::clone(&key.signer), Arc::clone(&desk));
        let released = tokio::task::spawn_blocking(move || {
            signer_check::demand(&this, &signer)?;
            this.sign_file(&source, &staged, &signer, &wishes)
        })
        .await
        .map_err(|_| SignDocumentError::Interrupted)??;

        let signed = SignedFile {
            staged: released.path(),
            report: released.report(),
            certificate_sha256: key.signer.certificate.sha256(),
        };
        let lasting = Lasting::of(&released, &desk);
        let document = self.record_lasting_signature(caller, id, key.role, signed, Some(&lasting)).await?;
        let signature = released.signature().cloned().ok_or(SignDocumentError::Interrupted)?;
        Ok(SignedDocument { document, signature, placement: released.placement().cloned() })
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
        wishes: Wishes,
        helper: PathBuf,
    ) -> Result<Preview, SignDocumentError> {
        let (document, source) = self.open_document(caller, id).await?;
        may_sign(caller, &document, key)?;
        let identity = key.signer.identity();
        let drawn =
            tokio::task::spawn_blocking(move || desk.preview(Arc::new(source), identity, &wishes, &helper));
        Ok(drawn.await.map_err(|_| SignDocumentError::Interrupted)??)
    }
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
