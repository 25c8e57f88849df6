//! Revisions: what one `startxref` … `%%EOF` closes (ISO 32000-2 section 7.5.6).

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
};

use super::{
    PdfError,
    guard::Guard,
    lexer::{Body, is_space},
    object::{Dictionary, Object, ObjectId},
    xref::{Entry, Place, Section, XrefKind, window},
};
use crate::base::Source;

/// One revision of a file. A linearized file's two cross-reference sections are one revision.
#[derive(Clone, Debug)]
pub struct Revision {
    /// Where its bytes begin: the end of the revision before.
    pub start: u64,
    /// One past the last byte: after `%%EOF` and its end-of-line.
    pub end: u64,
    /// What `startxref` says: where its cross-reference section begins.
    pub xref_offset: u64,
    /// After `%%EOF`, before its end-of-line.
    pub(super) marker_end: u64,
    pub(super) kind: XrefKind,
    /// The sections, from their first byte to `%%EOF`.
    pub(super) sections: Vec<Range<u64>>,
    /// Cross-reference streams' own objects.
    pub(super) own: Vec<ObjectId>,
    /// By object number.
    pub(super) entries: Vec<Entry>,
    pub(super) trailer: Dictionary,
}

impl Revision {
    /// The objects that it defines or frees.
    pub fn objects(&self) -> impl Iterator<Item = ObjectId> {
        self.entries.iter().map(Entry::id)
    }

    /// Its trailer.
    pub fn trailer(&self) -> &Dictionary {
        &self.trailer
    }

    pub(super) fn entry(&self, number: u32) -> Option<&Entry> {
        let at = self.entries.binary_search_by_key(&number, |entry| entry.number).ok()?;
        self.entries.get(at)
    }
}

/// All revisions of a file, oldest first, and the numbers of the objects that hybrid tables hide from old programs.
pub(super) fn read_all(
    source: &dyn Source,
    limits: &Guard,
) -> Result<(Vec<Revision>, HashSet<u32>), PdfError> {
    let first = last_startxref(source, limits)?;
    let mut sections = Vec::new();
    let mut seen = HashSet::new();
    let mut budget = limits.objects;
    let mut next = Some(first);
    while let Some(offset) = next {
        if !seen.insert(offset) {
            return Err(PdfError::damaged(offset, "the chain of cross-reference sections runs in a circle"));
        }
        // A linearized file spends two sections on its first revision.
        if sections.len() > limits.revisions {
            return Err(PdfError::limit("the number of revisions", limits.revisions));
        }
        let section = Section::read(source, limits, offset, budget)?;
        budget = budget.saturating_sub(section.entries.len() + section.hidden.len());
        next = section.prev;
        sections.push((offset, section));
    }
    sections.reverse();
    let hidden = if sections.iter().any(|(_, section)| !section.hidden.is_empty()) {
        reveal(&mut sections)?
    } else {
        HashSet::new()
    };
    let mut sections = sections.into_iter().peekable();
    let mut revisions = Vec::new();
    let mut start = 0;
    while let Some((offset, section)) = sections.next() {
        let main = revisions.is_empty();
        let first_page = sections.next_if(|(_, later)| main && later.start < section.start);
        let revision = match first_page {
            Some((first_offset, first_page)) => linearized(source, limits, section, first_page, first_offset),
            None => ordinary(source, limits, section, offset, start),
        }?;
        start = revision.end;
        revisions.push(revision);
    }
    Ok((revisions, hidden))
}

