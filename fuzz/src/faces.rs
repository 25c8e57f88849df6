//! What comes from clients and from files of settings and proofs.

use std::{
    path::Path,
    sync::{Arc, OnceLock},
};

use axum::{
    Router,
    body::Body,
    http::{Request, header},
};
use kyso::{
    base::{Chance, Clock, Limits},
    config::LimitSettings,
    crypto::policy::CryptographicPolicy,
    fetch::Fetcher,
    http::{App, Parts, Settings, Signers},
    ledger::{LedgerKey, Proof, TilePath, VerifierKey},
    service::{HeldKeys, Service, Setup, sign::SigningDesk},
    trust::TrustProfiles,
    validation::Policy,
};
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

use crate::formats::nobody;

/// A request's body, to a route that anybody may call: the first byte chooses the route, the rest is the body.
///
/// Every answer is one that the route describes; never "something of ours went wrong".
pub(crate) fn http(data: &[u8]) {
    static SERVER: OnceLock<Server> = OnceLock::new();
    let server = SERVER.get_or_init(|| Server::start().expect("a server can be made"));
    let Some((choice, body)) = data.split_first() else { return };
    let (path, kind) = ROUTES[usize::from(*choice) % ROUTES.len()];
    let request = Request::post(path)
        .header(header::CONTENT_TYPE, kind)
        .body(Body::from(body.to_vec()))
        .expect("the addresses are well formed");
    let answer = server.runtime.block_on(server.router.clone().oneshot(request)).expect("it always answers");
    assert!(!answer.status().is_server_error(), "{path} ({kind}) answered {}", answer.status());
}

/// Multipart bodies have `B` for their boundary.
const ROUTES: [(&str, &str); 6] = [
    ("/api/v1/verifications", "multipart/form-data; boundary=B"),
    ("/validate", "application/json"),
    ("/kiem-tra", "multipart/form-data; boundary=B"),
    ("/api/v1/verifications", "application/pdf"),
    ("/validateHashcode", "application/json"),
    ("/api/v1/dispatches", "application/json"),
];

struct Server {
    runtime: Runtime,
    router: Router,
    _folder: tempfile::TempDir,
}

impl Server {
    fn start() -> Result<Self, Box<dyn std::error::Error>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let folder = tempfile::tempdir()?;
        let service = runtime.block_on(service(folder.path()))?;
        let desk = SigningDesk {
            clock: Clock::System,
            chance: Chance::system(),
            limits: Limits::default(),
            fetcher: Arc::new(Fetcher::new()),
            time_stamping: None,
            anchors: nobody(),
            policy: Policy::strict(),
            online: false,
            known: Arc::default(),
        };
        let limits = LimitSettings { public_verifications_per_minute: 0, ..LimitSettings::default() };
        let app = App::new(Parts {
            service,
            desk: Arc::new(desk),
            signers: Signers::held(HeldKeys::default()),
            settings: Settings { limits, ..Settings::default() },
        });
        Ok(Self { runtime, router: kyso::http::router(app), _folder: folder })
    }
}

async fn service(folder: &Path) -> Result<Service, Box<dyn std::error::Error>> {
    let key = LedgerKey::generate("kyso.example/fuzz", &Chance::system())?;
    let database = format!("sqlite://{}", folder.join("fuzz.db").display());
    Ok(Service::open(Setup::new(database, folder.join("files"), key)).await?)
}

/// Proofs, checkpoints, keys and paths of the ledger; trust profiles and cryptographic policies. What is read is
/// written again and read the same.
pub(crate) fn text(data: &[u8]) {
    static KEY: OnceLock<LedgerKey> = OnceLock::new();
    let key = KEY.get_or_init(|| LedgerKey::generate("kyso.example/fuzz", &Chance::system()).expect("a key"));
    let _ = key.verifier().open(data);
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(proof) = Proof::parse(text) {
        assert_eq!(Proof::parse(&proof.to_text()).as_ref(), Ok(&proof), "a proof changed by being written");
        assert!(proof.check(key.verifier()).is_err(), "a proof under a key that signed nothing");
    }
    if let Ok(path) = text.parse::<TilePath>() {
        assert_eq!(path.to_string(), text);
        let _ = path.is_in(1 << 40);
    }
    if let Ok(verifier) = VerifierKey::parse(text) {
        let again = VerifierKey::parse(&verifier.to_string());
        assert_eq!(again.map(|key| key.to_string()).ok(), Some(verifier.to_string()));
    }
    let _ = LedgerKey::parse(text);
    let _ = TrustProfiles::parse(text);
    if let Ok(policy) = CryptographicPolicy::from_toml(text) {
        assert_eq!(CryptographicPolicy::from_toml(&policy.to_toml()).as_ref().ok(), Some(&policy));
    }
}
