//! XML signatures and XAdES (xmldsig-core1, ETSI EN 319 132-1): everything about them that does not depend on trust.
//!
//! [`inspect`] is the entrance for every file that holds `ds:Signature` elements: a signed document, a signature that
//! encloses what it signs or lies beside it, the `META-INF/*signatures*.xml` of a container. What lies outside of the
//! file is asked of `resolve`, and fetched by nobody.
//!
//! # What counts as the whole
//!
//! A signature over a part is a signature over something else than what is shown. So all of it is covered, or the
//! signature fails:
//!
//! - inside a document (enveloped), a reference has to cover the root element: `URI=""`, or the identifier of the root
//!   when no processing instruction stands beside it. That every child is covered would not do: the name and the
//!   attributes of the root could still be others. An edXML message is no exception: `edXMLEnvelope` alone leaves out
//!   `AttachmentEncoded`, and with it every attachment.
//! - around its content (enveloping), every `ds:Object` but the one with the XAdES properties has to be covered;
//! - beside its content (detached), at least one file, and of a container the room of containers says which.
//!
//! The signature stands where software looks for it, as a child of the root element (of an edXML message: in
//! `edXMLEnvelope` or `edXMLHeader`), and between elements only: moved into a text it would cut it in two, and since
//! `enveloped-signature` leaves it out, the digest would still hold.

mod properties;
mod references;

use std::{collections::HashMap, sync::Arc};

use super::{
    Detached, Evidence, Inspection, OpenError, SignedFile, StatementsReport,
    archive::MoreStamps,
    cms::{Checked, Finding, check_token},
    inspect::{Body, Field, Scope, Signature, Stamp},
    words::Key,
};
use crate::{
    base::{Digest, DigestAlgorithm, Limits, Sha256, Source, UtcTime},
    xml::{
        self, Document, Element, Node, SignatureError, XmlError, XmlLimits,
        signature::{Identifiers, NAMESPACE},
        xades::{Properties, TimeStamp},
    },
};

/// Finds the file that a reference names, as written; `None` when it is not at hand.
///
/// Percent-encoding is the caller's to undo: see [`decoded`].
pub(super) type Resolve<'a> = dyn Fn(&str) -> Option<AtHand> + 'a;

/// What is at hand of a file that a reference names.
pub(super) enum AtHand {
    /// All of it.
    File(Arc<dyn Source>),
    /// Digests of it.
    Digests(Vec<Digest>),
}

/// A file that stayed where it was, and what is known of it.
#[derive(Clone, Debug)]
pub struct DigestedFile {
    /// As signatures name it.
    pub name: String,
    /// Of all its octets, under the algorithms that its signatures may have.
    pub digests: Vec<Digest>,
}

/// An XML signature, checked apart from trust.
pub(super) struct XmlBody {
    pub(super) checked: Checked,
    /// SignatureTimeStamp, in the order of the file.
    pub(super) stamps: Vec<Stamp>,
    /// Of their tokens, as archive time-stamps cover them.
    pub(super) fingerprints: Vec<Sha256>,
    /// AllDataObjectsTimeStamp and ArchiveTimeStamp.
    pub(super) more: MoreStamps,
    /// SigningTime.
    pub(super) signing_time: Option<UtcTime>,
    /// The certificates and status evidence that it carries.
    pub(super) evidence: Vec<Evidence>,
    /// The files apart that it refers to.
    pub(super) files: Vec<ReferredFile>,
    /// It names certificate and time under protection, as every baseline level asks (clause 6).
    pub(super) baseline: bool,
    /// It was made under a signature policy.
    pub(super) names_a_policy: bool,
    /// What the signer says beside.
    pub(super) statements: StatementsReport,
}

/// A file that a reference names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ReferredFile {
    /// As written.
    pub(super) uri: String,
    /// It was at hand, or its digest.
    pub(super) present: bool,
    /// Only its digest was.
    pub(super) by_digest: bool,
    /// Its digest is the one that was signed.
    pub(super) matches: bool,
    /// All its bytes are covered; a canonical form of it is something else.
    pub(super) whole: bool,
}

