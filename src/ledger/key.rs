//! Checkpoints and the keys that sign them (C2SP signed-note and tlog-checkpoint, Ed25519 of RFC 8032).

use std::fmt;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use signed_note::{Note, StandardSigner, StandardVerifier, VerifierList};
use zeroize::Zeroizing;

use crate::base::{Chance, Sha256};

/// The private key that signs the checkpoints of one ledger. Its name is the ledger's origin.
pub struct LedgerKey {
    signer: StandardSigner,
    verifier: VerifierKey,
    text: Zeroizing<String>,
}

impl LedgerKey {
    /// A fresh key for the ledger called `origin`, such as `kyso.example.gov.vn/ledger`.
    ///
    /// # Errors
    ///
    /// When the name is empty, longer than 255 bytes, or has white space or a plus in it.
    pub fn generate(origin: &str, chance: &Chance) -> Result<Self, KeyError> {
        check_name(origin)?;
        let seed: Zeroizing<[u8; 32]> = Zeroizing::new(chance.bytes());
        let pair = Ed25519KeyPair::from_seed_unchecked(&*seed).map_err(|_| KeyError::Malformed)?;
        let public = [&[ED25519], pair.public_key().as_ref()].concat();
        let private = Zeroizing::new([&[ED25519], &seed[..]].concat());
        let id = signed_note::key_id(origin, &public);
        let encoded = Zeroizing::new(BASE64_STANDARD.encode(&*private));
        Self::parse(&Zeroizing::new(format!("PRIVATE+KEY+{origin}+{id:08x}+{}", *encoded)))
    }

    /// Reads `PRIVATE+KEY+<name>+<key id>+<base64>`, the form that Go's `sumdb/note` writes.
    ///
    /// # Errors
    ///
    /// When the text is no such key of Ed25519.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let text = Zeroizing::new(text.trim().to_owned());
        let signer = StandardSigner::new(&text).map_err(|_| KeyError::Malformed)?;
        let name = signed_note::Signer::name(&signer).to_owned();
        check_name(&name)?;
        // Base64 may itself hold a plus: all that follows the fourth one is the key.
        let encoded = text.splitn(5, '+').nth(4).ok_or(KeyError::Malformed)?;
        let private = Zeroizing::new(BASE64_STANDARD.decode(encoded).map_err(|_| KeyError::Malformed)?);
        let seed = private.get(1..).ok_or(KeyError::Malformed)?;
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| KeyError::Malformed)?;
        let public = [&[ED25519], pair.public_key().as_ref()].concat();
        let id = signed_note::key_id(&name, &public);
        let verifier = VerifierKey::parse(&format!("{name}+{id:08x}+{}", BASE64_STANDARD.encode(public)))?;
        Ok(Self { signer, verifier, text })
    }

    /// The key as [`LedgerKey::parse`] reads it, for the file that keeps it (mode 600).
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// The public half.
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Signs the head of a tree. The same head gives the same bytes each time (RFC 8032 draws no randomness).
    ///
    /// # Errors
    ///
    /// When the name cannot be an origin, which parsing has ruled out.
    pub fn sign(&self, size: u64, root: Sha256) -> Result<Checkpoint, CheckpointError> {
        let origin = self.verifier.origin();
        let body = tlog_tiles::Checkpoint::new(origin, size, tlog_tiles::Hash(root.0), "")
            .map_err(|_| CheckpointError::Malformed)?;
        let mut note = Note::new(&body.to_bytes(), &[]).map_err(|_| CheckpointError::Malformed)?;
        note.add_sigs(&[&self.signer]).map_err(|_| CheckpointError::Malformed)?;
        let note = String::from_utf8(note.to_bytes()).map_err(|_| CheckpointError::Malformed)?;
        Ok(Checkpoint { size, root, note })
    }
}

impl fmt::Debug for LedgerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LedgerKey({})", self.verifier)
    }
}

/// The public key of a ledger: `<name>+<key id>+<base64>` (C2SP signed-note, "Verifier keys").
#[derive(Clone)]
pub struct VerifierKey {
    verifier: StandardVerifier,
    text: String,
}

impl VerifierKey {
    /// Reads a verifier key of Ed25519.
    ///
    /// # Errors
    ///
    /// When the text is no such key, or its key id does not fit.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        if text.len() > MAX_KEY_TEXT {
            return Err(KeyError::Malformed);
        }
        let verifier = StandardVerifier::new(text).map_err(|_| KeyError::Malformed)?;
        check_name(signed_note::Verifier::name(&verifier))?;
        Ok(Self { verifier, text: text.to_owned() })
    }

    /// The ledger's name.
    pub fn origin(&self) -> &str {
        signed_note::Verifier::name(&self.verifier)
    }

    /// Reads a checkpoint and checks this key's signature on it. Signatures of others, such as witnesses, may stand
    /// beside it.
    ///
    /// # Errors
    ///
    /// When it is malformed, of another ledger, or not signed by this key.
    pub fn open(&self, note: &[u8]) -> Result<Checkpoint, CheckpointError> {
        if note.len() > MAX_NOTE {
            return Err(CheckpointError::Malformed);
        }
        let signed = Note::from_bytes(note).map_err(|_| CheckpointError::Malformed)?;
        let known = VerifierList::new(vec![Box::new(self.verifier.clone())]);
        signed.verify(&known).map_err(|_| CheckpointError::Signature)?;
        let body =
            tlog_tiles::Checkpoint::from_bytes(signed.text()).map_err(|_| CheckpointError::Malformed)?;
        if body.origin() != self.origin() {
            return Err(CheckpointError::Origin { found: body.origin().to_owned() });
        }
        let note = String::from_utf8(note.to_vec()).map_err(|_| CheckpointError::Malformed)?;
        Ok(Checkpoint { size: body.size(), root: Sha256(body.hash().0), note })
    }
}

