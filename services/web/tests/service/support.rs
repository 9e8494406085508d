//! A server with a folder of its own, and clients that speak the protocol. Every wait has an end.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use convene_web::{Config, RecorderProgram, Server};
use futures_util::{SinkExt, StreamExt};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};

/// Nothing that works takes so long, however busy the machine is.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A running server.
pub struct Scene {
    pub address: SocketAddr,
    /// Where operators look, if they may.
    pub metrics: Option<SocketAddr>,
    pub data: TempDir,
    pub http: reqwest::Client,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<()>,
}

/// What `POST /api/meetings` gave.
pub struct Meeting {
    pub code: String,
    pub token: String,
}

/// A server on a free port with everything as it is by default, except that the recorder is the example's.
pub async fn scene() -> Scene {
    scene_with(|_| {}).await
}

pub async fn scene_with(change: impl FnOnce(&mut Config)) -> Scene {
    scene_in(tempfile::tempdir().unwrap(), change).await
}

pub async fn scene_in(data: TempDir, change: impl FnOnce(&mut Config)) -> Scene {
    let mut config = config_in(data.path());
    change(&mut config);
    let certificate = config.certificate_file();
    let server = Server::bind(config).await.unwrap();
    let (address, metrics) = (server.local_addr(), server.metrics_addr());
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(server.run(async {
        let _ = stopped.await;
    }));
    let pem = std::fs::read(certificate).unwrap();
    let http = reqwest::Client::builder()
        .add_root_certificate(reqwest::Certificate::from_pem(&pem).unwrap())
        .tls_built_in_root_certs(false)
        .timeout(PATIENCE)
        .build()
        .unwrap();
    Scene { address, metrics, data, http, stop: Some(stop), running }
}

pub fn config_in(data: &Path) -> Config {
    Config {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        media_port: 0,
        data: data.to_owned(),
        recorder: Some(example_recorder(&[])),
        ..Config::default()
    }
}

/// `examples/recorder.rs`: it speaks the line protocol and uses the real spool and stores, but keeps the screen's bytes as they are
/// instead of making a film of them.
pub fn example_recorder(arguments: &[&str]) -> RecorderProgram {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    let path = PATH.get_or_init(|| {
        let tests = std::env::current_exe().unwrap();
        let path = tests.parent().and_then(Path::parent).unwrap().join("examples/recorder");
        // `cargo test` builds it along with the tests; `cargo test --test service` does not.
        if !path.exists() {
            let build = ["build", "--quiet", "--package", "convene-web", "--example", "recorder"];
            assert!(Command::new(env!("CARGO")).args(build).status().unwrap().success());
        }
        path
    });
    let path = path.clone();
    RecorderProgram { path, arguments: arguments.iter().map(|&argument| argument.to_owned()).collect() }
}

impl Scene {
    pub fn url(&self, path: &str) -> String {
        format!("https://127.0.0.1:{}{path}", self.address.port())
    }

    pub async fn start_meeting(&self) -> Meeting {
        let answer = self.http.post(self.url("/api/meetings")).send().await.unwrap();
        assert_eq!(answer.status(), 201);
        let started: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        let text = |field: &str| started[field].as_str().unwrap().to_owned();
        assert_eq!(text("link"), self.url(&format!("/{}", text("code"))));
        Meeting { code: text("code"), token: text("token") }
    }

    pub async fn get_json(&self, path: &str) -> Value {
        let answer = self.http.get(self.url(path)).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }

    /// A WebSocket on which nothing was said yet.
    pub async fn connect(&self) -> Client {
        self.connect_with(None).await.unwrap()
    }

    /// A TLS connection that agrees on one of these protocols, or on none.
    pub async fn connect_tls(&self, protocols: &[&[u8]]) -> TlsStream<TcpStream> {
        let certificate = self.data.path().join("tls/cert.pem");
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(certificate).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        tls.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        let stream = TcpStream::connect(self.address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(tls)).connect(name, stream).await.unwrap()
    }

