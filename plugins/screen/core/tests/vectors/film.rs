//! The scenes with a film. Its frames are written down, as another libvpx might encode them in another way; all decode them alike.

use bytes::Bytes;
use convene_screen::{Record, Rect};

use crate::scene::from_hex;
use crate::scenes::{BLUE, Named, begin, bytes_of, fill, moved, plays, refuses, size, update};

/// 21 x 13 pixels that grow redder: a key frame and two that continue it.
const FRAMES: [&str; 3] = [
    "5006009d012a15000d00390900021c221616226612200e0809d6e89373780fe00fe407202f6070c17e5ff71dba03b602\
     1eb8d9e4141ec1c1b41afd00feffdb94d752d29e27235fd95945b8fbec467f957cd7ffc9eaaf03b9eed9bc0ee6ffffdf\
     8a6ab823d81fff188ae172d813667a6b4a2a5d336f21c256b006ae5b7d6c142d32d8f354fe02622fdb73ada000",
    "710200e35bb8082fef205f5dbff83f4585457ea00084fec19853083ef472b7b22c3c7820c61c66375800",
    "110200e35bb8082fef205f40c0a0bfd0001080fea57618e162a028c59eb47894fd2f538f1d3000",
];
const PLACE: Rect = Rect::new(3, 1, 21, 13);

pub fn all() -> Vec<Named> {
    [shown(), refused()].into_iter().flatten().collect()
}

fn shown() -> Vec<Named> {
    let plays_on =
        |name, about, records: &[Record]| (name, plays(about, &[&begin(26, 15)[..], records].concat()));
    vec![
        plays_on(
            "video",
            "A film of three frames, two of them in one update. Its colours are those of one decoder; another may round otherwise.",
            &[key(PLACE), update(40), inter(1, PLACE), inter(2, PLACE), update(80)],
        ),
        plays_on(
            "video-painted-over",
            "What is painted on a film stays until the film goes on.",
            &[
                key(PLACE),
                fill(3, 1, 21, 13, BLUE),
                moved((0, 0, 2, 2), (4, 4)),
                update(40),
                inter(1, PLACE),
                fill(3, 1, 21, 12, BLUE),
                update(80),
            ],
        ),
    ]
}

fn refused() -> Vec<Named> {
    let begun = |records: &[Record]| bytes_of(&[&begin(26, 15)[..], records, &[update(1)]].concat());
    let bad = |name, about, records: &[Record]| refuses(name, "bad-video", about, begun(records));
    let beside = Rect { x: 4, ..PLACE };
    let smaller = Rect { height: 12, ..PLACE };
    let video = |is_key, frame: Bytes| Record::Video { rect: PLACE, is_key, frame };
    // A frame whose first partition is said to be longer than all that is there.
    let cut = Bytes::from(from_hex(FRAMES[0])).slice(..40);
    let large = Record::Video { rect: Rect::new(0, 0, 2049, 2048), is_key: true, frame: frame(0) };
    vec![
        bad("error-video-without-key", "A film that was not begun goes on.", &[inter(1, PLACE)]),
        bad("error-video-elsewhere", "A film goes on beside its place.", &[key(PLACE), inter(1, beside)]),
        bad(
            "error-video-after-size",
            "A film goes on after its end by a Size.",
            &[key(PLACE), size(26, 15), inter(1, PLACE)],
        ),
        bad("error-video-size", "A key frame of another size than its rectangle.", &[key(smaller)]),
        bad("error-video-key-flag", "The flag says key frame, the frame does not.", &[video(true, frame(1))]),
        bad(
            "error-video-no-key-flag",
            "The flag says no key frame, the frame is one.",
            &[key(PLACE), video(false, frame(0))],
        ),
        bad("error-video-bytes", "A frame that is cut.", &[video(true, cut)]),
        refuses(
            "error-video-flags",
            "bad-video",
            "A flag that is not known.",
            bytes_of(&begin(26, 15)) + "060000000a000300010015000d0200",
        ),
        refuses(
            "error-video-too-large",
            "picture-too-large",
            "A film of 2,049 x 2,048 pixels.",
            bytes_of(&[&begin(2049, 2048)[..], &[large]].concat()),
        ),
    ]
}

fn key(rect: Rect) -> Record {
    Record::Video { rect, is_key: true, frame: frame(0) }
}

fn inter(at: usize, rect: Rect) -> Record {
    Record::Video { rect, is_key: false, frame: frame(at) }
}

fn frame(at: usize) -> Bytes {
    from_hex(FRAMES[at]).into()
}
