//! The scenes with a series of graphics.

use convene_screen::graphic::Series;
use convene_screen::{Record, Rect};

use crate::scenes::{
    BLUE, Named, begin, bytes_of, fill, gradient_pixel, keep, plays, refuses, size, text_pixel, update,
};

/// Of the first picture of each scene.
const PLACE: Rect = Rect::new(0, 2, 79, 23);

pub fn all() -> Vec<Named> {
    [shown(), refused()].into_iter().flatten().collect()
}

fn shown() -> Vec<Named> {
    let plays_on =
        |name, about, records: &[Record]| (name, plays(about, &[&begin(80, 50)[..], records].concat()));
    let below = Rect { y: 25, height: 24, ..PLACE };
    let [mut series, mut one, mut other, mut missed] = [(); 4].map(|()| Series::default());
    vec![
        plays_on(
            "series",
            "Two lines of something like text in one update, then a picture of other colours beside, and a line again.",
            &[
                next(&mut series, true, PLACE, text_pixel),
                next(&mut series, false, below, |x, y| text_pixel(x, y + 23)),
                update(40),
                next(&mut series, false, Rect::new(70, 10, 4, 3), gradient_pixel),
                next(&mut series, false, Rect { y: 0, ..PLACE }, text_pixel),
                update(50),
            ],
        ),
        plays_on(
            "series-begins-again",
            "A series goes on after a new size, and another one forgets what it has taught.",
            &[
                next(&mut one, true, PLACE, text_pixel),
                update(40),
                size(79, 23),
                next(&mut one, false, Rect { y: 0, ..PLACE }, text_pixel),
                next(&mut other, true, Rect::new(3, 1, 70, 20), text_pixel),
                next(&mut other, false, Rect::new(0, 0, 40, 23), text_pixel),
                update(50),
            ],
        ),
        plays_on(
            "series-hidden",
            "A graphic that only teaches leaves the screen as it was, and the next one needs it.",
            &[
                hidden(&next(&mut missed, true, PLACE, text_pixel)),
                update(40),
                next(&mut missed, false, below, text_pixel),
                update(50),
            ],
        ),
    ]
}

fn refused() -> Vec<Named> {
    let begun = |records: &[Record]| bytes_of(&[&begin(80, 50)[..], records, &[update(1)]].concat());
    let bad = |name, about, records: &[Record]| refuses(name, "bad-picture", about, begun(records));
    let mut series = Series::default();
    let first = next(&mut series, true, PLACE, text_pixel);
    let second = next(&mut series, false, PLACE, text_pixel);
    let after_start =
        [&[first.clone(), update(1)][..], &begin(80, 50), std::slice::from_ref(&second)].concat();
    let wide = bytes_of(&begin(600, 4)) + "0d0000000a000000000201000101ff";
    let flags = bytes_of(&begin(600, 4)) + "0d0000000a000000000001000105ff";
    let short = bytes_of(&begin(600, 4)) + "0d00000009000000000001000101";
    vec![
        bad(
            "error-series-without-beginning",
            "A series that was not begun goes on.",
            std::slice::from_ref(&second),
        ),
        bad("error-series-after-start", "Start ends the series.", &after_start),
        bad(
            "error-series-missed",
            "A graphic of a series comes twice: what it repeats is no longer what was expected.",
            &[first.clone(), second.clone(), second],
        ),
        bad("error-series-cut", "A graphic of which the end is not there.", &[cut(&first)]),
        refuses("error-series-flags", "bad-picture", "Flags that do not exist.", flags),
        refuses("error-series-too-large", "picture-too-large", "A graphic of 513 columns.", wide),
        refuses("error-series-length", "bad-length", "A Serial without a graphic.", short),
        refuses(
            "error-series-keep",
            "bad-keep",
            "What is coded with others cannot be kept.",
            begun(&[fill(0, 0, 1, 1, BLUE), first, keep(7)]),
        ),
    ]
}

fn next(series: &mut Series, begins: bool, rect: Rect, pixel: impl Fn(u16, u16) -> [u8; 4]) -> Record {
    let places = (0..rect.height).flat_map(|y| (0..rect.width).map(move |x| (x, y)));
    let pixels: Vec<u8> = places.flat_map(|(x, y)| pixel(x, y)).collect();
    let place = Rect::new(0, 0, rect.width, rect.height);
    let graphic = series.encode(&pixels, usize::from(rect.width) * 4, place, usize::MAX);
    Record::Serial { rect, begins, is_shown: true, graphic: graphic.expect("it may take what it takes") }
}

/// The same with other bytes.
fn cut(record: &Record) -> Record {
    let Record::Serial { rect, begins, is_shown, graphic } = record.clone() else {
        panic!("only a series is cut")
    };
    Record::Serial { rect, begins, is_shown, graphic: graphic.slice(..graphic.len() / 2) }
}

/// The same, to be learned from only.
fn hidden(record: &Record) -> Record {
    let Record::Serial { rect, begins, graphic, .. } = record.clone() else {
        panic!("only a series is hidden")
    };
    Record::Serial { rect, begins, is_shown: false, graphic }
}
