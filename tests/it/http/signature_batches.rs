//! Many documents with one key of the server: over SQLite and PostgreSQL.

use std::{
    path::Path,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use kyso::{
    base::{Clock, Id, Pin},
    config::LimitSettings,
    demo::pki::Holder,
    dispatch::{Document, Role},
    service::{
        BatchOutcome, HeldKey, NewBatch, ServiceError, SigningOrder,
        sign::{SchemeWish, Signer},
        signer_check,
    },
    token::{
        KeySelector, LastTry, Module, Token, TokenSelector,
        provision::{self, NewKey, NewKeyKind},
    },
};
use serde_json::{Value, json};

use super::{
    offices::{CLERK, LEADER, Offices, SECOND_LEADER, STRANGER, desk, later},
    town::{Answer, Person, fresh_key},
};
use crate::{databases, support};

const SIGNER: &str = "chu-tich";
const BATCHES: &str = "/api/v1/signature-batches";

/// The offices over each kind of database, their server holding the leader's key.
fn everywhere(test: impl Fn(&mut Offices)) {
    if cfg!(not(feature = "embedded-token")) {
        support::skip("the built-in token is not in this build");
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for database in runtime.block_on(databases::databases()) {
        let mut offices = Offices::open(database, LimitSettings::default());
        let key = held_key(&offices);
        offices.held.insert(SIGNER.to_owned(), key);
        offices.start(Clock::System);
        test(&mut offices);
    }
}

const TOKEN: &str = "lanh dao lo";
const PIN: &str = "13572468";

/// One token for all these tests: the built-in driver goes on knowing a token's file for as long as the process lives.
struct Shared {
    folder: tempfile::TempDir,
    token: Token,
    spki: Vec<u8>,
}

fn shared() -> &'static Shared {
    static SHARED: OnceLock<Shared> = OnceLock::new();
    SHARED.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let pin = |text: &str| Pin::new(text.as_bytes().to_vec());
        provision::init_token(&Module::Embedded(folder.path().into()), TOKEN, pin("98765432"), pin(PIN))
            .unwrap();
        let token = open(folder.path());
        token.login_and_keep(pin(PIN), LastTry::Refuse).unwrap();
        let kind = NewKeyKind::P256;
        let key = NewKey { label: "ky".to_owned(), id: vec![1], kind, always_authenticate: false };
        let spki = token.generate_key(&key).unwrap();
        Shared { folder, token, spki }
    })
}

fn open(folder: &Path) -> Token {
    Token::open(&Module::Embedded(folder.into()), &TokenSelector::labelled(TOKEN)).unwrap()
}

fn held_key(offices: &Offices) -> HeldKey {
    let Shared { token, spki, .. } = shared();
    let certificate = offices.pki.pki().issue_person(spki, &Holder::new("Lê Văn Lô")).unwrap();
    hold(offices, token.clone(), certificate)
}

fn hold(offices: &Offices, token: Token, certificate: kyso::x509::Certificate) -> HeldKey {
    let key = KeySelector::Label("ky".to_owned());
    let chain = offices.pki.pki().chain();
    let signer = Signer::new(token, key, Some(certificate), chain, SchemeWish::default()).unwrap();
    HeldKey { agency: "H99".parse().unwrap(), role: Role::Approve, signer: Arc::new(signer), picture: None }
}

fn drafts(offices: &Offices, count: usize) -> Vec<String> {
    (0..count).map(|_| offices.draft()).collect()
}

fn begin(person: &Person, documents: &[String]) -> Answer {
    person.post(BATCHES, &json!({ "signer": SIGNER, "documents": documents, "reason": "Phê duyệt" }))
}

