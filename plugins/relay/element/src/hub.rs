//! One UDP port for all relays of the process that name it: the first starts its workers, the last ends them.

mod addresses;
mod clock;
mod dtls;
mod mailbox;
mod socket;
mod tcp;
mod worker;

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Weak, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use convene_relay::{
    Config, ESTIMATED_PEERS_MAX, Identity, IdentityError, Input, PeerId, PeerReport, PicturePacket,
    RoomEvent, RoomId, ShardId, TapId,
};
use parking_lot::Mutex;
use thiserror::Error;

pub use addresses::parse as parse_candidates;
use mailbox::{Command, Mailbox};
use tcp::Connection;
use worker::Worker;

/// A worker that does not answer within this is stuck.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// More workers than this are of no use: a core relays some 200,000 packets a second.
pub const WORKERS_MAX: u32 = 16;

/// Why a hub cannot be started, in sentences for the bus.
#[derive(Debug, Error)]
pub enum HubError {
    /// The port is taken, or the address is not this machine's.
    #[error("UDP port {port} on {address} cannot be opened: {reason}.")]
    Bind {
        /// Which port.
        port: u16,
        /// On which address.
        address: IpAddr,
        /// What the system says.
        reason: io::Error,
    },
    /// The same for the TCP port.
    #[error("TCP port {port} on {address} cannot be opened: {reason}.")]
    BindTcp {
        /// Which port.
        port: u16,
        /// On which address.
        address: IpAddr,
        /// What the system says.
        reason: io::Error,
    },
    /// Another relay of this process has opened the port in another way.
    #[error(
        "Another vp8relay of this process has opened UDP port {port} with another bind-address, other candidates, workers or TCP port."
    )]
    Differs {
        /// Which port.
        port: u16,
    },
    /// The system gives no thread or no event counter.
    #[error("A worker for UDP port {port} cannot be started: {reason}.")]
    Worker {
        /// Which port.
        port: u16,
        /// What the system says.
        reason: io::Error,
    },
    /// There is nothing to announce.
    #[error("This machine has no address to announce; name some in the property candidates.")]
    NoCandidates,
    /// There is no certificate.
    #[error("{0}")]
    Identity(#[from] IdentityError),
}

/// How a port is to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubSettings {
    /// 0 is any free one, for this relay alone.
    pub port: u16,
    /// None is all addresses of both families, or of IPv4 where there is no IPv6.
    pub bind: Option<IpAddr>,
    /// What peers are told; nothing is the machine's own.
    pub candidates: Vec<IpAddr>,
    /// 0 is one a core.
    pub workers: u32,
    /// How peers come whose network lets no UDP through.
    pub tcp: TcpDoor,
}

/// The way in by TCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TcpDoor {
    /// There is none.
    None,
    /// This port is the hub's own; 0 is any free one.
    Own(u16),
    /// Others listen at this port, and hand in the connections that are for the hub.
    Shared(u16),
}

/// What a room's owner is told, on a worker's thread: it must not block.
pub trait RoomListener: Send + Sync {
    /// Something happened.
    fn happened(&self, event: RoomEvent);
}

/// A port and its workers.
pub struct Hub {
    settings: HubSettings,
    port: u16,
    tcp_port: Option<u16>,
    mailboxes: Vec<Arc<Mailbox>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// A relay's place at a hub.
pub struct RoomSeat {
    hub: Arc<Hub>,
    room: RoomId,
}

/// All hubs of the process whose port was named.
static HUBS: LazyLock<Mutex<BTreeMap<u16, Weak<Hub>>>> = LazyLock::new(Mutex::default);
static NEXT_ROOM: AtomicU64 = AtomicU64::new(1);
static NEXT_PEER: AtomicU64 = AtomicU64::new(1);
static NEXT_TAP: AtomicU64 = AtomicU64::new(1);

/// A number for somebody new.
pub fn new_peer() -> PeerId {
    PeerId(NEXT_PEER.fetch_add(1, Ordering::Relaxed))
}

/// A number for a pad that takes a feed.
pub fn new_tap() -> TapId {
    TapId(NEXT_TAP.fetch_add(1, Ordering::Relaxed))
}

impl Hub {
    /// The hub of this port, opened now if it is not yet.
    fn find(settings: &HubSettings) -> Result<Arc<Self>, HubError> {
        if settings.port == 0 {
            return Self::start(settings.clone());
        }
        let mut hubs = HUBS.lock();
        if let Some(hub) = hubs.get(&settings.port).and_then(Weak::upgrade) {
            return if hub.settings == *settings {
                Ok(hub)
            } else {
                Err(HubError::Differs { port: settings.port })
            };
        }
        let hub = Self::start(settings.clone())?;
        hubs.insert(settings.port, Arc::downgrade(&hub));
        Ok(hub)
    }

