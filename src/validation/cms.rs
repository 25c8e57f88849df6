//! What one SignedData proves about a digest, apart from trust.

use der::oid::ObjectIdentifier;

use super::{Message, words::Key};
use crate::{
    asn1::oid,
    base::{Digest, DigestAlgorithm, Limits},
    cms::{EssCertId, SignedData, SignerInfo},
    crypto::{self, CryptoError},
    tsp::{Token, TstInfo},
    x509::{Certificate, algorithm::SignatureScheme},
};

/// A failure, with what ETSI EN 319 102-1 calls it.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    /// TOTAL-FAILED rather than INDETERMINATE.
    pub(super) fatal: bool,
    pub(super) sub_indication: &'static str,
    pub(super) message: Message,
}

impl Finding {
    /// Leads to TOTAL-FAILED.
    pub(super) fn fatal(sub_indication: &'static str, message: Message) -> Self {
        Self { fatal: true, sub_indication, message }
    }

    /// Leads to INDETERMINATE.
    pub(super) fn open(sub_indication: &'static str, message: Message) -> Self {
        Self { fatal: false, sub_indication, message }
    }
}

/// The checks on one signer of one SignedData.
#[derive(Debug, Default)]
pub(super) struct Checked {
    pub(super) signer: Option<Certificate>,
    pub(super) scheme: Option<SignatureScheme>,
    /// How the content is hashed. Whether that and the scheme are good enough is asked with policy and time at hand.
    pub(super) digest: Option<DigestAlgorithm>,
    /// It does not say under protection which certificate made it, and need not.
    pub(super) unnamed: bool,
    pub(super) digest_matches: bool,
    pub(super) signature_matches: bool,
    pub(super) findings: Vec<Finding>,
}

/// What the signature must look like.
#[derive(Clone, Copy)]
pub(super) struct Profile {
    /// The content type that the attribute must name.
    pub(super) content_type: ObjectIdentifier,
    /// Whether signed attributes with a signing-certificate must be there.
    pub(super) attested: bool,
}

/// The signed content: its digest under the signer's algorithm, and, for a signature without signed attributes,
/// the bytes themselves if they are at hand.
pub(super) struct Content<'a> {
    pub(super) digest: Option<&'a Digest>,
    pub(super) bytes: Option<&'a [u8]>,
}

/// RFC 5652 section 5.6 and ETSI EN 319 122-1 section 5.2.2 on the one signer.
pub(super) fn check(
    data: &SignedData,
    signer: &SignerInfo,
    content: &Content<'_>,
    profile: Profile,
) -> Checked {
    let mut checked = Checked { digest: Some(signer.digest_algorithm), ..Checked::default() };
    let certificate = match data.signer_certificate() {
        Ok(Some(certificate)) => certificate.clone(),
        Ok(None) | Err(_) => {
            check_digest(&mut checked, signer, content);
            let message = Key::SigningCertificateNotFound.plain();
            checked.findings.push(Finding::open("NO_SIGNING_CERTIFICATE_FOUND", message));
            return checked;
        }
    };
    match signer.scheme() {
        Ok(scheme) => {
            checked.scheme = Some(scheme);
            check_agreement(&mut checked, signer, scheme);
            check_value(&mut checked, signer, scheme, &certificate, content, profile);
        }
        Err(unknown) => {
            check_digest(&mut checked, signer, content);
            let message = Key::AlgorithmUnsupported
                .message(format!("The signature algorithm cannot be used: {unknown}."));
            checked.findings.push(Finding::open("CRYPTO_CONSTRAINTS_FAILURE", message));
        }
    }
    check_attested(&mut checked, signer, &certificate, profile);
    checked.signer = Some(certificate);
    checked
}

/// RFC 8933 section 3: one digest for content and attributes; RFC 6211: the algorithms named under protection.
fn check_agreement(checked: &mut Checked, signer: &SignerInfo, scheme: SignatureScheme) {
    let what = if scheme.digest() != signer.digest_algorithm {
        format!("The content is hashed with {}, the signature is {}.", signer.digest_algorithm, scheme.name())
    } else if signer.protects_algorithms == Some(false) {
        "The signed attributes name other algorithms than the signature was made with.".to_owned()
    } else {
        return;
    };
    let message = Key::AlgorithmMismatch.message(what);
    checked.findings.push(Finding::open("SIG_CONSTRAINTS_FAILURE", message));
}

/// The digest in the attribute, and the signature value over the attributes (or over the content without them).
fn check_value(
    checked: &mut Checked,
    signer: &SignerInfo,
    scheme: SignatureScheme,
    certificate: &Certificate,
    content: &Content<'_>,
    profile: Profile,
) {
    let verify = |message: &[u8]| crypto::verify(certificate.spki_der(), scheme, message, &signer.signature);
    let outcome = if let Some(attributes) = &signer.signed_attributes {
        if signer.content_type != Some(profile.content_type) {
            let message =
                Key::FormatCms.message("The content-type attribute is missing or names another type.");
            checked.findings.push(Finding::fatal("FORMAT_FAILURE", message));
        }
        if signer.message_digest.is_none() {
            let message = Key::FormatCms.message("The message-digest attribute is missing.");
            checked.findings.push(Finding::fatal("FORMAT_FAILURE", message));
        }
        check_digest(checked, signer, content);
        verify(attributes)
    } else if let Some(bytes) = content.bytes {
        let outcome = verify(bytes);
        // Without attributes the value is over the content itself: both hold, or neither is known to.
        checked.digest_matches = outcome.is_ok();
        outcome
    } else {
        let message = Key::FormatTooCostly.message(
            "The signature has no signed attributes, and the file is too large to be checked in one piece.",
        );
        checked.findings.push(Finding::open("SIGNED_DATA_NOT_FOUND", message));
        return;
    };
    match outcome {
        Ok(()) => checked.signature_matches = true,
        Err(CryptoError::BadSignature) => {
            let message = Key::SignatureMismatch.plain();
            checked.findings.push(Finding::fatal("SIG_CRYPTO_FAILURE", message));
        }
        Err(error) => {
            let message =
                Key::AlgorithmUnsupported.message(format!("The signature cannot be checked: {error}."));
            checked.findings.push(Finding::open("CRYPTO_CONSTRAINTS_FAILURE", message));
        }
    }
}

