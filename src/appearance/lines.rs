//! The lines of a page as a reader sees them, and the anchors in them.

use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

use crate::pdf::{Area, Layout, Letter};

/// Letters that stand beside each other.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// In shown coordinates.
    pub(super) area: Area,
    letters: Vec<Sign>,
}

/// A letter with its marks.
#[derive(Clone, Debug)]
struct Sign {
    /// In NFD, without spaces.
    text: String,
    area: Area,
    base: f64,
    size: f64,
}

/// Upright lines, from the top down and from left to right; columns apart.
pub(super) fn lines(layout: &Layout) -> Vec<Line> {
    let mut signs = signs(&layout.letters);
    signs.sort_by(|one, two| two.base.total_cmp(&one.base));
    let mut rows: Vec<Vec<Sign>> = Vec::new();
    for sign in signs {
        match rows.last_mut() {
            Some(row) if row.first().is_some_and(|first| near(first, &sign)) => row.push(sign),
            _ => rows.push(vec![sign]),
        }
    }
    rows.into_iter().flat_map(columns).collect()
}

/// Marks that stand alone, as some programs write them, go to the letter before them.
fn signs(letters: &[Letter]) -> Vec<Sign> {
    let mut signs: Vec<Sign> = Vec::new();
    for letter in letters.iter().filter(|letter| letter.turns == Some(0)) {
        let text: String = letter.text.nfd().filter(|c| !c.is_whitespace()).collect();
        if text.is_empty() {
            continue;
        }
        let mark = text.chars().all(is_combining_mark);
        if mark && let Some(before) = signs.last_mut() {
            before.text = format!("{}{text}", before.text).nfd().collect();
            continue;
        }
        signs.push(Sign { text, area: letter.area, base: letter.base, size: letter.size });
    }
    signs
}

fn near(one: &Sign, two: &Sign) -> bool {
    (one.base - two.base).abs() < 0.3 * one.size.min(two.size).max(1.0)
}

/// A row cut where a gap is wider than any between words.
fn columns(mut row: Vec<Sign>) -> Vec<Line> {
    row.sort_by(|one, two| one.area.left.total_cmp(&two.area.left));
    let mut lines: Vec<Line> = Vec::new();
    for sign in row {
        match lines.last_mut() {
            Some(line) if sign.area.left - line.area.right < WIDEST_SPACE * sign.size.max(1.0) => {
                line.area = line.area.union(sign.area);
                line.letters.push(sign);
            }
            _ => lines.push(Line { area: sign.area, letters: vec![sign] }),
        }
    }
    lines
}

/// The lines that hold `anchor`, in order. Spaces do not count, nor whether letters are composed.
pub(super) fn with_anchor<'a>(lines: &'a [Line], anchor: &str) -> Vec<&'a Line> {
    let wanted: String = anchor.nfd().filter(|c| !c.is_whitespace()).collect();
    if wanted.is_empty() {
        return Vec::new();
    }
    let holds = |line: &&Line| {
        let text: String = line.letters.iter().map(|sign| sign.text.as_str()).collect();
        finds(&text, &wanted)
    };
    lines.iter().filter(holds).collect()
}

/// Whether `wanted` stands in `text`, and not with another mark on its last letter.
fn finds(text: &str, wanted: &str) -> bool {
    text.match_indices(wanted).any(|(at, found)| {
        let after = text.get(at + found.len()..).and_then(|rest| rest.chars().next());
        !after.is_some_and(is_combining_mark)
    })
}

/// The vertical room for a picture at an anchor's line: between the position and the name, whichever of the two the
/// anchor is. `None` when the lines are too near.
pub(super) fn room_at(anchor: &Line, lines: &[Line], sheet: Area) -> Option<Area> {
    let centre = anchor.area.centre().0;
    let column = Area { left: anchor.area.left - BESIDE, right: anchor.area.right + BESIDE, ..anchor.area };
    let others: Vec<Area> = lines
        .iter()
        .map(|line| line.area)
        .filter(|area| area.left < column.right && area.right > column.left && *area != anchor.area)
        .collect();
    let below = |area: Area| {
        let lower = others.iter().filter(|other| other.centre().1 < area.centre().1 - 1.0);
        lower.copied().max_by(|one, two| one.top.total_cmp(&two.top))
    };
    let centred = |area: &Area| (area.centre().0 - centre).abs() < CENTRED;
    let between = |top: f64, bottom: f64| Area { bottom, top, ..anchor.area };

    // The anchor is (a line of) the position: the name is the first line below that is not near.
    let mut last = anchor.area;
    for _ in 0..MOST_POSITION_LINES {
        match below(last).filter(centred) {
            Some(next) if last.bottom - next.top >= LEAST_ROOM => {
                return Some(between(last.bottom, next.top));
            }
            Some(next) => last = next,
            None => break,
        }
    }
    // The anchor is the name: the position is above.
    let upper = others.iter().filter(|other| other.centre().1 > anchor.area.centre().1 + 1.0);
    if let Some(above) = upper.copied().min_by(|one, two| one.bottom.total_cmp(&two.bottom))
        && centred(&above)
        && above.bottom - anchor.area.top >= LEAST_ROOM
    {
        return Some(between(above.bottom, anchor.area.top));
    }
    // No name is printed: the room below the position.
    let floor = below(last).map_or(sheet.bottom + BOTTOM_MARGIN, |next| next.top);
    let floor = floor.max(last.bottom - ROOM_WITHOUT_NAME);
    (last.bottom - floor >= LEAST_ROOM).then(|| between(last.bottom, floor))
}

