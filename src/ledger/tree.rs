//! The Merkle tree of RFC 6962, section 2.1, over nodes kept elsewhere.
//!
//! Only nodes of full subtrees are kept: [`Node`] `(level, index)` is the hash of leaves
//! `[index * 2^level, (index + 1) * 2^level)`. Roots and proofs are made from at most `2 * log2(size)` of them.

use std::collections::HashMap;

use tlog_tiles::{Hash, HashReader};

use crate::base::Sha256;

/// The place of the hash of a full subtree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Node {
    /// 0 for leaves, at most 63.
    pub level: u8,
    /// From the left, 0 first.
    pub index: u64,
}

/// Nodes fetched for one computation.
pub type NodeReader = HashMap<Node, Sha256>;

/// The hash of a leaf: SHA-256 of 0x00 and the entry (RFC 6962, section 2.1).
pub fn leaf_hash(entry: &[u8]) -> Sha256 {
    Sha256(tlog_tiles::record_hash(entry).0)
}

/// Which nodes [`root`] of a tree of `size` leaves reads.
pub fn root_nodes(size: u64) -> Vec<Node> {
    wanted(|reader| tlog_tiles::tree_hash(size, reader).map(drop))
}

/// The root of the tree of `size` leaves; of none, the hash of nothing.
///
/// # Errors
///
/// When a node is missing.
pub fn root(size: u64, nodes: &NodeReader) -> Result<Sha256, TreeError> {
    let hash = tlog_tiles::tree_hash(size, &Kept(nodes)).map_err(|_| TreeError::Missing)?;
    Ok(Sha256(hash.0))
}

/// Which nodes [`append`] of leaf number `index` reads.
pub fn append_nodes(index: u64) -> Vec<Node> {
    wanted(|reader| tlog_tiles::stored_hashes_for_record_hash(index, Hash::default(), reader).map(drop))
}

/// The nodes that come into being with leaf number `index`: its own, then those of each subtree it completes.
///
/// # Errors
///
/// When a node is missing.
pub fn append(index: u64, leaf: Sha256, nodes: &NodeReader) -> Result<Vec<(Node, Sha256)>, TreeError> {
    let hashes = tlog_tiles::stored_hashes_for_record_hash(index, Hash(leaf.0), &Kept(nodes))
        .map_err(|_| TreeError::Missing)?;
    let levels = 0_u8..64;
    Ok(hashes
        .into_iter()
        .zip(levels)
        .map(|(hash, level)| (Node { level, index: index >> level }, Sha256(hash.0)))
        .collect())
}

/// Which nodes [`inclusion`] reads. Empty when there is no such leaf.
pub fn inclusion_nodes(size: u64, index: u64) -> Vec<Node> {
    wanted(|reader| tlog_tiles::prove_record(size, index, reader).map(drop))
}

/// The audit path of leaf `index` in the tree of `size` leaves (RFC 6962, section 2.1.1), lowest first.
///
/// # Errors
///
/// When there is no such leaf, or a node is missing.
pub fn inclusion(size: u64, index: u64, nodes: &NodeReader) -> Result<Vec<Sha256>, TreeError> {
    if index >= size {
        return Err(TreeError::NoSuchLeaf { index, size });
    }
    let path = tlog_tiles::prove_record(size, index, &Kept(nodes)).map_err(|_| TreeError::Missing)?;
    Ok(path.into_iter().map(|hash| Sha256(hash.0)).collect())
}

/// Whether `path` leads from `leaf` at `index` to `root` of the tree of `size` leaves.
pub fn includes(root: Sha256, size: u64, index: u64, leaf: Sha256, path: &[Sha256]) -> bool {
    if path.len() > 64 {
        return false;
    }
    let path = path.iter().map(|hash| Hash(hash.0)).collect();
    tlog_tiles::check_record(&path, size, Hash(root.0), index, Hash(leaf.0)).is_ok()
}

/// Why nothing could be computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TreeError {
    /// A node that must be kept is not there.
    #[error("a hash of the tree is missing")]
    Missing,
    /// The leaf is not in the tree.
    #[error("there is no leaf {index} in a tree of {size}")]
    NoSuchLeaf {
        /// The leaf asked for.
        index: u64,
        /// Leaves in the tree.
        size: u64,
    },
}

struct Kept<'a>(&'a NodeReader);

impl HashReader for Kept<'_> {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, tlog_tiles::Error> {
        let hashes = indexes.iter().map(|index| self.0.get(&node(*index)).map(|hash| Hash(hash.0)));
        hashes.collect::<Option<_>>().ok_or(tlog_tiles::Error::IndexesNotInTree)
    }
}