/// signing-certificate binds the certificate to the signature (RFC 5035 section 5.4).
///
/// SHA-1 still binds here, since another certificate would have to be found for a given digest; MD5 is left to nothing.
fn check_attested(checked: &mut Checked, signer: &SignerInfo, certificate: &Certificate, profile: Profile) {
    let by_md5 = |id: &EssCertId| id.is_signer && id.digest.algorithm == DigestAlgorithm::Md5;
    if signer.signing_certificate.iter().any(by_md5) {
        let message = Key::AlgorithmWeak.message("The signature names its certificate by MD5.");
        checked.findings.push(Finding::open("CRYPTO_CONSTRAINTS_FAILURE", message));
    }
    match signer.attests(certificate) {
        Some(true) => {}
        Some(false) => {
            let message = Key::SigningCertificateMismatch.plain();
            checked.findings.push(Finding::open("NO_SIGNING_CERTIFICATE_FOUND", message));
        }
        None if profile.attested => {
            let message = Key::SigningCertificateAbsent.plain();
            checked.findings.push(Finding::open("SIG_CONSTRAINTS_FAILURE", message));
        }
        None => checked.unnamed = true,
    }
}

/// The message-digest attribute. Content that could not be hashed is no mismatch; whoever could not says why.
fn check_digest(checked: &mut Checked, signer: &SignerInfo, content: &Content<'_>) {
    let (Some(digest), Some(wanted)) = (content.digest, &signer.message_digest) else { return };
    checked.digest_matches = digest.algorithm == signer.digest_algorithm && digest.bytes == *wanted;
    if !checked.digest_matches {
        checked.findings.push(Finding::fatal("HASH_FAILURE", Key::DigestMismatch.plain()));
    }
}

/// A time-stamp token, checked apart from trust.
pub(super) struct CheckedToken {
    pub(super) info: TstInfo,
    pub(super) data: SignedData,
    pub(super) checked: Checked,
    /// The imprint is that of the thing stamped.
    pub(super) imprint_matches: bool,
}

impl CheckedToken {
    /// Whether token and thing belong together and the token's signature holds.
    pub(super) fn intact(&self) -> bool {
        self.imprint_matches
            && self.checked.digest_matches
            && self.checked.signature_matches
            && !self.checked.findings.iter().any(|finding| finding.fatal)
    }
}

/// When a time-stamp token says that the thing with this digest existed; its signature holds, whoever made it.
///
/// # Errors
///
/// A sentence, when it is no token, is over something else, or its signature is wrong.
pub fn time_stamp_holds(
    token: &[u8],
    imprint: &Digest,
    limits: &Limits,
) -> Result<crate::base::UtcTime, String> {
    let token =
        check_token(token, limits, |algorithm| (algorithm == imprint.algorithm).then(|| imprint.clone()))?;
    if !token.imprint_matches {
        return Err("it was made for something else".to_owned());
    }
    match token.checked.findings.first() {
        Some(finding) => Err(finding.message.message.clone()),
        None if token.intact() => Ok(token.info.gen_time),
        None => Err("its own signature does not hold".to_owned()),
    }
}

/// RFC 3161 section 2.4.2. `imprint` gives the digest of the thing stamped.
///
/// # Errors
///
/// A sentence, when it is no token with one signer.
pub(super) fn check_token(
    der: &[u8],
    limits: &Limits,
    imprint: impl FnOnce(DigestAlgorithm) -> Option<Digest>,
) -> Result<CheckedToken, String> {
    let token = Token::parse(der, limits).map_err(|error| error.to_string())?;
    let signer = token.signed_data.only_signer().map_err(|error| error.to_string())?;
    let digest = signer.digest_algorithm.digest(&token.tst_info_der);
    let content = Content { digest: Some(&digest), bytes: Some(&token.tst_info_der) };
    let profile = Profile { content_type: oid::TST_INFO, attested: true };
    let mut checked = check(&token.signed_data, signer, &content, profile);
    if token.signed_data.content_type != oid::TST_INFO || token.signed_data.content.is_none() {
        let message = Key::FormatCms.message("The time-stamp does not hold a TSTInfo.");
        checked.findings.push(Finding::fatal("FORMAT_FAILURE", message));
    }
    if signer.signed_attributes.is_none() {
        let message = Key::FormatCms.message("The time-stamp has no signed attributes.");
        checked.findings.push(Finding::fatal("FORMAT_FAILURE", message));
    }
    let imprint_matches =
        imprint(token.info.imprint.algorithm).is_some_and(|digest| digest == token.info.imprint);
    Ok(CheckedToken { info: token.info, data: token.signed_data, checked, imprint_matches })
}
