//! The pointer, drawn into a picture.

use convene_screen::{CursorState, ScreenSize};

const PIXEL_BYTES: usize = 4;

/// Draws the pointer into a BGRx picture with tight rows, where it is visible and its picture is known.
pub fn draw(pixels: &mut [u8], size: ScreenSize, cursor: &CursorState) {
    let Some(picture) = cursor.picture.as_ref().filter(|_| cursor.visible) else {
        return;
    };
    let left = i32::from(cursor.x) - i32::from(picture.hot.x);
    let top = i32::from(cursor.y) - i32::from(picture.hot.y);
    let columns = visible_part(left, picture.width, size.width());
    if columns.is_empty() {
        return;
    }
    let stride = usize::from(size.width()) * PIXEL_BYTES;

    for row in visible_part(top, picture.height, size.height()) {
        let source = (row * usize::from(picture.width) + columns.start) * PIXEL_BYTES;
        let source = &picture.bgra[source..][..columns.len() * PIXEL_BYTES];
        let x = (left + columns.start as i32) as usize;
        let y = (top + row as i32) as usize;
        let target = &mut pixels[y * stride + x * PIXEL_BYTES..][..source.len()];
        blend(target, source);
    }
}

/// Which of the picture's columns (or rows) lie on the screen.
fn visible_part(start: i32, length: u16, screen: u16) -> std::ops::Range<usize> {
    let first = (-start).clamp(0, length.into());
    let end = (i32::from(screen) - start).clamp(first, length.into());
    first as usize..end as usize
}

fn blend(target: &mut [u8], source: &[u8]) {
    for (target, source) in target.chunks_exact_mut(PIXEL_BYTES).zip(source.chunks_exact(PIXEL_BYTES)) {
        let alpha = u32::from(source[3]);
        for (under, &over) in target.iter_mut().zip(&source[..3]) {
            *under = ((u32::from(over) * alpha + u32::from(*under) * (255 - alpha) + 127) / 255) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use convene_screen::{CursorPicture, Point};

    use super::*;

    /// Two by two pixels: opaque white, half white; transparent white, opaque red. It points with its second row's first pixel.
    fn cursor_at(x: i16, y: i16) -> CursorState {
        let bgra = vec![255, 255, 255, 255, 255, 255, 255, 128, 255, 255, 255, 0, 0, 0, 255, 255];
        let picture = CursorPicture { hot: Point { x: 0, y: 1 }, width: 2, height: 2, bgra };
        CursorState { picture: Some(picture), x, y, visible: true }
    }

    /// The red bytes of a black screen of 3 x 3 pixels with the pointer on it.
    fn reds(cursor: &CursorState) -> [u8; 9] {
        let size = ScreenSize::new(3, 3).expect("a small screen");
        let mut pixels = [0, 0, 0, 0xff].repeat(9);
        draw(&mut pixels, size, cursor);
        std::array::from_fn(|index| pixels[index * 4 + 2])
    }

    #[test]
    fn the_hot_spot_is_where_the_cursor_is() {
        assert_eq!(reds(&cursor_at(1, 1)), [0, 255, 128, 0, 0, 255, 0, 0, 0]);
    }

    #[test]
    fn what_lies_beyond_the_screen_is_not_drawn() {
        assert_eq!(reds(&cursor_at(-1, 0)), [255, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(reds(&cursor_at(2, 3)), [0, 0, 0, 0, 0, 0, 0, 0, 255]);
        for (x, y) in [(3, 1), (-2, 1), (1, 4), (1, -1), (i16::MAX, 0), (i16::MIN, i16::MIN)] {
            assert_eq!(reds(&cursor_at(x, y)), [0; 9], "{x}, {y}");
        }
    }

    #[test]
    fn a_hidden_cursor_is_not_drawn() {
        assert_eq!(reds(&CursorState { visible: false, ..cursor_at(1, 1) }), [0; 9]);
        assert_eq!(reds(&CursorState { picture: None, ..cursor_at(1, 1) }), [0; 9]);
    }
}
