//! Upright rectangles, and the six numbers of a transformation (ISO 32000-2 sections 7.9.5 and 8.3.3).

use super::object::{Dictionary, Object};

/// An upright rectangle. `left <= right` and `bottom <= top` in all that this room makes.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Area {
    /// The left edge.
    pub left: f64,
    /// The lower edge.
    pub bottom: f64,
    /// The right edge.
    pub right: f64,
    /// The upper edge.
    pub top: f64,
}

impl Area {
    /// From the lower left corner, width and height.
    pub fn new(left: f64, bottom: f64, width: f64, height: f64) -> Self {
        Self { left, bottom, right: left + width, top: bottom + height }
    }

    /// The smallest one that holds these points; `None` without any, or where one is not a number.
    pub fn around(points: impl IntoIterator<Item = (f64, f64)>) -> Option<Self> {
        let mut found: Option<Self> = None;
        for (x, y) in points {
            if !x.is_finite() || !y.is_finite() {
                return None;
            }
            let point = Self { left: x, bottom: y, right: x, top: y };
            found = Some(found.map_or(point, |area| area.union(point)));
        }
        found
    }

    /// As a file writes one: any two opposite corners.
    pub(super) fn read(object: &Object) -> Option<Self> {
        let sides: Vec<f64> = object.as_array()?.iter().map(Object::as_number).collect::<Option<_>>()?;
        let [x1, y1, x2, y2] = sides.try_into().ok()?;
        Self::around([(x1, y1), (x2, y2)])
    }

    /// `/Rect` of an annotation.
    pub(super) fn of_annotation(annotation: &Dictionary) -> Option<Self> {
        Self::read(annotation.get("Rect")?)
    }

    /// In the unit of its sides.
    pub fn width(&self) -> f64 {
        self.right - self.left
    }

    /// In the unit of its sides.
    pub fn height(&self) -> f64 {
        self.top - self.bottom
    }

    /// Its middle.
    pub fn centre(&self) -> (f64, f64) {
        (f64::midpoint(self.left, self.right), f64::midpoint(self.bottom, self.top))
    }

    /// Whether it has any extent in both directions.
    pub fn is_visible(&self) -> bool {
        self.width() > 0.0 && self.height() > 0.0
    }

    /// The smallest one that holds both.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self {
            left: self.left.min(other.left),
            bottom: self.bottom.min(other.bottom),
            right: self.right.max(other.right),
            top: self.top.max(other.top),
        }
    }

    /// What both have in common, if it has any extent or is at least a line or a point.
    pub fn common(self, other: Self) -> Option<Self> {
        let area = Self {
            left: self.left.max(other.left),
            bottom: self.bottom.max(other.bottom),
            right: self.right.min(other.right),
            top: self.top.min(other.top),
        };
        (area.left <= area.right && area.bottom <= area.top).then_some(area)
    }

    /// Whether `other` lies within it, give or take `slack`.
    pub fn holds(&self, other: &Self, slack: f64) -> bool {
        other.left >= self.left - slack
            && other.right <= self.right + slack
            && other.bottom >= self.bottom - slack
            && other.top <= self.top + slack
    }

    /// Wider by `by` on each side; narrower when it is negative.
    #[must_use]
    pub fn grown(self, by: f64) -> Self {
        Self { left: self.left - by, bottom: self.bottom - by, right: self.right + by, top: self.top + by }
    }
}

/// `[a b c d e f]`.
pub(super) type Matrix = [f64; 6];

pub(super) const IDENTITY: Matrix = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0];

/// `first`, and `then` after it.
pub(super) fn chain(first: &Matrix, then: &Matrix) -> Matrix {
    let [a, b, c, d, e, f] = *first;
    let [ta, tb, tc, td, te, tf] = *then;
    [
        a * ta + b * tc,
        a * tb + b * td,
        c * ta + d * tc,
        c * tb + d * td,
        e * ta + f * tc + te,
        e * tb + f * td + tf,
    ]
}

pub(super) fn apply(matrix: &Matrix, (x, y): (f64, f64)) -> (f64, f64) {
    let [a, b, c, d, e, f] = *matrix;
    (a * x + c * y + e, b * x + d * y + f)
}

/// The area around a transformed one.
pub(super) fn apply_to_area(matrix: &Matrix, area: Area) -> Option<Area> {
    let Area { left, bottom, right, top } = area;
    Area::around(
        [(left, bottom), (right, bottom), (left, top), (right, top)].map(|point| apply(matrix, point)),
    )
}
