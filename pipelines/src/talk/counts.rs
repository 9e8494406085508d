//! What the relay and the mixer of a meeting have counted.

use std::collections::BTreeMap;

use gst::prelude::*;

use super::TalkPipeline;

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
        let stats = self.relay.emit_by_name::<gst::Structure>("stats", &[]);
        for peer in structures(&stats, "peers") {
            let name = peer.get::<String>("peer").unwrap_or_default();
            for slot in structures(&peer, "slots") {
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
}

/// What is not there counts nothing.
fn number(structure: &gst::StructureRef, field: &str) -> u64 {
    structure.get(field).unwrap_or(0)
}

fn structures(structure: &gst::StructureRef, field: &str) -> Vec<gst::Structure> {
    let array = structure.get::<gst::Array>(field).map(|array| array.to_vec()).unwrap_or_default();
    array.into_iter().filter_map(|value| value.get().ok()).collect()
}
