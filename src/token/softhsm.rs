//! SoftHSM, the software token of Debian and Ubuntu: where it is, and a configuration of its own for the demo and tests.
//!
//! SoftHSM learns its configuration from the environment variable `SOFTHSM2_CONF` only, and reads it at `C_Initialize`.
//! Changing the environment of a running process is unsound once there are other threads (drivers call `getenv`), so
//! kyso never does: a process that needs it is started with it ([`SoftHsm::variable`]), or starts itself over
//! ([`SoftHsm::enter`], Unix `exec`).

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::Module;

/// SoftHSM with a configuration and tokens in one folder.
#[derive(Clone, Debug)]
pub struct SoftHsm {
    library: PathBuf,
    configuration: PathBuf,
}

impl SoftHsm {
    /// The module's file: `KYSO_SOFTHSM`, else the places where Debian, Ubuntu, Fedora and Homebrew put it.
    pub fn library() -> Option<PathBuf> {
        let named = std::env::var_os("KYSO_SOFTHSM").filter(|value| !value.is_empty()).map(PathBuf::from);
        named.or_else(|| PLACES.iter().map(PathBuf::from).find(|path| path.is_file()))
    }

    /// Writes the configuration to `folder/softhsm2.conf`, with the tokens in `folder/tokens`.
    ///
    /// `None` when SoftHSM is not installed.
    ///
    /// # Errors
    ///
    /// When the folder cannot be written.
    pub fn prepare(folder: &Path) -> io::Result<Option<Self>> {
        let Some(library) = Self::library() else { return Ok(None) };
        let tokens = folder.join("tokens");
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&tokens)?;
        let tokens = fs::canonicalize(tokens)?;
        let configuration = fs::canonicalize(folder)?.join("softhsm2.conf");
        let text = format!(
            "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n",
            tokens.display()
        );
        fs::write(&configuration, text)?;
        Ok(Some(Self { library, configuration }))
    }

    /// The module.
    pub fn module(&self) -> Module {
        Module::Path(self.library.clone())
    }

    /// The environment variable that a process needs before it loads the module.
    pub fn variable(&self) -> (&'static str, &Path) {
        ("SOFTHSM2_CONF", &self.configuration)
    }

    /// Whether this process has the variable already.
    pub fn is_entered(&self) -> bool {
        let (name, value) = self.variable();
        std::env::var_os(name).is_some_and(|set| Path::new(&set) == value)
    }

    /// Makes sure that this process has the variable: returns when it does, else starts the program over with the same
    /// arguments and the variable set, in the same process. Call it before anything else was begun.
    ///
    /// # Errors
    ///
    /// When the program cannot be started over.
    #[cfg(unix)]
    pub fn enter(&self) -> io::Result<()> {
        use std::os::unix::process::CommandExt as _;

        if self.is_entered() {
            return Ok(());
        }
        let (name, value) = self.variable();
        let mut arguments = std::env::args_os();
        let called = arguments.next();
        let mut again = std::process::Command::new(std::env::current_exe()?);
        if let Some(called) = called {
            again.arg0(called);
        }
        Err(again.args(arguments).env(name, value).exec())
    }
}

const PLACES: [&str; 6] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
];
