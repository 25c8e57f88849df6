//! The task of extending: raising the signatures of a document to a level that lasts, and renewing the archive
//! time-stamp of one that has it. No key is touched; every earlier byte stays.
//!
//! ```text
//! look      inspect, bring what is missing, appraise           refused unless the signatures are valid
//! B -> T    a document time-stamp behind the signatures        (those that have a time-stamp need none)
//! T -> LT   evidence into /DSS, until the file stands alone    judged again with nothing but the file
//! LT -> LTA a document time-stamp over the evidence
//! look      judged once more: no signature is worse than before, all reach the level
//! ```
//!
//! That is a PDF. The other formats are raised by the same rules in `whole`.

mod container;
mod whole;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    sign::{Copy, Raise, SignError, SigningDesk},
    time_stamping::TimeStamping,
    verify::{Age, Options, VerifyError, bring},
};
use crate::{
    base::{DigestAlgorithm, Source, UtcTime},
    pdf::{self, Document, PdfError},
    signing::{self, Choice, TooOld},
    validation::{
        Detached, DocumentReport, Evidence, FileKind, Indication, Inspection, Level, Message, OpenError,
        Reliance, SignatureReport,
        words::{Language, words},
    },
};

/// What is wanted of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// The level to reach: [`Level::T`] at least.
    pub to: Level,
    /// A fresh archive time-stamp although there is one.
    pub renew: bool,
    /// Signatures that are not valid are let pass; those that are valid have to stay so.
    pub even_if_not_valid: bool,
    /// Only this signature counts, by its field; all when absent.
    pub only: Option<String>,
    /// Evidence on signers and time-stamp authorities has to be younger than the signature.
    pub after_signature: bool,
}

impl Extension {
    /// All valid signatures to this level.
    pub fn to(level: Level) -> Self {
        Self { to: level, renew: false, even_if_not_valid: false, only: None, after_signature: false }
    }

    /// A fresh archive time-stamp.
    pub fn renewal() -> Self {
        Self { renew: true, ..Self::to(Level::Lta) }
    }

    fn concerns(&self, signature: &SignatureReport) -> bool {
        !signing::is_document_stamp(signature)
            && self.only.as_ref().is_none_or(|field| *field == signature.field)
    }

    /// The signature of this name, where it is to be raised by itself to more than it has.
    ///
    /// What is broken can never be valid, and stands in the way of nobody else in its file.
    fn due<'r>(&self, report: &'r DocumentReport, field: &str) -> Option<&'r SignatureReport> {
        let signature = report.signatures.iter().find(|one| one.field == field)?;
        let others = report.signatures.iter().filter(|one| !signing::is_document_stamp(one)).count() > 1;
        let has_it = signing::level_of(signature).is_some_and(|level| level >= self.to);
        let may = match signature.indication {
            Indication::TotalPassed => self.renew || !has_it,
            Indication::Indeterminate => self.even_if_not_valid,
            Indication::TotalFailed => self.even_if_not_valid && !others,
        };
        (self.concerns(signature) && may).then_some(signature)
    }

    /// The same for a signature that is raised by itself.
    fn raise(&self, to: Level) -> Raise {
        let Self { renew, even_if_not_valid, after_signature, .. } = *self;
        Raise { to, renew, even_if_not_valid, after_signature, digest: DIGEST }
    }

    /// The evidence from before the signature, where it has to be younger.
    fn too_old(&self, reliances: &[Reliance]) -> Option<TooOld> {
        let wanted = self.after_signature && self.to >= Level::Lt;
        signing::too_old(reliances).filter(|_| wanted)
    }

    /// Refuses such.
    fn young_enough(&self, reliances: &[Reliance]) -> Result<(), ExtendError> {
        self.too_old(reliances).map_or(Ok(()), |old| Err(ExtendError::TooOld(old)))
    }
}

/// What extending added: a revision, or what takes its place in other formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AddedRevision {
    /// A time-stamp over all files of a container.
    ArchiveManifest,
    /// Unsigned attributes of CMS or unsigned properties of XML signatures: evidence, time-stamps.
    Attributes,
    /// Certificates and status evidence.
    Evidence,
    /// A document time-stamp.
    TimeStamp,
}

