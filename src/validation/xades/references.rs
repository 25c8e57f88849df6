//! What an XML signature covers, and who made it.

use std::{collections::HashSet, sync::Arc};

use super::{ASIC, AtHand, Desk, ReferredFile, Unread, decoded, told, weaker};
use crate::{
    base::{Digest, DigestAlgorithm, Source},
    crypto,
    validation::{
        cms::{Checked, Finding},
        words::Key,
    },
    x509::Certificate,
    xml::{
        self, Algorithm, Canonicalization, Element, NodeId, SignatureError,
        signature::{NAMESPACE, Reference, Target},
        xades::{Properties, SIGNED_PROPERTIES, UnsignedKind},
    },
};

impl<'d> Desk<'_, 'd> {
    /// The signer's certificate, and the value under its key.
    pub(super) fn check_value(
        &mut self,
        signature: &xml::Signature<'d>,
        properties: Option<&Properties<'d>>,
        checked: &mut Checked,
    ) {
        let named =
            properties.map(|properties| properties.signing_certificates.as_slice()).unwrap_or_default();
        let message = signature.to_be_signed(&self.left());
        let message = match self.paid(message) {
            Ok(message) => message,
            Err(error) => return checked.findings.push(told(&error)),
        };
        let Some(certificate) = signer(signature, properties, named.first(), &message) else {
            let message = Key::SigningCertificateNotFound.plain();
            checked.findings.push(Finding::open("NO_SIGNING_CERTIFICATE_FOUND", message));
            return;
        };
        match named.first() {
            None => checked.unnamed = true,
            Some(digest) if digest.algorithm == DigestAlgorithm::Md5 => {
                let message = Key::AlgorithmWeak.message("The signature names its certificate by MD5.");
                checked.findings.push(Finding::open("CRYPTO_CONSTRAINTS_FAILURE", message));
            }
            Some(digest) if digest.algorithm.digest(certificate.der()) == *digest => {}
            Some(_) => {
                let message = Key::SigningCertificateMismatch.plain();
                checked.findings.push(Finding::open("NO_SIGNING_CERTIFICATE_FOUND", message));
            }
        }
        if let Some(fault) = signature.key_info_fault(&certificate) {
            let message = Key::FormatXml.message(format!("The signature contradicts itself: {fault}."));
            checked.findings.push(Finding::fatal("FORMAT_FAILURE", message));
        }
        match signature.check_message(&message, certificate.spki_der(), crypto::verify) {
            Ok(()) => checked.signature_matches = true,
            Err(SignatureError::Value { source }) => {
                let bad =
                    source.downcast_ref::<crypto::CryptoError>() == Some(&crypto::CryptoError::BadSignature);
                checked.findings.push(if bad {
                    Finding::fatal("SIG_CRYPTO_FAILURE", Key::SignatureMismatch.plain())
                } else {
                    let message = format!("The signature cannot be checked: {source}.");
                    Finding::open("CRYPTO_CONSTRAINTS_FAILURE", Key::AlgorithmUnsupported.message(message))
                });
            }
            Err(SignatureError::Key { .. }) => {
                checked.findings.push(Finding::fatal("SIG_CRYPTO_FAILURE", Key::SignatureMismatch.plain()));
            }
            Err(error) => checked.findings.push(told(&error)),
        }
        checked.signer = Some(certificate);
    }

    /// Every reference, and whether together they cover what they have to.
    pub(super) fn check_references(
        &mut self,
        signature: &xml::Signature<'d>,
        properties: Option<&Properties<'d>>,
        checked: &mut Checked,
        findings: &mut Vec<Finding>,
    ) -> Vec<ReferredFile> {
        let mut malformed = |what: &str| {
            let message = Key::FormatXml.message(format!("The XML signature is malformed: {what}."));
            findings.push(Finding::fatal("FORMAT_FAILURE", message));
        };
        if let Some(what) = contradiction(signature, properties) {
            malformed(&what);
        }
        let mut files = Vec::new();
        let mut weakest: Option<&Digest> = None;
        let mut all = true;
        for reference in signature.references() {
            if weaker(weakest, reference.digest()) {
                weakest = Some(reference.digest());
            }
            let (digest, by_digest) = self.digest_of(reference);
            let matches = digest.as_ref().is_ok_and(|digest| digest.as_ref() == Some(reference.digest()));
            all &= matches;
            if let Target::External(uri) = reference.target() {
                let (present, whole) = (matches!(digest, Ok(Some(_))), reference.is_plain());
                files.push(ReferredFile { uri: uri.to_owned(), present, by_digest, matches, whole });
            }
            match digest {
                Ok(Some(_)) if matches => {
                    if let Some(what) = hidden_meaning(signature.element(), reference) {
                        let message = Key::FormatXmlNamespaces.message(what);
                        findings.push(Finding::open("SIG_CONSTRAINTS_FAILURE", message));
                    }
                }
                Ok(Some(_)) => findings.push(Finding::fatal("HASH_FAILURE", Key::DigestMismatch.plain())),
                Ok(None) => {
                    let name = shown(reference.uri());
                    let message = Key::DocumentApart
                        .message(format!("The signature is about the file {name:?}, which was not given."));
                    findings.push(Finding::open("SIGNED_DATA_NOT_FOUND", message));
                }
                Err(finding) => findings.push(finding),
            }
        }
        checked.digest = weakest.map(|digest| digest.algorithm);
        checked.digest_matches = all;
        if let Err(what) = self.coverage(signature, properties) {
            let message = Key::FormatXmlCoverage.message(what);
            findings.push(Finding::fatal("FORMAT_FAILURE", message));
        }
        files
    }

    /// The digest of what a reference leads to; `None` when the file is not at hand. Whether the caller gave it.
    fn digest_of(&mut self, reference: &Reference<'d>) -> (Result<Option<Digest>, Finding>, bool) {
        let Target::External(uri) = reference.target() else { return (self.digest(reference, None), false) };
        match (self.resolve)(uri) {
            Some(AtHand::Digests(digests)) => (given(reference, &digests).map(Some), true),
            Some(AtHand::File(file)) => (self.digest(reference, Some(file)), false),
            None => (Ok(None), false),
        }
    }

    fn digest(
        &mut self,
        reference: &Reference<'d>,
        file: Option<Arc<dyn Source>>,
    ) -> Result<Option<Digest>, Finding> {
        let algorithm = reference.digest().algorithm;
        let unread = |error: std::io::Error| {
            let message = Key::DocumentApart.message(format!("A signed file could not be read: {error}."));
            Finding::open("SIGNED_DATA_NOT_FOUND", message)
        };
        let octets = if let Target::External(uri) = reference.target() {
            let Some(file) = file else { return Ok(None) };
            if reference.is_plain() {
                // Many signatures may be about one file, which is read once.
                let key = (uri.to_owned(), algorithm);
                if let Some(known) = self.digests.get(&key) {
                    return Ok(Some(known.clone()));
                }
                let digest = file.hasher(algorithm, file.len()).map_err(unread)?.finish();
                self.digests.insert(key, digest.clone());
                return Ok(Some(digest));
            }
            let bytes = self.whole(&*file).map_err(|error| match error {
                Unread::Costly => Finding::open("SIGNED_DATA_NOT_FOUND", Key::FormatTooCostly.plain()),
                Unread::Medium(error) => unread(error),
            })?;
            let octets = reference.octets_of(&bytes, &self.left());
            self.paid(octets).map(Some)
        } else {
            let octets = reference.octets(&Canonicalization::fallback(), &self.left());
            match octets.transpose() {
                Some(octets) => self.paid(octets).map(Some),
                None => Ok(None),
            }
        };
        let octets = octets.map_err(|error| told(&error))?;
        Ok(octets.map(|octets| algorithm.digest(&octets)))
    }

    /// Whether all of what the file is about is referred to: see the beginning of [`super`].
    fn coverage(
        &self,
        signature: &xml::Signature<'d>,
        properties: Option<&Properties<'d>>,
    ) -> Result<(), String> {
        let root = self.document.root();
        let targets: HashSet<NodeId> = signature
            .references()
            .iter()
            .filter_map(|reference| match reference.target() {
                Target::Element(element) => Some(element.id()),
                Target::Document(_) | Target::External(_) => None,
            })
            .collect();
        let covered = |element: Element<'d>| targets.contains(&element.id());
        // What lies in the signature is left out with it.
        let is_properties = |object: &Element<'d>| properties.is_some_and(|own| own.object == *object);
        let mut objects = signature.objects().filter(|object| !is_properties(object)).peekable();
        let encloses = objects.peek().is_some();
        for object in objects {
            let mut inside = object.elements();
            let alone = match (inside.next(), inside.next()) {
                (Some(only), None) if object.has_only_elements() => {
                    covered(only) && object.attributes().iter().all(|attribute| *attribute.local == *"Id")
                }
                _ => false,
            };
            if !covered(object) && !alone {
                return Err("The signature encloses something that it does not cover.".to_owned());
            }
        }
        let element = signature.element();
        let is_signature = |child: Element<'d>| child.is(NAMESPACE, "Signature");
        let container = root.is(ASIC, "XAdESSignatures") && root.elements().all(is_signature);
        if element == root || container {
            let apart = signature.references().iter().any(|one| matches!(one.target(), Target::External(_)));
            if !encloses && !apart {
                return Err("The signature covers nothing but itself.".to_owned());
            }
            if self.document.has_instructions_outside() {
                return Err("The signature does not cover an instruction that stands beside it.".to_owned());
            }
            return Ok(());
        }
        let whole = signature.references().iter().any(|reference| match reference.target() {
            Target::Document(_) => true,
            Target::Element(element) => element == root && !self.document.has_instructions_outside(),
            Target::External(_) => false,
        });
        if whole { Ok(()) } else { Err("The signature does not cover the whole document.".to_owned()) }
    }
}

