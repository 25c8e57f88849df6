//! What a policy may decide, what it may not, levels, and verdicts given again.

use std::sync::Arc;

use kyso::{
    asn1::{Tag, oid, write},
    base::{Limits, MemorySource},
    crypto::policy::CryptographicPolicy,
    trust::Anchors,
    validation::{
        CertificateStatus, Evidence, Indication, Inspection, Origin, Overall, Policy, Record, ReplayError,
        StatusSource,
    },
};

use super::world::*;

fn policy(text: &str) -> Policy {
    let find = |name: &str| CryptographicPolicy::built_in(name).ok_or("not built in".to_owned());
    Policy::from_toml(text, find).unwrap()
}

/// Whatever a policy can let pass, let pass.
fn laxest() -> Policy {
    policy(
        "name = \"laxest\"\ncryptography = \"ts119312\"\nunproven-time = \"accept\"\nunstated-time = \"accept\"
         pkcs7 = \"accept\"\nunnamed-certificate = \"accept\"\nsignature-policy = \"accept\"
         rsa-pkcs1-v1-5 = \"accept\"\nfreshness-hours = 0\nleast-level = \"B\"",
    )
}

fn inspect(pdf: &[u8], evidence: &[Evidence]) -> Inspection {
    let mut inspection = Inspection::open(Arc::new(MemorySource(pdf.to_vec())), &Limits::default()).unwrap();
    for one in evidence {
        inspection.supply(one.clone());
    }
    inspection
}

fn policies() -> Vec<Policy> {
    Policy::BUILT_IN.iter().map(|name| Policy::built_in(name).unwrap()).chain([laxest()]).collect()
}

/// No policy turns a broken digest, a forbidden change, an unproven anchor or an unknown status into valid.
#[test]
fn no_policy_makes_valid_what_is_broken() {
    let world = &*WORLD;
    let pdf = world.sign(&plain_pdf(), &world.person);
    let mut digest = pdf.clone();
    let at = plain_pdf().windows(9).position(|window| window == b"Xin chao)").unwrap();
    digest[at] = b'x';
    let page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 842] /Contents 4 0 R >>".to_vec();
    let changed = append_revision(&pdf, &[(3, page)]);
    let revoked = world.ca.revokes(day("05-30"), Some(day("06-05")), &[(10, day("05-01"))], &[]);
    let (good, anchors) = (world.all_good(), world.anchors());
    for policy in policies() {
        let judge = |pdf: &[u8], evidence: &[Evidence], anchors: &Anchors| {
            inspect(pdf, evidence).judge("a.pdf", &policy, anchors, now()).overall
        };
        assert_eq!(judge(&pdf, &good, &anchors), Overall::Valid, "{}", policy.name);
        assert_eq!(judge(&digest, &good, &anchors), Overall::Invalid, "{}", policy.name);
        assert_eq!(judge(&changed, &good, &anchors), Overall::Invalid, "{}", policy.name);
        assert_eq!(judge(&pdf, &good, &Anchors::default()), Overall::Indeterminate, "{}", policy.name);
        assert_eq!(judge(&pdf, &[], &anchors), Overall::Indeterminate, "{}", policy.name);
        let revoked = [good.clone(), vec![revoked.clone()]].concat();
        assert_ne!(judge(&pdf, &revoked, &anchors), Overall::Valid, "{}", policy.name);
    }
}

