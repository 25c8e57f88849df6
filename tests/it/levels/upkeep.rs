//! The queue and the renewals, on each kind of database.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

use jiff::SignedDuration;
use kyso::{
    base::{Chance, Clock, Id, Limits, MemorySource, Password, ProtectedSource, Source as _},
    crypto::policy::CryptographicPolicy,
    dispatch::{Document, NumberRequest, Numbering, Role, Signer, UpkeepTask},
    fetch::Fetcher,
    ledger::LedgerKey,
    people::{Agency, Caller, Role as Work, Scopes},
    service::{
        NewApiKey, NewDocument, NewMember, PageRequest, Service, ServiceError, Setup, SignDocumentError,
        SignedFile,
        sign::{SigningDesk, TimeStamping},
        time_stamping::{AuthoritySettings, Quota, Unreached},
        upkeep::{ExtendOrder, Kept, Lasting, Outcome, Upkeeping},
    },
    store::Faults,
    trust::Anchors,
    validation::{Level, Overall, Policy},
};

use super::world::{Authority, DAY, Mood, Person, World, archive_stamps, decision};
use crate::{
    databases::{Database, databases},
    support::encrypt,
};

/// An office with a leader and a clerk, its service by the world's clock.
struct Office {
    database: Database,
    ledger_key: String,
    service: Service,
    leader: Caller,
    clerk: Caller,
    persons: [Person; 2],
}

impl Office {
    async fn on(world: &World, database: Database) -> Self {
        eprintln!("on {}", database.url);
        let ledger_key =
            LedgerKey::generate("kyso.test/ledger", &Chance::system()).unwrap().reveal().to_owned();
        let service = open(world.clock, &database.url, database.blobs(), &ledger_key, Faults::none()).await;
        let code: kyso::people::AgencyCode = "H13".parse().unwrap();
        let agency = Agency { code: code.clone(), name: "UBND".to_owned(), place: "Cần Thơ".to_owned() };
        service.add_agency(agency, Numbering::PerType).await.unwrap();
        let mut keys = Vec::new();
        for role in [Work::Leader, Work::Clerk] {
            let (name, position) = ("Lê Văn Mẫu".to_owned(), "Cán bộ".to_owned());
            let new = NewMember { agency: code.clone(), name, position, roles: [role].into() };
            let member = service.add_member(new).await.unwrap();
            let scopes: Scopes = role.permits().iter().copied().collect();
            let new = NewApiKey { member: member.id, scopes, expires_at: None, test: true };
            keys.push(service.create_api_key(new).await.unwrap().text);
        }
        let leader = service.authenticate(&keys[0]).await.unwrap();
        let clerk = service.authenticate(&keys[1]).await.unwrap();
        let persons = [world.person("Phạm Thị Bền"), world.person("Ủy ban nhân dân")];
        Self { database, ledger_key, service, leader, clerk, persons }
    }

    /// Another node over the same database, or the same one after a restart.
    async fn node(&self, world: &World) -> Service {
        open(world.clock, &self.database.url, self.database.blobs(), &self.ledger_key, Faults::none()).await
    }

    async fn upload(&self) -> Id<Document> {
        self.upload_file(&decision()).await
    }

    async fn upload_file(&self, pdf: &Path) -> Id<Document> {
        let new = NewDocument { file_name: "quyet-dinh.pdf".to_owned(), ..NewDocument::default() };
        self.service.upload(&self.clerk, new, pdf).await.unwrap().id
    }

    /// Signs the present bytes and records what came of it, as the server does with a token.
    async fn sign(&self, id: Id<Document>, role: Role, desk: &Arc<SigningDesk>) -> Document {
        let (by, person) = match role {
            Role::Approve => (&self.leader, &self.persons[0]),
            Role::Issue => (&self.clerk, &self.persons[1]),
        };
        if role == Role::Issue {
            self.service.number(&self.clerk, id, &number()).await.unwrap();
        }
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("out.pdf");
        let input = ProtectedSource::new(MemorySource(self.bytes(id).await), Some(password()));
        // The door to the network blocks.
        let sign = || person.sign_source(desk, &input, &output, None);
        let released = tokio::task::block_in_place(sign).unwrap();
        let signed = SignedFile {
            staged: released.path(),
            report: released.report(),
            certificate_sha256: person.certificate.sha256(),
        };
        let lasting = Lasting::of(&released, desk);
        self.service.record_lasting_signature(by, id, role, signed, Some(&lasting)).await.unwrap()
    }

