//! The meeting under virtual time.

mod call_out;
mod faces;
mod house;
mod streams;
mod telephone;

use super::*;
use convene_recordings::{RecordingId, RecordingLayout, RecordingState};
use rand::SeedableRng;
use rand::rngs::StdRng;
use time::macros::datetime;

const ANN: ParticipantId = ParticipantId(1);
const BOB: ParticipantId = ParticipantId(2);
const CEM: ParticipantId = ParticipantId(3);
const RECORDER: ParticipantId = ParticipantId(90);

/// A meeting, its tokens and its clock.
struct Scene {
    meeting: Meeting,
    host: Token,
    recorder: Token,
    elapsed: Duration,
}

/// Ann is the host, Bob and Cem are guests.
fn scene() -> Scene {
    let mut scene = empty_scene();
    let host = scene.host.clone();
    scene.join(ANN, "Ann", Some(host));
    scene.join(BOB, "Bob", None);
    scene.join(CEM, "Cem", None);
    scene
}

fn empty_scene() -> Scene {
    let mut random = StdRng::seed_from_u64(1);
    let [host, recorder] = [Token::random(&mut random), Token::random(&mut random)];
    let now = at(Duration::ZERO);
    let meeting = Meeting::new("123456789".parse().unwrap(), host.clone(), recorder.clone(), now);
    Scene { meeting, host, recorder, elapsed: Duration::ZERO }
}

fn at(elapsed: Duration) -> Now {
    Now { elapsed, date: datetime!(2026-01-31 10:00 UTC) + elapsed }
}

impl Scene {
    fn handle(&mut self, input: Input) -> Vec<Order> {
        self.meeting.handle(input, at(self.elapsed))
    }

    fn join(&mut self, id: ParticipantId, name: &str, token: Option<Token>) -> Vec<Order> {
        let name = DisplayName::parse(name.to_owned()).unwrap();
        self.handle(Input::Join { id, name, token, media_relay: None })
    }

    fn join_recorder(&mut self) -> Vec<Order> {
        let token = self.recorder.clone();
        self.join(RECORDER, "Recorder", Some(token))
    }

    fn say(&mut self, id: ParticipantId, text: &str) -> Vec<Order> {
        self.handle(Input::Chat(id, ChatText::parse(text.to_owned()).unwrap()))
    }

    fn pass(&mut self, time: Duration) -> Vec<Order> {
        self.elapsed += time;
        self.handle(Input::Timeout)
    }
}

fn recording_id(number: u128) -> RecordingId {
    format!("00000000-0000-4000-8000-{number:012}").parse().unwrap()
}

fn view(number: u128, state: RecordingState) -> RecordingView {
    RecordingView { id: recording_id(number), state, message: None }
}

fn all(message: Message) -> Order {
    Order::Tell { to: Audience::All, message }
}

/// The sentence of the only order, which is an error for this participant.
fn refused(orders: &[Order], id: ParticipantId) -> &str {
    match orders {
        [Order::Tell { to: Audience::One(to), message: Message::Error { message } }] if *to == id => message,
        other => panic!("not one error for {id:?}: {other:?}"),
    }
}

#[test]
fn who_joins_sees_the_roster_and_the_others_see_them() {
    let mut scene = scene();
    scene.say(BOB, "hello");
    let orders = scene.join(ParticipantId(4), "Dan", None);
    let [Order::Tell { to: Audience::One(ParticipantId(4)), message: joined }, others] = &orders[..] else {
        panic!("{orders:?}")
    };
    let Message::Joined { you, host, participants, presenter, recording, chat, .. } = joined else {
        panic!("{joined:?}")
    };
    assert_eq!((*you, *host, *presenter, recording), (ParticipantId(4), false, None, &None));
    let roster: Vec<_> = participants.iter().map(|p| (p.id.0, p.name.as_str(), p.host)).collect();
    assert_eq!(roster, [(1, "Ann", true), (2, "Bob", false), (3, "Cem", false), (4, "Dan", false)]);
    assert_eq!(chat.len(), 1);
    assert!(matches!(
        others,
        Order::Tell { to: Audience::Others(ParticipantId(4)), message: Message::ParticipantJoined { .. } }
    ));
}

#[test]
fn a_wrong_token_is_as_good_as_none() {
    let mut scene = empty_scene();
    let wrong = Token::random(&mut StdRng::seed_from_u64(9));
    let orders = scene.join(ANN, "Ann", Some(wrong));
    assert!(matches!(orders[0], Order::Tell { message: Message::Joined { host: false, .. }, .. }));
}

