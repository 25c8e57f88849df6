//! What was tampered with, swapped or made up: never valid, or not of the level that it pretends.

use der::oid::ObjectIdentifier;
use kyso::{
    asn1::{Reader, Tag, oid, write},
    base::{DigestAlgorithm, Limits},
    cms::{HashIndex, Parts, SignedDataParts},
    validation::{Indication, SignatureReport},
};

use super::forge::*;
use crate::judge::world::*;

const VALID: &str = "TOTAL-PASSED";
const STAMP: &str = "INDETERMINATE/SIG_CONSTRAINTS_FAILURE time-stamp.invalid";

fn long_term(inside: bool) -> Forge {
    let world = &*WORLD;
    Forge::sign(&world.person, inside, &[]).stamp(&world.tsa, day("05-31")).embed(&evidence_of(&world.person))
}

fn index(forge: &Forge) -> Vec<u8> {
    HashIndex::over(&forge.parts, SHA256).der().to_vec()
}

#[test]
fn another_content_or_other_attributes_are_never_valid() {
    let later = Later::until(2035, 80);
    let now = day("06-04");
    let known = later.known(now);
    let whole = long_term(false).archive(&later.tsa, day("06-03")).der();
    assert_eq!(told(&judge_file(&whole, Some(CONTENT), &known, now)), VALID);
    for (what, content) in [
        ("another", &b"Noi dung khac\n"[..]),
        ("less", &CONTENT[1..]),
        ("none", b""),
        ("more", &[CONTENT, b"x"].concat()),
    ] {
        let signature = judge_file(&whole, Some(content), &known, now);
        assert_eq!(told(&signature), "TOTAL-FAILED/HASH_FAILURE digest.mismatch", "{what}");
        assert!(!signature.digest_matches && signature.signature_matches, "{what}");
    }
    let inside = long_term(true).der();
    let at = inside.windows(CONTENT.len()).position(|window| window == CONTENT).unwrap();
    let mut changed = inside;
    changed[at] ^= 1;
    assert_eq!(told(&judge_file(&changed, None, &[], now)), "TOTAL-FAILED/HASH_FAILURE digest.mismatch");
    // The signing-time attribute.
    let time = b"260530000000Z";
    let at = whole.windows(time.len()).position(|window| window == time).unwrap();
    let mut changed = whole;
    changed[at + 5] = b'1';
    let signature = judge_file(&changed, Some(CONTENT), &known, now);
    assert_eq!(told(&signature), "TOTAL-FAILED/SIG_CRYPTO_FAILURE signature.mismatch");
    assert!(signature.digest_matches && !signature.signature_matches);
}

#[test]
fn the_time_stamps_of_another_signature_are_never_valid() {
    let world = &*WORLD;
    let later = Later::until(2035, 82);
    let now = day("06-04");
    let known = later.known(now);
    let (mine, other) = (|| long_term(false), long_term(false).archive(&later.tsa, day("06-03")));
    let theirs = other.parts.unsigned_attributes();
    // The value's time-stamp.
    let stamp = theirs.iter().find(|one| one.kind == oid::TIME_STAMP_TOKEN).unwrap();
    let mut swapped = Forge::sign(&world.person, false, &[]).embed(&evidence_of(&world.person));
    swapped.parts.add_unsigned_attribute(stamp.kind, &stamp.values[0]);
    let signature = swapped.judge(&known, now);
    assert_eq!(told(&signature), STAMP, "{signature:#?}");
    assert_eq!(signature.best_signature_time_source, Some(kyso::validation::TimeSource::ValidationTime));
    // The archive time-stamp.
    let archive = theirs.iter().find(|one| one.kind == oid::ARCHIVE_TIME_STAMP_V3).unwrap();
    let mut swapped = mine();
    swapped.parts.add_unsigned_attribute(archive.kind, &archive.values[0]);
    assert_eq!(told(&swapped.judge(&known, now)), STAMP);
    // An archive time-stamp in the place of the value's, and the other way round.
    for (kind, value) in [(stamp.kind, &archive.values[0]), (archive.kind, &stamp.values[0])] {
        let mut swapped = mine();
        swapped.parts.add_unsigned_attribute(kind, value);
        assert_eq!(told(&swapped.judge(&known, now)), STAMP, "{kind}");
    }
}

