//! A PKI whose clock moves, authorities that misbehave on demand, keys in memory, and judges.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use jiff::SignedDuration;
use kyso::{
    base::{Chance, Clock, ClockHand, Limits, MemorySource, Source, UtcTime},
    demo::pki::{
        CertificateRequest, DemoServices, Holder, KeyAlgorithm, Profile, SigningKey, TimeStampAuthority,
    },
    fetch::Fetcher,
    pdf::{Document, Object, Stream},
    service::{
        extend::{ExtendError, Extended, Extension},
        sign::{Identity, Released, SignError, SigningDesk, TimeStamping},
        verify::{Options, verify_source},
    },
    signing::Wishes,
    trust::Anchors,
    tsp::{self, TstInfo},
    validation::{DocumentReport, Level, Policy, SignatureReport},
    x509::Certificate,
};

use crate::support::{PyHanko, root, run, serve};

pub(super) const DAY: SignedDuration = SignedDuration::from_hours(24);
pub(super) const TEN_MINUTES: SignedDuration = SignedDuration::from_mins(10);

/// A PKI on the network and a clock that all share.
pub(super) struct World {
    pub(super) hand: ClockHand,
    pub(super) clock: Clock,
    pub(super) pki: DemoServices,
    pub(super) folder: tempfile::TempDir,
    pub(super) root: PathBuf,
}

