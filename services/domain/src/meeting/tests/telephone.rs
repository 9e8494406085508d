//! Callers.

use super::*;
use crate::{DialIn, Key, Pin};
use convene_recordings::RecordingLayout;

const CALLER: ParticipantId = ParticipantId(7);

fn call(scene: &mut Scene, id: ParticipantId) -> Vec<Order> {
    scene.handle(Input::Call { id, name: DisplayName::parse("Dan".into()).unwrap(), by: None })
}

/// Who is told to be (telephone, microphone), of the only change among the orders.
fn changed(orders: &[Order]) -> (bool, bool) {
    let participant = orders.iter().find_map(|order| match order {
        Order::Tell { message: Message::ParticipantChanged { participant }, .. } => Some(participant),
        _ => None,
    });
    participant.map(|who| (who.telephone, who.microphone)).expect("somebody has changed")
}

#[test]
fn a_caller_is_put_through_and_all_are_told() {
    let mut scene = scene();
    let orders = call(&mut scene, CALLER);
    assert_eq!(orders[0], Order::PutThrough(CALLER));
    let Order::Tell { to, message: Message::ParticipantJoined { participant } } = &orders[1] else {
        panic!("{orders:?}")
    };
    assert_eq!(*to, Audience::Others(CALLER));
    assert_eq!((participant.telephone, participant.microphone, participant.host), (true, true, false));
    let orders = scene.handle(Input::Leave(CALLER));
    assert_eq!(orders[..2], [Order::HangUp(CALLER), all(Message::ParticipantLeft { id: CALLER })]);
}

#[test]
fn a_caller_takes_a_place_and_the_251st_is_turned_away() {
    let mut scene = empty_scene();
    for id in 1..=PARTICIPANTS_MAX as u32 {
        assert_eq!(call(&mut scene, ParticipantId(id))[0], Order::PutThrough(ParticipantId(id)));
    }
    let late = ParticipantId(900);
    let orders = call(&mut scene, late);
    assert!(matches!(&orders[0], Order::Tell { message: Message::Refused(_), .. }), "{orders:?}");
    assert_eq!(orders[1..], [Order::Dismiss(late)]);
}

#[test]
fn a_caller_keeps_the_meeting_alive() {
    let mut scene = scene();
    call(&mut scene, CALLER);
    for id in [ANN, BOB, CEM] {
        scene.handle(Input::Leave(id));
    }
    assert_eq!(scene.meeting.timeout(), None);
    scene.handle(Input::Leave(CALLER));
    assert!(scene.meeting.timeout().is_some());
    scene.pass(EMPTY_MEETING_MAX);
    assert!(scene.meeting.is_closed());
    assert_eq!(call(&mut scene, CALLER)[1..], [Order::Dismiss(CALLER)]);
}

#[test]
fn callers_mute_themselves_and_are_muted_by_the_host() {
    let mut scene = scene();
    call(&mut scene, CALLER);
    for (silenced, heard) in [(true, false), (false, true)] {
        let orders = scene.handle(Input::Pressed(CALLER, Key::Mute));
        assert_eq!(orders[0], Order::Silence(CALLER, silenced));
        assert_eq!(changed(&orders), (true, heard));
    }
    let orders = scene.handle(Input::Mute { by: ANN, id: CALLER });
    assert_eq!((orders[0].clone(), changed(&orders)), (Order::Silence(CALLER, true), (true, false)));
    let orders = scene.handle(Input::Pressed(CALLER, Key::Mute));
    assert_eq!(orders[0], Order::Silence(CALLER, false));
}

#[test]
fn an_organiser_by_telephone_mutes_all_records_and_ends() {
    let mut scene = scene();
    call(&mut scene, CALLER);
    scene.handle(Input::Microphone(BOB, true));
    let orders = scene.handle(Input::Pressed(CALLER, Key::MuteAll));
    let silenced = orders.iter().filter(|order| matches!(order, Order::Silence(..)));
    assert_eq!(silenced.collect::<Vec<_>>(), [&Order::Silence(BOB, true)], "neither himself nor who is mute");
    let orders = scene.handle(Input::Pressed(CALLER, Key::Record(recording_id(1))));
    assert!(orders.contains(&Order::StartRecording(recording_id(1), RecordingLayout::Beside)));
    let orders = scene.handle(Input::Pressed(CALLER, Key::Record(recording_id(2))));
    assert!(orders.contains(&Order::FinishRecording(recording_id(1))));
    let orders = scene.handle(Input::Pressed(CALLER, Key::End));
    assert!(orders.contains(&Order::Dismiss(CALLER)) && orders.contains(&Order::Close));
}

#[test]
fn a_caller_turns_the_others_up_and_down_as_far_as_it_goes() {
    let mut scene = scene();
    call(&mut scene, CALLER);
    let mut press = |key| scene.handle(Input::Pressed(CALLER, key));
    let said = |announcement| Order::Announce(CALLER, announcement);
    for volume in [4, 8, 12] {
        assert_eq!(press(Key::Louder), [Order::Turn(CALLER, volume), said(Announcement::Louder)]);
    }
    assert_eq!(press(Key::Louder), [said(Announcement::Loudest)]);
    for volume in [8, 4, 0, -4, -8, -12] {
        assert_eq!(press(Key::Quieter), [Order::Turn(CALLER, volume), said(Announcement::Quieter)]);
    }
    assert_eq!(press(Key::Quieter), [said(Announcement::Quietest)]);
}

#[test]
fn only_telephones_have_keys() {
    let mut scene = scene();
    let own = [Key::Mute, Key::Hand, Key::Count, Key::Louder, Key::Quieter];
    let organisers = [Key::MuteAll, Key::Lock, Key::Record(recording_id(1)), Key::End];
    for key in own.into_iter().chain(organisers) {
        assert_eq!(scene.handle(Input::Pressed(BOB, key)), []);
    }
}

#[test]
fn all_are_told_how_to_call_and_only_the_host_the_pin() {
    let pin = Pin::random(&mut StdRng::seed_from_u64(1));
    let dial_in =
        DialIn { tls_port: Some(5061), tcp_port: None, udp_port: None, pin: Some(pin), call_out: true };
    let mut scene = empty_scene();
    scene.meeting = scene.meeting.with_dial_in(Some(dial_in.clone()));
    let told = |orders: Vec<Order>| match &orders[0] {
        Order::Tell { message: Message::Joined { dial_in, .. }, .. } => dial_in.clone(),
        other => panic!("{other:?}"),
    };
    let host = scene.host.clone();
    assert_eq!(told(scene.join(ANN, "Ann", Some(host))), Some(dial_in.clone()));
    assert_eq!(
        told(scene.join(BOB, "Bob", None)),
        Some(DialIn { pin: None, call_out: false, ..dial_in.clone() })
    );
    assert!(!format!("{dial_in:?}").contains(dial_in.pin.unwrap().as_str()));
}
