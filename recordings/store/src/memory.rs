//! A region in this process: the definition of what a store does, and the one that tests can make fail.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use convene_recordings::{BlockId, BlockInfo, RegionName};
use parking_lot::Mutex;

use crate::store::check_name;
use crate::{BlobStore, StoreError};

/// A region in memory. Clones are the same region.
#[derive(Debug, Clone)]
pub struct MemoryStore {
    region: RegionName,
    state: Arc<Mutex<State>>,
}

/// How a [`MemoryStore`] behaves from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Weather {
    /// It works.
    #[default]
    Fine,
    /// So many calls still work, then every one fails, like a region that was lost.
    AwayAfter(u64),
    /// Every call takes effect and none is answered, like a line that was cut behind the request.
    Silent,
    /// Every call waits forever.
    Stalled,
    /// It says yes to every block and remembers a wrong byte in each.
    Wrong,
}

#[derive(Debug, Default)]
struct State {
    blobs: BTreeMap<String, Blob>,
    weather: Weather,
    calls: u64,
}

#[derive(Debug, Default)]
struct Blob {
    /// `None` before the first commit.
    committed: Option<Vec<(BlockId, Bytes)>>,
    staged: BTreeMap<BlockId, Bytes>,
}

impl MemoryStore {
    /// An empty region.
    #[must_use]
    pub fn new(region: RegionName) -> Self {
        Self { region, state: Arc::default() }
    }

    /// Makes it behave like this from now on.
    pub fn set_weather(&self, weather: Weather) {
        self.state.lock().weather = weather;
    }

    /// How many calls there were, failed ones too.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.state.lock().calls
    }

    /// Forgets what was put and not committed, as a store does that restarts.
    pub fn forget_uncommitted(&self) {
        self.state.lock().blobs.values_mut().for_each(|blob| blob.staged.clear());
    }

    async fn call<T>(
        &self,
        blob: &str,
        work: impl FnOnce(&mut State) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        check_name(blob)?;
        let away = |reason: &str| StoreError::Away { region: self.region.clone(), reason: reason.to_owned() };
        let weather = {
            let mut state = self.state.lock();
            state.calls += 1;
            if let Weather::AwayAfter(left) = &mut state.weather
                && 0 < *left
            {
                *left -= 1;
                return work(&mut state);
            }
            state.weather
        };
        match weather {
            Weather::Fine | Weather::Wrong => work(&mut self.state.lock()),
            Weather::AwayAfter(_) => Err(away("the line is dead")),
            Weather::Silent => work(&mut self.state.lock()).and(Err(away("the answer was lost"))),
            Weather::Stalled => std::future::pending().await,
        }
    }
}

#[async_trait]
impl BlobStore for MemoryStore {
    fn region(&self) -> &RegionName {
        &self.region
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.call("check", |_| Ok(())).await
    }

    async fn put_block(&self, blob: &str, id: &BlockId, bytes: Bytes) -> Result<(), StoreError> {
        self.call(blob, |state| {
            let bytes = if state.weather == Weather::Wrong { spoilt(&bytes) } else { bytes };
            state.blobs.entry(blob.to_owned()).or_default().staged.insert(*id, bytes);
            Ok(())
        })
        .await
    }

    async fn commit(&self, blob: &str, ids: &[BlockId]) -> Result<(), StoreError> {
        self.call(blob, |state| {
            let missing = || StoreError::NoBlock { region: self.region.clone(), blob: blob.to_owned() };
            let kept = state.blobs.get(blob).ok_or_else(missing)?;
            let committed: BTreeMap<_, _> = kept.committed.iter().flatten().cloned().collect();
            let list = ids
                .iter()
                .map(|id| Some((*id, kept.staged.get(id).or_else(|| committed.get(id))?.clone())))
                .collect::<Option<Vec<_>>>()
                .ok_or_else(missing)?;
            state.blobs.insert(blob.to_owned(), Blob { committed: Some(list), staged: BTreeMap::new() });
            Ok(())
        })
        .await
    }

    async fn block_list(&self, blob: &str) -> Result<Vec<BlockInfo>, StoreError> {
        self.call(blob, |state| {
            let Some(kept) = state.blobs.get(blob) else { return Ok(Vec::new()) };
            let info = |id: &BlockId, bytes: &Bytes, committed| BlockInfo {
                id: *id,
                bytes: bytes.len() as u64,
                committed,
            };
            let committed = kept.committed.iter().flatten().map(|(id, bytes)| info(id, bytes, true));
            Ok(committed.chain(kept.staged.iter().map(|(id, bytes)| info(id, bytes, false))).collect())
        })
        .await
    }

    async fn read_range(&self, blob: &str, range: Range<u64>) -> Result<Bytes, StoreError> {
        self.call(blob, |state| {
            let no_blob = || StoreError::NoBlob { region: self.region.clone(), blob: blob.to_owned() };
            let list = state.blobs.get(blob).and_then(|kept| kept.committed.as_ref()).ok_or_else(no_blob)?;
            let mut whole = BytesMut::new();
            list.iter().for_each(|(_, bytes)| whole.extend_from_slice(bytes));
            let whole = whole.freeze();
            if range.end < range.start || (whole.len() as u64) < range.end {
                return Err(StoreError::OutOfRange {
                    region: self.region.clone(),
                    blob: blob.to_owned(),
                    start: range.start,
                    end: range.end,
                    size: whole.len() as u64,
                });
            }
            Ok(whole.slice(range.start as usize..range.end as usize))
        })
        .await
    }

    async fn size(&self, blob: &str) -> Result<Option<u64>, StoreError> {
        self.call(blob, |state| {
            let list = state.blobs.get(blob).and_then(|kept| kept.committed.as_ref());
            Ok(list.map(|list| list.iter().map(|(_, bytes)| bytes.len() as u64).sum()))
        })
        .await
    }

    async fn delete(&self, blob: &str) -> Result<(), StoreError> {
        self.call(blob, |state| {
            state.blobs.remove(blob);
            Ok(())
        })
        .await
    }
}

fn spoilt(bytes: &Bytes) -> Bytes {
    let mut bytes = BytesMut::from(&bytes[..]);
    if let Some(last) = bytes.last_mut() {
        *last ^= 1;
    }
    bytes.freeze()
}