#[test]
fn the_251st_participant_is_refused_and_a_recorder_is_not() {
    let mut scene = empty_scene();
    for id in 1..=PARTICIPANTS_MAX as u32 {
        let orders = scene.join(ParticipantId(id), "Guest", None);
        assert!(matches!(orders[0], Order::Tell { message: Message::Joined { .. }, .. }));
    }
    let orders = scene.join(ParticipantId(251), "Guest", None);
    let [Order::Tell { message: Message::Refused(refusal), .. }, Order::Dismiss(ParticipantId(251))] =
        &orders[..]
    else {
        panic!("{orders:?}")
    };
    assert_eq!(refusal.reason, RefusalReason::Full);
    let recorder = scene.recorder.clone();
    for id in 0..RECORDERS_MAX as u32 {
        let orders = scene.join(ParticipantId(1000 + id), "Recorder", Some(recorder.clone()));
        assert!(matches!(orders[0], Order::Tell { message: Message::Joined { .. }, .. }));
    }
    let orders = scene.join(ParticipantId(2000), "Recorder", Some(recorder));
    assert!(matches!(orders[0], Order::Tell { message: Message::Refused(_), .. }));
}

#[test]
fn a_recorder_is_nobody_on_the_roster_and_does_not_act() {
    let mut scene = scene();
    let orders = scene.join_recorder();
    assert_eq!(orders.len(), 1, "nobody else is told");
    let Order::Tell { message: Message::Joined { participants, .. }, .. } = &orders[0] else {
        panic!("{orders:?}")
    };
    assert_eq!(participants.len(), 3);
    assert_eq!(
        scene.handle(Input::Watch(RECORDER, Reads { films: true, series: true })),
        [Order::Watch(RECORDER, Reads { films: true, series: true })]
    );
    let chat = scene.say(RECORDER, "hello");
    assert_eq!(refused(&chat, RECORDER), "A recorder only watches.");
    assert_eq!(scene.handle(Input::Leave(RECORDER)), [Order::Unwatch(RECORDER)]);
}

#[test]
fn whoever_asks_last_presents() {
    let mut scene = scene();
    assert_eq!(
        scene.handle(Input::Present(ANN))[..3],
        [
            Order::PresenterChanged,
            tell(ANN, Message::PresentGranted),
            all(Message::Presenter { id: Some(ANN) })
        ]
    );
    let orders = scene.handle(Input::Present(BOB));
    assert_eq!(orders[0], Order::PresenterChanged);
    assert_eq!(orders[1], tell(ANN, Message::PresentEnded { message: "Bob presents now.".into() }));
    assert_eq!(orders[2], tell(BOB, Message::PresentGranted));
    assert_eq!(scene.handle(Input::PresentStop(ANN)), [], "she does not present any more");
    assert_eq!(scene.meeting.presenter(), Some(BOB));
    assert_eq!(scene.handle(Input::Taken(7)), [tell(BOB, Message::Taken { bytes: 7 })]);
}

#[test]
fn a_presenter_who_asks_again_begins_anew() {
    let mut scene = scene();
    scene.handle(Input::Present(ANN));
    let again = scene.handle(Input::Present(ANN));
    assert_eq!(again, [Order::PresenterChanged, tell(ANN, Message::PresentGranted)]);
}

#[test]
fn a_presenter_who_disconnects_is_no_presenter() {
    let mut scene = scene();
    scene.handle(Input::Present(BOB));
    assert_eq!(
        scene.handle(Input::Leave(BOB))[..3],
        [
            Order::PresenterChanged,
            all(Message::Presenter { id: None }),
            all(Message::ParticipantLeft { id: BOB })
        ]
    );
    assert_eq!(scene.meeting.presenter(), None);
    assert_eq!(scene.handle(Input::Taken(7)), []);
}

#[test]
fn a_stream_that_cannot_be_read_ends_the_presenting() {
    let mut scene = scene();
    scene.handle(Input::Present(BOB));
    assert_eq!(
        scene.handle(Input::StreamRefused("The stream has an unknown record.".into()))[..3],
        [
            tell(BOB, Message::PresentEnded { message: "The stream has an unknown record.".into() }),
            Order::PresenterChanged,
            all(Message::Presenter { id: None })
        ]
    );
}

#[test]
fn chat_is_kept_for_newcomers_up_to_a_limit() {
    let mut scene = scene();
    for number in 0..=CHAT_LINES_KEPT_MAX {
        scene.elapsed += Duration::from_secs(1);
        let orders = scene.say(BOB, &number.to_string());
        assert!(matches!(orders[..], [Order::Tell { to: Audience::All, message: Message::Chat(_) }]));
    }
    let orders = scene.join(ParticipantId(9), "Eve", None);
    let Order::Tell { message: Message::Joined { chat, .. }, .. } = &orders[0] else { panic!("{orders:?}") };
    assert_eq!(chat.len(), CHAT_LINES_KEPT_MAX);
    assert_eq!((chat[0].id, chat[0].text.as_str()), (2, "1"));
}