/// Every `ds:Signature` of a file, in the order of the document. Counter-signatures are no signatures of the document.
///
/// Each has a [`Body::Xml`], or [`Body::None`] with the reason among its findings, and [`Scope::Whole`] when all of what
/// it is about is covered.
///
/// # Errors
///
/// When it is not XML as it has to be. A bad signature is no error.
pub(super) fn inspect(
    bytes: &[u8],
    resolve: &Resolve<'_>,
    limits: &Limits,
    budget: &mut Budget,
) -> Result<Vec<Signature>, XmlError> {
    let xml_limits = XmlLimits::default();
    let document = Document::parse(bytes, &xml_limits)?;
    let identifiers = Identifiers::of(&document);
    let elements: Vec<Element<'_>> = document.elements().filter(is_judged).collect();
    if elements.len() > limits.signatures {
        return Err(XmlError::Limit { what: "signatures", limit: limits.signatures });
    }
    let mut desk = Desk {
        cut: document.cut_text(),
        document: &document,
        identifiers,
        resolve,
        limits,
        budget,
        xml: xml_limits,
        digests: HashMap::new(),
    };
    Ok(elements.into_iter().map(|element| desk.signature(element)).collect())
}

/// What all XML signatures of a file, or of a container with all of its files, may cost together.
#[derive(Debug)]
pub(super) struct Budget {
    /// Octets of canonical forms, and of files read for them.
    octets: usize,
    /// Octets of files that are hashed as they are for time-stamps over them.
    streamed: u64,
}

impl Budget {
    /// For signatures about files of so many bytes together.
    pub(super) fn over(files: u64) -> Self {
        Self {
            // Each signature may cover the document once, and some its parts.
            octets: XmlLimits::default().canonical_bytes.saturating_mul(2),
            streamed: files.saturating_mul(MAX_PASSES).saturating_add(SMALL_FILES),
        }
    }

    /// For so many octets of canonical forms and no time-stamps over files.
    #[cfg(test)]
    pub(super) fn of(octets: usize) -> Self {
        Self { octets, streamed: 0 }
    }

    fn spend(&mut self, octets: usize) {
        self.octets = self.octets.saturating_sub(octets);
    }
}

/// Whether a file that begins so is XML. A PDF may have anything before its header.
pub(super) fn begins(head: &[u8]) -> bool {
    if head.windows(5).any(|window| window == b"%PDF-") {
        return false;
    }
    let text = head.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(head);
    let utf_16 = head.starts_with(&[0xFE, 0xFF]) || head.starts_with(&[0xFF, 0xFE]);
    utf_16 || text.trim_ascii_start().starts_with(b"<")
}

