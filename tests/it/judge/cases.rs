//! Documents made for one question each.

use der::oid::ObjectIdentifier;
use kyso::{
    asn1::{Reader, Tag, oid, write},
    base::{Digest, DigestAlgorithm, Limits, MemorySource, Source as _},
    ocsp::CertStatus,
    trust::{Anchors, Grant, Purpose},
    validation::{
        CoverageLevel, Evidence, Indication, Inspection, ModificationLevel, Need, Overall, Policy,
        SignatureReport, TimeSource,
    },
    x509::{Certificate, algorithm::SignatureScheme},
};
use std::sync::Arc;

use super::world::*;

/// `TOTAL-FAILED/HASH_FAILURE digest.mismatch`: indication, sub-indication, deciding key.
pub(super) fn told(signature: &SignatureReport) -> String {
    let indication = match signature.indication {
        Indication::TotalPassed => "TOTAL-PASSED",
        Indication::TotalFailed => "TOTAL-FAILED",
        Indication::Indeterminate => "INDETERMINATE",
    };
    let sub = signature.sub_indication.as_deref().map(|sub| format!("/{sub}")).unwrap_or_default();
    let key = signature.reason_against().map(|reason| format!(" {}", reason.key)).unwrap_or_default();
    format!("{indication}{sub}{key}")
}

fn warned(signature: &SignatureReport, key: &str) -> bool {
    signature.warnings.iter().any(|warning| warning.key == key)
}

const VALID: &str = "TOTAL-PASSED";

#[test]
fn a_baseline_signature_with_ocsp_is_valid() {
    let world = &*WORLD;
    let signature = world.judge(&world.sign(&plain_pdf(), &world.person), &world.all_good(), now());
    assert_eq!(told(&signature), VALID, "{signature:#?}");
    assert_eq!(signature.signature_format, "PAdES-BASELINE-B");
    assert_eq!(signature.signed_by.as_deref(), Some("Nguyễn Văn A"));
    assert_eq!(signature.organization.as_deref(), Some("UBND phường An Hội"));
    assert_eq!(signature.coverage, CoverageLevel::Document);
    assert_eq!(signature.modification_level, ModificationLevel::None);
    assert_eq!(signature.best_signature_time_source, Some(TimeSource::ValidationTime));
    assert_eq!(signature.claimed_signing_time.as_deref(), Some("2026-05-30T00:00:00Z"));
    assert!(signature.digest_matches && signature.signature_matches);
    assert!(signature.trust_anchor.unwrap().contains("Gốc thử nghiệm"));
}

#[test]
fn evidence_about_status_decides() {
    let world = &*WORLD;
    let pdf = world.sign(&plain_pdf(), &world.person);
    let root_list = world.root_list(day("05-20"));
    let about = &world.person.certificate;
    let responder = |answer: Answer| world.responder.answers(&world.ca, about, &answer);
    let unknown = "INDETERMINATE/TRY_LATER status.unknown";
    let without_next = |on| Answer { next_update: None, ..Answer::good(on) };
    let foreign = world.ca.issue(&Spec::person("kẻ lạ", 90));
    let other_ca = Entity::root("CA thử nghiệm");
    let no_nocheck = world.ca.issue(&Spec { extra: Vec::new(), ..Spec::responder("OCSP 2", 91) });
    let expired_responder = world.ca.issue(&Spec { to: day("05-15"), ..Spec::responder("OCSP 3", 92) });
    let from_root = world.root.issue(&Spec::responder("OCSP 4", 93));
    let other_issuers_key = other_ca.issue(&Spec::responder("OCSP", 94));
    let limited = |oid: &str, value: Vec<u8>| {
        let oid = write::oid(ObjectIdentifier::new_unwrap(oid));
        world.ca.revokes(
            day("05-30"),
            Some(day("06-05")),
            &[],
            &[write::sequence([oid, write::value(Tag::BOOLEAN, &[0xFF]), write::octet_string(&value)])],
        )
    };
    let indicator = write::sequence([
        write::oid(ObjectIdentifier::new_unwrap("2.5.29.27")),
        write::value(Tag::BOOLEAN, &[0xFF]),
        write::octet_string(&write::unsigned(&[1])),
    ]);
    let delta_naming =
        world.ca.revokes(day("05-30"), Some(day("06-05")), &[(10, day("05-01"))], &[indicator]);
    let cases: Vec<(&str, Vec<Evidence>, &str)> = vec![
        ("OCSP", vec![responder(Answer::good(day("05-30")))], VALID),
        (
            "OCSP by the issuer itself",
            vec![world.ca.answers(&world.ca, about, &Answer::good(day("05-30")))],
            VALID,
        ),
        ("CRL", vec![world.ca_list(day("05-30"))], VALID),
        ("nothing", vec![], unknown),
        ("stale OCSP", vec![responder(Answer::good(day("05-20")))], unknown),
        ("stale CRL", vec![world.ca_list(day("05-20"))], unknown),
        ("CRL without end", vec![world.ca.revokes(day("05-31"), None, &[], &[])], unknown),
        ("OCSP without end, a minute old", vec![responder(without_next(day("05-31T23:59")))], VALID),
        ("OCSP without end, a day old", vec![responder(without_next(day("05-31")))], unknown),
        ("OCSP of tomorrow", vec![responder(Answer::good(day("06-02")))], unknown),
        (
            "OCSP of an unauthorised person",
            vec![foreign.answers(&world.ca, about, &Answer::good(day("05-30")))],
            unknown,
        ),
        (
            "OCSP of another responder's authority",
            vec![from_root.answers(&world.ca, about, &Answer::good(day("05-30")))],
            unknown,
        ),
        (
            "OCSP of a responder that a namesake certified",
            vec![other_issuers_key.answers(&world.ca, about, &Answer::good(day("05-30")))],
            unknown,
        ),
        (
            "CRL of a namesake of the issuer",
            vec![other_ca.revokes(day("05-30"), Some(day("06-05")), &[], &[])],
            unknown,
        ),
        (
            "OCSP of a responder without nocheck",
            vec![no_nocheck.answers(&world.ca, about, &Answer::good(day("05-30")))],
            unknown,
        ),
        (
            "OCSP of a responder without nocheck whose list is there",
            // The list settles the person's status as well; what matters is that nothing breaks.
            vec![
                no_nocheck.answers(&world.ca, about, &Answer::good(day("05-30"))),
                world.ca_list(day("05-30")),
            ],
            VALID,
        ),
        (
            "OCSP of an expired responder",
            vec![expired_responder.answers(&world.ca, about, &Answer::good(day("05-30")))],
            unknown,
        ),
        (
            "OCSP made while its responder was valid, which it no longer is",
            vec![expired_responder.answers(
                &world.ca,
                about,
                &Answer { next_update: Some(day("06-30")), ..Answer::good(day("05-14")) },
            )],
            "INDETERMINATE/REVOCATION_OUT_OF_BOUNDS_NO_POE status.unproven",
        ),
        (
            "good by OCSP, revoked in a delta CRL",
            vec![responder(Answer::good(day("05-30"))), delta_naming],
            "INDETERMINATE/REVOKED_NO_POE certificate.revoked-unproven",
        ),
        ("OCSP about somebody else", vec![world.good(&world.agency, day("05-30"))], unknown),
        (
            "OCSP unknown",
            vec![responder(Answer { status: CertStatus::Unknown, ..Answer::good(day("05-30")) })],
            unknown,
        ),
        (
            "CRL of authorities only",
            vec![limited("2.5.29.28", write::sequence([write::value(Tag::context_primitive(2), &[0xFF])]))],
            unknown,
        ),
        (
            "CRL of users only",
            vec![limited("2.5.29.28", write::sequence([write::value(Tag::context_primitive(1), &[0xFF])]))],
            VALID,
        ),
        ("delta CRL", vec![limited("2.5.29.27", write::unsigned(&[1]))], unknown),
        (
            "CRL with an unknown critical extension",
            vec![limited("1.3.6.1.4.1.99999.5", write::null())],
            unknown,
        ),
        (
            "revoked, by OCSP",
            vec![responder(Answer::revoked(day("05-01"), day("05-30")))],
            "INDETERMINATE/REVOKED_NO_POE certificate.revoked-unproven",
        ),
        (
            "revoked, by CRL",
            vec![world.ca.revokes(day("05-30"), Some(day("06-05")), &[(10, day("05-01"))], &[])],
            "INDETERMINATE/REVOKED_NO_POE certificate.revoked-unproven",
        ),
        (
            "revoked in one, good in another",
            vec![
                responder(Answer::good(day("05-31"))),
                world.ca.revokes(day("05-20"), Some(day("05-22")), &[(10, day("05-01"))], &[]),
            ],
            "INDETERMINATE/REVOKED_NO_POE certificate.revoked-unproven",
        ),
    ];
    for (what, mut evidence, expected) in cases {
        evidence.push(root_list.clone());
        let signature = world.judge(&pdf, &evidence, now());
        assert_eq!(told(&signature), expected, "{what}: {signature:#?}");
        assert!(signature.digest_matches && signature.signature_matches, "{what}");
    }
    // The issuing authority's own status is asked for as well.
    let signature = world.judge(&pdf, &[world.good(&world.person, day("05-30"))], now());
    assert_eq!(told(&signature), unknown);
    let revoked_ca = world.root.revokes(day("05-20"), Some(day("06-20")), &[(2, day("05-10"))], &[]);
    let signature = world.judge(&pdf, &[world.good(&world.person, day("05-30")), revoked_ca], now());
    assert_eq!(told(&signature), "INDETERMINATE/REVOKED_CA_NO_POE certificate.authority-revoked");
}

