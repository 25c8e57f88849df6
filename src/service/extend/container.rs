//! Extending what is in a container (ETSI EN 319 162-1 clause 4.3.4 and annex A.7).
//!
//! ```text
//! look          judge the container: refused unless the signatures are valid
//! each file     CAdES and XAdES raised by themselves, up to LT; XAdES, and CAdES of ASiC-S, up to LTA
//! archive (LTA) ASiC-E with CAdES: a manifest of all files, and a time-stamp over that. The signatures name their
//!               documents by a manifest, so that an archive time-stamp inside them would not reach these
//! look          judged once more: no signature is worse than before, all reach the level
//! ```
//!
//! What a time-stamp of the container covers cannot change any more: before one is made, all signatures have what they
//! need. Every other file stays as it is packed.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufWriter, Write as _},
    path::Path,
    sync::Arc,
};

use super::{
    AddedRevision, DIGEST, ExtendError, Extended, Extension, Raised, View, Why, gate, has_level, passed,
};
use crate::{
    asic::{
        Addition, AsicError, Container, ContainerLimits, DataObject, Entry, Kind, Manifest, Role, Unpacked,
        media_type, role_of, write_archive,
    },
    base::{Digest, DigestAlgorithm, MemorySource, Source, UtcTime},
    service::{
        sign::{Copy, SignError, SigningDesk},
        verify::{Age, VerifyError},
    },
    signing::{self, CmsFile, xades::XadesFile},
    tsp,
    validation::{Detached, DocumentReport, Level, OpenError, Reliance, SignatureReport},
};

impl SigningDesk {
    /// Extends the signatures in a container; see [`SigningDesk::extend_file`].
    pub(super) fn extend_container(
        &self,
        input: &dyn Source,
        output: &Path,
        extension: &Extension,
    ) -> Result<Extended, ExtendError> {
        let (copy, raised) = self.raise_container(Copy::of(input, output, DIGEST)?, output, extension)?;
        copy.release(output)?;
        Ok(Extended { path: output.to_owned(), raised })
    }

    /// Raises what is in a container; the result has no name yet.
    pub(in crate::service) fn raise_container(
        &self,
        container: Copy,
        output: &Path,
        extension: &Extension,
    ) -> Result<(Copy, Raised), ExtendError> {
        self.raise_whole(container, &[], extension, |before, view| {
            let mut work = Work::begin(before.source()?, &view.report, extension.clone())?;
            work.raise(self, self.clock.now())?;
            let mut added = Vec::new();
            if !work.changed.is_empty() {
                added.push(AddedRevision::Attributes);
            }
            if work.wants_archive() {
                work.archive(self, &view.reliances)?;
                added.push(AddedRevision::ArchiveManifest);
            }
            Ok((added, Copy::made(output, |file| work.write(file))?))
        })
    }

    /// Whether a container could be archived with one signature more, as far as that is known before there is one.
    ///
    /// # Errors
    ///
    /// When a signature in it is not valid, or would have to change and cannot.
    pub(in crate::service) fn may_archive(&self, container: Arc<dyn Source>) -> Result<(), ExtendError> {
        let extension = Extension::to(Level::Lta);
        self.may_raise(extension.to)?;
        let moment = self.clock.now();
        let inspection = self.gather(Arc::clone(&container), &[], moment, Age::New)?;
        let View { report, .. } = self.view(&inspection, moment);
        gate(&report, &extension)?;
        Work::begin(container, &report, extension)?.can_change()
    }
}

/// A container on its way to a level.
struct Work<'r> {
    container: Container,
    report: &'r DocumentReport,
    extension: Extension,
    manifests: Vec<Manifest>,
    /// What time-stamps of the container cover, or other signatures: it cannot change.
    covered: BTreeSet<String>,
    /// New bytes of files, by their names.
    changed: BTreeMap<String, Vec<u8>>,
    /// A file that gets another name: the one that it has, and the new one.
    renamed: Option<(String, String)>,
    /// Files that come last.
    more: Vec<(String, Vec<u8>)>,
}

