//! Reading everything again.
//!
//! Nothing stored is believed: files are hashed, references followed, leaves made again from their events, the tree
//! grown again from its leaves, checkpoints checked with the ledger's public key, deliveries moved again by the table.

use std::collections::HashMap;

use serde::Serialize;

use super::{Service, ServiceError, issue::verified, require};
use crate::{
    base::{Id, Sha256},
    dispatch::{Code, Delivery, Document, DocumentState, Extension, Outcome, Role, Secrecy, step},
    ledger::{self, Node, NodeReader},
    people::{Caller, Scope},
    store::{BlobError, CheckpointRow, LeafRow, Tx},
    validation::DocumentReport,
};

/// What an audit read, and what is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Audit {
    /// Files read and hashed.
    pub files: u64,
    /// Documents read.
    pub documents: u64,
    /// Dispatches read.
    pub dispatches: u64,
    /// Events read, each with its leaf.
    pub events: u64,
    /// Checkpoints checked.
    pub checkpoints: u64,
    /// Anomalies on record. They are kept on purpose and are no finding.
    pub anomalies: u64,
    /// Everything that is wrong; empty when all is well.
    pub findings: Vec<Finding>,
}

/// Something that is wrong, in one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Finding {
    /// A stable word for programs: `file.missing`, `leaf.differs`, …
    pub kind: &'static str,
    /// What and where.
    pub message: String,
}

impl Service {
    /// Re-reads everything stored, as of one moment, and says what is wrong, if anything. The operator's own door.
    ///
    /// # Errors
    ///
    /// When the database cannot be read at all. A file that cannot be read is a finding.
    pub async fn audit(&self) -> Result<Audit, ServiceError> {
        let mut tx = self.inner.store.read().await?;
        let mut findings = Findings(Vec::new());
        let [files, documents, dispatches, events, anomalies, nodes, checkpoints] = tx.counts().await?;
        for dangling in tx.dangling().await? {
            findings.add("reference.broken", dangling);
        }
        self.audit_files(&mut tx, &mut findings).await?;
        audit_reports(&mut tx, &mut findings).await?;
        audit_series(&mut tx, &mut findings).await?;
        self.audit_documents(&mut tx, &mut findings).await?;
        audit_deliveries(&mut tx, &mut findings).await?;
        self.audit_ledger(&mut tx, nodes, &mut findings).await?;
        Ok(Audit { files, documents, dispatches, events, checkpoints, anomalies, findings: findings.0 })
    }

    /// The audit, for a caller with scope `audit`.
    ///
    /// # Errors
    ///
    /// As [`Service::audit`], and when the scope is missing.
    pub async fn audit_for(&self, caller: &Caller) -> Result<Audit, ServiceError> {
        require(caller, Scope::Audit)?;
        self.audit().await
    }

    async fn audit_files(&self, tx: &mut Tx, findings: &mut Findings) -> Result<(), ServiceError> {
        let mut after = Vec::new();
        loop {
            let page = tx.blobs_after(after).await?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after = last.0.to_vec();
            for (name, size) in page {
                match self.inner.blobs.measure(name).await {
                    Ok((found, _)) if found != name => {
                        findings.add("file.differs", format!("file {name} has the SHA-256 {found}"));
                    }
                    Ok((_, found)) if found != size => {
                        findings
                            .add("file.size", format!("file {name} has {found} bytes, its row says {size}"));
                    }
                    Ok(_) => {}
                    Err(BlobError::Missing { .. }) => {
                        findings.add("file.missing", format!("file {name} is not there"));
                    }
                    Err(error) => findings.add("file.unreadable", format!("file {name}: {error}")),
                }
            }
        }
    }

    async fn audit_documents(&self, tx: &mut Tx, findings: &mut Findings) -> Result<(), ServiceError> {
        let mut after = String::new();
        loop {
            let page = tx.document_ids_after(&after).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.to_string();
            for id in page {
                // A document whose file row is gone cannot be loaded; the broken reference is told already.
                if let Some(document) = tx.document(id).await? {
                    self.audit_document(tx, &document, findings).await?;
                }
            }
        }
    }

