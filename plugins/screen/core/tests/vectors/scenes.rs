//! The scenes of the test vectors.

use bytes::{Bytes, BytesMut};
use convene_screen::graphic;
use convene_screen::webp::{self, Effort};
use convene_screen::{Colour, CursorShape, Decoder, Picture, Point, Record, Rect, ScreenSize};

use crate::scene::{Expected, Repeat, Scene, Seen, Shown, to_hex};
use crate::{film, series};

/// All names of `StreamError::name`.
pub const ERRORS: [&str; 16] = [
    "not-a-screen-stream",
    "unknown-version",
    "unknown-kind",
    "body-too-long",
    "bad-length",
    "bad-size",
    "no-size",
    "bad-rect",
    "picture-too-large",
    "bad-picture",
    "bad-video",
    "bad-flag",
    "bad-keep",
    "unknown-key",
    "update-too-long",
    "truncated",
];

const RED: Colour = Colour { red: 0xd0, green: 0x20, blue: 0x10 };
pub const BLUE: Colour = Colour { red: 0x10, green: 0x30, blue: 0xe0 };

pub type Named = (&'static str, Scene);

/// File name and scene.
pub fn all() -> Vec<Named> {
    let refused = [refused_by_header(), refused_by_body(), refused_by_cache()];
    [painted(), changed(), kept(), film::all(), series::all()].into_iter().chain(refused).flatten().collect()
}

fn painted() -> Vec<Named> {
    let gradient = picture(Rect::new(1, 1, 4, 3));
    let paints = |name, about, records: &[Record]| {
        (name, plays(about, &[&begin(6, 4)[..], records, &[update(40)]].concat()))
    };
    let moves = |name, about, to, from| paints(name, about, &[gradient.clone(), moved(to, from)]);
    vec![
        paints("fill", "One rectangle of one colour on a black screen.", &[fill(1, 1, 3, 2, RED)]),
        paints("picture", "A lossless picture.", std::slice::from_ref(&gradient)),
        paints(
            "picture-with-alpha",
            "The alpha of a picture is ignored.",
            &[transparent_picture(Rect::new(0, 0, 3, 2))],
        ),
        paints("picture-lossy", "A lossy picture.", &[lossy_picture(Rect::new(0, 0, 6, 4))]),
        paints(
            "graphic",
            "A graphic in which every pixel has another colour.",
            &[graphic(Rect::new(1, 1, 4, 3), gradient_pixel)],
        ),
        (
            "graphic-of-text",
            plays(
                "A graphic of something like text: two inks on a ground, shades between them, runs, repetitions.",
                &[&begin(80, 50)[..], &[graphic(Rect::new(0, 2, 79, 47), text_pixel), update(40)]].concat(),
            ),
        ),
        moves("move", "A move between places that do not overlap.", (4, 1, 2, 3), (1, 1)),
        moves(
            "move-down-overlapping",
            "Source and target overlap; the target shows what the source showed before.",
            (0, 1, 6, 3),
            (0, 0),
        ),
        moves("move-up-left-overlapping", "The same, to the other side.", (0, 0, 5, 3), (1, 1)),
        moves("move-right-overlapping", "The same, within the rows.", (1, 0, 5, 4), (0, 0)),
    ]
}

fn changed() -> Vec<Named> {
    let gradient = picture(Rect::new(1, 1, 4, 3));
    let plays_on =
        |name, about, records: &[Record]| (name, plays(about, &[&begin(6, 4)[..], records].concat()));
    vec![
        plays_on(
            "cursor",
            "A pointer with a shape that is partly transparent, then moved beyond the screen's edge.",
            &[cursor_shape(), cursor(2, 1), update(40), cursor(-3, 5), update(50)],
        ),
        plays_on(
            "resize",
            "A new size turns the screen black.",
            &[gradient.clone(), update(40), size(3, 5), fill(0, 4, 3, 1, BLUE), update(50)],
        ),
        plays_on(
            "start-again",
            "Another presenter takes over: everything is forgotten, also the pointer.",
            &[
                &[gradient, cursor_shape(), cursor(1, 1), update(40)][..],
                &begin(2, 2),
                &[fill(0, 0, 1, 1, RED), update(1)],
            ]
            .concat(),
        ),
        plays_on(
            "half-update",
            "The stream ends between two records, inside an update: the last whole one is shown.",
            &[fill(0, 0, 6, 4, BLUE), update(40), fill(0, 0, 2, 2, RED)],
        ),
        ("optional-kind", skips_an_optional_kind()),
    ]
}

fn kept() -> Vec<Named> {
    let gradient = picture(Rect::new(1, 1, 4, 3));
    let lossy = lossy_picture(Rect::new(0, 0, 3, 2));
    let colourful = graphic(Rect::new(1, 1, 4, 3), gradient_pixel);
    let plays_on =
        |name, about, records: &[Record]| (name, plays(about, &[&begin(6, 4)[..], records].concat()));
    vec![
        plays_on(
            "recall",
            "A picture is kept, painted over, and shown again at another place.",
            &[
                gradient.clone(),
                keep(1),
                fill(0, 0, 6, 4, BLUE),
                update(40),
                recalled((2, 0), &gradient, 1),
                update(50),
            ],
        ),
        plays_on(
            "recall-graphic",
            "A graphic is kept, painted over, and shown again at another place.",
            &[
                colourful.clone(),
                keep(1),
                fill(0, 0, 6, 4, BLUE),
                update(40),
                recalled((2, 0), &colourful, 1),
                update(50),
            ],
        ),
        plays_on(
            "recall-after-resize",
            "A new size forgets no picture; two of them are shown again, in another order.",
            &[
                gradient.clone(),
                keep(u64::MAX),
                lossy.clone(),
                keep(0),
                update(40),
                size(7, 5),
                recalled((4, 3), &lossy, 0),
                recalled((0, 1), &gradient, u64::MAX),
                update(50),
            ],
        ),
    ]
}

fn refused_by_cache() -> Vec<Named> {
    let gradient = picture(Rect::new(1, 1, 4, 3));
    let after = |records: &[Record]| bytes_of(&[&begin(6, 4)[..], records, &[update(1)]].concat());
    let kept = [gradient.clone(), keep(7)];
    let again = recalled((0, 0), &gradient, 7);
    let other_size =
        Record::Recall { rect: Rect::new(0, 0, 3, 4), key: 7, picture: Picture::WebP(Bytes::new()) };
    let optional_between = bytes_of(&[&begin(6, 4)[..], std::slice::from_ref(&gradient)].concat())
        + "8000000000"
        + &bytes_of(&[keep(7)]);
    vec![
        refuses(
            "error-keep-nothing",
            "bad-keep",
            "A Keep behind a Fill.",
            after(&[fill(0, 0, 1, 1, RED), keep(7)]),
        ),
        refuses(
            "error-keep-twice",
            "bad-keep",
            "A Keep of a key that is there.",
            after(&[&kept[..], &kept].concat()),
        ),
        refuses(
            "error-keep-keep",
            "bad-keep",
            "A Keep behind a Keep.",
            after(&[&kept[..], &[keep(8)]].concat()),
        ),
        refuses(
            "error-keep-later",
            "bad-keep",
            "Also a record that may be skipped stands between a picture and its Keep.",
            optional_between,
        ),
        refuses(
            "error-recall-unknown",
            "unknown-key",
            "A Recall of nothing.",
            after(std::slice::from_ref(&again)),
        ),
        refuses(
            "error-recall-other-size",
            "unknown-key",
            "A Recall whose rectangle has not the picture's size.",
            after(&[&kept[..], &[other_size]].concat()),
        ),
        refuses(
            "error-recall-after-start",
            "unknown-key",
            "Start empties the cache.",
            after(&[&kept[..], &[update(1)], &begin(6, 4), &[again]].concat()),
        ),
        refuses(
            "error-recall-beyond",
            "bad-rect",
            "A Recall beyond the bottom.",
            after(&[&kept[..], &[recalled((0, 2), &gradient, 7)]].concat()),
        ),
        refuses(
            "error-keep-length",
            "bad-length",
            "A Keep of 7 bytes.",
            after(&[]) + "0a0000000700000000000000",
        ),
    ]
}

fn refused_by_header() -> Vec<Named> {
    let begun = |more: &str| bytes_of(&begin(6, 4)) + more;
    let start = || bytes_of(&[Record::Start]);
    let no_size = start() + &bytes_of(&[fill(0, 0, 1, 1, RED)]);
    let whole = bytes_of(&[&begin(6, 4)[..], &[fill(0, 0, 1, 1, RED), update(1)]].concat());
    vec![
        refuses(
            "error-no-start",
            "not-a-screen-stream",
            "The first record is a Size.",
            bytes_of(&[size(6, 4)]),
        ),
        refuses(
            "error-magic",
            "not-a-screen-stream",
            "Start has another magic.",
            "0100000006434e56580100".into(),
        ),
        refuses("error-version", "unknown-version", "Version 2.", "0100000006434e56530200".into()),
        refuses("error-unknown-kind", "unknown-kind", "Kind 0x7f.", begun("7f00000000")),
        refuses("error-body-too-long", "body-too-long", "A body of 2 MiB and one byte.", begun("0500200001")),
        refuses(
            "error-bad-length",
            "bad-length",
            "A Fill of 10 bytes.",
            begun("030000000a00000000000100010102"),
        ),
        refuses("error-no-size", "no-size", "A Fill before the Size.", no_size),
        refuses("error-bad-size", "bad-size", "A screen without columns.", start() + "020000000400000004"),
        refuses(
            "error-area",
            "bad-size",
            "A screen of 16,384 x 2,049 pixels.",
            start() + "020000000440000801",
        ),
        paints_without_end(),
        never_ends_an_update(),
        refuses(
            "error-truncated",
            "truncated",
            "It ends inside its last record.",
            whole[..whole.len() - 6].into(),
        ),
    ]
}

fn refused_by_body() -> Vec<Named> {
    let begun = |record: Record| bytes_of(&[&begin(6, 4)[..], &[record, update(1)]].concat());
    let place = Rect::new(0, 0, 2, 2);
    let other_size =
        Record::Picture { rect: Rect::new(0, 0, 3, 2), picture: Picture::WebP(gradient(2, 2, |_| 0xff)) };
    let no_picture = Record::Picture {
        rect: place,
        picture: Picture::WebP(Bytes::from_static(b"RIFF but not a WebP file")),
    };
    let wide = bytes_of(&begin(600, 4)) + "05000000090000000002010001ff";
    let wide_graphic = bytes_of(&begin(600, 4)) + "0c000000090000000002010001ff";
    let flag = bytes_of(&begin(6, 4)) + "07000000050001000102";
    vec![
        refuses("error-empty-rect", "bad-rect", "A Fill without rows.", begun(fill(0, 0, 1, 0, RED))),
        refuses("error-beyond", "bad-rect", "A Fill beyond the right edge.", begun(fill(5, 0, 2, 1, RED))),
        refuses(
            "error-move-from-beyond",
            "bad-rect",
            "A Move whose source is beyond.",
            begun(moved((0, 0, 6, 3), (0, 2))),
        ),
        refuses("error-picture-too-large", "picture-too-large", "A picture of 513 columns.", wide),
        refuses(
            "error-bad-picture-size",
            "bad-picture",
            "A picture with another size than its rectangle.",
            begun(other_size),
        ),
        refuses("error-bad-picture-bytes", "bad-picture", "A picture that is none.", begun(no_picture)),
        refuses(
            "error-bad-graphic-cut",
            "bad-picture",
            "A graphic of which the end is not there.",
            begun(other_graphic(|bytes| bytes.truncate(bytes.len() / 2))),
        ),
        refuses(
            "error-bad-graphic-long",
            "bad-picture",
            "A graphic with five bytes more than it takes.",
            begun(other_graphic(|bytes| bytes.extend([0; 5]))),
        ),
        refuses("error-graphic-too-large", "picture-too-large", "A graphic of 513 columns.", wide_graphic),
        refuses("error-bad-flag", "bad-flag", "A pointer that is neither visible nor not.", flag),
    ]
}

pub fn plays(about: &str, records: &[Record]) -> Scene {
    scene_of(about, write(records), records)
}

fn scene_of(about: &str, stream: BytesMut, records: &[Record]) -> Scene {
    let mut decoder = Decoder::new();
    decoder.push(&stream);
    while decoder.next_update().expect("the scene is well formed").is_some() {}
    Scene {
        about: about.into(),
        stream: to_hex(&stream),
        repeat: None,
        expected: Expected::Screen {
            records: records.iter().map(Seen::of).collect(),
            screen: Shown::of(&decoder),
        },
    }
}

pub fn refuses(name: &'static str, error: &str, about: &str, stream: String) -> Named {
    (
        name,
        Scene {
            about: about.into(),
            stream,
            repeat: None,
            expected: Expected::Error { error: error.into() },
        },
    )
}

fn skips_an_optional_kind() -> Scene {
    let (before, after) = (begin(6, 4), [fill(0, 0, 2, 2, RED), update(40)]);
    let mut stream = write(&before);
    stream.extend_from_slice(&[0x80, 0, 0, 0, 3, 1, 2, 3]);
    stream.extend_from_slice(&write(&after));
    scene_of("A reader skips the kinds from 0x80 on.", stream, &[&before[..], &after].concat())
}

fn paints_without_end() -> Named {
    let about = "A screen of 2048 x 1024 is painted nine times and a half, where eight times and two more are allowed.";
    let mut records = begin(2048, 1024);
    records.extend((0..9).map(|_| fill(0, 0, 2048, 1024, RED)));
    records.push(fill(0, 0, 1024, 1024, BLUE));
    refuses("error-update-paints-too-much", "update-too-long", about, bytes_of(&records))
}

fn never_ends_an_update() -> Named {
    let about = "An update of 65,537 records (one is the Size).";
    let (name, mut scene) =
        refuses("error-update-too-long", "update-too-long", about, bytes_of(&begin(6, 4)));
    scene.repeat = Some(Repeat { stream: "8000000000".into(), times: 65_536 });
    (name, scene)
}

pub fn begin(width: u32, height: u32) -> Vec<Record> {
    vec![Record::Start, size(width, height)]
}

pub fn size(width: u32, height: u32) -> Record {
    Record::Size(ScreenSize::new(width, height).expect("a scene's size is within the limits"))
}

pub fn fill(x: u16, y: u16, width: u16, height: u16, colour: Colour) -> Record {
    Record::Fill { rect: Rect::new(x, y, width, height), colour }
}

pub fn moved((x, y, width, height): (u16, u16, u16, u16), (from_x, from_y): (u16, u16)) -> Record {
    Record::Move { rect: Rect::new(x, y, width, height), from: Point { x: from_x, y: from_y } }
}

pub fn update(time_us: u64) -> Record {
    Record::Update { time_us }
}

fn cursor(x: i16, y: i16) -> Record {
    Record::Cursor { x, y, visible: true }
}

fn picture(rect: Rect) -> Record {
    Record::Picture { rect, picture: Picture::WebP(gradient(rect.width, rect.height, |_| 0xff)) }
}

pub fn keep(key: u64) -> Record {
    Record::Keep { key }
}

/// The same picture elsewhere.
fn recalled((x, y): (u16, u16), picture: &Record, key: u64) -> Record {
    let Record::Picture { rect, picture } = picture else { panic!("only pictures are kept") };
    Record::Recall { rect: Rect { x, y, ..*rect }, key, picture: picture.clone() }
}

fn lossy_picture(rect: Rect) -> Record {
    let pixels = gradient_pixels(rect.area(), |_| 0xff);
    let place = Rect::new(0, 0, rect.width, rect.height);
    Record::Picture {
        rect,
        picture: Picture::WebP(webp::encode_lossy(
            &pixels,
            usize::from(rect.width) * 4,
            place,
            webp::Grade::Fine,
        )),
    }
}

fn graphic(rect: Rect, pixel: impl Fn(u16, u16) -> [u8; 4]) -> Record {
    let places = (0..rect.height).flat_map(|y| (0..rect.width).map(move |x| (x, y)));
    let pixels: Vec<u8> = places.flat_map(|(x, y)| pixel(x, y)).collect();
    let place = Rect::new(0, 0, rect.width, rect.height);
    let bytes = graphic::encode(&pixels, usize::from(rect.width) * 4, place, usize::MAX);
    Record::Picture { rect, picture: Picture::Graphic(bytes.expect("it may take what it takes")) }
}

/// A graphic with other bytes.
fn other_graphic(change: impl Fn(&mut Vec<u8>)) -> Record {
    let Record::Picture { rect, picture } = graphic(Rect::new(0, 0, 6, 4), gradient_pixel) else {
        panic!("a graphic is a picture")
    };
    let mut bytes = picture.bytes().to_vec();
    change(&mut bytes);
    Record::Picture { rect, picture: Picture::Graphic(bytes.into()) }
}

pub fn gradient_pixel(x: u16, y: u16) -> [u8; 4] {
    let i = 4 * y + x;
    [(i * 7) as u8, (i * 16) as u8, (255 - i * 5) as u8, 0xff]
}

/// Letters of 6 x 9 pixels, of which every fifth is the same; the upper lines are of another ink.
pub fn text_pixel(x: u16, y: u16) -> [u8; 4] {
    const GROUND: [u8; 3] = [0xf4, 0xf5, 0xf6];
    let ink = if y < 24 { [0x80, 0x80, 0] } else { [0x36, 0x34, 0x2e] };
    let (letter, column, row) = (x / 6 % 5, x % 6, y % 12);
    let strength =
        if row < 9 && column < 5 { u32::from((letter * 7 + column * 5 + row * 3) % 11) } else { 0 };
    let mix = |ground: u8, ink: u8| {
        let strength = strength.saturating_sub(4).min(4);
        ((u32::from(ground) * (4 - strength) + u32::from(ink) * strength) / 4) as u8
    };
    [mix(GROUND[0], ink[0]), mix(GROUND[1], ink[1]), mix(GROUND[2], ink[2]), 0xff]
}

fn transparent_picture(rect: Rect) -> Record {
    Record::Picture { rect, picture: Picture::WebP(gradient(rect.width, rect.height, |i| (i * 40) as u8)) }
}

fn cursor_shape() -> Record {
    // Opaque, or transparent and black: what also a reader that premultiplies gets exactly.
    let arrow =
        [[9, 8, 7, 0xff], [200, 100, 0, 0xff], [0; 4], [0; 4], [255, 255, 255, 0xff], [0; 4]].concat();
    let webp = webp::encode_lossless(&arrow, 12, Rect::new(0, 0, 3, 2), Effort::Quick);
    Record::CursorShape(CursorShape { hot: Point { x: 1, y: 0 }, width: 3, height: 2, webp })
}

fn gradient(width: u16, height: u16, alpha: impl Fn(usize) -> u8) -> Bytes {
    let pixels = gradient_pixels(usize::from(width) * usize::from(height), alpha);
    webp::encode_lossless(&pixels, usize::from(width) * 4, Rect::new(0, 0, width, height), Effort::Quick)
}

/// Every pixel has another colour.
fn gradient_pixels(area: usize, alpha: impl Fn(usize) -> u8) -> Vec<u8> {
    (0..area).flat_map(|i| [(i * 7) as u8, (i * 16) as u8, (255 - i * 5) as u8, alpha(i)]).collect()
}

fn write(records: &[Record]) -> BytesMut {
    let mut out = BytesMut::new();
    records.iter().for_each(|record| record.write(&mut out));
    out
}

pub fn bytes_of(records: &[Record]) -> String {
    to_hex(&write(records))
}
