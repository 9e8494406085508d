//! Recordings behind Debian's nginx, set up as `cdn.nginx.conf` has it.

use std::ffi::OsStr;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use convene_test_support::Program;
use reqwest::Response;
use serde_json::json;

use super::recordings::{header, record_to_the_end};
use super::sharing::link;
use super::support::{PATIENCE, Scene, scene};

const CONFIGURATION: &str = include_str!("../../cdn.nginx.conf");

/// A running nginx; dropping it ends it.
struct Cdn {
    address: SocketAddr,
    program: Program,
    _folder: tempfile::TempDir,
}

/// The system's, or the one that `.ci/install` has unpacked.
fn nginx() -> PathBuf {
    let unpacked = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/nginx/usr/sbin/nginx");
    let places = [PathBuf::from("/usr/sbin/nginx"), unpacked];
    places.into_iter().find(|path| path.exists()).expect("`.ci/install test` unpacks nginx")
}

impl Cdn {
    async fn start(scene: &Scene) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Another process may take the port between the two; then nginx says so, and the test fails rather than hangs.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let tls = scene.data.path().join("tls");
        let file = |name: &str| tls.join(name).display().to_string();
        let places = [
            ("ORIGIN_CERTIFICATE", file("cert.pem")),
            ("ORIGIN_NAME", "localhost".to_owned()),
            ("ORIGIN", scene.address.to_string()),
            ("CERTIFICATE", file("cert.pem")),
            ("KEY", file("key.pem")),
            ("ADDRESS", address.to_string()),
            ("DATA", folder.path().display().to_string()),
        ];
        let filled =
            places.iter().fold(CONFIGURATION.to_owned(), |text, (place, value)| text.replace(place, value));
        let path = folder.path().join("nginx.conf");
        std::fs::write(&path, filled).unwrap();
        let options = ["-g", "daemon off; master_process off;", "-e", "stderr", "-c"].map(OsStr::new);
        let paths = [path.as_os_str(), OsStr::new("-p"), folder.path().as_os_str()];
        let program = Program::start(nginx(), options.into_iter().chain(paths), Stdio::inherit());
        let mut cdn = Self { address, program, _folder: folder };
        let up = async {
            while tokio::net::TcpStream::connect(address).await.is_err() {
                assert!(cdn.program.ended().is_none(), "nginx runs");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, up).await.expect("nginx listens");
        cdn
    }

    async fn get(&self, scene: &Scene, path: &str, range: Option<&str>) -> Response {
        let mut request = scene.http.get(format!("https://{}{path}", self.address));
        if let Some(range) = range {
            request = request.header("range", range);
        }
        request.send().await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_link_shows_is_kept_nearer_to_those_who_look() {
    let scene = scene().await;
    let id = record_to_the_end(&scene).await;
    let token = link(&scene, &id, json!({})).await;
    let own = scene.http.get(scene.url(&format!("/api/recordings/{id}/media"))).send().await.unwrap();
    let own = own.bytes().await.unwrap();
    let cdn = Cdn::start(&scene).await;
    let path = format!("/api/watch/{token}/media");

    let first = cdn.get(&scene, &path, None).await;
    assert_eq!((first.status().as_u16(), header(&first, "x-cache")), (200, "MISS"));
    let etag = header(&first, "etag").to_owned();
    assert_eq!(first.bytes().await.unwrap(), own);
    let second = cdn.get(&scene, &path, Some("bytes=2-5")).await;
    assert_eq!((second.status().as_u16(), header(&second, "x-cache")), (206, "HIT"));
    assert_eq!(header(&second, "etag"), etag);
    assert_eq!(second.bytes().await.unwrap(), own.slice(2..6));

    // What is for those inside alone is kept nowhere, and the page goes through.
    for _ in 0..2 {
        let inside = cdn.get(&scene, &format!("/api/recordings/{id}/media"), None).await;
        assert_eq!((inside.status().as_u16(), header(&inside, "x-cache")), (200, ""));
    }
    assert_eq!(cdn.get(&scene, "/healthz", None).await.text().await.unwrap(), "ok");

    // What was kept there can be seen until it is asked for again.
    scene.http.delete(scene.url(&format!("/api/recordings/{id}/links"))).send().await.unwrap();
    assert_eq!(cdn.get(&scene, &path, None).await.status(), 200, "for five minutes");
    let other = format!("{path}?download");
    let other = scene.http.get(scene.url(&other)).send().await.unwrap();
    assert_eq!(other.status(), 410, "the service itself shows it to nobody any more");
    drop(cdn);
    scene.stop().await;
}
