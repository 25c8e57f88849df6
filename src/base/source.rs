//! Bytes that can be read from any position.

use std::{io, ops::Range, sync::Arc};

use super::{
    digest::{Digest, DigestAlgorithm, Hasher},
    secret::Password,
};

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

    /// What opens it, if it is encrypted and whoever brought it knows.
    ///
    /// It travels with the bytes, so that every reader on their way finds it and none has to hand it on.
    fn password(&self) -> Option<Arc<Password>> {
        None
    }

    /// A running digest that has taken in everything before `end`.
    ///
    /// A source that already hashed its own beginning answers from that state.
    ///
    /// # Errors
    ///
    /// As [`Source::read_at`].
    fn hasher(&self, algorithm: DigestAlgorithm, end: u64) -> io::Result<Hasher> {
        let mut hasher = Hasher::new(algorithm);
        hasher.update_from(self, 0..end)?;
        Ok(hasher)
    }

    /// The digest of `ranges`, one after the other.
    ///
    /// # Errors
    ///
    /// As [`Source::read_at`].
    fn digest(&self, algorithm: DigestAlgorithm, ranges: &[Range<u64>]) -> io::Result<Digest> {
        let (mut hasher, rest) = match ranges {
            [first, rest @ ..] if first.start == 0 => (self.hasher(algorithm, first.end)?, rest),
            all => (Hasher::new(algorithm), all),
        };
        for range in rest {
            hasher.update_from(self, range.clone())?;
        }
        Ok(hasher.finish())
    }
}

/// A source whose beginning was hashed while it was written, so that it need not be read again.
pub struct HashedSource<S> {
    source: S,
    prefix_len: u64,
    prefix: Hasher,
}

impl<S: Source> HashedSource<S> {
    /// `prefix` has taken in exactly the first `prefix_len` bytes of `source`.
    pub fn new(source: S, prefix_len: u64, prefix: Hasher) -> Self {
        Self { source, prefix_len, prefix }
    }
}

impl<S: Source> Source for HashedSource<S> {
    fn len(&self) -> u64 {
        self.source.len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.source.read_at(offset, buffer)
    }

    fn password(&self) -> Option<Arc<Password>> {
        self.source.password()
    }

    fn hasher(&self, algorithm: DigestAlgorithm, end: u64) -> io::Result<Hasher> {
        if algorithm != self.prefix.algorithm() || end < self.prefix_len {
            return self.source.hasher(algorithm, end);
        }
        let mut hasher = self.prefix.clone();
        hasher.update_from(&self.source, self.prefix_len..end)?;
        Ok(hasher)
    }
}

/// Bytes put behind another source, as if they were written there already.
pub struct AppendedSource<S> {
    base: S,
    tail: Vec<u8>,
}

impl<S: Source> AppendedSource<S> {
    /// `tail` behind all of `base`.
    pub fn new(base: S, tail: Vec<u8>) -> Self {
        Self { base, tail }
    }
}

impl<S: Source> Source for AppendedSource<S> {
    fn len(&self) -> u64 {
        self.base.len() + self.tail.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let base_len = self.base.len();
        let in_base =
            usize::try_from(base_len.saturating_sub(offset)).unwrap_or(usize::MAX).min(buffer.len());
        let (front, back) = buffer.split_at_mut(in_base);
        if !front.is_empty() {
            self.base.read_at(offset, front)?;
        }
        if back.is_empty() {
            return Ok(());
        }
        let start =
            usize::try_from(offset.saturating_sub(base_len)).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        let bytes = self.tail.get(start..).and_then(|rest| rest.get(..back.len()));
        back.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn password(&self) -> Option<Arc<Password>> {
        self.base.password()
    }

    fn hasher(&self, algorithm: DigestAlgorithm, end: u64) -> io::Result<Hasher> {
        let base_len = self.base.len();
        let mut hasher = self.base.hasher(algorithm, end.min(base_len))?;
        if end > base_len {
            hasher.update_from(self, base_len..end)?;
        }
        Ok(hasher)
    }
}

/// A source with the password that opens it.
pub struct ProtectedSource<S> {
    source: S,
    password: Option<Arc<Password>>,
}

impl<S: Source> ProtectedSource<S> {
    /// `source`, which `password` opens; without one it is as it was.
    pub fn new(source: S, password: Option<Arc<Password>>) -> Self {
        Self { source, password }
    }
}

impl<S: Source> Source for ProtectedSource<S> {
    fn len(&self) -> u64 {
        self.source.len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.source.read_at(offset, buffer)
    }

    fn password(&self) -> Option<Arc<Password>> {
        self.password.clone().or_else(|| self.source.password())
    }

    fn hasher(&self, algorithm: DigestAlgorithm, end: u64) -> io::Result<Hasher> {
        self.source.hasher(algorithm, end)
    }
}

impl<S: Source + ?Sized> Source for Arc<S> {
    fn len(&self) -> u64 {
        (**self).len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        (**self).read_at(offset, buffer)
    }

    fn password(&self) -> Option<Arc<Password>> {
        (**self).password()
    }

    fn hasher(&self, algorithm: DigestAlgorithm, end: u64) -> io::Result<Hasher> {
        (**self).hasher(algorithm, end)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hashed_prefix_gives_the_same_digest() {
        let bytes: Vec<u8> = (0..=255).cycle().take(1_000).collect();
        let plain = MemorySource(bytes.clone());
        let prefix = plain.hasher(DigestAlgorithm::Sha256, 600).unwrap();
        let hashed = HashedSource::new(MemorySource(bytes[..700].to_vec()), 600, prefix);
        let whole = AppendedSource::new(hashed, bytes[700..].to_vec());
        for ranges in [vec![0..1_000], vec![0..650, 660..1_000], vec![0..10, 900..1_000], vec![5..750]] {
            let expected = plain.digest(DigestAlgorithm::Sha256, &ranges).unwrap();
            assert_eq!(whole.digest(DigestAlgorithm::Sha256, &ranges).unwrap(), expected, "{ranges:?}");
        }
    }

    #[test]
    fn reading_past_the_end_is_an_error() {
        let whole = AppendedSource::new(MemorySource(vec![1, 2, 3]), vec![4, 5]);
        assert_eq!(whole.read(2..4).unwrap(), [3, 4]);
        assert!(whole.read(3..6).is_err());
        assert!(whole.read_at(9, &mut [0; 1]).is_err());
    }
}