/// What a policy asks for beyond that.
#[test]
fn a_policy_refuses_and_warns_by_its_file() {
    let world = &*WORLD;
    let (good, anchors) = (world.all_good(), world.anchors());
    let plain = world.sign(&plain_pdf(), &world.person);
    let stamped = world.sign_stamped(&plain_pdf(), &world.person, day("05-30"));
    let filled = world.sign(&plain, &world.agency);
    let tsa = [good.clone(), vec![world.good(&world.tsa, day("05-31"))]].concat();
    let two = [good.clone(), vec![world.good(&world.agency, day("05-30"))]].concat();
    let refuses = "INDETERMINATE/SIG_CONSTRAINTS_FAILURE";
    let cases: [(&str, &[u8], &[Evidence], String); 7] = [
        ("unproven-time = \"refuse\"", &plain, &good, format!("{refuses} signing-time.unproven")),
        ("unproven-time = \"refuse\"", &stamped, &tsa, "TOTAL-PASSED".to_owned()),
        ("least-level = \"T\"", &plain, &good, format!("{refuses} level.too-low")),
        ("least-level = \"T\"", &stamped, &tsa, "TOTAL-PASSED".to_owned()),
        ("least-level = \"LT\"", &stamped, &tsa, format!("{refuses} level.too-low")),
        ("freshness-hours = 24", &plain, &good, "INDETERMINATE/TRY_LATER status.unknown".to_owned()),
        (
            "permitted-changes = [\"security-store\"]",
            &filled,
            &two,
            "TOTAL-FAILED/FORMAT_FAILURE modification.forbidden".to_owned(),
        ),
    ];
    for (line, pdf, evidence, expected) in cases {
        let policy = policy(&format!("name = \"mine\"\n{line}\n"));
        let report = inspect(pdf, evidence).judge("a.pdf", &policy, &anchors, now());
        assert_eq!(report.policy, "mine");
        assert_eq!(super::cases::told(&report.signatures[0]), expected, "{line}: {report:#?}");
    }
    let duty = Policy::built_in("vn-public-duty").unwrap();
    let report = inspect(&plain, &good).judge("a.pdf", &duty, &anchors, now());
    assert_eq!((report.policy.as_str(), report.cryptographic_policy.as_str()), ("vn-public-duty", "vn-tt15"));
    assert_eq!(report.overall, Overall::Valid);
    assert!(report.signatures[0].warnings.iter().any(|warning| warning.key == "signing-time.unproven"));
}

/// B, T, LT, LTA: what the file itself holds decides.
#[test]
fn the_level_is_told_and_why_it_is_no_higher() {
    let world = &*WORLD;
    let anchors = world.anchors();
    let of_signer = [world.root_list(day("05-20")), world.ca_list(day("05-31"))];
    let level = |pdf: &[u8], evidence: &[Evidence]| {
        let report = inspect(pdf, evidence).judge("a.pdf", &Policy::strict(), &anchors, now());
        let signature = report.signatures[0].clone();
        assert_eq!(signature.indication, Indication::TotalPassed, "{signature:#?}");
        let reasons: Vec<_> = signature.level_reasons.iter().map(|reason| reason.key.clone()).collect();
        (signature.signature_format, reasons.join(" "))
    };
    let told = |format: &str, reasons: &str| (format.to_owned(), reasons.to_owned());

    let plain = world.sign(&plain_pdf(), &world.person);
    assert_eq!(level(&plain, &of_signer), told("PAdES-BASELINE-B", "level.t level.lt level.lta"));
    let stamped = world.sign_stamped(&plain_pdf(), &world.person, day("05-30"));
    assert_eq!(level(&stamped, &of_signer), told("PAdES-BASELINE-T", "level.lt level.lta"));
    let stored = append_store(&stamped, &of_signer);
    assert_eq!(level(&stored, &[]), told("PAdES-BASELINE-LT", "level.lta"));
    let archived = world.stamp(&stored, day("05-31T12:00"));
    assert_eq!(level(&archived, &[]), told("PAdES-BASELINE-LTA", ""));
    // The archive time-stamp came before the evidence: it does not protect it.
    let late = append_store(&world.stamp(&stamped, day("05-31")), &of_signer);
    assert_eq!(level(&late, &[]), told("PAdES-BASELINE-LT", "level.lta"));
    // Half of the evidence is no evidence.
    let half = append_store(&stamped, &of_signer[..1]);
    assert_eq!(level(&half, &of_signer[1..]), told("PAdES-BASELINE-T", "level.lt level.lta"));
}

#[test]
fn the_report_names_path_anchor_and_evidence() {
    let world = &*WORLD;
    let pdf = append_store(&world.sign(&plain_pdf(), &world.person), &[world.root_list(day("05-20"))]);
    let evidence = [world.good(&world.person, day("05-30"))];
    let report = inspect(&pdf, &evidence).judge("a.pdf", &Policy::strict(), &world.anchors(), now());
    let signature = &report.signatures[0];
    assert_eq!(signature.trust_anchor_set.as_deref(), Some("test"));
    let [person, ca, root] = signature.certificates.as_slice() else { panic!("{signature:#?}") };
    assert_eq!(root.subject, signature.trust_anchor.clone().unwrap());
    assert!(root.status.is_none());
    let (own, above) = (person.status.as_ref().unwrap(), ca.status.as_ref().unwrap());
    assert_eq!(
        (own.status, own.source, own.origin),
        (CertificateStatus::Good, StatusSource::Ocsp, Origin::Supplied)
    );
    assert_eq!((above.source, above.origin), (StatusSource::Crl, Origin::Document));
    assert_eq!(above.this_update, "2026-05-20T00:00:00Z");
}