/// The text of a relative reference with percent-encoding undone (RFC 3986 section 2.1); `None` when it is not UTF-8 or
/// not such an encoding.
pub(super) fn decoded(uri: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(uri.len());
    let mut rest = uri.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            bytes.extend(hex::decode(digits).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

impl Inspection {
    /// Reads an XML file with the files that its signatures are about.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or `detached` names two files alike.
    pub(super) fn open_xml(
        source: &dyn Source,
        detached: &[Detached],
        limits: &Limits,
    ) -> Result<Self, OpenError> {
        let limit = XmlLimits::default().bytes as u64;
        if source.len() > limit {
            return Err(OpenError::Limit { kind: "an XML file", limit });
        }
        let bytes = source.read(0..source.len())?;
        let named = |uri: &str| {
            let name = decoded(uri)?;
            let mut found = detached.iter().filter(|file| file.name == name);
            match (found.next(), found.next()) {
                (Some(file), None) => Some(AtHand::File(Arc::clone(&file.source))),
                _ => None,
            }
        };
        let together = detached.iter().map(|file| file.source.len()).fold(0, u64::saturating_add);
        let mut signatures = inspect(&bytes, &named, limits, &mut Budget::over(together))?;
        // One file that lies apart may have been renamed; what it is its digest tells.
        if let [only] = detached
            && signatures.iter().all(is_about_one_other)
        {
            let renamed = |_: &str| Some(AtHand::File(Arc::clone(&only.source)));
            signatures = inspect(&bytes, &renamed, limits, &mut Budget::over(together))?;
        }
        let mut inspection = Self::empty(Sha256::of(&bytes), limits);
        for file in detached {
            let digest = file.source.hasher(DigestAlgorithm::Sha256, file.source.len())?.finish();
            inspection
                .signed_files
                .push(SignedFile { name: file.name.clone(), sha256: hex::encode(&digest.bytes) });
        }
        let given: Vec<_> = detached.iter().map(|file| file.name.as_str()).collect();
        inspection.take_in_xml(signatures, &given, given.len() == 1);
        Ok(inspection)
    }

    /// Reads a file of XML signatures about files of which only digests are known. What is more than bytes as they are (a
    /// canonical form, a time-stamp over them) cannot be judged so.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn of_xml_digests(xml: &[u8], files: &[DigestedFile], limits: &Limits) -> Result<Self, OpenError> {
        let named = |uri: &str| {
            let name = decoded(uri)?;
            let mut found = files.iter().filter(|file| file.name == name);
            match (found.next(), found.next()) {
                (Some(file), None) => Some(AtHand::Digests(file.digests.clone())),
                _ => None,
            }
        };
        let signatures = inspect(xml, &named, limits, &mut Budget::over(0))?;
        let mut inspection = Self::empty(Sha256::of(xml), limits);
        let given: Vec<_> = files.iter().map(|file| file.name.as_str()).collect();
        inspection.take_in_xml(signatures, &given, false);
        Ok(inspection)
    }

    /// Takes in signatures about files of these names; `renamed`: about the only one, whatever it is called.
    fn take_in_xml(&mut self, mut signatures: Vec<Signature>, given: &[&str], renamed: bool) {
        for signature in &mut signatures {
            signature.must_cover(given, renamed);
        }
        for (index, signature) in signatures.iter().enumerate() {
            self.take_in(signature, index);
        }
        self.signatures = signatures;
    }
}

impl Signature {
    /// A file that was given and is not covered would pass for a signed one.
    fn must_cover(&mut self, given: &[&str], renamed: bool) {
        let Body::Xml(body) = &self.body else { return };
        let covers = |file: &&&str| {
            body.files.iter().any(|referred| {
                let named = decoded(&referred.uri).is_some_and(|name| name == **file);
                // A digest under another algorithm tells nothing, and is missed elsewhere.
                let untold = referred.by_digest && !referred.present;
                (named || renamed) && (referred.matches || untold) && referred.whole
            })
        };
        if let Some(left) = given.iter().find(|file| !covers(file)) {
            let message = Key::FormatXmlCoverage
                .message(format!("The signature does not cover the file {left:?} that was given."));
            self.findings.push(Finding::fatal("FORMAT_FAILURE", message));
            self.scope = Scope::Broken;
        }
    }
}

/// Whether a signature is about one file, which was not found under its name.
fn is_about_one_other(signature: &Signature) -> bool {
    match &signature.body {
        Body::Xml(body) => matches!(&body.files[..], [file] if !file.present),
        _ => false,
    }
}

/// `ds:Signature`, but not one that only counter-signs another.
fn is_judged(element: &Element<'_>) -> bool {
    let counter = |parent: Element<'_>| parent.is(xml::xades::NAMESPACE, "CounterSignature");
    element.is(NAMESPACE, "Signature") && !element.parent().is_some_and(counter)
}

/// One file under inspection.
struct Desk<'a, 'd> {
    document: &'d Document,
    identifiers: Identifiers<'d>,
    /// An element whose text is cut in two.
    cut: Option<Element<'d>>,
    resolve: &'a Resolve<'a>,
    limits: &'a Limits,
    xml: XmlLimits,
    /// What may still be spent.
    budget: &'a mut Budget,
    /// Of files, as they are.
    digests: HashMap<(String, DigestAlgorithm), Digest>,
}

impl<'d> Desk<'_, 'd> {
    fn signature(&mut self, element: Element<'d>) -> Signature {
        let mut field = Field {
            name: element
                .attribute("Id")
                .unwrap_or_default()
                .chars()
                .filter(|c| !c.is_control())
                .take(256)
                .collect(),
            sub_filter: "XML".to_owned(),
            ..Field::default()
        };
        let mut findings = self.place(element);
        let body = self.read(element, &mut field, &mut findings);
        let unsound = [Key::FormatXml, Key::FormatXmlAmbiguous, Key::FormatXmlCoverage];
        let broken = |finding: &Finding| unsound.iter().any(|key| finding.message.key == key.as_str());
        let scope = match &body {
            _ if findings.iter().any(broken) => Scope::Broken,
            Ok(body) if body.files.iter().all(|file| file.present && !file.by_digest) => Scope::Whole,
            // Of what was not given only the digest is known.
            Ok(_) => Scope::Digest,
            Err(_) => Scope::Broken,
        };
        let body = match body {
            Ok(body) => Body::Xml(Box::new(body)),
            Err(finding) => {
                findings.push(finding);
                Body::None
            }
        };
        Signature { field, scope, body, findings, changes: Ok(Vec::new()) }
    }

    /// Whether the signature stands where it belongs, in a document that cannot be read in two ways.
    fn place(&self, element: Element<'d>) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut ambiguous = |what: String| {
            findings.push(Finding::fatal("FORMAT_FAILURE", Key::FormatXmlAmbiguous.message(what)));
        };
        if let Some(cut) = self.cut {
            let name = cut.local_name();
            ambiguous(format!("A comment or CDATA section cuts the text of {name:?} in two."));
        }
        let root = self.document.root();
        if element == root {
            return findings;
        }
        let Some(parent) = element.parent() else { return findings };
        let in_edxml = root.is(EDXML, "edXML")
            && parent.namespace() == EDXML
            && ["edXMLEnvelope", "edXMLHeader"].contains(&parent.local_name());
        if parent != root && !in_edxml {
            let name = parent.local_name();
            ambiguous(format!("The signature stands in {name:?}, where none belongs."));
        }
        let speaks = |node: Node<'_>| match node {
            Node::Text(text) => !text.trim_matches([' ', '\t', '\r', '\n']).is_empty(),
            _ => false,
        };
        if parent.children().any(speaks) {
            ambiguous("The signature stands in the middle of a text.".to_owned());
        }
        findings
    }

    /// All about the signature itself.
    fn read(
        &mut self,
        element: Element<'d>,
        field: &mut Field,
        findings: &mut Vec<Finding>,
    ) -> Result<XmlBody, Finding> {
        let signature =
            xml::Signature::read_openly(element, &self.identifiers).map_err(|error| told(&error))?;
        let properties = Properties::read(&signature, &self.identifiers).map_err(|error| told(&error))?;
        let mut checked = Checked { scheme: Some(signature.scheme()), ..Checked::default() };
        self.check_value(&signature, properties.as_ref(), &mut checked);
        let files = self.check_references(&signature, properties.as_ref(), &mut checked, findings);
        let mut body = XmlBody {
            checked,
            stamps: Vec::new(),
            fingerprints: Vec::new(),
            more: MoreStamps::default(),
            signing_time: None,
            evidence: Vec::new(),
            files,
            baseline: false,
            names_a_policy: false,
            statements: StatementsReport::default(),
        };
        let carried = signature.certificates().iter();
        body.evidence.extend(carried.map(|one| Evidence::Certificate(one.der().to_vec())));
        if let Some(properties) = &properties {
            self.take_properties(&signature, properties, field, &mut body);
        }
        Ok(body)
    }

    /// A time-stamp over `octets`.
    fn stamp(&self, stamp: &TimeStamp<'d>, octets: Result<Vec<u8>, SignatureError>) -> Stamp {
        let token = match (&stamp.token, octets) {
            (Err(reason), _) => Err(reason.clone()),
            (_, Err(error)) => Err(error.to_string()),
            (Ok(der), Ok(octets)) => {
                check_token(der, self.limits, |algorithm| Some(algorithm.digest(&octets)))
            }
        };
        token.map_or_else(Stamp::Broken, |token| Stamp::Token(Box::new(token)))
    }

    /// The limits for one more canonical form.
    fn left(&self) -> XmlLimits {
        XmlLimits { canonical_bytes: self.xml.canonical_bytes.min(self.budget.octets), ..self.xml.clone() }
    }

    /// A canonical form, paid for; one that was given up at the limit cost as much as the limit.
    fn paid(&mut self, made: Result<Vec<u8>, SignatureError>) -> Result<Vec<u8>, SignatureError> {
        let spent = match &made {
            Ok(octets) => octets.len(),
            Err(SignatureError::Xml(XmlError::Limit { .. })) => self.left().canonical_bytes,
            Err(_) => 0,
        };
        self.budget.spend(spent);
        made
    }

    /// All of a file of which a canonical form is to be made, paid for before it is read.
    fn whole(&mut self, file: &dyn Source) -> Result<Vec<u8>, Unread> {
        let len = usize::try_from(file.len()).unwrap_or(usize::MAX);
        if len > self.xml.bytes.min(self.budget.octets) {
            return Err(Unread::Costly);
        }
        self.budget.spend(len);
        file.read(0..file.len()).map_err(Unread::Medium)
    }
}

