//! A real blob store, over a line that is cut and that stalls.

use convene_test_support::ProxyLine;
use gst::prelude::*;

use crate::feeder::Feeder;
use crate::support::{Cloud, Ended, noise, parse, play, regions, wait};

#[test]
fn a_webm_is_the_same_in_both_regions_and_catches_up_after_the_line_was_cut() {
    let cloud = Cloud::new();
    let made = cloud.place.path("made.webm");
    let ended = play(&format!(
        "videotestsrc num-buffers=60 ! vp8enc deadline=1 ! webmmux streamable=true ! filesink location={}",
        made.display()
    ));
    assert!(ended.errors.is_empty(), "{ended:?}");
    let made = std::fs::read(made).expect("filesink wrote it");

    let feeder = Feeder::new(&format!("{} block-size=5000 region-timeout=1", cloud.sink("talk.webm")));
    let (first, rest) = made.split_at(made.len() / 2);
    feeder.push_all(first);
    feeder.wait_for_bytes(first.len() as u64 / 2);
    cloud.proxy.set(ProxyLine::Cut);
    feeder.push_all(rest);
    let mut so_far = Ended::default();
    feeder.wait_for_news(&mut so_far, "b", "behind");
    assert!(so_far.warnings[0].starts_with("Region b is behind: region b is away"), "{so_far:?}");
    cloud.proxy.set(ProxyLine::Open);
    let ended = feeder.end();
    assert!(ended.errors.is_empty(), "{ended:?}");
    assert_eq!(ended.news_of("convene-blob-written")[0].get::<bool>("complete"), Ok(true));
    assert!(cloud.read("a", "talk.webm") == made && cloud.read("b", "talk.webm") == made);

    let ended = play(&format!(
        "azureblobsrc location=talk.webm primary={} ! matroskademux ! vp8dec ! fakesink",
        cloud.region("b")
    ));
    assert!(ended.errors.is_empty(), "{ended:?}");
}

#[test]
fn what_a_lost_region_misses_is_brought_by_a_later_run() {
    let cloud = Cloud::new();
    let bytes = noise(500_000);
    let line = format!("{} block-size=20000 region-timeout=1 eos-timeout=2", cloud.sink("bytes.bin"));
    let feeder = Feeder::new(&line);
    cloud.proxy.set(ProxyLine::Stalled);
    feeder.push_all(&bytes);
    let ended = feeder.end();
    assert!(ended.errors.is_empty(), "{ended:?}");
    let written = ended.news_of("convene-blob-written")[0];
    assert_eq!(written.get::<bool>("complete"), Ok(false));
    assert_eq!(regions(written)[1].1, "behind");
    assert!(cloud.read("a", "bytes.bin") == bytes);

    cloud.proxy.set(ProxyLine::Open);
    // Another blob, and the same spool.
    let feeder = Feeder::new(&cloud.sink("other.bin"));
    feeder.push_all(&bytes[..1000]);
    let ended = feeder.end();
    assert!(ended.errors.is_empty() && ended.warnings.is_empty(), "{ended:?}");
    let resumed = ended.news_of("convene-blob-resumed")[0];
    assert_eq!(resumed.get::<String>("location").as_deref(), Ok("bytes.bin"));
    assert_eq!((resumed.get::<bool>("finished"), resumed.get::<bool>("complete")), (Ok(true), Ok(true)));
    assert!(cloud.read("b", "bytes.bin") == bytes);
    assert!(cloud.read("b", "other.bin") == bytes[..1000]);
    assert_eq!(cloud.place.waiting(), 0);
}

#[test]
fn a_read_goes_on_in_the_other_region_when_the_first_is_lost_in_the_middle() {
    let cloud = Cloud::new();
    let bytes = noise(9_000_000);
    let feeder = Feeder::new(&cloud.sink("bytes.bin"));
    feeder.push_all(&bytes);
    let ended = feeder.end();
    assert!(ended.errors.is_empty() && ended.warnings.is_empty(), "{ended:?}");

    for lost in [ProxyLine::Cut, ProxyLine::Stalled] {
        cloud.proxy.set(ProxyLine::Open);
        let pipeline = parse(&format!(
            "azureblobsrc location=bytes.bin region-timeout=1 primary={} secondary={} ! appsink name=out sync=false max-buffers=1",
            cloud.region("b"),
            cloud.region("a")
        ));
        let out = pipeline.by_name("out").and_downcast::<gst_app::AppSink>().expect("an appsink");
        pipeline.set_state(gst::State::Playing).expect("it starts");
        let mut all = Vec::new();
        while let Ok(sample) = out.pull_sample() {
            all.extend_from_slice(&sample.buffer().expect("a buffer").map_readable().expect("readable"));
            // Again and again does no harm; the first is after the first range.
            cloud.proxy.set(lost);
        }
        assert_eq!(wait(&pipeline).errors, Vec::<String>::new(), "{lost:?}");
        assert!(all == bytes, "{lost:?}: {} bytes", all.len());
    }

    // With no region left it is an error, and stopping does not wait.
    cloud.proxy.set(ProxyLine::Open);
    let alone = format!("azureblobsrc location=bytes.bin region-timeout=1 primary={}", cloud.region("b"));
    let pipeline = parse(&format!("{alone} ! appsink name=out sync=false max-buffers=1"));
    let out = pipeline.by_name("out").and_downcast::<gst_app::AppSink>().expect("an appsink");
    pipeline.set_state(gst::State::Playing).expect("it starts");
    while out.pull_sample().is_ok() {
        cloud.proxy.set(ProxyLine::Cut);
    }
    let ended = wait(&pipeline);
    assert!(ended.errors[0].contains("The blob cannot be read on"), "{ended:?}");
}
