//! Cryptographic policies: what the built-in ones permit, and the text they are written in.

use jiff::civil::date;
use kyso::{
    base::{DigestAlgorithm, UtcTime},
    crypto::policy::{CryptographicPolicy, PolicyError, Use},
    x509::algorithm::{KeyKind, SignatureScheme},
};

const USES: [Use; 5] = [Use::Signature, Use::Certificate, Use::TimeStamp, Use::Revocation, Use::Imprint];
const NOW: &str = "2026-11-26T00:00:00Z";

fn at(text: &str) -> UtcTime {
    text.parse().unwrap()
}

fn built_in(name: &str) -> CryptographicPolicy {
    CryptographicPolicy::built_in(name).unwrap()
}

#[test]
fn every_built_in_policy_is_read_and_written_again() {
    for name in CryptographicPolicy::BUILT_IN {
        let policy = built_in(name);
        assert_eq!(policy.name(), name);
        assert!(!policy.source().is_empty());
        let again = CryptographicPolicy::from_toml(&policy.to_toml()).unwrap();
        assert_eq!(again, policy, "{name}");
    }
    assert_eq!(CryptographicPolicy::built_in("lenient"), None);
    assert_eq!(CryptographicPolicy::strict(), built_in("strict"));
}

#[test]
fn strict_is_what_the_code_without_a_policy_applies() {
    let strict = CryptographicPolicy::strict();
    for digest in DigestAlgorithm::ALL {
        for purpose in USES {
            let permitted = strict.permits_digest(purpose, digest, at(NOW)).is_ok();
            assert_eq!(permitted, !digest.is_weak(), "{digest}, {purpose:?}");
        }
    }
    let scheme = SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha256);
    for (bits, permitted) in [(512, false), (1024, false), (2047, false), (2048, true), (8192, true)] {
        let answer = strict.permits(Use::Signature, scheme, KeyKind::Rsa { bits }, at(NOW));
        assert_eq!(answer.is_ok(), permitted, "{bits}");
    }
    for key in [KeyKind::Ec { bits: 256 }, KeyKind::Ec { bits: 521 }, KeyKind::Brainpool { bits: 384 }] {
        let scheme = SignatureScheme::Ecdsa(DigestAlgorithm::Sha384);
        assert_eq!(strict.permits(Use::Certificate, scheme, key, at("2100-01-01T00:00:00Z")), Ok(()));
    }
    let mixed = |mask| SignatureScheme::RsaPssMixed { digest: DigestAlgorithm::Sha256, mask, salt_len: 20 };
    let key = KeyKind::Rsa { bits: 3072 };
    let weak = strict.permits(Use::Signature, mixed(DigestAlgorithm::Sha1), key, at(NOW)).unwrap_err();
    assert_eq!(weak.to_string(), "MGF1 with SHA-1 is not trusted for signatures (policy strict)");
    assert_eq!(strict.permits(Use::Signature, mixed(DigestAlgorithm::Sha512), key, at(NOW)), Ok(()));
}

