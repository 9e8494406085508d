//! What the relay tells, as events.

use std::sync::Arc;

use gst::glib;
use gst::prelude::*;
use parking_lot::Mutex;
use tokio::sync::mpsc::UnboundedSender;

use super::{People, Speakers, TalkEvent};

/// The relay's signals become events. They come from its own threads, which must not wait.
pub(super) fn follow(
    relay: &gst::Element,
    people: &Arc<Mutex<People>>,
    speakers: &Arc<Mutex<Speakers>>,
    events: &UnboundedSender<TalkEvent>,
) {
    let on = |signal: &str, read: fn(&[glib::Value], &Mutex<People>) -> Option<TalkEvent>| {
        let (people, events) = (people.clone(), events.clone());
        relay.connect(signal, false, move |values| {
            if let Some(event) = read(values, &people) {
                // Nobody listens any more once the meeting is over.
                let _ = events.send(event);
            }
            None
        });
    };
    on("slots-changed", |values, people| {
        let viewer = seated(values.get(1)?, people)?;
        let slots = values.get(2)?.get::<gst::Structure>().ok()?;
        let mids = strings(&slots, "mids").into_iter();
        let slots = mids.zip(strings(&slots, "feeds")).map(|(mid, feed)| (mid, person_of(&feed))).collect();
        Some(TalkEvent::Slots { viewer, slots })
    });
    let (known, told) = (speakers.clone(), events.clone());
    relay.connect("speakers-changed", false, move |values| {
        let speakers = values.get(1)?.get::<gst::Structure>().ok()?;
        let mut known = known.lock();
        known.browsers = strings(&speakers, "peers").iter().filter_map(|peer| person_of(peer)).collect();
        let _ = told.send(known.all());
        None
    });
    on("feeds-changed", |values, people| {
        let feeds = values.get(1)?.get::<gst::Structure>().ok()?;
        people.lock().feeds = strings(&feeds, "peers");
        Some(TalkEvent::FeedsChanged)
    });
    on("peer-state", |values, people| {
        let told = match values.get(2)?.get().ok()? {
            "failed" | "closed" => TalkEvent::Gone,
            "disconnected" => TalkEvent::Missed,
            "connected" => TalkEvent::Heard,
            _ => return None,
        };
        seated(values.get(1)?, people).map(told)
    });
}

/// Who has just this seat.
fn seated(peer: &glib::Value, people: &Mutex<People>) -> Option<u32> {
    let peer = peer.get::<String>().ok()?;
    let person = person_of(&peer)?;
    let has_it = people.lock().seats.get(&person).is_some_and(|seat| seat.peer == peer);
    has_it.then_some(person)
}

pub(super) fn person_of(peer: &str) -> Option<u32> {
    peer.split('.').next()?.parse().ok()
}

fn strings(structure: &gst::StructureRef, field: &str) -> Vec<String> {
    let array = structure.get::<gst::Array>(field);
    array.map_or_else(|_| Vec::new(), |array| array.iter().filter_map(|value| value.get().ok()).collect())
}
