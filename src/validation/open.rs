//! The entrance for signed files of every kind: the first bytes decide who reads on.
//!
//! A kind more is a variant of [`FileKind`], its mark in [`FileKind::of`], and its reader in [`Inspection::open_any`].

use std::{io, sync::Arc};

use super::{Inspection, cms_file, xades};
use crate::{
    asic::{self, AsicError},
    base::{Limits, Source},
    pdf::PdfError,
    xml::XmlError,
};

/// A file that a signature is about and does not hold: it lies apart from it.
#[derive(Clone)]
pub struct Detached {
    /// What the caller calls it; the report repeats it.
    pub name: String,
    /// Its bytes.
    pub source: Arc<dyn Source>,
}

/// What a signed file is, as far as its first bytes tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileKind {
    /// An ASiC container (`.asice`, `.asics`, `.bdoc`, `.edoc`), or another ZIP archive, which is refused.
    Asic,
    /// A CMS SignedData: DER, BER or PEM (`.p7s`, `.p7m`).
    Cms,
    /// A PDF; also whatever is of no other kind, since a PDF may have other bytes before its header.
    Pdf,
    /// XML with signatures in it, or a signature alone.
    Xml,
}

impl FileKind {
    /// The kind of `source`.
    ///
    /// # Errors
    ///
    /// Whatever the medium reports.
    pub fn of(source: &dyn Source) -> io::Result<Self> {
        let head = source.read(0..source.len().min(HEAD))?;
        Ok(match &head {
            head if asic::is_zip(head) => Self::Asic,
            head if cms_file::begins(head) => Self::Cms,
            head if xades::begins(head) => Self::Xml,
            _ => Self::Pdf,
        })
    }
}

impl Inspection {
    /// Reads a signed file of any kind, with the files that it is about if they lie apart from it.
    ///
    /// # Errors
    ///
    /// When it cannot be read at all, or `detached` does not go with it. A bad signature is no error.
    pub fn open_any(
        source: Arc<dyn Source>,
        detached: &[Detached],
        limits: &Limits,
    ) -> Result<Self, OpenError> {
        match FileKind::of(&*source)? {
            FileKind::Asic if detached.is_empty() => Self::open_container(source, limits),
            FileKind::Asic => Err(OpenError::NotApart { kind: "a container" }),
            FileKind::Cms => Self::open_cms(&*source, detached, limits),
            FileKind::Pdf if detached.is_empty() => Ok(Self::open(source, limits)?),
            FileKind::Pdf => Err(OpenError::NotApart { kind: "a PDF" }),
            FileKind::Xml => Self::open_xml(&*source, detached, limits),
        }
    }
}

/// Why a file cannot be judged at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The container cannot be read.
    #[error(transparent)]
    Asic(#[from] AsicError),
    /// It is larger than a reader takes in.
    #[error("the file has more than {limit} bytes, which is too much for {kind}")]
    Limit {
        /// What it is, in words.
        kind: &'static str,
        /// How many bytes are taken.
        limit: u64,
    },
    /// It holds what it is about, and a file was given beside it.
    #[error("the file is {kind} and holds what was signed; leave the detached file away")]
    NotApart {
        /// What it is, in words.
        kind: &'static str,
    },
    /// The PDF cannot be read.
    #[error(transparent)]
    Pdf(#[from] PdfError),
    /// The medium.
    #[error("the file could not be read to its end")]
    Read(#[from] io::Error),
    /// More detached files than the signature can be about.
    #[error("{given} detached files were given; the signature is about one")]
    SeveralDetached {
        /// How many.
        given: usize,
    },
    /// The XML cannot be read.
    #[error("the file cannot be read as XML: {0}")]
    Xml(#[from] XmlError),
}

/// Enough for every mark; PDF headers are looked for by their own reader.
const HEAD: u64 = 1024;
