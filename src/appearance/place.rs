//! Each role finds its place in the document.

use super::{
    Appearance, AppearanceError, Composed, Facts, Note, Picture, Place, Placement, Role,
    block::{self, Block, Code, LETTERS, Size},
    colour::Rules,
    draw,
    lines::{Line, lines, room_at, with_anchor},
    room::{Corner, Room},
    words::{Words, words},
};
use crate::{
    font::Face,
    pdf::{Area, Document, Drawing, Layout, Page, Part},
};

pub(super) fn compose(
    document: &Document,
    appearance: &Appearance,
    facts: &Facts,
) -> Result<Composed, AppearanceError> {
    let mut desk = Desk {
        document,
        appearance,
        rules: Rules::of(document)?,
        notes: Vec::new(),
        turned: false,
        certified: false,
        font: appearance.font.as_deref(),
    };
    let words = words(appearance, facts)?;
    let signatures = document.signatures()?;
    let first = signatures.is_empty();
    desk.certified = signatures.iter().any(|signature| signature.doc_mdp.is_some());
    let own_code = if words.is_some() && !first { desk.code()? } else { None };
    if words.is_none() && !first && (appearance.qr.is_some() || appearance.short_code.is_some()) {
        return Err(AppearanceError::Missing {
            what: "to a document that is signed already nothing but the signature's own picture may be added: \
                   give --qr and --short-code with the first signature",
            vietnamese: "Văn bản đã có chữ ký nên không thêm mã QR được; hãy thêm mã cùng chữ ký đầu tiên.",
        });
    }
    let spot = desk.spot(facts)?;
    let (page, area, parts) = match words {
        None => {
            let picture = appearance.picture.as_deref().ok_or(AppearanceError::Missing {
                what: "the picture is missing: give it with --picture",
                vietnamese: "Thiếu tệp hình.",
            })?;
            desk.place_picture(picture, spot)?
        }
        Some(mut words) => {
            if own_code.is_some() {
                words.lines.extend(appearance.short_code.clone());
            }
            desk.place_words(&words, own_code.as_ref(), spot)?
        }
    };
    let sheet = page.frame.sheet();
    if !sheet.holds(&area, 0.01) {
        return Err(AppearanceError::OffPage {
            left: area.left,
            bottom: area.bottom,
            width: area.width(),
            height: area.height(),
            page_width: sheet.width(),
            page_height: sheet.height(),
        });
    }
    let drawing = Drawing { page: page.id, area: page.frame.to_user(area), parts };
    let (stamp, code) = if first { desk.stamp(&page, area)?.unzip() } else { (None, None) };
    let seen = if desk.turned { desk.page(page.number)?.frame } else { page.frame };
    let shown = |area: Area| seen.to_shown(page.frame.to_user(area));
    let placement =
        Placement { page: page.number, area: shown(area), code: code.map(shown), notes: desk.notes };
    Ok(Composed { drawing, stamp, placement })
}

/// Where something goes, before its size is known.
enum Spot {
    /// Into this box, on this page, whatever is there.
    Box { page: Page, area: Area },
    /// At a line of text, with the page's lines.
    Anchor { page: Page, line: Line, layout: Layout, text: String },
    /// Left of the picture of the person, over a third of it.
    Beside { page: Page, picture: Area },
    /// Where the page has room.
    Free { page: Page },
}

/// Where room is looked for.
struct Region {
    area: Area,
    corner: Corner,
    /// Whether a column narrower than [`NARROW`] will do.
    narrow: bool,
}

type Placed = (Page, Area, Vec<Part>);

struct Desk<'a> {
    document: &'a Document,
    appearance: &'a Appearance,
    rules: Rules,
    notes: Vec<Note>,
    /// Whether the page's text lies otherwise than the page.
    turned: bool,
    /// Whether a signature certifies the document.
    certified: bool,
    font: Option<&'a [u8]>,
}

