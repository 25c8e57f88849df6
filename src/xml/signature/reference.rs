//! `ds:Reference` (xmldsig-core1 section 4.4.3): which element, by which transforms, with which digest.

use super::{Identifiers, NAMESPACE, Parts, SignatureError, SignedPart, Taking, algorithm, base64};
use crate::{
    base::Digest,
    xml::{Canonicalization, Document, Element, Subset, XmlLimits},
};

/// One reference of a signature, resolved within the document.
#[derive(Clone, Debug)]
pub struct Reference<'d> {
    uri: &'d str,
    id: Option<&'d str>,
    kind: Option<&'d str>,
    target: Target<'d>,
    /// The signature, if `enveloped-signature` leaves it out.
    without: Option<Element<'d>>,
    /// None where no transform makes octets.
    canonicalization: Option<Canonicalization>,
    digest: Digest,
}

/// What a reference leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'d> {
    /// The document, with what stands beside the root element; here the root element.
    Document(Element<'d>),
    /// One element.
    Element(Element<'d>),
    /// A file of this name, as written. Nobody fetches it: whoever asks for a verdict gives it.
    External(&'d str),
}

impl<'d> Reference<'d> {
    pub(super) fn read(
        element: Element<'d>,
        signature: Element<'d>,
        identifiers: &Identifiers<'d>,
        taking: Taking,
    ) -> Result<Self, SignatureError> {
        let uri = element.attribute("URI").ok_or(SignatureError::External { uri: None })?;
        let target = match uri.strip_prefix('#') {
            None if uri.is_empty() => Target::Document(element.document().root()),
            Some(id) if !id.is_empty() && !id.contains(['(', ')']) => Target::Element(identifiers.find(id)?),
            None if taking == Taking::Open && !uri.contains('#') => Target::External(uri),
            _ => return Err(SignatureError::External { uri: Some(uri.to_owned()) }),
        };
        let mut parts = Parts::of(element, "ds:Reference")?;
        let (enveloped, canonicalization) = match parts.optional("Transforms") {
            Some(transforms) => self::transforms(transforms)?,
            None => (false, None),
        };
        let algorithm = algorithm::digest_method(parts.take("DigestMethod")?, taking)?;
        let bytes = base64(parts.take("DigestValue")?, "DigestValue")?;
        parts.finish()?;
        if bytes.len() != algorithm.len() {
            return Err(SignatureError::malformed("DigestValue is not as long as its algorithm makes it"));
        }
        if enveloped && !target.element().is_some_and(|element| element.contains(signature.id())) {
            return Err(SignatureError::Transform {
                uri: algorithm::ENVELOPED.to_owned(),
                reason: "the signature does not lie in what is referred to",
            });
        }
        Ok(Self {
            uri,
            id: element.attribute("Id"),
            kind: element.attribute("Type"),
            target,
            without: enveloped.then_some(signature),
            canonicalization,
            digest: Digest { algorithm, bytes },
        })
    }

    /// As written.
    pub fn uri(&self) -> &'d str {
        self.uri
    }

    /// The reference's own identifier.
    pub fn id(&self) -> Option<&'d str> {
        self.id
    }

    /// What kind of thing it says that it refers to.
    pub fn kind(&self) -> Option<&'d str> {
        self.kind
    }

    /// What it leads to.
    pub fn target(&self) -> Target<'d> {
        self.target
    }

    /// The digest that was signed.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The canonical form that its transforms make; `None` where none does.
    pub fn canonicalization(&self) -> Option<&Canonicalization> {
        self.canonicalization.as_ref()
    }

    /// Whether a file is hashed as it is, no transform coming first.
    pub fn is_plain(&self) -> bool {
        self.canonicalization.is_none()
    }

    /// The octets of what lies in this document, after the transforms; `None` when it leads to a file.
    ///
    /// `last` makes octets where no transform does: Canonical XML 1.0 for digests ([`Canonicalization::fallback`]).
    ///
    /// # Errors
    ///
    /// When there is no canonical form, or it exceeds a limit.
    pub fn octets(
        &self,
        last: &Canonicalization,
        limits: &XmlLimits,
    ) -> Result<Option<Vec<u8>>, SignatureError> {
        let (element, mut subset) = match self.target {
            Target::Document(root) => (root, Subset::WHOLE),
            Target::Element(element) => (element, Subset::of(element)),
            Target::External(_) => return Ok(None),
        };
        if let Some(signature) = self.without {
            subset = subset.without(signature);
        }
        // Comments are no part of what such references select, whatever the canonical form would do with them
        // (section 4.4.3.3).
        let form = self.canonicalization.as_ref().unwrap_or(last);
        let form = Canonicalization { comments: false, ..form.clone() };
        Ok(Some(element.document().canonicalize(subset, &form, limits)?))
    }

    /// The octets of a file that it leads to, after the transforms: a canonical form of it, or the file itself.
    ///
    /// # Errors
    ///
    /// When a canonical form is asked for and the file has none.
    pub fn octets_of(&self, file: &[u8], limits: &XmlLimits) -> Result<Vec<u8>, SignatureError> {
        match &self.canonicalization {
            None => Ok(file.to_vec()),
            Some(form) => Ok(Document::parse(file, limits)?.canonicalize(Subset::WHOLE, form, limits)?),
        }
    }

    /// Compares the digest with what is there.
    pub(super) fn verify(&self, limits: &XmlLimits) -> Result<SignedPart<'d>, SignatureError> {
        let external = || SignatureError::External { uri: Some(self.uri.to_owned()) };
        let element = self.target.element().ok_or_else(external)?;
        let bytes = self.octets(&Canonicalization::fallback(), limits)?.ok_or_else(external)?;
        if self.digest.algorithm.digest(&bytes) != self.digest {
            return Err(SignatureError::Digest { uri: self.uri.to_owned() });
        }
        let without = self.without.map(|signature| signature.id());
        Ok(SignedPart { element, without, bytes, kind: self.kind })
    }
}

impl<'d> Target<'d> {
    /// The element; the root element for the document, none for a file.
    pub fn element(self) -> Option<Element<'d>> {
        match self {
            Self::Document(element) | Self::Element(element) => Some(element),
            Self::External(_) => None,
        }
    }
}

/// At most `enveloped-signature`, then at most one canonical form: whether the signature is left out, and the form.
fn transforms(element: Element<'_>) -> Result<(bool, Option<Canonicalization>), SignatureError> {
    let mut parts = Parts::of(element, "ds:Transforms")?;
    let (mut enveloped, mut form) = (false, None);
    while let Some(transform) = parts.optional_ns(NAMESPACE, "Transform") {
        let uri = algorithm::identifier(transform)?;
        let refused = |reason| Err(SignatureError::Transform { uri: uri.to_owned(), reason });
        if form.is_some() {
            return refused("it comes after a canonical form, which has made octets already");
        }
        if uri == algorithm::ENVELOPED {
            if enveloped {
                return refused("it occurs twice");
            }
            if transform.elements().next().is_some() {
                return refused("it takes no parameters");
            }
            enveloped = true;
        } else if Canonicalization::by_uri(uri).is_some() {
            form = Some(algorithm::canonicalization(transform)?);
        } else {
            return refused("only enveloped-signature and canonical forms are supported");
        }
    }
    parts.finish()?;
    Ok((enveloped, form))
}
