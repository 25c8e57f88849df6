//! Signatures by weak, mismatched and legacy algorithms: what is intact is called so, and still not valid.

use std::sync::Arc;

use kyso::{
    asn1::{Tag, oid, write},
    base::{Digest, DigestAlgorithm, MemorySource, Source as _},
    cms::SignedDataParts,
    pdf::{NewSignature, SignatureKind, prepare_signature},
    validation::{Indication, SignatureReport},
    x509::{Certificate, algorithm::SignatureScheme},
};

use super::world::*;

const SHA1_KIND: (SignatureKind, &str) = (SignatureKind::Signature, "adbe.pkcs7.sha1");

#[test]
fn an_encapsulated_sha1_can_be_intact_and_never_valid() {
    let world = &*WORLD;
    let person = &world.person;
    let attributes = |content: &[u8]| {
        write::set_of(vec![
            attribute(oid::CONTENT_TYPE, &write::oid(oid::DATA)),
            attribute(
                oid::MESSAGE_DIGEST,
                &write::octet_string(&DigestAlgorithm::Sha256.digest(content).bytes),
            ),
        ])
    };
    let cms = |content: Option<&[u8]>, attributes: &[u8]| {
        let signature = person.key.sign(attributes);
        SignedDataParts {
            content,
            content_type: oid::DATA,
            signed_attributes: attributes,
            scheme: SCHEME,
            signer: &person.certificate,
            chain: &world.chain(),
            signature: &signature,
            time_stamp_token: None,
        }
        .to_der()
    };
    let sign =
        |how: &dyn Fn(Digest) -> Vec<u8>| sign_over(&plain_pdf(), SHA1_KIND, DigestAlgorithm::Sha1, how);

    let whole = sign(&|digest| cms(Some(&digest.bytes), &attributes(&digest.bytes)));
    let signature = world.judge(&whole, &world.all_good(), now());
    assert_eq!(told(&signature), "INDETERMINATE/CRYPTO_CONSTRAINTS_FAILURE algorithm.weak", "{signature:#?}");
    assert!(signature.digest_matches && signature.signature_matches);
    assert!(signature.trust_anchor.is_some(), "nothing but the algorithm stands against it");

    let mut changed = whole.clone();
    let at = changed.windows(8).position(|window| window == b"Xin chao").unwrap();
    changed[at] = b'x';
    let other_content = sign(&|mut digest| {
        digest.bytes[19] ^= 1;
        cms(Some(&digest.bytes), &attributes(&digest.bytes))
    });
    let other_digest = sign(&|digest| cms(Some(&digest.bytes), &attributes(b"another content")));
    let other_value = sign(&|digest| {
        let signed = attributes(&digest.bytes);
        let whole = cms(Some(&digest.bytes), &signed);
        let wrong = SignedDataParts {
            content: Some(&digest.bytes),
            content_type: oid::DATA,
            signed_attributes: &signed,
            scheme: SCHEME,
            signer: &person.certificate,
            chain: &world.chain(),
            signature: &world.agency.key.sign(&signed),
            time_stamp_token: None,
        };
        assert_ne!(whole, wrong.to_der());
        wrong.to_der()
    });
    let detached = sign(&|digest| cms(None, &attributes(&digest.bytes)));
    let long = sign(&|digest| {
        let content = [&digest.bytes[..], &[0]].concat();
        cms(Some(&content), &attributes(&content))
    });
    let mismatch = "TOTAL-FAILED/HASH_FAILURE digest.mismatch";
    for (what, pdf, expected, intact) in [
        ("a changed byte", changed, mismatch, (false, true)),
        ("the digest of something else", other_content, mismatch, (false, true)),
        ("another message digest", other_digest, mismatch, (false, true)),
        ("another value", other_value, "TOTAL-FAILED/SIG_CRYPTO_FAILURE signature.mismatch", (true, false)),
        ("no content", detached, "TOTAL-FAILED/FORMAT_FAILURE format.cms", (false, false)),
        ("too much content", long, "TOTAL-FAILED/FORMAT_FAILURE format.cms", (false, false)),
    ] {
        let signature = world.judge(&pdf, &world.all_good(), now());
        assert_eq!(told(&signature), expected, "{what}: {signature:#?}");
        assert_eq!((signature.digest_matches, signature.signature_matches), intact, "{what}");
    }
}

