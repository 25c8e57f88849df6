//! Encrypted files: the standard security handler (ISO 32000-2 section 7.6).
//!
//! ```text
//! /Encrypt, /ID, password  ->  Security          the file's key, what it encrypts, what its user may do
//! Security::unseal(object)  ->  plain strings     after an object was read from its own place in the file
//! Security::reader(stream)  ->  plain data        before filters are undone
//! Security::seal(object)    ->  encrypted strings before an object goes into a new revision
//! ```
//!
//! What is not encrypted: the encryption dictionary, cross-reference streams, trailers, strings inside object streams
//! (the stream is), `/Contents` of a signature, and what a crypt filter named `Identity` is for.

mod cipher;
mod key;
mod permissions;

use std::{borrow::Cow, collections::BTreeMap, io::Read};

use md5::{Digest as _, Md5};
use zeroize::Zeroizing;

pub use self::permissions::{Permissions, Use};
use self::{
    cipher::{BLOCK, Decrypting, Method},
    key::{Lock, Opened},
};
use super::{
    Document, PdfError,
    object::{Dictionary, Object, ObjectId},
    xref::Place,
};
use crate::base::{Password, Sha256};

/// An encrypted file, opened.
pub(super) struct Security {
    /// The encryption dictionary's own object, where it is one.
    object: Option<ObjectId>,
    key: Zeroizing<Vec<u8>>,
    strings: Method,
    streams: Method,
    embedded: Method,
    filters: BTreeMap<Vec<u8>, Method>,
    /// `/V`.
    version: u8,
    /// `/EncryptMetadata`.
    metadata: bool,
    permissions: Permissions,
}

impl Security {
    /// What the last revision's trailer says; `None` for a file that is not encrypted.
    ///
    /// The empty password is tried first, as readers do, then the one given.
    pub(super) fn open(document: &Document, password: Option<&Password>) -> Result<Option<Self>, PdfError> {
        let Some(at) = document.trailer().get("Encrypt") else { return Ok(None) };
        let dictionary = dictionary(document, document.last(), at)?;
        let scheme = Scheme::read(&dictionary)?;
        let lock = scheme.lock(&dictionary, first_id(document.trailer()))?;
        let open = |password: &[u8]| {
            lock.open(password).map_err(|_| {
                unsupported(
                    "its /Perms contradicts /P or /EncryptMetadata: the permissions were tampered with",
                )
            })
        };
        // The owner's rights count, so the password given goes first.
        let mut opened = None;
        if let Some(password) = password {
            opened = open(password.reveal())?;
        }
        if opened.is_none() {
            opened = open(b"")?;
        }
        let opened = match opened {
            Some(opened) => opened,
            // Such a file encrypts its attachments alone, which nobody reads here.
            None if scheme.is_open() => Opened { key: Zeroizing::default(), owner: false },
            None if password.is_some() => return Err(PdfError::WrongPassword),
            None => return Err(PdfError::Encrypted),
        };
        Ok(Some(Self {
            object: at.as_reference(),
            key: opened.key,
            strings: scheme.strings,
            streams: scheme.streams,
            embedded: scheme.embedded,
            filters: scheme.filters,
            version: scheme.version,
            metadata: lock.metadata,
            permissions: Permissions::new(lock.permissions, lock.revision, opened.owner),
        }))
    }

    /// What the file lets its reader do.
    pub(super) fn permissions(&self) -> Permissions {
        self.permissions
    }

    /// Makes the strings of object `id` plain.
    pub(super) fn unseal(&self, id: ObjectId, object: &mut Object) -> Result<(), PdfError> {
        if self.strings == Method::Identity || self.object == Some(id) || is_cross_reference(object) {
            return Ok(());
        }
        let key = self.object_key(id, self.strings);
        each_string(object, &mut |string| {
            *string = cipher::decrypt(self.strings, &key, string).ok_or_else(|| {
                PdfError::damaged(0, format!("a string in object {} {} R does not decrypt", id.0, id.1))
            })?;
            Ok(())
        })
    }

