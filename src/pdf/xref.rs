//! Cross-reference sections: classic tables and streams (ISO 32000-2 sections 7.5.4 and 7.5.8).

use super::{
    PdfError,
    guard::Guard,
    lexer::{Body, Indirect, LexError, Lexer, is_space},
    object::{Dictionary, Object, ObjectId, Stream},
    stream,
};
use crate::base::Source;

/// One cross-reference section with its trailer.
pub(super) struct Section {
    /// Where it begins.
    pub(super) start: u64,
    /// One past its last byte: of the trailer dictionary, or of the stream's `endobj`.
    pub(super) end: u64,
    pub(super) kind: XrefKind,
    /// Of a stream: its own object.
    pub(super) own: Option<ObjectId>,
    pub(super) entries: Vec<Entry>,
    pub(super) trailer: Dictionary,
    /// Where the previous section is.
    pub(super) prev: Option<u64>,
    /// What the stream that a hybrid table names adds to it.
    pub(super) hidden: Vec<Entry>,
}

/// How a cross-reference section is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum XrefKind {
    Stream,
    Table,
}

/// Where one object is. Sixteen bytes, for there may be millions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) number: u32,
    /// The generation; of a compressed object, its index in the stream.
    second: u32,
    /// The offset, or the number of the object stream; the kind in the two top bits.
    first: u64,
}

/// An [`Entry`] opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Free,
    /// In the file.
    At {
        offset: u64,
        generation: u16,
    },
    /// In an object stream.
    In {
        stream: u32,
        index: u32,
    },
}

impl Entry {
    fn new(number: u32, place: Place) -> Self {
        match place {
            Place::Free => Self { number, second: 0, first: 0 },
            Place::At { offset, generation } => {
                Self { number, second: u32::from(generation), first: offset | KIND_AT }
            }
            Place::In { stream, index } => Self { number, second: index, first: u64::from(stream) | KIND_IN },
        }
    }

    pub(super) fn place(&self) -> Place {
        let first = self.first & !KIND_MASK;
        match self.first & KIND_MASK {
            KIND_AT => {
                Place::At { offset: first, generation: u16::try_from(self.second).unwrap_or(u16::MAX) }
            }
            KIND_IN => Place::In { stream: u32::try_from(first).unwrap_or(u32::MAX), index: self.second },
            _ => Place::Free,
        }
    }

    /// The object that it defines; for a freed one, with generation 0.
    pub(super) fn id(&self) -> ObjectId {
        match self.place() {
            Place::At { generation, .. } => (self.number, generation),
            Place::Free | Place::In { .. } => (self.number, 0),
        }
    }
}

const KIND_MASK: u64 = 0b11 << 62;
const KIND_AT: u64 = 0b01 << 62;
const KIND_IN: u64 = 0b10 << 62;

impl Section {
    /// Reads the section at `offset`; at most `budget` entries.
    pub(super) fn read(
        source: &dyn Source,
        limits: &Guard,
        offset: u64,
        budget: usize,
    ) -> Result<Self, PdfError> {
        let file_end = source.len();
        if offset >= file_end {
            return Err(PdfError::damaged(offset, "a cross-reference offset points outside the file"));
        }
        let (start, table) = window(source, limits, offset..file_end, &mut |lexer| {
            lexer.skip_space()?;
            let start = lexer.offset();
            Ok((start, lexer.take_keyword("xref")?))
        })?;
        let section = if table {
            Self::table(source, limits, start, budget)
        } else {
            Self::stream(source, limits, start, budget)
        }?;
        let mut section = section.check_trailer(limits)?;
        if let Some(at) = section.trailer.get("XRefStm") {
            let budget = budget.saturating_sub(section.entries.len());
            let encrypt = section.trailer.get("Encrypt");
            section.hidden = Self::hidden(source, limits, at, encrypt, budget)?;
        }
        Ok(section)
    }

