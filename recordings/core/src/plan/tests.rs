//! The plan against a region that is modelled block by block.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::{BACKOFF_MAX, BACKOFF_MIN};

const START: Duration = Duration::ZERO;

/// A region as every store has to behave, and the plan that fills it.
struct Story {
    plan: RegionPlan,
    now: Duration,
    file: Vec<(BlockId, u64)>,
    put: BTreeMap<BlockId, u64>,
    /// What the region was ordered to do, in short.
    orders: String,
}

impl Story {
    fn new() -> Self {
        let (file, put) = (Vec::new(), BTreeMap::new());
        Self { plan: RegionPlan::new(), now: START, file, put, orders: String::new() }
    }

    fn spool(&mut self, numbers: std::ops::Range<u32>) {
        for number in numbers {
            self.plan.handle(Input::Spooled(block(number)), self.now);
        }
    }

    fn finish(&mut self) {
        self.plan.handle(Input::Spooled(Block { id: BlockId::FIRST_AGAIN, bytes: 999 }), self.now);
    }

    /// Carries out one order, or fails it. Says whether there was one.
    fn step(&mut self, works: bool) -> bool {
        let order = self.plan.poll(self.now);
        match order {
            Order::Wait { until: Some(until) } => {
                assert!(self.now < until && until <= self.now + BACKOFF_MAX);
                self.now = until;
                return true;
            }
            Order::Wait { until: None } | Order::Done | Order::GaveUp => return false,
            _ if !works => {
                self.orders.push('x');
                self.plan.handle(Input::Failed { jitter: 0.5 }, self.now);
            }
            Order::Clear => {
                self.orders.push('d');
                (self.file, self.put) = (Vec::new(), BTreeMap::new());
                self.plan.handle(Input::Cleared, self.now);
            }
            Order::List => {
                self.orders.push('l');
                let list = self.list();
                self.plan.handle(Input::Listed(&list), self.now);
            }
            Order::Put(id) => {
                self.orders.push('p');
                let bytes = self.plan.blocks()[id.number() as usize].bytes;
                self.put.insert(id, bytes);
                self.plan.handle(Input::Put(id), self.now);
            }
            Order::Commit(ids) => {
                self.orders.push('c');
                let committed: BTreeMap<_, _> = self.file.iter().copied().collect();
                let bytes = |id: &BlockId| self.put.get(id).or_else(|| committed.get(id)).copied();
                let file: Option<_> = ids.iter().map(|id| Some((*id, bytes(id)?))).collect();
                match file {
                    Some(file) => {
                        self.file = file;
                        self.put.clear();
                        self.plan.handle(Input::Committed, self.now);
                    }
                    // The region forgot a block, and says so.
                    None => self.plan.handle(Input::Failed { jitter: 0.5 }, self.now),
                }
            }
            Order::Verify => {
                self.orders.push('v');
                self.plan.handle(Input::Verified, self.now);
            }
        }
        true
    }

    fn settle(&mut self) {
        for _ in 0..1000 {
            if !self.step(true) {
                return;
            }
        }
        panic!("it never settles: {}", self.orders);
    }

    fn list(&self) -> Vec<BlockInfo> {
        let info = |id: BlockId, bytes, committed| BlockInfo { id, bytes, committed };
        let file = self.file.iter().map(|&(id, bytes)| info(id, bytes, true));
        file.chain(self.put.iter().map(|(&id, &bytes)| info(id, bytes, false))).collect()
    }

    fn numbers(&self) -> Vec<String> {
        self.file.iter().map(|(id, _)| id.to_string()).collect()
    }
}

fn block(number: u32) -> Block {
    Block { id: BlockId::new(number).expect("a small number"), bytes: 100 + u64::from(number) }
}

