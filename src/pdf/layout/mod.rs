//! What a page shows: its letters with their places, and the areas that are painted (ISO 32000-2 sections 8 and 9).
//!
//! As much of a page's interpreter as it takes to find a line of text, and a place where nothing is: colours, blend
//! modes and the shapes of letters are not followed. It is no judge of what a page shows.

mod codes;
mod glyphs;

use std::{collections::HashMap, rc::Rc};

use self::glyphs::Glyphs;
use super::{
    Document, PdfError,
    area::{Area, IDENTITY, Matrix, apply, apply_to_area, chain},
    lexer::{Lexer, Token},
    object::{Dictionary, Object, ObjectId, Stream},
    page::Page,
};

/// What a page shows, in shown coordinates (see [`super::Frame`]).
#[derive(Clone, Debug, Default)]
pub struct Layout {
    /// In the order of the content, which need not be that of reading.
    pub letters: Vec<Letter>,
    /// Where lines, areas and pictures are painted; letters are not among them.
    pub painted: Vec<Area>,
    /// Whether one picture covers the page: a scan, which hides from us what it shows.
    pub picture_of_a_page: bool,
}

/// What one code of a text shows.
#[derive(Clone, Debug)]
pub struct Letter {
    /// Its characters; one, as a rule. U+FFFD where the font does not say.
    pub text: String,
    /// The space that it takes.
    pub area: Area,
    /// The height of its base line.
    pub base: f64,
    /// The size of its letters, in points.
    pub size: f64,
    /// By how many quarters the page would have to be turned clockwise for it to stand upright before the reader: 0 when
    /// it does. `None` when it is slanted.
    pub turns: Option<u8>,
}

impl Document {
    /// What a page shows, annotations not included.
    ///
    /// # Errors
    ///
    /// When the page's content cannot be read, or is longer than the limits allow.
    pub fn layout(&self, page: &Page) -> Result<Layout, PdfError> {
        let mut content = Vec::new();
        let (_, contents) =
            self.resolve(self.last(), page.dictionary.get("Contents").unwrap_or(&Object::Null))?;
        let parts = match contents {
            Object::Array(parts) => parts,
            other => vec![other],
        };
        for part in parts {
            if let (_, Object::Stream(stream)) = self.resolve(self.last(), &part)? {
                content.extend(self.content(&stream)?);
                content.push(b'\n');
            }
        }
        let (_, resources) = self.resolve(self.last(), &page.resources)?;
        let sheet = page.frame.sheet();
        let mut walk = Walk {
            document: self,
            sheet,
            fonts: HashMap::new(),
            layout: Layout::default(),
            steps: MOST_STEPS,
        };
        let state = State::new(page.frame.user_to_shown(), sheet);
        walk.run(&content, resources.as_dictionary().unwrap_or(&Dictionary::new()), state, 0)?;
        self.limits.spend((MOST_STEPS - walk.steps).saturating_mul(STEP_COST))?;
        Ok(walk.layout)
    }

    /// A content stream, decoded and counted.
    fn content(&self, stream: &Stream) -> Result<Vec<u8>, PdfError> {
        let content = self.decode(stream, LONGEST_CONTENT.min(self.limits.decoded_bytes))?;
        self.limits.spend(content.len())?;
        Ok(content)
    }
}

/// ISO 32000-2 table 51, as far as it matters here.
#[derive(Clone)]
struct State {
    /// To shown coordinates.
    ctm: Matrix,
    clip: Area,
    /// Whether fills leave no mark on white paper.
    white: bool,
    line_width: f64,
    font: Option<Rc<Glyphs>>,
    size: f64,
    spacing: f64,
    word_spacing: f64,
    scaling: f64,
    leading: f64,
    rise: f64,
}

impl State {
    fn new(ctm: Matrix, clip: Area) -> Self {
        Self {
            ctm,
            clip,
            white: false,
            line_width: 1.0,
            font: None,
            size: 0.0,
            spacing: 0.0,
            word_spacing: 0.0,
            scaling: 1.0,
            leading: 0.0,
            rise: 0.0,
        }
    }
}

