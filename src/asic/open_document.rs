//! `META-INF/manifest.xml`, the list of files that OpenDocument 1.2 part 3 section 4 has.
//!
//! Nobody signs it, so it proves nothing; a list that contradicts what is there shows that somebody changed the one
//! without the other.

use std::collections::BTreeSet;

use super::{AsicError, Container, ContainerLimits, Role, manifest::escape, media_type};
use crate::xml::{Document, XmlLimits};

/// The files that the list names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenDocumentManifest {
    /// The media type of the container, which the entry `/` has.
    pub media_type: Option<String>,
    /// The names of the others, as listed.
    pub names: Vec<String>,
}

impl OpenDocumentManifest {
    /// Reads the list.
    ///
    /// # Errors
    ///
    /// [`AsicError::Malformed`] when it is no such document.
    pub fn parse(bytes: &[u8], limits: &ContainerLimits) -> Result<Self, AsicError> {
        let document =
            Document::parse(bytes, &XmlLimits { bytes: limits.part_bytes, ..XmlLimits::default() }).map_err(
                |error| {
                    AsicError::malformed(format!("META-INF/manifest.xml is no XML that can be read: {error}"))
                },
            )?;
        let root = document.root();
        if !root.is(NAMESPACE, "manifest") {
            return Err(AsicError::malformed("META-INF/manifest.xml is no list of files"));
        }
        let (mut media_type, mut names) = (None, Vec::new());
        for entry in root.elements() {
            let path = entry.attribute_ns(NAMESPACE, "full-path");
            let Some(path) = path.filter(|_| entry.is(NAMESPACE, "file-entry")) else {
                return Err(AsicError::malformed("META-INF/manifest.xml holds something else than files"));
            };
            if path == "/" {
                media_type = entry.attribute_ns(NAMESPACE, "media-type").map(str::to_owned);
            } else {
                names.push(path.to_owned());
            }
        }
        Ok(Self { media_type, names })
    }

    /// What it says about a container that is not so: English sentences.
    pub fn contradictions(&self, container: &Container) -> Vec<String> {
        let mut found = Vec::new();
        let kind = container.kind().media_type();
        if let Some(stated) = self.media_type.as_deref().filter(|stated| *stated != kind) {
            found.push(format!("META-INF/manifest.xml calls the container {stated:?}, which is {kind:?}."));
        }
        let listed: BTreeSet<&str> = self.names.iter().map(String::as_str).collect();
        if listed.len() != self.names.len() {
            found.push("META-INF/manifest.xml lists a file twice.".to_owned());
        }
        for name in &listed {
            if container.archive().entry(name).is_none() {
                found.push(format!("META-INF/manifest.xml lists {name:?}, which is not there."));
            }
        }
        for entry in container.of(Role::Data).filter(|entry| !listed.contains(entry.name.as_str())) {
            found.push(format!("META-INF/manifest.xml does not list {:?}.", entry.name));
        }
        found
    }
}

/// The list for a container of these files.
pub(super) fn to_xml<'n>(container_type: &str, names: impl Iterator<Item = &'n str>) -> Vec<u8> {
    let entry = |path: &str, media_type: &str| {
        format!(
            "<manifest:file-entry manifest:full-path=\"{}\" manifest:media-type=\"{}\"/>",
            escape(path),
            escape(media_type)
        )
    };
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<manifest:manifest xmlns:manifest=\"{NAMESPACE}\" \
         manifest:version=\"1.2\">{}",
        entry("/", container_type)
    );
    names.for_each(|name| xml += &entry(name, media_type(name)));
    xml += "</manifest:manifest>";
    xml.into_bytes()
}

const NAMESPACE: &str = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0";
