//! ZIP archives (APPNOTE 6.3.10) in which every reader sees the same.
//!
//! A ZIP archive tells everything twice: in front of each file, and in the central directory at its end. Programs
//! believe the one, the other, or whichever comes last, and skip what they do not look for. Here every byte of the file
//! belongs to exactly one thing, in the order local files, central directory, end record, and where something is told
//! twice both say the same. What remains is the part of ZIP that all programs agree about: files that are stored or
//! deflated, in one piece, without encryption, smaller than 4 GiB.

use std::{
    collections::{HashMap, HashSet},
    io,
    ops::Range,
    sync::Arc,
};

use unicode_normalization::UnicodeNormalization as _;

use super::{AsicError, ContainerLimits, unpack::Unpacking};
use crate::base::Source;

/// A ZIP archive, its directory read and found in order; the files in it are unpacked when they are asked for.
pub struct Archive {
    source: Arc<dyn Source>,
    entries: Vec<Entry>,
    by_name: HashMap<String, usize>,
    comment: Vec<u8>,
    part_bytes: usize,
}

/// One file or folder of an archive.
#[derive(Clone, Debug)]
pub struct Entry {
    /// With `/` between folders, and at the end of a folder.
    pub name: String,
    /// How it is packed.
    pub method: Method,
    /// Its length when unpacked, in bytes.
    pub len: u64,
    /// Whether a local extra field stands in front of it, which `mimetype` must not have.
    pub has_extra: bool,
    pub(super) crc: u32,
    /// The packed bytes.
    pub(super) packed: Range<u64>,
    /// From its local header to the next thing.
    pub(super) all: Range<u64>,
    /// Its record in the central directory.
    pub(super) record: Vec<u8>,
}

/// How a file is packed (APPNOTE 4.4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// 8.
    Deflated,
    /// 0.
    Stored,
}

impl Entry {
    /// Whether it is a folder.
    pub fn is_folder(&self) -> bool {
        self.name.ends_with('/')
    }
}

/// Whether a file begins as ZIP archives do: with a local file, or with the end of an empty one.
pub fn is_zip(beginning: &[u8]) -> bool {
    beginning.starts_with(LOCAL) || beginning.starts_with(END)
}

impl Archive {
    /// Reads the directory and all local headers.
    ///
    /// # Errors
    ///
    /// When it is damaged, is encrypted, uses what is not supported, exceeds a limit, or could be read in two ways.
    pub fn open(source: Arc<dyn Source>, limits: &ContainerLimits) -> Result<Self, AsicError> {
        let end = End::find(&*source)?;
        if end.entries > limits.entries {
            return Err(AsicError::Limit { what: "files", limit: limits.entries as u64 });
        }
        let most = limits.entries as u64 * MAX_RECORD_BYTES;
        if end.directory.end - end.directory.start > most {
            return Err(AsicError::Limit { what: "bytes of directory", limit: most });
        }
        let directory = source.read(end.directory.clone())?;
        let mut cut = Cut { bytes: &directory, at: 0 };
        let mut records = Vec::with_capacity(end.entries);
        for _ in 0..end.entries {
            records.push(Record::read(&mut cut, limits)?);
        }
        if cut.at != directory.len() {
            return Err(AsicError::malformed("bytes behind the last record of the directory"));
        }
        records.sort_by_key(|record| record.offset);
        let mut entries = Vec::with_capacity(records.len());
        let mut at = 0;
        for (nth, record) in records.iter().enumerate() {
            let until = records.get(nth + 1).map_or(end.directory.start, |next| next.offset);
            entries.push(record.locate(&*source, at, until)?);
            at = until;
        }
        if entries.is_empty() && end.directory.start != 0 {
            return Err(AsicError::malformed("bytes in front of the directory that belong to no file"));
        }
        check_names(&entries)?;
        check_size(&entries, source.len(), limits)?;
        let by_name = entries.iter().enumerate().map(|(at, entry)| (entry.name.clone(), at)).collect();
        Ok(Self { source, entries, by_name, comment: end.comment, part_bytes: limits.part_bytes })
    }

