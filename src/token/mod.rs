//! PKCS#11 tokens: the one room that handles a PIN, and the one with `unsafe`.
//!
//! A driver ("module") gets one worker thread in the process. The thread loads the module, owns every session of its
//! tokens, and serves the requests of all [`Token`] handles one after the other: vendor modules are single-threaded in
//! practice, and a login holds for the whole process. Callers wait with a deadline, so a hanging driver costs them a
//! typed error and never a thread. Where a token makes several signatures at the same time, lanes sign beside it
//! ([`Token::sign_in_sessions`]).
//!
//! - [`Token`] is a handle: open, log in, look, sign. `lanes` are its further sessions.
//! - `driver` is the worker's side: finding tokens, the PIN rules, signing, and coming back after an unplugging.
//! - `module` loads a driver; `embedded` is the token inside our own binary; `raw` is the one call sequence that
//!   `cryptoki` has no room for.
//! - [`pin_source`] reads PINs that nobody types; `pin` is the rules for spending a try.
//! - [`provision`] makes tokens, keys and certificates for the demo and the tests; [`softhsm`] finds and configures
//!   SoftHSM.

mod driver;
#[cfg(feature = "embedded-token")]
mod embedded;
mod error;
mod lanes;
mod mechanism;
#[expect(
    unsafe_code,
    reason = "loads a driver, and hands the built-in one its file name; each block says why it is sound"
)]
mod module;
mod pin;
pub mod pin_source;
pub mod provision;
pub mod rate;
#[expect(unsafe_code, reason = "calls a driver's C functions; each block says why it is sound")]
mod raw;
pub mod softhsm;
mod worker;

use std::{
    fmt,
    num::NonZero,
    path::PathBuf,
    str::FromStr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

pub use error::{TokenError, TriesLeft};
pub use pin::{LastTry, PinFlags};

use self::{
    driver::{Driver, TokenKeyName},
    lanes::Lanes,
    mechanism::Operation,
    worker::Worker,
};
use crate::{
    asn1::{Reader, Tag},
    base::Pin,
    x509::{Certificate, algorithm::SignatureScheme},
};

/// Where the driver is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Module {
    /// The token built into this binary (feature `embedded-token`), with its files in this folder.
    Embedded(PathBuf),
    /// A shared library.
    Path(PathBuf),
}

impl Module {
    /// The built-in token with its files where this user's programs keep their data:
    /// `KYSO_EMBEDDED_TOKEN`, else `$XDG_DATA_HOME/kyso/token`, else `~/.local/share/kyso/token`.
    pub fn embedded() -> Self {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let folder = set("KYSO_EMBEDDED_TOKEN")
            .or_else(|| set("XDG_DATA_HOME").map(|data| data.join("kyso/token")))
            .or_else(|| set("HOME").map(|home| home.join(".local/share/kyso/token")))
            .unwrap_or_else(|| PathBuf::from("kyso-token"));
        Self::Embedded(folder)
    }
}

impl FromStr for Module {
    type Err = std::convert::Infallible;

    /// `embedded`, `embedded:FOLDER`, or the path of a shared library.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text.strip_prefix("embedded") {
            Some("") => Self::embedded(),
            Some(rest) if rest.starts_with(':') => Self::Embedded(rest[1..].into()),
            _ => Self::Path(text.into()),
        })
    }
}

impl fmt::Display for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded(folder) => write!(f, "the built-in token ({})", folder.display()),
            Self::Path(path) => path.display().fmt(f),
        }
    }
}

/// Which token of a module. All given parts must match; exactly one token must remain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenSelector {
    /// `CK_SLOT_ID`.
    pub slot: Option<u64>,
    /// The token's label, without the padding.
    pub label: Option<String>,
    /// The token's serial number, without the padding.
    pub serial: Option<String>,
}

impl TokenSelector {
    /// The token with this label.
    pub fn labelled(label: &str) -> Self {
        Self { label: Some(label.to_owned()), ..Self::default() }
    }
}

impl fmt::Display for TokenSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if let Some(label) = &self.label {
            parts.push(format!("labelled “{label}”"));
        }
        if let Some(serial) = &self.serial {
            parts.push(format!("with serial {serial}"));
        }
        if let Some(slot) = self.slot {
            parts.push(format!("in slot {slot}"));
        }
        if parts.is_empty() {
            parts.push("of any name".into());
        }
        f.write_str(&parts.join(", "))
    }
}

/// Which key of a token.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum KeySelector {
    /// `CKA_ID`.
    Id(Vec<u8>),
    /// `CKA_LABEL`.
    Label(String),
}

impl FromStr for KeySelector {
    type Err = String;

