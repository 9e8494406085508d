//! One presenter, many viewers, on good lines and bad ones.

use std::time::Duration;

use convene_screen::{Input, Output, Picture, PixelOrder, Reader, Record, Rect, Relay, ScreenSize, ViewerId};

use crate::desktop::{Desktop, Step};
use crate::network::{Line, Meeting};

const SECOND: Duration = Duration::from_secs(1);
/// Nobody is in the middle of more than this, whatever the line.
const WINDOW_MAX: u64 = 4 * 1024 * 1024;

fn size(width: u32, height: u32) -> ScreenSize {
    ScreenSize::new(width, height).expect("within the limits")
}

fn meeting() -> Meeting {
    Meeting::new(Desktop::page(size(640, 480)))
}

/// Something happens on the screen.
fn act(meeting: &mut Meeting) {
    let (x, y) = (meeting.random(600) as u16, meeting.random(440) as u16);
    let (width, height) = (1 + meeting.random(400) as u16, 1 + meeting.random(300) as u16);
    let (rect, seed) = (Rect::new(x, y, width, height), meeting.random(1 << 30));
    let step = match meeting.random(9) {
        0..3 => Step::Scroll { rect, dx: 0, dy: 20 - meeting.random(40) as i32, seed },
        3..6 => Step::Noise {
            rect: Rect { width: 1 + width / 8, height: 1 + height / 8, ..rect },
            seed,
            colours: 3,
        },
        6 => Step::Noise { rect, seed, colours: 1 << 24 },
        7 => Step::Photograph { rect, seed },
        _ => Step::Fill { rect, colour: [x as u8, y as u8, 7] },
    };
    meeting.desktop.step(&step);
    meeting.present();
    meeting.point(x as i16, y as i16);
}

#[test]
fn at_rest_everybody_sees_the_same() {
    for seed in 0..6 {
        let mut meeting = meeting();
        meeting.chance = seed;
        meeting.join(1, Line::new(100_000, 5));
        meeting.join(2, Line::new(100, 50));
        meeting.join(3, Line::new(5_000, 200));
        for i in 0..60 {
            act(&mut meeting);
            meeting.wait(Duration::from_millis(60));
            match i {
                20 => meeting.join(4, Line::new(20_000, 30)),
                25 => meeting.leave(1),
                30 => meeting.desktop.step(&Step::Resize(size(500, 300))),
                35 => meeting.join(1, Line::new(50_000, 1)),
                40 => meeting.encoder.restart(),
                _ => {}
            }
        }
        meeting.rest(300 * SECOND);
        meeting.assert_all_equal();
        let cursors: Vec<_> = meeting
            .viewers
            .values()
            .map(|viewer| (viewer.decoder.cursor().x, viewer.decoder.cursor().y))
            .collect();
        assert!(cursors.iter().all(|cursor| *cursor == cursors[0]), "{cursors:?}");
    }
}

#[test]
fn a_fast_viewer_is_handed_the_presenters_own_bytes() {
    let mut meeting = meeting();
    meeting.join(1, Line::new(100_000, 5));
    meeting.present();
    meeting.rest(10 * SECOND);
    let (mut relayed, taken) = (meeting.viewer(1).acknowledged_bytes, meeting.relay.taken_bytes());
    let before = relayed;
    for _ in 0..20 {
        meeting.desktop.step(&Step::Scroll { rect: Rect::new(10, 10, 600, 400), dx: 0, dy: -7, seed: 5 });
        let stored = meeting.desktop.stored(PixelOrder::Bgrx, 0);
        let update = meeting.encoder.frame(stored.frame(), meeting.now).unwrap();
        meeting.stream(&update);
        let Output::Send(bytes) = meeting.relay.poll(ViewerId(1), meeting.now) else {
            panic!("nothing to send")
        };
        assert_eq!(bytes, update);
        relayed += bytes.len() as u64;
        meeting.relay.handle(Input::Painted { viewer: ViewerId(1), bytes: relayed }, meeting.now).unwrap();
    }
    assert_eq!(meeting.relay.taken_bytes() - taken, relayed - before);
}

#[test]
fn two_viewers_share_the_bytes() {
    let mut meeting = meeting();
    meeting.join(1, Line::new(100_000, 5));
    meeting.join(2, Line::new(100_000, 5));
    meeting.present();
    meeting.rest(10 * SECOND);
    meeting.desktop.step(&Step::Fill { rect: Rect::new(1, 1, 99, 99), colour: [1, 2, 3] });
    meeting.present();
    let (one, two) =
        (meeting.relay.poll(ViewerId(1), meeting.now), meeting.relay.poll(ViewerId(2), meeting.now));
    let (Output::Send(one), Output::Send(two)) = (one, two) else { panic!("nothing to send") };
    assert_eq!(one.as_ptr(), two.as_ptr());
}