#[test]
fn european_dates_hold_to_the_end_of_their_day() {
    let policy = built_in("ts119312");
    let pkcs1 = SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha256);
    let pss = SignatureScheme::RsaPss { digest: DigestAlgorithm::Sha256, salt_len: 32 };
    let sha1 = SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha1);
    for (scheme, bits, last) in [
        (pkcs1, 2048, Some((2028, 12, 31))),
        (pkcs1, 1899, Some((2019, 9, 30))),
        (pkcs1, 1024, Some((2019, 9, 30))),
        (pkcs1, 1023, Some((2010, 7, 31))),
        (pkcs1, 512, None),
        (pkcs1, 3072, Some((2033, 12, 31))),
        (pss, 2048, Some((2028, 12, 31))),
        (sha1, 4096, Some((2012, 7, 31))),
        (sha1, 1024, Some((2012, 7, 31))),
        (SignatureScheme::RsaPkcs1(DigestAlgorithm::Md5), 4096, Some((2004, 7, 31))),
        (SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha512_256), 4096, None),
    ] {
        let key = KeyKind::Rsa { bits };
        let last = last.map(|(year, month, day)| date(year, month, day));
        let weak = policy.permits(Use::Signature, scheme, key, at("2040-01-01T00:00:00Z")).unwrap_err();
        assert_eq!(weak.until, last, "{scheme:?} {bits}: {weak}");
        let Some(last) = last else { continue };
        let end = weak.since().unwrap();
        assert_eq!(end.to_string(), format!("{}T00:00:00Z", last.tomorrow().unwrap()));
        let before = end - jiff::SignedDuration::from_nanos(1);
        assert_eq!(policy.permits(Use::Signature, scheme, key, before), Ok(()));
        assert!(policy.permits(Use::Signature, scheme, key, end).is_err());
        assert!(weak.trusted_at(before) && !weak.trusted_at(end));
    }
    for (scheme, key) in [
        (pss, KeyKind::Rsa { bits: 3072 }),
        (SignatureScheme::Ecdsa(DigestAlgorithm::Sha3_256), KeyKind::Brainpool { bits: 256 }),
        (SignatureScheme::Ed25519, KeyKind::Ed25519),
    ] {
        assert_eq!(policy.permits(Use::TimeStamp, scheme, key, at("2100-01-01T00:00:00Z")), Ok(()));
    }
    let weak = policy.permits_digest(Use::Imprint, DigestAlgorithm::Sha1, at(NOW)).unwrap_err();
    assert_eq!(
        weak.to_string(),
        "SHA-1 was trusted for imprints of time-stamps until 2012-07-31 only (policy ts119312)"
    );
    assert_eq!((weak.bits, weak.purpose), (None, Use::Imprint));
}

#[test]
fn the_vietnamese_list_is_that_of_the_circular() {
    use DigestAlgorithm::{Md5, Sha1, Sha224};
    let policy = built_in("vn-tt15");
    for digest in DigestAlgorithm::ALL {
        let permitted = policy.permits_digest(Use::Signature, digest, at(NOW)).is_ok();
        assert_eq!(permitted, ![Md5, Sha1, Sha224].contains(&digest), "{digest}");
    }
    let sha256 = DigestAlgorithm::Sha256;
    let pss = SignatureScheme::RsaPss { digest: sha256, salt_len: 32 };
    for (scheme, key, permitted) in [
        (SignatureScheme::RsaPkcs1(sha256), KeyKind::Rsa { bits: 2048 }, true),
        (pss, KeyKind::Rsa { bits: 2048 }, true),
        (pss, KeyKind::Rsa { bits: 2047 }, false),
        (SignatureScheme::Ecdsa(sha256), KeyKind::Ec { bits: 256 }, true),
        (SignatureScheme::Ed25519, KeyKind::Ed25519, false),
    ] {
        assert_eq!(policy.permits(Use::Signature, scheme, key, at(NOW)).is_ok(), permitted, "{scheme:?}");
    }
}

#[test]
fn a_key_by_itself_is_judged_by_its_size() {
    let policy = built_in("ts119312");
    let key = KeyKind::Rsa { bits: 1024 };
    let weak = policy.permits_key(Use::Certificate, key, at(NOW)).unwrap_err();
    assert_eq!(
        weak.to_string(),
        "RSA-1024 was trusted for certificates until 2019-09-30 only (policy ts119312)"
    );
    assert_eq!((weak.algorithm.as_str(), weak.bits), ("RSA-1024", Some(1024)));
    assert_eq!(policy.permits_key(Use::Certificate, key, at("2019-09-30T23:59:59Z")), Ok(()));
}

/// A policy around these lines, which begin on line 4.
fn around(lines: &str) -> String {
    format!("name = \"own\"\nsource = \"here\"\n\n{lines}")
}

#[test]
fn uses_are_told_apart() {
    let text = around(
        "[[digest]]\nalgorithm = \"SHA-1\"\nuntil = 2030-06-30\nuses = [\"imprint\", \"revocation\"]\n\n\
         [[digest]]\nalgorithm = \"SHA-1\"\nuntil = \"never\"\nuses = [\"signature\"]\n",
    );
    let policy = CryptographicPolicy::from_toml(&text).unwrap();
    for purpose in USES {
        let answer = policy.permits_digest(purpose, DigestAlgorithm::Sha1, at(NOW));
        assert_eq!(answer.is_ok(), [Use::Imprint, Use::Revocation].contains(&purpose), "{purpose:?}");
    }
    let again = CryptographicPolicy::from_toml(&policy.to_toml()).unwrap();
    assert_eq!(again, policy);
    assert!(policy.to_toml().contains("until = 2030-06-30\nuses = [\"revocation\", \"imprint\"]"));
}

