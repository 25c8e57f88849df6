//! One bit of evidence changed: the verdict never gets better than it was without that piece.
//!
//! Bits of the covered bytes of a document are flipped by `pen` and `judge`; here they are flipped in what stands
//! beside the document: certificates, revocation lists, OCSP answers, as the caller gives them and as `/DSS` holds them.

use kyso::validation::{Evidence, Indication, Overall};

use crate::judge::world::{Answer, WORLD, append_store, day, judge, now, plain_pdf};

/// Bits spread over `len` bytes: every byte of short ones, at least a thousand of long ones.
fn places(len: usize) -> impl Iterator<Item = (usize, u8)> {
    let step = (len / 400).max(1);
    (0..len).step_by(step).map(|at| (at, 1 << (at % 8)))
}

fn der(evidence: &Evidence) -> &[u8] {
    match evidence {
        Evidence::Certificate(der) | Evidence::Crl(der) | Evidence::Ocsp(der) => der,
    }
}

fn flipped(evidence: &Evidence, at: usize, bit: u8) -> Evidence {
    let mut bytes = der(evidence).to_vec();
    bytes[at] ^= bit;
    match evidence {
        Evidence::Certificate(_) => Evidence::Certificate(bytes),
        Evidence::Crl(_) => Evidence::Crl(bytes),
        Evidence::Ocsp(_) => Evidence::Ocsp(bytes),
    }
}

/// A list or an answer with one bit changed is not believed: the verdict is what it is without it. What an answer says
/// beside its signed part (certificates that come along unneeded) may change without harm, and is not counted.
#[test]
fn a_changed_bit_in_status_evidence_is_never_believed() {
    let world = &*WORLD;
    let signed = world.sign(&plain_pdf(), &world.person);
    let good = world.all_good();
    assert_eq!(judge(&signed, &world.anchors(), &good, now()).overall, Overall::Valid);
    let (mut flips, mut unharmed) = (0, 0);
    for (index, one) in good.iter().enumerate() {
        let others: Vec<_> =
            good.iter().enumerate().filter(|(at, _)| *at != index).map(|(_, other)| other.clone()).collect();
        let without = judge(&signed, &world.anchors(), &others, now()).overall;
        assert_eq!(without, Overall::Indeterminate, "it would not matter");
        for (at, bit) in places(der(one).len()) {
            let mut evidence = others.clone();
            evidence.push(flipped(one, at, bit));
            flips += 1;
            if judge(&signed, &world.anchors(), &evidence, now()).overall == Overall::Valid {
                unharmed += 1;
                assert!(!signed_part(one).contains(&at), "byte {at} of {one:?} changed, and it is believed");
            }
        }
    }
    eprintln!("{flips} bits of evidence changed, {unharmed} outside of what is signed and unneeded");
    assert!(flips > 500);
}

/// Where the signed part and the signature value of a list or an answer lie in it.
fn signed_part(evidence: &Evidence) -> std::ops::Range<usize> {
    use kyso::asn1::Reader;
    let whole = der(evidence);
    let within = |part: &[u8]| {
        let start = part.as_ptr() as usize - whole.as_ptr() as usize;
        start..start + part.len()
    };
    let list = match evidence {
        Evidence::Ocsp(_) => {
            let mut response = Reader::only(whole).unwrap().reader();
            response.any().unwrap();
            let mut bytes = response.any().unwrap().reader().any().unwrap().reader();
            bytes.any().unwrap();
            bytes.any().unwrap().value
        }
        _ => whole,
    };
    let mut parts = Reader::only(list).unwrap().reader();
    let (tbs, _, signature) = (parts.any().unwrap(), parts.any().unwrap(), parts.any().unwrap());
    within(tbs.raw).start..within(signature.raw).end
}

/// A revocation stays a revocation: no changed bit makes the certificate good.
#[test]
fn a_changed_bit_never_takes_a_revocation_back() {
    let world = &*WORLD;
    let signed = world.sign(&plain_pdf(), &world.person);
    let revoked = world.responder.answers(
        &world.ca,
        &world.person.certificate,
        &Answer::revoked(day("05-01"), day("05-30")),
    );
    let verdict = |evidence: &[Evidence]| judge(&signed, &world.anchors(), evidence, now());
    let root = world.root_list(day("05-20"));
    assert_ne!(verdict(&[root.clone(), revoked.clone()]).overall, Overall::Valid);
    for (at, bit) in places(der(&revoked).len()) {
        let report = verdict(&[root.clone(), flipped(&revoked, at, bit)]);
        assert_ne!(report.overall, Overall::Valid, "byte {at} changed, and the revocation is gone");
    }
}

/// The same with everything in `/DSS`, where the reader of the document is part of the way.
#[test]
fn a_changed_bit_in_the_security_store_is_never_believed() {
    let world = &*WORLD;
    let signed = world.sign(&plain_pdf(), &world.person);
    let stored = append_store(&signed, &world.all_good());
    assert_eq!(judge(&stored, &world.anchors(), &[], now()).overall, Overall::Valid);
    let mut flips = 0;
    for one in world_store(&stored, signed.len()) {
        for at in one.step_by(5) {
            let mut changed = stored.clone();
            changed[at] ^= 1 << (at % 8);
            flips += 1;
            let report = judge(&changed, &world.anchors(), &[], now());
            assert_ne!(report.overall, Overall::Valid, "byte {at} of the store changed, and it is believed");
        }
    }
    eprintln!("{flips} bits of the store changed");
    assert!(flips > 50);
}

/// Where the signed parts of the evidence lie in the file, from `from` on.
fn world_store(pdf: &[u8], from: usize) -> Vec<std::ops::Range<usize>> {
    let find = |what: &[u8], from: usize| {
        pdf[from..].windows(what.len()).position(|window| window == what).map(|at| from + at)
    };
    let (mut ranges, mut at) = (Vec::new(), from);
    while let Some(begin) = find(b"stream\n\x30", at) {
        let begin = begin + b"stream\n".len();
        let length = kyso::asn1::Reader::new(&pdf[begin..]).any().unwrap().raw.len();
        let bytes = pdf[begin..begin + length].to_vec();
        let of = if kyso::x509::Crl::from_der(&bytes).is_ok() {
            Evidence::Crl(bytes)
        } else {
            Evidence::Ocsp(bytes)
        };
        let part = signed_part(&of);
        ranges.push(begin + part.start..begin + part.end);
        at = begin + length;
    }
    ranges
}

/// A certificate of the chain with one bit changed leads nowhere, and one of the signer names somebody else.
#[test]
fn a_changed_bit_in_a_certificate_is_never_believed() {
    let world = &*WORLD;
    let signed = crate::judge::world::sign_with(&plain_pdf(), crate::judge::world::CADES, |digest| {
        // Without the chain: the authority's certificate has to be brought.
        world.person.cms(digest, &world.person.certificate, &[]).to_der(None)
    });
    let authority = Evidence::Certificate(world.ca.certificate.der().to_vec());
    let mut evidence = world.all_good();
    assert_eq!(judge(&signed, &world.anchors(), &evidence, now()).overall, Overall::Indeterminate);
    evidence.push(authority.clone());
    assert_eq!(judge(&signed, &world.anchors(), &evidence, now()).overall, Overall::Valid);
    for at in 0..der(&authority).len() {
        evidence.pop();
        evidence.push(flipped(&authority, at, 1 << (at % 8)));
        let report = judge(&signed, &world.anchors(), &evidence, now());
        let told = &report.signatures[0];
        assert_ne!(
            told.indication,
            Indication::TotalPassed,
            "byte {at} of the authority's certificate changed"
        );
    }
}
