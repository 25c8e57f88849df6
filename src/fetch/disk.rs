//! What was fetched, kept on disk.
//!
//! One file an entry, named by the digest of what was asked for. Trusted for nothing: an entry bears its key and a
//! digest of all of itself, and whoever uses what it holds verifies signatures as with anything from the network. Its
//! loss costs a few requests. Several processes may share a folder: entries appear complete, by renaming, and whoever
//! writes holds a lock while it makes room.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::evidence::{CRL_BYTES, Kept, Kind, later};
use crate::base::{Sha256, UtcTime};

/// A folder of entries.
pub(super) struct Disk {
    folder: PathBuf,
    most_bytes: u64,
    most_entries: usize,
}

impl Disk {
    /// `folder` is made when the first entry is written, or by [`Disk::prepare`].
    pub(super) fn new(folder: &Path, most_bytes: u64) -> Self {
        Self { folder: folder.join(SUBFOLDER), most_bytes, most_entries: MAX_ENTRIES }
    }

    /// Makes the folder, for this user alone, and sees whether it can be written.
    pub(super) fn prepare(&self) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let found = fs::symlink_metadata(&self.folder)?;
        if !found.is_dir() {
            return Err(io::Error::other(format!("{} is no folder", self.folder.display())));
        }
        // Who we are: the owner of what we make.
        let ours = tempfile::Builder::new().prefix(NEW).tempfile_in(&self.folder)?;
        if ours.as_file().metadata()?.uid() != found.uid() {
            return Err(io::Error::other(format!("{} belongs to another user", self.folder.display())));
        }
        if found.permissions().mode() & 0o077 != 0 {
            fs::set_permissions(&self.folder, Permissions::from_mode(0o700))?;
        }
        Ok(())
    }

    /// The entry under this key, if it is whole. What is not is dropped.
    pub(super) fn get(&self, key: &Sha256, now: UtcTime) -> Option<Kept> {
        let path = self.path(key);
        // Neither through a symbolic link nor waiting at a pipe that somebody put there.
        let file =
            OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(&path);
        let file = file.inspect_err(|error| self.unless_absent("read", error)).ok()?;
        match read(&file) {
            Ok(bytes) => {
                let kept = decode(key, &bytes);
                if kept.is_some() {
                    // The time of the last use, by which room is made.
                    let _ = file.set_modified(system_time(now));
                } else {
                    tracing::warn!(file = %path.display(), "dropped a kept answer that is damaged");
                    let _ = fs::remove_file(&path);
                }
                kept
            }
            Err(error) => {
                self.unless_absent("read", &error);
                None
            }
        }
    }

    /// Writes an entry in place of an older one of the same key, dropping those that were not used for the longest
    /// time where room is short. What is larger than all the room is left out.
    pub(super) fn put(&self, key: &Sha256, kept: &Kept, now: UtcTime) {
        match self.write(key, kept, now) {
            Ok(()) => {}
            Err(error) => self.unless_absent("written", &error),
        }
    }

    /// Removes all entries.
    pub(super) fn clear(&self) {
        for entry in self.entries().unwrap_or_default() {
            let _ = fs::remove_file(entry.path);
        }
    }

    fn write(&self, key: &Sha256, kept: &Kept, now: UtcTime) -> io::Result<()> {
        let bytes = encode(key, kept);
        if bytes.len() as u64 > self.most_bytes {
            return Ok(());
        }
        self.prepare()?;
        // A file of mode 600 under a name that nobody knows. It is flushed before it gets its own, so that a crash
        // leaves the old entry or the new one; that the name itself may be lost with the power does no harm.
        let mut file = tempfile::Builder::new().prefix(NEW).tempfile_in(&self.folder)?;
        file.write_all(&bytes)?;
        file.as_file().set_modified(system_time(now))?;
        file.as_file().sync_all()?;
        let path = self.path(key);
        let _lock = self.lock()?;
        self.make_room(&path, bytes.len() as u64, now)?;
        file.persist(&path).map_err(|error| error.error)?;
        Ok(())
    }

    /// Held by one process at a time; given up when the file is closed, however that comes about.
    fn lock(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600).custom_flags(CAREFULLY);
        let file = options.open(self.folder.join(LOCK))?;
        for _ in 0..LOCK_TRIES {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) => thread::sleep(LOCK_PAUSE),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        Err(io::Error::new(io::ErrorKind::TimedOut, "another process holds the lock"))
    }

    /// Removes those that were not used for the longest time until `more` bytes at `path` have room, and what
    /// processes left behind that died while writing.
    fn make_room(&self, path: &Path, more: u64, now: UtcTime) -> io::Result<()> {
        let mut entries = self.entries()?;
        let long_ago = system_time(later(now, -LEFT_BEHIND));
        for entry in entries.extract_if(.., |entry| entry.is_new) {
            if entry.used < long_ago {
                let _ = fs::remove_file(entry.path);
            }
        }
        entries.retain(|entry| entry.path != path);
        entries.sort_by_key(|entry| entry.used);
        let mut bytes: u64 = entries.iter().map(|entry| entry.len).sum();
        let mut count = entries.len();
        for entry in entries {
            if bytes.saturating_add(more) <= self.most_bytes && count < self.most_entries {
                break;
            }
            match fs::remove_file(entry.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            bytes = bytes.saturating_sub(entry.len);
            count -= 1;
        }
        Ok(())
    }

    /// Our own files, known by their names; those of others are left alone and not counted.
    fn entries(&self) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for found in fs::read_dir(&self.folder)? {
            let found = found?;
            let name = found.file_name();
            let Some(name) = name.to_str() else { continue };
            let is_new = name.starts_with(NEW);
            let is_entry = name.strip_suffix(SUFFIX).is_some_and(|key| Sha256::from_hex(key).is_some());
            // It may be gone by now.
            let Ok(about) = found.metadata() else { continue };
            if (is_new || is_entry) && !about.is_dir() {
                let used = about.modified().unwrap_or(UNIX_EPOCH);
                entries.push(Entry { path: found.path(), len: about.len(), used, is_new });
            }
        }
        Ok(entries)
    }

    fn path(&self, key: &Sha256) -> PathBuf {
        self.folder.join(format!("{key}{SUFFIX}"))
    }

    /// A cache that fails is a pity, and no reason to judge nothing.
    fn unless_absent(&self, what: &str, error: &io::Error) {
        if error.kind() != io::ErrorKind::NotFound {
            tracing::warn!(folder = %self.folder.display(), %error, "a kept answer could not be {what}");
        }
    }
}