/// What became of a document.
#[derive(Clone, Debug)]
pub struct Raised {
    /// What was added, oldest first; nothing when it had all that was wanted.
    pub added: Vec<AddedRevision>,
    /// The lowest level of the signatures concerned, before…
    pub before: Level,
    /// …and after.
    pub reached: Level,
    /// Until when the newest archive time-stamp can be relied on by what is known now: see [`signing::good_until`].
    pub good_until: Option<UtcTime>,
    /// The verdict on the result.
    pub report: DocumentReport,
}

/// An extended file that was verified before it was released. Nothing else can make one.
#[derive(Clone, Debug)]
pub struct Extended {
    path: PathBuf,
    raised: Raised,
}

impl Extended {
    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What was done.
    pub fn raised(&self) -> &Raised {
        &self.raised
    }
}

impl SigningDesk {
    /// Extends `input` into `output`, which appears whole or not at all.
    ///
    /// A PDF keeps its earlier bytes. A CMS signature gets more unsigned attributes, and comes out as DER, whatever it was;
    /// XML gets more unsigned properties; `content` is what they sign, where that lies apart. In a container each signature
    /// is raised in its own way, and what is not raised stays byte for byte; ASiC-E with CAdES gets an archive time-stamp
    /// over all files together. What has the level stays as it is, unless a fresh archive time-stamp is wanted.
    ///
    /// # Errors
    ///
    /// See [`ExtendError`].
    pub fn extend_file(
        &self,
        input: &dyn Source,
        output: &Path,
        extension: &Extension,
        content: Option<Detached>,
    ) -> Result<Extended, ExtendError> {
        self.extend_with(input, output, extension, content.as_slice())
    }

    /// As [`SigningDesk::extend_file`], with all the files that an XML signature may be about.
    ///
    /// # Errors
    ///
    /// As [`SigningDesk::extend_file`].
    pub fn extend_with(
        &self,
        input: &dyn Source,
        output: &Path,
        extension: &Extension,
        contents: &[Detached],
    ) -> Result<Extended, ExtendError> {
        let kind = FileKind::of(input).map_err(|source| SignError::Input { source })?;
        let extension = &Extension { to: extension.to.max(Level::T), ..extension.clone() };
        match kind {
            FileKind::Asic if contents.is_empty() => self.extend_container(input, output, extension),
            FileKind::Asic => Err(not_apart("a container")),
            FileKind::Cms => self.extend_signed_data(input, output, extension, contents),
            FileKind::Pdf if contents.is_empty() => self.extend_pdf(input, output, extension),
            FileKind::Pdf => Err(not_apart("a PDF")),
            FileKind::Xml => self.extend_xml(input, output, extension, contents),
        }
    }

    fn extend_pdf(
        &self,
        input: &dyn Source,
        output: &Path,
        extension: &Extension,
    ) -> Result<Extended, ExtendError> {
        let mut copy = Copy::of(input, output, DigestAlgorithm::Sha256)?;
        let raised = self.raise_pdf(&mut copy, extension, DIGEST)?;
        copy.release(output)?;
        Ok(Extended { path: output.to_owned(), raised })
    }

    /// Raises the signatures in `copy`, which then ends with whole revisions, even where this fails half-way.
    ///
    /// `digest`: for document time-stamps, where the authority asks for none stronger.
    pub(super) fn raise_pdf(
        &self,
        copy: &mut Copy,
        extension: &Extension,
        digest: DigestAlgorithm,
    ) -> Result<Raised, ExtendError> {
        let to = extension.to;
        self.may_raise(to)?;
        let mut brought = Vec::new();
        let mut view = self.look(copy, &mut brought, Age::New)?;
        let before = lowest(&view.report, extension).ok_or(ExtendError::Unsigned)?;
        gate(&view.report, extension)?;
        let first = view.report.clone();
        let mut added = Vec::new();
        if !extension.renew && has_level(&view.report, extension, to) {
            return Ok(view.raised(added, before, before));
        }

        if before < Level::T {
            self.stamp_document(copy, digest)?;
            added.push(AddedRevision::TimeStamp);
            view = self.look(copy, &mut brought, Age::New)?;
        }
        if to >= Level::Lt {
            if extension.too_old(&view.reliances).is_some() {
                // What came a moment ago may be from before the signature.
                brought.clear();
                view = self.look(copy, &mut brought, Age::Since(self.clock.now()))?;
                gate(&view.report, extension)?;
            }
            extension.young_enough(&view.reliances)?;
            if self.store_evidence(copy, &view, &brought, extension)? {
                added.push(AddedRevision::Evidence);
            }
        }
        if to >= Level::Lta {
            self.stamp_document(copy, digest)?;
            added.push(AddedRevision::TimeStamp);
        }
        let last = self.look(copy, &mut brought, Age::New)?;
        no_worse(&first, &last.report)?;
        let reached = reached_by(&last.report, extension)?;
        Ok(last.raised(added, before, reached))
    }

