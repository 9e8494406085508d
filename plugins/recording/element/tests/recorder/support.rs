//! Pipelines with a recorder in them, and what other programs say of the files.

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, Once};

use gst::prelude::*;

/// A pipeline that takes longer hangs.
const PIPELINE_SECONDS_MAX: u64 = 30;

/// Loads GStreamer with our element in it. A critical warning of GStreamer's fails the test.
pub fn init() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        gst::init().expect("GStreamer is installed");
        gst::glib::log_set_always_fatal(
            gst::glib::LogLevels::LEVEL_CRITICAL
                | gst::glib::LogLevels::LEVEL_ERROR
                | gst::glib::LogLevels::LEVEL_WARNING,
        );
        gstconvenerecording::plugin_register_static().expect("the element registers");
    });
}

/// A pipeline from a gst-launch line.
pub fn parse(line: &str) -> gst::Pipeline {
    init();
    let element = gst::parse::launch(line).unwrap_or_else(|error| panic!("{line}: {error}"));
    element.downcast().expect("more than one element makes a pipeline")
}

/// Plays until everything has ended; the errors on the bus, in their order.
pub fn play(pipeline: &gst::Pipeline) -> Vec<String> {
    // Whether it starts is told on the bus.
    let _ = pipeline.set_state(gst::State::Playing);
    let errors = wait(pipeline);
    pipeline.set_state(gst::State::Null).expect("a pipeline stops");
    errors
}

/// Waits for the end or the first error; then also gives the errors that follow at once.
pub fn wait(pipeline: &gst::Pipeline) -> Vec<String> {
    let bus = pipeline.bus().expect("a pipeline has a bus");
    let mut errors = Vec::new();
    let mut patience = gst::ClockTime::from_seconds(PIPELINE_SECONDS_MAX);
    let wanted = [gst::MessageType::Eos, gst::MessageType::Error];
    while let Some(message) = bus.timed_pop_filtered(patience, &wanted) {
        match message.view() {
            gst::MessageView::Error(error) => {
                errors.push(error.error().to_string());
                patience = gst::ClockTime::from_mseconds(200);
            }
            _ => return errors,
        }
    }
    assert!(!errors.is_empty(), "the pipeline neither ended nor failed in {PIPELINE_SECONDS_MAX} s");
    errors
}

/// All that an appsink named `sink` gets.
pub fn collect(pipeline: &gst::Pipeline) -> Arc<Mutex<Vec<gst::Buffer>>> {
    let buffers = Arc::new(Mutex::new(Vec::new()));
    let sink = pipeline.by_name("sink").and_downcast::<gst_app::AppSink>().expect("an appsink named sink");
    let taken = buffers.clone();
    sink.set_callbacks(
        gst_app::AppSinkCallbacks::builder()
            .new_sample(move |sink| {
                let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
                taken.lock().expect("no panic").push(sample.buffer_owned().expect("a sample has a buffer"));
                Ok(gst::FlowSuccess::Ok)
            })
            .build(),
    );
    buffers
}

/// What a buffer holds.
pub fn bytes(buffer: &gst::Buffer) -> Vec<u8> {
    buffer.map_readable().expect("readable").to_vec()
}

/// A recording as a store has it in the end: the last header first, then all clusters.
pub fn assemble(buffers: &[gst::Buffer]) -> Vec<u8> {
    let (last, blocks) = buffers.split_last().expect("a header at least");
    assert!(last.flags().contains(gst::BufferFlags::HEADER), "the last buffer replaces the first");
    std::iter::once(bytes(last)).chain(blocks[1..].iter().map(bytes)).flatten().collect()
}

