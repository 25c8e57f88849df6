//! Secrets that wipe themselves and cannot be printed.

use std::fmt;

use zeroize::Zeroizing;

/// A token's PIN. No `Display`, no `Clone`; wiped when dropped.
pub struct Pin(Zeroizing<Vec<u8>>);

impl Pin {
    /// Takes over `bytes`, which are wiped with the value.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes, for the token's login call only.
    pub fn reveal(&self) -> &[u8] {
        &self.0
    }
}

/// A document's password. No `Display`, no `Clone`; wiped when dropped.
///
/// Unlike a [`Pin`] it opens a file and no device: a wrong one costs nothing.
pub struct Password(Zeroizing<Vec<u8>>);

impl Password {
    /// Takes over `bytes`, which are wiped with the value.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes, for finding a file's key only.
    pub fn reveal(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(…)")
    }
}
