//! Real time and processor time: the one place that reads clocks.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, Timespec, clock_gettime};

/// Real time since a start.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Instant);

impl Clock {
    /// Starts now.
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures real time, and here alone")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Since the start.
    pub fn now(self) -> Duration {
        self.0.elapsed()
    }

    /// Lets real programs go on until then.
    #[expect(clippy::disallowed_methods, reason = "frames are taken at their time")]
    pub fn sleep_until(self, time: Duration) {
        std::thread::sleep(time.saturating_sub(self.now()));
    }
}

/// Processor time of this process, all threads together.
pub fn cpu() -> Duration {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(tv_sec).unwrap_or_default(), u32::try_from(tv_nsec).unwrap_or_default())
}

/// What a call returns, and the processor time it took.
pub fn timed<T>(call: impl FnOnce() -> T) -> (T, Duration) {
    let before = cpu();
    let result = call();
    (result, cpu().saturating_sub(before))
}
