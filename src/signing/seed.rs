//! Seed values of the field that is to be signed (ISO 32000-2 section 12.7.5.5): what is required is kept or nothing is
//! signed; what is wished for is followed where the signer says nothing.
//!
//! Two wishes are followed by nobody here: an address from the document is never called, and no signature becomes a
//! certification because a document says so. Who signs asks for both.

use super::{Request, SigningError};
use crate::{
    base::DigestAlgorithm,
    cms::{Commitment, Statements},
    crypto,
    pdf::{CertificateFlag, CertificateSeed, Document, PdfError, SeedFlag, SeedValue},
    x509::{Certificate, Name, PolicyId, algorithm::SignatureScheme},
};

/// The digest that the author of a field likes best among those that kyso signs with; `None` when it is all the same.
///
/// # Errors
///
/// When the form cannot be read.
pub fn preferred_digest(
    document: &Document,
    field: Option<&str>,
) -> Result<Option<DigestAlgorithm>, PdfError> {
    let Some(field) = field else { return Ok(None) };
    let seed = document.seed_value(field)?;
    let methods = seed.and_then(|seed| seed.digest_methods).unwrap_or_default();
    Ok(methods.iter().find_map(|method| digest_method(method)))
}

/// Keeps what the field's author requires, and fills in what the signer left open.
pub(super) fn settle(document: &Document, request: &mut Request) -> Result<(), SigningError> {
    let Some(field) = request.wishes.field.clone() else { return Ok(()) };
    let Some(seed) = document.seed_value(&field)? else { return Ok(()) };
    if request.wishes.reason.is_none() {
        request.wishes.reason = suggested_reason(&seed, &request.wishes.statements);
    }
    let lock = document.signature_slots()?.into_iter().find(|slot| slot.name == field);
    let own_level = lock.and_then(|slot| slot.lock).and_then(|lock| lock.level);
    match unmet(&seed, request, own_level) {
        None => Ok(()),
        Some(what) => Err(SigningError::Seed { field, what }),
    }
}

/// The one reason that the author offers, if there is but one to choose and nothing stands against it.
fn suggested_reason(seed: &SeedValue, statements: &Statements) -> Option<String> {
    let [reason] = seed.reasons.as_deref()? else { return None };
    let free = statements.policy.is_none() && statements.commitment.is_none();
    (reason != NO_REASON && free).then(|| reason.clone())
}

/// The first requirement that is not met, with what would meet it.
fn unmet(seed: &SeedValue, request: &Request, own_level: Option<u8>) -> Option<String> {
    let requires = |flag| seed.requires(flag);
    if let Some(fault) = seed.faults.first() {
        return Some(format!("/{fault} of its seed values cannot be read or is not known to kyso"));
    }
    if let Some(filter) = seed.filter.as_ref().filter(|filter| *filter != FILTER)
        && requires(SeedFlag::Filter)
    {
        return Some(format!("the signature handler {filter} (/Filter); kyso signs as {FILTER}"));
    }
    if let Some(wanted) = &seed.sub_filters
        && requires(SeedFlag::SubFilter)
        && !wanted.iter().any(|name| name == SUB_FILTER)
    {
        return Some(format!("an encoding of {} (/SubFilter); kyso signs as {SUB_FILTER}", list(wanted)));
    }
    if let Some(version) = seed.version.filter(|version| *version > VERSION)
        && requires(SeedFlag::V)
    {
        return Some(format!("a program that knows seed values of version {version} (/V)"));
    }
    unmet_reason(seed, request)
        .or_else(|| unmet_kind(seed, request, own_level))
        .or_else(|| unmet_by_kyso(seed))
        .or_else(|| unmet_digest(seed, request))
        .or_else(|| unmet_time_stamp(seed, request))
        .or_else(|| seed.certificate.as_ref().and_then(|wanted| unmet_certificate(wanted, request)))
}

