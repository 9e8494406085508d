//! A scenario: people with tones, lines and clocks, and a conference between them.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use convene_conference::{
    Channels, Codec, Conference, Decoder, Delivery, Ear, Encoder, FRAME, Input, Level, OpusSettings, Output,
    Pace, Piece, RtpStart, Seat, SourceStats, Stats, TICK, Wire,
    rtp::{Header, Packet},
};
use convene_test_support::{AMPLITUDE, Line, Link, Tone, amplitude};

/// Time goes in such steps.
const STEP: Duration = Duration::from_millis(1);
/// The number of Opus, and of RFC 6464's extension.
pub const WIRE: Wire =
    Wire { codec: Codec::Opus, payload_type: Some(111), level_id: Some(1), captured: None };

/// How packets of a codec are numbered here.
fn wire(codec: Codec) -> Wire {
    if codec == Codec::Opus { WIRE } else { Wire { codec, ..Wire::default() } }
}

/// How somebody takes part.
#[derive(Clone, Copy, Debug)]
pub struct Habits {
    pub codec: Codec,
    pub line: Line,
    /// The clock is too fast by so many millionths.
    pub ppm: f64,
    /// Packets say how loud they are.
    pub tells_level: bool,
    /// The first sequence number and timestamp.
    pub numbers: (u16, u32),
    /// By the sender's clock, the first packet was captured then; `None` where packets do not say.
    pub captured: Option<Duration>,
}

impl Habits {
    pub const GOOD: Habits = Habits {
        codec: Codec::Opus,
        line: Line::GOOD,
        ppm: 0.0,
        tells_level: true,
        numbers: (100, 5000),
        captured: None,
    };

    /// By Opus, with levels and without, and by telephone.
    pub const EACH: [Habits; 5] = [
        Self::GOOD,
        Habits { tells_level: false, ..Self::GOOD },
        Self::phone(Codec::G722),
        Self::phone(Codec::Pcmu),
        Self::phone(Codec::Pcma),
    ];

    /// A telephone, which never tells a level.
    pub const fn phone(codec: Codec) -> Habits {
        Habits { codec, tells_level: false, ..Self::GOOD }
    }
}

/// Opus by an independent binding, the others by ours, whose bits are checked elsewhere.
enum Packer {
    Opus(Box<opus::Encoder>),
    Phone(Encoder),
}

impl Packer {
    fn new(codec: Codec) -> Self {
        if codec != Codec::Opus {
            return Packer::Phone(Encoder::new(codec, Channels::Mono, OpusSettings::default()));
        }
        let mut encoder = opus::Encoder::new(48_000, opus::Channels::Mono, opus::Application::Voip)
            .expect("such an encoder can be made");
        encoder.set_inband_fec(true).expect("Opus has redundancy");
        encoder.set_packet_loss_perc(20).expect("a percentage");
        encoder.set_complexity(0).expect("the least");
        Packer::Opus(Box::new(encoder))
    }

    fn pack(&mut self, sound: &[i16]) -> Vec<u8> {
        match self {
            Packer::Opus(encoder) => encoder.encode_vec(sound, 1400).expect("20 ms can be encoded"),
            Packer::Phone(encoder) => encoder.encode(sound),
        }
    }
}

enum Unpacker {
    Opus(Box<opus::Decoder>),
    Phone(Decoder),
}

impl Unpacker {
    fn new(codec: Codec) -> Self {
        if codec != Codec::Opus {
            return Unpacker::Phone(Decoder::new(codec, Channels::Mono));
        }
        let decoder = opus::Decoder::new(48_000, opus::Channels::Mono);
        Unpacker::Opus(Box::new(decoder.expect("such a decoder can be made")))
    }

    /// A frame of 20 ms.
    fn unpack(&mut self, packet: &[u8], sound: &mut Vec<i16>) {
        let start = sound.len();
        let decoded = match self {
            Unpacker::Opus(decoder) => {
                sound.resize(start + FRAME, 0);
                decoder.decode(packet, &mut sound[start..], false).ok()
            }
            Unpacker::Phone(decoder) => decoder.decode(packet, sound),
        };
        assert_eq!(decoded, Some(FRAME));
    }
}

pub struct Person {
    pub seat: Seat,
    pub tone: Tone,
    pub speaks: bool,
    /// Sends nothing at all.
    pub is_stalled: bool,
    pub habits: Habits,
    packer: Packer,
    link: Link<Vec<u8>>,
    sequence: u16,
    timestamp: u32,
    next_send: f64,
}

/// What has reached one listener.
pub struct Heard {
    codec: Codec,
    unpacker: Unpacker,
    pub sound: Vec<i16>,
    pub payloads: Vec<Vec<u8>>,
    /// Sequence number and timestamp of the last packet.
    last: Option<(u16, u32)>,
}

