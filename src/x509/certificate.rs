//! Certificates: read twice, by two readers, and kept as received.

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use der::oid::ObjectIdentifier;
use spki::AlgorithmIdentifierOwned;

use super::{
    DistributionPoint, GeneralName, Name, NameConstraints, Policies, PolicyConstraints, PolicyId, X509Error,
    parts::{Parts, addresses},
    within,
};
use crate::{
    asn1::{Tag, check_der_lengths, oid},
    base::{Sha256, UtcTime},
};

/// A certificate (RFC 5280 section 4.1), kept as received. Cloning it copies a pointer.
///
/// Equality is equality of the encoding.
#[derive(Clone)]
pub struct Certificate {
    parts: Arc<Parts>,
}

/// keyUsage bits (RFC 5280 section 4.2.1.3) that decide something in kyso.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "they are bits in the standard")]
pub struct KeyUsage {
    /// Bit 0.
    pub digital_signature: bool,
    /// Bit 1, nonRepudiation or contentCommitment.
    pub non_repudiation: bool,
    /// Bit 5.
    pub key_cert_sign: bool,
    /// Bit 6.
    pub crl_sign: bool,
}

impl Certificate {
    /// Reads one DER certificate, with nothing behind it.
    ///
    /// ```text
    /// Certificate    ::= SEQUENCE { tbsCertificate, signatureAlgorithm AlgorithmIdentifier, signatureValue BIT STRING }
    /// TBSCertificate ::= SEQUENCE {
    ///     version [0] EXPLICIT INTEGER DEFAULT v1, serialNumber INTEGER, signature AlgorithmIdentifier,
    ///     issuer Name, validity SEQUENCE { notBefore Time, notAfter Time }, subject Name,
    ///     subjectPublicKeyInfo, issuerUniqueID [1], subjectUniqueID [2], extensions [3] EXPLICIT }
    /// ```
    ///
    /// # Errors
    ///
    /// When it is not DER, an extension occurs twice, one that decides something is broken, the two signature
    /// algorithms differ, or it is longer than any honest certificate.
    pub fn from_der(der: &[u8]) -> Result<Self, X509Error> {
        if der.len() > MAX_BYTES {
            return Err(X509Error::because(format!("a certificate of more than {MAX_BYTES} bytes")));
        }
        check_der_lengths(der, MAX_DEPTH).map_err(within("a certificate"))?;
        let mut parts = Parts::read(der)?;
        parts.disagreement = parts.second_reading().err();
        Ok(Self { parts: Arc::new(parts) })
    }

    /// The encoding.
    pub fn der(&self) -> &[u8] {
        &self.parts.der
    }

    /// The signed part, as received.
    pub fn tbs_der(&self) -> &[u8] {
        &self.parts.der[self.parts.tbs.clone()]
    }

    /// Whose key it is.
    pub fn subject(&self) -> &Name {
        &self.parts.subject
    }

    /// Who says so.
    pub fn issuer(&self) -> &Name {
        &self.parts.issuer
    }

    /// Content octets of the serial number.
    pub fn serial(&self) -> &[u8] {
        &self.parts.der[self.parts.serial.clone()]
    }

    /// Lower-case hex without leading zero octets.
    pub fn serial_hex(&self) -> String {
        match hex::encode(self.serial()).trim_start_matches("00") {
            "" => "00".to_owned(),
            digits => digits.to_owned(),
        }
    }

    /// From this moment on.
    pub fn not_before(&self) -> UtcTime {
        self.parts.not_before
    }

    /// Up to and with this moment.
    pub fn not_after(&self) -> UtcTime {
        self.parts.not_after
    }

    /// The whole SubjectPublicKeyInfo encoding.
    pub fn spki_der(&self) -> &[u8] {
        &self.parts.der[self.parts.spki.clone()]
    }

    /// The algorithm the issuer signed with.
    pub fn signature_algorithm(&self) -> &AlgorithmIdentifierOwned {
        &self.parts.signature_algorithm
    }

    /// The signature octets.
    pub fn signature(&self) -> &[u8] {
        &self.parts.der[self.parts.signature.clone()]
    }

    /// basicConstraints: `None` when absent, else `cA` and the path length.
    pub fn basic_constraints(&self) -> Option<(bool, Option<u32>)> {
        self.parts.basic_constraints
    }

