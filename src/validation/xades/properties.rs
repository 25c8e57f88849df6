//! Time-stamps and values of XAdES.

use super::{AtHand, Desk, Unread, XmlBody};
use crate::{
    base::{Sha256, digest::Hasher},
    validation::{
        Evidence, SignaturePolicyReport, StatementsReport,
        archive::Archive,
        cms::check_token,
        inspect::{Field, Stamp},
    },
    xml::{
        self, Canonicalization, Element, SignatureError, Subset, XmlError,
        signature::{Reference, Target},
        xades::{
            COMMITMENTS, OID_URN, Properties, SIGNED_PROPERTIES, Stamped, TimeStamp, UnsignedKind, Values,
        },
    },
};

impl<'d> Desk<'_, 'd> {
    /// What the properties say and hold.
    pub(super) fn take_properties(
        &mut self,
        signature: &xml::Signature<'d>,
        properties: &Properties<'d>,
        field: &mut Field,
        body: &mut XmlBody,
    ) {
        body.signing_time = properties.signing_time;
        body.names_a_policy = properties.policy.is_some();
        body.baseline = !properties.signing_certificates.is_empty() && properties.signing_time.is_some();
        field.location.clone_from(&properties.production_place);
        let policy = properties.policy.as_ref().map(|policy| SignaturePolicyReport {
            identifier: match policy.identifier.as_str() {
                "" => "implied".to_owned(),
                own => own.strip_prefix(OID_URN).unwrap_or(own).to_owned(),
            },
            digest: policy.digest.as_ref().map(|digest| format!("{digest:?}")),
            uri: policy.uri.clone(),
        });
        body.statements = StatementsReport {
            signature_policy: policy,
            commitment_types: properties.commitments.iter().map(|one| commitment(one).to_owned()).collect(),
            signer_roles: properties.claimed_roles.clone(),
        };

        for stamp in &properties.content_stamps {
            let stamp = self.content_stamp(signature, stamp);
            carried(&stamp, &mut body.evidence);
            body.more.content.push(stamp);
        }
        // What stands before an archive time-stamp it covers, and no more: evidence and tokens, by fingerprint.
        let mut tokens: Vec<Sha256> = Vec::new();
        for (at, property) in properties.unsigned.iter().enumerate() {
            match &property.what {
                UnsignedKind::SignatureTimeStamp(stamp) => {
                    let octets = self.canonical(signature.value_element(), &stamp.canonicalization);
                    let fingerprint = fingerprint(stamp);
                    let stamp = self.stamp(stamp, octets);
                    carried(&stamp, &mut body.evidence);
                    body.stamps.push(stamp);
                    body.fingerprints.push(fingerprint);
                    tokens.push(fingerprint);
                }
                UnsignedKind::ArchiveTimeStamp(stamp) => {
                    let fingerprint = fingerprint(stamp);
                    let covers = body.evidence.iter().map(print).chain(tokens.iter().copied()).collect();
                    let stamp = self.stamp_over(stamp, &properties.archived(signature, at));
                    carried(&stamp, &mut body.evidence);
                    tokens.push(fingerprint);
                    body.more.archive.push(Archive { fingerprint, stamp, covers });
                }
                UnsignedKind::Values(values) => held(values, &mut body.evidence),
                UnsignedKind::CounterSignature | UnsignedKind::Other => {}
            }
        }
        // The newest comes first: each may speak for those before it.
        body.more.archive.reverse();
        body.more
            .unused
            .extend(UNUSED.into_iter().filter(|name| properties.unread.iter().any(|one| one == name)));
        let others = properties.unread.iter().filter(|one| !UNUSED.contains(&one.as_str())).count();
        if others > 0 {
            body.more.unused.push("properties that kyso does not know");
        }
    }

    /// AllDataObjectsTimeStamp (clause 5.2.8.1): over what each reference leads to, the signed properties apart.
    fn content_stamp(&mut self, signature: &xml::Signature<'d>, stamp: &TimeStamp<'d>) -> Stamp {
        let references = signature.references().iter().filter(|one| one.kind() != Some(SIGNED_PROPERTIES));
        self.stamp_over(stamp, &references.map(Stamped::Reference).collect::<Vec<_>>())
    }

    /// A time-stamp over parts, one after the other.
    fn stamp_over(&mut self, stamp: &TimeStamp<'d>, parts: &[Stamped<'_, 'd>]) -> Stamp {
        let der = match &stamp.token {
            Ok(der) => der,
            Err(reason) => return Stamp::Broken(reason.clone()),
        };
        let (limits, form) = (self.limits, &stamp.canonicalization);
        let mut fault = None;
        let imprint = |algorithm| {
            let mut hasher = Hasher::new(algorithm);
            for part in parts {
                let fed = match part {
                    Stamped::Reference(reference) => self.feed(&mut hasher, reference, form),
                    Stamped::Element(element) => {
                        let octets = self.canonical(*element, form);
                        octets.map(|octets| hasher.update(&octets)).map_err(|error| unfed(&error))
                    }
                };
                if let Err(reason) = fed {
                    fault = Some(reason);
                    return None;
                }
            }
            Some(hasher.finish())
        };
        let checked = check_token(der, limits, imprint);
        match (fault, checked) {
            (Some(stamp), _) => stamp,
            (None, Err(reason)) => Stamp::Broken(reason),
            (None, Ok(token)) => Stamp::Token(Box::new(token)),
        }
    }

    /// The octets of a reference, into a running digest; or what is to be said of the time-stamp instead.
    fn feed(
        &mut self,
        hasher: &mut Hasher,
        reference: &Reference<'d>,
        last: &Canonicalization,
    ) -> Result<(), Stamp> {
        let broken = |error: &dyn std::fmt::Display| Stamp::Broken(error.to_string());
        let costly = || Stamp::Unchecked(TOO_MUCH.to_owned());
        let octets = if let Target::External(uri) = reference.target() {
            let file = match (self.resolve)(uri) {
                Some(AtHand::File(file)) => file,
                Some(AtHand::Digests(_)) => return Err(Stamp::Unchecked(ONLY_DIGESTS.to_owned())),
                None => return Err(broken(&"what it is about was not given")),
            };
            if reference.is_plain() {
                if file.len() > self.budget.streamed {
                    return Err(costly());
                }
                self.budget.streamed -= file.len();
                return hasher.update_from(&*file, 0..file.len()).map_err(|error| broken(&error));
            }
            let bytes = self.whole(&*file).map_err(|error| match error {
                Unread::Costly => costly(),
                Unread::Medium(error) => broken(&error),
            })?;
            reference.octets_of(&bytes, &self.left())
        } else {
            reference.octets(last, &self.left()).map(Option::unwrap_or_default)
        };
        let octets = self.paid(octets).map_err(|error| unfed(&error))?;
        hasher.update(&octets);
        Ok(())
    }

    fn canonical(
        &mut self,
        element: Element<'d>,
        form: &Canonicalization,
    ) -> Result<Vec<u8>, SignatureError> {
        let octets = self.document.canonicalize(Subset::of(element), form, &self.left());
        self.paid(octets.map_err(SignatureError::from))
    }
}