    async fn audit_document(
        &self,
        tx: &mut Tx,
        document: &Document,
        findings: &mut Findings,
    ) -> Result<(), ServiceError> {
        let id = document.id;
        let roles: Vec<Role> = document.signatures.iter().map(|signature| signature.role).collect();
        let expected: &[Role] = match document.state {
            DocumentState::Drafted => &[],
            DocumentState::Approved => &[Role::Approve],
            DocumentState::Issued => &[Role::Approve, Role::Issue],
        };
        if roles != expected {
            findings
                .add("document.signatures", format!("document {id} is {:?} with {roles:?}", document.state));
        }
        if let Some(last) = document.signatures.last()
            && continued(last.sha256, &document.extensions).last() != Some(&document.sha256)
        {
            findings.add(
                "document.bytes",
                format!(
                    "document {id} does not have the bytes of its last signature, or of what extends them"
                ),
            );
        }
        for (place, extension) in document.extensions.iter().enumerate() {
            let name = || format!("document {id}, extended file {}", place + 1);
            if let Some(wrong) = wrong_report(tx, extension.report_sha256, extension.sha256, 1).await? {
                findings.add("extension.report", format!("{}: {wrong}", name()));
            }
            if !self.begins(extension.sha256, extension.from_sha256).await {
                findings.add("extension.bytes", format!("{} does not continue the earlier file", name()));
            }
        }
        if let Some(number) = &document.number {
            let text = crate::dispatch::Number::format(number.number, &number.symbol);
            if text != number.text || number.year != number.date.year() {
                findings
                    .add("number.differs", format!("document {id} is numbered {}, not {text}", number.text));
            }
        } else if document.state == DocumentState::Issued {
            findings.add("number.missing", format!("document {id} is issued without a number"));
        }
        for (place, signature) in document.signatures.iter().enumerate() {
            if let Some(wrong) =
                wrong_report(tx, signature.report_sha256, signature.sha256, place + 1).await?
            {
                findings.add("signature.report", format!("document {id}, signature {}: {wrong}", place + 1));
            }
        }
        for pair in document.signatures.windows(2) {
            if let [earlier, later] = pair
                && !self.begins(later.sha256, earlier.sha256).await
            {
                findings.add(
                    "signature.bytes",
                    format!("document {id}: the later file does not continue the earlier"),
                );
            }
        }
        Ok(())
    }

    /// Whether one stored file begins with another; unreadable files are told of elsewhere.
    async fn begins(&self, later: Sha256, earlier: Sha256) -> bool {
        let (Ok(later), Ok(earlier)) = (self.inner.blobs.get(later), self.inner.blobs.get(earlier)) else {
            return true;
        };
        let compared = tokio::task::spawn_blocking(move || super::issue::begins_with(&later, &earlier)).await;
        !matches!(compared, Ok(Ok(false)))
    }

    async fn audit_ledger(
        &self,
        tx: &mut Tx,
        nodes: u64,
        findings: &mut Findings,
    ) -> Result<(), ServiceError> {
        if tx.verifier_key().await?.as_deref() != Some(self.inner.verifier_key.to_string().as_str()) {
            findings.add("ledger.key", "the stored key is not the ledger's".to_owned());
        }
        let checkpoints = all_checkpoints(tx).await?;
        for row in &checkpoints {
            match self.inner.verifier_key.open(row.note.as_bytes()) {
                Ok(signed) if (signed.size(), signed.root()) == (row.size, row.root) => {}
                Ok(_) => findings
                    .add("checkpoint.differs", format!("checkpoint {} is not what was signed", row.size)),
                Err(error) => {
                    findings.add("checkpoint.signature", format!("checkpoint {}: {error}", row.size));
                }
            }
        }
        let mut roots: HashMap<u64, Sha256> = checkpoints.iter().map(|row| (row.size, row.root)).collect();
        let mut grown = Grown::default();
        if roots.remove(&0).is_some_and(|root| root != Sha256::of(b"")) {
            findings.add("checkpoint.root", "the checkpoint of 0 entries has another root".to_owned());
        }
        let size = tx.ledger_size().await?;
        let mut start = 0;
        while start < size {
            let end = size.min(start + PAGE);
            let leaves = tx.leaves(start, end).await?;
            for place in start..end {
                let Some(leaf) = leaves.iter().find(|leaf| leaf.leaf == place) else {
                    findings
                        .add("leaf.missing", format!("there is no leaf {place}, but there are later ones"));
                    // Nothing after it can be compared.
                    return Ok(());
                };
                audit_leaf(tx, leaf, findings).await?;
                grown.append(place, &leaf.entry);
                if let Some(root) = roots.remove(&(place + 1))
                    && grown.root() != Some(root)
                {
                    let message = format!("checkpoint {} has another root than its entries", place + 1);
                    findings.add("checkpoint.root", message);
                }
            }
            grown.compare(tx, findings).await?;
            start = end;
        }
        for size in roots.keys() {
            findings.add("leaf.lost", format!("checkpoint {size} was signed, but entries are missing"));
        }
        if nodes != grown.total {
            findings.add("hash.count", format!("{nodes} hashes are stored; the tree has {}", grown.total));
        }
        if checkpoints.last().is_none_or(|last| last.size < size) {
            let message = "the last entries have no checkpoint; starting kyso signs one";
            findings.add("checkpoint.behind", message.to_owned());
        }
        Ok(())
    }
}

