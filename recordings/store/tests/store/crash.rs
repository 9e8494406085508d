//! The recording process dies, at every step; the next start finishes what the spool has.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use convene_recordings::{CopyState, RecordingId, RecordingLayout, StoreConfig};
use convene_recordings_store::{BlobStore, RecordingWriter, Weather, WriterOptions, open};

use crate::meeting::{
    LONG, Meeting, PATIENCE, are_whole, block, file, first_again, is_empty, put, read, resume, states,
};

/// The regions see the first so many calls of the recording, and then nothing any more: the process is dead.
#[tokio::test(start_paused = true)]
async fn whatever_had_reached_the_regions_both_end_up_with_the_whole_file() {
    for finished in [false, true] {
        for calls in 0..24 {
            for forgetful in [false, true] {
                let meeting = Meeting::new();
                meeting.a.set_weather(Weather::AwayAfter(calls));
                meeting.b.set_weather(Weather::AwayAfter(calls / 2));
                let mut writer = meeting.writer().await;
                put(&mut writer, 0..11).await;
                if finished {
                    let copies = writer.finish(first_again(), LONG).await.expect("the spool is fine");
                    assert!(copies.iter().any(|copy| copy.state != CopyState::Complete), "{calls} calls");
                } else {
                    drop(writer);
                }
                for store in [&meeting.a, &meeting.b] {
                    store.set_weather(Weather::Fine);
                    if forgetful {
                        store.forget_uncommitted();
                    }
                }
                let resumed = meeting.resume().await;
                assert_eq!(resumed.finished, finished);
                are_whole(&resumed.copies, &file(11, finished));
                meeting.is_whole(&file(11, finished)).await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_recording_can_stop_after_any_block() {
    for blocks in 1..14 {
        let meeting = Meeting::new();
        let mut writer = meeting.writer().await;
        put(&mut writer, 0..blocks).await;
        drop(writer);
        let resumed = meeting.resume().await;
        assert!(!resumed.finished);
        are_whole(&resumed.copies, &file(blocks, false));
        meeting.is_whole(&file(blocks, false)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn resuming_can_be_cut_off_as_often_as_it_likes() {
    let meeting = Meeting::new();
    meeting.a.set_weather(Weather::AwayAfter(0));
    meeting.b.set_weather(Weather::AwayAfter(0));
    let mut writer = meeting.writer().await;
    put(&mut writer, 0..11).await;
    drop(writer);
    let mut tries = 0;
    loop {
        meeting.a.set_weather(Weather::AwayAfter(3));
        meeting.b.set_weather(Weather::AwayAfter(4));
        let resumed = meeting.resume().await;
        tries += 1;
        assert!(tries < 20, "every try gets further");
        if resumed.copies.iter().all(|copy| copy.state == CopyState::Complete) {
            break;
        }
    }
    meeting.a.set_weather(Weather::Fine);
    meeting.b.set_weather(Weather::Fine);
    meeting.is_whole(&file(11, false)).await;
}

/// What was kept for this comes in the place of block 0, whoever resumes and however often; that the recording was never ended is not forgotten, nor what is in it.
#[tokio::test(start_paused = true)]
async fn a_recording_that_was_cut_off_begins_as_its_recorder_had_said() {
    let meeting = Meeting::new();
    meeting.b.set_weather(Weather::AwayAfter(7));
    let options =
        WriterOptions { patience: PATIENCE, layout: RecordingLayout::Tracks, ..WriterOptions::default() };
    let mut writer = meeting.writer_with(options).await;
    put(&mut writer, 0..3).await;
    for head in ["<a head with one name>", "<a head with the names that are known by now>"] {
        writer.keep_cut_off(head.into()).await.expect("the spool takes it");
    }
    writer.keep_cut_off(Bytes::new()).await.expect_err("there is no such block");
    put(&mut writer, 3..11).await;
    drop(writer);
    let whole =
        [b"<a head with the names that are known by now>", &file(11, false)[block(0).len()..]].concat();
    for _ in 0..2 {
        let resumed = meeting.resume().await;
        assert_eq!((resumed.finished, resumed.layout), (false, RecordingLayout::Tracks));
        assert_eq!(states(&resumed.copies), [CopyState::Complete, CopyState::Behind]);
        assert_eq!(read(&meeting.a, meeting.id).await.as_deref(), Some(&whole[..]));
    }
    meeting.b.set_weather(Weather::Fine);
    let resumed = meeting.resume().await;
    assert!(!resumed.finished);
    are_whole(&resumed.copies, &whole);
    meeting.is_whole(&whole).await;
}

#[tokio::test(start_paused = true)]
async fn a_recording_that_was_ended_needs_no_word_for_a_crash() {
    let meeting = Meeting::new();
    meeting.b.set_weather(Weather::AwayAfter(7));
    let mut writer = meeting.writer().await;
    put(&mut writer, 0..3).await;
    writer.keep_cut_off("<a head with a name>".into()).await.expect("the spool takes it");
    put(&mut writer, 3..11).await;
    writer.finish(first_again(), Duration::ZERO).await.expect("the spool is fine");
    meeting.b.set_weather(Weather::Fine);
    let resumed = meeting.resume().await;
    assert_eq!((resumed.finished, resumed.layout), (true, RecordingLayout::Beside));
    meeting.is_whole(&file(11, true)).await;
}

const ROOT: &str = "CONVENE_TEST_CRASH_ROOT";
const ID: &str = "CONVENE_TEST_CRASH_ID";

/// The real thing: another process, killed, with folders as regions.
#[tokio::test]
async fn a_killed_process_loses_nothing_that_it_had_put() {
    for puts in [1, 2, 3, 5, 8, 9, 12] {
        let root = tempfile::tempdir().expect("a folder");
        let id = RecordingId::new(uuid::Uuid::new_v4());
        let put = record_until_killed(root.path(), id, puts);
        assert!(puts <= put);

        let stores = folders(root.path());
        let spool = root.path().join("spool");
        let resumed = resume(&spool, &stores).await;
        assert!(resumed.problem.is_none() && !resumed.finished);
        let whole = read(stores[0].as_ref(), id).await.expect("it is there");
        // One more block may have been on the disk and not yet been told.
        let blocks = (put..put + 2).find(|&blocks| file(blocks, false) == whole);
        assert!(blocks.is_some(), "{put} blocks were put, {} bytes are there", whole.len());
        are_whole(&resumed.copies, &whole);
        assert_eq!(read(stores[1].as_ref(), id).await, Some(whole.clone()));
        assert_eq!(std::fs::read(root.path().join(format!("b/{id}.webm"))).expect("a plain file"), whole);
        assert!(is_empty(&spool));
    }
}

/// How many blocks had been put, as far as the process had said.
fn record_until_killed(root: &Path, id: RecordingId, puts: u32) -> u32 {
    let mut child = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "crash::the_process_that_is_killed", "--nocapture"])
        .env(ROOT, root)
        .env(ID, id.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it can be started");
    let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let mut put = 0;
    let mut killed = false;
    for line in lines.map_while(Result::ok) {
        if line.contains("put ") {
            put += 1;
        }
        if put == puts && !killed {
            child.kill().expect("it runs");
            killed = true;
        }
    }
    child.wait().expect("it has ended");
    assert!(killed, "it ended before it was killed");
    put
}

/// Only does something when it is started by the test above.
#[tokio::test]
async fn the_process_that_is_killed() {
    let (Ok(root), Ok(id)) = (std::env::var(ROOT), std::env::var(ID)) else { return };
    let root = Path::new(&root);
    let id = id.parse().expect("an id");
    let mut writer = RecordingWriter::create(&root.join("spool"), id, folders(root)).await.expect("a spool");
    for number in 0..2000 {
        writer.put(number, block(number)).await.expect("the spool takes it");
        println!("put {number}");
        std::io::stdout().flush().expect("the other process reads");
    }
}

fn folders(root: &Path) -> Vec<Arc<dyn BlobStore>> {
    let folder = |name: &str| StoreConfig::folder(name.parse().expect("a name"), root.join(name));
    ["a", "b"].map(|name| open(&folder(name)).expect("a store")).to_vec()
}
