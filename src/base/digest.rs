//! Message digests.

use std::{fmt, io, ops::Range};

use sha2::Digest as _;
use shake::{ExtendableOutput as _, Update as _};

use super::Source;

/// A digest algorithm that kyso recognises. Whether it is still good enough is for policy to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DigestAlgorithm {
    /// RFC 1321, 16 bytes. Recognised, because old files use it; never produced.
    Md5,
    /// FIPS 180-4, 20 bytes. Recognised, because old files and OCSP use it; never produced for a signature.
    Sha1,
    /// FIPS 180-4, 28 bytes.
    Sha224,
    /// FIPS 180-4, 32 bytes.
    Sha256,
    /// FIPS 180-4, 48 bytes.
    Sha384,
    /// FIPS 180-4, 64 bytes.
    Sha512,
    /// FIPS 180-4, 28 bytes.
    Sha512_224,
    /// FIPS 180-4, 32 bytes.
    Sha512_256,
    /// FIPS 202, 28 bytes.
    Sha3_224,
    /// FIPS 202, 32 bytes.
    Sha3_256,
    /// FIPS 202, 48 bytes.
    Sha3_384,
    /// FIPS 202, 64 bytes.
    Sha3_512,
    /// FIPS 202 with the 32 bytes of output that RFC 8702 section 3.1 takes.
    Shake128,
    /// FIPS 202 with the 64 bytes of output that RFC 8702 section 3.1 and RFC 8419 take.
    Shake256,
}

impl DigestAlgorithm {
    /// All of them, in the order of the variants.
    pub const ALL: [Self; 14] = [
        Self::Md5,
        Self::Sha1,
        Self::Sha224,
        Self::Sha256,
        Self::Sha384,
        Self::Sha512,
        Self::Sha512_224,
        Self::Sha512_256,
        Self::Sha3_224,
        Self::Sha3_256,
        Self::Sha3_384,
        Self::Sha3_512,
        Self::Shake128,
        Self::Shake256,
    ];

    /// The length of a digest, in bytes.
    #[expect(clippy::len_without_is_empty, reason = "no digest is empty")]
    pub const fn len(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha224 | Self::Sha512_224 | Self::Sha3_224 => 28,
            Self::Sha256 | Self::Sha512_256 | Self::Sha3_256 | Self::Shake128 => 32,
            Self::Sha384 | Self::Sha3_384 => 48,
            Self::Sha512 | Self::Sha3_512 | Self::Shake256 => 64,
        }
    }

    /// The name people write: `SHA-256`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA-1",
            Self::Sha224 => "SHA-224",
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
            Self::Sha512_224 => "SHA-512/224",
            Self::Sha512_256 => "SHA-512/256",
            Self::Sha3_224 => "SHA3-224",
            Self::Sha3_256 => "SHA3-256",
            Self::Sha3_384 => "SHA3-384",
            Self::Sha3_512 => "SHA3-512",
            Self::Shake128 => "SHAKE128",
            Self::Shake256 => "SHAKE256",
        }
    }

    /// The one with this [`DigestAlgorithm::name`].
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// Whether a collision costs less than 2^128 steps, and so whether no signature of today may rest on it.
    ///
    /// This is the rule of the `strict` cryptographic policy, for code that has no policy at hand.
    pub const fn is_weak(self) -> bool {
        self.len() < 32
    }

    /// `len` octets of an extendable output over `bytes` (FIPS 202 section 6.2); `None` for what is no XOF.
    pub fn squeeze(self, bytes: &[u8], len: usize) -> Option<Vec<u8>> {
        let mut out = vec![0; len];
        let mut hasher = Hasher::new(self);
        hasher.update(bytes);
        match hasher.0 {
            State::Shake128(xof) => xof.finalize_xof_into(&mut out),
            State::Shake256(xof) => xof.finalize_xof_into(&mut out),
            _ => return None,
        }
        Some(out)
    }

    /// The digest of `bytes`.
    pub fn digest(self, bytes: &[u8]) -> Digest {
        let mut hasher = Hasher::new(self);
        hasher.update(bytes);
        hasher.finish()
    }
}

impl fmt::Display for DigestAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A digest and the algorithm that made it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Digest {
    /// What made it.
    pub algorithm: DigestAlgorithm,
    /// Exactly [`DigestAlgorithm::len`] bytes.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm, hex::encode(&self.bytes))
    }
}

/// A running digest. Cloning it keeps the state, so that a common prefix is hashed once.
#[derive(Clone)]
pub struct Hasher(State);

