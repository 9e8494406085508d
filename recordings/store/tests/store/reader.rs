//! Reading from whichever region has it.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use convene_recordings::{BlockId, BlockInfo, RegionName};
use convene_recordings_store::{
    BlobStore, MediaReader, MemoryStore, READ_BYTES_MAX, ReadError, StoreError, Weather,
};
use parking_lot::Mutex;

use crate::meeting::{LONG, Meeting, PATIENCE, block, file, first_again, put};

async fn open(meeting: &Meeting) -> Result<MediaReader, ReadError> {
    MediaReader::open_with(meeting.id, &meeting.regions(), PATIENCE).await
}

async fn finished(blocks: u32) -> Meeting {
    let meeting = Meeting::new();
    let mut writer = meeting.writer().await;
    put(&mut writer, 0..blocks).await;
    writer.finish(first_again(), LONG).await.expect("the spool is fine");
    meeting
}

/// Reads in pieces of seven bytes, and lets something happen before one of them.
async fn read_all(reader: &MediaReader, mut before: impl FnMut(u64)) -> Result<Vec<u8>, ReadError> {
    let mut whole = Vec::new();
    while (whole.len() as u64) < reader.size() {
        let at = whole.len() as u64;
        before(at);
        whole.extend_from_slice(&reader.read_range(at..reader.size().min(at + 7)).await?);
    }
    Ok(whole)
}

