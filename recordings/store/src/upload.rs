//! One region's uploader: carries out what its plan orders, until the region has all of it.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use convene_recordings::{
    Block, BlockId, Copy, CopyState, Digest, Input, Order, RegionName, RegionPlan, RegionReport,
};
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::spool::{Entry, Spool, SpoolError};
use crate::verify::{Verdict, verify};
use crate::{BlobStore, StoreError};

/// How long a call to a region may take before the region counts as stalled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For any call.
    pub call: Duration,
    /// A call that moves bytes may take longer, as if the line carried this many a second.
    pub bytes_per_second_min: u64,
}

impl Patience {
    /// For uploading: a slow line is better than none.
    pub const UPLOADING: Self = Self { call: Duration::from_secs(20), bytes_per_second_min: 32 * 1024 };

    /// For reading: somebody waits, and there is another region.
    pub const READING: Self = Self { call: Duration::from_secs(5), bytes_per_second_min: 1024 * 1024 };

    /// How long a call that moves so many bytes may take.
    #[must_use]
    pub fn of(&self, bytes: u64) -> Duration {
        let moving = bytes.saturating_mul(1000) / self.bytes_per_second_min.max(1);
        self.call.saturating_add(Duration::from_millis(moving))
    }
}

/// Gives a region's call the time that its bytes need.
pub(crate) async fn within<T>(
    time: Duration,
    region: &RegionName,
    call: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let slow = || StoreError::Slow { region: region.clone(), seconds: time.as_secs() };
    tokio::time::timeout(time, call).await.unwrap_or_else(|_| Err(slow()))
}

/// How far the spool is, for those who wait for it to grow.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Progress {
    /// Grows with every block.
    pub(crate) blocks: u64,
    /// No block comes any more.
    pub(crate) ended: bool,
}

/// One recording and its regions.
pub(crate) struct Upload {
    // Lock order: 1. regions, 2. spooled.
    pub(crate) blob: String,
    pub(crate) spool: Arc<Spool>,
    pub(crate) stores: Vec<Arc<dyn BlobStore>>,
    pub(crate) patience: Patience,
    regions: Mutex<Vec<Region>>,
    clock: Clock,
    /// When each block came into the spool, from the first one on, and how long the file was with it. None for those of an earlier process.
    spooled: Mutex<Vec<(Duration, u64)>>,
}

/// What is known of one region from outside of its task.
#[derive(Debug, Clone)]
struct Region {
    copy: Copy,
    /// Why it is behind, for as long as it is.
    trouble: Option<String>,
    /// So many of the first blocks are safe there.
    committed: usize,
    put: Put,
}

/// What a region was given.
#[derive(Debug, Clone, Copy, Default)]
struct Put {
    blocks: u64,
    bytes: u64,
    errors: u64,
}

impl Upload {
    pub(crate) fn new(spool: Arc<Spool>, stores: Vec<Arc<dyn BlobStore>>, patience: Patience) -> Self {
        let region = |store: &Arc<dyn BlobStore>| Region {
            copy: Copy { region: store.region().clone(), state: CopyState::Writing, bytes: 0, sha256: None },
            trouble: None,
            committed: 0,
            put: Put::default(),
        };
        let regions = Mutex::new(stores.iter().map(region).collect());
        let blob = spool.job().blob();
        Self { blob, spool, stores, patience, regions, clock: Clock::start(), spooled: Mutex::default() }
    }

    /// A block has come into the spool.
    pub(crate) fn spooled(&self, bytes: u64) {
        let mut spooled = self.spooled.lock();
        let before = spooled.last().map_or(0, |(_, before)| *before);
        spooled.push((self.clock.now(), before + bytes));
    }

    /// How each region follows.
    pub(crate) fn reports(&self) -> Vec<RegionReport> {
        let now = self.clock.now();
        let regions = self.regions.lock();
        let spooled = self.spooled.lock();
        let length = |blocks: usize| {
            blocks.checked_sub(1).and_then(|last| spooled.get(last)).map_or(0, |(_, length)| *length)
        };
        let lag = |region: &Region| {
            spooled.get(region.committed).map_or(0, |(at, _)| millis(now.saturating_sub(*at)))
        };
        let report = |region: &Region| RegionReport {
            region: region.copy.region.clone(),
            blocks: region.put.blocks,
            bytes: region.put.bytes,
            errors: region.put.errors,
            lag_ms: lag(region),
            lag_bytes: length(spooled.len()).saturating_sub(length(region.committed)),
        };
        regions.iter().map(report).collect()
    }

