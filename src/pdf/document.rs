//! The document: objects by number, as of any revision.

use std::{
    collections::HashSet,
    fmt,
    ops::Range,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{
    PdfError,
    change::Analysis,
    encryption::Security,
    guard::Guard,
    hybrid,
    lexer::{Body, Indirect, Lexer},
    object::{Dictionary, Object, ObjectId, Stream},
    revision::{self, Revision},
    stream,
    xref::{Entry, Place, window},
};
use crate::base::{Limits, Source};

/// A PDF file opened for reading by position. Holds cross-reference data, never the whole file.
pub struct Document {
    pub(super) source: Arc<dyn Source>,
    pub(super) limits: Guard,
    revisions: Vec<Revision>,
    version: String,
    containers: Mutex<Vec<(u64, Arc<Container>)>>,
    /// Where object streams stand that cannot be read: not to be decoded again for each of their objects.
    broken: Mutex<HashSet<u64>>,
    /// The catalogs asked for last, by their revision: each is asked for time and again.
    catalogs: Mutex<Vec<(usize, ObjectId, Arc<Dictionary>)>>,
    long: Mutex<Vec<Long>>,
    /// Object numbers and the revisions that define them, sorted; empty when there is one revision only.
    history: Vec<(u32, u32)>,
    pub(super) analysis: Mutex<Option<Arc<Analysis>>>,
    /// Of an encrypted file.
    pub(super) security: Option<Security>,
    /// The first revision from which on the file is encrypted as it is at its end.
    pub(super) settled: usize,
}

impl Document {
    /// Opens a file: its header, all cross-reference sections, all revisions.
    ///
    /// # Errors
    ///
    /// [`PdfError::Encrypted`] and [`PdfError::WrongPassword`] when neither the empty password nor
    /// [`Source::password`] opens it; [`PdfError::UnsupportedEncryption`], [`PdfError::Hybrid`] and
    /// [`PdfError::Damaged`] for files that kyso does not read; [`PdfError::Limit`] for those that are larger than
    /// `limits`.
    pub fn open(source: Arc<dyn Source>, limits: &Limits) -> Result<Self, PdfError> {
        let header = header_version(&*source)?;
        let limits = Guard::new(limits);
        let (revisions, hidden) = revision::read_all(&*source, &limits)?;
        let mut document = Self {
            source,
            limits,
            history: history(&revisions),
            revisions,
            version: header,
            containers: Mutex::default(),
            broken: Mutex::default(),
            catalogs: Mutex::default(),
            long: Mutex::default(),
            analysis: Mutex::default(),
            security: None,
            settled: 0,
        };
        // In this order: the encryption dictionary itself is plain.
        document.settled = document.encryption_settled()?;
        let password = document.source.password();
        document.security = Security::open(&document, password.as_deref())?;
        let catalog = document.catalog_at(document.last())?.1;
        hybrid::demand_one_document(&document, &hidden)?;
        if let Some(version) = catalog.name("Version").and_then(|name| std::str::from_utf8(name).ok())
            && is_version(version)
            && *version > *document.version
        {
            version.clone_into(&mut document.version);
        }
        Ok(document)
    }

    /// The bytes that it reads.
    pub fn source(&self) -> &Arc<dyn Source> {
        &self.source
    }

    /// Oldest first; never empty.
    pub fn revisions(&self) -> &[Revision] {
        &self.revisions
    }

    /// `1.7`: the later of header and catalog.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The trailer of the last revision.
    pub fn trailer(&self) -> &Dictionary {
        static NONE: std::sync::LazyLock<Dictionary> = std::sync::LazyLock::new(Dictionary::new);
        self.revisions.last().map_or(&*NONE, |revision| &revision.trailer)
    }

    /// The object as the last revision has it; [`Object::Null`] when it does not exist.
    ///
    /// # Errors
    ///
    /// [`PdfError::Damaged`] when another object, or none, is where the cross-reference says.
    pub fn object(&self, id: ObjectId) -> Result<Object, PdfError> {
        self.object_at(self.last(), id)
    }

    /// The object as it stood at the end of revision `revision`.
    ///
    /// # Errors
    ///
    /// As [`Document::object`].
    pub fn object_at(&self, revision: usize, id: ObjectId) -> Result<Object, PdfError> {
        Ok(self.located_at(revision, id)?.map_or(Object::Null, |located| located.object))
    }

    /// The catalog of the last revision.
    ///
    /// # Errors
    ///
    /// As [`Document::object`]; also when there is none.
    pub fn catalog(&self) -> Result<Dictionary, PdfError> {
        Ok(Arc::unwrap_or_clone(self.catalog_at(self.last())?.1))
    }

    /// The first `limit` bytes or fewer of a stream's decoded data; filters other than Flate are refused.
    ///
    /// # Errors
    ///
    /// [`PdfError::Limit`] when it decodes to more, [`PdfError::Damaged`] when it does not decode.
    pub fn decode(&self, stream: &Stream, limit: usize) -> Result<Vec<u8>, PdfError> {
        stream::decode(&*self.source, self.security.as_ref(), stream, limit)
    }

    pub(super) fn last(&self) -> usize {
        self.revisions.len().saturating_sub(1)
    }

    /// The catalog as of a revision, with its number.
    pub(super) fn catalog_at(&self, revision: usize) -> Result<(ObjectId, Arc<Dictionary>), PdfError> {
        if let Some((_, id, catalog)) = self.catalogs().iter().find(|(of, ..)| *of == revision) {
            return Ok((*id, Arc::clone(catalog)));
        }
        let Some(at) = self.revisions.get(revision) else {
            return Err(PdfError::damaged(0, "there is no such revision"));
        };
        let damaged = || PdfError::damaged(at.xref_offset, "the trailer's /Root leads to no catalog");
        let id = at.trailer.reference("Root").ok_or_else(damaged)?;
        let Object::Dictionary(catalog) = self.object_at(revision, id)? else { return Err(damaged()) };
        let catalog = Arc::new(catalog);
        let mut known = self.catalogs();
        // Two: revisions are compared in pairs.
        known.truncate(1);
        known.insert(0, (revision, id, Arc::clone(&catalog)));
        Ok((id, catalog))
    }

    fn catalogs(&self) -> MutexGuard<'_, Vec<(usize, ObjectId, Arc<Dictionary>)>> {
        self.catalogs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Follows references until something else is met. Also gives the last number on the way, if any.
    pub(super) fn resolve(
        &self,
        revision: usize,
        object: &Object,
    ) -> Result<(Option<ObjectId>, Object), PdfError> {
        let mut id = None;
        let mut object = object.clone();
        for _ in 0..LONGEST_REFERENCE_CHAIN {
            let Object::Reference(next) = object else { return Ok((id, object)) };
            id = Some(next);
            object = self.object_at(revision, next)?;
        }
        Err(PdfError::damaged(
            0,
            format!("the references from {} lead nowhere", show(id.unwrap_or_default())),
        ))
    }

    /// Where revision `revision` finds object `number`: the entry, and the revision that wrote it.
    pub(super) fn find(&self, revision: usize, number: u32) -> Option<(usize, &Entry)> {
        if self.revisions.len() == 1 {
            return Some((0, self.revisions.first()?.entry(number)?));
        }
        let wanted = (number, u32::try_from(revision).unwrap_or(u32::MAX));
        let after = self.history.partition_point(|known| *known <= wanted);
        let (_, at) = self.history.get(after.checked_sub(1)?).filter(|(found, _)| *found == number)?;
        let at = usize::try_from(*at).ok()?;
        Some((at, self.revisions.get(at)?.entry(number)?))
    }

    /// The object with its place; `None` when the revision has no such object.
    pub(super) fn located_at(&self, revision: usize, id: ObjectId) -> Result<Option<Located>, PdfError> {
        let Some((_, entry)) = self.find(revision, id.0) else { return Ok(None) };
        match entry.place() {
            Place::At { offset, generation } if generation == id.1 => {
                let (object, end) = match self.known_long(revision, offset, id) {
                    Some(known) => known,
                    None => self.read_indirect(revision, id, offset)?,
                };
                Ok(Some(Located { object, extent: Some(offset..end) }))
            }
            Place::In { stream, index } if id.1 == 0 => {
                let container = self.container(revision, stream)?;
                let object = container.object(id.0, index, self.limits.depth)?;
                Ok(Some(Located { object, extent: None }))
            }
            Place::Free | Place::At { .. } | Place::In { .. } => Ok(None),
        }
    }

    /// Reads `N G obj … endobj` at `offset`, which must be object `id`.
    fn read_indirect(&self, revision: usize, id: ObjectId, offset: u64) -> Result<(Object, u64), PdfError> {
        let Indirect { id: found, value, body } = self.indirect(id, offset)?;
        debug_assert_eq!(found, id, "checked by indirect()");
        let (dictionary, data) = match (value, body) {
            (Object::Dictionary(dictionary), Body::Stream { data }) => (dictionary, data),
            (value, Body::Plain { end }) => {
                let object = self.unsealed(revision, id, value)?;
                self.remember_long(revision, id, offset..end, &object);
                return Ok((object, end));
            }
            (_, Body::Stream { data }) => return Err(PdfError::damaged(data, "a stream has no dictionary")),
        };
        let length = self.stream_length(revision, &dictionary)?;
        let bound = self.bound(offset);
        let data_end = length.and_then(|length| data.checked_add(length)).filter(|end| *end <= bound);
        let data_end = data_end.ok_or_else(|| {
            PdfError::damaged(offset, format!("the stream {} has a wrong /Length", show(id)))
        })?;
        let end = stream::end(&*self.source, &self.limits, data_end, bound)?;
        let stream = Object::Stream(Stream { dictionary, data: data..data_end, owner: Some(id) });
        Ok((self.unsealed(revision, id, stream)?, end))
    }

    fn known_long(&self, revision: usize, offset: u64, id: ObjectId) -> Option<(Object, u64)> {
        let settled = revision >= self.settled;
        let known = self.long.lock().unwrap_or_else(PoisonError::into_inner);
        let long = known.iter().find(|long| long.extent.start == offset && long.id == id)?;
        (long.settled == settled).then(|| (long.object.clone(), long.extent.end))
    }

    fn remember_long(&self, revision: usize, id: ObjectId, extent: Range<u64>, object: &Object) {
        if !LONG.contains(&(extent.end - extent.start)) {
            return;
        }
        let mut known = self.long.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() == MOST_LONG {
            known.remove(0);
        }
        known.push(Long { id, extent, settled: revision >= self.settled, object: object.clone() });
    }

    /// An object that was read from its own place, its strings made plain.
    fn unsealed(&self, revision: usize, id: ObjectId, mut object: Object) -> Result<Object, PdfError> {
        // What was encrypted in another way is shown as it stands: nothing can be told about it anyway.
        if let Some(security) = self.security.as_ref().filter(|_| revision >= self.settled) {
            security.unseal(id, &mut object)?;
        }
        Ok(object)
    }

    fn indirect(&self, id: ObjectId, offset: u64) -> Result<Indirect, PdfError> {
        let read =
            window(&*self.source, &self.limits, offset..self.bound(offset), &mut |lexer| lexer.indirect())?;
        if read.id == id {
            return Ok(read);
        }
        let what = format!("expected object {} here and found {}", show(id), show(read.id));
        Err(PdfError::damaged(offset, what))
    }

    /// An object ends within the revision in which it begins.
    fn bound(&self, offset: u64) -> u64 {
        let holder = self.revisions.get(self.revision_at(offset));
        holder.map_or(self.source.len(), |revision| revision.end)
    }

    /// The revision whose bytes hold `offset`; one past the last when none does.
    pub(super) fn revision_at(&self, offset: u64) -> usize {
        self.revisions.partition_point(|revision| revision.end <= offset)
    }

    fn stream_length(&self, revision: usize, stream: &Dictionary) -> Result<Option<u64>, PdfError> {
        let length = match stream.get("Length") {
            Some(Object::Reference(id)) => self.plain_integer(revision, *id)?,
            Some(length) => length.as_integer(),
            None => None,
        };
        Ok(length.and_then(|length| u64::try_from(length).ok()))
    }

    /// A number that stands alone as an object. Never reads a stream on the way but its container, and a
    /// container's own length is always uncompressed, so that this comes to an end.
    fn plain_integer(&self, revision: usize, id: ObjectId) -> Result<Option<i64>, PdfError> {
        let Some((_, entry)) = self.find(revision, id.0) else { return Ok(None) };
        let object = match entry.place() {
            Place::At { offset, generation } if generation == id.1 => self.indirect(id, offset)?.value,
            Place::In { stream, index } if id.1 == 0 => {
                self.container(revision, stream)?.object(id.0, index, self.limits.depth)?
            }
            _ => return Ok(None),
        };
        Ok(object.as_integer())
    }

    /// The object stream `number`, decoded, from the cache or anew.
    pub(super) fn container(&self, revision: usize, number: u32) -> Result<Arc<Container>, PdfError> {
        let place = self.find(revision, number).map(|(_, entry)| entry.place());
        let Some(Place::At { offset, generation }) = place else {
            return Err(PdfError::damaged(0, format!("there is no object stream {}", show((number, 0)))));
        };
        let damaged =
            |what: &str| PdfError::damaged(offset, format!("the object stream {number} 0 R {what}"));
        if let Some(known) = self.cached(offset) {
            return Ok(known);
        }
        if self.broken().contains(&offset) {
            return Err(damaged("could not be read before"));
        }
        self.read_container(revision, (number, generation), offset).inspect_err(|_| {
            self.broken().insert(offset);
        })
    }

    fn broken(&self) -> MutexGuard<'_, HashSet<u64>> {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read_container(
        &self,
        revision: usize,
        (number, generation): ObjectId,
        offset: u64,
    ) -> Result<Arc<Container>, PdfError> {
        let damaged =
            |what: &str| PdfError::damaged(offset, format!("the object stream {number} 0 R {what}"));
        let Indirect { value, body, .. } = self.indirect((number, generation), offset)?;
        let (Object::Dictionary(dictionary), Body::Stream { data }) = (value, body) else {
            return Err(damaged("is no stream"));
        };
        if !dictionary.is_type("ObjStm") {
            return Err(damaged("is of another /Type"));
        }
        let length = match dictionary.get("Length") {
            Some(Object::Reference(id)) => match self.find(revision, id.0).map(|(_, entry)| entry.place()) {
                Some(Place::At { offset, generation }) if generation == id.1 => {
                    self.indirect(*id, offset)?.value.as_integer()
                }
                _ => None,
            },
            Some(length) => length.as_integer(),
            None => None,
        };
        let bound = self.bound(offset);
        let length = length.and_then(|length| u64::try_from(length).ok());
        let data_end = length.and_then(|length| data.checked_add(length)).filter(|end| *end <= bound);
        let data_end = data_end.ok_or_else(|| damaged("has a wrong /Length"))?;
        stream::end(&*self.source, &self.limits, data_end, bound)?;
        let stream = Stream { dictionary, data: data..data_end, owner: Some((number, generation)) };
        let decoded = self.decode(&stream, self.limits.decoded_bytes);
        // A bomb that was stopped has cost as much as it might.
        self.limits.spend(decoded.as_ref().map_or(self.limits.decoded_bytes, Vec::len))?;
        let decoded = decoded?;
        let container = Arc::new(Container::read(decoded, &stream.dictionary, offset)?);
        self.remember(offset, &container);
        Ok(container)
    }

    fn cached(&self, offset: u64) -> Option<Arc<Container>> {
        let mut cache = self.containers.lock().unwrap_or_else(PoisonError::into_inner);
        let at = cache.iter().position(|(known, _)| *known == offset)?;
        let found = cache.remove(at);
        let container = Arc::clone(&found.1);
        cache.push(found);
        Some(container)
    }

    fn remember(&self, offset: u64, container: &Arc<Container>) {
        let mut cache = self.containers.lock().unwrap_or_else(PoisonError::into_inner);
        cache.push((offset, Arc::clone(container)));
        let mut bytes: usize = cache.iter().map(|(_, container)| container.decoded.len()).sum();
        while cache.len() > 1 && bytes > CACHED_BYTES {
            let (_, oldest) = cache.remove(0);
            bytes = bytes.saturating_sub(oldest.decoded.len());
        }
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Document({} bytes, {} revisions)", self.source.len(), self.revisions.len())
    }
}

