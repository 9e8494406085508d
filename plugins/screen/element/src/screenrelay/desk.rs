//! Who sits where and has got how much: the relay's book-keeping. No GStreamer here, no clock and no threads but the bells that wake them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use convene_screen::{Input, Output, Relay, StreamError, ViewerId};
use parking_lot::Condvar;

/// How long the end of the stream waits for a viewer that has not yet said that everything is painted.
const LAST_WORD_MAX: Duration = Duration::from_secs(5);
/// How long a seat rests whose downstream is flushing: it cannot tell us when it is ready again.
const REST: Duration = Duration::from_millis(50);

/// A request pad's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seat(pub u32);

/// The relay and everybody around it.
#[derive(Default)]
pub struct Desk {
    relay: Relay,
    places: BTreeMap<Seat, Place>,
    next_viewer: u32,
    /// The stream was refused, and said so.
    refused: bool,
    /// When the presenter's stream ended.
    ended: Option<Duration>,
    /// Wakes the thread that serves all acknowledging viewers.
    pub worker_bell: Arc<Condvar>,
}

/// One pad's place at the desk; somebody may sit there or not.
struct Place {
    bell: Arc<Condvar>,
    viewer: Option<Viewer>,
    /// Bytes ever sent from here, to all who sat here.
    sent: u64,
    /// The pad is active, so that a thread of its own may serve it.
    open: bool,
    /// A piece was given out and neither pushed nor refused yet.
    pushing: bool,
    rest_until: Duration,
}

struct Viewer {
    id: ViewerId,
    habits: Habits,
    /// Bytes that were sent from this place before this viewer's stream began.
    sent_before: u64,
    /// Bytes of this viewer's stream that are on show.
    painted: u64,
    introduced: bool,
}

/// How a viewer watches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Habits {
    /// It says itself what it has painted.
    pub acknowledges: bool,
    /// It decodes films.
    pub plays_films: bool,
    /// It reads series of graphics.
    pub reads_series: bool,
}

/// What to do for a seat.
#[derive(Debug, PartialEq, Eq)]
pub enum Order {
    /// Push this; with the events that begin a stream before it if it is the first.
    Push {
        /// Whole records.
        piece: Bytes,
        /// The first of this stream.
        first: bool,
    },
    /// The presenter's stream has ended and this viewer has all of it: push the end, with the events that begin a stream before it if
    /// nothing was ever pushed. Nobody sits there any more.
    PushEnd {
        /// Nothing was pushed before.
        first: bool,
    },
    /// Ask again when the bell rings, or then.
    Wait(Option<Duration>),
}

impl Desk {
    /// Makes a place; its bell rings whenever asking for it again may give something else.
    pub fn add(&mut self, seat: Seat) -> Arc<Condvar> {
        let bell = Arc::new(Condvar::new());
        let place = Place {
            bell: Arc::clone(&bell),
            viewer: None,
            sent: 0,
            open: false,
            pushing: false,
            rest_until: Duration::ZERO,
        };
        self.places.insert(seat, place);
        bell
    }

    /// Takes the place away.
    pub fn remove(&mut self, seat: Seat, now: Duration) {
        self.stand_up(seat, now);
        self.places.remove(&seat);
    }

    /// The place may be used from now on.
    pub fn open(&mut self, seat: Seat) {
        if let Some(place) = self.places.get_mut(&seat) {
            place.open = true;
        }
    }

    /// Nobody can sit here any longer, and a thread that serves this place alone comes home.
    pub fn close(&mut self, seat: Seat, now: Duration) {
        self.stand_up(seat, now);
        if let Some(place) = self.places.get_mut(&seat) {
            place.open = false;
        }
        self.ring(seat);
    }

    /// See [`Desk::open`].
    pub fn is_open(&self, seat: Seat) -> bool {
        self.places.get(&seat).is_some_and(|place| place.open)
    }

    /// A piece is on its way from here.
    pub fn is_pushing(&self, seat: Seat) -> bool {
        self.places.get(&seat).is_some_and(|place| place.pushing)
    }

