//! The task of signing a file: copy, prepare, sign, stamp, verify, release.
//!
//! The input is read once, while it is copied and hashed; after that only the copy counts, so nothing that
//! happens to the input meanwhile can come between what was hashed and what is released. The copy takes the
//! output's name in the last step, and only after the judge has found the new signature intact in it.

use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use tempfile::NamedTempFile;

use crate::{
    base::{
        Chance, Clock, DigestAlgorithm, HashedSource, Limits, Password, ProtectedSource, Source, UtcTime,
        digest::Hasher,
    },
    fetch::{FetchError, Fetcher},
    pdf::{Document, PdfError},
    signing::{self, Request, SigningError, Stamped, TokenRoom},
    store::FileSource,
    token::{KeySelector, Token, TokenError},
    trust::Anchors,
    tsp,
    validation::{CoverageLevel, DocumentReport, Indication, Policy, SignatureReport},
    x509::{
        Certificate,
        algorithm::{self, KeyKind, SignatureScheme},
    },
};

/// A key on a token, with the certificate that says whose it is.
#[derive(Clone)]
pub struct Signer {
    /// The token that holds the key. It is logged in when the first signature is asked for.
    pub token: Token,
    /// Which key.
    pub key: KeySelector,
    /// Its certificate.
    pub certificate: Certificate,
    /// The issuers that travel with each signature.
    pub chain: Vec<Certificate>,
    /// How it signs.
    pub scheme: SignatureScheme,
}

impl Signer {
    /// A signer whose certificate is given, or else found on the token beside the key.
    ///
    /// # Errors
    ///
    /// [`SignError::NoCertificate`] when there is none, [`SignError::Token`] when the token does not answer.
    pub fn new(
        token: Token,
        key: KeySelector,
        certificate: Option<Certificate>,
        chain: Vec<Certificate>,
        wish: SchemeWish,
    ) -> Result<Self, SignError> {
        let certificate = match certificate {
            Some(certificate) => certificate,
            None => certificate_on(&token, &key)?,
        };
        let scheme = wish.scheme_for(&certificate)?;
        let chain = chain.into_iter().filter(|issuer| issuer.der() != certificate.der()).collect();
        Ok(Self { token, key, certificate, chain, scheme })
    }
}

/// Which digest and which padding are wanted; the rest follows from the key.
#[derive(Clone, Copy, Debug)]
pub struct SchemeWish {
    /// SHA-256, SHA-384 or SHA-512.
    pub digest: DigestAlgorithm,
    /// RSASSA-PSS rather than PKCS#1 v1.5, for RSA keys.
    pub pss: bool,
}

impl Default for SchemeWish {
    fn default() -> Self {
        Self { digest: DigestAlgorithm::Sha256, pss: false }
    }
}

impl SchemeWish {
    /// The scheme for the key of `certificate`.
    ///
    /// # Errors
    ///
    /// [`SignError::Signing`] when the key is of a kind that kyso does not sign with.
    pub fn scheme_for(self, certificate: &Certificate) -> Result<SignatureScheme, SignError> {
        let kind = algorithm::key_kind(certificate.spki_der())
            .map_err(|unknown| SigningError::Scheme { reason: unknown.to_string() })?;
        match kind {
            KeyKind::Brainpool { .. } | KeyKind::Ec { .. } => Ok(SignatureScheme::Ecdsa(self.digest)),
            KeyKind::Ed25519 => {
                let reason =
                    "kyso verifies Ed25519 but does not sign with it; use a certificate with an RSA or \
                              ECDSA key"
                        .to_owned();
                Err(SigningError::Scheme { reason }.into())
            }
            KeyKind::Rsa { .. } if self.pss => {
                Ok(SignatureScheme::RsaPss { digest: self.digest, salt_len: self.digest.len() })
            }
            KeyKind::Rsa { .. } => Ok(SignatureScheme::RsaPkcs1(self.digest)),
        }
    }
}

/// What a person says with a signature.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// The field to create or to fill.
    pub field: Option<String>,
    /// `/Reason`.
    pub reason: Option<String>,
    /// `/Location`.
    pub location: Option<String>,
    /// `/ContactInfo`.
    pub contact: Option<String>,
}

/// A signed file that was verified before it was released. Nothing else can make one.
#[derive(Debug)]
pub struct Released {
    path: PathBuf,
    report: DocumentReport,
    field: String,
    took: Steps,
}

impl Released {
    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the judge found in it.
    pub fn report(&self) -> &DocumentReport {
        &self.report
    }

