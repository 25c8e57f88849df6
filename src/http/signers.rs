//! The keys that the server signs with. A token that is away at the start is looked for again when it is needed.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    appearance::Picture,
    config::{self, SignerKind},
    dispatch::Role,
    people::AgencyCode,
    service::{
        HeldKey, HeldKeys,
        sign::{Identity, SchemeWish, SignError, Signer, SigningDesk},
        signer_check::{demand, demand_own_key},
    },
    token::{KeySelector, LastTry, Token, TokenError, pin_source::PinSource},
    x509::certificates_from_pem,
};

/// The keys by the name that requests use.
#[derive(Default)]
pub struct Signers(BTreeMap<String, Place>);

/// A key that is at hand, or the way to it.
struct Place {
    agency: AgencyCode,
    settings: Option<config::Signer>,
    /// Held while a token is opened, so that two requests do not spend two tries of a PIN.
    held: Mutex<Option<HeldKey>>,
}

impl Signers {
    /// Keys that are at hand already.
    pub fn held(keys: HeldKeys) -> Self {
        let place =
            |key: HeldKey| Place { agency: key.agency.clone(), settings: None, held: Mutex::new(Some(key)) };
        Self(keys.into_iter().map(|(name, key)| (name, place(key))).collect())
    }

    /// Keys as configured. No token is touched yet: see [`Signers::open`].
    ///
    /// # Errors
    ///
    /// When an agency code or a key name cannot be read.
    pub fn configured(settings: Vec<config::Signer>) -> Result<Self, SignerError> {
        let mut places = BTreeMap::new();
        for signer in settings {
            let unusable = |reason: String| SignerError { name: signer.name.clone(), reason };
            let agency = signer.agency.parse::<AgencyCode>().map_err(|error| unusable(error.to_string()))?;
            signer.key.parse::<KeySelector>().map_err(unusable)?;
            let name = signer.name.clone();
            places.insert(name, Place { agency, settings: Some(signer), held: Mutex::new(None) });
        }
        Ok(Self(places))
    }

    /// Every name, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether there is such a key for this agency.
    pub fn has(&self, name: &str, agency: &AgencyCode) -> bool {
        self.0.get(name).is_some_and(|place| place.agency == *agency)
    }

    /// The key, opened where it is not yet: that waits for a token, so call it on a blocking thread.
    ///
    /// A certificate that may not sign, by what `desk` trusts and whom it may ask, is refused before the PIN is sent to
    /// the token, as far as it can be seen before. `any_usage` lets one pass that names no usage which fits.
    ///
    /// # Errors
    ///
    /// `None` when there is no such name; else what stands against the certificate, or what the token said.
    pub fn open(
        &self,
        name: &str,
        desk: &SigningDesk,
        any_usage: bool,
    ) -> Option<Result<HeldKey, SignError>> {
        let place = self.0.get(name)?;
        let mut held = place.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = &*held {
            return Some(Ok(key.clone()));
        }
        let opened = place.settings.as_ref()?;
        Some(open(opened, &place.agency, desk, any_usage).inspect(|key| *held = Some(key.clone())))
    }

    /// Whether the key's token answers now: on a blocking thread.
    ///
    /// # Errors
    ///
    /// As [`Signers::open`].
    pub fn check(&self, name: &str, desk: &SigningDesk) -> Option<Result<(), SignError>> {
        let ask = |key: HeldKey| key.signer.token.info().map(drop).map_err(SignError::from);
        Some(self.open(name, desk, false)?.and_then(ask))
    }
}