    /// The entries of the stream that a hybrid table names (ISO 32000-2 section 7.5.8.4).
    fn hidden(
        source: &dyn Source,
        limits: &Guard,
        at: &Object,
        encrypt: Option<&Object>,
        budget: usize,
    ) -> Result<Vec<Entry>, PdfError> {
        let offset = at.as_integer().and_then(|at| u64::try_from(at).ok()).ok_or(PdfError::Hybrid)?;
        if offset >= source.len() {
            return Err(PdfError::Hybrid);
        }
        match Self::stream(source, limits, offset, budget) {
            // The trailer speaks for the file; what contradicts it here might be believed by somebody.
            Ok(stream) if stream.trailer.get("Encrypt").is_some_and(|own| Some(own) != encrypt) => {
                Err(PdfError::Hybrid)
            }
            Ok(stream) => Ok(stream.entries),
            Err(PdfError::Damaged { .. }) => Err(PdfError::Hybrid),
            Err(error) => Err(error),
        }
    }

    fn table(source: &dyn Source, limits: &Guard, start: u64, budget: usize) -> Result<Self, PdfError> {
        let mut cursor = Cursor::new(source, start + b"xref".len() as u64);
        let mut entries = Vec::new();
        while cursor.skip_space()?.is_some_and(|byte| byte.is_ascii_digit()) {
            let first = cursor.number(10)?;
            cursor.skip_space()?;
            let count = cursor.number(10)?;
            for index in 0..count {
                if entries.len() >= budget {
                    return Err(PdfError::limit("the number of cross-reference entries", limits.objects));
                }
                let number = u32::try_from(first + index)
                    .map_err(|_| PdfError::damaged(cursor.at, "an object number does not fit 32 bits"))?;
                entries.push(Entry::new(number, cursor.entry()?));
            }
        }
        let at = cursor.at;
        let (trailer, end) = window(source, limits, at..source.len(), &mut |lexer| {
            lexer.keyword("trailer")?;
            Ok((lexer.object()?, lexer.offset()))
        })?;
        let Object::Dictionary(trailer) = trailer else {
            return Err(PdfError::damaged(at, "the trailer is no dictionary"));
        };
        Ok(Self {
            start,
            end,
            kind: XrefKind::Table,
            own: None,
            entries,
            trailer,
            prev: None,
            hidden: Vec::new(),
        })
    }

    fn stream(source: &dyn Source, limits: &Guard, start: u64, budget: usize) -> Result<Self, PdfError> {
        let Indirect { id, value, body } = window(source, limits, start..source.len(), &mut |lexer| {
            lexer.indirect()
        })
        .map_err(|error| match error {
            PdfError::Damaged { offset, .. } => {
                PdfError::damaged(offset, "expected a cross-reference table or stream")
            }
            other => other,
        })?;
        let damaged = |what: &str| PdfError::damaged(start, format!("the cross-reference stream {what}"));
        let (Object::Dictionary(trailer), Body::Stream { data }) = (value, body) else {
            return Err(PdfError::damaged(start, "expected a cross-reference table or stream"));
        };
        if !trailer.is_type("XRef") {
            return Err(damaged("is of another /Type"));
        }
        let length = trailer
            .integer("Length")
            .and_then(|length| u64::try_from(length).ok())
            .ok_or_else(|| damaged("has no /Length of its own"))?;
        let data_end = data.checked_add(length).filter(|end| *end <= source.len());
        let data_end = data_end.ok_or_else(|| damaged("reaches past the end of the file"))?;
        let end = stream::end(source, limits, data_end, source.len())?;

        let widths = widths(&trailer).ok_or_else(|| damaged("has a wrong /W"))?;
        let width: usize = widths.iter().sum();
        let ranges = index_ranges(&trailer).ok_or_else(|| damaged("has a wrong /Index or /Size"))?;
        let count: u64 = ranges.iter().map(|(_, count)| u64::from(*count)).sum();
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        if count > budget {
            return Err(PdfError::limit("the number of cross-reference entries", limits.objects));
        }
        // Zeros pack well: without this, a file of a hundred kilobytes would take hundreds of megabytes.
        if count as u64 > source.len() {
            return Err(damaged("has more entries than the file has bytes"));
        }
        let expected = count.saturating_mul(width);
        let stream = Stream { dictionary: trailer, data: data..data_end, owner: None };
        let rows = stream::decode(source, None, &stream, expected)?;
        if rows.len() != expected {
            return Err(damaged(&format!("has {} bytes of entries instead of {expected}", rows.len())));
        }
        let mut entries = Vec::with_capacity(count);
        let mut numbers = ranges.iter().flat_map(|(first, count)| (0..*count).map(move |at| (*first, at)));
        for row in rows.chunks_exact(width.max(1)) {
            let (first, at) = numbers.next().unwrap_or_default();
            let number = first.checked_add(at).ok_or_else(|| damaged("numbers an object past 32 bits"))?;
            entries.push(Entry::new(
                number,
                row_place(row, widths).ok_or_else(|| damaged("has a wrong entry"))?,
            ));
        }
        Ok(Self {
            start,
            end,
            kind: XrefKind::Stream,
            own: Some(id),
            entries,
            trailer: stream.dictionary,
            prev: None,
            hidden: Vec::new(),
        })
    }

