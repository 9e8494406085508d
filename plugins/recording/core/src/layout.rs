//! Where the shared screen and the faces stand in the recorded picture.

use crate::{Placement, VideoSize};

/// Faces are laid out for this shape, which most cameras have; others keep their own shape within their tile.
const TILE_SHAPE: (u32, u32) = (4, 3);
/// So many tiles fill the height of a strip beside the screen. More of them are smaller.
const STRIP_TILES: u32 = 4;
/// The strip takes at most this part of the width.
const STRIP_PART: u32 = 3;
/// Between tiles, in pixels.
const GAP: u32 = 4;
/// Nobody is known by fewer pixels than these: where a tile would be smaller, no faces are shown.
const TILE_SIDE_MIN: u32 = 16;

/// What of a meeting a recording shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Arrangement {
    /// The screen, with the faces beside it; the faces alone while no screen is shared.
    #[default]
    Beside,
    /// The screen alone while one is shared, and the faces otherwise.
    Screen,
    /// The faces alone while there are any, and the screen otherwise.
    Faces,
}

impl Arrangement {
    /// Whether the screen is shown, and whether the faces are, of those that are there.
    #[must_use]
    pub fn shows(self, has_screen: bool, has_faces: bool) -> (bool, bool) {
        match self {
            Self::Beside => (has_screen, has_faces),
            Self::Screen => (has_screen, has_faces && !has_screen),
            Self::Faces => (has_screen && !has_faces, has_faces),
        }
    }
}

/// A place for each part of the picture. No two of them touch, and all coordinates are even unless a part fills a side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The shared screen's.
    pub stage: Option<Placement>,
    /// The faces', in their order; none where there is no room for them.
    pub tiles: Vec<Placement>,
}

impl Layout {
    /// The screen has the stage, if one is shared, with the faces as a strip on its right. Otherwise they fill the picture as a grid, and
    /// one that is alone has all of it.
    pub fn of(canvas: VideoSize, screen: Option<VideoSize>, faces: usize) -> Self {
        let (width, height) = (canvas.width(), canvas.height());
        match screen {
            Some(screen) => {
                let strip = strip(canvas);
                let tiles = if faces == 0 { Vec::new() } else { column(canvas, strip, faces) };
                let left = if tiles.is_empty() { width } else { width - strip };
                let area = VideoSize::new(left, height).expect("a part of a picture is one");
                Self { stage: Some(Placement::fit(screen, area)), tiles }
            }
            None if faces == 1 => Self { stage: None, tiles: vec![Placement { x: 0, y: 0, width, height }] },
            None => Self { stage: None, tiles: grid(width, height, faces) },
        }
    }

    /// The size in which a screen keeps its own beside a strip of faces.
    pub fn beside(screen: VideoSize) -> VideoSize {
        let (width, height) = (screen.width(), screen.height());
        VideoSize::new(width + even(height / 3).min(width / 2), height).unwrap_or(screen)
    }
}

/// The width of the strip: as many tiles as fit its height.
fn strip(canvas: VideoSize) -> u32 {
    let (across, down) = TILE_SHAPE;
    even(canvas.height() * across / down / STRIP_TILES).min(even(canvas.width() / STRIP_PART))
}

/// One below the other, in the middle of the strip's height.
fn column(canvas: VideoSize, strip: u32, faces: usize) -> Vec<Placement> {
    let count = u32::try_from(faces).unwrap_or(u32::MAX);
    let (across, down) = TILE_SHAPE;
    let height = even((strip * down / across).min(canvas.height() / count));
    let width = even((height * across / down).min(strip));
    let left = canvas.width() - strip + even((strip - width) / 2);
    let top = even((canvas.height() - height * count.min(canvas.height())) / 2);
    rows(count, width, height, |number| (left, top + number * height))
}

/// As many columns as make the faces largest; what is left over in the last row stands in its middle.
fn grid(width: u32, height: u32, faces: usize) -> Vec<Placement> {
    let count = u32::try_from(faces).unwrap_or(u32::MAX);
    let (across, down) = TILE_SHAPE;
    let rows_of = |columns: u32| count.div_ceil(columns);
    let face_height = |columns: u32| (width / columns * down / across).min(height / rows_of(columns));
    // Of two that are equally good, the one with fewer rows.
    let Some(columns) = (1..=count.min(width)).max_by_key(|columns| face_height(*columns)) else {
        return Vec::new();
    };
    let (cell_width, cell_height) = (even(width / columns), even(height / rows_of(columns)));
    rows(count, cell_width, cell_height, |number| {
        let row = number / columns;
        let in_row = (count - row * columns).min(columns);
        let left = even((width - in_row * cell_width) / 2);
        (left + number % columns * cell_width, row * cell_height)
    })
}

/// Tiles at these places, with a gap around each.
fn rows(count: u32, width: u32, height: u32, place: impl Fn(u32) -> (u32, u32)) -> Vec<Placement> {
    if width < TILE_SIDE_MIN + GAP || height < TILE_SIDE_MIN + GAP {
        return Vec::new();
    }
    let tile = |number| {
        let (x, y) = place(number);
        Placement { x: x + GAP / 2, y: y + GAP / 2, width: width - GAP, height: height - GAP }
    };
    (0..count).map(tile).collect()
}

