//! The files of the built-in token, and the slots that they are.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use cryptoki::slot::Slot;

use super::Driver;
use crate::token::{
    error::TokenError,
    module::{self, Loaded},
};

impl Driver {
    /// Gives the built-in token the database files of a folder that it does not have yet.
    pub(super) fn add_folder(&mut self, folder: &Path) -> Result<(), TokenError> {
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => {
                return Err(TokenError::Module { path: folder.to_owned(), reason: error.to_string() });
            }
        };
        let mut files: Vec<PathBuf> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "sql") && path.is_file())
            .collect();
        files.sort();
        for file in files {
            self.add_file(&file)?;
        }
        Ok(())
    }

    /// Gives the built-in token one database file, which is made if need be, and finds out its slot.
    pub(in crate::token) fn add_file(&mut self, file: &Path) -> Result<u64, TokenError> {
        if let Some(slot) = self.files.get(file) {
            return Ok(*slot);
        }
        self.ask_for(file)?;
        self.note("C_GetSlotList");
        let mut slots: Vec<u64> = self.pkcs11()?.get_all_slots()?.iter().map(Slot::id).collect();
        slots.sort_unstable();
        // kryoptic numbers its slots in the order in which it was asked for them.
        for (asked, slot) in self.asked.iter().zip(slots) {
            self.files.insert(asked.clone(), slot);
        }
        self.files.get(file).copied().ok_or_else(|| TokenError::Module {
            path: file.to_owned(),
            reason: "the built-in token gave it no slot".into(),
        })
    }

    /// `C_Initialize` with one more file.
    ///
    /// kryoptic never forgets a file that it was asked for, not even one that it could not open. At each call it opens
    /// all of them once more, and one that is gone keeps it from adding what is asked for.
    fn ask_for(&mut self, file: &Path) -> Result<(), TokenError> {
        let progress = Arc::clone(&self.progress);
        let name = module::file_name(file)?;
        if file.exists() {
            // Looked at before kryoptic hears of it.
            let opened = std::fs::OpenOptions::new().read(true).write(true).open(file);
            opened
                .map_err(|error| TokenError::Module { path: file.to_owned(), reason: error.to_string() })?;
        }
        if !self.asked.iter().any(|asked| asked == file) {
            self.asked.push(file.to_owned());
        }
        let mut answer = Ok(());
        for _ in 0..ASKED_AT_MOST {
            let _stand_ins = StandIns::for_missing(self.asked.iter());
            answer = match &self.loaded {
                Some(loaded) => loaded.add_file(file, &name, &progress),
                None => Loaded::embedded(file, &name, &progress).map(|loaded| self.loaded = Some(loaded)),
            };
            if answer.is_ok() {
                break;
            }
        }
        answer
    }
}

/// How often the built-in token is asked for a file: the folder of another one may go between the look and the call.
const ASKED_AT_MOST: usize = 3;

/// Folders made for a moment in the place of folders of the built-in token that somebody deleted, as tests do.
struct StandIns(Vec<PathBuf>);

impl StandIns {
    fn for_missing<'a>(files: impl Iterator<Item = &'a PathBuf>) -> Self {
        let missing = files.filter_map(|file| file.parent()).filter(|folder| !folder.exists());
        // The topmost folder that is missing is the one to remove again.
        let topmost = missing.filter_map(|folder| {
            let top = folder.ancestors().take_while(|above| !above.exists()).last()?.to_owned();
            std::fs::create_dir_all(folder).ok()?;
            Some(top)
        });
        Self(topmost.collect())
    }
}

impl Drop for StandIns {
    fn drop(&mut self) {
        for folder in &self.0 {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}
