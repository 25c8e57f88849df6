//! XAdES without the key: a signature inside an XML document, or beside any files (ETSI EN 319 132-1).
//!
//! ```text
//! prepare_enveloped(document, request, now)  ->  PreparedXades   what is to be signed
//! prepare_detached(files, request, now)      ->  PreparedXades
//!         a key signs it                                          the only step that sees a key
//! PreparedXades::finish(value)               ->  XadesFile        XAdES B-B
//! XadesFile::stamp(token)                    ->  XadesFile        B-T
//! XadesFile::keep(evidence)                  ->  XadesFile        B-LT
//! XadesFile::archive_request(files)          ->  tsp::Request
//! XadesFile::archive(token, files)           ->  XadesFile        B-LTA; again before that weakens
//! ```
//!
//! Nothing of a document is written anew: the signature goes between two of its bytes, and what is added later between
//! two bytes of the signature. [`XadesFile::read`] takes files that others made.

mod draft;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use self::draft::{Draft, Host, Reference};
use super::{SigningError, Wishes, check_signer, check_usage, key_kind};
use crate::{
    asic,
    base::{Digest, DigestAlgorithm, Limits, UtcTime, digest::Hasher},
    cms::Statements,
    crypto, tsp,
    validation::{Detached, Evidence},
    x509::{
        Certificate,
        algorithm::{KeyKind, SignatureScheme},
    },
    xml::{
        self, Algorithm, Canonicalization, Document, Element, Subset, XmlLimits,
        insert::Places,
        signature::{self, Identifiers, Target},
        xades::{NAMESPACE, NAMESPACE_141, Properties, Stamped, UnsignedKind},
    },
};

/// Who signs XML, and how.
#[derive(Clone, Debug)]
pub struct XadesRequest {
    /// The certificate of the key that will sign.
    pub signer: Certificate,
    /// Its issuers, as far as they should travel with the signature.
    pub chain: Vec<Certificate>,
    /// How the key will sign. Its digest is also that of the references.
    pub scheme: SignatureScheme,
    /// How XML is made octets.
    pub form: XmlForm,
    /// City of SignatureProductionPlaceV2 (clause 5.2.5).
    pub location: Option<String>,
    /// SignaturePolicyIdentifier, CommitmentTypeIndication over all that is signed, and the ClaimedRoles of SignerRoleV2
    /// (clauses 5.2.9, 5.2.3 and 5.2.6): nobody vouches for them.
    pub statements: Statements,
    /// From chance: identifiers in the file have to be unlike all others.
    pub seed: [u8; 16],
    /// As [`super::Wishes::any_usage`].
    pub any_usage: bool,
}

/// How XML is made octets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum XmlForm {
    /// Exclusive XML Canonicalization 1.0: what is signed may be moved into another document.
    #[default]
    Exclusive,
    /// Canonical XML 1.1.
    Inclusive,
}

/// A file that lies apart from its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileToSign {
    /// Its name as a relative reference; encoded here.
    pub name: String,
    /// Its digest, under the digest of the scheme.
    pub digest: Digest,
    /// Its media type, such as `application/pdf`.
    pub media_type: Option<String>,
}

/// What stands around a detached signature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Frame {
    /// Nothing: `ds:Signature` is the root element.
    #[default]
    Alone,
    /// `asic:XAdESSignatures`, as containers have it (EN 319 162-1 clause 4.4.3.2).
    Container,
}

/// A signature that waits for its value.
#[derive(Debug)]
pub struct PreparedXades {
    request: XadesRequest,
    draft: Draft,
    to_be_signed: Vec<u8>,
}

/// A file with an XAdES signature.
#[derive(Clone, Debug)]
pub struct XadesFile {
    bytes: Vec<u8>,
    /// `Id` of the signature.
    id: String,
}

impl XmlForm {
    fn uri(self) -> &'static str {
        match self {
            Self::Exclusive => EXCLUSIVE,
            Self::Inclusive => "http://www.w3.org/2006/12/xml-c14n11",
        }
    }

    fn canonicalization(self) -> Canonicalization {
        Canonicalization::by_uri(self.uri()).unwrap_or_else(Canonicalization::fallback)
    }
}

