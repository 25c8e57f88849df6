//! What `kyso sign` asks of the document and of the certificate before anybody is asked for a PIN.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    password::{self, PasswordArgs},
    sign::Failure,
    verify::language,
};
use crate::{
    base::{Limits, ProtectedSource, Source},
    pdf::{Document, Finding, PdfError},
    service::{
        repair::{Repaired, repaired},
        sign::SignError,
        signer_check::{Cleared, SignerCheck, SignerWarning},
    },
    signing::SigningError,
    store::FileSource,
    x509::{Certificate, algorithm::SignatureScheme},
};

/// How much is forgiven.
#[derive(Debug, clap::Args)]
pub(super) struct InputArgs {
    #[command(flatten)]
    password: PasswordArgs,
    /// Rebuild a PDF whose cross-reference is broken, and sign the rebuilt one. Says what it did. A file that holds a
    /// signature is never rebuilt
    #[arg(long, help_heading = "Signature")]
    pub(super) repair: bool,
    /// Sign although the certificate's key usage or extended key usage is for something else
    #[arg(long, help_heading = "Certificates")]
    pub(super) allow_key_usage: bool,
    /// What to do when it cannot be found out whether the certificate was revoked
    #[arg(long, value_enum, default_value_t, value_name = "WHAT", help_heading = "Certificates")]
    unknown_status: UnknownStatus,
}

/// What follows from a status that is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum UnknownStatus {
    /// Say so and go on (TT 15/2025 annex II)
    #[default]
    Warn,
    /// Do not sign
    Refuse,
}

impl InputArgs {
    /// The PDF at `path`, with the password that opens it where it needs one, and rebuilt beside `output` if that was
    /// asked for.
    pub(super) fn open(&self, path: &Path, output: &Path, limits: &Limits) -> Result<Repaired, Failure> {
        let open =
            || FileSource::open(path).map_err(|source| Failure::Input { path: path.to_owned(), source });
        let with = |password| Ok::<_, Failure>(Arc::new(ProtectedSource::new(open()?, password)));
        let input = with(self.password.read().map_err(Failure::Usage)?)?;
        let (input, outcome): (Arc<dyn Source>, _) = match Document::open(input.clone(), limits) {
            Err(PdfError::Encrypted) => match password::ask(&path.display().to_string()) {
                Some(typed) => {
                    let input = with(Some(typed))?;
                    (input.clone(), Document::open(input, limits))
                }
                None => (input, Err(PdfError::Encrypted)),
            },
            outcome => (input, outcome),
        };
        if self.repair {
            let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty());
            return Ok(repaired(input, limits, folder.unwrap_or(Path::new(".")))?);
        }
        match outcome {
            Ok(_) => Ok(Repaired::unchanged(input)),
            Err(error @ PdfError::Damaged { .. }) => Err(Failure::Damaged(error)),
            Err(error) => Err(SignError::from(error).into()),
        }
    }

    /// A file of any kind, as it is.
    pub(super) fn open_any(path: PathBuf) -> Result<Repaired, Failure> {
        let file = FileSource::open(&path).map_err(|source| Failure::Input { path, source })?;
        Ok(Repaired::unchanged(Arc::new(file)))
    }

    /// The certificate's whole check, its warnings said at once: somebody may stop at the PIN.
    pub(super) fn check(
        &self,
        check: &SignerCheck<'_>,
        certificate: &Certificate,
        chain: &[Certificate],
        scheme: SignatureScheme,
    ) -> Result<Cleared, SignError> {
        let cleared = check.check(certificate, chain, scheme)?;
        for warning in cleared.warnings() {
            let words = warning.tell(language(None));
            if self.unknown_status == UnknownStatus::Refuse && matches!(warning, SignerWarning::Status { .. })
            {
                return Err(SigningError::Certificate { reason: words }.into());
            }
            eprintln!("kyso sign: warning: {words}");
        }
        Ok(cleared)
    }
}

/// What was done to the document and is not known of the certificate, for the end of the work.
pub(super) struct Notes {
    pub(super) repair: Vec<Finding>,
    pub(super) warnings: Vec<String>,
}

impl Notes {
    pub(super) fn of(repair: Vec<Finding>, cleared: &Cleared) -> Self {
        let warnings = cleared.warnings().iter().map(|warning| warning.tell(language(None)));
        Self { repair, warnings: warnings.collect() }
    }

    /// In lines, for people; the warnings were said before.
    pub(super) fn tell(&self) {
        for Finding { offset, what, .. } in &self.repair {
            let place = offset.map_or_else(String::new, |offset| format!(" (byte {offset})"));
            println!("rebuilt   {what}{place}");
        }
    }
}