/// Adds what hybrid tables hide from old programs, as long as no program can see another document for it.
///
/// Programs that know no cross-reference streams miss these objects; there may not be another object of the same
/// number for them to find. Of an object that both list, the place must be the same. What leads to the hidden ones is
/// [`super::hybrid`]'s business.
fn reveal(sections: &mut [(u64, Section)]) -> Result<HashSet<u32>, PdfError> {
    let mut known: HashMap<u32, Entry> = HashMap::new();
    let mut hidden = HashSet::new();
    for at in 0..sections.len() {
        let (earlier, _) = sections.split_at_mut(at + 1);
        let Some((_, section)) = earlier.last_mut() else { continue };
        for entry in section.entries.iter().filter(|entry| entry.place() != Place::Free) {
            known.insert(entry.number, *entry);
            hidden.remove(&entry.number);
        }
        let mut revealed = HashSet::new();
        for entry in std::mem::take(&mut section.hidden) {
            match known.get(&entry.number) {
                _ if entry.place() == Place::Free => {}
                Some(listed) if listed.place() == entry.place() => {}
                Some(_) => return Err(PdfError::Hybrid),
                None => {
                    known.insert(entry.number, entry);
                    revealed.insert(entry.number);
                    section.entries.push(entry);
                }
            }
        }
        hidden.extend(&revealed);
        // What this table or one before it calls free, the stream has found.
        if !revealed.is_empty() {
            for (_, section) in earlier {
                section
                    .entries
                    .retain(|entry| entry.place() != Place::Free || !revealed.contains(&entry.number));
            }
        }
    }
    Ok(hidden)
}

fn ordinary(
    source: &dyn Source,
    limits: &Guard,
    section: Section,
    offset: u64,
    start: u64,
) -> Result<Revision, PdfError> {
    if section.start < start {
        return Err(PdfError::damaged(
            section.start,
            "a cross-reference section lies inside an earlier revision",
        ));
    }
    let closing = Closing::read(source, limits, section.end)?;
    if !names(source, closing.startxref, offset, &section)? {
        return Err(PdfError::damaged(
            section.end,
            "startxref does not name the cross-reference section before it",
        ));
    }
    Revision {
        start,
        end: closing.end,
        xref_offset: offset,
        marker_end: closing.marker_end,
        kind: section.kind,
        sections: vec![section.start..closing.marker_end],
        own: section.own.into_iter().collect(),
        entries: section.entries,
        trailer: section.trailer,
    }
    .checked()
}

/// ISO 32000-2 annex F: the first page's section stands at the front and leads to the main one at the end.
fn linearized(
    source: &dyn Source,
    limits: &Guard,
    main: Section,
    first_page: Section,
    first_offset: u64,
) -> Result<Revision, PdfError> {
    if !is_linearized(source, limits, first_page.start)? {
        return Err(PdfError::damaged(first_page.start, "/Prev leads to a later cross-reference section"));
    }
    let (front_marker, front_end) = match Closing::read(source, limits, first_page.end) {
        Ok(front) => (front.marker_end, front.end),
        // Some programs close the one in front by nothing when it is a stream.
        Err(PdfError::Damaged { .. }) if first_page.kind == XrefKind::Stream => {
            (first_page.end, first_page.end)
        }
        Err(error) => return Err(error),
    };
    let back = Closing::read(source, limits, main.end)?;
    if !names(source, back.startxref, first_offset, &first_page)? {
        return Err(PdfError::damaged(
            main.end,
            "startxref does not name the first page's cross-reference section",
        ));
    }
    if front_end > main.start {
        return Err(PdfError::damaged(main.start, "two cross-reference sections overlap"));
    }
    if main.trailer.get("Encrypt").is_some_and(|own| Some(own) != first_page.trailer.get("Encrypt")) {
        return Err(PdfError::damaged(
            main.start,
            "the two trailers of a linearized file encrypt differently",
        ));
    }
    let mut entries = first_page.entries;
    entries.extend(main.entries);
    Revision {
        start: 0,
        end: back.end,
        xref_offset: first_offset,
        marker_end: back.marker_end,
        kind: first_page.kind,
        sections: vec![first_page.start..front_marker, main.start..back.marker_end],
        own: first_page.own.into_iter().chain(main.own).collect(),
        entries,
        trailer: first_page.trailer,
    }
    .checked()
}

