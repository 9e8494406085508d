//! The way of a stream's bytes from the streaming thread to the spool and the regions. Nothing here knows GStreamer.
//!
//! The streaming thread hands pieces over and waits for nothing but room in a short queue; a task puts them into the spool, block by block, and the
//! uploaders behind that take them to the regions. `unlock()` ends every wait.

mod report;
mod task;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use convene_recordings::BlobName;
use convene_recordings_store::{BlobStore, RecordingWriter, SpoolError, WriterOptions};
use parking_lot::{Condvar, Mutex, MutexGuard};
use tokio::sync::{Notify, watch};

pub use self::report::{RegionState, Report, Stats, Written};
use self::task::Task;
use crate::cutter::Limits;
use crate::gate::{Gate, Unlocked};

/// The streaming thread waits while more than this is on its way to the disk; one piece may always be.
const QUEUE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What is left when the stream is given up gets this long to reach the disk.
const LEAVE_TIME_MAX: Duration = Duration::from_secs(5);

/// What is to be written where.
pub struct Plan {
    /// What the file is called; without a name nothing can be written, only what is in the spool be finished.
    pub blob: Option<BlobName>,
    /// The folder on local disk for what the regions do not have yet.
    pub spool: PathBuf,
    /// The regions, nearest first.
    pub stores: Vec<Arc<dyn BlobStore>>,
    /// When a block is cut.
    pub limits: Limits,
    /// How long and how large things may become.
    pub options: WriterOptions,
    /// How long a full spool or disk may stay full, with no region taking anything, before it is an error.
    pub spool_time: Duration,
    /// How long the end of the stream waits for the regions.
    pub end_time: Duration,
}

/// What the streaming thread hands over.
#[derive(Debug, Clone)]
pub enum Piece {
    /// The stream's next bytes, to be cut into blocks.
    Bytes(Bytes),
    /// A block that is cut already.
    Block(Bytes),
    /// What is to be in the place of block 0 at the end.
    FirstAgain(Bytes),
    /// Bytes that are written over the ones from there on; they must all be in block 0.
    Over {
        /// Where in the stream.
        at: u64,
        /// The bytes.
        bytes: Bytes,
    },
}

/// Why the streaming thread does not wait any longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// It is wanted back.
    Unlocked,
    /// The stream has ended before.
    Ended,
    /// It failed, and that was reported.
    Failed,
}

/// Why a stream cannot be written, or no longer.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The spool or its disk is full and nobody empties it.
    #[error(
        "No region has taken anything for {seconds} s, and {error}. Free some room, bring a region back, or raise spool-bytes-max."
    )]
    Full {
        /// How long it was waited.
        seconds: u64,
        /// What the spool said.
        error: SpoolError,
    },
    /// Bytes that are stored cannot be written over, and there are no holes.
    #[error(
        "Upstream writes the bytes from {start} to {end}, where {next} comes next; only the first {first} can be written over. Let the muxer write a stream, such as webmmux streamable=true."
    )]
    Elsewhere {
        /// Where the bytes begin.
        start: u64,
        /// Where they end.
        end: u64,
        /// The length of the stream so far.
        next: u64,
        /// The length of block 0.
        first: usize,
    },
    /// The spool cannot be used for another reason.
    #[error("The stream cannot be written to the spool: {0}.")]
    Spool(#[from] SpoolError),
}

/// One stream on its way. Dropping it gives the stream up: what came is in the spool, for a later run.
pub struct Writing {
    shared: Arc<Shared>,
}

pub(super) struct Shared {
    state: Mutex<State>,
    /// For the streaming thread: something in `state` changed.
    changed: Condvar,
    /// For the task: there is a piece.
    wake: Notify,
    /// For the task: what is to become of the stream.
    close: watch::Sender<Close>,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Piece>,
    queued_bytes: usize,
    unlocked: bool,
    end: Option<End>,
    stats: Stats,
}

/// How the stream ends, as told to the task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Close {
    No,
    /// In order: the file is finished, and the regions are waited for.
    Finish,
    /// Nobody waits any more; what came goes to the disk.
    Leave,
}

/// How it did end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Finished,
    Left,
    Failed,
}

impl Writing {
    /// Makes room in the spool; the regions are not asked. `report` is called from the background. Behind `gate`, as making room takes the disk a moment.
    pub fn start(
        plan: Plan,
        gate: &Arc<Gate>,
        report: impl Fn(Report) + Send + Sync + 'static,
    ) -> Result<Result<Self, WriteError>, Unlocked> {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
            wake: Notify::new(),
            close: watch::Sender::new(Close::No),
        });
        let task = Arc::clone(&shared);
        gate.wait(async move {
            let writer = match plan.blob.clone() {
                None => None,
                Some(blob) => Some(
                    RecordingWriter::create_named(&plan.spool, blob, plan.stores.clone(), plan.options)
                        .await?,
                ),
            };
            let task = Task::new(plan, writer, Arc::clone(&task), Box::new(report));
            tokio::spawn(task.run());
            Ok(Self { shared })
        })
    }

    /// Hands a piece over; waits while the disk is behind.
    pub fn push(&self, piece: Piece) -> Result<(), Stopped> {
        let bytes = piece.len();
        let fits = |state: &State| state.queue.is_empty() || state.queued_bytes + bytes <= QUEUE_BYTES_MAX;
        let mut state = self.wait_until(fits)?;
        state.queued_bytes += bytes;
        state.queue.push_back(piece);
        drop(state);
        self.shared.wake.notify_one();
        Ok(())
    }

    /// Ends the stream in order and waits until that is reported.
    pub fn finish(&self) -> Result<(), Stopped> {
        self.shared.close_with(Close::Finish);
        match self.wait_until(|_| false).map(drop) {
            Err(Stopped::Ended) => Ok(()),
            other => other,
        }
    }

    /// How far it is.
    pub fn stats(&self) -> Stats {
        self.shared.state.lock().stats.clone()
    }

    /// Ends every wait from now on, until [`Writing::unlock_stop`].
    pub fn unlock(&self) {
        self.shared.state.lock().unlocked = true;
        self.shared.changed.notify_all();
    }

    /// Waits wait again.
    pub fn unlock_stop(&self) {
        self.shared.state.lock().unlocked = false;
    }

    fn wait_until(&self, ready: impl Fn(&State) -> bool) -> Result<MutexGuard<'_, State>, Stopped> {
        let mut state = self.shared.state.lock();
        self.shared.changed.wait_while(&mut state, |state| state.stopped().is_none() && !ready(state));
        match state.stopped() {
            Some(stopped) => Err(stopped),
            None => Ok(state),
        }
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.shared.close_with(Close::Leave);
        let mut state = self.shared.state.lock();
        self.shared.changed.wait_while_for(&mut state, |state| state.end.is_none(), LEAVE_TIME_MAX);
    }
}

impl Shared {
    /// What was said before counts only if it is less.
    fn close_with(&self, close: Close) {
        self.close.send_modify(|before| *before = close.max(*before));
    }

    fn ended(&self, end: End) {
        self.state.lock().end = Some(end);
        self.changed.notify_all();
    }
}

impl State {
    fn stopped(&self) -> Option<Stopped> {
        match self.end {
            Some(End::Failed) => Some(Stopped::Failed),
            Some(End::Finished | End::Left) => Some(Stopped::Ended),
            None => self.unlocked.then_some(Stopped::Unlocked),
        }
    }
}

impl Piece {
    fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) | Self::Block(bytes) | Self::FirstAgain(bytes) | Self::Over { bytes, .. } => {
                bytes.len()
            }
        }
    }
}
