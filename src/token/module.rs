//! Loading drivers, each once in a process.

use std::{
    collections::HashMap,
    ffi::{CStr, CString},
    path::{Path, PathBuf},
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::Duration,
};

use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Function, Pkcs11},
    error::{Error as CryptokiError, RvError},
};

use super::{
    Module,
    driver::Driver,
    error::{TokenError, code_name},
    lanes::Gate,
    raw::Raw,
    worker::{Progress, Worker},
};

/// The worker of a module, started when it is first asked for.
///
/// All folders of the built-in token share one worker, since its state is one for the process.
pub(super) fn worker(module: &Module) -> Result<Arc<Worker<Driver>>, TokenError> {
    let key = match module {
        Module::Embedded(_) => None,
        Module::Path(path) => Some(std::fs::canonicalize(path).unwrap_or_else(|_| path.clone())),
    };
    let mut workers = WORKERS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(worker) = workers.get(&key) {
        return Ok(Arc::clone(worker));
    }
    let name = match &key {
        None => "embedded".to_owned(),
        Some(path) => path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
    };
    let module = module.clone();
    let worker = Worker::start(&name, |progress| Driver::new(module, progress))?;
    workers.insert(key, Arc::clone(&worker));
    Ok(worker)
}

/// Workers by canonical path; `None` is the built-in token. Never emptied: a vendor's library that is unloaded or
/// finalized under somebody's feet takes the process with it.
static WORKERS: LazyLock<Mutex<Workers>> = LazyLock::new(Mutex::default);

type Workers = HashMap<Option<PathBuf>, Arc<Worker<Driver>>>;

/// A module that is loaded and initialized.
pub(super) struct Loaded {
    pub(super) pkcs11: Pkcs11,
    pub(super) raw: Arc<Raw>,
    /// Whether several threads may call it.
    pub(super) locks: bool,
    pub(super) gate: Arc<Gate>,
}

impl Loaded {
    /// Loads and initializes a shared library.
    pub(super) fn library(path: &Path, progress: &Progress) -> Result<Self, TokenError> {
        let unusable = |reason: String| TokenError::Module { path: path.to_owned(), reason };
        progress.at("the loading of the module");
        hold(path).map_err(unusable)?;
        let pkcs11 = Pkcs11::new(path).map_err(|error| unusable(error.to_string()))?;
        progress.at("C_Initialize");
        let locks = initialize(&pkcs11).map_err(unusable)?;
        let raw = Arc::new(Raw::of_library(path)?);
        tracing::debug!(module = %path.display(), locks, "PKCS#11 module initialized");
        Ok(Self { pkcs11, raw, locks, gate: Arc::default() })
    }

    /// The built-in token, with one more database file.
    #[cfg(feature = "embedded-token")]
    pub(super) fn embedded(file: &Path, name: &CStr, progress: &Progress) -> Result<Self, TokenError> {
        super::embedded::keep();
        let pkcs11 = Pkcs11::new_from_self()
            .map_err(|error| TokenError::Module { path: file.to_owned(), reason: error.to_string() })?;
        let raw = Arc::new(Raw::of_embedded()?);
        let loaded = Self { pkcs11, raw, locks: true, gate: Arc::default() };
        loaded.add_file(file, name, progress)?;
        Ok(loaded)
    }

    /// The built-in token, which is not in this binary.
    #[cfg(not(feature = "embedded-token"))]
    pub(super) fn embedded(file: &Path, _name: &CStr, _progress: &Progress) -> Result<Self, TokenError> {
        Err(not_built_in(file))
    }

