//! The task of signing any file as CAdES, and of what raises a CMS signature to a higher level (ETSI EN 319 122-1).
//!
//! The key signs once; what comes after may fail and be tried again without it. Nothing is released before the judge
//! has found the signature intact, and of the level that was asked for.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{Copy, Identity, Raise, SignError, Signer, SigningDesk, Steps, timed};
use crate::{
    base::{Digest, DigestAlgorithm, HashedSource, Limits, MemorySource, Source, UtcTime, digest::Hasher},
    cms::{MAX_CONTENT, Statements, from_pem},
    service::verify::{self, Options},
    signing::{self, CmsFile, CmsRequest, SigningError},
    token::TokenError,
    validation::{
        Detached, DocumentReport, Evidence, Indication, Inspection, Level, SignatureReport, TimeStampKind,
        TimeStampReport,
    },
    x509::algorithm::SignatureScheme,
};

/// What a CAdES signature shall be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CmsWishes {
    /// The content lies inside (`.p7m`) rather than apart (`.p7s`).
    pub enveloping: bool,
    /// The level of the release.
    pub level: Level,
    /// What is said under protection: policy, commitment, roles.
    pub statements: Statements,
    /// As [`signing::Wishes::any_usage`].
    pub any_usage: bool,
}

/// A CMS signature that was verified before it was released. Nothing else can make one.
#[derive(Debug)]
pub struct ReleasedCms {
    path: PathBuf,
    report: DocumentReport,
    took: Steps,
    good_until: Option<UtcTime>,
}

impl ReleasedCms {
    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the judge found in it.
    pub fn report(&self) -> &DocumentReport {
        &self.report
    }

    /// The signature's part of the report.
    pub fn signature(&self) -> Option<&SignatureReport> {
        self.report.signatures.first()
    }

    /// Until when the archive time-stamp can be relied on by what is known now; `None` without one.
    pub fn good_until(&self) -> Option<UtcTime> {
        self.good_until
    }

    /// How long each step took, in milliseconds; `copy` is the hashing of the input.
    pub fn took(&self) -> &Steps {
        &self.took
    }
}

impl SigningDesk {
    /// Signs `input`, of any kind, into a CMS at `output`, which appears whole or not at all.
    ///
    /// A signature apart from its content reads `input` once, however large that is. `name` is what the report calls the
    /// content.
    ///
    /// # Errors
    ///
    /// See [`SignError`]. What can be refused without the key is refused before it is asked for.
    pub fn sign_cms(
        &self,
        input: Arc<dyn Source>,
        name: &str,
        output: &Path,
        signer: &Signer,
        wishes: &CmsWishes,
    ) -> Result<ReleasedCms, SignError> {
        let sign = |scheme, message: &[u8]| signer.token.sign(&signer.key, scheme, message);
        self.sign_cms_with(input, name, output, signer.identity(), wishes, sign)
    }