/// A path as it grows, in shown coordinates.
#[derive(Default)]
struct Path {
    here: Option<(f64, f64)>,
    begin: Option<(f64, f64)>,
    segments: Vec<Area>,
    /// The bounds of each subpath.
    shapes: Vec<Area>,
}

impl Path {
    fn begin(&mut self, point: (f64, f64)) {
        (self.here, self.begin) = (Some(point), Some(point));
        self.shapes.extend(Area::around([point]));
    }

    fn to(&mut self, points: &[(f64, f64)]) {
        let Some(here) = self.here else { return };
        if let Some(area) = Area::around(points.iter().copied().chain([here])) {
            if self.segments.len() < MOST_SEGMENTS {
                self.segments.push(area);
            } else if let Some(last) = self.segments.last_mut() {
                // A path of that many pieces is told as one area from there on.
                *last = last.union(area);
            }
            if let Some(shape) = self.shapes.last_mut() {
                *shape = shape.union(area);
            }
        }
        self.here = points.last().copied();
    }

    fn close(&mut self) {
        if let Some(begin) = self.begin {
            self.to(&[begin]);
        }
    }
}

struct Walk<'a> {
    document: &'a Document,
    sheet: Area,
    fonts: HashMap<ObjectId, Rc<Glyphs>>,
    layout: Layout,
    steps: usize,
}

