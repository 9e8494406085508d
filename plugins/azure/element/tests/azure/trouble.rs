//! Spools that are full, runs that are cut off, regions that never answer.

use std::net::TcpListener;
use std::time::Duration;

use gst::prelude::*;

use crate::feeder::Feeder;
use crate::support::{Place, noise, play, regions, wait_for};

/// A region that takes connections and never says a word, as a property's value.
fn mute(place: &Place) -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("it is bound").port();
    std::fs::write(place.path("key"), "c2VjcmV0").expect("it can be written");
    let key = place.path("key");
    let text = format!(
        "azure,region=mute,account=a,container=rec,endpoint=http://127.0.0.1:{port}/a,key_file={}",
        key.display()
    );
    (listener, text)
}

fn sink(place: &Place, location: &str, secondary: &str) -> String {
    let (spool, primary) = (place.spool(), place.region("a"));
    format!(
        "azureblobsink name=sink location={location} spool={spool} primary={primary} secondary={secondary}"
    )
}

/// Fails the test when the work takes longer; a test that hangs says less.
fn within(time: Duration, work: impl FnOnce() + Send + 'static) {
    let (done, wait) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        work();
        // Nobody waits when it took too long.
        let _ = done.send(());
    });
    wait.recv_timeout(time).expect("it is over in time");
    thread.join().expect("it does not panic");
}

#[test]
fn a_full_spool_is_an_error_when_a_region_takes_nothing() {
    let place = Place::new();
    let line = sink(&place, "bytes.bin", "folder,region=b,path=/dev/null/b");
    let feeder = Feeder::new(&format!("{line} spool-bytes-max=100000 spool-timeout=1 block-size=20000"));
    let pushed = noise(20_000_000).chunks(10_000).find_map(|bytes| feeder.push(bytes).err());
    assert_eq!(pushed, Some(gst::FlowError::Error));
    let ended = feeder.end();
    assert_eq!(ended.errors.len(), 1, "{ended:?}");
    assert!(ended.errors[0].contains("for 1 s, and the spool is full"), "{ended:?}");
    assert!(ended.warnings[0].starts_with("Region b is behind: region b is away"), "{ended:?}");
    // What had come before is safe.
    assert_eq!(place.waiting(), 1);
}

/// The stream is as fast as its source, and the spool holds less than it: the regions are waited for.
#[test]
fn a_small_spool_is_no_error_while_the_regions_empty_it() {
    let place = Place::new();
    let feeder = Feeder::new(&format!("{} spool-bytes-max=400000 block-size=50000", place.sink("bytes.bin")));
    let bytes = noise(5_000_000);
    feeder.push_all(&bytes);
    let ended = feeder.end();
    assert!(ended.errors.is_empty() && ended.warnings.is_empty(), "{ended:?}");
    assert!(place.read("a", "bytes.bin") == bytes && place.read("b", "bytes.bin") == bytes);
}

#[test]
fn what_can_be_refused_is_refused_at_the_start() {
    let place = Place::new();
    let stores = place.stores();
    for (properties, sentence) in [
        (format!("location=x {stores}"), "Set spool"),
        ("location=x spool=/tmp".to_owned(), "Set primary"),
        (format!("location=x spool=/dev/null/spool {stores}"), "the spool cannot be used"),
        (format!("location=.x spool=/tmp {stores}"), "cannot be a blob's name"),
    ] {
        let ended = play(&format!("fakesrc num-buffers=1 sizetype=fixed ! azureblobsink {properties}"));
        assert!(ended.errors[0].contains(sentence), "{properties}: {ended:?}");
    }
    let nameless = format!("azureblobsink spool={} {stores}", place.spool());
    let ended = play(&format!("fakesrc num-buffers=1 sizetype=fixed ! {nameless}"));
    assert!(ended.errors[0].contains("Set location"), "{ended:?}");
}

