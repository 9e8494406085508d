//! Pictures that say which they are: a number in cells so coarse that no encoder loses it.

pub const WIDTH: u32 = 320;
pub const HEIGHT: u32 = 240;
/// 24 cells in a row of six: 8 bits whose picture it is, 16 which one.
const COLUMNS: u32 = 6;
const ROWS: u32 = 4;

/// A picture's meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    pub whose: u8,
    pub number: u16,
}

impl Mark {
    /// As I420.
    pub fn paint(self) -> Vec<u8> {
        let bits = u32::from(self.whose) << 16 | u32::from(self.number);
        let mut picture = vec![128; (WIDTH * HEIGHT * 3 / 2) as usize];
        for y in 0..HEIGHT {
            for x in 0..WIDTH {
                let cell = y * ROWS / HEIGHT * COLUMNS + x * COLUMNS / WIDTH;
                picture[(y * WIDTH + x) as usize] = if bits >> cell & 1 == 1 { 200 } else { 50 };
            }
        }
        picture
    }

    /// From the luma plane of a picture of any size.
    pub fn read(luma: &[u8], stride: usize, width: u32, height: u32) -> Self {
        let mut bits = 0_u32;
        for cell in 0..COLUMNS * ROWS {
            let x = (cell % COLUMNS * 2 + 1) * width / (COLUMNS * 2);
            let y = (cell / COLUMNS * 2 + 1) * height / (ROWS * 2);
            bits |= u32::from(luma[y as usize * stride + x as usize] > 125) << cell;
        }
        Self { whose: (bits >> 16) as u8, number: bits as u16 }
    }
}

#[test]
fn a_mark_is_read_as_it_was_painted() {
    let mark = Mark { whose: 0xa5, number: 0x1234 };
    assert_eq!(Mark::read(&mark.paint(), WIDTH as usize, WIDTH, HEIGHT), mark);
}
