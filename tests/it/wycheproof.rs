//! Project Wycheproof's signature vectors against the very function that validation uses, and against each back end.
//!
//! Every vector marked invalid is refused by both back ends; every valid one is accepted wherever the curve is one of
//! ours. `cargo test --test it -- wycheproof --nocapture` prints the counts of each set.

use std::collections::BTreeMap;

use kyso::{
    base::DigestAlgorithm,
    crypto::{self, CryptoError, Native, Portable, Verifier},
    x509::algorithm::SignatureScheme,
};
use wycheproof::{EllipticCurve, HashFunction, TestResult, ecdsa, eddsa, rsa_pkcs1_verify, rsa_pss_verify};

#[test]
fn rsa_pkcs1_vectors() {
    let mut table = Table::default();
    for name in rsa_pkcs1_verify::TestName::all() {
        for group in rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
            let scheme = SignatureScheme::RsaPkcs1(digest(group.hash));
            for test in group.tests {
                let case = Case { set: format!("{name:?}"), id: test.tc_id, comment: test.comment };
                let flags: Vec<_> = test.flags.iter().map(|flag| format!("{flag:?}")).collect();
                table.judge(&case, &group.der, scheme, &test.msg, &test.sig, test.result, &flags);
            }
        }
    }
    table.close("RSA PKCS#1 v1.5", 24);
    // All of them lack the NULL that RFC 8017 appendix A.2.4 puts into DigestInfo. No back end reads that; a value
    // that other programs refuse is no loss.
    assert_eq!(table.acceptable, ["MissingNull: refused"]);
    assert!(table.unsupported.is_empty());
}

#[test]
fn rsa_pss_vectors() {
    let mut table = Table::default();
    for name in rsa_pss_verify::TestName::all() {
        for group in rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
            let (digest, salt_len) = (digest(group.hash), group.salt_size);
            let scheme = match group.mgf_hash.map(self::digest) {
                Some(mask) if mask != digest => SignatureScheme::RsaPssMixed { digest, mask, salt_len },
                _ => SignatureScheme::RsaPss { digest, salt_len },
            };
            for test in group.tests {
                let case = Case { set: format!("{name:?}"), id: test.tc_id, comment: test.comment };
                let flags: Vec<_> = test.flags.iter().map(|flag| format!("{flag:?}")).collect();
                table.judge(&case, &group.der, scheme, &test.msg, &test.sig, test.result, &flags);
            }
        }
    }
    table.close("RSA PSS", 26);
    assert!(table.unsupported.is_empty());
}

#[test]
fn ecdsa_vectors_on_nist_curves() {
    use EllipticCurve::{Secp256r1, Secp384r1, Secp521r1};
    let table = ecdsa_vectors(&[Secp256r1, Secp384r1, Secp521r1]);
    table.close("ECDSA on NIST curves", 14);
    assert!(table.acceptable.is_empty(), "{:?}", table.acceptable);
}

#[test]
fn ecdsa_vectors_on_brainpool_curves() {
    use EllipticCurve::{Brainpool256r1, Brainpool384r1, Brainpool512r1};
    let table = ecdsa_vectors(&[Brainpool256r1, Brainpool384r1, Brainpool512r1]);
    table.close("ECDSA on Brainpool curves", 6);
    assert!(table.acceptable.is_empty(), "{:?}", table.acceptable);
}

#[test]
fn ecdsa_vectors_on_other_curves_are_not_supported() {
    let mut table = Table::default();
    for (name, group) in ecdsa_groups().filter(|(_, group)| !OURS.contains(&group.key.curve)) {
        let scheme = SignatureScheme::Ecdsa(digest(group.hash));
        for test in group.tests {
            let case = Case { set: format!("{name:?}"), id: test.tc_id, comment: test.comment };
            table.must_be_unsupported(&case, &group.der, scheme, &test.msg, &test.sig);
        }
    }
    println!("not supported: {:?}", table.unsupported);
    assert!(table.unsupported.len() > 10);
    assert!(table.wrong.is_empty(), "{} wrong:\n{}", table.wrong.len(), table.wrong.join("\n"));
}

