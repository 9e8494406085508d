//! How the next piece of a source's sound is made: from the packet that is due, or without it.

use super::{BELIEVED_MAX, CONCEALED_MAX, GAP_MAX, Pace, Source};
use crate::{
    Decoder, Level,
    buffer::{Body, Next},
    opus::CONCEAL_STEP,
    stretch::{fade_in, fade_out},
    time::FRAME,
};

impl Source {
    /// Makes a piece of sound at the cursor. Without `must`, only from what is there. Returns whether there is more now.
    pub(super) fn make_next(&mut self, must: bool) -> bool {
        let Some(cursor) = self.cursor else {
            return false;
        };
        match self.buffer.next(cursor) {
            Next::Packet => self.make_packet(cursor),
            Next::Rest(_) | Next::Lost(..) | Next::Nothing if !must => return false,
            Next::Rest(gap) if self.pace == Pace::Ours && GAP_MAX < gap => self.cursor = Some(cursor + gap),
            Next::Rest(gap) => self.make_rest(cursor, gap),
            Next::Lost(gap, body) => {
                let copy = match body {
                    Body::Coded(_, packet) if gap <= FRAME as i64 => Some(packet.clone()),
                    _ => None,
                };
                self.make_lost(cursor, gap, copy.as_deref());
            }
            Next::Nothing if self.pace == Pace::Ours => return false,
            Next::Nothing if self.rests => self.make_rest(cursor, FRAME as i64),
            Next::Nothing => self.make_up(cursor),
        }
        true
    }

    fn make_packet(&mut self, cursor: i64) {
        let packet = self.buffer.take().expect("the buffer says that there is one");
        self.solo.iter_mut().for_each(|solo| solo.take(&packet));
        let start = self.sound.len();
        match &packet.body {
            Body::Samples(samples) => self.sound.extend_from_slice(samples),
            Body::Noise => {
                self.rests = true;
                self.make_rest(cursor, (packet.end() - cursor).max(0));
                return;
            }
            Body::Coded(codec, bytes) => {
                let decoder = self.decoder.get_or_insert_with(|| Decoder::new(*codec, self.channels));
                for passed in self.passed.drain(..) {
                    decoder.decode(&passed, &mut self.sound);
                }
                self.sound.truncate(start);
                if decoder.decode(bytes, &mut self.sound).is_none() {
                    // Refused: as good as lost.
                    self.stats.refused += 1;
                    return;
                }
                self.rests = codec.is_rest(bytes);
            }
        }
        self.stats.decoded += 1;
        // A part of it may be late.
        let late = (cursor - packet.timestamp).max(0) as usize * self.channels.count();
        let end = (start + late).min(self.sound.len());
        self.sound.drain(start..end);
        if std::mem::take(&mut self.comes_from_silence) {
            fade_in(&mut self.sound[start..], self.channels.count());
        }
        self.concealed = 0;
        self.cursor = Some(packet.end().max(cursor));
        self.note_level(start);
    }

    /// The sender rests: the decoder goes on with the noise of the room, if it has got any.
    fn make_rest(&mut self, cursor: i64, gap: i64) {
        let samples = gap.min(FRAME as i64) as usize;
        let decoder = self.decoder.as_mut().filter(|_| self.rests && samples == FRAME);
        if decoder.and_then(|decoder| decoder.rest(FRAME, &mut self.sound)).is_some() {
            self.stats.rested += 1;
        } else {
            self.silence(samples);
        }
        self.cursor = Some(cursor + samples as i64);
    }

    fn make_lost(&mut self, cursor: i64, gap: i64, copy: Option<&[u8]>) {
        self.stats.lost += 1;
        let samples = gap.min(FRAME as i64) as usize;
        let whole = samples - samples % CONCEAL_STEP;
        if whole == 0 || CONCEALED_MAX <= self.concealed {
            self.silence(samples);
        } else {
            self.conceal(whole, copy);
            self.silence(samples - whole);
        }
        self.cursor = Some(cursor + samples as i64);
    }

    /// Nothing has come. If more delay is wanted anyway, what is made up now becomes part of it.
    fn make_up(&mut self, cursor: i64) {
        if CONCEALED_MAX <= self.concealed {
            self.silence(FRAME);
        } else {
            self.stats.lost += 1;
            self.conceal(FRAME, None);
            let kept = self.wants.min(FRAME as i64);
            self.wants -= kept;
            self.stats.stretched += kept as u64;
            self.cursor = Some(cursor + FRAME as i64 - kept);
            return;
        }
        self.cursor = Some(cursor + FRAME as i64);
    }

    /// Makes up a piece from what was before, or from the copy that the following packet may hold.
    fn conceal(&mut self, samples: usize, copy: Option<&[u8]>) {
        let start = self.sound.len();
        let made = match (&mut self.decoder, copy) {
            (Some(decoder), Some(copy)) => decoder.decode_lost(copy, samples, &mut self.sound),
            (Some(decoder), None) => decoder.conceal(samples, &mut self.sound),
            (None, _) => None,
        };
        if made.is_none() {
            self.silence(samples);
            return;
        }
        self.stats.concealed += 1;
        self.concealed += samples as i64;
        if CONCEALED_MAX <= self.concealed {
            fade_out(&mut self.sound[start..], self.channels.count());
            self.comes_from_silence = true;
        }
    }

    fn silence(&mut self, samples: usize) {
        if samples != 0 {
            self.sound.resize(self.sound.len() + samples * self.channels.count(), 0);
            self.comes_from_silence = true;
            self.concealed += samples as i64;
        }
    }

    fn note_level(&mut self, start: usize) {
        if !self.tells_level
            && let Some(end) = self.cursor
        {
            let level = Level::of(&self.sound[start..]);
            self.believed = if level.is_speech() { BELIEVED_MAX } else { 0 };
            self.levels.push_back((end, level));
        }
    }
}
