//! Bringing evidence for a verdict: once, in bounds, kept across restarts, and not at all offline.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
    thread,
};

use der::oid::ObjectIdentifier;
use jiff::SignedDuration;
use kyso::{
    asn1::{Tag, oid, write},
    base::{Clock, Limits, MemorySource, UtcTime},
    fetch::Fetcher,
    service::verify::{Options, verify_source},
    trust::Anchors,
    validation::{Evidence, Overall, Policy},
};

use crate::judge::world::{Answer, CADES, Entity, Spec, plain_pdf, sign_with, year};

/// What is served at which path, and how often it was asked for.
#[derive(Default)]
struct Shelf {
    pages: BTreeMap<String, Vec<u8>>,
    calls: BTreeMap<String, usize>,
    /// How many are being answered, and how many were at most.
    busy: usize,
    most_busy: usize,
}

/// An authority on the network, with one signer, whose files bring nothing along but the signer's certificate.
struct Town {
    address: String,
    shelf: Arc<Mutex<Shelf>>,
    root: Entity,
    ca: Entity,
    person: Entity,
    responder: Entity,
}

impl Town {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let shelf: Arc<Mutex<Shelf>> = Arc::default();
        let served = Arc::clone(&shelf);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shelf = Arc::clone(&served);
                thread::spawn(move || serve(stream, &shelf));
            }
        });
        let at = |path: &str| format!("http://{address}{path}");
        let long = |spec: Spec| Spec { from: year(2020), to: year(2090), ..spec };
        let root = Entity::root("Gốc");
        let ca = Spec { extra: vec![crl_at(&at("/root.crl"))], ..long(Spec::authority("CA", 2)) };
        let ca = root.issue(&ca);
        let extra = vec![access(&at("/ocsp"), &at("/ca.cer")), crl_at(&at("/ca.crl"))];
        let person = ca.issue(&Spec { extra, ..long(Spec::person("Nguyễn Văn A", 10)) });
        let responder = ca.issue(&long(Spec::responder("OCSP", 13)));
        let town = Self { address, shelf, root, ca, person, responder };
        town.publish(Clock::System.now());
        town
    }

    /// Everything good, as of a moment.
    fn publish(&self, now: UtcTime) {
        let list = |entity: &Entity| entity.revokes(now, Some(after(now, 7 * 24 * 3600)), &[], &[]);
        let answer = Answer { next_update: Some(after(now, 24 * 3600)), ..Answer::good(now) };
        self.put("/root.crl", &list(&self.root));
        self.put("/ca.crl", &list(&self.ca));
        self.put("/ca.cer", &Evidence::Certificate(self.ca.certificate.der().to_vec()));
        self.put("/ocsp", &self.responder.answers(&self.ca, &self.person.certificate, &answer));
    }

    fn put(&self, path: &str, evidence: &Evidence) {
        let (Evidence::Certificate(der) | Evidence::Crl(der) | Evidence::Ocsp(der)) = evidence;
        self.shelf.lock().unwrap().pages.insert(path.to_owned(), der.clone());
    }

    /// From now on there is nothing anywhere.
    fn close(&self) {
        self.shelf.lock().unwrap().pages.clear();
    }

    fn calls(&self) -> usize {
        self.shelf.lock().unwrap().calls.values().sum()
    }

    fn signed(&self) -> Vec<u8> {
        sign_with(&plain_pdf(), CADES, |digest| {
            self.person.cms(digest, &self.person.certificate, &[]).to_der(None)
        })
    }

    /// As another process would, at a moment of its own, about a moment.
    fn judge(&self, pdf: &[u8], cache: &Path, clock: UtcTime, moment: UtcTime) -> Overall {
        let fetcher = Fetcher::allowing([&self.address]).with_cache(cache, 1 << 20);
        let fetcher = fetcher.with_clock(Clock::Fixed(clock));
        let anchors = Anchors::new("test", vec![self.root.certificate.clone()]);
        let options = Options {
            anchors: &anchors,
            policy: &Policy::strict(),
            moment,
            fetcher: Some(&fetcher),
            limits: &Limits::default(),
        };
        verify_source("test.pdf", Arc::new(MemorySource(pdf.to_vec())), &options).unwrap().overall
    }

    /// The exit status of `kyso verify`.
    fn verify(&self, folder: &Path, more: &[&str]) -> Option<i32> {
        fs::write(folder.join("root.pem"), self.root.certificate.to_pem()).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_kyso"));
        command.args(["verify", "files", "--json", "--trust", "root.pem", "--allow-host", &self.address]);
        command.args(more).current_dir(folder);
        command.env("XDG_CACHE_HOME", folder.join("usual")).env("LC_ALL", "C.UTF-8");
        command.output().unwrap().status.code()
    }
}

