//! Live callers under a clock that the test turns: heard by sound, coming and going, and at rest.

use convene_conference::{Channels, Codec};
use convene_test_support::{AMPLITUDE, amplitude};
use gst::prelude::*;

use crate::call::{Call, tone};
use crate::support::assert_heard;

#[test]
fn live_callers_hear_each_other_and_not_themselves() {
    let mut call = Call::of(3);
    call.run(100, AMPLITUDE);
    for seat in 0..3 {
        let others: Vec<f64> = (0..3).filter(|other| *other != seat).map(tone).collect();
        assert_heard(&call.heard(seat), &others, &[tone(seat)]);
    }
}

#[test]
fn callers_come_and_go_while_others_speak() {
    let mut call = Call::of(2);
    call.run(50, AMPLITUDE);
    call.join(2);
    call.run(50, AMPLITUDE);
    call.forget();
    call.run(100, AMPLITUDE);
    assert_heard(&call.heard(2), &[tone(0), tone(1)], &[tone(2)]);
    assert_heard(&call.heard(0), &[tone(1), tone(2)], &[tone(0)]);
    call.leave(1);
    call.run(50, AMPLITUDE);
    call.forget();
    call.run(100, AMPLITUDE);
    assert_heard(&call.heard(0), &[tone(2)], &[tone(0), tone(1)]);
}

#[test]
fn a_call_that_changes_its_codec_goes_on() {
    let mut call = Call::of(3);
    call.run(50, AMPLITUDE);
    for codec in [Codec::Pcmu, Codec::G722, Codec::Pcma, Codec::Opus] {
        call.change_codec(0, codec);
        call.run(50, AMPLITUDE);
        call.forget();
        call.run(100, AMPLITUDE);
        assert_heard(&call.heard(0), &[tone(1), tone(2)], &[tone(0)]);
        assert_heard(&call.heard(1), &[tone(0), tone(2)], &[tone(1)]);
    }
}

#[test]
fn a_listener_keeps_his_gain_when_he_changes_his_codec() {
    let mut call = Call::of(3);
    let pad = call.mixer().static_pad("src_0").expect("the pad is there");
    pad.set_property("gain", 6);
    for codec in [Codec::Opus, Codec::Pcmu] {
        call.change_codec(0, codec);
        call.run(50, AMPLITUDE / 4.0);
        call.forget();
        call.run(100, AMPLITUDE / 4.0);
        let share = |seat| amplitude(&call.heard(seat), tone(1)) / (AMPLITUDE / 4.0);
        assert!((1.6..2.4).contains(&share(0)), "{codec:?}: {}", share(0));
        assert!((0.7..1.3).contains(&share(2)), "{codec:?}: {}", share(2));
    }
}

#[test]
fn whoever_loses_packets_gets_redundancy() {
    let mut call = Call::of(3);
    call.run(50, AMPLITUDE);
    assert_eq!([0, 1, 2].map(|seat| call.is_redundant(seat)), [false; 3]);
    call.lose(1);
    call.run(50, AMPLITUDE);
    assert_eq!([0, 1, 2].map(|seat| call.is_redundant(seat)), [false, true, false]);
    call.forget();
    call.run(100, AMPLITUDE);
    assert_heard(&call.heard(1), &[tone(0), tone(2)], &[tone(1)]);
}

#[test]
fn a_caller_who_stalls_holds_nobody_up() {
    let mut call = Call::of(3);
    call.run(50, AMPLITUDE);
    call.stall(0);
    call.run(30, AMPLITUDE);
    call.forget();
    call.run(100, AMPLITUDE);
    assert_heard(&call.heard(2), &[tone(1)], &[tone(0), tone(2)]);
}

#[test]
fn a_mute_is_heard_at_once() {
    let mut call = Call::of(2);
    call.run(50, AMPLITUDE);
    call.sink(1).set_property("mute", true);
    call.run(30, AMPLITUDE);
    call.forget();
    call.run(100, AMPLITUDE);
    let heard = call.heard(0);
    assert!(heard.iter().all(|sample| sample.abs() < 100), "silence, and little of it");
}

#[test]
fn a_flush_is_a_fresh_start() {
    let mut call = Call::of(2);
    call.run(50, AMPLITUDE);
    call.push_event(0, gst::event::FlushStart::new());
    call.push_event(0, gst::event::FlushStop::new(true));
    call.push_event(0, gst::event::Segment::new(&gst::FormattedSegment::<gst::ClockTime>::new()));
    call.run(50, AMPLITUDE);
    call.forget();
    call.run(100, AMPLITUDE);
    assert_heard(&call.heard(1), &[tone(0)], &[tone(1)]);
}

#[test]
fn when_nobody_sends_no_frame_is_waited_for() {
    let mut call = Call::of(2);
    call.run(50, AMPLITUDE);
    // The last frames are played, callers are told that it rests, and then nothing is due.
    call.rest();
    let before = call.stat("ticks");
    call.advance(gst::ClockTime::from_seconds(60));
    assert_eq!(call.stat("ticks"), before);
    call.run(30, AMPLITUDE);
    call.forget();
    call.run(100, AMPLITUDE);
    assert_heard(&call.heard(1), &[tone(0)], &[tone(1)]);
}

