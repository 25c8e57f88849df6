//! Levels, archive time-stamps over the years, time-stamps on the content: what is said of whole signatures.

use kyso::{
    asn1::{oid, write},
    base::UtcTime,
    validation::{CoverageLevel, Evidence, Indication, ModificationLevel, SignatureReport, TimeStampKind},
};

use super::forge::*;
use crate::judge::world::*;

const VALID: &str = "TOTAL-PASSED";

fn date(text: &str) -> UtcTime {
    format!("{text}T00:00:00Z").parse().unwrap()
}

/// LT, by the time-stamp authority of the world, whose certificate ends with 2027.
fn long_term(inside: bool) -> Forge {
    let world = &*WORLD;
    Forge::sign(&world.person, inside, &[]).stamp(&world.tsa, day("05-31")).embed(&evidence_of(&world.person))
}

fn level_reasons(signature: &SignatureReport) -> Vec<&str> {
    signature.level_reasons.iter().map(|reason| reason.key.as_str()).collect()
}

#[test]
fn each_level_is_named_with_the_reason_for_no_higher_one() {
    let world = &*WORLD;
    let later = Later::until(2035, 40);
    let now = day("06-02");
    for inside in [false, true] {
        let plain = || Forge::sign(&world.person, inside, &[]);
        let outside = evidence_of(&world.person);
        let archived = long_term(inside).archive(&later.tsa, now);
        for (forge, evidence, level, reasons) in [
            (plain(), &outside[..], "B", &["level.t", "level.lt", "level.lta"][..]),
            (plain().stamp(&world.tsa, day("05-31")), &outside, "T", &["level.lt", "level.lta"]),
            (long_term(inside), &[], "LT", &["level.lta"]),
            (archived, &later.known(now), "LTA", &[]),
        ] {
            let signature = forge.judge(evidence, now);
            assert_eq!(told(&signature), VALID, "{level}: {signature:#?}");
            assert_eq!(signature.signature_format, format!("CAdES-BASELINE-{level}"));
            assert_eq!(level_reasons(&signature), reasons);
            assert_eq!(signature.coverage, CoverageLevel::Document);
            assert_eq!(signature.modification_level, ModificationLevel::None);
            assert_eq!(signature.claimed_signing_time.as_deref(), Some("2026-05-30T00:00:00Z"));
            assert!(signature.warnings.is_empty(), "{:#?}", signature.warnings);
        }
    }
}

/// Every certificate but those of the archive's authority has ended; its time-stamp carries all of it.
#[test]
fn an_archive_time_stamp_keeps_a_signature_beyond_its_certificates() {
    let later = Later::until(2035, 42);
    let then = date("2029-03-01");
    let kept = long_term(false).archive(&later.tsa, day("06-03"));
    let signature = kept.judge(&later.known(then), then);
    assert_eq!(told(&signature), VALID, "{signature:#?}");
    assert_eq!(signature.signature_format, "CAdES-BASELINE-LTA");
    assert_eq!(signature.best_signature_time.as_deref(), Some("2026-05-31T00:00:00Z"));
    let kinds: Vec<TimeStampKind> = signature.time_stamps.iter().map(|stamp| stamp.kind).collect();
    assert_eq!(kinds, [TimeStampKind::Archive, TimeStampKind::Signature]);
    assert!(signature.time_stamps.iter().all(|stamp| stamp.indication == Indication::TotalPassed));

    // Without it nothing proves by then when any of it existed.
    let signature = long_term(false).judge(&later.known(then), then);
    assert_eq!(told(&signature), "INDETERMINATE/OUT_OF_BOUNDS_NO_POE certificate.expired");
    // Nor does it once its own authority's certificate has ended.
    let end = date("2035-06-01");
    let signature = kept.judge(&Later::until(2050, 44).known(end), end);
    assert_ne!(signature.indication, Indication::TotalPassed, "{signature:#?}");
}

