//! What a signer says under protection beside the digest: policy, commitment, role (ETSI EN 319 122-1 section 5.2).

use std::{fmt, str::FromStr};

use der::oid::ObjectIdentifier;

use crate::{
    asn1::{Tag, oid, write},
    base::{Digest, DigestAlgorithm},
    x509::algorithm::digest_oid,
};

/// What a signer says under protection. The default says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statements {
    /// signature-policy-identifier: the rules that the signature was made under.
    pub policy: Option<SignedPolicy>,
    /// commitment-type-indication: what the signer means by signing.
    pub commitment: Option<Commitment>,
    /// signer-attributes-v2: the roles that the signer claims.
    pub roles: Vec<String>,
}

/// A signature policy by its identifier, with the digest of its text (ETSI EN 319 122-1 section 5.2.9.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedPolicy {
    /// sigPolicyId.
    pub id: ObjectIdentifier,
    /// sigPolicyHash.
    pub digest: Digest,
    /// Where its text is: ASCII.
    pub uri: Option<String>,
}

/// A commitment type (ETSI EN 319 122-1 section 5.2.3): one of the six of RFC 5126, or one of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commitment(pub ObjectIdentifier);

impl Statements {
    /// Each attribute's type and the encoding of its one value, for [`super::SignedAttributes::to_der_with`].
    pub fn attributes(&self) -> Vec<(ObjectIdentifier, Vec<u8>)> {
        let mut attributes = Vec::new();
        if let Some(policy) = &self.policy {
            attributes.push((oid::SIGNATURE_POLICY_ID, policy.to_der()));
        }
        if let Some(Commitment(kind)) = self.commitment {
            // CommitmentTypeIndication ::= SEQUENCE { commitmentTypeId OBJECT IDENTIFIER, … OPTIONAL }
            attributes.push((oid::COMMITMENT_TYPE, write::sequence([write::oid(kind)])));
        }
        if !self.roles.is_empty() {
            attributes.push((oid::SIGNER_ATTRIBUTES_V2, self.signer_attributes()));
        }
        attributes
    }

    /// Each role as a `title`, which X.520 has for a position within an organisation.
    ///
    /// ```text
    /// SignerAttributeV2 ::= SEQUENCE { claimedAttributes [0] EXPLICIT SEQUENCE OF Attribute OPTIONAL, … }
    /// Attribute         ::= SEQUENCE { type OBJECT IDENTIFIER, values SET OF ANY }
    /// ```
    fn signer_attributes(&self) -> Vec<u8> {
        let titles = self.roles.iter().map(|role| {
            let text = write::value(Tag(0x0C), role.as_bytes());
            write::sequence([write::oid(oid::TITLE), write::set_of(vec![text])])
        });
        write::sequence([write::value(Tag::context(0), &write::sequence(titles))])
    }
}

impl SignedPolicy {
    /// ```text
    /// SignaturePolicyId ::= SEQUENCE {
    ///     sigPolicyId OBJECT IDENTIFIER,
    ///     sigPolicyHash SEQUENCE { hashAlgorithm AlgorithmIdentifier, hashValue OCTET STRING },
    ///     sigPolicyQualifiers SEQUENCE OF SEQUENCE {
    ///         sigPolicyQualifierId OBJECT IDENTIFIER, sigQualifier ANY } OPTIONAL }
    /// ```
    fn to_der(&self) -> Vec<u8> {
        let hash = write::sequence([
            write::algorithm(digest_oid(self.digest.algorithm), None),
            write::octet_string(&self.digest.bytes),
        ]);
        let mut parts = vec![write::oid(self.id), hash];
        if let Some(uri) = &self.uri {
            let uri = write::value(Tag(0x16), uri.as_bytes());
            parts.push(write::sequence([write::sequence([write::oid(oid::SPQ_URI), uri])]));
        }
        write::sequence(parts)
    }