/// Builds the signature that goes into a document: as the last child of its root element; of an edXML message, as the
/// last child of `edXMLHeader`, where the exchange of documents looks for it.
///
/// # Errors
///
/// As [`check_signer`] and [`check_usage`]; [`SigningError::Xml`] when the document cannot be read, and [`SigningError::XmlUnsuited`] when
/// its signature would prove less than it seems to.
pub fn prepare_enveloped(
    document: Vec<u8>,
    request: XadesRequest,
    now: UtcTime,
) -> Result<PreparedXades, SigningError> {
    check_request(&request, now)?;
    let limits = XmlLimits::default();
    let read = Document::parse(&document, &limits)?;
    suited(&read)?;
    let host = host(&read)?;
    let place = read.elements().position(|element| element == host).unwrap_or(0);
    let (form, transform_to_it) = document_form(&read, request.form)?;
    let octets = read.canonicalize(Subset::WHOLE, &form, &limits)?;
    let digest = request.scheme.digest().digest(&octets);
    let transforms = format!("{}{transform_to_it}", transform(ENVELOPED));
    let id = identifier(&request, &Identifiers::of(&read))?;
    let reference = Reference {
        id: format!("{id}-r1"),
        uri: String::new(),
        transforms: format!("<Transforms>{transforms}</Transforms>"),
        digest,
        media_type: Some("text/xml".to_owned()),
    };
    let draft = Draft::new(&request, id, &[reference], Host::Document { bytes: document, place }, now)?;
    draft.prepare(request)
}

/// Whether a document can take a signature inside.
///
/// # Errors
///
/// As [`prepare_enveloped`].
pub fn check_document(bytes: &[u8]) -> Result<(), SigningError> {
    let document = Document::parse(bytes, &XmlLimits::default())?;
    suited(&document)?;
    host(&document).map(drop)
}

/// Builds the signature that lies beside files.
///
/// # Errors
///
/// As [`check_signer`] and [`check_usage`]; [`SigningError::XmlUnsuited`] when there is no file, or two have one name.
pub fn prepare_detached(
    files: &[FileToSign],
    frame: Frame,
    request: XadesRequest,
    now: UtcTime,
) -> Result<PreparedXades, SigningError> {
    check_request(&request, now)?;
    let id = format!("id-{}", hex::encode(request.seed));
    let references = references(files, &request, &id)?;
    Draft::new(&request, id, &references, Host::Frame(frame), now)?.prepare(request)
}

/// Builds one signature more for a file of signatures as containers have it (EN 319 162-1 clause 4.3.3.2 item 4 c): behind
/// those that are there, of which no byte changes.
///
/// # Errors
///
/// As [`prepare_detached`]; [`SigningError::XmlUnsuited`] when `signatures` is no such file.
pub fn prepare_beside(
    files: &[FileToSign],
    signatures: Vec<u8>,
    request: XadesRequest,
    now: UtcTime,
) -> Result<PreparedXades, SigningError> {
    check_request(&request, now)?;
    let read = Document::parse(&signatures, &XmlLimits::default())?;
    takes_another(&read)?;
    let id = identifier(&request, &Identifiers::of(&read))?;
    let references = references(files, &request, &id)?;
    let host = Host::Document { bytes: signatures, place: 0 };
    Draft::new(&request, id, &references, host, now)?.prepare(request)
}

/// Whether a file of signatures takes one more.
///
/// # Errors
///
/// As [`prepare_beside`].
pub fn check_beside(signatures: &[u8]) -> Result<(), SigningError> {
    takes_another(&Document::parse(signatures, &XmlLimits::default())?)
}

fn takes_another(signatures: &Document) -> Result<(), SigningError> {
    let root = signatures.root();
    let mut own = root.elements();
    let all = own.all(|child| child.is(signature::NAMESPACE, "Signature"));
    if root.is(ASIC, "XAdESSignatures") && all {
        return Ok(());
    }
    Err(unsuited("its file of signatures is no asic:XAdESSignatures with signatures alone"))
}

