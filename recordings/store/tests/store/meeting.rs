//! What the stories share: a recording that is easy to check, and regions that can be made to fail.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use convene_recordings::{Copy, CopyState, RecordingId};
use convene_recordings_store::{
    BlobStore, MemoryStore, Patience, RecordingWriter, Resumed, WriterOptions, resume_with,
};

pub const PATIENCE: Patience = Patience { call: Duration::from_secs(3), bytes_per_second_min: 1024 * 1024 };

/// Long enough for every backoff; in tests with a running-ahead clock it costs nothing.
pub const LONG: Duration = Duration::from_secs(300);

/// The two seconds between two blocks.
pub const PACE: Duration = Duration::from_secs(2);

/// Block 0 is the head; the others differ in length and content.
pub fn block(number: u32) -> Bytes {
    if number == 0 {
        return Bytes::from_static(b"<head>");
    }
    Bytes::from(format!("<cluster {number}>").repeat(1 + number as usize % 7))
}

pub fn first_again() -> Bytes {
    Bytes::from_static(b"<a larger head, with duration and cues>")
}

/// The file of so many blocks.
pub fn file(blocks: u32, finished: bool) -> Vec<u8> {
    let head = if finished { first_again() } else { block(0) };
    (1..blocks).fold(head.to_vec(), |file, number| [&file[..], &block(number)].concat())
}

pub struct Meeting {
    pub id: RecordingId,
    pub spool: tempfile::TempDir,
    pub a: MemoryStore,
    pub b: MemoryStore,
}

impl Meeting {
    pub fn new() -> Self {
        Self {
            id: RecordingId::new(uuid::Uuid::new_v4()),
            spool: tempfile::tempdir().expect("a folder"),
            a: MemoryStore::new("a".parse().expect("a name")),
            b: MemoryStore::new("b".parse().expect("a name")),
        }
    }

    pub fn regions(&self) -> Vec<Arc<dyn BlobStore>> {
        vec![Arc::new(self.a.clone()), Arc::new(self.b.clone())]
    }

    pub async fn writer(&self) -> RecordingWriter {
        self.writer_with(WriterOptions { patience: PATIENCE, others_max: LONG, ..WriterOptions::default() })
            .await
    }

    pub async fn writer_with(&self, options: WriterOptions) -> RecordingWriter {
        let writer = RecordingWriter::create_with(self.spool.path(), self.id, self.regions(), options).await;
        writer.expect("the spool can be written")
    }

    pub async fn resume(&self) -> Resumed {
        resume(self.spool.path(), &self.regions()).await
    }

    /// Both regions have exactly this, and the spool has nothing any more.
    pub async fn is_whole(&self, file: &[u8]) {
        for store in [&self.a, &self.b] {
            assert_eq!(read(store, self.id).await.as_deref(), Some(file), "region {}", store.region());
        }
        assert!(is_empty(self.spool.path()), "the spool is empty");
    }
}

/// Puts these blocks, each at its time.
pub async fn put(writer: &mut RecordingWriter, numbers: std::ops::Range<u32>) {
    for number in numbers {
        writer.put(number, block(number)).await.expect("the spool takes it");
        tokio::time::sleep(PACE).await;
    }
}

/// Resumes the one recording in the spool. A writer that was just dropped holds it until its tasks are gone.
pub async fn resume(spool: &Path, regions: &[Arc<dyn BlobStore>]) -> Resumed {
    for _ in 0..1000 {
        let resumed = tokio::time::timeout(LONG, resume_with(spool, regions, PATIENCE)).await;
        let mut resumed = resumed.expect("it ends by itself");
        if let Some(one) = resumed.pop() {
            assert!(resumed.is_empty(), "there is one recording");
            return one;
        }
        tokio::task::yield_now().await;
    }
    panic!("nothing can be resumed");
}

pub async fn read(store: &dyn BlobStore, id: RecordingId) -> Option<Vec<u8>> {
    let blob = id.blob_name();
    let size = store.size(&blob).await.expect("it can be asked")?;
    Some(store.read_range(&blob, 0..size).await.expect("it can be read").to_vec())
}

pub fn states(copies: &[Copy]) -> Vec<CopyState> {
    copies.iter().map(|copy| copy.state).collect()
}

/// All are complete, with one digest that is the file's.
pub fn are_whole(copies: &[Copy], file: &[u8]) {
    use sha2::{Digest as _, Sha256};
    let digest = convene_recordings::Digest::new(Sha256::digest(file).into());
    assert!(!copies.is_empty());
    for copy in copies {
        assert_eq!(
            (copy.state, copy.bytes, copy.sha256),
            (CopyState::Complete, file.len() as u64, Some(digest))
        );
    }
}

pub fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).expect("it is there").next().is_none()
}