/// Why a file was not read.
enum Unread {
    /// It is more than may be spent.
    Costly,
    Medium(std::io::Error),
}

/// What is beyond kyso is no failure of the signature; what breaks the standards is.
fn told(error: &SignatureError) -> Finding {
    let words = |key: Key| key.message(format!("The XML signature is not judged: {error}."));
    match error {
        SignatureError::Algorithm { .. } => {
            Finding::open("CRYPTO_CONSTRAINTS_FAILURE", words(Key::AlgorithmUnsupported))
        }
        SignatureError::Weak { .. } => Finding::open("CRYPTO_CONSTRAINTS_FAILURE", words(Key::AlgorithmWeak)),
        SignatureError::Transform { .. } => {
            Finding::open("SIG_CONSTRAINTS_FAILURE", words(Key::FormatXmlTransform))
        }
        SignatureError::AmbiguousId { .. } => {
            let message =
                Key::FormatXmlAmbiguous.message(format!("The signature refers to one of two: {error}."));
            Finding::fatal("FORMAT_FAILURE", message)
        }
        SignatureError::Xml(XmlError::Limit { .. }) => {
            Finding::open("SIGNED_DATA_NOT_FOUND", words(Key::FormatTooCostly))
        }
        _ => {
            let message = Key::FormatXml.message(format!("The XML signature is malformed: {error}."));
            Finding::fatal("FORMAT_FAILURE", message)
        }
    }
}

