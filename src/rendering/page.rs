//! A page as a picture, with boxes drawn on it.
//!
//! The one part of the program that draws what a document says. Call it in a process of its own, with limits on time
//! and memory (see `kyso draw-page`): a page can ask for more work than anybody waits for.

use hayro::{
    PixmapSettings, RenderCache, RenderSettings, hayro_interpret::InterpreterSettings, hayro_syntax::Pdf,
    vello_cpu::color::palette::css::WHITE,
};

/// What of which page is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct PageView {
    /// From 1 on.
    pub page: usize,
    /// Boxes drawn on it: left, bottom, right and top, each in parts of the page as a reader sees it, from its lower
    /// left corner.
    pub boxes: Vec<[f64; 4]>,
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PageViewError {
    /// The picture could not be written.
    #[error("the picture could not be written: {0}")]
    Png(#[from] png::EncodingError),
    /// The page is not there, or has no size.
    #[error("there is no page {page} that could be drawn")]
    Page {
        /// From 1 on.
        page: usize,
    },
    /// The drawing program does not read the file.
    #[error("the file cannot be drawn")]
    Unreadable,
}

/// Draws a page of a PDF as PNG, annotations included, some 110 dots an inch.
///
/// # Errors
///
/// See [`PageViewError`]. A file may also ask for so much that the process has to be ended.
pub fn png_of_page(pdf: Vec<u8>, view: &PageView) -> Result<Vec<u8>, PageViewError> {
    let missing = || PageViewError::Page { page: view.page };
    let pdf = Pdf::new(pdf).map_err(|_| PageViewError::Unreadable)?;
    let page = view.page.checked_sub(1).and_then(|at| pdf.pages().get(at)).ok_or_else(missing)?;
    let (width, height) = page.render_dimensions();
    let longer = width.max(height);
    if !(width >= 1.0 && height >= 1.0 && longer.is_finite()) {
        return Err(missing());
    }
    let scale = DOTS_PER_POINT.min(LONGEST_SIDE / longer);
    let settings = PixmapSettings { x_scale: scale, y_scale: scale, bg_color: WHITE };
    let (cache, interpreter) = (RenderCache::new(), InterpreterSettings::default());
    let drawn = hayro::render(page, &cache, &interpreter, &RenderSettings::default(), &settings);
    let (width, height) = (usize::from(drawn.width()), usize::from(drawn.height()));
    // The paper is white throughout, so that nothing is left of transparency.
    let pixels = drawn.data_as_u8_slice().chunks_exact(4);
    let mut colours: Vec<u8> = pixels.flat_map(|pixel| pixel.iter().copied().take(3)).collect();
    for sides in &view.boxes {
        outline(&mut colours, (width, height), *sides);
    }
    let mut file = Vec::new();
    let side = |length: usize| u32::try_from(length).unwrap_or(0);
    let mut encoder = png::Encoder::new(&mut file, side(width), side(height));
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header()?.write_image_data(&colours)?;
    Ok(file)
}

/// A line of two dots around a box.
fn outline(colours: &mut [u8], (width, height): (usize, usize), [left, bottom, right, top]: [f64; 4]) {
    let (left, right) = (dot(left, width), dot(right, width));
    let (upper, lower) = (dot(1.0 - top, height), dot(1.0 - bottom, height));
    for y in upper..=lower {
        for x in left..=right {
            let edge = x < left + 2 || x + 2 > right || y < upper + 2 || y + 2 > lower;
            let at = (y * width + x) * 3;
            if edge && let Some(pixel) = colours.get_mut(at..at + 3) {
                pixel.copy_from_slice(&BOX_COLOUR);
            }
        }
    }
}

#[expect(clippy::cast_sign_loss, reason = "clamped from 0 on")]
#[expect(clippy::cast_precision_loss, reason = "at most 65,535 dots")]
fn dot(part: f64, length: usize) -> usize {
    let most = length.saturating_sub(1);
    (part * length as f64).round().clamp(0.0, most as f64) as usize
}

/// 110 dots an inch.
const DOTS_PER_POINT: f32 = 110.0 / 72.0;

/// In dots.
const LONGEST_SIDE: f32 = 3_000.0;

/// A colour that no seal and no ink has.
const BOX_COLOUR: [u8; 3] = [230, 0, 160];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_drawn_with_its_box() {
        let pdf = include_bytes!("../../samples/quyet-dinh.pdf").to_vec();
        let view = PageView { page: 1, boxes: vec![[0.5, 0.25, 0.75, 0.5]] };
        let file = png_of_page(pdf.clone(), &view).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(&file)).read_info().unwrap();
        let (width, height) = (reader.info().width as usize, reader.info().height as usize);
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        let pixel = |x: usize, y: usize| &pixels[(y * width + x) * 3..][..3];
        assert_eq!(pixel(width / 2, height * 5 / 8), BOX_COLOUR);
        assert_eq!(pixel(3, 3), [255, 255, 255]);
        assert!(pixels.chunks(3).any(|pixel| pixel == [0, 0, 0]), "the text is drawn");
        assert!(matches!(
            png_of_page(pdf, &PageView { page: 9, boxes: Vec::new() }),
            Err(PageViewError::Page { page: 9 })
        ));
        assert!(png_of_page(b"no pdf".to_vec(), &view).is_err());
    }
}
