//! Writing a recording: into the spool at once, to the regions as they can.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use convene_recordings::{BlobName, Copy, CopyState, RecordingId, RecordingLayout, RegionName, RegionReport};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::Instrument;

use crate::spool::{Job, SPOOL_BYTES_MAX, Spool, SpoolError};
use crate::upload::{Progress, Upload, blocking};
use crate::{BlobStore, Patience};

/// What can be set about a [`RecordingWriter`].
#[derive(Debug, Clone, Copy)]
pub struct WriterOptions {
    /// How much of the local disk the recording may take while regions are behind.
    pub spool_bytes_max: u64,
    /// How long a region may take for a call.
    pub patience: Patience,
    /// How long the other regions may still take at the end when one of them has all of the recording: from then on it
    /// can be played, and whoever waits for the end need not wait for a region that is away.
    pub others_max: Duration,
    /// What of a meeting is recorded. The spool remembers it, for a catalogue that cannot be written just now.
    pub layout: RecordingLayout,
}

impl Default for WriterOptions {
    fn default() -> Self {
        Self {
            spool_bytes_max: SPOOL_BYTES_MAX,
            patience: Patience::UPLOADING,
            others_max: Duration::from_secs(2),
            layout: RecordingLayout::default(),
        }
    }
}

/// Writes one recording to all regions at once, through the spool. Dropping it is like a crash: what was put is in the
/// spool, and [`resume`](crate::resume) brings it to the regions.
pub struct RecordingWriter {
    upload: Arc<Upload>,
    progress: watch::Sender<Progress>,
    tasks: JoinSet<()>,
    others_max: Duration,
}

/// How a writer's regions follow. While it is kept, the recording counts as being worked on.
#[derive(Clone)]
pub struct WriterProgress {
    upload: Arc<Upload>,
}

impl WriterProgress {
    /// The copies by now.
    #[must_use]
    pub fn copies(&self) -> Vec<Copy> {
        self.upload.copies()
    }

    /// For each region, in the order of the copies, why its last call failed, if it did.
    #[must_use]
    pub fn troubles(&self) -> Vec<Option<String>> {
        self.upload.troubles()
    }

    /// What each region was given, and how far behind it is.
    #[must_use]
    pub fn reports(&self) -> Vec<RegionReport> {
        self.upload.reports()
    }
}

impl RecordingWriter {
    /// Begins a recording with the usual limits.
    ///
    /// # Errors
    /// When the spool cannot be written or the recording is in it already.
    pub async fn create(
        spool: &Path,
        id: RecordingId,
        regions: Vec<Arc<dyn BlobStore>>,
    ) -> Result<Self, SpoolError> {
        Self::create_with(spool, id, regions, WriterOptions::default()).await
    }

    /// Begins a recording with limits of your own.
    ///
    /// # Errors
    /// When the spool cannot be written or the recording is in it already.
    pub async fn create_with(
        spool: &Path,
        id: RecordingId,
        regions: Vec<Arc<dyn BlobStore>>,
        options: WriterOptions,
    ) -> Result<Self, SpoolError> {
        let job = Job::recording(id, names(&regions)).of_layout(options.layout);
        Self::begin(spool, job, regions, options).await
    }

    /// Begins a file whose name somebody has chosen. What a region has under this name is deleted when the first block
    /// is there.
    ///
    /// # Errors
    /// When the spool cannot be written, or a file of this name is in it already.
    pub async fn create_named(
        spool: &Path,
        blob: BlobName,
        regions: Vec<Arc<dyn BlobStore>>,
        options: WriterOptions,
    ) -> Result<Self, SpoolError> {
        let job = Job::named(blob, names(&regions));
        Self::begin(spool, job, regions, options).await
    }

    async fn begin(
        spool: &Path,
        job: Job,
        regions: Vec<Arc<dyn BlobStore>>,
        options: WriterOptions,
    ) -> Result<Self, SpoolError> {
        let path = spool.to_owned();
        let spool = blocking(move || Spool::create(&path, job, options.spool_bytes_max)).await?;
        let upload = Arc::new(Upload::new(Arc::new(spool), regions, options.patience));
        let progress = watch::Sender::new(Progress::default());
        let mut tasks = JoinSet::new();
        for at in 0..upload.stores.len() {
            let (upload, progress) = (Arc::clone(&upload), progress.subscribe());
            let span = tracing::info_span!("upload", region = %upload.stores[at].region());
            tasks.spawn(async move { upload.run(at, u32::MAX, progress).await }.instrument(span));
        }
        Ok(Self { upload, progress, tasks, others_max: options.others_max })
    }