    /// Encrypts the strings of object `id` for a new revision. `seed` is another one for each revision.
    pub(super) fn seal(&self, id: ObjectId, object: &mut Object, seed: u64) -> Result<(), PdfError> {
        if self.strings == Method::Identity || self.object == Some(id) || is_cross_reference(object) {
            return Ok(());
        }
        let key = self.object_key(id, self.strings);
        let mut count = 0;
        each_string(object, &mut |string| {
            count += 1;
            let iv = self.vector(id, seed, count, string);
            *string = cipher::encrypt(self.strings, &key, iv, string).ok_or_else(unusable)?;
            Ok(())
        })
    }

    /// Encrypts the data of the stream `id`, which has this dictionary.
    pub(super) fn seal_data(
        &self,
        id: ObjectId,
        dictionary: &Dictionary,
        data: &[u8],
        seed: u64,
    ) -> Result<Vec<u8>, PdfError> {
        let method = self.stream_method(dictionary)?;
        let iv = self.vector(id, seed, 0, data);
        cipher::encrypt(method, &self.object_key(id, method), iv, data).ok_or_else(unusable)
    }

    /// The stored data of the stream `id` as it was before encryption.
    pub(super) fn reader<R: Read>(
        &self,
        id: ObjectId,
        dictionary: &Dictionary,
        stored: R,
    ) -> Result<Decrypting<R>, PdfError> {
        let method = self.stream_method(dictionary)?;
        Decrypting::new(stored, method, &self.object_key(id, method)).ok_or_else(unusable)
    }

    /// What encrypts a stream's data (ISO 32000-2 sections 7.5.8.2, 7.6.6 and 14.3.2).
    fn stream_method(&self, dictionary: &Dictionary) -> Result<Method, PdfError> {
        if dictionary.is_type("XRef") {
            return Ok(Method::Identity);
        }
        if let Some(name) = own_filter(dictionary) {
            return self.named(&name);
        }
        if dictionary.is_type("Metadata") && !self.metadata && self.version >= 4 {
            return Ok(Method::Identity);
        }
        Ok(if dictionary.is_type("EmbeddedFile") { self.embedded } else { self.streams })
    }

    fn named(&self, name: &[u8]) -> Result<Method, PdfError> {
        method_named(&self.filters, name)
    }

    /// Algorithm 1, and 1.A for AES with 256 bits: the key of one object.
    fn object_key(&self, id: ObjectId, method: Method) -> Zeroizing<Vec<u8>> {
        if self.version >= 5 || method == Method::Identity {
            return self.key.clone();
        }
        let mut hash = Md5::new();
        hash.update(self.key.as_slice());
        hash.update(&id.0.to_le_bytes()[..3]);
        hash.update(id.1.to_le_bytes());
        if method == Method::Aes128 {
            hash.update(b"sAlT");
        }
        let mut key = Zeroizing::new(hash.finalize().to_vec());
        key.truncate((self.key.len() + 5).min(16));
        key
    }

    /// An initialization vector that nobody without the key foresees, drawn from what is encrypted, so that the same
    /// work gives the same bytes.
    fn vector(&self, id: ObjectId, seed: u64, count: u64, plain: &[u8]) -> [u8; BLOCK] {
        let place = [u64::from(id.0), u64::from(id.1), seed, count, plain.len() as u64];
        let mut bytes = Zeroizing::new(self.key.to_vec());
        bytes.extend(place.iter().flat_map(|part| part.to_be_bytes()));
        bytes.extend_from_slice(plain);
        let digest = Sha256::of(&bytes).0;
        digest.first_chunk::<BLOCK>().copied().unwrap_or_default()
    }
}

/// Which filters encrypt what (ISO 32000-2 tables 20 and 25), before there is a key.
struct Scheme {
    version: u8,
    strings: Method,
    streams: Method,
    embedded: Method,
    filters: BTreeMap<Vec<u8>, Method>,
    /// Lengths that the key may have, in bytes.
    key_lens: Vec<usize>,
}

