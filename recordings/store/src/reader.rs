//! Reading a recording from whichever region has it.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use convene_recordings::{BlobName, Block, BlockId, RecordingId};
use parking_lot::Mutex;
use tokio::task::JoinSet;

use crate::upload::within;
use crate::{BlobStore, Patience, StoreError, blob_name};

/// One read brings at most so many bytes, so that a whole recording is never in memory.
pub const READ_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// When one region has said what it has, the others get this much longer before the reader goes on without them.
const GRACE: Duration = Duration::from_millis(250);

/// Reads one recording as it was when the reader was opened. Make one for each request: it is cheap.
pub struct MediaReader {
    blob: String,
    regions: Vec<Arc<dyn BlobStore>>,
    patience: Patience,
    file: Vec<Block>,
    size: u64,
    etag: String,
    /// Which region answers now.
    current: Mutex<usize>,
}

impl MediaReader {
    /// Asks the regions (nearest first) what they have and settles for the one that has most.
    ///
    /// # Errors
    /// When no region has it, or none can say.
    pub async fn open(id: RecordingId, regions: &[Arc<dyn BlobStore>]) -> Result<Self, ReadError> {
        Self::open_with(id, regions, Patience::READING).await
    }

    /// The same with a patience of your own.
    ///
    /// # Errors
    /// When no region has it, or none can say.
    pub async fn open_with(
        id: RecordingId,
        regions: &[Arc<dyn BlobStore>],
        patience: Patience,
    ) -> Result<Self, ReadError> {
        Self::open_blob(blob_name(id), regions, patience).await
    }

    /// Opens the file of this name, whoever wrote it. One that was not written in blocks like ours is read as it is in the first
    /// region that has it; of two such files, equal lengths count as the same.
    ///
    /// # Errors
    /// When no region has it, or none can say.
    pub async fn open_named(
        blob: &BlobName,
        regions: &[Arc<dyn BlobStore>],
        patience: Patience,
    ) -> Result<Self, ReadError> {
        Self::open_blob(blob.to_string(), regions, patience).await
    }

    async fn open_blob(
        blob: String,
        regions: &[Arc<dyn BlobStore>],
        patience: Patience,
    ) -> Result<Self, ReadError> {
        let mut best: Option<(usize, Vec<Block>)> = None;
        let mut last = None;
        for (at, answer) in ask_all(&blob, regions, patience).await {
            match answer {
                Ok(file) if file.is_empty() => {}
                Ok(file) => {
                    if best.as_ref().is_none_or(|(_, than)| has_more(&file, than)) {
                        best = Some((at, file));
                    }
                }
                Err(error) => last = Some(error),
            }
        }
        let (current, file) = match (best, last) {
            (Some(best), _) => best,
            (None, Some(last)) => return Err(ReadError::NoRegion { last }),
            (None, None) => return Err(ReadError::NotFound { blob }),
        };
        let size = file.iter().map(|block| block.bytes).sum();
        let first = file.first().map_or(0, |block| block.bytes);
        let etag = format!("{blob}-{}-{first}-{size}", file.len());
        let regions = regions.to_vec();
        Ok(Self { blob, regions, patience, file, size, etag, current: Mutex::new(current) })
    }