impl<'r> Work<'r> {
    fn begin(
        source: Arc<dyn Source>,
        report: &'r DocumentReport,
        extension: Extension,
    ) -> Result<Self, ExtendError> {
        let bounds = ContainerLimits::default();
        let container = Container::open(source, &bounds)?;
        let mut manifests = Vec::new();
        for entry in [Role::Manifest, Role::ArchiveManifest].into_iter().flat_map(|role| container.of(role)) {
            manifests.push(Manifest::parse(&container.archive().read(entry)?, &bounds)?);
        }
        let covered = manifests.iter().flat_map(|manifest| &manifest.objects);
        let covered = covered.map(|object| object.name.clone()).collect();
        let changed = BTreeMap::new();
        Ok(Self {
            container,
            report,
            extension,
            manifests,
            covered,
            changed,
            renamed: None,
            more: Vec::new(),
        })
    }

    /// Each signature by itself, as far as its own form goes.
    fn raise(&mut self, desk: &SigningDesk, now: UtcTime) -> Result<(), ExtendError> {
        let signed = [Role::CadesSignature, Role::XadesSignatures];
        let entries: Vec<Entry> =
            signed.into_iter().flat_map(|role| self.container.of(role)).cloned().collect();
        for entry in entries {
            let before = self.container.archive().read(&entry)?;
            let after = match role_of(&entry.name) {
                Role::CadesSignature => self.raise_cades(desk, &entry, &before)?,
                _ => self.raise_xades(desk, &entry, before.clone(), now)?,
            };
            if let Some(after) = after.filter(|after| *after != before) {
                self.changed.insert(entry.name, after);
            }
        }
        Ok(())
    }