impl Walk<'_> {
    fn run(
        &mut self,
        content: &[u8],
        resources: &Dictionary,
        state: State,
        depth: usize,
    ) -> Result<(), PdfError> {
        let mut lexer = Lexer::new(content, 0, true, self.document.limits.depth);
        let mut operands: Vec<Object> = Vec::new();
        let mut state = state;
        let mut kept: Vec<State> = Vec::new();
        let mut path = Path::default();
        let mut clips = false;
        let (mut matrix, mut line) = (IDENTITY, IDENTITY);
        // A content that breaks off shows what came before, here as in readers.
        while let Ok(Some(token)) = lexer.token() {
            let operator = match token {
                Token::Operand(operand) => {
                    if operands.len() < MOST_OPERANDS {
                        operands.push(operand);
                    }
                    continue;
                }
                Token::Operator(operator) => operator,
            };
            self.spend(1)?;
            let numbers: Vec<f64> = operands.iter().filter_map(Object::as_number).collect();
            let point = |at: usize| -> Option<(f64, f64)> {
                Some(apply(&state.ctm, (*numbers.get(at)?, *numbers.get(at + 1)?)))
            };
            match operator {
                b"q" if kept.len() < DEEPEST_STATE => kept.push(state.clone()),
                b"Q" => state = kept.pop().unwrap_or(state),
                b"cm" => {
                    if let Ok(by) = Matrix::try_from(numbers) {
                        state.ctm = chain(&by, &state.ctm);
                    }
                }
                b"w" => state.line_width = numbers.first().copied().unwrap_or(1.0),
                b"g" | b"rg" => {
                    state.white = !numbers.is_empty() && numbers.iter().all(|part| *part >= WHITE);
                }
                b"k" => state.white = numbers.len() == 4 && numbers.iter().all(|part| *part <= 1.0 - WHITE),
                // Three numbers are some red, green and blue, four some inks; what a pattern shows is not known.
                b"sc" | b"scn" => {
                    let inks = numbers.len() == 4;
                    let blank = |part: &f64| if inks { *part <= 1.0 - WHITE } else { *part >= WHITE };
                    state.white =
                        !numbers.is_empty() && numbers.len() == operands.len() && numbers.iter().all(blank);
                }
                b"cs" => state.white = false,

                b"m" => {
                    if let Some(point) = point(0) {
                        path.begin(point);
                    }
                }
                b"l" => path.to(&point(0).into_iter().collect::<Vec<_>>()),
                b"c" => path.to(&[0, 2, 4].into_iter().filter_map(point).collect::<Vec<_>>()),
                b"v" | b"y" => path.to(&[0, 2].into_iter().filter_map(point).collect::<Vec<_>>()),
                b"h" => path.close(),
                b"re" => {
                    if let [x, y, width, height] = numbers[..] {
                        let corner = |dx: f64, dy: f64| apply(&state.ctm, (x + dx, y + dy));
                        path.begin(corner(0.0, 0.0));
                        for next in [corner(width, 0.0), corner(width, height), corner(0.0, height)] {
                            path.to(&[next]);
                        }
                        path.close();
                    }
                }
                b"W" | b"W*" => clips = true,
                b"n" | b"f" | b"F" | b"f*" | b"S" | b"s" | b"B" | b"B*" | b"b" | b"b*" => {
                    if matches!(operator, b"s" | b"b" | b"b*") {
                        path.close();
                    }
                    if matches!(operator, b"f" | b"F" | b"f*" | b"B" | b"B*" | b"b" | b"b*") && !state.white {
                        self.paint(&path.shapes, &state, 0.0)?;
                    }
                    if matches!(operator, b"S" | b"s" | b"B" | b"B*" | b"b" | b"b*") {
                        let [a, b, c, d, _, _] = state.ctm;
                        let thick = state.line_width * (a * d - b * c).abs().sqrt();
                        self.paint(&path.segments, &state, thick / 2.0)?;
                    }
                    if std::mem::take(&mut clips) {
                        let shape = path.shapes.iter().copied().reduce(Area::union);
                        let nothing = Area { right: state.clip.left, top: state.clip.bottom, ..state.clip };
                        state.clip = shape.and_then(|shape| shape.common(state.clip)).unwrap_or(nothing);
                    }
                    path = Path::default();
                }
                b"sh" => {
                    let clip = state.clip;
                    self.paint(&[clip], &state, 0.0)?;
                }
                b"ID" => {
                    if lexer.skip_inline_image().is_err() {
                        return Ok(());
                    }
                    self.picture(&state)?;
                }
                b"Do" => {
                    if let Some(name) = operands.last().and_then(Object::as_name) {
                        self.external(name, resources, &state, depth)?;
                    }
                }

                b"BT" => (matrix, line) = (IDENTITY, IDENTITY),
                b"Tc" => state.spacing = numbers.first().copied().unwrap_or(0.0),
                b"Tw" => state.word_spacing = numbers.first().copied().unwrap_or(0.0),
                b"Tz" => state.scaling = numbers.first().copied().unwrap_or(100.0) / 100.0,
                b"TL" => state.leading = numbers.first().copied().unwrap_or(0.0),
                b"Ts" => state.rise = numbers.first().copied().unwrap_or(0.0),
                b"Tf" => {
                    state.size = numbers.first().copied().unwrap_or(0.0);
                    state.font = match operands.first().and_then(Object::as_name) {
                        Some(name) => self.font(name, resources)?,
                        None => None,
                    };
                }
                b"Tm" => {
                    if let Ok(to) = Matrix::try_from(numbers) {
                        (matrix, line) = (to, to);
                    }
                }
                b"Td" | b"TD" => {
                    if let [dx, dy] = numbers[..] {
                        if operator == b"TD" {
                            state.leading = -dy;
                        }
                        line = chain(&[1.0, 0.0, 0.0, 1.0, dx, dy], &line);
                        matrix = line;
                    }
                }
                b"T*" | b"'" | b"\"" => {
                    if operator == b"\""
                        && let [word, letter, ..] = numbers[..]
                    {
                        (state.word_spacing, state.spacing) = (word, letter);
                    }
                    line = chain(&[1.0, 0.0, 0.0, 1.0, 0.0, -state.leading], &line);
                    matrix = line;
                    if let Some(text) = operands.last().and_then(Object::as_string) {
                        self.show(text, &state, &mut matrix)?;
                    }
                }
                b"Tj" => {
                    if let Some(text) = operands.last().and_then(Object::as_string) {
                        self.show(text, &state, &mut matrix)?;
                    }
                }
                b"TJ" => {
                    for item in operands.last().and_then(Object::as_array).unwrap_or_default() {
                        if let Some(text) = item.as_string() {
                            self.show(text, &state, &mut matrix)?;
                        } else if let Some(back) = item.as_number() {
                            let by = -back / 1000.0 * state.size * state.scaling;
                            matrix = chain(&[1.0, 0.0, 0.0, 1.0, by, 0.0], &matrix);
                        }
                    }
                }
                _ => {}
            }
            operands.clear();
        }
        Ok(())
    }

    fn spend(&mut self, steps: usize) -> Result<(), PdfError> {
        self.steps = self.steps.checked_sub(steps).ok_or(PdfError::limit("what a page shows", MOST_STEPS))?;
        Ok(())
    }

    fn show(&mut self, text: &[u8], state: &State, matrix: &mut Matrix) -> Result<(), PdfError> {
        let Some(font) = state.font.clone() else { return Ok(()) };
        for code in font.codes(text) {
            self.spend(1)?;
            let glyph = font.glyph(code);
            let scale = [state.size * state.scaling, 0.0, 0.0, state.size, 0.0, state.rise];
            let whole = chain(&chain(&scale, matrix), &state.ctm);
            let cell = Area { left: 0.0, bottom: font.descent, right: glyph.width, top: font.ascent };
            let (origin, up) = (apply(&whole, (0.0, 0.0)), apply(&whole, (0.0, 1.0)));
            let along = apply(&whole, (1.0, 0.0));
            let size = (up.0 - origin.0).hypot(up.1 - origin.1);
            if let Some(area) = apply_to_area(&whole, cell)
                && size.is_finite()
                && area.common(state.clip).is_some()
            {
                let turns = turns((along.0 - origin.0, along.1 - origin.1));
                let text = glyph.text;
                self.layout.letters.push(Letter { text, area, base: origin.1, size, turns });
            }
            let gap = if code.is_space() { state.word_spacing } else { 0.0 };
            let by = (glyph.width * state.size + state.spacing + gap) * state.scaling;
            *matrix = chain(&[1.0, 0.0, 0.0, 1.0, by, 0.0], matrix);
        }
        Ok(())
    }

    fn paint(&mut self, areas: &[Area], state: &State, by: f64) -> Result<(), PdfError> {
        for area in areas {
            self.spend(1)?;
            let Some(seen) = area.grown(by.abs().min(MOST_LINE_WIDTH)).common(state.clip) else { continue };
            // What covers the whole page lies under all the rest.
            if !covers(&seen, &self.sheet) {
                self.layout.painted.push(seen);
            }
        }
        Ok(())
    }

    fn picture(&mut self, state: &State) -> Result<(), PdfError> {
        let Some(area) = apply_to_area(&state.ctm, Area::new(0.0, 0.0, 1.0, 1.0)) else { return Ok(()) };
        if area.common(state.clip).is_some_and(|seen| covers(&seen, &self.sheet)) {
            self.layout.picture_of_a_page = true;
        }
        self.paint(&[area], state, 0.0)
    }

    fn external(
        &mut self,
        name: &[u8],
        resources: &Dictionary,
        state: &State,
        depth: usize,
    ) -> Result<(), PdfError> {
        let Some(Object::Stream(stream)) = self.resource("XObject", name, resources)?.map(|found| found.1)
        else {
            return Ok(());
        };
        match stream.dictionary.name("Subtype") {
            Some(b"Image") => self.picture(state),
            Some(b"Form") if depth < DEEPEST_FORM => {
                self.spend(FORM_STEPS)?;
                let mut state = state.clone();
                let last = self.document.last();
                let resolved = |key: &str| {
                    let value = stream.dictionary.get(key).unwrap_or(&Object::Null);
                    self.document.resolve(last, value).map(|(_, value)| value)
                };
                let matrix: Vec<f64> = resolved("Matrix")?
                    .as_array()
                    .map(|items| items.iter().filter_map(Object::as_number).collect())
                    .unwrap_or_default();
                if let Ok(matrix) = Matrix::try_from(matrix) {
                    state.ctm = chain(&matrix, &state.ctm);
                }
                if let Some(bounds) = Area::read(&resolved("BBox")?) {
                    let bounds = apply_to_area(&state.ctm, bounds);
                    let Some(clip) = bounds.and_then(|bounds| bounds.common(state.clip)) else {
                        return Ok(());
                    };
                    state.clip = clip;
                }
                let own = resolved("Resources")?;
                let content = self.document.content(&stream)?;
                self.run(&content, own.as_dictionary().unwrap_or(resources), state, depth + 1)
            }
            _ => Ok(()),
        }
    }

    fn font(&mut self, name: &[u8], resources: &Dictionary) -> Result<Option<Rc<Glyphs>>, PdfError> {
        let Some((id, font)) = self.resource("Font", name, resources)? else { return Ok(None) };
        if let Some(known) = id.and_then(|id| self.fonts.get(&id)) {
            return Ok(Some(Rc::clone(known)));
        }
        let Object::Dictionary(font) = font else { return Ok(None) };
        self.spend(FONT_STEPS)?;
        let glyphs = Rc::new(Glyphs::read(self.document, &font)?);
        if let Some(id) = id {
            self.fonts.insert(id, Rc::clone(&glyphs));
        }
        Ok(Some(glyphs))
    }

    fn resource(
        &self,
        kind: &str,
        name: &[u8],
        resources: &Dictionary,
    ) -> Result<Option<(Option<ObjectId>, Object)>, PdfError> {
        let last = self.document.last();
        let (_, all) = self.document.resolve(last, resources.get(kind).unwrap_or(&Object::Null))?;
        let Some(named) = all.as_dictionary().and_then(|all| all.written(name)).cloned() else {
            return Ok(None);
        };
        Ok(Some(self.document.resolve(last, &named)?))
    }
}

