//! Every limit of the protocol: what is just allowed, and one more.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use super::screen::present;
use super::support::{PATIENCE, scene};

/// A chat message of so many bytes in all; its text has as many spaces behind the object as needed.
fn text_of(bytes: usize) -> Message {
    let message = r#"{"type":"chat","text":"hello"}"#;
    Message::text(format!("{message}{}", " ".repeat(bytes - message.len())))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_message_has_at_most_16_kib() {
    let scene = scene().await;
    let meeting = scene.start_meeting().await;
    let mut ann = scene.join_host(&meeting).await;
    ann.send(text_of(16_384)).await;
    assert_eq!(ann.told().await["text"], "hello");
    ann.send(text_of(16_385)).await;
    assert_eq!(ann.told_error().await, "The text message has 16385 bytes; 16384 are allowed.");
    ann.send(text_of(100)).await;
    assert_eq!(ann.told().await["text"], "hello", "the connection stays");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_line_has_at_most_4000_characters() {
    let scene = scene().await;
    let meeting = scene.start_meeting().await;
    let mut ann = scene.join_host(&meeting).await;
    let longest = "ä".repeat(4000);
    ann.tell(json!({"type": "chat", "text": longest})).await;
    assert_eq!(ann.told().await["text"], longest);
    ann.tell(json!({"type": "chat", "text": "ä".repeat(4001)})).await;
    assert_eq!(ann.told_error().await, "The message has 4001 characters; 4000 are allowed.");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_binary_message_has_at_most_4_mib() {
    const LIMIT: usize = 4 * 1024 * 1024;
    let scene = scene().await;
    let meeting = scene.start_meeting().await;
    let mut ann = scene.join_host(&meeting).await;
    present(&mut ann).await;
    // One record that a reader may skip would be smaller, so this is refused as a stream, but it is taken as a message.
    ann.send_screen(Bytes::from(vec![0xff; LIMIT])).await;
    ann.told_of("present_ended").await;

    ann.send_screen(Bytes::from(vec![0; LIMIT + 1])).await;
    let refused = ann.told_of("error").await;
    assert_eq!(refused["message"], "The binary message has 4194305 bytes; 4194304 are allowed.");
    ann.send(text_of(100)).await;
    assert_eq!(ann.told().await["text"], "hello", "the connection stays");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_has_at_most_64_characters() {
    let scene = scene().await;
    let meeting = scene.start_meeting().await;
    scene.join_in(&meeting.code, &"ä".repeat(64)).await;
    let (_, refused) = scene.join(&meeting.code, &"ä".repeat(65), None).await;
    assert_eq!(refused["reason"], "bad-request");
    assert_eq!(refused["message"], "The name has 65 characters; 64 are allowed.");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_chat_lines_at_once_and_not_one_more() {
    let scene = scene().await;
    let meeting = scene.start_meeting().await;
    let mut ann = scene.join_host(&meeting).await;
    for _ in 0..22 {
        ann.tell(json!({"type": "chat", "text": "hello"})).await;
    }
    for _ in 0..20 {
        assert_eq!(ann.told().await["type"], "chat");
    }
    // One more may have come back while the first ones travelled.
    let told = [ann.told().await, ann.told().await];
    let refused = told.iter().find(|told| told["type"] == "error").expect("one is refused");
    assert!(refused["message"].as_str().unwrap().starts_with("That was too much at once"), "{refused}");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_100_messages_a_second_wait_and_none_is_lost() {
    let scene = scene().await;
    let meeting = scene.start_meeting().await;
    let mut ann = scene.join_host(&meeting).await;
    let before = tokio::time::Instant::now();
    // Each is answered with an error, as there is nothing to stop; the last 50 come half a second later.
    for _ in 0..150 {
        ann.send(Message::text("no message")).await;
    }
    for _ in 0..150 {
        ann.told_error().await;
    }
    assert!(Duration::from_millis(450) <= before.elapsed(), "{:?}", before.elapsed());
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_eleventh_wrong_code_finds_the_door_closed() {
    let scene = scene().await;
    let meeting = scene.start_meeting().await;
    for _ in 0..10 {
        let (_, refused) = scene.join("000000000", "Bob", None).await;
        assert_eq!(refused["reason"], "no-meeting");
    }
    for code in ["000000000", &meeting.code] {
        let (_, refused) = scene.join(code, "Bob", None).await;
        assert_eq!(refused["reason"], "too-many-tries", "right and wrong get one answer");
    }
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_meeting_takes_nobody_in() {
    let scene = scene().await;
    let meeting = scene.start_meeting().await;
    let mut seats = Vec::new();
    for number in 0..250 {
        let (client, answer) = scene.join(&meeting.code, "Guest", None).await;
        assert_eq!(answer["type"], "joined", "{number}: {answer}");
        seats.push(client);
    }
    let (mut late, refused) = scene.join(&meeting.code, "Late", None).await;
    assert_eq!((&refused["type"], &refused["reason"]), (&json!("refused"), &json!("full")));
    late.closed().await;
    seats[0].tell(json!({"type": "leave"})).await;
    seats[0].closed().await;
    scene.join_in(&meeting.code, "Late").await;
    drop(seats);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_participant_that_does_not_read_is_disconnected_and_the_others_stay() {
    let scene = scene().await;
    let meeting = scene.start_meeting().await;
    let mut deaf = scene.join_in(&meeting.code, "Deaf").await;
    let id = deaf.you;

    // Ten talk as much as may be said, and what the deaf one sends is answered, until the socket's buffers and the line behind them are
    // full.
    let line = Message::text(json!({"type": "chat", "text": "🦀".repeat(4000)}).to_string());
    let (mut mouths, mut ears) = (Vec::new(), Vec::new());
    for _ in 0..10 {
        let (mouth, ear) = scene.join_in(&meeting.code, "Talker").await.socket.split();
        mouths.push(mouth);
        ears.push(ear);
    }
    let mut hear = ears.remove(0);
    let listen = join_all(ears.into_iter().map(|ear| ear.for_each(|_| async {})));
    let talk = async {
        loop {
            for mouth in &mut mouths {
                mouth.send(line.clone()).await.unwrap();
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    };
    let nonsense = format!(r#"{{"type":"{}"}}"#, "x".repeat(1000));
    let ask = async {
        // It ends with an error when the connection is cut.
        while deaf.socket.send(Message::text(nonsense.clone())).await.is_ok() {}
        std::future::pending::<()>().await;
    };
    let gone = format!(r#"{{"type":"participant_left","id":{id}}}"#);
    let watch = async {
        while let Some(Ok(message)) = hear.next().await {
            if message.to_text().is_ok_and(|text| text == gone) {
                return;
            }
        }
        panic!("the one who reads is still there");
    };
    tokio::select! {
        () = watch => {}
        () = talk => {}
        () = ask => {}
        _ = listen => panic!("those who read are disconnected"),
        () = tokio::time::sleep(PATIENCE * 3) => panic!("the one who does not read is still there"),
    }
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_silent_for_40_seconds_is_dropped() {
    let scene = scene().await;
    let meeting = scene.start_meeting().await;
    let mut ann = scene.join_host(&meeting).await;
    // Nobody reads there, so nobody answers a ping.
    let silent = scene.join_in(&meeting.code, "Silent").await;
    let before = tokio::time::Instant::now();
    ann.told_of("participant_joined").await;
    let left = async {
        loop {
            // Pings to Ann are answered by reading on.
            match ann.socket.next().await {
                Some(Ok(Message::Text(text))) => {
                    break serde_json::from_str::<serde_json::Value>(&text).unwrap();
                }
                Some(Ok(_)) => {}
                other => panic!("Ann answers and stays, but: {other:?}"),
            }
        }
    };
    let left = tokio::time::timeout(PATIENCE * 2, left).await.expect("it is dropped");
    assert_eq!((&left["type"], &left["id"]), (&json!("participant_left"), &json!(silent.you)));
    assert!(Duration::from_secs(39) < before.elapsed(), "{:?}", before.elapsed());
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_join_within_ten_seconds_is_refused() {
    let scene = scene().await;
    let mut silent = scene.connect().await;
    let refused = silent.told().await;
    assert_eq!(refused["reason"], "bad-request");
    assert_eq!(refused["message"], "No join arrived within 10 s.");
    silent.closed().await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_shake_hands_within_ten_seconds_is_cut() {
    let scene = scene().await;
    let mut silent = TcpStream::connect(scene.address).await.unwrap();
    let read = tokio::time::timeout(PATIENCE, silent.read_u8()).await.expect("it is cut in time");
    assert!(read.is_err());
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_with_a_large_body_is_refused() {
    let scene = scene().await;
    let post = |bytes: usize| scene.http.post(scene.url("/api/meetings")).body(vec![b'x'; bytes]).send();
    assert_eq!(post(1024).await.unwrap().status(), 201);
    let refused = post(1025).await.unwrap();
    assert_eq!(refused.status(), 413);
    assert!(refused.text().await.unwrap().contains("1024 bytes are allowed"));
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_61st_meeting_at_once_is_refused() {
    let scene = scene().await;
    for _ in 0..60 {
        scene.start_meeting().await;
    }
    let refused = scene.http.post(scene.url("/api/meetings")).send().await.unwrap();
    assert_eq!(refused.status(), 429);
    assert!(refused.headers().contains_key("retry-after"));
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_tries_an_ended_meeting_again_and_again_keeps_nobody_out() {
    let scene = scene().await;
    let (over, going_on) = (scene.start_meeting().await, scene.start_meeting().await);
    let mut ann = scene.join_host(&over).await;
    ann.tell(json!({"type": "end"})).await;
    ann.told_of("ended").await;
    ann.closed().await;
    for _ in 0..20 {
        let (_, refused) = scene.join(&over.code, "Bob", None).await;
        assert_eq!(refused["reason"], "no-meeting");
    }
    let (_, joined) = scene.join(&going_on.code, "Bob", None).await;
    assert_eq!(joined["type"], "joined");
    scene.stop().await;
}
