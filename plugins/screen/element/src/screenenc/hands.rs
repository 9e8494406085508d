//! The threads that make the pictures of a large update.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use convene_screen::{Crew, Job, Record};

/// Pixels for which one more thread pays: half a block, some milliseconds. One that is started takes less than a tenth of one.
const AREA_MIN: usize = 256 * 512;

/// At most so many threads at once, the caller's among them; the others live as long as the update takes.
#[derive(Debug)]
pub(super) struct Hands {
    pub(super) threads: usize,
}

impl Crew for Hands {
    fn paint(&self, jobs: &[Job<'_>]) -> Vec<Record> {
        let area: usize = jobs.iter().map(Job::area).sum();
        let hands = self.threads.min(jobs.len()).min(area / AREA_MIN);
        if hands < 2 {
            return jobs.iter().map(Job::paint).collect();
        }
        // The longest first, so that all hands are free at about the same time.
        let mut order: Vec<usize> = (0..jobs.len()).collect();
        order.sort_by_key(|&job| std::cmp::Reverse(jobs[job].area()));
        let begun = AtomicUsize::new(0);
        let next = || order.get(begun.fetch_add(1, Ordering::Relaxed)).copied();
        let work = || std::iter::from_fn(next).map(|job| (job, jobs[job].paint())).collect::<Vec<_>>();
        let mut painted = thread::scope(|scope| {
            let others: Vec<_> = (1..hands).map(|_| scope.spawn(work)).collect();
            let mut painted = work();
            for other in others {
                painted.extend(other.join().expect("to paint is to compute, and does not fail"));
            }
            painted
        });
        painted.sort_unstable_by_key(|(job, _)| *job);
        painted.into_iter().map(|(_, record)| record).collect()
    }
}
