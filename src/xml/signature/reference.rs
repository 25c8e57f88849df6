//! `ds:Reference` (xmldsig-core1 section 4.4.3): which element, by which transforms, with which digest.

use super::{Identified, NAMESPACE, Parts, SignatureError, SignedPart, algorithm, base64};
use crate::{
    base::Digest,
    xml::{Canonicalization, Element, Subset, XmlLimits},
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
    canonicalization: Canonicalization,
    digest: Digest,
}

#[derive(Clone, Copy, Debug)]
enum Target<'d> {
    /// With what stands beside the root element.
    Document(Element<'d>),
    Element(Element<'d>),
}

impl<'d> Reference<'d> {
    pub(super) fn read(
        element: Element<'d>,
        signature: Element<'d>,
        identified: &Identified<'d>,
    ) -> Result<Self, SignatureError> {
        let uri = element.attribute("URI").ok_or(SignatureError::External { uri: None })?;
        let target = match uri.strip_prefix('#') {
            None if uri.is_empty() => Target::Document(element.document().root()),
            Some(id) if !id.is_empty() && !id.contains(['(', ')']) => Target::Element(identified.find(id)?),
            _ => return Err(SignatureError::External { uri: Some(uri.to_owned()) }),
        };
        let mut parts = Parts::of(element, "ds:Reference")?;
        let (enveloped, canonicalization) = match parts.optional("Transforms") {
            Some(transforms) => self::transforms(transforms)?,
            None => (false, None),
        };
        let algorithm = algorithm::digest_method(parts.take("DigestMethod")?)?;
        let bytes = base64(parts.take("DigestValue")?, "DigestValue")?;
        parts.finish()?;
        if bytes.len() != algorithm.len() {
            return Err(SignatureError::malformed("DigestValue is not as long as its algorithm makes it"));
        }
        if enveloped && !target.element().contains(signature.id()) {
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
            canonicalization: canonicalization.unwrap_or_else(Canonicalization::fallback),
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

    /// The element that it refers to; the root element for the whole document.
    pub fn target(&self) -> Element<'d> {
        self.target.element()
    }

    /// The digest that was signed.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Compares the digest with what is there.
    pub(super) fn verify(&self, limits: &XmlLimits) -> Result<SignedPart<'d>, SignatureError> {
        let element = self.target.element();
        let mut subset = match self.target {
            Target::Document(_) => Subset::WHOLE,
            Target::Element(element) => Subset::of(element),
        };
        if let Some(signature) = self.without {
            subset = subset.without(signature);
        }
        // Comments are no part of what such references select, whatever the canonical form would do with them
        // (section 4.4.3.3).
        let form = Canonicalization { comments: false, ..self.canonicalization.clone() };
        let bytes = element.document().canonicalize(subset, &form, limits)?;
        if self.digest.algorithm.digest(&bytes) != self.digest {
            return Err(SignatureError::Digest { uri: self.uri.to_owned() });
        }
        let without = self.without.map(|signature| signature.id());
        Ok(SignedPart { element, without, bytes, kind: self.kind })
    }
}

impl<'d> Target<'d> {
    fn element(self) -> Element<'d> {
        match self {
            Self::Document(root) => root,
            Self::Element(element) => element,
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
