//! The codecs that callers speak, under one roof: each takes and gives the mix's 48 kHz.

use crate::{
    Level,
    conceal::Concealer,
    g711::Law,
    g722,
    opus::{self, Channels, OpusSettings, PACKET_SAMPLES_MAX},
    resample::{Downsampler, Upsampler},
    time::RATE,
};

/// How sound is packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Codec {
    /// RFC 6716: all that can be heard.
    #[default]
    Opus,
    /// ITU-T G.711, μ-law: a telephone.
    Pcmu,
    /// ITU-T G.711, A-law.
    Pcma,
    /// ITU-T G.722: a telephone with twice the band.
    G722,
}

impl Codec {
    /// All of them, the best first.
    pub const ALL: [Codec; 4] = [Codec::Opus, Codec::G722, Codec::Pcmu, Codec::Pcma];

    /// As RTP calls it (RFC 3551, section 6; RFC 7587, section 7).
    pub const fn encoding_name(self) -> &'static str {
        match self {
            Codec::Opus => "OPUS",
            Codec::Pcmu => "PCMU",
            Codec::Pcma => "PCMA",
            Codec::G722 => "G722",
        }
    }

    /// The codec of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|codec| codec.encoding_name().eq_ignore_ascii_case(name))
    }

    /// What RTP's timestamps count. G.722 has twice as many samples, which was once forgotten and has stayed (RFC 3551, section 4.5.2).
    pub const fn clock_rate(self) -> u32 {
        match self {
            Codec::Opus => RATE,
            _ => 8000,
        }
    }

    /// The number that RTP has given it for good (RFC 3551, table 4).
    pub const fn payload_type(self) -> Option<u8> {
        match self {
            Codec::Opus => None,
            Codec::Pcmu => Some(0),
            Codec::Pcma => Some(8),
            Codec::G722 => Some(9),
        }
    }

    /// Samples at 48 kHz for each step of the timestamp.
    pub(crate) const fn step(self) -> i64 {
        (RATE / self.clock_rate()) as i64
    }

    /// How many samples at 48 kHz a packet holds in each channel; `None` when it is malformed.
    pub fn packet_samples(self, packet: &[u8]) -> Option<usize> {
        match self {
            Codec::Opus => opus::packet_samples(packet),
            // Eight thousand bytes a second, each of them.
            _ => Some(packet.len() * 6).filter(|samples| (1..=PACKET_SAMPLES_MAX).contains(samples)),
        }
    }

    /// In how many channels a packet is.
    pub(crate) fn channels(self, packet: &[u8]) -> Channels {
        if self == Codec::Opus { opus::packet_channels(packet) } else { Channels::Mono }
    }

    /// The sender rests: this packet holds no sound, and the next may come much later.
    pub(crate) fn is_rest(self, packet: &[u8]) -> bool {
        self == Codec::Opus && opus::is_rest(packet)
    }

    /// What is known of a packet's loudness by its length alone.
    pub(crate) fn level_by_length(self, packet: &[u8]) -> Option<Level> {
        (self == Codec::Opus && opus::is_silence(packet)).then_some(Level::SILENCE)
    }

    /// Its encoder says that nobody speaks in it; which is not always so.
    pub(crate) fn is_said_silent(self, packet: &[u8]) -> bool {
        self == Codec::Opus && opus::voice_flag(packet) == Some(false)
    }
}

/// What turns between bytes and the samples of a telephone.
#[derive(Clone)]
enum Phone<G722> {
    G711(Law),
    G722(G722),
}

impl<G722: Default> Phone<G722> {
    fn new(codec: Codec) -> Self {
        match codec {
            Codec::Pcmu => Phone::G711(Law::Mu),
            Codec::Pcma => Phone::G711(Law::A),
            _ => Phone::G722(G722::default()),
        }
    }

    fn rate(&self) -> u32 {
        match self {
            Phone::G711(_) => 8000,
            Phone::G722(_) => 16_000,
        }
    }

    fn factor(&self) -> usize {
        (RATE / self.rate()) as usize
    }
}

/// One stream of packets from sound. A clone goes on as this one would.
#[derive(Clone)]
pub struct Encoder(Encoding);

#[derive(Clone)]
enum Encoding {
    Opus(opus::Encoder),
    Phone(Box<PhoneEncoder>),
}

