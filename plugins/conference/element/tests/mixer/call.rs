//! A telephone conference on a mixer, in which the test turns the clock.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use convene_conference::{
    Channels, Codec, Decoder, Encoder, FRAME, Level, OpusSettings, packet_channels, rtp,
};
use convene_test_support::Tone;
use gst::prelude::*;
use gst_check::{Harness, TestClock};

use crate::support::init;

/// What a caller sends, with levels.
fn sent(codec: Codec) -> String {
    format!(
        "{},payload={},extmap-3=urn:ietf:params:rtp-hdrext:ssrc-audio-level",
        caps(codec),
        number(codec, 111)
    )
}

/// ... and wants to hear.
fn wanted(codec: Codec) -> String {
    format!("{},payload={}", caps(codec), number(codec, 96))
}

fn caps(codec: Codec) -> String {
    let (name, rate) = (codec.encoding_name(), codec.clock_rate());
    format!("application/x-rtp,media=audio,encoding-name={name},clock-rate={rate}")
}

fn number(codec: Codec, opus: u8) -> u8 {
    codec.payload_type().unwrap_or(opus)
}

/// Everybody's own tone.
pub fn tone(seat: u32) -> f64 {
    400.0 + 300.0 * f64::from(seat)
}

pub struct Call {
    mixer: gst::Element,
    clock: TestClock,
    bus: gst::Bus,
    callers: BTreeMap<u32, Caller>,
}

struct Caller {
    harness: Harness,
    tone: Tone,
    codec: Codec,
    encoder: Encoder,
    decoder: Decoder,
    sequence: u16,
    /// His tone is on the left, and on the right there is nothing.
    is_music: bool,
    is_stalled: bool,
    heard: Vec<i16>,
    /// Of the last packet.
    channels: Option<Channels>,
    /// Speech's codec, which has redundancy, or the other (RFC 6716, section 3.1).
    is_redundant: bool,
    last: Option<u16>,
}

impl Call {
    /// So many callers on seats from 0 on.
    pub fn of(count: u32) -> Self {
        Self::with(count, false)
    }

    /// The same, mixed in two channels while somebody has two.
    pub fn following(count: u32) -> Self {
        Self::with(count, true)
    }

    fn with(count: u32, follows: bool) -> Self {
        init();
        let mixer = gst::ElementFactory::make("conferencemixer").property("stay-open", true);
        let mixer = mixer.property("follow-stereo", follows);
        let mixer = mixer.build().expect("the element is registered");
        let bus = gst::Bus::new();
        mixer.set_bus(Some(&bus));
        // Harnesses take over the clock that is there.
        let clock = TestClock::new();
        mixer.set_clock(Some(&clock)).expect("any clock will do");
        mixer.set_base_time(gst::ClockTime::ZERO);
        let mut call = Self { mixer, clock, bus, callers: BTreeMap::new() };
        (0..count).for_each(|seat| call.join(seat));
        call
    }

    pub fn join(&mut self, seat: u32) {
        self.callers.insert(seat, Caller::new(&self.mixer, seat));
    }

    pub fn leave(&mut self, seat: u32) {
        drop(self.callers.remove(&seat));
        for name in [format!("sink_{seat}"), format!("src_{seat}")] {
            if let Some(pad) = self.mixer.static_pad(&name) {
                self.mixer.release_request_pad(&pad);
            }
        }
    }

    /// Goes over to another codec in both directions, as after a new agreement.
    pub fn change_codec(&mut self, seat: u32, codec: Codec) {
        self.caller(seat).agree(codec);
    }

    /// Makes music, and hears some, from now on.
    pub fn play(&mut self, seat: u32) {
        let caller = self.caller(seat);
        caller.is_music = true;
        caller.encoder = Encoder::new(Codec::Opus, Channels::Stereo, OpusSettings::default());
    }

    /// Hears in two channels from now on, interleaved.
    pub fn hear_in_stereo(&mut self, seat: u32) {
        self.caller(seat).decoder = Decoder::new(Codec::Opus, Channels::Stereo);
    }