    fn may_raise(&self, to: Level) -> Result<(), SignError> {
        if self.anchors.is_empty() {
            return Err(SignError::NoAnchors { level: to });
        }
        // Whether one is needed shows later; that there is none is told before any work.
        if to == Level::Lta && self.time_stamping.as_ref().is_none_or(TimeStamping::is_empty) {
            return Err(SignError::NoAuthority { level: to });
        }
        Ok(())
    }

    /// Judges the copy with all that was brought and, online, all that can be.
    fn look(&self, copy: &Copy, brought: &mut Vec<Evidence>, age: Age) -> Result<View, ExtendError> {
        let mut inspection = Inspection::open(copy.source()?, &self.limits).map_err(VerifyError::from)?;
        for evidence in brought.drain(..) {
            inspection.supply(evidence);
        }
        let moment = self.clock.now();
        self.bring_anew(&mut inspection, moment, age);
        *brought = inspection.supplied().to_vec();
        Ok(self.view(&inspection, moment))
    }

    /// Reads a file of any kind and brings, online, all that can be brought for it.
    pub(in crate::service) fn gather(
        &self,
        source: Arc<dyn Source>,
        contents: &[Detached],
        moment: UtcTime,
        age: Age,
    ) -> Result<Inspection, VerifyError> {
        let mut inspection = Inspection::open_any(source, contents, &self.limits)?;
        self.bring_anew(&mut inspection, moment, age);
        Ok(inspection)
    }

    fn bring_anew(&self, inspection: &mut Inspection, moment: UtcTime, age: Age) {
        if !self.online {
            return;
        }
        let options = Options {
            anchors: &self.anchors,
            policy: &self.policy,
            moment,
            fetcher: Some(&self.fetcher),
            limits: &self.limits,
        };
        // What was kept from before the signature may not know of a revocation since: the network is asked first.
        bring(inspection, &self.fetcher, &options, age);
        bring(inspection, &self.fetcher, &options, Age::Kept);
    }

    fn view(&self, inspection: &Inspection, moment: UtcTime) -> View {
        let (report, reliances) = inspection.appraise("", &self.policy, &self.anchors, moment);
        View { report, reliances }
    }

    /// Judges the copy with nothing but what is in it.
    fn look_alone(&self, copy: &Copy) -> Result<View, ExtendError> {
        let inspection = Inspection::open(copy.source()?, &self.limits).map_err(VerifyError::from)?;
        Ok(self.view(&inspection, self.clock.now()))
    }

    /// Stores what the verdicts rest on; everything that was brought, where the file does not stand alone with that.
    fn store_evidence(
        &self,
        copy: &mut Copy,
        view: &View,
        brought: &[Evidence],
        extension: &Extension,
    ) -> Result<bool, ExtendError> {
        let mut stored = false;
        for choice in [Choice::Least, Choice::All(brought)] {
            let document = Document::open(copy.source()?, &self.limits)?;
            let entries = signing::entries_to_store(&document, &view.reliances, choice)?;
            if let Some(tail) = pdf::prepare_store(&document, &entries)? {
                drop(document);
                copy.append(&tail)?;
                stored = true;
            }
            if self.stands_alone(copy, view, extension)? {
                break;
            }
        }
        Ok(stored)
    }

