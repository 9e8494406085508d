//! One tick: choose, sum, encode, deliver.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::{
    Conference, Ear, Output, Seat,
    conference::{Member, convert},
    listener::{AGREED, Hearing, Listener},
    opus::Channels,
    stream::{Format, Made, Stream},
    stretch::{fade_in, fade_out},
    time::{FRAME, TICK, samples},
};

/// Who speaks is told at least this often while somebody does: five times a second.
const TELL_EVERY: u64 = 10;

/// The mix has two channels for so long after the last who had: five seconds.
const STEREO_KEPT: u64 = 250;

/// What everybody says at this tick.
struct Sums {
    all: Vec<i32>,
    /// What each of those who are heard has added.
    of: BTreeMap<Seat, Vec<i16>>,
}

impl Sums {
    fn without(&self, seat: Seat) -> Vec<i32> {
        let own = self.of.get(&seat).into_iter().flatten();
        let mut sums = self.all.clone();
        sums.iter_mut().zip(own).for_each(|(sum, own)| *sum -= i32::from(*own));
        sums
    }
}

impl Conference {
    pub(crate) fn tick(&mut self, at: Duration) {
        let number = (at.as_nanos() / TICK.as_nanos()) as u64;
        let now = samples(at);
        let levels = self.sources.iter_mut().filter(|(_, member)| !member.is_muted).map(|(seat, member)| {
            member.level = member.source.level();
            (*seat, member.level)
        });
        self.floor.hear(levels, number);
        self.follow_channels(number);
        self.listeners.values_mut().for_each(|listener| listener.review(at));
        let sums = self.sum(now);
        self.give_solos(now);
        self.stats.ticks += 1;
        self.deliver(&sums, at);
        self.tell(number);
    }

    /// Two channels while somebody has two, and a while longer, as they may be back at once. All who hear move to other streams then.
    fn follow_channels(&mut self, number: u64) {
        let Some(until) = &mut self.stereo_until else {
            return;
        };
        let is_stereo = |member: &Member| member.source.channels() == Channels::Stereo && !member.is_muted;
        if self.sources.values().any(is_stereo) {
            *until = number + STEREO_KEPT;
        }
        let channels = if number < *until { Channels::Stereo } else { Channels::Mono };
        if std::mem::replace(&mut self.channels, channels) != channels {
            self.listeners.values_mut().for_each(|listener| listener.follow(channels));
        }
    }

    fn sum(&mut self, now: i64) -> Sums {
        let channels = self.channels;
        let mut sums = Sums { all: vec![0; FRAME * channels.count()], of: BTreeMap::new() };
        let mut frame = Vec::new();
        let add = |frame: &[i16], all: &mut [i32]| {
            all.iter_mut().zip(frame).for_each(|(sum, sample)| *sum += i32::from(*sample));
        };
        for (seat, member) in &mut self.sources {
            let has_floor = self.floor.has(*seat);
            if !member.play(has_floor, now, &mut frame) {
                continue;
            }
            if frame.iter().any(|sample| *sample != 0) {
                let frame = convert(&frame, member.source.channels(), channels);
                add(&frame, &mut sums.all);
                sums.of.insert(*seat, frame);
            }
        }
        for mut source in self.leaving.drain(..) {
            let before = source.decodes();
            let count = source.channels().count();
            frame.resize(FRAME * count, 0);
            source.play(now, &mut frame);
            self.stats.decodes += source.decodes() - before;
            fade_out(&mut frame, count);
            add(&convert(&frame, source.channels(), channels), &mut sums.all);
        }
        sums
    }

    fn give_solos(&mut self, now: i64) {
        for (seat, member) in &mut self.sources {
            for piece in member.source.solo(!member.is_muted, self.settings, now) {
                self.outputs.push_back(Output::Solo { of: *seat, piece });
            }
        }
    }