    async fn bytes(&self, id: Id<Document>) -> Vec<u8> {
        let (_, file) = self.service.open_document(&self.clerk, id).await.unwrap();
        file.read(0..file.len()).unwrap()
    }

    async fn document(&self, id: Id<Document>) -> Document {
        self.service.document(&self.clerk, id).await.unwrap()
    }

    async fn is_sound(&self) {
        let audit = self.service.audit().await.unwrap();
        assert!(audit.findings.is_empty(), "{:#?}", audit.findings);
    }

    fn used(&self) -> usize {
        self.persons.iter().map(Person::uses).sum()
    }
}

async fn open(clock: Clock, url: &str, blobs: PathBuf, key: &str, faults: Faults) -> Service {
    let mut setup = Setup::new(url, blobs, LedgerKey::parse(key).unwrap());
    setup.clock = clock;
    setup.faults = faults;
    Service::open(setup).await.unwrap()
}

fn number() -> NumberRequest {
    serde_json::from_value(serde_json::json!({
        "documentType": "quyet-dinh", "issuer": "UBND", "date": "2026-01-05", "subject": "Về việc thử nghiệm",
        "signer": Signer { capacity: None, name: "Phạm Thị Bền".to_owned(), position: "Chủ tịch".to_owned() },
    }))
    .unwrap()
}

fn deferring(authority: &Authority, level: Level) -> TimeStamping {
    let quick =
        AuthoritySettings { timeout: Duration::from_secs(2), ..AuthoritySettings::new(authority.url()) };
    TimeStamping::of(vec![quick]).reaching(level).when_unreached(Unreached::Defer)
}

fn outcomes(all: &[Kept]) -> Vec<&Outcome> {
    all.iter().map(|kept| &kept.outcome).collect()
}

/// No authority answers: signed at B and queued; raised after the restart, once it answers. The key signs once.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_deferred_is_raised_after_a_restart() {
    for database in databases().await {
        let world = World::new();
        let mut office = Office::on(&world, database).await;
        let authority = Authority::start(&world, DAY * 800);
        authority.feels(Mood::Busy);
        let desk = Arc::new(world.desk(Some(deferring(&authority, Level::Lta))));
        let id = office.upload().await;
        let document = office.sign(id, Role::Approve, &desk).await;
        let upkeep = document.upkeep.clone().unwrap();
        assert_eq!((upkeep.asked_level, upkeep.reached_level), (Level::Lta, Level::B));
        assert_eq!((upkeep.due_at, upkeep.tries), (Some(world.clock.now()), 0));
        assert!(upkeep.last_error.unwrap().contains("500"), "the reason is told");
        let used = office.used();

        office.service.close().await;
        office.service = office.node(&world).await;
        let desk = Arc::new(world.desk(Some(deferring(&authority, Level::Lta))));
        let keep = Upkeeping::with(Arc::clone(&desk));
        let tried = office.service.upkeep_round(&keep).await.unwrap();
        assert!(matches!(outcomes(&tried)[..], [Outcome::Failed { .. }]), "{tried:?}");
        let upkeep = office.document(id).await.upkeep.unwrap();
        assert_eq!(
            (upkeep.tries, upkeep.due_at.unwrap() - world.clock.now()),
            (1, SignedDuration::from_secs(60))
        );
        assert!(office.service.upkeep_round(&keep).await.unwrap().is_empty(), "not due yet");

        authority.feels(Mood::Good);
        world.pass(SignedDuration::from_mins(2));
        let done = office.service.upkeep_round(&keep).await.unwrap();
        assert!(matches!(outcomes(&done)[..], [Outcome::Done { .. }]), "{done:?}");
        let raised = office.document(id).await;
        let upkeep = raised.upkeep.clone().unwrap();
        assert_eq!((upkeep.reached_level, upkeep.tries, upkeep.last_error), (Level::Lta, 0, None));
        assert!(upkeep.due_at.unwrap() > world.clock.now() + DAY * 600, "the renewal is planned");
        assert_eq!(raised.extensions.len(), 1);
        assert_eq!((raised.extensions[0].task, raised.extensions[0].recorded_by), (UpkeepTask::Raise, None));
        assert_eq!(
            (raised.extensions[0].from_sha256, raised.sha256),
            (document.sha256, raised.extensions[0].sha256)
        );
        let report = world.judge_with(office.bytes(id).await, false, &Policy::strict());
        assert_eq!(super::world::told(&report), ["TOTAL-PASSED PAdES-BASELINE-LTA"]);
        assert_eq!(office.used(), used, "upkeep used a key");
        assert!(office.service.upkeep_round(&keep).await.unwrap().is_empty());
        office.is_sound().await;

        // The agency signs the raised file, and the recipient's rules still hold.
        let issued = office.sign(id, Role::Issue, &desk).await;
        assert_eq!(issued.upkeep.unwrap().reached_level, Level::Lta);
        office.is_sound().await;
        let list = office.service.kept_documents(&office.clerk, &PageRequest::default()).await.unwrap();
        assert_eq!((list.items.len(), list.items[0].document), (1, id));
    }
}