    /// Gives the built-in token one more database file, which appears as one more slot.
    ///
    /// kryoptic takes the file's name as the reserved argument of `C_Initialize`, and adds the slot even when it
    /// answers that it was initialized before.
    pub(super) fn add_file(&self, file: &Path, name: &CStr, progress: &Progress) -> Result<(), TokenError> {
        let reserved = std::ptr::NonNull::from(name).cast();
        // SAFETY: kryoptic reads the reserved argument as a zero-terminated string during the call only; `name` is one
        // and outlives this function. No other module is ever initialized through here.
        let args = unsafe { CInitializeArgs::new_with_reserved(CInitializeFlags::OS_LOCKING_OK, reserved) };
        progress.at("C_Initialize");
        match self.pkcs11.initialize(args) {
            Ok(()) | Err(CryptokiError::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => Ok(()),
            Err(error) => Err(TokenError::Module { path: file.to_owned(), reason: described(&error) }),
        }
    }

    /// `C_Finalize` and `C_Initialize`: some drivers notice a returned token in no other way.
    pub(super) fn restart(&self, progress: &Progress) -> Result<(), TokenError> {
        progress.at("C_Sign");
        let _alone =
            self.gate.next_round(LEAVING).ok_or_else(|| TokenError::Stuck { function: "C_Sign".into() })?;
        progress.at("C_Finalize");
        match self.pkcs11.clone().finalize() {
            Ok(()) | Err(CryptokiError::Pkcs11(RvError::CryptokiNotInitialized, _)) => {}
            Err(error) => return Err(error.into()),
        }
        progress.at("C_Initialize");
        initialize(&self.pkcs11)
            .map(drop)
            .map_err(|code| TokenError::Pkcs11 { function: "C_Initialize".into(), code })
    }
}

/// How long a fresh start waits for lanes to come out of the driver.
const LEAVING: Duration = Duration::from_secs(5);

#[cfg(not(feature = "embedded-token"))]
pub(super) fn not_built_in(path: &Path) -> TokenError {
    TokenError::Module {
        path: path.to_owned(),
        reason: "this kyso was built without the token of its own (cargo feature embedded-token)".into(),
    }
}

/// The path of a database file as kryoptic takes it.
pub(super) fn file_name(file: &Path) -> Result<CString, TokenError> {
    let unusable = |reason: &str| TokenError::Module { path: file.to_owned(), reason: reason.into() };
    let name = file.to_str().ok_or_else(|| unusable("the path is not UTF-8"))?;
    CString::new(name).map_err(|_| unusable("the path holds a zero byte"))
}

/// With locking by the operating system where the module can, without where it cannot. Whether it can: where not, one
/// thread calls it.
fn initialize(pkcs11: &Pkcs11) -> Result<bool, String> {
    let mut locks = true;
    let mut answer = pkcs11.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK));
    if matches!(
        answer,
        Err(CryptokiError::Pkcs11(RvError::CantLock | RvError::ArgumentsBad, Function::Initialize))
    ) {
        answer = pkcs11.initialize(CInitializeArgs::new(CInitializeFlags::empty()));
        locks = false;
    }
    match answer {
        Ok(()) => Ok(locks),
        // Another part of the program uses the same library; that is its right. Nobody knows how it asked.
        Err(CryptokiError::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => Ok(false),
        Err(error) => Err(described(&error)),
    }
}

fn described(error: &CryptokiError) -> String {
    match error {
        CryptokiError::Pkcs11(code, function) => format!("C_{function:?}: {}", code_name(*code)),
        other => other.to_string(),
    }
}

/// Loads a library for ever, with its own symbols before the program's.
///
/// The built-in token gives this program a `C_GetFunctionList` of its own. A vendor's module that calls its own by name
/// would reach ours, but for `RTLD_DEEPBIND`. The reference is never given back, so the library is never unloaded.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn hold(path: &Path) -> Result<(), String> {
    use std::{
        ffi::{CStr, CString},
        os::unix::ffi::OsStrExt,
    };

    let name =
        CString::new(path.as_os_str().as_bytes()).map_err(|_| "the path holds a zero byte".to_owned())?;
    // SAFETY: the name is zero-terminated. Loading runs the library's constructors: that is what the person asked for
    // by naming the module.
    let handle =
        unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL | libc::RTLD_DEEPBIND) };
    if !handle.is_null() {
        return Ok(());
    }
    // SAFETY: `dlerror` gives null or a zero-terminated text that stays until this thread's next call of the loader.
    let said = unsafe {
        let text = libc::dlerror();
        if text.is_null() { None } else { Some(CStr::from_ptr(text).to_string_lossy().into_owned()) }
    };
    Err(said.unwrap_or_else(|| "the loader did not say why".into()))
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
fn hold(_path: &Path) -> Result<(), String> {
    Ok(())
}
