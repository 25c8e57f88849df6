//! Extending what is raised whole rather than by revisions behind it: a container, a CMS, an XML file.
//!
//! ```text
//! look      judge, with all that can be brought: refused unless the signatures are valid
//! raise     each form in its own way; no key is touched
//! look      judged once more: the evidence is young enough, no signature is worse than before, all reach the level
//! ```

use std::{path::Path, sync::Arc};

use super::{
    AddedRevision, DIGEST, ExtendError, Extended, Extension, Raised, View, gate, has_level, lowest, no_worse,
    reached_by,
};
use crate::{
    base::{MemorySource, Source},
    cms::MAX_CONTENT,
    pdf::PdfError,
    service::{
        sign::{Copy, SignError, SigningDesk},
        verify::{Age, VerifyError},
    },
    signing::{self, xades::XadesFile},
    validation::{Detached, DocumentReport, OpenError},
    xml::XmlLimits,
};

impl SigningDesk {
    /// The rules that hold for every form; `raise` makes the new file, and says what it added.
    ///
    /// `contents`: what signatures are about, where that lies apart.
    pub(super) fn raise_whole(
        &self,
        before: Copy,
        contents: &[Detached],
        extension: &Extension,
        raise: impl FnOnce(&Copy, &View) -> Result<(Vec<AddedRevision>, Copy), ExtendError>,
    ) -> Result<(Copy, Raised), ExtendError> {
        self.may_raise(extension.to)?;
        // What was read once is what is extended, whatever becomes of the input.
        let mut first = self.look_whole(before.source()?, contents, Age::New)?;
        let level = lowest(&first.report, extension).ok_or(ExtendError::Unsigned)?;
        gate(&first.report, extension)?;
        if !extension.renew && has_level(&first.report, extension, extension.to) {
            return Ok((before, first.raised(Vec::new(), level, level)));
        }
        if extension.too_old(&first.reliances).is_some() {
            // What came a moment ago may be from before the signature.
            first = self.look_whole(before.source()?, contents, Age::Since(self.clock.now()))?;
            gate(&first.report, extension)?;
            extension.young_enough(&first.reliances)?;
        }
        let (added, copy) = raise(&before, &first)?;
        let last = self.look_whole(copy.source()?, contents, Age::New)?;
        extension.young_enough(&last.reliances)?;
        no_worse(&first.report, &last.report)?;
        let reached = reached_by(&last.report, extension)?;
        Ok((copy, last.raised(added, level, reached)))
    }

    fn look_whole(
        &self,
        source: Arc<dyn Source>,
        contents: &[Detached],
        age: Age,
    ) -> Result<View, ExtendError> {
        let moment = self.clock.now();
        let inspection = self.gather(source, contents, moment, age)?;
        Ok(self.view(&inspection, moment))
    }

    /// A CMS: DER, BER or PEM in, DER out.
    pub(super) fn extend_signed_data(
        &self,
        input: &dyn Source,
        output: &Path,
        extension: &Extension,
        contents: &[Detached],
    ) -> Result<Extended, ExtendError> {
        let most = MAX_CONTENT.saturating_add(self.limits.cms_bytes as u64);
        if input.len() > most {
            return Err(PdfError::Limit { what: "the length of a CMS", limit: most }.into());
        }
        let raise = |cms: Vec<u8>, report: &DocumentReport| {
            let has = report.signatures.first().and_then(signing::level_of);
            self.raise_signed_data(&cms, contents.first().cloned(), has, extension.raise(extension.to))
        };
        self.extend_bytes(input, output, extension, contents, raise)
    }

    /// The signatures of an XML file, one after the other.
    pub(super) fn extend_xml(
        &self,
        input: &dyn Source,
        output: &Path,
        extension: &Extension,
        contents: &[Detached],
    ) -> Result<Extended, ExtendError> {
        let limit = XmlLimits::default().bytes as u64;
        if input.len() > limit {
            return Err(VerifyError::from(OpenError::Limit { kind: "an XML file", limit }).into());
        }
        let raise = |mut bytes: Vec<u8>, report: &DocumentReport| {
            let now = self.clock.now();
            for id in XadesFile::ids(&bytes)? {
                if extension.due(report, &id).is_some() {
                    let file = XadesFile::read(bytes, Some(&id))?;
                    let file = self.raise_xml(file, contents, extension.raise(extension.to), now)?;
                    bytes = file.into_bytes();
                }
            }
            Ok::<_, SignError>(bytes)
        };
        self.extend_bytes(input, output, extension, contents, raise)
    }

    /// What lies in memory at once.
    fn extend_bytes(
        &self,
        input: &dyn Source,
        output: &Path,
        extension: &Extension,
        contents: &[Detached],
        raise: impl FnOnce(Vec<u8>, &DocumentReport) -> Result<Vec<u8>, SignError>,
    ) -> Result<Extended, ExtendError> {
        let before = Copy::of(input, output, DIGEST)?;
        let (copy, raised) = self.raise_whole(before, contents, extension, |before, view| {
            let source = before.source()?;
            let bytes = source.read(0..source.len()).map_err(|source| SignError::Input { source })?;
            let raised = raise(bytes.clone(), &view.report)?;
            let added = if raised == bytes { Vec::new() } else { vec![AddedRevision::Attributes] };
            Ok((added, Copy::of(&MemorySource(raised), output, DIGEST)?))
        })?;
        copy.release(output)?;
        Ok(Extended { path: output.to_owned(), raised })
    }
}
