//! Proofs, checkpoints, tiles.

use super::{Service, ServiceError, Setup};
use crate::{
    base::Id,
    dispatch::Event,
    ledger::{Checkpoint, Proof, TilePath, VerifierKey},
    people::Caller,
};

impl Service {
    /// Opens the database (bringing its tables up to date) and the files, and signs what a crash left unsigned.
    pub async fn open(setup: Setup) -> Result<Self, ServiceError> {
        let _ = setup;
        todo!()
    }
    /// The ledger's public key.
    pub fn ledger_key(&self) -> &VerifierKey {
        self.inner.ledger_key.verifier()
    }
    /// The proof of an event of the caller's agency, on either side. Its text is [`Proof::to_text`]. Scope `read`.
    pub async fn prove(&self, caller: &Caller, event: Id<Event>) -> Result<Proof, ServiceError> {
        let _ = (caller, event);
        todo!()
    }
    /// The latest signed checkpoint. Public.
    pub async fn checkpoint(&self) -> Result<Checkpoint, ServiceError> {
        todo!()
    }
    /// The bytes of a tile of the published tree; None when the tree has no such tile yet. Public.
    pub async fn tile(&self, path: TilePath) -> Result<Option<Vec<u8>>, ServiceError> {
        let _ = path;
        todo!()
    }
    /// Whether database and files answer.
    pub async fn ready(&self) -> Result<(), ServiceError> {
        todo!()
    }
}
