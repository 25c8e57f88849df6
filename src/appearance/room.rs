//! Where a page has room: places at which a rectangle covers nothing.

use crate::pdf::Area;

/// What of a page is taken, in squares of [`STEP`] points.
pub(super) struct Room {
    sheet: Area,
    columns: usize,
    rows: usize,
    /// How many squares left of and below each corner are taken.
    sums: Vec<u32>,
}

/// From which corner of a region a place is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Corner {
    BottomLeft,
    TopLeft,
    TopRight,
}

impl Room {
    /// A page of this size on which these areas are taken.
    pub(super) fn new(sheet: Area, taken: impl IntoIterator<Item = Area>) -> Self {
        let columns = squares(sheet.width());
        let rows = squares(sheet.height());
        let mut cells = vec![0_u32; columns * rows];
        for area in taken {
            // Beside text a little more is kept free than between lines.
            let area = Area { left: area.left - BESIDE, right: area.right + BESIDE, ..area.grown(AROUND) };
            let (left, right) = (floor(area.left, columns), floor(area.right, columns));
            for row in floor(area.bottom, rows)..=floor(area.top, rows) {
                if let Some(run) = cells.get_mut(row * columns + left..=row * columns + right) {
                    run.fill(1);
                }
            }
        }
        let width = columns + 1;
        let mut sums = vec![0_u32; width * (rows + 1)];
        for row in 0..rows {
            let mut run = 0;
            for column in 0..columns {
                run += cells.get(row * columns + column).copied().unwrap_or(0);
                let below = sums.get(row * width + column + 1).copied().unwrap_or(0);
                if let Some(sum) = sums.get_mut((row + 1) * width + column + 1) {
                    *sum = below + run;
                }
            }
        }
        Self { sheet, columns, rows, sums }
    }

    /// Whether nothing is taken there; what lies beyond the page is.
    pub(super) fn is_free(&self, area: Area) -> bool {
        if !self.sheet.holds(&area, 0.0) {
            return false;
        }
        let (left, right) = (floor(area.left, self.columns), floor(area.right, self.columns) + 1);
        let (bottom, top) = (floor(area.bottom, self.rows), floor(area.top, self.rows) + 1);
        let sum = |row: usize, column: usize| {
            let at = row * (self.columns + 1) + column;
            self.sums.get(at).copied().map_or(i64::MAX / 8, i64::from)
        };
        sum(top, right) + sum(bottom, left) == sum(top, left) + sum(bottom, right)
    }

    /// The free place for a rectangle within `region` that is nearest to its corner, row by row.
    pub(super) fn find(&self, width: f64, height: f64, region: Area, from: Corner) -> Option<Area> {
        let region = region.common(self.sheet)?;
        if width > region.width() || height > region.height() {
            return None;
        }
        let (across, down) = (region.width() - width, region.height() - height);
        for row in 0..=whole(down) {
            for column in 0..=whole(across) {
                let (dx, dy) = (STEP * f64::from(column), STEP * f64::from(row));
                let left = match from {
                    Corner::TopRight => region.right - width - dx,
                    Corner::BottomLeft | Corner::TopLeft => region.left + dx,
                };
                let bottom = match from {
                    Corner::BottomLeft => region.bottom + dy,
                    Corner::TopLeft | Corner::TopRight => region.top - height - dy,
                };
                let area = Area::new(left, bottom, width, height);
                if self.is_free(area) {
                    return Some(area);
                }
            }
        }
        None
    }
}

#[expect(clippy::cast_sign_loss, reason = "clamped to what a page of the limits has")]
fn squares(length: f64) -> usize {
    (length / STEP).ceil().clamp(1.0, MOST_SQUARES) as usize
}

#[expect(clippy::cast_sign_loss, reason = "clamped from 0 on")]
fn floor(at: f64, squares: usize) -> usize {
    ((at / STEP).floor().max(0.0) as usize).min(squares.saturating_sub(1))
}

#[expect(clippy::cast_sign_loss, reason = "clamped from 0 on")]
fn whole(length: f64) -> u32 {
    (length / STEP).floor().clamp(0.0, MOST_SQUARES) as u32
}

/// In points.
const STEP: f64 = 3.0;

/// What is kept free above and below what is taken, in points.
const AROUND: f64 = 2.0;

/// What is kept free left and right of what is taken, in points.
const BESIDE: f64 = 5.0;

/// In one direction: a page of 4.5 m. On a larger one the squares at its far edges stand for all beyond.
const MOST_SQUARES: f64 = 4_300.0;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SHEET: Area = Area { left: 0.0, bottom: 0.0, right: 400.0, top: 600.0 };

    fn areas() -> impl Strategy<Value = Vec<Area>> {
        let area = (-20.0..400.0, -20.0..600.0, 0.0..120.0, 0.0..40.0);
        proptest::collection::vec(area.prop_map(|(x, y, w, h)| Area::new(x, y, w, h)), 0..30)
    }

    proptest! {
        #[test]
        fn a_place_that_is_found_covers_nothing(taken in areas(), w in 5.0..150.0, h in 5.0..150.0) {
            let room = Room::new(SHEET, taken.clone());
            for corner in [Corner::BottomLeft, Corner::TopLeft, Corner::TopRight] {
                if let Some(found) = room.find(w, h, SHEET, corner) {
                    prop_assert!(SHEET.holds(&found, 1e-9));
                    for area in &taken {
                        let common = area.common(found);
                        prop_assert!(common.is_none(), "{found:?} covers {area:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn corners_are_tried_first() {
        let room = Room::new(SHEET, [Area::new(100.0, 500.0, 200.0, 50.0)]);
        let found = |corner| room.find(60.0, 40.0, SHEET, corner).unwrap();
        assert_eq!(found(Corner::TopRight), Area::new(340.0, 560.0, 60.0, 40.0));
        assert_eq!(found(Corner::TopLeft), Area::new(0.0, 560.0, 60.0, 40.0));
        assert_eq!(found(Corner::BottomLeft), Area::new(0.0, 0.0, 60.0, 40.0));
        assert!(Room::new(SHEET, [SHEET]).find(10.0, 10.0, SHEET, Corner::TopLeft).is_none());
        assert!(room.find(500.0, 10.0, SHEET, Corner::TopLeft).is_none());
    }
}
