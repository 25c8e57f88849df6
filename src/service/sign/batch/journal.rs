//! What a batch is about to release, written down before it does.
//!
//! `FOLDER/.kyso-batch/journal`, a JSON object a line, flushed before the outputs that it names get their names. It
//! promises nothing by itself: an output counts as signed when it is there and has the digest of its last line. Losing
//! the journal loses that knowledge, and the outputs are then in the way of another run.

use std::{
    collections::HashMap,
    fs::{self, File, TryLockError},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{BatchError, Finished};
use crate::base::Sha256;

/// The journal of a folder, held by one run.
#[derive(Debug)]
pub(super) struct Journal {
    folder: PathBuf,
    path: PathBuf,
    file: File,
    /// By the name of the output; the last line counts.
    entries: HashMap<String, Entry>,
}

/// What an output will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Noted {
    pub(super) sha256: Sha256,
    /// Tells batches apart.
    pub(super) by: Sha256,
}

/// A line.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    output: String,
    sha256: String,
    by: String,
}

impl Entry {
    /// About a copy that is to be released.
    pub(super) fn of(finished: &Finished, by: Sha256) -> Self {
        let released = finished.released();
        Self { output: name_of(released.path()), sha256: released.report().sha256.clone(), by: by.to_hex() }
    }
}

impl Journal {
    /// Opens the journal of `folder`, making both if need be, and clears away what a killed run left.
    pub(super) fn open(folder: &Path) -> Result<Self, BatchError> {
        let own = folder.join(FOLDER);
        let path = own.join("journal");
        let unusable = |source| BatchError::Output { path: path.clone(), source };
        fs::create_dir_all(&own).map_err(unusable)?;
        let mut options = File::options();
        let mut file = options.read(true).append(true).create(true).open(&path).map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(BatchError::Busy { folder: folder.to_owned() }),
            Err(TryLockError::Error(source)) => return Err(unusable(source)),
        }
        let entries = read(&mut file, &path)?;
        for left in fs::read_dir(&own).map_err(unusable)? {
            let left = left.map_err(unusable)?.path();
            if left != path {
                fs::remove_file(&left).map_err(|source| BatchError::Output { path: left, source })?;
            }
        }
        super::sync_folder(&own).map_err(unusable)?;
        super::sync_folder(folder).map_err(unusable)?;
        Ok(Self { folder: own, path, file, entries })
    }

    /// Where copies are made: on the disk of the outputs, and not among them.
    pub(super) fn staging(&self) -> PathBuf {
        self.folder.clone()
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The last line about an output.
    pub(super) fn entry(&self, output: &Path) -> Option<Noted> {
        let entry = self.entries.get(&name_of(output))?;
        Some(Noted { sha256: Sha256::from_hex(&entry.sha256)?, by: Sha256::from_hex(&entry.by)? })
    }

    /// Writes lines and makes them durable.
    pub(super) fn write(&mut self, entries: impl Iterator<Item = Entry>) -> io::Result<()> {
        let mut lines = Vec::new();
        for entry in entries {
            serde_json::to_writer(&mut lines, &entry)?;
            lines.push(b'\n');
        }
        self.file.write_all(&lines)?;
        self.file.sync_data()
    }
}

/// Reads all lines, and cuts off a last one that was not written to its end.
fn read(file: &mut File, path: &Path) -> Result<HashMap<String, Entry>, BatchError> {
    let unusable = |source| BatchError::Output { path: path.to_owned(), source };
    if file.metadata().map_err(unusable)?.len() > MOST_BYTES {
        return Err(unusable(io::Error::new(io::ErrorKind::FileTooLarge, "it is too long to be a journal")));
    }
    let mut bytes = Vec::new();
    io::Read::by_ref(file).take(MOST_BYTES).read_to_end(&mut bytes).map_err(unusable)?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let torn = bytes.len() - whole;
    if torn > 0 {
        file.set_len(whole as u64).map_err(unusable)?;
        file.seek(SeekFrom::End(0)).map_err(unusable)?;
    }
    let mut entries = HashMap::new();
    for (at, line) in bytes.get(..whole).unwrap_or_default().split(|byte| *byte == b'\n').enumerate() {
        if line.is_empty() {
            continue;
        }
        let entry: Entry = serde_json::from_slice(line)
            .map_err(|_| BatchError::Journal { path: path.to_owned(), line: at + 1 })?;
        entries.insert(entry.output.clone(), entry);
    }
    Ok(entries)
}

/// A name as the journal has it. Names that are no UTF-8 are told apart by their bytes all the same.
fn name_of(output: &Path) -> String {
    let name = output.file_name().unwrap_or_default();
    name.to_str().map_or_else(
        || format!("hex:{}", hex::encode(std::os::unix::ffi::OsStrExt::as_bytes(name))),
        str::to_owned,
    )
}

/// Beside the outputs. Hidden, so that a look into the folder shows documents.
const FOLDER: &str = ".kyso-batch";

/// A line has some 200 bytes; this is a million of them.
const MOST_BYTES: u64 = 200 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(output: &str, sha256: u8) -> Entry {
        Entry {
            output: output.to_owned(),
            sha256: Sha256([sha256; 32]).to_hex(),
            by: Sha256([9; 32]).to_hex(),
        }
    }

    #[test]
    fn the_last_line_counts_and_a_torn_one_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(folder.path()).unwrap();
        journal.write([entry("a.pdf", 1), entry("b.pdf", 2), entry("a.pdf", 3)].into_iter()).unwrap();
        let path = journal.path().to_owned();
        assert!(matches!(Journal::open(folder.path()), Err(BatchError::Busy { .. })));
        drop(journal);
        let whole = fs::read(&path).unwrap();
        let mut torn = whole.clone();
        torn.extend_from_slice(br#"{"output":"b.pdf","sha256":"00"#);
        fs::write(&path, torn).unwrap();
        fs::write(path.with_file_name(".tmpXYZ"), b"left by a killed run").unwrap();

        let mut journal = Journal::open(folder.path()).unwrap();
        assert_eq!(journal.entry(Path::new("x/a.pdf")).unwrap().sha256, Sha256([3; 32]));
        assert_eq!(journal.entry(Path::new("b.pdf")).unwrap().sha256, Sha256([2; 32]));
        assert!(journal.entry(Path::new("c.pdf")).is_none());
        assert!(!path.with_file_name(".tmpXYZ").exists());
        journal.write([entry("c.pdf", 4)].into_iter()).unwrap();
        drop(journal);
        assert!(fs::read(&path).unwrap().starts_with(&whole));
        assert!(Journal::open(folder.path()).unwrap().entry(Path::new("c.pdf")).is_some());
    }

    #[test]
    fn a_journal_that_kyso_did_not_write_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(FOLDER)).unwrap();
        fs::write(folder.path().join(FOLDER).join("journal"), b"{}\n").unwrap();
        assert!(matches!(Journal::open(folder.path()), Err(BatchError::Journal { line: 1, .. })));
    }
}