/// An object and where it stands; no extent for one inside an object stream.
pub(super) struct Located {
    pub(super) object: Object,
    pub(super) extent: Option<Range<u64>>,
}

/// An object of many bytes that was read, for the next who asks: a signature's dictionary is asked for five times, and
/// each time what it reserves has to be read to its end.
struct Long {
    id: ObjectId,
    extent: Range<u64>,
    /// Whether it was read as of a revision from [`Document::settled`] on: its strings are plain.
    settled: bool,
    object: Object,
}

/// An object stream, decoded (ISO 32000-2 section 7.5.7).
pub(super) struct Container {
    /// Where the stream object stands in the file.
    offset: u64,
    decoded: Vec<u8>,
    /// Object numbers and where each begins in `decoded`.
    pub(super) members: Vec<(u32, usize)>,
}

impl Container {
    pub(super) fn read(decoded: Vec<u8>, dictionary: &Dictionary, offset: u64) -> Result<Self, PdfError> {
        let damaged = |what: &str| PdfError::damaged(offset, format!("an object stream {what}"));
        let small = |key: &str| dictionary.integer(key).and_then(|value| usize::try_from(value).ok());
        let count = small("N").ok_or_else(|| damaged("has a wrong /N"))?;
        let first = small("First").filter(|first| *first <= decoded.len());
        let first = first.ok_or_else(|| damaged("has a wrong /First"))?;
        // Each member takes four bytes of the head at the least.
        if count > first / 4 + 1 {
            return Err(damaged("has a wrong /N"));
        }
        let mut head = Lexer::new(decoded.get(..first).unwrap_or_default(), 0, true, 1);
        let mut members = Vec::with_capacity(count);
        for _ in 0..count {
            let number = head.unsigned(u64::from(u32::MAX)).map_err(|_| damaged("has a broken head"))?;
            let at = head.unsigned(decoded.len() as u64).map_err(|_| damaged("has a broken head"))?;
            let at = usize::try_from(at).unwrap_or(usize::MAX).saturating_add(first);
            members.push((u32::try_from(number).unwrap_or(u32::MAX), at));
        }
        Ok(Self { offset, decoded, members })
    }