    /// The signature of this name in the report, where it is to be raised to more than it has.
    fn due(&self, label: &str, to: Level, renew: bool) -> Option<&'r SignatureReport> {
        Extension { to, renew, ..self.extension.clone() }.due(self.report, label)
    }

    /// Whether a file may change for this signature. What is not valid is not worth a refusal.
    fn may_change(&self, file: &str, signature: &SignatureReport) -> Result<bool, ExtendError> {
        if !self.covered.contains(file) {
            return Ok(true);
        }
        if passed(signature) { Err(ExtendError::Covered { file: file.to_owned() }) } else { Ok(false) }
    }

    /// Whether no time-stamp covers what has to change before one over all files is made.
    fn can_change(&self) -> Result<(), ExtendError> {
        for entry in self.container.of(Role::CadesSignature) {
            if let Some(signature) = self.due(&entry.name, Level::Lt, false) {
                self.may_change(&entry.name, signature)?;
            }
        }
        Ok(())
    }

    fn raise_cades(
        &self,
        desk: &SigningDesk,
        entry: &Entry,
        cms: &[u8],
    ) -> Result<Option<Vec<u8>>, ExtendError> {
        // In ASiC-E containers the archive time-stamp is over all files together.
        let (to, renew) = match self.container.kind() {
            Kind::Extended => (self.extension.to.min(Level::Lt), false),
            Kind::Simple => (self.extension.to, self.extension.renew),
        };
        let Some(signature) = self.due(&entry.name, to, renew) else { return Ok(None) };
        if !self.may_change(&entry.name, signature)? {
            return Ok(None);
        }
        let manifest = self.manifest_of(&entry.name)?;
        let content = match (manifest, self.container.of(Role::Data).next()) {
            (Some(content), _) => content,
            (None, Some(only)) => self.file(only),
            (None, None) => return Err(ExtendError::Unsigned),
        };
        let has = signing::level_of(signature);
        Ok(Some(desk.raise_signed_data(cms, Some(content), has, self.extension.raise(to))?))
    }

    /// The manifest that a signature is over, if it has one.
    fn manifest_of(&self, signature: &str) -> Result<Option<Detached>, ExtendError> {
        let entries = [Role::Manifest, Role::ArchiveManifest].into_iter();
        let entries = entries.flat_map(|role| self.container.of(role)).zip(&self.manifests);
        let found = entries.into_iter().find(|(_, manifest)| manifest.signature == signature);
        let Some((entry, _)) = found else { return Ok(None) };
        let bytes = self.container.archive().read(entry)?;
        Ok(Some(Detached { name: entry.name.clone(), source: Arc::new(MemorySource(bytes)) }))
    }

    fn raise_xades(
        &self,
        desk: &SigningDesk,
        entry: &Entry,
        mut bytes: Vec<u8>,
        now: UtcTime,
    ) -> Result<Option<Vec<u8>>, ExtendError> {
        let Extension { to, renew, .. } = self.extension;
        let raise = self.extension.raise(to);
        let mut raised = false;
        for id in XadesFile::ids(&bytes).map_err(SignError::from)? {
            let several = format!("{}#{id}", entry.name);
            let due = self.due(&entry.name, to, renew).or_else(|| self.due(&several, to, renew));
            let Some(signature) = due else { continue };
            if !self.may_change(&entry.name, signature)? {
                continue;
            }
            // What it is about, and nothing else: of other files it would be said that it does not cover them.
            let named =
                signature.scopes.iter().filter_map(|scope| self.container.archive().entry(&scope.name));
            let files: Vec<Detached> = named.map(|entry| self.file(entry)).collect();
            let file = XadesFile::read(bytes, Some(&id)).map_err(SignError::from)?;
            let file = desk.raise_xml(file, &files, raise, now)?;
            bytes = file.into_bytes();
            raised = true;
        }
        Ok(raised.then_some(bytes))
    }

    fn file(&self, entry: &Entry) -> Detached {
        let source = Unpacked::new(self.container.archive(), entry);
        Detached { name: entry.name.clone(), source: Arc::new(source) }
    }

    /// Whether a time-stamp over all files is what is missing.
    fn wants_archive(&self) -> bool {
        let extension = &self.extension;
        let by_cades = self.container.of(Role::CadesSignature).next().is_some();
        extension.to == Level::Lta
            && self.container.kind() == Kind::Extended
            && by_cades
            && (extension.renew || !has_level(self.report, extension, Level::Lta))
    }

    /// An ASiCArchiveManifest of all files, and the time-stamp over it (annex A.7).
    fn archive(&mut self, desk: &SigningDesk, reliances: &[Reliance]) -> Result<(), ExtendError> {
        self.leaves_nothing_behind()?;
        self.complete_stamps(desk, reliances)?;
        // Item 2 a: the newest has the fixed name, the one before gets another.
        if self.container.archive().entry(ARCHIVE_MANIFEST).is_some() {
            let free = self.free(|number| format!("META-INF/ASiCArchiveManifest{number:03}.xml"));
            self.renamed = Some((ARCHIVE_MANIFEST.to_owned(), free));
        }
        let token_file = self.free(|number| format!("META-INF/timestamp{number:03}.tst"));
        let (token, manifest) = desk.token_for(DIGEST, |algorithm, nonce| {
            let manifest = self.manifest(&token_file, algorithm).map_err(unread)?.to_xml();
            let imprint = algorithm.digest(&manifest);
            Ok((tsp::Request { imprint, nonce: Some(nonce.to_vec()), cert_req: true }, manifest))
        })?;
        self.more = vec![(ARCHIVE_MANIFEST.to_owned(), manifest), (token_file, token)];
        Ok(())
    }

    /// Item 1 b: every signature has its evidence before a time-stamp covers it, for it can get none afterwards.
    fn leaves_nothing_behind(&self) -> Result<(), ExtendError> {
        for signature in
            self.report.signatures.iter().filter(|one| passed(one) && !self.extension.concerns(one))
        {
            let Some(reached) = signing::level_of(signature).filter(|level| *level < Level::Lt) else {
                continue;
            };
            let reason = Why::new(
                "a time-stamp over all files would leave it as it is for ever; raise all signatures",
                "dấu thời gian trên mọi tệp sẽ giữ nguyên chữ ký này mãi mãi; hãy nâng mọi chữ ký",
            );
            return Err(ExtendError::NotReached {
                field: signature.field.clone(),
                reached,
                to: Level::Lt,
                reason,
            });
        }
        Ok(())
    }

    /// Item 1 b: a time-stamp that the new one will cover gets the evidence on its own authority before that.
    fn complete_stamps(&mut self, desk: &SigningDesk, reliances: &[Reliance]) -> Result<(), ExtendError> {
        for reliance in reliances.iter().filter(|reliance| reliance.document_time_stamp) {
            let Some(stamp) = self.report.signatures.get(reliance.index) else { continue };
            let Some(entry) = self.container.archive().entry(&stamp.field) else { continue };
            if self.covered.contains(&entry.name) {
                continue;
            }
            let missing = reliance.pieces.iter().filter(|piece| !piece.stored && !piece.anchor);
            let missing: Vec<_> = missing.map(|piece| piece.evidence.clone()).collect();
            if missing.is_empty() {
                continue;
            }
            let bytes = self.container.archive().read(entry)?;
            let mut token = CmsFile::open(&bytes, &desk.limits).map_err(SignError::from)?;
            token.embed(&missing);
            self.changed.insert(entry.name.clone(), token.to_der());
        }
        Ok(())
    }

    /// Every file that is there by now, but those that say only what kind of container it is: programs that add a
    /// signature write these anew.
    fn manifest(&self, token_file: &str, algorithm: DigestAlgorithm) -> Result<Manifest, AsicError> {
        let mut objects = Vec::new();
        for entry in self.container.archive().entries() {
            if [Role::Folder, Role::MimeType, Role::OpenDocumentManifest].contains(&role_of(&entry.name)) {
                continue;
            }
            let digest: Digest = match self.changed.get(&entry.name) {
                Some(bytes) => algorithm.digest(bytes),
                None => Unpacked::new(self.container.archive(), entry).whole_digest(algorithm)?,
            };
            let renamed = self.renamed.as_ref().filter(|(from, _)| *from == entry.name);
            // Item 2 b iv: that is the one which this one goes on from.
            let (name, rootfile) = match renamed {
                Some((_, to)) => (to.clone(), true),
                None => (entry.name.clone(), false),
            };
            let media_type = Some(media_type(&name).to_owned());
            objects.push(DataObject { name, media_type, rootfile, digest });
        }
        let signature_type = Some(TOKEN_TYPE.to_owned());
        Ok(Manifest { signature: token_file.to_owned(), signature_type, objects })
    }

    fn free(&self, name: impl Fn(usize) -> String) -> String {
        let archive = self.container.archive();
        let taken =
            |name: &String| archive.entries().iter().any(|entry| entry.name.eq_ignore_ascii_case(name));
        (1..).map(name).find(|name| !taken(name)).unwrap_or_default()
    }

    fn write(&self, file: &mut std::fs::File) -> Result<(), ExtendError> {
        let archive = self.container.archive();
        let changed = |(name, bytes): (&String, &Vec<u8>)| (name.clone(), name.clone(), bytes.clone());
        let mut instead: Vec<(String, String, Vec<u8>)> = self.changed.iter().map(changed).collect();
        if let Some((from, to)) = &self.renamed
            && let Some(entry) = archive.entry(from)
        {
            instead.push((from.clone(), to.clone(), archive.read(entry)?));
        }
        let instead: Vec<(String, String, MemorySource)> =
            instead.into_iter().map(|(from, to, bytes)| (from, to, MemorySource(bytes))).collect();
        let instead: Vec<(&str, Addition<'_>)> = instead
            .iter()
            .map(|(from, to, source)| (from.as_str(), Addition { name: to.clone(), source }))
            .collect();
        let more: Vec<(String, MemorySource)> =
            self.more.iter().map(|(name, bytes)| (name.clone(), MemorySource(bytes.clone()))).collect();
        let more: Vec<Addition<'_>> =
            more.iter().map(|(name, source)| Addition { name: name.clone(), source }).collect();
        let mut out = BufWriter::with_capacity(1024 * 1024, file);
        write_archive(Some(archive), &instead, &more, &mut out)?;
        out.flush().map_err(AsicError::from)?;
        Ok(())
    }
}

fn unread(error: AsicError) -> SignError {
    SignError::Verify(VerifyError::from(OpenError::from(error)))
}

impl From<AsicError> for ExtendError {
    fn from(error: AsicError) -> Self {
        Self::Verify(VerifyError::from(OpenError::from(error)))
    }
}

/// Annex A.7 item 1 c a: its name.
const ARCHIVE_MANIFEST: &str = "META-INF/ASiCArchiveManifest.xml";

/// The media type of a time-stamp token, as manifests have it.
const TOKEN_TYPE: &str = "application/vnd.etsi.timestamp-token";
