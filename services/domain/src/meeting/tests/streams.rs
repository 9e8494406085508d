//! Programs that send and watch.

use super::*;
use crate::MediaOffer;

/// Ann is the host, Bob is a guest, and OBS is a program.
const OBS: ParticipantId = ParticipantId(20);
const PLAYER: ParticipantId = ParticipantId(30);

fn offer(lines: &[(&str, &str, &str)]) -> MediaOffer {
    let mut sdp = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\n".to_owned();
    for (kind, codec, direction) in lines {
        sdp += &format!("m={kind} 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 {codec}/90000\r\na={direction}\r\n");
    }
    MediaOffer::parse(sdp).unwrap()
}

fn sending() -> MediaOffer {
    offer(&[("audio", "opus", "sendonly"), ("video", "VP8", "sendonly")])
}

fn watching() -> MediaOffer {
    offer(&[("audio", "opus", "recvonly"), ("video", "VP8", "recvonly")])
}

impl Scene {
    fn allow(&mut self, number: u64, kind: StreamKind) -> (Token, Vec<Order>) {
        let token = Token::random(&mut StdRng::seed_from_u64(number));
        let name = DisplayName::parse("OBS".into()).unwrap();
        let orders = self.handle(Input::Allow { by: ANN, kind, name, token: token.clone() });
        (token, orders)
    }

    fn admit(&mut self, token: &Token, kind: StreamKind, offer: &MediaOffer) -> Result<Pass, StreamRefusal> {
        self.meeting.admit(token, kind, offer, at(self.elapsed))
    }

    fn stream(
        &mut self,
        id: ParticipantId,
        token: &Token,
        kind: StreamKind,
        offer: MediaOffer,
    ) -> Vec<Order> {
        let pass = self.admit(token, kind, &offer).unwrap();
        self.handle(Input::Stream { id, pass, offer })
    }
}

fn joined(orders: &[Order]) -> Option<Participant> {
    orders.iter().find_map(|order| match order {
        Order::Tell { message: Message::ParticipantJoined { participant }, .. } => Some(participant.clone()),
        _ => None,
    })
}

#[test]
fn a_program_that_sends_is_on_the_roster_under_its_passes_name() {
    let mut scene = scene();
    let (token, orders) = scene.allow(1, StreamKind::Send);
    let [Order::Tell { to: Audience::One(ANN), message: Message::Passes { passes } }] = &orders[..] else {
        panic!("the host alone is told: {orders:?}")
    };
    assert_eq!((passes.len(), &passes[0].token), (1, &token));
    let orders = scene.stream(OBS, &token, StreamKind::Send, sending());
    let obs = joined(&orders).unwrap();
    assert_eq!(
        (obs.name.as_str(), obs.camera, obs.microphone, obs.stream, obs.host),
        ("OBS", true, true, true, false)
    );

    // The same program, back after its line was lost, takes its own place.
    let again = ParticipantId(21);
    let orders = scene.stream(again, &token, StreamKind::Send, offer(&[("video", "VP8", "sendonly")]));
    assert_eq!(orders[0], Order::HangUp(OBS));
    let obs = joined(&orders).unwrap();
    assert_eq!((obs.id, obs.camera, obs.microphone), (again, true, false));
    // The host, back as well, is told of the passes anew.
    let host = scene.host.clone();
    let orders = scene.join(ParticipantId(40), "Ann", Some(host));
    assert!(orders.iter().any(|order| matches!(order, Order::Tell { message: Message::Passes { .. }, .. })));
}

#[test]
fn a_pass_opens_what_it_is_for_until_it_is_taken_back() {
    let mut scene = scene();
    let (send, _) = scene.allow(1, StreamKind::Send);
    let (watch, _) = scene.allow(2, StreamKind::Watch);
    let stranger = Token::random(&mut StdRng::seed_from_u64(9));
    for (token, kind) in
        [(&send, StreamKind::Watch), (&watch, StreamKind::Send), (&stranger, StreamKind::Send)]
    {
        assert_eq!(scene.admit(token, kind, &sending()), Err(StreamRefusal::NoPass));
    }
    scene.stream(PLAYER, &watch, StreamKind::Watch, watching());
    let second = ParticipantId(31);
    let player = joined(&scene.stream(second, &watch, StreamKind::Watch, watching())).unwrap();
    assert_eq!((player.camera, player.microphone), (false, false), "nobody watches unseen");
    let wish = Wish { id: BOB, height: HEIGHT_MAX };
    assert_eq!(scene.handle(Input::StreamView(second, BOB)), [Order::Show(second, vec![wish])]);
    assert_eq!(scene.handle(Input::StreamView(BOB, ANN)), []);

    assert!(matches!(
        &scene.handle(Input::Forbid { by: BOB, id: PassId(2) })[..],
        [Order::Tell { to: Audience::One(BOB), .. }]
    ));
    let pass = scene.admit(&watch, StreamKind::Watch, &watching()).unwrap();
    let orders = scene.handle(Input::Forbid { by: ANN, id: PassId(2) });
    for id in [PLAYER, second] {
        assert!(
            orders.contains(&Order::HangUp(id)) && orders.contains(&all(Message::ParticipantLeft { id }))
        );
    }
    assert_eq!(scene.admit(&watch, StreamKind::Watch, &watching()), Err(StreamRefusal::NoPass));
    // Whoever was being answered meanwhile is let go.
    let late = Input::Stream { id: ParticipantId(32), pass, offer: watching() };
    assert_eq!(scene.handle(late), [Order::HangUp(ParticipantId(32))]);
}

