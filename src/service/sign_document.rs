//! The task of signing a document of an agency with a key that the server holds.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Service, ServiceError, SignedFile,
    extend::ExtendError,
    issue::Recording,
    repair::{Repaired, repaired},
    sign::{Preview, SignError, Signer, SigningDesk},
    signer_check::{self, Cleared},
    upkeep::Lasting,
};
use crate::{
    appearance::{Picture, Placement},
    base::{Id, Limits, Password, ProtectedSource, Source},
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
        let (document, source) = self.open_document(caller, id).await?;
        may_sign(caller, &document, key)?;

        let folder = tempfile::tempdir().map_err(ServiceError::Io)?;
        let at = folder.path().to_owned();
        let (signer, this) = (Arc::clone(&key.signer), Arc::clone(&desk));
        let (input, released) = tokio::task::spawn_blocking(move || {
            let SigningOrder { wishes, password, repair, cleared } = order;
            match cleared {
                Some(cleared) => cleared.demand_for(&signer.certificate, wishes.any_usage)?,
                None => drop(signer_check::demand(&this, &signer.identity(), wishes.any_usage)?),
            }
            let input = opened(source, password, repair, &this.limits, &at)?;
            let released = this.sign_file(&input.source, &at.join("signed.pdf"), &signer, &wishes)?;
            Ok::<_, SignError>((input, released))
        })
        .await
        .map_err(|_| SignDocumentError::Interrupted)??;

        let signed = SignedFile {
            staged: released.path(),
            report: released.report(),
            certificate_sha256: key.signer.certificate.sha256(),
        };
        let lasting = Lasting::of(&released, &desk);
        let recording =
            Recording { lasting: Some(&lasting), rebuilt: input.rebuilt(), ..Recording::default() };
        let document = self.record(caller, id, key.role, signed, recording).await?;
        let signature = released.signature().cloned().ok_or(SignDocumentError::Interrupted)?;
        let placement = released.placement().cloned();
        Ok(SignedDocument { document, signature, placement, repair: input.findings })
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