    /// All files and folders, in the order in which they lie in the file.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The file or folder of this name, letter for letter.
    pub fn entry(&self, name: &str) -> Option<&Entry> {
        self.by_name.get(name).and_then(|&at| self.entries.get(at))
    }

    /// The comment at the end of the archive.
    pub fn comment(&self) -> &[u8] {
        &self.comment
    }

    /// Where it lies.
    pub fn source(&self) -> &Arc<dyn Source> {
        &self.source
    }

    /// All of a small file.
    ///
    /// # Errors
    ///
    /// As [`Archive::unpack`]; [`AsicError::Limit`] when it is longer than [`ContainerLimits::part_bytes`].
    pub fn read(&self, entry: &Entry) -> Result<Vec<u8>, AsicError> {
        let limit = self.part_bytes as u64;
        if entry.len > limit {
            return Err(AsicError::Limit { what: "bytes in a signature or manifest", limit });
        }
        let mut bytes = Vec::with_capacity(usize::try_from(entry.len).unwrap_or(0));
        self.unpack(entry, |piece| bytes.extend_from_slice(piece))?;
        Ok(bytes)
    }

    /// Gives the unpacked bytes of a file to `take`, a piece at a time.
    ///
    /// # Errors
    ///
    /// When the file is longer or shorter than the directory says, or its checksum is another. What `take` was given
    /// until then is of no use.
    pub fn unpack(&self, entry: &Entry, mut take: impl FnMut(&[u8])) -> Result<(), AsicError> {
        let (mut unpacking, mut piece) = (Unpacking::new(self.source.clone(), entry.clone()), vec![0; PIECE]);
        loop {
            let made = unpacking.fill(&mut piece)?;
            if made == 0 {
                return Ok(());
            }
            take(piece.get(..made).unwrap_or_default());
        }
    }
}

/// The end of central directory record (APPNOTE 4.3.16).
struct End {
    entries: usize,
    directory: Range<u64>,
    comment: Vec<u8>,
}

impl End {
    /// The one record whose comment ends with the file.
    fn find(source: &dyn Source) -> Result<Self, AsicError> {
        let len = source.len();
        let start = len.saturating_sub(END_BYTES + MAX_COMMENT);
        let tail = source.read(start..len)?;
        let mut found = None;
        for (at, _) in tail.windows(END.len()).enumerate().filter(|(_, four)| *four == END) {
            let mut cut = Cut { bytes: &tail, at };
            let Ok(end) = Self::read(&mut cut, start + at as u64) else { continue };
            if cut.at != tail.len() {
                continue;
            }
            if found.is_some() {
                return Err(AsicError::ambiguous("it has two ends"));
            }
            found = Some(end?);
        }
        let end = found.ok_or_else(|| AsicError::malformed("it has no end, or something follows it"))?;
        // Many programs take the last thing that looks like an end.
        if end.comment.windows(END.len()).any(|four| four == END) {
            return Err(AsicError::ambiguous("its comment holds another end"));
        }
        Ok(end)
    }

    /// The outer error: no whole record. The inner one: a record that is wrong.
    fn read(cut: &mut Cut<'_>, at: u64) -> Result<Result<Self, AsicError>, AsicError> {
        cut.skip(4)?;
        let (disk, first_disk) = (cut.u16()?, cut.u16()?);
        let (here, entries) = (cut.u16()?, cut.u16()?);
        let (size, offset) = (cut.u32()?, cut.u32()?);
        let comment_len = cut.u16()?;
        let comment = cut.take(usize::from(comment_len))?.to_vec();
        Ok(if entries == u16::MAX || size == u32::MAX || offset == u32::MAX {
            Err(AsicError::not_supported("ZIP64 archives are not read; keep the container below 4 GiB"))
        } else if disk != 0 || first_disk != 0 || here != entries {
            Err(AsicError::not_supported("archives in several pieces are not read"))
        } else if u64::from(offset) + u64::from(size) != at {
            Err(AsicError::malformed("the directory does not end where the end record begins"))
        } else {
            Ok(Self { entries: usize::from(entries), directory: u64::from(offset)..at, comment })
        })
    }
}

