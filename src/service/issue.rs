//! From draft to issued: upload, number, signatures.

use std::path::Path;

use super::{Page, PageRequest, Service, ServiceError};
use crate::{
    base::{Id, Sha256},
    dispatch::{Document, Number, NumberRequest, Role, Secrecy},
    people::Caller,
    store::FileSource,
    validation::DocumentReport,
};

/// A draft to be brought in.
#[derive(Clone, Debug, Default)]
pub struct NewDocument {
    /// What the file is called; folders in it are dropped. 1 to 200 characters.
    pub file_name: String,
    /// Whether it may ever be sent.
    pub secrecy: Secrecy,
    /// The same key and the same request again give the same document.
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

impl Service {
    /// Brings in a draft: its bytes are stored and safe on disk before the row that names them. Scope `upload`.
    pub async fn upload(
        &self,
        caller: &Caller,
        new: NewDocument,
        staged: &Path,
    ) -> Result<Document, ServiceError> {
        let _ = (caller, new, staged);
        todo!()
    }
    /// A document of the caller's agency, or one that was sent to it. Scope `read`.
    pub async fn document(&self, caller: &Caller, id: Id<Document>) -> Result<Document, ServiceError> {
        let _ = (caller, id);
        todo!()
    }
    /// The documents of the caller's agency. Scope `read`.
    pub async fn documents(
        &self,
        caller: &Caller,
        page: &PageRequest,
    ) -> Result<Page<Document>, ServiceError> {
        let _ = (caller, page);
        todo!()
    }
    /// A document and its present bytes; a recipient sees the bytes that were sent. Scope `read`.
    pub async fn open_document(
        &self,
        caller: &Caller,
        id: Id<Document>,
    ) -> Result<(Document, FileSource), ServiceError> {
        let _ = (caller, id);
        todo!()
    }
    /// Allots number and symbol, without gaps. Asking again for the same gives the same number. Scope `number`.
    pub async fn number(
        &self,
        caller: &Caller,
        id: Id<Document>,
        request: &NumberRequest,
    ) -> Result<Number, ServiceError> {
        let _ = (caller, id, request);
        todo!()
    }
    /// Gives up the number of a document not yet signed by the agency; the number is not used again. Scope `number`.
    pub async fn void_number(
        &self,
        caller: &Caller,
        id: Id<Document>,
        reason: &str,
    ) -> Result<(), ServiceError> {
        let _ = (caller, id, reason);
        todo!()
    }
    /// Records a signature. Scope `approve` for the person's, `seal` for the agency's.
    pub async fn record_signature(
        &self,
        caller: &Caller,
        id: Id<Document>,
        role: Role,
        signed: SignedFile<'_>,
    ) -> Result<Document, ServiceError> {
        let _ = (caller, id, role, signed);
        todo!()
    }
}