/// The second archive time-stamp covers the first one and the evidence for it.
#[test]
fn archive_time_stamps_are_renewed_before_they_end() {
    let (first, second) = (Later::until(2030, 46), Later::until(2040, 48));
    let renewal = date("2029-06-01");
    let once = || long_term(true).archive(&first.tsa, day("06-03"));
    let then = date("2036-01-10");
    let kept = once().embed(&first.known(renewal)).archive(&second.tsa, renewal);
    let signature = kept.judge(&second.known(then), then);
    assert_eq!(told(&signature), VALID, "{signature:#?}");
    assert_eq!(signature.signature_format, "CAdES-BASELINE-LTA");
    assert_eq!(signature.time_stamps.len(), 3);
    // Made without the evidence for the first, the second proves that the first existed, not that it can be relied on.
    let careless = once().archive(&second.tsa, renewal);
    let signature = careless.judge(&second.known(then), then);
    assert_ne!(signature.indication, Indication::TotalPassed, "{signature:#?}");
    // Made too late, when the first had ended.
    let late = once().embed(&first.known(renewal)).archive(&second.tsa, date("2031-01-01"));
    let signature = late.judge(&second.known(then), then);
    assert_ne!(signature.indication, Indication::TotalPassed, "{signature:#?}");
}

/// What the index leaves out is not proven, whatever else is.
#[test]
fn what_an_index_omits_is_not_protected() {
    let world = &*WORLD;
    let later = Later::until(2035, 50);
    let then = date("2029-03-01");
    let stamped = || Forge::sign(&world.person, false, &[]).stamp(&world.tsa, day("05-31"));
    let evidence = evidence_of(&world.person);
    // Whatever comes after the archive time-stamp is in the file, and in no index.
    let [list, of_person, of_tsa] = evidence.try_into().unwrap();
    for (what, before, after) in [
        ("the signer's status", vec![list.clone(), of_tsa.clone()], vec![of_person.clone()]),
        ("the authority's status", vec![list.clone(), of_person.clone()], vec![of_tsa.clone()]),
        ("everything", vec![], vec![list.clone(), of_person.clone(), of_tsa.clone()]),
    ] {
        let forge = stamped().embed(&before).archive(&later.tsa, day("06-03")).embed(&after);
        let signature = forge.judge(&later.known(day("06-04")), day("06-04"));
        assert_eq!(told(&signature), VALID, "{what}: {signature:#?}");
        assert_eq!(signature.signature_format, "CAdES-BASELINE-LT", "{what}");
        assert_eq!(level_reasons(&signature), ["level.lta"], "{what}");
        let signature = forge.judge(&later.known(then), then);
        if what == "the authority's status" {
            // The time-stamp on the value proves nothing any more; the archive time-stamp proves a later time.
            assert_eq!(told(&signature), VALID, "{signature:#?}");
            assert_eq!(signature.best_signature_time.as_deref(), Some("2026-06-03T00:00:00Z"));
        } else {
            assert_ne!(signature.indication, Indication::TotalPassed, "{what}: {signature:#?}");
        }
    }
    // A signature time-stamp added behind the archive time-stamp: once its authority has ended it proves nothing.
    let forge = Forge::sign(&world.person, false, &[])
        .embed(&[list, of_person, of_tsa])
        .archive(&later.tsa, day("06-03"))
        .stamp(&world.tsa, day("05-31"));
    let signature = forge.judge(&later.known(then), then);
    assert_ne!(signature.best_signature_time.as_deref(), Some("2026-05-31T00:00:00Z"), "{signature:#?}");
}

/// Evidence in certificate-values and revocation-values is covered through the attribute that holds it.
#[test]
fn evidence_in_attributes_is_covered_with_them() {
    let world = &*WORLD;
    let later = Later::until(2035, 52);
    let then = date("2029-03-01");
    let mut forge = Forge::sign(&world.person, false, &[]).stamp(&world.tsa, day("05-31"));
    let mut values = [Vec::new(), Vec::new()];
    for one in evidence_of(&world.person) {
        match one {
            Evidence::Crl(der) => values[0].extend(der),
            Evidence::Ocsp(der) => {
                // The BasicOCSPResponse inside.
                let mut response = kyso::asn1::Reader::only(&der).unwrap().reader();
                response.any().unwrap();
                let mut bytes = response.any().unwrap().reader().any().unwrap().reader();
                bytes.any().unwrap();
                values[1].extend_from_slice(bytes.any().unwrap().value);
            }
            Evidence::Certificate(_) => unreachable!("there is none"),
        }
    }
    let field =
        |number, content: &[u8]| write::value(kyso::asn1::Tag::context(number), &write::sequence([content]));
    let revocations = write::sequence([field(0, &values[0]), field(1, &values[1])]);
    forge.parts.add_unsigned_attribute(oid::REVOCATION_VALUES, &revocations);
    let signature = forge.archive(&later.tsa, day("06-03")).judge(&later.known(then), then);
    assert_eq!(told(&signature), VALID, "{signature:#?}");
    assert_eq!(signature.signature_format, "CAdES-BASELINE-LTA");
}

