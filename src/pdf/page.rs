//! Pages, and how they lie before a reader (ISO 32000-2 sections 7.7.3 and 14.11.2).

use std::collections::HashSet;

use super::{
    Document, PdfError,
    area::{Area, Matrix, apply_to_area},
    object::{Dictionary, Object, ObjectId},
    signature::SignatureKind,
};

/// A page of the last revision.
#[derive(Clone, Debug)]
pub struct Page {
    /// The page object.
    pub id: ObjectId,
    /// From 1 on.
    pub number: usize,
    /// How it lies before a reader.
    pub frame: Frame,
    pub(super) dictionary: Dictionary,
    /// Its own or inherited.
    pub(super) resources: Object,
}

/// How a page is shown: what of it, turned, and in which unit.
///
/// *Shown* coordinates are in points of 1/72 inch on paper, from the lower left corner of the page as a reader sees
/// it; *user* coordinates are those that the file writes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frame {
    /// The crop box within the media box, in user units.
    crop: Area,
    /// Quarter turns clockwise, 0 to 3.
    turns: u8,
    /// User units in points: 1 unless the file says otherwise (PDF 1.6).
    unit: f64,
}

impl Frame {
    /// For a page of these boxes, in user units; what makes no sense is read as readers read it.
    pub fn new(media: Area, crop: Option<Area>, rotate: i64, user_unit: f64) -> Self {
        let crop = crop.and_then(|crop| crop.common(media)).filter(Area::is_visible).unwrap_or(media);
        let turns = u8::try_from(rotate.div_euclid(90).rem_euclid(4)).unwrap_or(0);
        let unit = if user_unit.is_finite() && user_unit > 0.0 { user_unit } else { 1.0 };
        Self { crop, turns, unit }
    }

    /// The same page turned by some more quarters clockwise.
    #[must_use]
    pub fn turned(self, quarters: u8) -> Self {
        Self { turns: (self.turns + quarters % 4) % 4, ..self }
    }

    /// The whole page, in shown coordinates.
    pub fn sheet(&self) -> Area {
        let (width, height) = (self.crop.width() * self.unit, self.crop.height() * self.unit);
        if self.turns.is_multiple_of(2) {
            Area::new(0.0, 0.0, width, height)
        } else {
            Area::new(0.0, 0.0, height, width)
        }
    }

    /// From shown to user coordinates.
    pub fn to_user(&self, shown: Area) -> Area {
        apply_to_area(&self.shown_to_user(), shown).unwrap_or_default()
    }

    /// From user to shown coordinates.
    pub fn to_shown(&self, user: Area) -> Area {
        apply_to_area(&self.user_to_shown(), user).unwrap_or_default()
    }

    /// `/Matrix` for an appearance that is drawn upright and in points: turned as the page is, so that it stands
    /// upright before the reader.
    pub fn appearance_matrix(&self) -> [f64; 6] {
        let [a, b, c, d, _, _] = self.shown_to_user();
        [a, b, c, d, 0.0, 0.0]
    }

    fn shown_to_user(&self) -> Matrix {
        let scale = 1.0 / self.unit;
        let Area { left, bottom, right, top } = self.crop;
        match self.turns {
            0 => [scale, 0.0, 0.0, scale, left, bottom],
            1 => [0.0, scale, -scale, 0.0, right, bottom],
            2 => [-scale, 0.0, 0.0, -scale, right, top],
            _ => [0.0, -scale, scale, 0.0, left, top],
        }
    }

    pub(super) fn user_to_shown(&self) -> Matrix {
        let unit = self.unit;
        let Area { left, bottom, right, top } = self.crop;
        match self.turns {
            0 => [unit, 0.0, 0.0, unit, -left * unit, -bottom * unit],
            1 => [0.0, -unit, unit, 0.0, -bottom * unit, right * unit],
            2 => [-unit, 0.0, 0.0, -unit, right * unit, top * unit],
            _ => [0.0, unit, -unit, 0.0, top * unit, -left * unit],
        }
    }
}

/// A signature field that can be seen: where its widget is.
#[derive(Clone, Debug)]
pub struct SeenField {
    /// The fully qualified name.
    pub name: String,
    /// The page object.
    pub page: ObjectId,
    /// `/Rect`, in user coordinates.
    pub area: Area,
    /// Whether it holds a signature.
    pub signed: bool,
}

impl Document {
    /// How many pages there are.
    ///
    /// # Errors
    ///
    /// When the page tree cannot be read.
    pub fn page_count(&self) -> Result<usize, PdfError> {
        let mut count = 0;
        self.walk_pages(&mut |_| {
            count += 1;
            Ok(true)
        })?;
        Ok(count)
    }

    /// Page `number`, from 1 on; `None` past the last one.
    ///
    /// # Errors
    ///
    /// When the page tree cannot be read.
    pub fn page(&self, number: usize) -> Result<Option<Page>, PdfError> {
        let mut found = None;
        self.walk_pages(&mut |page| {
            let here = page.number == number;
            if here {
                found = Some(page);
            }
            Ok(!here)
        })?;
        Ok(found)
    }