#[test]
fn algorithms_named_in_two_ways_must_agree() {
    let world = &*WORLD;
    let person = &world.person;
    let protection = |digest, scheme: SignatureScheme| {
        let mut signature = scheme.to_identifier();
        signature[0] = 0xA1;
        let value = write::sequence([write::algorithm(digest, None), signature]);
        attribute(oid::CMS_ALGORITHM_PROTECTION, &value)
    };
    let sha512 = SignatureScheme::Ecdsa(DigestAlgorithm::Sha512);
    for (what, protected, expected) in [
        ("as it is", protection(oid::SHA256, SCHEME), "TOTAL-PASSED"),
        (
            "another digest",
            protection(oid::SHA3_256, SCHEME),
            "INDETERMINATE/SIG_CONSTRAINTS_FAILURE algorithm.mismatch",
        ),
        (
            "another scheme",
            protection(oid::SHA256, sha512),
            "INDETERMINATE/SIG_CONSTRAINTS_FAILURE algorithm.mismatch",
        ),
    ] {
        let pdf = sign_with(&plain_pdf(), PKCS7, |digest| {
            let attributes = write::set_of(vec![
                attribute(oid::CONTENT_TYPE, &write::oid(oid::DATA)),
                attribute(oid::MESSAGE_DIGEST, &write::octet_string(&digest.bytes)),
                protected.clone(),
            ]);
            let cms = Cms {
                signature: person.key.sign(&attributes),
                attributes,
                signer: person.certificate.clone(),
                chain: world.chain(),
                content: None,
            };
            cms.to_der(None)
        });
        let signature = world.judge(&pdf, &world.all_good(), now());
        assert_eq!(told(&signature), expected, "{what}: {signature:#?}");
        assert!(signature.digest_matches && signature.signature_matches, "{what}");
    }

    // The attributes are hashed with SHA-256 for the value, the content with SHA-384.
    let mixed = sign_over(&plain_pdf(), PKCS7, DigestAlgorithm::Sha384, &|digest| {
        let attributes = write::set_of(vec![
            attribute(oid::CONTENT_TYPE, &write::oid(oid::DATA)),
            attribute(oid::MESSAGE_DIGEST, &write::octet_string(&digest.bytes)),
        ]);
        signed_data(
            DigestAlgorithm::Sha384,
            &attributes,
            SCHEME,
            &person.key.sign(&attributes),
            &person.certificate,
        )
    });
    let signature = world.judge(&mixed, &world.all_good(), now());
    assert_eq!(
        told(&signature),
        "INDETERMINATE/SIG_CONSTRAINTS_FAILURE algorithm.mismatch",
        "{signature:#?}"
    );
    assert!(signature.digest_matches && signature.signature_matches);
}

/// Each digest of the content below 256 bits, under a signature that is strong in itself.
#[test]
fn a_weak_digest_is_intact_and_not_valid() {
    let world = &*WORLD;
    let person = &world.person;
    for digest in DigestAlgorithm::ALL {
        let pdf = sign_over(&plain_pdf(), PKCS7, digest, &|digest| {
            let attributes = write::set_of(vec![
                attribute(oid::CONTENT_TYPE, &write::oid(oid::DATA)),
                attribute(oid::MESSAGE_DIGEST, &write::octet_string(&digest.bytes)),
            ]);
            let value = person.key.sign(&attributes);
            signed_data(digest.algorithm, &attributes, SCHEME, &value, &person.certificate)
        });
        let signature = world.judge(&pdf, &world.all_good(), now());
        assert!(signature.digest_matches && signature.signature_matches, "{digest}: {signature:#?}");
        let expected = match digest {
            DigestAlgorithm::Sha256 => "TOTAL-PASSED",
            weak if weak.is_weak() => "INDETERMINATE/CRYPTO_CONSTRAINTS_FAILURE algorithm.weak",
            _ => "INDETERMINATE/SIG_CONSTRAINTS_FAILURE algorithm.mismatch",
        };
        assert_eq!(told(&signature), expected, "{digest}");
    }
}