/// A file of ours.
struct Entry {
    path: PathBuf,
    len: u64,
    used: SystemTime,
    /// Under way, or left behind.
    is_new: bool,
}

fn read(file: &File) -> io::Result<Vec<u8>> {
    let about = file.metadata()?;
    if !about.is_file() {
        return Err(io::Error::other("it is not a plain file"));
    }
    let mut bytes = Vec::new();
    file.take(CRL_BYTES + HEAD_ROOM).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// ```text
/// "kyso fetched 1\n"  key (32)  kind (1)
/// fetched  fresh_until  since  holds_until   (8 each: seconds since 1970, big-endian)
/// the bytes
/// SHA-256 of all that (32)
/// ```
fn encode(key: &Sha256, kept: &Kept) -> Vec<u8> {
    let mut bytes = [MAGIC, &key.0, &[kept.kind.code()]].concat();
    for time in [kept.fetched, kept.fresh_until, kept.since, kept.holds_until] {
        bytes.extend(time.as_second().to_be_bytes());
    }
    bytes.extend_from_slice(&kept.bytes);
    let digest = Sha256::of(&bytes);
    bytes.extend(digest.0);
    bytes
}

fn decode(key: &Sha256, bytes: &[u8]) -> Option<Kept> {
    let (content, digest) = bytes.split_last_chunk::<32>()?;
    if Sha256::of(content).0 != *digest {
        return None;
    }
    let rest = content.strip_prefix(MAGIC)?.strip_prefix(&key.0)?;
    let (&code, mut rest) = rest.split_first()?;
    let mut time = || {
        let (seconds, after) = rest.split_first_chunk::<8>()?;
        rest = after;
        UtcTime::from_second(i64::from_be_bytes(*seconds)).ok()
    };
    let (fetched, fresh_until, since, holds_until) = (time()?, time()?, time()?, time()?);
    let kind = Kind::from_code(code)?;
    Some(Kept { kind, bytes: rest.into(), fetched, fresh_until, since, holds_until })
}

fn system_time(time: UtcTime) -> SystemTime {
    let seconds = u64::try_from(time.as_second()).unwrap_or(0);
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).unwrap_or(UNIX_EPOCH)
}

