//! Cameras and microphones.

use super::*;
use crate::{CAMERAS_MAX, CameraPolicy, MediaOffer, Wish};

fn offer() -> MediaOffer {
    MediaOffer::parse("v=0\r\n".into()).unwrap()
}

fn policy(width: u16, height: u16, max_kbps: u32) -> [Order; 2] {
    let policy = CameraPolicy { width, height, max_kbps };
    [Order::LimitCameras(policy), all(Message::CameraPolicy(policy))]
}

/// The record that everybody is told, and nothing else is ordered.
fn changed(orders: &[Order]) -> (u32, bool, bool) {
    match orders {
        [Order::Tell { to: Audience::All, message: Message::ParticipantChanged { participant } }] => {
            (participant.id.0, participant.camera, participant.microphone)
        }
        other => panic!("not one changed participant: {other:?}"),
    }
}

fn wishes(ids: &[ParticipantId]) -> Vec<Wish> {
    ids.iter().map(|id| Wish { id: *id, height: 360 }).collect()
}

/// The cameras of the only order.
fn shown(orders: &[Order]) -> Vec<u32> {
    match orders {
        [Order::Show(_, wishes)] => wishes.iter().map(|wish| wish.id.0).collect(),
        other => panic!("nothing is shown: {other:?}"),
    }
}

#[test]
fn whoever_joins_has_neither_camera_nor_microphone_on() {
    let mut scene = scene();
    let orders = scene.join(ParticipantId(4), "Dan", None);
    let Order::Tell { message: Message::Joined { participants, .. }, .. } = &orders[0] else {
        panic!("{orders:?}")
    };
    assert!(participants.iter().all(|who| !who.camera && !who.microphone));
}

#[test]
fn everybody_is_told_of_a_switch_and_once() {
    let mut scene = scene();
    assert_eq!(changed(&scene.handle(Input::Camera(BOB, true))), (2, true, false));
    assert_eq!(changed(&scene.handle(Input::Microphone(BOB, true))), (2, true, true));
    assert_eq!(scene.handle(Input::Microphone(BOB, true)), []);
    assert_eq!(changed(&scene.handle(Input::Camera(BOB, false))), (2, false, true));
    assert_eq!(scene.handle(Input::Camera(BOB, false)), []);
}

#[test]
fn the_11th_camera_is_refused_and_comes_when_another_goes() {
    let mut scene = empty_scene();
    for id in 1..=CAMERAS_MAX as u32 + 1 {
        scene.join(ParticipantId(id), "Guest", None);
    }
    for id in 1..=CAMERAS_MAX as u32 {
        assert_eq!(changed(&scene.handle(Input::Camera(ParticipantId(id), true))), (id, true, false));
    }
    let late = ParticipantId(CAMERAS_MAX as u32 + 1);
    let orders = scene.handle(Input::Camera(late, true));
    let [Order::Tell { to: Audience::One(to), message: Message::CameraRefused { message } }] = &orders[..]
    else {
        panic!("{orders:?}")
    };
    assert!(*to == late && message.starts_with("10 cameras are on already"), "{message}");
    assert_eq!(scene.handle(Input::Camera(ANN, true)), [], "hers is one of the ten");
    scene.handle(Input::Leave(BOB));
    assert_eq!(changed(&scene.handle(Input::Camera(late, true))), (11, true, false));
}

#[test]
fn the_21st_switch_at_once_is_refused() {
    let mut scene = scene();
    for turn in 0..20 {
        assert_eq!(changed(&scene.handle(Input::Microphone(BOB, turn % 2 == 0))).0, 2);
    }
    let orders = scene.handle(Input::Microphone(BOB, true));
    assert_eq!(refused(&orders, BOB), "That was too much at once; try again in 0.2 s.");
    assert_eq!(scene.say(BOB, "hello").len(), 1, "talking by letters goes on");
    scene.elapsed += Duration::from_millis(250);
    assert_eq!(changed(&scene.handle(Input::Microphone(BOB, true))).0, 2);
}

#[test]
fn the_host_mutes_and_the_muted_one_may_speak_again() {
    let mut scene = scene();
    scene.handle(Input::Microphone(BOB, true));
    let orders = scene.handle(Input::Mute { by: ANN, id: BOB });
    assert_eq!(orders[..2], [Order::Silence(BOB, true), tell(BOB, Message::Muted { by: ANN })]);
    assert_eq!(changed(&orders[2..]), (2, false, false));
    assert_eq!(scene.handle(Input::Mute { by: ANN, id: BOB }), [], "muted already");

    let orders = scene.handle(Input::Microphone(BOB, true));
    assert_eq!(orders[0], Order::Silence(BOB, false));
    assert_eq!(changed(&orders[1..]), (2, false, true));
}

