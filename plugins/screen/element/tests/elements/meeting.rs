//! `screensink` and `screensrc` against a server of the meeting protocol.

use std::sync::Arc;

use gst::prelude::*;
use gst_check::Harness;
use parking_lot::Mutex;

use crate::server::{Manner, Server};
use crate::support::{
    LIMIT, Picture, bytes_of, encode, error_on, init, run_to_end, stream, three_pages, wait_for_end,
};

/// What a viewer that reads everything says.
const WATCH: &str = r#"{"type":"watch","video":true,"series":true}"#;

fn element(factory: &str, server: &Server) -> gst::Element {
    init();
    gst::ElementFactory::make(factory)
        .property("location", server.location())
        .property("ca-file", server.ca_file.to_str().expect("a plain path"))
        .property("display-name", "Ann")
        .build()
        .expect("the element is registered")
}

/// An application's source in front of a `screensink`.
fn presenting(server: &Server) -> (gst::Pipeline, gst_app::AppSrc) {
    let sink = element("screensink", server);
    let source = gst_app::AppSrc::builder()
        .caps(&gst::Caps::new_empty_simple("video/x-convene-screen"))
        .format(gst::Format::Time)
        .build();
    let pipeline = gst::Pipeline::new();
    pipeline.add_many([source.upcast_ref(), &sink]).expect("new elements");
    source.link(&sink).expect("they fit");
    (pipeline, source)
}

/// A `screensrc` and whatever comes out of it, as one run of bytes.
fn watching(server: &Server) -> (gst::Pipeline, gst_app::AppSink) {
    let source = element("screensrc", server);
    let sink = gst_app::AppSink::builder().sync(false).build();
    let pipeline = gst::Pipeline::new();
    pipeline.add_many([&source, sink.upcast_ref()]).expect("new elements");
    source.link(&sink).expect("they fit");
    (pipeline, sink)
}

fn source_of(pipeline: &gst::Pipeline) -> gst::Element {
    pipeline.iterate_sources().next().ok().flatten().expect("the pipeline has a source")
}

fn play(pipeline: &gst::Pipeline) {
    pipeline.set_state(gst::State::Playing).expect("the pipeline starts");
}

fn stop(pipeline: &gst::Pipeline) {
    pipeline.set_state(gst::State::Null).expect("the pipeline stops");
}

fn next_error(pipeline: &gst::Pipeline) -> String {
    error_on(&pipeline.bus().expect("a pipeline has a bus"))
}

