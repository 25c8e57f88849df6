//! Containers written: the same bytes for the same input.

use std::{
    collections::BTreeSet,
    io::{self, Write},
};

use flate2::Crc;

use super::{
    Archive, AsicError, Entry, Kind, Role, open_document, role_of,
    zip::{CENTRAL, END, LOCAL, UNIX, UTF8},
};
use crate::base::{MemorySource, Source};

/// A file that goes into a container. It is stored, not compressed: as it is, and as large as it is.
pub struct Addition<'s> {
    /// Its name in the container, with `/` between folders.
    pub name: String,
    /// Its bytes.
    pub source: &'s dyn Source,
}

/// A container to be made: what kind, and what lies in it in front of the signatures.
pub struct Draft<'s> {
    /// Which kind.
    pub kind: Kind,
    /// The documents, in the order in which they will lie in it.
    pub files: Vec<Addition<'s>>,
    /// Whether `META-INF/manifest.xml` lists them, as readers of XAdES containers expect.
    pub listed: bool,
}

impl Draft<'_> {
    /// Checks that the files can lie in one container, before anything is hashed or signed.
    ///
    /// # Errors
    ///
    /// [`AsicError::Malformed`] with the name that is no name of a document, or occurs twice.
    pub fn check(&self) -> Result<(), AsicError> {
        match (self.kind, self.files.len()) {
            (_, 0) => return Err(AsicError::malformed("a container without a document is none")),
            (Kind::Simple, 2..) => {
                return Err(AsicError::malformed("an ASiC-S container holds one document; choose ASiC-E"));
            }
            _ => {}
        }
        let mut names = BTreeSet::new();
        for file in &self.files {
            let name = &file.name;
            if role_of(name) != Role::Data || name.starts_with("META-INF/") {
                let reason =
                    format!("{name:?} is a name that the container needs itself; rename the document");
                return Err(AsicError::malformed(reason));
            }
            if !names.insert(name.to_lowercase()) {
                let reason = format!("two documents are called {name:?}; rename one of them");
                return Err(AsicError::malformed(reason));
            }
        }
        Ok(())
    }

    /// Writes the container with its signatures: `mimetype` first, stored, without an extra field (annex A.1), then the
    /// documents, then the rest.
    ///
    /// # Errors
    ///
    /// As [`Draft::check`] and [`write_archive`].
    pub fn write(&self, signatures: &[Addition<'_>], out: &mut dyn Write) -> Result<(), AsicError> {
        self.check()?;
        let mimetype = MemorySource(self.kind.media_type().as_bytes().to_vec());
        let names = self.files.iter().map(|file| file.name.as_str());
        let list = MemorySource(open_document::to_xml(self.kind.media_type(), names));
        let mut all = vec![Addition { name: "mimetype".to_owned(), source: &mimetype }];
        all.extend(self.files.iter().chain(signatures).map(Addition::again));
        if self.listed {
            all.push(Addition { name: "META-INF/manifest.xml".to_owned(), source: &list });
        }
        write_archive(None, &[], &all, out)
    }
}

impl<'s> Addition<'s> {
    /// The same.
    pub fn again(&self) -> Addition<'s> {
        Addition { name: self.name.clone(), source: self.source }
    }
}

