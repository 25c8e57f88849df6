//! Pictures of signatures and seals: PNG, and JPEG as it is.

use std::io::{Cursor, Write as _};

use flate2::{Compression, write::ZlibEncoder};

/// A picture, ready to lie in a PDF.
#[derive(Clone)]
pub struct Picture {
    pub(super) kind: Kind,
    /// In pixels.
    pub(super) width: u32,
    /// In pixels.
    pub(super) height: u32,
    /// Pixels in a millimetre, where the file says it.
    density: Option<f64>,
    /// The colour of what is drawn on it, red, green and blue from 0 to 255; of a JPEG nobody looks.
    ink: Option<[f64; 3]>,
}

#[derive(Clone)]
pub(super) enum Kind {
    /// The file itself.
    Jpeg { file: Vec<u8>, grey: bool },
    /// Red, green and blue, then how much they cover; both compressed. No cover: they cover all.
    Pixels { colours: Vec<u8>, cover: Option<Cover> },
}

#[derive(Clone)]
pub(super) struct Cover {
    /// A byte a pixel, compressed.
    pub(super) soft: Vec<u8>,
    /// A bit a pixel, rows on whole bytes, 1 where nothing is painted; compressed.
    pub(super) hard: Vec<u8>,
}

/// Why a picture cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// Nothing is to be seen on it.
    #[error("the picture shows nothing: all of it is transparent")]
    Empty,
    /// A colour space that paper does not need.
    #[error("the picture is a JPEG in printing inks (CMYK); save it as RGB, or better as a transparent PNG")]
    Inks,
    /// Too many pixels.
    #[error("the picture has {width} by {height} pixels; at most {most} million in all are taken")]
    TooLarge {
        /// In pixels.
        width: u32,
        /// In pixels.
        height: u32,
        /// In millions.
        most: u64,
    },
    /// Neither PNG nor JPEG.
    #[error("the picture is neither PNG nor JPEG; save it as a transparent PNG (a drawing such as SVG too)")]
    Unknown,
    /// It cannot be read.
    #[error("the picture cannot be read: {reason}")]
    Unreadable {
        /// What its reader said.
        reason: String,
    },
}

impl PictureError {
    /// The same in Vietnamese.
    pub fn vietnamese(&self) -> &'static str {
        match self {
            Self::Empty => "Hình hoàn toàn trong suốt, không có gì để hiển thị.",
            Self::Inks => {
                "Hình JPEG dùng hệ màu CMYK; hãy lưu thành RGB, hoặc tốt hơn là PNG nền trong suốt."
            }
            Self::TooLarge { .. } => "Hình có quá nhiều điểm ảnh.",
            Self::Unknown => "Hình không phải PNG hay JPEG; hãy lưu thành PNG nền trong suốt.",
            Self::Unreadable { .. } => "Không đọc được hình.",
        }
    }
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Picture({} by {} pixels)", self.width, self.height)
    }
}

impl Picture {
    /// From the bytes of a PNG or JPEG file. Transparent edges of a PNG are cut off, so that what is seen has the size
    /// and the middle.
    ///
    /// # Errors
    ///
    /// See [`PictureError`].
    pub fn read(bytes: &[u8]) -> Result<Self, PictureError> {
        match bytes {
            [0x89, b'P', b'N', b'G', ..] => png(bytes),
            [0xFF, 0xD8, ..] => jpeg(bytes),
            _ => Err(PictureError::Unknown),
        }
    }

    /// Whether something of what lies under it can be seen.
    pub fn is_transparent(&self) -> bool {
        matches!(self.kind, Kind::Pixels { cover: Some(_), .. })
    }

    /// The width on paper that the file asks for, in millimetres.
    pub(super) fn width_mm(&self) -> Option<f64> {
        self.density.map(|density| f64::from(self.width) / density)
    }

    /// Whether it is drawn in blue; `None` where that is not known.
    pub(super) fn is_blue(&self) -> Option<bool> {
        self.ink.map(|[red, green, blue]| blue > red.max(green) + CLEARLY)
    }

    /// Whether it is drawn in red; `None` where that is not known.
    pub(super) fn is_red(&self) -> Option<bool> {
        self.ink.map(|[red, green, blue]| red > green.max(blue) + CLEARLY)
    }

    /// Height for a width of 1.
    pub(super) fn proportion(&self) -> f64 {
        f64::from(self.height) / f64::from(self.width.max(1))
    }
}

