//! One text file that proves an entry with no server (C2SP tlog-proof).

use std::fmt::Write as _;

use base64::prelude::{BASE64_STANDARD, Engine as _};

use super::{Checkpoint, CheckpointError, VerifierKey, tree};
use crate::base::Sha256;

/// A proof that an entry stands in the tree of a checkpoint, with the entry itself as `extra`.
///
/// ```text
/// c2sp.org/tlog-proof@v1
/// extra <the entry, base64>
/// index <its place, from 0>
/// <hashes of the audit path, base64, lowest first>
///
/// <the signed checkpoint>
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The entry whose leaf hash is proven.
    pub entry: Vec<u8>,
    /// Its place, from 0.
    pub index: u64,
    /// The audit path, lowest first, at most 63 hashes.
    pub path: Vec<Sha256>,
    /// The signed note, as it was read: not yet checked.
    pub checkpoint: String,
}

impl Proof {
    /// The text of the proof.
    pub fn to_text(&self) -> String {
        let mut text =
            format!("{FORMAT}\nextra {}\nindex {}\n", BASE64_STANDARD.encode(&self.entry), self.index);
        for hash in &self.path {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{}", BASE64_STANDARD.encode(hash.0));
        }
        text.push('\n');
        text.push_str(&self.checkpoint);
        text
    }

    /// Reads a proof; nothing is checked but its form.
    ///
    /// # Errors
    ///
    /// When the text is not a proof of version 1 with its entry.
    pub fn parse(text: &str) -> Result<Self, ProofError> {
        if text.len() > MAX_TEXT {
            return Err(ProofError::TooLong);
        }
        let (head, checkpoint) = text.split_once("\n\n").ok_or(ProofError::Form { line: 1 })?;
        let mut lines = head.split('\n').zip(1..);
        let mut next = |what: &str| {
            let (line, number) = lines.next().ok_or(ProofError::Ended)?;
            line.strip_prefix(what).ok_or(ProofError::Form { line: number })
        };
        if !next(FORMAT)?.is_empty() {
            return Err(ProofError::Form { line: 1 });
        }
        let entry = BASE64_STANDARD.decode(next("extra ")?).map_err(|_| ProofError::Form { line: 2 })?;
        let digits = next("index ")?;
        let index: u64 = digits.parse().map_err(|_| ProofError::Form { line: 3 })?;
        if index.to_string() != digits {
            return Err(ProofError::Form { line: 3 });
        }
        let path: Vec<Sha256> = lines
            .take(MAX_PATH + 1)
            .map(|(line, number)| read_hash(line).ok_or(ProofError::Form { line: number }))
            .collect::<Result<_, _>>()?;
        if path.len() > MAX_PATH {
            return Err(ProofError::TooLong);
        }
        Ok(Self { entry, index, path, checkpoint: checkpoint.to_owned() })
    }

    /// Checks the proof against the ledger's public key: the checkpoint is signed by it, and its tree holds the entry.
    ///
    /// # Errors
    ///
    /// When the checkpoint is not good, or the path does not lead from the entry to its root.
    pub fn check(self, key: &VerifierKey) -> Result<Proven, ProofError> {
        let checkpoint = key.open(self.checkpoint.as_bytes()).map_err(ProofError::Checkpoint)?;
        let leaf = tree::leaf_hash(&self.entry);
        if !tree::includes(checkpoint.root(), checkpoint.size(), self.index, leaf, &self.path) {
            return Err(ProofError::NotIncluded);
        }
        Ok(Proven { entry: self.entry, index: self.index, checkpoint })
    }
}

/// A proof that was checked. Nothing but [`Proof::check`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    entry: Vec<u8>,
    index: u64,
    checkpoint: Checkpoint,
}

impl Proven {
    /// The entry that stands in the ledger.
    pub fn entry(&self) -> &[u8] {
        &self.entry
    }

    /// Its place, from 0.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The checkpoint under which it stands.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }
}