/// An authority that was closed after the signature is proven to have existed does not take it along; one whose key was
/// stolen does.
#[test]
fn an_authority_revoked_later_is_judged_by_its_past() {
    let world = &*WORLD;
    let reason = |code: u8| {
        write::value(
            Tag::SEQUENCE,
            &write::sequence([
                write::oid(oid::REASON_CODE),
                write::octet_string(&write::value(Tag::ENUMERATED, &[code])),
            ]),
        )
    };
    let closed = |code: u8| {
        let entry =
            write::sequence([write::unsigned(&2_u32.to_be_bytes()), write::time(day("05-31")), reason(code)]);
        world.root.revokes_entries(day("05-31T10:00"), Some(day("06-30")), &[entry])
    };
    let stamped = world.sign_stamped(&plain_pdf(), &world.person, day("05-20"));
    let stored = append_store(&stamped, &[world.root_list(day("05-20")), world.ca_list(day("05-28"))]);
    let archived = {
        // Another authority's time-stamp, which does not hang on the one that was closed.
        let tsa = world.root.issue(&Spec::time_stamping("TSA gốc", 77));
        sign_with(&stored, STAMP, |digest| tsa.stamps(digest, day("05-29"), &[]))
    };
    let judge = |pdf: &[u8], code: u8| {
        let report = inspect(pdf, &[closed(code)]).judge("a.pdf", &Policy::strict(), &world.anchors(), now());
        super::cases::told(&report.signatures[0])
    };
    let (cessation, compromise) = (5, 1);
    assert_eq!(judge(&archived, cessation), "TOTAL-PASSED");
    let revoked = "INDETERMINATE/REVOKED_CA_NO_POE certificate.authority-revoked";
    assert_eq!(judge(&archived, compromise), revoked);
    // Without the archive time-stamp nothing proves that the evidence is older than the revocation.
    assert_eq!(judge(&stored, cessation), revoked);
}

/// A record gives the same verdict again, byte for byte, from what is in it and the document.
#[test]
fn a_verdict_is_given_again_from_its_record() {
    let world = &*WORLD;
    let pdf = world.sign_stamped(&plain_pdf(), &world.person, day("05-30"));
    let evidence = [world.all_good(), vec![world.good(&world.tsa, day("05-31"))]].concat();
    let duty = Policy::built_in("vn-public-duty").unwrap();
    let record = inspect(&pdf, &evidence).record("a.pdf", &duty, &world.anchors(), now());
    assert_eq!(record.report.overall, Overall::Valid, "{:#?}", record.report);
    let json = serde_json::to_vec(&record).unwrap();
    let record: Record = serde_json::from_slice(&json).unwrap();

    let source = |pdf: &[u8]| Arc::new(MemorySource(pdf.to_vec()));
    let replayed = record.replay(source(&pdf)).unwrap();
    assert!(replayed.same, "{:#?}", replayed.report);
    assert_eq!(
        serde_json::to_string(&replayed.report).unwrap(),
        serde_json::to_string(&record.report).unwrap()
    );

    let mut poorer = record.clone();
    poorer.evidence.pop();
    let replayed = poorer.replay(source(&pdf)).unwrap();
    assert!(!replayed.same);

    let mut later = record.clone();
    later.format = "kyso-record/9".to_owned();
    assert!(matches!(later.replay(source(&pdf)), Err(ReplayError::Format { .. })));
    let other = world.sign(&plain_pdf(), &world.person);
    assert!(matches!(record.replay(source(&other)), Err(ReplayError::OtherDocument { .. })));
    let mut torn = record;
    torn.anchors.certificates[0].certificate = "?".to_owned();
    assert!(matches!(torn.replay(source(&pdf)), Err(ReplayError::Part { what: "anchors", .. })));
}