impl Scheme {
    fn read(dictionary: &Dictionary) -> Result<Self, PdfError> {
        match dictionary.name("Filter") {
            Some(b"Standard") => {}
            Some(b"Adobe.PubSec" | b"Entrust.PPKEF") => {
                return Err(unsupported("it is encrypted for certificates (a public-key security handler)"));
            }
            _ => return Err(unsupported("its security handler is not the standard one")),
        }
        let version = dictionary.integer("V").unwrap_or(0);
        // In bytes; the standard counts bits, and some programs count bytes.
        let said = match dictionary.integer("Length").and_then(|length| usize::try_from(length).ok()) {
            Some(bits @ 40..=128) if bits % 8 == 0 => Some(bits / 8),
            Some(bytes @ 5..=16) => Some(bytes),
            _ => None,
        };
        let whole = |method, key_lens| {
            Ok(Self {
                version: 2,
                strings: method,
                streams: method,
                embedded: method,
                filters: BTreeMap::new(),
                key_lens,
            })
        };
        match version {
            1 => whole(Method::Rc4, vec![5]),
            2 => whole(Method::Rc4, vec![said.unwrap_or(5)]),
            4 => Self::with_filters(dictionary, 4, [16].into_iter().chain(said).collect()),
            5 => Self::with_filters(dictionary, 5, vec![32]),
            other => Err(unsupported(format!("its algorithm is /V {other}; kyso reads 1, 2, 4 and 5"))),
        }
    }

    fn with_filters(dictionary: &Dictionary, version: u8, key_lens: Vec<usize>) -> Result<Self, PdfError> {
        let mut filters = BTreeMap::new();
        let none = Dictionary::new();
        let all = dictionary.get("CF").and_then(Object::as_dictionary).unwrap_or(&none);
        for (name, filter) in all.iter() {
            let filter = filter.as_dictionary().unwrap_or(&none);
            let method = match (filter.name("CFM").unwrap_or(b"None"), version) {
                (b"V2", 4) => Method::Rc4,
                (b"AESV2", 4) => Method::Aes128,
                (b"AESV3", 5) => Method::Aes256,
                // One that nothing names hurts nobody.
                _ => continue,
            };
            filters.insert(name.to_vec(), method);
        }
        let method = |key: &str, default: Option<Method>| match (dictionary.name(key), default) {
            (Some(name), _) => method_named(&filters, name),
            (None, default) => Ok(default.unwrap_or(Method::Identity)),
        };
        let (strings, streams) = (method("StrF", None)?, method("StmF", None)?);
        let embedded = method("EFF", Some(streams))?;
        Ok(Self { version, strings, streams, embedded, filters, key_lens })
    }

    /// Whether strings and streams are plain.
    fn is_open(&self) -> bool {
        self.strings == Method::Identity && self.streams == Method::Identity
    }

    fn lock(&self, dictionary: &Dictionary, id: Vec<u8>) -> Result<Lock, PdfError> {
        let revision = dictionary.integer("R").and_then(|revision| u8::try_from(revision).ok()).unwrap_or(0);
        let fits = match self.version {
            4 => revision == 4,
            5 => matches!(revision, 5 | 6),
            _ => matches!(revision, 2 | 3),
        };
        if !fits {
            return Err(unsupported(format!("/R {revision} does not go with its algorithm")));
        }
        let string = |key: &str, len: usize| {
            let string = dictionary.get(key).and_then(Object::as_string).and_then(|string| string.get(..len));
            string.map(<[u8]>::to_vec).ok_or_else(|| {
                PdfError::damaged(
                    0,
                    format!("/{key} in the encryption dictionary has fewer than {len} bytes"),
                )
            })
        };
        let modern = revision >= 5;
        let proof = if modern { 48 } else { 32 };
        let permissions = dictionary.integer("P").and_then(|bits| {
            // A signed number by the standard; some programs write it unsigned.
            i32::try_from(bits).map(i32::cast_unsigned).or_else(|_| u32::try_from(bits)).ok()
        });
        Ok(Lock {
            revision,
            owner: string("O", proof)?,
            user: string("U", proof)?,
            owner_key: if modern { string("OE", 32)? } else { Vec::new() },
            user_key: if modern { string("UE", 32)? } else { Vec::new() },
            perms: if modern { string("Perms", 16)? } else { Vec::new() },
            permissions: permissions
                .ok_or_else(|| PdfError::damaged(0, "the encryption dictionary has no /P of 32 bits"))?,
            metadata: !matches!(dictionary.get("EncryptMetadata"), Some(Object::Boolean(false))),
            id,
            key_lens: self.key_lens.clone(),
        })
    }
}

