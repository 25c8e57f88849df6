//! What can go wrong at a token, told so that the person knows what to do next.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use cryptoki::error::{Error as CryptokiError, RvError};

/// What a token or its driver answered.
///
/// Where PKCS#11 gave a return code, `function` and `code` carry the names of the standard
/// (`C_Login`, `CKR_PIN_INCORRECT`). No variant ever holds a PIN.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// No token fits the selector.
    #[error("no token {wanted} in {module}{}", found_tokens(.found))]
    Absent {
        /// What was asked for.
        wanted: String,
        /// Which driver was asked.
        module: String,
        /// Labels and serials of the tokens that are there.
        found: Vec<String>,
    },
    /// Several keys or certificates fit.
    #[error("{} keys fit {wanted}: {}. Name one by its id: hex:…", .found.len(), .found.join("; "))]
    AmbiguousKey {
        /// What was asked for.
        wanted: String,
        /// The keys that fit.
        found: Vec<String>,
    },
    /// Several tokens fit the selector.
    #[error("several tokens fit {wanted} in {module}: {}. Add --slot or --serial", .found.join("; "))]
    AmbiguousToken {
        /// What was asked for.
        wanted: String,
        /// Which driver was asked.
        module: String,
        /// The tokens that fit.
        found: Vec<String>,
    },
    /// The driver died inside a call. Its sessions are gone; the next call begins afresh.
    #[error("the token driver failed inside {function}; try again, and if it happens again restart kyso")]
    Crashed {
        /// The PKCS#11 function that was running.
        function: String,
    },
    /// `CKF_USER_PIN_FINAL_TRY` is set: one more wrong PIN locks the token.
    #[error(
        "the token warns (CKF_USER_PIN_FINAL_TRY) that one more wrong PIN locks it, so kyso did not try. Make sure of the PIN, then say --last-try to spend the try, or have the token unlocked by whoever issued it"
    )]
    FinalTry,
    /// The same PIN was refused before; it was not sent again.
    #[error(
        "this same PIN was refused by the token before, so kyso did not send it again: every wrong PIN brings the token nearer to being locked. Enter another PIN"
    )]
    KnownWrongPin,
    /// `CKF_USER_PIN_LOCKED` is set, or the token answered `CKR_PIN_LOCKED`.
    #[error(
        "the token's PIN is locked; only whoever issued the token can unlock it (with the PUK or SO PIN)"
    )]
    Locked,
    /// The token was unplugged and came back; the PIN was not kept, so it has to be given again.
    #[error("the token was away and is back; log in again with the PIN")]
    LoginAgain,
    /// The token does not offer what the scheme needs.
    #[error("{function}: {code}: the token does not offer {mechanism}{}; choose another scheme or key", those_offered(.offered))]
    Mechanism {
        /// The PKCS#11 function that refused.
        function: String,
        /// The return code.
        code: String,
        /// The mechanism, `CKM_…`.
        mechanism: String,
        /// Signature mechanisms that the token does offer.
        offered: Vec<String>,
    },
    /// The driver could not be loaded or initialized.
    #[error("the PKCS#11 module {} cannot be used: {}{}", .path.display(), without_path(.reason, .path), hint(.reason))]
    Module {
        /// The module's file.
        path: PathBuf,
        /// What the loader or `C_Initialize` said.
        reason: String,
    },
    /// No private key fits.
    #[error("no key {wanted} on the token; {}", found_keys(.found))]
    NoSuchKey {
        /// What was asked for.
        wanted: String,
        /// The keys that are there.
        found: Vec<String>,
    },
    /// A key was asked for before a login.
    #[error("log in first: the token shows and uses private keys only after its PIN")]
    NotLoggedIn,
    /// The key wants the PIN before every signature, and the PIN is not held any more.
    #[error(
        "this key wants the PIN for every signature (CKA_ALWAYS_AUTHENTICATE); log in again with the PIN"
    )]
    PinNeeded,
    /// Another return code.
    #[error("{function}: {code}{}", advice(.code))]
    Pkcs11 {
        /// The PKCS#11 function.
        function: String,
        /// The return code.
        code: String,
    },
    /// The token is not there any more.
    #[error("the token was removed ({function}: {code}); plug it in again and repeat: no restart is needed")]
    Removed {
        /// The PKCS#11 function that noticed.
        function: String,
        /// The return code.
        code: String,
    },
    /// An earlier call hangs inside the driver still.
    #[error(
        "the token driver still hangs in {function} from an earlier request; unplug the token and plug it in again, or restart kyso if that does not help"
    )]
    Stuck {
        /// The PKCS#11 function that hangs.
        function: String,
    },
    /// The driver did not answer in time. It is not known whether the operation was done.
    #[error(
        "the token did not answer within {seconds} s ({function}); unplug it, plug it in again and repeat"
    )]
    Timeout {
        /// The PKCS#11 function that was running.
        function: String,
        /// How long was waited, in seconds.
        seconds: u64,
    },
    /// Something outside PKCS#11: a file, a value that does not fit.
    #[error("{what}: {reason}")]
    Unusable {
        /// What was being done.
        what: String,
        /// Why it cannot be.
        reason: String,
    },
    /// The token refused the PIN. One try is spent.
    #[error("{function}: {code}: the PIN is wrong{}. kyso will not send the same PIN again", .left)]
    WrongPin {
        /// `C_Login`.
        function: String,
        /// `CKR_PIN_INCORRECT`, or what the token said instead.
        code: String,
        /// What the token says about the tries that remain.
        left: TriesLeft,
    },
}

