//! Who speaks, by the levels that senders put beside their voices (RFC 6464): no sound is decoded for it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::{PeerId, ROOM_PEERS_MAX};

/// Above this a voice counts as speech. Levels are in decibels below full scale; a quiet room is at about -60, speech at -20 to -40.
const SPEECH_DB: f32 = -48.0;
/// Somebody speaks who was above it for so long: a cough or a door is shorter.
const ONSET: Duration = Duration::from_millis(250);
/// Nobody has stopped who pauses for less.
const PAUSE: Duration = Duration::from_millis(900);
/// Who is to pass another in the list has to be so much louder.
const OVERTAKE_DB: f32 = 6.0;
/// The share of a new level in the smoothed one.
const SMOOTHING: f32 = 0.2;
/// Silence.
const FLOOR_DB: f32 = -127.0;
/// A speech that is interrupted for less counts as one.
const BREATH: Duration = Duration::from_millis(200);

/// All voices of a room.
#[derive(Debug, Default)]
pub struct Voices {
    voices: BTreeMap<PeerId, Voice>,
    speaking: Vec<PeerId>,
}

#[derive(Debug)]
struct Voice {
    level: f32,
    /// Since when it is above the threshold, but for breaths.
    loud_since: Option<Instant>,
    loud_at: Option<Instant>,
    spoke_at: Option<Instant>,
}

impl Voices {
    /// A voice has this level now, in decibels, 0 being the loudest. Returns whether those who speak have changed.
    pub fn heard(&mut self, peer: PeerId, level: i8, now: Instant) -> bool {
        if ROOM_PEERS_MAX <= self.voices.len() && !self.voices.contains_key(&peer) {
            return false;
        }
        let voice = self.voices.entry(peer).or_insert(Voice {
            level: FLOOR_DB,
            loud_since: None,
            loud_at: None,
            spoke_at: None,
        });
        let level = f32::from(level).clamp(FLOOR_DB, 0.0);
        // Loudness is felt at once, silence by and by.
        let share = if voice.level < level { SMOOTHING * 2.0 } else { SMOOTHING };
        voice.level += (level - voice.level) * share;
        if voice.level < SPEECH_DB {
            // Who falls silent stops by time; see `review_at`.
            return false;
        }
        if voice.loud_at.is_none_or(|last| BREATH < now.saturating_duration_since(last)) {
            voice.loud_since = Some(now);
        }
        voice.loud_at = Some(now);
        if voice.loud_since.is_some_and(|since| ONSET <= now.saturating_duration_since(since)) {
            voice.spoke_at = Some(now);
        }
        self.review(now)
    }

    /// Somebody has left.
    pub fn left(&mut self, peer: PeerId, now: Instant) -> bool {
        self.voices.remove(&peer);
        self.review(now)
    }

    /// Looks who speaks now. Returns whether that has changed.
    pub fn review(&mut self, now: Instant) -> bool {
        let mut speaking: Vec<PeerId> =
            self.voices.iter().filter(|(_, voice)| voice.speaks(now)).map(|(peer, _)| *peer).collect();
        if speaking.is_empty() && self.speaking.is_empty() {
            return false;
        }
        let level = |peer: &PeerId| self.voices.get(peer).map_or(FLOOR_DB, |voice| voice.level);
        // Whoever was in front stays there unless clearly less loud.
        let standing = |peer: &PeerId| {
            let bonus = if self.speaking.first() == Some(peer) { OVERTAKE_DB } else { 0.0 };
            level(peer) + bonus
        };
        speaking.sort_by(|one, other| standing(other).total_cmp(&standing(one)).then(one.cmp(other)));
        // Behind the first, only who is among them is news, not in which order.
        let is_news = speaking.first() != self.speaking.first()
            || speaking.len() != self.speaking.len()
            || speaking.iter().any(|peer| !self.speaking.contains(peer));
        if is_news {
            self.speaking = speaking;
        }
        is_news
    }

    /// Those who speak, the loudest first.
    pub fn speaking(&self) -> &[PeerId] {
        &self.speaking
    }

    /// When somebody will have stopped if nothing more is heard.
    pub fn review_at(&self) -> Option<Instant> {
        let spoke = self.speaking.iter().filter_map(|peer| self.voices.get(peer)?.spoke_at);
        spoke.min().map(|spoke| spoke + PAUSE)
    }

    /// Greater for those who spoke later; the last-N of a viewer that wishes nothing.
    pub fn recency(&self, peer: PeerId) -> Option<Instant> {
        self.voices.get(&peer)?.spoke_at
    }
}

impl Voice {
    fn speaks(&self, now: Instant) -> bool {
        self.spoke_at.is_some_and(|spoke| now.saturating_duration_since(spoke) < PAUSE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::after;

    const ANN: PeerId = PeerId(1);
    const BOB: PeerId = PeerId(2);

    /// Everybody has a level every 20 ms, from one time to another.
    fn talk(voices: &mut Voices, levels: &[(PeerId, i8)], from: u64, to: u64) {
        for time in (from..to).step_by(20) {
            for (peer, level) in levels {
                voices.heard(*peer, *level, after(time));
            }
        }
    }

    #[test]
    fn a_cough_is_no_speech() {
        let mut voices = Voices::default();
        talk(&mut voices, &[(ANN, -15)], 0, 200);
        assert_eq!(voices.speaking(), []);
        talk(&mut voices, &[(ANN, -100)], 200, 1000);
        assert_eq!(voices.speaking(), []);
    }

    #[test]
    fn speech_is_noticed_and_outlives_a_pause() {
        let mut voices = Voices::default();
        talk(&mut voices, &[(ANN, -25), (BOB, -80)], 0, 500);
        assert_eq!(voices.speaking(), [ANN]);
        talk(&mut voices, &[(ANN, -90)], 500, 1100);
        assert_eq!(voices.speaking(), [ANN]);
        talk(&mut voices, &[(ANN, -90)], 1100, 2000);
        voices.review(after(2000));
        assert_eq!(voices.speaking(), []);
    }

    #[test]
    fn whoever_falls_silent_altogether_stops_by_time() {
        let mut voices = Voices::default();
        talk(&mut voices, &[(ANN, -25)], 0, 500);
        let stops = voices.review_at().expect("somebody speaks");
        assert!(voices.review(stops));
        assert_eq!((voices.speaking(), voices.review_at()), (&[][..], None));
    }

    #[test]
    fn the_loudest_is_overtaken_only_clearly() {
        let mut voices = Voices::default();
        talk(&mut voices, &[(ANN, -30)], 0, 500);
        talk(&mut voices, &[(ANN, -30), (BOB, -27)], 500, 1500);
        assert_eq!(voices.speaking(), [ANN, BOB]);
        talk(&mut voices, &[(ANN, -30), (BOB, -15)], 1500, 2500);
        assert_eq!(voices.speaking(), [BOB, ANN]);
    }

    #[test]
    fn a_room_has_only_so_many_voices() {
        let mut voices = Voices::default();
        for peer in 0..=ROOM_PEERS_MAX as u64 {
            voices.heard(PeerId(peer), -20, after(0));
        }
        assert_eq!(voices.voices.len(), ROOM_PEERS_MAX);
    }
}
