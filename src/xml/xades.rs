//! XAdES properties (ETSI EN 319 132-1), read from a `ds:Signature` but not believed.
//!
//! ```text
//! <ds:Object>
//!   <QualifyingProperties Target="#signature">
//!     <SignedProperties Id>
//!       <SignedSignatureProperties> SigningTime? SigningCertificate(V2)? SignaturePolicyIdentifier?
//!         SignatureProductionPlace(V2)? SignerRole(V2)? </SignedSignatureProperties>
//!       <SignedDataObjectProperties> DataObjectFormat* CommitmentTypeIndication* AllDataObjectsTimeStamp*
//!         IndividualDataObjectsTimeStamp* </SignedDataObjectProperties>
//!     </SignedProperties>
//!     <UnsignedProperties> <UnsignedSignatureProperties> CounterSignature* SignatureTimeStamp* CertificateValues?
//!       RevocationValues? TimeStampValidationData* ArchiveTimeStamp* … </UnsignedSignatureProperties> </UnsignedProperties>
//!   </QualifyingProperties>
//! </ds:Object>
//! ```
//!
//! What a [`Signature`] covers of it is asked of its references; here is only where things stand and
//! what they say.

use super::{
    Canonicalization, Element, Signature, SignatureError,
    signature::{self, Identifiers, Parts, Reference, Taking, algorithm, base64},
};
use crate::base::{Digest, UtcTime};

/// The namespace of XAdES 1.3.2, which EN 319 132-1 keeps.
pub const NAMESPACE: &str = "http://uri.etsi.org/01903/v1.3.2#";

/// The namespace of what XAdES 1.4.1 added.
pub const NAMESPACE_141: &str = "http://uri.etsi.org/01903/v1.4.1#";

/// `Type` of the reference to the signed properties.
pub const SIGNED_PROPERTIES: &str = "http://uri.etsi.org/01903#SignedProperties";

/// How an object identifier is written where a URI belongs (RFC 3061), with `Qualifier="OIDAsURN"` (clause 5.1.2).
pub const OID_URN: &str = "urn:oid:";

/// The commitments of clause 5.2.3: the names that ETSI EN 319 122-1 and RFC 5126 give them, and their URIs.
pub const COMMITMENTS: [(&str, &str); 6] = [
    ("proof-of-approval", "http://uri.etsi.org/01903/v1.2.2#ProofOfApproval"),
    ("proof-of-creation", "http://uri.etsi.org/01903/v1.2.2#ProofOfCreation"),
    ("proof-of-delivery", "http://uri.etsi.org/01903/v1.2.2#ProofOfDelivery"),
    ("proof-of-origin", "http://uri.etsi.org/01903/v1.2.2#ProofOfOrigin"),
    ("proof-of-receipt", "http://uri.etsi.org/01903/v1.2.2#ProofOfReceipt"),
    ("proof-of-sender", "http://uri.etsi.org/01903/v1.2.2#ProofOfSender"),
];

/// Time-stamps, values and other lists of one signature, each.
const MAX_ITEMS: usize = 32;

/// Certificates, lists or answers in one list of values.
const MAX_VALUES: usize = 128;

/// `QualifyingProperties` of one signature.
#[derive(Clone, Debug)]
pub struct Properties<'d> {
    /// The `ds:Object` that they lie in.
    pub object: Element<'d>,
    /// `QualifyingProperties`.
    pub element: Element<'d>,
    /// `SignedProperties`.
    pub signed: Option<Element<'d>>,
    /// SigningTime, when it has a zone: without one it is no moment.
    pub signing_time: Option<UtcTime>,
    /// The digests of SigningCertificate or SigningCertificateV2, the signer's own first; empty when there is none.
    pub signing_certificates: Vec<Digest>,
    /// SignaturePolicyIdentifier.
    pub policy: Option<SignedPolicy>,
    /// SignatureProductionPlace(V2), as one line.
    pub production_place: Option<String>,
    /// ClaimedRoles of SignerRole(V2), as text.
    pub claimed_roles: Vec<String>,
    /// CommitmentTypeId of each CommitmentTypeIndication.
    pub commitments: Vec<String>,
    /// ObjectReference of each DataObjectFormat, without its `#`, and its MimeType.
    pub formats: Vec<(String, Option<String>)>,
    /// AllDataObjectsTimeStamp.
    pub content_stamps: Vec<TimeStamp<'d>>,
    /// The unsigned signature properties that are understood, in their order.
    pub unsigned: Vec<Unsigned<'d>>,
    /// Names of properties that are not: they prove nothing.
    pub unread: Vec<String>,
}

