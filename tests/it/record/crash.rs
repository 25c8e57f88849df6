//! kill -9 at each write: nothing is lost, nothing doubled.

use std::{path::PathBuf, process::Command};

use kyso::{
    base::Sha256,
    dispatch::{Code, DocumentState, Role, Secrecy, State},
    ledger::LedgerKey,
    people::Caller,
    service::{NewApiKey, NewDocument, PageRequest, Report, Service, Setup, SignedFile},
    store::Faults,
};

use super::{Town, decision, each_at_once, report, to_all};
use crate::databases::databases;

/// Where the dispatch path writes: after each, the process is killed.
const POINTS: &[&str] = &[
    "upload.blob",
    "upload.row",
    "upload.commit",
    "approve.blob",
    "approve.row",
    "approve.commit",
    "number.series",
    "number.commit",
    "issue.blob",
    "issue.row",
    "issue.commit",
    "send.dispatch",
    "send.delivery",
    "send.event",
    "send.leaf",
    "send.state",
    "send.answer",
    "send.commit",
    "checkpoint.row",
    "checkpoint.commit",
    "01.event",
    "01.leaf",
    "01.state",
    "01.commit",
    "03.event",
    "03.leaf",
    "03.state",
    "03.commit",
    "02.event",
    "02.leaf",
    "02.state",
    "02.commit",
];

/// The whole road with fixed keys and identifiers, so that walking it again is asking again.
async fn walk(service: &Service, keys: &Keys) {
    let (leader, clerk) = (keys.caller(service, 0).await, keys.caller(service, 1).await);
    let (second, third) = (keys.caller(service, 2).await, keys.caller(service, 3).await);
    let folder = tempfile::tempdir().unwrap();
    let staged = |bytes: &[u8]| {
        let path = folder.path().join(Sha256::of(bytes).to_hex());
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let new = NewDocument {
        file_name: "a.pdf".to_owned(),
        secrecy: Secrecy::Open,
        idempotency_key: Some("upload".to_owned()),
    };
    let document = service.upload(&clerk, new, &staged(b"draft")).await.unwrap().id;
    let record = async |by: &Caller, role: Role, bytes: &[u8], count| {
        let (staged, report) = (staged(bytes), report(bytes, count, "valid"));
        let certificate_sha256 = Sha256::of(role.as_str().as_bytes());
        let signed = SignedFile { staged: &staged, report: &report, certificate_sha256 };
        service.record_signature(by, document, role, signed).await.unwrap();
    };
    record(&leader, Role::Approve, b"draft+person", 1).await;
    service.number(&clerk, document, &decision()).await.unwrap();
    record(&clerk, Role::Issue, b"draft+person+agency", 2).await;
    let dispatch = service.send(&clerk, &to_all(document), "send").await.unwrap().dispatch;
    let said = |event: &str| Report { event: Some(event.parse().unwrap()) };
    let verdict = report(b"draft+person+agency", 2, "valid");
    let delivery = dispatch.deliveries[1].id;
    service.arrive(&second, delivery, said("0197f0c2-5b1e-7c3a-9d2f-000000000001")).await.unwrap();
    let accepted = said("0197f0c2-5b1e-7c3a-9d2f-000000000003");
    service.accept(&second, delivery, &verdict, accepted).await.unwrap();
    let refused = said("0197f0c2-5b1e-7c3a-9d2f-000000000002");
    service.refuse(&third, dispatch.deliveries[2].id, "Gửi nhầm", refused).await.unwrap();
}

/// What a process needs to walk: handed over in an environment variable.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Keys {
    url: String,
    blobs: PathBuf,
    ledger: String,
    callers: Vec<String>,
    point: String,
}

impl Keys {
    async fn caller(&self, service: &Service, at: usize) -> Caller {
        service.authenticate(&self.callers[at]).await.unwrap()
    }

    async fn open(&self, faults: Faults) -> Service {
        let ledger_key = LedgerKey::parse(&self.ledger).unwrap();
        let mut setup = Setup::new(self.url.clone(), self.blobs.clone(), ledger_key);
        setup.faults = faults;
        Service::open(setup).await.unwrap()
    }
}

const CRASH: &str = "KYSO_TEST_CRASH";

#[tokio::test]
#[ignore = "the child of `killed_at_each_write_nothing_is_lost_or_doubled`, which starts it"]
async fn crash_child() {
    let keys: Keys = serde_json::from_str(&std::env::var(CRASH).expect("started by its parent")).unwrap();
    let service = keys.open(Faults::kill_at(&keys.point)).await;
    walk(&service, &keys).await;
    panic!("{} was never reached", keys.point);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_each_write_nothing_is_lost_or_doubled() {
    each_at_once(POINTS, |point| async move {
        for database in databases().await {
            let mut town = Town::on(database).await;
            let mut callers = Vec::new();
            for caller in [&town.leader, &town.clerk, &town.recipients[1], &town.recipients[2]] {
                let member = caller.member();
                let new =
                    NewApiKey { member: member.id, scopes: member.permitted(), expires_at: None, test: true };
                callers.push(town.service.create_api_key(new).await.unwrap().text);
            }
            town.service.close().await;
            let keys = Keys {
                url: town.database.url.clone(),
                blobs: town.database.blobs(),
                ledger: town.key.clone(),
                callers,
                point: point.to_owned(),
            };
            let child = keys.clone();
            tokio::task::spawn_blocking(move || killed(&child)).await.unwrap();
            town.reopen().await;
            // Nothing half done stands, and whatever stands is signed.
            assert_eq!(town.audit().await, Vec::<String>::new(), "after {point}");
            walk(&town.service, &keys).await;
            once(&town, point).await;
        }
    })
    .await;
}

fn killed(keys: &Keys) {
    use std::os::unix::process::ExitStatusExt as _;
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "record::crash::crash_child", "--ignored", "--nocapture"])
        .env(CRASH, serde_json::to_string(keys).unwrap())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.signal(), Some(9), "{}: {:?}\n{said}", keys.point, output.status);
}

/// Exactly one document, number, dispatch; three deliveries; six events and leaves; the states they lead to.
async fn once(town: &Town, point: &str) {
    let all = PageRequest::default();
    let documents = town.service.documents(&town.clerk, &all).await.unwrap().items;
    assert_eq!(documents.len(), 1, "{point}");
    assert_eq!(documents[0].state, DocumentState::Issued);
    assert_eq!(documents[0].number.as_ref().unwrap().text, "01/QĐ-UBND", "{point}");
    let dispatches = town.service.outbox(&town.clerk, &all).await.unwrap().items;
    assert_eq!(dispatches.len(), 1, "{point}");
    let states: Vec<State> = dispatches[0].deliveries.iter().map(|delivery| delivery.state).collect();
    assert_eq!(states, [State::Sent, State::Accepted, State::Refused], "{point}");
    let codes: Vec<Vec<Code>> =
        dispatches[0].deliveries.iter().map(|d| d.events.iter().map(|event| event.code).collect()).collect();
    assert_eq!(
        codes,
        [vec![Code::Send], vec![Code::Send, Code::Arrived, Code::Accepted], vec![Code::Send, Code::Refused]],
        "{point}"
    );
    assert_eq!(town.service.checkpoint().await.unwrap().size(), 6, "{point}");
    for caller in &town.recipients {
        assert_eq!(town.service.inbox(caller, &all).await.unwrap().items.len(), 1, "{point}");
    }
    let audit = town.service.audit().await.unwrap();
    assert_eq!((audit.findings, audit.events, audit.anomalies, audit.files), (vec![], 6, 0, 3), "{point}");
}
