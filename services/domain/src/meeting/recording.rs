//! The meeting's recording: one at a time, and only the host says when.

use convene_recordings::{RecordingId, RecordingLayout, RecordingState};

use super::{Announcement, Audience, Meeting, Message, Order, ParticipantId, RecordingView, error};

impl Meeting {
    pub(super) fn record(
        &mut self,
        id: ParticipantId,
        recording: RecordingId,
        layout: RecordingLayout,
    ) -> Vec<Order> {
        if !self.is_host(id) {
            return vec![error(id, "Only the host can record the meeting.")];
        }
        self.begin_recording(id, recording, layout)
    }

    /// By the organiser's keys.
    pub(super) fn switch_recording(&mut self, id: ParticipantId, recording: RecordingId) -> Vec<Order> {
        let orders = self.finish_recording();
        if orders.is_empty() {
            self.begin_recording(id, recording, RecordingLayout::default())
        } else {
            orders
        }
    }

    fn begin_recording(
        &mut self,
        id: ParticipantId,
        recording: RecordingId,
        layout: RecordingLayout,
    ) -> Vec<Order> {
        if let Some(view) = self.recording.as_ref().filter(|view| is_running(view.state)) {
            let what = match view.state {
                RecordingState::Finishing => {
                    "The last recording is still being finished; try again in a moment."
                }
                _ => "The meeting is being recorded already.",
            };
            return vec![error(id, what)];
        }
        let view = RecordingView { id: recording, state: RecordingState::Starting, message: None };
        let mut orders = self.recording_became(view);
        orders.push(Order::StartRecording(recording, layout));
        orders
    }

    pub(super) fn record_stop(&mut self, id: ParticipantId) -> Vec<Order> {
        if !self.is_host(id) {
            return vec![error(id, "Only the host can stop the recording.")];
        }
        let orders = self.finish_recording();
        if orders.is_empty() { vec![error(id, "The meeting is not being recorded.")] } else { orders }
    }

    /// The recorder says when it has done so.
    pub(super) fn record_pause(&mut self, id: ParticipantId, paused: bool) -> Vec<Order> {
        if !self.is_host(id) {
            return vec![error(id, "Only the host can pause the recording.")];
        }
        let from = if paused { RecordingState::Recording } else { RecordingState::Paused };
        match &self.recording {
            Some(view) if view.state == from => vec![Order::PauseRecording(view.id, paused)],
            _ if paused => vec![error(id, "The meeting is not being recorded.")],
            _ => vec![error(id, "The recording is not paused.")],
        }
    }

    /// Nothing when none runs.
    pub(super) fn finish_recording(&mut self) -> Vec<Order> {
        match self.recording.clone() {
            Some(mut view) if order_of(view.state) < order_of(RecordingState::Finishing) => {
                view.state = RecordingState::Finishing;
                let id = view.id;
                let mut orders = self.recording_became(view);
                orders.push(Order::FinishRecording(id));
                orders
            }
            _ => Vec::new(),
        }
    }

    /// A late word about an earlier recording, or one that goes back from finishing, changes nothing.
    pub(super) fn recording_changed(&mut self, view: RecordingView) -> Vec<Order> {
        let Some(now) = &self.recording else { return Vec::new() };
        let goes_back = order_of(view.state) < order_of(now.state);
        if view.id != now.id || goes_back || view == *now {
            return Vec::new();
        }
        self.recording_became(view)
    }

    fn recording_became(&mut self, view: RecordingView) -> Vec<Order> {
        let was_paused = self.recording.as_ref().is_some_and(|view| view.state == RecordingState::Paused);
        let announcement = match view.state {
            RecordingState::Recording => Some(Announcement::Recording),
            RecordingState::Paused => Some(Announcement::RecordingStopped),
            RecordingState::Finishing if !was_paused => Some(Announcement::RecordingStopped),
            _ => None,
        };
        self.recording = Some(view);
        let message = Message::Recording { recording: self.recording.clone() };
        let mut orders = vec![Order::Tell { to: Audience::All, message }];
        orders.extend(announcement.into_iter().flat_map(|announcement| self.announce(announcement)));
        orders
    }
}

fn is_running(state: RecordingState) -> bool {
    order_of(state) < order_of(RecordingState::Ready)
}

fn order_of(state: RecordingState) -> u8 {
    match state {
        RecordingState::Starting => 0,
        RecordingState::Recording | RecordingState::Paused => 1,
        RecordingState::Finishing => 2,
        // A failed one may be completed later, and a degraded one becomes ready when the region is back.
        RecordingState::Failed | RecordingState::Degraded | RecordingState::Ready => 3,
    }
}