/// SignaturePolicyIdentifier (clause 5.2.9): the rules that a signature was made under.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignedPolicy {
    /// SigPolicyId, as written; empty when the policy is implied.
    pub identifier: String,
    /// SigPolicyHash, where it can be read.
    pub digest: Option<Digest>,
    /// SPURI: where its text is.
    pub uri: Option<String>,
}

/// A piece of what a time-stamp is over.
#[derive(Clone, Copy, Debug)]
pub enum Stamped<'s, 'd> {
    /// An element, in the canonical form of the time-stamp.
    Element(Element<'d>),
    /// What a reference leads to.
    Reference(&'s Reference<'d>),
}

/// An unsigned signature property.
#[derive(Clone, Debug)]
pub struct Unsigned<'d> {
    /// Where it stands.
    pub element: Element<'d>,
    /// What it is.
    pub what: UnsignedKind<'d>,
}

/// What an unsigned signature property is.
#[derive(Clone, Debug)]
pub enum UnsignedKind<'d> {
    /// ArchiveTimeStamp of XAdES 1.4.1 (clause 5.5.2).
    ArchiveTimeStamp(TimeStamp<'d>),
    /// CounterSignature (clause 5.2.7.2).
    CounterSignature,
    /// Anything else.
    Other,
    /// SignatureTimeStamp (clause 5.3).
    SignatureTimeStamp(TimeStamp<'d>),
    /// CertificateValues, RevocationValues, their Attr… forms, AnyValidationData and TimeStampValidationData
    /// (clauses 5.4.1 to 5.4.4 and 5.5.1).
    Values(Values),
}

/// A time-stamp container (clause 5.1.4.4).
#[derive(Clone, Debug)]
pub struct TimeStamp<'d> {
    /// Where it stands.
    pub element: Element<'d>,
    /// How the stamped parts are made octets.
    pub canonicalization: Canonicalization,
    /// EncapsulatedTimeStamp, or why it is none that is read.
    pub token: Result<Vec<u8>, String>,
}

/// Certificates and status evidence, DER.
#[derive(Clone, Debug, Default)]
pub struct Values {
    /// EncapsulatedX509Certificate.
    pub certificates: Vec<Vec<u8>>,
    /// EncapsulatedCRLValue.
    pub crls: Vec<Vec<u8>>,
    /// EncapsulatedOCSPValue: OCSPResponse.
    pub ocsps: Vec<Vec<u8>>,
}

impl<'d> Properties<'d> {
    /// The properties of a signature; `None` when it has none.
    ///
    /// # Errors
    ///
    /// When there are several, they are meant for another signature, lie elsewhere, or are malformed.
    pub fn read(
        signature: &Signature<'d>,
        identifiers: &Identifiers<'d>,
    ) -> Result<Option<Self>, SignatureError> {
        let mut found = None;
        for object in signature.objects() {
            for element in object.elements() {
                if element.namespace() == NAMESPACE && element.local_name() == "QualifyingPropertiesReference"
                {
                    return Err(malformed(
                        "its properties are said to lie elsewhere, and nothing is fetched",
                    ));
                }
                if element.is(NAMESPACE, "QualifyingProperties") && found.replace((object, element)).is_some()
                {
                    return Err(malformed("it has several QualifyingProperties"));
                }
            }
        }
        let Some((object, element)) = found else { return Ok(None) };
        if !object.has_only_elements() || object.elements().count() != 1 {
            return Err(malformed("something lies beside its QualifyingProperties"));
        }
        let target = element.attribute("Target").and_then(|target| target.strip_prefix('#'));
        let own = signature.id().is_some_and(|id| target == Some(id));
        // The identifier has to lead here and nowhere else.
        if !own || identifiers.find(target.unwrap_or_default())? != signature.element() {
            return Err(malformed("its QualifyingProperties are meant for another signature"));
        }
        let mut properties = Self {
            object,
            element,
            signed: at_most_one(element, NAMESPACE, "SignedProperties")?,
            signing_time: None,
            signing_certificates: Vec::new(),
            policy: None,
            production_place: None,
            claimed_roles: Vec::new(),
            commitments: Vec::new(),
            formats: Vec::new(),
            content_stamps: Vec::new(),
            unsigned: Vec::new(),
            unread: Vec::new(),
        };
        properties.read_signed()?;
        properties.read_unsigned()?;
        Ok(Some(properties))
    }