impl<'a> Desk<'a> {
    fn spot(&mut self, facts: &Facts) -> Result<Spot, AppearanceError> {
        if let Some(name) = &facts.field
            && self.document.has_field(name)?
        {
            let seen = self.document.seen_fields()?.into_iter().find(|field| field.name == *name);
            let Some(seen) = seen else {
                return Err(AppearanceError::Missing {
                    what: "the field has no place on a page, so nothing can be shown in it; leave --appearance out",
                    vietnamese: "Trường chữ ký không có vị trí trên trang nên không hiển thị được gì.",
                });
            };
            if self.appearance.place.is_some() {
                return Err(AppearanceError::Missing {
                    what: "the field has its own place; leave --anchor, --page and --rect out",
                    vietnamese: "Trường chữ ký đã có vị trí riêng; hãy bỏ phần chọn vị trí.",
                });
            }
            let page = self.document.page_of(seen.page)?;
            let page = page.ok_or(AppearanceError::NoSuchPage { page: 0, pages: 0 })?;
            let area = page.frame.to_shown(seen.area);
            return Ok(Spot::Box { page, area });
        }
        // Its author said by the fields of the document where signatures are seen; any other would break that word.
        if self.certified {
            return Err(AppearanceError::Missing {
                what: "the document is certified, so a signature can be seen only in a field that it has already: \
                       give it with --field, or leave --appearance out",
                vietnamese: "Văn bản đã được chứng thực (certified), chữ ký chỉ hiển thị được trong trường có sẵn.",
            });
        }
        match (&self.appearance.place, self.appearance.role) {
            (Some(Place::At { page, area }), _) => Ok(Spot::Box { page: self.page(*page)?, area: *area }),
            (Some(Place::Anchor(text)), _) => self.anchor(text),
            (None, Role::Issue) => self.beside(),
            (None, Role::Approve) => Err(AppearanceError::Missing {
                what: "where does the signature stand? Give --anchor with the position or the signer's name as the \
                       document writes it, --field, or --page and --rect",
                vietnamese: "Hãy cho biết chữ ký đặt ở đâu: dòng chức vụ hoặc họ tên, trường chữ ký, hoặc trang và vị trí.",
            }),
            (None, _) => {
                let page = self.page(1)?;
                Ok(Spot::Free { page: self.read(page)?.0 })
            }
        }
    }

    fn page(&self, number: usize) -> Result<Page, AppearanceError> {
        match self.document.page(number)? {
            Some(page) => Ok(page),
            None => Err(AppearanceError::NoSuchPage { page: number, pages: self.document.page_count()? }),
        }
    }

    /// A page as its text is read. A page may be shown lying on its side; what is added then lies with its text.
    fn read(&mut self, mut page: Page) -> Result<(Page, Layout), AppearanceError> {
        let mut layout = self.document.layout(&page)?;
        let mut votes = [0_usize; 4];
        for letter in &layout.letters {
            if let Some(vote) = letter.turns.and_then(|turns| votes.get_mut(usize::from(turns))) {
                *vote += 1;
            }
        }
        let most = votes.iter().copied().max().unwrap_or(0);
        let turns = (0_u8..4).zip(votes).find(|(_, count)| *count == most).map_or(0, |(turns, _)| turns);
        if turns != 0 {
            page.frame = page.frame.turned(turns);
            layout = self.document.layout(&page)?;
            self.turned = true;
        }
        Ok((page, layout))
    }

    /// The last line that holds the text.
    fn anchor(&mut self, text: &str) -> Result<Spot, AppearanceError> {
        let mut times = 0;
        let mut last = None;
        for page in self.document.pages()? {
            let (page, layout) = self.read(page)?;
            let lines = lines(&layout);
            let found = with_anchor(&lines, text);
            times += found.len();
            if let Some(line) = found.last() {
                let line = (*line).clone();
                last = Some((page, line, layout));
            }
        }
        let Some((page, line, layout)) = last else {
            return Err(AppearanceError::AnchorMissing { text: text.to_owned() });
        };
        if times > 1 {
            self.notes.push(Note::AnchorRepeated { text: text.to_owned(), times, page: page.number });
        }
        Ok(Spot::Anchor { page, line, layout, text: text.to_owned() })
    }

    /// At the person's signature that can be seen.
    fn beside(&mut self) -> Result<Spot, AppearanceError> {
        let signed: Vec<_> = self.document.seen_fields()?.into_iter().filter(|field| field.signed).collect();
        let Some(last) = signed.last() else {
            return Err(AppearanceError::Missing {
                what: "the seal stands at the person's signature, and none can be seen in the document; sign with \
                       --appearance approve first, or give --anchor, or --page and --rect",
                vietnamese: "Con dấu đặt cạnh chữ ký của người có thẩm quyền, nhưng văn bản chưa có hình chữ ký nào; \
                             hãy ký phê duyệt trước, hoặc cho biết vị trí.",
            });
        };
        if signed.len() > 1 {
            self.notes.push(Note::SeveralSigners { field: last.name.clone() });
        }
        let page = self.document.page_of(last.page)?;
        let page = page.ok_or(AppearanceError::NoSuchPage { page: 0, pages: 0 })?;
        let (page, _) = self.read(page)?;
        let picture = page.frame.to_shown(last.area);
        Ok(Spot::Beside { page, picture })
    }

