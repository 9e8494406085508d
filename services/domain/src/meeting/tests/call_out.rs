//! Calls that the meeting makes.

use super::*;
use crate::{CALL_OUTS_MAX, CallFailure, CallOut, CallOutId, CallOutRules, CallOutState, PhoneNumber};

const DAN: ParticipantId = ParticipantId(7);

fn number(text: &str) -> PhoneNumber {
    PhoneNumber::parse(text).unwrap()
}

fn permitted() -> Scene {
    let mut scene = scene();
    let rules = CallOutRules::new(&["+49".to_owned()]).unwrap();
    scene.meeting = std::mem::replace(&mut scene.meeting, empty_scene().meeting).with_call_out(Some(rules));
    scene
}

fn call(scene: &mut Scene, by: ParticipantId, text: &str, name: Option<&str>) -> Vec<Order> {
    let name = name.map(|name| DisplayName::parse(name.into()).unwrap());
    scene.handle(Input::CallOut { by, number: number(text), name })
}

/// What Ann, the host, is told of all calls.
fn told(orders: &[Order]) -> Vec<CallOut> {
    let calls = orders.iter().find_map(|order| match order {
        Order::Tell { to: Audience::One(ANN), message: Message::CallOuts { calls } } => Some(calls.clone()),
        _ => None,
    });
    calls.unwrap_or_else(|| panic!("the host is told of no calls: {orders:?}"))
}

fn assert_refused(orders: &[Order], words: &str) {
    let [Order::Tell { message: Message::Error { message }, .. }] = orders else { panic!("{orders:?}") };
    assert!(message.contains(words), "{message}");
}

#[test]
fn the_host_has_somebody_called_and_nobody_else_sees_the_number() {
    let mut scene = permitted();
    let orders = call(&mut scene, ANN, "+49 30 1", Some("Dan"));
    assert_eq!(orders[1..], [Order::CallOut(CallOutId(1), number("+49301"))]);
    let calls = told(&orders);
    assert_eq!((calls[0].state, calls[0].message), ("calling", None));
    for (state, word) in [(CallOutState::Ringing, "ringing"), (CallOutState::Answered, "answered")] {
        let orders = scene.handle(Input::CallOutChanged(CallOutId(1), state));
        assert_eq!((told(&orders)[0].state, orders.len()), (word, 1));
    }
    // The host has locked the door, and has called nevertheless.
    scene.handle(Input::Lock(ANN, true));
    let name = DisplayName::parse("Telephone".into()).unwrap();
    let orders = scene.handle(Input::Call { id: DAN, name: name.clone(), by: Some(CallOutId(1)) });
    assert_eq!(orders[0], Order::PutThrough(DAN));
    let Order::Tell { message: Message::ParticipantJoined { participant }, .. } = &orders[1] else {
        panic!("{orders:?}")
    };
    assert_eq!((participant.name.as_str(), participant.telephone), ("Dan", true));
    assert!(told(&orders).is_empty(), "it is no call under way any more");
    let orders = scene.handle(Input::Call { id: ParticipantId(8), name, by: Some(CallOutId(1)) });
    assert!(matches!(&orders[0], Order::Tell { message: Message::Refused(_), .. }), "one call is for one");
}

#[test]
fn only_hosts_call_and_only_whom_the_operator_permits() {
    assert_refused(&call(&mut scene(), ANN, "+49301", None), "no telephone provider");
    let mut scene = permitted();
    assert_refused(&call(&mut scene, BOB, "+49301", None), "Only the host");
    assert_refused(&call(&mut scene, ANN, "+44201", None), "does not call that number");
    assert_refused(&call(&mut scene, ANN, "0301", None), "does not call that number");
    assert_refused(&scene.handle(Input::CallOutStop { by: BOB, id: CallOutId(1) }), "Only the host");
}

#[test]
fn what_comes_to_nothing_is_shown_until_it_is_put_away_or_makes_room() {
    let mut scene = permitted();
    call(&mut scene, ANN, "+49301", None);
    let failed = CallOutState::Failed(CallFailure::Declined);
    let orders = scene.handle(Input::CallOutChanged(CallOutId(1), failed));
    assert_eq!((told(&orders)[0].state, told(&orders)[0].message), ("failed", Some("They declined.")));
    let orders = scene.handle(Input::CallOutStop { by: ANN, id: CallOutId(1) });
    assert_eq!((told(&orders).len(), orders.len()), (0, 1), "there is nothing to cancel");
    let orders = call(&mut scene, ANN, "+49302", None);
    assert_eq!(told(&orders).len(), 1);
    let orders = scene.handle(Input::CallOutStop { by: ANN, id: CallOutId(2) });
    assert_eq!(orders[1..], [Order::CancelCallOut(CallOutId(2))]);
    assert!(scene.handle(Input::CallOutChanged(CallOutId(2), failed)).is_empty(), "that is known");
}

#[test]
fn calls_under_way_and_calls_in_a_while_have_limits() {
    let mut scene = permitted();
    for number in 0..CALL_OUTS_MAX {
        assert_eq!(call(&mut scene, ANN, &format!("+4930{number}"), None).len(), 2);
        scene.pass(Duration::from_secs(30));
    }
    assert_refused(&call(&mut scene, ANN, "+49300", None), "under way");
    let failed = CallOutState::Failed(CallFailure::NoAnswer);
    scene.handle(Input::CallOutChanged(CallOutId(3), failed));
    let orders = call(&mut scene, ANN, "+49300", None);
    assert_eq!(told(&orders).len(), CALL_OUTS_MAX);
    assert!(told(&orders).iter().all(|call| call.id != CallOutId(3)));
    let mut scene = permitted();
    for number in 1..=10 {
        call(&mut scene, ANN, "+49301", None);
        scene.handle(Input::CallOutChanged(CallOutId(number), failed));
        scene.pass(Duration::from_secs(1));
    }
    assert_refused(&call(&mut scene, ANN, "+49301", None), "Too many were called");
    scene.pass(Duration::from_secs(30));
    assert_eq!(call(&mut scene, ANN, "+49301", None).len(), 2);
}

#[test]
fn the_end_of_the_meeting_ends_its_calls_and_a_host_who_comes_back_sees_them() {
    let mut scene = permitted();
    call(&mut scene, ANN, "+49301", None);
    scene.handle(Input::Leave(ANN));
    let host = scene.host.clone();
    let orders = scene.join(ANN, "Ann", Some(host));
    assert_eq!(told(&orders).len(), 1);
    let orders = scene.handle(Input::End(ANN));
    assert!(orders.contains(&Order::CancelCallOut(CallOutId(1))), "{orders:?}");
}
