//! A recorder in small: it shows how one talks with the service, and the service's tests run it.
//!
//! It speaks the whole line protocol, joins the meeting as an unlisted receiver, and keeps what it gets by the real spool in the real
//! regions. What it keeps is the screen stream as it comes: no film is made of it, so nothing can play it. `convene record` does that.
//!
//! Its first argument makes it misbehave: `fail` says why and ends, `die` ends without a word after the first blocks, `mute` never starts.

use std::io::{BufRead, Write};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use convene_recordings::{RecorderEvent, RecorderJob, RecorderOrder};
use convene_recordings_store::{BlobStore, RecordingWriter, open};
use futures_util::{SinkExt, StreamExt};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use url::Url;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// How long the regions may take for the rest.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often it says how the regions follow.
const REPORT_INTERVAL: Duration = Duration::from_millis(200);

/// What stands for a file's header and for a header with an index; both are told apart by the tests.
const FIRST: &[u8] = b"first block";
const FIRST_AGAIN: &[u8] = b"first block with an index";

#[tokio::main]
async fn main() {
    let mode = std::env::args().nth(1).unwrap_or_default();
    if let Err(error) = record(&mode).await {
        tell(&RecorderEvent::Failed { message: error.to_string() });
        std::process::exit(1);
    }
}

async fn record(mode: &str) -> Result<(), Failure> {
    let (job, mut orders) = read_job()?;
    match mode {
        "fail" => return Err("The disk of the example is full.".into()),
        "mute" => {
            while orders.recv().await.is_some() {}
            return Ok(());
        }
        _ => {}
    }
    let regions = job.stores.iter().map(open).collect::<Result<Vec<Arc<dyn BlobStore>>, _>>()?;
    let mut writer = RecordingWriter::create(&job.spool, job.id, regions).await?;
    let mut meeting = join(&job).await?;
    writer.put(0, Bytes::from_static(FIRST)).await?;
    tell(&RecorderEvent::Started);

    let mut number = 0;
    let mut bytes = FIRST.len() as u64;
    let mut painted = 0;
    let mut paused = false;
    let regions = writer.progress();
    let mut report = tokio::time::interval(REPORT_INTERVAL);
    loop {
        let message = tokio::select! {
            message = meeting.next() => message,
            _ = report.tick() => {
                tell(&RecorderEvent::Regions { regions: regions.reports() });
                continue;
            }
            order = orders.recv() => match order {
                Some(order) => {
                    paused = order == RecorderOrder::Pause;
                    tell(if paused { &RecorderEvent::Paused } else { &RecorderEvent::Resumed });
                    continue;
                }
                None => break,
            },
        };
        match message {
            Some(Ok(Message::Binary(piece))) => {
                painted += piece.len() as u64;
                if !paused {
                    number += 1;
                    bytes += piece.len() as u64;
                    writer.put(number, piece).await?;
                }
                meeting.send(Message::text(format!(r#"{{"type":"painted","bytes":{painted}}}"#))).await?;
                tell(&RecorderEvent::Progress { duration_ms: u64::from(number) * 1000, bytes });
                if mode == "die" {
                    std::process::exit(3);
                }
            }
            Some(Ok(_)) => {}
            Some(Err(_)) | None => break,
        }
    }
    let bytes = bytes + (FIRST_AGAIN.len() - FIRST.len()) as u64;
    let copies = writer.finish(Bytes::from_static(FIRST_AGAIN), PATIENCE).await?;
    tell(&RecorderEvent::Regions { regions: regions.reports() });
    tell(&RecorderEvent::Finished { duration_ms: u64::from(number) * 1000, bytes, regions: copies });
    Ok(())
}

/// The job is one line, orders are others; the end of the input is the wish to finish.
fn read_job() -> Result<(RecorderJob, UnboundedReceiver<RecorderOrder>), Failure> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    let job = serde_json::from_str(&line)?;
    let (sender, orders) = unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let _ = serde_json::from_str(&line).map(|order| sender.send(order));
        }
    });
    Ok((job, orders))
}

async fn join(job: &RecorderJob) -> Result<WebSocketStream<TlsStream<TcpStream>>, Failure> {
    let server = Url::parse(&job.server)?;
    let host = server.host_str().ok_or("the server has no host")?;
    let port = server.port_or_known_default().ok_or("the server has no port")?;
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(job.ca_file.as_ref().ok_or("no certificate to trust")?)?
    {
        roots.add(certificate?)?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect((host, port)).await?;
    let name = ServerName::try_from(host.to_owned())?;
    let stream = TlsConnector::from(Arc::new(tls)).connect(name, stream).await?;
    let (mut meeting, _) = tokio_tungstenite::client_async(format!("wss://{host}:{port}/ws"), stream).await?;
    let join = serde_json::json!({
        "type": "join", "protocol": 1, "code": job.code, "name": "Recorder", "token": job.token.expose(),
    });
    meeting.send(Message::text(join.to_string())).await?;
    meeting.send(Message::text(r#"{"type":"watch"}"#)).await?;
    Ok(meeting)
}

fn tell(event: &RecorderEvent) {
    let line = serde_json::to_string(event).expect("events have string keys only");
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