/// `/Reasons`: required and left out, or a full stop, means that no reason may be given.
fn unmet_reason(seed: &SeedValue, request: &Request) -> Option<String> {
    if !seed.requires(SeedFlag::Reasons) {
        return None;
    }
    let offered = seed.reasons.as_deref().unwrap_or_default();
    let none = offered.is_empty() || matches!(offered, [one] if one == NO_REASON);
    match &request.wishes.reason {
        Some(_) if none => Some("no reason (/Reasons); leave it out".to_owned()),
        None if none => None,
        Some(reason) if offered.contains(reason) => None,
        _ => Some(format!("one of the reasons {} (/Reasons)", list(offered))),
    }
}

/// `/MDP` and `/LockDocument`.
fn unmet_kind(seed: &SeedValue, request: &Request, own_level: Option<u8>) -> Option<String> {
    let certify = request.wishes.certify.map(super::DocMdp::level);
    match (seed.mdp, certify) {
        (Some(0), Some(_)) => return Some("an approval signature (/MDP); do not certify".to_owned()),
        (Some(level @ 1..), given) if given != Some(level) => {
            return Some(format!("a certification signature of level {level} (/MDP); certify so"));
        }
        _ => {}
    }
    if !seed.requires(SeedFlag::LockDocument) {
        return None;
    }
    let asked = request.wishes.lock.as_ref().and_then(|lock| lock.level);
    let locked = [certify, own_level, asked].into_iter().flatten().min() == Some(1);
    match (seed.lock_document.as_deref(), locked) {
        (Some("true"), false) => {
            Some("that nothing may change afterwards (/LockDocument); certify with level 1".to_owned())
        }
        (Some("false"), true) => Some("that the document stays open for changes (/LockDocument)".to_owned()),
        (None | Some("true" | "false" | "auto"), _) => None,
        (Some(_), _) => Some("an unknown way of locking the document (/LockDocument)".to_owned()),
    }
}

/// What kyso never does.
fn unmet_by_kyso(seed: &SeedValue) -> Option<String> {
    if seed.requires(SeedFlag::LegalAttestation) && seed.legal_attestations.is_some() {
        return Some("a legal attestation (/LegalAttestation), which kyso does not write".to_owned());
    }
    if seed.requires(SeedFlag::AddRevInfo) && seed.add_rev_info == Some(true) {
        return Some(
            "revocation data inside of the signature (/AddRevInfo); kyso puts them into /DSS".to_owned(),
        );
    }
    let appearance = seed.appearance_filter.as_ref().filter(|_| seed.requires(SeedFlag::AppearanceFilter));
    appearance
        .map(|name| format!("an appearance named {name:?} (/AppearanceFilter), which kyso does not know"))
}

fn unmet_digest(seed: &SeedValue, request: &Request) -> Option<String> {
    let digest = request.scheme.digest();
    let methods = seed.digest_methods.as_ref().filter(|_| seed.requires(SeedFlag::DigestMethod))?;
    let met = methods.iter().any(|method| digest_method(method) == Some(digest));
    (!met).then(|| format!("a digest of {} (/DigestMethod); {digest} was chosen", list(methods)))
}

fn unmet_time_stamp(seed: &SeedValue, request: &Request) -> Option<String> {
    let wanted = seed.time_stamp.as_ref().filter(|wanted| wanted.required)?;
    if request.time_stamp.is_some() {
        return None;
    }
    let url = wanted.url.as_ref().map(|url| format!("; the author names the authority {url}"));
    Some(format!("a time-stamp (/TimeStamp){}", url.unwrap_or_default()))
}

