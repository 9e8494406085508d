//! What relay and mixer did since they were last asked.

use convene_domain::{ParticipantId, SoundFigures};
use convene_pipelines::{Sight, TalkCounts, VoiceCounts};

use super::Talk;
use crate::blocking::blocking;

/// What has come since the last count; what is granted is what is granted now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TalkDelta {
    pub(crate) packets: u64,
    pub(crate) granted_bits: u64,
    pub(crate) frames: u64,
    pub(crate) voices: VoiceCounts,
    pub(crate) sights: Vec<Sight>,
}

impl Talk {
    /// Nothing while there is no talk. What somebody did between the last count and their leaving is not counted.
    pub(crate) async fn count(&mut self) -> Option<TalkDelta> {
        let pipeline = self.running.as_ref()?.pipeline.clone();
        let counts = blocking(move || pipeline.counts()).await;
        let before = std::mem::replace(&mut self.counted, counts);
        Some(since(&before, &self.counted))
    }
}

impl Talk {
    /// What came of each voice since this was asked last; of those of whom nothing did, nothing.
    pub(crate) async fn sound(&mut self) -> Vec<(ParticipantId, SoundFigures)> {
        let Some(running) = &self.running else { return Vec::new() };
        let pipeline = running.pipeline.clone();
        let voices = blocking(move || pipeline.counts()).await.voices;
        let before = std::mem::replace(&mut self.voices, voices);
        let figures = |(person, now): (&u32, &VoiceCounts)| {
            let before = before.get(person).copied().unwrap_or_default();
            (ParticipantId(*person), figures(&before, now))
        };
        self.voices.iter().map(figures).filter(|(_, figures)| figures.expected != 0).collect()
    }
}

fn figures(before: &VoiceCounts, now: &VoiceCounts) -> SoundFigures {
    let more = |of: fn(&VoiceCounts) -> u64| more(of(before), of(now));
    SoundFigures {
        expected: more(|voice| voice.expected),
        // What was missing may have come meanwhile.
        missing: now.missing.saturating_sub(before.missing),
        late: more(|voice| voice.late),
        played: more(|voice| voice.played),
        concealed: more(|voice| voice.concealed),
        jitter: now.jitter,
        buffer: now.buffer,
        round_trip: now.round_trip,
        mouth_to_ear: now.mouth_to_ear(),
        level: now.level,
    }
}

fn since(before: &TalkCounts, now: &TalkCounts) -> TalkDelta {
    let packets = now
        .slot_packets
        .iter()
        .map(|(slot, &packets)| more(before.slot_packets.get(slot).copied().unwrap_or(0), packets));
    let mut voices = VoiceCounts::default();
    for (voice, now) in &now.voices {
        let before = before.voices.get(voice).copied().unwrap_or_default();
        voices.decoded += more(before.decoded, now.decoded);
        voices.late += more(before.late, now.late);
        voices.lost += more(before.lost, now.lost);
    }
    TalkDelta {
        packets: packets.sum(),
        granted_bits: now.granted_bits,
        frames: more(before.frames, now.frames),
        voices,
        sights: now.sights.clone(),
    }
}

/// A talk that was started anew counts from 0 again.
fn more(before: u64, now: u64) -> u64 {
    now.checked_sub(before).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_leaves_or_begins_anew_takes_nothing_away() {
        let counts = |packets: &[(&str, u64)], frames| TalkCounts {
            slot_packets: packets.iter().map(|(slot, packets)| ((*slot).to_owned(), *packets)).collect(),
            frames,
            ..TalkCounts::default()
        };
        let before = counts(&[("ann 0", 100), ("bob 0", 50)], 1000);
        let delta = since(&before, &counts(&[("ann 0", 130), ("cem 0", 7)], 1050));
        assert_eq!((delta.packets, delta.frames), (37, 50));
        let delta = since(&before, &counts(&[("ann 0", 5)], 20));
        assert_eq!((delta.packets, delta.frames), (5, 20));
    }
}
