//! What is written down of telephone calls.

use std::path::Path;

use convene_conference::Codec;
use convene_pipelines::CallerNames;
use convene_web::CallRecords;
use serde_json::{Value, json};

use super::phone::Phone;
use super::support::{Client, Meeting, PATIENCE, Scene, scene_with};

async fn meeting(records: CallRecords) -> (Scene, Meeting, Client, u16) {
    let scene = scene_with(|config| {
        config.sip_udp_port = Some(0);
        config.sip_names = CallerNames::Never;
        config.call_records = records;
    })
    .await;
    let meeting = scene.start_meeting().await;
    let (ann, joined) = scene.join(&meeting.code, "Ann", Some(&meeting.token)).await;
    let port = joined["dial_in"]["udp_port"].as_u64().expect("a port").try_into().unwrap();
    (scene, meeting, ann, port)
}

fn text(data: &Path) -> String {
    std::fs::read_to_string(data.join("calls.jsonl")).unwrap_or_default()
}

/// Once there are so many.
pub async fn records(data: &Path, count: usize) -> Vec<Value> {
    let lines = async {
        loop {
            let lines: Vec<Value> =
                text(data).lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
            if count <= lines.len() {
                return lines;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, lines).await.expect("the calls are written down")
}

#[tokio::test(flavor = "multi_thread")]
async fn each_call_is_a_line_without_names_numbers_and_codes() {
    let (scene, meeting, mut ann, port) = meeting(CallRecords::default()).await;
    let dan = Phone::call(port, "Dan", Codec::Pcmu, 440.0).await;
    dan.press(&format!("{}#", meeting.code));
    ann.told_of("participant_joined").await;
    let eve = Phone::call(port, "Eve", Codec::G722, 1000.0).await;
    eve.press(&format!("{}#", meeting.code));
    ann.told_of("participant_joined").await;
    dan.hears(1000.0, true).await;
    dan.loses_each(4);
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let data = scene.data.path().to_owned();
    assert_eq!(text(&data), "", "no call is over");
    dan.hang_up().await;
    let of_dan = records(&data, 1).await.remove(0);
    for (field, value) in [
        ("direction", json!("in")),
        ("transport", json!("udp")),
        ("trunk", json!(false)),
        ("codec", json!("PCMU")),
        ("encryption", json!("none")),
        ("ended_by", json!("telephone")),
        ("reason", json!("hung-up")),
        ("status", Value::Null),
    ] {
        assert_eq!(of_dan[field], value, "{field} of {of_dan}");
    }
    assert!(2.0 < of_dan["duration_s"].as_f64().unwrap(), "{of_dan}");
    let packets = |field: &str| of_dan["packets"][field].as_u64().expect(field);
    assert!(50 < packets("received") && 50 < packets("sent"), "{of_dan}");
    assert!((15..=60).contains(&packets("lost")), "every fourth in two seconds and more: {of_dan}");

    // Fay knows no code.
    let fay = Phone::call(port, "Fay", Codec::Pcma, 700.0).await;
    for _ in 0..3 {
        fay.press("111111111#");
    }
    fay.is_hung_up().await;
    let of_fay = records(&data, 2).await.remove(1);
    assert_eq!((&of_fay["meeting"], &of_fay["ended_by"]), (&Value::Null, &json!("service")));

    // Eve is still there when the service ends.
    let data = scene.stop().await;
    let of_eve = records(data.path(), 3).await.remove(2);
    assert_eq!((&of_eve["ended_by"], &of_eve["reason"]), (&json!("service"), &json!("dismissed")));
    assert_eq!((&of_eve["meeting"], &of_eve["codec"]), (&of_dan["meeting"], &json!("G722")));
    assert_eq!(of_dan["meeting"].as_str().expect("an id").len(), 36);
    let all = text(data.path());
    for secret in ["Dan", "Eve", "Fay", "Ann", "sip:", "127.0.0.1", meeting.code.as_str(), &meeting.token] {
        assert!(!all.contains(secret), "{secret} is in\n{all}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_has_numbers_written_down_or_nothing() {
    let (scene, _, _ann, port) = meeting(CallRecords::Numbers).await;
    Phone::call(port, "Dan", Codec::Pcmu, 440.0).await.hang_up().await;
    let record = records(scene.data.path(), 1).await.remove(0);
    assert_eq!((&record["number"], &record["name"]), (&json!("Dan"), &json!("Dan")), "as the telephone says");
    scene.stop().await;

    let (scene, _, _ann, port) = meeting(CallRecords::Off).await;
    Phone::call(port, "Dan", Codec::Pcmu, 440.0).await.hang_up().await;
    let data = scene.stop().await;
    assert!(!data.path().join("calls.jsonl").exists());
}
