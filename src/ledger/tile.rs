//! Tiles: the tree in pieces that anyone may fetch and keep (C2SP tlog-tiles).

use std::{fmt, str::FromStr};

/// Hashes in a full tile (C2SP tlog-tiles, "Merkle tree").
pub const TILE_HASHES: u64 = 256;

/// Which tile: `tile/<L>/<N>[.p/<W>]` or `tile/entries/<N>[.p/<W>]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TilePath {
    /// The level, 0 to 63; none for the entries themselves, which lie under level 0.
    pub level: Option<u8>,
    /// The tile's number within its level.
    pub index: u64,
    /// Hashes or entries in it, 1 to 256; 256 is a full tile.
    pub width: u16,
}

impl TilePath {
    /// Every tile of the tree of `size` leaves, hashes first, level by level; partial ones last in each.
    pub fn of_tree(size: u64) -> Vec<Self> {
        let mut tiles = Vec::new();
        let mut level = 0;
        let mut hashes = size;
        while hashes > 0 {
            tiles.extend(Self::of_level(Some(level), hashes));
            hashes /= TILE_HASHES;
            level += 1;
        }
        tiles.extend(Self::of_level(None, size));
        tiles
    }

    /// Whether a tree of `size` leaves has it.
    pub fn is_in(&self, size: u64) -> bool {
        let below = u32::from(self.level.unwrap_or(0)) * 8;
        let hashes = size.checked_shr(below).unwrap_or(0);
        let end = self.index.checked_mul(TILE_HASHES).and_then(|start| start.checked_add(self.width.into()));
        end.is_some_and(|end| end <= hashes)
    }

    fn of_level(level: Option<u8>, hashes: u64) -> impl Iterator<Item = Self> {
        let full = (0..hashes / TILE_HASHES).map(move |index| Self { level, index, width: 256 });
        let rest = (hashes % TILE_HASHES) as u16;
        full.chain((rest > 0).then_some(Self { level, index: hashes / TILE_HASHES, width: rest }))
    }
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.level {
            Some(level) => write!(f, "tile/{level}/")?,
            None => f.write_str("tile/entries/")?,
        }
        let mut groups = vec![self.index % GROUP];
        let mut rest = self.index / GROUP;
        while rest > 0 {
            groups.push(rest % GROUP);
            rest /= GROUP;
        }
        for group in groups[1..].iter().rev() {
            write!(f, "x{group:03}/")?;
        }
        write!(f, "{:03}", groups[0])?;
        if u64::from(self.width) < TILE_HASHES {
            write!(f, ".p/{}", self.width)?;
        }
        Ok(())
    }
}

impl FromStr for TilePath {
    type Err = TilePathError;

    /// Reads the one spelling of a path that [`fmt::Display`] writes.
    fn from_str(text: &str) -> Result<Self, TilePathError> {
        read(text).filter(|tile| tile.to_string() == text).ok_or(TilePathError)
    }
}

/// The text is not the path of a tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a tile is tile/<level>/<number> or tile/entries/<number>, such as tile/0/x001/x234/067 or tile/0/273.p/112"
)]
pub struct TilePathError;

/// Entries as C2SP tlog-tiles bundles them: each after its length in two bytes, the higher first.
///
/// None when an entry is longer than 65,535 bytes.
pub fn entry_bundle<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> Option<Vec<u8>> {
    let mut bundle = Vec::new();
    for entry in entries {
        bundle.extend(u16::try_from(entry.len()).ok()?.to_be_bytes());
        bundle.extend(entry);
    }
    Some(bundle)
}

const GROUP: u64 = 1000;
/// `tile/entries/` and seven groups and a partial width; a number of 64 bits has no more.
const LONGEST: usize = 64;

