//! ASiC containers (ETSI EN 319 162-1): each signature by itself, and whether together they cover what lies there.
//!
//! Every signature file is opened as if it had come alone, with the files that it names lying apart from it. What the
//! container adds is told as findings of the bytes: a document that nobody signed, a manifest that names what is not
//! there, a list that contradicts. A time-stamp of the container proves the time of those signatures that it covers
//! together with all that they cover.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    CoverageLevel, Detached, Indication, Inspection, Message, Need, OpenError, Policy, ReadEvidence,
    Reliance, SignatureReport, SignatureScope, SignedFile, TimeSource,
    cms::{Finding, check_token},
    inspect::{Body, Field, Scope, Signature},
    verdict::{self, Judged},
    words::Key,
    xades::{self, AtHand, Budget},
};
use crate::{
    asic::{
        Archive, AsicError, Container, ContainerLimits, Entry, Kind, Manifest, OpenDocumentManifest, Role,
        Unpacked, name_of, role_of,
    },
    base::{DigestAlgorithm, Limits, MemorySource, Sha256, Source, UtcTime, digest::Hasher},
    crypto::policy::Use,
    trust::{Anchors, Checks, Known},
};

/// The signatures of a container, each with what it covers.
pub(super) struct Parts {
    parts: Vec<Part>,
    /// For each part the time-stamps that cover all that it rests on.
    stamps_over: Vec<Vec<usize>>,
    /// What is not as the standard wants it, and harmless.
    remarks: Vec<String>,
}

/// One signature file, or one time-stamp.
struct Part {
    inspection: Inspection,
    /// What the report calls it: the file that holds it.
    label: String,
    is_stamp: bool,
    scopes: Vec<SignatureScope>,
    /// All that has to be proven for it to be proven: its own files, and what it covers.
    rests_on: BTreeSet<String>,
    /// What it covers, each with a digest that fits.
    covers: BTreeSet<String>,
    /// The algorithms of the digests in its manifest.
    digests: BTreeSet<DigestAlgorithm>,
    whole: bool,
}

impl Inspection {
    /// Reads a container, all files in it, and all signatures.
    ///
    /// # Errors
    ///
    /// When it is no ASiC container that can be read in one way only.
    pub(super) fn open_container(source: Arc<dyn Source>, limits: &Limits) -> Result<Self, OpenError> {
        Self::open_container_within(source, limits, None)
    }

    /// As [`Inspection::open_container`], where XML signatures may cost no more than this.
    fn open_container_within(
        source: Arc<dyn Source>,
        limits: &Limits,
        budget: Option<Budget>,
    ) -> Result<Self, OpenError> {
        let whole = source.hasher(DigestAlgorithm::Sha256, source.len())?.finish();
        let sha256 = <[u8; 32]>::try_from(whole.bytes.as_slice()).map(Sha256);
        let sha256 = sha256.map_err(|_| std::io::Error::other("SHA-256 was not computed"))?;
        let bounds = ContainerLimits::default();
        let container = Container::open(source, &bounds)?;
        let mut reader = Reader::new(&container, limits, &bounds)?;
        if let Some(budget) = budget {
            reader.budget = budget;
        }
        let mut inspection = Self::empty(sha256, limits);
        for (name, file) in &reader.files {
            // Every file is unpacked once to its end, so that what follows meets no damage.
            let sha256 = hex::encode(file.whole_digest(DigestAlgorithm::Sha256)?.bytes);
            if container.data(name).is_some() {
                inspection.signed_files.push(SignedFile { name: name.clone(), sha256 });
            }
        }
        inspection.container = Some(Parts::new(reader.parts()?, container.remarks().to_vec()));
        Ok(inspection)
    }
}

/// A container on its way to parts.
struct Reader<'c> {
    container: &'c Container,
    limits: &'c Limits,
    /// All files, by name.
    files: BTreeMap<String, Arc<Unpacked>>,
    manifests: Vec<Listed>,
    /// What stands against every signature.
    faults: Vec<Finding>,
    /// What all XML signatures of the container may still cost: one for all of its files.
    budget: Budget,
}

