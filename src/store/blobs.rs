//! Document bytes, by SHA-256: `sha256/ab/cd…` under one folder.
//!
//! Trusted for nothing: whoever reads compares the digest. Its loss is the loss of the documents, so it is backed up
//! together with the database. A file is complete and flushed, and so is its folder, before its name exists; the row
//! that names it comes after.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, Permissions},
    io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use object_store::{
    MultipartUpload as _, ObjectStoreExt as _, PutPayload, local::LocalFileSystem, path::Path as Key,
};

use super::FileSource;
use crate::base::{Digest, DigestAlgorithm, Sha256, Source, digest::Hasher};

/// A folder of files named by their SHA-256. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Blobs {
    folder: PathBuf,
    /// None when opened for looking only.
    store: Option<Arc<LocalFileSystem>>,
}

/// The name and length of stored bytes. Made by [`Blobs::put`] only: the bytes are safe on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    sha256: Sha256,
    size: u64,
}

impl Stored {
    /// Their SHA-256.
    pub fn sha256(&self) -> Sha256 {
        self.sha256
    }

    /// Their length.
    pub fn size(&self) -> u64 {
        self.size
    }
}

impl Blobs {
    /// Opens `folder`, making it if it is not there.
    ///
    /// # Errors
    ///
    /// When it cannot be made or opened.
    pub fn open(folder: PathBuf) -> Result<Self, BlobError> {
        std::fs::create_dir_all(&folder).map_err(cannot_in(&folder))?;
        let folder = folder.canonicalize().map_err(cannot_in(&folder))?;
        let store =
            LocalFileSystem::new_with_prefix(&folder).map_err(BlobError::store("opening the folder"))?;
        let blobs = Self { folder, store: Some(Arc::new(store.with_fsync(true))) };
        blobs.sweep_staging().map_err(cannot_in(&blobs.staging()))?;
        Ok(blobs)
    }

    /// Looks at `folder` without making or changing anything.
    pub fn open_to_read(folder: PathBuf) -> Self {
        Self { folder, store: None }
    }

