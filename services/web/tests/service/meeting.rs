//! Start, join, talk, leave, end.

use serde_json::{Value, json};

use super::support::scene;

#[tokio::test(flavor = "multi_thread")]
async fn people_meet_and_talk() {
    let scene = scene().await;
    let meeting = scene.start_meeting().await;
    assert!(meeting.code.len() == 9 && meeting.code.bytes().all(|b| b.is_ascii_digit()), "{}", meeting.code);
    let mut ann = scene.join_host(&meeting).await;
    let mut bob = scene.join_in(&meeting.code, "Bob").await;
    let joined = ann.told().await;
    assert_eq!(
        joined,
        json!({
            "type": "participant_joined",
            "participant": {
                "id": bob.you, "name": "Bob", "host": false, "camera": false, "microphone": false, "hand": false,
                "telephone": false, "stream": false
            }
        })
    );

    bob.tell(json!({"type": "chat", "text": "hello <b>you</b>"})).await;
    for client in [&mut ann, &mut bob] {
        let chat = client.told().await;
        assert_eq!((&chat["type"], &chat["text"]), (&json!("chat"), &json!("hello <b>you</b>")));
        assert_eq!((&chat["from"], &chat["name"], &chat["id"]), (&json!(2), &json!("Bob"), &json!(1)));
        assert!(chat["time"].as_str().unwrap().ends_with('Z'), "{chat}");
    }

    let (_cem, answer) = scene.join(&meeting.code, "Cem", None).await;
    let names: Vec<_> =
        answer["participants"].as_array().unwrap().iter().map(|who| who["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Ann", "Bob", "Cem"]);
    assert_eq!(answer["chat"][0]["text"], "hello <b>you</b>");
    assert_eq!((&answer["presenter"], &answer["recording"]), (&Value::Null, &Value::Null));
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leaving_and_losing_the_connection_are_the_same() {
    let scene = scene().await;
    let meeting = scene.start_meeting().await;
    let mut ann = scene.join_host(&meeting).await;
    let mut bob = scene.join_in(&meeting.code, "Bob").await;
    let cem = scene.join_in(&meeting.code, "Cem").await;
    bob.tell(json!({"type": "leave"})).await;
    assert_eq!(ann.told_of("participant_left").await["id"], bob.you);
    bob.closed().await;
    let id = cem.you;
    drop(cem);
    assert_eq!(ann.told_of("participant_left").await["id"], id);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_host_ends_the_meeting_for_all() {
    let scene = scene().await;
    let meeting = scene.start_meeting().await;
    let mut ann = scene.join_host(&meeting).await;
    let mut bob = scene.join_in(&meeting.code, "Bob").await;
    bob.tell(json!({"type": "end"})).await;
    assert_eq!(bob.told_error().await, "Only the host can end the meeting.");
    ann.tell(json!({"type": "end"})).await;
    assert_eq!(bob.told().await, json!({"type": "ended", "message": "The host has ended the meeting."}));
    bob.closed().await;
    ann.closed().await;

    let (mut late, answer) = scene.join(&meeting.code, "Dan", None).await;
    assert_eq!((&answer["type"], &answer["reason"]), (&json!("refused"), &json!("no-meeting")));
    late.closed().await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_ended_and_malformed_codes_get_one_answer() {
    let scene = scene().await;
    let (_, unknown) = scene.join("123456789", "Bob", None).await;
    assert_eq!(unknown["reason"], "no-meeting");
    for code in ["", "12345678", "12345678x", "123 456 789", &"1".repeat(5000)] {
        let (mut bob, answer) = scene.join(code, "Bob", None).await;
        assert_eq!(answer, unknown, "{code:?}");
        assert_eq!(bob.closed().await, [] as [Value; 0]);
    }
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_not_understood_is_refused_and_the_meeting_goes_on() {
    let scene = scene().await;
    let meeting = scene.start_meeting().await;
    let mut ann = scene.join_host(&meeting).await;
    for (message, part) in [
        (json!({"type": "fly"}), "unknown variant `fly`"),
        (json!({"text": "no type"}), "type"),
        (json!(["chat"]), "not understood"),
        (json!({"type": "chat", "text": ""}), "The message is empty"),
        (json!({"type": "chat", "text": "\u{7}"}), "control character U+0007"),
        (json!({"type": "join", "protocol": 1, "code": "1", "name": "x"}), "joined already"),
        (json!({"type": "record_stop"}), "not being recorded"),
    ] {
        ann.tell(message).await;
        let sentence = ann.told_error().await;
        assert!(sentence.contains(part), "{sentence}");
    }
    ann.send_screen(bytes::Bytes::from_static(b"nobody asked me to present")).await;
    assert!(ann.told_error().await.contains("you do not present"));
    ann.tell(json!({"type": "chat", "text": "still here"})).await;
    assert_eq!(ann.told().await["text"], "still here");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_message_that_is_no_join_is_refused() {
    let scene = scene().await;
    for (message, part) in [
        ("hello", "must be a join"),
        (r#"{"type":"chat","text":"hello"}"#, "must be a join"),
        (r#"{"type":"join","protocol":9,"code":"123456789","name":"Ann"}"#, "version 9"),
        (r#"{"type":"join","protocol":1,"code":"123456789","name":"\u202e"}"#, "U+202E"),
    ] {
        let mut client = scene.connect().await;
        client.send(tokio_tungstenite::tungstenite::Message::text(message)).await;
        let answer = client.told().await;
        assert_eq!((&answer["type"], &answer["reason"]), (&json!("refused"), &json!("bad-request")));
        assert!(answer["message"].as_str().unwrap().contains(part), "{answer}");
        client.closed().await;
    }
    let mut client = scene.connect().await;
    client.send_screen(bytes::Bytes::from_static(b"CNVS")).await;
    assert_eq!(client.told().await["reason"], "bad-request");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_site_is_kept_out() {
    let scene = scene().await;
    let own = format!("https://localhost:{}", scene.address.port());
    assert!(scene.connect_with(Some(&own)).await.is_ok());
    for origin in ["https://evil.example.org", "https://localhost", "null"] {
        let refused = scene.connect_with(Some(origin)).await.err().expect("refused");
        let tokio_tungstenite::tungstenite::Error::Http(answer) = refused else { panic!("{refused}") };
        assert_eq!(answer.status(), 403, "{origin}");
    }
    let post = scene.http.post(scene.url("/api/meetings")).header("origin", "https://evil.example.org");
    assert_eq!(post.send().await.unwrap().status(), 403);
    scene.stop().await;
}
