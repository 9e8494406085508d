//! Whatever is written reads back: structure, sizes, positions and frames.

use std::time::Duration;

use bytes::Bytes;
use convene_recording::{
    BLOCKS_MAX, Block, CLUSTER_BYTES_MAX, CLUSTER_LENGTH_MAX, Finished, Frame, OpusHead, RecordingError,
    Settings, TRACKS_MAX, Track, VideoSize, Writer,
};
use proptest::prelude::*;
use reader::{Packet, child, elements, packets, unsigned};

mod reader;

const SEGMENT: u32 = 0x1853_8067;
const CLUSTER: u32 = 0x1F43_B675;
const CUES: u32 = 0x1C53_BB6B;
const INFO: u32 = 0x1549_A966;

#[test]
fn block_0_is_ready_before_any_frame() {
    let mut writer = writer(vec![video(), sound()]);
    let first = writer.poll().expect("block 0");
    assert_eq!((first.number, first.start, first.length), (0, Duration::ZERO, Duration::ZERO));
    assert_eq!(writer.poll(), None);
    let top = elements(&first.bytes);
    let segment = child(&top, SEGMENT);
    assert_eq!(segment.size, None);
    let ids: Vec<u32> = elements(segment.data).iter().map(|element| element.id).collect();
    assert_eq!(ids, [0xEC, INFO, 0x1654_AE6B]);
}

#[test]
fn each_keyframe_begins_a_block() {
    let mut writer = writer(vec![video(), sound()]);
    for time in (0..6000).step_by(20) {
        if time % 100 == 0 {
            writer.push(0, frame(time, time % 2000 == 0, b"picture")).expect("a picture");
        }
        writer.push(1, frame(time, true, b"sound")).expect("sound");
    }
    let (blocks, finished) = finish(writer);
    let starts: Vec<(u32, u128)> =
        blocks.iter().map(|block| (block.number, block.start.as_millis())).collect();
    assert_eq!(starts, [(0, 0), (1, 0), (2, 2000), (3, 4000)]);
    assert_eq!(finished.count(), 4);
    for block in &blocks[1..] {
        let first = packets(&elements(&block.bytes)[0]).remove(0);
        assert_eq!((first.track, first.keyframe), (1, true));
    }
    assert_eq!(blocks[1].length, Duration::from_millis(2000));
    check(&blocks, &finished);
}

#[test]
fn the_first_frame_is_at_zero() {
    let mut writer = writer(vec![video()]);
    writer.push(0, frame(123_456, true, b"a")).expect("a picture");
    writer.push(0, frame(123_556, false, b"b")).expect("a picture");
    let (blocks, finished) = finish(writer);
    assert_eq!(times(&blocks), [0, 100]);
    assert_eq!(finished.duration(), Duration::from_millis(120));
}

/// The first packet carries the 6.5 ms that are skipped, so all later ones are heard that much later in the file.
#[test]
fn sound_is_stamped_with_its_delay() {
    let mut writer = writer(vec![sound()]);
    for micros in [0, 13_500, 33_500, 53_500] {
        writer.push(0, Frame { time: Duration::from_micros(micros), ..frame(0, true, b"s") }).expect("sound");
    }
    assert_eq!(times(&finish(writer).0), [0, 20, 40, 60]);
}

#[test]
fn sound_alone_is_cut_by_time() {
    let mut writer = writer(vec![sound()]);
    for time in (0..5000).step_by(20) {
        writer.push(0, frame(time, true, b"sound")).expect("sound");
    }
    let (blocks, finished) = finish(writer);
    assert_eq!(blocks.len(), 4);
    check(&blocks, &finished);
    assert_eq!(cues(&blocks, &finished).len(), 3);
}

/// Relative times have 16 bits; nobody can start at a block that begins without a keyframe, so it is not in the index.
#[test]
fn a_block_ends_when_no_keyframe_comes() {
    let mut writer = writer(vec![video()]);
    for time in (0..=70_000).step_by(1000) {
        writer.push(0, frame(time, time == 0, b"picture")).expect("a picture");
    }
    let (blocks, finished) = finish(writer);
    let starts: Vec<u128> = blocks[1..].iter().map(|block| block.start.as_millis()).collect();
    assert_eq!(starts, [0, 31_000, 62_000]);
    assert_eq!(cues(&blocks, &finished), [0]);
    check(&blocks, &finished);
}

