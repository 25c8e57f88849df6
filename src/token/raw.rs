//! `C_SignInit`, `C_Login(CKU_CONTEXT_SPECIFIC)`, `C_Sign`: the one sequence that `cryptoki` has no room for.
//!
//! A key with `CKA_ALWAYS_AUTHENTICATE` wants the PIN between the two halves of a signature, and `Session::sign` does
//! both halves at once (PKCS#11 section 5.6.8). All signatures go this way, so that there is one way.

use std::ptr;

use cryptoki::{
    error::{Rv, RvError},
    object::ObjectHandle,
    session::Session,
};
use cryptoki_sys as ck;

use super::{
    error::{TokenError, code_name},
    mechanism::Mechanism,
    worker::Progress,
};
use crate::base::Pin;

/// The function list of a loaded module.
///
/// The module's worker thread holds it, and its lanes where the module may be called by several threads.
pub(super) struct Raw {
    list: ck::CK_FUNCTION_LIST,
    /// Keeps the code behind the list in memory; the built-in token is always there.
    _library: Option<ck::Pkcs11>,
}

impl Raw {
    /// The list of a module that `cryptoki` has loaded from `path` already.
    pub(super) fn of_library(path: &std::path::Path) -> Result<Self, TokenError> {
        let unusable = |reason: String| TokenError::Module { path: path.to_owned(), reason };
        // SAFETY: loading runs the library's constructors. They ran already when `cryptoki` loaded the same file, and
        // the loader only counts one more reference now.
        let library = unsafe { ck::Pkcs11::new(path) }.map_err(|error| unusable(error.to_string()))?;
        if library.C_GetFunctionList.is_err() {
            return Err(unusable("undefined symbol: C_GetFunctionList".into()));
        }
        let mut list = ptr::null_mut();
        // SAFETY: the symbol was found (checked above) and has the type of the standard in any PKCS#11 module; the
        // pointer is to a local that outlives the call.
        let answer = unsafe { library.C_GetFunctionList(&raw mut list) };
        Self::from_pointer(answer, list, Some(library)).map_err(unusable)
    }

    /// The list of the built-in token.
    #[cfg(feature = "embedded-token")]
    pub(super) fn of_embedded() -> Result<Self, TokenError> {
        let mut list = ptr::null_mut();
        let answer = super::embedded::C_GetFunctionList(&raw mut list);
        Self::from_pointer(answer, list, None)
            .map_err(|reason| TokenError::Module { path: "embedded".into(), reason })
    }

    fn from_pointer(
        answer: ck::CK_RV,
        list: *mut ck::CK_FUNCTION_LIST,
        library: Option<ck::Pkcs11>,
    ) -> Result<Self, String> {
        if let Rv::Error(code) = Rv::from(answer) {
            return Err(format!("C_GetFunctionList: {}", code_name(code)));
        }
        if list.is_null() {
            return Err("C_GetFunctionList gave no list".into());
        }
        // SAFETY: the module answered CKR_OK and a pointer to its list, which the standard wants to be static
        // (section 5.4.4); it is copied while the library is loaded.
        let list = unsafe { ptr::read(list) };
        Ok(Self { list, _library: library })
    }

    /// One signature. `pin` is given for a key that wants it each time.
    ///
    /// # Errors
    ///
    /// The function and code that failed, and what it means for the caller in [`SignFailure`].
    pub(super) fn sign(
        &self,
        session: &Session,
        key: ObjectHandle,
        mechanism: Mechanism,
        data: &[u8],
        pin: Option<&Pin>,
        progress: &Progress,
    ) -> Result<Vec<u8>, SignFailure> {
        let missing = |function| SignFailure { function, code: RvError::FunctionNotSupported };
        let sign_init = self.list.C_SignInit.ok_or(missing("C_SignInit"))?;
        let login = self.list.C_Login.ok_or(missing("C_Login"))?;
        let sign = self.list.C_Sign.ok_or(missing("C_Sign"))?;

        let mut parameters = mechanism.parameters();
        let (parameter, parameter_len) = match &mut parameters {
            Some(parameters) => (ptr::from_mut(parameters).cast(), size_of::<ck::CK_RSA_PKCS_PSS_PARAMS>()),
            None => (ptr::null_mut(), 0),
        };
        let mut mechanism = ck::CK_MECHANISM {
            mechanism: mechanism.number(),
            pParameter: parameter,
            ulParameterLen: parameter_len as ck::CK_ULONG,
        };
        progress.at("C_SignInit");
        // SAFETY: session and key are handles of this module, which checks them; `mechanism` and the parameters that
        // it points to are locals that live to the end of this function.
        let answer = unsafe { sign_init(session.handle(), &raw mut mechanism, key.handle()) };
        checked("C_SignInit", answer)?;

        if let Some(pin) = pin {
            let pin = pin.reveal();
            progress.at("C_Login");
            // SAFETY: pointer and length are those of a live slice. The signature has `*mut` for history's sake; the
            // standard has the PIN as input only (section 5.6.8).
            let answer = unsafe {
                login(
                    session.handle(),
                    ck::CKU_CONTEXT_SPECIFIC,
                    pin.as_ptr().cast_mut(),
                    pin.len() as ck::CK_ULONG,
                )
            };
            checked("C_Login", answer)?;
        }

        let mut signature = vec![0_u8; LONGEST_SIGNATURE];
        let mut len = LONGEST_SIGNATURE as ck::CK_ULONG;
        progress.at("C_Sign");
        // SAFETY: both pointers are to live slices and come with their true lengths; the module writes at most `len`
        // bytes (section 5.13.2). The data is input only.
        let answer = unsafe {
            sign(
                session.handle(),
                data.as_ptr().cast_mut(),
                data.len() as ck::CK_ULONG,
                signature.as_mut_ptr(),
                &raw mut len,
            )
        };
        checked("C_Sign", answer)?;
        signature.truncate(usize::try_from(len).unwrap_or(0));
        Ok(signature)
    }
}

/// Which function refused, and with what.
#[derive(Clone, Copy, Debug)]
pub(super) struct SignFailure {
    pub(super) function: &'static str,
    pub(super) code: RvError,
}

impl From<SignFailure> for TokenError {
    fn from(failure: SignFailure) -> Self {
        Self::from_code(failure.function, failure.code)
    }
}

fn checked(function: &'static str, answer: ck::CK_RV) -> Result<(), SignFailure> {
    match Rv::from(answer) {
        Rv::Ok => Ok(()),
        Rv::Error(code) => Err(SignFailure { function, code }),
    }
}

/// In bytes: RSA-8192, twice the longest key that kyso signs with.
const LONGEST_SIGNATURE: usize = 1024;
