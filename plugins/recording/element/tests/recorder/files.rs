//! What is not live: recorded by the times of what comes, as fast as it comes.

use crate::support::{assemble, bytes, collect, grey_frame, packets, parse, picture_at, play, plays};
use gst::prelude::*;
use tempfile::TempDir;

#[test]
fn pictures_alone() {
    let (_folder, file) = record("videotestsrc num-buffers=300 pattern=ball ! meetingrecorder name=r");
    assert_length(plays(&file), 10.0);
    let packets = packets(&file, "v");
    assert_eq!(packets[0], (0.0, true));
    assert_eq!(packets.len(), 300);
    let keys: Vec<f64> = packets.iter().filter(|(_, key)| *key).map(|(time, _)| *time).collect();
    assert_eq!(keys, [0.0, 2.0, 4.0, 6.0, 8.0]);
}

#[test]
fn sound_alone() {
    let (_folder, file) =
        record("audiotestsrc num-buffers=250 samplesperbuffer=960 ! meetingrecorder name=r");
    assert_length(plays(&file), 5.0);
}

#[test]
fn pictures_and_sound_of_two() {
    let (_folder, file) = record(
        "videotestsrc num-buffers=150 ! meetingrecorder name=r \
         audiotestsrc num-buffers=250 samplesperbuffer=960 ! r.audio_0 \
         audiotestsrc num-buffers=250 samplesperbuffer=960 ! audio/x-raw,channels=1 ! r.audio_1",
    );
    assert_length(plays(&file), 5.0);
    let sound = packets(&file, "a");
    // ffprobe takes the codec's delay off again.
    assert!((sound[0].0 + 0.0065).abs() < 0.001, "{:?}", sound[0]);
    assert!((sound[100].0 - 1.9935).abs() < 0.002, "{:?}", sound[100]);
}

/// The picture of a resting screen costs a keyframe for each cluster, and a last one.
#[test]
fn a_resting_screen_takes_one_picture_a_cluster() {
    let (_folder, file) = record(
        "videotestsrc num-buffers=300 pattern=smpte100 ! meetingrecorder name=r cluster-duration=4000",
    );
    assert_length(plays(&file), 10.0);
    let times: Vec<f64> = packets(&file, "v").iter().map(|(time, _)| *time).collect();
    assert_eq!(times, [0.0, 4.0, 8.0, 9.967]);
}

#[test]
fn more_pictures_than_wanted_are_let_go() {
    let (_folder, file) = record(
        "videotestsrc num-buffers=120 pattern=ball ! video/x-raw,framerate=60/1 ! meetingrecorder name=r max-framerate=10",
    );
    assert_length(plays(&file), 2.0);
    let count = packets(&file, "v").len();
    assert!((19..=21).contains(&count), "{count} pictures in 2 s");
}

/// One buffer a block: the head, the clusters, and the head again with the index.
#[test]
fn where_the_output_cannot_seek_block_0_comes_again() {
    let pipeline =
        parse("videotestsrc num-buffers=300 pattern=ball ! meetingrecorder ! appsink name=sink sync=false");
    let buffers = collect(&pipeline);
    assert!(play(&pipeline).is_empty());
    let buffers = buffers.lock().expect("no panic");

    let offsets: Vec<(u64, bool)> = buffers
        .iter()
        .map(|buffer| (buffer.offset(), buffer.flags().contains(gst::BufferFlags::HEADER)))
        .collect();
    assert_eq!(offsets, [(0, true), (1, false), (2, false), (3, false), (4, false), (5, false), (0, true)]);
    assert_eq!(buffers[6].offset_end(), 6, "six blocks");
    assert_eq!(buffers[3].pts(), Some(gst::ClockTime::from_seconds(4)));
    assert!(bytes(&buffers[0]).len() < bytes(&buffers[6]).len());

    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("whole.webm");
    std::fs::write(&file, assemble(&buffers)).expect("written");
    assert_length(plays(&file), 10.0);
    // What a crash would leave plays, too.
    let prefix: Vec<u8> = buffers[..3].iter().flat_map(bytes).collect();
    std::fs::write(&file, prefix).expect("written");
    ffplayable(&file, 120);
}