#[test]
fn what_is_offered_must_be_of_use() {
    let mut scene = scene();
    let (token, _) = scene.allow(1, StreamKind::Send);
    let mut refused = |offer: MediaOffer| scene.admit(&token, StreamKind::Send, &offer).unwrap_err();
    assert_eq!(refused(watching()), StreamRefusal::Nothing { kind: StreamKind::Send });
    assert_eq!(refused(offer(&[])), StreamRefusal::Nothing { kind: StreamKind::Send });
    let av1 = refused(offer(&[("audio", "opus", "sendrecv"), ("video", "AV1", "sendrecv")]));
    assert_eq!(
        av1.to_string(),
        "The offer's video is AV1. Meetings take VP8 and H.264 from programs, and show them VP8: choose that as the program's codec."
    );
    let long = refused(offer(&[("video", &"x".repeat(1_000), "sendonly")]));
    assert!(long.to_string().len() < 250, "{long}");
    let aac = refused(offer(&[("audio", "mpeg4-generic", "sendonly")]));
    assert!(
        aac.to_string().starts_with("The offer's sound is mpeg4generic, and meetings carry Opus only."),
        "{aac}"
    );
}

#[test]
fn a_camera_may_come_in_h264_and_is_not_sent_so() {
    let mut scene = scene();
    let (token, _) = scene.allow(1, StreamKind::Send);
    let h264 = |direction| offer(&[("video", "H264", direction)]);
    assert!(scene.admit(&token, StreamKind::Send, &h264("sendonly")).is_ok());
    let (watch, _) = scene.allow(2, StreamKind::Watch);
    let refused = scene.admit(&watch, StreamKind::Watch, &h264("recvonly")).unwrap_err();
    assert_eq!(refused, StreamRefusal::Video { offered: "H264".into() });
}

#[test]
fn a_program_that_falls_silent_leaves_the_roster_and_has_its_place_when_it_is_back() {
    let mut scene = scene();
    let (token, _) = scene.allow(1, StreamKind::Send);
    let here = joined(&scene.stream(OBS, &token, StreamKind::Send, sending())).unwrap();
    assert_eq!(scene.handle(Input::StreamHeard(OBS)), [], "it was never missed");
    let left = all(Message::ParticipantLeft { id: OBS });
    assert_eq!(scene.handle(Input::StreamMissed(OBS)), std::slice::from_ref(&left));
    assert_eq!(scene.handle(Input::StreamMissed(OBS)), []);
    assert_eq!(scene.meeting.head_count().programs, 0);
    let welcome = scene.join(ParticipantId(4), "Dan", None);
    assert!(!format!("{welcome:?}").contains("OBS"), "who comes meanwhile does not see it: {welcome:?}");
    assert_eq!(joined(&scene.handle(Input::StreamHeard(OBS))), Some(here));

    // Missed again, and given up: the others know already.
    scene.handle(Input::StreamMissed(OBS));
    let orders = scene.handle(Input::Leave(OBS));
    assert!(orders.contains(&Order::HangUp(OBS)) && !orders.contains(&left), "{orders:?}");
    // People come back by themselves, and say when they leave.
    assert_eq!(scene.handle(Input::StreamMissed(BOB)), []);
}

#[test]
fn only_so_many_passes_programs_and_offers() {
    let mut scene = scene();
    let (mut token, mut orders) = scene.allow(0, StreamKind::Watch);
    for number in 1..PASSES_MAX as u64 {
        scene.elapsed += Duration::from_secs(1);
        (token, orders) = scene.allow(number, StreamKind::Watch);
    }
    assert!(
        matches!(&orders[..], [Order::Tell { message: Message::Passes { passes }, .. }] if passes.len() == PASSES_MAX)
    );
    let (_, orders) = scene.allow(99, StreamKind::Watch);
    assert!(matches!(&orders[..], [Order::Tell { message: Message::Error { .. }, .. }]));

    for number in 0..STREAMS_MAX as u32 {
        scene.elapsed += Duration::from_secs(1);
        scene.stream(ParticipantId(100 + number), &token, StreamKind::Watch, watching());
    }
    scene.elapsed += Duration::from_secs(60);
    assert_eq!(scene.admit(&token, StreamKind::Watch, &watching()), Err(StreamRefusal::Full));
    scene.handle(Input::Leave(ParticipantId(100)));
    for _ in 1..10 {
        scene.admit(&token, StreamKind::Watch, &watching()).unwrap();
    }
    let wait = Duration::from_secs(1);
    assert_eq!(scene.admit(&token, StreamKind::Watch, &watching()), Err(StreamRefusal::TooFast { wait }));
}

#[test]
fn a_programs_camera_counts_and_its_presence_does_not() {
    let mut scene = scene();
    for number in 0..CAMERAS_MAX as u64 {
        scene.elapsed += Duration::from_secs(1);
        let (token, _) = scene.allow(number, StreamKind::Send);
        scene.stream(ParticipantId(100 + number as u32), &token, StreamKind::Send, sending());
    }
    let (token, _) = scene.allow(50, StreamKind::Send);
    assert_eq!(scene.admit(&token, StreamKind::Send, &sending()), Err(StreamRefusal::TooManyCameras));
    assert!(scene.admit(&token, StreamKind::Send, &offer(&[("audio", "opus", "sendonly")])).is_ok());

    for id in [ANN, BOB, CEM] {
        scene.handle(Input::Leave(id));
    }
    let end = scene.meeting.timeout().unwrap();
    scene.elapsed += Duration::from_secs(10);
    scene.handle(Input::Leave(ParticipantId(100)));
    assert_eq!(scene.meeting.timeout(), Some(end), "programs neither keep a meeting alive nor prolong it");
    let orders = scene.pass(EMPTY_MEETING_MAX);
    assert!(orders.contains(&Order::Dismiss(ParticipantId(101))));
    assert_eq!(scene.admit(&token, StreamKind::Send, &sending()), Err(StreamRefusal::NoPass));
}
