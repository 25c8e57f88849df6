//! The words for people on paper: a PDF of A4 pages with its fonts inside, so that it prints the same everywhere.
//!
//! It is a rendering, not evidence: it says so at the foot of each page. The same words give the same bytes.

use std::io::Write as _;

use flate2::{Compression, write::ZlibEncoder};
use pdf_writer::{
    Content, Filter, Finish as _, Name, Pdf, Rect, Ref, Str, TextStr,
    types::{CidFontType, FontFlags, SystemInfo},
};

use super::people::{Document, Fact, Signature, Tone};
use crate::{
    font::{Face, FontError, Outlines},
    validation::words::Language,
};

/// The pages for these documents, each document on a page of its own.
///
/// # Errors
///
/// When a font that lies in the program cannot be read: not for any words.
pub fn pdf(documents: &[Document], language: Language) -> Result<Vec<u8>, PaperError> {
    let mut sheets = Sheets::new()?;
    for document in documents {
        sheets.document(document, language);
    }
    if documents.is_empty() {
        sheets.turn();
    }
    sheets.finish(language)
}

/// Why there is no paper.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PaperError {
    /// A font of the program is not there or not readable.
    #[error(transparent)]
    Font(#[from] FontError),
}

/// Where the pen is, and what was written.
struct Sheets {
    faces: [Face<'static>; 2],
    done: Vec<Content>,
    page: Option<Content>,
    /// Points from the lower edge.
    y: f32,
}

#[derive(Clone, Copy)]
struct Style {
    face: usize,
    size: f32,
    ink: Ink,
}

type Ink = [f32; 3];

impl Sheets {
    fn new() -> Result<Self, PaperError> {
        let faces = [Face::serif()?, Face::serif_bold()?];
        Ok(Self { faces, done: Vec::new(), page: None, y: 0.0 })
    }

    fn document(&mut self, document: &Document, language: Language) {
        let pick = |vietnamese, english| match language {
            Language::Vietnamese => vietnamese,
            Language::English => english,
        };
        self.turn();
        let tone = ink(document.tone);
        self.text(pick("Kết quả kiểm tra chữ ký số", "Verification of digital signatures"), LABEL, 0.0);
        self.gap(3.0);
        self.mark(document.tone, 22.0, 20.0 * SPACING);
        self.text(document.heading, Style { face: BOLD, size: 20.0, ink: tone }, 32.0);
        self.gap(2.0);
        self.text(&document.name, Style { face: BOLD, ..BODY }, 0.0);
        self.gap(4.0);
        self.text(&document.summary, BODY, 0.0);
        if !document.next.is_empty() {
            self.gap(5.0);
            self.text(pick("Nên làm gì tiếp", "What to do next"), Style { face: BOLD, ..BODY }, 0.0);
            for step in &document.next {
                self.item(step, BODY, 0.0);
            }
        }
        for signature in &document.signatures {
            self.signature(signature, language);
        }
        if !document.facts.is_empty() {
            self.gap(12.0);
            self.rule(LINE);
            self.text(pick("Về tệp này", "About this file"), Style { face: BOLD, ..BODY }, 0.0);
            self.facts(&document.facts, 0.0);
        }
    }

    fn signature(&mut self, signature: &Signature, language: Language) {
        self.gap(12.0);
        self.keep(90.0);
        self.rule(ink(signature.tone));
        self.mark(signature.tone, 11.0, 12.5 * SPACING);
        let heading = format!("{} – {}", signature.who, signature.word);
        self.text(&heading, Style { face: BOLD, size: 12.5, ink: ink(signature.tone) }, INDENT);
        for reason in &signature.reasons {
            self.text(reason, Style { face: BOLD, ..BODY }, INDENT);
        }
        self.text(&signature.when, BODY, INDENT);
        if let Some(after) = signature.after {
            self.text(after, BODY, INDENT);
        }
        for change in &signature.changes {
            self.item(change, BODY, INDENT);
        }
        self.gap(3.0);
        self.facts(&signature.list, INDENT);
        for warning in &signature.warnings {
            self.item(warning, BODY, INDENT);
        }
        self.gap(3.0);
        let small = Style { size: 8.5, ..LABEL };
        let details = signature.facts.iter().map(|(label, text)| format!("{label}: {text}"));
        let details = details.collect::<Vec<_>>().join("; ");
        let title = match language {
            Language::Vietnamese => "Chi tiết kỹ thuật",
            Language::English => "Technical details",
        };
        self.text(&format!("{title} ({}). {details}", signature.id), small, INDENT);
    }