#[test]
fn an_index_that_does_not_hold_is_never_valid() {
    let later = Later::until(2035, 84);
    let now = day("06-04");
    let at = day("06-03");
    let known = later.known(now);
    let base = long_term(false);
    let forge = || base.clone();
    let good = index(&base);
    // Digests of nothing that is there, one in each list; the time-stamp is made over that index.
    let lists = |lists: [&[Vec<u8>]; 3], digest: ObjectIdentifier| {
        let list = |list: &[Vec<u8>]| write::sequence(list.iter().map(|one| write::octet_string(one)));
        let [first, second, third] = lists.map(list);
        write::sequence([write::algorithm(digest, None), first, second, third])
    };
    let nothing = vec![SHA256.digest(b"nothing").bytes];
    let sha512 = vec![DigestAlgorithm::Sha512.digest(b"nothing").bytes];
    let other_forge = {
        let mut more = forge();
        more.parts.add_certificate(WORLD.agency.certificate.der());
        index(&more)
    };
    let shorter = lists([&[], &[], &[]], oid::SHA256);
    for (what, made_over, carried, expected) in [
        ("as it should be", &good, &good, VALID),
        ("nothing in it", &shorter, &shorter, VALID),
        ("a certificate of nowhere", &lists([&nothing, &[], &[]], oid::SHA256), &vec![], STAMP),
        ("a list of nowhere", &lists([&[], &nothing, &[]], oid::SHA256), &vec![], STAMP),
        ("an attribute of nowhere", &lists([&[], &[], &nothing], oid::SHA256), &vec![], STAMP),
        ("a certificate that was taken out", &other_forge, &vec![], STAMP),
        ("another digest than the imprint", &lists([&[], &[], &[]], oid::SHA512), &vec![], STAMP),
        ("digests of another length", &lists([&sha512, &[], &[]], oid::SHA256), &vec![], STAMP),
        ("no index, though made over one", &good, &write::null(), STAMP),
        ("another index than it was made over", &good, &shorter, STAMP),
        ("not an index", &write::null(), &write::null(), STAMP),
    ] {
        let carried = if carried.is_empty() { made_over } else { carried };
        let forged = forge().archive_with(&later.tsa, at, made_over, CONTENT, carried);
        let signature = forged.judge(&known, now);
        assert_eq!(told(&signature), expected, "{what}: {signature:#?}");
        let level = if what == "as it should be" { "CAdES-BASELINE-LTA" } else { "CAdES-BASELINE-LT" };
        if expected == VALID {
            assert_eq!(signature.signature_format, level, "{what}");
        }
    }
    // Without the attribute, and with two of them.
    let none = forge().archive_with(&later.tsa, at, &good, CONTENT, &[]);
    assert_eq!(told(&none.judge(&known, now)), STAMP);
    let mut two = forge();
    let imprint = two.parts.archive_imprint(&SHA256.digest(CONTENT), &good);
    let token = later.tsa.stamps(imprint, at, &WORLD.chain());
    let mut token = Parts::parse(&token, &Limits::default()).unwrap();
    token.add_unsigned_attribute(oid::ATS_HASH_INDEX_V3, &good);
    token.add_unsigned_attribute(oid::ATS_HASH_INDEX_V3, &shorter);
    two.parts.add_unsigned_attribute(oid::ARCHIVE_TIME_STAMP_V3, &token.to_der());
    assert_eq!(told(&two.judge(&known, now)), STAMP);
}

/// Made over another content: nobody can archive what the signer did not sign.
#[test]
fn an_archive_time_stamp_over_another_content_is_never_valid() {
    let later = Later::until(2035, 86);
    let now = day("06-04");
    let forge = long_term(false);
    let good = index(&forge);
    let forged = forge.archive_with(&later.tsa, day("06-03"), &good, b"another", &good);
    assert_eq!(told(&forged.judge(&later.known(now), now)), STAMP);
}

