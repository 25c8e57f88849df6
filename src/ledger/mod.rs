//! Merkle tree, tiles, proofs, checkpoints: pure arithmetic (RFC 6962, C2SP tlog-tiles, tlog-checkpoint, tlog-proof).
