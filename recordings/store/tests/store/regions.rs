//! A recording and its two regions, in all weathers. The clock runs ahead, so minutes of trouble take no time.

use std::time::Duration;

use convene_recordings::CopyState::{Behind, Complete, Writing};
use convene_recordings::{BLOCK_BYTES_MAX, RecordingState};
use convene_recordings_store::{BlobStore, RecordingWriter, SpoolError, Weather, WriterOptions};
use tokio::time::Instant;

use crate::meeting::{
    LONG, Meeting, PATIENCE, are_whole, block, file, first_again, is_empty, put, read, states,
};

#[tokio::test(start_paused = true)]
async fn both_regions_get_the_same_file() {
    let meeting = Meeting::new();
    let mut writer = meeting.writer().await;
    put(&mut writer, 0..30).await;
    let copies = writer.finish(first_again(), LONG).await.expect("the spool is fine");
    are_whole(&copies, &file(30, true));
    meeting.is_whole(&file(30, true)).await;
    assert_eq!(RecordingState::of_ended(&copies), RecordingState::Ready);
}

#[tokio::test(start_paused = true)]
async fn it_can_be_played_while_it_runs() {
    let meeting = Meeting::new();
    let mut writer = meeting.writer().await;
    put(&mut writer, 0..2).await;
    assert_eq!(read(&meeting.a, meeting.id).await, Some(file(2, false)));
    put(&mut writer, 2..11).await;
    assert_eq!(read(&meeting.b, meeting.id).await, Some(file(10, false)));
    assert_eq!(states(&writer.copies()), [Writing, Writing]);
    assert_eq!(writer.copies()[0].bytes, file(10, false).len() as u64);

    // What both regions have is not kept on the disk; block 0 is.
    let held = std::fs::read_dir(meeting.spool.path().join(meeting.id.to_string())).expect("it is there");
    let mut held: Vec<_> = held.map(|entry| entry.expect("a file").file_name()).collect();
    held.retain(|name| name.to_string_lossy().starts_with("block-"));
    held.sort();
    assert_eq!(held, ["block-00000.webm", "block-00010.webm"]);
}

#[tokio::test(start_paused = true)]
async fn a_region_that_is_away_delays_nothing_and_catches_up() {
    for (away, back) in [(0, 6), (0, 20), (3, 9), (7, 20), (17, 20), (19, 20)] {
        for weather in [Weather::AwayAfter(0), Weather::Silent, Weather::Stalled] {
            let meeting = Meeting::new();
            let mut writer = meeting.writer().await;
            let start = Instant::now();
            put_through(&mut writer, 0..away, &start).await;
            meeting.b.set_weather(weather);
            put_through(&mut writer, away..back, &start).await;
            meeting.b.set_weather(Weather::Fine);
            put_through(&mut writer, back..20, &start).await;
            assert_eq!(
                read(&meeting.a, meeting.id).await.map(|file| file.len()),
                Some(file(18, false).len())
            );
            let copies = writer.finish(first_again(), LONG).await.expect("the spool is fine");
            are_whole(&copies, &file(20, true));
            meeting.is_whole(&file(20, true)).await;
        }
    }
}

/// Puts the blocks and looks that each put took no time of the meeting.
async fn put_through(writer: &mut RecordingWriter, numbers: std::ops::Range<u32>, start: &Instant) {
    put(writer, numbers.clone()).await;
    assert_eq!(start.elapsed().as_secs(), u64::from(numbers.end) * 2);
}