#[test]
fn a_block_has_a_largest_size() {
    let mut writer = writer(vec![video()]);
    let large = vec![7; CLUSTER_BYTES_MAX / 2 - 100];
    for time in 0..3 {
        writer.push(0, frame(time * 10, time == 0, &large)).expect("a picture");
    }
    let (blocks, finished) = finish(writer);
    assert_eq!(blocks.len(), 3);
    assert!(blocks.iter().all(|block| block.bytes.len() <= CLUSTER_BYTES_MAX));
    check(&blocks, &finished);
}

#[test]
fn a_frame_has_a_largest_size() {
    let mut fits = writer(vec![video()]);
    fits.push(0, frame(0, true, &vec![7; CLUSTER_BYTES_MAX - 64])).expect("the largest frame");
    assert!(finish(fits).0[1].bytes.len() <= CLUSTER_BYTES_MAX);
    let bytes = CLUSTER_BYTES_MAX - 63;
    let refused = writer(vec![video()]).push(0, frame(0, true, &vec![7; bytes]));
    assert_eq!(refused, Err(RecordingError::FrameTooLarge { bytes }));
}

#[test]
fn a_recording_has_a_largest_number_of_blocks() {
    let mut writer = writer(vec![video()]);
    for second in 0..u64::from(BLOCKS_MAX) - 1 {
        writer.push(0, frame(second * 1000, true, b"k")).expect("a picture");
        while writer.poll().is_some() {}
    }
    assert_eq!(writer.push(0, frame(u64::from(BLOCKS_MAX) * 1000, true, b"k")), Err(RecordingError::Full));
}

#[test]
fn the_length_is_that_of_the_meeting() {
    let mut writer = writer(vec![video()]);
    writer.push(0, frame(500, true, b"picture")).expect("a picture");
    writer.lasts_until(Duration::from_millis(9500));
    let (blocks, finished) = finish(writer);
    assert_eq!(finished.duration(), Duration::from_secs(9));
    assert_eq!(blocks[1].length, Duration::from_secs(9));
}

#[test]
fn what_cannot_be_recorded_is_refused() {
    let new = |tracks| Writer::new(tracks, settings()).map(|_| ());
    assert_eq!(new(vec![]), Err(RecordingError::TrackCount { count: 0 }));
    assert_eq!(new(vec![video(); TRACKS_MAX]), Ok(()));
    assert_eq!(new(vec![video(); TRACKS_MAX + 1]), Err(RecordingError::TrackCount { count: 127 }));
    let cluster = CLUSTER_LENGTH_MAX + Duration::from_millis(1);
    let long = Writer::new(vec![video()], Settings { cluster, ..settings() });
    assert_eq!(long.map(|_| ()), Err(RecordingError::ClusterLength { length: cluster }));
    assert_eq!(
        writer(vec![video()]).push(1, frame(0, true, b"x")),
        Err(RecordingError::UnknownTrack { track: 1 })
    );
    assert_eq!(writer(vec![video()]).finish().map(|_| ()), Err(RecordingError::Empty));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Any frames of two tracks come out as they went in, in the order of their times, in both finished forms.
    #[test]
    fn all_frames_read_back(
        frames in proptest::collection::vec((0_u8..2, 0_u64..4000, any::<bool>(), 0_usize..300), 1..120)
    ) {
        let mut writer = writer(vec![video(), video()]);
        let mut clocks = [0_u64; 2];
        let mut wanted = Vec::new();
        for (track, step, keyframe, length) in frames {
            let track_index = usize::from(track);
            clocks[track_index] += step;
            let data = vec![track; length];
            writer.push(track_index, frame(clocks[track_index], keyframe, &data)).expect("a frame");
            wanted.push(Packet { track: track + 1, time: clocks[track_index] as i64, keyframe, data });
        }
        let origin = wanted.iter().map(|packet| packet.time).min().expect("a frame");
        for packet in &mut wanted {
            packet.time -= origin;
        }
        wanted.sort_by_key(|packet| (packet.time, packet.track));
        let (blocks, finished) = finish(writer);
        prop_assert_eq!(all_packets(&blocks), wanted);
        check(&blocks, &finished);
    }
}

