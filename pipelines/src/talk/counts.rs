//! What the relay and the mixer of a meeting have counted.

use std::collections::BTreeMap;

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
    /// What came from each voice, by a name that is the voice's alone while it is there.
    pub voices: BTreeMap<String, VoiceCounts>,
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

/// Frames of one voice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct VoiceCounts {
    /// That came in time and were decoded.
    pub decoded: u64,
    /// That were missing when they were due.
    pub lost: u64,
    /// That came after they were due.
    pub late: u64,
}

impl TalkPipeline {
    /// Asks the elements. It takes their locks, so call it where waiting is allowed.
    pub fn counts(&self) -> TalkCounts {
        let mut counts = TalkCounts::default();
        for peer in self.peers() {
            let name = peer.get::<String>("peer").unwrap_or_default();
            for slot in structures(&peer, "slots") {
                counts.sights.extend(sight(&name, &slot));
                let mid = slot.get::<String>("mid").unwrap_or_default();
                counts.granted_bits += number(&slot, "bitrate");
                counts.slot_packets.insert(format!("{name} {mid}"), number(&slot, "packets"));
            }
        }
        counts.frames = number(&self.mixer.property::<gst::Structure>("stats"), "ticks");
        for pad in self.mixer.sink_pads() {
            let stats = pad.property::<gst::Structure>("stats");
            let [decoded, lost, late] = ["decoded", "lost", "late"].map(|field| number(&stats, field));
            counts.voices.insert(pad.name().into(), VoiceCounts { decoded, lost, late });
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

/// Nothing for an empty slot.
fn sight(viewer: &str, slot: &gst::StructureRef) -> Option<Sight> {
    let word = slot.get::<&str>("why").ok()?;
    Some(Sight {
        viewer: person_of(viewer)?,
        person: person_of(slot.get("feed").ok()?)?,
        layer: slot.get::<i32>("layer").ok().and_then(|layer| layer.try_into().ok()),
        why: SightReason::ALL.into_iter().find(|why| why.word() == word)?,
    })
}

/// What is not there counts nothing.
fn number(structure: &gst::StructureRef, field: &str) -> u64 {
    structure.get(field).unwrap_or(0)
}

fn structures(structure: &gst::StructureRef, field: &str) -> Vec<gst::Structure> {
    let array = structure.get::<gst::Array>(field).map(|array| array.to_vec()).unwrap_or_default();
    array.into_iter().filter_map(|value| value.get().ok()).collect()
}