    fn place_picture(&mut self, picture: &Picture, spot: Spot) -> Result<Placed, AppearanceError> {
        let (red, fits) = match self.appearance.role {
            Role::Issue => (true, picture.is_red()),
            _ => (false, picture.is_blue()),
        };
        if fits == Some(false) {
            self.notes.push(Note::Ink { red });
        }
        if !picture.is_transparent() {
            self.notes.push(Note::Opaque);
        } else if !self.rules.soft {
            self.notes.push(Note::SharpEdges);
        }
        let (page, area) = match spot {
            Spot::Box { page, area } => {
                // The box may have other proportions: it stays, and the picture stands in its middle.
                let scale = area.width().min(area.height() / picture.proportion());
                let (width, height) = (scale, scale * picture.proportion());
                let (x, y) = ((area.width() - width) / 2.0, (area.height() - height) / 2.0);
                let inner = Area::new(x, y, width, height);
                let size = (area.width(), area.height());
                let parts = draw::picture(picture, inner, size, &page.frame, self.rules);
                return Ok((page, area, parts));
            }
            Spot::Anchor { page, line, layout, text } => {
                let room = room_at(&line, &lines(&layout), page.frame.sheet());
                let room = room.ok_or(AppearanceError::Tight { text })?;
                let (width, height) = self.size(picture)?;
                let scale = (room.height() / height).min(WIDEST_SIGNATURE / width).min(1.0);
                if scale < 0.98 {
                    let percent = rounded(scale * 100.0);
                    self.notes.push(Note::Smaller { percent });
                }
                let (width, height) = (width * scale, height * scale);
                let (x, y) = room.centre();
                (page, Area::new(x - width / 2.0, y - height / 2.0, width, height))
            }
            Spot::Beside { page, picture: person } => {
                let (width, height) = self.size(picture)?;
                let area = seal_at(person, width, height);
                (page, area)
            }
            Spot::Free { page } => {
                let (width, height) = self.size(picture)?;
                let region = page.frame.sheet().grown(-EDGE);
                let room = self.room(&page, None)?;
                let found = room.find(width, height, region, Corner::TopRight);
                let area = found.ok_or(AppearanceError::NoRoom { page: page.number })?;
                (page, area)
            }
        };
        let size = (area.width(), area.height());
        let whole = Area::new(0.0, 0.0, size.0, size.1);
        let parts = draw::picture(picture, whole, size, &page.frame, self.rules);
        Ok((page, area, parts))
    }

    /// The size of a picture on paper, in points.
    fn size(&mut self, picture: &Picture) -> Result<(f64, f64), AppearanceError> {
        let seal = self.appearance.role == Role::Issue;
        let said = self.appearance.width_mm.or_else(|| picture.width_mm());
        let millimetres = said.unwrap_or_else(|| {
            let assumed = if seal { SEAL_MM } else { SIGNATURE_MM };
            self.notes.push(Note::SizeAssumed { width: rounded(assumed) });
            assumed
        });
        let sane = if seal { SEALS_MM } else { SIGNATURES_MM };
        if !sane.contains(&millimetres) {
            return Err(AppearanceError::StrangeSize { millimetres });
        }
        let width = millimetres * POINTS_IN_A_MM;
        Ok((width, width * picture.proportion()))
    }