/// `/Cert`, ISO 32000-2 table 238.
fn unmet_certificate(wanted: &CertificateSeed, request: &Request) -> Option<String> {
    let signer = &request.signer;
    let told = |what: String| {
        let url = wanted.url.as_ref().map(|url| format!("; the author names {url}"));
        Some(format!("{what}{}", url.unwrap_or_default()))
    };
    if let Some(subjects) = &wanted.subjects
        && wanted.requires(CertificateFlag::Subject)
        && !subjects.iter().any(|der| der == signer.der())
    {
        return told("one of certain certificates (/Cert/Subject), and this is none of them".to_owned());
    }
    if let Some(issuers) = &wanted.issuers
        && wanted.requires(CertificateFlag::Issuer)
        && !leads_to(signer, &request.chain, issuers)
    {
        return told(
            "a certificate of certain authorities (/Cert/Issuer), and this is of none of them".to_owned(),
        );
    }
    if let Some(policies) = &wanted.policies
        && wanted.requires(CertificateFlag::Oid)
        && !policies.iter().all(|policy| has_policy(signer, policy))
    {
        return told(format!("a certificate with the policies {} (/Cert/OID)", list(policies)));
    }
    if wanted.requires(CertificateFlag::SubjectDn) {
        for (key, value) in wanted.subject.iter().flatten() {
            if !has_attribute(signer, key, value) {
                return told(format!("a certificate whose subject has {key}={value:?} (/Cert/SubjectDN)"));
            }
        }
    }
    if let Some(patterns) = &wanted.key_usages
        && wanted.requires(CertificateFlag::KeyUsage)
        && !patterns.iter().any(|pattern| fits_key_usage(signer, pattern))
    {
        return told(format!("a certificate with a key usage of {} (/Cert/KeyUsage)", list(patterns)));
    }
    unmet_policy(wanted, &request.wishes.statements)
}

/// `/SignaturePolicyOID` and what goes with it: always required, for it is part of what is signed.
fn unmet_policy(wanted: &CertificateSeed, statements: &Statements) -> Option<String> {
    let id = wanted.signature_policy.as_ref()?;
    let Some(given) = statements.policy.as_ref().filter(|given| given.id.to_string() == *id) else {
        return Some(format!("the signature policy {id} (/Cert/SignaturePolicyOID)"));
    };
    let algorithm = wanted.signature_policy_algorithm.as_deref().map(digest_method);
    let same = wanted.signature_policy_digest.as_ref().is_none_or(|digest| *digest == given.digest.bytes)
        && algorithm.is_none_or(|algorithm| algorithm == Some(given.digest.algorithm));
    if !same {
        return Some(format!(
            "the signature policy {id} with another digest (/Cert/SignaturePolicyHashValue)"
        ));
    }
    let commitments = wanted.commitments.as_ref()?;
    let met = match statements.commitment {
        Some(Commitment(kind)) => commitments.contains(&kind.to_string()),
        // An empty list forbids all; another one wants one of its own.
        None => commitments.is_empty(),
    };
    (!met).then(|| match commitments.as_slice() {
        [] => "no commitment (/Cert/SignaturePolicyCommitmentType)".to_owned(),
        some => format!("one of the commitments {} (/Cert/SignaturePolicyCommitmentType)", list(some)),
    })
}

/// Whether a certificate was issued, directly or through `chain`, by one of `issuers`.
fn leads_to(signer: &Certificate, chain: &[Certificate], issuers: &[Vec<u8>]) -> bool {
    let wanted: Vec<Certificate> = issuers.iter().filter_map(|der| Certificate::from_der(der).ok()).collect();
    let mut at = vec![signer];
    for _ in 0..LONGEST_PATH {
        let above = |one: &Certificate| at.iter().any(|below| issued(one, below));
        if wanted.iter().any(above) {
            return true;
        }
        let next: Vec<&Certificate> = chain.iter().filter(|one| above(one)).collect();
        at = next;
    }
    false
}

fn issued(issuer: &Certificate, subject: &Certificate) -> bool {
    let scheme = SignatureScheme::from_identifier(subject.signature_algorithm(), None);
    issuer.subject().matches(subject.issuer())
        && scheme.is_ok_and(|scheme| {
            crypto::verify(issuer.spki_der(), scheme, subject.tbs_der(), subject.signature()).is_ok()
        })
}

fn has_policy(signer: &Certificate, policy: &str) -> bool {
    let Ok(policy) = policy.parse::<PolicyId>() else { return false };
    signer.policies().is_some_and(|policies| policies.oids.contains(&policy))
}

/// By short name (`CN`, `O`…) or identifier.
fn has_attribute(signer: &Certificate, key: &str, value: &str) -> bool {
    let Some(kind) = Name::attribute_type(key) else { return false };
    signer.subject().attributes(kind).any(|known| known == Some(value))
}