    /// keyUsage; `None` when absent.
    pub fn key_usage(&self) -> Option<KeyUsage> {
        let bit = |bits: u16, number: u16| bits >> number & 1 == 1;
        self.parts.key_usage.map(|bits| KeyUsage {
            digital_signature: bit(bits, 0),
            non_repudiation: bit(bits, 1),
            key_cert_sign: bit(bits, 5),
            crl_sign: bit(bits, 6),
        })
    }

    /// One bit of keyUsage by its number, from 0 (digitalSignature) to 8 (decipherOnly); `None` when the extension is
    /// absent.
    pub fn key_usage_bit(&self, number: u16) -> Option<bool> {
        self.parts.key_usage.map(|bits| number < 16 && bits >> number & 1 == 1)
    }

    /// extKeyUsage OIDs and whether the extension is critical; `None` when absent.
    pub fn extended_key_usage(&self) -> Option<(bool, Vec<ObjectIdentifier>)> {
        self.parts.extended_key_usage.clone()
    }

    /// Critical extensions, which must be understood before the certificate may be relied upon, that no room of kyso
    /// processes.
    pub fn unknown_critical(&self) -> Vec<ObjectIdentifier> {
        let extensions = self.parts.extensions.iter();
        extensions
            .filter(|(oid, critical)| *critical && !PROCESSED.contains(oid))
            .map(|(oid, _)| *oid)
            .collect()
    }

    /// subjectAltName: its names, none when it is absent; `None` when it is there and cannot be read.
    pub fn subject_alt_names(&self) -> Option<&[GeneralName]> {
        self.parts.subject_alt_names.as_deref()
    }

    /// nameConstraints.
    pub fn name_constraints(&self) -> Option<&NameConstraints> {
        self.parts.name_constraints.as_ref()
    }

    /// certificatePolicies.
    pub fn policies(&self) -> Option<&Policies> {
        self.parts.policies.as_ref()
    }

    /// policyMappings: pairs of an issuer's policy and the subject's that is as good; empty when absent.
    pub fn policy_mappings(&self) -> &[(PolicyId, PolicyId)] {
        &self.parts.policy_mappings
    }

    /// policyConstraints.
    pub fn policy_constraints(&self) -> Option<PolicyConstraints> {
        self.parts.policy_constraints
    }

    /// inhibitAnyPolicy: after how many more certificates anyPolicy means nothing any more.
    pub fn inhibit_any_policy(&self) -> Option<u32> {
        self.parts.inhibit_any_policy
    }

    /// cRLDistributionPoints; empty when absent, or not critical and unreadable.
    pub fn distribution_points(&self) -> &[DistributionPoint] {
        &self.parts.distribution_points
    }

    /// Whether an extension is there, critical or not.
    pub fn has_extension(&self, oid: ObjectIdentifier) -> bool {
        self.parts.extensions.iter().any(|(other, _)| *other == oid)
    }

    /// subjectKeyIdentifier.
    pub fn subject_key_identifier(&self) -> Option<&[u8]> {
        self.parts.subject_key_identifier.as_deref()
    }

    /// keyIdentifier of authorityKeyIdentifier.
    pub fn authority_key_identifier(&self) -> Option<&[u8]> {
        self.parts.authority_key_identifier.as_deref()
    }

    /// The addresses of OCSP responders in authorityInfoAccess. They come from a stranger.
    pub fn ocsp_urls(&self) -> Vec<String> {
        self.parts.access(oid::AD_OCSP)
    }

    /// The addresses of issuer certificates in authorityInfoAccess. They come from a stranger.
    pub fn issuer_urls(&self) -> Vec<String> {
        self.parts.access(oid::AD_CA_ISSUERS)
    }

    /// The addresses in cRLDistributionPoints. They come from a stranger.
    pub fn crl_urls(&self) -> Vec<String> {
        addresses(&self.parts.distribution_points)
    }

    /// The addresses of delta lists in freshestCRL. They come from a stranger.
    pub fn freshest_crl_urls(&self) -> Vec<String> {
        addresses(&self.parts.freshest)
    }

    /// The fingerprint.
    pub fn sha256(&self) -> Sha256 {
        Sha256::of(&self.parts.der)
    }

    /// What the second reader (`x509-parser`) sees differently, if anything: then no verdict can rest on it.
    pub fn disagreement(&self) -> Option<&str> {
        self.parts.disagreement.as_deref()
    }