    fn start(settings: HubSettings) -> Result<Arc<Self>, HubError> {
        let count = worker_count(settings.workers);
        let sockets = socket::open(&settings, count)?;
        let port = sockets.port;
        let failed = |reason| HubError::Worker { port, reason };
        let candidates = addresses::announced(&settings, sockets.address);
        if candidates.is_empty() {
            return Err(HubError::NoCandidates);
        }
        let mut door = open_door(&settings, sockets.address.ip())?;
        let tcp_port = match (&door, settings.tcp) {
            (Some(door), _) => Some(door.local_addr().map_err(failed)?.port()),
            (None, TcpDoor::Shared(port)) => Some(port),
            (None, _) => None,
        };
        let identity = Identity::new(Some(&dtls::OpenSsl))?;
        let mailboxes = (0..count).map(|_| Mailbox::new().map(Arc::new)).collect::<Result<Vec<_>, _>>();
        let mailboxes = mailboxes.map_err(failed)?;
        let (workers, threads) = (mailboxes.clone(), Mutex::default());
        let hub = Arc::new(Self { settings, port, tcp_port, mailboxes, threads });
        let at = |port: u16| candidates.iter().map(move |ip| SocketAddr::new(*ip, port));
        for (number, socket) in sockets.sockets.into_iter().enumerate() {
            let config = Config {
                id: ShardId(number as u8),
                shards: count as u8,
                candidates: at(port).collect(),
                tcp_candidates: tcp_port.into_iter().flat_map(at).collect(),
                identity: identity.clone(),
                estimated_peers_max: ESTIMATED_PEERS_MAX,
            };
            let worker = Worker::new(config, socket, door.take(), workers.clone()).map_err(failed)?;
            let thread = std::thread::Builder::new()
                .name(format!("vp8relay-{number}"))
                .spawn(move || worker.run())
                .map_err(failed)?;
            hub.threads.lock().push(thread);
        }
        Ok(hub)
    }

    fn mailbox(&self, peer: PeerId) -> &Mailbox {
        &self.mailboxes[(peer.0 % self.mailboxes.len() as u64) as usize]
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        for mailbox in &self.mailboxes {
            mailbox.post(Command::Stop);
        }
        for thread in self.threads.lock().drain(..) {
            // The last listener may be dropped by a worker itself, which then ends without being waited for.
            if thread.thread().id() != std::thread::current().id() {
                let _ = thread.join();
            }
        }
    }
}

impl RoomSeat {
    /// Opens a room at the port.
    pub fn take(settings: &HubSettings, listener: &Arc<dyn RoomListener>) -> Result<Self, HubError> {
        let hub = Hub::find(settings)?;
        let room = RoomId(NEXT_ROOM.fetch_add(1, Ordering::Relaxed));
        for mailbox in &hub.mailboxes {
            mailbox.post(Command::Open { room, listener: Arc::clone(listener) });
        }
        Ok(Self { hub, room })
    }

    /// The port that is open.
    pub fn port(&self) -> u16 {
        self.hub.port
    }

    /// The TCP port that peers are told.
    pub fn tcp_port(&self) -> Option<u16> {
        self.hub.tcp_port
    }