    /// Member `index`, which must be object `number`.
    pub(super) fn object(&self, number: u32, index: u32, depth: usize) -> Result<Object, PdfError> {
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        let Some((found, start)) = self.members.get(index).copied() else {
            let what = format!("an object stream has no member {index} for object {number} 0 R");
            return Err(PdfError::damaged(self.offset, what));
        };
        if found != number {
            let what = format!("expected object {number} 0 R in an object stream and found {found} 0 R");
            return Err(PdfError::damaged(self.offset, what));
        }
        let end = self.members.get(index + 1).map_or(self.decoded.len(), |(_, next)| *next);
        let bytes = self
            .decoded
            .get(start..end)
            .ok_or_else(|| PdfError::damaged(self.offset, "an object stream's members are out of order"))?;
        let mut lexer = Lexer::new(bytes, 0, true, depth);
        let object = lexer.object().map_err(|error| self.place(error))?;
        match lexer.peek() {
            Ok(None) => Ok(object),
            _ => Err(PdfError::damaged(
                self.offset,
                format!("object {number} 0 R is followed by something else"),
            )),
        }
    }

    fn place(&self, error: super::lexer::LexError) -> PdfError {
        match error.at(0) {
            PdfError::Damaged { what, .. } => {
                PdfError::damaged(self.offset, format!("in an object stream: {what}"))
            }
            other => other,
        }
    }
}