#[tokio::test(start_paused = true)]
async fn a_region_that_stays_away_is_finished_later() {
    for weather in [Weather::AwayAfter(0), Weather::AwayAfter(9), Weather::Stalled, Weather::Silent] {
        let meeting = Meeting::new();
        meeting.b.set_weather(weather);
        let options = WriterOptions { patience: PATIENCE, ..WriterOptions::default() };
        let mut writer = meeting.writer_with(options).await;
        put(&mut writer, 0..9).await;
        let start = Instant::now();
        let copies = writer.finish(first_again(), LONG).await.expect("the spool is fine");
        assert!(
            start.elapsed() < options.others_max + Duration::from_secs(1),
            "one region has it: {weather:?}"
        );
        are_whole(&copies[..1], &file(9, true));
        assert_eq!(states(&copies), [Complete, Behind]);
        assert_eq!(RecordingState::of_ended(&copies), RecordingState::Degraded);

        let asked = meeting.a.calls();
        let resumed = meeting.resume().await;
        assert_eq!(states(&resumed.copies), [Complete, Behind], "{weather:?}");
        are_whole(&resumed.copies[..1], &file(9, true));
        assert_eq!(meeting.a.calls(), asked, "what is complete is not read back again and again");
        assert!(!is_empty(meeting.spool.path()));

        meeting.b.set_weather(Weather::Fine);
        meeting.b.forget_uncommitted();
        let resumed = meeting.resume().await;
        assert!(resumed.finished && resumed.problem.is_none());
        assert_eq!(resumed.bytes, file(9, true).len() as u64);
        are_whole(&resumed.copies, &file(9, true));
        meeting.is_whole(&file(9, true)).await;
    }
}

/// For those who watch over it: what each region was given, what failed, and how far it lags.
#[tokio::test(start_paused = true)]
async fn a_region_that_is_away_lags_and_one_that_follows_does_not() {
    let meeting = Meeting::new();
    meeting.b.set_weather(Weather::AwayAfter(0));
    let mut writer = meeting.writer().await;
    put(&mut writer, 0..12).await;
    let [a, b] = &writer.progress().reports()[..] else { panic!("two regions") };
    assert_eq!((a.region.as_str(), a.blocks, a.errors), ("a", 12, 0));
    assert_eq!(a.bytes, file(12, false).len() as u64);
    // A list is committed every four blocks.
    assert!(a.lag_ms <= 8_000, "{a:?}");
    assert_eq!((b.blocks, b.bytes, b.lag_bytes), (0, 0, file(12, false).len() as u64));
    assert!(3 <= b.errors, "{b:?}");
    assert_eq!(b.lag_ms, 24_000, "{b:?}");

    meeting.b.set_weather(Weather::Fine);
    let copies = writer.finish(first_again(), LONG).await.expect("the spool is fine");
    are_whole(&copies, &file(12, true));
}

#[tokio::test(start_paused = true)]
async fn a_region_that_forgets_what_was_put_gets_it_again() {
    let meeting = Meeting::new();
    let mut writer = meeting.writer().await;
    for number in 0..15 {
        put(&mut writer, number..number + 1).await;
        meeting.a.forget_uncommitted();
    }
    let copies = writer.finish(first_again(), LONG).await.expect("the spool is fine");
    are_whole(&copies, &file(15, true));
}

#[tokio::test(start_paused = true)]
async fn wrong_bytes_are_found_and_healed_from_the_other_region() {
    let meeting = Meeting::new();
    meeting.a.set_weather(Weather::Wrong);
    let mut writer = meeting.writer().await;
    put(&mut writer, 0..11).await;
    assert_ne!(read(&meeting.a, meeting.id).await, Some(file(10, false)));
    meeting.a.set_weather(Weather::Fine);
    let copies = writer.finish(first_again(), LONG).await.expect("the spool is fine");
    are_whole(&copies, &file(11, true));
    meeting.is_whole(&file(11, true)).await;
}

#[tokio::test(start_paused = true)]
async fn a_region_that_is_always_wrong_never_counts_as_complete() {
    let meeting = Meeting::new();
    meeting.a.set_weather(Weather::Wrong);
    let mut writer = meeting.writer().await;
    put(&mut writer, 0..5).await;
    let copies = writer.finish(first_again(), LONG).await.expect("the spool is fine");
    assert_eq!(states(&copies), [Behind, Complete]);
    assert!(!is_empty(meeting.spool.path()));
}

