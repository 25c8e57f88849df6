//! The validation report of ETSI TS 119 102-2 V1.4.1 in XML, for archives and other validators.
//!
//! One `SignatureValidationReport` for each signature and document time-stamp of each document, the certificates once
//! each among the `SignatureValidationObjects`. A document without a signature and a file that could not be judged have
//! one report too, so that no file is missing. kyso's own messages stand in `AdditionalValidationReportData` under
//! their stable keys. The report is not signed.

use std::{collections::BTreeMap, io};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use quick_xml::{
    Writer,
    events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event},
};

use super::algorithm::{SHA256, signature_uri};
use crate::{
    cms::Commitment,
    validation::{
        CertificateReport, CertificateStatus, CoverageLevel, DocumentReport, Indication, Message, Report,
        SignatureReport, StatementsReport, TimeSource, TimeStampKind, Unreadable,
    },
};

/// The report on all documents of `report`, in UTF-8.
///
/// # Errors
///
/// None that a writer into memory can meet; they are handed through so that none is hidden.
pub fn validation_report(report: &Report) -> io::Result<Vec<u8>> {
    let mut xml = Xml { writer: Writer::new_with_indent(Vec::new(), b' ', 2), objects: Objects::default() };
    xml.write(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let namespaces = [("xmlns", NAMESPACE), ("xmlns:ds", XMLDSIG), ("xmlns:XAdES", XADES)];
    xml.element("ValidationReport", &namespaces, |xml| {
        for (index, document) in report.documents.iter().enumerate() {
            let place = Place { document, id: format!("D-{}", index + 1) };
            xml.objects.files.push((place.id.clone(), document.name.clone(), Some(document.sha256.clone())));
            if document.signatures.is_empty() {
                xml.unsigned(&place)?;
            }
            for signature in &document.signatures {
                xml.signature(&place, signature)?;
            }
        }
        for (index, file) in report.unreadable.iter().enumerate() {
            let id = format!("U-{}", index + 1);
            xml.objects.files.push((id.clone(), file.name.clone(), None));
            xml.unreadable(file, &id)?;
        }
        xml.validation_objects()
    })?;
    let mut bytes = xml.writer.into_inner();
    bytes.push(b'\n');
    Ok(bytes)
}

/// A document and the identifier of its bytes in this report.
struct Place<'a> {
    document: &'a DocumentReport,
    id: String,
}

/// What the reports refer to.
#[derive(Default)]
struct Objects {
    /// Identifier, name, and SHA-256 where it was read.
    files: Vec<(String, String, Option<String>)>,
    /// DER by identifier.
    certificates: BTreeMap<String, Vec<u8>>,
}

struct Xml {
    writer: Writer<Vec<u8>>,
    objects: Objects,
}

impl Xml {
    /// Clause 4.3: one signature.
    fn signature(&mut self, place: &Place<'_>, signature: &SignatureReport) -> io::Result<()> {
        self.element("SignatureValidationReport", &[], |xml| {
            let id = format!("{}-{}", place.id, signature.id);
            let by_digest = signature.coverage == CoverageLevel::Digest;
            xml.element("SignatureIdentifier", &[("id", &id)], |xml| {
                xml.leaf("HashOnly", if by_digest { "true" } else { "false" })?;
                xml.leaf("DocHashOnly", "false")?;
                let field = if signature.field.is_empty() { &signature.id } else { &signature.field };
                xml.leaf("DAIdentifier", &format!("{}#{field}", place.document.name))
            })?;
            xml.policy(place.document)?;
            xml.times(place.document, signature)?;
            // Of a document that stayed with the caller, what was seen is its signature.
            if !by_digest {
                xml.signers_document(place)?;
            }
            xml.attributes(signature)?;
            xml.signer(signature)?;
            xml.element("SignatureValidationProcess", &[], |xml| {
                xml.leaf("SignatureValidationProcessID", PROCESS)
            })?;
            xml.status(place, signature)
        })
    }

