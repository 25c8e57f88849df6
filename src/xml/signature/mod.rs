//! XML signatures (W3C XML Signature Syntax and Processing 1.1, "xmldsig-core1"), read soundly rather than widely.
//!
//! What is signed is what the caller gets: [`Signature::verify`] gives a [`Signed`], and each of its parts holds the
//! canonical octets that were hashed. Whoever reads on from those octets, and from nothing else, cannot be led to
//! another element of the same document.
//!
//! - References go to the document itself: the whole of it (`URI=""`) or the one element with an identifier
//!   (`URI="#id"`). An identifier that two elements share is refused.
//! - Transforms are `enveloped-signature` and the canonical forms of [`Canonicalization`]; XPath, XSLT and Base64 are
//!   refused, and so is a transform behind another one that made octets.
//! - Whoever judges by a policy takes more in ([`Signature::read_openly`]): names of files, weak algorithms.
//! - Algorithms are RSA (PKCS #1 v1.5 and PSS) and ECDSA, with SHA-256, SHA-384, SHA-512. SHA-1, MD5, DSA and HMAC are
//!   refused: a key that both sides know proves nothing to a third.
//! - `KeyInfo` is a hint from a stranger: [`Signature::certificates`] is for finding a key that is trusted for another
//!   reason.
//!
//! The check of the value itself is handed in, because cryptography lies on a higher floor.

pub(super) mod algorithm;
mod error;
mod key_info;
mod reference;

use std::collections::HashMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};

pub use algorithm::{digest_uri, ecdsa_value_from_der, scheme_uri};
pub use error::SignatureError;
pub use reference::{Reference, Target};

use super::{Canonicalization, Document, Element, NodeId, Subset, XmlLimits, characters::is_space};
use crate::{
    base::Digest,
    x509::{Certificate, algorithm::SignatureScheme},
};

/// The namespace of XML signatures.
pub const NAMESPACE: &str = "http://www.w3.org/2000/09/xmldsig#";

/// References in one signature; a signature on a trusted list has one or two, a large container some thirty.
pub const MAX_REFERENCES: usize = 64;

/// `ds:Signature`, read but not verified.
///
/// ```text
/// <Signature Id?>
///   <SignedInfo>
///     <CanonicalizationMethod/> <SignatureMethod/>
///     (<Reference URI Id? Type?> <Transforms>?  <DigestMethod/> <DigestValue/> </Reference>)+
///   </SignedInfo>
///   <SignatureValue/> <KeyInfo/>? <Object/>*
/// </Signature>
/// ```
#[derive(Clone, Debug)]
pub struct Signature<'d> {
    element: Element<'d>,
    signed_info: Element<'d>,
    canonicalization: Canonicalization,
    scheme: SignatureScheme,
    value: Vec<u8>,
    value_element: Element<'d>,
    key_info: Option<Element<'d>>,
    references: Vec<Reference<'d>>,
    certificates: Vec<Certificate>,
}

/// What is taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::xml) enum Taking {
    /// Also references to files, and algorithms that only a policy can refuse.
    Open,
    /// Only what proves something by itself.
    Strict,
}

/// What a signature was found to cover. Only [`Signature::verify`] makes one.
#[derive(Clone, Debug)]
pub struct Signed<'d> {
    signature: NodeId,
    parts: Vec<SignedPart<'d>>,
}

/// One reference whose digest fits.
#[derive(Clone, Debug)]
pub struct SignedPart<'d> {
    /// The element that is covered with all that lies in it; the root element for the whole document.
    pub element: Element<'d>,
    /// Left out of it: the signature itself.
    pub without: Option<NodeId>,
    /// The octets that were hashed. Read on from these.
    pub bytes: Vec<u8>,
    /// The reference's `Type`, such as the one of XAdES signed properties.
    pub kind: Option<&'d str>,
}

impl<'d> Signature<'d> {
    /// Takes a `ds:Signature` apart.
    ///
    /// # Errors
    ///
    /// When it is malformed, refers to something outside of the document or to an identifier that not exactly one
    /// element has, or uses an algorithm or transform that is not supported.
    pub fn read(element: Element<'d>) -> Result<Self, SignatureError> {
        Self::take(element, &Identifiers::of(element.document()), Taking::Strict)
    }

    /// As [`Signature::read`], for whoever judges by a policy: references may lead to files ([`Target::External`]), and
    /// weak algorithms are recognised (SHA-1, MD5, SHA-224), as SHA-3 is. HMAC and DSA are still refused.
    ///
    /// # Errors
    ///
    /// As [`Signature::read`].
    pub fn read_openly(element: Element<'d>, identifiers: &Identifiers<'d>) -> Result<Self, SignatureError> {
        Self::take(element, identifiers, Taking::Open)
    }

