//! A kyso server of the bench's own, with one key, spoken to with `curl`.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use kyso::{service::sign::Signer, token::KeySelector};
use serde_json::{Value, json};

use super::{Failure, checked};

pub(crate) struct Server {
    process: Child,
    url: String,
    /// Of a leader who also brings documents in.
    api_key: String,
    requests: u32,
    folder: PathBuf,
    uploads: usize,
}

/// What the server signs with.
pub(crate) struct ServersKey<'a> {
    /// As `--module` takes it.
    pub(crate) module: String,
    pub(crate) token: &'a str,
    pub(crate) pin: &'a str,
    pub(crate) signer: &'a Signer,
    /// Signatures that it makes at the same time.
    pub(crate) sessions: usize,
    /// A file with the root of its certificate.
    pub(crate) root: &'a Path,
    /// Where one learns whether it was revoked.
    pub(crate) host: &'a str,
}

impl Server {
    /// A server of an agency of one, over SQLite, in `folder`.
    pub(crate) fn start(folder: &Path, key: &ServersKey<'_>) -> Result<Self, Failure> {
        fs::create_dir(folder)?;
        let pem: String = key.signer.chain.iter().map(kyso::x509::Certificate::to_pem).collect();
        fs::write(folder.join("chain.pem"), pem)?;
        fs::write(folder.join("signer.pem"), key.signer.certificate.to_pem())?;
        let pin = folder.join("pin");
        fs::write(&pin, key.pin)?;
        fs::set_permissions(&pin, fs::Permissions::from_mode(0o600))?;
        let KeySelector::Label(label) = &key.signer.key else { return Err("a key without a label".into()) };
        let config = format!(
            "[http]\nlisten = '127.0.0.1:0'\n[store]\ndatabase = 'sqlite:kyso.db'\nblobs = 'blobs'\n\
             [trust]\nanchors = ['{}']\nprivate_hosts = ['{}']\n[ledger]\norigin = 'bench.example/kyso'\nkey = 'ledger.key'\n\
             [[signer]]\nname = 'bench'\nmodule = '{}'\ntoken = '{}'\nkey = '{label}'\ncertificate = 'signer.pem'\n\
             chain = ['chain.pem']\npin_file = 'pin'\nkind = 'person'\nagency = 'H99'\nsessions = {}\n",
            key.root.canonicalize()?.display(),
            key.host,
            key.module,
            key.token,
            key.sessions,
        );
        let file = folder.join("kyso.toml");
        fs::write(&file, config)?;
        let people = |arguments: &[&str]| -> Result<String, Failure> {
            let mut command = Command::new(env!("CARGO_BIN_EXE_kyso"));
            let told = checked(command.arg("people").args(arguments).arg("--config").arg(&file))?.stdout;
            Ok(String::from_utf8(told)?.trim().to_owned())
        };
        people(&["agency", "H99", "--name", "Bench", "--place", "Bench"])?;
        let leader = ["--name", "Bench", "--position", "Bench", "--role", "leader", "--role", "clerk"];
        let member = people(&[&["member", "H99"], &leader[..]].concat())?;
        let scopes = ["--scope", "upload", "--scope", "approve", "--scope", "read"];
        let api_key = people(&[&["key", &member], &scopes[..]].concat())?;

        let mut serve = Command::new(env!("CARGO_BIN_EXE_kyso"));
        serve.args(["serve", "--config"]).arg(&file).stdin(Stdio::null()).stderr(Stdio::piped());
        let mut process = serve.env("KYSO_LOG", "warn").spawn()?;
        let mut told = BufReader::new(process.stderr.take().ok_or("no standard error")?);
        let mut line = String::new();
        let url = loop {
            line.clear();
            if told.read_line(&mut line)? == 0 {
                process.wait()?;
                return Err("the server ended".into());
            }
            if let Some(url) = line.trim().strip_prefix("kyso serves ") {
                break url.to_owned();
            }
            eprint!("{line}");
        };
        // Whatever it says later is read, so that it never waits for us.
        thread::spawn(move || told.read_to_end(&mut Vec::new()));
        Ok(Self { folder: folder.to_owned(), process, url, api_key, requests: 0, uploads: 0 })
    }

    /// Brings `count` documents in, each of them `sample` and a comment of its own: equal ones would be signed into equal
    /// files, and kept as one. Gives their identifiers.
    pub(crate) fn upload(&mut self, sample: &[u8], count: usize) -> Result<Vec<Value>, Failure> {
        let draft = self.folder.join("draft.pdf");
        // Quoted: to curl a comma ends a name.
        let form = format!("file=@\"{}\"", draft.display());
        let mut ids = Vec::with_capacity(count);
        for _ in 0..count {
            self.uploads += 1;
            fs::write(&draft, [sample, format!("%{:08}\n", self.uploads).as_bytes()].concat())?;
            ids.push(self.ask("/api/v1/documents", &["-F", &form])?["id"].clone());
        }
        Ok(ids)
    }

    /// Has documents signed in one batch; gives how long it took. A look costs the server time, too, so that it is left
    /// alone until `soonest`.
    pub(crate) fn sign(&mut self, documents: &[Value], soonest: Duration) -> Result<Duration, Failure> {
        let body = json!({ "signer": "bench", "documents": documents }).to_string();
        let start = Instant::now();
        let begun = self.ask("/api/v1/signature-batches", &["--json", &body])?;
        let place = format!("/api/v1/signature-batches/{}", begun["id"].as_str().ok_or("no batch")?);
        thread::sleep(soonest.saturating_sub(start.elapsed()));
        loop {
            let batch = self.look(&place)?;
            if batch["state"] != "running" {
                let took = start.elapsed();
                let all = batch["signed"].as_u64() == Some(documents.len() as u64);
                return if all { Ok(took) } else { Err(format!("{batch:#}").into()) };
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Processor seconds of the server so far.
    pub(crate) fn processor(&self) -> Result<f64, Failure> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.id()))?;
        let after_name = stat.rsplit(") ").next().ok_or("no stat")?;
        let ticks = after_name.split(' ').skip(11).take(2).map(str::parse::<u32>).sum::<Result<u32, _>>()?;
        Ok(f64::from(ticks) / 100.0)
    }

    /// As [`Server::ask`], without a process for it, which would take more of the machine than the answer.
    fn look(&self, path: &str) -> Result<Value, Failure> {
        let host = self.url.strip_prefix("http://").ok_or("not http")?;
        let mut stream = TcpStream::connect(host)?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\r\n",
            self.api_key
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (_, body) = answer.split_once("\r\n\r\n").ok_or("no body")?;
        Ok(serde_json::from_str(body)?)
    }

    fn ask(&mut self, path: &str, more: &[&str]) -> Result<Value, Failure> {
        self.requests += 1;
        let mut curl = Command::new("curl");
        curl.args(["--fail-with-body", "-sS", "-H", &format!("Authorization: Bearer {}", self.api_key)]);
        curl.args(["-H", &format!("Idempotency-Key: 00000000-0000-4000-8000-{:012}", self.requests)]);
        curl.arg(format!("{}{path}", self.url)).args(more);
        Ok(serde_json::from_slice(&checked(&mut curl)?.stdout)?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
