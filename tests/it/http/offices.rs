//! A small server over any database, that can be stopped and started again at another time.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use kyso::{
    base::{Chance, Clock, Limits, UtcTime},
    config::LimitSettings,
    demo::pki::{DemoServices, Holder, KeyAlgorithm, SigningKey},
    dispatch::Numbering,
    fetch::Fetcher,
    http::{App, Listen, Parts, Running, Settings, Signers},
    ledger::LedgerKey,
    people::{Agency, Role, Scopes},
    service::{
        HeldKeys, NewApiKey, NewMember, Service, Setup,
        sign::{SigningDesk, TimeStamping},
    },
    trust::Anchors,
    validation::Policy,
    x509::Certificate,
};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::town::{Person, sample};
use crate::databases::Database;

/// Two agencies on one server, whose time is what the test says.
pub(super) struct Offices {
    pub(super) pki: DemoServices,
    pub(super) database: Database,
    runtime: Runtime,
    pub(super) ledger_key: String,
    limits: LimitSettings,
    running: Option<(App, Running)>,
    pub(super) service: Option<Service>,
    pub(super) keys: Vec<String>,
    pub(super) held: HeldKeys,
}

/// The members of [`Offices`], in the order of their keys.
pub(super) const LEADER: usize = 0;
pub(super) const CLERK: usize = 1;
pub(super) const SECOND_LEADER: usize = 2;
pub(super) const STRANGER: usize = 3;

impl Offices {
    /// Opens for the first time; `limits` hold for every start.
    pub(super) fn open(database: Database, limits: LimitSettings) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let ledger_key = LedgerKey::generate("kyso.test/so", &Chance::system()).unwrap();
        let mut offices = Self {
            pki: DemoServices::start(Clock::System, Chance::system()).unwrap(),
            database,
            runtime,
            ledger_key: ledger_key.reveal().to_owned(),
            limits,
            running: None,
            service: None,
            keys: Vec::new(),
            held: HeldKeys::new(),
        };
        offices.start(Clock::System);
        offices.keys = offices.runtime.block_on(seed(offices.service.as_ref().unwrap()));
        offices
    }

    /// The same database served by a fresh process, as far as it can tell, at this moment.
    pub(super) fn start(&mut self, clock: Clock) {
        self.stop();
        let setup = Setup {
            clock,
            ..Setup::new(
                self.database.url.clone(),
                self.database.blobs(),
                LedgerKey::parse(&self.ledger_key).unwrap(),
            )
        };
        let service = self.runtime.block_on(Service::open(setup)).unwrap();
        let desk = desk(clock, self.pki.host(), self.pki.tsa_url(), self.pki.pki().anchors());
        let app = App::new(Parts {
            service: service.clone(),
            desk: Arc::new(desk),
            signers: Signers::held(self.held.clone()),
            settings: Settings { limits: self.limits.clone(), ..Settings::default() },
        });
        let listen = Listen { address: SocketAddr::from(([127, 0, 0, 1], 0)), tls: None };
        let running = self.runtime.block_on(async {
            app.resume_batches();
            kyso::http::serve(app.clone(), &listen).await.unwrap()
        });
        self.running = Some((app, running));
        self.service = Some(service);
    }

    /// Stops the server, whatever it is doing.
    pub(super) fn stop(&mut self) {
        if let Some((_, running)) = self.running.take() {
            self.runtime.block_on(running.stop(Duration::from_millis(200))).unwrap();
        }
        if let Some(service) = self.service.take() {
            self.runtime.block_on(service.close());
        }
    }

    /// Lets batches end with the documents that are under way, as a server does that was asked to stop.
    pub(super) fn pause(&self) {
        let (app, _) = self.running.as_ref().unwrap();
        self.runtime.block_on(app.pause_batches(Duration::from_mins(1)));
    }

    pub(super) fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    pub(super) fn person(&self, index: usize) -> Person {
        Person::new(self.running.as_ref().unwrap().1.address, Some(self.keys[index].clone()))
    }

    /// A fresh draft of the office.
    pub(super) fn draft(&self) -> String {
        self.person(CLERK).upload(&sample()).text("id")
    }

    /// A key that the server does not know, with a certificate that it believes.
    pub(super) fn outside_key(&self, algorithm: KeyAlgorithm) -> (SigningKey, Certificate) {
        let key = SigningKey::generate(algorithm).unwrap();
        let certificate = self.pki.pki().issue_person(key.spki_der(), &Holder::new("Lê Thị Ngoài")).unwrap();
        (key, certificate)
    }

    /// The body of a request to prepare.
    pub(super) fn wish(&self, certificate: &Certificate) -> Value {
        let base64 = |certificate: &Certificate| STANDARD.encode(certificate.der());
        let chain: Vec<String> = self.pki.pki().chain().iter().map(base64).collect();
        json!({
            "role": "approve", "certificate": base64(certificate), "chain": chain, "reason": "Phê duyệt",
        })
    }
}

impl Drop for Offices {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A desk that asks the demo's authorities.
pub(super) fn desk(clock: Clock, host: String, tsa: String, anchors: Anchors) -> SigningDesk {
    SigningDesk {
        clock,
        chance: Chance::system(),
        limits: Limits::default(),
        fetcher: Arc::new(Fetcher::allowing([host])),
        time_stamping: Some(TimeStamping::new(tsa)),
        anchors,
        policy: Policy::strict(),
        online: true,
        known: Arc::default(),
    }
}

/// The moment so long from now.
pub(super) fn later(by: Duration) -> Clock {
    Clock::Fixed(Clock::System.now().checked_add(by).unwrap_or(UtcTime::MAX))
}

/// API keys of the office's leader and clerk, of a second leader, and of another agency's leader.
async fn seed(service: &Service) -> Vec<String> {
    let mut keys = Vec::new();
    for (code, name) in [("H99", "Ủy ban nhân dân tỉnh Sông Lam"), ("H98", "Ủy ban nhân dân tỉnh Khác")]
    {
        let agency =
            Agency { code: code.parse().unwrap(), name: name.to_owned(), place: "Sông Lam".to_owned() };
        service.add_agency(agency, Numbering::PerType).await.unwrap();
    }
    for (code, name, role) in [
        ("H99", "Đặng Thuỳ Hương Giang", Role::Leader),
        ("H99", "Hồ Bá Thịnh", Role::Clerk),
        ("H99", "Vũ Văn Hai", Role::Leader),
        ("H98", "Phạm Thị Khác", Role::Leader),
    ] {
        let member = NewMember {
            agency: code.parse().unwrap(),
            name: name.to_owned(),
            position: "Cán bộ".to_owned(),
            roles: [role].into(),
        };
        let member = service.add_member(member).await.unwrap().id;
        let scopes: Scopes = role.permits().iter().copied().collect();
        let key = NewApiKey { member, scopes, expires_at: None, test: true };
        keys.push(service.create_api_key(key).await.unwrap().text);
    }
    keys
}
