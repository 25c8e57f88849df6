//! The task of signing a dossier: documents in an ASiC container, and one signature more over all of them.
//!
//! Everything that may be refused is refused before the key is asked. The container is written beside its place, judged
//! as whoever receives it will judge it, and only then gets its name.

use std::{
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{Copy, Identity, SignError, SigningDesk, Steps, cms::Content, timed, xades::Raise};
use crate::{
    asic::{
        Addition, Archive, AsicError, Container, ContainerLimits, DataObject, Draft, Kind, Manifest, Role,
        Unpacked, media_type, write_archive,
    },
    base::{Digest, DigestAlgorithm, Limits, MemorySource, Source, UtcTime},
    cms::Statements,
    service::{
        extend::Extension,
        verify::{Options, inspect_signed},
    },
    signing::{
        self, CmsRequest, Wishes, prepare_cms_saying,
        xades::{FileToSign, Frame, XadesRequest, XmlForm, check_beside, prepare_beside, prepare_detached},
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
#[derive(Clone, Debug)]
pub struct ContainerWishes {
    /// How it is written; as those that are there, or else CAdES, when absent.
    pub form: Option<Form>,
    /// T and up ask the time-stamp authority, LT and LTA the responders and lists of revocation as well.
    pub level: Level,
    /// What is said under protection: policy, commitment, roles.
    pub statements: Statements,
    /// Where it is signed; for XAdES.
    pub location: Option<String>,
    /// As [`signing::Wishes::any_usage`].
    pub any_usage: bool,
}

impl Default for ContainerWishes {
    fn default() -> Self {
        Self {
            form: None,
            level: Level::B,
            statements: Statements::default(),
            location: None,
            any_usage: false,
        }
    }
}

/// A signed container that was verified before it was released. Nothing else can make one.
#[derive(Debug)]
pub struct ReleasedContainer {
    path: PathBuf,
    report: DocumentReport,
    /// What the report calls the new signature.
    label: String,
    took: Steps,
    good_until: Option<UtcTime>,
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

    /// Until when the archive time-stamp can be relied on by what is known now; `None` without one.
    pub fn good_until(&self) -> Option<UtcTime> {
        self.good_until
    }

    /// How long each step took, in milliseconds.
    pub fn took(&self) -> &Steps {
        &self.took
    }

    /// The new signature's part of the report.
    pub fn signature(&self) -> Option<&SignatureReport> {
        self.report.signatures.iter().find(|signature| signature.field == self.label)
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
    /// broken, or it takes no second one of this form; when the signature cannot say what it shall say.
    pub fn check(
        &self,
        wishes: &ContainerWishes,
        limits: &Limits,
        now: UtcTime,
    ) -> Result<(), ContainerError> {
        Plan::of(self, wishes.form, limits, now)?.takes(wishes)
    }
}

impl SigningDesk {
    /// Puts one signature over all documents of `dossier`; the container appears at `output` whole or not at all.
    ///
    /// In ASiC-E with CAdES an archive time-stamp is over all files (EN 319 162-1 annex A.7): level LTA raises every other
    /// signature of the container as well, as [`SigningDesk::extend_file`] does, or refuses.
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
        plan.takes(wishes)?;
        let archived = level >= Level::Lta && (plan.kind, plan.form) == (Kind::Extended, Form::Cades);
        let not_raised = |source| SignError::NotRaised { level, source: Box::new(source) };
        if let (true, Dossier::Existing(container)) = (archived, dossier) {
            self.may_archive(Arc::clone(container)).map_err(not_raised)?;
        }
        let by_itself = if archived { Level::Lt } else { level };
        let wishes = &ContainerWishes { level: by_itself, ..wishes.clone() };
        let mut key = 0.0;
        let sign = |scheme, message: &[u8]| timed(&mut key, || sign(scheme, message));
        let made = timed(&mut took.stamp, || match plan.form {
            Form::Cades => self.cades_files(&plan, wishes, identity, now, sign),
            Form::Xades => self.xades_files(&plan, wishes, identity, now, sign),
        })?;
        (took.sign, took.stamp) = (key, took.stamp - key);
        let mut copy = timed(&mut took.copy, || Copy::made(output, |file| plan.write(&made, file)))?;
        if archived {
            let extension = Extension::to(level);
            let raised = timed(&mut took.extend, || {
                self.raise_container(copy, output, &extension).map_err(not_raised)
            })?;
            copy = raised.0;
        }
        let (report, good_until) =
            timed(&mut took.verify, || self.check_container(&copy, output, &made.label, level, now))?;
        copy.release(output)?;
        Ok(ReleasedContainer { path: output.to_owned(), report, label: made.label, took, good_until })
    }

    /// A CAdES signature over the only document (section 4.3.3.2) or over a manifest of all (section 4.4.3.3): its files.
    fn cades_files(
        &self,
        plan: &Plan,
        wishes: &ContainerWishes,
        identity: Identity,
        now: UtcTime,
        sign: impl FnOnce(SignatureScheme, &[u8]) -> Result<Vec<u8>, TokenError>,
    ) -> Result<Made, ContainerError> {
        self.may_reach(wishes.level)?;
        let Identity { certificate, chain, scheme } = identity;
        let mut made = Vec::new();
        let (name, source): (String, Arc<dyn Source>) = match plan.kind {
            Kind::Extended => {
                let manifest = MemorySource(plan.manifest(scheme.digest())?);
                made.push((plan.manifest_file.clone(), manifest.clone()));
                (plan.manifest_file.clone(), Arc::new(manifest))
            }
            Kind::Simple => {
                let only = plan.files.first().ok_or_else(|| refused("it holds no document"))?;
                (only.name.clone(), only.source.clone())
            }
        };
        let (content, enveloped) = Content::read(source, &name, scheme.digest(), false)?;
        let digest = content.digest.clone();
        let request =
            CmsRequest { signer: certificate, chain, scheme, digest, enveloped, any_usage: wishes.any_usage };
        let prepared = prepare_cms_saying(request, &wishes.statements, now).map_err(SignError::from)?;
        let value = sign(scheme, prepared.to_be_signed()).map_err(SignError::from)?;
        let mut cms = prepared.finish(&value, &self.limits).map_err(SignError::from)?;
        // The key is done.
        let raise = Raise::new(wishes.level, scheme.digest());
        self.raise_cms(None, &mut cms, &content, raise)?;
        made.push((plan.signature_file.clone(), MemorySource(cms.to_der())));
        Ok(Made { files: made, label: plan.signature_file.clone() })
    }

    /// An XAdES signature over every document by its name (sections 4.3.3.2 and 4.4.3.2): its file, or the one that it goes
    /// into.
    fn xades_files(
        &self,
        plan: &Plan,
        wishes: &ContainerWishes,
        identity: Identity,
        now: UtcTime,
        sign: impl FnOnce(SignatureScheme, &[u8]) -> Result<Vec<u8>, TokenError>,
    ) -> Result<Made, ContainerError> {
        self.may_reach(wishes.level)?;
        let Identity { certificate: signer, chain, scheme } = identity;
        let request = XadesRequest {
            signer,
            chain,
            scheme,
            form: XmlForm::default(),
            location: wishes.location.clone(),
            statements: wishes.statements.clone(),
            seed: self.chance.bytes(),
            any_usage: wishes.any_usage,
        };
        let file = |file: &Detached| {
            Ok::<_, ContainerError>(FileToSign {
                name: file.name.clone(),
                digest: digest(&*file.source, scheme.digest())?,
                media_type: Some(media_type(&file.name).to_owned()),
            })
        };
        let files: Vec<FileToSign> = plan.files.iter().map(file).collect::<Result<_, _>>()?;
        let prepared = match &plan.signatures {
            None => prepare_detached(&files, Frame::Container, request, now),
            Some(there) => prepare_beside(&files, there.clone(), request, now),
        };
        let prepared = prepared.map_err(SignError::from)?;
        let value = sign(scheme, prepared.to_be_signed()).map_err(SignError::from)?;
        let file = prepared.finish(&value).map_err(SignError::from)?;
        // The key is done.
        let raise = Raise::new(wishes.level, scheme.digest());
        let file = self.raise_xml(file, &plan.files, raise, now)?;
        let label = match &plan.signatures {
            None => plan.signature_file.clone(),
            Some(_) => format!("{}#{}", plan.signature_file, file.id()),
        };
        let files = vec![(plan.signature_file.clone(), MemorySource(file.into_bytes()))];
        Ok(Made { files, label })
    }

    /// The verify walk over the copy: the new signature is whole, and no other one is broken. With the report, until when
    /// the archive time-stamp is good.
    fn check_container(
        &self,
        copy: &Copy,
        output: &Path,
        label: &str,
        level: Level,
        now: UtcTime,
    ) -> Result<(DocumentReport, Option<UtcTime>), ContainerError> {
        let name = output.file_name().unwrap_or_default().to_string_lossy();
        let options = Options {
            anchors: &self.anchors,
            policy: &self.policy,
            moment: now,
            fetcher: self.online.then_some(&*self.fetcher),
            limits: &self.limits,
        };
        let judged = inspect_signed(&name, copy.source()?, &[], &options).map_err(SignError::from);
        let (inspection, report) = judged?;
        let refuse = |reason: String| Err(SignError::NotReleased { reason }.into());
        let Some(new) = report.signatures.iter().find(|signature| signature.field == label) else {
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
        let good_until = self.good_until(&inspection, level, now);
        Ok((report, good_until))
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
    /// The file of the new signature.
    signature_file: String,
    /// What that file holds already, where the signature goes into one that is there.
    signatures: Option<Vec<u8>>,
    /// Its manifest, in ASiC-E containers with CAdES.
    manifest_file: String,
}

/// What was made for the container.
struct Made {
    /// Files by their names.
    files: Vec<(String, MemorySource)>,
    /// What reports call the signature.
    label: String,
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
            return Err(refused(
                "its signatures are of the other form, and a container holds one form (EN 319 162-1 clauses 4.3.3.2, \
                 4.4.3 and 4.4.4); leave --with away",
            ));
        }
        let signatures = match (kind, found) {
            (Kind::Simple, _) if has(Role::TimeStamp) => {
                return Err(refused(
                    "an ASiC-S container with a time-stamp takes no signature beside it (EN 319 162-1 clause 4.3.3.2 \
                     item 4); make an ASiC-E container",
                ));
            }
            (Kind::Simple, Some(Form::Cades)) => {
                return Err(refused(
                    "an ASiC-S container has one file META-INF/signature.p7s (EN 319 162-1 clause 4.3.3.2 item 4 b), and \
                     kyso neither makes nor judges a CMS with several signers; for several signers make an ASiC-E \
                     container, or sign with --with xades from the beginning",
                ));
            }
            (Kind::Simple, Some(Form::Xades)) => Some(of_simple(&container)?),
            (Kind::Extended, _) | (Kind::Simple, None) => None,
        };
        let files = container.of(Role::Data).map(|entry| Detached {
            name: entry.name.clone(),
            source: Arc::new(Unpacked::new(container.archive(), entry)),
        });
        let files: Vec<Detached> = files.collect();
        if files.is_empty() {
            return Err(refused("it holds no document"));
        }
        // The file that is there is the one that is meant.
        let taken = |name: &str| signatures.is_none() && container.archive().entry(name).is_some();
        let plan = Self::named(kind, found.or(form).unwrap_or(Form::Cades), files, taken);
        let (signature_file, signatures) = match signatures {
            Some((name, bytes)) => (name, Some(bytes)),
            None => (plan.signature_file, None),
        };
        Ok(Self { existing: Some(container.into_archive()), signature_file, signatures, ..plan })
    }

    /// Refuses what this form of signature cannot say.
    fn takes(&self, wishes: &ContainerWishes) -> Result<(), ContainerError> {
        if self.form == Form::Cades && wishes.location.is_some() {
            return Err(refused(
                "the place of signing is said in XAdES; leave --location away, or sign with --with xades",
            ));
        }
        Wishes { statements: wishes.statements.clone(), ..Wishes::default() }
            .check()
            .map_err(SignError::from)?;
        Ok(())
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
        Self { kind, form, files, existing: None, signature_file, signatures: None, manifest_file }
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

    fn write(&self, made: &Made, file: &mut std::fs::File) -> Result<(), ContainerError> {
        let mut out = BufWriter::with_capacity(1024 * 1024, file);
        let files = made.files.iter();
        let made: Vec<Addition<'_>> =
            files.map(|(name, source)| Addition { name: name.clone(), source }).collect();
        match &self.existing {
            Some(archive) if self.signatures.is_some() => {
                let instead: Vec<_> = made.iter().map(|one| (one.name.as_str(), one.again())).collect();
                write_archive(Some(archive), &instead, &[], &mut out)?;
            }
            Some(archive) => write_archive(Some(archive), &[], &made, &mut out)?,
            None => draft(self.kind, &self.files, self.form == Form::Xades).write(&made, &mut out)?,
        }
        out.flush().map_err(AsicError::from)?;
        Ok(())
    }
}

/// The one file of signatures of an ASiC-S container, which takes another one.
fn of_simple(container: &Container) -> Result<(String, Vec<u8>), ContainerError> {
    let mut found = container.of(Role::XadesSignatures);
    let (Some(entry), None) = (found.next(), found.next()) else {
        return Err(refused("it has several files of signatures, where an ASiC-S container has one"));
    };
    let bytes = container.archive().read(entry)?;
    check_beside(&bytes).map_err(|error| refused(&error.to_string()))?;
    Ok((entry.name.clone(), bytes))
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