#[test]
fn what_came_before_a_stop_without_an_end_is_finished_by_a_later_run() {
    let place = Place::new();
    let bytes = noise(123_456);
    let feeder = Feeder::new(&place.sink("bytes.bin"));
    feeder.push_all(&bytes);
    feeder.stop();
    assert_eq!(place.waiting(), 1);

    let ended = play(&format!("fakesrc num-buffers=1 sizetype=fixed ! {}", place.sink("bytes.bin")));
    assert!(ended.errors[0].contains("the spool has it already"), "{ended:?}");

    let ended =
        play(&format!("fakesrc num-buffers=0 ! azureblobsink spool={} {}", place.spool(), place.stores()));
    assert!(ended.errors.is_empty() && ended.warnings.is_empty(), "{ended:?}");
    let resumed = ended.news_of("convene-blob-resumed");
    assert_eq!(resumed[0].get::<String>("location").as_deref(), Ok("bytes.bin"));
    assert_eq!(resumed[0].get::<bool>("finished"), Ok(false));
    assert!(regions(resumed[0]).iter().all(|(_, state, _)| state == "complete"));
    assert!(place.read("a", "bytes.bin") == bytes && place.read("b", "bytes.bin") == bytes);
    assert_eq!(place.waiting(), 0);
}

#[test]
fn a_region_that_never_answers_holds_up_neither_the_stream_nor_its_end() {
    let place = Place::new();
    let (_listener, mute) = mute(&place);
    let feeder = Feeder::new(&format!("{} region-timeout=1 eos-timeout=2", sink(&place, "bytes.bin", &mute)));
    let bytes = noise(3_000_000);
    feeder.push_all(&bytes);
    let ended = feeder.end();
    assert!(ended.errors.is_empty(), "{ended:?}");
    assert!(place.read("a", "bytes.bin") == bytes);
    let written = ended.news_of("convene-blob-written")[0];
    assert_eq!(written.get::<bool>("complete"), Ok(false));
    let states: Vec<_> = regions(written).into_iter().map(|(_, state, _)| state).collect();
    assert_eq!(states, ["complete", "behind"]);
    let last = ended.warnings.last().expect("it is told");
    assert!(last.contains("Region mute does not have all of bytes.bin yet"), "{ended:?}");
    assert_eq!(place.waiting(), 1);
}

#[test]
fn stopping_never_waits_for_a_region() {
    let place = Place::new();
    let (_listener, mute) = mute(&place);
    let source = format!("azureblobsrc location=bytes.bin primary={mute} region-timeout=1");
    within(Duration::from_secs(30), move || {
        let line = sink(&place, "bytes.bin", &mute);
        let feeder = Feeder::new(&format!("{line} region-timeout=600 eos-timeout=600 block-time=60000"));
        feeder.push_all(&noise(1_000_000));
        let pad = feeder.pad.clone();
        let ending = std::thread::spawn(move || pad.push_event(gst::event::Eos::new()));
        // The last block is cut at the end, which waits by now, or is about to.
        feeder.wait_for_blocks(2);
        feeder.pipeline.set_state(gst::State::Paused).expect("it pauses");
        feeder.pipeline.set_state(gst::State::Playing).expect("it plays");
        feeder.stop();
        ending.join().expect("it does not panic");
        assert_eq!(place.waiting(), 1);
        // Opening asks the region, for as long as it may take.
        let ended = play(&format!("{source} ! fakesink"));
        assert!(ended.errors[0].contains("did not answer within 1 s"), "{ended:?}");
    });
}

/// Pausing while the spool is full gives the streaming thread back, and loses nothing.
#[test]
fn a_pause_in_the_middle_loses_nothing() {
    let place = Place::new();
    let feeder = Feeder::new(&format!("{} spool-bytes-max=400000 block-size=50000", place.sink("bytes.bin")));
    let bytes = noise(8_000_000);
    let (pad, pushed) = (feeder.pad.clone(), bytes.clone());
    let pushing = std::thread::spawn(move || {
        pushed.chunks(10_000).all(|part| pad.push(gst::Buffer::from_slice(part.to_vec())).is_ok())
    });
    for _ in 0..5 {
        feeder.pipeline.set_state(gst::State::Paused).expect("it pauses");
        wait_for(
            &feeder.pipeline,
            &mut crate::support::Ended::default(),
            |message| matches!(message.view(), gst::MessageView::StateChanged(changed) if changed.current() == gst::State::Paused),
        );
        feeder.pipeline.set_state(gst::State::Playing).expect("it plays");
    }
    assert!(pushing.join().expect("it does not panic"), "every buffer was taken");
    let ended = feeder.end();
    assert!(ended.errors.is_empty(), "{ended:?}");
    assert!(place.read("a", "bytes.bin") == bytes && place.read("b", "bytes.bin") == bytes);
}
