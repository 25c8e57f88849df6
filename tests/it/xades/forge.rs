//! Signatures by a trusted key over structures that must not count.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use kyso::{
    base::DigestAlgorithm,
    x509::{Certificate, algorithm::SignatureScheme},
    xml::{
        Canonicalization, Document, Subset, XmlLimits,
        signature::{NAMESPACE, ecdsa_value_from_der},
    },
};

use super::desk::Desk;

pub(super) const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
pub(super) const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
pub(super) const ECDSA: &str = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
pub(super) const XADES: &str = "http://uri.etsi.org/01903/v1.3.2#";
pub(super) const PROPERTIES: &str = "http://uri.etsi.org/01903#SignedProperties";

/// A signature to be: text with places for digests and the value.
pub(super) struct Forge<'a> {
    desk: &'a Desk,
    /// What stands in SigningCertificateV2, and in KeyInfo.
    pub(super) named: Certificate,
    pub(super) shown: Certificate,
}

impl<'a> Forge<'a> {
    pub(super) fn new(desk: &'a Desk) -> Self {
        Self { desk, named: desk.certificate.clone(), shown: desk.certificate.clone() }
    }

    /// `ds:Signature` with these references, and these objects behind the properties.
    pub(super) fn signature(&self, references: &str, objects: &str) -> String {
        let properties = self.properties("s", "p", "");
        self.bare(&format!("{references}{}", to_properties("p")), &format!("{properties}{objects}"))
    }

    /// The same without XAdES.
    pub(super) fn bare(&self, references: &str, objects: &str) -> String {
        format!(
            "<Signature xmlns=\"{NAMESPACE}\" Id=\"s\"><SignedInfo><CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\"/>\
             <SignatureMethod Algorithm=\"{ECDSA}\"/>{references}</SignedInfo><SignatureValue>{{v}}</SignatureValue>\
             <KeyInfo><X509Data><X509Certificate>{}</X509Certificate></X509Data></KeyInfo>{objects}</Signature>",
            STANDARD.encode(self.shown.der())
        )
    }

    /// The object with the properties; `more` follows the signed signature properties.
    pub(super) fn properties(&self, target: &str, id: &str, more: &str) -> String {
        let digest = STANDARD.encode(DigestAlgorithm::Sha256.digest(self.named.der()).bytes);
        format!(
            "<Object><x:QualifyingProperties xmlns:x=\"{XADES}\" Target=\"#{target}\"><x:SignedProperties Id=\"{id}\">\
             <x:SignedSignatureProperties><x:SigningTime>2026-03-12T09:15:30+07:00</x:SigningTime>\
             <x:SigningCertificateV2><x:Cert><x:CertDigest><DigestMethod Algorithm=\"{SHA256}\"/><DigestValue>{digest}\
             </DigestValue></x:CertDigest></x:Cert></x:SigningCertificateV2></x:SignedSignatureProperties>{more}\
             </x:SignedProperties></x:QualifyingProperties></Object>"
        )
    }

    /// Fills in digests, then the value.
    pub(super) fn fill(&self, template: &str) -> String {
        let limits = XmlLimits::default();
        let form = Canonicalization::by_uri(EXCLUSIVE).unwrap();
        let mut text = template.to_owned();
        while let Some(at) = text.find("{d:") {
            let end = at + text[at..].find('}').unwrap();
            let id = text[at + 3..end].to_owned();
            let document = Document::parse(text.as_bytes(), &limits).unwrap();
            let own = document.elements().find(|element| element.is(NAMESPACE, "Signature")).unwrap();
            let subset = match document.identified(&id).next() {
                Some(element) if !element.contains(own.id()) => Subset::of(element),
                Some(element) => Subset::of(element).without(own),
                None => Subset::WHOLE.without(own),
            };
            let octets = document.canonicalize(subset, &form, &limits).unwrap();
            text.replace_range(at..=end, &digest(&octets));
        }
        let document = Document::parse(text.as_bytes(), &limits).unwrap();
        let info = document.elements().find(|element| element.is(NAMESPACE, "SignedInfo")).unwrap();
        let octets = document.canonicalize(Subset::of(info), &form, &limits).unwrap();
        let value = self.desk.key.sign_as(SignatureScheme::Ecdsa(DigestAlgorithm::Sha256), &octets).unwrap();
        text.replace("{v}", &STANDARD.encode(ecdsa_value_from_der(&value, 256).unwrap()))
    }
}

pub(super) fn digest(octets: &[u8]) -> String {
    STANDARD.encode(DigestAlgorithm::Sha256.digest(octets).bytes)
}

pub(super) fn transform(uri: &str) -> String {
    format!("<Transform Algorithm=\"{uri}\"/>")
}

/// A reference with a canonical form, or with `transforms` before it.
pub(super) fn reference(uri: &str, before: &str) -> String {
    let id = uri.trim_start_matches('#');
    format!(
        "<Reference URI=\"{uri}\"><Transforms>{before}{}</Transforms><DigestMethod Algorithm=\"{SHA256}\"/>\
         <DigestValue>{{d:{id}}}</DigestValue></Reference>",
        transform(EXCLUSIVE)
    )
}

/// The whole document without its signature.
pub(super) fn whole() -> String {
    reference("", &transform("http://www.w3.org/2000/09/xmldsig#enveloped-signature"))
}

pub(super) fn to_properties(id: &str) -> String {
    reference(&format!("#{id}"), "").replacen("<Reference", &format!("<Reference Type=\"{PROPERTIES}\""), 1)
}

/// A reference to a file.
pub(super) fn to_file(name: &str, bytes: &[u8]) -> String {
    format!(
        "<Reference URI=\"{name}\"><DigestMethod Algorithm=\"{SHA256}\"/><DigestValue>{}</DigestValue></Reference>",
        digest(bytes)
    )
}