impl World {
    /// It is now.
    pub(super) fn new() -> Self {
        let hand = ClockHand::at(Clock::System.now());
        let clock = Clock::Moved(hand);
        let pki = DemoServices::start(clock, Chance::system()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root.pem");
        fs::write(&root, pki.pki().root().certificate().to_pem()).unwrap();
        Self { hand, clock, pki, folder, root }
    }

    pub(super) fn pass(&self, time: SignedDuration) {
        self.hand.set(self.clock.now() + time);
    }

    /// Works at a desk of now while the PKI is so far behind: its answers are older than what was signed.
    pub(super) fn behind<R>(&self, time: SignedDuration, work: impl FnOnce(&SigningDesk) -> R) -> R {
        let clock = Clock::Fixed(self.clock.now());
        let fetcher = Arc::new(self.fetcher().with_clock(clock));
        let desk = SigningDesk { clock, fetcher, ..self.usual_desk(Level::T) };
        self.pass(-time);
        let done = work(&desk);
        self.pass(time);
        done
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn anchors(&self) -> Anchors {
        self.pki.pki().anchors()
    }

    pub(super) fn fetcher(&self) -> Fetcher {
        Fetcher::allowing([self.pki.host()]).with_clock(self.clock)
    }

    /// A desk with these authorities.
    pub(super) fn desk(&self, time_stamping: Option<TimeStamping>) -> SigningDesk {
        SigningDesk {
            clock: self.clock,
            chance: Chance::system(),
            limits: Limits::default(),
            fetcher: Arc::new(self.fetcher()),
            time_stamping,
            anchors: self.anchors(),
            policy: Policy::strict(),
            online: true,
            known: Arc::default(),
        }
    }

    /// A desk with the demo's authority.
    pub(super) fn usual_desk(&self, level: Level) -> SigningDesk {
        self.desk(Some(TimeStamping::new(self.pki.tsa_url()).reaching(level)))
    }

    /// A key in memory with a certificate of three years.
    pub(super) fn person(&self, name: &str) -> Person {
        let key = SigningKey::generate(KeyAlgorithm::EcP256).unwrap();
        let certificate = self.pki.pki().issue_person(key.spki_der(), &Holder::new(name)).unwrap();
        let chain = self.pki.pki().chain();
        Person { key, certificate, chain, uses: AtomicUsize::new(0) }
    }

    /// The verdict at the moment that the clock shows; with `online`, present status is fetched.
    pub(super) fn judge(&self, pdf: &Path, online: bool) -> DocumentReport {
        self.judge_with(fs::read(pdf).unwrap(), online, &Policy::strict())
    }

    pub(super) fn judge_with(&self, pdf: Vec<u8>, online: bool, policy: &Policy) -> DocumentReport {
        let (anchors, limits, fetcher) = (self.anchors(), Limits::default(), self.fetcher());
        let options = Options {
            anchors: &anchors,
            policy,
            moment: self.clock.now(),
            fetcher: online.then_some(&fetcher),
            limits: &limits,
        };
        verify_source("a.pdf", Arc::new(MemorySource(pdf)), &options).unwrap()
    }

    /// Indication and level of each signature that is no document time-stamp.
    pub(super) fn told(&self, pdf: &Path, online: bool) -> Vec<String> {
        told(&self.judge(pdf, online))
    }
}

/// As `TOTAL-PASSED PAdES-BASELINE-LT`, in the order of the file; document time-stamps left out.
pub(super) fn told(report: &DocumentReport) -> Vec<String> {
    let signatures = report.signatures.iter().filter(|one| one.signature_format != "DOC-TIME-STAMP");
    signatures.map(one_told).collect()
}

fn one_told(signature: &SignatureReport) -> String {
    let indication = serde_json::to_value(signature.indication).unwrap();
    let sub = signature.sub_indication.as_ref().map(|sub| format!("/{sub}")).unwrap_or_default();
    format!("{}{sub} {}", indication.as_str().unwrap(), signature.signature_format)
}

/// How many document time-stamps a report tells of.
pub(super) fn archive_stamps(report: &DocumentReport) -> usize {
    report.signatures.iter().filter(|one| one.signature_format == "DOC-TIME-STAMP").count()
}

/// Who signs, and how often.
pub(super) struct Person {
    pub(super) key: SigningKey,
    pub(super) certificate: Certificate,
    pub(super) chain: Vec<Certificate>,
    uses: AtomicUsize,
}

impl Person {
    pub(super) fn sign(
        &self,
        desk: &SigningDesk,
        input: &Path,
        output: &Path,
        level: Option<Level>,
    ) -> Result<Released, SignError> {
        self.sign_source(desk, &MemorySource(fs::read(input).unwrap()), output, level)
    }

    pub(super) fn sign_source(
        &self,
        desk: &SigningDesk,
        input: &dyn Source,
        output: &Path,
        level: Option<Level>,
    ) -> Result<Released, SignError> {
        let (certificate, chain) = (self.certificate.clone(), self.chain.clone());
        let identity = Identity { certificate, chain, scheme: self.key.scheme() };
        let wishes = Wishes { level, ..Wishes::default() };
        desk.sign_with(input, output, identity, &wishes, |scheme, message| {
            self.uses.fetch_add(1, Ordering::SeqCst);
            Ok(self.key.sign_as(scheme, message).expect("a key in memory signs"))
        })
    }

    /// How often the key was used.
    pub(super) fn uses(&self) -> usize {
        self.uses.load(Ordering::SeqCst)
    }
}

pub(super) fn extend(
    desk: &SigningDesk,
    input: &Path,
    output: &Path,
    extension: &Extension,
) -> Result<Extended, ExtendError> {
    desk.extend_file(&MemorySource(fs::read(input).unwrap()), output, extension, None)
}

/// What an authority does with the next requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mood {
    BrokenSignature,
    Busy,
    Garbage,
    Good,
    /// For the first request ever, then busy.
    GoodOnce,
    LateClock,
    Silent,
    WrongImprint,
    WrongNonce,
}

/// A time-stamp authority of its own, below the demo's CA.
pub(super) struct Authority {
    address: SocketAddr,
    mood: Arc<Mutex<Mood>>,
    asked: Arc<AtomicUsize>,
    _stop: tokio::sync::oneshot::Sender<()>,
}

impl Authority {
    /// With a certificate from an hour ago for so long.
    pub(super) fn start(world: &World, life: SignedDuration) -> Self {
        let key = SigningKey::generate(KeyAlgorithm::EcP256).unwrap();
        let now = world.clock.now();
        let request = CertificateRequest {
            holder: &Holder::new("Dấu thời gian phụ"),
            spki_der: key.spki_der(),
            profile: Profile::TimeStamping,
            not_before: now - SignedDuration::from_hours(1),
            not_after: now + life,
        };
        let ca = world.pki.pki().ca();
        let certificate = ca.issue(&request).unwrap();
        let chain = vec![ca.certificate().clone()];
        let authority = TimeStampAuthority::new(key, certificate, chain, world.clock, Chance::system());

        let (mood, asked) = (Arc::new(Mutex::new(Mood::Good)), Arc::new(AtomicUsize::new(0)));
        let (feels, counts, clock) = (Arc::clone(&mood), Arc::clone(&asked), world.clock);
        let authority = Arc::new(authority);
        let answer = move |body: axum::body::Bytes| {
            let earlier = counts.fetch_add(1, Ordering::SeqCst);
            let (mood, authority) = (*feels.lock().unwrap(), Arc::clone(&authority));
            async move {
                if mood == Mood::Silent {
                    tokio::time::sleep(Duration::from_mins(5)).await;
                }
                if mood == Mood::Busy || (mood == Mood::GoodOnce && earlier > 0) {
                    return (axum::http::StatusCode::INTERNAL_SERVER_ERROR, Vec::new());
                }
                (axum::http::StatusCode::OK, misbehave(&authority, mood, &body, clock.now()))
            }
        };
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        listener.set_nonblocking(true).unwrap();
        let answer = Arc::new(answer);
        let router = axum::Router::new().route("/", axum::routing::post(move |body| answer(body)));
        let stop = serve(listener, router);
        Self { address, mood, asked, _stop: stop }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    pub(super) fn feels(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// Requests so far.
    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// The answer of an authority in this mood; all but the garbage are granted.
fn misbehave(authority: &TimeStampAuthority, mood: Mood, body: &[u8], now: UtcTime) -> Vec<u8> {
    let Ok(mut request) = tsp::Request::parse(body) else { return Vec::new() };
    let mut time = now;
    match mood {
        Mood::Garbage => return b"<html>Service temporarily unavailable</html>".to_vec(),
        Mood::WrongImprint => request.imprint = request.imprint.algorithm.digest(b"something else"),
        Mood::WrongNonce => request.nonce = Some(vec![0x11; 8]),
        Mood::LateClock => time = now - DAY,
        Mood::BrokenSignature | Mood::Busy | Mood::Good | Mood::GoodOnce | Mood::Silent => {}
    }
    let mut token = authority.token(&request, time).unwrap();
    if mood == Mood::BrokenSignature {
        // The last octets are those of the signature value.
        let last = token.len() - 1;
        token[last] ^= 1;
    }
    assert!(TstInfo::parse(&tsp::Token::parse(&token, &Limits::default()).unwrap().tst_info_der).is_ok());
    tsp::granted_response(&token)
}

/// pyHanko's validation with long-term data, offline: each signature's indication, that of its time-stamp, and whether an
/// archive time-stamp was found good.
pub(super) fn pyhanko_lasting(pdf: &Path, root: &Path) -> Option<Vec<(String, String, bool)>> {
    let pyhanko = PyHanko::find()?;
    let output = run(pyhanko.script("last_with_pyhanko.py").arg("judge").arg(pdf).arg("--trust").arg(root));
    let answer: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    Some(
        answer
            .iter()
            .map(|one| {
                let indication = match one["indication"].as_str() {
                    Some("OK") => "OK".to_owned(),
                    _ => format!("{} {}", text(&one["indication"]), text(&one["message"])),
                };
                (indication, text(&one["time_stamp"]), !one["oldest_archive_time"].is_null())
            })
            .collect(),
    )
}

/// Runs `kyso extend`.
pub(super) fn kyso_extend(input: &Path, output: &Path, more: &[&str]) -> std::process::Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kyso"));
    command.arg("extend").arg(input).arg("-o").arg(output).args(more).arg("--no-cache").output().unwrap()
}

pub(super) fn decision() -> PathBuf {
    root().join("samples/quyet-dinh.pdf")
}

/// The security store of a file: its lists, decoded; and the keys of `/VRI`.
pub(super) struct Store {
    pub(super) lists: Vec<(&'static str, Vec<Vec<u8>>)>,
    pub(super) per_signature: Vec<String>,
    /// The keys that the signatures and document time-stamps of the file would have.
    pub(super) keys: Vec<String>,
}

impl Store {
    pub(super) fn of(pdf: &Path) -> Option<Self> {
        let source = Arc::new(MemorySource(fs::read(pdf).unwrap()));
        let document = Document::open(source, &Limits::default()).unwrap();
        let follow = |object: &Object| match object {
            Object::Reference(id) => document.object(*id).unwrap(),
            other => other.clone(),
        };
        let store = follow(document.catalog().unwrap().get("DSS")?);
        let store = store.as_dictionary().unwrap().clone();
        let decode = |stream: &Stream| document.decode(stream, 1 << 20).unwrap();
        let list = |key| {
            let array = store.get(key).map(follow).unwrap_or_default();
            let items = array.as_array().unwrap_or_default().iter();
            let streams = items.map(|item| match follow(item) {
                Object::Stream(stream) => decode(&stream),
                other => panic!("{other:?}"),
            });
            streams.collect::<Vec<_>>()
        };
        let lists = ["Certs", "CRLs", "OCSPs"].map(|key| (key, list(key))).to_vec();
        let per_signature = store.get("VRI").map(follow).unwrap_or_default();
        let per_signature = per_signature.as_dictionary().into_iter().flat_map(kyso::pdf::Dictionary::iter);
        let per_signature = per_signature.map(|(key, _)| String::from_utf8(key.to_vec()).unwrap()).collect();
        let keys =
            document.signatures().unwrap().into_iter().map(|field| {
                hex::encode_upper(kyso::base::DigestAlgorithm::Sha1.digest(&field.contents).bytes)
            });
        Some(Self { lists, per_signature, keys: keys.collect() })
    }

    /// No piece twice.
    pub(super) fn holds_nothing_twice(&self) {
        for (key, list) in &self.lists {
            let distinct: std::collections::BTreeSet<_> = list.iter().collect();
            assert_eq!(distinct.len(), list.len(), "/{key} holds something twice");
        }
    }

    /// No piece twice, and every entry of `/VRI` belongs to a signature.
    pub(super) fn is_tidy(&self) {
        self.holds_nothing_twice();
        for key in &self.per_signature {
            assert!(self.keys.contains(key), "{key} of /VRI is no signature's: {:?}", self.keys);
        }
    }

    pub(super) fn count(&self) -> usize {
        self.lists.iter().map(|(_, list)| list.len()).sum()
    }
}