/// A record of the central directory (APPNOTE 4.3.12).
struct Record {
    name: String,
    flags: u16,
    method: Method,
    crc: u32,
    packed: u32,
    len: u32,
    offset: u64,
    whole: Vec<u8>,
}

impl Record {
    fn read(cut: &mut Cut<'_>, limits: &ContainerLimits) -> Result<Self, AsicError> {
        let start = cut.at;
        if cut.take(4)? != CENTRAL {
            return Err(AsicError::malformed("the directory holds something else than records"));
        }
        let made_by = cut.u16()?;
        cut.skip(2)?;
        let (flags, method) = (cut.u16()?, cut.u16()?);
        cut.skip(4)?;
        let (crc, packed, len) = (cut.u32()?, cut.u32()?, cut.u32()?);
        let (name_len, extra_len, comment_len) = (cut.u16()?, cut.u16()?, cut.u16()?);
        let disk = cut.u16()?;
        cut.skip(2)?;
        let (attributes, offset) = (cut.u32()?, cut.u32()?);
        if usize::from(name_len) > limits.name_bytes {
            return Err(AsicError::Limit { what: "bytes in a name", limit: limits.name_bytes as u64 });
        }
        let name = name(cut.take(usize::from(name_len))?, flags)?;
        check_extra(cut.take(usize::from(extra_len))?, &name)?;
        cut.skip(usize::from(comment_len))?;
        let of = |what: &str| format!("{name:?} {what}");
        if flags & 0x2041 != 0 {
            return Err(AsicError::Encrypted { name });
        }
        if flags & !ALLOWED_FLAGS != 0 {
            return Err(AsicError::not_supported(of("uses features of ZIP that are not supported")));
        }
        let method = match method {
            0 => Method::Stored,
            8 => Method::Deflated,
            _ => return Err(AsicError::not_supported(of("is neither stored nor deflated"))),
        };
        if [packed, len, offset].contains(&u32::MAX) {
            return Err(AsicError::not_supported(
                "ZIP64 archives are not read; keep the container below 4 GiB",
            ));
        }
        if disk != 0 {
            return Err(AsicError::not_supported("archives in several pieces are not read"));
        }
        if method == Method::Stored && packed != len {
            return Err(AsicError::malformed(of("is stored, and yet not as long as it is")));
        }
        if name.ends_with('/') && len != 0 {
            return Err(AsicError::malformed(of("is a folder with content of its own")));
        }
        // The upper byte is the system; Unix keeps the kind of the file in the upper half of the attributes.
        if made_by >> 8 == UNIX && (attributes >> 16) & 0xF000 == SYMBOLIC_LINK {
            return Err(AsicError::ambiguous(of("is a symbolic link")));
        }
        let whole = cut.bytes.get(start..cut.at).unwrap_or_default().to_vec();
        Ok(Self { name, flags, method, crc, packed, len, offset: u64::from(offset), whole })
    }

