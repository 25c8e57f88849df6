//! Where a PIN comes from when nobody types it: a file descriptor, a file, or the environment. Never an argument.

use std::{
    fs::File,
    io::Read,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use zeroize::Zeroizing;

use super::TokenError;
use crate::base::{Password, Pin};

/// A place to read a PIN from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PinSource {
    /// The variable `KYSO_PIN`.
    Environment,
    /// An open file descriptor of this process: a pipe or a file.
    Fd(u32),
    /// A file that belongs to this user and that nobody else may read (mode 600 or 400).
    File(PathBuf),
}

impl PinSource {
    /// Whether there is something to read; `true` for the explicit sources, which say what is wrong when read.
    pub fn is_set(&self) -> bool {
        match self {
            Self::Environment => {
                KEPT.lock().unwrap_or_else(PoisonError::into_inner).is_some()
                    || std::env::var_os(VARIABLE).is_some()
            }
            Self::Fd(_) | Self::File(_) => true,
        }
    }

    /// Reads the PIN: everything up to the end, without a line break at the end.
    ///
    /// # Errors
    ///
    /// When it cannot be read, is empty or longer than 255 bytes, or when others may read the file.
    pub fn read(&self) -> Result<Pin, TokenError> {
        match self {
            Self::Environment => take_kept()
                .or_else(|| std::env::var_os(VARIABLE).map(|value| Pin::new(value.into_encoded_bytes())))
                .ok_or_else(|| unusable(VARIABLE, "the variable is not set"))
                .and_then(|pin| {
                    if pin.reveal().is_empty() { Err(unusable(VARIABLE, "it is empty")) } else { Ok(pin) }
                }),
            Self::Fd(number) => {
                let what = format!("file descriptor {number}");
                let file = File::open(format!("/dev/fd/{number}"))
                    .map_err(|error| unusable(&what, &format!("it cannot be read: {error}")))?;
                read_all(file, &what)
            }
            Self::File(path) => {
                let what = format!("the PIN file {}", path.display());
                let file = File::open(path).map_err(|error| unusable(&what, &error.to_string()))?;
                only_ours(&file).map_err(|reason| unusable(&what, &reason))?;
                read_all(file, &what)
            }
        }
    }
}

/// Takes `KYSO_PIN` out of the environment and keeps it for [`PinSource::Environment`]; likewise
/// `KYSO_PDF_PASSWORD` for [`document_password`].
///
/// For the first line of `main`: neither `/proc/PID/environ` nor a child process shows the PIN afterwards. Where this
/// cannot be done soundly (another thread runs already, or the system does not say) the variable stays, and is only
/// read.
pub fn take_from_environment() {
    let value = |name| std::env::var_os(name).map(std::ffi::OsString::into_encoded_bytes);
    if let Some(pin) = value(VARIABLE).map(Pin::new)
        && wipe_variable(VARIABLE)
    {
        *KEPT.lock().unwrap_or_else(PoisonError::into_inner) = Some(pin);
    }
    if let Some(password) = value(PASSWORD_VARIABLE).map(Password::new)
        && wipe_variable(PASSWORD_VARIABLE)
    {
        *KEPT_PASSWORD.lock().unwrap_or_else(PoisonError::into_inner) = Some(password);
    }
}

/// What `KYSO_PDF_PASSWORD` held: the password of encrypted documents, which no token has to do with.
pub fn document_password() -> Option<Password> {
    let kept = KEPT_PASSWORD.lock().unwrap_or_else(PoisonError::into_inner).take();
    kept.or_else(|| Some(Password::new(std::env::var_os(PASSWORD_VARIABLE)?.into_encoded_bytes())))
}

fn take_kept() -> Option<Pin> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// Overwrites and removes the variable. Whether it was done.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "the environment can be changed in no other way")]
fn wipe_variable(variable: &str) -> bool {
    let alone = std::fs::read_dir("/proc/self/task").is_ok_and(|tasks| tasks.count() == 1);
    if !alone {
        return false;
    }
    let Ok(name) = std::ffi::CString::new(variable) else { return false };
    // SAFETY: this thread is the only one (checked right above, and a thread cannot come from nowhere), so nobody reads
    // or changes the environment meanwhile. `getenv` gives null or a zero-terminated string in writable memory of the
    // process, and exactly its bytes are overwritten. `remove_var` asks for the same: no other thread.
    unsafe {
        let value = libc::getenv(name.as_ptr());
        if !value.is_null() {
            let len = libc::strlen(value);
            for at in 0..len {
                value.add(at).write_volatile(0);
            }
        }
        std::env::remove_var(variable);
    }
    true
}

