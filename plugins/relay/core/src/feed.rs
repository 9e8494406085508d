//! One camera as a shard knows it: its encodings, how much each takes, and what a newcomer can begin with.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::keyframes::KeyframeRequests;
use crate::meter::Meter;
use crate::recent::Recent;
use crate::vp8::FrameSize;
use crate::{FeedPacket, LAYERS_MAX, Layer, Quality};

/// A layer that is silent for this long counts as switched off by its sender.
const LAYER_SILENCE_MAX: Duration = Duration::from_millis(1500);
/// The same while other layers of the camera go on: browsers stop the best ones from one frame to the next when their line gets narrower, and whoever
/// sees one of those sees it stand still until this is noticed.
const LAYER_LAG_MAX: Duration = Duration::from_millis(500);
/// So many frames of others have to come meanwhile: after a pause of the whole line, one layer is always the first.
const LAYER_LAG_FRAMES: u32 = 5;
/// A camera that is silent for this long is off.
pub const FEED_SILENCE_MAX: Duration = Duration::from_secs(2);

/// One quality that the camera offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offered {
    /// Which.
    pub quality: Quality,
    /// The picture's height, 0 where no key frame has told it yet.
    pub height: u16,
    /// Bits a second.
    pub bitrate: u64,
}

/// One camera.
#[derive(Debug)]
pub struct Feed {
    layers: Vec<FeedLayer>,
    heard_at: Instant,
}

/// One encoding of it.
#[derive(Debug)]
pub struct FeedLayer {
    size: Option<FrameSize>,
    meter: Meter,
    recent: Recent,
    /// What is asked of the sender.
    pub requests: KeyframeRequests,
    heard_at: Instant,
    /// Frames of others that have come since.
    lag: u32,
    /// It is missed, while others go on.
    is_missed: bool,
}

impl Feed {
    /// A camera that begins with this packet.
    pub fn new(now: Instant) -> Self {
        Self { layers: Vec::new(), heard_at: now }
    }

    /// When it sent something last.
    pub fn heard_at(&self) -> Instant {
        self.heard_at
    }

    /// Takes in a packet, before it is forwarded. Returns whether the choice of layers has changed by it.
    pub fn take(&mut self, packet: &Arc<FeedPacket>) -> bool {
        let number = usize::from(packet.layer.0);
        if LAYERS_MAX <= number {
            return false;
        }
        let now = packet.arrived;
        let mut is_new = false;
        while self.layers.len() <= number {
            self.layers.push(FeedLayer::new(now));
            is_new = true;
        }
        if packet.descriptor.starts_frame {
            is_new |= self.miss_others(number, now);
        }
        let layer = &mut self.layers[number];
        is_new |= layer.is_missed || layer.is_silent(now, LAYER_SILENCE_MAX);
        (layer.lag, layer.is_missed) = (0, false);
        self.heard_at = self.heard_at.max(now);
        layer.heard_at = layer.heard_at.max(now);
        layer.meter.count(packet.temporal(), packet.payload.len(), now);
        if packet.key.is_some() {
            is_new |= layer.size != packet.key;
            layer.size = packet.key;
            layer.requests.came();
        }
        layer.recent.push(packet);
        is_new
    }

    /// A frame of one layer has come. Returns whether another layer is missed by now.
    fn miss_others(&mut self, number: usize, now: Instant) -> bool {
        let mut has_missed = false;
        for (_, layer) in self.layers.iter_mut().enumerate().filter(|(other, _)| *other != number) {
            layer.lag = layer.lag.saturating_add(1);
            if !layer.is_missed && LAYER_LAG_FRAMES <= layer.lag && layer.is_silent(now, LAYER_LAG_MAX) {
                layer.is_missed = true;
                has_missed = true;
            }
        }
        has_missed
    }

    /// One of its encodings.
    pub fn layer(&mut self, layer: Layer) -> Option<&mut FeedLayer> {
        self.layers.get_mut(usize::from(layer.0))
    }

    /// All that were ever seen.
    pub fn layers(&mut self) -> impl Iterator<Item = (Layer, &mut FeedLayer)> {
        self.layers.iter_mut().enumerate().map(|(number, layer)| (Layer(number as u8), layer))
    }

