//! Letters: measured, broken into lines, and those that were used made ready to lie in a PDF (ISO 32000-2 section 9).
//!
//! The faces that come with the program are Libertinus Serif, which is drawn after the same models as Times and has
//! all Vietnamese letters; any other OpenType or TrueType font can be brought.

use std::collections::BTreeMap;

use pdf_writer::{
    Name, Str,
    types::{SystemInfo, UnicodeCmap},
};
use skrifa::{
    FontRef, GlyphId, MetadataProvider as _, Tag,
    instance::{LocationRef, Size},
    raw::TableProvider as _,
};
use subsetter::GlyphRemapper;
use unicode_normalization::UnicodeNormalization as _;

use crate::base::Sha256;

/// A font, and which of its letters were used.
pub struct Face<'a> {
    name: String,
    data: &'a [u8],
    font: FontRef<'a>,
    used: GlyphRemapper,
    /// The character that each used glyph stands for.
    characters: BTreeMap<u16, char>,
}

/// Why a font cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FontError {
    /// It has no glyph for a letter.
    #[error("the font {name} has no letter {letter:?} (U+{:04X}); give another with --font", u32::from(*.letter))]
    Letter {
        /// The font.
        name: String,
        /// The first one that is missing.
        letter: char,
    },
    /// Its maker does not let it be embedded (OpenType `OS/2`, `fsType`).
    #[error("the font {name} may not be embedded in documents, says its maker; give another with --font")]
    Licence {
        /// The font.
        name: String,
    },
    /// It cannot be read.
    #[error("the font {name} cannot be used: {reason}")]
    Unreadable {
        /// The font.
        name: String,
        /// What the reader of fonts said.
        reason: String,
    },
}

impl Face<'static> {
    /// Libertinus Serif, which lies in the program.
    ///
    /// # Errors
    ///
    /// When it cannot be read: a fault of the program.
    pub fn serif() -> Result<Self, FontError> {
        Self::inside(0, "LibertinusSerif-Regular")
    }

    /// Libertinus Serif Bold, which lies in the program.
    ///
    /// # Errors
    ///
    /// When it cannot be read: a fault of the program.
    pub fn serif_bold() -> Result<Self, FontError> {
        Self::inside(1, "LibertinusSerif-Bold")
    }

    fn inside(place: usize, name: &str) -> Result<Self, FontError> {
        let missing =
            || FontError::Unreadable { name: name.to_owned(), reason: "it is not there".to_owned() };
        Self::new(name, typst_assets::fonts().nth(place).ok_or_else(missing)?)
    }
}

impl<'a> Face<'a> {
    /// A font from the bytes of its file; of a collection, the first one. `name` is what the PDF calls it: letters,
    /// digits and hyphens of it are kept.
    ///
    /// # Errors
    ///
    /// [`FontError::Unreadable`], [`FontError::Licence`].
    pub fn new(name: &str, data: &'a [u8]) -> Result<Self, FontError> {
        let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(60).collect();
        let name = if name.is_empty() { "Font".to_owned() } else { name };
        let font = FontRef::from_index(data, 0)
            .map_err(|error| FontError::Unreadable { name: name.clone(), reason: error.to_string() })?;
        // Bits 0 to 3 say how far it may be embedded: 2 alone is not at all.
        if font.os2().is_ok_and(|table| table.fs_type() & 0x000F == 0x0002) {
            return Err(FontError::Licence { name });
        }
        Ok(Self { name, data, font, used: GlyphRemapper::new(), characters: BTreeMap::new() })
    }

    /// Whether it has a glyph for this character.
    pub fn has(&self, c: char) -> bool {
        self.font.charmap().map(c).is_some_and(|glyph| glyph != GlyphId::NOTDEF)
    }

    /// That it has a glyph for each character of `text`, in NFC.
    ///
    /// # Errors
    ///
    /// [`FontError::Letter`] with the first one that is missing.
    pub fn covers(&self, text: &str) -> Result<(), FontError> {
        match text.nfc().find(|c| !c.is_whitespace() && !self.has(*c)) {
            Some(letter) => Err(FontError::Letter { name: self.name.clone(), letter }),
            None => Ok(()),
        }
    }

    /// The glyph of a character; of one that the font does not have, the replacement character.
    fn glyph(&self, c: char) -> GlyphId {
        let map = self.font.charmap();
        map.map(c).or_else(|| map.map('\u{FFFD}')).or_else(|| map.map('?')).unwrap_or(GlyphId::NOTDEF)
    }