/// Who signs, and what they say.
fn check_request(request: &XadesRequest, now: UtcTime) -> Result<(), SigningError> {
    check_signer(&request.signer, request.scheme, now)?;
    if !request.any_usage {
        check_usage(&request.signer)?;
    }
    let refuse = |reason: &str| Err(SigningError::Wish { reason: reason.to_owned() });
    if request.location.as_ref().is_some_and(|place| place.trim().is_empty() || place.len() > LONGEST_PLACE) {
        return refuse("the place of signing has from 1 to 1000 bytes");
    }
    let policy = request.statements.policy.as_ref();
    if policy.is_some_and(|policy| signature::digest_uri(policy.digest.algorithm).is_none()) {
        return refuse("the digest of the policy has no identifier in XML signatures; take SHA-256");
    }
    Wishes { statements: request.statements.clone(), ..Wishes::default() }.check()
}

/// The references to files, with their digests.
fn references(
    files: &[FileToSign],
    request: &XadesRequest,
    id: &str,
) -> Result<Vec<Reference>, SigningError> {
    let unsuited = |reason: &str| SigningError::XmlUnsuited { reason: reason.to_owned() };
    if files.is_empty() || files.len() >= signature::MAX_REFERENCES {
        return Err(unsuited("a detached signature is about at least one file, and about 63 at most"));
    }
    let mut names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    if names.len() != files.len() || names.iter().any(|name| name.is_empty()) {
        return Err(unsuited("two files have the same name, or one has none"));
    }
    if files.iter().any(|file| file.digest.algorithm != request.scheme.digest()) {
        return Err(unsuited("a file was hashed with another algorithm than the signature"));
    }
    let references = files.iter().enumerate().map(|(at, file)| Reference {
        id: format!("{id}-r{}", at + 1),
        uri: encoded(&file.name),
        transforms: String::new(),
        digest: file.digest.clone(),
        media_type: file.media_type.clone().or_else(|| Some("application/octet-stream".to_owned())),
    });
    Ok(references.collect())
}

impl PreparedXades {
    /// The canonical octets of SignedInfo: what the key signs, by [`PreparedXades::scheme`].
    pub fn to_be_signed(&self) -> &[u8] {
        &self.to_be_signed
    }

    /// How the key signs.
    pub fn scheme(&self) -> SignatureScheme {
        self.request.scheme
    }

    /// `Id` of the signature to be.
    pub fn id(&self) -> &str {
        &self.draft.id
    }

    /// Takes the signature value, which must fit the certificate. ECDSA values are DER `Ecdsa-Sig-Value`.
    ///
    /// # Errors
    ///
    /// [`SigningError::Value`] when it does not fit: another key signed, or something else was signed.
    pub fn finish(mut self, value: &[u8]) -> Result<XadesFile, SigningError> {
        let request = &self.request;
        crypto::verify(request.signer.spki_der(), request.scheme, &self.to_be_signed, value)
            .map_err(SigningError::Value)?;
        self.draft.value = match (request.scheme, key_kind(&request.signer)?) {
            (SignatureScheme::Ecdsa(_), KeyKind::Brainpool { bits } | KeyKind::Ec { bits }) => {
                let value = signature::ecdsa_value_from_der(value, bits);
                value.ok_or(SigningError::Value(crypto::CryptoError::BadSignature))?
            }
            _ => value.to_vec(),
        };
        Ok(XadesFile { bytes: self.draft.to_bytes()?, id: self.draft.id })
    }
}

impl XadesFile {
    /// A file that is there, with the signature of this `Id`; without one, with its only signature.
    ///
    /// # Errors
    ///
    /// When it cannot be read, has no such signature, or one without XAdES properties: nothing can be added to that.
    pub fn read(bytes: Vec<u8>, id: Option<&str>) -> Result<Self, SigningError> {
        let ids = Self::ids(&bytes)?;
        let found = match (id, &ids[..]) {
            (Some(id), ids) => ids.iter().find(|own| own.as_str() == id).cloned(),
            (None, [only]) => Some(only.clone()),
            (None, _) => None,
        };
        let reason = "it has no such XAdES signature, or several of which none was named".to_owned();
        let id = found.ok_or(SigningError::XmlUnsuited { reason })?;
        let file = Self { bytes, id };
        file.with(|_, _, _| Ok(()))?;
        Ok(file)
    }

