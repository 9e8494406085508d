//! Who has the floor: the few who are mixed.
//!
//! Whoever begins to speak is let in at once while there is room, on the level of packets that still wait to be played; so the first
//! syllable is there. Whoever stops keeps the floor through a pause for breath. When all places are taken, a newcomer has to be clearly
//! louder than the quietest for two frames, or one who has it must have fallen silent.

use std::collections::BTreeMap;

use crate::{Level, Seat};

/// People can follow two voices at once and notice a third and fourth; each place costs a decode and an encode a tick.
pub const TALKERS_MAX: usize = 4;
/// Ticks that a talker keeps the floor in silence: 800 ms, longer than a pause between sentences.
pub(crate) const HOLD: u64 = 40;
/// Ticks of silence after which a talker's place may be taken: 200 ms, longer than a pause between words.
const YIELD: u64 = 10;
/// Ticks in which a newcomer has to be loud when all places are taken.
const ATTACK: u32 = 2;
/// Decibels by which a newcomer has to be louder.
const HYSTERESIS: i32 = 6;
/// Loudness is remembered, and falls by so many eighths of a decibel a tick: 12 dB in 250 ms.
const DECAY: i32 = 8;

/// All who have been loud of late.
#[derive(Debug, Default)]
pub(crate) struct Floor {
    standing: BTreeMap<Seat, Standing>,
}

#[derive(Debug)]
struct Standing {
    /// Eighths of dBov.
    loudness: i32,
    loud_at: u64,
    loud_ticks: u32,
    has_floor: bool,
}

impl Floor {
    /// Hears how loud everybody is at this tick, and gives and takes the floor.
    pub fn hear(&mut self, levels: impl Iterator<Item = (Seat, Level)>, tick: u64) {
        for (seat, level) in levels {
            if level.is_speech() {
                let loudness = level.dbov() * 8;
                let standing = self.standing.entry(seat).or_insert(Standing {
                    loudness,
                    loud_at: tick,
                    loud_ticks: 0,
                    has_floor: false,
                });
                standing.loudness = (standing.loudness - DECAY).max(loudness);
                standing.loud_at = tick;
                standing.loud_ticks = standing.loud_ticks.saturating_add(1);
            } else if let Some(standing) = self.standing.get_mut(&seat) {
                standing.loudness -= DECAY;
                standing.loud_ticks = 0;
            }
        }
        self.standing.retain(|_, standing| tick - standing.loud_at <= HOLD);
        let mut newcomers: Vec<(i32, Seat)> = self
            .standing
            .iter()
            .filter(|(_, standing)| !standing.has_floor && standing.loud_at == tick)
            .map(|(seat, standing)| (-standing.loudness, *seat))
            .collect();
        newcomers.sort_unstable();
        for (_, seat) in newcomers {
            self.ask(seat, tick);
        }
    }

    /// Those who are mixed.
    pub fn talkers(&self) -> impl Iterator<Item = Seat> {
        self.standing.iter().filter(|(_, standing)| standing.has_floor).map(|(seat, _)| *seat)
    }

    pub fn has(&self, seat: Seat) -> bool {
        self.standing.get(&seat).is_some_and(|standing| standing.has_floor)
    }

    /// Takes the floor from one who has left or is muted.
    pub fn leave(&mut self, seat: Seat) {
        self.standing.remove(&seat);
    }

    fn ask(&mut self, seat: Seat, tick: u64) {
        if TALKERS_MAX <= self.talkers().count() && !self.make_room(seat, tick) {
            return;
        }
        if let Some(standing) = self.standing.get_mut(&seat) {
            standing.has_floor = true;
        }
    }

    /// Whether somebody could be sent off for `seat`.
    fn make_room(&mut self, seat: Seat, tick: u64) -> bool {
        let Some(newcomer) = self.standing.get(&seat) else {
            return false;
        };
        let (loudness, loud_ticks) = (newcomer.loudness, newcomer.loud_ticks);
        let talkers = self.standing.iter_mut().filter(|(_, standing)| standing.has_floor);
        let weakest = talkers.map(|(_, standing)| standing).min_by_key(|standing| {
            let is_silent = YIELD < tick - standing.loud_at;
            (!is_silent, standing.loudness)
        });
        let Some(weakest) = weakest else {
            return false;
        };
        let is_silent = YIELD < tick - weakest.loud_at;
        let is_louder = weakest.loudness + HYSTERESIS * 8 < loudness && ATTACK <= loud_ticks;
        if is_silent || is_louder {
            weakest.has_floor = false;
        }
        is_silent || is_louder
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: u8 = 70;

    /// One tick, in which each seat from 0 on has this level.
    fn tick(floor: &mut Floor, tick: u64, levels: &[u8]) -> Vec<u32> {
        let levels = levels.iter().enumerate();
        floor.hear(levels.map(|(seat, level)| (Seat(seat as u32), Level::from_rfc6464(*level))), tick);
        floor.talkers().map(|seat| seat.0).collect()
    }

    #[test]
    fn whoever_begins_has_the_floor_at_once_and_keeps_it_through_a_pause() {
        let mut floor = Floor::default();
        assert!(tick(&mut floor, 0, &[QUIET, QUIET]).is_empty());
        assert_eq!(tick(&mut floor, 1, &[QUIET, 30]), [1]);
        for silent in 2..=1 + HOLD {
            assert_eq!(tick(&mut floor, silent, &[QUIET, QUIET]), [1]);
        }
        assert!(tick(&mut floor, 2 + HOLD, &[QUIET, QUIET]).is_empty());
    }

    #[test]
    fn the_loudest_are_chosen() {
        let mut floor = Floor::default();
        assert_eq!(tick(&mut floor, 0, &[50, 20, 30, 45, 25, 40, QUIET]), [1, 2, 4, 5]);
    }

    #[test]
    fn a_full_floor_is_given_up_only_to_somebody_clearly_louder() {
        let mut floor = Floor::default();
        tick(&mut floor, 0, &[30, 30, 30, 35, QUIET]);
        for at in 1..50 {
            assert_eq!(tick(&mut floor, at, &[30, 30, 30, 35, 30]), [0, 1, 2, 3], "5 dB are not enough");
        }
        assert_eq!(tick(&mut floor, 50, &[30, 30, 30, 35, QUIET]), [0, 1, 2, 3]);
        let after: Vec<_> = (51..90).map(|at| tick(&mut floor, at, &[30, 30, 30, 35, 20])).collect();
        assert_eq!(after[0], [0, 1, 2, 3], "one frame may be a door");
        assert_eq!(after[1], [0, 1, 2, 4]);
        assert_eq!(after[38], [0, 1, 2, 4]);
    }

    #[test]
    fn one_who_has_fallen_silent_makes_room() {
        let mut floor = Floor::default();
        tick(&mut floor, 0, &[10, 30, 30, 30, QUIET]);
        for at in 1..=YIELD {
            assert_eq!(tick(&mut floor, at, &[QUIET, 30, 30, 30, 40]), [0, 1, 2, 3]);
        }
        assert_eq!(tick(&mut floor, YIELD + 1, &[QUIET, 30, 30, 30, 40]), [1, 2, 3, 4]);
    }

    #[test]
    fn who_leaves_gives_it_up() {
        let mut floor = Floor::default();
        tick(&mut floor, 0, &[30]);
        floor.leave(Seat(0));
        assert!(!floor.has(Seat(0)));
    }
}
