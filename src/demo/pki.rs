//! A whole public-key infrastructure in memory: root, CA, OCSP responders, revocation lists, time-stamp authority.
//!
//! Shaped like the hierarchy of public-duty certificates, and real in every part: keys, encodings and signatures are
//! what other software expects. Only the names say that it is a test.
//!
//! - [`DemoPki`] is the thing itself, for tests and for the story.
//! - [`DemoServices`] puts it on the network, on this machine only.
//! - [`test_set`] writes the certificates of `certs-test/`.

mod authority;
mod certificate;
mod key;
mod services;
pub mod test_set;
mod time_stamp;

use jiff::{SignedDuration, ToSpan, tz::TimeZone};

use crate::{
    base::{Chance, Clock, UtcTime},
    ocsp::{self, ResponseStatus},
    trust::Anchors,
    x509::{Certificate, X509Error},
};

pub use authority::{AuthorityRequest, CertificateAuthority, CertificateRequest};
pub use certificate::{Holder, Profile};
pub use key::{KeyAlgorithm, SigningKey};
pub use services::{DemoServices, ServiceError};
pub use time_stamp::TimeStampAuthority;

/// A root (ECDSA P-384), a CA below it (RSA-3072), their OCSP responders, and a time-stamp authority (RSA-2048).
#[derive(Debug)]
pub struct DemoPki {
    root: CertificateAuthority,
    ca: CertificateAuthority,
    tsa: TimeStampAuthority,
    clock: Clock,
}

impl DemoPki {
    /// A fresh one whose certificates name no address: the caller hands CRLs and OCSP answers about.
    ///
    /// # Errors
    ///
    /// When no keys can be made.
    pub fn new(clock: Clock, chance: Chance) -> Result<Self, PkiError> {
        Self::make(clock, chance, None)
    }

    /// A fresh one whose certificates point at `base_url`, such as `http://127.0.0.1:8080`: OCSP at `/ocsp`, lists at
    /// `/crl/root.crl` and `/crl/ca.crl`, CA certificates at `/ca/root.cer` and `/ca/ca.cer`.
    ///
    /// # Errors
    ///
    /// When no keys can be made.
    pub fn published_at(base_url: &str, clock: Clock, chance: Chance) -> Result<Self, PkiError> {
        Self::make(clock, chance, Some(base_url))
    }

    fn make(clock: Clock, chance: Chance, base_url: Option<&str>) -> Result<Self, PkiError> {
        let now = clock.now();
        let not_before = now - HEAD_START * 24;
        let root = AuthorityRequest {
            slug: "root",
            common_name: "RootCA thử nghiệm kyso",
            algorithm: KeyAlgorithm::EcP384,
            not_before,
            not_after: years_after(now, 20),
            base_url,
        };
        let ca = AuthorityRequest {
            slug: "ca",
            common_name: "CA thử nghiệm phục vụ các cơ quan Nhà nước",
            algorithm: KeyAlgorithm::Rsa3072,
            not_after: years_after(now, 10),
            ..root
        };
        let root = CertificateAuthority::root(&root, &chance)?;
        let ca = root.subordinate(&ca, Profile::Authority { path_len: Some(0) })?;
        let tsa_key = SigningKey::generate(KeyAlgorithm::Rsa2048)?;
        let tsa = ca.issue(&CertificateRequest {
            holder: &Holder::new("Dấu thời gian thử nghiệm kyso").of("Ban thử nghiệm kyso", "Hà Nội"),
            spki_der: tsa_key.spki_der(),
            profile: Profile::TimeStamping,
            not_before,
            not_after: years_after(now, 8),
        })?;
        let tsa = TimeStampAuthority::new(tsa_key, tsa, vec![ca.certificate().clone()], clock, chance);
        Ok(Self { root, ca, tsa, clock })
    }

    /// The root.
    pub fn root(&self) -> &CertificateAuthority {
        &self.root
    }

    /// The CA that certifies persons and agencies.
    pub fn ca(&self) -> &CertificateAuthority {
        &self.ca
    }

    /// The time-stamp authority.
    pub fn tsa(&self) -> &TimeStampAuthority {
        &self.tsa
    }

    /// The root as the one trust anchor.
    pub fn anchors(&self) -> Anchors {
        Anchors::new("kyso demo", vec![self.root.certificate().clone()])
    }

    /// What stands between a signer and the root.
    pub fn chain(&self) -> Vec<Certificate> {
        vec![self.ca.certificate().clone()]
    }

