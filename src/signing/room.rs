//! How much room a time-stamp token takes.

/// The room reserved for a time-stamp token in a signature, in bytes.
///
/// An authority's tokens differ in length only by their serial number (up to 20 octets, RFC 3161
/// section 2.4.2), the fraction of a second and an ECDSA value. So one token measured gives a bound for
/// the next one from the same authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenRoom(usize);

impl TokenRoom {
    /// The room for the next token, after one of `measured` bytes.
    pub const fn after(measured: usize) -> Self {
        Self(measured + VARIATION)
    }

    /// In bytes.
    pub const fn reserved(self) -> usize {
        self.0
    }
}

/// Serial number 20, fraction of a second 10, ECDSA value 9 for signer and certificate each, lengths 12; doubled.
const VARIATION: usize = 128;
