//! What is made up for lost packets where the codec cannot: the voice's last period over and over, ever quieter (after Appendix I of
//! ITU-T G.711, without its delay).

/// The highest voice, 400 Hz, and the lowest, 67 Hz, by their periods in quarters of a millisecond.
const LAG_MIN_QUARTERS: usize = 10;
const LAG_MAX_QUARTERS: usize = 60;
/// So much of the sound is compared with what was a period before it.
const COMPARED_MS: usize = 10;
/// What has to be known: the longest period, a quarter of it, and what is compared.
const PAST_MS: usize = 30;
/// Then it begins to fade ...
const HOLD_MS: usize = 10;
/// ... and has faded.
const GONE_MS: usize = 60;
/// The first packet after a loss comes up over what was made up.
const BLEND_MS: usize = 4;

/// One voice's recent past, in samples of its codec's rate.
#[derive(Clone, Debug)]
pub(crate) struct Concealer {
    per_ms: usize,
    past: Vec<i16>,
    /// What is repeated; empty while nothing is made up.
    period: Vec<i16>,
    made: usize,
}

impl Concealer {
    pub fn new(rate: u32) -> Self {
        let per_ms = rate as usize / 1000;
        Self { per_ms, past: vec![0; PAST_MS * per_ms], period: Vec::new(), made: 0 }
    }

    /// Sound that has come. After a loss its beginning is blended with what would have been made up.
    pub fn hear(&mut self, sound: &mut [i16]) {
        if !self.period.is_empty() {
            let blended = BLEND_MS * self.per_ms;
            for (at, sample) in sound.iter_mut().take(blended).enumerate() {
                let made = i32::from(self.next()) * (blended - at) as i32;
                *sample = ((made + i32::from(*sample) * at as i32) / blended as i32) as i16;
            }
            self.period.clear();
        }
        self.remember(sound);
    }

    /// So many samples are missing.
    pub fn make(&mut self, samples: usize) -> Vec<i16> {
        if self.period.is_empty() {
            self.period = self.last_period();
            self.made = 0;
        }
        let sound: Vec<i16> = (0..samples).map(|_| self.next()).collect();
        self.remember(&sound);
        sound
    }

    fn next(&mut self) -> i16 {
        let (hold, gone) = (HOLD_MS * self.per_ms, GONE_MS * self.per_ms);
        let left = gone.saturating_sub(self.made.max(hold)) as i32;
        let sample = i32::from(self.period[self.made % self.period.len()]) * left / (gone - hold) as i32;
        self.made += 1;
        sample as i16
    }

    fn remember(&mut self, sound: &[i16]) {
        let kept = self.past.len();
        self.past.extend_from_slice(sound);
        self.past.drain(..self.past.len() - kept);
    }

    /// The last period, whose end leads into its own beginning.
    fn last_period(&self) -> Vec<i16> {
        let lags = LAG_MIN_QUARTERS * self.per_ms / 4..=LAG_MAX_QUARTERS * self.per_ms / 4;
        let likeness = lags.map(|lag| (lag, self.likeness(lag)));
        let (lag, _) = likeness.max_by(|a, b| a.1.total_cmp(&b.1)).expect("there are lags");
        let start = self.past.len() - lag;
        let mut period = self.past[start..].to_vec();
        let blended = lag / 4;
        for (at, sample) in period[lag - blended..].iter_mut().enumerate() {
            let before = i32::from(self.past[start - blended + at]) * (at + 1) as i32;
            let after = i32::from(*sample) * (blended - at) as i32;
            *sample = ((before + after) / (blended + 1) as i32) as i16;
        }
        period
    }

    /// The normalised correlation of the newest sound with that of `lag` before.
    fn likeness(&self, lag: usize) -> f32 {
        let end = self.past.len();
        let start = end - COMPARED_MS * self.per_ms;
        let (mut both, mut power) = (0.0, 1.0);
        for (now, before) in self.past[start..].iter().zip(&self.past[start - lag..end - lag]) {
            both += f32::from(*now) * f32::from(*before);
            power += f32::from(*before) * f32::from(*before);
        }
        both / power.sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hertz: f64, rate: u32, samples: usize) -> Vec<i16> {
        let turn = hertz / f64::from(rate) * std::f64::consts::TAU;
        (0..samples).map(|at| ((at as f64 * turn).sin() * 10_000.0) as i16).collect()
    }

    fn step_max(sound: &[i16]) -> i32 {
        sound.windows(2).map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs()).max().unwrap_or(0)
    }

    #[test]
    fn a_lost_packet_is_hardly_heard() {
        for rate in [8000, 16_000] {
            for hertz in [90.0, 233.0, 440.0, 1000.0, 2100.0] {
                let frame = rate as usize / 50;
                let whole = tone(hertz, rate, frame * 6);
                let mut concealer = Concealer::new(rate);
                let mut heard = whole[..frame * 3].to_vec();
                concealer.hear(&mut heard);
                heard.extend(concealer.make(frame));
                let mut after = whole[frame * 4..].to_vec();
                concealer.hear(&mut after);
                heard.extend(after);
                assert!(
                    step_max(&heard) <= step_max(&whole) * 14 / 10,
                    "{hertz} at {rate}: {}",
                    step_max(&heard)
                );
                let lost = &heard[frame * 3..frame * 4];
                assert!(lost.iter().any(|sample| 7500 < sample.abs()), "{hertz} at {rate}: it is there");
            }
        }
    }

    #[test]
    fn what_stays_away_fades_and_is_gone() {
        let mut concealer = Concealer::new(8000);
        concealer.hear(&mut tone(300.0, 8000, 800));
        let made = concealer.make(8 * 80);
        let peak = |sound: &[i16]| sound.iter().map(|sample| sample.abs()).max();
        assert!(peak(&made[..80]) > Some(9000) && peak(&made[400..440]) < Some(4000));
        assert!(made[GONE_MS * 8..].iter().all(|sample| *sample == 0));
    }

    #[test]
    fn nothing_follows_from_nothing() {
        let mut concealer = Concealer::new(16_000);
        assert_eq!(concealer.make(320), [0; 320]);
        let mut short = [100; 3];
        concealer.hear(&mut short);
        assert_eq!(concealer.make(20).len(), 20);
    }
}
