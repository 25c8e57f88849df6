//! ASN.1 and what is written in it.

use std::sync::Arc;

use kyso::{
    asn1::{Reader, ber, check_der_lengths},
    base::{Digest, DigestAlgorithm, Limits, MemorySource, UtcTime},
    cms::{HashIndex, PartDigests, Parts, SignedAttributes, SignedData},
    ocsp,
    trust::Anchors,
    tsp,
    validation::{Detached, FileKind, Inspection, Overall, Policy},
    x509::{Certificate, Crl, certificates_from_pem, public_key::PublicKey},
};

/// Every value at every depth, and the way from indefinite lengths to definite ones.
pub(crate) fn der(data: &[u8]) {
    let depth = Limits::default().depth;
    let _ = check_der_lengths(data, depth);
    walk(data, depth);
    let needed = ber::is_needed(data, depth);
    if let Ok((definite, taken)) = ber::to_definite(data, depth) {
        assert!(taken <= data.len());
        assert!(!ber::is_needed(&definite, depth), "it is still not definite");
        assert!(needed || definite == data[..taken], "what was definite was changed");
        assert_eq!(ber::to_definite(&definite, depth), Ok((definite.clone(), definite.len())));
    }
}

fn walk(bytes: &[u8], depth: usize) {
    let mut reader = Reader::new(bytes);
    while let Ok(value) = reader.any() {
        let _ = (value.oid(), value.unsigned(), value.time(), value.bit_string());
        if let Some(depth) = depth.checked_sub(1) {
            walk(value.value, depth);
        }
    }
}

/// A SignedData by itself, and as a detached signature whose content has a known digest.
pub(crate) fn cms(data: &[u8]) {
    let limits = Limits::default();
    if let Ok(signed) = SignedData::parse(data, &limits) {
        let _ = signed.only_signer();
        let _ = signed.signer_certificate();
        for signer in &signed.signer_infos {
            let _ = signer.scheme();
            for certificate in &signed.certificates {
                let _ = (signer.sid.names(certificate), signer.attests(certificate));
            }
            for token in &signer.time_stamp_tokens {
                let _ = tsp::Token::parse(token, &limits);
            }
        }
    }
    let digests = [DigestAlgorithm::Sha256, DigestAlgorithm::Sha512].map(|algorithm| algorithm.digest(b"x"));
    let inspection = Inspection::of_digests(data, &digests, &limits);
    let report = inspection.judge("fuzz", &Policy::strict(), &nobody(), moment());
    assert_ne!(report.overall, Overall::Valid, "valid with nobody trusted");
    if let Ok(parts) = Parts::parse(data, &limits) {
        take_apart(&parts, &limits);
    }
    cms_file(data, &limits);
}

/// What is taken apart and put together is the same, and an index of all that is there holds.
fn take_apart(parts: &Parts, limits: &Limits) {
    let again = Parts::parse(&parts.to_der(), limits).expect("what was put together cannot be read");
    assert_eq!(again.to_der(), parts.to_der());
    for value in parts.unsigned_attributes().iter().flat_map(|attribute| &attribute.values) {
        let _ = HashIndex::read(value, limits);
    }
    let index = HashIndex::over(parts, DigestAlgorithm::Sha256);
    assert!(index.covered(&PartDigests::of(parts, DigestAlgorithm::Sha256)).is_ok());
}

/// A CMS as a file: PEM as well, with its content inside or apart.
fn cms_file(data: &[u8], limits: &Limits) {
    let source = || Arc::new(MemorySource(data.to_vec()));
    if !matches!(FileKind::of(&*source()), Ok(FileKind::Cms)) {
        return;
    }
    let apart = [Detached { name: "x".to_owned(), source: Arc::new(MemorySource(b"x".to_vec())) }];
    for detached in [&apart[..], &[]] {
        let Ok(inspection) = Inspection::open_any(source(), detached, limits) else { continue };
        let report = inspection.judge("fuzz", &Policy::strict(), &nobody(), moment());
        assert_ne!(report.overall, Overall::Valid, "valid with nobody trusted");
    }
}