#[test]
fn a_stream_of_bytes_gets_no_second_head() {
    let pipeline = parse(
        "videotestsrc num-buffers=90 ! meetingrecorder replace-header=false ! appsink name=sink sync=false",
    );
    let buffers = collect(&pipeline);
    assert!(play(&pipeline).is_empty());
    let buffers = buffers.lock().expect("no panic");
    let headers = buffers.iter().filter(|buffer| buffer.flags().contains(gst::BufferFlags::HEADER));
    assert_eq!((buffers.len(), headers.count()), (3, 1));
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("stream.webm");
    std::fs::write(&file, buffers.iter().flat_map(bytes).collect::<Vec<u8>>()).expect("written");
    ffplayable(&file, 90);
}

/// Each second is brighter than the one before, so a picture tells its time.
#[test]
fn seeking_finds_the_right_picture() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("seek.webm");
    let frames = (0..120).map(|number| {
        let grey = 40 + 12 * (number / 10) as u8;
        (gst::ClockTime::from_mseconds(number * 100), 320, 240, grey)
    });
    push_frames(&file, frames);
    assert_length(plays(&file), 12.0);
    for second in [0.0, 0.85, 3.05, 5.85, 7.0, 11.05] {
        let (pixels, width) = picture_at(&file, second);
        let wanted = 40 + 12 * second as i32;
        let got = i32::from(pixels[width * 120 + 160]);
        assert!((got - wanted).abs() < 6, "at {second} s: {got}, not {wanted}");
    }
}

/// The recording keeps the size of its first picture; another one stands in the middle, as large as it fits.
#[test]
fn another_size_is_fitted_in() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("sizes.webm");
    let frames = (0..40).map(|number| {
        let (width, height) = if number < 20 { (320, 240) } else { (240, 480) };
        (gst::ClockTime::from_mseconds(number * 100), width, height, 200)
    });
    push_frames(&file, frames);
    plays(&file);
    let (pixels, width) = picture_at(&file, 1.0);
    assert_eq!((width, pixels.len()), (320, 320 * 240));
    assert!(180 < pixels[width * 120 + 5], "the first fills the picture");
    let (pixels, width) = picture_at(&file, 3.0);
    assert_eq!((width, pixels.len()), (320, 320 * 240));
    assert!(180 < pixels[width * 120 + 160] && pixels[width * 120 + 5] < 40, "the second has borders");
    assert!(180 < pixels[width * 2 + 160], "and the whole height");
}

#[test]
fn a_fixed_size_is_kept() {
    let (_folder, file) = record("videotestsrc num-buffers=30 ! meetingrecorder name=r width=640 height=360");
    let (pixels, width) = picture_at(&file, 0.5);
    assert_eq!((width, pixels.len()), (640, 640 * 360));
}

/// The same recorder, twice.
#[test]
fn a_recorder_can_be_started_again() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("again.webm");
    let pipeline = parse(&format!(
        "videotestsrc num-buffers=60 ! meetingrecorder name=r audiotestsrc num-buffers=100 ! r. r. ! filesink location={}",
        file.display()
    ));
    for _ in 0..2 {
        assert!(play(&pipeline).is_empty());
        let length = plays(&file);
        assert!((2.0..2.5).contains(&length), "{length} s");
    }
}