#[test]
fn chat_is_kept_up_to_so_many_bytes() {
    let mut scene = scene();
    let longest = "🦀".repeat(crate::CHAT_CHARACTERS_MAX);
    let fit = CHAT_BYTES_KEPT_MAX / longest.len();
    for number in 1..=fit + 1 {
        scene.elapsed += Duration::from_secs(1);
        scene.say(BOB, &longest);
        let orders = scene.join(ParticipantId(100 + number as u32), "Eve", None);
        let Order::Tell { message: Message::Joined { chat, .. }, .. } = &orders[0] else {
            panic!("{orders:?}")
        };
        assert_eq!(chat.len(), number.min(fit));
    }
}

#[test]
fn the_101st_chat_line_of_all_at_once_is_refused() {
    let mut scene = scene();
    for id in 10..15 {
        scene.join(ParticipantId(id), "Guest", None);
        for _ in 0..20 {
            assert!(matches!(scene.say(ParticipantId(id), "x")[0], Order::Tell { to: Audience::All, .. }));
        }
    }
    let orders = scene.say(BOB, "x");
    assert_eq!(refused(&orders, BOB), "Everybody talks at once; try again in 0.1 s.");
    scene.elapsed += Duration::from_millis(50);
    assert!(matches!(scene.say(BOB, "x")[0], Order::Tell { to: Audience::All, .. }));
}

#[test]
fn the_21st_action_at_once_is_refused() {
    let mut scene = scene();
    for _ in 0..20 {
        assert!(matches!(scene.say(BOB, "x")[0], Order::Tell { to: Audience::All, .. }));
    }
    let orders = scene.say(BOB, "x");
    assert_eq!(refused(&orders, BOB), "That was too much at once; try again in 0.5 s.");
    assert!(matches!(scene.say(CEM, "x")[0], Order::Tell { to: Audience::All, .. }));
    scene.elapsed += Duration::from_millis(500);
    assert!(matches!(scene.say(BOB, "x")[0], Order::Tell { to: Audience::All, .. }));
}

#[test]
fn only_the_host_records_and_ends() {
    let mut scene = scene();
    let record = scene.handle(Input::Record(BOB, recording_id(1), RecordingLayout::Beside));
    assert_eq!(refused(&record, BOB), "Only the host can record the meeting.");
    let stop = scene.handle(Input::RecordStop(BOB));
    assert_eq!(refused(&stop, BOB), "Only the host can stop the recording.");
    let end = scene.handle(Input::End(BOB));
    assert_eq!(refused(&end, BOB), "Only the host can end the meeting.");
    assert!(!scene.meeting.is_closed());
}

#[test]
fn a_recording_starts_runs_and_finishes() {
    let mut scene = scene();
    let start = scene.handle(Input::Record(ANN, recording_id(1), RecordingLayout::Beside));
    let starting = Message::Recording { recording: Some(view(1, RecordingState::Starting)) };
    assert_eq!(start, [all(starting), Order::StartRecording(recording_id(1), RecordingLayout::Beside)]);
    let twice = scene.handle(Input::Record(ANN, recording_id(2), RecordingLayout::Beside));
    assert_eq!(refused(&twice, ANN), "The meeting is being recorded already.");

    let running = scene.handle(Input::RecordingChanged(view(1, RecordingState::Recording)));
    assert_eq!(running.len(), 1);
    assert_eq!(scene.handle(Input::RecordingChanged(view(1, RecordingState::Recording))), []);

    let stop = scene.handle(Input::RecordStop(ANN));
    assert_eq!(stop[1], Order::FinishRecording(recording_id(1)));
    assert_eq!(scene.handle(Input::RecordingChanged(view(1, RecordingState::Recording))), [], "no way back");
    let twice = scene.handle(Input::RecordStop(ANN));
    assert_eq!(refused(&twice, ANN), "The meeting is not being recorded.");

    assert_eq!(scene.handle(Input::RecordingChanged(view(1, RecordingState::Ready))).len(), 1);
    assert_eq!(scene.handle(Input::Record(ANN, recording_id(2), RecordingLayout::Beside)).len(), 2);
    assert_eq!(
        scene.handle(Input::RecordingChanged(view(1, RecordingState::Degraded))),
        [],
        "an earlier one"
    );
}