    /// The `Id` of every XAdES signature of a file, in its order.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn ids(bytes: &[u8]) -> Result<Vec<String>, SigningError> {
        let document = Document::parse(bytes, &XmlLimits::default())?;
        let own = |element: &Element<'_>| {
            element.is(signature::NAMESPACE, "Signature")
                && element.parent().is_none_or(|parent| !parent.is(NAMESPACE, "CounterSignature"))
        };
        let ids = document.elements().filter(own).filter_map(|element| element.attribute("Id"));
        Ok(ids.map(str::to_owned).collect())
    }

    /// The file.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The file.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// `Id` of the signature.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The request for a SignatureTimeStamp (clause 5.3): over the canonical SignatureValue.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn time_stamp_request(
        &self,
        algorithm: DigestAlgorithm,
        nonce: [u8; 8],
    ) -> Result<tsp::Request, SigningError> {
        let imprint = algorithm.digest(&self.stamped_octets()?);
        Ok(tsp::Request { imprint, nonce: Some(nonce.to_vec()), cert_req: true })
    }

    /// The file with a SignatureTimeStamp.
    ///
    /// # Errors
    ///
    /// [`SigningError::TimeStamp`] when the token is not one over this signature; [`SigningError::XmlUnsuited`] when an
    /// archive time-stamp is there, behind which nothing but its own evidence belongs.
    pub fn stamp(self, token: &[u8], limits: &Limits) -> Result<Self, SigningError> {
        if self.with(|_, _, properties| Ok(properties.is_archived()))? {
            return Err(unsuited("it has an archive time-stamp, and kyso adds no other kind behind one"));
        }
        let parsed = tsp::Token::parse(token, limits)?;
        let imprint = parsed.info.imprint.algorithm.digest(&self.stamped_octets()?);
        if parsed.info.imprint != imprint {
            return Err(tsp::TspError::Mismatch { what: "messageImprint" }.into());
        }
        let property = format!(
            "<xades:SignatureTimeStamp xmlns:xades=\"{NAMESPACE}\"><ds:CanonicalizationMethod xmlns:ds=\"{}\" \
             Algorithm=\"{EXCLUSIVE}\"/><xades:EncapsulatedTimeStamp>{}</xades:EncapsulatedTimeStamp>\
             </xades:SignatureTimeStamp>",
            signature::NAMESPACE,
            STANDARD.encode(token)
        );
        self.add(&property)
    }

    /// The file with certificates and status evidence: CertificateValues and RevocationValues, or TimeStampValidationData
    /// where those are there already (clauses 5.4.1, 5.4.2, 5.5.1).
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn keep(self, evidence: &[Evidence]) -> Result<Self, SigningError> {
        if evidence.is_empty() {
            return Ok(self);
        }
        let list = |name: &str, inner: &str, pick: fn(&Evidence) -> Option<&[u8]>| {
            let values: String = evidence
                .iter()
                .filter_map(pick)
                .map(|der| format!("<xades:{inner}>{}</xades:{inner}>", STANDARD.encode(der)))
                .collect();
            if values.is_empty() { values } else { format!("<xades:{name}>{values}</xades:{name}>") }
        };
        let certificates: String =
            list("CertificateValues", "EncapsulatedX509Certificate", |one| match one {
                Evidence::Certificate(der) => Some(der),
                _ => None,
            });
        let crls = list("CRLValues", "EncapsulatedCRLValue", |one| match one {
            Evidence::Crl(der) => Some(der),
            _ => None,
        });
        let ocsps = list("OCSPValues", "EncapsulatedOCSPValue", |one| match one {
            Evidence::Ocsp(der) => Some(der),
            _ => None,
        });
        let statuses = format!("{crls}{ocsps}");
        let statuses = if statuses.is_empty() {
            statuses
        } else {
            format!("<xades:RevocationValues>{statuses}</xades:RevocationValues>")
        };
        let again = self.with(|_, _, properties| Ok(properties.has_values() || properties.is_archived()))?;
        let declaration = format!("xmlns:xades=\"{NAMESPACE}\"");
        let property = if again {
            format!(
                "<xades141:TimeStampValidationData xmlns:xades141=\"{NAMESPACE_141}\" {declaration}>{certificates}\
                 {statuses}</xades141:TimeStampValidationData>"
            )
        } else {
            [certificates, statuses]
                .iter()
                .map(|property| property.replacen("Values>", &format!("Values {declaration}>"), 1))
                .collect()
        };
        self.add(&property)
    }

    /// The request for an ArchiveTimeStamp (clause 5.5.2) over all that is there now. `files`: those that lie apart and that
    /// the signature is about.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or a file that the signature is about is not among `files`.
    pub fn archive_request(
        &self,
        files: &[Detached],
        algorithm: DigestAlgorithm,
        nonce: [u8; 8],
    ) -> Result<tsp::Request, SigningError> {
        let imprint = self.archive_imprint(files, algorithm)?;
        Ok(tsp::Request { imprint, nonce: Some(nonce.to_vec()), cert_req: true })
    }

    /// The file with an ArchiveTimeStamp behind all that is there.
    ///
    /// # Errors
    ///
    /// [`SigningError::TimeStamp`] when the token is not one over it; and as [`XadesFile::archive_request`].
    pub fn archive(self, token: &[u8], files: &[Detached], limits: &Limits) -> Result<Self, SigningError> {
        let parsed = tsp::Token::parse(token, limits)?;
        if parsed.info.imprint != self.archive_imprint(files, parsed.info.imprint.algorithm)? {
            return Err(tsp::TspError::Mismatch { what: "messageImprint" }.into());
        }
        let property = format!(
            "<xades141:ArchiveTimeStamp xmlns:xades141=\"{NAMESPACE_141}\" xmlns:xades=\"{NAMESPACE}\">\
             <ds:CanonicalizationMethod xmlns:ds=\"{}\" Algorithm=\"{EXCLUSIVE}\"/><xades:EncapsulatedTimeStamp>{}\
             </xades:EncapsulatedTimeStamp></xades141:ArchiveTimeStamp>",
            signature::NAMESPACE,
            STANDARD.encode(token)
        );
        self.add(&property)
    }

    /// Of all that an archive time-stamp put here would be over.
    fn archive_imprint(
        &self,
        files: &[Detached],
        algorithm: DigestAlgorithm,
    ) -> Result<Digest, SigningError> {
        let (form, limits) = (XmlForm::Exclusive.canonicalization(), XmlLimits::default());
        self.with(|document, signature, properties| {
            let mut hasher = Hasher::new(algorithm);
            for part in properties.archived(signature, properties.unsigned.len()) {
                let octets = match part {
                    Stamped::Element(element) => {
                        document.canonicalize(Subset::of(element), &form, &limits)?
                    }
                    Stamped::Reference(reference) => match reference.target() {
                        Target::External(uri) => {
                            let file = apart(uri, files)?;
                            if reference.is_plain() {
                                hasher.update_from(&*file.source, 0..file.source.len())?;
                                continue;
                            }
                            if file.source.len() > limits.bytes as u64 {
                                return Err(unsuited(
                                    "a file that it signs in a canonical form is too large",
                                ));
                            }
                            let bytes = file.source.read(0..file.source.len())?;
                            reference.octets_of(&bytes, &limits)?
                        }
                        Target::Document(_) | Target::Element(_) => {
                            reference.octets(&form, &limits)?.unwrap_or_default()
                        }
                    },
                };
                hasher.update(&octets);
            }
            Ok(hasher.finish())
        })
    }

    /// Whether the signature has a time-stamp, whatever it is worth.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn is_stamped(&self) -> Result<bool, SigningError> {
        self.with(|_, _, properties| Ok(properties.signature_stamps().next().is_some()))
    }

    /// The certificates and status evidence that the file holds in its properties.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn held(&self) -> Result<Vec<Evidence>, SigningError> {
        self.with(|_, signature, properties| {
            let own = signature.certificates().iter().map(|one| Evidence::Certificate(one.der().to_vec()));
            let mut held: Vec<Evidence> = own.collect();
            for property in &properties.unsigned {
                if let UnsignedKind::Values(values) = &property.what {
                    held.extend(values.certificates.iter().cloned().map(Evidence::Certificate));
                    held.extend(values.crls.iter().cloned().map(Evidence::Crl));
                    held.extend(values.ocsps.iter().cloned().map(Evidence::Ocsp));
                }
            }
            Ok(held)
        })
    }

    fn stamped_octets(&self) -> Result<Vec<u8>, SigningError> {
        let form = XmlForm::Exclusive.canonicalization();
        self.with(|document, signature, _| {
            let subset = Subset::of(signature.value_element());
            Ok(document.canonicalize(subset, &form, &XmlLimits::default())?)
        })
    }

    /// The file with one more unsigned property behind the others.
    fn add(self, property: &str) -> Result<Self, SigningError> {
        let bytes = self.with(|document, _, properties| {
            let qualifying = properties.element;
            let list = format!(
                "<xades:UnsignedSignatureProperties xmlns:xades=\"{NAMESPACE}\">{property}\
                 </xades:UnsignedSignatureProperties>"
            );
            let (host, text) = match qualifying.child(NAMESPACE, "UnsignedProperties") {
                Some(unsigned) => match unsigned.child(NAMESPACE, "UnsignedSignatureProperties") {
                    Some(host) => (host, property.to_owned()),
                    None if unsigned.elements().next().is_none() => (unsigned, list),
                    None => return Err(unsuited("its unsigned properties are about data objects alone")),
                },
                None => {
                    let text = format!(
                        "<xades:UnsignedProperties xmlns:xades=\"{NAMESPACE}\">{list}</xades:UnsignedProperties>"
                    );
                    (qualifying, text)
                }
            };
            append(&self.bytes, document, host, &text)
        })?;
        Ok(Self { bytes, ..self })
    }

    /// The signature and its properties, read anew.
    fn with<T>(
        &self,
        work: impl FnOnce(&Document, &xml::Signature<'_>, &Properties<'_>) -> Result<T, SigningError>,
    ) -> Result<T, SigningError> {
        let document = Document::parse(&self.bytes, &XmlLimits::default())?;
        let identifiers = Identifiers::of(&document);
        let element = identifiers.find(&self.id)?;
        let signature = xml::Signature::read_openly(element, &identifiers)?;
        let properties = Properties::read(&signature, &identifiers)?;
        let properties = properties.ok_or_else(|| unsuited("the signature has no XAdES properties"))?;
        work(&document, &signature, &properties)
    }
}

