//! One place at a viewer in which a camera is shown: which one, in which quality, and when it may change.

use crate::rewriter::{Numbers, Rewriter};
use crate::{FeedPacket, Layer, PeerId, Quality};

/// A place for one camera.
#[derive(Debug, Default)]
pub struct Slot {
    feed: Option<PeerId>,
    /// What it shall become; none while it is paused.
    wanted: Option<Quality>,
    /// The layer that is forwarded now.
    shown: Option<Layer>,
    /// The highest temporal layer that is forwarded now.
    temporal: u8,
    /// What was decided for the frame that is coming in.
    passes_frame: bool,
    rewriter: Rewriter,
    packets: u64,
}

impl Slot {
    /// Whose camera is shown.
    pub fn feed(&self) -> Option<PeerId> {
        self.feed
    }

    /// Shows another camera, or none.
    pub fn show(&mut self, feed: Option<PeerId>) {
        if self.feed != feed {
            self.feed = feed;
            self.wanted = None;
            self.shown = None;
        }
    }

    /// What it shall become.
    pub fn wanted(&self) -> Option<Quality> {
        self.wanted
    }

    /// Asks for another quality, or for a pause.
    pub fn want(&mut self, quality: Option<Quality>) {
        self.wanted = quality;
    }

    /// What is forwarded now.
    pub fn shown(&self) -> Option<Quality> {
        self.shown.map(|layer| Quality { layer, temporal: self.temporal })
    }

    /// Packets ever forwarded.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// The layer of which it waits for a key frame.
    pub fn waits_for(&self) -> Option<Layer> {
        self.wanted.map(|quality| quality.layer).filter(|layer| self.shown != Some(*layer))
    }

    /// The numbers under which this packet of the camera goes out, if it does.
    pub fn offer(&mut self, packet: &FeedPacket) -> Option<Numbers> {
        let Some(wanted) = self.wanted else {
            self.shown = None;
            return None;
        };
        if packet.key.is_some() && packet.layer == wanted.layer && self.shown != Some(packet.layer) {
            self.rewriter.switch(packet);
            self.shown = Some(packet.layer);
            self.temporal = wanted.temporal;
            self.passes_frame = true;
        }
        if self.shown != Some(packet.layer) {
            return None;
        }
        if packet.descriptor.starts_frame {
            self.decide(packet, wanted);
        }
        if !self.passes_frame || self.temporal < packet.temporal() {
            self.rewriter.leave_out(packet);
            return None;
        }
        let numbers = self.rewriter.forward(packet)?;
        self.packets += 1;
        Some(numbers)
    }

    /// A frame begins: down at once, up only where the frame needs nothing that was left out.
    fn decide(&mut self, packet: &FeedPacket, wanted: Quality) {
        // Until the other layer's key frame comes, this one goes on as it is, or lower.
        let target = if wanted.layer == packet.layer { wanted.temporal } else { self.temporal };
        let temporal = packet.temporal();
        let may_rise =
            packet.key.is_some() || packet.descriptor.temporal.is_some_and(|temporal| temporal.sync);
        if target < self.temporal {
            self.temporal = target;
        } else if self.temporal < temporal && temporal <= target && may_rise {
            self.temporal = temporal;
        } else if packet.key.is_some() {
            self.temporal = target;
        }
        self.passes_frame = temporal <= self.temporal;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::packet;

    fn quality(layer: u8, temporal: u8) -> Option<Quality> {
        Some(Quality { layer: Layer(layer), temporal })
    }

    fn showing(feed: u64, wanted: Option<Quality>) -> Slot {
        let mut slot = Slot::default();
        slot.show(Some(PeerId(feed)));
        slot.want(wanted);
        slot
    }

    #[test]
    fn a_picture_begins_with_a_key_frame() {
        let mut slot = showing(1, quality(0, 0));
        assert_eq!(slot.offer(&packet(1).starts()), None);
        assert_eq!(slot.waits_for(), Some(Layer(0)));
        assert!(slot.offer(&packet(2).key()).is_some());
        assert_eq!(slot.waits_for(), None);
        assert!(slot.offer(&packet(3)).is_some());
    }

    #[test]
    fn a_layer_is_shown_until_the_other_has_a_key_frame() {
        let mut slot = showing(1, quality(0, 0));
        let first = slot.offer(&packet(1).key()).expect("a key frame");
        slot.want(quality(1, 0));
        assert_eq!(slot.waits_for(), Some(Layer(1)));
        assert!(slot.offer(&packet(2).starts().ends()).is_some());
        assert_eq!(slot.offer(&packet(900).of(1, 1).starts()), None);
        let switched = slot.offer(&packet(901).of(1, 1).key()).expect("the other layer's key frame");
        assert_eq!(switched.sequence, first.sequence + 2);
        assert_eq!(slot.offer(&packet(3).starts()), None);
        assert_eq!(slot.shown(), quality(1, 0));
    }

    #[test]
    fn temporal_layers_rise_at_a_sync_frame_and_fall_at_once() {
        let mut slot = showing(1, quality(0, 0));
        assert!(slot.offer(&packet(1).key().temporal_layer(0, false)).is_some());
        assert!(slot.offer(&packet(2).starts().temporal_layer(1, false)).is_none());
        slot.want(quality(0, 1));
        assert!(slot.offer(&packet(3).starts().temporal_layer(1, false)).is_none());
        let risen = slot.offer(&packet(4).starts().temporal_layer(1, true)).expect("it needs layer 0 alone");
        assert_eq!(risen.sequence, 1001);
        slot.want(quality(0, 0));
        // The frame that is under way is completed; the next one falls.
        assert!(slot.offer(&packet(5).temporal_layer(1, true)).is_some());
        assert!(slot.offer(&packet(6).starts().temporal_layer(1, true)).is_none());
        assert!(slot.offer(&packet(7).starts().temporal_layer(0, false)).is_some());
    }

    #[test]
    fn a_pause_ends_with_a_key_frame() {
        let mut slot = showing(1, quality(0, 0));
        assert!(slot.offer(&packet(1).key()).is_some());
        slot.want(None);
        assert!(slot.offer(&packet(2).starts()).is_none());
        slot.want(quality(0, 0));
        assert!(slot.offer(&packet(3).starts()).is_none());
        assert!(slot.offer(&packet(4).key()).is_some());
    }

    #[test]
    fn another_camera_begins_with_its_own_key_frame() {
        let mut slot = showing(1, quality(0, 0));
        let first = slot.offer(&packet(1).key()).expect("a key frame");
        slot.show(Some(PeerId(2)));
        slot.want(quality(0, 0));
        assert!(slot.offer(&packet(7).of(2, 0).starts()).is_none());
        let other = slot.offer(&packet(8).of(2, 0).key()).expect("a key frame");
        assert!(first.sequence < other.sequence);
    }
}
