//! Dispatch, store, ledger: the same tests on SQLite and on PostgreSQL.

mod audit;
mod crash;

use std::{collections::BTreeSet, path::PathBuf, process::Command, str::FromStr as _};

use kyso::{
    base::{Chance, Clock, Id, Limits, Sha256, Source as _, UtcTime},
    dispatch::{
        Code, Delivery, Document, DocumentState, Event, LeafFields, NumberRequest, Numbering, Role, Secrecy,
        Signer, State,
    },
    ledger::{self, LedgerKey, Proof, TilePath, VerifierKey},
    people::{Agency, AgencyCode, Caller, Member, Role as Work, Scope, Scopes},
    service::{
        NewApiKey, NewDocument, NewMember, PageRequest, Report, Send, Service, ServiceError, Setup,
        SignedFile,
    },
    store::Faults,
    validation::DocumentReport,
};
use serde_json::json;
use sqlx::Connection as _;

use crate::databases::{Database, databases, sqlite};

/// A province office and three agencies that it writes to.
struct Town {
    database: Database,
    service: Service,
    key: String,
    leader: Caller,
    clerk: Caller,
    recipients: Vec<Caller>,
}

const PROVINCE: &str = "H13";
const RECIPIENTS: [&str; 3] = ["H13.12", "H07", "G22.01"];

impl Town {
    /// One town on each kind of database.
    async fn each() -> Vec<Self> {
        let mut towns = Vec::new();
        for database in databases().await {
            towns.push(Self::on(database).await);
        }
        towns
    }

    async fn on(database: Database) -> Self {
        eprintln!("on {}", database.url);
        let key = LedgerKey::generate("kyso.test/ledger", &Chance::system()).unwrap().reveal().to_owned();
        let service = open(&database, &key, Faults::none()).await.unwrap();
        let leader = member(&service, PROVINCE, &[Work::Leader]).await;
        let clerk = member(&service, PROVINCE, &[Work::Clerk]).await;
        let mut recipients = Vec::new();
        for code in RECIPIENTS {
            recipients.push(member(&service, code, &[Work::Clerk]).await);
        }
        Self { database, service, key, leader, clerk, recipients }
    }

    async fn reopen(&mut self) {
        self.service.close().await;
        self.service = open(&self.database, &self.key, Faults::none()).await.unwrap();
    }

    async fn upload(&self, bytes: &[u8]) -> Document {
        let new = NewDocument { file_name: "quyet-dinh.pdf".to_owned(), ..NewDocument::default() };
        self.service.upload(&self.clerk, new, &self.staged(bytes)).await.unwrap()
    }

    /// A file with these bytes outside the store.
    fn staged(&self, bytes: &[u8]) -> PathBuf {
        let path = self.database.folder.path().join(Sha256::of(bytes).to_hex());
        std::fs::write(&path, bytes).unwrap();
        path
    }

    async fn sign(&self, document: &Document, role: Role) -> Result<Document, ServiceError> {
        let by = if role == Role::Approve { &self.leader } else { &self.clerk };
        let mut bytes = self.bytes(document).await;
        bytes.extend(format!("\n% signed: {}", role.as_str()).bytes());
        let staged = self.staged(&bytes);
        let report = report(&bytes, document.signatures.len() + 1, "valid");
        let certificate_sha256 = Sha256::of(role.as_str().as_bytes());
        let signed = SignedFile { staged: &staged, report: &report, certificate_sha256 };
        self.service.record_signature(by, document.id, role, signed).await
    }

    async fn bytes(&self, document: &Document) -> Vec<u8> {
        let (_, file) = self.service.open_document(&self.clerk, document.id).await.unwrap();
        file.read(0..file.len()).unwrap()
    }

    /// A document all the way to issued.
    async fn issued(&self, text: &str) -> Document {
        let document = self.upload(text.as_bytes()).await;
        let document = self.sign(&document, Role::Approve).await.unwrap();
        self.service.number(&self.clerk, document.id, &decision()).await.unwrap();
        let document = self.sign(&document, Role::Issue).await.unwrap();
        assert_eq!(document.state, DocumentState::Issued);
        document
    }

    async fn sent(&self, text: &str) -> kyso::dispatch::Dispatch {
        let document = self.issued(text).await;
        self.service.send(&self.clerk, &to_all(document.id), &text.replace(' ', "-")).await.unwrap().dispatch
    }

    /// The delivery of a dispatch to recipient number `at`, its bearer, and a good verdict on its bytes.
    fn arrival<'a>(&'a self, dispatch: &kyso::dispatch::Dispatch, at: usize) -> (&'a Caller, Id<Delivery>) {
        (&self.recipients[at], dispatch.deliveries[at].id)
    }

    async fn verdict(&self, caller: &Caller, delivery: Id<Delivery>) -> DocumentReport {
        let (_, file) = self.service.open_delivery(caller, delivery).await.unwrap();
        report(&file.read(0..file.len()).unwrap(), 2, "valid")
    }

    async fn audit(&self) -> Vec<String> {
        let audit = self.service.audit().await.unwrap();
        audit.findings.into_iter().map(|finding| format!("{}: {}", finding.kind, finding.message)).collect()
    }

    /// Changes the database behind kyso's back, with nothing in the way.
    async fn damage(&self, statements: &[&str]) {
        if self.database.is_sqlite() {
            let mut connection = sqlx::SqliteConnection::connect(&self.database.url).await.unwrap();
            sqlx::raw_sql("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON;")
                .execute(&mut connection)
                .await
                .unwrap();
            for statement in statements {
                sqlx::raw_sql(sqlx::AssertSqlSafe(*statement)).execute(&mut connection).await.unwrap();
            }
            connection.close().await.unwrap();
        } else {
            let mut connection = sqlx::PgConnection::connect(&self.database.url).await.unwrap();
            sqlx::raw_sql("SET session_replication_role = replica;").execute(&mut connection).await.unwrap();
            for statement in statements {
                sqlx::raw_sql(sqlx::AssertSqlSafe(*statement)).execute(&mut connection).await.unwrap();
            }
            connection.close().await.unwrap();
        }
    }

    fn blob_path(&self, sha256: Sha256) -> PathBuf {
        let name = sha256.to_hex();
        self.database.blobs().join("sha256").join(&name[..2]).join(&name[2..])
    }
}

