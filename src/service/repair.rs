//! Rebuilding a file whose cross-reference is broken, before it is signed.

use std::{io::BufWriter, io::Write as _, path::Path, sync::Arc};

use tempfile::NamedTempFile;

use super::sign::SignError;
use crate::{
    base::{Limits, Source},
    pdf::{self, Document, Finding, PdfError},
    store::FileSource,
};

/// A document to sign, and what was done to it before.
pub struct Repaired {
    /// The document: as it was, or rebuilt.
    pub source: Arc<dyn Source>,
    /// What the rebuild found and did; empty when none was needed.
    pub findings: Vec<Finding>,
    /// The rebuilt file, which goes away with this value.
    _file: Option<NamedTempFile>,
}

impl Repaired {
    /// The rebuilt document, where it was rebuilt.
    pub fn rebuilt(&self) -> Option<Arc<dyn Source>> {
        (!self.findings.is_empty()).then(|| Arc::clone(&self.source))
    }

    /// A document that nothing was done to.
    pub fn unchanged(source: Arc<dyn Source>) -> Self {
        Self { source, findings: Vec::new(), _file: None }
    }
}

/// Rebuilds `source` if its cross-reference is broken; into a file in `folder`, for it may be large.
///
/// # Errors
///
/// [`SignError::Pdf`] when it cannot be rebuilt, or is damaged in another way; [`SignError::Output`] when the folder
/// cannot be written to.
pub fn repaired(source: Arc<dyn Source>, limits: &Limits, folder: &Path) -> Result<Repaired, SignError> {
    let looked = Document::open(Arc::clone(&source), limits)
        .and_then(|document| pdf::check_whole(&document).map(|()| document.permissions().is_some()));
    let fault = match looked {
        Ok(_) => return Ok(Repaired::unchanged(source)),
        Err(fault @ PdfError::Damaged { .. }) => fault,
        Err(other) => return Err(other.into()),
    };
    let unwritten = |source| SignError::Output { path: folder.to_owned(), source };
    let file = NamedTempFile::new_in(folder).map_err(unwritten)?;
    let mut out = BufWriter::new(file.as_file());
    let findings = pdf::rebuild(&source, limits, &fault, &mut out)?;
    out.flush().map_err(unwritten)?;
    drop(out);
    let rebuilt: Arc<dyn Source> =
        Arc::new(FileSource::of(file.as_file().try_clone().map_err(unwritten)?).map_err(unwritten)?);
    // Nothing is handed on that is not sound now.
    pdf::check_whole(&Document::open(Arc::clone(&rebuilt), limits)?)?;
    Ok(Repaired { source: rebuilt, findings, _file: Some(file) })
}