/// What a token's flags say after a wrong PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TriesLeft {
    /// `CKF_USER_PIN_COUNT_LOW`.
    Few,
    /// `CKF_USER_PIN_LOCKED`.
    None,
    /// `CKF_USER_PIN_FINAL_TRY`.
    One,
    /// The token sets no flag; many tokens never do.
    Unknown,
}

impl fmt::Display for TriesLeft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Few => "; the token warns that few tries are left",
            Self::None => "; the token is now locked",
            Self::One => "; one more wrong PIN locks the token",
            Self::Unknown => "",
        })
    }
}

impl TokenError {
    /// From a return code of a PKCS#11 function.
    pub(super) fn from_code(function: &str, code: RvError) -> Self {
        let (function, code_name) = (function.to_owned(), code_name(code));
        if means_gone(code) {
            Self::Removed { function, code: code_name }
        } else if code == RvError::PinLocked {
            Self::Locked
        } else {
            Self::Pkcs11 { function, code: code_name }
        }
    }

    /// Whether the token or its session is gone, so that finding it again may help.
    pub(super) fn is_gone(&self) -> bool {
        matches!(self, Self::Removed { .. })
    }
}

impl TokenError {
    /// Whether a key that was found before is not there any more: deleted by somebody, or gone with the token.
    pub(super) fn is_stale(&self) -> bool {
        matches!(self, Self::Pkcs11 { code, .. }
            if code == "CKR_KEY_HANDLE_INVALID" || code == "CKR_OBJECT_HANDLE_INVALID")
    }
}

impl From<CryptokiError> for TokenError {
    fn from(error: CryptokiError) -> Self {
        match error {
            CryptokiError::Pkcs11(code, function) => Self::from_code(&format!("C_{function:?}"), code),
            CryptokiError::NullFunctionPointer => Self::Unusable {
                what: "the token driver lacks a function".into(),
                reason: "it is not a whole PKCS#11 module".into(),
            },
            other => Self::Unusable {
                what: "the token driver's answer could not be read".into(),
                reason: other.to_string(),
            },
        }
    }
}

/// The name of a return code in the standard: `PinIncorrect` is `CKR_PIN_INCORRECT`.
pub(super) fn code_name(code: RvError) -> String {
    match code {
        RvError::VendorDefined(number) => format!("CKR_VENDOR_DEFINED ({number:#010x})"),
        RvError::UnknownErrorCode(number) => format!("unknown return code {number:#010x}"),
        known => {
            let mut name = String::from("CKR");
            for letter in format!("{known:?}").chars() {
                if letter.is_ascii_uppercase() {
                    name.push('_');
                }
                name.push(letter.to_ascii_uppercase());
            }
            name
        }
    }
}

/// Codes that drivers give when the token left, or left and came back under an old session.
pub(super) fn means_gone(code: RvError) -> bool {
    matches!(
        code,
        RvError::CryptokiNotInitialized
            | RvError::DeviceError
            | RvError::DeviceRemoved
            | RvError::SessionClosed
            | RvError::SessionHandleInvalid
            | RvError::SlotIdInvalid
            | RvError::TokenNotPresent
            | RvError::TokenNotRecognized
            | RvError::UserNotLoggedIn
    )
}