/// A folder with `files` and so many signed files in it.
fn desk(town: &Town, count: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("files")).unwrap();
    for number in 0..count {
        fs::write(folder.path().join(format!("files/{number}.pdf")), town.signed()).unwrap();
    }
    folder
}

fn after(time: UtcTime, seconds: i64) -> UtcTime {
    time + SignedDuration::from_secs(seconds)
}

fn access(ocsp: &str, issuer: &str) -> (ObjectIdentifier, bool, Vec<u8>) {
    let description = |method: &str, url: &str| {
        let method = ObjectIdentifier::new_unwrap(method);
        write::sequence([write::oid(method), write::value(Tag::context_primitive(6), url.as_bytes())])
    };
    let value = [description("1.3.6.1.5.5.7.48.1", ocsp), description("1.3.6.1.5.5.7.48.2", issuer)];
    (ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.1.1"), false, write::sequence(value))
}

fn crl_at(url: &str) -> (ObjectIdentifier, bool, Vec<u8>) {
    let name = write::value(Tag::context_primitive(6), url.as_bytes());
    let point = write::value(Tag::context(0), &write::value(Tag::context(0), &name));
    (ObjectIdentifier::new_unwrap("2.5.29.31"), false, write::sequence([write::sequence([point])]))
}

fn serve(mut stream: TcpStream, shelf: &Mutex<Shelf>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(());
        }
    }
    let head = head.to_ascii_lowercase();
    let len = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    reader.read_exact(&mut vec![0; len])?;
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let page = {
        let mut shelf = shelf.lock().unwrap();
        *shelf.calls.entry(path.clone()).or_default() += 1;
        shelf.busy += 1;
        shelf.most_busy = shelf.most_busy.max(shelf.busy);
        shelf.pages.get(&path).cloned()
    };
    // Slowly enough for others to ask meanwhile.
    thread::sleep(std::time::Duration::from_millis(100));
    shelf.lock().unwrap().busy -= 1;
    let status = if page.is_some() { "200 OK" } else { "404 Not Found" };
    let page = page.unwrap_or_default();
    write!(stream, "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", page.len())?;
    stream.write_all(&page)
}

#[test]
fn offline_never_opens_a_socket() {
    let town = Town::new();
    let folder = desk(&town, 2);
    assert_eq!(town.verify(folder.path(), &["--offline"]), Some(2));
    assert_eq!(town.verify(folder.path(), &["--offline", "--cache", "kept"]), Some(2));
    assert_eq!(town.calls(), 0);
    assert!(!folder.path().join("usual").exists() && !folder.path().join("kept").exists());
    // The same files have everything to ask for.
    assert_eq!(town.verify(folder.path(), &[]), Some(0));
    assert!(town.calls() > 0);
    // And what was kept is the network's word: offline does not use it.
    let calls = town.calls();
    assert_eq!(town.verify(folder.path(), &["--offline"]), Some(2));
    assert_eq!(town.calls(), calls);
}

#[test]
fn a_folder_of_files_asks_once_for_each_thing() {
    let town = Town::new();
    let folder = desk(&town, 16);
    assert_eq!(town.verify(folder.path(), &["--jobs", "8", "--no-cache"]), Some(0));
    let calls = town.shelf.lock().unwrap().calls.clone();
    let once = ["/ca.cer", "/ocsp", "/root.crl"].map(|path| (path.to_owned(), 1));
    assert_eq!(calls, BTreeMap::from(once));
    assert!(!folder.path().join("usual").exists());
}