    /// As [`SigningDesk::sign_cms`], with the key behind a function.
    ///
    /// # Errors
    ///
    /// As [`SigningDesk::sign_cms`].
    pub fn sign_cms_with(
        &self,
        input: Arc<dyn Source>,
        name: &str,
        output: &Path,
        identity: Identity,
        wishes: &CmsWishes,
        sign: impl FnOnce(SignatureScheme, &[u8]) -> Result<Vec<u8>, TokenError>,
    ) -> Result<ReleasedCms, SignError> {
        let now = self.clock.now();
        let Identity { certificate, chain, scheme } = identity;
        signing::check_signer(&certificate, scheme, now)?;
        self.may_reach(wishes.level)?;
        if wishes.enveloping && input.len() > MAX_CONTENT {
            return Err(SignError::Enveloping { limit: MAX_CONTENT });
        }
        let mut took = Steps::default();
        let (content, enveloped) =
            timed(&mut took.copy, || Content::read(input, name, scheme.digest(), wishes.enveloping))?;
        let request = CmsRequest {
            signer: certificate,
            chain,
            scheme,
            digest: content.digest.clone(),
            enveloped,
            any_usage: wishes.any_usage,
        };
        let statements = &wishes.statements;
        let prepared = timed(&mut took.prepare, || signing::prepare_cms_saying(request, statements, now))?;

        let value = timed(&mut took.sign, || sign(scheme, prepared.to_be_signed()))?;
        let mut file = prepared.finish(&value, &self.limits)?;
        // The key is done. What follows may fail and be tried again without it.
        let raise = Raise::new(wishes.level, file.digest());
        timed(&mut took.stamp, || self.raise_cms(None, &mut file, &content, raise))?;

        let title = output.file_name().unwrap_or_default().to_string_lossy();
        let bytes = file.to_der();
        let (report, good_until) =
            timed(&mut took.verify, || self.check_cms(&bytes, &title, &content, wishes.level, now))?;
        Copy::of(&MemorySource(bytes), output, DigestAlgorithm::Sha256)?.release(output)?;
        Ok(ReleasedCms { path: output.to_owned(), report, took, good_until })
    }

    /// Raises a CMS signature that is there, ours or not: DER, BER or PEM in, DER out.
    ///
    /// `content`: the signed file, where it lies apart. `has`: the level of the signature, if it is known.
    ///
    /// # Errors
    ///
    /// As [`SigningDesk::sign_cms`]; when the signature cannot be read, or its content is missing.
    pub(in crate::service) fn raise_signed_data(
        &self,
        cms: &[u8],
        content: Option<Detached>,
        has: Option<Level>,
        raise: Raise,
    ) -> Result<Vec<u8>, SignError> {
        let unread = |reason| SignError::NotReleased { reason };
        let cms =
            from_pem(cms).map_err(|reason| unread(format!("the signature cannot be read: {reason}")))?;
        let room = usize::try_from(MAX_CONTENT).unwrap_or(usize::MAX);
        let limits = Limits { cms_bytes: self.limits.cms_bytes.saturating_add(room), ..self.limits.clone() };
        let mut file = CmsFile::open(&cms, &limits)?;
        let content = Content::of(&file, content)?;
        let raise = Raise { digest: file.digest(), ..raise };
        self.raise_cms(has, &mut file, &content, raise)?;
        Ok(file.to_der())
    }

    /// What a level needs that is known beforehand.
    pub(super) fn may_reach(&self, level: Level) -> Result<(), SignError> {
        let refuse =
            |reason: &str| Err(SignError::Level { level: level.as_str(), reason: reason.to_owned() });
        if level >= Level::T && self.time_stamping.is_none() {
            return refuse("it needs a time-stamp authority, and none is named");
        }
        if level >= Level::Lt && self.anchors.is_empty() {
            return refuse(
                "it needs the certificates of authorities to trust, for which to gather evidence, and none are given",
            );
        }
        Ok(())
    }

    /// Level after level. `has`: the one that the signature is known to have.
    pub(super) fn raise_cms(
        &self,
        has: Option<Level>,
        file: &mut CmsFile,
        content: &Content,
        raise: Raise,
    ) -> Result<(), SignError> {
        let Raise { to, even_if_not_valid, digest, .. } = raise;
        let algorithm = stamp_algorithm(digest);
        if to >= Level::T && has.is_none_or(|level| level < Level::T) {
            let (token, ()) =
                self.token_for(algorithm, |digest, nonce| Ok((file.time_stamp_request(digest, nonce), ())))?;
            file.stamp(&token, &self.limits)?;
        }
        if to >= Level::Lt {
            let source: Arc<dyn Source> = Arc::new(MemorySource(file.to_der()));
            let moment = self.clock.now();
            let inspection = self.gather(source, content.apart.as_slice(), moment, raise.age(moment))?;
            let report = inspection.judge("CMS", &self.policy, &self.anchors, moment);
            if !even_if_not_valid {
                valid(&report, to)?;
            }
            file.embed(&material(&inspection, &report));
        }
        if to >= Level::Lta {
            let (token, request) = self.token_for(algorithm, |digest, nonce| {
                let request = file.archive_request(&content.digest(digest)?, nonce);
                Ok((request.request.clone(), request))
            })?;
            file.archive(&request, &token, &self.limits)?;
        }
        Ok(())
    }