    /// What it offers now, from the least to the best.
    pub fn offers(&self, now: Instant) -> Vec<Offered> {
        let mut offers = Vec::with_capacity(self.layers.len() * 2);
        for (number, layer) in self.layers.iter().enumerate() {
            if layer.is_missed || layer.is_silent(now, LAYER_SILENCE_MAX) {
                continue;
            }
            let height = layer.size.map_or(0, |size| size.height);
            for temporal in 0..=layer.meter.highest() {
                let quality = Quality { layer: Layer(number as u8), temporal };
                offers.push(Offered { quality, height, bitrate: layer.meter.rate(temporal) });
            }
        }
        offers.sort_by_key(|offer| (offer.height, offer.quality));
        offers
    }
}

impl FeedLayer {
    fn new(now: Instant) -> Self {
        Self {
            size: None,
            meter: Meter::default(),
            recent: Recent::default(),
            requests: KeyframeRequests::default(),
            heard_at: now,
            lag: 0,
            is_missed: false,
        }
    }

    fn is_silent(&self, now: Instant, limit: Duration) -> bool {
        limit < now.saturating_duration_since(self.heard_at)
    }

    /// See [`Recent::replay`].
    pub fn replay(&self, now: Instant) -> impl Iterator<Item = &Arc<FeedPacket>> {
        self.recent.replay(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{after, packet};

    #[test]
    fn a_camera_offers_its_layers_from_the_least_to_the_best() {
        let mut feed = Feed::new(after(0));
        let mut big = packet(1).of(1, 0).key();
        big.key = Some(FrameSize { width: 1280, height: 720 });
        assert!(feed.take(&big.at(after(0)).shared()));
        assert!(feed.take(&packet(1).of(1, 1).key().at(after(0)).shared()));
        assert!(!feed.take(&packet(2).of(1, 1).at(after(1)).shared()));
        let heights: Vec<u16> = feed.offers(after(1)).iter().map(|offer| offer.height).collect();
        assert_eq!(heights, [480, 720]);
    }

    #[test]
    fn a_silent_layer_is_not_offered_until_it_is_back() {
        let mut feed = Feed::new(after(0));
        feed.take(&packet(1).key().at(after(0)).shared());
        assert_eq!(feed.offers(after(1501)), []);
        assert!(feed.take(&packet(2).at(after(1600)).shared()));
        assert_eq!(feed.offers(after(1600)).len(), 1);
    }

    /// Two layers; the other one stops after the first of these times, in milliseconds.
    fn feed_that_loses_a_layer(times: &[u64]) -> (Feed, Vec<bool>) {
        let mut feed = Feed::new(after(0));
        feed.take(&packet(1).of(1, 1).key().at(after(times[0])).shared());
        let told = times.iter().map(|time| feed.take(&packet(1).key().at(after(*time)).shared()));
        let told = told.collect();
        (feed, told)
    }

    #[test]
    fn a_layer_that_stops_while_others_go_on_is_missed_soon() {
        let (mut feed, told) = feed_that_loses_a_layer(&[0, 100, 200, 300, 400, 500, 501, 600]);
        assert_eq!(told, [true, false, false, false, false, false, true, false]);
        assert_eq!(feed.offers(after(600)).len(), 1);
        assert!(feed.take(&packet(2).of(1, 1).at(after(700)).shared()), "it is back");
        assert_eq!(feed.offers(after(700)).len(), 2);
    }

    #[test]
    fn after_a_pause_of_the_whole_line_no_layer_is_missed_at_once() {
        let (feed, told) = feed_that_loses_a_layer(&[0, 900, 910, 920]);
        assert_eq!(told, [true, false, false, false]);
        assert_eq!(feed.offers(after(920)).len(), 2);
    }

    #[test]
    fn a_layer_too_many_is_ignored() {
        let mut feed = Feed::new(after(0));
        feed.take(&packet(1).of(1, LAYERS_MAX as u8 - 1).shared());
        assert!(!feed.take(&packet(1).of(1, LAYERS_MAX as u8).shared()));
        assert_eq!(feed.offers(after(0)).len(), LAYERS_MAX);
    }
}