    /// ETSI names no indication for this; the one of the Commission's DSS is what others understand.
    fn unsigned(&mut self, place: &Place<'_>) -> io::Result<()> {
        self.element("SignatureValidationReport", &[], |xml| {
            xml.policy(place.document)?;
            xml.signers_document(place)?;
            xml.element("SignatureValidationStatus", &[], |xml| {
                xml.leaf("MainIndication", "urn:cef:dss:mainindication:noSignatureFound")
            })
        })
    }

    fn unreadable(&mut self, file: &Unreadable, id: &str) -> io::Result<()> {
        self.element("SignatureValidationReport", &[], |xml| {
            xml.element("SignersDocument", &[], |xml| xml.reference("SignersDocumentRepresentation", id))?;
            xml.element("SignatureValidationStatus", &[], |xml| {
                xml.leaf("MainIndication", main_indication(Indication::Indeterminate))?;
                xml.leaf("SubIndication", &sub_indication("SIGNED_DATA_NOT_FOUND"))?;
                xml.element("AssociatedValidationReportData", &[], |xml| {
                    xml.messages(&[("error", std::slice::from_ref(&file.error))])
                })
            })
        })
    }

    /// Clause 4.3.5. The policy is the validator's own, not one that a signature names.
    fn policy(&mut self, document: &DocumentReport) -> io::Result<()> {
        self.element("ValidationConstraintsEvaluationReport", &[], |xml| {
            xml.element("SignatureValidationPolicy", &[], |xml| {
                xml.element("SignaturePolicyIdentifier", &[], |xml| {
                    xml.empty("XAdES:SignaturePolicyImplied", &[])
                })?;
                xml.leaf("PolicyName", &document.policy)
            })
        })
    }

    /// Clause 4.3.6. Where nothing proves an earlier time, the signature exists at the time of validation.
    fn times(&mut self, document: &DocumentReport, signature: &SignatureReport) -> io::Result<()> {
        let proven = signature.best_signature_time_source == Some(TimeSource::TimeStamp);
        let best = signature.best_signature_time.as_deref().filter(|_| proven);
        self.element("ValidationTimeInfo", &[], |xml| {
            xml.leaf("ValidationTime", &document.validation_time)?;
            xml.element("BestSignatureTime", &[], |xml| {
                xml.leaf("POETime", best.unwrap_or(&document.validation_time))?;
                xml.leaf("TypeOfProof", "urn:etsi:019102:poetype:validation")
            })
        })
    }

    /// Clause 4.3.7.
    fn signers_document(&mut self, place: &Place<'_>) -> io::Result<()> {
        self.element("SignersDocument", &[], |xml| {
            // A signature that lies apart from what it signs is no document of the signer.
            let apart =
                place.document.signed_files.first().filter(|_| place.document.signed_files.len() == 1);
            xml.digest(apart.map_or(&place.document.sha256, |file| &file.sha256))?;
            xml.reference("SignersDocumentRef", &place.id)
        })
    }

