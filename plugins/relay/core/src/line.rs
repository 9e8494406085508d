//! The media lines of a peer: its voice, its camera, and the slots in which it sees others.

use std::time::Duration;
use str0m::Rtc;

use str0m::format::Codec;
use str0m::media::{Mid, Pt, Rid};
use str0m::rtp::Ssrc;

use crate::allocation::Why;
use crate::egress::Outlet;
use crate::keyframes::RequestBudget;
use crate::slot::Slot;
use crate::vp8::PictureId;
use crate::{LAYERS_MAX, Layer};

/// A jump of more than this in what a voice pad sends is another stream, not a loss.
const VOICE_JUMP_MAX: u64 = 3000;
/// Where voices begin; see the rewriter.
const VOICE_FIRST: u64 = 1000;

/// Packets kept for each slot, to be sent again: at 60 a second, what was lost within a second and a half.
pub const RESEND_PACKETS_MAX: usize = 100;
/// What is older is of no use to anybody.
pub const RESEND_AGE_MAX: Duration = Duration::from_secs(2);
/// Of what is sent, so much may be sent again: enough for a tenth lost twice, and no line is choked by it.
const RESEND_SHARE_MAX: f32 = 0.3;

/// The audio line.
#[derive(Debug)]
pub struct VoiceLine {
    /// In the peer's description.
    pub mid: Mid,
    /// Opus.
    pub pt: Pt,
    /// How the peer is sent the mix, if it takes one.
    pub outlet: Option<Outlet>,
    numbers: VoiceNumbers,
}

#[derive(Debug, Default)]
struct VoiceNumbers {
    newest: Option<(u64, u64)>,
    timestamp_offset: u32,
    timestamp: u32,
}

impl VoiceLine {
    /// The line as it was negotiated; none when it has no Opus.
    pub fn new(rtc: &mut Rtc, mid: Mid, sends: bool) -> Option<Self> {
        let pt = payload_type(rtc, mid, Codec::Opus)?;
        let ssrc = if sends { outgoing(rtc, mid) } else { None };
        let outlet = ssrc.map(|ssrc| Outlet::new(rtc, mid, pt, ssrc));
        Some(Self { mid, pt, outlet, numbers: VoiceNumbers::default() })
    }

    /// Sequence number and timestamp under which the peer gets a packet with these.
    pub fn renumber(&mut self, sequence: u16, timestamp: u32) -> Option<(u64, u32)> {
        let Some((newest, becomes)) = self.numbers.newest else {
            self.numbers.newest = Some((u64::from(sequence) + (1 << 16), VOICE_FIRST));
            self.numbers.timestamp = timestamp;
            return Some((VOICE_FIRST, timestamp));
        };
        let extended = crate::vp8::extend(u64::from(sequence), 1 << 16, Some(newest));
        if VOICE_JUMP_MAX < extended.abs_diff(newest) {
            // Another stream takes over: it goes on one frame of 20 ms later.
            let goes_on = self.numbers.timestamp.wrapping_add(960);
            self.numbers.timestamp_offset = timestamp.wrapping_sub(goes_on);
            self.numbers.newest = Some((u64::from(sequence) + (1 << 16), becomes + 1));
            self.numbers.timestamp = goes_on;
            return Some((becomes + 1, goes_on));
        }
        let number = (becomes + extended).checked_sub(newest).filter(|number| VOICE_FIRST <= *number)?;
        let moved = timestamp.wrapping_sub(self.numbers.timestamp_offset);
        if newest < extended {
            self.numbers.newest = Some((extended, number));
            self.numbers.timestamp = moved;
        }
        Some((number, moved))
    }
}

/// The line on which the peer sends its camera.
#[derive(Debug)]
pub struct CameraLine {
    /// In the peer's description.
    pub mid: Mid,
    /// What comes is no VP8.
    pub is_h264: bool,
    /// What may be asked of it for that.
    pub requests: RequestBudget,
    sources: Vec<Source>,
}

/// One encoding that the peer sends.
#[derive(Debug)]
pub struct Source {
    rid: Option<Rid>,
    ssrc: Ssrc,
    /// The one before, of which stragglers may come.
    former: Option<Ssrc>,
    newest: Option<u64>,
    /// What is added to the sequence numbers, so that they go on when the sender begins anew.
    shift: u64,
    picture: Option<u64>,
}

impl CameraLine {
    /// A camera that has sent nothing yet.
    pub fn new(rtc: &Rtc, mid: Mid) -> Self {
        Self {
            mid,
            is_h264: payload_type(rtc, mid, Codec::H264).is_some(),
            requests: RequestBudget::default(),
            sources: Vec::new(),
        }
    }

    /// The layer that packets of this source are of; none for a layer too many and for stragglers of a source that has ended.
    pub fn layer(&mut self, ssrc: Ssrc, rid: Option<Rid>) -> Option<(Layer, &mut Source)> {
        let number = match self.sources.iter().position(|source| source.rid == rid) {
            Some(number) => number,
            None if self.sources.len() < LAYERS_MAX => {
                self.sources.push(Source { rid, ssrc, former: None, newest: None, shift: 0, picture: None });
                self.sources.len() - 1
            }
            None => return None,
        };
        let source = &mut self.sources[number];
        if source.ssrc != ssrc {
            if source.former == Some(ssrc) {
                return None;
            }
            source.begin_anew(ssrc);
        }
        Some((Layer(number as u8), source))
    }