    /// Answers a peer's offer; the error is a sentence.
    pub fn offer(&self, peer: PeerId, sdp: String) -> Result<String, String> {
        let (reply, answer) = mpsc::sync_channel(1);
        self.hub.mailbox(peer).post(Command::Offer { room: self.room, peer, sdp, reply });
        match answer.recv_timeout(ANSWER_MAX) {
            Ok(answer) => answer.map_err(|error| error.to_string()),
            Err(_) => Err("The relay does not answer; offer again.".to_owned()),
        }
    }

    /// Tells the worker that a peer is on.
    pub fn tell(&self, peer: PeerId, input: Input<'static>) {
        self.hub.mailbox(peer).post(Command::Input(input));
    }

    /// The same for what may be lost: too much of it is not kept.
    pub fn tell_lossy(&self, peer: PeerId, input: Input<'static>) {
        self.hub.mailbox(peer).post_lossy(Command::Input(input));
    }

    /// Wants a peer's camera.
    pub fn tap(&self, tap: TapId, feed: PeerId) {
        self.tell(feed, Input::Tap { room: self.room, tap, feed });
    }

    /// No longer.
    pub fn untap(&self, tap: TapId, feed: PeerId) {
        self.tell(feed, Input::Untap { room: self.room, tap });
    }

    /// Needs a key frame.
    pub fn tap_keyframe(&self, tap: TapId, feed: PeerId) {
        self.tell(feed, Input::TapKeyframe { room: self.room, tap });
    }

    /// A packet of a camera in this process; too much of it is not kept.
    pub fn supply(&self, feed: PeerId, packet: PicturePacket) {
        self.tell_lossy(feed, Input::Supply { room: self.room, feed, packet });
    }

    /// That camera is over.
    pub fn end_supply(&self, feed: PeerId) {
        self.tell(feed, Input::EndSupply { room: self.room, feed });
    }

    /// Wants a peer's voice, or no longer.
    pub fn tap_voice(&self, peer: PeerId, on: bool) {
        self.tell(peer, Input::TapVoice { room: self.room, peer, on });
    }

    /// No camera may send more bits a second; 0 is no limit.
    pub fn limit_feeds(&self, bitrate: u32) {
        let bitrate = (bitrate != 0).then_some(u64::from(bitrate));
        for mailbox in &self.hub.mailboxes {
            mailbox.post(Command::Input(Input::LimitFeeds { room: self.room, bitrate }));
        }
    }

    /// How all its peers fare.
    pub fn reports(&self) -> Vec<PeerReport> {
        let (reply, reports) = mpsc::channel();
        for mailbox in &self.hub.mailboxes {
            mailbox.post(Command::Report { room: self.room, reply: reply.clone() });
        }
        drop(reply);
        std::iter::from_fn(|| reports.recv_timeout(ANSWER_MAX).ok()).flatten().collect()
    }
}

impl Drop for RoomSeat {
    fn drop(&mut self) {
        for mailbox in &self.hub.mailboxes {
            mailbox.post(Command::Close(self.room));
        }
    }
}

/// Hands a connection that somebody else has accepted to the hub of this UDP port. Where there is no hub, nobody is expected.
pub fn take_connection(port: u16, stream: TcpStream) -> io::Result<()> {
    let hub = HUBS.lock().get(&port).and_then(Weak::upgrade);
    if let Some(hub) = hub {
        let connection = Connection::new(stream, clock::now())?;
        hub.mailboxes[0].post(Command::Connection(Box::new(connection)));
    }
    Ok(())
}

fn open_door(settings: &HubSettings, address: IpAddr) -> Result<Option<TcpListener>, HubError> {
    let TcpDoor::Own(port) = settings.tcp else {
        return Ok(None);
    };
    let door = TcpListener::bind(SocketAddr::new(address, port));
    let door = door.and_then(|door| door.set_nonblocking(true).map(|()| door));
    door.map(Some).map_err(|reason| HubError::BindTcp { port, address, reason })
}

fn worker_count(wanted: u32) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32);
    let count = if wanted == 0 { cores() } else { wanted };
    count.clamp(1, WORKERS_MAX) as usize
}
