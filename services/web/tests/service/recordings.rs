//! Recordings: made, listed, played in ranges, deleted, and finished when something went wrong.
//!
//! The recorder here is `examples/recorder.rs`: real line protocol, real spool, real regions, but no film. The stories in `tests/`
//! at the top run the real one.

use std::time::Duration;

use bytes::Bytes;
use convene_web::Config;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use super::screen::{Screen, pixels, present};
use super::support::{Client, Meeting, PATIENCE, Scene, example_recorder, scene, scene_in, scene_with};

/// Waits until the meeting says that its recording has this state; the message is given.
pub async fn state(client: &mut Client, state: &str) -> Value {
    loop {
        let told = client.told_of("recording").await["recording"].take();
        if told["state"] == state {
            return told;
        }
    }
}

/// Asks again until the recording is so; the janitor takes its time.
pub async fn listed(scene: &Scene, id: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let asked = async {
        loop {
            let recording = scene.get_json(&format!("/api/recordings/{id}")).await;
            if is_so(&recording) {
                return recording;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, asked).await.expect("the recording becomes so")
}

async fn media(scene: &Scene, id: &str, headers: &[(&str, &str)]) -> Response {
    ask_media(scene, Method::GET, id, headers).await
}

async fn ask_media(scene: &Scene, method: Method, id: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = scene.http.request(method, scene.url(&format!("/api/recordings/{id}/media")));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

pub fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
    answer.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

/// A host in a meeting that is being recorded, with something on the screen.
pub async fn record(scene: &Scene) -> (Meeting, Client, String) {
    let meeting = scene.start_meeting().await;
    let mut ann = scene.join_host(&meeting).await;
    present(&mut ann).await;
    ann.send_screen(Screen::new().show(&pixels(1))).await;
    ann.tell(json!({"type": "record"})).await;
    let id = state(&mut ann, "starting").await["id"].as_str().unwrap().to_owned();
    (meeting, ann, id)
}

/// The same, stopped and ready.
pub async fn record_to_the_end(scene: &Scene) -> String {
    let (_, mut ann, id) = record(scene).await;
    state(&mut ann, "recording").await;
    listed(scene, &id, |recording| 100 < recording["bytes"].as_u64().unwrap()).await;
    ann.tell(json!({"type": "record_stop"})).await;
    state(&mut ann, "finishing").await;
    state(&mut ann, "ready").await;
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_is_made_and_both_regions_have_it() {
    let scene = scene().await;
    let (meeting, mut ann, id) = record(&scene).await;
    state(&mut ann, "recording").await;

    let (_bob, answer) = scene.join(&meeting.code, "Bob", None).await;
    let names: Vec<_> = answer["participants"].as_array().unwrap().iter().map(|who| &who["name"]).collect();
    assert_eq!(names, ["Ann", "Bob"], "the recorder is not on the roster");
    assert_eq!(answer["recording"]["state"], "recording");

    listed(&scene, &id, |recording| 100 < recording["bytes"].as_u64().unwrap()).await;
    ann.tell(json!({"type": "record_stop"})).await;
    let ready = state(&mut ann, "ready").await;
    assert!(ready["message"].is_null(), "{ready}");

    let recording = listed(&scene, &id, |recording| recording["state"] == "ready").await;
    assert_eq!(
        (&recording["code"], &recording["title"]),
        (&json!(meeting.code), &json!(format!("Meeting {}", meeting.code)))
    );
    let regions = recording["regions"].as_array().unwrap();
    assert_eq!((&regions[0]["name"], &regions[1]["name"]), (&json!("a"), &json!("b")));
    for region in regions {
        assert_eq!(region["state"], "complete");
        assert_eq!(region["bytes"], recording["bytes"]);
        assert_eq!(region["sha256"], regions[0]["sha256"]);
        assert_eq!(region["sha256"].as_str().unwrap().len(), 64);
    }
    assert_eq!(scene.get_json("/api/recordings").await["recordings"], json!([recording]));
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges_bring_just_what_they_name() {
    let scene = scene().await;
    let id = record_to_the_end(&scene).await;
    let whole = media(&scene, &id, &[]).await;
    assert_eq!(whole.status(), 200);
    for (name, value) in
        [("content-type", "video/webm"), ("accept-ranges", "bytes"), ("x-content-type-options", "nosniff")]
    {
        assert_eq!(header(&whole, name), value);
    }
    let etag = header(&whole, "etag").to_owned();
    assert!(etag.starts_with('"') && etag.ends_with('"') && 3 < etag.len(), "{etag}");
    let whole = whole.bytes().await.unwrap();
    let size = whole.len();
    assert!(whole.starts_with(b"first block with an index"), "block 0 was put again");

    for (range, part) in [
        ("bytes=0-0", 0..1),
        ("bytes=5-20", 5..21),
        ("bytes=-7", size - 7..size),
        (&format!("bytes={}-", size - 1), size - 1..size),
        ("bytes=0-999999999", 0..size),
    ] {
        let answer = media(&scene, &id, &[("range", range)]).await;
        assert_eq!(answer.status(), 206, "{range}");
        let told = format!("bytes {}-{}/{size}", part.start, part.end - 1);
        assert_eq!(header(&answer, "content-range"), told);
        assert_eq!(header(&answer, "content-length"), part.len().to_string());
        assert_eq!(answer.bytes().await.unwrap(), whole.slice(part), "{range}");
    }

    let beyond = media(&scene, &id, &[("range", &format!("bytes={size}-"))]).await;
    assert_eq!(
        (beyond.status().as_u16(), header(&beyond, "content-range")),
        (416, &*format!("bytes */{size}"))
    );
    let same = media(&scene, &id, &[("range", "bytes=0-0"), ("if-range", &etag)]).await;
    assert_eq!(same.status(), 206);
    let other = media(&scene, &id, &[("range", "bytes=0-0"), ("if-range", "\"other\"")]).await;
    assert_eq!((other.status().as_u16(), other.bytes().await.unwrap()), (200, whole.clone()));
    let kept = media(&scene, &id, &[("if-none-match", &etag)]).await;
    assert_eq!((kept.status().as_u16(), kept.bytes().await.unwrap()), (304, Bytes::new()));
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_head_of_a_recording_tells_its_size() {
    let scene = scene().await;
    let id = record_to_the_end(&scene).await;
    let size = media(&scene, &id, &[]).await.bytes().await.unwrap().len();
    let head = ask_media(&scene, Method::HEAD, &id, &[]).await;
    assert_eq!((head.status().as_u16(), header(&head, "content-length")), (200, &*size.to_string()));
    let part = ask_media(&scene, Method::HEAD, &id, &[("range", "bytes=2-3")]).await;
    assert_eq!((part.status().as_u16(), header(&part, "content-length")), (206, "2"));

    let url = scene.url(&format!("/api/recordings/{id}/media?download"));
    let download = scene.http.get(url).send().await.unwrap();
    let disposition = header(&download, "content-disposition");
    assert!(disposition.starts_with("attachment; filename=\"convene-"), "{disposition}");
    assert!(disposition.ends_with(".webm\""), "{disposition}");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_leaves_nothing_in_any_region() {
    let scene = scene().await;
    let id = record_to_the_end(&scene).await;
    let url = scene.url(&format!("/api/recordings/{id}"));
    let foreign = scene.http.delete(&url).header("origin", "https://evil.example.org").send().await.unwrap();
    assert_eq!(foreign.status(), 403);
    let deleted = scene.http.delete(&url).send().await.unwrap();
    assert_eq!(deleted.status(), 200);
    let body: Value = serde_json::from_str(&deleted.text().await.unwrap()).unwrap();
    assert_eq!(body, json!({"deleted": true, "regions": ["a", "b"]}));

    assert_eq!(scene.get_json("/api/recordings").await, json!({"recordings": []}));
    assert_eq!(media(&scene, &id, &[]).await.status(), 404);
    assert_eq!(scene.http.delete(&url).send().await.unwrap().status(), 404);
    let data = scene.stop().await;
    for entry in walk(&data.path().join("regions")) {
        assert!(!entry.contains(&id), "{entry} is left");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_region_that_is_away_is_deleted_when_it_is_back() {
    let scene = scene().await;
    let id = record_to_the_end(&scene).await;
    let (region, away) = (scene.data.path().join("regions/b"), scene.data.path().join("regions/b.away"));
    std::fs::rename(&region, &away).unwrap();
    std::fs::write(&region, "no folder").unwrap();

    let url = scene.url(&format!("/api/recordings/{id}"));
    let accepted = scene.http.delete(&url).send().await.unwrap();
    assert_eq!(accepted.status(), 202);
    let body: Value = serde_json::from_str(&accepted.text().await.unwrap()).unwrap();
    assert_eq!(body, json!({"deleted": false, "regions": ["b"]}));
    let left = scene.get_json(&format!("/api/recordings/{id}")).await;
    assert_eq!(
        (&left["regions"][0]["state"], &left["regions"][1]["state"]),
        (&json!("deleted"), &json!("deleting"))
    );
    assert_eq!(media(&scene, &id, &[]).await.status(), 410);

    std::fs::remove_file(&region).unwrap();
    std::fs::rename(&away, &region).unwrap();
    let scene = scene_in(scene.stop().await, |_| {}).await;
    let gone = async {
        while scene.get_json("/api/recordings").await != json!({"recordings": []}) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.expect("the next start deletes the rest");
    let data = scene.stop().await;
    assert!(walk(&data.path().join("regions")).iter().all(|entry| !entry.contains(&id)));
}

/// All files below a folder.
fn walk(folder: &std::path::Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(walk(&path));
        }
        found.push(path.display().to_string());
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_that_runs_can_be_played_and_is_not_deleted() {
    let scene = scene().await;
    let (_, mut ann, id) = record(&scene).await;
    state(&mut ann, "recording").await;
    let playing = async {
        loop {
            let answer = media(&scene, &id, &[("range", "bytes=0-")]).await;
            if answer.status() == 206 {
                return answer;
            }
            assert_eq!(answer.status(), 404, "not yet");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let answer = tokio::time::timeout(PATIENCE, playing).await.expect("the blob is committed while it grows");
    assert_eq!(header(&answer, "cache-control"), "no-store");
    assert!(answer.bytes().await.unwrap().starts_with(b"first block"));

    let refused = scene.http.delete(scene.url(&format!("/api/recordings/{id}"))).send().await.unwrap();
    assert_eq!(refused.status(), 409);
    assert!(refused.text().await.unwrap().contains("Stop recording first"));
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_the_meeting_ends_the_recording() {
    let scene = scene().await;
    let (_, mut ann, id) = record(&scene).await;
    state(&mut ann, "recording").await;
    ann.tell(json!({"type": "end"})).await;
    ann.told_of("ended").await;
    listed(&scene, &id, |recording| recording["state"] == "ready").await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_of_the_service_finishes_the_recording_first() {
    let mut scene = scene().await;
    let (_, mut ann, id) = record(&scene).await;
    state(&mut ann, "recording").await;
    scene.begin_stop();
    ann.told_of("ended").await;
    let data = scene.stopped().await;
    let store = convene_store::Store::open(&data.path().join("convene.sqlite")).unwrap();
    let recording = store.recording(id.parse().unwrap()).unwrap().unwrap();
    assert_eq!(recording.state, convene_recordings::RecordingState::Ready);
}

fn with_recorder(mode: &'static str) -> impl FnOnce(&mut Config) {
    move |config| config.recorder = Some(example_recorder(&[mode]))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorder_that_fails_says_why_and_the_meeting_goes_on() {
    let scene = scene_with(with_recorder("fail")).await;
    let (_, mut ann, id) = record(&scene).await;
    let failed = state(&mut ann, "failed").await;
    assert_eq!(failed["message"], "The disk of the example is full.");
    ann.tell(json!({"type": "chat", "text": "still here"})).await;
    assert_eq!(ann.told_of("chat").await["text"], "still here");
    let recording = listed(&scene, &id, |_| true).await;
    assert_eq!((&recording["state"], &recording["message"]), (&failed["state"], &failed["message"]));

    ann.tell(json!({"type": "record"})).await;
    assert_ne!(state(&mut ann, "starting").await["id"], json!(id), "another try is another recording");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_recorder_left_in_the_spool_is_finished() {
    let scene = scene_with(with_recorder("die")).await;
    let (_, mut ann, id) = record(&scene).await;
    let failed = state(&mut ann, "failed").await;
    assert_eq!(failed["message"], "The recorder ended before it had finished (exit status: 3).");
    let recording = listed(&scene, &id, |recording| recording["state"] == "ready").await;
    let message = recording["message"].as_str().unwrap();
    assert_eq!(message, "The recording was cut off; what there is of it can be played.");
    let whole = media(&scene, &id, &[]).await.bytes().await.unwrap();
    assert_eq!(json!(whole.len()), recording["bytes"]);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorder_that_is_not_there_is_named() {
    let scene = scene_with(|config| {
        config.recorder =
            Some(convene_web::RecorderProgram { path: "/no/such/recorder".into(), arguments: vec![] });
    })
    .await;
    let (_, mut ann, _) = record(&scene).await;
    let message = state(&mut ann, "failed").await["message"].take();
    assert!(
        message.as_str().unwrap().starts_with("The recorder /no/such/recorder cannot be started"),
        "{message}"
    );
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_recording_is_no_recording_whatever_it_is_called() {
    let scene = scene().await;
    for id in [
        "00000000-0000-4000-8000-000000000000",
        "x",
        "..",
        "%2e%2e%2f",
        "00000000-0000-4000-8000-00000000000A",
    ] {
        for method in [Method::GET, Method::DELETE] {
            let url = scene.url(&format!("/api/recordings/{id}"));
            let answer = scene.http.request(method, url).send().await.unwrap();
            assert!([404, 405].contains(&answer.status().as_u16()), "{id}: {}", answer.status());
            let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
            assert!(body["error"].is_string() && body["message"].is_string(), "{body}");
        }
        assert_eq!(media(&scene, id, &[]).await.status(), 404, "{id}");
    }
    scene.stop().await;
}

/// Two meetings and room for one recording: the second is told, and gets its turn when the first has ended.
#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_is_full_says_so_and_records_later() {
    let scene = scene_with(|config| config.recordings_max = Some(1)).await;
    let (_, mut ann, _) = record(&scene).await;
    state(&mut ann, "recording").await;

    let meeting = scene.start_meeting().await;
    let mut bob = scene.join_host(&meeting).await;
    bob.tell(json!({"type": "record"})).await;
    let refused = state(&mut bob, "failed").await;
    let sentence = refused["message"].as_str().unwrap();
    assert!(
        sentence.starts_with("This server records as many meetings as it can, which is 1."),
        "{sentence}"
    );
    let listed = scene.get_json("/api/recordings").await;
    assert_eq!(listed["recordings"].as_array().unwrap().len(), 1, "{listed}");

    ann.tell(json!({"type": "record_stop"})).await;
    state(&mut ann, "ready").await;
    bob.tell(json!({"type": "record"})).await;
    state(&mut bob, "recording").await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_is_paused_and_goes_on_and_everybody_is_told() {
    let scene = scene().await;
    let (meeting, mut ann, id) = record(&scene).await;
    state(&mut ann, "recording").await;
    let (mut bob, _) = scene.join(&meeting.code, "Bob", None).await;
    bob.tell(json!({"type": "record_pause"})).await;
    let why = bob.told_of("error").await["message"].take();
    assert_eq!(why, "Only the host can pause the recording.");

    ann.tell(json!({"type": "record_pause"})).await;
    state(&mut bob, "paused").await;
    listed(&scene, &id, |recording| recording["state"] == "paused").await;
    ann.tell(json!({"type": "record_resume"})).await;
    state(&mut bob, "recording").await;
    ann.tell(json!({"type": "record_pause"})).await;
    state(&mut bob, "paused").await;
    ann.tell(json!({"type": "record_stop"})).await;
    state(&mut bob, "ready").await;
    scene.stop().await;
}
