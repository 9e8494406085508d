//! Starting and stopping.

use std::os::unix::fs::PermissionsExt;

use convene_web::{Config, Server, StartError};
use serde_json::json;

use super::support::{config_in, scene, scene_in};

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_is_said_with_its_number() {
    let first = scene().await;
    let folder = tempfile::tempdir().unwrap();
    let mut config = config_in(folder.path());
    config.listen = first.address;
    let error = Server::bind(config).await.err().expect("the port is taken");
    assert!(matches!(error, StartError::PortInUse { .. }));
    let sentence = error.to_string();
    assert!(
        sentence.starts_with(&format!("Port {} is in use on 127.0.0.1.", first.address.port())),
        "{sentence}"
    );
    first.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_media_port_in_use_is_refused_with_a_sentence() {
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let port = taken.local_addr().unwrap().port();
    let config = Config { media_port: port, ..config_in(folder.path()) };
    let sentence = Server::bind(config).await.err().expect("the port is taken").to_string();
    assert!(
        sentence.starts_with(&format!("UDP port {port} cannot be used for voices and faces on 127.0.0.1: ")),
        "{sentence}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_folder_that_is_a_file_is_refused_with_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::write(&data, "a file").unwrap();
    let error = Server::bind(config_in(&data)).await.err().expect("no folder");
    assert!(error.to_string().contains("cannot be written"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_certificate_is_kept_and_its_key_is_secret() {
    let first = scene().await;
    let certificate = std::fs::read(first.data.path().join("tls/cert.pem")).unwrap();
    let data = first.stop().await;
    let second = scene_in(data, |_| {}).await;
    assert_eq!(std::fs::read(second.data.path().join("tls/cert.pem")).unwrap(), certificate);
    let key = std::fs::metadata(second.data.path().join("tls/key.pem")).unwrap();
    assert_eq!(key.permissions().mode() & 0o777, 0o600);
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_certificate_is_refused_with_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("tls")).unwrap();
    std::fs::write(folder.path().join("tls/cert.pem"), "no certificate").unwrap();
    let error = Server::bind(config_in(folder.path())).await.err().expect("half a pair");
    assert!(matches!(error, StartError::Certificate { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_none_is_refused_with_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("convene.sqlite"), "a diary ".repeat(1000)).unwrap();
    let error = Server::bind(config_in(folder.path())).await.err().expect("a diary");
    assert!(matches!(error, StartError::Catalogue(_)), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_tells_the_meetings_and_takes_nobody_in() {
    let mut scene = scene().await;
    let meeting = scene.start_meeting().await;
    let mut ann = scene.join_host(&meeting).await;
    let mut bob = scene.join_in(&meeting.code, "Bob").await;
    scene.begin_stop();
    for client in [&mut ann, &mut bob] {
        let ended = client.told_of("ended").await;
        assert!(ended["message"].as_str().unwrap().starts_with("The server is being stopped"), "{ended}");
        assert_eq!(client.closed().await, [] as [serde_json::Value; 0]);
    }
    scene.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_rests_after_a_restart_too() {
    let scene = scene().await;
    let meeting = scene.start_meeting().await;
    let mut ann = scene.join_host(&meeting).await;
    ann.tell(json!({"type": "end"})).await;
    ann.told_of("ended").await;
    let data = scene.stop().await;
    let store = convene_store::Store::open(&data.path().join("convene.sqlite")).unwrap();
    let resting = store.resting_codes(time::OffsetDateTime::now_utc()).unwrap();
    assert_eq!(resting.len(), 1);
    assert_eq!(resting[0].0.to_string(), meeting.code);
}