    /// `hex:0A1B` is an id; anything else is a label.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix("hex:") {
            None => Ok(Self::Label(text.to_owned())),
            Some(digits) => hex::decode(digits)
                .map(Self::Id)
                .map_err(|_| format!("“{digits}” is not hexadecimal; a key id looks like hex:0a1b")),
        }
    }
}

impl fmt::Display for KeySelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "hex:{}", hex::encode(id)),
            Self::Label(label) => write!(f, "“{label}”"),
        }
    }
}

/// What a token says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenInfo {
    /// `CK_SLOT_ID`.
    pub slot: u64,
    /// Chosen when the token was initialized.
    pub label: String,
    /// The serial number.
    pub serial: String,
    /// Who made it.
    pub manufacturer: String,
    /// What model it is.
    pub model: String,
    /// `CKF_USER_PIN_COUNT_LOW`: a wrong PIN was entered since the last right one.
    pub pin_count_low: bool,
    /// `CKF_USER_PIN_FINAL_TRY`: one more wrong PIN locks the token.
    pub pin_final_try: bool,
    /// `CKF_USER_PIN_LOCKED`.
    pub pin_locked: bool,
    /// `CKF_LOGIN_REQUIRED`.
    pub login_required: bool,
    /// `CKF_TOKEN_INITIALIZED`.
    pub initialized: bool,
}

impl TokenInfo {
    /// The PIN flags alone.
    pub fn pin_flags(&self) -> PinFlags {
        PinFlags { count_low: self.pin_count_low, final_try: self.pin_final_try, locked: self.pin_locked }
    }
}

/// A certificate object. The key that goes with it has the same `CKA_ID`.
#[derive(Clone, Debug)]
pub struct TokenCertificate {
    /// `CKA_ID`.
    pub id: Vec<u8>,
    /// `CKA_LABEL`.
    pub label: String,
    /// `CKA_VALUE`.
    pub certificate: Certificate,
}

/// A private key object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenKey {
    /// `CKA_ID`.
    pub id: Vec<u8>,
    /// `CKA_LABEL`.
    pub label: String,
    /// What kind of key.
    pub kind: TokenKeyKind,
    /// `CKA_ALWAYS_AUTHENTICATE`: wants the PIN before every signature.
    pub always_authenticate: bool,
}

/// A public key object: the half that a token shows without a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenPublicKey {
    /// `CKA_ID`, which the private half has too.
    pub id: Vec<u8>,
    /// `CKA_LABEL`.
    pub label: String,
    /// `CKA_MODULUS`, or `CKA_EC_POINT`; empty where the token shows neither.
    pub value: Vec<u8>,
}

impl TokenPublicKey {
    /// Whether it is the key of this SubjectPublicKeyInfo; `None` when one of them cannot be read.
    pub fn is_of(&self, spki_der: &[u8]) -> Option<bool> {
        let mut spki = Reader::only(spki_der).ok()?.reader();
        spki.any().ok()?;
        let key = spki.any().ok()?.bit_string().ok()?;
        let magnitude =
            |octets: &[u8]| -> Vec<u8> { octets.iter().copied().skip_while(|octet| *octet == 0).collect() };
        if self.value.is_empty() {
            return None;
        }
        // RSAPublicKey begins with the modulus; an ECPoint is the octets themselves, on some tokens inside an OCTET
        // STRING.
        if let Ok(rsa) = Reader::only(key)
            && rsa.tag == Tag::SEQUENCE
        {
            let modulus = rsa.reader().any().ok()?;
            return Some(magnitude(modulus.value) == magnitude(&self.value));
        }
        let wrapped = Reader::only(&self.value).ok().filter(|value| value.tag == Tag::OCTET_STRING);
        Some(key == self.value || wrapped.is_some_and(|value| value.value == key))
    }
}

impl fmt::Display for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "“{}” (hex:{}, {})", self.label, hex::encode(&self.id), self.kind)
    }
}

/// The kind of a key on a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKeyKind {
    /// An elliptic-curve key.
    Ec {
        /// Of the field, in bits; 0 when the token does not say or the curve is not known here.
        bits: usize,
    },
    /// Neither RSA nor EC: kyso cannot sign with it.
    Other,
    /// An RSA key.
    Rsa {
        /// Of the modulus, in bits; 0 when the token does not say.
        bits: usize,
    },
}

impl fmt::Display for TokenKeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ec { bits: 0 } => f.write_str("EC"),
            Self::Ec { bits } => write!(f, "EC P-{bits}"),
            Self::Other => f.write_str("neither RSA nor EC"),
            Self::Rsa { bits: 0 } => f.write_str("RSA"),
            Self::Rsa { bits } => write!(f, "RSA-{bits}"),
        }
    }
}

