//! What all parts of the service share.

use std::path::PathBuf;
use std::sync::Arc;

use convene_pipelines::MediaPort;
use convene_recordings_store::{BlobStore, SpoolOwner};
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::meeting::Directory;
use crate::metrics::Metrics;
use crate::recording::{Catalogue, Links, Pictures, Recorders};
use crate::telephone::Switchboard;
use crate::turn::Turn;

/// The service behind the routes.
pub(crate) struct Service {
    pub(crate) clock: Clock,
    pub(crate) directory: Directory,
    pub(crate) catalogue: Catalogue,
    pub(crate) recorders: Recorders,
    pub(crate) links: Links,
    pub(crate) pictures: Pictures,
    pub(crate) metrics: Metrics,
    /// The regions, nearest first.
    pub(crate) regions: Vec<Arc<dyn BlobStore>>,
    pub(crate) spool: PathBuf,
    /// No other process empties the spool meanwhile.
    pub(crate) _spool_owner: SpoolOwner,
    /// Where voices and faces come in.
    pub(crate) media: MediaPort,
    /// Where media goes that passes neither by UDP nor by plain TCP.
    pub(crate) turn: Option<Arc<Turn>>,
    /// Where telephones call, if they may.
    pub(crate) telephone: Option<Switchboard>,
    /// What links begin with, when it is configured; without a slash at the end.
    pub(crate) public_url: Option<String>,
    /// What has to come to an end before the service may: meetings, connections, recordings.
    pub(crate) tasks: TaskTracker,
}
