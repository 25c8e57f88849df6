//! Rebuilding a file whose cross-reference is broken: a new file with one revision, made of the objects that stand in
//! the old one.
//!
//! This guesses, where everything else in this room refuses to: which objects belong to the document is told by the
//! cross-reference alone. So it is done only when it is asked for, it says each thing that it did, and it never touches
//! a file that holds a signature, of which it would leave nothing. The judge does not use it.
//!
//! What it takes: of objects with the same number the last one in the file, as incremental updates mean it; the members
//! of object streams at the place of their stream; the last trailer that leads to a catalog. What no object leads to
//! from there is left out.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    io::{self, Write},
    sync::Arc,
};

use super::{
    Document, PdfError,
    document::{Container, is_version, show},
    guard::Guard,
    lexer::{Body, is_space},
    object::{Dictionary, Object, ObjectId, Stream},
    stream,
    xref::window,
};
use crate::base::{Limits, Source};

/// One thing that was found or done.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// A stable name: `cross-reference`, `header`, `trailer`, `objects`, `twice`, `length`, `unreadable`, `missing`,
    /// `left-out`.
    pub key: &'static str,
    /// Where in the old file, in bytes, if at one place.
    pub offset: Option<u64>,
    /// In words.
    pub what: String,
}

/// Looks whether a file needs rebuilding: everything that the catalog leads to is read once.
///
/// # Errors
///
/// What stands against reading it; [`PdfError::Damaged`] is what [`rebuild`] is for.
pub fn check_whole(document: &Document) -> Result<(), PdfError> {
    let mut seen = HashSet::new();
    let mut waiting = Vec::new();
    Object::Dictionary(document.trailer().without(&["Encrypt"]))
        .for_each_reference(&mut |id| waiting.push(id));
    while let Some(id) = waiting.pop() {
        if seen.insert(id) {
            document.object(id)?.for_each_reference(&mut |id| waiting.push(id));
        }
    }
    Ok(())
}

/// Writes the document anew into `out`, with a sound cross-reference; `fault` is what its own was refused for.
///
/// # Errors
///
/// [`PdfError::Repair`] when it holds a signature, is encrypted, or no catalog is found; [`PdfError::Limit`],
/// [`PdfError::Io`].
pub fn rebuild(
    source: &Arc<dyn Source>,
    limits: &Limits,
    fault: &PdfError,
    out: &mut dyn Write,
) -> Result<Vec<Finding>, PdfError> {
    let offset = match fault {
        PdfError::Damaged { offset, .. } => Some(*offset),
        _ => None,
    };
    let mut rebuild = Rebuild {
        source: &**source,
        limits: Guard::new(limits),
        found: BTreeMap::new(),
        trailer: None,
        twice: HashSet::new(),
        findings: vec![Finding { key: "cross-reference", offset, what: format!("it was refused: {fault}") }],
        unreadable: 0,
    };
    let marks = rebuild.scan()?;
    rebuild.read(&marks)?;
    rebuild.write(out)?;
    Ok(rebuild.findings)
}

/// Something of interest in the bytes.
#[derive(Clone, Copy, Debug)]
enum Mark {
    /// `N G obj` begins here.
    Object(u64),
    /// After `trailer`.
    Trailer(u64),
}

impl Mark {
    fn offset(self) -> u64 {
        match self {
            Self::Object(offset) | Self::Trailer(offset) => offset,
        }
    }
}

/// Where an object was found.
#[derive(Clone, Copy)]
struct Place {
    generation: u16,
    /// Of itself, or of its object stream.
    offset: u64,
    /// Its index in an object stream.
    index: Option<u32>,
}

struct Rebuild<'a> {
    source: &'a dyn Source,
    limits: Guard,
    found: BTreeMap<u32, Place>,
    trailer: Option<Dictionary>,
    twice: HashSet<u32>,
    findings: Vec<Finding>,
    unreadable: usize,
}

