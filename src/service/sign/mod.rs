//! The task of signing a file: copy, prepare, sign, stamp, verify, release.
//!
//! The input is read once, while it is copied and hashed; after that only the copy counts, so nothing that
//! happens to the input meanwhile can come between what was hashed and what is released. The copy takes the
//! output's name in the last step, and only after the judge has found the new signature intact in it.

pub mod batch;
mod cms;
pub mod container;
mod copy;
mod preview;
mod stamping;
mod xades;

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

pub use cms::{CmsWishes, ReleasedCms};
pub(super) use copy::{Copy, folder_of, sync_folder};
pub use preview::Preview;
use stamping::Room;
use tempfile::TempPath;

pub(in crate::service) use xades::Raise;
pub use xades::{XadesWishes, XmlSubject, check_xml};

pub use super::time_stamping::TimeStamping;
use super::{
    extend::{ExtendError, Extension, Raised},
    time_stamping::NoTimeStamp,
};

use crate::{
    appearance::Placement,
    base::{AppendedSource, Chance, Clock, DigestAlgorithm, Limits, Source, UtcTime},
    fetch::Fetcher,
    pdf::{Document, PdfError},
    signing::{self, Kept, Prepared, Request, SigningError, Wishes},
    token::{KeySelector, Token, TokenError},
    trust::{Anchors, Known},
    validation::{CoverageLevel, DocumentReport, Indication, Level, Policy, SignatureReport},
    x509::{
        Certificate,
        algorithm::{self, KeyKind, SignatureScheme},
    },
};

/// Who signs, and how: all of a signer but the key.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The certificate of the key that signs.
    pub certificate: Certificate,
    /// The issuers that travel with each signature.
    pub chain: Vec<Certificate>,
    /// How the key signs.
    pub scheme: SignatureScheme,
}