/// What is on its way stays within the window, and the window within what such a line can take.
#[test]
fn a_slow_viewer_never_queues() {
    let mut meeting = meeting();
    meeting.present();
    meeting.join(1, Line::new(100, 50));
    meeting.wait(30 * SECOND);
    for i in 0..600 {
        act(&mut meeting);
        meeting.wait(Duration::from_millis(50));
        let in_flight = meeting.viewer(1).in_flight();
        // Some seconds' worth at first; as soon as the round trip is known well the smallest window, or a cell of noise that cannot be shorter.
        let most = if i < 200 { 96 } else { 20 } * 1024;
        assert!(in_flight <= most, "{in_flight} bytes on their way after {i} changes");
    }
    assert!(5 < meeting.viewer(1).updates, "a slow viewer sees something all the while");
    let time = meeting.rest(120 * SECOND);
    meeting.assert_all_equal();
    assert!(time < 60 * SECOND, "it took {time:?} to catch up with one screen");
}

/// From 100 Mbit/s to 100 kbit/s and back: little is lost in the line when it narrows, and the screen is whole soon after it widens.
#[test]
fn a_throttled_viewer_recovers() {
    let mut meeting = meeting();
    meeting.join(1, Line::new(100_000, 20));
    for kbit in [100_000, 100, 100_000] {
        meeting.viewer(1).line = Line::new(kbit, 20);
        for _ in 0..100 {
            act(&mut meeting);
            meeting.wait(Duration::from_millis(50));
            let in_flight = meeting.viewer(1).in_flight();
            assert!(in_flight < 1024 * 1024, "{in_flight} bytes on their way");
        }
    }
    let time = meeting.rest(60 * SECOND);
    meeting.assert_all_equal();
    assert!(time < SECOND, "{time:?}");
}

#[test]
fn a_viewer_that_never_acknowledges_costs_its_window() {
    let mut meeting = meeting();
    meeting.join(1, Line::new(100_000, 5));
    meeting.viewer(1).is_there = false;
    for _ in 0..200 {
        act(&mut meeting);
        meeting.wait(Duration::from_millis(10));
    }
    assert!(meeting.viewer(1).sent_bytes <= 16 * 1024, "{}", meeting.viewer(1).sent_bytes);
    let nothing = Output::Wait { until: None };
    assert_eq!(meeting.relay.poll(ViewerId(1), meeting.now), nothing, "nor does it wake anybody");
}

/// The same meeting with slow viewers and without: the fast one gets the same bytes at the same times.
#[test]
fn a_fast_viewer_does_not_notice_slow_ones() {
    let run = |slow: u32| {
        let mut meeting = meeting();
        meeting.join(1, Line::new(100_000, 5));
        meeting.present();
        meeting.rest(10 * SECOND);
        (2..2 + slow).for_each(|id| meeting.join(id, Line::new(100, 50)));
        let mut seen = Vec::new();
        for _ in 0..30 {
            act(&mut meeting);
            meeting.wait(Duration::from_millis(50));
            seen.push((meeting.viewer(1).sent_bytes, meeting.viewer(1).updates));
        }
        seen
    };
    assert_eq!(run(0), run(5));
}

/// Forty viewers join a screen of photographs at once: what is encoded for them at one time is little, and all have it in the end.
#[test]
fn a_turn_encodes_little_and_nobody_starves() {
    let mut meeting = Meeting::new(Desktop::page(size(1280, 720)));
    meeting.desktop.step(&Step::Photograph { rect: Rect::new(0, 0, 1280, 704), seed: 7 });
    meeting.present();
    meeting.rest(20 * SECOND);
    let mut encoded = std::collections::BTreeSet::new();
    for id in 1..=40 {
        meeting.relay.handle(Input::Join(ViewerId(id)), meeting.now).unwrap();
        let mut reader = Reader::new();
        while let Output::Send(bytes) = meeting.relay.poll(ViewerId(id), meeting.now) {
            reader.push(&bytes);
            while let Some(record) = reader.next_record().unwrap() {
                if let Record::Picture { rect, .. } = record {
                    encoded.insert(rect);
                }
            }
        }
    }
    let area: usize = encoded.iter().map(|rect| rect.area()).sum();
    assert!((1..400_000).contains(&area), "{area} pixels in one turn");
    (1..=40).for_each(|id| meeting.relay.handle(Input::Leave(ViewerId(id)), meeting.now).unwrap());
    (41..=50).for_each(|id| meeting.join(id, Line::new(20_000, 10)));
    meeting.rest(60 * SECOND);
    meeting.assert_all_equal();
}

