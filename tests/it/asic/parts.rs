//! A container taken apart into files, and put together again in ways that a writer of containers would not.

use std::{path::PathBuf, sync::Arc};

use kyso::{
    asic::{Archive, ContainerLimits, Kind},
    base::{Chance, Clock, DigestAlgorithm, Limits, MemorySource},
    demo::pki::{DemoServices, Holder, KeyAlgorithm, SigningKey},
    fetch::Fetcher,
    service::{
        sign::{
            Identity, SigningDesk, TimeStamping,
            container::{ContainerError, ContainerWishes, Dossier, Form, ReleasedContainer},
        },
        verify::{Options, VerifyError, verify_source},
    },
    signing::{CmsRequest, prepare_cms},
    validation::{Detached, DocumentReport, Level, Policy},
    x509::Certificate,
};

/// Somebody who signs containers with a key in memory.
pub(crate) struct Office {
    pub(crate) services: DemoServices,
    pub(crate) key: SigningKey,
    pub(crate) certificate: Certificate,
    folder: tempfile::TempDir,
}

impl Office {
    pub(crate) fn new() -> Self {
        let services = DemoServices::start(Clock::System, Chance::system()).unwrap();
        let key = SigningKey::generate(KeyAlgorithm::Rsa2048).unwrap();
        let holder = Holder::new("Trần Văn Ký");
        let certificate = services.pki().issue_person(key.spki_der(), &holder).unwrap();
        Self { services, key, certificate, folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn desk(&self, clock: Clock) -> SigningDesk {
        SigningDesk {
            clock,
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

    pub(crate) fn release(
        &self,
        dossier: &Dossier,
        form: Option<Form>,
        clock: Clock,
        level: Level,
    ) -> Result<(ReleasedContainer, Vec<u8>), ContainerError> {
        self.release_with(dossier, &ContainerWishes { form, level, ..ContainerWishes::default() }, clock)
    }

    pub(crate) fn release_with(
        &self,
        dossier: &Dossier,
        wishes: &ContainerWishes,
        clock: Clock,
    ) -> Result<(ReleasedContainer, Vec<u8>), ContainerError> {
        let chain = self.services.pki().chain();
        let identity = Identity { certificate: self.certificate.clone(), chain, scheme: self.key.scheme() };
        let output = self.path("out.asice");
        let key = |scheme, message: &[u8]| Ok(self.key.sign_as(scheme, message).expect("a key in memory"));
        let released = self.desk(clock).sign_container(dossier, &output, identity, wishes, key)?;
        let bytes = std::fs::read(&output).unwrap();
        std::fs::remove_file(output).unwrap();
        Ok((released, bytes))
    }

    /// A container of these documents, without a time-stamp.
    pub(crate) fn sign(&self, kind: Kind, form: Form, files: &[(&str, &[u8])]) -> Vec<u8> {
        self.release(&dossier(kind, files), Some(form), Clock::System, Level::B).unwrap().1
    }

    /// One signature more.
    pub(crate) fn sign_again(&self, container: &[u8]) -> Vec<u8> {
        let dossier = Dossier::Existing(Arc::new(MemorySource(container.to_vec())));
        self.release(&dossier, None, Clock::System, Level::B).unwrap().1
    }

    /// A CAdES signature of this office over any bytes, without a time-stamp.
    pub(crate) fn cms(&self, content: &[u8]) -> Vec<u8> {
        let scheme = self.key.scheme();
        let request = CmsRequest {
            signer: self.certificate.clone(),
            chain: self.services.pki().chain(),
            scheme,
            digest: scheme.digest().digest(content),
            enveloped: None,
            any_usage: false,
        };
        let prepared = prepare_cms(request, Clock::System.now()).unwrap();
        let value = self.key.sign_as(scheme, prepared.to_be_signed()).unwrap();
        prepared.finish(&value, &Limits::default()).unwrap().to_der()
    }

    /// A time-stamp token of the demo authority over these bytes.
    pub(crate) fn stamp(&self, bytes: &[u8]) -> Vec<u8> {
        let imprint = DigestAlgorithm::Sha256.digest(bytes);
        let request = kyso::tsp::Request { imprint, nonce: Some(vec![7; 8]), cert_req: true };
        self.services.pki().tsa().token(&request, Clock::System.now()).unwrap()
    }

    pub(crate) fn judge(&self, container: &[u8]) -> Result<DocumentReport, VerifyError> {
        self.judge_with(container, Some(&Fetcher::allowing([self.services.host()])))
    }

    /// By what the container holds alone.
    pub(crate) fn judge_alone(&self, container: &[u8]) -> DocumentReport {
        self.judge_with(container, None).unwrap()
    }

    fn judge_with(&self, container: &[u8], fetcher: Option<&Fetcher>) -> Result<DocumentReport, VerifyError> {
        let (anchors, policy, limits) = (self.services.pki().anchors(), Policy::strict(), Limits::default());
        let options = Options {
            anchors: &anchors,
            policy: &policy,
            moment: Clock::System.now(),
            fetcher,
            limits: &limits,
        };
        verify_source("a.asice", Arc::new(MemorySource(container.to_vec())), &options)
    }
}

pub(crate) fn dossier(kind: Kind, files: &[(&str, &[u8])]) -> Dossier {
    let file = |(name, bytes): &(&str, &[u8])| Detached {
        name: (*name).to_owned(),
        source: Arc::new(MemorySource(bytes.to_vec())),
    };
    Dossier::New(kind, files.iter().map(file).collect())
}

/// The files of a container, in its order.
pub(crate) fn unpack(container: &[u8]) -> Vec<(String, Vec<u8>)> {
    let source = Arc::new(MemorySource(container.to_vec()));
    let archive = Archive::open(source, &ContainerLimits::default()).unwrap();
    let files = archive.entries().iter();
    files.map(|entry| (entry.name.clone(), archive.read(entry).unwrap())).collect()
}

pub(crate) fn file<'f>(files: &'f mut [(String, Vec<u8>)], name: &str) -> &'f mut Vec<u8> {
    let found = files.iter_mut().find(|(own, _)| own == name);
    &mut found.unwrap_or_else(|| panic!("there is no {name}")).1
}

/// What a ZIP archive says about one file, twice.
#[derive(Clone)]
pub(crate) struct Packed {
    pub(crate) name: Vec<u8>,
    pub(crate) central_name: Vec<u8>,
    pub(crate) flags: u16,
    pub(crate) method: u16,
    pub(crate) crc: u32,
    pub(crate) len: u32,
    pub(crate) central_len: u32,
    pub(crate) data: Vec<u8>,
    pub(crate) attributes: u32,
    pub(crate) extra: Vec<u8>,
}

impl Packed {
    pub(crate) fn stored(name: &str, data: &[u8]) -> Self {
        let mut crc = flate2::Crc::new();
        crc.update(data);
        let len = u32::try_from(data.len()).unwrap();
        Self {
            name: name.into(),
            central_name: name.into(),
            flags: 1 << 11,
            method: 0,
            crc: crc.sum(),
            len,
            central_len: len,
            data: data.to_vec(),
            attributes: 0,
            extra: Vec::new(),
        }
    }

    pub(crate) fn deflated(name: &str, data: &[u8]) -> Self {
        use std::io::Write as _;
        let mut packer = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        packer.write_all(data).unwrap();
        Self { method: 8, data: packer.finish().unwrap(), ..Self::stored(name, data) }
    }
}

/// Files as they are, all stored.
pub(crate) fn pack(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let all: Vec<Packed> = files.iter().map(|(name, data)| Packed::stored(name, data)).collect();
    zip(&all, b"")
}

/// An archive of whatever is asked for.
pub(crate) fn zip(files: &[Packed], comment: &[u8]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for file in files {
        let offset = u32::try_from(out.len()).unwrap();
        let packed = u32::try_from(file.data.len()).unwrap();
        let header = |name: &[u8], len: u32| {
            let words = [20, file.flags, file.method, 0, 33].map(u16::to_le_bytes).concat();
            let values = [file.crc, packed, len].map(u32::to_le_bytes).concat();
            let lengths = [name.len() as u16, file.extra.len() as u16].map(u16::to_le_bytes).concat();
            [words, values, lengths].concat()
        };
        out.extend(
            [b"PK\x03\x04", &header(&file.name, file.len)[..], &file.name, &file.extra, &file.data].concat(),
        );
        directory.extend(b"PK\x01\x02\x14\x03");
        directory.extend(header(&file.central_name, file.central_len));
        // No comment, the first disk, no internal attributes.
        directory.extend([0; 6]);
        directory.extend(file.attributes.to_le_bytes());
        directory.extend(offset.to_le_bytes());
        directory.extend([&file.central_name[..], &file.extra].concat());
    }
    let start = u32::try_from(out.len()).unwrap();
    let count = (files.len() as u16).to_le_bytes();
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend([count, count].concat());
    out.extend(u32::try_from(directory.len()).unwrap().to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend((comment.len() as u16).to_le_bytes());
    out.extend(comment);
    out
}