    /// Whether the signatures that were found valid are so by the file alone, with the evidence of level LT.
    fn stands_alone(&self, copy: &Copy, view: &View, extension: &Extension) -> Result<bool, ExtendError> {
        let alone = self.look_alone(copy)?.report;
        let pairs = view.report.signatures.iter().zip(&alone.signatures);
        let mut concerned = pairs.filter(|(before, _)| extension.concerns(before) && passed(before));
        Ok(concerned.all(|(_, after)| {
            passed(after) && signing::level_of(after).is_some_and(|level| level >= Level::Lt)
        }))
    }
}

/// A judgement with what it rests on.
struct View {
    report: DocumentReport,
    reliances: Vec<Reliance>,
}

impl View {
    fn raised(self, added: Vec<AddedRevision>, before: Level, reached: Level) -> Raised {
        let good_until = signing::good_until(&self.reliances);
        Raised { added, before, reached, good_until, report: self.report }
    }
}

fn passed(signature: &SignatureReport) -> bool {
    signature.indication == Indication::TotalPassed
}

fn lowest(report: &DocumentReport, extension: &Extension) -> Option<Level> {
    let concerned = report.signatures.iter().filter(|one| extension.concerns(one));
    concerned.filter_map(signing::level_of).min()
}

/// Whether every signature concerned is valid and has the level.
fn has_level(report: &DocumentReport, extension: &Extension, to: Level) -> bool {
    let mut concerned = report.signatures.iter().filter(|one| extension.concerns(one));
    concerned.all(|one| passed(one) && signing::level_of(one).is_some_and(|level| level >= to))
}

/// Lets the document pass if its signatures are valid.
fn gate(report: &DocumentReport, extension: &Extension) -> Result<(), ExtendError> {
    if extension.even_if_not_valid {
        return Ok(());
    }
    let bad = report.signatures.iter().find(|one| {
        let fails = one.indication == Indication::TotalFailed && extension.only.is_none();
        fails || (extension.concerns(one) && !passed(one))
    });
    match bad {
        Some(bad) => Err(ExtendError::not_valid(bad)),
        None => Ok(()),
    }
}

/// Nothing that was valid is less so.
fn no_worse(before: &DocumentReport, after: &DocumentReport) -> Result<(), ExtendError> {
    let worse = before.signatures.iter().zip(&after.signatures).find(|(before, after)| {
        before.field != after.field
            || (passed(before) && !passed(after))
            || signing::level_of(after) < signing::level_of(before)
    });
    match worse {
        Some((_, after)) => Err(ExtendError::Worse {
            field: after.field.clone(),
            reason: after.reason_against().map_or_else(Why::default, Why::of),
        }),
        None if after.signatures.len() < before.signatures.len() => Err(ExtendError::Worse {
            field: String::new(),
            reason: Why::new("a signature is gone", "mất một chữ ký"),
        }),
        None => Ok(()),
    }
}

/// The level reached, if it is the one wanted.
fn reached_by(report: &DocumentReport, extension: &Extension) -> Result<Level, ExtendError> {
    let concerned =
        |one: &&SignatureReport| extension.concerns(one) && (passed(one) || !extension.even_if_not_valid);
    for signature in report.signatures.iter().filter(concerned) {
        let level = signing::level_of(signature).unwrap_or(Level::B);
        if level < extension.to {
            return Err(ExtendError::NotReached {
                field: signature.field.clone(),
                reached: level,
                to: extension.to,
                reason: why_no_higher(signature),
            });
        }
    }
    Ok(lowest(report, extension).unwrap_or(Level::B))
}

fn why_no_higher(signature: &SignatureReport) -> Why {
    let first = signature.reason_against().or_else(|| signature.level_reasons.first());
    first.map_or_else(Why::default, Why::of)
}

/// A reason, in the languages that people are answered in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Why {
    english: String,
    vietnamese: String,
}

impl Why {
    fn new(english: &str, vietnamese: &str) -> Self {
        let [english, vietnamese] = [english, vietnamese].map(|words| words.trim_end_matches('.').to_owned());
        Self { english, vietnamese }
    }

    /// What a report says. The particulars are in English only.
    fn of(message: &Message) -> Self {
        let words = words(&message.key, Language::Vietnamese);
        Self::new(&message.message, words.map_or(&message.message, |words| words.meaning))
    }