/// Signed by both while no authority answers; one raise serves both signatures.
#[tokio::test(flavor = "multi_thread")]
async fn both_signatures_are_raised_together() {
    for database in databases().await {
        let world = World::new();
        let office = Office::on(&world, database).await;
        let authority = Authority::start(&world, DAY * 800);
        authority.feels(Mood::WrongNonce);
        let desk = Arc::new(world.desk(Some(deferring(&authority, Level::Lt))));
        let id = office.upload().await;
        office.sign(id, Role::Approve, &desk).await;
        office.sign(id, Role::Issue, &desk).await;
        authority.feels(Mood::Good);
        world.pass(SignedDuration::from_mins(20));
        let done = office.service.upkeep_round(&Upkeeping::with(desk)).await.unwrap();
        assert!(matches!(outcomes(&done)[..], [Outcome::Done { .. }]), "{done:?}");
        let report = world.judge_with(office.bytes(id).await, false, &Policy::strict());
        assert_eq!(super::world::told(&report), ["TOTAL-PASSED PAdES-BASELINE-LT"; 2]);
        let upkeep = office.document(id).await.upkeep.unwrap();
        assert_eq!((upkeep.reached_level, upkeep.due_at), (Level::Lt, None));
        office.is_sound().await;
    }
}

/// An archive time-stamp is renewed before its authority's certificate ends, once, and again when the next one ages.
#[tokio::test(flavor = "multi_thread")]
async fn archives_are_renewed_before_they_end() {
    for database in databases().await {
        let world = World::new();
        let office = Office::on(&world, database).await;
        let first = Authority::start(&world, DAY * 400);
        let desk = Arc::new(world.desk(Some(deferring(&first, Level::Lta))));
        let id = office.upload().await;
        let signed = office.sign(id, Role::Approve, &desk).await;
        let due = signed.upkeep.unwrap().due_at.unwrap();
        assert_eq!(due, world.clock.now() + DAY * 310, "90 days before the end");
        let keep = Upkeeping::with(desk);
        world.pass(DAY * 309);
        assert!(office.service.upkeep_round(&keep).await.unwrap().is_empty());

        world.pass(DAY * 2);
        let second = Authority::start(&world, DAY * 400);
        let keep = Upkeeping::with(Arc::new(world.desk(Some(deferring(&second, Level::Lta)))));
        let done = office.service.upkeep_round(&keep).await.unwrap();
        assert!(
            matches!(done[..], [Kept { task: UpkeepTask::Renew, outcome: Outcome::Done { .. }, .. }]),
            "{done:?}"
        );
        assert!(office.service.upkeep_round(&keep).await.unwrap().is_empty(), "renewed once");
        world.pass(DAY * 312);
        let third = Authority::start(&world, DAY * 400);
        let keep = Upkeeping::with(Arc::new(world.desk(Some(deferring(&third, Level::Lta)))));
        assert_eq!(office.service.upkeep_round(&keep).await.unwrap().len(), 1);

        world.pass(DAY * 300);
        let report = world.judge_with(office.bytes(id).await, true, &Policy::strict());
        assert_eq!((report.overall, archive_stamps(&report)), (Overall::Valid, 3), "{report:#?}");
        assert_eq!(super::world::told(&report), ["TOTAL-PASSED PAdES-BASELINE-LTA"]);
        assert_eq!(office.document(id).await.extensions.len(), 2);
        office.is_sound().await;
    }
}

