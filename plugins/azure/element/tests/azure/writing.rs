//! What comes in is what the regions have, block by block.

use gst::prelude::*;

use crate::feeder::Feeder;
use crate::support::{Place, noise, parse, play, read, regions, wait};

#[test]
fn a_webm_is_the_same_in_both_regions_and_plays_from_there() {
    let place = Place::new();
    let copy = place.path("copy.webm");
    let sink = place.sink("talk.webm");
    let ended = play(&format!(
        "videotestsrc num-buffers=90 ! vp8enc deadline=1 ! webmmux streamable=true ! tee name=t t. ! queue ! filesink location={} t. ! queue ! {sink}",
        copy.display()
    ));
    assert!(ended.errors.is_empty() && ended.warnings.is_empty(), "{ended:?}");
    let copy = std::fs::read(copy).expect("filesink wrote it");
    assert!(copy == place.read("a", "talk.webm") && copy == place.read("b", "talk.webm"));
    assert_eq!(place.waiting(), 0);

    let written = ended.news_of("convene-blob-written");
    assert_eq!(written.len(), 1);
    assert_eq!(written[0].get::<String>("location").as_deref(), Ok("talk.webm"));
    assert_eq!(written[0].get::<bool>("complete"), Ok(true));
    let complete = |name: &str| (name.to_owned(), "complete".to_owned(), copy.len() as u64);
    assert_eq!(regions(written[0]), [complete("a"), complete("b")]);

    assert!(read(&format!("azureblobsrc location=talk.webm {}", place.stores())) == copy);
    // A demuxer pulls what it wants.
    let pipeline = parse(&format!(
        "azureblobsrc location=talk.webm {} ! matroskademux ! vp8dec ! fakesink name=out sync=false",
        place.stores()
    ));
    let out = pipeline.by_name("out").expect("a fakesink");
    pipeline.set_state(gst::State::Playing).expect("it starts");
    let bus = pipeline.bus().expect("a bus");
    let end = bus.timed_pop_filtered(gst::ClockTime::from_seconds(30), &[gst::MessageType::Eos]);
    assert!(end.is_some(), "it plays to its end");
    let rendered = out.property::<gst::Structure>("stats").get::<u64>("rendered");
    assert_eq!(rendered, Ok(90));
    pipeline.set_state(gst::State::Null).expect("it stops");
}

#[test]
fn the_recorders_blocks_become_a_file_that_can_be_sought() {
    let place = Place::new();
    let ended =
        play(&format!("videotestsrc num-buffers=150 ! meetingrecorder ! {}", place.sink("talk.webm")));
    assert!(ended.errors.is_empty() && ended.warnings.is_empty(), "{ended:?}");
    assert_eq!(place.read("a", "talk.webm"), place.read("b", "talk.webm"));
    let list = std::fs::read_to_string(place.path("a/.blocks/talk.webm/list")).expect("a list of blocks");
    // A header and three clusters of two seconds; the header came again, with the index.
    assert_eq!(list.lines().filter(|line| line.contains(".0 ") || line.contains(".1 ")).count(), 4, "{list}");

    let pipeline = parse(&format!(
        "azureblobsrc location=talk.webm {} ! matroskademux ! fakesink name=out",
        place.stores()
    ));
    pipeline.set_state(gst::State::Paused).expect("it starts");
    let (done, state, _) = pipeline.state(gst::ClockTime::from_seconds(30));
    assert_eq!((done.is_ok(), state), (true, gst::State::Paused));
    let length = pipeline.query_duration::<gst::ClockTime>().expect("the file says how long it is");
    assert_eq!(length, gst::ClockTime::from_seconds(5));
    let flags = gst::SeekFlags::FLUSH | gst::SeekFlags::KEY_UNIT;
    pipeline.seek_simple(flags, gst::ClockTime::from_seconds(4)).expect("the file has an index");
    pipeline.set_state(gst::State::Playing).expect("it plays");
    let ended = wait(&pipeline);
    assert!(ended.errors.is_empty(), "{ended:?}");
}

