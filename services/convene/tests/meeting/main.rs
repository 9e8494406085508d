//! Whole meetings by the program alone: it serves, presents an X server's screen, and records; a participant watches.

mod display;
mod participant;
mod service;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use display::Display;
use participant::Participant;
use serde_json::json;
use service::{Service, terminate};

/// What a recording may be longer or shorter than the time between its start and its stop.
const LENGTH_ERROR_SECONDS_MAX: f64 = 0.5;

#[tokio::test(flavor = "multi_thread")]
async fn a_screen_is_presented_watched_and_recorded_to_both_regions() {
    let service = Service::start().await;
    let meeting = service.meeting().await;
    let mut host = Participant::join(&service, &meeting, "Ann").await;
    let display = Display::start();
    let presenter = service.present(&meeting, &display);
    host.say(json!({"type": "watch"})).await;
    display.paint(0x0033_66cc);
    host.see(&display.pixels()).await;

    host.record_for(Duration::from_secs(3), || display.paint(0x00cc_6633)).await;
    host.see(&display.pixels()).await;
    let files = service.recorded();
    assert_eq!(files.len(), 2, "one file a region: {files:?}");
    let [a, b] = [&files[0], &files[1]].map(|path| std::fs::read(path).expect("readable"));
    assert!(a == b, "the regions differ");
    let seconds = length(&files[0]);
    assert!((seconds - 3.0).abs() <= LENGTH_ERROR_SECONDS_MAX, "{seconds} s");

    let id = files[0].file_stem().and_then(|name| name.to_str()).expect("a name");
    let log = service.log();
    for said in ["a recording starts", "the recorder has joined the meeting", "the recording has ended"] {
        let line =
            log.iter().find(|line| line["message"] == said).unwrap_or_else(|| panic!("{said}: {log:#?}"));
        let spans = line["spans"].as_array().expect("spans");
        assert!(spans.iter().any(|span| span["recording"] == id), "{line}");
    }

    assert!(presenter.end_by_signal());
    host.hear(|message| message["type"] == "presenter" && message["id"].is_null()).await;
    assert!(service.end_by_signal());
}

/// The service is told to stop in the middle of a recording: the meeting is told, and the recording is whole in both regions.
#[tokio::test(flavor = "multi_thread")]
async fn a_clean_stop_finishes_the_recording() {
    let service = Service::start().await;
    let meeting = service.meeting().await;
    let mut host = Participant::join(&service, &meeting, "Ann").await;
    let display = Display::start();
    let _presenter = service.present(&meeting, &display);
    host.say(json!({"type": "watch"})).await;
    host.see(&display.pixels()).await;
    host.begin_recording().await;
    tokio::time::sleep(Duration::from_secs(2)).await;

    terminate(service.id());
    host.hear(|message| message["type"] == "ended").await;
    let data = service.wait();
    let files = service::recorded(data.path());
    assert_eq!(files.len(), 2, "one file a region: {files:?}");
    let seconds = length(&files[0]);
    assert!((seconds - 2.0).abs() <= LENGTH_ERROR_SECONDS_MAX, "{seconds} s");
}

/// The service dies in the middle of a recording. The recording process makes the file whole by itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_service_leaves_a_whole_recording() {
    let service = Service::start().await;
    let meeting = service.meeting().await;
    let mut host = Participant::join(&service, &meeting, "Ann").await;
    let display = Display::start();
    let _presenter = service.present(&meeting, &display);
    host.say(json!({"type": "watch"})).await;
    host.see(&display.pixels()).await;
    host.begin_recording().await;
    tokio::time::sleep(Duration::from_secs(3)).await;

    let data = service.kill();
    let whole = || {
        let files = service::recorded(data.path());
        (files.len() == 2 && files.iter().all(|file| has_length(file.as_path()))).then_some(files)
    };
    let files = service::until("the recording is whole", whole).await;
    let seconds = length(&files[0]);
    assert!((seconds - 3.0).abs() <= LENGTH_ERROR_SECONDS_MAX, "{seconds} s");
}