pub struct Room {
    pub conference: Conference,
    pub people: BTreeMap<u32, Person>,
    pub heard: BTreeMap<Ear, Heard>,
    pub talkers: Vec<Vec<(Seat, Level)>>,
    /// What came of those who are wanted alone.
    pub solos: Vec<(Seat, Piece)>,
    /// Frames of samples, each with its time.
    pub frames: Vec<(Duration, Arc<[i16]>)>,
    pub now: Duration,
    due: Option<Duration>,
    seed: u64,
}

impl Room {
    pub fn new(seed: u64) -> Self {
        Self {
            conference: Conference::new(Channels::Mono, OpusSettings::default()),
            people: BTreeMap::new(),
            heard: BTreeMap::new(),
            talkers: Vec::new(),
            solos: Vec::new(),
            frames: Vec::new(),
            now: Duration::from_millis(3),
            due: None,
            seed,
        }
    }

    /// So many people on seats from 0 on, none of whom speaks yet.
    pub fn of(count: u32, habits: Habits, seed: u64) -> Self {
        let mut room = Self::new(seed);
        (0..count).for_each(|seat| room.join(seat, habits));
        room
    }

    pub fn join(&mut self, seat: u32, habits: Habits) {
        self.handle(Input::Join(Seat(seat), Pace::Live));
        self.listen_by(Ear::Of(Seat(seat)), habits.codec);
        let person = Person {
            seat: Seat(seat),
            tone: Tone::new(tone(seat)),
            speaks: false,
            is_stalled: false,
            habits,
            packer: Packer::new(habits.codec),
            link: Link::new(habits.line, self.seed * 7919 + u64::from(seat) * 104_729 + 1),
            sequence: habits.numbers.0,
            timestamp: habits.numbers.1,
            // Not all at the same moment.
            next_send: self.now.as_secs_f64() + f64::from(seat % 20) * 0.001,
        };
        self.people.insert(seat, person);
    }

    pub fn listen(&mut self, ear: Ear) {
        self.listen_by(ear, Codec::Opus);
    }

    /// Also for one who listens already, and goes over to another codec.
    pub fn listen_by(&mut self, ear: Ear, codec: Codec) {
        let ssrc = match ear {
            Ear::Of(seat) => seat.0 + 1,
            Ear::All => 0,
        };
        let start = RtpStart { payload_type: 96, ssrc, sequence: 65_500, timestamp: u32::MAX - 20_000 };
        self.handle(Input::Listen(ear, Delivery::Rtp(codec, Channels::Mono, start)));
        let unpacker = Unpacker::new(codec);
        self.heard
            .insert(ear, Heard { codec, unpacker, sound: Vec::new(), payloads: Vec::new(), last: None });
    }

    pub fn leave(&mut self, seat: u32) {
        self.handle(Input::Leave(Seat(seat)));
        self.handle(Input::Unlisten(Ear::Of(Seat(seat))));
        self.people.remove(&seat);
        self.heard.remove(&Ear::Of(Seat(seat)));
    }

    pub fn person(&mut self, seat: u32) -> &mut Person {
        self.people.get_mut(&seat).expect("somebody sits there")
    }

    pub fn speak(&mut self, seats: impl IntoIterator<Item = u32>) {
        seats.into_iter().for_each(|seat| self.person(seat).speaks = true);
    }

    pub fn hush(&mut self, seats: impl IntoIterator<Item = u32>) {
        seats.into_iter().for_each(|seat| self.person(seat).speaks = false);
    }

    /// Lets so many milliseconds pass.
    pub fn run(&mut self, millis: u64) {
        let end = self.now + Duration::from_millis(millis);
        while self.now < end {
            self.now += STEP;
            let mut arrived = Vec::new();
            for person in self.people.values_mut() {
                while person.next_send <= self.now.as_secs_f64() {
                    person.send(self.now);
                }
                while let Some(packet) = person.link.receive(self.now) {
                    arrived.push((person.seat, person.wire(&packet), packet));
                }
            }
            for (seat, wire, packet) in arrived {
                self.handle(Input::Rtp(seat, wire, &packet));
            }
            if self.due.is_some_and(|due| due <= self.now) {
                self.handle(Input::Timeout);
            }
        }
    }

    pub fn handle(&mut self, input: Input) {
        self.conference.handle(input, self.now).expect("people in tests send good packets");
        loop {
            match self.conference.poll() {
                Output::Timeout(due) => {
                    self.due = due;
                    return;
                }
                Output::Rtp { to, packet, .. } => {
                    if let Some(heard) = self.heard.get_mut(&to) {
                        heard.hear(&packet);
                    }
                }
                Output::Talkers(talkers) => self.talkers.push(talkers),
                Output::Solo { of, piece } => self.solos.push((of, piece)),
                Output::Samples { at, samples, .. } => self.frames.push((at, samples)),
                output => panic!("nobody listens like that: {output:?}"),
            }
        }
    }

    /// Forgets what was heard until now.
    pub fn forget(&mut self) {
        for heard in self.heard.values_mut() {
            heard.sound.clear();
            heard.payloads.clear();
        }
    }

