//! Rows of the ledger: leaves, nodes of the tree, checkpoints.

use super::db::{StoreError, Tx, args};
use crate::{
    base::{Id, Sha256, UtcTime},
    dispatch::Event,
    ledger::{Checkpoint, Node, NodeReader},
};

/// A leaf as stored.
pub(crate) struct LeafRow {
    pub(crate) leaf: u64,
    pub(crate) event: String,
    pub(crate) entry: Vec<u8>,
}

/// A checkpoint as stored: nothing about it is checked yet.
pub(crate) struct CheckpointRow {
    pub(crate) size: u64,
    pub(crate) root: Sha256,
    pub(crate) note: String,
}

impl Tx {
    /// Whose ledger this is, if that was ever said.
    pub(crate) async fn verifier_key(&mut self) -> Result<Option<String>, StoreError> {
        let sql = "SELECT verifier_key FROM ledger_identity WHERE id = 1";
        let row = self.one("reading the ledger's key", sql, args![]).await?;
        row.map(|row| row.text("verifier_key")).transpose()
    }

    pub(crate) async fn set_verifier_key(&mut self, key: &str) -> Result<(), StoreError> {
        let sql = "INSERT INTO ledger_identity (id, verifier_key) VALUES (1, $1)";
        self.run("naming the ledger", sql, args![key]).await?;
        Ok(())
    }

    /// Leaves in the ledger, which is also the place of the next one.
    pub(crate) async fn ledger_size(&mut self) -> Result<u64, StoreError> {
        let sql = "SELECT COALESCE(MAX(leaf) + 1, 0) AS size FROM ledger_leaf";
        match self.one("measuring the ledger", sql, args![]).await? {
            Some(row) => row.number("size"),
            None => Ok(0),
        }
    }

    pub(crate) async fn insert_leaf(
        &mut self,
        leaf: u64,
        event: Id<Event>,
        entry: Vec<u8>,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO ledger_leaf (leaf, event, entry) VALUES ($1, $2, $3)";
        self.run("adding a leaf", sql, args![big(leaf), event, entry]).await?;
        Ok(())
    }

    /// The bytes of a leaf.
    pub(crate) async fn entry(&mut self, leaf: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT leaf, entry FROM ledger_leaf WHERE leaf = $1";
        let row = self.one("reading a leaf", sql, args![big(leaf)]).await?;
        row.map(|row| row.bytes("entry")).transpose()
    }

    /// The leaves from `start` up to but without `end`, in order.
    pub(crate) async fn leaves(&mut self, start: u64, end: u64) -> Result<Vec<LeafRow>, StoreError> {
        let sql = "SELECT leaf, event, entry FROM ledger_leaf WHERE leaf >= $1 AND leaf < $2 ORDER BY leaf";
        let rows = self.all("reading leaves", sql, args![big(start), big(end)]).await?;
        rows.iter()
            .map(|row| {
                Ok(LeafRow {
                    leaf: row.number("leaf")?,
                    event: row.text("event")?,
                    entry: row.bytes("entry")?,
                })
            })
            .collect()
    }

    pub(crate) async fn insert_node(&mut self, node: Node, hash: Sha256) -> Result<(), StoreError> {
        let sql = "INSERT INTO ledger_node (level, node, hash) VALUES ($1, $2, $3)";
        self.run("adding a hash", sql, args![i64::from(node.level), big(node.index), hash]).await?;
        Ok(())
    }

    /// Those of the nodes wanted that are there, added to what is known already.
    pub(crate) async fn fetch_nodes(
        &mut self,
        wanted: Vec<Node>,
        known: &mut NodeReader,
    ) -> Result<(), StoreError> {
        let sql = "SELECT hash FROM ledger_node WHERE level = $1 AND node = $2";
        for node in wanted {
            if known.contains_key(&node) {
                continue;
            }
            let args = args![i64::from(node.level), big(node.index)];
            if let Some(row) = self.one("reading a hash", sql, args).await? {
                known.insert(node, row.sha256("hash")?);
            }
        }
        Ok(())
    }

    /// The hashes of a level from `start` up to but without `end`, in order.
    pub(crate) async fn node_range(
        &mut self,
        level: u8,
        start: u64,
        end: u64,
    ) -> Result<Vec<(Node, Sha256)>, StoreError> {
        let sql =
            "SELECT node, hash FROM ledger_node WHERE level = $1 AND node >= $2 AND node < $3 ORDER BY node";
        let args = args![i64::from(level), big(start), big(end)];
        let rows = self.all("reading hashes", sql, args).await?;
        rows.iter().map(|row| Ok((Node { level, index: row.number("node")? }, row.sha256("hash")?))).collect()
    }

    pub(crate) async fn insert_checkpoint(
        &mut self,
        checkpoint: &Checkpoint,
        now: UtcTime,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO ledger_checkpoint (size, root, note, signed_at) VALUES ($1, $2, $3, $4)";
        let args = args![big(checkpoint.size()), checkpoint.root(), checkpoint.note(), now];
        self.run("keeping a checkpoint", sql, args).await?;
        Ok(())
    }

    /// The checkpoint of the largest tree.
    pub(crate) async fn latest_checkpoint(&mut self) -> Result<Option<CheckpointRow>, StoreError> {
        let sql = "SELECT size, root, note FROM ledger_checkpoint ORDER BY size DESC LIMIT 1";
        let rows = self.checkpoint_rows(sql, args![]).await?;
        Ok(rows.into_iter().next())
    }

    /// At most 1,000 checkpoints of trees larger than `after`, smallest first.
    pub(crate) async fn checkpoints_after(&mut self, after: i64) -> Result<Vec<CheckpointRow>, StoreError> {
        let sql = "SELECT size, root, note FROM ledger_checkpoint WHERE size > $1 ORDER BY size LIMIT 1000";
        self.checkpoint_rows(sql, args![after]).await
    }

    async fn checkpoint_rows(
        &mut self,
        sql: &'static str,
        args: Vec<super::db::Arg>,
    ) -> Result<Vec<CheckpointRow>, StoreError> {
        let rows = self.all("reading checkpoints", sql, args).await?;
        rows.iter()
            .map(|row| {
                Ok(CheckpointRow {
                    size: row.number("size")?,
                    root: row.sha256("root")?,
                    note: row.text("note")?,
                })
            })
            .collect()
    }
}

/// Both databases count in signed 64 bits; a ledger has fewer leaves than that.
fn big(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
