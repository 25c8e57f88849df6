//! The audit, by doing each kind of damage in turn.

use kyso::{people::Role as Work, service::Report};

use super::{Town, each_at_once, member};
use crate::databases::{databases, sqlite};

/// What is done (a statement, or to a file), and the kind of finding that must come of it.
const DAMAGES: &[(&str, &str)] = &[
    ("FILE rot", "file.differs"),
    ("FILE cut", "file.differs"),
    ("FILE gone", "file.missing"),
    ("UPDATE blob SET size = size + 1", "file.size"),
    ("UPDATE report SET body = '{}'", "report.differs"),
    ("UPDATE report SET body = '{}'", "signature.report"),
    ("DELETE FROM report", "reference.broken"),
    ("DELETE FROM agency WHERE code = 'H07'", "reference.broken"),
    ("DELETE FROM delivery WHERE recipient = 'H07'", "reference.broken"),
    ("DELETE FROM dispatch", "reference.broken"),
    ("DELETE FROM event WHERE code = '03'", "reference.broken"),
    ("DELETE FROM ledger_leaf WHERE leaf = 4", "reference.broken"),
    ("DELETE FROM ledger_leaf WHERE leaf = 5", "leaf.lost"),
    ("DELETE FROM ledger_leaf WHERE leaf = 1", "leaf.missing"),
    ("UPDATE event SET at = at + 1 WHERE code = '03'", "leaf.differs"),
    ("UPDATE event SET reason = 'Khác' WHERE code = '02'", "leaf.differs"),
    ("UPDATE delivery SET recipient = 'H20' WHERE recipient = 'H07'", "leaf.differs"),
    ("UPDATE event SET state = 'completed' WHERE code = '03'", "event.state"),
    ("UPDATE event SET code = '06' WHERE code = '03'", "event.order"),
    ("UPDATE event SET reason_salt = NULL WHERE code = '02'", "event.salt"),
    ("UPDATE event SET report_sha256 = NULL WHERE code = '03'", "event.report"),
    ("UPDATE delivery SET state = 'completed' WHERE recipient = 'H07'", "delivery.state"),
    ("UPDATE delivery SET arrival_implied = 1 WHERE recipient = 'H07'", "delivery.state"),
    ("UPDATE ledger_leaf SET entry = event_bytes WHERE leaf = 1", "checkpoint.root"),
    ("UPDATE ledger_leaf SET entry = event_bytes WHERE leaf = 1", "hash.differs"),
    ("DELETE FROM ledger_node WHERE level = 1 AND node = 0", "hash.missing"),
    ("DELETE FROM ledger_node WHERE level = 1 AND node = 0", "hash.count"),
    ("UPDATE ledger_checkpoint SET root = zeros WHERE size = 3", "checkpoint.differs"),
    ("UPDATE ledger_checkpoint SET note = 'x' WHERE size = 3", "checkpoint.signature"),
    ("DELETE FROM ledger_checkpoint WHERE size > 3", "checkpoint.behind"),
    ("UPDATE ledger_identity SET verifier_key = 'x'", "ledger.key"),
    ("UPDATE number_series SET next = next + 1", "series.gap"),
    ("UPDATE document SET number_value = 7 WHERE number_value = 1", "series.gap"),
    ("UPDATE document SET number_text = '99/X' WHERE number_value = 1", "number.differs"),
    ("UPDATE document SET state = 'approved' WHERE state = 'issued'", "document.signatures"),
    ("DELETE FROM signature WHERE role = 'issue'", "document.signatures"),
    ("DELETE FROM signature WHERE role = 'issue'", "document.bytes"),
    ("DELETE FROM signature WHERE role = 'issue'", "dispatch.bytes"),
    ("UPDATE document SET secret = 1 WHERE state = 'issued'", "dispatch.secret"),
];

#[tokio::test]
async fn the_audit_names_each_kind_of_damage() {
    each_at_once(DAMAGES, |(damage, kind)| async move {
        let town = Town::on(sqlite()).await;
        damaged(&town, damage, kind).await;
    })
    .await;
}

#[tokio::test]
async fn the_audit_names_damage_on_each_database() {
    // One of each table on PostgreSQL too, whose texts are the same.
    let some = [1, 3, 6, 10, 14, 21, 23, 25, 27, 31, 35].map(|index: usize| DAMAGES[index]);
    for (damage, kind) in some {
        for database in databases().await.into_iter().filter(|database| !database.is_sqlite()) {
            let town = Town::on(database).await;
            damaged(&town, damage, kind).await;
        }
    }
}

async fn damaged(town: &Town, damage: &str, kind: &str) {
    member(&town.service, "H20", &[Work::Clerk]).await;
    let dispatch = town.sent("a decision").await;
    let (second, delivery) = town.arrival(&dispatch, 1);
    town.service.arrive(second, delivery, Report::default()).await.unwrap();
    let verdict = town.verdict(second, delivery).await;
    town.service.accept(second, delivery, &verdict, Report::default()).await.unwrap();
    let (third, delivery) = town.arrival(&dispatch, 2);
    town.service.refuse(third, delivery, "Gửi nhầm", Report::default()).await.unwrap();
    assert_eq!(town.audit().await, Vec::<String>::new(), "before {damage}");

    let file = town.blob_path(dispatch.sha256);
    match damage {
        "FILE rot" => {
            let mut bytes = std::fs::read(&file).unwrap();
            bytes[3] ^= 1;
            std::fs::write(&file, bytes).unwrap();
        }
        "FILE cut" => std::fs::write(&file, b"a").unwrap(),
        "FILE gone" => std::fs::remove_file(&file).unwrap(),
        _ => {
            let (zeros, bytes) = if town.database.is_sqlite() {
                ("zeroblob(32)", "CAST('other' AS BLOB)")
            } else {
                ("decode(repeat('00', 32), 'hex')", "'other'::bytea")
            };
            let statement = damage.replace("zeros", zeros).replace("event_bytes", bytes);
            town.damage(&[&statement]).await;
        }
    }
    let findings = town.audit().await;
    assert!(
        findings.iter().any(|finding| finding.starts_with(&format!("{kind}: "))),
        "{damage} should give {kind}: {findings:#?}"
    );
    assert!(findings.iter().all(|finding| !finding.contains('\n')), "one line each: {findings:#?}");
}