/// The digest that the caller gave for what a reference leads to.
fn given(reference: &Reference<'_>, digests: &[Digest]) -> Result<Digest, Finding> {
    let (name, algorithm) = (shown(reference.uri()), reference.digest().algorithm);
    let missing = |what: String| {
        let message = Key::DigestNotGiven.message(what);
        Finding::open("SIGNED_DATA_NOT_FOUND", message)
    };
    if !reference.is_plain() {
        let what =
            format!("The signature is about a form of {name:?}, of which no digest of the file tells.");
        return Err(missing(what));
    }
    digests.iter().find(|digest| digest.algorithm == algorithm).cloned().ok_or_else(|| {
        missing(format!("The signature was made over a {algorithm} digest of {name:?}, and none was given."))
    })
}

/// A value with a prefix whose meaning an exclusive canonical form leaves out: it could be made to mean something else.
fn hidden_meaning(signature: Element<'_>, reference: &Reference<'_>) -> Option<String> {
    let target = reference.target().element()?;
    let Algorithm::Exclusive { inclusive } = &reference.canonicalization()?.algorithm else { return None };
    let without = target.contains(signature.id()).then(|| signature.id());
    let (element, prefix) = target.document().hidden_prefix(target, without, inclusive)?;
    let (prefix, name) = (shown(prefix), shown(element.local_name()));
    Some(format!(
        "A value in {name:?} is written with the prefix {prefix:?}, whose meaning the exclusive canonical form leaves out."
    ))
}

