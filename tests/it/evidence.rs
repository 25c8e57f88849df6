//! How often the network is asked about certificates when many documents are signed.

use std::{
    collections::BTreeMap,
    fs,
    net::TcpListener,
    process::{Command, Output},
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::Path as UrlPath,
    routing::{get, post},
};
use kyso::{
    base::{Chance, Clock},
    demo::pki::{DemoPki, DemoServices, Holder},
    ocsp,
    token::provision::NewKeyKind,
};
use serde_json::Value;

use crate::{
    soft_token::{LABEL, PIN, SoftToken},
    support::{root, serve},
};

/// Twelve documents at level LT, in one batch: a question for each certificate, not for each document.
#[test]
fn a_batch_asks_about_each_certificate_once() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let answers = Answers::start();
    // Time-stamps come from elsewhere, and are not counted.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let services = DemoServices::serve(Arc::clone(&answers.pki), listener).unwrap();
    let token = SoftToken::embedded(folder.path(), NewKeyKind::P256);
    let signer = answers.pki.issue_person(&token.spki, &Holder::new("Trần Văn Lô")).unwrap();
    fs::write(at("signer.pem"), signer.to_pem()).unwrap();
    fs::write(at("chain.pem"), answers.pki.ca().certificate().to_pem()).unwrap();
    fs::write(at("root.pem"), answers.pki.root().certificate().to_pem()).unwrap();
    fs::create_dir(at("drafts")).unwrap();
    for number in 0..12 {
        fs::copy(root().join("samples/quyet-dinh.pdf"), at("drafts").join(format!("{number:02}.pdf")))
            .unwrap();
    }
    let batch = |output: &str| -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kyso"));
        command.arg("sign").arg("--batch").arg(at("drafts")).arg("-o").arg(at(output));
        command.args(["--module", &token.module, "--token", LABEL, "--key", "hex:07", "--level", "lt"]);
        command.arg("--cert").arg(at("signer.pem")).arg("--chain").arg(at("chain.pem"));
        command.arg("--trust").arg(at("root.pem")).args(["--tsa", &services.tsa_url(), "--no-cache"]);
        command.args(["--allow-host", &answers.host, "--json"]).env("KYSO_PIN", PIN).output().unwrap()
    };
    let told = batch("signed");
    assert_eq!(told.status.code(), Some(0), "{}", String::from_utf8_lossy(&told.stderr));

    let asked = answers.asked();
    eprintln!("asked: {asked:#?}");
    for certificate in [&signer, answers.pki.tsa().certificate()] {
        let about = format!("OCSP {}", hex::encode(certificate.serial()));
        assert_eq!(asked.get(&about), Some(&1), "{about}: {asked:#?}");
    }
    assert!(asked.values().all(|times| *times == 1), "something was asked for twice: {asked:#?}");
    // They got the level, by what each of them holds.
    let mut verify = Command::new(env!("CARGO_BIN_EXE_kyso"));
    verify.args(["verify", "--json", "--offline", "--trust"]).arg(at("root.pem"));
    let files = fs::read_dir(at("signed")).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "pdf"));
    let report: Value = serde_json::from_slice(&verify.args(files).output().unwrap().stdout).unwrap();
    let documents = report["documents"].as_array().unwrap();
    assert_eq!(documents.len(), 12);
    for document in documents {
        assert_eq!(document["overall"], "valid", "{document:#}");
        assert_eq!(document["signatures"][0]["signatureFormat"], "PAdES-BASELINE-LT", "{document:#}");
    }
    // The count counts: another batch asks again.
    assert_eq!(batch("again").status.code(), Some(0));
    assert!(answers.asked().values().all(|times| *times == 2), "{:#?}", answers.asked());
}

/// The demo PKI's certificates, lists and OCSP answers, counted.
struct Answers {
    pki: Arc<DemoPki>,
    host: String,
    asked: Arc<Mutex<BTreeMap<String, usize>>>,
    _stop: tokio::sync::oneshot::Sender<()>,
}

impl Answers {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let pki = DemoPki::published_at(&format!("http://{host}"), Clock::System, Chance::system()).unwrap();
        let (pki, asked) = (Arc::new(pki), Arc::new(Mutex::new(BTreeMap::new())));
        let count = {
            let asked = Arc::clone(&asked);
            move |what: String| *asked.lock().unwrap().entry(what).or_default() += 1
        };
        let (answering, counting) = (Arc::clone(&pki), count.clone());
        let ocsp = move |request: Bytes| async move {
            for id in ocsp::Request::parse(&request).unwrap().cert_ids {
                counting(format!("OCSP {}", hex::encode(id.serial)));
            }
            answering.ocsp(&request)
        };
        let (publishing, counting) = (Arc::clone(&pki), count.clone());
        let crl = move |UrlPath(file): UrlPath<String>| async move {
            let list = publishing.crl(file.trim_end_matches(".crl")).unwrap().unwrap();
            counting(format!("CRL {file}"));
            list
        };
        let publishing = Arc::clone(&pki);
        let certificate = move |UrlPath(file): UrlPath<String>| async move {
            let authority = publishing.authority(file.trim_end_matches(".cer")).unwrap();
            count(format!("certificate {file}"));
            authority.certificate().der().to_vec()
        };
        let router = Router::new()
            .route("/ocsp", post(ocsp))
            .route("/crl/{file}", get(crl))
            .route("/ca/{file}", get(certificate));
        let stop = serve(listener, router);
        Self { pki, host, asked, _stop: stop }
    }

    /// What was asked for, and how often.
    fn asked(&self) -> BTreeMap<String, usize> {
        self.asked.lock().unwrap().clone()
    }
}
