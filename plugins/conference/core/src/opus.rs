//! libopus, and the only unsafe code: an encoder that can be copied, a decoder, and what a packet says of itself.
//!
//! A copy of an encoder goes on exactly as the original would. That is how a listener moves to an encoder of its own without a sound: its
//! decoder cannot tell them apart. `opus.h` says of both states that they are position independent and can be freely copied.

use std::ffi::{c_int, c_void};

use opusic_sys as ffi;

use crate::time::RATE;

/// 60 ms at 510 kbit/s is less; one packet may not be longer (RFC 6716, section 3.4: 1,275 bytes a frame).
const OUTPUT_BYTES_MAX: usize = 1500;
/// RFC 6716, section 2.1.4: a packet holds at most 120 ms.
pub(crate) const PACKET_SAMPLES_MAX: usize = 5760;
/// What libopus conceals is a multiple of 2.5 ms.
pub(crate) const CONCEAL_STEP: usize = 120;
/// By so much the encoder's sound is late: 6.5 ms.
const LOOKAHEAD: u16 = 312;
/// Such a packet has a header and no sound: the sender rests (discontinuous transmission).
const REST_BYTES_MAX: usize = 2;
/// The bit of a packet's first byte that says so.
const STEREO: u8 = 4;
/// A frame of digital silence, with its first byte (RFC 6716, section 4.3): two bytes say it.
const SILENCE_BYTES_MAX: usize = 3;

/// Mono or stereo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channels {
    /// One.
    Mono,
    /// Two, left first.
    Stereo,
}

impl Channels {
    /// How many.
    pub const fn count(self) -> usize {
        match self {
            Channels::Mono => 1,
            Channels::Stereo => 2,
        }
    }
}

/// How the mix is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpusSettings {
    /// Bits a second and channel.
    pub bitrate: u32,
    /// 0 to 10.
    pub complexity: u8,
    /// The loss for which redundancy is added to one channel (RFC 6716, section 2.1.7) where packets are lost; 0 for none. Two channels,
    /// which are for music, get none.
    pub loss_percent: u8,
}

impl Default for OpusSettings {
    fn default() -> Self {
        Self { bitrate: 40_000, complexity: 5, loss_percent: 5 }
    }
}

/// From so many bits a second and channel on, what needs no redundancy is encoded as music is, voices too: in a quarter of the time.
const TRANSFORM_BITRATE_MIN: u32 = 32_000;

/// Memory for one of libopus's states.
type Block = Vec<u128>;

fn block(bytes: c_int) -> Block {
    vec![0; usize::try_from(bytes).expect("a state has a size").div_ceil(size_of::<u128>())]
}

/// One stream of packets. A clone goes on as this one would.
#[derive(Clone)]
pub(crate) struct Encoder {
    state: Block,
    channels: Channels,
    /// Bits a second and channel.
    bitrate: u32,
}

impl Encoder {
    /// With redundancy for the loss that the settings say.
    pub fn new(channels: Channels, settings: OpusSettings) -> Self {
        let count = channels.count() as c_int;
        // SAFETY: takes a number and gives one.
        let state = block(unsafe { ffi::opus_encoder_get_size(count) });
        let bitrate = settings.bitrate.clamp(6_000, 256_000);
        let mut encoder = Self { state, channels, bitrate };
        let application = match channels {
            Channels::Mono => ffi::OPUS_APPLICATION_VOIP,
            Channels::Stereo => ffi::OPUS_APPLICATION_AUDIO,
        };
        // SAFETY: the block has the size that was asked for, and an alignment of 16.
        let result = unsafe { ffi::opus_encoder_init(encoder.pointer(), RATE as i32, count, application) };
        assert_eq!(result, ffi::OPUS_OK, "48 kHz and one or two channels are allowed");
        encoder.set(ffi::OPUS_SET_BITRATE_REQUEST, bitrate as i32 * count);
        encoder.set(ffi::OPUS_SET_COMPLEXITY_REQUEST, i32::from(settings.complexity.min(10)));
        encoder.expect_loss(settings.loss_percent);
        encoder
    }

