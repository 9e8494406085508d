//! A pad of the test's own in front of an `azureblobsink`: what is pushed, and when, is up to the test.

use gst::prelude::*;

use crate::support::{Ended, parse, wait, wait_for};

pub struct Feeder {
    pub pipeline: gst::Pipeline,
    pub sink: gst::Element,
    pub pad: gst::Pad,
}

impl Feeder {
    /// In front of the sink that this line describes.
    pub fn new(sink: &str) -> Self {
        // A lonely element makes no pipeline.
        let pipeline = parse(&format!("{sink} fakesrc num-buffers=0 ! fakesink async=false"));
        let sink = pipeline.by_name("sink").expect("it is called so");
        let pad = gst::Pad::builder(gst::PadDirection::Src).name("feeder").build();
        pad.link(&sink.static_pad("sink").expect("it has one")).expect("they fit");
        pad.set_active(true).expect("nothing is in its way");
        let _ = pipeline.set_state(gst::State::Playing);
        assert!(pad.push_event(gst::event::StreamStart::new("test")));
        let this = Self { pipeline, sink, pad };
        this.go_to(0);
        this
    }

    /// A segment of bytes that begins there.
    pub fn go_to(&self, byte: u64) {
        let mut segment = gst::FormattedSegment::<gst::format::Bytes>::new();
        segment.set_start(gst::format::Bytes::from_u64(byte));
        self.pad.push_event(gst::event::Segment::new(&segment));
    }

    pub fn push(&self, bytes: &[u8]) -> Result<gst::FlowSuccess, gst::FlowError> {
        self.pad.push(gst::Buffer::from_slice(bytes.to_vec()))
    }

    pub fn push_all(&self, bytes: &[u8]) {
        for part in bytes.chunks(10_000) {
            self.push(part).expect("the sink takes it");
        }
    }

    /// Ends the stream; what was said until the end.
    pub fn end(&self) -> Ended {
        self.pad.push_event(gst::event::Eos::new());
        wait(&self.pipeline)
    }

    /// Stops without an end.
    pub fn stop(&self) {
        self.pipeline.set_state(gst::State::Null).expect("a pipeline stops");
    }

    /// Waits until this region has said this state; what was said until then.
    pub fn wait_for_news(&self, ended: &mut Ended, region: &str, state: &str) {
        wait_for(&self.pipeline, ended, |message| {
            let gst::MessageView::Element(element) = message.view() else { return false };
            let Some(news) = element.structure() else { return false };
            news.get::<&str>("region") == Ok(region) && news.get::<&str>("state") == Ok(state)
        });
    }

    /// Waits until the first region has as many bytes.
    pub fn wait_for_bytes(&self, wanted: u64) {
        self.wait_for_stats(|stats| {
            let regions = crate::support::regions(stats);
            regions.first().is_some_and(|(_, _, bytes)| wanted <= *bytes)
        });
    }

    /// Waits until so many blocks are in the spool.
    pub fn wait_for_blocks(&self, wanted: u32) {
        self.wait_for_stats(|stats| stats.get::<u32>("blocks").is_ok_and(|blocks| wanted <= blocks));
    }

    fn wait_for_stats(&self, is_wanted: impl Fn(&gst::StructureRef) -> bool) {
        let bus = self.pipeline.bus().expect("a pipeline has a bus");
        for _ in 0..2000 {
            if is_wanted(&self.sink.property::<gst::Structure>("stats")) {
                return;
            }
            // Nobody needs what is said meanwhile.
            let _ = bus.timed_pop(gst::ClockTime::from_mseconds(20));
        }
        panic!("it never gets so far");
    }
}

impl Drop for Feeder {
    fn drop(&mut self) {
        self.stop();
    }
}