    /// In which the last packet came to this one.
    pub fn channels(&self, seat: u32) -> Option<Channels> {
        self.callers[&seat].channels
    }

    /// Whether what this one is sent can be lost, each second packet of it.
    pub fn is_redundant(&self, seat: u32) -> bool {
        self.callers[&seat].is_redundant
    }

    /// The line to this one loses packets.
    pub fn lose(&self, seat: u32) {
        let pad = self.mixer.static_pad(&format!("src_{seat}")).expect("the pad is there");
        let lost = gst::Structure::new_empty("convene-voice-lost");
        assert!(pad.send_event(gst::event::CustomUpstream::new(lost)));
        let other = gst::Structure::new_empty("something-else");
        assert!(!pad.send_event(gst::event::CustomUpstream::new(other)));
    }

    /// What comes out of this one alone, from now on.
    pub fn alone(&self, seat: u32) -> Arc<Mutex<Vec<gst::Buffer>>> {
        let buffers = Arc::new(Mutex::new(Vec::new()));
        let taken = buffers.clone();
        let sink = gst::Pad::builder(gst::PadDirection::Sink)
            .chain_function(move |_, _, buffer| {
                taken.lock().expect("no panic").push(buffer);
                Ok(gst::FlowSuccess::Ok)
            })
            .event_function(|_, _, _| true)
            .build();
        sink.set_active(true).expect("a pad of ours");
        let pad = self.mixer.request_pad_simple(&format!("solo_{seat}")).expect("the mixer has such a pad");
        pad.link(&sink).expect("it takes anything");
        buffers
    }

    pub fn stall(&mut self, seat: u32) {
        self.caller(seat).is_stalled = true;
    }

    /// So many frames, in each of which everybody says his tone.
    pub fn run(&mut self, frames: usize, amplitude: f64) {
        for _ in 0..frames {
            self.callers.values_mut().for_each(|caller| caller.speak(amplitude));
            self.turn();
        }
        // The last frame is out when the next one is waited for.
        self.clock.wait_for_pending_id_count(1);
        self.callers.values_mut().for_each(Caller::listen);
    }

    /// Turns the clock to when the next frame is due.
    fn turn(&self) {
        self.clock.wait_for_pending_id_count(1);
        self.clock.crank();
    }

    /// Turns the clock until no frame is due any longer: none is waited for in a time in which hundreds could be made.
    pub fn rest(&mut self) {
        const TICKS_MAX: usize = 200;
        const PATIENCE_MILLIS: u32 = 2000;
        for _ in 0..TICKS_MAX {
            let (is_due, _) = self.clock.timed_wait_for_multiple_pending_ids(1, PATIENCE_MILLIS);
            if !is_due {
                return;
            }
            self.clock.crank();
        }
        panic!("the mixer does not come to rest in {TICKS_MAX} ticks");
    }

    pub fn advance(&self, time: gst::ClockTime) {
        self.clock.advance_time(time.nseconds() as i64);
    }

    pub fn forget(&mut self) {
        self.callers.values_mut().for_each(|caller| caller.heard.clear());
    }

    pub fn heard(&self, seat: u32) -> Vec<i16> {
        self.callers[&seat].heard.clone()
    }

    pub fn push_event(&mut self, seat: u32, event: gst::Event) {
        assert!(self.caller(seat).harness.push_event(event));
    }

    /// Whether the mixer takes what these caps announce.
    pub fn offer(&mut self, seat: u32, caps: &str) -> Result<gst::FlowSuccess, gst::FlowError> {
        let harness = &mut self.caller(seat).harness;
        harness.set_src_caps_str(caps);
        harness.push(gst::Buffer::from_slice([0; 160]))
    }

    /// What the bus was told about who speaks since the last time.
    pub fn talkers(&self) -> Vec<gst::Structure> {
        let messages = std::iter::from_fn(|| self.bus.pop_filtered(&[gst::MessageType::Element]));
        messages
            .filter_map(|message| message.structure().map(|structure| structure.to_owned()))
            .filter(|structure| structure.name() == "convene-talkers")
            .collect()
    }