/// A certificate that is named by MD5 alone might be another one.
#[test]
fn a_certificate_named_by_md5_is_not_attested() {
    let world = &*WORLD;
    let person = &world.person;
    for digest in [DigestAlgorithm::Md5, DigestAlgorithm::Sha512] {
        let id = write::sequence([
            write::algorithm(kyso::x509::algorithm::digest_oid(digest), None),
            write::octet_string(&digest.digest(person.certificate.der()).bytes),
        ]);
        let pdf = sign_with(&plain_pdf(), CADES, |covered| {
            let attributes = write::set_of(vec![
                attribute(oid::CONTENT_TYPE, &write::oid(oid::DATA)),
                attribute(oid::MESSAGE_DIGEST, &write::octet_string(&covered.bytes)),
                attribute(oid::SIGNING_CERTIFICATE_V2, &write::sequence([write::sequence([id.clone()])])),
            ]);
            let value = person.key.sign(&attributes);
            signed_data(DigestAlgorithm::Sha256, &attributes, SCHEME, &value, &person.certificate)
        });
        let signature = world.judge(&pdf, &world.all_good(), now());
        let expected = match digest {
            DigestAlgorithm::Md5 => "INDETERMINATE/CRYPTO_CONSTRAINTS_FAILURE algorithm.weak",
            _ => "TOTAL-PASSED",
        };
        assert_eq!(told(&signature), expected, "{digest}: {signature:#?}");
    }
}

/// A SignedData whose digestAlgorithm is not that of the scheme, which kyso's own builder does not write.
fn signed_data(
    digest: DigestAlgorithm,
    attributes: &[u8],
    scheme: SignatureScheme,
    value: &[u8],
    signer: &Certificate,
) -> Vec<u8> {
    let digest = write::algorithm(kyso::x509::algorithm::digest_oid(digest), None);
    let mut signed = attributes.to_vec();
    signed[0] = 0xA0;
    let serial = write::value(Tag::INTEGER, signer.serial());
    let info = write::sequence([
        write::unsigned(&[1]),
        write::sequence([signer.issuer().der(), &serial]),
        digest.clone(),
        signed,
        scheme.to_identifier(),
        write::octet_string(value),
    ]);
    let chain = WORLD.chain();
    let data = write::sequence([
        write::unsigned(&[1]),
        write::set_of(vec![digest]),
        write::sequence([write::oid(oid::DATA)]),
        write::constructed(Tag::context(0), [signer.der(), chain[0].der()]),
        write::set_of(vec![info]),
    ]);
    write::sequence([write::oid(oid::SIGNED_DATA), write::value(Tag::context(0), &data)])
}

/// As [`sign_with`], by another digest.
fn sign_over(
    pdf: &[u8],
    (kind, sub_filter): (SignatureKind, &'static str),
    algorithm: DigestAlgorithm,
    cms: &dyn Fn(Digest) -> Vec<u8>,
) -> Vec<u8> {
    let new = NewSignature {
        kind,
        sub_filter,
        claimed_time: Some(day("05-30")),
        contents_len: 4096,
        ..NewSignature::default()
    };
    let mut increment = prepare_signature(&open(pdf), &new).unwrap();
    let whole = |tail: &[u8]| [pdf, tail].concat();
    let source = Arc::new(MemorySource(whole(&increment.tail)));
    let digest = source.digest(algorithm, &increment.ranges).unwrap();
    increment.fill(&cms(digest)).unwrap();
    whole(&increment.tail)
}

fn attribute(oid: der::oid::ObjectIdentifier, value: &[u8]) -> Vec<u8> {
    write::sequence([write::oid(oid), write::value(Tag::SET, value)])
}

/// `TOTAL-FAILED/HASH_FAILURE digest.mismatch`: indication, sub-indication, deciding key.
fn told(signature: &SignatureReport) -> String {
    let indication = match signature.indication {
        Indication::TotalPassed => "TOTAL-PASSED",
        Indication::TotalFailed => "TOTAL-FAILED",
        Indication::Indeterminate => "INDETERMINATE",
    };
    let sub = signature.sub_indication.as_deref().map(|sub| format!("/{sub}")).unwrap_or_default();
    let key = signature.reason_against().map(|reason| format!(" {}", reason.key)).unwrap_or_default();
    format!("{indication}{sub}{key}")
}