fn ecdsa_vectors(curves: &[EllipticCurve]) -> Table {
    let mut table = Table::default();
    for (name, group) in ecdsa_groups().filter(|(_, group)| curves.contains(&group.key.curve)) {
        let scheme = SignatureScheme::Ecdsa(digest(group.hash));
        for test in group.tests {
            let case = Case { set: format!("{name:?}"), id: test.tc_id, comment: test.comment };
            let flags: Vec<_> = test.flags.iter().map(|flag| format!("{flag:?}")).collect();
            table.judge(&case, &group.der, scheme, &test.msg, &test.sig, test.result, &flags);
        }
    }
    table
}

/// Those whose values are DER; r and s side by side (IEEE P1363) and Bitcoin's rules are not what CMS and X.509 write.
fn ecdsa_groups() -> impl Iterator<Item = (ecdsa::TestName, ecdsa::TestGroup)> {
    let sets = ecdsa::TestName::all().into_iter();
    let groups = sets.flat_map(|name| {
        ecdsa::TestSet::load(name).unwrap().test_groups.into_iter().map(move |group| (name, group))
    });
    groups.filter(|(_, group)| group.test_type == ecdsa::TestGroupTypeId::Ecdsa)
}

const OURS: [EllipticCurve; 6] = [
    EllipticCurve::Brainpool256r1,
    EllipticCurve::Brainpool384r1,
    EllipticCurve::Brainpool512r1,
    EllipticCurve::Secp256r1,
    EllipticCurve::Secp384r1,
    EllipticCurve::Secp521r1,
];

#[test]
fn eddsa_vectors() {
    let mut table = Table::default();
    for name in eddsa::TestName::all() {
        for group in eddsa::TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                let case = Case { set: format!("{name:?}"), id: test.tc_id, comment: test.comment };
                let scheme = SignatureScheme::Ed25519;
                if name == eddsa::TestName::Ed25519 {
                    let flags: Vec<_> = test.flags.iter().map(|flag| format!("{flag:?}")).collect();
                    table.judge(&case, &group.der, scheme, &test.msg, &test.sig, test.result, &flags);
                } else {
                    table.must_be_unsupported(&case, &group.der, scheme, &test.msg, &test.sig);
                }
            }
        }
    }
    table.close("EdDSA", 1);
    assert!(table.acceptable.is_empty(), "{:?}", table.acceptable);
}

fn digest(hash: HashFunction) -> DigestAlgorithm {
    match hash {
        HashFunction::Sha1 => DigestAlgorithm::Sha1,
        HashFunction::Sha2_224 => DigestAlgorithm::Sha224,
        HashFunction::Sha2_256 => DigestAlgorithm::Sha256,
        HashFunction::Sha2_384 => DigestAlgorithm::Sha384,
        HashFunction::Sha2_512 => DigestAlgorithm::Sha512,
        HashFunction::Sha2_512_224 => DigestAlgorithm::Sha512_224,
        HashFunction::Sha2_512_256 => DigestAlgorithm::Sha512_256,
        HashFunction::Sha3_224 => DigestAlgorithm::Sha3_224,
        HashFunction::Sha3_256 => DigestAlgorithm::Sha3_256,
        HashFunction::Sha3_384 => DigestAlgorithm::Sha3_384,
        HashFunction::Sha3_512 => DigestAlgorithm::Sha3_512,
        HashFunction::Shake128 => DigestAlgorithm::Shake128,
        HashFunction::Shake256 => DigestAlgorithm::Shake256,
    }
}

/// Where a vector stands.
struct Case {
    set: String,
    id: usize,
    comment: String,
}

/// What came out for one set.
#[derive(Default)]
struct Counts {
    accepted: usize,
    refused: usize,
    acceptable_accepted: usize,
    acceptable_refused: usize,
    /// Of all these, how many both back ends had an answer to.
    by_both: usize,
}