impl Encoder {
    /// The settings and channels are those of Opus; telephones are mono.
    pub fn new(codec: Codec, channels: Channels, settings: OpusSettings) -> Self {
        Self(match codec {
            Codec::Opus => Encoding::Opus(opus::Encoder::new(channels, settings)),
            _ => Encoding::Phone(Box::new(PhoneEncoder::new(codec))),
        })
    }

    /// From the next packet on there is redundancy for so much loss, or none, where it is Opus in one channel.
    pub(crate) fn expect_loss(&mut self, percent: u8) {
        if let Encoding::Opus(encoder) = &mut self.0 {
            encoder.expect_loss(percent);
        }
    }

    /// One [`FRAME`](crate::FRAME) in each channel, interleaved, into one packet.
    pub fn encode(&mut self, frame: &[i16]) -> Vec<u8> {
        match &mut self.0 {
            Encoding::Opus(encoder) => encoder.encode(frame),
            Encoding::Phone(phone) => phone.encode(frame),
        }
    }

    /// The same, but the packet does not need its predecessors, because somebody's decoder has others. Telephones' packets hardly do.
    pub(crate) fn encode_independent(&mut self, frame: &[i16]) -> Vec<u8> {
        if let Encoding::Opus(encoder) = &mut self.0 {
            encoder.set_independent(true);
            let packet = encoder.encode(frame);
            encoder.set_independent(false);
            return packet;
        }
        self.encode(frame)
    }
}

#[derive(Clone)]
struct PhoneEncoder {
    downsampler: Downsampler,
    phone: Phone<g722::Encoder>,
}

impl PhoneEncoder {
    fn new(codec: Codec) -> Self {
        let phone = Phone::new(codec);
        Self { downsampler: Downsampler::new(phone.factor()), phone }
    }

    fn encode(&mut self, frame: &[i16]) -> Vec<u8> {
        let samples = self.downsampler.run(frame);
        match &mut self.phone {
            Phone::G711(law) => samples.into_iter().map(|sample| law.encode(sample)).collect(),
            Phone::G722(encoder) => encoder.encode(&samples),
        }
    }
}

/// One stream of packets back into sound.
pub struct Decoder(Decoding);

enum Decoding {
    Opus(opus::Decoder),
    Phone(Box<PhoneDecoder>),
}

impl Decoder {
    /// Gives sound in these channels.
    pub fn new(codec: Codec, channels: Channels) -> Self {
        Self(match codec {
            Codec::Opus => Decoding::Opus(opus::Decoder::new(channels)),
            _ => Decoding::Phone(Box::new(PhoneDecoder::new(codec, channels))),
        })
    }

    /// Appends the packet's sound. Returns its samples in each channel, or `None` when it is malformed.
    pub fn decode(&mut self, packet: &[u8], out: &mut Vec<i16>) -> Option<usize> {
        match &mut self.0 {
            Decoding::Opus(decoder) => decoder.decode(packet, out),
            Decoding::Phone(phone) => {
                phone.decode(packet, out);
                Some(packet.len() * 6)
            }
        }
    }

    /// Appends `samples` of what stood before `packet`, from the redundancy in it where there is some.
    pub(crate) fn decode_lost(&mut self, packet: &[u8], samples: usize, out: &mut Vec<i16>) -> Option<usize> {
        match &mut self.0 {
            Decoding::Opus(decoder) => decoder.decode_lost(packet, samples, out),
            Decoding::Phone(_) => self.conceal(samples, out),
        }
    }

    /// Appends `samples`, a multiple of 2.5 ms, made up from what was before.
    pub fn conceal(&mut self, samples: usize, out: &mut Vec<i16>) -> Option<usize> {
        match &mut self.0 {
            Decoding::Opus(decoder) => decoder.conceal(samples, out),
            Decoding::Phone(phone) => {
                phone.conceal(samples, out);
                Some(samples)
            }
        }
    }

    /// Appends `samples` of the room's noise while the sender rests, if it has sent any.
    pub(crate) fn rest(&mut self, samples: usize, out: &mut Vec<i16>) -> Option<usize> {
        match &mut self.0 {
            Decoding::Opus(decoder) => decoder.conceal(samples, out),
            Decoding::Phone(_) => None,
        }
    }
}

struct PhoneDecoder {
    phone: Phone<g722::Decoder>,
    concealer: Concealer,
    upsampler: Upsampler,
    channels: Channels,
}