    pub fn latency(&self, seat: u32) -> (bool, gst::ClockTime) {
        let mut query = gst::query::Latency::new();
        let pad = self.mixer.static_pad(&format!("src_{seat}")).expect("the pad is there");
        assert!(pad.query(&mut query));
        let (is_live, least, _) = query.result();
        (is_live, least)
    }

    pub fn stat(&self, name: &str) -> u64 {
        self.mixer.property::<gst::Structure>("stats").get(name).expect("it is counted")
    }

    pub fn sink(&self, seat: u32) -> gst::Pad {
        self.mixer.static_pad(&format!("sink_{seat}")).expect("the pad is there")
    }

    pub fn mixer(&self) -> gst::Element {
        self.mixer.clone()
    }

    fn caller(&mut self, seat: u32) -> &mut Caller {
        self.callers.get_mut(&seat).expect("somebody sits there")
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let _ = self.mixer.set_state(gst::State::Null);
    }
}

impl Caller {
    fn new(mixer: &gst::Element, seat: u32) -> Self {
        let (sink, src) = (format!("sink_{seat}"), format!("src_{seat}"));
        let mut harness = Harness::with_element(mixer, Some(&sink), Some(&src));
        let codec = Codec::Opus;
        harness.set_src_caps_str(&sent(codec));
        harness.set_sink_caps_str(&wanted(codec));
        harness.play();
        Self {
            harness,
            tone: Tone::new(tone(seat)),
            codec,
            encoder: Encoder::new(codec, Channels::Mono, OpusSettings::default()),
            decoder: Decoder::new(codec, Channels::Mono),
            sequence: 65_500,
            is_music: false,
            is_stalled: false,
            heard: Vec::new(),
            channels: None,
            is_redundant: false,
            last: None,
        }
    }

    fn agree(&mut self, codec: Codec) {
        self.harness.set_src_caps_str(&sent(codec));
        self.harness.set_sink_caps_str(&wanted(codec));
        self.codec = codec;
        self.encoder = Encoder::new(codec, Channels::Mono, OpusSettings::default());
        self.decoder = Decoder::new(codec, Channels::Mono);
        self.last = None;
    }

    fn speak(&mut self, amplitude: f64) {
        let sound = self.tone.next(FRAME, amplitude);
        let both: Vec<i16> = sound.iter().flat_map(|sample| [*sample, 0]).collect();
        let payload = self.encoder.encode(if self.is_music { &both } else { &sound });
        let step = self.codec.clock_rate() / 50;
        let header = rtp::Header {
            payload_type: number(self.codec, 111),
            marker: false,
            sequence: self.sequence,
            timestamp: u32::from(self.sequence.wrapping_sub(65_500)) * step,
            ssrc: 7,
        };
        let mut packet = header.write(&[]);
        packet[0] |= 0x10;
        packet.extend_from_slice(&[0xbe, 0xde, 0, 1, 0x30, -Level::of(&sound).dbov() as u8, 0, 0]);
        packet.extend_from_slice(&payload);
        self.sequence = self.sequence.wrapping_add(1);
        if !self.is_stalled {
            self.harness.push(gst::Buffer::from_mut_slice(packet)).expect("the mixer takes packets");
        }
    }

    /// Takes what has come out by now.
    fn listen(&mut self) {
        while let Some(buffer) = self.harness.try_pull() {
            let map = buffer.map_readable().expect("a packet can be read");
            let packet = rtp::Packet::parse(&map).expect("the mixer sends good packets");
            assert_eq!(packet.payload_type, number(self.codec, 96), "downstream's choice");
            assert!(self.last.is_none_or(|last| last.wrapping_add(1) == packet.sequence));
            self.last = Some(packet.sequence);
            self.channels = Some(packet_channels(packet.payload));
            self.is_redundant = packet.payload[0] >> 3 < 16;
            self.decoder.decode(packet.payload, &mut self.heard).expect("good sound");
        }
    }
}