/// What is to be said of a time-stamp over something that has no octets.
fn unfed(error: &SignatureError) -> Stamp {
    match error {
        SignatureError::Xml(XmlError::Limit { .. }) => Stamp::Unchecked(TOO_MUCH.to_owned()),
        other => Stamp::Broken(other.to_string()),
    }
}

/// What a time-stamp carries for its own path.
fn carried(stamp: &Stamp, evidence: &mut Vec<Evidence>) {
    let Some(data) = stamp.signed_data() else { return };
    evidence.extend(data.certificates.iter().map(|one| Evidence::Certificate(one.der().to_vec())));
    evidence.extend(data.crls.iter().map(|crl| Evidence::Crl(crl.der().to_vec())));
    evidence.extend(data.ocsp_responses.iter().map(|answer| Evidence::Ocsp(answer.clone())));
}

fn held(values: &Values, evidence: &mut Vec<Evidence>) {
    evidence.extend(values.certificates.iter().map(|der| Evidence::Certificate(der.clone())));
    evidence.extend(values.crls.iter().map(|der| Evidence::Crl(der.clone())));
    evidence.extend(values.ocsps.iter().map(|der| Evidence::Ocsp(der.clone())));
}

fn print(evidence: &Evidence) -> Sha256 {
    match evidence {
        Evidence::Certificate(der) | Evidence::Crl(der) | Evidence::Ocsp(der) => Sha256::of(der),
    }
}

/// Of the token; of nothing where there is none.
fn fingerprint(stamp: &TimeStamp<'_>) -> Sha256 {
    Sha256::of(stamp.token.as_deref().unwrap_or_default())
}

/// Properties that are known, and prove nothing here.
const UNUSED: [&str; 7] = [
    "ArchiveTimeStamp",
    "ArchiveTimeStampV2",
    "CounterSignature",
    "IndividualDataObjectsTimeStamp",
    "RefsOnlyTimeStamp",
    "RenewedDigests",
    "SigAndRefsTimeStamp",
];

/// The name of a commitment of clause 5.2.3, else its identifier.
fn commitment(identifier: &str) -> &str {
    let named = COMMITMENTS.iter().find(|(_, uri)| *uri == identifier);
    named.map_or_else(|| identifier.strip_prefix(OID_URN).unwrap_or(identifier), |(name, _)| *name)
}

/// Why a time-stamp that covers much is not checked.
const ONLY_DIGESTS: &str = "of the files that it covers only digests were given";
const TOO_MUCH: &str = "what it covers is more than may be read for it";