/// `1`: the bit is set, `0`: it is not, `X`: all the same; what the pattern leaves out is all the same, too. A
/// certificate without the extension fits no pattern that asks for anything.
fn fits_key_usage(signer: &Certificate, pattern: &str) -> bool {
    pattern.len() <= 9
        && pattern.bytes().zip(0..).all(|(wanted, bit)| match wanted {
            b'X' | b'x' => true,
            b'0' => signer.key_usage_bit(bit) == Some(false),
            b'1' => signer.key_usage_bit(bit) == Some(true),
            _ => false,
        })
}

/// ISO 32000-2 table 237: SHA1, SHA256, SHA384, SHA512, RIPEMD160; here those that kyso signs with.
fn digest_method(name: &str) -> Option<DigestAlgorithm> {
    match name.to_ascii_uppercase().replace('-', "").as_str() {
        "SHA256" => Some(DigestAlgorithm::Sha256),
        "SHA384" => Some(DigestAlgorithm::Sha384),
        "SHA512" => Some(DigestAlgorithm::Sha512),
        _ => None,
    }
}

fn list(items: &[String]) -> String {
    let shown: Vec<String> = items.iter().take(MOST_SHOWN).map(|item| format!("{item:?}")).collect();
    let more = if items.len() > MOST_SHOWN { "…" } else { "" };
    format!("{}{more}", shown.join(", "))
}

/// A `/Reasons` of this alone: no reason may be given.
const NO_REASON: &str = ".";

const FILTER: &str = "Adobe.PPKLite";

const SUB_FILTER: &str = "ETSI.CAdES.detached";

/// Seed values of PDF 2.0.
const VERSION: f64 = 3.0;

/// Steps from a signer's certificate upwards.
const LONGEST_PATH: usize = 8;