#[cfg(not(target_os = "linux"))]
fn wipe_variable(_variable: &str) -> bool {
    false
}

/// Nobody but the owner may read or write the file, and the owner is this process's user.
#[cfg(unix)]
#[expect(unsafe_code, reason = "the standard library does not say who runs the process")]
fn only_ours(file: &File) -> Result<(), String> {
    use std::os::unix::fs::MetadataExt as _;

    let facts = file.metadata().map_err(|error| error.to_string())?;
    if !facts.is_file() {
        return Err("it is not a plain file".into());
    }
    let mode = facts.mode() & 0o777;
    if mode & 0o177 != 0 {
        return Err(format!("others may read or run it (mode {mode:03o}); say: chmod 600 on it"));
    }
    // SAFETY: `geteuid` takes nothing, changes nothing and cannot fail.
    let user = unsafe { libc::geteuid() };
    if facts.uid() != user {
        return Err("it belongs to another user".into());
    }
    Ok(())
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
fn only_ours(_file: &File) -> Result<(), String> {
    Ok(())
}

fn read_all(file: File, what: &str) -> Result<Pin, TokenError> {
    // Filled in place: a buffer that grows would leave copies behind.
    let mut buffer = Zeroizing::new([0_u8; LONGEST + 3]);
    let mut len = 0;
    while len < buffer.len() {
        let rest = buffer.get_mut(len..).unwrap_or_default();
        match (&file).read(rest) {
            Ok(0) => break,
            Ok(count) => len += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unusable(what, &error.to_string())),
        }
    }
    let mut pin = buffer.get(..len).unwrap_or_default();
    pin = pin.strip_suffix(b"\n").unwrap_or(pin);
    pin = pin.strip_suffix(b"\r").unwrap_or(pin);
    if pin.is_empty() {
        return Err(unusable(what, "it is empty"));
    }
    if pin.len() > LONGEST {
        return Err(unusable(what, "it holds more than a PIN (255 bytes)"));
    }
    Ok(Pin::new(pin.to_vec()))
}

fn unusable(what: &str, reason: &str) -> TokenError {
    TokenError::Unusable { what: what.to_owned(), reason: reason.to_owned() }
}

/// The PIN of the environment, between the start of the program and its use.
static KEPT: Mutex<Option<Pin>> = Mutex::new(None);

const VARIABLE: &str = "KYSO_PIN";

/// As [`KEPT`].
static KEPT_PASSWORD: Mutex<Option<Password>> = Mutex::new(None);

const PASSWORD_VARIABLE: &str = "KYSO_PDF_PASSWORD";

/// In bytes; the longest PIN that any token takes.
const LONGEST: usize = 255;

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn file(content: &[u8], mode: u32) -> (tempfile::TempDir, PinSource) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pin");
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        (folder, PinSource::File(path))
    }

    #[test]
    fn a_file_gives_its_line() {
        for content in [&b"24 68"[..], b"24 68\n", b"24 68\r\n"] {
            let (_folder, source) = file(content, 0o600);
            assert_eq!(source.read().unwrap().reveal(), b"24 68");
        }
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        for mode in [0o644, 0o640, 0o660, 0o604, 0o700] {
            let (_folder, source) = file(b"2468", mode);
            let refused = source.read().unwrap_err().to_string();
            assert!(refused.contains("chmod 600"), "{refused}");
            assert!(!refused.contains("2468"));
        }
    }

    #[test]
    fn a_file_that_is_no_pin_is_refused() {
        for content in [&b""[..], b"\n", &[b'1'; 256], &vec![b'1'; 100_000]] {
            let (_folder, source) = file(content, 0o600);
            assert!(source.read().is_err());
        }
        let (_folder, source) = file(&[b'1'; 255], 0o600);
        assert_eq!(source.read().unwrap().reveal().len(), 255);
    }
}
