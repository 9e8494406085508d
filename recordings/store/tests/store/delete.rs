//! Deleting a recording everywhere.

use convene_recordings_store::{BlobStore, StoreError, Weather, delete_with, discard};

use crate::meeting::{LONG, Meeting, PATIENCE, first_again, is_empty, put, read};

#[tokio::test(start_paused = true)]
async fn deleting_is_done_in_every_region_and_can_be_repeated() {
    let meeting = Meeting::new();
    let mut writer = meeting.writer().await;
    put(&mut writer, 0..5).await;
    writer.finish(first_again(), LONG).await.expect("the spool is fine");

    meeting.b.set_weather(Weather::AwayAfter(0));
    let done = delete_with(meeting.id, &meeting.regions(), PATIENCE).await;
    assert_eq!(done[0], ("a".parse().expect("a name"), Ok(())));
    assert!(matches!(&done[1], (b, Err(StoreError::Away { .. })) if b.as_str() == "b"));
    assert_eq!(read(&meeting.a, meeting.id).await, None);

    meeting.b.set_weather(Weather::Fine);
    for _ in 0..2 {
        let done = delete_with(meeting.id, &meeting.regions(), PATIENCE).await;
        assert!(done.iter().all(|(_, result)| result.is_ok()), "{done:?}");
        assert_eq!(read(&meeting.b, meeting.id).await, None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_region_that_does_not_answer_does_not_hold_the_others() {
    let meeting = Meeting::new();
    meeting.a.set_weather(Weather::Stalled);
    let done = delete_with(meeting.id, &meeting.regions(), PATIENCE).await;
    assert!(matches!(done[0].1, Err(StoreError::Slow { seconds: 3, .. })), "{done:?}");
    assert_eq!(done[1].1, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn what_was_discarded_does_not_come_back() {
    let meeting = Meeting::new();
    meeting.b.set_weather(Weather::AwayAfter(0));
    let mut writer = meeting.writer().await;
    put(&mut writer, 0..5).await;
    let busy = discard(meeting.spool.path(), meeting.id).await.expect_err("it is being recorded");
    assert!(busy.to_string().contains("just now"), "{busy}");
    writer.finish(first_again(), PATIENCE.call).await.expect("the spool is fine");

    discard(meeting.spool.path(), meeting.id).await.expect("nobody is at work on it");
    discard(meeting.spool.path(), meeting.id).await.expect("it is gone already");
    assert!(is_empty(meeting.spool.path()));
    meeting.b.set_weather(Weather::Fine);
    delete_with(meeting.id, &meeting.regions(), PATIENCE).await;
    assert!(convene_recordings_store::resume(meeting.spool.path(), &meeting.regions()).await.is_empty());
    assert_eq!(meeting.b.size(&meeting.id.blob_name()).await, Ok(None));
}