/// Between words, in sizes of the letters. Columns stand farther apart.
const WIDEST_SPACE: f64 = 2.0;

/// How far beside the anchor something may stand and yet be in its column, in points.
const BESIDE: f64 = 12.0;

/// How far two centres of one column may lie apart, in points.
const CENTRED: f64 = 45.0;

/// The least height that a handwritten signature needs, in points: 9 mm.
const LEAST_ROOM: f64 = 25.0;

/// Lines of a position: "TM. ỦY BAN NHÂN DÂN", "KT. CHỦ TỊCH", "PHÓ CHỦ TỊCH", and one to spare.
const MOST_POSITION_LINES: usize = 4;

/// In points.
const BOTTOM_MARGIN: f64 = 30.0;

/// In points: 30 mm.
const ROOM_WITHOUT_NAME: f64 = 85.0;

#[cfg(test)]
mod tests {
    use super::*;

    /// A line of letters of 10 points, each 6 wide.
    fn write(layout: &mut Layout, left: f64, base: f64, text: &str) {
        for (at, c) in (0_u32..).zip(text.chars()) {
            layout.letters.push(Letter {
                text: c.to_string(),
                area: Area::new(left + 6.0 * f64::from(at), base - 2.0, 6.0, 10.0),
                base,
                size: 10.0,
                turns: Some(0),
            });
        }
    }

    fn page() -> Layout {
        let mut layout = Layout::default();
        write(&mut layout, 60.0, 200.0, "Nơi nhận:");
        write(&mut layout, 60.0, 186.0, "- Như Điều 3;");
        write(&mut layout, 300.0, 214.0, "KT. CHỦ TỊCH");
        write(&mut layout, 297.0, 200.0, "PHÓ CHỦ TỊCH");
        write(&mut layout, 290.0, 120.0, "Trần Thị Ẩn");
        write(&mut layout, 60.0, 260.0, "Quyết định này có hiệu lực kể từ ngày ký, các đơn vị thi hành./.");
        layout
    }

    const SHEET: Area = Area { left: 0.0, bottom: 0.0, right: 500.0, top: 700.0 };

    #[test]
    fn anchors_are_found_however_they_are_composed() {
        let lines = lines(&page());
        assert_eq!(with_anchor(&lines, "Nơi nhận").len(), 1);
        let decomposed: String = "PHÓ  CHỦ TỊCH".nfd().collect();
        assert_eq!(with_anchor(&lines, &decomposed).len(), 1);
        assert_eq!(with_anchor(&lines, "CHỦ TỊCH").len(), 2);
        assert!(with_anchor(&lines, "Trần Thị Â").is_empty(), "Ẩ is another letter than Â");
        assert!(with_anchor(&lines, " ").is_empty());
        assert!(with_anchor(&lines, "nhận: PHÓ").is_empty(), "two columns are no line");
    }

    #[test]
    fn marks_of_their_own_go_to_their_letters() {
        let mut layout = Layout::default();
        write(&mut layout, 10.0, 50.0, "e");
        for mark in ["\u{323}", "\u{302}"] {
            let area = Area::new(9.0, 50.0, 0.0, 10.0);
            layout.letters.push(Letter {
                text: mark.to_owned(),
                area,
                base: 50.0,
                size: 10.0,
                turns: Some(0),
            });
        }
        write(&mut layout, 16.0, 50.0, "n");
        assert_eq!(with_anchor(&lines(&layout), "ện").len(), 1);
    }

    #[test]
    fn the_room_is_the_same_from_above_and_from_below() {
        let lines = lines(&page());
        let at = |anchor: &str| {
            let found = with_anchor(&lines, anchor);
            room_at(found.last().unwrap(), &lines, SHEET).unwrap()
        };
        for anchor in ["KT. CHỦ TỊCH", "PHÓ CHỦ TỊCH", "Trần Thị Ẩn"] {
            assert_eq!((at(anchor).bottom, at(anchor).top), (128.0, 198.0), "{anchor}");
        }
        let mut nameless = page();
        nameless.letters.retain(|letter| letter.base > 121.0);
        let lines = super::lines(&nameless);
        let found = with_anchor(&lines, "PHÓ CHỦ TỊCH");
        let room = room_at(found[0], &lines, SHEET).unwrap();
        assert_eq!((room.bottom, room.top), (198.0 - ROOM_WITHOUT_NAME, 198.0));
        let mut tight = page();
        write(&mut tight, 290.0, 186.0, "Trần Thị Ẩn");
        tight.letters.retain(|letter| letter.base > 121.0);
        write(&mut tight, 290.0, 172.0, "ghi chú");
        write(&mut tight, 290.0, 158.0, "ghi chú");
        write(&mut tight, 290.0, 144.0, "ghi chú");
        let lines = super::lines(&tight);
        let found = with_anchor(&lines, "KT. CHỦ TỊCH");
        assert!(room_at(found[0], &lines, Area { bottom: 110.0, ..SHEET }).is_none());
    }
}