fn png(bytes: &[u8]) -> Result<Picture, PictureError> {
    let unreadable = |error: png::DecodingError| PictureError::Unreadable { reason: error.to_string() };
    let limits = png::Limits { bytes: MOST_BYTES };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), limits);
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(unreadable)?;
    let (width, height) = (reader.info().width, reader.info().height);
    check_size(width, height)?;
    let density = reader.info().pixel_dims.and_then(|dims| match dims.unit {
        png::Unit::Meter if dims.xppu == dims.yppu => sane_density(f64::from(dims.xppu) / 1000.0),
        _ => None,
    });
    let too_large = || PictureError::TooLarge { width, height, most: MOST_PIXELS / 1_000_000 };
    let mut pixels =
        vec![0; reader.output_buffer_size().filter(|size| *size <= MOST_BYTES).ok_or_else(too_large)?];
    let frame = reader.next_frame(&mut pixels).map_err(unreadable)?;
    pixels.truncate(frame.buffer_size());
    let samples = match frame.color_type {
        png::ColorType::Grayscale => 1,
        png::ColorType::GrayscaleAlpha => 2,
        png::ColorType::Rgb => 3,
        png::ColorType::Rgba => 4,
        png::ColorType::Indexed => {
            return Err(PictureError::Unreadable { reason: "its palette is missing".to_owned() });
        }
    };
    let has_cover = samples % 2 == 0;
    let cover_of = |pixel: &[u8]| if has_cover { pixel.last().copied().unwrap_or(0) } else { 0xFF };
    let columns = usize::try_from(width).unwrap_or(usize::MAX);
    let rows: Vec<&[u8]> = pixels.chunks_exact(columns.saturating_mul(samples).max(1)).collect();
    // What can hardly be seen does not count for the edges.
    let seen = |pixel: &[u8]| cover_of(pixel) >= FAINT;
    let used = |row: &&[u8]| row.chunks_exact(samples).any(seen);
    let (Some(top), Some(bottom)) = (rows.iter().position(&used), rows.iter().rposition(&used)) else {
        return Err(PictureError::Empty);
    };
    let kept = rows.get(top..=bottom).unwrap_or_default();
    let firsts = kept.iter().filter_map(|row| row.chunks_exact(samples).position(seen));
    let lasts = kept.iter().filter_map(|row| row.chunks_exact(samples).rposition(seen));
    let (left, right) = (firsts.min().unwrap_or(0), lasts.max().unwrap_or(0));
    let across = right - left + 1;

    let (mut colours, mut soft, mut hard) = (Vec::new(), Vec::new(), Vec::new());
    let mut opaque = true;
    let (mut ink, mut weights) = ([0.0; 3], 0.0);
    for row in kept {
        let mut bits = vec![0_u8; across.div_ceil(8)];
        for (at, pixel) in row.chunks_exact(samples).skip(left).take(across).enumerate() {
            let cover = cover_of(pixel);
            opaque &= cover == 0xFF;
            let colour = match (cover, pixel) {
                (0, _) => [0xFF; 3],
                (_, [grey] | [grey, _]) => [*grey; 3],
                (_, [red, green, blue, ..]) => [*red, *green, *blue],
                _ => [0xFF; 3],
            };
            // Paper is white: the darker, the more it is ink.
            let lightest = colour.iter().copied().min().unwrap_or(0xFF);
            let weight = f64::from(cover) * f64::from(0xFF - lightest);
            for (sum, part) in ink.iter_mut().zip(colour) {
                *sum += weight * f64::from(part);
            }
            weights += weight;
            colours.extend(colour);
            soft.push(cover);
            if cover < 0x80
                && let Some(byte) = bits.get_mut(at / 8)
            {
                *byte |= 0x80 >> (at % 8);
            }
        }
        hard.extend(bits);
    }
    let cover = (!opaque).then(|| Cover { soft: squeezed(&soft), hard: squeezed(&hard) });
    let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    let kind = Kind::Pixels { colours: squeezed(&colours), cover };
    let ink = (weights > 0.0).then(|| ink.map(|sum| sum / weights));
    Ok(Picture { kind, width: count(across), height: count(kept.len()), density, ink })
}

/// The frame header of a JPEG (ITU-T T.81 annex B): enough to let the file in as it is.
fn jpeg(bytes: &[u8]) -> Result<Picture, PictureError> {
    let broken = |reason: &str| PictureError::Unreadable { reason: reason.to_owned() };
    let mut density = None;
    let mut at = 2;
    loop {
        let marker = match bytes.get(at..) {
            Some([0xFF, 0xFF, ..]) => {
                at += 1;
                continue;
            }
            Some([0xFF, marker, ..]) => *marker,
            _ => return Err(broken("the JPEG breaks off before it says its size")),
        };
        let length = bytes.get(at + 2..at + 4).and_then(|pair| <[u8; 2]>::try_from(pair).ok());
        let length = length.map(|pair| usize::from(u16::from_be_bytes(pair)));
        let length =
            length.filter(|length| *length >= 2).ok_or_else(|| broken("a JPEG segment has no length"))?;
        let segment =
            bytes.get(at + 4..at + 2 + length).ok_or_else(|| broken("a JPEG segment breaks off"))?;
        match (marker, segment) {
            (0xE0, [b'J', b'F', b'I', b'F', 0, _, _, unit, x1, x2, y1, y2, ..]) if (x1, x2) == (y1, y2) => {
                let dots = f64::from(u16::from_be_bytes([*x1, *x2]));
                density = match unit {
                    1 => sane_density(dots / 25.4),
                    2 => sane_density(dots / 10.0),
                    _ => None,
                };
            }
            // Baseline, extended and progressive; the others no reader of PDF needs to know.
            (0xC0..=0xC2, [bits, h1, h2, w1, w2, components, ..]) => {
                let (width, height) = (u16::from_be_bytes([*w1, *w2]), u16::from_be_bytes([*h1, *h2]));
                let (width, height) = (u32::from(width), u32::from(height));
                check_size(width, height)?;
                let grey = match (bits, components) {
                    (8, 1) => true,
                    (8, 3) => false,
                    (8, 4) => return Err(PictureError::Inks),
                    _ => return Err(broken("a JPEG of this depth is not taken")),
                };
                let kind = Kind::Jpeg { file: bytes.to_vec(), grey };
                return Ok(Picture { kind, width, height, density, ink: None });
            }
            (0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF, _) => {
                return Err(broken("a JPEG of this kind is not taken"));
            }
            (0xD9 | 0xDA, _) => return Err(broken("the JPEG does not say its size")),
            _ => {}
        }
        at += 2 + length;
    }
}

