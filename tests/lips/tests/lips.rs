//! A clapper is seen when it is heard, in recordings over good lines and poor ones.

use std::time::Duration;

use convene_lips::{Offsets, Scene, Way, record};
use convene_test_support::Line;

/// The median is allowed so many milliseconds either way.
const OFFSET_MAX: f64 = 50.0;
/// Senders report every few seconds, and the mixer gets to know the line.
const SETTLING: f64 = 6.0;
const LENGTH: Duration = Duration::from_secs(15);
/// Of nine claps that can be in the file by then.
const CLAPS_MIN: usize = 6;

async fn offsets(way: Way, has_screen: bool) -> Offsets {
    let file = tempfile::NamedTempFile::new().expect("a file");
    record(Scene { way, has_screen, length: LENGTH }, file.path()).await.expect("it is recorded");
    let offsets = Offsets::measure(file.path(), SETTLING).expect("claps are found");
    println!("{way:?}: median {:.1} ms of {:.1?}", offsets.median(), offsets.0);
    assert!(CLAPS_MIN <= offsets.count(), "{offsets:?}");
    offsets
}

async fn are_together(way: Way, has_screen: bool) {
    let offsets = offsets(way, has_screen).await;
    assert!(offsets.median().abs() <= OFFSET_MAX, "{offsets:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_good_line() {
    are_together(Way::GOOD, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_a_screen() {
    are_together(Way::GOOD, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_voice_comes_later() {
    are_together(Way::late(150, 0), false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_camera_comes_later() {
    are_together(Way::late(0, 150), false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_both_come_from_far_away() {
    are_together(Way::late(300, 300), false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_an_uneven_line_that_loses() {
    let poor = Line { jitter: Duration::from_millis(100), loss_per_mille: 20, ..Line::GOOD };
    are_together(Way { voice: poor, camera: poor, reports: true }, false).await;
}

/// A face waits for a fixed time; how long its voice does is up to the line and to how busy the machine is.
#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_report_is_recorded_all_the_same() {
    let offsets = offsets(Way { reports: false, ..Way::GOOD }, false).await;
    assert!(offsets.median().abs() <= 250.0, "{offsets:?}");
}
