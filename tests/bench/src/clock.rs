//! Real time and processor time: the one place that reads clocks.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, Timespec, clock_gettime};

/// Real time.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time, and here alone")]
pub fn now() -> Instant {
    Instant::now()
}

/// Lets another program get ready.
#[expect(clippy::disallowed_methods, reason = "a program that starts tells nobody when it listens")]
pub fn pause() {
    std::thread::sleep(Duration::from_millis(50));
}

/// Processor time of this process, all threads together.
pub fn own_cpu() -> Duration {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(tv_sec).unwrap_or_default(), u32::try_from(tv_nsec).unwrap_or_default())
}
