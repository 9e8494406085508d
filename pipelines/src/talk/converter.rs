//! A camera in H.264, as OBS and FFmpeg send it by WHIP: it is made VP8, as meetings carry nothing else.
//!
//! ```text
//! relay.h264_%u ! LINE ! relay.feed_sink_%u
//! ```
//!
//! The relay's pads share a thread, so the jitter buffer's takes over from it.

use gst::prelude::*;
use parking_lot::Mutex;

use crate::PipelineError;

/// Pictures come no faster: a little more than 30 a second.
const INTERVAL_MIN: gst::ClockTime = gst::ClockTime::from_mseconds(30);
/// So many cameras a meeting, as it shows no more.
pub const CONVERTERS_MAX: usize = 10;
/// What the name of each begins with.
const NAME: &str = "h264-of-";
/// More is not worth its while at this size.
const BITS_A_SECOND_MAX: u32 = 1_000_000;

/// Lost packets are waited for as long as they may be sent again. Pictures have 1280 x 720 pixels at most.
const LINE: &str = "rtpjitterbuffer latency=100 do-lost=true ! rtph264depay wait-for-keyframe=true request-keyframe=true \
    ! h264parse ! openh264dec name=decoder ! videoscale \
    ! video/x-raw,width=[2,1280],height=[2,720],pixel-aspect-ratio=1/1 \
    ! vp8enc deadline=1 cpu-used=8 lag-in-frames=0 end-usage=cbr target-bitrate=1000000 keyframe-max-dist=3000 name=encoder \
    ! rtpvp8pay picture-id-mode=15-bit mtu=1150";

/// A camera's way through the converter. Dropping it takes it down.
pub struct Converter {
    pipeline: gst::Pipeline,
    relay: gst::Element,
    /// Out of the relay, and back into it.
    pads: [gst::Pad; 2],
    bin: gst::Bin,
}

/// Whether whoever offers this sends pictures in H.264, and none in what meetings carry.
pub fn is_wanted(offer: &str) -> bool {
    let videos = offer.split("m=").skip(1).filter(|line| line.starts_with("video "));
    let has = |line: &&str, codec: &str| {
        line.lines().any(|line| line.starts_with("a=rtpmap:") && line.contains(codec))
    };
    let sends = |line: &&str| !["a=recvonly", "a=inactive"].iter().any(|not| line.contains(not));
    !offer.contains(" VP8/90000") && videos.filter(sends).any(|line| has(&line, " H264/90000"))
}

/// Whether an element that stands there, as GStreamer writes it, is a part of a converter.
pub fn is_part(place: &str) -> bool {
    place.contains(NAME)
}

/// What an encoder may take from now on, in kbit/s. It waits for a picture that is being encoded.
pub fn limit(encoder: &gst::Element, kbps: u32) {
    let bits = kbps.saturating_mul(1_000).min(BITS_A_SECOND_MAX);
    encoder.set_property("target-bitrate", i32::try_from(bits).unwrap_or(i32::MAX));
}

impl Converter {
    /// For the camera of a peer of the relay, who may still be to come.
    pub fn new(pipeline: &gst::Pipeline, relay: &gst::Element, peer: &str) -> Result<Self, PipelineError> {
        let bin = gst::parse::bin_from_description(LINE, true).map_err(PipelineError::build)?;
        bin.set_property("name", format!("{NAME}{peer}"));
        thin_out(&bin.by_name("decoder").expect("it is in the line"));
        let request = |name: &str| {
            let pad = relay.request_pad_simple(name);
            pad.ok_or_else(|| PipelineError::Build("the relay has no pad for a camera in H.264".into()))
        };
        let pads = [request("h264_%u")?, request("feed_sink_%u")?];
        let converter = Self { pipeline: pipeline.clone(), relay: relay.clone(), pads, bin };
        for pad in &converter.pads {
            pad.set_property("peer", peer);
        }
        pipeline.add(&converter.bin).map_err(PipelineError::build)?;
        converter.bin.sync_state_with_parent().map_err(PipelineError::build)?;
        let failed = |error: gst::PadLinkError| {
            PipelineError::Build(format!("a camera in H.264 cannot be taken: {error}"))
        };
        let ghost = |name| converter.bin.static_pad(name).expect("it was just added");
        ghost("src").link(&converter.pads[1]).map_err(failed)?;
        converter.pads[0].link(&ghost("sink")).map_err(failed)?;
        Ok(converter)
    }
}

impl Converter {
    /// What encodes its pictures.
    pub fn encoder(&self) -> gst::Element {
        self.bin.by_name("encoder").expect("it is in the line")
    }
}

impl Drop for Converter {
    fn drop(&mut self) {
        for pad in &self.pads {
            self.relay.release_request_pad(pad);
        }
        // Held in its last state, so that a pipeline that changes its own state does not start it again.
        self.bin.set_locked_state(true);
        let _ = self.bin.set_state(gst::State::Null);
        // It is refused when it never came in.
        let _ = self.pipeline.remove(&self.bin);
    }
}

/// Leaves out pictures that come faster than cameras in meetings do. (`videorate` ends the process where a stream does not tell its rate.)
fn thin_out(decoder: &gst::Element) {
    let next = Mutex::new(gst::ClockTime::ZERO);
    let pad = decoder.static_pad("src").expect("a decoder has a source pad");
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let Some(pts) = info.buffer().and_then(|picture| picture.pts()) else {
            return gst::PadProbeReturn::Ok;
        };
        let mut next = next.lock();
        // Times may go back where a stream begins anew.
        if pts < *next && *next < pts + 2 * INTERVAL_MIN {
            return gst::PadProbeReturn::Drop;
        }
        *next = pts + INTERVAL_MIN;
        gst::PadProbeReturn::Ok
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_has_nothing_else_is_converted() {
        let offer = |codecs: &[&str], direction: &str| {
            let maps =
                codecs.iter().enumerate().map(|(at, codec)| format!("a=rtpmap:{at} {codec}/90000\r\n"));
            format!("v=0\r\nm=video 9 X 0\r\n{}a={direction}\r\n", maps.collect::<String>())
        };
        assert!(is_wanted(&offer(&["H264"], "sendonly")) && is_wanted(&offer(&["H264", "rtx"], "sendrecv")));
        assert!(!is_wanted(&offer(&["H264"], "recvonly")), "who only watches");
        assert!(!is_wanted(&offer(&["VP8", "H264"], "sendonly")) && !is_wanted(&offer(&["VP9"], "sendonly")));
        assert!(!is_wanted(""));
    }
}