/// Whether a `startxref` names a section that the chain knows at `offset`. It may name white space before it.
fn names(source: &dyn Source, startxref: u64, offset: u64, section: &Section) -> Result<bool, PdfError> {
    if startxref == offset || startxref == section.start {
        return Ok(true);
    }
    if startxref > section.start || section.start - startxref > 16 {
        return Ok(false);
    }
    Ok(source.read(startxref..section.start)?.iter().all(|byte| is_space(*byte)))
}

impl Revision {
    /// Sorts the entries and refuses those that contradict each other or point outside the revision.
    fn checked(mut self) -> Result<Self, PdfError> {
        self.entries.sort_unstable_by_key(|entry| entry.number);
        self.entries.dedup();
        for pair in self.entries.windows(2) {
            if let [one, two] = pair
                && one.number == two.number
            {
                let what = format!("the cross-reference names object {} twice", one.number);
                return Err(PdfError::damaged(self.xref_offset, what));
            }
        }
        for entry in &self.entries {
            if let Place::At { offset, .. } = entry.place()
                && offset >= self.end
            {
                let what =
                    format!("object {} is said to be at byte {offset}, outside its revision", entry.number);
                return Err(PdfError::damaged(self.xref_offset, what));
            }
        }
        Ok(self)
    }
}

/// The `startxref … %%EOF` after a section.
struct Closing {
    startxref: u64,
    marker_end: u64,
    end: u64,
}

impl Closing {
    fn read(source: &dyn Source, limits: &Guard, at: u64) -> Result<Self, PdfError> {
        let (startxref, at) = window(source, limits, at..source.len(), &mut |lexer| {
            lexer.keyword("startxref")?;
            Ok((lexer.unsigned(u64::MAX)?, lexer.offset()))
        })?;
        let tail = source.read(at..at.saturating_add(256).min(source.len()))?;
        let space = tail.iter().take_while(|byte| is_space(**byte)).count();
        let rest = tail.get(space..).unwrap_or_default();
        let Some(after) = rest.strip_prefix(b"%%EOF") else {
            return Err(PdfError::damaged(at, "startxref is not followed by %%EOF"));
        };
        let marker_end = at + (space + b"%%EOF".len()) as u64;
        let line_end = match after {
            [b'\r', b'\n', ..] => 2,
            [b'\r' | b'\n', ..] => 1,
            _ => 0,
        };
        Ok(Self { startxref, marker_end, end: marker_end + line_end })
    }
}

/// The number after the last `startxref` of the file.
fn last_startxref(source: &dyn Source, limits: &Guard) -> Result<u64, PdfError> {
    const WORD: &[u8] = b"startxref";
    let len = source.len();
    for tail in TAILS {
        let start = len.saturating_sub(tail);
        let tail = source.read(start..len)?;
        if let Some(at) = tail.windows(WORD.len()).rposition(|window| window == WORD) {
            return Ok(Closing::read(source, limits, start + at as u64)?.startxref);
        }
    }
    Err(PdfError::damaged(len, "the file does not end in startxref and %%EOF"))
}

/// How far from the end `startxref` is looked for. The standard's readers look at 1024 bytes, where it nearly always is;
/// more lets kyso open a file that something was appended to, and say so.
const TAILS: [u64; 2] = [1024, 64 * 1024];

/// Whether the first object, before `bound`, is a linearization dictionary.
fn is_linearized(source: &dyn Source, limits: &Guard, bound: u64) -> Result<bool, PdfError> {
    let first = window(source, limits, 0..bound, &mut |lexer| lexer.indirect());
    match first {
        Ok(first) => {
            let (Object::Dictionary(dictionary), Body::Plain { .. }) = (&first.value, &first.body) else {
                return Ok(false);
            };
            Ok(dictionary.get("Linearized").is_some())
        }
        Err(PdfError::Damaged { .. } | PdfError::Limit { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}
