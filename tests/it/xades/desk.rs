//! A desk that signs XML with keys in memory, and judges it with kyso and with xmlsec.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use kyso::{
    base::{Chance, Clock, Limits, MemorySource, Source},
    demo::pki::{DemoServices, Holder, KeyAlgorithm, SigningKey},
    fetch::Fetcher,
    service::{
        sign::{Identity, Released, SignError, SigningDesk, TimeStamping, XadesWishes, XmlSubject},
        verify::{Options, verify_signed},
    },
    validation::{Detached, DocumentReport, Level, Policy, SignatureReport},
    x509::{Certificate, algorithm::SignatureScheme},
};

use crate::support::tool;

pub(crate) struct Desk {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) services: DemoServices,
    pub(crate) key: SigningKey,
    pub(crate) certificate: Certificate,
}

/// Either the report, or why there is none.
pub(crate) type Judged = Result<DocumentReport, String>;

impl Desk {
    pub(crate) fn new(algorithm: KeyAlgorithm) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let services = DemoServices::start(Clock::System, Chance::system()).unwrap();
        let pki = services.pki();
        fs::write(folder.path().join("root.pem"), pki.root().certificate().to_pem()).unwrap();
        fs::write(folder.path().join("ca.pem"), pki.ca().certificate().to_pem()).unwrap();
        let key = SigningKey::generate(algorithm).unwrap();
        let certificate = pki.issue_person(key.spki_der(), &Holder::new("Trần Văn Ký")).unwrap();
        Self { folder, services, key, certificate }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn signing(&self) -> SigningDesk {
        SigningDesk {
            clock: Clock::System,
            chance: Chance::system(),
            limits: Limits::default(),
            fetcher: Fetcher::allowing([self.services.host()]).into(),
            time_stamping: Some(TimeStamping::new(self.services.tsa_url())),
            anchors: self.services.pki().anchors(),
            policy: Policy::strict(),
            online: true,
            known: Arc::default(),
        }
    }

    pub(crate) fn identity(&self, scheme: SignatureScheme) -> Identity {
        Identity { certificate: self.certificate.clone(), chain: self.services.pki().chain(), scheme }
    }

    pub(crate) fn sign(
        &self,
        subject: &XmlSubject<'_>,
        output: &Path,
        scheme: SignatureScheme,
        wishes: &XadesWishes,
    ) -> Result<Released, SignError> {
        self.signing().sign_xades(subject, output, self.identity(scheme), wishes, |scheme, message| {
            Ok(self.key.sign_as(scheme, message).expect("a key in memory signs"))
        })
    }

    /// An enveloped signature over `document`, as bytes.
    pub(crate) fn enveloped(&self, document: &str, wishes: &XadesWishes) -> Result<Vec<u8>, SignError> {
        let output = self.path("enveloped.xml");
        let input = MemorySource(document.as_bytes().to_vec());
        self.sign(&XmlSubject::Enveloped(&input), &output, self.key.scheme(), wishes)?;
        Ok(fs::read(output).unwrap())
    }

    /// A detached signature over files, as bytes.
    pub(crate) fn detached(&self, files: &[(&str, &[u8])], wishes: &XadesWishes) -> Vec<u8> {
        let output = self.path("detached.xml");
        let files = apart(files);
        self.sign(&XmlSubject::Detached(&files), &output, self.key.scheme(), wishes).unwrap();
        fs::read(output).unwrap()
    }

    pub(crate) fn judge(&self, bytes: &[u8], files: &[(&str, &[u8])]) -> Judged {
        self.judge_with(bytes, files, Some(&Fetcher::allowing([self.services.host()])))
    }

    /// By what the file holds alone.
    pub(crate) fn judge_alone(&self, bytes: &[u8]) -> Judged {
        self.judge_with(bytes, &[], None)
    }

    fn judge_with(&self, bytes: &[u8], files: &[(&str, &[u8])], fetcher: Option<&Fetcher>) -> Judged {
        let (anchors, limits) = (self.services.pki().anchors(), Limits::default());
        let policy = Policy::strict();
        let options = Options {
            anchors: &anchors,
            policy: &policy,
            moment: Clock::System.now(),
            fetcher,
            limits: &limits,
        };
        let source: Arc<dyn Source> = Arc::new(MemorySource(bytes.to_vec()));
        verify_signed("x.xml", source, &apart(files), &options).map_err(|error| error.message().message)
    }

    /// What xmlsec says, which was not written here; `None` where it is not installed.
    pub(crate) fn xmlsec(&self, file: &Path) -> Option<Result<(), String>> {
        let mut command = Command::new(tool("xmlsec1")?);
        command.args(["--verify", "--trusted-pem", "root.pem", "--untrusted-pem", "ca.pem"]);
        command.args(["--id-attr:Id", "http://uri.etsi.org/01903/v1.3.2#:SignedProperties"]);
        command.arg(file).current_dir(self.folder.path());
        let told = command.output().unwrap();
        Some(if told.status.success() {
            Ok(())
        } else {
            Err(String::from_utf8_lossy(&told.stderr).into_owned())
        })
    }
}

pub(crate) fn apart(files: &[(&str, &[u8])]) -> Vec<Detached> {
    let file = |(name, bytes): &(&str, &[u8])| Detached {
        name: (*name).to_owned(),
        source: Arc::new(MemorySource(bytes.to_vec())),
    };
    files.iter().map(file).collect()
}

pub(crate) fn only(report: &DocumentReport) -> &SignatureReport {
    let [signature] = &report.signatures[..] else { panic!("one signature: {report:#?}") };
    signature
}

pub(crate) fn level(level: Level) -> XadesWishes {
    XadesWishes { level, ..XadesWishes::default() }
}