async fn open(database: &Database, key: &str, faults: Faults) -> Result<Service, ServiceError> {
    let setup = Setup {
        database_url: database.url.clone(),
        blobs: database.blobs(),
        ledger_key: LedgerKey::parse(key).unwrap(),
        clock: Clock::System,
        chance: Chance::system(),
        limits: Limits::default(),
        faults,
    };
    Service::open(setup).await
}

async fn member(service: &Service, agency: &str, roles: &[Work]) -> Caller {
    let code = code(agency);
    let agency =
        Agency { code: code.clone(), name: format!("Cơ quan {agency}"), place: "Cần Thơ".to_owned() };
    match service.add_agency(agency, Numbering::PerType).await {
        Ok(()) | Err(ServiceError::Exists { .. }) => {}
        Err(error) => panic!("{error}"),
    }
    let new = NewMember {
        agency: code,
        name: "Người Thử".to_owned(),
        position: "Cán bộ".to_owned(),
        roles: roles.iter().copied().collect(),
    };
    let member = service.add_member(new).await.unwrap();
    let scopes = member.permitted();
    caller(service, &member, scopes).await
}

async fn caller(service: &Service, member: &Member, scopes: Scopes) -> Caller {
    let new = NewApiKey { member: member.id, scopes, expires_at: None, test: true };
    let shown = service.create_api_key(new).await.unwrap();
    service.authenticate(&shown.text).await.unwrap()
}

fn code(text: &str) -> AgencyCode {
    text.parse().unwrap()
}

fn decision() -> NumberRequest {
    NumberRequest {
        document_type: "QĐ".parse().unwrap(),
        issuer: "UBND".to_owned(),
        unit: None,
        date: "2026-01-05".parse().unwrap(),
        subject: "Về việc thử nghiệm".to_owned(),
        signer: Signer {
            capacity: None, name: "Lê Văn Mẫu".to_owned(), position: "Chủ tịch".to_owned()
        },
        series: None,
    }
}

fn to_all(document: Id<Document>) -> Send {
    let due = Some(UtcTime::from_str("2026-02-01T00:00:00Z").unwrap());
    let recipients = RECIPIENTS.map(code).to_vec();
    Send { document, recipients, due, business: kyso::dispatch::BusinessType::New }
}

/// A verdict as `validation` writes it.
fn report(bytes: &[u8], signatures: usize, overall: &str) -> DocumentReport {
    let indication = if overall == "valid" { "TOTAL-PASSED" } else { "TOTAL-FAILED" };
    let signature = |number: usize| {
        json!({
            "id": format!("s{number}"), "field": format!("Signature{number}"), "indication": indication,
            "signatureFormat": "PAdES-BASELINE-B", "digestMatches": true, "signatureMatches": true,
            "coverage": "document", "modificationLevel": "none", "modifications": [], "errors": [], "warnings": [],
        })
    };
    serde_json::from_value(json!({
        "name": "quyet-dinh.pdf", "sha256": Sha256::of(bytes).to_hex(), "overall": overall,
        "validationTime": "2026-01-05T00:00:00Z", "policy": "strict",
        "signatures": (1..=signatures).map(signature).collect::<Vec<_>>(),
    }))
    .unwrap()
}

// The main road.