/// A manifest, compared with what is there.
struct Listed {
    name: String,
    manifest: Manifest,
    bytes: Vec<u8>,
    findings: Vec<Finding>,
}

impl<'c> Reader<'c> {
    fn new(
        container: &'c Container,
        limits: &'c Limits,
        bounds: &ContainerLimits,
    ) -> Result<Self, AsicError> {
        let archive = container.archive();
        let plain = archive.entries().iter().filter(|entry| !entry.is_folder());
        let files =
            plain.map(|entry| (entry.name.clone(), Arc::new(Unpacked::new(archive, entry)))).collect();
        let together = archive.entries().iter().map(|entry| entry.len).fold(0, u64::saturating_add);
        let budget = Budget::over(together);
        let mut reader = Self { container, limits, files, manifests: Vec::new(), faults: Vec::new(), budget };
        reader.look_around(bounds)?;
        for entry in [Role::Manifest, Role::ArchiveManifest].into_iter().flat_map(|role| container.of(role)) {
            reader.read_manifest(archive, entry, bounds)?;
        }
        Ok(reader)
    }

    /// What concerns the container as a whole.
    fn look_around(&mut self, bounds: &ContainerLimits) -> Result<(), AsicError> {
        let data = self.container.of(Role::Data).count();
        let told = match (self.container.kind(), data) {
            (Kind::Simple, 1) | (Kind::Extended, 1..) => None,
            (Kind::Simple, _) => {
                Some(format!("An ASiC-S container holds one document, this one has {data}."))
            }
            (Kind::Extended, _) => Some("The container holds no document.".to_owned()),
        };
        self.faults.extend(told.map(|told| fatal(Key::AsicDataFiles.message(told))));
        let signed = [Role::CadesSignature, Role::XadesSignatures, Role::TimeStamp];
        let manifests = [Role::Manifest, Role::ArchiveManifest];
        let mut together = 0_u64;
        for (what, roles) in [("signatures", &signed[..]), ("manifests", &manifests)] {
            let files: Vec<&Entry> = roles.iter().flat_map(|role| self.container.of(*role)).collect();
            if files.len() > MAX_PARTS {
                return Err(AsicError::Limit { what, limit: MAX_PARTS as u64 });
            }
            together = files.iter().map(|file| file.len).fold(together, u64::saturating_add);
        }
        if together > bounds.parts_bytes {
            let what = "bytes in signatures and manifests";
            return Err(AsicError::Limit { what, limit: bounds.parts_bytes });
        }
        for entry in self.container.of(Role::OpenDocumentManifest) {
            let bytes = self.container.archive().read(entry)?;
            let contradictions = match OpenDocumentManifest::parse(&bytes, bounds) {
                Ok(list) => list.contradictions(self.container),
                Err(error) => vec![sentence(&error)],
            };
            let contradictions = contradictions.into_iter().take(MAX_SHOWN);
            self.faults.extend(contradictions.map(|told| fatal(Key::AsicManifest.message(told))));
        }
        Ok(())
    }

    fn read_manifest(
        &mut self,
        archive: &Archive,
        entry: &Entry,
        bounds: &ContainerLimits,
    ) -> Result<(), AsicError> {
        let name = &entry.name;
        let bytes = archive.read(entry)?;
        let manifest = match Manifest::parse(&bytes, bounds) {
            Ok(manifest) => manifest,
            Err(error) => {
                let message = Key::AsicManifest.message(format!("{name:?}: {}", sentence(&error)));
                self.faults.push(fatal(message));
                return Ok(());
            }
        };
        if !self.files.contains_key(&manifest.signature) {
            let signature = &manifest.signature;
            let told = format!("{name:?} belongs to the signature {signature:?}, which is not there.");
            self.faults.push(fatal(Key::AsicMissingFile.message(told)));
        }
        let mut findings = Vec::new();
        for object in &manifest.objects {
            let finding = match self.files.get(&object.name) {
                None => {
                    let told = format!("{name:?} names {:?}, which is not in the container.", object.name);
                    fatal(Key::AsicMissingFile.message(told))
                }
                Some(file) if file.whole_digest(object.digest.algorithm)? != object.digest => {
                    let told = format!("{:?} was changed after signing.", object.name);
                    Finding::fatal("HASH_FAILURE", Key::DigestMismatch.message(told))
                }
                Some(_) => continue,
            };
            // One is enough to fail; a thousand say no more.
            if findings.len() < MAX_SHOWN {
                findings.push(finding);
            }
        }
        self.manifests.push(Listed { name: name.clone(), manifest, bytes, findings });
        Ok(())
    }

