//! Recordings in which participants have tracks of their own, as other programs read them.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use bytes::Bytes;
use convene_recording::{
    Block, Finished, Frame, OpusHead, RecordingError, Settings, Track, VOICES_MAX, Writer,
};
use tempfile::TempDir;

/// 20 ms of silence, and of something that a decoder takes: CELT, full band (RFC 6716, 3.1).
const MIX: [u8; 3] = [0xFC, 0xFF, 0xFE];
const MONO: [u8; 3] = [0xF8, 0xFF, 0xFE];
const STEREO: [u8; 3] = [0xFC, 0xFF, 0xFE];

fn ms(time: u64) -> Duration {
    Duration::from_millis(time)
}

/// The mix, and room for so many.
fn writer(voices: usize, patience: Option<Duration>) -> Writer {
    let mix = Track::Opus(OpusHead::plain(2, 312, 48_000).expect("a header"));
    let tracks = std::iter::once(mix).chain(std::iter::repeat_n(Track::Voice, voices)).collect();
    let settings = Settings { cluster: ms(2000), patience, started: None, application: "a test".into() };
    Writer::new(tracks, settings).expect("good settings")
}

fn mix(writer: &mut Writer, times: impl Iterator<Item = u64>) {
    for time in times {
        let frame = Frame { time: ms(time), length: ms(20), keyframe: true, data: Bytes::from_static(&MIX) };
        writer.push(0, frame).expect("the mix");
    }
}

fn say(writer: &mut Writer, track: usize, times: impl Iterator<Item = u64>, packet: &'static [u8]) {
    for time in times {
        writer.push_voice(track, ms(time), true, Bytes::from_static(packet)).expect("a voice");
    }
}

fn blocks(writer: &mut Writer) -> Vec<Block> {
    std::iter::from_fn(|| writer.poll()).collect()
}

/// All blocks but the first, and the end.
fn finish(mut writer: Writer) -> (Vec<u8>, Finished) {
    let mut all = blocks(&mut writer);
    let mut finished = writer.finish().expect("something was written");
    all.extend(std::iter::from_fn(|| finished.poll()));
    (all.iter().skip(1).flat_map(|block| block.bytes.to_vec()).collect(), finished)
}

/// When a stream's first packet plays.
fn first_time(file: &Path, stream: usize) -> f64 {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-select_streams", &stream.to_string(), "-show_entries", "packet=pts_time"]);
    let run = command.args(["-of", "csv=p=0"]).arg(file).output().expect("ffmpeg is installed");
    let text = String::from_utf8_lossy(&run.stdout).into_owned();
    let first = text.lines().next().expect("a packet");
    first.trim_end_matches(',').parse().expect("a time")
}

/// What ffprobe says of each stream: name, channels, whether it is the default.
fn streams(file: &Path) -> Vec<(String, String, String)> {
    let entries = "stream=channels:stream_tags=title:stream_disposition=default";
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-show_entries", entries, "-of", "compact=p=0"]).arg(file);
    let run = command.output().expect("ffmpeg is installed");
    let complaint = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success() && complaint.is_empty(), "{complaint}");
    let text = String::from_utf8(run.stdout).expect("plain text");
    let stream = |line: &str| {
        let field = |name: &str| {
            let found = line.split('|').find_map(|field| field.strip_prefix(name)?.strip_prefix('='));
            found.unwrap_or_default().to_owned()
        };
        (field("tag:title"), field("channels"), field("disposition:default"))
    };
    text.lines().filter(|line| !line.is_empty()).map(stream).collect()
}

/// Every stream is decoded, and nothing is complained of.
fn decodes(file: &Path) {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "warning", "-i"]).arg(file).args(["-map", "0", "-f", "null", "-"]);
    let run = command.output().expect("ffmpeg is installed");
    let complaint = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success() && complaint.is_empty(), "{complaint}");
}

/// Seconds of sound that an editor gets, which puts packets one behind the other whatever their times say.
fn decoded_seconds(file: &Path, stream: usize) -> f64 {
    let map = format!("0:{stream}");
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-i"]).arg(file);
    command.args(["-map", &map, "-ac", "1", "-ar", "48000", "-f", "s16le", "-"]);
    let run = command.output().expect("ffmpeg is installed");
    run.stdout.len() as f64 / 96_000.0
}

/// Ann is there from the beginning and rests, Bob comes later and is in stereo, a second Ann comes last; nobody else.
fn meeting() -> Writer {
    let mut writer = writer(VOICES_MAX, Some(ms(5000)));
    let said = [(1, 0..2000), (2, 3000..9000), (1, 5010..8000), (3, 6000..7000)];
    let names = ["Ann", "Bøb", "Ann"];
    for time in (0..10_000).step_by(20) {
        for (track, when) in &said {
            let first = when.start;
            let is_due = when.contains(&time) && (time - first % 20) % 20 == 0;
            if is_due {
                writer.name_voice(*track, names[track - 1]).expect("a voice's track");
                let packet = if *track == 2 { &STEREO } else { &MONO };
                let at = time + first % 20;
                let data = Bytes::from_static(packet);
                writer.push_voice(*track, ms(at), time / 20 != first / 20, data).expect("a voice");
            }
        }
        mix(&mut writer, time..=time);
    }
    writer
}