    /// Clause 4.3.8 and annex A. There may not be an empty list.
    fn attributes(&mut self, signature: &SignatureReport) -> io::Result<()> {
        let stamps: Vec<(TimeStampKind, &str)> = signature
            .time_stamps
            .iter()
            .filter_map(|stamp| Some((stamp.kind, stamp.production_time.as_deref()?)))
            .collect();
        let texts = [&signature.claimed_signing_time, &signature.location, &signature.reason];
        let statements = &signature.statements;
        let silent = *statements == StatementsReport::default();
        if stamps.is_empty() && silent && texts.iter().all(|text| text.is_none()) {
            return Ok(());
        }
        self.element("SignatureAttributes", &[], |xml| {
            let signed = [("Signed", "true")];
            if let Some(time) = &signature.claimed_signing_time {
                xml.element("SigningTime", &signed, |xml| xml.leaf("Time", time))?;
            }
            for commitment in &statements.commitment_types {
                let known = commitment.parse::<Commitment>().ok();
                if let Some(Commitment(kind)) = known {
                    xml.element("CommitmentTypeIndication", &signed, |xml| {
                        xml.leaf("CommitmentTypeIdentifier", &format!("urn:oid:{kind}"))
                    })?;
                }
            }
            if let Some(policy) = &statements.signature_policy {
                let identifier = &policy.identifier;
                let dotted = identifier.starts_with(|first: char| first.is_ascii_digit());
                // An implied policy has no identifier of its own; what is unreadable is left out.
                if dotted || identifier == "implied" {
                    let id =
                        if dotted { format!("urn:oid:{identifier}") } else { "urn:kyso:implied".to_owned() };
                    xml.element("SigPolicyIdentifier", &signed, |xml| xml.leaf("SigPolicyId", &id))?;
                }
            }
            if let Some(location) = &signature.location {
                xml.element("SignatureProductionPlace", &signed, |xml| xml.leaf("AddressString", location))?;
            }
            if !statements.signer_roles.is_empty() {
                xml.element("SignerRole", &signed, |xml| {
                    statements.signer_roles.iter().try_for_each(|role| {
                        xml.element("RoleDetails", &[], |xml| {
                            xml.leaf("Role", role)?;
                            xml.leaf("EndorsementType", "claimed")
                        })
                    })
                })?;
            }
            for (kind, time) in stamps {
                let (name, is_signed) = match kind {
                    TimeStampKind::Archive => ("ArchiveTimeStamp", "false"),
                    TimeStampKind::Content => ("AllDataObjectsTimeStamp", "true"),
                    TimeStampKind::Signature => ("SignatureTimeStamp", "false"),
                };
                xml.element(name, &[("Signed", is_signed)], |xml| xml.leaf("TimeStampValue", time))?;
            }
            match &signature.reason {
                Some(reason) => xml.element("Reason", &signed, |xml| xml.leaf("ReasonElement", reason)),
                None => Ok(()),
            }
        })
    }

    /// Clause 4.3.9. Not without the certificate: the reference to it is mandatory.
    fn signer(&mut self, signature: &SignatureReport) -> io::Result<()> {
        let Some(certificate) = signature.known_path().first().and_then(|one| self.objects.certificate(one))
        else {
            return Ok(());
        };
        self.element("SignerInformation", &[], |xml| {
            xml.reference("SignerCertificate", &certificate)?;
            match signature.signed_by.as_ref().or(signature.subject.as_ref()) {
                Some(name) => xml.leaf("Signer", name),
                None => Ok(()),
            }
        })
    }

    /// Clause 4.3.4.
    fn status(&mut self, place: &Place<'_>, signature: &SignatureReport) -> io::Result<()> {
        self.element("SignatureValidationStatus", &[], |xml| {
            xml.leaf("MainIndication", main_indication(signature.indication))?;
            if let Some(sub) = &signature.sub_indication {
                xml.leaf("SubIndication", &sub_indication(sub))?;
            }
            xml.element("AssociatedValidationReportData", &[], |xml| {
                let path: Vec<(String, &CertificateReport)> = signature
                    .certificates
                    .iter()
                    .filter_map(|one| Some((xml.objects.certificate(one)?, one)))
                    .collect();
                xml.path(signature, &path)?;
                let stamps = signature.time_stamps.iter().flat_map(|stamp| &stamp.certificates);
                let mut related: Vec<String> =
                    stamps.filter_map(|one| xml.objects.certificate(one)).collect();
                related.dedup();
                for id in related {
                    xml.reference("RelatedValidationObject", &id)?;
                }
                xml.revocation(&path)?;
                xml.algorithm(place, signature)?;
                xml.messages(&[
                    ("error", &signature.errors),
                    ("warning", &signature.warnings),
                    ("level", &signature.level_reasons),
                ])
            })
        })
    }

    /// The chain relied on. The anchor is told only where the path ended in one.
    fn path(&mut self, signature: &SignatureReport, path: &[(String, &CertificateReport)]) -> io::Result<()> {
        let Some(((first, _), issuers)) = path.split_first() else { return Ok(()) };
        let (anchor, between) = match issuers.split_last() {
            Some((last, between)) if signature.trust_anchor.is_some() => (Some(&last.0), between),
            _ => (None, issuers),
        };
        if let Some(anchor) = anchor {
            self.reference("TrustAnchor", anchor)?;
        }
        self.element("CertificateChain", &[], |xml| {
            xml.reference("SigningCertificate", first)?;
            for (id, _) in between {
                xml.reference("IntermediateCertificate", id)?;
            }
            match anchor {
                Some(anchor) => xml.reference("TrustAnchor", anchor),
                None => Ok(()),
            }
        })
    }