#[tokio::test(start_paused = true)]
async fn a_region_that_was_wiped_is_made_whole_again() {
    let meeting = Meeting::new();
    let mut writer = meeting.writer().await;
    put(&mut writer, 0..11).await;
    meeting.b.delete(&meeting.id.blob_name()).await.expect("it works");
    let copies = writer.finish(first_again(), LONG).await.expect("the spool is fine");
    are_whole(&copies, &file(11, true));
    meeting.is_whole(&file(11, true)).await;
}

#[tokio::test(start_paused = true)]
async fn a_full_spool_says_so_and_loses_nothing() {
    let meeting = Meeting::new();
    meeting.b.set_weather(Weather::AwayAfter(0));
    let room: usize = (0..6).map(|number| block(number).len()).sum();
    let options = WriterOptions {
        spool_bytes_max: room as u64,
        patience: PATIENCE,
        others_max: LONG,
        ..WriterOptions::default()
    };
    let mut writer = meeting.writer_with(options).await;
    put(&mut writer, 0..6).await;
    let error = writer.put(6, block(6)).await.expect_err("it is full");
    assert!(matches!(error, SpoolError::Limit { .. }));
    assert!(error.to_string().contains(&format!("{room} of {room} bytes")), "{error}");

    meeting.b.set_weather(Weather::Fine);
    tokio::time::sleep(LONG).await;
    put(&mut writer, 6..8).await;
    meeting.b.set_weather(Weather::AwayAfter(0));
    let copies = writer.finish(first_again(), LONG).await.expect("the end always fits");
    assert_eq!(states(&copies), [Complete, Behind]);
    meeting.b.set_weather(Weather::Fine);
    are_whole(&meeting.resume().await.copies, &file(8, true));
    meeting.is_whole(&file(8, true)).await;
}

#[tokio::test(start_paused = true)]
async fn blocks_come_in_order_and_have_a_size() {
    let meeting = Meeting::new();
    let mut writer = meeting.writer().await;
    put(&mut writer, 0..2).await;
    for number in [0, 1, 3, u32::MAX] {
        let error = writer.put(number, block(1)).await.expect_err("block 2 comes next");
        assert!(matches!(error, SpoolError::OutOfOrder { expected: 2, .. }), "{error}");
    }
    for bytes in [0, BLOCK_BYTES_MAX + 1] {
        let error = writer.put(2, vec![0; bytes].into()).await.expect_err("no block has this size");
        assert!(matches!(error, SpoolError::Size { bytes: b } if b == bytes), "{error}");
    }
    let error = RecordingWriter::create(meeting.spool.path(), meeting.id, meeting.regions()).await;
    assert!(matches!(error.err(), Some(SpoolError::Exists { .. })));
    put(&mut writer, 2..3).await;
    let copies = writer.stop(LONG).await.expect("the spool is fine");
    are_whole(&copies, &file(3, false));
}

#[tokio::test(start_paused = true)]
async fn a_recording_without_a_block_leaves_nothing() {
    let meeting = Meeting::new();
    let writer = meeting.writer().await;
    let error = writer.finish(first_again(), LONG).await.expect_err("block 0 was never put");
    assert!(matches!(error, SpoolError::NoFirst), "{error}");
    let resumed = meeting.resume().await;
    assert_eq!((resumed.bytes, resumed.copies.len(), resumed.problem.is_none()), (0, 0, true));
    assert!(is_empty(meeting.spool.path()));
    assert_eq!(read(&meeting.a, meeting.id).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_spool_that_cannot_be_made_says_where() {
    let meeting = Meeting::new();
    let path = meeting.spool.path().join("file");
    std::fs::write(&path, b"in the way").expect("it can be written");
    let error = RecordingWriter::create(&path, meeting.id, meeting.regions())
        .await
        .err()
        .expect("a file is no folder");
    assert!(error.to_string().contains(&*path.to_string_lossy()), "{error}");
}