fn read(text: &str) -> Option<TilePath> {
    let rest = (text.len() <= LONGEST).then_some(text)?.strip_prefix("tile/")?;
    let (level, rest) = rest.split_once('/')?;
    let level = match level {
        "entries" => None,
        digits => Some(digits.parse::<u8>().ok().filter(|level| *level < 64)?),
    };
    let (number, width) = match rest.split_once(".p/") {
        Some((number, width)) => (number, width.parse().ok().filter(|width| (1..256).contains(width))?),
        None => (rest, 256),
    };
    let mut index = 0_u64;
    for group in number.split('/') {
        let group: u64 = group.trim_start_matches('x').parse().ok().filter(|group| *group < GROUP)?;
        index = index.checked_mul(GROUP)?.checked_add(group)?;
    }
    Some(TilePath { level, index, width })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_worked_path_of_the_standard() {
        let tile = TilePath { level: Some(0), index: 1_234_067, width: 256 };
        assert_eq!(tile.to_string(), "tile/0/x001/x234/067");
        assert_eq!("tile/0/x001/x234/067".parse(), Ok(tile));
        let partial = TilePath { level: None, index: 273, width: 112 };
        assert_eq!(partial.to_string(), "tile/entries/273.p/112");
    }

    #[test]
    fn the_worked_size_of_the_standard() {
        let tiles = TilePath::of_tree(70_000);
        let full = |level| tiles.iter().filter(|tile| tile.level == level && tile.width == 256).count();
        let partial = |level| {
            tiles
                .iter()
                .filter(|tile| tile.level == level && tile.width < 256)
                .map(|tile| tile.width)
                .collect::<Vec<_>>()
        };
        assert_eq!((full(Some(0)), partial(Some(0))), (273, vec![112]));
        assert_eq!((full(Some(1)), partial(Some(1))), (1, vec![17]));
        assert_eq!((full(Some(2)), partial(Some(2))), (0, vec![1]));
        assert_eq!((full(None), partial(None)), (273, vec![112]));
        assert!(tiles.iter().all(|tile| tile.is_in(70_000)));
        assert!(!TilePath { level: Some(0), index: 273, width: 113 }.is_in(70_000));
        assert!(!TilePath { level: Some(3), index: 0, width: 1 }.is_in(70_000));
        assert!(!TilePath { level: Some(63), index: u64::MAX, width: 256 }.is_in(70_000));
        assert!(TilePath::of_tree(0).is_empty());
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in [
            "",
            "tile",
            "tile/",
            "tile/0",
            "tile/0/",
            "tile/0/0",
            "tile/0/0000",
            "tile/00/000",
            "tile/64/000",
            "tile/-1/000",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/01",
            "tile/0/x000/001",
            "tile/0/001/067",
            "tile/0/x001/x067",
            "tile/0/xx01/067",
            "/tile/0/000",
            "tile/0/000/",
            "tile/8/0/000",
            "tile/data/000",
            "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
            "tile/0/+01",
            "tile/0/000.p/+1",
        ] {
            assert_eq!(text.parse::<TilePath>(), Err(TilePathError), "{text}");
        }
    }

    #[test]
    fn a_bundle_gives_each_entry_its_length() {
        assert_eq!(entry_bundle([&b"ab"[..], &b""[..]]), Some(vec![0, 2, b'a', b'b', 0, 0]));
        assert_eq!(entry_bundle([&vec![0; 65_536][..]]), None);
        assert_eq!(entry_bundle([&vec![0; 65_535][..]]).unwrap().len(), 65_537);
    }

    proptest! {
        #[test]
        fn a_path_comes_back(level in proptest::option::of(0_u8..64), index: u64, width in 1_u16..=256) {
            let tile = TilePath { level, index, width };
            prop_assert_eq!(tile.to_string().parse(), Ok(tile));
        }

        #[test]
        fn any_text_is_read_without_panic(text in "(tile/)?[0-9x/.p-]{0,70}") {
            if let Ok(tile) = text.parse::<TilePath>() {
                prop_assert_eq!(tile.to_string(), text);
            }
        }
    }
}