#[test]
fn a_muxer_writes_its_header_anew_at_the_end() {
    let place = Place::new();
    let ended = play(&format!("audiotestsrc num-buffers=100 ! wavenc ! {}", place.sink("tone.wav")));
    assert!(ended.errors.is_empty(), "{ended:?}");
    let file = place.read("a", "tone.wav");
    assert_eq!(file, place.read("b", "tone.wav"));
    let length = u32::from_le_bytes(file[4..8].try_into().expect("four bytes"));
    assert_eq!(length as usize, file.len() - 8);
}

#[test]
fn other_bytes_cannot_be_written_over_and_muxers_are_told_so() {
    let place = Place::new();
    let feeder = Feeder::new(&format!("{} block-size=1024", place.sink("bytes.bin")));
    let mut seeking = gst::query::Seeking::new(gst::Format::Bytes);
    assert!(feeder.pad.peer_query(&mut seeking) && !seeking.result().0);

    let bytes = noise(5000);
    feeder.push_all(&bytes);
    feeder.go_to(7);
    feeder.push(b"other").expect("block 0 comes again");
    feeder.go_to(5000);
    feeder.push(b"more").expect("that is the end");
    feeder.go_to(1020);
    // The sentence comes by the bus.
    let _ = feeder.push(b"across the end of block 0");
    let ended = feeder.end();
    assert_eq!(ended.errors.len(), 1, "{ended:?}");
    assert!(ended.errors[0].contains("bytes from 1020 to 1045"), "{ended:?}");
    assert!(ended.errors[0].contains("only the first 1024"), "{ended:?}");
}

#[test]
fn the_blob_can_be_read_while_it_is_made_and_what_has_grown_is_read_too() {
    let place = Place::new();
    let feeder = Feeder::new(&format!("{} block-size=1024 block-time=100", place.sink("bytes.bin")));
    let bytes = noise(40_000);
    feeder.push_all(&bytes[..20_000]);
    feeder.wait_for_bytes(10_000);

    let source = format!("azureblobsrc location=bytes.bin {}", place.stores());
    let early = read(&source);
    assert!(10_000 <= early.len() && bytes.starts_with(&early));

    // A reader that has begun goes on over the end.
    let pipeline = parse(&format!("{source} blocksize=1000 ! appsink name=out sync=false max-buffers=1"));
    let out = pipeline.by_name("out").and_downcast::<gst_app::AppSink>().expect("an appsink");
    pipeline.set_state(gst::State::Playing).expect("it starts");
    let mut all = out
        .pull_sample()
        .expect("it has begun")
        .buffer()
        .expect("a buffer")
        .map_readable()
        .expect("readable")
        .to_vec();
    feeder.push_all(&bytes[20_000..]);
    let ended = feeder.end();
    assert!(ended.errors.is_empty(), "{ended:?}");
    while let Ok(sample) = out.pull_sample() {
        all.extend_from_slice(&sample.buffer().expect("a buffer").map_readable().expect("readable"));
    }
    assert_eq!(wait(&pipeline).errors, Vec::<String>::new());
    assert!(all == bytes, "{} bytes", all.len());
}

#[test]
fn what_was_there_under_the_name_is_replaced() {
    let place = Place::new();
    for bytes in [noise(300_000), noise(290_000).into_iter().rev().collect()] {
        let feeder = Feeder::new(&format!("{} block-size=10000", place.sink("bytes.bin")));
        feeder.push_all(&bytes);
        let ended = feeder.end();
        assert!(ended.errors.is_empty() && ended.warnings.is_empty(), "{ended:?}");
        assert!(place.read("a", "bytes.bin") == bytes && place.read("b", "bytes.bin") == bytes);
    }
}

#[test]
fn an_empty_stream_makes_no_blob_and_says_so() {
    let place = Place::new();
    let ended = play(&format!("fakesrc num-buffers=0 ! {}", place.sink("bytes.bin")));
    assert!(ended.errors.is_empty() && ended.warnings[0].contains("no blob"), "{ended:?}");
    assert!(!place.path("a/bytes.bin").exists());
    assert_eq!(place.waiting(), 0);
}
