//! A small server that speaks the meeting protocol over TLS, one participant after the other, as a test directs it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use parking_lot::{Condvar, Mutex};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::tungstenite::Message;

const LIMIT: Duration = Duration::from_secs(30);

/// The code of the one meeting that this server has.
pub const CODE: &str = "123456789";

/// What the server does by itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Lets everybody join and present, and says at once what it has taken in.
    Kind,
    /// Lets everybody join; all else is up to the test.
    Directed,
    /// Lets nobody join.
    Refusing,
    /// Takes the TCP connection and says nothing.
    Mute,
}

/// A running server; it ends with the value.
pub struct Server {
    pub port: u16,
    pub ca_file: PathBuf,
    heard: Arc<Ears>,
    orders: UnboundedSender<Order>,
    _folder: TempDir,
    _runtime: tokio::runtime::Runtime,
}

enum Order {
    Say(String),
    Screen(Bytes),
    HangUp,
}

#[derive(Default)]
struct Ears {
    heard: Mutex<Heard>,
    changed: Condvar,
}

/// What participants have said so far.
#[derive(Default)]
pub struct Heard {
    /// Text messages as they came.
    pub texts: Vec<String>,
    /// The binary messages, one after the other.
    pub screen: Vec<u8>,
    pub screen_messages: usize,
    pub left: usize,
}

impl Heard {
    pub fn has(&self, part: &str) -> bool {
        self.texts.iter().any(|text| text.contains(part))
    }
}

impl Server {
    pub fn start(manner: Manner) -> Self {
        let folder = TempDir::new().expect("a temporary folder can be made");
        let own = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()])
            .expect("a certificate can be made");
        let ca_file = folder.path().join("ca.pem");
        std::fs::write(&ca_file, own.cert.pem()).expect("the folder can be written");
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(own.signing_key.serialize_der()));
        let config = rustls::ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("aws-lc-rs has them")
            .with_no_client_auth()
            .with_single_cert(vec![own.cert.der().clone()], key)
            .expect("the key fits the certificate");

        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("one more thread");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let heard = Arc::new(Ears::default());
        let (orders, taken_orders) = unbounded_channel();
        runtime.spawn(serve(
            listener,
            TlsAcceptor::from(Arc::new(config)),
            manner,
            Arc::clone(&heard),
            taken_orders,
        ));
        Self { port, ca_file, heard, orders, _folder: folder, _runtime: runtime }
    }

    pub fn location(&self) -> String {
        format!("https://localhost:{}/{CODE}", self.port)
    }

    pub fn say(&self, text: &str) {
        self.orders.send(Order::Say(text.into())).expect("the server runs");
    }

    pub fn screen(&self, bytes: &[u8]) {
        self.orders.send(Order::Screen(bytes.to_vec().into())).expect("the server runs");
    }

    pub fn hang_up(&self) {
        self.orders.send(Order::HangUp).expect("the server runs");
    }

    pub fn look<T>(&self, look: impl FnOnce(&Heard) -> T) -> T {
        look(&self.heard.heard.lock())
    }

    pub fn wait_until(&self, what: &str, ready: impl Fn(&Heard) -> bool) {
        let mut heard = self.heard.heard.lock();
        let waited = self.heard.changed.wait_while_for(&mut heard, |heard| !ready(heard), LIMIT);
        assert!(
            !waited.timed_out(),
            "{what}: heard {:?}, {} bytes of screen, {} left",
            heard.texts,
            heard.screen.len(),
            heard.left
        );
    }

    pub fn wait_for(&self, part: &str) {
        self.wait_until(part, |heard| heard.has(part));
    }
}

async fn serve(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    manner: Manner,
    ears: Arc<Ears>,
    mut orders: UnboundedReceiver<Order>,
) {
    loop {
        let (tcp, _) = listener.accept().await.expect("the listener stays");
        if manner == Manner::Mute {
            ears.hear(|heard| heard.texts.push("connected".into()));
            std::mem::forget(tcp);
            continue;
        }
        // One who does not trust us is no participant.
        let _ = hold(tcp, &acceptor, manner, &ears, &mut orders).await;
        ears.hear(|heard| heard.left += 1);
    }
}

/// Ends when the participant leaves, the test hangs up, or the line breaks.
async fn hold(
    tcp: TcpStream,
    acceptor: &TlsAcceptor,
    manner: Manner,
    ears: &Ears,
    orders: &mut UnboundedReceiver<Order>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let tls = acceptor.accept(tcp).await?;
    let mut socket = tokio_tungstenite::accept_async(tls).await?;
    loop {
        tokio::select! {
            message = socket.next() => match message.ok_or("closed")?? {
                Message::Text(text) => {
                    ears.hear(|heard| heard.texts.push(text.to_string()));
                    if let Some(answer) = answer(manner, &text) {
                        socket.send(Message::text(answer)).await?;
                    }
                }
                Message::Binary(bytes) => {
                    let taken = ears.hear(|heard| {
                        heard.screen.extend_from_slice(&bytes);
                        heard.screen_messages += 1;
                        heard.screen.len()
                    });
                    if manner == Manner::Kind {
                        socket.send(Message::text(format!(r#"{{"type":"taken","bytes":{taken}}}"#))).await?;
                    }
                }
                _ => {}
            },
            order = orders.recv() => match order.ok_or("the test is over")? {
                Order::Say(text) => socket.send(Message::text(text)).await?,
                Order::Screen(bytes) => socket.send(Message::Binary(bytes)).await?,
                Order::HangUp => return Ok(()),
            },
        }
    }
}

fn answer(manner: Manner, text: &str) -> Option<&'static str> {
    let says = |what: &str| text.contains(&format!(r#""type":"{what}""#));
    match manner {
        Manner::Refusing if says("join") => Some(
            r#"{"type":"refused","reason":"no-meeting","message":"No meeting can be joined with this code."}"#,
        ),
        Manner::Kind if says("present") => Some(r#"{"type":"present_granted"}"#),
        Manner::Kind | Manner::Directed if says("join") => Some(
            r#"{"type":"joined","you":3,"code":"123456789","host":false,"participants":[],"presenter":null,"recording":null,"chat":[]}"#,
        ),
        _ => None,
    }
}

impl Ears {
    fn hear<T>(&self, change: impl FnOnce(&mut Heard) -> T) -> T {
        let result = change(&mut self.heard.lock());
        self.changed.notify_all();
        result
    }
}