    /// There is room for one certificate: the one that is revoked and stands nearest to the signature.
    fn revocation(&mut self, path: &[(String, &CertificateReport)]) -> io::Result<()> {
        let revoked = path.iter().find_map(|(id, one)| {
            let status = one.status.as_ref().filter(|status| status.status == CertificateStatus::Revoked)?;
            Some((id, status.revoked_at.as_ref()?))
        });
        let Some((id, at)) = revoked else { return Ok(()) };
        self.element("RevocationStatusInformation", &[], |xml| {
            xml.reference("ValidationObjectId", id)?;
            xml.leaf("RevocationTime", at)
        })
    }

    fn algorithm(&mut self, place: &Place<'_>, signature: &SignatureReport) -> io::Result<()> {
        let Some(uri) = signature.signature_algorithm.as_deref().and_then(signature_uri) else {
            return Ok(());
        };
        let weak = signature.errors.iter().any(|error| error.key.starts_with("algorithm."));
        self.element("CryptoInformation", &[], |xml| {
            xml.reference("ValidationObjectId", &place.id)?;
            xml.leaf("Algorithm", uri)?;
            xml.leaf("SecureAlgorithm", if weak { "false" } else { "true" })
        })
    }

    /// Messages under `urn:kyso:validation:KIND:KEY`; nothing when there are none.
    fn messages(&mut self, groups: &[(&str, &[Message])]) -> io::Result<()> {
        if groups.iter().all(|(_, messages)| messages.is_empty()) {
            return Ok(());
        }
        self.element("AdditionalValidationReportData", &[], |xml| {
            for (kind, message) in
                groups.iter().flat_map(|(kind, all)| all.iter().map(move |one| (kind, one)))
            {
                xml.element("ReportData", &[], |xml| {
                    xml.leaf("Type", &format!("urn:kyso:validation:{kind}:{}", message.key))?;
                    xml.leaf("Value", &message.message)
                })?;
            }
            Ok(())
        })
    }

    /// Clause 4.4.
    fn validation_objects(&mut self) -> io::Result<()> {
        let Objects { files, certificates } = std::mem::take(&mut self.objects);
        if files.is_empty() && certificates.is_empty() {
            return Ok(());
        }
        self.element("SignatureValidationObjects", &[], |xml| {
            for (id, name, sha256) in &files {
                xml.element("ValidationObject", &[("id", id)], |xml| {
                    xml.leaf("ObjectType", "urn:etsi:019102:validationObject:signedData")?;
                    xml.element("ValidationObjectRepresentation", &[], |xml| {
                        if let Some(sha256) = sha256 {
                            xml.digest(sha256)?;
                        }
                        xml.leaf("URI", &uri_of(name))
                    })
                })?;
            }
            for (id, der) in &certificates {
                xml.element("ValidationObject", &[("id", id)], |xml| {
                    xml.leaf("ObjectType", "urn:etsi:019102:validationObject:certificate")?;
                    xml.element("ValidationObjectRepresentation", &[], |xml| {
                        xml.leaf("base64", &STANDARD.encode(der))
                    })
                })?;
            }
            Ok(())
        })
    }

    /// `DigestAlgAndValue` of XAdES, from the hexadecimal of reports.
    fn digest(&mut self, sha256: &str) -> io::Result<()> {
        let value = hex::decode(sha256).map_err(io::Error::other)?;
        self.element("DigestAlgAndValue", &[], |xml| {
            xml.empty("ds:DigestMethod", &[("Algorithm", SHA256)])?;
            xml.leaf("ds:DigestValue", &STANDARD.encode(value))
        })
    }

    fn reference(&mut self, name: &str, id: &str) -> io::Result<()> {
        self.empty(name, &[("VOReference", id)])
    }

    fn element(
        &mut self,
        name: &str,
        attributes: &[(&str, &str)],
        inner: impl FnOnce(&mut Self) -> io::Result<()>,
    ) -> io::Result<()> {
        let start = BytesStart::new(name).with_attributes(attributes.iter().copied());
        self.write(Event::Start(start))?;
        inner(self)?;
        self.write(Event::End(BytesEnd::new(name)))
    }

    fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) -> io::Result<()> {
        self.write(Event::Empty(BytesStart::new(name).with_attributes(attributes.iter().copied())))
    }

    fn leaf(&mut self, name: &str, text: &str) -> io::Result<()> {
        let text = sayable(text);
        self.write(Event::Start(BytesStart::new(name)))?;
        self.write(Event::Text(BytesText::new(&text)))?;
        self.write(Event::End(BytesEnd::new(name)))
    }

    fn write(&mut self, event: Event<'_>) -> io::Result<()> {
        self.writer.write_event(event)
    }
}

impl Objects {
    /// The identifier of a certificate, kept among the objects; `None` where its encoding is not at hand.
    fn certificate(&mut self, certificate: &CertificateReport) -> Option<String> {
        if certificate.der.is_empty() {
            return None;
        }
        let id = format!("C-{}", certificate.sha256);
        self.certificates.entry(id.clone()).or_insert_with(|| certificate.der.clone());
        Some(id)
    }
}

fn main_indication(indication: Indication) -> &'static str {
    match indication {
        Indication::TotalPassed => "urn:etsi:019102:mainindication:total-passed",
        Indication::TotalFailed => "urn:etsi:019102:mainindication:total-failed",
        Indication::Indeterminate => "urn:etsi:019102:mainindication:indeterminate",
    }
}

fn sub_indication(name: &str) -> String {
    format!("urn:etsi:019102:subindication:{name}")
}

/// Text without the characters that XML 1.0 cannot hold, escaped or not (section 2.2).
fn sayable(text: &str) -> String {
    let holds = |c: char| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..);
    text.chars().map(|c| if holds(c) { c } else { '\u{FFFD}' }).collect()
}

/// A file's name as a relative reference (RFC 3986): everything but unreserved characters and slashes as `%XX`.
fn uri_of(name: &str) -> String {
    let mut uri = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'/') {
            uri.push(char::from(byte));
        } else {
            uri.push('%');
            uri.push_str(&hex::encode_upper([byte]));
        }
    }
    uri
}

const NAMESPACE: &str = "http://uri.etsi.org/19102/v1.4.1#";
const XMLDSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
const XADES: &str = "http://uri.etsi.org/01903/v1.3.2#";