#[derive(Clone)]
enum State {
    Md5(md5::Md5),
    Sha1(sha1::Sha1),
    Sha224(sha2::Sha224),
    Sha256(sha2::Sha256),
    Sha384(sha2::Sha384),
    Sha512(sha2::Sha512),
    Sha512_224(sha2::Sha512_224),
    Sha512_256(sha2::Sha512_256),
    Sha3_224(sha3::Sha3_224),
    Sha3_256(sha3::Sha3_256),
    Sha3_384(sha3::Sha3_384),
    Sha3_512(sha3::Sha3_512),
    Shake128(shake::Shake128),
    Shake256(shake::Shake256),
}

/// Does the same to whatever fixed-length digest a [`State`] holds; the two XOFs have arms of their own.
macro_rules! each {
    ($state:expr, $fixed:ident => $do:expr, $xof:ident => $squeeze:expr) => {
        match $state {
            State::Md5($fixed) => $do,
            State::Sha1($fixed) => $do,
            State::Sha224($fixed) => $do,
            State::Sha256($fixed) => $do,
            State::Sha384($fixed) => $do,
            State::Sha512($fixed) => $do,
            State::Sha512_224($fixed) => $do,
            State::Sha512_256($fixed) => $do,
            State::Sha3_224($fixed) => $do,
            State::Sha3_256($fixed) => $do,
            State::Sha3_384($fixed) => $do,
            State::Sha3_512($fixed) => $do,
            State::Shake128($xof) => $squeeze,
            State::Shake256($xof) => $squeeze,
        }
    };
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hasher({})", self.algorithm())
    }
}

impl Hasher {
    /// An empty state.
    pub fn new(algorithm: DigestAlgorithm) -> Self {
        Self(match algorithm {
            DigestAlgorithm::Md5 => State::Md5(md5::Md5::new()),
            DigestAlgorithm::Sha1 => State::Sha1(sha1::Sha1::new()),
            DigestAlgorithm::Sha224 => State::Sha224(sha2::Sha224::new()),
            DigestAlgorithm::Sha256 => State::Sha256(sha2::Sha256::new()),
            DigestAlgorithm::Sha384 => State::Sha384(sha2::Sha384::new()),
            DigestAlgorithm::Sha512 => State::Sha512(sha2::Sha512::new()),
            DigestAlgorithm::Sha512_224 => State::Sha512_224(sha2::Sha512_224::new()),
            DigestAlgorithm::Sha512_256 => State::Sha512_256(sha2::Sha512_256::new()),
            DigestAlgorithm::Sha3_224 => State::Sha3_224(sha3::Sha3_224::new()),
            DigestAlgorithm::Sha3_256 => State::Sha3_256(sha3::Sha3_256::new()),
            DigestAlgorithm::Sha3_384 => State::Sha3_384(sha3::Sha3_384::new()),
            DigestAlgorithm::Sha3_512 => State::Sha3_512(sha3::Sha3_512::new()),
            DigestAlgorithm::Shake128 => State::Shake128(shake::Shake128::default()),
            DigestAlgorithm::Shake256 => State::Shake256(shake::Shake256::default()),
        })
    }

    /// Which algorithm this is.
    pub fn algorithm(&self) -> DigestAlgorithm {
        match self.0 {
            State::Md5(_) => DigestAlgorithm::Md5,
            State::Sha1(_) => DigestAlgorithm::Sha1,
            State::Sha224(_) => DigestAlgorithm::Sha224,
            State::Sha256(_) => DigestAlgorithm::Sha256,
            State::Sha384(_) => DigestAlgorithm::Sha384,
            State::Sha512(_) => DigestAlgorithm::Sha512,
            State::Sha512_224(_) => DigestAlgorithm::Sha512_224,
            State::Sha512_256(_) => DigestAlgorithm::Sha512_256,
            State::Sha3_224(_) => DigestAlgorithm::Sha3_224,
            State::Sha3_256(_) => DigestAlgorithm::Sha3_256,
            State::Sha3_384(_) => DigestAlgorithm::Sha3_384,
            State::Sha3_512(_) => DigestAlgorithm::Sha3_512,
            State::Shake128(_) => DigestAlgorithm::Shake128,
            State::Shake256(_) => DigestAlgorithm::Shake256,
        }
    }