/// The file that a reference names; of one alone, whatever it is called.
fn apart<'f>(uri: &str, files: &'f [Detached]) -> Result<&'f Detached, SigningError> {
    let name = asic::name_of(uri);
    let named = files.iter().find(|file| name.as_ref() == Some(&file.name));
    let found = match (named, files) {
        (None, [only]) => Some(only),
        (named, _) => named,
    };
    found.ok_or_else(|| {
        let reason = format!("the file {uri:?} that it is about was not given");
        SigningError::XmlUnsuited { reason }
    })
}

/// Whether a signature of the whole would prove what it seems to.
fn suited(document: &Document) -> Result<(), SigningError> {
    if document.elements().any(|element| element.is(signature::NAMESPACE, "Signature")) {
        return Err(unsuited(
            "it has a signature already, which a second one inside would break; sign it detached, or in a container",
        ));
    }
    if let Some(cut) = document.cut_text() {
        let name = cut.local_name();
        let reason = format!(
            "the text of {name:?} is cut in two by a comment or a CDATA section, which no signature covers; write it in \
             one piece"
        );
        return Err(SigningError::XmlUnsuited { reason });
    }
    Ok(())
}

/// The element whose last child the signature becomes.
fn host(document: &Document) -> Result<Element<'_>, SigningError> {
    let root = document.root();
    let host = if root.is(EDXML, "edXML") {
        let header =
            root.child(EDXML, "edXMLEnvelope").and_then(|envelope| envelope.child(EDXML, "edXMLHeader"));
        header.ok_or_else(|| unsuited("it is an edXML message without an edXMLHeader"))?
    } else {
        root
    };
    let speaks = host.children().any(|node| match node {
        xml::Node::Text(text) => !text.trim_matches([' ', '\t', '\r', '\n']).is_empty(),
        _ => false,
    });
    if speaks {
        return Err(unsuited(
            "its root element holds text, which a signature inside would cut in two; sign it detached",
        ));
    }
    Ok(host)
}