    fn take(
        element: Element<'d>,
        identifiers: &Identifiers<'d>,
        taking: Taking,
    ) -> Result<Self, SignatureError> {
        if !element.is(NAMESPACE, "Signature") {
            return Err(SignatureError::malformed("the element is no ds:Signature"));
        }
        let mut parts = Parts::of(element, "ds:Signature")?;
        let signed_info = parts.take("SignedInfo")?;
        let value_element = parts.take("SignatureValue")?;
        let value = base64(value_element, "SignatureValue")?;
        let key_info = parts.optional("KeyInfo");
        parts.only("Object")?;

        let mut parts = Parts::of(signed_info, "ds:SignedInfo")?;
        let canonicalization = algorithm::canonicalization(parts.take("CanonicalizationMethod")?)?;
        let scheme = algorithm::signature_method(parts.take("SignatureMethod")?, taking)?;
        let mut references = Vec::new();
        while let Some(reference) = parts.optional("Reference") {
            if references.len() >= MAX_REFERENCES {
                return Err(SignatureError::malformed(format!(
                    "it has more than {MAX_REFERENCES} references"
                )));
            }
            references.push(Reference::read(reference, element, identifiers, taking)?);
        }
        parts.finish()?;
        if references.is_empty() {
            return Err(SignatureError::malformed("it refers to nothing"));
        }
        let certificates = key_info.map(key_info::certificates).unwrap_or_default();
        Ok(Self {
            element,
            signed_info,
            canonicalization,
            scheme,
            value,
            value_element,
            key_info,
            references,
            certificates,
        })
    }

    /// Checks the signature value, then every digest.
    ///
    /// `check` is `crypto::verify`, or something that keeps its contract: key (SubjectPublicKeyInfo), scheme, message,
    /// value (for ECDSA as DER). The key must be trusted for a reason that lies outside of the document.
    ///
    /// # Errors
    ///
    /// When the value does not fit key and `SignedInfo`, a digest does not fit, or a canonical form exceeds a limit.
    pub fn verify<E: std::error::Error + Send + Sync + 'static>(
        &self,
        spki_der: &[u8],
        check: impl FnOnce(&[u8], SignatureScheme, &[u8], &[u8]) -> Result<(), E>,
        limits: &XmlLimits,
    ) -> Result<Signed<'d>, SignatureError> {
        self.check_value(spki_der, check, limits)?;

        // One budget for all references together: a document that refers to itself often costs no more than one.
        let mut left = limits.clone();
        let mut parts = Vec::with_capacity(self.references.len());
        for reference in &self.references {
            let part = reference.verify(&left)?;
            left.canonical_bytes = left.canonical_bytes.saturating_sub(part.bytes.len());
            parts.push(part);
        }
        Ok(Signed { signature: self.element.id(), parts })
    }

    /// Checks the signature value alone, as [`Signature::verify`] does first: nothing is known about what it covers.
    ///
    /// # Errors
    ///
    /// When the value does not fit key and `SignedInfo`.
    pub fn check_value<E: std::error::Error + Send + Sync + 'static>(
        &self,
        spki_der: &[u8],
        check: impl FnOnce(&[u8], SignatureScheme, &[u8], &[u8]) -> Result<(), E>,
        limits: &XmlLimits,
    ) -> Result<(), SignatureError> {
        self.check_message(&self.to_be_signed(limits)?, spki_der, check)
    }

    /// As [`Signature::check_value`], for what [`Signature::to_be_signed`] gave: several keys may be tried on it.
    ///
    /// # Errors
    ///
    /// As [`Signature::check_value`].
    pub fn check_message<E: std::error::Error + Send + Sync + 'static>(
        &self,
        message: &[u8],
        spki_der: &[u8],
        check: impl FnOnce(&[u8], SignatureScheme, &[u8], &[u8]) -> Result<(), E>,
    ) -> Result<(), SignatureError> {
        let value = match self.scheme {
            SignatureScheme::Ecdsa(_) => algorithm::ecdsa_value(&self.value, spki_der)?,
            _ => self.value.clone(),
        };
        check(spki_der, self.scheme, message, &value)
            .map_err(|source| SignatureError::Value { source: Box::new(source) })
    }

    /// The canonical octets of `SignedInfo`: what the value is made over.
    ///
    /// # Errors
    ///
    /// When they exceed a limit.
    pub fn to_be_signed(&self, limits: &XmlLimits) -> Result<Vec<u8>, SignatureError> {
        let document = self.element.document();
        Ok(document.canonicalize(Subset::of(self.signed_info), &self.canonicalization, limits)?)
    }

    /// Its `Id`.
    pub fn id(&self) -> Option<&'d str> {
        self.element.attribute("Id")
    }

    /// `ds:SignedInfo`.
    pub fn signed_info(&self) -> Element<'d> {
        self.signed_info
    }

    /// `ds:SignatureValue`.
    pub fn value_element(&self) -> Element<'d> {
        self.value_element
    }

    /// `ds:KeyInfo`.
    pub fn key_info(&self) -> Option<Element<'d>> {
        self.key_info
    }

    /// What of `KeyInfo` names another key than that of `certificate`, or is not read; `None` when all of it agrees.
    pub fn key_info_fault(&self, certificate: &Certificate) -> Option<String> {
        key_info::fault(self.key_info?, certificate, &self.certificates)
    }

    /// Where it stands.
    pub fn element(&self) -> Element<'d> {
        self.element
    }

    /// How its value was made.
    pub fn scheme(&self) -> SignatureScheme {
        self.scheme
    }

    /// The signature value as received: for ECDSA two numbers of equal length (xmldsig-core1 section 6.4.3).
    pub fn value(&self) -> &[u8] {
        &self.value
    }

    /// What it claims to cover.
    pub fn references(&self) -> &[Reference<'d>] {
        &self.references
    }

    /// Whether `KeyInfo` holds a certificate of this digest, be it one that cannot be read.
    pub fn carries(&self, certificate: &Digest) -> bool {
        self.key_info.is_some_and(|key_info| key_info::carries(key_info, certificate))
    }

    /// The certificates of `KeyInfo` that could be read: a stranger's hint, no reason to trust anything.
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// `ds:Object` elements. They are covered only where a [`SignedPart`] says so.
    pub fn objects(&self) -> impl Iterator<Item = Element<'d>> + use<'d> {
        self.element.elements().filter(|element| element.is(NAMESPACE, "Object"))
    }
}

