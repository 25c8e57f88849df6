//! The worker's side: finding tokens, logging in, signing, and coming back after an unplugging.
//!
//! Everything here runs on the module's one thread. Rules that must hold:
//!
//! - one `C_Login` for one request, and none with a PIN that this token refused before;
//! - the flags are read right before each login, the automatic ones and the one inside a signature included;
//! - one anchor session for each open token, since closing the last session logs out.

mod files;
mod objects;

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    sync::Arc,
};

use cryptoki::{
    context::{Function, Pkcs11},
    error::{Error as CryptokiError, RvError},
    mechanism::MechanismType,
    object::{Attribute, AttributeType, CertificateType, ObjectClass, ObjectHandle},
    session::{Session, SessionState, UserType},
    slot::Slot,
    types::RawAuthPin,
};

use objects::optional;
pub(super) use objects::private_keys;

use super::{
    KeySelector, LastTry, Module, TokenInfo, TokenKey, TokenPublicKey, TokenSelector,
    error::{TokenError, TriesLeft, code_name, means_gone},
    lanes::Loan,
    mechanism::Operation,
    module::Loaded,
    pin::{Mark, Marker},
    raw::SignFailure,
    worker::{Progress, Served},
};
use crate::base::{Chance, Pin};

/// What tells a token from others, wherever it is plugged in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct TokenKeyName {
    /// The folder, for the built-in token.
    pub(super) folder: Option<PathBuf>,
    pub(super) label: String,
    pub(super) serial: String,
    /// Only where label and serial fit several tokens at once.
    pub(super) slot: Option<u64>,
}

/// A module and what is open on it.
pub(super) struct Driver {
    module: Module,
    progress: Arc<Progress>,
    loaded: Option<Loaded>,
    /// The slots of the built-in token, by database file.
    files: BTreeMap<PathBuf, u64>,
    /// The database files that the built-in token was asked to open, in that order.
    asked: Vec<PathBuf>,
    open: HashMap<TokenKeyName, Open>,
    /// Marks of the PINs that a token refused. They outlive the handles.
    refused: HashMap<TokenKeyName, Vec<Mark>>,
    marker: Marker,
}

/// A token that somebody has a handle on.
#[derive(Default)]
struct Open {
    handles: usize,
    anchor: Option<Anchor>,
    /// Somebody logged in with the right PIN, and nobody has logged out; the token may be away meanwhile.
    entered: Option<Mark>,
    /// Held for keys that want it each time, and for coming back.
    kept: Option<Pin>,
}

/// The session that holds the login.
struct Anchor {
    slot: Slot,
    session: Session,
    logged_in: bool,
    keys: HashMap<KeySelector, (ObjectHandle, TokenKey)>,
}

impl Served for Driver {
    fn after_crash(&mut self) {
        self.forget_sessions();
    }
}

impl Driver {
    pub(super) fn new(module: Module, progress: Arc<Progress>) -> Self {
        Self {
            module,
            progress,
            loaded: None,
            files: BTreeMap::new(),
            asked: Vec::new(),
            open: HashMap::new(),
            refused: HashMap::new(),
            marker: Marker::new(&Chance::system()),
        }
    }

    /// Notes what is about to be called.
    pub(super) fn note(&self, function: &'static str) {
        self.progress.at(function);
    }

    /// Where calls are noted.
    pub(super) fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    /// Every token of `module`.
    pub(super) fn list(&mut self, module: &Module) -> Result<Vec<TokenInfo>, TokenError> {
        Ok(self.scan(folder_of(module).as_deref())?.into_iter().map(|(_, info)| info).collect())
    }

