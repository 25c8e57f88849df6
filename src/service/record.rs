//! How an event becomes part of the record, and how the record is published.
//!
//! The order, and what a crash leaves behind at each point:
//!
//! | step | a crash after it leaves | the next start or request |
//! |---|---|---|
//! | 1. bytes written, flushed, renamed, folder flushed | a file that no row names | the same upload finds the file and uses it |
//! | 2. rows, event, leaf, hashes, kept answer written in one transaction | nothing: the transaction is undone | the same request does it all |
//! | 3. commit | an event in the tree that no checkpoint covers yet | opening the service signs it; the same request finds the kept answer |
//! | 4. checkpoint signed (the same bytes each time) and written | nothing: undone | as after 3 |
//! | 5. commit of the checkpoint | a published event of which nobody was told | the same request finds the kept answer |
//! | 6. answer | | |
//!
//! A commit that fails may yet have been carried out (*failed but saved*): the kept answer and the event's own
//! identifier tell the retry so. One that did not leaves nothing (*failed and not saved*).

use std::fmt;

use super::{Service, ServiceError};
use crate::{
    base::{Id, Sha256, UtcTime},
    dispatch::{BusinessType, Code, Delivery, Event, Outcome, Side, TransitionError, step},
    ledger::{self, Checkpoint, NodeReader},
    people::Member,
    store::Tx,
};

/// An event that is about to happen to a delivery.
pub(super) struct Happening<'a> {
    pub(super) id: Id<Event>,
    pub(super) code: Code,
    pub(super) by: Side,
    pub(super) actor: Id<Member>,
    pub(super) at: UtcTime,
    pub(super) reason: Option<&'a str>,
    pub(super) report: Option<Sha256>,
}

/// Adds leaves to the tree within one transaction.
pub(super) struct Appender {
    next: u64,
    nodes: NodeReader,
}

impl Appender {
    /// At the end of the tree, which is not shorter than what was signed.
    pub(super) async fn begin(tx: &mut Tx) -> Result<Self, ServiceError> {
        let next = tx.ledger_size().await?;
        match tx.latest_checkpoint().await? {
            Some(latest) if latest.size > next => Err(ServiceError::LedgerBroken { size: latest.size }),
            _ => Ok(Self { next, nodes: NodeReader::new() }),
        }
    }

    /// Leaves in the tree with those added so far.
    pub(super) fn size(&self) -> u64 {
        self.next
    }

    async fn append(&mut self, tx: &mut Tx, event: Id<Event>, entry: Vec<u8>) -> Result<(), ServiceError> {
        let hash = ledger::leaf_hash(&entry);
        tx.insert_leaf(self.next, event, entry).await?;
        tx.fetch_nodes(ledger::append_nodes(self.next), &mut self.nodes).await?;
        for (node, hash) in ledger::append(self.next, hash, &self.nodes)? {
            tx.insert_node(node, hash).await?;
            self.nodes.insert(node, hash);
        }
        self.next += 1;
        Ok(())
    }
}

impl Service {
    /// Moves `delivery` by the table and writes event and leaf. The row of the delivery itself is the caller's to write.
    pub(super) async fn happen(
        &self,
        tx: &mut Tx,
        appender: &mut Appender,
        delivery: &mut Delivery,
        business: BusinessType,
        happening: Happening<'_>,
    ) -> Result<(), ServiceError> {
        let moved = moved(delivery, business, &happening)?;
        let salt = happening.reason.map(|_| hex::encode(self.inner.chance.bytes::<32>()));
        let event = Event {
            id: happening.id,
            dispatch: delivery.dispatch,
            delivery: delivery.id,
            code: happening.code,
            from: delivery.from.clone(),
            to: delivery.to.clone(),
            document_sha256: delivery.sha256,
            actor: happening.actor,
            at: happening.at,
            reason: happening.reason.map(str::to_owned),
            reason_salt: salt,
            report_sha256: happening.report.map(Sha256::to_hex),
            state: moved.state,
            leaf: appender.size(),
        };
        let position = i64::try_from(delivery.events.len()).unwrap_or(i64::MAX);
        tx.insert_event(&event, position).await?;
        self.fault(event.code, "event");
        appender.append(tx, event.id, event.canonical()).await?;
        self.fault(event.code, "leaf");
        delivery.state = moved.state;
        delivery.before_recall = moved.before_recall;
        delivery.arrival_implied = moved.arrival_implied;
        delivery.events.push(event);
        Ok(())
    }

    /// Signs and stores a checkpoint that covers the first `size` leaves, or all there are, unless one does already.
    ///
    /// Before it signs a larger tree, it makes sure that the nodes still give the root of the last checkpoint: what
    /// was changed behind our back is never signed.
    pub(super) async fn publish(&self, size: Option<u64>) -> Result<Checkpoint, ServiceError> {
        let mut tx = self.inner.store.read().await?;
        let stored = tx.ledger_size().await?;
        let wanted = size.unwrap_or(stored);
        if let Some(latest) = self.latest(&mut tx).await?.filter(|latest| latest.size() >= wanted) {
            return if latest.size() <= stored {
                Ok(latest)
            } else {
                Err(ServiceError::LedgerBroken { size: latest.size() })
            };
        }
        drop(tx);
        let key = self.inner.ledger_key.as_ref().ok_or(ServiceError::NotPublished { missing: wanted })?;
        let mut tx = self.inner.store.write().await?;
        let latest = self.latest(&mut tx).await?;
        let size = tx.ledger_size().await?;
        let mut nodes = NodeReader::new();
        if let Some(latest) = latest {
            if latest.size() >= wanted && latest.size() <= size {
                return Ok(latest);
            }
            tx.fetch_nodes(ledger::root_nodes(latest.size()), &mut nodes).await?;
            if size < latest.size() || ledger::root(latest.size(), &nodes).ok() != Some(latest.root()) {
                return Err(ServiceError::LedgerBroken { size: latest.size() });
            }
        }
        tx.fetch_nodes(ledger::root_nodes(size), &mut nodes).await?;
        let checkpoint = key.sign(size, ledger::root(size, &nodes)?)?;
        tx.insert_checkpoint(&checkpoint, self.now()).await?;
        self.inner.store.fault("checkpoint.row");
        tx.commit().await?;
        self.inner.store.fault("checkpoint.commit");
        Ok(checkpoint)
    }

    /// The checkpoint of the largest tree, its signature checked.
    pub(super) async fn latest(&self, tx: &mut Tx) -> Result<Option<Checkpoint>, ServiceError> {
        let Some(row) = tx.latest_checkpoint().await? else { return Ok(None) };
        let checkpoint = self.inner.verifier_key.open(row.note.as_bytes()).ok();
        let checkpoint = checkpoint.filter(|signed| (signed.size(), signed.root()) == (row.size, row.root));
        checkpoint.map(Some).ok_or(ServiceError::LedgerBroken { size: row.size })
    }

    /// Dies here, if the crash test says so.
    pub(super) fn fault(&self, task: impl fmt::Display, point: &str) {
        self.inner.store.fault(&format!("{task}.{point}"));
    }
}

/// Where the happening would take the delivery.
fn moved(
    delivery: &Delivery,
    business: BusinessType,
    happening: &Happening<'_>,
) -> Result<Outcome, TransitionError> {
    let present = Outcome {
        state: delivery.state,
        before_recall: delivery.before_recall,
        arrival_implied: delivery.arrival_implied,
    };
    step(present, business, happening.code, happening.by, happening.reason)
}