    fn parts(&mut self) -> Result<Vec<Part>, OpenError> {
        let (mut parts, container) = (Vec::new(), self.container);
        for entry in container.archive().entries() {
            match role_of(&entry.name) {
                Role::CadesSignature => parts.push(self.cades(entry)?),
                Role::TimeStamp => parts.push(self.time_stamp(entry)?),
                Role::XadesSignatures => parts.extend(self.xades(entry)?),
                _ => {}
            }
            if parts.len() > MAX_PARTS {
                return Err(AsicError::Limit { what: "signatures", limit: MAX_PARTS as u64 }.into());
            }
        }
        Ok(parts)
    }

    /// A CAdES signature over the document (ASiC-S) or over its manifest (ASiC-E).
    fn cades(&self, entry: &Entry) -> Result<Part, OpenError> {
        let (covered, mut findings) = self.covered(&entry.name);
        let detached = covered.as_ref().and_then(|covered| covered.detached.clone());
        let bytes = self.container.archive().read(entry)?;
        let source = MemorySource(bytes);
        let mut inspection = match Inspection::open_cms(&source, detached.as_slice(), self.limits) {
            Ok(inspection) => inspection,
            Err(OpenError::Read(error)) => return Err(OpenError::Read(error)),
            Err(error) => {
                let message = Key::FormatCms.message(format!("The signature cannot be judged: {error}."));
                findings.push(fatal(message));
                broken("CMS", &source.0, self.limits)
            }
        };
        inspection.signed_files.clear();
        Ok(self.part(entry, false, inspection, covered, findings))
    }

    /// A time-stamp token over the document (ASiC-S) or over a manifest.
    fn time_stamp(&self, entry: &Entry) -> Result<Part, OpenError> {
        let (covered, mut findings) = self.covered(&entry.name);
        let bytes = self.container.archive().read(entry)?;
        let mut unread = None;
        let imprint = |algorithm| {
            let source = &covered.as_ref()?.detached.as_ref()?.source;
            let digest = source.hasher(algorithm, source.len()).map(Hasher::finish);
            digest.map_err(|error| unread = Some(error)).ok()
        };
        let body = match check_token(&bytes, self.limits, imprint) {
            Ok(token) => Body::TimeStamp(Box::new(token)),
            Err(reason) => {
                let told = format!("The time-stamp cannot be read: {reason}.");
                findings.push(fatal(Key::TimeStampInvalid.message(told)));
                Body::None
            }
        };
        if let Some(error) = unread {
            return Err(OpenError::Read(error));
        }
        let field = Field { sub_filter: "ETSI.RFC3161".to_owned(), ..Field::default() };
        let signature =
            Signature { field, scope: Scope::Whole, body, findings: Vec::new(), changes: Ok(Vec::new()) };
        let mut inspection = Inspection::empty(Sha256::of(&bytes), self.limits);
        inspection.take_in(&signature, 0);
        inspection.signatures.push(signature);
        Ok(self.part(entry, true, inspection, covered, findings))
    }