    /// Keeps the bytes of `source`: one pass to name them, one to copy them, a piece of 4 MiB in memory at a time.
    ///
    /// Bytes already kept are read again rather than trusted, and written again if they are not what their name says.
    ///
    /// # Errors
    ///
    /// When the source changes meanwhile, or either medium fails.
    pub async fn put<S: Source + 'static>(&self, source: S) -> Result<Stored, BlobError> {
        let source = Arc::new(source);
        let size = source.len();
        let read = Arc::clone(&source);
        let digest =
            blocking("reading the file given", move || read.digest(DigestAlgorithm::Sha256, &[0..size]))
                .await?;
        let sha256 = named(&digest);
        let this = self.clone();
        if !on_thread("looking for a stored file", move || this.keeps(sha256)).await? {
            self.copy(source, sha256, size).await?;
        }
        Ok(Stored { sha256, size })
    }

    /// Where files are made that [`Blobs::adopt`] takes over.
    pub fn staging(&self) -> PathBuf {
        self.folder.join("staging")
    }

    /// Keeps the bytes of files in [`Blobs::staging`] without copying them: reads each once to name it, and moves it to
    /// its place. Where the bytes are kept already, the file stays. The disk is waited for once for all, not for each.
    /// Gives a result for each.
    ///
    /// # Errors
    ///
    /// As [`Blobs::put`]: of one file as its own result, of all where nothing can be kept.
    pub async fn adopt(&self, files: Vec<PathBuf>) -> Result<Vec<Result<Stored, BlobError>>, BlobError> {
        self.store.as_ref().ok_or(BlobError::ReadOnly)?;
        let this = self.clone();
        let flushed = in_shares(files, move |file| this.newcomer(file)).await?;
        let moving = tokio::task::spawn_blocking(move || {
            flushed.into_iter().map(|one| one.and_then(Newcomer::moved)).collect::<Vec<_>>()
        });
        let moved = moving.await.map_err(io::Error::other).map_err(cannot("moving files to their places"))?;
        // Their names are made durable a folder at a time: several may have gone to the same.
        let folders: BTreeSet<_> = moved.iter().flatten().map(|one| one.folder().to_owned()).collect();
        let folders = in_shares(folders.into_iter().collect(), |folder: PathBuf| {
            let lasting = File::open(&folder).and_then(|opened| opened.sync_all());
            (folder, lasting)
        })
        .await?;
        let failed: BTreeMap<_, _> =
            folders.into_iter().filter_map(|(folder, lasting)| Some((folder, lasting.err()?))).collect();
        let lasting = |one: Newcomer| match failed.get(one.folder()) {
            None => Ok(one.stored),
            Some(error) => Err(cannot_in(one.folder())(io::Error::new(error.kind(), error.to_string()))),
        };
        Ok(moved.into_iter().map(|one| one.and_then(lasting)).collect())
    }

    /// Names a file of [`Blobs::staging`], and flushes it unless its bytes are kept already.
    fn newcomer(&self, file: PathBuf) -> Result<Newcomer, BlobError> {
        let given = cannot("reading the file given");
        let source = FileSource::open(&file).map_err(&given)?;
        let size = source.len();
        let sha256 = named(&source.digest(DigestAlgorithm::Sha256, &[0..size]).map_err(&given)?);
        let kept = self.keeps(sha256)?;
        if !kept {
            let opened = File::open(&file).map_err(&given)?;
            let readable = opened.set_permissions(Permissions::from_mode(0o644));
            readable.and_then(|()| opened.sync_all()).map_err(cannot("flushing the file given"))?;
        }
        Ok(Newcomer { file, place: self.path(sha256), stored: Stored { sha256, size }, kept })
    }

    /// Removes what a process that was killed left in [`Blobs::staging`]. Other servers may be at work there.
    fn sweep_staging(&self) -> io::Result<()> {
        let staging = self.staging();
        fs::create_dir_all(&staging)?;
        for entry in fs::read_dir(&staging)? {
            let entry = entry?;
            let age = entry.metadata().and_then(|found| found.modified()).ok();
            if age.and_then(|at| at.elapsed().ok()).is_some_and(|age| age > ABANDONED) {
                // Another server may have been quicker.
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(())
    }

    /// Opens kept bytes for reading.
    ///
    /// # Errors
    ///
    /// When they are not there or cannot be opened.
    pub fn get(&self, sha256: Sha256) -> Result<FileSource, BlobError> {
        FileSource::open(&self.path(sha256)).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => BlobError::Missing { sha256 },
            _ => BlobError::Io { doing: format!("opening the stored file {sha256}"), source },
        })
    }

    /// What the bytes kept under this name really are: digest and length.
    ///
    /// # Errors
    ///
    /// As [`Blobs::get`], and when they cannot be read.
    pub async fn measure(&self, sha256: Sha256) -> Result<(Sha256, u64), BlobError> {
        let this = self.clone();
        on_thread("reading a stored file", move || this.measured(sha256)).await
    }

    fn measured(&self, sha256: Sha256) -> Result<(Sha256, u64), BlobError> {
        let file = self.get(sha256)?;
        let size = file.len();
        let digest = file.digest(DigestAlgorithm::Sha256, &[0..size]);
        Ok((named(&digest.map_err(cannot("reading a stored file"))?), size))
    }

    /// Reads kept bytes once more, and fails if they are not what their name says.
    ///
    /// # Errors
    ///
    /// As [`Blobs::measure`], and when they rotted.
    pub async fn check(&self, sha256: Sha256) -> Result<(), BlobError> {
        match self.measure(sha256).await? {
            (found, _) if found == sha256 => Ok(()),
            (found, _) => Err(BlobError::Rotten { sha256, found }),
        }
    }

    /// Whether the folder can be listed.
    ///
    /// # Errors
    ///
    /// When it cannot.
    pub async fn ready(&self) -> Result<(), BlobError> {
        let folder = self.folder.clone();
        blocking("listing the folder", move || std::fs::read_dir(folder).map(drop)).await
    }

    /// Whether good bytes are kept under this name; if so, they are flushed once more, since whoever wrote them may
    /// have died before.
    fn keeps(&self, sha256: Sha256) -> Result<bool, BlobError> {
        match self.measured(sha256) {
            Ok((found, _)) if found == sha256 => {}
            Ok(_) | Err(BlobError::Missing { .. }) => return Ok(false),
            Err(error) => return Err(error),
        }
        let path = self.path(sha256);
        let flushed = path.ancestors().take(4).try_for_each(|part| File::open(part)?.sync_all());
        flushed.map_err(cannot("flushing a stored file"))?;
        Ok(true)
    }

    async fn copy<S: Source + 'static>(
        &self,
        source: Arc<S>,
        sha256: Sha256,
        size: u64,
    ) -> Result<(), BlobError> {
        let store = self.store.as_ref().ok_or(BlobError::ReadOnly)?;
        let upload = store.put_multipart(&key(sha256)).await;
        let mut upload = upload.map_err(BlobError::store("beginning a stored file"))?;
        let mut hasher = Hasher::new(DigestAlgorithm::Sha256);
        let mut at = 0;
        while at < size {
            let end = size.min(at + PIECE);
            let read = Arc::clone(&source);
            let piece = blocking("reading the file given", move || read.read(at..end)).await?;
            hasher.update(&piece);
            upload
                .put_part(PutPayload::from(piece))
                .await
                .map_err(BlobError::store("writing a stored file"))?;
            at = end;
        }
        if named(&hasher.finish()) != sha256 {
            upload.abort().await.map_err(BlobError::store("dropping a stored file"))?;
            return Err(BlobError::Changed);
        }
        // Flushes the file, renames it into place, flushes the folder.
        upload.complete().await.map_err(BlobError::store("finishing a stored file"))?;
        Ok(())
    }

    fn path(&self, sha256: Sha256) -> PathBuf {
        let name = sha256.to_hex();
        self.folder.join("sha256").join(&name[..2]).join(&name[2..])
    }
}