#[test]
fn blocks_are_put_as_they_come_and_committed_every_few() {
    let mut story = Story::new();
    for number in 0..12 {
        story.spool(number..number + 1);
        story.settle();
    }
    assert_eq!(story.orders, "lppcppppcppppcpp");
    story.finish();
    story.settle();
    assert_eq!(story.orders, "lppcppppcppppcpppcv");
    assert_eq!(story.plan.poll(story.now), Order::Done);
    assert_eq!(story.numbers()[..3], ["00000.1", "00001.0", "00002.0"]);
    assert_eq!(story.file.len(), 12);
}

/// Blocks of another file of the same name have the same ids, and here the same lengths.
#[test]
fn another_file_of_the_same_name_goes_first_and_once() {
    let mut story = Story::new();
    story.plan = RegionPlan::new().replacing();
    story.file = (0..3).map(|number| (block(number).id, block(number).bytes)).collect();
    story.settle();
    assert_eq!((&*story.orders, story.file.len()), ("", 3));
    story.spool(0..3);
    assert!(story.step(false));
    story.settle();
    story.spool(3..4);
    assert!(story.step(false));
    story.finish();
    story.settle();
    assert_eq!(story.orders, "xdlppcpxlppcv");
    assert_eq!(story.numbers(), ["00000.1", "00001.0", "00002.0", "00003.0"]);
}

#[test]
fn the_end_comes_in_one_commit() {
    let mut story = Story::new();
    story.spool(0..40);
    story.finish();
    story.settle();
    assert_eq!(story.orders, format!("l{}cv", "p".repeat(40)));
}

#[test]
fn a_recording_that_was_cut_off_ends_with_block_0_as_it_was() {
    let mut story = Story::new();
    story.spool(0..3);
    story.plan.handle(Input::Ended, START);
    story.settle();
    assert_eq!(story.numbers(), ["00000.0", "00001.0", "00002.0"]);
    assert_eq!(story.plan.poll(story.now), Order::Done);
}

#[test]
fn a_recording_without_blocks_asks_nothing_of_a_region() {
    let mut plan = RegionPlan::new();
    plan.handle(Input::Ended, START);
    assert_eq!(plan.poll(START), Order::Done);
}

#[test]
fn a_restart_puts_only_what_is_missing() {
    let mut story = Story::new();
    story.spool(0..9);
    story.settle();
    assert_eq!((story.file.len(), story.put.len()), (6, 3));
    let mut again = Story { file: story.file.clone(), put: story.put.clone(), ..Story::new() };
    again.put.remove(&block(8).id);
    again.spool(0..10);
    again.plan.handle(Input::Ended, START);
    again.settle();
    assert_eq!(again.orders, "lppcv");
    assert_eq!(again.file.len(), 10);
}

#[test]
fn a_block_of_another_length_is_put_again() {
    let mut story = Story::new();
    story.file = vec![(block(0).id, block(0).bytes), (block(1).id, 7), (block(2).id, block(2).bytes)];
    story.spool(0..3);
    story.plan.handle(Input::Ended, START);
    story.settle();
    assert_eq!(story.orders, "lpcv");
    assert_eq!(story.file[1], (block(1).id, block(1).bytes));
}

#[test]
fn what_does_not_belong_to_the_file_is_taken_out() {
    let mut story = Story::new();
    story.file = [0, 2, 1, 3].map(|number| (block(number).id, block(number).bytes)).to_vec();
    story.spool(0..3);
    story.plan.handle(Input::Ended, START);
    story.settle();
    assert_eq!(story.orders, "lcv");
    assert_eq!(story.numbers(), ["00000.0", "00001.0", "00002.0"]);
}