    /// XAdES signatures over documents by their names: a part each.
    fn xades(&mut self, entry: &Entry) -> Result<Vec<Part>, OpenError> {
        let bytes = self.container.archive().read(entry)?;
        let files = &self.files;
        let resolve = |uri: &str| {
            let file = files.get(&name_of(uri)?)?;
            Some(AtHand::File(Arc::clone(file) as Arc<dyn Source>))
        };
        let read = xades::inspect(&bytes, &resolve, self.limits, &mut self.budget);
        let unread = |told: String| {
            let findings = vec![fatal(Key::FormatXml.message(told))];
            let inspection = broken("XML", &bytes, self.limits);
            Ok(vec![self.part(entry, false, inspection, None, findings)])
        };
        let signatures = match read {
            Ok(signatures) if signatures.is_empty() => {
                return unread("The file holds no signature.".to_owned());
            }
            Ok(signatures) => signatures,
            Err(error) => return unread(format!("The signature cannot be read: {error}.")),
        };
        let several = signatures.len() > 1;
        let parts = signatures.into_iter().map(|signature| {
            let id = signature.field.name.clone();
            let mut inspection = Inspection::empty(Sha256::of(&bytes), self.limits);
            inspection.take_in(&signature, 0);
            let (covered, findings) = referred(&signature);
            inspection.signatures.push(signature);
            let mut part = self.part(entry, false, inspection, Some(covered), findings);
            if several {
                part.label = format!("{}#{id}", entry.name);
            }
            part
        });
        Ok(parts.collect())
    }

    /// What a signature file covers, by the kind of the container; or why that cannot be told.
    fn covered(&self, signature: &str) -> (Option<Covered>, Vec<Finding>) {
        let mut of_it = self.manifests.iter().filter(|listed| listed.manifest.signature == signature);
        match (of_it.next(), of_it.next(), self.container.kind()) {
            (Some(listed), None, _) => (Some(Covered::by(listed)), listed.findings.clone()),
            (Some(_), Some(_), _) => {
                let told = format!("Several manifests belong to {signature:?}.");
                (None, vec![fatal(Key::AsicManifest.message(told))])
            }
            (None, _, Kind::Extended) => {
                let told = format!("No manifest says what {signature:?} covers.");
                (None, vec![fatal(Key::AsicManifest.message(told))])
            }
            (None, _, Kind::Simple) => {
                // More than one document is a fault of its own.
                let only = self.container.of(Role::Data).next();
                let file = only.and_then(|entry| self.files.get(&entry.name));
                (file.map(Covered::document), Vec::new())
            }
        }
    }

    fn part(
        &self,
        entry: &Entry,
        is_stamp: bool,
        mut inspection: Inspection,
        covered: Option<Covered>,
        mut findings: Vec<Finding>,
    ) -> Part {
        let Covered { scopes, covers, manifest, digests, .. } = covered.unwrap_or_default();
        let open: Vec<&str> = self
            .container
            .of(Role::Data)
            .map(|entry| entry.name.as_str())
            .filter(|name| !covers.contains(*name))
            .collect();
        if !open.is_empty() {
            findings.push(fatal(Key::AsicUncoveredFile.message(uncovered(&open))));
        }
        let mut rests_on = covers.clone();
        rests_on.insert(entry.name.clone());
        rests_on.extend(manifest);
        // Others than manifests name no digest for each file.
        let own = inspection.signatures.first().and_then(Signature::content_digest);
        let scopes = scopes.into_iter().map(|(name, algorithm, whole)| SignatureScope {
            name,
            digest_algorithm: algorithm.or(own).map(|algorithm| algorithm.name().to_owned()),
            whole,
        });
        let scopes = scopes.collect();
        for signature in &mut inspection.signatures {
            signature.findings.extend(findings.iter().chain(&self.faults).cloned());
        }
        Part {
            inspection,
            label: entry.name.clone(),
            is_stamp,
            scopes,
            rests_on,
            covers,
            digests,
            whole: open.is_empty(),
        }
    }
}