/// The digest that says least.
fn weaker(one: Option<&Digest>, other: &Digest) -> bool {
    one.is_none_or(|one| other.algorithm.len() < one.algorithm.len())
}

/// How often all files together are read for time-stamps over them: one on the content is usual, and one over
/// everything in some years.
const MAX_PASSES: u64 = 16;

/// Below this many bytes nobody minds how often.
const SMALL_FILES: u64 = 32 * 1024 * 1024;

/// The namespace of edXML (QCVN 102:2016).
const EDXML: &str = "http://www.mic.gov.vn/TBT/QCVN_102_2016";

/// The namespace of containers of signatures (EN 319 162-1).
const ASIC: &str = "http://uri.etsi.org/02918/v1.2.1#";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_decoded() {
        for (uri, name) in [
            ("a.xml", Some("a.xml")),
            ("Quy%E1%BA%BFt%20%C4%91%E1%BB%8Bnh.pdf", Some("Quyết định.pdf")),
            ("a+b", Some("a+b")),
            ("%2", None),
            ("%zz", None),
            ("%FF", None),
        ] {
            assert_eq!(decoded(uri).as_deref(), name, "{uri}");
        }
    }

    #[test]
    fn xml_is_told_by_its_beginning() {
        for head in ["<?xml version='1.0'?>", "\u{FEFF}<a/>", " \n<ds:Signature"] {
            assert!(begins(head.as_bytes()), "{head}");
        }
        for head in ["%PDF-1.7", "", "<html>%PDF-1.4", "PK", "-----BEGIN"] {
            assert!(!begins(head.as_bytes()), "{head}");
        }
    }
}