    /// Subject and issuer are the same name (RFC 5280 section 6.1).
    pub fn is_self_issued(&self) -> bool {
        self.parts.self_issued
    }

    /// PEM text (RFC 7468) with line breaks.
    pub fn to_pem(&self) -> String {
        let text = STANDARD.encode(&self.parts.der);
        let mut pem = format!("{PEM_BEGIN}\n");
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let (line, after) = rest.split_at(rest.len().min(64));
            pem.push_str(line);
            pem.push('\n');
            rest = after;
        }
        pem.push_str(PEM_END);
        pem.push('\n');
        pem
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({}, serial {})", self.parts.subject, self.serial_hex())
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.parts.der == other.parts.der
    }
}

impl Eq for Certificate {}

impl Hash for Certificate {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts.der.hash(state);
    }
}

/// Every CERTIFICATE block of a PEM file; a file that is DER is taken as one certificate.
///
/// Text around the blocks is passed over.
///
/// # Errors
///
/// When there is no certificate, or any of them is broken.
pub fn certificates_from_pem(bytes: &[u8]) -> Result<Vec<Certificate>, X509Error> {
    if bytes.first() == Some(&Tag::SEQUENCE.0) {
        return Ok(vec![Certificate::from_der(bytes)?]);
    }
    let text = String::from_utf8_lossy(bytes);
    let mut certificates = Vec::new();
    let mut rest = text.as_ref();
    while let Some((_, after)) = rest.split_once(PEM_BEGIN) {
        let number = certificates.len() + 1;
        let (block, after) = after.split_once(PEM_END).ok_or_else(|| {
            X509Error::because(format!("certificate {number} of the PEM file has no END line"))
        })?;
        let base64: String = block.split_ascii_whitespace().collect();
        let der = STANDARD.decode(base64).map_err(|error| {
            X509Error::because(format!("certificate {number} of the PEM file is not Base64: {error}"))
        })?;
        certificates.push(Certificate::from_der(&der)?);
        rest = after;
    }
    if certificates.is_empty() {
        return Err(X509Error::because("neither a DER certificate nor a PEM file with one"));
    }
    Ok(certificates)
}

/// What the judge processes, or what needs no processing to be safe.
const PROCESSED: [ObjectIdentifier; 15] = [
    oid::BASIC_CONSTRAINTS,
    oid::KEY_USAGE,
    oid::EXTENDED_KEY_USAGE,
    oid::SUBJECT_ALT_NAME,
    oid::ISSUER_ALT_NAME,
    oid::SUBJECT_KEY_IDENTIFIER,
    oid::AUTHORITY_KEY_IDENTIFIER,
    oid::CRL_DISTRIBUTION_POINTS,
    oid::FRESHEST_CRL,
    oid::AUTHORITY_INFO_ACCESS,
    oid::NAME_CONSTRAINTS,
    oid::CERTIFICATE_POLICIES,
    oid::POLICY_MAPPINGS,
    oid::POLICY_CONSTRAINTS,
    oid::INHIBIT_ANY_POLICY,
];

const PEM_BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const PEM_END: &str = "-----END CERTIFICATE-----";

/// Certificates with many names or post-quantum keys reach some 20 kB.
const MAX_BYTES: usize = 128 * 1024;