#[tokio::test(start_paused = true)]
async fn the_next_region_answers_in_the_middle_of_a_read() {
    for weather in [Weather::AwayAfter(0), Weather::Stalled, Weather::Silent] {
        for (lost, other) in [(0, 1), (1, 0)] {
            let meeting = finished(9).await;
            let stores = [meeting.a.clone(), meeting.b.clone()];
            let reader = open(&meeting).await.expect("both have it");
            stores[other].set_weather(weather);
            let whole = read_all(&reader, |at| {
                if at == 70 {
                    stores[other].set_weather(Weather::Fine);
                    stores[lost].set_weather(weather);
                }
            });
            assert_eq!(whole.await, Ok(file(9, true)), "{weather:?} in region {lost}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_region_that_is_away_does_not_hold_up_opening() {
    for weather in [Weather::AwayAfter(0), Weather::Stalled] {
        let meeting = finished(5).await;
        meeting.a.set_weather(weather);
        let start = tokio::time::Instant::now();
        let reader = open(&meeting).await.expect("region b has it");
        assert!(start.elapsed() < PATIENCE.call / 4);
        assert_eq!(read_all(&reader, |_| {}).await, Ok(file(5, true)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_region_that_is_behind_is_not_mixed_in() {
    let meeting = Meeting::new();
    let mut writer = meeting.writer().await;
    put(&mut writer, 0..6).await;
    meeting.a.set_weather(Weather::AwayAfter(0));
    put(&mut writer, 6..12).await;
    writer.finish(first_again(), PATIENCE.call).await.expect("the spool is fine");
    meeting.a.set_weather(Weather::Fine);

    let reader = open(&meeting).await.expect("region b has it");
    assert_eq!(reader.size(), file(12, true).len() as u64);
    assert_eq!(read_all(&reader, |_| {}).await, Ok(file(12, true)));
    // Region a has another block 0, so none of its bytes are where they should be.
    meeting.b.set_weather(Weather::AwayAfter(0));
    assert!(matches!(reader.read_range(0..9).await, Err(ReadError::NoRegion { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_running_recording_can_be_read_and_its_end_is_noticed() {
    let meeting = Meeting::new();
    let mut writer = meeting.writer().await;
    put(&mut writer, 0..7).await;
    let early = open(&meeting).await.expect("it has begun");
    put(&mut writer, 7..20).await;
    let later = open(&meeting).await.expect("it has grown");
    assert!(early.size() < later.size() && early.etag() != later.etag());
    assert_eq!(read_all(&early, |_| {}).await, Ok(file(6, false)));

    // The region that has it dies; the other one has the same beginning.
    meeting.a.set_weather(Weather::AwayAfter(0));
    assert_eq!(read_all(&early, |_| {}).await, Ok(file(6, false)));
    meeting.a.set_weather(Weather::Fine);

    writer.finish(first_again(), LONG).await.expect("the spool is fine");
    assert_eq!(later.read_range(0..9).await, Err(ReadError::Changed));
    let whole = open(&meeting).await.expect("it is there");
    assert_eq!(read_all(&whole, |_| {}).await, Ok(file(20, true)));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_says_why() {
    let meeting = Meeting::new();
    assert_eq!(open(&meeting).await.err(), Some(ReadError::NotFound { blob: meeting.id.blob_name() }));
    meeting.a.set_weather(Weather::AwayAfter(0));
    // Region a may have it.
    assert!(matches!(open(&meeting).await.err(), Some(ReadError::NoRegion { .. })));

    let meeting = finished(3).await;
    let reader = open(&meeting).await.expect("it is there");
    let size = reader.size();
    #[expect(clippy::reversed_empty_ranges, reason = "that is what is tested")]
    for range in [0..size + 1, size + 1..size + 1, 5..4, 0..u64::MAX] {
        assert!(matches!(reader.read_range(range).await, Err(ReadError::OutOfRange { .. })));
    }
    assert_eq!(reader.read_range(size..size).await, Ok(bytes::Bytes::new()));
}

#[tokio::test(start_paused = true)]
async fn one_read_has_a_limit() {
    let meeting = Meeting::new();
    let blob = meeting.id.blob_name();
    let id = convene_recordings::BlockId::FIRST_AGAIN;
    meeting.a.put_block(&blob, &id, vec![7; READ_BYTES_MAX as usize + 5].into()).await.expect("it works");
    meeting.a.commit(&blob, &[id]).await.expect("it works");
    let reader = open(&meeting).await.expect("it is there");
    let all = reader.read_range(0..reader.size()).await.expect("it is there");
    assert_eq!(all.len() as u64, READ_BYTES_MAX);
    let rest = reader.read_range(READ_BYTES_MAX..reader.size()).await.expect("it is there");
    assert_eq!(rest.len(), 5);
}

/// A region whose file is finished just before, or just after, the next read.
struct JustThen {
    store: MemoryStore,
    before: Mutex<Option<Vec<BlockId>>>,
    after: Mutex<Option<Vec<BlockId>>>,
}

impl JustThen {
    /// A file of three blocks, whose block 0 is put again and not committed.
    async fn new(blob: &str) -> (Self, Vec<BlockId>) {
        let store = MemoryStore::new("a".parse().expect("a name"));
        let ids = [0, 1, 2].map(|number| BlockId::new(number).expect("a small number"));
        for (number, id) in (0..).zip(&ids) {
            store.put_block(blob, id, block(number)).await.expect("it works");
        }
        store.commit(blob, &ids).await.expect("it works");
        store.put_block(blob, &BlockId::FIRST_AGAIN, first_again()).await.expect("it works");
        let this = Self { store, before: Mutex::default(), after: Mutex::default() };
        (this, vec![BlockId::FIRST_AGAIN, ids[1], ids[2]])
    }
}

#[async_trait::async_trait]
impl BlobStore for JustThen {
    fn region(&self) -> &RegionName {
        self.store.region()
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.store.check().await
    }

    async fn put_block(&self, blob: &str, id: &BlockId, bytes: Bytes) -> Result<(), StoreError> {
        self.store.put_block(blob, id, bytes).await
    }

    async fn commit(&self, blob: &str, ids: &[BlockId]) -> Result<(), StoreError> {
        self.store.commit(blob, ids).await
    }

    async fn block_list(&self, blob: &str) -> Result<Vec<BlockInfo>, StoreError> {
        self.store.block_list(blob).await
    }

    async fn read_range(&self, blob: &str, range: Range<u64>) -> Result<Bytes, StoreError> {
        let (before, after) = (self.before.lock().take(), self.after.lock().take());
        if let Some(ids) = before {
            self.store.commit(blob, &ids).await?;
        }
        let bytes = self.store.read_range(blob, range).await;
        if let Some(ids) = after {
            self.store.commit(blob, &ids).await?;
        }
        bytes
    }

    async fn size(&self, blob: &str) -> Result<Option<u64>, StoreError> {
        self.store.size(blob).await
    }

    async fn delete(&self, blob: &str) -> Result<(), StoreError> {
        self.store.delete(blob).await
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_that_comes_with_the_read_itself_is_noticed() {
    let id = Meeting::new().id;
    let (region, last) = JustThen::new(&id.blob_name()).await;
    *region.before.lock() = Some(last);
    let reader = MediaReader::open_with(id, &[Arc::new(region)], PATIENCE).await.expect("it has begun");
    assert_eq!(reader.read_range(0..9).await, Err(ReadError::Changed));
}

#[tokio::test(start_paused = true)]
async fn bytes_from_before_the_end_are_not_taken_for_those_after_it() {
    let meeting = Meeting::new();
    let blob = meeting.id.blob_name();
    let (behind, last) = JustThen::new(&blob).await;
    *behind.after.lock() = Some(last.clone());
    let (whole, _) = JustThen::new(&blob).await;
    whole.commit(&blob, &last).await.expect("it works");

    let lost = whole.store.clone();
    let regions: [Arc<dyn BlobStore>; 2] = [Arc::new(behind), Arc::new(whole)];
    let reader = MediaReader::open_with(meeting.id, &regions, PATIENCE).await.expect("one has it");
    lost.set_weather(Weather::AwayAfter(0));
    assert!(matches!(reader.read_range(0..9).await, Err(ReadError::NoRegion { .. })));
}
