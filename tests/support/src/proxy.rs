//! A line in front of a server that can be cut, and that can stall.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How the line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyLine {
    /// Everything passes.
    Open,
    /// Every connection is closed, and every new one at once.
    Cut,
    /// Connections are taken and nothing passes.
    Stalled,
}

/// The line. Dropping it cuts it.
#[derive(Debug)]
pub struct Proxy {
    /// Where clients find it on this machine.
    pub port: u16,
    line: watch::Sender<ProxyLine>,
    connections: Arc<AtomicUsize>,
    _task: JoinSet<()>,
}

impl Proxy {
    /// A line to this port.
    ///
    /// # Panics
    /// When the machine has no port left.
    pub async fn start(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("it is bound").port();
        let line = watch::Sender::new(ProxyLine::Open);
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        let mut task = JoinSet::new();
        let seen = line.subscribe();
        task.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::Relaxed);
                if *seen.borrow() != ProxyLine::Cut {
                    connections.spawn(connect(
                        client,
                        SocketAddr::from(([127, 0, 0, 1], server)),
                        seen.clone(),
                    ));
                }
            }
        });
        Self { port, line, connections, _task: task }
    }

    /// How many connections there were so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Makes it like this from now on.
    pub fn set(&self, line: ProxyLine) {
        self.line.send_replace(line);
    }
}

async fn connect(client: TcpStream, server: SocketAddr, mut line: watch::Receiver<ProxyLine>) {
    let Ok(server) = TcpStream::connect(server).await else { return };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let (up, down) = (line.clone(), line.clone());
    tokio::select! {
        () = carry(from_client, to_server, up) => {}
        () = carry(from_server, to_client, down) => {}
        _ = line.wait_for(|line| *line == ProxyLine::Cut) => {}
    }
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut line: watch::Receiver<ProxyLine>) {
    let mut bytes = vec![0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut bytes).await {
        if line.wait_for(|line| *line == ProxyLine::Open).await.is_err()
            || to.write_all(&bytes[..read]).await.is_err()
        {
            return;
        }
    }
}
