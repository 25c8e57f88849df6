//! XAdES without the key: a signature inside an XML document, or beside any files (ETSI EN 319 132-1).
//!
//! ```text
//! prepare_enveloped(document, request, now)  ->  PreparedXades   what is to be signed
//! prepare_detached(files, request, now)      ->  PreparedXades
//!         a key signs it                                          the only step that sees a key
//! PreparedXades::finish(value)               ->  XadesFile        XAdES B-B
//! XadesFile::stamp(token)                    ->  XadesFile        B-T
//! XadesFile::keep(evidence)                  ->  XadesFile        B-LT
//! ```
//!
//! Nothing of a document is written anew: the signature goes between two of its bytes, and what is added later between
//! two bytes of the signature. [`XadesFile::read`] takes files that others made.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{SigningError, check_signer, check_usage, key_kind};
use crate::{
    base::{Digest, DigestAlgorithm, Limits, UtcTime},
    crypto, tsp,
    validation::Evidence,
    x509::{
        Certificate,
        algorithm::{KeyKind, SignatureScheme},
    },
    xml::{
        self, Algorithm, Canonicalization, Document, Element, Subset, XmlLimits,
        insert::Places,
        signature::{self, Identifiers},
        xades::{NAMESPACE, NAMESPACE_141, Properties, SIGNED_PROPERTIES, UnsignedKind},
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
    /// ClaimedRole of SignerRoleV2 (clause 5.2.6): nobody vouches for it.
    pub role: Option<String>,
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
    check_signer(&request.signer, request.scheme, now)?;
    if !request.any_usage {
        check_usage(&request.signer)?;
    }
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
    check_signer(&request.signer, request.scheme, now)?;
    if !request.any_usage {
        check_usage(&request.signer)?;
    }
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
    let id = format!("id-{}", hex::encode(request.seed));
    let references = files.iter().enumerate().map(|(at, file)| Reference {
        id: format!("{id}-r{}", at + 1),
        uri: encoded(&file.name),
        transforms: String::new(),
        digest: file.digest.clone(),
        media_type: file.media_type.clone().or_else(|| Some("application/octet-stream".to_owned())),
    });
    let references: Vec<Reference> = references.collect();
    Draft::new(&request, id, &references, Host::Frame(frame), now)?.prepare(request)
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
    /// [`SigningError::TimeStamp`] when the token is not one over this signature.
    pub fn stamp(self, token: &[u8], limits: &Limits) -> Result<Self, SigningError> {
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
        let again = self.with(|_, _, properties| Ok(properties.has_values()))?;
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
            let archived = |kind: &UnsignedKind<'_>| matches!(kind, UnsignedKind::ArchiveTimeStamp(_));
            if properties.unsigned.iter().any(|one| archived(&one.what)) {
                return Err(unsuited("it has an archive time-stamp, and kyso adds nothing behind one"));
            }
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

/// A signature as it is written.
#[derive(Debug)]
struct Draft {
    id: String,
    host: Host,
    /// Before and after the digest of the signed properties, and what follows the value.
    references: String,
    tail_reference: String,
    method: String,
    after_value: String,
    prefix: &'static str,
    properties_digest: Vec<u8>,
    value: Vec<u8>,
    form: XmlForm,
    digest: DigestAlgorithm,
}

/// Where a signature goes.
#[derive(Debug)]
enum Host {
    /// Into the element of this place among all elements.
    Document {
        bytes: Vec<u8>,
        place: usize,
    },
    Frame(Frame),
}

/// `ds:Reference` to be.
struct Reference {
    id: String,
    uri: String,
    /// Without prefixes.
    transforms: String,
    digest: Digest,
    media_type: Option<String>,
}

impl Draft {
    fn new(
        request: &XadesRequest,
        id: String,
        references: &[Reference],
        host: Host,
        now: UtcTime,
    ) -> Result<Self, SigningError> {
        let digest = request.scheme.digest();
        let unknown = || {
            let reason = format!("there is no identifier of {} in XML signatures", request.scheme.name());
            SigningError::Scheme { reason }
        };
        let method = signature::scheme_uri(request.scheme).ok_or_else(unknown)?;
        let digest_uri = signature::digest_uri(digest).ok_or_else(unknown)?;
        let digest_method = format!("<DigestMethod Algorithm=\"{digest_uri}\"/>");
        let written: String = references
            .iter()
            .map(|one| {
                format!(
                    "<Reference Id=\"{}\" URI=\"{}\">{}{digest_method}<DigestValue>{}</DigestValue></Reference>",
                    one.id,
                    escaped(&one.uri),
                    one.transforms,
                    STANDARD.encode(&one.digest.bytes)
                )
            })
            .collect();
        let tail_reference = format!(
            "<Reference Type=\"{SIGNED_PROPERTIES}\" URI=\"#{id}-properties\"><Transforms>{}</Transforms>\
             {digest_method}",
            transform(request.form.uri())
        );
        let certificates: String = std::iter::once(&request.signer)
            .chain(&request.chain)
            .map(|one| format!("<X509Certificate>{}</X509Certificate>", STANDARD.encode(one.der())))
            .collect();
        let formats: String = references
            .iter()
            .filter_map(|one| {
                let media_type = escaped(one.media_type.as_deref()?);
                Some(format!(
                    "<xades:DataObjectFormat ObjectReference=\"#{}\"><xades:MimeType>{media_type}</xades:MimeType>\
                     </xades:DataObjectFormat>",
                    one.id
                ))
            })
            .collect();
        let place = request.location.as_deref().map(|place| {
            format!(
                "<xades:SignatureProductionPlaceV2><xades:City>{}</xades:City></xades:SignatureProductionPlaceV2>",
                escaped(place)
            )
        });
        let role = request.role.as_deref().map(|role| {
            format!(
                "<xades:SignerRoleV2><xades:ClaimedRoles><xades:ClaimedRole>{}</xades:ClaimedRole>\
                 </xades:ClaimedRoles></xades:SignerRoleV2>",
                escaped(role)
            )
        });
        // Whole seconds: more is nobody's to claim.
        let time = UtcTime::from_second(now.as_second()).unwrap_or(now);
        let after_value = format!(
            "<KeyInfo><X509Data>{certificates}</X509Data></KeyInfo><Object><xades:QualifyingProperties \
             xmlns:xades=\"{NAMESPACE}\" Target=\"#{id}\"><xades:SignedProperties Id=\"{id}-properties\">\
             <xades:SignedSignatureProperties><xades:SigningTime>{time}</xades:SigningTime>\
             <xades:SigningCertificateV2><xades:Cert><xades:CertDigest>{digest_method}<DigestValue>{}</DigestValue>\
             </xades:CertDigest></xades:Cert></xades:SigningCertificateV2>{}{}</xades:SignedSignatureProperties>\
             <xades:SignedDataObjectProperties>{formats}</xades:SignedDataObjectProperties></xades:SignedProperties>\
             </xades:QualifyingProperties></Object>",
            STANDARD.encode(digest.digest(request.signer.der()).bytes),
            place.unwrap_or_default(),
            role.unwrap_or_default()
        );
        // The exchange of documents writes its signature without a prefix.
        let prefix = match &host {
            Host::Document { bytes, .. } if is_edxml(bytes) => "",
            _ => "ds",
        };
        Ok(Self {
            id,
            host,
            references: written,
            tail_reference,
            method: method.to_owned(),
            after_value,
            prefix,
            properties_digest: vec![0; digest.len()],
            value: Vec::new(),
            form: request.form,
            digest,
        })
    }

    /// Computes what is to be signed.
    fn prepare(mut self, request: XadesRequest) -> Result<PreparedXades, SigningError> {
        let limits = XmlLimits::default();
        let form = self.form.canonicalization();
        let properties = format!("{}-properties", self.id);
        self.properties_digest = self.within(|document, identifiers| {
            let subset = Subset::of(identifiers.find(&properties)?);
            Ok(self.digest.digest(&document.canonicalize(subset, &form, &limits)?).bytes)
        })?;
        let to_be_signed = self.within(|_, identifiers| {
            let element = identifiers.find(&self.id)?;
            Ok(xml::Signature::read_openly(element, identifiers)?.to_be_signed(&limits)?)
        })?;
        Ok(PreparedXades { request, draft: self, to_be_signed })
    }

    /// The file as it is by now, read.
    fn within<T>(
        &self,
        work: impl FnOnce(&Document, &Identifiers<'_>) -> Result<T, SigningError>,
    ) -> Result<T, SigningError> {
        let bytes = self.to_bytes()?;
        let document = Document::parse(&bytes, &XmlLimits::default())?;
        work(&document, &Identifiers::of(&document))
    }

    fn to_bytes(&self) -> Result<Vec<u8>, SigningError> {
        let text = self.to_text();
        match &self.host {
            Host::Document { bytes, place } => {
                let document = Document::parse(bytes, &XmlLimits::default())?;
                let host = document.elements().nth(*place);
                let host = host.ok_or_else(|| unsuited("it has no place for the signature"))?;
                append(bytes, &document, host, &text)
            }
            Host::Frame(Frame::Alone) => Ok(format!("{DECLARATION}{text}\n").into_bytes()),
            Host::Frame(Frame::Container) => Ok(format!(
                "{DECLARATION}<asic:XAdESSignatures xmlns:asic=\"{ASIC}\">{text}</asic:XAdESSignatures>\n"
            )
            .into_bytes()),
        }
    }

    /// `ds:Signature`, on one line: white space would be part of what is signed.
    fn to_text(&self) -> String {
        let text = format!(
            "<Signature XMLNS=\"{}\" Id=\"{}\"><SignedInfo><CanonicalizationMethod Algorithm=\"{}\"/>\
             <SignatureMethod Algorithm=\"{}\"/>{}{}<DigestValue>{}</DigestValue></Reference></SignedInfo>\
             <SignatureValue Id=\"{}-value\">{}</SignatureValue>{}</Signature>",
            signature::NAMESPACE,
            self.id,
            self.form.uri(),
            self.method,
            self.references,
            self.tail_reference,
            STANDARD.encode(&self.properties_digest),
            self.id,
            STANDARD.encode(&self.value),
            self.after_value
        );
        prefixed(&text, self.prefix)
    }
}

/// Gives the names that have no prefix this one, and the first declaration its name. Text and values hold no `<`.
fn prefixed(text: &str, prefix: &str) -> String {
    if prefix.is_empty() {
        return text.replacen("XMLNS", "xmlns", 1);
    }
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for (at, piece) in text.split('<').enumerate() {
        if at > 0 {
            out.push('<');
        }
        let (slash, name) = piece.strip_prefix('/').map_or(("", piece), |name| ("/", name));
        out.push_str(slash);
        if at > 0 && !name.starts_with("xades:") && !name.starts_with("ec:") {
            out.push_str(prefix);
            out.push(':');
        }
        out.push_str(name);
    }
    out.replacen("XMLNS", &format!("xmlns:{prefix}"), 1)
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

/// Text as content or as the value of an attribute.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
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

/// Prefixes of one list, as readers take them.
const MAX_PREFIXES: usize = 64;

const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// The namespace of edXML (QCVN 102:2016).
const EDXML: &str = "http://www.mic.gov.vn/TBT/QCVN_102_2016";

/// The namespace of containers of signatures (EN 319 162-1).
const ASIC: &str = "http://uri.etsi.org/02918/v1.2.1#";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_get_their_prefix() {
        let text = "<Signature XMLNS=\"urn:x\"><xades:A xmlns:xades=\"urn:y\"><B/></xades:A></Signature>";
        assert_eq!(
            prefixed(text, "ds"),
            "<ds:Signature xmlns:ds=\"urn:x\"><xades:A xmlns:xades=\"urn:y\"><ds:B/></xades:A></ds:Signature>"
        );
        assert_eq!(prefixed(text, ""), text.replace("XMLNS", "xmlns"));
    }

    #[test]
    fn names_of_files_become_references() {
        assert_eq!(encoded("Quyết định.pdf"), "Quy%E1%BA%BFt%20%C4%91%E1%BB%8Bnh.pdf");
        assert_eq!(encoded("a#b?c:d"), "a%23b%3Fc%3Ad");
    }
}