#[test]
fn what_several_signatures_need_is_brought_side_by_side() {
    let town = Town::new();
    let now = Clock::System.now();
    let mut pdf = plain_pdf();
    for number in 0..3 {
        let path = format!("/ocsp/{number}");
        let extra = vec![access(&format!("http://{}{path}", town.address), "")];
        let spec = Spec { extra, from: year(2020), to: year(2090), ..Spec::person("Văn thư", 20 + number) };
        let signer = town.ca.issue(&spec);
        let answer = Answer { next_update: Some(after(now, 3600)), ..Answer::good(now) };
        town.put(&path, &town.responder.answers(&town.ca, &signer.certificate, &answer));
        let chain = [town.ca.certificate.clone()];
        pdf = sign_with(&pdf, CADES, |digest| signer.cms(digest, &signer.certificate, &chain).to_der(None));
    }
    let cache = tempfile::tempdir().unwrap();
    assert_eq!(town.judge(&pdf, cache.path(), now, now), Overall::Valid);
    let shelf = town.shelf.lock().unwrap();
    assert_eq!((shelf.calls.values().sum::<usize>(), shelf.most_busy), (4, 3));
}

#[test]
fn a_certificate_that_names_a_heap_of_lists_gets_a_few() {
    let town = Town::new();
    let now = Clock::System.now();
    // An extension that nobody knows, of 10 MB.
    let unknown = ObjectIdentifier::new_unwrap("1.2.3.4");
    let filling = write::sequence([write::oid(unknown), write::octet_string(&vec![0; 10 << 20])]);
    let list = Entity::root("Ai đó").revokes(now, Some(after(now, 3600)), &[], &[filling]);
    let points = (0..40).map(|number| format!("http://{}/h/{number}", town.address));
    let names: Vec<_> = points.map(|url| write::value(Tag::context_primitive(6), url.as_bytes())).collect();
    let point = write::value(Tag::context(0), &write::value(Tag::context(0), &names.concat()));
    let extra =
        vec![(ObjectIdentifier::new_unwrap("2.5.29.31"), false, write::sequence([write::sequence([point])]))];
    let spec = Spec { extra, from: year(2020), to: year(2090), ..Spec::person("Văn thư", 30) };
    let signer = town.ca.issue(&spec);
    let chain = [town.ca.certificate.clone()];
    let pdf =
        sign_with(&plain_pdf(), CADES, |digest| signer.cms(digest, &signer.certificate, &chain).to_der(None));
    let (small, large) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let lists = || {
        let shelf = town.shelf.lock().unwrap();
        shelf.calls.iter().filter(|(path, _)| path.starts_with("/h/")).map(|(_, count)| count).sum::<usize>()
    };
    // Where there is nothing to be had, by number.
    assert_eq!(town.judge(&pdf, small.path(), now, now), Overall::Indeterminate);
    let first = lists();
    assert!(first <= 32, "{first}");
    // Where there is, by bytes.
    for number in 0..40 {
        town.put(&format!("/h/{number}"), &list);
    }
    assert_eq!(town.judge(&pdf, large.path(), now, now), Overall::Indeterminate);
    assert!((5..=8).contains(&(lists() - first)), "{}", lists() - first);
}

#[test]
fn what_was_fetched_survives_the_process_and_the_network() {
    let town = Town::new();
    let folder = desk(&town, 1);
    assert_eq!(town.verify(folder.path(), &[]), Some(0));
    let calls = town.calls();
    town.close();
    assert_eq!(town.verify(folder.path(), &[]), Some(0));
    assert_eq!(town.calls(), calls, "nothing was asked for");
    assert_eq!(town.verify(folder.path(), &["--no-cache"]), Some(2));
    assert_eq!(town.verify(folder.path(), &["--cache", "another"]), Some(2));

    // Entries that rotted are worth nothing, and harm nothing.
    for entry in fs::read_dir(folder.path().join("usual/kyso/fetched")).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = fs::read(&path).unwrap();
        if let Some(octet) = bytes.get_mut(150) {
            *octet ^= 1;
            fs::write(&path, bytes).unwrap();
        }
    }
    assert_eq!(town.verify(folder.path(), &[]), Some(2));
}