fn check_size(width: u32, height: u32) -> Result<(), PictureError> {
    if width == 0 || height == 0 {
        return Err(PictureError::Empty);
    }
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(PictureError::TooLarge { width, height, most: MOST_PIXELS / 1_000_000 });
    }
    Ok(())
}

/// A resolution that somebody set, and not what a screen or a program without a thought wrote.
fn sane_density(per_mm: f64) -> Option<f64> {
    (per_mm.is_finite() && per_mm * 25.4 >= LEAST_DOTS).then_some(per_mm)
}

/// Compressed as PDF has it (ISO 32000-2 section 7.4.4).
pub(super) fn squeezed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    // Writing into memory does not fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

/// A seal of 40 mm at 1,200 dots an inch has 3.6 million.
const MOST_PIXELS: u64 = 16_000_000;

/// What decoding may take.
const MOST_BYTES: usize = 80 * 1024 * 1024;

/// Less cover than this cannot be seen on paper.
const FAINT: u8 = 12;

/// By how much a colour outweighs the others, of 255.
const CLEARLY: f64 = 20.0;

/// In dots an inch: 72 and 96 are what programs write that know nothing of paper.
const LEAST_DOTS: f64 = 120.0;

#[cfg(test)]
mod tests {
    use super::*;

    /// A PNG with these pixels.
    fn png_of(width: u32, colour: png::ColorType, pixels: &[u8], dots: Option<u32>) -> Vec<u8> {
        let samples = u32::try_from(colour.samples()).unwrap();
        let height = u32::try_from(pixels.len()).unwrap() / width / samples;
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, width, height);
        encoder.set_color(colour);
        encoder.set_depth(png::BitDepth::Eight);
        if let Some(dots) = dots {
            encoder.set_pixel_dims(Some(png::PixelDimensions {
                xppu: dots,
                yppu: dots,
                unit: png::Unit::Meter,
            }));
        }
        encoder.write_header().unwrap().write_image_data(pixels).unwrap();
        file
    }

    #[test]
    fn transparent_edges_are_cut_off() {
        let mut pixels = vec![0_u8; 5 * 4 * 4];
        for (x, y) in [(1, 1), (3, 2)] {
            pixels[(y * 5 + x) * 4..][..4].copy_from_slice(&[0, 0, 200, 255]);
        }
        let picture = Picture::read(&png_of(5, png::ColorType::Rgba, &pixels, Some(10_000))).unwrap();
        assert_eq!((picture.width, picture.height), (3, 2));
        assert!(picture.is_transparent());
        assert_eq!((picture.is_blue(), picture.is_red()), (Some(true), Some(false)));
        assert_eq!(picture.width_mm(), Some(0.3));
        assert!(matches!(
            Picture::read(&png_of(5, png::ColorType::Rgba, &[0; 80], None)),
            Err(PictureError::Empty)
        ));
        let grey = Picture::read(&png_of(2, png::ColorType::Grayscale, &[0; 4], Some(2_835))).unwrap();
        assert!(!grey.is_transparent());
        assert_eq!(grey.width_mm(), None, "72 dots an inch say nothing");
    }

    #[test]
    fn a_jpeg_goes_in_as_it_is() {
        let header = |components: u8| {
            let mut file = vec![0xFF, 0xD8, 0xFF, 0xE0, 0, 16];
            file.extend(b"JFIF\0\x01\x01\x01\x01\x2C\x01\x2C\0\0");
            file.extend([0xFF, 0xC0, 0, 11, 8, 0, 20, 0, 10, components, 1, 0x11, 0]);
            file
        };
        let picture = Picture::read(&header(3)).unwrap();
        assert_eq!((picture.width, picture.height), (10, 20));
        assert!((picture.width_mm().unwrap() - 10.0 / 300.0 * 25.4).abs() < 1e-9);
        assert!(matches!(Picture::read(&header(4)), Err(PictureError::Inks)));
        for cut in 0..header(3).len() - 6 {
            assert!(Picture::read(&header(3)[..cut]).is_err(), "cut at {cut}");
        }
        assert!(matches!(Picture::read(b"<svg/>"), Err(PictureError::Unknown)));
    }
}