    /// Finds the one token that fits, opens its anchor session and counts a handle.
    pub(super) fn open(
        &mut self,
        module: &Module,
        selector: &TokenSelector,
    ) -> Result<TokenKeyName, TokenError> {
        let folder = folder_of(module);
        let mut found = self.scan(folder.as_deref())?;
        found.retain(|(_, info)| info.initialized);
        let all: Vec<TokenInfo> = found.iter().map(|(_, info)| info.clone()).collect();
        let fits = |info: &TokenInfo| {
            selector.slot.is_none_or(|slot| slot == info.slot)
                && selector.label.as_ref().is_none_or(|label| *label == info.label)
                && selector.serial.as_ref().is_none_or(|serial| *serial == info.serial)
        };
        found.retain(|(_, info)| fits(info));
        let names = |infos: &[TokenInfo]| infos.iter().map(named).collect::<Vec<_>>();
        let info = match found.as_slice() {
            [(_, info)] => info,
            [] => {
                return Err(TokenError::Absent {
                    wanted: selector.to_string(),
                    module: module.to_string(),
                    found: names(&all),
                });
            }
            several => {
                let infos: Vec<TokenInfo> = several.iter().map(|(_, info)| info.clone()).collect();
                return Err(TokenError::AmbiguousToken {
                    wanted: selector.to_string(),
                    module: module.to_string(),
                    found: names(&infos),
                });
            }
        };
        let twins =
            all.iter().filter(|other| other.label == info.label && other.serial == info.serial).count();
        let name = TokenKeyName {
            folder,
            label: info.label.clone(),
            serial: info.serial.clone(),
            slot: (twins > 1).then_some(info.slot),
        };
        self.open.entry(name.clone()).or_default().handles += 1;
        if let Err(error) = self.anchor(&name) {
            self.close(&name);
            return Err(error);
        }
        Ok(name)
    }

    /// A handle is gone; with the last one the token is logged out and the PIN wiped.
    pub(super) fn close(&mut self, name: &TokenKeyName) {
        let Some(open) = self.open.get_mut(name) else { return };
        open.handles = open.handles.saturating_sub(1);
        if open.handles > 0 {
            return;
        }
        if let Some(open) = self.open.remove(name)
            && let Some(anchor) = open.anchor
            && anchor.logged_in
        {
            self.note("C_Logout");
            // Closing the last session logs out as well; a token that is gone needs neither.
            let _ = anchor.session.logout();
        }
    }

    fn forget_sessions(&mut self) {
        for open in self.open.values_mut() {
            open.anchor = None;
        }
    }

    /// What the token says of itself.
    pub(super) fn info(&mut self, name: &TokenKeyName) -> Result<TokenInfo, TokenError> {
        self.recovering(name, |driver| {
            let slot = driver.anchor(name)?.slot;
            let info = driver.token_info(slot)?;
            if fits_name(&info, name) {
                Ok(info)
            } else {
                Err(TokenError::from_code("C_GetTokenInfo", RvError::TokenNotPresent))
            }
        })
    }

    /// One `C_Login`.
    pub(super) fn login(
        &mut self,
        name: &TokenKeyName,
        pin: Pin,
        last_try: LastTry,
        keep: bool,
    ) -> Result<(), TokenError> {
        let mark = self.marker.mark(&pin);
        if self.refused.get(name).is_some_and(|refused| refused.iter().any(|known| known.is(&mark))) {
            return Err(TokenError::KnownWrongPin);
        }
        // A dead session is found out now, so that the one C_Login meets a live one. This PIN is the one to log in with,
        // not one that was kept.
        let kept = self.open.get_mut(name).and_then(|open| open.kept.take());
        let logged_in = self.recovering(name, |driver| driver.is_logged_in(name))?;
        if logged_in && let Some(open) = self.open.get_mut(name) {
            open.kept = kept;
        }
        if logged_in && let Some(entered) = self.open.get(name).and_then(|open| open.entered.as_ref()) {
            if !entered.is(&mark) {
                return Err(TokenError::Unusable {
                    what: "the token is logged in already".into(),
                    reason: "with another PIN than this one; close the other handle first".into(),
                });
            }
        } else {
            self.enter(name, &pin, &mark, last_try)?;
        }
        let wanted_again = keep || self.holds_always_authenticate(name)?;
        if let Some(open) = self.open.get_mut(name) {
            open.entered = Some(mark);
            if wanted_again {
                open.kept = Some(pin);
            }
        }
        Ok(())
    }