/// Reading and decoding have nothing to say; gives the file's length in seconds. Pictures keep their milliseconds: rounded to the frame rate
/// that ffmpeg guesses, two that a busy machine took close together would be at one time.
pub fn plays(file: &Path) -> f64 {
    let name = file.to_str().expect("a plain path");
    ffmpeg("ffprobe", &["-v", "error", "-show_packets", "-of", "csv", name]);
    ffmpeg("ffmpeg", &["-v", "error", "-i", name, "-enc_time_base", "-1", "-f", "null", "-"]);
    let said =
        ffmpeg("ffprobe", &["-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", name]);
    String::from_utf8_lossy(&said).trim().parse().expect("a length")
}

/// `time,keyframe` of each packet of the pictures (`v`) or of the sound (`a`), in seconds.
pub fn packets(file: &Path, stream: &str) -> Vec<(f64, bool)> {
    let name = file.to_str().expect("a plain path");
    let entries = ["-show_entries", "packet=pts_time,flags", "-of", "csv=p=0", name];
    let said = ffmpeg("ffprobe", &[&["-v", "error", "-select_streams", stream], &entries[..]].concat());
    let text = String::from_utf8(said).expect("plain text");
    let parse = |line: &str| {
        let (time, flags) = line.split_once(',').expect("two columns");
        (time.parse().expect("a time"), flags.starts_with('K'))
    };
    text.lines().filter(|line| !line.is_empty()).map(parse).collect()
}

/// The first picture from there on, as grey pixels, with its width.
pub fn picture_at(file: &Path, second: f64) -> (Vec<u8>, usize) {
    let name = file.to_str().expect("a plain path");
    let (from, size) = (second.to_string(), "stream=width");
    let arguments = [
        "-v",
        "error",
        "-ss",
        &from,
        "-i",
        name,
        "-frames:v",
        "1",
        "-pix_fmt",
        "gray",
        "-f",
        "rawvideo",
        "-",
    ];
    let pixels = ffmpeg("ffmpeg", &arguments);
    let width = ffmpeg(
        "ffprobe",
        &["-v", "error", "-select_streams", "v", "-show_entries", size, "-of", "csv=p=0", name],
    );
    (pixels, String::from_utf8_lossy(&width).trim().parse().expect("a width"))
}

/// The colours of these pixels in the picture that is seen at that time, which is so wide: luma and both chromas. A picture is seen until the next
/// one, which may be seconds away where nothing changes.
pub fn colours_at(file: &Path, second: f64, width: usize, pixels: &[(usize, usize)]) -> Vec<[u8; 3]> {
    let name = file.to_str().expect("a plain path");
    let last = format!("select='lte(t,{second})',reverse");
    let picture = ["-frames:v", "1", "-pix_fmt", "yuv444p", "-f", "rawvideo", "-"];
    let bytes = ffmpeg("ffmpeg", &[&["-v", "error", "-i", name, "-vf", &last], &picture[..]].concat());
    let plane = bytes.len() / 3;
    pixels.iter().map(|(x, y)| [0, 1, 2].map(|at| bytes[at * plane + y * width + x])).collect()
}

/// Waits by the pipeline's own clock.
pub fn pass(pipeline: &gst::Pipeline, milliseconds: u64) {
    let clock = pipeline.clock().expect("it plays");
    if milliseconds == 0 {
        return;
    }
    let until = clock.time() + gst::ClockTime::from_mseconds(milliseconds);
    clock.new_single_shot_id(until).wait().0.expect("the clock runs");
}

/// A frame of one grey, in BGRx; only a corner differs from one number to the next.
pub fn grey_frame(width: usize, height: usize, grey: u8, number: u8) -> gst::Buffer {
    let mut pixels = vec![grey; width * height * 4];
    pixels[..8 * 4].fill(number.wrapping_mul(37));
    gst::Buffer::from_slice(pixels)
}

/// What the program says; a complaint fails the test.
pub fn ffmpeg(program: &str, arguments: &[&str]) -> Vec<u8> {
    let run = Command::new(program).args(arguments).output().expect("ffmpeg is installed");
    let complaint = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success() && complaint.is_empty(), "{program} {arguments:?}: {complaint}");
    run.stdout
}
