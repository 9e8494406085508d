//! The scenes of the test vectors.

use bytes::{Bytes, BytesMut};
use convene_screen::webp::{self, Effort};
use convene_screen::{Colour, CursorShape, Decoder, Point, Record, Rect, ScreenSize};

use crate::scene::{Expected, Repeat, Scene, Seen, Shown, to_hex};

/// All names of `StreamError::name`.
pub const ERRORS: [&str; 13] = [
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
    "bad-flag",
    "update-too-long",
    "truncated",
];

const RED: Colour = Colour { red: 0xd0, green: 0x20, blue: 0x10 };
const BLUE: Colour = Colour { red: 0x10, green: 0x30, blue: 0xe0 };

/// File name and scene.
pub fn all() -> Vec<(&'static str, Scene)> {
    let mut scenes = shown();
    scenes.extend(refused());
    scenes
}

fn shown() -> Vec<(&'static str, Scene)> {
    let with = |more: &[Record]| [&begin(6, 4)[..], more].concat();
    let gradient = picture(Rect::new(1, 1, 4, 3));
    vec![
        (
            "fill",
            plays(
                "One rectangle of one colour on a black screen.",
                &with(&[fill(1, 1, 3, 2, RED), update(40)]),
            ),
        ),
        ("picture", plays("A lossless picture.", &with(&[gradient.clone(), update(40)]))),
        (
            "picture-with-alpha",
            plays(
                "The alpha of a picture is ignored.",
                &with(&[transparent_picture(Rect::new(0, 0, 3, 2)), update(40)]),
            ),
        ),
        (
            "move",
            plays(
                "A move between places that do not overlap.",
                &with(&[gradient.clone(), moved((4, 1, 2, 3), (1, 1)), update(40)]),
            ),
        ),
        (
            "move-down-overlapping",
            plays(
                "Source and target overlap; the target shows what the source showed before.",
                &with(&[gradient.clone(), moved((0, 1, 6, 3), (0, 0)), update(40)]),
            ),
        ),
        (
            "move-up-left-overlapping",
            plays(
                "The same, to the other side.",
                &with(&[gradient.clone(), moved((0, 0, 5, 3), (1, 1)), update(40)]),
            ),
        ),
        (
            "move-right-overlapping",
            plays(
                "The same, within the rows.",
                &with(&[gradient.clone(), moved((1, 0, 5, 4), (0, 0)), update(40)]),
            ),
        ),
        (
            "cursor",
            plays(
                "A pointer with a shape that is partly transparent, then moved beyond the screen's edge.",
                &with(&[cursor_shape(), cursor(2, 1), update(40), cursor(-3, 5), update(50)]),
            ),
        ),
        (
            "resize",
            plays(
                "A new size turns the screen black.",
                &with(&[gradient.clone(), update(40), size(3, 5), fill(0, 4, 3, 1, BLUE), update(50)]),
            ),
        ),
        (
            "start-again",
            plays(
                "Another presenter takes over: everything is forgotten, also the pointer.",
                &[
                    &with(&[gradient.clone(), cursor_shape(), cursor(1, 1), update(40)])[..],
                    &begin(2, 2),
                    &[fill(0, 0, 1, 1, RED), update(1)],
                ]
                .concat(),
            ),
        ),
        (
            "half-update",
            plays(
                "The stream ends between two records, inside an update: the last whole one is shown.",
                &with(&[fill(0, 0, 6, 4, BLUE), update(40), fill(0, 0, 2, 2, RED)]),
            ),
        ),
        ("optional-kind", skips_an_optional_kind()),
    ]
}

