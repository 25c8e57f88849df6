//! A certification authority in memory: certificates, revocation lists (RFC 5280 section 5), OCSP (RFC 6960).

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::SignedDuration;

use super::{
    KeyAlgorithm, PkiError, SigningKey,
    certificate::{Holder, Places, Profile, ToBeSigned, authority_key_identifier, extension, is_sound, name},
};
use crate::{
    asn1::{Tag, oid, write},
    base::{Chance, UtcTime},
    ocsp::{self, CertId, CertStatus, ResponderId, ResponseData, SingleResponse},
    x509::{Certificate, Revoked, algorithm::key_kind},
};

/// A CA and its OCSP responder.
pub struct CertificateAuthority {
    /// In file names and addresses: `root`, `ca`.
    slug: String,
    key: SigningKey,
    certificate: Certificate,
    responder: (SigningKey, Certificate),
    places: Option<Places>,
    chance: Chance,
    /// Serial numbers given out, and what became of them.
    issued: Mutex<BTreeMap<Vec<u8>, Option<Revoked>>>,
}

/// What a CA's own certificate says, and where the CA publishes.
#[derive(Clone, Copy, Debug)]
pub struct AuthorityRequest<'a> {
    /// In file names and addresses: `root`, `ca`.
    pub slug: &'a str,
    /// commonName.
    pub common_name: &'a str,
    /// What its key is made of.
    pub algorithm: KeyAlgorithm,
    /// From when on.
    pub not_before: UtcTime,
    /// Until when.
    pub not_after: UtcTime,
    /// `http://host:port`, under which `/ocsp`, `/ca/…` and `/crl/…` lie; with `None`, certificates name no address.
    pub base_url: Option<&'a str>,
}

/// What a certificate shall say.
#[derive(Clone, Copy, Debug)]
pub struct CertificateRequest<'a> {
    /// For whom.
    pub holder: &'a Holder,
    /// The public key, a SubjectPublicKeyInfo.
    pub spki_der: &'a [u8],
    /// What for.
    pub profile: Profile,
    /// From when on.
    pub not_before: UtcTime,
    /// Until when.
    pub not_after: UtcTime,
}

impl CertificateAuthority {
    /// A root, which signs its own certificate.
    ///
    /// # Errors
    ///
    /// When no key can be made.
    pub fn root(request: &AuthorityRequest<'_>, chance: &Chance) -> Result<Self, PkiError> {
        let key = SigningKey::generate(request.algorithm)?;
        let subject = authority_name(request.common_name);
        let serial = serial(chance);
        let certificate = sign_certificate(
            &ToBeSigned {
                serial: &serial,
                algorithm: &key.scheme().to_identifier(),
                issuer: &subject,
                not_before: request.not_before,
                not_after: request.not_after,
                subject: &subject,
                spki: key.spki_der(),
                issuer_spki: key.spki_der(),
                profile: Profile::Authority { path_len: None },
                email: None,
                places: None,
            },
            &key,
        )?;
        Self::with_responder(request, key, certificate, chance)
    }

    /// A CA below this one.
    ///
    /// # Errors
    ///
    /// When no key can be made.
    pub fn subordinate(&self, request: &AuthorityRequest<'_>, profile: Profile) -> Result<Self, PkiError> {
        let key = SigningKey::generate(request.algorithm)?;
        let subject = authority_name(request.common_name);
        let certificate =
            self.certify(&subject, key.spki_der(), profile, request.not_before, request.not_after, None)?;
        Self::with_responder(request, key, certificate, &self.chance)
    }