    /// The new signature's part of the report.
    pub fn signature(&self) -> Option<&SignatureReport> {
        self.report.signatures.iter().find(|signature| signature.field == self.field)
    }

    /// How long each step took, in milliseconds.
    pub fn took(&self) -> &Steps {
        &self.took
    }
}

/// Milliseconds that the steps of one signature took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Steps {
    /// Copying and hashing the input.
    pub copy: f64,
    /// Building the revision.
    pub prepare: f64,
    /// The key.
    pub sign: f64,
    /// The time-stamp authority.
    pub stamp: f64,
    /// The verify walk over the result.
    pub verify: f64,
}

/// A time-stamp authority, and how long its tokens are.
pub struct TimeStamping {
    url: String,
    measured: Mutex<Option<TokenRoom>>,
}

impl TimeStamping {
    /// The authority at `url`, which the operator vouches for.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), measured: Mutex::new(None) }
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// All that signing needs beside the document and the key. One desk serves many signatures.
pub struct SigningDesk {
    /// The moment.
    pub clock: Clock,
    /// Nonces.
    pub chance: Chance,
    /// Bounds for reading the document.
    pub limits: Limits,
    /// The network door.
    pub fetcher: Arc<Fetcher>,
    /// For PAdES B-T; without one the level is B-B.
    pub time_stamping: Option<TimeStamping>,
    /// Anchors for the release check. Without the right one the verdict of a good file is indeterminate.
    pub anchors: Anchors,
    /// The policy of the release check.
    pub policy: Policy,
    /// Whether the release check may ask OCSP responders and fetch CRLs.
    pub online: bool,
}

impl SigningDesk {
    /// Signs `input` into `output`, which appears whole or not at all.
    ///
    /// # Errors
    ///
    /// See [`SignError`]. The input is never touched; without a released file there is no output file.
    pub fn sign_file(
        &self,
        input: &dyn Source,
        output: &Path,
        signer: &Signer,
        wishes: &Wishes,
    ) -> Result<Released, SignError> {
        let sign = |scheme, message: &[u8]| signer.token.sign(&signer.key, scheme, message);
        self.sign_file_with(input, output, signer, wishes, sign)
    }

    /// As [`SigningDesk::sign_file`], with the key behind a function: a token, an agent, a remote service.
    ///
    /// # Errors
    ///
    /// As [`SigningDesk::sign_file`].
    pub fn sign_file_with(
        &self,
        input: &dyn Source,
        output: &Path,
        signer: &Signer,
        wishes: &Wishes,
        sign: impl FnOnce(SignatureScheme, &[u8]) -> Result<Vec<u8>, TokenError>,
    ) -> Result<Released, SignError> {
        self.sign_with(input, output, &signer.certificate, &signer.chain, signer.scheme, wishes, sign)
    }

    /// The walk itself.
    #[expect(clippy::too_many_arguments, reason = "the parts of a signer, for callers that hold no token")]
    pub fn sign_with(
        &self,
        input: &dyn Source,
        output: &Path,
        certificate: &Certificate,
        chain: &[Certificate],
        scheme: SignatureScheme,
        wishes: &Wishes,
        sign: impl FnOnce(SignatureScheme, &[u8]) -> Result<Vec<u8>, TokenError>,
    ) -> Result<Released, SignError> {
        let now = self.clock.now();
        signing::check_signer(certificate, scheme, now)?;
        let mut took = Steps::default();

        let mut copy = timed(&mut took.copy, || Copy::of(input, output, scheme.digest()))?;
        let request = Request {
            signer: certificate.clone(),
            chain: chain.to_vec(),
            scheme,
            time_stamp: timed(&mut took.stamp, || self.token_room(scheme.digest()))?,
            field: wishes.field.clone(),
            reason: wishes.reason.clone(),
            location: wishes.location.clone(),
            contact: wishes.contact.clone(),
        };
        let prepared = timed(&mut took.prepare, || {
            let document = Document::open(copy.source()?, &self.limits)?;
            Ok::<_, SignError>(signing::prepare(&document, request, now)?)
        })?;
        let field = prepared.field().to_owned();

        let value = timed(&mut took.sign, || sign(scheme, prepared.to_be_signed()))?;
        let signed = prepared.finish(value)?;
        // The key is done. What follows may fail and be tried again without it.
        timed(&mut took.stamp, || self.append(&mut copy, signed, scheme.digest()))?;

        let report = timed(&mut took.verify, || self.check(&copy, output, &field, now))?;
        copy.release(output)?;
        Ok(Released { path: output.to_owned(), report, field, took })
    }

