//! ASiC containers: archives as they come, and well-formed ones with any files in them.

use std::sync::Arc;

use kyso::{
    asic::{
        ASIC_E, ASIC_S, Addition, Archive, ContainerLimits, Manifest, OpenDocumentManifest, write_archive,
    },
    base::{Limits, MemorySource},
    validation::{Inspection, Overall, Policy},
};

use crate::formats::{moment, nobody};

/// An archive; or the files of one, each a name, a line end, the content, and the byte 0xFF.
pub(crate) fn asic(data: &[u8]) {
    if data.starts_with(b"PK") {
        archive(data);
        return;
    }
    let limits = small();
    for part in data.split(|byte| *byte == 0xFF) {
        let content = part.iter().position(|byte| *byte == b'\n').map_or(part, |at| &part[at + 1..]);
        if let Ok(manifest) = Manifest::parse(content, &limits) {
            let again = Manifest::parse(&manifest.to_xml(), &limits);
            assert_eq!(again.ok().as_ref(), Some(&manifest), "what is written is read otherwise");
        }
        let _ = OpenDocumentManifest::parse(content, &limits);
    }
    let Some(packed) = pack(data) else { return };
    archive(&packed);
}

/// Read, judged, and written again: the same files.
fn archive(data: &[u8]) {
    let limits = small();
    judge_by_nobody(data);
    let Ok(archive) = open(data, &limits) else { return };
    let mut again = Vec::new();
    write_archive(Some(&archive), &[], &[], &mut again).expect("what was read can be written");
    let written = open(&again, &limits).expect("what was written can be read");
    assert_eq!(archive.entries().len(), written.entries().len());
    for (before, after) in archive.entries().iter().zip(written.entries()) {
        assert_eq!(before.name, after.name);
        assert_eq!(archive.read(before).ok(), written.read(after).ok(), "{:?} is another file", before.name);
    }
}

fn open(data: &[u8], limits: &ContainerLimits) -> Result<Archive, kyso::asic::AsicError> {
    Archive::open(Arc::new(MemorySource(data.to_vec())), limits)
}

fn judge_by_nobody(data: &[u8]) {
    let source = Arc::new(MemorySource(data.to_vec()));
    let Ok(inspection) = Inspection::open_any(source, &[], &Limits::default()) else { return };
    let _ = inspection.needs(&Policy::strict(), &nobody(), moment());
    let report = inspection.judge("fuzz.asice", &Policy::strict(), &nobody(), moment());
    assert_ne!(report.overall, Overall::Valid, "valid with nobody trusted");
}

/// A container of these files, its kind told by the first byte.
fn pack(data: &[u8]) -> Option<Vec<u8>> {
    let (first, rest) = data.split_first()?;
    let kind = if first % 2 == 0 { ASIC_E } else { ASIC_S };
    let mut files = vec![("mimetype".to_owned(), MemorySource(kind.into()))];
    for part in rest.split(|byte| *byte == 0xFF).take(40) {
        let at = part.iter().position(|byte| *byte == b'\n')?;
        let name = String::from_utf8(part.get(..at)?.to_vec()).ok()?;
        files.push((name, MemorySource(part.get(at + 1..)?.to_vec())));
    }
    let additions: Vec<Addition<'_>> =
        files.iter().map(|(name, source)| Addition { name: name.clone(), source }).collect();
    let mut packed = Vec::new();
    write_archive(None, &[], &additions, &mut packed).ok()?;
    Some(packed)
}

/// The files of a container, as this target takes them: a seed.
pub(crate) fn parts(container: &[u8]) -> Option<Vec<u8>> {
    let archive = open(container, &small()).ok()?;
    let mut seed = Vec::from(b"0");
    for entry in archive.entries().iter().filter(|entry| entry.name != "mimetype" && !entry.is_folder()) {
        let content = archive.read(entry).ok()?;
        if content.contains(&0xFF) && !entry.name.ends_with(".p7s") {
            return None;
        }
        if seed.len() > 1 {
            seed.push(0xFF);
        }
        seed.extend(entry.name.as_bytes());
        seed.push(b'\n');
        seed.extend(content);
    }
    Some(seed)
}

/// Smaller than the defaults, so that what would take seconds takes a moment.
fn small() -> ContainerLimits {
    ContainerLimits {
        entries: 1000,
        part_bytes: 1 << 20,
        unpacked_bytes: 4 << 20,
        ..ContainerLimits::default()
    }
}