/// Why a proof proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// The checkpoint in it does not hold.
    #[error("the checkpoint in the proof does not hold")]
    Checkpoint(#[source] CheckpointError),
    /// It stops before it is complete.
    #[error("the proof ends too early")]
    Ended,
    /// A line is not what it should be.
    #[error("line {line} is not as c2sp.org/tlog-proof@v1 has it")]
    Form {
        /// The line, from 1.
        line: usize,
    },
    /// The path does not lead from the entry to the root.
    #[error("the entry is not in the tree of the checkpoint")]
    NotIncluded,
    /// More than any proof has.
    #[error("the proof is longer than any proof can be")]
    TooLong,
}

const FORMAT: &str = "c2sp.org/tlog-proof@v1";
/// A tree of 2^63 leaves.
const MAX_PATH: usize = 63;
/// An entry of 65,535 bytes in base64, a path, and a note with many witnesses.
const MAX_TEXT: usize = 192 * 1024;

fn read_hash(line: &str) -> Option<Sha256> {
    let bytes = (line.len() == 44).then(|| BASE64_STANDARD.decode(line).ok())??;
    bytes.try_into().ok().map(Sha256)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        base::Chance,
        ledger::{LedgerKey, NodeReader},
    };

    fn proof(key: &LedgerKey, count: u64, index: u64) -> Proof {
        let mut nodes = NodeReader::new();
        for leaf in 0..count {
            let added = tree::append(leaf, tree::leaf_hash(&[leaf as u8]), &nodes).unwrap();
            nodes.extend(added);
        }
        let checkpoint = key.sign(count, tree::root(count, &nodes).unwrap()).unwrap();
        Proof {
            entry: vec![index as u8],
            index,
            path: tree::inclusion(count, index, &nodes).unwrap(),
            checkpoint: checkpoint.note().to_owned(),
        }
    }

    fn key() -> LedgerKey {
        LedgerKey::generate("kyso.example/ledger", &Chance::system()).unwrap()
    }

    #[test]
    fn a_proof_comes_back_and_holds() {
        let key = key();
        for (count, index) in [(1, 0), (2, 1), (7, 6), (8, 3), (100, 64)] {
            let proof = proof(&key, count, index);
            let text = proof.to_text();
            assert!(text.starts_with("c2sp.org/tlog-proof@v1\nextra "));
            assert_eq!(Proof::parse(&text).as_ref(), Ok(&proof));
            let proven = proof.check(key.verifier()).unwrap();
            assert_eq!((proven.index(), proven.checkpoint().size()), (index, count));
        }
    }

    #[test]
    fn any_one_character_changed_breaks_it() {
        let key = key();
        let text = proof(&key, 7, 2).to_text();
        for (at, old) in text.char_indices().filter(|(_, c)| c.is_ascii()) {
            let new = if old == 'A' { 'B' } else { 'A' };
            let mut changed = text.clone();
            changed.replace_range(at..=at, &new.to_string());
            let held = Proof::parse(&changed).and_then(|proof| proof.check(key.verifier()));
            assert!(held.is_err(), "{at} {old:?}\n{changed}");
        }
        for cut in (0..text.len()).filter(|cut| text.is_char_boundary(*cut)) {
            assert!(
                Proof::parse(&text[..cut]).and_then(|proof| proof.check(key.verifier())).is_err(),
                "{cut}"
            );
        }
    }

    #[test]
    fn another_ledgers_key_is_not_enough() {
        let error = proof(&key(), 7, 2).check(key().verifier()).unwrap_err();
        assert_eq!(error, ProofError::Checkpoint(CheckpointError::Signature));
    }

    #[test]
    fn a_proof_has_no_more_than_63_hashes() {
        let key = key();
        let long = Proof { path: vec![Sha256([0; 32]); 64], ..proof(&key, 2, 0) };
        assert_eq!(Proof::parse(&long.to_text()), Err(ProofError::TooLong));
        assert_eq!(Proof::parse(&"x".repeat(1 << 20)), Err(ProofError::TooLong));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "(c2sp.org/tlog-proof@v1\nextra AA==\nindex 0\n)?[ -~\n]{0,300}") {
            if let Ok(proof) = Proof::parse(&text) {
                prop_assert_eq!(proof.to_text(), text);
                prop_assert!(proof.check(key().verifier()).is_err());
            }
        }
    }
}
