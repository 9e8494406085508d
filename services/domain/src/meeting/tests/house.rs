//! Hands and the door.

use super::*;
use crate::{Announcement, Key, SoundFigures};
use convene_recordings::RecordingLayout;

const CALLER: ParticipantId = ParticipantId(7);

fn call(scene: &mut Scene, id: ParticipantId) -> Vec<Order> {
    scene.handle(Input::Call { id, name: DisplayName::parse("Dan".into()).unwrap(), by: None })
}

/// Whether all are told that this hand is up, or down.
fn hand(orders: &[Order]) -> Option<(ParticipantId, bool)> {
    orders.iter().find_map(|order| match order {
        Order::Tell { to: Audience::All, message: Message::ParticipantChanged { participant } } => {
            Some((participant.id, participant.hand))
        }
        _ => None,
    })
}

/// Why somebody who wants in is not let in.
fn reason(orders: &[Order]) -> Option<RefusalReason> {
    match &orders[0] {
        Order::Tell { message: Message::Refused(refusal), .. } => Some(refusal.reason),
        _ => None,
    }
}

#[test]
fn a_hand_is_raised_once_and_lowered_by_its_owner_or_the_host() {
    let mut scene = scene();
    assert_eq!(hand(&scene.handle(Input::Hand(BOB, true))), Some((BOB, true)));
    assert_eq!(scene.handle(Input::Hand(BOB, true)), [], "it is up");
    assert_eq!(hand(&scene.handle(Input::Hand(BOB, false))), Some((BOB, false)));
    scene.handle(Input::Hand(BOB, true));
    let refused = scene.handle(Input::LowerHand { by: CEM, id: BOB });
    assert!(matches!(&refused[..], [Order::Tell { message: Message::Error { .. }, .. }]), "{refused:?}");
    assert_eq!(hand(&scene.handle(Input::LowerHand { by: ANN, id: BOB })), Some((BOB, false)));
    assert_eq!(scene.handle(Input::LowerHand { by: ANN, id: BOB }), []);
}

#[test]
fn a_locked_meeting_lets_in_the_host_and_the_recorder_alone() {
    let mut scene = scene();
    let refused = scene.handle(Input::Lock(BOB, true));
    assert!(matches!(&refused[..], [Order::Tell { message: Message::Error { .. }, .. }]), "{refused:?}");
    let orders = scene.handle(Input::Lock(ANN, true));
    assert_eq!(orders, [Order::Lock(true), all(Message::Locked { locked: true })]);
    assert_eq!(scene.handle(Input::Lock(ANN, true)), []);
    let late = ParticipantId(20);
    assert_eq!(reason(&scene.join(late, "Eve", None)), Some(RefusalReason::Locked));
    assert_eq!(reason(&call(&mut scene, CALLER)), Some(RefusalReason::Locked));
    let host = scene.host.clone();
    let joined = scene.join(ParticipantId(21), "Ann", Some(host));
    assert!(matches!(&joined[0], Order::Tell { message: Message::Joined { locked: true, .. }, .. }));
    assert_eq!(reason(&scene.join_recorder()), None);
    assert_eq!(scene.handle(Input::Lock(ANN, false))[0], Order::Lock(false));
    assert_eq!(reason(&scene.join(ParticipantId(22), "Eve", None)), None);
}

#[test]
fn a_caller_raises_a_hand_counts_and_locks_by_keys_and_is_told() {
    let mut scene = scene();
    call(&mut scene, CALLER);
    let said = |announcement| Order::Announce(CALLER, announcement);
    for (up, announcement) in [(true, Announcement::HandUp), (false, Announcement::HandDown)] {
        let orders = scene.handle(Input::Pressed(CALLER, Key::Hand));
        assert_eq!(hand(&orders), Some((CALLER, up)));
        assert_eq!(orders[1], said(announcement));
    }
    let told = [Announcement::Count(4), Announcement::Names, Announcement::Browsers(3)].map(said);
    assert_eq!(scene.handle(Input::Pressed(CALLER, Key::Count)), told);
    let orders = scene.handle(Input::Pressed(CALLER, Key::Lock));
    assert_eq!((&orders[0], &orders[2]), (&Order::Lock(true), &said(Announcement::Locked)));
    let orders = scene.handle(Input::Pressed(CALLER, Key::Lock));
    assert_eq!((&orders[0], &orders[2]), (&Order::Lock(false), &said(Announcement::Unlocked)));
}

#[test]
fn callers_are_told_what_others_see() {
    let mut scene = scene();
    call(&mut scene, CALLER);
    let is_said = |orders: &[Order], announcement| orders.contains(&Order::Announce(CALLER, announcement));
    assert!(is_said(&scene.handle(Input::Pressed(CALLER, Key::Mute)), Announcement::Muted));
    assert!(is_said(&scene.handle(Input::Pressed(CALLER, Key::Mute)), Announcement::Unmuted));
    assert!(is_said(&scene.handle(Input::Mute { by: ANN, id: CALLER }), Announcement::Muted));
    assert!(is_said(&scene.handle(Input::Pressed(CALLER, Key::MuteAll)), Announcement::AllMuted));
    let recording = recording_id(1);
    let begun = scene.handle(Input::Record(ANN, recording, RecordingLayout::Beside));
    assert!(!is_said(&begun, Announcement::Recording), "not before it is");
    let view = RecordingView { id: recording, state: RecordingState::Recording, message: None };
    assert!(is_said(&scene.handle(Input::RecordingChanged(view)), Announcement::Recording));
    assert!(is_said(&scene.handle(Input::RecordStop(ANN)), Announcement::RecordingStopped));
}

#[test]
fn hosts_are_told_how_voices_come_in_and_nobody_else_is() {
    let mut scene = scene();
    let mut told = |ids: &[ParticipantId]| {
        let figures = SoundFigures { expected: 100, missing: 2, ..SoundFigures::default() };
        scene.handle(Input::Sound(ids.iter().map(|id| (*id, figures)).collect()))
    };
    let ids = |orders: &[Order]| match orders {
        [Order::Tell { to: Audience::One(ANN), message: Message::Sound { participants } }] => {
            participants.len()
        }
        other => panic!("the host alone is told: {other:?}"),
    };
    assert_eq!(ids(&told(&[BOB, CEM])), 2);
    assert_eq!(ids(&told(&[BOB, ParticipantId(77)])), 1, "who has left meanwhile is nobody");
    assert_eq!(ids(&told(&[])), 0, "nothing comes any more");
}