#[test]
fn failures_are_spaced_and_a_success_ends_them() {
    let mut plan = RegionPlan::new();
    plan.handle(Input::Spooled(block(0)), START);
    let mut now = START;
    for doubled in [1, 2, 4, 8, 16, 32] {
        assert_eq!(plan.poll(now), Order::List);
        plan.handle(Input::Failed { jitter: 1.0 }, now);
        let until = now + BACKOFF_MIN * doubled;
        assert_eq!(plan.poll(now), Order::Wait { until: Some(until) });
        assert!(plan.is_failing());
        now = until;
    }
    plan.handle(Input::Listed(&[]), now);
    assert_eq!(plan.poll(now), Order::Put(block(0).id));
    plan.handle(Input::Put(block(0).id), now);
    assert!(!plan.is_failing());
    plan.handle(Input::Spooled(block(1)), now);
    plan.handle(Input::Failed { jitter: 1.0 }, now);
    assert_eq!(plan.poll(now), Order::Wait { until: Some(now + BACKOFF_MIN) });
}

#[test]
fn a_region_is_given_up_after_so_many_failures_in_a_row() {
    let mut plan = RegionPlan::with_failures_max(2);
    plan.handle(Input::Spooled(block(0)), START);
    plan.handle(Input::Failed { jitter: 0.0 }, START);
    assert!(matches!(plan.poll(START), Order::Wait { until: Some(_) }));
    plan.handle(Input::Failed { jitter: 0.0 }, START);
    assert_eq!(plan.poll(START), Order::GaveUp);
}

#[test]
fn a_region_that_takes_every_block_and_forgets_it_is_given_up() {
    let mut story = Story { plan: RegionPlan::with_failures_max(3), ..Story::new() };
    story.spool(0..3);
    story.plan.handle(Input::Ended, START);
    for _ in 0..100 {
        if matches!(story.plan.poll(story.now), Order::Commit(_)) {
            story.put.clear();
        }
        story.step(true);
    }
    assert_eq!(story.plan.poll(story.now), Order::GaveUp);
    assert_eq!(story.orders, "lpppclpppclpppc");
}

#[test]
fn a_region_that_stays_wrong_is_given_up() {
    let mut story = Story::new();
    story.spool(0..2);
    story.plan.handle(Input::Ended, START);
    for _ in 0..=WRONG_MAX {
        while story.plan.poll(story.now) != Order::Verify {
            assert!(story.step(true));
        }
        story.plan.handle(Input::Wrong(&[block(1).id]), story.now);
    }
    assert_eq!(story.plan.poll(story.now), Order::GaveUp);
    assert_eq!(story.orders, "lppcpcpcpc");
}

#[test]
fn lists_stay_proportional_to_the_file() {
    assert_eq!(commit_interval(0), COMMIT_BLOCKS_MIN);
    assert_eq!(commit_interval(1024), 4);
    assert_eq!(commit_interval(50_000), 195);
}

proptest! {
    /// Whatever fails and whenever the region forgets, the file in the region is at any time the beginning of the
    /// recording, never gets shorter, and is the whole recording in the end.
    #[test]
    fn any_trouble_ends_with_the_whole_file(
        blocks in 1_u32..40,
        finished in any::<bool>(),
        trouble in prop::collection::vec((any::<bool>(), 0_u8..8), 0..120),
    ) {
        let mut story = Story::new();
        let mut spooled = 0;
        let mut longest = 0;
        for (works, dice) in trouble {
            match dice {
                0 => story.put.clear(),
                1..=3 if spooled < blocks => {
                    story.spool(spooled..spooled + 1);
                    spooled += 1;
                }
                _ => { story.step(works); }
            }
            prop_assert!(story.file.iter().enumerate().all(|(at, (id, _))| id.number() as usize == at));
            prop_assert!(longest <= story.file.len());
            longest = story.file.len();
        }
        story.spool(spooled..blocks);
        if finished {
            story.finish();
        } else {
            story.plan.handle(Input::Ended, story.now);
        }
        story.settle();
        prop_assert_eq!(story.plan.poll(story.now), Order::Done);
        prop_assert_eq!(story.file.len(), blocks as usize);
        prop_assert_eq!(story.file[0].0.is_first_again(), finished);
    }
}
