//! Whether a certificate may sign now, asked before anybody is asked for a PIN (TT 15/2025 article 5, points 1 and 8, and
//! annex II).
//!
//! Never signed with: a certificate that is expired, not yet valid, revoked, or of another key than the token's. What
//! the annex leaves open may be set aside: the usages that it names ([`crate::signing::Wishes::any_usage`]). That its
//! status cannot be found out is told to the signer, who decides.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use super::sign::{Identity, SignError, SigningDesk};
use crate::{
    base::{DigestAlgorithm, Limits, Sha256, UtcTime},
    fetch::{Errand, Fetcher, Wanted, certificates},
    ocsp::{self, CertId},
    signing::{self, SigningError},
    token::{KeySelector, Token, TokenPublicKey},
    trust::{Anchors, Assessment, Checks, Control, Court, Distrust, Lack, Purpose, StatusItem},
    validation::words::Language,
    x509::{Certificate, Crl, algorithm::SignatureScheme},
};

/// What the question rests on.
#[derive(Clone, Copy)]
pub struct SignerCheck<'a> {
    /// Whom to trust; may be empty.
    pub anchors: &'a Anchors,
    /// Asks for status and issuers; `None` to stay offline.
    pub fetcher: Option<&'a Fetcher>,
    /// For paths.
    pub limits: &'a Limits,
    /// The moment of signing.
    pub now: UtcTime,
    /// Sign although the certificate names other usages.
    pub any_usage: bool,
}

/// What the signer should know before going on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignerWarning {
    /// Whether it was revoked could not be found out.
    Status {
        /// Why not.
        reason: String,
    },
    /// It is not meant for signing, and was allowed all the same.
    Usage {
        /// What it says.
        reason: String,
    },
}

impl SignerWarning {
    /// In words.
    pub fn tell(&self, language: Language) -> String {
        match (self, language) {
            (Self::Status { reason }, Language::English) => {
                format!("it could not be checked whether the certificate is in good standing: {reason}")
            }
            (Self::Status { reason }, Language::Vietnamese) => {
                format!("chưa kiểm tra được tình trạng của chứng thư: {reason}")
            }
            (Self::Usage { reason }, Language::English) => {
                format!(
                    "the certificate is not meant for signing, and signs because it was asked to: {reason}"
                )
            }
            (Self::Usage { reason }, Language::Vietnamese) => {
                format!("chứng thư không dành cho việc ký, vẫn ký theo yêu cầu: {reason}")
            }
        }
    }
}

/// A certificate that may sign, by what was known when it was asked about: the receipt of a [`SignerCheck`]. Nothing else
/// can make one, and what signs many documents takes one for all of them.
#[derive(Clone, Debug)]
pub struct Cleared {
    certificate_sha256: Sha256,
    any_usage: bool,
    warnings: Vec<SignerWarning>,
}

impl Cleared {
    /// What the signer should know before going on.
    pub fn warnings(&self) -> &[SignerWarning] {
        &self.warnings
    }

    /// Whether this certificate was asked about.
    pub fn is_of(&self, certificate: &Certificate) -> bool {
        certificate.sha256() == self.certificate_sha256
    }

    /// Refuses it for another certificate than the one that was asked about, or for more than was let pass.
    ///
    /// # Errors
    ///
    /// [`SignError::Signing`].
    pub fn demand_for(&self, certificate: &Certificate, any_usage: bool) -> Result<(), SignError> {
        if !self.is_of(certificate) {
            return Err(refused("another one was asked about before signing".to_owned()));
        }
        if self.any_usage && !any_usage {
            signing::check_usage(certificate)?;
        }
        Ok(())
    }
}