/// A new policy on algorithms is a reason to look at the dates again, and to renew if they are near.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_policy_on_algorithms_is_heeded() {
    let world = World::new();
    let office = Office::on(&world, crate::databases::sqlite()).await;
    let authority = Authority::start(&world, DAY * 3_000);
    let desk = Arc::new(world.desk(Some(deferring(&authority, Level::Lta))));
    let id = office.upload().await;
    let before = office.sign(id, Role::Approve, &desk).await.upkeep.unwrap();
    let with_policy = |until: SignedDuration| {
        let policy =
            Policy { cryptography: Arc::new(weakened(world.clock.now() + until)), ..Policy::strict() };
        let stamping = deferring(&authority, Level::Lta);
        Upkeeping::with(Arc::new(SigningDesk { policy, ..world.desk(Some(stamping)) }))
    };
    let far = with_policy(DAY * 1_000);
    let looked = office.service.upkeep_round(&far).await.unwrap();
    assert!(matches!(outcomes(&looked)[..], [Outcome::Looked]), "{looked:?}");
    let after = office.document(id).await.upkeep.unwrap();
    assert!(after.good_until < before.good_until && after.due_at < before.due_at, "{after:?}");
    assert!(office.service.upkeep_round(&far).await.unwrap().is_empty(), "looked at once");
    office.is_sound().await;
}

/// The strict policy with SHA-256 imprints trusted until a day only.
fn weakened(until: kyso::base::UtcTime) -> CryptographicPolicy {
    let day = until.to_string();
    let strict = "algorithm = \"SHA-256\"\nuntil = \"forever\"\n";
    let others = format!("{strict}uses = [\"signature\", \"certificate\", \"time-stamp\", \"revocation\"]\n");
    let imprint =
        format!("\n[[digest]]\nalgorithm = \"SHA-256\"\nuntil = {}\nuses = [\"imprint\"]\n", &day[..10]);
    let text = CryptographicPolicy::strict().to_toml();
    assert!(text.contains(strict), "{text}");
    CryptographicPolicy::from_toml(&(text.replacen(strict, &others, 1) + &imprint)).unwrap()
}

/// Several nodes share the work: each document is raised once.
#[tokio::test(flavor = "multi_thread")]
async fn nodes_share_the_work() {
    for database in databases().await {
        let world = World::new();
        let office = Office::on(&world, database).await;
        let authority = Authority::start(&world, DAY * 800);
        authority.feels(Mood::Busy);
        let desk = Arc::new(world.desk(Some(deferring(&authority, Level::Lt))));
        let mut ids = Vec::new();
        for _ in 0..6 {
            let id = office.upload().await;
            office.sign(id, Role::Approve, &desk).await;
            ids.push(id);
        }
        authority.feels(Mood::Good);
        world.pass(SignedDuration::from_mins(20));
        let nodes = [office.node(&world).await, office.node(&world).await, office.service.clone()];
        let rounds = nodes.map(|node| {
            let keep = Upkeeping::with(Arc::new(world.desk(Some(deferring(&authority, Level::Lt)))));
            tokio::spawn(async move { node.upkeep_round(&keep).await.unwrap() })
        });
        let mut done = 0;
        for round in rounds {
            let all = round.await.unwrap();
            assert!(all.iter().all(|kept| matches!(kept.outcome, Outcome::Done { .. })), "{all:?}");
            done += all.len();
        }
        assert_eq!(done, ids.len());
        for id in ids {
            assert_eq!(office.document(id).await.extensions.len(), 1);
        }
        office.is_sound().await;
    }
}