    /// Reads a digest as people write it: `SHA-256:` and hexadecimal digits.
    ///
    /// # Errors
    ///
    /// A sentence, when the algorithm is unknown or weak, or the digits are not as many as it gives.
    pub fn parse_digest(text: &str) -> Result<Digest, String> {
        let (name, digits) = text.split_once(':').ok_or("expected ALGORITHM:HEX, such as SHA-256:9f86…")?;
        let plain = |name: &str| name.to_ascii_uppercase().replace('-', "");
        let algorithm = DigestAlgorithm::ALL.into_iter().find(|known| plain(known.name()) == plain(name));
        let algorithm = algorithm.ok_or_else(|| format!("no digest is called {name:?}"))?;
        if algorithm.is_weak() {
            return Err(format!("{algorithm} is never used for a new signature"));
        }
        let bytes = hex::decode(digits).map_err(|error| format!("not hexadecimal: {error}"))?;
        if bytes.len() != algorithm.len() {
            return Err(format!("{algorithm} gives {} bytes, not {}", algorithm.len(), bytes.len()));
        }
        Ok(Digest { algorithm, bytes })
    }
}

impl Commitment {
    /// Its name, where RFC 5126 has one.
    pub fn name(self) -> Option<&'static str> {
        COMMITMENTS.iter().find(|(_, kind)| *kind == self.0).map(|(name, _)| *name)
    }
}

impl fmt::Display for Commitment {
    /// The name, or else the identifier.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => self.0.fmt(f),
        }
    }
}

impl FromStr for Commitment {
    type Err = String;

    /// Reads a name such as `proof-of-approval`, or an object identifier.
    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((_, kind)) = COMMITMENTS.iter().find(|(name, _)| *name == text) {
            return Ok(Self(*kind));
        }
        let kind = ObjectIdentifier::new(text);
        kind.map(Self).map_err(|_| {
            let names: Vec<&str> = COMMITMENTS.iter().map(|(name, _)| *name).collect();
            format!("expected an object identifier or one of {}", names.join(", "))
        })
    }
}

/// RFC 5126 section 5.11.1.
const COMMITMENTS: [(&str, ObjectIdentifier); 6] = [
    ("proof-of-approval", oid::PROOF_OF_APPROVAL),
    ("proof-of-creation", oid::PROOF_OF_CREATION),
    ("proof-of-delivery", oid::PROOF_OF_DELIVERY),
    ("proof-of-origin", oid::PROOF_OF_ORIGIN),
    ("proof-of-receipt", oid::PROOF_OF_RECEIPT),
    ("proof-of-sender", oid::PROOF_OF_SENDER),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        asn1::Reader,
        base::Limits,
        cms::{CadesAttributes, SignaturePolicy},
    };

    #[test]
    fn what_is_said_is_read_back() {
        let policy = SignedPolicy {
            id: ObjectIdentifier::new_unwrap("2.16.704.1.1"),
            digest: DigestAlgorithm::Sha384.digest(b"policy"),
            uri: Some("https://example/policy.pdf".to_owned()),
        };
        let said = Statements {
            policy: Some(policy.clone()),
            commitment: Some("proof-of-approval".parse().unwrap()),
            roles: vec!["Chủ tịch".to_owned(), "KT. Chủ tịch".to_owned()],
        };
        let mut read = CadesAttributes::default();
        for (kind, value) in said.attributes() {
            read.take_in_signed(kind, &Reader::only(&value).unwrap(), &Limits::default());
        }
        let SignedPolicy { id, digest, uri } = policy;
        assert_eq!(read.signature_policy, Some(SignaturePolicy::Named { id, digest: Some(digest) }));
        assert_eq!(read.signature_policy_uri, uri);
        assert_eq!(read.commitment_types, [oid::PROOF_OF_APPROVAL]);
        assert_eq!(read.claimed_roles, said.roles);
        assert!(Statements::default().attributes().is_empty());
    }

    #[test]
    fn digests_and_commitments_are_read_as_people_write_them() {
        let zeros = "00".repeat(32);
        for good in [format!("SHA-256:{zeros}"), format!("sha256:{zeros}"), format!("SHA3-256:{zeros}")] {
            assert!(SignedPolicy::parse_digest(&good).is_ok(), "{good}");
        }
        for wrong in ["", "SHA-256", "SHA-256:00", "SHA-1:0000000000000000000000000000000000000000", "X:00"] {
            assert!(SignedPolicy::parse_digest(wrong).is_err(), "{wrong}");
        }
        for (name, kind) in COMMITMENTS {
            assert_eq!(name.parse(), Ok(Commitment(kind)));
            assert_eq!(kind.to_string().parse::<Commitment>().unwrap().to_string(), name);
        }
        assert_eq!("1.2.3.4".parse::<Commitment>().unwrap().to_string(), "1.2.3.4");
        assert!("approval".parse::<Commitment>().is_err());
    }
}