    /// The length of the recording; it does not grow while this reader is open.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Whether the file was finished, so that it never changes again.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.file.first().is_some_and(|block| block.id.is_first_again())
    }

    /// Whether all bytes that `former` has are at the same places here: this is the same file, grown or finished since.
    #[must_use]
    pub fn goes_on_from(&self, former: &Self) -> bool {
        let lengths = |reader: &Self| reader.file.iter().map(|block| block.bytes).collect::<Vec<_>>();
        self.blob == former.blob && lengths(self).starts_with(&lengths(former))
    }

    /// Changes whenever the bytes do; the same in all regions that have the same bytes. Without quotes.
    #[must_use]
    pub fn etag(&self) -> &str {
        &self.etag
    }

    /// The bytes of this range, or as many of its first ones as one read brings ([`READ_BYTES_MAX`]); none only when
    /// the range is empty. When a region fails, the next one that has the same bytes answers.
    ///
    /// # Errors
    /// When the range is past the end, no region can answer, or the recording was finished since this reader was
    /// opened and its bytes have moved.
    pub async fn read_range(&self, range: Range<u64>) -> Result<Bytes, ReadError> {
        let Range { start, end } = range;
        if end < start || self.size < end {
            return Err(ReadError::OutOfRange { start, end, size: self.size });
        }
        let range = start..end.min(start.saturating_add(READ_BYTES_MAX));
        let first = *self.current.lock();
        let mut last = None;
        for turn in 0..self.regions.len() {
            let at = (first + turn) % self.regions.len();
            match self.read_from(at, range.clone()).await {
                Ok(Some(bytes)) => {
                    *self.current.lock() = at;
                    return Ok(bytes);
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!("{error}");
                    last = Some(error);
                }
            }
        }
        Err(last.map_or(ReadError::Changed, |last| ReadError::NoRegion { last }))
    }

    /// `None` when the region does not have these bytes, or has others in their place.
    async fn read_from(&self, at: usize, range: Range<u64>) -> Result<Option<Bytes>, StoreError> {
        let store = &self.regions[at];
        let moved = range.end - range.start;
        // What has the final block 0 never changes again; anything else is looked at after the read, so that bytes
        // from before and after the end of the recording are never mixed.
        let settled = at == *self.current.lock() && self.is_whole();
        if !settled && !self.agrees(store.as_ref(), range.end).await? {
            return Ok(None);
        }
        let read = store.read_range(&self.blob, range.clone());
        let bytes = within(self.patience.of(moved), store.region(), read).await?;
        if bytes.len() as u64 != moved {
            let reason = format!("{} bytes came where {moved} were asked for", bytes.len());
            return Err(StoreError::NotOurs { region: store.region().clone(), reason });
        }
        let still = settled || self.agrees(store.as_ref(), range.end).await?;
        Ok(still.then_some(bytes))
    }

    /// Whether the region's file begins with the same blocks, as far as this byte.
    async fn agrees(&self, store: &dyn BlobStore, end: u64) -> Result<bool, StoreError> {
        let theirs = ask(&self.blob, store, self.patience).await?;
        let mut start = 0;
        for (at, block) in self.file.iter().enumerate() {
            if end <= start {
                break;
            }
            if theirs.get(at) != Some(block) {
                return Ok(false);
            }
            start += block.bytes;
        }
        Ok(true)
    }
}

/// More blocks are more; of two with as many, the one that has block 0 in its final form.
fn has_more(file: &[Block], than: &[Block]) -> bool {
    let rank = |file: &[Block]| (file.len(), file.first().is_some_and(|block| block.id.is_first_again()));
    rank(than) < rank(file)
}

async fn ask(blob: &str, store: &dyn BlobStore, patience: Patience) -> Result<Vec<Block>, StoreError> {
    let list = match within(patience.of(0), store.region(), store.block_list(blob)).await {
        Err(StoreError::NotOurs { .. }) => Vec::new(),
        list => list?,
    };
    let file = list.into_iter().filter(|info| info.committed);
    let file: Vec<_> = file.map(|info| Block { id: info.id, bytes: info.bytes }).collect();
    if !file.is_empty() {
        return Ok(file);
    }
    // Written by somebody else, at one go or in blocks with other names: a file of one block.
    let size = within(patience.of(0), store.region(), store.size(blob)).await?;
    let block = |bytes| BlockId::new(0).ok().map(|id| Block { id, bytes });
    Ok(size.filter(|&bytes| 0 < bytes).and_then(block).into_iter().collect())
}

/// The answers in the order of the regions; a region that is slower than the others is left out.
async fn ask_all(
    blob: &str,
    regions: &[Arc<dyn BlobStore>],
    patience: Patience,
) -> Vec<(usize, Result<Vec<Block>, StoreError>)> {
    let mut tasks = JoinSet::new();
    for (at, store) in regions.iter().enumerate() {
        let (store, blob) = (Arc::clone(store), blob.to_owned());
        tasks.spawn(async move { (at, ask(&blob, store.as_ref(), patience).await) });
    }
    let mut answers = Vec::new();
    while let Some(Ok((at, answer))) = tasks.join_next().await {
        let useful = answer.as_ref().is_ok_and(|file| !file.is_empty());
        answers.push((at, answer));
        if useful {
            break;
        }
    }
    let rest = async {
        while let Some(Ok(answer)) = tasks.join_next().await {
            answers.push(answer);
        }
    };
    // A region that needs longer is asked again when it is needed.
    let _ = tokio::time::timeout(GRACE, rest).await;
    answers.sort_unstable_by_key(|(at, _)| *at);
    answers
}

/// Why a recording cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Every region answered, and none has it.
    #[error("no region has a byte of {blob}")]
    NotFound {
        /// What its file is called.
        blob: String,
    },
    /// A range past the end.
    #[error("the file has {size} bytes; {start} to {end} are not all among them")]
    OutOfRange {
        /// Where the range begins.
        start: u64,
        /// Where the range ends.
        end: u64,
        /// How long the recording is.
        size: u64,
    },
    /// The recording was finished, so that its bytes have moved.
    #[error("the file was finished, or replaced, while it was read; read it again from the beginning")]
    Changed,
    /// No region can answer.
    #[error("the file cannot be read just now: {last}")]
    NoRegion {
        /// What the last region said.
        last: StoreError,
    },
}