/// The presenter and the recording end with their meeting.
#[tokio::test(flavor = "multi_thread")]
async fn the_meetings_end_is_everybodys_end() {
    let service = Service::start().await;
    let meeting = service.meeting().await;
    let mut host = Participant::join(&service, &meeting, "Ann").await;
    let display = Display::start();
    let presenter = service.present(&meeting, &display);
    host.say(json!({"type": "watch"})).await;
    host.see(&display.pixels()).await;
    host.begin_recording().await;
    tokio::time::sleep(Duration::from_secs(1)).await;

    host.say(json!({"type": "end"})).await;
    host.hear(|message| message["type"] == "ended").await;
    assert!(presenter.ends_well());
    let whole = || {
        let files = service.recorded();
        (files.len() == 2 && files.iter().all(|file| has_length(file.as_path()))).then_some(files)
    };
    let files = service::until("the recording is whole", whole).await;
    let seconds = length(&files[0]);
    assert!((seconds - 1.0).abs() <= LENGTH_ERROR_SECONDS_MAX, "{seconds} s");
}

/// The sound alone: no screen is asked for, and the file ends with its meeting. Where nobody has said anything, there is no track but the mix.
#[tokio::test(flavor = "multi_thread")]
async fn a_recording_of_the_sound_alone_is_whole() {
    for layout in ["sound", "tracks"] {
        let service = Service::start().await;
        let meeting = service.meeting().await;
        let mut host = Participant::join(&service, &meeting, "Ann").await;
        host.say(json!({"type": "record", "layout": layout})).await;
        host.hear(|message| message["recording"]["state"] == "recording").await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        host.say(json!({"type": "end"})).await;
        host.hear(|message| message["type"] == "ended").await;
        let whole = || {
            let files = service.recorded();
            (files.len() == 2 && files.iter().all(|file| has_length(file.as_path()))).then_some(files)
        };
        let files = service::until("the recording is whole", whole).await;
        let [a, b] = [&files[0], &files[1]].map(|path| std::fs::read(path).expect("readable"));
        assert!(a == b, "the regions differ");
        let seconds = length(&files[0]);
        assert!((seconds - 3.0).abs() <= LENGTH_ERROR_SECONDS_MAX, "{seconds} s");
        assert_eq!(codecs(&files[0]), "opus");
    }
}

/// A recorder that is not let in says why, and leaves nothing behind.
#[tokio::test(flavor = "multi_thread")]
async fn a_recorder_without_a_meeting_fails_with_its_sentence() {
    let service = Service::start().await;
    for layout in ["beside", "sound", "tracks"] {
        let spool = tempfile::tempdir().expect("a folder");
        let job = json!({
            "id": "00000000-0000-0000-0000-000000000001", "code": "999999999", "token": "n".repeat(32),
            "layout": layout,
            "server": format!("https://localhost:{}", service.port()), "ca_file": service.certificate(),
            "spool": spool.path().join("spool"),
            "stores": [{"kind": "folder", "region": "a", "path": spool.path().join("a")}],
        });
        let said = service::record(&job.to_string());
        let lines: Vec<_> = said.lines().collect();
        assert_eq!(lines.len(), 1, "{said}");
        assert!(
            lines[0].starts_with(r#"{"event":"failed""#) && said.contains("No meeting can be joined"),
            "{said}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn presenting_to_an_ended_meeting_says_so() {
    let service = Service::start().await;
    let display = Display::start();
    let refused = service.present("999999999", &display).said_at_its_end();
    assert!(refused.contains("No meeting can be joined with this code"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_certificate_is_refused() {
    let service = Service::start().await;
    let meeting = service.meeting().await;
    let display = Display::start();
    let refused = service.present_without_trust(&meeting.code, &display).said_at_its_end();
    assert!(refused.contains("certificate"), "{refused}");
}

/// How long an independent reader finds that the file plays; it must have nothing to complain of.
fn length(file: &Path) -> f64 {
    let found = probe(file);
    assert!(found.1.is_empty(), "{}", found.1);
    found.0.trim().parse().expect("a duration")
}

fn codecs(file: &Path) -> String {
    let found = Command::new("ffprobe")
        .args(["-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0"])
        .arg(file)
        .output()
        .expect("ffprobe is installed: apt-get install ffmpeg");
    String::from_utf8_lossy(&found.stdout).trim().to_owned()
}

fn has_length(file: &Path) -> bool {
    let (duration, complaints) = probe(file);
    complaints.is_empty() && duration.trim().parse::<f64>().is_ok()
}

fn probe(file: &Path) -> (String, String) {
    let found = Command::new("ffprobe")
        .args(["-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0"])
        .arg(file)
        .output()
        .expect("ffprobe is installed: apt-get install ffmpeg");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (text(found.stdout), text(found.stderr))
}