    /// The room for a token of our authority, measured once.
    fn token_room(&self, algorithm: DigestAlgorithm) -> Result<Option<TokenRoom>, SignError> {
        let Some(authority) = &self.time_stamping else { return Ok(None) };
        let mut measured = authority.measured.lock().unwrap_or_else(PoisonError::into_inner);
        if measured.is_none() {
            let probe = self.time_stamp_request(algorithm.digest(b"kyso measures the length of a token"));
            *measured = Some(TokenRoom::after(self.ask(authority, &probe)?.len()));
        }
        Ok(*measured)
    }

    fn append(
        &self,
        copy: &mut Copy,
        signed: signing::Signed,
        algorithm: DigestAlgorithm,
    ) -> Result<(), SignError> {
        let Some(authority) = &self.time_stamping else { return copy.append(&signed.plain()?) };
        let request = signed.time_stamp_request(self.chance.bytes());
        let token = self.ask(authority, &request)?;
        match signed.stamp(&token, &self.limits)? {
            Stamped::Whole(tail) => copy.append(&tail),
            Stamped::TooLong(tail) => {
                copy.append(&tail)?;
                self.stamp_document(copy, authority, token.len(), algorithm)
            }
        }
    }

    /// The way out when an authority's token outgrew its room: a document time-stamp behind the signature.
    fn stamp_document(
        &self,
        copy: &mut Copy,
        authority: &TimeStamping,
        mut measured: usize,
        algorithm: DigestAlgorithm,
    ) -> Result<(), SignError> {
        for _ in 0..STAMP_TRIES {
            let room = TokenRoom::after(measured);
            let document = Document::open(copy.source()?, &self.limits)?;
            let prepared = signing::prepare_document_stamp(&document, room, algorithm)?;
            let token = self.ask(authority, &prepared.time_stamp_request(self.chance.bytes()))?;
            *authority.measured.lock().unwrap_or_else(PoisonError::into_inner) = Some(room);
            if token.len() <= room.reserved() {
                return copy.append(&prepared.finish(&token, &self.limits)?);
            }
            measured = token.len();
        }
        Err(SignError::UnsteadyTimeStamps { url: authority.url.clone() })
    }

    fn time_stamp_request(&self, imprint: crate::base::Digest) -> tsp::Request {
        tsp::Request { imprint, nonce: Some(self.chance.bytes::<8>().to_vec()), cert_req: true }
    }

    fn ask(&self, authority: &TimeStamping, request: &tsp::Request) -> Result<Vec<u8>, SignError> {
        let answer = self
            .fetcher
            .post_timestamp(&authority.url, &request.to_der())
            .map_err(|source| SignError::TimeStampAuthority { url: authority.url.clone(), source })?;
        Ok(tsp::token_from_response(&answer, request).map_err(SigningError::from)?)
    }