/// Items told in a message.
const MOST_SHOWN: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cms::SignedPolicy,
        pdf::{DocMdp, TimeStampSeed},
        signing::{TokenRoom, Wishes},
        x509::sample::Sample,
    };

    fn request() -> Request {
        Request {
            signer: Certificate::from_der(&Sample::default().to_der()).unwrap(),
            chain: Vec::new(),
            scheme: SignatureScheme::Ecdsa(DigestAlgorithm::Sha256),
            time_stamp: None,
            wishes: Wishes::default(),
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "the fields of a seed value are optional")]
    fn texts(texts: &[&str]) -> Option<Vec<String>> {
        Some(texts.iter().map(|text| (*text).to_owned()).collect())
    }

    /// What is said of a signature without any wishes under these seed values, required and not.
    fn both(flag: SeedFlag, seed: SeedValue) -> (Option<String>, Option<String>) {
        let required = SeedValue { flags: flag as u32, ..seed.clone() };
        (unmet(&required, &request(), None), unmet(&seed, &request(), None))
    }

    #[test]
    fn what_is_required_is_refused_and_what_is_wished_for_is_not() {
        let default = SeedValue::default;
        for (flag, seed, named) in [
            (SeedFlag::Filter, SeedValue { filter: Some("Other".to_owned()), ..default() }, "/Filter"),
            (
                SeedFlag::SubFilter,
                SeedValue { sub_filters: texts(&["adbe.pkcs7.sha1"]), ..default() },
                "/SubFilter",
            ),
            (SeedFlag::SubFilter, SeedValue { sub_filters: texts(&[]), ..default() }, "/SubFilter"),
            (SeedFlag::V, SeedValue { version: Some(4.0), ..default() }, "/V"),
            (SeedFlag::Reasons, SeedValue { reasons: texts(&["a", "b"]), ..default() }, "/Reasons"),
            (
                SeedFlag::LegalAttestation,
                SeedValue { legal_attestations: texts(&["a"]), ..default() },
                "/LegalAttestation",
            ),
            (SeedFlag::AddRevInfo, SeedValue { add_rev_info: Some(true), ..default() }, "/AddRevInfo"),
            (
                SeedFlag::DigestMethod,
                SeedValue { digest_methods: texts(&["SHA512", "RIPEMD160"]), ..default() },
                "/DigestMethod",
            ),
            (
                SeedFlag::LockDocument,
                SeedValue { lock_document: Some("true".to_owned()), ..default() },
                "/LockDocument",
            ),
            (
                SeedFlag::AppearanceFilter,
                SeedValue { appearance_filter: Some("x".to_owned()), ..default() },
                "/AppearanceFilter",
            ),
        ] {
            let (required, wished) = both(flag, seed);
            assert!(required.as_ref().is_some_and(|what| what.contains(named)), "{flag:?}: {required:?}");
            assert_eq!(wished, None, "{flag:?}");
        }
        for (flag, seed) in [
            (SeedFlag::Filter, SeedValue { filter: Some(FILTER.to_owned()), ..default() }),
            (SeedFlag::SubFilter, SeedValue { sub_filters: texts(&["x", SUB_FILTER]), ..default() }),
            (SeedFlag::V, SeedValue { version: Some(3.0), ..default() }),
            (SeedFlag::Reasons, SeedValue { reasons: texts(&["."]), ..default() }),
            (SeedFlag::Reasons, default()),
            (SeedFlag::AddRevInfo, SeedValue { add_rev_info: Some(false), ..default() }),
            (SeedFlag::DigestMethod, SeedValue { digest_methods: texts(&["sha-256"]), ..default() }),
            (SeedFlag::LockDocument, SeedValue { lock_document: Some("auto".to_owned()), ..default() }),
        ] {
            assert_eq!(both(flag, seed).0, None, "{flag:?}");
        }
        let fault = SeedValue { faults: vec!["Reasons".to_owned()], ..default() };
        assert!(unmet(&fault, &request(), None).is_some());
    }

    #[test]
    fn reasons_are_chosen_from_those_offered() {
        let seed = |reasons: &[&str]| SeedValue {
            flags: SeedFlag::Reasons as u32,
            reasons: texts(reasons),
            ..SeedValue::default()
        };
        let with = |reason: &str| {
            let wishes = Wishes { reason: Some(reason.to_owned()), ..Wishes::default() };
            Request { wishes, ..request() }
        };
        assert_eq!(unmet_reason(&seed(&["a", "b"]), &with("b")), None);
        assert!(unmet_reason(&seed(&["a", "b"]), &with("c")).is_some());
        assert!(unmet_reason(&seed(&["."]), &with("c")).is_some());
        assert!(unmet_reason(&seed(&[]), &with("c")).is_some());
        let none = Statements::default();
        assert_eq!(suggested_reason(&seed(&["a"]), &none).as_deref(), Some("a"));
        assert_eq!(suggested_reason(&seed(&["a", "b"]), &none), None);
        assert_eq!(suggested_reason(&seed(&["."]), &none), None);
        let committed = Statements { commitment: "proof-of-origin".parse().ok(), ..none };
        assert_eq!(suggested_reason(&seed(&["a"]), &committed), None);
    }

    #[test]
    fn a_certification_is_asked_for_and_never_made_of_itself() {
        let seed = |mdp| SeedValue { mdp: Some(mdp), ..SeedValue::default() };
        let certifying = |certify| Request { wishes: Wishes { certify, ..Wishes::default() }, ..request() };
        for (mdp, certify, met) in [
            (0, None, true),
            (0, Some(DocMdp::FillAndSign), false),
            (2, None, false),
            (2, Some(DocMdp::FillAndSign), true),
            (2, Some(DocMdp::NoChanges), false),
        ] {
            assert_eq!(unmet(&seed(mdp), &certifying(certify), None).is_none(), met, "{mdp} {certify:?}");
        }
        let locked = |text: &str| SeedValue {
            flags: SeedFlag::LockDocument as u32,
            lock_document: Some(text.to_owned()),
            ..SeedValue::default()
        };
        assert!(unmet(&locked("true"), &certifying(Some(DocMdp::NoChanges)), None).is_none());
        assert!(unmet(&locked("true"), &request(), Some(1)).is_none());
        assert!(unmet(&locked("true"), &request(), Some(2)).is_some());
        assert!(unmet(&locked("false"), &request(), Some(1)).is_some());
        assert!(unmet(&locked("false"), &request(), None).is_none());
    }

    #[test]
    fn a_required_time_stamp_is_one_that_is_made() {
        let seed = |required| SeedValue {
            time_stamp: Some(TimeStampSeed { url: Some("http://tsa.example".to_owned()), required }),
            ..SeedValue::default()
        };
        let told = unmet(&seed(true), &request(), None).unwrap();
        assert!(told.contains("http://tsa.example"), "{told}");
        assert_eq!(unmet(&seed(false), &request(), None), None);
        let stamped = Request { time_stamp: Some(TokenRoom::after(1)), ..request() };
        assert_eq!(unmet(&seed(true), &stamped, None), None);
    }

    #[test]
    fn certificates_are_compared_with_what_is_asked() {
        let signer = request().signer;
        let all = 0x6F;
        let met = |wanted: CertificateSeed| {
            unmet_certificate(&CertificateSeed { flags: all, ..wanted }, &request()).is_none()
        };
        let seed = CertificateSeed::default;
        assert!(met(seed()));
        assert!(met(CertificateSeed { subjects: Some(vec![signer.der().to_vec()]), ..seed() }));
        assert!(!met(CertificateSeed { subjects: Some(vec![vec![1]]), ..seed() }));
        assert!(!met(CertificateSeed { issuers: Some(vec![signer.der().to_vec(), vec![1]]), ..seed() }));
        assert!(!met(CertificateSeed { policies: texts(&["1.2.3"]), ..seed() }));
        let name = signer.subject().common_name().unwrap();
        let named = |key: &str, value: &str| Some(vec![(key.to_owned(), value.to_owned())]);
        assert!(met(CertificateSeed { subject: named("CN", &name), ..seed() }));
        assert!(met(CertificateSeed { subject: named("2.5.4.3", &name), ..seed() }));
        assert!(!met(CertificateSeed { subject: named("CN", "ai khác"), ..seed() }));
        assert!(!met(CertificateSeed { subject: named("không", &name), ..seed() }));
        assert!(met(CertificateSeed { key_usages: texts(&["XXXXXXXXX"]), ..seed() }));
        assert!(!met(CertificateSeed { key_usages: texts(&["1111111111", "2"]), ..seed() }));
        let optional = CertificateSeed { subject: named("CN", "ai khác"), ..seed() };
        assert!(unmet_certificate(&optional, &request()).is_none());
    }

    #[test]
    fn a_signature_policy_of_the_author_is_always_required() {
        let digest = DigestAlgorithm::Sha256.digest(b"policy");
        let wanted = CertificateSeed {
            signature_policy: Some("1.2.3".to_owned()),
            signature_policy_digest: Some(digest.bytes.clone()),
            signature_policy_algorithm: Some("SHA256".to_owned()),
            commitments: texts(&["1.2.840.113549.1.9.16.6.5"]),
            ..CertificateSeed::default()
        };
        let policy = |id| {
            Some(SignedPolicy {
                id: der::oid::ObjectIdentifier::new_unwrap(id),
                digest: digest.clone(),
                uri: None,
            })
        };
        let approval = "proof-of-approval".parse().ok();
        for (said, met) in [
            (Statements::default(), false),
            (Statements { policy: policy("1.2.4"), commitment: approval, ..Statements::default() }, false),
            (Statements { policy: policy("1.2.3"), ..Statements::default() }, false),
            (Statements { policy: policy("1.2.3"), commitment: approval, ..Statements::default() }, true),
        ] {
            assert_eq!(unmet_policy(&wanted, &said).is_none(), met, "{said:?}");
        }
        let other = CertificateSeed { signature_policy_digest: Some(vec![0; 32]), ..wanted };
        let said = Statements { policy: policy("1.2.3"), commitment: approval, ..Statements::default() };
        assert!(unmet_policy(&other, &said).is_some());
    }
}