    /// A table of two columns.
    fn facts(&mut self, facts: &[Fact], left: f32) {
        for (label, text) in facts {
            let labels = self.lines(label, LABEL, LABEL_WIDTH - 8.0);
            let texts = self.lines(text, BODY, WIDTH - left - LABEL_WIDTH);
            for row in 0..labels.len().max(texts.len()) {
                self.keep(LEADING);
                self.y -= LEADING * BODY.size / 11.0;
                if let Some(label) = labels.get(row) {
                    self.show(label, LABEL, MARGIN + left);
                }
                if let Some(text) = texts.get(row) {
                    self.show(text, BODY, MARGIN + left + LABEL_WIDTH);
                }
            }
        }
    }

    /// A paragraph with a dash before it.
    fn item(&mut self, text: &str, style: Style, left: f32) {
        let before = (self.y, self.done.len());
        self.text(text, style, left + 12.0);
        // Beside the first line, unless that went to another page: the dash is decoration.
        if self.done.len() == before.1 {
            let after = std::mem::replace(&mut self.y, before.0 - style.size * SPACING);
            self.show("–", style, MARGIN + left);
            self.y = after;
        }
    }

    /// A paragraph.
    fn text(&mut self, text: &str, style: Style, left: f32) {
        for line in self.lines(text, style, WIDTH - left) {
            let height = style.size * SPACING;
            self.keep(height);
            self.y -= height;
            self.show(&line, style, MARGIN + left);
        }
    }

    /// One line, from `left` on, on the line of the pen.
    fn show(&mut self, line: &str, style: Style, left: f32) {
        let glyphs = self.faces[style.face].encode(line);
        let base = self.y;
        let [r, g, b] = style.ink;
        let name = NAMES[style.face];
        self.page().begin_text().set_fill_rgb(r, g, b).set_font(Name(name), style.size);
        self.page().set_text_matrix([1.0, 0.0, 0.0, 1.0, left, base]).show(Str(&glyphs)).end_text();
    }

    /// Words put on lines of this width in points.
    fn lines(&self, text: &str, style: Style, width: f32) -> Vec<String> {
        self.faces.get(style.face).map(|face| face.lines(text, style.size, width)).unwrap_or_default()
    }

    /// The sign of an answer, left of the pen's next line, which is `line` high; the words beside it say the same.
    fn mark(&mut self, tone: Tone, size: f32, line: f32) {
        self.keep(size * 1.6);
        let ([red, green, blue], base) = (ink(tone), self.y - line - size * 0.08);
        let at = |dx: f32, dy: f32| (MARGIN + dx * size, base + dy * size);
        let strokes: &[&[(f32, f32)]] = match tone {
            Tone::Valid => &[&[(0.05, 0.45), (0.38, 0.1), (0.95, 0.85)]],
            Tone::Indeterminate => &[
                &[(0.5, 0.95), (0.0, 0.05), (1.0, 0.05), (0.5, 0.95)],
                &[(0.5, 0.68), (0.5, 0.36)],
                &[(0.5, 0.22), (0.5, 0.18)],
            ],
            Tone::Invalid => &[&[(0.1, 0.1), (0.9, 0.9)], &[(0.1, 0.9), (0.9, 0.1)]],
            Tone::Unsigned | Tone::Unreadable => {
                &[&[(0.5, 0.95), (0.95, 0.5), (0.5, 0.05), (0.05, 0.5), (0.5, 0.95)]]
            }
        };
        let page = self.page();
        page.save_state().set_stroke_rgb(red, green, blue).set_line_width(size * 0.11);
        for stroke in strokes {
            for (index, (dx, dy)) in stroke.iter().enumerate() {
                let (x, y) = at(*dx, *dy);
                if index == 0 {
                    page.move_to(x, y)
                } else {
                    page.line_to(x, y)
                };
            }
            page.stroke();
        }
        page.restore_state();
    }