/// So that a folder with other things in it can be named.
const SUBFOLDER: &str = "fetched";

const MAGIC: &[u8] = b"kyso fetched 1\n";
const SUFFIX: &str = ".kept";
const NEW: &str = ".new-";
const LOCK: &str = "lock";

/// Neither through a symbolic link nor waiting at a pipe that somebody put there.
const CAREFULLY: i32 = libc::O_NOFOLLOW | libc::O_NONBLOCK;

/// More than what stands around the bytes of an entry.
const HEAD_ROOM: u64 = 1024;

/// Evidence is small: what counts is that a folder of this size is still listed within milliseconds.
const MAX_ENTRIES: usize = 4_096;

/// Making room takes milliseconds; one second of waiting is for a crowd.
const LOCK_TRIES: u32 = 200;
const LOCK_PAUSE: Duration = Duration::from_millis(5);

/// Nobody writes for so long.
const LEFT_BEHIND: jiff::SignedDuration = jiff::SignedDuration::from_hours(1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::tests::{at, crl};

    fn now() -> UtcTime {
        at("2026-07-01T12:00:00Z")
    }

    fn key(number: u64) -> Sha256 {
        Sha256::of(&number.to_be_bytes())
    }

    fn kept(filling: usize) -> Kept {
        let list = crl("2026-07-01T00:00:00Z", Some("2026-07-08T00:00:00Z"), filling);
        Kept::take(Kind::Crl, list, None, now()).unwrap()
    }

    fn names(disk: &Disk) -> Vec<String> {
        let found = fs::read_dir(&disk.folder).unwrap();
        found.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn entries_survive_and_are_for_this_user_only() {
        let folder = tempfile::tempdir().unwrap();
        let (first, kept) = (Disk::new(folder.path(), 1 << 20), kept(10));
        first.put(&key(1), &kept, now());
        let second = Disk::new(folder.path(), 1 << 20);
        assert_eq!(second.get(&key(1), now()), Some(kept));
        assert_eq!(second.get(&key(2), now()), None);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&first.folder), 0o700);
        assert_eq!(mode(&first.path(&key(1))), 0o600);
        assert_eq!(mode(&first.folder.join(LOCK)), 0o600);
        fs::set_permissions(&first.folder, Permissions::from_mode(0o755)).unwrap();
        second.prepare().unwrap();
        assert_eq!(mode(&first.folder), 0o700);
        second.clear();
        assert_eq!(first.get(&key(1), now()), None);
    }

    #[test]
    fn whatever_is_not_a_whole_entry_of_this_key_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::new(folder.path(), 1 << 20);
        let whole = encode(&key(1), &kept(10));
        assert!(decode(&key(1), &whole).is_some());
        for at in 0..whole.len() {
            for bit in [0x01, 0x80] {
                let mut flipped = whole.clone();
                flipped[at] ^= bit;
                assert_eq!(decode(&key(1), &flipped), None, "bit {bit:#x} of octet {at}");
            }
            assert_eq!(decode(&key(1), &whole[..at]), None, "cut at {at}");
        }
        let path = disk.path(&key(1));
        disk.prepare().unwrap();
        let foreign = encode(&key(2), &kept(10));
        for content in [&whole[..whole.len() - 1], &foreign, b"", b"hello"] {
            fs::write(&path, content).unwrap();
            assert_eq!(disk.get(&key(1), now()), None);
            assert!(!path.exists());
        }
        // A digest over nonsense, as somebody would make it on purpose.
        let mut unknown = whole[..whole.len() - 32].to_vec();
        unknown[MAGIC.len() + 32] = 9;
        let digest = Sha256::of(&unknown);
        assert_eq!(decode(&key(1), &[&unknown[..], &digest.0].concat()), None);
    }

    #[test]
    fn links_pipes_and_folders_in_place_of_an_entry_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::new(folder.path(), 1 << 20);
        disk.prepare().unwrap();
        let elsewhere = folder.path().join("elsewhere");
        fs::write(&elsewhere, encode(&key(1), &kept(10))).unwrap();
        std::os::unix::fs::symlink(&elsewhere, disk.path(&key(1))).unwrap();
        assert_eq!(disk.get(&key(1), now()), None);
        fs::create_dir(disk.path(&key(2))).unwrap();
        assert_eq!(disk.get(&key(2), now()), None);
        disk.put(&key(1), &kept(10), now());
        assert!(disk.get(&key(1), now()).is_some());
        assert!(!fs::symlink_metadata(disk.path(&key(1))).unwrap().is_symlink());
        assert!(elsewhere.exists());
    }

    #[test]
    fn the_least_recently_used_make_room_and_what_is_not_ours_stays() {
        let folder = tempfile::tempdir().unwrap();
        let kept = kept(1_000);
        let size = encode(&key(0), &kept).len() as u64;
        let disk = Disk::new(folder.path(), 4 * size);
        disk.prepare().unwrap();
        let ours = disk.folder.join("notes.txt");
        fs::write(&ours, vec![0; 10_000]).unwrap();
        let minute = |number: i64| later(now(), jiff::SignedDuration::from_mins(number));
        for number in 0..4 {
            disk.put(&key(number), &kept, minute(number.cast_signed()));
        }
        assert!(disk.get(&key(0), minute(10)).is_some(), "used again");
        disk.put(&key(4), &kept, minute(11));
        let there = |number| disk.path(&key(number)).exists();
        assert_eq!([0, 1, 2, 3, 4].map(there), [true, false, true, true, true]);
        disk.put(&key(4), &kept, minute(12));
        assert_eq!([0, 2, 3, 4].map(there), [true; 4], "in its own place");
        let large = Kept { bytes: vec![0; 5 * size as usize].into(), ..kept };
        disk.put(&key(5), &large, minute(13));
        assert!(!there(5) && there(0));
        assert!(ours.exists());

        let few = Disk { most_entries: 2, ..Disk::new(folder.path(), 1 << 20) };
        few.put(&key(6), &self::kept(0), minute(20));
        assert_eq!([0, 2, 3, 4, 6].map(there), [false, false, false, true, true]);
    }

    #[test]
    fn leftovers_of_a_crash_are_never_read_and_are_swept_up() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::new(folder.path(), 1 << 20);
        disk.prepare().unwrap();
        let (old, young) = (disk.folder.join(".new-old"), disk.folder.join(".new-young"));
        for (path, hours) in [(&old, 2), (&young, 0)] {
            let half = encode(&key(1), &kept(10));
            fs::write(path, &half[..half.len() / 2]).unwrap();
            let written = later(now(), -jiff::SignedDuration::from_hours(hours));
            File::options().write(true).open(path).unwrap().set_modified(system_time(written)).unwrap();
        }
        assert_eq!(disk.get(&key(1), now()), None);
        disk.put(&key(1), &kept(10), now());
        assert!(disk.get(&key(1), now()).is_some());
        assert!(!old.exists() && young.exists(), "{:?}", names(&disk));
    }

    #[test]
    fn many_writers_stay_within_the_bounds_and_readers_see_whole_entries() {
        let folder = tempfile::tempdir().unwrap();
        let (kept, room) = (kept(1_000), 20_000);
        thread::scope(|scope| {
            for writer in 0..4_u64 {
                let (kept, path) = (&kept, folder.path());
                scope.spawn(move || {
                    // As another process would: nothing in common but the folder.
                    let disk = Disk::new(path, room);
                    for number in 0..25 {
                        disk.put(&key((writer * 7 + number) % 20), kept, now());
                        if let Some(found) = disk.get(&key(number % 20), now()) {
                            assert_eq!(found, *kept);
                        }
                    }
                });
            }
        });
        let disk = Disk::new(folder.path(), room);
        let bytes: u64 = disk.entries().unwrap().iter().map(|entry| entry.len).sum();
        assert!(bytes <= room && bytes > room / 2, "{bytes} bytes");
        assert!(disk.entries().unwrap().iter().all(|entry| !entry.is_new));
    }

    #[test]
    fn a_folder_that_cannot_be_used_says_so_and_is_done_without() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let disk = Disk::new(&file, 1 << 20);
        assert!(disk.prepare().is_err());
        disk.put(&key(1), &kept(1), now());
        assert_eq!(disk.get(&key(1), now()), None);
        disk.clear();
    }
}