impl Rebuild<'_> {
    fn tell(&mut self, key: &'static str, offset: Option<u64>, what: String) {
        self.findings.push(Finding { key, offset, what });
    }

    /// Where objects and trailers may begin.
    fn scan(&self) -> Result<Vec<Mark>, PdfError> {
        let len = self.source.len();
        let mut marks = Vec::new();
        let mut at = 0;
        while at < len {
            let from = at.saturating_sub(OVERLAP);
            let end = len.min(at + PIECE);
            let piece = self.source.read(from..end)?;
            // What begins in the overlap was seen with the piece before, but for what it could not yet see whole.
            for (index, word) in words(&piece) {
                let here = from + index as u64;
                if here + (word.len() as u64) <= at {
                    continue;
                }
                match word {
                    b"obj" => {
                        let start = piece.get(..index).and_then(start_of_header);
                        marks.extend(start.map(|start| Mark::Object(from + start as u64)));
                    }
                    b"trailer" => marks.push(Mark::Trailer(here + word.len() as u64)),
                    _ => return Err(signed()),
                }
                if marks.len() > self.limits.objects {
                    return Err(PdfError::limit("the number of objects", self.limits.objects));
                }
            }
            at = end;
        }
        Ok(marks)
    }

    /// Reads what begins at the marks, one after the other; marks inside a stream's data are passed over.
    fn read(&mut self, marks: &[Mark]) -> Result<(), PdfError> {
        let mut at = 0;
        for mark in marks {
            if mark.offset() < at {
                continue;
            }
            match mark {
                Mark::Object(offset) => match self.object(*offset) {
                    Ok(end) => at = end,
                    Err(error @ (PdfError::Io(_) | PdfError::Repair { .. })) => return Err(error),
                    Err(error) => {
                        self.unreadable += 1;
                        if self.unreadable <= MOST_TOLD {
                            let what = format!("an object that cannot be read was left out: {error}");
                            self.tell("unreadable", Some(*offset), what);
                        }
                    }
                },
                Mark::Trailer(offset) => {
                    let read = window(self.source, &self.limits, *offset..self.source.len(), &mut |lexer| {
                        lexer.object()
                    });
                    if let Ok(Object::Dictionary(trailer)) = read {
                        self.take_trailer(trailer)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Takes in the object at `offset`. Gives where it ends.
    fn object(&mut self, offset: u64) -> Result<u64, PdfError> {
        let (id, object, end) = self.read_object(offset, true)?;
        if let Object::Stream(stream) = &object
            && stream.dictionary.is_type("XRef")
        {
            self.take_trailer(stream.dictionary.clone())?;
            return Ok(end);
        }
        refuse_signature(&object)?;
        if let Object::Stream(stream) = &object
            && stream.dictionary.is_type("ObjStm")
        {
            let container = self.container(stream, offset)?;
            for (index, (number, _)) in (0..).zip(container.members.clone()) {
                refuse_signature(&container.object(number, index, self.limits.depth)?)?;
                self.put(number, Place { generation: 0, offset, index: Some(index) })?;
            }
            return Ok(end);
        }
        self.put(id.0, Place { generation: id.1, offset, index: None })?;
        Ok(end)
    }

    fn put(&mut self, number: u32, place: Place) -> Result<(), PdfError> {
        if number == 0 || number as usize > self.limits.objects {
            return Err(PdfError::limit("the number of an object", self.limits.objects));
        }
        if self.found.insert(number, place).is_some() {
            self.twice.insert(number);
        }
        Ok(())
    }

    fn take_trailer(&mut self, trailer: Dictionary) -> Result<(), PdfError> {
        if trailer.get("Encrypt").is_some() {
            let what = "it is encrypted; take the encryption off with the program that made it";
            return Err(PdfError::Repair { what: what.to_owned() });
        }
        if trailer.reference("Root").is_some() {
            self.trailer = Some(trailer);
        }
        Ok(())
    }

    /// The object at a place; of a stream, its real data. `first`: its length object may not be known yet.
    fn read_object(&mut self, offset: u64, first: bool) -> Result<(ObjectId, Object, u64), PdfError> {
        let len = self.source.len();
        let read = window(self.source, &self.limits, offset..len, &mut |lexer| lexer.indirect())?;
        let (dictionary, data) = match (read.value, read.body) {
            (value, Body::Plain { end }) => return Ok((read.id, value, end)),
            (Object::Dictionary(dictionary), Body::Stream { data }) => (dictionary, data),
            (_, Body::Stream { data }) => return Err(PdfError::damaged(data, "a stream has no dictionary")),
        };
        let said = match dictionary.get("Length") {
            Some(Object::Integer(said)) => u64::try_from(*said).ok(),
            Some(Object::Reference(id)) => self.length_at(*id),
            _ => None,
        };
        let said = said.and_then(|said| data.checked_add(said)).filter(|end| *end <= len);
        let ends = |at: u64| stream::end(self.source, &self.limits, at, len).ok();
        let (data_end, end) = match said.and_then(|said| Some((said, ends(said)?))) {
            Some(found) => found,
            None => {
                let data_end = self.find_end(data)?;
                let end = ends(data_end)
                    .ok_or_else(|| PdfError::damaged(data_end, "a stream is not followed by endobj"))?;
                let direct = matches!(dictionary.get("Length"), Some(Object::Integer(_)));
                if first && direct {
                    let what = format!(
                        "the stream {} has {} bytes, not as its /Length says",
                        show(read.id),
                        data_end - data
                    );
                    self.tell("length", Some(offset), what);
                }
                (data_end, end)
            }
        };
        let stream = Stream { dictionary, data: data..data_end, owner: None };
        Ok((read.id, Object::Stream(stream), end))
    }

    fn length_at(&self, id: ObjectId) -> Option<u64> {
        let place = self.found.get(&id.0).filter(|place| place.index.is_none())?;
        let read =
            window(self.source, &self.limits, place.offset..self.source.len(), &mut |lexer| lexer.indirect());
        u64::try_from(read.ok()?.value.as_integer()?).ok()
    }

    /// The end of a stream's data by the word `endstream`, without the end of line before it.
    fn find_end(&self, data: u64) -> Result<u64, PdfError> {
        const WORD: &[u8] = b"endstream";
        let len = self.source.len();
        let mut at = data;
        while at < len {
            let end = len.min(at + PIECE);
            let piece = self.source.read(at..end)?;
            self.limits.spend(piece.len())?;
            if let Some(found) = piece.windows(WORD.len()).position(|window| window == WORD) {
                let found = at + found as u64;
                let before = self.source.read(found.saturating_sub(2).max(data)..found)?;
                let line = match before.as_slice() {
                    [b'\r', b'\n'] => 2,
                    [.., b'\r' | b'\n'] => 1,
                    _ => 0,
                };
                return Ok(found - line);
            }
            if end == len {
                break;
            }
            at = end - WORD.len() as u64;
        }
        Err(PdfError::damaged(data, "a stream has no end"))
    }

    fn container(&self, stream: &Stream, offset: u64) -> Result<Container, PdfError> {
        let decoded = stream::decode(self.source, None, stream, self.limits.decoded_bytes)?;
        self.limits.spend(decoded.len())?;
        Container::read(decoded, &stream.dictionary, offset)
    }

    fn write(&mut self, out: &mut dyn Write) -> Result<(), PdfError> {
        let trailer = self.choose_trailer()?;
        let version = self.version()?;
        let mut out = Counted { out, len: 0 };
        out.write_all(format!("%PDF-{version}\n").as_bytes())?;
        out.write_all(b"%\xE2\xE3\xCF\xD3\n")?;

        let mut written: BTreeMap<u32, (u64, u16)> = BTreeMap::new();
        let mut missing: BTreeSet<ObjectId> = BTreeSet::new();
        let mut waiting = Vec::new();
        let mut opened: BTreeMap<u64, Container> = BTreeMap::new();
        Object::Dictionary(trailer.clone()).for_each_reference(&mut |id| waiting.push(id));
        while let Some(id) = waiting.pop() {
            if written.contains_key(&id.0) || missing.contains(&id) {
                continue;
            }
            let Some(place) = self.found.get(&id.0).copied().filter(|place| place.generation == id.1) else {
                missing.insert(id);
                if missing.len() > MOST_MISSING {
                    return Err(PdfError::limit("the number of missing objects", MOST_MISSING));
                }
                continue;
            };
            let mut object = match place.index {
                None => self.read_object(place.offset, false)?.1,
                Some(index) => {
                    if !opened.contains_key(&place.offset) {
                        let Object::Stream(stream) = self.read_object(place.offset, false)?.1 else {
                            return Err(PdfError::damaged(place.offset, "an object stream is none"));
                        };
                        if opened.len() >= MOST_OPEN {
                            opened.clear();
                        }
                        opened.insert(place.offset, self.container(&stream, place.offset)?);
                    }
                    let Some(container) = opened.get(&place.offset) else { continue };
                    container.object(id.0, index, self.limits.depth)?
                }
            };
            if let Object::Stream(stream) = &mut object {
                let len = i64::try_from(stream.data.end - stream.data.start).unwrap_or(i64::MAX);
                stream.dictionary.set("Length", Object::Integer(len));
            }
            written.insert(id.0, (out.len, id.1));
            self.write_object(id, &object, &mut out)?;
            object.for_each_reference(&mut |id| waiting.push(id));
        }
        write_table(&written, &trailer, &mut out)?;
        self.summarize(&written, &missing);
        Ok(())
    }

    fn write_object(&self, id: ObjectId, object: &Object, out: &mut Counted<'_>) -> Result<(), PdfError> {
        let mut bytes = format!("{} {} obj\n", id.0, id.1).into_bytes();
        object.write(&mut bytes);
        out.write_all(&bytes)?;
        if let Object::Stream(stream) = object {
            out.write_all(b"\nstream\n")?;
            let mut at = stream.data.start;
            while at < stream.data.end {
                let end = stream.data.end.min(at + PIECE);
                out.write_all(&self.source.read(at..end)?)?;
                at = end;
            }
            out.write_all(b"\nendstream")?;
        }
        out.write_all(b"\nendobj\n")?;
        Ok(())
    }

    /// What the new trailer keeps of the old one, or of the last catalog where there is none.
    fn choose_trailer(&mut self) -> Result<Dictionary, PdfError> {
        let mut kept = Dictionary::new();
        if let Some(trailer) = self.trailer.take()
            && let Some(root) = trailer.reference("Root").filter(|root| self.found.contains_key(&root.0))
        {
            kept.set("Root", Object::Reference(root));
            for key in ["ID", "Info"] {
                if let Some(value) = trailer.get(key) {
                    kept.set(key, value.clone());
                }
            }
            return Ok(kept);
        }
        let places: Vec<(u32, Place)> = self.found.iter().map(|(number, place)| (*number, *place)).collect();
        let mut last: Option<(u64, ObjectId)> = None;
        for (number, place) in places {
            let object = match place.index {
                None => self.read_object(place.offset, false)?.1,
                Some(index) => match self.read_object(place.offset, false)?.1 {
                    Object::Stream(stream) => {
                        self.container(&stream, place.offset)?.object(number, index, self.limits.depth)?
                    }
                    _ => continue,
                },
            };
            let catalog = matches!(&object, Object::Dictionary(one) if one.is_type("Catalog"));
            if catalog && last.is_none_or(|(offset, _)| offset < place.offset) {
                last = Some((place.offset, (number, place.generation)));
            }
        }
        let Some((offset, root)) = last else {
            return Err(PdfError::Repair { what: "no catalog was found in it".to_owned() });
        };
        self.tell(
            "trailer",
            Some(offset),
            format!("no trailer was found; the catalog {} was taken", show(root)),
        );
        kept.set("Root", Object::Reference(root));
        Ok(kept)
    }

    fn version(&mut self) -> Result<String, PdfError> {
        const MARK: &[u8] = b"%PDF-";
        let head = self.source.read(0..self.source.len().min(1024))?;
        let at = head.windows(MARK.len()).position(|window| window == MARK);
        let version = at.and_then(|at| std::str::from_utf8(head.get(at + 5..at + 8)?).ok());
        match (at, version.filter(|version| is_version(version)).map(str::to_owned)) {
            (Some(at), Some(version)) => {
                if at > 0 {
                    self.tell("header", Some(0), format!("{at} bytes before the header were left out"));
                }
                Ok(version)
            }
            _ => {
                self.tell(
                    "header",
                    Some(0),
                    "there was no header with a version; 1.7 was written".to_owned(),
                );
                Ok("1.7".to_owned())
            }
        }
    }

    fn summarize(&mut self, written: &BTreeMap<u32, (u64, u16)>, missing: &BTreeSet<ObjectId>) {
        let what = format!("{} objects were written, of {} found", written.len(), self.found.len());
        self.tell("objects", None, what);
        let mut twice: Vec<u32> =
            self.twice.iter().copied().filter(|one| written.contains_key(one)).collect();
        twice.sort_unstable();
        if !twice.is_empty() {
            let numbers = some(twice.iter().map(u32::to_string));
            let what = format!("of objects that stood there more than once the last was taken: {numbers}");
            self.tell("twice", None, what);
        }
        if !missing.is_empty() {
            let what = format!("nothing was found for {}", some(missing.iter().map(|id| show(*id))));
            self.tell("missing", None, what);
        }
        if self.unreadable > MOST_TOLD {
            let what = format!("{} more objects cannot be read", self.unreadable - MOST_TOLD);
            self.tell("unreadable", None, what);
        }
        let left = self.found.keys().filter(|number| !written.contains_key(number)).count();
        if left > 0 {
            self.tell("left-out", None, format!("{left} objects that nothing leads to were left out"));
        }
    }
}

/// One table from 0 on, free entries for the gaps (ISO 32000-2 section 7.5.4), and the trailer.
fn write_table(
    written: &BTreeMap<u32, (u64, u16)>,
    trailer: &Dictionary,
    out: &mut Counted<'_>,
) -> Result<(), PdfError> {
    let start = out.len;
    let size = written.last_key_value().map_or(1, |(number, _)| u64::from(*number) + 1);
    out.write_all(format!("xref\n0 {size}\n").as_bytes())?;
    for number in 0..size {
        let row = match u32::try_from(number).ok().and_then(|number| written.get(&number)) {
            Some((offset, _)) if *offset > 9_999_999_999 => {
                return Err(PdfError::Limit {
                    what: "the length of a file with a cross-reference table",
                    limit: 9_999_999_999,
                });
            }
            Some((offset, generation)) => format!("{offset:010} {generation:05} n\r\n"),
            None => "0000000000 65535 f\r\n".to_owned(),
        };
        out.write_all(row.as_bytes())?;
    }
    let mut trailer = trailer.clone();
    trailer.set("Size", Object::Integer(i64::try_from(size).unwrap_or(i64::MAX)));
    let mut bytes = b"trailer\n".to_vec();
    Object::Dictionary(trailer).write(&mut bytes);
    out.write_all(&bytes)?;
    out.write_all(format!("\nstartxref\n{start}\n%%EOF\n").as_bytes())?;
    Ok(())
}

/// Every place of a word that matters, in order.
fn words(piece: &[u8]) -> impl Iterator<Item = (usize, &'static [u8])> + '_ {
    const WORDS: [&[u8]; 3] = [b"obj", b"trailer", b"/ByteRange"];
    (0..piece.len()).filter_map(|at| {
        let rest = piece.get(at..)?;
        let first = *rest.first()?;
        if !matches!(first, b'o' | b't' | b'/') {
            return None;
        }
        WORDS.into_iter().find(|word| rest.starts_with(word)).map(|word| (at, word))
    })
}

/// Where `N G ` begins, which ends here.
fn start_of_header(before: &[u8]) -> Option<usize> {
    let number = |text: &[u8]| -> Option<usize> {
        let digits = text.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        ((1..=10).contains(&digits)).then(|| text.len() - digits)
    };
    let space = |text: &[u8]| -> Option<usize> {
        let space = text.iter().rev().take_while(|byte| is_space(**byte)).count();
        ((1..=8).contains(&space)).then(|| text.len() - space)
    };
    let after_generation = space(before)?;
    let generation = number(before.get(..after_generation)?)?;
    let after_number = space(before.get(..generation)?)?;
    number(before.get(..after_number)?)
}

/// Signature dictionaries, and fields that hold one: a rebuild would break them.
fn refuse_signature(object: &Object) -> Result<(), PdfError> {
    match object {
        Object::Array(items) => items.iter().try_for_each(refuse_signature),
        Object::Dictionary(dictionary) | Object::Stream(Stream { dictionary, .. }) => {
            let is_field = dictionary.get("FT").and_then(Object::as_name) == Some(b"Sig");
            let signs = dictionary.get("ByteRange").is_some()
                || (is_field && dictionary.get("V").is_some())
                || (dictionary.get("Contents").is_some()
                    && (dictionary.is_type("Sig") || dictionary.is_type("DocTimeStamp")));
            if signs {
                return Err(signed());
            }
            dictionary.iter().try_for_each(|(_, value)| refuse_signature(value))
        }
        _ => Ok(()),
    }
}

fn signed() -> PdfError {
    PdfError::Repair {
        what: "it holds a signature, which would be lost; ask for the file as it was sent".to_owned(),
    }
}

/// The first of them, and how many more there are.
fn some(all: impl ExactSizeIterator<Item = String>) -> String {
    let more = all.len().saturating_sub(MOST_TOLD);
    let shown: Vec<String> = all.take(MOST_TOLD).collect();
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}

/// A writer that knows how far it is.
struct Counted<'a> {
    out: &'a mut dyn Write,
    len: u64,
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.len += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Bytes looked at or copied at a time.
const PIECE: u64 = 1024 * 1024;

/// The longest `N G obj` with its white space, and room for the words.
const OVERLAP: u64 = 64;

/// Objects told one by one.
const MOST_TOLD: usize = 10;

/// Object streams kept decoded at a time.
const MOST_OPEN: usize = 32;

/// References that lead nowhere.
const MOST_MISSING: usize = 10_000;
