//! The task of signing a dossier: documents in an ASiC container, and one signature more over all of them.
//!
//! Everything that may be refused is refused before the key is asked. The container is written beside its place, judged
//! as whoever receives it will judge it, and only then gets its name.

use std::{
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{Copy, Identity, SignError, SigningDesk, Steps, cms::Content, timed};
use crate::{
    asic::{
        Addition, Archive, AsicError, Container, ContainerLimits, DataObject, Draft, Kind, Manifest, Role,
        Unpacked, media_type, write_archive,
    },
    base::{Digest, DigestAlgorithm, Limits, MemorySource, Source, UtcTime},
    service::verify::{Options, verify_source},
    signing::{
        self, CmsRequest, prepare_cms,
        xades::{FileToSign, Frame, XadesRequest, XmlForm, prepare_detached},
    },
    token::TokenError,
    trust::Anchors,
    validation::{
        Detached, DocumentReport, Indication, Inspection, Level, OpenError, Policy, SignatureReport,
    },
    x509::algorithm::SignatureScheme,
};

/// What is to be signed.
pub enum Dossier {
    /// A container that is there: one signature more goes into it.
    Existing(Arc<dyn Source>),
    /// Documents that are put into a container of this kind.
    New(Kind, Vec<Detached>),
}

/// How the signature in a container is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// CMS, over the document or over a manifest.
    Cades,
    /// XML, over each document.
    Xades,
}

/// What is wanted of the signature.
#[derive(Clone, Copy, Debug)]
pub struct ContainerWishes {
    /// How it is written; as those that are there, or else CAdES, when absent.
    pub form: Option<Form>,
    /// T and up ask the time-stamp authority, LT and LTA the responders and lists of revocation as well; LTA is for CAdES.
    pub level: Level,
    /// As [`signing::Wishes::any_usage`].
    pub any_usage: bool,
}

/// A signed container that was verified before it was released. Nothing else can make one.
#[derive(Debug)]
pub struct ReleasedContainer {
    path: PathBuf,
    report: DocumentReport,
    signature_file: String,
    took: Steps,
}

impl ReleasedContainer {
    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the judge found in it.
    pub fn report(&self) -> &DocumentReport {
        &self.report
    }

    /// How long each step took, in milliseconds.
    pub fn took(&self) -> &Steps {
        &self.took
    }

    /// The new signature's part of the report.
    pub fn signature(&self) -> Option<&SignatureReport> {
        self.report.signatures.iter().find(|signature| signature.field == self.signature_file)
    }
}

