//! What the signals carry: structures of lists, which any language can take apart.

use convene_relay::{PeerReport, PeerState, RoomEvent, SlotReport, Wish};
use gst::glib;

use super::members::Members;

/// `answer, sdp=…` or `refused, message=…`.
pub fn answer(answer: Result<String, String>) -> gst::Structure {
    match answer {
        Ok(sdp) => gst::Structure::builder("answer").field("sdp", sdp).build(),
        Err(message) => gst::Structure::builder("refused").field("message", message).build(),
    }
}

/// Reads `wish, feeds=<…>, heights=<…>`: a feed without a height is shown at the height of the one before, or at 360 lines.
pub fn wish(structure: &gst::StructureRef, members: &mut Members) -> Vec<Wish> {
    let feeds = structure.get::<gst::Array>("feeds").map(|feeds| feeds.to_vec()).unwrap_or_default();
    let heights = structure.get::<gst::Array>("heights").map(|heights| heights.to_vec()).unwrap_or_default();
    let mut height = 360;
    let mut wishes = Vec::with_capacity(feeds.len());
    for (number, feed) in feeds.iter().enumerate() {
        let said = heights.get(number).and_then(|height| height.get::<i32>().ok());
        height = said.and_then(|said| u32::try_from(said).ok()).unwrap_or(height);
        let feed = feed.get::<&str>().ok().and_then(|name| members.id_or_new(name));
        wishes.extend(feed.map(|feed| Wish { feed, height }));
    }
    wishes
}

/// A peer's state as the signal says it.
pub fn state(state: PeerState) -> Option<&'static str> {
    match state {
        PeerState::Expected => None,
        PeerState::Connected => Some("connected"),
        PeerState::Disconnected => Some("disconnected"),
        PeerState::Failed => Some("failed"),
        PeerState::Closed => Some("closed"),
    }
}

/// The signal that an event is told by, and its arguments; none for packets, and for peers that nobody knows any longer.
pub fn signal(event: &RoomEvent, members: &Members) -> Option<(&'static str, Vec<glib::Value>)> {
    let name = |id| members.name(id).unwrap_or_default().to_owned();
    match event {
        RoomEvent::Peer { peer, state: now } => {
            let peer = members.name(*peer)?.to_value();
            Some(("peer-state", vec![peer, state(*now)?.to_value()]))
        }
        RoomEvent::Slots { peer, slots } => {
            let peer = members.name(*peer)?.to_value();
            let mids = gst::Array::new(slots.iter().map(|(mid, _)| mid.as_str()));
            let feeds = gst::Array::new(slots.iter().map(|(_, feed)| feed.map_or_else(String::new, name)));
            let slots = gst::Structure::builder("slots").field("mids", mids).field("feeds", feeds).build();
            Some(("slots-changed", vec![peer, slots.to_value()]))
        }
        RoomEvent::Feeds(feeds) => Some(("feeds-changed", vec![peers("feeds", feeds, members).to_value()])),
        RoomEvent::Speakers(speakers) => {
            Some(("speakers-changed", vec![peers("speakers", speakers, members).to_value()]))
        }
        RoomEvent::Voice { .. }
        | RoomEvent::Feed { .. }
        | RoomEvent::H264 { .. }
        | RoomEvent::KeyframeWanted(_)
        | RoomEvent::VoiceLost(_) => None,
    }
}

fn peers(name: &str, ids: &[convene_relay::PeerId], members: &Members) -> gst::Structure {
    let names = ids.iter().filter_map(|id| members.name(*id));
    gst::Structure::builder(name).field("peers", gst::Array::new(names)).build()
}

/// `stats, peers=<…>`: a structure for each peer with one for each slot.
pub fn stats(reports: &[PeerReport], members: &Members) -> gst::Structure {
    let peers = reports.iter().filter_map(|report| {
        let slots = report.slots.iter().map(|slot| slot_stats(slot, members));
        let stats = gst::Structure::builder("peer")
            .field("peer", members.name(report.peer)?)
            .field("state", state(report.state).unwrap_or("expected"))
            .field_if_some("estimate", report.estimate)
            .field_if_some("loss", report.loss.map(f64::from))
            .field_if_some("round-trip-ms", report.round_trip.map(|trip| trip.as_secs_f64() * 1000.0))
            .field("slots", gst::Array::new(slots))
            .build();
        Some(stats)
    });
    gst::Structure::builder("stats").field("peers", gst::Array::new(peers)).build()
}

fn slot_stats(slot: &SlotReport, members: &Members) -> gst::Structure {
    let feed = slot.feed.and_then(|feed| members.name(feed)).unwrap_or_default();
    gst::Structure::builder("slot")
        .field("mid", &slot.mid)
        .field("feed", feed)
        .field("layer", slot.shown.map_or(-1, |shown| i32::from(shown.layer.0)))
        .field("temporal", slot.shown.map_or(-1, |shown| i32::from(shown.temporal)))
        .field("wanted-layer", slot.wanted.map_or(-1, |wanted| i32::from(wanted.layer.0)))
        .field("why", slot.why.word())
        .field("bitrate", slot.bitrate)
        .field("packets", slot.packets)
        .build()
}

use glib::prelude::ToValue;