    /// Takes in more bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        each!(&mut self.0, state => sha2::Digest::update(state, bytes), xof => xof.update(bytes));
    }

    /// Takes in a range of a source, a piece at a time.
    ///
    /// # Errors
    ///
    /// When the source cannot be read or ends early.
    pub fn update_from<S: Source + ?Sized>(&mut self, source: &S, range: Range<u64>) -> io::Result<()> {
        const PIECE: u64 = 256 * 1024;
        let longest = PIECE.min(range.end.saturating_sub(range.start));
        let mut piece = vec![0_u8; usize::try_from(longest).unwrap_or(0)];
        let mut at = range.start;
        while at < range.end {
            let take = usize::try_from(PIECE.min(range.end - at)).unwrap_or(0);
            source.read_at(at, &mut piece[..take])?;
            self.update(&piece[..take]);
            at += take as u64;
        }
        Ok(())
    }

    /// The digest of everything taken in.
    pub fn finish(self) -> Digest {
        let algorithm = self.algorithm();
        let mut bytes = vec![0; algorithm.len()];
        each!(
            self.0,
            state => bytes.copy_from_slice(&state.finalize()),
            xof => xof.finalize_xof_into(&mut bytes)
        );
        Digest { algorithm, bytes }
    }
}

/// A SHA-256 value: the address of a stored file, the fingerprint of a certificate, a ledger hash.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sha256(pub [u8; 32]);

impl Sha256 {
    /// The SHA-256 of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// Lower-case hexadecimal, 64 characters.
    pub fn to_hex(self) -> String {
        hex::encode(self.0)
    }

    /// Reads 64 hexadecimal characters.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0_u8; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 180-4 and FIPS 202 examples, RFC 1321 appendix A.5: the digest of `abc`.
    const ABC: [(DigestAlgorithm, &str); 14] = [
        (DigestAlgorithm::Md5, "900150983cd24fb0d6963f7d28e17f72"),
        (DigestAlgorithm::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (DigestAlgorithm::Sha224, "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"),
        (DigestAlgorithm::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            DigestAlgorithm::Sha384,
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
        ),
        (
            DigestAlgorithm::Sha512,
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        ),
        (DigestAlgorithm::Sha512_224, "4634270f707b6a54daae7530460842e20e37ed265ceee9a43e8924aa"),
        (DigestAlgorithm::Sha512_256, "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23"),
        (DigestAlgorithm::Sha3_224, "e642824c3f8cf24ad09234ee7d3c766fc9a3a5168d0c94ad73b46fdf"),
        (DigestAlgorithm::Sha3_256, "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"),
        (
            DigestAlgorithm::Sha3_384,
            "ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c2596da7cf0e49be4b298d88cea927ac7f539f1edf228376d25",
        ),
        (
            DigestAlgorithm::Sha3_512,
            "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0",
        ),
        (DigestAlgorithm::Shake128, "5881092dd818bf5cf8a3ddb793fbcba74097d5c526a6d35f97b83351940f2cc8"),
        (
            DigestAlgorithm::Shake256,
            "483366601360a8771c6863080cc4114d8db44530f8f1e1ee4f94ea37e78b5739d5a15bef186a5386c75744c0527e1faa9f8726e462a12a4feb06bd8801e751e4",
        ),
    ];

    #[test]
    fn each_algorithm_is_the_one_of_its_standard() {
        for (algorithm, expected) in ABC {
            let digest = algorithm.digest(b"abc");
            assert_eq!(hex::encode(&digest.bytes), expected, "{algorithm}");
            assert_eq!(digest.bytes.len(), algorithm.len());
            assert_eq!(Hasher::new(algorithm).algorithm(), algorithm);
            assert_eq!(DigestAlgorithm::from_name(algorithm.name()), Some(algorithm));
            let mut pieces = Hasher::new(algorithm);
            pieces.update(b"a");
            let mut branch = pieces.clone();
            branch.update(b"bc");
            pieces.update(b"x");
            assert_eq!(branch.finish(), digest, "{algorithm}, of a kept state");
            assert_ne!(pieces.finish(), digest);
        }
        assert_eq!(ABC.map(|(algorithm, _)| algorithm), DigestAlgorithm::ALL);
        assert_eq!(DigestAlgorithm::from_name("SHA-2"), None);
    }

    #[test]
    fn only_shake_gives_more_than_its_digest() {
        for algorithm in DigestAlgorithm::ALL {
            let more = algorithm.squeeze(b"abc", 100);
            let shake = matches!(algorithm, DigestAlgorithm::Shake128 | DigestAlgorithm::Shake256);
            assert_eq!(more.is_some(), shake, "{algorithm}");
            if let Some(more) = more {
                assert_eq!(more.len(), 100);
                assert!(more.starts_with(&algorithm.digest(b"abc").bytes));
            }
        }
    }

    #[test]
    fn weak_is_what_collides_too_early() {
        use DigestAlgorithm::{Md5, Sha1, Sha3_224, Sha224, Sha512_224};
        for algorithm in DigestAlgorithm::ALL {
            let weak = [Md5, Sha1, Sha224, Sha512_224, Sha3_224].contains(&algorithm);
            assert_eq!(algorithm.is_weak(), weak, "{algorithm}");
        }
    }
}
