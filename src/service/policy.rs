//! The validation policy that somebody asks for: one of those built in, or a file.

use std::{io, path::Path};

use crate::{
    crypto::policy::CryptographicPolicy,
    validation::{Policy, PolicyFileError, words::Language},
};

/// The policy of this name, or in this file. A cryptographic policy that the file names is one of those built in, or a
/// file beside it.
///
/// # Errors
///
/// When there is none, or it cannot be used.
pub fn read_policy(name: &str) -> Result<Policy, PolicyError> {
    if let Some(policy) = Policy::built_in(name) {
        return Ok(policy);
    }
    let path = Path::new(name);
    let text = std::fs::read_to_string(path)
        .map_err(|source| PolicyError::Absent { name: name.to_owned(), source })?;
    let beside = path.parent().unwrap_or(Path::new(""));
    Policy::from_toml(&text, |cryptographic| read_cryptographic(cryptographic, beside))
        .map_err(|source| PolicyError::File { name: name.to_owned(), source })
}

fn read_cryptographic(name: &str, folder: &Path) -> Result<CryptographicPolicy, String> {
    if let Some(policy) = CryptographicPolicy::built_in(name) {
        return Ok(policy);
    }
    let text = std::fs::read_to_string(folder.join(name)).map_err(|error| error.to_string())?;
    CryptographicPolicy::from_toml(&text).map_err(|error| error.to_string())
}

/// Why there is no policy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// Neither built in nor a file.
    #[error(
        "there is no policy {name:?}: it is none of {}, and no file can be read ({source})",
        Policy::BUILT_IN.join(", ")
    )]
    Absent {
        /// What was asked for.
        name: String,
        /// What the system said of the file.
        source: io::Error,
    },
    /// The file cannot be used.
    #[error("the policy file {name} cannot be used: {source}")]
    File {
        /// The file.
        name: String,
        /// Where and why.
        source: PolicyFileError,
    },
}

impl PolicyError {
    /// What happened and what to do, in one language.
    pub fn tell(&self, language: Language) -> String {
        match (self, language) {
            (_, Language::English) => self.to_string(),
            (Self::Absent { name, source }, Language::Vietnamese) => format!(
                "không có chính sách {name:?}: không thuộc {}, và không đọc được tệp ({source})",
                Policy::BUILT_IN.join(", ")
            ),
            (Self::File { name, source }, Language::Vietnamese) => {
                format!("không dùng được tệp chính sách {name}: {source}")
            }
        }
    }
}
