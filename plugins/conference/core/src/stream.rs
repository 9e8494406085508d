//! One mix, made ready for those who hear it.

use std::sync::Arc;

use crate::{
    Codec, Encoder,
    limiter::Limiter,
    opus::{Channels, OpusSettings, rest_after},
    volume::{Gain, Volume},
};

/// Ticks of silence that are still encoded, so that decoders come to rest with us: 200 ms.
const REST_AFTER: u32 = 10;
/// While we rest, a sign of life each so many ticks: 400 ms, as libopus does.
const REFRESH: u32 = 20;

/// What listeners can share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Format {
    /// `None` for samples.
    pub codec: Option<Codec>,
    pub channels: Channels,
    pub volume: Volume,
    /// For those whose line loses packets: what is lost is in the next one, too.
    pub redundancy: bool,
}

/// A frame of a stream.
#[derive(Clone, Debug)]
pub(crate) enum Made {
    Samples {
        samples: Arc<[i16]>,
        is_silent: bool,
    },
    Sound(Arc<[u8]>),
    /// We rest; whoever can bear gaps needs only a refreshing packet.
    Rest {
        packet: Arc<[u8]>,
        refreshes: bool,
    },
}

/// A clone goes on as this one would.
#[derive(Clone)]
pub(crate) struct Stream {
    format: Format,
    gain: Gain,
    limiter: Limiter,
    encoder: Option<Encoder>,
    silent_ticks: u32,
    rest: Arc<[u8]>,
    /// For which there is redundancy, if any.
    loss_percent: u8,
}

impl Stream {
    pub fn new(format: Format, settings: OpusSettings) -> Self {
        let loss_percent = settings.loss_percent;
        let settings =
            OpusSettings { loss_percent: if format.redundancy { loss_percent } else { 0 }, ..settings };
        Self {
            format,
            gain: Gain::new(format.volume),
            limiter: Limiter::default(),
            encoder: format.codec.map(|codec| Encoder::new(codec, format.channels, settings)),
            // Until there is something to hear, we rest.
            silent_ticks: REST_AFTER,
            rest: rest_after(&[]).into(),
            loss_percent,
        }
    }

    /// It is in this format from the next frame on, which differs in its volume and redundancy alone.
    pub fn change(&mut self, format: Format) {
        self.gain.turn(format.volume);
        if let Some(encoder) = &mut self.encoder
            && format.redundancy != self.format.redundancy
        {
            encoder.expect_loss(if format.redundancy { self.loss_percent } else { 0 });
        }
        self.format = format;
    }

    /// Nothing has been heard for a while.
    pub fn is_resting(&self) -> bool {
        REST_AFTER <= self.silent_ticks
    }

    /// One frame of sums with `channels`. When it is `independent`, decoders need not have heard what was before. The second value says
    /// whether that took an encode.
    pub fn make(&mut self, sums: &[i32], channels: Channels, independent: bool) -> (Made, bool) {
        let is_silent = sums.iter().all(|sum| *sum == 0);
        self.silent_ticks = if is_silent { self.silent_ticks.saturating_add(1) } else { 0 };
        if self.encoder.is_none() {
            let samples = self.shape(sums, channels);
            return (Made::Samples { samples: samples.into(), is_silent }, false);
        }
        if REST_AFTER < self.silent_ticks && self.format.codec == Some(Codec::Opus) {
            let refreshes = (self.silent_ticks - REST_AFTER) % REFRESH == 1;
            return (Made::Rest { packet: self.rest.clone(), refreshes }, false);
        }
        let samples = self.shape(sums, channels);
        let encoder = self.encoder.as_mut().expect("who has none takes samples");
        let packet =
            if independent { encoder.encode_independent(&samples) } else { encoder.encode(&samples) };
        self.rest = rest_after(&packet).into();
        (Made::Sound(packet.into()), true)
    }
}

impl Stream {
    /// In the listener's channels, as loud as he has it, and within bounds.
    fn shape(&mut self, sums: &[i32], channels: Channels) -> Vec<i16> {
        let mut sums = convert(sums, channels, self.format.channels);
        self.gain.apply(&mut sums);
        self.limiter.limit(&sums, self.format.channels)
    }
}

/// From the conference's channels to the listener's.
fn convert(sums: &[i32], from: Channels, to: Channels) -> Vec<i32> {
    match (from, to) {
        (Channels::Mono, Channels::Stereo) => sums.iter().flat_map(|sum| [*sum, *sum]).collect(),
        (Channels::Stereo, Channels::Mono) => {
            sums.as_chunks::<2>().0.iter().map(|[left, right]| (left + right) / 2).collect()
        }
        _ => sums.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::FRAME;

    fn stream() -> Stream {
        let volume = Volume::default();
        let format = Format { codec: Some(Codec::Opus), channels: Channels::Mono, volume, redundancy: false };
        Stream::new(format, OpusSettings::default())
    }

    #[test]
    fn silence_is_a_rest_that_is_refreshed() {
        let mut stream = stream();
        let mut sound = [0; FRAME];
        sound[5] = 1000;
        stream.make(&sound, Channels::Mono, false);
        let silence: Vec<_> = (0..60).map(|_| stream.make(&[0; FRAME], Channels::Mono, false)).collect();
        assert!(silence[..10].iter().all(|(made, encoded)| *encoded && matches!(made, Made::Sound(_))));
        assert!(silence[10..].iter().all(|(made, encoded)| !encoded && matches!(made, Made::Rest { .. })));
        let refreshes = silence
            .iter()
            .enumerate()
            .filter(|(_, (made, _))| matches!(made, Made::Rest { refreshes: true, .. }));
        assert_eq!(refreshes.map(|(at, _)| at).collect::<Vec<_>>(), [10, 30, 50]);
        assert!(stream.is_resting());
        assert!(matches!(stream.make(&sound, Channels::Mono, false), (Made::Sound(_), true)));
        assert!(!stream.is_resting());
    }

    #[test]
    fn channels_are_converted() {
        assert_eq!(convert(&[1, 2], Channels::Mono, Channels::Stereo), [1, 1, 2, 2]);
        assert_eq!(convert(&[1, 3, 5, 7], Channels::Stereo, Channels::Mono), [2, 6]);
    }
}