    /// Two bytes for each glyph in the subset, of the text in NFC.
    pub fn encode(&mut self, text: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        for c in text.nfc() {
            let glyph = u16::try_from(self.glyph(c).to_u32()).unwrap_or(0);
            let kept = self.used.remap(glyph);
            self.characters.entry(kept).or_insert(c);
            bytes.extend(kept.to_be_bytes());
        }
        bytes
    }

    /// In points, at this size in points.
    pub fn width(&self, text: &str, size: f32) -> f32 {
        let metrics = self.font.glyph_metrics(Size::unscaled(), LocationRef::default());
        let units: f32 = text.nfc().map(|c| metrics.advance_width(self.glyph(c)).unwrap_or_default()).sum();
        units * size / self.units()
    }

    /// The height above and the depth below the base line, in parts of the size; both positive.
    pub fn reach(&self) -> (f32, f32) {
        let metrics = self.font.metrics(Size::unscaled(), LocationRef::default());
        (metrics.ascent / self.units(), -metrics.descent / self.units())
    }

    /// Words put on lines of this width in points. A word that is longer than a line is cut.
    pub fn lines(&self, text: &str, size: f32, width: f32) -> Vec<String> {
        let mut lines = vec![String::new()];
        let mut used = 0.0;
        let space = self.width(" ", size);
        for word in text.split_whitespace() {
            for piece in self.pieces(word, size, width) {
                let wide = self.width(&piece, size);
                let Some(line) = lines.last_mut() else { continue };
                if line.is_empty() {
                    (*line, used) = (piece, wide);
                } else if used + space + wide <= width {
                    line.push(' ');
                    line.push_str(&piece);
                    used += space + wide;
                } else {
                    lines.push(piece);
                    used = wide;
                }
            }
        }
        lines
    }

    /// A word in pieces that each fit into `width` points.
    fn pieces(&self, word: &str, size: f32, width: f32) -> Vec<String> {
        if self.width(word, size) <= width {
            return vec![word.to_owned()];
        }
        let mut pieces = vec![String::new()];
        let mut used = 0.0;
        for c in word.nfc() {
            let wide = self.width(c.encode_utf8(&mut [0; 4]), size);
            if used + wide > width {
                pieces.push(String::new());
                used = 0.0;
            }
            if let Some(piece) = pieces.last_mut() {
                piece.push(c);
            }
            used += wide;
        }
        pieces
    }

    fn units(&self) -> f32 {
        self.font.head().map_or(1000.0, |head| f32::from(head.units_per_em().max(1)))
    }

    /// The used glyphs, with what a PDF says about them.
    ///
    /// # Errors
    ///
    /// [`FontError::Unreadable`] when the font is broken where its outlines are.
    pub fn subset(&self) -> Result<Subset, FontError> {
        let broken = |reason: String| FontError::Unreadable { name: self.name.clone(), reason };
        let file = subsetter::subset(self.data, 0, &self.used).map_err(|error| broken(error.to_string()))?;
        let read = FontRef::new(&file).map_err(|error| broken(error.to_string()))?;
        let outlines = match read.table_data(Tag::new(b"CFF ")) {
            Some(outlines) => Outlines::Compact(outlines.as_bytes().to_vec()),
            None if read.table_data(Tag::new(b"glyf")).is_some() => Outlines::TrueType(file.clone()),
            None => return Err(broken("it has no outlines".to_owned())),
        };
        let metrics = self.font.glyph_metrics(Size::unscaled(), LocationRef::default());
        let scale = 1000.0 / self.units();
        let width = |glyph: u16| metrics.advance_width(GlyphId::from(glyph)).unwrap_or_default() * scale;
        let whole = self.font.metrics(Size::unscaled(), LocationRef::default());
        let bounds = whole.bounds.unwrap_or_default();
        let identity = SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };
        let mut back = UnicodeCmap::new(Name(b"Custom"), identity);
        for (glyph, character) in &self.characters {
            back.pair(*glyph, *character);
        }
        Ok(Subset {
            name: format!("{}+{}", tag(&file), self.name),
            outlines,
            widths: self.used.remapped_gids().map(width).collect(),
            bounds: [bounds.x_min, bounds.y_min, bounds.x_max, bounds.y_max].map(|side| side * scale),
            ascent: whole.ascent * scale,
            descent: whole.descent * scale,
            cap_height: whole.cap_height.unwrap_or(whole.ascent) * scale,
            stem: if self.name.ends_with("Bold") { 140.0 } else { 80.0 },
            to_unicode: back.finish().into_vec(),
        })
    }
}

