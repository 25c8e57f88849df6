//! Merkle tree, tiles, proofs, checkpoints: pure arithmetic (RFC 6962, C2SP tlog-tiles, tlog-checkpoint, tlog-proof).
//!
//! What a ledger proves: that an event was logged, at which place, and not altered since a checkpoint was signed.
//! What it does not: that somebody read the document, that the clock was right, or that a sender logged everything.

mod key;
mod proof;
mod tile;
mod tree;

pub use key::{Checkpoint, CheckpointError, KeyError, LedgerKey, VerifierKey};
pub use proof::{Proof, ProofError, Proven};
pub use tile::{TILE_HASHES, TilePath, TilePathError, entry_bundle};
pub use tree::{
    Node, NodeReader, TreeError, append, append_nodes, includes, inclusion, inclusion_nodes, leaf_hash, root,
    root_nodes,
};
