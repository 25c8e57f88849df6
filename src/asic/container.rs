//! What the files of a container are (ETSI EN 319 162-1 sections 4.3.3, 4.4.3 and annex A).

use std::sync::Arc;

use super::{ASIC_E, ASIC_S, Archive, AsicError, ContainerLimits, Entry, Method};
use crate::base::Source;

/// A container: its files and what each of them is for.
pub struct Container {
    archive: Archive,
    kind: Kind,
    remarks: Vec<String>,
}

/// The two kinds of containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any number of data files (section 4.4).
    Extended,
    /// One data file (section 4.3).
    Simple,
}

/// What a file of a container is for, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// `META-INF/*ASiCArchiveManifest*.xml`: what an archive time-stamp covers.
    ArchiveManifest,
    /// `META-INF/*signature*.p7s`: a CAdES signature.
    CadesSignature,
    /// Anything else: a signature has to cover it.
    Data,
    /// A folder, which holds nothing by itself.
    Folder,
    /// `META-INF/*ASiCManifest*.xml`: what a CAdES signature or a time-stamp covers.
    Manifest,
    /// `mimetype`: which kind of container it is.
    MimeType,
    /// `META-INF/manifest.xml`: a list of files as OpenDocument has it, for information.
    OpenDocumentManifest,
    /// `META-INF/*timestamp*.tst`: a time-stamp token.
    TimeStamp,
    /// `META-INF/*signatures*.xml`: XAdES signatures.
    XadesSignatures,
}

impl Kind {
    /// The media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Extended => ASIC_E,
            Self::Simple => ASIC_S,
        }
    }

    /// `ASiC-E` or `ASiC-S`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Extended => "ASiC-E",
            Self::Simple => "ASiC-S",
        }
    }

    fn of(media_type: &str) -> Option<Self> {
        [Self::Extended, Self::Simple].into_iter().find(|kind| kind.media_type() == media_type)
    }
}

/// What a file of this name is for.
///
/// Only names that the standard reserves are more than data. Whatever else lies in `META-INF` is data, too: nobody
/// vouches for it unless a signature covers it.
pub fn role_of(name: &str) -> Role {
    if name.ends_with('/') {
        return Role::Folder;
    }
    if name == MIMETYPE {
        return Role::MimeType;
    }
    let Some(own) = name.strip_prefix("META-INF/").filter(|own| !own.contains('/')) else {
        return Role::Data;
    };
    match own.rsplit_once('.') {
        _ if own == "manifest.xml" => Role::OpenDocumentManifest,
        Some((stem, "xml")) if stem.contains("ASiCArchiveManifest") => Role::ArchiveManifest,
        Some((stem, "xml")) if stem.contains("ASiCManifest") => Role::Manifest,
        Some((stem, "xml")) if stem.contains("signatures") => Role::XadesSignatures,
        Some((stem, "p7s")) if stem.contains("signature") => Role::CadesSignature,
        Some((stem, "tst")) if stem.contains("timestamp") => Role::TimeStamp,
        _ => Role::Data,
    }
}