#[derive(Default)]
struct Table {
    sets: BTreeMap<String, Counts>,
    /// `flags: accepted` or `flags: refused`, each once.
    acceptable: Vec<String>,
    /// Sets of curves that are not ours, with the number of vectors.
    unsupported: BTreeMap<String, usize>,
    wrong: Vec<String>,
}

impl Table {
    #[expect(clippy::too_many_arguments, reason = "a vector has this many parts")]
    fn judge(
        &mut self,
        case: &Case,
        spki: &[u8],
        scheme: SignatureScheme,
        message: &[u8],
        signature: &[u8],
        expected: TestResult,
        flags: &[String],
    ) {
        let answer = crypto::verify(spki, scheme, message, signature);
        let native = Native.verify(spki, scheme, message, signature);
        let by_both = native != Err(CryptoError::Unsupported);
        // Without an answer of the native one, the answer is the portable one's already.
        let portable =
            if by_both { Portable.verify(spki, scheme, message, signature) } else { answer.clone() };
        let agreed = (!by_both || native.is_ok() == answer.is_ok()) && portable.is_ok() == answer.is_ok();
        let counts = self.sets.entry(case.set.clone()).or_default();
        counts.by_both += usize::from(by_both);
        let right = match (expected, answer.is_ok()) {
            (TestResult::Valid, true) => {
                counts.accepted += 1;
                true
            }
            (TestResult::Invalid, false) => {
                counts.refused += 1;
                true
            }
            (TestResult::Acceptable, accepted) => {
                counts.acceptable_accepted += usize::from(accepted);
                counts.acceptable_refused += usize::from(!accepted);
                let line = format!("{}: {}", flags.join(" "), if accepted { "accepted" } else { "refused" });
                if !self.acceptable.contains(&line) {
                    self.acceptable.push(line);
                }
                true
            }
            _ => false,
        };
        if !right || !agreed {
            self.wrong.push(format!(
                "{} {} ({}): expected {expected:?}, native {native:?}, portable {portable:?}",
                case.set, case.id, case.comment
            ));
        }
    }

    fn must_be_unsupported(
        &mut self,
        case: &Case,
        spki: &[u8],
        scheme: SignatureScheme,
        message: &[u8],
        signature: &[u8],
    ) {
        *self.unsupported.entry(case.set.clone()).or_default() += 1;
        let answer = crypto::verify(spki, scheme, message, signature);
        if answer != Err(CryptoError::Unsupported) {
            self.wrong.push(format!("{} {} ({}): {answer:?}", case.set, case.id, case.comment));
        }
    }

    fn close(&self, title: &str, sets: usize) {
        println!("{title}");
        println!(
            "{:44} {:>8} {:>8} {:>20} {:>8}",
            "set", "accepted", "refused", "acceptable (yes/no)", "by both"
        );
        let mut sum = Counts::default();
        for (set, counts) in &self.sets {
            let Counts { accepted, refused, acceptable_accepted, acceptable_refused, by_both } = counts;
            let acceptable = format!("{acceptable_accepted}/{acceptable_refused}");
            println!("{set:44} {accepted:8} {refused:8} {acceptable:>20} {by_both:8}");
            sum.accepted += accepted;
            sum.refused += refused;
            sum.acceptable_accepted += acceptable_accepted;
            sum.acceptable_refused += acceptable_refused;
            sum.by_both += by_both;
        }
        let acceptable = format!("{}/{}", sum.acceptable_accepted, sum.acceptable_refused);
        println!("{:44} {:8} {:8} {acceptable:>20} {:8}", "all", sum.accepted, sum.refused, sum.by_both);
        println!("acceptable, as decided: {:?}", self.acceptable);
        println!("not supported: {:?}", self.unsupported);
        assert!(self.wrong.is_empty(), "{} wrong:\n{}", self.wrong.len(), self.wrong.join("\n"));
        assert_eq!(self.sets.len(), sets, "{title}: every set is there");
        assert!(sum.accepted > 0 && sum.refused > 0);
    }
}
