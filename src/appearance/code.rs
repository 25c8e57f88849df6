//! Whether a stamp that somebody prepared is the code for the check page that was agreed, and covers nothing.
//!
//! The code is drawn once more from what was agreed and compared part by part: what is not drawn here, by this program, is
//! not this code. And its place is looked at as if it were looked for: within the margins of the page, on nothing that the
//! page shows.

use super::{
    Appearance, AppearanceError,
    block::{self, Code, LETTERS, Size},
    colour::Rules,
    draw,
    place::{CODE_WIDTH, EDGE},
    room::Room,
    words::Words,
};
use crate::{
    font::Face,
    pdf::{AddedStamp, Area, Document, PdfError},
};

/// Why a stamp is not the code that was agreed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CodeFault {
    /// What was agreed cannot be drawn.
    #[error("the code that was agreed cannot be drawn: {0}")]
    Agreed(#[from] AppearanceError),
    /// It lies on something, or beyond the margins.
    #[error("it covers what the page shows, or leaves the margins of the page")]
    Covers,
    /// It stands on another page than the signature.
    #[error("it stands on another page than the signature")]
    Elsewhere,
    /// It was agreed, and is not there.
    #[error("it is left out")]
    Missing,
    /// Nobody agreed to one.
    #[error("nobody agreed to one")]
    NotAgreed,
    /// It shows something else, or more, or in another size.
    #[error("what it shows is not the code that was agreed")]
    Other,
    /// A file cannot be read.
    #[error("the page cannot be read: {0}")]
    Pdf(#[from] PdfError),
    /// The page is one picture: what lies under the code cannot be known.
    #[error("the page is one picture, so that nobody can tell what the code covers")]
    Scan,
}

/// Checks a stamp that came with the first signature of `reviewed` into `prepared`: it is the code that `agreed` says, on
/// the page of the signature, within its margins, and covers nothing that the reviewed page shows, nor the signature.
///
/// `signature`: the page object of the signature's own picture, and where that is, in the page's user coordinates.
///
/// # Errors
///
/// [`CodeFault`]. When in doubt, it is refused.
pub fn confirm_code(
    (reviewed, prepared): (&Document, &Document),
    stamp: &AddedStamp,
    signature: Option<Area>,
    agreed: Option<&Appearance>,
) -> Result<(), CodeFault> {
    let agreed = agreed.filter(|agreed| has_code(agreed)).ok_or(CodeFault::NotAgreed)?;
    let page = reviewed.page_of(stamp.page)?.ok_or(CodeFault::Elsewhere)?;
    let signature = signature.ok_or(CodeFault::Elsewhere)?;
    let code = agreed.qr.as_deref().map(Code::of).transpose()?;
    let words =
        Words { lines: agreed.short_code.clone().into_iter().collect(), centred: false, framed: false };
    let face = || match agreed.font.as_deref() {
        Some(data) => Face::new("ChosenSerif", data),
        None => Face::serif(),
    };
    let size = Size::Upto { width: CODE_WIDTH, letters: LETTERS };
    let block = block::set(&face().map_err(AppearanceError::from)?, &words, code.as_ref(), size)?;
    let rules = Rules::of(reviewed)?;
    // A page may be shown lying on its side; the code lies as its text does.
    for turns in 0..4 {
        let mut page = page.clone();
        page.frame = page.frame.turned(turns);
        let parts = draw::block(&block, face().map_err(AppearanceError::from)?, &page.frame, rules)?;
        if !prepared.is_drawn(stamp.form, &parts)? {
            continue;
        }
        let area = page.frame.to_shown(stamp.area);
        let stretched =
            (area.width() - block.width).abs() > ROUNDED || (area.height() - block.height).abs() > ROUNDED;
        if stretched {
            return Err(CodeFault::Other);
        }
        let layout = reviewed.layout(&page)?;
        if layout.picture_of_a_page {
            return Err(CodeFault::Scan);
        }
        let letters = layout.letters.iter().filter(|letter| !letter.text.trim().is_empty());
        let taken = letters.map(|letter| letter.area).chain(layout.painted.iter().copied());
        let annotations = reviewed.annotation_areas(&page)?;
        // What was rounded when it was written may lie a hair beyond where it was found.
        let beside = page.frame.to_shown(signature).grown(-ROUNDED);
        let sheet = page.frame.sheet();
        let room = Room::new(sheet, taken.chain(annotations).chain([beside]));
        let inside = sheet.grown(-EDGE).holds(&area, ROUNDED);
        return if inside && room.is_free(area.grown(-ROUNDED)) { Ok(()) } else { Err(CodeFault::Covers) };
    }
    Err(CodeFault::Other)
}

/// Whether a code for the check page is asked for.
pub fn has_code(appearance: &Appearance) -> bool {
    appearance.qr.is_some() || appearance.short_code.is_some()
}

/// What is lost when places are written with four digits, in points of any page.
const ROUNDED: f64 = 0.05;