    fn deliver(&mut self, sums: &Sums, at: Duration) {
        let independent = self.place_listeners(sums);
        let mut made: BTreeMap<Format, Made> = BTreeMap::new();
        for (format, stream) in &mut self.shared {
            let (frame, encoded) = stream.make(&sums.all, self.channels, independent.contains(format));
            self.stats.encodes += u64::from(encoded);
            made.insert(*format, frame);
        }
        for (ear, listener) in &mut self.listeners {
            let format = listener.format();
            let own;
            let frame = match (&mut listener.hearing, ear) {
                (Hearing::Own(stream, _), Ear::Of(seat)) => {
                    let (frame, encoded) = stream.make(&sums.without(*seat), self.channels, false);
                    self.stats.encodes += u64::from(encoded);
                    own = frame;
                    &own
                }
                _ => made.get(&format).expect("a listener's format has a stream"),
            };
            if let Some(output) = listener.deliver(*ear, frame, at) {
                self.stats.outputs += 1;
                self.outputs.push_back(output);
            }
        }
    }

    /// Decides who hears the stream of all and who his own. Returns the formats in which somebody has come to the stream of all.
    fn place_listeners(&mut self, sums: &Sums) -> BTreeSet<Format> {
        let mut independent = BTreeSet::new();
        let mut used = BTreeSet::new();
        for (ear, listener) in &mut self.listeners {
            let format = listener.format();
            let speaks = matches!(ear, Ear::Of(seat) if sums.of.contains_key(seat));
            let shared = self.shared.get(&format);
            match &mut listener.hearing {
                Hearing::Shared if speaks => {
                    let stream = shared.cloned().unwrap_or_else(|| Stream::new(format, self.settings));
                    listener.hearing = Hearing::Own(stream, 0);
                }
                Hearing::Own(_, agreed) if speaks => *agreed = 0,
                Hearing::Own(stream, agreed) => {
                    *agreed += 1;
                    let both_rest = stream.is_resting() && shared.is_none_or(Stream::is_resting);
                    if AGREED <= *agreed || both_rest {
                        let Hearing::Own(stream, _) =
                            std::mem::replace(&mut listener.hearing, Hearing::Shared)
                        else {
                            unreachable!("the listener had a stream of its own");
                        };
                        // The stream of all may have no listener left: then this one becomes it.
                        if shared.is_none() {
                            self.shared.insert(format, stream);
                        } else {
                            independent.insert(format);
                        }
                    }
                }
                Hearing::Shared => {}
            }
            if std::mem::take(&mut listener.is_new) {
                independent.insert(format);
            }
            if matches!(listener.hearing, Hearing::Shared) {
                used.insert(format);
            }
        }
        self.shared.retain(|format, _| used.contains(format));
        for format in used {
            self.shared.entry(format).or_insert_with(|| Stream::new(format, self.settings));
        }
        independent
    }

    fn tell(&mut self, number: u64) {
        let mut talkers: Vec<_> = self
            .floor
            .talkers()
            .filter_map(|seat| self.sources.get(&seat).map(|member| (seat, member.level)))
            .collect();
        let seats: Vec<Seat> = talkers.iter().map(|(seat, _)| *seat).collect();
        if seats != self.told || (!seats.is_empty() && number.is_multiple_of(TELL_EVERY)) {
            talkers.sort_by_key(|(_, level)| -level.dbov());
            self.told = seats;
            self.outputs.push_back(Output::Talkers(talkers));
        }
    }
}

impl Member {
    /// Puts the member's next frame into `frame`, if it is heard: it comes up when it gets the floor, and goes down when it loses it.
    fn play(&mut self, has_floor: bool, now: i64, frame: &mut Vec<i16>) -> bool {
        let was_heard = std::mem::replace(&mut self.is_heard, has_floor);
        if !has_floor && !was_heard {
            self.source.pass_over(now);
            return false;
        }
        let channels = self.source.channels().count();
        frame.resize(FRAME * channels, 0);
        self.source.play(now, frame);
        match (was_heard, has_floor) {
            (false, true) => fade_in(frame, channels),
            (true, false) => fade_out(frame, channels),
            _ => {}
        }
        true
    }
}

impl Listener {
    /// It needs no frames while there is nothing to hear, and has heard the last of it.
    pub(crate) fn is_at_rest(&self) -> bool {
        let is_resting = match &self.hearing {
            Hearing::Shared => true,
            Hearing::Own(stream, _) => stream.is_resting(),
        };
        is_resting && !self.delivery.is_continuous()
    }
}