#[test]
fn a_recording_is_paused_and_goes_on() {
    let mut scene = scene();
    let early = scene.handle(Input::RecordPause(ANN, true));
    assert_eq!(refused(&early, ANN), "The meeting is not being recorded.");
    scene.handle(Input::Record(ANN, recording_id(1), RecordingLayout::Beside));
    scene.handle(Input::RecordingChanged(view(1, RecordingState::Recording)));
    let guest = scene.handle(Input::RecordPause(BOB, true));
    assert_eq!(refused(&guest, BOB), "Only the host can pause the recording.");
    let not_paused = scene.handle(Input::RecordPause(ANN, false));
    assert_eq!(refused(&not_paused, ANN), "The recording is not paused.");

    let pause = scene.handle(Input::RecordPause(ANN, true));
    assert_eq!(pause, [Order::PauseRecording(recording_id(1), true)]);
    assert_eq!(scene.handle(Input::RecordingChanged(view(1, RecordingState::Paused))).len(), 1);
    let resume = scene.handle(Input::RecordPause(ANN, false));
    assert_eq!(resume, [Order::PauseRecording(recording_id(1), false)]);
    assert_eq!(scene.handle(Input::RecordingChanged(view(1, RecordingState::Recording))).len(), 1);

    scene.handle(Input::RecordingChanged(view(1, RecordingState::Paused)));
    let stop = scene.handle(Input::RecordStop(ANN));
    assert_eq!(stop[1], Order::FinishRecording(recording_id(1)), "also while it is paused");
}

#[test]
fn a_failed_recording_may_be_completed_later_or_begun_again() {
    let mut scene = scene();
    scene.handle(Input::Record(ANN, recording_id(1), RecordingLayout::Beside));
    scene.handle(Input::RecordingChanged(view(1, RecordingState::Failed)));
    assert_eq!(scene.handle(Input::RecordingChanged(view(1, RecordingState::Ready))).len(), 1);
    scene.handle(Input::RecordingChanged(view(1, RecordingState::Failed)));
    assert_eq!(scene.handle(Input::Record(ANN, recording_id(2), RecordingLayout::Beside)).len(), 2);
}

#[test]
fn the_end_finishes_the_recording_first_and_dismisses_everybody() {
    let mut scene = scene();
    scene.handle(Input::Record(ANN, recording_id(1), RecordingLayout::Beside));
    let orders = scene.handle(Input::End(ANN));
    assert_eq!(orders[1], Order::FinishRecording(recording_id(1)));
    assert!(matches!(orders[2], Order::Tell { to: Audience::All, message: Message::Ended { .. } }));
    assert_eq!(orders[3..], [Order::Dismiss(ANN), Order::Dismiss(BOB), Order::Dismiss(CEM), Order::Close]);
    assert!(scene.meeting.is_closed());
    assert_eq!(scene.say(BOB, "hello?"), []);
    let late = scene.join(ParticipantId(9), "Eve", None);
    assert!(matches!(
        &late[0],
        Order::Tell { message: Message::Refused(Refusal { reason: RefusalReason::NoMeeting, .. }), .. }
    ));
}

#[test]
fn the_host_may_leave_and_the_meeting_stays() {
    let mut scene = scene();
    scene.handle(Input::Leave(ANN));
    assert_eq!(scene.meeting.timeout(), None);
    let host = scene.host.clone();
    let orders = scene.join(ParticipantId(5), "Ann", Some(host));
    assert!(matches!(orders[0], Order::Tell { message: Message::Joined { host: true, .. }, .. }));
}

#[test]
fn an_empty_meeting_ends_after_a_minute() {
    let mut scene = scene();
    scene.join_recorder();
    for id in [ANN, BOB, CEM] {
        scene.handle(Input::Leave(id));
    }
    assert_eq!(scene.meeting.timeout(), Some(EMPTY_MEETING_MAX), "a recorder keeps no meeting alive");
    assert_eq!(scene.pass(EMPTY_MEETING_MAX - Duration::from_millis(1)), []);
    let orders = scene.pass(Duration::from_millis(1));
    assert_eq!(orders.last(), Some(&Order::Close));
}

#[test]
fn who_comes_back_within_the_minute_finds_the_meeting() {
    let mut scene = scene();
    for id in [ANN, BOB, CEM] {
        scene.handle(Input::Leave(id));
    }
    scene.elapsed += EMPTY_MEETING_MAX - Duration::from_secs(1);
    scene.join(ParticipantId(4), "Ann", None);
    assert_eq!(scene.meeting.timeout(), None);
    assert_eq!(scene.pass(EMPTY_MEETING_MAX), []);
}

#[test]
fn a_meeting_that_nobody_joins_ends_too() {
    let mut scene = empty_scene();
    assert_eq!(scene.pass(UNUSED_MEETING_MAX - Duration::from_millis(1)), []);
    assert_eq!(scene.pass(Duration::from_millis(1)).last(), Some(&Order::Close));
}

#[test]
fn somebody_who_is_not_there_changes_nothing() {
    let mut scene = scene();
    let nobody = ParticipantId(77);
    for input in [
        Input::Leave(nobody),
        Input::Watch(nobody, Reads::default()),
        Input::Unwatch(nobody),
        Input::Present(nobody),
        Input::PresentStop(nobody),
        Input::Record(nobody, recording_id(1), RecordingLayout::Beside),
    ] {
        assert_eq!(scene.handle(input.clone()), [], "{input:?}");
    }
}