/// EN 319 102-1 clause 5.6: with all evidence, archive time-stamps included.
const PROCESS: &str = "urn:etsi:019102:validationprocess:LTA";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rendering::sample;

    fn xml(report: &Report) -> String {
        String::from_utf8(validation_report(report).unwrap()).unwrap()
    }

    fn of(signatures: Vec<SignatureReport>) -> Report {
        Report { documents: vec![sample::document(signatures)], unreadable: Vec::new() }
    }

    /// The elements of the schema that we write, with what may stand in each: a name and how often it may come, in
    /// this order; or, for a choice, any of them. Written from the tables of TS 119 102-2, clause 4 and annex A.
    fn rules(parent: &str) -> Option<(&'static [(&'static str, usize, usize)], bool)> {
        const MANY: usize = usize::MAX;
        let sequence: &[(&str, usize, usize)] = match parent {
            "ValidationReport" => &[
                ("SignatureValidationReport", 1, MANY),
                ("SignatureValidationObjects", 0, 1),
                ("SignatureValidator", 0, 1),
            ],
            "SignatureValidationReport" => &[
                ("SignatureIdentifier", 0, 1),
                ("ValidationConstraintsEvaluationReport", 0, 1),
                ("ValidationTimeInfo", 0, 1),
                ("SignersDocument", 0, 1),
                ("SignatureAttributes", 0, 1),
                ("SignerInformation", 0, 1),
                ("SignatureQuality", 0, 1),
                ("SignatureValidationProcess", 0, 1),
                ("SignatureValidationStatus", 1, 1),
            ],
            "SignatureIdentifier" => &[
                ("DigestAlgAndValue", 0, 1),
                ("ds:SignatureValue", 0, 1),
                ("HashOnly", 1, 1),
                ("DocHashOnly", 1, 1),
                ("DAIdentifier", 0, 1),
            ],
            "ValidationConstraintsEvaluationReport" => {
                &[("SignatureValidationPolicy", 0, 1), ("ValidationConstraint", 0, MANY)]
            }
            "SignatureValidationPolicy" => &[("SignaturePolicyIdentifier", 1, 1), ("PolicyName", 0, 1)],
            "SignaturePolicyIdentifier" => &[("XAdES:SignaturePolicyImplied", 1, 1)],
            "ValidationTimeInfo" => &[("ValidationTime", 1, 1), ("BestSignatureTime", 1, 1)],
            "BestSignatureTime" => &[("POETime", 1, 1), ("TypeOfProof", 1, 1), ("POEObject", 0, 1)],
            "SignersDocument" => &[
                ("DigestAlgAndValue", 0, 1),
                ("SignersDocumentRepresentation", 0, 1),
                ("SignersDocumentRef", 0, 1),
            ],
            "DigestAlgAndValue" => &[("ds:DigestMethod", 1, 1), ("ds:DigestValue", 1, 1)],
            "SigningTime" => &[("AttributeObject", 0, MANY), ("Time", 1, 1)],
            "SignatureProductionPlace" => &[("AttributeObject", 0, MANY), ("AddressString", 1, MANY)],
            "SignatureTimeStamp" => &[("AttributeObject", 0, MANY), ("TimeStampValue", 1, 1)],
            "Reason" => &[("AttributeObject", 0, MANY), ("ReasonElement", 1, 1)],
            "SignerInformation" => &[("SignerCertificate", 1, 1), ("Signer", 0, 1)],
            "SignatureValidationProcess" => &[("SignatureValidationProcessID", 0, 1)],
            "SignatureValidationStatus" => &[
                ("MainIndication", 1, 1),
                ("SubIndication", 0, MANY),
                ("AssociatedValidationReportData", 0, MANY),
            ],
            "AssociatedValidationReportData" => &[
                ("TrustAnchor", 0, 1),
                ("CertificateChain", 0, 1),
                ("RelatedValidationObject", 0, MANY),
                ("RevocationStatusInformation", 0, 1),
                ("CryptoInformation", 0, 1),
                ("AdditionalValidationReportData", 0, 1),
            ],
            "CertificateChain" => {
                &[("SigningCertificate", 1, 1), ("IntermediateCertificate", 0, MANY), ("TrustAnchor", 0, 1)]
            }
            "RevocationStatusInformation" => &[("ValidationObjectId", 1, 1), ("RevocationTime", 1, 1)],
            "CryptoInformation" => {
                &[("ValidationObjectId", 1, 1), ("Algorithm", 1, 1), ("SecureAlgorithm", 1, 1)]
            }
            "AdditionalValidationReportData" => &[("ReportData", 1, MANY)],
            "ReportData" => &[("Type", 1, 1), ("Value", 1, 1)],
            "SignatureValidationObjects" => &[("ValidationObject", 1, MANY)],
            "ValidationObject" => &[("ObjectType", 1, 1), ("ValidationObjectRepresentation", 1, 1)],
            "SignatureAttributes" => {
                return Some((
                    &[
                        ("SigningTime", 0, MANY),
                        ("SignatureProductionPlace", 0, MANY),
                        ("AllDataObjectsTimeStamp", 0, MANY),
                        ("SignatureTimeStamp", 0, MANY),
                        ("ArchiveTimeStamp", 0, MANY),
                        ("Reason", 0, MANY),
                    ],
                    true,
                ));
            }
            "ValidationObjectRepresentation" => {
                return Some((
                    &[("base64", 0, MANY), ("DigestAlgAndValue", 0, MANY), ("URI", 0, MANY)],
                    true,
                ));
            }
            _ => return None,
        };
        Some((sequence, false))
    }

    /// An element as a reader that is not our writer sees it.
    #[derive(Debug, Default)]
    struct Element {
        name: String,
        attributes: Vec<(String, String)>,
        inside: Vec<Element>,
        text: String,
    }

    impl Element {
        fn read(text: &str) -> Self {
            let mut reader = quick_xml::Reader::from_str(text);
            let mut open = vec![Self::default()];
            loop {
                match reader.read_event().unwrap() {
                    Event::Start(start) => open.push(Self::of(&start)),
                    Event::Empty(start) => open.last_mut().unwrap().inside.push(Self::of(&start)),
                    Event::End(_) => {
                        let done = open.pop().unwrap();
                        open.last_mut().unwrap().inside.push(done);
                    }
                    Event::Text(text) => open.last_mut().unwrap().text.push_str(&text),
                    Event::GeneralRef(name) => {
                        let c = match &*name {
                            "lt" => '<',
                            "gt" => '>',
                            "amp" => '&',
                            "quot" => '"',
                            "apos" => '\'',
                            other => panic!("&{other};"),
                        };
                        open.last_mut().unwrap().text.push(c);
                    }
                    Event::Decl(_) => {}
                    Event::Eof => break,
                    other => panic!("{other:?} is not expected"),
                }
            }
            assert_eq!(open.len(), 1);
            open.remove(0).inside.remove(0)
        }

        fn of(start: &BytesStart<'_>) -> Self {
            let attributes = start.attributes().map(Result::unwrap);
            Self {
                name: start.name().as_ref().to_owned(),
                attributes: attributes
                    .map(|one| (one.key.as_ref().to_owned(), one.value.into_owned()))
                    .collect(),
                ..Self::default()
            }
        }

        fn all(&self) -> Vec<&Self> {
            let mut all = vec![self];
            all.extend(self.inside.iter().flat_map(Self::all));
            all
        }

        fn find(&self, name: &str) -> Vec<&Self> {
            self.all().into_iter().filter(|one| one.name == name).collect()
        }

        fn attribute(&self, name: &str) -> Option<&str> {
            self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
        }
    }

    /// Every element is one that we know, its children come in order and number, every reference leads somewhere.
    fn faults(root: &Element) -> Vec<String> {
        let mut faults = Vec::new();
        let ids: Vec<&str> = root.all().into_iter().filter_map(|one| one.attribute("id")).collect();
        for id in &ids {
            if ids.iter().filter(|other| other == &id).count() != 1 || !id.starts_with(char::is_alphabetic) {
                faults.push(format!("the identifier {id}"));
            }
        }
        for element in root.all() {
            for name in element.attribute("VOReference").into_iter().flat_map(|names| names.split(' ')) {
                if !ids.contains(&name) {
                    faults.push(format!("{} refers to {name}, which is not there", element.name));
                }
            }
            let Some((rules, choice)) = rules(&element.name) else {
                if !element.inside.is_empty() {
                    faults.push(format!("{} has children", element.name));
                }
                continue;
            };
            let mut at = 0;
            for child in &element.inside {
                let Some(place) = rules.iter().position(|(name, ..)| *name == child.name) else {
                    faults.push(format!("{} in {}", child.name, element.name));
                    continue;
                };
                if place < at && !choice {
                    faults.push(format!("{} comes too late in {}", child.name, element.name));
                }
                at = place;
            }
            for (name, least, most) in rules {
                let count = element.inside.iter().filter(|child| child.name == *name).count();
                if count < *least || count > *most {
                    faults.push(format!("{count} {name} in {}", element.name));
                }
            }
            if choice && element.inside.is_empty() {
                faults.push(format!("{} is empty", element.name));
            }
        }
        for time in ["ValidationTime", "POETime", "Time", "TimeStampValue", "RevocationTime"] {
            for element in root.find(time) {
                if element.text.parse::<crate::base::UtcTime>().is_err() {
                    faults.push(format!("{time} {}", element.text));
                }
            }
        }
        faults
    }

    fn revoked() -> SignatureReport {
        let mut signature = SignatureReport {
            indication: Indication::TotalFailed,
            sub_indication: Some("REVOKED".to_owned()),
            errors: vec![sample::message("certificate.revoked")],
            warnings: vec![sample::message("signing-time.absent")],
            location: Some("An Hội".to_owned()),
            ..sample::signature()
        };
        let status = signature.certificates[0].status.as_mut().unwrap();
        status.status = CertificateStatus::Revoked;
        status.revoked_at = Some("2026-11-01T00:00:00Z".to_owned());
        SignatureReport { id: "S-2".to_owned(), ..signature }
    }

    #[test]
    fn every_report_keeps_the_order_of_the_schema() {
        let bare = SignatureReport {
            signer: None,
            certificates: Vec::new(),
            time_stamps: Vec::new(),
            claimed_signing_time: None,
            reason: None,
            signature_algorithm: None,
            level_reasons: Vec::new(),
            best_signature_time_source: None,
            best_signature_time: None,
            ..sample::signature()
        };
        let file = Unreadable { name: "hỏng.pdf".to_owned(), error: sample::message("file.damaged") };
        let all = Report {
            documents: vec![
                sample::document(vec![sample::signature(), revoked(), sample::time_stamp("S-3")]),
                sample::document(Vec::new()),
                sample::document(vec![bare]),
            ],
            unreadable: vec![file],
        };
        let text = xml(&all);
        let root = Element::read(&text);
        assert_eq!(faults(&root), [""; 0], "{text}");
        assert_eq!(root.attribute("xmlns"), Some("http://uri.etsi.org/19102/v1.4.1#"));
        assert_eq!(root.find("SignatureValidationReport").len(), 6, "no file is missing");
        let certificates = root.find("base64").len();
        assert_eq!(certificates, 4, "signer, time-stamp authority, issuer, root: each once");
    }

    #[test]
    fn the_check_catches_what_it_should() {
        let good = xml(&of(vec![sample::signature()]));
        for (from, to) in [
            ("<ValidationTime>", "<POETime>x</POETime><ValidationTime>"),
            ("<MainIndication>", "<SubIndication>x</SubIndication><MainIndication>"),
            ("VOReference=\"D-1\"", "VOReference=\"D-9\""),
            ("<HashOnly>false</HashOnly>", ""),
            ("<POETime>2026", "<POETime>yesterday 2026"),
        ] {
            assert!(good.contains(from), "{from}\n{good}");
            assert!(!faults(&Element::read(&good.replacen(from, to, 1))).is_empty(), "{from}");
        }
    }

    #[test]
    fn a_verdict_is_told_with_its_reasons_and_its_chain() {
        let root = Element::read(&xml(&of(vec![revoked()])));
        let text = |name: &str| root.find(name).first().map(|one| one.text.clone()).unwrap_or_default();
        assert_eq!(text("MainIndication"), "urn:etsi:019102:mainindication:total-failed");
        assert_eq!(text("SubIndication"), "urn:etsi:019102:subindication:REVOKED");
        assert_eq!(text("RevocationTime"), "2026-11-01T00:00:00Z");
        assert_eq!(text("Algorithm"), "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256");
        let types: Vec<_> = root.find("Type").iter().map(|one| one.text.clone()).collect();
        assert_eq!(
            types,
            [
                "urn:kyso:validation:error:certificate.revoked",
                "urn:kyso:validation:warning:signing-time.absent",
                "urn:kyso:validation:level:level.archive-time-stamp",
            ]
        );
        let chain = root.find("CertificateChain")[0];
        let ids: Vec<_> = chain.inside.iter().map(|one| one.attribute("VOReference").unwrap()).collect();
        let expected = [sample::person(), sample::authority(), sample::root()];
        assert_eq!(ids, expected.map(|one| format!("C-{}", one.sha256().to_hex())));
    }

    #[test]
    fn text_from_outside_stays_text() {
        let mut document = sample::document(vec![SignatureReport {
            field: "</DAIdentifier><MainIndication>urn:etsi:019102:mainindication:total-passed".to_owned(),
            reason: Some("a & b \u{1}\u{0}\u{FFFE} \"<![CDATA[".to_owned()),
            ..revoked()
        }]);
        document.name = "a b\"<&đ.pdf".to_owned();
        let report = Report { documents: vec![document], unreadable: Vec::new() };
        let root = Element::read(&xml(&report));
        assert_eq!(faults(&root), [""; 0]);
        assert_eq!(root.find("MainIndication").len(), 1);
        assert_eq!(root.find("ReasonElement")[0].text, "a & b \u{FFFD}\u{FFFD}\u{FFFD} \"<![CDATA[");
        assert_eq!(root.find("URI")[0].text, "a%20b%22%3C%26%C4%91.pdf");
    }
}