impl SignerCheck<'_> {
    /// Refuses a certificate that may not sign; otherwise says what is not known. Blocks on the network.
    ///
    /// `chain`: certificates that may be its issuers. What they say against it counts, although nobody vouches for
    /// them: who refuses too much does no harm here.
    ///
    /// # Errors
    ///
    /// [`SignError::Signing`], and nothing was asked of any key.
    pub fn check(
        &self,
        certificate: &Certificate,
        chain: &[Certificate],
        scheme: SignatureScheme,
    ) -> Result<Cleared, SignError> {
        signing::check_signer(certificate, scheme, self.now)?;
        let mut warnings = Vec::new();
        match signing::check_usage(certificate) {
            Err(SigningError::Usage { reason }) if self.any_usage => {
                warnings.push(SignerWarning::Usage { reason });
            }
            outcome => outcome?,
        }
        match self.status(certificate, chain) {
            None => {}
            Some(Distrust::Revoked { at, authority: false, .. }) => {
                return Err(refused(format!("it was revoked at {at}")));
            }
            Some(revoked @ Distrust::Revoked { .. }) => return Err(refused(revoked.to_string())),
            Some(Distrust::Chain { fault, index: 0, .. }) if self.any_usage => {
                let reason = fault.to_string();
                if warnings.is_empty() {
                    warnings.push(SignerWarning::Usage { reason });
                }
            }
            Some(unknown) => warnings.push(SignerWarning::Status { reason: unknown.to_string() }),
        }
        let certificate_sha256 = certificate.sha256();
        Ok(Cleared { certificate_sha256, any_usage: self.any_usage, warnings })
    }

    /// What stands against relying on it; `None` when its status is known and good.
    fn status(&self, certificate: &Certificate, chain: &[Certificate]) -> Option<Distrust> {
        // An anchor of one's own making for those that travel with the signature, for what they say against it.
        let mut anchors = self.anchors.clone();
        let issued = |one: &&Certificate| one.basic_constraints().is_some_and(|(authority, _)| authority);
        let vouched = anchors.certificates.len();
        anchors.certificates.extend(chain.iter().filter(issued).cloned());
        let outcome = self.ask(certificate, chain, &anchors);
        match outcome {
            Some(distrust) => Some(distrust),
            None if vouched == anchors.certificates.len() => None,
            // Good, by the word of issuers that nobody vouches for: is it so by the anchors alone?
            None => self.ask(certificate, chain, self.anchors),
        }
    }

    fn ask(&self, certificate: &Certificate, chain: &[Certificate], anchors: &Anchors) -> Option<Distrust> {
        let mut pool = chain.to_vec();
        let (mut lists, mut answers): (Vec<Crl>, Vec<ocsp::Response>) = (Vec::new(), Vec::new());
        let mut asked = HashSet::new();
        let checks = Checks::default();
        let end = Instant::now() + PATIENCE;
        let mut last = None;
        for _ in 0..MAX_ROUNDS {
            let statuses: Vec<StatusItem<'_>> = lists
                .iter()
                .map(|list| StatusItem::crl(list, self.now))
                .chain(answers.iter().map(|answer| StatusItem::ocsp(answer, self.now)))
                .collect();
            let court = Court::new(anchors, &pool, &statuses, self.limits, &checks);
            let Assessment { outcome, lacks, .. } =
                court.judge(certificate, Purpose::Signing, Control::unproven(self.now));
            let distrust = outcome.err()?;
            // Those beyond are asked for in the next round, if they are still of use.
            let wanted = lacks.iter().flat_map(wanted).filter(|one| !asked.contains(one)).take(AT_ONCE);
            let wanted: Vec<Wanted> = wanted.collect();
            asked.extend(wanted.iter().cloned());
            let Some(fetcher) = self.fetcher.filter(|_| !wanted.is_empty() && Instant::now() < end) else {
                return Some(distrust);
            };
            last = Some(distrust);
            for one in wanted {
                let errand = Errand { until: Some(end), ..Errand::default() };
                match (&one, fetcher.bring(&one, &errand)) {
                    (Wanted::Crl { .. }, Ok(brought)) => lists.extend(Crl::from_der(&brought.bytes)),
                    (Wanted::Issuer { .. }, Ok(brought)) => {
                        pool.extend(certificates(&brought.bytes).into_iter().take(MAX_CERTIFICATES));
                    }
                    (Wanted::Ocsp { .. }, Ok(brought)) => {
                        answers.extend(ocsp::Response::parse(&brought.bytes));
                    }
                    (_, Err(error)) => tracing::info!(%error, "evidence could not be brought"),
                }
            }
        }
        last
    }
}

/// Refuses a signer whose certificate may not sign, by what a desk trusts and whom it may ask; what is not known goes
/// into the log. For signers that nobody sits before. Blocks on the network.
///
/// # Errors
///
/// As [`SignerCheck::check`].
pub fn demand(desk: &SigningDesk, signer: &Identity, any_usage: bool) -> Result<Cleared, SignError> {
    let check = SignerCheck {
        anchors: &desk.anchors,
        fetcher: desk.online.then_some(&*desk.fetcher),
        limits: &desk.limits,
        now: desk.clock.now(),
        any_usage,
    };
    let cleared = check.check(&signer.certificate, &signer.chain, signer.scheme)?;
    for warning in cleared.warnings() {
        tracing::warn!(signer = %signer.certificate.subject(), "{}", warning.tell(Language::English));
    }
    Ok(cleared)
}

fn wanted(lack: &Lack) -> Vec<Wanted> {
    match lack {
        Lack::Issuer { of } => of.issuer_urls().into_iter().map(|url| Wanted::Issuer { url }).collect(),
        Lack::ListSigner { urls } => urls.iter().map(|url| Wanted::Issuer { url: url.clone() }).collect(),
        Lack::Status { of, issuer } => {
            // SHA-1 here only names the issuer, and is the one digest that every responder knows (RFC 5019).
            let id = CertId::new(of, issuer, DigestAlgorithm::Sha1);
            let request = ocsp::Request { cert_ids: vec![id], nonce: None }.to_der();
            let answers = of.ocsp_urls().into_iter();
            let answers = answers.map(|url| Wanted::Ocsp { url, request: request.clone() });
            answers.chain(of.crl_urls().into_iter().map(|url| Wanted::Crl { url })).collect()
        }
    }
}

/// Refuses a certificate of another key than the token's, as far as the token shows the public half.
///
/// # Errors
///
/// [`SignError::Signing`] when the keys differ, [`SignError::Token`] when the token does not answer.
pub fn demand_own_key(token: &Token, key: &KeySelector, certificate: &Certificate) -> Result<(), SignError> {
    let shown = token.public_keys()?;
    let names = |held: &&TokenPublicKey| match key {
        KeySelector::Id(id) => held.id == *id,
        KeySelector::Label(label) => held.label == *label,
    };
    let fitting: Vec<&TokenPublicKey> = shown.iter().filter(names).collect();
    // Several of one name, or none: only the signature will tell, and it is checked before it is used.
    let [only] = fitting.as_slice() else { return Ok(()) };
    match only.is_of(certificate.spki_der()) {
        Some(false) => Err(refused(format!("it is the certificate of another key than {key} on the token"))),
        Some(true) | None => Ok(()),
    }
}

fn refused(reason: String) -> SignError {
    SigningError::Certificate { reason }.into()
}

/// An issuer and a status for each certificate of a path of six.
const MAX_ROUNDS: usize = 8;

/// Addresses asked in one round.
const AT_ONCE: usize = 4;

/// Certificates taken from one address.
const MAX_CERTIFICATES: usize = 8;

/// How long somebody waits before being asked for the PIN.
const PATIENCE: Duration = Duration::from_secs(20);
