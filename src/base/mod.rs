//! Values that every floor shares: time, chance, digests, identifiers, limits, secrets, byte sources.
//!
//! Nothing here opens a file or a socket.

pub mod background;
pub mod chance;
pub mod clock;
pub mod digest;
pub mod id;
pub mod limits;
pub mod secret;
pub mod source;

pub use chance::Chance;
pub use clock::{Clock, ClockHand, UtcTime};
pub use digest::{Digest, DigestAlgorithm, Sha256};
pub use id::Id;
pub use limits::Limits;
pub use secret::{Password, Pin};
pub use source::{AppendedSource, HashedSource, MemorySource, ProtectedSource, Source};