    /// The SignatureTimeStamps, in their order.
    pub fn signature_stamps(&self) -> impl Iterator<Item = &TimeStamp<'d>> {
        self.unsigned.iter().filter_map(|property| match &property.what {
            UnsignedKind::SignatureTimeStamp(stamp) => Some(stamp),
            _ => None,
        })
    }

    /// What an ArchiveTimeStamp is over that stands behind so many of the unsigned properties (clause 5.5.2.2): what the
    /// references lead to, SignedInfo, SignatureValue, KeyInfo, the unsigned properties before it, and the objects that
    /// hold no properties.
    pub fn archived<'s>(&self, signature: &'s Signature<'d>, before: usize) -> Vec<Stamped<'s, 'd>> {
        let references = signature.references().iter().map(Stamped::Reference);
        let own =
            [signature.signed_info(), signature.value_element()].into_iter().chain(signature.key_info());
        let before = self.unsigned.iter().take(before).map(|property| property.element);
        let objects = signature.objects().filter(|object| *object != self.object);
        references.chain(own.chain(before).chain(objects).map(Stamped::Element)).collect()
    }

    /// Whether there is an ArchiveTimeStamp.
    pub fn is_archived(&self) -> bool {
        self.unsigned.iter().any(|property| matches!(property.what, UnsignedKind::ArchiveTimeStamp(_)))
    }

    /// Whether some of the values that long-term validation needs are there.
    pub fn has_values(&self) -> bool {
        self.unsigned.iter().any(|property| matches!(property.what, UnsignedKind::Values(_)))
    }

    fn read_signed(&mut self) -> Result<(), SignatureError> {
        let Some(signed) = self.signed else { return Ok(()) };
        if let Some(of_signature) = at_most_one(signed, NAMESPACE, "SignedSignatureProperties")? {
            self.read_signed_of_signature(of_signature)?;
        }
        if let Some(of_data) = at_most_one(signed, NAMESPACE, "SignedDataObjectProperties")? {
            self.read_signed_of_data(of_data)?;
        }
        Ok(())
    }

    fn read_signed_of_signature(&mut self, of_signature: Element<'d>) -> Result<(), SignatureError> {
        if let Some(time) = at_most_one(of_signature, NAMESPACE, "SigningTime")? {
            let text =
                time.text().ok_or_else(|| malformed("SigningTime holds something else than a time"))?;
            self.signing_time = text.trim().parse().ok();
        }
        let first = at_most_one(of_signature, NAMESPACE, "SigningCertificate")?;
        let second = at_most_one(of_signature, NAMESPACE, "SigningCertificateV2")?;
        for certificate in first.into_iter().chain(second).flat_map(|list| list.elements()) {
            if !certificate.is(NAMESPACE, "Cert") {
                return Err(malformed("SigningCertificate holds something else than Cert"));
            }
            if self.signing_certificates.len() >= MAX_ITEMS {
                return Err(malformed("SigningCertificate names too many certificates"));
            }
            self.signing_certificates.push(certificate_digest(certificate)?);
        }
        if first.is_some() && second.is_some() {
            return Err(malformed("it names its certificate in two ways"));
        }
        if (first.is_some() || second.is_some()) && self.signing_certificates.is_empty() {
            return Err(malformed("SigningCertificate names none"));
        }
        if let Some(policy) = at_most_one(of_signature, NAMESPACE, "SignaturePolicyIdentifier")? {
            self.policy = Some(SignedPolicy::read(policy));
        }
        for name in ["SignatureProductionPlace", "SignatureProductionPlaceV2"] {
            if let Some(place) = at_most_one(of_signature, NAMESPACE, name)? {
                let parts = place.elements().filter_map(|part| part.text()).map(line);
                let parts: Vec<String> = parts.filter(|part| !part.is_empty()).collect();
                self.production_place = Some(parts.join(", "));
            }
        }
        for name in ["SignerRole", "SignerRoleV2"] {
            let roles = at_most_one(of_signature, NAMESPACE, name)?;
            let claimed = roles.and_then(|roles| roles.child(NAMESPACE, "ClaimedRoles"));
            let texts = claimed.into_iter().flat_map(|roles| roles.elements()).filter_map(|role| role.text());
            self.claimed_roles.extend(texts.map(line).take(MAX_ITEMS));
        }
        Ok(())
    }

    fn read_signed_of_data(&mut self, of_data: Element<'d>) -> Result<(), SignatureError> {
        for (count, element) in of_data.elements().enumerate() {
            if count >= signature::MAX_REFERENCES * 2 {
                return Err(malformed("it has too many properties of data objects"));
            }
            if element.is(NAMESPACE, "DataObjectFormat") {
                let reference = element.attribute("ObjectReference").and_then(|id| id.strip_prefix('#'));
                let reference = reference.ok_or_else(|| malformed("DataObjectFormat refers to nothing"))?;
                let mime = element.child(NAMESPACE, "MimeType").and_then(|mime| mime.text()).map(line);
                self.formats.push((reference.to_owned(), mime));
            } else if element.is(NAMESPACE, "CommitmentTypeIndication") {
                let identifier = element
                    .child(NAMESPACE, "CommitmentTypeId")
                    .and_then(|id| id.child(NAMESPACE, "Identifier"))
                    .and_then(|identifier| identifier.text());
                self.commitments.push(line(identifier.unwrap_or_default()));
            } else if element.is(NAMESPACE, "AllDataObjectsTimeStamp") {
                if self.content_stamps.len() >= MAX_ITEMS {
                    return Err(malformed("it has too many time-stamps"));
                }
                self.content_stamps.push(TimeStamp::read(element)?);
            } else {
                self.unread.push(element.local_name().to_owned());
            }
        }
        Ok(())
    }

    fn read_unsigned(&mut self) -> Result<(), SignatureError> {
        let Some(unsigned) = at_most_one(self.element, NAMESPACE, "UnsignedProperties")? else {
            return Ok(());
        };
        let Some(list) = at_most_one(unsigned, NAMESPACE, "UnsignedSignatureProperties")? else {
            return Ok(());
        };
        for element in list.elements() {
            if self.unsigned.len() >= MAX_ITEMS {
                return Err(malformed("it has too many unsigned properties"));
            }
            let what = match (element.namespace(), element.local_name()) {
                (NAMESPACE, "SignatureTimeStamp") => {
                    UnsignedKind::SignatureTimeStamp(TimeStamp::read(element)?)
                }
                (NAMESPACE_141, "ArchiveTimeStamp") => {
                    UnsignedKind::ArchiveTimeStamp(TimeStamp::read(element)?)
                }
                (NAMESPACE, "CounterSignature") => {
                    self.unread.push("CounterSignature".to_owned());
                    UnsignedKind::CounterSignature
                }
                (
                    NAMESPACE,
                    "CertificateValues"
                    | "AttrAuthoritiesCertValues"
                    | "RevocationValues"
                    | "AttributeRevocationValues",
                )
                | (NAMESPACE_141, "TimeStampValidationData")
                | (_, "AnyValidationData") => UnsignedKind::Values(Values::read(element)?),
                // References to values are no evidence, and take none away.
                (
                    _,
                    "CompleteCertificateRefs"
                    | "CompleteCertificateRefsV2"
                    | "CompleteRevocationRefs"
                    | "AttributeCertificateRefs"
                    | "AttributeCertificateRefsV2"
                    | "AttributeRevocationRefs",
                ) => UnsignedKind::Other,
                (_, name) => {
                    self.unread.push(name.to_owned());
                    UnsignedKind::Other
                }
            };
            self.unsigned.push(Unsigned { element, what });
        }
        Ok(())
    }
}