impl Container {
    /// Reads the directory of a container and finds out which kind it is.
    ///
    /// # Errors
    ///
    /// As [`Archive::open`]; [`AsicError::NotAsic`] when neither `mimetype` nor the comment names a kind of ASiC.
    pub fn open(source: Arc<dyn Source>, limits: &ContainerLimits) -> Result<Self, AsicError> {
        let archive = Archive::open(source, limits)?;
        let commented = archive
            .comment()
            .strip_prefix(b"mimetype=")
            .and_then(|media_type| str::from_utf8(media_type).ok())
            .map(|media_type| media_type.trim_end_matches('\0').to_owned());
        let (mut stated, mut remarks) = (None, Vec::new());
        if let Some(entry) = archive.entry(MIMETYPE) {
            if entry.len > MAX_MEDIA_TYPE {
                return Err(not_asic(&archive, "its mimetype is no media type".to_owned()));
            }
            stated = Some(String::from_utf8_lossy(&archive.read(entry)?).into_owned());
            if archive.entries().first().is_none_or(|first| first.name != MIMETYPE) {
                remarks.push("The file \"mimetype\" is not the first one.".to_owned());
            }
            if entry.method != Method::Stored {
                remarks.push("The file \"mimetype\" is compressed.".to_owned());
            }
            if entry.has_extra {
                remarks.push("The file \"mimetype\" has an extra field.".to_owned());
            }
        }
        let kind = match (&stated, &commented) {
            (Some(stated), Some(commented)) if stated != commented => {
                let reason = format!("mimetype says {stated:?}, the comment {commented:?}");
                return Err(AsicError::ambiguous(reason));
            }
            (Some(media_type), _) | (None, Some(media_type)) => Kind::of(media_type)
                .ok_or_else(|| not_asic(&archive, format!("its media type is {media_type:?}")))?,
            (None, None) => return Err(not_asic(&archive, "it has no file \"mimetype\"".to_owned())),
        };
        Ok(Self { archive, kind, remarks })
    }

    /// Its files, for writing them again.
    pub fn into_archive(self) -> Archive {
        self.archive
    }

    /// Its files.
    pub fn archive(&self) -> &Archive {
        &self.archive
    }

    /// Which kind it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What is not as the standard wants it and changes nothing about what is signed; English sentences.
    pub fn remarks(&self) -> &[String] {
        &self.remarks
    }

    /// The files of a role, in the order in which they lie in the container.
    pub fn of(&self, role: Role) -> impl Iterator<Item = &Entry> {
        self.archive.entries().iter().filter(move |entry| role_of(&entry.name) == role)
    }

    /// The data file of this name.
    pub fn data(&self, name: &str) -> Option<&Entry> {
        self.archive.entry(name).filter(|entry| role_of(&entry.name) == Role::Data)
    }
}

/// Tells the commonest other archives by name, since people take them for containers.
fn not_asic(archive: &Archive, reason: String) -> AsicError {
    let is = |name: &str| archive.entry(name).is_some();
    let reason = if is("[Content_Types].xml") {
        "it is an Office document (docx, xlsx, pptx), whose own signatures kyso does not judge".to_owned()
    } else if reason.contains("vnd.oasis.opendocument") {
        "it is an OpenDocument file (odt, ods, odp), whose own signatures kyso does not judge".to_owned()
    } else {
        reason
    };
    AsicError::NotAsic { reason }
}

const MIMETYPE: &str = "mimetype";

/// RFC 6838 section 4.2: two names of at most 127 characters.
const MAX_MEDIA_TYPE: u64 = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_reserved_names_are_more_than_data() {
        for (name, role) in [
            ("mimetype", Role::MimeType),
            ("META-INF/", Role::Folder),
            ("META-INF/signature.p7s", Role::CadesSignature),
            ("META-INF/signature001.p7s", Role::CadesSignature),
            ("META-INF/signatures.xml", Role::XadesSignatures),
            ("META-INF/l77Tsignaturesn00B.xml", Role::XadesSignatures),
            ("META-INF/ASiCManifest.xml", Role::Manifest),
            ("META-INF/ASiCManifest-1.xml", Role::Manifest),
            ("META-INF/ASiCArchiveManifest1.xml", Role::ArchiveManifest),
            ("META-INF/timestamp.tst", Role::TimeStamp),
            ("META-INF/timestamp002.tst", Role::TimeStamp),
            ("META-INF/manifest.xml", Role::OpenDocumentManifest),
            ("META-INF/quyet-dinh.pdf", Role::Data),
            ("META-INF/old/signatures.xml", Role::Data),
            ("META-INF/signature.p7m", Role::Data),
            ("META-INF/evidencerecord.ers", Role::Data),
            ("meta-inf/signatures.xml", Role::Data),
            ("signatures.xml", Role::Data),
            ("Mimetype", Role::Data),
        ] {
            assert_eq!(role_of(name), role, "{name}");
        }
    }
}