    pub(crate) fn copies(&self) -> Vec<Copy> {
        self.regions.lock().iter().map(|region| region.copy.clone()).collect()
    }

    /// For each region, why its last call failed, if it did.
    pub(crate) fn troubles(&self) -> Vec<Option<String>> {
        self.regions.lock().iter().map(|region| region.trouble.clone()).collect()
    }

    /// Works for one region until it has everything, or has failed too often in a row.
    pub(crate) async fn run(&self, at: usize, failures_max: u32, mut progress: watch::Receiver<Progress>) {
        let clock = &self.clock;
        let mut plan = RegionPlan::with_failures_max(failures_max);
        let mut told = Told::default();
        if self.was_complete(at).await {
            return;
        }
        match self.must_clear(at).await {
            Ok(false) => {}
            Ok(true) => plan = plan.replacing(),
            // To delete a file that is ours, or to build on one that is not, would both be wrong.
            Err(error) => return tracing::error!("{error}"),
        }
        loop {
            let ended = progress.borrow_and_update().ended;
            told.tell(&mut plan, &self.spool, ended, clock.now());
            let order = plan.poll(clock.now());
            self.note(at, &plan);
            match order {
                Order::Done | Order::GaveUp => return,
                Order::Wait { until: None } => {
                    if progress.changed().await.is_err() {
                        return;
                    }
                }
                Order::Wait { until: Some(until) } => tokio::time::sleep_until(clock.at(until)).await,
                order => {
                    if let Err(trouble) = self.carry_out(at, &mut plan, order).await {
                        tracing::warn!("{trouble}");
                        self.failed(at, &trouble);
                        plan.handle(Input::Failed { jitter: rand::random() }, clock.now());
                    }
                }
            }
        }
    }

    async fn carry_out(&self, at: usize, plan: &mut RegionPlan, order: Order) -> Result<(), Trouble> {
        let clock = &self.clock;
        let store = &self.stores[at];
        let call = |bytes| self.patience.of(bytes);
        match order {
            Order::Clear => {
                within(call(0), store.region(), store.delete(&self.blob)).await?;
                let (spool, region) = (Arc::clone(&self.spool), store.region().clone());
                blocking(move || spool.set_cleared(&region)).await?;
                plan.handle(Input::Cleared, clock.now());
            }
            Order::List => {
                let list = within(call(0), store.region(), store.block_list(&self.blob)).await?;
                let file = list.iter().filter(|block| block.committed);
                self.regions.lock()[at].copy.bytes = file.map(|block| block.bytes).sum();
                plan.handle(Input::Listed(&list), clock.now());
            }
            Order::Put(id) => {
                let bytes = self.bytes_of(at, id).await?;
                let time = call(bytes.len() as u64);
                let length = bytes.len() as u64;
                within(time, store.region(), store.put_block(&self.blob, &id, bytes)).await?;
                {
                    let put = &mut self.regions.lock()[at].put;
                    (put.blocks, put.bytes) = (put.blocks + 1, put.bytes + length);
                }
                plan.handle(Input::Put(id), clock.now());
            }
            Order::Commit(ids) => {
                // A list of 50,000 blocks is 2 MB.
                let time = call(64 * ids.len() as u64);
                within(time, store.region(), store.commit(&self.blob, &ids)).await?;
                plan.handle(Input::Committed, clock.now());
                self.committed(at, plan).await?;
            }
            Order::Verify => {
                match verify(store.as_ref(), &self.blob, self.spool.file(), self.patience).await? {
                    Verdict::Whole(digest) => {
                        self.set_complete(at, digest).await;
                        plan.handle(Input::Verified, clock.now());
                    }
                    Verdict::Wrong(ids) => {
                        tracing::warn!("{} blocks read back wrong and are put again", ids.len());
                        plan.handle(Input::Wrong(&ids), clock.now());
                    }
                }
            }
            Order::Wait { .. } | Order::Done | Order::GaveUp => {}
        }
        Ok(())
    }

    /// The region's file has grown; what all regions have need not be held any more.
    async fn committed(&self, at: usize, plan: &RegionPlan) -> Result<(), Trouble> {
        let everywhere = {
            let mut regions = self.regions.lock();
            regions[at].committed = plan.committed_blocks();
            regions[at].copy.bytes = plan.committed_bytes();
            regions.iter().map(|region| region.committed).min().unwrap_or(0)
        };
        let spool = Arc::clone(&self.spool);
        blocking(move || spool.free(everywhere)).await?;
        Ok(())
    }

