//! Series of graphics: written while somebody scrolls or types, and at the relay given only to those who can follow.

use std::time::Duration;

use bytes::Bytes;
use convene_screen::{Encoder, Input, Output, PixelOrder, Reader, Record, Rect, ScreenSize, ViewerId};

use crate::desktop::{Desktop, Step};
use crate::network::{Line, Meeting};

const SECOND: Duration = Duration::from_secs(1);
const PAGE: Rect = Rect::new(10, 10, 600, 400);
const GOOD: Line = Line { bytes_a_second: 12_500_000, delay: Duration::from_millis(5) };

fn meeting() -> Meeting {
    Meeting::new(Desktop::page(ScreenSize::new(640, 480).unwrap()))
}

/// The page is scrolled; what the presenter sends.
fn scroll(meeting: &mut Meeting, seed: u64) -> Bytes {
    meeting.desktop.step(&Step::Scroll { rect: PAGE, dx: 0, dy: -9, seed });
    let stored = meeting.desktop.stored(PixelOrder::Bgrx, 0);
    let update = meeting.encoder.frame(stored.frame(), meeting.now).unwrap();
    meeting.stream(&update);
    update
}

/// Each graphic of a series in these bytes: whether it begins one, whether it is shown, and its length.
fn serials(bytes: &[u8], reader: &mut Reader) -> Vec<(bool, bool, usize)> {
    reader.push(bytes);
    let records = std::iter::from_fn(|| reader.next_record().expect("it is well formed"));
    let serial = |record| match record {
        Record::Serial { begins, is_shown, graphic, .. } => Some((begins, is_shown, graphic.len())),
        _ => None,
    };
    records.filter_map(serial).collect()
}

#[test]
fn a_series_begins_with_every_stream_and_size_and_after_so_many_bytes() {
    let mut desktop = Desktop::page(ScreenSize::new(640, 480).unwrap());
    let (mut encoder, mut reader) = (Encoder::new(), Reader::new());
    let mut now = Duration::ZERO;
    let mut show = |desktop: &Desktop, encoder: &mut Encoder| {
        now += Duration::from_millis(40);
        let update = encoder.frame(desktop.stored(PixelOrder::Bgrx, 0).frame(), now).unwrap();
        serials(&update, &mut reader)
    };
    assert_eq!(show(&desktop, &mut encoder), [], "a whole page stands alone");
    let mut lengths = Vec::new();
    for seed in 0..300 {
        desktop.step(&Step::Scroll { rect: PAGE, dx: 0, dy: -9, seed });
        for (begins, is_shown, length) in show(&desktop, &mut encoder) {
            assert!(is_shown);
            if begins {
                lengths.push(0);
            }
            *lengths.last_mut().expect("the first one begins a series") += length;
        }
    }
    assert!(2 < lengths.len(), "{lengths:?}");
    let (_, whole) = lengths.split_last().unwrap();
    assert!(whole.iter().all(|bytes| (128 * 1024..140 * 1024).contains(bytes)), "{lengths:?}");

    let first = |serials: Vec<(bool, bool, usize)>| serials.first().map(|(begins, ..)| *begins);
    let letter = |seed| Step::Noise { rect: Rect::new(30, 30, 9, 14), seed, colours: 2 };
    desktop.step(&letter(1));
    assert_eq!(first(show(&desktop, &mut encoder)), Some(false));
    encoder.restart();
    show(&desktop, &mut encoder);
    desktop.step(&letter(2));
    assert_eq!(first(show(&desktop, &mut encoder)), Some(true));
    desktop = Desktop::page(ScreenSize::new(500, 300).unwrap());
    show(&desktop, &mut encoder);
    desktop.step(&letter(3));
    assert_eq!(first(show(&desktop, &mut encoder)), Some(true));
}

/// Somebody joins in the middle of a series: what they have missed is taught, and from then on they are handed what the others are.
#[test]
fn who_comes_late_on_a_good_line_soon_follows() {
    let mut meeting = meeting();
    meeting.join(1, GOOD);
    meeting.present();
    meeting.rest(10 * SECOND);
    for seed in 0..20 {
        scroll(&mut meeting, seed);
        meeting.wait(SECOND / 20);
    }
    meeting.join(2, GOOD);
    meeting.rest(10 * SECOND);
    meeting.assert_all_equal();
    let [missed, all] = [2, 1].map(|id| (meeting.viewer(id).hidden, meeting.viewer(id).serials));
    assert_eq!((missed.0, all.0), (all.1, 0), "all that was missed, and nothing else");
    for seed in 20..30 {
        let update = scroll(&mut meeting, seed);
        let Output::Send(bytes) = meeting.relay.poll(ViewerId(2), meeting.now) else {
            panic!("nothing to send")
        };
        assert_eq!(bytes, update);
        let viewer = meeting.viewer(2);
        viewer.decoder.push(&bytes);
        assert!(viewer.decoder.next_update().unwrap().is_some());
        let bytes = viewer.decoder.painted_bytes();
        meeting.relay.handle(Input::Painted { viewer: ViewerId(2), bytes }, meeting.now).unwrap();
    }
}

#[test]
fn who_does_not_read_series_gets_each_graphic_by_itself() {
    let mut meeting = meeting();
    meeting.join(1, GOOD);
    meeting.join(2, GOOD);
    meeting
        .relay
        .handle(Input::Reads { viewer: ViewerId(2), films: true, series: false }, meeting.now)
        .unwrap();
    meeting.present();
    meeting.rest(10 * SECOND);
    for seed in 0..20 {
        scroll(&mut meeting, seed);
        meeting.wait(SECOND / 20);
    }
    meeting.rest(10 * SECOND);
    meeting.assert_all_equal();
    assert!(20 <= meeting.viewer(1).serials);
    assert_eq!((meeting.viewer(2).serials, meeting.viewer(2).hidden), (0, 0));
}

/// Lines that are too slow for what is scrolled, for a while: what a viewer cannot follow it never gets (its decoder would refuse it), and all are exact.
#[test]
fn who_misses_some_of_a_series_gets_nothing_that_needs_it() {
    let mut meeting = meeting();
    for (id, kbit) in [(1, 100_000), (2, 20_000), (3, 400), (4, 56)] {
        meeting.join(id, Line::new(kbit, 20));
    }
    meeting.present();
    meeting.wait(2 * SECOND);
    for seed in 0..300 {
        // A good line has its moments.
        meeting.viewer(2).line = Line::new(if seed % 60 < 10 { 20 } else { 20_000 }, 20);
        scroll(&mut meeting, seed);
        // Now and then somebody reads.
        let pause = if seed % 60 == 59 { 3 * SECOND } else { SECOND / 20 };
        meeting.wait(pause);
    }
    meeting.rest(120 * SECOND);
    meeting.assert_all_equal();
    let serials = |meeting: &mut Meeting, id| (meeting.viewer(id).serials, meeting.viewer(id).hidden);
    let (all, none) = serials(&mut meeting, 1);
    assert!(300 <= all && none == 0, "{all} and {none} hidden");
    let (some, hidden) = serials(&mut meeting, 2);
    assert!(0 < some && some < all && 0 < hidden, "{some} and {hidden} hidden");
    let (few, _) = serials(&mut meeting, 4);
    assert!(few < some, "{few}");
}