/// A signer revoked later stays valid, revoked before the archive time-stamp alone is not.
#[test]
fn an_archive_time_stamp_alone_proves_when_the_signature_existed() {
    let world = &*WORLD;
    let later = Later::until(2035, 54);
    let person = world.ca.issue(&Spec::person("Không dấu thời gian", 56));
    let forge =
        |at| Forge::sign(&person, false, &[]).embed(&[world.root_list(day("05-20"))]).archive(&later.tsa, at);
    let mut evidence = later.known(day("06-20"));
    let revoked = Answer::revoked(day("06-10"), day("06-20"));
    evidence.push(world.responder.answers(&world.ca, &person.certificate, &revoked));
    let signature = forge(day("06-03")).judge(&evidence, day("06-21"));
    assert_eq!(told(&signature), VALID, "{signature:#?}");
    assert_eq!(signature.best_signature_time.as_deref(), Some("2026-06-03T00:00:00Z"));
    let signature = forge(day("06-12")).judge(&evidence, day("06-21"));
    assert_eq!(told(&signature), "TOTAL-FAILED/REVOKED certificate.revoked");
}

// Time-stamps on the content.

/// A signature of `signer` with a content-time-stamp of `at` over `content`.
fn with_content_stamp(signer: &Entity, at: UtcTime, content: &[u8]) -> Forge {
    let token = WORLD.tsa.stamps(SHA256.digest(content), at, &WORLD.chain());
    Forge::sign(signer, false, &[attribute(oid::CONTENT_TIME_STAMP, &token)])
}

#[test]
fn a_time_stamp_on_the_content_comes_first() {
    let world = &*WORLD;
    let evidence = evidence_of(&world.person);
    let now = day("06-02");
    for (what, at, expected) in [
        ("before", day("05-29"), VALID),
        ("at the same time", day("05-31"), VALID),
        (
            "after the time-stamp of the value",
            day("06-01"),
            "INDETERMINATE/TIMESTAMP_ORDER_FAILURE time-stamp.order",
        ),
    ] {
        let forge = with_content_stamp(&world.person, at, CONTENT).stamp(&world.tsa, day("05-31"));
        let signature = forge.judge(&evidence, now);
        assert_eq!(told(&signature), expected, "{what}: {signature:#?}");
        assert!(signature.time_stamps.iter().any(|stamp| stamp.kind == TimeStampKind::Content), "{what}");
    }
    let other = with_content_stamp(&world.person, day("05-29"), b"another content");
    assert_eq!(
        told(&other.judge(&evidence, now)),
        "INDETERMINATE/SIG_CONSTRAINTS_FAILURE time-stamp.invalid"
    );
}

#[test]
fn a_signature_made_after_the_end_of_its_certificate_is_expired_for_good() {
    let world = &*WORLD;
    let ended = Spec { to: day("05-15"), ..Spec::person("Hết hạn", 60) };
    let person = world.ca.issue(&ended);
    let evidence = evidence_of(&person);
    let now = day("06-02");
    let expired = "TOTAL-FAILED/EXPIRED certificate.expired-before";
    let open = "INDETERMINATE/OUT_OF_BOUNDS_NO_POE certificate.expired";
    for (what, forge, expected) in [
        ("the content is younger", with_content_stamp(&person, day("05-20"), CONTENT), expired),
        (
            "the content is younger, the value stamped",
            with_content_stamp(&person, day("05-20"), CONTENT).stamp(&world.tsa, day("05-31")),
            expired,
        ),
        ("the content is older", with_content_stamp(&person, day("05-10"), CONTENT), open),
        ("nothing says", Forge::sign(&person, false, &[]), open),
    ] {
        assert_eq!(told(&forge.judge(&evidence, now)), expected, "{what}");
    }
    // A time-stamp whose authority nobody trusts proves nothing of the kind.
    let stranger = Entity::root("Lạ").issue(&Spec::time_stamping("TSA lạ", 61));
    let token = stranger.stamps(SHA256.digest(CONTENT), day("05-20"), &[]);
    let forge = Forge::sign(&person, false, &[attribute(oid::CONTENT_TIME_STAMP, &token)]);
    assert_eq!(told(&forge.judge(&evidence, now)), open);
}