/// A handle on a token. Cheap to clone; the module's worker thread owns the sessions.
///
/// All clones share one login. When the last one goes, the token is logged out.
#[derive(Clone)]
pub struct Token {
    shared: Arc<Shared>,
}

struct Shared {
    worker: Arc<Worker<Driver>>,
    /// More sessions than the module's thread has, where they were asked for.
    lanes: OnceLock<Lanes>,
    name: TokenKeyName,
    /// Whether this handle gave the PIN: another handle's login is not ours.
    logged_in: AtomicBool,
    deadline: Duration,
}

impl Token {
    /// Loads the module if that has not been done yet, and finds the token.
    ///
    /// # Errors
    ///
    /// [`TokenError::Module`], [`TokenError::Absent`], [`TokenError::AmbiguousToken`], [`TokenError::Timeout`].
    pub fn open(module: &Module, selector: &TokenSelector) -> Result<Self, TokenError> {
        Self::open_with_deadline(module, selector, DEADLINE)
    }

    /// As [`Token::open`], with another limit on how long one request may take.
    ///
    /// # Errors
    ///
    /// As [`Token::open`].
    pub fn open_with_deadline(
        module: &Module,
        selector: &TokenSelector,
        deadline: Duration,
    ) -> Result<Self, TokenError> {
        let worker = module::worker(module)?;
        let (asked, wanted) = (module.clone(), selector.clone());
        let name = worker.call(deadline, move |driver| driver.open(&asked, &wanted))?;
        let (lanes, logged_in) = (OnceLock::new(), AtomicBool::new(false));
        Ok(Self { shared: Arc::new(Shared { worker, lanes, name, logged_in, deadline }) })
    }

    /// Lets this handle and its clones make up to `most` signatures at the same time, each in a session of its own: for
    /// HSMs, and tokens that are software. Said once; what is said later does not count.
    ///
    /// Keys that want the PIN for each signature, and drivers that may not be called by several threads, are asked one
    /// by one all the same.
    pub fn sign_in_sessions(&self, most: NonZero<usize>) {
        if most.get() > 1 {
            self.shared.lanes.get_or_init(|| Lanes::new(most.get().min(MOST_SESSIONS)));
        }
    }

    /// How many signatures it makes at the same time at the most.
    pub fn sessions(&self) -> usize {
        self.shared.lanes.get().map_or(1, Lanes::most)
    }

    /// Every token of a module, initialized or not.
    ///
    /// # Errors
    ///
    /// As [`Token::open`].
    pub fn list(module: &Module) -> Result<Vec<TokenInfo>, TokenError> {
        let asked = module.clone();
        module::worker(module)?.call(DEADLINE, move |driver| driver.list(&asked))
    }

    /// What the token says of itself at this moment.
    ///
    /// # Errors
    ///
    /// [`TokenError::Removed`] when it is not there now.
    pub fn info(&self) -> Result<TokenInfo, TokenError> {
        self.call(Driver::info)
    }

    /// One `C_Login`, never a second with the same PIN.
    ///
    /// The PIN flags are read right before. The PIN is wiped after the login, unless a key on the token wants it for
    /// each signature (`CKA_ALWAYS_AUTHENTICATE`).
    ///
    /// # Errors
    ///
    /// [`TokenError::WrongPin`], [`TokenError::KnownWrongPin`], [`TokenError::FinalTry`], [`TokenError::Locked`].
    pub fn login(&self, pin: Pin, last_try: LastTry) -> Result<(), TokenError> {
        self.login_as(pin, last_try, false)
    }

    /// As [`Token::login`], and keeps the PIN in memory until the last handle goes, so that a token that was unplugged
    /// and came back is logged in again, once. For servers.
    ///
    /// # Errors
    ///
    /// As [`Token::login`].
    pub fn login_and_keep(&self, pin: Pin, last_try: LastTry) -> Result<(), TokenError> {
        self.login_as(pin, last_try, true)
    }

    /// The certificates on the token. No login is needed. One that cannot be read is left out, with a warning in the
    /// log.
    ///
    /// # Errors
    ///
    /// [`TokenError::Removed`] and other return codes.
    pub fn certificates(&self) -> Result<Vec<TokenCertificate>, TokenError> {
        let found = self.call(Driver::certificates)?;
        let mut certificates = Vec::new();
        for (id, label, der) in found {
            match Certificate::from_der(&der) {
                Ok(certificate) => certificates.push(TokenCertificate { id, label, certificate }),
                Err(error) => {
                    tracing::warn!(id = hex::encode(&id), label, %error, "a certificate on the token cannot be read");
                }
            }
        }
        Ok(certificates)
    }