impl Document {
    /// Whether the file is encrypted, and what it lets whoever opened it do (ISO 32000-2 table 22).
    pub fn permissions(&self) -> Option<Permissions> {
        self.security.as_ref().map(Security::permissions)
    }

    /// Object `id` as it goes into a new revision behind `base_len` bytes: in an encrypted file, with its strings
    /// encrypted.
    pub(super) fn sealed(&self, id: ObjectId, mut object: Object) -> Result<Object, PdfError> {
        if let Some(security) = &self.security {
            security.seal(id, &mut object, self.source.len())?;
        }
        Ok(object)
    }

    /// Writes object `id` into a new revision, and `data` behind it if it is a stream: in an encrypted file, both
    /// encrypted. The `/Length` is set to fit.
    pub(super) fn write_sealed(
        &self,
        id: ObjectId,
        object: Object,
        data: Option<&[u8]>,
        out: &mut Vec<u8>,
    ) -> Result<(), PdfError> {
        let mut object = self.sealed(id, object)?;
        let (Some(data), Object::Dictionary(dictionary)) = (data, &mut object) else {
            object.write(out);
            return Ok(());
        };
        let sealed = match &self.security {
            Some(security) => Cow::Owned(security.seal_data(id, dictionary, data, self.source.len())?),
            None => Cow::Borrowed(data),
        };
        dictionary.set("Length", Object::Integer(i64::try_from(sealed.len()).unwrap_or(i64::MAX)));
        object.write(out);
        out.extend_from_slice(b"\nstream\n");
        out.extend_from_slice(&sealed);
        out.extend_from_slice(b"\nendstream");
        Ok(())
    }

    /// The first revision from which on `/Encrypt`, and what the key is drawn from, stay what they are at the end.
    pub(super) fn encryption_settled(&self) -> Result<usize, PdfError> {
        let mut settled = self.last();
        if self.revisions().iter().all(|revision| revision.trailer.get("Encrypt").is_none()) {
            return Ok(0);
        }
        let last = self.encryption_at(self.last())?;
        while let Some(earlier) = settled.checked_sub(1) {
            match self.encryption_at(earlier) {
                Ok(same) if same == last => settled = earlier,
                Err(PdfError::Io(error)) => return Err(PdfError::Io(error)),
                Ok(_) | Err(_) => break,
            }
        }
        Ok(settled)
    }

    /// The encryption dictionary and the first part of `/ID`, as of a revision.
    fn encryption_at(&self, revision: usize) -> Result<Option<(Dictionary, Vec<u8>)>, PdfError> {
        let Some(at) = self.revisions().get(revision) else { return Ok(None) };
        let Some(encrypt) = at.trailer.get("Encrypt") else { return Ok(None) };
        Ok(Some((dictionary(self, revision, encrypt)?, first_id(&at.trailer))))
    }
}

/// The encryption dictionary, every value in it followed. To be called before there is a key, or for the object
/// that is never encrypted.
fn dictionary(document: &Document, revision: usize, at: &Object) -> Result<Dictionary, PdfError> {
    let damaged = |what: &str| PdfError::damaged(0, format!("the encryption dictionary {what}"));
    if let Object::Reference(id) = at {
        // Where it would need the key that it leads to.
        if !matches!(document.find(revision, id.0).map(|(_, entry)| entry.place()), Some(Place::At { .. })) {
            return Err(damaged("does not stand in the file by itself"));
        }
    }
    let Object::Dictionary(dictionary) = document.resolve(revision, at)?.1 else {
        return Err(damaged("is none"));
    };
    let mut indirect = false;
    Object::Dictionary(dictionary.clone()).for_each_reference(&mut |_| indirect = true);
    if indirect {
        return Err(damaged("refers to other objects"));
    }
    Ok(dictionary)
}

fn first_id(trailer: &Dictionary) -> Vec<u8> {
    let id = trailer.get("ID").and_then(Object::as_array).and_then(|id| id.first());
    id.and_then(Object::as_string).unwrap_or_default().to_vec()
}