    /// Finds the file in front of `until`, and compares what its local header says (APPNOTE 4.3.7 to 4.3.9).
    fn locate(&self, source: &dyn Source, at: u64, until: u64) -> Result<Entry, AsicError> {
        let name = &self.name;
        if self.offset != at {
            return Err(AsicError::ambiguous(format!(
                "in front of {name:?} lie bytes that belong to nothing, or to two files"
            )));
        }
        let short = || AsicError::ambiguous(format!("{name:?} reaches into what follows it"));
        let fixed = self.offset + LOCAL_BYTES;
        if fixed > until {
            return Err(short());
        }
        let header = source.read(self.offset..fixed)?;
        let mut cut = Cut { bytes: &header, at: 0 };
        if cut.take(4)? != LOCAL {
            return Err(AsicError::malformed(format!("{name:?} is not where the directory says")));
        }
        cut.skip(2)?;
        let (flags, method) = (cut.u16()?, cut.u16()?);
        cut.skip(4)?;
        let (crc, packed, len) = (cut.u32()?, cut.u32()?, cut.u32()?);
        let (name_len, extra_len) = (cut.u16()?, cut.u16()?);
        let data = fixed + u64::from(name_len) + u64::from(extra_len);
        let data_end = data + u64::from(self.packed);
        if data_end > until {
            return Err(short());
        }
        let rest = source.read(fixed..data)?;
        let (local_name, extra) = rest.split_at_checked(usize::from(name_len)).unwrap_or_default();
        check_extra(extra, name)?;
        let described = flags & DESCRIBED != 0;
        let same = |local: u32, central: u32| local == central || (described && local == 0);
        let agree = local_name == name.as_bytes()
            && flags == self.flags
            && method == self.method.number()
            && same(crc, self.crc)
            && same(packed, self.packed)
            && same(len, self.len);
        if !agree {
            return Err(AsicError::ambiguous(format!(
                "the directory and the file itself differ about {name:?}"
            )));
        }
        self.check_descriptor(&source.read(data_end..until.min(data_end + 17))?, described)?;
        Ok(Entry {
            name: name.clone(),
            method: self.method,
            len: u64::from(self.len),
            has_extra: extra_len != 0,
            crc: self.crc,
            packed: data..data_end,
            all: self.offset..until,
            record: self.whole.clone(),
        })
    }

    /// What lies between a file and the next one: nothing, or the data descriptor with or without its signature.
    fn check_descriptor(&self, between: &[u8], described: bool) -> Result<(), AsicError> {
        let values = [self.crc, self.packed, self.len].map(u32::to_le_bytes).concat();
        let signed = [&DESCRIPTOR[..], &values].concat();
        let good = if described { between == values || between == signed } else { between.is_empty() };
        if good {
            return Ok(());
        }
        let reason = format!("behind {:?} lie bytes that belong to nothing, or to two files", self.name);
        Err(AsicError::ambiguous(reason))
    }
}

impl Method {
    pub(super) fn number(self) -> u16 {
        match self {
            Self::Deflated => 8,
            Self::Stored => 0,
        }
    }
}

/// A name in UTF-8, or in ASCII where no flag says what it is in (APPNOTE appendix D).
fn name(bytes: &[u8], flags: u16) -> Result<String, AsicError> {
    let unclear = || {
        let shown = String::from_utf8_lossy(bytes).into_owned();
        AsicError::ambiguous(format!("the name {shown:?} is not marked as UTF-8"))
    };
    if flags & UTF8 == 0 && !bytes.is_ascii() {
        return Err(unclear());
    }
    let name = str::from_utf8(bytes).map_err(|_| unclear())?;
    let refuse = |why: &str| Err(AsicError::malformed(format!("the name {name:?} {why}")));
    if name.chars().any(|c| c.is_control() || c == '\\') {
        return refuse("holds characters that no name of a file may hold");
    }
    if name.starts_with('/') {
        return refuse("is absolute");
    }
    let inner = name.strip_suffix('/').unwrap_or(name);
    if inner.split('/').any(|part| part.is_empty() || part == "." || part == "..") {
        return refuse("leads out of the container, or to nothing");
    }
    let mut letters = inner.chars();
    if letters.next().is_some_and(|c| c.is_ascii_alphabetic()) && letters.next() == Some(':') {
        return refuse("begins with a drive");
    }
    Ok(name.to_owned())
}

/// Extra fields (APPNOTE 4.5) that tell another name or another length are refused; the others are left alone.
fn check_extra(extra: &[u8], name: &str) -> Result<(), AsicError> {
    let mut cut = Cut { bytes: extra, at: 0 };
    while cut.at < extra.len() {
        let (Ok(id), Ok(len)) = (cut.u16(), cut.u16()) else {
            return Err(AsicError::malformed(format!("the extra field of {name:?} is broken")));
        };
        if cut.skip(usize::from(len)).is_err() {
            return Err(AsicError::malformed(format!("the extra field of {name:?} is broken")));
        }
        match id {
            0x0001 => {
                let reason = "ZIP64 archives are not read; keep the container below 4 GiB";
                return Err(AsicError::not_supported(reason));
            }
            0x7075 => {
                return Err(AsicError::ambiguous(format!("{name:?} has another name in its extra field")));
            }
            _ => {}
        }
    }
    Ok(())
}