/// Somebody types beside a debt that takes many seconds.
/// Its line is too slow for what comes in, so the foot of the page is owed; what is there already goes up all the same.
#[test]
fn what_scrolls_moves_at_a_viewer_in_debt() {
    let mut meeting = meeting();
    meeting.join(1, Line::new(60, 50));
    meeting.desktop.step(&Step::Noise { rect: Rect::new(10, 10, 600, 400), seed: 3, colours: 4 });
    meeting.present();
    meeting.rest(120 * SECOND);
    for seed in 0..40 {
        let rect = Rect::new(10, 10, 600, 400);
        meeting.desktop.step(&Step::Scroll { rect, dx: 0, dy: -8, seed });
        meeting.present();
        meeting.wait(Duration::from_millis(66));
    }
    meeting.wait(SECOND);
    // 320 rows of 400 are new, of which it has some; the other 80 have moved.
    assert!(meeting.shows(1, Rect::new(64, 10, 500, 54)), "what was there has moved");
    assert!(!meeting.shows(1, Rect::new(64, 300, 500, 100)), "it is in debt");
    meeting.rest(120 * SECOND);
    meeting.assert_all_equal();
}

#[test]
fn what_is_typed_overtakes_a_debt() {
    let mut meeting = meeting();
    meeting.present();
    meeting.join(1, Line::new(100, 50));
    meeting.rest(60 * SECOND);
    meeting.desktop.step(&Step::Noise { rect: Rect::new(0, 0, 640, 320), seed: 1, colours: 1 << 24 });
    meeting.present();
    meeting.wait(2 * SECOND);
    let typed = Rect::new(100, 400, 30, 12);
    meeting.desktop.step(&Step::Noise { rect: typed, seed: 2, colours: 2 });
    meeting.present();
    let start = meeting.now;
    while !meeting.shows(1, typed) {
        meeting.wait(Duration::from_millis(20));
        assert!(meeting.now - start < 3 * SECOND, "what is typed waits for the debt");
    }
    assert!(!meeting.shows(1, Rect::new(0, 0, 640, 320)), "there is a debt");
}

#[test]
fn a_late_joiner_gets_the_whole_screen_and_the_pointer() {
    let mut meeting = meeting();
    let arrow = vec![0x80; 16 * 16 * 4];
    meeting.encoder.shape_cursor(convene_screen::Point { x: 2, y: 3 }, 16, 16, &arrow).unwrap();
    meeting.present();
    for _ in 0..10 {
        act(&mut meeting);
    }
    meeting.point(77, 88);
    meeting.wait(SECOND);
    meeting.join(1, Line::new(10_000, 20));
    let time = meeting.rest(10 * SECOND);
    meeting.assert_all_equal();
    let cursor = meeting.viewer(1).decoder.cursor().clone();
    assert_eq!((cursor.x, cursor.y, cursor.visible), (77, 88, true));
    assert_eq!(cursor.picture.unwrap().bgra, arrow);
    assert!(time < 2 * SECOND, "{time:?}");
}

/// A joiner's pictures are encoded once: the second one gets the same records.
#[test]
fn two_late_joiners_get_the_same_pictures() {
    let mut meeting = meeting();
    meeting.present();
    let pieces = |meeting: &mut Meeting, id: u32| {
        meeting.relay.handle(Input::Join(ViewerId(id)), meeting.now).unwrap();
        std::iter::from_fn(|| match meeting.relay.poll(ViewerId(id), meeting.now) {
            Output::Send(bytes) => Some(bytes),
            Output::Wait { .. } => None,
        })
        .collect::<Vec<_>>()
    };
    assert_eq!(pieces(&mut meeting, 1), pieces(&mut meeting, 2));
}

/// The pointer goes in front of the pixels that a viewer in debt still waits for.
#[test]
fn the_pointer_overtakes_a_debt() {
    let mut meeting = meeting();
    meeting.desktop.step(&Step::Noise { rect: Rect::new(0, 0, 640, 480), seed: 1, colours: 1 << 24 });
    meeting.present();
    meeting.join(1, Line::new(1_000, 20));
    meeting.wait(10 * SECOND);
    meeting.rest(60 * SECOND);
    meeting.desktop.step(&Step::Noise { rect: Rect::new(0, 0, 640, 480), seed: 2, colours: 1 << 24 });
    meeting.present();
    meeting.wait(Duration::from_millis(20));
    for x in 0..50 {
        meeting.point(x, 9);
    }
    let (id, now) = (ViewerId(1), meeting.now);
    let Output::Send(bytes) = meeting.relay.poll(id, now) else {
        panic!("the pointer waits behind the pixels")
    };
    assert_eq!(records(&bytes)[0], Record::Cursor { x: 49, y: 9, visible: true });
    assert_eq!(bytes.len(), 23, "only the newest place is sent");
}