    /// `CKA_ID`, `CKA_LABEL` and `CKA_VALUE` of each X.509 certificate.
    pub(super) fn certificates(
        &mut self,
        name: &TokenKeyName,
    ) -> Result<Vec<(Vec<u8>, String, Vec<u8>)>, TokenError> {
        self.recovering(name, |driver| {
            let progress = Arc::clone(&driver.progress);
            let session = &driver.anchor(name)?.session;
            let wanted = [
                Attribute::Class(ObjectClass::CERTIFICATE),
                Attribute::CertificateType(CertificateType::X_509),
            ];
            progress.at("C_FindObjects");
            let mut certificates = Vec::new();
            for object in session.find_objects(&wanted)? {
                progress.at("C_GetAttributeValue");
                let attributes = [AttributeType::Id, AttributeType::Label, AttributeType::Value];
                let (mut id, mut label, mut value) = (Vec::new(), String::new(), Vec::new());
                for attribute in session.get_attributes(object, &attributes)? {
                    match attribute {
                        Attribute::Id(octets) => id = octets,
                        Attribute::Label(octets) => label = text(&octets),
                        Attribute::Value(octets) => value = octets,
                        _ => {}
                    }
                }
                certificates.push((id, label, value));
            }
            certificates.sort();
            Ok(certificates)
        })
    }

    /// The public keys that show.
    pub(super) fn public_keys(&mut self, name: &TokenKeyName) -> Result<Vec<TokenPublicKey>, TokenError> {
        self.recovering(name, |driver| {
            let progress = Arc::clone(&driver.progress);
            let session = &driver.anchor(name)?.session;
            progress.at("C_FindObjects");
            let mut keys = Vec::new();
            for object in session.find_objects(&[Attribute::Class(ObjectClass::PUBLIC_KEY)])? {
                progress.at("C_GetAttributeValue");
                let mut key = TokenPublicKey { id: Vec::new(), label: String::new(), value: Vec::new() };
                for wanted in
                    [AttributeType::Id, AttributeType::Label, AttributeType::Modulus, AttributeType::EcPoint]
                {
                    match optional(session, object, wanted)? {
                        Some(Attribute::Id(octets)) => key.id = octets,
                        Some(Attribute::Label(octets)) => key.label = text(&octets),
                        Some(Attribute::Modulus(octets) | Attribute::EcPoint(octets)) => key.value = octets,
                        _ => {}
                    }
                }
                keys.push(key);
            }
            Ok(keys)
        })
    }

    /// The private keys that show.
    pub(super) fn keys(&mut self, name: &TokenKeyName) -> Result<Vec<TokenKey>, TokenError> {
        let keys = self.recovering(name, |driver| {
            let progress = Arc::clone(&driver.progress);
            private_keys(&driver.anchor(name)?.session, &progress)
        })?;
        Ok(keys.into_iter().map(|(_, key)| key).collect())
    }

    /// One signature. `entitled` says whether the asking handle gave the PIN.
    pub(super) fn sign(
        &mut self,
        name: &TokenKeyName,
        entitled: bool,
        key: &KeySelector,
        operation: &Operation,
    ) -> Result<Vec<u8>, TokenError> {
        self.recovering(name, |driver| driver.sign_once(name, entitled, key, operation))
    }