/// The files failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BlobError {
    /// The file given is not the one that was hashed a moment ago.
    #[error("the file changed while it was being stored")]
    Changed,
    /// What the medium reports.
    #[error("{doing} failed")]
    Io {
        /// What was being done.
        doing: String,
        /// What the medium reports.
        source: io::Error,
    },
    /// Not there.
    #[error("the stored file {sha256} is missing")]
    Missing {
        /// Its name.
        sha256: Sha256,
    },
    /// Opened for looking only.
    #[error("the files are open for reading only")]
    ReadOnly,
    /// Not what its name says.
    #[error("the stored file {sha256} has other bytes now, of SHA-256 {found}; bring it back from a backup")]
    Rotten {
        /// Its name.
        sha256: Sha256,
        /// What it is.
        found: Sha256,
    },
    /// What the object store reports.
    #[error("{doing} failed")]
    Store {
        /// What was being done.
        doing: &'static str,
        /// What it reports.
        source: object_store::Error,
    },
}

impl BlobError {
    fn store(doing: &'static str) -> impl Fn(object_store::Error) -> Self {
        move |source| Self::Store { doing, source }
    }
}

/// How old a file in [`Blobs::staging`] is that nobody will take over any more.
const ABANDONED: Duration = Duration::from_hours(24);

/// Threads that flush files of one [`Blobs::adopt`]. More gain nothing on the disks measured.
const FLUSHING: usize = 16;

/// Bytes held in memory while copying.
const PIECE: u64 = 4 * 1024 * 1024;

/// A file of [`Blobs::staging`] on its way to its place.
struct Newcomer {
    file: PathBuf,
    place: PathBuf,
    stored: Stored,
    /// Its bytes were there before.
    kept: bool,
}

impl Newcomer {
    fn folder(&self) -> &Path {
        self.place.parent().unwrap_or(&self.place)
    }