    /// All forget the presenter and the screen; the places stay, and nobody sits there.
    pub fn clear(&mut self) {
        for place in self.places.values_mut() {
            place.viewer = None;
        }
        self.relay = Relay::new();
        self.refused = false;
        self.ended = None;
        self.ring_all();
    }

    /// Somebody watches from here: a stream begins, with the whole screen. Whoever sat here before is gone.
    pub fn sit_down(&mut self, seat: Seat, habits: Habits, now: Duration) {
        self.stand_up(seat, now);
        let Some(place) = self.places.get_mut(&seat).filter(|place| place.open) else {
            return;
        };
        let id = ViewerId(self.next_viewer);
        self.next_viewer = self.next_viewer.wrapping_add(1);
        place.viewer = Some(Viewer { id, habits, sent_before: place.sent, painted: 0, introduced: false });
        carried(self.relay.handle(Input::Join(id), now));
        let (films, series) = (habits.plays_films, habits.reads_series);
        carried(self.relay.handle(Input::Reads { viewer: id, films, series }, now));
        self.ring(seat);
    }

    /// Nobody watches from here any longer.
    pub fn stand_up(&mut self, seat: Seat, now: Duration) {
        let viewer = self.places.get_mut(&seat).and_then(|place| place.viewer.take());
        if let Some(viewer) = viewer {
            carried(self.relay.handle(Input::Leave(viewer.id), now));
        }
        self.ring(seat);
    }

    /// The viewer lost track: its stream begins anew.
    pub fn begin_anew(&mut self, seat: Seat, now: Duration) {
        let sitting = self.viewer(seat).map(|viewer| (viewer.habits, viewer.introduced));
        if let Some((habits, introduced)) = sitting {
            self.sit_down(seat, habits, now);
            if let Some(viewer) = self.places.get_mut(&seat).and_then(|place| place.viewer.as_mut()) {
                viewer.introduced = introduced;
            }
        }
    }

    /// A viewer watches from here.
    pub fn is_taken(&self, seat: Seat) -> bool {
        self.viewer(seat).is_some()
    }

    /// The viewer here says itself what it has painted.
    pub fn acknowledges(&self, seat: Seat) -> bool {
        self.viewer(seat).is_some_and(|viewer| viewer.habits.acknowledges)
    }

    /// All seats whose viewers acknowledge.
    pub fn acknowledging_seats(&self) -> Vec<Seat> {
        let acknowledges =
            |place: &Place| place.viewer.as_ref().is_some_and(|viewer| viewer.habits.acknowledges);
        self.places.iter().filter(|(_, place)| acknowledges(place)).map(|(seat, _)| *seat).collect()
    }

    /// The presenter's bytes. Gives how many of them are taken in so far, and an error only the first time that a stream is refused.
    pub fn stream(&mut self, bytes: &[u8], now: Duration) -> (u64, Option<StreamError>) {
        let mut news = None;
        match self.relay.handle(Input::Stream(bytes), now) {
            Ok(()) => self.refused = false,
            Err(error) if !self.refused => {
                self.refused = true;
                news = Some(error);
            }
            Err(_) => {}
        }
        self.ring_all();
        (self.relay.taken_bytes(), news)
    }

    /// What follows is a fresh stream; viewers keep the screen.
    pub fn presenter_changed(&mut self, now: Duration) {
        self.refused = false;
        self.ended = None;
        carried(self.relay.handle(Input::PresenterChanged, now));
        self.ring_all();
    }

    /// The presenter's stream is over: viewers get the rest, then the end.
    pub fn end(&mut self, now: Duration) {
        self.ended = Some(now);
        self.ring_all();
    }

    /// A viewer has so many bytes on show, counted since its pad was made.
    pub fn painted(&mut self, seat: Seat, bytes: u64, now: Duration) {
        let Some(place) = self.places.get_mut(&seat) else {
            return;
        };
        if let Some(viewer) = &mut place.viewer {
            // Nobody can have painted more than was sent.
            viewer.painted = bytes.min(place.sent).saturating_sub(viewer.sent_before);
            carried(self.relay.handle(Input::Painted { viewer: viewer.id, bytes: viewer.painted }, now));
        }
        self.ring(seat);
    }