/// What was signed meanwhile is not written over.
#[tokio::test(flavor = "multi_thread")]
async fn a_claim_ends_when_the_document_changes() {
    let world = World::new();
    let office = Office::on(&world, crate::databases::sqlite()).await;
    let authority = Authority::start(&world, DAY * 800);
    authority.feels(Mood::Busy);
    let desk = Arc::new(world.desk(Some(deferring(&authority, Level::Lt))));
    let id = office.upload().await;
    office.sign(id, Role::Approve, &desk).await;
    authority.feels(Mood::Good);
    // The authority takes its time, and the agency signs in between.
    world.pass(SignedDuration::from_mins(20));
    let keep = Upkeeping::with(Arc::new(world.desk(Some(deferring(&authority, Level::Lt)))));
    let node = office.node(&world).await;
    let (round, issued) = tokio::join!(
        async {
            authority.feels(Mood::Silent);
            let slow = tokio::spawn(async move { node.upkeep_next(&keep).await.unwrap() });
            slow.await.unwrap()
        },
        async {
            let quick = Arc::new(world.usual_desk(Level::Lt));
            office.sign(id, Role::Issue, &quick).await
        }
    );
    assert!(!matches!(round.unwrap().outcome, Outcome::Done { .. }));
    assert_eq!(office.document(id).await.sha256, issued.sha256);
    authority.feels(Mood::Good);
    world.pass(SignedDuration::from_hours(1));
    let keep = Upkeeping::with(Arc::new(world.desk(Some(deferring(&authority, Level::Lt)))));
    office.service.upkeep_round(&keep).await.unwrap();
    // The document time-stamp that the first signature needed covers the evidence that came with the second.
    let report = world.judge_with(office.bytes(id).await, true, &Policy::strict());
    assert_eq!(super::world::told(&report), ["TOTAL-PASSED PAdES-BASELINE-LTA"; 2]);
    office.is_sound().await;
}

/// Extending on request: recorded for who asked; refused things leave no queue behind.
#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_extended_on_request() {
    for database in databases().await {
        let world = World::new();
        let office = Office::on(&world, database).await;
        let authority = Authority::start(&world, DAY * 800);
        let at_t = Arc::new(world.desk(Some(deferring(&authority, Level::T))));
        let keep = Upkeeping::with(Arc::clone(&at_t));
        let id = office.upload().await;
        let extend = async |to, renew| {
            let order = ExtendOrder { renew, ..ExtendOrder::to(to) };
            office.service.extend_document(&office.clerk, id, &keep, order).await
        };
        let unsigned = extend(Level::Lt, false).await;
        assert!(matches!(unsigned, Err(SignDocumentError::Service(ServiceError::Unsigned))), "{unsigned:?}");
        let signed = office.sign(id, Role::Approve, &at_t).await;
        assert_eq!(signed.upkeep.unwrap().asked_level, Level::T);

        let (document, later) = extend(Level::Lta, false).await.unwrap();
        assert_eq!(later, None);
        assert_eq!(document.upkeep.as_ref().unwrap().reached_level, Level::Lta);
        assert_eq!(document.extensions[0].recorded_by, Some(office.clerk.member().id));
        let (again, _) = extend(Level::Lta, false).await.unwrap();
        assert_eq!(again.sha256, document.sha256, "it had the level");
        let (renewed, _) = extend(Level::Lta, true).await.unwrap();
        assert_eq!((renewed.extensions.len(), renewed.extensions[1].task), (2, UpkeepTask::Renew));

        authority.feels(Mood::Busy);
        let (document, later) = extend(Level::Lta, true).await.unwrap();
        assert!(later.unwrap().contains("500"));
        assert_eq!((document.sha256, document.upkeep.unwrap().tries), (renewed.sha256, 1));
        let refusing = TimeStamping::new(authority.url());
        let keep = Upkeeping::with(Arc::new(world.desk(Some(refusing))));
        let order = ExtendOrder { renew: true, ..ExtendOrder::to(Level::Lta) };
        let refused = office.service.extend_document(&office.clerk, id, &keep, order).await;
        assert!(matches!(refused, Err(SignDocumentError::Extend(_))), "{refused:?}");
        office.is_sound().await;
    }
}

