//! Pages as poppler prints them.

use std::{fs, process::Command};

use kyso::pdf::Area;

use super::open;
use crate::support::{run, tool};

/// A printed page.
pub(super) struct Print {
    width: usize,
    height: usize,
    /// Red, green, blue.
    dots: Vec<u8>,
    /// In points.
    sheet: Area,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Colour {
    /// Anything but white.
    Any,
    Black,
    Blue,
    Green,
    Red,
    Yellow,
}

impl Colour {
    fn is(self, dot: &[u8]) -> bool {
        let [red, green, blue] = [0, 1, 2].map(|at| i32::from(dot[at]));
        match self {
            Self::Any => red.min(green).min(blue) < 245,
            Self::Black => red.max(green).max(blue) < 110,
            Self::Blue => blue - red.max(green) > 40,
            Self::Green => green - red.max(blue) > 40,
            Self::Red => red - green.max(blue) > 40,
            Self::Yellow => red.min(green) - blue > 40,
        }
    }
}

impl Print {
    /// `None` where poppler is not installed.
    pub(super) fn of(pdf: &[u8], page: usize) -> Option<Self> {
        let sheet = open(pdf).page(page).unwrap().unwrap().frame.sheet();
        Self::of_sheet(pdf, page, sheet)
    }

    /// As above, of a page whose size in points is known.
    pub(super) fn of_sheet(pdf: &[u8], page: usize, sheet: Area) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("page.pdf");
        fs::write(&file, pdf).unwrap();
        let page = page.to_string();
        let mut command = Command::new(tool("pdftoppm")?);
        command.args(["-r", "100", "-cropbox", "-f", &page, "-l", &page, "-singlefile"]);
        run(command.arg(&file).arg(folder.path().join("page")));
        let ppm = fs::read(folder.path().join("page.ppm")).unwrap();
        let mut words = ppm.splitn(4, u8::is_ascii_whitespace);
        let mut number = || {
            let word = String::from_utf8(words.next().unwrap().to_vec()).unwrap();
            if word == "P6" { 6 } else { word.parse::<usize>().unwrap() }
        };
        assert_eq!(number(), 6);
        let (width, height) = (number(), number());
        let rest = words.next().unwrap();
        let dots = rest[rest.len() - width * height * 3..].to_vec();
        Some(Self { width, height, dots, sheet })
    }

    /// How many dots of an area have this colour.
    pub(super) fn inked(&self, area: Area, colour: Colour) -> usize {
        self.places(area).filter(|at| colour.is(&self.dots[at * 3..])).count()
    }

    /// How many dots an area has.
    pub(super) fn dots(&self, area: Area) -> usize {
        self.places(area).count()
    }

    /// The first dot outside of these areas that `before` has otherwise.
    pub(super) fn changed_outside(&self, before: &Self, areas: &[Area]) -> Option<(usize, usize)> {
        assert_eq!((self.width, self.height), (before.width, before.height));
        let inside: std::collections::HashSet<usize> =
            areas.iter().flat_map(|area| self.places(area.grown(1.0))).collect();
        let differs = |at: &usize| self.dots[at * 3..][..3] != before.dots[at * 3..][..3];
        let found = (0..self.width * self.height).filter(|at| !inside.contains(at)).find(differs);
        found.map(|at| (at % self.width, at / self.width))
    }

    #[expect(clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "dots of a page")]
    fn places(&self, area: Area) -> impl Iterator<Item = usize> {
        let (across, down) =
            (self.width as f64 / self.sheet.width(), self.height as f64 / self.sheet.height());
        let most = |value: f64, most: usize| (value.max(0.0) as usize).min(most);
        let columns =
            most((area.left * across).floor(), self.width)..most((area.right * across).ceil(), self.width);
        let from = ((self.sheet.height() - area.top) * down).floor();
        let rows =
            most(from, self.height)..most(((self.sheet.height() - area.bottom) * down).ceil(), self.height);
        let width = self.width;
        rows.flat_map(move |row| columns.clone().map(move |column| row * width + column))
    }
}