    /// From the next packet on there is redundancy for so much loss, or none. It needs speech's codec, so two channels, which are for music,
    /// have none.
    pub fn expect_loss(&mut self, percent: u8) {
        let percent = if self.channels == Channels::Mono { percent.min(100) } else { 0 };
        let signal = match percent {
            0 if TRANSFORM_BITRATE_MIN <= self.bitrate => ffi::OPUS_SIGNAL_MUSIC,
            _ => ffi::OPUS_AUTO,
        };
        self.set(ffi::OPUS_SET_SIGNAL_REQUEST, signal);
        self.set(ffi::OPUS_SET_INBAND_FEC_REQUEST, i32::from(percent != 0));
        self.set(ffi::OPUS_SET_PACKET_LOSS_PERC_REQUEST, i32::from(percent));
    }

    /// The next packet shall not need its predecessors, because somebody's decoder has others.
    pub fn set_independent(&mut self, independent: bool) {
        self.set(ffi::OPUS_SET_PREDICTION_DISABLED_REQUEST, i32::from(independent));
    }

    /// One frame, channels interleaved, into one packet.
    pub fn encode(&mut self, frame: &[i16]) -> Vec<u8> {
        let mut packet = vec![0; OUTPUT_BYTES_MAX];
        let samples = (frame.len() / self.channels.count()) as c_int;
        // SAFETY: the frame has this many samples in each channel, the packet this many bytes.
        let bytes = unsafe {
            ffi::opus_encode(
                self.pointer(),
                frame.as_ptr(),
                samples,
                packet.as_mut_ptr(),
                OUTPUT_BYTES_MAX as i32,
            )
        };
        packet.truncate(usize::try_from(bytes).expect("a frame of 20 ms can be encoded"));
        packet
    }

    fn set(&mut self, request: c_int, value: i32) {
        // SAFETY: each request used here takes one 32-bit integer.
        let result = unsafe { ffi::opus_encoder_ctl(self.pointer(), request, value) };
        assert_eq!(result, ffi::OPUS_OK, "the value of request {request} is in its range");
    }

    fn pointer(&mut self) -> *mut ffi::OpusEncoder {
        self.state.as_mut_ptr().cast::<c_void>().cast()
    }
}

/// One stream of packets back into sound.
pub(crate) struct Decoder {
    state: Block,
    channels: Channels,
}

impl Decoder {
    pub fn new(channels: Channels) -> Self {
        let count = channels.count() as c_int;
        // SAFETY: takes a number and gives one.
        let mut decoder = Self { state: block(unsafe { ffi::opus_decoder_get_size(count) }), channels };
        // SAFETY: the block has the size that was asked for, and an alignment of 16.
        let result = unsafe { ffi::opus_decoder_init(decoder.pointer(), RATE as i32, count) };
        assert_eq!(result, ffi::OPUS_OK, "48 kHz and one or two channels are allowed");
        decoder
    }

    /// Appends the packet's sound. Returns its samples in each channel, or `None` when libopus refuses it.
    pub fn decode(&mut self, packet: &[u8], out: &mut Vec<i16>) -> Option<usize> {
        self.run(Some(packet), PACKET_SAMPLES_MAX, false, out)
    }

    /// Appends `samples` of what stood before `packet`, from the redundancy in it where there is some.
    pub fn decode_lost(&mut self, packet: &[u8], samples: usize, out: &mut Vec<i16>) -> Option<usize> {
        self.run(Some(packet), samples, true, out)
    }

    /// Appends `samples` made up from what was before: a loss, or the noise of a rest.
    pub fn conceal(&mut self, samples: usize, out: &mut Vec<i16>) -> Option<usize> {
        self.run(None, samples, false, out)
    }

    fn run(
        &mut self,
        packet: Option<&[u8]>,
        samples: usize,
        lost: bool,
        out: &mut Vec<i16>,
    ) -> Option<usize> {
        let start = out.len();
        out.resize(start + samples * self.channels.count(), 0);
        let bytes = packet.map_or(0, |packet| packet.len().min(i32::MAX as usize)) as i32;
        let data = packet.map_or(std::ptr::null(), <[u8]>::as_ptr);
        // SAFETY: the packet has this many bytes; `out` has room for this many samples in each channel.
        let decoded = unsafe {
            ffi::opus_decode(
                self.pointer(),
                data,
                bytes,
                out[start..].as_mut_ptr(),
                samples as c_int,
                c_int::from(lost),
            )
        };
        let decoded = usize::try_from(decoded).ok();
        out.truncate(start + decoded.unwrap_or(0) * self.channels.count());
        decoded
    }