    fn with_responder(
        request: &AuthorityRequest<'_>,
        key: SigningKey,
        certificate: Certificate,
        chance: &Chance,
    ) -> Result<Self, PkiError> {
        let slug = request.slug;
        let responder_key = SigningKey::generate(KeyAlgorithm::EcP256)?;
        let mut authority = Self {
            slug: slug.to_owned(),
            key,
            responder: (SigningKey::from_pkcs8(responder_key.pkcs8_der())?, certificate.clone()),
            certificate,
            places: request.base_url.map(|base| Places {
                ocsp: format!("{base}/ocsp"),
                issuer: format!("{base}/ca/{slug}.cer"),
                crl: format!("{base}/crl/{slug}.crl"),
            }),
            chance: chance.clone(),
            issued: Mutex::default(),
        };
        let subject = authority_name(&format!("OCSP của {}", request.common_name));
        let responder = authority.certify(
            &subject,
            responder_key.spki_der(),
            Profile::OcspResponder,
            request.not_before,
            request.not_after,
            None,
        )?;
        authority.responder = (responder_key, responder);
        Ok(authority)
    }

    /// In file names and addresses: `root`, `ca`.
    pub fn slug(&self) -> &str {
        &self.slug
    }

    /// The CA's own certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The CA's key.
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// The key and the certificate that sign its OCSP answers.
    pub fn responder(&self) -> (&SigningKey, &Certificate) {
        (&self.responder.0, &self.responder.1)
    }

    /// Issues a certificate.
    ///
    /// # Errors
    ///
    /// When the name or the public key cannot stand in a certificate.
    pub fn issue(&self, request: &CertificateRequest<'_>) -> Result<Certificate, PkiError> {
        if key_kind(request.spki_der).is_err() {
            return Err(PkiError::Key { reason: "not a public key of RSA or of a known curve" });
        }
        let email = request.holder.email.as_deref();
        let CertificateRequest { profile, not_before, not_after, .. } = *request;
        self.certify(&request.holder.subject(), request.spki_der, profile, not_before, not_after, email)
    }

    fn certify(
        &self,
        subject: &[u8],
        spki: &[u8],
        profile: Profile,
        not_before: UtcTime,
        not_after: UtcTime,
        email: Option<&str>,
    ) -> Result<Certificate, PkiError> {
        if email.is_some_and(|email| !email.is_ascii()) || !is_sound(subject) {
            return Err(PkiError::Name);
        }
        let serial = serial(&self.chance);
        let certificate = sign_certificate(
            &ToBeSigned {
                serial: &serial,
                algorithm: &self.key.scheme().to_identifier(),
                issuer: self.certificate.subject().der(),
                not_before,
                not_after,
                subject,
                spki,
                issuer_spki: self.key.spki_der(),
                profile,
                email,
                places: self.places.as_ref(),
            },
            &self.key,
        )?;
        self.records().insert(serial, None);
        Ok(certificate)
    }

    /// Revokes a certificate from `at` on; `reason` is a CRLReason code (RFC 5280 section 5.3.1).
    ///
    /// # Errors
    ///
    /// When this CA did not issue the serial number (content octets).
    pub fn revoke(&self, serial: &[u8], at: UtcTime, reason: Option<u8>) -> Result<(), PkiError> {
        match self.records().get_mut(serial) {
            Some(record) => *record = Some(Revoked { at, reason }),
            None => return Err(PkiError::NotIssued { serial: hex::encode(serial) }),
        }
        Ok(())
    }

    /// The revocation list as of `this_update`: revocations later than that are not on it.
    ///
    /// ```text
    /// TBSCertList ::= SEQUENCE {
    ///     version INTEGER { v2(1) }, signature AlgorithmIdentifier, issuer Name, thisUpdate Time, nextUpdate Time,
    ///     revokedCertificates SEQUENCE OF SEQUENCE {
    ///         userCertificate INTEGER, revocationDate Time, crlEntryExtensions Extensions OPTIONAL } OPTIONAL,
    ///     crlExtensions [0] EXPLICIT Extensions }
    /// ```
    ///
    /// # Errors
    ///
    /// When the signature cannot be made.
    pub fn crl(&self, this_update: UtcTime, next_update: UtcTime) -> Result<Vec<u8>, PkiError> {
        let entries: Vec<Vec<u8>> = self
            .records()
            .iter()
            .filter_map(|(serial, record)| {
                Some((serial, record.filter(|revoked| revoked.at <= this_update)?))
            })
            .map(|(serial, revoked)| crl_entry(serial, revoked))
            .collect();
        let number = u64::try_from(this_update.as_second()).unwrap_or_default();
        let extensions = write::sequence([
            extension(oid::AUTHORITY_KEY_IDENTIFIER, false, &authority_key_identifier(self.key.spki_der())),
            extension(oid::CRL_NUMBER, false, &write::unsigned(&number.to_be_bytes())),
        ]);
        let algorithm = self.key.scheme().to_identifier();
        let to_be_signed = write::sequence([
            write::unsigned(&[1]),
            algorithm.clone(),
            self.certificate.subject().der().to_vec(),
            write::time(this_update),
            write::time(next_update),
            if entries.is_empty() { Vec::new() } else { write::sequence(entries) },
            write::value(Tag::context(0), &extensions),
        ]);
        let signature = self.key.sign(&to_be_signed)?;
        Ok(write::sequence([to_be_signed, algorithm, write::bit_string(&signature)]))
    }