/// Whom the host has muted must not be heard again by offering anew.
#[test]
fn another_connection_stays_muted() {
    let mut scene = scene();
    scene.handle(Input::Microphone(BOB, true));
    assert_eq!(scene.handle(Input::Offer(BOB, offer())), [Order::Answer(BOB, offer())]);
    scene.handle(Input::Mute { by: ANN, id: BOB });
    let orders = scene.handle(Input::Offer(BOB, offer()));
    assert_eq!(orders, [Order::Answer(BOB, offer()), Order::Silence(BOB, true)]);
    scene.handle(Input::Microphone(BOB, true));
    assert_eq!(scene.handle(Input::Offer(BOB, offer())), [Order::Answer(BOB, offer())]);
}

#[test]
fn only_the_host_mutes() {
    let mut scene = scene();
    scene.handle(Input::Microphone(ANN, true));
    let orders = scene.handle(Input::Mute { by: BOB, id: ANN });
    assert_eq!(refused(&orders, BOB), "Only the host can mute others.");
    assert_eq!(scene.handle(Input::Mute { by: ANN, id: ParticipantId(77) }), []);
}

#[test]
fn pictures_are_as_large_as_the_meeting_lets_them_be() {
    let mut scene = empty_scene();
    scene.join(ANN, "Ann", None);
    assert_eq!(scene.join(BOB, "Bob", None).len(), 2, "two are as large as one");
    let orders = scene.join(CEM, "Cem", None);
    assert_eq!(orders[2..], policy(640, 480, 1000));
    let Order::Tell { message: Message::Joined { camera_policy, .. }, .. } = &orders[0] else {
        panic!("{orders:?}")
    };
    assert_eq!((camera_policy.height, *camera_policy), (480, scene.meeting.camera_policy()));

    let orders = scene.handle(Input::Present(ANN));
    assert_eq!(orders[3..], policy(320, 240, 500));
    assert_eq!(scene.handle(Input::Leave(CEM)).len(), 1, "the screen is what counts");
    let orders = scene.handle(Input::PresentStop(ANN));
    assert_eq!(orders[2..], policy(1280, 720, 2000));
}

#[test]
fn the_end_changes_no_policy() {
    let mut scene = scene();
    scene.handle(Input::Present(BOB));
    let orders = scene.handle(Input::Stop(EndCause::Shutdown));
    assert_eq!(orders.last(), Some(&Order::Close));
}

#[test]
fn a_recorder_has_no_face_and_makes_nobody_smaller() {
    let mut scene = empty_scene();
    scene.join(ANN, "Ann", None);
    scene.join(BOB, "Bob", None);
    assert_eq!(scene.join_recorder().len(), 1);
    for input in
        [Input::Offer(RECORDER, offer()), Input::Camera(RECORDER, true), Input::Microphone(RECORDER, true)]
    {
        assert_eq!(refused(&scene.handle(input), RECORDER), "A recorder only watches.");
    }
    assert_eq!(scene.handle(Input::View(RECORDER, wishes(&[ANN]))), []);
}

#[test]
fn who_has_offered_hangs_up_by_leaving() {
    let mut scene = scene();
    assert_eq!(scene.handle(Input::Offer(BOB, offer())), [Order::Answer(BOB, offer())]);
    assert_eq!(scene.handle(Input::Offer(BOB, offer())), [Order::Answer(BOB, offer())], "a new network");
    assert_eq!(scene.handle(Input::Leave(BOB))[0], Order::HangUp(BOB));
    assert!(!scene.handle(Input::Leave(CEM)).contains(&Order::HangUp(CEM)));
}

#[test]
fn the_11th_offer_at_once_is_refused() {
    let mut scene = scene();
    for _ in 0..10 {
        assert_eq!(scene.handle(Input::Offer(BOB, offer())).len(), 1);
    }
    let orders = scene.handle(Input::Offer(BOB, offer()));
    assert_eq!(refused(&orders, BOB), "Too many offers at once; try again in 1.0 s.");
    scene.elapsed += Duration::from_secs(1);
    assert_eq!(scene.handle(Input::Offer(BOB, offer())), [Order::Answer(BOB, offer())]);
}

#[test]
fn a_viewer_is_shown_cameras_that_are_on_each_once_and_never_its_own() {
    let mut scene = scene();
    assert_eq!(scene.handle(Input::View(ANN, wishes(&[BOB]))), [], "she has not offered yet");
    scene.handle(Input::Offer(ANN, offer()));
    for id in [ANN, BOB] {
        scene.handle(Input::Camera(id, true));
    }
    let asked = wishes(&[ANN, BOB, CEM, BOB, ParticipantId(77)]);
    assert_eq!(shown(&scene.handle(Input::View(ANN, asked))), [2]);
    assert_eq!(shown(&scene.handle(Input::View(ANN, Vec::new()))), [0; 0], "nothing is visible");
    let tall = vec![Wish { id: BOB, height: u16::MAX }];
    assert_eq!(scene.handle(Input::View(ANN, tall)), [Order::Show(ANN, vec![Wish { id: BOB, height: 720 }])]);
}

