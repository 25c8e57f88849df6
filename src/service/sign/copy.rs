//! The copy that becomes the output.

use std::{
    fs::File,
    io::{self, Write},
    path::Path,
    sync::Arc,
};

use tempfile::{NamedTempFile, TempPath};

use super::SignError;
use crate::{
    base::{DigestAlgorithm, HashedSource, Password, ProtectedSource, Source, digest::Hasher},
    store::FileSource,
};

/// A copy of the input that will become the output, beside it, so that the last step is a rename.
pub(in crate::service) struct Copy {
    file: NamedTempFile,
    prefix_len: u64,
    prefix: Hasher,
    password: Option<Arc<Password>>,
}

impl Copy {
    pub(in crate::service) fn of(
        input: &dyn Source,
        output: &Path,
        algorithm: DigestAlgorithm,
    ) -> Result<Self, SignError> {
        Self::within(folder_of(output), input, output, algorithm)
    }

    /// As [`Copy::of`], in a folder on the disk of the output.
    pub(super) fn within(
        folder: &Path,
        input: &dyn Source,
        output: &Path,
        algorithm: DigestAlgorithm,
    ) -> Result<Self, SignError> {
        let unwritten = unwritten(output);
        let file = NamedTempFile::new_in(folder).map_err(&unwritten)?;
        let prefix_len = input.len();
        let mut prefix = Hasher::new(algorithm);
        let mut piece = vec![0; PIECE.min(usize::try_from(prefix_len).unwrap_or(PIECE))];
        let mut at = 0;
        while at < prefix_len {
            let take = usize::try_from(prefix_len - at).unwrap_or(PIECE).min(PIECE);
            input.read_at(at, &mut piece[..take]).map_err(|source| SignError::Input { source })?;
            prefix.update(&piece[..take]);
            file.as_file().write_all(&piece[..take]).map_err(&unwritten)?;
            at += take as u64;
        }
        Ok(Self { file, prefix_len, prefix, password: input.password() })
    }

    /// A file that `write` makes, where there is nothing to copy.
    pub(in crate::service) fn made<E: From<SignError>>(
        output: &Path,
        write: impl FnOnce(&mut File) -> Result<(), E>,
    ) -> Result<Self, E> {
        let unwritten = |source| SignError::Output { path: output.to_owned(), source };
        let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty());
        let mut file = NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map_err(unwritten)?;
        write(file.as_file_mut())?;
        Ok(Self { file, prefix_len: 0, prefix: Hasher::new(DigestAlgorithm::Sha256), password: None })
    }

    pub(in crate::service) fn source(&self) -> Result<Arc<dyn Source>, SignError> {
        let unread = |source| SignError::Input { source };
        let file = FileSource::of(self.file.as_file().try_clone().map_err(unread)?).map_err(unread)?;
        let hashed = HashedSource::new(file, self.prefix_len, self.prefix.clone());
        Ok(Arc::new(ProtectedSource::new(hashed, self.password.clone())))
    }

    pub(in crate::service) fn append(&mut self, tail: &[u8]) -> Result<(), SignError> {
        let path = self.file.path().to_owned();
        self.file.as_file_mut().write_all(tail).map_err(|source| SignError::Output { path, source })
    }

    /// Durable first, visible second.
    pub(in crate::service) fn release(self, output: &Path) -> Result<(), SignError> {
        self.sync(output)?;
        self.file.persist(output).map_err(|error| unwritten(output)(error.error))?;
        sync_folder(folder_of(output)).map_err(unwritten(output))
    }

    /// Makes the bytes durable.
    pub(super) fn sync(&self, output: &Path) -> Result<(), SignError> {
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        self.file.as_file().set_permissions(permissions).map_err(unwritten(output))?;
        self.file.as_file().sync_all().map_err(unwritten(output))
    }

    /// The copy as it lies there, neither durable nor under its name; gone when the value is dropped.
    pub(super) fn into_temp_path(self) -> TempPath {
        self.file.into_temp_path()
    }

    /// Makes the bytes visible under a name that nobody has.
    pub(super) fn reveal(self, output: &Path) -> Result<(), SignError> {
        match self.file.persist_noclobber(output) {
            Ok(_) => Ok(()),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                Err(SignError::Exists { path: output.to_owned() })
            }
            Err(error) => Err(unwritten(output)(error.error)),
        }
    }
}

/// The folder that a file is in.
pub(in super::super) fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes the names in a folder durable.
pub(in super::super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn unwritten(output: &Path) -> impl Fn(io::Error) -> SignError + '_ {
    |source| SignError::Output { path: output.to_owned(), source }
}

/// Bytes copied and hashed at a time.
const PIECE: usize = 1024 * 1024;
