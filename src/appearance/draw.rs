//! The objects of an appearance: a form XObject, its font, its picture (ISO 32000-2 sections 8.9, 8.10 and 9.7).

use super::{
    AppearanceError,
    block::Block,
    colour::Rules,
    picture::{Kind, Picture, squeezed},
};
use crate::{
    font::{Face, Outlines, Subset},
    pdf::{Area, Dictionary, Frame, Object, Part},
};

/// A picture in a box of this size: where in the box, in points from its lower left corner.
pub(super) fn picture(
    picture: &Picture,
    place: Area,
    (width, height): (f64, f64),
    frame: &Frame,
    rules: Rules,
) -> Vec<Part> {
    let mut parts = Parts::new();
    let image = image(&mut parts, picture, rules);
    let mut content = Content::default();
    content.operator(&[], "q");
    content.operator(&[place.width(), 0.0, 0.0, place.height(), place.left, place.bottom], "cm");
    content.bytes.extend_from_slice(b"/Im0 Do\nQ\n");
    let resources = dictionary([("XObject", Object::Dictionary(dictionary([("Im0", image)])))]);
    parts.finish(content, resources, (width, height), frame)
}

/// Words, frame and code.
pub(super) fn block(
    block: &Block,
    mut face: Face<'_>,
    frame: &Frame,
    rules: Rules,
) -> Result<Vec<Part>, AppearanceError> {
    let mut parts = Parts::new();
    let mut content = Content::default();
    let mut resources = Dictionary::new();
    let mut spaces = Dictionary::new();
    content.operator(&[], "q");
    if block.framed {
        if rules.calibrated() {
            spaces.set("Colours", rules.colours());
            content.bytes.extend_from_slice(b"/Colours CS\n");
            content.operator(&STAMP_RED, "SC");
        } else {
            content.operator(&STAMP_RED, "RG");
        }
        content.operator(&[FRAME_LINE], "w");
        let half = FRAME_LINE / 2.0;
        content.operator(&[half, half, block.width - FRAME_LINE, block.height - FRAME_LINE], "re");
        content.operator(&[], "S");
    }
    // Black is said, not left to be what it is anyway.
    if rules.calibrated() {
        spaces.set("Greys", rules.greys());
        content.bytes.extend_from_slice(b"/Greys cs\n");
        content.operator(&[0.0], "sc");
    } else {
        content.operator(&[0.0], "g");
    }
    if let Some((code, left, bottom)) = &block.code {
        let (x, y) = (left + code.quiet(), bottom + code.quiet());
        for (row, line) in code.dark.chunks(code.modules.max(1)).enumerate() {
            let up = code.modules.saturating_sub(row + 1);
            for (from, length) in runs(line) {
                let at = |modules: usize| f64::from(u32::try_from(modules).unwrap_or(0)) * code.module;
                content.operator(&[x + at(from), y + at(up), at(length), code.module], "re");
            }
        }
        content.operator(&[], "f");
    }
    if !block.lines.is_empty() {
        content.operator(&[], "BT");
        content.bytes.extend_from_slice(b"/F0 ");
        content.operator(&[block.size], "Tf");
        for (line, left, base) in &block.lines {
            content.operator(&[1.0, 0.0, 0.0, 1.0, *left, *base], "Tm");
            let glyphs = hex::encode_upper(face.encode(line));
            content.bytes.extend_from_slice(format!("<{glyphs}> Tj\n").as_bytes());
        }
        content.operator(&[], "ET");
        let font = font(&mut parts, &face.subset()?, rules);
        resources.set("Font", Object::Dictionary(dictionary([("F0", font)])));
    }
    content.operator(&[], "Q");
    if spaces.iter().next().is_some() {
        resources.set("ColorSpace", Object::Dictionary(spaces));
    }
    Ok(parts.finish(content, resources, (block.width, block.height), frame))
}