/// What the index names was taken out, after the archive time-stamp was made.
#[test]
fn nothing_that_is_archived_can_be_taken_out() {
    let later = Later::until(2035, 88);
    let now = day("06-04");
    let mut known = later.known(now);
    known.extend(evidence_of(&WORLD.person));
    let whole = long_term(false).archive(&later.tsa, day("06-03")).der();
    let set = |elements: &[u8], tag: u8, skip: usize| {
        let (mut reader, mut kept) = (Reader::only(elements).unwrap().reader(), Vec::new());
        while !reader.is_empty() {
            kept.push(reader.any().unwrap().raw.to_vec());
        }
        kept.remove(skip);
        write::constructed(Tag(tag), kept)
    };
    for skip in 0..3 {
        // crls: the list and two answers.
        let changed = rewritten(&whole, |fields, _| fields[4] = set(&fields[4], 0xA1, skip));
        assert_eq!(told(&judge_file(&changed, Some(CONTENT), &known, now)), STAMP, "crls {skip}");
    }
    let changed = rewritten(&whole, |fields, _| drop(fields.remove(4)));
    assert_eq!(told(&judge_file(&changed, Some(CONTENT), &known, now)), STAMP, "all of crls");
    let changed = rewritten(&whole, |_, signer| {
        // The time-stamp on the value; the archive time-stamp is the longer one.
        let attributes = signer.pop().unwrap();
        let [first, second] = [0, 1].map(|skip| set(&attributes, 0xA1, skip));
        signer.push(if first.len() > second.len() { first } else { second });
    });
    assert_eq!(told(&judge_file(&changed, Some(CONTENT), &known, now)), STAMP, "the time-stamp on the value");
}

/// A stranger's archive time-stamp, one from the future and one by a weak digest prove nothing and break nothing.
#[test]
fn an_archive_time_stamp_that_cannot_be_relied_on_gives_no_level() {
    let later = Later::until(2035, 90);
    let now = day("06-04");
    let stranger = Entity::root("Lạ").issue(&Spec::time_stamping("TSA lạ", 91));
    for (what, forge) in [
        ("a stranger's", long_term(false).archive(&stranger, day("06-03"))),
        ("from the future", long_term(false).archive(&later.tsa, day("06-05"))),
    ] {
        let signature = forge.judge(&later.known(now), now);
        assert_eq!(told(&signature), VALID, "{what}: {signature:#?}");
        assert_eq!(signature.signature_format, "CAdES-BASELINE-LT", "{what}");
        assert!(signature.warnings.iter().any(|warning| warning.key == "time-stamp.untrusted"), "{what}");
        assert!(signature.time_stamps.iter().any(|stamp| stamp.indication == Indication::Indeterminate));
    }
}

/// Older than what it covers: one of the two times is wrong, and nobody knows which.
#[test]
fn an_archive_time_stamp_older_than_what_it_covers_is_never_valid() {
    let later = Later::until(2035, 92);
    let now = day("06-06");
    let order = "INDETERMINATE/TIMESTAMP_ORDER_FAILURE time-stamp.order";
    let known = later.known(now);
    let early = long_term(false).archive(&later.tsa, day("05-30"));
    let signature = early.judge(&known, now);
    assert_eq!(told(&signature), order, "{signature:#?}");
    let two = long_term(false).archive(&later.tsa, day("06-04")).archive(&later.tsa, day("06-03"));
    let signature = two.judge(&known, now);
    assert_eq!(told(&signature), order, "{signature:#?}");
}

/// Somebody's signed attributes, given out as content that was signed without attributes.
#[test]
fn signed_attributes_are_no_content() {
    let world = &*WORLD;
    let now = day("06-02");
    let signed = Forge::sign(&world.person, false, &[]);
    let data = signed.data();
    let signer = data.only_signer().unwrap();
    let attributes = signer.signed_attributes.clone().unwrap();
    let parts = SignedDataParts {
        content: Some(&attributes),
        content_type: oid::DATA,
        signed_attributes: &attributes,
        scheme: SCHEME,
        signer: &world.person.certificate,
        chain: &world.chain(),
        signature: &signer.signature,
        time_stamp_token: None,
    };
    for inside in [true, false] {
        let whole = SignedDataParts { content: inside.then_some(&attributes), ..parts };
        let bare = rewritten(&whole.to_der(), |_, signer| signer.retain(|field| field[0] != 0xA0));
        let detached = (!inside).then_some(&attributes[..]);
        let signature = judge_file(&bare, detached, &evidence_of(&world.person), now);
        assert!(signature.signature_matches, "the attack as such works");
        assert_eq!(told(&signature), "TOTAL-FAILED/FORMAT_FAILURE format.cms", "{signature:#?}");
    }
}

