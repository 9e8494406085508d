//! The conference itself: sources in, a mix for each listener out.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use crate::{
    Codec, Level, SourceStats, Stats,
    buffer::Body,
    floor::Floor,
    listener::{Delivery, Listener},
    opus::{Channels, OpusSettings, is_header},
    rtp::{Packet, RtpError},
    source::{Pace, Piece, Source},
    stream::{Format, Stream},
    time::{TICK, duration, samples, tick_from},
    volume::Volume,
};

/// One participant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seat(pub u32);

/// Where a mix goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ear {
    /// To a participant: everybody else.
    Of(Seat),
    /// To the recorder: everybody.
    All,
}

/// How RTP packets of a source are to be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wire {
    /// What they hold.
    pub codec: Codec,
    /// The codec has this number; others (digits) are passed over. `None` is the codec's own number, or any for Opus.
    pub payload_type: Option<u8>,
    /// The header extension of RFC 6464 has this number.
    pub level_id: Option<u8>,
    /// When this packet's sound was captured, by its sender's clock, where that is known.
    pub captured: Option<Duration>,
}

/// What can happen to a conference.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// Somebody may be heard from now on.
    Join(Seat, Pace),
    /// ... and no longer.
    Leave(Seat),
    /// Somebody hears from now on; again for another form.
    Listen(Ear, Delivery),
    /// ... and no longer.
    Unlisten(Ear),
    /// Somebody hears louder or quieter from now on.
    Turn(Ear, Volume),
    /// What a participant brings into the mix is wanted alone as well, as Opus; or no longer. It may be said before they join.
    Solo(Seat, bool),
    /// Packets were lost on the way to somebody who hears, as his reports say (RFC 3550, section 6.4).
    Lost(Ear),
    /// A packet came.
    Rtp(Seat, Wire, &'a [u8]),
    /// An Opus packet came that stands at this time of its own clock, or follows the last.
    Opus(Seat, Option<Duration>, &'a [u8]),
    /// Samples came in these channels, likewise.
    Samples(Seat, Option<Duration>, Channels, &'a [i16]),
    /// No more will come from this source; what waits is played.
    End(Seat),
    /// What waits shall not be heard.
    Flush(Seat),
    /// This source is not heard, whatever it says; or again.
    Mute(Seat, bool),
    /// It is the time that `Output::Timeout` told, or later.
    Timeout,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// A frame of samples, in the listener's channels.
    Samples {
        /// The listener.
        to: Ear,
        /// The tick.
        at: Duration,
        /// Interleaved.
        samples: Arc<[i16]>,
        /// All of them are 0.
        is_silent: bool,
    },
    /// An Opus packet of 20 ms.
    Opus {
        /// The listener.
        to: Ear,
        /// The tick.
        at: Duration,
        /// Shared with others.
        packet: Arc<[u8]>,
    },
    /// The same in RTP.
    Rtp {
        /// The listener.
        to: Ear,
        /// The tick.
        at: Duration,
        /// The whole packet.
        packet: Vec<u8>,
    },
    /// What a participant brings, alone: nothing while nobody may hear them.
    Solo {
        /// The participant.
        of: Seat,
        /// The next of it.
        piece: Piece,
    },
    /// Who speaks, the loudest first: when it changes, and five times a second while somebody does.
    Talkers(Vec<(Seat, Level)>),
    /// Nothing more now. `Input::Timeout` is wanted at this time: the next frame is due then. `None`: only when somebody sends again.
    Timeout(Option<Duration>),
}

/// What cannot be taken in. The conference goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// Nobody sits there.
    #[error("nobody has joined on seat {0}")]
    Nobody(u32),
    /// No good RTP.
    #[error(transparent)]
    Rtp(#[from] RtpError),
    /// Not what was announced.
    #[error("{bytes} bytes are no packet of {}", codec.encoding_name())]
    Packet {
        /// What was announced.
        codec: Codec,
        /// What came.
        bytes: usize,
    },
}

/// A frame that is late by more than this is left out: the machine was asleep, and nobody wants to hear it all at once.
const LATE_MAX: Duration = Duration::from_millis(200);

/// The number of comfort noise (RFC 3389): the sender of a telephone codec rests.
const COMFORT_NOISE: u8 = 13;

/// Who is heard by whom.
pub struct Conference {
    /// Of the mix just now.
    pub(crate) channels: Channels,
    /// Until this tick the mix has two, as somebody had; `None` where it is always in the same.
    pub(crate) stereo_until: Option<u64>,
    pub(crate) settings: OpusSettings,
    pub(crate) sources: BTreeMap<Seat, Member>,
    /// Those who are wanted alone as well.
    solos: BTreeSet<Seat>,
    pub(crate) listeners: BTreeMap<Ear, Listener>,
    /// One stream for all who hear the same in one format.
    pub(crate) shared: BTreeMap<Format, Stream>,
    pub(crate) floor: Floor,
    /// Those who have left and whose last frame is still to fade.
    pub(crate) leaving: Vec<Source>,
    pub(crate) told: Vec<Seat>,
    pub(crate) outputs: VecDeque<Output>,
    pub(crate) stats: Stats,
    next_tick: Option<Duration>,
}

/// A source at the table.
pub(crate) struct Member {
    pub source: Source,
    pub is_muted: bool,
    /// Was in the last frame.
    pub is_heard: bool,
    pub level: Level,
}

impl Conference {
    /// An empty one, mixed in these channels.
    pub fn new(channels: Channels, settings: OpusSettings) -> Self {
        Self {
            channels,
            stereo_until: None,
            settings,
            sources: BTreeMap::new(),
            solos: BTreeSet::new(),
            listeners: BTreeMap::new(),
            shared: BTreeMap::new(),
            floor: Floor::default(),
            leaving: Vec::new(),
            told: Vec::new(),
            outputs: VecDeque::new(),
            stats: Stats::default(),
            next_tick: None,
        }
    }

    /// The same in two channels as long as somebody's Opus has two, and in one otherwise: so that music costs only when there is some.
    pub fn following(settings: OpusSettings) -> Self {
        Self { stereo_until: Some(0), ..Self::new(Channels::Mono, settings) }
    }

    /// In how many channels the mix is just now.
    pub fn channels(&self) -> Channels {
        self.channels
    }

    /// Something happened at `now`. Then `poll` until it gives a timeout.
    pub fn handle(&mut self, input: Input, now: Duration) -> Result<(), InputError> {
        let at = samples(now);
        match input {
            Input::Join(seat, pace) => {
                self.leave(seat);
                let mut source = match self.stereo_until {
                    Some(_) => Source::following(pace),
                    None => Source::new(pace, self.channels),
                };
                source.set_solo(self.solos.contains(&seat));
                let member = Member { source, is_muted: false, is_heard: false, level: Level::SILENCE };
                self.sources.insert(seat, member);
            }
            Input::Leave(seat) => self.leave(seat),
            Input::Listen(ear, delivery) => {
                let mix = self.stereo_until.map(|_| self.channels);
                self.listeners.insert(ear, Listener::new(delivery, mix));
                if delivery.is_continuous() {
                    self.wake(now);
                }
            }
            Input::Unlisten(ear) => drop(self.listeners.remove(&ear)),
            Input::Turn(ear, volume) => {
                if let Some(listener) = self.listeners.get_mut(&ear) {
                    listener.turn(volume);
                }
            }
            Input::Solo(seat, is_wanted) => {
                if is_wanted {
                    self.solos.insert(seat)
                } else {
                    self.solos.remove(&seat)
                };
                if let Some(member) = self.sources.get_mut(&seat) {
                    member.source.set_solo(is_wanted);
                }
            }
            Input::Lost(ear) => {
                if let Some(listener) = self.listeners.get_mut(&ear) {
                    listener.lose(now);
                }
            }
            Input::Rtp(seat, wire, bytes) => {
                self.rtp(seat, wire, bytes, at)?;
                self.wake(now);
            }
            Input::Opus(_, _, packet) if is_header(packet) => {}
            Input::Opus(seat, time, packet) => {
                let count = count_samples(Codec::Opus, packet)?;
                let body = Body::Coded(Codec::Opus, packet.to_vec());
                self.member(seat)?.source.follow(time.map(samples), count, body, at);
                self.wake(now);
            }
            Input::Samples(seat, time, channels, sound) => {
                let source = &mut self.member(seat)?.source;
                let count = sound.len() / channels.count();
                let sound = convert(sound, channels, source.channels());
                source.follow(time.map(samples), count, Body::Samples(sound), at);
                self.wake(now);
            }
            Input::End(seat) => self.member(seat)?.source.end(),
            Input::Flush(seat) => self.member(seat)?.source.flush(),
            Input::Mute(seat, is_muted) => {
                self.member(seat)?.is_muted = is_muted;
                self.floor.leave(seat);
            }
            Input::Timeout => self.catch_up(now),
        }
        Ok(())
    }

    /// What is to be done next; call it until it gives a timeout.
    pub fn poll(&mut self) -> Output {
        self.outputs.pop_front().unwrap_or(Output::Timeout(self.next_tick))
    }

    /// How much of this source can be played without anything more; `None` when nobody sits there.
    pub fn ready(&self, seat: Seat) -> Option<Duration> {
        self.sources.get(&seat).map(|member| duration(member.source.ready()))
    }

    /// When the next frame is due; as `Output::Timeout` says.
    pub fn due(&self) -> Option<Duration> {
        self.next_tick
    }

    /// A source of our pace cannot fill the next frame, although more is to come.
    pub fn is_short(&self) -> bool {
        self.sources.values().any(|member| member.source.is_short())
    }

    /// All sources have ended, and everything is played.
    pub fn is_over(&self) -> bool {
        self.sources.values().all(|member| member.source.is_over())
    }

    /// Of the whole conference.
    pub fn stats(&self) -> Stats {
        let decodes: u64 = self.sources.values().map(|member| member.source.decodes()).sum();
        Stats { decodes: self.stats.decodes + decodes, ..self.stats }
    }

    /// Of one source; `None` when nobody sits there.
    pub fn source_stats(&self, seat: Seat) -> Option<SourceStats> {
        self.sources.get(&seat).map(|member| member.source.stats())
    }

    /// From the capture of this participant's sound, by the sender's clock, to its place in the mix, by ours; in nanoseconds, which are of the
    /// present, as the line changes. `None` while packets do not say when they were captured.
    pub fn capture_offset(&self, seat: Seat) -> Option<i64> {
        self.sources.get(&seat).and_then(|member| member.source.capture_offset())
    }

    /// How loud a participant is at the moment.
    pub fn level(&self, seat: Seat) -> Option<Level> {
        self.sources.get(&seat).map(|member| member.level)
    }

    fn rtp(&mut self, seat: Seat, wire: Wire, bytes: &[u8], at: i64) -> Result<(), InputError> {
        let member = self.member(seat)?;
        let packet = Packet::parse(bytes)?;
        let wanted = wire.payload_type.or(wire.codec.payload_type());
        if wanted.is_none_or(|wanted| wanted == packet.payload_type) {
            let level = wire.level_id.and_then(|id| packet.level(id));
            member.source.rtp(wire, &packet, level, at)?;
        } else if wire.codec != Codec::Opus && packet.payload_type == COMFORT_NOISE {
            member.source.noise(wire.codec, &packet, at);
        }
        Ok(())
    }

    fn member(&mut self, seat: Seat) -> Result<&mut Member, InputError> {
        self.sources.get_mut(&seat).ok_or(InputError::Nobody(seat.0))
    }

    fn leave(&mut self, seat: Seat) {
        self.floor.leave(seat);
        if let Some(member) = self.sources.remove(&seat) {
            self.stats.decodes += member.source.decodes();
            if member.is_heard {
                self.leaving.push(member.source);
            }
        }
    }

    /// Somebody sends: frames are due from now on.
    fn wake(&mut self, now: Duration) {
        self.next_tick.get_or_insert(tick_from(now));
    }

    fn catch_up(&mut self, now: Duration) {
        while let Some(at) = self.next_tick.filter(|at| *at <= now) {
            self.tick(at);
            let next = if now - at < LATE_MAX { at + TICK } else { tick_from(now) };
            self.next_tick = (!self.is_idle(at)).then_some(next.max(at + TICK));
        }
    }

    /// Nothing has come for a while, everything is played, everybody knows that we rest.
    fn is_idle(&self, at: Duration) -> bool {
        let now = samples(at);
        self.leaving.is_empty()
            && self.sources.values().all(|member| !member.is_heard && member.source.is_idle(now))
            && self.listeners.values().all(|listener| listener.is_at_rest())
            && self.shared.values().all(Stream::is_resting)
    }
}

pub(crate) fn count_samples(codec: Codec, packet: &[u8]) -> Result<usize, InputError> {
    codec.packet_samples(packet).ok_or(InputError::Packet { codec, bytes: packet.len() })
}

/// From so many channels to so many.
pub(crate) fn convert(sound: &[i16], from: Channels, to: Channels) -> Vec<i16> {
    match (from, to) {
        (Channels::Mono, Channels::Stereo) => sound.iter().flat_map(|sample| [*sample, *sample]).collect(),
        (Channels::Stereo, Channels::Mono) => {
            let frames = sound.as_chunks::<2>().0.iter();
            frames.map(|[left, right]| ((i32::from(*left) + i32::from(*right)) / 2) as i16).collect()
        }
        _ => sound.to_vec(),
    }
}