    /// The verify walk, with the inspection that it left.
    fn judge_cms(
        &self,
        cms: &[u8],
        name: &str,
        content: &Content,
        now: UtcTime,
    ) -> Result<(Inspection, DocumentReport), SignError> {
        let options = Options {
            anchors: &self.anchors,
            policy: &self.policy,
            moment: now,
            fetcher: self.online.then_some(&*self.fetcher),
            limits: &self.limits,
        };
        let source: Arc<dyn Source> = Arc::new(MemorySource(cms.to_vec()));
        Ok(verify::inspect_signed(name, source, content.apart.as_slice(), &options)?)
    }

    /// Whether the result may be released; and until when its archive time-stamp is good.
    fn check_cms(
        &self,
        cms: &[u8],
        name: &str,
        content: &Content,
        level: Level,
        now: UtcTime,
    ) -> Result<(DocumentReport, Option<UtcTime>), SignError> {
        let (inspection, report) = self.judge_cms(cms, name, content, now)?;
        intact(&report)?;
        let stamps = report.signatures.iter().flat_map(|signature| &signature.time_stamps);
        let whole = |stamp: &TimeStampReport| stamp.indication != Indication::TotalFailed;
        if level >= Level::T && !stamps.filter(|stamp| stamp.kind == TimeStampKind::Signature).any(whole) {
            let reason = "the time-stamp of the authority is broken".to_owned();
            return Err(SignError::NotReleased { reason });
        }
        if level >= Level::Lt {
            valid(&report, level)?;
            let all = report.signatures.first().map(|signature| &signature.level_reasons);
            if reached(&report).is_none_or(|reached| reached < level) {
                let words: Vec<&str> =
                    all.into_iter().flatten().map(|reason| reason.message.as_str()).collect();
                return Err(SignError::Level { level: level.as_str(), reason: words.join(" ") });
            }
        }
        Ok((report, self.good_until(&inspection, level, now)))
    }

    /// Until when what was archived is good; asked for nothing else.
    pub(super) fn good_until(&self, inspection: &Inspection, level: Level, now: UtcTime) -> Option<UtcTime> {
        if level < Level::Lta {
            return None;
        }
        signing::good_until(&inspection.appraise("", &self.policy, &self.anchors, now).1)
    }
}

/// What is signed.
pub(super) struct Content {
    /// In the algorithm of the signature.
    pub(super) digest: Digest,
    /// Where it lies outside of the CMS.
    apart: Option<Detached>,
    /// Where it lies inside.
    inside: Option<Vec<u8>>,
}

impl Content {
    /// Reads the input once. What was read is what is signed and judged, whatever becomes of the input.
    pub(super) fn read(
        input: Arc<dyn Source>,
        name: &str,
        algorithm: DigestAlgorithm,
        enveloping: bool,
    ) -> Result<(Self, Option<Vec<u8>>), SignError> {
        let unread = |source| SignError::Input { source };
        let len = input.len();
        if enveloping {
            let bytes = input.read(0..len).map_err(unread)?;
            let content = Self { digest: algorithm.digest(&bytes), apart: None, inside: Some(bytes.clone()) };
            return Ok((content, Some(bytes)));
        }
        let mut hasher = Hasher::new(algorithm);
        hasher.update_from(&*input, 0..len).map_err(unread)?;
        let digest = hasher.clone().finish();
        let source = Arc::new(HashedSource::new(input, len, hasher));
        let apart = Some(Detached { name: name.to_owned(), source });
        Ok((Self { digest, apart, inside: None }, None))
    }