#[test]
fn a_presenter_sends_its_stream_and_leaves_when_all_is_taken() {
    let server = Server::start(Manner::Kind);
    let (pipeline, source) = presenting(&server);
    play(&pipeline);
    let updates = encode(&three_pages());
    for update in &updates {
        source.push_buffer(update.clone()).expect("the source takes buffers");
    }
    source.end_of_stream().expect("the source can end");
    wait_for_end(&pipeline);
    stop(&pipeline);

    server.wait_until("the presenter has left", |heard| heard.left == 1);
    server.look(|heard| {
        assert_eq!(heard.screen, updates.iter().flat_map(bytes_of).collect::<Vec<_>>());
        assert!(heard.texts[0].contains(r#""type":"join","protocol":1,"code":"123456789","name":"Ann""#));
        let said: Vec<_> = heard.texts[1..].iter().map(String::as_str).collect();
        assert_eq!(said, [r#"{"type":"present"}"#, r#"{"type":"present_stop"}"#, r#"{"type":"leave"}"#]);
    });
}

#[test]
fn a_file_in_blocks_becomes_messages_of_whole_records() {
    let server = Server::start(Manner::Kind);
    let stream = stream(&three_pages());
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("talk.screen");
    std::fs::write(&path, &stream).expect("the folder can be written");
    let source = gst::ElementFactory::make("filesrc")
        .property("location", path.to_str().expect("a plain path"))
        .property("blocksize", 100u32)
        .build()
        .expect("GStreamer's own");
    let sink = element("screensink", &server);
    let pipeline = gst::Pipeline::new();
    pipeline.add_many([&source, &sink]).expect("new elements");
    source.link(&sink).expect("they fit");
    run_to_end(&pipeline);

    server.look(|heard| {
        assert_eq!(heard.screen, stream);
        assert!(heard.screen_messages < stream.len() / 100, "{} messages", heard.screen_messages);
    });
}

/// 16 KiB, and what was begun, before anything is known of the line; what is taken in makes room again.
#[test]
fn a_presenter_keeps_no_more_in_flight_than_the_line_has_carried() {
    let server = Server::start(Manner::Directed);
    let (pipeline, source) = presenting(&server);
    play(&pipeline);
    server.wait_for("present");
    server.say(r#"{"type":"present_granted"}"#);

    // Each page is some 190 kB.
    let pages: Vec<_> = (1..=12).map(|seed| Picture::noise(512, 512, seed)).collect();
    let updates = encode(&pages);
    let largest = updates.iter().map(|update| update.size()).max().expect("some");
    for update in updates {
        source.push_buffer(update).expect("the source takes buffers");
    }
    let first = 16 * 1024;
    server.wait_until("it sends what it may", |heard| first <= heard.screen.len());
    server.look(|heard| assert!(heard.screen.len() < first + largest, "{} bytes", heard.screen.len()));

    let mebibyte = 1024 * 1024;
    let taken = server.look(|heard| heard.screen.len());
    server.say(&format!(r#"{{"type":"taken","bytes":{taken}}}"#));
    server.wait_until("it goes on", |heard| taken < heard.screen.len());
    server.look(|heard| assert!(heard.screen.len() <= taken + mebibyte, "{} bytes", heard.screen.len()));

    // It hangs in a wait for room, and unlock() ends it.
    stop(&pipeline);
    server.wait_until("the presenter has left", |heard| heard.left == 1);
}

#[test]
fn upstream_is_told_what_the_line_carries() {
    let server = Server::start(Manner::Kind);
    let (pipeline, source) = presenting(&server);
    let (tell, told) = std::sync::mpsc::channel();
    let pad = source.static_pad("src").expect("a source has one");
    pad.add_probe(gst::PadProbeType::EVENT_UPSTREAM, move |_, info| {
        let line = info
            .event()
            .and_then(|event| event.structure())
            .filter(|line| line.has_name("convene-screen-line"));
        if let Some(line) = line {
            let number = |field| line.get::<u64>(field).expect("a number");
            tell.send((number("bits-a-second"), number("update-bytes"))).expect("the test waits");
        }
        gst::PadProbeReturn::Ok
    });
    play(&pipeline);
    // More than the line takes at once.
    for update in encode(&[Picture::noise(512, 512, 1), Picture::noise(512, 512, 2)]) {
        source.push_buffer(update).expect("the source takes buffers");
    }

    let (bits_a_second, update_bytes) = told.recv_timeout(LIMIT.into()).expect("upstream is told");
    assert!(
        bits_a_second == 0 && (1..64 * 1024).contains(&update_bytes),
        "nothing is known yet: {update_bytes}"
    );
    let (bits_a_second, update_bytes) = told.recv_timeout(LIMIT.into()).expect("upstream is told again");
    assert!(0 < bits_a_second && 0 < update_bytes);
    stop(&pipeline);
}

#[test]
fn a_presenter_that_waits_to_be_granted_can_be_stopped() {
    let server = Server::start(Manner::Directed);
    let (pipeline, source) = presenting(&server);
    play(&pipeline);
    for update in encode(&three_pages()) {
        source.push_buffer(update).expect("the source takes buffers");
    }
    server.wait_for("present");
    stop(&pipeline);
    server.wait_until("the presenter has left", |heard| heard.left == 1);
    server.look(|heard| assert_eq!(heard.screen.len(), 0));
}

#[test]
fn a_server_that_says_nothing_does_not_keep_anybody() {
    let server = Server::start(Manner::Mute);
    let (pipeline, source) = presenting(&server);
    play(&pipeline);
    for update in encode(&three_pages()) {
        source.push_buffer(update).expect("the source takes buffers");
    }
    server.wait_for("connected");
    stop(&pipeline);

    let (pipeline, _sink) = watching(&server);
    play(&pipeline);
    stop(&pipeline);
}

#[test]
fn a_refused_join_is_one_sentence_on_the_bus() {
    let server = Server::start(Manner::Refusing);
    let sentence =
        "The meeting refused to let this client join (no-meeting): No meeting can be joined with this code.";
    let (pipeline, _sink) = watching(&server);
    play(&pipeline);
    assert_eq!(next_error(&pipeline), sentence);
    stop(&pipeline);

    let (pipeline, _source) = presenting(&server);
    play(&pipeline);
    assert_eq!(next_error(&pipeline), sentence);
    stop(&pipeline);
}

#[test]
fn a_server_that_is_not_trusted_is_named() {
    let server = Server::start(Manner::Kind);
    let (pipeline, _sink) = watching(&server);
    source_of(&pipeline).set_property("ca-file", None::<String>);
    play(&pipeline);
    let error = next_error(&pipeline);
    assert!(error.contains("secure connection to localhost") && error.contains("ca-file"), "{error}");
    stop(&pipeline);
}

#[test]
fn without_verification_any_server_will_do() {
    let server = Server::start(Manner::Kind);
    let (pipeline, sink) = watching(&server);
    let source = source_of(&pipeline);
    source.set_property("ca-file", None::<String>);
    source.set_property("tls-verify", false);
    play(&pipeline);
    server.wait_for(WATCH);
    server.screen(&stream(&three_pages()));
    assert!(sink.try_pull_sample(LIMIT).is_some());
    stop(&pipeline);
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let server = Server::start(Manner::Kind);
    let (pipeline, _sink) = watching(&server);
    let source = source_of(&pipeline);
    source.set_property("ca-file", None::<String>);
    drop(server);
    play(&pipeline);
    let error = next_error(&pipeline);
    assert!(error.starts_with("The server localhost:") && error.contains("cannot be reached"), "{error}");
    stop(&pipeline);
}

#[test]
fn a_viewer_gets_the_stream_says_what_is_painted_and_ends_with_the_meeting() {
    let server = Server::start(Manner::Kind);
    let (pipeline, sink) = watching(&server);
    play(&pipeline);
    server.wait_for(WATCH);
    let updates = encode(&three_pages());
    let mut painted = 0;
    for (index, update) in updates.iter().enumerate() {
        let bytes = bytes_of(update);
        painted += bytes.len();
        server.screen(&bytes);
        server.wait_for(&format!(r#"{{"type":"painted","bytes":{painted}}}"#));
        let sample = sink.try_pull_sample(LIMIT).expect("a buffer comes");
        let buffer = sample.buffer_owned().expect("a sample has a buffer");
        assert_eq!(bytes_of(&buffer), bytes);
        assert!(buffer.pts().is_some(), "it has the time of its arrival");
        assert_eq!(buffer.flags().contains(gst::BufferFlags::DELTA_UNIT), index != 0);
    }
    server.say(r#"{"type":"ended","message":"The host has ended the meeting."}"#);
    let bus = pipeline.bus().expect("a pipeline has a bus");
    let [joined, ended] = ["its beginning", "its end"].map(|what| {
        let told = bus.timed_pop_filtered(LIMIT, &[gst::MessageType::Element]).expect(what);
        told.structure().expect("an element message has a structure").to_owned()
    });
    assert_eq!(joined.name(), "convene-meeting-joined");
    assert_eq!(ended.name(), "convene-meeting-ended");
    assert_eq!(ended.get::<&str>("message"), Ok("The host has ended the meeting."));
    wait_for_end(&pipeline);
    stop(&pipeline);
}

#[test]
fn a_viewer_says_that_nothing_is_painted_while_downstream_is_not_done() {
    let server = Server::start(Manner::Kind);
    let source = element("screensrc", &server);
    let mut viewer = Harness::with_element(&source, None, Some("src"));
    viewer.set_sink_caps_str("video/x-convene-screen");
    let (gate, opened) = std::sync::mpsc::sync_channel::<()>(0);
    let opened = Mutex::new(opened);
    let pad = source.static_pad("src").expect("a source has a pad");
    let arrived = Arc::new(std::sync::Barrier::new(2));
    let waiting = Arc::clone(&arrived);
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
        waiting.wait();
        opened.lock().recv().expect("the test opens the gate");
        gst::PadProbeReturn::Ok
    });
    viewer.use_systemclock();
    viewer.play();
    server.wait_for(WATCH);
    server.screen(&stream(&three_pages()));
    arrived.wait();
    server.look(|heard| assert!(!heard.has("painted"), "{:?}", heard.texts));
    gate.send(()).expect("the probe waits");
    server.wait_for("painted");
    source.set_state(gst::State::Null).expect("it stops");
}

#[test]
fn a_lost_connection_is_one_sentence_on_the_bus() {
    let server = Server::start(Manner::Kind);
    let (pipeline, sink) = watching(&server);
    play(&pipeline);
    server.wait_for(WATCH);
    server.screen(&stream(&three_pages()));
    assert!(sink.try_pull_sample(LIMIT).is_some());
    server.hang_up();
    let error = next_error(&pipeline);
    assert!(error.starts_with("The connection to localhost:"), "{error}");
    // Then the stream ends, and nothing else is said.
    wait_for_end(&pipeline);
    stop(&pipeline);
}

#[test]
fn a_presenter_from_whom_the_screen_is_taken_hears_why() {
    let server = Server::start(Manner::Kind);
    let (pipeline, source) = presenting(&server);
    play(&pipeline);
    for update in encode(&three_pages()) {
        source.push_buffer(update).expect("the source takes buffers");
    }
    server.wait_until("the screen arrives", |heard| !heard.screen.is_empty());
    server.say(r#"{"type":"present_ended","message":"Bob presents now."}"#);
    assert_eq!(next_error(&pipeline), "The meeting no longer shows this screen: Bob presents now.");
    stop(&pipeline);
}

#[test]
fn a_presenter_ends_with_the_meeting_also_when_its_screen_rests() {
    let server = Server::start(Manner::Kind);
    let (pipeline, source) = presenting(&server);
    play(&pipeline);
    source.push_buffer(encode(&three_pages())[0].clone()).expect("the source takes buffers");
    server.wait_until("the screen arrives", |heard| !heard.screen.is_empty());
    server.say(r#"{"type":"ended","message":"The host has ended the meeting."}"#);
    wait_for_end(&pipeline);
    stop(&pipeline);
}

#[test]
fn a_presenter_in_the_middle_of_a_stream_asks_for_the_beginning() {
    let server = Server::start(Manner::Kind);
    let (pipeline, source) = presenting(&server);
    let (asked, was_asked) = std::sync::mpsc::channel();
    source.static_pad("src").expect("a source has a pad").add_probe(
        gst::PadProbeType::EVENT_UPSTREAM,
        move |_, info| {
            if info.event().is_some_and(|event| gst_video::ForceKeyUnitEvent::is(event)) {
                let _ = asked.send(());
            }
            gst::PadProbeReturn::Ok
        },
    );
    play(&pipeline);
    let updates = encode(&three_pages());
    source.push_buffer(updates[1].clone()).expect("the source takes buffers");
    was_asked.recv_timeout(LIMIT.into()).expect("it asks");
    source.push_buffer(updates[0].clone()).expect("the source takes buffers");
    server.wait_until("the beginning arrives", |heard| !heard.screen.is_empty());
    server.look(|heard| assert_eq!(heard.screen, bytes_of(&updates[0])));
    stop(&pipeline);
}

#[test]
fn a_malformed_stream_never_reaches_the_meeting() {
    let server = Server::start(Manner::Kind);
    let (pipeline, source) = presenting(&server);
    play(&pipeline);
    source
        .push_buffer(gst::Buffer::from_slice(*b"this is no screen stream"))
        .expect("the source takes buffers");
    let error = next_error(&pipeline);
    assert!(error.starts_with("This screen stream cannot be presented: "), "{error}");
    server.look(|heard| assert_eq!(heard.screen.len(), 0));
    stop(&pipeline);
}

#[test]
fn messages_that_nobody_understands_are_passed_over() {
    let server = Server::start(Manner::Kind);
    let (pipeline, sink) = watching(&server);
    play(&pipeline);
    server.wait_for(WATCH);
    for text in ["", "{", "[1]", r#"{"type":"whatever"}"#, r#"{"type":"taken","bytes":"many"}"#] {
        server.say(text);
    }
    server.screen(&stream(&three_pages()));
    assert!(sink.try_pull_sample(LIMIT).is_some());
    stop(&pipeline);
}

#[test]
fn a_token_goes_along_and_is_not_said_without_need() {
    let server = Server::start(Manner::Kind);
    let (pipeline, _sink) = watching(&server);
    let source = source_of(&pipeline);
    source.set_property("token", "secret");
    play(&pipeline);
    server.wait_for(r#""token":"secret""#);
    stop(&pipeline);

    let (pipeline, _sink) = watching(&server);
    play(&pipeline);
    server.wait_until("the second joins", |heard| {
        heard.texts.iter().filter(|text| text.contains("join")).count() == 2
    });
    server.look(|heard| assert_eq!(heard.texts.iter().filter(|text| text.contains("token")).count(), 1));
    stop(&pipeline);
}

#[test]
fn from_pixels_to_pixels_through_a_meeting() {
    let presenting_to = Server::start(Manner::Kind);
    let (pipeline, source) = presenting(&presenting_to);
    play(&pipeline);
    let pages = three_pages();
    for update in encode(&pages) {
        source.push_buffer(update).expect("the source takes buffers");
    }
    source.end_of_stream().expect("the source can end");
    wait_for_end(&pipeline);
    stop(&pipeline);

    let server = Server::start(Manner::Kind);
    let viewer = element("screensrc", &server);
    let decoder = gst::ElementFactory::make("screendec").build().expect("the element is registered");
    let sink = gst_app::AppSink::builder().sync(false).build();
    let pipeline = gst::Pipeline::new();
    pipeline.add_many([&viewer, &decoder, sink.upcast_ref()]).expect("new elements");
    gst::Element::link_many([&viewer, &decoder, sink.upcast_ref()]).expect("they fit");
    play(&pipeline);
    server.wait_for(WATCH);
    presenting_to.look(|heard| server.screen(&heard.screen));
    for page in &pages {
        let sample = sink.try_pull_sample(LIMIT).expect("a picture comes");
        assert_eq!(&Picture::of(&sample.buffer_owned().expect("a picture"), 96, 64), page);
    }
    stop(&pipeline);
}
