//! Time-stamps and values of XAdES.

use super::{Desk, XmlBody};
use crate::{
    base::{Sha256, digest::Hasher},
    validation::{
        Evidence, SignaturePolicyReport, StatementsReport,
        archive::Archive,
        cms::check_token,
        inspect::{Field, Stamp},
    },
    xml::{
        self, Canonicalization, Element, SignatureError, Subset,
        signature::{Reference, Target},
        xades::{Properties, SIGNED_PROPERTIES, TimeStamp, UnsignedKind, Values},
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
        let policy = properties.policy.as_ref().map(|identifier| SignaturePolicyReport {
            identifier: if identifier.is_empty() { "implied".to_owned() } else { identifier.clone() },
            digest: None,
            uri: None,
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
                    let before = properties.unsigned.iter().take(at).map(|property| property.element);
                    let octets = self.archived(signature, properties, before, stamp);
                    let fingerprint = fingerprint(stamp);
                    let covers = body.evidence.iter().map(print).chain(tokens.iter().copied()).collect();
                    let stamp = self.stamp(stamp, octets);
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
        let der = match &stamp.token {
            Ok(der) => der,
            Err(reason) => return Stamp::Broken(reason.clone()),
        };
        if self.streams == 0 {
            return Stamp::Unchecked("there are too many time-stamps on the content".to_owned());
        }
        self.streams -= 1;
        let limits = self.limits;
        let mut fault = None;
        let imprint = |algorithm| {
            let mut hasher = Hasher::new(algorithm);
            let references = signature.references().iter();
            for reference in references.filter(|one| one.kind() != Some(SIGNED_PROPERTIES)) {
                if let Err(reason) = self.feed(&mut hasher, reference, &stamp.canonicalization) {
                    fault = Some(reason);
                    return None;
                }
            }
            Some(hasher.finish())
        };
        let checked = check_token(der, limits, imprint);
        match (fault, checked) {
            (Some(reason), _) | (None, Err(reason)) => Stamp::Broken(reason),
            (None, Ok(token)) => Stamp::Token(Box::new(token)),
        }
    }

    /// The octets of a reference, into a running digest.
    fn feed(
        &mut self,
        hasher: &mut Hasher,
        reference: &Reference<'d>,
        last: &Canonicalization,
    ) -> Result<(), String> {
        if let Target::External(uri) = reference.target() {
            let file = (self.resolve)(uri).ok_or("what it is about was not given")?;
            if reference.is_plain() {
                return hasher.update_from(&*file, 0..file.len()).map_err(|error| error.to_string());
            }
            if file.len() > self.xml.bytes as u64 {
                return Err("what it is about is too large".to_owned());
            }
            let bytes = file.read(0..file.len()).map_err(|error| error.to_string())?;
            let octets = reference.octets_of(&bytes, &self.left()).map_err(|error| error.to_string())?;
            self.spend(octets.len());
            hasher.update(&octets);
            return Ok(());
        }
        let octets = reference.octets(last, &self.left()).map_err(|error| error.to_string())?;
        let octets = octets.unwrap_or_default();
        self.spend(octets.len());
        hasher.update(&octets);
        Ok(())
    }

    /// What an ArchiveTimeStamp is over (clause 5.5.2.2): the references, SignedInfo, SignatureValue, KeyInfo, the
    /// unsigned properties before it, and the objects that hold no properties.
    fn archived(
        &mut self,
        signature: &xml::Signature<'d>,
        properties: &Properties<'d>,
        before: impl Iterator<Item = Element<'d>>,
        stamp: &TimeStamp<'d>,
    ) -> Result<Vec<u8>, SignatureError> {
        let form = &stamp.canonicalization;
        let mut octets = Vec::new();
        for reference in signature.references() {
            let part = if let Target::External(uri) = reference.target() {
                let missing = || SignatureError::External { uri: Some(uri.to_owned()) };
                let file = (self.resolve)(uri).ok_or_else(missing)?;
                if file.len() > self.left().canonical_bytes as u64 {
                    return Err(missing());
                }
                let bytes = file.read(0..file.len()).map_err(|_| missing())?;
                reference.octets_of(&bytes, &self.left())?
            } else {
                reference.octets(form, &self.left())?.unwrap_or_default()
            };
            self.spend(part.len());
            octets.extend(part);
        }
        let own = [signature.signed_info(), signature.value_element()];
        let objects = signature.objects().filter(|object| *object != properties.object);
        for element in own.into_iter().chain(signature.key_info()).chain(before).chain(objects) {
            let part = self.canonical(element, form)?;
            octets.extend(part);
        }
        Ok(octets)
    }

    fn canonical(
        &mut self,
        element: Element<'d>,
        form: &Canonicalization,
    ) -> Result<Vec<u8>, SignatureError> {
        let octets = self.document.canonicalize(Subset::of(element), form, &self.left())?;
        self.spend(octets.len());
        Ok(octets)
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
    match identifier {
        "http://uri.etsi.org/01903/v1.2.2#ProofOfOrigin" => "proof-of-origin",
        "http://uri.etsi.org/01903/v1.2.2#ProofOfReceipt" => "proof-of-receipt",
        "http://uri.etsi.org/01903/v1.2.2#ProofOfDelivery" => "proof-of-delivery",
        "http://uri.etsi.org/01903/v1.2.2#ProofOfSender" => "proof-of-sender",
        "http://uri.etsi.org/01903/v1.2.2#ProofOfApproval" => "proof-of-approval",
        "http://uri.etsi.org/01903/v1.2.2#ProofOfCreation" => "proof-of-creation",
        other => other,
    }
}