fn history(revisions: &[Revision]) -> Vec<(u32, u32)> {
    if revisions.len() == 1 {
        return Vec::new();
    }
    let numbered = (0_u32..).zip(revisions);
    let all =
        numbered.flat_map(|(at, revision)| revision.entries.iter().map(move |entry| (entry.number, at)));
    let mut history: Vec<(u32, u32)> = all.collect();
    history.sort_unstable();
    history
}

/// `12 0 R`.
pub(super) fn show(id: ObjectId) -> String {
    format!("{} {} R", id.0, id.1)
}

/// The version in the header, which must be the first bytes (ISO 32000-2 section 7.5.2).
fn header_version(source: &dyn Source) -> Result<String, PdfError> {
    const MARK: &[u8] = b"%PDF-";
    let head = source.read(0..source.len().min(1024))?;
    let Some(rest) = head.strip_prefix(MARK) else {
        return Err(match head.windows(MARK.len()).position(|window| window == MARK) {
            Some(at) => PdfError::damaged(0, format!("there are {at} other bytes before the header %PDF-")),
            None => PdfError::damaged(0, "there is no header %PDF-: this is no PDF file"),
        });
    };
    let version = rest.get(..3).and_then(|version| std::str::from_utf8(version).ok());
    let version = version.filter(|version| is_version(version));
    version
        .map(str::to_owned)
        .ok_or_else(|| PdfError::damaged(5, "the header names a version other than 1.x or 2.x"))
}

pub(super) fn is_version(text: &str) -> bool {
    matches!(text.as_bytes(), [b'1' | b'2', b'.', b'0'..=b'9'])
}

/// Honest files have none longer than two.
const LONGEST_REFERENCE_CHAIN: usize = 16;

/// The bytes of an object that is worth keeping: more than is read at once. In memory it may take twenty times as many,
/// so that few are kept.
const LONG: Range<u64> = 4096..64 * 1024;
const MOST_LONG: usize = 16;

/// Decoded object streams kept at hand, in bytes; the last one is kept whatever its length.
const CACHED_BYTES: usize = 16 * 1024 * 1024;