/// Why no container was released.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ContainerError {
    /// The container, or what was to go into it.
    #[error(transparent)]
    Asic(#[from] AsicError),
    /// The container that is there may not get one more signature.
    #[error("the container cannot be signed: {reason}")]
    Refused {
        /// Why, and what to do.
        reason: String,
    },
    /// As with any other file.
    #[error(transparent)]
    Sign(#[from] SignError),
}

impl Dossier {
    /// Looks at all that can be refused without a key.
    ///
    /// # Errors
    ///
    /// When the documents cannot lie in one container; when the container cannot be read, one of its signatures is
    /// broken, or it takes no second one of this form.
    pub fn check(&self, form: Option<Form>, limits: &Limits, now: UtcTime) -> Result<(), ContainerError> {
        Plan::of(self, form, limits, now).map(drop)
    }
}

impl SigningDesk {
    /// Puts one signature over all documents of `dossier`; the container appears at `output` whole or not at all.
    ///
    /// # Errors
    ///
    /// See [`ContainerError`]. What was given is never touched.
    pub fn sign_container(
        &self,
        dossier: &Dossier,
        output: &Path,
        identity: Identity,
        wishes: &ContainerWishes,
        sign: impl FnOnce(SignatureScheme, &[u8]) -> Result<Vec<u8>, TokenError>,
    ) -> Result<ReleasedContainer, ContainerError> {
        let now = self.clock.now();
        signing::check_signer(&identity.certificate, identity.scheme, now).map_err(SignError::from)?;
        let (mut took, level) = (Steps::default(), wishes.level);
        let plan = timed(&mut took.prepare, || Plan::of(dossier, wishes.form, &self.limits, now))?;
        let mut key = 0.0;
        let sign = |scheme, message: &[u8]| timed(&mut key, || sign(scheme, message));
        let made = timed(&mut took.stamp, || match plan.form {
            Form::Cades => self.cades_files(&plan, wishes, identity, now, sign),
            Form::Xades => self.xades_files(&plan, wishes, identity, now, sign),
        })?;
        (took.sign, took.stamp) = (key, took.stamp - key);
        let copy = timed(&mut took.copy, || Copy::made(output, |file| plan.write(&made, file)))?;
        let report = timed(&mut took.verify, || {
            self.check_container(&copy, output, &plan.signature_file, level, now)
        })?;
        copy.release(output)?;
        let signature_file = plan.signature_file;
        Ok(ReleasedContainer { path: output.to_owned(), report, signature_file, took })
    }

    /// A CAdES signature over the only document (section 4.3.3.2) or over a manifest of all (section 4.4.3.3): its files.
    fn cades_files(
        &self,
        plan: &Plan,
        &ContainerWishes { level, any_usage, .. }: &ContainerWishes,
        identity: Identity,
        now: UtcTime,
        sign: impl FnOnce(SignatureScheme, &[u8]) -> Result<Vec<u8>, TokenError>,
    ) -> Result<Vec<Made>, ContainerError> {
        self.may_reach(level)?;
        let Identity { certificate, chain, scheme } = identity;
        let mut made = Vec::new();
        let (name, source): (String, Arc<dyn Source>) = match plan.kind {
            Kind::Extended => {
                let manifest = MemorySource(plan.manifest(scheme.digest())?);
                made.push(Made { name: plan.manifest_file.clone(), source: manifest.clone() });
                (plan.manifest_file.clone(), Arc::new(manifest))
            }
            Kind::Simple => {
                let only = plan.files.first().ok_or_else(|| refused("it holds no document"))?;
                (only.name.clone(), only.source.clone())
            }
        };
        let (content, enveloped) = Content::read(source, &name, scheme.digest(), false)?;
        let digest = content.digest.clone();
        let request = CmsRequest { signer: certificate, chain, scheme, digest, enveloped, any_usage };
        let prepared = prepare_cms(request, now).map_err(SignError::from)?;
        let value = sign(scheme, prepared.to_be_signed()).map_err(SignError::from)?;
        let mut cms = prepared.finish(&value, &self.limits).map_err(SignError::from)?;
        // The key is done.
        self.raise_cms(None, &mut cms, &content, level, now)?;
        made.push(Made { name: plan.signature_file.clone(), source: MemorySource(cms.to_der()) });
        Ok(made)
    }

    /// An XAdES signature over every document by its name (sections 4.3.3.4 and 4.4.3.2): its file.
    fn xades_files(
        &self,
        plan: &Plan,
        &ContainerWishes { level, any_usage, .. }: &ContainerWishes,
        identity: Identity,
        now: UtcTime,
        sign: impl FnOnce(SignatureScheme, &[u8]) -> Result<Vec<u8>, TokenError>,
    ) -> Result<Vec<Made>, ContainerError> {
        self.may_reach_xml(level)?;
        let Identity { certificate: signer, chain, scheme } = identity;
        let request = XadesRequest {
            signer,
            chain,
            scheme,
            form: XmlForm::default(),
            location: None,
            role: None,
            seed: self.chance.bytes(),
            any_usage,
        };
        let file = |file: &Detached| {
            Ok::<_, ContainerError>(FileToSign {
                name: file.name.clone(),
                digest: digest(&*file.source, scheme.digest())?,
                media_type: Some(media_type(&file.name).to_owned()),
            })
        };
        let files: Vec<FileToSign> = plan.files.iter().map(file).collect::<Result<_, _>>()?;
        let prepared = prepare_detached(&files, Frame::Container, request, now).map_err(SignError::from)?;
        let value = sign(scheme, prepared.to_be_signed()).map_err(SignError::from)?;
        let file = prepared.finish(&value).map_err(SignError::from)?;
        // The key is done.
        let file = self.raise_xml(file, &plan.files, level, scheme.digest(), now)?;
        Ok(vec![Made { name: plan.signature_file.clone(), source: MemorySource(file.into_bytes()) }])
    }

    /// The verify walk over the copy: the new signature is whole, and no other one is broken.
    fn check_container(
        &self,
        copy: &Copy,
        output: &Path,
        signature_file: &str,
        level: Level,
        now: UtcTime,
    ) -> Result<DocumentReport, ContainerError> {
        let name = output.file_name().unwrap_or_default().to_string_lossy();
        let options = Options {
            anchors: &self.anchors,
            policy: &self.policy,
            moment: now,
            fetcher: self.online.then_some(&*self.fetcher),
            limits: &self.limits,
        };
        let report = verify_source(&name, copy.source()?, &options).map_err(SignError::from)?;
        let refuse = |reason: String| Err(SignError::NotReleased { reason }.into());
        let Some(new) = report.signatures.iter().find(|signature| signature.field == signature_file) else {
            return refuse("the new signature is not found in the result".to_owned());
        };
        if !new.digest_matches || !new.signature_matches {
            return refuse("the new signature does not fit the result".to_owned());
        }
        if let Some(reason) = broken(&report) {
            return refuse(reason);
        }
        let reached = new.signature_format.rsplit_once('-').is_some_and(|(_, own)| own == level.as_str());
        if level >= Level::Lt && (new.indication != Indication::TotalPassed || !reached) {
            let reasons = new.level_reasons.iter().chain(&new.errors).chain(&new.warnings);
            let reasons: Vec<&str> = reasons.map(|reason| reason.message.as_str()).collect();
            return Err(SignError::Level { level: level.as_str(), reason: reasons.join(" ") }.into());
        }
        Ok(report)
    }
}

/// What goes where.
struct Plan {
    kind: Kind,
    form: Form,
    /// The documents.
    files: Vec<Detached>,
    /// What is there already.
    existing: Option<Archive>,
    /// The new signature file.
    signature_file: String,
    /// Its manifest, in ASiC-E containers with CAdES.
    manifest_file: String,
}

/// A file made for the container.
struct Made {
    name: String,
    source: MemorySource,
}

impl Plan {
    fn of(
        dossier: &Dossier,
        form: Option<Form>,
        limits: &Limits,
        now: UtcTime,
    ) -> Result<Self, ContainerError> {
        match dossier {
            Dossier::New(kind, files) => {
                draft(*kind, files, false).check()?;
                let form = form.unwrap_or(Form::Cades);
                Ok(Self::named(*kind, form, files.clone(), |_| false))
            }
            Dossier::Existing(source) => Self::of_existing(source, form, limits, now),
        }
    }

    fn of_existing(
        source: &Arc<dyn Source>,
        form: Option<Form>,
        limits: &Limits,
        now: UtcTime,
    ) -> Result<Self, ContainerError> {
        let inspection = Inspection::open_any(source.clone(), &[], limits).map_err(|error| match error {
            OpenError::Asic(error) => error.into(),
            other => refused(&other.to_string()),
        })?;
        // Whom to trust does not matter here: what is broken is broken for everybody.
        let report = inspection.judge("", &Policy::strict(), &Anchors::default(), now);
        if let Some(reason) = broken(&report) {
            return Err(refused(&format!("{reason} Ask for a container whose signatures hold.")));
        }
        let bounds = ContainerLimits::default();
        let container = Container::open(source.clone(), &bounds)?;
        let (kind, has) = (container.kind(), |role| container.of(role).next().is_some());
        let found = match (has(Role::CadesSignature), has(Role::XadesSignatures)) {
            (true, _) => Some(Form::Cades),
            (false, true) => Some(Form::Xades),
            (false, false) => None,
        };
        if found.zip(form).is_some_and(|(found, wanted)| found != wanted) {
            return Err(refused("its signatures are of the other form; leave --with away"));
        }
        if kind == Kind::Simple && (found.is_some() || has(Role::TimeStamp)) {
            return Err(refused(
                "an ASiC-S container takes one signature; for several signers make an ASiC-E container",
            ));
        }
        let files = container.of(Role::Data).map(|entry| Detached {
            name: entry.name.clone(),
            source: Arc::new(Unpacked::new(container.archive(), entry)),
        });
        let files: Vec<Detached> = files.collect();
        if files.is_empty() {
            return Err(refused("it holds no document"));
        }
        let taken = |name: &str| container.archive().entry(name).is_some();
        let plan = Self::named(kind, found.or(form).unwrap_or(Form::Cades), files, taken);
        Ok(Self { existing: Some(container.into_archive()), ..plan })
    }

    /// Names that are not taken yet.
    fn named(kind: Kind, form: Form, files: Vec<Detached>, taken: impl Fn(&str) -> bool) -> Self {
        let names = |number: usize| {
            let signature = match (kind, form) {
                (Kind::Simple, Form::Cades) => "META-INF/signature.p7s".to_owned(),
                (Kind::Simple, Form::Xades) => "META-INF/signatures.xml".to_owned(),
                (Kind::Extended, Form::Cades) => format!("META-INF/signature{number:03}.p7s"),
                (Kind::Extended, Form::Xades) => format!("META-INF/signatures{number:03}.xml"),
            };
            (signature, format!("META-INF/ASiCManifest{number:03}.xml"))
        };
        let free = (1..).map(names).find(|(signature, manifest)| !taken(signature) && !taken(manifest));
        let (signature_file, manifest_file) = free.unwrap_or_default();
        Self { kind, form, files, existing: None, signature_file, manifest_file }
    }

    /// The manifest of a CAdES signature over all documents.
    fn manifest(&self, algorithm: DigestAlgorithm) -> Result<Vec<u8>, ContainerError> {
        let object = |(nth, file): (usize, &Detached)| {
            Ok::<_, ContainerError>(DataObject {
                name: file.name.clone(),
                media_type: Some(media_type(&file.name).to_owned()),
                rootfile: nth == 0,
                digest: digest(&*file.source, algorithm)?,
            })
        };
        let objects = self.files.iter().enumerate().map(object).collect::<Result<_, _>>()?;
        let signature_type = Some("application/pkcs7-signature".to_owned());
        Ok(Manifest { signature: self.signature_file.clone(), signature_type, objects }.to_xml())
    }

    fn write(&self, made: &[Made], file: &mut std::fs::File) -> Result<(), ContainerError> {
        let mut out = BufWriter::with_capacity(1024 * 1024, file);
        let made: Vec<Addition<'_>> =
            made.iter().map(|one| Addition { name: one.name.clone(), source: &one.source }).collect();
        match &self.existing {
            Some(archive) => write_archive(Some(archive), &[], &made, &mut out)?,
            None => draft(self.kind, &self.files, self.form == Form::Xades).write(&made, &mut out)?,
        }
        out.flush().map_err(AsicError::from)?;
        Ok(())
    }
}

fn draft(kind: Kind, files: &[Detached], listed: bool) -> Draft<'_> {
    let files = files.iter().map(|file| Addition { name: file.name.clone(), source: &*file.source });
    Draft { kind, files: files.collect(), listed }
}

fn digest(source: &dyn Source, algorithm: DigestAlgorithm) -> Result<Digest, ContainerError> {
    let hasher = source.hasher(algorithm, source.len());
    Ok(hasher.map_err(|source| SignError::Input { source })?.finish())
}

/// What is broken in a container, if anything is.
fn broken(report: &DocumentReport) -> Option<String> {
    let failed = report.signatures.iter().find(|one| one.indication == Indication::TotalFailed)?;
    let words: Vec<_> = failed.errors.iter().map(|error| error.message.as_str()).collect();
    Some(format!("{}: {}", failed.field, words.join(" ")))
}

fn refused(reason: &str) -> ContainerError {
    ContainerError::Refused { reason: reason.to_owned() }
}
