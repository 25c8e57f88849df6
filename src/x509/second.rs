//! The second reading of a certificate, by another reader: a certificate that two readers understand differently is no
//! ground for a verdict.

use std::collections::BTreeSet;

use der::oid::ObjectIdentifier;
use x509_parser::{
    der_parser::oid::Oid,
    extensions::{ParsedExtension, PolicyMapping},
    prelude::{FromDer, X509Certificate},
};

use super::{PolicyId, parts::Parts};
use crate::{asn1::oid, base::UtcTime};

impl Parts {
    /// Reads the certificate with `x509-parser` and says what differs.
    pub(super) fn second_reading(&self) -> Result<(), String> {
        let (rest, other) = X509Certificate::from_der(&self.der)
            .map_err(|error| format!("the second reader does not read it: {error}"))?;
        let same = |what: &str, same: bool| {
            if same { Ok(()) } else { Err(format!("the second reader sees another {what}")) }
        };
        same("length", rest.is_empty())?;
        same("signed part", other.tbs_certificate.as_ref() == &self.der[self.tbs.clone()])?;
        same("serial number", other.raw_serial() == &self.der[self.serial.clone()])?;
        same("issuer", other.issuer().as_raw() == self.issuer.der())?;
        same("subject", other.subject().as_raw() == self.subject.der())?;
        let seconds = |moment: i64| moment.min(UtcTime::MAX.as_second());
        let validity = other.validity();
        same("notBefore", seconds(validity.not_before.timestamp()) == self.not_before.as_second())?;
        same("notAfter", seconds(validity.not_after.timestamp()) == self.not_after.as_second())?;
        same("public key", other.public_key().raw == &self.der[self.spki.clone()])?;
        same("signature", other.signature_value.data.as_ref() == &self.der[self.signature.clone()])?;

        let numbers = |oid: &str, critical: bool| (oid.to_owned(), critical);
        let theirs: BTreeSet<_> =
            other.extensions().iter().map(|one| numbers(&one.oid.to_id_string(), one.critical)).collect();
        let ours = self.extensions.iter().map(|(oid, critical)| numbers(&oid.to_string(), *critical));
        same("list of extensions", theirs == ours.collect())?;
        let constraints = other.basic_constraints().map_err(|error| format!("basicConstraints: {error}"))?;
        let constraints = constraints.map(|one| (one.value.ca, one.value.path_len_constraint));
        same("basicConstraints", constraints == self.basic_constraints)?;
        let usage = other.key_usage().map_err(|error| format!("keyUsage: {error}"))?;
        same("keyUsage", usage.map(|one| one.value.flags) == self.key_usage)?;
        let purposes = other.extended_key_usage().map_err(|error| format!("extKeyUsage: {error}"))?;
        let purposes = purposes.map(|one| (one.critical, named_purposes(one.value)));
        let ours = self.extended_key_usage.as_ref().map(|(critical, purposes)| {
            (*critical, purposes.iter().map(ObjectIdentifier::to_string).collect())
        });
        same("extKeyUsage", purposes == ours)?;
        let theirs = Restrictions::seen_by(&other)?;
        same("policies or name constraints", theirs == Restrictions::of(self))
    }
}

/// What restricts a path, in a form that both readers can be brought to.
#[derive(Default, PartialEq, Eq)]
struct Restrictions {
    policies: BTreeSet<Vec<u8>>,
    mappings: Vec<(Vec<u8>, Vec<u8>)>,
    explicit: Option<u32>,
    mapping: Option<u32>,
    any_policy: Option<u32>,
    /// How many subtrees are permitted and excluded.
    subtrees: (usize, usize),
}

impl Restrictions {
    fn of(parts: &Parts) -> Self {
        let bytes = |id: &PolicyId| id.as_bytes().to_vec();
        let pair = |(one, two): &(PolicyId, PolicyId)| (bytes(one), bytes(two));
        let policies = parts.policies.iter().flat_map(|policies| &policies.oids);
        Self {
            policies: policies.map(bytes).collect(),
            mappings: parts.policy_mappings.iter().map(pair).collect(),
            explicit: parts.policy_constraints.and_then(|one| one.require_explicit),
            mapping: parts.policy_constraints.and_then(|one| one.inhibit_mapping),
            any_policy: parts.inhibit_any_policy,
            subtrees: parts
                .name_constraints
                .as_ref()
                .map_or((0, 0), |trees| (trees.permitted.len(), trees.excluded.len())),
        }
    }

    fn seen_by(other: &X509Certificate<'_>) -> Result<Self, String> {
        let mut seen = Self::default();
        for extension in other.extensions() {
            match extension.parsed_extension() {
                ParsedExtension::CertificatePolicies(policies) => {
                    seen.policies =
                        policies.iter().map(|policy| policy.policy_id.as_bytes().to_vec()).collect();
                }
                ParsedExtension::PolicyMappings(mappings) => {
                    let pair = |one: &PolicyMapping<'_>| {
                        let bytes = |oid: &Oid<'_>| oid.as_bytes().to_vec();
                        (bytes(&one.issuer_domain_policy), bytes(&one.subject_domain_policy))
                    };
                    seen.mappings = mappings.mappings.iter().map(pair).collect();
                }
                ParsedExtension::PolicyConstraints(constraints) => {
                    seen.explicit = constraints.require_explicit_policy;
                    seen.mapping = constraints.inhibit_policy_mapping;
                }
                ParsedExtension::InhibitAnyPolicy(inhibit) => seen.any_policy = Some(inhibit.skip_certs),
                ParsedExtension::NameConstraints(trees) => {
                    let count = |trees: &Option<Vec<_>>| trees.as_ref().map_or(0, Vec::len);
                    seen.subtrees = (count(&trees.permitted_subtrees), count(&trees.excluded_subtrees));
                }
                ParsedExtension::ParseError { error } => {
                    let oid = extension.oid.to_id_string();
                    if RESTRICTING.iter().any(|restricting| restricting.to_string() == oid) {
                        return Err(format!("the second reader does not read extension {oid}: {error}"));
                    }
                }
                _ => {}
            }
        }
        Ok(seen)
    }
}

/// Extensions that both readers must understand.
const RESTRICTING: [ObjectIdentifier; 5] = [
    oid::NAME_CONSTRAINTS,
    oid::CERTIFICATE_POLICIES,
    oid::POLICY_MAPPINGS,
    oid::POLICY_CONSTRAINTS,
    oid::INHIBIT_ANY_POLICY,
];

/// What the second reader spreads over flags, as numbers again.
fn named_purposes(purposes: &x509_parser::extensions::ExtendedKeyUsage<'_>) -> BTreeSet<String> {
    let named = [
        (purposes.any, "2.5.29.37.0"),
        (purposes.server_auth, "1.3.6.1.5.5.7.3.1"),
        (purposes.client_auth, "1.3.6.1.5.5.7.3.2"),
        (purposes.code_signing, "1.3.6.1.5.5.7.3.3"),
        (purposes.email_protection, "1.3.6.1.5.5.7.3.4"),
        (purposes.time_stamping, "1.3.6.1.5.5.7.3.8"),
        (purposes.ocsp_signing, "1.3.6.1.5.5.7.3.9"),
    ];
    let named = named.iter().filter(|(present, _)| *present).map(|(_, oid)| (*oid).to_owned());
    named.chain(purposes.other.iter().map(x509_parser::asn1_rs::Oid::to_id_string)).collect()
}