/// An encrypted document is extended with its password. Without it nothing is, and no queue is left behind.
#[tokio::test(flavor = "multi_thread")]
async fn an_encrypted_document_is_extended_with_its_password() {
    let Some((_folder, pdf)) = encrypted() else { return };
    for database in databases().await {
        let world = World::new();
        let office = Office::on(&world, database).await;
        let authority = Authority::start(&world, DAY * 400);
        let desk = Arc::new(world.desk(Some(deferring(&authority, Level::B))));
        let keep = Upkeeping::with(Arc::clone(&desk));
        let id = office.upload_file(&pdf).await;
        office.sign(id, Role::Approve, &desk).await;
        let extend = async |password| {
            let order = ExtendOrder { password, ..ExtendOrder::to(Level::Lta) };
            office.service.extend_document(&office.clerk, id, &keep, order).await
        };
        let wrong = Some(Arc::new(Password::new(b"khac".to_vec())));
        for password in [None, wrong] {
            let refused = extend(password).await;
            assert!(matches!(refused, Err(SignDocumentError::Extend(_))), "{refused:?}");
            assert_eq!(office.document(id).await.upkeep, None);
        }
        let (document, later) = extend(Some(password())).await.unwrap();
        assert_eq!((later, document.upkeep.unwrap().reached_level), (None, Level::Lta));
        // What falls due later cannot be done unasked, and is told; asking with the password does it.
        world.pass(DAY * 311);
        let kept = office.service.upkeep_round(&keep).await.unwrap();
        let told = matches!(&outcomes(&kept)[..], [Outcome::Failed { why }] if why.contains("password"));
        assert!(told, "{kept:#?}");
        office.is_sound().await;
    }
}

/// What opens [`encrypted`].
fn password() -> Arc<Password> {
    Arc::new(Password::new(b"mo-ra".to_vec()))
}

fn encrypted() -> Option<(tempfile::TempDir, PathBuf)> {
    let folder = tempfile::tempdir().unwrap();
    let pdf = folder.path().join("encrypted.pdf");
    encrypt((&decision(), &pdf), ["mo-ra", "chu-so-huu"], &["256"], &[])?;
    Some((folder, pdf))
}

/// A quota in the database is shared by nodes and outlives restarts.
#[tokio::test(flavor = "multi_thread")]
async fn quotas_survive_a_restart() {
    for database in databases().await {
        let world = World::new();
        let office = Office::on(&world, database).await;
        let authority = Authority::start(&world, DAY * 800);
        let quota = Quota { per_hour: Some(3), per_day: Some(5) };
        let limited = AuthoritySettings { quota, ..AuthoritySettings::new(authority.url()) };
        let runtime = tokio::runtime::Handle::current();
        let desk = |service: &Service| {
            let stamping = TimeStamping::of(vec![limited.clone()]);
            Arc::new(world.desk(Some(stamping.kept_by(service.time_stamp_keeper(runtime.clone())))))
        };
        let sign = |desk: &Arc<SigningDesk>| {
            tokio::task::block_in_place(|| {
                office.persons[0].sign(desk, &decision(), &world.path("q.pdf"), None)
            })
        };
        let first = desk(&office.service);
        sign(&first).unwrap();
        let node = office.node(&world).await;
        let second = desk(&node);
        let refused = sign(&second).unwrap_err();
        assert!(refused.to_string().contains("quota"), "one to measure and one to stamp are left: {refused}");
        assert_eq!(authority.asked(), 3);
        world.pass(SignedDuration::from_hours(1));
        sign(&first).unwrap();
        sign(&second).unwrap();
        assert!(sign(&first).is_err(), "five a day");
        world.pass(SignedDuration::from_hours(24));
        sign(&second).unwrap();
    }
}

/// Where upkeep can be killed.
const POINTS: [&str; 5] = ["upkeep.claim", "upkeep.work", "upkeep.blob", "upkeep.row", "upkeep.commit"];