/// What an XAdES signature refers to: a file is covered if all its bytes are, as they are.
fn referred(signature: &Signature) -> (Covered, Vec<Finding>) {
    let files = match &signature.body {
        Body::Xml(body) => body.files.as_slice(),
        _ => &[],
    };
    let mut findings = Vec::new();
    let mut covered = Covered::default();
    for file in files {
        let Some(name) = name_of(&file.uri).filter(|_| file.present) else {
            let told = format!("The signature refers to {:?}, which is not in the container.", file.uri);
            findings.push(fatal(Key::AsicMissingFile.message(told)));
            continue;
        };
        if file.matches {
            covered.scopes.push((name.clone(), None, file.whole));
        }
        if file.matches && file.whole {
            covered.covers.insert(name);
        }
    }
    (covered, findings)
}

/// What a signature is over, and what it covers by that.
#[derive(Default)]
struct Covered {
    /// What the signature is over, where that is one thing.
    detached: Option<Detached>,
    manifest: Option<String>,
    /// Each file with the algorithm that names it, where that is told, and whether all its bytes are covered.
    scopes: Vec<(String, Option<DigestAlgorithm>, bool)>,
    covers: BTreeSet<String>,
    digests: BTreeSet<DigestAlgorithm>,
}

impl Covered {
    fn document(file: &Arc<Unpacked>) -> Self {
        let name = file.name().to_owned();
        Self {
            detached: Some(Detached { name: name.clone(), source: file.clone() }),
            manifest: None,
            scopes: vec![(name.clone(), None, true)],
            covers: BTreeSet::from([name]),
            digests: BTreeSet::new(),
        }
    }

    fn by(listed: &Listed) -> Self {
        let objects = &listed.manifest.objects;
        Self {
            detached: Some(Detached {
                name: listed.name.clone(),
                source: Arc::new(MemorySource(listed.bytes.clone())),
            }),
            manifest: Some(listed.name.clone()),
            scopes: objects.iter().map(|one| (one.name.clone(), Some(one.digest.algorithm), true)).collect(),
            covers: objects.iter().map(|one| one.name.clone()).collect(),
            digests: objects.iter().map(|one| one.digest.algorithm).collect(),
        }
    }
}

impl Parts {
    fn new(parts: Vec<Part>, remarks: Vec<String>) -> Self {
        let over = |part: &Part| {
            let stamps = parts.iter().enumerate().filter(|(_, stamp)| stamp.is_stamp);
            let over = stamps.filter(|(_, stamp)| part.rests_on.is_subset(&stamp.covers));
            over.map(|(index, _)| index).collect()
        };
        let stamps_over = parts.iter().map(over).collect();
        Self { parts, stamps_over, remarks }
    }

    /// How many signatures and time-stamps there are.
    pub(super) fn count(&self) -> usize {
        self.parts.iter().map(|part| part.inspection.signature_count()).sum()
    }

    /// Takes in what was brought, for every signature.
    pub(super) fn supply(&mut self, piece: &ReadEvidence) {
        for part in &mut self.parts {
            part.inspection.keep_piece(piece.clone(), None, None);
        }
    }

    /// See [`Inspection::knowing`].
    pub(super) fn knowing(&mut self, known: &Arc<Known>) {
        for part in &mut self.parts {
            part.inspection.checks = Checks::knowing(Arc::clone(known));
        }
    }