/// By how many quarters clockwise a direction has to be turned to run to the right.
fn turns((x, y): (f64, f64)) -> Option<u8> {
    let (along, across, turns) = if x.abs() >= y.abs() {
        (x.abs(), y, if x > 0.0 { 0 } else { 2 })
    } else {
        (y.abs(), x, if y > 0.0 { 1 } else { 3 })
    };
    (along > 0.0 && across.abs() <= 0.1 * along).then_some(turns)
}

/// Whether something covers a page as a background does.
fn covers(area: &Area, sheet: &Area) -> bool {
    area.width() >= COVERS * sheet.width() && area.height() >= COVERS * sheet.height()
}

/// A grey of this part of white leaves no mark that an eye would see.
const WHITE: f64 = 0.98;

/// The part of a page's width and height from which on a painted area is its background.
const COVERS: f64 = 0.92;

/// In points; wider lines are areas.
const MOST_LINE_WIDTH: f64 = 50.0;

/// Honest pages nest two or three.
const DEEPEST_FORM: usize = 12;

const DEEPEST_STATE: usize = 256;

/// Operands before an operator: arrays count as one.
const MOST_OPERANDS: usize = 64;

/// Operators, letters and painted areas of a page. A page of small print has some 10,000 letters.
const MOST_STEPS: usize = 1_000_000;

