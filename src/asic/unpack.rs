//! The files of an archive, unpacked as they are read.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, PoisonError},
};

use flate2::{Crc, Decompress, FlushDecompress, Status};

use super::{Archive, AsicError, Entry, Method};
use crate::base::{Digest, DigestAlgorithm, Source, digest::Hasher};

/// A file of an archive as a source of its unpacked bytes.
///
/// Reading forwards unpacks once; reading backwards begins anew. Digests of the whole are made once an algorithm, however
/// many signatures ask for them.
pub struct Unpacked {
    source: Arc<dyn Source>,
    entry: Entry,
    place: Mutex<Option<Unpacking>>,
    hashed: Mutex<HashMap<DigestAlgorithm, Hasher>>,
}

impl Unpacked {
    /// A file of this archive.
    pub fn new(archive: &Archive, entry: &Entry) -> Self {
        Self {
            source: archive.source().clone(),
            entry: entry.clone(),
            place: Mutex::default(),
            hashed: Mutex::default(),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.entry.name
    }

    /// The digest of all of it.
    ///
    /// # Errors
    ///
    /// As [`Archive::unpack`].
    pub fn whole_digest(&self, algorithm: DigestAlgorithm) -> Result<Digest, AsicError> {
        Ok(self.hashed(algorithm)?.finish())
    }

    fn hashed(&self, algorithm: DigestAlgorithm) -> Result<Hasher, AsicError> {
        let mut known = self.hashed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(hasher) = known.get(&algorithm) {
            return Ok(hasher.clone());
        }
        let mut hasher = Hasher::new(algorithm);
        let (mut unpacking, mut piece) = (self.begin(), vec![0; PIECE]);
        loop {
            let made = unpacking.fill(&mut piece)?;
            if made == 0 {
                break;
            }
            hasher.update(piece.get(..made).unwrap_or_default());
        }
        known.insert(algorithm, hasher.clone());
        Ok(hasher)
    }

    fn begin(&self) -> Unpacking {
        Unpacking::new(self.source.clone(), self.entry.clone())
    }
}

impl Source for Unpacked {
    fn len(&self) -> u64 {
        self.entry.len
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let end = offset.checked_add(buffer.len() as u64).filter(|end| *end <= self.entry.len);
        let end = end.ok_or(io::ErrorKind::UnexpectedEof)?;
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        let mut unpacking = match place.take() {
            Some(unpacking) if unpacking.made <= offset => unpacking,
            _ => self.begin(),
        };
        let mut skipped = vec![0; PIECE];
        while unpacking.made < offset {
            let most = usize::try_from(offset - unpacking.made).unwrap_or(PIECE).min(PIECE);
            unpacking.fill_some(skipped.get_mut(..most).unwrap_or_default())?;
        }
        let mut rest = buffer;
        while !rest.is_empty() {
            let made = unpacking.fill_some(rest)?;
            rest = rest.get_mut(made..).unwrap_or_default();
        }
        if end == self.entry.len {
            // Nothing follows, and the checksum holds.
            unpacking.fill(&mut [0])?;
        } else {
            *place = Some(unpacking);
        }
        Ok(())
    }

    fn hasher(&self, algorithm: DigestAlgorithm, end: u64) -> io::Result<Hasher> {
        if end == self.entry.len {
            return Ok(self.hashed(algorithm)?);
        }
        let mut hasher = Hasher::new(algorithm);
        hasher.update_from(self, 0..end)?;
        Ok(hasher)
    }
}

impl From<AsicError> for io::Error {
    fn from(error: AsicError) -> Self {
        match error {
            AsicError::Io(error) => error,
            other => Self::new(io::ErrorKind::InvalidData, other),
        }
    }
}

/// A file on its way out of the archive.
pub(super) struct Unpacking {
    source: Arc<dyn Source>,
    entry: Entry,
    /// The next packed byte to be loaded.
    at: u64,
    /// Packed bytes that were loaded, and how many of them were used.
    loaded: (Vec<u8>, usize),
    inflate: Decompress,
    /// The packed data came to their own end.
    ended: bool,
    made: u64,
    crc: Crc,
}

impl Unpacking {
    pub(super) fn new(source: Arc<dyn Source>, entry: Entry) -> Self {
        Self {
            source,
            at: entry.packed.start,
            entry,
            loaded: (Vec::new(), 0),
            inflate: Decompress::new(false),
            ended: false,
            made: 0,
            crc: Crc::new(),
        }
    }

    /// Puts the next bytes into `out` and says how many; none only at the end, when length and checksum hold.
    ///
    /// # Errors
    ///
    /// As [`Archive::unpack`].
    pub(super) fn fill(&mut self, out: &mut [u8]) -> Result<usize, AsicError> {
        let made = match self.entry.method {
            Method::Deflated => self.inflate(out)?,
            Method::Stored => self.copy(out)?,
        };
        self.made += made as u64;
        if self.made > self.entry.len {
            return Err(self.damaged("it is longer than the directory says"));
        }
        self.crc.update(out.get(..made).unwrap_or_default());
        if made == 0 && !out.is_empty() {
            if self.made != self.entry.len {
                return Err(self.damaged("it is shorter than the directory says"));
            }
            if self.crc.sum() != self.entry.crc {
                return Err(self.damaged("its checksum is not the one in the directory"));
            }
        }
        Ok(made)
    }

    /// As [`Unpacking::fill`] where more has to come.
    fn fill_some(&mut self, out: &mut [u8]) -> Result<usize, AsicError> {
        match self.fill(out)? {
            0 => Err(self.damaged("it is shorter than the directory says")),
            made => Ok(made),
        }
    }

    fn copy(&mut self, out: &mut [u8]) -> Result<usize, AsicError> {
        let left = usize::try_from(self.entry.packed.end - self.at).unwrap_or(usize::MAX);
        let made = left.min(out.len());
        self.source.read_at(self.at, out.get_mut(..made).unwrap_or_default())?;
        self.at += made as u64;
        Ok(made)
    }

    fn inflate(&mut self, out: &mut [u8]) -> Result<usize, AsicError> {
        while !self.ended && !out.is_empty() {
            if self.loaded.1 == self.loaded.0.len() {
                let end = self.entry.packed.end.min(self.at + PIECE as u64);
                self.loaded = (self.source.read(self.at..end)?, 0);
                self.at = end;
            }
            let (bytes, used) = &mut self.loaded;
            let packed = bytes.get(*used..).unwrap_or_default();
            let (read, made) = (self.inflate.total_in(), self.inflate.total_out());
            let status = self.inflate.decompress(packed, out, FlushDecompress::None);
            let read = usize::try_from(self.inflate.total_in() - read).unwrap_or(usize::MAX);
            let made = usize::try_from(self.inflate.total_out() - made).unwrap_or(usize::MAX);
            *used = used.saturating_add(read);
            let behind = *used != bytes.len() || self.at != self.entry.packed.end;
            match status {
                Err(_) => return Err(self.damaged("its packed data are broken")),
                Ok(Status::StreamEnd) if behind => {
                    return Err(self.damaged("something lies behind the end of its packed data"));
                }
                Ok(Status::StreamEnd) => self.ended = true,
                Ok(_) if made == 0 && read == 0 => return Err(self.damaged("its packed data are cut short")),
                Ok(_) => {}
            }
            if made > 0 {
                return Ok(made);
            }
        }
        Ok(0)
    }

    fn damaged(&self, what: &str) -> AsicError {
        AsicError::malformed(format!("{:?}: {what}", self.entry.name))
    }
}

/// Bytes that are loaded, and made, at a time.
const PIECE: usize = 64 * 1024;