impl SignedPolicy {
    fn read(policy: Element<'_>) -> Self {
        let Some(policy) = policy.child(NAMESPACE, "SignaturePolicyId") else { return Self::default() };
        let identifier = policy
            .child(NAMESPACE, "SigPolicyId")
            .and_then(|id| id.child(NAMESPACE, "Identifier"))
            .and_then(|identifier| identifier.text());
        let digest = policy.child(NAMESPACE, "SigPolicyHash").and_then(|hash| {
            let mut parts = Parts::of(hash, "SigPolicyHash").ok()?;
            let algorithm = algorithm::digest_method(parts.take("DigestMethod").ok()?, Taking::Open).ok()?;
            let bytes = base64(parts.take("DigestValue").ok()?, "DigestValue").ok()?;
            (bytes.len() == algorithm.len()).then_some(Digest { algorithm, bytes })
        });
        let qualifiers =
            policy.child(NAMESPACE, "SigPolicyQualifiers").into_iter().flat_map(|all| all.elements());
        let mut uris =
            qualifiers.filter_map(|one| one.child(NAMESPACE, "SPURI")).filter_map(|uri| uri.text());
        Self { identifier: line(identifier.unwrap_or_default()), digest, uri: uris.next().map(line) }
    }
}

impl<'d> TimeStamp<'d> {
    fn read(element: Element<'d>) -> Result<Self, SignatureError> {
        let mut canonicalization = Canonicalization::fallback();
        let mut tokens = Vec::new();
        let mut included = false;
        for part in element.elements() {
            if part.is(signature::NAMESPACE, "CanonicalizationMethod") {
                canonicalization = algorithm::canonicalization(part)?;
            } else if part.is(NAMESPACE, "EncapsulatedTimeStamp") {
                tokens.push(part);
            } else {
                // Include says that it is over parts that lie elsewhere; XMLTimeStamp is another kind of token.
                included = true;
            }
        }
        let token = match tokens[..] {
            [token] if !included => match token.attribute("Encoding") {
                None | Some("" | "http://uri.etsi.org/01903/v1.2.2#DER") => {
                    base64(token, "EncapsulatedTimeStamp").map_err(|error| error.to_string())
                }
                Some(_) => Err("its encoding is not DER".to_owned()),
            },
            _ => Err("it is not one RFC 3161 token over what is implied".to_owned()),
        };
        Ok(Self { element, canonicalization, token })
    }
}

