//! Words set into a box, and the QR code beside them.

use qrcode::{Color, EcLevel, QrCode};

use super::{AppearanceError, words::Words};
use crate::font::Face;

/// Words and code with all sizes known, in points.
pub(super) struct Block {
    /// Each line, with its left end and its base line measured from the box's lower left corner.
    pub(super) lines: Vec<(String, f64, f64)>,
    /// Of the letters.
    pub(super) size: f64,
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) framed: bool,
    /// The code with its lower left corner; its quiet zone is left free.
    pub(super) code: Option<(Code, f64, f64)>,
}

/// A QR code (ISO/IEC 18004).
#[derive(Clone)]
pub(super) struct Code {
    /// Modules in a row, quiet zone excluded.
    pub(super) modules: usize,
    /// Row by row from the top; `true` is dark.
    pub(super) dark: Vec<bool>,
    /// In points.
    pub(super) module: f64,
}

impl Code {
    pub(super) fn of(text: &str) -> Result<Self, AppearanceError> {
        let too_long = || AppearanceError::QrTooLong { length: text.len() };
        if text.len() > LONGEST_CODE {
            return Err(too_long());
        }
        let code = QrCode::with_error_correction_level(text, EcLevel::M).map_err(|_| too_long())?;
        let dark = code.to_colors().into_iter().map(|colour| colour == Color::Dark).collect();
        Ok(Self { modules: code.width(), dark, module: MODULE })
    }

    /// Of a side, quiet zone included.
    fn side(&self) -> f64 {
        f64::from(u32::try_from(self.modules).unwrap_or(u32::MAX)) * self.module + 2.0 * self.quiet()
    }

    /// The free space around it.
    pub(super) fn quiet(&self) -> f64 {
        QUIET * self.module
    }

    /// As large as goes with letters of this size.
    fn at(mut self, letters: f64) -> Self {
        self.module = (MODULE * letters / LETTERS).max(LEAST_MODULE);
        self
    }

    /// As large as fits, not larger than usual; `None` where a camera could not read it any more.
    fn within(mut self, width: f64, height: f64) -> Option<Self> {
        let room = width.min(height);
        if self.side() > room {
            self.module *= room / self.side();
        }
        (self.module >= LEAST_MODULE).then_some(self)
    }
}

/// How large a box may become, in points.
#[derive(Clone, Copy)]
pub(super) enum Size {
    /// This large and no other.
    Exactly { width: f64, height: f64 },
    /// At most this wide, and as wide and high as it takes in letters of this size.
    Upto { width: f64, letters: f64 },
}

/// Sets words into a box: in letters of 10 points, or in the largest that fit.
///
/// # Errors
///
/// [`AppearanceError::BoxTooSmall`], [`AppearanceError::Font`] when a letter is missing.
pub(super) fn set(
    face: &Face<'_>,
    words: &Words,
    code: Option<&Code>,
    size: Size,
) -> Result<Block, AppearanceError> {
    for line in &words.lines {
        face.covers(line)?;
    }
    let (most_width, most_height, mut letters) = match size {
        Size::Exactly { width, height } => (width, height, LETTERS),
        Size::Upto { width, letters } => (width, f64::INFINITY, letters.min(LETTERS)),
    };
    while letters >= LEAST_LETTERS {
        if let Some(block) = set_at(face, words, code, letters, (most_width, most_height)) {
            return Ok(match size {
                Size::Exactly { width, height } => block.centred_in(width, height),
                Size::Upto { .. } => block,
            });
        }
        letters -= 0.5;
    }
    Err(AppearanceError::BoxTooSmall { width: most_width, height: most_height.min(most_width) })
}

fn set_at(
    face: &Face<'_>,
    words: &Words,
    code: Option<&Code>,
    letters: f64,
    (most_width, most_height): (f64, f64),
) -> Option<Block> {
    let padding = if words.framed { FRAMED_PADDING } else { PADDING };
    let inner = (most_width - 2.0 * padding, most_height - 2.0 * padding);
    let code = match code {
        Some(code) => Some(code.clone().at(letters).within(inner.0 / 2.0, inner.1)?),
        None => None,
    };
    let beside = code.as_ref().map_or(0.0, Code::side);
    let room = inner.0 - beside;
    if room < letters {
        return None;
    }
    let lines: Vec<String> =
        words.lines.iter().flat_map(|line| face.lines(line, single(letters), single(room))).collect();
    let widths: Vec<f64> = lines.iter().map(|line| f64::from(face.width(line, single(letters)))).collect();
    let widest = widths.iter().copied().fold(0.0, f64::max);
    let (above, below) = face.reach();
    let (above, below) = (f64::from(above) * letters, f64::from(below) * letters);
    let leading = LEADING * letters;
    let between = f64::from(u32::try_from(lines.len().saturating_sub(1)).ok()?) * leading;
    let text_height = if lines.is_empty() { 0.0 } else { above + between + below };
    let height = text_height.max(beside) + 2.0 * padding;
    let width = widest + beside + 2.0 * padding;
    // A hair's breadth is what single precision loses.
    if height > most_height + 0.01 || width > most_width + 0.01 {
        return None;
    }
    let mut base = height - (height - text_height) / 2.0 - above;
    let mut set = Vec::with_capacity(lines.len());
    for (line, wide) in lines.into_iter().zip(widths) {
        let indent = if words.centred { (widest - wide) / 2.0 } else { 0.0 };
        set.push((line, padding + beside + indent, base));
        base -= leading;
    }
    let code = code.map(|code| {
        let bottom = (height - code.side()) / 2.0;
        (code, padding, bottom)
    });
    Some(Block { lines: set, size: letters, width, height, framed: words.framed, code })
}