    fn failed(&self, at: usize, trouble: &Trouble) {
        let region = &mut self.regions.lock()[at];
        region.put.errors += 1;
        region.trouble = Some(trouble.to_string());
    }

    fn note(&self, at: usize, plan: &RegionPlan) {
        let region = &mut self.regions.lock()[at];
        if !plan.is_failing() {
            region.trouble = None;
        }
        if region.copy.state != CopyState::Complete {
            region.copy.state = if plan.is_failing() { CopyState::Behind } else { CopyState::Writing };
        }
    }

    fn complete(&self, at: usize, digest: Digest) {
        let bytes = self.spool.file().iter().map(|entry| entry.block.bytes).sum();
        let copy = &mut self.regions.lock()[at].copy;
        *copy = Copy { state: CopyState::Complete, bytes, sha256: Some(digest), ..copy.clone() };
    }

    async fn set_complete(&self, at: usize, digest: Digest) {
        self.complete(at, digest);
        let (spool, region) = (Arc::clone(&self.spool), self.stores[at].region().clone());
        if let Err(error) = blocking(move || spool.set_complete(&region, digest)).await {
            // It will be read back once more, if this is not the last region.
            tracing::warn!("{error}");
        }
    }

    /// Whether an earlier process had found the region to have everything.
    async fn was_complete(&self, at: usize) -> bool {
        let (spool, region) = (Arc::clone(&self.spool), self.stores[at].region().clone());
        match blocking(move || spool.complete(&region)).await {
            Ok(Some(digest)) => {
                self.complete(at, digest);
                true
            }
            _ => false,
        }
    }

    async fn must_clear(&self, at: usize) -> Result<bool, SpoolError> {
        let (spool, region) = (Arc::clone(&self.spool), self.stores[at].region().clone());
        blocking(move || spool.must_clear(&region)).await
    }

    /// From the spool; else from another region that has the block in its file. Either way they are what was put.
    async fn bytes_of(&self, at: usize, id: BlockId) -> Result<Bytes, Trouble> {
        let entry = self.spool.entry(id).ok_or(Trouble::Lost(id))?;
        let spool = Arc::clone(&self.spool);
        if let Some(bytes) = blocking(move || spool.read(&entry)).await? {
            return Ok(bytes);
        }
        for (other, store) in self.stores.iter().enumerate() {
            if other == at {
                continue;
            }
            match self.read_block(store.as_ref(), &entry).await {
                Ok(Some(bytes)) => return Ok(bytes),
                Ok(None) => {}
                Err(error) => tracing::warn!("{error}"),
            }
        }
        Err(Trouble::Lost(id))
    }

    async fn read_block(&self, store: &dyn BlobStore, entry: &Entry) -> Result<Option<Bytes>, StoreError> {
        let list = within(self.patience.of(0), store.region(), store.block_list(&self.blob)).await?;
        let mut start = 0;
        for info in list.iter().filter(|info| info.committed) {
            if (Block { id: info.id, bytes: info.bytes }) == entry.block {
                let read = store.read_range(&self.blob, start..start + info.bytes);
                let bytes = within(self.patience.of(info.bytes), store.region(), read).await?;
                return Ok((crate::spool::digest(&bytes) == entry.digest).then_some(bytes));
            }
            start += info.bytes;
        }
        Ok(None)
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// What a plan has been told of the spool.
#[derive(Default)]
struct Told {
    blocks: usize,
    again: bool,
    ended: bool,
}

impl Told {
    fn tell(&mut self, plan: &mut RegionPlan, spool: &Spool, ended: bool, now: Duration) {
        let (entries, again) = spool.entries_from(self.blocks);
        self.blocks += entries.len();
        for entry in entries {
            plan.handle(Input::Spooled(entry.block), now);
        }
        if let Some(again) = again.filter(|_| !self.again) {
            self.again = true;
            plan.handle(Input::Spooled(again.block), now);
        }
        if ended && !self.ended {
            self.ended = true;
            plan.handle(Input::Ended, now);
        }
    }
}

/// Why an order could not be carried out.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Spool(#[from] SpoolError),
    #[error("block {0} is neither in the spool nor in another region just now")]
    Lost(BlockId),
}

/// Does what waits for the disk where it keeps nobody else waiting.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // The runtime is going down, and this task with it.
        Err(_) => std::future::pending().await,
    }
}
