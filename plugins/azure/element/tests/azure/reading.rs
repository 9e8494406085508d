//! Ranges, seeking, and what cannot be read.

use gst::prelude::*;

use crate::feeder::Feeder;
use crate::support::{Place, noise, parse, play};

fn written(bytes: &[u8]) -> Place {
    let place = Place::new();
    let feeder = Feeder::new(&place.sink("bytes.bin"));
    feeder.push_all(bytes);
    let ended = feeder.end();
    assert!(ended.errors.is_empty() && ended.warnings.is_empty(), "{ended:?}");
    place
}

#[test]
fn ranges_are_pulled_exactly() {
    let bytes = noise(3_000_000);
    let place = written(&bytes);
    let pipeline = parse(&format!("azureblobsrc name=src location=bytes.bin {} ! fakesink", place.stores()));
    let src = pipeline.by_name("src").expect("it is called so");
    let pad = src.static_pad("src").expect("it has one");
    pad.unlink(&pad.peer().expect("a fakesink")).expect("they were linked");
    src.set_state(gst::State::Ready).expect("it is ready");
    pad.activate_mode(gst::PadMode::Pull, true).expect("it can be pulled");
    src.set_state(gst::State::Playing).expect("it starts");

    assert_eq!(src.query_duration::<gst::format::Bytes>(), Some(gst::format::Bytes::from_u64(3_000_000)));
    for (at, length) in [(0, 1), (5, 70_000), (1_048_570, 20), (100, 2_500_000), (2_999_990, 10), (0, 4)] {
        let buffer = pad.range(at, length).expect("the blob has it");
        let got = buffer.map_readable().expect("readable");
        assert!(got[..] == bytes[at as usize..][..length as usize], "{length} bytes from {at}");
    }
    assert_eq!(pad.range(2_999_990, 100).expect("some are there").size(), 10);
    assert_eq!(pad.range(3_000_000, 1).err(), Some(gst::FlowError::Eos));
    src.set_state(gst::State::Null).expect("it stops");
}

#[test]
fn a_stream_of_bytes_can_be_sought() {
    let bytes = noise(2_000_000);
    let place = written(&bytes);
    let pipeline =
        parse(&format!("azureblobsrc location=bytes.bin {} ! appsink name=out sync=false", place.stores()));
    let out = pipeline.by_name("out").and_downcast::<gst_app::AppSink>().expect("an appsink");
    pipeline.set_state(gst::State::Paused).expect("it starts");
    assert!(pipeline.state(gst::ClockTime::from_seconds(30)).0.is_ok());
    let to = gst::format::Bytes::from_u64(1_900_000);
    pipeline.seek_simple(gst::SeekFlags::FLUSH, to).expect("it can be sought");
    pipeline.set_state(gst::State::Playing).expect("it plays");
    let mut rest = Vec::new();
    while let Ok(sample) = out.pull_sample() {
        rest.extend_from_slice(&sample.buffer().expect("a buffer").map_readable().expect("readable"));
    }
    pipeline.set_state(gst::State::Null).expect("it stops");
    assert!(rest == bytes[1_900_000..], "{} bytes", rest.len());
}

#[test]
fn what_cannot_be_read_is_one_clear_sentence() {
    let place = Place::new();
    let error = |source: &str| {
        let ended = play(&format!("azureblobsrc {source} ! fakesink"));
        ended.errors.first().expect("it fails").clone()
    };
    let stores = place.stores();
    assert!(error(&format!("location=none.bin {stores}")).contains("no region has a byte of none.bin"));
    assert!(error(&stores).contains("Set location"));
    assert!(error("location=none.bin").contains("Set primary"));
    assert!(error(&format!("location=a/b {stores}")).contains("cannot be a blob's name"));
    let key = "location=none.bin primary=azure,account=a,container=rec,key=c2VjcmV0";
    let said = error(key);
    assert!(said.contains("key_env") && !said.contains("c2VjcmV0"), "{said}");
    let nobody =
        "location=none.bin primary=azure,account=a,container=rec,endpoint=http://127.0.0.1:1/a,key_file=";
    std::fs::create_dir_all(place.path("keys")).expect("it can be made");
    std::fs::write(place.path("keys/k"), "c2VjcmV0").expect("it can be written");
    let said = error(&format!("{nobody}{}", place.path("keys/k").display()));
    assert!(said.contains("region primary is away"), "{said}");
}