impl std::str::FromStr for VerifierKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        Self::parse(text)
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for VerifierKey {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for VerifierKey {}

/// The signed head of a tree. Made by [`LedgerKey::sign`] or [`VerifierKey::open`] only: the signature holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    size: u64,
    root: Sha256,
    note: String,
}

impl Checkpoint {
    /// Leaves in the tree.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root of the tree.
    pub fn root(&self) -> Sha256 {
        self.root
    }

    /// The signed note, as served at `/checkpoint`.
    pub fn note(&self) -> &str {
        &self.note
    }
}

/// The text is not a key of a ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Not the expected form, another algorithm, or a key id that does not fit.
    #[error("this is not an Ed25519 key in the form <name>+<key id>+<base64>")]
    Malformed,
    /// The name cannot stand in a signed note.
    #[error("a ledger's name has 1 to 255 bytes, no white space, no control characters and no plus")]
    Name,
}

/// The note is not a checkpoint of this ledger.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// Not a signed note with origin, size and root.
    #[error("this is not a checkpoint")]
    Malformed,
    /// The checkpoint of another ledger.
    #[error("the checkpoint is of another ledger, {found:?}")]
    Origin {
        /// Its name.
        found: String,
    },
    /// No good signature of this key.
    #[error("the checkpoint is not signed by the key given")]
    Signature,
}

/// C2SP signed-note, "Signature types".
const ED25519: u8 = 0x01;
/// A name of 255 bytes, a key id, and 33 bytes in base64.
const MAX_KEY_TEXT: usize = 320;
/// Room for a long origin and a hundred witnesses.
const MAX_NOTE: usize = 64 * 1024;

fn check_name(name: &str) -> Result<(), KeyError> {
    let good = (1..=255).contains(&name.len())
        && signed_note::is_key_name_valid(name)
        && !name.chars().any(char::is_control);
    good.then_some(()).ok_or(KeyError::Name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> LedgerKey {
        LedgerKey::generate("kyso.example/ledger", &Chance::system()).unwrap()
    }

    #[test]
    fn a_key_comes_back_from_its_text() {
        for _ in 0..20 {
            let key = key();
            let again = LedgerKey::parse(&format!("{}\n", key.reveal())).unwrap();
            assert_eq!(again.verifier(), key.verifier());
            assert_eq!(again.sign(3, Sha256([7; 32])), key.sign(3, Sha256([7; 32])));
            assert!(!format!("{key:?}").contains(key.reveal()));
        }
    }

    /// C2SP signed-note: key id = first 4 bytes of SHA-256(name || 0x0A || type || public key).
    #[test]
    fn the_key_id_is_that_of_the_standard() {
        let text = key().verifier().to_string();
        let mut parts = text.splitn(3, '+');
        let (name, id, encoded) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        let public = BASE64_STANDARD.decode(encoded).unwrap();
        assert_eq!((public.len(), public[0]), (33, 0x01));
        let hash = Sha256::of(&[name.as_bytes(), b"\n", &public].concat());
        assert_eq!(hex::encode(&hash.0[..4]), id);
    }

    #[test]
    fn a_checkpoint_is_written_as_the_standard_has_it() {
        let key = key();
        let checkpoint = key.sign(70_000, Sha256([0; 32])).unwrap();
        let lines: Vec<&str> = checkpoint.note().split('\n').collect();
        let root = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        assert_eq!(lines[..4], ["kyso.example/ledger", "70000", root, ""]);
        let signature = lines[4].strip_prefix("\u{2014} kyso.example/ledger ").unwrap();
        assert_eq!(BASE64_STANDARD.decode(signature).unwrap().len(), 4 + 64);
        assert_eq!(lines[5..], [""]);
        assert_eq!(key.verifier().open(checkpoint.note().as_bytes()), Ok(checkpoint));
    }

    #[test]
    fn what_was_changed_or_signed_by_another_is_refused() {
        let key = key();
        let note = key.sign(5, Sha256([1; 32])).unwrap().note().to_owned();
        let grown = note.replacen("\n5\n", "\n6\n", 1);
        assert_eq!(key.verifier().open(grown.as_bytes()), Err(CheckpointError::Signature));
        let other = LedgerKey::generate("kyso.example/ledger", &Chance::system()).unwrap();
        assert_eq!(other.verifier().open(note.as_bytes()), Err(CheckpointError::Signature));
        let renamed = note.replace("kyso.example/ledger\n", "kyso.example/other\n");
        assert!(key.verifier().open(renamed.as_bytes()).is_err());
        for cut in 0..note.len() {
            assert!(key.verifier().open(&note.as_bytes()[..cut]).is_err(), "{cut}");
        }
    }

    #[test]
    fn a_bad_name_or_key_is_refused() {
        for name in ["", "a b", "a+b", "a\nb", "a\u{1}b", &"a".repeat(256)] {
            assert_eq!(LedgerKey::generate(name, &Chance::system()).unwrap_err(), KeyError::Name, "{name:?}");
        }
        let text = key().verifier().to_string();
        assert!(VerifierKey::parse(&text).is_ok());
        assert!(VerifierKey::parse(&text.replace("example", "exemple")).is_err());
        assert!(VerifierKey::parse("").is_err() && LedgerKey::parse(&text).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in ".{0,200}") {
            let _ = VerifierKey::parse(&text);
            let _ = LedgerKey::parse(&text);
            prop_assert!(key().verifier().open(text.as_bytes()).is_err());
        }
    }
}
