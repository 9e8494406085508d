//! Music in two channels among voices in one.

use std::collections::BTreeMap;
use std::time::Duration;

use convene_conference::rtp::{Header, Packet};
use convene_conference::{
    Channels, Codec, Conference, Decoder, Delivery, Ear, Encoder, FRAME, Input, OpusSettings, Output, Pace,
    RtpStart, Seat, TICK, Wire, packet_channels,
};
use convene_test_support::{AMPLITUDE, Tone, amplitude};

const ANN: Seat = Seat(0);
const BOB: Seat = Seat(1);
const CEM: Seat = Seat(2);
const DAN: Seat = Seat(3);
/// Ann's left and right, and Bob's voice.
const LEFT: f64 = 440.0;
const RIGHT: f64 = 1000.0;
const VOICE: f64 = 1700.0;
const WIRE: Wire = Wire { codec: Codec::Opus, payload_type: Some(111), level_id: None, captured: None };

/// Ann makes music or speaks, Bob speaks or does not, Cem listens by browser, Dan by telephone, and a recorder does.
struct Hall {
    conference: Conference,
    now: Duration,
    encoders: [Encoder; 3],
    tones: [Tone; 3],
    heard: BTreeMap<Ear, Heard>,
}

/// The last second of a listener, by an independent decoder of two channels.
struct Heard {
    decoder: Option<Box<opus::Decoder>>,
    phone: Decoder,
    sound: [Vec<i16>; 2],
    /// Of the packets.
    channels: Vec<Channels>,
}

impl Hall {
    fn new() -> Self {
        let encoder = |channels| Encoder::new(Codec::Opus, channels, OpusSettings::default());
        let mut hall = Self {
            conference: Conference::following(OpusSettings::default()),
            now: TICK,
            encoders: [encoder(Channels::Mono), encoder(Channels::Stereo), encoder(Channels::Mono)],
            tones: [LEFT, RIGHT, VOICE].map(Tone::new),
            heard: BTreeMap::new(),
        };
        let start = RtpStart { payload_type: 111, ssrc: 7, sequence: 1, timestamp: 0 };
        for (ear, delivery) in [
            (Ear::Of(ANN), Delivery::Rtp(Codec::Opus, Channels::Mono, start)),
            (Ear::Of(BOB), Delivery::Rtp(Codec::Opus, Channels::Mono, start)),
            (Ear::Of(CEM), Delivery::Rtp(Codec::Opus, Channels::Mono, start)),
            (Ear::Of(DAN), Delivery::Rtp(Codec::Pcmu, Channels::Mono, start)),
            (Ear::All, Delivery::Opus(Channels::Mono)),
        ] {
            let is_opus = ear != Ear::Of(DAN);
            let decoder =
                is_opus.then(|| opus::Decoder::new(48_000, opus::Channels::Stereo).expect("it can be made"));
            let phone = Decoder::new(Codec::Pcmu, Channels::Stereo);
            let heard = Heard {
                decoder: decoder.map(Box::new),
                phone,
                sound: Default::default(),
                channels: Vec::new(),
            };
            hall.heard.insert(ear, heard);
            hall.handle(Input::Listen(ear, delivery));
        }
        for seat in [ANN, BOB, CEM, DAN] {
            hall.handle(Input::Join(seat, Pace::Live));
        }
        hall
    }

    fn handle(&mut self, input: Input) {
        self.conference.handle(input, self.now).expect("good packets");
        loop {
            let (to, packet) = match self.conference.poll() {
                Output::Rtp { to, packet, .. } => {
                    (to, Packet::parse(&packet).expect("good RTP").payload.to_vec())
                }
                Output::Opus { to, packet, .. } => (to, packet.to_vec()),
                Output::Timeout(_) => return,
                _ => continue,
            };
            self.heard.get_mut(&to).expect("somebody listens").hear(&packet);
        }
    }

    /// So many seconds, and what was heard before is forgotten.
    fn run(&mut self, is_music: bool, does_bob_speak: bool, seconds: u32) {
        self.heard.values_mut().for_each(|heard| {
            heard.sound = Default::default();
            heard.channels.clear();
        });
        for _ in 0..seconds * 50 {
            self.now += TICK;
            let [left, right, voice] = self.tones.each_mut().map(|tone| tone.next(FRAME, AMPLITUDE / 2.0));
            let ann = if is_music {
                let both: Vec<i16> =
                    left.iter().zip(&right).flat_map(|(left, right)| [*left, *right]).collect();
                self.encoders[1].encode(&both)
            } else {
                self.encoders[0].encode(&left)
            };
            let bob = self.encoders[2].encode(&if does_bob_speak { voice } else { vec![0; FRAME] });
            for (seat, payload) in [(ANN, ann), (BOB, bob)] {
                let tick = (self.now.as_millis() / 20) as u32;
                let (sequence, timestamp) = (tick as u16, tick * FRAME as u32);
                let header =
                    Header { payload_type: 111, marker: false, sequence, timestamp, ssrc: seat.0 + 9 };
                self.handle(Input::Rtp(seat, WIRE, &header.write(&payload)));
            }
            self.handle(Input::Timeout);
        }
    }