fn found_tokens(found: &[String]) -> String {
    if found.is_empty() {
        ", nor any other. Plug it in, and see whether its reader's service runs".into()
    } else {
        format!(
            "; there is {}. Choose with --token, --serial or --slot, or plug the right one in",
            found.join("; ")
        )
    }
}

fn found_keys(found: &[String]) -> String {
    if found.is_empty() {
        "it holds no private key that this PIN opens".into()
    } else {
        format!("it holds {}. Name one of them by its label, or by its id as hex:…", found.join("; "))
    }
}

fn those_offered(offered: &[String]) -> String {
    if offered.is_empty() { String::new() } else { format!(" (it offers {})", offered.join(", ")) }
}

/// The loader begins its sentence with the path, which was said already.
fn without_path<'a>(reason: &'a str, path: &Path) -> &'a str {
    reason.strip_prefix(&format!("{}: ", path.display())).unwrap_or(reason)
}

fn hint(reason: &str) -> &'static str {
    let lower = reason.to_ascii_lowercase();
    if lower.contains("elfclass") || lower.contains("elf class") || lower.contains("not a valid win32") {
        ". The module is built for another processor width: a 64-bit kyso needs the vendor's 64-bit module"
    } else if lower.contains("no such file") {
        ". Check the path; `find /usr -name '*pkcs11*.so'` or the vendor's manual names the module"
    } else if lower.contains("undefined symbol") || lower.contains("missing pkcs#11 symbol") {
        ". It is a shared library, but not a PKCS#11 module"
    } else if lower.contains("invalid elf header") || lower.contains("file too short") {
        ". It is not a shared library"
    } else {
        ""
    }
}

fn advice(code: &str) -> &'static str {
    match code {
        "CKR_PIN_EXPIRED" => ". The PIN has expired: change it with the vendor's tool, then repeat",
        "CKR_PIN_LEN_RANGE" => ". The PIN is shorter or longer than the token takes",
        "CKR_USER_PIN_NOT_INITIALIZED" => ". The token has no user PIN yet: set one with the vendor's tool",
        "CKR_KEY_FUNCTION_NOT_PERMITTED" => ". This key may not sign: choose another",
        "CKR_KEY_HANDLE_INVALID" | "CKR_OBJECT_HANDLE_INVALID" => {
            ". The key is not there any more; repeat to look it up again"
        }
        "CKR_DEVICE_MEMORY" => ". The token is full",
        "CKR_SESSION_COUNT" => ". Other programs hold all the token's sessions: close them and repeat",
        "CKR_HOST_MEMORY" => ". The machine is out of memory",
        "CKR_USER_ANOTHER_ALREADY_LOGGED_IN" => {
            ". Somebody else is logged in to the token: close that program"
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_the_names_of_the_standard() {
        for (code, name) in [
            (RvError::PinIncorrect, "CKR_PIN_INCORRECT"),
            (RvError::UserNotLoggedIn, "CKR_USER_NOT_LOGGED_IN"),
            (RvError::MechanismInvalid, "CKR_MECHANISM_INVALID"),
            (RvError::VendorDefined(0x8000_0001), "CKR_VENDOR_DEFINED (0x80000001)"),
        ] {
            assert_eq!(code_name(code), name);
        }
    }

    #[test]
    fn an_error_names_function_and_code_and_says_what_to_do() {
        let wrong = TokenError::WrongPin {
            function: "C_Login".into(),
            code: code_name(RvError::PinIncorrect),
            left: TriesLeft::One,
        };
        assert_eq!(
            wrong.to_string(),
            "C_Login: CKR_PIN_INCORRECT: the PIN is wrong; one more wrong PIN locks the token. kyso will not send the same PIN again"
        );
        let removed = TokenError::from_code("C_Sign", RvError::DeviceRemoved);
        assert!(removed.is_gone());
        assert!(removed.to_string().contains("C_Sign: CKR_DEVICE_REMOVED"), "{removed}");
        let width = TokenError::Module {
            path: "/opt/vendor/lib32.so".into(),
            reason: "wrong ELF class: ELFCLASS32".into(),
        };
        assert!(width.to_string().contains("64-bit module"), "{width}");
    }
}