    /// The reports, in the order of the container, what would help, and what the verdicts rest on.
    pub(super) fn judge(&self, policy: &Policy, anchors: &Anchors, moment: UtcTime) -> Judged {
        let mut needs: Vec<Need> = Vec::new();
        let mut judged: BTreeMap<usize, JudgedPart> = BTreeMap::new();
        for index in self.newest_first() {
            let Some(part) = self.parts.get(index) else { continue };
            let stamps = self.stamps_over.get(index).into_iter().flatten();
            let proven = stamps.filter_map(|stamp| judged.get(stamp)?.time).min();
            let Judged { mut reports, needs: wanted, reliances } =
                verdict::judge_all(&part.inspection, policy, anchors, moment, proven);
            for need in wanted {
                if !needs.contains(&need) {
                    needs.push(need);
                }
            }
            for report in &mut reports {
                part.tell(report, policy, proven.unwrap_or(moment));
                let remarks = self.remarks.iter().map(|told| Key::AsicMimeType.message(told.as_str()));
                report.warnings.extend(remarks);
            }
            let time = reports.first().filter(|_| part.is_stamp).and_then(proven_time);
            judged.insert(index, JudgedPart { reports, time, reliances });
        }
        let (mut all, mut rest) = (Vec::new(), Vec::new());
        for JudgedPart { reports, reliances, .. } in judged.into_values() {
            let before = all.len();
            rest.extend(reliances.into_iter().map(|one| Reliance { index: before + one.index, ..one }));
            all.extend(reports);
        }
        for (nth, report) in all.iter_mut().enumerate() {
            report.id = format!("S-{}", nth + 1);
        }
        Judged { reports: all, needs, reliances: rest }
    }

    /// Every time-stamp before what it covers, then the signatures.
    fn newest_first(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.parts.len()).collect();
        // Whatever covers a time-stamp covers what that one covers, and so stands under fewer than it.
        order.sort_by_key(|&index| {
            let is_stamp = self.parts.get(index).is_some_and(|part| part.is_stamp);
            (!is_stamp, self.stamps_over.get(index).map_or(0, Vec::len))
        });
        order
    }
}

/// What was found of a part.
struct JudgedPart {
    reports: Vec<SignatureReport>,
    /// What it proves, for a time-stamp.
    time: Option<UtcTime>,
    reliances: Vec<Reliance>,
}

impl Part {
    /// Puts into a report what the container knows.
    fn tell(&self, report: &mut SignatureReport, policy: &Policy, at: UtcTime) {
        report.field.clone_from(&self.label);
        if report.scopes.is_empty() {
            report.scopes.clone_from(&self.scopes);
        }
        report.coverage = if self.whole { CoverageLevel::Document } else { CoverageLevel::Partial };
        let purpose = if self.is_stamp { Use::Imprint } else { Use::Signature };
        for algorithm in &self.digests {
            let Err(weakness) = policy.cryptography.permits_digest(purpose, *algorithm, at) else { continue };
            let told = format!("The manifest names documents by {}.", weakness.algorithm);
            let once = weakness.until.is_some();
            doubt(report, once, Key::AlgorithmWeak.message(told));
        }
    }
}

/// What keeps a signature from being valid without making it wrong.
fn doubt(report: &mut SignatureReport, once: bool, message: Message) {
    if report.indication == Indication::TotalPassed {
        report.indication = Indication::Indeterminate;
        let sub_indication =
            if once { "CRYPTO_CONSTRAINTS_FAILURE_NO_POE" } else { "CRYPTO_CONSTRAINTS_FAILURE" };
        report.sub_indication = Some(sub_indication.to_owned());
    }
    report.errors.push(message);
}

/// The time that a time-stamp proves, if it is valid.
fn proven_time(report: &SignatureReport) -> Option<UtcTime> {
    let proves = report.indication == Indication::TotalPassed
        && report.best_signature_time_source == Some(TimeSource::TimeStamp);
    report.best_signature_time.as_deref().filter(|_| proves).and_then(|time| time.parse().ok())
}

/// A signature that cannot be read, to which the reasons are added.
fn broken(kind: &str, bytes: &[u8], limits: &Limits) -> Inspection {
    let mut inspection = Inspection::empty(Sha256::of(bytes), limits);
    inspection.signatures.push(Signature {
        field: Field { sub_filter: kind.to_owned(), ..Field::default() },
        scope: Scope::Digest,
        body: Body::None,
        findings: Vec::new(),
        changes: Ok(Vec::new()),
    });
    inspection
}

