//! PKCS#11 tokens: the one room that handles a PIN.

use std::path::PathBuf;

use crate::{
    base::Pin,
    x509::{Certificate, algorithm::SignatureScheme},
};

/// Where the driver is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Module {
    /// The token built into this binary (feature `embedded-token`).
    Embedded,
    /// A shared library.
    Path(PathBuf),
}

/// Which token of a module. All given parts must match; exactly one token must remain.
#[derive(Clone, Debug, Default)]
pub struct TokenSelector {
    pub slot: Option<u64>,
    pub label: Option<String>,
    pub serial: Option<String>,
}

/// Which key of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySelector {
    Id(Vec<u8>),
    Label(String),
}

/// A handle on a token. Cheap to clone; one worker thread owns the sessions.
#[derive(Clone)]
pub struct Token {
    _private: (),
}

/// What a token says of itself.
#[derive(Clone, Debug)]
pub struct TokenInfo {
    pub slot: u64,
    pub label: String,
    pub serial: String,
    pub manufacturer: String,
    pub model: String,
    pub pin_count_low: bool,
    pub pin_final_try: bool,
    pub pin_locked: bool,
    pub login_required: bool,
    pub initialized: bool,
}

/// A certificate object and the private key that goes with it, if there is one.
#[derive(Clone, Debug)]
pub struct TokenCertificate {
    pub id: Vec<u8>,
    pub label: String,
    pub certificate: Certificate,
}

/// Whether to spend a try when the token warns that few are left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastTry {
    Refuse,
    SpendIt,
}

impl Token {
    /// Starts the worker and finds the token.
    pub fn open(module: &Module, selector: &TokenSelector) -> Result<Self, TokenError> {
        let _ = (module, selector);
        todo!()
    }
    pub fn info(&self) -> Result<TokenInfo, TokenError> {
        todo!()
    }
    /// One `C_Login`, never a second with the same PIN. The PIN stays with the worker only where a key wants it for each signature (`CKA_ALWAYS_AUTHENTICATE`) or the token came back after being unplugged.
    pub fn login(&self, pin: Pin, last_try: LastTry) -> Result<(), TokenError> {
        let _ = (pin, last_try);
        todo!()
    }
    pub fn certificates(&self) -> Result<Vec<TokenCertificate>, TokenError> {
        todo!()
    }
    /// Signs `message`: hashes it, builds the DigestInfo where needed. ECDSA comes back as DER `Ecdsa-Sig-Value`, ready for CMS.
    pub fn sign(
        &self,
        key: &KeySelector,
        scheme: SignatureScheme,
        message: &[u8],
    ) -> Result<Vec<u8>, TokenError> {
        let _ = (key, scheme, message);
        todo!()
    }
}

/// What a token or its driver answered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    #[error("{function} failed with {code}")]
    Pkcs11 { function: &'static str, code: String },
}