    /// The verify walk over the copy. A file whose new signature is not whole is not released.
    fn check(
        &self,
        copy: &Copy,
        output: &Path,
        field: &str,
        now: UtcTime,
    ) -> Result<DocumentReport, SignError> {
        let name = output.file_name().unwrap_or_default().to_string_lossy();
        let options = super::verify::Options {
            anchors: &self.anchors,
            policy: &self.policy,
            moment: now,
            fetcher: self.online.then_some(&*self.fetcher),
            limits: &self.limits,
        };
        let report = super::verify::verify_source(&name, copy.source()?, &options)?;
        let refuse = |reason: String| Err(SignError::NotReleased { reason });
        let Some(signature) = report.signatures.iter().find(|signature| signature.field == field) else {
            return refuse("the new signature is not found in the result".to_owned());
        };
        if !signature.digest_matches || !signature.signature_matches {
            return refuse("the new signature does not fit the result".to_owned());
        }
        if signature.coverage == CoverageLevel::Partial {
            return refuse("the new signature does not cover the result".to_owned());
        }
        if signature.indication == Indication::TotalFailed {
            let words: Vec<_> = signature.errors.iter().map(|error| error.message.as_str()).collect();
            return refuse(words.join("; "));
        }
        Ok(report)
    }
}

/// Why no signed file was released.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The input could not be opened or read.
    #[error("the document could not be read to its end")]
    Input {
        /// What the system said.
        source: io::Error,
    },
    /// There is no certificate for the key.
    #[error("the token holds no certificate for key {key}; give one with --cert")]
    NoCertificate {
        /// The key asked for.
        key: String,
    },
    /// The verify walk found the result wanting: our own fault, or a token that signs something else.
    #[error("the result was not released: {reason}")]
    NotReleased {
        /// What the judge said.
        reason: String,
    },
    /// The output could not be written.
    #[error("{} could not be written", path.display())]
    Output {
        /// The output.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file cannot be read as a PDF.
    #[error("the file cannot be signed: {0}")]
    Pdf(#[from] PdfError),
    /// The request, the certificate or the value.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// The authority did not answer.
    #[error("the time-stamp authority at {url} gave no time-stamp")]
    TimeStampAuthority {
        /// The authority.
        url: String,
        /// What the network said.
        source: FetchError,
    },
    /// The token.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The authority's tokens grow from one to the next.
    #[error("the time-stamp authority at {url} gives tokens of ever other lengths; nothing was released")]
    UnsteadyTimeStamps {
        /// The authority.
        url: String,
    },
    /// The result could not be judged.
    #[error("the result could not be judged")]
    Verify(#[from] super::verify::VerifyError),
}

fn certificate_on(token: &Token, key: &KeySelector) -> Result<Certificate, SignError> {
    let keys = token.keys()?;
    let names = |id: &[u8], label: &str| match key {
        KeySelector::Id(wanted) => wanted == id,
        KeySelector::Label(wanted) => wanted == label,
    };
    let id = keys.iter().find(|held| names(&held.id, &held.label)).map(|held| &held.id);
    let certificates = token.certificates()?;
    let fits = |held: &&crate::token::TokenCertificate| match id {
        Some(id) => held.id == *id,
        None => names(&held.id, &held.label),
    };
    let found = certificates.iter().find(fits).map(|held| held.certificate.clone());
    found.ok_or_else(|| SignError::NoCertificate { key: key.to_string() })
}

/// A copy of the input that will become the output, beside it, so that the last step is a rename.
struct Copy {
    file: NamedTempFile,
    prefix_len: u64,
    prefix: Hasher,
    password: Option<Arc<Password>>,
}

impl Copy {
    fn of(input: &dyn Source, output: &Path, algorithm: DigestAlgorithm) -> Result<Self, SignError> {
        let unwritten = |source| SignError::Output { path: output.to_owned(), source };
        let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty());
        let file = NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map_err(unwritten)?;
        let prefix_len = input.len();
        let mut prefix = Hasher::new(algorithm);
        let mut piece = vec![0; PIECE.min(usize::try_from(prefix_len).unwrap_or(PIECE))];
        let mut at = 0;
        while at < prefix_len {
            let take = usize::try_from(prefix_len - at).unwrap_or(PIECE).min(PIECE);
            input.read_at(at, &mut piece[..take]).map_err(|source| SignError::Input { source })?;
            prefix.update(&piece[..take]);
            file.as_file().write_all(&piece[..take]).map_err(unwritten)?;
            at += take as u64;
        }
        Ok(Self { file, prefix_len, prefix, password: input.password() })
    }

    fn source(&self) -> Result<Arc<dyn Source>, SignError> {
        let unread = |source| SignError::Input { source };
        let file = FileSource::of(self.file.as_file().try_clone().map_err(unread)?).map_err(unread)?;
        let hashed = HashedSource::new(file, self.prefix_len, self.prefix.clone());
        Ok(Arc::new(ProtectedSource::new(hashed, self.password.clone())))
    }

    fn append(&mut self, tail: &[u8]) -> Result<(), SignError> {
        let path = self.file.path().to_owned();
        self.file.as_file_mut().write_all(tail).map_err(|source| SignError::Output { path, source })
    }

    /// Durable first, visible second.
    fn release(self, output: &Path) -> Result<(), SignError> {
        let unwritten = |source| SignError::Output { path: output.to_owned(), source };
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        self.file.as_file().set_permissions(permissions).map_err(unwritten)?;
        self.file.as_file().sync_all().map_err(unwritten)?;
        self.file.persist(output).map_err(|error| unwritten(error.error))?;
        let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all()).map_err(unwritten)
    }
}

fn timed<T>(into: &mut f64, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    *into += start.elapsed().as_secs_f64() * 1_000.0;
    result
}

/// Bytes copied and hashed at a time.
const PIECE: usize = 1024 * 1024;

/// How often a document time-stamp is tried with ever more room.
const STAMP_TRIES: usize = 3;