    fn pointer(&mut self) -> *mut ffi::OpusDecoder {
        self.state.as_mut_ptr().cast::<c_void>().cast()
    }
}

/// In how many channels a packet was encoded (RFC 6716, section 3.1); decoders give any number.
pub fn packet_channels(packet: &[u8]) -> Channels {
    match packet.first() {
        Some(first) if first & STEREO != 0 => Channels::Stereo,
        _ => Channels::Mono,
    }
}

/// How many samples a packet holds in each channel; `None` when it is malformed.
pub fn packet_samples(packet: &[u8]) -> Option<usize> {
    if packet.is_empty() {
        return None;
    }
    // SAFETY: the packet has this many bytes, and one at least.
    let samples =
        unsafe { ffi::opus_packet_get_nb_samples(packet.as_ptr(), packet.len() as i32, RATE as i32) };
    usize::try_from(samples).ok().filter(|samples| (1..=PACKET_SAMPLES_MAX).contains(samples))
}

/// The header of a packet of 20 ms, hybrid and of full bandwidth (RFC 6716, section 3.1).
const HEADER_OF_20_MS: u8 = 15 << 3;

/// A packet that says that we rest, of the kind of `packet`: its header with a frame of no bytes (RFC 6716, section 3.2.1).
pub(crate) fn rest_after(packet: &[u8]) -> Vec<u8> {
    vec![packet.first().copied().unwrap_or(HEADER_OF_20_MS) & 0xfc]
}

/// What a file of our packets begins with: the head (RFC 7845, section 5.1) and the tags (section 5.2).
pub fn opus_headers(channels: Channels) -> [Vec<u8>; 2] {
    let mut head = b"OpusHead".to_vec();
    // Version, channels, samples that decoders leave out, rate, gain and the mapping of one or two channels.
    head.extend_from_slice(&[1, channels.count() as u8]);
    head.extend_from_slice(&LOOKAHEAD.to_le_bytes());
    head.extend_from_slice(&RATE.to_le_bytes());
    head.extend_from_slice(&[0, 0, 0]);
    let vendor = b"convene";
    let mut tags = b"OpusTags".to_vec();
    tags.extend_from_slice(&(vendor.len() as u32).to_le_bytes());
    tags.extend_from_slice(vendor);
    tags.extend_from_slice(&0u32.to_le_bytes());
    [head, tags]
}

/// These are headers of a file and no sound.
pub(crate) fn is_header(packet: &[u8]) -> bool {
    packet.starts_with(b"OpusHead") || packet.starts_with(b"OpusTags")
}

/// The sender rests: this packet holds no sound, and the next may come much later.
pub(crate) fn is_rest(packet: &[u8]) -> bool {
    packet.len() <= REST_BYTES_MAX
}

/// Nobody can be heard in this packet: it is as long as an encoder makes it of digital silence, and no voice fits into that.
pub(crate) fn is_silence(packet: &[u8]) -> bool {
    packet.len() <= SILENCE_BYTES_MAX
}