    /// In words of this language.
    pub fn words(&self, language: Language) -> &str {
        match language {
            Language::English => &self.english,
            Language::Vietnamese => &self.vietnamese,
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.english)
    }
}

/// Why a document was not extended; there is no output then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExtendError {
    /// A signature in a container would have to change, and something covers it.
    #[error(
        "the signature {file} cannot be raised: a time-stamp or another signature of the container covers it as it is, and \
         would be broken"
    )]
    Covered {
        /// Its file.
        file: String,
    },
    /// A signature is not valid.
    #[error("the signature{} is {indication}: {reason}", named(.field))]
    NotValid {
        /// Its field; empty for the only one of a CMS.
        field: String,
        /// `TOTAL-FAILED` or `INDETERMINATE`.
        indication: &'static str,
        /// Whether the same may be found valid later.
        may_pass: bool,
        /// What decides.
        reason: Why,
    },
    /// A signature does not reach the level.
    #[error("the signature{} reaches level {}, not {}: {reason}", named(.field), .reached.as_str(), .to.as_str())]
    NotReached {
        /// Its field.
        field: String,
        /// The level that it has.
        reached: Level,
        /// The level wanted.
        to: Level,
        /// Why it is no higher.
        reason: Why,
    },
    /// Time-stamps, evidence, files.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The evidence is from before the signature.
    #[error(
        "the evidence on {} was made at {}, before the signature at {}; newer evidence is due{}",
        .0.of, .0.this_update, .0.proven_at,
        .0.next_update.map_or_else(String::new, |next| format!(" by {next}"))
    )]
    TooOld(TooOld),
    /// There is nothing to extend.
    #[error("the document has no signature")]
    Unsigned,
    /// The result could not be judged.
    #[error("the document cannot be judged")]
    Verify(#[from] VerifyError),
    /// A signature that was valid would not be any more.
    #[error("the signature{} would be worse than before: {reason}", named(.field))]
    Worse {
        /// Its field.
        field: String,
        /// What the judge said.
        reason: Why,
    },
}

impl ExtendError {
    fn not_valid(signature: &SignatureReport) -> Self {
        let indication = match signature.indication {
            Indication::TotalFailed => "TOTAL-FAILED",
            Indication::TotalPassed | Indication::Indeterminate => "INDETERMINATE",
        };
        Self::NotValid {
            field: signature.field.clone(),
            indication,
            may_pass: signature.sub_indication.as_deref() == Some("TRY_LATER"),
            reason: signature.reason_against().map_or_else(Why::default, Why::of),
        }
    }

    /// Whether another try later may go better, with the same document.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::NotValid { may_pass, .. } => *may_pass,
            Self::NotReached { .. }
            | Self::TooOld(_)
            | Self::Sign(SignError::Level { .. } | SignError::NoTimeStamp(_)) => true,
            Self::Covered { .. } | Self::Sign(_) | Self::Unsigned | Self::Verify(_) | Self::Worse { .. } => {
                false
            }
        }
    }
}

impl From<PdfError> for ExtendError {
    fn from(error: PdfError) -> Self {
        Self::Sign(error.into())
    }
}

/// The name of a signature behind a word; the only one of a CMS has none.
pub(crate) fn named(field: &str) -> String {
    if field.is_empty() { String::new() } else { format!(" {field}") }
}

fn not_apart(kind: &'static str) -> ExtendError {
    ExtendError::Verify(OpenError::NotApart { kind }.into())
}

/// The digest for document time-stamps, where the authority asks for none stronger.
const DIGEST: DigestAlgorithm = DigestAlgorithm::Sha256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_told_in_both_languages() {
        let message = |key: &str| Message { key: key.to_owned(), message: "In particular.".to_owned() };
        let why = Why::of(&message("signing-certificate.not-found"));
        assert_eq!(
            (why.to_string().as_str(), why.words(Language::English)),
            ("In particular", "In particular")
        );
        let own = why.words(Language::Vietnamese);
        assert!(own.contains("chứng thư") && !own.ends_with('.'), "{own}");
        assert_eq!(Why::of(&message("no.key")).words(Language::Vietnamese), "In particular");
    }
}