/// Where dark modules begin in a row, and how many stand together.
fn runs(line: &[bool]) -> Vec<(usize, usize)> {
    let mut runs = Vec::new();
    let mut at = 0;
    for run in line.chunk_by(|one, two| one == two) {
        if run.first() == Some(&true) {
            runs.push((at, run.len()));
        }
        at += run.len();
    }
    runs
}

/// The parts of a drawing as they grow; the form is the first.
struct Parts(Vec<Part>);

impl Parts {
    fn new() -> Self {
        Self(vec![Part::stream(Dictionary::new(), Vec::new())])
    }

    fn add(&mut self, part: Part) -> Object {
        let number = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        self.0.push(part);
        Object::Reference((number, 0))
    }

    fn finish(
        mut self,
        content: Content,
        resources: Dictionary,
        (width, height): (f64, f64),
        frame: &Frame,
    ) -> Vec<Part> {
        let numbers = |values: &[f64]| Object::Array(values.iter().copied().map(Object::number).collect());
        let form = dictionary([
            ("Type", Object::name("XObject")),
            ("Subtype", Object::name("Form")),
            ("FormType", Object::Integer(1)),
            ("BBox", numbers(&[0.0, 0.0, width, height])),
            ("Matrix", matrix(frame.appearance_matrix())),
            ("Resources", Object::Dictionary(resources)),
            ("Filter", Object::name("FlateDecode")),
        ]);
        if let Some(first) = self.0.first_mut() {
            *first = Part::stream(form, squeezed(&content.bytes));
        }
        self.0
    }
}

/// The turns exactly, the unit as it is.
fn matrix(values: [f64; 6]) -> Object {
    // Small units need more digits than places on a page.
    let scale = values.iter().copied().fold(0.0, |most: f64, value| most.max(value.abs()));
    let scale = if scale > 0.0 { scale } else { 1.0 };
    Object::Array(values.map(|value| Object::number(value / scale)).to_vec())
}

fn image(parts: &mut Parts, picture: &Picture, rules: Rules) -> Object {
    let base = |width: u32, height: u32, bits: i64, filter: &str| {
        dictionary([
            ("Type", Object::name("XObject")),
            ("Subtype", Object::name("Image")),
            ("Width", Object::Integer(i64::from(width))),
            ("Height", Object::Integer(i64::from(height))),
            ("BitsPerComponent", Object::Integer(bits)),
            ("Filter", Object::name(filter)),
        ])
    };
    let (width, height) = (picture.width, picture.height);
    match &picture.kind {
        Kind::Jpeg { file, grey } => {
            let mut image = base(width, height, 8, "DCTDecode");
            image.set("ColorSpace", if *grey { rules.greys() } else { rules.colours() });
            parts.add(Part::stream(image, file.clone()))
        }
        Kind::Pixels { colours, cover } => {
            let mut image = base(width, height, 8, "FlateDecode");
            image.set("ColorSpace", rules.colours());
            match cover {
                Some(cover) if rules.soft => {
                    let mut mask = base(width, height, 8, "FlateDecode");
                    mask.set("ColorSpace", Object::name("DeviceGray"));
                    let mask = parts.add(Part::stream(mask, cover.soft.clone()));
                    image.set("SMask", mask);
                }
                // An explicit mask hides whole pixels: no transparency in the sense of PDF/A-1.
                Some(cover) => {
                    let mut mask = base(width, height, 1, "FlateDecode");
                    mask.set("ImageMask", Object::Boolean(true));
                    let mask = parts.add(Part::stream(mask, cover.hard.clone()));
                    image.set("Mask", mask);
                }
                None => {}
            }
            parts.add(Part::stream(image, colours.clone()))
        }
    }
}