    /// How much of somebody's tone has reached a listener, of `AMPLITUDE`.
    pub fn share(&self, ear: Ear, of: u32) -> f64 {
        amplitude(&self.heard[&ear].sound, tone(of)) / AMPLITUDE
    }

    /// Those in `seats` hear each other well, and nobody else, and not themselves.
    pub fn assert_all_hear(&self, speakers: &[u32]) {
        for (ear, heard) in &self.heard {
            assert!(!heard.sound.is_empty(), "{ear:?} hears nothing");
            for speaker in self.people.keys() {
                let share = self.share(*ear, *speaker);
                if speakers.contains(speaker) && *ear != Ear::Of(Seat(*speaker)) {
                    assert!((0.6..1.3).contains(&share), "{ear:?} hears {share:.3} of {speaker}");
                } else {
                    assert!(share < 0.03, "{ear:?} hears {share:.3} of {speaker}, who should not be heard");
                }
            }
        }
    }

    /// What came of this seat alone.
    pub fn solos(&self, seat: u32) -> Vec<Piece> {
        let of = |(of, piece): &(Seat, Piece)| (of.0 == seat).then(|| piece.clone());
        self.solos.iter().filter_map(of).collect()
    }

    pub fn source_stats(&self, seat: u32) -> SourceStats {
        self.conference.source_stats(Seat(seat)).expect("somebody sits there")
    }

    pub fn stats(&self) -> Stats {
        self.conference.stats()
    }

    /// When the next frame is due.
    pub fn due(&self) -> Option<Duration> {
        self.due
    }
}

/// One tone for each of twenty, not far from each other and no multiples.
pub fn tone(seat: u32) -> f64 {
    310.0 + 173.0 * f64::from(seat % 20)
}

impl Person {
    fn send(&mut self, now: Duration) {
        self.next_send += 0.02 / (1.0 + self.habits.ppm / 1e6);
        if self.is_stalled {
            self.timestamp = self.timestamp.wrapping_add(self.habits.codec.clock_rate() / 50);
            return;
        }
        let packet = self.next_packet();
        let bytes = packet.len();
        self.link.send(packet, bytes, now);
    }

    /// How a packet is to be read, and when it was captured.
    fn wire(&self, packet: &[u8]) -> Wire {
        let captured = self.habits.captured.map(|first| {
            let timestamp = Packet::parse(packet).expect("our own").timestamp;
            first + TICK * timestamp.wrapping_sub(self.habits.numbers.1) / FRAME as u32
        });
        Wire { captured, ..wire(self.habits.codec) }
    }

    /// Goes over to another codec, as after a new agreement.
    pub fn speak_by(&mut self, codec: Codec) {
        self.packer = Packer::new(codec);
        self.habits = Habits { codec, ..self.habits };
    }

    /// What is sent from now on takes another line.
    pub fn go_over_to(&mut self, line: Line) {
        self.link.set_line(line);
    }

    /// Packets are numbered from here on, as after a transfer of the call.
    pub fn restart(&mut self, sequence: u16, timestamp: u32) {
        self.sequence = sequence;
        self.timestamp = timestamp;
    }

    /// Twenty milliseconds of the tone, or of silence.
    pub fn next_packet(&mut self) -> Vec<u8> {
        let sound = self.tone.next(FRAME, if self.speaks { AMPLITUDE } else { 0.0 });
        let payload = self.packer.pack(&sound);
        let header = Header {
            payload_type: self.habits.codec.payload_type().unwrap_or(111),
            marker: false,
            sequence: self.sequence,
            timestamp: self.timestamp,
            ssrc: self.seat.0 + 1000,
        };
        let mut packet = header.write(&[]);
        if self.habits.tells_level {
            packet[0] |= 0x10;
            let level = -Level::of(&sound).dbov() as u8;
            packet.extend_from_slice(&[0xbe, 0xde, 0, 1, 0x10, level, 0, 0]);
        }
        packet.extend_from_slice(&payload);
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(self.habits.codec.clock_rate() / 50);
        packet
    }
}

impl Heard {
    /// Decodes as a good receiver does: sequence numbers follow each other, timestamps tell the gaps.
    fn hear(&mut self, packet: &[u8]) {
        let packet = Packet::parse(packet).expect("the conference sends good packets");
        if let Some((sequence, timestamp)) = self.last {
            assert_eq!(packet.sequence, sequence.wrapping_add(1), "sequence numbers follow each other");
            let step = (48_000 / self.codec.clock_rate()) as usize;
            let gap = packet.timestamp.wrapping_sub(timestamp) as usize * step;
            assert!(gap.is_multiple_of(FRAME) && 0 < gap, "timestamps follow the clock, not by {gap}");
            assert!(
                FRAME == gap || packet.marker || packet.payload.len() <= 2,
                "a gap of {gap} is announced"
            );
            self.sound.resize(self.sound.len() + gap - FRAME, 0);
        }
        self.last = Some((packet.sequence, packet.timestamp));
        self.payloads.push(packet.payload.to_vec());
        self.unpacker.unpack(packet.payload, &mut self.sound);
    }
}