/// Small print at rest: as good as on the screen, for the eye.
#[test]
fn resting_text_is_sharp() {
    let folder = TempDir::new().expect("a folder");
    let (page, file) = (folder.path().join("page.raw"), folder.path().join("text.webm"));
    let pixels = draw_page(folder.path(), &page);
    let pipeline = parse(&format!(
        "filesrc location={} ! rawvideoparse format=bgrx width=1280 height=720 framerate=1/1 \
         ! imagefreeze num-buffers=5 ! video/x-raw,framerate=1/1 ! meetingrecorder name=r r. ! filesink location={}",
        page.display(),
        file.display()
    ));
    assert_eq!(play(&pipeline), Vec::<String>::new());
    for second in [0.0, 2.0, 4.0] {
        let (shown, _) = picture_at(&file, second);
        let squares = shown.iter().zip(&pixels).map(|(one, two)| f64::from(one.abs_diff(*two)).powi(2));
        let psnr = 10.0 * (255.0 * 255.0 / (squares.sum::<f64>() / pixels.len() as f64)).log10();
        assert!(34.0 < psnr, "{psnr} dB at {second} s");
    }
}

/// Lines of text of 11 and 15 pixels, black on white: a file in BGRx; and its brightness.
fn draw_page(folder: &std::path::Path, page: &std::path::Path) -> Vec<u8> {
    let text = folder.join("text.txt");
    let line =
        "The quick brown fox jumps over the lazy dog, 0123456789; text stays sharp, however small it is.   ";
    std::fs::write(&text, format!("{}\n", line.repeat(2)).repeat(45)).expect("written");
    let draw = |size: u32, y: u32| format!("drawtext=textfile={}:fontsize={size}:x=8:y={y}", text.display());
    let source = format!("color=c=white:s=1280x720:d=1:r=1,format=rgb24,{},{}", draw(11, 4), draw(15, 612));
    let run = std::process::Command::new("ffmpeg")
        .args([
            "-v",
            "error",
            "-f",
            "lavfi",
            "-i",
            &source,
            "-frames:v",
            "1",
            "-pix_fmt",
            "bgr0",
            "-f",
            "rawvideo",
        ])
        .arg(page)
        .output()
        .expect("ffmpeg is installed");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let pixels = std::fs::read(page).expect("ffmpeg has written it");
    pixels.into_iter().step_by(4).collect()
}

fn record(line: &str) -> (TempDir, std::path::PathBuf) {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("talk.webm");
    let pipeline = parse(&format!("{line} r. ! filesink location={}", file.display()));
    assert_eq!(play(&pipeline), Vec::<String>::new());
    (folder, file)
}

fn push_frames(file: &std::path::Path, frames: impl Iterator<Item = (gst::ClockTime, usize, usize, u8)>) {
    let pipeline = parse(&format!(
        "appsrc name=source format=time max-buffers=1000 ! meetingrecorder name=r r. ! filesink location={}",
        file.display()
    ));
    let source = pipeline.by_name("source").and_downcast::<gst_app::AppSrc>().expect("an appsrc");
    for (number, (time, width, height, grey)) in frames.enumerate() {
        let mut buffer = grey_frame(width, height, grey, number as u8);
        let stamped = buffer.get_mut().expect("new");
        stamped.set_pts(time);
        stamped.set_duration(gst::ClockTime::from_mseconds(100));
        let caps = gst_video::VideoCapsBuilder::new()
            .format(gst_video::VideoFormat::Bgrx)
            .width(width as i32)
            .height(height as i32)
            .framerate(gst::Fraction::new(0, 1))
            .build();
        source
            .push_sample(&gst::Sample::builder().buffer(&buffer).caps(&caps).build())
            .expect("there is room");
    }
    source.end_of_stream().expect("it can end");
    assert_eq!(play(&pipeline), Vec::<String>::new());
}

/// A file whose length is not told: ffprobe and ffmpeg read it without a word.
fn ffplayable(file: &std::path::Path, pictures: usize) {
    let name = file.to_str().expect("a plain path");
    let run = std::process::Command::new("ffmpeg")
        .args(["-v", "error", "-i", name, "-enc_time_base", "-1", "-f", "null", "-"])
        .output();
    let complaint = String::from_utf8(run.expect("ffmpeg is installed").stderr).expect("plain text");
    assert_eq!(complaint, "");
    assert_eq!(packets(file, "v").len(), pictures);
}

fn assert_length(length: f64, wanted: f64) {
    assert!((length - wanted).abs() < 0.05, "{length} s, not {wanted} s");
}