#[test]
fn a_half_update_of_a_presenter_that_vanished_is_never_shown() {
    let mut meeting = meeting();
    meeting.join(1, Line::new(100_000, 5));
    meeting.present();
    meeting.rest(10 * SECOND);
    let before = meeting.desktop.clone();

    meeting.desktop.step(&Step::Noise { rect: Rect::new(5, 5, 600, 400), seed: 3, colours: 4000 });
    let stored = meeting.desktop.stored(PixelOrder::Bgrx, 0);
    let update = meeting.encoder.frame(stored.frame(), meeting.now).unwrap();
    meeting.stream(&update[..update.len() - 1]);
    meeting.relay.handle(Input::PresenterChanged, meeting.now).unwrap();
    meeting.encoder.forget();
    meeting.join(2, Line::new(100_000, 5));
    meeting.rest(10 * SECOND);
    let after = std::mem::replace(&mut meeting.desktop, before);
    meeting.assert_all_equal();

    // The next presenter begins anew, with another size.
    meeting.desktop = after;
    meeting.desktop.step(&Step::Resize(size(333, 222)));
    meeting.present();
    meeting.rest(10 * SECOND);
    meeting.assert_all_equal();
}

#[test]
fn a_refused_stream_leaves_the_last_good_screen() {
    let mut meeting = meeting();
    meeting.join(1, Line::new(100_000, 5));
    meeting.present();
    let mut bad = bytes::BytesMut::new();
    Record::Fill { rect: Rect::new(0, 0, 640, 480), colour: Default::default() }.write(&mut bad);
    Record::Picture {
        rect: Rect::new(0, 0, 4, 4),
        picture: Picture::WebP(bytes::Bytes::from_static(b"not a picture")),
    }
    .write(&mut bad);
    let error = meeting.relay.handle(Input::Stream(&bad), meeting.now).unwrap_err();
    assert_eq!(error.name(), "bad-picture");
    assert_eq!(meeting.relay.handle(Input::Stream(&bad), meeting.now), Ok(()), "it is told once");
    meeting.join(2, Line::new(100_000, 5));
    meeting.rest(10 * SECOND);
    meeting.assert_all_equal();

    // A fresh stream is read again.
    meeting.desktop.step(&Step::Fill { rect: Rect::new(1, 1, 9, 9), colour: [1, 2, 3] });
    meeting.encoder.restart();
    let stored = meeting.desktop.stored(PixelOrder::Bgrx, 0);
    let update = meeting.encoder.frame(stored.frame(), meeting.now).unwrap();
    assert_eq!(meeting.relay.handle(Input::Stream(&update), meeting.now), Ok(()));
    meeting.rest(10 * SECOND);
    meeting.assert_all_equal();
}

#[test]
fn acknowledgements_that_lie_do_no_harm() {
    let mut meeting = meeting();
    meeting.join(1, Line::new(100_000, 5));
    for bytes in [u64::MAX, 0, 5, u64::MAX] {
        meeting.relay.handle(Input::Painted { viewer: ViewerId(1), bytes }, meeting.now).unwrap();
        meeting.relay.handle(Input::Painted { viewer: ViewerId(99), bytes }, meeting.now).unwrap();
        act(&mut meeting);
        while let Output::Send(bytes) = meeting.relay.poll(ViewerId(1), meeting.now) {
            assert!((bytes.len() as u64) < WINDOW_MAX);
        }
    }
}

#[test]
fn without_a_presenter_there_is_nothing_to_send() {
    let mut relay = Relay::new();
    relay.handle(Input::Join(ViewerId(1)), SECOND).unwrap();
    assert_eq!(relay.poll(ViewerId(1), SECOND), Output::Wait { until: None });
    assert_eq!(relay.poll(ViewerId(2), SECOND), Output::Wait { until: None });
    assert_eq!(relay.size(), None);
}

fn records(bytes: &[u8]) -> Vec<Record> {
    let mut reader = Reader::new();
    let mut start = bytes::BytesMut::new();
    Record::Start.write(&mut start);
    reader.push(&start);
    reader.push(bytes);
    std::iter::from_fn(|| reader.next_record().unwrap()).skip(1).collect()
}