fn even(length: u32) -> u32 {
    length / 2 * 2
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn size(width: u32, height: u32) -> VideoSize {
        VideoSize::new(width, height).expect("a size")
    }

    fn tuple(at: &Placement) -> (u32, u32, u32, u32) {
        (at.x, at.y, at.width, at.height)
    }

    fn tiles(canvas: VideoSize, screen: Option<VideoSize>, faces: usize) -> Vec<(u32, u32, u32, u32)> {
        Layout::of(canvas, screen, faces).tiles.iter().map(tuple).collect()
    }

    #[test]
    fn every_arrangement_shows_something_if_there_is_anything() {
        for arrangement in [Arrangement::Beside, Arrangement::Screen, Arrangement::Faces] {
            for there in [(false, false), (false, true), (true, false)] {
                assert_eq!(arrangement.shows(there.0, there.1), there, "{arrangement:?}");
            }
        }
        assert_eq!(Arrangement::Beside.shows(true, true), (true, true));
        assert_eq!(Arrangement::Screen.shows(true, true), (true, false));
        assert_eq!(Arrangement::Faces.shows(true, true), (false, true));
    }

    #[test]
    fn a_screen_alone_fills_the_picture() {
        let layout = Layout::of(size(1280, 720), Some(size(1280, 720)), 0);
        assert_eq!(layout.stage.as_ref().map(tuple), Some((0, 0, 1280, 720)));
        assert_eq!(layout.tiles, []);
    }

    #[test]
    fn faces_stand_beside_the_screen() {
        let canvas = size(1280, 720);
        let layout = Layout::of(canvas, Some(canvas), 2);
        assert_eq!(layout.stage.as_ref().map(tuple), Some((0, 68, 1040, 584)));
        assert_eq!(tiles(canvas, Some(canvas), 2), [(1042, 182, 236, 176), (1042, 362, 236, 176)]);
        let ten = tiles(canvas, Some(canvas), 10);
        assert_eq!((ten[0], ten[9]), ((1114, 2, 92, 68), (1114, 650, 92, 68)));
    }

    #[test]
    fn a_picture_with_room_for_the_strip_keeps_the_screens_own_size() {
        for (width, height) in [(1280, 720), (1920, 1080), (800, 600), (1366, 768), (1024, 768), (641, 481)] {
            let screen = size(width, height);
            let layout = Layout::of(Layout::beside(screen), Some(screen), 3);
            assert_eq!(layout.stage.as_ref().map(tuple), Some((0, 0, width, height)));
            assert_eq!(layout.tiles.len(), 3);
        }
        assert_eq!(Layout::beside(size(1280, 720)), size(1520, 720));
    }

    #[test]
    fn without_a_screen_faces_are_a_grid() {
        let canvas = size(1280, 720);
        assert_eq!(tiles(canvas, None, 0), []);
        assert_eq!(tiles(canvas, None, 1), [(0, 0, 1280, 720)]);
        assert_eq!(tiles(canvas, None, 2), [(2, 2, 636, 716), (642, 2, 636, 716)]);
        assert_eq!(
            tiles(canvas, None, 3),
            [(2, 2, 636, 356), (642, 2, 636, 356), (322, 362, 636, 356)],
            "the third in the middle of its row"
        );
        let ten = tiles(canvas, None, 10);
        assert_eq!((ten[0], ten[9]), ((2, 2, 316, 236), (642, 482, 316, 236)), "four columns");
    }

    #[test]
    fn a_picture_too_small_for_faces_has_none() {
        assert_eq!(tiles(size(32, 32), None, 10), []);
        let layout = Layout::of(size(64, 64), Some(size(64, 64)), 10);
        assert_eq!((layout.stage.as_ref().map(tuple), layout.tiles), (Some((0, 0, 64, 64)), vec![]));
        assert_eq!(tiles(size(1, 1), None, usize::MAX), []);
        assert_eq!(tiles(size(1, 1), Some(size(9, 9)), usize::MAX), []);
    }

    proptest! {
        #[test]
        fn nothing_stands_out_and_nothing_covers_another(
            width in 1_u32..4000, height in 1_u32..4000, faces in 0_usize..40,
            screen in proptest::option::of((1_u32..4000, 1_u32..4000)),
        ) {
            let layout = Layout::of(size(width, height), screen.map(|(w, h)| size(w, h)), faces);
            let parts: Vec<Placement> = layout.stage.into_iter().chain(layout.tiles).collect();
            for (at, one) in parts.iter().enumerate() {
                prop_assert!(one.x + one.width <= width && one.y + one.height <= height, "{one:?}");
                prop_assert!(0 < one.width && 0 < one.height);
                for other in &parts[at + 1..] {
                    let apart = one.x + one.width <= other.x || other.x + other.width <= one.x
                        || one.y + one.height <= other.y || other.y + other.height <= one.y;
                    prop_assert!(apart, "{one:?} {other:?}");
                }
            }
        }
    }
}
