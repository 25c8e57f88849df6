//! From a password to the file's key (ISO 32000-2 section 7.6.4).

use md5::{Digest as _, Md5};
use sha2::{Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use super::{
    super::object::encode_pdf_doc,
    cipher::{BLOCK, cbc_decrypt, cbc_encrypt, rc4},
};

/// What the encryption dictionary gives for finding the key (ISO 32000-2 table 21).
pub(super) struct Lock {
    /// `/R`: 2 to 6.
    pub(super) revision: u8,
    /// `/O`, its 32 or 48 octets.
    pub(super) owner: Vec<u8>,
    /// `/U`, as `/O`.
    pub(super) user: Vec<u8>,
    /// `/OE`, 32 octets; of revisions 5 and 6.
    pub(super) owner_key: Vec<u8>,
    /// `/UE`, as `/OE`.
    pub(super) user_key: Vec<u8>,
    /// `/Perms`, 16 octets; of revisions 5 and 6.
    pub(super) perms: Vec<u8>,
    /// `/P`.
    pub(super) permissions: u32,
    /// `/EncryptMetadata`.
    pub(super) metadata: bool,
    /// The first part of the trailer's `/ID`.
    pub(super) id: Vec<u8>,
    /// The lengths that the key may have, in bytes; the first that fits is taken.
    pub(super) key_lens: Vec<usize>,
}

/// A key that a password opened.
pub(super) struct Opened {
    pub(super) key: Zeroizing<Vec<u8>>,
    /// Whether it was the owner's password: then no permission binds.
    pub(super) owner: bool,
}

/// Why `/Perms` does not vouch for the dictionary.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tampered;

impl Lock {
    /// The key, if the password is the owner's or the user's.
    pub(super) fn open(&self, password: &[u8]) -> Result<Option<Opened>, Tampered> {
        for password in self.spellings(password) {
            let opened = match self.revision {
                5 | 6 => self.open_256(&password),
                _ => self.key_lens.iter().find_map(|len| self.open_legacy(&password, *len)),
            };
            if let Some(opened) = opened {
                self.check_perms(&opened.key)?;
                return Ok(Some(opened));
            }
        }
        Ok(None)
    }

    /// The octets that a password may mean: the standard's own first, then as given.
    fn spellings(&self, password: &[u8]) -> Vec<Zeroizing<Vec<u8>>> {
        let mut spellings = Vec::new();
        if let Ok(text) = std::str::from_utf8(password) {
            let standard = match self.revision {
                5 | 6 => stringprep::saslprep(text).ok().map(|text| text.as_bytes().to_vec()),
                _ => encode_pdf_doc(text),
            };
            spellings.extend(standard.map(Zeroizing::new));
        }
        if spellings.iter().all(|known| known.as_slice() != password) {
            spellings.push(Zeroizing::new(password.to_vec()));
        }
        spellings
    }

    /// Algorithms 6 and 7: revisions 2 to 4.
    fn open_legacy(&self, password: &[u8], len: usize) -> Option<Opened> {
        // The standard hashes all sixteen octets again, and some programs only as many as the key has.
        for hashed in [16, len] {
            let user = self.owners_user_password(password, len, hashed)?;
            if let Some(key) = self.user_key_legacy(&user, len) {
                return Some(Opened { key, owner: true });
            }
        }
        self.user_key_legacy(password, len).map(|key| Opened { key, owner: false })
    }

    /// Algorithms 2, 4, 5 and 6: the key, if this is the user's password.
    fn user_key_legacy(&self, password: &[u8], len: usize) -> Option<Zeroizing<Vec<u8>>> {
        let mut hash = Md5::new();
        hash.update(padded(password).as_slice());
        hash.update(self.owner.get(..32)?);
        hash.update(self.permissions.to_le_bytes());
        hash.update(&self.id);
        if self.revision >= 4 && !self.metadata {
            hash.update([0xFF; 4]);
        }
        let key = self.stretched(Zeroizing::new(hash.finalize().to_vec()), len)?;
        let expected = self.user.get(..32)?;
        let fits = if self.revision == 2 {
            let mut made = PADDING;
            rc4(&key, &mut made);
            made.as_slice() == expected
        } else {
            let mut made = Md5::new().chain_update(PADDING).chain_update(&self.id).finalize().to_vec();
            for round in 0..20 {
                rc4(&xored(&key, round), &mut made);
            }
            expected.get(..16) == Some(made.as_slice())
        };
        fits.then_some(key)
    }

    /// Algorithm 7 a and b: what `/O` holds, if this is the owner's password.
    fn owners_user_password(&self, password: &[u8], len: usize, hashed: usize) -> Option<Zeroizing<Vec<u8>>> {
        let hash = Md5::new().chain_update(padded(password).as_slice()).finalize().to_vec();
        let mut key = self.stretched(Zeroizing::new(hash), hashed)?;
        key.truncate(len);
        let mut user = Zeroizing::new(self.owner.get(..32)?.to_vec());
        if self.revision == 2 {
            rc4(&key, &mut user);
        } else {
            for round in (0..20).rev() {
                rc4(&xored(&key, round), &mut user);
            }
        }
        Some(user)
    }

    /// Algorithms 2 h and 3 c: fifty more rounds over the first `len` octets, which are what is left.
    fn stretched(&self, mut hash: Zeroizing<Vec<u8>>, len: usize) -> Option<Zeroizing<Vec<u8>>> {
        if self.revision >= 3 {
            for _ in 0..50 {
                hash = Zeroizing::new(Md5::digest(hash.get(..len)?).to_vec());
            }
        }
        hash.truncate(len);
        (hash.len() == len).then_some(hash)
    }

    /// Algorithm 2.A: revisions 5 and 6.
    fn open_256(&self, password: &[u8]) -> Option<Opened> {
        let password = password.get(..password.len().min(127))?;
        let user = self.user.get(..48)?;
        for (proof, sealed, more, owner) in
            [(&self.owner, &self.owner_key, user, true), (&self.user, &self.user_key, &[][..], false)]
        {
            let (expected, salts) = (proof.get(..32)?, proof.get(32..48)?);
            let (validation, key_salt) = salts.split_at(8);
            if self.hash(password, validation, more)?.as_slice() == expected {
                let between = self.hash(password, key_salt, more)?;
                let mut key = Zeroizing::new(sealed.get(..32)?.to_vec());
                cbc_decrypt(&between, &[0; BLOCK], &mut key)?;
                return Some(Opened { key, owner });
            }
        }
        None
    }

    /// Algorithm 2.B; of revision 5 the plain digest (Adobe Supplement to ISO 32000-1, extension level 3).
    fn hash(&self, password: &[u8], salt: &[u8], more: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let first = Sha256::new().chain_update(password).chain_update(salt).chain_update(more).finalize();
        let mut k = Zeroizing::new(first.to_vec());
        if self.revision == 5 {
            return Some(k);
        }
        let mut round = 0_u32;
        loop {
            let once = Zeroizing::new([password, k.as_slice(), more].concat());
            let mut data = Zeroizing::new(once.repeat(64));
            let (key, rest) = k.split_first_chunk::<BLOCK>()?;
            let iv = rest.first_chunk::<BLOCK>()?;
            cbc_encrypt(key, iv, &mut data)?;
            // The first sixteen octets as a number, modulo 3: 256 is 1 modulo 3, so their sum will do.
            let sum: u32 = data.iter().take(BLOCK).map(|byte| u32::from(*byte)).sum();
            let last = u32::from(*data.last()?);
            k = Zeroizing::new(match sum % 3 {
                0 => Sha256::digest(data.as_slice()).to_vec(),
                1 => Sha384::digest(data.as_slice()).to_vec(),
                _ => Sha512::digest(data.as_slice()).to_vec(),
            });
            round += 1;
            if round >= 64 && last + 32 <= round {
                k.truncate(32);
                return Some(k);
            }
        }
    }

    /// Algorithm 13: whether `/Perms` says what `/P` and `/EncryptMetadata` say.
    fn check_perms(&self, key: &[u8]) -> Result<(), Tampered> {
        if !matches!(self.revision, 5 | 6) {
            return Ok(());
        }
        let mut perms = self.perms.get(..BLOCK).ok_or(Tampered)?.to_vec();
        cbc_decrypt(key, &[0; BLOCK], &mut perms).ok_or(Tampered)?;
        let metadata = if self.metadata { b'T' } else { b'F' };
        let fits = perms.get(..4) == Some(&self.permissions.to_le_bytes()[..])
            && perms.get(8) == Some(&metadata)
            && perms.get(9..12) == Some(b"adb".as_slice());
        if fits { Ok(()) } else { Err(Tampered) }
    }
}

/// Algorithm 2 a: 32 octets.
fn padded(password: &[u8]) -> Zeroizing<Vec<u8>> {
    let bytes = password.iter().chain(&PADDING).take(32).copied().collect();
    Zeroizing::new(bytes)
}

fn xored(key: &[u8], round: u8) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(key.iter().map(|byte| byte ^ round).collect())
}

/// Algorithm 2 a.
const PADDING: [u8; 32] = [
    0x28, 0xBF, 0x4E, 0x5E, 0x4E, 0x75, 0x8A, 0x41, 0x64, 0x00, 0x4E, 0x56, 0xFF, 0xFA, 0x01, 0x08, 0x2E,
    0x2E, 0x00, 0xB6, 0xD0, 0x68, 0x3E, 0x80, 0x2F, 0x0C, 0xA9, 0xFE, 0x64, 0x53, 0x69, 0x7A,
];
