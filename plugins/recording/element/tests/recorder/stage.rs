//! The stage beside a face that moves: what is seen is what the screen showed last, and only that.

use gst::prelude::*;
use tempfile::TempDir;

use crate::support::{packets, parse, pass, picture_at, plays, wait};

const WIDTH: usize = 640;
const HEIGHT: usize = 480;
/// With the strip.
const CANVAS: usize = 800;
/// Means of 16 x 16 pixels may be so far off.
const ERROR_MAX: u32 = 10;

/// Blocks of grey that differ from one number to the next.
fn grey(x: usize, y: usize, number: usize) -> u8 {
    (40 + (x / 16 * 29 + y / 16 * 53 + number * 71) % 160) as u8
}

fn screen(number: usize) -> gst::Buffer {
    let pixel = |at: usize| [grey(at % WIDTH, at / WIDTH, number); 4];
    gst::Buffer::from_slice((0..WIDTH * HEIGHT).flat_map(pixel).collect::<Vec<u8>>())
}

/// The stage begins at this column, and shows the screen of this number at that second.
fn assert_shown(file: &std::path::Path, second: f64, left: usize, number: usize) {
    let (pixels, width) = picture_at(file, second);
    assert_eq!(width, CANVAS);
    for y in (0..HEIGHT).step_by(16) {
        for x in (0..WIDTH).step_by(16) {
            let rows = (y + 2..y + 14).map(|row| row * CANVAS + left + x + 2).map(|from| from..from + 12);
            let sum: u32 = rows.flatten().map(|at| u32::from(pixels[at])).sum();
            let wanted = u32::from(grey(x, y, number));
            let shown = sum / 144;
            assert!(shown.abs_diff(wanted) <= ERROR_MAX, "at {second} s, {x} {y}: {shown}, not {wanted}");
        }
    }
}

/// Screens at 0, 1, 2.5, 4.5 and 5.5 s; a face comes with the first and goes at 3.5 s, which moves the stage. Key frames are each two seconds.
#[test]
fn nothing_stale_stays_on_the_stage() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("stage.webm");
    let pipeline = parse(&format!(
        "meetingrecorder name=r width={CANVAS} height={HEIGHT} ! filesink location={} \
         appsrc name=screen format=time caps=video/x-raw,format=BGRx,width={WIDTH},height={HEIGHT},framerate=0/1 ! r.screen \
         videotestsrc num-buffers=105 pattern=snow ! video/x-raw,format=I420,width=160,height=120,framerate=30/1 ! queue ! r.feed_0",
        file.display()
    ));
    let source = pipeline.by_name("screen").and_downcast::<gst_app::AppSrc>().expect("an appsrc");
    for (number, milliseconds) in [0, 1_000, 2_500, 4_500, 5_500].into_iter().enumerate() {
        let mut buffer = screen(number);
        let stamped = buffer.get_mut().expect("a new buffer is writable");
        stamped.set_pts(gst::ClockTime::from_mseconds(milliseconds));
        source.push_buffer(buffer).expect("taken");
    }
    source.end_of_stream().expect("taken");
    pipeline.set_state(gst::State::Playing).expect("it plays");
    assert_eq!(wait(&pipeline), Vec::<String>::new());
    pipeline.set_state(gst::State::Null).expect("it stops");

    plays(&file);
    for (second, left, number) in [
        (0.1, 0, 0),
        (0.9, 0, 0),
        (1.05, 0, 1),
        (1.9, 0, 1),
        (2.05, 0, 1),
        (2.55, 0, 2),
        (3.4, 0, 2),
        (3.6, 80, 2),
        (3.95, 80, 2),
        (4.5, 80, 3),
        (5.5, 80, 4),
    ] {
        assert_shown(&file, second, left, number);
    }
    // The face alone makes pictures, and no more than 15 a second.
    let pictures = packets(&file, "v").iter().filter(|(time, _)| (0.1..0.9).contains(time)).count();
    assert!((10..=13).contains(&pictures), "{pictures}");
}

/// Live: what came before a pause is replaced by what came during it.
#[test]
fn a_pause_leaves_nothing_behind() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("pause.webm");
    let pipeline = parse(&format!(
        "meetingrecorder name=r width={CANVAS} height={HEIGHT} ! filesink location={} \
         appsrc name=screen is-live=true do-timestamp=true format=time \
         caps=video/x-raw,format=BGRx,width={WIDTH},height={HEIGHT},framerate=0/1 ! r.screen",
        file.display()
    ));
    let source = pipeline.by_name("screen").and_downcast::<gst_app::AppSrc>().expect("an appsrc");
    pipeline.set_state(gst::State::Playing).expect("it plays");
    source.push_buffer(screen(1)).expect("taken");
    pass(&pipeline, 700);
    pipeline.set_state(gst::State::Paused).expect("it pauses");
    source.push_buffer(screen(2)).expect("taken");
    pass(&pipeline, 300);
    pipeline.set_state(gst::State::Playing).expect("it goes on");
    pass(&pipeline, 800);
    assert!(pipeline.by_name("r").expect("the recorder").send_event(gst::event::Eos::new()));
    assert_eq!(wait(&pipeline), Vec::<String>::new());
    pipeline.set_state(gst::State::Null).expect("it stops");
    let length = plays(&file);
    assert_shown(&file, 0.0, 80, 1);
    assert_shown(&file, length - 0.05, 80, 2);
}
