//! ASiC containers (ETSI EN 319 162-1): a ZIP archive of documents with the signatures over them.
//!
//! - [`Archive::open`] reads a ZIP archive so strictly that every reader sees the same files in it;
//! - [`Container::open`] says which of them are data, signatures and manifests (sections 4.3 and 4.4);
//! - [`Manifest`] is what a CAdES signature or a time-stamp of an ASiC-E container covers (annex A.4);
//! - [`Draft`] writes a container, and [`write_archive`] one with more or other files in it, the same bytes for the
//!   same input.
//!
//! A container in a container is a file like any other. Nothing is ever unpacked to a disk.

mod container;
mod error;
mod manifest;
mod open_document;
mod unpack;
mod write;
mod zip;

pub use container::{Container, Kind, Role, role_of};
pub use error::AsicError;
pub use manifest::{DataObject, MANIFEST_NAMESPACE, Manifest, media_type, name_of, uri_of};
pub use open_document::OpenDocumentManifest;
pub use unpack::Unpacked;
pub use write::{Addition, Draft, write_archive};
pub use zip::{Archive, Entry, Method, is_zip};

/// How much of a hostile container is taken in.
#[derive(Clone, Debug)]
pub struct ContainerLimits {
    /// Files and folders. A dossier of a thousand annexes is a large one.
    pub entries: usize,
    /// Bytes of one name.
    pub name_bytes: usize,
    /// Bytes of one file that is read whole: a signature or a manifest.
    pub part_bytes: usize,
    /// Bytes of all signatures and manifests together.
    pub parts_bytes: u64,
    /// Bytes of all files together that any container may have when unpacked…
    pub unpacked_bytes: u64,
    /// …and how many times its own size beyond that. Honest documents hardly shrink to a hundredth.
    pub ratio: u64,
    /// Data objects that one manifest lists.
    pub objects: usize,
}

impl Default for ContainerLimits {
    fn default() -> Self {
        Self {
            entries: 10_000,
            name_bytes: 1024,
            part_bytes: 16 * 1024 * 1024,
            parts_bytes: 64 * 1024 * 1024,
            unpacked_bytes: 64 * 1024 * 1024,
            ratio: 100,
            objects: 10_000,
        }
    }
}

/// The media type of ASiC-E containers, and the content of their `mimetype`.
pub const ASIC_E: &str = "application/vnd.etsi.asic-e+zip";

/// The media type of ASiC-S containers, and the content of their `mimetype`.
pub const ASIC_S: &str = "application/vnd.etsi.asic-s+zip";