#[tokio::test]
async fn a_decision_goes_from_draft_to_accepted_and_refused() {
    for town in Town::each().await {
        let document = town.upload(b"%PDF-1.7 a decision").await;
        assert_eq!(document.state, DocumentState::Drafted);
        let document = town.sign(&document, Role::Approve).await.unwrap();
        assert_eq!(document.state, DocumentState::Approved);
        let number = town.service.number(&town.clerk, document.id, &decision()).await.unwrap();
        assert_eq!(number.text, "01/QĐ-UBND");
        assert_eq!(town.service.number(&town.clerk, document.id, &decision()).await.unwrap(), number);
        let document = town.sign(&document, Role::Issue).await.unwrap();
        assert_eq!((document.state, document.signatures.len()), (DocumentState::Issued, 2));

        let sent = town.service.send(&town.clerk, &to_all(document.id), "k1").await.unwrap();
        assert!(!sent.replayed);
        assert_eq!(sent.dispatch.deliveries.len(), 3);
        assert!(sent.dispatch.deliveries.iter().all(|delivery| delivery.state == State::Sent));
        let leaves: Vec<u64> =
            sent.dispatch.deliveries.iter().map(|delivery| delivery.events[0].leaf).collect();
        assert_eq!(leaves, [0, 1, 2]);

        let (first, delivery) = town.arrival(&sent.dispatch, 0);
        let arrived = town.service.arrive(first, delivery, Report::default()).await.unwrap();
        assert_eq!(arrived.state, State::Arrived);
        let verdict = town.verdict(first, delivery).await;
        let accepted = town.service.accept(first, delivery, &verdict, Report::default()).await.unwrap();
        assert_eq!((accepted.state, accepted.arrival_implied), (State::Accepted, false));
        let (second, delivery) = town.arrival(&sent.dispatch, 1);
        let verdict = town.verdict(second, delivery).await;
        let accepted = town.service.accept(second, delivery, &verdict, Report::default()).await.unwrap();
        assert_eq!((accepted.state, accepted.arrival_implied), (State::Accepted, true));
        let (third, delivery) = town.arrival(&sent.dispatch, 2);
        let refused =
            town.service.refuse(third, delivery, "Gửi nhầm nơi nhận", Report::default()).await.unwrap();
        assert_eq!(refused.state, State::Refused);
        assert_eq!(refused.events[1].reason.as_deref(), Some("Gửi nhầm nơi nhận"));

        let followed = town.service.dispatch(&town.clerk, sent.dispatch.id).await.unwrap();
        let states: Vec<State> = followed.deliveries.iter().map(|delivery| delivery.state).collect();
        assert_eq!(states, [State::Accepted, State::Accepted, State::Refused]);
        assert_eq!(town.service.checkpoint().await.unwrap().size(), 7);
        assert_eq!(town.audit().await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn asking_again_with_the_same_key_sends_once() {
    for town in Town::each().await {
        let document = town.issued("a").await;
        let first = town.service.send(&town.clerk, &to_all(document.id), "key").await.unwrap();
        let again = town.service.send(&town.clerk, &to_all(document.id), "key").await.unwrap();
        assert!(again.replayed);
        assert_eq!(again.dispatch, first.dispatch);
        let other = Send { recipients: vec![code("H07")], ..to_all(document.id) };
        let conflict = town.service.send(&town.clerk, &other, "key").await.unwrap_err();
        assert_eq!(conflict.code(), "idempotency.conflict");
        assert_eq!(town.service.outbox(&town.clerk, &PageRequest::default()).await.unwrap().items.len(), 1);
        assert_eq!(town.service.checkpoint().await.unwrap().size(), 3);

        let new = |name: &str| NewDocument {
            file_name: name.to_owned(),
            idempotency_key: Some("upload".to_owned()),
            ..NewDocument::default()
        };
        let staged = town.staged(b"draft");
        let one = town.service.upload(&town.clerk, new("a.pdf"), &staged).await.unwrap();
        assert_eq!(town.service.upload(&town.clerk, new("a.pdf"), &staged).await.unwrap(), one);
        let conflict = town.service.upload(&town.clerk, new("b.pdf"), &staged).await.unwrap_err();
        assert_eq!(conflict.code(), "idempotency.conflict");
        for bad in ["", "a b", "ư", &"k".repeat(256)] {
            let refused = town.service.send(&town.clerk, &to_all(document.id), bad).await.unwrap_err();
            assert_eq!(refused.code(), "request.invalid", "{bad:?}");
        }
    }
}

#[tokio::test]
async fn the_same_event_twice_is_one_event() {
    for town in Town::each().await {
        let dispatch = town.sent("a").await;
        let (first, delivery) = town.arrival(&dispatch, 0);
        let report = Report { event: Some(Id::new(town.service.now(), &Chance::system())) };
        let arrived = town.service.arrive(first, delivery, report).await.unwrap();
        assert_eq!(town.service.arrive(first, delivery, report).await.unwrap(), arrived);
        assert_eq!(town.service.checkpoint().await.unwrap().size(), 4);
        let reused = town.service.refuse(first, delivery, "khác", report).await.unwrap_err();
        assert_eq!(reused.code(), "event.reused");
        let (second, other) = town.arrival(&dispatch, 1);
        let reused = town.service.arrive(second, other, report).await.unwrap_err();
        assert_eq!(reused.code(), "event.reused");
        // Without an identifier of its own the same report is another event, which does not fit.
        let refused = town.service.arrive(first, delivery, Report::default()).await.unwrap_err();
        assert_eq!(refused.code(), "delivery.state");
        let anomalies = town.service.anomalies(first, delivery).await.unwrap();
        assert_eq!(anomalies.len(), 1);
        assert_eq!((anomalies[0].code, anomalies[0].state), (Code::Arrived, State::Arrived));
        assert_eq!(town.service.checkpoint().await.unwrap().size(), 4);
        assert_eq!(town.audit().await, Vec::<String>::new());
    }
}

// What must not be.

#[tokio::test]
async fn what_does_not_verify_cannot_be_accepted() {
    for town in Town::each().await {
        let dispatch = town.sent("a").await;
        let (first, delivery) = town.arrival(&dispatch, 0);
        let good = town.verdict(first, delivery).await;
        let (_, file) = town.service.open_delivery(first, delivery).await.unwrap();
        let bytes = file.read(0..file.len()).unwrap();
        let accept = async |verdict: &DocumentReport| {
            town.service.accept(first, delivery, verdict, Report::default()).await.unwrap_err().code()
        };
        for overall in ["invalid", "indeterminate", "unsigned"] {
            assert_eq!(accept(&report(&bytes, 2, overall)).await, "report.not-valid");
        }
        assert_eq!(accept(&report(b"other bytes", 2, "valid")).await, "report.mismatch");
        assert_eq!(accept(&report(&bytes, 1, "valid")).await, "report.signatures");
        let mut contradictory = report(&bytes, 2, "invalid");
        contradictory.overall = kyso::validation::Overall::Valid;
        assert_eq!(accept(&contradictory).await, "report.not-valid");
        let delivery = town.service.accept(first, delivery, &good, Report::default()).await.unwrap();
        assert!(delivery.events[1].report_sha256.is_some());
        let (third, delivery) = town.arrival(&dispatch, 2);
        town.service.refuse(third, delivery, "x", Report::default()).await.unwrap();
        let verdict = town.verdict(third, delivery).await;
        let late = town.service.accept(third, delivery, &verdict, Report::default()).await.unwrap_err();
        assert_eq!(late.code(), "delivery.final");
        assert_eq!(town.audit().await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn signatures_come_in_order_and_continue_the_bytes() {
    for town in Town::each().await {
        let document = town.upload(b"draft").await;
        assert_eq!(town.sign(&document, Role::Issue).await.unwrap_err().code(), "signature.order");
        let record = async |by: &Caller, role, bytes: &[u8], report: DocumentReport, certificate: &[u8]| {
            let staged = town.staged(bytes);
            let certificate_sha256 = Sha256::of(certificate);
            let signed = SignedFile { staged: &staged, report: &report, certificate_sha256 };
            town.service.record_signature(by, document.id, role, signed).await
        };
        let approve = async |bytes: &[u8], report| {
            record(&town.leader, Role::Approve, bytes, report, b"person").await.unwrap_err().code()
        };
        assert_eq!(
            approve(b"Draft signed", report(b"Draft signed", 1, "valid")).await,
            "signature.not-continued"
        );
        assert_eq!(approve(b"draft", report(b"draft", 1, "valid")).await, "signature.not-continued");
        assert_eq!(approve(b"dra", report(b"dra", 1, "valid")).await, "signature.not-continued");
        assert_eq!(
            approve(b"draft signed", report(b"draft signed", 1, "indeterminate")).await,
            "report.not-valid"
        );
        assert_eq!(approve(b"draft signed", report(b"draft", 1, "valid")).await, "report.mismatch");
        assert_eq!(approve(b"draft signed", report(b"draft signed", 0, "valid")).await, "report.signatures");
        let good = report(b"draft 1", 1, "valid");
        let approved =
            record(&town.leader, Role::Approve, b"draft 1", good.clone(), b"person").await.unwrap();
        assert_eq!(record(&town.leader, Role::Approve, b"draft 1", good, b"person").await.unwrap(), approved);
        assert_eq!(town.sign(&approved, Role::Approve).await.unwrap_err().code(), "signature.order");
        assert_eq!(town.sign(&approved, Role::Issue).await.unwrap_err().code(), "document.unnumbered");
        town.service.number(&town.clerk, document.id, &decision()).await.unwrap();
        let both = report(b"draft 1 2", 2, "valid");
        let same = record(&town.clerk, Role::Issue, b"draft 1 2", both.clone(), b"person").await.unwrap_err();
        assert_eq!(same.code(), "request.invalid");
        let issued = record(&town.clerk, Role::Issue, b"draft 1 2", both, b"agency").await.unwrap();
        assert_eq!(issued.state, DocumentState::Issued);
        assert_eq!(town.sign(&issued, Role::Issue).await.unwrap_err().code(), "signature.order");
        let other = NumberRequest { issuer: "HĐND".to_owned(), ..decision() };
        let numbered = town.service.number(&town.clerk, document.id, &other).await.unwrap_err();
        assert_eq!(numbered.code(), "document.numbered");
        let voided = town.service.void_number(&town.clerk, document.id, "nhầm").await.unwrap_err();
        assert_eq!(voided.code(), "document.state");
        assert_eq!(town.audit().await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn only_whole_open_issued_documents_are_sent_to_known_agencies() {
    for town in Town::each().await {
        let send = async |send: Send| town.service.send(&town.clerk, &send, "k").await.unwrap_err().code();
        let draft = town.upload(b"draft").await;
        assert_eq!(send(to_all(draft.id)).await, "dispatch.not-issued");
        let approved = town.sign(&draft, Role::Approve).await.unwrap();
        assert_eq!(send(to_all(approved.id)).await, "dispatch.not-issued");
        let new =
            NewDocument { file_name: "mat.pdf".to_owned(), secrecy: Secrecy::Secret, idempotency_key: None };
        let secret = town.service.upload(&town.clerk, new, &town.staged(b"secret")).await.unwrap();
        assert_eq!(send(to_all(secret.id)).await, "dispatch.secret");
        let secret = town.sign(&secret, Role::Approve).await.unwrap();
        let request = NumberRequest { unit: Some("MẬT".to_owned()), ..decision() };
        let number = town.service.number(&town.clerk, secret.id, &request).await.unwrap();
        assert_eq!(number.series.as_str(), "secret");
        let secret = town.sign(&secret, Role::Issue).await.unwrap();
        assert_eq!(send(to_all(secret.id)).await, "dispatch.secret");

        let issued = town.issued("whole").await;
        let to = |recipients: &[&str]| Send {
            recipients: recipients.iter().map(|text| code(text)).collect(),
            ..to_all(issued.id)
        };
        assert_eq!(send(to(&[])).await, "request.invalid");
        assert_eq!(send(to(&["H07", "H07"])).await, "request.invalid");
        assert_eq!(send(to(&["H07", PROVINCE])).await, "request.invalid");
        assert_eq!(send(to(&["H07", "H99"])).await, "dispatch.unknown-agency");
        std::fs::write(town.blob_path(issued.sha256), b"rotten").unwrap();
        assert_eq!(send(to(&["H07"])).await, "internal");
        assert_eq!(town.service.checkpoint().await.unwrap().size(), 0);
        assert!(town.service.outbox(&town.clerk, &PageRequest::default()).await.unwrap().items.is_empty());
    }
}

#[tokio::test]
async fn each_task_needs_its_scope_and_its_agency() {
    for town in Town::each().await {
        let dispatch = town.sent("a").await;
        let document = dispatch.document;
        let delivery = dispatch.deliveries[0].id;
        let event = dispatch.deliveries[0].events[0].id;
        let page = PageRequest::default();
        let service = &town.service;
        let verdict = town.verdict(&town.recipients[0], delivery).await;
        let staged = town.staged(b"draft");

        // A key for everything but one scope is refused exactly what needs that scope.
        let everything: BTreeSet<Work> = Work::ALL.into_iter().collect();
        let new = NewMember {
            agency: code(RECIPIENTS[0]),
            name: "Kiêm nhiệm".to_owned(),
            position: "Cán bộ".to_owned(),
            roles: everything,
        };
        let everyman = service.add_member(new).await.unwrap();
        for missing in Scope::ALL {
            let scopes: Scopes = Scope::ALL.into_iter().filter(|scope| *scope != missing).collect();
            let caller = caller(service, &everyman, scopes).await;
            let forbidden = |result: Result<(), ServiceError>, needs: Scope, what: &str| {
                let refused = matches!(&result, Err(ServiceError::Forbidden { scope }) if *scope == needs);
                assert_eq!(refused, needs == missing, "{what} without {missing}: {result:?}");
            };
            let new = NewDocument { file_name: "a.pdf".to_owned(), ..NewDocument::default() };
            forbidden(service.upload(&caller, new, &staged).await.map(drop), Scope::Upload, "upload");
            forbidden(service.document(&caller, document).await.map(drop), Scope::Read, "document");
            forbidden(service.documents(&caller, &page).await.map(drop), Scope::Read, "documents");
            forbidden(service.open_document(&caller, document).await.map(drop), Scope::Read, "open_document");
            forbidden(
                service.number(&caller, document, &decision()).await.map(drop),
                Scope::Number,
                "number",
            );
            forbidden(service.void_number(&caller, document, "x").await, Scope::Number, "void_number");
            for (role, scope) in [(Role::Approve, Scope::Approve), (Role::Issue, Scope::Seal)] {
                let signed =
                    SignedFile { staged: &staged, report: &verdict, certificate_sha256: Sha256([0; 32]) };
                let result = service.record_signature(&caller, document, role, signed).await;
                forbidden(result.map(drop), scope, "record_signature");
            }
            forbidden(service.send(&caller, &to_all(document), "k").await.map(drop), Scope::Send, "send");
            forbidden(service.dispatch(&caller, dispatch.id).await.map(drop), Scope::Read, "dispatch");
            forbidden(service.outbox(&caller, &page).await.map(drop), Scope::Read, "outbox");
            forbidden(service.inbox(&caller, &page).await.map(drop), Scope::Read, "inbox");
            forbidden(service.delivery(&caller, delivery).await.map(drop), Scope::Read, "delivery");
            forbidden(service.events(&caller, delivery).await.map(drop), Scope::Read, "events");
            forbidden(service.open_delivery(&caller, delivery).await.map(drop), Scope::Read, "open_delivery");
            forbidden(service.prove(&caller, event).await.map(drop), Scope::Read, "prove");
            forbidden(service.audit_for(&caller).await.map(drop), Scope::Audit, "audit");
            if missing == Scope::Receive {
                let report = Report::default;
                forbidden(service.arrive(&caller, delivery, report()).await.map(drop), missing, "arrive");
                let accepted = service.accept(&caller, delivery, &verdict, report()).await;
                forbidden(accepted.map(drop), missing, "accept");
                forbidden(
                    service.refuse(&caller, delivery, "x", report()).await.map(drop),
                    missing,
                    "refuse",
                );
            }
        }

        // Another agency sees nothing of it, and cannot act.
        let stranger = member(service, "H20", &Work::ALL).await;
        let not_found = |result: Result<(), ServiceError>, what: &str| {
            assert_eq!(result.map_err(|error| error.code()), Err("not-found"), "{what}");
        };
        not_found(service.document(&stranger, document).await.map(drop), "document");
        not_found(service.open_document(&stranger, document).await.map(drop), "open_document");
        not_found(service.number(&stranger, document, &decision()).await.map(drop), "number");
        not_found(service.void_number(&stranger, document, "x").await, "void_number");
        not_found(service.send(&stranger, &to_all(document), "k").await.map(drop), "send");
        not_found(service.dispatch(&stranger, dispatch.id).await.map(drop), "dispatch");
        not_found(service.delivery(&stranger, delivery).await.map(drop), "delivery");
        not_found(service.open_delivery(&stranger, delivery).await.map(drop), "open_delivery");
        not_found(service.arrive(&stranger, delivery, Report::default()).await.map(drop), "arrive");
        not_found(service.accept(&stranger, delivery, &verdict, Report::default()).await.map(drop), "accept");
        not_found(service.refuse(&stranger, delivery, "x", Report::default()).await.map(drop), "refuse");
        not_found(service.prove(&stranger, event).await.map(drop), "prove");
        assert!(service.documents(&stranger, &page).await.unwrap().items.is_empty());
        assert!(service.inbox(&stranger, &page).await.unwrap().items.is_empty());

        // A recipient sees its own delivery only, the document that came with it, and no other recipient's.
        let seen = service.dispatch(&town.recipients[0], dispatch.id).await.unwrap();
        assert_eq!(seen.deliveries.iter().map(|delivery| delivery.id).collect::<Vec<_>>(), [delivery]);
        assert_eq!(service.document(&town.recipients[0], document).await.unwrap().id, document);
        not_found(service.delivery(&town.recipients[1], delivery).await.map(drop), "another's delivery");
        not_found(service.number(&town.recipients[0], document, &decision()).await.map(drop), "number");
        let others = dispatch.deliveries[1].events[0].id;
        not_found(service.prove(&town.recipients[0], others).await.map(drop), "another's event");
        // The sender cannot speak for the recipient; that it tried is kept.
        let wrong = service.arrive(&town.clerk, delivery, Report::default()).await.unwrap_err();
        assert_eq!(wrong.code(), "delivery.state");
        assert_eq!(service.anomalies(&town.clerk, delivery).await.unwrap().len(), 1);
        assert_eq!(town.audit().await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_key_is_shown_once_and_dies_when_told() {
    for town in Town::each().await {
        let service = &town.service;
        let new = |scopes: &[Scope], expires_at| NewApiKey {
            member: town.clerk.member().id,
            scopes: scopes.iter().copied().collect(),
            expires_at,
            test: false,
        };
        let shown = service.create_api_key(new(&[Scope::Read], None)).await.unwrap();
        assert!(shown.text.starts_with("kyso_live_") && !format!("{shown:?}").contains(&shown.text));
        let caller = service.authenticate(&shown.text).await.unwrap();
        assert_eq!((caller.key(), caller.agency()), (shown.key.id.as_str(), &code(PROVINCE)));
        let refused = async |text: &str| service.authenticate(text).await.unwrap_err().code();
        let last = if shown.text.ends_with('0') { "1" } else { "0" };
        assert_eq!(refused(&format!("{}{last}", &shown.text[..shown.text.len() - 1])).await, "key.invalid");
        assert_eq!(refused(&shown.text.replace("live", "test")).await, "key.invalid");
        assert_eq!(refused("").await, "key.invalid");
        let gone = service.create_api_key(new(&[Scope::Read], Some(service.now()))).await.unwrap();
        assert_eq!(refused(&gone.text).await, "key.invalid");
        service.revoke_api_key(&shown.key.id).await.unwrap();
        assert_eq!(refused(&shown.text).await, "key.invalid");
        let more = service.create_api_key(new(&[Scope::Approve], None)).await.unwrap_err();
        assert_eq!(more.code(), "request.invalid");
        assert_eq!(service.revoke_api_key("no such").await.unwrap_err().code(), "not-found");
    }
    let town = Town::on(sqlite()).await;
    town.service.close().await;
    let stored = std::fs::read(town.database.folder.path().join("kyso.db")).unwrap();
    assert!(!stored.windows(10).any(|window| window == b"kyso_test_"), "no key's text is stored");
}

// Numbers.

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_clerks_at_once_leave_no_gap() {
    for town in Town::each().await {
        let mut tasks = Vec::new();
        for task in 0..8 {
            let documents = futures_util::future::join_all(
                (0..5).map(|number| town.upload(format!("draft {task} {number}").leak().as_bytes())),
            )
            .await;
            let (service, clerk) = (town.service.clone(), town.clerk.clone());
            tasks.push(tokio::spawn(async move {
                let mut numbers = Vec::new();
                for document in documents {
                    numbers.push(service.number(&clerk, document.id, &decision()).await.unwrap().number);
                }
                numbers
            }));
        }
        let mut numbers = Vec::new();
        for task in tasks {
            numbers.extend(task.await.unwrap());
        }
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=40).collect::<Vec<_>>());
        assert_eq!(town.audit().await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_voided_number_is_not_used_again_and_each_year_begins_anew() {
    for town in Town::each().await {
        let (first, second, third) =
            (town.upload(b"1").await, town.upload(b"2").await, town.upload(b"3").await);
        let number = async |document: &Document, request: &NumberRequest| {
            town.service.number(&town.clerk, document.id, request).await.unwrap().text
        };
        assert_eq!(number(&first, &decision()).await, "01/QĐ-UBND");
        town.service.void_number(&town.clerk, first.id, "Ghi nhầm loại").await.unwrap();
        assert_eq!(number(&second, &decision()).await, "02/QĐ-UBND");
        assert_eq!(number(&first, &decision()).await, "03/QĐ-UBND");
        let next_year = NumberRequest { date: "2027-01-04".parse().unwrap(), ..decision() };
        assert_eq!(number(&third, &next_year).await, "01/QĐ-UBND");
        let fourth = town.upload(b"4").await;
        let letter = NumberRequest {
            document_type: "cong-van".parse().unwrap(),
            issuer: "SNV".to_owned(),
            unit: Some("VP".to_owned()),
            ..decision()
        };
        assert_eq!(number(&fourth, &letter).await, "01/SNV-VP");
        // A series of its own must not give a number that another document bears.
        let slip = NumberRequest { date: "0206-01-05".parse().unwrap(), ..decision() };
        let refused = town.service.number(&town.clerk, fourth.id, &slip).await.unwrap_err();
        assert_eq!(refused.code(), "request.invalid");
        let fifth = town.upload(b"5").await;
        let council = NumberRequest { series: Some("hoi-dong".parse().unwrap()), ..letter.clone() };
        let refused = town.service.number(&town.clerk, fifth.id, &council).await.unwrap_err();
        assert_eq!(refused.code(), "request.invalid");
        assert_eq!(number(&fifth, &letter).await, "02/SNV-VP");
        assert_eq!(town.audit().await, Vec::<String>::new());
    }
}

// The ledger.

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_senders_at_once_leave_one_whole_ledger() {
    for town in Town::each().await {
        let mut tasks = Vec::new();
        for task in 0..8 {
            let document = town.issued(&format!("decision {task}")).await;
            let (service, clerk) = (town.service.clone(), town.clerk.clone());
            tasks.push(tokio::spawn(async move {
                let sent = service.send(&clerk, &to_all(document.id), "same-key").await;
                let sent = match sent {
                    Err(ServiceError::IdempotencyConflict) => {
                        service.send(&clerk, &to_all(document.id), &format!("key-{task}")).await
                    }
                    sent => sent,
                }
                .unwrap();
                let size = service.checkpoint().await.unwrap().size();
                let leaves: Vec<u64> = sent.dispatch.deliveries.iter().map(|d| d.events[0].leaf).collect();
                assert!(leaves.iter().all(|leaf| *leaf < size), "answered before it was published");
                leaves
            }));
        }
        let mut leaves = Vec::new();
        for task in tasks {
            leaves.extend(task.await.unwrap());
        }
        leaves.sort_unstable();
        assert_eq!(leaves, (0..24).collect::<Vec<_>>());
        assert_eq!(town.service.checkpoint().await.unwrap().size(), 24);
        assert_eq!(town.audit().await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn every_event_is_proven_offline_and_every_tile_fits_the_checkpoint() {
    for town in Town::each().await {
        let mut events: Vec<Event> = Vec::new();
        for number in 0..3 {
            let dispatch = town.sent(&format!("decision {number}")).await;
            events.extend(dispatch.deliveries.into_iter().flat_map(|delivery| delivery.events));
        }
        let key = VerifierKey::parse(&town.service.ledger_key().to_string()).unwrap();
        for event in &events {
            let text = town.service.prove(&town.clerk, event.id).await.unwrap().to_text();
            let proven = Proof::parse(&text).unwrap().check(&key).unwrap();
            assert_eq!(proven.entry(), event.canonical());
            let fields = LeafFields::parse(proven.entry()).unwrap();
            assert_eq!((fields.event, fields.code, fields.to), (event.id, Code::Send, event.to.clone()));
        }
        // What an outsider gets from the tiles alone gives the signed root.
        let checkpoint = town.service.checkpoint().await.unwrap();
        let entries = town.service.tile("tile/entries/000.p/9".parse().unwrap()).await.unwrap().unwrap();
        let hashes = town.service.tile("tile/0/000.p/9".parse().unwrap()).await.unwrap().unwrap();
        let mut rest = entries.as_slice();
        let mut nodes = ledger::NodeReader::new();
        for leaf in 0..9 {
            let (len, after) = rest.split_at(2);
            let (entry, after) = after.split_at(usize::from(u16::from_be_bytes([len[0], len[1]])));
            rest = after;
            let hash = ledger::leaf_hash(entry);
            assert_eq!(hash.0, hashes[leaf as usize * 32..][..32]);
            nodes.extend(ledger::append(leaf, hash, &nodes).unwrap());
        }
        assert!(rest.is_empty() && hashes.len() == 9 * 32);
        assert_eq!(ledger::root(9, &nodes).unwrap(), checkpoint.root());
        for absent in ["tile/0/000", "tile/0/000.p/10", "tile/1/000.p/1", "tile/0/001.p/1", "tile/63/000"] {
            assert_eq!(town.service.tile(absent.parse().unwrap()).await.unwrap(), None, "{absent}");
        }
    }
}

#[tokio::test]
async fn a_full_tile_gives_the_hash_of_the_level_above() {
    // 90 dispatches to 3 agencies: 270 leaves, one full tile of 256, on the database that is quick to fill.
    let town = Town::on(sqlite()).await;
    let document = town.issued("one decision").await;
    for number in 0..90 {
        town.service.send(&town.clerk, &to_all(document.id), &format!("key-{number}")).await.unwrap();
    }
    let size = town.service.checkpoint().await.unwrap().size();
    assert_eq!(size, 270);
    let mut tiles = Vec::new();
    for path in TilePath::of_tree(size) {
        tiles.push((path.to_string(), town.service.tile(path).await.unwrap().unwrap()));
    }
    let names: Vec<&str> = tiles.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        ["tile/0/000", "tile/0/001.p/14", "tile/1/000.p/1", "tile/entries/000", "tile/entries/001.p/14"]
    );
    let mut level: Vec<Sha256> = tiles[0].1.chunks(32).map(|hash| Sha256(hash.try_into().unwrap())).collect();
    while level.len() > 1 {
        level =
            level.chunks(2).map(|pair| Sha256::of(&[&[1][..], &pair[0].0, &pair[1].0].concat())).collect();
    }
    assert_eq!(level[0].0[..], tiles[2].1);
    let first =
        town.service.outbox(&town.clerk, &PageRequest { cursor: None, limit: Some(200) }).await.unwrap();
    let event = first.items.last().unwrap().deliveries[0].events[0].id;
    let proof = town.service.prove(&town.clerk, event).await.unwrap();
    assert_eq!(proof.index, 0);
    proof.check(town.service.ledger_key()).unwrap();
    assert_eq!(town.audit().await, Vec::<String>::new());
}

#[tokio::test]
async fn another_key_or_a_changed_tree_signs_nothing() {
    for town in Town::each().await {
        town.sent("a").await;
        let other = LedgerKey::generate("kyso.test/ledger", &Chance::system()).unwrap();
        let refused = open(&town.database, other.reveal(), Faults::none()).await.err().unwrap();
        assert_eq!(refused.code(), "ledger.key");
        let looking =
            Service::open_to_read(&town.database.url, town.database.blobs(), Clock::System).await.unwrap();
        assert_eq!(looking.checkpoint().await.unwrap().size(), 3);
        assert_eq!(looking.audit().await.unwrap().findings, []);
        looking.close().await;
        // The root of three leaves is made of the node over the first two and of the third leaf's.
        let zeros =
            if town.database.is_sqlite() { "zeroblob(32)" } else { "decode(repeat('00', 32), 'hex')" };
        town.damage(&[&format!("UPDATE ledger_node SET hash = {zeros} WHERE level = 1 AND node = 0")]).await;
        let document = town.issued("b").await;
        let broken = town.service.send(&town.clerk, &to_all(document.id), "k").await.unwrap_err();
        assert_eq!(broken.code(), "ledger.broken");
        town.service.close().await;
        let broken = open(&town.database, &town.key, Faults::none()).await.err().unwrap();
        assert_eq!(broken.code(), "ledger.broken");
    }
}

#[tokio::test]
async fn nothing_is_recorded_in_a_ledger_shorter_than_what_was_signed() {
    for town in Town::each().await {
        let dispatch = town.sent("a").await;
        let document = town.issued("b").await;
        town.damage(&["DELETE FROM ledger_leaf WHERE leaf = 2"]).await;
        let (first, delivery) = town.arrival(&dispatch, 0);
        let broken = town.service.arrive(first, delivery, Report::default()).await.unwrap_err();
        assert_eq!(broken.code(), "ledger.broken");
        let broken = town.service.send(&town.clerk, &to_all(document.id), "k").await.unwrap_err();
        assert_eq!(broken.code(), "ledger.broken");
        assert_eq!(town.service.checkpoint().await.unwrap_err().code(), "ledger.broken");
    }
}

/// *Failed but saved*: the answer got lost after the commit, the checkpoint was never signed; asking again heals both.
#[tokio::test]
async fn an_answer_that_was_lost_is_given_again_once_published() {
    for town in Town::each().await {
        let document = town.issued("a").await;
        let first = town.service.send(&town.clerk, &to_all(document.id), "k").await.unwrap();
        town.damage(&["DELETE FROM ledger_checkpoint WHERE size > 0"]).await;
        assert!(town.audit().await.iter().any(|finding| finding.starts_with("checkpoint.behind")));
        let again = town.service.send(&town.clerk, &to_all(document.id), "k").await.unwrap();
        assert!(again.replayed && again.dispatch == first.dispatch);
        assert_eq!(town.audit().await, Vec::<String>::new());
        // Nor does it matter then that the document's file has gone: nothing is sent anew.
        std::fs::remove_file(town.blob_path(document.sha256)).unwrap();
        assert!(town.service.send(&town.clerk, &to_all(document.id), "k").await.unwrap().replayed);
    }
}

#[tokio::test]
async fn lists_come_in_pages_newest_first() {
    for town in Town::each().await {
        let mut ids = Vec::new();
        for number in 0..7 {
            ids.push(town.upload(format!("draft {number}").as_bytes()).await.id);
        }
        ids.reverse();
        let mut seen = Vec::new();
        let mut page = PageRequest { cursor: None, limit: Some(3) };
        loop {
            let found = town.service.documents(&town.clerk, &page).await.unwrap();
            assert!(found.items.len() <= 3);
            seen.extend(found.items.iter().map(|document| document.id));
            let Some(next) = found.next else { break };
            page.cursor = Some(next);
        }
        assert_eq!(seen, ids);
        for cursor in ["", "zzz", "' OR 1=1", &"A".repeat(1000)] {
            let page = PageRequest { cursor: Some(cursor.to_owned()), limit: None };
            assert_eq!(
                town.service.documents(&town.clerk, &page).await.unwrap_err().code(),
                "request.invalid"
            );
        }
        let page = PageRequest { cursor: None, limit: Some(1_000_000) };
        assert_eq!(town.service.documents(&town.clerk, &page).await.unwrap().items.len(), 7);
    }
}

/// Runs a few at a time: what they wait for is the disk.
async fn each_at_once<T: Copy + 'static, F: Future<Output = ()>>(cases: &[T], run: impl Fn(T) -> F) {
    use futures_util::stream::StreamExt as _;
    futures_util::stream::iter(cases.iter().copied().map(run)).buffer_unordered(8).collect::<()>().await;
}

// The command line.

fn kyso(args: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_kyso")).args(args).env_remove("KYSO_DB").output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(said).unwrap())
}

#[tokio::test]
async fn a_proof_is_written_and_checked_by_the_command_line() {
    for town in Town::each().await {
        let dispatch = town.sent("a decision").await;
        town.sent("another").await;
        let event = dispatch.deliveries[1].events[0].id.to_string();
        let key = town.service.ledger_key().to_string();
        town.service.close().await;
        let folder = town.database.folder.path();
        let path = |name: &str| folder.join(name).display().to_string();
        let (db, blobs, proof) = (&town.database.url, town.database.blobs(), path("a.tlog-proof"));

        let (status, said) = kyso(&["ledger", "prove", &event, "-o", &proof, "--db", db]);
        assert_eq!(status, 0, "{said}");
        assert!(said.contains("kyso ledger check"), "{said}");
        let (status, said) = kyso(&["ledger", "prove", &event, "-o", &proof, "--db", db]);
        assert_eq!(status, 65, "an existing file is not written over: {said}");
        let unknown = Id::<Event>::new(UtcTime::UNIX_EPOCH, &Chance::system()).to_string();
        let (status, said) = kyso(&["ledger", "prove", &unknown, "-o", &path("b"), "--db", db]);
        assert_eq!(status, 1, "{said}");

        let (status, said) = kyso(&["ledger", "check", &proof, "--key", &key]);
        assert_eq!(status, 0, "{said}");
        assert!(said.starts_with("HOLDS: entry 1 of 6 in the ledger kyso.test/ledger"), "{said}");
        assert!(said.contains(&event) && said.contains("does not prove"), "{said}");
        std::fs::write(path("key"), format!("{key}\n")).unwrap();
        let entry = Proof::parse(&std::fs::read_to_string(&proof).unwrap()).unwrap().entry;
        std::fs::write(path("entry"), &entry).unwrap();
        let pdf = town.blob_path(dispatch.sha256).display().to_string();
        let strict = [
            "ledger",
            "check",
            &proof,
            "--key-file",
            &path("key"),
            "--event",
            &path("entry"),
            "--document",
            &pdf,
        ];
        assert_eq!(kyso(&strict).0, 0);
        let (status, said) = kyso(&["ledger", "check", &proof, "--key", &key, "--json"]);
        assert_eq!(status, 0);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&said).unwrap()["entry"]["code"], "send");

        std::fs::write(path("entry"), b"{}").unwrap();
        assert_eq!(kyso(&strict).0, 1);
        let (status, said) = kyso(&["ledger", "check", &proof, "--key", &key, "--document", &path("key")]);
        assert_eq!((status, said.contains("another document")), (1, true), "{said}");
        let other =
            LedgerKey::generate("kyso.test/ledger", &Chance::system()).unwrap().verifier().to_string();
        let (status, said) = kyso(&["ledger", "check", &proof, "--key", &other]);
        assert_eq!((status, said.starts_with("DOES NOT HOLD")), (1, true), "{said}");
        let text = std::fs::read_to_string(&proof).unwrap().replace("index 1", "index 2");
        std::fs::write(path("changed"), text).unwrap();
        assert_eq!(kyso(&["ledger", "check", &path("changed"), "--key", &key]).0, 1);
        assert_eq!(kyso(&["ledger", "check", &path("key"), "--key", &key]).0, 65);
        assert_eq!(kyso(&["ledger", "check", &path("absent"), "--key", &key]).0, 65);
        assert_eq!(kyso(&["ledger", "check", &proof, "--key", "x"]).0, 64);
        assert_eq!(kyso(&["ledger", "check", &proof]).0, 64);

        let audit = ["ledger", "audit", "--db", db, "--blobs", blobs.to_str().unwrap()];
        let (status, said) = kyso(&audit);
        assert_eq!((status, said.ends_with("all is well\n")), (0, true), "{said}");
        std::fs::remove_file(town.blob_path(dispatch.sha256)).unwrap();
        let (status, said) = kyso(&audit);
        assert_eq!((status, said.starts_with("file.missing: ")), (1, true), "{said}");
        assert!(said.ends_with("1 thing is wrong\n"), "{said}");
        assert_eq!(kyso(&["ledger", "audit", "--db", db]).0, 64);
        let absent = format!("sqlite:{}", path("absent.db"));
        assert_eq!(kyso(&["ledger", "audit", "--db", &absent, "--blobs", &path("absent")]).0, 65);
        assert!(!folder.join("absent").exists() && !folder.join("absent.db").exists());
    }
}