fn uncovered(open: &[&str]) -> String {
    let shown: Vec<String> = open.iter().take(MAX_SHOWN).map(|name| format!("{name:?}")).collect();
    let more = open.len().saturating_sub(MAX_SHOWN);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("The signature does not cover {}{more}.", shown.join(", "))
}

fn fatal(message: Message) -> Finding {
    Finding::fatal("FORMAT_FAILURE", message)
}

fn sentence(error: &AsicError) -> String {
    let words = error.to_string();
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}

/// Signatures in one container, and manifests: each signature is judged by itself, and may have evidence of its own.
const MAX_PARTS: usize = 50;

/// Names told in one message, and messages about one thing.
const MAX_SHOWN: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asic::{ASIC_E, Addition, write_archive};

    const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";

    /// A container of `count` files of signatures, each about the canonical form of one document.
    fn container(count: usize, document: &str) -> Arc<MemorySource> {
        let digest = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, [0; 32]);
        let signature = format!(
            "<a:XAdESSignatures xmlns:a=\"http://uri.etsi.org/02918/v1.2.1#\"><Signature \
             xmlns=\"http://www.w3.org/2000/09/xmldsig#\" Id=\"s\"><SignedInfo><CanonicalizationMethod \
             Algorithm=\"{EXCLUSIVE}\"/><SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\"/>\
             <Reference URI=\"a.xml\"><Transforms><Transform Algorithm=\"{EXCLUSIVE}\"/></Transforms><DigestMethod \
             Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/><DigestValue>{digest}</DigestValue></Reference>\
             </SignedInfo><SignatureValue>AAAA</SignatureValue></Signature></a:XAdESSignatures>"
        );
        let source = |text: &str| MemorySource(text.as_bytes().to_vec());
        let mut files = vec![("mimetype".to_owned(), source(ASIC_E)), ("a.xml".to_owned(), source(document))];
        files.extend((0..count).map(|nth| (format!("META-INF/signatures{nth:03}.xml"), source(&signature))));
        let files: Vec<Addition<'_>> =
            files.iter().map(|(name, source)| Addition { name: name.clone(), source }).collect();
        let mut packed = Vec::new();
        write_archive(None, &[], &files, &mut packed).unwrap();
        Arc::new(MemorySource(packed))
    }

    /// Which signatures had their document compared, rather than being left because that costs too much.
    fn compared(inspection: &Inspection) -> Vec<bool> {
        let parts = &inspection.container.as_ref().unwrap().parts;
        let keys = |part: &Part| {
            let findings = part.inspection.signatures.iter().flat_map(|one| &one.findings);
            findings.map(|finding| finding.message.key.clone()).collect::<Vec<_>>()
        };
        parts
            .iter()
            .map(|part| {
                let keys = keys(part);
                let (done, costly) = (
                    keys.contains(&"digest.mismatch".to_owned()),
                    keys.contains(&"format.too-costly".to_owned()),
                );
                assert_ne!(done, costly, "{keys:?}");
                done
            })
            .collect()
    }

    /// However many files of signatures a container has, they share what may be spent.
    #[test]
    fn all_xml_signatures_of_a_container_share_one_budget() {
        let document = format!("<a>{}</a>", "x".repeat(10_000));
        let packed = container(40, &document);
        let limits = Limits::default();
        // Reading the document and its canonical form, and SignedInfo.
        let one = document.len() * 2 + 1_000;
        let budget = Budget::of(one * 5);
        let within = Inspection::open_container_within(packed.clone(), &limits, Some(budget)).unwrap();
        let compared_within = compared(&within);
        assert_eq!(compared_within.len(), 40);
        let done = compared_within.iter().filter(|done| **done).count();
        assert!((4..=6).contains(&done), "{done} of 40 were compared");
        assert!(
            compared_within.is_sorted_by(|one, other| one >= other),
            "the first ones: {compared_within:?}"
        );
        let usual = Inspection::open_container(packed, &limits).unwrap();
        assert_eq!(compared(&usual), [true; 40], "an honest container does not come near it");
    }
}