    fn place_words(
        &mut self,
        words: &Words,
        code: Option<&Code>,
        spot: Spot,
    ) -> Result<Placed, AppearanceError> {
        let (page, area, block) = match spot {
            Spot::Box { page, area } => {
                let size = Size::Exactly { width: area.width(), height: area.height() };
                let block = block::set(&self.face()?, words, code, size)?;
                (page, area, block)
            }
            Spot::Anchor { page, line, layout, text } if self.appearance.role == Role::Approve => {
                let room = room_at(&line, &lines(&layout), page.frame.sheet());
                let room = room.ok_or_else(|| AppearanceError::Tight { text: text.clone() })?;
                let mut fitting = None;
                for letters in SIZES {
                    let size = Size::Upto { width: WIDEST_SIGNATURE, letters };
                    let block = block::set(&self.face()?, words, code, size)?;
                    if block.height <= room.height() {
                        fitting = Some(block);
                        break;
                    }
                }
                let block = fitting.ok_or(AppearanceError::Tight { text })?;
                let (x, y) = room.centre();
                let area =
                    Area::new(x - block.width / 2.0, y - block.height / 2.0, block.width, block.height);
                (page, area, block)
            }
            Spot::Anchor { page, line, layout, .. } => {
                let sheet = page.frame.sheet().grown(-EDGE);
                let area = Area { left: line.area.left, top: line.area.bottom, ..sheet };
                let region = Region { area, corner: Corner::TopLeft, narrow: true };
                let (area, block) = self.free(&page, Some(&layout), words, code, &[region])?;
                (page, area, block)
            }
            Spot::Beside { page, .. } | Spot::Free { page } => {
                let layout = self.document.layout(&page)?;
                let regions = self.regions(&page, &layout);
                let (area, block) = self.free(&page, Some(&layout), words, code, &regions)?;
                (page, area, block)
            }
        };
        let parts = draw::block(&block, self.face()?, &page.frame, self.rules)?;
        Ok((page, area, parts))
    }

    /// Where a role looks for room on its page, best first.
    fn regions(&self, page: &Page, layout: &Layout) -> Vec<Region> {
        let sheet = page.frame.sheet();
        let inner = sheet.grown(-EDGE);
        let upper = Area { bottom: sheet.top * 0.6, ..inner };
        let letters = || layout.letters.iter().map(|letter| letter.area);
        let region = |area: Area, corner: Corner, narrow: bool| Region { area, corner, narrow };
        match self.appearance.role {
            Role::Annex | Role::Copy(_) => {
                // In line with the text's right edge, where there is one.
                let right = letters().map(|area| area.right).fold(f64::MIN, f64::max);
                let half = Area { left: sheet.centre().0, ..upper };
                let aligned = Area { right: right.clamp(half.left + 1.0, half.right), ..half };
                vec![region(aligned, Corner::TopRight, true), region(half, Corner::TopRight, true)]
            }
            Role::Income => {
                // Below number and symbol, which stand in the left half; else beside them, in the margin, anywhere.
                let left = letters().map(|area| area.left).fold(f64::MAX, f64::min);
                let half = Area { right: sheet.centre().0, ..upper };
                let aligned = Area { left: left.clamp(half.left, half.right - 1.0), ..half };
                let beside = Area { left: aligned.left, ..upper };
                vec![
                    region(aligned, Corner::TopLeft, false),
                    region(beside, Corner::TopLeft, false),
                    region(half, Corner::TopLeft, true),
                    region(inner, Corner::TopLeft, true),
                ]
            }
            _ => vec![region(upper, Corner::TopLeft, false), region(inner, Corner::TopLeft, true)],
        }
    }

    /// The first place that is free: in letters as large as may be, then where the role likes it best, then as wide as
    /// it likes.
    fn free(
        &mut self,
        page: &Page,
        layout: Option<&Layout>,
        words: &Words,
        code: Option<&Code>,
        regions: &[Region],
    ) -> Result<(Area, Block), AppearanceError> {
        let room = self.room(page, layout)?;
        for letters in SIZES {
            for region in regions {
                let narrowest = if region.narrow { 0.0 } else { NARROW };
                for width in WIDTHS.into_iter().filter(|width| *width >= narrowest) {
                    let size = Size::Upto { width, letters };
                    let Ok(block) = block::set(&self.face()?, words, code, size) else { continue };
                    if let Some(area) = room.find(block.width, block.height, region.area, region.corner) {
                        return Ok((area, block));
                    }
                }
            }
        }
        // Say first what is wrong with the words themselves, if anything is.
        block::set(&self.face()?, words, code, Size::Upto { width: WIDTHS[0], letters: LETTERS })?;
        Err(AppearanceError::NoRoom { page: page.number })
    }

    /// What of a page is taken by its content and its annotations.
    fn room(&mut self, page: &Page, layout: Option<&Layout>) -> Result<Room, AppearanceError> {
        let read;
        let layout = match layout {
            Some(layout) => layout,
            None => {
                read = self.document.layout(page)?;
                &read
            }
        };
        if layout.picture_of_a_page && !self.notes.contains(&Note::Scan) {
            self.notes.push(Note::Scan);
        }
        let letters = layout.letters.iter().filter(|letter| !letter.text.trim().is_empty());
        let taken = letters.map(|letter| letter.area).chain(layout.painted.iter().copied());
        let annotations = self.document.annotation_areas(page)?;
        Ok(Room::new(page.frame.sheet(), taken.chain(annotations)))
    }

