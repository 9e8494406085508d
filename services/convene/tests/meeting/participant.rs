//! Somebody in a meeting who speaks the protocol.

use std::sync::Arc;
use std::time::Duration;

use convene_screen::Decoder;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use crate::service::{Meeting, Service, WAIT_MAX};

pub struct Participant {
    socket: WebSocketStream<TlsStream<TcpStream>>,
    decoder: Decoder,
}

impl Participant {
    /// Joins as the host.
    pub async fn join(service: &Service, meeting: &Meeting, name: &str) -> Self {
        let mut roots = RootCertStore::empty();
        let certificate = CertificateDer::from_pem_file(service.certificate()).expect("a certificate");
        roots.add(certificate).expect("a good one");
        // Whoever comes second finds it installed.
        let _ = aws_lc_rs::default_provider().install_default();
        let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let stream = TcpStream::connect(("127.0.0.1", service.port())).await.expect("it listens");
        let host = ServerName::try_from("localhost").expect("a name");
        let stream = TlsConnector::from(Arc::new(config)).connect(host, stream).await.expect("trusted");
        let address = format!("wss://localhost:{}/ws", service.port());
        let (socket, _) = tokio_tungstenite::client_async(address, stream).await.expect("a WebSocket");

        let mut participant = Self { socket, decoder: Decoder::new() };
        let join = json!({"type": "join", "protocol": 1, "code": meeting.code, "name": name, "token": meeting.token});
        participant.say(join).await;
        participant.hear(|message| message["type"] == "joined").await;
        participant
    }

    pub async fn say(&mut self, message: Value) {
        self.socket.send(Message::text(message.to_string())).await.expect("sent");
    }

    /// The next message that is `wanted`; the screen is painted meanwhile.
    pub async fn hear(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut heard = Vec::new();
        loop {
            let Some(message) = self.next().await else { panic!("it never came, only {heard:?}") };
            if wanted(&message) {
                return message;
            }
            heard.push(message);
        }
    }

    /// Paints until the screen is these pixels.
    pub async fn see(&mut self, pixels: &[u8]) {
        let look = async {
            while self.decoder.canvas().is_none_or(|canvas| canvas.pixels() != pixels) {
                self.receive().await.expect("the meeting goes on");
            }
        };
        timeout(WAIT_MAX, look).await.expect("the screen is seen");
    }

    /// Starts a recording and comes back when it runs.
    pub async fn begin_recording(&mut self) {
        self.say(json!({"type": "record"})).await;
        self.hear(|message| message["recording"]["state"] == "recording").await;
    }

    /// Records for this long, and comes back when it is ready.
    pub async fn record_for(&mut self, time: Duration, in_the_middle: impl FnOnce()) {
        self.begin_recording().await;
        tokio::time::sleep(time / 2).await;
        in_the_middle();
        tokio::time::sleep(time / 2).await;
        self.say(json!({"type": "record_stop"})).await;
        let ended = |message: &Value| {
            let state = &message["recording"]["state"];
            message["type"] == "recording" && (state == "ready" || state == "degraded" || state == "failed")
        };
        let message = self.hear(ended).await;
        assert_eq!(message["recording"]["state"], "ready", "{message}");
    }

    /// The next text message; `None` when none comes any more.
    async fn next(&mut self) -> Option<Value> {
        let listen = async {
            loop {
                if let Some(text) = self.receive().await? {
                    return Some(serde_json::from_str(&text).expect("JSON"));
                }
            }
        };
        timeout(WAIT_MAX, listen).await.ok().flatten()
    }

    /// One message: text, or a piece of the screen, which is painted. `None` when the connection ends.
    async fn receive(&mut self) -> Option<Option<String>> {
        match self.socket.next().await?.ok()? {
            Message::Text(text) => Some(Some(text.to_string())),
            Message::Binary(bytes) => {
                self.decoder.push(&bytes);
                while self.decoder.next_update().expect("a sound stream").is_some() {}
                self.say(json!({"type": "painted", "bytes": self.decoder.painted_bytes()})).await;
                Some(None)
            }
            Message::Close(_) => None,
            _ => Some(None),
        }
    }
}