/// Killed at each step: the document is as it was, or as it should be, and the next round finishes what is left.
#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_middle_nothing_is_lost_or_doubled() {
    for point in POINTS {
        for database in databases().await {
            let world = World::new();
            let office = Office::on(&world, database).await;
            let authority = Authority::start(&world, DAY * 800);
            authority.feels(Mood::Busy);
            let desk = Arc::new(world.desk(Some(deferring(&authority, Level::Lta))));
            let id = office.upload().await;
            let signed = office.sign(id, Role::Approve, &desk).await;
            authority.feels(Mood::Good);
            world.pass(SignedDuration::from_mins(20));
            let child = Child {
                url: office.database.url.clone(),
                blobs: office.database.blobs(),
                ledger: office.ledger_key.clone(),
                point: point.to_owned(),
                now: world.clock.now().to_string(),
                authority: authority.url(),
                host: world.pki.host(),
                root: world.root.clone(),
            };
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.args(["--ignored", "--exact", "levels::upkeep::killed_child"]);
            let child = serde_json::to_string(&child).unwrap();
            let ended = tokio::task::block_in_place(|| command.env(CHILD, child).output().unwrap());
            let ended = std::os::unix::process::ExitStatusExt::signal(&ended.status);
            assert_eq!(ended, Some(9), "{point}: it was to be killed");

            let document = office.document(id).await;
            if point == "upkeep.commit" {
                assert_eq!(document.upkeep.as_ref().unwrap().reached_level, Level::Lta);
            } else {
                assert_eq!(document.sha256, signed.sha256, "{point}");
                assert!(document.extensions.is_empty(), "{point}");
            }
            office.is_sound().await;
            let keep = Upkeeping::with(Arc::new(world.desk(Some(deferring(&authority, Level::Lta)))));
            let early = office.service.upkeep_round(&keep).await.unwrap();
            assert!(early.is_empty(), "{point}: the claim of the dead is held until it runs out");
            world.pass(SignedDuration::from_mins(16));
            let rounds = office.service.upkeep_round(&keep).await.unwrap();
            assert_eq!(rounds.len(), usize::from(point != "upkeep.commit"), "{point}: {rounds:?}");
            let document = office.document(id).await;
            assert_eq!(document.extensions.len(), 1, "{point}");
            assert_eq!(document.upkeep.unwrap().reached_level, Level::Lta, "{point}");
            let report = world.judge_with(office.bytes(id).await, true, &Policy::strict());
            assert_eq!(super::world::told(&report), ["TOTAL-PASSED PAdES-BASELINE-LTA"], "{point}");
            office.is_sound().await;
        }
    }
}

const CHILD: &str = "KYSO_TEST_UPKEEP";

#[derive(serde::Serialize, serde::Deserialize)]
struct Child {
    url: String,
    blobs: PathBuf,
    ledger: String,
    point: String,
    now: String,
    authority: String,
    host: String,
    root: PathBuf,
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "the child of `killed_in_the_middle_nothing_is_lost_or_doubled`, which starts it"]
async fn killed_child() {
    let child: Child = serde_json::from_str(&std::env::var(CHILD).expect("started by its parent")).unwrap();
    let clock = Clock::Fixed(child.now.parse().unwrap());
    let service = open(clock, &child.url, child.blobs, &child.ledger, Faults::kill_at(&child.point)).await;
    let root = kyso::x509::certificates_from_pem(&std::fs::read(child.root).unwrap()).unwrap();
    let stamping = TimeStamping::new(child.authority).reaching(Level::Lta).when_unreached(Unreached::Defer);
    let desk = SigningDesk {
        clock,
        chance: Chance::system(),
        limits: Limits::default(),
        fetcher: Arc::new(Fetcher::allowing([child.host]).with_clock(clock)),
        time_stamping: Some(stamping),
        anchors: Anchors::new("test", root),
        policy: Policy::strict(),
        online: true,
        known: Arc::default(),
    };
    service.upkeep_round(&Upkeeping::with(Arc::new(desk))).await.unwrap();
    panic!("{} was never reached", child.point);
}