/// Both finished forms are whole, and every position in them is right.
fn check(blocks: &[Block], finished: &Finished) {
    let back = finished.back();
    assert_eq!(back.first.len(), blocks[0].bytes.len());
    let clusters = || blocks[1..].iter().flat_map(|block| block.bytes.iter().copied());
    let in_front: Vec<u8> = finished.front().iter().copied().chain(clusters()).collect();
    let in_place: Vec<u8> =
        back.first.iter().copied().chain(clusters()).chain(back.tail.iter().copied()).collect();
    for file in [in_front, in_place] {
        let top = elements(&file);
        assert_eq!(top.len(), 2, "an EBML head and a segment");
        let segment = top[1];
        assert_eq!(segment.size, Some(segment.data.len() as u64));
        let children = elements(segment.data);
        let duration = child(&elements(child(&children, INFO).data), 0x4489).data;
        let duration = f64::from_be_bytes(duration.try_into().expect("a double"));
        assert!((duration - finished.duration().as_secs_f64() * 1000.0).abs() <= 1.0);
        for cue in elements(child(&children, CUES).data) {
            let point = elements(cue.data);
            let at = elements(child(&point, 0xB7).data);
            let position = unsigned(child(&at, 0xF1).data) as usize;
            let cluster =
                children.iter().find(|element| element.at == position).expect("an element is there");
            assert_eq!(cluster.id, CLUSTER);
            let time = unsigned(child(&point, 0xB3).data) as i64;
            let start = packets(cluster).into_iter().find(|packet| packet.keyframe && packet.time == time);
            assert!(start.is_some(), "a keyframe at {time}");
        }
    }
}

/// The times in the index.
fn cues(blocks: &[Block], finished: &Finished) -> Vec<u64> {
    check(blocks, finished);
    let tail = finished.back().tail;
    let points = elements(elements(&tail)[0].data);
    points.iter().map(|cue| unsigned(child(&elements(cue.data), 0xB3).data)).collect()
}

fn all_packets(blocks: &[Block]) -> Vec<Packet> {
    blocks[1..].iter().flat_map(|block| packets(&elements(&block.bytes)[0])).collect()
}

fn times(blocks: &[Block]) -> Vec<i64> {
    all_packets(blocks).iter().map(|packet| packet.time).collect()
}

/// All blocks, and what follows them.
fn finish(mut writer: Writer) -> (Vec<Block>, Finished) {
    let mut blocks: Vec<Block> = std::iter::from_fn(|| writer.poll()).collect();
    let mut finished = writer.finish().expect("something was written");
    blocks.extend(std::iter::from_fn(|| finished.poll()));
    (blocks, finished)
}

fn writer(tracks: Vec<Track>) -> Writer {
    Writer::new(tracks, settings()).expect("good settings")
}

fn settings() -> Settings {
    Settings { cluster: Duration::from_secs(2), patience: None, started: None, application: "a test".into() }
}

/// The mix, and room for so many participants.
fn voices(count: usize) -> Writer {
    writer(std::iter::once(sound()).chain(std::iter::repeat_n(Track::Voice, count)).collect())
}

fn video() -> Track {
    Track::Vp8(VideoSize::new(640, 360).expect("a size"))
}

fn sound() -> Track {
    Track::Opus(OpusHead::plain(2, 312, 48_000).expect("a header"))
}

fn frame(milliseconds: u64, keyframe: bool, data: &[u8]) -> Frame {
    Frame {
        time: Duration::from_millis(milliseconds),
        length: Duration::from_millis(20),
        keyframe,
        data: Bytes::copy_from_slice(data),
    }
}

proptest! {
    /// Whatever times packets have, each track's stand in order and none overlaps the one before.
    #[test]
    fn no_times_upset_a_track(steps in proptest::collection::vec((0_u64..200, any::<bool>(), 0_u64..100), 1..200)) {
        let mut writer = voices(1);
        let (mut said, mut mixed) = (0, 0);
        for (step, follows, behind) in steps {
            said += step;
            let time = Duration::from_millis(said.saturating_sub(behind));
            writer.push_voice(1, time, follows, Bytes::from_static(&[0xF8, 0xFF, 0xFE])).expect("a voice");
            while mixed + 20 < said {
                writer.push(0, frame(mixed, true, b"mix")).expect("the mix");
                mixed += 20;
            }
        }
        writer.push(0, frame(mixed, true, b"mix")).expect("the mix");
        let (blocks, _) = finish(writer);
        let packets: Vec<Packet> = blocks[1..].iter().flat_map(|block| packets(&elements(&block.bytes)[0])).collect();
        let voice: Vec<_> = packets.iter().filter(|packet| packet.track == 2).collect();
        for pair in voice.windows(2) {
            let length = match pair[0].data[0] {
                0xFB => 60,
                0xF8 => 20,
                0xF0 => 10,
                0xE8 => 5,
                _ => 2,
            };
            let apart = pair[1].time - pair[0].time;
            // Times are rounded, and the first of a block is not before it.
            prop_assert!(length - 3 <= apart && apart <= length + 3, "{apart} ms after one of {length} ms");
        }
    }
}