    /// A session for a lane that signs with `key`; `None` where the lanes are no use.
    pub(super) fn lend(
        &mut self,
        name: &TokenKeyName,
        entitled: bool,
        key: &KeySelector,
    ) -> Result<Option<Loan>, TokenError> {
        self.recovering(name, |driver| {
            let (object, key) = driver.ready_key(name, entitled, key)?;
            let slot = driver.anchor(name)?.slot;
            let Some(loaded) = driver.loaded.as_ref().filter(|loaded| loaded.locks) else { return Ok(None) };
            if key.always_authenticate {
                return Ok(None);
            }
            driver.note("C_OpenSession");
            let session = loaded.pkcs11.open_ro_session(slot)?;
            let (raw, gate) = (Arc::clone(&loaded.raw), Arc::clone(&loaded.gate));
            Ok(Some(Loan::new(session, (object, key.kind), raw, gate)))
        })
    }

    /// The mechanisms of the token that sign, by name.
    pub(super) fn mechanisms(&mut self, name: &TokenKeyName) -> Result<Vec<String>, TokenError> {
        self.recovering(name, |driver| {
            let slot = driver.anchor(name)?.slot;
            driver.signing_mechanisms(slot)
        })
    }

    fn sign_once(
        &mut self,
        name: &TokenKeyName,
        entitled: bool,
        selector: &KeySelector,
        operation: &Operation,
    ) -> Result<Vec<u8>, TokenError> {
        let (object, key) = self.ready_key(name, entitled, selector)?;
        let data = operation.input(key.kind)?;
        let answer = if key.always_authenticate {
            self.sign_with_pin(name, object, operation, &data)?
        } else {
            self.sign_plain(name, object, operation, &data)
        };
        match answer {
            Ok(signature) => operation.output(signature),
            Err(failure) => Err(self.explain(name, operation, failure)),
        }
    }

    /// What a failed signature means for the caller.
    fn explain(&mut self, name: &TokenKeyName, operation: &Operation, failure: SignFailure) -> TokenError {
        if failure.code != RvError::MechanismInvalid {
            return failure.into();
        }
        let slot = self.open.get(name).and_then(|open| open.anchor.as_ref()).map(|anchor| anchor.slot);
        TokenError::Mechanism {
            function: failure.function.into(),
            code: code_name(failure.code),
            mechanism: operation.mechanism.name().into(),
            offered: slot.and_then(|slot| self.signing_mechanisms(slot).ok()).unwrap_or_default(),
        }
    }

    /// The key, with the login that it needs.
    pub(super) fn ready_key(
        &mut self,
        name: &TokenKeyName,
        entitled: bool,
        selector: &KeySelector,
    ) -> Result<(ObjectHandle, TokenKey), TokenError> {
        let progress = Arc::clone(&self.progress);
        self.anchor(name)?;
        let entered = self.open.get(name).is_some_and(|open| open.entered.is_some());
        let anchor = self.anchor(name)?;
        if !(entitled && anchor.logged_in) {
            let (slot, away) = (anchor.slot, entitled && entered);
            if self.token_info(slot)?.login_required {
                return Err(if away { TokenError::LoginAgain } else { TokenError::NotLoggedIn });
            }
        }
        let anchor = self.anchor(name)?;
        if let Some(found) = anchor.keys.get(selector) {
            return Ok(found.clone());
        }
        let keys = private_keys(&anchor.session, &progress)?;
        let fits = |key: &TokenKey| match selector {
            KeySelector::Id(id) => key.id == *id,
            KeySelector::Label(label) => key.label == *label,
        };
        let fitting: Vec<_> = keys.iter().filter(|(_, key)| fits(key)).collect();
        match fitting.as_slice() {
            [found] => {
                let found = (*found).clone();
                anchor.keys.insert(selector.clone(), found.clone());
                Ok(found)
            }
            [] => {
                // A token that returned may show no key because its login is gone, without any error.
                if anchor.logged_in && !user_functions(&anchor.session)? {
                    return Err(TokenError::from_code("C_GetSessionInfo", RvError::UserNotLoggedIn));
                }
                Err(TokenError::NoSuchKey {
                    wanted: selector.to_string(),
                    found: keys.iter().map(|(_, key)| key.to_string()).collect(),
                })
            }
            several => Err(TokenError::AmbiguousKey {
                wanted: selector.to_string(),
                found: several.iter().map(|(_, key)| key.to_string()).collect(),
            }),
        }
    }