    /// A push from here has returned: without acknowledgements that is as good as painted.
    pub fn pushed(&mut self, seat: Seat, now: Duration) {
        let Some(place) = self.places.get_mut(&seat) else {
            return;
        };
        place.pushing = false;
        let sent = place.sent;
        if self.viewer(seat).is_some_and(|viewer| !viewer.habits.acknowledges) {
            self.painted(seat, sent, now);
        }
        self.ring(seat);
    }

    /// A push from here came to nothing as downstream is flushing: the viewer needs the whole screen, but not at once.
    pub fn flushed(&mut self, seat: Seat, now: Duration) {
        self.begin_anew(seat, now);
        if let Some(place) = self.places.get_mut(&seat) {
            place.pushing = false;
            place.rest_until = now + REST;
        }
        self.ring(seat);
    }

    /// A push from here came to nothing for good.
    pub fn failed(&mut self, seat: Seat, now: Duration) {
        self.stand_up(seat, now);
        if let Some(place) = self.places.get_mut(&seat) {
            place.pushing = false;
        }
        self.ring(seat);
    }

    /// What to do for this seat now.
    pub fn order(&mut self, seat: Seat, now: Duration) -> Order {
        let Some(place) = self.places.get_mut(&seat) else {
            return Order::Wait(None);
        };
        let Some(viewer) = &mut place.viewer else {
            return Order::Wait(None);
        };
        if now < place.rest_until {
            return Order::Wait(Some(place.rest_until));
        }
        let first = !viewer.introduced;
        match self.relay.poll(viewer.id, now) {
            Output::Send(piece) => {
                viewer.introduced = true;
                place.sent += piece.len() as u64;
                place.pushing = true;
                Order::Push { piece, first }
            }
            Output::Wait { until } => {
                let Some(ended) = self.ended else {
                    return Order::Wait(until);
                };
                let patience = ended + LAST_WORD_MAX;
                let all_painted = place.sent - viewer.sent_before <= viewer.painted;
                if now < patience && (until.is_some() || !all_painted) {
                    return Order::Wait(Some(until.unwrap_or(patience).min(patience)));
                }
                self.stand_up(seat, now);
                Order::PushEnd { first }
            }
        }
    }

    fn viewer(&self, seat: Seat) -> Option<&Viewer> {
        self.places.get(&seat)?.viewer.as_ref()
    }

    fn ring(&self, seat: Seat) {
        if let Some(place) = self.places.get(&seat) {
            place.bell.notify_all();
        }
        self.worker_bell.notify_all();
    }

    fn ring_all(&self) {
        for place in self.places.values() {
            place.bell.notify_all();
        }
        self.worker_bell.notify_all();
    }
}

/// The pad's name.
impl std::fmt::Display for Seat {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "src_{}", self.0)
    }
}