impl<'d> Signed<'d> {
    /// All that is covered, in the order of the references.
    pub fn parts(&self) -> &[SignedPart<'d>] {
        &self.parts
    }

    /// The part that covers the whole root element, with nothing left out but the signature itself.
    pub fn root(&self) -> Option<&SignedPart<'d>> {
        self.parts.iter().find(|part| {
            part.element == part.element.document().root()
                && part.without.is_none_or(|without| without == self.signature)
        })
    }
}

/// Every identifier of a document: see [`Document::identified`] for which attributes count.
pub struct Identifiers<'d> {
    /// `None` where several elements have it.
    elements: HashMap<&'d str, Option<Element<'d>>>,
}

impl<'d> Identifiers<'d> {
    /// All of `document`, in one pass.
    pub fn of(document: &'d Document) -> Self {
        let mut elements = HashMap::new();
        for element in document.elements() {
            for id in element.identifiers() {
                elements
                    .entry(id)
                    .and_modify(|known| {
                        if *known != Some(element) {
                            *known = None;
                        }
                    })
                    .or_insert(Some(element));
            }
        }
        Self { elements }
    }

    /// Whether any element has this identifier.
    pub fn knows(&self, id: &str) -> bool {
        self.elements.contains_key(id)
    }

    /// The one element with this identifier.
    ///
    /// # Errors
    ///
    /// When there is none, or several.
    pub fn find(&self, id: &str) -> Result<Element<'d>, SignatureError> {
        match self.elements.get(id) {
            Some(Some(element)) => Ok(*element),
            Some(None) => Err(SignatureError::AmbiguousId { id: id.to_owned() }),
            None => Err(SignatureError::UnknownId { id: id.to_owned() }),
        }
    }
}

/// The child elements of one, taken in their order. Between them is nothing but white space and comments.
pub(in crate::xml) struct Parts<'d> {
    of: &'static str,
    rest: std::iter::Peekable<std::vec::IntoIter<Element<'d>>>,
}

impl<'d> Parts<'d> {
    pub(in crate::xml) fn of(element: Element<'d>, name: &'static str) -> Result<Self, SignatureError> {
        if !element.has_only_elements() {
            return Err(SignatureError::malformed(format!("{name} holds something between its elements")));
        }
        let rest: Vec<_> = element.elements().collect();
        Ok(Self { of: name, rest: rest.into_iter().peekable() })
    }

    pub(in crate::xml) fn optional(&mut self, local: &str) -> Option<Element<'d>> {
        self.optional_ns(NAMESPACE, local)
    }

    pub(in crate::xml) fn optional_ns(&mut self, namespace: &str, local: &str) -> Option<Element<'d>> {
        self.rest.next_if(|element| element.is(namespace, local))
    }

    pub(in crate::xml) fn take(&mut self, local: &str) -> Result<Element<'d>, SignatureError> {
        let of = self.of;
        self.optional(local)
            .ok_or_else(|| SignatureError::malformed(format!("{of} has no {local} where one belongs")))
    }

    /// Whatever is left has this name.
    fn only(mut self, local: &str) -> Result<(), SignatureError> {
        while self.optional(local).is_some() {}
        self.finish()
    }

    pub(in crate::xml) fn finish(mut self) -> Result<(), SignatureError> {
        match self.rest.next() {
            None => Ok(()),
            Some(element) => Err(SignatureError::malformed(format!(
                "{} does not belong into {} there",
                element.local_name(),
                self.of
            ))),
        }
    }
}

/// Base64 text with white space in it.
pub(in crate::xml) fn base64(element: Element<'_>, name: &'static str) -> Result<Vec<u8>, SignatureError> {
    let text = element
        .text()
        .ok_or_else(|| SignatureError::malformed(format!("{name} holds something else than text")))?;
    let text: String = text.chars().filter(|&c| !is_space(c)).collect();
    STANDARD.decode(text).map_err(|error| SignatureError::malformed(format!("{name} is not Base64: {error}")))
}