impl Block {
    /// The same in the middle of a box that is at least as large.
    fn centred_in(mut self, width: f64, height: f64) -> Self {
        let (dx, dy) = (((width - self.width) / 2.0).max(0.0), ((height - self.height) / 2.0).max(0.0));
        for (_, left, base) in &mut self.lines {
            *left += dx;
            *base += dy;
        }
        if let Some((_, left, bottom)) = &mut self.code {
            *left += dx;
            *bottom += dy;
        }
        (self.width, self.height) = (width, height);
        self
    }
}

/// Points of a page fit single precision.
fn single(value: f64) -> f32 {
    value as f32
}

/// In points: Annex I of the decree.
pub(super) const LETTERS: f64 = 10.0;

/// Smaller letters cannot be read on paper.
const LEAST_LETTERS: f64 = 5.0;

/// Between base lines, in sizes of the letters.
const LEADING: f64 = 1.2;

const PADDING: f64 = 1.0;

const FRAMED_PADDING: f64 = 4.0;

/// A module of a code, in points: 0.42 mm.
const MODULE: f64 = 1.2;

/// The smallest that a telephone's camera reads from paper, in points: 0.28 mm.
const LEAST_MODULE: f64 = 0.8;

/// Modules left free around a code (ISO/IEC 18004 section 5.3.8).
const QUIET: f64 = 4.0;

/// In bytes; longer ones would have modules too many.
const LONGEST_CODE: usize = 300;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn text_fits_its_box(
            text in proptest::collection::vec("[a-zA-ZăâđêôơưẤỆỘỪỲ0-9/ ]{0,80}", 1..6),
            width in 30.0..400.0_f64,
            height in 12.0..200.0_f64,
            coded in any::<bool>(),
            framed in any::<bool>(),
        ) {
            let face = Face::serif().unwrap();
            let words = Words { lines: text, centred: framed, framed };
            let code = coded.then(|| Code::of("https://songlam.example/kiem-tra/AB12").unwrap());
            for size in [Size::Exactly { width, height }, Size::Upto { width, letters: 8.0 }] {
                let Ok(block) = set(&face, &words, code.as_ref(), size) else { continue };
                prop_assert!(block.width <= width + 0.02);
                let (above, below) = face.reach();
                let (above, below) = (f64::from(above) * block.size, f64::from(below) * block.size);
                for (line, left, base) in &block.lines {
                    let right = left + f64::from(face.width(line, single(block.size)));
                    prop_assert!(*left >= 0.0 && right <= block.width + 0.02, "{line:?} from {left} to {right}");
                    prop_assert!(base + above <= block.height + 0.02 && base - below >= -0.02);
                }
                if let Some((code, left, bottom)) = &block.code {
                    prop_assert!(*left >= 0.0 && *bottom >= -0.02);
                    prop_assert!(left + code.side() <= block.width + 0.02);
                    prop_assert!(bottom + code.side() <= block.height + 0.02);
                }
            }
        }
    }

    #[test]
    fn letters_have_ten_points_where_they_may() {
        let face = Face::serif().unwrap();
        let words = Words { lines: vec!["SAO Y".to_owned()], centred: false, framed: false };
        let block = set(&face, &words, None, Size::Upto { width: 100.0, letters: LETTERS }).unwrap();
        assert!((block.size - 10.0).abs() < 1e-9);
        let small = set(&face, &words, None, Size::Exactly { width: 25.0, height: 12.0 }).unwrap();
        assert!(small.size < 10.0);
        let none = set(&face, &words, None, Size::Exactly { width: 4.0, height: 4.0 });
        assert!(matches!(none, Err(AppearanceError::BoxTooSmall { .. })));
        let long = Code::of(&"x".repeat(301));
        assert!(matches!(long, Err(AppearanceError::QrTooLong { length: 301 })));
    }
}