/// Whether somebody speaks in this packet, as far as its encoder says: where there is SILK, a flag for each of its frames comes first (RFC 6716,
/// section 4.2.3), and as both values are as likely, the range coder leaves it in the first bits. `None` where there is none, and for packets of several
/// frames.
pub(crate) fn voice_flag(packet: &[u8]) -> Option<bool> {
    const CELT_ALONE: u8 = 0x80;
    const SEVERAL_FRAMES: u8 = 3;
    let (&first, frame) = packet.split_first()?;
    if first & (CELT_ALONE | SEVERAL_FRAMES) != 0 {
        return None;
    }
    // SILK alone has frames of 20 ms in packets of 10 to 60 ms, and with CELT one.
    let configuration = first >> 3;
    let frames = if configuration < 12 { [1, 1, 2, 3][usize::from(configuration & 3)] } else { 1 };
    let channels = if first & STEREO == 0 { 1 } else { 2 };
    // Behind a channel's flags there is one for redundancy.
    let flags = |channel: u32| ((1_u8 << frames) - 1) << (8 - frames - channel * (frames + 1));
    let all = (0..channels).fold(0, |all, channel| all | flags(channel));
    Some(frame.first()? & all != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::FRAME;

    fn tone(tick: usize) -> Vec<i16> {
        (0..FRAME)
            .map(|at| ((tick * FRAME + at) as f64 * 440.0 / 48_000.0 * std::f64::consts::TAU).sin() * 8000.0)
            .map(|sample| sample as i16)
            .collect()
    }

    #[test]
    fn an_encoder_says_whether_somebody_speaks() {
        let flag = |configuration: u8, stereo: u8, bits: u8| {
            voice_flag(&[configuration << 3 | stereo << 2, bits, 0])
        };
        assert_eq!([flag(9, 0, 0x80), flag(9, 0, 0x7f)], [Some(true), Some(false)]);
        assert_eq!([flag(11, 0, 0x20), flag(11, 0, 0x1f)], [Some(true), Some(false)]);
        assert_eq!([flag(13, 1, 0x20), flag(13, 1, 0x5f)], [Some(true), Some(false)]);
        assert_eq!([flag(11, 1, 0x02), flag(11, 1, 0x11)], [Some(true), Some(false)]);
        assert_eq!(
            [flag(16, 0, 0), voice_flag(&[9 << 3 | 3, 1, 0]), voice_flag(&[9 << 3]), voice_flag(&[])],
            [None; 4]
        );
    }

    #[test]
    fn a_copied_encoder_goes_on_as_the_first() {
        let mut first = Encoder::new(Channels::Mono, OpusSettings::default());
        (0..20).for_each(|tick| drop(first.encode(&tone(tick))));
        let mut second = first.clone();
        for tick in 20..40 {
            assert_eq!(first.encode(&tone(tick)), second.encode(&tone(tick)));
        }
    }

    /// How many of fifty packets of syllables hold what is lost with the one before.
    fn redundant(encoder: &mut Encoder) -> usize {
        let packets =
            (0..50).map(|tick| encoder.encode(&if tick % 8 < 5 { tone(tick) } else { vec![0; FRAME] }));
        // SAFETY: a packet of so many bytes.
        packets
            .filter(|packet| unsafe { ffi::opus_packet_has_lbrr(packet.as_ptr(), packet.len() as i32) } == 1)
            .count()
    }

    #[test]
    fn redundancy_is_there_while_loss_is_expected_and_in_one_channel() {
        let mut encoder = Encoder::new(Channels::Mono, OpusSettings::default());
        assert!(20 < redundant(&mut encoder), "{}", redundant(&mut encoder));
        encoder.expect_loss(0);
        assert!(redundant(&mut encoder) <= 1, "the packet in which it goes over");
        encoder.expect_loss(5);
        assert!(20 < redundant(&mut encoder));
        // A voice in few bits needs speech's codec all the same.
        let few = OpusSettings { bitrate: 16_000, loss_percent: 0, ..OpusSettings::default() };
        assert!(Encoder::new(Channels::Mono, few).encode(&tone(0))[0] < 0x80);
    }

    #[test]
    fn whatever_comes_is_decoded_or_refused() {
        let mut encoder = Encoder::new(Channels::Stereo, OpusSettings::default());
        let frame: Vec<i16> = tone(0).into_iter().flat_map(|sample| [sample, sample]).collect();
        let packet = encoder.encode(&frame);
        let mut decoder = Decoder::new(Channels::Stereo);
        let mut out = Vec::new();
        for length in 0..=packet.len() {
            out.clear();
            let cut = &packet[..length];
            if packet_samples(cut).is_some() {
                decoder.decode(cut, &mut out);
                decoder.decode_lost(cut, FRAME, &mut out);
            }
        }
        assert_eq!(packet_samples(&packet), Some(FRAME));
        assert_eq!(packet_samples(&[]), None);
        // Sixty-three frames of 60 ms: more than a packet may hold.
        assert_eq!(packet_samples(&[0x1b, 0x3f]), None);
    }
}
