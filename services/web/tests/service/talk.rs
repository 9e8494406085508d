//! Cameras and microphones: who is told what, and what is refused. Pictures and voices themselves are in the stories.

use serde_json::{Value, json};

use super::support::{Client, Meeting, Scene, scene};
use super::whip::sending;

/// What a browser's offer begins with, and nothing that could be answered.
const EMPTY_OFFER: &str = "v=0\r\no=- 7 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";

/// Ann is the host, Bob and Cem are guests.
async fn three(scene: &Scene) -> (Meeting, [Client; 3]) {
    let meeting = scene.start_meeting().await;
    let ann = scene.join_host(&meeting).await;
    let bob = scene.join_in(&meeting.code, "Bob").await;
    let cem = scene.join_in(&meeting.code, "Cem").await;
    (meeting, [ann, bob, cem])
}

fn state(told: &Value) -> (u64, bool, bool) {
    let who = &told["participant"];
    (who["id"].as_u64().unwrap(), who["camera"].as_bool().unwrap(), who["microphone"].as_bool().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_is_told_whose_camera_and_microphone_are_on() {
    let scene = scene().await;
    let (meeting, [mut ann, mut bob, _cem]) = three(&scene).await;
    bob.tell(json!({"type": "camera", "on": true})).await;
    bob.tell(json!({"type": "microphone", "on": true})).await;
    for client in [&mut ann, &mut bob] {
        assert_eq!(state(&client.told_of("participant_changed").await), (2, true, false));
        assert_eq!(state(&client.told_of("participant_changed").await), (2, true, true));
    }
    let (_dan, joined) = scene.join(&meeting.code, "Dan", None).await;
    let bob = &joined["participants"][1];
    assert_eq!((&bob["camera"], &bob["microphone"]), (&json!(true), &json!(true)));
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_eleventh_camera_is_refused_with_a_sentence() {
    let scene = scene().await;
    let meeting = scene.start_meeting().await;
    let mut clients = Vec::new();
    for number in 0..11 {
        let mut client = scene.join_in(&meeting.code, "Guest").await;
        client.tell(json!({"type": "camera", "on": true})).await;
        if number < 10 {
            assert_eq!(state(&client.told_of("participant_changed").await), (number + 1, true, false));
        } else {
            let refused = client.told_of("camera_refused").await;
            let sentence = refused["message"].as_str().unwrap();
            assert!(sentence.starts_with("10 cameras are on already"), "{sentence}");
        }
        clients.push(client);
    }
    clients[3].tell(json!({"type": "leave"})).await;
    let late = clients.last_mut().unwrap();
    while late.told_of("participant_left").await["id"] != 4 {}
    late.tell(json!({"type": "camera", "on": true})).await;
    assert_eq!(state(&late.told_of("participant_changed").await), (11, true, false));
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_host_mutes_and_nobody_else() {
    let scene = scene().await;
    let (_, [mut ann, mut bob, mut cem]) = three(&scene).await;
    bob.tell(json!({"type": "microphone", "on": true})).await;
    cem.told_of("participant_changed").await;
    cem.tell(json!({"type": "mute", "id": bob.you})).await;
    assert_eq!(cem.told_error().await, "Only the host can mute others.");
    ann.tell(json!({"type": "mute", "id": bob.you})).await;
    assert_eq!(bob.told_of("muted").await, json!({"type": "muted", "by": ann.you}));
    assert_eq!(state(&cem.told_of("participant_changed").await), (2, false, false));
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn how_large_cameras_may_be_follows_the_meeting() {
    let scene = scene().await;
    let meeting = scene.start_meeting().await;
    let (mut ann, joined) = scene.join(&meeting.code, "Ann", Some(&meeting.token)).await;
    assert_eq!(joined["camera_policy"], json!({"width": 1280, "height": 720, "max_kbps": 2000}));
    let _bob = scene.join_in(&meeting.code, "Bob").await;
    let _cem = scene.join_in(&meeting.code, "Cem").await;
    let policy = |width: u16, height: u16, kbps: u32| json!({"type": "camera_policy", "width": width, "height": height, "max_kbps": kbps});
    assert_eq!(ann.told_of("camera_policy").await, policy(640, 480, 1000));
    ann.tell(json!({"type": "present"})).await;
    assert_eq!(ann.told_of("camera_policy").await, policy(320, 240, 500));
    ann.tell(json!({"type": "present_stop"})).await;
    assert_eq!(ann.told_of("camera_policy").await, policy(640, 480, 1000));
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_that_is_none_is_refused_and_the_meeting_goes_on() {
    let scene = scene().await;
    let (_, [mut ann, _bob, _cem]) = three(&scene).await;
    ann.told_of("participant_joined").await;
    ann.told_of("participant_joined").await;
    ann.tell(json!({"type": "media_offer", "sdp": "hello"})).await;
    assert_eq!(ann.told_error().await, "The offer is no session description: it does not begin with v=0.");
    ann.tell(json!({"type": "media_offer", "sdp": format!("v=0{}", "x".repeat(64 * 1024 - 2))})).await;
    assert_eq!(ann.told_error().await, "The offer has 65537 bytes; 65536 are allowed.");
    ann.tell(json!({"type": "media_offer", "sdp": format!("v=0{}", "x".repeat(90_000))})).await;
    assert!(ann.told_error().await.ends_with("16384 are allowed."));

    ann.tell(json!({"type": "media_offer", "sdp": "v=0\r\n\0"})).await;
    assert_eq!(ann.told_error().await, "The offer has the control character U+0000, which is not allowed.");

    for nonsense in [EMPTY_OFFER, "v=0", "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n", "v=0\u{fffd}"] {
        ann.tell(json!({"type": "media_offer", "sdp": nonsense})).await;
        let ended = ann.told_of("media_ended").await;
        assert!(ended["message"].as_str().unwrap().len() > 20, "{ended}");
    }
    ann.tell(json!({"type": "chat", "text": "still here"})).await;
    assert_eq!(ann.told_of("chat").await["text"], "still here");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_but_the_recorder_hears_or_sees_a_meeting_from_outside() {
    let scene = scene().await;
    let meeting = scene.start_meeting().await;
    let ask = async |code: &str, stream: &str, authorization: Option<String>| {
        let mut request = scene.http.get(scene.url(&format!("/api/meetings/{code}/{stream}")));
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let unknown = ask("000000000", "sound", Some(format!("Bearer {}", "x".repeat(32)))).await;
    assert_eq!(unknown.0, 404);
    for authorization in [
        None,
        Some(String::new()),
        Some("Bearer".into()),
        Some("Bearer short".into()),
        Some(format!("Bearer {}", "x".repeat(32))),
        // The host's token lets nobody listen without being seen.
        Some(format!("Bearer {}", meeting.token)),
    ] {
        for stream in ["sound", "voices", "faces"] {
            assert_eq!(ask(&meeting.code, stream, authorization.clone()).await, unknown);
        }
    }
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_seen_before_an_offer_is_nobodys_business() {
    let scene = scene().await;
    let (_, [mut ann, _bob, _cem]) = three(&scene).await;
    ann.tell(json!({"type": "view", "feeds": [{"id": 2, "height": 360}]})).await;
    ann.tell(json!({"type": "chat", "text": "still here"})).await;
    assert_eq!(ann.told_of("chat").await["text"], "still here");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_is_told_how_high_others_show_their_camera() {
    let scene = scene().await;
    let (meeting, mut clients) = three(&scene).await;
    for client in &mut clients {
        client.tell(json!({"type": "media_offer", "sdp": sending()})).await;
        client.told_of("media_answer").await;
    }
    let [mut ann, mut bob, mut cem] = clients;
    bob.tell(json!({"type": "camera", "on": true})).await;
    let look = async |client: &mut Client, height: u16| {
        let feeds = if height == 0 { json!([]) } else { json!([{"id": 2, "height": height}]) };
        client.tell(json!({"type": "view", "feeds": feeds})).await;
    };
    look(&mut ann, 100).await;
    look(&mut cem, 0).await;
    let wanted = json!({"type": "camera_wanted", "height": 180});
    assert_eq!(bob.told_of("camera_wanted").await, wanted, "Cem had not said, and now does not see it");
    look(&mut cem, 400).await;
    assert_eq!(bob.told_of("camera_wanted").await["height"], 480);
    cem.tell(json!({"type": "leave"})).await;
    assert_eq!(bob.told_of("camera_wanted").await["height"], 180);
    look(&mut ann, 0).await;
    assert_eq!(bob.told_of("camera_wanted").await["height"], 0);
    let mut dan = scene.join_in(&meeting.code, "Dan").await;
    dan.tell(json!({"type": "media_offer", "sdp": sending()})).await;
    assert_eq!(bob.told_of("camera_wanted").await["height"], 720, "Dan has not said yet");
    scene.stop().await;
}