/// What of the references and properties does not go together.
fn contradiction(signature: &xml::Signature<'_>, properties: Option<&Properties<'_>>) -> Option<String> {
    let references = signature.references();
    let mut seen = HashSet::new();
    let mut files = HashSet::new();
    for reference in references {
        let twice = match reference.target() {
            Target::Document(element) | Target::Element(element) => !seen.insert(element.id()),
            Target::External(uri) => !files.insert(decoded(uri).unwrap_or_else(|| uri.to_owned())),
        };
        if twice {
            return Some(format!("it refers to {:?} twice", shown(reference.uri())));
        }
    }
    let is_manifest = |element: Element<'_>| element.is(NAMESPACE, "Manifest");
    if references.iter().any(|reference| reference.kind() == Some(MANIFEST))
        || signature.objects().flat_map(|object| object.elements()).any(is_manifest)
    {
        return Some("it signs a Manifest, whose own references nobody has to check".to_owned());
    }
    let signed = properties.and_then(|properties| properties.signed);
    let to_properties: Vec<&Reference<'_>> =
        references.iter().filter(|reference| reference.kind() == Some(SIGNED_PROPERTIES)).collect();
    match (signed, &to_properties[..]) {
        (None, []) => {}
        (Some(signed), [reference]) if reference.target() == Target::Element(signed) => {}
        (Some(_), []) => return Some("its SignedProperties are not signed as such".to_owned()),
        (_, [_]) => return Some("it signs other SignedProperties than its own".to_owned()),
        (None | Some(_), _) => return Some("it refers to SignedProperties more than once".to_owned()),
    }
    let known = |id: &str| references.iter().any(|reference| reference.id() == Some(id));
    let formats = properties.map(|properties| properties.formats.as_slice()).unwrap_or_default();
    if let Some((stray, _)) = formats.iter().find(|(reference, _)| !known(reference)) {
        return Some(format!(
            "its DataObjectFormat describes {:?}, which it does not refer to",
            shown(stray)
        ));
    }
    None
}

/// Who says that they signed: the certificate that is named under protection; where it is not there, one whose key fits
/// all the same, and which is then not the one named; where none is named, one whose key fits, else the first.
///
/// Under the key of a stranger the value proves nothing, not even that it is wrong: without the certificate that is named
/// there is no signing certificate, and the value is not checked (EN 319 102-1 sections 5.2.3.4 and 5.3.4).
fn signer(
    signature: &xml::Signature<'_>,
    properties: Option<&Properties<'_>>,
    named: Option<&Digest>,
    message: &[u8],
) -> Option<Certificate> {
    let own = signature.certificates();
    let fits = |one: &&Certificate| signature.check_message(message, one.spki_der(), crypto::verify).is_ok();
    if let Some(named) = named {
        let is_named = |certificate: &&Certificate| named.algorithm.digest(certificate.der()) == *named;
        if let Some(certificate) = own.iter().find(is_named) {
            return Some(certificate.clone());
        }
        let values = properties.into_iter().flat_map(|properties| &properties.unsigned);
        let values = values.filter_map(|property| match &property.what {
            UnsignedKind::Values(values) => Some(&values.certificates),
            _ => None,
        });
        let found = values.flatten().find(|der| named.algorithm.digest(der) == *named);
        if let Some(certificate) = found.and_then(|der| Certificate::from_der(der).ok()) {
            return Some(certificate);
        }
        // The named one came along, and cannot be read.
        if signature.carries(named) {
            return None;
        }
        return own.iter().take(MAX_TRIED).find(fits).cloned();
    }
    own.iter().take(MAX_TRIED).find(fits).or(own.first()).cloned()
}

/// Names of strangers, for messages.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(80).collect()
}

/// Certificates whose key is tried when none is named; a chain has as many.
const MAX_TRIED: usize = 4;

/// `Type` of a reference to a Manifest (xmldsig-core1 section 5.1).
const MANIFEST: &str = "http://www.w3.org/2000/09/xmldsig#Manifest";