/// The batch when it does not run any more.
pub(super) fn ended(person: &Person, place: &str) -> Value {
    let patience = Instant::now() + Duration::from_mins(2);
    loop {
        let batch = person.get(place).json();
        if batch["state"] != "running" {
            return batch;
        }
        assert!(Instant::now() < patience, "{batch:#}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn signatures(person: &Person, document: &str) -> usize {
    person.get(&format!("/api/v1/documents/{document}")).json()["signatures"].as_array().unwrap().len()
}

#[test]
fn a_batch_gives_a_result_for_each_document_in_order() {
    everywhere(|offices| {
        let leader = offices.person(LEADER);
        let documents = drafts(offices, 6);
        let early = leader.sign(&documents[2], SIGNER);
        assert_eq!(early.status(), "201 Created", "{}", early.body());

        let once = fresh_key();
        let request = json!({ "signer": SIGNER, "documents": documents });
        let begun = leader.post_again(BATCHES, &request, &once);
        assert_eq!(begun.status(), "202 Accepted", "{}", begun.body());
        let place = begun.header("location").to_owned();
        assert_eq!(place, format!("{BATCHES}/{}", begun.text("id")));
        let batch = ended(&leader, &place);
        assert_eq!(batch["state"], "done", "{batch:#}");
        assert_eq!([&batch["total"], &batch["signed"], &batch["failed"], &batch["waiting"]], [6, 5, 1, 0]);
        for (item, document) in batch["items"].as_array().unwrap().iter().zip(&documents) {
            assert_eq!(item["document"], **document);
            let failed = *document == documents[2];
            assert_eq!(item["outcome"], if failed { "failed" } else { "signed" });
            assert_eq!(item["code"], if failed { json!("signature.order") } else { Value::Null });
            assert_eq!(signatures(&leader, document), 1);
        }
        let vietnamese = leader.get_with(&place, &[("Accept-Language", "vi")]).json();
        assert_eq!(vietnamese["items"][2]["title"], "Sai thứ tự ký");

        // The same request again is the same batch, after a restart too; another one with its key is refused.
        assert_eq!(leader.post_again(BATCHES, &request, &once).text("id"), begun.text("id"));
        offices.start(Clock::System);
        let leader = offices.person(LEADER);
        assert_eq!(leader.post_again(BATCHES, &request, &once).text("id"), begun.text("id"));
        let other = json!({ "signer": SIGNER, "documents": documents[..1] });
        assert_eq!(leader.post_again(BATCHES, &other, &once).code(), "idempotency.conflict");
    });
}

#[test]
fn what_cannot_be_a_batch_is_refused_before_anything_is_signed() {
    everywhere(|offices| {
        let (leader, documents) = (offices.person(LEADER), drafts(offices, 2));
        let refused = |documents: &[&str], signer: &str| {
            let answer = leader.post(BATCHES, &json!({ "signer": signer, "documents": documents }));
            assert_eq!(answer.status(), "422 Unprocessable Entity", "{}", answer.body());
            answer.code()
        };
        let [first, second] = [documents[0].as_str(), documents[1].as_str()];
        assert_eq!(refused(&[first, second, first], SIGNER), "request.invalid");
        assert_eq!(refused(&[first, "nothing"], SIGNER), "request.invalid");
        assert_eq!(refused(&[first, &fresh_key()], SIGNER), "request.invalid");
        assert_eq!(refused(&[], SIGNER), "request.invalid");
        assert_eq!(refused(&[first], "nobody"), "signer.unknown");
        assert_eq!(begin(&offices.person(CLERK), &documents).code(), "key.scope");
        assert_eq!(begin(&offices.person(STRANGER), &documents).code(), "signer.unknown");
        assert_eq!((signatures(&leader, first), signatures(&leader, second)), (0, 0));

        let place = begin(&leader, &documents).header("location").to_owned();
        for index in [SECOND_LEADER, CLERK, STRANGER] {
            assert_eq!(offices.person(index).get(&place).code(), "batch.not-found");
            let stop = offices.person(index).post(&format!("{place}/stop"), &json!({}));
            assert_eq!(stop.code(), "batch.not-found");
        }
        assert_eq!(leader.get(&format!("{BATCHES}/nothing")).code(), "batch.not-found");
        assert_eq!(ended(&leader, &place)["signed"], 2);
    });
}

#[test]
fn one_document_that_cannot_be_recorded_does_not_hold_up_those_beside_it() {
    everywhere(|offices| {
        let (service, key) = (offices.service.clone().unwrap(), offices.held[SIGNER].clone());
        let ids: Vec<Id<Document>> =
            drafts(offices, 3).iter().map(|document| document.parse().unwrap()).collect();
        let host = (offices.pki.host(), offices.pki.tsa_url());
        let desk = Arc::new(desk(Clock::System, host.0, host.1, offices.pki.pki().anchors()));
        let cleared = signer_check::demand(&desk, &key.signer.identity(), false).unwrap();
        offices.block_on(async {
            let caller = service.authenticate(&offices.keys[LEADER]).await.unwrap();
            let new = NewBatch {
                id: service.batch_id(),
                signer: SIGNER.to_owned(),
                documents: ids.clone(),
                words: "{}".to_owned(),
                idempotency_key: "window".to_owned(),
            };
            let batch = service.begin_batch(&caller, (&key, &cleared), new, 3).await.unwrap().id;
            let order = SigningOrder::default;
            let mut staged = Vec::new();
            for id in &ids {
                let one = service.stage_signature(&caller, *id, Arc::clone(&desk), &key, order()).await;
                staged.push(one.unwrap());
            }
            let kept = service.keep_staged(staged).await.unwrap();
            let window: Vec<_> = (0..).zip(kept.into_iter().map(Result::unwrap)).collect();
            // Somebody signs the second one by hand meanwhile.
            service.sign_document(&caller, ids[1], Arc::clone(&desk), &key, order()).await.unwrap();

            let results = service.record_of_batch(&caller, batch, &window).await.unwrap();
            let codes: Vec<_> = results
                .iter()
                .map(|(at, result)| (*at, result.as_ref().err().map(ServiceError::code)))
                .collect();
            assert_eq!(codes, [(0, None), (1, Some("signature.order")), (2, None)]);
            let outcomes = async || -> Vec<BatchOutcome> {
                service.batch(&caller, batch).await.unwrap().items.iter().map(|item| item.outcome).collect()
            };
            let signed = BatchOutcome::Signed;
            assert_eq!(outcomes().await, [signed, BatchOutcome::Waiting, signed]);
            for id in &ids {
                assert_eq!(service.document(&caller, *id).await.unwrap().signatures.len(), 1);
            }
        });
    });
}

#[test]
fn a_batch_of_a_server_that_went_away_is_gone_on_with_by_the_next() {
    everywhere(|offices| {
        // More than what is recorded together.
        let documents = drafts(offices, 40);
        let place = begin(&offices.person(LEADER), &documents).header("location").to_owned();
        while offices.person(LEADER).get(&place).json()["signed"] == 0 {
            std::thread::sleep(Duration::from_millis(5));
        }
        // Cut off from its database in the middle of its work.
        offices.start(Clock::System);
        let before = offices.person(LEADER).get(&place).json();
        assert_eq!(before["state"], "running", "it was too quick for this test: {before:#}");
        // Its claim runs out.
        offices.start(later(Duration::from_mins(2)));
        let leader = offices.person(LEADER);
        let batch = ended(&leader, &place);
        assert_eq!((&batch["state"], &batch["signed"]), (&json!("done"), &json!(40)), "{batch:#}");
        for document in &documents {
            assert_eq!(signatures(&leader, document), 1);
        }
    });
}

#[test]
fn a_server_that_stops_lets_go_and_the_next_one_goes_on_at_once() {
    everywhere(|offices| {
        let documents = drafts(offices, 12);
        let place = begin(&offices.person(LEADER), &documents).header("location").to_owned();
        offices.pause();
        let before = offices.person(LEADER).get(&place).json();
        assert_eq!(before["state"], "running", "it was too quick for this test: {before:#}");
        // No clock is moved: there is no claim to run out.
        offices.start(Clock::System);
        let leader = offices.person(LEADER);
        let batch = ended(&leader, &place);
        assert_eq!((&batch["state"], &batch["signed"]), (&json!("done"), &json!(12)), "{batch:#}");
        for document in &documents {
            assert_eq!(signatures(&leader, document), 1);
        }
    });
}

#[test]
fn a_token_that_is_away_stops_the_batch_and_it_can_be_resumed() {
    everywhere(|offices| {
        let good = offices.held[SIGNER].clone();
        // A handle that nobody logged in with is as good as a token that is away.
        let locked = hold(offices, open(shared().folder.path()), good.signer.certificate.clone());
        offices.held.insert(SIGNER.to_owned(), locked);
        offices.start(Clock::System);
        let documents = drafts(offices, 4);
        let place = begin(&offices.person(LEADER), &documents).header("location").to_owned();
        let batch = ended(&offices.person(LEADER), &place);
        assert_eq!(
            (&batch["state"], &batch["stoppedBy"]),
            (&json!("stopped"), &json!("signer.unavailable")),
            "{batch:#}"
        );
        assert_eq!([&batch["signed"], &batch["failed"], &batch["waiting"]], [0, 0, 4]);

        offices.held.insert(SIGNER.to_owned(), good);
        offices.start(Clock::System);
        let leader = offices.person(LEADER);
        assert_eq!(leader.get(&place).json()["state"], "stopped", "a restart is no wish to resume");
        let resumed = leader.post(&format!("{place}/resume"), &json!({}));
        assert_eq!(resumed.status(), "202 Accepted", "{}", resumed.body());
        let batch = ended(&leader, &place);
        assert_eq!((&batch["state"], &batch["signed"]), (&json!("done"), &json!(4)), "{batch:#}");
    });
}

#[test]
fn a_batch_is_stopped_by_its_owner() {
    everywhere(|offices| {
        let (leader, documents) = (offices.person(LEADER), drafts(offices, 12));
        let place = begin(&leader, &documents).header("location").to_owned();
        let stopped = leader.post(&format!("{place}/stop"), &json!({}));
        assert_eq!(stopped.status(), "200 OK", "{}", stopped.body());
        assert_eq!(
            (stopped.text("state"), stopped.text("stoppedBy")),
            ("stopped".into(), "batch.stopped".into())
        );
        let resumed = leader.post(&format!("{place}/resume"), &json!({}));
        assert_eq!(resumed.text("state"), "running");
        let batch = ended(&leader, &place);
        assert_eq!((&batch["state"], &batch["signed"]), (&json!("done"), &json!(12)), "{batch:#}");
        for document in &documents {
            assert_eq!(signatures(&leader, document), 1);
        }
    });
}
