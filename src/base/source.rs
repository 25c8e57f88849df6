//! Bytes that can be read from any position.

use std::{io, ops::Range};

use super::digest::{Digest, DigestAlgorithm, Hasher};

/// A file or a buffer of a fixed length, read by position.
///
/// Positioned reads rather than a memory map: a file cut short under a map kills the process.
pub trait Source: Send + Sync {
    /// The length in bytes.
    fn len(&self) -> u64;

    /// Fills `buffer` from `offset`.
    ///
    /// # Errors
    ///
    /// `UnexpectedEof` when the range does not lie inside the source; whatever the medium reports.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;

    /// Whether there is nothing in it.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of `range`.
    ///
    /// # Errors
    ///
    /// As [`Source::read_at`].
    fn read(&self, range: Range<u64>) -> io::Result<Vec<u8>> {
        if range.end > self.len() || range.start > range.end {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let len = usize::try_from(range.end - range.start).map_err(|_| io::ErrorKind::OutOfMemory)?;
        let mut bytes = vec![0_u8; len];
        self.read_at(range.start, &mut bytes)?;
        Ok(bytes)
    }

    /// The digest of `ranges`, one after the other.
    ///
    /// A source that already hashed its own beginning may answer from that state.
    ///
    /// # Errors
    ///
    /// As [`Source::read_at`].
    fn digest(&self, algorithm: DigestAlgorithm, ranges: &[Range<u64>]) -> io::Result<Digest> {
        let mut hasher = Hasher::new(algorithm);
        for range in ranges {
            hasher.update_from(self, range.clone())?;
        }
        Ok(hasher.finish())
    }
}

/// A source in memory.
#[derive(Clone, Debug)]
pub struct MemorySource(pub Vec<u8>);

impl Source for MemorySource {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(offset).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        let end = start.checked_add(buffer.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        let bytes = self.0.get(start..end).ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(bytes);
        Ok(())
    }
}