#[test]
fn a_signature_made_after_the_revocation_is_revoked_for_good() {
    let world = &*WORLD;
    let person = world.ca.issue(&Spec::person("Bị thu hồi", 62));
    let mut evidence = evidence_of(&world.tsa);
    let revoked = Answer::revoked(day("05-15"), day("06-01"));
    evidence.push(world.responder.answers(&world.ca, &person.certificate, &revoked));
    let now = day("06-02");
    for (at, expected) in [
        (day("05-20"), "TOTAL-FAILED/REVOKED certificate.revoked"),
        (day("05-10"), "INDETERMINATE/REVOKED_NO_POE certificate.revoked-unproven"),
    ] {
        let signature = with_content_stamp(&person, at, CONTENT).judge(&evidence, now);
        assert_eq!(told(&signature), expected, "{signature:#?}");
    }
}

// In a PDF.

/// Archive and content time-stamps inside the CMS of a PDF are judged like others.
#[test]
fn in_a_pdf_they_are_judged_as_well() {
    let world = &*WORLD;
    let later = Later::until(2035, 64);
    let signed = |content_at: UtcTime, archived: bool| {
        sign_with_room(&plain_pdf(), |digest| {
            let content = world.tsa.stamps(digest.clone(), content_at, &world.chain());
            let cms =
                Forge::sign_digest(&world.person, &digest, &[attribute(oid::CONTENT_TIME_STAMP, &content)])
                    .stamp(&world.tsa, day("05-31"))
                    .embed(&evidence_of(&world.person));
            if archived { cms.archive_digest(&later.tsa, day("06-03"), &digest).der() } else { cms.der() }
        })
    };
    let then = date("2029-03-01");
    let signature = world.judge(&signed(day("05-29"), true), &later.known(then), then);
    assert_eq!(told(&signature), VALID, "{signature:#?}");
    assert_eq!(signature.signature_format, "PAdES-BASELINE-LTA");
    let signature = world.judge(&signed(day("05-29"), false), &later.known(then), then);
    assert_eq!(told(&signature), "INDETERMINATE/OUT_OF_BOUNDS_NO_POE certificate.expired");
    let signature = world.judge(&signed(day("06-01"), false), &[], day("06-02"));
    assert_eq!(told(&signature), "INDETERMINATE/TIMESTAMP_ORDER_FAILURE time-stamp.order");
}

/// Older kinds of archive time-stamps, long-term-validation and counter-signatures are named and prove nothing.
#[test]
fn what_is_not_judged_is_named_and_proves_nothing() {
    let later = Later::until(2035, 66);
    let then = date("2029-03-01");
    for (kind, name) in [
        (oid::ARCHIVE_TIME_STAMP_V1, "archive-time-stamp"),
        (oid::ARCHIVE_TIME_STAMP_V2, "archive-time-stamp"),
        (oid::LONG_TERM_VALIDATION, "long-term-validation"),
        (oid::COUNTER_SIGNATURE, "countersignature"),
    ] {
        let mut forge = long_term(false);
        let token = later.tsa.stamps(SHA256.digest(CONTENT), day("06-03"), &WORLD.chain());
        forge.parts.add_unsigned_attribute(kind, &token);
        let signature = forge.judge(&[], day("06-02"));
        assert_eq!(told(&signature), VALID, "{name}");
        assert_eq!(signature.signature_format, "CAdES-BASELINE-LT");
        let [warning] = signature.warnings.as_slice() else { panic!("{signature:#?}") };
        assert!(warning.key == "attribute.unused" && warning.message.contains(name), "{warning:?}");
        assert_ne!(forge.judge(&later.known(then), then).indication, Indication::TotalPassed, "{name}");
    }
}
