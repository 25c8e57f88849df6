//! The text of a signature: what it says, where it goes, and what of it is signed.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{
    ASIC, Frame, PreparedXades, SigningError, XadesRequest, XmlForm, append, is_edxml, transform, unsuited,
};
use crate::{
    base::{Digest, DigestAlgorithm, UtcTime},
    cms::{Commitment, SignedPolicy, Statements},
    xml::{
        self, Document, Subset, XmlLimits,
        signature::{self, Identifiers},
        xades::{COMMITMENTS, NAMESPACE, OID_URN, SIGNED_PROPERTIES},
    },
};

/// A signature as it is written.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) id: String,
    host: Host,
    /// Before and after the digest of the signed properties, and what follows the value.
    references: String,
    tail_reference: String,
    method: String,
    after_value: String,
    prefix: &'static str,
    properties_digest: Vec<u8>,
    pub(super) value: Vec<u8>,
    form: XmlForm,
    digest: DigestAlgorithm,
}

/// Where a signature goes.
#[derive(Debug)]
pub(super) enum Host {
    /// Into the element of this place among all elements.
    Document {
        bytes: Vec<u8>,
        place: usize,
    },
    Frame(Frame),
}

/// `ds:Reference` to be.
pub(super) struct Reference {
    pub(super) id: String,
    pub(super) uri: String,
    /// Without prefixes.
    pub(super) transforms: String,
    pub(super) digest: Digest,
    pub(super) media_type: Option<String>,
}

impl Draft {
    pub(super) fn new(
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
        let Statements { policy, commitment, roles } = &request.statements;
        let policy = policy.as_ref().map(policy_identifier).transpose()?;
        let roles: String = roles
            .iter()
            .map(|role| format!("<xades:ClaimedRole>{}</xades:ClaimedRole>", escaped(role)))
            .collect();
        let roles = if roles.is_empty() {
            roles
        } else {
            format!(
                "<xades:SignerRoleV2><xades:ClaimedRoles>{roles}</xades:ClaimedRoles></xades:SignerRoleV2>"
            )
        };
        let commitment = commitment.map(commitment_indication);
        // Whole seconds: more is nobody's to claim.
        let time = UtcTime::from_second(now.as_second()).unwrap_or(now);
        let after_value = format!(
            "<KeyInfo><X509Data>{certificates}</X509Data></KeyInfo><Object><xades:QualifyingProperties \
             xmlns:xades=\"{NAMESPACE}\" Target=\"#{id}\"><xades:SignedProperties Id=\"{id}-properties\">\
             <xades:SignedSignatureProperties><xades:SigningTime>{time}</xades:SigningTime>\
             <xades:SigningCertificateV2><xades:Cert><xades:CertDigest>{digest_method}<DigestValue>{}</DigestValue>\
             </xades:CertDigest></xades:Cert></xades:SigningCertificateV2>{}{}{roles}</xades:SignedSignatureProperties>\
             <xades:SignedDataObjectProperties>{formats}{}</xades:SignedDataObjectProperties></xades:SignedProperties>\
             </xades:QualifyingProperties></Object>",
            STANDARD.encode(digest.digest(request.signer.der()).bytes),
            policy.unwrap_or_default(),
            place.unwrap_or_default(),
            commitment.unwrap_or_default()
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
    pub(super) fn prepare(mut self, request: XadesRequest) -> Result<PreparedXades, SigningError> {
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

    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, SigningError> {
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

/// SignaturePolicyIdentifier (clause 5.2.9).
fn policy_identifier(policy: &SignedPolicy) -> Result<String, SigningError> {
    let method = signature::digest_uri(policy.digest.algorithm);
    let method =
        method.ok_or_else(|| unsuited("the digest of the policy has no identifier in XML signatures"))?;
    let uri = policy.uri.as_deref().map(|uri| {
        format!(
            "<xades:SigPolicyQualifiers><xades:SigPolicyQualifier><xades:SPURI>{}</xades:SPURI>\
             </xades:SigPolicyQualifier></xades:SigPolicyQualifiers>",
            escaped(uri)
        )
    });
    Ok(format!(
        "<xades:SignaturePolicyIdentifier><xades:SignaturePolicyId><xades:SigPolicyId>\
         <xades:Identifier Qualifier=\"OIDAsURN\">{OID_URN}{}</xades:Identifier></xades:SigPolicyId>\
         <xades:SigPolicyHash><DigestMethod Algorithm=\"{method}\"/><DigestValue>{}</DigestValue></xades:SigPolicyHash>{}\
         </xades:SignaturePolicyId></xades:SignaturePolicyIdentifier>",
        policy.id,
        STANDARD.encode(&policy.digest.bytes),
        uri.unwrap_or_default()
    ))
}

/// CommitmentTypeIndication over all that is signed (clause 5.2.3).
fn commitment_indication(commitment: Commitment) -> String {
    let known = COMMITMENTS.iter().find(|(name, _)| commitment.name() == Some(*name));
    let identifier = match known {
        Some((_, uri)) => format!("<xades:Identifier>{uri}</xades:Identifier>"),
        None => {
            format!("<xades:Identifier Qualifier=\"OIDAsURN\">{OID_URN}{}</xades:Identifier>", commitment.0)
        }
    };
    format!(
        "<xades:CommitmentTypeIndication><xades:CommitmentTypeId>{identifier}</xades:CommitmentTypeId>\
         <xades:AllSignedDataObjects/></xades:CommitmentTypeIndication>"
    )
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

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

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
}