/// The name of the crypt filter that comes first among a stream's filters (ISO 32000-2 section 7.4.10).
fn own_filter(dictionary: &Dictionary) -> Option<Vec<u8>> {
    let first = |key: &str| match dictionary.get(key) {
        Some(Object::Array(all)) => all.first().cloned(),
        other => other.cloned(),
    };
    if first("Filter")?.as_name() != Some(b"Crypt") {
        return None;
    }
    let parms = first("DecodeParms");
    let name = parms.as_ref().and_then(Object::as_dictionary).and_then(|parms| parms.name("Name"));
    Some(name.unwrap_or(b"Identity").to_vec())
}

/// The dictionary of a stream whose crypt filter was undone.
pub(super) fn without_own_filter(dictionary: &Dictionary) -> Dictionary {
    if own_filter(dictionary).is_none() {
        return dictionary.clone();
    }
    let mut rest = dictionary.without(&["Filter", "DecodeParms"]);
    for key in ["Filter", "DecodeParms"] {
        if let Some(Object::Array(all)) = dictionary.get(key) {
            rest.set(key, Object::Array(all.iter().skip(1).cloned().collect()));
        }
    }
    rest
}

fn method_named(filters: &BTreeMap<Vec<u8>, Method>, name: &[u8]) -> Result<Method, PdfError> {
    match (name, filters.get(name)) {
        (b"Identity", _) => Ok(Method::Identity),
        (_, Some(method)) => Ok(*method),
        (_, None) => {
            Err(unsupported(format!("its crypt filter {} is not known here", String::from_utf8_lossy(name))))
        }
    }
}

/// Calls `change` for each string in `object`, but for a signature's `/Contents`.
fn each_string(
    object: &mut Object,
    change: &mut dyn FnMut(&mut Vec<u8>) -> Result<(), PdfError>,
) -> Result<(), PdfError> {
    match object {
        Object::String(string) => change(string),
        Object::Array(items) => items.iter_mut().try_for_each(|item| each_string(item, change)),
        Object::Dictionary(dictionary) => each_entry(dictionary, change),
        Object::Stream(stream) => each_entry(&mut stream.dictionary, change),
        _ => Ok(()),
    }
}

fn each_entry(
    dictionary: &mut Dictionary,
    change: &mut dyn FnMut(&mut Vec<u8>) -> Result<(), PdfError>,
) -> Result<(), PdfError> {
    let signature = matches!(dictionary.get("ByteRange"), Some(Object::Array(_)));
    for (key, value) in dictionary.iter_mut() {
        if !(signature && key == b"Contents" && matches!(value, Object::String(_))) {
            each_string(value, change)?;
        }
    }
    Ok(())
}

fn is_cross_reference(object: &Object) -> bool {
    matches!(object, Object::Stream(stream) if stream.dictionary.is_type("XRef"))
}

fn unsupported(what: impl Into<String>) -> PdfError {
    PdfError::UnsupportedEncryption { what: what.into() }
}

