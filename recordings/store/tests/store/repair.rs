//! Regions that differ: found, said, and made the same again.

use convene_recordings::{BlockId, CopyState, Recording, RecordingState};
use convene_recordings_store::{BlobStore, Difference, Examination, Finding, Weather, examine};
use time::OffsetDateTime;

use crate::meeting::{LONG, Meeting, are_whole, file, first_again, put};

const BLOCKS: u32 = 9;

/// A recording that both regions have, as the catalogue has it.
async fn recorded(meeting: &Meeting) -> Recording {
    let mut writer = meeting.writer().await;
    put(&mut writer, 0..BLOCKS).await;
    let copies = writer.finish(first_again(), LONG).await.expect("the spool is fine");
    let mut recording = Recording::recovered(
        meeting.id,
        convene_recordings::RecordingLayout::default(),
        OffsetDateTime::UNIX_EPOCH,
    );
    recording.settle(copies);
    assert_eq!(recording.state, RecordingState::Ready);
    recording
}

async fn look(meeting: &Meeting, recording: &Recording) -> Examination {
    examine(recording, &meeting.regions(), None, &|_| {}).await
}

fn found(examination: &Examination) -> Vec<Finding> {
    examination.findings().map(|(_, finding)| finding.clone()).collect()
}

/// Puts other bytes in the place of this block in region b.
async fn spoil(meeting: &Meeting, number: u32) {
    let blob = meeting.id.blob_name();
    let ids: Vec<_> =
        meeting.b.block_list(&blob).await.expect("a list").iter().map(|block| block.id).collect();
    let id = BlockId::new(number).expect("small");
    meeting.b.put_block(&blob, &id, "<something else>".into()).await.expect("taken");
    meeting.b.commit(&blob, &ids).await.expect("committed");
}

#[tokio::test(start_paused = true)]
async fn two_whole_copies_are_right() {
    let meeting = Meeting::new();
    let recording = recorded(&meeting).await;
    let examination = look(&meeting, &recording).await;
    assert!(examination.is_right());
    are_whole(&examination.as_copies(), &file(BLOCKS, true));
}

#[tokio::test(start_paused = true)]
async fn a_lost_copy_and_a_spoilt_one_are_made_whole_again() {
    for spoilt in [false, true] {
        let meeting = Meeting::new();
        let recording = recorded(&meeting).await;
        if spoilt {
            spoil(&meeting, 4).await;
        } else {
            meeting.b.delete(&meeting.id.blob_name()).await.expect("deleted");
        }
        let mut examination = look(&meeting, &recording).await;
        let [Finding::Right, wrong] = &found(&examination)[..] else { panic!("{:?}", found(&examination)) };
        match wrong {
            Finding::Missing => assert!(!spoilt),
            Finding::Differs(Difference::Block { number: 4, .. }) => assert!(spoilt),
            wrong => panic!("{wrong}"),
        }
        assert_eq!(examination.repair(meeting.id, &|_| {}).await, [("b".parse().expect("a name"), Ok(()))]);
        assert!(examination.is_right());
        assert!(look(&meeting, &recording).await.is_right());
        meeting.is_whole(&file(BLOCKS, true)).await;
    }
}

/// Without the hash that the catalogue keeps, the longer one of two is right; of two that are as long, nobody knows.
#[tokio::test(start_paused = true)]
async fn nothing_is_copied_while_nobody_knows_which_region_is_right() {
    let meeting = Meeting::new();
    let mut recording = recorded(&meeting).await;
    spoil(&meeting, 4).await;
    recording.regions.iter_mut().for_each(|copy| copy.sha256 = None);
    let mut examination = look(&meeting, &recording).await;
    assert_eq!(found(&examination), [Finding::Unsure, Finding::Unsure]);
    assert_eq!(examination.repair(meeting.id, &|_| {}).await, []);

    let trusted = "a".parse().expect("a name");
    let mut examination = examine(&recording, &meeting.regions(), Some(&trusted), &|_| {}).await;
    assert!(examination.repair(meeting.id, &|_| {}).await[0].1.is_ok());
    meeting.is_whole(&file(BLOCKS, true)).await;
}

#[tokio::test(start_paused = true)]
async fn what_no_region_holds_any_more_is_not_made_up() {
    let meeting = Meeting::new();
    let recording = recorded(&meeting).await;
    for store in [&meeting.a, &meeting.b] {
        store.delete(&meeting.id.blob_name()).await.expect("deleted");
    }
    let mut examination = look(&meeting, &recording).await;
    assert_eq!(found(&examination), [Finding::Missing, Finding::Missing]);
    assert!(!examination.is_right() && examination.source().is_none());
    assert_eq!(examination.repair(meeting.id, &|_| {}).await, []);
}

#[tokio::test(start_paused = true)]
async fn a_region_that_is_away_is_neither_right_nor_touched() {
    let meeting = Meeting::new();
    let recording = recorded(&meeting).await;
    meeting.b.set_weather(Weather::AwayAfter(0));
    let mut examination = look(&meeting, &recording).await;
    assert!(matches!(&found(&examination)[..], [Finding::Right, Finding::Away(_)]));
    assert_eq!(examination.repair(meeting.id, &|_| {}).await, []);
    let states: Vec<_> = examination.as_copies().iter().map(|copy| copy.state).collect();
    assert_eq!(states, [CopyState::Complete, CopyState::Behind]);
}