fn open(
    settings: &config::Signer,
    agency: &AgencyCode,
    desk: &SigningDesk,
    any_usage: bool,
) -> Result<HeldKey, SignError> {
    let key: KeySelector = settings.key.parse().map_err(|reason| unusable("the key's name", reason))?;
    let mut given = settings.certificate.iter().chain(&settings.chain).map(certificates);
    let own = match &settings.certificate {
        Some(_) => given.next().transpose()?.unwrap_or_default(),
        None => Vec::new(),
    };
    let (certificate, mut chain) = match own.split_first() {
        Some((first, rest)) => (Some(first.clone()), rest.to_vec()),
        None => (None, Vec::new()),
    };
    for more in given {
        chain.extend(more?);
    }

    let token = Token::open(&settings.module(), &settings.selector())?;
    let wish = SchemeWish::default();
    // Certificates are public objects on most tokens; where they are not, they show after the login.
    let shown = match &certificate {
        Some(certificate) => Some(certificate.clone()),
        None => Signer::new(token.clone(), key.clone(), None, Vec::new(), wish)
            .ok()
            .map(|signer| signer.certificate),
    };
    if let Some(shown) = shown {
        demand_own_key(&token, &key, &shown)?;
        demand(desk, &Identity::new(shown, chain.clone(), wish)?, any_usage)?;
    }
    let pin = PinSource::File(settings.pin_file.clone()).read()?;
    token.login_and_keep(pin, LastTry::Refuse)?;
    token.sign_in_sessions(settings.sessions);
    let signer = Signer::new(token, key, certificate, chain, wish)?;
    let role = match settings.kind {
        SignerKind::Agency => Role::Issue,
        SignerKind::Person => Role::Approve,
    };
    let picture = settings.picture.as_deref().map(picture).transpose()?;
    Ok(HeldKey { agency: agency.clone(), role, signer: Arc::new(signer), picture })
}

fn picture(file: &Path) -> Result<Arc<Picture>, SignError> {
    let what = || format!("the picture {}", file.display());
    let bytes = std::fs::read(file).map_err(|error| unusable(what(), error.to_string()))?;
    Ok(Arc::new(Picture::read(&bytes).map_err(|error| unusable(what(), error.to_string()))?))
}

fn certificates(file: &std::path::PathBuf) -> Result<Vec<crate::x509::Certificate>, SignError> {
    let what = || format!("the certificate file {}", file.display());
    let bytes = std::fs::read(file).map_err(|error| unusable(what(), error.to_string()))?;
    certificates_from_pem(&bytes).map_err(|error| unusable(what(), error.to_string()))
}

fn unusable(what: impl Into<String>, reason: String) -> SignError {
    TokenError::Unusable { what: what.into(), reason }.into()
}

/// A `[[signer]]` entry that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the [[signer]] {name} cannot be used: {reason}")]
pub struct SignerError {
    /// Its name.
    pub name: String,
    /// Why.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::{Chance, Clock, Limits},
        fetch::Fetcher,
        trust::Anchors,
        validation::Policy,
    };

    fn settings() -> config::Signer {
        config::Signer {
            name: "chu-tich".to_owned(),
            module: "/nowhere/driver.so".to_owned(),
            token: "none".to_owned(),
            key: "sign".to_owned(),
            certificate: None,
            chain: Vec::new(),
            picture: None,
            pin_file: "/nowhere/pin".into(),
            sessions: std::num::NonZero::<usize>::MIN,
            kind: SignerKind::Person,
            agency: "H99".to_owned(),
        }
    }

    #[test]
    fn a_token_that_is_away_is_said_when_it_is_asked_for() {
        let signers = Signers::configured(vec![settings()]).unwrap();
        assert!(signers.has("chu-tich", &"H99".parse().unwrap()));
        assert!(!signers.has("chu-tich", &"H98".parse().unwrap()));
        let desk = SigningDesk {
            clock: Clock::System,
            chance: Chance::system(),
            limits: Limits::default(),
            fetcher: Arc::new(Fetcher::new()),
            time_stamping: None,
            anchors: Anchors::default(),
            policy: Policy::strict(),
            online: false,
            known: Arc::default(),
        };
        assert!(signers.open("nobody", &desk, false).is_none());
        assert!(matches!(signers.open("chu-tich", &desk, false), Some(Err(SignError::Token(_)))));
        assert!(signers.check("chu-tich", &desk).unwrap().is_err());
    }

    #[test]
    fn an_entry_that_cannot_be_used_is_named() {
        let error = Signers::configured(vec![config::Signer { agency: "??".to_owned(), ..settings() }]);
        assert_eq!(error.err().unwrap().name, "chu-tich");
        let error = Signers::configured(vec![config::Signer { key: "hex:zz".to_owned(), ..settings() }]);
        assert!(error.err().unwrap().reason.contains("hexadecimal"));
    }
}
