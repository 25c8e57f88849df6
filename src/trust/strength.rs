//! Whether keys and digests are still good enough: the one place that policy on algorithms enters the room.
//!
//! Each question takes the time for which it is asked, so that a policy with dates can answer by it.

use std::sync::{Arc, LazyLock};

use spki::AlgorithmIdentifierOwned;

use super::Rules;
use crate::{
    base::UtcTime,
    crypto::policy::{self, CryptographicPolicy, Use},
    x509::{
        Certificate,
        algorithm::{SignatureScheme, key_kind},
    },
};

/// What is too weak, or not known: `SHA-1`, `RSA-1024`, `algorithm 1.2.840.10040.4.3`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Weakness {
    pub(super) what: String,
    /// The first moment at which it was no longer good enough; `None` when it never was.
    pub(super) since: Option<UtcTime>,
}

/// What is asked for one time and one use.
#[derive(Clone, Copy)]
pub(super) struct Question<'r> {
    pub(super) rules: &'r Rules,
    pub(super) purpose: Use,
    pub(super) at: UtcTime,
}

impl Question<'_> {
    /// Whether signatures made under the key of a SubjectPublicKeyInfo may be relied on.
    pub(super) fn key(self, spki_der: &[u8]) -> Result<(), Weakness> {
        let kind = key_kind(spki_der).map_err(|unknown| unknown_algorithm(&unknown))?;
        self.policy().permits_key(self.purpose, kind, self.at).map_err(Weakness::of)
    }

    /// The scheme of a certificate's, list's or answer's signature, if one may be relied on under some key.
    pub(super) fn scheme(self, identifier: &AlgorithmIdentifierOwned) -> Result<SignatureScheme, Weakness> {
        let scheme = SignatureScheme::from_identifier(identifier, None)
            .map_err(|unknown| unknown_algorithm(&unknown))?;
        self.policy().permits_scheme(self.purpose, scheme, self.at).map_err(Weakness::of)?;
        Ok(scheme)
    }

    /// Whether a signature by this scheme under the key of this signer may be relied on.
    pub(super) fn signed(self, scheme: SignatureScheme, signer: &Certificate) -> Result<(), Weakness> {
        let kind = key_kind(signer.spki_der()).map_err(|unknown| unknown_algorithm(&unknown))?;
        self.policy().permits(self.purpose, scheme, kind, self.at).map_err(Weakness::of)
    }

    fn policy(&self) -> &CryptographicPolicy {
        self.rules.cryptography.as_deref().unwrap_or(&STRICT)
    }
}

impl Weakness {
    fn of(weakness: policy::Weakness) -> Self {
        let since = weakness.since();
        Self { what: weakness.algorithm, since }
    }
}

fn unknown_algorithm(unknown: &dyn std::fmt::Display) -> Weakness {
    Weakness { what: unknown.to_string(), since: None }
}

/// What holds where the rules name none.
static STRICT: LazyLock<Arc<CryptographicPolicy>> = LazyLock::new(|| Arc::new(CryptographicPolicy::strict()));

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        asn1::{oid, write},
        base::DigestAlgorithm,
    };

    #[test]
    fn short_keys_and_old_digests_are_weak() {
        let rsa = |octets: usize| {
            let key = write::sequence([write::unsigned(&vec![0xC1; octets]), write::unsigned(&[1, 0, 1])]);
            let algorithm = write::algorithm(oid::RSA_ENCRYPTION, Some(&write::null()));
            write::sequence([algorithm, write::bit_string(&key)])
        };
        let question = Question { rules: &Rules::USUAL, purpose: Use::Certificate, at: UtcTime::MIN };
        let weak = |what: &str| Err(Weakness { what: what.to_owned(), since: None });
        assert_eq!(question.key(&rsa(128)), weak("RSA-1024"));
        assert_eq!(question.key(&rsa(255)), weak("RSA-2040"));
        assert_eq!(question.key(&rsa(256)), Ok(()));
        assert!(question.key(b"?").is_err());
        let named = |algorithm| AlgorithmIdentifierOwned { oid: algorithm, parameters: None };
        assert_eq!(question.scheme(&named(oid::ECDSA_WITH_SHA1)).unwrap_err().what, "SHA-1");
        assert_eq!(
            question.scheme(&named(oid::ECDSA_WITH_SHA256)),
            Ok(SignatureScheme::Ecdsa(DigestAlgorithm::Sha256))
        );
        let dsa = der::oid::ObjectIdentifier::new_unwrap("1.2.840.10040.4.3");
        assert!(question.scheme(&named(dsa)).unwrap_err().what.contains("1.2.840.10040.4.3"));
    }

    #[test]
    fn a_policy_with_dates_answers_by_the_time() {
        let policy = CryptographicPolicy::built_in("ts119312").map(Arc::new);
        let rules = Rules { cryptography: policy, ..Rules::USUAL };
        let ask = |at: &str| {
            let at = at.parse().unwrap();
            let question = Question { rules: &rules, purpose: Use::Certificate, at };
            question.scheme(&AlgorithmIdentifierOwned { oid: oid::ECDSA_WITH_SHA1, parameters: None })
        };
        assert!(ask("2011-01-01T00:00:00Z").is_ok());
        let weakness = ask("2020-01-01T00:00:00Z").unwrap_err();
        assert_eq!(weakness.since, "2012-08-01T00:00:00Z".parse().ok());
    }
}