#[test]
fn the_finished_file_has_named_tracks_of_those_who_were_there() {
    let folder = TempDir::new().expect("a folder");
    let (clusters, finished) = finish(meeting());
    let back = finished.back();
    let forms = [
        ("front.webm", [finished.front().to_vec(), clusters.clone()].concat()),
        ("back.webm", [back.first.to_vec(), clusters, back.tail.to_vec()].concat()),
    ];
    for (name, bytes) in forms {
        let file = folder.path().join(name);
        std::fs::write(&file, bytes).expect("written");
        decodes(&file);
        let streams = streams(&file);
        assert_eq!(
            streams,
            [("Everybody", "2", "1"), ("Ann", "1", "0"), ("Bøb", "2", "0"), ("Ann (2)", "1", "0")]
                .map(|(name, channels, default)| (name.into(), channels.into(), default.into()))
        );
        for (stream, (start, end)) in
            [(0.0, 10.0), (0.0, 10.0), (3.0, 10.0), (6.0, 10.0)].into_iter().enumerate()
        {
            let (from, seconds) = (first_time(&file, stream), decoded_seconds(&file, stream));
            assert!((from - start).abs() < 0.011, "{name}: {stream} begins at {from} s");
            assert!((seconds - (end - start)).abs() < 0.08, "{name}: {stream} has {seconds} s of sound");
        }
    }
    assert_eq!(back.first.len(), writer(VOICES_MAX, None).poll().expect("block 0").bytes.len());
}

/// What is there while it is made, and after a cut, with block 0 as it was and as it is when the names are known.
#[test]
fn what_was_cut_off_plays_and_has_names_when_they_are_known() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("cut.webm");
    let mut writer = meeting();
    let head = writer.cut_off();
    let all = blocks(&mut writer);
    assert!(4 < all.len());
    for count in 2..=all.len() {
        let bytes: Vec<u8> = all[..count].iter().flat_map(|block| block.bytes.to_vec()).collect();
        std::fs::write(&file, bytes).expect("written");
        assert_eq!(streams(&file).len(), 1 + VOICES_MAX);
    }
    let clusters = all[1..].iter().flat_map(|block| block.bytes.to_vec());
    std::fs::write(&file, head.into_iter().chain(clusters).collect::<Vec<u8>>()).expect("written");
    decodes(&file);
    let names: Vec<String> = streams(&file).into_iter().map(|stream| stream.0).collect();
    assert_eq!(names, ["Everybody", "Ann", "Bøb", "Ann (2)"]);
}

/// The mix goes on at once while nobody says anything, and loses nothing of who does.
#[test]
fn nobody_waits_for_a_silent_voice() {
    let mut writer = writer(2, None);
    mix(&mut writer, (0..6100).step_by(20));
    assert_eq!(blocks(&mut writer).len(), 4);
    say(&mut writer, 1, (5000..5100).step_by(20), &MONO);
    assert_eq!(writer.lost(), 5, "what comes after its time is lost");
    say(&mut writer, 1, (7000..7100).step_by(20), &MONO);
    mix(&mut writer, (6100..8000).step_by(20));
    assert_eq!(writer.lost(), 5);
}

#[test]
fn where_time_does_not_press_the_mix_waits_for_a_voice() {
    let mut writer = writer(2, None);
    writer.await_voice(1).expect("a voice's track");
    mix(&mut writer, (0..6000).step_by(20));
    assert_eq!(blocks(&mut writer).len(), 1);
    assert_eq!(writer.lead(0), ms(5980));
    say(&mut writer, 1, (0..4000).step_by(20), &MONO);
    assert_eq!(blocks(&mut writer).len(), 1);
    writer.end_track(1).expect("it ends");
    assert_eq!(blocks(&mut writer).len(), 1);
    assert_eq!(writer.lost(), 0);
    writer.end_track(0).expect("it ends");
    assert!(writer.all_ended());
}

#[test]
fn only_voices_have_names_and_packets_of_their_own() {
    let mut writer = writer(1, None);
    for track in [0, 2] {
        let refused = RecordingError::NoVoice { track };
        assert_eq!(writer.name_voice(track, "Ann"), Err(refused.clone()));
        assert_eq!(writer.await_voice(track), Err(refused.clone()));
        assert_eq!(writer.push_voice(track, ms(0), true, Bytes::from_static(&MONO)), Err(refused));
    }
    // No packet of Opus.
    writer.push_voice(1, ms(0), true, Bytes::new()).expect("it is left out");
    writer.push_voice(1, ms(0), true, Bytes::from_static(&[3])).expect("it is left out");
    assert_eq!(writer.lost(), 2);
}

/// A clock that is wrong by a hundredth stays with the mix, and an editor has as much of the sound.
#[test]
fn a_clock_that_is_wrong_is_followed() {
    let folder = TempDir::new().expect("a folder");
    for (name, millionths) in [("fast", 990_000), ("slow", 1_010_000)] {
        let mut writer = writer(1, Some(ms(5000)));
        writer.name_voice(1, "Ann").expect("a voice's track");
        let mut mixed = 0;
        for packet in 0..5000_u64 {
            let data = Bytes::from_static(&MONO);
            let time = Duration::from_micros(packet * 20 * millionths / 1000);
            writer.push_voice(1, time, true, data).expect("a voice");
            while ms(mixed) <= time {
                mix(&mut writer, mixed..=mixed);
                mixed += 20;
            }
        }
        let (clusters, finished) = finish(writer);
        let file = folder.path().join(format!("{name}.webm"));
        std::fs::write(&file, [finished.front().to_vec(), clusters].concat()).expect("written");
        decodes(&file);
        let wanted = 100.0 * millionths as f64 / 1e6;
        let seconds = decoded_seconds(&file, 1);
        assert!((seconds - wanted).abs() < 0.05, "{name}: {seconds} s, not {wanted} s");
    }
}
