//! The meeting's pipeline carries: several viewers, viewers who come and go, presenters who change, streams that are none.

mod scene;

use std::time::Duration;

use bytes::Bytes;
use convene_pipelines::{MeetingEvent, MeetingPipeline};
use scene::{Presenter, WAIT_MAX, Watcher};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;

/// The next event that `wanted` takes.
async fn event<T>(
    events: &mut UnboundedReceiver<MeetingEvent>,
    wanted: impl Fn(&MeetingEvent) -> Option<T>,
) -> T {
    let find = async {
        loop {
            let event = events.recv().await.expect("the pipeline runs");
            if let Some(found) = wanted(&event) {
                return found;
            }
        }
    };
    timeout(WAIT_MAX, find).await.expect("the event comes")
}

fn taken(bytes: u64) -> impl Fn(&MeetingEvent) -> Option<()> {
    move |event| (*event == MeetingEvent::Taken(bytes)).then_some(())
}

#[tokio::test(flavor = "multi_thread")]
async fn early_and_late_viewers_see_the_same_screen() {
    let (meeting, mut events) = MeetingPipeline::start().expect("a pipeline");
    let mut presenter = Presenter::new();
    let mut early = Watcher::join(&meeting);

    let first = presenter.show(1);
    let second = presenter.show(2);
    let sent = (first.len() + second.len()) as u64;
    meeting.push(first).expect("taken");
    early.see(1).await;
    meeting.push(second).expect("taken");
    early.see(2).await;
    event(&mut events, taken(sent)).await;

    let mut late = Watcher::join(&meeting);
    late.see(2).await;
    meeting.push(presenter.show(3)).expect("taken");
    early.see(3).await;
    late.see(3).await;
    meeting.stop();
    assert!(early.is_closed().await && late.is_closed().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_may_be_cut_anywhere() {
    let (meeting, _events) = MeetingPipeline::start().expect("a pipeline");
    let mut watcher = Watcher::join(&meeting);
    let stream = Presenter::new().show(1);
    for piece in stream.chunks(7) {
        meeting.push(Bytes::copy_from_slice(piece)).expect("taken");
    }
    watcher.see(1).await;
}

/// One viewer never says that it has painted; the other one sees every picture and the presenter's bytes are all taken.
#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_who_never_acknowledges_holds_nobody_up() {
    let (meeting, mut events) = MeetingPipeline::start().expect("a pipeline");
    let mut presenter = Presenter::new();
    let mut mute = Watcher::join(&meeting);
    mute.acknowledges = false;
    let mut watcher = Watcher::join(&meeting);

    let mut sent = 0;
    for seed in 0..200 {
        let update = presenter.show(seed);
        sent += update.len() as u64;
        meeting.push(update).expect("taken");
        watcher.see(seed).await;
    }
    event(&mut events, taken(sent)).await;
}

/// Half a record of the first presenter must not meet the second one's first record.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_presenter_cuts_the_former_one_in_the_middle_of_a_record() {
    let (meeting, mut events) = MeetingPipeline::start().expect("a pipeline");
    let mut watcher = Watcher::join(&meeting);
    let mut first = Presenter::new();
    meeting.push(first.show(1)).expect("taken");
    watcher.see(1).await;

    let half = first.show(2);
    meeting.push(half.slice(..half.len() / 2)).expect("taken");
    meeting.presenter_changed();
    let second = Presenter::new().show(3);
    let sent = second.len() as u64;
    meeting.push(second).expect("taken");

    watcher.see(3).await;
    event(&mut events, taken(sent)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_screen_stays_between_presenters() {
    let (meeting, mut events) = MeetingPipeline::start().expect("a pipeline");
    let update = Presenter::new().show(4);
    let sent = update.len() as u64;
    meeting.push(update).expect("taken");
    event(&mut events, taken(sent)).await;
    meeting.presenter_changed();
    Watcher::join(&meeting).see(4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_stream_is_refused_until_the_presenter_changes() {
    let (meeting, mut events) = MeetingPipeline::start().expect("a pipeline");
    let mut watcher = Watcher::join(&meeting);
    meeting.push(Presenter::new().show(1)).expect("taken");
    watcher.see(1).await;

    meeting.push(Bytes::from_static(b"GET / HTTP/1.1\r\n\r\n")).expect("taken");
    let sentence = event(&mut events, |event| match event {
        MeetingEvent::StreamRefused(sentence) => Some(sentence.clone()),
        _ => None,
    });
    assert!(!sentence.await.is_empty());
    Watcher::join(&meeting).see(1).await;

    meeting.presenter_changed();
    meeting.push(Presenter::new().show(2)).expect("taken");
    watcher.see(2).await;
}

/// Viewers come and go a hundred times while the screen never rests: nobody hangs, and who stays sees it all.
#[tokio::test(flavor = "multi_thread")]
async fn viewers_come_and_go_while_the_screen_streams() {
    let (meeting, _events) = MeetingPipeline::start().expect("a pipeline");
    let mut presenter = Presenter::new();
    let mut stays = Watcher::join(&meeting);
    let story = async {
        for round in 0..100u8 {
            let seed = round * 2;
            meeting.push(presenter.show(seed)).expect("taken");
            let mut guest = Watcher::join(&meeting);
            meeting.push(presenter.show(seed + 1)).expect("taken");
            if round % 3 == 0 {
                guest.see(seed + 1).await;
            }
            drop(guest);
        }
        stays.see(199).await;
    };
    timeout(Duration::from_secs(60), story).await.expect("nobody hangs");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_may_outlive_the_meeting() {
    let (meeting, mut events) = MeetingPipeline::start().expect("a pipeline");
    let mut watcher = Watcher::join(&meeting);
    meeting.push(Presenter::new().show(1)).expect("taken");
    meeting.stop();
    assert!(watcher.is_closed().await);
    drop(watcher);
    assert!(timeout(WAIT_MAX, async { while events.recv().await.is_some() {} }).await.is_ok());
}

/// Six viewers leave, each on a thread of its own, while the meeting stops on another.
#[test]
fn viewers_may_leave_while_the_meeting_stops() {
    for seed in 0..200 {
        let (meeting, _events) = MeetingPipeline::start().expect("a pipeline");
        let viewers: Vec<_> = (0..6).map(|_| meeting.watch(true, true).expect("a viewer")).collect();
        meeting.push(Presenter::new().show(seed)).expect("taken");
        std::thread::scope(|threads| {
            for viewer in viewers {
                threads.spawn(move || drop(viewer));
            }
            threads.spawn(move || meeting.stop());
        });
    }
}