/// Runs a computation with zeros in place of hashes, and tells which it asked for.
fn wanted(run: impl FnOnce(&Wanted) -> Result<(), tlog_tiles::Error>) -> Vec<Node> {
    let reader = Wanted::default();
    // Zeros are as good as hashes here, and what cannot be computed wants nothing.
    let _ = run(&reader);
    reader.0.into_inner()
}

#[derive(Default)]
struct Wanted(std::cell::RefCell<Vec<Node>>);

impl HashReader for Wanted {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, tlog_tiles::Error> {
        self.0.borrow_mut().extend(indexes.iter().map(|index| node(*index)));
        Ok(vec![Hash::default(); indexes.len()])
    }
}

fn node(stored: u64) -> Node {
    let (level, index) = tlog_tiles::split_stored_hash_index(stored);
    Node { level, index }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// RFC 6962, section 2.1, word for word.
    fn reference(leaves: &[Vec<u8>]) -> Sha256 {
        match leaves {
            [] => Sha256::of(b""),
            [leaf] => Sha256::of(&[&[0_u8][..], leaf].concat()),
            _ => {
                let split = leaves.len().next_power_of_two() / 2;
                let (left, right) = leaves.split_at(split);
                Sha256::of(&[&[1_u8][..], &reference(left).0, &reference(right).0].concat())
            }
        }
    }

    fn grown(leaves: &[Vec<u8>]) -> NodeReader {
        let mut nodes = NodeReader::new();
        for (index, leaf) in (0..).zip(leaves) {
            let fetched = append_nodes(index).into_iter().map(|node| (node, nodes[&node])).collect();
            nodes.extend(append(index, leaf_hash(leaf), &fetched).unwrap());
        }
        nodes
    }

    fn leaves(count: usize) -> Vec<Vec<u8>> {
        (0..count).map(|number| number.to_string().into_bytes()).collect()
    }

    #[test]
    fn roots_and_proofs_are_those_of_the_rfc() {
        let all = leaves(70);
        let nodes = grown(&all);
        for size in 0..=all.len() {
            let fetched = root_nodes(size as u64).into_iter().map(|node| (node, nodes[&node])).collect();
            let found = root(size as u64, &fetched).unwrap();
            assert_eq!(found, reference(&all[..size]), "{size}");
            for index in 0..size {
                let (size, index) = (size as u64, index as u64);
                let fetched: NodeReader =
                    inclusion_nodes(size, index).into_iter().map(|node| (node, nodes[&node])).collect();
                let path = inclusion(size, index, &fetched).unwrap();
                let leaf = leaf_hash(&all[index as usize]);
                assert!(includes(found, size, index, leaf, &path));
                assert!(!includes(found, size, (index + 1) % size, leaf, &path) || size == 1);
                assert!(!includes(found, size, index, leaf_hash(b"other"), &path));
                let longer = [&path[..], &[leaf]].concat();
                assert!(!includes(found, size, index, leaf, &longer));
                if !path.is_empty() {
                    assert!(!includes(found, size, index, leaf, &path[1..]));
                }
            }
        }
    }

    #[test]
    fn a_proof_reads_few_nodes() {
        for (size, index) in [(1 << 40, 12_345), ((1 << 40) - 1, 0), (67_861, 67_860)] {
            let most = 2 * (64 - u64::leading_zeros(size)) as usize;
            assert!(inclusion_nodes(size, index).len() <= most);
            assert!(append_nodes(index).len() <= most && root_nodes(size).len() <= most);
        }
    }

    #[test]
    fn what_is_not_there_is_told() {
        let nodes = grown(&leaves(3));
        assert_eq!(inclusion(3, 3, &nodes), Err(TreeError::NoSuchLeaf { index: 3, size: 3 }));
        assert_eq!(root(4, &nodes), Err(TreeError::Missing));
        assert_eq!(inclusion(4, 0, &nodes), Err(TreeError::Missing));
        assert!(inclusion_nodes(3, 3).is_empty());
    }

    proptest! {
        #[test]
        fn any_path_is_judged_without_panic(
            size: u64, index: u64, path in proptest::collection::vec(any::<[u8; 32]>(), 0..70),
        ) {
            let path: Vec<Sha256> = path.into_iter().map(Sha256).collect();
            prop_assert!(!includes(Sha256([1; 32]), size, index, Sha256([2; 32]), &path));
        }
    }
}