    fn check_trailer(mut self, limits: &Guard) -> Result<Self, PdfError> {
        if self.kind == XrefKind::Stream && self.trailer.get("XRefStm").is_some() {
            return Err(PdfError::Hybrid);
        }
        let size = self.trailer.integer("Size").and_then(|size| usize::try_from(size).ok());
        let size = size.ok_or_else(|| PdfError::damaged(self.start, "the trailer has no /Size"))?;
        if size > limits.objects.saturating_add(1) {
            return Err(PdfError::limit("the /Size of the cross-reference", limits.objects));
        }
        self.prev = match self.trailer.get("Prev") {
            None => None,
            Some(prev) => {
                let prev = prev.as_integer().and_then(|prev| u64::try_from(prev).ok());
                Some(prev.ok_or_else(|| PdfError::damaged(self.start, "/Prev is no offset"))?)
            }
        };
        Ok(self)
    }
}

fn widths(trailer: &Dictionary) -> Option<[usize; 3]> {
    let widths = trailer.get("W")?.as_array()?;
    let mut read = [0; 3];
    for (to, from) in read.iter_mut().zip(widths) {
        *to = usize::try_from(from.as_integer()?).ok().filter(|width| *width <= 8)?;
    }
    (widths.len() == 3 && read.iter().sum::<usize>() > 0).then_some(read)
}

fn index_ranges(trailer: &Dictionary) -> Option<Vec<(u32, u32)>> {
    let small = |object: &Object| u32::try_from(object.as_integer()?).ok();
    let Some(index) = trailer.get("Index") else {
        return Some(vec![(0, small(trailer.get("Size")?)?)]);
    };
    let (pairs, left) = index.as_array()?.as_chunks::<2>();
    if !left.is_empty() {
        return None;
    }
    pairs.iter().map(|[first, count]| Some((small(first)?, small(count)?))).collect()
}

/// One row of a cross-reference stream, ISO 32000-2 table 18. A type that the standard does not know means null.
fn row_place(row: &[u8], widths: [usize; 3]) -> Option<Place> {
    let mut rest = row;
    let mut field = |width: usize| {
        let (head, tail) = rest.split_at_checked(width)?;
        rest = tail;
        Some(head.iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte)))
    };
    let kind = if widths[0] == 0 { 1 } else { field(widths[0])? };
    let (first, second) = (field(widths[1])?, field(widths[2])?);
    Some(match kind {
        1 => Place::At {
            offset: Some(first).filter(|offset| offset & KIND_MASK == 0)?,
            generation: u16::try_from(second).ok()?,
        },
        2 => Place::In { stream: u32::try_from(first).ok()?, index: u32::try_from(second).ok()? },
        _ => Place::Free,
    })
}