#[test]
fn the_bus_is_told_who_speaks() {
    let mut call = Call::of(2);
    call.run(50, 0.0);
    assert!(call.talkers().is_empty());
    call.run(50, AMPLITUDE);
    let told = call.talkers();
    assert!(
        (4..8).contains(&told.len()),
        "when it changes and five times a second, not {} times",
        told.len()
    );
    let last = told.last().expect("somebody speaks");
    let sinks = last.get::<gst::Array>("sinks").expect("names of pads");
    assert_eq!(sinks.iter().map(|sink| sink.get::<&str>()).collect::<Vec<_>>(), [Ok("sink_0"), Ok("sink_1")]);
    let levels = last.get::<gst::Array>("levels").expect("levels");
    assert!(levels.iter().all(|level| (-20..-14).contains(&level.get::<i32>().expect("dBov"))));
}

#[test]
fn a_stopped_mixer_begins_anew() {
    let mut call = Call::of(2);
    call.run(30, AMPLITUDE);
    let mixer = call.mixer();
    for state in [gst::State::Paused, gst::State::Ready, gst::State::Null] {
        mixer.set_state(state).expect("the mixer stops");
    }
    mixer.set_state(gst::State::Playing).expect("the mixer starts again");
    assert_eq!((call.stat("ticks"), call.stat("participants")), (0, 0));
}

#[test]
fn latency_and_statistics_are_told() {
    let mut call = Call::of(2);
    call.run(50, AMPLITUDE);
    assert_eq!(call.latency(1), (true, gst::ClockTime::from_mseconds(20)));
    let stats = call.sink(0).property::<gst::Structure>("stats");
    assert_eq!(stats.get::<u64>("packets"), Ok(50));
    for (field, count) in [("expected", 50), ("missing", 0), ("late", 0), ("lost", 0), ("concealed", 0)] {
        assert_eq!(stats.get::<u64>(field), Ok(count), "{field}");
    }
    assert!(40 < stats.get::<u64>("played").expect("frames"));
    assert!(stats.get::<f64>("jitter-ms").expect("a time") < 1.0);
    assert_eq!(stats.get::<f64>("packet-ms"), Ok(20.0));
    assert_eq!(stats.get::<u64>("delay-ms"), Ok(25));
    assert!((-20..-14).contains(&stats.get::<i32>("level").expect("a level")));
    assert_eq!(call.stat("participants"), 2);
    assert_eq!(call.stat("listeners"), 2);
}

#[test]
fn a_form_that_nobody_can_give_is_refused() {
    let mut call = Call::of(1);
    for caps in [
        "audio/x-raw,format=S16LE,rate=8000,channels=1,layout=interleaved",
        "application/x-rtp,media=audio,encoding-name=G729,clock-rate=8000",
    ] {
        assert_eq!(call.offer(0, caps), Err(gst::FlowError::NotNegotiated));
    }
}

#[test]
fn music_is_heard_left_and_right_as_long_as_there_is_some() {
    let mut call = Call::following(3);
    call.hear_in_stereo(1);
    call.run(50, AMPLITUDE);
    assert_eq!((call.channels(1), call.stat("channels")), (Some(Channels::Mono), 1));
    call.play(0);
    call.run(50, AMPLITUDE);
    assert_eq!((call.channels(1), call.stat("channels")), (Some(Channels::Stereo), 2));
    call.forget();
    call.run(50, AMPLITUDE);
    let heard = call.heard(1);
    let [left, right] = [0, 1].map(|channel| {
        let sound: Vec<i16> = heard.iter().skip(channel).step_by(2).copied().collect();
        [0, 2].map(|seat| amplitude(&sound, tone(seat)) / AMPLITUDE)
    });
    assert!((0.8..1.2).contains(&left[0]) && right[0] < 0.1, "the music is on the left: {left:?}, {right:?}");
    assert!(left[1] > 0.8 && right[1] > 0.8, "a voice is in the middle: {left:?}, {right:?}");
}

#[test]
fn a_muted_caller_is_not_to_be_had_alone_either() {
    let mut call = Call::of(2);
    let alone = call.alone(1);
    let count = || alone.lock().expect("no panic").len();
    call.run(50, AMPLITUDE);
    assert!(40 < count(), "{}", count());
    let pad = call.mixer().static_pad("sink_1").expect("the pad is there");
    pad.set_property("mute", true);
    call.run(2, AMPLITUDE);
    let before = count();
    call.run(50, AMPLITUDE);
    assert_eq!(count(), before);
    pad.set_property("mute", false);
    call.run(50, AMPLITUDE);
    let buffers = alone.lock().expect("no panic");
    assert!(before + 40 < buffers.len(), "{} after {before}", buffers.len());
    let gaps: Vec<usize> =
        (1..buffers.len()).filter(|at| buffers[*at].flags().contains(gst::BufferFlags::DISCONT)).collect();
    assert_eq!(gaps, [before]);
    assert!(buffers.is_sorted_by_key(|buffer| buffer.pts()));
}