#[test]
fn who_speaks_is_told_once_and_of_those_who_are_there_with_a_microphone() {
    let mut scene = scene();
    for id in [ANN, BOB] {
        scene.handle(Input::Microphone(id, true));
    }
    let speakers = |ids: &[ParticipantId]| all(Message::Speakers { ids: ids.to_vec() });
    let loud = || Input::Speakers(vec![BOB, CEM, ANN, ParticipantId(77)]);
    assert_eq!(scene.handle(loud()), [speakers(&[BOB, ANN])]);
    assert_eq!(scene.handle(loud()), []);
    scene.handle(Input::Leave(BOB));
    assert_eq!(scene.handle(loud()), [], "Bob is gone, and everybody knows");
    assert_eq!(scene.handle(Input::Speakers(Vec::new())), [speakers(&[])]);
}

#[test]
fn somebody_who_is_not_there_has_no_face() {
    let mut scene = scene();
    let nobody = ParticipantId(77);
    for input in [
        Input::Offer(nobody, offer()),
        Input::Camera(nobody, true),
        Input::Microphone(nobody, true),
        Input::View(nobody, wishes(&[ANN])),
        Input::Mute { by: nobody, id: ANN },
    ] {
        assert_eq!(scene.handle(input.clone()), [], "{input:?}");
    }
}

/// What each sender is told of how high their camera is shown.
fn wanted(orders: &[Order]) -> Vec<(ParticipantId, u16)> {
    let told = orders.iter().filter_map(|order| match order {
        Order::Tell { to: Audience::One(id), message: Message::CameraWanted { height } } => {
            Some((*id, *height))
        }
        _ => None,
    });
    told.collect()
}

#[test]
fn a_camera_is_wanted_as_large_as_the_largest_that_anybody_shows() {
    let mut scene = scene();
    for id in [ANN, BOB] {
        scene.handle(Input::Offer(id, offer()));
    }
    assert_eq!(wanted(&scene.handle(Input::Camera(ANN, true))), [], "Bob has not said what he sees");
    let look = |height| Input::View(BOB, vec![Wish { id: ANN, height }]);
    assert_eq!(wanted(&scene.handle(look(100))), [(ANN, 180)]);
    assert_eq!(wanted(&scene.handle(look(180))), [], "near enough");
    assert_eq!(wanted(&scene.handle(look(181))), [(ANN, 240)]);
    assert_eq!(wanted(&scene.handle(Input::View(BOB, vec![]))), [(ANN, 0)]);

    let cem = ParticipantId(4);
    scene.join(cem, "Cem", None);
    assert_eq!(wanted(&scene.handle(Input::Offer(cem, offer()))), [(ANN, 720)]);
    let orders = scene.handle(Input::View(cem, vec![Wish { id: ANN, height: 400 }]));
    assert_eq!(wanted(&orders), [(ANN, 480)]);
    assert_eq!(wanted(&scene.handle(look(300))), [], "Cem shows her larger");
    assert_eq!(wanted(&scene.handle(Input::Leave(cem))), [(ANN, 360)]);
    assert_eq!(wanted(&scene.handle(Input::Leave(BOB))), [(ANN, 0)], "she is alone");
}

#[test]
fn a_recorder_wants_all_and_whoever_offers_anew_begins_with_all() {
    let mut scene = scene();
    for id in [ANN, BOB] {
        scene.handle(Input::Offer(id, offer()));
    }
    scene.handle(Input::Camera(ANN, true));
    assert_eq!(wanted(&scene.handle(Input::View(BOB, vec![]))), [(ANN, 0)]);
    assert_eq!(
        wanted(&scene.handle(Input::Offer(ANN, offer()))),
        [(ANN, 0)],
        "her new connection is told again"
    );
    assert_eq!(wanted(&scene.join_recorder()), [(ANN, 720)]);
}

#[test]
fn a_program_that_watches_wants_all_or_whom_it_names() {
    let mut scene = scene();
    for id in [ANN, BOB] {
        scene.handle(Input::Offer(id, offer()));
        scene.handle(Input::Camera(id, true));
        scene.handle(Input::View(id, vec![]));
    }
    let token = Token::random(&mut StdRng::seed_from_u64(1));
    let name = DisplayName::parse("Lobby".into()).unwrap();
    scene.handle(Input::Allow { by: ANN, kind: StreamKind::Watch, name, token: token.clone() });
    let line = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 VP8/90000\r\na=recvonly\r\n";
    let offer = MediaOffer::parse(format!("v=0\r\n{line}")).unwrap();
    let pass = scene.meeting.admit(&token, StreamKind::Watch, &offer, at(scene.elapsed)).unwrap();
    let lobby = ParticipantId(30);
    let orders = scene.handle(Input::Stream { id: lobby, pass, offer });
    assert_eq!(wanted(&orders), [(ANN, 720), (BOB, 720)]);
    assert_eq!(wanted(&scene.handle(Input::StreamView(lobby, BOB))), [(ANN, 0)]);
    assert_eq!(wanted(&scene.handle(Input::StreamMissed(lobby))), [(BOB, 0)]);
    assert_eq!(wanted(&scene.handle(Input::StreamHeard(lobby))), [(BOB, 720)]);
}