impl Values {
    fn read(element: Element<'_>) -> Result<Self, SignatureError> {
        let mut values = Self::default();
        // Lists lie in lists (TimeStampValidationData/RevocationValues/CRLValues/…), never deeper than this.
        let one = element.elements();
        let two = element.elements().flat_map(|inner| inner.elements());
        let three = element.elements().flat_map(|inner| inner.elements()).flat_map(|inner| inner.elements());
        let mut count = 0;
        for part in one.chain(two).chain(three).filter(|part| part.namespace() == NAMESPACE) {
            let list = match part.local_name() {
                "EncapsulatedX509Certificate" => &mut values.certificates,
                "EncapsulatedCRLValue" => &mut values.crls,
                "EncapsulatedOCSPValue" => &mut values.ocsps,
                _ => continue,
            };
            count += 1;
            if count > MAX_VALUES {
                return Err(malformed("it carries too many values"));
            }
            // What cannot be read is of no use, as everywhere with evidence.
            if let Ok(der) = base64(part, "a value") {
                list.push(der);
            }
        }
        Ok(values)
    }
}

/// `Cert/CertDigest`: DigestMethod and DigestValue.
fn certificate_digest(certificate: Element<'_>) -> Result<Digest, SignatureError> {
    let digest = certificate.child(NAMESPACE, "CertDigest");
    let digest = digest.ok_or_else(|| malformed("a Cert without CertDigest"))?;
    let mut parts = Parts::of(digest, "CertDigest")?;
    let algorithm = algorithm::digest_method(parts.take("DigestMethod")?, Taking::Open)?;
    let bytes = base64(parts.take("DigestValue")?, "DigestValue")?;
    parts.finish()?;
    Ok(Digest { algorithm, bytes })
}

fn at_most_one<'d>(
    of: Element<'d>,
    namespace: &str,
    name: &'static str,
) -> Result<Option<Element<'d>>, SignatureError> {
    let mut found = of.elements().filter(|element| element.is(namespace, name));
    match (found.next(), found.next()) {
        (_, Some(_)) => Err(malformed(&format!("it has several {name}"))),
        (found, None) => Ok(found),
    }
}

/// Text of strangers as one line of bounded length.
fn line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().filter(|c| !c.is_control()).take(MAX_LINE).collect()
}

fn malformed(reason: &str) -> SignatureError {
    SignatureError::Malformed { reason: reason.to_owned() }
}

/// Characters of a place, a role or an identifier that are shown.
const MAX_LINE: usize = 256;
