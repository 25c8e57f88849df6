//! The arguments by which a verb is given the password of an encrypted document.

use std::{
    fs::File,
    io::IsTerminal as _,
    io::Read as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use zeroize::Zeroizing;

use crate::{
    base::{Limits, Password},
    pdf::{Document, PdfError},
    store::FileSource,
    token::pin_source,
};

/// Where the password of an encrypted document comes from: `--password-fd`, `--password-file`, or the variable
/// `KYSO_PDF_PASSWORD`, in this order. The empty password is tried without being asked for.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Password of an encrypted document (or the variable KYSO_PDF_PASSWORD)")]
pub(super) struct PasswordArgs {
    /// Read the document's password from an open file descriptor, such as 4 with `4<password.txt`
    #[arg(long, value_name = "N", conflicts_with = "password_file")]
    pub(super) password_fd: Option<u32>,
    /// Read the document's password from the first line of a file
    #[arg(long, value_name = "FILE")]
    pub(super) password_file: Option<PathBuf>,
}

impl PasswordArgs {
    /// Reads the password, if one is given at all.
    pub(super) fn read(&self) -> Result<Option<Arc<Password>>, String> {
        let file = match (self.password_fd, &self.password_file) {
            (Some(number), _) => PathBuf::from(format!("/dev/fd/{number}")),
            (None, Some(path)) => path.clone(),
            (None, None) => return Ok(pin_source::document_password().map(Arc::new)),
        };
        let unreadable = |why: &dyn std::fmt::Display| {
            format!("the document's password cannot be read from {}: {why}", file.display())
        };
        // Filled in place: a buffer that grows would leave copies behind.
        let mut buffer = Zeroizing::new([0_u8; LONGEST + 3]);
        let mut len = 0;
        let mut source = File::open(&file).map_err(|error| unreadable(&error))?;
        while let Some(rest) = buffer.get_mut(len..).filter(|rest| !rest.is_empty()) {
            match source.read(rest) {
                Ok(0) => break,
                Ok(count) => len += count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(unreadable(&error)),
            }
        }
        let text = buffer.get(..len).unwrap_or_default();
        let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() > LONGEST {
            return Err(unreadable(&format!("it is longer than {LONGEST} bytes")));
        }
        Ok(Some(Arc::new(Password::new(line.to_vec()))))
    }
}

impl PasswordArgs {
    /// The password of a PDF, asked for at the terminal where none is given and the file needs one.
    pub(super) fn read_for(&self, path: &Path) -> Result<Option<Arc<Password>>, String> {
        if let Some(password) = self.read()? {
            return Ok(Some(password));
        }
        // What else is wrong with the file is said by whoever reads it.
        let Ok(source) = FileSource::open(path) else { return Ok(None) };
        match Document::open(Arc::new(source), &Limits::default()) {
            Err(PdfError::Encrypted) => Ok(ask(&path.display().to_string())),
            _ => Ok(None),
        }
    }
}

/// Asks for the password of `document` at the terminal; `None` where there is none, or nothing was entered.
pub(super) fn ask(document: &str) -> Option<Arc<Password>> {
    if !std::io::stdin().is_terminal() {
        return None;
    }
    let typed = rpassword::prompt_password(format!("Password of {document}: ")).ok()?;
    (!typed.is_empty()).then(|| Arc::new(Password::new(typed.into_bytes())))
}

/// In bytes; the standard's own passwords end at 127.
const LONGEST: usize = 1024;
