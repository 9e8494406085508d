//! What the relay and the mixer of a meeting have counted.

use std::collections::BTreeMap;
use std::time::Duration;

use gst::prelude::*;

use super::{TalkPipeline, person_of};

/// Of one meeting, since its talk began. Numbers of those who have left are not among them any more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TalkCounts {
    /// Video packets sent into each slot of each peer, by a name that is the slot's alone while it is there.
    pub slot_packets: BTreeMap<String, u64>,
    /// Bits a second that are granted to all slots together.
    pub granted_bits: u64,
    /// Frames of 20 ms that were mixed.
    pub frames: u64,
    /// What came from each person who has a voice. Whoever begins anew counts from 0 again.
    pub voices: BTreeMap<u32, VoiceCounts>,
    /// How each camera is seen by each viewer.
    pub sights: Vec<Sight>,
}

/// How one camera is seen by one viewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sight {
    /// Who sees it.
    pub viewer: u32,
    /// Whose it is.
    pub person: u32,
    /// Which of its encodings is sent, 0 being the first that it has sent; none while it is paused, or has not begun.
    pub layer: Option<u8>,
    /// Why.
    pub why: SightReason,
}

/// Why a camera is seen as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SightReason {
    /// It is as high as it is shown.
    AsShown,
    /// It is the best that the camera sends.
    BestThereIs,
    /// The viewer's line carries no more.
    Bandwidth,
    /// The camera sends nothing.
    Silent,
}

impl SightReason {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::AsShown, Self::BestThereIs, Self::Bandwidth, Self::Silent];

    /// As the relay and the metrics say it.
    pub fn word(self) -> &'static str {
        match self {
            Self::AsShown => "as-shown",
            Self::BestThereIs => "best-there-is",
            Self::Bandwidth => "bandwidth",
            Self::Silent => "silent",
        }
    }
}

/// Of one voice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct VoiceCounts {
    /// Packets that should have come, by their numbers.
    pub expected: u64,
    /// Of these, those that have not.
    pub missing: u64,
    /// Packets that came after they were due.
    pub late: u64,
    /// Packets that came in time and were decoded.
    pub decoded: u64,
    /// Frames of 20 ms that went into the mix.
    pub played: u64,
    /// Frames that were missing when they were due.
    pub lost: u64,
    /// Of these, those that were made up.
    pub concealed: u64,
    /// How unevenly packets come (RFC 3550, section 6.4.1).
    pub jitter: Duration,
    /// The sound in a packet.
    pub packet: Duration,
    /// How long it waits until it is mixed, the wait for the mix's tick among it.
    pub buffer: Duration,
    /// To the participant and back, where RTCP tells.
    pub round_trip: Option<Duration>,
    /// How loud it is at the moment, in dBov: 0 is full scale, -127 silence.
    pub level: i32,
}

impl VoiceCounts {
    /// About how long it takes from the mouth to what leaves the mixer: the time in which the sender fills a packet, half of the round trip where it is
    /// known, and the wait until it is mixed. The listener's own line and buffer come on top; of devices nobody knows.
    #[must_use]
    pub fn mouth_to_ear(&self) -> Duration {
        self.packet + self.round_trip.unwrap_or_default() / 2 + self.buffer
    }
}

impl TalkPipeline {
    /// Asks the elements. It takes their locks, so call it where waiting is allowed.
    pub fn counts(&self) -> TalkCounts {
        let mut counts = TalkCounts::default();
        let mut trips = self.telephone.as_ref().map(|telephone| telephone.round_trips()).unwrap_or_default();
        for peer in self.peers() {
            let name = peer.get::<String>("peer").unwrap_or_default();
            for slot in structures(&peer, "slots") {
                counts.sights.extend(sight(&name, &slot));
                let mid = slot.get::<String>("mid").unwrap_or_default();
                counts.granted_bits += number(&slot, "bitrate");
                counts.slot_packets.insert(format!("{name} {mid}"), number(&slot, "packets"));
            }
            if let (Some(person), Ok(trip)) = (person_of(&name), peer.get("round-trip-ms")) {
                trips.insert(person, milliseconds(trip));
            }
        }
        counts.frames = number(&self.mixer.property::<gst::Structure>("stats"), "ticks");
        for pad in self.mixer.sink_pads() {
            let Some(person) = pad.name().strip_prefix("sink_").and_then(|number| number.parse().ok()) else {
                continue;
            };
            let voice = voice(&pad.property("stats"), trips.get(&person).copied());
            counts.voices.insert(person, voice);
        }
        counts
    }

    /// How each camera is seen by each viewer. It waits for the relay's threads.
    pub fn sights(&self) -> Vec<Sight> {
        if self.people.lock().feeds.is_empty() {
            return Vec::new();
        }
        let peers = self.peers().into_iter();
        let sights = peers.flat_map(|peer| {
            let name = peer.get::<String>("peer").unwrap_or_default();
            structures(&peer, "slots").into_iter().filter_map(move |slot| sight(&name, &slot))
        });
        sights.collect()
    }

    fn peers(&self) -> Vec<gst::Structure> {
        structures(&self.relay.emit_by_name::<gst::Structure>("stats", &[]), "peers")
    }
}

/// Nothing for an empty slot, nor while another size is on its way: what is said of it is not so yet.
fn sight(viewer: &str, slot: &gst::StructureRef) -> Option<Sight> {
    let word = slot.get::<&str>("why").ok()?;
    if slot.get::<i32>("layer").ok()? != slot.get::<i32>("wanted-layer").ok()? {
        return None;
    }
    Some(Sight {
        viewer: person_of(viewer)?,
        person: person_of(slot.get("feed").ok()?)?,
        layer: slot.get::<i32>("layer").ok().and_then(|layer| layer.try_into().ok()),
        why: SightReason::ALL.into_iter().find(|why| why.word() == word)?,
    })
}

fn voice(stats: &gst::Structure, round_trip: Option<Duration>) -> VoiceCounts {
    let count = |field| number(stats, field);
    let time = |field| milliseconds(stats.get(field).unwrap_or(0.0));
    VoiceCounts {
        expected: count("expected"),
        missing: count("missing"),
        late: count("late"),
        decoded: count("decoded"),
        played: count("played"),
        lost: count("lost"),
        concealed: count("concealed"),
        jitter: time("jitter-ms"),
        packet: time("packet-ms"),
        buffer: Duration::from_millis(count("delay-ms")),
        round_trip,
        level: stats.get("level").unwrap_or(-127),
    }
}

/// What an element tells as such.
pub(crate) fn milliseconds(milliseconds: f64) -> Duration {
    Duration::try_from_secs_f64(milliseconds / 1000.0).unwrap_or_default()
}

/// What is not there counts nothing.
fn number(structure: &gst::StructureRef, field: &str) -> u64 {
    structure.get(field).unwrap_or(0)
}

pub(crate) fn structures(structure: &gst::StructureRef, field: &str) -> Vec<gst::Structure> {
    let array = structure.get::<gst::Array>(field).map(|array| array.to_vec()).unwrap_or_default();
    array.into_iter().filter_map(|value| value.get().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mouth_is_heard_after_the_packet_half_the_way_and_the_buffer() {
        let millis = Duration::from_millis;
        let voice = VoiceCounts { packet: millis(20), buffer: millis(45), ..VoiceCounts::default() };
        assert_eq!(voice.mouth_to_ear(), millis(65), "of the way nothing is known");
        assert_eq!(VoiceCounts { round_trip: Some(millis(80)), ..voice }.mouth_to_ear(), millis(105));
    }
}