impl Identity {
    /// Of the holder of `certificate`; its issuers are those of `chain` that are not itself.
    ///
    /// # Errors
    ///
    /// As [`SchemeWish::scheme_for`].
    pub fn new(
        certificate: Certificate,
        chain: Vec<Certificate>,
        wish: SchemeWish,
    ) -> Result<Self, SignError> {
        let scheme = wish.scheme_for(&certificate)?;
        let chain = chain.into_iter().filter(|issuer| issuer.der() != certificate.der()).collect();
        Ok(Self { certificate, chain, scheme })
    }
}

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
        let Identity { certificate, chain, scheme } = Identity::new(certificate, chain, wish)?;
        Ok(Self { token, key, certificate, chain, scheme })
    }

    /// What is said about the signer without the key.
    pub fn identity(&self) -> Identity {
        let Self { certificate, chain, scheme, .. } = self.clone();
        Identity { certificate, chain, scheme }
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

/// A signed file that was verified before it was released. Nothing else can make one.
#[derive(Debug)]
pub struct Released {
    path: PathBuf,
    report: DocumentReport,
    field: String,
    placement: Option<Placement>,
    took: Steps,
    asked: Level,
    deferred: Option<String>,
    good_until: Option<UtcTime>,
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

    /// Where the new signature can be seen, unless it is invisible.
    pub fn placement(&self) -> Option<&Placement> {
        self.placement.as_ref()
    }

    /// The level that was asked for.
    pub fn asked(&self) -> Level {
        self.asked
    }

    /// The level that the new signature has.
    pub fn reached(&self) -> Level {
        self.signature().and_then(signing::level_of).unwrap_or(Level::B)
    }

    /// Why the level asked for was left for later, where it was.
    pub fn deferred(&self) -> Option<&str> {
        self.deferred.as_deref()
    }

    /// Until when the archive time-stamp can be relied on by what is known now; `None` without one.
    pub fn good_until(&self) -> Option<UtcTime> {
        self.good_until
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
    /// Gathering and storing evidence, and the archive time-stamp.
    pub extend: f64,
    /// The verify walk over the result.
    pub verify: f64,
    /// Making the result durable, and visible; 0 in a batch, which does that for many together.
    pub release: f64,
}

/// A copy of the input with a revision that waits for its signature value.
pub struct Pending {
    copy: Copy,
    prepared: Prepared,
    output: PathBuf,
    now: UtcTime,
    took: Steps,
    asked: Level,
    /// Whether there is room for a time-stamp.
    stamped: bool,
    deferred: Option<String>,
}

impl Pending {
    /// What the key signs, by [`Pending::scheme`].
    pub fn to_be_signed(&self) -> &[u8] {
        self.prepared.to_be_signed()
    }

    /// How the key signs.
    pub fn scheme(&self) -> SignatureScheme {
        self.prepared.scheme()
    }

    /// What the revision says, and how it is put away.
    pub fn prepared(&self) -> &Prepared {
        &self.prepared
    }

    /// The whole file as it stands, the hole for the CMS being zeros.
    ///
    /// # Errors
    ///
    /// When the copy cannot be read.
    pub fn revision(&self) -> Result<AppendedSource<Arc<dyn Source>>, SignError> {
        Ok(AppendedSource::new(self.copy.source()?, self.prepared.tail().to_vec()))
    }
}

/// A signed copy that the judge let pass, and that has no name yet.
pub(super) struct Finished {
    copy: Copy,
    released: Released,
}

impl Finished {
    /// What will be released.
    pub(super) fn released(&self) -> &Released {
        &self.released
    }

    /// Makes its bytes durable, and nothing visible.
    pub(super) fn sync(&self) -> Result<(), SignError> {
        self.copy.sync(&self.released.path)
    }

    /// Gives it its name, which nobody may have; durable with [`sync_folder`] only.
    pub(super) fn reveal(self) -> Result<Released, SignError> {
        self.copy.reveal(&self.released.path)?;
        Ok(self.released)
    }

    /// The copy as it lies there, and what would be released.
    fn staged(self) -> (TempPath, Released) {
        (self.copy.into_temp_path(), self.released)
    }

    /// Durable first, visible second.
    fn release(self) -> Result<Released, SignError> {
        let Self { copy, mut released } = self;
        timed(&mut released.took.release, || copy.release(&released.path))?;
        Ok(released)
    }
}

/// What a file that has no name yet is called in its report.
pub(super) const STAGED: &str = "signed.pdf";

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
    /// For PAdES B-T and up; without one the level is B-B.
    pub time_stamping: Option<TimeStamping>,
    /// Anchors for the release check. Without the right one the verdict of a good file is indeterminate.
    pub anchors: Anchors,
    /// The policy of the release check.
    pub policy: Policy,
    /// Whether the release check may ask OCSP responders and fetch CRLs.
    pub online: bool,
    /// What the release checks of earlier files found about the signatures of issuers.
    pub known: Arc<Known>,
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
        self.sign_with(input, output, signer.identity(), wishes, sign)
    }

    /// As [`SigningDesk::sign_file`], with a file in `folder` that has no name yet and is not durable.
    pub(super) fn stage_file(
        &self,
        input: &dyn Source,
        folder: &Path,
        signer: &Signer,
        wishes: &Wishes,
    ) -> Result<(TempPath, Released), SignError> {
        let sign = |scheme, message: &[u8]| signer.token.sign(&signer.key, scheme, message);
        Ok(self.signed(input, &folder.join(STAGED), signer.identity(), wishes, sign)?.staged())
    }

    /// As [`SigningDesk::sign_file`], with the key behind a function: a token, an agent, a remote service.
    ///
    /// # Errors
    ///
    /// As [`SigningDesk::sign_file`].
    pub fn sign_with(
        &self,
        input: &dyn Source,
        output: &Path,
        identity: Identity,
        wishes: &Wishes,
        sign: impl FnOnce(SignatureScheme, &[u8]) -> Result<Vec<u8>, TokenError>,
    ) -> Result<Released, SignError> {
        self.signed(input, output, identity, wishes, sign)?.release()
    }

    fn signed(
        &self,
        input: &dyn Source,
        output: &Path,
        identity: Identity,
        wishes: &Wishes,
        sign: impl FnOnce(SignatureScheme, &[u8]) -> Result<Vec<u8>, TokenError>,
    ) -> Result<Finished, SignError> {
        let mut pending = self.begin(input, output, identity, wishes)?;
        let value = timed(&mut pending.took.sign, || {
            sign(pending.prepared.scheme(), pending.prepared.to_be_signed())
        })?;
        self.finish(pending, value)
    }

    /// The first half of the walk: copies the input, and says what the key has to sign.
    ///
    /// # Errors
    ///
    /// As [`SigningDesk::sign_file`]; no key was touched.
    pub fn begin(
        &self,
        input: &dyn Source,
        output: &Path,
        identity: Identity,
        wishes: &Wishes,
    ) -> Result<Pending, SignError> {
        self.begin_in(input, folder_of(output), output, identity, wishes)
    }

    /// As [`SigningDesk::begin`], with the copy in `folder`, which is on the disk of the output.
    pub(super) fn begin_in(
        &self,
        input: &dyn Source,
        folder: &Path,
        output: &Path,
        identity: Identity,
        wishes: &Wishes,
    ) -> Result<Pending, SignError> {
        let now = self.clock.now();
        let Identity { certificate, chain, scheme } = identity;
        signing::check_signer(&certificate, scheme, now)?;
        let asked = self.asked_level(wishes)?;
        let mut took = Steps::default();

        let copy = timed(&mut took.copy, || Copy::within(folder, input, output, scheme.digest()))?;
        let room = timed(&mut took.stamp, || self.token_room(asked, scheme.digest()))?;
        let (time_stamp, deferred) = match room {
            Room::Needless => (None, None),
            Room::Deferred(none) => (None, Some(none.to_string())),
            Room::For(room) => (Some(room), None),
        };
        let stamped = time_stamp.is_some();
        let request = Request { signer: certificate, chain, scheme, time_stamp, wishes: wishes.clone() };
        let prepared = timed(&mut took.prepare, || {
            let document = Document::open(copy.source()?, &self.limits)?;
            Ok::<_, SignError>(signing::prepare(&document, request, now)?)
        })?;
        Ok(Pending { copy, prepared, output: output.to_owned(), now, took, asked, stamped, deferred })
    }

    /// The second half: takes the signature value, stamps, verifies, releases.
    ///
    /// # Errors
    ///
    /// As [`SigningDesk::sign_file`]. The key is done: what fails here may be tried again without it.
    pub fn complete(&self, pending: Pending, value: Vec<u8>) -> Result<Released, SignError> {
        self.finish(pending, value)?.release()
    }

    /// As [`SigningDesk::complete`], with a file that has no name yet and is not durable.
    pub(super) fn complete_staged(
        &self,
        pending: Pending,
        value: Vec<u8>,
    ) -> Result<(TempPath, Released), SignError> {
        Ok(self.finish(pending, value)?.staged())
    }

    /// Takes up what was put away with [`Prepared::keep`]: `input` is the document that it was prepared for.
    ///
    /// # Errors
    ///
    /// As [`SigningDesk::begin`]; [`SigningError::Kept`] when it does not go with the input.
    pub fn resume(&self, input: &dyn Source, output: &Path, kept: Kept) -> Result<Pending, SignError> {
        let now = self.clock.now();
        let prepared = Prepared::resume(kept, &self.limits)?;
        if input.len() != prepared.base_len() {
            let reason = "the document has another length now".to_owned();
            return Err(SigningError::Kept { reason }.into());
        }
        // Time has passed: the certificate may have expired.
        signing::check_signer(prepared.signer(), prepared.scheme(), now)?;
        let mut took = Steps::default();
        let algorithm = prepared.scheme().digest();
        let copy = timed(&mut took.copy, || Copy::of(input, output, algorithm))?;
        let asked = self.asked_level(prepared.wishes())?;
        let stamped = prepared.is_stamped();
        let deferred = (asked > Level::B && !stamped)
            .then(|| "no time-stamp authority answered when the signature was prepared".to_owned());
        let output = output.to_owned();
        Ok(Pending { copy, prepared, output, now, took, asked, stamped, deferred })
    }

    /// As [`SigningDesk::complete`], but for the name.
    pub(super) fn finish(&self, pending: Pending, value: Vec<u8>) -> Result<Finished, SignError> {
        let Pending { mut copy, prepared, output, now, mut took, asked, stamped, mut deferred } = pending;
        let (field, digest) = (prepared.field().to_owned(), prepared.scheme().digest());
        let placement = prepared.placement().cloned();
        let signed = prepared.finish(value)?;
        let unstamped = timed(&mut took.stamp, || self.append(&mut copy, signed, digest, stamped))?;
        deferred = deferred.or(unstamped.map(|none| none.to_string()));
        let mut good_until = None;
        if asked >= Level::Lt && deferred.is_none() {
            match timed(&mut took.extend, || self.raise_new(&mut copy, &field, asked, digest))? {
                Ok(raised) => good_until = raised.good_until,
                Err(why) => deferred = Some(why),
            }
        }

        // Evidence and time-stamps are younger than the moment at which signing began.
        let moment = self.clock.now().max(now);
        let report = timed(&mut took.verify, || self.check(&copy, &output, &field, moment))?;
        Ok(Finished {
            copy,
            released: Released { path: output, report, field, placement, took, asked, deferred, good_until },
        })
    }

    /// Raises the new signature; says why not where that is left for later.
    fn raise_new(
        &self,
        copy: &mut Copy,
        field: &str,
        level: Level,
        digest: DigestAlgorithm,
    ) -> Result<Result<Raised, String>, SignError> {
        let grace = self.time_stamping.as_ref().map(TimeStamping::grace).unwrap_or_default();
        if !grace.is_zero() {
            if self.defers() {
                return Ok(Err(format!(
                    "its evidence is gathered {} s after the signature",
                    grace.as_secs()
                )));
            }
            std::thread::sleep(grace);
        }
        let extension = Extension {
            only: Some(field.to_owned()),
            after_signature: !grace.is_zero(),
            ..Extension::to(level)
        };
        match self.raise_pdf(copy, &extension, digest) {
            Ok(raised) => Ok(Ok(raised)),
            Err(error) if self.defers() && error.may_pass() => Ok(Err(with_causes(&error))),
            Err(error) => Err(SignError::NotRaised { level, source: Box::new(error) }),
        }
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
        let report = super::verify::verify_one_of_many(&name, copy.source()?, &options, &self.known)?;
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
    /// The content is too long to lie inside its signature.
    #[error(
        "the document is too long to lie inside its signature (at most {limit} bytes); sign it detached instead"
    )]
    Enveloping {
        /// In bytes.
        limit: u64,
    },
    /// There is a file of the output's name, which nobody wrote over.
    #[error("{} exists; it was not written over", path.display())]
    Exists {
        /// The output.
        path: PathBuf,
    },
    /// The input could not be opened or read.
    #[error("the document could not be read to its end")]
    Input {
        /// What the system said.
        source: io::Error,
    },
    /// The level that was asked for cannot be had.
    #[error("the signature does not reach level {level}: {reason}")]
    Level {
        /// The one asked for.
        level: &'static str,
        /// What stands against it, and what to do.
        reason: String,
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
    /// The page could not be drawn.
    #[error("the page could not be drawn: {reason}")]
    Preview {
        /// Why.
        reason: String,
    },
    /// The request, the certificate or the value.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// There are no anchors, so nothing can be said about which evidence is needed.
    #[error("level {} needs trust anchors, to know which evidence the signature rests on", .level.as_str())]
    NoAnchors {
        /// The level asked for.
        level: Level,
    },
    /// There is nobody to ask for a time-stamp.
    #[error("level {} needs a time-stamp authority", .level.as_str())]
    NoAuthority {
        /// The level asked for.
        level: Level,
    },
    /// No authority gave a time-stamp.
    #[error(transparent)]
    NoTimeStamp(#[from] NoTimeStamp),
    /// The signature was made and stamped, but the level asked for was not reached.
    #[error("nothing was released: the signature does not reach level {}", .level.as_str())]
    NotRaised {
        /// The level asked for.
        level: Level,
        /// Why.
        source: Box<ExtendError>,
    },
    /// The token.
    #[error(transparent)]
    Token(#[from] TokenError),
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

pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(under) = cause {
        let more = under.to_string();
        if !words.contains(&more) {
            words = format!("{words}: {more}");
        }
        cause = under.source();
    }
    words
}

pub(super) fn timed<T>(into: &mut f64, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    *into += start.elapsed().as_secs_f64() * 1_000.0;
    result
}