fn font(parts: &mut Parts, subset: &Subset, rules: Rules) -> Object {
    let number = |value: f32| Object::number(f64::from(value));
    let (program, compact) = match &subset.outlines {
        Outlines::Compact(program) => (program, true),
        Outlines::TrueType(program) => (program, false),
    };
    let mut file = dictionary([("Filter", Object::name("FlateDecode"))]);
    if compact {
        file.set("Subtype", Object::name("CIDFontType0C"));
    } else {
        file.set("Length1", Object::Integer(i64::try_from(program.len()).unwrap_or(i64::MAX)));
    }
    let file = parts.add(Part::stream(file, squeezed(program)));
    let mut descriptor = dictionary([
        ("Type", Object::name("FontDescriptor")),
        ("FontName", Object::name(&subset.name)),
        // Serif and symbolic: the codes are of no standard encoding.
        ("Flags", Object::Integer(6)),
        ("FontBBox", Object::Array(subset.bounds.map(number).to_vec())),
        ("ItalicAngle", Object::Integer(0)),
        ("Ascent", number(subset.ascent)),
        ("Descent", number(subset.descent)),
        ("CapHeight", number(subset.cap_height)),
        ("StemV", number(subset.stem)),
        (if compact { "FontFile3" } else { "FontFile2" }, file),
    ]);
    if rules.cid_set() {
        let filter = dictionary([("Filter", Object::name("FlateDecode"))]);
        let set = parts.add(Part::stream(filter, squeezed(&subset.cid_set())));
        descriptor.set("CIDSet", set);
    }
    let descriptor = parts.add(Part { object: Object::Dictionary(descriptor), data: None });
    let identity = dictionary([
        ("Registry", Object::String(b"Adobe".to_vec())),
        ("Ordering", Object::String(b"Identity".to_vec())),
        ("Supplement", Object::Integer(0)),
    ]);
    let mut descendant = dictionary([
        ("Type", Object::name("Font")),
        ("Subtype", Object::name(if compact { "CIDFontType0" } else { "CIDFontType2" })),
        ("BaseFont", Object::name(&subset.name)),
        ("CIDSystemInfo", Object::Dictionary(identity)),
        ("FontDescriptor", descriptor),
        ("DW", Object::Integer(0)),
        (
            "W",
            Object::Array(vec![
                Object::Integer(0),
                Object::Array(subset.widths.iter().copied().map(number).collect()),
            ]),
        ),
    ]);
    if !compact {
        descendant.set("CIDToGIDMap", Object::name("Identity"));
    }
    let descendant = parts.add(Part { object: Object::Dictionary(descendant), data: None });
    let map = dictionary([("Filter", Object::name("FlateDecode"))]);
    let map = parts.add(Part::stream(map, squeezed(&subset.to_unicode)));
    let font = dictionary([
        ("Type", Object::name("Font")),
        ("Subtype", Object::name("Type0")),
        ("BaseFont", Object::name(&subset.name)),
        ("Encoding", Object::name("Identity-H")),
        ("DescendantFonts", Object::Array(vec![descendant])),
        ("ToUnicode", map),
    ]);
    parts.add(Part { object: Object::Dictionary(font), data: None })
}

/// A content stream as it grows.
#[derive(Default)]
struct Content {
    bytes: Vec<u8>,
}

impl Content {
    fn operator(&mut self, operands: &[f64], operator: &str) {
        for operand in operands {
            Object::number(*operand).write(&mut self.bytes);
            self.bytes.push(b' ');
        }
        self.bytes.extend_from_slice(operator.as_bytes());
        self.bytes.push(b'\n');
    }
}

fn dictionary<const N: usize>(entries: [(&str, Object); N]) -> Dictionary {
    let mut dictionary = Dictionary::new();
    for (key, value) in entries {
        dictionary.set(key, value);
    }
    dictionary
}

/// The frame of a stamp, in points.
const FRAME_LINE: f64 = 0.9;

/// The colour of a stamp's frame.
const STAMP_RED: [f64; 3] = [0.8, 0.08, 0.08];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dark_modules_stand_together() {
        assert_eq!(runs(&[true, true, false, true]), [(0, 2), (3, 1)]);
        assert_eq!(runs(&[false]), []);
    }
}
