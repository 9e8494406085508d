//! How loud a listener has the mix.

/// How much louder or quieter than it is said, in whole decibels: those who have the same share their stream, so there are not many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Volume(i8);

impl Volume {
    /// As far as it goes either way: a whisper becomes a voice, a shout a murmur.
    pub const DECIBELS_MAX: i8 = 18;

    /// The nearest that there is.
    pub fn of(decibels: i32) -> Self {
        let most = i32::from(Self::DECIBELS_MAX);
        Self(decibels.clamp(-most, most) as i8)
    }

    /// The factor of each sample.
    fn factor(self) -> f32 {
        10_f32.powf(f32::from(self.0) / 20.0)
    }
}

/// Brings a stream from one volume to another within a frame, as a step would click.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gain {
    now: Volume,
    wanted: Volume,
}

impl Gain {
    /// Which has been so from the first.
    pub fn new(volume: Volume) -> Self {
        Self { now: volume, wanted: volume }
    }

    /// From the next frame on.
    pub fn turn(&mut self, volume: Volume) {
        self.wanted = volume;
    }

    /// One frame, which the limiter keeps in bounds afterwards.
    pub fn apply(&mut self, sums: &mut [i32]) {
        let before = std::mem::replace(&mut self.now, self.wanted);
        if (before, self.wanted) == (Volume::default(), Volume::default()) {
            return;
        }
        let (from, to) = (before.factor(), self.wanted.factor());
        let step = (to - from) / sums.len() as f32;
        for (at, sum) in sums.iter_mut().enumerate() {
            *sum = (*sum as f32 * (from + step * (at + 1) as f32)) as i32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_only_so_far() {
        assert_eq!((Volume::of(99), Volume::of(-99)), (Volume(18), Volume(-18)));
        assert_eq!(Volume::of(0), Volume::default());
    }

    #[test]
    fn a_frame_leads_from_one_to_the_other() {
        let mut gain = Gain::new(Volume::default());
        let frame = |gain: &mut Gain| {
            let mut sums = [1000; 100];
            gain.apply(&mut sums);
            (sums[0], sums[99])
        };
        assert_eq!(frame(&mut gain), (1000, 1000));
        gain.turn(Volume::of(6));
        assert_eq!(frame(&mut gain), (1009, 1995), "without a step");
        assert_eq!(frame(&mut gain), (1995, 1995));
        gain.turn(Volume::of(-18));
        frame(&mut gain);
        assert_eq!(frame(&mut gain), (125, 125));
        let mut loudest = [i32::MAX, i32::MIN];
        Gain::new(Volume::of(18)).apply(&mut loudest);
        assert_eq!(loudest, [i32::MAX, i32::MIN], "it does not overflow");
    }
}