/// What drawing a form counts for, which may be drawn by forms that are drawn by forms.
const FORM_STEPS: usize = 200;

/// What reading a font counts for: its widths and its map.
const FONT_STEPS: usize = 5_000;

/// Pieces of one path.
const MOST_SEGMENTS: usize = 100_000;

/// What a step counts for in the budget of a document, in bytes: 4 GiB are 67 million steps, some seconds of work.
const STEP_COST: usize = 64;

/// In bytes, of one content stream.
const LONGEST_CONTENT: usize = 64 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::base::{Limits, MemorySource};

    /// A page of 200 by 100 points with this content, a font and a form that draws itself.
    fn document(content: &[u8]) -> Document {
        let stream = |entries: &str, data: &[u8]| {
            let head = format!("<< {entries} /Length {} >>\nstream\n", data.len());
            [head.as_bytes(), data, b"\nendstream"].concat()
        };
        let resources = "<< /Font << /F 5 0 R >> /XObject << /X 6 0 R /I 7 0 R >> >>";
        let page = format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 100] /Contents 4 0 R /Resources {resources} >>"
        );
        let form = format!("/Type /XObject /Subtype /Form /BBox [0 0 200 100] /Resources {resources}");
        let objects = [
            b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_vec(),
            page.into_bytes(),
            stream("", content),
            b"<< /Type /Font /Subtype /Type1 /BaseFont /F /FirstChar 65 /Widths [500 500] >>".to_vec(),
            stream(&form, b"/X Do /X Do /X Do 10 10 20 20 re f"),
            stream("/Type /XObject /Subtype /Image /Width 1 /Height 1", b"x"),
        ];
        let mut file = b"%PDF-1.7\n".to_vec();
        let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
        for (at, object) in objects.iter().enumerate() {
            table.push_str(&format!("{:010} 00000 n \n", file.len()));
            file.extend_from_slice(format!("{} 0 obj\n", at + 1).as_bytes());
            file.extend_from_slice(object);
            file.extend_from_slice(b"\nendobj\n");
        }
        let start = file.len();
        file.extend_from_slice(table.as_bytes());
        let size = objects.len() + 1;
        let end = format!("trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n");
        file.extend_from_slice(end.as_bytes());
        Document::open(Arc::new(MemorySource(file)), &Limits::default()).unwrap()
    }

    fn layout(content: &str) -> Layout {
        let document = document(content.as_bytes());
        document.layout(&document.page(1).unwrap().unwrap()).unwrap()
    }

    #[test]
    fn letters_stand_where_they_are_shown() {
        let found = layout("BT /F 10 Tf 2 Tc 20 30 Td (AB) Tj 0 1 -1 0 90 50 Tm [(A) -1000 (B)] TJ ET");
        let shown: Vec<_> = found
            .letters
            .iter()
            .map(|letter| (letter.text.as_str(), letter.turns, letter.area.left))
            .collect();
        assert_eq!(shown[..2], [("A", Some(0), 20.0), ("B", Some(0), 27.0)]);
        assert_eq!((shown[2].0, shown[2].1, found.letters[2].area.bottom), ("A", Some(1), 50.0));
        // Half an em, two points between letters, and a whole em more.
        assert_eq!((found.letters.len(), found.letters[3].area.bottom), (4, 67.0));
    }

    #[test]
    fn what_is_painted_is_found_and_the_paper_is_not() {
        let found = layout("1 g 0 0 200 100 re f 10 10 50 50 re f 0 g 20 20 30 10 re f 1 w 5 5 m 195 5 l S");
        let lines =
            [Area::new(20.0, 20.0, 30.0, 10.0), Area { left: 4.5, bottom: 4.5, right: 195.5, top: 5.5 }];
        assert_eq!(found.painted, lines);
        let clipped = layout("q 0 0 10 10 re W n 5 5 50 50 re f Q");
        assert_eq!(clipped.painted, [Area::new(5.0, 5.0, 5.0, 5.0)]);
        assert!(layout("200 0 0 100 0 0 cm /I Do").picture_of_a_page);
        assert_eq!(layout("BI /W 1 /H 1 ID x EI 3 3 4 4 re f").painted.len(), 2);
    }

    #[test]
    fn a_form_that_draws_itself_comes_to_an_end() {
        let document = document(b"/X Do");
        let page = document.page(1).unwrap().unwrap();
        assert!(matches!(document.layout(&page), Err(PdfError::Limit { .. })));
    }

    proptest! {
        #[test]
        fn no_content_is_too_much(
            words in proptest::collection::vec(
                prop_oneof![
                    Just("q"), Just("Q"), Just("BT"), Just("ET"), Just("(AB"), Just("(AB)"), Just("Tj"), Just("TJ"),
                    Just("["), Just("]"), Just("1e9"), Just("-99999999999"), Just("0"), Just("7.5"), Just("cm"),
                    Just("Tm"), Just("/F"), Just("Tf"), Just("Td"), Just("re"), Just("f"), Just("S"), Just("W"),
                    Just("n"), Just("/I"), Just("Do"), Just("BI"), Just("ID"), Just("EI "), Just("'"), Just("\""),
                    Just("<<"), Just(">>"), Just("m"), Just("l"), Just("c"), Just("h"), Just("b"), Just("w"), Just("<41"),
                ],
                0..80,
            )
        ) {
            let document = document(words.join(" ").as_bytes());
            let page = document.page(1).unwrap().unwrap();
            if let Ok(layout) = document.layout(&page) {
                for letter in &layout.letters {
                    prop_assert!(letter.area.left <= letter.area.right && letter.area.bottom <= letter.area.top);
                }
            }
        }
    }
}
