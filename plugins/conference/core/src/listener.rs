//! One who hears the mix: whether by the stream of all or by one without himself, and how his packets are numbered.

use std::{sync::Arc, time::Duration};

use crate::{
    Codec, Ear, Output,
    opus::Channels,
    rtp::Header,
    stream::{Format, Made, Stream},
    time::{FRAME, TICK},
    volume::Volume,
};

/// Ticks in which a listener's own stream has to carry the same as that of all before he is moved: 300 ms. By then encoders that were fed
/// differently agree so far that a decoder can be handed from one to the other.
pub(crate) const AGREED: u32 = 15;

/// A line that has lost packets is taken for one that does for so long: some reports of RTCP, which come every five seconds.
const LOSSES_REMEMBERED: Duration = Duration::from_secs(30);

/// In which form a listener takes the mix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Samples, one frame a tick without a gap.
    Samples(Channels),
    /// Opus packets, one a tick without a gap.
    Opus(Channels),
    /// The codec's packets in RTP. Opus has gaps while there is nothing to hear; telephones, which are mono, have none, for they take a
    /// gap for the end of the call.
    Rtp(Codec, Channels, RtpStart),
}

/// The numbers that an RTP stream begins with. RFC 3550, section 5.1, wants them from chance, which is the caller's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtpStart {
    /// The codec, by the session's agreement.
    pub payload_type: u8,
    /// Whose stream it is.
    pub ssrc: u32,
    /// Of the first packet.
    pub sequence: u16,
    /// Of time zero.
    pub timestamp: u32,
}

impl Delivery {
    /// Opus is encoded in the channels that the mix has just now, where these change: every decoder gives as many as it is asked for.
    fn format(&self, volume: Volume, mix: Option<Channels>, loses: bool) -> Format {
        let (codec, channels) = match *self {
            Delivery::Samples(channels) => (None, channels),
            Delivery::Opus(channels) | Delivery::Rtp(Codec::Opus, channels, _) => {
                (Some(Codec::Opus), mix.unwrap_or(channels))
            }
            Delivery::Rtp(codec, ..) => (Some(codec), Channels::Mono),
        };
        let redundancy = loses && (codec, channels) == (Some(Codec::Opus), Channels::Mono);
        Format { codec, channels, volume, redundancy }
    }

    /// It has no gaps, so the mix has to go on even when nobody speaks.
    pub(crate) fn is_continuous(&self) -> bool {
        !matches!(self, Delivery::Rtp(..))
    }
}

/// Which stream reaches a listener.
pub(crate) enum Hearing {
    Shared,
    /// Since so many ticks the same is to be heard in both.
    Own(Stream, u32),
}

pub(crate) struct Listener {
    pub delivery: Delivery,
    pub hearing: Hearing,
    volume: Volume,
    /// Of the mix just now, where that changes.
    mix: Option<Channels>,
    /// Its line loses packets, as far as is known, until then.
    loses_until: Option<Duration>,
    /// Nothing has reached this listener yet.
    pub is_new: bool,
    sequence: u16,
    /// By so much timestamps go on each tick.
    step: u32,
    /// When a packet would follow the last one without a gap.
    next_at: Option<Duration>,
}

impl Listener {
    pub fn new(delivery: Delivery, mix: Option<Channels>) -> Self {
        let (sequence, step) = match delivery {
            Delivery::Rtp(codec, _, start) => (start.sequence, FRAME as u32 / codec.step() as u32),
            _ => (0, 0),
        };
        Self {
            delivery,
            hearing: Hearing::Shared,
            volume: Volume::default(),
            mix,
            loses_until: None,
            is_new: true,
            sequence,
            step,
            next_at: None,
        }
    }

    /// What reaches this listener.
    pub fn format(&self) -> Format {
        self.delivery.format(self.volume, self.mix, self.loses_until.is_some())
    }

    /// The mix has other channels from now on. What comes next needs no packet before it.
    pub fn follow(&mut self, mix: Channels) {
        let before = self.format();
        self.mix = Some(mix);
        if self.format() != before {
            self.hearing = Hearing::Shared;
            self.is_new = true;
        }
    }

    /// It hears louder or quieter from now on. Where that moves it to another stream of all, it needs a packet with none before it.
    pub fn turn(&mut self, volume: Volume) {
        let before = self.format();
        self.volume = volume;
        self.move_from(before);
    }

    /// Packets were lost on the way to it.
    pub fn lose(&mut self, now: Duration) {
        let before = self.format();
        self.loses_until = Some(now + LOSSES_REMEMBERED);
        self.move_from(before);
    }

    /// What has not been lost for a while is not expected any more.
    pub fn review(&mut self, now: Duration) {
        if self.loses_until.is_some_and(|until| until <= now) {
            let before = self.format();
            self.loses_until = None;
            self.move_from(before);
        }
    }

    /// It has another format now, which differs in its volume and redundancy alone.
    fn move_from(&mut self, before: Format) {
        let format = self.format();
        match &mut self.hearing {
            Hearing::Own(stream, _) => stream.change(format),
            Hearing::Shared => self.is_new |= format != before,
        }
    }

    /// What of a frame goes to this listener.
    pub fn deliver(&mut self, to: Ear, made: &Made, at: Duration) -> Option<Output> {
        match (self.delivery, made) {
            (Delivery::Samples(_), Made::Samples { samples, is_silent }) => {
                Some(Output::Samples { to, at, samples: Arc::clone(samples), is_silent: *is_silent })
            }
            (Delivery::Opus(_), Made::Sound(packet) | Made::Rest { packet, .. }) => {
                Some(Output::Opus { to, at, packet: Arc::clone(packet) })
            }
            (Delivery::Rtp(_, _, start), Made::Sound(packet)) => {
                let marker = self.next_at.replace(at + TICK) != Some(at);
                let packet = self.rtp(start, packet, marker, at);
                Some(Output::Rtp { to, at, packet })
            }
            (Delivery::Rtp(_, _, start), Made::Rest { packet, refreshes }) => {
                refreshes.then(|| Output::Rtp { to, at, packet: self.rtp(start, packet, false, at) })
            }
            _ => None,
        }
    }

    /// Numbers follow each other whatever stream the payload is from; timestamps follow the clock.
    fn rtp(&mut self, start: RtpStart, payload: &[u8], marker: bool, at: Duration) -> Vec<u8> {
        let tick = (at.as_nanos() / TICK.as_nanos()) as u32;
        let header = Header {
            payload_type: start.payload_type,
            marker,
            sequence: self.sequence,
            timestamp: start.timestamp.wrapping_add(tick.wrapping_mul(self.step)),
            ssrc: start.ssrc,
        };
        self.sequence = self.sequence.wrapping_add(1);
        header.write(payload)
    }
}