    /// A signature in the anchor session.
    pub(super) fn sign_plain(
        &mut self,
        name: &TokenKeyName,
        key: ObjectHandle,
        operation: &Operation,
        data: &[u8],
    ) -> Result<Vec<u8>, SignFailure> {
        let gone = SignFailure { function: "C_SignInit", code: RvError::SessionHandleInvalid };
        let loaded = self.loaded.as_ref().ok_or(gone)?;
        let anchor = self.open.get(name).and_then(|open| open.anchor.as_ref()).ok_or(gone)?;
        loaded.raw.sign(&anchor.session, key, operation.mechanism, data, None, &self.progress)
    }

    /// A signature with a key that wants the PIN each time, in a session of its own: closing it ends a signature that
    /// was begun and whose PIN was refused.
    ///
    /// The outer error is one that needs no explaining by mechanism or key.
    fn sign_with_pin(
        &mut self,
        name: &TokenKeyName,
        key: ObjectHandle,
        operation: &Operation,
        data: &[u8],
    ) -> Result<Result<Vec<u8>, SignFailure>, TokenError> {
        let slot = self.anchor(name)?.slot;
        self.token_info(slot)?.pin_flags().allow(LastTry::Refuse)?;
        self.note("C_OpenSession");
        let session = self.pkcs11()?.open_ro_session(slot)?;
        let gone = || TokenError::from_code("C_SignInit", RvError::SessionHandleInvalid);
        let loaded = self.loaded.as_ref().ok_or_else(gone)?;
        let open = self.open.get_mut(name).ok_or_else(gone)?;
        let pin = open.kept.as_ref().ok_or(TokenError::PinNeeded)?;
        let answer = loaded.raw.sign(&session, key, operation.mechanism, data, Some(pin), &self.progress);
        drop(session);
        match answer {
            Err(failure) if failure.function == "C_Login" && !unjudged(failure.code) => {
                // The PIN was right at login: somebody has changed it since, or the token is ill. Not again by itself.
                let mark = self.marker.mark(pin);
                open.kept = None;
                if refuses_pin(failure.code) {
                    return Err(self.remember_refused(name, slot, mark, failure.code));
                }
                Ok(Err(failure))
            }
            other => Ok(other),
        }
    }