#[test]
fn an_empty_policy_trusts_nothing() {
    let policy = CryptographicPolicy::from_toml("name = \"none\"\nsource = \"\"").unwrap();
    let key = KeyKind::Rsa { bits: 4096 };
    let scheme = SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha512);
    assert!(policy.permits(Use::Signature, scheme, key, at(NOW)).is_err());
    assert!(policy.permits_digest(Use::Imprint, DigestAlgorithm::Sha512, at(NOW)).is_err());
    assert!(policy.permits_key(Use::Certificate, key, at(NOW)).is_err());
}

#[test]
fn a_mistake_is_named_by_line_and_field() {
    for (lines, line, words) in [
        (
            "[[digest]]\nalgorithm = \"SHA-2\"\nuntil = \"forever\"",
            5,
            "algorithm: \"SHA-2\" is none of MD5, SHA-1",
        ),
        ("[[key]]\nalgorithm = \"DSA\"\nuntil = \"forever\"", 5, "algorithm: \"DSA\" is none of brainpool"),
        ("[[signature]]\nalgorithm = \"RSA\"\nuntil = \"forever\"", 5, "algorithm: \"RSA\" is none of ECDSA"),
        (
            "[[digest]]\nalgorithm = \"SHA-1\"\nuntil = \"2030\"",
            6,
            "until: a day (2030-12-31, without quotes)",
        ),
        ("[[digest]]\nalgorithm = \"SHA-1\"\nuntil = 2030", 6, "until: "),
        ("[[digest]]\nalgorithm = \"SHA-1\"\nuntil = 2030-12-31T00:00:00Z", 6, "until: "),
        ("[[digest]]\nalgorithm = \"SHA-1\"\nuntil = 12:00:00", 6, "until: "),
        ("[[digest]]\nalgorithm = \"SHA-1\"", 4, "missing field `until`"),
        ("[[digest]]\nalgorithm = \"SHA-1\"\nuntill = \"never\"", 6, "unknown field `untill`"),
        ("[[digests]]\nalgorithm = \"SHA-1\"\nuntil = \"never\"", 4, "unknown field `digests`"),
        (
            "[[digest]]\nalgorithm = \"MD5\"\nleast_bits = 1\nuntil = \"never\"",
            6,
            "least_bits: a digest has no key",
        ),
        ("[[key]]\nalgorithm = \"RSA\"\nleast_bits = -1\nuntil = \"never\"", 6, ""),
        (
            "[[key]]\nalgorithm = \"EC\"\nuntil = \"never\"\nuses = [\"all\"]",
            7,
            "uses: \"all\" is none of signature",
        ),
        ("[[key]]\nalgorithm = \"EC\"\nuntil = \"never\"\nuses = []", 7, "uses: an empty list"),
        (
            "[[key]]\nalgorithm = \"EC\"\nuntil = \"never\"\n[[key]]\nalgorithm = \"EC\"\nuntil = 2030-01-01",
            8,
            "algorithm: EC is spoken of twice",
        ),
        ("[[key]\nalgorithm", 4, ""),
    ] {
        let error = CryptographicPolicy::from_toml(&around(lines)).unwrap_err();
        let told = error.to_string();
        let place = format!("line {line} of the cryptographic policy: ");
        assert!(told.starts_with(&place) && told.contains(words), "{lines}\n{told}");
    }
    let unnamed = CryptographicPolicy::from_toml("name = \"\"\nsource = \"\"").unwrap_err();
    assert!(matches!(unnamed, PolicyError::Field { line: 1, field: "name", .. }), "{unnamed}");
    let long = around(&"#".repeat(300_000));
    assert!(matches!(CryptographicPolicy::from_toml(&long), Err(PolicyError::TooLong { .. })));
}

#[test]
fn the_documented_example_is_a_policy() {
    let document = include_str!("../../docs/cryptographic-policy.md");
    let examples: Vec<&str> =
        document.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(!examples.is_empty());
    for example in examples {
        let policy = CryptographicPolicy::from_toml(example).unwrap();
        assert_eq!(CryptographicPolicy::from_toml(&policy.to_toml()).unwrap(), policy);
    }
    for name in CryptographicPolicy::BUILT_IN {
        assert!(document.contains(&format!("`{name}`")), "{name}");
    }
}