fn is_edxml(bytes: &[u8]) -> bool {
    Document::parse(bytes, &XmlLimits::default()).is_ok_and(|document| document.root().is(EDXML, "edXML"))
}

/// An identifier that no element of the document has, nor begins with.
fn identifier(request: &XadesRequest, identifiers: &Identifiers<'_>) -> Result<String, SigningError> {
    let id = format!("id-{}", hex::encode(request.seed));
    let taken = |suffix: &str| identifiers.knows(&format!("{id}{suffix}"));
    if ["", "-r1", "-value", "-properties"].into_iter().any(taken) {
        return Err(unsuited("it has the identifier already that chance gave; try again"));
    }
    Ok(id)
}

fn append(bytes: &[u8], document: &Document, host: Element<'_>, text: &str) -> Result<Vec<u8>, SigningError> {
    let places = Places::of(bytes, document)?;
    let appended = places.and_then(|places| places.append(bytes, host, text));
    appended.ok_or_else(|| unsuited("the place for the signature was not found in it"))
}

fn transform(uri: &str) -> String {
    format!("<Transform Algorithm=\"{uri}\"/>")
}

/// The form of a whole document, and the transform that names it.
///
/// An exclusive form leaves out the declarations that no name uses, and with them what a prefix in a value means. A whole
/// document has nothing around it to be independent of, so all of its prefixes are listed.
fn document_form(document: &Document, form: XmlForm) -> Result<(Canonicalization, String), SigningError> {
    let declared = document.declared_prefixes();
    let mut canonicalization = form.canonicalization();
    let Algorithm::Exclusive { inclusive } = &mut canonicalization.algorithm else {
        return Ok((canonicalization, transform(form.uri())));
    };
    if declared.is_empty() {
        return Ok((canonicalization, transform(form.uri())));
    }
    inclusive.push(String::new());
    inclusive.extend(declared.iter().filter(|prefix| !prefix.is_empty()).map(|&prefix| prefix.to_owned()));
    if inclusive.len() > MAX_PREFIXES {
        return Err(unsuited("it declares too many prefixes for the exclusive form; take the inclusive one"));
    }
    let names: Vec<&str> =
        inclusive.iter().map(|prefix| if prefix.is_empty() { "#default" } else { prefix }).collect();
    let transform = format!(
        "<Transform Algorithm=\"{EXCLUSIVE}\"><ec:InclusiveNamespaces xmlns:ec=\"{EXCLUSIVE}\" PrefixList=\"{}\"/>\
         </Transform>",
        names.join(" ")
    );
    Ok((canonicalization, transform))
}

/// A file's name as a relative reference (RFC 3986 section 3.3).
fn encoded(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(char::from(byte));
            }
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn unsuited(reason: &str) -> SigningError {
    SigningError::XmlUnsuited { reason: reason.to_owned() }
}

/// As of a role, in bytes.
const LONGEST_PLACE: usize = 1000;

/// Prefixes of one list, as readers take them.
const MAX_PREFIXES: usize = 64;

const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";

/// The namespace of edXML (QCVN 102:2016).
const EDXML: &str = "http://www.mic.gov.vn/TBT/QCVN_102_2016";

/// The namespace of containers of signatures (EN 319 162-1).
const ASIC: &str = "http://uri.etsi.org/02918/v1.2.1#";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_become_references() {
        assert_eq!(encoded("Quyết định.pdf"), "Quy%E1%BA%BFt%20%C4%91%E1%BB%8Bnh.pdf");
        assert_eq!(encoded("a#b?c:d"), "a%23b%3Fc%3Ad");
    }
}
