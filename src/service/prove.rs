//! Proofs, checkpoints, tiles.

use super::{Service, ServiceError, require};
use crate::{
    base::Id,
    dispatch::Event,
    ledger::{self, Checkpoint, NodeReader, Proof, TILE_HASHES, TilePath, VerifierKey},
    people::{Caller, Scope},
};

impl Service {
    /// The ledger's public key.
    pub fn ledger_key(&self) -> &VerifierKey {
        &self.inner.verifier_key
    }

    /// The proof of an event of the caller's agency, on either side. Its text is [`Proof::to_text`]. Scope `read`.
    ///
    /// # Errors
    ///
    /// When the scope is missing or there is no such event for this caller.
    pub async fn prove(&self, caller: &Caller, event: Id<Event>) -> Result<Proof, ServiceError> {
        require(caller, Scope::Read)?;
        let found = self.inner.store.read().await?.event(event).await?;
        let own = |event: &Event| [&event.from, &event.to].contains(&caller.agency());
        let found = found.filter(own).ok_or_else(|| ServiceError::not_found("event", event))?;
        self.proof_of(&found).await
    }

    /// The proof of any event. The operator's own door.
    ///
    /// # Errors
    ///
    /// When there is no such event.
    pub async fn prove_any(&self, event: Id<Event>) -> Result<Proof, ServiceError> {
        let found = self.inner.store.read().await?.event(event).await?;
        self.proof_of(&found.ok_or_else(|| ServiceError::not_found("event", event))?).await
    }

    /// The latest signed checkpoint, of every entry there is. Public.
    ///
    /// # Errors
    ///
    /// When the ledger does not fit its last checkpoint, or the database fails.
    pub async fn checkpoint(&self) -> Result<Checkpoint, ServiceError> {
        self.publish(None).await
    }

    /// The bytes of a tile of the published tree; None when that has no such tile yet. Public.
    ///
    /// # Errors
    ///
    /// When a hash or an entry is missing, or the database fails.
    pub async fn tile(&self, path: TilePath) -> Result<Option<Vec<u8>>, ServiceError> {
        let mut tx = self.inner.store.read().await?;
        let size = self.latest(&mut tx).await?.map_or(0, |latest| latest.size());
        if !path.is_in(size) {
            return Ok(None);
        }
        let start = path.index * TILE_HASHES;
        let end = start + u64::from(path.width);
        let (found, bytes) = match path.level {
            Some(level) => {
                let hashes = tx.node_range(level * 8, start, end).await?;
                (hashes.len(), Some(hashes.iter().flat_map(|(_, hash)| hash.0).collect()))
            }
            None => {
                let leaves = tx.leaves(start, end).await?;
                (leaves.len(), ledger::entry_bundle(leaves.iter().map(|leaf| leaf.entry.as_slice())))
            }
        };
        if found != usize::from(path.width) {
            return Err(ledger::TreeError::Missing.into());
        }
        Ok(bytes)
    }

    async fn proof_of(&self, event: &Event) -> Result<Proof, ServiceError> {
        self.publish(Some(event.leaf + 1)).await?;
        let mut tx = self.inner.store.read().await?;
        let checkpoint = self.latest(&mut tx).await?.ok_or(ServiceError::NotPublished { missing: 1 })?;
        let mut nodes = NodeReader::new();
        tx.fetch_nodes(ledger::inclusion_nodes(checkpoint.size(), event.leaf), &mut nodes).await?;
        let entry = tx.entry(event.leaf).await?.ok_or(ledger::TreeError::Missing)?;
        Ok(Proof {
            entry,
            index: event.leaf,
            path: ledger::inclusion(checkpoint.size(), event.leaf, &nodes)?,
            checkpoint: checkpoint.note().to_owned(),
        })
    }
}