    /// How much of a tone somebody has heard in the last second, left and right, of what was said.
    fn share(&self, ear: Ear, hertz: f64) -> [f64; 2] {
        self.heard[&ear].sound.each_ref().map(|sound| {
            let last = &sound[sound.len() - 48_000..];
            amplitude(last, hertz) / (AMPLITUDE / 2.0)
        })
    }

    fn assert_hears(&self, ear: Ear, hertz: f64, wanted: [f64; 2]) {
        let share = self.share(ear, hertz);
        for (share, wanted) in share.iter().zip(wanted) {
            assert!((share - wanted).abs() < 0.15, "{ear:?} hears {share:.2} of {hertz}, and not {wanted}");
        }
    }
}

impl Heard {
    fn hear(&mut self, packet: &[u8]) {
        let mut both = vec![0; FRAME * 2];
        match &mut self.decoder {
            Some(decoder) => {
                self.channels.push(packet_channels(packet));
                let decoded = decoder.decode(packet, &mut both, false);
                assert_eq!(decoded.expect("good Opus"), FRAME);
            }
            None => {
                both.clear();
                self.phone.decode(packet, &mut both);
            }
        }
        for channel in [0, 1] {
            self.sound[channel].extend(both.iter().skip(channel).step_by(2));
        }
    }
}

#[test]
fn left_and_right_stay_apart_and_a_telephone_hears_both() {
    let mut hall = Hall::new();
    hall.run(true, true, 3);
    for ear in [Ear::Of(BOB), Ear::Of(CEM), Ear::All] {
        hall.assert_hears(ear, LEFT, [1.0, 0.0]);
        hall.assert_hears(ear, RIGHT, [0.0, 1.0]);
    }
    for ear in [Ear::Of(ANN), Ear::Of(CEM), Ear::All] {
        hall.assert_hears(ear, VOICE, [1.0, 1.0]);
    }
    hall.assert_hears(Ear::Of(ANN), LEFT, [0.0, 0.0]);
    hall.assert_hears(Ear::Of(BOB), VOICE, [0.0, 0.0]);
    for (hertz, share) in [(LEFT, 0.5), (RIGHT, 0.5), (VOICE, 1.0)] {
        hall.assert_hears(Ear::Of(DAN), hertz, [share, share]);
    }
}

#[test]
fn the_mix_has_two_channels_only_while_somebody_has() {
    let mut hall = Hall::new();
    hall.run(false, true, 2);
    let is_all = |hall: &Hall, channels| {
        let heard = hall.heard.iter().filter(|(ear, _)| **ear != Ear::Of(DAN));
        heard.flat_map(|(_, heard)| heard.channels.iter().rev().take(40)).all(|of| *of == channels)
    };
    assert_eq!((hall.conference.channels(), is_all(&hall, Channels::Mono)), (Channels::Mono, true));
    hall.assert_hears(Ear::Of(CEM), LEFT, [1.0, 1.0]);
    let encodes = |hall: &mut Hall, is_music| {
        let before = hall.conference.stats().encodes;
        hall.run(is_music, true, 2);
        hall.conference.stats().encodes - before
    };
    let before = encodes(&mut hall, false);
    hall.run(true, true, 2);
    assert_eq!((hall.conference.channels(), is_all(&hall, Channels::Stereo)), (Channels::Stereo, true));
    assert_eq!(encodes(&mut hall, true), before, "no more of them");
    hall.assert_hears(Ear::Of(CEM), RIGHT, [0.0, 1.0]);
    // She speaks again: for five seconds that may be a quiet moment of the music, and for five more she may be back.
    hall.run(false, true, 4);
    assert_eq!(hall.conference.channels(), Channels::Stereo);
    hall.assert_hears(Ear::Of(CEM), LEFT, [1.0, 1.0]);
    hall.run(false, true, 8);
    assert_eq!((hall.conference.channels(), is_all(&hall, Channels::Mono)), (Channels::Mono, true));
    hall.assert_hears(Ear::Of(CEM), LEFT, [1.0, 1.0]);
    hall.assert_hears(Ear::Of(CEM), VOICE, [1.0, 1.0]);
}

#[test]
fn whoever_leaves_or_is_muted_takes_the_second_channel_along() {
    for leaves in [true, false] {
        let mut hall = Hall::new();
        hall.run(true, false, 1);
        assert_eq!(hall.conference.channels(), Channels::Stereo);
        hall.handle(if leaves { Input::Leave(ANN) } else { Input::Mute(ANN, true) });
        for _ in 0..251 {
            hall.now += TICK;
            hall.handle(Input::Timeout);
        }
        assert_eq!(hall.conference.channels(), Channels::Mono, "she leaves: {leaves}");
    }
}