    /// A line over the whole width.
    fn rule(&mut self, [r, g, b]: Ink) {
        self.keep(6.0);
        self.y -= 4.0;
        let y = self.y;
        self.page().save_state().set_stroke_rgb(r, g, b).set_line_width(0.8);
        self.page().move_to(MARGIN, y).line_to(MARGIN + WIDTH, y).stroke().restore_state();
        self.y -= 2.0;
    }

    fn gap(&mut self, points: f32) {
        self.y -= points;
    }

    /// Turns the page where less than this is left of it.
    fn keep(&mut self, points: f32) {
        if self.page.is_none() || self.y - points < FOOT {
            self.turn();
        }
    }

    /// Begins a page.
    fn turn(&mut self) {
        self.done.extend(self.page.take());
        self.page = Some(Content::new());
        self.y = PAPER.1 - MARGIN;
    }

    fn page(&mut self) -> &mut Content {
        self.page.get_or_insert_with(Content::new)
    }

    fn finish(mut self, language: Language) -> Result<Vec<u8>, PaperError> {
        self.done.extend(self.page.take());
        let done = std::mem::take(&mut self.done);
        let (pages, version) = (done.len(), env!("CARGO_PKG_VERSION"));
        for (index, page) in done.into_iter().enumerate() {
            let number = index + 1;
            let foot = match language {
                Language::Vietnamese => format!(
                    "Bản in kết quả kiểm tra, không thay cho văn bản đã ký. kyso {version}. Trang {number}/{pages}"
                ),
                Language::English => format!(
                    "A print of the verification, no substitute for the signed document. kyso {version}. \
                     Page {number}/{pages}"
                ),
            };
            self.page = Some(page);
            self.y = MARGIN * 0.6;
            self.show(&foot, Style { size: 8.0, ..LABEL }, MARGIN);
            self.done.extend(self.page.take());
        }
        bind(self.done, &self.faces, language)
    }
}

/// Everything into one file.
fn bind(pages: Vec<Content>, faces: &[Face<'_>; 2], language: Language) -> Result<Vec<u8>, PaperError> {
    let mut last = 0;
    let mut next = || {
        last += 1;
        Ref::new(last)
    };
    let (catalog, tree, info) = (next(), next(), next());
    let fonts = [next(), next()];
    let mut pdf = Pdf::new();
    let title = match language {
        Language::Vietnamese => "Kết quả kiểm tra chữ ký số",
        Language::English => "Verification of digital signatures",
    };
    let (tag, name) = match language {
        Language::Vietnamese => ("vi", "kyso"),
        Language::English => ("en", "kyso"),
    };
    pdf.document_info(info).title(TextStr(title)).creator(TextStr(name));
    let mut root = pdf.catalog(catalog);
    root.pages(tree).lang(TextStr(tag));
    root.viewer_preferences().display_doc_title(true);
    root.finish();
    let mut kids = Vec::new();
    for content in pages {
        let (page, stream) = (next(), next());
        kids.push(page);
        let mut dictionary = pdf.page(page);
        dictionary.parent(tree).media_box(Rect::new(0.0, 0.0, PAPER.0, PAPER.1)).contents(stream);
        dictionary.resources().fonts().pair(Name(NAMES[0]), fonts[0]).pair(Name(NAMES[1]), fonts[1]);
        dictionary.finish();
        pdf.stream(stream, &squeezed(&content.finish())).filter(Filter::FlateDecode);
    }
    let count = i32::try_from(kids.len()).unwrap_or(i32::MAX);
    pdf.pages(tree).kids(kids).count(count);
    for (face, id) in faces.iter().zip(fonts) {
        embed(face, &mut pdf, id, [next(), next(), next(), next()])?;
    }
    Ok(pdf.finish())
}

/// ISO 32000-1 section 9.7: a composite font of the used glyphs, with the way back to characters for searching.
fn embed(
    face: &Face<'_>,
    pdf: &mut Pdf,
    id: Ref,
    [cid, descriptor, file, map]: [Ref; 4],
) -> Result<(), PaperError> {
    let subset = face.subset()?;
    let name = Name(subset.name.as_bytes());
    let identity = SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };
    pdf.type0_font(id)
        .base_font(name)
        .encoding_predefined(Name(b"Identity-H"))
        .descendant_font(cid)
        .to_unicode(map);
    let compact = matches!(subset.outlines, Outlines::Compact(_));
    let mut font = pdf.cid_font(cid);
    font.subtype(if compact { CidFontType::Type0 } else { CidFontType::Type2 });
    font.base_font(name).system_info(identity).font_descriptor(descriptor);
    font.default_width(0.0).widths().consecutive(0, subset.widths);
    font.finish();
    let [left, bottom, right, top] = subset.bounds;
    let mut words = pdf.font_descriptor(descriptor);
    words
        .name(name)
        .flags(FontFlags::SYMBOLIC | FontFlags::SERIF)
        .bbox(Rect::new(left, bottom, right, top))
        .italic_angle(0.0)
        .ascent(subset.ascent)
        .descent(subset.descent)
        .cap_height(subset.cap_height)
        .stem_v(subset.stem);
    if compact {
        words.font_file3(file)
    } else {
        words.font_file2(file)
    };
    words.finish();
    let (Outlines::Compact(outlines) | Outlines::TrueType(outlines)) = subset.outlines;
    let outlines = squeezed(&outlines);
    let mut program = pdf.stream(file, &outlines);
    program.filter(Filter::FlateDecode);
    if compact {
        program.pair(Name(b"Subtype"), Name(b"CIDFontType0C"));
    }
    program.finish();
    pdf.stream(map, &subset.to_unicode);
    Ok(())
}

fn squeezed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    // Writing into memory does not fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

/// As on the page, dark enough for a printer without colours.
fn ink(tone: Tone) -> Ink {
    match tone {
        Tone::Valid => [0.09, 0.39, 0.23],
        Tone::Indeterminate => [0.49, 0.29, 0.0],
        Tone::Invalid => [0.61, 0.11, 0.11],
        Tone::Unsigned | Tone::Unreadable => [0.27, 0.32, 0.36],
    }
}

/// A4, in points.
const PAPER: (f32, f32) = (595.28, 841.89);
/// 20 mm.
const MARGIN: f32 = 56.7;
const WIDTH: f32 = PAPER.0 - 2.0 * MARGIN;
/// Text ends here; below it is the foot.
const FOOT: f32 = MARGIN;
const INDENT: f32 = 18.0;
const LABEL_WIDTH: f32 = 140.0;
const LEADING: f32 = 14.0;
/// Between lines, in sizes of the letters. Vietnamese capitals carry two marks.
const SPACING: f32 = 1.3;
const BOLD: usize = 1;
const NAMES: [&[u8]; 2] = [b"F1", b"F2"];
const BODY: Style = Style { face: 0, size: 11.0, ink: [0.11, 0.15, 0.2] };
const LABEL: Style = Style { face: 0, size: 10.5, ink: [0.29, 0.34, 0.39] };
const LINE: Ink = [0.72, 0.7, 0.66];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::{Limits, MemorySource},
        rendering::{people, sample},
        validation::Report,
    };
    use std::sync::Arc;

    fn paper(report: &Report, language: Language) -> Vec<u8> {
        pdf(&people::tell(report, language), language).unwrap()
    }

    fn of(count: usize) -> Report {
        let document = sample::document(vec![sample::signature(); count]);
        Report { documents: vec![document], unreadable: Vec::new() }
    }

    #[test]
    fn the_same_words_give_the_same_bytes_and_a_pdf_that_can_be_read() {
        let report = of(2);
        let bytes = paper(&report, Language::Vietnamese);
        assert_eq!(bytes, paper(&report, Language::Vietnamese));
        assert!(bytes.len() < 100_000, "{} bytes: the fonts are subsets", bytes.len());
        let source = Arc::new(MemorySource(bytes.clone()));
        crate::pdf::Document::open(source, &Limits::default()).unwrap();
        let read = lopdf::Document::load_mem(&bytes).unwrap();
        assert_eq!(read.get_pages().len(), 1);
    }

    #[test]
    fn many_signatures_and_endless_names_make_pages() {
        let mut report = of(40);
        report.documents[0].name = "dài".repeat(3_000);
        report.documents.push(sample::document(Vec::new()));
        let read = lopdf::Document::load_mem(&paper(&report, Language::English)).unwrap();
        assert!(read.get_pages().len() > 10);
        let empty = lopdf::Document::load_mem(&paper(&Report::default(), Language::English)).unwrap();
        assert_eq!(empty.get_pages().len(), 1);
    }
}