/// A certificate, everything that it says, and files of them.
pub(crate) fn certificate(data: &[u8]) {
    let _ = certificates_from_pem(data);
    let Ok(certificate) = Certificate::from_der(data) else { return };
    assert_eq!(certificate.der(), data, "another certificate than the one received");
    let _ = (certificate.serial_hex(), certificate.basic_constraints(), certificate.key_usage());
    let _ = (certificate.extended_key_usage(), certificate.unknown_critical(), certificate.disagreement());
    let _ = (certificate.subject_alt_names(), certificate.name_constraints(), certificate.policies());
    let _ = (certificate.ocsp_urls(), certificate.issuer_urls(), certificate.crl_urls());
    let _ = (certificate.freshest_crl_urls(), certificate.is_self_issued(), certificate.to_pem());
    let _ = (certificate.subject().to_string(), certificate.subject().common_name());
    let _ = certificate.subject().matches(certificate.issuer());
    if let Ok(key) = PublicKey::from_spki(certificate.spki_der()) {
        let _ = key.kind();
    }
    let _ = kyso::signing::check_signer(
        &certificate,
        kyso::x509::algorithm::SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha256),
        moment(),
    );
}

/// A list, and what it says of a serial number.
pub(crate) fn crl(data: &[u8]) {
    let Ok(crl) = Crl::from_der(data) else { return };
    assert_eq!(crl.der(), data, "another list than the one received");
    let _ = (crl.len(), crl.entry(&[1]), crl.entry_of(crl.issuer(), &[1]), crl.limited(), crl.number());
    let _ = (crl.base(), crl.issuing_distribution_point(), crl.knows_expired_since(), crl.continues(&crl));
}

/// What is read is written again and read the same.
pub(crate) fn ocsp_request(data: &[u8]) {
    let Ok(request) = ocsp::Request::parse(data) else { return };
    if request.nonce.as_ref().is_none_or(|nonce| !nonce.is_empty()) {
        assert_eq!(ocsp::Request::parse(&request.to_der()).as_ref().ok(), Some(&request));
    }
}

pub(crate) fn ocsp_response(data: &[u8]) {
    let Ok(response) = ocsp::Response::parse(data) else { return };
    for certificate in &response.certificates {
        let _ = response.single(certificate, certificate);
        let _ = response.responder_id.names(certificate);
    }
}

/// What is read is written again and read the same.
pub(crate) fn tsp_request(data: &[u8]) {
    let Ok(request) = tsp::Request::parse(data) else { return };
    assert_eq!(tsp::Request::parse(&request.to_der()).ok(), Some(request));
}

/// The answer to a request that was never sent.
pub(crate) fn tsp_response(data: &[u8]) {
    let imprint = DigestAlgorithm::Sha256.digest(b"fuzz");
    let request = tsp::Request { imprint, nonce: Some(vec![7; 8]), cert_req: true };
    if let Ok(token) = tsp::token_from_response(data, &request) {
        assert!(
            tsp::Token::parse(&token, &Limits::default()).is_ok(),
            "a token that cannot be read was taken"
        );
    }
}

pub(crate) fn tsp_token(data: &[u8]) {
    let Ok(info) = tsp::TstInfo::parse(data)
        .or_else(|_| tsp::Token::parse(data, &Limits::default()).map(|token| token.info))
    else {
        return;
    };
    // The bytes of `info` came from a stranger; what is written of it has to say the same.
    assert_eq!(tsp::TstInfo::parse(&info.to_der()).ok(), Some(info));
}

/// Nobody.
pub(crate) fn nobody() -> Anchors {
    Anchors::new("nobody", Vec::new())
}

/// A fixed moment, in the middle of 2026.
pub(crate) fn moment() -> UtcTime {
    UtcTime::from_second(1_780_000_000).unwrap_or_default()
}

/// A seed for signed attributes and time-stamps.
pub(crate) fn imprint() -> Digest {
    DigestAlgorithm::Sha256.digest(b"fuzz")
}

/// The DER of signed attributes of a signer: a seed.
pub(crate) fn signed_attributes(signer: &Certificate) -> Vec<u8> {
    SignedAttributes {
        content_type: kyso::asn1::oid::DATA,
        message_digest: imprint(),
        signer: signer.clone(),
        signing_time: None,
    }
    .to_der()
}