#[test]
fn a_changed_bit_in_evidence_makes_it_worthless() {
    let world = &*WORLD;
    let pdf = world.sign(&plain_pdf(), &world.person);
    for which in [world.good(&world.person, day("05-30")), world.ca_list(day("05-30"))] {
        let (der, wrap): (Vec<u8>, fn(Vec<u8>) -> Evidence) = match which {
            Evidence::Ocsp(der) => (der, Evidence::Ocsp),
            Evidence::Crl(der) => (der, Evidence::Crl),
            Evidence::Certificate(_) => unreachable!(),
        };
        for at in (0..der.len()).step_by(7) {
            let mut bad = der.clone();
            bad[at] ^= 0x04;
            let signature = world.judge(&pdf, &[world.root_list(day("05-20")), wrap(bad)], now());
            // The certificate beside an OCSP answer is not under its signature; a flip in what nobody reads there
            // makes it another certificate, whose own signature no longer holds.
            assert_ne!(signature.indication, Indication::TotalPassed, "byte {at}");
        }
    }
}

#[test]
fn the_path_decides() {
    let world = &*WORLD;
    let constraints = "INDETERMINATE/CHAIN_CONSTRAINTS_FAILURE chain.constraints";
    let person = || Spec::person("Trần Thị B", 20);
    let extra = |oid: &str, critical| vec![(ObjectIdentifier::new_unwrap(oid), critical, write::null())];
    let uses =
        |uses: &[&str]| Some((false, uses.iter().map(|one| ObjectIdentifier::new_unwrap(one)).collect()));
    let weak = SignatureScheme::Ecdsa(DigestAlgorithm::Sha384);
    let cases: Vec<(&str, Spec, &str)> = vec![
        ("an ordinary certificate", person(), VALID),
        (
            "expired",
            Spec { to: day("05-31"), ..person() },
            "INDETERMINATE/OUT_OF_BOUNDS_NOT_REVOKED certificate.expired",
        ),
        (
            "not yet valid",
            Spec { from: day("06-02"), ..person() },
            "INDETERMINATE/OUT_OF_BOUNDS_NO_POE certificate.not-yet-valid",
        ),
        ("only for encipherment", Spec { key_usage: Some(0x20), ..person() }, constraints),
        ("no key usage", Spec { key_usage: None, ..person() }, VALID),
        (
            "for e-mail and logon",
            Spec { extended: uses(&["1.3.6.1.5.5.7.3.4", "1.3.6.1.4.1.311.20.2.2"]), ..person() },
            VALID,
        ),
        ("only for web servers", Spec { extended: uses(&["1.3.6.1.5.5.7.3.1"]), ..person() }, constraints),
        ("only for time-stamping", Spec { extended: uses(&["1.3.6.1.5.5.7.3.8"]), ..person() }, constraints),
        (
            "an unknown critical extension",
            Spec { extra: extra("1.3.6.1.4.1.99999.7", true), ..person() },
            constraints,
        ),
        ("an unknown extension", Spec { extra: extra("1.3.6.1.4.1.99999.7", false), ..person() }, VALID),
        (
            "signed in a way that the signature does not bear out",
            Spec { scheme: weak, ..person() },
            "INDETERMINATE/NO_CERTIFICATE_CHAIN_FOUND chain.not-found",
        ),
    ];
    for (what, spec, expected) in cases {
        let signer = world.ca.issue(&spec);
        let evidence = [world.root_list(day("05-20")), world.ca_list(day("05-30"))];
        let signature = world.judge(&world.sign(&plain_pdf(), &signer), &evidence, now());
        assert_eq!(told(&signature), expected, "{what}: {signature:#?}");
        assert!(signature.digest_matches && signature.signature_matches, "{what}");
    }

    let authority = || Spec::authority("CA khác", 30);
    let name_constraints = write::sequence([write::value(
        Tag::context(0),
        &write::sequence([write::value(Tag::context(4), &write::sequence([[]; 0]))]),
    )]);
    let other_names = write::sequence([write::value(
        Tag::context(1),
        &write::sequence([write::value(Tag::context(4), &write::sequence([[]; 0]))]),
    )]);
    let policy_constraints = write::sequence([write::value(Tag::context_primitive(0), &[0])]);
    let with = |oid: &str, critical, value: Vec<u8>| Spec {
        extra: vec![(ObjectIdentifier::new_unwrap(oid), critical, value)],
        ..authority()
    };
    let cases: Vec<(&str, Spec, &str)> = vec![
        ("an ordinary authority", authority(), VALID),
        ("none", Spec { authority: None, ..authority() }, constraints),
        (
            "an authority that may not sign certificates",
            Spec { key_usage: Some(0x82), ..authority() },
            constraints,
        ),
        (
            "an expired authority",
            Spec { to: day("05-31"), ..authority() },
            "INDETERMINATE/OUT_OF_BOUNDS_NO_POE certificate.expired",
        ),
        ("all names permitted", with("2.5.29.30", true, name_constraints), VALID),
        ("all names excluded", with("2.5.29.30", true, other_names.clone()), constraints),
        ("all names excluded, not critical", with("2.5.29.30", false, other_names), constraints),
        ("a policy required", with("2.5.29.36", true, policy_constraints.clone()), constraints),
        ("a policy required, not critical", with("2.5.29.36", false, policy_constraints), constraints),
        ("inhibitAnyPolicy", with("2.5.29.54", true, write::unsigned(&[0])), VALID),
        (
            "a critical extended key usage for web servers",
            Spec {
                extended: Some((true, vec![ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1")])),
                ..authority()
            },
            constraints,
        ),
    ];
    for (what, spec, expected) in cases {
        let ca = world.root.issue(&spec);
        let signer = ca.issue(&person());
        let pdf = sign_with(&plain_pdf(), CADES, |digest| {
            signer.cms(digest, &signer.certificate, &[ca.certificate.clone()]).to_der(None)
        });
        let list = ca.revokes(day("05-30"), Some(day("06-05")), &[], &[]);
        let signature = world.judge(&pdf, &[world.root_list(day("05-20")), list], now());
        assert_eq!(told(&signature), expected, "{what}: {signature:#?}");
    }
}

#[test]
fn path_length_and_chain_length_are_kept() {
    let world = &*WORLD;
    // Six authorities below the root are one too many: with the signer, seven certificates.
    for (length, allowed, expected) in [
        (2_usize, None, VALID),
        (5, None, VALID),
        (6, None, "INDETERMINATE/NO_CERTIFICATE_CHAIN_FOUND chain.not-found"),
        (2, Some(1), VALID),
        (2, Some(0), "INDETERMINATE/CHAIN_CONSTRAINTS_FAILURE chain.constraints"),
        (3, Some(1), "INDETERMINATE/CHAIN_CONSTRAINTS_FAILURE chain.constraints"),
    ] {
        let first = Spec { authority: Some(allowed), ..Spec::authority("CA 0", 40) };
        let mut authorities = vec![world.root.issue(&first)];
        for depth in 1..length {
            let spec = Spec::authority(&format!("CA {depth}"), 40);
            let next = authorities.last().unwrap().issue(&spec);
            authorities.push(next);
        }
        let signer = authorities.last().unwrap().issue(&Spec::person("Lê C", 41));
        let chain: Vec<Certificate> = authorities.iter().map(|one| one.certificate.clone()).collect();
        let pdf = sign_with(&plain_pdf(), CADES, |digest| {
            signer.cms(digest, &signer.certificate, &chain).to_der(None)
        });
        let mut evidence = vec![world.root_list(day("05-20"))];
        evidence
            .extend(authorities.iter().map(|one| one.revokes(day("05-30"), Some(day("06-05")), &[], &[])));
        let signature = world.judge(&pdf, &evidence, now());
        assert_eq!(told(&signature), expected, "{length} {allowed:?}: {signature:#?}");
    }
}

#[test]
fn anchors_come_from_the_caller_alone() {
    let world = &*WORLD;
    let stranger = Entity::root("Gốc lạ");
    let signer = stranger.issue(&Spec::person("Kẻ lạ", 50));
    let list = stranger.revokes(day("05-30"), Some(day("06-05")), &[], &[]);
    let pdf = sign_with(&plain_pdf(), CADES, |digest| {
        signer.cms(digest, &signer.certificate, &[stranger.certificate.clone()]).to_der(None)
    });
    let signature = world.judge(&pdf, std::slice::from_ref(&list), now());
    assert_eq!(told(&signature), "INDETERMINATE/NO_CERTIFICATE_CHAIN_FOUND chain.not-found");
    assert!(signature.digest_matches && signature.signature_matches);
    assert_eq!(signature.trust_anchor, None);
    // A namesake of the anchor with another key is no anchor.
    let namesake = Entity::root("Gốc thử nghiệm");
    let signer = namesake.issue(&Spec::person("Kẻ lạ", 50));
    let pdf = sign_with(&plain_pdf(), CADES, |digest| {
        signer.cms(digest, &signer.certificate, &[namesake.certificate.clone()]).to_der(None)
    });
    let signature = world.judge(&pdf, &[list], now());
    assert_eq!(told(&signature), "INDETERMINATE/NO_CERTIFICATE_CHAIN_FOUND chain.not-found");
    // No anchors at all.
    let pdf = world.sign(&plain_pdf(), &world.person);
    let report = judge(&pdf, &Anchors::default(), &world.all_good(), now());
    assert_eq!(told(&report.signatures[0]), "INDETERMINATE/NO_CERTIFICATE_CHAIN_FOUND chain.not-found");
    // The signer's own certificate as the anchor: nobody vouches for its status.
    for signer in [&world.person, &stranger] {
        let anchors = Anchors::new("", vec![signer.certificate.clone()]);
        let pdf = world.sign(&plain_pdf(), signer);
        let report = judge(&pdf, &anchors, &world.all_good(), now());
        let told = told(&report.signatures[0]);
        // A self-signed one issues itself: its status is asked for, and no one can tell.
        assert!(told.starts_with("INDETERMINATE/"), "{told}");
    }
}

#[test]
fn the_signature_itself_decides() {
    let world = &*WORLD;
    let person = &world.person;
    let chain = world.chain();
    let sign = |how: &dyn Fn(kyso::base::Digest) -> Vec<u8>| sign_with(&plain_pdf(), CADES, how);
    let wrong_digest = sign(&|mut digest| {
        digest.bytes[0] ^= 1;
        person.cms(digest, &person.certificate, &chain).to_der(None)
    });
    let wrong_value = sign(&|digest| {
        let mut cms = person.cms(digest, &person.certificate, &chain);
        cms.signature = person.key.sign(b"something else");
        cms.to_der(None)
    });
    let wrong_key = sign(&|digest| {
        let cms = world.agency.cms(digest, &person.certificate, &chain);
        Cms { signer: person.certificate.clone(), ..cms }.to_der(None)
    });
    let wrong_name = sign(&|digest| person.cms(digest, &world.agency.certificate, &chain).to_der(None));
    let no_certificate = sign(&|digest| {
        let der = person.cms(digest, &person.certificate, &chain).to_der(None);
        rewrite(&der, Part::Certificates, &|_| Vec::new())
    });
    let two_signers = sign(&|digest| {
        let der = person.cms(digest, &person.certificate, &chain).to_der(None);
        rewrite(&der, Part::Signers, &|signers| [signers, signers].concat())
    });
    let no_signer = sign(&|digest| {
        let der = person.cms(digest, &person.certificate, &chain).to_der(None);
        rewrite(&der, Part::Signers, &|_| Vec::new())
    });
    let unattested = sign(&|digest| {
        let attributes = write::set_of(vec![
            attribute(oid::CONTENT_TYPE, &write::oid(oid::DATA)),
            attribute(oid::MESSAGE_DIGEST, &write::octet_string(&digest.bytes)),
        ]);
        bare(person, attributes, &chain)
    });
    let no_message_digest = sign(&|_| {
        bare(person, write::set_of(vec![attribute(oid::CONTENT_TYPE, &write::oid(oid::DATA))]), &chain)
    });
    let wrong_content_type = sign(&|digest| {
        let attributes = write::set_of(vec![
            attribute(oid::CONTENT_TYPE, &write::oid(oid::TST_INFO)),
            attribute(oid::MESSAGE_DIGEST, &write::octet_string(&digest.bytes)),
        ]);
        bare(person, attributes, &chain)
    });
    let attached = sign(&|digest| {
        let mut cms = person.cms(digest, &person.certificate, &chain);
        cms.content = Some(b"content of its own".to_vec());
        cms.to_der(None)
    });
    let garbage = sign(&|_| vec![0x30, 0x03, 0x02, 0x01, 0x05]);
    for (what, pdf, expected, intact) in [
        ("wrong digest", wrong_digest, "TOTAL-FAILED/HASH_FAILURE digest.mismatch", (false, true)),
        ("wrong value", wrong_value, "TOTAL-FAILED/SIG_CRYPTO_FAILURE signature.mismatch", (true, false)),
        ("wrong key", wrong_key, "TOTAL-FAILED/SIG_CRYPTO_FAILURE signature.mismatch", (true, false)),
        (
            "another certificate is named",
            wrong_name,
            "INDETERMINATE/NO_SIGNING_CERTIFICATE_FOUND signing-certificate.mismatch",
            (true, true),
        ),
        (
            "no certificate",
            no_certificate,
            "INDETERMINATE/NO_SIGNING_CERTIFICATE_FOUND signing-certificate.not-found",
            (true, false),
        ),
        ("two signers", two_signers, "TOTAL-FAILED/FORMAT_FAILURE format.signers", (false, false)),
        ("no signer", no_signer, "TOTAL-FAILED/FORMAT_FAILURE format.signers", (false, false)),
        (
            "no signing-certificate attribute",
            unattested,
            "INDETERMINATE/SIG_CONSTRAINTS_FAILURE signing-certificate.absent",
            (true, true),
        ),
        ("no message digest", no_message_digest, "TOTAL-FAILED/FORMAT_FAILURE format.cms", (false, true)),
        ("another content type", wrong_content_type, "TOTAL-FAILED/FORMAT_FAILURE format.cms", (true, true)),
        ("attached content", attached, "TOTAL-FAILED/FORMAT_FAILURE format.cms", (false, false)),
        ("garbage", garbage, "TOTAL-FAILED/FORMAT_FAILURE format.cms", (false, false)),
    ] {
        let signature = world.judge(&pdf, &world.all_good(), now());
        assert_eq!(told(&signature), expected, "{what}: {signature:#?}");
        assert_eq!((signature.digest_matches, signature.signature_matches), intact, "{what}");
    }
}

/// The document stays where it is: what its digest is, is the caller's word.
#[test]
fn a_digest_can_be_judged_without_the_document() {
    let world = &*WORLD;
    let pdf = world.sign_stamped(&plain_pdf(), &world.person, day("05-30"));
    let document = open(&pdf);
    let [field] = document.signatures().unwrap().try_into().unwrap();
    let ranges = document.check_byte_range(&field).unwrap().ranges;
    let source = MemorySource(pdf.clone());
    let digest = |algorithm| source.digest(algorithm, &ranges).unwrap();
    let right = digest(DigestAlgorithm::Sha256);
    let judge = |cms: &[u8], digests: &[Digest]| {
        let mut inspection = Inspection::of_digests(cms, digests, &Limits::default());
        let tsa = world.good(&world.tsa, day("05-31"));
        world.all_good().into_iter().chain([tsa]).for_each(|one| inspection.supply(one));
        let report = inspection.judge("cms", &Policy::strict(), &world.anchors(), now());
        let [signature] = report.signatures.try_into().unwrap();
        signature
    };

    let signature = judge(&field.contents, &[digest(DigestAlgorithm::Sha384), right.clone()]);
    assert_eq!(told(&signature), VALID, "{signature:#?}");
    assert_eq!(signature.coverage, CoverageLevel::Digest);
    assert_eq!(signature.best_signature_time.as_deref(), Some("2026-05-30T00:00:00Z"));
    assert!(warned(&signature, "document.unseen"));

    let mut wrong = right.clone();
    wrong.bytes[0] ^= 1;
    let cases: [(&[u8], &[Digest], &str); 4] = [
        (&field.contents, &[wrong], "TOTAL-FAILED/HASH_FAILURE digest.mismatch"),
        (&field.contents, &[], "INDETERMINATE/SIGNED_DATA_NOT_FOUND digest.not-given"),
        (
            &field.contents,
            &[digest(DigestAlgorithm::Sha512)],
            "INDETERMINATE/SIGNED_DATA_NOT_FOUND digest.not-given",
        ),
        (b"no CMS", &[right], "TOTAL-FAILED/FORMAT_FAILURE format.cms"),
    ];
    for (cms, digests, expected) in cases {
        assert_eq!(told(&judge(cms, digests)), expected);
    }
}

#[test]
fn kinds_of_signatures_are_told_apart() {
    let world = &*WORLD;
    let person = &world.person;
    let signed = |kind| {
        sign_with(&plain_pdf(), kind, |digest| {
            person.cms(digest, &person.certificate, &world.chain()).to_der(None)
        })
    };
    let signature = world.judge(&signed(PKCS7), &world.all_good(), now());
    assert_eq!((told(&signature).as_str(), signature.signature_format.as_str()), (VALID, "PKCS7-B"));

    let unattested = sign_with(&plain_pdf(), PKCS7, |digest| {
        let attributes = write::set_of(vec![
            attribute(oid::CONTENT_TYPE, &write::oid(oid::DATA)),
            attribute(oid::MESSAGE_DIGEST, &write::octet_string(&digest.bytes)),
        ]);
        bare(person, attributes, &world.chain())
    });
    let signature = world.judge(&unattested, &world.all_good(), now());
    assert_eq!(told(&signature), VALID);
    assert!(warned(&signature, "signing-certificate.absent"));

    for sub_filter in ["adbe.x509.rsa_sha1", "ETSI.RFC3161"] {
        let signature =
            world.judge(&signed((kyso::pdf::SignatureKind::Signature, sub_filter)), &world.all_good(), now());
        assert_eq!(
            told(&signature),
            "INDETERMINATE/SIG_CONSTRAINTS_FAILURE format.sub-filter",
            "{sub_filter}"
        );
        assert_eq!(signature.signature_format == "DOC-TIME-STAMP", sub_filter == "ETSI.RFC3161");
    }
    let disguised = signed((kyso::pdf::SignatureKind::DocTimeStamp, "ETSI.CAdES.detached"));
    let signature = world.judge(&disguised, &world.all_good(), now());
    assert_eq!(told(&signature), "INDETERMINATE/SIG_CONSTRAINTS_FAILURE format.sub-filter");

    let report = judge(&plain_pdf(), &world.anchors(), &[], now());
    assert_eq!((report.overall, report.signatures.len()), (Overall::Unsigned, 0));
}

#[test]
fn a_time_stamp_proves_when() {
    let world = &*WORLD;
    let about = &world.person.certificate;
    let tsa_good = || world.good(&world.tsa, day("05-30"));
    let stamped = world.sign_stamped(&plain_pdf(), &world.person, day("05-10T12:00"));
    let answer = |answer: Answer| world.responder.answers(&world.ca, about, &answer);
    let list = || world.root_list(day("05-20"));
    let cases: Vec<(&str, Vec<Evidence>, &str, bool)> = vec![
        ("good now", vec![answer(Answer::good(day("05-30"))), tsa_good(), list()], VALID, true),
        ("good then", vec![answer(Answer::good(day("05-08"))), tsa_good(), list()], VALID, true),
        (
            "not known then or later",
            vec![answer(Answer::good(day("04-30"))), tsa_good(), list()],
            "INDETERMINATE/TRY_LATER status.unknown",
            true,
        ),
        (
            "revoked later",
            vec![answer(Answer::revoked(day("05-20"), day("05-30"))), tsa_good(), list()],
            VALID,
            true,
        ),
        (
            "revoked before",
            vec![answer(Answer::revoked(day("05-05"), day("05-30"))), tsa_good(), list()],
            "TOTAL-FAILED/REVOKED certificate.revoked",
            true,
        ),
        (
            "revoked later, but nobody vouches for the authority of the time-stamp",
            vec![answer(Answer::revoked(day("05-20"), day("05-30"))), list()],
            "INDETERMINATE/REVOKED_NO_POE certificate.revoked-unproven",
            false,
        ),
        (
            "the authority of the time-stamp was revoked",
            vec![
                answer(Answer::revoked(day("05-20"), day("05-30"))),
                world.responder.answers(
                    &world.ca,
                    &world.tsa.certificate,
                    &Answer::revoked(day("05-25"), day("05-30")),
                ),
                list(),
            ],
            "INDETERMINATE/REVOKED_NO_POE certificate.revoked-unproven",
            false,
        ),
    ];
    for (what, evidence, expected, proven) in cases {
        let signature = world.judge(&stamped, &evidence, now());
        assert_eq!(told(&signature), expected, "{what}: {signature:#?}");
        assert_eq!(signature.signature_format, "PAdES-BASELINE-T");
        let source = if proven { TimeSource::TimeStamp } else { TimeSource::ValidationTime };
        assert_eq!(signature.best_signature_time_source, Some(source), "{what}");
        assert_eq!(warned(&signature, "time-stamp.untrusted"), !proven, "{what}");
        assert_eq!(warned(&signature, "certificate.revoked-later"), what == "revoked later", "{what}");
        // The signer's machine said 30 May.
        assert_eq!(warned(&signature, "signing-time.after-time-stamp"), proven, "{what}");
        if proven {
            assert_eq!(signature.best_signature_time.as_deref(), Some("2026-05-10T12:00:00Z"));
        }
    }
}

#[test]
fn an_expired_certificate_needs_proof() {
    let world = &*WORLD;
    let signer = world.ca.issue(&Spec { to: day("05-15"), ..Spec::person("Phạm D", 60) });
    let stamp = |at| world.sign_stamped(&plain_pdf(), &signer, at);
    let plain = world.sign(&plain_pdf(), &signer);
    let answer = |on| world.responder.answers(&world.ca, &signer.certificate, &Answer::good(on));
    let base = || vec![world.root_list(day("05-20")), world.good(&world.tsa, day("05-30"))];
    let expired = "INDETERMINATE/OUT_OF_BOUNDS_NOT_REVOKED certificate.expired";
    let unknown = "INDETERMINATE/TRY_LATER status.unknown";
    for (what, pdf, evidence, expected) in [
        ("no time-stamp", &plain, answer(day("05-14")), expired),
        ("stamped in time, status of then", &stamp(day("05-10")), answer(day("05-09")), VALID),
        ("stamped in time, status a little later", &stamp(day("05-10")), answer(day("05-14")), VALID),
        ("stamped in time, status from after the end", &stamp(day("05-10")), answer(day("05-20")), unknown),
        ("stamped in time, stale status", &stamp(day("05-10")), answer(day("04-20")), unknown),
        ("stamped too late", &stamp(day("05-20")), answer(day("05-14")), expired),
    ] {
        let evidence = [base(), vec![evidence]].concat();
        let signature = world.judge(pdf, &evidence, now());
        assert_eq!(told(&signature), expected, "{what}: {signature:#?}");
    }
    // Proven to exist before the certificate began.
    let early = world.ca.issue(&Spec { from: day("05-20"), ..Spec::person("Phạm E", 61) });
    let pdf = world.sign_stamped(&plain_pdf(), &early, day("05-10"));
    let good = world.responder.answers(&world.ca, &early.certificate, &Answer::good(day("05-30")));
    let signature = world.judge(&pdf, &[base(), vec![good]].concat(), now());
    assert_eq!(told(&signature), "TOTAL-FAILED/NOT_YET_VALID certificate.not-yet-valid");
}

#[test]
fn a_time_stamp_that_does_not_hold_proves_nothing() {
    let world = &*WORLD;
    let person = &world.person;
    let at = day("05-10");
    let chain = world.chain();
    let evidence = || vec![world.root_list(day("05-20")), world.ca_list(day("05-30"))];
    let with = |token: &dyn Fn(&Cms) -> Vec<u8>| {
        sign_with(&plain_pdf(), CADES, |digest| {
            let cms = person.cms(digest, &person.certificate, &chain);
            let token = token(&cms);
            cms.to_der(Some(&token))
        })
    };
    let authority = |spec: Spec| world.ca.issue(&spec);
    let not_critical = authority(Spec {
        extended: Some((false, vec![oid::KP_TIME_STAMPING])),
        ..Spec::time_stamping("T1", 70)
    });
    let not_alone = authority(Spec {
        extended: Some((true, vec![oid::KP_TIME_STAMPING, oid::KP_OCSP_SIGNING])),
        ..Spec::time_stamping("T2", 71)
    });
    let expired = authority(Spec { to: day("05-15"), ..Spec::time_stamping("T3", 72) });
    let later = authority(Spec { from: day("05-20"), ..Spec::time_stamping("T4", 73) });
    let stranger = Entity::root("Gốc lạ").issue(&Spec::time_stamping("T5", 74));
    let untrusted = "time-stamp.untrusted";
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        (
            "extended key usage not critical",
            with(&|cms| not_critical.stamps(cms.imprint(), at, &chain)),
            untrusted,
        ),
        ("extended key usage not alone", with(&|cms| not_alone.stamps(cms.imprint(), at, &chain)), untrusted),
        ("a person's certificate", with(&|cms| person.stamps(cms.imprint(), at, &chain)), untrusted),
        ("expired since", with(&|cms| expired.stamps(cms.imprint(), at, &chain)), untrusted),
        ("not valid at its own time", with(&|cms| later.stamps(cms.imprint(), at, &chain)), untrusted),
        ("of a stranger", with(&|cms| stranger.stamps(cms.imprint(), at, &chain)), untrusted),
        ("from the future", with(&|cms| world.tsa.stamps(cms.imprint(), day("06-10"), &chain)), untrusted),
        (
            "SHA-1",
            with(&|cms| world.tsa.stamps(DigestAlgorithm::Sha1.digest(&cms.signature), at, &chain)),
            "time-stamp.weak",
        ),
    ];
    for (what, pdf, key) in cases {
        let signature = world.judge(&pdf, &evidence(), now());
        // Otherwise it is all good: it is valid now, at no proven time.
        assert_eq!(told(&signature), VALID, "{what}: {signature:#?}");
        assert!(warned(&signature, key), "{what}: {signature:#?}");
        assert_eq!(signature.best_signature_time_source, Some(TimeSource::ValidationTime), "{what}");
        assert_eq!(signature.best_signature_time.as_deref(), Some("2026-06-01T00:00:00Z"), "{what}");
    }
    let cases: Vec<(&str, Vec<u8>)> = vec![
        (
            "over something else",
            with(&|_| world.tsa.stamps(DigestAlgorithm::Sha256.digest(b"x"), at, &chain)),
        ),
        (
            "changed inside",
            with(&|cms| {
                let mut token = world.tsa.stamps(cms.imprint(), at, &chain);
                // The minute of genTime.
                let text = b"20260510000000Z";
                let place = token.windows(text.len()).position(|window| window == text).unwrap();
                token[place + 6] = b'0';
                token
            }),
        ),
        ("no token", with(&|_| write::sequence([write::null()]))),
    ];
    for (what, pdf) in cases {
        let signature = world.judge(&pdf, &evidence(), now());
        assert_eq!(
            told(&signature),
            "INDETERMINATE/SIG_CONSTRAINTS_FAILURE time-stamp.invalid",
            "{what}: {signature:#?}"
        );
        assert_eq!(signature.best_signature_time_source, Some(TimeSource::ValidationTime), "{what}");
    }
}

#[test]
fn what_comes_after_a_signature_is_looked_at() {
    let world = &*WORLD;
    let pdf = world.sign(&plain_pdf(), &world.person);
    let evidence = [world.root_list(day("05-20")), world.ca_list(day("05-30"))];
    let first = |pdf: &[u8]| {
        let report = judge(pdf, &world.anchors(), &evidence, now());
        (report.overall, report.signatures[0].clone())
    };
    let page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>";
    let forbidden = "TOTAL-FAILED/FORMAT_FAILURE modification.forbidden";
    let mut junk = pdf.clone();
    junk.extend_from_slice(b"something else\n");
    for (what, kind, changed) in [
        ("a page", "page-content", append_revision(&pdf, &[(3, page.to_vec())])),
        ("an object that nobody uses", "unexplained", append_revision(&pdf, &[(99, b"(x)".to_vec())])),
        ("bytes at the end", "unexplained", junk),
    ] {
        let (overall, signature) = first(&changed);
        assert_eq!(
            (overall, told(&signature).as_str()),
            (Overall::Invalid, forbidden),
            "{what}: {signature:#?}"
        );
        assert_eq!(signature.coverage, CoverageLevel::Revision, "{what}");
        assert_eq!(signature.modification_level, ModificationLevel::Forbidden, "{what}");
        let told = signature.modifications.iter().any(|one| !one.permitted && one.kind == kind);
        assert!(told, "{what}: {:#?}", signature.modifications);
        // The signed bytes are what they were, and this is said as well.
        assert!(signature.digest_matches && signature.signature_matches, "{what}");
    }
    // The agency signs after the leader; validation data and a time-stamp follow.
    let twice = world.sign(&pdf, &world.agency);
    let report = judge(&twice, &world.anchors(), &evidence, now());
    assert_eq!(report.overall, Overall::Valid, "{report:#?}");
    assert_eq!(report.signatures[0].coverage, CoverageLevel::Revision);
    assert_eq!(report.signatures[0].modification_level, ModificationLevel::Permitted);
    assert_eq!(report.signatures[0].modifications[0].kind, "signature");
    assert_eq!(report.signatures[1].coverage, CoverageLevel::Document);
    assert_eq!(report.signatures[1].modification_level, ModificationLevel::None);

    let stored = append_store(&twice, &evidence);
    let report = judge(&stored, &world.anchors(), &[], now());
    assert_eq!(report.overall, Overall::Valid, "{report:#?}");
    assert!(report.signatures.iter().all(|one| one.coverage == CoverageLevel::Revision));
    assert!(report.signatures[1].modifications.iter().all(|one| one.kind == "security-store"));

    let stamped = world.stamp(&stored, day("05-31"));
    let report = judge(&stamped, &world.anchors(), &[], now());
    assert_eq!(report.overall, Overall::Valid, "{report:#?}");
    assert_eq!(report.signatures[2].signature_format, "DOC-TIME-STAMP");
    assert_eq!(report.signatures[2].best_signature_time.as_deref(), Some("2026-05-31T00:00:00Z"));
    // It proves when the signatures existed, too.
    for signature in &report.signatures[..2] {
        assert_eq!(signature.best_signature_time.as_deref(), Some("2026-05-31T00:00:00Z"));
        assert_eq!(signature.best_signature_time_source, Some(TimeSource::TimeStamp));
    }
    // A change after all this breaks every one of them.
    let report = judge(&append_revision(&stamped, &[(3, page.to_vec())]), &world.anchors(), &evidence, now());
    assert!(report.signatures.iter().all(|one| told(one) == forbidden), "{report:#?}");
    // A change between the two breaks the first only, and the document with it.
    let between = world.sign(&append_revision(&pdf, &[(3, page.to_vec())]), &world.agency);
    let report = judge(&between, &world.anchors(), &evidence, now());
    assert_eq!(report.overall, Overall::Invalid);
    assert_eq!([told(&report.signatures[0]), told(&report.signatures[1])], [forbidden, VALID]);
}

#[test]
fn a_document_time_stamp_carries_old_evidence() {
    let world = &*WORLD;
    // The signer's, the authority's and the responder's certificates have all ended since.
    let ca = world.root.issue(&Spec { to: day("05-25"), ..Spec::authority("CA cũ", 80) });
    let signer = ca.issue(&Spec { to: day("05-15"), ..Spec::person("Hồ F", 81) });
    let signed = sign_with(&plain_pdf(), CADES, |digest| {
        let cms = signer.cms(digest, &signer.certificate, &[ca.certificate.clone()]);
        cms.to_der(Some(&world.tsa.stamps(cms.imprint(), day("05-10"), &world.chain())))
    });
    let list = ca.revokes(day("05-09"), Some(day("05-12")), &[], &[]);
    let stored = append_store(&signed, &[list.clone(), world.root_list(day("05-05"))]);
    let tsa = [world.root_list(day("05-20")), world.ca_list(day("05-30"))];
    // Without proof that the list existed while its issuer's certificate was valid.
    let report = judge(&stored, &world.anchors(), &tsa, now());
    assert_eq!(told(&report.signatures[0]), "INDETERMINATE/REVOCATION_OUT_OF_BOUNDS_NO_POE status.unproven");
    let archived = world.stamp(&stored, day("05-12"));
    let report = judge(&archived, &world.anchors(), &tsa, now());
    assert_eq!(report.overall, Overall::Valid, "{report:#?}");
    // Stamped after the issuer's end: too late to prove anything about its list.
    let archived = world.stamp(&stored, day("05-28"));
    let report = judge(&archived, &world.anchors(), &tsa, now());
    assert_eq!(told(&report.signatures[0]), "INDETERMINATE/REVOCATION_OUT_OF_BOUNDS_NO_POE status.unproven");
    // A list in the time-stamp's own CMS lies in the hole that the time-stamp leaves out.
    let Evidence::Crl(list_der) = &list else { unreachable!() };
    let inside = sign_with(&signed, STAMP, |digest| {
        let token = world.tsa.stamps(digest, day("05-12"), &world.chain());
        let crls = write::value(Tag::context(1), list_der);
        rewrite(&token, Part::Certificates, &|certificates| [certificates, &crls].concat())
    });
    let report = judge(&inside, &world.anchors(), &tsa, now());
    assert_eq!(told(&report.signatures[1]), VALID, "{report:#?}");
    assert_eq!(told(&report.signatures[0]), "INDETERMINATE/REVOCATION_OUT_OF_BOUNDS_NO_POE status.unproven");
    // A list that was added behind the time-stamp is not carried by it.
    let archived = append_store(&world.stamp(&signed, day("05-12")), &[list, world.root_list(day("05-05"))]);
    let report = judge(&archived, &world.anchors(), &tsa, now());
    assert_eq!(told(&report.signatures[0]), "INDETERMINATE/REVOCATION_OUT_OF_BOUNDS_NO_POE status.unproven");
}

#[test]
fn a_document_time_stamp_is_judged_itself() {
    let world = &*WORLD;
    let evidence = [world.root_list(day("05-20")), world.ca_list(day("05-30"))];
    let signature = world.judge(&world.stamp(&plain_pdf(), day("05-31")), &evidence, now());
    assert_eq!(told(&signature), VALID, "{signature:#?}");
    assert_eq!(signature.signed_by.as_deref(), Some("TSA"));
    // It proves a time. Nobody signed the document.
    let report = judge(&world.stamp(&plain_pdf(), day("05-31")), &world.anchors(), &evidence, now());
    assert_eq!(report.overall, Overall::Unsigned);
    let elsewhere = sign_with(&plain_pdf(), STAMP, |_| {
        world.tsa.stamps(DigestAlgorithm::Sha256.digest(b"x"), day("05-31"), &world.chain())
    });
    let signature = world.judge(&elsewhere, &evidence, now());
    assert_eq!(told(&signature), "TOTAL-FAILED/HASH_FAILURE digest.mismatch");
    assert!(!signature.digest_matches && signature.signature_matches);
    let by_a_person =
        sign_with(&plain_pdf(), STAMP, |digest| world.person.stamps(digest, day("05-31"), &world.chain()));
    let signature = world.judge(&by_a_person, &evidence, now());
    assert_eq!(told(&signature), "INDETERMINATE/CHAIN_CONSTRAINTS_FAILURE chain.constraints");
    let signature = world.judge(&world.stamp(&plain_pdf(), day("05-31")), &[], now());
    assert_eq!(told(&signature), "INDETERMINATE/TRY_LATER status.unknown");
}

/// Trusted lists name a time-stamping unit by its own certificate: there is no path to walk, only the list's word.
#[test]
fn a_unit_that_a_list_names_itself_needs_no_path() {
    let world = &*WORLD;
    let stamped = world.stamp(&plain_pdf(), day("05-31"));
    let told_by = |anchors: &Anchors| told(&judge(&stamped, anchors, &[], now()).signatures[0]);
    let unit = Grant::of(world.tsa.certificate.clone(), Purpose::TimeStamping);
    let listing =
        |grant: Grant| Anchors { name: "list".to_owned(), grants: vec![grant], ..Anchors::default() };
    assert_eq!(told_by(&listing(unit.clone())), VALID);
    let withdrawn = Grant { until: Some(day("05-20")), ..unit.clone() };
    assert_ne!(told_by(&listing(withdrawn)), VALID);
    let of_another_purpose = Grant { purpose: Purpose::Signing, ..unit };
    assert_ne!(told_by(&listing(of_another_purpose)), VALID);
    // A person's certificate does not become a unit's by being listed as one.
    let person = Grant::of(world.person.certificate.clone(), Purpose::TimeStamping);
    let by_a_person = sign_with(&plain_pdf(), STAMP, |digest| world.person.stamps(digest, day("05-31"), &[]));
    let report = judge(&by_a_person, &listing(person), &[], now());
    assert_eq!(told(&report.signatures[0]), "INDETERMINATE/CHAIN_CONSTRAINTS_FAILURE chain.constraints");
    // Nor does an anchor for everything: it is there to end paths.
    let anchor = Anchors::new("anchor", vec![world.tsa.certificate.clone()]);
    assert_eq!(told_by(&anchor), "INDETERMINATE/CERTIFICATE_CHAIN_GENERAL_FAILURE certificate.is-anchor");
}

/// Where a certificate names delta lists, they are asked for together with the lists that they continue.
#[test]
fn delta_lists_are_asked_for() {
    let world = &*WORLD;
    let point = |url: &str| {
        let name = write::value(Tag::context_primitive(6), url.as_bytes());
        let full = write::value(Tag::context(0), &write::value(Tag::context(0), &name));
        write::sequence([write::sequence([full])])
    };
    let freshest = (oid::FRESHEST_CRL, false, point("http://crl.example/delta.crl"));
    let signer = world.ca.issue(&Spec { extra: vec![freshest], ..Spec::person("Lê G", 82) });
    let pdf = world.sign(&plain_pdf(), &signer);
    let inspection = Inspection::open(Arc::new(MemorySource(pdf)), &Limits::default()).unwrap();
    let needs = inspection.needs(&Policy::strict(), &world.anchors(), now());
    let delta = Need::Crl { url: "http://crl.example/delta.crl".to_owned() };
    assert!(needs.contains(&delta), "{needs:?}");
}

/// An indirect list (RFC 5280 section 5.2.5) whose signer lies where the list says.
#[test]
fn the_signer_of_an_indirect_list_is_asked_for() {
    let world = &*WORLD;
    let keeper = world.root.issue(&Spec {
        authority: None,
        key_usage: Some(0x02),
        ..Spec::authority("Sổ thu hồi", 86)
    });
    let uri = |url: &str| write::value(Tag::context_primitive(6), url.as_bytes());
    let full =
        write::value(Tag::context(0), &write::value(Tag::context(0), &uri("http://crl.example/all.crl")));
    let named = write::value(Tag::context(4), keeper.certificate.subject().der());
    let point = write::sequence([full.clone(), write::value(Tag::context(2), &named)]);
    let points = (oid::CRL_DISTRIBUTION_POINTS, false, write::sequence([point]));
    let signer = world.ca.issue(&Spec { extra: vec![points], ..Spec::person("Lê H", 87) });
    let extension = |oid, critical: &[u8], value: &[u8]| {
        write::sequence([write::oid(oid), critical.to_vec(), write::octet_string(value)])
    };
    let critical = write::value(Tag::BOOLEAN, &[0xFF]);
    let indirect = write::sequence([full, write::value(Tag::context_primitive(4), &[0xFF])]);
    let method = write::oid(oid::AD_CA_ISSUERS);
    let access = write::sequence([write::sequence([method, uri("http://crl.example/keeper.cer")])]);
    let list = keeper.revokes(
        day("05-30"),
        Some(day("06-05")),
        &[],
        &[
            extension(oid::ISSUING_DISTRIBUTION_POINT, &critical, &indirect),
            extension(oid::AUTHORITY_INFO_ACCESS, &[], &access),
        ],
    );
    let pdf = world.sign(&plain_pdf(), &signer);
    let mut inspection = Inspection::open(Arc::new(MemorySource(pdf)), &Limits::default()).unwrap();
    inspection.supply(world.root_list(day("05-20")));
    let needs = |inspection: &Inspection| inspection.needs(&Policy::strict(), &world.anchors(), now());
    let lists = Need::Crl { url: "http://crl.example/all.crl".to_owned() };
    assert_eq!(needs(&inspection), [lists.clone()]);
    inspection.supply(list);
    let keepers = Need::Issuer { url: "http://crl.example/keeper.cer".to_owned() };
    assert_eq!(needs(&inspection), [lists, keepers]);
    inspection.supply(Evidence::Certificate(keeper.certificate.der().to_vec()));
    assert_eq!(needs(&inspection), []);
    let report = inspection.judge("x", &Policy::strict(), &world.anchors(), now());
    assert_eq!(report.overall, Overall::Valid, "{report:#?}");
}

#[test]
fn a_certification_says_who_may_sign_after_it() {
    let world = &*WORLD;
    let evidence = [world.root_list(day("05-20")), world.ca_list(day("05-30"))];
    for (level, expected) in
        [(1, "TOTAL-FAILED/FORMAT_FAILURE modification.forbidden"), (2, VALID), (3, VALID)]
    {
        let certified = certify(&plain_pdf(), level);
        let alone = judge(&certified, &world.anchors(), &evidence, now());
        assert_eq!(alone.overall, Overall::Valid, "P={level}: {alone:#?}");
        assert_eq!(alone.signatures[0].certification_level, Some(level));
        // Another signer may not ask what is allowed.
        let twice = sign_regardless(&certified);
        let report = judge(&twice, &world.anchors(), &evidence, now());
        assert_eq!(told(&report.signatures[0]), expected, "P={level}: {report:#?}");
        // A time-stamp and validation data are always allowed.
        let stored = append_store(&certified, &evidence);
        let report = judge(&world.stamp(&stored, day("05-31")), &world.anchors(), &evidence, now());
        assert_eq!(report.overall, Overall::Valid, "P={level}: {report:#?}");
    }
}

#[test]
fn the_judge_says_what_it_needs() {
    let world = &*WORLD;
    let access = |oid_text: &str, url: &str| {
        let method = write::oid(ObjectIdentifier::new_unwrap(oid_text));
        write::sequence([method, write::value(Tag::context_primitive(6), url.as_bytes())])
    };
    let information = write::sequence([
        access("1.3.6.1.5.5.7.48.1", "http://ocsp.example/"),
        access("1.3.6.1.5.5.7.48.2", "http://ca.example/ca.cer"),
    ]);
    let spec = Spec {
        extra: vec![(ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.1.1"), false, information)],
        ..Spec::person("Vũ G", 85)
    };
    let signer = world.ca.issue(&spec);
    // Without the authority's certificate in the file.
    let pdf =
        sign_with(&plain_pdf(), CADES, |digest| signer.cms(digest, &signer.certificate, &[]).to_der(None));
    let source = Arc::new(kyso::base::MemorySource(pdf));
    let mut inspection = Inspection::open(source, &kyso::base::Limits::default()).unwrap();
    let anchors = world.anchors();
    assert_eq!(
        inspection.needs(&Policy::strict(), &anchors, now()),
        [Need::Issuer { url: "http://ca.example/ca.cer".to_owned() }]
    );
    inspection.supply(Evidence::Certificate(b"garbage".to_vec()));
    inspection.supply(Evidence::Certificate(world.ca.certificate.der().to_vec()));
    let needs = inspection.needs(&Policy::strict(), &anchors, now());
    let [Need::Ocsp { url, request }] = needs.as_slice() else { panic!("{needs:?}") };
    assert_eq!(url, "http://ocsp.example/");
    let request = kyso::ocsp::Request::parse(request).unwrap();
    assert!(request.cert_ids[0].names(&signer.certificate, &world.ca.certificate));
    inspection.supply(world.good(&signer, day("05-30")));
    inspection.supply(world.root_list(day("05-20")));
    assert_eq!(inspection.needs(&Policy::strict(), &anchors, now()), []);
    let policy = kyso::validation::Policy::strict();
    let report = inspection.judge("x", &policy, &anchors, now());
    assert_eq!(report.overall, Overall::Valid, "{report:#?}");
    // The same question gets the same answer, and another moment another one.
    assert_eq!(inspection.judge("x", &policy, &anchors, now()), report);
    assert_eq!(inspection.judge("x", &policy, &anchors, day("05-29")).overall, Overall::Indeterminate);
}

#[test]
fn no_changed_byte_is_ever_valid() {
    let world = &*WORLD;
    let pdf = world.sign_stamped(&plain_pdf(), &world.person, day("05-10"));
    let evidence = [world.root_list(day("05-20")), world.ca_list(day("05-30"))];
    assert_eq!(judge(&pdf, &world.anchors(), &evidence, now()).overall, Overall::Valid);
    let hole = {
        let document = open(&pdf);
        let signature = document.signatures().unwrap().remove(0);
        document.check_byte_range(&signature).unwrap().hole
    };
    let hole = usize::try_from(hole.start).unwrap()..usize::try_from(hole.end).unwrap();
    let (mut judged, mut refused) = (0, 0);
    for at in (0..pdf.len()).filter(|at| !hole.contains(at)) {
        let mut changed = pdf.clone();
        changed[at] ^= 1 << (at % 8);
        let source = Arc::new(kyso::base::MemorySource(changed));
        match Inspection::open(source, &kyso::base::Limits::default()) {
            Err(_) => refused += 1,
            Ok(mut inspection) => {
                for one in &evidence {
                    inspection.supply(one.clone());
                }
                let policy = kyso::validation::Policy::strict();
                let report = inspection.judge("x", &policy, &world.anchors(), now());
                assert_ne!(report.overall, Overall::Valid, "byte {at}");
                for signature in &report.signatures {
                    assert_ne!(signature.indication, Indication::TotalPassed, "byte {at}");
                    assert!(
                        !(signature.digest_matches && signature.signature_matches),
                        "byte {at}: {signature:#?}"
                    );
                }
                judged += 1;
            }
        }
    }
    println!("{judged} changed files judged, {refused} refused");
    assert!(judged > 500, "{judged} judged, {refused} refused");
}

#[test]
fn no_changed_byte_of_the_cms_is_valid_unless_it_means_nothing() {
    let world = &*WORLD;
    let pdf = world.sign(&plain_pdf(), &world.person);
    let evidence = world.all_good();
    let hole = {
        let document = open(&pdf);
        let signature = document.signatures().unwrap().remove(0);
        document.check_byte_range(&signature).unwrap().hole
    };
    let start = usize::try_from(hole.start).unwrap() + 1;
    let cms_len = {
        let document = open(&pdf);
        let contents = document.signatures().unwrap().remove(0).contents;
        Reader::new(&contents).any().unwrap().raw.len()
    };
    let mut passed = Vec::new();
    for at in 0..cms_len {
        let mut changed = pdf.clone();
        let digits = std::str::from_utf8(&changed[start + 2 * at..start + 2 * at + 2]).unwrap();
        let byte = u8::from_str_radix(digits, 16).unwrap() ^ (1 << (at % 8));
        changed[start + 2 * at..start + 2 * at + 2].copy_from_slice(format!("{byte:02X}").as_bytes());
        let signature = world.judge(&changed, &evidence, now());
        if signature.indication == Indication::TotalPassed {
            passed.push(at);
        }
    }
    // What a signature does not protect: version numbers, the outer list of digests, other certificates that are
    // not needed, NULL for absent parameters. The signer, the digest, the attributes and the value are not there.
    println!(
        "{} of {cms_len} bytes of the CMS may change without changing its meaning: {passed:?}",
        passed.len()
    );
    assert!(passed.len() < 40, "{passed:?}");
}

/// Which part of a SignedData is rewritten.
#[derive(PartialEq)]
enum Part {
    Certificates,
    Signers,
}

/// A ContentInfo with the content of one part made anew; nothing when it comes back empty and is optional.
fn rewrite(cms: &[u8], part: Part, how: &dyn Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let mut outer = Reader::only(cms).unwrap().reader();
    let kind = outer.any().unwrap().raw;
    let mut data = Reader::only(outer.any().unwrap().value).unwrap().reader();
    let mut values = Vec::new();
    while !data.is_empty() {
        values.push(data.any().unwrap());
    }
    let last = values.len() - 1;
    let parts: Vec<Vec<u8>> = values
        .iter()
        .enumerate()
        .map(|(index, value)| match (index, value.tag) {
            (index, Tag::SET) if index == last && part == Part::Signers => {
                write::value(Tag::SET, &how(value.value))
            }
            (_, tag) if tag == Tag::context(0) && part == Part::Certificates => how(value.raw),
            _ => value.raw.to_vec(),
        })
        .collect();
    write::sequence([kind, &write::value(Tag::context(0), &write::sequence(parts))])
}

fn attribute(oid: ObjectIdentifier, value: &[u8]) -> Vec<u8> {
    write::sequence([write::oid(oid), write::value(Tag::SET, value)])
}

/// A signature over these attributes, whatever they are.
fn bare(signer: &Entity, attributes: Vec<u8>, chain: &[Certificate]) -> Vec<u8> {
    let cms = Cms {
        signature: signer.key.sign(&attributes),
        attributes,
        signer: signer.certificate.clone(),
        chain: chain.to_vec(),
        content: None,
    };
    cms.to_der(None)
}

/// The person's certification signature: written by hand, for kyso does not make these yet.
fn certify(pdf: &[u8], level: u8) -> Vec<u8> {
    let (signature, field) = (6, 7);
    let reserved = 4096;
    let dictionary = format!(
        "<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached /M (D:20260530000000Z) \
         /ByteRange [0 AAAAAAAAAA BBBBBBBBBB CCCCCCCCCC] /Contents <{}> \
         /Reference [<< /Type /SigRef /TransformMethod /DocMDP /TransformParams << /Type /TransformParams /P {level} /V /1.2 >> >>] >>",
        "0".repeat(2 * reserved)
    );
    let widget = format!(
        "<< /Type /Annot /Subtype /Widget /FT /Sig /T (ChungThuc) /V {signature} 0 R /Rect [0 0 0 0] /F 132 /P 3 0 R >>"
    );
    let page = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R \
                /Resources << /Font << /F1 5 0 R >> >> /Annots [7 0 R] >>";
    let catalog = format!(
        "<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [{field} 0 R] /SigFlags 3 >> \
         /Perms << /DocMDP {signature} 0 R >> >>"
    );
    let mut out = append_revision(
        pdf,
        &[
            (1, catalog.into_bytes()),
            (3, page.as_bytes().to_vec()),
            (signature, dictionary.into_bytes()),
            (field, widget.into_bytes()),
        ],
    );
    let find = |out: &[u8], text: &[u8]| out.windows(text.len()).position(|window| window == text).unwrap();
    let open_at = find(&out, b"/Contents <0") + "/Contents ".len();
    let close = open_at + 2 * reserved + 2;
    for (mark, value) in [("AAAAAAAAAA", open_at), ("BBBBBBBBBB", close), ("CCCCCCCCCC", out.len() - close)] {
        let at = find(&out, mark.as_bytes());
        out[at..at + 10].copy_from_slice(format!("{value:<10}").as_bytes());
    }
    let signed = [&out[..open_at], &out[close..]].concat();
    let world = &*WORLD;
    let cms =
        world.person.cms(DigestAlgorithm::Sha256.digest(&signed), &world.person.certificate, &world.chain());
    let hex = hex::encode(cms.to_der(None));
    out[open_at + 1..open_at + 1 + hex.len()].copy_from_slice(hex.as_bytes());
    out
}

/// A second signature by software that does not ask whether the certification allows it: kyso's own writer, told
/// that the level is 2, on a file whose level is put back afterwards (the first signature is made last).
fn sign_regardless(certified: &[u8]) -> Vec<u8> {
    let world = &*WORLD;
    let level = certified.windows(7).position(|window| {
        window.starts_with(b"/P ") && window[3].is_ascii_digit() && &window[4..7] == b" /V"
    });
    let level = level.unwrap() + 3;
    let mut eased = certified.to_vec();
    let wanted = eased[level];
    eased[level] = b'2';
    let new = kyso::pdf::NewSignature {
        kind: kyso::pdf::SignatureKind::Signature,
        sub_filter: "ETSI.CAdES.detached",
        claimed_time: Some(day("05-30")),
        contents_len: 4096,
        ..kyso::pdf::NewSignature::default()
    };
    let mut increment = kyso::pdf::prepare_signature(&open(&eased), &new).unwrap();
    eased[level] = wanted;
    let whole = |tail: &[u8]| [eased.as_slice(), tail].concat();
    let bytes = whole(&increment.tail);
    let range = |index: usize| {
        let range = &increment.ranges[index];
        usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()
    };
    let signed = [&bytes[range(0)], &bytes[range(1)]].concat();
    let digest = DigestAlgorithm::Sha256.digest(&signed);
    increment
        .fill(&world.agency.cms(digest, &world.agency.certificate, &world.chain()).to_der(None))
        .unwrap();
    whole(&increment.tail)
}