    /// What the sender calls a layer; none for a layer that it does not have.
    pub fn rid(&self, layer: Layer) -> Option<Option<Rid>> {
        self.sources.get(usize::from(layer.0)).map(|source| source.rid)
    }

    /// All its layers' sources.
    pub fn ssrcs(&self) -> impl Iterator<Item = Ssrc> {
        self.sources.iter().map(|source| source.ssrc)
    }
}

impl Source {
    fn begin_anew(&mut self, ssrc: Ssrc) {
        self.former = Some(self.ssrc);
        self.ssrc = ssrc;
        self.shift = self.newest.map_or(0, |newest| newest + VOICE_JUMP_MAX);
        self.picture = None;
    }

    /// Its packet's sequence number, going on where the sender began anew.
    pub fn sequence(&mut self, sequence: u64) -> u64 {
        let shifted = sequence + self.shift;
        self.newest = self.newest.max(Some(shifted));
        shifted
    }

    /// Its picture's number without the wrapping.
    pub fn picture(&mut self, id: Option<PictureId>) -> u64 {
        let Some(id) = id else {
            return 0;
        };
        let extended = id.extend(self.picture);
        self.picture = self.picture.max(Some(extended));
        extended
    }
}

/// A line on which the peer receives a camera.
#[derive(Debug)]
pub struct SlotLine {
    /// In the peer's description.
    pub mid: Mid,
    /// VP8.
    pub pt: Pt,
    /// Under which it is sent.
    pub ssrc: Ssrc,
    /// What is shown there.
    pub slot: Slot,
    /// What the short way out has to know of it.
    pub outlet: Outlet,
    /// Why it is shown as it is.
    pub why: Why,
    /// Bits a second that were granted.
    pub bitrate: u64,
    /// Key frames that the peer may ask for here.
    pub requests: RequestBudget,
}

impl SlotLine {
    /// The line as it was negotiated; none when it has no VP8.
    pub fn new(rtc: &mut Rtc, mid: Mid) -> Option<Self> {
        let pt = payload_type(rtc, mid, Codec::Vp8)?;
        let ssrc = outgoing(rtc, mid)?;
        if let Some(stream) = rtc.direct_api().stream_tx(&ssrc) {
            // A frame goes out in one piece, as one system call, unless the line is narrow; see `Peer::desire`.
            stream.set_unpaced(true);
            stream.set_rtx_cache(RESEND_PACKETS_MAX, RESEND_AGE_MAX, Some(RESEND_SHARE_MAX));
        }
        let outlet = Outlet::new(rtc, mid, pt, ssrc);
        Some(Self {
            mid,
            pt,
            ssrc,
            slot: Slot::default(),
            outlet,
            why: Why::Silent,
            bitrate: 0,
            requests: RequestBudget::default(),
        })
    }
}

fn outgoing(rtc: &mut Rtc, mid: Mid) -> Option<Ssrc> {
    rtc.direct_api().stream_tx_by_mid(mid, None).map(|stream| stream.ssrc())
}

fn payload_type(rtc: &Rtc, mid: Mid, codec: Codec) -> Option<Pt> {
    let media = rtc.media(mid)?;
    let wanted = |pt: &Pt| {
        rtc.codec_config().params().iter().any(|params| params.pt() == *pt && params.spec().codec == codec)
    };
    media.remote_pts().iter().copied().find(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> VoiceLine {
        VoiceLine { mid: "0".into(), pt: 111.into(), outlet: None, numbers: VoiceNumbers::default() }
    }

    #[test]
    fn a_voice_is_numbered_from_low_numbers() {
        let mut line = line();
        assert_eq!(line.renumber(65_535, 100), Some((1000, 100)));
        assert_eq!(line.renumber(1, 2020), Some((1002, 2020)));
        assert_eq!(line.renumber(0, 1060), Some((1001, 1060)));
    }

    #[test]
    fn another_stream_goes_on_where_the_first_ended() {
        let mut line = line();
        assert_eq!(line.renumber(10, 100), Some((1000, 100)));
        assert_eq!(line.renumber(30_000, 77), Some((1001, 1060)));
        assert_eq!(line.renumber(30_001, 77 + 960), Some((1002, 2020)));
    }

    #[test]
    fn a_sender_that_begins_anew_goes_on() {
        let mut camera = CameraLine {
            mid: "1".into(),
            is_h264: false,
            requests: RequestBudget::default(),
            sources: Vec::new(),
        };
        let (layer, source) = camera.layer(1.into(), None).expect("the first layer");
        assert_eq!((layer, source.sequence(70_000)), (Layer(0), 70_000));
        let (layer, source) = camera.layer(2.into(), None).expect("the same layer");
        assert_eq!(layer, Layer(0));
        assert!(70_000 < source.sequence(5));
        assert!(camera.layer(1.into(), None).is_none(), "stragglers are of no use");
    }

    #[test]
    fn a_camera_has_only_so_many_layers() {
        let mut camera = CameraLine {
            mid: "1".into(),
            is_h264: false,
            requests: RequestBudget::default(),
            sources: Vec::new(),
        };
        for number in 0..LAYERS_MAX as u32 {
            let rid = Rid::from(["q", "h", "f"][number as usize]);
            assert!(camera.layer(number.into(), Some(rid)).is_some());
        }
        assert!(camera.layer(9.into(), Some("x".into())).is_none());
    }
}
