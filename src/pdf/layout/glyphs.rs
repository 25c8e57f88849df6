//! Fonts, as far as it takes to know what a code means and how far it moves the pen (ISO 32000-2 section 9).

use std::collections::HashMap;

use super::{
    super::{
        Document, PdfError,
        object::{Dictionary, Object},
    },
    codes,
};

/// What a font's codes mean.
pub(super) struct Glyphs {
    /// Two bytes a code rather than one.
    wide: bool,
    /// The part of an em above the base line.
    pub(super) ascent: f64,
    /// The part of an em below the base line, negative.
    pub(super) descent: f64,
    /// By code, in parts of an em.
    widths: HashMap<u32, f64>,
    other_width: f64,
    to_unicode: HashMap<u32, String>,
    /// What simple fonts say by names instead.
    encoding: HashMap<u32, String>,
}

/// One code of a text.
#[derive(Clone, Copy)]
pub(super) struct Code {
    value: u32,
    wide: bool,
}

impl Code {
    /// Whether word spacing applies (ISO 32000-2 section 9.3.3).
    pub(super) fn is_space(self) -> bool {
        self.value == 32 && !self.wide
    }
}

/// What one code shows.
pub(super) struct Glyph {
    pub(super) text: String,
    /// In parts of an em.
    pub(super) width: f64,
}

impl Glyphs {
    pub(super) fn read(document: &Document, font: &Dictionary) -> Result<Self, PdfError> {
        let wide = font.name("Subtype") == Some(b"Type0");
        let mut glyphs = Self {
            wide,
            ascent: 0.8,
            descent: -0.22,
            widths: HashMap::new(),
            other_width: if wide { 1.0 } else { 0.5 },
            to_unicode: HashMap::new(),
            encoding: HashMap::new(),
        };
        let last = document.last();
        let resolved = |from: &Dictionary, key: &str| {
            document.resolve(last, from.get(key).unwrap_or(&Object::Null)).map(|(_, value)| value)
        };
        if let Object::Stream(map) = resolved(font, "ToUnicode")? {
            // Without it the letters stay unknown; the page is none the worse for it.
            if let Ok(map) = document.decode(&map, LONGEST_MAP.min(document.limits.decoded_bytes)) {
                document.limits.spend(map.len())?;
                glyphs.to_unicode = codes::to_unicode(&map, document.limits.depth);
            }
        }
        if wide {
            let descendants = resolved(font, "DescendantFonts")?;
            let first = descendants.as_array().and_then(|all| all.first()).cloned().unwrap_or_default();
            if let (_, Object::Dictionary(descendant)) = document.resolve(last, &first)? {
                glyphs.other_width = resolved(&descendant, "DW")?.as_number().unwrap_or(1000.0) / 1000.0;
                glyphs.wide_widths(document, &resolved(&descendant, "W")?)?;
                glyphs.describe(&resolved(&descendant, "FontDescriptor")?);
            }
            return Ok(glyphs);
        }
        glyphs.encoding = codes::encoding(&resolved(font, "Encoding")?);
        let matrix = resolved(font, "FontMatrix")?;
        let scale = matrix.as_array().and_then(|matrix| matrix.first()?.as_number()).unwrap_or(0.001);
        let descriptor = resolved(font, "FontDescriptor")?;
        glyphs.describe(&descriptor);
        let missing = descriptor.as_dictionary().and_then(|all| all.get("MissingWidth")?.as_number());
        if let Some(missing) = missing {
            glyphs.other_width = missing * scale;
        }
        let first = font.integer("FirstChar").and_then(|first| u32::try_from(first).ok()).unwrap_or(0);
        if let Object::Array(widths) = resolved(font, "Widths")? {
            for (code, width) in (first..256).zip(widths) {
                if let Some(width) = document.resolve(last, &width)?.1.as_number() {
                    glyphs.widths.insert(code, width * scale);
                }
            }
        }
        Ok(glyphs)
    }

    /// ISO 32000-2 section 9.7.4.3: `c [w1 w2 …]` and `first last w`.
    fn wide_widths(&mut self, document: &Document, widths: &Object) -> Result<(), PdfError> {
        let mut items = widths.as_array().unwrap_or_default().iter();
        let last = document.last();
        let mut left = MOST_WIDTHS;
        while let (Some(first), Some(next)) = (items.next(), items.next()) {
            let Some(first) = first.as_integer().and_then(|first| u32::try_from(first).ok()) else { break };
            match document.resolve(last, next)?.1 {
                Object::Array(run) => {
                    for (code, width) in (first..=0xFFFF).zip(run) {
                        if let Some(width) = width.as_number() {
                            self.widths.insert(code, width / 1000.0);
                        }
                    }
                }
                until => {
                    let (until, width) = (until.as_integer(), items.next().and_then(Object::as_number));
                    let (Some(until), Some(width)) =
                        (until.and_then(|until| u32::try_from(until).ok()), width)
                    else {
                        break;
                    };
                    for code in first..=until.min(0xFFFF) {
                        left -= 1;
                        if left == 0 {
                            return Ok(());
                        }
                        self.widths.insert(code, width / 1000.0);
                    }
                }
            }
        }
        Ok(())
    }

    fn describe(&mut self, descriptor: &Object) {
        let Some(descriptor) = descriptor.as_dictionary() else { return };
        let number = |key: &str| descriptor.get(key).and_then(Object::as_number).map(|value| value / 1000.0);
        // Fonts say all kinds of things; letters take about an em.
        if let Some(ascent) = number("Ascent").filter(|ascent| (0.5..=1.1).contains(ascent)) {
            self.ascent = ascent;
        }
        if let Some(descent) = number("Descent").filter(|descent| (-0.4..=-0.1).contains(descent)) {
            self.descent = descent;
        }
    }

    pub(super) fn codes(&self, text: &[u8]) -> Vec<Code> {
        let wide = self.wide;
        if wide {
            let value = |pair: &[u8]| pair.iter().fold(0, |value, byte| value << 8 | u32::from(*byte));
            return text.chunks(2).map(|pair| Code { value: value(pair), wide }).collect();
        }
        text.iter().map(|byte| Code { value: u32::from(*byte), wide }).collect()
    }

    pub(super) fn glyph(&self, code: Code) -> Glyph {
        let known = self.to_unicode.get(&code.value).or_else(|| self.encoding.get(&code.value));
        let text = known.cloned().unwrap_or_else(|| match u8::try_from(code.value) {
            Ok(byte @ 0x20..=0x7E) if !self.wide => char::from(byte).to_string(),
            _ => char::REPLACEMENT_CHARACTER.to_string(),
        });
        let width = self.widths.get(&code.value).copied().unwrap_or(self.other_width);
        Glyph { text, width: if width.is_finite() { width.clamp(-10.0, 10.0) } else { 0.0 } }
    }
}

/// In bytes. A map of a large font has some hundred thousand.
const LONGEST_MAP: usize = 8 * 1024 * 1024;

/// Widths given by ranges; a font has 65,536 codes.
const MOST_WIDTHS: usize = 200_000;