    fn code(&self) -> Result<Option<Code>, AppearanceError> {
        self.appearance.qr.as_deref().map(Code::of).transpose()
    }

    /// The code for the check page in the margin, in a document that nobody has signed yet.
    fn stamp(&mut self, page: &Page, beside: Area) -> Result<Option<(Drawing, Area)>, AppearanceError> {
        let code = self.code()?;
        let words = Words {
            lines: self.appearance.short_code.clone().into_iter().collect(),
            centred: false,
            framed: false,
        };
        if code.is_none() && words.lines.is_empty() {
            return Ok(None);
        }
        let block = block::set(
            &self.face()?,
            &words,
            code.as_ref(),
            Size::Upto { width: CODE_WIDTH, letters: LETTERS },
        )?;
        let layout = self.document.layout(page)?;
        let mut taken = layout;
        taken.painted.push(beside);
        let room = self.room(page, Some(&taken))?;
        let region = page.frame.sheet().grown(-EDGE);
        let found = room.find(block.width, block.height, region, Corner::BottomLeft);
        let area = found.ok_or(AppearanceError::NoRoom { page: page.number })?;
        let parts = draw::block(&block, self.face()?, &page.frame, self.rules)?;
        Ok(Some((Drawing { page: page.id, area: page.frame.to_user(area), parts }, area)))
    }

    fn face(&self) -> Result<Face<'a>, AppearanceError> {
        Ok(match self.font {
            Some(data) => Face::new("ChosenSerif", data)?,
            None => Face::serif()?,
        })
    }
}

/// Over a third of the person's picture, on its left, at the same height (Decree 30/2020/NĐ-CP, Annex I).
pub(super) fn seal_at(person: Area, width: f64, height: f64) -> Area {
    let left = person.left + person.width() / 3.0 - width;
    Area::new(left, person.centre().1 - height / 2.0, width, height)
}

#[expect(clippy::cast_sign_loss, reason = "clamped from 0 on")]
fn rounded(value: f64) -> u32 {
    value.round().clamp(0.0, 1_000.0) as u32
}

const POINTS_IN_A_MM: f64 = 72.0 / 25.4;

/// The diameter of a people's committee's seal in millimetres, where the picture does not say another.
const SEAL_MM: f64 = 36.0;

/// Round and square seals of agencies, in millimetres.
const SEALS_MM: std::ops::RangeInclusive<f64> = 15.0..=60.0;

/// The width of a handwritten signature in millimetres, where the picture does not say another.
const SIGNATURE_MM: f64 = 40.0;

const SIGNATURES_MM: std::ops::RangeInclusive<f64> = 5.0..=120.0;

/// In points: 70 mm.
const WIDEST_SIGNATURE: f64 = 200.0;

/// What is kept free along the edges of a page, where printers do not print: 5 mm in points.
pub(super) const EDGE: f64 = 14.2;

/// The widest that a code for the check page and its short code become where they stand alone, in points.
pub(super) const CODE_WIDTH: f64 = 200.0;

/// Widths of a box that are tried one after another, in points.
const WIDTHS: [f64; 5] = [200.0, 160.0, 120.0, 90.0, 66.0];

/// A column narrower than this is a last resort, in points.
const NARROW: f64 = 85.0;

/// Sizes of letters that are tried one after another; the decree asks for the first.
const SIZES: [f64; 3] = [LETTERS, 8.0, 6.5];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_seal_covers_a_third_of_the_picture(
            x in 0.0..500.0_f64, y in 0.0..700.0_f64, w in 10.0..250.0_f64, h in 5.0..150.0_f64, d in 40.0..180.0_f64,
        ) {
            let person = Area::new(x, y, w, h);
            let seal = seal_at(person, d, d);
            if let Some(common) = seal.common(person) && d >= w / 3.0 {
                prop_assert!((common.width() - w / 3.0).abs() < 1e-9);
            }
            prop_assert!((seal.centre().1 - person.centre().1).abs() < 1e-9);
            prop_assert!(seal.right <= person.left + w / 3.0 + 1e-9);
        }
    }
}