/// The tree grown again from its leaves, keeping no more than what the next leaves need.
#[derive(Default)]
struct Grown {
    size: u64,
    total: u64,
    nodes: NodeReader,
    /// Made since the last comparison.
    fresh: Vec<(Node, Sha256)>,
}

impl Grown {
    fn append(&mut self, place: u64, entry: &[u8]) {
        if let Ok(made) = ledger::append(place, ledger::leaf_hash(entry), &self.nodes) {
            self.total += made.len() as u64;
            self.nodes.extend(made.iter().copied());
            self.fresh.extend(made);
        }
        self.size = place + 1;
    }

    fn root(&self) -> Option<Sha256> {
        ledger::root(self.size, &self.nodes).ok()
    }

    /// Compares what was made with what is stored, then forgets what is not needed any more.
    async fn compare(&mut self, tx: &mut Tx, findings: &mut Findings) -> Result<(), ServiceError> {
        let mut stored = NodeReader::new();
        tx.fetch_nodes(self.fresh.iter().map(|(node, _)| *node).collect(), &mut stored).await?;
        for (node, hash) in self.fresh.drain(..) {
            let (level, index) = (node.level, node.index);
            match stored.get(&node) {
                Some(found) if *found == hash => {}
                Some(_) => findings
                    .add("hash.differs", format!("hash {index} of level {level} is not that of its entries")),
                None => findings.add("hash.missing", format!("hash {index} of level {level} is not there")),
            }
        }
        let frontier = ledger::root_nodes(self.size);
        self.nodes.retain(|node, _| frontier.contains(node));
        Ok(())
    }
}

struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, kind: &'static str, message: String) {
        self.0.push(Finding { kind, message });
    }
}

/// Leaves read at a time.
const PAGE: u64 = 1_000;

