//! The task behind the streaming thread: pieces become blocks in the spool, and what the regions do is reported.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use convene_recordings::CopyState;
use convene_recordings_store::{RecordingWriter, Resumed, SpoolError, WriterProgress, resume_with};
use tokio::task::JoinSet;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep, sleep_until, timeout};

use super::report::{nothing, states};
use super::{Close, End, Piece, Plan, RegionState, Report, Shared, WriteError, Written};
use crate::cutter::Cutter;

/// How often the regions are looked at, and a full spool tried again.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

pub(super) struct Task {
    plan: Plan,
    /// Gone when the stream has ended, and where there is no name to write to.
    writer: Option<RecordingWriter>,
    progress: Option<WriterProgress>,
    shared: Arc<Shared>,
    report: Box<dyn Fn(Report) + Send + Sync>,
    resuming: JoinSet<Vec<Resumed>>,
    start: Instant,
    looks: Interval,
    cutter: Cutter,
    blocks: u32,
    bytes: u64,
    /// Block 0, which comes again at the end.
    first: Option<Bytes>,
    first_again: Option<Bytes>,
    /// The regions as they were last looked at.
    regions: Vec<RegionState>,
}

/// What there is to do.
enum Step {
    Piece(Piece),
    /// The open block is old enough.
    Cut,
    Look,
    Resumed(Vec<Resumed>),
    Finish,
    Leave,
}

/// Why the stream does not go on.
enum Halt {
    Left,
    Failed(WriteError),
}

