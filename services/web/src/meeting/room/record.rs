//! Starting a recording, if this machine has room for one.

use std::collections::VecDeque;

use convene_domain::{Input, RecordingView};
use convene_recordings::{RecordingId, RecordingLayout, RecordingState};
use tracing::info;

use super::Room;
use crate::recording::RecordingOrder;

impl Room {
    /// A machine that is full says so to the meeting, and the catalogue has nothing of it.
    pub(super) fn start_recording(
        &self,
        id: RecordingId,
        layout: RecordingLayout,
        inputs: &mut VecDeque<Input>,
    ) {
        let room = self.handle.clone();
        let order = RecordingOrder { id, layout, code: self.code, token: &self.recorder, room };
        if let Err(full) = self.service.recorders.start(&self.service, order) {
            info!(
                meeting = self.number,
                recordings = full.max,
                "a recording is refused: this machine is full"
            );
            let (state, message) = (RecordingState::Failed, Some(full.to_string()));
            inputs.push_back(Input::RecordingChanged(RecordingView { id, state, message }));
        }
    }
}