/// Writes an archive: what lies in `before`, packed as it is there, with what stands in `instead` in the places of the
/// files named, and then `more`.
///
/// Names, folders and extra fields of what stays are kept, and so is the comment; offsets are not.
///
/// # Errors
///
/// [`AsicError::Limit`] when it would need ZIP64 (4 GiB or 65,535 files); whatever the media report; and
/// [`AsicError::Malformed`] when it could not be read again.
pub fn write_archive(
    before: Option<&Archive>,
    instead: &[(&str, Addition<'_>)],
    more: &[Addition<'_>],
    out: &mut dyn Write,
) -> Result<(), AsicError> {
    let mut packing = Packing { out: Counted { out, at: 0 }, directory: Vec::new(), count: 0 };
    for (before, entry) in
        before.into_iter().flat_map(|before| before.entries().iter().map(move |entry| (before, entry)))
    {
        match instead.iter().find(|(name, _)| *name == entry.name) {
            Some((_, addition)) => packing.add(addition)?,
            None => packing.keep(before, entry)?,
        }
    }
    for addition in more {
        packing.add(addition)?;
    }
    packing.finish(before.map_or(&[][..], Archive::comment))
}

/// An archive under way.
struct Packing<'w> {
    out: Counted<'w>,
    directory: Vec<u8>,
    count: usize,
}

impl Packing<'_> {
    /// A file as it is packed elsewhere.
    fn keep(&mut self, before: &Archive, entry: &Entry) -> Result<(), AsicError> {
        let offset = offset(self.out.at)?;
        copy(&**before.source(), entry.all.clone(), |piece| self.out.write_all(piece))?;
        let mut record = entry.record.clone();
        if let Some(place) = record.get_mut(RECORD_OFFSET..RECORD_OFFSET + 4) {
            place.copy_from_slice(&offset.to_le_bytes());
        }
        self.directory.extend(record);
        self.count += 1;
        Ok(())
    }

    fn add(&mut self, addition: &Addition<'_>) -> Result<(), AsicError> {
        let offset = offset(self.out.at)?;
        let len = self::offset(addition.source.len())?;
        let mut crc = Crc::new();
        copy(addition.source, 0..addition.source.len(), |piece| {
            crc.update(piece);
            Ok(())
        })?;
        let name_len = u16::try_from(addition.name.len())
            .map_err(|_| AsicError::Limit { what: "bytes in a name", limit: u64::from(u16::MAX) })?;
        let header = header(crc.sum(), len, name_len);
        self.out.write_all(LOCAL)?;
        self.out.write_all(&header)?;
        self.out.write_all(addition.name.as_bytes())?;
        let mut again = Crc::new();
        copy(addition.source, 0..addition.source.len(), |piece| {
            again.update(piece);
            self.out.write_all(piece)
        })?;
        if again.sum() != crc.sum() {
            return Err(io::Error::other(format!("{:?} changed while it was read", addition.name)).into());
        }
        self.directory.extend(CENTRAL);
        // Names in archives of other systems are taken for DOS names, even where they are marked as UTF-8.
        self.directory.extend((UNIX << 8 | VERSION).to_le_bytes());
        self.directory.extend(header);
        // No comment, the first disk, no internal attributes.
        self.directory.extend([0; 6]);
        self.directory.extend((PLAIN_FILE << 16).to_le_bytes());
        self.directory.extend(offset.to_le_bytes());
        self.directory.extend(addition.name.as_bytes());
        self.count += 1;
        Ok(())
    }

    fn finish(mut self, comment: &[u8]) -> Result<(), AsicError> {
        let start = offset(self.out.at)?;
        let size = offset(self.directory.len() as u64)?;
        let count = u16::try_from(self.count).ok().filter(|count| *count < u16::MAX);
        let count = count.ok_or(AsicError::Limit { what: "files", limit: u64::from(u16::MAX) - 1 })?;
        self.out.write_all(&self.directory)?;
        self.out.write_all(END)?;
        self.out.write_all(&[0; 4])?;
        self.out.write_all(&[count.to_le_bytes(), count.to_le_bytes()].concat())?;
        self.out.write_all(&[size.to_le_bytes(), start.to_le_bytes()].concat())?;
        self.out.write_all(&u16::try_from(comment.len()).unwrap_or(0).to_le_bytes())?;
        self.out.write_all(comment)?;
        Ok(())
    }
}

/// What a local header and a record of the directory have in common: version needed, flags, method, time, date,
/// checksum, lengths, and the lengths of name and extra field.
///
/// The time is the earliest that ZIP can tell: when a document was packed says nothing.
fn header(crc: u32, len: u32, name_len: u16) -> Vec<u8> {
    let words = [VERSION, UTF8, 0, 0, EARLIEST_DATE].map(u16::to_le_bytes).concat();
    let values = [crc, len, len].map(u32::to_le_bytes).concat();
    let lengths = [name_len, 0].map(u16::to_le_bytes).concat();
    [words, values, lengths].concat()
}

fn offset(at: u64) -> Result<u32, AsicError> {
    let fits = u32::try_from(at).ok().filter(|at| *at != u32::MAX);
    fits.ok_or(AsicError::Limit { what: "bytes", limit: u64::from(u32::MAX) - 1 })
}

fn copy(
    source: &dyn Source,
    range: std::ops::Range<u64>,
    mut take: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut piece = vec![0_u8; PIECE];
    let mut at = range.start;
    while at < range.end {
        let len = usize::try_from(range.end - at).unwrap_or(PIECE).min(PIECE);
        let piece = piece.get_mut(..len).unwrap_or_default();
        source.read_at(at, piece)?;
        take(piece)?;
        at += len as u64;
    }
    Ok(())
}

/// A writer that knows where it is.
struct Counted<'w> {
    out: &'w mut dyn Write,
    at: u64,
}

impl Counted<'_> {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.at += bytes.len() as u64;
        Ok(())
    }
}

/// 2.0: folders and deflated files, which every program reads.
const VERSION: u16 = 20;

/// A file that its owner may write and everybody may read.
const PLAIN_FILE: u32 = 0o100_644;

/// 1 January 1980.
const EARLIEST_DATE: u16 = 1 << 5 | 1;

/// Where a record of the directory holds the offset of the local header.
const RECORD_OFFSET: usize = 42;

/// Bytes copied at a time.
const PIECE: usize = 256 * 1024;