impl PhoneDecoder {
    fn new(codec: Codec, channels: Channels) -> Self {
        let phone = Phone::new(codec);
        let (concealer, upsampler) = (Concealer::new(phone.rate()), Upsampler::new(phone.factor()));
        Self { phone, concealer, upsampler, channels }
    }

    fn decode(&mut self, packet: &[u8], out: &mut Vec<i16>) {
        let mut samples = Vec::with_capacity(packet.len() * g722::SAMPLES_PER_BYTE);
        match &mut self.phone {
            Phone::G711(law) => samples.extend(packet.iter().map(|code| law.decode(*code))),
            Phone::G722(decoder) => decoder.decode(packet, &mut samples),
        }
        self.concealer.hear(&mut samples);
        self.raise(&samples, out);
    }

    fn conceal(&mut self, samples: usize, out: &mut Vec<i16>) {
        let made = self.concealer.make(samples / self.phone.factor());
        self.raise(&made, out);
    }

    fn raise(&mut self, samples: &[i16], out: &mut Vec<i16>) {
        let start = out.len();
        self.upsampler.run(samples, out);
        if self.channels == Channels::Stereo {
            let mono = out.split_off(start);
            out.extend(mono.into_iter().flat_map(|sample| [sample, sample]));
        }
    }
}

/// Says how loud packets are that do not say it themselves, for less than decoding them.
pub(crate) enum Meter {
    G711(Law),
    G722(g722::Meter),
}

impl Meter {
    /// `None` for a codec that has to be decoded.
    pub fn new(codec: Codec) -> Option<Self> {
        match codec {
            Codec::Opus => None,
            Codec::Pcmu => Some(Meter::G711(Law::Mu)),
            Codec::Pcma => Some(Meter::G711(Law::A)),
            Codec::G722 => Some(Meter::G722(g722::Meter::default())),
        }
    }

    pub fn level(&mut self, packet: &[u8]) -> Level {
        match self {
            Meter::G711(law) => law.level(packet),
            Meter::G722(meter) => meter.level(packet),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::FRAME;

    const PHONES: [Codec; 3] = [Codec::Pcmu, Codec::Pcma, Codec::G722];

    fn tone(frame: usize) -> Vec<i16> {
        let turn = 1000.0 / 48_000.0 * std::f64::consts::TAU;
        (0..FRAME).map(|at| (((frame * FRAME + at) as f64 * turn).sin() * 10_000.0) as i16).collect()
    }

    #[test]
    fn what_goes_in_comes_out_as_loud_and_as_long() {
        for codec in PHONES {
            let mut encoder = Encoder::new(codec, Channels::Mono, OpusSettings::default());
            let mut decoder = Decoder::new(codec, Channels::Stereo);
            let mut meter = Meter::new(codec).expect("telephones are metered");
            let mut out = Vec::new();
            for frame in 0..10 {
                let packet = encoder.encode(&tone(frame));
                assert_eq!(packet.len(), 160, "{codec:?}");
                assert_eq!(codec.packet_samples(&packet), Some(FRAME));
                assert_eq!(decoder.decode(&packet, &mut out), Some(FRAME));
                let level = meter.level(&packet).dbov();
                assert!(frame == 0 || (-14..=-13).contains(&level), "{codec:?}: {level} dBov");
            }
            assert_eq!(out.len(), FRAME * 10 * 2);
            assert!(out.as_chunks::<2>().0.iter().all(|[left, right]| left == right));
            assert!((-14..=-13).contains(&Level::of(&out[FRAME * 4..]).dbov()), "{codec:?}");
        }
    }

    #[test]
    fn names_are_known_and_others_are_not() {
        for codec in Codec::ALL {
            assert_eq!(Codec::named(codec.encoding_name()), Some(codec));
        }
        assert_eq!(Codec::named("pcmu"), Some(Codec::Pcmu));
        assert_eq!(Codec::named("G729"), None);
    }

    #[test]
    fn the_longest_packet_and_one_byte_more() {
        for codec in PHONES {
            assert_eq!(codec.packet_samples(&[0; PACKET_SAMPLES_MAX / 6]), Some(PACKET_SAMPLES_MAX));
            assert_eq!(codec.packet_samples(&[0; PACKET_SAMPLES_MAX / 6 + 1]), None);
            assert_eq!(codec.packet_samples(&[]), None);
        }
    }
}
