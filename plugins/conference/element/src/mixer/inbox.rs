//! What the mixing thread is told, by the streaming threads of the sinks and by the application.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use convene_conference::{Ear, Pace, Seat, Volume};

use super::form::Form;
use super::{ConferenceMixerSinkPad, ConferenceMixerSrcPad};

/// A live sink that the mixing thread does not get round to keeps so many buffers; more are dropped. A second of 10 ms.
pub const LETTERS_MAX: usize = 100;

/// One thing to know.
#[derive(Debug)]
pub enum Letter {
    Join(ConferenceMixerSinkPad, Pace),
    Leave(Seat),
    Listen(ConferenceMixerSrcPad),
    Unlisten(Ear),
    Sound(Sound),
    End(Seat),
    Flush(Seat),
    Mute(Seat, bool),
    Turn(Ear, Volume),
    Lost(Ear),
    /// Where what this seat brings goes alone, or nowhere any more.
    Solo(Seat, Option<gst::Pad>),
}

/// A buffer that came in.
#[derive(Debug)]
pub struct Sound {
    pub seat: Seat,
    pub form: Form,
    pub buffer: gst::Buffer,
    /// Its running time, where that counts and is known.
    pub time: Option<Duration>,
}

/// Letters with the time of their arrival, and whether the thread may work.
#[derive(Debug, Default)]
pub struct Inbox {
    pub letters: Vec<(Duration, Letter)>,
    /// The thread shall go on.
    pub is_open: bool,
    /// The clock runs.
    pub is_playing: bool,
    /// For each source of our pace: how much of it the conference holds. A source that is not here has sent something since.
    pub held: BTreeMap<Seat, Duration>,
    /// Letters with sound, for each seat.
    pub waiting: BTreeMap<Seat, usize>,
    /// Sinks whose streaming threads shall come home.
    pub flushing: BTreeSet<Seat>,
    /// What the thread sleeps on while a frame is not yet due.
    pub alarm: Option<gst::SingleShotClockId>,
}

impl Inbox {
    /// Returns false when there is no room for more from this seat.
    pub fn put_sound(&mut self, sound: Sound, arrival: Duration) -> bool {
        let waiting = self.waiting.entry(sound.seat).or_default();
        if LETTERS_MAX <= *waiting {
            return false;
        }
        *waiting += 1;
        self.letters.push((arrival, Letter::Sound(sound)));
        true
    }

    pub fn take(&mut self) -> Vec<(Duration, Letter)> {
        self.waiting.clear();
        std::mem::take(&mut self.letters)
    }

    /// A source of our pace may bring more.
    pub fn has_room(&self, seat: Seat, held_max: Duration) -> bool {
        !self.waiting.contains_key(&seat) && self.held.get(&seat).is_none_or(|held| *held <= held_max)
    }
}