    /// The page that is this object; `None` when the page tree does not lead to it.
    ///
    /// # Errors
    ///
    /// When the page tree cannot be read.
    pub fn page_of(&self, id: ObjectId) -> Result<Option<Page>, PdfError> {
        let mut found = None;
        self.walk_pages(&mut |page| {
            let here = page.id == id;
            if here {
                found = Some(page);
            }
            Ok(!here)
        })?;
        Ok(found)
    }

    /// All pages in order.
    ///
    /// # Errors
    ///
    /// When the page tree cannot be read.
    pub fn pages(&self) -> Result<Vec<Page>, PdfError> {
        let mut pages = Vec::new();
        self.walk_pages(&mut |page| {
            pages.push(page);
            Ok(true)
        })?;
        Ok(pages)
    }

    /// The signature fields that can be seen: signed ones first, in the order of their signatures.
    ///
    /// # Errors
    ///
    /// When the form or the page tree cannot be read.
    pub fn seen_fields(&self) -> Result<Vec<SeenField>, PdfError> {
        let order: Vec<String> = self
            .signatures()?
            .into_iter()
            .filter(|signature| signature.kind == SignatureKind::Signature)
            .map(|signature| signature.name)
            .collect();
        let mut seen: Vec<(usize, SeenField)> = Vec::new();
        for field in self.fields_at(self.last())? {
            if field.kind.as_deref() != Some(b"Sig") {
                continue;
            }
            let mut widget = (field.id, field.dictionary.clone());
            if let [only] = field.widgets.as_slice()
                && let Object::Dictionary(dictionary) = self.object(*only)?
            {
                widget = (*only, dictionary);
            }
            let Some(area) = Area::of_annotation(&widget.1).filter(Area::is_visible) else { continue };
            let Some(page) = self.page_of_annotation(widget.0, &widget.1)? else { continue };
            let place = order.iter().position(|name| *name == field.name);
            let signed = place.is_some();
            seen.push((place.unwrap_or(usize::MAX), SeenField { name: field.name, page, area, signed }));
        }
        seen.sort_by_key(|(place, _)| *place);
        Ok(seen.into_iter().map(|(_, field)| field).collect())
    }

    /// Whether the form has a terminal field of this fully qualified name.
    ///
    /// # Errors
    ///
    /// When the form cannot be read.
    pub fn has_field(&self, name: &str) -> Result<bool, PdfError> {
        Ok(self.fields_at(self.last())?.iter().any(|field| field.name == name))
    }

    /// By `/P`, or else by looking through the pages.
    fn page_of_annotation(
        &self,
        id: ObjectId,
        annotation: &Dictionary,
    ) -> Result<Option<ObjectId>, PdfError> {
        if let Some(page) = annotation.reference("P")
            && matches!(self.object(page)?, Object::Dictionary(dictionary) if dictionary.is_type("Page"))
        {
            return Ok(Some(page));
        }
        let mut found = None;
        self.walk_pages(&mut |page| {
            let annotations = self.annotation_list(&page)?;
            if annotations.contains(&Object::Reference(id)) {
                found = Some(page.id);
            }
            Ok(found.is_none())
        })?;
        Ok(found)
    }

    fn annotation_list(&self, page: &Page) -> Result<Vec<Object>, PdfError> {
        let list = page.dictionary.get("Annots").unwrap_or(&Object::Null);
        Ok(self.resolve(self.last(), list)?.1.as_array().map(<[Object]>::to_vec).unwrap_or_default())
    }

    /// The areas of a page's annotations that can be seen, in shown coordinates.
    ///
    /// # Errors
    ///
    /// When an annotation cannot be read.
    pub fn annotation_areas(&self, page: &Page) -> Result<Vec<Area>, PdfError> {
        let mut areas = Vec::new();
        for annotation in self.annotation_list(page)? {
            if let (_, Object::Dictionary(annotation)) = self.resolve(self.last(), &annotation)?
                && annotation.integer("F").unwrap_or(0) & HIDDEN == 0
                && !matches!(annotation.name("Subtype"), Some(b"Popup" | b"Link"))
                && let Some(area) = Area::of_annotation(&annotation).filter(Area::is_visible)
            {
                areas.push(page.frame.to_shown(area));
            }
        }
        Ok(areas)
    }

    /// Shows each page to `visit` until that answers `false`.
    fn walk_pages(&self, visit: &mut dyn FnMut(Page) -> Result<bool, PdfError>) -> Result<(), PdfError> {
        let catalog = self.catalog()?;
        let mut seen = HashSet::new();
        let mut number = 0;
        // A stack rather than recursion; the next node to look at is on top, with what it inherits.
        let root = catalog.get("Pages").cloned().into_iter();
        let mut waiting: Vec<(Object, Dictionary)> = root.map(|pages| (pages, Dictionary::new())).collect();
        while let Some((node, mut inherited)) = waiting.pop() {
            // What is no dictionary is no page, to readers too.
            let (Some(id), Object::Dictionary(dictionary)) = self.resolve(self.last(), &node)? else {
                continue;
            };
            if !seen.insert(id) {
                return Err(PdfError::damaged(0, "the page tree runs in a circle"));
            }
            for key in INHERITED {
                if let Some(value) = dictionary.get(key) {
                    inherited.set(key, value.clone());
                }
            }
            if let Some(kids) = dictionary.get("Kids") {
                let (_, kids) = self.resolve(self.last(), kids)?;
                let kids = kids.as_array().unwrap_or_default();
                waiting.extend(kids.iter().rev().map(|kid| (kid.clone(), inherited.clone())));
                continue;
            }
            if !dictionary.is_type("Page") {
                return Err(PdfError::damaged(0, "the page tree leads to no page"));
            }
            number += 1;
            let frame = self.frame(&dictionary, &inherited)?;
            let resources = inherited.get("Resources").cloned().unwrap_or_default();
            if !visit(Page { id, number, frame, dictionary, resources })? {
                return Ok(());
            }
        }
        Ok(())
    }