    /// Certifies a person's key for three years from an hour ago.
    ///
    /// # Errors
    ///
    /// When `spki_der` is no SubjectPublicKeyInfo, or the name cannot stand in a certificate.
    pub fn issue_person(&self, spki_der: &[u8], person: &Holder) -> Result<Certificate, PkiError> {
        self.issue_for_years(3, spki_der, person)
    }

    /// Certifies an agency's key for five years from an hour ago.
    ///
    /// # Errors
    ///
    /// As [`DemoPki::issue_person`].
    pub fn issue_agency(&self, spki_der: &[u8], agency: &Holder) -> Result<Certificate, PkiError> {
        self.issue_for_years(5, spki_der, agency)
    }

    fn issue_for_years(&self, years: i8, spki_der: &[u8], holder: &Holder) -> Result<Certificate, PkiError> {
        let not_before = self.clock.now() - HEAD_START;
        let not_after = years_after(not_before, years);
        let profile = Profile::Signer;
        self.ca.issue(&CertificateRequest { holder, spki_der, profile, not_before, not_after })
    }

    /// Revokes a certificate of the CA from `at` on; `serial` as [`Certificate::serial`] gives it, `reason` a CRLReason
    /// code (RFC 5280 section 5.3.1).
    ///
    /// # Errors
    ///
    /// When the CA did not issue it.
    pub fn revoke(&self, serial: &[u8], at: UtcTime, reason: Option<u8>) -> Result<(), PkiError> {
        self.ca.revoke(serial, at, reason)
    }

    /// The present revocation list of `root` or `ca`, good for a day; `None` for another name.
    ///
    /// # Errors
    ///
    /// When the signature cannot be made.
    pub fn crl(&self, slug: &str) -> Option<Result<Vec<u8>, PkiError>> {
        let now = self.clock.now();
        Some(self.authority(slug)?.crl(now, now + CRL_LIFE))
    }

    /// The CA called `root` or `ca`.
    pub fn authority(&self, slug: &str) -> Option<&CertificateAuthority> {
        [&self.root, &self.ca].into_iter().find(|authority| authority.slug() == slug)
    }

    /// The OCSPResponse to an OCSPRequest, whatever came in; good for an hour.
    pub fn ocsp(&self, request: &[u8]) -> Vec<u8> {
        let Ok(request) = ocsp::Request::parse(request) else {
            return ocsp::error_response(ResponseStatus::MalformedRequest);
        };
        let Some(authority) = [&self.ca, &self.root].into_iter().find(|ca| ca.answers_for(&request)) else {
            return ocsp::error_response(ResponseStatus::Unauthorized);
        };
        authority
            .ocsp(&request, self.clock.now(), OCSP_LIFE)
            .unwrap_or_else(|_| ocsp::error_response(ResponseStatus::InternalError))
    }

    /// The TimeStampResp to a TimeStampReq, whatever came in.
    pub fn time_stamp(&self, request: &[u8]) -> Vec<u8> {
        self.tsa.answer(request)
    }
}

/// Why the demo PKI could not do something.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PkiError {
    /// A certificate that it made itself cannot be read.
    #[error("the certificate that was made cannot be read")]
    Certificate(#[from] X509Error),
    /// A file could not be written.
    #[error("{path} could not be written")]
    File {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A key could not be made, read or used.
    #[error("the key: {reason}")]
    Key {
        /// What was wrong.
        reason: &'static str,
    },
    /// An e-mail address with letters outside ASCII, or a name that no certificate can hold.
    #[error("the name or e-mail address cannot stand in a certificate")]
    Name,
    /// A serial number of nobody.
    #[error("no certificate with serial number {serial} was issued here")]
    NotIssued {
        /// In hexadecimal.
        serial: String,
    },
}

/// The same day and hour `years` later (or earlier), in UTC; the end of time where there is none.
fn years_after(moment: UtcTime, years: i8) -> UtcTime {
    let later = TimeZone::UTC.to_datetime(moment).checked_add(i64::from(years).years());
    later.and_then(|later| TimeZone::UTC.to_timestamp(later)).unwrap_or(UtcTime::MAX)
}

/// How long before its making a certificate is valid: other machines' clocks may be slow.
const HEAD_START: SignedDuration = SignedDuration::from_hours(1);

const CRL_LIFE: SignedDuration = SignedDuration::from_hours(24);

const OCSP_LIFE: SignedDuration = SignedDuration::from_hours(1);