/// Used glyphs of a font, for a composite font of the encoding `Identity-H` (ISO 32000-2 section 9.7).
#[derive(Clone, Debug)]
pub struct Subset {
    /// `/BaseFont`: six letters that mark a subset, `+`, the name.
    pub name: String,
    /// The font program.
    pub outlines: Outlines,
    /// By CID from 0 on, in thousandths of an em.
    pub widths: Vec<f32>,
    /// Left, bottom, right, top, in thousandths of an em; as the other measures.
    pub bounds: [f32; 4],
    /// Above the base line.
    pub ascent: f32,
    /// Below the base line, negative.
    pub descent: f32,
    /// The height of capitals.
    pub cap_height: f32,
    /// How thick its stems are.
    pub stem: f32,
    /// The way back to characters (ISO 32000-2 section 9.10.3), not compressed.
    pub to_unicode: Vec<u8>,
}

/// A font program.
#[derive(Clone, Debug)]
pub enum Outlines {
    /// For `/FontFile3` of subtype `CIDFontType0C`, in a `CIDFontType0`.
    Compact(Vec<u8>),
    /// For `/FontFile2`, in a `CIDFontType2`.
    TrueType(Vec<u8>),
}

impl Subset {
    /// `/CIDSet`: a bit for each CID, from the highest bit of the first byte on (ISO 32000-1 table 124).
    pub fn cid_set(&self) -> Vec<u8> {
        let mut bits = vec![0_u8; self.widths.len().div_ceil(8)];
        for cid in 0..self.widths.len() {
            if let Some(byte) = bits.get_mut(cid / 8) {
                *byte |= 0x80 >> (cid % 8);
            }
        }
        bits
    }
}

/// Six letters drawn from the subset, so that two subsets of one font have two names.
fn tag(file: &[u8]) -> String {
    let digest = Sha256::of(file).0;
    digest.iter().take(6).map(|byte| char::from(b'A' + byte % 26)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_vietnamese_letter_has_a_glyph() {
        let letters = "aàảãáạăằẳẵắặâầẩẫấậeèẻẽéẹêềểễếệiìỉĩíịoòỏõóọôồổỗốộơờởỡớợuùủũúụưừửữứựyỳỷỹýỵđ–…";
        for mut face in [Face::serif().unwrap(), Face::serif_bold().unwrap()] {
            face.covers(letters).unwrap();
            face.covers(&letters.to_uppercase()).unwrap();
            // Decomposed, as some certificates have it.
            assert_eq!(face.encode("e\u{302}\u{323}").len(), 2);
            assert_eq!(face.encode("\u{202E}漢").len(), 4, "what has no glyph takes a place all the same");
            let missing = face.covers("Số 漢").unwrap_err();
            assert!(missing.to_string().contains("U+6F22"), "{missing}");
        }
    }

    #[test]
    fn lines_fit() {
        let face = Face::serif().unwrap();
        let text = format!("Văn bản này do {} ký", "x".repeat(500));
        let lines = face.lines(&text, 11.0, 200.0);
        assert!(lines.len() > 5);
        assert!(lines.iter().all(|line| face.width(line, 11.0) <= 200.01), "{lines:?}");
        assert_eq!(lines.concat().replace(' ', ""), text.replace(' ', ""));
    }

    #[test]
    fn a_subset_is_small_and_names_itself() {
        let mut face = Face::serif().unwrap();
        face.encode("Phê duyệt");
        let subset = face.subset().unwrap();
        assert!(matches!(&subset.outlines, Outlines::Compact(bytes) if bytes.len() < 20_000));
        assert!(subset.name.ends_with("+LibertinusSerif-Regular"), "{}", subset.name);
        // Nine letters and .notdef.
        assert_eq!(subset.widths.len(), 10);
        assert_eq!(subset.cid_set(), [0xFF, 0xC0]);
        face.encode("x");
        assert_ne!(face.subset().unwrap().name, subset.name);
        assert!(matches!(Face::new("x", b"no font"), Err(FontError::Unreadable { .. })));
    }
}
