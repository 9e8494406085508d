//! Files that other programs read: ffprobe has nothing to complain of, ffmpeg decodes and seeks.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use bytes::Bytes;
use convene_recording::{Block, Finished, Frame, OpusHead, Settings, Track, VideoSize, Writer};
use tempfile::TempDir;

const SECONDS: u64 = 9;
const PICTURES_PER_SECOND: u64 = 10;
/// 20 ms of silence: CELT, full band, stereo (RFC 6716, 3.1).
const SILENCE: [u8; 3] = [0xFC, 0xFF, 0xFE];

#[test]
fn both_finished_forms_play_and_seek() {
    let folder = TempDir::new().expect("a folder");
    let (blocks, finished) = record(folder.path());
    let clusters: Vec<u8> = blocks[1..].iter().flat_map(|block| block.bytes.to_vec()).collect();
    let back = finished.back();
    let forms = [
        ("front.webm", [finished.front().to_vec(), clusters.clone()].concat()),
        ("back.webm", [back.first.to_vec(), clusters, back.tail.to_vec()].concat()),
    ];
    for (name, bytes) in forms {
        let file = folder.path().join(name);
        std::fs::write(&file, bytes).expect("the file is written");
        plays(&file);
        let duration: f64 = probe(&file, "format=duration").parse().expect("a number");
        assert!((duration - SECONDS as f64).abs() < 0.05, "{name} lasts {duration} s");
        for second in [0.05, 1.85, 4.05, 6.55, 8.75] {
            // Each second is brighter than the one before.
            let wanted = 40 + 20 * second as i32;
            let grey = i32::from(picture_at(&file, second));
            assert!((grey - wanted).abs() < 6, "{name} at {second} s is {grey}, not {wanted}");
        }
    }
}

#[test]
fn every_prefix_of_blocks_plays() {
    let folder = TempDir::new().expect("a folder");
    let (blocks, _) = record(folder.path());
    let file = folder.path().join("prefix.webm");
    let mut bytes = blocks[0].bytes.to_vec();
    assert_eq!(blocks.len(), 6);
    for block in &blocks[1..] {
        bytes.extend_from_slice(&block.bytes);
        std::fs::write(&file, &bytes).expect("the file is written");
        plays(&file);
        let packets: u64 = probe(&file, "stream=nb_read_packets").parse().expect("a number");
        let wanted = (block.start + block.length).as_millis() as u64 * PICTURES_PER_SECOND / 1000;
        assert!(
            wanted.abs_diff(packets) <= 1,
            "{packets} pictures, not {wanted}, up to block {}",
            block.number
        );
    }
}

/// Neither reading nor decoding has anything to say.
fn plays(file: &Path) {
    let name = file.to_str().expect("a plain path");
    for (program, arguments) in [
        ("ffprobe", vec!["-v", "error", "-show_packets", "-of", "csv", name]),
        ("ffmpeg", vec!["-v", "error", "-i", name, "-enc_time_base", "-1", "-f", "null", "-"]),
    ] {
        let run = Command::new(program).args(&arguments).output().expect("ffmpeg is installed");
        let said = String::from_utf8_lossy(&run.stderr).into_owned();
        assert!(run.status.success() && said.is_empty(), "{program} {name}: {said}");
    }
}

fn probe(file: &Path, what: &str) -> String {
    let mut command = Command::new("ffprobe");
    command.args([
        "-v",
        "error",
        "-select_streams",
        "v",
        "-count_packets",
        "-show_entries",
        what,
        "-of",
        "csv=p=0",
    ]);
    let run = command.arg(file).output().expect("ffmpeg is installed");
    String::from_utf8_lossy(&run.stdout).trim().to_owned()
}

/// The brightness of the first picture from there on.
fn picture_at(file: &Path, second: f64) -> u8 {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-ss", &second.to_string(), "-i"]).arg(file);
    command.args(["-frames:v", "1", "-pix_fmt", "gray", "-f", "rawvideo", "-"]);
    let run = command.output().expect("ffmpeg is installed");
    let pixels = run.stdout;
    assert!(!pixels.is_empty(), "no picture at {second} s: {}", String::from_utf8_lossy(&run.stderr));
    pixels[pixels.len() / 2]
}

/// All blocks of a film whose brightness tells the second, with silence.
fn record(folder: &Path) -> (Vec<Block>, Finished) {
    let tracks = vec![
        Track::Vp8(VideoSize::new(64, 48).expect("a size")),
        Track::Opus(OpusHead::plain(2, 312, 48_000).expect("a header")),
    ];
    let settings = Settings {
        cluster: Duration::from_secs(2),
        patience: None,
        started: Some(Duration::from_secs(1_800_000_000)),
        application: "a test".into(),
    };
    let mut writer = Writer::new(tracks, settings).expect("good settings");
    for picture in pictures(folder) {
        writer.push(0, picture).expect("a picture");
    }
    for packet in 0..SECONDS * 50 {
        let time = Duration::from_millis(packet * 20).saturating_sub(Duration::from_micros(6500));
        let length = Duration::from_millis(20);
        let data = Bytes::from_static(&SILENCE);
        writer.push(1, Frame { time, length, keyframe: true, data }).expect("sound");
    }
    let mut blocks: Vec<Block> = std::iter::from_fn(|| writer.poll()).collect();
    let mut finished = writer.finish().expect("something was written");
    blocks.extend(std::iter::from_fn(|| finished.poll()));
    (blocks, finished)
}

/// VP8 from ffmpeg, in its simplest container: 32 bytes of head, then size, time and data of each frame.
fn pictures(folder: &Path) -> Vec<Frame> {
    let file = folder.join("film.ivf");
    let source = format!(
        "color=c=black:s=64x48:r={PICTURES_PER_SECOND}:d={SECONDS},format=gray,geq=lum='40+20*floor(T+0.01)'"
    );
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-f", "lavfi", "-i", &source, "-c:v", "libvpx", "-pix_fmt", "yuv420p"]);
    command.args(["-color_range", "tv", "-b:v", "500k", "-deadline", "realtime", "-auto-alt-ref", "0"]);
    command.args(["-g", "20", "-keyint_min", "20"]).arg(&file);
    let run = command.output().expect("ffmpeg is installed");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));

    let bytes = std::fs::read(&file).expect("ffmpeg has written it");
    let mut rest = &bytes[32..];
    let mut frames = Vec::new();
    while let Some((head, after)) = rest.split_first_chunk::<12>() {
        let size = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let (data, next) = after.split_at(size);
        let length = Duration::from_secs(1) / PICTURES_PER_SECOND as u32;
        frames.push(Frame {
            time: length * frames.len() as u32,
            length,
            // The lowest bit says that it is not one (RFC 6386, 9.1).
            keyframe: data[0] & 1 == 0,
            data: Bytes::copy_from_slice(data),
        });
        rest = next;
    }
    assert_eq!(frames.len() as u64, SECONDS * PICTURES_PER_SECOND);
    frames
}