/// A TSTInfo, or anything else that is not plain data, is not what a person signs.
#[test]
fn other_types_of_content_are_refused() {
    let now = day("06-02");
    let token = WORLD.tsa.stamps(SHA256.digest(CONTENT), day("05-31"), &WORLD.chain());
    let signature = judge_file(&token, None, &evidence_of(&WORLD.tsa), now);
    assert_eq!(told(&signature), "TOTAL-FAILED/FORMAT_FAILURE format.cms", "{signature:#?}");
}

#[test]
fn files_that_are_no_signature_are_answered() {
    let now = day("06-02");
    let whole = long_term(true).der();
    for (what, bytes) in [
        ("cut short", whole[..whole.len() - 1].to_vec()),
        ("a tail", [&whole[..], b"tail"].concat()),
        ("a PDF behind it", [&whole[..], b"%PDF-1.7"].concat()),
        ("PEM without an end", b"-----BEGIN CMS-----\nMIIB".to_vec()),
        ("PEM with a tail", b"-----BEGIN CMS-----\nMAA=\n-----END CMS-----\nmore".to_vec()),
    ] {
        let signature = judge_file(&bytes, None, &[], now);
        assert!(told(&signature).starts_with("TOTAL-FAILED/FORMAT_FAILURE"), "{what}: {signature:#?}");
    }
}

/// Any bit of what is signed or archived is changed: never valid. Any other bit: nobody else has signed, nor earlier, nor is
/// it of a higher level.
#[test]
fn no_changed_bit_makes_a_better_signature() {
    let later = Later::until(2035, 94);
    let now = day("06-04");
    let mut known = later.known(now);
    known.extend(evidence_of(&WORLD.person));
    let forge = long_term(true).archive(&later.tsa, day("06-03"));
    let whole = forge.der();
    let before = judge_file(&whole, None, &known, now);
    assert_eq!((told(&before).as_str(), before.signature_format.as_str()), (VALID, "CAdES-BASELINE-LTA"));
    let covered = covered(&forge, &whole);
    let (mut unharmed, mut flips) = (0, 0);
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1 << (at % 8);
        let Some(after) = read(&changed, &known) else { continue };
        flips += 1;
        if after.indication != Indication::TotalPassed {
            continue;
        }
        assert!(!covered[at], "byte {at} of what is covered changed, and still valid: {after:#?}");
        unharmed += 1;
        assert_eq!(
            (&after.signed_by, &after.serial, &after.claimed_signing_time),
            (&before.signed_by, &before.serial, &before.claimed_signing_time)
        );
        assert!(after.best_signature_time >= before.best_signature_time, "byte {at}");
    }
    let count = covered.iter().filter(|covered| **covered).count();
    eprintln!("{flips} of {} bits changed, {count} of them covered; {unharmed} unneeded", whole.len());
    assert!(count * 2 > whole.len());
}

/// A CMS with a changed bit may look like another kind of file.
fn read(file: &[u8], known: &[kyso::validation::Evidence]) -> Option<SignatureReport> {
    use std::sync::Arc;
    let source = Arc::new(kyso::base::MemorySource(file.to_vec()));
    let mut inspection = kyso::validation::Inspection::open_any(source, &[], &Limits::default()).ok()?;
    for one in known {
        inspection.supply(one.clone());
    }
    let policy = kyso::validation::Policy::strict();
    inspection.judge("a.p7m", &policy, &WORLD.anchors(), day("06-04")).signatures.into_iter().next()
}

/// The bytes that the signature or its archive time-stamp covers: content, SignerInfo, certificates, revocation
/// information, and unsigned attributes but the archive time-stamp itself.
fn covered(forge: &Forge, whole: &[u8]) -> Vec<bool> {
    let mut covered = vec![false; whole.len()];
    let data = forge.data();
    let signer = data.only_signer().unwrap();
    let attributes = &signer.signed_attributes.as_ref().unwrap()[1..];
    let mut pieces: Vec<&[u8]> = vec![CONTENT, attributes, &signer.signature];
    pieces.extend(forge.parts.certificates().iter().chain(forge.parts.revocations()).map(Vec::as_slice));
    let unsigned = forge.parts.unsigned_attributes().iter();
    let unsigned = unsigned.filter(|attribute| attribute.kind != oid::ARCHIVE_TIME_STAMP_V3);
    pieces.extend(unsigned.flat_map(|attribute| &attribute.values).map(Vec::as_slice));
    for piece in pieces {
        let at = whole.windows(piece.len()).position(|window| window == piece).unwrap();
        covered[at..at + piece.len()].fill(true);
    }
    covered
}