    /// The one place where a user PIN goes to a token.
    fn enter(
        &mut self,
        name: &TokenKeyName,
        pin: &Pin,
        mark: &Mark,
        last_try: LastTry,
    ) -> Result<(), TokenError> {
        let slot = self.anchor(name)?.slot;
        let before = self.token_info(slot)?.pin_flags();
        before.allow(last_try)?;
        let progress = Arc::clone(&self.progress);
        let anchor = self.anchor(name)?;
        let secret = RawAuthPin::new(Box::new(pin.reveal().to_vec()));
        progress.at("C_Login");
        let mut answer = anchor.session.login_with_raw(UserType::User, &secret);
        if let Err(CryptokiError::Pkcs11(RvError::UserAlreadyLoggedIn, _)) = answer {
            // A login that nobody here remembers. The token did not look at this PIN yet.
            progress.at("C_Logout");
            anchor.session.logout()?;
            progress.at("C_Login");
            answer = anchor.session.login_with_raw(UserType::User, &secret);
        }
        match answer {
            Ok(()) => {
                anchor.logged_in = true;
                anchor.keys.clear();
                tracing::debug!(token = name.label, "logged in to the token");
                Ok(())
            }
            Err(CryptokiError::Pkcs11(code, Function::Login)) if refuses_pin(code) => {
                Err(self.remember_refused(name, slot, mark.clone(), code))
            }
            // Some drivers have codes of their own for a wrong PIN; the flags tell.
            Err(CryptokiError::Pkcs11(code, Function::Login))
                if !unjudged(code)
                    && self.token_info(slot).is_ok_and(|info| info.pin_flags().are_worse_than(before)) =>
            {
                Err(self.remember_refused(name, slot, mark.clone(), code))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Notes that this PIN is never to be sent again, and asks the token how many tries are left.
    fn remember_refused(&mut self, name: &TokenKeyName, slot: Slot, mark: Mark, code: RvError) -> TokenError {
        self.refused.entry(name.clone()).or_default().push(mark);
        if let Some(open) = self.open.get_mut(name) {
            open.entered = None;
        }
        if code == RvError::PinLocked {
            return TokenError::Locked;
        }
        let left = match self.token_info(slot).map(|info| info.pin_flags()) {
            Ok(flags) if flags.locked => TriesLeft::None,
            Ok(flags) if flags.final_try => TriesLeft::One,
            Ok(flags) if flags.count_low => TriesLeft::Few,
            _ => TriesLeft::Unknown,
        };
        tracing::warn!(token = name.label, code = code_name(code), ?left, "the token refused the PIN");
        TokenError::WrongPin { function: "C_Login".into(), code: code_name(code), left }
    }

    /// Whether the anchor session is alive and logged in.
    fn is_logged_in(&mut self, name: &TokenKeyName) -> Result<bool, TokenError> {
        self.note("C_GetSessionInfo");
        let anchor = self.anchor(name)?;
        let alive = user_functions(&anchor.session)?;
        anchor.logged_in &= alive;
        Ok(anchor.logged_in)
    }

    fn holds_always_authenticate(&mut self, name: &TokenKeyName) -> Result<bool, TokenError> {
        let progress = Arc::clone(&self.progress);
        let keys = private_keys(&self.anchor(name)?.session, &progress)?;
        Ok(keys.iter().any(|(_, key)| key.always_authenticate))
    }

    /// Runs `request`; when the token or its session turns out to be gone, finds the token again and runs it again.
    ///
    /// Twice at most: with a fresh session first, then with a fresh driver, if nobody else is logged in through it. A
    /// key that vanished from a living session speaks for a fresh driver at once.
    fn recovering<T>(
        &mut self,
        name: &TokenKeyName,
        mut request: impl FnMut(&mut Self) -> Result<T, TokenError>,
    ) -> Result<T, TokenError> {
        let mut answer = request(self);
        for fresh_driver in [false, true] {
            match &answer {
                Err(error) if error.is_stale() && !fresh_driver => {}
                Err(error) if error.is_gone() || error.is_stale() => {
                    tracing::debug!(token = name.label, %error, fresh_driver, "looking for the token again");
                    if let Some(open) = self.open.get_mut(name) {
                        open.anchor = None;
                    }
                    if fresh_driver && !self.restart(name) {
                        break;
                    }
                    answer = request(self);
                }
                _ => break,
            }
        }
        match answer {
            Err(TokenError::Removed { code, .. }) if code == "CKR_USER_NOT_LOGGED_IN" => {
                Err(TokenError::NotLoggedIn)
            }
            other => other,
        }
    }

    /// `C_Finalize` and `C_Initialize`, unless that would log somebody else out. Whether it was done.
    fn restart(&mut self, name: &TokenKeyName) -> bool {
        let others = self.open.iter().any(|(other, open)| {
            other != name && open.anchor.as_ref().is_some_and(|anchor| anchor.logged_in)
        });
        if others || matches!(self.module, Module::Embedded(_)) {
            return false;
        }
        self.forget_sessions();
        let Some(loaded) = &self.loaded else { return false };
        match loaded.restart(&self.progress) {
            Ok(()) => true,
            // It was not touched: somebody hangs in it, who would be cut off.
            Err(TokenError::Stuck { .. }) => false,
            Err(error) => {
                tracing::warn!(%error, "the token driver could not be started afresh");
                self.loaded = None;
                false
            }
        }
    }

    /// The anchor session, opened when there is none, and logged in again when that was asked for.
    fn anchor(&mut self, name: &TokenKeyName) -> Result<&mut Anchor, TokenError> {
        if self.open.get(name).is_none_or(|open| open.anchor.is_none()) {
            let slot = self.find(name)?;
            self.note("C_OpenSession");
            let session = self.pkcs11()?.open_ro_session(slot)?;
            let open = self.open.entry(name.clone()).or_default();
            open.anchor = Some(Anchor { slot, session, logged_in: false, keys: HashMap::new() });
            if let (Some(mark), Some(pin)) = (open.entered.clone(), open.kept.take()) {
                // Taken out first: whatever the token says to it, this PIN is not sent a second time by itself.
                let answer = self.enter(name, &pin, &mark, LastTry::Refuse);
                let unjudged =
                    matches!(&answer, Err(TokenError::Removed { code, .. }) if code != DEVICE_ERROR);
                if let Some(open) = self.open.get_mut(name)
                    && (answer.is_ok() || unjudged)
                {
                    open.kept = Some(pin);
                }
                answer?;
                tracing::info!(token = name.label, "the token is back and logged in again");
            }
        }
        self.open
            .get_mut(name)
            .and_then(|open| open.anchor.as_mut())
            .ok_or_else(|| TokenError::from_code("C_OpenSession", RvError::SessionHandleInvalid))
    }

    /// The slot where the token is now.
    fn find(&mut self, name: &TokenKeyName) -> Result<Slot, TokenError> {
        let found = self.scan(name.folder.as_deref())?;
        found
            .into_iter()
            .find(|(_, info)| fits_name(info, name))
            .map(|(slot, _)| slot)
            .ok_or_else(|| TokenError::from_code("C_GetSlotList", RvError::TokenNotPresent))
    }

    /// Every token of the module, or of one folder of the built-in token.
    fn scan(&mut self, folder: Option<&Path>) -> Result<Vec<(Slot, TokenInfo)>, TokenError> {
        #[cfg(not(feature = "embedded-token"))]
        if let Some(folder) = folder {
            return Err(super::module::not_built_in(folder));
        }
        if let Some(folder) = folder {
            self.add_folder(folder)?;
            if self.loaded.is_none() {
                return Ok(Vec::new());
            }
        }
        let progress = Arc::clone(&self.progress);
        let pkcs11 = self.pkcs11()?.clone();
        progress.at("C_GetSlotList");
        let mut slots = pkcs11.get_slots_with_token()?;
        if let Some(folder) = folder {
            let of_folder: Vec<u64> = self
                .files
                .iter()
                .filter(|(file, _)| file.parent() == Some(folder))
                .map(|(_, slot)| *slot)
                .collect();
            slots.retain(|slot| of_folder.contains(&slot.id()));
        }
        let mut found = Vec::new();
        for slot in slots {
            match self.token_info(slot) {
                Ok(info) => found.push((slot, info)),
                // Pulled out between the two calls.
                Err(error) if error.is_gone() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    /// The module, loaded when it was not yet.
    pub(super) fn pkcs11(&mut self) -> Result<&Pkcs11, TokenError> {
        if self.loaded.is_none() {
            let loaded = match &self.module {
                Module::Path(path) => Loaded::library(path, &self.progress)?,
                Module::Embedded(folder) => {
                    return Err(TokenError::Module {
                        path: folder.clone(),
                        reason: "the folder holds no token".into(),
                    });
                }
            };
            self.loaded = Some(loaded);
        }
        self.loaded.as_ref().map(|loaded| &loaded.pkcs11).ok_or(TokenError::NotLoggedIn)
    }

    pub(super) fn token_info(&mut self, slot: Slot) -> Result<TokenInfo, TokenError> {
        self.note("C_GetTokenInfo");
        let info = self.pkcs11()?.get_token_info(slot)?;
        Ok(TokenInfo {
            slot: slot.id(),
            label: info.label().to_owned(),
            serial: info.serial_number().to_owned(),
            manufacturer: info.manufacturer_id().to_owned(),
            model: info.model().to_owned(),
            pin_count_low: info.user_pin_count_low(),
            pin_final_try: info.user_pin_final_try(),
            pin_locked: info.user_pin_locked(),
            login_required: info.login_required(),
            initialized: info.token_initialized(),
        })
    }

    fn signing_mechanisms(&mut self, slot: Slot) -> Result<Vec<String>, TokenError> {
        self.note("C_GetMechanismList");
        let offered = self.pkcs11()?.get_mechanism_list(slot)?;
        Ok(SIGNING
            .iter()
            .filter(|(mechanism, _)| offered.contains(mechanism))
            .map(|(_, name)| (*name).to_owned())
            .collect())
    }

    /// A session that may write, for provisioning; the token must be open.
    pub(super) fn writing_session(&mut self, name: &TokenKeyName) -> Result<Session, TokenError> {
        let slot = self.anchor(name)?.slot;
        self.note("C_OpenSession");
        Ok(self.pkcs11()?.open_rw_session(slot)?)
    }

    /// The objects changed: look keys up afresh.
    pub(super) fn forget_keys(&mut self, name: &TokenKeyName) {
        if let Some(anchor) = self.open.get_mut(name).and_then(|open| open.anchor.as_mut()) {
            anchor.keys.clear();
        }
    }
}

/// The folder of the built-in token under its one true name: the same file under two names would be two slots.
fn folder_of(module: &Module) -> Option<PathBuf> {
    match module {
        Module::Embedded(folder) => Some(std::fs::canonicalize(folder).unwrap_or_else(|_| folder.clone())),
        Module::Path(_) => None,
    }
}

fn fits_name(info: &TokenInfo, name: &TokenKeyName) -> bool {
    info.initialized
        && info.label == name.label
        && info.serial == name.serial
        && name.slot.is_none_or(|slot| slot == info.slot)
}

fn named(info: &TokenInfo) -> String {
    format!("“{}” (serial {}, slot {})", info.label, info.serial, info.slot)
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).trim_end_matches(['\0', ' ']).to_owned()
}

fn refuses_pin(code: RvError) -> bool {
    matches!(code, RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange | RvError::PinLocked)
}

/// Codes of `C_Login` after which the token cannot have looked at the PIN.
fn unjudged(code: RvError) -> bool {
    means_gone(code) && code != RvError::DeviceError
}

fn user_functions(session: &Session) -> Result<bool, TokenError> {
    let state = session.get_session_info()?.session_state();
    Ok(matches!(state, SessionState::RoUser | SessionState::RwUser))
}

/// May mean anything, a try that was spent included.
const DEVICE_ERROR: &str = "CKR_DEVICE_ERROR";

/// The mechanisms that kyso signs with, and those that tell a reader what else a token could.
const SIGNING: [(MechanismType, &str); 8] = [
    (MechanismType::RSA_PKCS, "CKM_RSA_PKCS"),
    (MechanismType::RSA_PKCS_PSS, "CKM_RSA_PKCS_PSS"),
    (MechanismType::ECDSA, "CKM_ECDSA"),
    (MechanismType::SHA256_RSA_PKCS, "CKM_SHA256_RSA_PKCS"),
    (MechanismType::SHA384_RSA_PKCS, "CKM_SHA384_RSA_PKCS"),
    (MechanismType::SHA512_RSA_PKCS, "CKM_SHA512_RSA_PKCS"),
    (MechanismType::ECDSA_SHA256, "CKM_ECDSA_SHA256"),
    (MechanismType::EDDSA, "CKM_EDDSA"),
];