/// Reads objects at a place: with a small window first, then larger ones.
pub(super) fn window<T>(
    source: &dyn Source,
    limits: &Guard,
    range: std::ops::Range<u64>,
    read: &mut dyn FnMut(&mut Lexer<'_>) -> Result<T, LexError>,
) -> Result<T, PdfError> {
    let mut size = FIRST_WINDOW;
    loop {
        let end = range.start.saturating_add(size).min(range.end);
        let bytes = source.read(range.start..end.max(range.start))?;
        if size > FIRST_WINDOW {
            limits.spend(bytes.len())?;
        }
        let complete = end >= range.end;
        match read(&mut Lexer::new(&bytes, range.start, complete, limits.depth)) {
            Err(LexError::End) if !complete => {
                if size >= limits.object_bytes as u64 {
                    return Err(PdfError::limit("the length of one object", limits.object_bytes));
                }
                size = size.saturating_mul(8).min(limits.object_bytes as u64);
            }
            outcome => return outcome.map_err(|error| error.at(end)),
        }
    }
}

/// Most objects fit; a page of memory is one read.
const FIRST_WINDOW: u64 = 4096;

/// Reads a table byte by byte, a piece of the file at a time.
struct Cursor<'a> {
    source: &'a dyn Source,
    at: u64,
    piece: Vec<u8>,
    piece_start: u64,
}

impl<'a> Cursor<'a> {
    fn new(source: &'a dyn Source, at: u64) -> Self {
        Self { source, at, piece: Vec::new(), piece_start: at }
    }

    /// `nnnnnnnnnn ggggg n`. The standard wants 20 bytes with the end of line; the words decide, not the width.
    fn entry(&mut self) -> Result<Place, PdfError> {
        self.skip_space()?;
        let offset = self.number(10)?;
        self.skip_space()?;
        let generation = self.number(5)?;
        self.skip_space()?;
        let at = self.at;
        let kind = self.byte()?;
        self.at += 1;
        if !self.byte()?.is_some_and(is_space) {
            return Err(PdfError::damaged(at, "a cross-reference entry is not closed by white space"));
        }
        match (kind, u16::try_from(generation)) {
            (Some(b'n'), Ok(generation)) => Ok(Place::At { offset, generation }),
            (Some(b'f'), _) => Ok(Place::Free),
            _ => Err(PdfError::damaged(at, "a cross-reference entry is neither in use nor free")),
        }
    }

    fn number(&mut self, most_digits: u32) -> Result<u64, PdfError> {
        let mut number = 0_u64;
        let mut digits = 0;
        while let Some(byte @ b'0'..=b'9') = self.byte()? {
            number = number * 10 + u64::from(byte - b'0');
            digits += 1;
            self.at += 1;
            if digits > most_digits {
                return Err(PdfError::damaged(self.at, "a number in the cross-reference table is too long"));
            }
        }
        if digits == 0 {
            return Err(PdfError::damaged(self.at, "expected a number in the cross-reference table"));
        }
        Ok(number)
    }

    fn skip_space(&mut self) -> Result<Option<u8>, PdfError> {
        while self.byte()?.is_some_and(is_space) {
            self.at += 1;
        }
        self.byte()
    }

    fn byte(&mut self) -> Result<Option<u8>, PdfError> {
        let index = self.at.checked_sub(self.piece_start).and_then(|index| usize::try_from(index).ok());
        if let Some(byte) = index.and_then(|index| self.piece.get(index)) {
            return Ok(Some(*byte));
        }
        let end = self.at.saturating_add(64 * 1024).min(self.source.len());
        if self.at >= end {
            return Ok(None);
        }
        self.piece = self.source.read(self.at..end)?;
        self.piece_start = self.at;
        Ok(self.piece.first().copied())
    }
}