    /// The private keys that the token shows; most tokens show none before a login.
    ///
    /// # Errors
    ///
    /// [`TokenError::Removed`] and other return codes.
    pub fn keys(&self) -> Result<Vec<TokenKey>, TokenError> {
        self.call(Driver::keys)
    }

    /// The public keys that the token shows, before a login too. Tokens need not keep any.
    ///
    /// # Errors
    ///
    /// See [`TokenError`].
    pub fn public_keys(&self) -> Result<Vec<TokenPublicKey>, TokenError> {
        self.call(Driver::public_keys)
    }

    /// The mechanisms that sign, by their names in the standard (`CKM_…`), as the token lists them.
    ///
    /// # Errors
    ///
    /// [`TokenError::Removed`] and other return codes.
    pub fn mechanisms(&self) -> Result<Vec<String>, TokenError> {
        self.call(Driver::mechanisms)
    }

    /// Signs `message`: hashes it, builds the DigestInfo where needed. ECDSA comes back as DER `Ecdsa-Sig-Value`, ready
    /// for CMS.
    ///
    /// # Errors
    ///
    /// [`TokenError::NotLoggedIn`], [`TokenError::NoSuchKey`], [`TokenError::AmbiguousKey`],
    /// [`TokenError::Mechanism`], [`TokenError::Removed`], [`TokenError::LoginAgain`], [`TokenError::Timeout`].
    pub fn sign(
        &self,
        key: &KeySelector,
        scheme: SignatureScheme,
        message: &[u8],
    ) -> Result<Vec<u8>, TokenError> {
        let operation = Operation::new(scheme, message)?;
        let (key, entitled) = (key.clone(), self.shared.logged_in.load(Ordering::Acquire));
        if entitled && let Some(lanes) = self.shared.lanes.get() {
            let wanted = key.clone();
            let lend = || self.call(move |driver, name| driver.lend(name, entitled, &wanted));
            if let Some(signature) = lanes.sign(&key, &operation, self.shared.deadline, lend)? {
                return Ok(signature);
            }
        }
        let signed = self.call(move |driver, name| driver.sign(name, entitled, &key, &operation));
        if matches!(signed, Err(TokenError::LoginAgain)) {
            self.shared.logged_in.store(false, Ordering::Release);
        }
        signed
    }

    fn login_as(&self, pin: Pin, last_try: LastTry, keep: bool) -> Result<(), TokenError> {
        self.call(move |driver, name| driver.login(name, pin, last_try, keep))?;
        self.shared.logged_in.store(true, Ordering::Release);
        Ok(())
    }

    fn call<T: Send + 'static>(
        &self,
        request: impl FnOnce(&mut Driver, &TokenKeyName) -> Result<T, TokenError> + Send + 'static,
    ) -> Result<T, TokenError> {
        let name = self.shared.name.clone();
        self.shared.worker.call(self.shared.deadline, move |driver| request(driver, &name))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({:?})", self.shared.name)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(lanes) = self.lanes.get() {
            lanes.end(FAREWELL);
        }
        let name = self.name.clone();
        self.worker.post(FAREWELL, move |driver| driver.close(&name));
    }
}

/// How long a caller waits for one request, waiting in line included.
///
/// An RSA-4096 signature takes a slow smart card about three seconds; the margin is for a queue of some signers.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// The most signatures that one handle makes at the same time: a thread and a session each.
pub const MOST_SESSIONS: usize = 64;

/// How long the last handle waits for the token to be logged out: a program that ends right after should not leave a
/// card open in its reader.
const FAREWELL: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_are_read_from_text() {
        assert_eq!("hex:0a1B".parse(), Ok(KeySelector::Id(vec![0x0A, 0x1B])));
        assert_eq!("ký số".parse(), Ok(KeySelector::Label("ký số".into())));
        assert!("hex:xyz".parse::<KeySelector>().unwrap_err().contains("hex:0a1b"));
        assert_eq!("embedded:/srv/t".parse(), Ok(Module::Embedded("/srv/t".into())));
        assert_eq!("/usr/lib/x.so".parse(), Ok(Module::Path("/usr/lib/x.so".into())));
        assert_eq!("embedded.so".parse(), Ok(Module::Path("embedded.so".into())));
    }

    #[test]
    fn a_selector_reads_as_a_sentence() {
        let selector = TokenSelector { label: Some("Lãnh đạo".into()), slot: Some(3), serial: None };
        assert_eq!(selector.to_string(), "labelled “Lãnh đạo”, in slot 3");
    }
}