    pub async fn connect_with(&self, origin: Option<&str>) -> Result<Client, tungstenite::Error> {
        let stream = self.connect_tls(&[]).await;
        let mut request =
            format!("wss://localhost:{}/ws", self.address.port()).into_client_request().unwrap();
        if let Some(origin) = origin {
            request.headers_mut().insert("origin", HeaderValue::from_str(origin).unwrap());
        }
        let config = WebSocketConfig::default();
        let (socket, _) = tokio_tungstenite::client_async_with_config(request, stream, Some(config)).await?;
        Ok(Client { socket, you: 0 })
    }

    /// Somebody who has joined; the second value is the answer.
    pub async fn join(&self, code: &str, name: &str, token: Option<&str>) -> (Client, Value) {
        let mut client = self.connect().await;
        client.tell(json!({"type": "join", "protocol": 1, "code": code, "name": name, "token": token})).await;
        let answer = client.told().await;
        client.you = answer["you"].as_u64().unwrap_or(0);
        (client, answer)
    }

    /// Somebody who is let in.
    pub async fn join_in(&self, code: &str, name: &str) -> Client {
        let (client, answer) = self.join(code, name, None).await;
        assert_eq!(answer["type"], "joined", "{answer}");
        client
    }

    /// The host, who is let in.
    pub async fn join_host(&self, meeting: &Meeting) -> Client {
        let (client, answer) = self.join(&meeting.code, "Ann", Some(&meeting.token)).await;
        assert_eq!(answer["host"], true, "{answer}");
        client
    }

    /// Asks the server to stop; `stopped` waits for it.
    pub fn begin_stop(&mut self) {
        let _ = self.stop.take().expect("it was not stopped before").send(());
    }

    pub async fn stopped(self) -> TempDir {
        tokio::time::timeout(PATIENCE * 3, self.running).await.expect("the server stops").unwrap();
        self.data
    }

    pub async fn stop(mut self) -> TempDir {
        self.begin_stop();
        self.stopped().await
    }
}

/// A participant's WebSocket.
pub struct Client {
    pub socket: WebSocketStream<TlsStream<TcpStream>>,
    pub you: u64,
}

impl Client {
    pub async fn tell(&mut self, message: Value) {
        self.send(Message::text(message.to_string())).await;
    }

    pub async fn send(&mut self, message: Message) {
        tokio::time::timeout(PATIENCE, self.socket.send(message)).await.expect("it is taken").unwrap();
    }

    pub async fn send_screen(&mut self, bytes: Bytes) {
        self.send(Message::binary(bytes)).await;
    }

    /// The next message of any kind; `None` when the connection is closed.
    pub async fn next(&mut self) -> Option<Message> {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("a message in time");
            match next {
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(message)) => return Some(message),
            }
        }
    }

    /// The next text message; screen data before it is passed over, and how large cameras may be, which is told whenever
    /// somebody comes, goes or presents, and how voices come in, which is told each five seconds.
    pub async fn told(&mut self) -> Value {
        loop {
            let told = self.told_anything().await;
            if !["camera_policy", "sound"].iter().any(|kind| told["type"] == *kind) {
                return told;
            }
        }
    }

    /// The next text message of any type.
    pub async fn told_anything(&mut self) -> Value {
        loop {
            match self.next().await {
                Some(Message::Text(text)) => return serde_json::from_str(&text).unwrap(),
                Some(_) => {}
                None => panic!("the connection is closed, a text message was due"),
            }
        }
    }

    /// The next text message of this type; others before it are passed over.
    pub async fn told_of(&mut self, kind: &str) -> Value {
        loop {
            let told = self.told_anything().await;
            if told["type"] == kind {
                return told;
            }
        }
    }

    /// The sentence of an error that comes next.
    pub async fn told_error(&mut self) -> String {
        let told = self.told().await;
        assert_eq!(told["type"], "error", "{told}");
        told["message"].as_str().unwrap().to_owned()
    }

    /// Waits until the server has closed; what it said before is given.
    pub async fn closed(&mut self) -> Vec<Value> {
        let mut told = Vec::new();
        while let Some(message) = self.next().await {
            if let Message::Text(text) = message {
                told.push(serde_json::from_str(&text).unwrap());
            }
        }
        told
    }

    /// The next piece of the screen; text before it is passed over.
    pub async fn screen(&mut self) -> Bytes {
        loop {
            match self.next().await {
                Some(Message::Binary(bytes)) => return bytes,
                Some(_) => {}
                None => panic!("the connection is closed, screen data was due"),
            }
        }
    }
}
