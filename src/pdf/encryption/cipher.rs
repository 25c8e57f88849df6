//! RC4 and AES in CBC mode, as ISO 32000-2 section 7.6.3 uses them.

use std::io::{self, Read};

use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyInit, KeyIvInit};
use rc4::{Rc4, StreamCipher};

/// What encrypts strings or streams (ISO 32000-2 table 25).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::pdf) enum Method {
    /// Nothing does.
    Identity,
    /// `/V2`.
    Rc4,
    /// `/AESV2`.
    Aes128,
    /// `/AESV3`.
    Aes256,
}

/// The length of an AES block and of an initialization vector, in bytes.
pub(super) const BLOCK: usize = 16;

/// RC4 with `key`, of 1 to 256 bytes; both directions are the same.
pub(super) fn rc4(key: &[u8], data: &mut [u8]) {
    if let Ok(mut cipher) = Rc4::new_from_slice(key) {
        cipher.apply_keystream(data);
    }
}

/// The plain bytes; `None` when AES finds no whole blocks or no padding.
pub(super) fn decrypt(method: Method, key: &[u8], bytes: &[u8]) -> Option<Vec<u8>> {
    match method {
        Method::Identity => Some(bytes.to_vec()),
        Method::Rc4 => {
            let mut plain = bytes.to_vec();
            rc4(key, &mut plain);
            Some(plain)
        }
        // Some programs leave what is empty as it is, and some write the vector alone.
        Method::Aes128 | Method::Aes256 if bytes.is_empty() || bytes.len() == BLOCK => Some(Vec::new()),
        Method::Aes128 | Method::Aes256 => {
            let (iv, body) = bytes.split_first_chunk::<BLOCK>()?;
            let mut plain = body.to_vec();
            Cbc::decryptor(key, iv)?.decrypt(&mut plain)?;
            plain.truncate(plain.len().checked_sub(padding(&plain)?)?);
            Some(plain)
        }
    }
}

/// The encrypted bytes: of AES, the vector first and padding last.
pub(super) fn encrypt(method: Method, key: &[u8], iv: [u8; BLOCK], bytes: &[u8]) -> Option<Vec<u8>> {
    match method {
        Method::Identity => Some(bytes.to_vec()),
        Method::Rc4 => decrypt(method, key, bytes),
        Method::Aes128 | Method::Aes256 => {
            let mut body = bytes.to_vec();
            let pad = BLOCK - bytes.len() % BLOCK;
            body.resize(bytes.len() + pad, u8::try_from(pad).ok()?);
            cbc_encrypt(key, &iv, &mut body)?;
            Some([iv.as_slice(), &body].concat())
        }
    }
}

/// AES-CBC over whole blocks without padding, by the length of `key`: 16 or 32 bytes.
pub(super) fn cbc_encrypt(key: &[u8], iv: &[u8; BLOCK], data: &mut [u8]) -> Option<()> {
    Cbc::encryptor(key, iv)?.encrypt(data)
}

/// The reverse of [`cbc_encrypt`].
pub(super) fn cbc_decrypt(key: &[u8], iv: &[u8; BLOCK], data: &mut [u8]) -> Option<()> {
    Cbc::decryptor(key, iv)?.decrypt(data)
}

/// How many bytes at the end are padding (RFC 8018 section 6.1.1).
fn padding(plain: &[u8]) -> Option<usize> {
    let pad = usize::from(*plain.last()?);
    let tail = plain.get(plain.len().checked_sub(pad)?..)?;
    ((1..=BLOCK).contains(&pad) && tail.iter().all(|byte| usize::from(*byte) == pad)).then_some(pad)
}

/// AES-CBC with a key of either length.
enum Cbc {
    Decrypt128(cbc::Decryptor<aes::Aes128>),
    Decrypt256(cbc::Decryptor<aes::Aes256>),
    Encrypt128(cbc::Encryptor<aes::Aes128>),
    Encrypt256(cbc::Encryptor<aes::Aes256>),
}

impl Cbc {
    fn decryptor(key: &[u8], iv: &[u8; BLOCK]) -> Option<Self> {
        match key.len() {
            16 => cbc::Decryptor::new_from_slices(key, iv).ok().map(Self::Decrypt128),
            32 => cbc::Decryptor::new_from_slices(key, iv).ok().map(Self::Decrypt256),
            _ => None,
        }
    }

    fn encryptor(key: &[u8], iv: &[u8; BLOCK]) -> Option<Self> {
        match key.len() {
            16 => cbc::Encryptor::new_from_slices(key, iv).ok().map(Self::Encrypt128),
            32 => cbc::Encryptor::new_from_slices(key, iv).ok().map(Self::Encrypt256),
            _ => None,
        }
    }

    fn encrypt(self, data: &mut [u8]) -> Option<()> {
        let mut cipher = self;
        cipher.blocks(data)
    }

    fn decrypt(self, data: &mut [u8]) -> Option<()> {
        let mut cipher = self;
        cipher.blocks(data)
    }

    /// The next blocks, in place; `None` when they are not whole.
    fn blocks(&mut self, data: &mut [u8]) -> Option<()> {
        let (blocks, left) = data.as_chunks_mut::<BLOCK>();
        for block in blocks {
            match self {
                Self::Decrypt128(cipher) => cipher.decrypt_block(block.into()),
                Self::Decrypt256(cipher) => cipher.decrypt_block(block.into()),
                Self::Encrypt128(cipher) => cipher.encrypt_block(block.into()),
                Self::Encrypt256(cipher) => cipher.encrypt_block(block.into()),
            }
        }
        left.is_empty().then_some(())
    }
}