    /// The content of a signature that is there.
    fn of(file: &CmsFile, apart: Option<Detached>) -> Result<Self, SignError> {
        let unread = |source| SignError::Input { source };
        let inside = file.content().map(<[u8]>::to_vec);
        let digest = match (&inside, &apart) {
            (Some(bytes), _) => file.digest().digest(bytes),
            (None, Some(apart)) => {
                apart.source.hasher(file.digest(), apart.source.len()).map_err(unread)?.finish()
            }
            (None, None) => {
                let reason = "the signed file lies apart from its signature and was not given".to_owned();
                return Err(SignError::NotReleased { reason });
            }
        };
        Ok(Self { digest, apart, inside })
    }

    fn digest(&self, algorithm: DigestAlgorithm) -> Result<Digest, SignError> {
        if self.digest.algorithm == algorithm {
            return Ok(self.digest.clone());
        }
        match (&self.inside, &self.apart) {
            (Some(bytes), _) => Ok(algorithm.digest(bytes)),
            (None, Some(apart)) => {
                let hasher = apart.source.hasher(algorithm, apart.source.len());
                Ok(hasher.map_err(SigningError::from)?.finish())
            }
            (None, None) => Ok(self.digest.clone()),
        }
    }
}

/// Whether a signature is what it says; trust apart.
fn intact(report: &DocumentReport) -> Result<(), SignError> {
    let refuse = |reason: String| Err(SignError::NotReleased { reason });
    let [signature] = report.signatures.as_slice() else {
        return refuse("it does not hold exactly one signature".to_owned());
    };
    let errors: Vec<&str> = signature.errors.iter().map(|error| error.message.as_str()).collect();
    if !signature.digest_matches || !signature.signature_matches {
        return refuse(format!("the signature does not fit the content. {}", errors.join(" ")));
    }
    if signature.indication == Indication::TotalFailed {
        return refuse(errors.join(" "));
    }
    Ok(())
}

/// Whether it is valid: evidence is gathered, and archived, for what can be relied on only.
pub(super) fn valid(report: &DocumentReport, level: Level) -> Result<(), SignError> {
    let against = report.signatures.iter().find_map(SignatureReport::reason_against);
    match against {
        None => Ok(()),
        Some(message) => {
            let reason = format!("it cannot be relied on now: {}", message.message);
            Err(SignError::Level { level: level.as_str(), reason })
        }
    }
}

/// The level of a valid signature.
fn reached(report: &DocumentReport) -> Option<Level> {
    let signature = report.signatures.first()?;
    (signature.indication == Indication::TotalPassed).then(|| signing::level_of(signature)).flatten()
}

/// What the verdict rests on: the paths of signer and time-stamp authorities without the anchors, and the evidence that
/// was brought.
pub(super) fn material(inspection: &Inspection, report: &DocumentReport) -> Vec<Evidence> {
    let signature = report.signatures.iter();
    let paths = signature.flat_map(|signature| {
        let stamps = signature.time_stamps.iter().map(|stamp| &stamp.certificates);
        std::iter::once(&signature.certificates).chain(stamps)
    });
    let certificates = paths.flat_map(|path| path.iter().take(path.len().saturating_sub(1)));
    let mut material: Vec<Evidence> =
        certificates.map(|certificate| Evidence::Certificate(certificate.der.clone())).collect();
    material.extend(inspection.supplied().iter().cloned());
    material
}

/// The digest for a time-stamp: that of the signature, where authorities take it.
pub(super) fn stamp_algorithm(signature: DigestAlgorithm) -> DigestAlgorithm {
    match signature {
        known @ (DigestAlgorithm::Sha256 | DigestAlgorithm::Sha384 | DigestAlgorithm::Sha512) => known,
        _ => DigestAlgorithm::Sha256,
    }
}