/// Certificates nest some ten deep.
const MAX_DEPTH: usize = 32;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        asn1::write,
        x509::sample::{Sample, extension},
    };

    fn read(sample: &Sample) -> Certificate {
        let certificate = Certificate::from_der(&sample.to_der()).unwrap();
        assert_eq!(certificate.disagreement(), None);
        certificate
    }

    fn reason(sample: &Sample) -> String {
        Certificate::from_der(&sample.to_der()).unwrap_err().to_string()
    }

    #[test]
    fn every_part_is_read_as_it_was_written() {
        let uri = |url: &str| write::value(Tag::context_primitive(6), url.as_bytes());
        let description = |method, url| write::sequence([write::oid(method), uri(url)]);
        let full_name = write::value(Tag::context(0), &uri("http://crl.example/ca.crl"));
        let point = write::sequence([write::value(Tag::context(0), &full_name)]);
        let sample = Sample {
            serial: vec![0x00, 0x9A, 0x01],
            extensions: vec![
                extension(oid::BASIC_CONSTRAINTS, true, &[0x30, 0x06, 0x01, 0x01, 0xFF, 0x02, 0x01, 0x02]),
                extension(oid::KEY_USAGE, true, &[0x03, 0x02, 0x01, 0b1100_0110]),
                extension(
                    oid::EXTENDED_KEY_USAGE,
                    true,
                    &write::sequence([write::oid(oid::KP_TIME_STAMPING), write::oid(oid::AD_OCSP)]),
                ),
                extension(oid::SUBJECT_KEY_IDENTIFIER, false, &write::octet_string(b"subject")),
                extension(
                    oid::AUTHORITY_KEY_IDENTIFIER,
                    false,
                    &write::sequence([write::value(Tag::context_primitive(0), b"authority")]),
                ),
                extension(
                    oid::AUTHORITY_INFO_ACCESS,
                    false,
                    &write::sequence([
                        description(oid::AD_OCSP, "http://ocsp.example"),
                        description(oid::AD_CA_ISSUERS, "http://ca.example/ca.cer"),
                    ]),
                ),
                extension(oid::CRL_DISTRIBUTION_POINTS, false, &write::sequence([point])),
            ],
            ..Sample::default()
        };
        let certificate = read(&sample);
        assert_eq!(certificate.der(), sample.to_der());
        assert_eq!(certificate.tbs_der(), sample.tbs());
        assert_eq!(certificate.serial(), [0x00, 0x9A, 0x01]);
        assert_eq!(certificate.serial_hex(), "9a01");
        assert_eq!(certificate.subject().to_string(), "CN=Nguyễn Văn A");
        assert_eq!(certificate.issuer().to_string(), "CN=CA thử");
        assert_eq!(certificate.not_before().to_string(), "2026-01-01T00:00:00Z");
        assert_eq!(certificate.not_after().to_string(), "2029-01-01T00:00:00Z");
        assert_eq!(certificate.basic_constraints(), Some((true, Some(2))));
        assert_eq!(
            certificate.key_usage(),
            Some(KeyUsage {
                digital_signature: true,
                non_repudiation: true,
                key_cert_sign: true,
                crl_sign: true
            })
        );
        assert_eq!(certificate.extended_key_usage(), Some((true, vec![oid::KP_TIME_STAMPING, oid::AD_OCSP])));
        assert_eq!(certificate.subject_key_identifier(), Some(&b"subject"[..]));
        assert_eq!(certificate.authority_key_identifier(), Some(&b"authority"[..]));
        assert_eq!(certificate.ocsp_urls(), ["http://ocsp.example"]);
        assert_eq!(certificate.issuer_urls(), ["http://ca.example/ca.cer"]);
        assert_eq!(certificate.crl_urls(), ["http://crl.example/ca.crl"]);
        assert_eq!(certificate.unknown_critical(), []);
        assert!(!certificate.is_self_issued());
        assert!(
            certificate.has_extension(oid::KEY_USAGE) && !certificate.has_extension(oid::NAME_CONSTRAINTS)
        );
    }

    #[test]
    fn what_the_judge_cannot_process_is_listed() {
        let mystery = ObjectIdentifier::new_unwrap("1.2.3.4.5");
        let policies = write::sequence([write::sequence([write::oid(mystery)])]);
        let tree = write::sequence([write::value(Tag::context_primitive(2), b"example.vn")]);
        let constraints = write::sequence([write::value(Tag::context(0), &tree)]);
        for (extension, listed) in [
            (extension(mystery, true, b"?"), vec![mystery]),
            (extension(mystery, false, b"?"), vec![]),
            (extension(oid::CERTIFICATE_POLICIES, true, &policies), vec![]),
            (extension(oid::NAME_CONSTRAINTS, false, &constraints), vec![]),
            (extension(oid::NAME_CONSTRAINTS, true, &constraints), vec![]),
            (extension(oid::KEY_USAGE, true, &[0x03, 0x02, 0x07, 0x80]), vec![]),
        ] {
            let sample = Sample { extensions: vec![extension], ..Sample::default() };
            assert_eq!(Certificate::from_der(&sample.to_der()).unwrap().unknown_critical(), listed);
        }
    }

    #[test]
    fn a_broken_extension_that_decides_something_breaks_the_certificate() {
        for (oid, value) in [
            (oid::BASIC_CONSTRAINTS, &[0x30, 0x03, 0x01, 0x01, 0x01][..]),
            (oid::BASIC_CONSTRAINTS, &[0x30, 0x03, 0x02, 0x01, 0xFF]),
            (oid::BASIC_CONSTRAINTS, &[0x30, 0x07, 0x02, 0x05, 0x01, 0, 0, 0, 0]),
            (oid::BASIC_CONSTRAINTS, &[0x30, 0x00, 0x00]),
            (oid::KEY_USAGE, &[0x03, 0x02, 0x08, 0x80]),
            (oid::KEY_USAGE, &[0x03, 0x01, 0x01]),
            (oid::KEY_USAGE, &[0x03, 0x02, 0x07, 0xC0]),
            (oid::KEY_USAGE, &[0x03, 0x04, 0x00, 0x01, 0x01, 0x01]),
            (oid::KEY_USAGE, &[0x04, 0x02, 0x07, 0x80]),
            (oid::EXTENDED_KEY_USAGE, &[0x30, 0x00]),
            (oid::EXTENDED_KEY_USAGE, &[0x30, 0x02, 0x05, 0x00]),
            (oid::NAME_CONSTRAINTS, &[0x30, 0x00]),
            (oid::CERTIFICATE_POLICIES, &[0x30, 0x00]),
            (oid::POLICY_MAPPINGS, &[0x30, 0x00]),
            (oid::POLICY_CONSTRAINTS, &[0x30, 0x00]),
            (oid::INHIBIT_ANY_POLICY, &[0x02, 0x01, 0xFF]),
        ] {
            let sample = Sample { extensions: vec![extension(oid, false, value)], ..Sample::default() };
            assert!(Certificate::from_der(&sample.to_der()).is_err(), "{oid} {value:02x?}");
        }
        let hint = |critical| Sample {
            extensions: vec![extension(oid::AUTHORITY_INFO_ACCESS, critical, &[0x05, 0x00])],
            ..Sample::default()
        };
        assert_eq!(Certificate::from_der(&hint(false).to_der()).unwrap().ocsp_urls(), [""; 0]);
        assert!(Certificate::from_der(&hint(true).to_der()).is_err());
    }

    #[test]
    fn what_the_profile_forbids_is_refused() {
        let usage = extension(oid::KEY_USAGE, true, &[0x03, 0x02, 0x07, 0x80]);
        let twice = Sample { extensions: vec![usage.clone(), usage.clone()], ..Sample::default() };
        assert!(reason(&twice).contains("occurs twice"));
        let old = Sample { version: 1, extensions: vec![usage], ..Sample::default() };
        assert!(reason(&old).contains("not of version 3"));
        assert!(reason(&Sample { version: 3, ..Sample::default() }).contains("version 4"));
        let algorithms = Sample { inner_algorithm: Some(oid::SHA384_WITH_RSA), ..Sample::default() };
        assert!(reason(&algorithms).contains("differ"));
        assert!(
            reason(&Sample { issuer: write::sequence([[]; 0]), ..Sample::default() }).contains("no name")
        );
        for serial in [&[][..], &[0x00, 0x01], &[0xFF, 0x80]] {
            let sample = Sample { serial: serial.to_vec(), ..Sample::default() };
            assert!(reason(&sample).contains("serialNumber"));
        }
        let many = (0..70)
            .map(|arc| extension(ObjectIdentifier::new_unwrap("1.2.3").push_arc(arc).unwrap(), false, b""));
        assert!(reason(&Sample { extensions: many.collect(), ..Sample::default() }).contains("more than"));
        let mut padded = Sample::default().to_der();
        padded.push(0);
        assert!(Certificate::from_der(&padded).is_err());
        assert!(Certificate::from_der(&vec![0x30; MAX_BYTES + 1]).is_err());
    }

    #[test]
    fn a_serial_number_is_shown_without_leading_zeros() {
        for (serial, hex) in [(&[0x00][..], "00"), (&[0x0A], "0a"), (&[0x00, 0xFF], "ff")] {
            let certificate = read(&Sample { serial: serial.to_vec(), ..Sample::default() });
            assert_eq!(certificate.serial_hex(), hex);
        }
    }

    #[test]
    fn no_end_is_the_last_moment() {
        let after = write::value(Tag::GENERALIZED_TIME, b"99991231235959Z");
        let certificate = read(&Sample { not_after: after, ..Sample::default() });
        assert_eq!(certificate.not_after(), UtcTime::MAX);
    }

    type Change<'a> = &'a dyn Fn(&mut Parts);

    #[test]
    fn what_the_second_reader_sees_otherwise_is_named() {
        let usage = extension(oid::KEY_USAGE, true, &[0x03, 0x02, 0x07, 0x80]);
        let purposes = write::sequence([write::oid(oid::KP_OCSP_SIGNING)]);
        let purposes = extension(oid::EXTENDED_KEY_USAGE, false, &purposes);
        let constraints = extension(oid::BASIC_CONSTRAINTS, true, &[0x30, 0x03, 0x01, 0x01, 0xFF]);
        let sample = Sample { extensions: vec![usage, purposes, constraints], ..Sample::default() };
        let later = UtcTime::from_second(4_000_000_000).unwrap();
        let changes: [(&str, Change<'_>); 13] = [
            ("signed part", &|parts| parts.tbs.end -= 1),
            ("serial number", &|parts| parts.serial = 0..1),
            ("issuer", &|parts| parts.issuer = parts.subject.clone()),
            ("subject", &|parts| parts.subject = parts.issuer.clone()),
            ("notBefore", &|parts| parts.not_before = later),
            ("notAfter", &|parts| parts.not_after = later),
            ("public key", &|parts| parts.spki.start += 1),
            ("signature", &|parts| parts.signature.start -= 1),
            ("list of extensions", &|parts| parts.extensions[1].1 = true),
            ("basicConstraints", &|parts| parts.basic_constraints = None),
            ("keyUsage", &|parts| parts.key_usage = Some(3)),
            ("extKeyUsage", &|parts| parts.extended_key_usage = Some((false, vec![oid::KP_TIME_STAMPING]))),
            ("policies or name constraints", &|parts| parts.inhibit_any_policy = Some(1)),
        ];
        for (what, change) in changes {
            let mut parts = Parts::read(&sample.to_der()).unwrap();
            assert_eq!(parts.second_reading(), Ok(()));
            change(&mut parts);
            assert_eq!(parts.second_reading(), Err(format!("the second reader sees another {what}")));
        }
        let mut parts = Parts::read(&sample.to_der()).unwrap();
        parts.der.clear();
        assert!(parts.second_reading().unwrap_err().contains("does not read it"));
    }

    #[test]
    fn moments_are_whole_seconds() {
        let after = write::value(Tag::GENERALIZED_TIME, b"20290101000000.5Z");
        assert!(reason(&Sample { not_after: after, ..Sample::default() }).contains("validity"));
    }

    #[test]
    fn pem_files_hold_any_number_of_certificates() {
        let one = read(&Sample::default());
        let two = read(&Sample { serial: vec![7], ..Sample::default() });
        let pem = format!("some words\n{}\nmore words\n{}", one.to_pem(), two.to_pem());
        assert!(pem.lines().all(|line| line.len() <= 64));
        assert_eq!(certificates_from_pem(pem.as_bytes()).unwrap(), [one.clone(), two]);
        assert_eq!(certificates_from_pem(pem.replace('\n', "\r\n").as_bytes()).unwrap().len(), 2);
        assert_eq!(certificates_from_pem(one.der()).unwrap(), [one.clone()]);
        for broken in [
            String::new(),
            "no certificate".to_owned(),
            one.to_pem().replace("END", "ENDE"),
            one.to_pem().replace('M', "!"),
            format!("{PEM_BEGIN}\nMAA=\n{PEM_END}"),
        ] {
            assert!(certificates_from_pem(broken.as_bytes()).is_err(), "{broken}");
        }
    }

    #[test]
    fn a_certificate_cut_anywhere_is_refused() {
        let der = Sample::default().to_der();
        for end in 0..der.len() {
            assert!(Certificate::from_der(&der[..end]).is_err(), "{end}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(bytes: Vec<u8>) {
            let _ = Certificate::from_der(&bytes);
            let _ = certificates_from_pem(&bytes);
        }

        #[test]
        fn a_changed_certificate_is_answered(at in 0_usize..600, to: u8) {
            let mut der = Sample::default().to_der();
            let at = at % der.len();
            der[at] = to;
            if let Ok(certificate) = Certificate::from_der(&der) {
                prop_assert_eq!(certificate.der(), der);
            }
        }
    }
}