    /// Gives it its name, which is not durable yet.
    fn moved(self) -> Result<Self, BlobError> {
        if self.kept {
            return Ok(self);
        }
        let folder = self.folder();
        if !folder.is_dir() {
            let above =
                || folder.ancestors().skip(1).take(2).try_for_each(|above| File::open(above)?.sync_all());
            fs::create_dir_all(folder).and_then(|()| above()).map_err(cannot_in(folder))?;
        }
        fs::rename(&self.file, &self.place).map_err(cannot("moving a file to its place"))?;
        Ok(self)
    }
}

/// Does the same with each, on several threads: a disk flushes for many at once as fast as for one. Results keep their
/// order.
async fn in_shares<T: Send + 'static, R: Send + 'static>(
    all: Vec<T>,
    work: impl Fn(T) -> R + Clone + Send + 'static,
) -> Result<Vec<R>, BlobError> {
    let each = all.len().div_ceil(FLUSHING).max(1);
    let (mut left, mut shares) = (all.into_iter(), Vec::new());
    loop {
        let share: Vec<T> = left.by_ref().take(each).collect();
        if share.is_empty() {
            break;
        }
        let work = work.clone();
        shares.push(tokio::task::spawn_blocking(move || share.into_iter().map(work).collect::<Vec<_>>()));
    }
    let mut done = Vec::new();
    for share in shares {
        let stopped = |stopped| cannot("flushing files")(io::Error::other(stopped));
        done.extend(share.await.map_err(stopped)?);
    }
    Ok(done)
}

fn cannot(doing: &str) -> impl Fn(io::Error) -> BlobError + '_ {
    move |source| BlobError::Io { doing: doing.to_owned(), source }
}

fn cannot_in(path: &Path) -> impl Fn(io::Error) -> BlobError + '_ {
    |source| BlobError::Io { doing: format!("opening {}", path.display()), source }
}

fn key(sha256: Sha256) -> Key {
    let name = sha256.to_hex();
    Key::from(format!("sha256/{}/{}", &name[..2], &name[2..]))
}

fn named(digest: &Digest) -> Sha256 {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(&digest.bytes);
    Sha256(bytes)
}

async fn blocking<T: Send + 'static>(
    doing: &'static str,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, BlobError> {
    on_thread(doing, move || work().map_err(cannot(doing))).await
}