/// Only the presenter's bytes can be refused.
fn carried(result: Result<(), StreamError>) {
    debug_assert_eq!(result, Ok(()), "viewers coming and going break no stream");
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use convene_screen::{Colour, Record, Rect, ScreenSize};

    use super::*;

    const SEAT: Seat = Seat(0);

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    fn blue_screen() -> Vec<u8> {
        let mut out = BytesMut::new();
        Record::Start.write(&mut out);
        Record::Size(ScreenSize::new(64, 64).expect("a small screen")).write(&mut out);
        let blue = Colour { red: 0, green: 0, blue: 255 };
        Record::Fill { rect: Rect::new(0, 0, 64, 64), colour: blue }.write(&mut out);
        Record::Update { time_us: 1 }.write(&mut out);
        out.to_vec()
    }

    /// A desk with somebody at its one seat, to whom everything was pushed.
    fn desk_with_viewer(acknowledging: bool) -> (Desk, u64) {
        let mut desk = Desk::default();
        desk.add(SEAT);
        desk.open(SEAT);
        desk.sit_down(SEAT, Habits { acknowledges: acknowledging, ..Habits::default() }, ms(0));
        desk.stream(&blue_screen(), ms(0));
        let mut sent = 0;
        while let Order::Push { piece, first } = desk.order(SEAT, ms(1)) {
            assert_eq!(first, sent == 0);
            sent += piece.len() as u64;
            desk.pushed(SEAT, ms(1));
        }
        assert_ne!(sent, 0);
        (desk, sent)
    }

    #[test]
    fn the_end_comes_at_once_where_nobody_has_to_say_what_is_painted() {
        let (mut desk, _) = desk_with_viewer(false);
        desk.end(ms(10));
        assert_eq!(desk.order(SEAT, ms(10)), Order::PushEnd { first: false });
        assert!(!desk.is_taken(SEAT));
    }

    #[test]
    fn the_end_waits_for_the_last_word() {
        let (mut desk, sent) = desk_with_viewer(true);
        desk.end(ms(10));
        assert_eq!(desk.order(SEAT, ms(20)), Order::Wait(Some(ms(5010))));
        desk.painted(SEAT, sent, ms(30));
        assert_eq!(desk.order(SEAT, ms(30)), Order::PushEnd { first: false });
    }

    #[test]
    fn but_not_for_ever() {
        let (mut desk, _) = desk_with_viewer(true);
        desk.end(ms(10));
        assert_eq!(desk.order(SEAT, ms(5009)), Order::Wait(Some(ms(5010))));
        assert_eq!(desk.order(SEAT, ms(5010)), Order::PushEnd { first: false });
    }

    #[test]
    fn a_viewer_of_an_empty_meeting_gets_its_end_introduced() {
        let mut desk = Desk::default();
        desk.add(SEAT);
        desk.open(SEAT);
        desk.sit_down(SEAT, Habits::default(), ms(0));
        desk.end(ms(1));
        assert_eq!(desk.order(SEAT, ms(1)), Order::PushEnd { first: true });
    }

    #[test]
    fn a_flushing_seat_rests_and_then_gets_the_whole_screen() {
        let (mut desk, sent) = desk_with_viewer(false);
        desk.flushed(SEAT, ms(100));
        assert_eq!(desk.order(SEAT, ms(100)), Order::Wait(Some(ms(150))));
        let Order::Push { piece, first } = desk.order(SEAT, ms(150)) else {
            panic!("it has rested");
        };
        assert!(!first, "downstream knows the stream already");
        assert!(crate::stream::begins(&piece));
        assert!(sent / 2 < piece.len() as u64);
    }

    #[test]
    fn nobody_sits_down_at_a_closed_place() {
        let (mut desk, _) = desk_with_viewer(false);
        desk.close(SEAT, ms(10));
        desk.sit_down(SEAT, Habits::default(), ms(11));
        assert!(!desk.is_taken(SEAT));
        assert_eq!(desk.order(SEAT, ms(12)), Order::Wait(None));
    }

    #[test]
    fn what_is_painted_counts_from_the_pads_beginning_also_after_another_sat_there() {
        let (mut desk, sent) = desk_with_viewer(true);
        desk.begin_anew(SEAT, ms(10));
        let mut again = 0;
        while let Order::Push { piece, .. } = desk.order(SEAT, ms(10)) {
            again += piece.len() as u64;
            desk.pushed(SEAT, ms(10));
        }
        desk.end(ms(11));
        desk.painted(SEAT, sent + again - 1, ms(12));
        assert!(matches!(desk.order(SEAT, ms(12)), Order::Wait(_)));
        desk.painted(SEAT, sent + again, ms(12));
        assert_eq!(desk.order(SEAT, ms(12)), Order::PushEnd { first: false });
    }

    #[test]
    fn a_refused_stream_is_told_once() {
        let (mut desk, _) = desk_with_viewer(false);
        let malformed = b"\x05\x00\x00\x00\x0a\xff\xff\xff\xff\xff\xff\xff\xff\0\0";
        assert!(desk.stream(malformed, ms(10)).1.is_some());
        assert!(desk.stream(malformed, ms(11)).1.is_none());
        desk.presenter_changed(ms(12));
        assert!(desk.stream(&blue_screen(), ms(13)).1.is_none());
        assert!(desk.stream(malformed, ms(14)).1.is_some());
    }
}