fn unusable() -> PdfError {
    unsupported("its key has a length that its algorithm does not take")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::{Limits, MemorySource};

    /// A page, and `more` as object 4, behind a table; opened by the empty password.
    fn file(dictionary: &str, more: &[u8]) -> Vec<u8> {
        let objects: [&[u8]; 4] = [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>",
            more,
        ];
        let mut file = b"%PDF-1.7\n".to_vec();
        let mut table = "xref\n0 5\n0000000000 65535 f\r\n".to_owned();
        for (number, object) in (1..).zip(objects) {
            table.push_str(&format!("{:010} 00000 n\r\n", file.len()));
            let head = format!("{number} 0 obj\n");
            file = [&file, head.as_bytes(), object, b"\nendobj\n"].concat();
        }
        let trailer = format!("trailer\n<< /Size 5 /Root 1 0 R /ID [<{ID}> <{ID}>] /Encrypt {dictionary} >>");
        let end = format!("{table}{trailer}\nstartxref\n{}\n%%EOF\n", file.len());
        [file, end.into_bytes()].concat()
    }

    fn open(bytes: Vec<u8>) -> Document {
        Document::open(Arc::new(MemorySource(bytes)), &Limits::default()).expect("opens")
    }

    #[test]
    fn what_is_written_is_read_back_and_not_to_be_seen() {
        for dictionary in DICTIONARIES {
            let document = open(file(dictionary, b"null"));
            let data = b"q 1 0 0 RG Q % a drawing of more than one block of sixteen bytes".to_vec();
            let mut wanted = Dictionary::new();
            wanted.set("Text", Object::String(b"Uy ban nhan dan".to_vec()));
            wanted.set("Deep", Object::Array(vec![Object::String(Vec::new()), Object::String(vec![7; 16])]));
            let (mut plain, mut stream) = (Vec::new(), Vec::new());
            let id = (4, 0);
            document.write_sealed(id, Object::Dictionary(wanted.clone()), None, &mut plain).expect("written");
            document
                .write_sealed(id, Object::Dictionary(wanted.clone()), Some(&data), &mut stream)
                .expect("written");
            for written in [&plain, &stream] {
                let shows = |text: &[u8]| written.windows(text.len()).any(|window| window == text);
                assert!(!shows(b"Uy ban") && !shows(b"RG Q"), "{dictionary}");
            }
            // Once more: the same work gives the same bytes.
            let mut again = Vec::new();
            document
                .write_sealed(id, Object::Dictionary(wanted.clone()), Some(&data), &mut again)
                .expect("written");
            assert_eq!(again, stream, "{dictionary}");

            let object = open(file(dictionary, &plain)).object(id).expect("read");
            assert_eq!(object, Object::Dictionary(wanted.clone()), "{dictionary}");
            let reopened = open(file(dictionary, &stream));
            let Object::Stream(found) = reopened.object(id).expect("read") else { panic!("no stream") };
            assert_eq!(found.dictionary.without(&["Length"]), wanted, "{dictionary}");
            assert_eq!(reopened.decode(&found, 1_000).expect("decodes"), data, "{dictionary}");
        }
    }

    /// A signature's `/Contents` stays as it stands, and a comment's does not.
    #[test]
    fn contents_of_signatures_alone_are_plain() {
        for dictionary in DICTIONARIES {
            let document = open(file(dictionary, b"null"));
            let mut comment = Dictionary::new();
            comment.set("Contents", Object::String(b"0123456789abcdef".to_vec()));
            let mut signature = comment.clone();
            signature.set("ByteRange", Object::Array(vec![Object::Integer(0); 4]));
            for (value, same) in [(comment, false), (signature, true)] {
                let mut field = Dictionary::new();
                field.set("V", Object::Dictionary(value.clone()));
                let sealed = document.sealed((4, 0), Object::Dictionary(field)).expect("sealed");
                let inner = sealed.as_dictionary().and_then(|field| field.get("V")).expect("a value");
                let inner = inner.as_dictionary().expect("a dictionary");
                assert_eq!(inner.get("Contents") == value.get("Contents"), same, "{dictionary}");
            }
        }
    }

    const ID: &str = "6b79736f2066757a7a20696420303031";

    const DICTIONARIES: [&str; 3] = [
        "<< /Filter /Standard /V 2 /R 3 /Length 128 /P -4 \
         /O <000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f> \
         /U <d9b876f61158671ea9a3eb2873e1350600000000000000000000000000000000> >>",
        "<< /Filter /Standard /V 4 /R 4 /Length 128 /P -4 /StmF /StdCF /StrF /StdCF \
         /CF << /StdCF << /CFM /AESV2 /AuthEvent /DocOpen /Length 16 >> >> \
         /O <000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f> \
         /U <d9b876f61158671ea9a3eb2873e1350600000000000000000000000000000000> >>",
        "<< /Filter /Standard /V 5 /R 5 /Length 256 /P -4 /StmF /StdCF /StrF /StdCF \
         /CF << /StdCF << /CFM /AESV3 /AuthEvent /DocOpen /Length 32 >> >> \
         /O <000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f000102030405060708090a0b0c0d0e0f> \
         /OE <000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f> \
         /U <133c8eb86cf813474ade739d5d133087e2026f56aaf366284dd1a25d98d4469076616c69646174656b65792073616c74> \
         /UE <87a61c6650d591960dfe4d6284fa268f81e631965ef17c30914d759e99f5fab3> \
         /Perms <94b1165cf9572ed2c69941e4eb75ec12> >>",
    ];
}