async fn on_thread<T: Send + 'static>(
    doing: &'static str,
    work: impl FnOnce() -> Result<T, BlobError> + Send + 'static,
) -> Result<T, BlobError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|stopped| Err(cannot(doing)(io::Error::other(stopped))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::MemorySource;

    fn blobs() -> (tempfile::TempDir, Blobs) {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(folder.path().join("new/folder")).unwrap();
        (folder, blobs)
    }

    #[tokio::test]
    async fn bytes_come_back_under_their_name() {
        let (_folder, blobs) = blobs();
        for bytes in [Vec::new(), b"abc".to_vec(), vec![7; 9 * 1024 * 1024]] {
            let stored = blobs.put(MemorySource(bytes.clone())).await.unwrap();
            assert_eq!((stored.sha256(), stored.size()), (Sha256::of(&bytes), bytes.len() as u64));
            assert_eq!(blobs.put(MemorySource(bytes.clone())).await.unwrap(), stored);
            let file = blobs.get(stored.sha256()).unwrap();
            assert_eq!(file.read(0..file.len()).unwrap(), bytes);
            assert_eq!(blobs.measure(stored.sha256()).await.unwrap(), (stored.sha256(), stored.size()));
        }
        assert!(matches!(blobs.get(Sha256([0; 32])), Err(BlobError::Missing { .. })));
    }

    #[tokio::test]
    async fn a_staged_file_is_moved_and_one_that_is_kept_already_stays() {
        let (_folder, blobs) = blobs();
        let stage = |name: &str| {
            let file = blobs.staging().join(name);
            fs::write(&file, b"signed").unwrap();
            file
        };
        let (first, second) = (stage("first"), stage("second"));
        let adopt = async |file: &PathBuf| blobs.adopt(vec![file.clone()]).await.unwrap().remove(0).unwrap();
        let stored = adopt(&first).await;
        assert_eq!((stored.sha256(), stored.size()), (Sha256::of(b"signed"), 6));
        assert_eq!(blobs.measure(stored.sha256()).await.unwrap(), (stored.sha256(), 6));
        assert!(!first.exists());
        // Bytes that rotted are not taken for kept ones.
        assert_eq!(adopt(&second).await, stored);
        assert!(second.exists());
        fs::write(blobs.path(stored.sha256()), b"rotten").unwrap();
        assert_eq!(adopt(&second).await, stored);
        blobs.check(stored.sha256()).await.unwrap();
        assert!(!second.exists());
    }

    #[tokio::test]
    async fn many_staged_files_are_kept_in_their_order_and_one_that_is_gone_is_its_own_result() {
        let (_folder, blobs) = blobs();
        let name = |number: u8| blobs.staging().join(number.to_string());
        let files: Vec<PathBuf> = (0..100).map(name).collect();
        for (number, file) in (0_u8..100).zip(&files) {
            fs::write(file, [number]).unwrap();
        }
        fs::remove_file(&files[41]).unwrap();
        // The same bytes twice.
        fs::write(&files[99], [0]).unwrap();
        let kept = blobs.adopt(files).await.unwrap();
        assert_eq!(kept.len(), 100);
        for (number, kept) in (0_u8..100).zip(kept) {
            match kept {
                Ok(stored) => {
                    assert_eq!(stored.sha256(), Sha256::of(&[if number == 99 { 0 } else { number }]));
                    blobs.check(stored.sha256()).await.unwrap();
                }
                Err(BlobError::Io { .. }) => assert_eq!(number, 41),
                Err(error) => panic!("{number}: {error}"),
            }
        }
        assert!(blobs.adopt(Vec::new()).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn what_was_left_in_staging_goes_after_a_day() {
        let (folder, blobs) = blobs();
        let (old, young) = (blobs.staging().join("old"), blobs.staging().join("young"));
        for file in [&old, &young] {
            fs::write(file, b"half").unwrap();
        }
        let made = fs::metadata(&old).unwrap().modified().unwrap();
        let before = made - ABANDONED - Duration::from_mins(1);
        File::options().write(true).open(&old).unwrap().set_modified(before).unwrap();
        Blobs::open(folder.path().join("new/folder")).unwrap();
        assert!(!old.exists() && young.exists());
    }

    #[tokio::test]
    async fn bytes_that_rotted_are_written_again() {
        let (_folder, blobs) = blobs();
        let stored = blobs.put(MemorySource(b"whole".to_vec())).await.unwrap();
        std::fs::write(blobs.path(stored.sha256()), b"rotten").unwrap();
        assert_ne!(blobs.measure(stored.sha256()).await.unwrap().0, stored.sha256());
        blobs.put(MemorySource(b"whole".to_vec())).await.unwrap();
        assert_eq!(blobs.measure(stored.sha256()).await.unwrap().0, stored.sha256());
    }

    /// Reads one way the first time and another way after.
    #[derive(Default)]
    struct Fickle(std::sync::atomic::AtomicBool);

    impl Source for Fickle {
        fn len(&self) -> u64 {
            3
        }

        fn read_at(&self, _: u64, buffer: &mut [u8]) -> io::Result<()> {
            let before = self.0.swap(true, std::sync::atomic::Ordering::Relaxed);
            buffer.fill(if before { b'b' } else { b'a' });
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_file_that_changes_meanwhile_is_not_kept() {
        let (folder, blobs) = blobs();
        let put = blobs.put(Fickle::default()).await;
        assert!(matches!(put, Err(BlobError::Changed)), "{put:?}");
        assert!(matches!(blobs.get(Sha256::of(b"aaa")), Err(BlobError::Missing { .. })));
        assert!(matches!(blobs.get(Sha256::of(b"bbb")), Err(BlobError::Missing { .. })));
        drop(folder);
    }
}