    /// Whether all of a request's names are of this CA.
    pub fn answers_for(&self, request: &ocsp::Request) -> bool {
        request.cert_ids.iter().all(|cert_id| cert_id.names_issuer(&self.certificate))
    }

    /// The OCSP answer at `now`, good for `life`. Serial numbers never given out are `unknown`.
    ///
    /// # Errors
    ///
    /// When the signature cannot be made.
    pub fn ocsp(
        &self,
        request: &ocsp::Request,
        now: UtcTime,
        life: SignedDuration,
    ) -> Result<Vec<u8>, PkiError> {
        let next_update = now.checked_add(life).ok();
        let singles: Vec<SingleResponse> = request
            .cert_ids
            .iter()
            .map(|cert_id| SingleResponse {
                cert_id: cert_id.clone(),
                status: self.status(cert_id, now),
                this_update: now,
                next_update,
                archive_cutoff: None,
            })
            .collect();
        let (key, certificate) = &self.responder;
        let data = ResponseData {
            responder_id: ResponderId::of_key(certificate),
            produced_at: now,
            singles: &singles,
            nonce: request.nonce.as_deref(),
        }
        .to_der();
        let signature = key.sign(&data)?;
        let certificates = std::slice::from_ref(certificate);
        Ok(ocsp::successful_response(&data, &key.scheme().to_identifier(), &signature, certificates))
    }

    fn status(&self, cert_id: &CertId, now: UtcTime) -> CertStatus {
        match self.records().get(&cert_id.serial) {
            None => CertStatus::Unknown,
            Some(Some(Revoked { at, reason })) if *at <= now => {
                CertStatus::Revoked { at: *at, reason: *reason }
            }
            Some(_) => CertStatus::Good,
        }
    }

    fn records(&self) -> MutexGuard<'_, BTreeMap<Vec<u8>, Option<Revoked>>> {
        self.issued.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for CertificateAuthority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CertificateAuthority({})", self.slug)
    }
}

fn crl_entry(serial: &[u8], revoked: Revoked) -> Vec<u8> {
    let reason = revoked.reason.map(|code| {
        write::sequence([extension(oid::REASON_CODE, false, &write::value(Tag::ENUMERATED, &[code]))])
    });
    write::sequence([write::value(Tag::INTEGER, serial), write::time(revoked.at), reason.unwrap_or_default()])
}

fn sign_certificate(to_be_signed: &ToBeSigned<'_>, key: &SigningKey) -> Result<Certificate, PkiError> {
    let tbs = to_be_signed.to_der();
    let signature = key.sign(&tbs)?;
    let der = write::sequence([&tbs[..], to_be_signed.algorithm, &write::bit_string(&signature)]);
    Ok(Certificate::from_der(&der)?)
}

fn authority_name(common_name: &str) -> Vec<u8> {
    name(&[(oid::ORGANIZATION_NAME, "Ban thử nghiệm kyso"), (oid::COMMON_NAME, common_name)])
}

/// 16 random octets, positive and in their shortest form (RFC 5280 section 4.1.2.2).
fn serial(chance: &Chance) -> Vec<u8> {
    let mut serial = chance.bytes::<16>();
    serial[0] = serial[0] & 0x7F | 0x40;
    serial.to_vec()
}