#[test]
fn a_cache_that_cannot_be_used_is_told_where_it_was_asked_for() {
    let town = Town::new();
    let folder = desk(&town, 1);
    fs::write(folder.path().join("file"), "").unwrap();
    assert_eq!(town.verify(folder.path(), &["--cache", "file"]), Some(64));
    assert_eq!(town.calls(), 0);
    fs::write(folder.path().join("usual"), "").unwrap();
    assert_eq!(town.verify(folder.path(), &[]), Some(0), "the usual folder is done without");
    assert_eq!(town.verify(folder.path(), &["--allow-host", "http://x/"]), Some(64));
}

#[test]
fn a_revocation_is_seen_when_the_kept_answer_has_had_its_time() {
    let town = Town::new();
    let (pdf, cache, start) = (town.signed(), tempfile::tempdir().unwrap(), Clock::System.now());
    let judge = |time: UtcTime| town.judge(&pdf, cache.path(), time, time);
    assert_eq!(judge(start), Overall::Valid);
    let revoked = Answer::revoked(start, after(start, 60));
    town.put("/ocsp", &town.responder.answers(&town.ca, &town.person.certificate, &revoked));
    assert_eq!(judge(after(start, 299)), Overall::Valid, "the kept answer");
    assert_ne!(judge(after(start, 300)), Overall::Valid);
    assert_ne!(judge(after(start, 301)), Overall::Valid);
}

#[test]
fn kept_answers_that_settle_nothing_are_asked_for_anew() {
    let town = Town::new();
    let (pdf, cache, start) = (town.signed(), tempfile::tempdir().unwrap(), Clock::System.now());
    let judge = |time: UtcTime| town.judge(&pdf, cache.path(), time, time);
    // Somebody on the way puts the words of a stranger in place of the authority's.
    let stranger = Entity::root("CA");
    let good = stranger.answers(&town.ca, &town.person.certificate, &Answer::good(start));
    let list = stranger.revokes(start, Some(after(start, 7 * 24 * 3600)), &[], &[]);
    town.put("/ocsp", &good);
    town.put("/ca.crl", &list);
    assert_eq!(judge(start), Overall::Indeterminate);
    // They are kept, and no longer in the way once the network is itself again.
    town.publish(start);
    assert_eq!(judge(after(start, 60)), Overall::Valid);
}

#[test]
fn a_moment_of_the_past_is_judged_with_what_was_known_then() {
    let town = Town::new();
    let (pdf, cache, start) = (town.signed(), tempfile::tempdir().unwrap(), Clock::System.now());
    assert_eq!(town.judge(&pdf, cache.path(), start, start), Overall::Valid);
    let calls = town.calls();
    // A month later the network has younger evidence only, which does not exist for a moment of then.
    let (later, then) = (after(start, 30 * 24 * 3600), after(start, 3600));
    town.publish(later);
    assert_eq!(town.judge(&pdf, cache.path(), later, then), Overall::Valid);
    assert_eq!(town.calls(), calls);
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(town.judge(&pdf, empty.path(), later, then), Overall::Indeterminate);
    // And the present is judged with the present.
    assert_eq!(town.judge(&pdf, cache.path(), later, later), Overall::Valid);
    assert!(town.calls() > calls);
}

#[test]
fn certificates_of_an_issuer_may_come_in_cms() {
    let town = Town::new();
    // A certs-only message (RFC 5280 section 4.2.2.1, RFC 5652 section 5.1 with no signers).
    let message = write::sequence([
        write::unsigned(&[1]),
        write::value(Tag::SET, &[]),
        write::sequence([write::oid(oid::DATA)]),
        write::value(Tag::context(0), town.ca.certificate.der()),
        write::value(Tag::SET, &[]),
    ]);
    let message = write::sequence([write::oid(oid::SIGNED_DATA), write::value(Tag::context(0), &message)]);
    town.put("/ca.cer", &Evidence::Certificate(message));
    let (cache, now) = (tempfile::tempdir().unwrap(), Clock::System.now());
    assert_eq!(town.judge(&town.signed(), cache.path(), now, now), Overall::Valid);
}
