//! For recorders that keep a track for each participant: who is there, and what each says.

use bytes::Bytes;
use convene_domain::{DisplayName, ParticipantId, RECORDERS_MAX};
use convene_pipelines::Separator;
use tokio::sync::mpsc::{Receiver, channel};
use tracing::warn;

use super::Talk;
use crate::blocking::blocking;

/// Packets that may wait for a recorder: five seconds of twenty voices.
const WAITING_RECORDS_MAX: usize = 5_000;

impl Talk {
    /// What each says from now on; nothing when too many listen already.
    pub(crate) async fn separate(&mut self) -> Option<Receiver<Bytes>> {
        self.separators.retain(|separator| !separator.is_closed());
        if RECORDERS_MAX <= self.separators.len() {
            return None;
        }
        let (ear, records) = channel(WAITING_RECORDS_MAX);
        self.separators.push(Separator::new(ear));
        self.separate_again().await;
        Some(records)
    }

    /// This participant may speak from now on.
    pub(super) async fn name(&mut self, id: ParticipantId, name: Option<&DisplayName>) {
        let name = name.map_or("", DisplayName::as_str);
        if self.names.insert(id.0, name.to_owned()).as_deref() != Some(name) {
            self.separate_again().await;
        }
    }

    /// ... and no longer.
    pub(super) async fn unname(&mut self, id: ParticipantId) {
        if self.names.remove(&id.0).is_some() {
            self.separate_again().await;
        }
    }

    /// Lets recorders hear those who may speak now. One that cannot is let go; it comes again.
    pub(super) async fn separate_again(&mut self) {
        if self.separators.is_empty() {
            return;
        }
        let pipeline = self.running.as_ref().map(|running| running.pipeline.clone());
        let (separators, names) = (std::mem::take(&mut self.separators), self.names.clone());
        self.separators = blocking(move || {
            let (gone, there): (Vec<_>, Vec<_>) =
                separators.into_iter().partition(|separator| separator.is_closed());
            // First, as a voice goes to one recorder alone.
            drop(gone);
            let hear = |mut separator: Separator| match separator.update(pipeline.as_deref(), &names) {
                Ok(()) => Some(separator),
                Err(error) => {
                    warn!(%error, "a recording hears nobody alone for a moment");
                    None
                }
            };
            there.into_iter().filter_map(hear).collect()
        })
        .await;
    }
}