    /// Remembers what is to stand in the place of block 0 if the recording is never ended. The last word counts.
    ///
    /// # Errors
    /// When the disk does not take it; then the last one counts.
    pub async fn keep_cut_off(&self, bytes: Bytes) -> Result<(), SpoolError> {
        let spool = self.upload.spool.clone();
        blocking(move || spool.keep_cut_off(&bytes)).await
    }

    /// Puts the next block. It is on the disk when this returns; the regions follow in their own time.
    ///
    /// # Errors
    /// When the disk or the spool's limit is full, or the number is not the next one. Nothing that was put before is
    /// lost, and the same block can be put again.
    pub async fn put(&mut self, number: u32, bytes: Bytes) -> Result<(), SpoolError> {
        let spool = Arc::clone(&self.upload.spool);
        let length = bytes.len() as u64;
        blocking(move || spool.put(number, &bytes)).await?;
        self.upload.spooled(length);
        self.progress.send_modify(|progress| progress.blocks += 1);
        Ok(())
    }

    /// The copies by now.
    #[must_use]
    pub fn copies(&self) -> Vec<Copy> {
        self.upload.copies()
    }

    /// A view of the copies that can be looked at while the writer waits for its end. The recording stays locked in the spool
    /// for as long as the view lives.
    #[must_use]
    pub fn progress(&self) -> WriterProgress {
        WriterProgress { upload: Arc::clone(&self.upload) }
    }

    /// Ends the recording: block 0 comes again, with duration and index. Waits for the regions, at most for
    /// `patience`, and once one has all of it, at most [`WriterOptions::others_max`] for the others. What they do not have then stays in
    /// the spool, for [`resume`](crate::resume).
    ///
    /// # Errors
    /// When the last block cannot be written to the spool; the recording can still be resumed without it.
    pub async fn finish(self, first: Bytes, patience: Duration) -> Result<Vec<Copy>, SpoolError> {
        let spool = Arc::clone(&self.upload.spool);
        blocking(move || spool.put_first_again(&first)).await?;
        self.stop(patience).await
    }

    /// Ends the recording without putting block 0 again, when whoever made the blocks has failed. What the regions do
    /// not have after `patience` stays in the spool.
    ///
    /// # Errors
    /// When the recording cannot be taken out of the spool.
    pub async fn stop(mut self, patience: Duration) -> Result<Vec<Copy>, SpoolError> {
        self.progress.send_modify(|progress| progress.ended = true);
        // After this time the copies say which region is behind; that is no error.
        let _ = tokio::time::timeout(patience, self.uploaded()).await;
        self.tasks.shutdown().await;
        settle(&self.upload).await
    }

    /// Waits for the regions; once one has all of it, not much longer for the others.
    async fn uploaded(&mut self) {
        while let Some(task) = self.tasks.join_next().await {
            unwind(task);
            if self.upload.copies().iter().any(|copy| copy.state == CopyState::Complete) {
                let _ = tokio::time::timeout(self.others_max, finished(&mut self.tasks)).await;
                return;
            }
        }
    }
}

fn names(regions: &[Arc<dyn BlobStore>]) -> Vec<RegionName> {
    regions.iter().map(|store| store.region().clone()).collect()
}

/// Waits for all tasks of a set.
pub(crate) async fn finished(tasks: &mut JoinSet<()>) {
    while let Some(task) = tasks.join_next().await {
        unwind(task);
    }
}

/// A task's panic is ours.
fn unwind(task: Result<(), tokio::task::JoinError>) {
    if let Err(error) = task
        && error.is_panic()
    {
        std::panic::resume_unwind(error.into_panic());
    }
}

/// The copies at the end. The recording leaves the spool when every region that it was begun for has all of it.
pub(crate) async fn settle(upload: &Upload) -> Result<Vec<Copy>, SpoolError> {
    let mut copies = upload.copies();
    for copy in copies.iter_mut().filter(|copy| copy.state != CopyState::Complete) {
        copy.state = CopyState::Behind;
    }
    let complete = |region: &RegionName| {
        copies.iter().any(|copy| copy.region == *region && copy.state == CopyState::Complete)
    };
    let empty = upload.spool.file().is_empty();
    if empty || upload.spool.job().regions.iter().all(complete) {
        let spool = Arc::clone(&upload.spool);
        blocking(move || spool.remove()).await?;
    }
    Ok(copies)
}