fn refused() -> Vec<(&'static str, Scene)> {
    let begun = |more: &str| bytes_of(&begin(6, 4)) + more;
    let start = || bytes_of(&[Record::Start]);
    let mut bad_picture = picture(Rect::new(0, 0, 2, 2));
    if let Record::Picture { rect, .. } = &mut bad_picture {
        rect.width = 3;
    }
    let whole = bytes_of(&[&begin(6, 4)[..], &[fill(0, 0, 1, 1, RED), update(1)]].concat());
    vec![
        (
            "error-no-start",
            refuses("not-a-screen-stream", "The first record is a Size.", bytes_of(&[size(6, 4)])),
        ),
        (
            "error-magic",
            refuses("not-a-screen-stream", "Start has another magic.", "0100000006434e56580100".into()),
        ),
        ("error-version", refuses("unknown-version", "Version 2.", "0100000006434e56530200".into())),
        ("error-unknown-kind", refuses("unknown-kind", "Kind 0x0a.", begun("0a00000000"))),
        ("error-video", refuses("unknown-kind", "Kind 0x06 is reserved.", begun("0600000000"))),
        (
            "error-body-too-long",
            refuses("body-too-long", "A body of 2 MiB and one byte.", begun("0500200001")),
        ),
        (
            "error-bad-length",
            refuses("bad-length", "A Fill of 10 bytes.", begun("030000000a00000000000100010102")),
        ),
        (
            "error-no-size",
            refuses("no-size", "A Fill before the Size.", start() + &bytes_of(&[fill(0, 0, 1, 1, RED)])),
        ),
        ("error-bad-size", refuses("bad-size", "A screen without columns.", start() + "020000000400000004")),
        (
            "error-area",
            refuses("bad-size", "A screen of 16,384 x 2,049 pixels.", start() + "020000000440000801"),
        ),
        (
            "error-empty-rect",
            refuses("bad-rect", "A Fill without rows.", begun(&bytes_of(&[fill(0, 0, 1, 0, RED)]))),
        ),
        (
            "error-beyond",
            refuses("bad-rect", "A Fill beyond the right edge.", begun(&bytes_of(&[fill(5, 0, 2, 1, RED)]))),
        ),
        (
            "error-move-from-beyond",
            refuses(
                "bad-rect",
                "A Move whose source is beyond.",
                begun(&bytes_of(&[moved((0, 0, 6, 3), (0, 2))])),
            ),
        ),
        (
            "error-picture-too-large",
            refuses(
                "picture-too-large",
                "A picture of 513 columns.",
                bytes_of(&begin(600, 4)) + "05000000090000000002010001ff",
            ),
        ),
        (
            "error-bad-picture-size",
            refuses(
                "bad-picture",
                "A picture with another size than its rectangle.",
                begun(&bytes_of(&[bad_picture, update(1)])),
            ),
        ),
        (
            "error-bad-picture-bytes",
            refuses(
                "bad-picture",
                "A picture that is none.",
                begun(&bytes_of(&[Record::Picture {
                    rect: Rect::new(0, 0, 2, 2),
                    webp: Bytes::from_static(b"RIFF but not a WebP file"),
                }])),
            ),
        ),
        (
            "error-bad-flag",
            refuses("bad-flag", "A pointer that is neither visible nor not.", begun("07000000050001000102")),
        ),
        ("error-update-too-long", never_ends_an_update()),
        (
            "error-truncated",
            refuses("truncated", "The stream ends inside its last record.", whole[..whole.len() - 6].into()),
        ),
    ]
}

fn plays(about: &str, records: &[Record]) -> Scene {
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

fn refuses(error: &str, about: &str, stream: String) -> Scene {
    Scene { about: about.into(), stream, repeat: None, expected: Expected::Error { error: error.into() } }
}

fn skips_an_optional_kind() -> Scene {
    let (before, after) = (begin(6, 4), [fill(0, 0, 2, 2, RED), update(40)]);
    let mut stream = write(&before);
    stream.extend_from_slice(&[0x80, 0, 0, 0, 3, 1, 2, 3]);
    stream.extend_from_slice(&write(&after));
    scene_of("A reader skips the kinds from 0x80 on.", stream, &[&before[..], &after].concat())
}

fn never_ends_an_update() -> Scene {
    let mut scene =
        refuses("update-too-long", "An update of 65,537 records (one is the Size).", bytes_of(&begin(6, 4)));
    scene.repeat = Some(Repeat { stream: "8000000000".into(), times: 65_536 });
    scene
}

fn begin(width: u32, height: u32) -> Vec<Record> {
    vec![Record::Start, size(width, height)]
}

fn size(width: u32, height: u32) -> Record {
    Record::Size(ScreenSize::new(width, height).expect("a scene's size is within the limits"))
}

fn fill(x: u16, y: u16, width: u16, height: u16, colour: Colour) -> Record {
    Record::Fill { rect: Rect::new(x, y, width, height), colour }
}

fn moved((x, y, width, height): (u16, u16, u16, u16), (from_x, from_y): (u16, u16)) -> Record {
    Record::Move { rect: Rect::new(x, y, width, height), from: Point { x: from_x, y: from_y } }
}

fn update(time_us: u64) -> Record {
    Record::Update { time_us }
}

fn cursor(x: i16, y: i16) -> Record {
    Record::Cursor { x, y, visible: true }
}

fn picture(rect: Rect) -> Record {
    Record::Picture { rect, webp: gradient(rect.width, rect.height, |_| 0xff) }
}

fn transparent_picture(rect: Rect) -> Record {
    Record::Picture { rect, webp: gradient(rect.width, rect.height, |i| (i * 40) as u8) }
}

fn cursor_shape() -> Record {
    // Opaque, or transparent and black: what also a reader that premultiplies gets exactly.
    let arrow =
        [[9, 8, 7, 0xff], [200, 100, 0, 0xff], [0; 4], [0; 4], [255, 255, 255, 0xff], [0; 4]].concat();
    let webp = webp::encode_lossless(&arrow, 12, Rect::new(0, 0, 3, 2), Effort::Quick);
    Record::CursorShape(CursorShape { hot: Point { x: 1, y: 0 }, width: 3, height: 2, webp })
}

/// Every pixel has another colour.
fn gradient(width: u16, height: u16, alpha: impl Fn(usize) -> u8) -> Bytes {
    let area = usize::from(width) * usize::from(height);
    let pixels: Vec<u8> =
        (0..area).flat_map(|i| [(i * 7) as u8, (i * 16) as u8, (255 - i * 5) as u8, alpha(i)]).collect();
    webp::encode_lossless(&pixels, usize::from(width) * 4, Rect::new(0, 0, width, height), Effort::Quick)
}

fn write(records: &[Record]) -> BytesMut {
    let mut out = BytesMut::new();
    records.iter().for_each(|record| record.write(&mut out));
    out
}

fn bytes_of(records: &[Record]) -> String {
    to_hex(&write(records))
}