/// A stream's data as it is decrypted, piece by piece.
pub(in crate::pdf) struct Decrypting<R> {
    inner: R,
    state: State,
    /// Plain bytes that were not asked for yet, from `at` on.
    plain: Vec<u8>,
    at: usize,
    /// The last block stays back until it is known that padding ends it.
    held: Vec<u8>,
    done: bool,
}

enum State {
    Plain,
    Rc4(Box<Rc4>),
    /// Before the initialization vector was read.
    Key(zeroize::Zeroizing<Vec<u8>>),
    Aes(Box<Cbc>),
}

impl<R: Read> Decrypting<R> {
    /// `inner` as it comes out under `key`.
    pub(super) fn new(inner: R, method: Method, key: &[u8]) -> Option<Self> {
        let state = match method {
            Method::Identity => State::Plain,
            Method::Rc4 => State::Rc4(Box::new(Rc4::new_from_slice(key).ok()?)),
            Method::Aes128 | Method::Aes256 => State::Key(zeroize::Zeroizing::new(key.to_vec())),
        };
        Some(Self { inner, state, plain: Vec::new(), at: 0, held: Vec::new(), done: false })
    }

    /// Reads the next piece; what can be given out lies in `plain` then.
    fn advance(&mut self) -> io::Result<()> {
        let broken = || io::Error::new(io::ErrorKind::InvalidData, "encrypted data is broken");
        self.plain.clear();
        self.at = 0;
        let mut piece = vec![0; PIECE];
        let read = fill(&mut self.inner, &mut piece)?;
        self.done = read < piece.len();
        piece.truncate(read);
        match &mut self.state {
            State::Plain => self.plain = piece,
            State::Rc4(cipher) => {
                cipher.apply_keystream(&mut piece);
                self.plain = piece;
            }
            State::Key(key) => {
                if piece.is_empty() || piece.len() == BLOCK {
                    return Ok(());
                }
                let (iv, body) = piece.split_first_chunk::<BLOCK>().ok_or_else(broken)?;
                let cipher = Cbc::decryptor(key, iv).ok_or_else(broken)?;
                let body = body.to_vec();
                self.state = State::Aes(Box::new(cipher));
                self.take_blocks(body)?;
            }
            State::Aes(_) => self.take_blocks(piece)?,
        }
        Ok(())
    }

    fn take_blocks(&mut self, mut piece: Vec<u8>) -> io::Result<()> {
        let broken = || io::Error::new(io::ErrorKind::InvalidData, "encrypted data is broken");
        if let State::Aes(cipher) = &mut self.state {
            cipher.blocks(&mut piece).ok_or_else(broken)?;
        }
        let mut plain = std::mem::take(&mut self.held);
        plain.extend_from_slice(&piece);
        let keep = if self.done { padding(&plain).ok_or_else(broken)? } else { BLOCK.min(plain.len()) };
        let rest = plain.split_off(plain.len().saturating_sub(keep));
        if !self.done {
            self.held = rest;
        }
        self.plain = plain;
        Ok(())
    }
}

impl<R: Read> Read for Decrypting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at >= self.plain.len() && !self.done {
            self.advance()?;
        }
        let rest = self.plain.get(self.at..).unwrap_or_default();
        let take = rest.len().min(buffer.len());
        let (head, _) = buffer.split_at_mut(take);
        head.copy_from_slice(rest.get(..take).unwrap_or_default());
        self.at += take;
        Ok(take)
    }
}

fn fill(inner: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match inner.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Bytes decrypted at a time: whole blocks.
const PIECE: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encrypted_comes_back_whole_and_piece_by_piece() {
        for len in [0, 1, 15, 16, 17, 31, 32, PIECE - 17, PIECE - 16, PIECE, PIECE + 1, 3 * PIECE + 5] {
            let plain: Vec<u8> = (0..=255).cycle().take(len).collect();
            for (method, key) in [
                (Method::Identity, vec![]),
                (Method::Rc4, vec![7; 10]),
                (Method::Aes128, vec![7; 16]),
                (Method::Aes256, vec![7; 32]),
            ] {
                let sealed = encrypt(method, &key, [3; BLOCK], &plain).expect("encrypts");
                assert_eq!(decrypt(method, &key, &sealed).as_deref(), Some(&*plain), "{method:?} {len}");
                let mut read = Vec::new();
                let mut reader = Decrypting::new(sealed.as_slice(), method, &key).expect("a reader");
                reader.read_to_end(&mut read).expect("reads");
                assert_eq!(read, plain, "{method:?} {len}");
            }
        }
    }

    #[test]
    fn broken_blocks_and_padding_are_told() {
        let sealed = encrypt(Method::Aes128, &[7; 16], [3; BLOCK], b"Quyet dinh").expect("encrypts");
        for wrong in [&sealed[..31], &sealed[..17], &sealed[..15], &[sealed.clone(), vec![0; 16]].concat()] {
            assert_eq!(decrypt(Method::Aes128, &[7; 16], wrong), None, "{} bytes", wrong.len());
            let mut reader = Decrypting::new(wrong, Method::Aes128, &[7; 16]).expect("a reader");
            assert!(reader.read_to_end(&mut Vec::new()).is_err(), "{} bytes", wrong.len());
        }
        assert_eq!(decrypt(Method::Aes256, &[7; 16], &sealed), decrypt(Method::Aes128, &[7; 16], &sealed));
        assert_eq!(decrypt(Method::Aes128, &[7; 5], &sealed), None);
    }

    /// RFC 6229 section 2: a key of 40 bits.
    #[test]
    fn rc4_gives_the_stream_of_rfc_6229() {
        let mut stream = [0; 8];
        rc4(&[1, 2, 3, 4, 5], &mut stream);
        assert_eq!(stream, [0xb2, 0x39, 0x63, 0x05, 0xf0, 0x3d, 0xc0, 0x27]);
    }
}