/// No two entries that a disk could take for one, and no file that is a folder as well.
fn check_names(entries: &[Entry]) -> Result<(), AsicError> {
    let folded = |name: &str| name.nfc().flat_map(char::to_lowercase).collect::<String>();
    let mut files = HashSet::with_capacity(entries.len());
    for entry in entries {
        if !files.insert(folded(entry.name.trim_end_matches('/'))) {
            return Err(AsicError::ambiguous(format!("it holds {:?} twice", entry.name)));
        }
    }
    let plain: HashSet<String> =
        entries.iter().filter(|entry| !entry.is_folder()).map(|entry| folded(&entry.name)).collect();
    for entry in entries {
        let whole = folded(&entry.name);
        let mut folders = whole.match_indices('/').map(|(at, _)| whole.get(..at).unwrap_or_default());
        if folders.any(|folder| plain.contains(folder)) {
            return Err(AsicError::ambiguous(format!(
                "{:?} lies in a file as if that were a folder",
                entry.name
            )));
        }
    }
    Ok(())
}

/// A small archive that becomes a large one keeps whoever judges it busy.
fn check_size(entries: &[Entry], archive: u64, limits: &ContainerLimits) -> Result<(), AsicError> {
    let limit = limits.unpacked_bytes.saturating_add(archive.saturating_mul(limits.ratio));
    let unpacked = entries.iter().map(|entry| entry.len).fold(0, u64::saturating_add);
    if unpacked > limit {
        return Err(AsicError::Limit { what: "bytes when unpacked", limit });
    }
    Ok(())
}

/// Reads little-endian numbers from bytes.
struct Cut<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Cut<'b> {
    fn take(&mut self, len: usize) -> Result<&'b [u8], AsicError> {
        let end = self.at.checked_add(len);
        let piece = end.and_then(|end| self.bytes.get(self.at..end));
        let piece = piece.ok_or_else(|| AsicError::malformed("a record is cut short"))?;
        self.at += len;
        Ok(piece)
    }

    fn skip(&mut self, len: usize) -> Result<(), AsicError> {
        self.take(len).map(drop)
    }

    fn u16(&mut self) -> Result<u16, AsicError> {
        let bytes = self.take(2)?.try_into().map_err(|_| io::Error::from(io::ErrorKind::UnexpectedEof))?;
        Ok(u16::from_le_bytes(bytes))
    }

    fn u32(&mut self) -> Result<u32, AsicError> {
        let bytes = self.take(4)?.try_into().map_err(|_| io::Error::from(io::ErrorKind::UnexpectedEof))?;
        Ok(u32::from_le_bytes(bytes))
    }
}

pub(super) const LOCAL: &[u8; 4] = b"PK\x03\x04";
pub(super) const CENTRAL: &[u8; 4] = b"PK\x01\x02";
pub(super) const END: &[u8; 4] = b"PK\x05\x06";
const DESCRIPTOR: &[u8; 4] = b"PK\x07\x08";

/// The fixed part of a local header.
const LOCAL_BYTES: u64 = 30;

/// The end record without its comment.
const END_BYTES: u64 = 22;

/// A comment's length is told in 16 bits.
const MAX_COMMENT: u64 = 65_535;

/// On the average: name, times and a comment; one may have more.
const MAX_RECORD_BYTES: u64 = 4096;

/// Bytes unpacked at a time.
const PIECE: usize = 64 * 1024;

/// General purpose bit 3: checksum and lengths stand behind the data.
const DESCRIBED: u16 = 1 << 3;

/// General purpose bit 11: the name is in UTF-8.
pub(super) const UTF8: u16 = 1 << 11;

/// How hard the packer tried (bits 1 and 2), and the two above.
const ALLOWED_FLAGS: u16 = 0b110 | DESCRIBED | UTF8;

/// "Version made by": the system.
pub(super) const UNIX: u16 = 3;

/// The kind of a Unix file.
const SYMBOLIC_LINK: u32 = 0xA000;