    fn frame(&self, page: &Dictionary, inherited: &Dictionary) -> Result<Frame, PdfError> {
        let resolved = |key: &str| {
            let value = inherited.get(key).unwrap_or(&Object::Null);
            self.resolve(self.last(), value).map(|(_, value)| value)
        };
        let area = |key: &str| -> Result<Option<Area>, PdfError> {
            let Object::Array(sides) = resolved(key)? else { return Ok(None) };
            let sides = sides.iter().map(|side| self.resolve(self.last(), side).map(|(_, side)| side));
            Ok(Area::read(&Object::Array(sides.collect::<Result<_, _>>()?)).filter(Area::is_visible))
        };
        let media = area("MediaBox")?.unwrap_or(LETTER);
        let rotate = resolved("Rotate")?.as_integer().unwrap_or(0);
        let unit = self.resolve(self.last(), page.get("UserUnit").unwrap_or(&Object::Null))?.1;
        Ok(Frame::new(media, area("CropBox")?, rotate, unit.as_number().unwrap_or(1.0)))
    }
}

/// ISO 32000-2 table 31.
const INHERITED: [&str; 4] = ["CropBox", "MediaBox", "Resources", "Rotate"];

/// What readers take for a page without a box, in points.
const LETTER: Area = Area { left: 0.0, bottom: 0.0, right: 612.0, top: 792.0 };

/// ISO 32000-2 table 167: bits 2 and 6, hidden and not viewed.
const HIDDEN: i64 = 0b10_0010;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frames() -> impl Strategy<Value = Frame> {
        let sides = (-500.0..500.0, -500.0..500.0, 100.0..2000.0, 100.0..2000.0);
        let cut = (0.0..40.0, 0.0..40.0, 0.0..40.0, 0.0..40.0);
        (sides, proptest::option::of(cut), -8..8_i64, 0.2..20.0).prop_map(
            |((x, y, w, h), cut, turns, unit)| {
                let media = Area::new(x, y, w, h);
                let crop = cut.map(|(left, bottom, right, top): (f64, f64, f64, f64)| Area {
                    left: media.left + left,
                    bottom: media.bottom + bottom,
                    right: media.right - right,
                    top: media.top - top,
                });
                Frame::new(media, crop, turns * 90, unit)
            },
        )
    }

    proptest! {
        #[test]
        fn there_and_back_is_where_it_was(frame in frames(), x in 0.0..1.0, y in 0.0..1.0, w in 0.0..1.0, h in 0.0..1.0) {
            let sheet = frame.sheet();
            let (left, bottom) = (x * sheet.width(), y * sheet.height());
            let shown = Area::new(left, bottom, w * (sheet.width() - left), h * (sheet.height() - bottom));
            let user = frame.to_user(shown);
            prop_assert!(frame.crop.holds(&user, 1e-6), "{user:?} leaves {:?}", frame.crop);
            let back = frame.to_shown(user);
            prop_assert!(back.holds(&shown, 1e-6) && shown.holds(&back, 1e-6), "{shown:?} came back as {back:?}");
            prop_assert!((user.width() * user.height() * frame.unit * frame.unit
                - shown.width() * shown.height()).abs() < 1e-3);
        }
    }

    #[test]
    fn a_page_turned_clockwise_shows_its_left_edge_on_top() {
        let frame = Frame::new(Area::new(0.0, 0.0, 200.0, 100.0), None, 90, 1.0);
        assert_eq!(frame.sheet(), Area::new(0.0, 0.0, 100.0, 200.0));
        let shown = |frame: &Frame, point| super::super::area::apply(&frame.user_to_shown(), point);
        assert_eq!(shown(&frame, (0.0, 0.0)), (0.0, 200.0));
        assert_eq!(shown(&frame, (200.0, 0.0)), (0.0, 0.0));
        let matrix = frame.appearance_matrix().map(|value| value.to_string());
        assert_eq!(matrix.join(" "), "0 1 -1 0 0 0");
        let odd =
            Frame::new(Area::new(0.0, 0.0, 200.0, 100.0), Some(Area::new(900.0, 0.0, 5.0, 5.0)), -90, 0.0);
        assert_eq!(odd.sheet(), Area::new(0.0, 0.0, 100.0, 200.0));
        assert_eq!(shown(&odd, (0.0, 0.0)), (100.0, 0.0));
    }
}