async fn all_checkpoints(tx: &mut Tx) -> Result<Vec<CheckpointRow>, ServiceError> {
    let mut all: Vec<CheckpointRow> = Vec::new();
    loop {
        let after = all.last().map_or(-1, |last| i64::try_from(last.size).unwrap_or(i64::MAX));
        let page = tx.checkpoints_after(after).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

async fn audit_leaf(tx: &mut Tx, leaf: &LeafRow, findings: &mut Findings) -> Result<(), ServiceError> {
    let place = leaf.leaf;
    let Ok(id) = leaf.event.parse() else {
        findings.add("leaf.event", format!("leaf {place} names the event {:?}", leaf.event));
        return Ok(());
    };
    // A leaf whose event cannot be loaded is a broken reference, told already.
    if let Some(event) = tx.event(id).await?
        && event.canonical() != leaf.entry
    {
        findings.add("leaf.differs", format!("leaf {place} does not say what event {id} says"));
    }
    Ok(())
}

async fn audit_reports(tx: &mut Tx, findings: &mut Findings) -> Result<(), ServiceError> {
    let mut after = Vec::new();
    loop {
        let page = tx.reports_after(after).await?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after = last.0.to_vec();
        for (name, body) in page {
            if Sha256::of(body.as_bytes()) != name {
                findings.add("report.differs", format!("report {name} has other text now"));
            }
        }
    }
}

async fn audit_series(tx: &mut Tx, findings: &mut Findings) -> Result<(), ServiceError> {
    for series in tx.all_series().await? {
        let numbers = tx.numbers_of(&series).await?;
        if !numbers.iter().copied().eq(1..series.next) {
            let missing: Vec<String> = (1..series.next)
                .filter(|number| !numbers.contains(number))
                .take(10)
                .map(|n| n.to_string())
                .collect();
            let message = format!(
                "series {} of {} in {}: {} numbers for the next {}, missing [{}]",
                series.kind,
                series.agency,
                series.year,
                numbers.len(),
                series.next,
                missing.join(", "),
            );
            findings.add("series.gap", message);
        }
    }
    Ok(())
}

async fn audit_deliveries(tx: &mut Tx, findings: &mut Findings) -> Result<(), ServiceError> {
    let mut after = String::new();
    loop {
        let page = tx.delivery_ids_after(&after).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.to_string();
        for id in page {
            audit_delivery(tx, id, findings).await?;
        }
    }
}

async fn audit_delivery(tx: &mut Tx, id: Id<Delivery>, findings: &mut Findings) -> Result<(), ServiceError> {
    // A delivery without its dispatch is a broken reference, told already.
    let Some((delivery, business)) = tx.delivery(id).await? else { return Ok(()) };
    let mut present = Outcome::PREPARED;
    for event in &delivery.events {
        match step(present, business, event.code, event.code.side(), event.reason.as_deref()) {
            Ok(next) if next.state == event.state => present = next,
            Ok(next) => {
                let message =
                    format!("event {} says {}, the table says {}", event.id, event.state, next.state);
                findings.add("event.state", message);
                present = next;
            }
            Err(error) => {
                findings.add("event.order", format!("event {} of delivery {id}: {error}", event.id));
            }
        }
        if event.reason.is_some() != event.reason_salt.is_some() {
            findings.add("event.salt", format!("event {}: reason and salt go together", event.id));
        }
        if event.code == Code::Accepted {
            let report = event.report_sha256.as_deref().and_then(Sha256::from_hex);
            let wrong = match report {
                Some(report) => wrong_report(tx, report, delivery.sha256, 2).await?,
                None => Some("accepted without a verdict".to_owned()),
            };
            if let Some(wrong) = wrong {
                findings.add("event.report", format!("event {}: {wrong}", event.id));
            }
        }
    }
    let stored = Outcome {
        state: delivery.state,
        before_recall: delivery.before_recall,
        arrival_implied: delivery.arrival_implied,
    };
    if stored != present {
        let message = format!("delivery {id} is {}, its events say {}", delivery.state, present.state);
        findings.add("delivery.state", message);
    }
    if let Some(document) = tx.document(delivery.document).await? {
        let issued = document.signatures.iter().filter(|signature| signature.role == Role::Issue);
        let sent = issued
            .flat_map(|signature| continued(signature.sha256, &document.extensions))
            .any(|file| file == delivery.sha256);
        if !sent {
            findings
                .add("dispatch.bytes", format!("delivery {id} is not of the bytes that the agency signed"));
        }
        if document.secrecy == Secrecy::Secret {
            findings.add("dispatch.secret", format!("delivery {id} is of a secret document"));
        }
    }
    Ok(())
}

/// A signed file, and the files that extend it, one after the other.
fn continued(signed: Sha256, extensions: &[Extension]) -> Vec<Sha256> {
    let mut files = vec![signed];
    for extension in extensions {
        if files.last() == Some(&extension.from_sha256) {
            files.push(extension.sha256);
        }
    }
    files
}

/// What is wrong with a stored verdict, if anything.
async fn wrong_report(
    tx: &mut Tx,
    report: Sha256,
    bytes: Sha256,
    needed: usize,
) -> Result<Option<String>, ServiceError> {
    // A report that is not there is a broken reference, told already.
    let Some(body) = tx.report(report).await? else { return Ok(None) };
    let Ok(report) = serde_json::from_str::<DocumentReport>(&body) else {
        return Ok(Some("the report cannot be read".to_owned()));
    };
    Ok(verified(&report, bytes, needed).err().map(|error| error.to_string()))
}