impl Task {
    pub(super) fn new(
        plan: Plan,
        writer: Option<RecordingWriter>,
        shared: Arc<Shared>,
        report: Box<dyn Fn(Report) + Send + Sync>,
    ) -> Self {
        let mut resuming = JoinSet::new();
        let (spool, stores, patience) = (plan.spool.clone(), plan.stores.clone(), plan.options.patience);
        // Ours is locked, and left alone.
        resuming.spawn(async move { resume_with(&spool, &stores, patience).await });
        let mut looks = interval(LOOK_INTERVAL);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            cutter: Cutter::new(plan.limits),
            plan,
            progress: writer.as_ref().map(RecordingWriter::progress),
            writer,
            shared,
            report,
            resuming,
            start: Instant::now(),
            looks,
            blocks: 0,
            bytes: 0,
            first: None,
            first_again: None,
            regions: Vec::new(),
        }
    }

    pub(super) async fn run(mut self) {
        let end = match self.follow().await {
            Ok(()) => End::Finished,
            Err(Halt::Left) => End::Left,
            Err(Halt::Failed(error)) => {
                // First, so that no streaming thread's error comes before the one that says why.
                (self.report)(Report::Failed(error));
                End::Failed
            }
        };
        let shared = Arc::clone(&self.shared);
        // So that the spool is free for the next one when the streaming thread goes on.
        drop(self);
        shared.ended(end);
    }

    async fn follow(&mut self) -> Result<(), Halt> {
        loop {
            match self.next_step().await {
                Step::Piece(piece) => self.take(piece).await?,
                Step::Cut => self.put_open_block().await?,
                Step::Look => self.look(),
                Step::Resumed(resumed) => self.tell_resumed(resumed),
                Step::Finish => return self.finish().await,
                Step::Leave => return self.leave().await,
            }
        }
    }

    async fn next_step(&mut self) -> Step {
        loop {
            let piece = self.shared.take_piece();
            if let Some(piece) = piece {
                return Step::Piece(piece);
            }
            let mut close = self.shared.close.subscribe();
            match *close.borrow_and_update() {
                Close::No => {}
                Close::Finish => return Step::Finish,
                Close::Leave => return Step::Leave,
            }
            let due = self.cutter.due().map(|due| self.start + due);
            tokio::select! {
                () = self.shared.wake.notified() => {}
                _ = close.changed() => {}
                () = sleep_until(due.unwrap_or(self.start)), if due.is_some() => return Step::Cut,
                _ = self.looks.tick() => return Step::Look,
                Some(Ok(resumed)) = self.resuming.join_next() => return Step::Resumed(resumed),
            }
        }
    }

    async fn take(&mut self, piece: Piece) -> Result<(), Halt> {
        match piece {
            Piece::Bytes(bytes) => {
                for block in self.cutter.push(&bytes, self.start.elapsed()) {
                    self.put(block).await?;
                }
            }
            Piece::Block(bytes) => self.put(bytes).await?,
            Piece::FirstAgain(bytes) => self.first_again = Some(bytes),
            Piece::Over { at, bytes } => self.write_over(at, &bytes).await?,
        }
        Ok(())
    }

    /// Muxers write their header anew at the end. Block 0 comes again then, so that is where it can be done.
    async fn write_over(&mut self, start: u64, bytes: &[u8]) -> Result<(), Halt> {
        if self.first.is_none() {
            self.put_open_block().await?;
        }
        let mut first =
            BytesMut::from(self.first_again.as_ref().or(self.first.as_ref()).map_or(&[][..], |b| b));
        let place =
            usize::try_from(start).ok().and_then(|start| first.get_mut(start..)?.get_mut(..bytes.len()));
        let Some(place) = place else {
            let end = start + bytes.len() as u64;
            let next = self.bytes + self.cutter.open_bytes();
            return Err(Halt::Failed(WriteError::Elsewhere { start, end, next, first: first.len() }));
        };
        place.copy_from_slice(bytes);
        self.first_again = Some(first.freeze());
        Ok(())
    }

    async fn put_open_block(&mut self) -> Result<(), Halt> {
        match self.cutter.cut() {
            Some(block) => self.put(block).await,
            None => Ok(()),
        }
    }

    /// Puts the next block into the spool, and tries again for a while when that is full: the regions empty it.
    async fn put(&mut self, block: Bytes) -> Result<(), Halt> {
        let mut waited = Duration::ZERO;
        let mut taken = self.bytes_taken();
        loop {
            let Some(writer) = &mut self.writer else { return Ok(()) };
            match writer.put(self.blocks, block.clone()).await {
                Ok(()) => break,
                Err(error @ (SpoolError::DiskFull { .. } | SpoolError::Limit { .. })) => {
                    let by_now = self.bytes_taken();
                    if taken < by_now {
                        (taken, waited) = (by_now, Duration::ZERO);
                    }
                    if self.plan.spool_time <= waited {
                        let seconds = self.plan.spool_time.as_secs();
                        return Err(Halt::Failed(WriteError::Full { seconds, error }));
                    }
                }
                Err(error) => return Err(Halt::Failed(error.into())),
            }
            self.look();
            let shared = Arc::clone(&self.shared);
            tokio::select! {
                () = sleep(LOOK_INTERVAL) => waited += LOOK_INTERVAL,
                () = shared.left() => return Err(Halt::Left),
            }
        }
        self.blocks += 1;
        self.bytes += block.len() as u64;
        self.first.get_or_insert(block);
        self.look();
        Ok(())
    }

    /// What the regions have, all together.
    fn bytes_taken(&self) -> u64 {
        self.progress.iter().flat_map(WriterProgress::copies).map(|copy| copy.bytes).sum()
    }

    /// Notes how far the regions are, and tells which one fell behind or is back.
    fn look(&mut self) {
        let Some(progress) = &self.progress else { return };
        let regions = states(progress.copies(), progress.troubles());
        for (at, now) in regions.iter().enumerate() {
            let was_behind = self.regions.get(at).is_some_and(is_behind);
            let region = now.copy.region.clone();
            match (was_behind, &now.reason) {
                (false, Some(reason)) if is_behind(now) => {
                    (self.report)(Report::Behind { region, reason: reason.clone() });
                }
                (true, _) if !is_behind(now) => (self.report)(Report::Back { region }),
                _ => {}
            }
        }
        self.regions = regions;
        let stats = super::Stats { blocks: self.blocks, bytes: self.bytes, regions: self.regions.clone() };
        self.shared.state.lock().stats = stats;
    }

    fn tell_resumed(&self, resumed: Vec<Resumed>) {
        for resumed in resumed.into_iter().filter(|resumed| 0 < resumed.bytes || resumed.problem.is_some()) {
            (self.report)(Report::Resumed(resumed.into()));
        }
    }

    /// The stream ended in order.
    async fn finish(&mut self) -> Result<(), Halt> {
        self.put_open_block().await?;
        let until = Instant::now() + self.plan.end_time;
        let shared = Arc::clone(&self.shared);
        tokio::select! {
            done = self.finish_until(until) => done,
            () = shared.left() => Err(Halt::Left),
        }
    }

    async fn finish_until(&mut self, until: Instant) -> Result<(), Halt> {
        if let (Some(writer), Some(blob)) = (self.writer.take(), self.plan.blob.clone()) {
            let written = match self.first.take() {
                None => {
                    writer.stop(Duration::ZERO).await.map_err(|error| Halt::Failed(error.into()))?;
                    nothing(&blob)
                }
                Some(first) => self.finish_file(writer, first, blob.to_string()).await?,
            };
            (self.report)(Report::Written(written));
        }
        let rest = until.saturating_duration_since(Instant::now());
        if let Ok(Some(Ok(resumed))) = timeout(rest, self.resuming.join_next()).await {
            self.tell_resumed(resumed);
        }
        Ok(())
    }

    async fn finish_file(
        &mut self,
        writer: RecordingWriter,
        first: Bytes,
        blob: String,
    ) -> Result<Written, Halt> {
        let again = self.first_again.take().unwrap_or_else(|| first.clone());
        let bytes = self.bytes - first.len() as u64 + again.len() as u64;
        let end_time = self.plan.end_time;
        self.bytes = bytes;
        let mut finishing = pin!(writer.finish(again, end_time));
        let copies = loop {
            tokio::select! {
                copies = &mut finishing => break copies.map_err(|error| Halt::Failed(error.into()))?,
                _ = self.looks.tick() => self.look(),
            }
        };
        self.look();
        let slow = || format!("it did not have all of it after {} s", end_time.as_secs());
        let regions = copies.into_iter().zip(std::mem::take(&mut self.regions)).map(|(copy, last)| {
            let reason = (copy.state != CopyState::Complete).then(|| last.reason.unwrap_or_else(slow));
            RegionState { copy, reason }
        });
        let regions: Vec<_> = regions.collect();
        self.shared.state.lock().stats.regions.clone_from(&regions);
        Ok(Written { blob, bytes, finished: true, regions, problem: None })
    }

    /// Nobody waits any more: what came goes to the disk, and a later run brings it to the regions.
    async fn leave(&mut self) -> Result<(), Halt> {
        self.put_open_block().await?;
        if let Some(writer) = self.writer.take() {
            writer.stop(Duration::ZERO).await.map_err(|error| Halt::Failed(error.into()))?;
        }
        Err(Halt::Left)
    }
}

impl Shared {
    fn take_piece(&self) -> Option<Piece> {
        let mut state = self.state.lock();
        let piece = state.queue.pop_front()?;
        state.queued_bytes -= piece.len();
        drop(state);
        self.changed.notify_all();
        Some(piece)
    }

    /// Done when nobody waits for the stream any more.
    async fn left(&self) {
        // The sender lives in here.
        let _ = self.close.subscribe().wait_for(|close| *close == Close::Leave).await;
    }
}

fn is_behind(region: &RegionState) -> bool {
    region.copy.state == CopyState::Behind
}
